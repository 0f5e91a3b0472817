//! A `.env` file put into the environment of a program.

use std::path::Path;

use super::{Dialect, read, settle};
use crate::environment::Vars;
use crate::files::{FileError, Files};
use crate::source::Source;

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loaded {
    /// It was read; names whose value cannot be known, and why.
    Read(Vec<(String, String)>),
    /// There is none.
    Missing,
    /// The reader, or the system, rejects it: why.
    Rejected(String),
}

/// Reads `path`, named `shown`, and sets what it says in `vars`: over the variables that are there
/// only where `over` says so.
pub fn load(
    files: &dyn Files,
    (path, shown): (&Path, &str),
    dialect: &Dialect,
    vars: &mut Vars,
    over: bool,
) -> Loaded {
    let text = match files.read_text(path) {
        Ok(text) => text,
        Err(FileError::Missing | FileError::NotAFile) => return Loaded::Missing,
        Err(e) => return Loaded::Rejected(format!("{shown}: {e}")),
    };
    let before = vars.clone();
    // A reader that leaves names of the process alone must not see them where the file wins.
    let process = |name: &str| {
        if over {
            None
        } else {
            before.text(name).map(std::borrow::Cow::into_owned)
        }
    };
    let entries = match read(dialect, &text, &process) {
        Ok(entries) => entries,
        Err(e) => return Loaded::Rejected(format!("{shown}: {e}")),
    };
    let mut unknown = Vec::new();
    // dotenv-expand fills and rewrites variables of the process; what it gives is what changes.
    let rewrites = dialect.package == "dotenv-expand";
    for entry in settle(entries) {
        if before.has(&entry.name) && !rewrites && !over {
            continue;
        }
        match (entry.unknown, entry.value) {
            (Some(why), _) => {
                unknown.push((entry.name, format!("{shown}:{}: {why}", entry.line)));
            }
            (None, Some(value)) => {
                let source = Source::project_file(shown, entry.line);
                vars.set(entry.name, value, source);
            }
            (None, None) => {}
        }
    }
    Loaded::Read(unknown)
}
