//! tagout from Rust: judge a command, or start it through the installed program and learn whether
//! tagout refused it, failed, or ran it and how it ended.

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, PipeReader};
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use serde_json::Value;

use crate::command::Stdin;
use crate::config;
use crate::files::Disk;
use crate::invocation::Invocation;
use crate::plan::{Plan, Request, Scene, plan};
use crate::profile::ConfigError;
use crate::sys::descriptors;

/// A command to be started through tagout, built as [`std::process::Command`] is.
///
/// What the caller's environment holds reaches the command only where the profile passes it, so
/// that [`env`](Launcher::env) is for variables that the profile passes or that
/// [`keep`](Launcher::keep) names.
///
/// ```no_run
/// use tagout::{Launcher, Outcome};
///
/// let outcome = Launcher::new("php")
///     .args(["artisan", "queue:work", "--once"])
///     .profile("worker")
///     .current_dir("/srv/shop")
///     .status()?;
/// match outcome {
///     Outcome::Exited(0) => println!("done"),
///     Outcome::Exited(code) => println!("the command itself failed with {code}"),
///     Outcome::Signalled(signal) => println!("the command was killed by signal {signal}"),
///     Outcome::Refused(refusal) => println!("refused by {}: {:?}", refusal.rule, refusal.reasons),
///     Outcome::NotStarted(error) => println!("the program cannot be started: {error}"),
///     Outcome::Failed(error) => println!("tagout failed: {error}"),
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Launcher {
    tagout: PathBuf,
    request: Request,
    config: Option<PathBuf>,
    cwd: Option<PathBuf>,
    environ: Environ,
    stdin: Option<Stdio>,
    stdout: Option<Stdio>,
    stderr: Option<Stdio>,
}

/// What the caller's environment is for this launch.
#[derive(Debug, Default)]
struct Environ {
    cleared: bool,
    /// A name with its value, or without to be removed; the last word counts.
    changes: Vec<(OsString, Option<OsString>)>,
}

/// How it went. Exit codes alone do not tell tagout's refusals from the command's own 77.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// The command ran and ended with this status.
    Exited(i32),
    /// The command ran and was ended by this signal.
    Signalled(i32),
    /// tagout refused: nothing ran.
    Refused(Refusal),
    /// tagout allowed it, but the program cannot be started (`ENOENT`, `EACCES`), or its fence
    /// cannot be had (`fence-unavailable`).
    NotStarted(String),
    /// tagout itself failed (configuration, journal): nothing ran.
    Failed(String),
}

impl Outcome {
    /// The command ran and ended with 0.
    pub fn is_success(&self) -> bool {
        *self == Outcome::Exited(0)
    }
}

/// Why tagout refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The id of the record in the journal.
    pub id: String,
    /// The rule that decided: `destroys-production`.
    pub rule: String,
    /// The facts it used, for people.
    pub reasons: Vec<String>,
}

/// An ended command with what it printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// How it went.
    pub outcome: Outcome,
    /// What was written to standard output.
    pub stdout: Vec<u8>,
    /// What was written to standard error, tagout's own messages included.
    pub stderr: Vec<u8>,
}

/// Why there is no plan.
#[derive(Debug)]
pub enum PlanError {
    /// The working directory cannot be read.
    Directory(io::Error),
    /// A mistake in a configuration file.
    Config(ConfigError),
}

impl std::fmt::Display for PlanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PlanError::Directory(e) => write!(f, "the working directory cannot be read: {e}"),
            PlanError::Config(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for PlanError {}

impl Launcher {
    /// A launch of `program` without arguments, by the default profile, in this process's own
    /// directory and environment, through the `tagout` on PATH.
    pub fn new(program: impl Into<OsString>) -> Launcher {
        Launcher {
            tagout: PathBuf::from("tagout"),
            request: Request {
                argv: vec![program.into()],
                ..Request::default()
            },
            config: None,
            cwd: None,
            environ: Environ::default(),
            stdin: None,
            stdout: None,
            stderr: None,
        }
    }

    /// Adds an argument.
    pub fn arg(&mut self, arg: impl Into<OsString>) -> &mut Launcher {
        self.request.argv.push(arg.into());
        self
    }

    /// Adds arguments.
    pub fn args(&mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> &mut Launcher {
        self.request.argv.extend(args.into_iter().map(Into::into));
        self
    }

    /// The profile.
    pub fn profile(&mut self, name: impl Into<String>) -> &mut Launcher {
        self.request.profile = Some(name.into());
        self
    }

    /// Lets a variable through for this run, where policy does not forbid it: its exact name.
    pub fn keep(&mut self, name: impl Into<String>) -> &mut Launcher {
        self.request.keep.push(name.into());
        self
    }

    /// The working directory.
    pub fn current_dir(&mut self, dir: impl Into<PathBuf>) -> &mut Launcher {
        self.cwd = Some(dir.into());
        self
    }

    /// Sets a variable in the environment that tagout scrubs.
    pub fn env(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> &mut Launcher {
        self.environ.changes.push((name.into(), Some(value.into())));
        self
    }

    /// Removes a variable from the environment that tagout scrubs.
    pub fn env_remove(&mut self, name: impl Into<OsString>) -> &mut Launcher {
        self.environ.changes.push((name.into(), None));
        self
    }

    /// Begins with an empty environment instead of this process's own.
    pub fn env_clear(&mut self) -> &mut Launcher {
        self.environ = Environ {
            cleared: true,
            changes: Vec::new(),
        };
        self
    }

    /// The user's configuration folder, where it is not the usual one.
    pub fn config(&mut self, folder: impl Into<PathBuf>) -> &mut Launcher {
        self.config = Some(folder.into());
        self
    }

    /// The launcher's own place, where it is not to be looked for on PATH.
    pub fn tagout(&mut self, path: impl Into<PathBuf>) -> &mut Launcher {
        self.tagout = path.into();
        self
    }

    /// Standard input.
    pub fn stdin(&mut self, stdin: impl Into<Stdio>) -> &mut Launcher {
        self.stdin = Some(stdin.into());
        self
    }

    /// Standard output.
    pub fn stdout(&mut self, stdout: impl Into<Stdio>) -> &mut Launcher {
        self.stdout = Some(stdout.into());
        self
    }

    /// Standard error, where tagout's own messages go too.
    pub fn stderr(&mut self, stderr: impl Into<Stdio>) -> &mut Launcher {
        self.stderr = Some(stderr.into());
        self
    }

    /// Judges the command in this process, without starting or recording anything: what would
    /// run, which databases it would reach, and the verdict.
    ///
    /// ```
    /// let plan = tagout::Launcher::new("psql")
    ///     .args(["-h", "db1", "-d", "shop", "-c", "drop table orders"])
    ///     .env_clear()
    ///     .plan()?;
    /// assert!(!plan.verdict.is_allowed());
    /// assert_eq!(plan.verdict.rule, "destroys-unmarked");
    /// assert_eq!(plan.targets().len(), 1);
    /// # Ok::<(), tagout::launcher::PlanError>(())
    /// ```
    ///
    /// # Errors
    /// See [`PlanError`]. What cannot be found out about the command is part of the plan.
    pub fn plan(&self) -> Result<Plan, PlanError> {
        let mut invocation = Invocation::read().map_err(PlanError::Directory)?;
        if let Some(cwd) = &self.cwd {
            invocation.cwd = invocation.cwd.join(cwd);
        }
        invocation.environ = self.environ.applied(invocation.environ);
        let files = Disk::default();
        let folder = match &self.config {
            Some(folder) => Some(invocation.cwd.join(folder)),
            None => invocation.config_folder(),
        };
        let config =
            config::load(&invocation.cwd, folder.as_deref(), &files).map_err(PlanError::Config)?;
        let scene = Scene {
            environ: &invocation.environ,
            cwd: &invocation.cwd,
            caller: &invocation.caller,
            config: &config,
            files: &files,
            stdin: &Stdin::Inherited,
            probe: None,
        };
        plan(&self.request, scene).map_err(PlanError::Config)
    }

    /// Starts it. Its standard streams are this process's own where nothing else is said.
    ///
    /// # Errors
    /// tagout itself cannot be started: it is not there, or the system has no room.
    pub fn spawn(&mut self) -> io::Result<Launched> {
        let (reader, writer) = io::pipe()?;
        let mut command = self.command(writer.as_raw_fd());
        if let Some(stdin) = self.stdin.take() {
            command.stdin(stdin);
        }
        if let Some(stdout) = self.stdout.take() {
            command.stdout(stdout);
        }
        if let Some(stderr) = self.stderr.take() {
            command.stderr(stderr);
        }
        descriptors::hand_down(&mut command, writer.as_raw_fd());
        let child = command.spawn()?;
        drop(writer);
        Ok(Launched {
            child,
            events: std::thread::spawn(|| events(reader)),
        })
    }

    /// Starts it and waits for its end.
    ///
    /// # Errors
    /// See [`spawn`](Launcher::spawn).
    pub fn status(&mut self) -> io::Result<Outcome> {
        self.spawn()?.wait()
    }

    /// Starts it, waits for its end and collects what it printed. Standard input is empty where
    /// nothing else is said.
    ///
    /// # Errors
    /// See [`spawn`](Launcher::spawn).
    pub fn output(&mut self) -> io::Result<Output> {
        self.stdin.get_or_insert_with(Stdio::null);
        self.stdout.get_or_insert_with(Stdio::piped);
        self.stderr.get_or_insert_with(Stdio::piped);
        self.spawn()?.output()
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "the library's own way of starting tagout"
    )]
    fn command(&self, status: i32) -> Command {
        let mut command = Command::new(&self.tagout);
        command.args(["run", "--json-status", &status.to_string()]);
        if let Some(profile) = &self.request.profile {
            command.args(["--profile", profile]);
        }
        for name in &self.request.keep {
            command.args(["--keep", name]);
        }
        if let Some(folder) = &self.config {
            command.args([OsStr::new("--config"), folder.as_os_str()]);
        }
        command.arg("--").args(&self.request.argv);
        if let Some(cwd) = &self.cwd {
            command.current_dir(cwd);
        }
        self.environ.apply(&mut command);
        command
    }
}

impl Environ {
    fn apply(&self, command: &mut Command) {
        if self.cleared {
            command.env_clear();
        }
        for (name, value) in &self.changes {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
    }

    /// The same on raw entries.
    fn applied(&self, entries: Vec<OsString>) -> Vec<OsString> {
        let mut entries = if self.cleared { Vec::new() } else { entries };
        for (name, value) in &self.changes {
            let mut start = name.clone();
            start.push("=");
            let of_name = |e: &OsString| e.as_encoded_bytes().starts_with(start.as_encoded_bytes());
            entries.retain(|entry| !of_name(entry));
            if let Some(value) = value {
                start.push(value);
                entries.push(start);
            }
        }
        entries
    }
}

/// A launch that is under way.
#[derive(Debug)]
pub struct Launched {
    /// The launcher's process: signals sent to it reach the command, and its pipes are the
    /// command's.
    pub child: Child,
    events: JoinHandle<Vec<Value>>,
}

impl Launched {
    /// Waits for the end.
    ///
    /// # Errors
    /// The system's.
    pub fn wait(mut self) -> io::Result<Outcome> {
        let status = self.child.wait()?;
        Ok(outcome(status, self.events))
    }

    /// Waits for the end and collects what was printed.
    ///
    /// # Errors
    /// The system's.
    pub fn output(self) -> io::Result<Output> {
        let output = self.child.wait_with_output()?;
        Ok(Output {
            outcome: outcome(output.status, self.events),
            stdout: output.stdout,
            stderr: output.stderr,
        })
    }
}

/// What tagout tells until it closes its end.
fn events(reader: PipeReader) -> Vec<Value> {
    let lines = BufReader::new(reader).lines().map_while(Result::ok);
    lines
        .filter_map(|line| serde_json::from_str(&line).ok())
        .collect()
}

fn outcome(status: ExitStatus, events: JoinHandle<Vec<Value>>) -> Outcome {
    let events = events.join().unwrap_or_default();
    let last = events.last().unwrap_or(&Value::Null);
    let text = |key: &str| last[key].as_str().unwrap_or_default().to_owned();
    match last["event"].as_str() {
        Some("ended") => match status.code() {
            Some(code) => Outcome::Exited(code),
            None => Outcome::Signalled(status.signal().unwrap_or_default()),
        },
        Some("refused") => Outcome::Refused(Refusal {
            id: text("id"),
            rule: text("rule"),
            reasons: last["reasons"]
                .as_array()
                .map(|reasons| {
                    reasons
                        .iter()
                        .filter_map(Value::as_str)
                        .map(str::to_owned)
                        .collect()
                })
                .unwrap_or_default(),
        }),
        Some("not-started") => Outcome::NotStarted(text("error")),
        Some("failed") => Outcome::Failed(text("error")),
        _ => Outcome::Failed(format!("tagout ended without a word: {status}")),
    }
}
