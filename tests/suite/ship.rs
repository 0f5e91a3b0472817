//! `tagout-ship` into real receivers, killed on the way.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tagout::sys::clock;

use crate::journal::{Made, run};
use crate::report::report;
use crate::servers::Postgres;

const SCHEMA: &str = include_str!("../../docs/postgres.sql");

pub(crate) fn shipper(made: &Made, state: &Path, host: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tagout-ship"));
    command
        .arg("--journal")
        .arg(made.path())
        .arg("--state")
        .arg(state)
        .args(["--host", host]);
    command
}

/// A server with the schema, and the shipper's address of it.
pub(crate) fn database() -> Option<(Postgres, String)> {
    let server = Postgres::start()?;
    let sql = SCHEMA.replace(":\"DBNAME\"", "postgres");
    server.sql("postgres", &sql);
    let address = format!(
        "host=127.0.0.1 port={} user=tagout_ship dbname=postgres",
        server.port
    );
    Some((server, address))
}

fn filled(count: u64) -> Made {
    let made = Made::new();
    for number in 1..=count {
        let run = run(number, clock::now());
        made.intent(&run);
        if run.verdict == "allowed" {
            made.outcome(&run, 0, false);
        }
    }
    made
}

fn lines(made: &Made) -> Vec<String> {
    let text = fs::read_to_string(made.segment()).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn every_record_is_in_postgres_once_however_often_the_shipper_is_killed() {
    let Some((server, address)) = database() else {
        return;
    };
    let made = filled(1500);
    let state = made.dir.path().join("cursor");
    let mut wait = 3;
    for _ in 0..12 {
        let mut shipping = shipper(&made, &state, "worker-017")
            .args(["--postgres", &address])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        shipping.kill().unwrap();
        shipping.wait().unwrap();
        wait += 9;
        made.intent(&run(4, clock::now()));
    }
    let ship = || {
        let output = shipper(&made, &state, "worker-017")
            .args(["--once", "--postgres", &address])
            .output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    ship();
    let count = || {
        server.sql(
            "postgres",
            "select count(*), count(distinct seq) from tagout_record",
        )
    };
    let expected = lines(&made).len();
    assert_eq!(count(), format!("{expected}|{expected}"));
    // Everything again, as after a lost cursor: nothing twice.
    fs::remove_file(&state).unwrap();
    ship();
    assert_eq!(count(), format!("{expected}|{expected}"));
    let sum = |what: &str| server.sql("postgres", &format!("select count(*) from {what}"));
    assert_eq!(
        (sum("tagout_gap"), sum("tagout_fork")),
        ("0".into(), "0".into())
    );
    assert_eq!(sum("tagout_run where verdict = 'refused'"), "300");
    let kept = server.sql(
        "postgres",
        "select line from tagout_record order by seq limit 3",
    );
    assert_eq!(
        kept.lines().collect::<Vec<_>>(),
        lines(&made)[..3],
        "byte for byte"
    );
    let refused = Command::new("psql")
        .args([
            "-XAtqd",
            &address,
            "-c",
            "select count(*) from tagout_record",
        ])
        .output()
        .unwrap();
    assert!(
        !refused.status.success(),
        "the shipper's role must not read"
    );
    // The server's heads are anchors: a cut journal does not pass.
    let reader = address.replace("user=tagout_ship", "user=postgres");
    let against = format!("postgres:{reader}");
    let verify = ["verify", "--against", &against];
    assert_eq!(made.log(&verify).status.code(), Some(0));
    let kept = lines(&made);
    fs::write(made.segment(), kept[..50].join("\n") + "\n").unwrap();
    assert_eq!(made.log(&verify).status.code(), Some(3));
}

/// Takes note of nothing.
struct Silent;

impl tagout::ship::Tell for Silent {
    fn alert(&mut self, text: &str) {
        panic!("{text}");
    }

    fn progress(&mut self, _: usize, _: u64) {}
}

/// A shipper writes straight into the table while what it sends is new. Where another one was there
/// before it, nothing is twice, and nothing of the same batch is lost.
#[test]
fn what_somebody_else_shipped_meanwhile_is_no_obstacle() {
    let Some((server, address)) = database() else {
        return;
    };
    let made = filled(40);
    let mut sink = tagout::ship::Postgres::new(address, Vec::new());
    let mut ship = |state: &str| {
        let mut shipper = tagout::ship::Shipper {
            location: tagout::record::Location::Copy(made.path()),
            host: "h".to_owned(),
            state: made.dir.path().join(state),
            sink: &mut sink,
            tell: &mut Silent,
            once: true,
            refused_in_a_row: 0,
        };
        shipper.run().unwrap_or_else(|e| panic!("{e}"));
    };
    ship("first");
    // The same sink trusts its receiver to be new now, and meets what it has, in the middle of what
    // it has not.
    made.intent(&run(101, clock::now()));
    ship("second");
    for number in [102, 103] {
        made.intent(&run(number, clock::now()));
        ship("second");
    }
    let count = server.sql(
        "postgres",
        "select count(*), count(distinct seq) from tagout_record",
    );
    let expected = lines(&made).len();
    assert_eq!(count, format!("{expected}|{expected}"));
    let direct = server.log().matches("copy tagout_record").count();
    assert!(direct >= 2, "{direct} batches went straight in");
}

#[test]
fn what_the_server_never_takes_is_set_aside_and_the_rest_goes_on() {
    let Some((server, address)) = database() else {
        return;
    };
    server.sql(
        "postgres",
        "alter table tagout_record add check (line not like '%job-7\"%')",
    );
    let made = filled(20);
    let state = made.dir.path().join("cursor");
    let output = shipper(&made, &state, "worker-017")
        .args(["--once", "--postgres", &address])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let count = server.sql("postgres", "select count(*) from tagout_record");
    assert_eq!(count, (lines(&made).len() - 1).to_string());
    let aside = fs::read_to_string(state.with_extension("refused.jsonl")).unwrap();
    assert_eq!(aside.lines().count(), 1);
    assert!(aside.contains("job-7"));
}

#[test]
fn a_receiver_that_is_not_there_loses_nothing() {
    let made = filled(3);
    let state = made.dir.path().join("cursor");
    let port = crate::servers::free_port();
    let dead = format!("http://127.0.0.1:{port}");
    let output = shipper(&made, &state, "worker-017")
        .args(["--once", "--otlp", &dead])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(125));
    assert!(!state.exists(), "nothing was confirmed");
}

#[test]
fn standard_output_gets_the_lines_as_they_are() {
    let made = filled(5);
    let state = made.dir.path().join("cursor");
    let ship = || {
        shipper(&made, &state, "worker-017")
            .args(["--once", "--ndjson"])
            .output()
            .unwrap()
    };
    let shown = String::from_utf8(ship().stdout).unwrap();
    assert_eq!(shown.lines().collect::<Vec<_>>(), lines(&made));
    assert_eq!(ship().stdout, b"", "the cursor is past them");
}

/// A collector that answers as told and passes on what it was sent.
fn collector(answers: Vec<&'static str>) -> (u16, mpsc::Receiver<serde_json::Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                if let Some((_, value)) = line.split_once("Content-Length: ") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
            if answer.contains("200 OK") {
                sender.send(serde_json::from_slice(&body).unwrap()).unwrap();
            }
        }
    });
    (port, receiver)
}

#[test]
fn a_collector_that_is_busy_gets_it_later() {
    let made = filled(4);
    let state = made.dir.path().join("cursor");
    let busy = "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n";
    let fine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    let (port, received) = collector(vec![busy, fine]);
    let mut shipping: Child = shipper(&made, &state, "worker-017")
        .args(["--otlp", &format!("http://127.0.0.1:{port}")])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let request = received.recv_timeout(Duration::from_secs(60)).unwrap();
    let records = request["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
        .as_array()
        .unwrap();
    assert_eq!(records.len(), lines(&made).len());
    let uid = records[1]["attributes"][0]["value"]["stringValue"]
        .as_str()
        .unwrap();
    assert!(
        uid.starts_with("worker-017/") && uid.ends_with("/2"),
        "{uid}"
    );
    assert_eq!(records[1]["body"]["stringValue"], lines(&made)[1]);
    shipping.kill().unwrap();
    shipping.wait().unwrap();
}

/// Passes bytes on to a server until so many have gone its way, then cuts the line.
fn cut_after(port: u16, bytes: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut answers = server.try_clone().unwrap();
        let mut back = client.try_clone().unwrap();
        let answering = std::thread::spawn(move || std::io::copy(&mut answers, &mut back));
        let mut left = bytes;
        let mut buffer = [0; 8192];
        while left > 0 {
            let length = client.read(&mut buffer).unwrap_or(0);
            if length == 0 || server.write_all(&buffer[..length.min(left)]).is_err() {
                break;
            }
            left = left.saturating_sub(length);
        }
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
        let _ = answering.join();
    });
    own
}

#[test]
fn a_network_that_is_lost_anywhere_loses_nothing_and_repeats_nothing() {
    let Some((server, address)) = database() else {
        return;
    };
    let made = filled(700);
    let state = made.dir.path().join("cursor");
    let through =
        |port: u16| address.replace(&format!("port={}", server.port), &format!("port={port}"));
    let mut cuts = 0;
    // In the greeting, in the first batch, between batches, in the last one.
    for bytes in [50, 3_000, 40_000, 400_000, 900_000, 1_100_000] {
        let output = shipper(&made, &state, "h")
            .args([
                "--once",
                "--postgres",
                &through(cut_after(server.port, bytes)),
            ])
            .output()
            .unwrap();
        cuts += i32::from(output.status.code() == Some(125));
    }
    assert!(cuts >= 3, "{cuts} cuts were felt");
    let output = shipper(&made, &state, "h")
        .args(["--once", "--postgres", &address])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let expected = lines(&made).len();
    let count = "select count(*), count(distinct seq) from tagout_record";
    assert_eq!(
        server.sql("postgres", count),
        format!("{expected}|{expected}")
    );
    assert_eq!(
        server.sql("postgres", "select count(*) from tagout_gap"),
        "0"
    );
}

#[test]
fn a_cursor_that_cannot_be_written_stops_the_shipper_and_repeats_nothing_afterwards() {
    let Some((server, address)) = database() else {
        return;
    };
    if crate::support::needs("unshare").is_none() {
        return;
    }
    let made = filled(30);
    let disk = made.dir.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let script = "mount -t tmpfs -o size=64k none \"$1\"; cat /dev/zero > \"$1/filler\" 2>/dev/null
        \"$2\" --journal \"$3\" --state \"$1/cursor\" --host h --once --postgres \"$4\"; echo full $?
        rm \"$1/filler\"
        \"$2\" --journal \"$3\" --state \"$1/cursor\" --host h --once --postgres \"$4\"; echo free $?";
    let flags = if crate::servers::running_as_root() {
        "-m"
    } else {
        "-rm"
    };
    let output = Command::new("unshare")
        .args([flags, "sh", "-uc", script, "sh"])
        .args([
            &disk,
            Path::new(env!("CARGO_BIN_EXE_tagout-ship")),
            &made.path(),
        ])
        .arg(&address)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said, "full 125\nfree 0\n", "{output:?}");
    let count = "select count(*) from tagout_record";
    assert_eq!(
        server.sql("postgres", count),
        lines(&made).len().to_string()
    );
}

/// Hosts that ship at once, some killed on the way and started again; with figures under
/// `--nocapture`.
#[test]
fn three_hundred_hosts_into_one_database() {
    let Some((server, address)) = database() else {
        return;
    };
    let made = filled(12);
    let one = lines(&made).len();
    let begun = Instant::now();
    let start = |host: usize| {
        let state = made.dir.path().join(format!("cursor-{host}"));
        shipper(&made, &state, &format!("host-{host}"))
            .args(["--once", "--postgres", &address])
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let hosts: Vec<usize> = (0..300).collect();
    let mut killed = 0;
    for wave in hosts.chunks(20) {
        let mut started: Vec<Child> = wave.iter().map(|host| start(*host)).collect();
        for child in started.iter_mut().step_by(5) {
            let _ = child.kill();
        }
        for (host, child) in wave.iter().zip(&mut started) {
            if !child.wait().unwrap().success() {
                killed += 1;
                assert!(start(*host).wait().unwrap().success());
            }
        }
    }
    let took = begun.elapsed();
    println!(
        "300 hosts of {one} records, {killed} killed and started again: {took:?}, {:.0} records a second",
        300.0 * one as f64 / took.as_secs_f64()
    );
    let count =
        "select count(*), count(distinct (host, seq)), count(distinct host) from tagout_record";
    let all = 300 * one;
    assert_eq!(server.sql("postgres", count), format!("{all}|{all}|300"));
    let none = |what: &str| server.sql("postgres", &format!("select count(*) from {what}"));
    assert_eq!(
        (none("tagout_gap"), none("tagout_fork")),
        ("0".into(), "0".into())
    );
    // Cursors are lost: what is sent again is recognised.
    for host in 0..20 {
        fs::remove_file(made.dir.path().join(format!("cursor-{host}"))).unwrap();
        assert!(start(host).wait().unwrap().success());
    }
    assert_eq!(server.sql("postgres", count), format!("{all}|{all}|300"));
}

/// A journal of a host, shipped to the server.
fn shipped(address: &str, host: &str, first: u64) -> Made {
    let made = Made::new();
    for number in first..first + 10 {
        let run = run(number, clock::now());
        made.intent(&run);
        if run.verdict == "allowed" && number != first + 3 {
            made.outcome(&run, 0, number == first + 1);
        }
    }
    let output = shipper(&made, &made.dir.path().join("cursor"), host)
        .args(["--once", "--postgres", address])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    made
}

#[test]
fn a_fleets_page_comes_from_its_database() {
    let Some((server, address)) = database() else {
        return;
    };
    let made = shipped(&address, "worker-1", 1);
    shipped(&address, "worker-2", 31);
    server.sql(
        "postgres",
        "create role auditor login password 'known-to-all' in role tagout_read",
    );
    let reader = address.replace("user=tagout_ship", "user=auditor password=known-to-all");
    let page = fs::read_to_string(report(&made, &["--postgres", &reader])).unwrap();
    for expected in [
        "Refused (4)",
        "Contacted what was not resolved (2)",
        "All runs, newest first (20)",
        "of 2 hosts in 2 chains",
        "intact",
        "worker-1 ",
        "job-31",
        "NOT a resolved target",
    ] {
        assert!(page.contains(expected), "{expected}\n{page}");
    }
    assert!(
        !page.contains("known-to-all"),
        "the password is in the page"
    );
    let one = ["--postgres", &reader, "--host", "worker-2", "-n", "3"];
    let page = fs::read_to_string(report(&made, &one)).unwrap();
    assert!(page.contains("All runs, newest first (3)") && page.contains("of 1 hosts"));
    assert!(!page.contains("job-9<"));
    // Somebody with more rights than the shipper edits a line there, and takes another away.
    server.sql(
        "postgres",
        "update tagout_record set line = replace(line, 'job-4', 'job-5') where host = 'worker-1'",
    );
    server.sql(
        "postgres",
        "delete from tagout_record where host = 'worker-2' and seq = 5",
    );
    let page = fs::read_to_string(report(&made, &["--postgres", &reader])).unwrap();
    assert!(page.contains("BROKEN"), "{page}");
    assert!(page.contains("was altered") && page.contains("does not follow"));
}

/// The samples for other shippers say what the format page promises them, and their own programs
/// would read them as files of their kind.
#[test]
fn the_samples_for_vector_and_fluent_bit_follow_the_format() {
    let sample = |name: &str| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::read_to_string(root.join("examples/ship").join(name)).unwrap()
    };
    let vector: toml::Table = sample("vector.toml").parse().unwrap();
    let source = &vector["sources"]["tagout"];
    assert_eq!(source["type"].as_str(), Some("file"));
    assert_eq!(
        source["include"][0].as_str(),
        Some("/var/log/tagout/*.jsonl")
    );
    assert!(source["max_line_bytes"].as_integer() >= Some(16 * 1024));
    // Every part reads from one that is there.
    for (kind, name) in [("transforms", "records"), ("sinks", "elsewhere")] {
        let input = vector[kind][name]["inputs"][0].as_str().unwrap();
        let known = vector["sources"]
            .get(input)
            .or(vector["transforms"].get(input));
        assert!(known.is_some(), "{kind}.{name} reads from {input}");
    }
    let buffer = &vector["sinks"]["elsewhere"]["buffer"];
    // Vector refuses a smaller buffer on disk.
    assert!(buffer["max_size"].as_integer() >= Some(268_435_488));
    let Some(_) = crate::support::needs("ruby") else {
        return;
    };
    let script = "require 'yaml'; require 'json'; puts JSON.generate(YAML.safe_load(STDIN.read))";
    let mut ruby = Command::new("ruby")
        .args(["-e", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let text = sample("fluent-bit.yaml");
    ruby.stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = ruby.wait_with_output().unwrap();
    let fluent: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let input = &fluent["pipeline"]["inputs"][0];
    assert_eq!(input["path"], "/var/log/tagout/*.jsonl");
    assert_eq!(input["storage.type"], "filesystem");
    assert_eq!(
        fluent["pipeline"]["filters"][0]["parser"],
        fluent["parsers"][0]["name"]
    );
    assert_eq!(fluent["pipeline"]["filters"][0]["key_name"], input["key"]);
    assert_eq!(fluent["pipeline"]["outputs"][0]["retry_limit"], "no_limits");
    // What lies beside the segments is not taken for one.
    let made = filled(1);
    fs::write(made.path().join("spill-x-intent.json"), "").unwrap();
    let names = fs::read_dir(made.path()).unwrap();
    let taken = names.filter(|e| {
        e.as_ref()
            .unwrap()
            .path()
            .extension()
            .is_some_and(|e| e == "jsonl")
    });
    assert_eq!(taken.count(), 1);
}

/// `cargo test --release --features ship --test suite -- --ignored --nocapture rate_into_postgres`
#[test]
#[ignore = "a measurement"]
fn rate_into_postgres() {
    let Some((server, address)) = database() else {
        return;
    };
    let made = filled(60_000);
    let state = made.dir.path().join("cursor");
    let begun = Instant::now();
    let output = shipper(&made, &state, "h")
        .args(["--once", "--postgres", &address])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let took = begun.elapsed();
    let count = lines(&made).len();
    println!(
        "{count} records of one host in {took:?}: {:.0} a second",
        count as f64 / took.as_secs_f64()
    );
    let total = server.sql("postgres", "select count(*) from tagout_record");
    assert_eq!(total, count.to_string());
}
