//! Signals: kept as the caller had them for the child, read one by one by the launcher.

use std::io;

use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};

pub use super::queue::SignalQueue;

/// The mask and the dispositions that the caller gave this process, for the child.
#[derive(Clone, Copy)]
pub struct Inherited {
    mask: libc::sigset_t,
    pipe: libc::sigaction,
    child: libc::sigaction,
}

/// Blocks all signals again, after the caller's mask was in force for a while.
///
/// # Errors
/// The system's.
pub fn block_all() -> io::Result<()> {
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)?;
    Ok(())
}

/// Blocks what tells of children, so that a queue can have it; ignored, nobody would be told.
///
/// # Errors
/// The system's.
pub(crate) fn hear_of_children() -> io::Result<()> {
    replace(libc::SIGCHLD, libc::SIG_DFL)?;
    let children = SigSet::from(Signal::SIGCHLD);
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&children), None)?;
    Ok(())
}

/// Lets an interrupt from the keyboard pass by this process, for as long as a tool has the screen.
pub(crate) fn ignore_interrupts() {
    // Where it fails, an interrupt ends this process as ever.
    let _ = replace(libc::SIGINT, libc::SIG_IGN);
}

/// One signal as `signalfd` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    /// Its number.
    pub signal: i32,
    /// A process sent it (`kill`), not the kernel (a key, a hang-up).
    pub by_process: bool,
    /// The sender.
    pub sender: i32,
}

impl Inherited {
    /// Takes the state over: all signals are blocked from here on, SIGPIPE no longer ends this
    /// process (it must say and record what it has to), and children can be waited for even
    /// where the caller ignores SIGCHLD.
    ///
    /// # Errors
    /// The system's.
    #[allow(unsafe_code, reason = "sigaction with raw dispositions")]
    pub fn take_over() -> io::Result<Inherited> {
        let mut mask = SigSet::empty();
        sigprocmask(
            SigmaskHow::SIG_SETMASK,
            Some(&SigSet::all()),
            Some(&mut mask),
        )?;
        Ok(Inherited {
            mask: *mask.as_ref(),
            pipe: replace(libc::SIGPIPE, libc::SIG_IGN)?,
            child: replace(libc::SIGCHLD, libc::SIG_DFL)?,
        })
    }

    /// Gives the dispositions back. Only system calls: for the child before `exec`.
    #[allow(unsafe_code, reason = "sigaction with raw dispositions")]
    pub fn restore_dispositions(&self) {
        // SAFETY: the structures were filled in by the kernel for these very signals.
        unsafe {
            libc::sigaction(libc::SIGPIPE, &raw const self.pipe, std::ptr::null_mut());
            libc::sigaction(libc::SIGCHLD, &raw const self.child, std::ptr::null_mut());
        }
    }

    /// Gives the mask back. Only system calls.
    #[allow(unsafe_code, reason = "sigprocmask with the raw mask")]
    pub fn restore_mask(&self) {
        // SAFETY: the mask was filled in by the kernel.
        unsafe {
            libc::sigprocmask(
                libc::SIG_SETMASK,
                &raw const self.mask,
                std::ptr::null_mut(),
            );
        }
    }
}

#[allow(unsafe_code, reason = "sigaction with raw dispositions")]
fn replace(signal: i32, handler: libc::sighandler_t) -> io::Result<libc::sigaction> {
    // SAFETY: an all-zero `sigaction` is a valid one (SIG_DFL, no flags, empty mask); both
    // pointers are to live structures; no handler function is installed.
    unsafe {
        let mut new: libc::sigaction = std::mem::zeroed();
        let mut old: libc::sigaction = std::mem::zeroed();
        new.sa_sigaction = handler;
        if libc::sigaction(signal, &raw const new, &raw mut old) != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(old)
    }
}

/// Sends a signal to a process; one that is gone is no error.
#[allow(unsafe_code, reason = "kill")]
pub fn send(pid: i32, signal: i32) {
    // SAFETY: no memory is involved.
    unsafe {
        libc::kill(pid, signal);
    }
}

/// Stops this process as that signal would by default, and returns when it is continued.
#[allow(unsafe_code, reason = "raises a signal with its default action")]
pub fn stop_self(signal: i32) {
    let Ok(old) = replace(signal, libc::SIG_DFL) else {
        send(std::process::id().cast_signed(), libc::SIGSTOP);
        return;
    };
    // SAFETY: the set is live and initialised by `sigemptyset`; `old` came from the kernel.
    unsafe {
        let mut only: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut only);
        libc::sigaddset(&raw mut only, signal);
        libc::raise(signal);
        // The signal takes effect here, and the process stops until SIGCONT.
        libc::sigprocmask(libc::SIG_UNBLOCK, &raw const only, std::ptr::null_mut());
        libc::sigprocmask(libc::SIG_BLOCK, &raw const only, std::ptr::null_mut());
        libc::sigaction(signal, &raw const old, std::ptr::null_mut());
    }
}

/// Ends this process by a signal, without a core dump of its own. Returns where the kernel does
/// not deliver it (process 1 of a namespace).
#[allow(unsafe_code, reason = "raises a signal with its default action")]
pub fn die_by(signal: i32) {
    let _ = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0);
    let _ = replace(signal, libc::SIG_DFL);
    // SAFETY: the set is live and initialised by `sigemptyset`.
    unsafe {
        let mut only: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut only);
        libc::sigaddset(&raw mut only, signal);
        libc::raise(signal);
        libc::sigprocmask(libc::SIG_UNBLOCK, &raw const only, std::ptr::null_mut());
    }
}

/// The name of a signal, `SIGTERM`; its number where it has none.
pub fn name(signal: i32) -> String {
    match nix::sys::signal::Signal::try_from(signal) {
        Ok(known) => known.as_str().to_owned(),
        Err(_) => format!("SIG{signal}"),
    }
}
