//! Seccomp is Linux's: here there is no fence, and whoever asks hears why.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

/// Why there is no fence on this system.
pub(crate) const MISSING: Option<&str> = Some("this system has no seccomp");

/// One instruction of classic BPF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Instruction {
    pub(crate) code: u16,
    pub(crate) jump_true: u8,
    pub(crate) jump_false: u8,
    pub(crate) value: u32,
}

/// A filter that is in force: never here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Installed {
    /// The listener's number.
    pub listener: RawFd,
    /// Once received, a notification's wait ends only by fatal signals.
    pub wait_killable: bool,
}

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

/// A system call that waits for the supervisor's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Notification {
    pub(crate) id: u64,
    pub(crate) thread: u32,
    pub(crate) architecture: u32,
    pub(crate) number: i32,
    pub(crate) arguments: [u64; 6],
}

/// What the waiting system call gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It returns this value.
    Value(i64),
    /// It fails with this errno.
    Errno(i32),
    /// The kernel does it as if there were no filter.
    Continue,
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
