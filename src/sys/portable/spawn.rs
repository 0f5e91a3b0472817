//! Starts a program by `fork` and `exec`; errors come back through a pipe. Here the program does
//! not end with the launcher: these systems have nothing that would tell it.

use std::io::{self, PipeWriter, Read};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use super::words::Execution;
pub use super::words::Program;

/// A started child.
#[derive(Debug)]
pub struct Child {
    /// Its process id.
    pub pid: i32,
    /// A descriptor that says nothing: SIGCHLD tells of the child's end.
    pub pidfd: OwnedFd,
    _end: PipeWriter,
}

/// Starts the program. `before_exec` runs in the child just before `exec`: it may make system
/// calls, and must not allocate, lock or panic; with an errno it gives up. What it writes to
/// memory is not seen here.
///
/// # Errors
/// The error of `fork`, of `before_exec`, or of `execve` in the child.
#[allow(unsafe_code, reason = "fork and exec")]
pub fn spawn(
    program: &Program<'_>,
    before_exec: &mut dyn FnMut() -> Result<(), i32>,
) -> io::Result<Child> {
    let execution = Execution::of(program);
    let (mut told, tell) = io::pipe()?;
    let (quiet, end) = io::pipe()?;
    // SAFETY: the child makes only system calls before it executes or ends.
    let pid = unsafe { libc::fork() };
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    if pid == 0 {
        program.signals.restore_dispositions();
        let errno = match before_exec() {
            Err(errno) => errno,
            Ok(()) => {
                program.signals.restore_mask();
                execution.execute()
            }
        };
        give_up(tell.as_raw_fd(), errno)
    }
    drop(tell);
    let mut errno = [0; 4];
    // Closed by `exec` without a word.
    if told.read_exact(&mut errno).is_ok() {
        let _ = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(pid), None);
        return Err(io::Error::from_raw_os_error(i32::from_ne_bytes(errno)));
    }
    Ok(Child {
        pid,
        pidfd: quiet.into(),
        _end: end,
    })
}

#[allow(unsafe_code, reason = "runs between fork and exec")]
fn give_up(tell: RawFd, errno: i32) -> ! {
    let bytes = errno.to_ne_bytes();
    // SAFETY: the bytes outlive the call; the child ends without running anything of the parent's.
    unsafe {
        libc::write(tell, bytes.as_ptr().cast(), bytes.len());
        libc::_exit(127)
    }
}
