//! What a launch costs beside others, in one run: medians and ratios to `env -i`.
//!
//! Runs each launcher in turn, twice and many times, and takes the second: so the machine's mood hits all of
//! them alike, and what one leaves in the caches none.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measuring program"
)]

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 300;

/// A way to start `/bin/true`.
struct Way {
    name: &'static str,
    words: Vec<String>,
    /// By `fork` and `exec` instead of `posix_spawn`.
    fork: bool,
}

fn way(name: &'static str, words: &[&str]) -> Way {
    Way {
        name,
        words: words.iter().map(|w| (*w).to_owned()).collect(),
        fork: false,
    }
}

fn started(way: &Way) -> Option<Duration> {
    let mut command = Command::new(&way.words[0]);
    command
        .args(&way.words[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if way.fork {
        // SAFETY: the closure does nothing; its presence makes the standard library fork.
        #[allow(unsafe_code, reason = "asks for fork and exec")]
        unsafe {
            command.pre_exec(|| Ok(()));
        }
    }
    let begun = Instant::now();
    let status = command.status().ok()?;
    let took = begun.elapsed();
    status.success().then_some(took)
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn main() {
    let state = tempfile::tempdir().unwrap();
    let installed = installed();
    let tagout = installed.to_str().unwrap();
    let mut ways = vec![
        way("posix_spawn", &["/bin/true"]),
        Way {
            name: "fork and exec",
            words: vec!["/bin/true".into()],
            fork: true,
        },
        way("env -i", &["env", "-i", "/bin/true"]),
        way("tagout run", &[tagout, "run", "--", "/bin/true"]),
        way(
            "tagout run -p worker",
            &[tagout, "run", "-p", "worker", "--", "/bin/true"],
        ),
        way("sudo -n", &["sudo", "-n", "/bin/true"]),
        way(
            "bwrap",
            &["bwrap", "--clearenv", "--ro-bind", "/", "/", "/bin/true"],
        ),
        way("direnv exec", &["direnv", "exec", "/", "/bin/true"]),
    ];
    as_at_home(state.path());
    ways.retain(|w| {
        let works = started(w).is_some();
        if !works {
            println!("{:<24} not measured: it does not run here", w.name);
        }
        works
    });
    let mut times: Vec<Vec<Duration>> = vec![Vec::with_capacity(ROUNDS); ways.len()];
    for _ in 0..ROUNDS {
        for (way, times) in ways.iter().zip(&mut times) {
            // Once for nothing: the bare program stands behind itself in the turn, and what another
            // launcher leaves in the processor's caches is not what a launch costs.
            started(way);
            times.extend(started(way));
        }
    }
    let medians: Vec<f64> = times
        .iter_mut()
        .map(|t| median(t).as_secs_f64() * 1e3)
        .collect();
    let of = |name: &str| {
        ways.iter()
            .position(|w| w.name == name)
            .map(|at| medians[at])
    };
    let (plain, env) = (of("fork and exec").unwrap(), of("env -i").unwrap());
    println!(
        "{:<24} {:>9} {:>12} {:>16}",
        "launcher", "median ms", "to env -i", "above fork+exec"
    );
    for (way, median) in ways.iter().zip(&medians) {
        println!(
            "{:<24} {median:>9.3} {:>12.2} {:>13.3} ms",
            way.name,
            median / env,
            median - plain
        );
    }
    let size = std::fs::metadata(tagout).map(|m| m.len()).unwrap_or(0);
    println!(
        "binary {:.2} MiB; memory of a waiting tagout {} KiB",
        size as f64 / 1048576.0,
        resident(tagout)
    );
}

/// A copy, as `cargo install` makes one: how a file was written and whether its pages were given up since
/// decide what a page fault in it costs.
fn installed() -> std::path::PathBuf {
    let place = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("tagout");
    let _ = std::fs::remove_file(&place);
    std::fs::copy(env!("CARGO_BIN_EXE_tagout"), &place).unwrap();
    place
}

/// The environment of who calls cargo, without what cargo adds: its `LD_LIBRARY_PATH` alone makes every
/// dynamic program look through ten folders, and tagout's profiles drop it. The journal of the
/// measured runs stands apart from the user's own.
fn as_at_home(state: &std::path::Path) {
    let of_cargo = |name: &str| {
        ["CARGO", "RUST", "TAGOUT_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
            || ["LD_LIBRARY_PATH", "OUT_DIR"].contains(&name)
    };
    let names: Vec<_> = std::env::vars_os().map(|(name, _)| name).collect();
    // SAFETY: no other thread runs yet.
    #[allow(unsafe_code, reason = "what the children get")]
    unsafe {
        for name in names
            .iter()
            .filter(|name| name.to_str().is_some_and(of_cargo))
        {
            std::env::remove_var(name);
        }
        std::env::set_var("XDG_STATE_HOME", state);
    }
}

/// Resident memory of a tagout that waits for its command.
fn resident(tagout: &str) -> u64 {
    let mut child = Command::new(tagout)
        .args(["run", "--", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Its command answers, so tagout waits.
    use std::io::{Read, Write};
    child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    drop(child.stdin.take());
    child.wait().unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_whitespace()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(0)
}
