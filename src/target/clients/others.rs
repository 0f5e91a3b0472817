//! sqlcmd and clickhouse-client.

use crate::command::{Command, Reach, World};
use crate::source::{Source, Sourced};
use crate::target::url::{Url, decode};
use crate::target::{Address, Engine, Gap, Resolution, Target};

fn option(command: &Command, name: &str) -> Option<Sourced<String>> {
    command
        .args
        .value(&[name])
        .map(|v| Sourced::new(v.to_owned(), Source::argument(&format!("option {name}"))))
}

fn variable(command: &Command, name: &str) -> Option<Sourced<String>> {
    let var = command.step.vars.get(name)?;
    let value = var.value.to_string_lossy().into_owned();
    (!value.is_empty()).then(|| Sourced::new(value, var.source.with_note(name)))
}

/// Finds the server of a call of sqlcmd.
pub(super) fn sqlcmd(command: &Command, _world: &World<'_>) -> Resolution {
    if let Some(why) = command.hint("unread") {
        return Resolution::unresolved(why.to_owned());
    }
    let default = || Sourced::new("localhost".to_owned(), Source::default_of("sqlcmd"));
    let server = option(command, "--server")
        .or_else(|| variable(command, "SQLCMDSERVER"))
        .unwrap_or_else(default);
    let database = option(command, "--database-name").or_else(|| variable(command, "SQLCMDDBNAME"));
    let user = option(command, "--user-name").or_else(|| variable(command, "SQLCMDUSER"));
    let mut resolution = Resolution::none();
    let mut current = server;
    let mut names: Vec<Option<Sourced<String>>> = vec![database];
    for reach in &command.reaches {
        match reach {
            Reach::Database(name) => {
                let name = Sourced::new(name.clone(), Source::argument("the statements"));
                if !names.iter().flatten().any(|n| n.value == name.value) {
                    if names == [None] {
                        names.clear();
                    }
                    names.push(Some(name));
                }
            }
            Reach::Connection(place) => {
                resolution.merge(servers(&current, &names, user.as_ref()));
                current = Sourced::new(place.clone(), Source::argument("the script's :connect"));
                names = vec![None];
            }
            Reach::Unknown(why) => resolution.merge(Resolution::unresolved(why.clone())),
        }
    }
    resolution.merge(servers(&current, &names, user.as_ref()));
    resolution
}

/// `[tcp:]host[\instance][,port]`.
fn servers(
    server: &Sourced<String>,
    names: &[Option<Sourced<String>>],
    user: Option<&Sourced<String>>,
) -> Resolution {
    let text = server.value.as_str();
    let text = ["tcp:", "np:", "lpc:", "admin:"]
        .iter()
        .find_map(|p| text.strip_prefix(p))
        .unwrap_or(text);
    let (host, port) = match text.split_once(',') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let (host, named) = match host.split_once('\\') {
        Some((host, _)) if port.is_some() => (host, false),
        Some(_) => (host, true),
        None => (host, false),
    };
    let host = if matches!(host, "." | "(local)" | "") {
        "localhost"
    } else {
        host
    };
    let port = match port.map(|p| p.trim().parse::<u16>()) {
        Some(Ok(port)) => Some(server.clone().map(|_| port)),
        Some(Err(_)) => return Resolution::error("connection-invalid", "the port is no number"),
        // A named instance tells its port only when asked.
        None if named => None,
        None => Some(Sourced::new(1433, Source::default_of("sqlcmd"))),
    };
    let mut resolution = Resolution::none();
    for name in names {
        let address = Address::Host {
            host: server.clone().map(|_| host.to_owned()),
            port: port.clone(),
            hostaddr: None,
        };
        let target = Target::new(Engine::Sqlserver, address)
            .database(name.clone())
            .user(user.cloned());
        resolution.merge(Resolution::target(target));
    }
    resolution
}

/// Finds the servers of a call of clickhouse-client.
pub(super) fn clickhouse(command: &Command, world: &World<'_>) -> Resolution {
    if let Some(why) = command.hint("unread") {
        return Resolution::unresolved(why.to_owned());
    }
    let given = |name: &str| option(command, name);
    let mut hosts: Vec<Sourced<String>> = command
        .args
        .options
        .iter()
        .filter(|o| o.name == "--host")
        .filter_map(|o| o.value.clone())
        .map(|v| Sourced::new(v, Source::argument("option --host")))
        .collect();
    let mut port = given("--port");
    let mut name = given("--database");
    let mut user = given("--user").or_else(|| variable(command, "CLICKHOUSE_USER"));
    let operand = command
        .args
        .operand(0)
        .filter(|o| o.starts_with("clickhouse"));
    if let Some(url) = operand.and_then(Url::split) {
        let source = Source::argument("operand");
        let set = |t: &str| Sourced::new(decode(t), source.clone());
        if let Some(list) = &url.host {
            hosts = list.split(',').map(set).collect();
        }
        port = url.port.as_deref().map(set).or(port);
        let path = url.path.trim_start_matches('/');
        name = if path.is_empty() {
            name
        } else {
            Some(set(path))
        };
        user = url.user.as_deref().map(set).or(user);
    }
    let from_words = !hosts.is_empty();
    if !from_words {
        hosts.extend(variable(command, "CLICKHOUSE_HOST"));
    }
    if hosts.is_empty() {
        hosts.push(Sourced::new(
            "localhost".to_owned(),
            Source::default_of("clickhouse-client"),
        ));
    }
    let default =
        |text: &str| Sourced::new(text.to_owned(), Source::default_of("clickhouse-client"));
    let secure = if command.args.has(&["--secure"]) {
        "9440"
    } else {
        "9000"
    };
    let port = port.unwrap_or_else(|| default(secure));
    let name = name.unwrap_or_else(|| default("default"));
    let mut resolution = Resolution::none();
    let mut names = vec![name];
    for reach in &command.reaches {
        match reach {
            Reach::Database(name) => {
                names.push(Sourced::new(
                    name.clone(),
                    Source::argument("the statements"),
                ));
            }
            Reach::Connection(_) => {}
            Reach::Unknown(why) => resolution.merge(Resolution::unresolved(why.clone())),
        }
    }
    for host in &hosts {
        let (host_name, own) = match host.value.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') => (name.to_owned(), Some(port.to_owned())),
            _ => (host.value.clone(), None),
        };
        let port = own.map_or_else(|| port.clone(), |p| host.clone().map(|_| p));
        let Ok(number) = port.value.parse::<u16>() else {
            return Resolution::error("connection-invalid", "the port is no number");
        };
        for name in &names {
            let address = Address::Host {
                host: host.clone().map(|_| host_name.clone()),
                port: Some(port.clone().map(|_| number)),
                hostaddr: None,
            };
            let target = Target::new(Engine::Clickhouse, address)
                .database(Some(name.clone()))
                .user(user.clone());
            resolution.merge(Resolution::target(target));
        }
    }
    let configured = config_file(command, world);
    if let Some(why) = configured.filter(|_| !from_words || command.args.has(&["--connection"])) {
        resolution.gaps.push(Gap::new("host", why));
    }
    resolution
}

/// A configuration file that may name the server.
fn config_file(command: &Command, world: &World<'_>) -> Option<String> {
    let step = &command.step;
    if command.args.has(&["--config-file", "--connection"]) {
        return Some("its configuration file may name the server".to_owned());
    }
    let home = crate::target::libpq::home(&step.vars, world);
    let mut folders = vec![(step.cwd.clone(), "clickhouse-client")];
    folders.extend(home.map(|h| (h.join(".clickhouse-client"), "config")));
    folders.push(("/etc/clickhouse-client".into(), "config"));
    for (folder, stem) in folders {
        for end in ["xml", "yaml", "yml"] {
            let path = folder.join(format!("{stem}.{end}"));
            if world.files.exists(&path) {
                return Some(format!("{} may name the server", path.display()));
            }
        }
    }
    None
}
