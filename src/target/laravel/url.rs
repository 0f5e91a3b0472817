//! A connection's `url`, merged into its configuration the way the framework does it: parts by
//! PHP's `parse_url`, decoded, read as JSON where they are; query parameters last and over all.

use std::rc::Rc;

use crate::command::Stop;
use crate::target::readers::php::{Array, Cell, Found, Key, Val, from_json, url};
use crate::target::url::decode;

/// Schemes that stand for a driver of another name.
const ALIASES: &[(&str, &str)] = &[
    ("mssql", "sqlsrv"),
    ("mysql2", "mysql"),
    ("postgres", "pgsql"),
    ("postgresql", "pgsql"),
    ("sqlite3", "sqlite"),
    ("redis", "tcp"),
    ("rediss", "tls"),
];

/// The configuration with its `url` merged in.
///
/// # Errors
/// Where the URL is malformed, the framework stops.
pub(super) fn merge(config: &Cell) -> Result<Cell, Stop> {
    let mut array = match &config.val {
        Val::Array(array) => (**array).clone(),
        Val::Str(_) => {
            let mut array = Array::default();
            array.set(Key::of("url"), config.clone());
            array
        }
        _ => return Ok(config.clone()),
    };
    let url_cell = match array.get(&Key::of("url")) {
        Found::Yes(cell) => cell.clone(),
        Found::No => return Ok(config.with(Val::Array(Rc::new(array)))),
        Found::Unknown(why) => config.with(Val::Unknown(why)),
    };
    array.remove(&Key::of("url"));
    match url_cell.val.truth() {
        Some(false) => return Ok(config.with(Val::Array(Rc::new(array)))),
        Some(true) => {}
        None => {
            array.poison(
                &url_cell
                    .why_unknown()
                    .unwrap_or("the url is not known")
                    .into(),
            );
            return Ok(config.with(Val::Array(Rc::new(array))));
        }
    }
    let Some(text) = url_cell.val.text() else {
        array.poison(&"the url is no text".into());
        return Ok(config.with(Val::Array(Rc::new(array))));
    };
    let text = sqlite_slashes(&text);
    let parts = url::parse(&text).ok_or_else(|| {
        Stop::new(
            "url-malformed",
            format!(
                "the connection's URL cannot be parsed ({})",
                url_cell.source
            ),
        )
    })?;
    for (key, val) in primary(&parts, &url_cell) {
        put(&mut array, key, val, &url_cell);
    }
    for (key, val) in query(parts.query.as_deref().unwrap_or(""), &url_cell) {
        put(&mut array, &key, val, &url_cell);
    }
    Ok(config.with(Val::Array(Rc::new(array))))
}

/// Sets a key, noting what it beat.
fn put(array: &mut Array, key: &str, val: Val, from: &Cell) {
    let mut cell = from.with(val);
    cell.source = from.source.with_note("url");
    if let Found::Yes(old) = array.get(&Key::of(key)) {
        cell.beat.push(old.source.clone());
    }
    array.set(Key::of(key), cell);
}

/// `sqlite:///x` has no host: the framework gives it one, so that `parse_url` takes it.
fn sqlite_slashes(text: &str) -> String {
    for scheme in ["sqlite", "sqlite3"] {
        if let Some(rest) = text.strip_prefix(&format!("{scheme}:///")) {
            return format!("{scheme}://null/{rest}");
        }
    }
    text.to_owned()
}

/// Text that is JSON becomes what it says.
fn native(text: &str, cell: &Cell) -> Val {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(json) => from_json(&json, cell),
        Err(_) => Val::Str(text.to_owned()),
    }
}

fn primary(parts: &url::Parts, cell: &Cell) -> Vec<(&'static str, Val)> {
    let decoded = |text: &Option<String>| text.as_deref().map(|t| native(&decode(t), cell));
    let mut out = Vec::new();
    if let Some(scheme) = decoded(&parts.scheme)
        .and_then(|v| v.text())
        .filter(|s| !s.is_empty())
    {
        let driver = ALIASES
            .iter()
            .find(|(alias, _)| *alias == scheme)
            .map_or(scheme.as_str(), |(_, driver)| driver);
        out.push(("driver", Val::Str(driver.to_owned())));
    }
    if let Some(path) = decoded(&parts.path)
        .filter(|v| v.truth() == Some(true))
        .and_then(|v| v.text())
        && path != "/"
    {
        out.push(("database", Val::Str(path.chars().skip(1).collect())));
    }
    let port = parts.port.map(|p| Val::Int(i64::from(p)));
    for (key, val) in [
        ("host", decoded(&parts.host)),
        ("port", port),
        ("username", decoded(&parts.user)),
        (
            "password",
            parts.pass.as_ref().map(|_| Val::Str(String::new())),
        ),
    ] {
        if let Some(val) = val.filter(|v| !matches!(v, Val::Null)) {
            out.push((key, val));
        }
    }
    out
}

/// `parse_str`, one or two levels of brackets deep.
fn query(text: &str, cell: &Cell) -> Vec<(String, Val)> {
    let mut root = Array::default();
    for pair in text.split('&').filter(|p| !p.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(&name.replace('+', " "));
        let value = native(&decode(&value.replace('+', " ")), cell);
        let name = name.trim_start_matches(' ');
        let (head, keys) = brackets(name);
        let head = head.replace(['.', ' '], "_");
        if !head.is_empty() {
            nest(&mut root, &head, &keys, cell.with(value));
        }
    }
    root.iter()
        .map(|(key, cell)| (key.text(), cell.val.clone()))
        .collect()
}

/// `a[b][c]` as `a` and `[b, c]`.
fn brackets(name: &str) -> (String, Vec<String>) {
    let Some(open) = name.find('[').filter(|at| *at > 0) else {
        return (name.to_owned(), Vec::new());
    };
    let mut keys = Vec::new();
    let mut rest = &name[open..];
    while let Some(inner) = rest.strip_prefix('[') {
        let Some(close) = inner.find(']') else { break };
        keys.push(inner[..close].to_owned());
        rest = &inner[close + 1..];
        if keys.len() > 8 {
            break;
        }
    }
    if keys.is_empty() {
        return (name.replace('[', "_"), keys);
    }
    (name[..open].to_owned(), keys)
}

fn nest(array: &mut Array, head: &str, keys: &[String], cell: Cell) {
    let key = Key::of(head);
    let Some((next, rest)) = keys.split_first() else {
        return if head.is_empty() {
            array.push(cell)
        } else {
            array.set(key, cell)
        };
    };
    let mut inner = match array.get(&key) {
        Found::Yes(Cell {
            val: Val::Array(inner),
            ..
        }) if !head.is_empty() => (**inner).clone(),
        _ => Array::default(),
    };
    nest(&mut inner, next, rest, cell.clone());
    let wrapped = cell.with(Val::Array(Rc::new(inner)));
    if head.is_empty() {
        array.push(wrapped)
    } else {
        array.set(key, wrapped)
    }
}
