//! `tagout profile`: which profiles there are, and what one lets through.

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::definition::config_option;
use crate::cli::{Session, exit};
use crate::profile::{BUILTIN, choose, parse_profile};

/// The definition.
pub(super) fn define(command: Command) -> Command {
    command
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("list")
                .about("List the profiles that can be named here")
                .arg(config_option()),
        )
        .subcommand(
            Command::new("show")
                .about("Show what a profile lets through, each setting with its place")
                .arg(
                    Arg::new("profile")
                        .value_name("NAME")
                        .help("The profile [default: the one a run here would use]"),
                )
                .arg(config_option())
                .arg(
                    Arg::new("json")
                        .long("json")
                        .action(ArgAction::SetTrue)
                        .help("As JSON (schema tagout.config/1)"),
                ),
        )
        .subcommand(super::learn::command())
}

/// Does what is asked.
pub(super) fn run(session: &mut Session, matches: &ArgMatches) -> u8 {
    match matches.subcommand() {
        Some(("list", inner)) => list(session, inner),
        Some(("show", inner)) => super::config::show(session, inner),
        Some(("learn", inner)) => super::learn::run(session, inner),
        _ => exit::USAGE,
    }
}

fn list(session: &mut Session, matches: &ArgMatches) -> u8 {
    let config = match session.config(matches.get_one("config")) {
        Ok(config) => config,
        Err(code) => return code,
    };
    let mut rows: Vec<(&str, String, String)> = Vec::new();
    for (name, text) in BUILTIN {
        let profile = parse_profile(text, name).unwrap_or_default();
        let description = profile.description.unwrap_or_default();
        rows.push((name, "built-in".to_owned(), description));
    }
    for layer in &config.layers {
        for (name, profile, source) in &layer.document.profiles {
            let description = profile.description.clone().unwrap_or_default();
            rows.push((name, source.text().to_owned(), description));
        }
    }
    let used = choose(None, &config.layers).map(|profile| profile.name);
    for (name, place, description) in &rows {
        let mark = if used.as_deref() == Ok(*name) {
            "*"
        } else {
            " "
        };
        session
            .ui
            .data(&format!("{mark} {name:<12} {place:<20} {description}\n"));
    }
    exit::OK
}
