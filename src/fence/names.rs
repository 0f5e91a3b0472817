//! What names mean: asked from the system, several at once, never longer than a caller waits.
//!
//! The system's look-up needs its own libraries and can take longer than anybody waits, so
//! another program makes it: `getent`, or where there is none tagout's companion. The launcher
//! carries no resolver.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::canonical;
use crate::sys::epoll::{Epoll, Interest};
use crate::sys::tool::{self, Awaited};
use crate::sys::{process, socket};

/// How long a launch or a connect waits for names.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// All addresses, also of families that this machine has no address of; libraries without that
/// option, or without this database. 2: there is no such name.
const GETENT: &str = "getent -A ahosts \"$1\" && exit; [ $? -ne 2 ] || exit; \
    getent ahosts \"$1\" || getent hosts \"$1\"";

type Answer = (String, Vec<IpAddr>);

/// Names being looked up. Its descriptor is readable when an answer may have come.
#[derive(Debug)]
pub(crate) struct Lookup {
    asked: Vec<(String, Awaited)>,
    pipes: Epoll,
    begun: Instant,
}

impl AsFd for Lookup {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipes.as_fd()
    }
}

impl Lookup {
    /// Asks for all names at once. `None` where descriptors run out.
    pub(crate) fn begin(names: BTreeSet<String>) -> Option<Lookup> {
        let pipes = Epoll::new().ok()?;
        let mut asked = Vec::new();
        for name in names {
            let Some(answer) = ask(&name) else {
                continue;
            };
            pipes.add(answer.pipe()?, 0, Interest::Input).ok()?;
            asked.push((name, answer));
        }
        Some(Lookup {
            asked,
            pipes,
            begun: Instant::now(),
        })
    }

    /// The answers that have come.
    pub(crate) fn answers(&mut self) -> Vec<Answer> {
        let mut answers = Vec::new();
        self.asked.retain_mut(|(name, asked)| {
            let answer = asked.answer().map(addresses);
            let waits = answer.is_none();
            answers.extend(answer.map(|addresses| (std::mem::take(name), addresses)));
            waits
        });
        answers
    }

    /// Whether all have come.
    pub(crate) fn is_over(&self) -> bool {
        self.asked.is_empty()
    }

    /// When it began.
    pub(crate) fn begun(&self) -> Instant {
        self.begun
    }

    /// Waits for all answers, or that long.
    pub(crate) fn wait(mut self, patience: Duration) -> Vec<Answer> {
        let mut all = self.answers();
        while !self.is_over() && self.begun.elapsed() < patience {
            let rest = patience.saturating_sub(self.begun.elapsed());
            socket::wait_for_input(self.as_fd(), Some(rest));
            all.extend(self.answers());
        }
        all
    }
}

/// Starts the look-up of a name; `None` where nothing can look it up.
fn ask(name: &str) -> Option<Awaited> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) || byte > 127;
    if name.is_empty() || name.starts_with('-') || !name.bytes().all(is_name) {
        return None;
    }
    match (tool::find("sh"), tool::find("getent")) {
        (Some(shell), Some(_)) => Awaited::start(&shell, &["-c", GETENT, "sh", name]),
        _ => Awaited::start(
            &process::beside("tagout-companion").ok()?,
            &["addresses", name],
        ),
    }
    .ok()
}

/// The first word of each line that is an address.
fn addresses(text: &[u8]) -> Vec<IpAddr> {
    let text = String::from_utf8_lossy(text);
    let words = text
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let all: BTreeSet<IpAddr> = words
        .filter_map(|word| word.split('%').next()?.parse().ok())
        .map(canonical)
        .collect();
    all.into_iter().collect()
}

/// The addresses of names that never leave the machine (RFC 6761).
pub(crate) fn of_loopback(name: &str) -> Option<[IpAddr; 2]> {
    let own = name == "localhost" || name.ends_with(".localhost");
    own.then(|| [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_and_the_unknown_has_no_address() {
        assert!(of_loopback("app.localhost").is_some());
        assert!(of_loopback("localhost.example").is_none());
        let names = BTreeSet::from(["no-such-host.invalid".to_owned()]);
        let found = Lookup::begin(names).unwrap().wait(PATIENCE);
        assert!(found.iter().all(|(_, addresses)| addresses.is_empty()));
    }

    #[test]
    fn the_system_is_asked_for_names_and_only_for_names() {
        let names = ["ip6-localhost", "localhost", "-A", "", "a b", "$(id)"];
        let names = names.map(str::to_owned).into();
        let found = Lookup::begin(names).unwrap().wait(PATIENCE);
        let of = |name: &str| found.iter().find(|(own, _)| own == name);
        assert!(
            of("localhost")
                .unwrap()
                .1
                .contains(&Ipv4Addr::LOCALHOST.into())
        );
        assert!(found.iter().all(|(name, _)| name.ends_with("localhost")));
    }

    #[test]
    fn answers_are_read_whoever_gives_them() {
        let glibc =
            b"93.184.216.34   STREAM example.com\n93.184.216.34   DGRAM\n2001:db8::1     RAW\n";
        let musl = b"fe80::1%eth0  example.com\nnot-an-address x\n\n";
        let of = |text: &[u8]| {
            addresses(text)
                .iter()
                .map(IpAddr::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(of(glibc), ["93.184.216.34", "2001:db8::1"]);
        assert_eq!(of(musl), ["fe80::1"]);
    }
}
