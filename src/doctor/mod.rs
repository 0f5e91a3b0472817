//! `tagout doctor`: each protection tried on this machine, with a canary that would get through
//! where it does not work.

mod bench;
pub mod canary;
mod checks;

pub use bench::Bench;
pub use checks::{Circumstances, check};

/// What became of a protection's canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It was held.
    Works,
    /// It was held, but something is missing.
    Partial,
    /// The protection is not set up here; nothing was tried.
    Absent,
    /// It got through.
    Fails,
}

impl Status {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Status::Works => "works",
            Status::Partial => "partial",
            Status::Absent => "not set up",
            Status::Fails => "FAILS",
        }
    }
}

/// One protection, tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub name: &'static str,
    /// What became of its canary.
    pub status: Status,
    /// What was tried, and what was seen.
    pub seen: String,
    /// How to get what is missing.
    pub remedy: Option<String>,
}

impl Finding {
    pub(crate) fn new(name: &'static str, status: Status, seen: impl Into<String>) -> Finding {
        Finding {
            name,
            status,
            seen: seen.into(),
            remedy: None,
        }
    }

    pub(crate) fn remedy(mut self, text: impl Into<String>) -> Finding {
        self.remedy = Some(text.into());
        self
    }
}
