//! Values of the evaluator: PHP's own, plus *unknown* with the reason.

use std::collections::HashMap;
use std::rc::Rc;

use super::ast::Function;
use crate::source::{Source, SourceKind};
use crate::target::{Traced, Value};

/// A key of an array.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// A whole number, or text that reads as one.
    Int(i64),
    /// Text.
    Str(String),
}

impl Key {
    /// The key that PHP makes of text.
    pub fn of(text: &str) -> Key {
        match text.parse::<i64>() {
            Ok(n) if n.to_string() == text => Key::Int(n),
            _ => Key::Str(text.to_owned()),
        }
    }

    /// As text.
    pub fn text(&self) -> String {
        match self {
            Key::Int(n) => n.to_string(),
            Key::Str(text) => text.clone(),
        }
    }
}

/// A value.
#[derive(Debug, Clone)]
pub enum Val {
    /// `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Str(String),
    /// An array.
    Array(Rc<Array>),
    /// A closure with what it captured.
    Closure(Rc<Function>, Rc<HashMap<String, Cell>>),
    /// Cannot be decided, and why.
    Unknown(Rc<str>),
}

/// A value with its provenance.
#[derive(Debug, Clone)]
pub struct Cell {
    /// The value.
    pub val: Val,
    /// Where it came from.
    pub source: Source,
    /// What it beat.
    pub beat: Vec<Source>,
}

/// What an array says about a key.
pub enum Found<'a> {
    /// It is there.
    Yes(&'a Cell),
    /// It is not.
    No,
    /// It cannot be said.
    Unknown(Rc<str>),
}

/// An array in order. Where a key or spread is unknown the array is *open*: what stood before it
/// may have been overwritten, and what is not there may be there.
#[derive(Debug, Clone, Default)]
pub struct Array {
    entries: Vec<Option<(Key, Cell)>>,
    index: HashMap<Key, usize>,
    next: i64,
    open: Option<Rc<str>>,
    /// How many arrays stand in each other here.
    depth: usize,
    /// How many values were ever put here, those of arrays in it included.
    size: usize,
}

/// Arrays that stand in each other deeper than this are not followed.
const MAX_NESTING: usize = 40;
/// Nor are those of more values: arrays can share theirs, and whoever walks through them does not
/// see that.
const MAX_SIZE: usize = 500_000;

impl Array {
    /// The entry under a key.
    pub fn get(&self, key: &Key) -> Found<'_> {
        match self
            .index
            .get(key)
            .and_then(|at| self.entries[*at].as_ref())
        {
            Some((_, cell)) => Found::Yes(cell),
            None => match &self.open {
                Some(why) => Found::Unknown(why.clone()),
                None => Found::No,
            },
        }
    }

    /// Sets an entry.
    pub fn set(&mut self, key: Key, mut cell: Cell) {
        if self.size > MAX_SIZE {
            self.open = Some("too many values".into());
            return;
        }
        let (depth, size) = cell.val.extent();
        if depth >= MAX_NESTING {
            cell.val = Val::unknown("nested too deeply");
        } else if size >= MAX_SIZE {
            cell.val = Val::unknown("too many values");
        } else {
            self.depth = self.depth.max(depth + 1);
            self.size += size;
        }
        if let Key::Int(n) = key {
            self.next = self.next.max(n.saturating_add(1));
        }
        match self.index.get(&key) {
            Some(at) => self.entries[*at] = Some((key, cell)),
            None => {
                self.index.insert(key.clone(), self.entries.len());
                self.entries.push(Some((key, cell)));
            }
        }
    }

    /// Appends under the next number.
    pub fn push(&mut self, cell: Cell) {
        self.set(Key::Int(self.next), cell);
    }

    /// Removes an entry.
    pub fn remove(&mut self, key: &Key) {
        if let Some(at) = self.index.remove(key) {
            self.entries[at] = None;
        }
    }

    /// Something unknown was added: whatever is here may have been overwritten.
    pub fn poison(&mut self, why: &Rc<str>) {
        for entry in self.entries.iter_mut().flatten() {
            entry.1.val = Val::Unknown(why.clone());
        }
        self.open = Some(why.clone());
    }

    /// Something may be here that is not listed; what is listed stays.
    pub fn open(&mut self, why: &Rc<str>) {
        self.open = Some(why.clone());
    }

    /// Why it is open.
    pub fn why_open(&self) -> Option<&Rc<str>> {
        self.open.as_ref()
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Cell)> {
        self.entries.iter().flatten().map(|(k, c)| (k, c))
    }

    /// How many entries are listed.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether none is listed.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Whether the keys are 0, 1, 2, ...
    pub fn is_list(&self) -> bool {
        self.iter()
            .zip(0i64..)
            .all(|((key, _), n)| *key == Key::Int(n))
    }
}

impl Val {
    /// An unknown value.
    pub fn unknown(why: impl Into<Rc<str>>) -> Val {
        Val::Unknown(why.into())
    }

    /// What keeping or copying it costs, in units of some sixteen bytes.
    pub fn weight(&self) -> usize {
        match self {
            Val::Str(text) => text.len() / 16,
            Val::Array(array) => {
                let own = |cell: &Cell| match &cell.val {
                    Val::Str(text) => 8 + text.len() / 16,
                    _ => 8,
                };
                array.iter().map(|(_, cell)| own(cell)).sum()
            }
            _ => 0,
        }
    }

    /// How deep it is, and of how many values.
    fn extent(&self) -> (usize, usize) {
        match self {
            Val::Array(array) => (array.depth, array.size + 1),
            _ => (0, 1),
        }
    }

    /// PHP's truth; `None` where it is unknown.
    pub fn truth(&self) -> Option<bool> {
        Some(match self {
            Val::Null => false,
            Val::Bool(b) => *b,
            Val::Int(n) => *n != 0,
            Val::Float(f) => *f != 0.0,
            Val::Str(s) => !s.is_empty() && s != "0",
            Val::Array(array) => {
                if array.why_open().is_some() && array.is_empty() {
                    return None;
                }
                !array.is_empty()
            }
            Val::Closure(..) => true,
            Val::Unknown(_) => return None,
        })
    }

    /// As text; `None` for what has none, or is unknown.
    pub fn text(&self) -> Option<String> {
        Some(match self {
            Val::Null => String::new(),
            Val::Bool(b) => if *b { "1" } else { "" }.to_owned(),
            Val::Int(n) => n.to_string(),
            Val::Float(f) => format!("{f}"),
            Val::Str(s) => s.clone(),
            Val::Array(_) | Val::Closure(..) | Val::Unknown(_) => return None,
        })
    }

    /// As a whole number, by PHP's rules for text.
    pub fn int(&self) -> Option<i64> {
        Some(match self {
            Val::Null => 0,
            Val::Bool(b) => i64::from(*b),
            Val::Int(n) => *n,
            #[allow(clippy::cast_possible_truncation, reason = "PHP truncates too")]
            Val::Float(f) => *f as i64,
            Val::Str(s) => {
                let s = s.trim_start();
                let sign = usize::from(s.starts_with(['-', '+']));
                let digits = s[sign..].bytes().take_while(u8::is_ascii_digit).count();
                s[..sign + digits].parse().unwrap_or(0)
            }
            Val::Array(array) => i64::from(!array.is_empty()),
            Val::Closure(..) | Val::Unknown(_) => return None,
        })
    }

    /// Whether both are known to be the same (`===`).
    pub fn identical(&self, other: &Val) -> Option<bool> {
        Some(match (self, other) {
            (Val::Unknown(_), _) | (_, Val::Unknown(_)) => return None,
            (Val::Null, Val::Null) => true,
            (Val::Bool(a), Val::Bool(b)) => a == b,
            (Val::Int(a), Val::Int(b)) => a == b,
            (Val::Float(a), Val::Float(b)) => a == b,
            (Val::Str(a), Val::Str(b)) => a == b,
            (Val::Array(a), Val::Array(b)) => {
                if a.why_open().is_some() || b.why_open().is_some() {
                    return None;
                }
                if a.len() != b.len() {
                    return Some(false);
                }
                for ((k, x), (l, y)) in a.iter().zip(b.iter()) {
                    if k != l || !x.val.identical(&y.val)? {
                        return Some(false);
                    }
                }
                true
            }
            (Val::Closure(..), Val::Closure(..)) => return None,
            _ => false,
        })
    }

    /// `==`, by PHP 8's rules.
    pub fn equal(&self, other: &Val) -> Option<bool> {
        Some(match (self, other) {
            (Val::Unknown(_), _) | (_, Val::Unknown(_)) => return None,
            (Val::Bool(_) | Val::Null, _) | (_, Val::Bool(_) | Val::Null) => match (self, other) {
                (Val::Null, Val::Str(s)) | (Val::Str(s), Val::Null) => s.is_empty(),
                _ => self.truth()? == other.truth()?,
            },
            (Val::Str(a), Val::Str(b)) => match (number(a), number(b)) {
                (Some(x), Some(y)) => x == y,
                _ => a == b,
            },
            (Val::Array(_), Val::Array(_)) => return self.identical(other),
            (Val::Array(_), _) | (_, Val::Array(_)) => false,
            _ => match (self.number()?, other.number()?) {
                (Some(x), Some(y)) => x == y,
                _ => self.text()? == other.text()?,
            },
        })
    }

    /// As a number, where it is one; outside `None` where it cannot be said.
    #[allow(
        clippy::option_option,
        clippy::cast_precision_loss,
        reason = "two different questions; PHP compares as floats"
    )]
    fn number(&self) -> Option<Option<f64>> {
        match self {
            Val::Int(n) => Some(Some(*n as f64)),
            Val::Float(f) => Some(Some(*f)),
            Val::Str(s) => Some(number(s)),
            _ => None,
        }
    }
}

/// A numeric string.
pub(super) fn number(text: &str) -> Option<f64> {
    let trimmed = text.trim_matches([' ', '\t', '\n', '\r', '\u{B}', '\u{C}']);
    let plain = trimmed
        .bytes()
        .all(|b| b.is_ascii_digit() || b".eE+-".contains(&b));
    (plain && !trimmed.is_empty())
        .then(|| trimmed.parse().ok())
        .flatten()
}

impl Cell {
    /// A value from one place.
    pub fn new(val: Val, source: Source) -> Self {
        Cell {
            val,
            source,
            beat: Vec::new(),
        }
    }

    /// The same provenance for another value.
    pub fn with(&self, val: Val) -> Self {
        Cell {
            val,
            source: self.source.clone(),
            beat: self.beat.clone(),
        }
    }

    /// An entry of it; `Found::No` where it is known to be no array.
    pub fn get(&self, key: &str) -> Found<'_> {
        match &self.val {
            Val::Array(array) => array.get(&Key::of(key)),
            Val::Unknown(why) => Found::Unknown(why.clone()),
            _ => Found::No,
        }
    }

    /// Why it is unknown.
    pub fn why_unknown(&self) -> Option<&str> {
        match &self.val {
            Val::Unknown(why) => Some(why),
            _ => None,
        }
    }

    /// The value that two ways of one program agree on; where they differ it is unknown.
    pub fn merged(&self, other: &Cell, why: &Rc<str>) -> Cell {
        match (&self.val, &other.val) {
            (Val::Array(a), Val::Array(b)) => {
                let mut out = Array::default();
                for (key, cell) in a.iter() {
                    let cell = match b.get(key) {
                        Found::Yes(twin) => cell.merged(twin, why),
                        _ => cell.with(Val::Unknown(why.clone())),
                    };
                    out.set(key.clone(), cell);
                }
                for (key, cell) in b.iter() {
                    if matches!(a.get(key), Found::No) {
                        out.set(key.clone(), cell.with(Val::Unknown(why.clone())));
                    }
                }
                if let Some(open) = a.why_open().or(b.why_open()) {
                    out.open(open);
                }
                self.with(Val::Array(Rc::new(out)))
            }
            _ if self.val.identical(&other.val) == Some(true) => self.clone(),
            _ => self.with(Val::Unknown(why.clone())),
        }
    }

    /// The shared form of readers.
    pub fn traced(&self) -> Traced {
        let value = match &self.val {
            Val::Null => Value::Null,
            Val::Bool(b) => Value::Bool(*b),
            Val::Int(n) => Value::Int(*n),
            Val::Float(f) => Value::Float(*f),
            Val::Str(s) => Value::Str(s.clone()),
            Val::Array(array) if array.is_list() && !array.is_empty() => {
                Value::List(array.iter().map(|(_, c)| c.traced()).collect())
            }
            Val::Array(array) => {
                Value::Map(array.iter().map(|(k, c)| (k.text(), c.traced())).collect())
            }
            Val::Closure(..) => Value::Unknown("a closure".to_owned()),
            Val::Unknown(why) => Value::Unknown(why.to_string()),
        };
        Traced {
            value,
            source: self.source.clone(),
            beat: self.beat.clone(),
        }
    }
}

/// The more telling of two sources of one value: what came from outside beats what stands in a
/// file of the project.
pub(super) fn weightier<'a>(a: &'a Source, b: &'a Source) -> &'a Source {
    if rank(b.kind()) > rank(a.kind()) {
        b
    } else {
        a
    }
}

fn rank(kind: SourceKind) -> u8 {
    match kind {
        SourceKind::Default => 0,
        SourceKind::ProjectFile => 1,
        SourceKind::SystemFile => 2,
        SourceKind::UserFile => 3,
        SourceKind::Probe => 4,
        SourceKind::Profile => 5,
        SourceKind::Argument => 6,
        SourceKind::Inherited => 7,
    }
}
