//! The wall clock.

use std::time::Duration;

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
pub fn now() -> Moment {
    let since = since_1970().unwrap_or_default();
    Moment {
        seconds: since.as_secs(),
        nanos: since.subsec_nanos(),
    }
}

/// How far the local time is east of UTC then, in seconds; 0 where it cannot be said.
#[allow(
    unsafe_code,
    clippy::useless_conversion,
    reason = "localtime_r knows the system's time zone and TZ; its offset has the machine's width"
)]
pub fn offset(moment: Moment) -> i64 {
    let Ok(seconds) = moment.seconds.try_into() else {
        return 0;
    };
    let mut parts = std::mem::MaybeUninit::<libc::tm>::uninit();
    // SAFETY: both pointers are to live memory; the structure is read only where it was filled.
    unsafe {
        match libc::localtime_r(&raw const seconds, parts.as_mut_ptr()).is_null() {
            true => 0,
            false => parts.assume_init().tm_gmtoff.into(),
        }
    }
}

/// By a system call: the way without one, which the C library takes, first has to be found in what
/// the kernel maps for it, and a launch asks three times.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[allow(unsafe_code, reason = "clock_gettime past the C library")]
fn since_1970() -> Option<Duration> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the kernel fills in the live structure, which on 64-bit machines is its own.
    let refused =
        unsafe { libc::syscall(libc::SYS_clock_gettime, libc::CLOCK_REALTIME, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).ok()?;
    let nanos = u32::try_from(time.tv_nsec).ok()?;
    (refused == 0).then(|| Duration::new(seconds, nanos))
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
#[allow(
    clippy::disallowed_methods,
    reason = "the one place that reads the clock"
)]
fn since_1970() -> Option<Duration> {
    use std::time::{SystemTime, UNIX_EPOCH};
    SystemTime::now().duration_since(UNIX_EPOCH).ok()
}
