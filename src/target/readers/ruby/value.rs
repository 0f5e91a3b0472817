//! Values of evaluated Ruby, with where they came from.

use super::ast::Block;
use crate::source::Source;

/// A Ruby value, as far as configuration uses them.
#[derive(Debug, Clone, PartialEq)]
pub enum Rb {
    /// `nil`.
    Nil,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text. `true`: it answers `x?` by comparing itself (`Rails.env`).
    Str(String, bool),
    /// A symbol.
    Sym(String),
    /// A list.
    List(Vec<Val>),
    /// A hash in order.
    Hash(Vec<(Val, Val)>),
    /// A regular expression and its flags.
    Regex(String, String),
    /// A class or module by its written path (`ENV`, `Rails`, `File`).
    Const(String),
    /// A lambda.
    Lambda(Block),
    /// A range of whole numbers, `true` where the end is excluded.
    Range(i64, i64, bool),
    /// An object known by what it is (`Rails.application`), not by its parts.
    Object(&'static str),
    /// A task that `Rake::Task[...]` found.
    Task(String),
    /// Not known, and why.
    Unknown(String),
}

/// Where a value came from, when it did not simply stand there.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// The place that decided.
    pub source: Source,
    /// What it beat.
    pub beat: Vec<Source>,
}

/// A value with its origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Val {
    /// The value.
    pub rb: Rb,
    /// Where it came from; `None` for what stands in the text itself.
    pub origin: Option<Origin>,
}

impl From<Rb> for Val {
    fn from(rb: Rb) -> Self {
        Val { rb, origin: None }
    }
}

impl Val {
    /// `nil`.
    pub fn nil() -> Self {
        Rb::Nil.into()
    }

    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Rb::Str(text.into(), false).into()
    }

    /// A truth value.
    pub fn bool(truth: bool) -> Self {
        Rb::Bool(truth).into()
    }

    /// Not known.
    pub fn unknown(why: impl Into<String>) -> Self {
        Rb::Unknown(why.into()).into()
    }

    /// Whether it weighs less than what is left, which it is taken from: a unit for each value in
    /// it and for sixteen bytes of text.
    pub fn weighs_less(&self, left: &mut usize) -> bool {
        let own = match &self.rb {
            Rb::Str(text, _) | Rb::Sym(text) => text.len() / 16,
            Rb::List(items) => 8 * (1 + items.len()),
            Rb::Hash(pairs) => 16 * (1 + pairs.len()),
            _ => 0,
        };
        let Some(rest) = left.checked_sub(own) else {
            return false;
        };
        *left = rest;
        match &self.rb {
            Rb::List(items) => items.iter().all(|item| item.weighs_less(left)),
            Rb::Hash(pairs) => {
                let mut all = pairs.iter().flat_map(|(key, value)| [key, value]);
                all.all(|part| part.weighs_less(left))
            }
            _ => true,
        }
    }

    /// With the origin of another value, where it has none itself.
    pub fn or_origin(mut self, other: &Val) -> Self {
        if self.origin.is_none() {
            self.origin.clone_from(&other.origin);
        }
        self
    }

    /// Whether it counts as true; `Err` with the reason where it is not known.
    pub fn truth(&self) -> Result<bool, String> {
        match &self.rb {
            Rb::Nil | Rb::Bool(false) => Ok(false),
            Rb::Unknown(why) => Err(why.clone()),
            _ => Ok(true),
        }
    }

    /// `to_s`; `Err` with the reason where it is not known.
    pub fn to_text(&self) -> Result<String, String> {
        Ok(match &self.rb {
            Rb::Nil => String::new(),
            Rb::Bool(truth) => truth.to_string(),
            Rb::Int(number) => number.to_string(),
            Rb::Float(number) if number.fract() == 0.0 => format!("{number:.1}"),
            Rb::Float(number) => number.to_string(),
            Rb::Str(text, _) | Rb::Sym(text) => text.clone(),
            Rb::Const(name) => name.clone(),
            Rb::List(_) | Rb::Hash(_) => self.inspect()?,
            Rb::Unknown(why) => return Err(why.clone()),
            Rb::Regex(..) | Rb::Lambda(_) | Rb::Range(..) | Rb::Object(_) | Rb::Task(_) => {
                return Err("an object as text".into());
            }
        })
    }

    /// `inspect`, as Ruby up to 3.3 writes it.
    pub fn inspect(&self) -> Result<String, String> {
        Ok(match &self.rb {
            Rb::Nil => "nil".into(),
            Rb::Str(text, _) => quoted(text),
            Rb::Sym(text) => format!(":{text}"),
            Rb::List(items) => {
                let inner: Result<Vec<_>, _> = items.iter().map(Val::inspect).collect();
                format!("[{}]", inner?.join(", "))
            }
            Rb::Hash(pairs) => {
                let inner: Result<Vec<_>, String> = pairs
                    .iter()
                    .map(|(k, v)| Ok(format!("{}=>{}", k.inspect()?, v.inspect()?)))
                    .collect();
                format!("{{{}}}", inner?.join(", "))
            }
            _ => return self.to_text(),
        })
    }

    /// `to_json`; `None` for what has no JSON of its own.
    pub fn to_json(&self) -> Option<String> {
        Some(match &self.rb {
            Rb::Nil => "null".into(),
            Rb::Str(text, _) | Rb::Sym(text) => quoted(text),
            Rb::List(items) => {
                let inner: Option<Vec<_>> = items.iter().map(Val::to_json).collect();
                format!("[{}]", inner?.join(","))
            }
            Rb::Hash(pairs) => {
                let inner: Option<Vec<_>> = pairs
                    .iter()
                    .map(|(k, v)| Some(format!("{}:{}", quoted(&k.to_text().ok()?), v.to_json()?)))
                    .collect();
                format!("{{{}}}", inner?.join(","))
            }
            Rb::Int(_) | Rb::Float(_) | Rb::Bool(_) => self.to_text().ok()?,
            _ => return None,
        })
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
