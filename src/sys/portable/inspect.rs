//! Looking into another process: not here.
#![allow(unsafe_code, reason = "fstat of a descriptor")]

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

use super::check;

fn unsupported<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Reads no memory.
///
/// # Errors
/// Always.
pub(crate) fn read_memory(_process: u32, _address: u64, _buffer: &mut [u8]) -> io::Result<usize> {
    unsupported()
}

/// No handle on a thread.
///
/// # Errors
/// Always.
pub(crate) fn open_thread(_thread: u32) -> io::Result<OwnedFd> {
    unsupported()
}

/// No handle on a process.
///
/// # Errors
/// Always.
pub(crate) fn open_process(_process: u32) -> io::Result<OwnedFd> {
    unsupported()
}

/// No duplicate.
///
/// # Errors
/// Always.
pub(crate) fn duplicate(_process: BorrowedFd<'_>, _number: RawFd) -> io::Result<OwnedFd> {
    unsupported()
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

/// Pins nothing.
///
/// # Errors
/// Always.
pub(crate) fn pin(
    _directory: BorrowedFd<'_>,
    _path: &CStr,
    _follow: Follow,
) -> io::Result<OwnedFd> {
    unsupported()
}

/// Opens nothing.
///
/// # Errors
/// Always.
pub(crate) fn open_directory(_path: &CStr) -> io::Result<OwnedFd> {
    unsupported()
}

/// Opens nothing.
///
/// # Errors
/// Always.
pub(crate) fn open_path(_path: &CStr) -> io::Result<OwnedFd> {
    unsupported()
}

/// Device and inode of an open file.
///
/// # Errors
/// As `fstat(2)`.
pub(crate) fn identity(file: BorrowedFd<'_>) -> io::Result<(u64, u64)> {
    // SAFETY: `stat` holds only integers.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel fills the structure, which outlives the call.
    check(unsafe { libc::fstat(file.as_raw_fd(), &raw mut stat) }.into())?;
    Ok((stat.st_dev as u64, stat.st_ino as u64))
}
