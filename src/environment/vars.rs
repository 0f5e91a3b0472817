//! Variables with their sources. Cheap to copy: each step of a command line has its own view.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::rc::Rc;

use crate::source::Source;

/// One variable as a program sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Var {
    /// The value, byte for byte.
    pub value: OsString,
    /// Who gave it.
    pub source: Source,
}

/// The variables a program sees. Names are exact and unique.
#[derive(Debug, Clone, Default)]
pub struct Vars(Rc<BTreeMap<String, Var>>);

impl Vars {
    /// No variables.
    pub fn new() -> Self {
        Vars::default()
    }

    /// The variable of that name.
    pub fn get(&self, name: &str) -> Option<&Var> {
        self.0.get(name)
    }

    /// Its value as text; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).map(|v| v.value.to_string_lossy())
    }

    /// Its value as text, where it is set and not empty.
    pub fn filled(&self, name: &str) -> Option<Cow<'_, str>> {
        self.text(name).filter(|v| !v.is_empty())
    }

    /// Its source.
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.get(name).map(|v| &v.source)
    }

    /// Whether a variable of that name is set, even if empty.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Sets a variable, replacing an older value.
    pub fn set(&mut self, name: impl Into<String>, value: impl AsRef<OsStr>, source: Source) {
        let var = Var {
            value: value.as_ref().to_owned(),
            source,
        };
        Rc::make_mut(&mut self.0).insert(name.into(), var);
    }

    /// Removes a variable.
    pub fn unset(&mut self, name: &str) {
        if self.has(name) {
            Rc::make_mut(&mut self.0).remove(name);
        }
    }

    /// Names and variables, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.0.iter().map(|(name, var)| (name.as_str(), var))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
