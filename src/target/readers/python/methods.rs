//! Methods of text, lists, dicts, paths, `os.environ`, and of the objects of known libraries.

use std::path::Path;
use std::rc::Rc;

use super::eval::{Interpreter, MAX_TEXT};
use super::value::{Arguments, Outcome, Py, Scope, Val};
use super::{library, settings};

/// Calls a method.
pub(super) fn call(
    me: &mut Interpreter<'_>,
    of: &Val,
    name: &str,
    arguments: &Arguments,
    scope: &Rc<Scope>,
    line: usize,
) -> Outcome<Val> {
    let known = match &of.py {
        Py::Str(text) => of_text(me, of, text, name, arguments),
        Py::Path(path) => of_path(me, of, path, name, arguments, scope, line)?,
        Py::Seq(_) => of_seq(me, of, name, arguments),
        Py::Dict(_) => of_dict(me, of, name, arguments, scope, line)?,
        Py::Environ => of_environ(me, name, arguments, scope, line)?,
        Py::Object(_) => settings::call(me, of, name, arguments, scope, line)?,
        _ => None,
    };
    if let Some(value) = known {
        return Ok(value);
    }
    if let Some(why) = of.why_unknown() {
        return Ok(Val::unknown(why, me.source(scope, line)));
    }
    let full = format!(".{name}");
    if matches!(of.py, Py::Seq(_) | Py::Dict(_)) {
        let why: Rc<str> = format!("`{full}()` at {}:{line}", scope.module.shown).into();
        me.spoil_value(of, &why, 0);
    }
    if matches!(of.py, Py::Environ) {
        me.environ_open =
            Some(format!("`os.environ{full}()` at {}:{line}", scope.module.shown).into());
    }
    Ok(me.unseen_call(&full, arguments, scope, line))
}

fn of_text(
    me: &Interpreter<'_>,
    of: &Val,
    text: &Rc<str>,
    name: &str,
    arguments: &Arguments,
) -> Option<Val> {
    if let Some(why) = arguments.all().find_map(Val::why_unknown) {
        return Some(Val::unknown(why, of.source.clone()));
    }
    let arg = |n: usize| arguments.plain.get(n).and_then(Val::text);
    let made = |text: String| {
        if text.len() > MAX_TEXT {
            Val::unknown("too long", of.source.clone())
        } else {
            Val::str(text, of.source.clone())
        }
    };
    let list = |parts: Vec<String>| {
        let items = parts
            .into_iter()
            .map(|p| Val::str(p, of.source.clone()))
            .collect();
        Val::seq(items, false, of.source.clone())
    };
    let truth = |b: bool| of.with(Py::Bool(b));
    let white = |c: char| c.is_whitespace();
    let in_set = |set: &str, c: char| set.contains(c);
    Some(match (name, arg(0)) {
        ("lower" | "casefold", _) => made(text.to_lowercase()),
        ("upper", _) => made(text.to_uppercase()),
        // Of pydantic's kinds of text.
        ("get_secret_value" | "unicode_string", None) => made(text.to_string()),
        ("strip", None) => made(text.trim_matches(white).into()),
        ("strip", Some(set)) => made(text.trim_matches(|c| in_set(set, c)).into()),
        ("lstrip", None) => made(text.trim_start().into()),
        ("lstrip", Some(set)) => made(text.trim_start_matches(|c| in_set(set, c)).into()),
        ("rstrip", None) => made(text.trim_end().into()),
        ("rstrip", Some(set)) => made(text.trim_end_matches(|c| in_set(set, c)).into()),
        ("replace", Some(from)) => {
            let to = arg(1)?;
            let count = match arguments.plain.get(2).map(|v| &v.py) {
                None => usize::MAX,
                Some(Py::Int(n)) => usize::try_from(*n).unwrap_or(usize::MAX),
                _ => return None,
            };
            if from.is_empty() || text.matches(from).count().saturating_mul(to.len()) > MAX_TEXT {
                return None;
            }
            made(text.replacen(from, to, count))
        }
        ("removeprefix", Some(p)) => made(text.strip_prefix(p).unwrap_or(text).into()),
        ("removesuffix", Some(p)) => made(text.strip_suffix(p).unwrap_or(text).into()),
        ("startswith", Some(p)) => truth(text.starts_with(p)),
        ("endswith", Some(p)) => truth(text.ends_with(p)),
        ("startswith" | "endswith", None) => {
            let options = me.iterate(arguments.plain.first()?).ok()?;
            let mut options = options.iter().filter_map(Val::text);
            truth(options.any(|p| {
                if name == "startswith" {
                    text.starts_with(p)
                } else {
                    text.ends_with(p)
                }
            }))
        }
        ("isdigit" | "isnumeric" | "isdecimal", _) => {
            truth(!text.is_empty() && text.chars().all(|c| c.is_ascii_digit()))
        }
        ("split" | "rsplit", separator) => {
            let limit = match arguments.get(1, "maxsplit").map(|v| &v.py) {
                None => None,
                Some(Py::Int(n)) => usize::try_from(*n).ok(),
                _ => return None,
            };
            let parts: Vec<String> = match (separator, limit) {
                (None, None) if arguments.plain.first().is_none_or(Val::is_none) => {
                    text.split_whitespace().map(str::to_owned).collect()
                }
                (Some(""), _) | (None, _) => return None,
                (Some(s), None) => text.split(s).map(str::to_owned).collect(),
                (Some(s), Some(n)) if name == "split" => {
                    text.splitn(n + 1, s).map(str::to_owned).collect()
                }
                (Some(s), Some(n)) => {
                    let mut parts: Vec<String> =
                        text.rsplitn(n + 1, s).map(str::to_owned).collect();
                    parts.reverse();
                    parts
                }
            };
            list(parts)
        }
        ("splitlines", _) => list(text.lines().map(str::to_owned).collect()),
        ("partition", Some(s)) => {
            let (a, b, c) = text
                .split_once(s)
                .map_or((&**text, "", ""), |(a, c)| (a, s, c));
            list(vec![a.into(), b.into(), c.into()])
        }
        ("rpartition", Some(s)) => {
            let (a, b, c) = text
                .rsplit_once(s)
                .map_or(("", "", &**text), |(a, c)| (a, s, c));
            list(vec![a.into(), b.into(), c.into()])
        }
        ("join", _) => {
            let items = match me.iterate(arguments.plain.first()?) {
                Ok(items) => items,
                Err(why) => return Some(Val::unknown(why, of.source.clone())),
            };
            let mut out = String::new();
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push_str(text);
                }
                match (item.text(), item.why_unknown()) {
                    (Some(part), _) => out.push_str(part),
                    (None, Some(why)) => return Some(Val::unknown(why, of.source.clone())),
                    _ => return None,
                }
                if out.len() > MAX_TEXT {
                    return None;
                }
            }
            let source = items
                .first()
                .map_or(of.source.clone(), |v| v.source.clone());
            Val::str(out, source)
        }
        ("format", _) => return format(of, text, arguments),
        ("format_map", _) => return None,
        ("encode" | "decode" | "__str__" | "expandtabs", _) => of.clone(),
        ("title" | "capitalize", _) => {
            let mut word_start = true;
            made(
                text.chars()
                    .map(|c| {
                        let c = if word_start {
                            c.to_ascii_uppercase()
                        } else {
                            c.to_ascii_lowercase()
                        };
                        word_start = name == "title" && !c.is_alphanumeric();
                        c
                    })
                    .collect(),
            )
        }
        ("find", Some(part)) => {
            let at = text.find(part).map(|b| text[..b].chars().count());
            of.with(Py::Int(at.map_or(-1, |n| i64::try_from(n).unwrap_or(-1))))
        }
        ("count", Some(part)) if !part.is_empty() => of.with(Py::Int(
            i64::try_from(text.matches(part).count()).unwrap_or(0),
        )),
        _ => return None,
    })
}

/// `"{}{x}".format(...)`, for plain fields.
fn format(of: &Val, template: &str, arguments: &Arguments) -> Option<Val> {
    let mut out = String::new();
    let mut rest = template;
    let mut next = 0;
    let mut source = of.source.clone();
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        if tail.starts_with("{{") || tail.starts_with("}}") {
            out.push_str(&tail[..1]);
            rest = &tail[2..];
            continue;
        }
        let (field, after) = tail.strip_prefix('{')?.split_once('}')?;
        let value = if field.is_empty() {
            next += 1;
            arguments.plain.get(next - 1)
        } else if let Ok(n) = field.parse::<usize>() {
            arguments.plain.get(n)
        } else {
            arguments.by_name(field)
        }?;
        out.push_str(&value.display()?);
        if value.source.text() != of.source.text() {
            source = value.source.clone();
        }
        rest = after;
    }
    out.push_str(rest);
    (out.len() <= MAX_TEXT).then(|| Val::str(out, source))
}

fn of_path(
    me: &mut Interpreter<'_>,
    of: &Val,
    path: &Rc<str>,
    name: &str,
    arguments: &Arguments,
    scope: &Rc<Scope>,
    line: usize,
) -> Outcome<Option<Val>> {
    if let Some(why) = arguments.all().find_map(Val::why_unknown) {
        return Ok(Some(Val::unknown(why, of.source.clone())));
    }
    let absolute = me.cwd.join(&**path);
    let made = |p: String| of.with(Py::Path(p.into()));
    Ok(Some(match name {
        "resolve" => made(library::resolve(me, &absolute)),
        "absolute" => made(absolute.to_string_lossy().into_owned()),
        "joinpath" | "__call__" | "path" => {
            let mut joined = path.to_string();
            for part in &arguments.plain {
                let Some(part) = part.text() else {
                    return Ok(None);
                };
                joined = library::join_path(&joined, part);
            }
            made(joined)
        }
        "as_posix" | "__str__" | "__fspath__" => Val::str(path.clone(), of.source.clone()),
        "exists" => of.with(Py::Bool(me.world.files.exists(&absolute))),
        "is_file" => of.with(Py::Bool(me.world.files.is_file(&absolute))),
        "is_dir" => of.with(Py::Bool(me.world.files.is_dir(&absolute))),
        "expanduser" => match library::expand_user(me, path) {
            Some(p) => made(p),
            None => return Ok(None),
        },
        "with_name" => match arguments.plain.first().and_then(Val::text) {
            Some(n) => made(
                Path::new(&**path)
                    .with_file_name(n)
                    .to_string_lossy()
                    .into(),
            ),
            None => return Ok(None),
        },
        "with_suffix" => match arguments.plain.first().and_then(Val::text) {
            Some(n) => made(
                Path::new(&**path)
                    .with_extension(n.trim_start_matches('.'))
                    .to_string_lossy()
                    .into(),
            ),
            None => return Ok(None),
        },
        "read_text" | "read_bytes" => return library::read(me, &absolute, scope, line).map(Some),
        "open" => return library::open(me, &absolute, arguments, 0, scope, line).map(Some),
        "mkdir" | "touch" => Val::none(of.source.clone()),
        _ => return Ok(None),
    }))
}

fn of_seq(me: &mut Interpreter<'_>, of: &Val, name: &str, arguments: &Arguments) -> Option<Val> {
    let Py::Seq(seq) = &of.py else {
        return None;
    };
    let none = Val::none(of.source.clone());
    if let Some(why) = me.uncertain(0)
        && !["copy", "index", "count"].contains(&name)
    {
        seq.poison(&why);
        return Some(none);
    }
    match name {
        "append" | "add" => seq.push(arguments.plain.first()?.clone()),
        "insert" => {
            // Where it stands matters to nobody here but `sys.path`.
            let value = arguments.plain.get(1)?.clone();
            seq.push(value);
            if matches!(arguments.plain.first()?.py, Py::Int(0)) {
                seq.items.borrow_mut().rotate_right(1);
            } else {
                seq.poison(&"an insertion in the middle".into());
            }
        }
        "extend" | "update" => match me.iterate(arguments.plain.first()?) {
            Ok(items) => items.into_iter().for_each(|item| seq.push(item)),
            Err(why) => seq.poison(&why),
        },
        "copy" => {
            let items = me.iterate(of);
            return Some(match items {
                Ok(items) => Val::seq(items, seq.tuple, of.source.clone()),
                Err(why) => Val::unknown(why, of.source.clone()),
            });
        }
        "remove" => {
            let item = arguments.plain.first()?;
            let mut items = seq.items.borrow_mut();
            let at = items
                .iter()
                .position(|v| super::ops::equal(v, item) == Some(true))?;
            items.remove(at);
        }
        _ => return None,
    }
    Some(none)
}

fn of_dict(
    me: &mut Interpreter<'_>,
    of: &Val,
    name: &str,
    arguments: &Arguments,
    scope: &Rc<Scope>,
    line: usize,
) -> Outcome<Option<Val>> {
    let Py::Dict(dict) = &of.py else {
        return Ok(None);
    };
    let source = me.source(scope, line);
    let poison = dict.poison.borrow().clone();
    let key = arguments.plain.first().map(Val::key);
    if let (Some(None), false) = (&key, name == "update") {
        return Ok(None);
    }
    let key = key.flatten();
    Ok(Some(match name {
        "get" => match (key.as_ref().and_then(|k| dict.get(k)), poison) {
            (Some(value), _) => value,
            (None, Some(why)) => Val::unknown(why, source),
            (None, None) => arguments
                .get(1, "default")
                .cloned()
                .unwrap_or_else(|| Val::none(source)),
        },
        "copy" => {
            let copy = Val::dict(Vec::new(), of.source.clone());
            if let Py::Dict(map) = &copy.py {
                me.merge_into(map, of, scope, line);
            }
            copy
        }
        "items" | "keys" | "values" => {
            if let Some(why) = poison {
                return Ok(Some(Val::unknown(why, source)));
            }
            let items = dict
                .items
                .borrow()
                .iter()
                .map(|(k, v)| {
                    let key = Val::str(k.clone(), v.source.clone());
                    match name {
                        "items" => Val::seq(vec![key, v.clone()], true, v.source.clone()),
                        "keys" => key,
                        _ => v.clone(),
                    }
                })
                .collect();
            Val::seq(items, false, source)
        }
        "update" => {
            if let Some(why) = me.uncertain(0) {
                dict.poison(&why);
                return Ok(Some(Val::none(source)));
            }
            if let Some(other) = arguments.plain.first() {
                me.merge_into(dict, other, scope, line);
            }
            for (name, value) in &arguments.named {
                dict.set(name.clone(), value.clone());
            }
            if let Some(why) = &arguments.open {
                dict.poison(why);
            }
            Val::none(source)
        }
        "setdefault" => {
            let Some(key) = key else {
                return Ok(None);
            };
            match dict.get(&key) {
                Some(value) => value,
                None => {
                    let mut value = arguments
                        .plain
                        .get(1)
                        .cloned()
                        .unwrap_or_else(|| Val::none(source));
                    if let Some(why) = me.uncertain(0) {
                        value = Val::unknown(why, value.source);
                    }
                    dict.set(key, value.clone());
                    value
                }
            }
        }
        "pop" => {
            let Some(key) = key else {
                return Ok(None);
            };
            let found = dict.get(&key);
            match me.uncertain(0) {
                Some(why) => dict.poison(&why),
                None => dict.items.borrow_mut().retain(|(k, _)| *k != key),
            }
            match (found, arguments.plain.get(1)) {
                (Some(value), _) => value,
                (None, Some(default)) => default.clone(),
                (None, None) => return me.raised(scope, line, "KeyError", format!("`{key}`")),
            }
        }
        _ => return Ok(None),
    }))
}

fn of_environ(
    me: &mut Interpreter<'_>,
    name: &str,
    arguments: &Arguments,
    scope: &Rc<Scope>,
    line: usize,
) -> Outcome<Option<Val>> {
    let source = me.source(scope, line);
    let key = arguments
        .get(0, "key")
        .and_then(Val::text)
        .map(str::to_owned);
    Ok(Some(match (name, key) {
        ("get", Some(key)) => library::getenv(me, &key, arguments.get(1, "default"), source),
        ("setdefault", Some(key)) => match me.variable(&key) {
            Some(value) => value,
            None => {
                let value = arguments
                    .plain
                    .get(1)
                    .cloned()
                    .unwrap_or_else(|| Val::none(source));
                me.set_variable(&key, &value);
                value
            }
        },
        ("pop", Some(key)) => {
            let value = library::getenv(me, &key, arguments.plain.get(1), source.clone());
            match me.uncertain(0) {
                Some(why) => me.set_variable(&key, &Val::unknown(why, source)),
                None => {
                    me.environ.remove(&key);
                }
            }
            value
        }
        ("copy", None) => {
            let copy = Val::dict(Vec::new(), source.clone());
            if let Py::Dict(map) = &copy.py {
                me.merge_into(map, &Val::new(Py::Environ, source), scope, line);
            }
            copy
        }
        ("update", None) => {
            let holder = Val::dict(Vec::new(), source.clone());
            let Py::Dict(map) = &holder.py else {
                return Ok(None);
            };
            if let Some(other) = arguments.plain.first() {
                me.merge_into(map, other, scope, line);
            }
            for (name, value) in &arguments.named {
                map.set(name.clone(), value.clone());
            }
            if let Some(why) = map.poison.borrow().clone().or(arguments.open.clone()) {
                me.environ_open = Some(why);
            }
            for (name, value) in map.items.borrow().iter() {
                me.set_variable(name, value);
            }
            Val::none(source)
        }
        ("items" | "keys" | "values", None) => {
            let copy = Val::dict(Vec::new(), source.clone());
            if let Py::Dict(map) = &copy.py {
                me.merge_into(map, &Val::new(Py::Environ, source), scope, line);
            }
            return of_dict(me, &copy, name, arguments, scope, line);
        }
        _ => return Ok(None),
    }))
}
