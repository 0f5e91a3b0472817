//! The descriptors above 2 that this process inherited.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// From here on no descriptor is looked at one by one.
const LOOKED_AT: RawFd = 1024;

/// What an inherited descriptor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DescriptorKind {
    /// A socket of any family.
    Socket,
    /// A kernel object without a file: io_uring, epoll, bpf.
    Anonymous,
    /// A pipe, file, directory, device.
    Plain,
}

/// The end of what is looked at one by one: 1024, or less where this process's table of descriptors
/// ends before. `select` passes over what lies beyond the table (Linux, `core_sys_select`) and
/// complains of what is closed within it: a closed descriptor that it does not complain of lies
/// beyond. A kernel that behaves otherwise costs a longer look, or descriptors that are taken away.
#[allow(unsafe_code, reason = "asks the kernel about descriptors by number")]
pub fn looked_at() -> RawFd {
    let beyond = |fd: RawFd| {
        // SAFETY: F_GETFD takes no pointer; an all-zero set is an empty one, `fd` is below its
        // size, and both structures live through the call.
        unsafe {
            let mut set: libc::fd_set = std::mem::zeroed();
            libc::FD_SET(fd, &raw mut set);
            let mut at_once: libc::timeval = std::mem::zeroed();
            let none = std::ptr::null_mut();
            libc::fcntl(fd, libc::F_GETFD) < 0
                && libc::select(fd + 1, &raw mut set, none, none, &raw mut at_once) == 0
        }
    };
    let sizes = [64, 128, 256, 512];
    sizes
        .into_iter()
        .find(|end| beyond(*end))
        .unwrap_or(LOOKED_AT)
}

/// Open descriptors from 3 to [`looked_at`], with their kinds, in order.
#[allow(unsafe_code, reason = "asks the kernel about descriptors by number")]
pub fn open_above_2() -> Vec<(RawFd, DescriptorKind)> {
    let mut asked: Vec<libc::pollfd> = (3..looked_at())
        .map(|fd| libc::pollfd {
            fd,
            events: 0,
            revents: 0,
        })
        .collect();
    let count = libc::nfds_t::try_from(asked.len()).unwrap_or(0);
    // SAFETY: the array is live and `count` is its length; a time of 0 returns at once.
    let answered = unsafe { libc::poll(asked.as_mut_ptr(), count, 0) };
    // Refused only where the limit on descriptors is below the count: then one by one.
    let is_open = |p: &libc::pollfd| match answered {
        0.. => p.revents & libc::POLLNVAL == 0,
        // SAFETY: F_GETFD takes no pointer.
        _ => unsafe { libc::fcntl(p.fd, libc::F_GETFD) >= 0 },
    };
    asked
        .iter()
        .filter(|p| is_open(p))
        .filter_map(|p| Some((p.fd, kind(p.fd)?)))
        .collect()
}

#[allow(unsafe_code, reason = "fstat by number")]
fn kind(fd: RawFd) -> Option<DescriptorKind> {
    // SAFETY: an all-zero `stat` is valid, live, and filled in by the kernel; F_GETFD takes no
    // pointer.
    let (mode, flags) = unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        if libc::fstat(fd, &raw mut stat) != 0 {
            return None;
        }
        (stat.st_mode, libc::fcntl(fd, libc::F_GETFD))
    };
    if flags & libc::FD_CLOEXEC != 0 {
        return None;
    }
    Some(match mode & libc::S_IFMT {
        libc::S_IFSOCK => DescriptorKind::Socket,
        0 => DescriptorKind::Anonymous,
        _ => DescriptorKind::Plain,
    })
}

/// Marks every descriptor from `first` on so that `exec` closes it. False where the kernel cannot
/// (Linux before 5.11).
pub fn close_on_exec_from(first: RawFd) -> bool {
    super::own::close_on_exec_from(first)
}

/// Marks one descriptor so that `exec` closes it.
#[allow(unsafe_code, reason = "fcntl by number")]
pub fn close_on_exec(fd: RawFd) -> bool {
    // SAFETY: no memory is involved.
    unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) == 0 }
}

/// Keeps all descriptors but the standard ones from a program that is to be started, whatever this
/// process inherited.
#[allow(unsafe_code, reason = "runs between fork and exec")]
pub(super) fn hand_down_none(command: &mut std::process::Command) {
    use std::os::unix::process::CommandExt;
    let close = || {
        if !close_on_exec_from(3) {
            for fd in 3..LOOKED_AT {
                close_on_exec(fd);
            }
        }
        Ok(())
    };
    // SAFETY: the closure only makes system calls.
    unsafe { command.pre_exec(close) };
}

/// Lets a program that is to be started inherit a descriptor under its own number, and no other
/// that is started meanwhile.
#[allow(unsafe_code, reason = "runs between fork and exec")]
pub fn hand_down(command: &mut std::process::Command, fd: RawFd) {
    use std::os::unix::process::CommandExt;
    let open = move || {
        // SAFETY: plain integers; `fcntl` may be called after `fork`.
        match unsafe { libc::fcntl(fd, libc::F_SETFD, 0) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    };
    // SAFETY: the closure only makes one system call.
    unsafe { command.pre_exec(open) };
}

/// What a descriptor leads to, for people: `socket:[123]`, `/path`.
pub fn shown(fd: RawFd) -> String {
    let link = std::fs::read_link(format!("/proc/self/fd/{fd}"));
    link.map_or_else(|_| "unknown".to_owned(), |l| l.display().to_string())
}

/// While it lives, a program that is started gets an empty standard input, standard output where
/// it leads, no standard error and no other descriptor. Afterwards everything is as it was.
#[derive(Debug)]
pub(crate) struct Muted {
    saved: Vec<(RawFd, Option<OwnedFd>)>,
    sealed: Vec<RawFd>,
}

impl Muted {
    /// Redirects the standard descriptors of this process and seals the others.
    ///
    /// # Errors
    /// The system's; then nothing is changed.
    #[allow(unsafe_code, reason = "the standard descriptors by number")]
    pub(crate) fn to(output: BorrowedFd<'_>) -> io::Result<Muted> {
        let nothing = std::fs::File::options()
            .read(true)
            .write(true)
            .open("/dev/null")?;
        let mut muted = Muted {
            saved: Vec::new(),
            sealed: Vec::new(),
        };
        for (fd, to) in [(0, nothing.as_fd()), (1, output), (2, nothing.as_fd())] {
            // SAFETY: the numbers are plain; a new descriptor is owned by nobody else.
            let kept = unsafe {
                let kept = libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3);
                (kept >= 0).then(|| OwnedFd::from_raw_fd(kept))
            };
            // SAFETY: both are open descriptors; what `fd` was is kept.
            if unsafe { libc::dup2(to.as_raw_fd(), fd) } < 0 {
                return Err(io::Error::last_os_error());
            }
            muted.saved.push((fd, kept));
        }
        close_on_exec_from(looked_at());
        for (fd, _) in open_above_2() {
            if !close_on_exec(fd) {
                return Err(io::Error::other("inherited descriptors cannot be closed"));
            }
            muted.sealed.push(fd);
        }
        Ok(muted)
    }
}

impl Drop for Muted {
    #[allow(unsafe_code, reason = "the standard descriptors by number")]
    fn drop(&mut self) {
        for (fd, kept) in self.saved.drain(..) {
            // SAFETY: plain numbers; `kept` is what stood at `fd` before.
            unsafe {
                match kept {
                    Some(kept) => libc::dup2(kept.as_raw_fd(), fd),
                    None => libc::close(fd),
                };
            }
        }
        for fd in self.sealed.drain(..) {
            // SAFETY: F_SETFD takes no pointer.
            unsafe { libc::fcntl(fd, libc::F_SETFD, 0) };
        }
    }
}

/// A copy, above 9, that programs started from now on inherit.
///
/// # Errors
/// The system's: descriptors run out.
#[allow(unsafe_code, reason = "a copy that is not closed on exec")]
pub fn inheritable(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    // SAFETY: F_DUPFD takes no pointer.
    let copy = super::check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD, 10) }.into())?;
    let copy = RawFd::try_from(copy).map_err(io::Error::other)?;
    // SAFETY: the new descriptor is owned by nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Standard input as a file of its own (the offset is shared with descriptor 0).
///
/// # Errors
/// The system's: it is closed, or descriptors run out.
pub fn standard_input() -> std::io::Result<std::fs::File> {
    use std::os::fd::AsFd;
    let copy = std::io::stdin().as_fd().try_clone_to_owned()?;
    Ok(copy.into())
}

/// Puts another file in the place of standard input.
///
/// # Errors
/// The system's.
pub fn replace_standard_input(file: std::os::fd::BorrowedFd<'_>) -> std::io::Result<()> {
    nix::unistd::dup2_stdin(file)?;
    Ok(())
}
