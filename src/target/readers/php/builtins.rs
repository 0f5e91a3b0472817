//! PHP's own functions and operators, as far as configuration uses them. `None`: not followed.

use std::rc::Rc;

use super::url;
use super::value::{Array, Cell, Found, Key, Val};
use crate::target::readers::{self, joined};

/// A binary operator on two values.
pub(super) fn operate(op: &str, a: &Val, b: &Val) -> Option<Val> {
    Some(match op {
        "." => Val::Str(a.text()? + &b.text()?),
        "===" => Val::Bool(a.identical(b)?),
        "!==" => Val::Bool(!a.identical(b)?),
        "==" => Val::Bool(a.equal(b)?),
        "!=" | "<>" => Val::Bool(!a.equal(b)?),
        "+" | "-" | "*" | "%" => return arithmetic(op, a, b),
        "<" | "<=" | ">" | ">=" => {
            let (x, y) = (whole(a)?, whole(b)?);
            Val::Bool(match op {
                "<" => x < y,
                "<=" => x <= y,
                ">" => x > y,
                _ => x >= y,
            })
        }
        "xor" => Val::Bool(a.truth()? != b.truth()?),
        _ => return None,
    })
}

fn whole(val: &Val) -> Option<i64> {
    match val {
        Val::Int(n) => Some(*n),
        Val::Str(s) => s.parse().ok(),
        _ => None,
    }
}

fn arithmetic(op: &str, a: &Val, b: &Val) -> Option<Val> {
    let (x, y) = (whole(a)?, whole(b)?);
    let out = match op {
        "+" => x.checked_add(y),
        "-" => x.checked_sub(y),
        "*" => x.checked_mul(y),
        _ => x.checked_rem(y),
    };
    out.map(Val::Int)
}

/// Functions that are known not to write to their arguments.
pub(super) fn is_pure(name: &str) -> bool {
    PURE.contains(&name)
}

const PURE: &[&str] = &[
    "extension_loaded",
    "defined",
    "constant",
    "function_exists",
    "class_exists",
    "version_compare",
    "env",
    "array_filter",
    "array_map",
    "array_merge",
    "config",
    "base_path",
    "database_path",
    "storage_path",
    "config_path",
    "app_path",
    "public_path",
    "resource_path",
    "preg_replace",
    "sprintf",
    "json_decode",
    "file_get_contents",
    "base64_decode",
    "php_sapi_name",
    "gethostname",
    "date",
    "time",
    "hash",
    "md5",
    "sha1",
    "strtr",
    "phpversion",
    "getenv",
    "filter_var",
    "ini_get",
    "collect",
    "app",
    "now",
    "str",
    "windows_os",
];

fn text(args: &[Cell], at: usize) -> Option<String> {
    args.get(at)?.val.text()
}

fn int(args: &[Cell], at: usize) -> Option<i64> {
    args.get(at)?.val.int()
}

fn array(args: &[Cell], at: usize) -> Option<&Rc<Array>> {
    match &args.get(at)?.val {
        Val::Array(array) => Some(array),
        _ => None,
    }
}

/// An array that is known altogether.
fn closed(args: &[Cell], at: usize) -> Option<&Rc<Array>> {
    array(args, at).filter(|a| a.why_open().is_none())
}

fn string(text: impl Into<String>) -> Val {
    Val::Str(text.into())
}

/// A function of PHP.
pub(super) fn function(name: &str, args: &[Cell]) -> Option<Val> {
    if let Some(val) = strings(name, args) {
        return Some(val);
    }
    if let Some(val) = arrays(name, args) {
        return Some(val);
    }
    Some(match name {
        "is_null" => Val::Bool(matches!(known(args)?, Val::Null)),
        "is_string" => Val::Bool(matches!(known(args)?, Val::Str(_))),
        "is_array" => Val::Bool(matches!(known(args)?, Val::Array(_))),
        "is_int" | "is_integer" => Val::Bool(matches!(known(args)?, Val::Int(_))),
        "is_bool" => Val::Bool(matches!(known(args)?, Val::Bool(_))),
        "is_numeric" => Val::Bool(match known(args)? {
            Val::Int(_) | Val::Float(_) => true,
            Val::Str(s) => super::value::number(s).is_some(),
            _ => false,
        }),
        "intval" if args.len() == 1 => Val::Int(int(args, 0)?),
        "strval" => string(text(args, 0)?),
        "boolval" => Val::Bool(known(args)?.truth()?),
        "filled" => Val::Bool(!blank(known(args)?)?),
        "blank" => Val::Bool(blank(known(args)?)?),
        "parse_url" => parse_url(args)?,
        "php_sapi_name" => string("cli"),
        "json_decode" if int(args, 1).unwrap_or(0) == 1 => {
            from_json(&serde_json::from_str(&text(args, 0)?).ok()?, &args[0])
        }
        "base64_decode" => string(base64(&text(args, 0)?)?),
        // FILTER_VALIDATE_BOOLEAN without options.
        "filter_var" if args.len() == 2 && int(args, 1)? == 258 => {
            let word = text(args, 0)?.trim().to_ascii_lowercase();
            Val::Bool(matches!(word.as_str(), "1" | "true" | "on" | "yes"))
        }
        "dirname" => string(dirname(
            &text(args, 0)?,
            args.get(1).map_or(Some(1), |a| a.val.int())?,
        )),
        "basename" if args.len() == 1 => string(
            text(args, 0)?
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .unwrap_or("")
                .to_owned(),
        ),
        "max" | "min" if args.len() == 2 => {
            let (a, b) = (whole(&args[0].val)?, whole(&args[1].val)?);
            Val::Int(if name == "max" { a.max(b) } else { a.min(b) })
        }
        _ => return None,
    })
}

/// Text in base64; what PHP would skip is not followed.
fn base64(text: &str) -> Option<String> {
    let mut bits = 0u32;
    let mut out = Vec::new();
    for (n, c) in text.trim_end_matches('=').bytes().enumerate() {
        let digit = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        if n % 4 > 0 {
            let [.., byte] = (bits >> (6 - 2 * (n % 4))).to_be_bytes();
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

fn known(args: &[Cell]) -> Option<&Val> {
    args.first()
        .map(|a| &a.val)
        .filter(|v| !matches!(v, Val::Unknown(_)))
}

fn blank(val: &Val) -> Option<bool> {
    Some(match val {
        Val::Null => true,
        Val::Str(s) => s.trim().is_empty(),
        Val::Array(a) => a.is_empty(),
        Val::Unknown(_) => return None,
        _ => false,
    })
}

fn dirname(path: &str, levels: i64) -> String {
    let mut path = path.trim_end_matches('/').to_owned();
    for _ in 0..levels.clamp(1, 32) {
        path = match path.rfind('/') {
            Some(0) => "/".to_owned(),
            Some(at) => path[..at].to_owned(),
            None => ".".to_owned(),
        };
    }
    path
}

fn strings(name: &str, args: &[Cell]) -> Option<Val> {
    let s = |at| text(args, at);
    Some(match name {
        "strtolower" | "mb_strtolower" | "lcfirst" | "strtoupper" | "mb_strtoupper" | "ucfirst" => {
            let t = s(0)?;
            match name {
                "strtolower" => string(t.to_ascii_lowercase()),
                "mb_strtolower" => string(t.to_lowercase()),
                "strtoupper" => string(t.to_ascii_uppercase()),
                "mb_strtoupper" => string(t.to_uppercase()),
                _ => {
                    let (head, tail) = t.split_at_checked(1).unwrap_or((&t, ""));
                    let head = if name == "ucfirst" {
                        head.to_ascii_uppercase()
                    } else {
                        head.to_ascii_lowercase()
                    };
                    string(head + tail)
                }
            }
        }
        "trim" | "ltrim" | "rtrim" | "chop" => {
            let t = s(0)?;
            let set: Vec<char> = match args.get(1) {
                Some(list) => {
                    let list = list.val.text()?;
                    if list.contains("..") {
                        return None;
                    }
                    list.chars().collect()
                }
                None => vec![' ', '\n', '\r', '\t', '\0', '\u{B}'],
            };
            string(match name {
                "trim" => t.trim_matches(set.as_slice()),
                "ltrim" => t.trim_start_matches(set.as_slice()),
                _ => t.trim_end_matches(set.as_slice()),
            })
        }
        "substr" | "mb_substr" => substr(&s(0)?, int(args, 1)?, args.get(2))?,
        "strlen" => Val::Int(i64::try_from(s(0)?.len()).ok()?),
        "str_replace" if args.len() == 3 => str_replace(args)?,
        "str_contains" => Val::Bool(s(0)?.contains(&s(1)?)),
        "str_starts_with" => Val::Bool(s(0)?.starts_with(&s(1)?)),
        "str_ends_with" => Val::Bool(s(0)?.ends_with(&s(1)?)),
        "strpos" if args.len() == 2 => match s(0)?.find(&s(1)?) {
            Some(at) => Val::Int(i64::try_from(at).ok()?),
            None => Val::Bool(false),
        },
        "strstr" if args.len() == 2 => match s(0)?.split_once(&s(1)?) {
            Some((before, _)) => string(&s(0)?[before.len()..]),
            None => Val::Bool(false),
        },
        "strcmp" => Val::Int(match s(0)?.cmp(&s(1)?) {
            std::cmp::Ordering::Less => -1,
            std::cmp::Ordering::Equal => 0,
            std::cmp::Ordering::Greater => 1,
        }),
        "explode" => {
            let (separator, t) = (s(0)?, s(1)?);
            if separator.is_empty() {
                return None;
            }
            let limit = args.get(2).map_or(Some(i64::MAX), |a| a.val.int())?;
            if limit < 1 {
                return None;
            }
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let mut out = Array::default();
            for part in t.splitn(limit, &separator) {
                out.push(args[1].with(string(part)));
            }
            Val::Array(Rc::new(out))
        }
        "implode" | "join" => {
            let (glue, list) = match array(args, 0) {
                Some(_) => (s(1).unwrap_or_default(), closed(args, 0)?),
                None => (s(0)?, closed(args, 1)?),
            };
            let parts: Option<Vec<String>> = list.iter().map(|(_, c)| c.val.text()).collect();
            string(joined(&parts?, &glue)?)
        }
        "sprintf" => sprintf(args)?,
        "rawurldecode" => string(crate::target::url::decode(&s(0)?)),
        "urldecode" => string(crate::target::url::decode(&s(0)?.replace('+', " "))),
        _ => return None,
    })
}

fn substr(t: &str, start: i64, length: Option<&Cell>) -> Option<Val> {
    if !t.is_ascii() {
        return None;
    }
    let size = i64::try_from(t.len()).ok()?;
    let from = if start < 0 {
        (size + start).max(0)
    } else {
        start.min(size)
    };
    let to = match length.map(|c| &c.val) {
        None | Some(Val::Null) => size,
        Some(val) => match val.int()? {
            n if n < 0 => size.saturating_add(n),
            n => from.saturating_add(n).min(size),
        },
    };
    let range = usize::try_from(from).ok()?..usize::try_from(to.max(from)).ok()?;
    Some(string(t.get(range)?))
}

fn str_replace(args: &[Cell]) -> Option<Val> {
    let subject = text(args, 2)?;
    let list = |at: usize| -> Option<Vec<String>> {
        match &args.get(at)?.val {
            Val::Array(a) if a.why_open().is_none() => {
                a.iter().map(|(_, c)| c.val.text()).collect()
            }
            other => Some(vec![other.text()?]),
        }
    };
    let (search, replace) = (list(0)?, list(1)?);
    let many = matches!(args[1].val, Val::Array(_));
    let mut out = subject;
    for (n, needle) in search.iter().enumerate() {
        if needle.is_empty() {
            continue;
        }
        let with = if many {
            replace.get(n).map_or("", String::as_str)
        } else {
            replace.first()?.as_str()
        };
        out = readers::replaced(&out, needle, with)?;
    }
    Some(string(out))
}

/// `sprintf` with `%s`, `%d`, `%03d` and `%%`.
fn sprintf(args: &[Cell]) -> Option<Val> {
    let format = text(args, 0)?;
    let mut out = String::new();
    let mut next = 1;
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut kind = chars.next()?;
        let mut width = 0;
        if kind == '0' {
            kind = chars.next()?;
            width = kind.to_digit(10)? as usize;
            kind = chars.next()?;
        }
        match kind {
            '%' => out.push('%'),
            's' if width == 0 => {
                out.push_str(&text(args, next)?);
                next += 1;
            }
            'd' => {
                out.push_str(&format!("{:0width$}", int(args, next)?));
                next += 1;
            }
            _ => return None,
        }
    }
    Some(string(out))
}

fn arrays(name: &str, args: &[Cell]) -> Option<Val> {
    Some(match name {
        "array_merge" | "array_replace" => {
            let mut out = Array::default();
            for cell in args {
                match &cell.val {
                    Val::Array(list) => {
                        if let Some(why) = list.why_open() {
                            out.poison(why);
                        }
                        for (key, value) in list.iter() {
                            match key {
                                Key::Int(_) if name == "array_merge" => out.push(value.clone()),
                                _ => out.set(key.clone(), value.clone()),
                            }
                        }
                    }
                    Val::Unknown(why) => out.poison(why),
                    _ => return None,
                }
            }
            Val::Array(Rc::new(out))
        }
        "array_replace_recursive" => {
            let mut cells = args.iter();
            let mut out = cells.next()?.clone();
            for cell in cells {
                out = replaced(&out, cell)?;
            }
            out.val
        }
        "count" | "sizeof" => Val::Int(i64::try_from(closed(args, 0)?.len()).ok()?),
        "array_keys" if args.len() == 1 => list(closed(args, 0)?.iter().map(|(k, c)| {
            c.with(match k {
                Key::Int(n) => Val::Int(*n),
                Key::Str(s) => string(s.clone()),
            })
        })),
        "array_values" => list(closed(args, 0)?.iter().map(|(_, c)| c.clone())),
        "array_key_exists" | "key_exists" => match array(args, 1)?.get(&Key::of(&text(args, 0)?)) {
            Found::Yes(cell) if !matches!(cell.val, Val::Unknown(_)) => Val::Bool(true),
            Found::No => Val::Bool(false),
            _ => return None,
        },
        "in_array" => {
            let strict = args.get(2).is_some_and(|a| a.val.truth() == Some(true));
            let needle = &args.first()?.val;
            let mut found = false;
            for (_, cell) in closed(args, 1)?.iter() {
                found |= if strict {
                    needle.identical(&cell.val)?
                } else {
                    needle.equal(&cell.val)?
                };
            }
            Val::Bool(found)
        }
        "array_combine" => {
            let mut out = Array::default();
            for ((_, key), (_, value)) in closed(args, 0)?.iter().zip(closed(args, 1)?.iter()) {
                out.set(Key::of(&key.val.text()?), value.clone());
            }
            Val::Array(Rc::new(out))
        }
        "array_fill_keys" => {
            let mut out = Array::default();
            for (_, key) in closed(args, 0)?.iter() {
                out.set(Key::of(&key.val.text()?), args.get(1)?.clone());
            }
            Val::Array(Rc::new(out))
        }
        "array_shift" | "array_pop" | "end" | "current" | "reset" => return None,
        "array_unique" => return None,
        _ => return None,
    })
}

/// `array_replace_recursive($below, $top)`.
fn replaced(below: &Cell, top: &Cell) -> Option<Cell> {
    let (Val::Array(a), Val::Array(b)) = (&below.val, &top.val) else {
        return None;
    };
    if a.why_open().or(b.why_open()).is_some() {
        return None;
    }
    let mut out = (**a).clone();
    for (key, cell) in b.iter() {
        let cell = match (a.get(key), &cell.val) {
            (Found::Yes(old), Val::Array(_)) if matches!(old.val, Val::Array(_)) => {
                replaced(old, cell)?
            }
            _ => cell.clone(),
        };
        out.set(key.clone(), cell);
    }
    Some(below.with(Val::Array(Rc::new(out))))
}

fn list(cells: impl Iterator<Item = Cell>) -> Val {
    let mut out = Array::default();
    cells.for_each(|c| out.push(c));
    Val::Array(Rc::new(out))
}

fn parse_url(args: &[Cell]) -> Option<Val> {
    if args.len() > 1 {
        return None;
    }
    let cell = args.first()?;
    let Some(parts) = url::parse(&text(args, 0)?) else {
        return Some(Val::Bool(false));
    };
    let mut out = Array::default();
    let mut set = |key: &str, val: Option<Val>| {
        if let Some(val) = val {
            out.set(Key::Str(key.to_owned()), cell.with(val));
        }
    };
    set("scheme", parts.scheme.map(Val::Str));
    set("host", parts.host.map(Val::Str));
    set("port", parts.port.map(|p| Val::Int(i64::from(p))));
    set("user", parts.user.map(Val::Str));
    set("pass", parts.pass.map(Val::Str));
    set("path", parts.path.map(Val::Str));
    set("query", parts.query.map(Val::Str));
    set("fragment", parts.fragment.map(Val::Str));
    Some(Val::Array(Rc::new(out)))
}

/// A JSON value with the provenance of the text it stands in.
pub(crate) fn from_json(json: &serde_json::Value, cell: &Cell) -> Val {
    match json {
        serde_json::Value::Null => Val::Null,
        serde_json::Value::Bool(b) => Val::Bool(*b),
        serde_json::Value::Number(n) => n
            .as_i64()
            .map_or_else(|| Val::Float(n.as_f64().unwrap_or(0.0)), Val::Int),
        serde_json::Value::String(s) => Val::Str(s.clone()),
        serde_json::Value::Array(items) => {
            list(items.iter().map(|i| cell.with(from_json(i, cell))))
        }
        serde_json::Value::Object(map) => {
            let mut out = Array::default();
            for (key, value) in map {
                out.set(Key::of(key), cell.with(from_json(value, cell)));
            }
            Val::Array(Rc::new(out))
        }
    }
}

/// Static helpers of the framework that only work on text.
pub(super) fn helper(class: &str, name: &str, args: &[Cell]) -> Option<Val> {
    let class = class.rsplit('\\').next().unwrap_or(class);
    if class != "Str" {
        return None;
    }
    let s = |at| text(args, at);
    Some(match name {
        "lower" => string(s(0)?.to_lowercase()),
        "upper" => string(s(0)?.to_uppercase()),
        "after" => string(
            s(0)?
                .split_once(&s(1)?)
                .map_or(s(0)?, |(_, after)| after.to_owned()),
        ),
        "before" => string(
            s(0)?
                .split_once(&s(1)?)
                .map_or(s(0)?, |(before, _)| before.to_owned()),
        ),
        "startsWith" => Val::Bool(!s(1)?.is_empty() && s(0)?.starts_with(&s(1)?)),
        "endsWith" => Val::Bool(!s(1)?.is_empty() && s(0)?.ends_with(&s(1)?)),
        "contains" => Val::Bool(!s(1)?.is_empty() && s(0)?.contains(&s(1)?)),
        "slug" => slug(&s(0)?, &s(1).unwrap_or_else(|| "-".into()))?,
        _ => return None,
    })
}

/// `Str::slug` of plain ASCII.
fn slug(title: &str, separator: &str) -> Option<Val> {
    if !title.is_ascii() || title.contains('@') || separator.len() != 1 {
        return None;
    }
    let flip = if separator == "-" { '_' } else { '-' };
    let mut out = String::new();
    for c in title.to_lowercase().replace(flip, separator).chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if (separator.contains(c) || c.is_ascii_whitespace()) && !out.ends_with(separator) {
            out.push_str(separator);
        }
    }
    Some(string(out.trim_matches(|c| separator.contains(c))))
}
