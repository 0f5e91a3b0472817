//! Prisma 5 to 7: schema, configuration file, two `.env` files, flags.

use std::path::{Path, PathBuf};

use super::connection::{self, Setting};
use super::{evaluator, first_file, stopped};
use crate::command::{Command, Effect, Stop, World};
use crate::source::{Source, Sourced};
use crate::target::readers::js::{Evaluator, installed};
use crate::target::url::{Url, decode};
use crate::target::{Engine, Resolution, Traced, Value};

const ENDS: &[&str] = &["ts", "js", "mjs", "cjs", "mts", "cts"];

/// What of the schema decides the target.
#[derive(Debug, Default)]
struct Datasource {
    provider: Option<String>,
    url: Option<(Written, Source)>,
    direct: Option<(Written, Source)>,
    shadow: Option<(Written, Source)>,
}

#[derive(Debug)]
enum Written {
    Text(String),
    Env(String),
}

pub(super) fn resolve(command: &Command, world: &World<'_>) -> Resolution {
    let version = installed(world.files, &command.step.cwd, "prisma");
    let major = version
        .as_deref()
        .and_then(|v| v.split('.').next()?.parse::<u32>().ok())
        .unwrap_or(6);
    let mut js = evaluator(command, world);
    let mut resolution = match database(command, world, &mut js, major) {
        Ok(resolution) => resolution,
        Err(resolution) => resolution,
    };
    if let Some(stop) = guard(command, &js, version.as_deref().unwrap_or("6.19.3")) {
        resolution.errors.push(stop);
    }
    resolution
}

fn database(
    command: &Command,
    world: &World<'_>,
    js: &mut Evaluator<'_>,
    major: u32,
) -> Result<Resolution, Resolution> {
    let config_file = config_file(command, world, major);
    let config = match &config_file {
        Some(file) => {
            let config = js.config(file).map_err(stopped)?;
            match config.why_unknown() {
                Some(why) => return Err(Resolution::unresolved(why)),
                None => Some(config),
            }
        }
        None => None,
    };
    let base = match &config_file {
        Some(file) => file.parent().map(PathBuf::from).unwrap_or_default(),
        None => command.step.cwd.clone(),
    };
    let schema = schema_file(command, world, config.as_ref(), &base);
    let source = schema
        .as_ref()
        .map(|file| datasource(file, world, js))
        .unwrap_or_default();
    if config.is_none() && major < 7 {
        load_env(command, world, js, schema.as_deref())?;
    }
    let flag = command
        .args
        .value(&["--url"])
        .map(|url| Sourced::new(url.to_owned(), Source::argument("option --url")));
    let engine = source.provider.as_deref().map(Engine::from_driver);
    let schema_dir = schema
        .as_ref()
        .and_then(|s| s.parent())
        .map(PathBuf::from)
        .unwrap_or_else(|| command.step.cwd.clone());
    let place = Place {
        engine,
        dir: if major >= 7 {
            command.step.cwd.clone()
        } else {
            schema_dir
        },
    };
    let verb = command.actions.first().map_or("", |a| a.name.as_ref());
    if verb == "migrate diff" {
        return Ok(diff(command, &place));
    }
    if let Some(url) = flag {
        return Ok(place.target(&url));
    }
    if major >= 7 {
        return in_config(config.as_ref(), source.url.is_some(), &place, verb);
    }
    if let Some(config) = &config {
        let adapter = |c: &Traced| c.get("adapter").is_some_and(|a| a.value != Value::Null);
        if adapter(config) || config.get("experimental").is_some_and(adapter) {
            return Err(Resolution::unresolved(
                "an adapter in the configuration decides the database",
            ));
        }
        let classic = config.get("engine").and_then(Traced::as_str) == Some("classic");
        if classic && config.get("datasource").is_some() {
            return in_config(Some(config), false, &place, verb);
        }
    }
    let migrates = verb.starts_with("migrate") || verb.starts_with("db ");
    let chosen = source
        .direct
        .as_ref()
        .filter(|_| migrates)
        .or(source.url.as_ref());
    let Some((written, at)) = chosen else {
        return Err(Resolution::error(
            "connection-not-configured",
            "the schema names no datasource URL",
        ));
    };
    let mut resolution = place.target(&value(written, at, js)?);
    if let (Some((shadow, at)), "migrate dev") = (&source.shadow, verb)
        && let Ok(url) = value(shadow, at, js)
    {
        resolution.merge(place.target(&url));
    }
    Ok(resolution)
}

fn value(
    written: &Written,
    at: &Source,
    js: &Evaluator<'_>,
) -> Result<Sourced<String>, Resolution> {
    match written {
        Written::Text(text) => Ok(Sourced::new(text.clone(), at.clone())),
        Written::Env(name) => {
            if let Some(why) = js.unknown(name) {
                return Err(Resolution::unresolved(why));
            }
            match js.vars.get(name) {
                None => Err(Resolution::error(
                    "env-missing",
                    format!("{at}: Environment variable not found: {name}"),
                )),
                Some(var) if var.value.is_empty() => Err(Resolution::error(
                    "env-empty",
                    format!("{at}: {name} is an empty string"),
                )),
                Some(var) => Ok(Sourced::new(
                    var.value.to_string_lossy().into_owned(),
                    var.source.with_note(name),
                )),
            }
        }
    }
}

/// Where the URL stands in a configuration file.
fn in_config(
    config: Option<&Traced>,
    url_in_schema: bool,
    place: &Place,
    verb: &str,
) -> Result<Resolution, Resolution> {
    if url_in_schema {
        return Err(Resolution::error(
            "schema-invalid",
            "`url` is no longer supported in schema files",
        ));
    }
    let datasource = config.and_then(|c| c.get("datasource"));
    if let Some(why) = datasource.and_then(Traced::why_unknown) {
        return Err(Resolution::unresolved(why));
    }
    let known = |name: &str| Setting::of(datasource.and_then(|d| d.get(name)));
    let own = match known("directUrl") {
        Setting::Absent => known("url"),
        direct => direct,
    };
    match own {
        Setting::Known(url) => {
            let mut resolution = place.target(&url);
            if let (Setting::Known(shadow), "migrate dev") = (known("shadowDatabaseUrl"), verb) {
                resolution.merge(place.target(&shadow));
            }
            Ok(resolution)
        }
        Setting::Unknown(why) => Err(Resolution::unresolved(why)),
        Setting::Absent => Err(Resolution::error(
            "connection-not-configured",
            "The datasource.url property is required in the configuration",
        )),
    }
}

fn config_file(command: &Command, world: &World<'_>, major: u32) -> Option<PathBuf> {
    if let Some(file) = command.args.value(&["--config"]) {
        return Some(command.step.path(file));
    }
    if major < 6 {
        return None;
    }
    let stems: &[&str] = if major >= 7 {
        &[
            "prisma7.config",
            ".config/prisma7",
            "prisma.config",
            ".config/prisma",
        ]
    } else {
        &["prisma.config", ".config/prisma"]
    };
    stems.iter().find_map(|stem| {
        let names: Vec<String> = ENDS.iter().map(|end| format!("{stem}.{end}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        first_file(world, &command.step.cwd, &names)
    })
}

fn schema_file(
    command: &Command,
    world: &World<'_>,
    config: Option<&Traced>,
    base: &Path,
) -> Option<PathBuf> {
    let of = |path: PathBuf| -> Option<PathBuf> {
        if world.files.is_file(&path) {
            return Some(path);
        }
        // A directory of schema files: the one that holds the datasource.
        world
            .files
            .list(&path)
            .into_iter()
            .map(|name| path.join(name))
            .filter(|p| p.extension().is_some_and(|e| e == "prisma"))
            .find(|p| {
                world
                    .files
                    .read_text(p)
                    .is_ok_and(|t| t.contains("datasource "))
            })
    };
    if let Some(file) = command.args.value(&["--schema"]) {
        return of(command.step.path(file));
    }
    if let Some(file) = config
        .and_then(|c| c.get("schema"))
        .and_then(Traced::as_str)
    {
        return of(crate::files::lexical(&base.join(file)));
    }
    let package = world
        .files
        .read_text(&command.step.path("package.json"))
        .ok();
    let json: Option<serde_json::Value> = package.and_then(|t| serde_json::from_str(&t).ok());
    let named = json
        .as_ref()
        .and_then(|j| j.get("prisma")?.get("schema")?.as_str());
    if let Some(file) = named {
        return of(command.step.path(file));
    }
    [
        "schema.prisma",
        "prisma/schema.prisma",
        "prisma/schema",
        "prisma",
    ]
    .iter()
    .find_map(|name| of(command.step.path(name)))
}

/// The `datasource` block of a schema.
fn datasource(file: &Path, world: &World<'_>, js: &Evaluator<'_>) -> Datasource {
    let mut found = Datasource::default();
    let Ok(text) = world.files.read_text(file) else {
        return found;
    };
    let shown = js.shown(file);
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with("datasource ") {
            inside = true;
            continue;
        }
        if line.starts_with('}') {
            inside = false;
        }
        let Some((key, value)) = line
            .split_once('=')
            .filter(|_| inside && !line.starts_with("//"))
        else {
            continue;
        };
        let source = Source::project_file(&shown, index + 1);
        let Some(written) = written(value.trim()) else {
            continue;
        };
        match (key.trim(), written) {
            ("provider", Written::Text(text)) => found.provider = Some(text),
            ("url", written) => found.url = Some((written, source)),
            ("directUrl", written) => found.direct = Some((written, source)),
            ("shadowDatabaseUrl", written) => found.shadow = Some((written, source)),
            _ => {}
        }
    }
    found
}

fn written(value: &str) -> Option<Written> {
    if let Some(inner) = value.strip_prefix("env(") {
        let name = inner.trim_start().strip_prefix('"')?.split('"').next()?;
        return Some(Written::Env(name.to_owned()));
    }
    let inner = value
        .strip_prefix('[')
        .map_or(value, str::trim_start)
        .strip_prefix('"')?;
    Some(Written::Text(inner.split('"').next()?.to_owned()))
}

/// Up to 6, without a configuration file: the `.env` of the nearest package, then the one beside
/// the schema. Equal values in both are, oddly, the conflict that Prisma reports.
fn load_env(
    command: &Command,
    world: &World<'_>,
    js: &mut Evaluator<'_>,
    schema: Option<&Path>,
) -> Result<(), Resolution> {
    let cwd = &command.step.cwd;
    let root = cwd
        .ancestors()
        .find(|d| world.files.is_file(&d.join("package.json")))
        .map(|d| d.join(".env"));
    let beside = schema.and_then(Path::parent).map(|d| d.join(".env"));
    let second = [
        beside,
        Some(cwd.join("prisma/.env")),
        Some(cwd.join(".env")),
    ]
    .into_iter()
    .flatten()
    .find(|f| world.files.is_file(f));
    let root = root.filter(|f| world.files.is_file(f));
    if let (Some(first), Some(second)) = (&root, &second)
        && first != second
    {
        let read = |file: &Path| {
            let dialect = crate::environment::dotenv::dialect("node-dotenv-16.6.1");
            let text = world.files.read_text(file).unwrap_or_default();
            let entries =
                dialect.and_then(|d| crate::environment::dotenv::read(d, &text, &|_| None).ok());
            crate::environment::dotenv::settle(entries.unwrap_or_default())
        };
        let others = read(second);
        if let Some(entry) = read(first).iter().find(|e| {
            others
                .iter()
                .any(|o| o.name == e.name && o.value == e.value)
        }) {
            let detail = format!(
                "There is a conflict between env var {} in two .env files",
                entry.name
            );
            return Err(Resolution::error("env-conflict", detail));
        }
    }
    for file in [root, second].into_iter().flatten() {
        js.load_dotenv(&file, "dotenv-expand-10.0.0", false);
    }
    Ok(())
}

/// How a URL of this project becomes a target.
struct Place {
    engine: Option<Engine>,
    dir: PathBuf,
}

impl Place {
    fn target(&self, url: &Sourced<String>) -> Resolution {
        let Some(parts) = Url::web(&url.value) else {
            return Resolution::error(
                "url-invalid",
                format!("{}: the URL cannot be parsed", url.source),
            );
        };
        match parts.scheme.as_str() {
            "file" => {
                let file = Setting::Known(url.clone());
                return connection::sqlite(&file, &self.dir);
            }
            "prisma" | "prisma+postgres" => {
                return Resolution::unresolved(format!(
                    "{}: a database behind Prisma's own service",
                    url.source
                ));
            }
            "sqlserver" => return sqlserver(url),
            _ => {}
        }
        let engine = Engine::from_driver(&parts.scheme);
        if self
            .engine
            .as_ref()
            .is_some_and(|e| *e != engine && *e != Engine::Postgres)
        {
            return Resolution::error(
                "url-invalid",
                format!("{}: the URL does not fit the provider", url.source),
            );
        }
        let mut fields = connection::url_fields(&parts, &url.source);
        for (name, slot) in [("host", &mut fields.host), ("socket", &mut fields.socket)] {
            if let Some(text) = parts.parameter(name).filter(|t| !t.is_empty()) {
                *slot = Setting::known(decode(text), url.source.with_note(name));
            }
        }
        connection::plain(engine, fields, "Prisma")
    }
}

/// `sqlserver://host:port;database=x;user=y`.
fn sqlserver(url: &Sourced<String>) -> Resolution {
    let rest = url.value.trim_start_matches("sqlserver://");
    let mut parts = rest.split(';');
    let (host, port) = match parts.next().unwrap_or("").split_once(':') {
        Some((host, port)) => (host, port),
        None => (rest.split(';').next().unwrap_or(""), "1433"),
    };
    let database = parts
        .filter_map(|p| p.split_once('='))
        .find(|(k, _)| {
            matches!(
                k.to_ascii_lowercase().as_str(),
                "database" | "initial catalog"
            )
        })
        .map_or(Setting::Absent, |(_, v)| {
            Setting::known(v, url.source.with_note("database"))
        });
    let known = |text: &str, note: &str| Setting::known(text, url.source.with_note(note));
    connection::finish(
        Engine::Sqlserver,
        known(host, "host"),
        known(port, "port"),
        database,
        Setting::Absent,
    )
}

/// `migrate diff`: the URLs that are named; without one it reads files only.
fn diff(command: &Command, place: &Place) -> Resolution {
    let mut all = Resolution::none();
    for option in &command.args.options {
        let Some(value) = &option.value else { continue };
        match option.name.as_str() {
            "--from-url" | "--to-url" | "--shadow-database-url" => {
                let source = Source::argument(&format!("option {}", option.name));
                all.merge(place.target(&Sourced::new(value.clone(), source)));
            }
            "--from-schema-datasource"
            | "--to-schema-datasource"
            | "--from-config-datasource"
            | "--to-config-datasource" => {
                all.merge(Resolution::unresolved(
                    "a datasource compared by migrate diff",
                ));
            }
            _ => {}
        }
    }
    if command
        .args
        .has(&["--from-config-datasource", "--to-config-datasource"])
    {
        all.merge(Resolution::unresolved(
            "a datasource compared by migrate diff",
        ));
    }
    all
}

/// Prisma refuses to destroy where it sees an agent; it connects before it looks.
fn guard(command: &Command, js: &Evaluator<'_>, version: &str) -> Option<Stop> {
    let mut numbers = version.split('.').map(|n| n.parse::<u32>().unwrap_or(0));
    let version = (
        numbers.next()?,
        numbers.next().unwrap_or(0),
        numbers.next().unwrap_or(0),
    );
    let verb = command.actions.first().map(|a| a.name.as_ref())?;
    let late = version >= (7, 10, 1);
    let guarded = verb == "migrate reset"
        || (verb == "db push" && command.args.has(&["--force-reset"]))
        || (verb == "db push" && late && command.args.has(&["--accept-data-loss"]));
    if version < (6, 15, 0) || !guarded || command.effect() == Effect::None {
        return None;
    }
    let set = |name: &str| js.vars.has(name);
    let is = |name: &str, value: &str| js.vars.text(name).as_deref() == Some(value);
    let early = set("CLAUDECODE")
        || set("GEMINI_CLI")
        || set("CURSOR_AGENT")
        || set("REPLIT_CLI")
        || is("OR_APP_NAME", "Aider")
        || is("CODEX_SANDBOX", "seatbelt");
    const NAMES: &[&str] = &[
        "CODEX_THREAD_ID",
        "CODEX_CI",
        "CODEX_SANDBOX",
        "CODEX_SANDBOX_NETWORK_DISABLED",
        "QWEN_CODE",
        "COPILOT_CLI",
        "OPENCODE",
        "OPENCODE_CLIENT",
        "CLINE_ACTIVE",
        "CRUSH",
        "AUGMENT_AGENT",
        "ANTIGRAVITY_AGENT",
        "AI_AGENT",
        "AGENT",
    ];
    let seen = early || (late && NAMES.iter().any(|n| set(n)));
    let consent = js
        .vars
        .filled("PRISMA_USER_CONSENT_FOR_DANGEROUS_AI_ACTION")
        .is_some();
    (seen && !consent).then(|| {
        Stop::new(
            "agent-guard",
            "Prisma detected that it was invoked by an agent and refuses, after connecting",
        )
    })
}
