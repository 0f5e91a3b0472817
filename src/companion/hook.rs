//! `tagout hook`: tagout before the commands that people type or that agents run.

use clap::{Arg, ArgGroup, ArgMatches, Command, builder::PossibleValuesParser};

use super::agents;
use super::definition::config_option;
use crate::cli::{Session, exit};
use crate::shells::{Shell, commands, script};
use crate::sys::process::beside;

/// The definition.
pub(super) fn define(command: Command) -> Command {
    let shells = Shell::WORDS.iter().map(|(word, _)| *word);
    agents::arguments(command)
        .arg(config_option())
        .group(
            ArgGroup::new("whose")
                .args(["shell", "agent"])
                .required(true),
        )
        .arg(
            Arg::new("shell")
                .value_name("SHELL")
                .value_parser(PossibleValuesParser::new(shells))
                .help("Print functions for this shell, to be evaluated by it"),
        )
        .after_help(
            "Examples:\n  eval \"$(tagout hook bash)\"      # in ~/.bashrc\n  \
             eval \"$(tagout hook zsh)\"       # in ~/.zshrc\n  \
             tagout hook fish | source       # in ~/.config/fish/config.fish\n  \
             tagout hook --agent claude --install\n\n\
             More commands: [hook] commands = [\"mycli\"] in ~/.config/tagout/config.toml.",
        )
}

/// Prints the functions.
pub(super) fn run(session: &mut Session, matches: &ArgMatches) -> u8 {
    if let Some(agent) = matches.get_one::<String>("agent") {
        return agents::print_settings(session, agent);
    }
    let config = match session.config(matches.get_one("config")) {
        Ok(config) => config,
        Err(code) => return code,
    };
    let word: Option<&String> = matches.get_one("shell");
    let shell = Shell::WORDS
        .iter()
        .find(|(w, _)| word.is_some_and(|word| word == w));
    let commands = match commands(&config) {
        Ok(commands) => commands,
        Err(e) => return session.config_mistake(&e),
    };
    match (shell, beside("tagout")) {
        (Some((_, shell)), Ok(launcher)) => {
            session.ui.data(&script(*shell, &launcher, &commands));
            exit::OK
        }
        (_, Err(e)) => session.failed(&format!("the place of tagout cannot be found: {e}"), &[]),
        (None, _) => exit::USAGE,
    }
}
