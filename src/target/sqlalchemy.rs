//! SQLAlchemy URLs: which server a driver dials for them. Rules as in SQLAlchemy 2.0.

use serde_json::Value as Json;

use super::django::{as_psycopg3, honest};
use super::libpq::{self, Params};
use super::readers::python::{Py, Val};
use super::{Address, Engine, Gap, Resolution, Target, url};
use crate::command::{Step, World};
use crate::environment::Vars;
use crate::source::{Source, Sourced};

/// A URL in its parts, decoded as SQLAlchemy does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parts {
    driver: String,
    user: Option<String>,
    host: Option<String>,
    port: Option<String>,
    database: Option<String>,
    query: Vec<(String, String)>,
}

impl Parts {
    /// The query, in order.
    pub(super) fn query(&self) -> &[(String, String)] {
        &self.query
    }

    /// The attributes of the URL object that SQLAlchemy makes of it, without its query.
    pub(super) fn attributes(&self) -> [(&'static str, Option<&str>); 5] {
        [
            ("drivername", Some(self.driver.as_str())),
            ("username", self.user.as_deref()),
            ("host", self.host.as_deref()),
            ("port", self.port.as_deref()),
            ("database", self.database.as_deref()),
        ]
    }
}

/// Splits the text of a URL; `None` where SQLAlchemy cannot parse it.
pub(super) fn parse(text: &str) -> Option<Parts> {
    let (driver, rest) = text.split_once("://")?;
    let valid = !driver.is_empty()
        && driver
            .chars()
            .all(|c| c.is_alphanumeric() || "_+".contains(c));
    if !valid {
        return None;
    }
    let (user, rest) = login(rest);
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (place, database) = match rest.split_once('/') {
        Some((place, database)) => (place, Some(database)),
        None => (rest, None),
    };
    let (host, port) = url::host_and_port(place)?;
    let is_number = |p: &str| !p.is_empty() && p.chars().all(|c| c.is_ascii_digit());
    if port.is_some_and(|p| !is_number(p)) {
        return None;
    }
    let query = query
        .split('&')
        .filter_map(|p| p.split_once('='))
        .filter(|(_, v)| !v.is_empty())
        .map(|(k, v)| (form(k), form(v)))
        .collect();
    Some(Parts {
        driver: driver.to_owned(),
        user: user.map(url::decode),
        host: (!host.is_empty()).then(|| host.to_owned()),
        port: port.map(str::to_owned),
        database: database.map(url::decode).filter(|d| !d.is_empty()),
        query,
    })
}

/// The user before the server. A name holds no `:` and no `/`; a password ends at the first `@`,
/// whatever stands before it.
fn login(rest: &str) -> (Option<&str>, &str) {
    let name = rest.split([':', '/']).next().unwrap_or("");
    let behind = rest.get(name.len()..).unwrap_or("");
    if let Some((_, place)) = behind.strip_prefix(':').and_then(|p| p.split_once('@')) {
        return (Some(name), place);
    }
    match name.rfind('@') {
        Some(at) => (rest.get(..at), rest.get(at + 1..).unwrap_or("")),
        None => (None, rest),
    }
}

fn form(text: &str) -> String {
    url::decode(&text.replace('+', " "))
}

/// The parts of a URL object that code made; `None` for anything else.
fn of_object(value: &Val) -> Option<Result<Parts, Gap>> {
    let Py::Object(object) = &value.py else {
        return None;
    };
    if !matches!(&object.class.py, Py::Lib(class) if &**class == "sqlalchemy.URL") {
        return None;
    }
    let mut parts = Parts::default();
    for (name, field) in [
        ("drivername", "engine"),
        ("username", "user"),
        ("host", "host"),
        ("port", "port"),
        ("database", "database"),
    ] {
        let Some(value) = object.attributes.get(name) else {
            continue;
        };
        if let Some(why) = value.why_unknown() {
            if name == "username" {
                continue;
            }
            return Some(Err(Gap::new(field, why.to_string())));
        }
        let text = (!value.is_none()).then(|| value.display()).flatten();
        match name {
            "drivername" => parts.driver = text.unwrap_or_default(),
            "username" => parts.user = text,
            "host" => parts.host = text.filter(|t| !t.is_empty()),
            "port" => parts.port = text,
            _ => parts.database = text,
        }
    }
    if let Some(query) = object.attributes.get("query")
        && !query.is_none()
    {
        let Py::Dict(dict) = &query.py else {
            return Some(Err(Gap::new("host", "the URL's query is not known")));
        };
        for (key, value) in dict.items.borrow().iter() {
            match value.display() {
                Some(text) => parts.query.push((key.to_string(), text)),
                None => return Some(Err(Gap::new("host", "the URL's query is not known"))),
            }
        }
    }
    Some(Ok(parts))
}

/// Where a connection leads whose driver was handed these parameters
/// (`{"dialect", "driver", "arguments", "parameters"}`).
pub(super) fn of_connection(
    json: &Json,
    source: &Source,
    vars: &Vars,
    step: &Step,
    world: &World<'_>,
) -> Resolution {
    let text = |value: &Json| match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Array(items) => {
            let items = items
                .iter()
                .map(|i| i.as_str().map_or(i.to_string(), str::to_owned));
            Some(items.collect::<Vec<_>>().join(","))
        }
        Json::Null | Json::Bool(_) | Json::Object(_) => None,
    };
    let field = |name: &str| json.get(name).and_then(text).unwrap_or_default();
    let mut parts = Parts {
        driver: format!("{}+{}", field("dialect"), field("driver")),
        ..Parts::default()
    };
    for (name, value) in json
        .get("parameters")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
    {
        let value = text(value).filter(|v| !v.is_empty());
        match name.as_str() {
            "host" | "server" => parts.host = value,
            "port" => parts.port = value,
            "dbname" | "database" | "db" => parts.database = value,
            "user" | "username" => parts.user = value,
            _ => parts.query.extend(value.map(|v| (name.clone(), v))),
        }
    }
    let arguments = json.get("arguments").and_then(Json::as_array);
    match arguments.and_then(|a| a.iter().filter_map(text).find(|t| !t.is_empty())) {
        Some(file) if field("dialect") == "sqlite" => parts.database = Some(file),
        Some(_) => return Resolution::unresolved("its driver is handed a connection string"),
        None => {}
    }
    of_parts(&parts, source, vars, step, world, None)
}

/// Where an engine of this URL connects.
pub(super) fn resolve(
    value: &Val,
    vars: &Vars,
    step: &Step,
    world: &World<'_>,
    sqlite_base: Option<&std::path::Path>,
) -> Resolution {
    if let Some(why) = value.why_unknown() {
        return Resolution::unresolved(why.to_string());
    }
    let parts = match of_object(value) {
        Some(Ok(parts)) => parts,
        Some(Err(gap)) => {
            return Resolution {
                gaps: vec![gap],
                ..Resolution::default()
            };
        }
        None => match value.text().map(parse) {
            Some(Some(parts)) => parts,
            Some(None) => {
                return Resolution::error(
                    "url-invalid",
                    format!("not a SQLAlchemy URL ({})", value.source),
                );
            }
            None if value.is_none() => {
                return Resolution::error("url-invalid", format!("no URL ({})", value.source));
            }
            None => {
                return Resolution::unresolved(format!("the URL is not text ({})", value.source));
            }
        },
    };
    of_parts(&parts, &value.source, vars, step, world, sqlite_base)
}

fn of_parts(
    parts: &Parts,
    source: &Source,
    vars: &Vars,
    step: &Step,
    world: &World<'_>,
    sqlite_base: Option<&std::path::Path>,
) -> Resolution {
    let (dialect, driver) = parts.driver.split_once('+').unwrap_or((&parts.driver, ""));
    match dialect {
        "postgresql" => postgres(parts, driver, source, vars, step, world),
        "mysql" | "mariadb" => mysql(parts, driver, source),
        "sqlite" => sqlite(parts, source, step, sqlite_base),
        "mssql" | "oracle" | "clickhouse" | "cockroachdb" | "redshift" | "snowflake"
        | "bigquery" => other(dialect, parts, source),
        _ => Resolution::error(
            "url-invalid",
            format!("SQLAlchemy has no dialect `{dialect}` ({source})"),
        ),
    }
}

fn at(source: &Source, text: Option<&String>) -> Option<Sourced<String>> {
    text.map(|t| Sourced::new(t.clone(), source.clone()))
}

fn postgres(
    parts: &Parts,
    driver: &str,
    source: &Source,
    vars: &Vars,
    step: &Step,
    world: &World<'_>,
) -> Resolution {
    let mut params = Params {
        host: at(source, parts.host.as_ref()),
        port: at(source, parts.port.as_ref()),
        dbname: at(source, parts.database.as_ref()),
        user: at(source, parts.user.as_ref()),
        ..Params::default()
    };
    // The query goes to the driver last. Several `host=` make a list, each with its own port.
    let hosts: Vec<&str> = parts
        .query
        .iter()
        .filter(|(k, _)| k == "host")
        .map(|(_, v)| v.as_str())
        .collect();
    let many = hosts.len() > 1 || hosts.first().is_some_and(|h| h.contains(','));
    for (key, value) in &parts.query {
        if let Some(slot) = params.slot(key) {
            *slot = Some(Sourced::new(value.clone(), source.clone()));
        }
    }
    let with_ports = hosts.iter().any(|h| !h.starts_with('/') && h.contains(':'));
    if many || with_ports {
        let split: Vec<(&str, &str)> = hosts
            .iter()
            .flat_map(|h| h.split(','))
            .map(|h| match h.rsplit_once(':') {
                Some((host, port)) if !h.starts_with('/') => (host, port),
                _ => (h, ""),
            })
            .collect();
        let list = |pick: fn(&(&str, &str)) -> String| {
            let items: Vec<String> = split.iter().map(pick).collect();
            Sourced::new(items.join(","), source.clone())
        };
        params.host = Some(list(|(h, _)| (*h).to_owned()));
        if split.iter().any(|(_, p)| !p.is_empty()) {
            params.port = Some(list(|(_, p)| (*p).to_owned()));
        }
    }
    match driver {
        "" | "psycopg2" | "psycopg2cffi" => honest(libpq::resolve(params, vars, step, world)),
        "psycopg" | "psycopg_async" => {
            honest(libpq::resolve(as_psycopg3(params, vars), vars, step, world))
        }
        "asyncpg" => asyncpg(params, vars, step, world),
        "pg8000" => {
            let host = params.host.clone();
            let source = Source::default_of("pg8000");
            params.host = host.or_else(|| Some(Sourced::new("localhost".to_owned(), source)));
            honest(libpq::resolve(params, &Vars::new(), step, world))
        }
        _ => Resolution::unresolved(format!("the driver `{driver}` is not known ({source})")),
    }
}

/// asyncpg reads `PGHOST` and its like itself, and knows no service file and no address apart
/// from the host; without a host it tries the socket directories, then localhost.
fn asyncpg(params: Params, vars: &Vars, step: &Step, world: &World<'_>) -> Resolution {
    let mut own = vars.clone();
    for name in ["PGSERVICE", "PGHOSTADDR", "PGSERVICEFILE"] {
        own.unset(name);
    }
    let named = params.host.is_some() || own.filled("PGHOST").is_some();
    if vars.filled("PGSERVICE").is_some() || !named {
        return Resolution::unresolved(
            "asyncpg without a host tries several places, or a service is named",
        );
    }
    libpq::resolve(params, &own, step, world)
}

fn mysql(parts: &Parts, driver: &str, source: &Source) -> Resolution {
    let query = |names: &[&str]| {
        parts
            .query
            .iter()
            .rev()
            .find(|(k, _)| names.contains(&k.as_str()))
            .map(|(_, v)| Sourced::new(v.clone(), source.clone()))
    };
    if let Some(file) = query(&["read_default_file", "option_files"]) {
        return Resolution::unresolved(format!("the option file `{}` is read", file.value));
    }
    let host = query(&["host"]).or_else(|| at(source, parts.host.as_ref()));
    let port = query(&["port"]).or_else(|| at(source, parts.port.as_ref()));
    let database = query(&["database", "db"]).or_else(|| at(source, parts.database.as_ref()));
    let c_library = matches!(driver, "" | "mysqldb" | "mariadbconnector");
    let local = host.as_ref().is_none_or(|h| h.value == "localhost");
    let default = Source::default_of("mysql client");
    let address = match query(&["unix_socket"]) {
        Some(path) => Address::Socket { path, port: None },
        None if local && c_library => Address::Socket {
            path: Sourced::new(String::new(), host.map_or(default, |h| h.source)),
            port: None,
        },
        None => {
            let port = match port {
                None => Sourced::new(3306, default.clone()),
                Some(port) => match port.value.parse() {
                    Ok(number) => port.map(|_| number),
                    Err(_) => return Resolution::error("url-invalid", "the port is not a number"),
                },
            };
            Address::Host {
                host: host.unwrap_or_else(|| Sourced::new("localhost".to_owned(), default)),
                port: Some(port),
                hostaddr: None,
            }
        }
    };
    let user = at(source, parts.user.as_ref());
    Resolution::target(
        Target::new(Engine::Mysql, address)
            .database(database)
            .user(user),
    )
}

fn sqlite(
    parts: &Parts,
    source: &Source,
    step: &Step,
    base: Option<&std::path::Path>,
) -> Resolution {
    let memory = Address::Memory {
        source: source.clone(),
    };
    let Some(name) = parts.database.as_deref().filter(|d| *d != ":memory:") else {
        return Resolution::target(Target::new(Engine::Sqlite, memory));
    };
    let uri = name.strip_prefix("file:");
    if parts
        .query
        .iter()
        .any(|(k, v)| k == "mode" && v == "memory")
        || uri == Some(":memory:")
    {
        return Resolution::target(Target::new(Engine::Sqlite, memory));
    }
    let name = uri.unwrap_or(name);
    let path = match base {
        Some(base) => crate::files::lexical(&base.join(name)),
        None => step.path(name),
    };
    let path = Sourced::new(path.to_string_lossy().into_owned(), source.clone());
    Resolution::target(Target::new(Engine::Sqlite, Address::File { path }))
}

fn other(dialect: &str, parts: &Parts, source: &Source) -> Resolution {
    let engine = Engine::from_driver(dialect);
    let Some(host) =
        at(source, parts.host.as_ref()).filter(|_| parts.query.is_empty() || dialect != "mssql")
    else {
        return Resolution::unresolved(format!("a `{dialect}` URL whose host its driver decides"));
    };
    let port = match &parts.port {
        Some(port) => port.parse().ok().map(|n| Sourced::new(n, source.clone())),
        None => engine.usual_port("driver"),
    };
    let address = Address::Host {
        host,
        port,
        hostaddr: None,
    };
    let database = at(source, parts.database.as_ref());
    Resolution::target(Target::new(engine, address).database(database))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_split_as_sqlalchemy_does() {
        let shown = |text: &str| {
            parse(text).map(|p| {
                format!(
                    "{} {} {} {} {}",
                    p.driver,
                    p.user.unwrap_or("-".into()),
                    p.host.unwrap_or("-".into()),
                    p.port.unwrap_or("-".into()),
                    p.database.unwrap_or("-".into())
                )
            })
        };
        for (text, wanted) in [
            (
                "postgresql://u:p@ss@host/db",
                Some("postgresql u ss@host - db"),
            ),
            (
                "postgresql+asyncpg://u%40x:p@[::1]:5/a%20b",
                Some("postgresql+asyncpg u@x ::1 5 a b"),
            ),
            ("sqlite:///x.db", Some("sqlite - - - x.db")),
            ("sqlite:////x.db", Some("sqlite - - - /x.db")),
            ("sqlite://", Some("sqlite - - - -")),
            ("postgresql:///db", Some("postgresql - - - db")),
            ("", None),
            ("nothing", None),
            ("pg://h:x/db", None),
            ("pg://h:/db", None),
        ] {
            assert_eq!(shown(text).as_deref(), wanted, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_url_panics(text in "[a-c:/@?&=%\\[\\]+é0-9]{0,60}") {
            let _ = parse(&format!("postgresql://{text}"));
        }
    }
}
