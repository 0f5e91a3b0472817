//! A program that is asked a question: started like the command, but behind a fence that lets it
//! connect to nothing, without input, and only its standard output is read, up to a bound.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use super::{c_string, c_strings};
use crate::fence::{Mode, Place, Prepared, Rules, Supervisor, Where};
use crate::sys::descriptors::Muted;
use crate::sys::signals::{self, Inherited};
use crate::sys::spawn::{self, Child, Program};
use crate::sys::wait::{self, Change};

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(20);

/// How much it may print, bytes.
const MOST: usize = 4 << 20;

/// What is asked.
#[derive(Debug)]
pub struct Asked<'a> {
    /// Absolute path of the program.
    pub program: &'a Path,
    /// Its words.
    pub argv: Vec<std::ffi::OsString>,
    /// Its environment, `NAME=value`.
    pub environment: Vec<std::ffi::OsString>,
    /// The directory it starts in.
    pub cwd: &'a Path,
}

/// Asks and waits for the answer: what it printed.
///
/// # Errors
/// Why there is none: it cannot be started or fenced, failed, printed or took too much.
pub fn ask(asked: &Asked<'_>, signals: &Inherited) -> Result<Vec<u8>, String> {
    let failed = |e: io::Error| format!("{}: {e}", asked.program.display());
    let fence = Prepared::new(Mode::Hold, nowhere())
        .map_err(|report| format!("there is no fence: {}", report.missing.join("; ")))?;
    let (out, end) = io::pipe().map_err(failed)?;
    let (child, supervisor) = start(asked, fence, &end, signals)?;
    drop(end);
    let mut answer = Answer {
        child,
        supervisor,
        out: File::from(OwnedFd::from(out)),
        open: true,
        printed: Vec::new(),
        status: None,
    };
    let waited = answer.wait();
    if answer.status.is_none() {
        answer.kill();
    }
    waited?;
    let refused = answer.supervisor.finish().refusals();
    match (answer.status, refused.first()) {
        (Some(0), _) => Ok(answer.printed),
        (_, Some(refusal)) => Err(format!("it failed, and wanted to connect: {refusal}")),
        // It may say why.
        (Some(_), None) if !answer.printed.is_empty() => Ok(answer.printed),
        _ => Err("it failed".to_owned()),
    }
}

/// Every address is out of reach.
fn nowhere() -> Rules {
    Rules {
        production: vec![Place {
            at: Where::Anywhere,
            port: None,
            label: "of every address, while probing".to_owned(),
        }],
        refuse_production: true,
        ..Rules::default()
    }
}

fn start(
    asked: &Asked<'_>,
    fence: Prepared,
    end: &impl AsFd,
    signals: &Inherited,
) -> Result<(Child, Supervisor), String> {
    let failed = |e: io::Error| format!("{}: {e}", asked.program.display());
    let path = c_string(asked.program.as_os_str().to_owned()).map_err(failed)?;
    let cwd = c_string(asked.cwd.as_os_str().to_owned()).map_err(failed)?;
    let argv = c_strings(&asked.argv).map_err(failed)?;
    let environment = c_strings(&asked.environment).map_err(failed)?;
    let program = Program {
        path: &path,
        argv: &argv,
        environment: &environment,
        signals,
    };
    // Until it has started, by whichever way.
    let _muted = Muted::to(end.as_fd()).map_err(failed)?;
    let mut installed = Err(0);
    let mut enter = || nix::unistd::chdir(cwd.as_c_str()).map_err(|errno| errno as i32);
    let spawned = spawn::spawn(&program, &mut || {
        enter()?;
        installed = fence.install();
        installed.as_ref().map(|_| ()).map_err(|errno| *errno)
    });
    let supervised = |child: Child, supervisor: io::Result<Supervisor>| match supervisor {
        Ok(supervisor) => Ok((child, supervisor)),
        Err(e) => {
            signals::send(child.pid, nix::sys::signal::Signal::SIGKILL as i32);
            let _ = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(child.pid), None);
            Err(format!("there is no fence: {e}"))
        }
    };
    match (spawned, installed) {
        (Ok(child), Ok(installed)) => supervised(child, fence.supervise(installed)),
        (Err(e), Ok(installed)) => {
            fence.give_up(installed);
            Err(failed(e))
        }
        (_, Err(errno)) if errno != 0 => {
            let traced = fence
                .traced(errno)
                .map_err(|report| format!("there is no fence: {}", report.missing.join("; ")))?;
            let child = traced
                .spawn(&program, &mut enter, &mut || Ok(()))
                .map_err(failed)?;
            let supervisor = fence.follow(child.pid);
            supervised(child, supervisor)
        }
        (Err(e), Err(_)) => Err(failed(e)),
        (Ok(_), Err(_)) => Err("there is no fence".to_owned()),
    }
}

/// A program that answers.
struct Answer {
    child: Child,
    supervisor: Supervisor,
    out: File,
    /// Whether its output was not read to the end.
    open: bool,
    printed: Vec<u8>,
    /// Its exit status once it has ended; -1 by a signal.
    status: Option<i32>,
}

impl Answer {
    /// Reads until it has ended and nothing is left to read, and serves its fence.
    fn wait(&mut self) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            let left = LIMIT.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(format!("it took longer than {} s", LIMIT.as_secs()));
            }
            let patience = self.supervisor.patience().map_or(left, |p| p.min(left));
            let mut watched = vec![
                self.child.pidfd.as_raw_fd(),
                self.supervisor.descriptor().as_raw_fd(),
            ];
            if self.open {
                watched.push(self.out.as_raw_fd());
            }
            let over = self.status.is_some();
            let millis = if over { 0 } else { millis(patience) };
            let ready = wait::readable(&watched, Some(millis));
            self.supervisor.turn();
            let readable = ready.get(2).copied().unwrap_or(false);
            let more = readable && self.read()?;
            self.open = more || !readable && self.open;
            if self.status.is_none() {
                self.status = self.ended();
            }
            if over && !more {
                return Ok(());
            }
        }
    }

    /// Whether there was more.
    fn read(&mut self) -> Result<bool, String> {
        let mut chunk = vec![0; 64 << 10];
        let read = self.out.read(&mut chunk).map_err(|e| e.to_string())?;
        self.printed.extend(chunk.iter().take(read));
        if self.printed.len() > MOST {
            return Err(format!("it printed more than {} MiB", MOST >> 20));
        }
        Ok(read > 0)
    }

    fn kill(&mut self) {
        signals::send(self.child.pid, nix::sys::signal::Signal::SIGKILL as i32);
        let _ = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(self.child.pid), None);
        self.supervisor.turn();
    }

    fn ended(&mut self) -> Option<i32> {
        let traced = self.supervisor.traces();
        loop {
            let (change, _) = match traced {
                true => self.supervisor.change()?,
                false => wait::change(self.child.pid)?,
            };
            match change {
                Change::Exited(status) => return Some(status),
                Change::Killed(..) => return Some(-1),
                Change::Stopped(_) | Change::Continued => {}
            }
        }
    }
}

fn millis(time: Duration) -> i32 {
    i32::try_from(time.as_millis().max(1)).unwrap_or(i32::MAX)
}
