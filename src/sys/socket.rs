//! Socket options and the connect itself, on descriptors and raw addresses.
#![allow(
    unsafe_code,
    reason = "system calls that our crates have no safe wrapper for"
)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use super::check;
pub(crate) use super::wait::wait_for_input;

pub(crate) const UNIX: i32 = libc::AF_UNIX;
pub(crate) const INET: i32 = libc::AF_INET;
pub(crate) const INET6: i32 = libc::AF_INET6;

/// Whether a type of socket sets up a connection (stream, seqpacket) or sends single messages.
pub(crate) fn is_connected_type(kind: i32) -> bool {
    matches!(kind, libc::SOCK_STREAM | libc::SOCK_SEQPACKET)
}

fn option<T: Copy>(fd: BorrowedFd<'_>, name: libc::c_int, empty: T) -> io::Result<T> {
    let mut value = empty;
    let mut length = size_of::<T>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes into `value`; callers pass types of
    // integers only, valid for any bytes.
    check(unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            name,
            (&raw mut value).cast(),
            &raw mut length,
        )
    } as libc::c_long)?;
    Ok(value)
}

/// The address family it was made for.
///
/// # Errors
/// `ENOTSOCK`.
pub(crate) fn family(fd: BorrowedFd<'_>) -> io::Result<i32> {
    option(fd, libc::SO_DOMAIN, 0)
}

/// Its type: stream, datagram, ...
///
/// # Errors
/// `ENOTSOCK`.
pub(crate) fn kind(fd: BorrowedFd<'_>) -> io::Result<i32> {
    option(fd, libc::SO_TYPE, 0)
}

/// The kernel's own number of the socket, never used again.
///
/// # Errors
/// `ENOTSOCK`.
pub(crate) fn cookie(fd: BorrowedFd<'_>) -> io::Result<u64> {
    option(fd, libc::SO_COOKIE, 0)
}

/// The kernel's number of the network namespace that the socket belongs to.
///
/// # Errors
/// `ENOPROTOOPT` before Linux 5.14.
pub(crate) fn network(fd: BorrowedFd<'_>) -> io::Result<u64> {
    const SO_NETNS_COOKIE: libc::c_int = 71;
    option(fd, SO_NETNS_COOKIE, 0)
}

/// A Unix socket of this process, not connected.
///
/// # Errors
/// Where descriptors run out.
pub(crate) fn unix_stream() -> io::Result<OwnedFd> {
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: plain integers.
    let fd = check(unsafe { libc::socket(libc::AF_UNIX, kind, 0) } as libc::c_long)?;
    // SAFETY: a fresh descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// How long a blocking connect waits; `None` is for ever.
///
/// # Errors
/// `ENOTSOCK`.
pub(crate) fn send_timeout(fd: BorrowedFd<'_>) -> io::Result<Option<Duration>> {
    let none = libc::timeval {
        tv_sec: 0,
        tv_usec: 0,
    };
    let limit = option(fd, libc::SO_SNDTIMEO, none)?;
    let limit = Duration::new(
        u64::try_from(limit.tv_sec).unwrap_or(0),
        u32::try_from(limit.tv_usec)
            .unwrap_or(0)
            .saturating_mul(1000),
    );
    Ok((!limit.is_zero()).then_some(limit))
}

/// The process at the other end of a connected Unix socket (its id; 0 where it is not visible).
///
/// # Errors
/// `ENOTCONN`, `ENOTSOCK`.
pub(crate) fn peer_process(fd: BorrowedFd<'_>) -> io::Result<u32> {
    let nobody = libc::ucred {
        pid: 0,
        uid: 0,
        gid: 0,
    };
    option(fd, libc::SO_PEERCRED, nobody).map(|peer| u32::try_from(peer.pid).unwrap_or(0))
}

/// Status flags of the open file (`O_NONBLOCK` among them), shared by all its duplicates.
///
/// # Errors
/// `EBADF`.
pub(crate) fn flags(fd: BorrowedFd<'_>) -> io::Result<i32> {
    // SAFETY: F_GETFL takes no argument.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) } as libc::c_long).map(|f| f as i32)
}

/// Whether those flags make calls return at once.
pub(crate) fn is_nonblocking(flags: i32) -> bool {
    flags & libc::O_NONBLOCK != 0
}

/// Sets the status flags.
///
/// # Errors
/// `EBADF`.
pub(crate) fn set_flags(fd: BorrowedFd<'_>, flags: i32) -> io::Result<()> {
    // SAFETY: F_SETFL takes an integer.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags) } as libc::c_long).map(drop)
}

/// `connect(2)` without ever waiting: unless it never does by itself, the shared file is made
/// non-blocking around the call.
///
/// # Errors
/// The errno of the connect.
pub(crate) fn connect_at_once(
    fd: BorrowedFd<'_>,
    flags: i32,
    address: &[u8],
    never_waits: bool,
) -> Result<(), i32> {
    let blocking = !is_nonblocking(flags) && !never_waits;
    let errno = |error: io::Error| error.raw_os_error().unwrap_or(libc::EINVAL);
    if blocking {
        set_flags(fd, flags | libc::O_NONBLOCK).map_err(errno)?;
    }
    // SAFETY: the kernel reads `address.len()` bytes of the borrowed address.
    let result = check(unsafe {
        libc::connect(
            fd.as_raw_fd(),
            address.as_ptr().cast(),
            address.len() as libc::socklen_t,
        )
    } as libc::c_long);
    if blocking {
        set_flags(fd, flags).map_err(errno)?;
    }
    result.map(drop).map_err(errno)
}

/// The connect of a blocking socket as far as it goes without waiting: the first answer, and
/// what is known after it.
pub(crate) fn connect_without_waiting(
    fd: BorrowedFd<'_>,
    flags: i32,
    address: &[u8],
) -> (i32, Result<(), i32>) {
    let errno = |error: io::Error| error.raw_os_error().unwrap_or(libc::EINVAL);
    let nonblocking = flags | libc::O_NONBLOCK;
    if let Err(error) = set_flags(fd, nonblocking).map_err(errno) {
        return (error, Err(error));
    }
    let mut result = connect_at_once(fd, nonblocking, address, true);
    let first = result.err().unwrap_or(0);
    if matches!(first, libc::EINPROGRESS | libc::EALREADY) && is_settled(fd) {
        result = connect_at_once(fd, nonblocking, address, true);
    }
    match set_flags(fd, flags).map_err(errno) {
        Ok(()) => (first, result),
        Err(error) => (first, Err(error)),
    }
}

/// The address of a Unix socket by file name.
pub(crate) fn unix_address(path: &[u8]) -> Vec<u8> {
    let mut address = (libc::AF_UNIX as u16).to_ne_bytes().to_vec();
    address.extend_from_slice(path);
    address.push(0);
    address
}

/// Whether the socket has a peer.
pub(crate) fn has_peer(fd: BorrowedFd<'_>) -> bool {
    // SAFETY: all zero is a valid `sockaddr_storage`.
    let mut address: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes into the structure.
    unsafe { libc::getpeername(fd.as_raw_fd(), (&raw mut address).cast(), &raw mut length) == 0 }
}

/// Ends a connection both ways.
pub(crate) fn shut_down(fd: BorrowedFd<'_>) {
    // SAFETY: plain integers; a failure leaves a socket that had no connection.
    unsafe { libc::shutdown(fd.as_raw_fd(), libc::SHUT_RDWR) };
}

/// Whether something happened to the socket: it can be written, failed or was closed.
pub(crate) fn is_settled(fd: BorrowedFd<'_>) -> bool {
    readiness(fd, libc::POLLOUT) != 0
}

/// Whether the descriptor has something to read right now, and whether its other side is gone.
pub(crate) fn has_input(fd: BorrowedFd<'_>) -> (bool, bool) {
    let events = readiness(fd, libc::POLLIN);
    (
        events & libc::POLLIN != 0,
        events & (libc::POLLHUP | libc::POLLERR | libc::POLLNVAL) != 0,
    )
}

fn readiness(fd: BorrowedFd<'_>, events: libc::c_short) -> libc::c_short {
    let mut entry = libc::pollfd {
        fd: fd.as_raw_fd(),
        events,
        revents: 0,
    };
    // SAFETY: one entry, which outlives the call; it does not wait.
    if unsafe { libc::poll(&raw mut entry, 1, 0) } < 0 {
        return 0;
    }
    entry.revents
}
