//! What names mean: asked from the system, several at once, within a time that a launch can wait.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long a launch waits for all names.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// The addresses of each name; a name without an answer in time has none.
pub(crate) fn addresses(
    names: BTreeSet<String>,
    patience: Duration,
) -> BTreeMap<String, Vec<IpAddr>> {
    let mut found = BTreeMap::new();
    let (sender, receiver) = mpsc::channel();
    let mut waiting = 0;
    for name in names {
        if is_loopback_name(&name) {
            found.insert(
                name,
                vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            );
        } else if ask(name, sender.clone()) {
            waiting += 1;
        }
    }
    let until = Instant::now() + patience;
    while waiting > 0 {
        let rest = until.saturating_duration_since(Instant::now());
        let Ok((name, addresses)) = receiver.recv_timeout(rest) else {
            break;
        };
        waiting -= 1;
        found.insert(name, addresses);
    }
    found
}

/// RFC 6761: these names never leave the machine.
fn is_loopback_name(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// Asks in a thread of its own: the system's look-up can take longer than anybody waits, and
/// cannot be called off.
fn ask(name: String, answers: mpsc::Sender<(String, Vec<IpAddr>)>) -> bool {
    crate::sys::thread::spawn_quiet(move || {
        let addresses = (name.as_str(), 0).to_socket_addrs();
        let addresses = addresses
            .map(|all| all.map(|a| a.ip()).collect())
            .unwrap_or_default();
        // Nobody listens any more where the answer came too late.
        drop(answers.send((name, addresses)));
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_and_the_unknown_has_no_address() {
        let names = ["localhost", "no-such-host.invalid"].map(str::to_owned);
        let found = addresses(names.into(), PATIENCE);
        assert_eq!(found["localhost"].len(), 2);
        assert!(found.get("no-such-host.invalid").is_none_or(Vec::is_empty));
    }
}
