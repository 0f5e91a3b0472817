//! Debian's wrapper around PostgreSQL's programs: `/usr/bin/psql` is a script that picks a cluster
//! and sets `PGHOST`, `PGPORT` and `PGDATABASE` before the real program starts.

use std::path::{Path, PathBuf};

use crate::command::{Step, Stop, Word, World};
use crate::environment::Vars;
use crate::source::{Source, SourceKind, Sourced};

/// Takes `--cluster V/C` out of the words, as the wrapper does before the program sees them.
/// Returns its value.
pub fn take_cluster(argv: &mut Vec<Word>) -> Option<String> {
    for at in 1..argv.len() {
        let text = argv[at].text.as_str();
        if text == "--" {
            return None;
        }
        if text == "--cluster" && at + 1 < argv.len() {
            let value = argv[at + 1].text.clone();
            argv.drain(at..=at + 1);
            return Some(value);
        }
        if let Some(value) = text.strip_prefix("--cluster=") {
            let value = value.to_owned();
            argv.remove(at);
            return Some(value);
        }
    }
    None
}

/// Whether the program that the step starts is the wrapper.
fn is_wrapper(step: &Step, world: &World<'_>) -> bool {
    let program = step.program_path();
    let is = |path: PathBuf| {
        world
            .files
            .real_path(&path)
            .is_some_and(|p| p.file_name().is_some_and(|n| n == "pg_wrapper"))
    };
    if program.contains('/') {
        return is(step.path(program));
    }
    let path = step.vars.text("PATH").unwrap_or_default();
    path.split(':')
        .map(|dir| step.path(dir).join(program))
        .find(|p| world.files.exists(p))
        .is_some_and(is)
}

/// A cluster as the wrapper knows it.
struct Cluster {
    host: String,
    port: String,
    source: Source,
}

/// The variables that the real program gets.
///
/// # Errors
/// What makes the wrapper itself give up.
pub(super) fn variables(step: &Step, world: &World<'_>) -> Result<Vars, Stop> {
    let mut vars = step.vars.clone();
    let mut argv = step.argv.clone();
    let option = take_cluster(&mut argv);
    if option.is_none() && !is_wrapper(step, world) {
        return Ok(vars);
    }
    let words = Words::scan(&step.argv);
    let clusters = clusters(step, world);
    let explicit_host = words.host || step.vars.has("PGHOST");
    let port = words
        .port
        .clone()
        .or_else(|| vars.filled("PGPORT").map(|p| p.into_owned()));
    let from_variable = vars
        .filled("PGCLUSTER")
        .filter(|_| !explicit_host)
        .map(|c| (c.into_owned(), variable_source(&vars, "PGCLUSTER")));
    let named = option
        .map(|c| (c, Source::argument("--cluster")))
        .or(from_variable);
    let mut database = None;
    let cluster = match named {
        Some((name, source)) => Some(find(&name, source, &clusters)?),
        None if explicit_host => None,
        None => match &port {
            Some(port) if !words.service => clusters
                .iter()
                .find(|(_, c)| c.port == *port)
                .map(|(_, c)| c.copy()),
            Some(_) => None,
            None => {
                let (cluster, name) = mapped(step, world, &clusters);
                database = name;
                cluster
            }
        },
    };
    if let Some(cluster) = cluster {
        if !vars.has("PGPORT") || vars.filled("PGPORT").is_none() {
            vars.set("PGPORT", &cluster.port, cluster.source.clone());
        }
        vars.set("PGHOST", &cluster.host, cluster.source);
    }
    if let Some(database) = database
        && vars.filled("PGDATABASE").is_none()
    {
        vars.set("PGDATABASE", &database.value, database.source);
    }
    Ok(vars)
}

fn variable_source(vars: &Vars, name: &str) -> Source {
    vars.source(name)
        .map_or_else(|| Source::default_of("pg_wrapper"), |s| s.with_note(name))
}

impl Cluster {
    fn copy(&self) -> Cluster {
        Cluster {
            host: self.host.clone(),
            port: self.port.clone(),
            source: self.source.clone(),
        }
    }
}

/// What the wrapper's own patterns find in the words.
#[derive(Debug, Default)]
struct Words {
    host: bool,
    port: Option<String>,
    service: bool,
}

impl Words {
    fn scan(argv: &[Word]) -> Words {
        let mut words = Words::default();
        for (at, word) in argv.iter().enumerate().skip(1) {
            let text = word.text.as_str();
            if text == "--" || text == "--cluster" || text.starts_with("--cluster=") {
                break;
            }
            let short = text
                .strip_prefix('-')
                .filter(|t| !t.is_empty() && t.chars().all(|c| c.is_alphanumeric() || c == '_'));
            let long = |name: &str| {
                text.strip_prefix(name)
                    .is_some_and(|r| !r.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
            };
            if long("--host") || short.is_some_and(|t| t.contains('h')) {
                words.host = true;
            }
            let next = argv.get(at + 1).map(|w| w.text.clone());
            if long("--port") {
                words.port = text.strip_prefix("--port=").map(str::to_owned).or(next);
            } else if let Some(short) = short
                && let Some((_, digits)) = short.rsplit_once('p')
                && digits.chars().all(|c| c.is_ascii_digit())
            {
                words.port = if digits.is_empty() {
                    next
                } else {
                    Some(digits.to_owned())
                };
            }
            words.service |= text.contains("service=");
        }
        words
    }
}

/// `V/C`, where C may be `host:port`.
fn find(name: &str, source: Source, clusters: &[(String, Cluster)]) -> Result<Cluster, Stop> {
    let place = name.split_once('/').map_or("", |(_, c)| c);
    if place.is_empty() {
        let what = "no cluster is named behind the version";
        return Err(Stop::new("cluster-unknown", what));
    }
    if let Some((host, port)) = place.rsplit_once(':')
        && port.bytes().all(|b| b.is_ascii_digit())
        && !host.is_empty()
    {
        let port = if port.is_empty() { "5432" } else { port };
        return Ok(Cluster {
            host: host.to_owned(),
            port: port.to_owned(),
            source,
        });
    }
    clusters
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, c)| c.copy())
        .ok_or_else(|| Stop::new("cluster-unknown", format!("cluster {name} does not exist")))
}

/// The local clusters, by `version/name`.
fn clusters(step: &Step, world: &World<'_>) -> Vec<(String, Cluster)> {
    let root = step
        .vars
        .filled("PG_CLUSTER_CONF_ROOT")
        .map_or(PathBuf::from("/etc/postgresql"), |r| step.path(r.as_ref()));
    let mut found = Vec::new();
    for version in world.files.list(&root) {
        for name in world.files.list(&root.join(&version)) {
            let folder = root.join(&version).join(&name);
            let file = folder.join("postgresql.conf");
            if !world.files.is_file(&file) {
                continue;
            }
            let setting = |key: &str| setting(&folder, &file, key, world);
            let sockets = setting("unix_socket_directories");
            let host = sockets
                .as_deref()
                .and_then(|s| s.split(',').next())
                .map(|s| s.trim().to_owned())
                .filter(|s| !s.is_empty())
                .unwrap_or_else(|| "/var/run/postgresql".to_owned());
            let text = format!("{} (pg_wrapper)", file.display());
            let cluster = Cluster {
                host,
                port: setting("port").unwrap_or_else(|| "5432".to_owned()),
                source: Source::new(SourceKind::SystemFile, text),
            };
            found.push((format!("{version}/{name}"), cluster));
        }
    }
    found
}

/// The last value of a setting in the cluster's configuration and its `conf.d`.
fn setting(folder: &Path, file: &Path, key: &str, world: &World<'_>) -> Option<String> {
    let more = folder.join("conf.d");
    let names = world.files.list(&more);
    let parts = names
        .iter()
        .filter(|n| n.ends_with(".conf"))
        .map(|n| more.join(n));
    let mut value = None;
    for path in std::iter::once(file.to_owned()).chain(parts) {
        let text = world.files.read_text(&path).unwrap_or_default();
        for line in text.lines() {
            let line = line.trim();
            let Some(rest) = line.strip_prefix(key) else {
                continue;
            };
            let rest = rest.trim_start();
            let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start();
            let inner = match rest.strip_prefix('\'') {
                Some(quoted) => quoted.split('\'').next().unwrap_or(""),
                None => rest.split([' ', '\t', '#']).next().unwrap_or(""),
            };
            value = Some(inner.to_owned());
        }
    }
    value
}

/// The user's cluster: `~/.postgresqlrc`, `user_clusters`, the only local one, the one on 5432.
fn mapped(
    step: &Step,
    world: &World<'_>,
    clusters: &[(String, Cluster)],
) -> (Option<Cluster>, Option<Sourced<String>>) {
    let user = step
        .user
        .clone()
        .unwrap_or_else(|| world.caller.user.clone());
    let own = crate::target::libpq::home(&step.vars, world).map(|h| h.join(".postgresqlrc"));
    let shared = step
        .vars
        .text("PGSYSCONFDIR")
        .map_or(PathBuf::from("/etc/postgresql-common"), |d| {
            step.path(d.as_ref())
        })
        .join("user_clusters");
    let files = [
        (own, 0, SourceKind::UserFile),
        (Some(shared), 2, SourceKind::SystemFile),
    ];
    for (path, skip, kind) in files {
        let Some(path) = path else { continue };
        let text = world.files.read_text(&path).unwrap_or_default();
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or("");
            let words: Vec<&str> = line.split_whitespace().collect();
            let [.., version, cluster, database] = words.as_slice() else {
                continue;
            };
            if words.len() != skip + 3 || (skip > 0 && words[0] != "*" && words[0] != user) {
                continue;
            }
            let source = Source::new(kind, format!("{}:{}", path.display(), number + 1));
            let name = format!("{version}/{cluster}");
            let Ok(cluster) = find(&name, source.clone(), clusters) else {
                continue;
            };
            let database = (*database != "*").then(|| Sourced::new((*database).to_owned(), source));
            return (Some(cluster), database);
        }
    }
    let only = match clusters {
        [(_, only)] => Some(only),
        several => several
            .iter()
            .rfind(|(_, c)| c.port == "5432")
            .map(|(_, c)| c),
    };
    (only.map(Cluster::copy), None)
}
