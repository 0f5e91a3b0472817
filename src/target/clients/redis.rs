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
    if let Some(option) = command.args.options.iter().find(|o| o.name == "--cluster") {
        return nodes(command, option.at);
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
                    let digits = path.bytes().take_while(u8::is_ascii_digit).count();
                    let digits = path.get(..digits).unwrap_or_default();
                    // What is no number is 0.
                    number = set(if digits.is_empty() { "0" } else { digits });
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

/// The nodes that `--cluster COMMAND` names, as `HOST:PORT` or as two words; through them it
/// reaches the others.
fn nodes(command: &Command, option: usize) -> Resolution {
    let mut words = command.step.argv.iter().skip(option + 1);
    let sub = words.next().map_or("", |sub| sub.text.as_str());
    if sub == "help" {
        return Resolution::none();
    }
    let several = matches!(sub, "create" | "add-node");
    let mut words = words.take_while(|w| !w.text.starts_with('-')).peekable();
    let source = Source::argument("option --cluster");
    let mut resolution = Resolution::none();
    while let Some(word) = words.next() {
        let pair = word.text.rsplit_once(':');
        let next = words.peek().map(|next| next.text.as_str());
        let alone = resolution.targets.is_empty().then_some(next).flatten();
        let port = pair.map(|(_, port)| port).or(alone);
        let port = port.and_then(|p| p.split('@').next()?.parse::<u16>().ok());
        match (&word.unknown, port) {
            (Some(why), _) => resolution.merge(Resolution::unresolved(why.clone())),
            (None, Some(port)) => {
                let host = pair.map_or(word.text.as_str(), |(host, _)| host);
                let address = Address::Host {
                    host: Sourced::new(host.to_owned(), source.clone()),
                    port: Some(Sourced::new(port, source.clone())),
                    hostaddr: None,
                };
                let number = Sourced::new("0".to_owned(), Source::default_of("redis-cli"));
                let target = Target::new(Engine::Redis, address).database(Some(number));
                resolution.merge(Resolution::target(target));
            }
            // The command's own words.
            (None, None) => break,
        }
        if pair.is_none() || !several {
            break;
        }
    }
    match resolution.targets.is_empty() && resolution.gaps.is_empty() {
        true => Resolution::error("connection-invalid", "--cluster names no node"),
        false => resolution,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Caller, Step, understand};
    use crate::environment::Vars;
    use crate::files::Memory;

    #[test]
    fn the_servers_that_are_named_are_the_targets() {
        for (line, want) in [
            ("-h h -p 1 -n 2 get a", "h:1/2"),
            ("-u redis://h:1/%31 get a", "h:1/0"),
            ("-u redis://h:1/7x get a", "h:1/7"),
            ("-h ignored --cluster info h:1", "h:1/0"),
            ("--cluster info h 1", "h:1/0"),
            ("--cluster call h:1 flushall", "h:1/0"),
            ("--cluster call h:1@2 a:3 b", "h:1/0"),
            (
                "--cluster create a:1 b:2 c:3 --cluster-replicas 1",
                "a:1/0 b:2/0 c:3/0",
            ),
            ("--cluster help", ""),
            ("--cluster info", "errors"),
        ] {
            let files = Memory::new();
            let caller = Caller::default();
            let world = World {
                files: &files,
                caller: &caller,
                heard: None,
            };
            let words = std::iter::once("redis-cli").chain(line.split(' '));
            let step = Step::new(words.map(str::to_owned), Vars::new(), "/w".into());
            let command = understand(step, &world).remove(0);
            let found = resolve(&command, &world);
            let shown = |t: &Target| match &t.address {
                Address::Host { host, port, .. } => format!(
                    "{}:{}/{}",
                    host.value,
                    port.as_ref().unwrap().value,
                    t.database.as_ref().unwrap().value
                ),
                other => format!("{other:?}"),
            };
            let mut have: Vec<String> = found.targets.iter().map(shown).collect();
            if !found.errors.is_empty() {
                have.push("errors".to_owned());
            }
            assert_eq!(have.join(" "), want, "{line}");
        }
    }
}
