//! Subcommands that no launch needs live in a second program, `tagout-companion`, that lies beside
//! this one: the launcher stays small. It is never looked for in PATH. It also answers for words that
//! are not right.

use std::ffi::OsString;
use std::path::PathBuf;

use super::{Session, exit};
use crate::agent::{self, Agent};
use crate::sys::process;
use crate::ui::Ui;

/// The second program's name.
pub const PROGRAM: &str = "tagout-companion";

/// Its subcommands, each with the line that `tagout --help` shows.
pub const VERBS: &[(&str, &str)] = &[
    (
        "mark",
        "Mark a target as disposable or production, for this user",
    ),
    (
        "trust",
        "Trust a project's tagout.toml with the content it has now; without trust it only tightens",
    ),
    ("dotenv", "Show what a reader of .env files makes of one"),
    (
        "init",
        "Look at the project and propose a tagout.toml: profiles, and marks with where they come from",
    ),
    (
        "profile",
        "List the profiles, show what one lets through, learn what a command asks for",
    ),
    (
        "config",
        "Show every setting with where it comes from, and check the files",
    ),
    (
        "check",
        "Find what pipelines, images, units and code do to databases without tagout",
    ),
    (
        "doctor",
        "Try each protection on this machine with a canary: what is missing, and how to get it",
    ),
    (
        "hook",
        "Put tagout before the commands that people type (bash, zsh, fish, sh) or that agents run",
    ),
    (
        "shim",
        "Put tagout before commands in scripts, cron, make: install, list, remove",
    ),
    (
        "log",
        "Show what was run and refused, newest first, and check the journal",
    ),
    (
        "report",
        "Write one page about what was run and refused: production, refusals, surprises, durations",
    ),
    ("completions", "Print completions for bash, zsh or fish"),
    ("man", "Print a manual page, or write all of them"),
    (
        "help",
        "Help on a command or a topic: rules, effects, exit-codes, ...",
    ),
];

/// Becomes the second program. It returns only where that is not possible.
pub(super) fn become_it(session: &mut Session) -> u8 {
    let place = process::beside(PROGRAM).map_err(|e| (PathBuf::from(PROGRAM), e));
    let tried = place.and_then(|path| {
        let error = process::become_program(&path, &session.invocation.args);
        Err((path, error))
    });
    let (path, error) = match tried {
        Err(failed) => failed,
        Ok(()) => return exit::FAILED,
    };
    let refused = refuse_agent(
        &mut session.ui,
        &session.invocation.args,
        "the companion program is missing, so that no command can be judged",
    );
    let reinstall = format!(
        "it belongs beside tagout: reinstall (cargo install --path . installs both), or copy {PROGRAM} there"
    );
    let what = format!(
        "the companion program {} cannot be started: {error}",
        path.display()
    );
    let code = match own(&session.invocation.args) {
        false => session.failed(&what, &[reinstall]),
        true => {
            let usage =
                "usage: tagout run|explain [-p PROFILE] [--keep NAME]... -- COMMAND [ARGUMENT]...";
            let mistake =
                "these words are not understood, and the program that says why is missing";
            session
                .ui
                .error(mistake, &[usage.to_owned(), what, reinstall]);
            exit::USAGE
        }
    };
    if refused { exit::OK } else { code }
}

/// Whether the words are meant for the launcher itself.
fn own(args: &[OsString]) -> bool {
    let word = args.get(1).and_then(|word| word.to_str());
    word.is_none_or(|word| VERBS.iter().all(|(name, _)| *name != word))
}

/// The agent that is asked for by `hook --agent NAME`.
pub(crate) fn agent_named(args: &[OsString]) -> Option<Agent> {
    let words: Vec<&str> = args.iter().skip(1).filter_map(|a| a.to_str()).collect();
    let (first, rest) = words.split_first()?;
    let attached = rest.iter().find_map(|w| w.strip_prefix("--agent="));
    let given = attached.or_else(|| {
        let at = rest.iter().position(|w| *w == "--agent")?;
        rest.get(at + 1).copied()
    });
    given
        .filter(|_| *first == "hook")
        .and_then(Agent::from_word)
}

/// Agents go on where a hook fails: one that cannot be asked refuses.
pub(super) fn refuse_agent(ui: &mut Ui, args: &[OsString], why: &str) -> bool {
    let Some(agent) = agent_named(args) else {
        return false;
    };
    ui.data(&agent::deny_text(agent, &format!("tagout: {why}")));
    true
}
