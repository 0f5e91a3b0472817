//! Looking into another process: its memory, its descriptors, its view of the file system.
#![allow(
    unsafe_code,
    reason = "system calls that our crates have no safe wrapper for"
)]

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use super::check;

/// Reads the memory of a process at `address` into `buffer`; returns how much could be read.
///
/// # Errors
/// `EFAULT` where nothing is mapped there, `EPERM` or `ENOSYS` where it is not allowed.
pub(crate) fn read_memory(process: u32, address: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let local = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    let remote = libc::iovec {
        iov_base: address as *mut libc::c_void,
        iov_len: buffer.len(),
    };
    // SAFETY: the local part is the borrowed buffer; the remote address is looked up in the other
    // process, never followed in ours.
    let read = unsafe {
        libc::process_vm_readv(
            process as libc::pid_t,
            &raw const local,
            1,
            &raw const remote,
            1,
            0,
        )
    };
    check(read as libc::c_long).map(|n| n as usize)
}

/// A handle on one thread.
///
/// # Errors
/// `ESRCH` where it is gone; `EINVAL` or `ENOENT` before Linux 6.9.
pub(crate) fn open_thread(thread: u32) -> io::Result<OwnedFd> {
    const PIDFD_THREAD: libc::c_uint = libc::O_EXCL as libc::c_uint;
    pidfd_open(thread, PIDFD_THREAD)
}

/// A handle on a process.
///
/// # Errors
/// `ESRCH` where it is gone.
pub(crate) fn open_process(process: u32) -> io::Result<OwnedFd> {
    pidfd_open(process, 0)
}

fn pidfd_open(process: u32, flags: libc::c_uint) -> io::Result<OwnedFd> {
    // SAFETY: plain integers.
    let fd = check(unsafe { libc::syscall(libc::SYS_pidfd_open, process as libc::pid_t, flags) })?;
    // SAFETY: a fresh descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// A duplicate of descriptor `number` of another process.
///
/// # Errors
/// `EBADF` where it has none of that number, `EPERM` where it is not allowed.
pub(crate) fn duplicate(process: BorrowedFd<'_>, number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: plain integers.
    let fd =
        check(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), number, 0u32) })?;
    // SAFETY: a fresh descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// How a path of another process is to be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Follow {
    /// `directory` is the root: absolute paths and links start there.
    WithinRoot,
    /// `directory` is the working directory.
    FromHere,
    /// `directory` is the working directory, and nothing may lead out of it.
    Beneath,
}

/// Pins what `path` names, seen from `directory`, without opening it.
///
/// # Errors
/// As `open(2)`; `ENOSYS` before Linux 5.6.
pub(crate) fn pin(directory: BorrowedFd<'_>, path: &CStr, follow: Follow) -> io::Result<OwnedFd> {
    const RESOLVE_BENEATH: u64 = 0x08;
    const RESOLVE_IN_ROOT: u64 = 0x10;
    // SAFETY: `open_how` holds only integers; all zero is its documented neutral value.
    let mut how: libc::open_how = unsafe { std::mem::zeroed() };
    how.flags = (libc::O_PATH | libc::O_CLOEXEC) as u64;
    how.resolve = match follow {
        Follow::WithinRoot => RESOLVE_IN_ROOT,
        Follow::FromHere => 0,
        Follow::Beneath => RESOLVE_BENEATH,
    };
    // SAFETY: the path and `how` outlive the call, which only reads them.
    let fd = check(unsafe {
        libc::syscall(
            libc::SYS_openat2,
            directory.as_raw_fd(),
            path.as_ptr(),
            &raw const how,
            size_of::<libc::open_how>(),
        )
    })?;
    // SAFETY: a fresh descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Opens a directory for [`pin`].
///
/// # Errors
/// As `open(2)`.
pub(crate) fn open_directory(path: &CStr) -> io::Result<OwnedFd> {
    open_with(path, libc::O_DIRECTORY)
}

/// Pins what a path of this process names, links followed.
///
/// # Errors
/// As `open(2)`.
pub(crate) fn open_path(path: &CStr) -> io::Result<OwnedFd> {
    open_with(path, 0)
}

fn open_with(path: &CStr, flags: libc::c_int) -> io::Result<OwnedFd> {
    let flags = libc::O_PATH | libc::O_CLOEXEC | flags;
    // SAFETY: the path outlives the call, which only reads it.
    let fd = check(unsafe { libc::open(path.as_ptr(), flags) } as libc::c_long)?;
    // SAFETY: a fresh descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Device and inode of an open file: the identity that links, mounts and renames do not change.
///
/// # Errors
/// As `fstat(2)`.
pub(crate) fn identity(file: BorrowedFd<'_>) -> io::Result<(u64, u64)> {
    // SAFETY: `stat` holds only integers.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel fills the structure, which outlives the call.
    check(unsafe { libc::fstat(file.as_raw_fd(), &raw mut stat) } as libc::c_long)?;
    Ok((stat.st_dev, stat.st_ino))
}
