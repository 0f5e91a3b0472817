//! The journal where the disk is full, where others could write, and on the machine's own place.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use tagout::record::{Durability, Entry, Journal, JournalError, Location};
use tagout::sys::clock;

use crate::journal::{Made, run};
use crate::servers::running_as_root;
use crate::support;

/// A script in a mount namespace of its own.
fn apart(script: &str, args: &[&Path]) -> Output {
    let flags = if running_as_root() { "-m" } else { "-rm" };
    Command::new("unshare")
        .args([flags, "sh", "-uc", script, "sh"])
        .args(args)
        .env_remove("CI")
        .output()
        .unwrap()
}

#[test]
fn a_full_disk_stops_what_must_be_recorded_and_nothing_else() {
    if support::needs("unshare").is_none() || support::needs("sqlite3").is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let script = r#"
        cd "$1"; tagout=$2; export HOME=$1
        mkdir disk; mount -t tmpfs -o size=8m none disk; export XDG_STATE_HOME=$1/disk
        say() { echo "$1 $2"; }
        "$tagout" run -- true; say fits $?
        head -c 5M /dev/zero > disk/filler
        "$tagout" run -- true 2> said; say plain $?; grep -c 'not recorded' said
        "$tagout" run -- sqlite3 "$1/x.db" 'create table t (a)' 2> said; say schema $?; grep -c 'disk that holds the journal is full' said
        test -e x.db; say made $?
        "$tagout" run -- sqlite3 "$1/x.db" 'drop table t' 2> said; say refused $?; grep -c 'not recorded' said
        cat /dev/zero > disk/filler2 2> said
        for n in 1 2 3 4 5 6 7 8; do # Some may fit the rest of the last page.
            "$tagout" run -- sqlite3 "$1/x.db" 'drop table t' 2> said; code=$?
            grep -q 'this refusal is not recorded' said && break
        done
        say unrecorded $code; grep -c 'this refusal is not recorded' said
        rm disk/filler disk/filler2
        "$tagout" run -- true; say again $?
        "$tagout" log verify > said; say verify $?
        "$tagout" log -n 100 | tail -n +2 | wc -l
    "#;
    let output = apart(script, &[dir.path(), Path::new(support::tagout())]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let words: Vec<&str> = said.split_whitespace().collect();
    let expected =
        "fits 0 plain 0 1 schema 125 1 made 1 refused 77 0 unrecorded 77 1 again 0 verify 0";
    assert!(
        said.split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .starts_with(expected),
        "{output:?}"
    );
    // Two that ran, the refusal that still fitted, and those that fitted the last page.
    let runs: usize = words.last().unwrap().parse().unwrap();
    assert!((3..=10).contains(&runs), "{said}");
}

#[test]
fn what_others_prepared_is_not_written_to_and_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let entry = || Entry::intent(&run(1, clock::now()));
    let written = |location: &Location| {
        Journal::open(location).and_then(|j| j.append(&entry(), Durability::Buffered))
    };
    let mode = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let journal = |name: &str| {
        let path = dir.path().join(name);
        let location = Location::User(path.clone());
        written(&location).unwrap();
        (path, location)
    };
    // The directory itself is a link, or others may write in it.
    let (path, _) = journal("real");
    symlink(&path, dir.path().join("link")).unwrap();
    let linked = written(&Location::User(dir.path().join("link")));
    assert!(matches!(linked, Err(JournalError::Open(..))), "{linked:?}");
    let (path, location) = journal("open");
    mode(&path, 0o770);
    assert!(written(&location).is_err(), "its group may write");
    mode(&path, 0o707);
    assert!(written(&location).is_err(), "everybody may write");
    // Group-writable is right for the machine's journal, and never more.
    let machine = Location::System(path.clone());
    assert!(written(&machine).is_err(), "everybody may write");
    mode(&path, 0o770);
    fs::read_dir(&path)
        .unwrap()
        .for_each(|e| mode(&e.unwrap().path(), 0o660));
    written(&machine).unwrap();
    // A segment or the lock is a link, a pipe, or a directory.
    for name in ["000000000001.jsonl", "lock"] {
        let (path, location) = journal(&format!("file-{name}"));
        let victim = dir.path().join(format!("victim-{name}"));
        fs::write(&victim, "mine\n").unwrap();
        fs::remove_file(path.join(name)).unwrap();
        symlink(&victim, path.join(name)).unwrap();
        assert!(written(&location).is_err(), "{name} is a link");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "mine\n");
        fs::remove_file(path.join(name)).unwrap();
        assert!(
            Command::new("mkfifo")
                .arg(path.join(name))
                .status()
                .unwrap()
                .success()
        );
        assert!(written(&location).is_err(), "{name} is a pipe");
        fs::remove_file(path.join(name)).unwrap();
        fs::create_dir(path.join(name)).unwrap();
        assert!(written(&location).is_err(), "{name} is a directory");
    }
    if !running_as_root() {
        return;
    }
    // Another user's directory, and another user's file in one's own.
    let (path, location) = journal("nobodys");
    let chown = |path: &Path| {
        let status = Command::new("chown").arg("65534:65534").arg(path).status();
        assert!(status.unwrap().success());
    };
    chown(&path.join("000000000001.jsonl"));
    assert!(written(&location).is_err(), "somebody else's segment");
    chown(&path);
    let said = written(&location).unwrap_err().to_string();
    assert!(said.contains("belongs to another user"), "{said}");
}

/// As on a machine with a package: root made `/var/log/tagout` for a group; a member's launches
/// append, an outsider's are said to be unrecorded.
#[test]
fn the_machines_journal_takes_its_groups_launches() {
    if !running_as_root() {
        return;
    }
    if support::needs("unshare").is_none() || support::needs("setpriv").is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let script = r#"
        tagout=$2; export HOME=$1/home; mkdir -p "$HOME"; chmod 777 "$HOME"
        mount -t tmpfs none /var/log; mkdir -m 2770 /var/log/tagout; chgrp 4242 /var/log/tagout
        mkdir "$1/bin"; cp "$tagout" "$tagout-companion" "$1/bin"; tagout=$1/bin/tagout; cd /
        "$tagout" run -- true; echo root $?
        umask 077
        setpriv --reuid=65534 --regid=65534 --groups=4242 "$tagout" run -- true; echo member $?
        setpriv --reuid=65533 --regid=65533 --groups=4242 "$tagout" run -- true; echo other $?
        setpriv --reuid=65532 --regid=65532 --clear-groups "$tagout" run -- true 2> "$1/said"; echo outsider $?
        grep -c 'not recorded' "$1/said"
        setpriv --reuid=65532 --regid=65532 --clear-groups "$tagout" log 2> "$1/said"; echo reads $?
        stat -c '%g %a' /var/log/tagout/*.jsonl
        "$tagout" log verify > "$1/said"; echo verify $?
        "$tagout" log --json | grep -c '"verdict":"allowed"'
    "#;
    let output = apart(script, &[dir.path(), Path::new(support::tagout())]);
    let said = String::from_utf8_lossy(&output.stdout);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected = "root 0 member 0 other 0 outsider 0 1 reads 125 4242 660 verify 0 3";
    assert_eq!(said, expected, "{output:?}");
}

#[test]
fn who_waits_in_vain_writes_beside_the_chain_and_the_next_run_takes_it_in() {
    let made = Made::new();
    made.intent(&run(1, clock::now()));
    if support::needs("flock").is_none() {
        return;
    }
    let script = format!(
        "exec flock -x {} sh -c '{} run -- true; echo $?; ls {}'",
        made.path().join("lock").display(),
        support::tagout(),
        made.path().display()
    );
    let output = Command::new("sh")
        .args(["-c", &script])
        .env("XDG_STATE_HOME", made.dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.starts_with("0\n"), "{output:?}");
    for phase in ["intent", "outcome"] {
        let set_aside = |l: &&str| l.starts_with("spill-") && l.contains(phase);
        assert_eq!(said.lines().filter(set_aside).count(), 1, "{said}");
    }
    made.intent(&run(2, clock::now()));
    let text = fs::read_to_string(made.segment()).unwrap();
    assert_eq!(text.matches("\"spilled\":true").count(), 2, "{text}");
    assert!(made.log(&["verify"]).status.success());
    let runs = made.log(&["--json", "--profile", "default"]);
    let value: serde_json::Value = serde_json::from_slice(&runs.stdout).unwrap();
    assert_eq!(value["state"], "ended", "the run has its outcome: {value}");
}

/// Launches that are killed at any moment: the chain stays whole, and what tagout told its caller is
/// in the journal.
#[test]
fn a_storm_of_killed_launches_breaks_no_chain_and_loses_nothing_that_was_told() {
    let dir = tempfile::tempdir().unwrap();
    let line = "exec \"$0\" run --status-fd 3 -- true 3>&1 1>/dev/null 2>&1";
    let start = || {
        Command::new("sh")
            .args(["-c", line, support::tagout()])
            .env("XDG_STATE_HOME", dir.path())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let (mut told, mut killed, mut random) = (String::new(), 0, 0x9e37_79b9u64);
    for _ in 0..20 {
        let mut wave: Vec<_> = (0..16).map(|_| start()).collect();
        for child in wave.iter_mut().step_by(2) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            std::thread::sleep(std::time::Duration::from_micros(random % 9000));
            let _ = child.kill();
        }
        for child in wave {
            let output = child.wait_with_output().unwrap();
            killed += i32::from(output.status.code().is_none());
            told.push_str(&String::from_utf8_lossy(&output.stdout));
        }
    }
    // Who waits for the lock in vain, on a disk that is slow, writes beside the chain: the next run
    // takes that in.
    let journal = dir.path().join("tagout/journal");
    let aside = || {
        let names = fs::read_dir(&journal)
            .unwrap()
            .map(|e| e.unwrap().file_name());
        names
            .filter(|n| n.to_string_lossy().starts_with("spill-"))
            .count()
    };
    for _ in 0..20 {
        if aside() > 0 {
            start().wait_with_output().unwrap();
        }
    }
    // A piece of a line may end within a character.
    let text = fs::read(journal.join("000000000001.jsonl")).unwrap();
    let text = String::from_utf8_lossy(&text);
    let mut records = 0;
    for line in told.lines() {
        let Ok(status) = serde_json::from_str::<serde_json::Value>(line) else {
            continue;
        };
        let phase = match status["event"].as_str() {
            Some("started") => "intent",
            Some("ended") => "outcome",
            other => panic!("{other:?}: {line}"),
        };
        let record = format!("\"id\":{},\"phase\":\"{phase}\"", status["id"]);
        assert!(
            text.contains(&record),
            "{line} was told and is not recorded"
        );
        records += 1;
    }
    assert!(
        records >= 320 && killed > 0,
        "{records} told, {killed} killed"
    );
    let verified = Command::new(support::tagout())
        .args(["log", "verify"])
        .env("XDG_STATE_HOME", dir.path())
        .output()
        .unwrap();
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
}
