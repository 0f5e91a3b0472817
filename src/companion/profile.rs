//! `tagout profile`: which profiles there are, and what one lets through.

use clap::{ArgMatches, Command};

use crate::cli::arguments::config_option;
use crate::cli::{Session, exit};
use crate::profile::BUILTIN;

/// The definition.
pub(super) fn define(command: Command) -> Command {
    command.subcommand_required(true).subcommand(
        Command::new("list")
            .about("List the profiles that can be named here")
            .arg(config_option()),
    )
}

/// Does what is asked.
pub(super) fn run(session: &mut Session, matches: &ArgMatches) -> u8 {
    match matches.subcommand() {
        Some(("list", inner)) => list(session, inner),
        _ => exit::USAGE,
    }
}

fn list(session: &mut Session, matches: &ArgMatches) -> u8 {
    let config = match session.config(matches.get_one("config")) {
        Ok(config) => config,
        Err(code) => return code,
    };
    for (name, _) in BUILTIN {
        session.ui.data(&format!("{name}\tbuilt-in\n"));
    }
    for layer in &config.layers {
        for (name, _, _) in &layer.document.profiles {
            session.ui.data(&format!("{name}\t{}\n", layer.name));
        }
    }
    exit::OK
}
