//! What the commands of a script would do, by the rules of a launch.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::finding::distinct;
use super::script::{Script, Setting};
use super::{Finding, Place, Seen};
use crate::command::{Caller, Effect, Stdin, Step, Word};
use crate::config::Config;
use crate::environment::{Vars, scrub};
use crate::files::{Disk, Files};
use crate::plan::{Judged, JudgedTarget, Scene, judge_step, verdict_on};
use crate::policy::Tier;
use crate::profile::{Profile, choose};
use crate::source::Source;

/// What judging takes from around it.
pub struct Judging<'a> {
    /// The configuration of the place that is checked.
    pub config: &'a Config,
    /// The profile that unwrapped commands are judged by: its marks.
    pub profile: &'a Profile,
    /// Where the check was called.
    pub base: &'a Path,
}

/// Where a program is looked for in a pipeline.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Runners whose own files are checked too: what they lead to is found there.
const RUNNERS: &[&str] = &[
    "make", "just", "npm", "yarn", "pnpm", "bun", "composer", "npx",
];

/// Interpreters: code in them that reaches no known database is not a database command.
pub(super) const INTERPRETERS: &[&str] = &[
    "shell",
    "foreign shell",
    "python",
    "python3",
    "node",
    "ruby",
    "php",
    "perl",
    "deno",
    "bun",
    "lua",
    "awk",
    "osascript",
    "tclsh",
    "Rscript",
    "sh",
    "bash",
    "zsh",
    "dash",
    "ksh",
    "make",
    "just",
    "npm",
    "yarn",
    "pnpm",
    "composer",
    "npx",
    "ssh",
    "docker",
    "docker-compose",
    "kubectl",
    "podman",
];

/// How many actions a message names.
const MOST_NAMED: usize = 4;

/// What a script led to.
#[derive(Default)]
pub(super) struct Judgement {
    pub(super) seen: Vec<Seen>,
    pub(super) findings: Vec<Finding>,
}

impl Judging<'_> {
    /// Judges a script of a file; `folder` is where it starts, absolute.
    pub(super) fn script(
        &self,
        file: &str,
        folder: &Path,
        script: &Script,
        files: &Disk,
    ) -> Judgement {
        let mut judgement = Judgement::default();
        let (prelude, vars) = surroundings(script, file);
        let text = format!("{prelude}{}", script.text);
        let shell = match script.dialect {
            crate::command::shell::Dialect::Posix => "sh",
            crate::command::shell::Dialect::Bash => "bash",
            crate::command::shell::Dialect::Zsh => "zsh",
        };
        let argv = [shell.to_owned(), "-c".to_owned(), text];
        let cwd = crate::files::lexical(&folder.join(&script.folder));
        let first = Step::new(argv, vars, cwd);
        let caller = caller();
        let scene = self.scene(&[], &first.cwd, &caller, files);
        for judged in judge_step(first.clone(), self.profile, scene) {
            let Some(at) = judged
                .command
                .step
                .at
                .and_then(|at| at.checked_sub(prelude.len()))
            else {
                continue;
            };
            let (line, column) = script.place(at);
            let place = Place {
                file: file.to_owned(),
                line,
                column,
            };
            self.command(&judged, place, script, files, &mut judgement);
        }
        judgement
    }

    fn scene<'s>(
        &'s self,
        environ: &'s [OsString],
        cwd: &'s Path,
        caller: &'s Caller,
        files: &'s dyn Files,
    ) -> Scene<'s> {
        Scene {
            environ,
            cwd,
            caller,
            config: self.config,
            files,
            stdin: &Stdin::Inherited,
            probe: None,
        }
    }

    fn command(
        &self,
        judged: &Judged,
        place: Place,
        script: &Script,
        files: &Disk,
        into: &mut Judgement,
    ) {
        let step = &judged.command.step;
        if step.program() == "tagout" {
            return self.wrapped(step, place, script, files, into);
        }
        if !is_known(judged) {
            return;
        }
        let seen = seen(judged, place.clone(), &script.owner, None);
        let subject = subject(&seen);
        if !into.seen.contains(&seen) {
            into.seen.push(seen);
        }
        let elsewhere = step.via.iter().any(|via| RUNNERS.contains(&via.as_str()));
        if elsewhere {
            return;
        }
        if let Some((rule, message, hint)) = unwrapped(judged) {
            into.findings.push(Finding {
                rule,
                place,
                message,
                hint,
                subject,
            });
        }
    }

    /// A command behind `tagout run`: judged in the environment that its profile leaves.
    fn wrapped(
        &self,
        step: &Step,
        place: Place,
        script: &Script,
        files: &Disk,
        into: &mut Judgement,
    ) {
        let Some((name, keep, tail)) = run_words(&step.argv) else {
            return;
        };
        let subject = name.clone().unwrap_or_default();
        let mut report = |rule, message, hint: &str, subject| {
            into.findings.push(Finding {
                rule,
                place: place.clone(),
                message,
                hint: hint.to_owned(),
                subject,
            });
        };
        let profile = match choose(name.as_deref(), &self.config.layers) {
            Ok(profile) => profile,
            Err(e) => {
                let hint = "name a profile of `tagout profile list`";
                return report("unknown-profile", e.to_string(), hint, subject);
            }
        };
        let environ: Vec<OsString> = step
            .vars
            .iter()
            .map(|(name, var)| {
                let mut entry = OsString::from(format!("{name}="));
                entry.push(&var.value);
                entry
            })
            .collect();
        let mut inner = step.with_argv(tail);
        inner.vars = scrub(&profile, &keep, &environ).vars;
        let caller = caller();
        let cwd = step.cwd.clone();
        let commands = judge_step(inner, &profile, self.scene(&environ, &cwd, &caller, files));
        let verdict = verdict_on(&commands, &profile);
        if !verdict.is_allowed() {
            let message = format!(
                "profile {} would refuse this: {}",
                profile.name,
                verdict.reasons.join("; ")
            );
            let hint = verdict.hints.join("; ");
            report("refused-command", message, &hint, verdict.rule);
        }
        for judged in commands.iter().filter(|j| is_known(j)) {
            let seen = seen(
                judged,
                place.clone(),
                &script.owner,
                Some(profile.name.clone()),
            );
            if !into.seen.contains(&seen) {
                into.seen.push(seen);
            }
        }
    }
}

/// Nobody in particular: who runs a pipeline is not in the files.
fn caller() -> Caller {
    Caller {
        user: "runner".to_owned(),
        home: None,
        host: String::new(),
    }
}

/// The variables of a script; those that only the platform knows are read before it begins.
fn surroundings(script: &Script, file: &str) -> (String, Vars) {
    let mut vars = Vars::new();
    vars.set("PATH", PATH, Source::default_of("the runner"));
    let mut prelude = String::new();
    for variable in &script.variables {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let begins = variable
            .name
            .starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !begins || !variable.name.chars().all(plain) {
            continue;
        }
        match &variable.value {
            Setting::Text(text) => {
                prelude = prelude.replace(&format!("read -r {0}; export {0}\n", variable.name), "");
                vars.set(variable.name.clone(), text, variable.source(file));
            }
            Setting::Unknown => {
                vars.unset(&variable.name);
                prelude.push_str(&format!("read -r {0}; export {0}\n", variable.name));
            }
        }
    }
    for name in &script.unknown {
        prelude.push_str(&format!("read -r {name}\n"));
    }
    (prelude, vars)
}

fn is_known(judged: &Judged) -> bool {
    let command = &judged.command;
    let Some(tool) = command.tool else {
        return false;
    };
    let effect = command.effect();
    if effect == Effect::None || command.stops_early.is_some() {
        return false;
    }
    let vague = effect == Effect::Opaque && judged.targets.is_empty();
    !(vague && INTERPRETERS.contains(&tool.name))
}

fn seen(judged: &Judged, place: Place, owner: &str, profile: Option<String>) -> Seen {
    let all = judged.targets.iter().chain(&judged.victims);
    let gaps = judged.resolution.gaps.iter().map(|g| g.reason.clone());
    let mut unresolved = distinct(gaps);
    let stops = judged
        .resolution
        .errors
        .iter()
        .map(|e| format!("it would stop by itself: {}", e.detail));
    unresolved.extend(stops);
    Seen {
        place,
        owner: owner.to_owned(),
        tool: judged.command.tool_name().to_owned(),
        actions: distinct(judged.command.actions.iter().map(|a| a.name.to_string())),
        effect: judged.command.effect().word(),
        targets: distinct(all.map(|t| (t.target.to_string(), t.tier.word()))),
        unresolved,
        profile,
    }
}

fn subject(seen: &Seen) -> String {
    format!("{} {}", seen.tool, seen.actions.join(", "))
}

/// The rule that an unwrapped command breaks, if any, with what to say.
fn unwrapped(judged: &Judged) -> Option<(&'static str, String, String)> {
    let effect = judged.command.effect();
    let actions = judged.command.actions.iter();
    let mut names = distinct(actions.map(|a| format!("`{}`", a.name)));
    names.truncate(MOST_NAMED);
    let what = format!("{} of {}", names.join(", "), judged.command.tool_name());
    // What is connected to only to drop another one is not what is destroyed.
    let acted_on = judged.targets.iter().filter(|t| !t.target.serves);
    let all: Vec<&JudgedTarget> = acted_on.chain(&judged.victims).collect();
    let on = |tier: Tier| all.iter().find(|t| t.tier == tier);
    let destroys = matches!(effect, Effect::Destroys | Effect::Stops);
    let verb = match effect {
        Effect::Destroys => "destroys data of",
        Effect::Stops => "stops",
        Effect::Opaque => "can do anything to",
        _ => "changes",
    };
    let wrap = "start it behind tagout: `tagout run -p PROFILE -- COMMAND`".to_owned();
    if let Some(target) = on(Tier::Production).filter(|_| effect >= Effect::ChangesSchema) {
        let mark = target.mark.as_deref().unwrap_or_default();
        let message = format!(
            "{what} {verb} {}, which is production ({mark})",
            target.target
        );
        let rule = if destroys {
            "destroys-production"
        } else {
            "changes-production"
        };
        return Some((rule, message, wrap));
    }
    let open = !judged.resolution.gaps.is_empty()
        || !judged.resolution.errors.is_empty()
        || all.is_empty();
    if destroys && open {
        let why = judged.resolution.gaps.first().map(|g| g.reason.clone());
        let why = why.or_else(|| judged.resolution.errors.first().map(|e| e.detail.clone()));
        let message = format!(
            "{what} {verb} a database that cannot be resolved from the files: {}",
            why.unwrap_or_else(|| "nothing says which".to_owned())
        );
        return Some(("destroys-unresolved", message, wrap));
    }
    if destroys && let Some(target) = on(Tier::Unmarked) {
        let message = format!("{what} {verb} {}, which no mark recognises", target.target);
        let hint = format!("if it may be destroyed, mark it; else {wrap}");
        return Some(("destroys-unmarked", message, hint));
    }
    if effect >= Effect::ChangesSchema && (open || on(Tier::Unmarked).is_some()) {
        let target = on(Tier::Unmarked).map(|t| t.target.to_string());
        let target = target
            .unwrap_or_else(|| "a database that cannot be resolved from the files".to_owned());
        return Some((
            "unwrapped-command",
            format!("{what} {verb} {target} without tagout"),
            wrap,
        ));
    }
    None
}

/// The profile, the kept names and the command of `tagout run`'s words.
fn run_words(argv: &[Word]) -> Option<(Option<String>, Vec<String>, Vec<Word>)> {
    let mut rest = argv.iter().skip(1);
    if rest.next()?.text != "run" {
        return None;
    }
    let (mut profile, mut keep) = (None, Vec::new());
    while let Some(word) = rest.next() {
        let text = word.text.as_str();
        match text
            .split_once('=')
            .filter(|_| text.starts_with("--"))
            .unwrap_or((text, ""))
        {
            ("--", _) => return Some((profile, keep, rest.cloned().collect())),
            ("-p" | "--profile", "") => profile = Some(rest.next()?.text.clone()),
            ("--profile", name) => profile = Some(name.to_owned()),
            ("--keep", "") => keep.push(rest.next()?.text.clone()),
            ("--keep", name) => keep.push(name.to_owned()),
            ("--config" | "--status-fd", "") => {
                rest.next()?;
            }
            (option, _) if option.starts_with('-') => {}
            _ => {
                return Some((
                    profile,
                    keep,
                    std::iter::once(word).chain(rest).cloned().collect(),
                ));
            }
        }
    }
    None
}

/// The folder of the project that a file belongs to.
pub(super) fn project_of(path: &Path, base: &Path) -> PathBuf {
    const SIGNS: &[&str] = &[
        ".git",
        "artisan",
        "Gemfile",
        "composer.json",
        "package.json",
        "manage.py",
        "pyproject.toml",
        "go.mod",
        "tagout.toml",
        "Procfile",
    ];
    let mut folders = path.ancestors().skip(1).take_while(|f| f.starts_with(base));
    folders
        .find(|f| SIGNS.iter().any(|sign| f.join(sign).exists()))
        .map_or_else(|| base.to_owned(), Path::to_owned)
}
