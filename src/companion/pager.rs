//! Long listings on a terminal, shown by the reader's pager as git shows them.

use clap::{Arg, ArgAction, ArgMatches};

use crate::cli::Session;
use crate::sys::tool;

/// `--no-pager`.
pub(super) fn flag() -> Arg {
    Arg::new("no-pager")
        .long("no-pager")
        .action(ArgAction::SetTrue)
        .help("Print it all at once [default: by $PAGER or less on a terminal]")
}

/// Shows a listing: by a pager where a person reads it on a terminal, else as data.
pub(super) fn show(session: &mut Session, matches: &ArgMatches, text: &str) {
    let variable = |name: &str| session.invocation.variable(name);
    let chosen = variable("PAGER");
    let wanted = session.ui.is_read()
        && !matches.get_flag("no-pager")
        && variable("TERM").is_some_and(|term| term != "dumb")
        && !matches!(chosen.as_deref().map(str::trim), Some("" | "cat"));
    // As git sets them: what fits on the screen is only printed, colours stay, long lines are not
    // folded into each other. The pager starts no programs for whoever reads another's journal.
    let mut more = vec![("LESSSECURE", "1")];
    if variable("LESS").is_none() {
        more.push(("LESS", "FRSX"));
    }
    if !wanted || tool::page(chosen.as_deref(), &more, text.as_bytes()).is_err() {
        session.ui.data(text);
    }
}
