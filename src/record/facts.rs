//! What an entry is made of, as plain data. Everything here is already free of secrets.

use crate::invocation::actor::Actor;
use crate::invocation::git::Git;
use crate::invocation::host::Host;
use crate::sys::clock::Moment;

use super::RecordId;

/// A call of tagout up to its verdict.
#[derive(Debug, Clone)]
pub struct Run {
    /// The id that all entries of the run share.
    pub id: RecordId,
    /// When it was judged.
    pub time: Moment,
    /// `allowed` or `refused`.
    pub verdict: String,
    /// The rule that decided.
    pub rule: String,
    /// Why, for people.
    pub reasons: Vec<String>,
    /// The strongest effect.
    pub effect: String,
    /// Tool of the catalogue, or the unknown program's name.
    pub tool: String,
    /// What the command does, one by one.
    pub actions: Vec<ActionFact>,
    /// The databases.
    pub targets: Vec<TargetFact>,
    /// What could not be decided.
    pub gaps: Vec<GapFact>,
    /// What makes the command stop by itself: (class, detail).
    pub errors: Vec<(String, String)>,
    /// The conditions that had to hold, as far as they were decided before anything ran.
    pub gates: Vec<GateFact>,
    /// Who.
    pub actor: Actor,
    /// What runs.
    pub process: ProcessFact,
    /// By which rules.
    pub profile: ProfileFact,
    /// Names of variables; values are never recorded.
    pub environment: NamesFact,
    /// How the child is held: mode (`hold`, `watch`, `off`) and status (`full`, `partial`, ...).
    pub enforcement: Vec<(String, String)>,
    /// Parts of the fence that this kernel does not have.
    pub enforcement_missing: Vec<String>,
    /// Descriptors that were closed, as shown in `explain`.
    pub closed: Vec<String>,
    /// The commit it was run from.
    pub git: Option<Git>,
    /// The machine.
    pub host: Host,
}

/// An action of the command.
#[derive(Debug, Clone, Default)]
pub struct ActionFact {
    /// The catalogue's name.
    pub name: String,
    /// What it does to a database.
    pub effect: String,
}

/// A database with the sources of its fields.
#[derive(Debug, Clone, Default)]
pub struct TargetFact {
    /// `mysql://app@db-1.internal:3306/shop`: for people and filters, without password.
    pub uri: String,
    /// Engine word.
    pub engine: String,
    /// `production`, `disposable` or `unmarked`.
    pub tier: String,
    /// The mark that gave the tier.
    pub mark: Option<String>,
    /// Each field: what, shown value, source, and the sources it beat.
    pub fields: Vec<FieldFact>,
}

/// A field of a target.
#[derive(Debug, Clone, Default)]
pub struct FieldFact {
    /// `host`, `port`, `database`, ...
    pub what: String,
    /// The value.
    pub shown: String,
    /// The source that won.
    pub from: String,
    /// Those it beat, strongest first.
    pub beat: Vec<String>,
}

/// What could not be decided.
#[derive(Debug, Clone, Default)]
pub struct GapFact {
    /// The field.
    pub field: String,
    /// Why.
    pub reason: String,
}

/// A condition that had to hold.
#[derive(Debug, Clone, Default)]
pub struct GateFact {
    /// Its name.
    pub name: String,
    /// Whether it held.
    pub passed: bool,
    /// The evidence, or why not.
    pub how: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// What runs.
#[derive(Debug, Clone, Default)]
pub struct ProcessFact {
    /// Of tagout itself.
    pub pid: u32,
    /// The program's absolute path.
    pub exe: Option<String>,
    /// Its words, redacted.
    pub argv: Vec<String>,
    /// What was redacted: (word, rule).
    pub redacted: Vec<(usize, String)>,
    /// Working directory.
    pub cwd: String,
    /// `supervise`, or `exec` where the launcher replaces itself and no outcome will follow.
    pub mode: String,
}

/// The profile in force.
#[derive(Debug, Clone, Default)]
pub struct ProfileFact {
    /// Its name.
    pub name: String,
    /// `sha256:` over every rule of it.
    pub digest: Option<String>,
    /// Its layers, strongest first.
    pub layers: Vec<String>,
}

/// Names of variables.
#[derive(Debug, Clone, Default)]
pub struct NamesFact {
    /// Passed from the caller.
    pub kept: Vec<String>,
    /// Set by the profile.
    pub set: Vec<String>,
    /// Not passed.
    pub dropped: Vec<String>,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The run.
    pub id: RecordId,
    /// When it ended.
    pub time: Moment,
    /// How.
    pub ending: Ending,
    /// From exec to end, in milliseconds.
    pub took_ms: u64,
    /// What it used, where the kernel told.
    pub usage: Option<Usage>,
    /// The endpoints it really contacted, where the fence watched.
    pub observed: Vec<Observed>,
    /// How the fence held; `None` where the profile has none.
    pub fence: Option<FenceFact>,
    /// The conditions that were decided when the command was started.
    pub gates: Vec<GateFact>,
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// With that status.
    Exited(i32),
    /// By that signal (`SIGTERM`), with a core dump or not.
    Signalled(String, bool),
    /// It never started: the system's error (`ENOENT`).
    NotStarted(String),
    /// Stopped by the time budget.
    TimedOut,
}

/// Resources of the child and its descendants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time in its own code, milliseconds.
    pub user_ms: u64,
    /// Processor time in the kernel, milliseconds.
    pub sys_ms: u64,
    /// Largest resident set, KiB.
    pub max_rss_kb: u64,
    /// Blocks read.
    pub in_blocks: u64,
    /// Blocks written.
    pub out_blocks: u64,
    /// Voluntary context switches.
    pub voluntary: u64,
    /// Involuntary context switches.
    pub involuntary: u64,
}

/// An endpoint that programs of the run tried to reach.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// `tcp`, `udp`, `unix`, ...
    pub protocol: String,
    /// Address and port, or path.
    pub peer: String,
    /// When first, in milliseconds after exec.
    pub first_ms: u64,
    /// When last.
    pub last_ms: u64,
    /// How often.
    pub count: u64,
    /// Which of the run's targets it is; `None`: none of them.
    pub target: Option<usize>,
    /// It is none of them and should have been: a database that was not resolved, or production.
    pub mismatch: bool,
    /// It was not let through.
    pub denied: bool,
    /// The fence's rule that decided.
    pub rule: String,
    /// `connected`, `failed`, `refused`, ...
    pub outcome: String,
    /// Who tried: `psql (pid 12)`.
    pub programs: Vec<String>,
}

/// How the fence held during the run.
#[derive(Debug, Clone, Default)]
pub struct FenceFact {
    /// `observe` or `hold`.
    pub mode: String,
    /// How: `emulate`, `check`, `none`.
    pub tier: String,
    /// `full`, `partial` or `none`.
    pub status: String,
    /// What was not in force, and why.
    pub missing: Vec<String>,
    /// What no fence by address tells apart here.
    pub limits: Vec<String>,
    /// How many calls it was asked about: connects, and messages where those are judged.
    pub asked: u64,
    /// Attempts that could not be judged.
    pub unjudged: u64,
    /// Attempts on endpoints beyond those listed.
    pub unlisted: u64,
    /// Processes of the run were left when it ended.
    pub outlived: bool,
}
