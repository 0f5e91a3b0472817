//! Arguments in, domain types out; one file a subcommand.

pub mod arguments;
pub(crate) mod checkpoint;
pub mod companion;
pub mod dotenv;
pub mod exit;
mod explain;
mod mark;
mod probe;
pub(crate) mod run;
mod shim;
mod status;
mod trust;

pub(crate) use run::{location, record_refusal};

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;

use clap::Command;

use crate::command::{Stdin, Stream};
use crate::config::{self, Anchoring, Config};
use crate::files::Disk;
use crate::invocation::nesting::shim_name;
use crate::invocation::{self, Invocation};
use crate::launch::spool::{MAX_STREAM, Spooled, spool};
use crate::plan::{Plan, Scene, plan};
use crate::profile::{ConfigError, closest};
use crate::record::redact::Redactor;
use crate::sys::signals::Inherited;
use crate::sys::signals::block_all;
use crate::target::Question;
use crate::ui::{Ui, sanitize};
use arguments::{Asked, Verb};

/// The version with its build: commit, kind and machine.
pub const VERSION: &str = env!("TAGOUT_VERSION");

/// What every subcommand works with.
pub struct Session {
    /// The call.
    pub invocation: Invocation,
    /// Output.
    pub ui: Ui,
    /// Files.
    pub files: Disk,
    /// How the journal is anchored, once a plan was made.
    anchoring: Anchoring,
    /// The caller's signal state, once it was taken over.
    signals: Option<Inherited>,
    /// Another tagout is around this one, by the kernel's word.
    nested: bool,
    /// What tagout itself failed at.
    failure: Option<String>,
}

impl Session {
    /// Reads the call; on a mistake says it and gives the exit code.
    pub(crate) fn begin() -> Result<Session, u8> {
        let invocation = Invocation::read().map_err(|e| {
            Ui::new(&|_| None).error(
                &format!("the working directory cannot be read: {e}"),
                &["change to a directory that exists".to_owned()],
            );
            exit::FAILED
        })?;
        let ui = Ui::new(&|name| invocation.variable(name));
        Ok(Session {
            invocation,
            ui,
            files: Disk::default(),
            anchoring: Anchoring::default(),
            signals: None,
            nested: false,
            failure: None,
        })
    }

    /// Reads the configuration and judges the command; on a mistake says it and gives the exit
    /// code.
    pub(crate) fn plan(&mut self, asked: &Asked) -> Result<Plan, u8> {
        let config = self.config(asked.config.as_ref())?;
        self.anchoring = config.anchoring();
        let failed = Rc::new(RefCell::new(None));
        let stdin = match (self.invocation.at_a_terminal(), asked.no_spool) {
            (true, _) => Stdin::Terminal,
            (false, true) => Stdin::Inherited,
            (false, false) => Stdin::Stream(spooled(self.signals, &failed)),
        };
        let plan = self.judge(asked, &config, &stdin)?;
        match failed.take() {
            Some(Failed { what, hints }) => Err(self.failed(&what, &hints)),
            None => Ok(plan),
        }
    }

    /// Judges the command with that standard input.
    fn judge(&mut self, asked: &Asked, config: &Config, stdin: &Stdin) -> Result<Plan, u8> {
        let signals = Cell::new(self.signals);
        let ask = |question: &Question<'_>| probe::answer(question, &signals);
        let scene = Scene {
            environ: &self.invocation.environ,
            cwd: &self.invocation.cwd,
            caller: &self.invocation.caller,
            config,
            files: &self.files,
            stdin,
            probe: asked.probe.then_some(&ask),
        };
        let mut request = asked.request();
        if let (None, Some(name)) = (&request.profile, &asked.hook) {
            request.profile = config.profile_of(name);
        }
        plan(&request, scene).map_err(|e| self.config_mistake(&e))
    }

    /// Where the user's configuration stands.
    pub(crate) fn config_folder(&self, asked: Option<&String>) -> Option<PathBuf> {
        match asked {
            Some(folder) => Some(self.invocation.cwd.join(folder)),
            None => self.invocation.config_folder(),
        }
    }

    /// Reads the configuration.
    pub(crate) fn config(&mut self, asked: Option<&String>) -> Result<Config, u8> {
        let folder = self.config_folder(asked);
        config::load(&self.invocation.cwd, folder.as_deref(), &self.files)
            .map_err(|e| self.config_mistake(&e))
    }

    /// What is known of the caller's secrets, to keep them out of output and records.
    pub(crate) fn redactor(&self) -> Redactor {
        let mut redactor = Redactor::of_environ(&self.invocation.environ);
        let words = self.invocation.args.iter().skip(1);
        let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
        redactor.learn_words(&words);
        redactor
    }

    /// The command's words without their secrets.
    fn shown_argv(&self, plan: &Plan) -> Vec<String> {
        let words: Vec<_> = plan.argv.iter().map(|w| w.to_string_lossy()).collect();
        self.redactor().words(&words).words
    }

    /// tagout's own failure: nothing was run.
    pub(crate) fn failed(&mut self, what: &str, hints: &[String]) -> u8 {
        self.ui.error(what, hints);
        self.failure = Some(what.to_owned());
        exit::FAILED
    }

    pub(crate) fn warn(&mut self, what: &str) {
        let what = sanitize::line(what);
        self.ui.message(&format!("tagout: warning: {what}\n"));
    }

    pub(crate) fn config_mistake(&mut self, error: &ConfigError) -> u8 {
        let hints: Vec<String> = error.hint.clone().into_iter().collect();
        self.failed(&error.to_string(), &hints)
    }
}

/// The program's definition, with one line for each subcommand of the second program.
pub fn definition() -> Command {
    companion::listed(own_definition())
}

/// The definition of what this program does itself.
pub fn own_definition() -> Command {
    bare_definition()
        .subcommand(arguments::run_command())
        .subcommand(arguments::explain_command())
        .subcommand(mark::command())
        .subcommand(trust::command())
        .subcommand(dotenv::command())
}

/// The program without its subcommands.
pub(crate) fn bare_definition() -> Command {
    Command::new("tagout")
        .bin_name("tagout")
        .version(VERSION)
        .about("Start a command with a scrubbed environment, knowing and holding the database it will reach")
        .disable_help_subcommand(true)
        .subcommand_required(true)
        .arg_required_else_help(true)
}

/// The program.
pub fn main() -> u8 {
    match Session::begin() {
        Ok(mut session) => dispatch(&mut session),
        Err(code) => {
            let why = "the working directory cannot be read";
            let args = invocation::words();
            match companion::refuse_agent(&mut Ui::new(&|_| None), &args, why) {
                true => exit::OK,
                false => code,
            }
        }
    }
}

fn dispatch(session: &mut Session) -> u8 {
    if let Some(name) = shim_name(&session.invocation.args) {
        let name = name.to_owned();
        return shim::run(session, name);
    }
    if let Some((verb, asked)) = arguments::fast(&session.invocation.args) {
        return ask(session, verb, &asked);
    }
    if companion::takes(&session.invocation.args) {
        return companion::become_it(session);
    }
    let matches = match definition().try_get_matches_from(&session.invocation.args) {
        Ok(matches) => matches,
        Err(e) => return usage(session, &e),
    };
    match matches.subcommand() {
        Some(("run", inner)) => ask(session, Verb::Run, &arguments::from_matches(inner)),
        Some(("explain", inner)) => ask(session, Verb::Explain, &arguments::from_matches(inner)),
        Some(("dotenv", inner)) => dotenv::run(session, inner),
        Some(("mark", inner)) => mark::run(session, inner),
        Some(("trust", inner)) => trust::run(session, inner),
        _ => exit::USAGE,
    }
}

fn ask(session: &mut Session, verb: Verb, asked: &Asked) -> u8 {
    if asked.argv.first().is_none_or(|a| a.is_empty()) {
        session.ui.error(
            "the command is empty",
            &["name a program: tagout run -- PROGRAM [ARGUMENT]...".to_owned()],
        );
        return exit::USAGE;
    }
    match verb {
        Verb::Run => run::run(session, asked),
        Verb::Explain => explain::run(session, asked),
    }
}

/// Help and version are answers; everything else is wrong usage.
pub(crate) fn usage(session: &mut Session, error: &clap::Error) -> u8 {
    let text = error.render().to_string();
    if error.use_stderr() {
        session.ui.message(&text);
        if error.kind() == clap::error::ErrorKind::InvalidSubcommand {
            let words: Vec<String> = session
                .invocation
                .args
                .iter()
                .skip(1)
                .map(|w| w.to_string_lossy().into_owned())
                .collect();
            session.ui.message(&meant(&words));
        }
        exit::USAGE
    } else {
        session.ui.data(&text);
        exit::OK
    }
}

/// What somebody may have meant who names no subcommand: one that is spelled nearly so, or a command
/// to be started.
fn meant(words: &[String]) -> String {
    let own = ["run", "explain", "mark", "trust", "dotenv"];
    let all: Vec<&str> = companion::VERBS
        .iter()
        .map(|(name, _)| *name)
        .chain(own)
        .collect();
    let first = words.first().map_or("", String::as_str);
    match closest(first, &all) {
        Some(near) => format!("hint: did you mean `tagout {near}`?\n"),
        None => format!("hint: a command is started by: tagout run -- {first} ...\n"),
    }
}

/// Why a stream could not be read, for people.
struct Failed {
    what: String,
    hints: Vec<String>,
}

/// The caller's standard input, read where the command would obey it and nothing where it is too
/// long to be judged. The caller may interrupt while it comes.
fn spooled(signals: Option<Inherited>, failed: &Rc<RefCell<Option<Failed>>>) -> Stream {
    let failed = Rc::clone(failed);
    let fail = move |what: String, hints: Vec<String>| {
        failed.replace(Some(Failed { what, hints }));
        None
    };
    Stream::new(move || {
        if let Some(signals) = &signals {
            signals.restore_mask();
        }
        let spooled = spool(signals.is_some());
        if signals.is_some()
            && let Err(e) = block_all()
        {
            return fail(format!("signals cannot be blocked: {e}"), Vec::new());
        }
        match spooled {
            Ok(Spooled::Text(text)) => Some(text),
            Ok(Spooled::TooLong { whole: true }) => None,
            Ok(Spooled::TooLong { whole: false }) => fail(
                format!(
                    "what comes on standard input is longer than {} MiB: too long to be judged",
                    MAX_STREAM >> 20
                ),
                vec![
                    "write it to a file and name it with the client's own option".to_owned(),
                    "or let it through unread with --no-spool, where it may do anything".to_owned(),
                ],
            ),
            Err(e) => fail(format!("standard input cannot be read: {e}"), Vec::new()),
        }
    })
}
