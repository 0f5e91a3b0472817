//! Values of configuration languages, with where they came from. Shared by the readers of PHP,
//! JavaScript, Python, Ruby and YAML.

use crate::source::Source;

/// A value of a configuration file, after evaluation.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `None`, `nil`, `undefined`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Str(String),
    /// A list.
    List(Vec<Traced>),
    /// Keys and values in order. Keys are text; number keys are written in decimal.
    Map(Vec<(String, Traced)>),
    /// Cannot be decided statically: why, with the place.
    Unknown(String),
}

/// A value with its provenance.
#[derive(Debug, Clone, PartialEq)]
pub struct Traced {
    /// The value.
    pub value: Value,
    /// Where it came from.
    pub source: Source,
    /// What it beat.
    pub beat: Vec<Source>,
}

impl Traced {
    /// A value from one place.
    pub fn new(value: Value, source: Source) -> Self {
        Traced {
            value,
            source,
            beat: Vec::new(),
        }
    }

    /// A value that cannot be decided.
    pub fn unknown(why: impl Into<String>, source: Source) -> Self {
        Traced::new(Value::Unknown(why.into()), source)
    }

    /// A value that a program of the project answered. An object `{"__unknown": why}` is one that
    /// it could not say.
    pub fn heard(json: &serde_json::Value, source: &Source) -> Self {
        use serde_json::Value as Json;
        let value = match json {
            Json::Null => Value::Null,
            Json::Bool(yes) => Value::Bool(*yes),
            Json::Number(number) => match number.as_i64() {
                Some(whole) => Value::Int(whole),
                None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Value::Str(text.clone()),
            Json::Array(items) => {
                Value::List(items.iter().map(|i| Traced::heard(i, source)).collect())
            }
            Json::Object(entries) => match entries.get("__unknown").and_then(Json::as_str) {
                Some(why) => Value::Unknown(why.to_owned()),
                None => {
                    let entry = |(k, v): (&String, &Json)| (k.clone(), Traced::heard(v, source));
                    Value::Map(entries.iter().map(entry).collect())
                }
            },
        };
        Traced::new(value, source.clone())
    }

    /// The entry of a map under that key (the last one wins).
    pub fn get(&self, key: &str) -> Option<&Traced> {
        match &self.value {
            Value::Map(entries) => entries.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The text, where it is text.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Why it is unknown, where it is.
    pub fn why_unknown(&self) -> Option<&str> {
        match &self.value {
            Value::Unknown(why) => Some(why),
            _ => None,
        }
    }
}
