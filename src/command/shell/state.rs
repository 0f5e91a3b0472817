//! What a shell knows at one point of a script.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use super::ast;
use crate::command::{Stdin, Step, Word};
use crate::environment::Vars;
use crate::source::Source;

/// The value of a shell variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    List(Vec<Word>),
    /// Why it is not known.
    Unknown(String),
    /// Known not to be set.
    Unset,
}

/// Variables, directory, functions.
#[derive(Debug, Clone)]
pub(super) struct State {
    /// Exported variables.
    pub(super) vars: Vars,
    /// Exported variables whose value is not known, and why.
    pub(super) unclear: BTreeMap<String, String>,
    /// Why there may be more variables.
    pub(super) open: Option<String>,
    pub(super) cwd: PathBuf,
    pub(super) cwd_unknown: Option<String>,
    /// Variables that are not exported.
    pub(super) locals: BTreeMap<String, Value>,
    /// `$1`...; `None` where they are not known.
    pub(super) params: Option<Rc<Vec<Word>>>,
    pub(super) functions: BTreeMap<String, Rc<ast::Command>>,
    pub(super) aliases: BTreeMap<String, String>,
    /// `set -a`.
    pub(super) export_all: bool,
    pub(super) stdin: Stdin,
    /// The number of the last change, so that equal states need not be compared.
    version: u64,
    clock: Rc<Cell<u64>>,
}

impl State {
    pub(super) fn of(step: &Step) -> Self {
        State {
            vars: step.vars.clone(),
            unclear: BTreeMap::new(),
            open: step.vars_open.clone(),
            cwd: step.cwd.clone(),
            cwd_unknown: step.cwd_unknown.clone(),
            locals: BTreeMap::new(),
            params: Some(Rc::new(Vec::new())),
            functions: BTreeMap::new(),
            aliases: BTreeMap::new(),
            export_all: false,
            stdin: step.stdin.clone(),
            version: 0,
            clock: Rc::default(),
        }
    }

    /// Notes a change. Numbers are never given twice in a run: two ways of one script that each
    /// change something have different ones.
    pub(super) fn changed(&mut self) {
        self.clock.set(self.clock.get() + 1);
        self.version = self.clock.get();
    }

    /// What a variable holds.
    pub(super) fn value(&self, name: &str) -> Value {
        if let Some(value) = self.locals.get(name) {
            return value.clone();
        }
        if let Some(why) = self.unclear.get(name) {
            return Value::Unknown(why.clone());
        }
        match (self.vars.text(name), &self.open) {
            (Some(text), _) => Value::Text(text.into_owned()),
            (None, Some(why)) => Value::Unknown(format!("`{name}` may be set: {why}")),
            (None, None) => Value::Unset,
        }
    }

    fn is_exported(&self, name: &str) -> bool {
        self.export_all || self.vars.has(name) || self.unclear.contains_key(name)
    }

    /// Assigns a variable; one that is exported stays so.
    pub(super) fn assign(&mut self, name: &str, value: Value, source: &Source) {
        self.changed();
        if self.is_exported(name) {
            self.locals.remove(name);
            self.set_exported(name, value, source);
        } else {
            self.locals.insert(name.to_owned(), value);
        }
    }

    fn set_exported(&mut self, name: &str, value: Value, source: &Source) {
        self.unclear.remove(name);
        match value {
            Value::Text(text) => self.vars.set(name, text, source.clone()),
            Value::Unknown(why) => {
                self.vars.unset(name);
                self.unclear.insert(name.to_owned(), why);
            }
            // A list is not passed to programs.
            list @ Value::List(_) => {
                self.vars.unset(name);
                self.locals.insert(name.to_owned(), list);
            }
            Value::Unset => self.vars.unset(name),
        }
    }

    /// `export name`.
    pub(super) fn export(&mut self, name: &str, source: &Source) {
        self.changed();
        if let Some(value) = self.locals.remove(name) {
            self.set_exported(name, value, source);
        }
    }

    /// `export -n name`, `declare +x name`.
    pub(super) fn unexport(&mut self, name: &str) {
        self.changed();
        let value = self.value(name);
        self.vars.unset(name);
        self.unclear.remove(name);
        self.locals.insert(name.to_owned(), value);
    }

    /// `unset name`.
    pub(super) fn unset(&mut self, name: &str) {
        self.changed();
        self.vars.unset(name);
        self.unclear.remove(name);
        self.locals.insert(name.to_owned(), Value::Unset);
    }

    /// What is known where either this or the other way was taken.
    pub(super) fn join(&mut self, other: &State) {
        if self.version == other.version {
            return;
        }
        self.changed();
        let names: Vec<String> = self
            .locals
            .keys()
            .chain(other.locals.keys())
            .chain(self.unclear.keys())
            .chain(other.unclear.keys())
            .cloned()
            .chain(self.vars.iter().map(|(n, _)| n.to_owned()))
            .chain(other.vars.iter().map(|(n, _)| n.to_owned()))
            .collect();
        for name in names {
            if self.value(&name) != other.value(&name) {
                let why = format!("`{name}` depends on which way the script takes");
                if self.is_exported(&name) || other.is_exported(&name) {
                    self.locals.remove(&name);
                    self.vars.unset(&name);
                    self.unclear.insert(name, why);
                } else {
                    self.locals.insert(name, Value::Unknown(why));
                }
            }
        }
        if self.cwd != other.cwd || self.cwd_unknown != other.cwd_unknown {
            let why = "the directory depends on which way the script takes";
            self.cwd_unknown.get_or_insert_with(|| why.to_owned());
        }
        if self.open.is_none() {
            self.open.clone_from(&other.open);
        }
        if self.params != other.params {
            self.params = None;
        }
        for (name, body) in &other.functions {
            self.functions
                .entry(name.clone())
                .or_insert_with(|| Rc::clone(body));
        }
        for (name, text) in &other.aliases {
            self.aliases
                .entry(name.clone())
                .or_insert_with(|| text.clone());
        }
        self.export_all |= other.export_all;
        if self.stdin != other.stdin {
            self.stdin = Stdin::Unknown("it depends on which way the script takes".to_owned());
        }
    }

    /// Why the variables of a program started here are not fully known.
    pub(super) fn why_open(&self) -> Option<String> {
        self.open.clone().or_else(|| {
            self.unclear
                .iter()
                .find(|(name, _)| !chooses_no_database(name))
                .map(|(_, why)| why.clone())
        })
    }
}

/// Variables that choose no database: secrets, and what concerns the terminal.
pub(crate) fn chooses_no_database(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    [
        "PASSWORD", "PASSWD", "PASS", "PWD", "SECRET", "TOKEN", "KEY", "AUTH",
    ]
    .iter()
    .any(|end| upper.ends_with(end))
        || upper.starts_with("LC_")
        || ["LANG", "TZ", "TERM", "COLUMNS", "LINES", "PS1", "PS4"].contains(&upper.as_str())
}
