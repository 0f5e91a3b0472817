//! Who asks: a listener, or the tracer of the tree. What both do is done here, so that the rest
//! need not know which it is.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use super::{LISTENER, Supervisor, TRACED};
use crate::fence::tracer::{Step, Tracer};
use crate::fence::{Prepared, Tier, filter};
use crate::sys::epoll::Interest;
use crate::sys::seccomp::{Answer, Listener, Notification};
use crate::sys::wait::{Change, Used};
use crate::sys::{detach, socket};

/// Notifications served before the launcher's loop gets its turn.
const BATCH: usize = 64;

/// By whom the tree's questions come.
#[derive(Debug)]
pub(super) enum Asker {
    Listener(Listener),
    Tracer(Tracer),
}

impl Asker {
    /// Readable when somebody may ask.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        match self {
            Asker::Listener(listener) => listener.as_fd(),
            Asker::Tracer(tracer) => tracer.descriptor(),
        }
    }
}

impl Prepared {
    /// Takes up the supervision of a child that was seized.
    ///
    /// # Errors
    /// Where descriptors run out.
    pub fn follow(self, child: i32) -> io::Result<Supervisor> {
        let calls = filter::native().ok_or(io::ErrorKind::Unsupported)?;
        let tracer = Tracer::new(child.cast_unsigned(), calls)?;
        let mut supervisor = Supervisor::asked_by(self, Asker::Tracer(tracer), true)?;
        supervisor.tier = Tier::Ptrace;
        supervisor.miss(TRACED);
        Ok(supervisor)
    }
}

impl Supervisor {
    /// Whether no process of the tree is left.
    pub fn is_over(&self) -> bool {
        match &self.asker {
            None => true,
            Some(Asker::Listener(_)) => false,
            Some(Asker::Tracer(tracer)) => tracer.is_over(),
        }
    }

    pub(super) fn tracer(&self) -> Option<&Tracer> {
        match &self.asker {
            Some(Asker::Tracer(tracer)) => Some(tracer),
            _ => None,
        }
    }

    /// Whether the tree is traced: then nobody else may wait for its processes.
    pub fn traces(&self) -> bool {
        self.tracer().is_some()
    }

    /// Whether the child that is traced stands stopped.
    pub fn has_stopped(&self) -> bool {
        self.tracer().is_some_and(Tracer::is_stopped)
    }

    /// What became of the child that is traced; `None` where nothing changed.
    pub fn change(&mut self) -> Option<(Change, Used)> {
        match &mut self.asker {
            Some(Asker::Tracer(tracer)) => tracer.change(),
            _ => None,
        }
    }

    /// Passes on what the traced tree does, and answers what it asks.
    pub(super) fn follow_tree(&mut self) {
        if let Some(tracer) = self.tracer() {
            tracer.listen();
        }
        self.unfinished = false;
        for _ in 0..BATCH {
            let Some(Asker::Tracer(tracer)) = &mut self.asker else {
                return;
            };
            match tracer.step() {
                Step::Nothing => return,
                Step::Passed => {}
                Step::Asked(notification) => {
                    self.ledger.asked += 1;
                    self.answer_question(notification);
                }
            }
        }
        self.unfinished = true;
    }

    /// Goes on serving, in a process of its own, those that outlive the command. Nobody reads
    /// what it sees. Without it their connects would fail.
    pub fn leave_behind(mut self) {
        let listener = match self.asker.take() {
            None => return,
            Some(Asker::Tracer(tracer)) => return self.hand_over(tracer),
            Some(Asker::Listener(listener)) => self.asker.insert(Asker::Listener(listener)),
        };
        let Asker::Listener(listener) = listener else {
            return;
        };
        let mut kept = vec![listener.as_fd().as_raw_fd(), self.epoll.as_fd().as_raw_fd()];
        kept.extend(self.refresh.as_ref().map(|r| r.descriptor().as_raw_fd()));
        for parked in self.parked.values() {
            kept.push(parked.socket.as_raw_fd());
            kept.extend(parked.pinned.as_ref().map(AsRawFd::as_raw_fd));
        }
        detach::leave_behind(&kept, move || {
            // They are closed already, and their numbers may be others' by now.
            std::mem::forget(std::mem::take(&mut self.handles));
            if let Some(refresh) = self.refresh.take() {
                self.epoll.remove(refresh.descriptor());
                for question in refresh.forget_lookup() {
                    self.answer_question(question);
                }
            }
            self.go_on();
        });
    }

    /// The same by another tracer: it takes each over when this one has let it go.
    fn hand_over(mut self, mut tracer: Tracer) {
        for parked in std::mem::take(&mut self.parked).into_values() {
            // The kernel waits on for the connection that was begun.
            tracer.answer(&parked.notification, Answer::Continue);
        }
        let Ok((ours, theirs)) = UnixStream::pair() else {
            return;
        };
        if tracer.is_over() {
            return;
        }
        let kept = [theirs.as_raw_fd(), self.epoll.as_fd().as_raw_fd()];
        tracer.hand_to(ours);
        detach::leave_behind(&kept, move || {
            // They are closed already, and their numbers may be others' by now.
            std::mem::forget(std::mem::take(&mut self.handles));
            std::mem::forget(self.refresh.take());
            let Ok(tracer) = Tracer::succeeding(theirs, self.calls) else {
                return;
            };
            let _ = self
                .epoll
                .add(tracer.descriptor(), LISTENER, Interest::Input);
            self.asker = Some(Asker::Tracer(tracer));
            self.go_on();
        });
    }

    /// Serves until nobody is left.
    fn go_on(&mut self) {
        while !self.is_over() {
            socket::wait_for_input(self.descriptor(), self.patience());
            self.turn();
        }
    }

    pub(super) fn serve(&mut self) {
        for _ in 0..BATCH {
            let Some(Asker::Listener(listener)) = &self.asker else {
                return;
            };
            let (input, gone) = socket::has_input(listener.as_fd());
            if !input {
                if gone {
                    self.epoll.remove(listener.as_fd());
                    self.asker = None;
                }
                return;
            }
            // A caller that is gone already is nothing unusual.
            if let Ok(notification) = listener.receive() {
                self.ledger.asked += 1;
                self.answer_question(notification);
            }
        }
    }

    pub(super) fn is_waiting(&self, notification: &Notification) -> bool {
        match &self.asker {
            None => false,
            Some(Asker::Listener(listener)) => listener.is_waiting(notification.id),
            Some(Asker::Tracer(tracer)) => tracer.is_waiting(notification),
        }
    }

    /// Whether the answer reached the caller.
    pub(super) fn send(&mut self, notification: &Notification, answer: Answer) -> bool {
        match &mut self.asker {
            None => false,
            Some(Asker::Listener(listener)) => listener.send(notification.id, answer).is_ok(),
            Some(Asker::Tracer(tracer)) => tracer.answer(notification, answer),
        }
    }
}
