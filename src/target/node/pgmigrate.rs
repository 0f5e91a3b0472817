//! node-pg-migrate: a variable, a configuration file, then `PG*`. `.env` counts only where the
//! packages that read it are installed.

use std::path::Path;

use super::connection::{self, Connection, Setting};
use super::{evaluator, stopped};
use crate::command::{Command, World};
use crate::environment::dotenv;
use crate::target::readers::js::{Evaluator, installed};
use crate::target::{Resolution, Traced, Value};

pub(super) fn resolve(command: &Command, world: &World<'_>) -> Resolution {
    let mut js = evaluator(command, world);
    load_env(command, world, &mut js);
    let name = command
        .args
        .value(&["-d", "--database-url-var"])
        .unwrap_or("DATABASE_URL");
    if let Some(why) = js.doubt().filter(|_| !js.vars.has(name)) {
        return Resolution::unresolved(why);
    }
    let url = Setting::variable(&js.vars, name);
    if !url.is_absent() {
        return connection::pg(
            Connection {
                url,
                ..Connection::default()
            },
            &js.vars,
        );
    }
    if let Some(file) = command.args.value(&["-f", "--config-file"]) {
        let config = match js.config(&command.step.path(file)) {
            Ok(config) => config,
            Err(stop) => return stopped(stop),
        };
        if let Some(resolution) = of_config(&config, &js) {
            return resolution;
        }
    }
    if installed(world.files, &command.step.cwd, "config").is_some() {
        match packaged(command, world, &mut js) {
            Ok(Some(resolution)) => return resolution,
            Ok(None) => {}
            Err(why) => return Resolution::unresolved(why),
        }
    }
    let given = |name: &str| js.vars.filled(name).is_some();
    if given("PGHOST")
        && (given("PGUSER") || given("USER"))
        && (given("PGDATABASE") || given("PGUSER") || given("USER"))
    {
        return connection::pg(Connection::default(), &js.vars);
    }
    Resolution::error(
        "connection-not-configured",
        format!("the {name} environment variable is not set"),
    )
}

fn load_env(command: &Command, world: &World<'_>, js: &mut Evaluator<'_>) {
    let dir = &command.step.cwd;
    let Some(version) = installed(world.files, dir, "dotenv") else {
        return;
    };
    let expand = installed(world.files, dir, "dotenv-expand")
        .and_then(|v| dotenv::for_package("dotenv-expand", &v));
    let dialect = expand.or_else(|| dotenv::for_package("dotenv", &version));
    let path = command
        .args
        .value(&["--envPath", "--envpath", "--env-path"])
        .unwrap_or(".env");
    if let Some(dialect) = dialect {
        js.load_dotenv(Path::new(path), dialect.name, false);
    }
}

fn of_config(config: &Traced, js: &Evaluator<'_>) -> Option<Resolution> {
    if let Some(why) = config.why_unknown() {
        return Some(Resolution::unresolved(why));
    }
    let url = ["database-url-var", "url"]
        .iter()
        .find_map(|k| config.get(k).filter(|v| v.value != Value::Null));
    if let Some(url) = url {
        if let Value::Map(_) = url.value {
            return Some(connection::pg(
                Connection::of(url, &["connectionString"], "user"),
                &js.vars,
            ));
        }
        let url = Setting::of(Some(url));
        return Some(connection::pg(
            Connection {
                url,
                ..Connection::default()
            },
            &js.vars,
        ));
    }
    let mut fields = Connection::of(config, &[], "user");
    fields.database = Setting::of(config.get("name")).or(|| fields.database);
    if fields.host.is_absent() && fields.database.is_absent() && fields.port.is_absent() {
        return None;
    }
    Some(connection::plain(
        crate::target::Engine::Postgres,
        fields,
        "node-pg-migrate",
    ))
}

/// The section `db` (or `--config-value`) of the `config` package's files.
fn packaged(
    command: &Command,
    world: &World<'_>,
    js: &mut Evaluator<'_>,
) -> Result<Option<Resolution>, String> {
    if js.vars.has("NODE_CONFIG") || js.vars.has("NODE_CONFIG_DIR") {
        return Err("NODE_CONFIG changes the configuration".to_owned());
    }
    let env = js
        .vars
        .filled("NODE_ENV")
        .map_or("development".to_owned(), |e| e.into_owned());
    let section = command
        .args
        .value(&["--config-value"])
        .unwrap_or("db")
        .to_owned();
    let mut found: Option<Traced> = None;
    for name in world.files.list(&command.step.path("config")) {
        let (stem, _) = name.split_once('.').unwrap_or((&name, ""));
        if stem == "default" || stem == env {
            let config = js
                .config(&command.step.path(format!("config/{name}")))
                .map_err(|s| s.detail)?;
            if let Some(own) = config.get(&section) {
                if found.is_some() {
                    return Err("several files of the config package".to_owned());
                }
                found = Some(own.clone());
            }
        } else if stem.starts_with("local")
            || stem.starts_with("custom-environment")
            || stem.starts_with(&env)
        {
            return Err(format!("config/{name} of the config package"));
        }
    }
    Ok(found.and_then(|db| of_config(&db, js)))
}
