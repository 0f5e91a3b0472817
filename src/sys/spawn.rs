//! Starts a program the way `posix_spawn` does: a child that shares this process's memory until
//! its `exec`, so that no page table is copied and errors come back by value.

use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};

use super::epoll::Epoll;
use super::inspect;
use super::signals::Inherited;
use super::words::Execution;
pub use super::words::Program;

/// A started child.
#[derive(Debug)]
pub struct Child {
    /// Its process id.
    pub pid: i32,
    /// A descriptor that becomes readable when it ends.
    pub pidfd: OwnedFd,
}

/// What the child needs, laid out before it exists: it must not allocate.
struct Orders<'a> {
    execution: Execution<'a>,
    signals: &'a Inherited,
    parent: i32,
    before_exec: &'a mut dyn FnMut() -> Result<(), i32>,
    errno: i32,
}

/// Of which less than 1 KiB is used, unoptimised builds included.
const STACK: usize = 8 * 1024;

/// Starts the program. `before_exec` runs in the child, in this process's memory, just before
/// `exec`: it may make system calls and write to memory it captured, and must not allocate, lock
/// or panic; with an errno it gives up. All signals must be blocked by the caller.
///
/// # Errors
/// The error of `clone`, of `before_exec`, or of `execve` in the child.
#[allow(unsafe_code, reason = "clone and exec")]
pub fn spawn(
    program: &Program<'_>,
    before_exec: &mut dyn FnMut() -> Result<(), i32>,
) -> io::Result<Child> {
    let mut orders = Orders {
        execution: Execution::of(program),
        signals: program.signals,
        parent: nix::unistd::getpid().as_raw(),
        before_exec,
        errno: 0,
    };
    // On this stack, whose pages have been touched: each new one is a page fault.
    let mut stack = [const { std::mem::MaybeUninit::<u8>::uninit() }; STACK];
    let mut pidfd: libc::c_int = -1;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_FILES | libc::SIGCHLD;
    let mut start = |flags| {
        // SAFETY: the child runs `child_main` on a stack of its own, aligned to 16 bytes, in this
        // process's memory, while this thread is suspended until the child has executed or ended
        // (CLONE_VFORK). `orders` outlives it. All signals are blocked, so no handler runs in the
        // shared memory. The descriptor table is shared so that what `before_exec` opens appears
        // here; `exec` gives the child a copy of its own.
        let pid = unsafe {
            let top = stack.as_mut_ptr().cast::<u8>().add(STACK);
            let top = top.sub(top as usize % 16);
            libc::clone(
                child_main,
                top.cast(),
                flags,
                (&raw mut orders).cast(),
                &raw mut pidfd,
            )
        };
        super::check(pid.into())?;
        Ok(pid)
    };
    let pid = match start(flags | libc::CLONE_PIDFD) {
        // gVisor knows no such descriptors.
        Err(error) if is_invalid(&error) => start(flags)?,
        pid => pid?,
    };
    let pidfd = match pidfd {
        // SAFETY: CLONE_PIDFD stored a new descriptor that nothing else owns.
        0.. => unsafe { OwnedFd::from_raw_fd(pidfd) },
        _ => handle(pid)?,
    };
    // SAFETY: the child wrote through a pointer the compiler cannot see.
    let errno = unsafe { (&raw const orders.errno).read_volatile() };
    if errno != 0 {
        let _ = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(pid), None);
        return Err(io::Error::from_raw_os_error(errno));
    }
    Ok(Child { pid, pidfd })
}

fn is_invalid(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EINVAL)
}

/// A descriptor that becomes readable when a child ends; where there are none of that kind, one
/// that says nothing: SIGCHLD tells of it, too.
///
/// # Errors
/// Where descriptors run out.
pub(super) fn handle(pid: i32) -> io::Result<OwnedFd> {
    match inspect::open_process(pid.cast_unsigned()) {
        Ok(handle) => Ok(handle),
        Err(_) => Epoll::new()?.as_fd().try_clone_to_owned(),
    }
}

/// The child's side. Only system calls.
#[allow(unsafe_code, reason = "runs between clone and exec")]
extern "C" fn child_main(orders: *mut libc::c_void) -> libc::c_int {
    // SAFETY: `spawn` passes its own `Orders`, alive and unused by the suspended parent until
    // this function has executed or returned.
    unsafe {
        let orders = &mut *orders.cast::<Orders<'_>>();
        // Ends with the launcher. Checked afterwards: it may have ended before.
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
        if libc::getppid() != orders.parent {
            libc::_exit(127);
        }
        orders.signals.restore_dispositions();
        if let Err(errno) = (orders.before_exec)() {
            (&raw mut orders.errno).write_volatile(errno);
            libc::_exit(127);
        }
        orders.signals.restore_mask();
        let errno = orders.execution.execute();
        (&raw mut orders.errno).write_volatile(errno);
        libc::_exit(127)
    }
}
