//! The kernel holds the command to what was resolved: every connect of its process tree is asked
//! about, judged, recorded, and made (or refused) by tagout itself.
//!
//! The launcher prepares a fence before it makes the child, the child installs it before its
//! `exec`, and the launcher's loop serves the supervisor until the tree is gone. `docs/fence.md`
//! says what is covered and what is not.

mod endpoint;
mod filter;
mod names;
mod policy;
mod report;
mod rules;
mod server;
mod supervisor;
mod task;
mod tracer;

#[cfg(test)]
mod trial;

pub use endpoint::{Endpoint, NotAnAddress, canonical};
pub use policy::{Judgement, Kind, Place, Rules, Where};
pub use report::{Contact, Outcome, Report, Status};
pub use supervisor::Supervisor;
pub use task::Program;

use crate::sys::process;
pub use crate::sys::seccomp::Installed;
use crate::sys::seccomp::{self, Instruction};
use crate::sys::spawn;
use crate::sys::trace::{self, Refused};
use filter::Strictness;
use policy::Policy;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What the fence does about what it sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It records.
    Observe,
    /// It refuses, and records.
    Hold,
}

impl Mode {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Mode::Observe => "observe",
            Mode::Hold => "hold",
        }
    }
}

/// How the kernel lets tagout act on a connect. The first that works is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// tagout connects the child's socket itself: what was judged is what is connected.
    Emulate,
    /// tagout judges and the kernel connects: a program that changes the address in between gets
    /// through.
    Check,
    /// tagout traces the tree, where nobody but a tracer is asked. Otherwise as the first, or as
    /// the second where descriptors cannot be duplicated.
    Ptrace,
    /// There is no fence.
    None,
}

impl Tier {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Tier::Emulate => "emulate",
            Tier::Check => "check",
            Tier::Ptrace => "ptrace",
            Tier::None => "none",
        }
    }
}

/// A fence that is ready to be put around a child.
#[derive(Debug)]
pub struct Prepared {
    mode: Mode,
    how: Strictness,
    program: Vec<Instruction>,
    policy: Policy,
}

impl Prepared {
    /// Readies a fence: assembles the filter for the rules.
    ///
    /// # Errors
    /// What the report says where there is no fence for this system or processor.
    pub fn new(mode: Mode, rules: Rules) -> Result<Prepared, Report> {
        if let Some(why) = seccomp::MISSING {
            return Err(Report::without(mode, vec![why.to_owned()]));
        }
        let Some((native, foreign)) = filter::native() else {
            let missing = "there is no fence for this processor architecture".to_owned();
            return Err(Report::without(mode, vec![missing]));
        };
        let policy = Policy::new(rules);
        let hold = mode == Mode::Hold;
        let how = Strictness {
            hold,
            messages: hold && policy.judges_messages(),
            traced: false,
        };
        Ok(Prepared {
            mode,
            how,
            program: filter::program(native, foreign, how),
            policy,
        })
    }

    /// Looks up the names of the rules; a launch waits three seconds at most for it, half a
    /// second where nothing is held.
    pub fn look_up(&mut self) {
        let patience = match self.mode {
            Mode::Observe => names::PATIENCE / 6,
            Mode::Hold => names::PATIENCE,
        };
        let names = self.policy.remote_names();
        if names.is_empty() {
            return;
        }
        let answers = names::Lookup::begin(names).map(|lookup| lookup.wait(patience));
        for (name, addresses) in answers.unwrap_or_default() {
            self.policy.learn(&name, addresses);
        }
    }

    /// Installs the filter in the calling thread: for the child, between clone and `exec`. Only
    /// system calls, no allocation.
    ///
    /// # Errors
    /// The kernel's errno; [`Prepared::traced`] says what it means.
    pub fn install(&self) -> Result<Installed, i32> {
        seccomp::install(&self.program)
    }

    /// What a fence would be here, by trying: the filter on a child that ends at once, and a
    /// descriptor of our own.
    pub fn attempt(&self) -> Report {
        let tier = match seccomp::attempt(&self.program) {
            Ok(()) => Tier::Emulate,
            Err(errno) => match self.traced(errno) {
                Ok(_) => Tier::Ptrace,
                Err(report) => return report,
            },
        };
        supervisor::attempt(self.mode, tier, &self.policy)
    }

    /// Where no listener was to be had, with that errno: the fence by tracing, tried on a child.
    ///
    /// # Errors
    /// Why there is none either.
    pub fn traced(&self, errno: i32) -> Result<Traced, Report> {
        let how = Strictness {
            traced: true,
            ..self.how
        };
        let program =
            filter::native().map(|(native, foreign)| filter::program(native, foreign, how));
        let program = program.unwrap_or_default();
        match trace::attempt(&program) {
            Ok(()) => Ok(Traced(program)),
            Err(why) => {
                let why = format!("{}; {}", why_unavailable(errno), why_untraced(why));
                Err(Report::without(self.mode, vec![why]))
            }
        }
    }
}

/// The filter of a fence by tracing.
#[derive(Debug)]
pub struct Traced(Vec<Instruction>);

impl Traced {
    /// Starts the program behind it: seized before its `exec`. `before` runs in the child, as for
    /// [`spawn::spawn`].
    ///
    /// # Errors
    /// As [`spawn::spawn`].
    pub fn spawn(
        &self,
        program: &spawn::Program<'_>,
        before: &mut dyn FnMut() -> Result<(), i32>,
        after: &mut dyn FnMut() -> Result<(), i32>,
    ) -> io::Result<spawn::Child> {
        trace::spawn(program, &mut || {
            before()?;
            trace::install(&self.0)?;
            after()
        })
    }
}

/// Whether a program would get rights from its file that the fence takes away (`sudo`, `su`): for
/// anyone but root no program inside gains any.
pub fn takes_rights_from(program: &Path) -> bool {
    const SET_USER_OR_GROUP: u32 = 0o6000;
    let mode = std::fs::metadata(program).map(|file| file.mode());
    process::effective_user() != 0 && mode.is_ok_and(|mode| mode & SET_USER_OR_GROUP != 0)
}

/// The likely cause of an errno of the attempt, for people.
pub fn why_unavailable(errno: i32) -> String {
    let cause = match errno {
        libc_errno::EBUSY => {
            "another supervisor listens already (a tagout around this one, WSL's mirrored network, \
             LXD, Sysbox)"
        }
        libc_errno::EINVAL | libc_errno::ENOSYS => {
            "this kernel has no seccomp user notification (before 5.0, or gVisor)"
        }
        libc_errno::EPERM | libc_errno::EACCES => "the container does not allow seccomp filters",
        _ => "the filter was not accepted",
    };
    let error = std::io::Error::from_raw_os_error(errno);
    format!("{cause}: {error}")
}

fn why_untraced(why: Refused) -> String {
    match why {
        Refused::Unheard => {
            "and by tracing there is no fence either: somebody else answers what programs ask here (a \
             tagout around this one holds them by its own command's rules)"
                .to_owned()
        }
        Refused::Before(errno) => format!("and by tracing: {}", why_unavailable(errno)),
        Refused::Tracing(errno) => format!(
            "and by tracing: this process may trace no other, or is traced itself: {}",
            io::Error::from_raw_os_error(errno)
        ),
    }
}

/// Numbers that Linux has on all architectures that the fence knows.
mod libc_errno {
    pub(super) const EPERM: i32 = 1;
    pub(super) const EACCES: i32 = 13;
    pub(super) const EBUSY: i32 = 16;
    pub(super) const EINVAL: i32 = 22;
    pub(super) const ENOSYS: i32 = 38;
}
