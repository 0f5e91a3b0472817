//! Arguments in, domain types out; one file a subcommand.

pub mod arguments;
pub(crate) mod checkpoint;
pub mod companion;
pub mod exit;
mod explain;
mod probe;
pub(crate) mod run;
mod shim;
mod status;

pub(crate) use run::{location, record_refusal};

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;

use crate::command::{Stdin, Stream};
use crate::config::{self, Anchoring, Config};
use crate::files::Disk;
use crate::invocation::nesting::shim_name;
use crate::invocation::{self, Invocation};
use crate::launch::spool::{MAX_STREAM, Spooled, spool};
use crate::plan::{Plan, Scene, plan};
use crate::profile::ConfigError;
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
    if let Some((verb, asked)) = arguments::read(&session.invocation.args) {
        return ask(session, verb, &asked);
    }
    if let [_, word] = session.invocation.args.as_slice()
        && (word == "--version" || word == "-V")
    {
        session.ui.data(&format!("tagout {VERSION}\n"));
        return exit::OK;
    }
    companion::become_it(session)
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
