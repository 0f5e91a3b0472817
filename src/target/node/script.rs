//! A script of the project run by node: the connections that it plainly makes. It can do anything;
//! this only says where to, where that can be said.

use super::connection::{self, Connection, Setting};
use super::{evaluator, knex, sequelize, typeorm};
use crate::command::{Command, World};
use crate::target::readers::js::{Evaluator, Made};
use crate::target::{Resolution, Traced, Value};

/// Packages through which no further database is reached.
const PLAIN: &[&str] = &[
    "fs",
    "fs/promises",
    "path",
    "url",
    "os",
    "util",
    "module",
    "process",
    "assert",
    "events",
    "crypto",
    "dotenv",
    "dotenv/config",
    "dotenv-expand",
    "dotenv-flow",
    "dotenv-flow/config",
    "umzug",
    "sequelize",
    "knex",
    "pg",
    "mysql2",
    "mysql2/promise",
    "typeorm",
    "reflect-metadata",
    "yargs",
    "commander",
    "chalk",
    "minimist",
];

/// Finds the databases that a script plainly connects to.
pub(crate) fn resolve(command: &Command, world: &World<'_>) -> Resolution {
    let Some(script) = command.hint("script") else {
        return Resolution::unresolved("code that is not followed");
    };
    let mut js = evaluator(command, world);
    let path = command.step.path(script);
    let names = [
        path.clone(),
        path.with_extension("js"),
        path.with_extension("ts"),
    ];
    let Some(path) = names.into_iter().find(|p| world.files.is_file(p)) else {
        return Resolution::unresolved(format!("{script} is not found"));
    };
    let (made, packages) = match js.script(&path) {
        Ok(found) => found,
        Err(why) => return Resolution::unresolved(why),
    };
    if let Some(other) = packages.iter().find(|p| !PLAIN.contains(&p.as_str())) {
        return Resolution::unresolved(format!("{script} uses `{other}`, which is not followed"));
    }
    let mut all = Resolution::none();
    for one in &made {
        all.merge(of_made(one, &js));
    }
    if all.targets.is_empty() && all.gaps.is_empty() && all.errors.is_empty() {
        return Resolution::unresolved(format!(
            "{script} makes no connection that can be followed"
        ));
    }
    all
}

fn of_made(made: &Made, js: &Evaluator<'_>) -> Resolution {
    let first = made.arguments.first();
    match (made.package.as_str(), made.name.as_str()) {
        ("sequelize", "Sequelize") => sequelize::of_constructor(&made.arguments, js),
        ("typeorm", "DataSource") => match first {
            Some(options) => typeorm::of_options(options, js),
            None => Resolution::unresolved("a DataSource without options"),
        },
        ("knex", _) => match first {
            Some(config) if matches!(config.value, Value::Map(_)) => {
                knex::of_config(config, None, None, js)
            }
            _ => Resolution::unresolved("knex with arguments that are not known"),
        },
        ("pg", "Client" | "Pool") => connection::pg(fields(first, &["connectionString"]), &js.vars),
        ("mysql2" | "mysql2/promise" | "mysql", _) => connection::mysql(fields(first, &["uri"])),
        ("umzug" | "dotenv" | "chalk" | "events" | "url", _) => Resolution::none(),
        (package, name) => {
            Resolution::unresolved(format!("`{name}` of `{package}` is not followed"))
        }
    }
}

fn fields(options: Option<&Traced>, url: &[&str]) -> Connection {
    match options {
        Some(options) if matches!(options.value, Value::Str(_) | Value::Unknown(_)) => Connection {
            url: Setting::of(Some(options)),
            ..Connection::default()
        },
        Some(options) => Connection::of(options, url, "user"),
        None => Connection::default(),
    }
}
