//! Django's commands: `manage.py`, `django-admin`, `python -m django`.

use super::words::{action_of, effect_of};
use crate::command::{
    Action, Args, Command, Effect, Reach, Reading, Step, Stop, Tool, Word, World,
};

/// Reads a Django command line. Django takes the subcommand from the first word, before any
/// option; options may be shortened, as argparse allows.
pub(super) fn read(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let mut command = Command::new(Some(tool), step.clone());
    let Some(subcommand) = step.argv.get(1) else {
        return stopped(command, "nothing-runs", "no subcommand is given");
    };
    if ["--help", "-h", "--version", "help", "version"].contains(&subcommand.text.as_str()) {
        return stopped(
            command,
            "nothing-runs",
            "only help or the version is printed",
        );
    }
    if subcommand.text.starts_with('-') {
        let why = "Django takes the first word as the subcommand, and this is an option";
        return stopped(command, "command-unknown", why);
    }
    let argv: Vec<Word> = step.argv.iter().map(|w| spelled_out(w, tool)).collect();
    let (own, client) = match argv.iter().position(|w| w.text == "--") {
        Some(at) if subcommand.text == "dbshell" => argv.split_at(at),
        _ => (argv.as_slice(), &[][..]),
    };
    command.args = Args::parse(own, tool.value_options);
    if command.args.has(&["--help", "-h"]) || command.args.has(&["--version"]) {
        return stopped(
            command,
            "nothing-runs",
            "only help or the version is printed",
        );
    }
    if !client.is_empty() {
        let words: Vec<&str> = client.iter().skip(1).map(|w| w.text.as_str()).collect();
        command.hints.push(("client", words.join("\n")));
    }
    let action = match action_of(tool, &command.args) {
        Some((entry, used)) => {
            let (effect, why) = effect_of(entry, &command.args, used);
            let (effect, why) = if entry.name == "migrate" && effect == Effect::ChangesSchema {
                direction(&command, step, world)
            } else {
                (effect, why)
            };
            let name = command.args.operand(0).unwrap_or(entry.name).to_owned();
            Action::new(name, effect, why)
        }
        None => Action::new(
            subcommand.text.clone(),
            tool.unlisted,
            "a command of the project, which can do anything",
        ),
    };
    if ["reset_db", "drop_test_database"].contains(&&*action.name)
        && let Some(name) = command.args.value(&["-D", "--dbname"])
    {
        command.reaches.push(Reach::Database(name.to_owned()));
        command
            .notes
            .push(format!("the database dropped is `{name}`"));
    }
    Reading::command(command.doing(action))
}

/// Reads an Alembic command line: argparse again, with options before the subcommand too.
pub(super) fn alembic(tool: &'static Tool, step: &Step) -> Reading {
    let argv: Vec<Word> = step.argv.iter().map(|w| spelled_out(w, tool)).collect();
    let mut command = Command::new(Some(tool), step.clone());
    command.args = Args::parse(&argv, tool.value_options);
    if command.args.has(&["--help", "-h", "--version", "-V"]) || command.args.operands.is_empty() {
        return stopped(
            command,
            "nothing-runs",
            "only help or the version is printed",
        );
    }
    let action = match action_of(tool, &command.args) {
        Some((entry, used)) => {
            let (effect, why) = effect_of(entry, &command.args, used);
            Action::new(entry.name, effect, why)
        }
        None => {
            return stopped(command, "command-unknown", "Alembic has no such subcommand");
        }
    };
    Reading::command(command.doing(action))
}

fn stopped(mut command: Command, what: &'static str, why: &str) -> Reading {
    command.stops_early = Some(Stop::new(what, why));
    Reading::command(command)
}

/// An option with its full name, where the word shortens one.
fn spelled_out(word: &Word, tool: &'static Tool) -> Word {
    let Some(rest) = word.text.strip_prefix("--").filter(|r| !r.is_empty()) else {
        return word.clone();
    };
    let name = rest.split('=').next().unwrap_or(rest);
    let flags = tool.data("flags");
    let known = || {
        tool.value_options
            .iter()
            .chain(flags)
            .filter_map(|o| o.strip_prefix("--"))
    };
    // The settings module is taken only from its full name.
    if known().any(|o| o == name) || "settings".starts_with(name) || "pythonpath".starts_with(name)
    {
        return word.clone();
    }
    let mut fits: Vec<&str> = known().filter(|o| o.starts_with(name)).collect();
    if let Some(at) = fits.iter().position(|o| *o == "database") {
        fits = vec![fits[at]];
    }
    match fits.as_slice() {
        [full] => Word {
            text: format!("--{full}{}", &rest[name.len()..]),
            unknown: word.unknown.clone(),
        },
        _ => word.clone(),
    }
}

/// `migrate app name` goes forward only to the app's last migration; to any other it may undo.
fn direction(command: &Command, step: &Step, world: &World<'_>) -> (Effect, &'static str) {
    let (Some(app), Some(name)) = (command.args.operand(1), command.args.operand(2)) else {
        return (Effect::ChangesSchema, "applies migrations");
    };
    let manage = step.path(step.program_path());
    let roots = [
        manage.parent().map(std::path::Path::to_owned),
        Some(step.cwd.clone()),
    ];
    for root in roots.into_iter().flatten() {
        let dir = root.join(app).join("migrations");
        let last = world
            .files
            .list(&dir)
            .into_iter()
            .filter(|f| f.ends_with(".py") && f.starts_with(|c: char| c.is_ascii_digit()))
            .max();
        if last.is_some_and(|last| last.starts_with(name)) {
            return (
                Effect::ChangesSchema,
                "applies migrations up to the last one",
            );
        }
    }
    (
        Effect::Destroys,
        "migrates to a named migration: what comes after it is undone, with its tables and columns",
    )
}
