//! The canaries, one a protection.

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Bench, Finding, Status};
use crate::config::POLICY;
use crate::record::query::{self, Filter};
use crate::record::read::Segments;
use crate::record::{Location, RecordId};
use crate::sys::clock;
use crate::sys::descriptors::inheritable;
use crate::sys::tool::Done;

/// Variables that must not reach a command, with values that would lead it astray.
const POISON: &[(&str, &str)] = &[
    ("TAGOUT_DOCTOR_CANARY", "1"),
    ("BASH_FUNC_tagout_canary%%", "() { :; }"),
    ("DB_HOST", "doctor.invalid"),
    ("DATABASE_URL", "postgres://canary@doctor.invalid/canary"),
    ("PGHOST", "doctor.invalid"),
];
/// Of these the configuration may let some through on purpose.
const ON_PURPOSE: usize = 2;
const REFUSED: i32 = 77;

/// Where the doctor was called.
#[derive(Debug, Clone)]
pub struct Circumstances {
    /// The working directory.
    pub cwd: PathBuf,
    /// Options of the launcher that the caller gave the doctor (`--config`, `-p`).
    pub options: Vec<String>,
    /// The caller's environment that a launch needs (PATH, XDG_STATE_HOME, HOME).
    pub variables: Vec<(OsString, OsString)>,
    /// The journal of a launch here.
    pub journal: Location,
    /// A mistake in the configuration, if there is one.
    pub mistake: Option<String>,
}

/// Tries every protection.
pub fn check(bench: &Bench, here: &Circumstances) -> Vec<Finding> {
    let mut findings = vec![programs(bench), configuration(here)];
    findings.extend(launch_here(bench, here));
    findings.push(policy(bench));
    findings.push(fence(bench));
    findings.push(shims(bench));
    findings.push(machine());
    findings
}

fn programs(bench: &Bench) -> Finding {
    let own = env!("CARGO_PKG_VERSION");
    let args = [OsString::from("--version")];
    match bench.start(&bench.tagout, &args, &[], Path::new("/")) {
        Ok(done) => {
            let said = String::from_utf8_lossy(&done.out).trim().to_owned();
            if said.split_whitespace().nth(1) == Some(own) {
                Finding::new(
                    "programs",
                    Status::Works,
                    format!("{said}, and its companion {own}"),
                )
            } else {
                let seen = format!(
                    "{} says `{said}`, its companion is {own}",
                    bench.tagout.display()
                );
                Finding::new("programs", Status::Fails, seen)
                    .remedy("install both from one version")
            }
        }
        Err(why) => Finding::new("programs", Status::Fails, why).remedy(format!(
            "the launcher belongs beside this program: {}",
            bench.tagout.display()
        )),
    }
}

fn configuration(here: &Circumstances) -> Finding {
    match &here.mistake {
        None => Finding::new(
            "configuration",
            Status::Works,
            "every file that counts here is sound",
        ),
        Some(mistake) => Finding::new("configuration", Status::Fails, mistake.clone())
            .remedy("nothing starts before it is mended: tagout config check"),
    }
}

/// One launch as the caller would make it here: its environment, its descriptors, its record.
fn launch_here(bench: &Bench, here: &Circumstances) -> Vec<Finding> {
    let token =
        RecordId::new(clock::now()).map_or_else(|_| "canary".to_owned(), |id| id.to_string());
    let mut args: Vec<OsString> = vec!["run".into()];
    args.extend(here.options.iter().map(OsString::from));
    args.push("--".into());
    args.extend(
        bench
            .canary(&["report", &token])
            .into_iter()
            .map(OsString::from),
    );
    let mut variables = here.variables.clone();
    variables.extend(
        POISON
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value))),
    );
    // It lives until the launch is over: the canary must not find it.
    let socket = UnixStream::pair()
        .and_then(|(ours, theirs)| Ok((inheritable(ours.as_fd())?, ours, theirs)));
    let done = bench.start(&bench.tagout, &args, &variables, &here.cwd);
    let report = done
        .as_ref()
        .ok()
        .and_then(|done| serde_json::from_slice::<Value>(&done.out).ok());
    let Some(report) = report else {
        let why = match done {
            Ok(done) => first_line(&done),
            Err(why) => why,
        };
        let failed = |name| {
            Finding::new(
                name,
                Status::Fails,
                format!("a launch here does not come about: {why}"),
            )
        };
        return vec![failed("scrub"), failed("descriptors"), failed("journal")];
    };
    vec![
        scrub(&report),
        descriptors(&report, socket.is_ok()),
        journal(&here.journal, &token),
    ]
}

fn scrub(report: &Value) -> Finding {
    let names: Vec<&str> = report["names"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let through = |from: &[(&'static str, &str)]| -> Vec<&'static str> {
        from.iter()
            .map(|(name, _)| *name)
            .filter(|name| names.contains(name))
            .collect()
    };
    let (never, on_purpose) = POISON.split_at_checked(ON_PURPOSE).unwrap_or((POISON, &[]));
    let (bad, asked_for) = (through(never), through(on_purpose));
    if !bad.is_empty() {
        let seen = format!("{} reached the command", bad.join(", "));
        return Finding::new("scrub", Status::Fails, seen)
            .remedy("report this: it must not happen");
    }
    if !asked_for.is_empty() {
        let seen = format!("the profile in force lets {} through", asked_for.join(", "));
        return Finding::new("scrub", Status::Partial, seen)
            .remedy("tagout config show says which file passes it; a name that chooses a database is better not passed");
    }
    let seen = format!(
        "of {} poisoned variables none reached the command, which had {}",
        POISON.len(),
        names.len()
    );
    Finding::new("scrub", Status::Works, seen)
}

fn descriptors(report: &Value, tried: bool) -> Finding {
    let sockets = report["sockets"].as_array().map_or(0, Vec::len);
    let others = report["others"].as_u64().unwrap_or(0);
    if !tried {
        return Finding::new(
            "descriptors",
            Status::Absent,
            "no socket could be made to try it",
        );
    }
    if sockets > 0 {
        let seen = format!("{sockets} inherited sockets reached the command");
        return Finding::new("descriptors", Status::Fails, seen)
            .remedy("report this: it must not happen");
    }
    let seen =
        format!("an inherited socket did not reach the command ({others} pipes and files did)");
    Finding::new("descriptors", Status::Works, seen)
}

fn journal(location: &Location, token: &str) -> Finding {
    let path = location.path().display().to_string();
    let newest = Filter::default();
    let found = Segments::open(location).and_then(|segments| query::runs(&segments, &newest, 20));
    let remedy = format!("{path} must be writable for this user, on a local disk: docs/journal.md");
    match found {
        Ok(runs) => {
            let ours = runs
                .iter()
                .find(|found| found.run.to_string().contains(token));
            match ours.map(|found| found.outcome.is_some()) {
                Some(true) => Finding::new(
                    "journal",
                    Status::Works,
                    format!("the canary's start and end are in {path}"),
                ),
                Some(false) => Finding::new(
                    "journal",
                    Status::Partial,
                    format!("the canary's start is in {path}, its end is not"),
                )
                .remedy(remedy),
                None => Finding::new(
                    "journal",
                    Status::Fails,
                    format!("the canary is not in {path}"),
                )
                .remedy(remedy),
            }
        }
        Err(e) => Finding::new("journal", Status::Fails, e.to_string()).remedy(remedy),
    }
}

fn policy(bench: &Bench) -> Finding {
    match bench.launch(&bench.destroying()) {
        Ok(done) if done.status.code() == Some(REFUSED) && !bench.was_started() => Finding::new(
            "policy",
            Status::Works,
            "DROP DATABASE on a server marked as production: refused with 77, the program never started",
        ),
        Ok(done) => Finding::new(
            "policy",
            Status::Fails,
            format!(
                "DROP DATABASE on production was not refused: {}",
                first_line(&done)
            ),
        )
        .remedy("report this: it must not happen"),
        Err(why) => Finding::new("policy", Status::Fails, why),
    }
}

fn fence(bench: &Bench) -> Finding {
    let address = bench.address();
    let words = bench.canary(&["connect", &address]);
    let (Some(program), args) = (words.first(), words.get(1..).unwrap_or_default()) else {
        return Finding::new("fence", Status::Absent, "no canary");
    };
    let args: Vec<OsString> = args.iter().map(OsString::from).collect();
    let alone = bench.start(Path::new(program), &args, &[], Path::new("/"));
    if alone.is_err() || !bench.was_reached() {
        return Finding::new(
            "fence",
            Status::Absent,
            "loopback cannot be reached here even without tagout",
        );
    }
    let launched = match bench.launch(&words) {
        Ok(done) => done,
        Err(why) => return Finding::new("fence", Status::Fails, why),
    };
    let (status, tier, missing) = said_of_fence(bench, &words);
    if bench.was_reached() {
        let seen = format!(
            "a connect to production went through: {}",
            reason(&missing, &launched)
        );
        return Finding::new("fence", Status::Fails, seen).remedy(
            "Linux 5.9 or later; in containers a seccomp profile that allows the notify filter (Docker: the default \
             does since 20.10) or tracing; not inside another tagout. With fence_unavailable = \"refuse\" nothing starts without it",
        );
    }
    if status == "full" {
        return Finding::new(
            "fence",
            Status::Works,
            "a connect to production was refused by the kernel (full)",
        );
    }
    let seen = format!(
        "a connect to production was refused by the kernel ({status} by {tier}: {})",
        reason(&missing, &launched)
    );
    Finding::new("fence", Status::Partial, seen)
        .remedy("docs/fence.md says what lowers it, and what that means")
}

fn reason(missing: &[String], launched: &Done) -> String {
    match missing {
        [] => first_line(launched),
        missing => missing.join("; "),
    }
}

/// What `explain` says of the fence: status, tier, and what is missing.
fn said_of_fence(bench: &Bench, words: &[String]) -> (String, String, Vec<String>) {
    let config = bench.file("config").display().to_string();
    let mut args: Vec<OsString> = [
        "explain", "--json", "-p", "canary", "--config", &config, "--",
    ]
    .map(OsString::from)
    .to_vec();
    args.extend(words.iter().map(OsString::from));
    let done = bench.start(&bench.tagout, &args, &bench.variables(), &bench.file("."));
    let value: Value = done
        .ok()
        .and_then(|d| serde_json::from_slice(&d.out).ok())
        .unwrap_or_default();
    let said = |what: &str| {
        let said = value["fence"][what].as_str();
        said.unwrap_or("unknown").to_owned()
    };
    let missing = value["fence"]["missing"].as_array().into_iter().flatten();
    (
        said("status"),
        said("tier"),
        missing
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    )
}

/// Shims in PATH: names that lead to the launcher.
fn shims(bench: &Bench) -> Finding {
    let folders: Vec<&Path> = bench
        .path
        .split(':')
        .filter(|f| !f.is_empty())
        .map(Path::new)
        .collect();
    let mut found = Vec::new();
    let mut late = Vec::new();
    for (at, folder) in folders.iter().enumerate() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let is_shim = !name.to_string_lossy().starts_with("tagout")
                && entry
                    .path()
                    .canonicalize()
                    .is_ok_and(|real| real == bench.tagout);
            if !is_shim {
                continue;
            }
            let before = folders.get(..at).unwrap_or_default();
            if before.iter().any(|f| f.join(&name).is_file()) {
                late.push(name.to_string_lossy().into_owned());
            } else {
                found.push(name.to_string_lossy().into_owned());
            }
        }
    }
    if found.is_empty() && late.is_empty() {
        return Finding::new("shims", Status::Absent, "no name in PATH leads to tagout")
            .remedy("tagout shim install DIR, and DIR first in PATH");
    }
    if !late.is_empty() {
        let seen = format!("behind the real program in PATH: {}", late.join(", "));
        return Finding::new("shims", Status::Fails, seen)
            .remedy("put the folder of the shims first in PATH");
    }
    shim_canary(bench, &found)
}

fn shim_canary(bench: &Bench, found: &[String]) -> Finding {
    let folder = bench.file("shims");
    let shim = folder.join("psql");
    let made = std::fs::create_dir_all(&folder)
        .and_then(|()| std::os::unix::fs::symlink(&bench.tagout, &shim));
    if let Err(e) = made {
        return Finding::new(
            "shims",
            Status::Absent,
            format!("no shim could be made to try it: {e}"),
        );
    }
    let words = bench.destroying();
    let args: Vec<OsString> = words.iter().skip(1).map(OsString::from).collect();
    let path = format!(
        "{}:{}:{}",
        folder.display(),
        bench.file("bin").display(),
        bench.path
    );
    let variables = [
        ("PATH".into(), path.into()),
        ("XDG_STATE_HOME".into(), bench.file("state").into()),
    ];
    let _ = std::fs::remove_file(bench.file("started"));
    match bench.start(&shim, &args, &variables, &bench.file(".")) {
        Ok(done) if done.status.code() == Some(REFUSED) && !bench.was_started() => {
            let seen = format!(
                "DROP DATABASE through a shim was refused; in PATH: {}",
                found.join(", ")
            );
            Finding::new("shims", Status::Works, seen)
        }
        Ok(done) => Finding::new(
            "shims",
            Status::Fails,
            format!("a shim did not refuse: {}", first_line(&done)),
        ),
        Err(why) => Finding::new("shims", Status::Fails, why),
    }
}

/// The machine's own files: who may change them.
fn machine() -> Finding {
    let policy = std::fs::metadata(POLICY);
    let Ok(policy) = policy else {
        return Finding::new(
            "machine policy",
            Status::Absent,
            format!("there is no {POLICY}"),
        )
        .remedy(
            "the package brings a sample; a machine's policy is loosened by no user and no project",
        );
    };
    if policy.uid() != 0 || policy.mode() & 0o022 != 0 {
        let seen = format!("{POLICY} can be changed by others than root");
        return Finding::new("machine policy", Status::Fails, seen)
            .remedy(format!("chown root:root {POLICY}; chmod 644 {POLICY}"));
    }
    Finding::new(
        "machine policy",
        Status::Works,
        format!("{POLICY} is root's alone"),
    )
}

fn first_line(done: &Done) -> String {
    let ended = match (done.status.code(), done.status.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "no status".to_owned(),
    };
    match done.err.lines().find(|line| !line.trim().is_empty()) {
        Some(line) => format!("{ended}, {line}"),
        None => ended,
    }
}
