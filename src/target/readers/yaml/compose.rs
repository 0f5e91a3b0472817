//! From nodes to values: aliases expanded, merge keys applied, scalars typed.

use std::collections::HashMap;

use super::{Kind, Node, Span, Typing, YamlError, core, psych};
use crate::source::Source;
use crate::target::{Traced, Value};

/// How scalars are typed and merge keys applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// As Ruby's Psych: YAML 1.1 scalars; a merge key overrides what stands before it.
    Psych,
    /// As YAML 1.2 readers: the core schema; a mapping's own keys win over merged ones.
    Core,
}

/// What is known about the text at a span: where it came from, what that beat, and why it cannot
/// be known (a template's part that could not be evaluated).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Where the text came from.
    pub source: Source,
    /// What it beat.
    pub beat: Vec<Source>,
    /// Why the text cannot be known.
    pub unknown: Option<String>,
}

impl Place {
    /// Text that simply stands there.
    pub fn at(source: Source) -> Self {
        Place {
            source,
            beat: Vec::new(),
            unknown: None,
        }
    }
}

/// Values after expansion of aliases; more than this is no configuration.
const MAX_VALUES: usize = 50_000;
const MAX_DEPTH: usize = 64;

struct Composer<'a> {
    schema: Schema,
    typing: Typing,
    place: &'a dyn Fn(Span) -> Place,
    left: usize,
}

/// Turns a tree into values. `place` says where the text of a span came from.
///
/// # Errors
/// Where aliases expand to too many values or too deep.
pub fn compose(
    node: &Node,
    schema: Schema,
    place: &dyn Fn(Span) -> Place,
) -> Result<Traced, YamlError> {
    let typing = match schema {
        Schema::Psych => psych,
        Schema::Core => core,
    };
    let mut composer = Composer {
        schema,
        typing,
        place,
        left: MAX_VALUES,
    };
    composer.value(node, 0)
}

impl Composer<'_> {
    fn value(&mut self, node: &Node, depth: usize) -> Result<Traced, YamlError> {
        let fail = |what| YamlError {
            line: node.span.line,
            what,
        };
        self.left = self
            .left
            .checked_sub(1)
            .ok_or(fail("aliases expand to too many values"))?;
        if depth > MAX_DEPTH {
            return Err(fail("nested too deep"));
        }
        let place = (self.place)(node.span);
        let mut traced = Traced::new(Value::Null, place.source);
        traced.beat = place.beat;
        traced.value = match &node.kind {
            Kind::Scalar { text, plain } => match place.unknown {
                Some(why) => Value::Unknown(why),
                None if *plain && node.tag.is_none() => (self.typing)(text),
                None if node.tag.as_deref() == Some("!int") => core(text),
                None => Value::Str(text.clone()),
            },
            Kind::List(items) => Value::List(
                items
                    .iter()
                    .map(|item| self.value(item, depth + 1))
                    .collect::<Result<_, _>>()?,
            ),
            Kind::Map(entries) => self.map(entries, depth)?,
            Kind::Alias(target) => {
                let inner = self.value(target, depth + 1)?;
                // Where the anchor stands, the node itself says what of it is known.
                match place.unknown {
                    Some(why) if node.span != target.span => Value::Unknown(why),
                    _ => return Ok(inner),
                }
            }
        };
        Ok(traced)
    }

    fn map(&mut self, entries: &[(Node, Node)], depth: usize) -> Result<Value, YamlError> {
        let mut out = Building::default();
        let mut merged = Building::default();
        for (key, node) in entries {
            if let Some(why) = (self.place)(key.span).unknown
                && matches!(key.kind, Kind::Scalar { .. })
                && !key.span.is_empty()
                && self.key_is_unknown(key)
            {
                return Ok(Value::Unknown(why));
            }
            let value = self.value(node, depth + 1)?;
            let name = self.key(key, depth)?;
            if name != "<<" {
                out.put(name, value);
                continue;
            }
            let into = match self.schema {
                Schema::Psych => &mut out,
                Schema::Core => &mut merged,
            };
            match merge(into, &value, self.schema) {
                Merged::Done => {}
                Merged::NoMapping => into.put(name, value),
                Merged::Unknown(why) => return Ok(Value::Unknown(why)),
            }
        }
        for (name, value) in merged.entries {
            if !out.has(&name) {
                out.put(name, value);
            }
        }
        Ok(Value::Map(out.entries))
    }

    /// A key whose own text came out of a template. A key that only stands in an undecided branch
    /// keeps its name; its value is unknown instead.
    fn key_is_unknown(&self, key: &Node) -> bool {
        key.text()
            .is_some_and(|t| t.contains(crate::target::readers::UNKNOWN_MARK))
    }

    fn key(&mut self, key: &Node, depth: usize) -> Result<String, YamlError> {
        Ok(match &key.kind {
            Kind::Scalar { text, plain: true } => match (self.typing)(text) {
                Value::Str(text) => text,
                Value::Int(number) => number.to_string(),
                Value::Bool(truth) => truth.to_string(),
                Value::Null => String::new(),
                _ => text.clone(),
            },
            Kind::Scalar { text, .. } => text.clone(),
            Kind::Alias(target) if depth < MAX_DEPTH => self.key(target, depth + 1)?,
            Kind::Alias(_) | Kind::Map(_) | Kind::List(_) => "(collection)".to_owned(),
        })
    }
}

impl Span {
    /// Whether no text stands there.
    pub fn is_empty(&self) -> bool {
        self.start >= self.end
    }
}

/// A mapping while it is built: order kept, a later value in the place of the first.
#[derive(Default)]
struct Building {
    entries: Vec<(String, Traced)>,
    index: HashMap<String, usize>,
}

impl Building {
    fn has(&self, name: &str) -> bool {
        self.index.contains_key(name)
    }

    fn put(&mut self, name: String, value: Traced) {
        if let Some(old) = self
            .index
            .get(&name)
            .and_then(|at| self.entries.get_mut(*at))
        {
            old.1 = value;
            return;
        }
        self.index.insert(name.clone(), self.entries.len());
        self.entries.push((name, value));
    }
}

enum Merged {
    Done,
    /// What stands behind the key is no mapping: the key is an ordinary one.
    NoMapping,
    /// It cannot be known, and so the whole mapping cannot.
    Unknown(String),
}

fn merge(into: &mut Building, value: &Traced, schema: Schema) -> Merged {
    match &value.value {
        Value::Map(entries) => {
            for (name, value) in entries {
                if schema == Schema::Psych || !into.has(name) {
                    into.put(name.clone(), value.clone());
                }
            }
            Merged::Done
        }
        Value::List(items) => {
            // The first of a list wins: Psych merges from the last to the first.
            let ordered: Vec<&Traced> = match schema {
                Schema::Psych => items.iter().rev().collect(),
                Schema::Core => items.iter().collect(),
            };
            for item in ordered {
                if !matches!(item.value, Value::Map(_) | Value::Unknown(_)) {
                    return Merged::NoMapping;
                }
                if let Merged::Unknown(why) = merge(into, item, schema) {
                    return Merged::Unknown(why);
                }
            }
            Merged::Done
        }
        Value::Unknown(why) => Merged::Unknown(why.clone()),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => {
            Merged::NoMapping
        }
    }
}
