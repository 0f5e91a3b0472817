//! Database URLs, split by position so that a password never travels with the rest.

use std::fmt;

/// A URL in its parts, still percent-encoded. The password is kept apart and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    /// Scheme, as written.
    pub scheme: String,
    /// User name.
    pub user: Option<String>,
    password: Option<String>,
    /// Host as written (IPv6 with brackets, a host list with commas); `None` where the authority
    /// names none.
    pub host: Option<String>,
    /// Port as written.
    pub port: Option<String>,
    /// Path with its leading slash, or empty.
    pub path: String,
    /// Query parameters in order.
    pub query: Vec<(String, String)>,
    /// Fragment.
    pub fragment: Option<String>,
    /// Whether `//` was there.
    pub has_authority: bool,
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({self})")
    }
}

impl fmt::Display for Url {
    /// The URL without its password and without its query's values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.scheme)?;
        if self.has_authority {
            f.write_str("//")?;
        }
        if let Some(user) = &self.user {
            f.write_str(user)?;
            if self.password.is_some() {
                f.write_str(":****")?;
            }
            f.write_str("@")?;
        }
        f.write_str(self.host.as_deref().unwrap_or(""))?;
        if let Some(port) = &self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(&self.path)?;
        for (at, (key, _)) in self.query.iter().enumerate() {
            write!(f, "{}{key}=****", if at == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

impl Url {
    /// Splits `scheme://user:password@host:port/path?query#fragment`. Generic by design: what a
    /// client makes of odd parts is that client's rule, kept in its resolver. `None` where there
    /// is no scheme.
    pub fn split(text: &str) -> Option<Url> {
        let (scheme, rest) = text.split_once(':')?;
        let valid = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-._".contains(c));
        if !valid {
            return None;
        }
        let (rest, fragment) = match rest.split_once('#') {
            Some((rest, fragment)) => (rest, Some(fragment.to_owned())),
            None => (rest, None),
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut url = Url {
            scheme: scheme.to_owned(),
            user: None,
            password: None,
            host: None,
            port: None,
            path: String::new(),
            query: split_query(query),
            fragment,
            has_authority: false,
        };
        match rest.strip_prefix("//") {
            Some(rest) => {
                url.has_authority = true;
                let slash = rest.find('/').unwrap_or(rest.len());
                url.path = rest[slash..].to_owned();
                url.take_authority(&rest[..slash]);
            }
            None => url.path = rest.to_owned(),
        }
        Some(url)
    }

    /// The same as a browser's `URL` reads it: blanks and control characters around it do not
    /// count, nor do tabs and line ends in it.
    pub fn web(text: &str) -> Option<Url> {
        let text = text.trim_matches(|c: char| c <= ' ');
        Url::split(&text.replace(['\t', '\r', '\n'], ""))
    }

    fn take_authority(&mut self, authority: &str) {
        let (login, place) = match authority.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, authority),
        };
        if let Some(login) = login {
            let (user, password) = match login.split_once(':') {
                Some((user, password)) => (user, Some(password.to_owned())),
                None => (login, None),
            };
            self.user = Some(user.to_owned());
            self.password = password;
        }
        let bracket = place.rfind(']').map_or(0, |at| at + 1);
        let (host, port) = match place[bracket..].rfind(':') {
            Some(colon) => (
                &place[..bracket + colon],
                Some(place[bracket + colon + 1..].to_owned()),
            ),
            None => (place, None),
        };
        self.host = (!host.is_empty()).then(|| host.to_owned());
        self.port = port.filter(|p| !p.is_empty());
    }

    /// Whether a password stands in it.
    pub fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// The last query parameter of that name, still encoded.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .rev()
            .find(|(k, _)| k == name)
            .map(|(_, v)| v.as_str())
    }
}

fn split_query(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|p| !p.is_empty())
        .map(|p| p.split_once('=').unwrap_or((p, "")))
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect()
}

/// Percent-decodes; `+` stays. Broken escapes stay as they are; bytes that are not UTF-8 become
/// U+FFFD.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten();
        let code = hex
            .and_then(|h| std::str::from_utf8(h).ok())
            .and_then(|h| u8::from_str_radix(h, 16).ok());
        match code {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// `host`, `host:port`, `[address]`, `[address]:port`; the port as it is written. `None` where the
/// bracket is not closed.
pub fn host_and_port(place: &str) -> Option<(&str, Option<&str>)> {
    if let Some(inner) = place.strip_prefix('[') {
        let (host, rest) = inner.split_once(']')?;
        return Some((host, rest.strip_prefix(':')));
    }
    Some(match place.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (place, None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_split_by_position() {
        let url =
            Url::split("postgresql://app:p@ss@[::1]:5433/shop?sslmode=require&host=x#f").unwrap();
        assert_eq!(
            (url.scheme.as_str(), url.user.as_deref()),
            ("postgresql", Some("app"))
        );
        assert_eq!(
            (url.host.as_deref(), url.port.as_deref()),
            (Some("[::1]"), Some("5433"))
        );
        assert_eq!(
            (url.path.as_str(), url.parameter("host")),
            ("/shop", Some("x"))
        );
        assert!(url.has_password());
    }

    #[test]
    fn the_password_is_never_shown() {
        let url = Url::split("mysql://u:s3cret@h/db?password=s3cret").unwrap();
        assert!(!format!("{url} {url:?}").contains("s3cret"));
    }

    #[test]
    fn decoding_keeps_broken_escapes() {
        assert_eq!(decode("a%20b%2Fc%zz%4"), "a b/c%zz%4");
    }
}
