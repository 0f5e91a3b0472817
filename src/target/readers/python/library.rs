//! What is known of the standard library: builtins, `os`, `pathlib`, `json`, `urllib`.

use std::path::Path;
use std::rc::Rc;

use super::eval::Interpreter;
use super::settings;
use super::value::{Arguments, Dict, Object, Outcome, Py, Scope, Val};
use crate::source::Source;
use crate::target::url;

const BUILTINS: &[&str] = &[
    "str",
    "int",
    "bool",
    "float",
    "list",
    "dict",
    "tuple",
    "set",
    "frozenset",
    "len",
    "any",
    "all",
    "isinstance",
    "issubclass",
    "print",
    "range",
    "enumerate",
    "zip",
    "sorted",
    "reversed",
    "getattr",
    "hasattr",
    "setattr",
    "open",
    "globals",
    "locals",
    "vars",
    "min",
    "max",
    "sum",
    "super",
    "object",
    "type",
    "repr",
    "filter",
    "map",
    "callable",
    "bytes",
    "exec",
    "eval",
    "property",
    "staticmethod",
    "classmethod",
    "abs",
    "round",
    "exit",
    "quit",
    "__import__",
    "NotImplemented",
    "iter",
    "next",
    "id",
    "hash",
    "input",
    "compile",
    "format",
    "chr",
    "ord",
    "__builtins__",
    "__doc__",
    "__spec__",
    "__loader__",
];

/// Whether a name is there without an import.
pub(super) fn is_builtin(name: &str) -> bool {
    BUILTINS.contains(&name)
        || name.ends_with("Error")
        || name.ends_with("Exception")
        || name.ends_with("Warning")
        || ["SystemExit", "KeyboardInterrupt", "StopIteration"].contains(&name)
}

/// Base classes that bring no names that settings ask for.
pub(super) fn is_plain_base(name: &str) -> bool {
    [
        "object",
        "enum.Enum",
        "enum.StrEnum",
        "enum.IntEnum",
        "str",
        "int",
        "dict",
        "configurations.Configuration",
        "typing.NamedTuple",
        "abc.ABC",
        "Exception",
        "typing.Generic",
        "typing.Protocol",
    ]
    .contains(&name)
}

/// Library modules whose `import *` brings nothing that names a database.
pub(super) fn harmless_star(module: &str) -> bool {
    let top = module.split('.').next().unwrap_or(module);
    [
        "typing",
        "os",
        "pathlib",
        "datetime",
        "sqlalchemy",
        "django",
        "dotenv",
        "environ",
        "decouple",
    ]
    .contains(&top)
        && !module.starts_with("django.conf")
        || module == "django.conf.global_settings"
}

/// Calls that change none of their arguments.
pub(super) fn changes_nothing(name: &str) -> bool {
    let top = name.split('.').next().unwrap_or(name);
    [
        "print",
        "repr",
        "isinstance",
        "issubclass",
        "logging",
        "warnings",
        "re",
        "datetime",
        "json",
        "hash",
        "id",
        "callable",
        "sentry_sdk",
        "str",
        "len",
        "sorted",
        "typing",
        "django",
        "socket",
        "platform",
        "subprocess",
        "celery",
        "corsheaders",
        "ldap",
    ]
    .contains(&top)
        || name.starts_with(".get")
        || [
            "sqlalchemy",
            "alembic",
            "flask",
            "flask_sqlalchemy",
            "flask_migrate",
        ]
        .contains(&top)
}

/// `a / b`
pub(super) fn join_path(a: &str, b: &str) -> String {
    if b.starts_with('/') {
        return b.to_owned();
    }
    if b.is_empty() || b == "." {
        return a.to_owned();
    }
    if a.is_empty() {
        return b.to_owned();
    }
    format!("{}/{b}", a.trim_end_matches('/'))
}

/// A path without links and `..`.
pub(super) fn resolve(me: &Interpreter<'_>, path: &Path) -> String {
    let lexical = crate::files::lexical(path);
    let real = me.world.files.real_path(path).unwrap_or(lexical);
    real.to_string_lossy().into_owned()
}

/// A path with `~` replaced.
pub(super) fn expand_user(me: &Interpreter<'_>, path: &str) -> Option<String> {
    let Some(rest) = path.strip_prefix('~') else {
        return Some(path.to_owned());
    };
    if !(rest.is_empty() || rest.starts_with('/')) {
        return None;
    }
    let home = match me.variable("HOME") {
        Some(value) => value.text()?.to_owned(),
        None => me
            .world
            .caller
            .home
            .as_ref()?
            .to_string_lossy()
            .into_owned(),
    };
    Some(format!("{home}{rest}"))
}

/// `os.getenv`
pub(super) fn getenv(me: &Interpreter<'_>, name: &str, default: Option<&Val>, here: Source) -> Val {
    match (me.variable(name), default) {
        (Some(mut value), default) => {
            if let Some(default) = default {
                value.beat.push(default.source.with_note("default"));
            }
            value
        }
        (None, Some(default)) => {
            let mut value = default.clone();
            if value.source == here {
                value.source = here.with_note(&format!("{name} is not set, default"));
            }
            value
        }
        (None, None) => Val::none(here.with_note(&format!("{name} is not set"))),
    }
}

/// Constants of modules.
pub(super) fn constant(me: &mut Interpreter<'_>, name: &str, source: &Source) -> Option<Val> {
    let text = |t: &str| Some(Val::str(t, source.clone()));
    match name {
        "os.environ" => Some(Val::new(Py::Environ, source.clone())),
        "os.sep" | "os.path.sep" => text("/"),
        "os.pardir" | "os.path.pardir" => text(".."),
        "os.curdir" | "os.path.curdir" => text("."),
        "os.name" => text("posix"),
        "sys.platform" => text("linux"),
        "sys.argv" => {
            let items = me.argv.iter().map(|a| Val::str(a.as_str(), source.clone()));
            Some(Val::seq(items.collect(), false, source.clone()))
        }
        "sys.path" => {
            let items = me
                .roots
                .iter()
                .map(|r| Val::str(r.to_string_lossy(), source.clone()));
            Some(Val::seq(items.collect(), false, source.clone()))
        }
        "typing.TYPE_CHECKING" => Some(Val::new(Py::Bool(false), source.clone())),
        "django.VERSION" | "sys.version_info" => Some(Val::unknown(
            "the version in use is not known",
            source.clone(),
        )),
        "os.environb" => Some(Val::unknown("`os.environb`", source.clone())),
        _ => None,
    }
}

/// An object of a library class.
pub(crate) fn object(class: &str, attributes: Vec<(&str, Val)>, source: Source) -> Val {
    let dict = Dict::default();
    for (name, value) in attributes {
        dict.set(name.into(), value);
    }
    let object = Object {
        class: Val::lib(class, source.clone()),
        attributes: dict,
    };
    Val::new(Py::Object(Rc::new(object)), source)
}

/// The text of a file.
pub(super) fn read(
    me: &mut Interpreter<'_>,
    path: &Path,
    scope: &Rc<Scope>,
    line: usize,
) -> Outcome<Val> {
    let shown = crate::files::shown(path, &me.cwd);
    match me.world.files.read_text(path) {
        Ok(text) if text.len() <= super::eval::MAX_TEXT => {
            Ok(Val::str(text, Source::project_file(&shown, 1)))
        }
        Ok(_) => Ok(me.unknown(scope, line, "a file too long to follow")),
        Err(crate::files::FileError::Missing) if me.maybe.is_empty() => {
            me.raised(scope, line, "FileNotFoundError", shown)
        }
        Err(e) => Ok(me.unknown(scope, line, format!("{shown}: {e}"))),
    }
}

/// `open(path, mode)`: the mode stands at position `mode`.
pub(super) fn open(
    me: &mut Interpreter<'_>,
    path: &Path,
    arguments: &Arguments,
    mode: usize,
    scope: &Rc<Scope>,
    line: usize,
) -> Outcome<Val> {
    let mode = arguments
        .get(mode, "mode")
        .and_then(Val::text)
        .unwrap_or("r");
    if !mode.starts_with('r') || mode.contains('+') {
        return Ok(me.unknown(scope, line, "a file opened for writing"));
    }
    let text = read(me, path, scope, line)?;
    let source = text.source.clone();
    Ok(object("file", vec![("text", text)], source))
}

/// Calls a library function; `None` where it is not known.
pub(super) fn call(
    me: &mut Interpreter<'_>,
    name: &str,
    arguments: &Arguments,
    scope: &Rc<Scope>,
    line: usize,
) -> Option<Outcome<Val>> {
    if let Some(result) = settings::call_library(me, name, arguments, scope, line) {
        return Some(result);
    }
    let source = me.source(scope, line);
    // A function of values that are not known gives one that is not known either.
    let pure = name.starts_with("os.path")
        || name.starts_with("pathlib")
        || name.starts_with("urllib")
        || ["str", "int", "bool", "float", "len", "open", "json.loads"].contains(&name);
    if pure && let Some(why) = arguments.all().find_map(Val::why_unknown) {
        return Some(Ok(Val::unknown(why, source)));
    }
    let first = arguments.plain.first();
    if let Some(result) = conversions(me, name, arguments, first, scope, line) {
        return Some(result);
    }
    os_call(me, name, arguments, first, scope, line)
}

fn conversions(
    me: &mut Interpreter<'_>,
    name: &str,
    arguments: &Arguments,
    first: Option<&Val>,
    scope: &Rc<Scope>,
    line: usize,
) -> Option<Outcome<Val>> {
    let source = me.source(scope, line);
    let value = match (name, first) {
        ("str", Some(v)) => v.with(Py::Str(v.display()?.into())),
        ("str", None) => Val::str("", source),
        ("int", Some(v)) => return Some(int(me, v, scope, line)),
        ("bool", Some(v)) => match v.truth() {
            Some(truth) => v.with(Py::Bool(truth)),
            None => Val::unknown(me.doubt(v, scope, line), source),
        },
        ("bool", None) => Val::new(Py::Bool(false), source),
        ("float", Some(v)) => match &v.py {
            Py::Str(text) => v.with(Py::Float(text.trim().parse().ok()?)),
            Py::Int(n) => v.with(Py::Float(*n as f64)),
            Py::Float(_) => v.clone(),
            _ => return None,
        },
        ("dict", _) => {
            let dict = Val::dict(Vec::new(), source);
            if let Py::Dict(map) = &dict.py {
                if let Some(other) = first {
                    me.merge_into(map, other, scope, line);
                }
                for (key, value) in &arguments.named {
                    map.set(key.clone(), value.clone());
                }
                if let Some(why) = &arguments.open {
                    map.poison(why);
                }
            }
            dict
        }
        ("list" | "tuple" | "set" | "frozenset", None) => {
            Val::seq(Vec::new(), name == "tuple", source)
        }
        ("list" | "tuple" | "set" | "frozenset" | "reversed" | "sorted", Some(v)) => {
            match me.iterate(v) {
                Ok(mut items) => {
                    if name == "reversed" {
                        items.reverse();
                    }
                    if name == "sorted" {
                        if !arguments.named.is_empty() || items.iter().any(|i| i.text().is_none()) {
                            return None;
                        }
                        items.sort_by(|a, b| a.text().cmp(&b.text()));
                    }
                    Val::seq(items, name == "tuple", source)
                }
                Err(why) => Val::unknown(why, source),
            }
        }
        ("len", Some(v)) => {
            let len = match &v.py {
                Py::Str(text) => text.chars().count(),
                _ => me.iterate(v).ok()?.len(),
            };
            v.with(Py::Int(i64::try_from(len).ok()?))
        }
        ("any" | "all", Some(v)) => {
            let items = me.iterate(v).ok()?;
            let wanted = name == "any";
            let mut doubt = false;
            for item in &items {
                match item.truth() {
                    Some(truth) if truth == wanted => {
                        return Some(Ok(Val::new(Py::Bool(wanted), source)));
                    }
                    Some(_) => {}
                    None => doubt = true,
                }
            }
            if doubt {
                return None;
            }
            Val::new(Py::Bool(!wanted), source)
        }
        ("range", Some(v)) => {
            let bound = |v: &Val| match v.py {
                Py::Int(n) if (0..=1000).contains(&n) => Some(n),
                _ => None,
            };
            let (from, to) = match arguments.plain.get(1) {
                Some(to) => (bound(v)?, bound(to)?),
                None => (0, bound(v)?),
            };
            let items = (from..to).map(|n| Val::new(Py::Int(n), source.clone()));
            Val::seq(items.collect(), false, source.clone())
        }
        ("enumerate", Some(v)) => {
            let items = me.iterate(v).ok()?;
            let pairs = items.into_iter().zip(0i64..).map(|(v, n)| {
                let number = Val::new(Py::Int(n), source.clone());
                Val::seq(vec![number, v], true, source.clone())
            });
            Val::seq(pairs.collect(), false, source.clone())
        }
        ("zip", Some(v)) => {
            let (a, b) = (
                me.iterate(v).ok()?,
                me.iterate(arguments.plain.get(1)?).ok()?,
            );
            let pairs = a
                .into_iter()
                .zip(b)
                .map(|(a, b)| Val::seq(vec![a, b], true, source.clone()));
            Val::seq(pairs.collect(), false, source.clone())
        }
        ("getattr", Some(v)) => {
            let name = arguments.plain.get(1)?.text()?.to_owned();
            let got = me.attribute(v, &name, scope, line);
            return Some(match (got, arguments.plain.get(2)) {
                (Err(raised), Some(default)) if &*raised.kind == "AttributeError" => {
                    Ok(default.clone())
                }
                (got, _) => got,
            });
        }
        ("setattr", Some(v)) => {
            let why: Rc<str> = format!("`setattr` at {}:{line}", scope.module.shown).into();
            if let Py::Module(module) = &v.py {
                let module = module.clone();
                me.spoil(&module, &why);
            }
            me.spoil_value(v, &why, 0);
            Val::none(source)
        }
        ("globals" | "locals" | "vars" | "exec" | "eval" | "compile", _) => {
            // Names can be changed behind our back from here on.
            let why: Rc<str> = format!("`{name}()` at {}:{line}", scope.module.shown).into();
            me.spoil(scope, &why);
            Val::unknown(why, source)
        }
        ("print" | "isinstance" | "issubclass", _) => {
            return Some(Ok(me.unknown(scope, line, format!("`{name}()`"))));
        }
        ("type" | "super" | "object", _) => {
            return Some(Ok(me.unknown(scope, line, format!("`{name}()`"))));
        }
        ("sys.exit" | "exit" | "quit", _) => {
            if !me.maybe.is_empty() {
                return Some(Ok(Val::none(source)));
            }
            return Some(me.raised(scope, line, "SystemExit", "the settings end the program"));
        }
        _ => return None,
    };
    Some(Ok(value))
}

/// `int(x)`
pub(super) fn int(me: &Interpreter<'_>, value: &Val, scope: &Scope, line: usize) -> Outcome<Val> {
    Ok(match &value.py {
        Py::Int(_) => value.clone(),
        Py::Bool(b) => value.with(Py::Int(i64::from(*b))),
        Py::Str(text) => match text.trim().replace('_', "").parse() {
            Ok(n) => value.with(Py::Int(n)),
            Err(_) => return me.raised(scope, line, "ValueError", "not a number for int()"),
        },
        Py::None => return me.raised(scope, line, "TypeError", "int() of None"),
        _ => me.unknown(scope, line, "int() of something else than text"),
    })
}

fn os_call(
    me: &mut Interpreter<'_>,
    name: &str,
    arguments: &Arguments,
    first: Option<&Val>,
    scope: &Rc<Scope>,
    line: usize,
) -> Option<Outcome<Val>> {
    let source = me.source(scope, line);
    let text = first.and_then(Val::text).map(str::to_owned);
    let origin = first.map_or_else(|| source.clone(), |v| v.source.clone());
    let absolute = text.as_ref().map(|t| me.cwd.join(t));
    let made = |t: String| Some(Ok(Val::str(t, origin.clone())));
    let truth = |b: bool| Some(Ok(Val::new(Py::Bool(b), source.clone())));
    match (name, text) {
        ("os.getenv" | "os.environ.get", Some(key)) => {
            Some(Ok(getenv(me, &key, arguments.get(1, "default"), source)))
        }
        ("os.putenv", _) => Some(Ok(Val::none(source))),
        ("os.getcwd" | "pathlib.Path.cwd", _) => {
            let cwd: Rc<str> = me.cwd.to_string_lossy().into();
            Some(Ok(match name {
                "os.getcwd" => Val::str(cwd, source),
                _ => Val::new(Py::Path(cwd), source),
            }))
        }
        ("pathlib.Path.home", _) => {
            let home = expand_user(me, "~")?;
            Some(Ok(Val::new(Py::Path(home.into()), source)))
        }
        ("pathlib.Path" | "pathlib.PurePath" | "pathlib.PosixPath" | "environ.Path", _) => {
            let mut path = String::new();
            for part in &arguments.plain {
                path = join_path(&path, part.text()?);
            }
            if name == "environ.Path" {
                path = me.cwd.join(path).to_string_lossy().into_owned();
            } else if path.is_empty() {
                path = ".".into();
            }
            // As pathlib does: no empty parts, no `.` inside.
            let clean: std::path::PathBuf = Path::new(&path).components().collect();
            let clean = clean.to_string_lossy().into_owned();
            Some(Ok(Val::new(Py::Path(clean.into()), origin)))
        }
        ("os.path.join", Some(mut path)) => {
            for part in arguments.plain.iter().skip(1) {
                let part = part.text()?;
                path = if part.is_empty() {
                    format!("{}/", path.trim_end_matches('/'))
                } else {
                    join_path(&path, part)
                };
            }
            made(path)
        }
        ("os.path.dirname", Some(path)) => {
            let dir = path.rsplit_once('/').map_or("", |(d, _)| d);
            made(if dir.is_empty() && path.starts_with('/') {
                "/".into()
            } else {
                dir.into()
            })
        }
        ("os.path.basename", Some(path)) => made(path.rsplit('/').next().unwrap_or("").into()),
        ("os.path.abspath" | "os.path.normpath", Some(path)) => {
            let path = if name == "os.path.abspath" {
                absolute?
            } else {
                path.into()
            };
            made(crate::files::lexical(&path).to_string_lossy().into_owned())
        }
        ("os.path.realpath", Some(_)) => made(resolve(me, &absolute?)),
        ("os.path.expanduser", Some(path)) => made(expand_user(me, &path)?),
        ("os.path.exists" | "os.path.lexists", Some(_)) => truth(me.world.files.exists(&absolute?)),
        ("os.path.isfile", Some(_)) => truth(me.world.files.is_file(&absolute?)),
        ("os.path.isdir", Some(_)) => truth(me.world.files.is_dir(&absolute?)),
        ("os.fspath" | "os.fsdecode", Some(path)) => made(path),
        ("os.makedirs" | "os.mkdir", _) => Some(Ok(Val::none(source))),
        ("open" | "io.open", Some(_)) => {
            let path = absolute?;
            Some(open(me, &path, arguments, 1, scope, line))
        }
        ("asyncio.run", _) => first.cloned().map(Ok),
        ("json.loads", Some(text)) => match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(json) => Some(Ok(from_json(&json, &origin, 0))),
            Err(_) => Some(me.raised(scope, line, "JSONDecodeError", "not JSON")),
        },
        ("json.load", None) => {
            let Py::Object(file) = &first?.py else {
                return None;
            };
            let text = file.attributes.get("text")?;
            let json = serde_json::from_str::<serde_json::Value>(text.text()?);
            match json {
                Ok(json) => Some(Ok(from_json(&json, &text.source, 0))),
                Err(_) => Some(me.raised(scope, line, "JSONDecodeError", "not JSON")),
            }
        }
        ("urllib.parse.quote_plus" | "urllib.parse.quote", Some(text)) => {
            made(quote(&text, name.ends_with("plus"), arguments))
        }
        ("urllib.parse.unquote", Some(text)) => made(url::decode(&text)),
        ("urllib.parse.unquote_plus", Some(text)) => made(url::decode(&text.replace('+', " "))),
        ("urllib.parse.urlparse" | "urllib.parse.urlsplit" | "urlparse.urlparse", Some(text)) => {
            split_url(&text, origin).map(Ok)
        }
        _ => None,
    }
}

fn quote(text: &str, plus: bool, arguments: &Arguments) -> String {
    let safe = match arguments.get(1, "safe").and_then(Val::text) {
        Some(safe) => safe,
        None if plus => "",
        None => "/",
    };
    let mut out = String::new();
    for byte in text.bytes() {
        let c = char::from(byte);
        if byte.is_ascii_alphanumeric() || "_.-~".contains(c) || (byte < 128 && safe.contains(c)) {
            out.push(c);
        } else if plus && byte == b' ' {
            out.push('+');
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The parts of `urlparse` that settings use.
fn split_url(text: &str, source: Source) -> Option<Val> {
    let parts = super::urls::split(text)?;
    let str = |t: &str| Val::str(t, source.clone());
    let option = |t: Option<&str>| t.map_or_else(|| Val::none(source.clone()), str);
    let port = match parts.port.as_deref().map(str::parse::<i64>) {
        None => Val::none(source.clone()),
        Some(Ok(n)) => Val::new(Py::Int(n), source.clone()),
        Some(Err(_)) => Val::unknown("the port is not a number", source.clone()),
    };
    let attributes = vec![
        ("scheme", str(&parts.scheme)),
        ("netloc", str(&parts.netloc)),
        ("path", str(&parts.path)),
        ("query", str(&parts.query)),
        ("fragment", str(&parts.fragment)),
        ("username", option(parts.user.as_deref())),
        ("password", option(parts.password.as_deref())),
        ("hostname", option(parts.host.as_deref())),
        ("port", port),
    ];
    Some(object("urllib.parse.ParseResult", attributes, source))
}

/// A JSON value as Python has it.
pub(super) fn from_json(json: &serde_json::Value, source: &Source, depth: usize) -> Val {
    use serde_json::Value;
    if depth > 30 {
        return Val::unknown("nested too deep", source.clone());
    }
    match json {
        Value::Null => Val::none(source.clone()),
        Value::Bool(b) => Val::new(Py::Bool(*b), source.clone()),
        Value::Number(n) => match n.as_i64() {
            Some(n) => Val::new(Py::Int(n), source.clone()),
            None => Val::new(Py::Float(n.as_f64().unwrap_or(0.0)), source.clone()),
        },
        Value::String(text) => Val::str(text.as_str(), source.clone()),
        Value::Array(items) => Val::seq(
            items
                .iter()
                .map(|i| from_json(i, source, depth + 1))
                .collect(),
            false,
            source.clone(),
        ),
        Value::Object(entries) => Val::dict(
            entries
                .iter()
                .map(|(k, v)| {
                    let source = source.with_note(k);
                    (k.as_str().into(), from_json(v, &source, depth + 1))
                })
                .collect(),
            source.clone(),
        ),
    }
}
