//! TypeORM: the DataSource file of 0.3 and later, `ormconfig` and `TYPEORM_*` of 0.2.

use std::path::{Path, PathBuf};

use super::connection::{self, Connection, Setting};
use super::{evaluator, first_file, stopped};
use crate::command::{Command, World};
use crate::target::readers::js::{Evaluator, installed};
use crate::target::{Engine, Resolution, Traced, Value};

pub(super) fn resolve(command: &Command, world: &World<'_>) -> Resolution {
    let mut js = evaluator(command, world);
    let version = installed(world.files, &command.step.cwd, "typeorm");
    if version.is_some_and(|v| v.starts_with("0.2.") || v.starts_with("0.1.")) {
        return old(command, world, &mut js);
    }
    let Some(file) = command.args.value(&["-d", "--dataSource"]) else {
        return Resolution::error("argv-rejected", "Missing required argument: dataSource");
    };
    let path = command.step.path(file);
    let names: Vec<String> = ["", ".ts", ".js", ".mjs", ".cjs", ".mts", ".cts"]
        .iter()
        .map(|end| format!("{}{end}", path.display()))
        .collect();
    let Some(path) = names
        .iter()
        .map(PathBuf::from)
        .find(|p| world.files.is_file(p))
    else {
        return Resolution::error("config-missing", format!("{file}: no such file"));
    };
    let exports = match js.exports(&path) {
        Ok(exports) => exports,
        Err(stop) => return stopped(stop),
    };
    if let Some(why) = exports.why_unknown() {
        return Resolution::unresolved(why);
    }
    let is_source = |t: &Traced| t.get("__class").and_then(Traced::as_str) == Some("DataSource");
    let mut found: Vec<&Traced> = match &exports.value {
        _ if is_source(&exports) => vec![&exports],
        Value::Map(entries) => entries
            .iter()
            .map(|(_, v)| v)
            .filter(|v| is_source(v))
            .collect(),
        _ => Vec::new(),
    };
    found.dedup_by(|a, b| a.source == b.source);
    let unknown = match &exports.value {
        Value::Map(entries) => entries.iter().find_map(|(_, v)| v.why_unknown()),
        _ => None,
    };
    match (found.as_slice(), unknown) {
        ([one], _) => match one.get("options") {
            Some(options) => of_options(options, &js),
            None => Resolution::unresolved("a DataSource without options"),
        },
        ([], Some(why)) => Resolution::unresolved(why),
        ([], None) => Resolution::error("config-invalid", "the file exports no DataSource"),
        _ => Resolution::error(
            "config-invalid",
            "the file exports more than one DataSource",
        ),
    }
}

/// What `new DataSource(options)` opens.
pub(super) fn of_options(options: &Traced, js: &Evaluator<'_>) -> Resolution {
    if let Some(why) = options.why_unknown() {
        return Resolution::unresolved(why);
    }
    let kind = match Setting::of(options.get("type")) {
        Setting::Known(kind) => kind.value,
        Setting::Unknown(why) => return Resolution::unresolved(format!("type: {why}")),
        Setting::Absent => {
            return Resolution::error("connection-not-configured", "no type is configured");
        }
    };
    let engine = Engine::from_driver(match kind.as_str() {
        "aurora-mysql" | "aurora-postgres" => return Resolution::unresolved("an Aurora data API"),
        other => other,
    });
    match options.get("replication") {
        Some(replication) if replication.value != Value::Null => {
            if let Some(why) = replication.why_unknown() {
                return Resolution::unresolved(why);
            }
            let mut all = Resolution::none();
            // Replicas are opened before the master; a server that refuses ends it there.
            if let Some(Value::List(replicas)) = replication
                .get("slaves")
                .or_else(|| replication.get("replicas"))
                .map(|r| &r.value)
            {
                for replica in replicas {
                    let mut one = of_fields(&engine, replica, js);
                    one.targets
                        .iter_mut()
                        .for_each(|t| t.role = crate::target::Role::Read);
                    all.merge(one);
                }
            }
            if let Some(master) = replication
                .get("master")
                .or_else(|| replication.get("primary"))
            {
                let mut master = of_fields(&engine, master, js);
                let first = all.targets.is_empty();
                master.targets.iter_mut().for_each(|t| t.later = !first);
                all.merge(master);
            }
            all
        }
        _ => of_fields(&engine, options, js),
    }
}

fn of_fields(engine: &Engine, options: &Traced, js: &Evaluator<'_>) -> Resolution {
    let fields = Connection::of(options, &["url"], "username");
    match engine {
        Engine::Postgres => connection::pg(fields, &js.vars),
        Engine::Mysql => connection::mysql(fields),
        Engine::Sqlite => connection::sqlite(&fields.database, js.cwd()),
        other => match fields.url {
            Setting::Absent => connection::plain(other.clone(), fields, "TypeORM"),
            _ => Resolution::unresolved("a URL of this engine is not followed"),
        },
    }
}

/// 0.2: variables beat every file.
fn old(command: &Command, world: &World<'_>, js: &mut Evaluator<'_>) -> Resolution {
    let dir = command.step.cwd.clone();
    let (dialect, _) = js.dotenv_dialect(&dir.join("x"), "dotenv");
    for name in [".env", "ormconfig.env"] {
        if js.load_dotenv(Path::new(name), dialect, false) {
            break;
        }
    }
    let variable = |name: &str| Setting::variable(&js.vars, name);
    let kind = variable("TYPEORM_CONNECTION").or(|| match variable("TYPEORM_URL") {
        Setting::Known(url) => url
            .value
            .split(':')
            .next()
            .map_or(Setting::Absent, |s| Setting::known(s, url.source.clone())),
        other => other,
    });
    if let Setting::Known(kind) = kind {
        let fields = Connection {
            url: variable("TYPEORM_URL"),
            host: variable("TYPEORM_HOST"),
            port: variable("TYPEORM_PORT"),
            database: variable("TYPEORM_DATABASE"),
            user: variable("TYPEORM_USERNAME"),
            socket: Setting::Absent,
        };
        return match Engine::from_driver(&kind.value) {
            Engine::Postgres => connection::pg(fields, &js.vars),
            Engine::Mysql => connection::mysql(fields),
            Engine::Sqlite => connection::sqlite(&fields.database, js.cwd()),
            _ => Resolution::unresolved("an engine that is not followed"),
        };
    }
    let base = command
        .args
        .value(&["-f", "--config"])
        .unwrap_or("ormconfig")
        .to_owned();
    let stem = base
        .rsplit_once('.')
        .map_or(base.as_str(), |(stem, _)| stem)
        .to_owned();
    let names: Vec<String> = ["", ".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".json"]
        .iter()
        .map(|end| {
            if end.is_empty() {
                base.clone()
            } else {
                format!("{stem}{end}")
            }
        })
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let Some(file) = first_file(world, &dir, &names) else {
        return Resolution::unresolved("no ormconfig.js or .json is found");
    };
    let config = match js.config(&file) {
        Ok(config) => config,
        Err(stop) => return stopped(stop),
    };
    if let Some(why) = config.why_unknown() {
        return Resolution::unresolved(why);
    }
    let wanted = command
        .args
        .value(&["-c", "--connection"])
        .unwrap_or("default");
    let name_of = |t: &Traced| {
        t.get("name")
            .and_then(Traced::as_str)
            .unwrap_or("default")
            .to_owned()
    };
    let chosen = match &config.value {
        Value::List(items) => items.iter().find(|i| name_of(i) == wanted),
        _ => Some(&config).filter(|c| name_of(c) == wanted),
    };
    match chosen {
        Some(options) => of_options(options, js),
        None => Resolution::error(
            "connection-not-configured",
            format!("there is no connection `{wanted}`"),
        ),
    }
}
