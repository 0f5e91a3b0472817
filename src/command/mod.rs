//! What will run: the words after unwrapping, matched to a tool of the catalogue and its actions.
//!
//! [`understand`] takes one [`Step`] (a program start) and returns every [`Command`] it leads to.
//! Knowledge is data (`profiles/commands/*.toml`); each tool names the *reader* here that judges
//! its words. Readers never run anything and never look at ambient state.

mod args;
pub mod catalogue;
pub mod program;
pub mod shell;
pub mod sql;
mod step;
pub mod tools;
pub mod unwrap;

use std::borrow::Cow;

pub use args::{Args, Opt};
pub use catalogue::Tool;
pub use step::{Mount, Place, Stdin, Step, Stream, Word};

use crate::files::Files;

/// What an action does to a database, weakest first. `Opaque` can do anything and is judged as
/// destroying; it ranks below the two that are known to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Touches no database.
    None,
    /// Reads rows or structure.
    Reads,
    /// Writes or deletes single rows, as the application does every day.
    Writes,
    /// Changes the schema.
    ChangesSchema,
    /// Can do anything: a console, a script, SQL that cannot be read.
    Opaque,
    /// Stops the server.
    Stops,
    /// Destroys data.
    Destroys,
}

impl Effect {
    /// The word for it in output, config and records.
    pub fn word(self) -> &'static str {
        match self {
            Effect::None => "none",
            Effect::Reads => "reads",
            Effect::Writes => "writes",
            Effect::ChangesSchema => "changes-schema",
            Effect::Opaque => "opaque",
            Effect::Stops => "stops",
            Effect::Destroys => "destroys",
        }
    }

    /// All of them, weakest first.
    pub const ALL: [Effect; 7] = [
        Effect::None,
        Effect::Reads,
        Effect::Writes,
        Effect::ChangesSchema,
        Effect::Opaque,
        Effect::Stops,
        Effect::Destroys,
    ];

    /// The effect of that word.
    pub fn from_word(word: &str) -> Option<Effect> {
        Effect::ALL.into_iter().find(|e| e.word() == word)
    }
}

/// One thing a command does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The catalogue's name for it (`migrate:fresh`, `DROP TABLE`).
    pub name: Cow<'static, str>,
    /// What it does to a database.
    pub effect: Effect,
    /// Why it has that effect, for people.
    pub why: Cow<'static, str>,
    /// The stronger effect that it has on a database in an unexpected state, where it has one:
    /// judged so wherever the target does not come from the project's own files.
    pub on_foreign: Option<Effect>,
    /// The file and line that do it, where they are not the command's own words.
    pub place: Option<String>,
}

impl Action {
    /// An action of the given name and effect.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        effect: Effect,
        why: impl Into<Cow<'static, str>>,
    ) -> Self {
        Action {
            name: name.into(),
            effect,
            why: why.into(),
            on_foreign: None,
            place: None,
        }
    }

    /// At that place: file and line.
    pub fn at(mut self, place: String) -> Self {
        self.place = Some(place);
        self
    }

    /// With the effect that it has on a database in an unexpected state.
    pub fn on_foreign(mut self, effect: Effect) -> Self {
        self.on_foreign = Some(effect);
        self
    }

    /// Its effect on a target that comes from the project's own files, or not.
    pub fn effect_on(&self, own: bool) -> Effect {
        match self.on_foreign {
            Some(stronger) if !own => stronger.max(self.effect),
            _ => self.effect,
        }
    }
}

/// A program start whose tool and actions are known as far as they can be.
#[derive(Debug, Clone)]
pub struct Command {
    /// The program start itself: words, variables, directory, standard input.
    pub step: Step,
    /// The catalogue's tool; `None` for a program it does not know.
    pub tool: Option<&'static Tool>,
    /// Options and operands, parsed by the tool's own table (or by its reader's rules).
    pub args: Args,
    /// What it does, in the order found. Empty means nothing to a database.
    pub actions: Vec<Action>,
    /// The command stops by itself before it reaches any database (bad option, unknown name),
    /// with the class of the failure (`command-unknown`, `argv-rejected`, `nothing-runs`).
    pub stops_early: Option<Stop>,
    /// Databases and servers that the command's own text leads to besides its main target:
    /// `\c other`, `USE other`, `other.table`, `--also-drop other`.
    pub reaches: Vec<Reach>,
    /// Facts for the resolver that the reader found out (`env`, `connection`, `task`), by name.
    pub hints: Vec<(&'static str, String)>,
    /// Remarks for `explain`: what was assumed, what happens to later runs.
    pub notes: Vec<String>,
}

/// Why a command stops by itself before reaching a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The class: `env-file-invalid`, `connection-not-configured`, `argv-rejected`, ...
    pub what: &'static str,
    /// The details, with file and line where there is one.
    pub detail: String,
}

impl Stop {
    /// A stop of that class.
    pub fn new(what: &'static str, detail: impl Into<String>) -> Self {
        Stop {
            what,
            detail: detail.into(),
        }
    }
}

/// A further database that the words or the SQL of a command lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Another database of the same server.
    Database(String),
    /// A whole new connection, in the client's own words (URL or conninfo).
    Connection(String),
    /// A change of server that cannot be read.
    Unknown(String),
}

impl Command {
    /// A command of `tool` without actions.
    pub fn new(tool: Option<&'static Tool>, step: Step) -> Self {
        Command {
            step,
            tool,
            args: Args::default(),
            actions: Vec::new(),
            stops_early: None,
            reaches: Vec::new(),
            hints: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds an action.
    pub fn doing(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    /// The strongest effect of its actions; none where it only prints help. Where it stops by
    /// itself for another reason the effect stands: that reading may be wrong.
    pub fn effect(&self) -> Effect {
        if self
            .stops_early
            .as_ref()
            .is_some_and(|s| s.what == "nothing-runs")
        {
            return Effect::None;
        }
        self.actions
            .iter()
            .map(|a| a.effect)
            .max()
            .unwrap_or(Effect::None)
    }

    /// The strongest effect on a target that comes from the project's own files, or not.
    pub fn effect_on(&self, own: bool) -> Effect {
        if self.stops_early.is_some() {
            return Effect::None;
        }
        let effects = self.actions.iter().map(|a| a.effect_on(own));
        effects.max().unwrap_or(Effect::None)
    }

    /// A fact that the reader left for the resolver.
    pub fn hint(&self, name: &str) -> Option<&str> {
        self.hints
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, v)| v.as_str())
    }

    /// The name of the tool, or of the unknown program.
    pub fn tool_name(&self) -> &str {
        self.tool.map_or_else(|| self.step.program(), |t| t.name)
    }
}

/// Who asks: facts that clients take from the operating system.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// Login name of the effective user, as `getpwuid` gives it.
    pub user: String,
    /// Home directory from the user database (not from `HOME`).
    pub home: Option<std::path::PathBuf>,
    /// Host name.
    pub host: String,
}

/// Everything a reader or resolver may look at.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// Files, read-only.
    pub files: &'a dyn Files,
    /// Who asks.
    pub caller: &'a Caller,
    /// What the project itself answered (`--probe`): it takes the place of what its files say.
    pub heard: Option<&'a serde_json::Value>,
}

/// What a reader made of a step: a command, further program starts, or both.
#[derive(Debug, Default)]
pub struct Reading {
    /// The command that the step itself is.
    pub command: Option<Command>,
    /// The program starts that it leads to (a wrapper's tail, a script's lines).
    pub steps: Vec<Step>,
}

impl Reading {
    /// The step is this command.
    pub fn command(command: Command) -> Self {
        Reading {
            command: Some(command),
            steps: Vec::new(),
        }
    }

    /// The step only starts these.
    pub fn steps(steps: Vec<Step>) -> Self {
        Reading {
            command: None,
            steps,
        }
    }

    /// The step is not what the catalogue took it for; it counts as an unknown program.
    pub fn not_mine(step: &Step) -> Self {
        Reading::command(Command::new(None, step.clone()))
    }

    /// The step can do anything, because of `why`.
    pub fn opaque(
        tool: Option<&'static Tool>,
        step: &Step,
        name: &'static str,
        why: impl Into<String>,
    ) -> Self {
        let action = Action::new(name, Effect::Opaque, why.into());
        Reading::command(Command::new(tool, step.clone()).doing(action))
    }
}

/// How deep wrappers may nest, and how many program starts one line may lead to.
const MAX_DEPTH: usize = 8;
pub(crate) const MAX_STEPS: usize = 512;

/// How many programs that nobody knows may start each other.
const MAX_SUPPOSED: u8 = 3;

/// Follows a program start through wrappers, shells and task runners to the commands it leads to.
/// Work is bounded by depth and count; past the bounds the command is opaque.
pub fn understand(first: Step, world: &World<'_>) -> Vec<Command> {
    let mut commands = Vec::new();
    let mut queue = vec![(first, 0usize)];
    let mut started = 0usize;
    while let Some((mut step, depth)) = queue.pop() {
        started += 1;
        if depth > MAX_DEPTH || started > MAX_STEPS {
            step.supposed = 0;
            let why = "too many programs inside programs to follow";
            commands.extend(Reading::opaque(None, &step, "nested", why).command);
            break;
        }
        let reading = read(&step, world);
        commands.extend(reading.command);
        queue.extend(reading.steps.into_iter().rev().map(|s| (s, depth + 1)));
    }
    commands.retain(|c| match c.effect() {
        Effect::Opaque => c.step.supposed == 0 || c.step.first_unknown().is_some(),
        effect => c.step.supposed == 0 || effect > Effect::Opaque,
    });
    commands
}

fn read(step: &Step, world: &World<'_>) -> Reading {
    if let Some(why) = step.argv.first().and_then(|w| w.unknown.as_deref()) {
        return Reading::opaque(None, step, "unknown program", why);
    }
    // A start script is a service of its name, whatever program bears the same one.
    let name = match step.program_path().starts_with("/etc/init.d/") {
        true => "service",
        false => step.program(),
    };
    let tool = catalogue::find(name);
    let mut reading = match tool {
        Some(tool) => tools::read(tool, step, world),
        None => unwrap::script(step, world).unwrap_or_else(|| tools::release(step)),
    };
    if step.supposed < MAX_SUPPOSED {
        let steps = unwrap::supposed(tool, step, &reading);
        reading.steps.extend(steps);
    }
    tools::judge_by_name(step, &mut reading);
    reading
}
