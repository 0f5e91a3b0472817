//! A named connection to the databases it reaches.

use super::env::Env;
use super::url;
use crate::command::{Command, World};
use crate::files::lexical;
use crate::source::{Source, Sourced};
use crate::target::libpq::{self, Params};
use crate::target::readers::php::{Cell, Found, Val};
use crate::target::{Address, Engine, Gap, Resolution, Role, Target};

/// What is asked of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ask {
    /// Whether the command goes to the `direct` endpoint where there is one (13+).
    pub(super) direct: bool,
    /// Whether replicas are targets like the others: for consoles and plain reads.
    pub(super) reads: bool,
}

/// A connection and what it needs.
pub(super) struct Connector<'a> {
    /// The variables in force.
    pub(super) env: &'a Env<'a>,
    /// The command.
    pub(super) command: &'a Command,
    /// Files and caller.
    pub(super) world: &'a World<'a>,
}

/// Drivers; their names are compared by each letter's case.
const KNOWN: &[&str] = &["sqlite", "pgsql", "mysql", "sqlsrv", "tcp", "tls"];

/// What a configuration says about a field.
enum Field {
    Text(Sourced<String>),
    Null,
    Absent,
}

impl Connector<'_> {
    /// The databases behind a connection of `database.connections`.
    pub(super) fn resolve(&self, name: &str, database: &Cell, ask: Ask) -> Resolution {
        let (plain, side) = split_name(name, self.env.release.laravel.at_least(13, 0));
        let config = match find(database, plain) {
            Found::Yes(cell) => cell.clone(),
            Found::No => return not_configured(plain),
            Found::Unknown(why) => {
                return Resolution::unresolved(format!("connection `{plain}`: {why}"));
            }
        };
        if matches!(config.val, Val::Null) {
            return not_configured(plain);
        }
        if let Val::Unknown(why) = &config.val {
            return Resolution::unresolved(format!("connection `{plain}`: {why}"));
        }
        let config = match url::merge(&config) {
            Ok(config) => config,
            Err(stop) => {
                return Resolution {
                    errors: vec![stop],
                    ..Resolution::default()
                };
            }
        };
        let ask = Ask {
            direct: ask.direct || side == Some("direct"),
            reads: ask.reads,
        };
        let mut resolution = self.sides(&config, side, ask);
        for target in resolution
            .targets
            .iter_mut()
            .chain(&mut resolution.replicas)
        {
            target.connection = Some(name.to_owned());
        }
        resolution
    }

    fn sides(&self, config: &Cell, side: Option<&str>, ask: Ask) -> Resolution {
        match config.get("read") {
            Found::No => return self.endpoint(config, Role::Write, ask),
            Found::Yes(cell) if matches!(cell.val, Val::Null) => {
                return self.endpoint(config, Role::Write, ask);
            }
            Found::Unknown(why) => {
                return Resolution::unresolved(format!("the connection's read side: {why}"));
            }
            Found::Yes(_) => {}
        }
        let mut resolution = Resolution::none();
        if side != Some("read") {
            resolution.merge(self.side(config, "write", Role::Write, ask));
        }
        match side {
            Some("write") => {}
            None if !ask.reads => {
                // What is written goes to the other side; lists of tables are read here.
                let read = self.side(config, "read", Role::Read, ask);
                resolution.replicas = read.targets;
                resolution.gaps.extend(read.gaps);
            }
            _ => resolution.merge(self.side(config, "read", Role::Read, ask)),
        }
        resolution
    }

    /// One side of a read/write split: every configuration of a list may be picked.
    fn side(&self, config: &Cell, key: &str, role: Role, ask: Ask) -> Resolution {
        let part = match config.get(key) {
            Found::Yes(cell) if !matches!(cell.val, Val::Null) => cell.clone(),
            Found::Unknown(why) => {
                return Resolution::unresolved(format!("the connection's {key} side: {why}"));
            }
            _ => {
                let detail = format!(
                    "the connection has a read side but no {key} side ({})",
                    config.source
                );
                return Resolution::error("read-without-write", detail);
            }
        };
        let choices: Vec<Cell> = match &part.val {
            Val::Array(list) if matches!(part.get("0"), Found::Yes(c) if !matches!(c.val, Val::Null)) => {
                list.iter().map(|(_, c)| c.clone()).collect()
            }
            _ => vec![part],
        };
        let mut resolution = Resolution::none();
        let count = choices.len();
        for choice in choices {
            resolution.merge(self.endpoint(&overlay(config, &choice), role, ask));
        }
        let mut names = resolution.targets.iter().map(|t| t.database.as_ref());
        let first = names.next().flatten().map(|d| &d.value);
        if role == Role::Write && names.any(|name| name.map(|d| &d.value) != first) {
            let why = format!(
                "Laravel picks one of {count} {key} configurations at random, and they name \
                 different databases ({})",
                config.source
            );
            resolution.gaps.push(Gap::new("database", why));
        }
        resolution
    }

    /// A configuration without sides.
    fn endpoint(&self, config: &Cell, role: Role, ask: Ask) -> Resolution {
        let driver = match self.field(config, "driver") {
            Ok(Field::Text(driver)) => driver,
            Ok(_) => {
                return Resolution::error(
                    "connection-not-configured",
                    format!("the connection names no driver ({})", config.source),
                );
            }
            Err(gap) => {
                return Resolution {
                    gaps: vec![Gap::new("target", gap.reason)],
                    ..Resolution::default()
                };
            }
        };
        let eleven = self.env.release.laravel.at_least(11, 0);
        let mut resolution = match driver.value.as_str() {
            "sqlite" => self.sqlite(config),
            "pgsql" => {
                let config = self.direct(config, ask);
                self.with_hosts(&config, |host| self.pgsql(&config, host))
            }
            "mysql" => self.with_hosts(config, |host| self.mysql(config, host)),
            "mariadb" if eleven => self.with_hosts(config, |host| self.mysql(config, host)),
            "sqlsrv" => self.with_hosts(config, |host| self.sqlserver(config, host)),
            other if other == "mariadb" || KNOWN.contains(&&*other.to_ascii_lowercase()) => {
                Resolution::error(
                    "connection-not-configured",
                    format!("this Laravel has no driver `{other}` ({})", driver.source),
                )
            }
            other => self.with_hosts(config, |host| self.foreign(other, config, host)),
        };
        resolution.targets.iter_mut().for_each(|t| t.role = role);
        resolution
    }

    /// From 13 on, migrations and the like go to the `direct` endpoint of a PostgreSQL connection.
    fn direct(&self, config: &Cell, ask: Ask) -> Cell {
        if !ask.direct || !self.env.release.laravel.at_least(13, 0) {
            return config.clone();
        }
        match config.get("direct") {
            Found::Yes(part) if part.val.truth() != Some(false) => overlay(config, part),
            _ => config.clone(),
        }
    }

    /// Every host of a list; without the key, none.
    fn with_hosts(&self, config: &Cell, one: impl Fn(Field) -> Resolution) -> Resolution {
        let cell = match config.get("host") {
            Found::No => return one(Field::Absent),
            Found::Unknown(why) => return gap("host", why.to_string()),
            Found::Yes(cell) => cell,
        };
        let hosts: Vec<Cell> = match &cell.val {
            Val::Null => Vec::new(),
            Val::Array(list) => match list.why_open() {
                Some(why) => return gap("host", why.to_string()),
                None => list.iter().map(|(_, c)| c.clone()).collect(),
            },
            _ => vec![cell.clone()],
        };
        if hosts.is_empty() {
            return Resolution::error(
                "host-is-null",
                format!("the connection's list of hosts is empty ({})", cell.source),
            );
        }
        let mut resolution = Resolution::none();
        for host in hosts {
            match read(&host, "host") {
                Ok(field) => resolution.merge(one(field)),
                Err(gap) => resolution.gaps.push(gap),
            }
        }
        resolution
    }

    fn field(&self, config: &Cell, key: &'static str) -> Result<Field, Gap> {
        match config.get(key) {
            Found::Yes(cell) => read(cell, key),
            Found::No => Ok(Field::Absent),
            Found::Unknown(why) => Err(Gap::new(key, why.to_string())),
        }
    }

    fn user(&self, config: &Cell) -> Option<Sourced<String>> {
        match self.field(config, "username") {
            Ok(Field::Text(user)) if !user.value.is_empty() => Some(user),
            _ => None,
        }
    }

    // ---- drivers ----

    fn mysql(&self, config: &Cell, host: Field) -> Resolution {
        let mut gaps = Vec::new();
        let socket = self.field(config, "unix_socket").unwrap_or_else(|g| {
            gaps.push(Gap::new("socket", g.reason));
            Field::Absent
        });
        let port = self.take(config, "port", &mut gaps);
        let database = self.take(config, "database", &mut gaps);
        let socket = match socket {
            // PHP's `empty`: the text 0 is no socket either.
            Field::Text(path) if !path.value.is_empty() && path.value != "0" => Some(path),
            _ => None,
        };
        for field in [
            socket.as_ref(),
            text(&host),
            port.as_ref(),
            database.as_ref(),
        ]
        .into_iter()
        .flatten()
        {
            if field.value.contains([';', '\0']) {
                gaps.push(Gap::new("target", smuggled(field)));
            }
        }
        let address = match (socket, host) {
            (Some(path), _) => Some(Address::Socket { path, port: None }),
            (None, Field::Text(host)) if host.value == "localhost" || host.value.is_empty() => {
                Some(Address::Socket {
                    path: host.map(|_| String::new()),
                    port: None,
                })
            }
            (None, Field::Text(host)) if host.value.eq_ignore_ascii_case("localhost") => {
                gaps.push(Gap::new(
                    "host",
                    format!(
                        "`{}` in capitals leads to a socket that only PHP's build knows ({})",
                        host.value, host.source
                    ),
                ));
                None
            }
            (None, Field::Text(host)) => Some(Address::Host {
                host,
                port: self.port(port, 3306, &mut gaps),
                hostaddr: None,
            }),
            (None, Field::Null | Field::Absent) => {
                return Resolution::error(
                    "host-is-null",
                    format!(
                        "the connection has neither host nor socket ({})",
                        config.source
                    ),
                );
            }
        };
        finish(Engine::Mysql, address, database, self.user(config), gaps)
    }

    fn take(
        &self,
        config: &Cell,
        key: &'static str,
        gaps: &mut Vec<Gap>,
    ) -> Option<Sourced<String>> {
        match self.field(config, key) {
            Ok(Field::Text(text)) => Some(text),
            Ok(_) => None,
            Err(gap) => {
                gaps.push(gap);
                None
            }
        }
    }

    fn port(
        &self,
        port: Option<Sourced<String>>,
        default: u16,
        gaps: &mut Vec<Gap>,
    ) -> Option<Sourced<u16>> {
        match port {
            None => Some(Sourced::new(default, Source::default_of("PHP"))),
            Some(text) if text.value.is_empty() || text.value == "0" => Some(Sourced {
                value: default,
                source: text.source,
                beat: text.beat,
            }),
            Some(text) => match text.value.parse() {
                Ok(number) => Some(text.map(|_| number)),
                Err(_) => {
                    gaps.push(Gap::new(
                        "port",
                        format!("the port is no number ({})", text.source),
                    ));
                    None
                }
            },
        }
    }

    fn pgsql(&self, config: &Cell, host: Field) -> Resolution {
        let mut gaps = Vec::new();
        let via = self.env.release.laravel.at_least(9, 0);
        let mut pick = |key: &'static str, over: &'static str| {
            let stronger = if via {
                self.take(config, over, &mut gaps)
            } else {
                None
            };
            stronger.or_else(|| self.take(config, key, &mut gaps))
        };
        let database = pick("database", "connect_via_database");
        let port = pick("port", "connect_via_port");
        let host = match host {
            Field::Text(host) => Some(host),
            Field::Null | Field::Absent => None,
        };
        for (field, bad) in [
            (&host, "; '\"=\\"),
            (&port, "; '\"=\\"),
            (&database, ";'\\"),
        ] {
            if let Some(field) = field
                && field.value.contains(|c: char| {
                    bad.contains(c) || c == '\0' || (bad.contains(' ') && c.is_whitespace())
                })
            {
                gaps.push(Gap::new("target", smuggled(field)));
            }
        }
        if let Some(host) = host.as_ref().filter(|h| h.value.is_empty()) {
            let detail = format!(
                "the host is empty ({}): the connection string cannot be read",
                host.source
            );
            return Resolution::error("host-is-null", detail);
        }
        if let Some(port) = port.as_ref().filter(|p| p.value.is_empty()) {
            gaps.push(Gap::new(
                "port",
                format!(
                    "the port is empty ({}): the connection string is broken",
                    port.source
                ),
            ));
        }
        let user = self.user(config);
        let Some(dbname) = database.filter(|d| !d.value.is_empty()) else {
            let user = user.map_or("the user".to_owned(), |u| {
                format!("the user, `{}`", u.value)
            });
            let why = format!(
                "no database is named ({}): PostgreSQL takes one of the name of {user}",
                config.source
            );
            gaps.push(Gap::new("database", why));
            return Resolution {
                gaps,
                ..Resolution::default()
            };
        };
        if !gaps.is_empty() {
            return Resolution {
                gaps,
                ..Resolution::default()
            };
        }
        let mut params = Params {
            host,
            port,
            dbname: Some(dbname),
            user,
            ..Params::default()
        };
        if let Some(cloud) = self.cloud_pooler(&params) {
            return gap("host", cloud);
        }
        params.hostaddr = None;
        // libpq sees what the framework put into the process with `putenv`, too.
        libpq::resolve(
            params,
            &self.env.all_variables(),
            &self.command.step,
            self.world,
        )
    }

    /// Laravel Cloud takes `-pooler` off its own host names.
    fn cloud_pooler(&self, params: &Params) -> Option<String> {
        let host = params.host.as_ref()?;
        let pooled = host.value.contains("-pooler") && host.value.contains("pg.laravel.cloud");
        let cloud = self.env.raw("LARAVEL_CLOUD").is_some_and(|(v, _)| v == "1");
        (pooled && cloud)
            .then(|| "LARAVEL_CLOUD changes the host of a pooled connection".to_owned())
    }

    fn sqlite(&self, config: &Cell) -> Resolution {
        let path = match self.field(config, "database") {
            Ok(Field::Text(path)) if !path.value.is_empty() => path,
            Ok(_) => {
                return Resolution::error(
                    "sqlite-path-missing",
                    format!("the connection names no file ({})", config.source),
                );
            }
            Err(g) => return gap("file", g.reason),
        };
        let eleven = self.env.release.laravel.at_least(11, 0);
        let memory = path.value == ":memory:"
            || eleven
                && (path.value.contains("?mode=memory") || path.value.contains("&mode=memory"));
        if memory {
            return Resolution::target(Target::new(
                Engine::Sqlite,
                Address::Memory {
                    source: path.source,
                },
            ));
        }
        if path.value.contains('\0') {
            return gap("file", smuggled(&path));
        }
        let from_cwd = self.command.step.path(&path.value);
        let file = |at: &std::path::Path| {
            let real = self
                .world
                .files
                .real_path(at)
                .unwrap_or_else(|| at.to_owned());
            let path = path.clone().map(|_| real.display().to_string());
            Target::new(Engine::Sqlite, Address::File { path })
        };
        let mut resolution = Resolution::target(file(&from_cwd));
        let from_root = lexical(&self.env.base.join(&path.value));
        if eleven
            && from_root != from_cwd
            && !self.world.files.exists(&from_cwd)
            && self.world.files.exists(&from_root)
        {
            resolution.merge(Resolution::target(file(&from_root)));
        }
        resolution
    }

    fn sqlserver(&self, config: &Cell, host: Field) -> Resolution {
        if let Found::Yes(odbc) = config.get("odbc")
            && odbc.val.truth() != Some(false)
        {
            return gap(
                "target",
                format!("an ODBC data source decides ({})", odbc.source),
            );
        }
        let mut gaps = Vec::new();
        let port = self.take(config, "port", &mut gaps);
        let database = self.take(config, "database", &mut gaps);
        let Field::Text(host) = host else {
            return Resolution::error(
                "host-is-null",
                format!("the connection has no host ({})", config.source),
            );
        };
        for field in [Some(&host), port.as_ref(), database.as_ref()]
            .into_iter()
            .flatten()
        {
            if field.value.contains([';', '\0']) {
                gaps.push(Gap::new("target", smuggled(field)));
            }
        }
        let port = self.port(port, 1433, &mut gaps);
        let address = Some(Address::Host {
            host,
            port,
            hostaddr: None,
        });
        finish(
            Engine::Sqlserver,
            address,
            database,
            self.user(config),
            gaps,
        )
    }

    /// Drivers that packages bring.
    fn foreign(&self, driver: &str, config: &Cell, host: Field) -> Resolution {
        let engine = Engine::from_driver(driver);
        let mut gaps = Vec::new();
        if !matches!(config.get("dsn"), Found::No) {
            gaps.push(Gap::new(
                "host",
                format!(
                    "the driver `{driver}` takes a DSN of its own ({})",
                    config.source
                ),
            ));
            return Resolution {
                gaps,
                ..Resolution::default()
            };
        }
        let port = self.take(config, "port", &mut gaps);
        let database = self.take(config, "database", &mut gaps);
        let Field::Text(host) = host else {
            return gap(
                "host",
                format!(
                    "the driver `{driver}` is a package's own ({})",
                    config.source
                ),
            );
        };
        let port = match (port, engine.default_port()) {
            (None, None) => None,
            (port, default) => self.port(port, default.unwrap_or(0), &mut gaps),
        };
        let mut resolution = finish(
            engine,
            Some(Address::Host {
                host,
                port,
                hostaddr: None,
            }),
            database,
            self.user(config),
            gaps,
        );
        resolution.notes.push(format!(
            "the driver `{driver}` is a package's own: read as the usual keys say"
        ));
        resolution
    }

    /// A Redis connection of `database.redis`.
    pub(super) fn redis(&self, name: &str, database: &Cell) -> Resolution {
        let config = match database.get("redis") {
            Found::Yes(all) => match all.get(name) {
                Found::Yes(cell) => cell.clone(),
                Found::No => {
                    return Resolution::unresolved(format!(
                        "the Redis connection `{name}` is not in database.redis"
                    ));
                }
                Found::Unknown(why) => return Resolution::unresolved(format!("Redis: {why}")),
            },
            Found::No => return Resolution::unresolved("database.redis is not configured"),
            Found::Unknown(why) => return Resolution::unresolved(format!("Redis: {why}")),
        };
        let config = match url::merge(&config) {
            Ok(config) => config,
            Err(stop) => {
                return Resolution {
                    errors: vec![stop],
                    ..Resolution::default()
                };
            }
        };
        let mut gaps = Vec::new();
        let host = self.take(&config, "host", &mut gaps);
        let socket = self
            .take(&config, "path", &mut gaps)
            .filter(|p| !p.value.is_empty());
        let port = self.take(&config, "port", &mut gaps);
        let database = self.take(&config, "database", &mut gaps);
        let database =
            database.or_else(|| Some(Sourced::new("0".to_owned(), Source::default_of("Redis"))));
        let address = match (socket, host) {
            (Some(path), _) => Some(Address::Socket { path, port: None }),
            (None, Some(host)) if host.value.starts_with('/') => Some(Address::Socket {
                path: host,
                port: None,
            }),
            (None, Some(host)) => Some(Address::Host {
                host,
                port: self.port(port, 6379, &mut gaps),
                hostaddr: None,
            }),
            (None, None) => {
                gaps.push(Gap::new(
                    "host",
                    format!(
                        "the Redis connection `{name}` names no host ({})",
                        config.source
                    ),
                ));
                None
            }
        };
        let mut resolution = finish(Engine::Redis, address, database, None, gaps);
        resolution
            .targets
            .iter_mut()
            .for_each(|t| t.connection = Some(format!("redis {name}")));
        resolution
    }
}

fn text(field: &Field) -> Option<&Sourced<String>> {
    match field {
        Field::Text(text) => Some(text),
        Field::Null | Field::Absent => None,
    }
}

fn finish(
    engine: Engine,
    address: Option<Address>,
    database: Option<Sourced<String>>,
    user: Option<Sourced<String>>,
    gaps: Vec<Gap>,
) -> Resolution {
    match address {
        Some(address) if gaps.is_empty() => {
            let database = database.filter(|d| !d.value.is_empty());
            Resolution::target(Target::new(engine, address).database(database).user(user))
        }
        _ => Resolution {
            gaps,
            ..Resolution::default()
        },
    }
}

fn gap(field: &'static str, reason: String) -> Resolution {
    Resolution {
        gaps: vec![Gap::new(field, reason)],
        ..Resolution::default()
    }
}

fn smuggled(field: &Sourced<String>) -> String {
    format!(
        "the value holds characters that change the connection string ({})",
        field.source
    )
}

fn not_configured(name: &str) -> Resolution {
    Resolution::error(
        "connection-not-configured",
        format!("the connection `{name}` is not configured"),
    )
}

fn read(cell: &Cell, key: &'static str) -> Result<Field, Gap> {
    match &cell.val {
        Val::Null => Ok(Field::Null),
        Val::Unknown(why) => Err(Gap::new(key, why.to_string())),
        val => match val.text() {
            Some(text) => Ok(Field::Text(Sourced {
                value: text,
                source: cell.source.clone(),
                beat: cell.beat.clone(),
            })),
            None => Err(Gap::new(key, format!("no text ({})", cell.source))),
        },
    }
}

/// `name::read`, `name::write`, from 13 on also `name::direct`.
fn split_name(name: &str, direct: bool) -> (&str, Option<&str>) {
    let sides: &[&str] = if direct {
        &["read", "write", "direct"]
    } else {
        &["read", "write"]
    };
    match name.split_once("::") {
        Some((plain, side)) if sides.contains(&side) => (plain, Some(side)),
        _ => (name, None),
    }
}

/// A connection by its whole name, or by dots into nested arrays.
fn find<'a>(database: &'a Cell, name: &str) -> Found<'a> {
    let connections = match database.get("connections") {
        Found::Yes(cell) => cell,
        other => return other,
    };
    match connections.get(name) {
        Found::No => {}
        found => return found,
    }
    if !name.contains('.') {
        return Found::No;
    }
    let mut cell = connections;
    for part in name.split('.') {
        cell = match cell.get(part) {
            Found::Yes(inner) => inner,
            other => return other,
        };
    }
    Found::Yes(cell)
}

/// `array_merge($config, $part)` without the sides.
fn overlay(config: &Cell, part: &Cell) -> Cell {
    let Val::Array(base) = &config.val else {
        return config.clone();
    };
    let mut out = (**base).clone();
    match &part.val {
        Val::Array(top) => {
            if let Some(why) = top.why_open() {
                out.poison(why);
            }
            for (key, cell) in top.iter() {
                let mut cell = cell.clone();
                if let Found::Yes(old) = base.get(key) {
                    cell.beat.push(old.source.clone());
                }
                out.set(key.clone(), cell);
            }
        }
        Val::Unknown(why) => out.poison(why),
        _ => {}
    }
    for key in ["read", "write", "direct"] {
        out.remove(&crate::target::readers::php::Key::of(key));
    }
    config.with(Val::Array(std::rc::Rc::new(out)))
}
