//! Node: the `dotenv` package of three ages, and node's own `--env-file`.

use super::assignment::{self, Grammar};
use super::text::{Lines, js_space, new_names, unify_newlines, word};
use super::{DotenvError, Entry, Process};

type Read = Result<Vec<Entry>, DotenvError>;

/// Names of the `dotenv` package.
pub(super) fn name_char(c: char) -> bool {
    word(c) || c == '.' || c == '-'
}

pub(super) const GRAMMAR: Grammar = Grammar {
    name: name_char,
    space: js_space,
    quotes: "'\"`",
    alone: false,
};

/// dotenv up to 10: one line, no comments after a value.
pub(super) fn first(text: &str, _: &Process<'_>) -> Read {
    Ok(each_line(text, |rest| {
        let value = rest.trim_start_matches(js_space);
        match assignment::unquoted(value, "'\"") {
            Some(inner) if value.starts_with('"') => inner.replace("\\n", "\n"),
            Some(inner) => inner.to_owned(),
            None => value.trim_matches(js_space).to_owned(),
        }
    }))
}

/// dotenv 11 to 14: a comment after blanks and `#` is cut off.
pub(super) fn second(text: &str, _: &Process<'_>) -> Read {
    Ok(each_line(text, |rest| {
        let value = rest.trim_start_matches(js_space);
        let value = quoted_before_comment(value).unwrap_or_else(|| before_comment(value));
        match assignment::unquoted(value, "'\"") {
            Some(inner) if value.starts_with('"') => inner.replace("\\n", "\n"),
            Some(inner) => inner.to_owned(),
            None => value.trim_matches(js_space).to_owned(),
        }
    }))
}

fn each_line(text: &str, value: impl Fn(&str) -> String) -> Vec<Entry> {
    let text = unify_newlines(text);
    let mut entries = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        let start = line.trim_start_matches(js_space);
        let name = &start[..start.find(|c| !name_char(c)).unwrap_or(start.len())];
        let after = start[name.len()..].trim_start_matches(js_space);
        if let Some(rest) = after.strip_prefix('=').filter(|_| !name.is_empty()) {
            entries.push(Entry::new(name, value(rest), index + 1));
        }
    }
    entries
}

fn quoted_before_comment(value: &str) -> Option<&str> {
    let quote = value.chars().next().filter(|c| *c == '"' || *c == '\'')?;
    let close = value.get(1..)?.find(quote)? + 1;
    let rest = value.get(close + 1..)?;
    let comment = rest.trim_start_matches(js_space);
    let cut = rest.is_empty() || (comment.len() < rest.len() && comment.starts_with('#'));
    if cut { value.get(..=close) } else { None }
}

fn before_comment(value: &str) -> &str {
    let mut blank: Option<usize> = None;
    for (at, c) in value.char_indices() {
        if js_space(c) {
            blank = blank.or(Some(at));
        } else {
            if let (Some(start), '#') = (blank, c) {
                return &value[..start];
            }
            blank = None;
        }
    }
    value
}

/// dotenv from 15 on (to 18, `fast` too): several lines, backticks, `#` anywhere.
pub(super) fn third(text: &str, _: &Process<'_>) -> Read {
    Ok(assignments(text, |value| unquote(value, false)))
}

/// Assignments in the grammar of dotenv 15 and later.
pub(super) fn assignments(text: &str, value: impl Fn(&str) -> String) -> Vec<Entry> {
    let text = unify_newlines(text);
    let mut lines = Lines::new(&text);
    assignment::find_all(&text, &GRAMMAR)
        .into_iter()
        .map(|found| {
            let line = lines.of(found.at);
            Entry::new(found.name, value(found.value.unwrap_or("")), line)
        })
        .collect()
}

/// The value without its quotes and with its escapes; dotenvx knows two more of these.
pub(super) fn unquote(raw: &str, dotenvx: bool) -> String {
    let value = raw.trim_matches(js_space);
    let inner = assignment::unquoted(value, "'\"`").unwrap_or(value);
    match value.chars().next() {
        Some('"') if dotenvx => inner
            .replace("\\n", "\n")
            .replace("\\r", "\r")
            .replace("\\t", "\t"),
        Some('"') => inner.replace("\\n", "\n").replace("\\r", "\r"),
        Some('\'') if dotenvx => inner.replace("\\'", "'"),
        _ => inner.to_owned(),
    }
}

fn blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n')
}

/// `node --env-file` of 20: a name may swallow the lines before its `=`.
pub(super) fn env_file_20(text: &str, process: &Process<'_>) -> Read {
    Ok(new_names(env_file(text, false), process))
}

/// `node --env-file` from 22 on.
pub(super) fn env_file_22(text: &str, process: &Process<'_>) -> Read {
    Ok(new_names(env_file(text, true), process))
}

/// What `util.parseEnv` gives (node's own reader without an environment).
pub(super) fn env_file(text: &str, by_line: bool) -> Vec<Entry> {
    let text: String = text.replace('\r', "");
    let mut lines = Lines::new(&text);
    let mut entries = Vec::new();
    let trimmed = text.trim_matches(blank);
    let mut at = text.len() - text.trim_start_matches(blank).len();
    let end = at + trimmed.len();
    while at < end {
        let Some(rest) = text.get(at..end) else { break };
        if rest.starts_with(['\n', '#']) {
            at = rest.find('\n').map_or(end, |n| at + n + 1);
            continue;
        }
        let stop = if by_line {
            rest.find(['=', '\n'])
        } else {
            rest.find('=')
        };
        let Some(stop) = stop else { break };
        if rest.as_bytes().get(stop) == Some(&b'\n') {
            at = skip_blank(&text, at + stop + 1, end);
            continue;
        }
        let raw_name = rest.get(..stop).unwrap_or("");
        let line = lines.of(at + raw_name.len() - raw_name.trim_start_matches(blank).len());
        let name = raw_name.trim_matches(blank);
        at += stop + 1;
        let exported = name.strip_prefix("export ").map(|n| n.trim_matches(blank));
        let after = text.get(at..end).unwrap_or("");
        if after.is_empty() || after.starts_with('\n') {
            entries.push(Entry::new(name, String::new(), line));
            continue;
        }
        at = skip_blank(&text, at, end);
        if name.is_empty() {
            continue;
        }
        let (value, next) = env_file_value(text.get(at..end).unwrap_or(""));
        entries.push(Entry::new(exported.unwrap_or(name), value.0, line));
        at += next;
        if value.1 {
            at = skip_blank(&text, at, end);
        }
    }
    entries
}

fn skip_blank(text: &str, at: usize, end: usize) -> usize {
    text.get(at..end)
        .and_then(|rest| rest.find(|c| !blank(c)))
        .map_or(end, |n| at + n)
}

/// The value at the start of `content`, whether blanks are skipped after it, and how much of
/// `content` it used up.
fn env_file_value(content: &str) -> ((String, bool), usize) {
    let line_end = content.find('\n');
    if let Some(quote @ ('"' | '\'' | '`')) = content.chars().next() {
        if let Some(close) = content.get(1..).and_then(|r| r.find(quote)).map(|n| n + 1) {
            let inner = content.get(1..close).unwrap_or("");
            let value = if quote == '"' {
                inner.replace("\\n", "\n")
            } else {
                inner.to_owned()
            };
            let used = content
                .get(close..)
                .and_then(|r| r.find('\n'))
                .map_or(content.len(), |n| close + n + 1);
            return ((value, false), used);
        }
        let line = content
            .get(..line_end.unwrap_or(content.len()))
            .unwrap_or("");
        return (
            (line.to_owned(), true),
            line_end.map_or(content.len(), |n| n + 1),
        );
    }
    let line = content
        .get(..line_end.unwrap_or(content.len()))
        .unwrap_or("");
    let value = line.split('#').next().unwrap_or("").trim_matches(blank);
    (
        (value.to_owned(), true),
        line_end.map_or(content.len(), |n| n + 1),
    )
}
