//! What passes between a seccomp filter, the calls it holds up and who answers them.

use std::io;
use std::os::fd::RawFd;

use super::wait::Change;

/// One instruction of classic BPF, laid out as the kernel's `struct sock_filter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Instruction {
    pub(crate) code: u16,
    pub(crate) jump_true: u8,
    pub(crate) jump_false: u8,
    pub(crate) value: u32,
}

/// A filter that is in force, seen from the thread that put it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Installed {
    /// The listener's number in the descriptor table of the installing thread.
    pub listener: RawFd,
    /// Once received, a notification's wait ends only by fatal signals.
    pub wait_killable: bool,
}

/// A system call that waits for the supervisor's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Notification {
    /// Names the waiting call.
    pub(crate) id: u64,
    /// The calling thread, in the supervisor's PID namespace; 0 where it is not visible from it.
    pub(crate) thread: u32,
    /// `AUDIT_ARCH_*` of the calling convention.
    pub(crate) architecture: u32,
    /// Number of the system call in that convention.
    pub(crate) number: i32,
    /// Its arguments.
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

/// A system call that a traced thread stands before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Call {
    /// Its number.
    pub(crate) number: i32,
    /// Its arguments.
    pub(crate) arguments: [u64; 6],
}

/// What became of a traced thread. Each but the last leaves it stopped.
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "nothing is traced there")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// It stands before a call that the filter asks about; `true`: one of the other convention.
    Asks(bool),
    /// It stands at the result of a call, see `trace::go_on_to_result`.
    Result,
    /// A signal is about to be delivered.
    Signal(i32),
    /// Its whole process was stopped by that signal.
    Stopped(i32),
    /// It started that thread or process.
    Started(u32),
    /// It runs another program now, and was that thread before.
    Executed(u32),
    /// It is new, was interrupted, or goes on after a stop.
    Passing,
    /// It is gone.
    Ended(Change),
}

/// Why a child could not be traced.
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "nothing is traced there")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// What it did first failed, the filter: errno.
    Before(i32),
    /// It may not be traced: errno.
    Tracing(i32),
    /// Its calls do not stop for us: somebody else answers them.
    Unheard,
}

impl From<Refused> for io::Error {
    fn from(why: Refused) -> Self {
        match why {
            Refused::Before(errno) | Refused::Tracing(errno) => io::Error::from_raw_os_error(errno),
            Refused::Unheard => io::ErrorKind::PermissionDenied.into(),
        }
    }
}
