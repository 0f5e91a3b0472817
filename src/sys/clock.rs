//! The wall clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// A moment in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment {
    /// Seconds since 1970.
    pub seconds: u64,
    /// Nanoseconds of the second.
    pub nanos: u32,
}

impl Moment {
    /// Milliseconds since 1970.
    pub fn millis(self) -> u64 {
        self.seconds * 1000 + u64::from(self.nanos) / 1_000_000
    }
}

/// What the clock shows; 1970 where it is set before that.
#[allow(
    clippy::disallowed_methods,
    reason = "the one place that reads the clock"
)]
pub fn now() -> Moment {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Moment {
        seconds: since.as_secs(),
        nanos: since.subsec_nanos(),
    }
}
