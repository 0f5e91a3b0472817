//! Projects whose own answer takes the place of what their files say ([`World::heard`]) and goes
//! through the same rules: one table of who is asked by which program. Nothing here opens a
//! connection, and the program that is asked cannot.

use serde_json::{Value, json};

use super::{contained, hold, marked, node, open, python};
use crate::command::{Command, Effect, World};
use crate::environment::Vars;
use crate::source::{Source, SourceKind};
use crate::target::{Probe, Question, Resolution, resolve};

/// The class of the stop by which a resolver says which file it wants to be answered.
pub(in crate::target) const UNHEARD: &str = "unheard";

/// How many times a project is asked at most, each answer leading to a further file.
const MOST_ROUNDS: usize = 4;

/// The words of the program that is asked; `files` are those that a resolver wanted to be
/// answered ([`UNHEARD`]).
type Words = fn(&Command, &World<'_>, files: &[Value]) -> Result<Vec<String>, String>;

/// A kind of project that can be asked.
struct Row {
    /// The catalogue's resolver.
    resolver: &'static str,
    /// Who answers, for people.
    who: &'static str,
    /// The program.
    words: Words,
    /// It is asked for the files that the resolver wants, not for everything at once.
    by_file: bool,
}

const ROWS: &[Row] = &[
    Row {
        resolver: "django",
        who: "Django itself",
        words: python::django,
        by_file: false,
    },
    Row {
        resolver: "alembic",
        who: "env.py itself",
        words: python::alembic,
        by_file: false,
    },
    Row {
        resolver: "flask",
        who: "env.py itself",
        words: python::flask,
        by_file: false,
    },
    Row {
        resolver: "node",
        who: "the configuration as node loads it",
        words: node::words,
        by_file: true,
    },
];

/// Asks the project and holds its answer against `resolution`. Where it cannot be asked, a note
/// says why and the reading stands.
pub(super) fn cross_check(
    command: &Command,
    world: &World<'_>,
    resolution: &mut Resolution,
    probe: Probe<'_>,
) {
    if command.stops_early.is_some() {
        return;
    }
    let name = command.tool.map_or("", |tool| tool.resolver);
    let Some(row) = ROWS.iter().find(|row| row.resolver == name) else {
        let note = format!("not probed: {} cannot be asked", command.tool_name());
        resolution.notes.push(note);
        return;
    };
    if command.effect() == Effect::None {
        return;
    }
    match row.asked(command, world, probe) {
        Ok((mut theirs, first_only)) => {
            if first_only && resolution.gaps.is_empty() && contained(&theirs, resolution) {
                theirs.targets.clone_from(&resolution.targets);
            }
            hold(resolution, theirs, row.who);
        }
        Err(why) => resolution.notes.push(format!("not probed: {why}")),
    }
}

impl Row {
    /// The databases by the project's own answer, and whether it knows only the first of them.
    fn asked(
        &self,
        command: &Command,
        world: &World<'_>,
        probe: Probe<'_>,
    ) -> Result<(Resolution, bool), String> {
        if let Some(why) = open(command) {
            return Err(why);
        }
        let by_answer = |answer: &Value| {
            let heard = Some(answer);
            resolve(command, &World { heard, ..*world })
        };
        if !self.by_file {
            let answer = self.answer(command, world, &[], probe)?;
            let first_only = answer.get("first_only") == Some(&Value::Bool(true));
            return Ok((by_answer(&answer), first_only));
        }
        let mut files = Vec::new();
        let mut answer = json!({ "files": {} });
        for _ in 0..MOST_ROUNDS {
            let theirs = by_answer(&answer);
            let wanted = theirs.errors.iter().find(|e| e.what == UNHEARD);
            match wanted.map(|stop| serde_json::from_str(&stop.detail)) {
                None if files.is_empty() => {
                    return Err("no code of the project decides it".to_owned());
                }
                None => return Ok((theirs, false)),
                Some(file) => files.push(file.map_err(|e| e.to_string())?),
            }
            answer = self.answer(command, world, &files, probe)?;
        }
        Err("its configuration leads from file to file".to_owned())
    }

    fn answer(
        &self,
        command: &Command,
        world: &World<'_>,
        files: &[Value],
        probe: Probe<'_>,
    ) -> Result<Value, String> {
        let mut vars = command.step.vars.clone();
        let changes = files.iter().filter_map(|file| file.get("env")?.as_object());
        changed(&mut vars, changes.flatten(), &source(self.who));
        let printed = probe(&Question {
            argv: (self.words)(command, world, files)?,
            vars,
            step: &command.step,
        })?;
        let line = marked(&printed);
        let answer = line.and_then(|line| serde_json::from_str(&line).ok());
        let answer: Value = answer.ok_or("it printed no answer")?;
        match answer.get("error").and_then(Value::as_str) {
            Some(error) => Err(format!("it failed: {error}")),
            None => Ok(answer),
        }
    }
}

/// Variables as a program left them: text, or `null` for one that it took away.
pub(in crate::target) fn changed<'a>(
    vars: &mut Vars,
    changes: impl IntoIterator<Item = (&'a String, &'a Value)>,
    source: &Source,
) {
    for (name, value) in changes {
        match value.as_str() {
            Some(text) if vars.text(name).as_deref() == Some(text) => {}
            Some(text) => vars.set(name.clone(), text, source.clone()),
            None => vars.unset(name),
        }
    }
}

/// The source of what `who` answered.
pub(in crate::target) fn source(who: &str) -> Source {
    Source::new(SourceKind::Probe, format!("{who} (--probe)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_taken_as_they_were_left() {
        let before = Source::default_of("before");
        let mut vars = Vars::new();
        for name in ["KEPT", "MOVED", "GONE"] {
            vars.set(name, "x", before.clone());
        }
        let changes = json!({"KEPT": "x", "MOVED": "y", "GONE": null});
        changed(&mut vars, changes.as_object().unwrap(), &source("it"));
        assert_eq!(vars.source("KEPT"), Some(&before));
        assert_eq!(vars.text("MOVED").as_deref(), Some("y"));
        assert_eq!(vars.source("MOVED").unwrap().kind(), SourceKind::Probe);
        assert!(!vars.has("GONE"));
    }
}
