//! Seccomp is Linux's: here there is no fence, and whoever asks hears why.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

pub use super::notified::Installed;
pub(crate) use super::notified::{Answer, Instruction, Notification};

/// Why there is no fence on this system.
pub(crate) const MISSING: Option<&str> = Some("this system has no seccomp");

/// Puts nothing in force.
///
/// # Errors
/// `ENOSYS`, always.
pub(crate) fn install(_program: &[Instruction]) -> Result<Installed, i32> {
    Err(libc::ENOSYS)
}

/// Tries nothing.
///
/// # Errors
/// `ENOSYS`, always.
pub(crate) fn attempt(_program: &[Instruction]) -> Result<(), i32> {
    Err(libc::ENOSYS)
}

/// The supervisor's end of a filter.
#[derive(Debug)]
pub(crate) struct Listener(OwnedFd);

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<OwnedFd> for Listener {
    fn from(fd: OwnedFd) -> Self {
        Listener(fd)
    }
}

impl Listener {
    /// Takes over a listener: there is none to be given.
    #[allow(unsafe_code, reason = "a descriptor given by number")]
    pub(crate) fn adopt(listener: RawFd) -> Listener {
        use std::os::fd::FromRawFd;
        // SAFETY: the number would come from a successful `install`.
        Listener(unsafe { OwnedFd::from_raw_fd(listener) })
    }

    /// Does nothing.
    pub(crate) fn wake_in_place(&self) {}

    /// Receives nothing.
    ///
    /// # Errors
    /// Always.
    pub(crate) fn receive(&self) -> io::Result<Notification> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Sends nothing.
    ///
    /// # Errors
    /// Always.
    pub(crate) fn send(&self, _id: u64, _answer: Answer) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Nobody waits.
    pub(crate) fn is_waiting(&self, _id: u64) -> bool {
        false
    }
}
