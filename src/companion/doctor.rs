//! `tagout doctor`: whether what should protect really does, by trying it.

use clap::{Arg, ArgMatches, Command};

use super::agent_canary;
use crate::agent::Agent;
use crate::cli::{Session, exit};

/// The definition.
pub(super) fn define(command: Command) -> Command {
    let agents: Vec<&str> = Agent::WORDS.iter().map(|(word, _)| *word).collect();
    command
        .arg(
            Arg::new("agent")
                .long("agent")
                .value_name("NAME")
                .required(true)
                .value_parser(clap::builder::PossibleValuesParser::new(agents))
                .help("Try the hooks that this coding agent is configured with"),
        )
        .after_help("Exit status: 0 every refusal refuses, 1 something is missing, 2 wrong usage.")
}

/// Does what is asked.
pub(super) fn run(session: &mut Session, matches: &ArgMatches) -> u8 {
    let word = matches
        .get_one::<String>("agent")
        .map_or("", String::as_str);
    match Agent::from_word(word) {
        Some(agent) => agent_canary::run(session, agent),
        None => exit::USAGE,
    }
}
