//! Schema tools of MySQL: skeema, gh-ost, the Percona toolkit.

use std::path::{Path, PathBuf};

use super::{default_of, gap, option};
use crate::command::{Command, World};
use crate::source::{Source, Sourced};
use crate::target::{Address, Engine, Gap, Resolution, Target};

/// skeema: `.skeema` files of the directory and those above it; the environment is the word
/// behind the action, `production` where there is none.
pub(super) fn skeema(command: &Command, world: &World<'_>) -> Resolution {
    let environment = match command.args.operands.get(1) {
        Some((_, word)) if word.unknown.is_none() => {
            Sourced::new(word.text.clone(), Source::argument("operand"))
        }
        Some((_, word)) => {
            return Resolution::unresolved(format!("the environment `{}` is not known", word.text));
        }
        None => default_of("skeema", "production"),
    };
    let settings = Settings::of(command, &environment.value, world);
    let Some(hosts) = settings.host else {
        return Resolution::unresolved(format!(
            "no host for the skeema environment `{}` here; folders below may name one",
            environment.value
        ));
    };
    let computed = settings.wrapped || hosts.value.contains('$');
    let schema_computed = settings
        .schema
        .as_ref()
        .is_some_and(|s| s.value.starts_with('`') || s.value.contains("$("));
    if computed || schema_computed {
        return Resolution::unresolved("`.skeema` takes the host or schema from a program");
    }
    let mut resolution = Resolution::none();
    for host in hosts.value.split(',').map(str::trim) {
        let host = Sourced::new(host.to_owned(), hosts.source.clone());
        let target = at(host, settings.port.clone(), settings.socket.clone());
        let mut target = target.database(settings.schema.clone());
        target.environment = Some(environment.clone());
        resolution.merge(Resolution::target(target));
    }
    resolution
}

#[derive(Default)]
struct Settings {
    host: Option<Sourced<String>>,
    port: Option<Sourced<u16>>,
    socket: Option<Sourced<String>>,
    schema: Option<Sourced<String>>,
    wrapped: bool,
    /// Where dropping what is not described is allowed.
    unsafe_at: Option<Source>,
}

/// Where the files of skeema allow `push` to drop what they do not describe.
pub(super) fn skeema_drops(command: &Command, world: &World<'_>) -> Option<Source> {
    let environment = command.args.operand(1).unwrap_or("production");
    Settings::of(command, environment, world).unsafe_at
}

impl Settings {
    /// Those of the directory over those of the ones above it.
    fn of(command: &Command, environment: &str, world: &World<'_>) -> Settings {
        let mut settings = Settings::default();
        let home = command.step.vars.filled("HOME").map(|h| PathBuf::from(&*h));
        let mut dirs: Vec<_> = command.step.cwd.ancestors().map(Path::to_owned).collect();
        dirs.extend(home.filter(|h| !command.step.cwd.starts_with(h)));
        dirs.reverse();
        let files = dirs.iter().map(|dir| dir.join(".skeema"));
        for path in std::iter::once(PathBuf::from("/etc/skeema")).chain(files) {
            if let Ok(text) = world.files.read_text(&path) {
                let shown = crate::files::shown(&path, &command.step.cwd);
                settings.read(&text, &shown, environment);
            }
        }
        settings
    }

    fn read(&mut self, text: &str, shown: &str, environment: &str) {
        let mut applies = true;
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or("").trim();
            if let Some(section) = line.strip_prefix('[') {
                applies = section.trim_end_matches(']').trim() == environment;
                continue;
            }
            if !applies {
                continue;
            }
            // An option without a value is switched on.
            let (key, value) = line.split_once('=').unwrap_or((line, "1"));
            let value = value.trim().trim_matches(['"', '\'']).to_owned();
            let source = Source::project_file(shown, number + 1);
            let text = Sourced::new(value, source);
            match key.trim() {
                "host" => self.host = Some(text),
                "host-wrapper" => self.wrapped = !text.value.is_empty(),
                "schema" => self.schema = Some(text),
                "allow-unsafe" => {
                    let off = matches!(text.value.as_str(), "" | "0" | "false" | "off");
                    self.unsafe_at = (!off).then_some(text.source);
                }
                "safe-below-size" => {
                    self.unsafe_at = (text.value != "0").then_some(text.source);
                }
                "skip-allow-unsafe" => self.unsafe_at = None,
                "socket" => self.socket = Some(text),
                "port" => {
                    self.port = text
                        .value
                        .parse()
                        .ok()
                        .map(|p| Sourced::new(p, text.source));
                }
                _ => {}
            }
        }
    }
}

/// A MySQL server: `localhost` is the socket.
fn at(
    host: Sourced<String>,
    port: Option<Sourced<u16>>,
    socket: Option<Sourced<String>>,
) -> Target {
    let address = if host.value == "localhost" {
        let path = socket.unwrap_or_else(|| Sourced::new(String::new(), host.source.clone()));
        Address::Socket { path, port: None }
    } else {
        let port = port.unwrap_or_else(|| Sourced::new(3306, Source::default_of("MySQL")));
        Address::Host {
            host,
            port: Some(port),
            hostaddr: None,
        }
    };
    Target::new(Engine::Mysql, address)
}

fn port(text: Option<Sourced<String>>) -> Result<Option<Sourced<u16>>, Gap> {
    match text {
        None => Ok(None),
        Some(text) => match text.value.parse() {
            Ok(port) => Ok(Some(Sourced::new(port, text.source))),
            Err(_) => Err(Gap::new("port", format!("{}: no number", text.source))),
        },
    }
}

/// gh-ost connects to `--host` and writes to the master that it finds from there.
pub(super) fn gh_ost(command: &Command, _world: &World<'_>) -> Resolution {
    let mut texts = [None, None, None];
    for (slot, names) in texts.iter_mut().zip([
        ["--host", "-host"],
        ["--port", "-port"],
        ["--database", "-database"],
    ]) {
        match option(command, &names) {
            Some(Ok(text)) => *slot = Some(text),
            Some(Err(missing)) => return gap(missing),
            None => {}
        }
    }
    let [host, own_port, database] = texts;
    let own_port = match port(own_port) {
        Ok(port) => port,
        Err(missing) => return gap(missing),
    };
    let host = host.unwrap_or_else(|| default_of("gh-ost", "127.0.0.1"));
    let mut target = at(host, own_port, None).database(database);
    target.notes.push("asked for its master".to_owned());
    let mut resolution = Resolution::target(target);
    let stays = command.args.has(&[
        "--allow-on-master",
        "-allow-on-master",
        "--test-on-replica",
        "--migrate-on-replica",
    ]);
    match option(command, &["--assume-master-host", "-assume-master-host"]) {
        Some(Ok(master)) => {
            let (name, own) = match master.value.rsplit_once(':') {
                Some((name, port)) => (name.to_owned(), port.parse().ok()),
                None => (master.value.clone(), None),
            };
            let own = own.map(|p| Sourced::new(p, master.source.clone()));
            let host = Sourced::new(name, master.source.clone());
            resolution.merge(Resolution::target(at(host, own, None)));
        }
        Some(Err(missing)) => resolution.gaps.push(missing),
        None if stays => {}
        None => resolution.gaps.push(Gap::new(
            "host",
            "gh-ost writes to the master that it finds through this server",
        )),
    }
    resolution
}

/// The Percona toolkit: a DSN (`h=host,P=port,D=database`) and options.
pub(super) fn percona(command: &Command, _world: &World<'_>) -> Resolution {
    if let Some((word, why)) = command.step.first_unknown() {
        return Resolution::unresolved(format!("`{word}`: {why}"));
    }
    let mut resolution = Resolution::none();
    let mut dsns: Vec<(String, Source)> = command
        .args
        .operand_texts()
        .map(|t| (t.to_owned(), Source::argument("DSN")))
        .collect();
    for option in &command.args.options {
        if matches!(option.name.as_str(), "--source" | "--dest")
            && let Some(value) = &option.value
        {
            dsns.push((value.clone(), Source::argument(&option.name)));
        }
    }
    if dsns.is_empty() {
        dsns.push((String::new(), Source::argument("options")));
    }
    for (dsn, source) in dsns {
        let part = |key: &str| {
            let value = dsn
                .split(',')
                .filter_map(|p| p.split_once('='))
                .find(|(k, _)| *k == key)?
                .1;
            Some(Sourced::new(value.to_owned(), source.clone()))
        };
        let either = |key: &str, names: &[&str]| {
            part(key).or_else(|| option(command, names).and_then(Result::ok))
        };
        let Some(host) = either("h", &["-h", "--host"]) else {
            let why = "the host comes from option files";
            resolution.gaps.push(Gap::new("host", why));
            continue;
        };
        let own_port = match port(either("P", &["-P", "--port"])) {
            Ok(port) => port,
            Err(missing) => return gap(missing),
        };
        let target = at(host, own_port, either("S", &["-S", "--socket"]))
            .database(either("D", &["-D", "--database"]))
            .user(either("u", &["-u", "--user"]));
        resolution.merge(Resolution::target(target));
    }
    resolution
}
