//! Heads of the journal kept elsewhere: every place, and commands that need one first.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::journal::{run, twenty};
use crate::support::{self, Ran, Scene, ran};

/// A program in a mount namespace of its own, as root of its own where the test is not root.
fn apart(script: &str, args: &[&Path]) -> Command {
    let mut command = Command::new("unshare");
    let flags = match crate::servers::running_as_root() {
        true => "-m",
        false => "-rm",
    };
    command.args([flags, "sh", "-euc", script, "sh"]).args(args);
    command
}

#[test]
fn the_systems_log_gets_the_head() {
    let made = twenty();
    let (Some(_), Some(_)) = (support::needs("logger"), support::needs("unshare")) else {
        return;
    };
    let devices = made.dir.path().join("dev");
    fs::create_dir(&devices).unwrap();
    let socket = made.dir.path().join("log.socket");
    let log = UnixDatagram::bind(&socket).unwrap();
    log.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // `logger` talks to /dev/log: a /dev of its own has this test's socket there.
    let script = "mount -t tmpfs none \"$1\"; for n in null urandom; do touch \"$1/$n\"; mount --bind /dev/$n \"$1/$n\"; done
        ln -s \"$2\" \"$1/log\"; mount --rbind \"$1\" /dev
        exec \"$3\" log checkpoint --to syslog";
    let program = Path::new(support::tagout());
    let output = apart(script, &[&devices, &socket, program])
        .env("XDG_STATE_HOME", made.dir.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let mut message = [0; 4096];
    let length = match log.recv(&mut message) {
        Ok(length) => length,
        Err(e) if e.kind() == ErrorKind::WouldBlock => panic!("nothing came: {output:?}"),
        Err(e) => panic!("{e}"),
    };
    let message = String::from_utf8_lossy(&message[..length]).into_owned();
    // authpriv.notice is 10 * 8 + 5.
    assert!(message.starts_with("<85>"), "{message}");
    // The log's lines, saved to a file, are anchors again.
    let saved = made.dir.path().join("saved");
    fs::write(&saved, format!("{message}\n")).unwrap();
    let verify = ["verify", "--against", saved.to_str().unwrap()];
    assert_eq!(made.log(&verify).status.code(), Some(0));
    made.intent(&run(21, tagout::sys::clock::now()));
    let text = fs::read_to_string(made.segment()).unwrap();
    let cut: Vec<&str> = text.lines().take(30).collect();
    fs::write(made.segment(), cut.join("\n") + "\n").unwrap();
    assert_eq!(made.log(&verify).status.code(), Some(3));
    // The log itself cannot be asked.
    let asked = made.log(&["verify", "--against", "syslog"]);
    assert_eq!(asked.status.code(), Some(125), "{asked:?}");
}

#[test]
fn a_database_keeps_heads_that_the_host_cannot_take_back() {
    let Some(server) = crate::servers::Postgres::start() else {
        return;
    };
    let schema = include_str!("../../docs/postgres.sql").replace(":\"DBNAME\"", "postgres");
    server.sql("postgres", &schema);
    let made = twenty();
    let place = |user: &str| {
        format!(
            "postgres:host=127.0.0.1 port={} user={user} dbname=postgres",
            server.port
        )
    };
    for _ in 0..2 {
        let taken = made.log(&["checkpoint", "--to", &place("tagout_ship")]);
        assert_eq!(taken.status.code(), Some(0), "{taken:?}");
    }
    assert_eq!(
        server.sql("postgres", "select count(*) from tagout_head"),
        "2"
    );
    let taken_back = Command::new("psql")
        .args([
            "-Xqd",
            place("tagout_ship").strip_prefix("postgres:").unwrap(),
        ])
        .args(["-c", "delete from tagout_head"])
        .output()
        .unwrap();
    assert!(!taken_back.status.success(), "{taken_back:?}");
    let verify = made.log(&["verify", "--against", &place("postgres")]);
    assert_eq!(verify.status.code(), Some(0), "{verify:?}");
    let text = fs::read_to_string(made.segment()).unwrap();
    let cut: Vec<&str> = text.lines().take(30).collect();
    fs::write(made.segment(), cut.join("\n") + "\n").unwrap();
    let verify = made.log(&["verify", "--against", &place("postgres")]);
    assert_eq!(verify.status.code(), Some(3), "{verify:?}");
}

#[test]
fn a_note_is_pushed_where_the_host_cannot_rewrite_it() {
    let made = twenty();
    let Some(_) = support::needs("git") else {
        return;
    };
    let at = |name: &str| made.dir.path().join(name);
    let git = |args: &[&str]| {
        let output = Command::new("git")
            .args(["-c", "user.name=x", "-c", "user.email=x@y"])
            .args(args)
            .current_dir(made.dir.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?} {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["init", "-q", "--bare", "far"]);
    git(&["init", "-q", "near"]);
    git(&["-C", "near", "commit", "-q", "--allow-empty", "-m", "x"]);
    git(&["-C", "near", "remote", "add", "origin", "../far"]);
    let place = format!("git:{},origin", at("near").display());
    let taken = made.log(&["checkpoint", "--to", &place]);
    assert_eq!(taken.status.code(), Some(0), "{taken:?}");
    let there = git(&["-C", "far", "for-each-ref", "--format=%(refname)"]);
    assert!(there.contains("refs/notes/tagout"), "{there}");
}

/// What the scene's user says about anchors, and that one database may be thrown away.
fn scene(anchors: &str) -> Scene {
    let scene = Scene::new();
    let place = |name: &str| scene.path(name).to_str().unwrap().to_owned();
    let config = format!(
        "{}\n[[marks]]\ntier = \"disposable\"\nfile = \"{}\"\n",
        anchors.replace("HEADS", &place("heads")),
        place("throwaway.db")
    );
    scene.file("user/config.toml", &config);
    scene
}

fn sqlite(scene: &Scene, sql: &str) -> Ran {
    let file = scene.path("throwaway.db");
    let file = file.to_str().unwrap();
    ran(&mut scene.tagout(&["run", "--config", "user", "--", "sqlite3", file, sql]))
}

#[test]
fn what_destroys_does_not_start_before_its_head_is_kept() {
    if support::needs("sqlite3").is_none() {
        return;
    }
    let demands = "[journal]\nanchor_required_for = [\"destroys\"]\nanchors = [\"file:HEADS\"]\n";
    let scene = scene(demands);
    let made = sqlite(&scene, "create table t (a); insert into t values (1);");
    assert_eq!(made.code, Some(0), "{made:?}");
    let dropped = sqlite(&scene, "drop table t");
    assert_eq!(dropped.code, Some(0), "{dropped:?}");
    // The head that was kept first is the intent itself, before the command ran.
    let heads = fs::read_to_string(scene.path("heads")).unwrap();
    let records = scene.records();
    let intent = records
        .iter()
        .find(|r| r["phase"] == "intent" && r["effect"] == "destroys")
        .unwrap();
    assert!(heads.contains(intent["hash"].as_str().unwrap()), "{heads}");
    // What had to hold is recorded where it was decided: the mark before, the anchor after.
    assert_eq!(
        (&intent["gates"][0]["name"], &intent["gates"][0]["passed"]),
        (&"mark".into(), &true.into()),
        "{intent}"
    );
    let ended = |id: &serde_json::Value| {
        let mut all = scene.records().into_iter();
        all.find(|r| r["phase"] == "outcome" && r["id"] == *id)
            .unwrap()
    };
    let gate = &ended(&intent["id"])["gates"][0];
    assert_eq!(
        (&gate["name"], &gate["passed"]),
        (&"anchor".into(), &true.into()),
        "{gate}"
    );
    let evidence = format!("record {} is kept in file", intent["seq"]);
    assert!(
        gate["how"].as_str().unwrap().starts_with(&evidence),
        "{gate}"
    );
    // Where no place takes it, nothing starts, and the record says so.
    fs::remove_file(scene.path("heads")).unwrap();
    fs::create_dir(scene.path("heads")).unwrap();
    assert_eq!(sqlite(&scene, "create table t (a)").code, Some(0));
    let refused = sqlite(&scene, "drop table t");
    assert_eq!(refused.code, Some(125), "{refused:?}");
    assert!(refused.err.contains("kept elsewhere"), "{refused:?}");
    let last = scene.records().into_iter().rev();
    let mut outcomes = last.filter(|r| r["phase"] == "outcome");
    let outcome = outcomes.next().unwrap();
    assert_eq!(outcome["exit"]["not_started"], "no-anchor");
    assert_eq!(outcome["gates"][0]["passed"], false, "{outcome}");
    let held_back = ran(&mut scene.tagout(&["log", "--gate", "anchor", "--json"]));
    assert_eq!(held_back.out.lines().count(), 1, "{held_back:?}");
    assert!(held_back.out.contains(outcome["id"].as_str().unwrap()));
    let none = ran(&mut scene.tagout(&["log", "--gate", "mark", "--json"]));
    assert_eq!(none.out, "");
    let story = ran(&mut scene.tagout(&["log", "show", outcome["id"].as_str().unwrap()])).out;
    assert!(story.contains("mark held: "), "{story}");
    assert!(story.contains("anchor did NOT hold: file "), "{story}");
    let still = sqlite(&scene, "select count(*) from t");
    assert_eq!((still.code, still.out.trim()), (Some(0), "0"), "{still:?}");
    // What only reads or writes needs no head.
    assert_eq!(sqlite(&scene, "insert into t values (2)").code, Some(0));
}

#[test]
fn a_project_can_demand_a_head_and_not_say_where_it_is_kept() {
    if support::needs("sqlite3").is_none() {
        return;
    }
    let scene = scene("");
    scene.file(
        "tagout.toml",
        "[journal]\nanchor_required_for = [\"destroys\"]\n",
    );
    assert_eq!(sqlite(&scene, "create table t (a)").code, Some(0));
    let refused = sqlite(&scene, "drop table t");
    assert_eq!(refused.code, Some(125), "{refused:?}");
    assert!(refused.err.contains("no place for heads"), "{refused:?}");
    // A shell of the client can destroy as well.
    let console = ran(&mut scene.tagout(&[
        "run",
        "--config",
        "user",
        "--",
        "sqlite3",
        scene.path("throwaway.db").to_str().unwrap(),
        ".shell true",
    ]));
    assert_ne!(console.code, Some(0), "{console:?}");
    scene.file(
        "tagout.toml",
        "[journal]\nanchors = [\"file:/tmp/heads\"]\n",
    );
    let mistake = sqlite(&scene, "select 1");
    assert!(
        !Path::new("/tmp/heads").exists(),
        "a project names no places: {mistake:?}"
    );
}

#[test]
fn a_refusal_is_followed_by_a_head() {
    if support::needs("sqlite3").is_none() {
        return;
    }
    let scene = scene("[journal]\nanchors = [\"file:HEADS\"]\n");
    let other = scene.path("other.db");
    let refused = ran(&mut scene.tagout(&[
        "run",
        "--config",
        "user",
        "--",
        "sqlite3",
        other.to_str().unwrap(),
        "drop table t",
    ]));
    assert_eq!(refused.code, Some(77), "{refused:?}");
    let heads = fs::read_to_string(scene.path("heads")).unwrap();
    let records = scene.records();
    let refusal = records.iter().find(|r| r["phase"] == "refused").unwrap();
    assert!(heads.contains(refusal["hash"].as_str().unwrap()));
    assert_eq!(records.last().unwrap()["phase"], "checkpoint");
}
