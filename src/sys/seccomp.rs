//! Seccomp filters and their user notifications: `seccomp(2)`, `seccomp_unotify(2)`.
#![allow(
    unsafe_code,
    reason = "system calls that our crates have no safe wrapper for"
)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use super::check;

pub use super::notified::Installed;
pub(crate) use super::notified::{Answer, Instruction, Notification};

/// Why there is no fence on this system.
pub(crate) const MISSING: Option<&str> = None;

/// Puts `program` in force for the calling thread and all it starts. For a freshly cloned child:
/// only system calls, no allocation, no locks.
///
/// Root keeps its set-uid programs (`sudo` in containers); anyone else has to give them up.
///
/// # Errors
/// The kernel's errno: `EBUSY` where the thread is under another listener, `EINVAL`, `ENOSYS` and
/// `EPERM` where listeners are not to be had.
pub(crate) fn install(program: &[Instruction]) -> Result<Installed, i32> {
    with_rights(|| install_with(program))
}

/// The same without a listener.
///
/// # Errors
/// As [`install`].
pub(super) fn install_traced(program: &[Instruction]) -> Result<(), i32> {
    with_rights(|| {
        match set_filter(program, libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW) {
            Err(libc::EINVAL) => set_filter(program, 0),
            result => result,
        }
        .map(drop)
    })
}

fn with_rights<T>(install: impl Fn() -> Result<T, i32>) -> Result<T, i32> {
    // SAFETY: geteuid has no preconditions.
    let root = unsafe { libc::geteuid() } == 0;
    if !root {
        forgo_new_privileges()?;
    }
    match install() {
        Err(libc::EACCES) if root => {
            forgo_new_privileges()?;
            install()
        }
        result => result,
    }
}

/// No program that this thread starts gains rights by its file from here on.
pub(super) fn forgo_new_privileges() -> Result<(), i32> {
    // SAFETY: PR_SET_NO_NEW_PRIVS takes plain integers and touches no memory of ours.
    match unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } {
        0 => Ok(()),
        _ => Err(errno()),
    }
}

fn install_with(program: &[Instruction]) -> Result<Installed, i32> {
    let listener = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    let killable = listener | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    for (flags, wait_killable) in [(killable, true), (listener, false)] {
        match set_filter(program, flags) {
            Ok(listener) => {
                return Ok(Installed {
                    listener,
                    wait_killable,
                });
            }
            Err(libc::EINVAL) => {}
            Err(errno) => return Err(errno),
        }
    }
    Err(libc::EINVAL)
}

fn set_filter(program: &[Instruction], flags: libc::c_ulong) -> Result<RawFd, i32> {
    let program = libc::sock_fprog {
        len: u16::try_from(program.len()).map_err(|_| libc::EINVAL)?,
        filter: program.as_ptr().cast_mut().cast(),
    };
    // SAFETY: `program` and the instructions it points to outlive the call, which only reads
    // them; `Instruction` has the layout of `sock_filter`.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            flags,
            &raw const program,
        )
    };
    if result < 0 {
        Err(errno())
    } else {
        Ok(result as RawFd)
    }
}

fn errno() -> i32 {
    // SAFETY: the address of the thread's errno is always valid.
    unsafe { *libc::__errno_location() }
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

/// Room for the kernel's structures, which may be longer than those this was built with.
#[repr(C, align(8))]
struct Buffer([u8; 512]);

impl Listener {
    /// Takes over a listener that a child of the same descriptor table made.
    pub(crate) fn adopt(listener: RawFd) -> Listener {
        // SAFETY: the number comes from a successful `install`, nobody else owns it.
        Listener(unsafe { OwnedFd::from_raw_fd(listener) })
    }

    /// Asks the kernel to switch to the supervisor at once instead of waking another processor.
    /// Kernels before 6.6 have no such thing: not an error.
    pub(crate) fn wake_in_place(&self) {
        const SYNC_WAKE_UP: u64 = 1;
        // SAFETY: SET_FLAGS takes its flags by value.
        unsafe {
            libc::ioctl(
                self.0.as_raw_fd(),
                libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS,
                SYNC_WAKE_UP,
            )
        };
    }

    /// Takes the next waiting call. Blocks where there is none: poll first.
    ///
    /// # Errors
    /// `ENOENT` where the caller is gone already.
    pub(crate) fn receive(&self) -> io::Result<Notification> {
        let mut buffer = Buffer([0; 512]);
        // SAFETY: the kernel writes one `seccomp_notif` (80 bytes today) into the zeroed 512.
        check(unsafe {
            libc::ioctl(
                self.0.as_raw_fd(),
                libc::SECCOMP_IOCTL_NOTIF_RECV,
                buffer.0.as_mut_ptr(),
            )
        } as libc::c_long)?;
        // SAFETY: the buffer is aligned for u64, initialised, and longer than the structure,
        // which holds only integers.
        let raw: libc::seccomp_notif = unsafe { std::ptr::read(buffer.0.as_ptr().cast()) };
        Ok(Notification {
            id: raw.id,
            thread: raw.pid,
            architecture: raw.data.arch,
            number: raw.data.nr,
            arguments: raw.data.args,
        })
    }

    /// Answers a waiting call.
    ///
    /// # Errors
    /// `ENOENT` where the caller is gone, or was interrupted before the answer came.
    pub(crate) fn send(&self, id: u64, answer: Answer) -> io::Result<()> {
        let mut response = libc::seccomp_notif_resp {
            id,
            val: 0,
            error: 0,
            flags: 0,
        };
        match answer {
            Answer::Value(value) => response.val = value,
            Answer::Errno(errno) => response.error = -errno,
            Answer::Continue => response.flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32,
        }
        // SAFETY: the kernel reads the response, which outlives the call.
        check(unsafe {
            libc::ioctl(
                self.0.as_raw_fd(),
                libc::SECCOMP_IOCTL_NOTIF_SEND,
                &raw mut response,
            )
        } as libc::c_long)?;
        Ok(())
    }

    /// Whether the call still waits: whatever was read of its process was its own.
    pub(crate) fn is_waiting(&self, id: u64) -> bool {
        // SAFETY: the kernel reads the id, which outlives the call.
        unsafe {
            libc::ioctl(
                self.0.as_raw_fd(),
                libc::SECCOMP_IOCTL_NOTIF_ID_VALID,
                &raw const id,
            ) == 0
        }
    }
}

/// Tries a program on a child that ends at once: what [`install`] would say here.
///
/// # Errors
/// The kernel's errno, of the filter or of the fork.
pub(crate) fn attempt(program: &[Instruction]) -> Result<(), i32> {
    // SAFETY: the child only makes system calls before it ends.
    let child = unsafe { libc::fork() };
    if child < 0 {
        return Err(errno());
    }
    if child == 0 {
        let errno = install(program).err().unwrap_or(0);
        // SAFETY: ends the child without running anything of the parent's.
        unsafe { libc::_exit(errno) };
    }
    let mut status = 0;
    // SAFETY: waits for our own child, with a live place for its status.
    while unsafe { libc::waitpid(child, &raw mut status, 0) } != child {
        if errno() != libc::EINTR {
            return Err(errno());
        }
    }
    match libc::WEXITSTATUS(status) {
        0 if libc::WIFEXITED(status) => Ok(()),
        0 => Err(libc::EPERM),
        errno => Err(errno),
    }
}
