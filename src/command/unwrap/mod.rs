//! Wrappers: programs that start another program given in their own words, and scripts.

use super::{Args, Command, Reading, Step, Tool, Word, World};

/// A wrapper whose tail is the command: `nice -n 5 CMD`, `timeout 10 CMD`. The catalogue gives the
/// options with values, and under `data.skip` how many words stand before the command.
pub(super) fn prefix(tool: &'static Tool, step: &Step) -> Reading {
    let skip = tool
        .data("skip")
        .first()
        .and_then(|n| n.parse().ok())
        .unwrap_or(0usize);
    match tail_after_options(&step.argv, tool.value_options, skip) {
        Some(argv) => Reading::steps(vec![step.with_argv(argv).through(tool.name)]),
        None => Reading::command(Command::new(Some(tool), step.clone())),
    }
}

/// The words after the wrapper's own options and `skip` further words. Options end at the first
/// word that is none.
pub fn tail_after_options(argv: &[Word], with_value: &[&str], skip: usize) -> Option<Vec<Word>> {
    let mut at = 1;
    while at < argv.len() {
        let text = argv[at].text.as_str();
        if text == "--" {
            at += 1;
            break;
        }
        if text == "-" || !text.starts_with('-') {
            break;
        }
        let used = Args::parse(&argv[..=at], with_value);
        let takes_next = used.options.last().is_some_and(|o| {
            o.at == at && o.value.is_none() && with_value.contains(&o.name.as_str())
        });
        at += if takes_next { 2 } else { 1 };
    }
    let start = at + skip;
    (start < argv.len()).then(|| argv[start..].to_vec())
}

/// A program that the catalogue does not know by name, judged by its first line (`#!`): a renamed
/// `artisan`, `./deploy.sh`.
pub fn script(step: &Step, world: &World<'_>) -> Option<Reading> {
    if !step.program_path().contains('/') {
        return None;
    }
    let path = step.path(step.program_path());
    if !world.files.is_file(&path) {
        return None;
    }
    let bytes = world.files.read(&path).ok()?;
    let line = bytes.strip_prefix(b"#!")?.split(|b| *b == b'\n').next()?;
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
