//! One descriptor that stands for many: `kqueue(2)`.
#![allow(
    unsafe_code,
    reason = "system calls that our crates have no safe wrapper for"
)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use super::check;

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interest {
    /// Something to read.
    Input,
    /// Room to write: a connect has ended. Said once.
    OutputOnce,
}

/// A set of descriptors, each with a token.
#[derive(Debug)]
pub(crate) struct Epoll(OwnedFd);

impl AsFd for Epoll {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Epoll {
    /// An empty set.
    ///
    /// # Errors
    /// `EMFILE`, `ENOMEM`.
    pub(crate) fn new() -> io::Result<Epoll> {
        // SAFETY: takes nothing.
        let fd = check(unsafe { libc::kqueue() }.into())?;
        // SAFETY: a fresh descriptor that nobody else owns.
        let queue = unsafe { OwnedFd::from_raw_fd(fd as RawFd) };
        super::descriptors::close_on_exec(queue.as_raw_fd());
        Ok(Epoll(queue))
    }

    /// Adds a descriptor.
    ///
    /// # Errors
    /// As `kevent(2)`.
    pub(crate) fn add(&self, fd: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        let (filter, flags) = match interest {
            Interest::Input => (libc::EVFILT_READ, libc::EV_ADD),
            Interest::OutputOnce => (libc::EVFILT_WRITE, libc::EV_ADD | libc::EV_ONESHOT),
        };
        self.change(fd, filter, flags, token)
    }

    /// Removes a descriptor.
    pub(crate) fn remove(&self, fd: BorrowedFd<'_>) {
        for filter in [libc::EVFILT_READ, libc::EVFILT_WRITE] {
            // One that is not in the set is no harm.
            let _ = self.change(fd, filter, libc::EV_DELETE, 0);
        }
    }

    fn change(&self, fd: BorrowedFd<'_>, filter: i16, flags: u16, token: u64) -> io::Result<()> {
        // SAFETY: `kevent` holds only integers and a pointer that is never followed.
        let mut event: libc::kevent = unsafe { std::mem::zeroed() };
        event.ident = fd.as_raw_fd() as libc::uintptr_t;
        event.filter = filter;
        event.flags = flags;
        event.udata = token as *mut libc::c_void;
        // SAFETY: one change, which outlives the call; nothing is asked for.
        check(
            unsafe {
                libc::kevent(
                    self.0.as_raw_fd(),
                    &raw const event,
                    1,
                    std::ptr::null_mut(),
                    0,
                    std::ptr::null(),
                )
            }
            .into(),
        )
        .map(drop)
    }

    /// The tokens of those that are ready now, at most 64.
    pub(crate) fn ready(&self) -> Vec<u64> {
        // SAFETY: as above.
        let mut events: [libc::kevent; 64] = unsafe { std::mem::zeroed() };
        let now = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: the kernel writes at most 64 entries into the array and does not wait.
        let count = unsafe {
            libc::kevent(
                self.0.as_raw_fd(),
                std::ptr::null(),
                0,
                events.as_mut_ptr(),
                64,
                &raw const now,
            )
        };
        let count = usize::try_from(count).unwrap_or(0);
        events
            .iter()
            .take(count)
            .map(|event| event.udata as u64)
            .collect()
    }
}
