//! `tagout-ship` into real receivers, killed on the way.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tagout::sys::clock;

use crate::journal::{Made, run};
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

/// `cargo test --features ship --test suite -- --ignored --nocapture fleet`
#[test]
#[ignore = "a measurement: 300 hosts and a rate"]
fn fleet() {
    let Some((server, address)) = database() else {
        return;
    };
    let made = filled(60_000);
    let state = made.dir.path().join("cursor");
    let begun = Instant::now();
    let output = shipper(&made, &state, "worker-017")
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
    let small = filled(40);
    let begun = Instant::now();
    let hosts: Vec<String> = (0..300).map(|n| format!("host-{n}")).collect();
    for wave in hosts.chunks(10) {
        let started: Vec<Child> = wave
            .iter()
            .map(|host| {
                let mut command = Command::new(env!("CARGO_BIN_EXE_tagout-ship"));
                command
                    .arg("--journal")
                    .arg(small.path())
                    .args(["--host", host, "--once"]);
                command.arg("--state").arg(small.dir.path().join(host));
                command.args(["--postgres", &address]).spawn().unwrap()
            })
            .collect();
        for mut child in started {
            assert!(child.wait().unwrap().success());
        }
    }
    println!(
        "300 hosts of {} records in {:?}",
        lines(&small).len(),
        begun.elapsed()
    );
    let total = server.sql("postgres", "select count(*) from tagout_record");
    assert_eq!(total, (count + 300 * lines(&small).len()).to_string());
}
