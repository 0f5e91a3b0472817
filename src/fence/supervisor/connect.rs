//! Connects: judged, and done on a duplicate of the caller's socket.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use super::waiting::{Parked, deadline, is_pending};
use super::{Supervisor, Unread, errno};
use crate::fence::endpoint::Endpoint;
use crate::fence::policy::{Identity, Judgement, Kind, Network, judge_peer};
use crate::fence::report::Outcome;
use crate::fence::server::{self, Socket};
use crate::fence::{Mode, task};
use crate::sys::seccomp::{Answer, Notification};
use crate::sys::{inspect, socket};

/// A repeated call that comes within this time was restarted by a signal.
const RESTART: Duration = Duration::from_millis(1);
/// Sockets remembered for that.
const REMEMBERED: usize = 256;

/// A connect that was judged.
pub(super) struct Attempt {
    pub(super) notification: Notification,
    pub(super) socket: OwnedFd,
    pub(super) connected_type: bool,
    pub(super) bytes: Vec<u8>,
}

impl Attempt {
    /// Connects the duplicate of a socket that never waits: its flags can stay.
    fn connect_at_once(&self, address: &[u8]) -> Result<(), i32> {
        socket::connect_at_once(self.socket.as_fd(), 0, address, true)
    }
}

impl Supervisor {
    pub(super) fn connect(
        &mut self,
        notification: Notification,
        number: RawFd,
        address: u64,
        length: i32,
    ) {
        let native = notification.architecture == self.calls.0.architecture;
        // A traced program of 32 bits cannot be told a result on every processor.
        if self.acts && (native || !self.traces()) {
            match self.handles.duplicate(notification.thread, number) {
                Ok(socket) => self.connect_socket(notification, socket, address, length),
                Err(error) => match error.raw_os_error() {
                    Some(errno @ (9 | 24 | 23)) => {
                        self.send(&notification, Answer::Errno(errno));
                    }
                    _ => self.unjudged(&notification),
                },
            }
            return;
        }
        match self.read_address(&notification, address, length) {
            Ok(bytes) => self.check(&notification, &bytes, Kind::Stream),
            Err(Unread::Errno(errno)) => {
                self.send(&notification, Answer::Errno(errno));
            }
            Err(Unread::Unknown) => self.unjudged(&notification),
        }
    }

    /// Tier emulate: everything from here on is about the duplicate, whatever the number means
    /// in the caller's table later.
    pub(super) fn connect_socket(
        &mut self,
        notification: Notification,
        socket: OwnedFd,
        address: u64,
        length: i32,
    ) {
        let (family, kind) = match (socket::family(socket.as_fd()), socket::kind(socket.as_fd())) {
            (Ok(family), Ok(kind)) => (family, kind),
            (Err(error), _) | (_, Err(error)) => {
                let errno = error.raw_os_error().unwrap_or(errno::EINVAL);
                drop(socket);
                self.send(&notification, Answer::Errno(errno));
                return;
            }
        };
        let bytes = match self.read_address(&notification, address, length) {
            Ok(bytes) => bytes,
            Err(unread) => {
                drop(socket);
                match unread {
                    Unread::Errno(errno) => {
                        self.send(&notification, Answer::Errno(errno));
                    }
                    Unread::Unknown => self.unjudged(&notification),
                }
                return;
            }
        };
        if !self.is_waiting(&notification) {
            return;
        }
        let connected_type = socket::is_connected_type(kind);
        if self.sandboxed || self.has_other_label(notification.thread) {
            drop(socket);
            let kind = if connected_type {
                Kind::Stream
            } else {
                Kind::Probe
            };
            self.check(&notification, &bytes, kind);
            return;
        }
        let attempt = Attempt {
            notification,
            socket,
            connected_type,
            bytes,
        };
        match family {
            socket::INET | socket::INET6 => self.connect_ip(attempt),
            socket::UNIX => self.connect_unix(attempt),
            // Netlink and the like reach nothing but the kernel. Held, it is connected here all the
            // same: by the time the kernel looks, the number could be another socket's.
            _ if self.mode == Mode::Hold && self.has_our_rights(notification.thread) => {
                let result = attempt.connect_at_once(&attempt.bytes);
                self.conclude(attempt.notification, attempt.socket, result);
            }
            _ => {
                drop(attempt.socket);
                self.send(&attempt.notification, Answer::Continue);
            }
        }
    }

    pub(super) fn connect_ip(&mut self, attempt: Attempt) {
        let Ok(endpoint) = Endpoint::decode(&attempt.bytes) else {
            self.refuse(attempt, errno::EINVAL);
            return;
        };
        let Endpoint::Ip(address, port) = endpoint else {
            // Ending an association, or a family that the kernel refuses by itself.
            let result = attempt.connect_at_once(&attempt.bytes);
            self.conclude(attempt.notification, attempt.socket, result);
            return;
        };
        let kind = if attempt.connected_type {
            Kind::Stream
        } else {
            Kind::Probe
        };
        self.keep_fresh();
        let network = self.network_of(attempt.socket.as_fd());
        let judgement = self.policy.judge_within(network, address, port, kind);
        if self.refuses(&judgement) {
            if self.postpone(attempt.notification, &judgement) {
                return;
            }
            let thread = attempt.notification.thread;
            self.ledger
                .note(thread, &endpoint, kind, &judgement, Outcome::Refused);
            self.refuse(attempt, errno::EACCES);
            return;
        }
        self.perform(attempt, &endpoint, kind, &judgement, None);
    }

    pub(super) fn connect_unix(&mut self, attempt: Attempt) {
        let thread = attempt.notification.thread;
        let Ok(endpoint) = Endpoint::decode(&attempt.bytes) else {
            self.refuse(attempt, errno::EINVAL);
            return;
        };
        let pinned = match &endpoint {
            Endpoint::UnixPath(path) => match self.pin(thread, path) {
                Ok(pinned) => Some(pinned),
                Err(errno) => {
                    drop(attempt.socket);
                    self.send(&attempt.notification, self.unpinned(errno));
                    return;
                }
            },
            _ => None,
        };
        let judgement = self.judge_unix(&endpoint, pinned.as_ref().map(|(_, identity)| *identity));
        if self.refuses(&judgement) {
            self.ledger
                .note(thread, &endpoint, Kind::Unix, &judgement, Outcome::Refused);
            self.refuse(attempt, errno::EACCES);
            return;
        }
        // Acting for a task with other rights would lend it ours; and a server that asks who
        // calls should hear the caller where nothing is held.
        if self.mode == Mode::Observe || !self.has_our_rights(thread) {
            let identity = pinned.as_ref().map(|(_, identity)| *identity);
            let judgement = self.with_server(judgement, &endpoint, identity);
            if self.refuses(&judgement) {
                self.ledger
                    .note(thread, &endpoint, Kind::Unix, &judgement, Outcome::Refused);
                return self.refuse(attempt, errno::EACCES);
            }
            drop(attempt.socket);
            self.ledger
                .note(thread, &endpoint, Kind::Unix, &judgement, Outcome::Unseen);
            self.send(&attempt.notification, Answer::Continue);
            return;
        }
        let pinned = pinned.map(|(file, _)| file);
        self.perform(attempt, &endpoint, Kind::Unix, &judgement, pinned);
    }

    pub(super) fn refuse(&mut self, attempt: Attempt, errno: i32) {
        drop(attempt.socket);
        self.send(&attempt.notification, Answer::Errno(errno));
    }

    pub(super) fn has_our_rights(&self, thread: u32) -> bool {
        let theirs = task::Status::read(thread).map(|status| status.rights());
        let own = || task::Status::own().map(|status| status.rights());
        theirs.is_some() && theirs == *self.own_rights.get_or_init(own)
    }

    /// Whether a security module confines a task otherwise than us.
    fn has_other_label(&mut self, thread: u32) -> bool {
        let own = self.own_label.get_or_init(|| task::label("self"));
        let other = own.is_some() && *own != task::label(&thread.to_string());
        if other {
            self.miss("a program is confined by a security module: the kernel connects for it, and an address changed while it is judged is not held");
        }
        other
    }

    pub(super) fn pin(&self, thread: u32, path: &[u8]) -> Result<(OwnedFd, Identity), i32> {
        let errno = |error: io::Error| error.raw_os_error().unwrap_or(errno::EACCES);
        let file = task::pin_path(thread, path).map_err(errno)?;
        let identity = inspect::identity(file.as_fd()).map_err(errno)?;
        Ok((file, identity))
    }

    /// What a caller gets whose path leads to nothing that we can see.
    fn unpinned(&self, errno: i32) -> Answer {
        match self.mode {
            Mode::Hold => Answer::Errno(errno),
            Mode::Observe => Answer::Continue,
        }
    }

    pub(super) fn judge_unix(&self, endpoint: &Endpoint, identity: Option<Identity>) -> Judgement {
        use std::os::unix::fs::MetadataExt;
        self.policy.judge_unix(endpoint, identity, &|path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.dev(), metadata.ino()))
        })
    }

    /// Connects the duplicate, then answers, parks or watches.
    pub(super) fn perform(
        &mut self,
        attempt: Attempt,
        endpoint: &Endpoint,
        kind: Kind,
        judgement: &Judgement,
        pinned: Option<OwnedFd>,
    ) {
        let address = match &pinned {
            // Exactly the pinned file, whatever its path leads to by now.
            Some(file) => {
                let path = format!("/proc/self/fd/{}", file.as_raw_fd());
                socket::unix_address(path.as_bytes())
            }
            None => attempt.bytes.clone(),
        };
        let Ok(flags) = socket::flags(attempt.socket.as_fd()) else {
            return self.refuse(attempt, errno::EINVAL);
        };
        let waits = attempt.connected_type && !socket::is_nonblocking(flags);
        let (first, result) = self.begin(&attempt, &address, waits.then_some(flags));
        let thread = attempt.notification.thread;
        if result.is_ok()
            && judgement.ask_peer
            && let Some(refused) = self.judge_peer(attempt.socket.as_fd())
        {
            socket::shut_down(attempt.socket.as_fd());
            self.ledger
                .note(thread, endpoint, kind, &refused, Outcome::Refused);
            return self.refuse(attempt, errno::EACCES);
        }
        let unfinished = is_pending(result) || waits && is_queue_full(kind, result);
        let outcome = match result {
            Ok(()) => Outcome::Connected,
            Err(_) if socket::has_peer(attempt.socket.as_fd()) => Outcome::Connected,
            Err(_) if unfinished => Outcome::InProgress,
            Err(errno) => Outcome::Failed(errno),
        };
        let contact = self.ledger.note(thread, endpoint, kind, judgement, outcome);
        if unfinished && waits {
            self.park(Parked {
                notification: attempt.notification,
                until: deadline(attempt.socket.as_fd()),
                socket: attempt.socket,
                flags,
                address,
                pinned,
                first,
                ask_peer: judgement.ask_peer,
                contact,
                signalled: false,
            });
        } else if unfinished && outcome == Outcome::InProgress {
            self.watch(attempt.notification, attempt.socket, contact, result);
        } else {
            self.conclude(attempt.notification, attempt.socket, result);
        }
    }

    /// The first errno, and what is known without waiting; `waits` has the flags of a blocking
    /// socket.
    fn begin(
        &mut self,
        attempt: &Attempt,
        address: &[u8],
        waits: Option<i32>,
    ) -> (i32, Result<(), i32>) {
        let Some(flags) = waits else {
            let result = attempt.connect_at_once(address);
            return (result.err().unwrap_or(0), result);
        };
        let (first, mut result) =
            socket::connect_without_waiting(attempt.socket.as_fd(), flags, address);
        if result == Err(errno::EISCONN) && self.was_restarted(attempt) {
            result = Ok(());
        }
        (first, result)
    }

    pub(super) fn judge_peer(&self, socket: BorrowedFd<'_>) -> Option<Judgement> {
        let peer = socket::peer_process(socket).ok()?;
        let refused = judge_peer(&task::name(peer))?;
        self.refuses(&refused).then_some(refused)
    }

    /// The judgement on a Unix socket that the kernel is to connect, with its server's process
    /// where that decides.
    fn with_server(
        &self,
        judgement: Judgement,
        endpoint: &Endpoint,
        identity: Option<Identity>,
    ) -> Judgement {
        let socket = match (identity, endpoint) {
            (Some(identity), _) => Socket::File(identity),
            (None, Endpoint::UnixAbstract(name)) => Socket::Abstract(name),
            _ => return judgement,
        };
        match judgement.ask_peer && self.mode == Mode::Hold {
            true => server::judge(socket).unwrap_or(judgement),
            false => judgement,
        }
    }

    /// Sockets keep the network that they were made in.
    fn network_of(&self, socket: BorrowedFd<'_>) -> Network {
        let own = || socket::network(socket::unix_stream().ok()?.as_fd()).ok();
        match (socket::network(socket), self.own_network.get_or_init(own)) {
            (Ok(network), Some(own)) if network != *own => Network::Other,
            _ => Network::Own,
        }
    }

    /// Answers with the result of a connect. The duplicate goes first: kept open, it would keep
    /// the session open at the server.
    pub(super) fn conclude(
        &mut self,
        notification: Notification,
        socket: OwnedFd,
        result: Result<(), i32>,
    ) {
        let cookie = socket::cookie(socket.as_fd()).unwrap_or(0);
        drop(socket);
        let answer = match result {
            Ok(()) => Answer::Value(0),
            Err(errno) => Answer::Errno(errno),
        };
        let heard = self.send(&notification, answer);
        if result.is_ok() {
            if heard {
                self.answered
                    .push_back((notification.thread, cookie, Instant::now()));
                if self.answered.len() > REMEMBERED {
                    self.answered.pop_front();
                }
            } else {
                if self.unheard.len() > REMEMBERED {
                    self.unheard.clear();
                }
                self.unheard.insert(cookie);
            }
        }
    }

    /// Whether "already connected" is our own doing: a signal took the caller out of its call
    /// before the answer came, and the kernel began the call anew.
    pub(super) fn was_restarted(&mut self, attempt: &Attempt) -> bool {
        let Ok(cookie) = socket::cookie(attempt.socket.as_fd()) else {
            return false;
        };
        let thread = attempt.notification.thread;
        self.unheard.remove(&cookie)
            || self.answered.iter().any(|(who, what, when)| {
                (*who, *what) == (thread, cookie) && when.elapsed() < RESTART
            })
    }

    /// Tier check, and tasks that must not be acted for: judged, then left to the kernel.
    pub(super) fn check(&mut self, notification: &Notification, bytes: &[u8], kind: Kind) {
        let Ok(endpoint) = Endpoint::decode(bytes) else {
            self.send(notification, Answer::Errno(errno::EINVAL));
            return;
        };
        let thread = notification.thread;
        let (judgement, kind) = match &endpoint {
            Endpoint::Ip(address, port) => {
                let network = task::network(thread);
                (
                    self.policy.judge_within(network, *address, *port, kind),
                    kind,
                )
            }
            Endpoint::UnixPath(path) => match self.pin(thread, path) {
                Ok((_, identity)) => {
                    let judgement = self.judge_unix(&endpoint, Some(identity));
                    let judgement = self.with_server(judgement, &endpoint, Some(identity));
                    (judgement, Kind::Unix)
                }
                Err(errno) => {
                    self.send(notification, self.unpinned(errno));
                    return;
                }
            },
            Endpoint::UnixAbstract(_) => {
                let judgement = self.judge_unix(&endpoint, None);
                (self.with_server(judgement, &endpoint, None), Kind::Unix)
            }
            Endpoint::Unspecified | Endpoint::Other(_) => {
                self.send(notification, Answer::Continue);
                return;
            }
        };
        if !self.is_waiting(notification) {
            return;
        }
        if self.refuses(&judgement) && self.postpone(*notification, &judgement) {
            return;
        }
        let (outcome, answer) = match self.refuses(&judgement) {
            true => (Outcome::Refused, Answer::Errno(errno::EACCES)),
            false => (Outcome::Unseen, Answer::Continue),
        };
        self.ledger
            .note(thread, &endpoint, kind, &judgement, outcome);
        self.send(notification, answer);
    }
}

/// A Unix server that does not keep up: a blocking caller waits for room.
fn is_queue_full(kind: Kind, result: Result<(), i32>) -> bool {
    kind == Kind::Unix && result == Err(errno::EAGAIN)
}
