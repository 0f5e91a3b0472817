//! Old and new readers and writers on one chain: what this version makes of records that older
//! ones wrote and that newer ones will write, and what it leaves as it is.
//!
//! | reads ↓ / wrote → | an older version | this one | a newer one |
//! |---|---|---|---|
//! | `log`, `show`, `stats`, `tail` | all of it | all of it | what it knows; the rest is kept in `--json` |
//! | `verify` | checks | checks | checks, and says how many it did not fully understand |
//! | a writer | goes on | goes on | goes on, and says so: the chain is over bytes |
//! | `tagout-ship` | byte for byte | byte for byte | byte for byte |

use std::fs;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tagout::record::{Durability, Entry, hex};
use tagout::sys::clock;

use crate::journal::{Made, run};

/// What a writer of some version puts between `prev` and `hash`.
struct Written {
    version: u32,
    body: String,
}

const OLD_ID: &str = "0198f2c4-78dd-7e6e-85fd-3f1c9a000001";
const NEW_ID: &str = "0198f2c4-78dd-7e6e-85fd-3f1c9a000002";

/// The least that a run of version 1 ever was.
fn old() -> [Written; 3] {
    let body = |phase: &str, more: &str| {
        format!(
            "\"id\":\"{OLD_ID}\",\"phase\":\"{phase}\",\"time\":\"2026-08-22T09:31:07.000001Z\"{more}"
        )
    };
    [
        body("genesis", ",\"chain\":\"old-chain\""),
        body("intent", ",\"verdict\":\"allowed\",\"effect\":\"reads\""),
        body("outcome", ",\"exit\":{\"code\":0}"),
    ]
    .map(|body| Written { version: 1, body })
}

/// What some later version may write: a higher number, keys and phases that nobody knows yet, known
/// keys with more in them.
fn new() -> [Written; 4] {
    let body = |phase: &str, more: &str| {
        format!(
            "\"id\":\"{NEW_ID}\",\"phase\":\"{phase}\",\"time\":\"2026-08-22T09:32:07.000001Z\",{more}"
        )
    };
    let intent = r#""omens":{"birds":["left"]},"verdict":"allowed","effect":"foretells","targets":[{"uri":"oracle://delphi/x","tier":"production","mood":"grim"}],"process":{"argv":["ask"],"mode":"supervise","cwd":"/","pid":4294967295},"profile":{"name":"seer","colour":"blue"},"actor":{"user":"pythia","uid":7},"host":{"name":"h"}"#;
    [
        (2, body("intent", intent)),
        (2, body("omen", "\"birds\":2")),
        (9, body("outcome", r#""exit":{"vision":"blurred"},"took_ms":7,"observed":[{"peer":"x","mismatch":true,"sign":1}]"#)),
        // A known version with what it does not know.
        (1, body("portent", "\"deep\":[{\"x\":null}]")),
    ]
    .map(|(version, body)| Written { version, body })
}

/// Chains what writers wrote to the journal's end, as any writer would.
fn chain(made: &Made, writers: impl IntoIterator<Item = Written>) {
    let path = made.segment();
    let mut text = fs::read_to_string(&path).unwrap_or_default();
    for written in writers {
        let last: Option<Value> = text
            .lines()
            .last()
            .map(|l| serde_json::from_str(l).unwrap());
        let (seq, prev) = match &last {
            Some(last) => (
                last["seq"].as_u64().unwrap(),
                last["hash"].as_str().unwrap().to_owned(),
            ),
            None => (0, "0".repeat(64)),
        };
        let Written { version, body } = written;
        let sealed = format!(
            "{{\"v\":{version},\"seq\":{},\"prev\":\"{prev}\",{body}",
            seq + 1
        );
        let hash = hex(&Sha256::digest(&sealed));
        text.push_str(&format!("{sealed},\"hash\":\"{hash}\"}}\n"));
    }
    fs::write(path, text).unwrap();
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Old, ours, new, ours: every writer finds another's end.
fn mixed() -> Made {
    let made = Made::new();
    chain(&made, old());
    let ours = run(1, clock::now());
    made.intent(&ours);
    made.outcome(&ours, 0, false);
    chain(&made, new());
    let ours = run(2, clock::now());
    made.intent(&ours);
    made.outcome(&ours, 3, false);
    made
}

#[test]
fn one_chain_holds_what_every_version_wrote() {
    let made = mixed();
    let output = made.log(&["verify", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["integrity"]["verdict"], "intact");
    assert_eq!(
        (&value["records"], &value["newer"]),
        (&11.into(), &3.into())
    );
    assert_eq!(value["chain"], "old-chain");
    let said = text(&made.log(&["verify"]).stdout);
    assert!(said.contains("3 records of a newer version"), "{said}");
    // A newer record is held to the chain all the same.
    let whole = fs::read_to_string(made.segment()).unwrap();
    fs::write(made.segment(), whole.replace("\"left\"", "\"right\"")).unwrap();
    assert_eq!(made.log(&["verify"]).status.code(), Some(1));
}

#[test]
fn what_is_not_known_is_kept_and_said_and_never_in_the_way() {
    let made = mixed();
    let listed = text(&made.log(&["--json"]).stdout);
    let runs: Vec<Value> = listed
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(runs.len(), 4, "{listed}");
    let newer = runs.iter().find(|r| r["run"]["id"] == NEW_ID).unwrap();
    assert_eq!(newer["run"]["omens"]["birds"][0], "left");
    assert_eq!(newer["outcome"]["exit"]["vision"], "blurred");
    let table = made.log(&[]);
    assert!(text(&table.stdout).contains("foretells"));
    for (args, expected) in [
        (&["--profile", "seer"][..], 1),
        (&["--user", "pythia"], 1),
        (&["--user", "7"], 1),
        (&["--mismatch"], 1),
        (&["--target", "delphi", "--tier", "production"], 1),
        (&["--effect", "reads"], 1),
        (&["--open"], 0),
    ] {
        let found = text(&made.log(&[args, &["--json"]].concat()).stdout);
        assert_eq!(found.lines().count(), expected, "{args:?}\n{found}");
    }
    let story = text(&made.log(&["show", NEW_ID]).stdout);
    assert!(story.contains("oracle://delphi/x"), "{story}");
    assert!(
        story.contains("version 2"),
        "it says that it may not understand all: {story}"
    );
    let story = text(&made.log(&["show", OLD_ID]).stdout);
    assert!(
        story.contains("exit 0") && !story.contains("version"),
        "{story}"
    );
    let stats = made.log(&["stats", "--json"]);
    let stats: Value = serde_json::from_slice(&stats.stdout).unwrap();
    assert_eq!((&stats["runs"], &stats["open"]), (&4.into(), &0.into()));
    let tail = text(&made.log(&["tail", "-n", "4"]).stdout);
    assert!(
        tail.contains("foretells") && tail.contains("job-2"),
        "{tail}"
    );
}

#[test]
fn a_writer_goes_on_after_a_newer_one_and_its_torn_end() {
    let made = mixed();
    chain(&made, new());
    let mut bytes = fs::read(made.segment()).unwrap();
    bytes.extend_from_slice(b"{\"v\":2,\"seq\":99,\"prev\":\"00");
    fs::write(made.segment(), bytes).unwrap();
    let entry = Entry::intent(&run(5, clock::now()));
    made.journal.append(&entry, Durability::Buffered).unwrap();
    let output = made.log(&["verify", "--json"]);
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["integrity"]["verdict"], "intact", "{value}");
    assert_eq!((&value["torn"], &value["records"]), (&1.into(), &16.into()));
}

/// A launcher that meets a newer one's record says so once, and goes on.
#[test]
fn a_launcher_says_that_a_newer_one_writes_here() {
    let made = mixed();
    chain(&made, new().into_iter().take(1));
    let launch = || {
        let mut command = std::process::Command::new(crate::support::tagout());
        command.args(["run", "--", "true"]);
        let output = command.env("XDG_STATE_HOME", made.dir.path()).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        text(&output.stderr)
    };
    let said = launch();
    assert_eq!(said.matches("record is of version 2").count(), 1, "{said}");
    // Its own records stand at the end now.
    assert!(!launch().contains("version"));
    let output = made.log(&["verify", "--json"]);
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["integrity"]["verdict"], "intact", "{value}");
}

#[cfg(feature = "ship")]
#[test]
fn what_is_shipped_is_what_was_written_whatever_the_version() {
    let made = mixed();
    let state = made.dir.path().join("cursor");
    let output = crate::ship::shipper(&made, &state, "h")
        .args(["--once", "--ndjson"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "every record follows: {output:?}");
    assert_eq!(
        text(&output.stdout),
        fs::read_to_string(made.segment()).unwrap()
    );
}

/// Written by version 0.1.0 and never touched again: what it says must not change its meaning.
#[test]
fn the_first_versions_journal_is_still_read() {
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/journal-v1");
    let made = Made::new();
    let log = |args: &[&str]| made.log(&[args, &["--journal", kept]].concat());
    let heads = format!("{kept}/heads");
    let verified = log(&["verify", "--against", &heads, "--json"]);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
    let value: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(value["completeness"]["verdict"], "complete");
    let runs = text(&log(&["--json"]).stdout);
    let runs: Vec<Value> = runs
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let of = |effect: &str| {
        let found = runs.iter().filter(|r| r["run"]["effect"] == effect);
        found
            .map(|r| r["state"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("none"), ["ended", "ended"]);
    assert_eq!(of("destroys"), ["ended"]);
    let refused = log(&["--verdict", "refused", "--tier", "unmarked"]);
    assert!(text(&refused.stdout).contains("drop table orders"));
    let story = text(&log(&["show", runs[0]["run"]["id"].as_str().unwrap()]).stdout);
    for expected in ["run ", "when ", "who ", "command ", "profile "] {
        assert!(story.contains(expected), "{expected}: {story}");
    }
}
