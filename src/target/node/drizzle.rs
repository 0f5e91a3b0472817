//! drizzle-kit: `drizzle.config.*`, its own reading of `.env`, and flags that replace the file.

use std::path::Path;

use super::connection::{self, Connection, Setting};
use super::{evaluator, first_file, stopped};
use crate::command::{Command, World};
use crate::source::Source;
use crate::target::readers::js::Evaluator;
use crate::target::{Engine, Resolution, Traced, Value};

/// Flags of `push`, `pull` and `studio` with which the configuration file is not read.
const FLAGS: &[&str] = &[
    "--dialect",
    "--schema",
    "--url",
    "--host",
    "--port",
    "--user",
    "--password",
    "--database",
    "--driver",
];

pub(super) fn resolve(command: &Command, world: &World<'_>) -> Resolution {
    let mut js = evaluator(command, world);
    load_env(&mut js);
    if js.vars.filled("TEST_CONFIG_PATH_PREFIX").is_some() {
        return Resolution::unresolved("TEST_CONFIG_PATH_PREFIX moves the configuration");
    }
    let verb = command.actions.first().map_or("", |a| &a.name);
    if verb != "migrate" && command.args.has(FLAGS) {
        return by_flags(command, &js);
    }
    let file = match command.args.value(&["--config"]) {
        Some(file) => Some(command.step.path(file)).filter(|p| world.files.is_file(p)),
        None => first_file(
            world,
            &command.step.cwd,
            &[
                "drizzle.config.ts",
                "drizzle.config.js",
                "drizzle.config.json",
            ],
        ),
    };
    let Some(file) = file else {
        return Resolution::error("config-missing", "no drizzle.config is found");
    };
    let config = match js.config(&file) {
        Ok(config) => config,
        Err(stop) => return stopped(stop),
    };
    if let Some(why) = config.why_unknown() {
        return Resolution::unresolved(why);
    }
    let driver = config.get("driver").and_then(Traced::as_str);
    if let Some(driver) = driver.filter(|d| !matches!(*d, "pg" | "mysql2" | "better-sqlite")) {
        return Resolution::unresolved(format!("driver `{driver}` is not followed"));
    }
    let dialect = match Setting::of(config.get("dialect")).or(|| Setting::of(config.get("driver")))
    {
        Setting::Known(dialect) => dialect.value,
        Setting::Unknown(why) => return Resolution::unresolved(format!("dialect: {why}")),
        Setting::Absent => return Resolution::error("config-invalid", "no dialect is configured"),
    };
    match config.get("dbCredentials") {
        None => Resolution::error("config-invalid", "no dbCredentials are configured"),
        Some(c) if c.value == Value::Null => {
            Resolution::error("config-invalid", "no dbCredentials are configured")
        }
        Some(credentials) => {
            if let Some(why) = credentials.why_unknown() {
                return Resolution::unresolved(why);
            }
            let fields = Connection::of(credentials, &["url", "connectionString", "uri"], "user");
            of_fields(&dialect, fields, &js)
        }
    }
}

/// drizzle-kit always reads `.env` of the working directory first, by a dotenv of its own.
fn load_env(js: &mut Evaluator<'_>) {
    let path = js
        .vars
        .filled("DOTENV_CONFIG_PATH")
        .map_or(".env".to_owned(), |p| p.into_owned());
    let over = js
        .vars
        .text("DOTENV_CONFIG_OVERRIDE")
        .is_some_and(|o| !o.is_empty() && o != "false");
    js.load_dotenv(Path::new(&path), "node-dotenv-16.6.1", over);
}

fn by_flags(command: &Command, js: &Evaluator<'_>) -> Resolution {
    let flag = |name: &str| match command.args.value(&[name]) {
        Some(value) if !value.is_empty() => {
            Setting::known(value, Source::argument(&format!("option {name}")))
        }
        _ => Setting::Absent,
    };
    let Some(dialect) = command.args.value(&["--dialect"]) else {
        return Resolution::error("argv-rejected", "--dialect is missing");
    };
    let fields = Connection {
        url: flag("--url"),
        host: flag("--host"),
        port: flag("--port"),
        database: flag("--database"),
        user: flag("--user"),
        socket: Setting::Absent,
    };
    of_fields(dialect, fields, js)
}

fn of_fields(dialect: &str, fields: Connection, js: &Evaluator<'_>) -> Resolution {
    let by_fields = !fields.host.is_absent() && !fields.database.is_absent();
    let fields = if by_fields {
        Connection {
            url: Setting::Absent,
            ..fields
        }
    } else if fields.url.is_absent() {
        return Resolution::error(
            "config-invalid",
            "neither a URL nor host and database are configured",
        );
    } else {
        Connection {
            url: fields.url,
            ..Connection::default()
        }
    };
    match Engine::from_driver(dialect) {
        Engine::Postgres => connection::pg(fields, &js.vars),
        Engine::Mysql => connection::mysql(fields),
        Engine::Sqlite => {
            let file = match fields.url {
                Setting::Known(url)
                    if url.value.contains("://") && !url.value.starts_with("file:") =>
                {
                    return Resolution::unresolved("a remote SQLite service");
                }
                file => file,
            };
            connection::sqlite(&file, js.cwd())
        }
        _ => Resolution::unresolved(format!("dialect `{dialect}` is not followed")),
    }
}
