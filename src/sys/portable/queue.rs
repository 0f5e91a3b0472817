//! A queue of signals: a pipe that a handler writes to.
#![allow(unsafe_code, reason = "signal handlers")]

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};

use super::signals::Arrived;

/// Where the handler writes to; below 0 while there is no queue.
static TO: AtomicI32 = AtomicI32::new(-1);

/// `si_code` of what `kill` sends: macOS, FreeBSD.
const SENT: i32 = 0x10001;

/// Signals that a launcher hears of.
const HEARD: [i32; 12] = [
    libc::SIGCHLD,
    libc::SIGTERM,
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGCONT,
    libc::SIGWINCH,
    libc::SIGTSTP,
    libc::SIGTTIN,
    libc::SIGTTOU,
];

/// A descriptor from which signals are read.
#[derive(Debug)]
pub struct SignalQueue {
    from: PipeReader,
    to: PipeWriter,
}

extern "C" fn hear(signal: libc::c_int, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid structure.
    let (code, sender) = unsafe { ((*info).si_code, (*info).si_pid) };
    let mut words = [0u8; 12];
    for (place, word) in words.chunks_exact_mut(4).zip([signal, code, sender]) {
        place.copy_from_slice(&word.to_ne_bytes());
    }
    let errno = nix::errno::Errno::last_raw();
    // SAFETY: the words outlive the call; a full pipe loses a signal of which it holds thousands.
    unsafe {
        libc::write(
            TO.load(Ordering::Relaxed),
            words.as_ptr().cast(),
            words.len(),
        )
    };
    nix::errno::Errno::set_raw(errno);
}

impl SignalQueue {
    /// A queue of the signals that concern a launcher, which are let through from here on.
    ///
    /// # Errors
    /// The system's.
    pub fn new() -> io::Result<SignalQueue> {
        let (from, to) = io::pipe()?;
        // SAFETY: plain integers; all-zero is a valid `sigaction` and set; the handler makes one
        // system call.
        unsafe {
            for end in [from.as_raw_fd(), to.as_raw_fd()] {
                libc::fcntl(end, libc::F_SETFL, libc::O_NONBLOCK);
            }
            TO.store(to.as_raw_fd(), Ordering::Relaxed);
            let mut heard: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut heard);
            for signal in HEARD {
                let mut action: libc::sigaction = std::mem::zeroed();
                libc::sigaction(signal, std::ptr::null(), &raw mut action);
                // The command is to find it ignored.
                if action.sa_sigaction == libc::SIG_IGN && signal != libc::SIGCHLD {
                    continue;
                }
                action.sa_sigaction = hear as *const () as libc::sighandler_t;
                action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
                libc::sigaction(signal, &raw const action, std::ptr::null_mut());
                libc::sigaddset(&raw mut heard, signal);
            }
            libc::sigprocmask(libc::SIG_UNBLOCK, &raw const heard, std::ptr::null_mut());
        }
        Ok(SignalQueue { from, to })
    }

    /// None of its own for children.
    ///
    /// # Errors
    /// Always.
    pub(crate) fn of_children() -> io::Result<SignalQueue> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The next signal; `None` where there is none.
    pub fn next(&self) -> Option<Arrived> {
        let mut words = [0u8; 12];
        // SAFETY: the kernel writes at most the length of the live array.
        let read = unsafe {
            libc::read(
                self.from.as_raw_fd(),
                words.as_mut_ptr().cast(),
                words.len(),
            )
        };
        if usize::try_from(read) != Ok(words.len()) {
            return None;
        }
        let mut words = words
            .chunks_exact(4)
            .filter_map(|word| Some(i32::from_ne_bytes(*word.first_chunk()?)));
        let (signal, code, sender) = (words.next()?, words.next()?, words.next()?);
        Some(Arrived {
            signal,
            by_process: code <= 0 || code == SENT,
            sender,
        })
    }
}

impl Drop for SignalQueue {
    fn drop(&mut self) {
        TO.store(-1, Ordering::Relaxed);
        let _ = &self.to;
    }
}

impl AsFd for SignalQueue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.from.as_fd()
    }
}

impl AsRawFd for SignalQueue {
    fn as_raw_fd(&self) -> RawFd {
        self.from.as_raw_fd()
    }
}
