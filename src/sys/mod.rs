//! System calls. All `unsafe` code of the crate is in this room.

#[cfg(not(target_os = "linux"))]
compile_error!("tagout is for Linux: it starts and holds programs by what that kernel offers");

pub mod clock;
pub mod descriptors;
pub(crate) mod detach;
pub mod entropy;
pub(crate) mod epoll;
pub mod folder;
pub(crate) mod inspect;
pub(crate) mod landlock;
pub mod limits;
pub mod memory;
pub mod process;
pub(crate) mod seccomp;
pub mod signals;
pub(crate) mod socket;
pub mod spawn;
pub mod tool;
#[cfg(test)]
pub(crate) mod trial;
pub mod wait;

use std::io;

/// The result of a system call that answers -1 on failure.
fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
