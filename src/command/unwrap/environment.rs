//! `env`: changes of variables and directory before a command.

use super::{nothing, tails};
use crate::command::shell::chooses_no_database;
use crate::command::{Args, Reading, Step, Tool, Word};
use crate::environment::Vars;
use crate::source::Source;

/// Reads the words of `env`.
pub(super) fn read(tool: &'static Tool, step: &Step) -> Reading {
    let mut argv = step.argv.clone();
    let mut inner = step.clone();
    let mut at = 1;
    let mut rounds = 0;
    while let Some(word) = argv.get(at).cloned() {
        let text = word.text.as_str();
        rounds += 1;
        if text == "--" {
            at += 1;
            break;
        }
        if text == "-" {
            inner.vars = Vars::new();
            inner.vars_open = None;
            at += 1;
            continue;
        }
        if !text.starts_with('-') || rounds > 64 {
            break;
        }
        match option(&argv, at, &mut inner) {
            Taken::Words(n) => at += n,
            Taken::Split(text, n) => {
                let Some(words) = split(&text, &inner.vars) else {
                    let why = "`env -S` with a text that cannot be split here";
                    return Reading::opaque(Some(tool), step, "env -S", why);
                };
                let rest = argv.get(at + n..).unwrap_or(&[]).to_vec();
                argv = argv.first().cloned().into_iter().collect();
                argv.extend(words);
                argv.extend(rest);
                at = 1;
            }
            Taken::Unknown(why) => return Reading::opaque(Some(tool), step, "env", why),
        }
    }
    while let Some(word) = argv.get(at) {
        if !set(&mut inner, word) {
            break;
        }
        at += 1;
    }
    match argv.get(at..).filter(|rest| !rest.is_empty()) {
        Some(rest) => Reading::steps(vec![inner.with_argv(rest.to_vec()).through(tool.name)]),
        None => nothing(tool, step, Args::default()),
    }
}

/// Sets the variable of a `NAME=value` word; false where it is none.
pub(super) fn set(step: &mut Step, word: &Word) -> bool {
    let Some((name, value)) = word.text.split_once('=') else {
        return false;
    };
    if name.is_empty() || name.starts_with('$') {
        return false;
    }
    match &word.unknown {
        None => {
            let source = Source::argument("env").with_note(name);
            step.vars.set(name, value, source);
        }
        Some(why) => {
            step.vars.unset(name);
            if !chooses_no_database(name) {
                step.vars_open = Some(format!("`{name}`: {why}"));
            }
        }
    }
    true
}

enum Taken {
    Words(usize),
    Split(String, usize),
    Unknown(String),
}

fn option(argv: &[Word], at: usize, step: &mut Step) -> Taken {
    let Some(word) = argv.get(at) else {
        return Taken::Words(1);
    };
    let text = word.text.as_str();
    if let Some(why) = &word.unknown {
        return Taken::Unknown(why.clone());
    }
    let next = argv.get(at + 1);
    if let Some(long) = text.strip_prefix("--") {
        let (name, attached) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (long, None),
        };
        let used = if attached.is_some() { 1 } else { 2 };
        let value = || attached.clone().or_else(|| next.map(|w| w.text.clone()));
        return match name {
            "ignore-environment" => {
                step.vars = Vars::new();
                step.vars_open = None;
                Taken::Words(1)
            }
            "unset" => {
                step.vars.unset(&value().unwrap_or_default());
                Taken::Words(used)
            }
            "chdir" => {
                change_directory(step, &value().unwrap_or_default());
                Taken::Words(used)
            }
            "split-string" => Taken::Split(value().unwrap_or_default(), used),
            "argv0" => Taken::Words(used),
            _ => Taken::Words(1),
        };
    }
    for (offset, letter) in text.char_indices().skip(1) {
        let rest = text.get(offset + 1..).unwrap_or("");
        let used = if rest.is_empty() { 2 } else { 1 };
        let value = if rest.is_empty() {
            next.map(|w| w.text.clone()).unwrap_or_default()
        } else {
            rest.to_owned()
        };
        match letter {
            'i' => {
                step.vars = Vars::new();
                step.vars_open = None;
            }
            'u' => {
                step.vars.unset(&value);
                return Taken::Words(used);
            }
            'C' => {
                change_directory(step, &value);
                return Taken::Words(used);
            }
            'S' => return Taken::Split(value, used),
            'a' => return Taken::Words(used),
            _ => {}
        }
    }
    Taken::Words(1)
}

fn change_directory(step: &mut Step, to: &str) {
    step.cwd = step.path(to);
}

/// Splits the value of `-S` by env's own rules: blanks, quotes, backslashes, `${NAME}`.
fn split(text: &str, vars: &Vars) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_ascii_whitespace() => {
                words.extend(word.take().map(Word::literal));
            }
            (None, '#') if word.is_none() => break,
            (Some('\''), '\\') => match chars.next()? {
                e @ ('\\' | '\'') => word.get_or_insert_default().push(e),
                e => word.get_or_insert_default().extend(['\\', e]),
            },
            (_, '\\') => match chars.next()? {
                'c' if quote.is_none() => break,
                '_' if quote.is_none() => words.extend(word.take().map(Word::literal)),
                '_' => word.get_or_insert_default().push(' '),
                'n' => word.get_or_insert_default().push('\n'),
                't' => word.get_or_insert_default().push('\t'),
                'r' => word.get_or_insert_default().push('\r'),
                e @ ('#' | '$' | '"' | '\'' | '\\') => word.get_or_insert_default().push(e),
                _ => return None,
            },
            (None | Some('"'), '$') => {
                let rest = chars.as_str().strip_prefix('{')?;
                let (name, after) = rest.split_once('}')?;
                let value = vars.text(name).unwrap_or_default();
                word.get_or_insert_default().push_str(&value);
                chars = after.chars();
            }
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return None;
    }
    words.extend(word.map(Word::literal));
    Some(words)
}

/// Where the options of a wrapper end; for readers that look at them one by one.
pub(super) fn options_end(argv: &[Word], with_value: &[&str]) -> usize {
    tails::after_options(argv, 1, with_value)
}
