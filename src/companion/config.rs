//! `tagout config`: the settings in force, and whether the files are sound.

use clap::{ArgMatches, Command};

use crate::cli::arguments::config_option;
use crate::cli::{Session, exit};
use crate::profile::choose;

/// The definition.
pub(super) fn define(command: Command) -> Command {
    command.subcommand_required(true).subcommand(
        Command::new("check")
            .about("Check every configuration file that applies here")
            .arg(config_option()),
    )
}

/// Does what is asked.
pub(super) fn run(session: &mut Session, matches: &ArgMatches) -> u8 {
    match matches.subcommand() {
        Some(("check", inner)) => check(session, inner),
        _ => exit::USAGE,
    }
}

fn check(session: &mut Session, matches: &ArgMatches) -> u8 {
    let config = match session.config(matches.get_one("config")) {
        Ok(config) => config,
        Err(code) => return code,
    };
    if let Err(e) = choose(None, &config.layers) {
        return session.config_mistake(&e);
    }
    for layer in &config.layers {
        session.ui.data(&format!("{}: sound\n", layer.name));
    }
    exit::OK
}
