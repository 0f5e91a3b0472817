//! sequelize-cli 6: `.sequelizerc`, `config/config.js` or `.json`, `--url`, `use_env_variable`.

use std::path::PathBuf;

use super::connection::{self, Connection, Setting};
use super::{evaluator, stopped};
use crate::command::{Command, World};
use crate::source::{Source, Sourced};
use crate::target::readers::js::Evaluator;
use crate::target::url::Url;
use crate::target::{Engine, Resolution, Traced, Value};

pub(super) fn resolve(command: &Command, world: &World<'_>) -> Resolution {
    let mut js = evaluator(command, world);
    let options = match rc(command, world, &mut js) {
        Ok(options) => options,
        Err(resolution) => return resolution,
    };
    let option = |name: &str| -> Setting {
        let flag = format!("--{name}");
        match command.args.value(&[&flag]) {
            Some(value) => Setting::known(value, Source::argument(&format!("option {flag}"))),
            None => options
                .as_ref()
                .map_or(Setting::Absent, |o| Setting::of(o.get(name))),
        }
    };
    let env = match option("env").or(|| Setting::variable(&js.vars, "NODE_ENV")) {
        Setting::Known(env) => env,
        Setting::Absent => Sourced::new(
            "development".to_owned(),
            Source::default_of("sequelize-cli"),
        ),
        Setting::Unknown(why) => return Resolution::unresolved(format!("env: {why}")),
    };
    let (section, in_section) = match option("url") {
        Setting::Known(url) => (None::<Traced>, Some(url)),
        Setting::Unknown(why) => return Resolution::unresolved(why),
        Setting::Absent => {
            let file = match option("config") {
                Setting::Known(file) => command.step.path(&file.value),
                Setting::Unknown(why) => return Resolution::unresolved(format!("config: {why}")),
                Setting::Absent => default_file(command, world),
            };
            if !world.files.is_file(&file) {
                let shown = js.shown(&file);
                return Resolution::error("config-missing", format!("{shown}: no such file"));
            }
            match js.config(&file) {
                Ok(config) => (Some(config), None),
                Err(stop) => return stopped(stop),
            }
        }
    };
    let resolution = match (section, in_section) {
        (None, Some(url)) => of_url(&url, None),
        (Some(config), _) => {
            if let Some(why) = config.why_unknown() {
                return Resolution::unresolved(why);
            }
            let named = config.get(&env.value).filter(|s| s.value != Value::Null);
            let resolution = of_section(named.unwrap_or(&config), &js);
            match named {
                Some(_) => connection::in_environment(resolution, &env.value, &env.source),
                None => resolution,
            }
        }
        (None, None) => Resolution::unresolved("no configuration"),
    };
    match command.actions.first().map(|a| a.name.as_ref()) {
        Some("db:drop" | "db:create") => maintenance(resolution),
        _ => resolution,
    }
}

fn default_file(command: &Command, world: &World<'_>) -> PathBuf {
    let js = command.step.path("config/config.js");
    if world.files.is_file(&js) {
        js
    } else {
        command.step.path("config/config.json")
    }
}

/// `.sequelizerc`, or the file of `--options-path`: its keys act as options.
fn rc(
    command: &Command,
    world: &World<'_>,
    js: &mut Evaluator<'_>,
) -> Result<Option<Traced>, Resolution> {
    let file = match command.args.value(&["--options-path"]) {
        Some(file) => command.step.path(file),
        None => command.step.path(".sequelizerc"),
    };
    if !world.files.is_file(&file) {
        return Ok(None);
    }
    let options = js.config(&file).map_err(stopped)?;
    match options.why_unknown() {
        Some(why) => Err(Resolution::unresolved(why)),
        None => Ok(Some(options)),
    }
}

fn of_section(section: &Traced, js: &Evaluator<'_>) -> Resolution {
    if let Some(why) = section.why_unknown() {
        return Resolution::unresolved(why);
    }
    match Setting::of(section.get("url")) {
        Setting::Known(url) => return of_url(&url, Some(section)),
        Setting::Unknown(why) => return Resolution::unresolved(why),
        Setting::Absent => {}
    }
    match Setting::of(section.get("use_env_variable")) {
        Setting::Known(name) => {
            if let Some(why) = js.doubt().filter(|_| !js.vars.has(&name.value)) {
                return Resolution::unresolved(why);
            }
            return match js.vars.get(&name.value) {
                Some(var) => {
                    let source = var.source.with_note(&name.value);
                    let url = Sourced::new(var.value.to_string_lossy().into_owned(), source);
                    of_url(&url, Some(section))
                }
                None => Resolution::error(
                    "url-invalid",
                    format!("{}: {} is not set", name.source, name.value),
                ),
            };
        }
        Setting::Unknown(why) => return Resolution::unresolved(why),
        Setting::Absent => {}
    }
    let dialect = match Setting::of(section.get("dialect")) {
        Setting::Known(dialect) => dialect.value,
        Setting::Unknown(why) => return Resolution::unresolved(format!("dialect: {why}")),
        Setting::Absent => {
            return Resolution::error("connection-not-configured", "no dialect is configured");
        }
    };
    // Migrations write: of a replicated configuration only the writer is opened.
    let mut fields = Connection::of(section, &[], "username");
    if let Some(write) = section.get("replication").and_then(|r| r.get("write")) {
        let own = Connection::of(write, &[], "username");
        fields = Connection {
            host: own.host.or(|| fields.host),
            port: own.port.or(|| fields.port),
            database: own.database.or(|| fields.database),
            user: own.user.or(|| fields.user),
            ..fields
        };
    } else if section
        .get("replication")
        .is_some_and(|r| r.why_unknown().is_some())
    {
        return Resolution::unresolved("replication cannot be read");
    }
    of_fields(&dialect, fields, &Setting::of(section.get("storage")), js)
}

fn of_fields(
    dialect: &str,
    fields: Connection,
    storage: &Setting,
    js: &Evaluator<'_>,
) -> Resolution {
    match Engine::from_driver(dialect) {
        Engine::Sqlite => {
            let memory = || Setting::known(":memory:", Source::default_of("Sequelize"));
            let file = storage.clone().or(|| fields.host.clone()).or(memory);
            connection::sqlite(&file, js.cwd())
        }
        engine => connection::plain(engine, fields, "Sequelize"),
    }
}

/// sequelize-cli's own parser: the query is dropped, the URL is merged over the section.
fn of_url(url: &Sourced<String>, section: Option<&Traced>) -> Resolution {
    let Some(parts) = Url::split(url.value.trim()).filter(|_| !url.value.is_empty()) else {
        return Resolution::error(
            "url-invalid",
            format!("{}: the URL cannot be parsed", url.source),
        );
    };
    let scheme = parts.scheme.clone();
    let own = connection::url_fields(&parts, &url.source);
    if Engine::from_driver(&scheme) == Engine::Sqlite {
        let file = parts
            .path
            .strip_prefix('/')
            .unwrap_or(&parts.path)
            .to_owned();
        let host = parts.host.clone().unwrap_or_default();
        let file = if host.is_empty() {
            file
        } else {
            format!("{host}/{file}")
        };
        return connection::sqlite(
            &Setting::known(file, url.source.clone()),
            std::path::Path::new(""),
        );
    }
    let weaker = section.map_or_else(Connection::default, |s| Connection::of(s, &[], "username"));
    let fields = Connection {
        host: own.host.or(|| weaker.host),
        port: own.port.or(|| weaker.port),
        database: own.database.or(|| weaker.database),
        user: own.user.or(|| weaker.user),
        ..Connection::default()
    };
    connection::plain(Engine::from_driver(&scheme), fields, "Sequelize")
}

/// `db:drop` and `db:create` open another database of the server.
fn maintenance(resolution: Resolution) -> Resolution {
    let name = match resolution.targets.first().map(|t| &t.engine) {
        Some(Engine::Postgres) => Some("postgres"),
        Some(Engine::Sqlserver) => Some("master"),
        _ => None,
    };
    connection::other_database(resolution, name, "sequelize-cli")
}

/// What `new Sequelize(...)` of an application opens: a URL whose query wins, or options.
pub(super) fn of_constructor(arguments: &[Traced], js: &Evaluator<'_>) -> Resolution {
    match arguments.first().map(|a| (&a.value, a)) {
        Some((Value::Str(text), first)) if text.contains(':') => {
            let url = Connection {
                url: Setting::of(Some(first)),
                ..Connection::default()
            };
            match Url::split(text).map(|u| Engine::from_driver(&u.scheme)) {
                Some(Engine::Postgres) => connection::pg(url, &js.vars),
                Some(Engine::Mysql) => connection::mysql(url),
                Some(Engine::Sqlite) => {
                    let file = text.trim_start_matches("sqlite:").trim_start_matches("//");
                    connection::sqlite(&Setting::known(file, first.source.clone()), js.cwd())
                }
                _ => Resolution::unresolved("Sequelize with an unknown scheme"),
            }
        }
        Some((Value::Map(_), options)) => {
            let dialect = options
                .get("dialect")
                .and_then(Traced::as_str)
                .unwrap_or("");
            of_fields(
                dialect,
                Connection::of(options, &[], "username"),
                &Setting::of(options.get("storage")),
                js,
            )
        }
        Some((Value::Str(_), database)) => {
            let Some(options) = arguments.get(3) else {
                return Resolution::unresolved("Sequelize without options");
            };
            let mut fields = Connection::of(options, &[], "username");
            fields.database = Setting::of(Some(database));
            fields.user = Setting::of(arguments.get(1));
            let dialect = options
                .get("dialect")
                .and_then(Traced::as_str)
                .unwrap_or("");
            of_fields(dialect, fields, &Setting::of(options.get("storage")), js)
        }
        _ => Resolution::unresolved("Sequelize with arguments that are not known"),
    }
}
