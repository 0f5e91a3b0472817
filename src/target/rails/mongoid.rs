//! Mongoid: the clients of `config/mongoid.yml`.

use super::boot::Boot;
use super::project::Gems;
use crate::command::World;
use crate::source::{Source, Sourced};
use crate::target::clients::mongo::Place;
use crate::target::{Gap, Resolution, Traced, Value};

const FILE: &str = "config/mongoid.yml";

/// Whether the application's `db:` tasks are Mongoid's: Active Record is not loaded, which would
/// define its own.
pub(super) fn alone(boot: &Boot<'_>, gems: &Gems, world: &World<'_>) -> bool {
    let read = |name: &str| world.files.read_text(&boot.ruby.root.join(name));
    let loads = || {
        read("config/application.rb").is_ok_and(|text| {
            let lines = text.lines().map(str::trim).filter(|l| !l.starts_with('#'));
            let loads = |l: &str| l.contains("active_record") || l.contains("rails/all");
            lines.into_iter().any(loads)
        })
    };
    gems.has("mongoid") && read(FILE).is_ok() && read("config/database.yml").is_err() && !loads()
}

/// The databases of the current environment's clients: the `default` one, else all of them, since
/// models may be stored in any.
pub(super) fn resolve(boot: &Boot<'_>, default: bool, world: &World<'_>) -> Resolution {
    let file = match boot.yaml(FILE, world) {
        Ok(Some(file)) => file,
        Ok(None) => return Resolution::unresolved(format!("there is no {FILE}")),
        Err(stop) => {
            return Resolution {
                errors: vec![stop],
                ..Resolution::default()
            };
        }
    };
    let section = match child(&file, &boot.env) {
        Some(section) => section,
        None => {
            let why = format!("{FILE} has no entry for `{}`", boot.env);
            return Resolution::error("connection-not-configured", why);
        }
    };
    let clients = child(section, "clients").or_else(|| child(section, "sessions"));
    let clients = match clients.map(|c| &c.value) {
        Some(Value::Map(clients)) => clients,
        _ => {
            return Resolution::unresolved(
                unknown(section)
                    .unwrap_or_else(|| format!("{FILE}: `{}` names no clients", boot.env)),
            );
        }
    };
    let mut resolution = Resolution::none();
    for (name, client) in clients
        .iter()
        .filter(|(name, _)| !default || name == "default")
    {
        let mut found = one(client);
        for target in &mut found.targets {
            target.connection = Some(name.clone());
            target.environment = Some(Sourced::new(boot.env.clone(), boot.env_source.clone()));
        }
        resolution.merge(found);
    }
    if resolution == Resolution::none() {
        return Resolution::error(
            "connection-not-configured",
            format!("{FILE} has no default client"),
        );
    }
    resolution
}

fn one(client: &Traced) -> Resolution {
    let place = match text(client, "uri") {
        Err(why) => return Resolution::unresolved(why),
        Ok(Some(uri)) => match Place::from_text(&uri) {
            Some(place) if uri.value.starts_with("mongodb://") => place,
            _ => {
                let why = format!("what the URI leads to is not read ({})", uri.source);
                return Resolution::unresolved(why);
            }
        },
        Ok(None) => match hosts(client) {
            Ok(place) => place,
            Err(why) => return Resolution::unresolved(why),
        },
    };
    let database = match (text(client, "database"), &place.database) {
        (Err(why), _) => {
            let mut found = place.resolution(None);
            found.gaps.push(Gap::new("database", why));
            return found;
        }
        (Ok(Some(own)), Some(named)) if own.value != named.value => {
            let why = format!("the URI and `database` differ ({})", own.source);
            return Resolution::unresolved(why);
        }
        (Ok(own), named) => own.or_else(|| named.clone()),
    };
    match database {
        Some(database) => place.resolution(Some(database)),
        None => {
            let why = format!("the client names no database ({})", client.source);
            Resolution::error("connection-not-configured", why)
        }
    }
}

fn hosts(client: &Traced) -> Result<Place, String> {
    let mut place = Place::default();
    let Some(list) = child(client, "hosts") else {
        let here = Source::default_of("Mongoid");
        place.hosts(&Sourced::new("localhost:27017".to_owned(), here));
        return Ok(place);
    };
    let mut names = Vec::new();
    let items = match &list.value {
        Value::List(items) => items.as_slice(),
        Value::Str(_) => std::slice::from_ref(list),
        _ => &[],
    };
    for item in items {
        match &item.value {
            Value::Str(text) => names.push(text.clone()),
            Value::Unknown(why) => return Err(why.clone()),
            _ => return Err(format!("a host is no text ({})", item.source)),
        }
    }
    if names.is_empty() {
        return Err(unknown(list).unwrap_or_else(|| format!("no host is named ({})", list.source)));
    }
    place.hosts(&Sourced::new(names.join(","), list.source.clone()));
    Ok(place)
}

fn child<'t>(of: &'t Traced, key: &str) -> Option<&'t Traced> {
    match &of.value {
        Value::Map(entries) => entries.iter().find(|(k, _)| k == key).map(|(_, v)| v),
        _ => None,
    }
}

fn unknown(value: &Traced) -> Option<String> {
    match &value.value {
        Value::Unknown(why) => Some(why.clone()),
        _ => None,
    }
}

fn text(of: &Traced, key: &str) -> Result<Option<Sourced<String>>, String> {
    let Some(value) = child(of, key) else {
        return Ok(None);
    };
    let text = match &value.value {
        Value::Null | Value::Bool(false) => return Ok(None),
        Value::Unknown(why) => return Err(why.clone()),
        Value::Str(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        _ => return Err(format!("`{key}` is no text ({})", value.source)),
    };
    Ok(Some(Sourced {
        value: text,
        source: value.source.clone(),
        beat: value.beat.clone(),
    }))
}
