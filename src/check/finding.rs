//! What a check finds.

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth a look.
    Warning,
    /// It must not stay.
    Error,
}

impl Level {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, relative to where the check was called.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's id.
    pub rule: &'static str,
    /// Where.
    pub place: Place,
    /// What was found, in one sentence.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// What does not change when lines move: the command, the variable's name.
    pub subject: String,
}

/// One command that the catalogue knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Where it starts.
    pub place: Place,
    /// Whose it is: `job test, step Migrate`.
    pub owner: String,
    /// The catalogue's tool.
    pub tool: String,
    /// What it does.
    pub actions: Vec<String>,
    /// The strongest effect.
    pub effect: &'static str,
    /// The databases, each with its tier.
    pub targets: Vec<(String, &'static str)>,
    /// Why there may be others.
    pub unresolved: Vec<String>,
    /// The profile, where it starts behind tagout.
    pub profile: Option<String>,
}

/// The items without repeats, in order.
pub(super) fn distinct<T: PartialEq>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut found = Vec::new();
    for item in items {
        if !found.contains(&item) {
            found.push(item);
        }
    }
    found
}
