//! A launch through tagout is an ordinary launch.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Stdio};

use crate::support::{Scene, assert_nobody_holds, needs, ran, tagout};

#[test]
fn the_exit_status_is_the_commands_own() {
    let scene = Scene::new();
    for (argv, code) in [
        (vec!["sh", "-c", "exit 3"], 3),
        (vec!["sh", "-c", "exit 77"], 77),
        (vec!["true"], 0),
        (vec!["no-such-program"], 127),
        (vec!["/tmp"], 126),
        (vec!["/etc/passwd"], 126),
        (vec!["./missing"], 127),
    ] {
        let ran = ran(scene.tagout(&["run", "--"]).args(&argv));
        assert_eq!(ran.code, Some(code), "{argv:?}: {ran:?}");
    }
}

#[test]
fn a_signal_that_ends_the_command_ends_tagout_too() {
    let scene = Scene::new();
    for (name, number) in [("TERM", 15), ("KILL", 9), ("SEGV", 11), ("PIPE", 13)] {
        let ran = ran(&mut scene.tagout(&["run", "--", "sh", "-c", &format!("kill -{name} $$")]));
        assert_eq!(ran.signal, Some(number), "{name}: {ran:?}");
    }
}

#[test]
fn a_file_without_a_first_line_runs_as_a_shell_script() {
    let scene = Scene::new();
    scene.file("greet", "echo \"$1\"\n");
    scene.bash("chmod +x greet");
    let ran = ran(&mut scene.tagout(&["run", "--", "./greet", "said"]));
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "said\n"), "{ran:?}");
}

#[test]
fn signals_umask_directory_and_limits_are_as_the_caller_had_them() {
    let scene = Scene::new();
    let facts = "grep -E '^Sig(Blk|Ign)' /proc/self/status; umask; pwd; ulimit -n; ulimit -c";
    for setting in [
        "",
        "trap '' PIPE USR1 CHLD;",
        "umask 027; ulimit -n 200; ulimit -c 7; cd /usr;",
    ] {
        let direct = scene.bash(&format!("{setting} sh -c \"{facts}\""));
        let through = scene.bash(&format!("{setting} tagout run -- sh -c \"{facts}\""));
        assert_eq!(direct.out, through.out, "{setting} {through:?}");
    }
}

#[test]
fn the_parents_connections_never_reach_a_worker() {
    let scene = Scene::new();
    scene.file("production.sqlite", "rows");
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let open = format!("exec 7<>/dev/tcp/127.0.0.1/{port} 8<>production.sqlite;");
    let list = "ls /proc/self/fd | sort -n | tr '\\n' ' '";
    let direct = scene.bash(&format!("{open} sh -c \"{list}\""));
    assert!(direct.out.contains(" 7 8"), "{direct:?}");
    let worker = scene.bash(&format!("{open} tagout run -p worker -- sh -c \"{list}\""));
    assert!(
        !worker.out.contains('7') && !worker.out.contains('8'),
        "{worker:?}"
    );
    let terminal = scene.bash(&format!("{open} tagout run -- sh -c \"{list}\""));
    assert!(
        !terminal.out.contains('7') && terminal.out.contains('8'),
        "{terminal:?}"
    );
    let explained = scene.bash(&format!("{open} tagout explain --json -p worker -- true"));
    assert!(
        explained.out.contains("socket:") && explained.out.contains("production.sqlite"),
        "{explained:?}"
    );
}

#[test]
fn process_substitution_pipes_and_command_substitution_work() {
    let scene = Scene::new();
    let table = [
        ("tagout run -- cat <(echo one) <(echo two)", "one\ntwo\n"),
        ("echo in | tagout run -- cat | tr a-z A-Z", "IN\n"),
        ("x=$(tagout run -- echo $((1+1))); echo $x", "2\n"),
        ("tagout run -- sh -c 'exec cat' <<< here", "here\n"),
        ("tagout run -- yes | head -n 2", "y\ny\n"),
        (
            "printf 'a\\nb\\n' | xargs -n 1 TAGOUT run -- echo",
            "a\nb\n",
        ),
        (
            "nohup TAGOUT run -- echo kept </dev/null 2>/dev/null",
            "kept\n",
        ),
        ("tagout run -- sleep 0 & wait $!; echo $?", "0\n"),
        ("TAGOUT run -- TAGOUT run -- echo nested", "nested\n"),
        ("env A=1 TAGOUT run -- echo env", "env\n"),
    ];
    for (line, expected) in table {
        let ran = scene.bash(&line.replace("TAGOUT", tagout()));
        assert_eq!(ran.out, expected, "{line}: {ran:?}");
    }
}

#[test]
fn timeout_ends_it_once() {
    let scene = Scene::new();
    // The handler says how often it was called; a `sleep` of its own keeps the shell waiting.
    let script = "trap 'echo TERM' TERM; sleep 300 & wait; wait; exit 5";
    let ran =
        ran(scene
            .command("timeout")
            .args(["2", tagout(), "run", "--", "bash", "-c", script]));
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (Some(124), "TERM\n"),
        "{ran:?}"
    );
}

/// A command that is up: it has said so on its standard output.
fn up(scene: &Scene, script: &str) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = scene
        .tagout(&["run", "--", "bash", "-c", script])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    (child, out)
}

fn kill(signal: &str, pid: u32) {
    assert!(
        std::process::Command::new("kill")
            .args([signal, &pid.to_string()])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn signals_from_others_are_passed_on_once() {
    if needs("python3").is_none() {
        return;
    }
    let scene = Scene::new();
    // Takes its signals with sigwait: whenever one comes, it is neither lost nor early.
    scene.file(
        "waits.py",
        "import signal\n\
         names = ['TERM', 'HUP', 'INT', 'QUIT', 'USR1', 'USR2', 'WINCH', 'ALRM']\n\
         signals = [getattr(signal, 'SIG' + name) for name in names]\n\
         signal.pthread_sigmask(signal.SIG_BLOCK, signals)\n\
         print('up', flush=True)\n\
         while True:\n\
         \x20 got = signal.sigwait(signals)\n\
         \x20 print(signal.Signals(got).name, flush=True)\n\
         \x20 if got == signal.SIGALRM: exit(9)\n",
    );
    for name in ["TERM", "HUP", "INT", "QUIT", "USR1", "USR2", "WINCH"] {
        let (mut child, mut out) = up(&scene, "exec python3 waits.py");
        kill(&format!("-{name}"), child.id());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert_eq!(line, format!("SIG{name}\n"));
        kill("-ALRM", child_of(child.id()));
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "SIGALRM\n", "{name} came twice");
        assert_eq!(child.wait().unwrap().code(), Some(9));
    }
}

fn child_of(pid: u32) -> u32 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    text.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn the_command_ends_with_a_killed_tagout() {
    let scene = Scene::new();
    let (mut child, out) = up(&scene, "echo up; exec sleep 1000");
    kill("-KILL", child.id());
    child.wait().unwrap();
    assert_nobody_holds(out);
}

#[test]
fn it_works_as_the_first_process_of_a_namespace() {
    if needs("unshare").is_none() {
        return;
    }
    let scene = Scene::new();
    let inside = |script: &str| {
        let mut unshare = scene.command("unshare");
        ran(unshare.args([
            "--map-root-user",
            "--pid",
            "--fork",
            "--mount-proc",
            tagout(),
            "run",
            "--",
            "sh",
            "-c",
            script,
        ]))
    };
    let probe = ran(scene.command("unshare").args([
        "--map-root-user",
        "--pid",
        "--fork",
        "--mount-proc",
        "true",
    ]));
    if probe.code != Some(0) {
        crate::support::skip("user namespaces");
        return;
    }
    assert_eq!(inside("(sleep 0 &); exit 4").code, Some(4));
    assert_eq!(inside("kill -TERM $$").code, Some(143));
}

#[test]
fn keys_and_job_control_at_a_terminal() {
    if needs("python3").is_none() {
        return;
    }
    let scene = Scene::new();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/terminal.py");
    let ran = ran(scene.command("python3").args(["-B", script, tagout()]));
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "ok\n"), "{ran:?}");
}

#[test]
fn a_caller_can_tell_a_refusal_from_the_commands_own_77() {
    let scene = Scene::new();
    let own = scene.bash("tagout run --status-fd 3 -- sh -c 'exit 77' 3>&1");
    let events: Vec<serde_json::Value> = own
        .out
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(events[0]["event"], "started");
    assert_eq!(
        (&events[1]["event"], &events[1]["code"]),
        (&"ended".into(), &77.into())
    );
    let bad = scene.bash("tagout run --status-fd 9 -- true");
    assert_eq!(bad.code, Some(125));
    assert!(bad.err.contains("--status-fd 9"), "{bad:?}");
}

#[test]
fn every_run_leaves_an_intent_and_an_outcome() {
    let scene = Scene::new();
    ran(&mut scene.tagout(&["run", "--", "sh", "-c", "exit 5"]));
    let records = scene.records();
    let phases: Vec<&str> = records
        .iter()
        .map(|r| r["phase"].as_str().unwrap())
        .collect();
    assert_eq!(phases, ["genesis", "intent", "outcome"]);
    assert_eq!(records[2]["exit"]["code"], 5);
    assert_eq!(records[1]["id"], records[2]["id"]);
}

#[test]
fn a_stream_for_a_client_is_judged_first_and_then_fed() {
    let Some(server) = crate::servers::Postgres::start() else {
        return;
    };
    let scene = Scene::new();
    server.sql("postgres", "create database shop");
    server.sql(
        "shop",
        "create table orders (id int); insert into orders values (1), (2), (3)",
    );
    let (psql, port) = (needs("psql").unwrap(), server.port);
    let psql = format!(
        "tagout run -- {} -XAtq -h 127.0.0.1 -p {port} -U postgres shop",
        psql.display()
    );
    let count = "select count(*) from orders";
    scene
        .file("count.sql", count)
        .file("drop.sql", "drop table orders");
    for line in [
        format!("echo '{count}' | {psql}"),
        format!("{psql} < count.sql"),
        format!("cat count.sql | {psql} -f -"),
    ] {
        let read = scene.bash(&line);
        assert_eq!(
            (read.code, read.out.as_str()),
            (Some(0), "3\n"),
            "{line}: {read:?}"
        );
    }
    for line in [
        format!("echo 'drop table orders' | {psql}"),
        format!("{psql} < drop.sql"),
    ] {
        let refused = scene.bash(&line);
        assert_eq!(refused.code, Some(77), "{line}: {refused:?}");
        assert!(refused.err.contains("destroys-unmarked"), "{refused:?}");
    }
    let unread = psql.replace("run --", "run --no-spool --");
    let unread = scene.bash(&format!("echo '{count}' | {unread}"));
    assert_eq!(unread.code, Some(77), "{unread:?}");
    assert!(unread.err.contains("opaque-unresolved"), "{unread:?}");
    assert_eq!(server.sql("shop", count), "3");
}
