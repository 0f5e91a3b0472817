//! sqlite3: the file it opens, and those that its statements open.

use crate::command::{Command, Reach, World};
use crate::source::{Source, Sourced};
use crate::target::{Address, Engine, Resolution, Target};

/// Finds the files of a call of sqlite3.
pub(super) fn resolve(command: &Command, _world: &World<'_>) -> Resolution {
    if let Some(why) = command.hint("unread") {
        return Resolution::unresolved(why.to_owned());
    }
    let first = command.args.operand(0);
    let source = match first {
        Some(_) => Source::argument("operand"),
        None => Source::default_of("sqlite3"),
    };
    let mut resolution = file(command, first.unwrap_or(":memory:"), &source);
    for reach in &command.reaches {
        resolution.merge(match reach {
            Reach::Connection(path) => file(command, path, &Source::argument("the statements")),
            Reach::Database(_) => Resolution::none(),
            Reach::Unknown(why) => Resolution::unresolved(why.clone()),
        });
    }
    resolution
}

/// A file as sqlite3 opens it: a path, a URI, or memory.
fn file(command: &Command, name: &str, source: &Source) -> Resolution {
    let memory = || {
        let address = Address::Memory {
            source: source.clone(),
        };
        Resolution::target(Target::new(Engine::Sqlite, address))
    };
    if name.is_empty() || name == ":memory:" {
        return memory();
    }
    let path = match name.strip_prefix("file:") {
        None => name.to_owned(),
        Some(rest) => {
            let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
            let path = path.split('#').next().unwrap_or("");
            if path == ":memory:" || path.is_empty() || query.split('&').any(|p| p == "mode=memory")
            {
                return memory();
            }
            let path = match path.strip_prefix("//") {
                Some(rest) => rest.find('/').map_or("", |at| &rest[at..]),
                None => path,
            };
            crate::target::url::decode(path)
        }
    };
    let path = command.step.path(path).display().to_string();
    let address = Address::File {
        path: Sourced::new(path, source.clone()),
    };
    Resolution::target(Target::new(Engine::Sqlite, address))
}
