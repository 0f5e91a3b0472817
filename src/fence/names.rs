//! What names mean: asked from the system, several at once, never longer than a caller waits.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::sys::{socket, thread};

/// How long a launch or a connect waits for names.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

type Answer = (String, Vec<IpAddr>);

/// Names being looked up. Its descriptor is readable when an answer has come.
#[derive(Debug)]
pub(crate) struct Lookup {
    answers: mpsc::Receiver<Answer>,
    awake: UnixStream,
    waiting: usize,
    begun: Instant,
}

impl AsFd for Lookup {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.awake.as_fd()
    }
}

impl Lookup {
    /// Asks for all names, each in a thread of its own: the system's look-up can take longer than
    /// anybody waits, and cannot be called off. `None` where descriptors run out.
    pub(crate) fn begin(names: BTreeSet<String>) -> Option<Lookup> {
        let (awake, wake) = UnixStream::pair().ok()?;
        awake.set_nonblocking(true).ok()?;
        wake.set_nonblocking(true).ok()?;
        let (sender, answers) = mpsc::channel();
        let mut lookup = Lookup {
            answers,
            awake,
            waiting: 0,
            begun: Instant::now(),
        };
        for name in names {
            let Ok(mut wake) = wake.try_clone() else {
                continue;
            };
            let sender: mpsc::Sender<Answer> = sender.clone();
            let asked = thread::spawn_quiet(move || {
                let addresses = addresses(&name);
                // Nobody listens any more where the answer came too late.
                drop(sender.send((name, addresses)));
                let _ = wake.write(&[1]);
            });
            lookup.waiting += usize::from(asked);
        }
        Some(lookup)
    }

    /// The answers that have come.
    pub(crate) fn answers(&mut self) -> Vec<Answer> {
        let mut ignored = [0; 64];
        let _ = std::io::Read::read(&mut &self.awake, &mut ignored);
        let answers: Vec<Answer> = self.answers.try_iter().collect();
        self.waiting -= answers.len().min(self.waiting);
        answers
    }

    /// Whether all have come.
    pub(crate) fn is_over(&self) -> bool {
        self.waiting == 0
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

fn addresses(name: &str) -> Vec<IpAddr> {
    let addresses = (name, 0).to_socket_addrs();
    addresses
        .map(|all| all.map(|address| address.ip()).collect())
        .unwrap_or_default()
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
}
