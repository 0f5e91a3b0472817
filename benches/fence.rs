//! What the fence costs: each figure with and without it, in one run, so that only their ratio
//! counts. Run with `cargo bench --bench fence`.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a measurement starts programs and prints what it found"
)]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 5;
const LAUNCHES: usize = 200;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    match words.get(1).map(String::as_str) {
        Some("work") => work(&words[2], words.get(3).and_then(|port| port.parse().ok())),
        _ => measure(),
    }
}

/// The measured program: does one thing and prints how long it took, in nanoseconds.
fn work(what: &str, port: Option<u16>) {
    let address = ("127.0.0.1", port.unwrap_or(0));
    let begun = Instant::now();
    match what {
        "connect" => {
            for _ in 0..5_000 {
                drop(TcpStream::connect(address).unwrap());
            }
        }
        "worker" => {
            for _ in 0..10_000 {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.write_all(b"x").unwrap();
                stream.read_exact(&mut [0]).unwrap();
            }
        }
        "files" => {
            for _ in 0..4 {
                files(Path::new("/usr/share"), &mut 0);
            }
        }
        "calls" => {
            for _ in 0..1_000_000 {
                let _ = fs::metadata("/");
            }
        }
        other => panic!("{other}"),
    }
    let took = begun.elapsed();
    let parent = fs::read_to_string("/proc/self/status").unwrap();
    let parent = field(&parent, "PPid:");
    let memory = fs::read_to_string(format!("/proc/{parent}/status")).unwrap();
    println!("{} {}", took.as_nanos(), field(&memory, "VmHWM:"));
}

fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// Lists directories and reads the beginning of files.
fn files(directory: &Path, seen: &mut u32) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if *seen > 8_000 {
            return;
        }
        *seen += 1;
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() {
            files(&entry.path(), seen);
        } else if kind.is_file()
            && let Ok(mut file) = fs::File::open(entry.path())
        {
            let _ = file.read(&mut [0; 512]);
        }
    }
}

fn measure() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("config")).unwrap();
    let profile = |name: &str, mode: &str| {
        format!("[profiles.{name}]\nextends = \"default\"\nfence = \"{mode}\"\n")
    };
    let text =
        profile("without", "off") + &profile("watched", "observe") + &profile("held", "hold");
    fs::write(dir.path().join("config/config.toml"), text).unwrap();
    let port = server();
    for (what, unit, scale) in [
        ("connect", "us a connect", 5_000.0 * 1e3),
        ("worker", "us a short connection", 10_000.0 * 1e3),
        ("files", "ms a file-heavy walk", 4.0 * 1e6),
        ("calls", "ns a stat", 1_000_000.0),
    ] {
        let mut best = [f64::MAX; 3];
        let mut memory = [0; 3];
        for _ in 0..ROUNDS {
            for (at, name) in ["without", "watched", "held"].into_iter().enumerate() {
                let (took, peak) = fenced_work(dir.path(), name, what, port);
                best[at] = best[at].min(took / scale);
                memory[at] = memory[at].max(peak);
            }
        }
        let [without, watched, held] = best;
        println!(
            "{what:8} {without:9.2} without, {watched:9.2} observed ({:+.1} %), {held:9.2} held ({:+.1} %) {unit}; tagout {} to {} KiB",
            (watched / without - 1.0) * 100.0,
            (held / without - 1.0) * 100.0,
            memory[0],
            memory[2],
        );
    }
    waiting(dir.path());
    launches(dir.path());
}

/// What tagout itself holds in memory while its command sleeps.
fn waiting(dir: &Path) {
    let mut resident = [0; 3];
    for (at, name) in ["without", "watched", "held"].into_iter().enumerate() {
        let mut child = tagout(dir, name).args(["sleep", "1"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(600));
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        resident[at] = field(&status, "VmRSS:");
        child.wait().unwrap();
    }
    let [without, watched, held] = resident;
    println!("waiting  {without} without, {watched} observed, {held} held KiB resident");
}

fn fenced_work(dir: &Path, profile: &str, what: &str, port: u16) -> (f64, u64) {
    let own = std::env::current_exe().unwrap();
    let mut command = tagout(dir, profile);
    command.arg(own).args(["work", what, &port.to_string()]);
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut words = text
        .split_whitespace()
        .map(|word| word.parse::<f64>().unwrap());
    (words.next().unwrap(), words.next().unwrap() as u64)
}

fn tagout(dir: &Path, profile: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tagout"));
    command
        .args(["run", "--config"])
        .arg(dir.join("config"))
        .args(["-p", profile, "--"])
        .current_dir(dir)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", dir)
        .env("XDG_STATE_HOME", dir.join("state"))
        .stdin(Stdio::null());
    command
}

/// Answers each connection's byte, in four threads.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for _ in 0..4 {
        let listener = listener.try_clone().unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut byte = [0];
                if stream.read_exact(&mut byte).is_ok() {
                    let _ = stream.write_all(&byte);
                }
            }
        });
    }
    port
}

/// Launches of `true`, one after the other in turns: medians.
fn launches(dir: &Path) {
    let mut took: [Vec<Duration>; 3] = Default::default();
    for _ in 0..LAUNCHES {
        for (at, name) in ["without", "watched", "held"].into_iter().enumerate() {
            let begun = Instant::now();
            assert!(tagout(dir, name).arg("true").status().unwrap().success());
            took[at].push(begun.elapsed());
        }
    }
    let median = |mut all: Vec<Duration>| {
        all.sort();
        all[all.len() / 2].as_secs_f64() * 1e3
    };
    let [without, watched, held] = took.map(median);
    println!(
        "launch   {without:9.3} without, {watched:9.3} observed ({:+.3} ms), {held:9.3} held ({:+.3} ms) ms",
        watched - without,
        held - without,
    );
}
