//! Wrappers: programs that start another program given in their own words, and scripts.

mod containers;
mod environment;
mod many;
mod remote;
mod shells;
mod supposed;
mod tails;
mod users;

use super::{Args, Command, Place, Reading, Step, Tool, Word, World};

pub(super) use supposed::supposed;
pub use tails::{prefix, tail_after_options};

/// Judges a step by the wrapper reader of that name; `None` where there is none.
pub(super) fn read(
    reader: &str,
    tool: &'static Tool,
    step: &Step,
    world: &World<'_>,
) -> Option<Reading> {
    Some(match reader {
        "prefix" => prefix(tool, step),
        "shaped" => tails::shaped(tool, step),
        "procfile" => tails::procfile(tool, step, world),
        "subcommand" => tails::subcommand(tool, step),
        "shell" => shells::read(tool, step, world),
        "foreign-shell" => shells::foreign(tool, step),
        "scheduled" => shells::scheduled(tool, step, world),
        "env" => environment::read(tool, step),
        "sudo" => users::sudo(tool, step),
        "su" => users::su(tool, step),
        "lines" => tails::lines(tool, step),
        "xargs" => many::xargs(tool, step),
        "find" => many::find(tool, step),
        "parallel" => many::parallel(tool, step),
        "watch" => many::watch(tool, step),
        "ssh" => remote::ssh(tool, step),
        "docker" => containers::docker(tool, step),
        "compose" => containers::compose(tool, step, world),
        "kubectl" => containers::kubectl(tool, step),
        _ => return None,
    })
}

pub(super) use many::found_text;

/// The step of a script text run by `sh -c`.
fn script_step(step: &Step, shell: &str, text: Word) -> Step {
    step.with_argv(vec![Word::literal(shell), Word::literal("-c"), text])
}

/// Words joined by blanks, as `ssh`, `watch` and `eval` join them; unknown where one is.
fn joined(words: &[Word]) -> Word {
    let text = words
        .iter()
        .map(|w| w.text.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    Word {
        text,
        unknown: words.iter().find_map(|w| w.unknown.clone()),
    }
}

/// The same step on another machine or in a container: nothing of the environment goes along.
fn elsewhere(step: &Step, place: String) -> Step {
    let mut step = step.clone();
    step.vars = crate::environment::Vars::new();
    step.vars_open = None;
    step.place = match step.place {
        Place::Here => Place::Elsewhere(place),
        Place::Elsewhere(outer) => Place::Elsewhere(format!("{outer}, {place}")),
    };
    step
}

/// A wrapper that starts nothing with these words.
fn nothing(tool: &'static Tool, step: &Step, args: Args) -> Reading {
    let mut command = Command::new(Some(tool), step.clone());
    command.args = args;
    Reading::command(command)
}

/// How much of a file is read to see its first line: as much as the kernel reads.
const FIRST_LINE: usize = 256;

/// A program that the catalogue does not know by name, judged by its first line (`#!`): a renamed
/// `artisan`, `./deploy.sh`. A text without one is run by the shell that started it.
pub fn script(step: &Step, world: &World<'_>) -> Option<Reading> {
    if !step.program_path().contains('/') || step.place != Place::Here {
        return None;
    }
    let path = step.path(step.program_path());
    if !world.files.is_file(&path) {
        return None;
    }
    let bytes = world.files.head(&path, FIRST_LINE).ok()?;
    let Some(line) = bytes.strip_prefix(b"#!") else {
        let text = !step.via.is_empty() && !bytes.is_empty() && !bytes.contains(&0);
        return text.then(|| {
            let mut argv = vec![Word::literal("sh")];
            argv.extend(step.argv.iter().cloned());
            Reading::steps(vec![step.with_argv(argv).through(step.program_path())])
        });
    };
    let line = line.split(|b| *b == b'\n').next()?;
    let line = String::from_utf8_lossy(line);
    let mut words: Vec<Word> = line.split_whitespace().map(Word::literal).collect();
    if words.is_empty() {
        return None;
    }
    words.extend(step.argv.iter().cloned());
    Some(Reading::steps(vec![
        step.with_argv(words).through(step.program_path()),
    ]))
}
