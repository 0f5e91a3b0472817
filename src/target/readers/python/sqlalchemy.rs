//! SQLAlchemy, Alembic and Flask as far as configuration code calls them: URLs, engines, who
//! connects, and an application's configuration.

use std::rc::Rc;

use super::eval::{Event, Interpreter};
use super::library::object;
use super::value::{Arguments, Object, Outcome, Py, Scope, Val};
use crate::target::sqlalchemy;

type Known = Option<Outcome<Val>>;

/// Calls a function or class.
pub(super) fn call_library(
    me: &mut Interpreter<'_>,
    name: &str,
    arguments: &Arguments,
    scope: &Rc<Scope>,
    line: usize,
) -> Known {
    let source = me.source(scope, line);
    let short = name.rsplit('.').next().unwrap_or(name);
    match (name, short) {
        ("flask.Flask", _) => {
            let config = object("flask.Config", Vec::new(), source.clone());
            let name = arguments.plain.first().cloned();
            let mut attributes = vec![("config", config)];
            attributes.extend(name.map(|n| ("import_name", n)));
            if let Some(path) = arguments.by_name("instance_path") {
                attributes.push(("instance_path", path.clone()));
            }
            let file = Val::str(scope.module.file.to_string_lossy(), source.clone());
            attributes.push(("file", file));
            let app = object("flask.Flask", attributes, source);
            me.event("app", app.clone());
            Some(Ok(app))
        }
        ("flask_sqlalchemy.SQLAlchemy", _) => {
            let db = object("flask_sqlalchemy.SQLAlchemy", Vec::new(), source);
            if let Some(app) = arguments.get(0, "app").filter(|a| !a.is_none()) {
                bind_app(me, app);
            }
            Some(Ok(db))
        }
        ("flask_migrate.Migrate", _) => {
            Some(Ok(object("flask_migrate.Migrate", Vec::new(), source)))
        }
        (_, "create_engine" | "create_async_engine") => {
            let url = arguments.get(0, "url")?.clone();
            Some(Ok(object("sqlalchemy.Engine", vec![("url", url)], source)))
        }
        (_, "engine_from_config" | "async_engine_from_config") => {
            let section = arguments.get(0, "configuration")?;
            let prefix = match arguments.get(1, "prefix") {
                None => "sqlalchemy.",
                Some(prefix) => prefix.text()?,
            };
            let key = format!("{prefix}url");
            let explicit = arguments.by_name("url").cloned();
            let url = match (explicit, &section.py) {
                (Some(url), _) => url,
                (None, Py::Dict(dict)) => match dict.get(&key) {
                    Some(url) => url,
                    None if dict.poison.borrow().is_some() => {
                        me.unknown(scope, line, "the section of the configuration is not known")
                    }
                    None => return Some(me.raised(scope, line, "KeyError", "`url`")),
                },
                (None, _) => Val::unknown(
                    section.why_unknown().unwrap_or_else(|| "no section".into()),
                    section.source.clone(),
                ),
            };
            Some(Ok(object("sqlalchemy.Engine", vec![("url", url)], source)))
        }
        (_, "make_url") => {
            let url = arguments.get(0, "name_or_url")?;
            match url.text().map(sqlalchemy::parse) {
                None => Some(Ok(url.clone())),
                Some(Some(parts)) => Some(Ok(made_url(&parts, &url.source))),
                Some(None) => Some(me.raised(scope, line, "ArgumentError", "no SQLAlchemy URL")),
            }
        }
        (_, "create") if name.ends_with("URL.create") => Some(Ok(url_object(arguments, source))),
        (_, "URL") if name.starts_with("sqlalchemy") => Some(Ok(url_object(arguments, source))),
        ("alembic.context.is_offline_mode", _) => Some(Ok(Val::new(Py::Bool(me.offline), source))),
        ("alembic.context.get_x_argument", _) => {
            let dictionary = arguments.get(0, "as_dictionary").map(Val::truth);
            Some(Ok(match dictionary {
                Some(Some(true)) => {
                    let entries = me.x_arguments.iter().map(|x| {
                        let (key, value) = x.split_once('=').unwrap_or((x, ""));
                        let source = crate::source::Source::argument("option -x").with_note(key);
                        (key.into(), Val::str(value, source))
                    });
                    Val::dict(entries.collect(), source)
                }
                None | Some(Some(false)) => {
                    let items = me.x_arguments.iter();
                    let from = crate::source::Source::argument("option -x");
                    let items = items.map(|x| Val::str(x.as_str(), from.clone()));
                    Val::seq(items.collect(), false, source)
                }
                Some(None) => me.unknown(scope, line, "an option of get_x_argument"),
            }))
        }
        _ => {
            for argument in arguments.all() {
                if is_engine(argument) {
                    connect(me, argument);
                }
            }
            None
        }
    }
}

fn url_object(arguments: &Arguments, source: crate::source::Source) -> Val {
    let names = [
        "drivername",
        "username",
        "password",
        "host",
        "port",
        "database",
        "query",
    ];
    let attributes = (0..)
        .zip(names)
        .filter_map(|(at, name)| Some((name, arguments.get(at, name)?.clone())))
        .collect();
    object("sqlalchemy.URL", attributes, source)
}

/// The object that `make_url` makes of a text.
fn made_url(parts: &sqlalchemy::Parts, source: &crate::source::Source) -> Val {
    let text = |t: &str| Val::str(t, source.clone());
    let given = |(name, value): &(&'static str, Option<&str>)| {
        let none = || Val::none(source.clone());
        (*name, value.map_or_else(none, text))
    };
    let mut attributes: Vec<(&str, Val)> = parts.attributes().iter().map(given).collect();
    let mut entries: Vec<(Rc<str>, Val)> = Vec::new();
    for (key, value) in parts.query() {
        match entries.iter_mut().find(|(k, _)| **k == **key) {
            Some((_, first)) => {
                *first = Val::seq(vec![first.clone(), text(value)], false, source.clone())
            }
            None => entries.push((key.as_str().into(), text(value))),
        }
    }
    attributes.push(("query", Val::dict(entries, source.clone())));
    object("sqlalchemy.URL", attributes, source.clone())
}

fn is_engine(value: &Val) -> bool {
    matches!(&value.py, Py::Object(o) if matches!(&o.class.py, Py::Lib(c) if &**c == "sqlalchemy.Engine"))
}

fn connect(me: &mut Interpreter<'_>, engine: &Val) {
    if let Py::Object(object) = &engine.py
        && let Some(url) = object.attributes.get("url")
    {
        me.event("connect", url);
    }
}

fn bind_app(me: &mut Interpreter<'_>, app: &Val) {
    let Py::Object(object) = &app.py else {
        let why = app
            .why_unknown()
            .unwrap_or_else(|| "the application is not known".into());
        me.event("database", Val::unknown(why, app.source.clone()));
        return;
    };
    let Some(Val {
        py: Py::Object(config),
        source,
        ..
    }) = object.attributes.get("config")
    else {
        return;
    };
    let entry = |key: &str| {
        config
            .attributes
            .get(&format!("[{key}]"))
            .unwrap_or_else(|| Val::none(source.clone()))
    };
    let uri = entry("SQLALCHEMY_DATABASE_URI");
    let binds = entry("SQLALCHEMY_BINDS");
    me.event(
        "database",
        Val::seq(vec![uri, binds, app.clone()], true, source.clone()),
    );
}

impl Interpreter<'_> {
    /// Notes what a library was told; in an uncertain branch only that something was.
    pub(super) fn event(&mut self, what: &'static str, value: Val) {
        if self.events.len() > 200 {
            return;
        }
        let value = match self.uncertain(0) {
            Some(why) if what != "app" => Val::unknown(why, value.source),
            _ => value,
        };
        self.events.push(Event { what, value });
    }
}

/// Calls a method of an object of these libraries.
#[allow(
    clippy::too_many_arguments,
    reason = "a call, its object and its place"
)]
pub(super) fn method(
    me: &mut Interpreter<'_>,
    class: &str,
    of: &Val,
    object_: &Rc<Object>,
    name: &str,
    arguments: &Arguments,
    scope: &Rc<Scope>,
    line: usize,
) -> Known {
    let source = me.source(scope, line);
    match (class, name) {
        ("sqlalchemy.Engine", "connect" | "begin" | "raw_connection") => {
            connect(me, of);
            Some(Ok(object("sqlalchemy.Connection", Vec::new(), source)))
        }
        ("sqlalchemy.Engine", "execution_options" | "__call__") => Some(Ok(of.clone())),
        ("sqlalchemy.Engine", "dispose") => Some(Ok(Val::none(source))),
        ("sqlalchemy.Connection", "run_sync") => {
            let function = arguments.plain.first()?.clone();
            let arguments = Arguments {
                plain: vec![of.clone()],
                ..Arguments::default()
            };
            Some(me.call(&function, arguments, scope, line))
        }
        ("sqlalchemy.Connection", _) => {
            Some(Ok(object("sqlalchemy.Connection", Vec::new(), source)))
        }
        ("sqlalchemy.URL", "render_as_string" | "__str__") => Some(Ok(of.clone())),
        ("sqlalchemy.URL", "set" | "_replace") => {
            let attributes: Vec<(Rc<str>, Val)> = object_.attributes.items.borrow().clone();
            let copy = object("sqlalchemy.URL", Vec::new(), source);
            if let Py::Object(new) = &copy.py {
                for (key, value) in attributes.into_iter().chain(arguments.named.clone()) {
                    new.attributes.set(key, value);
                }
            }
            Some(Ok(copy))
        }
        ("flask_sqlalchemy.SQLAlchemy" | "flask_migrate.Migrate", "init_app") => {
            if class.starts_with("flask_sqlalchemy") {
                bind_app(me, arguments.get(0, "app")?);
            }
            Some(Ok(Val::none(source)))
        }
        ("flask_sqlalchemy.SQLAlchemy" | "flask_migrate.Migrate" | "flask.Flask", _) => Some(Ok(
            me.unknown(scope, line, format!("`{name}` of a Flask object")),
        )),
        ("flask.Config", _) => config_method(me, object_, name, arguments, scope, line),
        ("alembic.Config", _) => alembic_config(me, object_, name, arguments, scope, line),
        _ => None,
    }
}

fn set_entry(me: &Interpreter<'_>, config: &Rc<Object>, key: &str, mut value: Val) {
    if let Some(why) = me.uncertain(0) {
        value = Val::unknown(why, value.source);
    }
    config.attributes.set(format!("[{key}]").into(), value);
}

fn config_method(
    me: &mut Interpreter<'_>,
    config: &Rc<Object>,
    name: &str,
    arguments: &Arguments,
    scope: &Rc<Scope>,
    line: usize,
) -> Known {
    let source = me.source(scope, line);
    let key = arguments
        .plain
        .first()
        .and_then(Val::text)
        .map(str::to_owned);
    let none = Val::none(source.clone());
    match (name, key) {
        ("__getitem__", Some(key)) => Some(match config.attributes.get(&format!("[{key}]")) {
            Some(value) => Ok(value),
            None => Ok(me.unknown(scope, line, format!("`{key}` of the configuration"))),
        }),
        ("get", Some(key)) => Some(Ok(config
            .attributes
            .get(&format!("[{key}]"))
            .or_else(|| arguments.plain.get(1).cloned())
            .unwrap_or(none))),
        ("setdefault", Some(key)) => {
            if config.attributes.get(&format!("[{key}]")).is_none() {
                let value = arguments.plain.get(1).cloned().unwrap_or(none.clone());
                set_entry(me, config, &key, value);
            }
            Some(Ok(none))
        }
        ("from_prefixed_env", prefix) => {
            let prefix = arguments
                .by_name("prefix")
                .and_then(Val::text)
                .map_or(prefix.unwrap_or_else(|| "FLASK".into()), str::to_owned);
            let prefix = format!("{prefix}_");
            let names: Vec<String> = me
                .environ
                .keys()
                .filter(|k| k.starts_with(&prefix) && !k.contains("__"))
                .cloned()
                .collect();
            for name in names {
                let Some(value) = me.variable(&name) else {
                    continue;
                };
                let json = value.text().and_then(|t| serde_json::from_str(t).ok());
                let value = match json {
                    Some(json) => super::library::from_json(&json, &value.source, 0),
                    None => value,
                };
                set_entry(me, config, &name[prefix.len()..], value);
            }
            Some(Ok(none))
        }
        ("from_mapping" | "update", _) => {
            let holder = Val::dict(Vec::new(), source);
            if let Py::Dict(map) = &holder.py {
                if let Some(other) = arguments.plain.first() {
                    me.merge_into(map, other, scope, line);
                }
                for (name, value) in &arguments.named {
                    map.set(name.clone(), value.clone());
                }
                if let Some(why) = map.poison.borrow().as_ref() {
                    config.attributes.poison(why);
                }
                for (name, value) in map.items.borrow().iter() {
                    set_entry(me, config, name, value.clone());
                }
            }
            Some(Ok(none))
        }
        ("from_object", key) => {
            let given = arguments.plain.first()?.clone();
            let given = match key {
                None => given,
                Some(path) => match import_string(me, &path) {
                    Ok(Some(found)) => found,
                    Ok(None) => me.unknown(scope, line, format!("`{path}` is not found")),
                    Err(raised) => return Some(Err(raised)),
                },
            };
            if let Err(why) = from_object(me, config, &given, scope, line) {
                config.attributes.poison(&why);
            }
            Some(Ok(none))
        }
        ("from_pyfile", Some(path)) => {
            let root = scope.module.file.parent()?.join(path);
            if !me.world.files.is_file(&root) {
                let silent = arguments.by_name("silent").and_then(Val::truth) == Some(true);
                if silent {
                    return Some(Ok(none));
                }
                return Some(me.raised(scope, line, "FileNotFoundError", "a configuration file"));
            }
            let module = match me.load(&root, "config", false) {
                Ok(module) => module,
                Err(raised) => return Some(Err(raised)),
            };
            me.modules.remove("config");
            let given = Val::new(Py::Module(module), none.source.clone());
            if let Err(why) = from_object(me, config, &given, scope, line) {
                config.attributes.poison(&why);
            }
            Some(Ok(none))
        }
        _ => {
            let why: Rc<str> = format!("`config.{name}()` at {}:{line}", scope.module.shown).into();
            config.attributes.poison(&why);
            Some(Ok(Val::unknown(why, none.source)))
        }
    }
}

/// `package.module.Name` or a module.
fn import_string(me: &mut Interpreter<'_>, path: &str) -> Outcome<Option<Val>> {
    let path = path.replace(':', ".");
    if let Some(module) = me.module(&path)? {
        let source = crate::source::Source::project_file(&module.module.shown, 1);
        return Ok(Some(Val::new(Py::Module(module), source)));
    }
    let Some((module, name)) = path.rsplit_once('.') else {
        return Ok(None);
    };
    Ok(me.module(module)?.and_then(|m| m.own(name)))
}

fn from_object(
    me: &mut Interpreter<'_>,
    config: &Rc<Object>,
    given: &Val,
    scope: &Rc<Scope>,
    line: usize,
) -> Result<(), Rc<str>> {
    for key in ["SQLALCHEMY_DATABASE_URI", "SQLALCHEMY_BINDS"] {
        let value = match &given.py {
            Py::Module(module) => {
                if let Some(why) = module.open.borrow().clone() {
                    return Err(why);
                }
                module.own(key)
            }
            Py::Class(_) => me.find_in_class(given, key)?,
            Py::Object(_) => me
                .attribute(given, key, scope, line)
                .ok()
                .filter(|v| !matches!(v.py, Py::Method(..))),
            _ => {
                return Err(given
                    .why_unknown()
                    .unwrap_or_else(|| "the configuration object is not known".into()));
            }
        };
        if let Some(value) = value {
            set_entry(me, config, key, value);
        }
    }
    Ok(())
}

fn alembic_config(
    me: &mut Interpreter<'_>,
    config: &Rc<Object>,
    name: &str,
    arguments: &Arguments,
    scope: &Rc<Scope>,
    line: usize,
) -> Known {
    let source = me.source(scope, line);
    let texts: Vec<Option<String>> = arguments
        .plain
        .iter()
        .map(|v| v.text().map(str::to_owned))
        .collect();
    let text = |n: usize| texts.get(n).cloned().flatten();
    let main = config
        .attributes
        .get("config_ini_section")?
        .text()?
        .to_owned();
    let here = config.attributes.get("here")?.text()?.to_owned();
    let shown = config.attributes.get("shown")?.text()?.to_owned();
    let given = [("here", here.as_str())];
    let found =
        |me: &Interpreter<'_>, section: &str, key: &str| match me.ini.get(section, key, &given) {
            Ok(Some((value, line))) => {
                let place = match me.ini_sources.get(&(section.to_owned(), key.to_owned())) {
                    Some(source) => source.clone(),
                    None => crate::source::Source::project_file(&shown, line),
                };
                Ok(Some(Val::str(value, place)))
            }
            Ok(None) => Ok(None),
            Err(why) => me.raised(scope, line, "InterpolationError", format!("`{key}`: {why}")),
        };
    match name {
        "get_main_option" | "get_section_option" => {
            let (section, key, default) = if name == "get_main_option" {
                (main, text(0)?, arguments.get(1, "default"))
            } else {
                (text(0)?, text(1)?, arguments.get(2, "default"))
            };
            Some(found(me, &section, &key).map(|value| {
                value.unwrap_or_else(|| {
                    default
                        .cloned()
                        .unwrap_or_else(|| Val::none(source.clone()))
                })
            }))
        }
        "get_section" => {
            let section = text(0)?;
            if !me.ini.has_section(&section) {
                let default = arguments.get(1, "default").cloned();
                return Some(Ok(default.unwrap_or_else(|| Val::none(source))));
            }
            let dict = Val::dict(Vec::new(), source);
            if let Py::Dict(map) = &dict.py {
                for key in me.ini.keys(&section) {
                    match found(me, &section, &key) {
                        Ok(Some(value)) => map.set(key.as_str().into(), value),
                        Ok(None) => {}
                        Err(raised) => return Some(Err(raised)),
                    }
                }
            }
            Some(Ok(dict))
        }
        "set_main_option" | "set_section_option" => {
            let (section, key, value) = if name == "set_main_option" {
                (main, arguments.get(0, "name")?, arguments.get(1, "value")?)
            } else {
                (
                    arguments.get(0, "section")?.text()?.to_owned(),
                    arguments.get(1, "name")?,
                    arguments.get(2, "value")?,
                )
            };
            let key = key.text()?.to_lowercase();
            let why = me.uncertain(0).or_else(|| value.why_unknown());
            let place = (section.clone(), key.clone());
            match (why, value.text()) {
                (None, Some(text)) => {
                    // `configparser` refuses a stray `%` right here.
                    if let Err(why) = me.ini.check(text) {
                        return Some(me.raised(scope, line, "ValueError", why));
                    }
                    me.ini.set(&section, &key, text, line);
                    me.ini_sources.insert(place, value.source.clone());
                    me.ini_unknown.remove(&(section, key));
                }
                (why, _) => {
                    let why = why.unwrap_or_else(|| "not text".into());
                    me.ini.set(&section, &key, "", line);
                    me.ini_unknown.insert(place, why);
                }
            }
            Some(Ok(Val::none(source)))
        }
        _ => None,
    }
    .map(|result| {
        let unknown = me.ini_unknown.values().next().cloned();
        match (result, unknown) {
            (Ok(value), Some(why)) if name.starts_with("get") => {
                Ok(Val::unknown(why, value.source))
            }
            (result, _) => result,
        }
    })
}
