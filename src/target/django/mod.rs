//! Django: which settings module, what `DATABASES` is in it, and where the backends connect.

mod backends;
mod settings;

use super::{Gap, Resolution, Traced, Value};
use crate::command::{Command, Effect, World};
use crate::source::Sourced;

pub(super) use backends::{as_psycopg3, honest};
use settings::Settings;
pub(super) use settings::variables;

/// Finds the databases of a Django command.
pub(super) fn resolve(command: &Command, world: &World<'_>) -> Resolution {
    if command.effect() == Effect::None {
        return Resolution::none();
    }
    let settings = match settings::load(command, world) {
        Ok(settings) => settings,
        Err(resolution) => return *resolution,
    };
    let mut resolution = of_settings(command, world, &settings);
    resolution.notes.extend(settings.notes.iter().cloned());
    resolution.asked.insert("DJANGO_SETTINGS_MODULE".to_owned());
    resolution
}

fn of_settings(command: &Command, world: &World<'_>, settings: &Settings) -> Resolution {
    let databases = &settings.databases;
    let entries = match &databases.value {
        Value::Map(entries) => entries,
        Value::Unknown(why) => {
            return Resolution::unresolved(format!("`DATABASES` is not known: {why}"));
        }
        _ => return Resolution::error("settings-invalid", "`DATABASES` is not a dict"),
    };
    let wanted = aliases(command, entries);
    let mut resolution = Resolution::none();
    for alias in wanted {
        let Some((_, database)) = entries.iter().rev().find(|(name, _)| *name == alias) else {
            if alias == "default" && entries.is_empty() {
                return Resolution::error("settings-invalid", "`DATABASES` is empty");
            }
            return Resolution::error(
                "connection-not-configured",
                format!("`DATABASES` has no `{alias}`"),
            );
        };
        let mut found = backends::resolve(command, world, settings, database);
        for target in &mut found.targets {
            target.connection = Some(alias.clone());
            target.environment = settings.environment.clone();
        }
        for gap in &mut found.gaps {
            gap.reason = format!("database `{alias}`: {}", gap.reason);
        }
        resolution.merge(found);
    }
    resolution
}

/// Which of the configured databases a command opens.
fn aliases(command: &Command, entries: &[(String, Traced)]) -> Vec<String> {
    let name = command.args.operand(0).unwrap_or("");
    let named: Vec<String> = command
        .args
        .options
        .iter()
        .filter(|o| o.name == "--database" || (o.name == "-R" || o.name == "--router"))
        .filter_map(|o| o.value.clone())
        .collect();
    let one_database = [
        "migrate",
        "flush",
        "sqlflush",
        "sqlmigrate",
        "sqlsequencereset",
        "showmigrations",
        "inspectdb",
        "dumpdata",
        "loaddata",
        "createcachetable",
        "dbshell",
        "createsuperuser",
        "changepassword",
        "remove_stale_contenttypes",
        "clearsessions",
        "reset_db",
        "reset_schema",
        "drop_test_database",
        "sqldiff",
        "syncdata",
        "runserver",
        "delete_squashed_migrations",
        "set_default_site",
        "merge_model_instances",
        "set_fake_passwords",
        "set_fake_emails",
    ];
    if let Some(last) = named.last() {
        return vec![last.clone()];
    }
    if one_database.contains(&name) {
        return vec!["default".to_owned()];
    }
    // Anything else may open every database that is configured.
    let mut all: Vec<String> = Vec::new();
    for (alias, _) in entries {
        if !all.contains(alias) {
            all.push(alias.clone());
        }
    }
    if all.is_empty() {
        all.push("default".to_owned());
    }
    all
}

#[cfg(test)]
mod tests;

/// A field of a database's settings: text, nothing, or why it is not known.
fn field(database: &Traced, key: &str) -> Result<Option<Sourced<String>>, Gap> {
    let Some(value) = database.get(key) else {
        return Ok(None);
    };
    let text = match &value.value {
        Value::Null => return Ok(None),
        Value::Str(text) => text.clone(),
        Value::Int(n) => n.to_string(),
        Value::Bool(b) => if *b { "True" } else { "False" }.to_owned(),
        Value::Float(n) => n.to_string(),
        Value::Unknown(why) => return Err(Gap::new(named(key), format!("`{key}`: {why}"))),
        Value::List(_) | Value::Map(_) => {
            return Err(Gap::new(named(key), format!("`{key}` is not text")));
        }
    };
    Ok(Some(Sourced {
        value: text,
        source: value.source.clone(),
        beat: value.beat.clone(),
    }))
}

/// The field of a target that a key decides.
fn named(key: &str) -> &'static str {
    match key {
        "HOST" | "host" | "hostaddr" | "service" => "host",
        "PORT" | "port" => "port",
        "NAME" | "dbname" | "database" | "db" => "database",
        "ENGINE" => "engine",
        _ => "target",
    }
}
