//! psql and its family.

use super::scripts::Scripts;
use crate::command::sql::{self, Dialect, SqlReading};
use crate::command::tools::effect_of;
use crate::command::tools::getopt::{self, Parsed, Style};
use crate::command::{Action, Command, Effect, Reading, Step, Stop, Tool, World};
use crate::target::clients::debian;
use crate::target::libpq;

/// Judges a program that reaches PostgreSQL through libpq.
pub(super) fn read(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let mut plain = step.clone();
    debian::take_cluster(&mut plain.argv);
    let posix = step.vars.has("POSIXLY_CORRECT");
    let Parsed { args, trouble } = getopt::parse(tool, &plain, Style::Gnu { posix });
    let mut command = Command::new(Some(tool), step.clone());
    command.args = args;
    if let Some(why) = trouble {
        command.hints.push(("unread", why.clone()));
        return Reading::command(command.doing(Action::new(tool.name, Effect::Opaque, why)));
    }
    if command.args.has(&["--help", "--version"]) {
        let why = "only help or the version is printed";
        command.stops_early = Some(Stop::new("nothing-runs", why));
        return Reading::command(command);
    }
    if tool.name == "psql" {
        return Reading::command(psql(command, world));
    }
    if tool.name == "pg_restore" && !restores(&mut command) {
        return Reading::command(command);
    }
    let action = match tool.action(tool.name) {
        Some(entry) => {
            let (effect, why) = effect_of(entry, &command.args, 0);
            Action::new(entry.name, effect, why)
        }
        None => Action::new(tool.name, tool.bare, ""),
    };
    Reading::command(command.doing(action))
}

/// Whether `pg_restore` reaches a database at all.
fn restores(command: &mut Command) -> bool {
    if command.args.has(&["--list", "--file"]) {
        command
            .hints
            .push(("local", "a file is written".to_owned()));
        command.actions.push(Action::new(
            "pg_restore",
            Effect::None,
            "only reads the archive",
        ));
        return false;
    }
    if !command.args.has(&["--dbname"]) {
        let why = "pg_restore needs --dbname or --file";
        command.stops_early = Some(Stop::new("argv-rejected", why));
        return false;
    }
    true
}

fn psql(command: Command, world: &World<'_>) -> Command {
    let variables = variables(&command);
    let read = |text: &str| sql::psql_script(text, &variables);
    let mut scripts = Scripts::new(command, world, &read);
    if scripts.command.args.has(&["--list"]) {
        let action = Action::new("\\l", Effect::Reads, "lists the databases");
        scripts.command.actions.push(action);
        return scripts.command;
    }
    startup_files(&mut scripts, world);
    let mut told = false;
    let options = scripts.command.args.options.clone();
    for option in &options {
        match option.name.as_str() {
            "--command" => {
                told = true;
                scripts.option(option, |text| command_text(text, &variables));
            }
            "--file" => {
                told = true;
                match (&option.unknown, option.value.as_deref()) {
                    (Some(why), _) => {
                        scripts.opaque("script", format!("the file is not literal: {why}"));
                    }
                    (None, Some("-")) => scripts.stdin(),
                    (None, Some(path)) => {
                        let path = scripts.command.step.path(path);
                        scripts.file(&path, 0);
                    }
                    (None, None) => {}
                }
            }
            _ => {}
        }
    }
    if !told {
        scripts.stdin();
    }
    scripts.command
}

/// The text of `-c`: SQL for the server, or one backslash command.
fn command_text(text: &str, variables: &[(String, String)]) -> SqlReading {
    if text.starts_with('\\') {
        sql::psql_script(text, variables)
    } else {
        sql::judge(text, Dialect::Postgres)
    }
}

fn variables(command: &Command) -> Vec<(String, String)> {
    command
        .args
        .options
        .iter()
        .filter(|o| o.name == "--set" && o.unknown.is_none())
        .filter_map(|o| o.value.as_deref()?.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Files that psql runs first, unless `-X` is given.
fn startup_files(scripts: &mut Scripts<'_>, world: &World<'_>) {
    if scripts.command.args.has(&["--no-psqlrc"]) {
        return;
    }
    let step = scripts.command.step.clone();
    let system = step
        .vars
        .text("PGSYSCONFDIR")
        .map_or("/etc/postgresql-common".into(), |d| d.into_owned());
    let mut paths = vec![std::path::PathBuf::from(system).join("psqlrc")];
    match step.vars.filled("PSQLRC") {
        Some(path) => paths.push(step.path(path.as_ref())),
        None => {
            if let Some(home) = libpq::home(&step.vars, world) {
                let home = step.path(home);
                let versions = world.files.list(&home);
                let versioned = versions.iter().filter(|n| n.starts_with(".psqlrc-"));
                paths.extend(versioned.map(|n| home.join(n)));
                paths.push(home.join(".psqlrc"));
            }
        }
    }
    for path in paths {
        if world.files.exists(&path) {
            scripts.command.notes.push(format!(
                "psql runs {} first; -X keeps it from that",
                path.display()
            ));
            scripts.file(&path, 0);
        }
    }
}
