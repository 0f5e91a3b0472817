//! A queue of signals: `signalfd(2)`.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::sys::signal::{SigSet, Signal};

use super::signals::Arrived;

/// A descriptor from which blocked signals are read.
#[derive(Debug)]
pub struct SignalQueue(OwnedFd);

impl SignalQueue {
    /// A queue of all signals that can be blocked.
    ///
    /// # Errors
    /// The system's.
    pub fn new() -> io::Result<SignalQueue> {
        SignalQueue::of(&SigSet::all())
    }

    /// A queue of what children do.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn of_children() -> io::Result<SignalQueue> {
        SignalQueue::of(&SigSet::from(Signal::SIGCHLD))
    }

    #[allow(unsafe_code, reason = "signalfd")]
    fn of(signals: &SigSet) -> io::Result<SignalQueue> {
        // SAFETY: the set is live; a new descriptor is returned that nothing else owns.
        unsafe {
            let fd = libc::signalfd(-1, signals.as_ref(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(SignalQueue(OwnedFd::from_raw_fd(fd)))
        }
    }

    /// The next signal; `None` where there is none.
    #[allow(unsafe_code, reason = "reads the kernel's structure")]
    pub fn next(&self) -> Option<Arrived> {
        // SAFETY: the structure is plain numbers, for which all-zero is valid, and the read is
        // bounded by its size.
        unsafe {
            let mut info: libc::signalfd_siginfo = std::mem::zeroed();
            let size = size_of::<libc::signalfd_siginfo>();
            let read = libc::read(self.0.as_raw_fd(), (&raw mut info).cast(), size);
            (usize::try_from(read) == Ok(size)).then_some(Arrived {
                signal: i32::try_from(info.ssi_signo).unwrap_or(0),
                by_process: info.ssi_code <= 0,
                sender: i32::try_from(info.ssi_pid).unwrap_or(0),
            })
        }
    }
}

impl AsFd for SignalQueue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for SignalQueue {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
