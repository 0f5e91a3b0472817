//! What node itself and well-known packages do, as far as configuration uses it. Everything else
//! is unknown.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::eval::{Evaluated, Evaluator, Place, put};
use super::parse::number_text;
use super::value::{Js, Val};
use crate::environment::dotenv::{self, Loaded};
use crate::files;
use crate::source::Source;
use crate::target::readers::{joined, replaced};
use crate::target::url::Url;

/// Modules that are imported for an effect which is not on the environment.
const HARMLESS: &[&str] = &[
    "reflect-metadata",
    "tsconfig-paths/register",
    "ts-node/register",
    "module-alias/register",
    "source-map-support/register",
    "pg",
    "mysql2",
    "tsx",
    "tsx/cjs",
    "esbuild-register",
    "@swc-node/register",
    "@swc/register",
    "@babel/register",
    "server-only",
    "regenerator-runtime/runtime",
    "core-js",
    "typeorm",
    "sequelize",
    "knex",
    "better-sqlite3",
    "sqlite3",
    "tedious",
];

/// The version of a package as it is installed for a module in `dir`.
pub fn installed(files: &dyn files::Files, dir: &Path, package: &str) -> Option<String> {
    let file = dir
        .ancestors()
        .map(|d| d.join("node_modules").join(package).join("package.json"));
    let text = file.into_iter().find_map(|f| files.read_text(&f).ok())?;
    let json: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(json.get("version")?.as_str()?.to_owned())
}

/// Whether an option of dotenv is on, as its text says it.
pub fn switched_on(text: &str) -> bool {
    !["false", "0", "no", "off", ""].contains(&text.to_ascii_lowercase().as_str())
}

fn text(of: &str, like: &Val) -> Val {
    like.with(Js::Text(of.to_owned()))
}

impl Evaluator<'_> {
    /// A member of a package or of node; names that mean nothing of their own are kept.
    pub(super) fn external_member(
        &mut self,
        object: &Val,
        module: &str,
        path: &[String],
        key: &str,
    ) -> Val {
        match (module, path.is_empty(), key) {
            (_, _, "default") => object.clone(),
            ("process", true, "env") | ("import", true, "env") => object.with(Js::Env),
            ("process", true, "platform") => text("linux", object),
            ("process", true, "argv" | "argv0" | "pid" | "version" | "versions" | "execArgv") => {
                Val::unknown(format!("process.{key}"), object.source.clone())
            }
            ("path", _, "sep") => text("/", object),
            ("path", _, "posix") => object.clone(),
            ("globalThis", true, "process") => {
                object.with(Js::External("process".into(), Vec::new()))
            }
            _ => {
                let mut path = path.to_vec();
                path.push(key.to_owned());
                object.with(Js::External(module.to_owned(), path))
            }
        }
    }

    /// An import that is made for its effect: `true` where that is all it is.
    pub(super) fn side_effect(&mut self, from: &str, place: &Place, line: usize) -> bool {
        let here = self.shown(&place.path);
        match from {
            "dotenv/config" | "dotenv/config.js" => self.preload_dotenv(&place.path, false),
            "dotenv-expand/config" => self.preload_dotenv(&place.path, true),
            "dotenv-flow/config" => self.dotenv_flow(None, None),
            _ if from.starts_with('.') || from.starts_with('/') => return false,
            _ if from.contains("dotenv") && from.contains('/') && from.ends_with("config") => {
                self.open_env(format!(
                    "{here}:{line}: `{from}` may change the environment"
                ));
            }
            _ => return false,
        }
        true
    }

    /// A module loaded only for its effect, whose effect nobody knows.
    pub(super) fn unknown_effect(&mut self, from: &str, at: &str) {
        let builtin = matches!(
            from,
            "fs" | "path" | "os" | "util" | "url" | "process" | "module"
        );
        if !HARMLESS.contains(&from) && !builtin && !from.starts_with("dotenv") {
            self.open_env(format!("{at}: `{from}` may change the environment"));
        }
    }

    pub(super) fn external_call(
        &mut self,
        module: &str,
        path: &[String],
        arguments: Vec<Val>,
        here: Source,
        place: &Place,
    ) -> Evaluated {
        let name = path.join(".");
        let first = arguments.first().cloned();
        let undefined = Val::new(Js::Undefined, here.clone());
        let as_text = |v: &Option<Val>| v.as_ref().map(Val::text);
        match (module, name.as_str()) {
            ("require", "") => match as_text(&first) {
                Some(Ok(from)) => {
                    let line = here.text().rsplit(':').next().and_then(|l| l.parse().ok());
                    self.require(&from, place, line.unwrap_or(1))
                }
                _ => Ok(Val::unknown(
                    format!("{here}: a computed module name"),
                    here,
                )),
            },
            ("module", "createRequire") => {
                Ok(Val::new(Js::External("require".into(), Vec::new()), here))
            }
            ("dotenv", "config" | "configDotenv") => Ok(self.dotenv_config(first, here, place)),
            ("dotenv-expand", "" | "expand") => Ok(self.dotenv_expand(first, here, place)),
            ("dotenv-flow", "config") => {
                let option = |n: &str| {
                    first
                        .as_ref()
                        .and_then(|o| o.get(n))
                        .and_then(|v| v.text().ok())
                };
                self.dotenv_flow(option("node_env"), option("path"));
                Ok(undefined)
            }
            ("dotenv", "parse") | ("util", "parseEnv") => {
                Ok(self.parse_env(module, first, here, place))
            }
            ("@next/env", "loadEnvConfig") => {
                self.next_env(&arguments);
                Ok(undefined)
            }
            ("vite", "loadEnv") => Ok(self.vite_env(&arguments, here)),
            ("process", "cwd") => Ok(Val::new(Js::Text(self.cwd.display().to_string()), here)),
            ("process", "loadEnvFile") => self.load_env_file(first, here),
            ("process", "chdir") => {
                match as_text(&first) {
                    Some(Ok(dir)) => self.cwd = files::lexical(&self.cwd.join(dir)),
                    _ => self.taint(format!("{here}: process.chdir")),
                }
                Ok(undefined)
            }
            ("process", "exit") => Err("process.exit".to_owned()),
            ("process", _) => Ok(undefined),
            ("path", function) => Ok(self.path_function(function, &arguments, here)),
            ("url", "fileURLToPath") => Ok(match as_text(&first) {
                Some(Ok(url)) => {
                    Val::new(Js::Text(url.trim_start_matches("file://").to_owned()), here)
                }
                _ => Val::unknown(format!("{here}: a URL"), here),
            }),
            ("url", "pathToFileURL") => Ok(match as_text(&first) {
                Some(Ok(path)) => url_object(&format!("file://{path}"), &here),
                _ => Val::unknown(format!("{here}: a path"), here),
            }),
            ("fs", "existsSync") => Ok(match as_text(&first) {
                Some(Ok(path)) => {
                    let there = self.world.files.exists(&self.cwd.join(path));
                    Val::new(Js::Bool(there), here)
                }
                _ => Val::unknown(format!("{here}: a path"), here),
            }),
            ("fs", "readFileSync") => match as_text(&first) {
                Some(Ok(path)) => match self.world.files.read_text(&self.cwd.join(&path)) {
                    Ok(content) => Ok(Val::new(Js::Text(content), Source::project_file(&path, 1))),
                    Err(e) => Err(format!("{path}: {e}")),
                },
                _ => Ok(Val::unknown(format!("{here}: a file"), here)),
            },
            ("prisma/config" | "@prisma/config", "env") => match as_text(&first) {
                Some(Ok(name)) => {
                    let value = self.variable(&name, &here);
                    match value.js {
                        Js::Undefined => Err(format!("the environment variable {name} is not set")),
                        _ => Ok(value),
                    }
                }
                _ => Ok(Val::unknown(format!("{here}: env()"), here)),
            },
            (_, "defineConfig" | "definePrismaConfig") => {
                let Some(config) = first else {
                    return Ok(undefined);
                };
                let config = match &config.js {
                    Js::Function(_) => self.call(&config, Vec::new())?,
                    _ => config,
                };
                if let Js::Object(entries) = &config.js
                    && config.get("__from").is_none()
                {
                    put(
                        entries,
                        "__from",
                        Val::new(Js::Text(module.to_owned()), here),
                    );
                }
                Ok(config)
            }
            ("knex", "" | "knex")
            | ("pg", "Client" | "Pool")
            | ("mysql2" | "mysql2/promise" | "mysql", "createConnection" | "createPool")
            | ("postgres" | "mongoose" | "ioredis" | "redis", _) => {
                self.made.push((module.to_owned(), name.clone(), arguments));
                let entries = vec![("__class".to_owned(), Val::new(Js::Text(name), here.clone()))];
                Ok(Val::object(entries, here))
            }
            ("global", _) => self.global_call(&name, arguments, here),
            _ => Ok(Val::unknown(format!("{here}: `{module}` {name}()"), here)),
        }
    }

    fn global_call(&mut self, name: &str, arguments: Vec<Val>, here: Source) -> Evaluated {
        let undefined = Val::new(Js::Undefined, here.clone());
        let first = arguments
            .first()
            .cloned()
            .unwrap_or_else(|| undefined.clone());
        let or_unknown = |result: Result<Js, String>| match result {
            Ok(js) => first.with(js),
            Err(why) => Val::unknown(why, here.clone()),
        };
        Ok(match name {
            "Number" => or_unknown(first.number().map(Js::Number)),
            "parseInt" | "Number.parseInt" | "parseFloat" | "Number.parseFloat" => or_unknown(
                first
                    .text()
                    .map(|t| Js::Number(leading_number(&t, name.ends_with("Float")))),
            ),
            "String" => or_unknown(first.text().map(Js::Text)),
            "Boolean" => or_unknown(first.truth().map(Js::Bool)),
            "isNaN" | "Number.isNaN" => or_unknown(first.number().map(|n| Js::Bool(n.is_nan()))),
            "Array.isArray" => first.with(Js::Bool(matches!(first.js, Js::List(_)))),
            "Object.freeze" | "Object.seal" | "Promise.resolve" | "structuredClone" => first,
            "Object.assign" => {
                let Js::Object(target) = &first.js else {
                    return Ok(Val::unknown(format!("{here}: Object.assign"), here));
                };
                for other in arguments.iter().skip(1) {
                    match &other.js {
                        Js::Object(entries) => {
                            let copy = entries.borrow().clone();
                            copy.into_iter().for_each(|(k, v)| put(target, &k, v));
                        }
                        Js::Undefined | Js::Null => {}
                        _ => return Ok(Val::unknown(format!("{here}: Object.assign"), here)),
                    }
                }
                first
            }
            "Object.defineProperty" => {
                let key = arguments.get(1).map(Val::text);
                let value = arguments.get(2).and_then(|d| d.get("value"));
                match (&first.js, key) {
                    (Js::Object(target), Some(Ok(key))) => {
                        let why = format!("{here}: the computed property `{key}`");
                        let value = value.unwrap_or_else(|| Val::unknown(why, here.clone()));
                        put(target, &key, value);
                    }
                    _ => self.taint(format!("{here}: Object.defineProperty")),
                }
                first
            }
            "Object.keys" => match &first.js {
                Js::Object(entries) => {
                    let keys = entries
                        .borrow()
                        .iter()
                        .map(|(k, _)| text(k, &first))
                        .collect();
                    first.with(Js::List(Rc::new(RefCell::new(keys))))
                }
                _ => Val::unknown(format!("{here}: Object.keys"), here),
            },
            "JSON.parse" => match first.text() {
                Ok(json) => match serde_json::from_str(&json) {
                    Ok(value) => from_json(&value, &first, 0),
                    Err(_) => return Err(format!("{here}: JSON.parse of something else")),
                },
                Err(why) => Val::unknown(why, here),
            },
            "encodeURIComponent" => or_unknown(first.text().map(|t| Js::Text(encoded(&t)))),
            "decodeURIComponent" => or_unknown(
                first
                    .text()
                    .map(|t| Js::Text(crate::target::url::decode(&t))),
            ),
            "URL" => Val::unknown(format!("{here}: URL()"), here),
            name if name.starts_with("console.") => undefined,
            _ => Val::unknown(format!("{here}: {name}()"), here),
        })
    }

    fn path_function(&mut self, function: &str, arguments: &[Val], here: Source) -> Val {
        let mut parts = Vec::new();
        for argument in arguments {
            match argument.text() {
                Ok(part) => parts.push(part),
                Err(why) => return Val::unknown(why, here),
            }
        }
        let first = parts.first().cloned().unwrap_or_default();
        let path = Path::new(&first);
        let out = match function {
            "join" | "posix.join" => files::lexical(Path::new(&parts.join("/")))
                .display()
                .to_string(),
            "resolve" | "posix.resolve" => {
                let all = parts
                    .iter()
                    .fold(self.cwd.clone(), |at: PathBuf, p| at.join(p));
                files::lexical(&all).display().to_string()
            }
            "dirname" => path
                .parent()
                .map_or(".".into(), |p| p.display().to_string()),
            "basename" => path
                .file_name()
                .map_or(String::new(), |n| n.to_string_lossy().into_owned()),
            "normalize" => files::lexical(path).display().to_string(),
            _ => return Val::unknown(format!("{here}: path.{function}"), here),
        };
        Val::new(Js::Text(out), here)
    }

    pub(super) fn construct(
        &mut self,
        class: &Val,
        arguments: Vec<Val>,
        here: Source,
    ) -> Evaluated {
        let Js::External(module, path) = &class.js else {
            return Ok(Val::unknown(
                format!("{here}: an object of an own class"),
                here,
            ));
        };
        let name = path.last().map_or(module.as_str(), String::as_str);
        if name == "URL" {
            return Ok(match arguments.first().map(Val::text) {
                Some(Ok(text)) if text.contains("://") => url_object(&text, &here),
                Some(Ok(text)) => match arguments.get(1).map(Val::text) {
                    Some(Ok(base)) => {
                        let base = PathBuf::from(base.trim_start_matches("file://"));
                        let dir = base.parent().unwrap_or(Path::new("/"));
                        let path = files::lexical(&dir.join(text));
                        url_object(&format!("file://{}", path.display()), &here)
                    }
                    _ => return Err(format!("{here}: Invalid URL")),
                },
                _ => Val::unknown(format!("{here}: a URL"), here),
            });
        }
        self.made
            .push((module.clone(), name.to_owned(), arguments.clone()));
        let mut entries = vec![
            (
                "__class".to_owned(),
                Val::new(Js::Text(name.to_owned()), here.clone()),
            ),
            (
                "__module".to_owned(),
                Val::new(Js::Text(module.clone()), here.clone()),
            ),
        ];
        if let Some(options) = arguments.first() {
            entries.push(("options".to_owned(), options.clone()));
        }
        let list = Js::List(Rc::new(RefCell::new(arguments)));
        entries.push(("arguments".to_owned(), Val::new(list, here.clone())));
        Ok(Val::object(entries, here))
    }

    pub(super) fn method(&mut self, object: &Val, name: &str, arguments: Vec<Val>) -> Evaluated {
        let first = arguments.first().map(Val::text);
        let unknown = || {
            Val::unknown(
                format!("{}: .{name}()", object.source),
                object.source.clone(),
            )
        };
        match &object.js {
            Js::Text(text) => Ok(match text_method(text, name, &arguments) {
                Some(js) => object.with(js),
                None => unknown(),
            }),
            Js::Number(n) if name == "toString" => Ok(object.with(Js::Text(number_text(*n)))),
            Js::List(list) => {
                let items = list.borrow().clone();
                Ok(match (name, first) {
                    ("join", separator) => {
                        let texts: Result<Vec<String>, String> =
                            items.iter().map(Val::text).collect();
                        match (texts, separator.unwrap_or_else(|| Ok(",".to_owned()))) {
                            (Ok(texts), Ok(separator)) => {
                                let text = joined(&texts, &separator);
                                text.map_or_else(unknown, |text| object.with(Js::Text(text)))
                            }
                            _ => unknown(),
                        }
                    }
                    ("includes", Some(Ok(wanted))) => object.with(Js::Bool(
                        items.iter().any(|i| i.text().as_ref() == Ok(&wanted)),
                    )),
                    ("push", _) => {
                        list.borrow_mut().extend(arguments);
                        object.with(Js::Undefined)
                    }
                    ("map" | "forEach" | "filter" | "find", _) => {
                        return self.each(object, name, items, arguments.first());
                    }
                    _ => unknown(),
                })
            }
            Js::Object(_) => {
                let class = object.get("__class").and_then(|c| c.text().ok());
                Ok(match (class.as_deref(), name, first) {
                    (Some("ConfigService"), "get" | "getOrThrow", Some(Ok(key)))
                        if !key.contains('.') =>
                    {
                        let value = self.variable(&key, &object.source);
                        match (&value.js, arguments.get(1)) {
                            (Js::Undefined, Some(default)) => default.clone(),
                            _ => value,
                        }
                    }
                    (Some("URLSearchParams"), "get", Some(Ok(key))) => {
                        object.get(&key).unwrap_or_else(|| object.with(Js::Null))
                    }
                    (_, "toString", _) => match object.text() {
                        Ok(text) => object.with(Js::Text(text)),
                        Err(why) => Val::unknown(why, object.source.clone()),
                    },
                    (None, "catch" | "finally", _) => object.clone(),
                    (None, "then", _) => match arguments.first() {
                        Some(function) => return self.call(function, vec![object.clone()]),
                        None => object.clone(),
                    },
                    (None, "hasOwnProperty", Some(Ok(key))) => {
                        object.with(Js::Bool(object.get(&key).is_some()))
                    }
                    _ => unknown(),
                })
            }
            Js::Function(_) if matches!(name, "call" | "bind") => {
                let rest = arguments.into_iter().skip(1).collect();
                if name == "bind" {
                    Ok(object.clone())
                } else {
                    self.call(object, rest)
                }
            }
            _ => Ok(unknown()),
        }
    }

    fn each(
        &mut self,
        object: &Val,
        name: &str,
        items: Vec<Val>,
        function: Option<&Val>,
    ) -> Evaluated {
        let Some(function) = function else {
            return Ok(Val::unknown(
                "a call without a function",
                object.source.clone(),
            ));
        };
        let mut out = Vec::new();
        for item in items {
            let result = self.call(function, vec![item.clone()])?;
            match name {
                "map" => out.push(result),
                "forEach" => {}
                _ => match result.truth() {
                    Ok(true) if name == "find" => return Ok(item),
                    Ok(true) => out.push(item),
                    Ok(false) => {}
                    Err(why) => return Ok(Val::unknown(why, object.source.clone())),
                },
            }
        }
        Ok(match name {
            "map" | "filter" => object.with(Js::List(Rc::new(RefCell::new(out)))),
            _ => object.with(Js::Undefined),
        })
    }

    /// Puts an env file into the environment; `false` where there is none.
    pub fn load_dotenv(&mut self, path: &Path, dialect: &str, over: bool) -> bool {
        let path = files::lexical(&self.cwd.join(path));
        let shown = self.shown(&path);
        let Some(dialect) = dotenv::dialect(dialect) else {
            return false;
        };
        match dotenv::load(
            self.world.files,
            (&path, &shown),
            dialect,
            &mut self.vars,
            over,
        ) {
            Loaded::Missing => false,
            Loaded::Rejected(why) => {
                self.open_env(why);
                true
            }
            Loaded::Read(unknown) => {
                for (name, why) in unknown {
                    self.unknown_vars.insert(name, why);
                }
                true
            }
        }
    }

    /// The dialect of the `dotenv` package that a module finds.
    pub fn dotenv_dialect(&self, module: &Path, package: &str) -> (&'static str, u32) {
        let dir = module.parent().unwrap_or(Path::new("/"));
        let version =
            installed(self.world.files, dir, package).unwrap_or_else(|| "17.4.2".to_owned());
        let major = version
            .split('.')
            .next()
            .and_then(|m| m.parse().ok())
            .unwrap_or(17);
        let dialect =
            dotenv::for_package(package, &version).map_or("node-dotenv-17.4.2", |d| d.name);
        (dialect, major)
    }

    fn setting(&self, names: &[&str]) -> Option<String> {
        names
            .iter()
            .find_map(|n| self.vars.text(n).map(std::borrow::Cow::into_owned))
    }

    /// `dotenv/config`, and node's `-r dotenv/config`.
    pub fn preload_dotenv(&mut self, module: &Path, expand: bool) {
        let (dialect, major) = self.dotenv_dialect(module, "dotenv");
        let current = major >= 18;
        let path = if current {
            self.setting(&["DOTENV_PATH", "DOTENV_CONFIG_PATH"])
        } else {
            self.setting(&["DOTENV_CONFIG_PATH"])
        };
        let over = if current {
            self.setting(&["DOTENV_OVERRIDE", "DOTENV_CONFIG_OVERRIDE"])
        } else {
            self.setting(&["DOTENV_CONFIG_OVERRIDE"])
        };
        // Before 18 any text but an empty one switched it on.
        let over = over.is_some_and(|t| {
            if current {
                switched_on(&t)
            } else {
                !t.is_empty() && t != "false"
            }
        });
        if self.vault(major) {
            return;
        }
        let dialect = if expand {
            self.expand_dialect(module)
        } else {
            dialect
        };
        self.before_dotenv = self.vars.clone();
        self.load_dotenv(
            Path::new(path.as_deref().unwrap_or(".env")),
            dialect,
            over && major >= 12,
        );
    }

    /// `DOTENV_KEY` makes dotenv 16 read an encrypted vault.
    fn vault(&mut self, major: u32) -> bool {
        let vault = major == 16 && self.vars.filled("DOTENV_KEY").is_some();
        if vault && self.world.files.is_file(&self.cwd.join(".env.vault")) {
            self.open_env("DOTENV_KEY: variables come from the encrypted .env.vault");
            return true;
        }
        false
    }

    fn expand_dialect(&self, module: &Path) -> &'static str {
        let dir = module.parent().unwrap_or(Path::new("/"));
        installed(self.world.files, dir, "dotenv-expand")
            .and_then(|v| dotenv::for_package("dotenv-expand", &v))
            .map_or("dotenv-expand-12.0.3", |d| d.name)
    }

    fn dotenv_config(&mut self, options: Option<Val>, here: Source, place: &Place) -> Val {
        let (dialect, major) = self.dotenv_dialect(&place.path, "dotenv");
        let option = |name: &str| {
            let found = options.as_ref().and_then(|o| o.get(name));
            found.filter(|v| !matches!(v.js, Js::Undefined | Js::Null))
        };
        if matches!(options.as_ref().map(|o| &o.js), Some(Js::Unknown(_))) {
            self.open_env(format!("{here}: options of dotenv"));
            return Val::new(Js::Undefined, here);
        }
        let mut paths = Vec::new();
        match option("path") {
            None => {
                let set =
                    (major >= 18).then(|| self.setting(&["DOTENV_PATH", "DOTENV_CONFIG_PATH"]));
                paths.push(set.flatten().unwrap_or_else(|| ".env".to_owned()));
            }
            Some(value) => {
                let items = match &value.js {
                    Js::List(items) => items.borrow().clone(),
                    _ => vec![value.clone()],
                };
                for item in items {
                    match item.text() {
                        Ok(path) => paths.push(path.trim_start_matches("file://").to_owned()),
                        Err(why) => {
                            self.open_env(format!("{here}: the path of a .env file: {why}"));
                            return Val::new(Js::Undefined, here);
                        }
                    }
                }
            }
        }
        let over = match option("override").map(|v| v.truth()) {
            Some(Ok(over)) => over,
            Some(Err(why)) => {
                self.open_env(format!("{here}: dotenv's override: {why}"));
                return Val::new(Js::Undefined, here);
            }
            None => {
                major >= 18
                    && self
                        .setting(&["DOTENV_OVERRIDE", "DOTENV_CONFIG_OVERRIDE"])
                        .is_some_and(|t| switched_on(&t))
            }
        };
        if option("processEnv").is_some() || self.vault(major) {
            return Val::unknown(format!("{here}: dotenv with an own environment"), here);
        }
        self.before_dotenv = self.vars.clone();
        let mut read = Vec::new();
        for path in paths {
            if self.load_dotenv(Path::new(&path), dialect, over && major >= 12) {
                read.push(Val::new(Js::Text(path), here.clone()));
            }
        }
        // `parsed` holds what the files say; here the variables in force stand for it.
        let entries = self
            .vars
            .iter()
            .map(|(name, _)| name.to_owned())
            .collect::<Vec<_>>();
        let parsed = entries
            .into_iter()
            .map(|name| {
                let value = self.variable(&name, &here);
                (name, value)
            })
            .collect();
        let files = Js::List(Rc::new(RefCell::new(read)));
        let out = vec![
            ("parsed".to_owned(), Val::object(parsed, here.clone())),
            ("__files".to_owned(), Val::new(files, here.clone())),
        ];
        Val::object(out, here)
    }

    fn dotenv_expand(&mut self, config: Option<Val>, here: Source, place: &Place) -> Val {
        let dialect = self.expand_dialect(&place.path);
        let files = match config.as_ref().and_then(|c| c.get("__files")).map(|f| f.js) {
            Some(Js::List(files)) => files.borrow().clone(),
            _ => {
                self.open_env(format!(
                    "{here}: dotenv-expand of something else than a file"
                ));
                return Val::new(Js::Undefined, here);
            }
        };
        self.vars = self.before_dotenv.clone();
        for file in files {
            if let Ok(path) = file.text() {
                self.load_dotenv(Path::new(&path), dialect, false);
            }
        }
        config.unwrap_or_else(|| Val::new(Js::Undefined, here))
    }

    fn load_env_file(&mut self, path: Option<Val>, here: Source) -> Evaluated {
        let path = match path.as_ref().map(|p| (&p.js, p.text())) {
            None | Some((Js::Undefined, _)) => ".env".to_owned(),
            Some((_, Ok(path))) => path.trim_start_matches("file://").to_owned(),
            Some((_, Err(why))) => {
                self.open_env(format!("{here}: the path of a .env file: {why}"));
                return Ok(Val::new(Js::Undefined, here));
            }
        };
        if self.load_dotenv(Path::new(&path), "node-env-file-22.23.3", false) {
            Ok(Val::new(Js::Undefined, here))
        } else {
            Err(format!("ENOENT: no such file or directory, open '{path}'"))
        }
    }

    /// dotenv-flow: the strongest file first, none over the process.
    pub fn dotenv_flow(&mut self, node_env: Option<String>, dir: Option<String>) {
        let node_env = node_env
            .or_else(|| self.setting(&["NODE_ENV"]))
            .filter(|e| !e.is_empty());
        let mut names = Vec::new();
        if let Some(env) = &node_env {
            names.push(format!(".env.{env}.local"));
            names.push(format!(".env.{env}"));
        }
        if node_env.as_deref() != Some("test") {
            names.push(".env.local".to_owned());
        }
        names.push(".env".to_owned());
        names.push(".env.defaults".to_owned());
        for name in names {
            let path = match &dir {
                Some(dir) => Path::new(dir).join(name),
                None => PathBuf::from(name),
            };
            self.load_dotenv(&path, "node-dotenv-16.6.1", false);
        }
    }

    fn next_env(&mut self, arguments: &[Val]) {
        let dir = arguments.first().map(Val::text);
        let dev = arguments.get(1).map_or(Ok(false), Val::truth);
        let (Some(Ok(dir)), Ok(dev)) = (dir, dev) else {
            self.open_env("loadEnvConfig with arguments that are not known");
            return;
        };
        let test = self.vars.text("NODE_ENV").as_deref() == Some("test");
        let mode = match (test, dev) {
            (true, _) => "test",
            (_, true) => "development",
            _ => "production",
        };
        let mut names = vec![format!(".env.{mode}.local")];
        if !test {
            names.push(".env.local".to_owned());
        }
        names.push(format!(".env.{mode}"));
        names.push(".env".to_owned());
        for name in names {
            self.load_dotenv(&Path::new(&dir).join(name), "next-env-16.4.6", false);
        }
    }

    fn vite_env(&mut self, arguments: &[Val], here: Source) -> Val {
        let texts: Vec<Result<String, String>> = arguments.iter().take(2).map(Val::text).collect();
        let (Some(Ok(mode)), Some(Ok(dir))) = (texts.first(), texts.get(1)) else {
            return Val::unknown(format!("{here}: loadEnv"), here);
        };
        let prefixes: Vec<String> = match arguments.get(2).map(|p| &p.js) {
            None | Some(Js::Undefined) => vec!["VITE_".to_owned()],
            Some(Js::Text(t)) => vec![t.clone()],
            Some(Js::List(items)) => items
                .borrow()
                .iter()
                .filter_map(|i| i.text().ok())
                .collect(),
            _ => return Val::unknown(format!("{here}: loadEnv"), here),
        };
        let kept = self.vars.clone();
        let unknown = self.unknown_vars.clone();
        for name in [
            format!(".env.{mode}.local"),
            format!(".env.{mode}"),
            ".env.local".into(),
            ".env".into(),
        ] {
            self.load_dotenv(&Path::new(dir).join(name), "vite-loadEnv-8.3.8", false);
        }
        let names: Vec<String> = self.vars.iter().map(|(n, _)| n.to_owned()).collect();
        let entries = names
            .into_iter()
            .filter(|n| prefixes.iter().any(|p| n.starts_with(p.as_str())))
            .map(|n| {
                let value = self.variable(&n, &here);
                (n, value)
            })
            .collect();
        self.vars = kept;
        self.unknown_vars = unknown;
        Val::object(entries, here)
    }

    fn parse_env(
        &mut self,
        module: &str,
        content: Option<Val>,
        here: Source,
        place: &Place,
    ) -> Val {
        let Some(Ok(content)) = content.as_ref().map(Val::text) else {
            return Val::unknown(format!("{here}: the text of a .env file"), here);
        };
        let name = if module == "util" {
            "node-env-file-22.23.3"
        } else {
            self.dotenv_dialect(&place.path, "dotenv").0
        };
        let entries = dotenv::dialect(name)
            .and_then(|d| dotenv::read(d, &content, &|_| None).ok())
            .unwrap_or_default();
        let entries = dotenv::settle(entries)
            .into_iter()
            .filter_map(|e| Some((e.name, Val::new(Js::Text(e.value?), here.clone()))))
            .collect();
        Val::object(entries, here)
    }
}

fn leading_number(text: &str, float: bool) -> f64 {
    let text = text.trim();
    let end = text
        .char_indices()
        .find(|(at, c)| {
            !(c.is_ascii_digit() || (*at == 0 && (*c == '-' || *c == '+')) || (float && *c == '.'))
        })
        .map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or("").parse().unwrap_or(f64::NAN)
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, b| {
        if b.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
        out
    })
}

fn from_json(value: &serde_json::Value, like: &Val, depth: usize) -> Val {
    use serde_json::Value as Json;
    like.with(match value {
        _ if depth > 20 => Js::Unknown("nested too deep".to_owned()),
        Json::Null => Js::Null,
        Json::Bool(b) => Js::Bool(*b),
        Json::Number(n) => Js::Number(n.as_f64().unwrap_or(f64::NAN)),
        Json::String(s) => Js::Text(s.clone()),
        Json::Array(items) => {
            let items = items
                .iter()
                .map(|i| from_json(i, like, depth + 1))
                .collect();
            Js::List(Rc::new(RefCell::new(items)))
        }
        Json::Object(entries) => {
            let entries = entries
                .iter()
                .map(|(k, v)| (k.clone(), from_json(v, like, depth + 1)))
                .collect();
            Js::Object(Rc::new(RefCell::new(entries)))
        }
    })
}

fn url_object(text: &str, here: &Source) -> Val {
    let val = |t: String| Val::new(Js::Text(t), here.clone());
    let Some(url) = Url::split(text) else {
        return Val::unknown(format!("{here}: a URL"), here.clone());
    };
    let host = url.host.clone().unwrap_or_default();
    let port = url.port.clone().unwrap_or_default();
    let both = if port.is_empty() {
        host.clone()
    } else {
        format!("{host}:{port}")
    };
    let mut query: Vec<(String, Val)> = url
        .query
        .iter()
        .map(|(k, v)| (k.clone(), val(crate::target::url::decode(v))))
        .collect();
    query.push(("__class".to_owned(), val("URLSearchParams".to_owned())));
    let entries = vec![
        ("href".to_owned(), val(text.to_owned())),
        ("protocol".to_owned(), val(format!("{}:", url.scheme))),
        ("hostname".to_owned(), val(host)),
        ("host".to_owned(), val(both)),
        ("port".to_owned(), val(port)),
        ("pathname".to_owned(), val(url.path.clone())),
        (
            "username".to_owned(),
            val(url.user.clone().unwrap_or_default()),
        ),
        ("password".to_owned(), val("****".to_owned())),
        ("searchParams".to_owned(), Val::object(query, here.clone())),
    ];
    Val::object(entries, here.clone())
}

fn text_method(text: &str, name: &str, arguments: &[Val]) -> Option<Js> {
    let arg = |n: usize| {
        arguments.get(n).and_then(|a| match &a.js {
            Js::Text(t) => Some(t.as_str()),
            _ => None,
        })
    };
    #[allow(clippy::cast_possible_truncation, reason = "positions in short texts")]
    let number = |n: usize| {
        arguments
            .get(n)
            .and_then(|a| a.number().ok())
            .map(|n| n as i64)
    };
    Some(match name {
        "trim" => Js::Text(text.trim().to_owned()),
        "toLowerCase" => Js::Text(text.to_lowercase()),
        "toUpperCase" => Js::Text(text.to_uppercase()),
        "toString" | "valueOf" => Js::Text(text.to_owned()),
        "startsWith" => Js::Bool(text.starts_with(arg(0)?)),
        "endsWith" => Js::Bool(text.ends_with(arg(0)?)),
        "includes" => Js::Bool(text.contains(arg(0)?)),
        "replace" => Js::Text(text.replacen(arg(0)?, plain(arg(1)?)?, 1)),
        "replaceAll" => Js::Text(replaced(text, arg(0)?, plain(arg(1)?)?)?),
        "concat" => {
            let parts: Result<Vec<String>, String> = arguments.iter().map(Val::text).collect();
            Js::Text(text.to_owned() + &parts.ok()?.concat())
        }
        "split" => {
            let like = arguments.first()?;
            let parts = text
                .split(arg(0)?)
                .map(|p| like.with(Js::Text(p.to_owned())))
                .collect();
            Js::List(Rc::new(RefCell::new(parts)))
        }
        "slice" | "substring" if text.is_ascii() => {
            let length = i64::try_from(text.len()).ok()?;
            let at = |n: i64| {
                if n < 0 {
                    (length + n).max(0)
                } else {
                    n.min(length)
                }
            };
            let from = at(number(0)?);
            let to = if arguments.len() > 1 {
                at(number(1)?)
            } else {
                length
            };
            let range = usize::try_from(from).ok()?..usize::try_from(to.max(from)).ok()?;
            Js::Text(text.get(range)?.to_owned())
        }
        _ => return None,
    })
}

/// A replacement in which `$` means nothing.
fn plain(text: &str) -> Option<&str> {
    (!text.contains('$')).then_some(text)
}
