//! django-environ: `read_env`, `read_env(parse_comments=True)`, and the values as `env("NAME")`
//! hands them out.

use super::text::{new_names, python_space};
use super::{DotenvError, Entry, Process};

type Read = Result<Vec<Entry>, DotenvError>;

/// `read_env()`.
pub(super) fn read_env(text: &str, process: &Process<'_>) -> Read {
    Ok(new_names(super::settle(entries(text, false)), process))
}

/// `read_env(parse_comments=True)`.
pub(super) fn with_comments(text: &str, process: &Process<'_>) -> Read {
    Ok(new_names(super::settle(entries(text, true)), process))
}

/// `env("NAME")` after `read_env()`: a value that starts with `$` names another variable.
pub(super) fn lookup(text: &str, process: &Process<'_>) -> Read {
    let all = super::settle(entries(text, false));
    let value = |name: &str| {
        process(name).or_else(|| {
            all.iter()
                .find(|e| e.name == name)
                .and_then(|e| e.value.clone())
        })
    };
    let looked_up = all.iter().cloned().map(|mut entry| {
        match follow(&entry.name, &value) {
            Ok(found) => entry.value = Some(found),
            Err(why) => {
                entry.value = None;
                entry.unknown = Some(why);
            }
        }
        entry
    });
    Ok(new_names(looked_up.collect(), process))
}

/// The value of a variable as `env()` gives it, indirections followed.
///
/// # Errors
/// The words of the library where a variable is not set.
pub(super) fn follow(name: &str, value: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut name = name.to_owned();
    for _ in 0..64 {
        let Some(found) = value(&name) else {
            return Err(format!(
                "ImproperlyConfigured: Set the {name} environment variable"
            ));
        };
        if !found.starts_with('$') {
            return Ok(found);
        }
        name = found.trim_start_matches('$').to_owned();
    }
    Err("RecursionError: variables that name each other".to_owned())
}

fn python_line_end(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn entries(text: &str, comments: bool) -> Vec<Entry> {
    let text = text.replace("\r\n", "\n");
    let mut out = Vec::new();
    let mut line_number = 1;
    for line in text.split_inclusive(python_line_end) {
        let here = line_number;
        line_number += usize::from(line.ends_with(['\n', '\r']));
        let line = line.trim_end_matches(python_line_end);
        let body = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, raw)) = body.split_once('=') else {
            continue;
        };
        if name.is_empty() || !name.chars().all(super::text::word) {
            continue;
        }
        out.push(Entry::new(name, value(raw, comments), here));
    }
    out
}

fn value(raw: &str, comments: bool) -> String {
    let value = if comments {
        single_before_comment(raw).unwrap_or_else(|| raw.split('#').next().unwrap_or(""))
    } else {
        super::assignment::unquoted(raw, "'").unwrap_or(raw)
    };
    match super::assignment::unquoted(value, "\"") {
        Some(inner) => unescaped(inner),
        None => value.to_owned(),
    }
}

/// `'value'` with blanks and a comment around it: the text up to the last quote that fits.
fn single_before_comment(raw: &str) -> Option<&str> {
    let inner = raw.trim_start_matches(python_space).strip_prefix('\'')?;
    inner.rmatch_indices('\'').find_map(|(close, _)| {
        let after = inner.get(close + 1..)?.trim_start_matches(python_space);
        (after.is_empty() || after.starts_with('#')).then(|| inner.get(..close))?
    })
}

/// A backslash goes away before everything but `r`, `n` and `t`.
fn unescaped(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some(kept @ ('r' | 'n' | 't')) => {
                out.push('\\');
                out.push(kept);
            }
            Some(other) => out.push(other),
            None => out.push('\\'),
        }
    }
    out
}
