//! `plan()`: everything up to the verdict, computed once. `run`, `explain`, `check` and the
//! library all call this one function, so that what was judged is exactly what runs.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::command::program::{self, ProgramError};
use crate::command::shell::quoted;
use crate::command::{
    Action, Caller, Command, Effect, Reach, Stdin, Step, Word, World, understand,
};
use crate::config::Config;
use crate::environment::{Environment, Fate, Vars, hide, scrub};
use crate::files::{Files, Without, shown};
use crate::policy::{Decision, Limits, Standing, Tier, decide, rule};
use crate::profile::{ConfigError, HideBy, Profile, choose_shared};
use crate::source::{Source, SourceKind, Sourced};
use crate::target::{
    Address, Gap, Probe, Resolution, Target, judge_migrations, marks, place, probe, resolve,
};

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The profile named on the command line.
    pub profile: Option<String>,
    /// Names let through for this run.
    pub keep: Vec<String>,
    /// The command: program and arguments. Never empty.
    pub argv: Vec<OsString>,
}

/// Where it is asked: everything ambient, as data.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The caller's raw environment.
    pub environ: &'a [OsString],
    /// The working directory.
    pub cwd: &'a Path,
    /// The caller.
    pub caller: &'a Caller,
    /// The configuration's layers.
    pub config: &'a Config,
    /// Files.
    pub files: &'a dyn Files,
    /// What the command will find on standard input.
    pub stdin: &'a Stdin,
    /// Who asks a framework itself for its databases, where that is wanted.
    pub probe: Option<Probe<'a>>,
}

/// A target with what the marks make of it.
#[derive(Debug, Clone)]
pub struct JudgedTarget {
    /// The target.
    pub target: Target,
    /// Its tier.
    pub tier: Tier,
    /// The mark that gave the tier.
    pub mark: Option<String>,
    /// Every field comes from the project's own files.
    pub own: bool,
    /// It is local, and every field comes from the project's own files.
    pub local_and_own: bool,
}

/// One command with its targets and what could not be decided.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The command.
    pub command: Command,
    /// Its targets.
    pub targets: Vec<JudgedTarget>,
    /// The read side of its connections: read at most.
    pub replicas: Vec<JudgedTarget>,
    /// Databases that it acts on through a connection to another one of the same server.
    pub victims: Vec<JudgedTarget>,
    /// The container of this machine that it runs in, where nothing leads on from there.
    pub place: Option<Target>,
    /// What could not be decided, what makes it stop, remarks. Its own lists of targets are moved
    /// to `targets` and `replicas`.
    pub resolution: Resolution,
}

/// The verdict on the whole.
#[must_use]
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Whether it may run.
    pub decision: Decision,
    /// The rule that decided.
    pub rule: String,
    /// The facts it used, for people.
    pub reasons: Vec<String>,
    /// The honest ways forward.
    pub hints: Vec<String>,
}

impl Verdict {
    /// Whether it may run.
    pub fn is_allowed(&self) -> bool {
        self.decision == Decision::Allowed
    }
}

/// Everything up to the verdict.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The command's words, byte for byte.
    pub argv: Vec<OsString>,
    /// The working directory.
    pub cwd: PathBuf,
    /// The profile in force.
    pub profile: Rc<Profile>,
    /// The child's environment.
    pub environment: Rc<Environment>,
    /// The program that exec starts.
    pub program: Result<PathBuf, ProgramError>,
    /// The commands that the words lead to.
    pub commands: Vec<Judged>,
    /// The verdict.
    pub verdict: Verdict,
    /// Files that the kernel is to hide: judged as if they could not be read.
    pub hidden: Rc<[PathBuf]>,
}

impl Plan {
    /// The caller's variables that were not passed, and would have had a say in the targets.
    pub fn missed(&self) -> Vec<&str> {
        let asked = |name: &String| {
            let mut resolutions = self.commands.iter().map(|j| &j.resolution);
            resolutions.any(|r| r.asked.contains(name))
        };
        let decisions = self.environment.decisions.iter();
        decisions
            .filter(|d| matches!(d.fate, Fate::Dropped(_)) && asked(&d.name))
            .map(|d| d.name.as_str())
            .collect()
    }

    /// The strongest effect.
    pub fn effect(&self) -> Effect {
        self.commands
            .iter()
            .map(|j| j.command.effect())
            .max()
            .unwrap_or(Effect::None)
    }

    /// All targets, without repeats.
    pub fn targets(&self) -> Vec<&JudgedTarget> {
        distinct(self.commands.iter().flat_map(|j| &j.targets))
    }

    /// The read sides that are no targets themselves, without repeats.
    pub fn replicas(&self) -> Vec<&JudgedTarget> {
        distinct(self.commands.iter().flat_map(|j| &j.replicas))
    }

    /// All that is connected to: targets, then replicas.
    pub fn reached(&self) -> Vec<&JudgedTarget> {
        let both = self.targets().into_iter().chain(self.replicas());
        distinct(both)
    }

    /// The tool of the strongest command; of several equal ones the first.
    pub fn tool(&self) -> &str {
        let mut best: Option<(&str, Effect, bool)> = None;
        for judged in &self.commands {
            let this = (
                judged.command.tool_name(),
                judged.command.effect(),
                judged.command.tool.is_some(),
            );
            if best.is_none_or(|(_, effect, known)| (this.1, this.2) > (effect, known)) {
                best = Some(this);
            }
        }
        best.map_or("", |(name, _, _)| name)
    }

    /// Whether production is touched, or may be.
    pub fn may_touch_production(&self) -> bool {
        self.commands.iter().any(|j| {
            j.command.effect() > Effect::None
                && (j
                    .targets
                    .iter()
                    .chain(&j.victims)
                    .chain(&j.replicas)
                    .any(|t| t.tier == Tier::Production)
                    || !j.resolution.gaps.is_empty())
        })
    }
}

fn distinct<'a>(targets: impl Iterator<Item = &'a JudgedTarget>) -> Vec<&'a JudgedTarget> {
    let mut all: Vec<&JudgedTarget> = Vec::new();
    for target in targets {
        if !all.iter().any(|t| t.target.is(&target.target)) {
            all.push(target);
        }
    }
    all
}

/// The profile in force and the environment that it gives a child: the same for every command that
/// one caller asks for in one place, so that many are judged without reading either again.
#[derive(Debug, Clone)]
pub struct Prepared {
    profile: Rc<Profile>,
    environment: Rc<Environment>,
    keep: Vec<String>,
    hidden: Rc<[PathBuf]>,
}

impl Prepared {
    /// Chooses the profile and builds the environment.
    ///
    /// # Errors
    /// A mistake in the configuration.
    pub fn new(request: &Request, scene: Scene<'_>) -> Result<Prepared, ConfigError> {
        let profile = choose_shared(request.profile.as_deref(), &scene.config.layers)?;
        let environment = scrub(&profile, &request.keep, scene.environ);
        Ok(Prepared {
            hidden: hidden(&profile, scene).into(),
            profile,
            environment: Rc::new(environment),
            keep: request.keep.clone(),
        })
    }

    /// Judges a command. The scene is the one that this was prepared in, but for what is new about
    /// the command itself: its standard input.
    pub fn plan(&self, argv: &[OsString], scene: Scene<'_>) -> Plan {
        let without = Without::new(scene.files, &self.hidden);
        let scene = Scene {
            files: &without,
            ..scene
        };
        let vars = &self.environment.vars;
        let path = vars.get("PATH").map(|v| v.value.as_os_str());
        let name = argv.first().map(OsString::as_os_str).unwrap_or_default();
        let program = program::find(name, path.unwrap_or_default(), scene.cwd);
        let mut commands = judge_commands(argv, vars, &self.profile, scene);
        doubt_functions(&self.keep, scene.environ, &mut commands);
        let verdict = verdict(&commands, &self.profile, &self.environment);
        Plan {
            argv: argv.to_vec(),
            cwd: scene.cwd.to_owned(),
            profile: Rc::clone(&self.profile),
            environment: Rc::clone(&self.environment),
            program,
            commands,
            verdict,
            hidden: Rc::clone(&self.hidden),
        }
    }
}

/// Judges a request.
///
/// # Errors
/// A mistake in the configuration. Nothing else stops it: what cannot be found out is part of the
/// plan.
pub fn plan(request: &Request, scene: Scene<'_>) -> Result<Plan, ConfigError> {
    Prepared::new(request, scene).map(|prepared| prepared.plan(&request.argv, scene))
}

/// What the profile hides by the kernel.
fn hidden(profile: &Profile, scene: Scene<'_>) -> Vec<PathBuf> {
    if profile.hide_by.as_ref().map(|(by, _)| *by) != Some(HideBy::Landlock) {
        return Vec::new();
    }
    let paths = profile.hide.iter().map(|(path, _)| path.as_str());
    let root = scene.config.project.as_deref().unwrap_or(scene.cwd);
    let entries = scene.environ.iter().map(|entry| entry.as_bytes());
    let said = entries.filter_map(|entry| entry.strip_prefix(b"HOME="));
    let said = said.map(|home| PathBuf::from(OsStr::from_bytes(home)));
    let homes: Vec<PathBuf> = said.chain(scene.caller.home.clone()).collect();
    hide::real_paths(paths, &homes, root, scene.files)
}

fn judge_commands(
    argv: &[OsString],
    vars: &Vars,
    profile: &Profile,
    scene: Scene<'_>,
) -> Vec<Judged> {
    let mut first = Step::new([], vars.clone(), scene.cwd.to_owned());
    first.argv = argv.iter().map(|a| word(a)).collect();
    first.stdin = scene.stdin.clone();
    judge_step(first, profile, scene)
}

/// The commands that a program start leads to, with their targets. The scene's variables, words
/// and standard input are the step's own.
pub fn judge_step(first: Step, profile: &Profile, scene: Scene<'_>) -> Vec<Judged> {
    let world = World {
        files: scene.files,
        caller: scene.caller,
        heard: None,
    };
    let root = scene.config.project.as_deref().unwrap_or(scene.cwd);
    understand(first, &world)
        .into_iter()
        .map(|mut command| {
            // What was not read of a script is the effect's matter, and said there.
            scene.files.take_unread();
            let mut resolution = resolve(&command, &world);
            doubt_unread(&mut resolution, scene);
            judge_migrations(&mut command, &resolution, &profile.migrations, &world);
            if let Some(ask) = scene.probe {
                probe(&command, &world, &mut resolution, ask);
            }
            fill_silence(&command, &mut resolution);
            let touches = command.effect() > Effect::None;
            let marked = touches.then(|| place::marked(&command, root, &profile.marks));
            if let Some(place) = marked.flatten() {
                resolution.gaps.clear();
                resolution.targets = vec![place];
            }
            let proposed = touches && place::is_local(&command);
            let proposed = proposed.then(|| place::target(&command, root));
            let targets = std::mem::take(&mut resolution.targets);
            let mut replicas = std::mem::take(&mut resolution.replicas);
            replicas.retain(|replica| !targets.contains(replica));
            let victims = victims(&command, &targets, &resolution);
            let judge = |t| judge_target(t, profile, root);
            Judged {
                targets: targets.into_iter().map(judge).collect(),
                victims: victims.into_iter().map(judge).collect(),
                replicas: replicas.into_iter().map(judge).collect(),
                place: proposed.flatten(),
                command,
                resolution,
            }
        })
        .collect()
}

/// A configuration whose text was not read may say anything.
fn doubt_unread(resolution: &mut Resolution, scene: Scene<'_>) {
    for (path, why) in scene.files.take_unread() {
        let name = shown(&path, scene.cwd);
        let is_said = |gap: &Gap| gap.reason.contains(&name);
        if !resolution.gaps.iter().any(is_said) {
            let reason = format!("{name} is not read: {why}");
            resolution.gaps.push(Gap::new("target", reason));
        }
    }
}

/// An exported function is never passed. Where the caller asks for one by name, a program of that
/// name is not what is meant, so nothing is known about what is.
fn doubt_functions(keep: &[String], environ: &[OsString], commands: &mut [Judged]) {
    let function = |name: &String| {
        let inner = name
            .strip_prefix("BASH_FUNC_")?
            .strip_suffix("%%")?
            .to_owned();
        let entry = format!("{name}=");
        let there = environ
            .iter()
            .any(|e| e.as_bytes().starts_with(entry.as_bytes()));
        there.then_some(inner)
    };
    for name in keep.iter().filter_map(function) {
        let meant = |j: &&mut Judged| j.command.step.program_path() == name;
        for judged in commands.iter_mut().filter(meant) {
            let why = format!("the exported function `{name}` is asked for, and never passed");
            let action = Action::new("function", Effect::Opaque, why.clone());
            judged.command.actions.push(action);
            judged.targets.clear();
            judged.victims.clear();
            judged.resolution.gaps.push(Gap::new("target", why));
        }
    }
}

fn word(word: &OsStr) -> Word {
    match std::str::from_utf8(word.as_bytes()) {
        Ok(text) => Word::literal(text),
        Err(_) => Word::unknown(word.to_string_lossy(), "it is not UTF-8"),
    }
}

/// The databases that are acted on through a connection to another one of the same server.
fn victims(command: &Command, targets: &[Target], resolution: &Resolution) -> Vec<Target> {
    let said = |reach: &Reach| match reach {
        Reach::Database(name) => Some(Sourced::new(
            name.clone(),
            Source::argument("the command's own words"),
        )),
        Reach::Connection(_) | Reach::Unknown(_) => None,
    };
    let names = command.reaches.iter().filter_map(said);
    let names: Vec<_> = names.chain(resolution.victims.iter().cloned()).collect();
    targets
        .iter()
        .filter(|t| matches!(t.address, Address::Host { .. } | Address::Socket { .. }))
        .flat_map(|t| names.iter().map(|n| t.clone().database(Some(n.clone()))))
        .map(|mut victim| {
            victim.serves = false;
            victim
        })
        .filter(|victim| {
            let name = victim.database.as_ref().map(|d| &d.value);
            !targets
                .iter()
                .any(|t| !t.serves && t.database.as_ref().map(|d| &d.value) == name)
        })
        .collect()
}

/// A command that does something to a database that nothing was found out about is unresolved.
fn fill_silence(command: &Command, resolution: &mut Resolution) {
    let silent =
        resolution.targets.is_empty() && resolution.gaps.is_empty() && resolution.errors.is_empty();
    if silent && command.effect() > Effect::None {
        let reason = format!(
            "tagout does not know which database {} reaches",
            command.tool_name()
        );
        resolution.gaps.push(Gap::new("target", reason));
    }
}

fn judge_target(target: Target, profile: &Profile, root: &Path) -> JudgedTarget {
    let (tier, mark) = marks::tier(&target, &profile.marks);
    let own = target.sources().iter().all(|s| {
        // A kernel does not say where it has a value from: `Probe` is not the project's own.
        matches!(s.kind(), SourceKind::ProjectFile | SourceKind::Default)
    });
    let inside = match &target.address {
        Address::File { path } => Path::new(&path.value).starts_with(root),
        Address::Host { .. }
        | Address::Socket { .. }
        | Address::Memory { .. }
        | Address::Identifier { .. } => true,
    };
    let local_and_own = own && inside && marks::is_local(&target);
    JudgedTarget {
        target,
        tier,
        mark,
        own,
        local_and_own,
    }
}

/// One cell of the decision table with what it was applied to.
struct Cell<'a> {
    effect: Effect,
    standing: Standing,
    decision: Decision,
    judged: &'a Judged,
    target: Option<&'a JudgedTarget>,
}

fn verdict(commands: &[Judged], profile: &Profile, environment: &Environment) -> Verdict {
    if let Some((name, who)) = environment.missing.first() {
        return Verdict {
            decision: Decision::Refused,
            rule: "required-variable".to_owned(),
            reasons: vec![format!(
                "the variable {name} is required by {who} and is not there"
            )],
            hints: vec![format!(
                "set it where {who} can see it, or pass it with --keep {name}"
            )],
        };
    }
    verdict_on(commands, profile)
}

/// The verdict on commands under a profile.
pub fn verdict_on(commands: &[Judged], profile: &Profile) -> Verdict {
    let limits = Limits {
        production: profile.production,
        unmarked: profile.unmarked,
    };
    let cells: Vec<Cell<'_>> = commands.iter().flat_map(|j| cells(j, limits)).collect();
    let strongest = cells.iter().max_by_key(|c| {
        (
            c.decision == Decision::Refused,
            c.effect,
            c.standing.weight(),
        )
    });
    match strongest {
        Some(cell) => Verdict {
            decision: cell.decision,
            rule: rule(cell.effect, cell.standing),
            reasons: cells
                .iter()
                .filter(|c| c.decision == cell.decision && c.effect > Effect::None)
                .map(|c| c.reason())
                .fold(Vec::new(), once),
            hints: hints(cell, &cells, profile),
        },
        None => Verdict {
            decision: Decision::Allowed,
            rule: "no-database".to_owned(),
            reasons: Vec::new(),
            hints: Vec::new(),
        },
    }
}

/// The ways forward from a refusal: all of them where several databases only lack a mark.
fn hints(strongest: &Cell<'_>, cells: &[Cell<'_>], profile: &Profile) -> Vec<String> {
    if strongest.decision != Decision::Refused {
        return Vec::new();
    }
    let lacks = |cell: &&Cell<'_>| cell.decision == Decision::Refused && cell.lacks_mark();
    match strongest.lacks_mark() {
        true => cells
            .iter()
            .filter(lacks)
            .map(|cell| cell.hint(profile))
            .fold(Vec::new(), once),
        false => vec![strongest.hint(profile)],
    }
}

fn once(mut list: Vec<String>, item: String) -> Vec<String> {
    if !list.contains(&item) {
        list.push(item);
    }
    list
}

fn cells(judged: &Judged, limits: Limits) -> Vec<Cell<'_>> {
    if judged.command.effect() == Effect::None {
        return Vec::new();
    }
    let mut cells: Vec<Cell<'_>> = judged
        .targets
        .iter()
        .chain(&judged.victims)
        .chain(&judged.replicas)
        .map(|t| {
            let standing = Standing::Known {
                tier: t.tier,
                local_and_own: t.local_and_own,
            };
            Cell::new(judged, standing, Some(t), limits)
        })
        .collect();
    // A command that would stop by itself is judged as unresolved: our reading of it may be wrong.
    if cells.is_empty()
        || !judged.resolution.gaps.is_empty()
        || !judged.resolution.errors.is_empty()
    {
        cells.push(Cell::new(judged, Standing::Unresolved, None, limits));
    }
    cells
}

impl<'a> Cell<'a> {
    fn new(
        judged: &'a Judged,
        standing: Standing,
        target: Option<&'a JudgedTarget>,
        limits: Limits,
    ) -> Self {
        let full = judged.command.effect_on(target.is_some_and(|t| t.own));
        let serves = target.is_some_and(|t| t.target.serves);
        let read = target.is_some_and(|t| judged.replicas.iter().any(|own| std::ptr::eq(own, t)));
        let effect = match (serves, read) {
            (_, true) => full.min(Effect::Reads),
            (true, false) => full.min(Effect::Writes),
            (false, false) => full,
        };
        Cell {
            effect,
            standing,
            decision: decide(effect, standing, limits),
            judged,
            target,
        }
    }
}

impl Cell<'_> {
    fn reason(&self) -> String {
        let actions: Vec<String> = self
            .judged
            .command
            .actions
            .iter()
            .filter(|a| a.effect_on(self.target.is_some_and(|t| t.own)) >= self.effect)
            .map(what)
            .fold(Vec::new(), once);
        let actions = actions.join(", ");
        let verb = match self.effect {
            Effect::None => "touches nothing of",
            Effect::Reads => "reads",
            Effect::Writes => "writes to",
            Effect::ChangesSchema => "changes the schema of",
            Effect::Opaque => "can do anything to",
            Effect::Stops => "stops",
            Effect::Destroys => "destroys data of",
        };
        match self.target {
            Some(target) => {
                let mark = target
                    .mark
                    .as_deref()
                    .map(|m| format!(" ({m})"))
                    .unwrap_or_default();
                format!(
                    "`{actions}` {verb} {}, which is {}{mark}",
                    target.target,
                    target.tier.word()
                )
            }
            None => {
                let resolution = &self.judged.resolution;
                let why = resolution.gaps.iter().map(|g| g.reason.clone());
                let stops = resolution
                    .errors
                    .iter()
                    .map(|e| format!("the command would stop by itself: {}", e.detail));
                let why: Vec<String> = why.chain(stops).fold(Vec::new(), once);
                format!(
                    "`{actions}` {verb} a target that could not be resolved: {}",
                    why.join("; ")
                )
            }
        }
    }

    /// It would be allowed where its target were marked as disposable.
    fn lacks_mark(&self) -> bool {
        self.target.is_some_and(|t| t.tier == Tier::Unmarked)
    }

    fn hint(&self, profile: &Profile) -> String {
        let may = match self.effect {
            Effect::Stops => "may be stopped",
            _ => "may be destroyed",
        };
        let Some(target) = self.target else {
            return match (&self.judged.place, self.judged.resolution.errors.is_empty()) {
                (Some(place), true) => format!(
                    "if whatever this reaches there {may}, mark the place once: {}",
                    mark_command(place)
                ),
                (_, false) => "mend what would stop the command; until then nobody can say what it would reach".to_owned(),
                _ => "say the target in the project's own files or as a literal option, or run it where it can be seen".to_owned(),
            };
        };
        let needed = match self.effect {
            Effect::Destroys | Effect::Stops => None,
            Effect::Opaque => Some("console"),
            Effect::ChangesSchema => Some("migrate"),
            Effect::Writes => Some("write"),
            Effect::None | Effect::Reads => Some("read"),
        };
        match (target.tier, needed) {
            (Tier::Production, None) => "if this is not the database you meant, mend the source named above; nothing allows destroying production but an approval by a second person".to_owned(),
            (Tier::Production, Some(needed)) => format!(
                "profile {} allows `{}` on production at most: name another target, or with -p a profile of yours that has production = \"{needed}\"",
                profile.name,
                profile.production.word()
            ),
            (Tier::Unmarked | Tier::Disposable, _) => format!(
                "if {} {may}, mark it once: {}",
                match target.target.address {
                    Address::Identifier { .. } => "it",
                    _ => "this database",
                },
                mark_command(&target.target)
            ),
        }
    }
}

fn what(action: &crate::command::Action) -> String {
    match &action.place {
        Some(place) => format!("{} at {place}", action.name),
        None => action.name.to_string(),
    }
}

/// The one command that marks a target as disposable for this user.
pub fn mark_command(target: &Target) -> String {
    let mut words = vec!["tagout mark disposable".to_owned()];
    let mut say = |name: &str, value: &str| words.push(format!("--{name} {}", quoted(value)));
    say("engine", target.engine.word());
    match &target.address {
        Address::Host {
            host,
            port,
            hostaddr,
        } => {
            say("host", &hostaddr.as_ref().unwrap_or(host).value);
            if let Some(port) = port {
                say("port", &port.value.to_string());
            }
        }
        Address::Socket { path, .. } => say("socket", &path.value),
        Address::File { path } => say("file", &path.value),
        Address::Identifier { name } => say("identifier", &name.value),
        Address::Memory { .. } => {}
    }
    if let Some(database) = &target.database {
        say("database", &database.value);
    }
    words.join(" ")
}
