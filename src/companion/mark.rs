//! `tagout mark`: marks a target as disposable or production, for this user, once.

use std::path::Path;

use clap::{Arg, ArgMatches, Command};

use crate::cli::{Session, exit};
use crate::config::{replace, toml_string};
use crate::files::{FileError, Files};
use crate::profile::parse_document;
use crate::source::SourceKind;

/// The parts of a mark: option and what it recognises.
const PARTS: [(&str, &str); 10] = [
    (
        "engine",
        "Kind of server: postgres, mysql, sqlite, redis, mongodb, ...",
    ),
    ("host", "Host name or address; `*` stands for anything"),
    ("network", "Address range, 10.0.0.0/8"),
    ("socket", "Unix socket"),
    ("file", "Database file"),
    ("port", "Port"),
    ("database", "Database name; `*` stands for anything"),
    ("environment", "Framework environment"),
    ("identifier", "Identifier in a cloud or container runtime"),
    ("url", "postgres://host:port/database"),
];

/// The definition.
pub(super) fn define(command: Command) -> Command {
    let command = command
        .arg(Arg::new("tier").required(true).value_parser(["disposable", "production"]).help("What the target is"))
        .arg(super::definition::config_option())
        .after_help("All parts that are given must match.\n\nExamples:\n  tagout mark disposable --engine mysql --host 127.0.0.1 --port 3307 --database worker_db\n  tagout mark production --network 10.0.0.0/8");
    PARTS.iter().fold(command, |command, (name, help)| {
        command.arg(Arg::new(*name).long(*name).value_name("VALUE").help(*help))
    })
}

/// Adds the mark to the user's configuration.
pub(super) fn run(session: &mut Session, matches: &ArgMatches) -> u8 {
    let Some(folder) = session.config_folder(matches.get_one::<String>("config")) else {
        return session.failed(
            "this user has no home directory for a configuration",
            &["name one: --config DIR".to_owned()],
        );
    };
    let destroys = matches
        .get_one::<String>("tier")
        .is_some_and(|t| t == "disposable");
    let places = PARTS.iter().map(|(name, _)| *name);
    let mut places = places.filter(|name| !matches!(*name, "engine" | "port"));
    if destroys && !places.any(|name| matches.contains_id(name)) {
        let hint = "say which one: --host, --socket, --file, --database, --identifier, --url, ... (tagout help marks)";
        session.ui.error(
            "a mark without a place would let every server of that kind be destroyed",
            &[hint.to_owned()],
        );
        return exit::USAGE;
    }
    let mut entry = "[[marks]]\n".to_owned();
    let names = std::iter::once("tier").chain(PARTS.iter().map(|(name, _)| *name));
    for name in names {
        let Some(value) = matches.get_one::<String>(name) else {
            continue;
        };
        let is_number = name == "port" && value.parse::<u16>().is_ok();
        let value = if is_number {
            value.clone()
        } else {
            toml_string(value)
        };
        entry.push_str(&format!("{name} = {value}\n"));
    }
    let path = folder.join("config.toml");
    match add(&path, &entry, session) {
        Ok(()) => {
            session
                .ui
                .data(&format!("marked in {}:\n{entry}", path.display()));
            exit::OK
        }
        Err(code) => code,
    }
}

fn add(path: &Path, entry: &str, session: &mut Session) -> Result<(), u8> {
    let shown = path.display().to_string();
    let before = match session.files.read_text(path) {
        Ok(text) => text,
        Err(FileError::Missing) => String::new(),
        Err(e) => return Err(session.failed(&format!("{shown}: {e}"), &[])),
    };
    let gap = if before.is_empty() || before.ends_with("\n\n") {
        ""
    } else if before.ends_with('\n') {
        "\n"
    } else {
        "\n\n"
    };
    let text = format!("{before}{gap}{entry}");
    if let Err(e) = parse_document(&text, &shown, SourceKind::UserFile) {
        return Err(session.config_mistake(&e));
    }
    replace(path, &text)
        .map_err(|e| session.failed(&format!("{shown} cannot be written: {e}"), &[]))
}
