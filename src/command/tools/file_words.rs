//! Programs that remove or overwrite files, held against what is a database or its only backup.

use std::path::Path;

use crate::command::{Action, Args, Command, Effect, Place, Reading, Step, Tool, Word, World};

/// What a path is to a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A database file or a server's data directory.
    Database,
    /// A dump, the newest one in its directory.
    Dump,
    /// A volume of a container.
    Volume,
}

/// What a word hits.
struct Hit {
    /// The path, or the name of a volume.
    path: String,
    kind: Kind,
    /// It is a container's mount, and what it stands for on this machine is what is said here.
    outside: bool,
}

impl Hit {
    fn inside(path: String, kind: Kind) -> Hit {
        Hit {
            path,
            kind,
            outside: false,
        }
    }
}

/// Reads `rm`, `truncate`, `cp`, ... and the redirection `>`.
pub(super) fn read(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let args = Args::parse(&step.argv, tool.value_options);
    if !tool.data("closes").is_empty() {
        return closed(tool, step, args);
    }
    let (gone, overwritten) = paths(step.program(), &args);
    let lost = gone.iter().map(|word| (removed(word, step, world), true));
    let written = overwritten
        .iter()
        .map(|word| (replaced(word, step, world), false));
    let mut hits = lost
        .chain(written)
        .filter_map(|(hit, removes)| Some((hit?, removes)));
    let Some((
        Hit {
            path,
            kind,
            outside,
        },
        removes,
    )) = hits.next()
    else {
        return Reading::default();
    };
    let why = match (kind, removes) {
        (Kind::Database, true) => "removes a database",
        (Kind::Database, false) => "overwrites a database",
        (Kind::Dump, true) => "removes the newest backup of its directory",
        (Kind::Dump, false) => "overwrites the newest backup of its directory",
        (Kind::Volume, _) => "removes or overwrites what a volume holds",
    };
    let mut command = Command::new(Some(tool), step.clone());
    command.args = args;
    if outside {
        command.step.place = Place::Here;
    }
    if kind == Kind::Volume {
        command.hints.push(("engine", "docker-volume".to_owned()));
        command.hints.push(("name", path));
    } else {
        command.hints.push(("file", path));
    }
    let name = step.program().to_owned();
    let effect = if name == "mv" && removes {
        Effect::Stops
    } else {
        Effect::Destroys
    };
    Reading::command(command.doing(Action::new(name, effect, why)))
}

/// `chmod`, `chown`, `umount`: a server whose directory is closed to it stops. What gives it to a
/// server's own user, or leaves its owner reading and writing, closes nothing.
fn closed(tool: &'static Tool, step: &Step, args: Args) -> Reading {
    let mode = args.operand(0).unwrap_or("").to_owned();
    let open = match step.program() {
        "chmod" => {
            let owner = mode.trim_start_matches('0').len().checked_sub(3);
            let owner = owner.and_then(|at| mode.trim_start_matches('0').chars().nth(at));
            let symbolic =
                mode.contains(['+', '=']) || mode.starts_with("g-") || mode.starts_with("o-");
            owner.is_some_and(|digit| matches!(digit, '6' | '7')) || symbolic
        }
        "umount" => false,
        _ => {
            let owner = mode.split([':', '.']).next().unwrap_or("");
            let number =
                owner.bytes().all(|b| b.is_ascii_digit()) && !owner.trim_matches('0').is_empty();
            number || super::engine_of(owner).is_some() || mode.starts_with(':')
        }
    };
    let skip = usize::from(step.program() != "umount");
    let words = args
        .operands
        .iter()
        .skip(skip)
        .map(|(_, word)| full(word, step));
    let hit = words
        .into_iter()
        .find(|path| is_server_file(path) || names_data(path));
    let Some(path) = hit.filter(|_| !open) else {
        return Reading::default();
    };
    let mut command = Command::new(Some(tool), step.clone());
    command.args = args;
    command.hints.push(("file", path));
    let why = "the server can no longer open its data";
    Reading::command(command.doing(Action::new(step.program().to_owned(), Effect::Stops, why)))
}

/// Whether a path names the data of a server by its words: `mysql-data`, `docker/postgres/data`,
/// `/srv/redis`. What tests, caches and packages have so is none.
fn names_data(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let lower = lower.trim_end_matches(['/', '*', '?', '.']);
    let spared = [
        "node_modules",
        "vendor",
        "test",
        "fixture",
        "cache",
        "example",
        "/tmp",
        "site-packages",
        "/src/",
        "backup",
    ];
    if spared.iter().any(|part| lower.contains(part)) {
        return false;
    }
    let mut parts = lower.rsplit('/');
    let (name, above) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let held = |name: &str| {
        let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|w| matches!(w, "data" | "db" | "storage" | "volume" | "vol" | "datadir"))
    };
    let engine = |name: &str| super::engine_of(name).is_some() && !name.contains(['.', '@']);
    let roots = ["data", "srv", "mnt", "opt", "volumes", "lib"];
    let named = engine(name) && (held(name) || roots.contains(&above));
    named || name == "pgdata" || held(name) && engine(above)
}

/// The words that name what is removed, and what is overwritten.
fn paths(program: &str, args: &Args) -> (Vec<Word>, Vec<Word>) {
    let mut operands: Vec<Word> = args.operands.iter().map(|(_, w)| w.clone()).collect();
    match program {
        "cp" | "install" | "ln" | "rsync" | "scp" => {
            let to = args.last(&["-t", "--target-directory"]);
            let mut last = if to.is_some() { None } else { operands.pop() };
            if let Some(word) = &mut last
                && matches!(program, "rsync" | "scp")
                && let Some((host, path)) = word.text.split_once(':')
                && !host.contains('/')
            {
                let why = format!("it lies on {host}");
                *word = Word::unknown(path, why);
            }
            (Vec::new(), last.into_iter().collect())
        }
        "tar" | "bsdtar" | "gtar" | "unzip" => {
            let first = operands.first().map_or("", |w| w.text.as_str());
            let extracts = args.has(&["-x", "--extract", "--get"])
                || program == "unzip"
                || !first.contains(['.', '/']) && first.contains('x');
            let to = args
                .value(&["-C", "--directory", "-d"])
                .filter(|_| extracts);
            (Vec::new(), to.map(Word::literal).into_iter().collect())
        }
        "mv" => {
            let last = operands.pop();
            (operands, last.into_iter().collect())
        }
        "dd" => {
            let to = operands.iter().find_map(|w| {
                Some(Word {
                    text: w.text.strip_prefix("of=")?.to_owned(),
                    unknown: w.unknown.clone(),
                })
            });
            (Vec::new(), to.into_iter().collect())
        }
        "tee" if args.has(&["-a", "--append"]) => (Vec::new(), Vec::new()),
        "tee" | ">" | "curl" | "wget" => {
            let named = args.value(&["-o", "--output", "-O", "--output-document"]);
            match program {
                "curl" | "wget" => (Vec::new(), named.map(Word::literal).into_iter().collect()),
                _ => (Vec::new(), operands),
            }
        }
        _ => (operands, Vec::new()),
    }
}

fn removed(word: &Word, step: &Step, world: &World<'_>) -> Option<Hit> {
    let path = full(word, step);
    if let Some(hit) = mounted(&path, step, world, true) {
        return Some(hit);
    }
    if is_database_name(&path) || (sees(word, step) && is_database(Path::new(&path), world)) {
        return Some(Hit::inside(path, Kind::Database));
    }
    if holds_database(&path, word, step, world) || names_data(&path) {
        return Some(Hit::inside(path, Kind::Database));
    }
    newest_dump(&path, word, step, world).then(|| Hit::inside(path, Kind::Dump))
}

fn replaced(word: &Word, step: &Step, world: &World<'_>) -> Option<Hit> {
    let path = full(word, step);
    if let Some(hit) = mounted(&path, step, world, false) {
        return Some(hit);
    }
    if !sees(word, step) {
        // On another machine, under a name of its own there: the application's.
        let away = word.unknown.is_some() && matches!(step.program(), "rsync" | "scp");
        let kept = ["backup", "bak", "/tmp", "dump", "archive", "snapshot"];
        let live = away && is_database_name(&path) && !kept.iter().any(|part| path.contains(part));
        return (live || is_server_file(&path)).then(|| Hit::inside(path, Kind::Database));
    }
    let there = world.files.is_file(Path::new(&path));
    if is_server_file(&path)
        || (there && (is_database_name(&path) || is_database(Path::new(&path), world)))
    {
        return Some(Hit::inside(path, Kind::Database));
    }
    newest_dump(&path, word, step, world).then(|| Hit::inside(path, Kind::Dump))
}

/// What a path of a container is outside: a file of this machine, judged as such, or a part of a
/// volume. Volumes whose names speak of what can be made again are none; one that is only written
/// to must speak of a database.
fn mounted(path: &str, step: &Step, world: &World<'_>, removes: bool) -> Option<Hit> {
    let plain = path.trim_end_matches(['*', '?', '/', '.']);
    step.mounts.iter().find_map(|mount| {
        let source = mount.source.text.as_str();
        let within = Path::new(plain).strip_prefix(&mount.inside).ok();
        let above = removes
            && mount
                .inside
                .starts_with(if plain.is_empty() { "/" } else { plain });
        if within.is_none() && !above {
            return None;
        }
        let rest = within.unwrap_or(Path::new(""));
        if source.contains('/') && mount.source.unknown.is_none() {
            let mut outside = step.clone();
            outside.mounts = Vec::new();
            outside.place = Place::Here;
            outside.cwd_unknown = None;
            let word = Word::literal(Path::new(source).join(rest).display().to_string());
            let hit = match removes {
                true => removed(&word, &outside, world),
                false => replaced(&word, &outside, world),
            };
            return hit.map(|hit| Hit {
                outside: !mount.by_name,
                ..hit
            });
        }
        let lower = source.to_ascii_lowercase();
        let speaks = super::servers::speaks_of_database(source);
        let hit = match (mount.source.unknown.is_some(), mount.by_name || !removes) {
            (true, _) => rest.as_os_str().is_empty(),
            (false, true) => speaks,
            (false, false) => speaks || !REMADE.iter().any(|word| lower.contains(word)),
        };
        hit.then(|| Hit {
            path: source.to_owned(),
            kind: Kind::Volume,
            outside: mount.source.unknown.is_none(),
        })
    })
}

/// Words in the names of volumes that hold only what can be made again.
const REMADE: &[&str] = &["cache", "modules", "tmp", "build", "dist", "vendor", "log"];

fn full(word: &Word, step: &Step) -> String {
    if word.text.starts_with('*') && step.cwd_unknown.is_none() {
        return step.path(&word.text).display().to_string();
    }
    if word.unknown.is_some() && word.text.starts_with(['$', '`', '*']) {
        return word.text.clone();
    }
    step.path(&word.text).display().to_string()
}

/// Whether the path can be looked up here.
fn sees(word: &Word, step: &Step) -> bool {
    word.unknown.is_none() && step.cwd_unknown.is_none() && step.place == Place::Here
}

/// Endings that only database files have.
const DATABASE_ENDINGS: &[&str] = &[
    ".sqlite",
    ".sqlite3",
    ".db3",
    ".s3db",
    ".sl3",
    ".sqlitedb",
    ".duckdb",
    ".sqlite3-wal",
    ".sqlite-wal",
    ".sqlite3-journal",
    ".db-wal",
    ".ibd",
    ".myd",
    ".frm",
    ".rdb",
    ".aof",
    ".wt",
    ".mdf",
    ".ldf",
    ".realm",
    ".fdb",
    ".accdb",
    ".mdb",
];

/// Directories in which servers keep their data.
const DATA_DIRECTORIES: &[&str] = &[
    "/var/lib/postgresql",
    "/var/lib/postgres",
    "/var/lib/pgsql",
    "/usr/local/var/postgres",
    "/usr/local/pgsql/data",
    "/opt/homebrew/var/postgres",
    "/var/lib/mysql",
    "/var/lib/mariadb",
    "/var/lib/redis",
    "/var/lib/mongodb",
    "/var/lib/mongo",
    "/data/db",
    "/var/opt/mssql",
    "/var/lib/clickhouse",
    "/var/lib/cassandra",
    "/var/lib/elasticsearch",
    "/var/lib/neo4j",
    "/var/lib/influxdb",
    "/var/lib/docker/volumes",
    "/var/lib/etcd",
    "/var/lib/couchdb",
    "/var/lib/prometheus",
    "/var/lib/rabbitmq",
    "/var/lib/kafka",
    "/var/lib/zookeeper",
    "/var/lib/opensearch",
    "/var/lib/scylla",
    "/var/lib/meilisearch",
    "/var/lib/qdrant",
    "/var/lib/weaviate",
    "/var/lib/minio",
    "/var/lib/arangodb3",
    "/var/lib/questdb",
    "/var/lib/valkey",
    "/var/lib/ldap",
    "/var/lib/firebird",
    "/var/lib/timescaledb",
    "/var/lib/rancher/k3s",
    "/opt/homebrew/var/mysql",
    "/usr/local/var/mysql",
    "/usr/local/mysql/data",
    "/pgdata",
    "/var/lib/kubelet",
    "/bitnami/postgresql",
    "/bitnami/mysql",
    "/bitnami/mariadb",
    "/bitnami/redis",
    "/bitnami/mongodb",
];

/// Disks and volumes: whatever lies on them.
const DEVICES: &[&str] = &[
    "/dev/sd",
    "/dev/nvme",
    "/dev/vd",
    "/dev/xvd",
    "/dev/hd",
    "/dev/disk",
    "/dev/mapper/",
    "/dev/md",
    "/dev/dm-",
    "/dev/rdisk",
];

fn is_server_file(path: &str) -> bool {
    if DEVICES.iter().any(|device| path.starts_with(device)) {
        return true;
    }
    DATA_DIRECTORIES.iter().any(|dir| {
        path.strip_prefix(dir)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '@', '-', '*']))
    })
}

pub(super) fn is_database_name(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let lower = lower.trim_end_matches(['*', '?']);
    let name = lower.rsplit('/').next().unwrap_or(lower);
    let ends = |e: &str| name.len() > e.len() && name.ends_with(e);
    if DATABASE_ENDINGS.iter().any(|e| ends(e)) || is_server_file(lower) {
        return true;
    }
    let parents = DATA_DIRECTORIES.iter().any(|dir| {
        lower.len() > 1 && dir.starts_with(&format!("{}/", lower.trim_end_matches('/')))
    });
    let plain = name.ends_with(".db") && !matches!(name, "thumbs.db" | "cert9.db" | "key4.db");
    let data = |part: &str| {
        let name = part.trim_matches(['$', '{', '}', '"']);
        let name = name.split([':', '-']).next().unwrap_or(name);
        name == "pgdata" || name.contains("data") && super::engine_of(name).is_some()
    };
    let variable = lower.starts_with('$') && lower.split('/').next().is_some_and(data);
    parents || plain || variable || matches!(name, "pg_wal" | "ibdata1") || lower == "/"
}

/// By the first bytes of the file, or what a data directory holds.
fn is_database(path: &Path, world: &World<'_>) -> bool {
    if world.files.is_file(path) {
        return world
            .files
            .read(path)
            .is_ok_and(|b| b.starts_with(b"SQLite format 3\0") || b.starts_with(b"REDIS0"));
    }
    ["PG_VERSION", "ibdata1", "WiredTiger", "dump.rdb"]
        .iter()
        .any(|name| world.files.is_file(&path.join(name)))
}

/// A directory that is removed with database files in it (`*` names what is in the directory).
fn holds_database(path: &str, word: &Word, step: &Step, world: &World<'_>) -> bool {
    let pattern = word.unknown.is_some() && path.ends_with("/*");
    if !pattern && !sees(word, step) {
        return false;
    }
    let dir = Path::new(path.trim_end_matches("/*"));
    if !world.files.is_dir(dir) {
        return false;
    }
    world.files.list(dir).iter().take(512).any(|name| {
        let inner = dir.join(name);
        is_database_name(name) || (world.files.is_dir(&inner) && is_database(&inner, world))
    })
}

const DUMP_ENDINGS: &[&str] = &[
    ".dump",
    ".pgdump",
    ".sql.gz",
    ".sql.zst",
    ".sql.xz",
    ".sql.bz2",
    ".dmp",
    ".dump.gz",
    ".bak",
    ".pg_dump",
    ".archive",
    ".backup",
    ".sql",
    ".tar.gz",
    ".rdb.gz",
    ".xbstream",
];

fn is_dump_name(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    let speaks = ["backup", "dump", "pg_", "mysql", "snapshot"]
        .iter()
        .any(|w| lower.contains(w));
    let plain = name.ends_with(".sql") || name.ends_with(".bak") || name.ends_with(".tar.gz");
    DUMP_ENDINGS.iter().any(|e| name.ends_with(e)) && (speaks || !plain)
}

/// Whether it is a dump that is there, and no good one beside it is newer: by the time of writing,
/// or where that is not known or the same by name. An empty file is no backup.
fn newest_dump(path: &str, word: &Word, step: &Step, world: &World<'_>) -> bool {
    let file = Path::new(path);
    if !sees(word, step) || !is_dump_name(path) || !world.files.is_file(file) {
        return false;
    }
    let (Some(dir), Some(name)) = (file.parent(), file.file_name()) else {
        return false;
    };
    let name = name.to_string_lossy();
    let good = |path: &Path| world.files.head(path, 1).is_ok_and(|b| !b.is_empty());
    let written = world.files.modified(file);
    let newer = world.files.list(dir).into_iter().any(|other| {
        let beside = dir.join(&other);
        let later = match (world.files.modified(&beside), written) {
            (Some(other), Some(own)) if other != own => other > own,
            _ => other.as_str() > name.as_ref(),
        };
        later && is_dump_name(&beside.display().to_string()) && good(&beside)
    });
    !newer
}
