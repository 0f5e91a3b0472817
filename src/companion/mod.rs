//! The second program, `tagout-companion`: the subcommands that no launch needs. `tagout check`
//! becomes it with the same words, so that help and mistakes read `tagout check`.
//!
//! Here stand definitions and what is said to people, one file a subcommand; what they find out
//! is a room of its own each.

mod addresses;
mod agent_canary;
mod agents;
mod check;
mod checkpoint;
pub mod completions;
mod config;
mod definition;
mod doctor;
mod dotenv;
mod help;
mod hook;
mod init;
mod learn;
mod log;
pub mod man;
mod mark;
mod pager;
mod profile;
mod propose;
mod report;
mod shim;
mod trust;

use std::ffi::OsString;

use clap::{ArgMatches, Command};

use crate::cli::companion::VERBS;
use crate::cli::{Session, VERSION, exit};
use crate::doctor::canary;
use crate::invocation;
use crate::profile::closest;

/// A subcommand: name, definition (its one line stands in [`VERBS`]), and what it does.
type Verb = (
    &'static str,
    fn(Command) -> Command,
    fn(&mut Session, &ArgMatches) -> u8,
);

/// One line a subcommand.
const TABLE: &[Verb] = &[
    ("mark", mark::define, mark::run),
    ("trust", trust::define, trust::run),
    ("dotenv", dotenv::define, dotenv::run),
    ("init", init::define, init::run),
    ("profile", profile::define, profile::run),
    ("config", config::define, config::run),
    ("check", check::define, check::run),
    ("doctor", doctor::define, doctor::run),
    ("hook", hook::define, hook::run),
    ("shim", shim::define, shim::run),
    ("log", log::define, log::run),
    ("report", report::define, report::run),
    ("completions", completions::define, completions::run),
    ("man", man::define, man::run),
    ("help", help::define, help::run),
];

/// The definition of both programs together: help, completions and man pages come from it.
pub fn definition() -> Command {
    let own = bare_definition()
        .subcommand(definition::run())
        .subcommand(definition::explain());
    TABLE.iter().fold(own, |command, (name, define, _)| {
        command.subcommand(define(about(name)))
    })
}

/// A subcommand with its one line.
fn about(name: &'static str) -> Command {
    let line = VERBS.iter().find(|(verb, _)| *verb == name);
    Command::new(name).about(line.map_or("", |(_, about)| *about))
}

/// The definition of one subcommand alone: the others are not built to be thrown away.
fn definition_of(word: &str) -> Option<Command> {
    let (name, define, _) = TABLE.iter().find(|(name, ..)| *name == word)?;
    Some(bare_definition().subcommand(define(about(name))))
}

/// The program without its subcommands.
fn bare_definition() -> Command {
    Command::new("tagout")
        .bin_name("tagout")
        .version(VERSION)
        .about("Start a command with a scrubbed environment, knowing and holding the database it will reach")
        .disable_help_subcommand(true)
        .subcommand_required(true)
        .arg_required_else_help(true)
}

/// The program.
pub fn main() -> u8 {
    if let Some(code) = agents::early(&invocation::words()) {
        return code;
    }
    let mut session = match Session::begin() {
        Ok(session) => session,
        Err(code) => return code,
    };
    if let [_, word, name] = session.invocation.args.as_slice()
        && word == addresses::WORD
    {
        let name = name.to_string_lossy().into_owned();
        return addresses::run(&mut session, &name);
    }
    if let Some(answer) = canary(&session.invocation.args) {
        session.ui.data(&answer);
        return exit::OK;
    }
    let word = session
        .invocation
        .args
        .get(1)
        .and_then(|word| word.to_str());
    let definition = word.and_then(definition_of).unwrap_or_else(definition);
    let matches = match definition.try_get_matches_from(&session.invocation.args) {
        Ok(matches) => matches,
        Err(e) => return usage(&mut session, &e),
    };
    let Some((name, inner)) = matches.subcommand() else {
        return exit::USAGE;
    };
    match TABLE.iter().find(|(verb, _, _)| *verb == name) {
        Some((_, _, run)) => run(&mut session, inner),
        None => {
            session.ui.error(
                &format!("`{name}` is not for the companion program"),
                &[format!("call tagout itself: tagout {name}")],
            );
            exit::USAGE
        }
    }
}

/// `tagout doctor` has this program started as its canary.
fn canary(args: &[OsString]) -> Option<String> {
    let words = args.get(1..)?.iter();
    let words: Vec<String> = words.map(|w| w.to_string_lossy().into_owned()).collect();
    let (first, rest) = words.split_first()?;
    if first != canary::WORD {
        return None;
    }
    canary::answer(rest)
}

/// Help and version are answers; everything else is wrong usage.
fn usage(session: &mut Session, error: &clap::Error) -> u8 {
    let text = error.render().to_string();
    if error.use_stderr() {
        session.ui.message(&text);
        if error.kind() == clap::error::ErrorKind::InvalidSubcommand {
            let words: Vec<String> = session
                .invocation
                .args
                .iter()
                .skip(1)
                .map(|w| w.to_string_lossy().into_owned())
                .collect();
            session.ui.message(&meant(&words));
        }
        exit::USAGE
    } else {
        session.ui.data(&text);
        exit::OK
    }
}

/// What somebody may have meant who names no subcommand: one that is spelled nearly so, or a command
/// to be started.
fn meant(words: &[String]) -> String {
    let names = VERBS.iter().map(|(name, _)| *name);
    let all: Vec<&str> = names.chain(["run", "explain"]).collect();
    let first = words.first().map_or("", String::as_str);
    match closest(first, &all) {
        Some(near) => format!("hint: did you mean `tagout {near}`?\n"),
        None => format!("hint: a command is started by: tagout run -- {first} ...\n"),
    }
}
