//! `tagout profile learn`: runs a command once, scrubbed, and proposes what to let through.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::definition::command_words;
use super::propose;
use crate::cli::arguments::Asked;
use crate::cli::{Session, exit};
use crate::config::PROJECT_FILE;
use crate::environment::Fate;
use crate::learn::{self, Kind, asked, with_passes};
use crate::plan::Plan;
use crate::sys::tool;

/// The definition.
pub(super) fn command() -> Command {
    propose::options(Command::new("learn"))
        .about("Run a command once, scrubbed; say which dropped variables it asks for; propose them")
        .arg(
            Arg::new("profile")
                .short('p')
                .long("profile")
                .value_name("NAME")
                .help("The profile to learn for [default: the one a run here would use]"),
        )
        .arg(
            Arg::new("no-run")
                .long("no-run")
                .action(ArgAction::SetTrue)
                .help("Run nothing: only compare with names in the project's code"),
        )
        .arg(command_words())
        .after_help(
            "A program reads its environment from its own memory, so no system call shows what it asks for.\n\
             A name counts as asked for where it stands in what the command printed (`KeyError: 'STRIPE_KEY'`)\n\
             or in the project's code, outside of vendor and node_modules. Names that choose a database or make\n\
             programs run other code are told, and never proposed. The command runs as `tagout run` runs it: what\n\
             would be refused is refused. Its output goes through a pipe.",
        )
}

/// Runs, compares, proposes.
pub(super) fn run(session: &mut Session, matches: &ArgMatches) -> u8 {
    let wanted = Asked {
        profile: matches.get_one("profile").cloned(),
        config: matches.get_one("config").cloned(),
        argv: matches
            .get_many("command")
            .into_iter()
            .flatten()
            .cloned()
            .collect(),
        ..Asked::default()
    };
    let plan = match session.plan(&wanted) {
        Ok(plan) => plan,
        Err(code) => return code,
    };
    let dropped = dropped(&plan);
    let printed = if matches.get_flag("no-run") {
        String::new()
    } else {
        match watched(session, &wanted.config, &plan) {
            Ok(printed) => printed,
            Err(code) => return code,
        }
    };
    let root = session.invocation.cwd.clone();
    let asked = asked(&dropped, &printed, &root, &session.files);
    tell(session, &plan, &asked, dropped.len());
    let names: Vec<String> = asked
        .into_iter()
        .filter(|a| a.kind == Kind::Ordinary)
        .map(|a| a.name)
        .collect();
    if names.is_empty() {
        session.ui.message("tagout: nothing to let through\n");
        return exit::OK;
    }
    let path = root.join(PROJECT_FILE);
    let before = match propose::before(session, &path) {
        Ok(before) => before,
        Err(code) => return code,
    };
    let after = with_passes(before.as_deref().unwrap_or(""), &plan.profile.name, &names);
    propose::propose(session, matches, &path, (before.as_deref(), &after))
}

fn dropped(plan: &Plan) -> Vec<String> {
    let decisions = plan.environment.decisions.iter();
    decisions
        .filter(|d| matches!(d.fate, Fate::Dropped(_)))
        .map(|d| d.name.clone())
        .collect()
}

/// Runs the command as `tagout run` does, passing on what it prints, and gives that.
fn watched(session: &mut Session, config: &Option<String>, plan: &Plan) -> Result<String, u8> {
    let own = Path::new("/proc/self/exe").read_link();
    let tagout = match own {
        Ok(path) => path.with_file_name("tagout"),
        Err(e) => return Err(session.failed(&format!("this program cannot find itself: {e}"), &[])),
    };
    let mut args: Vec<OsString> = vec!["run".into(), "-p".into(), plan.profile.name.clone().into()];
    if let Some(config) = config {
        args.extend(["--config".into(), config.into()]);
    }
    args.push("--".into());
    args.extend(plan.argv.iter().cloned());
    let mut printed = Vec::new();
    // Standard output is for the proposal.
    let status = tool::watch(&tagout, &args, &mut |bytes| {
        printed.extend_from_slice(bytes);
        let _ = std::io::stderr().write_all(bytes);
    });
    match status.map(|status| status.code()) {
        Ok(Some(code)) if code == i32::from(exit::REFUSED) && !plan.verdict.is_allowed() => {
            session
                .ui
                .message("tagout: it was refused and did not run: only the code is compared\n");
            Ok(String::new())
        }
        Ok(_) => Ok(String::from_utf8_lossy(&printed).into_owned()),
        Err(e) => Err(session.failed(&format!("{}: {e}", tagout.display()), &[])),
    }
}

fn tell(session: &mut Session, plan: &Plan, asked: &[learn::Asked], dropped: usize) {
    let mut text = format!(
        "tagout: profile {}: {dropped} variables dropped, {} of them asked for\n",
        plan.profile.name,
        asked.len()
    );
    for one in asked {
        let why = match one.kind.why_not() {
            "" => String::new(),
            why => format!(" ({why})"),
        };
        text.push_str(&format!(
            "  {:<24} {}{why}\n",
            one.name,
            one.places.join(", ")
        ));
    }
    session.ui.message(&text);
}
