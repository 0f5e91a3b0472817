//! MikroORM 5 and 6: configuration file, then `MIKRO_ORM_*` variables over it.

use std::path::{Path, PathBuf};

use super::connection::{self, Connection, Setting};
use super::{evaluator, first_file, stopped};
use crate::command::{Command, World};
use crate::source::Source;
use crate::target::readers::js::Evaluator;
use crate::target::url::Url;
use crate::target::{Engine, Resolution, Traced, Value};

pub(super) fn resolve(command: &Command, world: &World<'_>) -> Resolution {
    let mut js = evaluator(command, world);
    load_env(&mut js);
    let config = match file(command, world, &js) {
        Some(file) => match js.config(&file) {
            Ok(config) => config,
            Err(stop) => return stopped(stop),
        },
        None if js.vars.filled("MIKRO_ORM_DB_NAME").is_some()
            || js.vars.filled("MIKRO_ORM_CLIENT_URL").is_some() =>
        {
            Traced::new(Value::Map(Vec::new()), Source::default_of("MikroORM"))
        }
        None => return Resolution::error("config-missing", "no MikroORM configuration is found"),
    };
    if let Some(why) = config.why_unknown() {
        return Resolution::unresolved(why);
    }
    let config = match &config.value {
        Value::List(items) => match items.first() {
            Some(first)
                if command
                    .args
                    .value(&["--contextName", "--context"])
                    .is_none() =>
            {
                first.clone()
            }
            _ => return Resolution::unresolved("one of several configurations"),
        },
        _ => config,
    };
    let Some(engine) = engine(&config, &js) else {
        return Resolution::unresolved("the driver is not known");
    };
    let over = |name: &str, key: &str| {
        Setting::variable(&js.vars, name).or(|| Setting::of(config.get(key)))
    };
    let url = over("MIKRO_ORM_CLIENT_URL", "clientUrl");
    let mut parts = Connection::default();
    match &url {
        Setting::Known(url) => {
            if let Some(split) = Url::web(&url.value) {
                parts = connection::url_fields(&split, &url.source);
            }
        }
        Setting::Unknown(why) => return Resolution::unresolved(why.clone()),
        Setting::Absent => {}
    }
    let default = |text: &str| Setting::known(text, Source::default_of("MikroORM"));
    let database = over("MIKRO_ORM_DB_NAME", "dbName").or(|| parts.database);
    if engine == Engine::Sqlite {
        let file = match (database, config.get("baseDir").and_then(Traced::as_str)) {
            (Setting::Known(name), Some(base)) => name
                .clone()
                .map(|n| Path::new(base).join(n).display().to_string())
                .into(),
            (other, _) => other,
        };
        return connection::sqlite(&file, js.cwd());
    }
    let fields = Connection {
        url: Setting::Absent,
        host: over("MIKRO_ORM_HOST", "host")
            .or(|| parts.host)
            .or(|| default("127.0.0.1")),
        port: over("MIKRO_ORM_PORT", "port").or(|| parts.port),
        database,
        user: over("MIKRO_ORM_USER", "user").or(|| parts.user),
        socket: Setting::Absent,
    };
    if config
        .get("replicas")
        .is_some_and(|r| r.value != Value::Null)
    {
        let mut resolution = connection::plain(engine, fields, "MikroORM");
        resolution
            .notes
            .push("read replicas are configured too; these commands use the writer".to_owned());
        return resolution;
    }
    connection::plain(engine, fields, "MikroORM")
}

impl From<crate::source::Sourced<String>> for Setting {
    fn from(known: crate::source::Sourced<String>) -> Setting {
        Setting::Known(known)
    }
}

/// Of `.env` (or `MIKRO_ORM_ENV`) only the names that begin `MIKRO_ORM_` count.
fn load_env(js: &mut Evaluator<'_>) {
    let path = js
        .vars
        .filled("MIKRO_ORM_ENV")
        .map_or(".env".to_owned(), |p| p.into_owned());
    let before = js.vars.clone();
    js.load_dotenv(Path::new(&path), "node-dotenv-16.6.1", false);
    let others: Vec<String> = js
        .vars
        .iter()
        .map(|(name, _)| name.to_owned())
        .filter(|name| !name.starts_with("MIKRO_ORM_") && !before.has(name))
        .collect();
    for name in others {
        js.vars.unset(&name);
    }
}

fn file(command: &Command, world: &World<'_>, js: &Evaluator<'_>) -> Option<PathBuf> {
    let there = |path: PathBuf| Some(path).filter(|p| world.files.is_file(p));
    if let Some(file) = command.args.value(&["--config"]) {
        return there(command.step.path(file));
    }
    if let Some(file) = js.vars.filled("MIKRO_ORM_CLI_CONFIG") {
        return there(command.step.path(file.as_ref()));
    }
    let package = world
        .files
        .read_text(&command.step.path("package.json"))
        .ok();
    let json: Option<serde_json::Value> = package.and_then(|t| serde_json::from_str(&t).ok());
    let own = json
        .as_ref()
        .and_then(|j| j.get("mikro-orm")?.get("configPaths")?.as_array())
        .into_iter()
        .flatten()
        .filter_map(|p| p.as_str());
    let found = own
        .map(|p| command.step.path(p))
        .find(|p| world.files.is_file(p));
    found.or_else(|| {
        first_file(
            world,
            &command.step.cwd,
            &[
                "src/mikro-orm.config.ts",
                "src/mikro-orm.config.js",
                "mikro-orm.config.ts",
                "mikro-orm.config.js",
                "dist/mikro-orm.config.js",
                "build/mikro-orm.config.js",
            ],
        )
    })
}

fn engine(config: &Traced, js: &Evaluator<'_>) -> Option<Engine> {
    let driver = config
        .get("driver")
        .and_then(|d| d.get("__name"))
        .and_then(Traced::as_str);
    let from = config.get("__from").and_then(Traced::as_str);
    let kind = js.vars.filled("MIKRO_ORM_TYPE").map(|t| t.into_owned());
    let named = kind
        .or_else(|| {
            config
                .get("type")
                .and_then(Traced::as_str)
                .map(str::to_owned)
        })
        .or_else(|| driver.map(str::to_owned))
        .or_else(|| from.map(|f| f.trim_start_matches("@mikro-orm/").to_owned()))?;
    let lower = named.to_ascii_lowercase();
    [
        ("postgre", Engine::Postgres),
        ("mysql", Engine::Mysql),
        ("mariadb", Engine::Mysql),
        ("sqlite", Engine::Sqlite),
        ("libsql", Engine::Sqlite),
        ("mongo", Engine::Mongodb),
        ("mssql", Engine::Sqlserver),
    ]
    .into_iter()
    .find(|(word, _)| lower.contains(word))
    .map(|(_, engine)| engine)
}
