//! `tagout log checkpoint`.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::cli::checkpoint::take;
use crate::cli::{Session, exit};
use crate::record::Location;
use crate::record::checkpoint::Keeper;

/// The definition of `log checkpoint`.
pub(super) fn command() -> Command {
    Command::new("checkpoint")
        .about("Sign the journal's head and keep it elsewhere, so that a cut or rewritten journal shows")
        .arg(
            Arg::new("key")
                .long("key")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Sign with this private key of ssh-keygen [default: the configuration's]"),
        )
        .arg(
            Arg::new("to")
                .long("to")
                .value_name("PLACE")
                .action(ArgAction::Append)
                .value_parser(Keeper::parse)
                .help("Keep it there too: file:PATH, syslog, postgres:CONNINFO or git:PATH[,REMOTE] (repeatable)"),
        )
        .after_help(
            "Without --key and --to, key and places of the configuration's [journal] are used.\n\
             Run it from a timer, also when nothing happened: a gap between heads is a finding.\n\n\
             Exit status: 0 kept in every place; 1 not in all of them; 125 no checkpoint.",
        )
}

/// Takes a checkpoint as the command line and the configuration say.
pub(super) fn run(session: &mut Session, matches: &ArgMatches, at: &Location) -> u8 {
    let mut anchoring = match session.config(None) {
        Ok(config) => config.anchoring(),
        Err(code) => return code,
    };
    if let Some(key) = matches.get_one::<PathBuf>("key") {
        anchoring.key = Some(key.clone());
    }
    anchoring.keepers.extend(
        matches
            .get_many::<Keeper>("to")
            .into_iter()
            .flatten()
            .cloned(),
    );
    match take(session, &anchoring, at) {
        Ok(taken) => {
            session.ui.data(&format!("{}\n", taken.signed.line()));
            for (place, why) in &taken.failed {
                session
                    .ui
                    .error(&format!("not kept in {place}: {why}"), &[]);
            }
            if taken.failed.is_empty() {
                exit::OK
            } else {
                exit::FOUND
            }
        }
        Err(error) => {
            session.ui.error(&error.to_string(), &[]);
            exit::FAILED
        }
    }
}
