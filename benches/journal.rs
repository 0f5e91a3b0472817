//! The journal's figures, each beside its aim or what it is compared with, in one run:
//! `cargo bench --bench journal [-- RECORDS]` (a million by default; it needs 2 GB of disk, and for
//! two of the figures sqlite3 and PostgreSQL).
#![allow(
    dead_code,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark starts programs and prints"
)]

#[path = "../tests/suite/servers.rs"]
mod servers;
#[path = "../tests/suite/support.rs"]
mod support;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tagout::invocation::actor::{Actor, Ancestor};
use tagout::invocation::host::Host;
use tagout::record::query::{self, Filter};
use tagout::record::read::Segments;
use tagout::record::verify::verify;
use tagout::record::{
    Durability, Ending, Entry, FieldFact, Journal, Location, NamesFact, Outcome, ProcessFact,
    ProfileFact, RecordId, Run, TargetFact, Usage, line, stats,
};
use tagout::ship::{self, Shipper, Tell};
use tagout::sys::clock::{self, Moment};

/// How many launchers at once, and how many launches in all.
const AT_ONCE: usize = 64;
const LAUNCHES: usize = 1280;

fn main() {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    match args
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["nothing"] => {}
        ["append", directory, how] => append(Path::new(directory), how),
        ["storm"] => storm(2000),
        ["fill", directory, records] => fill(Path::new(directory), records.parse().unwrap()),
        rest => {
            let records = rest
                .first()
                .and_then(|n| n.parse().ok())
                .unwrap_or(1_000_000);
            one_writer();
            launchers();
            storm(2000);
            readers(records);
        }
    }
}

/// A record of the usual size.
fn run(number: u64, time: Moment) -> Run {
    let refused = number.is_multiple_of(1000);
    let field = |what: &str, shown: &str| FieldFact {
        what: what.into(),
        shown: shown.into(),
        from: ".env:14".into(),
        beat: vec!["config/database.php:46 default".into()],
    };
    let names = |prefix: &str, count: usize| (0..count).map(|n| format!("{prefix}_{n}")).collect();
    Run {
        id: RecordId::new(time).unwrap(),
        time,
        verdict: if refused { "refused" } else { "allowed" }.into(),
        rule: if refused {
            "destroys-production"
        } else {
            "writes-unmarked"
        }
        .into(),
        reasons: vec![
            "`queue:work` writes to mysql://app@db-1.internal:3306/shop, which is unmarked".into(),
        ],
        effect: if refused { "destroys" } else { "writes" }.into(),
        tool: "artisan".into(),
        actions: Vec::new(),
        targets: vec![TargetFact {
            uri: format!("mysql://app@db-{}.internal:3306/shop", number % 7),
            engine: "mysql".into(),
            tier: if refused { "production" } else { "unmarked" }.into(),
            mark: None,
            fields: vec![
                field("host", "db-1.internal"),
                field("port", "3306"),
                field("database", "shop"),
            ],
        }],
        gaps: Vec::new(),
        errors: Vec::new(),
        gates: Vec::new(),
        actor: Actor {
            uid: 1001,
            euid: 1001,
            user: Some("deploy".into()),
            ancestors: (0..4)
                .map(|n| Ancestor {
                    pid: 900 + n,
                    start: 8_123_441,
                    comm: "zsh".into(),
                })
                .collect(),
            ..Actor::default()
        },
        process: ProcessFact {
            pid: 51_708,
            exe: Some("/usr/bin/php8.3".into()),
            argv: ["php", "artisan", "queue:work", "--tries=3"]
                .map(str::to_owned)
                .to_vec(),
            cwd: "/srv/shop/releases/2026".into(),
            mode: "supervise".into(),
            ..ProcessFact::default()
        },
        profile: ProfileFact {
            name: "worker".into(),
            digest: None,
            layers: vec!["built-in:worker".into()],
        },
        environment: NamesFact {
            kept: names("KEPT", 8),
            set: names("SET", 2),
            dropped: names("DROPPED", 20),
        },
        enforcement: vec![("mode".into(), "observe".into())],
        enforcement_missing: Vec::new(),
        closed: Vec::new(),
        git: None,
        host: Host {
            name: "worker-017".into(),
            boot: Some("6c1f".into()),
            ..Host::default()
        },
    }
}

fn outcome(id: RecordId, time: Moment) -> Entry {
    Entry::outcome(&Outcome {
        id,
        time,
        ending: Ending::Exited(0),
        took_ms: 8231,
        usage: Some(Usage::default()),
        observed: Vec::new(),
        fence: None,
        gates: Vec::new(),
    })
}

/// One launcher's part: open, append, close.
fn append(directory: &Path, how: &str) {
    let journal = Journal::open(&Location::User(directory.to_owned())).unwrap();
    let entry = Entry::intent(&run(1, clock::now()));
    let durability = match how {
        "durable" => Durability::Durable,
        _ => Durability::Buffered,
    };
    journal.append(&entry, durability).unwrap();
    println!("{}", entry.id());
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn one_writer() {
    let dir = tempfile::tempdir().unwrap();
    let location = Location::User(dir.path().join("journal"));
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..2000 {
        let facts = run(1, clock::now());
        let begun = Instant::now();
        let entry = Entry::intent(&facts);
        times[0].push(begun.elapsed());
        for (index, durability) in [(1, Durability::Buffered), (2, Durability::Durable)] {
            let begun = Instant::now();
            let journal = Journal::open(&location).unwrap();
            journal.append(&entry, durability).unwrap();
            times[index].push(begun.elapsed());
        }
    }
    let [build, buffered, durable] = times.map(median);
    println!(
        "one writer, median: build an entry {build:?}, open and append {buffered:?}, durable {durable:?}"
    );
}

/// Launches so many processes, always 64 at once, and gives the rate.
fn rate(start: impl Fn() -> Child) -> f64 {
    let begun = Instant::now();
    let mut running: std::collections::VecDeque<Child> = std::collections::VecDeque::new();
    let mut failures = 0;
    for _ in 0..LAUNCHES {
        if running.len() == AT_ONCE {
            failures += usize::from(!running.pop_front().unwrap().wait().unwrap().success());
        }
        running.push_back(start());
    }
    for mut child in running {
        failures += usize::from(!child.wait().unwrap().success());
    }
    if failures > 0 {
        println!("    {failures} of {LAUNCHES} failed");
    }
    LAUNCHES as f64 / begun.elapsed().as_secs_f64()
}

fn launchers() {
    let own = std::env::current_exe().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let me = |args: &[&str]| {
        Command::new(&own)
            .args(args)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    println!("{AT_ONCE} launchers at once, {LAUNCHES} launches:");
    println!(
        "  a process that does nothing: {:.0}/s",
        rate(|| me(&["nothing"]))
    );
    for how in ["buffered", "durable"] {
        let journal = dir.path().join(how);
        let journal = journal.to_str().unwrap();
        println!(
            "  journal, {how}: {:.0}/s",
            rate(|| me(&["append", journal, how]))
        );
    }
    let state = dir.path().join("state");
    let whole = || launch(&state).stdout(Stdio::null()).spawn().unwrap();
    println!(
        "  `tagout run -- true`, two records each: {:.0}/s",
        rate(whole)
    );
    let sqlite = |database: &str, sql: &str| {
        let mut command = Command::new("sqlite3");
        command.args(["-cmd", ".timeout 20000", database, sql]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    };
    if sqlite(":memory:", "select 1")
        .map(|mut c| c.wait())
        .is_err()
    {
        println!("  skipped: needs sqlite3");
        return;
    }
    println!(
        "  sqlite3 that does nothing: {:.0}/s",
        rate(|| sqlite(":memory:", "select 1").unwrap())
    );
    let text = "x".repeat(1200);
    for how in ["normal", "full"] {
        let database = dir.path().join(format!("{how}.db"));
        let database = database.to_str().unwrap();
        let made = sqlite(
            database,
            "pragma journal_mode=wal; create table r (id integer primary key, line text);",
        );
        made.unwrap().wait().unwrap();
        let sql = format!("pragma synchronous={how}; insert into r (line) values ('{text}');");
        println!(
            "  SQLite, WAL, synchronous={how}: {:.0}/s",
            rate(|| sqlite(database, &sql).unwrap())
        );
    }
}

/// A launch by tagout itself that says on standard output what it acknowledges.
fn launch(state: &Path) -> Command {
    let mut command = Command::new("sh");
    let line = "exec \"$0\" run --status-fd 3 -- true 3>&1 1>/dev/null";
    command
        .args(["-c", line, env!("CARGO_BIN_EXE_tagout")])
        .env("XDG_STATE_HOME", state);
    command
}

/// Launches that are killed at random moments: no break in the chain, nothing acknowledged lost.
fn storm(launches: usize) {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("tagout/journal");
    let mut random = 88_172_645_463_325_252u64;
    let mut said = String::new();
    let mut killed = 0;
    for _ in 0..launches / 16 {
        let mut wave: Vec<Child> = Vec::new();
        for index in 0..16 {
            let mut starting = launch(dir.path());
            wave.push(starting.stdout(Stdio::piped()).spawn().unwrap());
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            // One that has just begun, or has been under way for a while.
            let victim = index - usize::try_from(random >> 32).unwrap() % (index + 1).min(4);
            if index % 2 == 0 {
                std::thread::sleep(Duration::from_micros(random % 1500));
                let _ = wave[victim].kill();
            }
        }
        for child in wave {
            let output = child.wait_with_output().unwrap();
            killed += usize::from(output.status.code().is_none());
            said.push_str(&String::from_utf8_lossy(&output.stdout));
        }
    }
    let segments = Segments::open(&Location::User(journal.clone())).unwrap();
    let found = verify(&segments, &[]).unwrap();
    let text = fs::read_to_string(journal.join("000000000001.jsonl")).unwrap();
    let (mut acknowledged, mut lost) = (0, 0);
    for status in said.lines().filter_map(|l| serde_json::from_str(l).ok()) {
        let status: serde_json::Value = status;
        let phase = match status["event"].as_str() {
            Some("started") => "intent",
            Some("ended") => "outcome",
            _ => continue,
        };
        acknowledged += 1;
        let record = format!("\"id\":{},\"phase\":\"{phase}\"", status["id"]);
        lost += usize::from(!text.contains(&record));
    }
    println!(
        "storm: {launches} launches, {killed} killed, {acknowledged} records acknowledged, {} written, {} torn, {} faults, {lost} acknowledged records lost",
        found.records, found.torn, found.faults
    );
    assert!(found.is_intact() && lost == 0 && acknowledged > 0);
}

/// Writes a journal of so many records without its locks.
fn fill(directory: &Path, records: u64) {
    fs::create_dir_all(directory).unwrap();
    let mut out: Option<(BufWriter<File>, u64)> = None;
    let (mut prev, mut seq) = (line::NO_HASH, 0);
    let mut bytes = Vec::new();
    while seq < records {
        let time = Moment {
            seconds: 1_780_000_000 + seq,
            nanos: 0,
        };
        let facts = run(seq + 2, time);
        for entry in [Entry::intent(&facts), outcome(facts.id, time)] {
            if out.as_ref().is_none_or(|(_, size)| *size >= 64 << 20) {
                let name = directory.join(format!("{:012}.jsonl", seq + 1));
                out = Some((BufWriter::new(File::create(name).unwrap()), 0));
            }
            bytes.clear();
            seq += 1;
            prev = line::seal(&mut bytes, seq, &prev, entry.body());
            let (file, size) = out.as_mut().unwrap();
            file.write_all(&bytes).unwrap();
            *size += bytes.len() as u64;
        }
    }
}

/// The best of three, beside its aim in milliseconds.
fn timed(what: &str, aim: Option<u64>, work: impl Fn()) {
    let times: Vec<Duration> = (0..3)
        .map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed()
        })
        .collect();
    let best = times.iter().min().copied().unwrap_or_default();
    let aim = aim.map_or(String::new(), |aim| format!(", aim at most {aim} ms"));
    println!("  {what}: {best:.1?}{aim} (median {:.1?})", median(times));
}

fn readers(records: u64) {
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path().join("journal");
    fill(&directory, records);
    let location = Location::Copy(directory.clone());
    let open = || Segments::open(&location).unwrap();
    println!(
        "{records} records, {} MB, best of three:",
        open().bytes() / 1_000_000
    );
    let log = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tagout"));
        command
            .arg("log")
            .args(args)
            .arg("--journal")
            .arg(&directory);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    let find = |filter: &Filter| {
        query::runs(&open(), filter, 50).unwrap();
    };
    let text = |text: &str| Some(text.to_owned());
    timed("last 50", Some(5), || find(&Filter::default()));
    timed("last 50, `tagout log` from start to end", Some(5), || {
        log(&[])
    });
    timed("last 50 refused on production", None, || {
        find(&Filter {
            verdict: text("refused"),
            tier: text("production"),
            ..Filter::default()
        });
    });
    timed(
        "scan of all for a target that is nowhere",
        Some(500),
        || {
            find(&Filter {
                target: text("no-such-host"),
                ..Filter::default()
            });
        },
    );
    timed(
        "the same, `tagout log --target` from start to end",
        Some(500),
        || {
            log(&["--target", "no-such-host"]);
        },
    );
    timed("scan of all for a mismatch", Some(500), || {
        find(&Filter {
            mismatch: true,
            ..Filter::default()
        });
    });
    timed("scan of all for runs without outcome", None, || {
        find(&Filter {
            open: true,
            ..Filter::default()
        });
    });
    timed("verify", Some(1500), || {
        assert!(verify(&open(), &[]).unwrap().is_intact());
    });
    timed("stats", None, || {
        stats::stats(&open(), None).unwrap();
    });
    shipping(&directory);
}

/// Nobody listens, but what goes wrong must not pass for speed.
struct Operator;

impl Tell for Operator {
    fn alert(&mut self, text: &str) {
        panic!("{text}");
    }

    fn progress(&mut self, _: usize, _: u64) {}
}

/// Ships the journal's first quarter of a million records, and all of it again.
fn shipping(journal: &Path) {
    let settings = ["listen_addresses=127.0.0.1", "max_wal_size=4GB"];
    let Some(server) = servers::Postgres::start_with(&settings) else {
        return;
    };
    let schema = include_str!("../docs/postgres.sql").replace(":\"DBNAME\"", "postgres");
    server.sql("postgres", &schema);
    let dir = tempfile::tempdir().unwrap();
    let part = dir.path().join("journal");
    fs::create_dir(&part).unwrap();
    let mut names: Vec<_> = fs::read_dir(journal).unwrap().map(|e| e.unwrap()).collect();
    names.sort_by_key(fs::DirEntry::file_name);
    for name in names.iter().take(4) {
        fs::copy(name.path(), part.join(name.file_name())).unwrap();
    }
    println!("into PostgreSQL (its own settings for durability):");
    let ship = |what: &str| {
        let conninfo = format!(
            "host=127.0.0.1 port={} user=tagout_ship dbname=postgres",
            server.port
        );
        let mut sink = ship::Postgres::new(conninfo, Vec::new());
        let mut shipper = Shipper {
            location: Location::Copy(part.clone()),
            host: "worker-017".to_owned(),
            state: dir.path().join(what),
            sink: &mut sink,
            tell: &mut Operator,
            once: true,
            refused_in_a_row: 0,
        };
        let begun = Instant::now();
        shipper.run().unwrap_or_else(|e| panic!("{e}"));
        let took = begun.elapsed();
        let count = server.sql("postgres", "select count(*) from tagout_record");
        let rate = count.parse::<f64>().unwrap() / took.as_secs_f64();
        println!("  {what}: {rate:.0} records/s, aim at least 15000 ({count} in {took:.1?})");
        count
    };
    let (first, again) = (ship("shipped"), ship("all of it again, nothing added"));
    assert_eq!(first, again);
    let gaps = server.sql("postgres", "select count(*) from tagout_gap");
    assert_eq!(gaps, "0");
}
