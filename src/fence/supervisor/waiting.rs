//! Connects that have not ended: parked while their caller waits, watched where it does not.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use super::{Supervisor, errno};
use crate::fence::report::{ContactKey, Outcome};
use crate::fence::task::{self, Signalled};
use crate::sys::epoll::Interest;
use crate::sys::seccomp::{Answer, Notification};
use crate::sys::socket;

/// How often parked calls are looked at for signals.
pub(super) const SWEEP: Duration = Duration::from_millis(20);
/// Parked calls looked at in one sweep.
const SWEPT: usize = 64;
/// How long a connect in progress is watched for its outcome.
pub(super) const WATCH: Duration = Duration::from_secs(5);
/// How many of those at once.
const WATCHES: usize = 256;

/// A blocking connect whose caller waits.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) notification: Notification,
    pub(super) socket: OwnedFd,
    pub(super) flags: i32,
    pub(super) address: Vec<u8>,
    /// The file that the address leads to must stay pinned.
    pub(super) pinned: Option<OwnedFd>,
    pub(super) first: i32,
    pub(super) until: Option<Instant>,
    /// The server's name decides once it is connected.
    pub(super) ask_peer: bool,
    pub(super) contact: ContactKey,
    /// At the last look a signal waited for its process. One that still does no other thread takes:
    /// without a signal the caller would see the kernel's own number for a restart.
    pub(super) signalled: bool,
}

/// A connect that goes on without its caller waiting.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) socket: OwnedFd,
    pub(super) until: Instant,
    pub(super) contact: ContactKey,
}

impl Supervisor {
    pub(super) fn token(&mut self) -> u64 {
        self.next_token += 1;
        self.next_token
    }

    pub(super) fn park(&mut self, parked: Parked) {
        let token = self.token();
        // A full queue of a Unix socket cannot be polled for: the sweep tries it again.
        if parked.pinned.is_none() && parked.first != errno::EAGAIN {
            let _ = self
                .epoll
                .add(parked.socket.as_fd(), token, Interest::OutputOnce);
        }
        self.swept.get_or_insert_with(Instant::now);
        self.parked.insert(token, parked);
    }

    pub(super) fn watch(
        &mut self,
        notification: Notification,
        socket: OwnedFd,
        contact: ContactKey,
        result: Result<(), i32>,
    ) {
        let token = self.token();
        let room = self.watched.len() < WATCHES;
        if room
            && self
                .epoll
                .add(socket.as_fd(), token, Interest::OutputOnce)
                .is_ok()
        {
            let until = Instant::now() + WATCH;
            self.swept.get_or_insert_with(Instant::now);
            self.watched.insert(
                token,
                Watched {
                    socket,
                    until,
                    contact,
                },
            );
            self.send(&notification, Answer::Errno(result.err().unwrap_or(0)));
        } else {
            self.conclude(notification, socket, result);
        }
    }

    pub(super) fn progress(&mut self, token: u64) {
        if let Some(watched) = self.watched.remove(&token) {
            self.end_watch(watched);
        } else if let Some(parked) = self.parked.remove(&token) {
            self.retry(token, parked);
        }
    }

    /// Never by reading the socket's error: that is the child's to find.
    pub(super) fn end_watch(&mut self, watched: Watched) {
        let socket = watched.socket.as_fd();
        self.epoll.remove(socket);
        let outcome = match (socket::has_peer(socket), socket::is_settled(socket)) {
            (true, _) => Outcome::Connected,
            (false, true) => Outcome::Failed(0),
            (false, false) => Outcome::InProgress,
        };
        self.ledger.settle(&watched.contact, outcome);
    }

    pub(super) fn retry(&mut self, token: u64, parked: Parked) {
        let result = {
            let socket = parked.socket.as_fd();
            socket::connect_at_once(socket, parked.flags, &parked.address, false)
        };
        let again = is_pending(result) || result == Err(errno::EAGAIN);
        if again {
            self.parked.insert(token, parked);
        } else {
            self.unpark(parked, result);
        }
    }

    pub(super) fn unpark(&mut self, parked: Parked, result: Result<(), i32>) {
        self.epoll.remove(parked.socket.as_fd());
        if result.is_ok() && parked.ask_peer && self.judge_peer(parked.socket.as_fd()).is_some() {
            socket::shut_down(parked.socket.as_fd());
            self.ledger.settle(&parked.contact, Outcome::Refused);
            return self.conclude(parked.notification, parked.socket, Err(errno::EACCES));
        }
        let outcome = match result {
            Ok(()) => Outcome::Connected,
            Err(errno) if is_pending(Err(errno)) => Outcome::InProgress,
            Err(errno) => Outcome::Failed(errno),
        };
        self.ledger.settle(&parked.contact, outcome);
        self.conclude(parked.notification, parked.socket, result);
    }

    /// Looks after parked calls: gone callers, signals, time limits, full queues.
    pub(super) fn sweep(&mut self) {
        let Some(swept) = self.swept else {
            return;
        };
        if swept.elapsed() < SWEEP {
            return;
        }
        let now = Instant::now();
        let idle = self.parked.is_empty() && self.watched.is_empty();
        self.swept = (!idle).then_some(now);
        let after = self
            .parked
            .range(self.last_swept + 1..)
            .map(|(token, _)| *token);
        let mut due: Vec<u64> = after.take(SWEPT).collect();
        self.last_swept = if due.len() < SWEPT {
            0
        } else {
            due.last().copied().unwrap_or(0)
        };
        due.retain(|token| self.parked.contains_key(token));
        let mut halted = BTreeMap::new();
        for token in due {
            if let Some(parked) = self.parked.remove(&token) {
                self.look_after(token, parked, now, &mut halted);
            }
        }
        let late: Vec<u64> = self
            .watched
            .iter()
            .filter(|(_, watched)| watched.until < now)
            .map(|(token, _)| *token)
            .collect();
        for token in late {
            self.progress(token);
        }
    }

    /// `halted`: processes that were looked at in this sweep.
    pub(super) fn look_after(
        &mut self,
        token: u64,
        mut parked: Parked,
        now: Instant,
        halted: &mut BTreeMap<u32, bool>,
    ) {
        if !self.is_waiting(&parked.notification) {
            self.epoll.remove(parked.socket.as_fd());
            return;
        }
        if parked.until.is_some_and(|until| until <= now) {
            // What the kernel says when its own time limit ends the wait.
            let errno = parked.first;
            return self.unpark(parked, Err(errno));
        }
        // Without the kernel's help in waiting, signals end the caller's wait by themselves.
        let status = match self.wait_killable {
            true => task::Status::read(parked.notification.thread),
            false => None,
        };
        let process = status.as_ref().and_then(task::Status::shared_process);
        let halted = process.is_some_and(|process| {
            let asked = || self.is_halted(process);
            *halted.entry(process).or_insert_with(asked)
        });
        let signalled = match status {
            _ if halted => Signalled::Yes,
            Some(status) => status.signalled(self.traces(), task::Status::read),
            None => Signalled::No,
        };
        let stays = parked.signalled && signalled == Signalled::Perhaps;
        parked.signalled = signalled == Signalled::Perhaps;
        if stays || signalled == Signalled::Yes {
            self.epoll.remove(parked.socket.as_fd());
            drop(parked.socket);
            // The kernel restarts no call that has a time limit.
            let errno = match parked.until {
                Some(_) => errno::EINTR,
                None => errno::ERESTARTSYS,
            };
            self.send(&parked.notification, Answer::Errno(errno));
        } else if parked.first == errno::EAGAIN {
            self.retry(token, parked);
        } else {
            self.parked.insert(token, parked);
        }
    }
}

impl Supervisor {
    /// Whether a process of several threads is being stopped: that ends no wait of ours by itself,
    /// and it stands only when all its threads do. A first thread that waits here hears the signal.
    fn is_halted(&self, process: u32) -> bool {
        match self.tracer() {
            Some(tracer) => tracer.is_halted(process),
            None => task::Status::read(process).is_some_and(|first| first.is_stopped()),
        }
    }
}

pub(super) fn is_pending(result: Result<(), i32>) -> bool {
    matches!(result, Err(errno::EINPROGRESS | errno::EALREADY))
}

pub(super) fn deadline(socket: BorrowedFd<'_>) -> Option<Instant> {
    let limit = socket::send_timeout(socket).ok().flatten()?;
    Instant::now().checked_add(limit)
}
