//! Leaving something behind when this process ends.
#![allow(unsafe_code, reason = "fork")]

use std::os::fd::RawFd;

/// Runs `work` in a copy of this process that outlives it: in a session of its own, without
/// standard streams, with no descriptors but those named, and with the default signals. The copy
/// ends with `work`. False where there can be no copy.
pub(crate) fn leave_behind(descriptors: &[RawFd], work: impl FnOnce()) -> bool {
    // SAFETY: this process has one thread (names are looked up by other programs): the copy holds
    // no lock that nobody gives back.
    match unsafe { libc::fork() } {
        -1 => false,
        0 => {
            settle(descriptors);
            work();
            // SAFETY: ends the copy without flushing what belongs to the original.
            unsafe { libc::_exit(0) }
        }
        _ => true,
    }
}

fn settle(descriptors: &[RawFd]) {
    let mut keep = descriptors.to_vec();
    keep.sort_unstable();
    // SAFETY: plain integers, a static path, and a signal set that is filled before it is read.
    // Failures leave a descriptor or signal as it was.
    unsafe {
        libc::setsid();
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
        if null >= 0 {
            for standard in 0..3 {
                libc::dup2(null, standard);
            }
        }
        let mut first: libc::c_uint = 3;
        for number in keep {
            let number = number as libc::c_uint;
            if number > first {
                libc::syscall(libc::SYS_close_range, first, number - 1, 0);
            }
            first = first.max(number + 1);
        }
        libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0);
        // Nobody waits here for those that look up names.
        libc::signal(libc::SIGCHLD, libc::SIG_IGN);
        for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}
