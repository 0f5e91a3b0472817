//! The fields of a target one by one, each with its source: for explaining and recording.

use super::{Address, Target};
use crate::source::{Source, Sourced};

/// A field of a target, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// `host`, `port`, ...
    pub what: &'static str,
    /// Its value.
    pub value: String,
    /// The source that won.
    pub from: String,
    /// Those it beat.
    pub beat: Vec<String>,
}

impl Field {
    fn of<T: ToString>(what: &'static str, field: &Sourced<T>) -> Field {
        Field {
            what,
            value: field.value.to_string(),
            from: field.source.to_string(),
            beat: field.beat.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Target {
    /// Its fields in the order address, database, user, environment.
    pub fn fields(&self) -> Vec<Field> {
        let mut fields = Vec::new();
        match &self.address {
            Address::Host {
                host,
                port,
                hostaddr,
            } => {
                fields.push(Field::of("host", host));
                fields.extend(hostaddr.as_ref().map(|h| Field::of("hostaddr", h)));
                fields.extend(port.as_ref().map(|p| Field::of("port", p)));
            }
            Address::Socket { path, port } => {
                fields.push(Field::of("socket", path));
                fields.extend(port.as_ref().map(|p| Field::of("port", p)));
            }
            Address::File { path } => fields.push(Field::of("file", path)),
            Address::Memory { source } => {
                let memory = Sourced::<String>::new(":memory:".into(), Source::clone(source));
                fields.push(Field::of("file", &memory));
            }
            Address::Identifier { name } => fields.push(Field::of("identifier", name)),
        }
        fields.extend(self.database.as_ref().map(|d| Field::of("database", d)));
        fields.extend(self.user.as_ref().map(|u| Field::of("user", u)));
        fields.extend(
            self.environment
                .as_ref()
                .map(|e| Field::of("environment", e)),
        );
        fields
    }
}
