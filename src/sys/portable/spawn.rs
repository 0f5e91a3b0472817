//! Starts a program by `fork` and `exec`; errors come back through a pipe. Here the program does
//! not end with the launcher: these systems have nothing that would tell it.

use std::ffi::CStr;
use std::io::{self, PipeWriter, Read};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

pub use super::words::Program;
use super::words::{pointers, shell_words};

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
    let argv = pointers(program.argv.iter());
    let environment = pointers(program.environment.iter());
    let shell_argv = shell_words(program);
    let (mut told, tell) = io::pipe()?;
    let (quiet, end) = io::pipe()?;
    // SAFETY: the child makes only system calls before it executes or ends.
    let pid = unsafe { libc::fork() };
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    if pid == 0 {
        // SAFETY: all pointers are to NUL-terminated strings or NULL-terminated arrays of such,
        // copied with this process's memory.
        unsafe {
            program.signals.restore_dispositions();
            let errno = match before_exec() {
                Err(errno) => errno,
                Ok(()) => {
                    program.signals.restore_mask();
                    execute(program.path, &argv, &environment, &shell_argv)
                }
            };
            give_up(tell.as_raw_fd(), errno)
        }
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

/// # Safety
/// All pointers are to NUL-terminated strings; the arrays end with NULL.
#[allow(unsafe_code, reason = "runs between fork and exec")]
unsafe fn execute(
    path: &CStr,
    argv: &[*const libc::c_char],
    environment: &[*const libc::c_char],
    shell_argv: &[*const libc::c_char],
) -> i32 {
    // SAFETY: as the caller promises.
    unsafe { libc::execve(path.as_ptr(), argv.as_ptr(), environment.as_ptr()) };
    let errno = nix::errno::Errno::last_raw();
    if errno == libc::ENOEXEC {
        // SAFETY: as the caller promises.
        unsafe {
            libc::execve(
                c"/bin/sh".as_ptr(),
                shell_argv.as_ptr(),
                environment.as_ptr(),
            )
        };
    }
    errno
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
