//! What is known of the libraries that settings read their values with.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::ast::{Definition, Expr, ExprKind, Statement, StatementKind};
use super::envfile;
use super::eval::Interpreter;
use super::library::{self, object};
use super::urls::{self, Reader};
use super::value::{Arguments, Dict, Object, Outcome, Py, Scope, Val};
use crate::source::Source;

type Known = Option<Outcome<Val>>;

fn directory(scope: &Scope) -> PathBuf {
    scope
        .module
        .file
        .parent()
        .unwrap_or(Path::new("/"))
        .to_owned()
}

fn is_true(value: Option<&Val>) -> Option<bool> {
    value.map_or(Some(false), Val::truth)
}

/// Calls a function or class of a known library.
pub(super) fn call_library(
    me: &mut Interpreter<'_>,
    name: &str,
    arguments: &Arguments,
    scope: &Rc<Scope>,
    line: usize,
) -> Known {
    let (top, _) = name.split_once('.')?;
    match top {
        "dotenv" => dotenv(me, name, arguments, scope, line),
        "environ" => environ(me, name, arguments, scope, line),
        "decouple" => decouple(me, name, arguments, scope, line),
        "dj_database_url" => dj_database_url(me, name, arguments, scope, line),
        "environs" => environs(me, name, arguments, scope, line),
        "pydantic_settings" | "pydantic" | "pydantic_core" => {
            pydantic(me, name, arguments, scope, line)
        }
        "sqlalchemy" | "sqlmodel" | "flask_sqlalchemy" | "flask" | "flask_migrate" | "alembic" => {
            super::sqlalchemy::call_library(me, name, arguments, scope, line)
        }
        "django_heroku" => {
            let why: Rc<str> = format!("`{name}()` at {}:{line}", scope.module.shown).into();
            me.spoil(scope, &why);
            Some(Ok(Val::unknown(why, me.source(scope, line))))
        }
        _ => None,
    }
}

/// Calls a method of an object of a known library, or of a class of the project.
pub(super) fn call(
    me: &mut Interpreter<'_>,
    of: &Val,
    name: &str,
    arguments: &Arguments,
    scope: &Rc<Scope>,
    line: usize,
) -> Outcome<Option<Val>> {
    let Py::Object(object) = &of.py else {
        return Ok(None);
    };
    let object = object.clone();
    let Py::Lib(class) = &object.class.py else {
        return Ok(None);
    };
    let result = match &**class {
        "file" => file_method(me, &object, name, scope, line),
        "environ.Env" => environ_method(me, &object, name, arguments, scope, line),
        "environs.Env" => environs_method(me, &object, name, arguments, scope, line),
        "decouple.Config" => decouple_get(me, &object, arguments, scope, line),
        "urllib.parse.ParseResult" => None,
        _ => super::sqlalchemy::method(me, class, of, &object, name, arguments, scope, line),
    };
    result.transpose()
}

fn file_method(
    me: &mut Interpreter<'_>,
    file: &Rc<Object>,
    name: &str,
    scope: &Rc<Scope>,
    line: usize,
) -> Known {
    let text = file.attributes.get("text")?;
    match name {
        "read" => Some(Ok(text)),
        "close" => Some(Ok(Val::none(text.source))),
        "readlines" => {
            let lines = text.text()?.split_inclusive('\n');
            let items = lines.map(|l| Val::str(l, text.source.clone())).collect();
            Some(Ok(Val::seq(items, false, me.source(scope, line))))
        }
        "readline" => {
            let first = text.text()?.split_inclusive('\n').next().unwrap_or("");
            Some(Ok(Val::str(first, text.source.clone())))
        }
        _ => None,
    }
}

/// What `with x as y` binds.
impl Interpreter<'_> {
    /// What `with env.prefixed("X_")` puts before every name inside it: the reader and the prefix
    /// that was in force before.
    pub(super) fn prefixed(&self, value: &Val) -> Option<(Rc<Object>, Val)> {
        let Py::Object(object) = &value.py else {
            return None;
        };
        if !matches!(&object.class.py, Py::Lib(class) if &**class == "environs.prefixed") {
            return None;
        }
        let Py::Object(env) = object.attributes.get("env")?.py else {
            return None;
        };
        let prefix = object.attributes.get("prefix")?;
        let before = env.attributes.get("prefix");
        let before = before.unwrap_or_else(|| Val::str("", prefix.source.clone()));
        let both = match (before.text(), prefix.text()) {
            (Some(a), Some(b)) => Val::str(format!("{a}{b}"), prefix.source.clone()),
            _ => Val::unknown("a prefix that is not known", prefix.source.clone()),
        };
        env.attributes.set("prefix".into(), both);
        Some((env, before))
    }

    pub(super) fn entered(&self, value: Val) -> Val {
        value
    }
}

// python-dotenv

fn dotenv(
    me: &mut Interpreter<'_>,
    name: &str,
    arguments: &Arguments,
    scope: &Rc<Scope>,
    line: usize,
) -> Known {
    let source = me.source(scope, line);
    let short = name.rsplit('.').next().unwrap_or(name);
    match short {
        "find_dotenv" => {
            let file = arguments
                .get(0, "filename")
                .map_or(Some(".env"), Val::text)?;
            let from = if is_true(arguments.get(2, "usecwd"))? {
                me.cwd.clone()
            } else {
                directory(scope)
            };
            let found = envfile::find_upward(me, &from, file);
            if found.is_none() && is_true(arguments.get(1, "raise_error_if_not_found"))? {
                return Some(me.raised(scope, line, "OSError", "File not found"));
            }
            let found = found.map(|p| p.to_string_lossy().into_owned());
            Some(Ok(Val::str(found.unwrap_or_default(), source)))
        }
        "load_dotenv" | "dotenv_values" => {
            let loads = short == "load_dotenv";
            if arguments.get(1, "stream").is_some_and(|v| !v.is_none())
                || arguments
                    .by_name("interpolate")
                    .is_some_and(|v| v.truth() != Some(true))
            {
                me.environ_open = Some(format!("`{short}` of something that is not a file").into());
                return Some(Ok(me.unknown(scope, line, "a `.env` stream")));
            }
            if loads && let Some(off) = me.variable("PYTHON_DOTENV_DISABLED") {
                let off = off.text().map(|t| t.to_lowercase());
                if ["1", "true", "t", "yes", "y"].contains(&off.as_deref().unwrap_or("?")) {
                    return Some(Ok(Val::new(Py::Bool(false), source)));
                }
            }
            let path = match arguments.get(0, "dotenv_path") {
                Some(path) if !path.is_none() => match path.text() {
                    Some("") => envfile::find_upward(me, &directory(scope), ".env"),
                    Some(text) => Some(me.cwd.join(text)),
                    None => {
                        let why = path.why_unknown().unwrap_or_else(|| "no path".into());
                        me.environ_open = Some(why.clone());
                        return Some(Ok(Val::unknown(why, source)));
                    }
                },
                _ => envfile::find_upward(me, &directory(scope), ".env"),
            };
            let over = match arguments.get(3, "override").map(Val::truth) {
                None => Some(false),
                Some(truth) => truth,
            };
            let Some(path) = path else {
                return Some(Ok(if loads {
                    Val::new(Py::Bool(false), source)
                } else {
                    Val::dict(Vec::new(), source)
                }));
            };
            let Some(over) = over else {
                me.environ_open = Some("`override` of load_dotenv is not known".into());
                return Some(Ok(me.unknown(scope, line, "`override` is not known")));
            };
            let dialect = if loads && !over {
                envfile::LOAD
            } else {
                envfile::VALUES
            };
            let pairs = envfile::read(me, dialect, &path);
            if !loads {
                return Some(Ok(envfile::as_dict(pairs, source)));
            }
            let any = pairs.as_ref().is_ok_and(|p| !p.is_empty());
            envfile::load(me, pairs, over);
            Some(Ok(Val::new(Py::Bool(any), source)))
        }
        _ => None,
    }
}

// django-environ

fn environ(
    me: &mut Interpreter<'_>,
    name: &str,
    arguments: &Arguments,
    scope: &Rc<Scope>,
    line: usize,
) -> Known {
    let source = me.source(scope, line);
    let short = name.trim_start_matches("environ.");
    match short {
        "Env" | "FileAwareEnv" => {
            let scheme = Val::dict(arguments.named.clone(), source.clone());
            if let (Py::Dict(map), Some(why)) = (&scheme.py, &arguments.open) {
                map.poison(why);
            }
            let aware = Val::new(Py::Bool(short == "FileAwareEnv"), source.clone());
            let prefix = Val::str("", source.clone());
            let env = object(
                "environ.Env",
                vec![
                    ("scheme", scheme),
                    ("file_aware", aware),
                    ("prefix", prefix),
                ],
                source,
            );
            Some(Ok(env))
        }
        "Env.read_env" | "FileAwareEnv.read_env" => Some(Ok(read_env(me, arguments, scope, line))),
        "Env.db_url_config" => {
            let url = arguments.get(0, "url")?;
            let engine = arguments.get(1, "engine").cloned();
            Some(database(
                me,
                Reader::DjangoEnviron,
                url,
                engine.as_ref(),
                scope,
                line,
            ))
        }
        _ => None,
    }
}

fn read_env(
    me: &mut Interpreter<'_>,
    arguments: &Arguments,
    scope: &Rc<Scope>,
    line: usize,
) -> Val {
    let none = Val::none(me.source(scope, line));
    let path = match arguments.get(0, "env_file") {
        Some(path) if !path.is_none() => match path.text() {
            Some(text) => me.cwd.join(text),
            None => {
                let why = path
                    .why_unknown()
                    .unwrap_or_else(|| "the path of read_env is not known".into());
                me.environ_open = Some(why);
                return none;
            }
        },
        _ => directory(scope).join(".env"),
    };
    let (over, comments) = (
        is_true(arguments.get(1, "overwrite")),
        is_true(arguments.get(2, "parse_comments")),
    );
    let (Some(over), Some(comments)) = (over, comments) else {
        me.environ_open = Some("an option of read_env is not known".into());
        return none;
    };
    let dialect = if comments {
        envfile::ENVIRON_COMMENTS
    } else {
        envfile::ENVIRON
    };
    let pairs = envfile::read(me, dialect, &path);
    envfile::load(me, pairs, over);
    let known = ["env_file", "overwrite", "parse_comments", "encoding"];
    for (name, value) in &arguments.named {
        if !known.contains(&&**name) && (over || !me.environ.contains_key(&**name)) {
            me.set_variable(name, value);
        }
    }
    none
}

fn environ_method(
    me: &mut Interpreter<'_>,
    env: &Rc<Object>,
    name: &str,
    arguments: &Arguments,
    scope: &Rc<Scope>,
    line: usize,
) -> Known {
    let source = me.source(scope, line);
    let is_database = matches!(name, "db" | "db_url");
    let variable = match arguments.get(0, "var") {
        Some(v) => v.clone(),
        None if is_database => Val::str("DATABASE_URL", source.clone()),
        None => arguments.get(0, "var")?.clone(),
    };
    match name {
        "read_env" => return Some(Ok(read_env(me, arguments, scope, line))),
        "db_url_config" => {
            let engine = arguments.get(1, "engine").cloned();
            return Some(database(
                me,
                Reader::DjangoEnviron,
                &variable,
                engine.as_ref(),
                scope,
                line,
            ));
        }
        _ => {}
    }
    let default = match name {
        "__call__" | "get_value" => arguments.get(2, "default"),
        _ => arguments.get(1, "default"),
    }
    .cloned();
    let cast = match name {
        "__call__" | "get_value" => arguments.get(1, "cast").cloned(),
        "str" | "bool" | "int" | "float" | "list" | "json" => Some(Val::lib(name, source.clone())),
        "db" | "db_url" => Some(Val::lib("str", source.clone())),
        "path" => Some(Val::lib("environ.Path", source.clone())),
        "unicode" | "bytes" => Some(Val::lib("str", source.clone())),
        _ => Some(Val::unknown(format!("`env.{name}()`"), source.clone())),
    };
    let value = match environ_value(
        me,
        env,
        &variable,
        cast.as_ref(),
        default.as_ref(),
        scope,
        line,
        0,
    ) {
        Ok(value) => value,
        Err(raised) => return Some(Err(raised)),
    };
    if is_database {
        let engine = arguments.get(2, "engine").cloned();
        return Some(database(
            me,
            Reader::DjangoEnviron,
            &value,
            engine.as_ref(),
            scope,
            line,
        ));
    }
    Some(Ok(value))
}

#[allow(
    clippy::too_many_arguments,
    reason = "the library's own signature, with the place"
)]
fn environ_value(
    me: &mut Interpreter<'_>,
    env: &Rc<Object>,
    variable: &Val,
    cast: Option<&Val>,
    default: Option<&Val>,
    scope: &Rc<Scope>,
    line: usize,
    depth: usize,
) -> Outcome<Val> {
    let source = me.source(scope, line);
    let prefix = env.attributes.get("prefix");
    let name = match (variable.text(), prefix.as_ref().and_then(Val::text)) {
        (Some(name), Some(prefix)) => format!("{prefix}{name}"),
        _ => return Ok(me.unknown(scope, line, "a variable's name is not known")),
    };
    if depth > 8 {
        return Ok(me.unknown(scope, line, "variables that name each other"));
    }
    let mut cast = cast.cloned();
    let mut default = default.cloned();
    if let Some(Val {
        py: Py::Dict(scheme),
        ..
    }) = env.attributes.get("scheme")
    {
        match scheme.get(&name) {
            Some(entry) if entry.why_unknown().is_some() => {
                return Ok(me.unknown(scope, line, "the scheme of Env is not known"));
            }
            Some(entry) => match me.iterate(&entry) {
                Ok(parts) => {
                    cast = cast.or_else(|| parts.first().cloned());
                    default = default.or_else(|| parts.get(1).cloned());
                }
                Err(_) => cast = cast.or(Some(entry)),
            },
            None if scheme.poison.borrow().is_some() => {
                return Ok(me.unknown(scope, line, "the scheme of Env is not known"));
            }
            None => {}
        }
    }
    let aware = env.attributes.get("file_aware").and_then(|v| v.truth()) == Some(true);
    let from_file = if aware {
        match me.variable(&format!("{name}_FILE")) {
            Some(path) => match path.text().map(|t| me.cwd.join(t)) {
                Some(path) => Some(library::read(me, &path, scope, line)?),
                None => return Ok(me.unknown(scope, line, "a file's path is not known")),
            },
            None => None,
        }
    } else {
        None
    };
    let mut value = match (from_file.or_else(|| me.variable(&name)), &default) {
        (Some(value), _) => value,
        (None, Some(default)) => default.clone(),
        (None, None) => {
            if !me.maybe.is_empty() {
                return Ok(me.unknown(scope, line, format!("{name} is not set")));
            }
            return me.raised(
                scope,
                line,
                "ImproperlyConfigured",
                format!("{name} is not set"),
            );
        }
    };
    if let Some(text) = value.text().map(str::to_owned)
        && text.starts_with('$')
    {
        let other = Val::str(text.trim_start_matches('$'), value.source.clone());
        value = environ_value(
            me,
            env,
            &other,
            cast.as_ref(),
            default.as_ref(),
            scope,
            line,
            depth + 1,
        )?;
        return Ok(value);
    }
    if let Some(default) = &default {
        if default.is_none() && value.text() == Some("") {
            return Ok(Val::none(value.source));
        }
        if super::ops::equal(&value, default) == Some(true) || same_object(&value, default) {
            return Ok(value);
        }
        if cast.is_none() && value.text().is_some() {
            cast = match &default.py {
                Py::Bool(_) => Some(Val::lib("bool", source)),
                Py::Int(_) => Some(Val::lib("int", source)),
                Py::Float(_) => Some(Val::lib("float", source)),
                Py::Seq(_) => Some(Val::lib("list", source)),
                Py::Dict(_) => Some(Val::unknown("a dict from a variable", source)),
                _ => None,
            };
        }
    }
    apply_cast(me, value, cast.as_ref(), Truths::Environ, scope, line)
}

/// Whether two values are the same object.
fn same_object(a: &Val, b: &Val) -> bool {
    match (&a.py, &b.py) {
        (Py::Seq(a), Py::Seq(b)) => Rc::ptr_eq(a, b),
        (Py::Dict(a), Py::Dict(b)) => Rc::ptr_eq(a, b),
        _ => false,
    }
}

/// Which texts count as true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truths {
    Environ,
    Decouple,
    Environs,
}

fn apply_cast(
    me: &mut Interpreter<'_>,
    value: Val,
    cast: Option<&Val>,
    truths: Truths,
    scope: &Rc<Scope>,
    line: usize,
) -> Outcome<Val> {
    let Some(cast) = cast.filter(|c| !c.is_none()) else {
        return Ok(value);
    };
    if value.why_unknown().is_some() {
        return Ok(value);
    }
    match &cast.py {
        Py::Lib(name) if &**name == "bool" => {
            let text = match value.display() {
                Some(text) => text.to_lowercase(),
                None => return Ok(me.unknown(scope, line, "bool of something that is not text")),
            };
            let yes = ["true", "on", "ok", "y", "yes", "1"].contains(&text.as_str())
                || (truths != Truths::Environ && text == "t");
            let no = ["false", "off", "n", "no", "0", "f", ""].contains(&text.as_str());
            if !yes && !no && truths != Truths::Environ {
                return me.raised(scope, line, "ValueError", "not a truth value");
            }
            Ok(value.with(Py::Bool(yes)))
        }
        Py::Lib(name) if &**name == "str" => Ok(match value.display() {
            Some(text) => value.with(Py::Str(text.into())),
            None => value,
        }),
        Py::Lib(name) if &**name == "int" => library::int(me, &value, scope, line),
        Py::Lib(name) if &**name == "list" && value.text().is_some() => {
            let text = value.text().unwrap_or("");
            let items = text
                .split(',')
                .filter(|p| !p.is_empty())
                .map(|p| Val::str(p, value.source.clone()))
                .collect();
            Ok(Val::seq(items, false, value.source.clone()))
        }
        Py::Unknown(why) => Ok(Val::unknown(why.clone(), value.source)),
        _ => {
            let arguments = Arguments {
                plain: vec![value],
                ..Arguments::default()
            };
            me.call(cast, arguments, scope, line)
        }
    }
}

fn database(
    me: &mut Interpreter<'_>,
    reader: Reader,
    url: &Val,
    engine: Option<&Val>,
    scope: &Rc<Scope>,
    line: usize,
) -> Outcome<Val> {
    let unknown = url
        .why_unknown()
        .or_else(|| engine.and_then(Val::why_unknown));
    if let Some(why) = unknown {
        return Ok(Val::unknown(why, url.source.clone()));
    }
    let Some(text) = url.text() else {
        return match url.py {
            Py::Dict(_) => Ok(url.clone()),
            _ => Ok(me.unknown(scope, line, "a database URL that is not text")),
        };
    };
    match urls::database(reader, text, engine.and_then(Val::text), &url.source) {
        Ok(value) => Ok(value),
        Err(why) if me.maybe.is_empty() => me.raised(scope, line, "ImproperlyConfigured", why),
        Err(why) => Ok(me.unknown(scope, line, why)),
    }
}

// dj-database-url

fn dj_database_url(
    me: &mut Interpreter<'_>,
    name: &str,
    arguments: &Arguments,
    scope: &Rc<Scope>,
    line: usize,
) -> Known {
    let source = me.source(scope, line);
    let (url, engine) = match name {
        "dj_database_url.config" => {
            let variable = arguments
                .get(0, "env")
                .map_or(Some("DATABASE_URL"), Val::text)?
                .to_owned();
            let default = arguments.get(1, "default").cloned();
            let url = library::getenv(me, &variable, default.as_ref(), source.clone());
            (url, arguments.get(2, "engine").cloned())
        }
        "dj_database_url.parse" => (
            arguments.get(0, "url")?.clone(),
            arguments.get(1, "engine").cloned(),
        ),
        _ => return None,
    };
    if name.ends_with("config") && url.truth() == Some(false) {
        return Some(Ok(Val::dict(Vec::new(), url.source)));
    }
    let made = database(
        me,
        Reader::DjDatabaseUrl,
        &url,
        engine.as_ref(),
        scope,
        line,
    );
    let value = match made {
        Ok(value) => value,
        Err(raised) => return Some(Err(raised)),
    };
    if let (Py::Dict(dict), Some(test)) = (&value.py, arguments.by_name("test_options")) {
        dict.set("TEST".into(), test.clone());
    }
    Some(Ok(value))
}

// python-decouple

fn decouple(
    me: &mut Interpreter<'_>,
    name: &str,
    arguments: &Arguments,
    scope: &Rc<Scope>,
    line: usize,
) -> Known {
    let source = me.source(scope, line);
    match name.trim_start_matches("decouple.") {
        "config" | "config.get" | "config.__call__" => {
            let files = Val::none(source.clone());
            let config = object("decouple.Config", vec![("file", files)], source);
            let Py::Object(config) = &config.py else {
                return None;
            };
            decouple_get(me, config, arguments, scope, line)
        }
        "AutoConfig" => {
            let search = arguments
                .get(0, "search_path")
                .cloned()
                .unwrap_or_else(|| Val::none(source.clone()));
            let attributes = vec![("file", Val::none(source.clone())), ("search", search)];
            Some(Ok(object("decouple.Config", attributes, source)))
        }
        "Config" => {
            let file = arguments.get(0, "repository")?.clone();
            Some(Ok(object("decouple.Config", vec![("file", file)], source)))
        }
        "RepositoryEnv" | "RepositoryIni" => Some(Ok(arguments.get(0, "source")?.clone())),
        "RepositoryEmpty" => Some(Ok(Val::str("/dev/null", source))),
        "Csv" => Some(Ok(Val::lib("list", source))),
        "Choices" => Some(Ok(Val::lib("str", source))),
        _ => None,
    }
}

fn decouple_get(
    me: &mut Interpreter<'_>,
    config: &Rc<Object>,
    arguments: &Arguments,
    scope: &Rc<Scope>,
    line: usize,
) -> Known {
    let option = arguments.get(0, "option")?.text()?.to_owned();
    let default = arguments.get(1, "default").cloned();
    let cast = arguments.get(2, "cast").cloned();
    let value = match me.variable(&option) {
        Some(mut value) => {
            value
                .beat
                .extend(default.iter().map(|d| d.source.with_note("default")));
            Some(value)
        }
        None => {
            let entries = decouple_entries(me, config, scope, &option);
            match entries {
                Ok(pairs) => pairs
                    .into_iter()
                    .rev()
                    .find(|(name, ..)| *name == option)
                    .map(|(_, value, source)| match value {
                        Ok(text) => Val::str(text, source),
                        Err(why) => Val::unknown(why, source),
                    }),
                Err(why) => Some(Val::unknown(why, me.source(scope, line))),
            }
        }
    };
    let value = match value.or(default) {
        Some(value) => value,
        None if !me.maybe.is_empty() => me.unknown(scope, line, format!("{option} is not set")),
        None => {
            return Some(me.raised(
                scope,
                line,
                "UndefinedValueError",
                format!("{option} is not set"),
            ));
        }
    };
    Some(apply_cast(
        me,
        value,
        cast.as_ref(),
        Truths::Decouple,
        scope,
        line,
    ))
}

fn decouple_entries(
    me: &Interpreter<'_>,
    config: &Rc<Object>,
    scope: &Rc<Scope>,
    option: &str,
) -> Result<Vec<envfile::Pair>, Rc<str>> {
    let file = config.attributes.get("file");
    let path = match file {
        Some(file) if !file.is_none() => match file.text() {
            Some(text) => Some(me.cwd.join(text)),
            None => return Err(file.why_unknown().unwrap_or_else(|| "no file".into())),
        },
        _ => {
            let search = config.attributes.get("search").filter(|s| !s.is_none());
            let from = match search {
                Some(search) => match search.text() {
                    Some(text) => me.cwd.join(text),
                    None => return Err("the search path is not known".into()),
                },
                None => directory(scope),
            };
            from.ancestors()
                .filter(|dir| dir.parent().is_some())
                .flat_map(|dir| [dir.join("settings.ini"), dir.join(".env")])
                .find(|path| me.world.files.is_file(path))
        }
    };
    let Some(path) = path else {
        return Ok(Vec::new());
    };
    if path.extension().is_some_and(|e| e == "ini") {
        return decouple_ini(me, &path, option);
    }
    envfile::read(me, envfile::DECOUPLE, &path)
}

/// The entries of an `.ini`, whose names are compared without regard to case.
fn decouple_ini(
    me: &Interpreter<'_>,
    path: &Path,
    option: &str,
) -> Result<Vec<envfile::Pair>, Rc<str>> {
    let shown = crate::files::shown(path, &me.cwd);
    let text = me
        .world
        .files
        .read_text(path)
        .map_err(|e| Rc::from(format!("{shown}: {e}")))?;
    let ini = crate::target::readers::ini::Ini::parse(&text);
    Ok(ini
        .keys("settings")
        .into_iter()
        .map(|key| {
            let (value, at) = match ini.get("settings", &key, &[]) {
                Ok(Some((value, at))) => (Ok(value), at),
                Ok(None) => (Err("no value".into()), 1),
                Err(why) => (Err(why.into()), 1),
            };
            let asked = key == option.to_lowercase();
            let key = if asked { option.to_owned() } else { key };
            (key, value, Source::project_file(&shown, at))
        })
        .collect())
}

// environs

fn environs(
    me: &mut Interpreter<'_>,
    name: &str,
    arguments: &Arguments,
    scope: &Rc<Scope>,
    line: usize,
) -> Known {
    let source = me.source(scope, line);
    let env = object("environs.Env", Vec::new(), source);
    if name == "environs.Env" {
        return Some(Ok(env));
    }
    // `from environs import env`: one that is there already.
    let method = match name.strip_prefix("environs.env")? {
        "" => "__call__",
        method => method.strip_prefix('.').filter(|m| *m != "prefixed")?,
    };
    let Py::Object(env) = &env.py else {
        return None;
    };
    environs_method(me, env, method, arguments, scope, line)
}

fn environs_method(
    me: &mut Interpreter<'_>,
    env: &Rc<Object>,
    name: &str,
    arguments: &Arguments,
    scope: &Rc<Scope>,
    line: usize,
) -> Known {
    let source = me.source(scope, line);
    if name == "read_env" {
        let path = match arguments.get(0, "path") {
            Some(path) if !path.is_none() => match path.text() {
                Some(text) => Some(directory(scope).join(text)),
                None => {
                    me.environ_open = Some("the path of read_env is not known".into());
                    return Some(Ok(Val::none(source)));
                }
            },
            _ => None,
        };
        let path = match path {
            Some(path) if me.world.files.is_dir(&path) => envfile::find_upward(me, &path, ".env"),
            Some(path) => match (path.parent(), path.file_name().and_then(|n| n.to_str())) {
                (Some(dir), Some(file)) => envfile::find_upward(me, dir, file),
                _ => None,
            },
            None => envfile::find_upward(me, &directory(scope), ".env"),
        };
        let Some(over) = is_true(arguments.by_name("override")) else {
            me.environ_open = Some("`override` of read_env is not known".into());
            return Some(Ok(Val::none(source)));
        };
        if let Some(path) = path {
            let dialect = if over { envfile::VALUES } else { envfile::LOAD };
            let pairs = envfile::read(me, dialect, &path);
            envfile::load(me, pairs, over);
        }
        return Some(Ok(Val::none(source)));
    }
    if name == "prefixed" {
        let prefix = arguments.get(0, "prefix")?.clone();
        let env = Val::new(Py::Object(env.clone()), source.clone());
        let parts = vec![("env", env), ("prefix", prefix)];
        return Some(Ok(object("environs.prefixed", parts, source)));
    }
    let prefix = match env.attributes.get("prefix") {
        Some(prefix) => match prefix.text() {
            Some(prefix) => prefix.to_owned(),
            None => return Some(Ok(prefix)),
        },
        None => String::new(),
    };
    let variable = prefix + arguments.get(0, "name")?.text()?;
    let default = arguments.get(1, "default").cloned();
    let (value, given) = match (me.variable(&variable), default) {
        (Some(value), _) => (value, true),
        (None, Some(default)) => (default, false),
        (None, None) if !me.maybe.is_empty() => (
            me.unknown(scope, line, format!("{variable} is not set")),
            true,
        ),
        (None, None) => {
            return Some(me.raised(scope, line, "EnvError", format!("{variable} is not set")));
        }
    };
    if name == "dj_db_url" {
        return Some(database(
            me,
            Reader::DjDatabaseUrl,
            &value,
            None,
            scope,
            line,
        ));
    }
    if !given {
        return Some(Ok(value));
    }
    let cast = match name {
        "__call__" | "str" => "str",
        "bool" => "bool",
        "int" => "int",
        "float" => "float",
        "list" => "list",
        "path" => "pathlib.Path",
        "json" => "json.loads",
        _ => {
            let why = format!(
                "`env.{name}()` is not followed ({}:{line})",
                scope.module.shown
            );
            return Some(Ok(Val::unknown(why, value.source)));
        }
    };
    let cast = Val::lib(cast, source);
    Some(apply_cast(
        me,
        value,
        Some(&cast),
        Truths::Environs,
        scope,
        line,
    ))
}

// pydantic-settings

fn pydantic(
    me: &mut Interpreter<'_>,
    name: &str,
    arguments: &Arguments,
    scope: &Rc<Scope>,
    line: usize,
) -> Known {
    let source = me.source(scope, line);
    match name.rsplit('.').next()? {
        "SettingsConfigDict" | "ConfigDict" => {
            let dict = Val::dict(arguments.named.clone(), source);
            if let (Py::Dict(map), Some(why)) = (&dict.py, &arguments.open) {
                map.poison(why);
            }
            Some(Ok(dict))
        }
        "build" => dsn(arguments),
        "SecretStr" => Some(Ok(arguments.get(0, "secret_value")?.clone())),
        "AliasChoices" => Some(Ok(Val::seq(arguments.plain.clone(), false, source))),
        "Field" => {
            let mut attributes = Vec::new();
            if let Some(default) = arguments.get(0, "default") {
                attributes.push(("default", default.clone()));
            }
            for key in ["alias", "validation_alias", "env", "default_factory"] {
                if let Some(value) = arguments.by_name(key) {
                    attributes.push((key, value.clone()));
                }
            }
            Some(Ok(object("pydantic.Field", attributes, source)))
        }
        _ => None,
    }
}

/// `PostgresDsn.build(scheme=..., host=..., path=...)` and the like, as text. From 2 on, where the
/// user is called `username`, a slash is put before the path.
fn dsn(arguments: &Arguments) -> Known {
    if arguments.open.is_some() || !arguments.plain.is_empty() {
        return None;
    }
    let host = arguments.by_name("host")?;
    let known = [
        "scheme", "user", "username", "password", "host", "port", "path", "query",
    ];
    let text = |name: &str| -> Result<Option<String>, Rc<str>> {
        Ok(match arguments.by_name(name).map(|v| (v, &v.py)) {
            None | Some((_, Py::None)) => None,
            Some((_, Py::Int(number))) => Some(number.to_string()),
            Some((value, _)) => match value.text() {
                Some(text) => Some(text.to_owned()),
                None => {
                    let why = value.why_unknown();
                    return Err(why.unwrap_or_else(|| "a part of a URL is no text".into()));
                }
            },
        })
    };
    let build = || -> Result<String, Rc<str>> {
        if let Some((other, _)) = arguments.named.iter().find(|(n, _)| !known.contains(&&**n)) {
            return Err(format!("`{other}` of a URL").into());
        }
        let second = arguments.by_name("user").is_none();
        let mut url = text("scheme")?.unwrap_or_default() + "://";
        if let Some(user) = text("user")?.or(text("username")?) {
            let own = [("%", "%25"), ("@", "%40"), (":", "%3A"), ("/", "%2F")];
            url += &own.iter().fold(user, |u, (c, code)| u.replace(c, code));
            url.push('@');
        }
        url += &text("host")?.unwrap_or_default();
        if let Some(port) = text("port")? {
            url = url + ":" + &port;
        }
        if let Some(path) = text("path")? {
            url += if second { "/" } else { "" };
            url += &path;
        }
        if let Some(query) = text("query")? {
            url = url + "?" + &query;
        }
        Ok(url)
    };
    Some(Ok(match build() {
        Ok(url) => Val::str(url, host.source.clone()),
        Err(why) => Val::unknown(why, host.source.clone()),
    }))
}

/// Whether a class is one of pydantic's settings classes.
pub(super) fn is_settings_class(class: &Val) -> bool {
    let mut todo = vec![class.clone()];
    let mut seen = 0;
    while let Some(class) = todo.pop() {
        seen += 1;
        match &class.py {
            Py::Class(class) if seen < 32 => todo.extend(class.bases.iter().cloned()),
            Py::Lib(name) => {
                if matches!(
                    &**name,
                    "pydantic_settings.BaseSettings" | "pydantic.BaseSettings"
                ) {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

/// The settings of a class: from arguments, variables, `.env`, defaults, in this order.
pub(super) fn instantiate(
    me: &mut Interpreter<'_>,
    class: &Val,
    arguments: &Arguments,
    scope: &Rc<Scope>,
    line: usize,
) -> Outcome<Val> {
    let source = me.source(scope, line);
    let odd = [
        "settings_customise_sources",
        "__init__",
        "model_post_init",
        "__new__",
    ]
    .iter()
    .find(|name| !matches!(me.find_in_class(class, name), Ok(None)));
    let special = arguments.named.iter().any(|(n, _)| n.starts_with('_'));
    if let Some(odd) = odd.filter(
        |o| !matches!(me.find_in_class(class, o), Err(ref why) if why.contains("BaseSettings")),
    ) {
        return Ok(me.unknown(scope, line, format!("`{odd}` of a settings class")));
    }
    if special || arguments.open.is_some() {
        return Ok(me.unknown(scope, line, "a settings class with its own sources"));
    }
    let config = settings_config(me, class);
    let option = |name: &str| {
        config
            .iter()
            .rev()
            .find(|(k, _)| &**k == name)
            .map(|(_, v)| v.clone())
    };
    for name in [
        "secrets_dir",
        "alias_generator",
        "yaml_file",
        "toml_file",
        "json_file",
    ] {
        if option(name).is_some_and(|v| !v.is_none()) {
            return Ok(me.unknown(scope, line, format!("`{name}` of a settings class")));
        }
    }
    let flag = |name: &str| option(name).map_or(Some(false), |v| v.truth());
    let (Some(sensitive), Some(ignore_empty)) = (flag("case_sensitive"), flag("env_ignore_empty"))
    else {
        return Ok(me.unknown(scope, line, "an option of a settings class"));
    };
    let prefix = option("env_prefix")
        .and_then(|p| p.text().map(str::to_owned))
        .unwrap_or_default();
    let files = settings_files(me, option("env_file"));
    let object_ = Object {
        class: class.clone(),
        attributes: Dict::default(),
    };
    let mut missing = None;
    let marked = |mark: &str| matches!(me.find_in_class(class, mark), Ok(Some(_)));
    let sets = |name: &str| marked(&format!("{SETS}{name}"));
    let checked = |name: &str| marked(&format!("{VALIDATES}{name}"));
    let all_change = checked("*") || (checked("") && sets("*"));
    let changed: Vec<Rc<str>> = settings_fields(class)
        .into_iter()
        .filter(|f| all_change || checked(f) || (checked("") && sets(f)))
        .collect();
    for field in settings_fields(class) {
        if changed.contains(&field) {
            let why = format!("a validator may change `{field}`");
            let value = me.unknown(scope, line, why);
            object_.attributes.set(field, value);
            continue;
        }
        if let Some(value) = arguments.by_name(&field) {
            object_.attributes.set(field.clone(), value.clone());
            continue;
        }
        let declared = me.find_in_class(class, &field).ok().flatten();
        let (names, default) = field_names(me, &field, &prefix, declared);
        let found = names
            .iter()
            .find_map(|name| settings_value(me, name, sensitive, ignore_empty, &files));
        let value = match (found, default) {
            (Some(value), _) => value,
            (None, Some(default)) => default,
            (None, None) => {
                missing.get_or_insert(field.clone());
                continue;
            }
        };
        object_.attributes.set(field, value);
    }
    if let Some(field) = missing {
        if !me.maybe.is_empty() {
            return Ok(me.unknown(scope, line, "a setting is missing"));
        }
        return me.raised(
            scope,
            line,
            "ValidationError",
            format!("`{field}` is not set"),
        );
    }
    Ok(Val::new(Py::Object(Rc::new(object_)), source))
}

fn settings_fields(class: &Val) -> Vec<Rc<str>> {
    let mut fields: Vec<Rc<str>> = Vec::new();
    let mut todo = vec![class.clone()];
    let mut seen = 0;
    while let Some(class) = todo.pop() {
        seen += 1;
        if let Py::Class(class) = &class.py
            && seen < 32
        {
            for field in class.fields.borrow().iter() {
                if !fields.contains(field) && &**field != "model_config" {
                    fields.push(field.clone());
                }
            }
            todo.extend(class.bases.iter().cloned());
        }
    }
    fields
}

fn settings_config(me: &Interpreter<'_>, class: &Val) -> Vec<(Rc<str>, Val)> {
    let mut out = Vec::new();
    if let Ok(Some(Val {
        py: Py::Class(config),
        ..
    })) = me.find_in_class(class, "Config")
    {
        let names = config.scope.names.borrow();
        out.extend(names.iter().map(|(k, v)| (Rc::from(k.as_str()), v.clone())));
    }
    let model = match &class.py {
        Py::Class(_) => model_config(class, 0),
        _ => None,
    };
    if let Some(Val {
        py: Py::Dict(dict), ..
    }) = model
    {
        out.extend(dict.items.borrow().iter().cloned());
    }
    if let Py::Class(class) = &class.py {
        let names = class.scope.names.borrow();
        out.extend(names.iter().filter_map(|(k, v)| {
            let key = k.strip_prefix("class ")?;
            Some((Rc::from(key), v.clone()))
        }));
    }
    out
}

fn model_config(class: &Val, depth: usize) -> Option<Val> {
    let Py::Class(class) = &class.py else {
        return None;
    };
    class.scope.own("model_config").or_else(|| {
        (depth < 16).then(|| class.bases.iter().find_map(|b| model_config(b, depth + 1)))?
    })
}

/// Marks in the scope of a class: a method sets this attribute of itself.
const SETS: &str = "sets ";
/// A validator looks at this field, `*` for every one; no name: at the whole, once it is there.
const VALIDATES: &str = "validates ";

/// The marks that a method leaves in its class, for what pydantic's validators may change.
pub(super) fn marks(definition: &Definition) -> Vec<String> {
    let mut out = Vec::new();
    for decorator in &definition.decorators {
        let (name, arguments) = match &decorator.kind {
            ExprKind::Call(function, arguments) => (super::exec::name_of(function), &**arguments),
            _ => (super::exec::name_of(decorator), &[][..]),
        };
        let texts = arguments.iter().map(|a| match (&a.name, &a.value.kind) {
            (None, ExprKind::Str(field)) => field.as_str(),
            (Some(name), ExprKind::Str(mode)) if name == "mode" && mode == "after" => "",
            (Some(_), _) => "-",
            _ => "*",
        });
        let seen: Vec<&str> = match &*name {
            "field_validator" | "validator" => texts.filter(|t| !matches!(*t, "-" | "")).collect(),
            "model_validator" => texts.map(|t| if t.is_empty() { t } else { "*" }).collect(),
            "root_validator" => vec!["*"],
            _ => continue,
        };
        out.extend(seen.iter().map(|field| format!("{VALIDATES}{field}")));
    }
    if let Some((own, _)) = definition.parameters.plain.first() {
        set_in(&definition.body, own, &mut out);
    }
    out
}

/// The attributes of `own` that these statements set.
fn set_in(block: &[Statement], own: &str, out: &mut Vec<String>) {
    let is_own = |e: &Expr| matches!(&e.kind, ExprKind::Name(name) if name == own);
    for statement in block {
        let mut target = |e: &Expr| match &e.kind {
            ExprKind::Attribute(of, name) if is_own(of) => out.push(format!("{SETS}{name}")),
            ExprKind::Tuple(_) | ExprKind::List(_) | ExprKind::Index(..) => {
                out.push(format!("{SETS}*"));
            }
            _ => {}
        };
        match &statement.kind {
            StatementKind::Assign(targets, _) => targets.iter().for_each(target),
            StatementKind::Augment(to, ..) | StatementKind::Annotated(to, ..) => target(to),
            StatementKind::Expression(Expr {
                kind: ExprKind::Call(function, _),
                ..
            }) if super::exec::name_of(function).contains("setattr") => {
                out.push(format!("{SETS}*"));
            }
            StatementKind::If(branches) => {
                branches.iter().for_each(|(_, b)| set_in(b, own, out));
            }
            StatementKind::For(_, _, body, other) | StatementKind::While(_, body, other) => {
                set_in(body, own, out);
                set_in(other, own, out);
            }
            StatementKind::Try {
                body,
                handlers,
                other,
                finally,
            } => {
                for part in [body, other, finally] {
                    set_in(part, own, out);
                }
                handlers.iter().for_each(|h| set_in(&h.body, own, out));
            }
            StatementKind::With(_, body) => set_in(body, own, out),
            StatementKind::Match(_, cases) => {
                cases.iter().for_each(|(.., body)| set_in(body, own, out));
            }
            StatementKind::Opaque => out.push(format!("{SETS}*")),
            _ => {}
        }
    }
}

type Files = Result<Vec<envfile::Pair>, Rc<str>>;

fn settings_files(me: &Interpreter<'_>, option: Option<Val>) -> Files {
    let Some(option) = option.filter(|o| !o.is_none()) else {
        return Ok(Vec::new());
    };
    let paths = match option.text() {
        Some(path) => vec![path.to_owned()],
        None => {
            let items = me.iterate(&option)?;
            let paths: Option<Vec<String>> =
                items.iter().map(|i| i.text().map(str::to_owned)).collect();
            paths.ok_or_else(|| Rc::from("a path of env_file is not known"))?
        }
    };
    let mut out = Vec::new();
    for path in paths {
        out.extend(envfile::read(me, envfile::VALUES, &me.cwd.join(path))?);
    }
    Ok(out)
}

/// The names under which a field is looked up, and its default.
fn field_names(
    me: &Interpreter<'_>,
    field: &str,
    prefix: &str,
    declared: Option<Val>,
) -> (Vec<String>, Option<Val>) {
    let mut names = vec![format!("{prefix}{field}")];
    let mut default = declared.clone();
    if let Some(Val {
        py: Py::Object(object),
        ..
    }) = &declared
        && matches!(&object.class.py, Py::Lib(c) if &**c == "pydantic.Field")
    {
        default = object.attributes.get("default");
        if default.is_none()
            && let Some(factory) = object.attributes.get("default_factory")
        {
            default = Some(Val::unknown(
                "a default that is made by a function",
                factory.source,
            ));
        }
        for key in ["validation_alias", "alias", "env"] {
            if let Some(alias) = object.attributes.get(key) {
                let several = || -> Option<Vec<String>> {
                    let choices = me.iterate(&alias).ok()?;
                    choices
                        .iter()
                        .map(|c| c.text().map(str::to_owned))
                        .collect()
                };
                names = match alias.text().map(|a| vec![a.to_owned()]).or_else(several) {
                    Some(names) => names,
                    None => {
                        default = Some(Val::unknown("a choice of aliases", alias.source));
                        Vec::new()
                    }
                };
                break;
            }
        }
    }
    (names, default)
}

fn settings_value(
    me: &Interpreter<'_>,
    name: &str,
    sensitive: bool,
    ignore_empty: bool,
    files: &Files,
) -> Option<Val> {
    let same = |other: &str| {
        if sensitive {
            other == name
        } else {
            other.eq_ignore_ascii_case(name)
        }
    };
    let exact = me.variable(name).filter(|_| sensitive);
    let found = exact.or_else(|| {
        // Of several spellings the last in the environment's order wins, which is not known here.
        let mut all = me.environ.keys().filter(|k| same(k));
        let first = all.next()?;
        let value = me.variable(first)?;
        match all.next() {
            None => Some(value),
            Some(_) => Some(Val::unknown(
                format!("several variables spell {name} differently"),
                value.source,
            )),
        }
    });
    if let Some(value) = found.filter(|v| !(ignore_empty && v.text() == Some(""))) {
        return Some(value);
    }
    match files {
        Err(why) => Some(Val::unknown(why.clone(), Source::default_of("pydantic"))),
        Ok(pairs) => pairs
            .iter()
            .rev()
            .find(|(n, value, _)| {
                same(n) && !(ignore_empty && value.as_ref().is_ok_and(String::is_empty))
            })
            .map(|(_, value, source)| match value {
                Ok(text) => Val::str(text.as_str(), source.clone()),
                Err(why) => Val::unknown(why.clone(), source.clone()),
            }),
    }
}
