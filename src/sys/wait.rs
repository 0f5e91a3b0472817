//! Waiting: for descriptors, and for the child.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

/// What became of the child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It ended with this status.
    Exited(i32),
    /// It ended by this signal; with a core dump or not.
    Killed(i32, bool),
    /// It was stopped by this signal.
    Stopped(i32),
    /// It was continued.
    Continued,
}

/// Resources that the child and what it waited for used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// Processor time in user code, milliseconds.
    pub user_ms: u64,
    /// Processor time in the kernel, milliseconds.
    pub system_ms: u64,
    /// Largest resident set, KiB.
    pub max_rss_kb: u64,
    /// Blocks read and written.
    pub blocks: (u64, u64),
    /// Voluntary and involuntary context switches.
    pub switches: (u64, u64),
}

/// The next change of the child; `None` where nothing changed.
pub fn change(pid: i32) -> Option<(Change, Used)> {
    let options = libc::WNOHANG | libc::WUNTRACED | libc::WCONTINUED;
    let (_, status, used) = any(pid, options).ok().flatten()?;
    Some((change_of(status), used))
}

/// What a status of `wait` says.
pub(super) fn change_of(status: i32) -> Change {
    if libc::WIFEXITED(status) {
        Change::Exited(libc::WEXITSTATUS(status))
    } else if libc::WIFSIGNALED(status) {
        Change::Killed(libc::WTERMSIG(status), libc::WCOREDUMP(status))
    } else if libc::WIFSTOPPED(status) {
        Change::Stopped(libc::WSTOPSIG(status))
    } else {
        Change::Continued
    }
}

/// `wait4(2)` for one child or any (-1): which it is, its status, and what it used. `None` where
/// it would have to wait and `options` say not to.
///
/// # Errors
/// The system's.
#[allow(unsafe_code, reason = "wait4 fills in raw structures")]
pub(super) fn any(pid: i32, options: i32) -> io::Result<Option<(i32, i32, Used)>> {
    let mut status = 0;
    // SAFETY: all-zero is a valid `rusage`; both pointers are to live values.
    let (waited, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        (
            libc::wait4(pid, &raw mut status, options, &raw mut usage),
            usage,
        )
    };
    match waited {
        0 => Ok(None),
        pid if pid > 0 => Ok(Some((pid, status, used(&usage)))),
        _ => Err(io::Error::last_os_error()),
    }
}

fn used(usage: &libc::rusage) -> Used {
    fn number(n: impl TryInto<u64>) -> u64 {
        n.try_into().unwrap_or(0)
    }
    let millis = |t: libc::timeval| number(t.tv_sec) * 1000 + number(t.tv_usec) / 1000;
    Used {
        user_ms: millis(usage.ru_utime),
        system_ms: millis(usage.ru_stime),
        max_rss_kb: number(usage.ru_maxrss),
        blocks: (number(usage.ru_inblock), number(usage.ru_oublock)),
        switches: (number(usage.ru_nvcsw), number(usage.ru_nivcsw)),
    }
}

/// Reaps children that are not the launched one: orphans that came to this process as the first
/// of a namespace or as subreaper. `child` is left alone.
#[allow(unsafe_code, reason = "waitid fills in a raw structure")]
pub fn reap_others(child: i32) {
    loop {
        // SAFETY: all-zero is a valid `siginfo_t`; WNOWAIT leaves the process to be waited for.
        let pid = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
            if libc::waitid(libc::P_ALL, 0, &raw mut info, options) != 0 {
                return;
            }
            info.si_pid()
        };
        if pid == 0 || pid == child {
            return;
        }
        let _ = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(pid), None);
    }
}

/// Waits until one of the descriptors is readable (or hung up); says which. Without end, or for
/// `millis` milliseconds.
#[allow(unsafe_code, reason = "poll by number")]
pub fn readable(fds: &[RawFd], millis: Option<i32>) -> Vec<bool> {
    let mut asked: Vec<libc::pollfd> = fds
        .iter()
        .map(|fd| libc::pollfd {
            fd: *fd,
            events: libc::POLLIN,
            revents: 0,
        })
        .collect();
    let count = libc::nfds_t::try_from(asked.len()).unwrap_or(0);
    // SAFETY: the array is live and `count` is its length.
    unsafe {
        libc::poll(asked.as_mut_ptr(), count, millis.unwrap_or(-1));
    }
    asked.iter().map(|p| p.revents != 0).collect()
}

/// Waits until the descriptor has something to read, or that long; `None` waits for ever.
#[allow(unsafe_code, reason = "poll by number")]
pub(crate) fn wait_for_input(fd: BorrowedFd<'_>, limit: Option<Duration>) {
    let mut entry = libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    let limit = limit.map_or(-1, |limit| {
        i32::try_from(limit.as_millis()).unwrap_or(i32::MAX)
    });
    // SAFETY: one entry, which outlives the call.
    unsafe { libc::poll(&raw mut entry, 1, limit) };
}
