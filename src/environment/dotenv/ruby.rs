//! Ruby's dotenv, three ages: 2.4 (line by line), 2.8 (several lines), 3 (names alone, newlines
//! kept as written).

use super::assignment::{self, Grammar};
use super::text::{
    Lines, MARK, closing_parenthesis, held, output_of, own_up, ruby_space, unify_newlines,
    without_bom, word,
};
use super::{DotenvError, Entry, Process};

type Read = Result<Vec<Entry>, DotenvError>;

fn name_char(c: char) -> bool {
    word(c) || c == '.'
}

const GRAMMAR_2: Grammar = Grammar {
    name: name_char,
    space: ruby_space,
    quotes: "'\"",
    alone: false,
};
const GRAMMAR_3: Grammar = Grammar {
    alone: true,
    ..GRAMMAR_2
};

/// dotenv 3.
pub(super) fn third(text: &str, process: &Process<'_>) -> Read {
    let text = unify_newlines(without_bom(text));
    let mut lines = Lines::new(&text);
    let mut entries: Vec<Entry> = Vec::new();
    for found in assignment::find_all(&text, &GRAMMAR_3) {
        let line = lines.of(found.at);
        if found.name != "DOTENV_LINEBREAK_MODE"
            && let Some(own) = process(found.name)
        {
            entries.push(Entry::new(found.name, own, line));
        } else if found.exported && found.value.is_none() {
            if held(&entries, found.name).is_none() {
                return Err(unset(line, found.name));
            }
        } else {
            let value = value_3(found.value.unwrap_or(""), &entries, process);
            entries.push(Entry::new(found.name, value, line));
        }
    }
    Ok(own_up(super::settle(entries)))
}

fn unset(line: usize, name: &str) -> DotenvError {
    DotenvError::new(
        line,
        format!("`export {name}` of a variable that is not set"),
    )
}

fn value_3(raw: &str, entries: &[Entry], process: &Process<'_>) -> String {
    let value = raw.trim_matches(ruby_space);
    let inner = assignment::unquoted(value, "'\"");
    if let (Some(inner), true) = (inner, value.starts_with('\'')) {
        return inner.to_owned();
    }
    let double = inner.is_some();
    let mut text = inner.unwrap_or(value).to_owned();
    if double {
        let mode = held(entries, "DOTENV_LINEBREAK_MODE")
            .and_then(|e| e.value.clone())
            .or_else(|| process("DOTENV_LINEBREAK_MODE"));
        text = if mode.as_deref() == Some("legacy") {
            text.replace("\\n", "\n").replace("\\r", "\r")
        } else {
            text.replace("\\n", "\\\\n").replace("\\r", "\\\\r")
        };
    }
    let look = |name: &str| {
        held(entries, name)
            .and_then(|e| e.value.clone())
            .or_else(|| process(name))
    };
    variables(&commands(&unescaped(&text), &look), &look)
}

/// dotenv 2.8.
pub(super) fn second(text: &str, process: &Process<'_>) -> Read {
    let text = unify_newlines(without_bom(text));
    let mut lines = Lines::new(&text);
    let mut entries: Vec<Entry> = Vec::new();
    for found in assignment::find_all(&text, &GRAMMAR_2) {
        let line = lines.of(found.at);
        let value = value_2(found.value.unwrap_or(""), &entries, process, true);
        entries.push(Entry::new(found.name, value, line));
    }
    for (index, line) in text.split('\n').enumerate() {
        let mut words = line.split_ascii_whitespace();
        if words.next() == Some("export") && !line.contains('=') && !line.contains(':') {
            for name in words {
                if held(&entries, name).is_none() {
                    return Err(unset(index + 1, name));
                }
            }
        }
    }
    Ok(own_up(super::settle(entries)))
}

/// dotenv 2.4: one line at a time; quotes may hold quotes.
pub(super) fn first(text: &str, process: &Process<'_>) -> Read {
    let text = unify_newlines(without_bom(text));
    let mut entries: Vec<Entry> = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        if let Some((name, raw)) = line_2(line) {
            let value = value_2(raw, &entries, process, false);
            entries.push(Entry::new(name, value, index + 1));
            continue;
        }
        let mut words = line.split_ascii_whitespace();
        if words.next() == Some("export") {
            for name in words {
                if held(&entries, name).is_none() {
                    return Err(unset(index + 1, name));
                }
            }
        }
    }
    Ok(own_up(super::settle(entries)))
}

fn line_2(line: &str) -> Option<(&str, &str)> {
    let start = line.trim_start_matches(ruby_space);
    start
        .strip_prefix("export")
        .filter(|r| r.starts_with(ruby_space))
        .and_then(|r| named_2(r.trim_start_matches(ruby_space)))
        .or_else(|| named_2(start))
}

fn named_2(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c| !name_char(c)).unwrap_or(text.len());
    let name = text.get(..end).filter(|n| !n.is_empty())?;
    let after = text.get(end..)?;
    let rest = match after.trim_start_matches(ruby_space).strip_prefix('=') {
        Some(rest) => rest.trim_start_matches(ruby_space),
        None => after.strip_prefix(':')?.strip_prefix(ruby_space)?,
    };
    if let Some(quote @ ('\'' | '"')) = rest.chars().next() {
        let fits = rest.rmatch_indices(quote).find(|(close, _)| {
            let tail = rest
                .get(close + 1..)
                .unwrap_or("")
                .trim_start_matches(ruby_space);
            *close > 0 && (tail.is_empty() || tail.starts_with('#'))
        });
        if let Some((close, _)) = fits {
            return Some((name, rest.get(..=close)?));
        }
    }
    Some((name, rest.split('#').next().unwrap_or("")))
}

fn value_2(raw: &str, entries: &[Entry], process: &Process<'_>, unescape_bare: bool) -> String {
    let value = raw.trim_matches(ruby_space);
    let inner = assignment::unquoted(value, "'\"");
    let text = match inner {
        Some(inner) if value.starts_with('\'') => return inner.to_owned(),
        Some(inner) => unescaped(&inner.replace("\\n", "\n").replace("\\r", "\r")),
        None if unescape_bare => unescaped(value),
        None => value.to_owned(),
    };
    let look =
        |name: &str| process(name).or_else(|| held(entries, name).and_then(|e| e.value.clone()));
    commands(&variables(&text, &look), &look)
}

/// A backslash goes away before everything but `$`.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('$') => out.push_str("\\$"),
            Some(other) => out.push(other),
            None => out.push('\\'),
        }
    }
    out
}

/// `$NAME` and `${NAME}`; `\$` is a dollar; `$(` is left alone.
fn variables(text: &str, look: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        let after = from.get(1..).unwrap_or("");
        if after.starts_with('(') {
            out.push_str(before);
            out.push('$');
            rest = after;
            continue;
        }
        let open = usize::from(after.starts_with('{'));
        let name_text = after.get(open..).unwrap_or("");
        let length = name_text.find(|c| !word(c)).unwrap_or(name_text.len());
        let name = name_text.get(..length).unwrap_or("");
        let tail = name_text.get(length..).unwrap_or("");
        let used = 1 + open + length + usize::from(tail.starts_with('}'));
        let whole = from.get(..used).unwrap_or("");
        match before.strip_suffix('\\') {
            Some(kept) => {
                out.push_str(kept);
                out.push_str(whole);
            }
            None => {
                out.push_str(before);
                if name.is_empty() {
                    out.push_str(whole);
                } else {
                    out.push_str(&look(name).unwrap_or_default());
                }
            }
        }
        rest = from.get(used..).unwrap_or("");
    }
    out.push_str(rest);
    out
}

/// `$(command)`: what it prints, where that can be said without running it.
fn commands(text: &str, look: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("$(") {
        let (before, from) = rest.split_at(at);
        let Some(end) = closing_parenthesis(from, 1).filter(|end| *end > 3) else {
            out.push_str(before);
            out.push('$');
            rest = from.get(1..).unwrap_or("");
            continue;
        };
        let whole = from.get(..end).unwrap_or("");
        match before.strip_suffix('\\') {
            Some(kept) => {
                out.push_str(kept);
                out.push_str(whole);
            }
            None => {
                out.push_str(before);
                let inner = whole.get(2..whole.len() - 1).unwrap_or("");
                let command = variables(inner, look);
                if command.contains(MARK) {
                    out.push(MARK);
                } else {
                    out.push_str(&output_of(&command));
                }
            }
        }
        rest = from.get(end..).unwrap_or("");
    }
    out.push_str(rest);
    out
}
