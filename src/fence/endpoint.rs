//! Socket addresses as a program passes them to the kernel, decoded and made comparable: one
//! endpoint has one spelling, whatever spelling reached it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The longest address that the kernel takes (`struct sockaddr_storage`).
pub(crate) const LONGEST: usize = 128;

/// Where a socket is asked to connect or send to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// An IP address, canonical, and a port.
    Ip(IpAddr, u16),
    /// A Unix socket by file name, as the program wrote it.
    UnixPath(Vec<u8>),
    /// A Unix socket by a name that is no file.
    UnixAbstract(Vec<u8>),
    /// No address: ends a datagram socket's association.
    Unspecified,
    /// Another address family, by number.
    Other(u16),
}

/// Why bytes are no address: the kernel would answer `EINVAL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnAddress;

impl Endpoint {
    /// Decodes a `struct sockaddr` of that very length.
    ///
    /// # Errors
    /// Too short for its family, or too long for any.
    pub fn decode(bytes: &[u8]) -> Result<Endpoint, NotAnAddress> {
        if bytes.len() > LONGEST {
            return Err(NotAnAddress);
        }
        let (family, rest) = bytes.split_first_chunk::<2>().ok_or(NotAnAddress)?;
        match u16::from_ne_bytes(*family) {
            0 => Ok(Endpoint::Unspecified),
            1 => unix(rest),
            2 => ipv4(rest),
            10 => ipv6(rest),
            other => Ok(Endpoint::Other(other)),
        }
    }

    /// Decodes the address of a datagram: there the kernel takes an unspecified family for IPv4.
    ///
    /// # Errors
    /// As [`Endpoint::decode`].
    pub(crate) fn decode_destination(bytes: &[u8]) -> Result<Endpoint, NotAnAddress> {
        match Endpoint::decode(bytes)? {
            Endpoint::Unspecified => match bytes.get(2..).map(ipv4) {
                Some(Ok(endpoint)) => Ok(endpoint),
                _ => Ok(Endpoint::Unspecified),
            },
            endpoint => Ok(endpoint),
        }
    }
}

fn ipv4(rest: &[u8]) -> Result<Endpoint, NotAnAddress> {
    // The kernel wants all 16 bytes of `sockaddr_in`, the padding too.
    if rest.len() < 14 {
        return Err(NotAnAddress);
    }
    let (port, rest) = rest.split_first_chunk::<2>().ok_or(NotAnAddress)?;
    let address = rest.first_chunk::<4>().ok_or(NotAnAddress)?;
    Ok(Endpoint::Ip(
        canonical(IpAddr::V4(Ipv4Addr::from(*address))),
        u16::from_be_bytes(*port),
    ))
}

fn ipv6(rest: &[u8]) -> Result<Endpoint, NotAnAddress> {
    // 24 bytes with the family: the scope may be left out (RFC 2133).
    let (port, rest) = rest.split_first_chunk::<2>().ok_or(NotAnAddress)?;
    let address = rest
        .get(4..)
        .and_then(|rest| rest.first_chunk::<16>())
        .ok_or(NotAnAddress)?;
    Ok(Endpoint::Ip(
        canonical(IpAddr::V6(Ipv6Addr::from(*address))),
        u16::from_be_bytes(*port),
    ))
}

fn unix(rest: &[u8]) -> Result<Endpoint, NotAnAddress> {
    match rest.split_first() {
        None => Err(NotAnAddress),
        // 108 bytes of name at most.
        Some(_) if rest.len() > 108 => Err(NotAnAddress),
        Some((0, name)) => Ok(Endpoint::UnixAbstract(name.to_vec())),
        Some(_) => {
            let end = rest.iter().position(|&b| b == 0).unwrap_or(rest.len());
            Ok(Endpoint::UnixPath(rest.iter().take(end).copied().collect()))
        }
    }
}

/// The one spelling of an address: IPv4 inside IPv6 (mapped, or translated by NAT64) is IPv4, and
/// "any" means this machine.
pub fn canonical(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) if v4.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            if v6.is_unspecified() {
                return IpAddr::V6(Ipv6Addr::LOCALHOST);
            }
            match v6.to_ipv4_mapped().or_else(|| nat64(v6)) {
                Some(v4) => canonical(IpAddr::V4(v4)),
                None => address,
            }
        }
    }
}

/// The address behind the well-known NAT64 prefix `64:ff9b::/96`.
fn nat64(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.octets() {
        [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] => {
            Some(Ipv4Addr::new(a, b, c, d))
        }
        _ => None,
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Ip(address, port) => SocketAddr::new(*address, *port).fmt(f),
            Endpoint::UnixPath(path) => write!(f, "unix:{}", shown(path)),
            Endpoint::UnixAbstract(name) => write!(f, "unix:@{}", shown(name)),
            Endpoint::Unspecified => f.write_str("unspecified"),
            Endpoint::Other(family) => write!(f, "address family {family}"),
        }
    }
}

/// Foreign bytes fit for a terminal.
fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn v4(address: [u8; 4], port: u16) -> Vec<u8> {
        let mut bytes = 2u16.to_ne_bytes().to_vec();
        bytes.extend(port.to_be_bytes());
        bytes.extend(address);
        bytes.extend([0; 8]);
        bytes
    }

    fn v6(address: &str, port: u16) -> Vec<u8> {
        let mut bytes = 10u16.to_ne_bytes().to_vec();
        bytes.extend(port.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(address.parse::<Ipv6Addr>().unwrap().octets());
        bytes.extend([0; 4]);
        bytes
    }

    #[test]
    fn every_spelling_of_an_address_is_one_endpoint() {
        for (bytes, text) in [
            (v4([10, 0, 0, 9], 5432), "10.0.0.9:5432"),
            (v4([0, 0, 0, 0], 5432), "127.0.0.1:5432"),
            (v6("::ffff:10.0.0.9", 5432), "10.0.0.9:5432"),
            (v6("::ffff:0.0.0.0", 1), "127.0.0.1:1"),
            (v6("64:ff9b::10.0.0.9", 3306), "10.0.0.9:3306"),
            (v6("::", 3306), "[::1]:3306"),
            (v6("2001:db8::1", 3306), "[2001:db8::1]:3306"),
        ] {
            assert_eq!(Endpoint::decode(&bytes).unwrap().to_string(), text);
        }
    }

    #[test]
    fn lengths_are_the_kernels() {
        let full = v4([1, 2, 3, 4], 5);
        assert!(Endpoint::decode(&full[..15]).is_err());
        let full = v6("::1", 5);
        assert!(Endpoint::decode(&full[..23]).is_err());
        assert!(Endpoint::decode(&full[..24]).is_ok());
        assert!(Endpoint::decode(&[]).is_err());
        assert!(Endpoint::decode(&[2]).is_err());
        assert!(Endpoint::decode(&1u16.to_ne_bytes()).is_err());
        assert!(Endpoint::decode(&[0; 129]).is_err());
    }

    #[test]
    fn unix_names_end_where_the_kernel_ends_them() {
        let mut bytes = 1u16.to_ne_bytes().to_vec();
        bytes.extend(b"/run/db\0junk");
        assert_eq!(
            Endpoint::decode(&bytes),
            Ok(Endpoint::UnixPath(b"/run/db".to_vec()))
        );
        let mut bytes = 1u16.to_ne_bytes().to_vec();
        bytes.extend(b"\0name\0\x1b");
        assert_eq!(
            Endpoint::decode(&bytes).unwrap().to_string(),
            r"unix:@name\x00\x1b"
        );
    }

    #[test]
    fn a_datagram_to_no_family_is_ipv4() {
        let mut bytes = v4([10, 0, 0, 9], 53);
        bytes[..2].copy_from_slice(&[0, 0]);
        assert_eq!(Endpoint::decode(&bytes), Ok(Endpoint::Unspecified));
        assert_eq!(
            Endpoint::decode_destination(&bytes).unwrap().to_string(),
            "10.0.0.9:53"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_decode_or_do_not(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(endpoint) = Endpoint::decode(&bytes) {
                prop_assert!(!endpoint.to_string().chars().any(char::is_control));
            }
            let _ = Endpoint::decode_destination(&bytes);
        }

        #[test]
        fn known_families_with_any_body(
            family in prop_oneof![Just(0u16), Just(1), Just(2), Just(10)],
            body in proptest::collection::vec(any::<u8>(), 0..130),
        ) {
            let mut bytes = family.to_ne_bytes().to_vec();
            bytes.extend(body);
            match Endpoint::decode(&bytes) {
                Ok(Endpoint::Ip(address, _)) => {
                    prop_assert_eq!(canonical(address), address);
                    prop_assert!(!address.is_unspecified());
                }
                Ok(Endpoint::UnixPath(path)) => {
                    prop_assert!(!path.is_empty() && !path.contains(&0));
                }
                _ => {}
            }
        }
    }
}
