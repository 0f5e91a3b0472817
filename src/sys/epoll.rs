//! One descriptor that stands for many: `epoll(7)`.
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
        // SAFETY: plain integer.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) } as libc::c_long)?;
        // SAFETY: a fresh descriptor that nobody else owns.
        Ok(Epoll(unsafe { OwnedFd::from_raw_fd(fd as RawFd) }))
    }

    /// Adds a descriptor.
    ///
    /// # Errors
    /// As `epoll_ctl(2)`.
    pub(crate) fn add(&self, fd: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: match interest {
                Interest::Input => libc::EPOLLIN as u32,
                Interest::OutputOnce => (libc::EPOLLOUT | libc::EPOLLONESHOT) as u32,
            },
            u64: token,
        };
        // SAFETY: the event outlives the call, which only reads it.
        check(unsafe {
            libc::epoll_ctl(
                self.0.as_raw_fd(),
                libc::EPOLL_CTL_ADD,
                fd.as_raw_fd(),
                &raw mut event,
            )
        } as libc::c_long)
        .map(drop)
    }

    /// Removes a descriptor. Duplicates kept by others would otherwise keep it in the set.
    pub(crate) fn remove(&self, fd: BorrowedFd<'_>) {
        // SAFETY: EPOLL_CTL_DEL reads no event; a descriptor that is not in the set is no harm.
        unsafe {
            libc::epoll_ctl(
                self.0.as_raw_fd(),
                libc::EPOLL_CTL_DEL,
                fd.as_raw_fd(),
                std::ptr::null_mut(),
            )
        };
    }

    /// The tokens of those that are ready now, at most 64.
    pub(crate) fn ready(&self) -> Vec<u64> {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 64];
        // SAFETY: the kernel writes at most 64 entries into the array and does not wait.
        let count = unsafe { libc::epoll_wait(self.0.as_raw_fd(), events.as_mut_ptr(), 64, 0) };
        let count = usize::try_from(count).unwrap_or(0);
        events.iter().take(count).map(|event| event.u64).collect()
    }
}
