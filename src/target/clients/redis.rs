//! redis-cli: host, port, socket, number, URI; no variable names a server.

use crate::command::{Command, Reach, World};
use crate::source::{Source, Sourced};
use crate::target::url::Url;
use crate::target::{Address, Engine, Resolution, Target};

/// Finds the server of a call of redis-cli.
pub(super) fn resolve(command: &Command, _world: &World<'_>) -> Resolution {
    if let Some(why) = command.hint("unread") {
        return Resolution::unresolved(why.to_owned());
    }
    let default = |text: &str| Sourced::new(text.to_owned(), Source::default_of("redis-cli"));
    let (mut host, mut port, mut number) = (default("127.0.0.1"), default("6379"), default("0"));
    let mut socket = None;
    for option in &command.args.options {
        let Some(value) = &option.value else { continue };
        let given = || {
            Sourced::new(
                value.clone(),
                Source::argument(&format!("option {}", option.name)),
            )
        };
        match option.name.as_str() {
            "-h" => host = given(),
            "-p" => port = given(),
            "-n" => number = given(),
            "-s" => socket = Some(given()),
            "-u" => {
                let source = Source::argument("option -u");
                let set = |text: &str| Sourced::new(text.to_owned(), source.clone());
                let Some(url) = Url::split(value) else {
                    return Resolution::unresolved("the URI of -u cannot be read");
                };
                if !matches!(
                    url.scheme.as_str(),
                    "redis" | "rediss" | "valkey" | "valkeys"
                ) {
                    return Resolution::unresolved("the URI of -u is of another kind");
                }
                if let Some(name) = &url.host {
                    host = set(name.trim_matches(['[', ']']));
                }
                if let Some(text) = &url.port {
                    port = set(text);
                }
                let path = url.path.trim_start_matches('/');
                if !path.is_empty() {
                    number = set(path);
                }
            }
            _ => {}
        }
    }
    if let Some(every) = command.hint("database") {
        number = Sourced::new(every.to_owned(), Source::argument("FLUSHALL"));
    }
    let Ok(parsed) = port.value.parse::<u16>() else {
        return Resolution::error("connection-invalid", "the port is no number");
    };
    let address = match socket {
        Some(path) => Address::Socket { path, port: None },
        None => Address::Host {
            host,
            port: Some(port.map(|_| parsed)),
            hostaddr: None,
        },
    };
    let mut resolution = Resolution::none();
    let mut add = |address: Address, number: &Sourced<String>| {
        let target = Target::new(Engine::Redis, address).database(Some(number.clone()));
        resolution.merge(Resolution::target(target));
    };
    add(address.clone(), &number);
    let mut current = address;
    let mut unknown = Vec::new();
    for reach in &command.reaches {
        let source = Source::argument("standard input");
        match reach {
            Reach::Database(name) => {
                number = Sourced::new(name.clone(), source);
                add(current.clone(), &number);
            }
            Reach::Connection(place) => {
                let (host, port) = place.split_once(' ').unwrap_or((place, "6379"));
                match port.parse::<u16>() {
                    Ok(port) => {
                        current = Address::Host {
                            host: Sourced::new(host.to_owned(), source.clone()),
                            port: Some(Sourced::new(port, source)),
                            hostaddr: None,
                        };
                        add(current.clone(), &number);
                    }
                    Err(_) => unknown.push("connect to a port that is no number".to_owned()),
                }
            }
            Reach::Unknown(why) => unknown.push(why.clone()),
        }
    }
    for why in unknown {
        resolution.merge(Resolution::unresolved(why));
    }
    resolution
}
