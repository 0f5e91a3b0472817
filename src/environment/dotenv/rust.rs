//! Rust: dotenvy 0.15.

use super::text::{held, unify_newlines, without_bom, word};
use super::{DotenvError, Entry, Process};

/// dotenvy's iterator: the process wins inside `$NAME`; a bad line is an error.
pub(super) fn dotenvy(text: &str, process: &Process<'_>) -> Result<Vec<Entry>, DotenvError> {
    let text = unify_newlines(without_bom(text));
    let mut entries: Vec<Entry> = Vec::new();
    let mut pending = String::new();
    let mut first_line = 1;
    for (index, line) in text.split('\n').enumerate() {
        if pending.is_empty() {
            first_line = index + 1;
            if line.trim_start().starts_with('#') {
                continue;
            }
        } else {
            pending.push('\n');
        }
        pending.push_str(line);
        if inside_quotes(&pending) {
            continue;
        }
        let whole = std::mem::take(&mut pending);
        if let Some(entry) = assignment(&whole, first_line, &entries, process)? {
            entries.push(entry);
        }
    }
    if pending.is_empty() {
        Ok(entries)
    } else {
        Err(bad(first_line))
    }
}

fn bad(line: usize) -> DotenvError {
    DotenvError::new(line, "dotenvy cannot parse this line")
}

fn inside_quotes(text: &str) -> bool {
    let mut quote = None;
    let mut escaped = false;
    let mut before = '\n';
    for c in text.chars() {
        if escaped {
            escaped = false;
        } else {
            match (quote, c) {
                (None | Some('"'), '\\') => escaped = true,
                (None, '#') if before.is_whitespace() => return false,
                (None, '"' | '\'') => quote = Some(c),
                (Some(q), c) if q == c => quote = None,
                _ => {}
            }
        }
        before = c;
    }
    quote.is_some()
}

fn assignment(
    text: &str,
    line: usize,
    entries: &[Entry],
    process: &Process<'_>,
) -> Result<Option<Entry>, DotenvError> {
    let mut rest = text.trim();
    if rest.is_empty() || rest.starts_with('#') {
        return Ok(None);
    }
    let name = loop {
        let length = rest.find(|c| !(word(c) || c == '.')).unwrap_or(rest.len());
        let name = rest.get(..length).unwrap_or("");
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return Err(bad(line));
        }
        rest = rest.get(length..).unwrap_or("").trim_start();
        match rest.strip_prefix('=') {
            Some(after) => {
                rest = after.trim_start();
                break name;
            }
            None if name == "export" => {}
            None => return Err(bad(line)),
        }
    };
    if rest.is_empty() || rest.starts_with('#') {
        return Ok(Some(Entry::new(name, String::new(), line)));
    }
    let look = |n: &str| {
        process(n)
            .or_else(|| held(entries, n).and_then(|e| e.value.clone()))
            .unwrap_or_default()
    };
    let value = value(rest, &look).ok_or_else(|| bad(line))?;
    Ok(Some(Entry::new(name, value, line)))
}

fn value(text: &str, look: &dyn Fn(&str) -> String) -> Option<String> {
    let mut out = String::new();
    let mut quote: Option<char> = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('\''), c) => out.push(c),
            (_, '$') => {
                let braced = chars.next_if_eq(&'{').is_some();
                let mut name = String::new();
                while let Some(n) = chars.next_if(|n| {
                    if braced {
                        *n != '}'
                    } else {
                        n.is_alphanumeric()
                    }
                }) {
                    name.push(n);
                }
                if braced {
                    chars.next()?;
                }
                out.push_str(&look(&name));
            }
            (_, '\\') => match chars.next()? {
                'n' => out.push('\n'),
                other @ ('\\' | '\'' | '"' | '$' | ' ') => out.push(other),
                _ => return None,
            },
            (None, '"' | '\'') => quote = Some(c),
            (None, ' ' | '\t') => {
                let tail: String = chars.collect();
                let tail = tail.trim_start_matches([' ', '\t']);
                return (tail.is_empty() || tail.starts_with('#')).then_some(out);
            }
            (_, c) => out.push(c),
        }
    }
    quote.is_none().then_some(out)
}
