//! Programs that run several scripts of a package side by side or one after the other:
//! `concurrently 'php artisan serve' 'npm:dev'`, `run-s build test:*`.

use super::node::{Package, script_step};
use crate::command::{Args, Reading, Step, Tool, Word, World};

/// Reads a call whose operands are lines of the shell, among them `npm:NAME`.
pub(super) fn lines(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    each(tool, step, |word| match prefixed(&word.text) {
        Some((manager, name)) => scripts(step, world, manager, name, word),
        None => vec![script_step(step, &word.text, &[])],
    })
}

/// Reads a call whose operands are scripts of the package, with patterns and words of their own.
pub(super) fn names(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    each(tool, step, |word| {
        scripts(step, world, "npm", &word.text, word)
    })
}

fn each(tool: &'static Tool, step: &Step, read: impl Fn(&Word) -> Vec<Step>) -> Reading {
    let args = Args::parse(&step.argv, tool.value_options);
    // Words after `--` fill placeholders in the scripts' lines.
    let filled = step.argv.iter().any(|w| w.text == "--");
    if filled || step.first_unknown().is_some() || args.operands.is_empty() {
        return Reading::opaque(Some(tool), step, "scripts", "scripts that are not literal");
    }
    let operands = args.operands.iter().map(|(_, word)| word);
    let steps: Vec<Step> = operands
        .flat_map(read)
        .map(|inner| inner.through(tool.name))
        .collect();
    match steps.is_empty() {
        true => Reading::not_mine(step),
        false => Reading::steps(steps),
    }
}

/// `npm:dev` and its like.
fn prefixed(line: &str) -> Option<(&str, &str)> {
    let (manager, name) = line.split_once(':')?;
    let known = ["npm", "pnpm", "yarn", "bun", "node"].contains(&manager);
    known.then_some((manager, name))
}

/// The start of a script, or of each one that a pattern takes in.
fn scripts(step: &Step, world: &World<'_>, manager: &str, name: &str, spelled: &Word) -> Vec<Step> {
    let (name, rest) = name.split_once(' ').unwrap_or((name, ""));
    let run = |name: &str| {
        let line = match manager {
            "node" => format!("node --run {name} {rest}"),
            _ => format!("{manager} run {name} {rest}"),
        };
        script_step(step, line.trim_end(), &[])
    };
    let Some((before, after)) = name.split_once('*') else {
        return vec![run(name)];
    };
    let after = after.trim_start_matches('*');
    let package = match Package::find(step, world) {
        Ok(Some(package)) => package,
        Ok(None) => return Vec::new(),
        // What is said of one script holds for all.
        Err(_) => return vec![run(before)],
    };
    if after.contains('*') || rest.contains('{') {
        let why = Word::unknown(spelled.text.clone(), "a pattern of scripts");
        return vec![step.with_argv(vec![Word::literal("npm"), Word::literal("run"), why])];
    }
    let all = package.names().into_iter();
    all.filter(|name| name.starts_with(before) && name.ends_with(after))
        .map(|name| run(&name))
        .collect()
}
