//! Sockets of other processes: only the fence needs them, and there is none here.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

pub(crate) use super::wait::wait_for_input;

pub(crate) const UNIX: i32 = libc::AF_UNIX;
pub(crate) const INET: i32 = libc::AF_INET;
pub(crate) const INET6: i32 = libc::AF_INET6;

fn unsupported<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether a type of socket sets up a connection.
pub(crate) fn is_connected_type(kind: i32) -> bool {
    matches!(kind, libc::SOCK_STREAM | libc::SOCK_SEQPACKET)
}

/// Not told.
///
/// # Errors
/// Always.
pub(crate) fn family(_fd: BorrowedFd<'_>) -> io::Result<i32> {
    unsupported()
}

/// Not told.
///
/// # Errors
/// Always.
pub(crate) fn kind(_fd: BorrowedFd<'_>) -> io::Result<i32> {
    unsupported()
}

/// Not told.
///
/// # Errors
/// Always.
pub(crate) fn cookie(_fd: BorrowedFd<'_>) -> io::Result<u64> {
    unsupported()
}

/// Not told.
///
/// # Errors
/// Always.
pub(crate) fn network(_fd: BorrowedFd<'_>) -> io::Result<u64> {
    unsupported()
}

/// Not made.
///
/// # Errors
/// Always.
pub(crate) fn unix_stream() -> io::Result<OwnedFd> {
    unsupported()
}

/// Not told.
///
/// # Errors
/// Always.
pub(crate) fn send_timeout(_fd: BorrowedFd<'_>) -> io::Result<Option<Duration>> {
    unsupported()
}

/// Not told.
///
/// # Errors
/// Always.
pub(crate) fn peer_process(_fd: BorrowedFd<'_>) -> io::Result<u32> {
    unsupported()
}

/// Not told.
///
/// # Errors
/// Always.
pub(crate) fn flags(_fd: BorrowedFd<'_>) -> io::Result<i32> {
    unsupported()
}

/// Whether those flags make calls return at once.
pub(crate) fn is_nonblocking(flags: i32) -> bool {
    flags & libc::O_NONBLOCK != 0
}

/// Not connected.
///
/// # Errors
/// `ENOSYS`, always.
pub(crate) fn connect_at_once(
    _fd: BorrowedFd<'_>,
    _flags: i32,
    _address: &[u8],
    _never_waits: bool,
) -> Result<(), i32> {
    Err(libc::ENOSYS)
}

/// Not connected.
pub(crate) fn connect_without_waiting(
    _fd: BorrowedFd<'_>,
    _flags: i32,
    _address: &[u8],
) -> (i32, Result<(), i32>) {
    (libc::ENOSYS, Err(libc::ENOSYS))
}

/// No address.
pub(crate) fn unix_address(_path: &[u8]) -> Vec<u8> {
    Vec::new()
}

/// Not told.
pub(crate) fn has_peer(_fd: BorrowedFd<'_>) -> bool {
    false
}

/// Ends nothing.
pub(crate) fn shut_down(_fd: BorrowedFd<'_>) {}

/// Not told.
pub(crate) fn is_settled(_fd: BorrowedFd<'_>) -> bool {
    false
}

/// Not told: no input, and nobody there.
pub(crate) fn has_input(_fd: BorrowedFd<'_>) -> (bool, bool) {
    (false, true)
}
