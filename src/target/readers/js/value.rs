//! Values while a module is being evaluated.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::ast::Function;
use super::parse::number_text;
use crate::source::Source;
use crate::target::readers::joined;
use crate::target::{Traced, Value};

/// How many values are looked at in one: the same may stand in several places, and in itself.
const MAX_PARTS: usize = 8192;
/// How deep they may stand in each other.
const MAX_NESTING: usize = 24;

/// A value and where it came from.
#[derive(Debug, Clone)]
pub(super) struct Val {
    pub(super) js: Js,
    pub(super) source: Source,
    pub(super) beat: Vec<Source>,
}

pub(super) type Entries = Rc<RefCell<Vec<(String, Val)>>>;

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Js {
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Rc<RefCell<Vec<Val>>>),
    Object(Entries),
    Function(Rc<Closure>),
    /// Something of a package or of node itself: module and names (`path`, `join`).
    External(String, Vec<String>),
    /// `process.env`.
    Env,
    /// A method of a value, not yet called.
    Method(Box<Val>, String),
    Unknown(String),
}

/// A function with the names it sees.
#[derive(Debug)]
pub(super) struct Closure {
    pub(super) function: Rc<Function>,
    pub(super) scope: Rc<Scope>,
}

/// Names in force.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub(super) names: RefCell<HashMap<String, Val>>,
    pub(super) outer: Option<Rc<Scope>>,
}

impl Scope {
    pub(super) fn inside(outer: &Rc<Scope>) -> Rc<Scope> {
        Rc::new(Scope {
            names: RefCell::default(),
            outer: Some(Rc::clone(outer)),
        })
    }

    pub(super) fn get(&self, name: &str) -> Option<Val> {
        if let Some(found) = self.names.borrow().get(name) {
            return Some(found.clone());
        }
        self.outer.as_ref().and_then(|o| o.get(name))
    }

    pub(super) fn declare(&self, name: &str, value: Val) {
        self.names.borrow_mut().insert(name.to_owned(), value);
    }

    /// Assigns to a name that is declared; `false` where none is.
    pub(super) fn assign(&self, name: &str, value: Val) -> bool {
        if let Some(place) = self.names.borrow_mut().get_mut(name) {
            *place = value;
            return true;
        }
        self.outer.as_ref().is_some_and(|o| o.assign(name, value))
    }
}

impl Val {
    pub(super) fn new(js: Js, source: Source) -> Self {
        Val {
            js,
            source,
            beat: Vec::new(),
        }
    }

    pub(super) fn unknown(why: impl Into<String>, source: Source) -> Self {
        Val::new(Js::Unknown(why.into()), source)
    }

    /// The same provenance for another value.
    pub(super) fn with(&self, js: Js) -> Self {
        Val {
            js,
            source: self.source.clone(),
            beat: self.beat.clone(),
        }
    }

    pub(super) fn object(entries: Vec<(String, Val)>, source: Source) -> Self {
        Val::new(Js::Object(Rc::new(RefCell::new(entries))), source)
    }

    pub(super) fn get(&self, key: &str) -> Option<Val> {
        match &self.js {
            Js::Object(entries) => entries
                .borrow()
                .iter()
                .rev()
                .find(|(k, _)| k == key)
                .map(|(_, v)| v.clone()),
            _ => None,
        }
    }

    /// What keeping or copying it costs, in units of some sixteen bytes.
    pub(super) fn weight(&self) -> usize {
        let own = |value: &Val| match &value.js {
            Js::Text(text) => 8 + text.len() / 16,
            _ => 8,
        };
        match &self.js {
            Js::Text(text) => text.len() / 16,
            Js::List(items) => items.borrow().iter().map(own).sum(),
            Js::Object(entries) => entries.borrow().iter().map(|(_, value)| own(value)).sum(),
            _ => 0,
        }
    }

    /// Whether it is true to a condition; `Err` is why that cannot be said.
    pub(super) fn truth(&self) -> Result<bool, String> {
        Ok(match &self.js {
            Js::Undefined | Js::Null => false,
            Js::Bool(b) => *b,
            Js::Number(n) => *n != 0.0 && !n.is_nan(),
            Js::Text(t) => !t.is_empty(),
            Js::Unknown(why) => return Err(why.clone()),
            _ => true,
        })
    }

    pub(super) fn nullish(&self) -> Result<bool, String> {
        match &self.js {
            Js::Undefined | Js::Null => Ok(true),
            Js::Unknown(why) => Err(why.clone()),
            _ => Ok(false),
        }
    }

    /// As text, the way `String(x)` and templates write it.
    pub(super) fn text(&self) -> Result<String, String> {
        self.text_within(0, &Cell::new(MAX_PARTS))
    }

    fn text_within(&self, depth: usize, left: &Cell<usize>) -> Result<String, String> {
        let rest = left.get().checked_sub(1);
        left.set(rest.ok_or("too many values as text")?);
        Ok(match &self.js {
            _ if depth > MAX_NESTING => return Err("nested too deep".to_owned()),
            Js::Undefined => "undefined".to_owned(),
            Js::Null => "null".to_owned(),
            Js::Bool(b) => b.to_string(),
            Js::Number(n) => number_text(*n),
            Js::Text(t) => t.clone(),
            Js::Object(_) => match self.get("href").map(|h| h.js) {
                Some(Js::Text(href)) => href,
                _ => return Err("an object as text".to_owned()),
            },
            Js::List(items) => {
                let items = items.borrow();
                let texts = items.iter().map(|item| item.text_within(depth + 1, left));
                let texts: Vec<String> = texts.collect::<Result<_, String>>()?;
                joined(&texts, ",").ok_or("too long a text")?
            }
            Js::Unknown(why) => return Err(why.clone()),
            _ => return Err("a function as text".to_owned()),
        })
    }

    /// As a number, the way `Number(x)` does.
    pub(super) fn number(&self) -> Result<f64, String> {
        Ok(match &self.js {
            Js::Undefined => f64::NAN,
            Js::Null => 0.0,
            Js::Bool(b) => f64::from(u8::from(*b)),
            Js::Number(n) => *n,
            Js::Text(t) if t.trim().is_empty() => 0.0,
            Js::Text(t) => t.trim().parse().unwrap_or(f64::NAN),
            Js::Unknown(why) => return Err(why.clone()),
            _ => f64::NAN,
        })
    }

    /// The value as the resolvers take it.
    pub(super) fn traced(&self) -> Traced {
        self.traced_within(0, &Cell::new(MAX_PARTS))
    }

    fn traced_within(&self, depth: usize, left: &Cell<usize>) -> Traced {
        left.set(left.get().saturating_sub(1));
        let unknown = |why: &str| Value::Unknown(why.to_owned());
        let value = match &self.js {
            _ if depth > MAX_NESTING => unknown("nested too deep"),
            _ if left.get() == 0 => unknown("too many values"),
            Js::Undefined | Js::Null => Value::Null,
            Js::Bool(b) => Value::Bool(*b),
            #[allow(
                clippy::cast_possible_truncation,
                reason = "checked to be whole and small"
            )]
            Js::Number(n) if n.fract() == 0.0 && n.abs() < 9e15 => Value::Int(*n as i64),
            Js::Number(n) => Value::Float(*n),
            Js::Text(t) => Value::Str(t.clone()),
            Js::List(items) => {
                let items = items.borrow();
                let all = items.iter().map(|v| v.traced_within(depth + 1, left));
                Value::List(all.collect())
            }
            Js::Object(entries) => Value::Map(
                entries
                    .borrow()
                    .iter()
                    .map(|(k, v)| (k.clone(), v.traced_within(depth + 1, left)))
                    .collect(),
            ),
            Js::External(module, path) => {
                let mut name = Traced::new(Value::Str(module.clone()), self.source.clone());
                name.beat.clear();
                let member = Traced::new(Value::Str(path.join(".")), self.source.clone());
                Value::Map(vec![
                    ("__module".to_owned(), name),
                    ("__name".to_owned(), member),
                ])
            }
            Js::Env => unknown("the whole environment"),
            Js::Function(_) | Js::Method(..) => unknown("a function"),
            Js::Unknown(why) => unknown(why),
        };
        Traced {
            value,
            source: self.source.clone(),
            beat: self.beat.clone(),
        }
    }
}

/// `===`; `Err` where it cannot be said.
pub(super) fn same(a: &Val, b: &Val, loose: bool) -> Result<bool, String> {
    Ok(match (&a.js, &b.js) {
        (Js::Unknown(why), _) | (_, Js::Unknown(why)) => return Err(why.clone()),
        (Js::Undefined | Js::Null, Js::Undefined | Js::Null) if loose => true,
        (Js::Undefined, Js::Undefined) | (Js::Null, Js::Null) => true,
        (Js::Bool(x), Js::Bool(y)) => x == y,
        (Js::Number(x), Js::Number(y)) => x == y,
        (Js::Text(x), Js::Text(y)) => x == y,
        (Js::Number(_), Js::Text(_)) | (Js::Text(_), Js::Number(_)) if loose => {
            a.number()? == b.number()?
        }
        (Js::Object(x), Js::Object(y)) => Rc::ptr_eq(x, y),
        (Js::List(x), Js::List(y)) => Rc::ptr_eq(x, y),
        (Js::External(..), _) | (_, Js::External(..)) => {
            return Err("something of a package".to_owned());
        }
        _ => false,
    })
}
