//! Protections besides the fence, as a user would miss them: hidden files, places of their own,
//! bounds, and processes that are left behind.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fence::{Project, arrived, compiled, port, server};
use crate::support::tagout;

/// A project whose profile has these lines besides.
fn project(lines: &str) -> Project {
    let project = Project::new();
    let marks = "[[marks]]\ntier = \"production\"\nhost = \"127.0.0.2\"\n";
    project.write("tagout.toml", &format!("{marks}[profiles.worker]\n{lines}"));
    project
}

fn explained(project: &Project, words: &[&str]) -> Value {
    let mut command = Command::new(tagout());
    command
        .args(["explain", "--json", "-p", "worker", "--"])
        .args(words);
    project.settle(&mut command);
    let ran = project.run(&mut command);
    serde_json::from_str(&ran.stdout()).unwrap_or_else(|e| panic!("{e}: {}", ran.stderr()))
}

fn protection<'a>(explained: &'a Value, name: &str) -> &'a Value {
    let all = explained["protections"].as_array().unwrap();
    all.iter().find(|one| one["name"] == name).unwrap()
}

fn host(explained: &Value) -> &Value {
    &explained["targets"][0]["host"]
}

#[test]
fn files_are_hidden_by_their_readers_variables() {
    let project = project("hide = [\"~/.pgpass\", \"~/.my.cnf\"]\n");
    let ran = project.held(&["env"]);
    assert!(
        ran.stdout().contains("PGPASSFILE=/dev/null\n"),
        "{}",
        ran.stderr()
    );
    let explained = explained(&project, &["true"]);
    let hide = protection(&explained, "hide");
    let missing = hide["missing"].to_string();
    assert_eq!(hide["status"], "partial");
    assert!(
        missing.contains("~/.my.cnf") && !missing.contains(".pgpass"),
        "{missing}"
    );
}

#[test]
fn files_hidden_by_the_kernel_cannot_be_read_and_are_not_judged_by() {
    let lines = "hide = [\"~/.my.cnf\", \".env.production\", \"keys\", \"none\"]\n";
    let project = project(lines);
    let client = "[client]\nhost = db-9.example\n";
    project.write(".my.cnf", client);
    project.write(".env.production", "SECRET=1\n");
    project.write("plain", "plain\n");
    fs::create_dir_all(project.path("keys/deep")).unwrap();
    fs::create_dir_all(project.path("one")).unwrap();
    fs::create_dir_all(project.path("two")).unwrap();
    project.write("keys/deep/key", "KEY\n");
    project.write("one/file", "moved\n");
    let query = ["mysql", "-e", "select 1"];
    assert_eq!(host(&explained(&project, &query)), "db-9.example");
    let by_kernel = format!("{lines}hide_by = \"landlock\"\n");
    project.write("tagout.toml", &format!("[profiles.worker]\n{by_kernel}"));
    let seen = explained(&project, &query);
    let hide = protection(&seen, "hide");
    if hide["status"] != "full" {
        assert!(hide["missing"].to_string().contains("Landlock"), "{hide}");
        crate::support::skip("Landlock");
        return;
    }
    assert_ne!(host(&seen), "db-9.example");
    let script = "cat .my.cnf .env.production keys/deep/key; cat plain; mv one/file two/; \
                  cat two/file; mv .env.production two/env; cat two/env; echo new > two/new; \
                  cat two/new; ls keys; cp /dev/null x; head -c 3 /etc/hostname > /dev/null; echo $?";
    let ran = project.held(&["sh", "-c", script]);
    let expected = "plain\nmoved\nnew\ndeep\n0\n";
    assert_eq!(ran.stdout(), expected, "{}", ran.stderr());
    assert_eq!(
        ran.stderr().matches("Permission denied").count(),
        4,
        "{}",
        ran.stderr()
    );
    assert!(project.path(".env.production").exists());
    assert_eq!(intent(&project)["enforcement"]["hide"], "full");
}

#[test]
fn a_home_of_its_own_is_empty_and_gone_afterwards() {
    let project = project("private = [\"home\", \"tmp\"]\n");
    project.write(".my.cnf", "[client]\nhost = db-9.example\n");
    let seen = explained(&project, &["mysql", "-e", "select 1"]);
    assert_ne!(host(&seen), "db-9.example");
    let private = protection(&seen, "private");
    assert_eq!(private["status"], "partial");
    assert!(private["missing"].to_string().contains("user database"));
    for end in ["exit 3", "kill -9 $$"] {
        let script = format!("echo $HOME; echo $TMPDIR; cd; touch a \"$TMPDIR/b\"; ls -A; {end}");
        let ran = project.held(&["sh", "-c", &script]);
        let shown = ran.stdout();
        let lines: Vec<&str> = shown.lines().collect();
        let [home, tmp, "a"] = lines.as_slice() else {
            panic!("{shown}{}", ran.stderr());
        };
        for place in [home, tmp] {
            assert!(place.starts_with("/tmp/tagout-"), "{place}");
            assert!(!std::path::Path::new(place).exists(), "{place}");
        }
        assert_eq!(intent(&project)["enforcement"]["private"], "partial");
    }
}

/// Where tagout is killed its private places stay until the next run that has such; those of runs
/// that go on are left alone.
#[test]
fn places_of_a_killed_run_are_removed_by_the_next() {
    let project = project("private = [\"home\", \"tmp\"]\n");
    let home = |ran: &crate::fence::Ran| PathBuf::from(ran.stdout().lines().next().unwrap());
    let fifo = project.path("go");
    let made = Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    let waiting = ["sh", "-c", "echo $HOME > waiting; read x < go"];
    let mut waits = project.command("worker").args(waiting).spawn().unwrap();
    let killed = project.held(&["sh", "-c", "echo $HOME; kill -9 $PPID; exec sleep 600"]);
    let left = home(&killed);
    let begun = Instant::now();
    let going_on = loop {
        let text = fs::read_to_string(project.path("waiting")).unwrap_or_default();
        if text.ends_with('\n') {
            break PathBuf::from(text.trim());
        }
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(2));
    };
    let next = project.held(&["sh", "-c", "echo $HOME"]);
    assert!(!home(&next).exists());
    assert!(!left.exists(), "{}", left.display());
    assert!(going_on.exists(), "{}", going_on.display());
    fs::write(&fifo, "go\n").unwrap();
    assert!(waits.wait().unwrap().success());
    assert!(!going_on.exists());
}

#[test]
fn bounds_are_put_on_each_process() {
    let lines = "limits = { open_files = 50, core_mib = 0, cpu_seconds = 60, file_mib = 1, \
                 memory_mib = 4096 }\n";
    let project = project(lines);
    let script = "ulimit -n; ulimit -c; ulimit -t; ulimit -v; \
                  (trap '' XFSZ; head -c 2000000 /dev/zero > big); wc -c < big";
    let ran = project.held(&["bash", "-c", script]);
    assert_eq!(
        ran.stdout(),
        "50\n0\n60\n4194304\n1048576\n",
        "{}",
        ran.stderr()
    );
    assert_eq!(intent(&project)["enforcement"]["limits"], "full");
    project.write(
        "tagout.toml",
        "[profiles.worker]\nlimits = { processor = 1 }\n",
    );
    let ran = project.held(&["true"]);
    assert!(ran.stderr().contains("processor"), "{}", ran.stderr());
    assert_eq!(ran.output.status.code(), Some(125));
}

#[test]
fn processes_that_are_left_are_waited_for_and_recorded_or_killed() {
    let project = project("survivors = \"wait\"\n");
    let Some(doors) = compiled(&project, "doors") else {
        return;
    };
    let (development, production) = (server("127.0.0.1"), server("127.0.0.2"));
    let (doors, good, bad) = (doors.display(), port(&development), port(&production));
    let shell = project.unknown("sh").unwrap();
    let shell = shell.to_str().unwrap();
    let script = format!(
        "(FIRST=$$ setsid sh -c 'while kill -0 $FIRST 2>/dev/null; do sleep 0.02; done; \
         {doors} 127.0.0.1 {good} plain; {doors} 127.0.0.2 {bad} plain') > late 2>&1 &"
    );
    let ran = project.held(&[shell, "-c", &script]);
    let late = fs::read_to_string(project.path("late")).unwrap();
    assert_eq!(late, "plain ok\nplain EACCES\n", "{}", ran.stderr());
    assert_eq!(ran.outcome["fence"]["outlived"], false);
    let refused = ran.seen(&format!("127.0.0.2:{bad}")).unwrap();
    assert_eq!(refused["denied"], true, "{}", ran.outcome);
    assert_eq!((arrived(&development), arrived(&production)), (1, 0));

    project.write("tagout.toml", "[profiles.worker]\nsurvivors = \"kill\"\n");
    let script = "setsid sh -c 'trap \"\" TERM HUP; echo $$ > left; while :; do sleep 600; done' & \
                  while [ ! -s left ]; do sleep 0.02; done";
    let ran = project.held(&[shell, "-c", script]);
    let left = fs::read_to_string(project.path("left")).unwrap();
    let gone = !std::path::Path::new(&format!("/proc/{}", left.trim())).exists();
    assert!(gone, "{left}");
    assert_eq!(ran.outcome["fence"]["outlived"], false);
}

/// The last intent in the journal.
fn intent(project: &Project) -> Value {
    let journal = project.path("state/tagout/journal/000000000001.jsonl");
    let text = fs::read_to_string(journal).unwrap();
    let last = text
        .lines()
        .rfind(|line| line.contains("\"phase\":\"intent\""));
    serde_json::from_str(last.unwrap()).unwrap()
}
