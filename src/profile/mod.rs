//! A profile: a named allowlist of variables, and the protections that apply to what it starts.

mod builtin;
mod layers;
mod parse;

use crate::policy::Tier;
use crate::source::Source;

pub use crate::sys::limits::Limit;

pub use builtin::BUILTIN;
pub(crate) use layers::matches_name;
pub use layers::{Layer, LayerKind, Trust, choose, choose_shared};
pub use parse::{
    ConfigError, DOCUMENT_KEYS, Document, HOOK_KEYS, HookText, JOURNAL_KEYS, JournalText,
    MARK_KEYS, MIGRATION_KEYS, PROFILE_KEYS, closest, parse_document, parse_profile,
};

/// The highest effect that a profile allows on production, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Production {
    /// Not even reads.
    Never,
    /// Reads.
    Read,
    /// Rows may be written.
    Write,
    /// The schema may be changed, if the gates hold.
    Migrate,
    /// Opaque sessions (consoles) are allowed.
    Console,
}

impl Production {
    /// All levels with their words.
    pub const WORDS: &[(&str, Production)] = &[
        ("never", Production::Never),
        ("read", Production::Read),
        ("write", Production::Write),
        ("migrate", Production::Migrate),
        ("console", Production::Console),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        word_of(Production::WORDS, self)
    }
}

/// What happens to a destroying command whose target no mark recognises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unmarked {
    /// It is refused.
    Refuse,
    /// It is allowed.
    Allow,
}

impl Unmarked {
    /// Both with their words.
    pub const WORDS: &[(&str, Unmarked)] =
        &[("refuse", Unmarked::Refuse), ("allow", Unmarked::Allow)];
}

/// Which inherited descriptors above 2 reach the command. Sockets and io_uring never do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Descriptors {
    /// None: everything above 2 is closed.
    All,
    /// Pipes and plain files stay: `cmd <(...)` and make's job server work.
    NoSockets,
    /// Only these stay, unless they are sockets.
    Only(Vec<i32>),
}

/// What the kernel fence does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FenceMode {
    /// Nothing.
    Off,
    /// Records what is contacted.
    Observe,
    /// Refuses what was not resolved or is marked production.
    Hold,
}

impl FenceMode {
    /// All modes with their words.
    pub const WORDS: &[(&str, FenceMode)] = &[
        ("off", FenceMode::Off),
        ("observe", FenceMode::Observe),
        ("hold", FenceMode::Hold),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        word_of(FenceMode::WORDS, self)
    }
}

/// What happens where the kernel offers no fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FenceUnavailable {
    /// The run is recorded as unfenced and goes on.
    Warn,
    /// The command does not start.
    Refuse,
}

impl FenceUnavailable {
    /// Both with their words.
    pub const WORDS: &[(&str, FenceUnavailable)] = &[
        ("warn", FenceUnavailable::Warn),
        ("refuse", FenceUnavailable::Refuse),
    ];
}

/// How files are hidden from the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HideBy {
    /// By the variables of their usual readers, which then point to nothing.
    Variables,
    /// Also by the kernel: nothing of the command's tree can read them.
    Landlock,
}

impl HideBy {
    /// Both with their words.
    pub const WORDS: &[(&str, HideBy)] = &[
        ("variables", HideBy::Variables),
        ("landlock", HideBy::Landlock),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        word_of(HideBy::WORDS, self)
    }
}

/// What happens to processes that are left when the command has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Survivors {
    /// They go on, held by the fence; what they contact is no longer recorded.
    Leave,
    /// The run lasts until they have ended.
    Wait,
    /// They are killed.
    Kill,
}

impl Survivors {
    /// All with their words.
    pub const WORDS: &[(&str, Survivors)] = &[
        ("leave", Survivors::Leave),
        ("wait", Survivors::Wait),
        ("kill", Survivors::Kill),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        word_of(Survivors::WORDS, self)
    }
}

/// What a command can get a place of its own for, empty at the start and removed afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Private {
    /// Its home directory.
    Home,
    /// Its directory for temporary files.
    Tmp,
}

impl Private {
    /// Both with their words.
    pub const WORDS: &[(&str, Private)] = &[("home", Private::Home), ("tmp", Private::Tmp)];

    /// The word for it.
    pub fn word(self) -> &'static str {
        word_of(Private::WORDS, self)
    }

    /// The variable that leads to it.
    pub fn variable(self) -> &'static str {
        match self {
            Private::Home => "HOME",
            Private::Tmp => "TMPDIR",
        }
    }

    /// What stands in the variable while the command is judged: a path at which there can never
    /// be anything, as in the new directory.
    pub fn placeholder(self) -> &'static str {
        match self {
            Private::Home => "/dev/null/private-home",
            Private::Tmp => "/dev/null/private-tmp",
        }
    }
}

impl Limit {
    /// All with their keys.
    pub const WORDS: &[(&str, Limit)] = &[
        ("memory_mib", Limit::Memory),
        ("processes", Limit::Processes),
        ("open_files", Limit::Files),
        ("cpu_seconds", Limit::Processor),
        ("file_mib", Limit::FileSize),
        ("core_mib", Limit::Core),
    ];

    /// The key for it.
    pub fn word(self) -> &'static str {
        word_of(Limit::WORDS, self)
    }
}

fn word_of<T: PartialEq + Copy>(words: &[(&'static str, T)], value: T) -> &'static str {
    words
        .iter()
        .find(|(_, v)| *v == value)
        .map_or("", |(w, _)| w)
}

/// What a file says about one profile: only what is written there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileText {
    /// One line for people.
    pub description: Option<String>,
    /// The profile that this one builds on.
    pub extends: Option<(String, Source)>,
    /// Names that pass.
    pub pass: Vec<(String, Source)>,
    /// Names that do not pass although a profile below lists them.
    pub drop: Vec<(String, Source)>,
    /// Names that may pass under no circumstances, `--keep` included. `*` at the end is allowed.
    pub never: Vec<(String, Source)>,
    /// Variables that are set.
    pub set: Vec<(String, String, Source)>,
    /// Variables that must be there.
    pub require: Vec<(String, Source)>,
    /// Highest effect on production.
    pub production: Option<(Production, Source)>,
    /// What happens to unmarked targets.
    pub unmarked: Option<(Unmarked, Source)>,
    /// Which descriptors stay.
    pub descriptors: Option<(Descriptors, Source)>,
    /// The fence's mode.
    pub fence: Option<(FenceMode, Source)>,
    /// What happens without a fence.
    pub fence_unavailable: Option<(FenceUnavailable, Source)>,
    /// Endpoints the fence lets through besides the resolved targets: `host:port`, `host`,
    /// `network`, `:port` or a socket path.
    pub allow: Vec<(String, Source)>,
    /// Files that the command's clients must not find.
    pub hide: Vec<(String, Source)>,
    /// How they are hidden.
    pub hide_by: Option<(HideBy, Source)>,
    /// What it gets a place of its own for.
    pub private: Vec<(Private, Source)>,
    /// Bounds.
    pub limits: Vec<(Limit, u64, Source)>,
    /// What happens to processes that are left.
    pub survivors: Option<(Survivors, Source)>,
}

/// A mark: a rule that recognises a target. All parts that are given must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What it makes of the target.
    pub tier: Tier,
    /// Kind of server, by our word.
    pub engine: Option<String>,
    /// Host name or address; `*` at either end stands for anything.
    pub host: Option<String>,
    /// Address range, `10.0.0.0/8`.
    pub network: Option<String>,
    /// Socket path.
    pub socket: Option<String>,
    /// Database file.
    pub file: Option<String>,
    /// Port.
    pub port: Option<u16>,
    /// Database name; `*` at either end stands for anything.
    pub database: Option<String>,
    /// Framework environment.
    pub environment: Option<String>,
    /// Identifier in a cloud or container runtime; `*` at either end stands for anything.
    pub identifier: Option<String>,
    /// Where it stands.
    pub source: Source,
}

impl Mark {
    /// A mark without any part: it matches nothing until one is given.
    pub fn empty(tier: Tier, source: Source) -> Self {
        Mark {
            tier,
            engine: None,
            host: None,
            network: None,
            socket: None,
            file: None,
            port: None,
            database: None,
            environment: None,
            identifier: None,
            source,
        }
    }
}

/// What somebody who may say so says of migrations: these have run on these targets already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Their folder: a path, or the end of one; any where none is given.
    pub folder: Option<String>,
    /// Their versions.
    pub versions: Vec<String>,
    /// A file with more of them, one a line.
    pub versions_file: Option<String>,
    /// The targets; its tier says nothing.
    pub on: Mark,
}

/// A rule that lets a name pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// The exact name, or a documented family (`LC_*`).
    pub name: String,
    /// Where it stands.
    pub source: Source,
}

/// A profile with all layers merged: what applies to one run.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// The layers that had a say, weakest first: `built-in:worker`, `tagout.toml`.
    pub layers: Vec<String>,
    /// Names that pass.
    pub pass: Vec<Pass>,
    /// Names that a tightening layer took away again, or that an untrusted file tried to add:
    /// name and reason.
    pub withheld: Vec<(String, String)>,
    /// Names that never pass.
    pub never: Vec<(String, Source)>,
    /// Variables that are set.
    pub set: Vec<(String, String, Source)>,
    /// Variables that must be there.
    pub require: Vec<(String, Source)>,
    /// Highest effect on production.
    pub production: Production,
    /// What happens to unmarked targets.
    pub unmarked: Unmarked,
    /// Which descriptors stay.
    pub descriptors: Descriptors,
    /// The fence's mode.
    pub fence: FenceMode,
    /// What happens without a fence.
    pub fence_unavailable: FenceUnavailable,
    /// Endpoints the fence lets through.
    pub allow: Vec<(String, Source)>,
    /// Files to hide.
    pub hide: Vec<(String, Source)>,
    /// How they are hidden.
    pub hide_by: Option<(HideBy, Source)>,
    /// What it gets a place of its own for.
    pub private: Vec<(Private, Source)>,
    /// Bounds, the lowest that any layer names.
    pub limits: Vec<(Limit, u64, Source)>,
    /// What happens to processes that are left.
    pub survivors: Option<(Survivors, Source)>,
    /// Marks of all layers and the built-in ones.
    pub marks: Vec<Mark>,
    /// Migrations that have run.
    pub migrations: Vec<Applied>,
    /// What was ignored, and why (an untrusted file tried to loosen a rule).
    pub ignored: Vec<String>,
    /// Where each level stands.
    pub said: LevelSources,
}

/// Where each level of a merged profile stands; `None` where nobody says and the strictest holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LevelSources {
    /// Of `production`.
    pub production: Option<Source>,
    /// Of `unmarked`.
    pub unmarked: Option<Source>,
    /// Of `descriptors`.
    pub descriptors: Option<Source>,
    /// Of `fence`.
    pub fence: Option<Source>,
    /// Of `fence_unavailable`.
    pub fence_unavailable: Option<Source>,
}
