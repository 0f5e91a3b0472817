//! Programs that nobody knows and actions that no list has, by their names: who calls something
//! `reset-database` says what it does. SQL among the words of an unknown program is read.

use crate::command::sql::{self, Dialect};
use crate::command::{Action, Effect, Reading, Step, Tool, Word, catalogue};

/// How many words may name the action.
const NAMING: usize = 4;

/// Judges by the names what `reading` left as touching no database.
pub(in crate::command) fn judge(reading: &mut Reading) {
    let Some(command) = &mut reading.command else {
        return;
    };
    let listed = |tool: &'static Tool| {
        let named = command.actions.iter().any(|a| tool.action(&a.name).is_some());
        named || super::words::action_of(tool, &command.args).is_some()
    };
    let silent = command.effect() > Effect::None || command.stops_early.is_some();
    if silent || !reading.steps.is_empty() || command.tool.is_some_and(listed) {
        return;
    }
    let Some(words) = catalogue::tool("telling words") else {
        return;
    };
    let unknown = command.tool.is_none() && catalogue::find(command.step.program()).is_none();
    if command.tool.is_some_and(|tool| !words.data("readers").contains(&tool.reader)) {
        return;
    }
    let found = match told(words, &command.step, unknown) {
        Some(name) => Action::new(
            name,
            Effect::Opaque,
            "its name says that it destroys; what it does is not known",
        ),
        None if unknown && queries(words, &command.step) => {
            Action::new("SQL", Effect::Destroys, "SQL among the words of an unknown program")
        }
        None => return,
    };
    command.actions.push(found);
}

/// The name that tells of destroying: of the program, or the words that name its action.
fn told(words: &Tool, step: &Step, unknown: bool) -> Option<String> {
    let asks = |w: &str| words.data("asks").contains(&w);
    if step.words().any(asks) {
        return None;
    }
    let own = unknown.then(|| stem(step.program()));
    let naming = step
        .words()
        .filter(|w| !w.starts_with('-') || w.starts_with("-D") && w.contains('='))
        .flat_map(|w| w.rsplit(' ').collect::<Vec<_>>().into_iter().rev())
        .map(|w| w.rsplit('=').next().unwrap_or(w));
    let (mut destroys, mut destroyed) = (false, false);
    let mut name = Vec::new();
    for word in own.into_iter().chain(naming.take(NAMING)) {
        if !word.bytes().all(|b| b.is_ascii_alphanumeric() || b":._-/+@".contains(&b)) {
            return None;
        }
        let parts = parts(word);
        let has = |key: &str| parts.iter().any(|p| words.data(key).contains(&p.as_str()));
        if has("spares") {
            return None;
        }
        destroys |= has("destroys");
        destroyed |= has("destroyed") || parts.iter().any(|p| speaks(p));
        name.push(word);
        if destroys && destroyed {
            return Some(name.join(" "));
        }
    }
    None
}

/// A file's name without its directory and ending.
fn stem(program: &str) -> &str {
    program.split('.').next().unwrap_or(program)
}

/// Whether a part of a name is an engine's, or made from one (`edgedb`, `mysql2`).
fn speaks(part: &str) -> bool {
    let made = part.len() > 3 && (part.ends_with("db") || part.contains("sql"));
    made || super::engine_of(part).is_some()
}

/// The parts of a name, in small letters: `reset-db`, `app:resetDb` and `ResetDB` have two or three.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut small = false;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() || c.is_ascii_uppercase() && small {
            parts.push(String::new());
        }
        if c.is_ascii_alphanumeric() {
            if let Some(part) = parts.last_mut() {
                part.push(c.to_ascii_lowercase());
            }
        }
        small = c.is_ascii_lowercase();
    }
    parts
}

/// Whether a word is SQL that destroys: behind what takes a query, or anywhere where the program's
/// name speaks of SQL.
fn queries(words: &Tool, step: &Step) -> bool {
    let of_sql = parts(step.program()).iter().any(|p| speaks(p));
    let takes = |w: &str| words.data("queries").contains(&w);
    let mut told = of_sql;
    step.argv.iter().skip(1).any(|word: &Word| {
        let (option, text) = match word.text.split_once('=') {
            Some((name, text)) if takes(name) => (true, text),
            _ => (false, word.text.as_str()),
        };
        let reads = told || option;
        told |= takes(text);
        let sql = || sql::judge(text, Dialect::Generic).effect();
        reads && text.contains(' ') && matches!(sql(), Effect::Destroys | Effect::Stops)
    })
}
