//! What passes between a seccomp filter, the calls it holds up and who answers them.

use std::os::fd::RawFd;

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
