//! Serves the fence: takes each waiting call, judges it, does it on a duplicate of the caller's
//! socket, answers. Never waits: what cannot be answered at once is parked.

mod asker;
mod connect;
mod handles;
mod message;
mod question;
mod refresh;
mod waiting;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::time::{Duration, Instant};

use super::endpoint::LONGEST;
use super::filter::{self, Calls};
use super::names::PATIENCE;
use super::policy::{Judgement, Policy};
use super::report::{Ledger, Report, Status};
use super::task::{self, Rights};
use super::{Mode, Prepared, Tier};
use crate::sys::epoll::{Epoll, Interest};
use crate::sys::limits;
use crate::sys::seccomp::{Answer, Installed, Listener, Notification};
use asker::Asker;
use handles::Handles;
use message::{HEADER, HEADERS};
use question::Question;
use refresh::Refresh;
use waiting::{Parked, SWEEP, WATCH, Watched};

pub(in crate::fence) mod errno {
    pub(in crate::fence) const ENOENT: i32 = 2;
    pub(in crate::fence) const ESRCH: i32 = 3;
    pub(in crate::fence) const EINTR: i32 = 4;
    pub(in crate::fence) const EAGAIN: i32 = 11;
    pub(in crate::fence) const EACCES: i32 = 13;
    pub(in crate::fence) const EINVAL: i32 = 22;
    pub(in crate::fence) const ENOSYS: i32 = 38;
    pub(in crate::fence) const EISCONN: i32 = 106;
    pub(in crate::fence) const EALREADY: i32 = 114;
    pub(in crate::fence) const EINPROGRESS: i32 = 115;
    /// The kernel turns it into `EINTR` or a restart, as the signal's handler asks.
    pub(in crate::fence) const ERESTARTSYS: i32 = 512;
}

const LISTENER: u64 = 0;
const NAMES: u64 = u64::MAX;

/// The launcher's side of a fence in force.
#[derive(Debug)]
pub struct Supervisor {
    mode: Mode,
    tier: Tier,
    calls: (&'static Calls, &'static Calls),
    policy: Policy,
    /// Who is asked; `None` once nobody of the tree is left.
    asker: Option<Asker>,
    /// Connects are made here, on duplicates.
    acts: bool,
    epoll: Epoll,
    wait_killable: bool,
    own_rights: OnceCell<Option<Rights>>,
    own_network: OnceCell<Option<u64>>,
    own_label: OnceCell<Option<Vec<u8>>>,
    ledger: Ledger,
    handles: Handles,
    parked: BTreeMap<u64, Parked>,
    watched: BTreeMap<u64, Watched>,
    next_token: u64,
    swept: Option<Instant>,
    last_swept: u64,
    /// Sockets connected for callers that were interrupted before they heard of it.
    unheard: BTreeSet<u64>,
    /// The last connects answered with success: thread, socket, when.
    answered: VecDeque<(u32, u64, Instant)>,
    missing: Vec<String>,
    refresh: Option<Refresh>,
    /// Where there are names.
    looked_up: Option<Instant>,
    /// A program of the tree has put itself under Landlock: acting for it would lend it rights.
    sandboxed: bool,
    /// There is more to follow than was done in one turn.
    unfinished: bool,
}

const TRACED: &str = "tagout traces the tree, because nobody but a tracer is asked here: in it no program can trace \
    another (gdb, strace, Chromium's sandbox), and when tagout is killed the tree is";

const NO_DUPLICATES: &str = "tagout may not duplicate descriptors here (containers without \
    SYS_PTRACE): an address that a program changes while it is judged is not held";

const OUTLIVED_UNSEEN: &str = "processes outlive the command, and here only their ancestors may \
    look into them (kernel.yama.ptrace_scope): from now on their connects are refused under hold \
    and not seen when observed";

const OUTLIVED_UNTRACED: &str = "processes outlive the command, and here only their ancestors may \
    trace them (kernel.yama.ptrace_scope): from now on their connects fail";

/// What a supervisor could do here, tried on this process.
pub(super) fn attempt(mode: Mode, tier: Tier, policy: &Policy) -> Report {
    let can_duplicate = Epoll::new().is_ok_and(|any| handles::can_duplicate(any.as_fd()));
    let missing = [
        (tier == Tier::Ptrace, TRACED),
        (!can_duplicate, NO_DUPLICATES),
    ];
    let missing = missing.into_iter().filter(|(is_so, _)| *is_so);
    let missing: Vec<String> = missing.map(|(_, what)| what.to_owned()).collect();
    Report {
        tier: match tier {
            Tier::Emulate if !can_duplicate => Tier::Check,
            tier => tier,
        },
        status: match missing.is_empty() {
            true => Status::Full,
            false => Status::Partial,
        },
        limits: policy.limits(),
        ..Report::without(mode, missing)
    }
}

impl Prepared {
    /// Takes up the supervision of the child that installed the filter, in whose descriptor table
    /// (shared with ours until its `exec`) the listener appeared.
    ///
    /// # Errors
    /// Where descriptors run out.
    pub fn supervise(self, installed: Installed) -> io::Result<Supervisor> {
        let listener = Listener::adopt(installed.listener);
        Supervisor::new(self, listener, installed.wait_killable)
    }
}

/// Why an address was not read.
enum Unread {
    /// The caller's mistake.
    Errno(i32),
    /// Its memory is closed to us.
    Unknown,
}

impl Prepared {
    /// Closes the listener of a child that did not start.
    pub fn give_up(self, installed: Installed) {
        drop(Listener::adopt(installed.listener));
    }
}

impl Supervisor {
    pub(crate) fn new(
        prepared: Prepared,
        listener: Listener,
        wait_killable: bool,
    ) -> io::Result<Supervisor> {
        listener.wake_in_place();
        Supervisor::asked_by(prepared, Asker::Listener(listener), wait_killable)
    }

    fn asked_by(prepared: Prepared, asker: Asker, wait_killable: bool) -> io::Result<Supervisor> {
        let calls = filter::native().ok_or(io::ErrorKind::Unsupported)?;
        let names = !prepared.policy.remote_names().is_empty();
        let epoll = Epoll::new()?;
        let source = asker.descriptor();
        epoll.add(source, LISTENER, Interest::Input)?;
        let acts = handles::can_duplicate(source);
        // Each caller that waits for a server takes one.
        limits::open_most_files();
        let mut supervisor = Supervisor {
            mode: prepared.mode,
            tier: Tier::Emulate,
            calls,
            policy: prepared.policy,
            asker: Some(asker),
            acts: true,
            epoll,
            wait_killable,
            own_rights: OnceCell::new(),
            own_network: OnceCell::new(),
            own_label: OnceCell::new(),
            ledger: Ledger::default(),
            handles: Handles::default(),
            parked: BTreeMap::new(),
            watched: BTreeMap::new(),
            next_token: LISTENER + 1,
            swept: None,
            last_swept: 0,
            unheard: BTreeSet::new(),
            answered: VecDeque::new(),
            missing: Vec::new(),
            refresh: None,
            looked_up: names.then(Instant::now),
            sandboxed: false,
            unfinished: false,
        };
        if !acts {
            supervisor.settle_for_check();
        }
        Ok(supervisor)
    }

    /// Goes on without acting for the child: the kernel connects what was judged.
    pub(crate) fn settle_for_check(&mut self) {
        self.acts = false;
        if self.tier == Tier::Emulate {
            self.tier = Tier::Check;
        }
        self.miss(NO_DUPLICATES);
    }

    /// The one descriptor to poll for input.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }

    /// How long a poll may wait before [`Supervisor::turn`] is due; `None`: until the descriptor
    /// is ready.
    pub fn patience(&self) -> Option<Duration> {
        if self.unfinished {
            return Some(Duration::ZERO);
        }
        let parked = (!self.parked.is_empty()).then_some(SWEEP);
        let asking = self.refresh.is_some().then_some(PATIENCE);
        let watched = (!self.watched.is_empty()).then_some(WATCH);
        parked.or(asking).or(watched)
    }

    /// Does what can be done now, without waiting.
    pub fn turn(&mut self) {
        for token in self.epoll.ready() {
            match token {
                LISTENER => self.serve(),
                NAMES => self.take_names(),
                token => self.progress(token),
            }
        }
        self.follow_tree();
        self.take_names();
        self.sweep();
    }

    /// What was seen until now, with a last look at connects in progress.
    pub fn finish(&mut self) -> Report {
        self.turn();
        for watched in std::mem::take(&mut self.watched).into_values() {
            self.end_watch(watched);
        }
        let ledger = std::mem::take(&mut self.ledger);
        if ledger.unjudged > 0 {
            let done = match self.mode {
                Mode::Hold => "were refused",
                Mode::Observe => "went on unseen",
            };
            let count = ledger.unjudged;
            self.miss(&format!(
                "{count} calls could not be looked into and {done}"
            ));
        }
        if !self.is_over() && task::only_ancestors_may_look() {
            self.miss(match self.traces() {
                true => OUTLIVED_UNTRACED,
                false => OUTLIVED_UNSEEN,
            });
        }
        let (asked, unjudged) = (ledger.asked, ledger.unjudged);
        let (contacts, unlisted) = ledger.into_contacts();
        let status = match self.missing.is_empty() {
            true => Status::Full,
            false => Status::Partial,
        };
        Report {
            mode: self.mode,
            tier: self.tier,
            status,
            missing: self.missing.clone(),
            limits: self.policy.limits(),
            contacts,
            unlisted,
            asked,
            unjudged,
            outlived: !self.is_over(),
        }
    }

    fn miss(&mut self, what: &str) {
        if !self.missing.iter().any(|known| known == what) {
            self.missing.push(what.to_owned());
        }
    }

    fn answer_question(&mut self, notification: Notification) {
        let (native, foreign) = self.calls;
        match Question::of(&notification, native, foreign) {
            Question::Connect {
                socket,
                address,
                length,
            } => {
                self.connect(notification, socket, address, length);
            }
            Question::Message { address, length } => {
                let answer = self.judge_message(&notification, address, length);
                self.send(&notification, answer);
            }
            Question::Header { address } => {
                let answer = self.judge_headers(&notification, address, 1, HEADER);
                self.send(&notification, answer);
            }
            Question::Headers { address, count } => {
                let answer = self.judge_headers(&notification, address, count.min(1024), HEADERS);
                self.send(&notification, answer);
            }
            Question::Multiplexed { arguments } => self.multiplexed(notification, arguments),
            Question::Ring => {
                self.miss("a program uses io_uring: connections made through it are not seen");
                self.send(&notification, Answer::Continue);
            }
            Question::OwnSandbox => {
                self.sandboxed = true;
                self.miss("a program put itself under Landlock: the kernel connects for itself from there on, and an address changed while it is judged is not held");
                self.send(&notification, Answer::Continue);
            }
            Question::Unknown => {
                self.send(&notification, Answer::Errno(errno::ENOSYS));
            }
        }
    }

    /// The arguments of a 32-bit `socketcall`, in memory.
    fn multiplexed(&mut self, notification: Notification, arguments: u64) {
        let mut words = [0u8; 12];
        if task::read_memory(notification.thread, arguments, &mut words).is_err() {
            self.unjudged(&notification);
            return;
        }
        let word = |at: usize| {
            let bytes = words.get(at * 4..).and_then(|rest| rest.first_chunk::<4>());
            bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
        };
        self.connect(
            notification,
            word(0) as RawFd,
            word(1).into(),
            word(2) as i32,
        );
    }

    /// Could not be looked into: closed where the fence holds.
    fn unjudged(&mut self, notification: &Notification) {
        if !self.is_waiting(notification) {
            return;
        }
        self.ledger.unjudged += 1;
        let answer = self.unjudged_answer();
        self.send(notification, answer);
    }

    fn unjudged_answer(&self) -> Answer {
        match self.mode {
            Mode::Hold => Answer::Errno(errno::EACCES),
            Mode::Observe => Answer::Continue,
        }
    }

    fn refuses(&self, judgement: &Judgement) -> bool {
        !judgement.allowed && self.mode == Mode::Hold
    }

    fn read_address(
        &self,
        notification: &Notification,
        address: u64,
        length: i32,
    ) -> Result<Vec<u8>, Unread> {
        let length = usize::try_from(length).map_err(|_| Unread::Errno(errno::EINVAL))?;
        if length > LONGEST || length == 0 {
            return Err(Unread::Errno(errno::EINVAL));
        }
        let mut bytes = vec![0; length];
        match task::read_memory(notification.thread, address, &mut bytes) {
            Ok(()) => Ok(bytes),
            Err(error) if error.raw_os_error() == Some(task::EFAULT) => {
                Err(Unread::Errno(task::EFAULT))
            }
            Err(_) => Err(Unread::Unknown),
        }
    }
}
