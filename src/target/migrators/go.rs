//! goose, golang-migrate, pgroll, sql-migrate.

use std::path::Path;

use super::address::{Postgres, go_mysql, of_parts, of_postgres, of_url, sqlite_file};
use super::env_file::{Wins, value};
use super::{default_of, gap, option, variable};
use crate::command::{Command, World};
use crate::source::{Source, Sourced};
use crate::target::readers::yaml;
use crate::target::url::Url;
use crate::target::{Engine, Gap, Resolution, Traced};

/// goose: driver and connection string stand in `GOOSE_DRIVER` and `GOOSE_DBSTRING` (which are
/// put before the words) or are the first words.
pub(super) fn goose(command: &Command, world: &World<'_>) -> Resolution {
    let driver = match setting(command, world, "GOOSE_DRIVER") {
        Some(Err(missing)) => return gap(missing),
        Some(Ok(driver)) => Some(driver),
        None => None,
    };
    let dbstring = match setting(command, world, "GOOSE_DBSTRING") {
        Some(Err(missing)) => return gap(missing),
        Some(Ok(dbstring)) => Some(dbstring),
        None => None,
    };
    let mut words = command.args.operands.iter().map(|(_, w)| {
        let source = Source::argument("operand");
        match &w.unknown {
            None => Ok(Sourced::new(w.text.clone(), source)),
            Some(why) => Err(Gap::new("target", why.clone())),
        }
    });
    let mut next = |known: Option<Sourced<String>>| match known {
        Some(known) => Some(Ok(known)),
        None => words.next(),
    };
    match (next(driver), next(dbstring)) {
        (Some(Ok(driver)), Some(Ok(dbstring))) => connection(&driver, &dbstring, command, world),
        (Some(Err(missing)), _) | (_, Some(Err(missing))) => gap(missing),
        _ => Resolution::error(
            "argv-rejected",
            "goose needs a driver and a connection string",
        ),
    }
}

/// A variable, or else a line of `.env` in the working directory.
fn setting(
    command: &Command,
    world: &World<'_>,
    name: &str,
) -> Option<Result<Sourced<String>, Gap>> {
    if let Some(found) = variable(command, name) {
        return (!found.value.is_empty()).then_some(Ok(found));
    }
    let file = command.args.value(&["-env", "--env"]).unwrap_or(".env");
    if file == "none" {
        return None;
    }
    let path = command.step.path(file);
    value(&path, name, Wins::Last, command, world)
        .filter(|v| !matches!(v, Ok(v) if v.value.is_empty()))
}

fn connection(
    driver: &Sourced<String>,
    dbstring: &Sourced<String>,
    command: &Command,
    world: &World<'_>,
) -> Resolution {
    match driver.value.as_str() {
        "postgres" | "pgx" | "redshift" => of_postgres(dbstring, Postgres::Pgx, command, world),
        "mysql" | "tidb" | "starrocks" => go_mysql(&dbstring.value, dbstring),
        "sqlite3" | "sqlite" => sqlite_file(&dbstring.value, dbstring, command),
        other => match Url::split(&dbstring.value) {
            Some(parts) if parts.has_authority => {
                of_parts(Engine::from_driver(other), &parts, dbstring)
            }
            _ => Resolution::unresolved(format!("the driver `{other}` is not followed")),
        },
    }
}

/// golang-migrate: the URL of `-database`, and nothing else.
pub(super) fn migrate(command: &Command, world: &World<'_>) -> Resolution {
    match option(command, &["-database", "--database"]) {
        Some(Ok(url)) => {
            let text = url.value.clone();
            if text.starts_with("sqlite3://") || text.starts_with("sqlite://") {
                let path = text.split_once("://").map_or("", |(_, path)| path);
                return sqlite_file(path, &url, command);
            }
            match text.strip_prefix("mysql://") {
                Some(dsn) => go_mysql(dsn, &url),
                None => of_url(&url, Postgres::LibPq110, command, world),
            }
        }
        Some(Err(missing)) => gap(missing),
        None => Resolution::error("argv-rejected", "migrate needs -database"),
    }
}

/// pgroll: option, variable, or its built-in URL.
pub(super) fn pgroll(command: &Command, world: &World<'_>) -> Resolution {
    let url = match option(command, &["--postgres-url"]) {
        Some(Err(missing)) => return gap(missing),
        Some(Ok(url)) => url,
        None => variable(command, "PGROLL_PG_URL")
            .filter(|v| !v.value.is_empty())
            .unwrap_or_else(|| {
                default_of(
                    "pgroll",
                    "postgres://postgres:postgres@localhost?sslmode=disable",
                )
            }),
    };
    of_postgres(&url, Postgres::LibPq110, command, world)
}

/// The environment of `dbconfig.yml` that a call of sql-migrate uses; `None` for other programs.
pub(super) fn sql_migrate_section(command: &Command, world: &World<'_>) -> Option<Option<Traced>> {
    let program = Path::new(&command.step.argv.first()?.text).file_name()?;
    if program != "sql-migrate" {
        return None;
    }
    let file = command.args.value(&["-config", "--config"]);
    let file = file.unwrap_or("dbconfig.yml");
    let text = world.files.read_text(&command.step.path(file)).ok();
    let root = text.and_then(|text| yaml::read(&text, file, yaml::Schema::Core).ok());
    let name = command.args.value(&["-env", "--env"]);
    Some(root.and_then(|root| root.get(name.unwrap_or("development")).cloned()))
}

/// sql-migrate: `dialect` and `datasource` of an environment in `dbconfig.yml`.
pub(super) fn sql_migrate(command: &Command, world: &World<'_>) -> Resolution {
    let section = match sql_migrate_section(command, world) {
        Some(Some(section)) => section,
        Some(None) => {
            return Resolution::unresolved("the environment in dbconfig.yml cannot be read");
        }
        None => return super::others::url_option(command, world),
    };
    let text = |key: &str| {
        let found = section.get(key)?;
        Some(Sourced::new(
            found.as_str()?.to_owned(),
            found.source.clone(),
        ))
    };
    let (Some(dialect), Some(source)) = (text("dialect"), text("datasource")) else {
        return Resolution::error(
            "connection-not-configured",
            "the environment names no dialect or no data source",
        );
    };
    let source = source.map(|s| expanded(&s, command));
    match dialect.value.as_str() {
        "postgres" => of_postgres(&source, Postgres::LibPq110, command, world),
        "mysql" => go_mysql(&source.value, &source),
        "sqlite3" => sqlite_file(&source.value, &source, command),
        _ => Resolution::unresolved("the dialect is not known"),
    }
}

/// `$NAME` and `${NAME}` by the process's variables; what is not set is empty.
fn expanded(text: &str, command: &Command) -> String {
    let mut parts = text.split('$');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = match part.strip_prefix('{').and_then(|p| p.split_once('}')) {
            Some(pair) => pair,
            None => {
                let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
                part.split_at(part.find(|c| !word(c)).unwrap_or(part.len()))
            }
        };
        out.push_str(&command.step.vars.text(name).unwrap_or_default());
        out.push_str(rest);
    }
    out
}
