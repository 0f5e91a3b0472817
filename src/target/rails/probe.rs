//! The answer of the project's own Rails, held against the static one: the configurations that
//! Active Record built go through the same rules, so that both answers can be compared.

use serde_json::Value as Json;

use super::boot::Boot;
use super::config::DbConfig;
use super::project::{Version, numbers};
use super::resolve_as;
use crate::command::{Command, World};
use crate::source::{Source, SourceKind};
use crate::target::probe::Asked;
use crate::target::{Resolution, Traced, Value};

/// What is run: boots the application and prints one marked line.
const CODE: &str = include_str!("probe.rb");

/// How the project's Rails is asked.
pub(in crate::target) const ASKED: Asked = Asked {
    who: "the project's Rails",
    question,
    answer,
};

/// What Rails said.
pub(super) struct Told {
    /// Active Record's version.
    pub(super) version: Version,
    /// All configurations.
    pub(super) configs: Vec<DbConfig>,
    env: String,
    process: Vec<(String, String)>,
}

impl Told {
    fn read(line: &str) -> Option<Told> {
        let json: Json = serde_json::from_str(line).ok()?;
        let text = |of: &Json, key: &str| of.get(key)?.as_str().map(str::to_owned);
        let config = |one: &Json| {
            let keys = one.get("keys")?.as_object()?.iter();
            let keys = keys.map(|(key, value)| (key.clone(), traced(value)));
            Some(DbConfig::told(
                text(one, "env")?,
                text(one, "name")?,
                keys.collect(),
            ))
        };
        let all = json.get("all")?.as_array()?.iter();
        let process = json.get("process")?.as_object()?.iter();
        let set = json.get("set")?.as_array()?.iter();
        let mut variables: Vec<(String, String)> = process
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect();
        // Their values are in the configurations already; that they are there counts by itself.
        variables.extend(set.filter_map(|n| Some((n.as_str()?.to_owned(), String::new()))));
        Some(Told {
            version: numbers(&text(&json, "version")?)?,
            configs: all.map(config).collect::<Option<_>>()?,
            env: text(&json, "env")?,
            process: variables,
        })
    }

    /// Puts this answer in the place of what was read.
    pub(super) fn answers(&self, boot: &mut Boot<'_>) {
        boot.gaps.clear();
        boot.ruby.unknown_vars.clear();
        boot.env.clone_from(&self.env);
        for (name, value) in &self.process {
            boot.ruby.vars.set(name.clone(), value, source());
        }
    }
}

fn source() -> Source {
    Source::new(SourceKind::Probe, "the project's Rails (--probe)")
}

fn traced(value: &Json) -> Traced {
    let value = match value {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::String(text) => Value::Str(text.clone()),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Int(number),
            None => Value::Str(number.to_string()),
        },
        Json::Array(items) => Value::List(items.iter().map(traced).collect()),
        Json::Object(_) => Value::Unknown("a mapping".to_owned()),
    };
    Traced::new(value, source())
}

fn answer(command: &Command, world: &World<'_>, line: &str) -> Option<Resolution> {
    let told = Told::read(line)?;
    Some(resolve_as(command, world, Some(&told)))
}

/// `ruby -e CODE -- ROOT`.
fn question(command: &Command) -> Result<Option<Vec<String>>, String> {
    let mut scopes = command.hints.iter().filter(|(name, _)| *name == "scope");
    if scopes.clone().count() > 0 && scopes.clone().all(|(_, scope)| scope == "none") {
        return Ok(None);
    }
    if scopes.any(|(_, scope)| scope == "mongoid") {
        return Err("Mongoid is not asked".to_owned());
    }
    let root = command.hint("root").ok_or("the application is not known")?;
    let words = ["ruby", "-e", CODE, "--", root];
    Ok(Some(words.map(str::to_owned).to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_answer_is_one() {
        let line = r#"{"version":"6.1.7","env":"development","process":{"PGHOST":"h"},"set":[],
            "all":[{"env":"development","name":"primary","keys":{"adapter":"postgresql","port":5433}}]}"#;
        let told = Told::read(line).unwrap();
        assert_eq!(told.version, (6, 1));
        assert_eq!(told.configs[0].text("port").as_deref(), Some("5433"));
        assert!(Told::read("{}").is_none());
        assert!(
            Told::read(&line.replace("\"env\":\"development\",\"name\"", "\"name\"")).is_none()
        );
    }
}
