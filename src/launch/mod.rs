//! The effect: starts what was judged, as if it had been started directly, and stays beside it
//! until it ends.

mod descriptors;

use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use nix::sys::signal::Signal;

use crate::profile::Descriptors;
use crate::sys::signals::{self, Arrived, Inherited, SignalQueue};
use crate::sys::spawn::{self, Child, Program};
use crate::sys::wait::{self, Change, Used};

pub use descriptors::{Closed, closing};

/// What is started.
pub struct Launch<'a> {
    /// Absolute path of the program.
    pub program: &'a Path,
    /// Its words.
    pub argv: &'a [OsString],
    /// Its environment, `NAME=value`.
    pub environment: Vec<OsString>,
    /// Which inherited descriptors stay.
    pub descriptors: &'a Descriptors,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With that status.
    Exited(i32),
    /// By that signal; with a core dump or not.
    Killed(i32, bool),
}

/// A program that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// How.
    pub ended: Ended,
    /// What it used.
    pub used: Used,
}

/// Signals that are passed on when another process sends them, as sudo does.
const RELAYED: [i32; 8] = [
    Signal::SIGTERM as i32,
    Signal::SIGHUP as i32,
    Signal::SIGINT as i32,
    Signal::SIGQUIT as i32,
    Signal::SIGUSR1 as i32,
    Signal::SIGUSR2 as i32,
    Signal::SIGCONT as i32,
    Signal::SIGWINCH as i32,
];

/// A started program and what is needed to stay beside it.
pub struct Running {
    child: Child,
    queue: SignalQueue,
}

/// Starts the program. `signals` is the caller's state as [`Inherited::take_over`] found it.
///
/// # Errors
/// The system's: of `clone`, or of `exec` itself (not found, not executable, too long).
pub fn start(launch: &Launch<'_>, signals: &Inherited) -> io::Result<Running> {
    let queue = SignalQueue::new()?;
    let path = c_string(launch.program.as_os_str().to_owned())?;
    let argv = c_strings(launch.argv)?;
    let environment = c_strings(&launch.environment)?;
    descriptors::seal(launch.descriptors)?;
    let program = Program {
        path: &path,
        argv: &argv,
        environment: &environment,
        signals,
    };
    let child = spawn::spawn(&program, &mut || {})?;
    Ok(Running { child, queue })
}

fn c_strings(words: &[OsString]) -> io::Result<Vec<CString>> {
    words.iter().cloned().map(c_string).collect()
}

fn c_string(word: OsString) -> io::Result<CString> {
    CString::new(word.into_vec()).map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))
}

impl Running {
    /// The child's process id.
    pub fn pid(&self) -> i32 {
        self.child.pid
    }

    /// Stays until the child has ended: passes signals on, stops and continues with it.
    pub fn stay(self) -> Finished {
        let watched = [self.queue.as_raw_fd(), self.child.pidfd.as_raw_fd()];
        loop {
            wait::readable(&watched, None);
            while let Some(arrived) = self.queue.next() {
                self.pass_on(arrived);
            }
            wait::reap_others(self.child.pid);
            if let Some(finished) = self.changes() {
                return finished;
            }
        }
    }

    fn changes(&self) -> Option<Finished> {
        while let Some((change, used)) = wait::change(self.child.pid) {
            match change {
                Change::Exited(status) => {
                    return Some(Finished {
                        ended: Ended::Exited(status),
                        used,
                    });
                }
                Change::Killed(signal, core) => {
                    return Some(Finished {
                        ended: Ended::Killed(signal, core),
                        used,
                    });
                }
                // So that the shell sees the job stopped. The report may be old: beside a child
                // that was continued meanwhile, the launcher goes on.
                Change::Stopped(signal) if is_stopped(self.child.pid) => signals::stop_self(signal),
                Change::Stopped(_) | Change::Continued => {}
            }
        }
        None
    }

    fn pass_on(&self, arrived: Arrived) {
        // What the kernel sends (a key, a window's size, a hang-up) it sends to the whole
        // foreground group: the child has it already.
        let has_it = !arrived.by_process
            || arrived.sender == self.child.pid
            || signals_the_group(arrived.sender);
        // A shell continues the whole group too; only a child that is still stopped needs it.
        let running = arrived.signal == Signal::SIGCONT as i32 && !is_stopped(self.child.pid);
        if RELAYED.contains(&arrived.signal) && !has_it && !running {
            signals::send(self.child.pid, arrived.signal);
        }
    }
}

/// coreutils' `timeout` signals its child and right after that the whole group.
fn signals_the_group(sender: i32) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{sender}/comm"));
    name.is_ok_and(|name| name.trim_end() == "timeout")
}

/// Whether a process is stopped (`T` in `/proc/PID/stat`).
fn is_stopped(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| rest.starts_with('T'))
}
