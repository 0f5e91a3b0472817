//! `.env` files of the Rust and Go tools. Both dialects agree on plain and plainly quoted values;
//! where they or a line's form could matter, the answer is "cannot say".

use std::path::{Path, PathBuf};

use crate::command::{Command, World};
use crate::source::{Source, Sourced};
use crate::target::Gap;

/// Which of two lines for the same name counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wins {
    /// dotenvy.
    First,
    /// godotenv.
    Last,
}

/// `.env` in the directory or the nearest one above it, as dotenvy looks for it.
pub(super) fn upward(command: &Command, world: &World<'_>) -> Option<PathBuf> {
    command
        .step
        .cwd
        .ancestors()
        .map(|dir| dir.join(".env"))
        .find(|path| world.files.is_file(path))
}

/// The value of a name in a file; `None` where the file or the name is not there.
pub(super) fn value(
    path: &Path,
    name: &str,
    wins: Wins,
    command: &Command,
    world: &World<'_>,
) -> Option<Result<Sourced<String>, Gap>> {
    let text = world.files.read_text(path).ok()?;
    let shown = crate::files::shown(path, &command.step.cwd);
    let mut found = None;
    for (at, line) in text.lines().enumerate() {
        let source = Source::project_file(&shown, at + 1);
        let cannot = || Gap::new("target", format!("{source}: this line cannot be read"));
        match read(line) {
            Line::Nothing => {}
            Line::Pair(key, value) if key == name => {
                found = Some(match value {
                    Some(value) => Ok(Sourced::new(value, source.with_note(name))),
                    None => Err(cannot()),
                });
                if wins == Wins::First {
                    break;
                }
            }
            Line::Pair(_, _) => {}
            Line::Broken => return Some(Err(cannot())),
        }
    }
    found
}

enum Line<'a> {
    Nothing,
    /// A name with its value, or with a value in a form that is not read.
    Pair(&'a str, Option<String>),
    /// A line that may reach into the next ones, or makes the reader stop.
    Broken,
}

fn read(line: &str) -> Line<'_> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Line::Nothing;
    }
    let line = line.strip_prefix("export ").unwrap_or(line);
    let Some((key, value)) = line.split_once('=') else {
        return Line::Broken;
    };
    let value = value.trim();
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            let Some((inner, after)) = rest.split_once(quote) else {
                return Line::Broken;
            };
            let after = after.trim_start();
            let plain = !inner.contains(['\\', '$']) || (quote == '\'' && !inner.contains('\\'));
            let ends = after.is_empty() || after.starts_with('#');
            return Line::Pair(key.trim(), (plain && ends).then(|| inner.to_owned()));
        }
    }
    let bare = match value.find(" #") {
        Some(at) => value.get(..at).unwrap_or(value).trim_end(),
        None => value,
    };
    if bare.contains(['"', '\'']) {
        return Line::Broken;
    }
    let plain = !bare.contains(|c: char| c.is_whitespace() || "\\$#`".contains(c));
    Line::Pair(key.trim(), plain.then(|| bare.to_owned()))
}
