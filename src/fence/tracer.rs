//! The tree followed by tracing: every thread that asks stands until it is answered, and whatever
//! else stops one (signals, stops of its process, what it starts) is passed on as it came.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::filter::Calls;
use super::task::{self, Status};
use crate::sys::seccomp::{Answer, Notification};
use crate::sys::signals::{self, SignalQueue};
use crate::sys::trace::{self, News};
use crate::sys::wait::{Change, Used};

/// The kernel turns it into `EINTR` or a restart, as the signal's handler asks.
const INTERRUPTED: i32 = 512;
const ENOSYS: i64 = 38;
const KILL: i32 = 9;
/// For so long threads are waited for that are to be let go.
const FAREWELL: Duration = Duration::from_secs(2);

/// What is known of a traced thread.
#[derive(Debug, Default)]
struct Thread {
    /// The thread that started it was heard to have done so.
    announced: bool,
    /// The question that it stands before, and the number of its call.
    asks: Option<(u64, i32)>,
    /// The number of a call that is to look as if a signal had interrupted it.
    interrupted: Option<i32>,
}

/// One step of the tracer.
#[derive(Debug)]
pub(super) enum Step {
    /// There was nothing to do.
    Nothing,
    /// Something was passed on.
    Passed,
    /// A call waits for an answer.
    Asked(Notification),
}

/// The tracer of a tree.
#[derive(Debug)]
pub(super) struct Tracer {
    child: u32,
    calls: (&'static Calls, &'static Calls),
    threads: BTreeMap<u32, Thread>,
    /// Threads that ended before they were announced.
    unannounced: BTreeSet<u32>,
    wake: SignalQueue,
    questions: u64,
    /// How the child ended.
    ended: Option<(Change, Used)>,
    /// Threads that stand stopped with their process, and which that is.
    halted: BTreeMap<u32, u32>,
    /// The child stands stopped: which thread said so, and by which signal.
    stopped: Option<(u32, i32)>,
    /// That was not told yet.
    untold: bool,
    /// Who traces them next hears here of each that is let go.
    successor: Option<UnixStream>,
}

impl Tracer {
    /// For a child that was seized before its `exec`.
    ///
    /// # Errors
    /// Where descriptors run out.
    pub(super) fn new(child: u32, calls: (&'static Calls, &'static Calls)) -> io::Result<Tracer> {
        let first = Thread {
            announced: true,
            ..Thread::default()
        };
        Ok(Tracer {
            child,
            calls,
            threads: BTreeMap::from([(child, first)]),
            unannounced: BTreeSet::new(),
            wake: SignalQueue::of_children()?,
            questions: 0,
            ended: None,
            halted: BTreeMap::new(),
            stopped: None,
            untold: false,
            successor: None,
        })
    }

    /// For what another tracer lets go: it is told of by `from`, and seized at once. What it does
    /// in between fails.
    ///
    /// # Errors
    /// Where descriptors run out.
    pub(super) fn succeeding(
        mut from: UnixStream,
        calls: (&'static Calls, &'static Calls),
    ) -> io::Result<Tracer> {
        signals::hear_of_children()?;
        let mut tracer = Tracer::new(0, calls)?;
        tracer.threads.clear();
        let mut thread = [0; 4];
        while from.read_exact(&mut thread).is_ok() {
            tracer.seize(u32::from_ne_bytes(thread));
            let _ = from.write_all(&[1]);
        }
        let mut seen = BTreeSet::new();
        while let Some(next) = tracer.threads.keys().find(|thread| !seen.contains(*thread)) {
            seen.insert(*next);
            for thread in task::family(*next) {
                tracer.seize(thread);
            }
        }
        let _ = from.write_all(&[1]);
        Ok(tracer)
    }

    fn seize(&mut self, thread: u32) {
        if !self.threads.contains_key(&thread) && trace::seize(thread).is_ok() {
            self.announce(thread);
        }
    }

    /// Has them traced by another process from when they are let go.
    pub(super) fn hand_to(&mut self, successor: UnixStream) {
        let bounded = successor.set_read_timeout(Some(FAREWELL)).is_ok();
        self.successor = bounded.then_some(successor);
    }

    /// Readable when there may be news.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }

    /// Whether nobody is left.
    pub(super) fn is_over(&self) -> bool {
        self.threads.is_empty()
    }

    /// Whether the child stands stopped.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// Whether a process stands stopped, or will when its last thread does.
    pub(super) fn is_halted(&self, process: u32) -> bool {
        self.halted.values().any(|halted| *halted == process)
    }

    /// What the launcher has to know of the child and was not told yet.
    pub(super) fn change(&mut self) -> Option<(Change, Used)> {
        if let Some(ended) = self.ended.take() {
            return Some(ended);
        }
        let untold = std::mem::take(&mut self.untold);
        let (_, signal) = self.stopped.filter(|_| untold)?;
        Some((Change::Stopped(signal), Used::default()))
    }

    /// From here on a new piece of news makes the descriptor readable.
    pub(super) fn listen(&self) {
        while self.wake.next().is_some() {}
    }

    /// Takes the next piece of news.
    pub(super) fn step(&mut self) -> Step {
        let Some((thread, news, used)) = trace::next() else {
            return Step::Nothing;
        };
        if let News::Ended(change) = news {
            self.end(thread, change, used);
            return Step::Passed;
        }
        self.meet(thread, &news);
        match news {
            News::Asks(foreign) => return self.question(thread, foreign),
            News::Result => self.give_result(thread),
            News::Signal(signal) => trace::go_on(thread, signal),
            News::Stopped(signal) => self.stop(thread, signal),
            News::Started(started) => {
                self.announce(started);
                trace::go_on(thread, 0);
            }
            News::Executed(former) => {
                if former != thread {
                    self.forget(former);
                }
                trace::go_on(thread, 0);
            }
            News::Passing | News::Ended(_) => trace::go_on(thread, 0),
        }
        Step::Passed
    }

    /// A thread that stands has no older question, and is not stopped any more.
    fn meet(&mut self, thread: u32, news: &News) {
        self.unannounced.remove(&thread);
        let known = self.threads.entry(thread).or_default();
        known.asks = None;
        self.halted.remove(&thread);
        if !matches!(news, News::Stopped(_)) && self.stopped.is_some_and(|(who, _)| who == thread) {
            self.stopped = None;
        }
    }

    fn announce(&mut self, started: u32) {
        if started != 0 && !self.unannounced.remove(&started) {
            self.threads.entry(started).or_default().announced = true;
        }
    }

    fn forget(&mut self, thread: u32) {
        if let Some(known) = self.threads.remove(&thread)
            && !known.announced
        {
            self.unannounced.insert(thread);
        }
        self.halted.remove(&thread);
        self.stopped = self.stopped.filter(|(who, _)| *who != thread);
    }

    fn end(&mut self, thread: u32, change: Change, used: Used) {
        self.forget(thread);
        if thread == self.child {
            self.ended = Some((change, used));
        }
    }

    fn question(&mut self, thread: u32, foreign: bool) -> Step {
        // A thread that is gone meanwhile tells its end.
        let Ok(call) = trace::call(thread, foreign) else {
            return Step::Passed;
        };
        self.questions += 1;
        let id = self.questions;
        self.threads.entry(thread).or_default().asks = Some((id, call.number));
        let (native, other) = self.calls;
        Step::Asked(Notification {
            id,
            thread,
            architecture: if foreign { other } else { native }.architecture,
            number: call.number,
            arguments: call.arguments,
        })
    }

    fn stop(&mut self, thread: u32, signal: i32) {
        trace::listen(thread);
        let process = Status::read(thread).and_then(|status| status.number("Tgid:"));
        let process = process.unwrap_or(thread);
        self.halted.insert(thread, process);
        if self.stopped.is_none() && process == self.child {
            self.stopped = Some((thread, signal));
            self.untold = true;
        }
    }

    fn give_result(&mut self, thread: u32) {
        let known = self.threads.get_mut(&thread);
        if let Some(number) = known.and_then(|known| known.interrupted.take()) {
            let _ = trace::interrupted(thread, number, -i64::from(INTERRUPTED));
            // Another thread may have taken the signal: the kernel must look, and then restarts it.
            trace::interrupt(thread);
        }
        trace::go_on(thread, 0);
    }

    /// Whether the question still waits.
    pub(super) fn is_waiting(&self, notification: &Notification) -> bool {
        let known = self.threads.get(&notification.thread);
        known.is_some_and(|known| known.asks.is_some_and(|(id, _)| id == notification.id))
    }

    /// Answers a question; whether the caller hears of it.
    pub(super) fn answer(&mut self, notification: &Notification, answer: Answer) -> bool {
        if !self.is_waiting(notification) {
            return false;
        }
        let thread = notification.thread;
        let Some(known) = self.threads.get_mut(&thread) else {
            return false;
        };
        known.asks = None;
        let result = match answer {
            Answer::Continue => {
                trace::go_on(thread, 0);
                return true;
            }
            Answer::Value(value) => value,
            Answer::Errno(errno) => -i64::from(errno),
        };
        if trace::skip(thread, result).is_err() {
            let (native, _) = self.calls;
            // Gone, or a call of 32 bits, which is asked about where nothing is held.
            match notification.architecture == native.architecture {
                true => signals::send(thread.cast_signed(), KILL),
                false => trace::go_on(thread, 0),
            }
            return false;
        }
        if answer == Answer::Errno(INTERRUPTED) {
            known.interrupted = Some(notification.number);
            trace::go_on_to_result(thread);
        } else {
            trace::go_on(thread, 0);
        }
        true
    }

    /// Traces nobody any longer. What waits for an answer fails; who cannot be stopped in time ends
    /// with this process.
    fn let_go(&mut self) {
        let threads: Vec<u32> = self.threads.keys().copied().collect();
        for thread in threads {
            let asks = self.threads.get(&thread).and_then(|known| known.asks);
            match asks {
                Some(_) if trace::skip(thread, -ENOSYS).is_ok() => self.release(thread, 0),
                _ => trace::interrupt(thread),
            }
        }
        let begun = Instant::now();
        while !self.is_over() && begun.elapsed() < FAREWELL {
            self.listen();
            match trace::next() {
                Some((thread, news, _)) => self.part_from(thread, news),
                None => {
                    crate::sys::wait::wait_for_input(
                        self.wake.as_fd(),
                        Some(Duration::from_millis(5)),
                    );
                }
            }
        }
    }

    fn part_from(&mut self, thread: u32, news: News) {
        if !matches!(news, News::Ended(_)) {
            self.meet(thread, &news);
        }
        match news {
            News::Ended(_) => self.forget(thread),
            News::Asks(_) => {
                if trace::skip(thread, -ENOSYS).is_ok() {
                    self.release(thread, 0);
                }
            }
            News::Signal(signal) => self.release(thread, signal),
            News::Started(started) => {
                self.announce(started);
                self.release(thread, 0);
            }
            News::Executed(former) => {
                if former != thread {
                    self.forget(former);
                }
                self.release(thread, 0);
            }
            News::Result => {
                self.give_result(thread);
                trace::interrupt(thread);
            }
            News::Stopped(_) | News::Passing => self.release(thread, 0),
        }
    }

    fn release(&mut self, thread: u32, signal: i32) {
        trace::let_go(thread, signal);
        if let Some(successor) = &mut self.successor {
            // Where there is none, what it asks fails.
            let told = successor.write_all(&thread.to_ne_bytes());
            if told.and_then(|()| successor.read_exact(&mut [0])).is_err() {
                self.successor = None;
            }
        }
        self.forget(thread);
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        self.let_go();
        if let Some(mut successor) = self.successor.take()
            && successor.shutdown(Shutdown::Write).is_ok()
        {
            // It has looked for those that were started meanwhile.
            let _ = successor.read_exact(&mut [0]);
        }
    }
}
