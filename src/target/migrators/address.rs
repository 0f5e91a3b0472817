//! URLs of the drivers that migration tools use, each by its driver's own rules.

use crate::command::{Command, World};
use crate::environment::Vars;
use crate::source::{Source, SourceKind, Sourced};
use crate::target::libpq::{self, Params};
use crate::target::url::{Url, decode};
use crate::target::{Address, Engine, Resolution, Target};

/// Which PostgreSQL driver reads a connection string: they differ in what they take from the
/// environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Postgres {
    /// libpq itself.
    Libpq,
    /// sqlx (Rust).
    Sqlx,
    /// pgx (Go).
    Pgx,
    /// lib/pq (Go) up to 1.10.
    LibPq110,
    /// lib/pq (Go) from 1.11 on.
    LibPq111,
    /// The JDBC driver, and others that take nothing from the environment.
    Alone,
}

/// The targets of a URL whose scheme chooses the driver.
pub(super) fn of_url(
    url: &Sourced<String>,
    postgres: Postgres,
    command: &Command,
    world: &World<'_>,
) -> Resolution {
    let text = url.value.trim();
    let scheme = text.split(':').next().unwrap_or("").to_ascii_lowercase();
    match Engine::from_driver(&scheme) {
        _ if scheme.starts_with("pgx") || scheme == "cockroach" || scheme == "crdb-postgres" => {
            let tail = text.split_once("://").map_or("", |(_, tail)| tail);
            let plain = Sourced {
                value: format!("postgres://{tail}"),
                ..url.clone()
            };
            of_postgres(&plain, Postgres::Pgx, command, world)
        }
        Engine::Postgres => of_postgres(url, postgres, command, world),
        Engine::Sqlite => of_sqlite(url, text, command),
        _ if text.contains("@tcp(") || text.contains("@unix(") || text.contains("/@") => {
            let tail = text.split_once("://").map_or(text, |(_, tail)| tail);
            go_mysql(tail, url)
        }
        engine => match Url::split(text) {
            Some(parts) if parts.has_authority => of_parts(engine, &parts, url),
            _ => Resolution::unresolved(format!("{}: this is no URL", url.source)),
        },
    }
}

/// Host, port, database and user of a URL as they stand there.
pub(super) fn of_parts(engine: Engine, url: &Url, origin: &Sourced<String>) -> Resolution {
    let note = |what: &str| origin.source.with_note(what);
    let user = url
        .user
        .as_deref()
        .map(|u| Sourced::new(decode(u), note("user")));
    let name = decode(url.path.trim_start_matches('/'));
    let database = (!name.is_empty()).then(|| Sourced::new(name, note("database")));
    let socket = url
        .parameter("socket")
        .or_else(|| url.parameter("unixSocket"))
        .filter(|_| engine == Engine::Mysql);
    if let Some(path) = socket {
        let path = Sourced::new(decode(path), note("socket"));
        let target = Target::new(engine, Address::Socket { path, port: None });
        return Resolution::target(target.database(database).user(user));
    }
    let hosts = url.host.as_deref().unwrap_or("localhost");
    let mut resolution = Resolution::none();
    for host in hosts.split(',') {
        let (host, own_port) = split_port(host);
        let port = own_port.or(url.port.as_deref());
        let source = if url.host.is_some() {
            note("host")
        } else {
            Source::default_of("driver")
        };
        let port = match port.map(str::parse::<u16>) {
            Some(Ok(port)) => Some(Sourced::new(port, note("port"))),
            Some(Err(_)) => {
                let why = format!("{}: the port is no number", origin.source);
                return Resolution::unresolved(why);
            }
            None => engine.usual_port("driver"),
        };
        let host = decode(host.trim_start_matches('[').trim_end_matches(']'));
        let address = Address::Host {
            host: Sourced::new(host, source),
            port,
            hostaddr: None,
        };
        let target = Target::new(engine.clone(), address)
            .database(database.clone())
            .user(user.clone());
        resolution.merge(Resolution::target(target));
    }
    resolution
}

fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            (name, Some(port))
        }
        _ => (host, None),
    }
}

fn of_sqlite(url: &Sourced<String>, text: &str, command: &Command) -> Resolution {
    let path = text.split_once(':').map_or(text, |(_, rest)| rest);
    let path = path.strip_prefix("//").unwrap_or(path);
    sqlite_file(path, url, command)
}

/// A SQLite file by a path that may carry `file:` and parameters.
pub(super) fn sqlite_file(path: &str, url: &Sourced<String>, command: &Command) -> Resolution {
    let path = path.strip_prefix("file:").unwrap_or(path);
    let (path, parameters) = path.split_once('?').unwrap_or((path, ""));
    if path.is_empty() || path.starts_with(":memory:") || parameters.contains("mode=memory") {
        let source = url.source.clone();
        return Resolution::target(Target::new(Engine::Sqlite, Address::Memory { source }));
    }
    let full = command.step.path(decode(path)).display().to_string();
    let path = Sourced::new(full, url.source.clone());
    Resolution::target(Target::new(Engine::Sqlite, Address::File { path }))
}

/// A PostgreSQL URL or conninfo string.
pub(super) fn of_postgres(
    text: &Sourced<String>,
    driver: Postgres,
    command: &Command,
    world: &World<'_>,
) -> Resolution {
    let mut value = text.value.trim().to_owned();
    if driver != Postgres::Libpq {
        value = without_unknown_parameters(&value);
    }
    let explicit = match Params::parse(&value, &text.source) {
        Ok(params) => params,
        Err(stop) => {
            return Resolution {
                errors: vec![stop],
                ..Resolution::default()
            };
        }
    };
    of_params(explicit, driver, command, world)
}

/// Connection parameters completed as the driver does it.
pub(super) fn of_params(
    explicit: Params,
    driver: Postgres,
    command: &Command,
    world: &World<'_>,
) -> Resolution {
    let step = &command.step;
    let vars = &step.vars;
    let mut seen = Vars::new();
    let mut copy = |name: &str, keep_empty: bool| {
        if let Some(var) = vars.get(name)
            && (keep_empty || !var.value.is_empty())
        {
            seen.set(name, &var.value, var.source.clone());
        }
    };
    let common = ["PGHOST", "PGPORT", "PGDATABASE", "PGUSER"];
    let services = ["PGSERVICE", "PGSERVICEFILE", "PGSYSCONFDIR", "HOME"];
    let mut explicit = explicit;
    match driver {
        Postgres::Libpq => return libpq::resolve(explicit, vars, step, world),
        Postgres::Alone => {}
        Postgres::Sqlx => {
            common.iter().for_each(|n| copy(n, true));
            if explicit.host.is_none() && explicit.hostaddr.is_none() {
                copy("PGHOSTADDR", true);
            }
        }
        Postgres::Pgx => {
            common.iter().for_each(|n| copy(n, false));
            services.iter().for_each(|n| copy(n, false));
            explicit = explicit.without_empty();
        }
        Postgres::LibPq110 => {
            common.iter().for_each(|n| copy(n, true));
            if let Some(name) = ["PGHOSTADDR", "PGSERVICE", "PGSYSCONFDIR", "PGSERVICEFILE"]
                .into_iter()
                .find(|n| vars.has(n))
            {
                return Resolution::error(
                    "argv-rejected",
                    format!("the driver (lib/pq 1.10) stops where {name} is set"),
                );
            }
        }
        Postgres::LibPq111 => {
            common.iter().for_each(|n| copy(n, true));
            copy("PGHOSTADDR", true);
            services.iter().for_each(|n| copy(n, false));
        }
    }
    let no_host = explicit.host.is_none() && explicit.hostaddr.is_none();
    if no_host && !seen.has("PGHOST") && !seen.has("PGHOSTADDR") && !seen.has("PGSERVICE") {
        explicit.host = Some(default_host(driver, &explicit, &seen, world));
    }
    libpq::resolve(explicit, &seen, step, world)
}

/// The host that a driver takes where none is named: sockets where there are any, else TCP.
fn default_host(
    driver: Postgres,
    explicit: &Params,
    seen: &Vars,
    world: &World<'_>,
) -> Sourced<String> {
    let port = explicit
        .port
        .as_ref()
        .map(|p| p.value.clone())
        .or_else(|| seen.text("PGPORT").map(|p| p.into_owned()))
        .unwrap_or_else(|| "5432".to_owned());
    let found = ["/var/run/postgresql", "/private/tmp", "/tmp"]
        .into_iter()
        .find(|dir| {
            let dir = std::path::Path::new(dir);
            match driver {
                Postgres::Sqlx => world.files.exists(&dir.join(format!(".s.PGSQL.{port}"))),
                Postgres::Pgx => world.files.is_dir(dir),
                _ => false,
            }
        });
    let source = Source::new(SourceKind::Default, "driver default");
    Sourced::new(found.unwrap_or("localhost").to_owned(), source)
}

/// Drivers other than libpq take parameters that libpq does not know.
fn without_unknown_parameters(text: &str) -> String {
    let Some((head, query)) = text.split_once('?') else {
        return text.to_owned();
    };
    let known = ["host", "hostaddr", "port", "dbname", "user", "service"];
    let kept: Vec<&str> = query
        .split('&')
        .filter(|p| known.contains(&p.split('=').next().unwrap_or("")))
        .collect();
    if kept.is_empty() {
        head.to_owned()
    } else {
        format!("{head}?{}", kept.join("&"))
    }
}

/// A data source name of go-sql-driver: `user:password@net(address)/database?parameters`.
pub(super) fn go_mysql(text: &str, origin: &Sourced<String>) -> Resolution {
    let note = |what: &str| origin.source.with_note(what);
    let slash = match text.rfind(')') {
        Some(close) => text
            .get(close..)
            .and_then(|t| t.find('/'))
            .map(|n| n + close),
        None => text.find('/').map(|first| {
            let query = text.find('?').unwrap_or(text.len());
            text.get(..query)
                .and_then(|t| t.rfind('/'))
                .unwrap_or(first)
        }),
    };
    let Some(slash) = slash else {
        return Resolution::unresolved(format!("{}: no `/` in the DSN", origin.source));
    };
    let (place, rest) = text.split_at(slash);
    let name = rest
        .trim_start_matches('/')
        .split('?')
        .next()
        .unwrap_or("")
        .to_owned();
    let (login, network) = match place.rsplit_once('@') {
        Some((login, network)) => (login, network),
        None => ("", place),
    };
    let user = login.split(':').next().unwrap_or("");
    let user = (!user.is_empty()).then(|| Sourced::new(user.to_owned(), note("user")));
    let database = (!name.is_empty()).then(|| Sourced::new(name, note("database")));
    let (kind, address) = match network.split_once('(') {
        Some((kind, address)) => (kind, address.trim_end_matches(')')),
        None => (network, ""),
    };
    let target = if kind == "unix" {
        let path = if address.is_empty() {
            "/tmp/mysql.sock"
        } else {
            address
        };
        Address::Socket {
            path: Sourced::new(path.to_owned(), note("socket")),
            port: None,
        }
    } else {
        let (host, port) = split_port(address);
        let default = || Source::new(SourceKind::Default, "go-sql-driver default");
        let host = if host.is_empty() {
            Sourced::new("127.0.0.1".to_owned(), default())
        } else {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            Sourced::new(bare.to_owned(), note("host"))
        };
        let port = match port.and_then(|p| p.parse().ok()) {
            Some(port) => Sourced::new(port, note("port")),
            None => Sourced::new(3306, default()),
        };
        Address::Host {
            host,
            port: Some(port),
            hostaddr: None,
        }
    };
    Resolution::target(
        Target::new(Engine::Mysql, target)
            .database(database)
            .user(user),
    )
}

/// A JDBC URL.
pub(super) fn of_jdbc(url: &Sourced<String>, command: &Command, world: &World<'_>) -> Resolution {
    let text = url.value.trim();
    let unresolved = |why: &str| Resolution::unresolved(format!("{}: {why}", url.source));
    if text.contains("${") {
        return unresolved("the URL has placeholders");
    }
    let Some(rest) = text.strip_prefix("jdbc:") else {
        return of_url(url, Postgres::Alone, command, world);
    };
    let rest = rest.strip_prefix("aws-wrapper:").unwrap_or(rest);
    let (kind, tail) = rest.split_once(':').unwrap_or((rest, ""));
    let plain = |scheme: &str| Sourced {
        value: format!("{scheme}:{tail}"),
        ..url.clone()
    };
    match kind {
        "tc" => {
            let mut resolution = Resolution::none();
            resolution
                .notes
                .push("a throw-away container of Testcontainers".to_owned());
            resolution
        }
        "postgresql" if tail.starts_with("//") => {
            of_postgres(&plain("postgresql"), Postgres::Alone, command, world)
        }
        "postgresql" => {
            let value = format!("postgresql://localhost/{}", tail.trim_start_matches('/'));
            let plain = Sourced {
                value,
                ..url.clone()
            };
            of_postgres(&plain, Postgres::Alone, command, world)
        }
        "mysql" | "mariadb" => {
            let tail = ["loadbalance:", "replication:", "sequential:", "aurora:"]
                .iter()
                .find_map(|p| tail.strip_prefix(p))
                .unwrap_or(tail);
            match Url::split(&format!("mysql:{tail}")) {
                Some(parts) if parts.has_authority && !tail.contains('(') => {
                    of_parts(Engine::Mysql, &parts, url)
                }
                _ => unresolved("an address form that is not followed"),
            }
        }
        "sqlite" => sqlite_file(tail, url, command),
        "sqlserver" | "jtds" => of_sqlserver(tail, url),
        "clickhouse" | "ch" => match Url::split(&format!("clickhouse:{tail}")) {
            Some(parts) if parts.has_authority => of_parts(Engine::Clickhouse, &parts, url),
            _ => unresolved("an address form that is not followed"),
        },
        "h2" if tail.starts_with("mem:") => Resolution::target(Target::new(
            Engine::Other("h2".to_owned()),
            Address::Memory {
                source: url.source.clone(),
            },
        )),
        other => unresolved(&format!("the JDBC driver `{other}` is not followed")),
    }
}

/// `//host\instance:port;databaseName=x`.
fn of_sqlserver(tail: &str, url: &Sourced<String>) -> Resolution {
    let note = |what: &str| url.source.with_note(what);
    let tail = tail
        .trim_start_matches("sqlserver:")
        .trim_start_matches('/');
    let mut parts = tail.split(';');
    let place = parts.next().unwrap_or("");
    let mut database = None;
    let mut server = None;
    for part in parts {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        match key.to_ascii_lowercase().as_str() {
            "databasename" | "database" => {
                database = Some(Sourced::new(value.to_owned(), note("database")));
            }
            "servername" | "server" => server = Some(value.to_owned()),
            _ => {}
        }
    }
    let (host, port) = split_port(place.split('/').next().unwrap_or(place));
    let host = host.split('\\').next().unwrap_or(host);
    let host = if host.is_empty() {
        server.unwrap_or_else(|| "localhost".to_owned())
    } else {
        host.to_owned()
    };
    let port = port.and_then(|p| p.parse().ok()).unwrap_or(1433);
    let address = Address::Host {
        host: Sourced::new(host, note("host")),
        port: Some(Sourced::new(port, note("port"))),
        hostaddr: None,
    };
    Resolution::target(Target::new(Engine::Sqlserver, address).database(database))
}
