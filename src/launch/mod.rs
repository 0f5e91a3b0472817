//! The effect: starts what was judged, as if it had been started directly, and stays beside it
//! until it ends.

mod descriptors;
mod place;
pub mod probe;
pub mod protect;
pub mod spool;

use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::fence::{self, Prepared, Supervisor};
use crate::profile::{Descriptors, Survivors};
use crate::sys::signals::{self, Arrived, Inherited, SignalQueue};
use crate::sys::spawn::{self, Child, Program};
use crate::sys::wait::{self, Change, Used};
use crate::sys::{memory, process};

pub use descriptors::{Closed, closing};
pub use protect::{Protection, Protections};

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
    /// Those that do not, from [`closing`].
    pub closed: &'a [Closed],
    /// Its other protections.
    pub protections: &'a Protections,
    /// What happens to processes that are left when it has ended.
    pub survivors: Survivors,
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

/// Signals that end a wait for processes that are left.
const ENDING: [i32; 4] = [
    Signal::SIGTERM as i32,
    Signal::SIGHUP as i32,
    Signal::SIGINT as i32,
    Signal::SIGQUIT as i32,
];

/// For so long processes that are left are killed; some cannot be.
const STUBBORN: Duration = Duration::from_secs(10);

/// A command that runs for so long is waited for with little memory.
const SETTLES: Duration = Duration::from_millis(50);

/// A started program and what is needed to stay beside it.
pub struct Running {
    child: Child,
    queue: SignalQueue,
    fence: Fenced,
    survivors: Survivors,
    /// Children that this process had before: the caller's, where it became tagout.
    before: Vec<i32>,
}

/// A fence to be put around the program.
pub struct Fencing {
    /// The fence.
    pub fence: Prepared,
    /// Without it the program does not start.
    pub required: bool,
}

/// What came of it.
enum Fenced {
    /// None was asked for.
    Off,
    /// It stands.
    On(Box<Supervisor>),
    /// The kernel did not allow it.
    Unavailable(fence::Report),
}

/// Why a program was not started.
#[derive(Debug)]
pub enum StartError {
    /// The system's error: of `clone`, or of `exec` itself (not found, not executable, too long).
    System(io::Error),
    /// There is no fence here, and it was required.
    Unfenced(fence::Report),
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        StartError::System(error)
    }
}

/// Starts the program. `signals` is the caller's state as [`Inherited::take_over`] found it.
///
/// # Errors
/// See [`StartError`].
pub fn start(
    launch: &Launch<'_>,
    fencing: Option<Fencing>,
    signals: &Inherited,
) -> Result<Running, StartError> {
    let queue = SignalQueue::new()?;
    let path = c_string(launch.program.as_os_str().to_owned())?;
    let argv = c_strings(launch.argv)?;
    let environment = c_strings(&launch.environment)?;
    descriptors::seal(launch.descriptors, launch.closed)?;
    let program = Program {
        path: &path,
        argv: &argv,
        environment: &environment,
        signals,
    };
    let before = match launch.survivors {
        Survivors::Kill => process::children(),
        Survivors::Leave | Survivors::Wait => Vec::new(),
    };
    let (child, fence) = match fencing {
        None => {
            let protections = launch.protections;
            let confine = &mut || protections.hide().and_then(|()| protections.bound());
            (spawn::spawn(&program, confine)?, Fenced::Off)
        }
        Some(fencing) => spawn_fenced(&program, fencing, launch.protections)?,
    };
    Ok(Running {
        child,
        queue,
        fence,
        survivors: launch.survivors,
        before,
    })
}

fn spawn_fenced(
    program: &Program<'_>,
    fencing: Fencing,
    protections: &Protections,
) -> Result<(Child, Fenced), StartError> {
    let Fencing { fence, required } = fencing;
    process::adopt_orphans();
    process::close_to_others();
    let mut installed = Err(0);
    let spawned = spawn::spawn(program, &mut || {
        // The fence asks about the one, and the other may leave it no descriptor.
        protections.hide()?;
        installed = fence.install();
        installed?;
        protections.bound()
    });
    match (spawned, installed) {
        (Ok(child), Ok(installed)) => {
            let supervisor = fence.supervise(installed)?;
            Ok((child, Fenced::On(Box::new(supervisor))))
        }
        (Err(_), Err(errno)) if errno != 0 => match fence.traced(errno) {
            Ok(traced) => {
                let (mut hide, mut bound) = (|| protections.hide(), || protections.bound());
                let child = traced.spawn(program, &mut hide, &mut bound)?;
                let supervisor = fence.follow(child.pid)?;
                Ok((child, Fenced::On(Box::new(supervisor))))
            }
            Err(report) if required => Err(StartError::Unfenced(report)),
            Err(report) => {
                let confine = &mut || protections.hide().and_then(|()| protections.bound());
                let child = spawn::spawn(program, confine)?;
                Ok((child, Fenced::Unavailable(report)))
            }
        },
        (Err(error), Ok(installed)) => {
            fence.give_up(installed);
            Err(error.into())
        }
        (Err(error), Err(_)) => Err(error.into()),
        (Ok(_), Err(_)) => Err(io::Error::from(io::ErrorKind::Other).into()),
    }
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

    /// Why there is no fence although one was asked for.
    pub fn unfenced(&self) -> Option<&fence::Report> {
        match &self.fence {
            Fenced::Unavailable(report) => Some(report),
            Fenced::Off | Fenced::On(_) => None,
        }
    }

    /// Stays until the child has ended: passes signals on, stops and continues with it, serves
    /// its fence.
    pub fn stay(mut self) -> (Finished, Option<fence::Report>) {
        let finished = self.serve();
        self.see_off();
        match self.fence {
            Fenced::Off => (finished, None),
            Fenced::Unavailable(report) => (finished, Some(report)),
            Fenced::On(mut supervisor) => {
                let report = supervisor.finish();
                supervisor.leave_behind();
                (finished, Some(report))
            }
        }
    }

    /// Processes that are left: waited for or killed, where the profile wants that. Who is
    /// signalled waits no longer.
    fn see_off(&mut self) {
        let Fenced::On(supervisor) = &mut self.fence else {
            return;
        };
        if self.survivors == Survivors::Leave {
            return;
        }
        let kills = self.survivors == Survivors::Kill;
        let begun = Instant::now();
        while !supervisor.is_over() {
            if kills {
                if begun.elapsed() > STUBBORN {
                    return;
                }
                for pid in process::children() {
                    if !self.before.contains(&pid) {
                        signals::send(pid, Signal::SIGKILL as i32);
                    }
                }
            }
            let watched = [self.queue.as_raw_fd(), supervisor.descriptor().as_raw_fd()];
            let patience = supervisor.patience().or(kills.then_some(SETTLES));
            wait::readable(&watched, patience.map(millis));
            supervisor.turn();
            while let Some(arrived) = self.queue.next() {
                if ENDING.contains(&arrived.signal) && !kills {
                    return;
                }
            }
            match supervisor.traces() {
                true => supervisor.turn(),
                false => wait::reap_others(0),
            }
        }
    }

    fn serve(&mut self) -> Finished {
        let mut watched = vec![self.queue.as_raw_fd(), self.child.pidfd.as_raw_fd()];
        if let Fenced::On(supervisor) = &self.fence {
            watched.push(supervisor.descriptor().as_raw_fd());
        }
        memory::release_judging();
        let mut settled = false;
        loop {
            let mut patience = (!settled).then_some(SETTLES);
            if let Fenced::On(supervisor) = &self.fence {
                patience = supervisor.patience().or(patience);
            }
            let ready = wait::readable(&watched, patience.map(millis));
            if !settled && !ready.contains(&true) {
                settled = true;
                memory::release();
            }
            if let Fenced::On(supervisor) = &mut self.fence {
                supervisor.turn();
            }
            if !self.is_traced() && !ready.iter().take(2).any(|ready| *ready) {
                continue;
            }
            while let Some(arrived) = self.queue.next() {
                self.pass_on(arrived);
            }
            match &mut self.fence {
                // What woke the queue may be news of the tree.
                Fenced::On(supervisor) if supervisor.traces() => supervisor.turn(),
                _ => wait::reap_others(self.child.pid),
            }
            if let Some(finished) = self.changes() {
                return finished;
            }
        }
    }

    /// The next change of the child; `None` where nothing changed.
    fn change(&mut self) -> Option<(Change, Used)> {
        match &mut self.fence {
            Fenced::On(supervisor) if supervisor.traces() => supervisor.change(),
            _ => wait::change(self.child.pid),
        }
    }

    fn is_traced(&self) -> bool {
        matches!(&self.fence, Fenced::On(supervisor) if supervisor.traces())
    }

    fn is_stopped(&self) -> bool {
        match &self.fence {
            Fenced::On(supervisor) if supervisor.traces() => supervisor.has_stopped(),
            _ => process::is_stopped(self.child.pid),
        }
    }

    fn changes(&mut self) -> Option<Finished> {
        while let Some((change, used)) = self.change() {
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
                Change::Stopped(signal) if self.is_stopped() => signals::stop_self(signal),
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
        let running = arrived.signal == Signal::SIGCONT as i32 && !self.is_stopped();
        if RELAYED.contains(&arrived.signal) && !has_it && !running {
            signals::send(self.child.pid, arrived.signal);
        }
    }
}

fn millis(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}

/// coreutils' `timeout` signals its child and right after that the whole group.
fn signals_the_group(sender: i32) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{sender}/comm"));
    name.is_ok_and(|name| name.trim_end() == "timeout")
}
