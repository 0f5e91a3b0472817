//! Interpolation on top of node's dotenv: dotenv-expand of five ages, dotenvx, Next, Vite.

use std::cell::Cell;
use std::collections::HashMap;

use super::node;
use super::text::{MARK, changed, new_names, output_of, own_up, word};
use super::{DotenvError, Entry, Process, settle};

type Read = Result<Vec<Entry>, DotenvError>;

/// Expansion that does not end (`A=${A}` in some ages) is cut off here: the library itself
/// overflows its stack or hangs.
const MAX_ROUNDS: usize = 200;
/// How many values are filled into others for one file.
const MAX_STEPS: usize = 5_000;
/// A value that grows past this is not one.
const MAX_VALUE: usize = 1 << 16;

/// What the values of a file look like while they are being expanded, and the process.
struct Scope<'a> {
    order: Vec<Entry>,
    parsed: HashMap<String, String>,
    process: &'a Process<'a>,
    /// The file's values as `dotenv.config()` put them into the process.
    loaded: HashMap<String, String>,
    /// How many values were filled in so far.
    steps: Cell<usize>,
}

impl<'a> Scope<'a> {
    fn new(entries: Vec<Entry>, process: &'a Process<'a>, load: bool) -> Self {
        let order = settle(entries);
        let parsed: HashMap<String, String> = order
            .iter()
            .map(|e| (e.name.clone(), e.value.clone().unwrap_or_default()))
            .collect();
        let loaded = if load { parsed.clone() } else { HashMap::new() };
        Scope {
            order,
            parsed,
            process,
            loaded,
            steps: Cell::new(0),
        }
    }

    /// Whether values lead to values for too long: two references each are many after a few.
    fn tired(&self, depth: usize) -> bool {
        self.steps.set(self.steps.get() + 1);
        depth > MAX_ROUNDS / 4 || self.steps.get() > MAX_STEPS
    }

    /// `process.env[name]` at this moment.
    fn env(&self, name: &str) -> Option<String> {
        (self.process)(name).or_else(|| self.loaded.get(name).cloned())
    }

    fn filled(&self, name: &str) -> Option<String> {
        self.env(name).filter(|v| !v.is_empty())
    }

    fn parsed_filled(&self, name: &str) -> Option<&String> {
        self.parsed.get(name).filter(|v| !v.is_empty())
    }

    /// Expands every value in order by `f`, each seeing the ones before it.
    fn each(mut self, f: impl Fn(&Scope<'_>, &str, &str) -> String) -> Vec<Entry> {
        for index in 0..self.order.len() {
            let Some(name) = self.order.get(index).map(|e| e.name.clone()) else {
                break;
            };
            let raw = self.parsed.get(&name).cloned().unwrap_or_default();
            let value = f(&self, &name, &raw);
            self.parsed.insert(name, value);
        }
        for entry in &mut self.order {
            entry.value = self.parsed.get(&entry.name).cloned();
        }
        self.order
    }
}

fn raw(text: &str) -> Vec<Entry> {
    node::assignments(text, |v| node::unquote(v, false))
}

/// Text that grew out of all bounds or went round in circles.
fn endless() -> String {
    MARK.to_string()
}

fn resolve_escapes(value: &str) -> String {
    value.replace("\\$", "$")
}

/// JavaScript's `text.replace(pattern, replacement)`: the first occurrence, with `$$`, `$&`,
/// `` $` `` and `$'` of the replacement meaning something.
fn js_replace(text: &str, pattern: &str, replacement: &str) -> String {
    let Some(at) = text.find(pattern) else {
        return text.to_owned();
    };
    let (before, from) = text.split_at(at);
    let after = from.get(pattern.len()..).unwrap_or("");
    let mut out = String::from(before);
    let mut rest = replacement;
    while let Some(n) = rest.find('$') {
        let (plain, dollar) = rest.split_at(n);
        out.push_str(plain);
        let special = dollar.chars().nth(1);
        match special {
            Some('$') => out.push('$'),
            Some('&') => out.push_str(pattern),
            Some('`') => out.push_str(before),
            Some('\'') => out.push_str(after),
            _ => {
                out.push('$');
                rest = dollar.get(1..).unwrap_or("");
                continue;
            }
        }
        rest = dollar.get(2..).unwrap_or("");
    }
    out.push_str(rest);
    out.push_str(after);
    out
}

/// dotenv-expand 5.
pub(super) fn five(text: &str, process: &Process<'_>) -> Read {
    let scope = Scope::new(raw(text), process, true);
    let entries = scope.each(|scope, name, raw| {
        let value = scope.env(name).unwrap_or_else(|| raw.to_owned());
        interpolate_5(&value, scope, 0)
    });
    Ok(own_up(changed(entries, process)))
}

fn interpolate_5(value: &str, scope: &Scope<'_>, depth: usize) -> String {
    if scope.tired(depth) {
        return endless();
    }
    let mut result = value.to_owned();
    for (prefix, name, whole) in groups_5(value) {
        let (from, to) = if prefix == Some('\\') {
            (whole.clone(), whole.replacen("\\$", "$", 1))
        } else {
            let used = prefix.map_or(0, char::len_utf8);
            let held = name
                .as_deref()
                .and_then(|n| scope.env(n).or_else(|| scope.parsed.get(n).cloned()))
                .unwrap_or_default();
            (
                whole.get(used..).unwrap_or("").to_owned(),
                interpolate_5(&held, scope, depth + 1),
            )
        };
        result = js_replace(&result, &from, &to);
        if result.len() > MAX_VALUE {
            return endless();
        }
    }
    result
}

/// Every `$NAME` or `${NAME}` with the character before it, braces and name being optional.
fn groups_5(value: &str) -> Vec<(Option<char>, Option<String>, String)> {
    let chars: Vec<char> = value.chars().collect();
    let mut groups = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let prefix = (chars.get(at + 1) == Some(&'$') && chars.get(at) != Some(&'\n'))
            .then(|| chars.get(at).copied())
            .flatten();
        if prefix.is_none() && chars.get(at) != Some(&'$') {
            at += 1;
            continue;
        }
        let start = at;
        at += usize::from(prefix.is_some()) + 1;
        at += usize::from(chars.get(at) == Some(&'{'));
        let name_at = at;
        while chars.get(at).is_some_and(|c| word(*c)) {
            at += 1;
        }
        let name: String = chars.get(name_at..at).unwrap_or(&[]).iter().collect();
        at += usize::from(chars.get(at) == Some(&'}'));
        let whole = chars.get(start..at).unwrap_or(&[]).iter().collect();
        groups.push((prefix, Some(name).filter(|n| !n.is_empty()), whole));
    }
    groups
}

/// dotenv-expand 10.
pub(super) fn ten(text: &str, process: &Process<'_>) -> Read {
    let entries = Scope::new(raw(text), process, true).each(expand_10);
    Ok(own_up(changed(entries, process)))
}

/// Next: dotenv-expand 10 before anything is in the process.
pub(super) fn next(text: &str, process: &Process<'_>) -> Read {
    let entries = Scope::new(raw(text), process, false).each(expand_10);
    Ok(own_up(new_names(entries, process)))
}

fn expand_10(scope: &Scope<'_>, name: &str, raw: &str) -> String {
    let mut value = scope.env(name).unwrap_or_else(|| raw.to_owned());
    for _ in 0..MAX_ROUNDS {
        let Some((group, name, default)) = last_group_10(&value) else {
            return resolve_escapes(&value);
        };
        let replacement = scope
            .filled(&name)
            .or_else(|| default.filter(|d| !d.is_empty()))
            .or_else(|| scope.parsed_filled(&name).cloned())
            .unwrap_or_default();
        value = js_replace(&value, &group, &replacement);
        if value.len() > MAX_VALUE {
            break;
        }
    }
    endless()
}

/// The group that the last unescaped dollar opens; `None` where it opens none.
fn last_group_10(value: &str) -> Option<(String, String, Option<String>)> {
    let at = value
        .match_indices('$')
        .map(|(at, _)| at)
        .rfind(|at| !value.get(..*at).is_some_and(|b| b.ends_with('\\')))?;
    let from = value.get(at..)?;
    let open = 1 + usize::from(from.get(1..)?.starts_with('{'));
    let body = from.get(open..)?;
    let length = body.find(|c| !word(c)).unwrap_or(body.len());
    let name = body.get(..length).filter(|n| !n.is_empty())?;
    let mut used = open + length;
    let mut default = None;
    if let Some(rest) = body.get(length..).and_then(|r| r.strip_prefix(":-")) {
        let end = rest.find(['}', '\\']).unwrap_or(rest.len());
        default = rest.get(..end).map(str::to_owned);
        used += 2 + end;
    }
    used += usize::from(from.get(used..)?.starts_with('}'));
    Some((from.get(..used)?.to_owned(), name.to_owned(), default))
}

/// dotenv-expand 11.
pub(super) fn eleven(text: &str, process: &Process<'_>) -> Read {
    let entries = Scope::new(raw(text), process, true).each(|scope, name, raw| {
        let value = match scope.env(name) {
            Some(own) if own != raw => own,
            _ => interpolate_11(raw, scope, 0),
        };
        resolve_escapes(&value)
    });
    Ok(own_up(changed(entries, process)))
}

fn interpolate_11(value: &str, scope: &Scope<'_>, depth: usize) -> String {
    if scope.tired(depth) {
        return endless();
    }
    let mut out = String::new();
    let mut rest = value;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        let Some((name, default, used)) = group_11(from) else {
            out.push_str(before);
            out.push('$');
            rest = from.get(1..).unwrap_or("");
            continue;
        };
        let whole = from.get(..used).unwrap_or("");
        match before.strip_suffix('\\') {
            Some(kept) => {
                out.push_str(kept);
                out.push_str(whole);
            }
            None => {
                out.push_str(before);
                out.push_str(&value_11(name, default, value, scope, depth));
            }
        }
        if out.len() > MAX_VALUE {
            return endless();
        }
        rest = from.get(used..).unwrap_or("");
    }
    out.push_str(rest);
    out
}

fn value_11(
    name: &str,
    default: Option<&str>,
    value: &str,
    scope: &Scope<'_>,
    depth: usize,
) -> String {
    if let Some(own) = scope.filled(name) {
        return if scope.parsed.get(name) == Some(&own) {
            own
        } else {
            interpolate_11(&own, scope, depth + 1)
        };
    }
    if let Some(held) = scope.parsed_filled(name)
        && held != value
    {
        return interpolate_11(held, scope, depth + 1);
    }
    match default {
        Some(d) if d.starts_with('$') => interpolate_11(d, scope, depth + 1),
        Some(d) => d.to_owned(),
        None => String::new(),
    }
}

/// `$NAME`, `${NAME}` with `-default` or `:-default` even without braces.
fn group_11(from: &str) -> Option<(&str, Option<&str>, usize)> {
    let after = from.get(1..)?;
    if after.starts_with('(') {
        return None;
    }
    let open = 1 + usize::from(after.starts_with('{'));
    let body = from.get(open..)?;
    let length = body.find(|c| !(word(c) || c == '.')).unwrap_or(body.len());
    let name = body.get(..length).filter(|n| !n.is_empty())?;
    let mut used = open + length;
    let mut default = None;
    let rest = body.get(length..)?;
    if let Some(text) = rest.strip_prefix(":-").or_else(|| rest.strip_prefix('-')) {
        let end = default_end_11(text, 0);
        if end > 0 {
            default = text.get(..end);
            used += rest.len() - text.len() + end;
        }
    }
    used += usize::from(from.get(used..)?.starts_with('}'));
    Some((name, default, used))
}

/// Where a default ends: at `}`, those of up to three nested `${` not counted.
fn default_end_11(text: &str, depth: usize) -> usize {
    let mut at = 0;
    while let Some(rest) = text
        .get(at..)
        .filter(|r| !r.is_empty() && !r.starts_with('}'))
    {
        if depth < 3
            && let Some(inner) = rest.strip_prefix("${")
        {
            let end = default_end_11(inner, depth + 1);
            if inner.get(end..).is_some_and(|r| r.starts_with('}')) {
                at += 2 + end + 1;
                continue;
            }
        }
        at += rest.chars().next().map_or(1, char::len_utf8);
    }
    at
}

/// dotenv-expand 12.
pub(super) fn twelve(text: &str, process: &Process<'_>) -> Read {
    let running = std::cell::RefCell::new(HashMap::new());
    let entries = Scope::new(raw(text), process, true).each(|scope, name, raw| {
        let value = match scope.filled(name) {
            Some(own) if own != raw => own,
            _ => {
                let held = running.borrow();
                expand_12(
                    raw,
                    &|n| scope.env(n).or_else(|| held.get(n).cloned()),
                    &held,
                )
            }
        };
        let value = resolve_escapes(&value);
        running.borrow_mut().insert(name.to_owned(), value.clone());
        value
    });
    Ok(own_up(changed(entries, process)))
}

/// Vite's `loadEnv`: node's own reader, then an own copy of dotenv-expand 12 in which every name
/// of the file is known from the start. The process wins in the end.
pub(super) fn vite(text: &str, process: &Process<'_>) -> Read {
    let mut sorted = settle(node::env_file(text, false));
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let entries = Scope::new(sorted, process, false).each(|scope, name, raw| {
        let value = match scope.filled(name) {
            Some(own) if own != raw => own,
            _ => expand_12(
                raw,
                &|n| scope.env(n).or_else(|| scope.parsed.get(n).cloned()),
                &scope.parsed,
            ),
        };
        resolve_escapes(&value)
    });
    let entries = entries.into_iter().map(|mut e| {
        if let Some(own) = process(&e.name) {
            e.value = Some(own);
        }
        e
    });
    Ok(own_up(entries.collect()))
}

/// An operator of `${NAME:-x}` and the like, with the text before and after it.
fn operator(expression: &str) -> (&str, &str, &str) {
    let found = expression.char_indices().find_map(|(at, c)| {
        let two = expression.get(at..at + 2);
        match (c, two) {
            (':', Some(op @ (":+" | ":-"))) => Some((at, op)),
            ('+' | '-', _) => expression.get(at..=at).map(|op| (at, op)),
            _ => None,
        }
    });
    match found {
        Some((at, op)) => (
            expression.get(..at).unwrap_or(""),
            op,
            expression.get(at + op.len()..).unwrap_or(""),
        ),
        None => (expression, "", ""),
    }
}

/// The first unescaped `${...}` or `$NAME`: its text and what is inside.
fn first_group(value: &str) -> Option<(&str, &str)> {
    value.match_indices('$').find_map(|(at, _)| {
        if value.get(..at)?.ends_with('\\') {
            return None;
        }
        let from = value.get(at..)?;
        if let Some(body) = from.get(1..)?.strip_prefix('{') {
            let end = body.find(['{', '}'])?;
            let closed = end > 0 && body.as_bytes().get(end) == Some(&b'}');
            return closed.then(|| Some((from.get(..end + 3)?, body.get(..end)?)))?;
        }
        let body = from.get(1..)?;
        let length = body.find(|c| !word(c)).unwrap_or(body.len());
        let name = body.get(..length)?;
        let starts = name.starts_with(|c: char| !c.is_ascii_digit()) && !name.is_empty();
        starts.then(|| Some((from.get(..=length)?, name)))?
    })
}

fn expand_12(
    value: &str,
    env: &dyn Fn(&str) -> Option<String>,
    running: &HashMap<String, String>,
) -> String {
    let mut result = value.to_owned();
    let mut seen: Vec<String> = Vec::new();
    for _ in 0..MAX_ROUNDS {
        let Some((template, expression)) = first_group(&result) else {
            return result;
        };
        let (name, op, rest) = operator(expression);
        let filled = env(name).filter(|v| !v.is_empty());
        seen.push(result.clone());
        let (held, default) = match op {
            ":+" | "+" => (None, filled.map_or("", |_| rest)),
            _ => (filled, rest),
        };
        let replacement = match &held {
            Some(v) if !seen.contains(v) => v.as_str(),
            _ => default,
        };
        let next = js_replace(&result, template, replacement);
        let stop = running.get(name) == Some(&next);
        result = next;
        if stop {
            return result;
        }
        if result.len() > MAX_VALUE {
            break;
        }
    }
    endless()
}

/// dotenv-expand 1000: dotenvx's own expansion, and commands.
pub(super) fn thousand(text: &str, process: &Process<'_>) -> Read {
    let running = std::cell::RefCell::new(HashMap::<String, String>::new());
    let original: HashMap<String, String> = settle(raw(text))
        .into_iter()
        .map(|e| (e.name, e.value.unwrap_or_default()))
        .collect();
    let entries = Scope::new(raw(text), process, true).each(|scope, name, raw| {
        let value = match scope.filled(name) {
            Some(own) if own != raw => own,
            _ => {
                let held = running.borrow();
                let own = |n: &str| {
                    scope
                        .env(n)
                        .filter(|v| !held.contains_key(n) || original.get(n) != Some(v))
                };
                let value = decrypted(raw);
                commands(&expand_x(
                    &value,
                    &|n| own(n).or_else(|| held.get(n).cloned()),
                    &|_| false,
                ))
            }
        };
        let value = resolve_escapes(&value);
        running.borrow_mut().insert(name.to_owned(), value.clone());
        value
    });
    Ok(own_up(changed(entries, process)))
}

/// `dotenvx run`: the process wins; values in single quotes stay as they are.
pub(super) fn dotenvx(text: &str, process: &Process<'_>) -> Read {
    let quotes = std::cell::RefCell::new(Vec::new());
    let raw = node::assignments(text, |v| {
        let trimmed = v.trim_matches(super::text::js_space);
        quotes.borrow_mut().push(trimmed.starts_with('\''));
        node::unquote(v, true)
    });
    let mut running: HashMap<String, String> = HashMap::new();
    let mut literals: HashMap<String, String> = HashMap::new();
    let mut entries = Vec::new();
    for (entry, single) in raw.into_iter().zip(quotes.into_inner()) {
        let own = process(&entry.name);
        let written = entry.value.clone().unwrap_or_default();
        let mut value = decrypted(&own.clone().unwrap_or(written));
        if !single {
            let ran = if own.is_none() {
                commands(&value)
            } else {
                value.clone()
            };
            if ran != value {
                value = ran;
            } else if own.as_deref().unwrap_or("").is_empty() {
                let expanded = expand_x(
                    &value,
                    &|n| process(n).or_else(|| running.get(n).cloned()),
                    &|n| literals.get(n).is_some_and(|l| first_group(l).is_some()),
                );
                value = resolve_escapes(&expanded);
            }
        } else {
            literals.insert(entry.name.clone(), value.clone());
        }
        running.insert(entry.name.clone(), value.clone());
        entries.push(Entry::new(entry.name, value, entry.line));
    }
    Ok(own_up(new_names(settle(entries), process)))
}

fn decrypted(value: &str) -> String {
    if value.starts_with("encrypted:") {
        MARK.to_string()
    } else {
        value.to_owned()
    }
}

fn expand_x(
    value: &str,
    env: &dyn Fn(&str) -> Option<String>,
    literal: &dyn Fn(&str) -> bool,
) -> String {
    let mut result = value.to_owned();
    for _ in 0..MAX_ROUNDS {
        let Some((template, expression)) = first_group(&result) else {
            return result;
        };
        let (name, op, rest) = operator(expression);
        let held = env(name);
        let filled = held.clone().filter(|v| !v.is_empty());
        let replacement = match op {
            ":-" => filled.unwrap_or_else(|| rest.to_owned()),
            "-" => held.clone().unwrap_or_else(|| rest.to_owned()),
            ":+" => filled.map_or(String::new(), |_| rest.to_owned()),
            "+" => held.as_ref().map_or(String::new(), |_| rest.to_owned()),
            _ => filled.unwrap_or_default(),
        };
        let next = js_replace(&result, template, &replacement);
        let stop = held.as_ref() == Some(&next) || literal(name);
        result = next;
        if stop {
            return result;
        }
        if result.len() > MAX_VALUE {
            break;
        }
    }
    endless()
}

/// `$(command)`: what it prints, where that can be said without running it.
fn commands(value: &str) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some(at) = rest.find("$(") {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        match super::text::closing_parenthesis(from, 1) {
            Some(end) => {
                let command = from.get(2..end - 1).unwrap_or("");
                out.push_str(&output_of(command));
                rest = from.get(end..).unwrap_or("");
            }
            None => {
                out.push_str("$(");
                rest = from.get(2..).unwrap_or("");
            }
        }
    }
    out.push_str(rest);
    out
}
