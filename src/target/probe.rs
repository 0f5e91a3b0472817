//! `--probe`: the answer of the tool's own framework, held against the static one.
//!
//! A framework that can be asked says which words ask it ([`Asked::question`]) and what its answer
//! means ([`Asked::answer`]); the words are started in the step's directory with exactly its
//! variables, where nothing can be connected to.

mod heard;
mod node;
mod python;

use crate::command::{Command, Place, World};
use crate::target::{Gap, Probe, Question, Resolution, Target, laravel, rails};

pub(super) use heard::{UNHEARD, changed, source};

/// Stands before the answer's line.
const MARK: &str = "tagout-probe:";

/// How a framework is asked.
pub(super) struct Asked {
    /// Who answers, as it is said.
    pub(super) who: &'static str,
    /// The program and its words; `None` where the command reaches no database. The program prints
    /// its answer in one line behind `tagout-probe:`.
    ///
    /// # Errors
    /// Why it cannot be asked.
    pub(super) question: fn(&Command) -> Result<Option<Vec<String>>, String>,
    /// The databases by the answer's line, through the same rules as the static answer; `None`
    /// where the line is no answer.
    pub(super) answer: fn(&Command, &World<'_>, &str) -> Option<Resolution>,
}

/// Who can be asked, by the resolver's name.
const FRAMEWORKS: &[(&str, &Asked)] = &[
    ("laravel", &laravel::probe::ASKED),
    ("rails", &rails::probe::ASKED),
];

/// Asks the tool's own framework and holds its answer against `resolution`: where they disagree a
/// gap names both, where the reading left something open the framework's answer is taken. Where it
/// cannot be asked, a note says why and the reading stands.
pub fn probe(command: &Command, world: &World<'_>, resolution: &mut Resolution, probe: Probe<'_>) {
    let Some(tool) = command.tool.filter(|t| !t.resolver.is_empty()) else {
        return;
    };
    let known = FRAMEWORKS.iter().find(|(name, _)| *name == tool.resolver);
    let asked = match known {
        Some((_, asked)) if command.stops_early.is_none() => asked,
        Some(_) => return,
        None => return heard::cross_check(command, world, resolution, probe),
    };
    match ask(asked, command, world, probe) {
        Ok(Some(theirs)) => hold(resolution, theirs, asked.who),
        Ok(None) => {}
        Err(why) => resolution.notes.push(format!("not probed: {why}")),
    }
}

fn ask(
    asked: &Asked,
    command: &Command,
    world: &World<'_>,
    probe: Probe<'_>,
) -> Result<Option<Resolution>, String> {
    let argv = match ((asked.question)(command), open(command)) {
        (Ok(None), _) => return Ok(None),
        (_, Some(why)) | (Err(why), None) => return Err(why),
        (Ok(Some(argv)), None) => argv,
    };
    let step = &command.step;
    let vars = step.vars.clone();
    let printed = probe(&Question { argv, vars, step })?;
    marked(&printed)
        .and_then(|line| (asked.answer)(command, world, &line))
        .map(Some)
        .ok_or_else(|| "it printed no answer".to_owned())
}

/// The last marked line of what was printed.
fn marked(printed: &[u8]) -> Option<String> {
    let printed = String::from_utf8_lossy(printed);
    let line = printed.lines().rev().find_map(|l| l.strip_prefix(MARK))?;
    Some(line.to_owned())
}

/// Why a program in the step's place would not see what the command sees.
fn open(command: &Command) -> Option<String> {
    let step = &command.step;
    let place = match (&step.place, &step.user) {
        (Place::Elsewhere(place), _) => Some(format!("it runs in `{place}`")),
        (Place::Here, Some(user)) => Some(format!("it runs as {user}")),
        (Place::Here, None) => None,
    };
    let word = || {
        let (word, _) = step.first_unknown()?;
        Some(format!("the word `{word}` is not literal"))
    };
    place
        .or_else(word)
        .or_else(|| step.cwd_unknown.clone())
        .or_else(|| step.vars_open.clone())
}

fn hold(ours: &mut Resolution, theirs: Resolution, who: &str) {
    let open = !ours.gaps.is_empty();
    let whole = theirs.gaps.is_empty() && theirs.errors.is_empty();
    if whole && ours.gaps.iter().any(|gap| gap.field == "database") {
        let known = |t: &Target| theirs.targets.iter().any(|o| nameless(o) == nameless(t));
        ours.targets.retain(|t| t.database.is_some() || !known(t));
    }
    let (read, said) = (answer(ours), answer(&theirs));
    if whole && ours.errors.is_empty() && (read == said || open && contained(ours, &theirs)) {
        agree(ours, theirs, who);
        return;
    }
    if !whole && !theirs.gaps.is_empty() && open {
        ours.notes.push(format!("{who}: {said}"));
    } else if read != said {
        ours.gaps.push(Gap::new(
            "target",
            format!("two answers: {read} by reading, {said} by {who}"),
        ));
    }
    for target in theirs.targets {
        if !ours.targets.iter().any(|t| same(t, &target)) {
            ours.targets.push(target);
        }
    }
}

/// Both say the same, or the program knows what the reading left open.
fn agree(ours: &mut Resolution, theirs: Resolution, who: &str) {
    if ours.gaps.is_empty() {
        ours.notes.push(format!("{who} gives the same answer"));
        return;
    }
    for gap in ours.gaps.drain(..) {
        let note = format!("{who} answers what was open: {}", gap.reason);
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

/// A target without its database, which reading left open.
fn nameless(target: &Target) -> String {
    shown(&target.clone().database(None))
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
    use crate::source::{Source, Sourced};
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
        hold(&mut ours, Resolution::target(target("worker")), "it");
        assert!(ours.gaps.is_empty() && ours.targets.len() == 1 && ours.notes.len() == 1);
    }

    #[test]
    fn a_disagreement_names_both_and_keeps_both() {
        for open in [false, true] {
            let mut ours = Resolution::target(target("worker"));
            if open {
                ours.gaps.push(Gap::new("target", "a provider sets it"));
            }
            hold(&mut ours, Resolution::target(target("prod")), "it");
            let reason = &ours.gaps.last().unwrap().reason;
            assert!(reason.contains("h/worker") && reason.contains("h/prod"));
            assert_eq!(ours.targets.len(), 2);
        }
    }

    #[test]
    fn the_kernel_answers_what_was_open() {
        let mut ours = Resolution::unresolved("file_get_contents()");
        hold(&mut ours, Resolution::target(target("worker")), "it");
        assert!(ours.gaps.is_empty() && ours.targets.len() == 1);
        let mut ours = Resolution::unresolved("file_get_contents()");
        hold(&mut ours, Resolution::none(), "it");
        assert_eq!(ours.gaps.len(), 2, "no database is no answer: {ours:?}");
    }

    #[test]
    fn an_open_answer_closes_nothing() {
        let mut ours = Resolution::unresolved("file_get_contents()");
        hold(&mut ours, Resolution::unresolved("still open"), "it");
        assert_eq!(ours.gaps.len(), 1);
        let mut ours = Resolution::target(target("worker"));
        hold(&mut ours, Resolution::unresolved("open"), "it");
        assert_eq!(ours.gaps.len(), 1);
        let mut ours = Resolution::error("boot-crash", "no .env");
        hold(&mut ours, Resolution::target(target("worker")), "it");
        assert_eq!((ours.gaps.len(), ours.targets.len()), (1, 1));
    }
}
