//! The plain reader: options and subcommand words, matched to the catalogue's actions by the
//! longest name.

use crate::command::catalogue::{ActionEntry, When};
use crate::command::sql::{self, Dialect};
use crate::command::{Action, Args, Command, Effect, Opt, Reading, Step, Stop, Tool};

/// Reads a step of a tool whose actions are words: `dbmate drop`, `knex migrate:latest`.
pub(super) fn read(tool: &'static Tool, step: &Step) -> Reading {
    let mut command = Command::new(Some(tool), step.clone());
    command.args = Args::of(tool, &step.argv);
    let help_word = command
        .args
        .operands
        .last()
        .is_some_and(|(_, w)| tool.data("help-word").contains(&w.text.as_str()));
    let dashes = |w: &str| w == "-help" || w == "-version";
    let help_word = help_word || step.words().any(dashes);
    if asks_for_help(&command.args) || help_word {
        command.stops_early = Some(Stop::new(
            "nothing-runs",
            "only help or the version is printed",
        ));
        return Reading::command(command);
    }
    let tries = |o: &Opt| {
        let off = matches!(o.value.as_deref(), Some("none" | "false"));
        tool.data("dry-run").contains(&o.name.as_str()) && !off
    };
    if command.args.options.iter().any(tries) {
        return Reading::command(command);
    }
    let any = || Some((tool.action("*")?, 0));
    let action = match action_of(tool, &command.args).or_else(any) {
        Some((entry, used)) => {
            let (effect, why) = effect_of(entry, &command.args, used);
            let read = (effect == Effect::Opaque).then(|| carried(tool, &command.args, used));
            Action::new(entry.name, read.flatten().unwrap_or(effect), why)
        }
        None => match command.args.operand(0) {
            Some(word) => {
                let read =
                    carried(tool, &command.args, 0).filter(|_| tool.unlisted == Effect::Opaque);
                let effect = read.unwrap_or(tool.unlisted);
                Action::new(word.to_owned(), effect, unlisted_why(effect))
            }
            None => Action::new(tool.name, tool.bare, ""),
        },
    };
    Reading::command(command.doing(action))
}

/// The effect of the SQL that the options of `data.sql` carry, or the operands from the one that
/// `data.sql-operands` counts behind the action; `None` where there is none that can be read.
fn carried(tool: &'static Tool, args: &Args, used: usize) -> Option<Effect> {
    let harm = tool.data("reads-without");
    if !harm.is_empty() {
        let mut texts = args
            .operands
            .iter()
            .map(|(_, w)| (w.text.as_str(), &w.unknown));
        let word = |c: char| !c.is_ascii_alphanumeric() && c != '_';
        let plain = |text: &str| {
            !text
                .split(word)
                .any(|w| harm.contains(&w.to_ascii_lowercase().as_str()))
        };
        let reads =
            texts.len() > 0 && texts.all(|(text, unknown)| unknown.is_none() && plain(text));
        return (reads && !args.has(&["-f", "--file"])).then_some(Effect::Reads);
    }
    let judge = |text: &str| sql::judge(text, Dialect::Generic).effect();
    let options = args.options.iter();
    let options = options.filter(|o| tool.data("sql").contains(&o.name.as_str()));
    let from = tool.data("sql-operands").first();
    let from = from.and_then(|n| n.parse::<usize>().ok());
    let operands = args
        .operands
        .iter()
        .skip(used + from.unwrap_or(usize::MAX - used));
    let options = options.map(|o| (o.value.as_deref().unwrap_or("?"), &o.unknown));
    let texts = options.chain(operands.map(|(_, w)| (w.text.as_str(), &w.unknown)));
    let effects = texts.map(|(text, unknown)| match unknown {
        None => judge(text),
        Some(_) => Effect::Opaque,
    });
    effects.max()
}

/// Reads a step of a tool that takes several actions in one call, or other words before them:
/// every operand that names an action counts.
pub(super) fn verbs(tool: &'static Tool, step: &Step) -> Reading {
    let mut command = Command::new(Some(tool), step.clone());
    command.args = Args::of(tool, &step.argv);
    let dashes = step.words().any(|w| w == "-help");
    if dashes || asks_for_help(&command.args) || command.args.operand(0) == Some("help") {
        return read(tool, step);
    }
    let found: Vec<Action> = command
        .args
        .operands
        .iter()
        .enumerate()
        .filter_map(|(at, (_, word))| {
            let entry = tool.action(&word.text)?;
            let (effect, why) = effect_of(entry, &command.args, at + 1);
            Some(Action::new(entry.name, effect, why))
        })
        .collect();
    if found.is_empty() {
        return read(tool, step);
    }
    command.actions = found;
    Reading::command(command)
}

fn unlisted_why(effect: Effect) -> &'static str {
    if effect == Effect::None {
        ""
    } else {
        "the catalogue does not know this action"
    }
}

fn asks_for_help(args: &Args) -> bool {
    args.has(&["--help", "--version"])
}

/// The action with the longest name that the operands start with, and how many of them it used.
pub fn action_of(tool: &'static Tool, args: &Args) -> Option<(&'static ActionEntry, usize)> {
    let operands: Vec<&str> = args.operand_texts().take(4).collect();
    (1..=operands.len()).rev().find_map(|n| {
        let name = operands[..n].join(" ");
        tool.action(&name).map(|entry| (entry, n))
    })
}

/// The effect of an action under the circumstances of these words.
pub fn effect_of(entry: &'static ActionEntry, args: &Args, used: usize) -> (Effect, &'static str) {
    for when in entry.when {
        if holds(when, args, used) {
            return (
                when.effect,
                if when.why.is_empty() {
                    entry.why
                } else {
                    when.why
                },
            );
        }
    }
    (entry.effect, entry.why)
}

fn holds(when: &When, args: &Args, used: usize) -> bool {
    let option = when.option.is_empty()
        || match when.value {
            Some(wanted) => args.value(when.option).is_some_and(|v| v == wanted),
            None => args.has(when.option),
        };
    let without = when.without.is_empty() || !args.has(when.without);
    let word = when.word.is_empty()
        || args
            .operand_texts()
            .skip(used)
            .any(|w| when.word.contains(&w));
    option && without && word
}
