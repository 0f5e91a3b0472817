//! Databases that are known by an identifier: cloud services, containers, units, data directories.

use super::{Address, Engine, Gap, Resolution, Resolver, Target};
use crate::command::{Command, World};
use crate::source::{Source, Sourced};

/// The resolvers of this room, by the catalogue's names.
pub(super) const RESOLVERS: &[(&str, Resolver)] = &[
    ("service", service),
    ("unit", unit),
    ("file", file),
    ("kubernetes", kubernetes),
    ("compose", compose),
    ("volume", volume),
    ("data-directory", data_directory),
    ("debian-cluster", debian_cluster),
    ("infrastructure", infrastructure),
];

fn identified(engine: &str, name: String, source: Source) -> Resolution {
    let engine = match Engine::from_driver(engine) {
        Engine::Other(_) => Engine::Other(engine.to_owned()),
        known => known,
    };
    let name = Sourced::new(name, source);
    Resolution::target(Target::new(engine, Address::Identifier { name }))
}

fn unknown_word(command: &Command) -> Option<Resolution> {
    let (word, why) = command.step.first_unknown()?;
    Some(Resolution::unresolved(format!("`{word}`: {why}")))
}

/// A cloud service: an option of `data.identifier` names it, or the word behind the action.
/// `data.engine` is the word for it; for `aws` the service is part of it.
fn service(command: &Command, _world: &World<'_>) -> Resolution {
    if let Some(unresolved) = unknown_word(command) {
        return unresolved;
    }
    let Some(tool) = command.tool else {
        return Resolution::none();
    };
    let engine = match tool.data("engine").first() {
        Some(&"aws") => format!("aws-{}", command.args.operand(0).unwrap_or("service")),
        Some(engine) => (*engine).to_owned(),
        None => tool.name.to_owned(),
    };
    if let Some(option) = command.args.last(tool.data("identifier"))
        && let Some(value) = &option.value
    {
        let source = Source::argument(&format!("option {}", option.name));
        return identified(&engine, value.clone(), source);
    }
    let used = command
        .actions
        .first()
        .map_or(0, |a| a.name.split(' ').count());
    let operand = command.args.operands.get(used).map(|(_, w)| &w.text);
    match operand {
        Some(name) if tool.data("named-by-option").is_empty() => {
            identified(&engine, name.clone(), Source::argument("operand"))
        }
        _ => Resolution::unresolved(format!(
            "{} chooses the service by itself (folder, login or its own files)",
            command.tool_name()
        )),
    }
}

/// A unit, process or package; the reader found its name.
fn unit(command: &Command, _world: &World<'_>) -> Resolution {
    match (command.hint("engine"), command.hint("name")) {
        (Some(engine), Some(name)) => {
            identified(engine, name.to_owned(), Source::argument("operand"))
        }
        _ => Resolution::none(),
    }
}

/// A file that the reader found to be a database or a dump, or a server that it asks by HTTP.
fn file(command: &Command, world: &World<'_>) -> Resolution {
    let Some(path) = command.hint("file") else {
        return unit(command, world);
    };
    let engine = if path.contains("postgres") || path.contains("pgsql") {
        Engine::Postgres
    } else if path.contains("mysql") || path.contains("mariadb") {
        Engine::Mysql
    } else {
        Engine::Sqlite
    };
    let path = Sourced::new(path.to_owned(), Source::argument("operand"));
    Resolution::target(Target::new(engine, Address::File { path }))
}

/// `context/namespace/name` of what kubectl or helm acts on.
fn kubernetes(command: &Command, world: &World<'_>) -> Resolution {
    if let Some(unresolved) = unknown_word(command) {
        return unresolved;
    }
    let args = &command.args;
    let context = match args.value(&["--context", "--kube-context"]) {
        Some(context) => Some(context.to_owned()),
        None => current_context(command, world),
    };
    let namespace = args.value(&["-n", "--namespace"]).unwrap_or("default");
    let operands: Vec<&str> = args.operand_texts().collect();
    let (kind, names) = match operands.as_slice() {
        [_, kind, names @ ..] if command.tool_name() == "kubectl" => (*kind, names.to_vec()),
        [_, names @ ..] => ("release", names.to_vec()),
        [] => ("", Vec::new()),
    };
    let kind = match kind {
        "persistentvolumeclaim" | "persistentvolumeclaims" | "pvcs" => "pvc",
        "persistentvolume" | "persistentvolumes" => "pv",
        "namespace" | "namespaces" => "ns",
        "statefulset" | "statefulsets" => "sts",
        other => other.split('/').next().unwrap_or(other),
    };
    let Some(context) = context else {
        return Resolution::unresolved("the current context of kubectl is not known");
    };
    let names = if names.is_empty() { vec!["*"] } else { names };
    let mut resolution = Resolution::none();
    for name in names {
        let name = format!("{context}/{namespace}/{name}");
        let source = Source::argument("operand");
        resolution.merge(identified(&format!("k8s-{kind}"), name, source));
    }
    resolution
}

fn current_context(command: &Command, world: &World<'_>) -> Option<String> {
    let vars = &command.step.vars;
    let path = match command.args.value(&["--kubeconfig"]) {
        Some(path) => path.to_owned(),
        None => match vars.filled("KUBECONFIG") {
            Some(list) => list.split(':').next()?.to_owned(),
            None => format!("{}/.kube/config", vars.filled("HOME")?),
        },
    };
    let text = world.files.read_text(&command.step.path(path)).ok()?;
    let line = text
        .lines()
        .find_map(|l| l.strip_prefix("current-context:"))?;
    Some(line.trim().trim_matches(['"', '\'']).to_owned())
}

/// The volumes of a compose file.
fn compose(command: &Command, world: &World<'_>) -> Resolution {
    if let Some(unresolved) = unknown_word(command) {
        return unresolved;
    }
    let (file, source) = match command.args.last(&["-f", "--file"]) {
        Some(option) => (option.value.clone(), Source::argument("option -f")),
        None => {
            let names = [
                "compose.yaml",
                "compose.yml",
                "docker-compose.yaml",
                "docker-compose.yml",
            ];
            let found = names
                .iter()
                .find(|n| world.files.is_file(&command.step.path(n)));
            let file = match command.step.vars.filled("COMPOSE_FILE") {
                Some(file) => Some(file.into_owned()),
                None => found.map(|f| (*f).to_owned()),
            };
            (file, Source::default_of("docker compose"))
        }
    };
    match file {
        Some(file) => identified("docker-volume", format!("{file}:*"), source),
        None => Resolution::unresolved("no compose file is found here"),
    }
}

/// Volumes and containers by name.
fn volume(command: &Command, _world: &World<'_>) -> Resolution {
    if let Some(unresolved) = unknown_word(command) {
        return unresolved;
    }
    let used = command
        .actions
        .first()
        .map_or(1, |a| a.name.split(' ').count());
    let names: Vec<String> = command
        .args
        .operand_texts()
        .skip(used)
        .map(str::to_owned)
        .collect();
    let kind = if command.actions.iter().any(|a| a.name.contains("volume")) {
        "docker-volume"
    } else {
        "docker-container"
    };
    let mut resolution = Resolution::none();
    if names.is_empty() {
        return identified(kind, "*".to_owned(), Source::default_of("docker"));
    }
    for name in names {
        resolution.merge(identified(kind, name, Source::argument("operand")));
    }
    resolution
}

/// PostgreSQL's data directory: what runs there is said by its `postmaster.pid`.
fn data_directory(command: &Command, world: &World<'_>) -> Resolution {
    if let Some(unresolved) = unknown_word(command) {
        return unresolved;
    }
    let named = command.args.last(&["-D", "--pgdata"]).and_then(|o| {
        let source = Source::argument(&format!("option {}", o.name));
        Some(Sourced::new(o.value.clone()?, source))
    });
    let variable = command.step.vars.get("PGDATA").map(|v| {
        let text = v.value.to_string_lossy().into_owned();
        Sourced::new(text, v.source.with_note("PGDATA"))
    });
    let operand = command
        .args
        .operands
        .iter()
        .find(|(_, w)| w.text.starts_with('/'))
        .map(|(_, w)| Sourced::new(w.text.clone(), Source::argument("operand")));
    let Some(directory) = named.or(variable).or(operand) else {
        return Resolution::unresolved("no data directory is named");
    };
    let path = command.step.path(&directory.value);
    if let Ok(text) = world.files.read_text(&path.join("postmaster.pid")) {
        let lines: Vec<&str> = text.lines().collect();
        let port = lines.get(3).and_then(|p| p.trim().parse().ok());
        let socket = lines.get(4).map(|s| s.trim()).filter(|s| !s.is_empty());
        if let (Some(port), Some(socket)) = (port, socket) {
            let source = directory.source.with_note("postmaster.pid");
            let address = Address::Socket {
                path: Sourced::new(socket.to_owned(), source.clone()),
                port: Some(Sourced::new(port, source)),
            };
            return Resolution::target(Target::new(Engine::Postgres, address));
        }
    }
    identified(
        "postgres",
        format!("datadir:{}", path.display()),
        directory.source,
    )
}

/// Debian's clusters: `VERSION NAME`.
fn debian_cluster(command: &Command, _world: &World<'_>) -> Resolution {
    if let Some(unresolved) = unknown_word(command) {
        return unresolved;
    }
    match (command.args.operand(0), command.args.operand(1)) {
        (Some(version), Some(name)) => identified(
            "postgres",
            format!("cluster:{version}/{name}"),
            Source::argument("operands"),
        ),
        _ => Resolution::unresolved("no cluster is named"),
    }
}

/// Terraform and its kin: the folder and the workspace choose the state; what lies in it cannot
/// be seen from here.
fn infrastructure(command: &Command, _world: &World<'_>) -> Resolution {
    let mut resolution = Resolution::none();
    resolution.gaps.push(Gap::new(
        "target",
        format!(
            "what the state of `{}` holds is not known",
            command.step.cwd.display()
        ),
    ));
    resolution
}
