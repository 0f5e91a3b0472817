//! Knex 1 to 3: `knexfile`, environment, `--client` and `--connection`.

use std::path::PathBuf;

use super::connection::{self, Connection, Setting};
use super::{evaluator, first_file, stopped};
use crate::command::{Command, World};
use crate::source::Source;
use crate::target::readers::js::Evaluator;
use crate::target::url::Url;
use crate::target::{Engine, Resolution, Traced, Value};

const NAMES: &[&str] = &[
    "knexfile.js",
    "knexfile.mjs",
    "knexfile.cjs",
    "knexfile.ts",
    "knexfile.mts",
    "knexfile.cts",
];

pub(super) fn resolve(command: &Command, world: &World<'_>) -> Resolution {
    let mut js = evaluator(command, world);
    let args = &command.args;
    if let Some(dir) = args.value(&["--cwd"]) {
        let dir = command.step.path(dir);
        js.change_dir(&dir);
    }
    let asked = args
        .value(&["--knexfile"])
        .map(|f| crate::files::lexical(&js.cwd().join(f)));
    let client = args.value(&["--client"]).map(str::to_owned);
    let connection = args.value(&["--connection"]).map(str::to_owned);
    let file = match asked.filter(|f| world.files.is_file(f)) {
        Some(file) => {
            // A file that is named moves the working directory to its own.
            let dir = file.parent().map(PathBuf::from).unwrap_or_default();
            js.change_dir(&dir);
            Some(file)
        }
        None => js
            .cwd()
            .ancestors()
            .find_map(|dir| first_file(world, dir, NAMES)),
    };
    let config = match file {
        Some(file) => match js.config(&file) {
            Ok(config) => config,
            Err(stop) => return stopped(stop),
        },
        None if client.is_some() => Traced::new(Value::Map(Vec::new()), Source::default_of("knex")),
        None => {
            return Resolution::error(
                "config-missing",
                "no knexfile is found, and no connection is given",
            );
        }
    };
    if let Some(why) = config.why_unknown() {
        return Resolution::unresolved(why);
    }
    let (env, env_source) = environment(command, &js);
    let section = config.get(&env).filter(|s| s.value != Value::Null);
    let chosen = section.unwrap_or(&config).clone();
    let resolution = of_config(&chosen, client, connection, &js);
    match section {
        Some(_) => connection::in_environment(resolution, &env, &env_source),
        None => resolution,
    }
}

fn environment(command: &Command, js: &Evaluator<'_>) -> (String, Source) {
    if let Some(env) = command.args.value(&["--env"]) {
        return (env.to_owned(), Source::argument("option --env"));
    }
    match js.vars.get("NODE_ENV").filter(|v| !v.value.is_empty()) {
        Some(var) => (
            var.value.to_string_lossy().into_owned(),
            var.source.with_note("NODE_ENV"),
        ),
        None => ("development".to_owned(), Source::default_of("knex")),
    }
}

/// What `knex(config)` opens.
pub(super) fn of_config(
    config: &Traced,
    client: Option<String>,
    connection: Option<String>,
    js: &Evaluator<'_>,
) -> Resolution {
    if let Some(why) = config.why_unknown() {
        return Resolution::unresolved(why);
    }
    let client = match client.map_or_else(
        || Setting::of(config.get("client").or_else(|| config.get("dialect"))),
        |c| Setting::known(c, Source::argument("option --client")),
    ) {
        Setting::Known(client) => Some(client.value),
        Setting::Unknown(why) => return Resolution::unresolved(format!("client: {why}")),
        Setting::Absent => None,
    };
    let given = connection
        .map(|text| Traced::new(Value::Str(text), Source::argument("option --connection")));
    let connection = given.as_ref().or_else(|| config.get("connection"));
    let engine = match (&client, connection.and_then(Traced::as_str)) {
        (Some(client), _) => engine_of(client),
        (None, Some(text)) => match Url::web(text) {
            Some(url) => Engine::from_driver(&url.scheme),
            None => Engine::Sqlite,
        },
        (None, None) => {
            return Resolution::error(
                "connection-not-configured",
                "the configuration names no client",
            );
        }
    };
    let Some(connection) = connection else {
        return Resolution::error(
            "connection-not-configured",
            "the configuration names no connection",
        );
    };
    if let Some(why) = connection.why_unknown() {
        return Resolution::unresolved(why);
    }
    if connection.value == Value::Null {
        return Resolution::error("connection-not-configured", "the connection is undefined");
    }
    match (&engine, connection.as_str()) {
        (Engine::Postgres, Some(text))
            if text.starts_with("postgres://") || text.starts_with("postgresql://") =>
        {
            let url = Connection {
                url: Setting::of(Some(connection)),
                ..Connection::default()
            };
            connection::pg(url, &js.vars)
        }
        (Engine::Postgres, Some(text)) => match Url::split(text) {
            Some(url) => connection::pg(connection::url_fields(&url, &connection.source), &js.vars),
            // Text that is no URL becomes a file name, which PostgreSQL's client does not look at.
            None => connection::pg(Connection::default(), &js.vars),
        },
        (Engine::Postgres, None) => connection::pg(
            Connection::of(connection, &["connectionString"], "user"),
            &js.vars,
        ),
        (Engine::Mysql, Some(_)) => {
            let url = Connection {
                url: Setting::of(Some(connection)),
                ..Connection::default()
            };
            connection::mysql(url)
        }
        (Engine::Mysql, None) => connection::mysql(Connection::of(connection, &["uri"], "user")),
        (Engine::Sqlite, Some(text)) => {
            let file = match Url::split(text).filter(|u| u.has_authority) {
                Some(url) => {
                    Setting::known(url.path.trim_start_matches('/'), connection.source.clone())
                }
                None => Setting::of(Some(connection)),
            };
            connection::sqlite(&file, js.cwd())
        }
        (Engine::Sqlite, None) => {
            connection::sqlite(&Setting::of(connection.get("filename")), js.cwd())
        }
        (engine, Some(text)) => match Url::split(text) {
            Some(url) => connection::plain(
                engine.clone(),
                connection::url_fields(&url, &connection.source),
                "knex",
            ),
            None => Resolution::unresolved("the connection is no URL"),
        },
        (engine, None) => {
            let mut fields = Connection::of(connection, &[], "user");
            if fields.host.is_absent() {
                fields.host = Setting::of(connection.get("server"));
            }
            connection::plain(engine.clone(), fields, "knex")
        }
    }
}

fn engine_of(client: &str) -> Engine {
    match client {
        "pgnative" | "pg-native" => Engine::Postgres,
        other => Engine::from_driver(other),
    }
}
