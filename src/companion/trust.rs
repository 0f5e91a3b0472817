//! `tagout trust`: lets a project's file loosen rules, as it is now.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::cli::{Session, exit};
use crate::config::{PROJECT_FILE, TrustList, replace};
use crate::files::Files;

/// The definition.
pub(super) fn define(command: Command) -> Command {
    command
        .arg(Arg::new("path").value_name("FILE").help("The file [default: the nearest tagout.toml upward]"))
        .arg(Arg::new("prefix").long("prefix").action(ArgAction::SetTrue).help("Trust every project file below FILE, a directory, whatever it holds"))
        .arg(Arg::new("remove").long("remove").action(ArgAction::SetTrue).help("Trust it no longer"))
        .arg(Arg::new("list").long("list").action(ArgAction::SetTrue).help("Show what is trusted"))
        .arg(super::definition::config_option())
        .after_help("Examples:\n  tagout trust\n  tagout trust --prefix /srv/apps\n  tagout trust --remove ./tagout.toml")
}

/// Changes or shows the user's list.
pub(super) fn run(session: &mut Session, matches: &ArgMatches) -> u8 {
    let Some(folder) = session.config_folder(matches.get_one::<String>("config")) else {
        return session.failed(
            "this user has no home directory for a configuration",
            &["name one: --config DIR".to_owned()],
        );
    };
    let mut list = match TrustList::load(&folder, &session.files) {
        Ok(list) => list,
        Err(e) => return session.config_mistake(&e),
    };
    if matches.get_flag("list") {
        session.ui.data(&list.text());
        return exit::OK;
    }
    let asked = matches.get_one::<String>("path").map(PathBuf::from);
    let Some(path) = asked
        .map(|p| session.invocation.cwd.join(p))
        .or_else(|| nearest(session))
    else {
        return session.failed(
            "there is no tagout.toml here or above",
            &["name the file: tagout trust FILE".to_owned()],
        );
    };
    let Some(real) = session.files.real_path(&path) else {
        return session.failed(&format!("{}: no such file", path.display()), &[]);
    };
    let said = match change(session, matches, &mut list, &real) {
        Ok(said) => said,
        Err(code) => return code,
    };
    if let Err(e) = replace(&TrustList::path(&folder), &list.text()) {
        return session.failed(
            &format!("the list of trusted files cannot be written: {e}"),
            &[],
        );
    }
    session.ui.data(&format!("{said} {}\n", real.display()));
    exit::OK
}

fn change(
    session: &mut Session,
    matches: &ArgMatches,
    list: &mut TrustList,
    real: &Path,
) -> Result<&'static str, u8> {
    if matches.get_flag("remove") {
        return match list.remove(real) {
            true => Ok("no longer trusted:"),
            false => Err(session.failed(&format!("{} was not trusted", real.display()), &[])),
        };
    }
    if matches.get_flag("prefix") {
        list.add_prefix(real.to_owned());
        return Ok("trusted, every project file below");
    }
    match session.files.read(real) {
        Ok(bytes) => {
            list.add(real.to_owned(), &bytes);
            Ok("trusted as it is now:")
        }
        Err(e) => Err(session.failed(&format!("{}: {e}", real.display()), &[])),
    }
}

fn nearest(session: &Session) -> Option<PathBuf> {
    session
        .invocation
        .cwd
        .ancestors()
        .map(|d| d.join(PROJECT_FILE))
        .find(|p| session.files.is_file(p))
}
