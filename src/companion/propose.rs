//! Proposing a change of a project's file: shown, asked about, written.

use std::io::{BufRead, IsTerminal};
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::cli::{Session, exit};
use crate::config::{TrustList, replace, replace_shared};
use crate::files::{FileError, Files};
use crate::profile::parse_document;
use crate::source::SourceKind;

/// Unchanged lines around a change.
const AROUND: usize = 3;

/// The options of whatever proposes.
pub(super) fn options(command: Command) -> Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .action(ArgAction::SetTrue)
            .help(help)
    };
    command
        .arg(flag("yes", "Write it without asking"))
        .arg(flag("print", "Show it and write nothing").conflicts_with("yes"))
        .arg(
            flag(
                "trust",
                "With --yes: trust the file as it is then (tagout trust)",
            )
            .requires("yes"),
        )
        .arg(super::definition::config_option())
}

/// What the file says now; empty where there is none.
pub(super) fn before(session: &mut Session, path: &Path) -> Result<Option<String>, u8> {
    match session.files.read_text(path) {
        Ok(text) => Ok(Some(text)),
        Err(FileError::Missing) => Ok(None),
        Err(e) => Err(session.failed(&format!("{}: {e}", path.display()), &[])),
    }
}

/// Shows the change, asks, writes.
pub(super) fn propose(
    session: &mut Session,
    matches: &ArgMatches,
    path: &Path,
    (before, after): (Option<&str>, &str),
) -> u8 {
    if let Err(e) = parse_document(after, "the proposal", SourceKind::ProjectFile) {
        return session.config_mistake(&e);
    }
    let shown = match before {
        None => after.to_owned(),
        Some(before) => diff(before, after),
    };
    session.ui.data(&shown);
    if matches.get_flag("print") {
        return exit::OK;
    }
    let trust = match agreed(session, matches, path) {
        Ok(trust) => trust,
        Err(code) => return code,
    };
    if let Err(e) = replace_shared(path, after) {
        return session.failed(&format!("{} cannot be written: {e}", path.display()), &[]);
    }
    session
        .ui
        .message(&format!("tagout: written: {}\n", path.display()));
    if trust {
        return trusted(session, matches, path);
    }
    session
        .ui
        .message("tagout: it only tightens until you run `tagout trust`\n");
    exit::OK
}

/// Whether it may be written, and then trusted; nobody is asked where nobody can answer.
fn agreed(session: &mut Session, matches: &ArgMatches, path: &Path) -> Result<bool, u8> {
    if matches.get_flag("yes") {
        return Ok(matches.get_flag("trust"));
    }
    let in_ci = session
        .invocation
        .variable("CI")
        .is_some_and(|v| !v.is_empty() && v != "false");
    let terminal = session.invocation.at_a_terminal() && std::io::stderr().is_terminal();
    if in_ci || !terminal {
        return Err(session.failed(
            "not written: there is nobody to ask here",
            &["look at it, then write it with --yes (or only show it with --print)".to_owned()],
        ));
    }
    session.ui.message(&format!(
        "\nWrite {} and trust it as it is? [y/N] ",
        path.display()
    ));
    let mut answer = String::new();
    let _ = std::io::stdin().lock().read_line(&mut answer);
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(true),
        _ => {
            session.ui.message("tagout: nothing was written\n");
            Err(exit::OK)
        }
    }
}

fn trusted(session: &mut Session, matches: &ArgMatches, path: &Path) -> u8 {
    let Some(folder) = session.config_folder(matches.get_one("config")) else {
        return session.failed(
            "this user has no home directory for a list of trusted files",
            &[],
        );
    };
    let real = session
        .files
        .real_path(path)
        .unwrap_or_else(|| path.to_owned());
    let done = TrustList::load(&folder, &session.files)
        .map_err(|e| e.to_string())
        .and_then(|mut list| {
            let bytes = session.files.read(&real).map_err(|e| e.to_string())?;
            list.add(real, &bytes);
            replace(&TrustList::path(&folder), &list.text()).map_err(|e| e.to_string())
        });
    match done {
        Ok(()) => {
            session.ui.message("tagout: trusted as it is now\n");
            exit::OK
        }
        Err(why) => session.failed(&format!("it could not be trusted: {why}"), &[]),
    }
}

/// The change as a unified diff of one hunk.
pub(super) fn diff(before: &str, after: &str) -> String {
    let old: Vec<&str> = before.lines().collect();
    let new: Vec<&str> = after.lines().collect();
    let same = |(a, b): &(&&str, &&str)| a == b;
    let head = old.iter().zip(&new).take_while(same).count();
    let shortest = old.len().min(new.len()) - head;
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(shortest)
        .take_while(same)
        .count();
    let from = head.saturating_sub(AROUND);
    let after_tail = AROUND.min(tail);
    let part = |lines: &[&str], mark: char, from: usize, to: usize| -> String {
        let lines = lines.get(from..to).unwrap_or_default();
        lines.iter().map(|line| format!("{mark}{line}\n")).collect()
    };
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);
    format!(
        "--- tagout.toml\n+++ proposed\n@@ -{},{} +{},{} @@\n{}{}{}{}",
        from + 1,
        old_end + after_tail - from,
        from + 1,
        new_end + after_tail - from,
        part(&old, ' ', from, head),
        part(&old, '-', head, old_end),
        part(&new, '+', head, new_end),
        part(&old, ' ', old_end, old_end + after_tail)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_shown_with_what_stands_around_it() {
        let before = "a\nb\nc\nd\ne\nf\ng\nh\n";
        let after = "a\nb\nc\nd\nE\nnew\nf\ng\nh\n";
        assert_eq!(
            diff(before, after),
            "--- tagout.toml\n+++ proposed\n@@ -2,7 +2,8 @@\n b\n c\n d\n-e\n+E\n+new\n f\n g\n h\n"
        );
        assert!(diff("a\n", "a\nb\n").ends_with("@@ -1,1 +1,2 @@\n a\n+b\n"));
    }
}
