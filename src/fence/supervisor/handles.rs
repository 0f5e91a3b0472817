//! Duplicates of other threads' descriptors.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use super::errno;
use crate::fence::task;
use crate::sys::inspect;

/// Thread handles kept.
const HANDLES: usize = 256;

/// Ways to threads that were asked for before.
#[derive(Debug, Default)]
pub(super) struct Handles(BTreeMap<u32, Handle>);

impl Handles {
    /// A duplicate of descriptor `number` of a thread.
    ///
    /// # Errors
    /// `EBADF` where it has none of that number; others where it may not be had.
    pub(super) fn duplicate(&mut self, thread: u32, number: RawFd) -> io::Result<OwnedFd> {
        for _ in 0..2 {
            let handle = match self.0.remove(&thread) {
                Some(handle) => handle,
                None => open_handle(thread)?,
            };
            match inspect::duplicate(handle.descriptor.as_fd(), number) {
                // The handle was of an earlier thread of that number.
                Err(error) if error.raw_os_error() == Some(errno::ESRCH) => {}
                result => {
                    let exact = handle.of_thread;
                    if self.0.len() >= HANDLES {
                        self.0.clear();
                    }
                    self.0.insert(thread, handle);
                    return result.and_then(|socket| match exact {
                        true => Ok(socket),
                        false => same_in_thread(thread, number, socket),
                    });
                }
            }
        }
        Err(io::Error::from_raw_os_error(errno::ESRCH))
    }
}

/// A way to a thread's descriptors.
#[derive(Debug)]
struct Handle {
    descriptor: OwnedFd,
    /// Of this very thread; before Linux 6.9 only of its process, whose table it nearly always
    /// shares.
    of_thread: bool,
}

fn open_handle(thread: u32) -> io::Result<Handle> {
    match inspect::open_thread(thread) {
        Err(error) if matches!(error.raw_os_error(), Some(errno::EINVAL | errno::ENOENT)) => {
            let process = task::Status::read(thread).and_then(|status| status.number("Tgid:"));
            Ok(Handle {
                descriptor: inspect::open_process(process.unwrap_or(thread))?,
                of_thread: false,
            })
        }
        result => Ok(Handle {
            descriptor: result?,
            of_thread: true,
        }),
    }
}

/// A descriptor of the process, where the thread has the same one under that number.
fn same_in_thread(thread: u32, number: RawFd, socket: OwnedFd) -> io::Result<OwnedFd> {
    let theirs = task::descriptor_link(&thread.to_string(), number);
    let ours = task::descriptor_link("self", socket.as_raw_fd());
    match theirs.is_some() && theirs == ours {
        true => Ok(socket),
        false => Err(io::ErrorKind::PermissionDenied.into()),
    }
}

/// Whether descriptors of other processes can be had here at all, tried on ourselves.
pub(super) fn can_duplicate(any: BorrowedFd<'_>) -> bool {
    let own = inspect::open_process(std::process::id());
    own.and_then(|own| inspect::duplicate(own.as_fd(), any.as_raw_fd()))
        .is_ok()
}
