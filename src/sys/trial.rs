//! A child under a filter, for tests of the fence alone.
#![allow(unsafe_code, reason = "fork and exec for tests")]

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};

use super::inspect;
use super::seccomp::{Installed, Listener};

/// Starts `argv` with the filter that `install` puts in force; returns its id, the listener and
/// whether waits are killable. The child passes the listener's number by a pipe and waits until
/// it was duplicated.
pub(crate) fn start(
    argv: &[&str],
    install: impl FnOnce() -> Result<Installed, i32>,
) -> (i32, Listener, bool) {
    let argv: Vec<CString> = argv
        .iter()
        .map(|word| CString::new(*word).unwrap())
        .collect();
    let mut words: Vec<*const libc::c_char> = argv.iter().map(|word| word.as_ptr()).collect();
    words.push(std::ptr::null());
    let (told, tell) = nix::unistd::pipe().unwrap();
    let (wait, go) = nix::unistd::pipe().unwrap();
    // SAFETY: the child makes only system calls before its exec or exit.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let mut message = [0i32; 2];
        match install() {
            Ok(installed) => message = [installed.listener, i32::from(installed.wait_killable)],
            Err(errno) => message[0] = -errno,
        }
        let bytes = message.map(i32::to_ne_bytes).concat();
        let _ = nix::unistd::write(&tell, &bytes);
        let _ = nix::unistd::read(&wait, &mut [0]);
        // SAFETY: a NULL-terminated list of live strings.
        unsafe {
            libc::execvp(words[0], words.as_ptr());
            libc::_exit(127);
        }
    }
    let mut bytes = [0; 8];
    assert_eq!(nix::unistd::read(&told, &mut bytes), Ok(8));
    let number = i32::from_ne_bytes(bytes[..4].try_into().unwrap());
    assert!(
        number >= 0,
        "the filter was not accepted: errno {}",
        -number
    );
    let handle: OwnedFd = inspect::open_process(child as u32).unwrap();
    let listener = inspect::duplicate(handle.as_fd(), number).unwrap();
    let _ = nix::unistd::write(&go, &[1]);
    (child, listener.into(), bytes[4] == 1)
}

/// The exit status of a child that has ended.
pub(crate) fn ended(child: i32) -> Option<i32> {
    let mut status = 0;
    // SAFETY: waits for a child of ours without blocking.
    let who = unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) };
    (who == child).then_some(status)
}
