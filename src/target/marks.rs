//! What the marks make of a target.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Address, Target};
use crate::files::lexical;
use crate::policy::Tier;
use crate::profile::Mark;

/// Framework environments that mean production.
const PRODUCTION_ENVIRONMENTS: &[&str] = &["production", "prod", "live"];
/// Database names that mean production: these, and these behind an underscore.
const PRODUCTION_NAMES: &[&str] = &["production", "prod"];

/// The tier of a target and the mark that gave it. Production wins over disposable.
pub fn tier(target: &Target, marks: &[Mark]) -> (Tier, Option<String>) {
    let hits = || marks.iter().filter(|m| matches(m, target));
    if let Some(mark) = hits().find(|m| m.tier == Tier::Production) {
        return (Tier::Production, Some(mark.source.text().to_owned()));
    }
    if let Some(why) = built_in_production(target) {
        return (Tier::Production, Some(why));
    }
    if let Some(mark) = hits().find(|m| m.tier == Tier::Disposable) {
        return (Tier::Disposable, Some(mark.source.text().to_owned()));
    }
    match built_in_disposable(target) {
        Some(why) => (Tier::Disposable, Some(why)),
        None => (Tier::Unmarked, None),
    }
}

fn built_in_production(target: &Target) -> Option<String> {
    if let Some(environment) = &target.environment {
        let name = environment.value.trim().to_ascii_lowercase();
        if PRODUCTION_ENVIRONMENTS.contains(&name.as_str()) {
            return Some(format!(
                "built-in: the framework environment is `{}`",
                environment.value
            ));
        }
    }
    let name = database_name(target)?.to_ascii_lowercase();
    PRODUCTION_NAMES
        .iter()
        .any(|p| name == *p || name.strip_suffix(p).is_some_and(|stem| stem.ends_with('_')))
        .then(|| format!("built-in: the database is named `{name}`"))
}

fn built_in_disposable(target: &Target) -> Option<String> {
    if matches!(target.address, Address::Memory { .. }) {
        return Some("built-in: a database in memory".to_owned());
    }
    if matches!(
        target.address,
        Address::File { .. } | Address::Identifier { .. }
    ) || !is_local(target)
    {
        return None;
    }
    let name = target.database.as_ref()?.value.to_ascii_lowercase();
    let disposable = name == "test"
        || name.starts_with("test_")
        || name.ends_with("_test")
        || name.ends_with("_testing");
    disposable.then(|| format!("built-in: `{name}` on this machine"))
}

/// The database's name; of a file, its name without the ending.
fn database_name(target: &Target) -> Option<String> {
    match &target.address {
        Address::File { path } => {
            let name = path.value.rsplit('/').next().unwrap_or(&path.value);
            Some(name.split('.').next().unwrap_or(name).to_owned())
        }
        Address::Identifier { name } => Some(name.value.clone()),
        Address::Host { .. } | Address::Socket { .. } | Address::Memory { .. } => {
            target.database.as_ref().map(|d| d.value.clone())
        }
    }
}

/// Whether the target is on loopback, a local socket, in memory, or a file.
pub fn is_local(target: &Target) -> bool {
    match &target.address {
        Address::Host { host, hostaddr, .. } => {
            let really = hostaddr.as_ref().unwrap_or(host);
            is_loopback(&really.value)
        }
        Address::Socket { .. } | Address::Memory { .. } | Address::File { .. } => true,
        Address::Identifier { .. } => false,
    }
}

/// Whether a host as a client takes it is this machine's loopback.
pub fn is_loopback(host: &str) -> bool {
    let host = canonical(host);
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback() || address.is_unspecified(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// A host in the one form in which hosts are compared: lower case, no brackets, no zone, no final
/// dot, mapped IPv4 as IPv4, short IPv4 spellings (`127.1`) written out.
pub fn canonical(host: &str) -> String {
    let host = host
        .trim()
        .trim_start_matches('[')
        .trim_end_matches(']')
        .trim_end_matches('.')
        .to_ascii_lowercase();
    let bare = host.split('%').next().unwrap_or(&host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return unmapped(address).to_string();
    }
    match short_ipv4(bare) {
        Some(address) => address.to_string(),
        None => host,
    }
}

fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// IPv4 as `inet_aton` takes it: one to four numbers, decimal, octal or hex.
fn short_ipv4(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u32> = text.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    if first.len() > 3 || first.iter().any(|p| *p > 255) {
        return None;
    }
    let room = 32 - 8 * u32::try_from(first.len()).ok()?;
    if room < 32 && *last >> room != 0 {
        return None;
    }
    let high = first
        .iter()
        .enumerate()
        .fold(0u32, |sum, (at, p)| sum | p << (24 - 8 * at));
    Some(Ipv4Addr::from(high | last))
}

fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None if text.len() > 1 && text.starts_with('0') => u32::from_str_radix(text, 8).ok(),
        None => text.parse().ok(),
    }
}

/// Whether all that a mark says holds for a target.
pub(super) fn matches(mark: &Mark, target: &Target) -> bool {
    let (host, hostaddr, port) = match &target.address {
        Address::Host {
            host,
            hostaddr,
            port,
        } => (
            Some(&host.value),
            hostaddr.as_ref().map(|h| &h.value),
            port.as_ref().map(|p| p.value),
        ),
        Address::Socket { port, .. } => (None, None, port.as_ref().map(|p| p.value)),
        Address::File { .. } | Address::Memory { .. } | Address::Identifier { .. } => {
            (None, None, None)
        }
    };
    let any_host = |test: &dyn Fn(&str) -> bool| {
        host.is_some_and(|h| test(h)) || hostaddr.is_some_and(|h| test(h))
    };
    let part =
        |given: &Option<String>, test: &dyn Fn(&str) -> bool| given.as_deref().is_none_or(test);
    part(&mark.engine, &|e| {
        target.engine.word() == super::Engine::from_driver(e).word()
    }) && part(&mark.host, &|pattern| any_host(&|h| same_host(pattern, h)))
        && part(&mark.network, &|range| {
            network(range).is_some_and(|n| any_host(&|h| within(&n, h)))
        })
        && part(
            &mark.socket,
            &|path| matches!(&target.address, Address::Socket { path: p, .. } if same_path(path, &p.value)),
        )
        && part(
            &mark.file,
            &|path| matches!(&target.address, Address::File { path: p } if same_path(path, &p.value)),
        )
        && part(
            &mark.identifier,
            &|pattern| matches!(&target.address, Address::Identifier { name } if glob(pattern, &name.value)),
        )
        && part(&mark.database, &|pattern| {
            database_name(target).is_some_and(|d| glob(pattern, &d))
        })
        && part(&mark.environment, &|name| {
            target
                .environment
                .as_ref()
                .is_some_and(|e| glob(name, &e.value))
        })
        && mark
            .port
            .is_none_or(|p| port.or(target.engine.default_port()) == Some(p))
}

fn same_host(pattern: &str, host: &str) -> bool {
    let (pattern, host) = (canonical(pattern), canonical(host));
    glob(&pattern, &host) || (is_loopback(&pattern) && pattern == "localhost" && is_loopback(&host))
}

fn same_path(pattern: &str, path: &str) -> bool {
    let lexical = |p: &str| lexical(p.as_ref()).display().to_string();
    glob(&lexical(pattern), &lexical(path))
}

/// Case-insensitive comparison where `*` stands for any run of characters.
pub fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else {
        return text.is_empty();
    };
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// An address range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: u128,
    bits: u32,
    is_v4: bool,
}

/// Reads `10.0.0.0/8`, `fd00::/8` or a single address.
pub fn network(text: &str) -> Option<Network> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = unmapped(address.parse().ok()?);
    let width = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(width);
    (bits <= width).then(|| Network {
        address: number_of(address),
        bits,
        is_v4: address.is_ipv4(),
    })
}

fn number_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

/// Whether a host that is an address lies in the range; `localhost` counts as its addresses.
pub fn within(network: &Network, host: &str) -> bool {
    let host = canonical(host);
    let addresses = match host.parse::<IpAddr>() {
        Ok(address) => vec![address],
        Err(_) if host == "localhost" => vec![
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ],
        Err(_) => Vec::new(),
    };
    addresses.into_iter().any(|a| {
        let width = if network.is_v4 { 32 } else { 128 };
        let shift = width - network.bits;
        a.is_ipv4() == network.is_v4
            && (shift >= 128 || number_of(a) >> shift == network.address >> shift)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, SourceKind, Sourced};
    use crate::target::Engine;

    fn said<T>(value: T) -> Sourced<T> {
        Sourced::new(value, Source::new(SourceKind::ProjectFile, ".env:1"))
    }

    fn target(host: &str, database: &str) -> Target {
        let address = Address::Host {
            host: said(host.to_owned()),
            port: Some(said(5432)),
            hostaddr: None,
        };
        Target::new(Engine::Postgres, address).database(Some(said(database.to_owned())))
    }

    #[test]
    fn built_in_marks() {
        let table = [
            ("127.0.0.1", "shop_test", Tier::Disposable),
            ("localhost", "test", Tier::Disposable),
            ("db1", "shop_test", Tier::Unmarked),
            ("127.0.0.1", "shop", Tier::Unmarked),
            ("127.0.0.1", "shop_production", Tier::Production),
            ("127.0.0.1", "PROD", Tier::Production),
            ("127.0.0.1", "reprod", Tier::Unmarked),
        ];
        for (host, database, expected) in table {
            assert_eq!(
                tier(&target(host, database), &[]).0,
                expected,
                "{host} {database}"
            );
        }
    }

    #[test]
    fn production_wins_over_disposable() {
        let source = Source::new(SourceKind::UserFile, "config.toml:1");
        let mut disposable = Mark::empty(Tier::Disposable, source.clone());
        disposable.host = Some("*".into());
        let mut production = Mark::empty(Tier::Production, source);
        production.network = Some("10.0.0.0/8".into());
        let marks = [disposable, production];
        assert_eq!(
            tier(&target("10.1.2.3", "shop"), &marks).0,
            Tier::Production
        );
        assert_eq!(
            tier(&target("::ffff:10.1.2.3", "shop"), &marks).0,
            Tier::Production
        );
        assert_eq!(
            tier(&target("192.168.0.1", "shop"), &marks).0,
            Tier::Disposable
        );
    }

    #[test]
    fn hosts_have_one_form() {
        for (text, form) in [
            ("[::1]", "::1"),
            ("127.1", "127.0.0.1"),
            ("0x7f.0.0.1", "127.0.0.1"),
            ("2130706433", "127.0.0.1"),
            ("DB1.Prod.Internal.", "db1.prod.internal"),
            ("::ffff:10.0.0.9", "10.0.0.9"),
        ] {
            assert_eq!(canonical(text), form);
        }
    }

    #[test]
    fn globs() {
        assert!(glob("*.prod.*", "db1.prod.internal") && glob("a*", "A") && glob("x", "X"));
        assert!(!glob("*.prod", "db1.prod.internal") && !glob("a*b", "ac") && !glob("", "a"));
    }
}
