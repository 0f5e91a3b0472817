//! Go: godotenv, and compose-go (docker compose 2).

use super::text::{Lines, go_blank, held, without_bom};
use super::{DotenvError, Entry, Process};

type Read = Result<Vec<Entry>, DotenvError>;

/// The start of the next statement: no blank, no comment.
fn statement(text: &str, mut at: usize) -> Option<usize> {
    loop {
        let rest = text.get(at..)?;
        at += rest.find(|c: char| !c.is_whitespace())?;
        let rest = text.get(at..)?;
        if !rest.starts_with('#') {
            return Some(at);
        }
        at += rest.find('\n')?;
    }
}

fn skip_blanks(text: &str, at: usize) -> usize {
    super::assignment::skip(text, at, go_blank)
}

fn after_export(text: &str, at: usize) -> usize {
    match text.get(at..).and_then(|r| r.strip_prefix("export")) {
        Some(rest) if rest.starts_with(go_blank) => skip_blanks(text, at + "export".len()),
        _ => at,
    }
}

fn bad_name(line: usize, c: char) -> DotenvError {
    DotenvError::new(
        line,
        format!("unexpected character {c:?} in a variable name"),
    )
}

fn unterminated(line: usize) -> DotenvError {
    DotenvError::new(line, "a quoted value is not terminated")
}

/// godotenv 1.5.
pub(super) fn godotenv(text: &str, _: &Process<'_>) -> Read {
    let text = text.replace("\r\n", "\n");
    let mut lines = Lines::new(&text);
    let mut entries: Vec<Entry> = Vec::new();
    let mut at = 0;
    while let Some(start) = statement(&text, at) {
        let start = after_export(&text, skip_blanks(&text, start));
        let line = lines.of(start);
        let rest = text.get(start..).unwrap_or("");
        let mut name = "";
        let mut value_at = start;
        for (offset, c) in rest.char_indices() {
            match c {
                '=' | ':' => {
                    name = rest.get(..offset).unwrap_or("").trim_end();
                    value_at = start + offset + 1;
                    break;
                }
                c if go_blank(c) || c.is_alphanumeric() || c == '_' || c == '.' => {}
                c => return Err(bad_name(line, c)),
            }
        }
        let (value, next) = godotenv_value(&text, skip_blanks(&text, value_at), &entries)
            .ok_or_else(|| unterminated(line))?;
        entries.push(Entry::new(name, value, line));
        at = next.max(start);
        if at >= text.len() {
            break;
        }
    }
    Ok(super::settle(entries))
}

fn godotenv_value(text: &str, at: usize, entries: &[Entry]) -> Option<(String, usize)> {
    let rest = text.get(at..).unwrap_or("");
    let Some(quote @ ('"' | '\'')) = rest.chars().next() else {
        let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let line = rest.get(..end).unwrap_or("");
        let comment = line
            .rmatch_indices('#')
            .find(|(n, _)| line.get(..*n).is_some_and(|b| b.ends_with(go_blank)))
            .map_or(line.len(), |(n, _)| n);
        let value = line.get(..comment).unwrap_or("").trim_matches(go_blank);
        return Some((go_variables(value, entries), at + end));
    };
    let close = rest
        .match_indices(quote)
        .map(|(n, _)| n)
        .find(|n| *n > 0 && rest.as_bytes().get(n - 1) != Some(&b'\\'))?;
    let inner = rest.get(..close)?.trim_matches(quote);
    let value = if quote == '"' {
        go_variables(&go_escapes(inner), entries)
    } else {
        inner.to_owned()
    };
    Some((value, at + close + 1))
}

fn go_escapes(text: &str) -> String {
    let mut once = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek().copied()) {
            ('\\', Some('n')) => once.push('\n'),
            ('\\', Some('r')) => once.push('\r'),
            ('\\', Some(other)) if other != '\n' => {
                once.push('\\');
                once.push(other);
            }
            _ => {
                once.push(c);
                continue;
            }
        }
        chars.next();
    }
    let mut out = String::with_capacity(once.len());
    let mut chars = once.chars();
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

/// `$NAME` and `${NAME}` in capitals, from the file alone.
fn go_variables(text: &str, entries: &[Entry]) -> String {
    let capital = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        let mut used = 1;
        used += usize::from(from.get(used..).is_some_and(|r| r.starts_with('(')));
        used += usize::from(from.get(used..).is_some_and(|r| r.starts_with('{')));
        let body = from.get(used..).unwrap_or("");
        let length = body.find(|c| !capital(c)).unwrap_or(body.len());
        let name = body.get(..length).unwrap_or("");
        used += length;
        used += usize::from(from.get(used..).is_some_and(|r| r.starts_with('}')));
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
                } else if let Some(value) = held(entries, name).and_then(|e| e.value.as_deref()) {
                    out.push_str(value);
                }
            }
        }
        rest = from.get(used..).unwrap_or("");
    }
    out.push_str(rest);
    out
}

/// compose-go 2: values of the process win inside `${}`.
pub(super) fn compose(text: &str, process: &Process<'_>) -> Read {
    let text = without_bom(text);
    let mut lines = Lines::new(text);
    let mut entries: Vec<Entry> = Vec::new();
    let mut at = 0;
    while let Some(start) = statement(text, at) {
        let start = after_export(text, start);
        let line = lines.of(start);
        let rest = text.get(start..).unwrap_or("");
        let (mut name, mut left, mut alone) = ("", start, false);
        for (offset, c) in rest.char_indices() {
            match c {
                '=' | ':' | '\n' => {
                    name = rest.get(..offset).unwrap_or("");
                    left = start + offset + 1;
                    alone = c == '\n';
                    break;
                }
                c if go_blank(c) || c.is_alphanumeric() || "_.-[]".contains(c) => {}
                c => return Err(bad_name(line, c)),
            }
        }
        let name = name.trim_end();
        if name.contains(' ') {
            return Err(DotenvError::new(line, "a name cannot contain a blank"));
        }
        left = skip_blanks(text, left);
        if alone {
            if let Some(value) = process(name) {
                entries.push(Entry::new(name, value, line));
            }
            at = left;
            continue;
        }
        let look = |n: &str| process(n).or_else(|| held(&entries, n).and_then(|e| e.value.clone()));
        let (value, next) = compose_value(text, left, &look)
            .map_err(|what| DotenvError::new(line, what))?
            .ok_or_else(|| unterminated(line))?;
        entries.push(Entry::new(name, value, line));
        if next <= at && next <= start {
            break;
        }
        at = next;
    }
    Ok(super::settle(entries))
}

type Look<'a> = dyn Fn(&str) -> Option<String> + 'a;

fn compose_value(
    text: &str,
    at: usize,
    look: &Look<'_>,
) -> Result<Option<(String, usize)>, String> {
    let rest = text.get(at..).unwrap_or("");
    let Some(quote @ ('"' | '\'')) = rest.chars().next() else {
        let end = rest.find('\n').unwrap_or(rest.len());
        let line = rest.get(..end).unwrap_or("");
        let value = line.split(" #").next().unwrap_or("").trim_end();
        return Ok(Some((
            substitute(value, look, 0)?,
            (at + end + 1).min(text.len()),
        )));
    };
    let mut inner = String::new();
    let mut escaped = false;
    for (offset, c) in rest.char_indices().skip(1) {
        if c != quote {
            if !escaped && c == '\\' {
                escaped = true;
                continue;
            }
            if escaped {
                escaped = false;
                inner.push('\\');
            }
            inner.push(c);
        } else if escaped {
            escaped = false;
            inner.push(c);
        } else {
            let value = if quote == '"' {
                substitute(&compose_escapes(&inner), look, 0)?
            } else {
                inner
            };
            return Ok(Some((value, at + offset + 1)));
        }
    }
    Ok(None)
}

fn compose_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let next = from.chars().nth(1);
        let simple = match next {
            Some('a') => Some("\u{7}"),
            Some('b') => Some("\u{8}"),
            Some('f') => Some("\u{c}"),
            Some('n') => Some("\n"),
            Some('r') => Some("\r"),
            Some('t') => Some("\t"),
            Some('v') => Some("\u{b}"),
            Some('$') => Some("$$"),
            Some('"') => Some("\""),
            Some('\\') => Some("\\"),
            _ => None,
        };
        if let Some(simple) = simple {
            out.push_str(simple);
            rest = from.get(2..).unwrap_or("");
            continue;
        }
        let digits = from
            .get(2..5)
            .filter(|d| next == Some('0') && d.bytes().all(|b| (b'0'..=b'7').contains(&b)));
        match digits
            .and_then(|d| u32::from_str_radix(d, 8).ok())
            .and_then(char::from_u32)
        {
            Some(c) => {
                out.push(c);
                rest = from.get(5..).unwrap_or("");
            }
            None => {
                out.push('\\');
                rest = from.get(1..).unwrap_or("");
            }
        }
    }
    out.push_str(rest);
    out
}

/// Compose's `$NAME`, `${NAME}`, `${NAME:-x}` and the like, `$$` being a dollar.
///
/// # Errors
/// `${NAME:?}` without the variable, and what is no template.
fn substitute(text: &str, look: &Look<'_>, depth: usize) -> Result<String, String> {
    if depth > 20 {
        return Err("interpolation is nested too deep".to_owned());
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let after = from.get(1..).unwrap_or("");
        if after.starts_with('$') {
            out.push('$');
            rest = after.get(1..).unwrap_or("");
        } else if let Some(body) = after.strip_prefix('{') {
            let close = braces(body).ok_or("invalid template: `${` without its end")?;
            out.push_str(&braced(body.get(..close).unwrap_or(""), look, depth)?);
            rest = body.get(close + 1..).unwrap_or("");
        } else {
            let length = name_length(after);
            if length == 0 {
                out.push('$');
            } else {
                out.push_str(&look(after.get(..length).unwrap_or("")).unwrap_or_default());
            }
            rest = after.get(length..).unwrap_or("");
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn name_length(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c| !super::text::word(c)).unwrap_or(text.len())
}

/// The offset of the brace that closes the one before `body`.
fn braces(body: &str) -> Option<usize> {
    let mut depth = 1usize;
    for (at, c) in body.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

fn braced(body: &str, look: &Look<'_>, depth: usize) -> Result<String, String> {
    let length = name_length(body);
    let name = body
        .get(..length)
        .filter(|n| !n.is_empty())
        .ok_or("invalid template")?;
    let rest = body.get(length..).unwrap_or("");
    let value = look(name);
    if rest.is_empty() {
        return Ok(value.unwrap_or_default());
    }
    let (filled, operator) = match rest.strip_prefix(':') {
        Some(op) => (value.clone().filter(|v| !v.is_empty()), op),
        None => (value.clone(), rest),
    };
    let argument = operator.get(1..).unwrap_or("");
    match operator.chars().next() {
        Some('-') => filled.map_or_else(|| substitute(argument, look, depth + 1), Ok),
        Some('+') => match filled {
            Some(_) => substitute(argument, look, depth + 1),
            None => Ok(value.unwrap_or_default()),
        },
        Some('?') => match filled {
            Some(v) => Ok(v),
            None => Err(format!("required variable {name} is missing a value")),
        },
        _ => Err("invalid template".to_owned()),
    }
}
