//! Migration tools that belong to no framework: where each takes its connection from.

mod address;
mod atlas;
mod env_file;
mod flyway;
mod go;
mod liquibase;
mod mysql;
mod others;
pub(super) mod pending;
mod php;
mod rust;

use super::{Gap, Resolution, Resolver};
use crate::command::{Command, Opt};
use crate::source::{Source, SourceKind, Sourced};

/// The resolvers of this room, by the catalogue's names.
pub(super) const RESOLVERS: &[(&str, Resolver)] = &[
    ("sqlx", rust::sqlx),
    ("diesel", rust::diesel),
    ("sea-orm", rust::sea_orm),
    ("refinery", rust::refinery),
    ("goose", go::goose),
    ("golang-migrate", go::migrate),
    ("pgroll", go::pgroll),
    ("sql-migrate", go::sql_migrate),
    ("atlas", atlas::resolve),
    ("flyway", flyway::resolve),
    ("liquibase", liquibase::resolve),
    ("skeema", mysql::skeema),
    ("gh-ost", mysql::gh_ost),
    ("percona", mysql::percona),
    ("url-option", others::url_option),
    ("symfony", others::symfony),
    ("wordpress", php::wordpress),
    ("drupal", php::drupal),
    ("phinx", php::phinx),
    ("yii", php::yii),
    ("cake", php::cake),
    ("magento", php::magento),
    ("craft", php::craft),
    ("hanami", others::hanami),
    ("ecto", others::ecto),
    ("entity-framework", others::entity_framework),
];

/// What an option gives, or the gap where its value cannot be known.
fn option(command: &Command, names: &[&str]) -> Option<Result<Sourced<String>, Gap>> {
    let found = command.args.last(names)?;
    Some(match (&found.unknown, &found.value) {
        (Some(why), _) => Err(Gap::new("target", format!("option {}: {why}", found.name))),
        (None, Some(value)) => Ok(Sourced::new(value.clone(), argument(found))),
        (None, None) => Err(Gap::new(
            "target",
            format!("option {} has no value", found.name),
        )),
    })
}

fn argument(option: &Opt) -> Source {
    Source::argument(&format!("option {}", option.name))
}

/// A variable that is set, with its source.
fn variable(command: &Command, name: &str) -> Option<Sourced<String>> {
    let var = command.step.vars.get(name)?;
    let value = var.value.to_string_lossy().into_owned();
    Some(Sourced::new(value, var.source.with_note(name)))
}

fn default_of(who: &str, value: &str) -> Sourced<String> {
    let source = Source::new(SourceKind::Default, format!("{who} default"));
    Sourced::new(value.to_owned(), source)
}

fn gap(gap: Gap) -> Resolution {
    Resolution {
        gaps: vec![gap],
        ..Resolution::default()
    }
}
