//! Names move (a failover, a short time to live): they are looked up again before a connect is
//! refused for not being a target, and once a minute. What a name meant before stays.

use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::{NAMES, Supervisor};
use crate::fence::names::{Lookup, PATIENCE};
use crate::fence::policy::Judgement;
use crate::sys::epoll::Interest;
use crate::sys::seccomp::Notification;

/// At most one look-up in this time for refusals.
const PAUSE: Duration = Duration::from_secs(1);
/// The age at which what is known is looked up again.
const STALE: Duration = Duration::from_secs(60);

/// A look-up under way.
#[derive(Debug)]
pub(super) struct Refresh {
    lookup: Lookup,
    /// Who waits for it.
    pub(super) questions: Vec<Notification>,
}

impl Supervisor {
    /// Whether the caller was made to wait until the names are looked up again.
    pub(super) fn postpone(&mut self, notification: Notification, judgement: &Judgement) -> bool {
        if !judgement.names_may_tell || !self.refresh_names(PAUSE) {
            return false;
        }
        if let Some(refresh) = &mut self.refresh {
            refresh.questions.push(notification);
        }
        true
    }

    /// Keeps what is known about names from growing old.
    pub(super) fn keep_fresh(&mut self) {
        self.refresh_names(STALE);
    }

    /// Starts a look-up unless the last one is younger; whether one is under way.
    fn refresh_names(&mut self, age: Duration) -> bool {
        if self.refresh.is_some() {
            return true;
        }
        if self.looked_up.is_none_or(|at| at.elapsed() < age) {
            return false;
        }
        let Some(lookup) = Lookup::begin(self.policy.remote_names()) else {
            return false;
        };
        if self
            .epoll
            .add(lookup.as_fd(), NAMES, Interest::Input)
            .is_err()
        {
            return false;
        }
        self.refresh = Some(Refresh {
            lookup,
            questions: Vec::new(),
        });
        true
    }

    /// Takes the answers that have come; at the end, or when nobody waits longer, judges anew.
    pub(super) fn take_names(&mut self) {
        let Some(refresh) = &mut self.refresh else {
            return;
        };
        let answers: Vec<(String, Vec<IpAddr>)> = refresh.lookup.answers();
        let over = refresh.lookup.is_over() || refresh.lookup.begun().elapsed() > PATIENCE;
        for (name, addresses) in answers {
            self.policy.learn(&name, addresses);
        }
        if over && let Some(refresh) = self.refresh.take() {
            self.epoll.remove(refresh.lookup.as_fd());
            self.looked_up = Some(Instant::now());
            for notification in refresh.questions {
                self.answer_question(notification);
            }
        }
    }
}

impl Refresh {
    /// What has to stay open for it.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.lookup.as_fd()
    }

    /// Who waits, in a process in which the look-up's pipes are closed already and their numbers
    /// may be others' by now.
    pub(super) fn forget_lookup(self) -> Vec<Notification> {
        std::mem::forget(self.lookup);
        self.questions
    }
}
