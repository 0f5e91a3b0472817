//! `tagout init`: looks at the project and proposes a `tagout.toml`.

use clap::{ArgMatches, Command};

use super::propose;
use crate::cli::{Session, exit};
use crate::config::PROJECT_FILE;
use crate::init::{Place, Proposal, Survey, answers};
use crate::profile::choose;

/// The definition.
pub(super) fn define(command: Command) -> Command {
    propose::options(command).after_help(
        "It reads; it runs nothing of the project. Marks are proposed only for what a configuration of the\n\
         project leads to (RAILS_ENV=production, .env.production, test configurations on this machine), and\n\
         each says which. Where a tagout.toml exists, what is missing in it is proposed as a diff.\n\n\
         Exit status: 0 written or nothing to do, 125 nobody to ask (no terminal, CI) without --yes.",
    )
}

/// Looks, proposes, asks, writes.
pub(super) fn run(session: &mut Session, matches: &ArgMatches) -> u8 {
    let path = session.invocation.cwd.join(PROJECT_FILE);
    let before = match propose::before(session, &path) {
        Ok(before) => before,
        Err(code) => return code,
    };
    let config = match session.config(matches.get_one("config")) {
        Ok(config) => config,
        Err(code) => return code,
    };
    let known = match choose(None, &config.layers) {
        Ok(profile) => profile.marks,
        Err(e) => return session.config_mistake(&e),
    };
    let survey = Survey::of(&session.invocation.cwd, &session.files);
    let place = Place {
        root: &session.invocation.cwd,
        files: &session.files,
        caller: &session.invocation.caller,
        path: &session.invocation.variable("PATH").unwrap_or_default(),
    };
    let proposal = Proposal::of(&survey, &answers(&survey, place), &known);
    let after = match &before {
        None => proposal.file(&survey),
        Some(_) if proposal.has_no_marks() => {
            session
                .ui
                .message("tagout: tagout.toml already marks what was found: nothing to add\n");
            return exit::OK;
        }
        Some(before) => format!("{}\n{}", before.trim_end(), proposal.additions()),
    };
    propose::propose(session, matches, &path, (before.as_deref(), &after))
}
