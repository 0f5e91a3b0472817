//! Ruby on Rails: which databases a task or program of a Rails application reaches, by the rules
//! of its Active Record version. Nothing of the project runs: `.env` files, Figaro's file, the
//! application's own `ENV[...] =` lines and `database.yml` are read in the order Rails takes them.

mod address;
mod boot;
mod config;
mod dotenv;
mod mongoid;
pub(super) mod probe;
mod project;
mod url;

use crate::command::{Command, Stop, World};
use crate::source::Source;
use crate::target::{Engine, Gap, Resolution, Role, Target};

pub(crate) use boot::Boot;
pub use config::DbConfig;
pub use project::{Gems, RELEASES, Version, root};

/// The databases of a command of a Rails application.
pub fn resolve(command: &Command, world: &World<'_>) -> Resolution {
    resolve_as(command, world, None)
}

/// The same by what the project's Rails said, where it was asked.
fn resolve_as(command: &Command, world: &World<'_>, told: Option<&probe::Told>) -> Resolution {
    let step = &command.step;
    let root = match command.hint("root") {
        Some(root) => Some(root.into()),
        None => root(world.files, &step.cwd),
    };
    let Some(root) = root else {
        return Resolution::unresolved(format!(
            "no Rails application is in or above {}",
            step.cwd.display()
        ));
    };
    let gems = Gems::read(&root, &step.vars, world);
    let versions = match told.map(|t| t.version).or_else(|| gems.rails()) {
        Some(version) => vec![version],
        None => RELEASES.to_vec(),
    };
    let mut answers: Vec<Resolution> = Vec::new();
    for version in &versions {
        let answer = one_version(command, &root, &gems, *version, told, world);
        if !answers.contains(&answer) {
            answers.push(answer);
        }
    }
    let several = answers.len() > 1;
    let mut merged = Resolution::none();
    let mut stops = Vec::new();
    for mut answer in answers {
        stops.append(&mut answer.errors);
        merged.merge(answer);
    }
    merged.gaps.dedup();
    merged.notes.dedup();
    if !several {
        merged.errors = stops;
    } else {
        let why = "the Rails version is not known (no Gemfile.lock), and versions differ here";
        merged.gaps.push(Gap::new("target", why));
        merged.notes.extend(stops.into_iter().map(|s| s.detail));
    }
    if !merged.errors.is_empty() && merged.gaps.is_empty() {
        merged.targets.clear();
    }
    merged
}

fn one_version(
    command: &Command,
    root: &std::path::Path,
    gems: &Gems,
    version: Version,
    told: Option<&probe::Told>,
    world: &World<'_>,
) -> Resolution {
    let mut resolution = Resolution::none();
    let mut boot = match Boot::new(command, root, gems, version, world) {
        Ok(boot) => boot,
        Err(stop) => {
            resolution.errors.push(stop);
            return resolution;
        }
    };
    if let Some(told) = told {
        told.answers(&mut boot);
    }
    let asked = ["RAILS_ENV", "RACK_ENV", "DATABASE_URL"];
    resolution.asked.extend(asked.map(str::to_owned));
    resolution.notes.extend(boot.notes.clone());
    resolution.gaps.extend(boot.gaps.clone());
    let asks = |wanted: &str| {
        command
            .hints
            .iter()
            .any(|h| *h == ("scope", wanted.to_owned()))
    };
    if asks("mongoid") || mongoid::alone(&boot, gems, world) && !asks("none") {
        let drops = ["db:drop", "db:purge", "db:mongoid:drop", "db:mongoid:purge"];
        let default = command
            .actions
            .iter()
            .all(|a| drops.contains(&a.name.as_ref()));
        resolution.merge(mongoid::resolve(&boot, default, world));
        return resolution;
    }
    let read = || boot.configurations(command, world);
    let configs = match told.map_or_else(read, |t| Ok(Some(t.configs.clone()))) {
        Ok(Some(configs)) => configs,
        Ok(None) => return boot.finish(resolution),
        Err(stop) => {
            resolution.errors.push(stop);
            return resolution;
        }
    };
    let mut scopes: Vec<&str> = command
        .hints
        .iter()
        .filter(|(name, _)| *name == "scope")
        .map(|(_, scope)| scope.as_str())
        .collect();
    if scopes.is_empty() {
        scopes.push("default");
    }
    // Code that chooses for itself: what the configuration says of the current environment may be
    // none of it.
    if let Some(why) = scopes.iter().find_map(|s| s.strip_prefix("elsewhere=")) {
        resolution.gaps.push(Gap::new("target", why));
        return resolution;
    }
    for scope in scopes {
        if let Some(why) = scope.strip_prefix("unknown=") {
            resolution.gaps.push(Gap::new("target", why));
            continue;
        }
        match pick(scope, &boot, &configs) {
            Ok(picked) => {
                for config in picked {
                    let mut found = address::resolve(config, &boot, command, world);
                    if scope == "dumped" {
                        found.targets.iter_mut().for_each(|t| t.role = Role::Read);
                        found.replicas = std::mem::take(&mut found.targets);
                    }
                    resolution.merge(found);
                }
            }
            Err(stop) => resolution.errors.push(stop),
        }
    }
    tenants(&mut resolution, gems);
    let targets = std::mem::take(&mut resolution.targets);
    let same = |a: &Target, b: &Target| a.address == b.address && a.database == b.database;
    let known = |read: &Target| targets.iter().any(|t| same(t, read));
    resolution.replicas.retain(|read| !known(read));
    resolution.targets = targets;
    resolution.gaps.dedup();
    resolution
}

/// Apartment hooks itself into the tasks and acts on every tenant: schemas of the same database
/// with PostgreSQL, databases of their own with MySQL.
fn tenants(resolution: &mut Resolution, gems: &Gems) {
    if !gems.has("apartment") && !gems.has("ros-apartment") {
        return;
    }
    let mysql = resolution.targets.iter().any(|t| t.engine == Engine::Mysql);
    if mysql {
        let why = "apartment acts on each tenant's own database too";
        resolution.gaps.push(Gap::new("database", why));
    } else {
        let note = "apartment acts on the schema of every tenant in the database";
        resolution.notes.push(note.into());
    }
}

/// The configurations that a scope of the reader means.
fn pick<'c>(
    scope: &str,
    boot: &Boot<'_>,
    configs: &'c [DbConfig],
) -> Result<Vec<&'c DbConfig>, Stop> {
    let version = boot.version;
    let (kind, name) = scope.split_once('=').unwrap_or((scope, ""));
    let of = |env: &str, named: Option<&str>| -> Vec<&'c DbConfig> {
        configs
            .iter()
            .filter(|c| c.env == env && named.is_none_or(|n| c.name == n))
            .filter(|c| !c.hidden(version))
            .collect()
    };
    let own = |named: Option<&str>| -> Result<Vec<&'c DbConfig>, Stop> {
        let found = of(&boot.env, named);
        if found.is_empty() && !configs.iter().any(|c| c.env == boot.env) {
            return Err(not_configured(&boot.env));
        }
        Ok(found)
    };
    let with_test = || -> Result<Vec<&'c DbConfig>, Stop> {
        let mut found = own(None)?;
        if boot.env == "development" && boot.test_too() {
            found.extend(of("test", None));
        }
        Ok(found)
    };
    match kind {
        "none" => Ok(Vec::new()),
        "current" | "dumped" => own(None),
        "version" if version >= (7, 1) => own(None),
        "current+test" => with_test(),
        "prepare" if version >= (7, 0) => with_test(),
        "prepare" => own(None),
        "one" => {
            let found = own(None)?;
            if found.len() > 1 && version >= (6, 0) {
                return Err(Stop::new(
                    "command-unknown",
                    "with several databases this task must name one of them",
                ));
            }
            Ok(found)
        }
        "named" | "named+test" => {
            let several = of(&boot.env, None).len() > 1;
            if version < (6, 0)
                || !several
                || !configs.iter().any(|c| c.env == boot.env && c.name == name)
            {
                return Err(Stop::new(
                    "command-unknown",
                    format!("there is no task for a database `{name}`"),
                ));
            }
            let mut found = own(Some(name))?;
            if kind == "named+test" && ((7, 1)..(8, 1)).contains(&version) {
                // Loading one schema purges the test database of that name too.
                found.extend(of("test", Some(name)));
            }
            Ok(found)
        }
        "test" => Ok(of("test", None)),
        "test-named" => Ok(of("test", Some(name))),
        "environment" => {
            let mut found = of(name, None);
            if name == "development" && boot.test_too() {
                found.extend(of("test", None));
            }
            Ok(found)
        }
        "every" => Ok(configs
            .iter()
            .filter(|c| !c.hidden(version))
            .filter(|c| c.unknown.is_some() || c.key("database").is_some_and(|d| !is_nil(d)))
            .filter(|c| is_local(c))
            .collect()),
        "console" if !name.is_empty() => {
            let found: Vec<_> = configs
                .iter()
                .filter(|c| c.env == boot.env && c.name == name)
                .collect();
            if found.is_empty() {
                return Err(not_configured(&format!("{}/{name}", boot.env)));
            }
            Ok(found)
        }
        "all-of" => {
            let found: Vec<_> = configs.iter().filter(|c| c.env == boot.env).collect();
            if found.is_empty() {
                return Err(not_configured(&boot.env));
            }
            Ok(found)
        }
        _ => match configs.iter().find(|c| c.env == boot.env) {
            Some(first) => Ok(vec![first]),
            None => Err(not_configured(&boot.env)),
        },
    }
}

fn not_configured(env: &str) -> Stop {
    Stop::new(
        "connection-not-configured",
        format!("the database configuration has no entry for `{env}`"),
    )
}

fn is_nil(value: &crate::target::Traced) -> bool {
    matches!(
        value.value,
        crate::target::Value::Null | crate::target::Value::Bool(false)
    )
}

/// `:all` tasks take a database for local where its host is blank or names loopback.
fn is_local(config: &DbConfig) -> bool {
    if config.unknown.is_some() {
        return true;
    }
    match config.key("host").map(|h| &h.value) {
        None
        | Some(
            crate::target::Value::Null
            | crate::target::Value::Bool(false)
            | crate::target::Value::Unknown(_),
        ) => true,
        Some(crate::target::Value::Str(host)) => {
            host.trim().is_empty() || host == "localhost" || host == "127.0.0.1"
        }
        Some(_) => false,
    }
}

/// A target with what the configuration adds to every one.
fn dress(mut target: Target, config: &DbConfig, boot: &Boot<'_>) -> Target {
    if config.replica(boot.version) {
        target.role = Role::Read;
    }
    target.connection = Some(config.name.clone());
    let source = if config.env == boot.env {
        boot.env_source.clone()
    } else {
        Source::default_of("Rails")
    };
    target.environment = Some(crate::source::Sourced::new(config.env.clone(), source));
    target
}

#[cfg(test)]
mod tests;
