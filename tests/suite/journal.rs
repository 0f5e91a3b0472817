//! `tagout log` on journals that the library wrote.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tagout::invocation::actor::Actor;
use tagout::invocation::host::Host;
use tagout::record::{
    Durability, Ending, Entry, Journal, Location, NamesFact, Observed, Outcome, ProcessFact,
    ProfileFact, RecordId, Run, TargetFact,
};
use tagout::sys::clock::{self, Moment};

use crate::support;

/// A journal in a directory of its own.
pub(crate) struct Made {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) journal: Journal,
}

impl Made {
    pub(crate) fn new() -> Made {
        let dir = tempfile::tempdir().unwrap();
        let location = Location::User(dir.path().join("tagout/journal"));
        let journal = Journal::open(&location).unwrap();
        Made { dir, journal }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("tagout/journal")
    }

    pub(crate) fn segment(&self) -> PathBuf {
        self.path().join("000000000001.jsonl")
    }

    pub(crate) fn log(&self, args: &[&str]) -> Output {
        log(self.dir.path(), args)
    }

    pub(crate) fn intent(&self, run: &Run) {
        let entry = match run.verdict.as_str() {
            "refused" => Entry::refused(run),
            _ => Entry::intent(run),
        };
        self.journal.append(&entry, Durability::Buffered).unwrap();
    }

    pub(crate) fn outcome(&self, run: &Run, code: i32, strange: bool) {
        let seen = Observed {
            protocol: "tcp".into(),
            peer: "10.9.9.9:3306".into(),
            mismatch: true,
            ..Observed::default()
        };
        let outcome = Outcome {
            id: run.id,
            time: clock::now(),
            ending: Ending::Exited(code),
            took_ms: 12,
            usage: None,
            observed: if strange { vec![seen] } else { Vec::new() },
            fence: None,
            gates: Vec::new(),
        };
        let entry = Entry::outcome(&outcome);
        self.journal.append(&entry, Durability::Buffered).unwrap();
    }
}

fn log(state: &Path, args: &[&str]) -> Output {
    Command::new(support::tagout())
        .arg("log")
        .args(args)
        .env("XDG_STATE_HOME", state)
        .output()
        .unwrap()
}

/// A run with some variety by number.
pub(crate) fn run(number: u64, time: Moment) -> Run {
    let refused = number.is_multiple_of(5);
    let target = TargetFact {
        uri: format!("mysql://app@db-{number}.internal:3306/shop"),
        engine: "mysql".into(),
        tier: if number.is_multiple_of(2) {
            "production"
        } else {
            "unmarked"
        }
        .into(),
        ..TargetFact::default()
    };
    Run {
        id: RecordId::new(time).unwrap(),
        time,
        verdict: if refused { "refused" } else { "allowed" }.into(),
        rule: "destroys-production".into(),
        reasons: Vec::new(),
        effect: if refused { "destroys" } else { "writes" }.into(),
        tool: "artisan".into(),
        actions: Vec::new(),
        targets: vec![target],
        gaps: Vec::new(),
        errors: Vec::new(),
        gates: Vec::new(),
        actor: Actor {
            uid: 1000,
            euid: 1000,
            user: Some("deploy".into()),
            ..Actor::default()
        },
        process: ProcessFact {
            pid: u32::MAX,
            argv: vec!["php".into(), "artisan".into(), format!("job-{number}")],
            cwd: format!("/srv/app-{}", number % 3),
            ..ProcessFact::default()
        },
        profile: ProfileFact {
            name: "worker".into(),
            ..ProfileFact::default()
        },
        environment: NamesFact::default(),
        enforcement: Vec::new(),
        enforcement_missing: Vec::new(),
        closed: Vec::new(),
        git: None,
        host: Host {
            name: "h".into(),
            boot: Some("b".into()),
            ..Host::default()
        },
    }
}

/// Twenty runs a minute apart; every fifth is refused, the third never ended, the seventh
/// contacted something strange.
pub(crate) fn twenty() -> Made {
    let made = Made::new();
    for number in 1..=20 {
        let run = run(
            number,
            Moment {
                seconds: 1_800_000_000 + number * 60,
                nanos: 0,
            },
        );
        made.intent(&run);
        if run.verdict == "allowed" && number != 3 {
            made.outcome(&run, 0, number == 7);
        }
    }
    made
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn jobs(output: &Output) -> Vec<u64> {
    let jobs = text(output);
    let jobs = jobs.lines().filter_map(|l| l.rsplit_once("job-"));
    jobs.map(|(_, n)| n.parse().unwrap()).collect()
}

#[test]
fn runs_are_found_by_each_filter_newest_first() {
    let made = twenty();
    let cases: [(&[&str], &[u64]); 14] = [
        (&["-n", "3"], &[20, 19, 18]),
        (&["--verdict", "refused"], &[20, 15, 10, 5]),
        (&["--effect", "destroys", "-n", "1"], &[20]),
        (&["--tier", "production", "--verdict", "refused"], &[20, 10]),
        (&["--tier", "unresolved"], &[]),
        (&["--target", "db-1."], &[1]),
        (
            &["--target", "*@db-1*.internal:3306/shop", "-n", "2"],
            &[19, 18],
        ),
        (&["--profile", "worker", "-n", "1"], &[20]),
        (&["--profile", "work"], &[]),
        (
            &["--user", "deploy", "--cwd", "/srv/app-2", "-n", "2"],
            &[20, 17],
        ),
        (&["--cwd", "/srv/app"], &[]),
        (&["--open"], &[3]),
        (&["--mismatch"], &[7]),
        (
            &["--since", "2027-01-15T08:18", "--until", "2027-01-15T08:20"],
            &[19, 18],
        ),
    ];
    for (args, expected) in cases {
        let output = made.log(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(jobs(&output), expected, "{args:?}\n{}", text(&output));
    }
}

#[test]
fn one_run_is_shown_by_the_beginning_of_its_id() {
    let made = twenty();
    let listed = made.log(&["--mismatch", "--json"]);
    let value: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(value["state"], "ended");
    let id = value["run"]["id"].as_str().unwrap();
    let shown = made.log(&["show", &id[..20]]);
    assert_eq!(shown.status.code(), Some(0));
    assert!(
        text(&shown).contains("NOT a resolved target"),
        "{}",
        text(&shown)
    );
    assert_eq!(made.log(&["show", "ffff"]).status.code(), Some(1));
    assert!(text(&made.log(&["show", "last"])).contains("job-20"));
}

#[test]
fn verifying_tells_integrity_from_completeness() {
    let made = twenty();
    let verified = made.log(&["verify", "--json"]);
    assert_eq!(verified.status.code(), Some(0));
    let value: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(value["integrity"]["verdict"], "intact");
    assert_eq!(value["completeness"]["verdict"], "no-anchor");
    assert_eq!(
        made.log(&["verify", "--require-anchor"]).status.code(),
        Some(4)
    );
    let anchor = format!(
        "tagout-checkpoint/v1 h {} {} {} 2027-01-15T08:20:00Z\n",
        value["chain"].as_str().unwrap(),
        value["last"],
        value["head"].as_str().unwrap()
    );
    let heads = made.dir.path().join("heads.txt");
    fs::write(&heads, anchor).unwrap();
    let against = ["verify", "--against", heads.to_str().unwrap()];
    assert_eq!(made.log(&against).status.code(), Some(0));
    let whole = fs::read_to_string(made.segment()).unwrap();
    let cut: Vec<&str> = whole.lines().take(10).collect();
    fs::write(made.segment(), cut.join("\n") + "\n").unwrap();
    assert_eq!(
        made.log(&["verify"]).status.code(),
        Some(0),
        "a cut end leaves no trace"
    );
    let output = made.log(&against);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    fs::write(made.segment(), whole.replacen("job-4", "job-5", 1)).unwrap();
    let output = made.log(&["verify"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("BROKEN"), "{}", text(&output));
}

#[test]
fn a_follower_is_told_of_new_runs() {
    let made = twenty();
    let mut tail = Command::new(support::tagout())
        .args(["log", "tail", "-f", "-n", "1"])
        .env("XDG_STATE_HOME", made.dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("TIME"));
    assert!(lines.next().unwrap().unwrap().contains("job-20"));
    let next = run(21, clock::now());
    made.intent(&next);
    assert!(lines.next().unwrap().unwrap().contains("job-21"));
    made.outcome(&next, 3, false);
    assert!(lines.next().unwrap().unwrap().contains("exit 3"));
    tail.kill().unwrap();
    tail.wait().unwrap();
}

#[test]
fn a_follower_goes_on_over_new_segments() {
    let made = Made::new();
    made.intent(&run(1, clock::now()));
    let mut tail = Command::new(support::tagout())
        .args(["log", "tail", "-f", "-n", "1"])
        .env("XDG_STATE_HOME", made.dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    // Headings, and the run that was there.
    let _ = (lines.next(), lines.next());
    let small = Journal::open(&Location::User(made.path())).unwrap();
    let small = small.with_segment_bytes(2000);
    for number in 2..32 {
        let entry = Entry::refused(&run(number, clock::now()));
        small.append(&entry, Durability::Buffered).unwrap();
    }
    assert!(fs::read_dir(made.path()).unwrap().count() > 5);
    for number in 2..32 {
        let line = lines.next().unwrap().unwrap();
        assert!(line.ends_with(&format!("job-{number}")), "{line}");
    }
    tail.kill().unwrap();
    tail.wait().unwrap();
}

/// Everybody begins segments and nobody's record is lost or twice.
#[test]
fn sixty_four_writers_at_once_begin_segments_in_one_chain() {
    let made = Made::new();
    let location = Location::User(made.path());
    let ids: Vec<String> = std::thread::scope(|scope| {
        let writer = || {
            let journal = Journal::open(&location).unwrap().with_segment_bytes(15_000);
            let append = |number| {
                let entry = Entry::refused(&run(number, clock::now()));
                journal.append(&entry, Durability::Buffered).unwrap();
                entry.id().to_string()
            };
            (0..10).map(append).collect::<Vec<_>>()
        };
        let writers: Vec<_> = (0..64).map(|_| scope.spawn(writer)).collect();
        let ids = writers.into_iter().flat_map(|w| w.join().unwrap());
        ids.collect()
    });
    // Who waited in vain is taken in by the next ones, some at a time.
    let is_aside = |e: fs::DirEntry| e.file_name().to_string_lossy().starts_with("spill");
    let aside = || {
        fs::read_dir(made.path())
            .unwrap()
            .any(|e| is_aside(e.unwrap()))
    };
    made.intent(&run(1, clock::now()));
    while aside() {
        made.intent(&run(1, clock::now()));
    }
    let verified = made.log(&["verify", "--json"]);
    let value: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(value["integrity"]["verdict"], "intact", "{value}");
    assert!(value["segments"].as_u64() > Some(20), "{value}");
    let listed = made.log(&["--json", "-n", "2000"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    for id in &ids {
        let key = format!("\"id\":\"{id}\"");
        assert_eq!(listed.matches(&key).count(), 1, "{id}");
    }
}

#[test]
fn counting_and_an_absent_journal() {
    let made = twenty();
    let output = made.log(&["stats", "--json"]);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["runs"], 20);
    assert_eq!(value["verdicts"]["refused"], 4);
    assert_eq!(
        (&value["open"], &value["mismatches"]),
        (&1.into(), &1.into())
    );
    let nothing = tempfile::tempdir().unwrap();
    let output = log(nothing.path(), &[]);
    assert_eq!(
        (output.status.code(), text(&output)),
        (Some(0), String::new())
    );
    assert!(
        !nothing.path().join("tagout").exists(),
        "reading makes nothing"
    );
}

/// A key pair and a file that allows it.
fn key(dir: &Path) -> Option<(PathBuf, PathBuf)> {
    support::needs("ssh-keygen")?;
    let key = dir.join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
        .arg(&key)
        .status();
    assert!(made.unwrap().success());
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    let allowed = dir.join("allowed");
    fs::write(&allowed, format!("worker@host {public}")).unwrap();
    Some((key, allowed))
}

#[test]
fn a_signed_head_shows_a_cut_end_and_a_forged_one_is_not_believed() {
    let made = twenty();
    let Some((key, allowed)) = key(made.dir.path()) else {
        return;
    };
    let heads = made.dir.path().join("heads");
    let place = format!("file:{}", heads.display());
    let key = key.to_str().unwrap();
    let taken = made.log(&["checkpoint", "--key", key, "--to", &place]);
    assert_eq!(taken.status.code(), Some(0), "{taken:?}");
    made.intent(&run(22, clock::now()));
    let taken = made.log(&["checkpoint", "--key", key, "--to", &place]);
    assert_eq!(taken.status.code(), Some(0));
    let allowed = allowed.to_str().unwrap();
    let verify = ["verify", "--against", &place, "--signers", allowed];
    let output = made.log(&verify);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        text(&output).contains("complete up to record"),
        "{}",
        text(&output)
    );
    // The end is cut, checkpoint records included: only the head that was kept elsewhere shows it.
    let whole = fs::read_to_string(made.segment()).unwrap();
    let cut: Vec<&str> = whole.lines().take(20).collect();
    fs::write(made.segment(), cut.join("\n") + "\n").unwrap();
    assert_eq!(made.log(&verify).status.code(), Some(3));
    fs::write(made.segment(), &whole).unwrap();
    let kept = fs::read_to_string(&heads).unwrap();
    let forged = kept
        .replacen(" 2026-", " 2027-", 1)
        .replacen(" 2026-", " 2027-", 1);
    let forged = if forged == kept {
        kept.replace("AAAA", "AAAB")
    } else {
        forged
    };
    fs::write(&heads, forged).unwrap();
    let output = made.log(&verify);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

#[test]
fn heads_are_kept_in_git_and_what_fails_is_said() {
    let made = twenty();
    let Some(_) = support::needs("git") else {
        return;
    };
    let repository = made.dir.path().join("heads");
    let git = |args: &[&str]| {
        let status = Command::new("git")
            .arg("-C")
            .arg(&repository)
            .args(args)
            .output()
            .unwrap();
        assert!(status.status.success(), "{status:?}");
    };
    fs::create_dir(&repository).unwrap();
    git(&["init", "-q"]);
    git(&[
        "-c",
        "user.name=x",
        "-c",
        "user.email=x@y",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "x",
    ]);
    let place = format!("git:{}", repository.display());
    let nowhere = made.dir.path().join("no/such/heads");
    let nowhere = format!("file:{}", nowhere.display());
    assert_eq!(
        made.log(&["checkpoint", "--to", &place]).status.code(),
        Some(0)
    );
    let output = made.log(&["checkpoint", "--to", &place, "--to", &nowhere]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not kept in file"));
    let output = made.log(&["verify", "--against", &place]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        text(&output).contains("(2 anchors hold)"),
        "{}",
        text(&output)
    );
}

#[test]
fn a_command_that_needs_an_anchor_does_not_start_without_one() {
    let dir = tempfile::tempdir().unwrap();
    let project = dir.path().join("project");
    fs::create_dir(&project).unwrap();
    fs::write(
        project.join("tagout.toml"),
        "[journal]\nanchor_required_for = [\"destroys\", \"changes-schema\", \"opaque\", \"reads\", \"writes\"]\n",
    )
    .unwrap();
    let start = |args: &[&str]| {
        Command::new(support::tagout())
            .args(["run", "--"])
            .args(args)
            .current_dir(&project)
            .env("HOME", dir.path())
            .env("XDG_STATE_HOME", dir.path())
            .output()
            .unwrap()
    };
    assert_eq!(
        start(&["true"]).status.code(),
        Some(0),
        "it touches no database"
    );
    let file = project.join("x.db");
    let output = start(&["sqlite3", file.to_str().unwrap(), "select 1"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // Where the catalogue does not know the client yet, nothing is demanded.
    if output.status.code() == Some(125) {
        assert!(said.contains("kept elsewhere"), "{said}");
    }
}

#[test]
fn a_report_is_one_page_that_needs_nothing_else() {
    let made = twenty();
    let file = made.dir.path().join("report.html");
    let output = Command::new(support::tagout())
        .args(["report", "--html", file.to_str().unwrap()])
        .env("XDG_STATE_HOME", made.dir.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let page = fs::read_to_string(&file).unwrap();
    for expected in [
        "Refused (4)",
        "Touched production (8)",
        "Contacted what was not resolved (1)",
        "Without an outcome (1)",
        "All runs, newest first (20)",
        "intact",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    for outside in ["src=", "http:", "https:", "url(", "<script", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    let opened = page.matches("<details>").count();
    assert_eq!(opened, page.matches("</details>").count());
    assert_eq!(opened, 20 + 4 + 8 + 1 + 1);
}
