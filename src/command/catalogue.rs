//! The catalogue: which program is which tool, and what its actions do. The data stands in
//! `profiles/commands/*.toml` and is packed at build time (`build.rs`); a launch unpacks the tool at
//! hand and no other.

use std::sync::OnceLock;

use super::Effect;
use crate::packed::Packed;

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
    let named = |start: &u32| packed(*start).is_some_and(|mut tool| tool.text() == name);
    unpacked(STARTS.iter().position(named)?)
}

fn lookup(program: &str) -> Option<&'static Tool> {
    let start = |at: usize| Some(usize::from(PROGRAMS.get(at)?.0));
    let name = |at: usize| PROGRAM_NAMES.get(start(at)?..start(at + 1)?);
    let (mut low, mut high) = (0, PROGRAMS.len() - 1);
    while low < high {
        let middle = low.midpoint(high);
        match name(middle).cmp(&Some(program)) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Equal => return unpacked(usize::from(PROGRAMS.get(middle)?.1)),
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    None
}

/// The tool of an index: unpacked when it is first asked for, and kept.
fn unpacked(index: usize) -> Option<&'static Tool> {
    // What is not in use takes a place of two words: the table stands in the program's file.
    static TOOLS: [OnceLock<&'static Tool>; COUNT] = [const { OnceLock::new() }; COUNT];
    let mut tool = packed(*STARTS.get(index)?)?;
    let place = TOOLS.get(index)?;
    Some(place.get_or_init(|| Box::leak(Box::new(tool.tool()))))
}

fn packed(start: u32) -> Option<Packed> {
    Some(Packed::at(PACKED, &PAIRS, usize::try_from(start).ok()?))
}

impl Packed {
    fn effect(&mut self) -> Effect {
        let index = self.number();
        EFFECTS.get(index).copied().unwrap_or(Effect::Destroys)
    }

    fn tool(&mut self) -> Tool {
        Tool {
            name: self.text(),
            reader: self.text(),
            resolver: self.text(),
            unlisted: self.effect(),
            bare: self.effect(),
            value_options: self.texts(),
            secret_options: self.texts(),
            data: self.list(|packed| (packed.text(), packed.texts())),
            actions: self.list(Self::action),
        }
    }

    fn action(&mut self) -> ActionEntry {
        ActionEntry {
            name: self.text(),
            aliases: self.texts(),
            effect: self.effect(),
            why: self.text(),
            when: self.list(Self::when),
        }
    }

    fn when(&mut self) -> When {
        When {
            option: self.texts(),
            value: {
                let given = self.number() == 1;
                let text = self.text();
                given.then_some(text)
            },
            without: self.texts(),
            word: self.texts(),
            effect: self.effect(),
            why: self.text(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_read_to_its_last_byte() {
        for (index, start) in STARTS.iter().enumerate() {
            let end = STARTS.get(index + 1).map_or(PACKED.len(), |n| *n as usize);
            let mut packed = packed(*start).unwrap();
            let name = packed.tool().name;
            assert_eq!(packed.left.len(), PACKED.len() - end, "{name}");
            assert!(std::ptr::eq(tool(name).unwrap(), unpacked(index).unwrap()));
        }
        assert!(find("php8.3").is_some() && find("no-such-program").is_none());
    }
}
