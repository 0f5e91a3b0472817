//! `ssh` and its kin: the rest of the words is joined and run by a shell far away.

use super::environment::options_end;
use super::{elsewhere, joined, nothing, script_step};
use crate::command::{Args, Reading, Step, Tool, Word};

/// `ssh [options] destination [command]`.
pub(super) fn ssh(tool: &'static Tool, step: &Step) -> Reading {
    let mut at = options_end(&step.argv, tool.value_options);
    let verbs = tool.data("verb");
    if !verbs.is_empty() {
        let mut found = false;
        for verb in verbs {
            let length = verb.split(' ').count();
            let words = step.argv.get(at..at + length).unwrap_or(&[]);
            if words.iter().map(|w| w.text.as_str()).eq(verb.split(' ')) {
                at += length;
                found = true;
                break;
            }
        }
        if !found {
            return crate::command::tools::words(tool, step);
        }
        at +=
            super::tails::after_options(step.argv.get(at..).unwrap_or(&[]), 0, tool.value_options);
    }
    let end = at;
    let options = step.argv.get(..end).unwrap_or(&step.argv);
    let mut args = Args::parse(options, tool.value_options);
    if args.has(tool.data("no-command")) {
        return nothing(tool, step, args);
    }
    let Some(destination) = step.argv.get(end) else {
        return nothing(tool, step, args);
    };
    // Options may stand behind the destination too.
    let tail = step.argv.get(end + 1..).unwrap_or(&[]);
    let from = super::tails::after_options(tail, 0, tool.value_options).min(tail.len());
    let mut behind = vec![Word::literal(tool.name)];
    behind.extend(tail.get(..from).unwrap_or(&[]).iter().cloned());
    args.options
        .extend(Args::parse(&behind, tool.value_options).options);
    if args.has(tool.data("no-command")) {
        return nothing(tool, step, args);
    }
    let mut rest = tail.get(from..).unwrap_or(&[]).to_vec();
    if rest.is_empty()
        && let Some(option) = args.last(tool.data("script"))
    {
        rest.push(Word {
            text: option.value.clone().unwrap_or_default(),
            unknown: option.unknown.clone(),
        });
    }
    let far = elsewhere(step, format!("{} {}", tool.name, destination.text)).through(tool.name);
    if destination.text.starts_with("dokku@") {
        rest.insert(0, Word::literal("dokku"));
    }
    let next = if rest.is_empty() {
        far.with_argv(vec![Word::literal("sh")])
    } else {
        script_step(&far, "sh", joined(&rest))
    };
    Reading::steps(vec![next])
}
