//! mongosh and the database tools: a connection string, or host, port and database.

use crate::command::{Command, Reach, World};
use crate::source::{Source, Sourced};
use crate::target::url::{Url, decode};
use crate::target::{Address, Engine, Resolution, Target};

/// Finds the servers of a MongoDB client.
pub(super) fn resolve(command: &Command, _world: &World<'_>) -> Resolution {
    if let Some(why) = command.hint("unread") {
        return Resolution::unresolved(why.to_owned());
    }
    let value = |names: &[&str]| {
        command.args.value(names).map(|v| {
            Sourced::new(
                v.to_owned(),
                Source::argument(&format!("option {}", names[0])),
            )
        })
    };
    if command.args.has(&["--nodb"]) {
        return Resolution::none();
    }
    if command.args.has(&["--config"]) {
        return Resolution::unresolved("its configuration file may name the server");
    }
    let shell = command.tool.is_some_and(|t| t.name == "mongosh");
    let operand = command
        .args
        .operand(0)
        .filter(|o| !o.ends_with(".js") && !o.ends_with(".mongodb"))
        .filter(|o| shell || o.starts_with("mongodb"))
        .map(|o| Sourced::new(o.to_owned(), Source::argument("operand")));
    let uri = value(&["--uri"]).or(operand);
    let fallback = if shell { Some("test") } else { None };
    let mut place = match uri {
        Some(uri) => match Place::from_text(&uri) {
            Some(place) => place,
            None => return Resolution::unresolved("the connection string cannot be read"),
        },
        None => Place::default(),
    };
    if let Some(host) = value(&["--host"]) {
        place.hosts(&host);
    }
    if let Some(port) = value(&["--port"]) {
        place.port = Some(port);
    }
    if let Some(name) = value(&["--db"]) {
        place.database = Some(name);
    }
    if place.database.is_none() {
        place.database =
            fallback.map(|f| Sourced::new(f.to_owned(), Source::default_of("mongosh")));
    }
    let mut resolution = place.resolution(place.database.clone());
    for reach in &command.reaches {
        resolution.merge(match reach {
            Reach::Database(name) => {
                let source = Source::argument("option --eval");
                place.resolution(Some(Sourced::new(name.clone(), source)))
            }
            Reach::Connection(_) => Resolution::none(),
            Reach::Unknown(why) => Resolution::unresolved(why.clone()),
        });
    }
    resolution
}

/// Servers and a database.
#[derive(Debug, Default)]
pub(in crate::target) struct Place {
    hosts: Vec<Sourced<String>>,
    port: Option<Sourced<String>>,
    /// The database.
    pub(in crate::target) database: Option<Sourced<String>>,
}

impl Place {
    /// A URI, `host`, `host:port`, `host/db`, or a bare word, which is a database.
    pub(in crate::target) fn from_text(text: &Sourced<String>) -> Option<Place> {
        let mut place = Place::default();
        let set = |t: &str| Sourced::new(decode(t), text.source.clone());
        if text.value.starts_with("mongodb") && text.value.contains("://") {
            let url = Url::split(&text.value)?;
            let hosts = match (&url.host, &url.port) {
                (Some(host), Some(port)) => format!("{host}:{port}"),
                (Some(host), None) => host.clone(),
                _ => return None,
            };
            place.hosts(&set(&hosts));
            let name = url.path.trim_start_matches('/');
            place.database = (!name.is_empty()).then(|| set(name));
            return Some(place);
        }
        match text.value.split_once('/') {
            Some((host, name)) => {
                place.hosts(&set(host));
                place.database = (!name.is_empty()).then(|| set(name));
            }
            None if text.value.contains(['.', ':']) => place.hosts(&set(&text.value)),
            None => place.database = Some(set(&text.value)),
        }
        Some(place)
    }

    /// `rs/h1:p1,h2` or a list.
    pub(in crate::target) fn hosts(&mut self, text: &Sourced<String>) {
        let list = text.value.rsplit('/').next().unwrap_or(&text.value);
        self.hosts = list
            .split(',')
            .filter(|h| !h.is_empty())
            .map(|h| text.clone().map(|_| h.to_owned()))
            .collect();
    }

    pub(in crate::target) fn resolution(&self, database: Option<Sourced<String>>) -> Resolution {
        let default = vec![Sourced::new(
            "127.0.0.1".to_owned(),
            Source::default_of("mongosh"),
        )];
        let hosts = if self.hosts.is_empty() {
            &default
        } else {
            &self.hosts
        };
        let mut resolution = Resolution::none();
        for host in hosts {
            let (name, own) = match host.value.rsplit_once(':') {
                Some((name, port))
                    if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') =>
                {
                    (name, Some(host.clone().map(|_| port.to_owned())))
                }
                _ => (host.value.as_str(), None),
            };
            let name = name.trim_matches(['[', ']']).to_owned();
            let port = own
                .or_else(|| self.port.clone())
                .unwrap_or_else(|| Sourced::new("27017".to_owned(), Source::default_of("mongosh")));
            let Ok(number) = port.value.parse::<u16>() else {
                return Resolution::error("connection-invalid", "the port is no number");
            };
            let address = if name.ends_with(".sock") {
                Address::Socket {
                    path: host.clone().map(|_| name),
                    port: None,
                }
            } else {
                Address::Host {
                    host: host.clone().map(|_| name),
                    port: Some(port.map(|_| number)),
                    hostaddr: None,
                }
            };
            let target = Target::new(Engine::Mongodb, address).database(database.clone());
            resolution.merge(Resolution::target(target));
        }
        resolution
    }
}
