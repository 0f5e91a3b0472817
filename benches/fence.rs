//! What the fence costs: each workload in short turns without a fence, observed and held, so that
//! all of them meet the same weather and only their ratio counts. Takes about two minutes:
//! `cargo bench --bench fence`, or with the names of some workloads behind `--`.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a measurement starts programs and prints what it found"
)]

use std::fs;
use std::io::{IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::socket::{Backlog, MsgFlags, listen, sendmsg};

/// Turns of each workload in each mode.
const ROUNDS: usize = 11;
const LAUNCHES: usize = 150;
const MODES: [&str; 3] = ["without", "watched", "held"];

/// What is measured: name, how often it does its thing in a turn, what a unit of the result is,
/// and whether processor time counts (what other programs do meanwhile shows less) or the clock.
const WORKLOADS: [(&str, u32, &str, bool); 10] = [
    ("connect", 1_000, "us a connect", false),
    ("worker", 1_000, "us a short connection", false),
    ("transfer", 64, "us a MiB on one connection", false),
    ("sendmsg", 20_000, "us a sendmsg on one connection", false),
    ("open", 30_000, "us an open, read and close", true),
    ("stat", 100_000, "us a stat", true),
    ("start", 200, "us a start of `true`", false),
    ("find", 1, "us a `find`", true),
    ("tar", 1, "us a `tar`", true),
    ("git", 1, "us a `git status`", true),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("work") => work(&words[1], &words[2], &words[3]),
        _ => measure(&words),
    }
}

/// The measured program: does one thing in a turn and prints how long it took by the clock and in
/// processor time, in nanoseconds, and what its parent held in memory at most.
fn work(what: &str, port: &str, place: &str) {
    let address = ("127.0.0.1", port.parse().unwrap());
    let (_, times, _, _) = WORKLOADS.into_iter().find(|one| one.0 == what).unwrap();
    let (begun, before) = (Instant::now(), processor_time());
    match what {
        "connect" => (0..times).for_each(|_| drop(TcpStream::connect(address).unwrap())),
        "worker" => (0..times).for_each(|_| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(b"x").unwrap();
            stream.read_exact(&mut [0]).unwrap();
        }),
        "transfer" => {
            let mut stream = TcpStream::connect(address).unwrap();
            let block = vec![b'x'; 1 << 20];
            for _ in 0..times {
                stream.write_all(&block).unwrap();
                stream.read_exact(&mut [0]).unwrap();
            }
        }
        "sendmsg" => {
            let stream = TcpStream::connect(address).unwrap();
            let block = [IoSlice::new(&[b'x'; 64])];
            for _ in 0..times {
                sendmsg::<()>(stream.as_raw_fd(), &block, &[], MsgFlags::empty(), None).unwrap();
            }
        }
        "open" => (0..times).for_each(|_| {
            let mut file = fs::File::open("/etc/passwd").unwrap();
            let _ = file.read(&mut [0; 512]).unwrap();
        }),
        "stat" => (0..times).for_each(|_| assert!(fs::metadata("/etc/passwd").is_ok())),
        "start" => (0..times).for_each(|_| program("true", &[], place)),
        "find" => program("find", &["/usr/share", "/usr/lib", "-size", "+900k"], place),
        "tar" => program("sh", &["-c", "tar -cf - files | cat"], place),
        "git" => program("git", &["status", "--short"], &format!("{place}/files")),
        other => panic!("{other}"),
    }
    let (took, used) = (begun.elapsed(), processor_time() - before);
    let parent = fs::read_to_string("/proc/self/status").unwrap();
    let parent = field(&parent, "PPid:");
    let memory = fs::read_to_string(format!("/proc/{parent}/status")).unwrap();
    let memory = field(&memory, "VmHWM:");
    println!("{} {} {memory}", took.as_nanos(), used.as_nanos());
}

fn program(name: &str, words: &[&str], place: &str) {
    let mut command = Command::new(name);
    command.args(words).current_dir(place).stdout(Stdio::null());
    assert!(command.status().is_ok_and(|status| status.success()));
}

/// Of this process and those that it waited for.
fn processor_time() -> Duration {
    let of = |who| {
        let usage = getrusage(who).unwrap();
        let both = usage.user_time() + usage.system_time();
        Duration::new(both.tv_sec() as u64, both.tv_usec() as u32 * 1000)
    };
    of(UsageWho::RUSAGE_SELF) + of(UsageWho::RUSAGE_CHILDREN)
}

fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

fn measure(chosen: &[String]) {
    let named: Vec<&str> = chosen.iter().map(String::as_str).collect();
    let wanted = |name: &str| named.iter().all(|n| n.starts_with('-')) || named.contains(&name);
    let place = Place::new();
    let port = server();
    println!(
        "{:10} {:>12} {:>20} {:>20}",
        "", "without", "observed", "held"
    );
    for (what, times, unit, processor) in WORKLOADS {
        if !wanted(what) {
            continue;
        }
        let mut turns: [Vec<f64>; 3] = Default::default();
        let mut memory = 0;
        for _ in 0..ROUNDS {
            for (mode, turns) in MODES.into_iter().zip(&mut turns) {
                let [took, used, peak] = place.turn(mode, what, port);
                turns.push(if processor { used } else { took });
                memory = memory.max(peak as u64);
            }
        }
        let scale = f64::from(times) * 1e3;
        println!(
            "{what:10} {} {unit}; tagout {memory} KiB at most",
            shown(&turns, scale)
        );
    }
    if wanted("waiting") {
        place.waiting();
    }
    if wanted("launch") {
        place.launches();
    }
    if wanted("traced")
        && let Some(listened) = listened(&place)
    {
        let place = Place {
            listened: Some(listened),
            ..place
        };
        println!("under another supervisor's listener:");
        place.traced(port);
    }
}

/// The median without, and for the others the median and that of the ratios of each round.
fn shown(turns: &[Vec<f64>; 3], scale: f64) -> String {
    let [without, others @ ..] = turns;
    let others = others.each_ref().map(|turns| {
        let ratios = turns.iter().zip(without).map(|(one, other)| one / other);
        let ratio = median(ratios.collect());
        let more = (ratio - 1.0) * 100.0;
        format!("{:10.2} ({more:+6.1} %)", median(turns.clone()) / scale)
    });
    let without = median(without.clone()) / scale;
    format!("{without:12.2} {} {}", others[0], others[1])
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// A folder with profiles of each mode and some thousand files in a repository.
struct Place {
    dir: tempfile::TempDir,
    /// What puts tagout under another supervisor's listener.
    listened: Option<PathBuf>,
}

/// The tests' program for that.
fn listened(place: &Place) -> Option<PathBuf> {
    let source = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/fence/listened.c"
    );
    let program = place.dir.path().join("listened");
    let mut compiler = Command::new("gcc");
    let compiled = compiler
        .args(["-static", "-O1", source, "-o"])
        .arg(&program);
    compiled.status().ok()?.success().then_some(program)
}

impl Place {
    fn new() -> Place {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("config")).unwrap();
        let profile = |name: &str, mode: &str| {
            format!("[profiles.{name}]\nextends = \"default\"\nfence = \"{mode}\"\n")
        };
        let mark = "[[marks]]\ntier = \"production\"\nhost = \"127.0.0.2\"\n";
        let modes = MODES.into_iter().zip(["off", "observe", "hold"]);
        let text: String = modes.map(|(name, mode)| profile(name, mode)).collect();
        fs::write(dir.path().join("config/config.toml"), text + mark).unwrap();
        let files = dir.path().join("files");
        for folder in 0..40 {
            let folder = files.join(format!("folder-{folder}"));
            fs::create_dir_all(&folder).unwrap();
            for file in 0..50 {
                fs::write(folder.join(format!("file-{file}")), [b'x'; 3000]).unwrap();
            }
        }
        for words in [["init", "-q", "."], ["add", "-A", "."]] {
            let git = Command::new("git").args(words).current_dir(&files).status();
            assert!(git.is_ok_and(|status| status.success()));
        }
        Place {
            dir,
            listened: None,
        }
    }

    /// The workloads by which a tracer is felt.
    fn traced(&self, port: u16) {
        for (what, times, unit, processor) in WORKLOADS {
            if !["connect", "worker", "open", "start"].contains(&what) {
                continue;
            }
            let mut turns: [Vec<f64>; 3] = Default::default();
            for _ in 0..ROUNDS {
                for (mode, turns) in MODES.into_iter().zip(&mut turns) {
                    let [took, used, _] = self.turn(mode, what, port);
                    turns.push(if processor { used } else { took });
                }
            }
            println!("{what:10} {} {unit}", shown(&turns, f64::from(times) * 1e3));
        }
        self.launches();
    }

    fn tagout(&self, mode: &str) -> Command {
        let dir = self.dir.path();
        let tagout = env!("CARGO_BIN_EXE_tagout");
        let mut command = match &self.listened {
            None => Command::new(tagout),
            Some(listened) => Command::new(listened),
        };
        command.args(self.listened.is_some().then_some(tagout));
        command
            .args(["run", "--config"])
            .arg(dir.join("config"))
            .args(["-p", mode, "--"])
            .current_dir(dir)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", dir)
            .env("XDG_STATE_HOME", dir.join("state"))
            .stdin(Stdio::null());
        command
    }

    /// One turn: by the clock, in processor time, and tagout's memory.
    fn turn(&self, mode: &str, what: &str, port: u16) -> [f64; 3] {
        let own: PathBuf = std::env::current_exe().unwrap();
        let mut command = self.tagout(mode);
        command.arg(own).args(["work", what, &port.to_string()]);
        let output = command
            .arg(self.dir.path())
            .stderr(Stdio::inherit())
            .output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        let words: Vec<f64> = text
            .split_whitespace()
            .map(|word| word.parse().unwrap())
            .collect();
        words.try_into().unwrap()
    }

    /// What tagout itself holds in memory while its command sleeps.
    fn waiting(&self) {
        let resident = MODES.map(|mode| {
            let mut child = self.tagout(mode).args(["sleep", "1"]).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(600));
            let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
            child.wait().unwrap();
            field(&status, "VmRSS:")
        });
        let [without, watched, held] = resident;
        println!("waiting    {without:>12} {watched:>20} {held:>20} KiB resident");
    }

    /// Launches of `true`, one after the other in turns.
    fn launches(&self) {
        let mut took: [Vec<f64>; 3] = Default::default();
        for _ in 0..LAUNCHES {
            for (mode, took) in MODES.into_iter().zip(&mut took) {
                let begun = Instant::now();
                assert!(self.tagout(mode).arg("true").status().unwrap().success());
                took.push(begun.elapsed().as_secs_f64() * 1e6);
            }
        }
        let added = |mode: usize| {
            let turns = took[mode].iter().zip(&took[0]);
            median(turns.map(|(one, other)| one - other).collect())
        };
        let (watched, held) = (added(1), added(2));
        println!(
            "launch     {} us of `true`: {watched:+.0} and {held:+.0} us",
            shown(&took, 1.0)
        );
    }
}

/// Answers the first byte of each connection and of each MiB after it, in four threads.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // Room for all connects of a turn: one that finds none waits for a second.
    listen(&listener, Backlog::MAXALLOWABLE).unwrap();
    let port = listener.local_addr().unwrap().port();
    for _ in 0..4 {
        let listener = listener.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut block = vec![0; 1 << 16];
            for mut stream in listener.incoming().flatten() {
                let mut seen = 0usize;
                while let Ok(read @ 1..) = stream.read(&mut block) {
                    let answers = (seen + read).div_ceil(1 << 20) - seen.div_ceil(1 << 20);
                    seen += read;
                    for _ in 0..answers {
                        let _ = stream.write_all(b"x");
                    }
                }
            }
        });
    }
    port
}
