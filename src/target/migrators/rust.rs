//! sqlx, diesel, sea-orm-cli, refinery.

use super::address::{Postgres, of_url, sqlite_file};
use super::env_file::{Wins, upward, value};
use super::{gap, option, variable};
use crate::command::{Command, World};
use crate::source::Sourced;
use crate::target::readers::toml;
use crate::target::url::Url;
use crate::target::{Address, Engine, Gap, Resolution, Target, Traced, Value};

type Found = Option<Result<Sourced<String>, Gap>>;

/// Option, then variable, then `.env` in this or a directory above; a variable that is set but
/// empty keeps the file from being asked.
fn database_url(command: &Command, world: &World<'_>, options: &[&str], name: &str) -> Found {
    if let Some(found) = option(command, options) {
        return Some(found);
    }
    if let Some(found) = variable(command, name) {
        return Some(Ok(found));
    }
    if command.args.has(&["--no-dotenv"]) {
        return None;
    }
    let path = upward(command, world)?;
    value(&path, name, Wins::First, command, world)
}

fn with_url(
    found: Found,
    missing: &str,
    then: impl FnOnce(Sourced<String>) -> Resolution,
) -> Resolution {
    match found {
        Some(Ok(url)) => then(url),
        Some(Err(missing)) => gap(missing),
        None => Resolution::error("connection-not-configured", missing.to_owned()),
    }
}

/// sqlx: a URL by option, `DATABASE_URL` or `.env`.
pub(super) fn sqlx(command: &Command, world: &World<'_>) -> Resolution {
    let name = sqlx_variable(command, world);
    let found = database_url(command, world, &["-D", "--database-url"], &name);
    with_url(found, "sqlx needs a database URL", |url| {
        of_url(&url, Postgres::Sqlx, command, world)
    })
}

/// `sqlx.toml` may name another variable.
fn sqlx_variable(command: &Command, world: &World<'_>) -> String {
    let file = command.args.value(&["--config"]).unwrap_or("sqlx.toml");
    let text = world.files.read_text(&command.step.path(file));
    text.ok()
        .and_then(|t| toml::read(&t, file).ok())
        .and_then(|t| {
            let name = t.get("common")?.get("database-url-var")?.as_str()?;
            Some(name.to_owned())
        })
        .unwrap_or_else(|| "DATABASE_URL".to_owned())
}

/// diesel: libpq, libmysqlclient or a file underneath, by the URL's scheme.
pub(super) fn diesel(command: &Command, world: &World<'_>) -> Resolution {
    let found = database_url(command, world, &["--database-url"], "DATABASE_URL");
    with_url(found, "diesel needs a database URL", |url| {
        let text = url.value.as_str();
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return of_url(&url, Postgres::Libpq, command, world);
        }
        match Url::split(text) {
            Some(parts) if parts.scheme == "mysql" => libmysqlclient(&url, &parts, command, world),
            _ => sqlite_file(
                text.strip_prefix("sqlite://").unwrap_or(text),
                &url,
                command,
            ),
        }
    })
}

/// For libmysqlclient `localhost` is its socket.
fn libmysqlclient(
    url: &Sourced<String>,
    parts: &Url,
    command: &Command,
    world: &World<'_>,
) -> Resolution {
    let mut resolution = of_url(url, Postgres::Libpq, command, world);
    let local = parts.host.as_deref().is_none_or(|h| h == "localhost");
    for target in resolution.targets.iter_mut().filter(|_| local) {
        if let Address::Host { host, .. } = &target.address {
            let path = Sourced::new(
                String::new(),
                host.source.with_note("localhost: the socket"),
            );
            target.address = Address::Socket { path, port: None };
        }
    }
    resolution
}

/// sea-orm-cli: like sqlx, but the migration program may choose otherwise.
pub(super) fn sea_orm(command: &Command, world: &World<'_>) -> Resolution {
    let options = ["-u", "--database-url"];
    let found = database_url(command, world, &options, "DATABASE_URL");
    with_url(found, "sea-orm-cli needs a database URL", |url| {
        let mut resolution = of_url(&url, Postgres::Sqlx, command, world);
        resolution
            .notes
            .push("the migration program is compiled code and may choose another database".into());
        resolution
    })
}

/// refinery: `-e` names a variable, `-c` a TOML file.
pub(super) fn refinery(command: &Command, world: &World<'_>) -> Resolution {
    match option(command, &["-e", "--env-var"]) {
        Some(Ok(name)) => {
            let found = variable(command, &name.value).map(Ok);
            return with_url(found, "the variable named by -e is not set", |url| {
                of_url(&url, Postgres::Alone, command, world)
            });
        }
        Some(Err(missing)) => return gap(missing),
        None => {}
    }
    let file = command.args.value(&["-c"]).unwrap_or("refinery.toml");
    let path = command.step.path(file);
    let Ok(text) = world.files.read_text(&path) else {
        return Resolution::error("connection-not-configured", format!("no `{file}`"));
    };
    let shown = crate::files::shown(&path, &command.step.cwd);
    match toml::read(&text, &shown) {
        Ok(table) => from_refinery_table(&table, &shown, command),
        Err(why) => Resolution::error("config-invalid", why),
    }
}

fn from_refinery_table(table: &Traced, shown: &str, command: &Command) -> Resolution {
    let main = table.get("main");
    let text = |key: &str| {
        let found = main?.get(key)?;
        let text = match &found.value {
            Value::Str(text) => text.clone(),
            Value::Int(number) => number.to_string(),
            _ => return None,
        };
        Some(Sourced::new(text, found.source.clone()))
    };
    let Some(kind) = text("db_type") else {
        return Resolution::error("config-invalid", format!("{shown} has no main.db_type"));
    };
    let engine = Engine::from_driver(&kind.value);
    if engine == Engine::Sqlite {
        return match text("db_path") {
            Some(path) => sqlite_file(&path.value.clone(), &path, command),
            None => Resolution::error("config-invalid", format!("{shown} has no main.db_path")),
        };
    }
    let host = text("db_host").unwrap_or_else(|| super::default_of("refinery", "localhost"));
    let port = match text("db_port") {
        Some(port) => port
            .value
            .parse()
            .ok()
            .map(|p| Sourced::new(p, port.source)),
        None => engine.usual_port("refinery"),
    };
    let address = Address::Host {
        host,
        port,
        hostaddr: None,
    };
    let target = Target::new(engine, address);
    Resolution::target(target.database(text("db_name")).user(text("db_user")))
}
