//! Connections as node's clients understand them: pg, mysql2, SQLite drivers.

use std::path::Path;

use crate::environment::Vars;
use crate::files;
use crate::source::{Source, SourceKind, Sourced};
use crate::target::url::{Url, decode};
use crate::target::{Address, Engine, Gap, Resolution, Target, Traced, Value};

/// A field of a configuration.
#[derive(Debug, Clone, Default)]
pub(in crate::target) enum Setting {
    #[default]
    Absent,
    Known(Sourced<String>),
    Unknown(String),
}

impl Setting {
    /// The field that a value stands for; an empty text is as good as none to these clients.
    pub(in crate::target) fn of(value: Option<&Traced>) -> Setting {
        let Some(value) = value else {
            return Setting::Absent;
        };
        let known = |text: String| {
            Setting::Known(Sourced {
                value: text,
                source: value.source.clone(),
                beat: value.beat.clone(),
            })
        };
        match &value.value {
            Value::Null | Value::Bool(false) => Setting::Absent,
            Value::Str(text) if text.is_empty() => Setting::Absent,
            Value::Str(text) => known(text.clone()),
            Value::Int(number) => known(number.to_string()),
            Value::Unknown(why) => Setting::Unknown(why.clone()),
            _ => Setting::Unknown(format!("{}: no plain value", value.source)),
        }
    }

    pub(in crate::target) fn known(text: impl Into<String>, source: Source) -> Setting {
        Setting::Known(Sourced::new(text.into(), source))
    }

    /// A variable, where it is filled.
    pub(in crate::target) fn variable(vars: &Vars, name: &str) -> Setting {
        match vars.get(name).filter(|v| !v.value.is_empty()) {
            Some(var) => Setting::known(var.value.to_string_lossy(), var.source.with_note(name)),
            None => Setting::Absent,
        }
    }

    pub(in crate::target) fn or(self, weaker: impl FnOnce() -> Setting) -> Setting {
        match self {
            Setting::Absent => weaker(),
            mut own => {
                if let (Setting::Known(own), Setting::Known(loser)) = (&mut own, weaker()) {
                    own.beat.push(loser.source);
                }
                own
            }
        }
    }

    pub(in crate::target) fn is_absent(&self) -> bool {
        matches!(self, Setting::Absent)
    }
}

/// What a configuration says about one connection.
#[derive(Debug, Clone, Default)]
pub(in crate::target) struct Connection {
    pub(in crate::target) url: Setting,
    pub(in crate::target) host: Setting,
    pub(in crate::target) port: Setting,
    pub(in crate::target) database: Setting,
    pub(in crate::target) user: Setting,
    pub(in crate::target) socket: Setting,
}

impl Connection {
    /// The fields of a map under the names that a library uses.
    pub(in crate::target) fn of(map: &Traced, url: &[&str], user: &str) -> Connection {
        let field = |name: &str| Setting::of(map.get(name));
        Connection {
            url: url
                .iter()
                .map(|n| field(n))
                .find(|s| !s.is_absent())
                .unwrap_or_default(),
            host: field("host"),
            port: field("port"),
            database: field("database"),
            user: field(user),
            socket: field("socketPath"),
        }
    }

    /// These fields over weaker ones.
    fn over(self, weaker: Connection) -> Connection {
        Connection {
            url: self.url.or(|| weaker.url),
            host: self.host.or(|| weaker.host),
            port: self.port.or(|| weaker.port),
            database: self.database.or(|| weaker.database),
            user: self.user.or(|| weaker.user),
            socket: self.socket.or(|| weaker.socket),
        }
    }
}

/// A URL's parts as settings, each noted with what it is.
pub(in crate::target) fn url_fields(url: &Url, source: &Source) -> Connection {
    let part = |text: Option<String>, note: &str| match text.filter(|t| !t.is_empty()) {
        Some(text) => Setting::known(text, source.with_note(note)),
        None => Setting::Absent,
    };
    let path = url.path.strip_prefix('/').unwrap_or(&url.path);
    Connection {
        url: Setting::Absent,
        host: part(
            url.host
                .as_deref()
                .map(|h| decode(h.trim_matches(['[', ']']))),
            "host",
        ),
        port: part(url.port.clone(), "port"),
        database: part(Some(decode(path)), "database"),
        user: part(url.user.as_deref().map(decode), "user"),
        socket: Setting::Absent,
    }
}

fn query(url: &Url, source: &Source, user: &str) -> Connection {
    let part = |name: &str| match url.parameter(name).filter(|v| !v.is_empty()) {
        Some(text) => Setting::known(decode(text), source.with_note(name)),
        None => Setting::Absent,
    };
    Connection {
        url: Setting::Absent,
        host: part("host"),
        port: part("port"),
        database: part("database"),
        user: part(user),
        socket: part("socketPath"),
    }
}

/// `pg-connection-string`: the query beats the authority; text without a scheme is taken relative
/// to `postgres://base`.
pub(in crate::target) fn pg_url(text: &str, source: &Source) -> Connection {
    if let Some(rest) = text.strip_prefix('/') {
        let mut words = rest.split(' ');
        let host = format!("/{}", words.next().unwrap_or(""));
        return Connection {
            host: Setting::known(host, source.with_note("host")),
            database: words.next().map_or(Setting::Absent, |d| {
                Setting::known(d, source.with_note("database"))
            }),
            ..Connection::default()
        };
    }
    // A space makes it escape the text before it is read.
    let read = match text.contains(' ') {
        true => Url::split(text),
        false => Url::web(text),
    };
    let url = match read.filter(|u| u.has_authority || u.scheme.len() > 1) {
        Some(url) => url,
        None => match Url::split(&format!("postgres://base/{text}")) {
            Some(url) => url,
            None => return Connection::default(),
        },
    };
    let mut asked = query(&url, source, "user");
    // A path always decides the database, whatever the query says.
    asked.database = Setting::Absent;
    asked.over(url_fields(&url, source))
}

/// node-pg's own rules: a connection string's parts replace the fields beside it, then `PG*`
/// variables, then defaults. Empty counts as absent; `PGHOSTADDR` and services are unknown to it.
pub(in crate::target) fn pg(connection: Connection, vars: &Vars) -> Resolution {
    let fields = match &connection.url {
        // What the string leaves empty hides the field beside it too.
        Setting::Known(url) => pg_url(&url.value, &url.source),
        Setting::Unknown(why) => return Resolution::unresolved(why.clone()),
        Setting::Absent => connection,
    };
    let default = |text: &str| Setting::known(text, Source::default_of("node-pg"));
    let host = fields
        .host
        .or(|| Setting::variable(vars, "PGHOST"))
        .or(|| default("localhost"));
    let port = fields
        .port
        .or(|| Setting::variable(vars, "PGPORT"))
        .or(|| default("5432"));
    let user = fields
        .user
        .or(|| Setting::variable(vars, "PGUSER"))
        .or(|| Setting::variable(vars, "USER"));
    let database = fields
        .database
        .or(|| Setting::variable(vars, "PGDATABASE"))
        .or(|| user.clone());
    finish(Engine::Postgres, host, port, database, user)
}

/// PostgreSQL without `PG*` variables: libraries that give every field themselves.
pub(in crate::target) fn plain(engine: Engine, connection: Connection, who: &str) -> Resolution {
    if let Setting::Unknown(why) = connection.url {
        return Resolution::unresolved(why);
    }
    if let Setting::Known(socket) = connection.socket {
        let address = Address::Socket {
            path: socket,
            port: None,
        };
        return settled(engine, address, connection.database, connection.user);
    }
    let default = |text: &str| Setting::known(text, Source::default_of(who));
    let port = engine
        .default_port()
        .map(|p| p.to_string())
        .unwrap_or_default();
    finish(
        engine,
        connection.host.or(|| default("localhost")),
        connection.port.or(|| {
            if port.is_empty() {
                Setting::Absent
            } else {
                default(&port)
            }
        }),
        connection.database,
        connection.user,
    )
}

/// mysql2 and mysql: a URL's parts, its query over them, beside fields.
pub(in crate::target) fn mysql(connection: Connection) -> Resolution {
    let fields = match &connection.url {
        Setting::Known(known) => match Url::web(&known.value) {
            Some(url) => query(&url, &known.source, "user")
                .over(url_fields(&url, &known.source))
                .over(Connection {
                    url: Setting::Absent,
                    ..connection.clone()
                }),
            None => return Resolution::error("url-invalid", "the database URL cannot be parsed"),
        },
        _ => connection,
    };
    plain(Engine::Mysql, fields, "mysql2")
}

/// A database file.
pub(in crate::target) fn sqlite(file: &Setting, dir: &Path) -> Resolution {
    match file {
        Setting::Unknown(why) => Resolution {
            gaps: vec![Gap::new("file", why.clone())],
            ..Resolution::default()
        },
        Setting::Absent => {
            Resolution::error("connection-not-configured", "no database file is named")
        }
        Setting::Known(file) if file.value == ":memory:" || file.value == "file::memory:" => {
            let source = file.source.clone();
            Resolution::target(Target::new(Engine::Sqlite, Address::Memory { source }))
        }
        Setting::Known(file) => {
            let name = file.value.strip_prefix("file:").unwrap_or(&file.value);
            let name = name.strip_prefix("//").unwrap_or(name);
            let name = name.split('?').next().unwrap_or(name);
            let path = files::lexical(&dir.join(name)).display().to_string();
            let address = Address::File {
                path: file.clone().map(|_| path),
            };
            Resolution::target(Target::new(Engine::Sqlite, address))
        }
    }
}

/// A target from its settings; what is unknown becomes a gap.
pub(in crate::target) fn finish(
    engine: Engine,
    host: Setting,
    port: Setting,
    database: Setting,
    user: Setting,
) -> Resolution {
    let mut gaps = Vec::new();
    let host = match host {
        Setting::Known(host) => Some(host),
        Setting::Absent => None,
        Setting::Unknown(why) => {
            gaps.push(Gap::new("host", why));
            None
        }
    };
    let port = match port {
        Setting::Known(port) => match leading(&port.value) {
            Some(number) => Some(port.map(|_| number)),
            None => {
                gaps.push(Gap::new("port", format!("{}: no port number", port.source)));
                None
            }
        },
        Setting::Absent => None,
        Setting::Unknown(why) => {
            gaps.push(Gap::new("port", why));
            None
        }
    };
    if !gaps.is_empty() {
        return Resolution {
            gaps,
            ..Resolution::default()
        };
    }
    let Some(host) = host else {
        return Resolution::unresolved("no host is known");
    };
    let address = if host.value.starts_with('/') {
        Address::Socket { path: host, port }
    } else {
        Address::Host {
            host,
            port,
            hostaddr: None,
        }
    };
    settled(engine, address, database, user)
}

fn leading(text: &str) -> Option<u16> {
    let digits = text.trim();
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

fn settled(engine: Engine, address: Address, database: Setting, user: Setting) -> Resolution {
    let database = match database {
        Setting::Known(database) => Some(database),
        Setting::Absent if engine == Engine::Postgres => {
            let why = "no database is named, and the user name is not known";
            return Resolution {
                gaps: vec![Gap::new("database", why)],
                ..Resolution::default()
            };
        }
        Setting::Absent => None,
        Setting::Unknown(why) => {
            return Resolution {
                gaps: vec![Gap::new("database", why)],
                ..Resolution::default()
            };
        }
    };
    let user = match user {
        Setting::Known(user) => Some(user),
        _ => None,
    };
    Resolution::target(Target::new(engine, address).database(database).user(user))
}

/// The framework environment a configuration was taken from, on every target.
pub(in crate::target) fn in_environment(
    mut resolution: Resolution,
    name: &str,
    source: &Source,
) -> Resolution {
    for target in &mut resolution.targets {
        target.environment = Some(Sourced::new(name.to_owned(), source.clone()));
    }
    resolution
}

/// Another database of the same server, as tools open it that create or drop databases.
pub(in crate::target) fn other_database(
    mut resolution: Resolution,
    name: Option<&str>,
    who: &str,
) -> Resolution {
    for target in &mut resolution.targets {
        if let Some(victim) = target.database.take() {
            target.notes.push(format!(
                "the database that is created or dropped is `{}`",
                victim.value
            ));
            resolution.victims.push(victim);
            target.serves = true;
        }
        let source = Source::new(SourceKind::Default, format!("{who} maintenance database"));
        target.database = name.map(|n| Sourced::new(n.to_owned(), source));
    }
    resolution
}
