//! `tagout dotenv`: what a reader of `.env` files makes of one, for anyone who asks why a value is
//! what it is.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Map, Value};

use crate::cli::{Session, exit};
use crate::environment::dotenv::{self, DIALECTS, Dialect, Entry};
use crate::files::Files;

/// The file was rejected, by us or by the reader.
const REJECTED: u8 = exit::FOUND;

/// The definition of `dotenv`.
pub(super) fn define(command: Command) -> Command {
    command
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .required_unless_present("list")
                .help("The file"),
        )
        .arg(
            Arg::new("dialect")
                .long("dialect")
                .value_name("NAME")
                .required_unless_present("list")
                .help("The reader and its version, one of --list"),
        )
        .arg(
            Arg::new("env")
                .long("env")
                .value_name("NAME=VALUE")
                .action(ArgAction::Append)
                .help("A variable of the process that reads the file (repeatable); there are no others"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("As one JSON object, names to values"),
        )
        .arg(
            Arg::new("list")
                .long("list")
                .action(ArgAction::SetTrue)
                .help("List the dialects"),
        )
        .after_help(
            "Nothing is executed: a value that would be a command's output is said to be unknown.\n\n\
             Example:\n  tagout dotenv .env --dialect python-dotenv-1.2.4 --env HOST=db1 --json\n\n\
             Exit status: 1 where the reader rejects the file.",
        )
}

/// The subcommand.
pub(super) fn run(session: &mut Session, matches: &ArgMatches) -> u8 {
    match answer(matches, &session.files, &session.invocation.cwd) {
        Ok(text) => {
            session.ui.data(&text);
            exit::OK
        }
        Err(Failure::Usage(what)) => {
            let hint = "see the names: tagout dotenv --list".to_owned();
            session.ui.error(&what, &[hint]);
            exit::USAGE
        }
        Err(Failure::Rejected(what)) => {
            session.ui.error(&what, &[]);
            REJECTED
        }
    }
}

enum Failure {
    Usage(String),
    Rejected(String),
}

fn answer(matches: &ArgMatches, files: &dyn Files, cwd: &Path) -> Result<String, Failure> {
    if matches.get_flag("list") {
        return Ok(listed());
    }
    let word = |name: &str| matches.get_one::<String>(name).map_or("", String::as_str);
    let dialect: &Dialect = dotenv::dialect(word("dialect"))
        .ok_or_else(|| Failure::Usage(format!("there is no dialect `{}`", word("dialect"))))?;
    let mut process: Vec<(&str, &str)> = Vec::new();
    for pair in matches.get_many::<String>("env").into_iter().flatten() {
        let pair = pair
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| Failure::Usage("--env needs NAME=VALUE".to_owned()))?;
        process.push(pair);
    }
    let lookup = |name: &str| {
        let found = process.iter().rev().find(|(n, _)| *n == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let file = word("file");
    let text = files
        .read_text(&cwd.join(file))
        .map_err(|e| Failure::Rejected(format!("{file}: {e}")))?;
    let entries = dotenv::read(dialect, &text, &lookup)
        .map_err(|e| Failure::Rejected(format!("{file}: {e} ({})", dialect.name)))?;
    let entries = dotenv::settle(entries);
    Ok(if matches.get_flag("json") {
        as_json(&entries)
    } else {
        as_lines(&entries)
    })
}

fn listed() -> String {
    let width = DIALECTS.iter().map(|d| d.name.len()).max().unwrap_or(0);
    DIALECTS.iter().fold(String::new(), |mut out, d| {
        let _ = writeln!(out, "{:width$}  {}", d.name, d.what);
        out
    })
}

fn as_json(entries: &[Entry]) -> String {
    let map: Map<String, Value> = entries
        .iter()
        .map(|e| {
            let value = match (&e.unknown, &e.value) {
                (Some(why), _) => serde_json::json!({ "__error__": why }),
                (None, Some(value)) => Value::String(value.clone()),
                (None, None) => Value::Null,
            };
            (e.name.clone(), value)
        })
        .collect();
    format!("{}\n", Value::Object(map))
}

fn as_lines(entries: &[Entry]) -> String {
    entries.iter().fold(String::new(), |mut out, e| {
        let _ = match (&e.unknown, &e.value) {
            (Some(why), _) => writeln!(out, "# {} is not known: {why}", e.name),
            (None, Some(value)) => writeln!(out, "{}={value}", e.name),
            (None, None) => writeln!(out, "{}", e.name),
        };
        out
    })
}
