//! From a configuration to the database that its adapter's client library opens.

use super::boot::Boot;
use super::config::DbConfig;
use super::{dotenv, dress};
use crate::command::{Command, Stop, World};
use crate::source::{Source, Sourced};
use crate::target::libpq::{self, Params, Setting};
use crate::target::{Address, Engine, Gap, Resolution, Target, Value};

/// The targets of one configuration.
pub(super) fn resolve(
    config: &DbConfig,
    boot: &Boot<'_>,
    command: &Command,
    world: &World<'_>,
) -> Resolution {
    if let Some(why) = &config.unknown {
        return Resolution::unresolved(format!("{}/{}: {why}", config.env, config.name));
    }
    let mut fields = Fields {
        config,
        gaps: Vec::new(),
    };
    let adapter = fields.text("adapter", "engine");
    if let Some(gap) = fields.gaps.pop() {
        return Resolution::unresolved(format!("the adapter: {}", gap.reason));
    }
    let Some(adapter) = adapter else {
        return Resolution::error(
            "connection-not-configured",
            format!("{}/{} names no adapter", config.env, config.name),
        );
    };
    let engine = Engine::from_driver(&adapter.value);
    let mut resolution = match engine {
        Engine::Postgres => postgres(&mut fields, boot, command, world),
        Engine::Mysql => mysql(&mut fields, &adapter.value, boot),
        Engine::Sqlite => sqlite(&mut fields, boot),
        engine => network(&mut fields, engine),
    };
    resolution.gaps.extend(fields.gaps);
    resolution.targets = resolution
        .targets
        .into_iter()
        .map(|target| dress(target, config, boot))
        .collect();
    resolution
}

struct Fields<'c> {
    config: &'c DbConfig,
    gaps: Vec<Gap>,
}

impl Fields<'_> {
    /// A key as text; a gap of that field where it is not known.
    fn text(&mut self, key: &str, field: &'static str) -> Option<Sourced<String>> {
        let traced = self.config.key(key)?;
        let text = match &traced.value {
            Value::Null | Value::Bool(false) => return None,
            Value::Unknown(why) => {
                self.gaps.push(Gap::new(field, why.clone()));
                return None;
            }
            Value::List(items) => {
                let mut parts = Vec::new();
                for item in items {
                    match &item.value {
                        Value::Str(text) => parts.push(text.clone()),
                        Value::Int(n) => parts.push(n.to_string()),
                        Value::Null => parts.push(String::new()),
                        Value::Unknown(why) => {
                            self.gaps.push(Gap::new(field, why.clone()));
                            return None;
                        }
                        _ => {
                            self.gaps.push(Gap::new(field, "a list in a list"));
                            return None;
                        }
                    }
                }
                parts.join(",")
            }
            _ => self.config.text(key)?,
        };
        Some(Sourced {
            value: text,
            source: traced.source.clone(),
            beat: traced.beat.clone(),
        })
    }

    fn has_gap(&self, field: &str) -> bool {
        self.gaps.iter().any(|g| g.field == field)
    }

    fn port(&mut self) -> Option<Sourced<u16>> {
        let port = self.text("port", "port")?;
        match port.value.trim().parse::<u16>() {
            Ok(number) => Some(port.map(|_| number)),
            Err(_) => {
                let why = format!("{} is no port number", port.source);
                self.gaps.push(Gap::new("port", why));
                None
            }
        }
    }
}

fn postgres(
    fields: &mut Fields<'_>,
    boot: &Boot<'_>,
    command: &Command,
    world: &World<'_>,
) -> Resolution {
    let mut first = |keys: [&str; 2], field: &'static str| -> Setting {
        fields
            .text(keys[0], field)
            .or_else(|| fields.text(keys[1], field))
    };
    let params = Params {
        dbname: first(["database", "dbname"], "database"),
        user: first(["username", "user"], "user"),
        host: first(["host", "host"], "host"),
        hostaddr: first(["hostaddr", "hostaddr"], "host"),
        port: first(["port", "port"], "port"),
        service: first(["service", "service"], "target"),
        ..Params::default()
    };
    let whole = fields.text("url", "target").is_none() && fields.has_gap("target");
    fields.gaps.dedup();
    // A port that is none ends in an error of the client: said as a gap, since the configuration
    // itself was meant to reach something.
    if let Some(port) = &params.port
        && !port
            .value
            .split(',')
            .all(|p| p.trim().is_empty() || p.trim().parse::<u16>().is_ok())
    {
        let why = format!("{} is no port number", port.source);
        return Resolution {
            gaps: vec![Gap::new("port", why)],
            ..Resolution::default()
        };
    }
    let nameless = whole && params.dbname.is_none();
    if fields.has_gap("host") || fields.has_gap("port") {
        return Resolution::none();
    }
    let no_database = fields.has_gap("database") || nameless;
    let variables = boot.ruby.unknown_vars.iter();
    for (name, why) in variables.filter(|(name, _)| name.starts_with("PG") || *name == "*") {
        fields
            .gaps
            .push(Gap::new("target", format!("{name}: {why}")));
    }
    let mut resolution = libpq::resolve(params, &boot.ruby.vars, &command.step, world);
    if no_database {
        for target in &mut resolution.targets {
            target.database = None;
        }
    }
    resolution
}

fn mysql(fields: &mut Fields<'_>, adapter: &str, boot: &Boot<'_>) -> Resolution {
    let vars = &boot.ruby.vars;
    let host = fields.text("host", "host");
    let socket = fields.text("socket", "host");
    let database = fields.text("database", "database");
    let user = fields
        .text("username", "user")
        .or_else(|| fields.text("user", "user"));
    if let Some(file) = fields.text("default_file", "target") {
        let why = format!("{} names an option file of the client", file.source);
        fields.gaps.push(Gap::new("target", why));
    }
    let port = fields.port();
    if fields.has_gap("host") || fields.has_gap("port") {
        return Resolution::none();
    }
    let host = host.filter(|h| !h.value.is_empty());
    let by_name = host.as_ref().is_some_and(|h| h.value != "localhost");
    let trilogy = adapter == "trilogy";
    let from_env = |name: &str| {
        vars.filled(name).map(|value| {
            let source = vars
                .source(name)
                .map_or_else(|| Source::default_of(name), |s| s.with_note(name));
            Sourced::new(value.into_owned(), source)
        })
    };
    let address = match (host, socket.filter(|s| !s.value.is_empty())) {
        (_, Some(socket)) if !by_name || trilogy => Address::Socket {
            path: socket,
            port: None,
        },
        (Some(host), _) if by_name || trilogy => Address::Host {
            host,
            port: port.or_else(|| {
                let number = from_env("MYSQL_TCP_PORT").filter(|_| !trilogy);
                let number = number.and_then(|p| {
                    let value = p.value.parse().ok();
                    value.map(|n| p.map(|_| n))
                });
                number.or(Some(Sourced::new(3306, Source::default_of("MySQL client"))))
            }),
            hostaddr: None,
        },
        (host, _) => Address::Socket {
            path: from_env("MYSQL_UNIX_PORT").unwrap_or_else(|| match host {
                Some(host) => host.map(|_| String::new()),
                None => Sourced::new(String::new(), Source::default_of("MySQL client")),
            }),
            port: None,
        },
    };
    Resolution::target(
        Target::new(Engine::Mysql, address)
            .database(database)
            .user(user),
    )
}

fn sqlite(fields: &mut Fields<'_>, boot: &Boot<'_>) -> Resolution {
    let database = fields.text("database", "file");
    let Some(database) = database.filter(|d| !d.value.trim().is_empty()) else {
        if fields.has_gap("file") {
            return Resolution::none();
        }
        return Resolution {
            errors: vec![Stop::new(
                "connection-not-configured",
                "the SQLite entry names no database file",
            )],
            ..Resolution::default()
        };
    };
    let name = database.value.as_str();
    let memory = name == ":memory:"
        || name.starts_with("file:") && name.contains("mode=memory")
        || name == "file::memory:";
    let address = if memory {
        Address::Memory {
            source: database.source,
        }
    } else {
        let path = name
            .strip_prefix("file:")
            .map_or(name, |p| p.split('?').next().unwrap_or(p));
        let path = path
            .strip_prefix("//")
            .filter(|p| p.starts_with('/'))
            .unwrap_or(path);
        let full = dotenv::inside(&boot.ruby.root, path).display().to_string();
        Address::File {
            path: database.map(|_| full),
        }
    };
    Resolution::target(Target::new(Engine::Sqlite, address))
}

fn network(fields: &mut Fields<'_>, engine: Engine) -> Resolution {
    let host = fields
        .text("host", "host")
        .or_else(|| fields.text("dataserver", "host"));
    let database = fields.text("database", "database");
    let user = fields.text("username", "user");
    let port = fields.port();
    let Some(host) = host else {
        if !fields.has_gap("host") {
            let why = format!("the {} entry names no host", engine.word());
            fields.gaps.push(Gap::new("host", why));
        }
        return Resolution::none();
    };
    let port = port.or_else(|| engine.usual_port(engine.word()));
    let address = Address::Host {
        host,
        port,
        hostaddr: None,
    };
    Resolution::target(Target::new(engine, address).database(database).user(user))
}
