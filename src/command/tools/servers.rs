//! Programs that stop or remove servers: service managers, process killers, package managers,
//! `pg_ctl` and its kin.

use crate::command::{Action, Args, Command, Effect, Reading, Step, Tool};

/// Words in the names of units, processes and packages that are database servers.
const SERVERS: &[(&str, &str)] = &[
    ("postgres", "postgres"),
    ("pgbouncer", "postgres"),
    ("pgpool", "postgres"),
    ("patroni", "postgres"),
    ("repmgr", "postgres"),
    ("timescale", "postgres"),
    ("mysql", "mysql"),
    ("mariadb", "mysql"),
    ("percona", "mysql"),
    ("galera", "mysql"),
    ("proxysql", "mysql"),
    ("redis", "redis"),
    ("valkey", "redis"),
    ("keydb", "redis"),
    ("mongo", "mongodb"),
    ("mssql", "sqlserver"),
    ("clickhouse", "clickhouse"),
    ("elasticsearch", "elasticsearch"),
    ("opensearch", "opensearch"),
    ("cassandra", "cassandra"),
    ("scylla", "cassandra"),
    ("cockroach", "postgres"),
    ("influxd", "influxdb"),
    ("couchdb", "couchdb"),
    ("neo4j", "neo4j"),
    ("rabbitmq", "rabbitmq"),
    ("etcd", "etcd"),
    ("memcached", "memcached"),
];

/// The engine of a server by the name of its unit, process or package.
pub fn engine_of(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    // Clients and libraries are no servers.
    let client = [
        "client", "-dev", "lib", "-doc", "exporter", "-backup.", "-tools",
    ];
    if client.iter().any(|c| lower.contains(c)) {
        return None;
    }
    SERVERS
        .iter()
        .find(|(word, _)| lower.contains(word))
        .map(|(_, engine)| *engine)
}

fn start(tool: &'static Tool, step: &Step) -> Command {
    let mut command = Command::new(Some(tool), step.clone());
    command.args = Args::parse(&step.argv, tool.value_options);
    command
}

/// `systemctl stop X`, `service X stop`, `brew services stop X`: the verb and the units may stand
/// in either order.
pub(super) fn unit(tool: &'static Tool, step: &Step) -> Reading {
    let mut command = start(tool, step);
    let words: Vec<&str> = command.args.operand_texts().collect();
    let verb = words
        .iter()
        .find(|w| tool.data("stops").contains(w) || tool.data("destroys").contains(w))
        .map(|w| (*w).to_owned());
    let options = command.args.options.iter();
    let option = |o: &&crate::command::Opt| tool.data("destroys").contains(&o.name.as_str());
    let verb = verb.or_else(|| options.clone().find(option).map(|o| o.name.clone()));
    let units: Vec<(String, &str)> = words
        .iter()
        .chain(std::iter::once(&step.program_path()))
        .filter_map(|w| {
            // Of a path only the file's own name says what it is.
            let name = w.rsplit('/').next().unwrap_or(w);
            Some(((*w).to_owned(), engine_of(name)?))
        })
        .collect();
    let machine = [
        "poweroff",
        "reboot",
        "halt",
        "kexec",
        "rescue",
        "emergency",
        "isolate",
    ];
    let whole = words.first().is_some_and(|w| machine.contains(w));
    if let (Some(verb), Some((name, engine))) = (verb, units.first()) {
        let destroys = tool.data("destroys").contains(&verb.as_str());
        let (effect, why) = if destroys {
            (Effect::Destroys, "removes the server, and with it its data")
        } else {
            (Effect::Stops, "the server stops")
        };
        let name = name.rsplit('/').next().unwrap_or(name).to_owned();
        command.hints.push(("name", name));
        command.hints.push(("engine", (*engine).to_owned()));
        command.actions.push(Action::new(verb, effect, why));
    } else if whole {
        command.hints.push(("name", "this machine".to_owned()));
        command.hints.push(("engine", "machine".to_owned()));
        let why = "every server of the machine stops";
        command
            .actions
            .push(Action::new("machine", Effect::Stops, why));
    }
    Reading::command(command)
}

/// The engine that usually listens on a port in a word about ports (`5432/tcp`, `$(lsof -ti:5432)`).
fn engine_at(word: &str) -> Option<&'static str> {
    let mut numbers = word.split(|c: char| !c.is_ascii_digit());
    numbers.find_map(|number| match number {
        "5432" => Some("postgres"),
        "3306" => Some("mysql"),
        "6379" => Some("redis"),
        "27017" => Some("mongodb"),
        "1433" => Some("sqlserver"),
        "9200" => Some("elasticsearch"),
        "9042" => Some("cassandra"),
        _ => None,
    })
}

/// `kill`, `pkill`, `killall`: by name, or by a process id that comes from a server's pid file.
pub(super) fn kill(tool: &'static Tool, step: &Step) -> Reading {
    let mut command = start(tool, step);
    let asks = |w: &str| matches!(w, "-l" | "-L" | "--list" | "-0");
    let asks = step.words().any(asks);
    let asks = asks || step.program() == "fuser" && !command.args.has(&["-k", "--kill"]);
    let found = command
        .args
        .operand_texts()
        .chain(
            command
                .args
                .options
                .iter()
                .filter_map(|o| o.value.as_deref()),
        )
        .find_map(|w| {
            let server = engine_of(w).or_else(|| {
                let pid_file = w.contains("postmaster.pid") || w.contains("mysqld.pid");
                let port = step.program().contains("port") || w.contains(['/', ':']);
                let at = || engine_at(w).filter(|_| port);
                pid_file.then_some("postgres").or_else(at)
            })?;
            Some((w.to_owned(), server))
        });
    if let Some((name, engine)) = found.filter(|_| !asks) {
        command.hints.push(("name", name));
        command.hints.push(("engine", engine.to_owned()));
        let why = "the server's processes are ended";
        let action = step.program().to_owned();
        command
            .actions
            .push(Action::new(action, Effect::Stops, why));
    }
    Reading::command(command)
}

/// A container or cloud tool whose action only counts where its names speak of a database:
/// `docker stop web` is no database's matter.
pub(super) fn named(tool: &'static Tool, step: &Step) -> Reading {
    let mut reading = super::words::read(tool, step);
    if let Some(command) = &mut reading.command {
        let speaks = command
            .args
            .operand_texts()
            .chain(
                command
                    .args
                    .options
                    .iter()
                    .filter_map(|o| o.value.as_deref()),
            )
            .any(|w| {
                let named = tool.data("names").iter().any(|name| w.contains(name));
                named || speaks_of_database(w) || w.contains('$')
            });
        if !speaks {
            let names = tool.data("by-name");
            command
                .actions
                .retain(|a| !names.contains(&a.name.as_ref()));
        }
    }
    reading
}

/// Whether a name speaks of a database: an engine, or a word such as `db`.
pub(super) fn speaks_of_database(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let words = lower
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|part| matches!(part, "db" | "database" | "pg" | "sql" | "data" | "pgdata"));
    words || engine_of(word).is_some()
}
