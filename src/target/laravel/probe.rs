//! The answer of the project's own kernel, held against the static one.
//!
//! The kernel's whole configuration takes the place of the files and goes through the same rules,
//! so that both answers are targets that can be compared.

use std::collections::BTreeMap;

use super::config::Origin;
use super::{Session, resolve_as};
use crate::command::{Command, World};
use crate::source::{Source, SourceKind};
use crate::target::Resolution;
use crate::target::probe::Asked;
use crate::target::readers::php::{Cell, Val, from_json};

/// What is run: boots the kernel and prints one marked line.
const CODE: &str = include_str!("probe.php");

/// What the kernel said.
pub(super) struct Kernel {
    /// Its configuration.
    config: Cell,
    /// What libpq reads from the process, after the boot.
    process: BTreeMap<String, String>,
}

impl Kernel {
    fn read(line: &str) -> Option<Kernel> {
        let json: serde_json::Value = serde_json::from_str(line).ok()?;
        let cell = Cell::new(Val::Null, source());
        let process = json.get("process")?.as_object()?.iter();
        Some(Kernel {
            config: cell.with(from_json(json.get("config")?, &cell)),
            process: process
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect(),
        })
    }

    /// Puts this answer in the place of what was read.
    pub(super) fn answers(&self, session: &mut Session<'_>) {
        session.env.heard(&self.process, &source());
        session.origin = Origin::Kernel(self.config.clone());
        session.boot.unmerged = true;
        // The probe boots the application without the script before it.
        let before = format!("{}:", session.script);
        let seen = |why: &String| why.contains(&before);
        session.boot.unclear.retain(seen);
        session.boot.rewrites.retain(seen);
    }
}

fn source() -> Source {
    Source::new(SourceKind::Probe, "the project's kernel (--probe)")
}

/// How the project's kernel is asked.
pub(in crate::target) const ASKED: Asked = Asked {
    who: "the project's kernel",
    question,
    answer,
};

fn answer(command: &Command, world: &World<'_>, line: &str) -> Option<Resolution> {
    let kernel = Kernel::read(line)?;
    Some(resolve_as(command, world, Some(&kernel)))
}

/// `php [options] -r CODE -- ROOT SCRIPT [word]...`, started as the command starts its script.
fn question(command: &Command) -> Result<Option<Vec<String>>, String> {
    if command.hint("uses") == Some("none") {
        return Ok(None);
    }
    if command.hint("testing").is_some() {
        return Err("tests boot an application of their own".to_owned());
    }
    let root = command.hint("root").ok_or("the project is not known")?;
    let argv: Vec<&str> = command.step.argv.iter().map(|w| w.text.as_str()).collect();
    let before = command.hint("tokens").and_then(|n| n.parse().ok());
    let (php, words) = argv
        .split_at_checked(before.unwrap_or(1).max(1))
        .unwrap_or((&argv, &[]));
    let (script, php) = php.split_last().ok_or("there is no script")?;
    let mut words_of_php: Vec<&str> = match php {
        [] => vec!["php"],
        words => words.to_vec(),
    };
    let code = CODE.trim_start_matches("<?php");
    words_of_php.extend(["-r", code, "--", root, script]);
    words_of_php.extend(words);
    Ok(Some(words_of_php.into_iter().map(str::to_owned).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::readers::php::Found;

    #[test]
    fn only_a_whole_answer_is_one() {
        let kernel = Kernel::read("{\"config\":{\"a\":\"y\"},\"process\":{}}").unwrap();
        let Found::Yes(cell) = kernel.config.get("a") else {
            panic!("the answer has no `a`");
        };
        assert_eq!(cell.val.text().as_deref(), Some("y"));
        assert!(Kernel::read("").is_none());
        assert!(Kernel::read("[]").is_none());
    }
}
