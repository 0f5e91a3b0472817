//! `tagout help`: help on a command.

use clap::{Arg, ArgMatches, Command};

use crate::cli::{Session, exit};

/// The definition.
pub(super) fn define(command: Command) -> Command {
    command.arg(
        Arg::new("words")
            .value_name("COMMAND")
            .num_args(0..)
            .help("The command"),
    )
}

/// Shows it.
pub(super) fn run(session: &mut Session, matches: &ArgMatches) -> u8 {
    let words: Vec<&String> = matches.get_many("words").into_iter().flatten().collect();
    let mut command = super::definition();
    command.build();
    for word in words {
        let Some(inner) = command.find_subcommand(word) else {
            session
                .ui
                .error(&format!("there is no command `{word}`"), &[]);
            return exit::USAGE;
        };
        command = inner.clone();
    }
    let text = command.render_long_help().to_string();
    session.ui.data(&text);
    exit::OK
}
