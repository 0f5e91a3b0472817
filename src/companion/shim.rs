//! `tagout shim`: links to tagout under other programs' names.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::definition::config_option;
use crate::cli::{Session, exit};
use crate::shells::shims;
use crate::sys::process::beside;

/// The definition.
pub(super) fn define(command: Command) -> Command {
    let folder = || {
        Arg::new("folder")
            .value_name("DIR")
            .help("The folder [default: ~/.local/share/tagout/shims]")
    };
    let only = |help: &'static str| {
        Arg::new("name")
            .long("command")
            .value_name("NAME")
            .action(ArgAction::Append)
            .help(help)
    };
    command
        .subcommand_required(true)
        .subcommand(
            Command::new("install")
                .about("Make links to tagout under the names of other programs, for PATH")
                .arg(config_option())
                .arg(only("Only this one (repeatable) [default: the usual ones and those of [hook] commands]"))
                .arg(folder()),
        )
        .subcommand(
            Command::new("list")
                .about("List the shims, with the program that each would start")
                .arg(folder()),
        )
        .subcommand(
            Command::new("remove")
                .about("Remove the shims")
                .arg(only("Only this one (repeatable)"))
                .arg(folder()),
        )
}

/// Does what is asked.
pub(super) fn run(session: &mut Session, matches: &ArgMatches) -> u8 {
    let Some((verb, inner)) = matches.subcommand() else {
        return exit::USAGE;
    };
    let Some(folder) = folder(session, inner) else {
        return session.failed(
            "this user has no home directory for shims",
            &["name a folder".to_owned()],
        );
    };
    match verb {
        "install" => install(session, inner, folder),
        "list" => list(session, folder),
        _ => remove(session, inner, folder),
    }
}

fn folder(session: &Session, matches: &ArgMatches) -> Option<PathBuf> {
    let invocation = &session.invocation;
    match matches.get_one::<String>("folder") {
        Some(folder) => Some(invocation.cwd.join(folder)),
        None => {
            let home = invocation.caller.home.as_ref();
            home.map(|home| home.join(".local/share/tagout/shims"))
        }
    }
}

fn given(matches: &ArgMatches) -> Vec<String> {
    let names = matches.get_many("name").into_iter().flatten();
    names.cloned().collect()
}

fn install(session: &mut Session, matches: &ArgMatches, folder: PathBuf) -> u8 {
    let mut names = given(matches);
    if names.is_empty() {
        let config = match session.config(matches.get_one("config")) {
            Ok(config) => config,
            Err(code) => return code,
        };
        names = match shims::names(&config) {
            Ok(names) => names,
            Err(e) => return session.config_mistake(&e),
        };
    }
    let launcher = match beside("tagout") {
        Ok(launcher) => launcher,
        Err(e) => return session.failed(&format!("the place of tagout cannot be found: {e}"), &[]),
    };
    if let Err(e) = shims::install(&folder, &launcher, &names) {
        return session.failed(&e.to_string(), &[]);
    }
    session.ui.message(&format!(
        "shims in {}: {}\nput the folder first on PATH: export PATH='{}':\"$PATH\"\n",
        folder.display(),
        names.join(", "),
        folder.display().to_string().replace('\'', "'\\''"),
    ));
    exit::OK
}

fn list(session: &mut Session, folder: PathBuf) -> u8 {
    let path = session.invocation.variable("PATH").unwrap_or_default();
    let shims = match shims::list(&folder, path.as_ref(), &session.invocation.cwd) {
        Ok(shims) => shims,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(e) => return session.failed(&format!("`{}`: {e}", folder.display()), &[]),
    };
    for shim in &shims {
        let real = match &shim.real {
            Some(real) => real.display().to_string(),
            None => "nothing on PATH".to_owned(),
        };
        let note = if shim.first {
            ""
        } else {
            "\tPATH does not come by here first"
        };
        session
            .ui
            .data(&format!("{}\t{real}{note}\n", shim.name.display()));
    }
    if shims.iter().all(|s| s.first) {
        exit::OK
    } else {
        exit::FOUND
    }
}

fn remove(session: &mut Session, matches: &ArgMatches, folder: PathBuf) -> u8 {
    match shims::remove(&folder, &given(matches)) {
        Ok(names) => {
            let names: Vec<_> = names.iter().map(|n| n.to_string_lossy()).collect();
            session.ui.message(&format!(
                "removed from {}: {}\n",
                folder.display(),
                names.join(", ")
            ));
            exit::OK
        }
        Err(e) => session.failed(&e.to_string(), &[]),
    }
}
