//! The answer of the project's own kernel, held against the static one.
//!
//! The kernel's whole configuration takes the place of the files and goes through the same rules,
//! so that both answers are targets that can be compared.

use std::collections::BTreeMap;

use super::config::Origin;
use super::{Session, resolve_as};
use crate::command::{Command, Place, World};
use crate::source::{Source, SourceKind};
use crate::target::readers::php::{Cell, Val, from_json};
use crate::target::{Gap, Probe, Question, Resolution, Target};

/// What is run: boots the kernel and prints one line behind [`MARK`].
const CODE: &str = include_str!("probe.php");

/// Stands before the answer's line.
const MARK: &str = "tagout-probe:";

/// What the kernel said.
pub(super) struct Kernel {
    /// Its configuration.
    config: Cell,
    /// What libpq reads from the process, after the boot.
    process: BTreeMap<String, String>,
}

impl Kernel {
    fn read(printed: &str) -> Option<Kernel> {
        let line = printed.lines().rev().find_map(|l| l.strip_prefix(MARK))?;
        let json: serde_json::Value = serde_json::from_str(line).ok()?;
        let cell = Cell::new(Val::Null, source());
        let process = json.get("process")?.as_object()?.iter();
        Some(Kernel {
            config: cell.with(from_json(json.get("config")?, &cell)),
            process: process
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect(),
        })
    }

    /// Puts this answer in the place of what was read.
    pub(super) fn answers(&self, session: &mut Session<'_>) {
        session.env.heard(&self.process, &source());
        session.origin = Origin::Kernel(self.config.clone());
        session.boot.unmerged = true;
        // The probe boots the application without the script before it.
        let before = format!("{}:", session.script);
        let seen = |why: &String| why.contains(&before);
        session.boot.unclear.retain(seen);
        session.boot.rewrites.retain(seen);
    }
}

fn source() -> Source {
    Source::new(SourceKind::Probe, "the project's kernel (--probe)")
}

/// Asks the project's kernel and holds its answer against `resolution`: where they disagree a gap
/// names both, where the reading left something open the kernel's answer is taken. Where it cannot
/// be asked, a note says why and the reading stands.
pub(in crate::target) fn cross_check(
    command: &Command,
    world: &World<'_>,
    resolution: &mut Resolution,
    probe: Probe<'_>,
) {
    if command.hint("uses") == Some("none") {
        return;
    }
    let asked = question(command).and_then(|question| {
        let printed = probe(&question)?;
        let printed = String::from_utf8_lossy(&printed);
        Kernel::read(&printed).ok_or_else(|| "it printed no answer".to_owned())
    });
    match asked {
        Ok(kernel) => hold(resolution, resolve_as(command, world, Some(&kernel))),
        Err(why) => resolution.notes.push(format!("not probed: {why}")),
    }
}

/// `php [options] -r CODE -- ROOT SCRIPT [word]...`, started as the command starts its script.
fn question(command: &Command) -> Result<Question<'_>, String> {
    let step = &command.step;
    let open = match (&step.place, &step.user) {
        (Place::Elsewhere(place), _) => Some(format!("it runs in `{place}`")),
        (Place::Here, Some(user)) => Some(format!("it runs as {user}")),
        (Place::Here, None) => None,
    };
    let word = step.first_unknown();
    let open = open
        .or_else(|| word.map(|(word, _)| format!("the word `{word}` is not literal")))
        .or_else(|| step.cwd_unknown.clone())
        .or_else(|| step.vars_open.clone());
    if let Some(why) = open {
        return Err(why);
    }
    if command.hint("testing").is_some() {
        return Err("tests boot an application of their own".to_owned());
    }
    let root = command.hint("root").ok_or("the project is not known")?;
    let argv: Vec<&str> = step.argv.iter().map(|w| w.text.as_str()).collect();
    let before = command.hint("tokens").and_then(|n| n.parse().ok());
    let (php, words) = argv
        .split_at_checked(before.unwrap_or(1).max(1))
        .unwrap_or((&argv, &[]));
    let (script, php) = php.split_last().ok_or("there is no script")?;
    let mut words_of_php: Vec<&str> = match php {
        [] => vec!["php"],
        words => words.to_vec(),
    };
    let code = CODE.trim_start_matches("<?php");
    words_of_php.extend(["-r", code, "--", root, script]);
    words_of_php.extend(words);
    Ok(Question {
        argv: words_of_php.into_iter().map(str::to_owned).collect(),
        step,
    })
}

fn hold(ours: &mut Resolution, theirs: Resolution) {
    let open = !ours.gaps.is_empty();
    let whole = theirs.gaps.is_empty() && theirs.errors.is_empty();
    let (read, said) = (answer(ours), answer(&theirs));
    if whole && ours.errors.is_empty() && (read == said || open && contained(ours, &theirs)) {
        agree(ours, theirs);
        return;
    }
    if !whole && !theirs.gaps.is_empty() && open {
        ours.notes.push(format!("the project's kernel: {said}"));
    } else if read != said {
        ours.gaps.push(Gap::new(
            "target",
            format!("two answers: {read} by reading, {said} by the project's kernel"),
        ));
    }
    for target in theirs.targets {
        if !ours.targets.iter().any(|t| same(t, &target)) {
            ours.targets.push(target);
        }
    }
}

/// Both say the same, or the kernel knows what the reading left open.
fn agree(ours: &mut Resolution, theirs: Resolution) {
    if ours.gaps.is_empty() {
        ours.notes
            .push("the project's kernel gives the same answer".to_owned());
        return;
    }
    for gap in ours.gaps.drain(..) {
        let note = format!("the project's kernel answers what was open: {}", gap.reason);
        if !ours.notes.contains(&note) {
            ours.notes.push(note);
        }
    }
    for target in theirs.targets {
        if !ours.targets.iter().any(|t| same(t, &target)) {
            ours.targets.push(target);
        }
    }
}

fn contained(ours: &Resolution, theirs: &Resolution) -> bool {
    let known = |t: &Target| theirs.targets.iter().any(|o| same(o, t));
    !theirs.targets.is_empty() && ours.targets.iter().all(known)
}

fn same(a: &Target, b: &Target) -> bool {
    shown(a) == shown(b)
}

/// A target with its environment, which the marks look at too.
fn shown(target: &Target) -> String {
    match &target.environment {
        Some(environment) => format!("{target} ({})", environment.value),
        None => target.to_string(),
    }
}

/// All of an answer in one line; the same for the same.
fn answer(resolution: &Resolution) -> String {
    let stops = resolution
        .errors
        .iter()
        .map(|e| format!("stops: {}", e.what));
    let gaps = resolution
        .gaps
        .iter()
        .map(|g| format!("unknown: {}", g.reason));
    let mut all: Vec<String> = resolution.targets.iter().map(shown).collect();
    if all.is_empty() {
        all.extend(stops.chain(gaps));
    }
    all.sort();
    all.dedup();
    match all.as_slice() {
        [] => "no database".to_owned(),
        all => all.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sourced;
    use crate::target::{Address, Engine};

    fn target(database: &str) -> Target {
        let from = |v: &str| Sourced::new(v.to_owned(), Source::default_of("test"));
        let host = Address::Host {
            host: from("h"),
            port: None,
            hostaddr: None,
        };
        Target::new(Engine::Mysql, host).database(Some(from(database)))
    }

    #[test]
    fn agreement_is_a_note() {
        let mut ours = Resolution::target(target("worker"));
        hold(&mut ours, Resolution::target(target("worker")));
        assert!(ours.gaps.is_empty() && ours.targets.len() == 1 && ours.notes.len() == 1);
    }

    #[test]
    fn a_disagreement_names_both_and_keeps_both() {
        for open in [false, true] {
            let mut ours = Resolution::target(target("worker"));
            if open {
                ours.gaps.push(Gap::new("target", "a provider sets it"));
            }
            hold(&mut ours, Resolution::target(target("prod")));
            let reason = &ours.gaps.last().unwrap().reason;
            assert!(reason.contains("h/worker") && reason.contains("h/prod"));
            assert_eq!(ours.targets.len(), 2);
        }
    }

    #[test]
    fn the_kernel_answers_what_was_open() {
        let mut ours = Resolution::unresolved("file_get_contents()");
        hold(&mut ours, Resolution::target(target("worker")));
        assert!(ours.gaps.is_empty() && ours.targets.len() == 1);
        let mut ours = Resolution::unresolved("file_get_contents()");
        hold(&mut ours, Resolution::none());
        assert_eq!(ours.gaps.len(), 2, "no database is no answer: {ours:?}");
    }

    #[test]
    fn an_open_answer_closes_nothing() {
        let mut ours = Resolution::unresolved("file_get_contents()");
        hold(&mut ours, Resolution::unresolved("still open"));
        assert_eq!(ours.gaps.len(), 1);
        let mut ours = Resolution::target(target("worker"));
        hold(&mut ours, Resolution::unresolved("open"));
        assert_eq!(ours.gaps.len(), 1);
        let mut ours = Resolution::error("boot-crash", "no .env");
        hold(&mut ours, Resolution::target(target("worker")));
        assert_eq!((ours.gaps.len(), ours.targets.len()), (1, 1));
    }

    #[test]
    fn the_last_marked_line_is_the_answer() {
        let line = |name: &str| {
            format!("noise\n{MARK}{{\"config\":{{\"a\":\"{name}\"}},\"process\":{{}}}}\n")
        };
        let kernel = Kernel::read(&(line("x") + &line("y"))).unwrap();
        let crate::target::readers::php::Found::Yes(cell) = kernel.config.get("a") else {
            panic!("the answer has no `a`");
        };
        assert_eq!(cell.val.text().as_deref(), Some("y"));
        assert!(Kernel::read("").is_none());
        assert!(Kernel::read(&format!("{MARK}[]")).is_none());
    }
}
