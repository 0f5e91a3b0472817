//! The catalogue: which program is which tool, and what its actions do. The data stands in
//! `profiles/commands/*.toml` and becomes static tables at build time, so that a launch parses
//! nothing.

use super::Effect;

/// A tool: a program or family of programs that the catalogue knows.
#[derive(Debug, PartialEq, Eq)]
pub struct Tool {
    /// Its name in output and records.
    pub name: &'static str,
    /// The reader in `command::tools` that judges its words.
    pub reader: &'static str,
    /// The resolver in `target` that finds its databases; empty where it has none.
    pub resolver: &'static str,
    /// The effect of an action that is not listed.
    pub unlisted: Effect,
    /// The effect where no action is given.
    pub bare: Effect,
    /// Options that take the next word as their value.
    pub value_options: &'static [&'static str],
    /// Options whose value is a secret.
    pub secret_options: &'static [&'static str],
    /// Free data for the reader, by key.
    pub data: &'static [(&'static str, &'static [&'static str])],
    /// Its actions.
    pub actions: &'static [ActionEntry],
}

/// One action of a tool.
#[derive(Debug, PartialEq, Eq)]
pub struct ActionEntry {
    /// Its name; words are separated by one space (`db drop`).
    pub name: &'static str,
    /// Other spellings.
    pub aliases: &'static [&'static str],
    /// What it does by default.
    pub effect: Effect,
    /// Why, for people.
    pub why: &'static str,
    /// Circumstances that change the effect: the first that holds decides.
    pub when: &'static [When],
}

/// A circumstance. All parts that are given must hold.
#[derive(Debug, PartialEq, Eq)]
pub struct When {
    /// One of these options is given.
    pub option: &'static [&'static str],
    /// ... with this value.
    pub value: Option<&'static str>,
    /// None of these options is given.
    pub without: &'static [&'static str],
    /// One of these operands is given (besides the action's own words).
    pub word: &'static [&'static str],
    /// The effect then.
    pub effect: Effect,
    /// Why.
    pub why: &'static str,
}

impl Tool {
    /// The action of exactly that name or alias.
    pub fn action(&self, name: &str) -> Option<&'static ActionEntry> {
        self.actions
            .iter()
            .find(|a| a.name == name || a.aliases.contains(&name))
    }

    /// The reader's free data under a key; empty where there is none.
    pub fn data(&self, key: &str) -> &'static [&'static str] {
        self.data
            .iter()
            .find(|(k, _)| *k == key)
            .map_or(&[], |(_, v)| v)
    }
}

include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));

/// The tool that a program of this file name is. A name ending in `#` in the catalogue stands for
/// the name with a version behind it (`php8.3`, `python3`).
pub fn find(program: &str) -> Option<&'static Tool> {
    lookup(program).or_else(|| {
        let stem = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
        if stem.is_empty() {
            None
        } else {
            lookup(&format!("{stem}#"))
        }
    })
}

/// The tool of that catalogue name.
pub fn tool(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|t| t.name == name)
}

fn lookup(program: &str) -> Option<&'static Tool> {
    let at = PROGRAMS
        .binary_search_by(|(name, _)| (*name).cmp(program))
        .ok()?;
    TOOLS.get(PROGRAMS[at].1)
}
