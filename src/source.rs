//! Where a value came from: said with every field of a target and every variable.

use std::borrow::Cow;
use std::fmt;

/// What kind of place a value came from. Policy asks only this; people read the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// A file of the project the command belongs to.
    ProjectFile,
    /// A file of the user (`~/.pg_service.conf`, `~/.my.cnf`).
    UserFile,
    /// A file of the machine (`/etc/mysql/my.cnf`).
    SystemFile,
    /// A variable that came in with the caller and was kept.
    Inherited,
    /// A variable set by the profile.
    Profile,
    /// A word of the command line: an option, an operand, a leading `NAME=value`.
    Argument,
    /// What the framework or client does when nothing is said.
    Default,
    /// The answer of a running program (`--probe`).
    Probe,
}

/// A place, fit to be shown: `.env:3`, `option --database`, `libpq default`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Source {
    kind: SourceKind,
    text: Cow<'static, str>,
}

impl Source {
    /// A source of the given kind with the words that name it.
    pub fn new(kind: SourceKind, text: impl Into<Cow<'static, str>>) -> Self {
        Source {
            kind,
            text: text.into(),
        }
    }

    /// Line `line` (from 1) of a project file shown as `path`.
    pub fn project_file(path: &str, line: usize) -> Self {
        Source::new(SourceKind::ProjectFile, format!("{path}:{line}"))
    }

    /// An option or operand of the command line, named as it was typed (never with a secret in it).
    pub fn argument(what: &str) -> Self {
        Source::new(SourceKind::Argument, what.to_owned())
    }

    /// What `who` does by itself, e.g. `libpq`.
    pub fn default_of(who: &str) -> Self {
        Source::new(SourceKind::Default, format!("{who} default"))
    }

    /// The kind of place.
    pub fn kind(&self) -> SourceKind {
        self.kind
    }

    /// The same place with a remark: `.env:3 (DATABASE_URL)`.
    pub fn with_note(&self, note: &str) -> Self {
        Source::new(self.kind, format!("{} ({note})", self.text))
    }

    /// The words that name the place.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A value with the source that won and those it beat, strongest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value in force.
    pub value: T,
    /// Where it came from.
    pub source: Source,
    /// Places that named the same thing and lost.
    pub beat: Vec<Source>,
}

impl<T> Sourced<T> {
    /// A value that beat nothing.
    pub fn new(value: T, source: Source) -> Self {
        Sourced {
            value,
            source,
            beat: Vec::new(),
        }
    }

    /// Notes a source that lost to this one.
    pub fn beating(mut self, loser: Source) -> Self {
        self.beat.push(loser);
        self
    }

    /// The same provenance for a value derived from this one.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Sourced<U> {
        Sourced {
            value: f(self.value),
            source: self.source,
            beat: self.beat,
        }
    }
}
