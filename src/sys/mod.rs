//! System calls. All `unsafe` code of the crate is in this room, and all that knows which system it
//! runs on: what other systems than Linux do in another way or not at all is in `portable`.

pub(crate) mod bytes;
pub mod clock;
pub mod descriptors;
#[cfg_attr(not(target_os = "linux"), path = "portable/detach.rs")]
pub(crate) mod detach;
#[cfg_attr(not(target_os = "linux"), path = "portable/entropy.rs")]
pub mod entropy;
#[cfg_attr(not(target_os = "linux"), path = "portable/epoll.rs")]
pub(crate) mod epoll;
pub mod folder;
#[cfg(target_env = "musl")]
pub mod heap;
#[cfg_attr(not(target_os = "linux"), path = "portable/inspect.rs")]
pub(crate) mod inspect;
#[cfg_attr(not(target_os = "linux"), path = "portable/landlock.rs")]
pub(crate) mod landlock;
pub mod limits;
pub mod memory;
mod notified;
#[cfg_attr(not(target_os = "linux"), path = "portable/own.rs")]
mod own;
pub mod process;
#[cfg_attr(not(target_os = "linux"), path = "portable/queue.rs")]
mod queue;
#[cfg(target_os = "linux")]
mod registers;
#[cfg_attr(not(target_os = "linux"), path = "portable/seccomp.rs")]
pub(crate) mod seccomp;
pub mod signals;
#[cfg_attr(not(target_os = "linux"), path = "portable/socket.rs")]
pub(crate) mod socket;
#[cfg_attr(not(target_os = "linux"), path = "portable/spawn.rs")]
pub mod spawn;
pub mod tool;
#[cfg_attr(not(target_os = "linux"), path = "portable/trace.rs")]
pub(crate) mod trace;
#[cfg(test)]
pub(crate) mod trial;
pub mod wait;
mod words;

use std::io;

/// The result of a system call that answers -1 on failure.
fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
