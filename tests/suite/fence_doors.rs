//! Ways around the fence that a program could think of, each tried for real: nothing arrives.

use std::io::{ErrorKind, Write};
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::fence::{FULL_SERVER, Project, arrived, compiled, port, server};
use crate::servers::{MariaDb, Postgres, running_as_root};
use crate::support::{copy_program, needs, tagout};

/// Whether no datagram came.
fn is_quiet(messages: &UdpSocket) -> bool {
    messages.set_nonblocking(true).unwrap();
    let came = messages.recv_from(&mut [0; 16]);
    came.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// After its connect a client talks to its server alone: the supervisor is asked as often about a
/// session of one statement as about one of thousands.
#[test]
fn nobody_stands_between_a_client_and_its_server() {
    let project = Project::new();
    let statements = |one: &str| {
        std::fs::write(project.path("one.sql"), one).unwrap();
        std::fs::write(project.path("many.sql"), one.repeat(20_000)).unwrap();
    };
    let asked = |words: &[&str], file: &str| {
        let shell = project.unknown("sh").unwrap();
        let script = format!("exec \"$@\" < {file} > rows");
        let mut all = vec![shell.to_str().unwrap(), "-c", &script, "sh"];
        all.extend(words);
        let ran = project.held(&all);
        let rows = std::fs::read_to_string(project.path("rows")).unwrap();
        let context = format!("{words:?} {}{}", ran.stderr(), ran.outcome);
        assert_eq!(ran.outcome["fence"]["status"], "full", "{context}");
        assert!(
            ran.outcome["fence"]["asked"].as_u64() >= Some(1),
            "{context}"
        );
        (ran.outcome["fence"]["asked"].clone(), rows.lines().count())
    };
    statements("select n from generate_series(1, 5) n;\n");
    if let (Some(server), Some(psql)) = (Postgres::start(), needs("psql")) {
        let port = server.port.to_string();
        let words = [
            psql.to_str().unwrap(),
            "-XAtq",
            "-h",
            "127.0.0.1",
            "-p",
            &port,
        ];
        let words = [&words[..], &["-U", "postgres", "-d", "postgres"]].concat();
        let (one, many) = (asked(&words, "one.sql"), asked(&words, "many.sql"));
        assert_eq!((one.1, many.1), (5, 100_000));
        assert_eq!(one.0, many.0);
    }
    statements("select 1 union select 2;\n");
    if let (Some(server), Some(client)) = (MariaDb::start(), needs("mariadb")) {
        let port = server.port.to_string();
        let words = [
            client.to_str().unwrap(),
            "--no-defaults",
            "-BN",
            "-h",
            "127.0.0.1",
        ];
        let words = [&words[..], &["-P", &port, "-u", "app"]].concat();
        let (one, many) = (asked(&words, "one.sql"), asked(&words, "many.sql"));
        assert_eq!((one.1, many.1), (2, 40_000));
        assert_eq!(one.0, many.0);
    }
}

/// Names that are longer than any address, numbers that change what they mean meanwhile.
#[test]
fn what_the_kernel_would_read_is_what_is_judged() {
    for project in Project::of_each_tier() {
        let Some(doors) = compiled(&project, "doors") else {
            return;
        };
        let production = server("127.0.0.2");
        let messages = UdpSocket::bind(("127.0.0.2", port(&production))).unwrap();
        let bad = port(&production).to_string();
        let words = ["long-name", "swapped"];
        let mut all = vec![doors.to_str().unwrap(), "127.0.0.2", &bad];
        all.extend(words);
        let ran = project.held(&all);
        let expected = "long-name EACCES\nlong-name EACCES\nswapped EACCES\n";
        assert_eq!(ran.stdout(), expected, "{}", ran.stderr());
        assert_eq!(arrived(&production), 0);
        assert!(is_quiet(&messages));
    }
}

/// Threads and children of every kind, at the server of the tree and at production.
#[test]
fn whoever_connects_in_the_tree_is_judged() {
    for project in Project::of_each_tier() {
        let Some(doors) = compiled(&project, "doors") else {
            return;
        };
        let (development, production) = (server("127.0.0.1"), server("127.0.0.2"));
        for (address, server, word, count) in [
            ("127.0.0.1", &development, "ok", 5),
            ("127.0.0.2", &production, "EACCES", 0),
        ] {
            let port = port(server).to_string();
            let words = [
                doors.to_str().unwrap(),
                address,
                &port,
                "own-table",
                "children",
            ];
            let ran = project.held(&words);
            let expected = format!(
                "own-table {word}\n{}",
                format!("children {word}\n").repeat(4)
            );
            assert_eq!(ran.stdout(), expected, "{}", ran.stderr());
            assert_eq!(arrived(server), count);
            ran.assert_tier();
        }
    }
}

/// A program of the other architecture that this processor also runs.
#[test]
#[cfg(target_arch = "x86_64")]
fn real_32_bit_programs_connect_to_nothing() {
    for project in Project::of_each_tier() {
        let Some(compiler) = needs("gcc") else {
            return;
        };
        let production = server("127.0.0.2");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fence/old.c");
        let program = project.path("old");
        let compiled = Command::new(compiler)
            .args(["-m32", "-nostdlib", "-static", "-ffreestanding", "-no-pie"])
            .args(["-fno-pie", "-fno-stack-protector", "-DADDRESS=0x0200007f"])
            .arg(format!("-DPORT={}", port(&production).to_be()))
            .args(["-o".as_ref(), program.as_os_str(), source.as_os_str()])
            .status();
        assert!(compiled.unwrap().success());
        let alone = Command::new(&program).status().unwrap().code();
        assert_eq!((alone, arrived(&production)), (Some(3), 2));
        let ran = project.held(&[program.to_str().unwrap()]);
        assert_eq!(ran.output.status.code(), Some(0), "{}", ran.stderr());
        let ran = project.run(project.command("default").arg(&program));
        assert_eq!(ran.output.status.code(), Some(3), "{}", ran.stderr());
        let seen = ran.seen(&format!("127.0.0.2:{}", port(&production)));
        assert_eq!(seen.unwrap()["count"], 2, "{}", ran.outcome);
        assert_eq!(arrived(&production), 2);
    }
}

/// Whoever judges cannot be turned by those who are judged: root alone may do as it likes.
#[test]
fn the_supervisor_is_closed_to_its_user() {
    let project = Project::new();
    let Some(doors) = compiled(&project, "doors") else {
        return;
    };
    let own = project.path("tagout");
    copy_program(tagout().as_ref(), &own);
    let mut words: Vec<String> = Vec::new();
    if running_as_root() {
        let Some(setpriv) = needs("setpriv") else {
            return;
        };
        let rights = ["--reuid=65534", "--regid=65534", "--clear-groups"];
        words.push(setpriv.display().to_string());
        words.extend(rights.map(str::to_owned));
    }
    words.push(own.display().to_string());
    words.extend(["run", "-p", "worker", "--"].map(str::to_owned));
    words.push(doors.display().to_string());
    words.extend(["127.0.0.1", "1", "parent"].map(str::to_owned));
    let state = project.path("state");
    std::fs::create_dir_all(&state).unwrap();
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o777)).unwrap();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    project.settle(&mut command);
    let ran = project.run(&mut command);
    let expected = "parent EPERM\nparent EPERM\nparent EPERM\nparent EACCES\n";
    assert_eq!(ran.stdout(), expected, "{}", ran.stderr());
    assert_eq!(ran.outcome["fence"]["status"], "full", "{}", ran.outcome);
}

/// More callers that wait at once than tagout's own bound on descriptors.
#[test]
fn a_crowd_of_waiting_callers_is_served() {
    let project = Project::new();
    let Some(python) = project.unknown("python3") else {
        return;
    };
    let script = [
        "import socket, threading, struct, errno, resource, collections\n\
         hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n\
         resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))\n\
         threading.stack_size(65536)\n",
        FULL_SERVER,
        "ended = collections.Counter()\n\
         def one():\n\
         \x20 s = socket.socket()\n\
         \x20 s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack('ll', 3, 0))\n\
         \x20 try: s.connect(server.getsockname()); ended['ok'] += 1\n\
         \x20 except OSError as e: ended[errno.errorcode[e.errno]] += 1\n\
         crowd = [threading.Thread(target=one) for i in range(1000)]\n\
         [t.start() for t in crowd]; [t.join() for t in crowd]\n\
         print(dict(ended))\n",
    ]
    .concat();
    let mut command = Command::new("/bin/sh");
    let limited = "ulimit -Sn 512; exec \"$@\"";
    command.args(["-c", limited, "sh", tagout(), "run", "-p", "worker", "--"]);
    project.settle(&mut command);
    let ran = project.run(command.arg(python).args(["-c", &script]));
    assert_eq!(ran.stdout(), "{'EINPROGRESS': 1000}\n", "{}", ran.stderr());
}

/// A socket of the tree itself is written to by a pipe-like path: links of `/proc` lead where they
/// lead the program, and are judged by that.
#[test]
fn links_of_proc_are_followed_as_the_program_would() {
    for project in Project::of_each_tier() {
        let Some(python) = project.unknown("python3") else {
            return;
        };
        let bound =
            |name: &str| std::os::unix::net::UnixListener::bind(project.path(name)).unwrap();
        let (_plain, production) = (bound("plain"), bound("live"));
        let mut marks = std::fs::OpenOptions::new()
            .append(true)
            .open(project.path("tagout.toml"))
            .unwrap();
        let mark = format!(
            "[[marks]]\ntier = \"production\"\nsocket = {:?}\n",
            project.path("live")
        );
        marks.write_all(mark.as_bytes()).unwrap();
        let script = "import socket, os, errno\n\
         here = os.open('.', os.O_RDONLY)\n\
         def attempt(path):\n\
         \x20 s = socket.socket(socket.AF_UNIX)\n\
         \x20 try: s.connect(path); return 'ok'\n\
         \x20 except OSError as e: return errno.errorcode[e.errno]\n\
         for name in ['plain', 'live']:\n\
         \x20 file = os.open(name, os.O_PATH)\n\
         \x20 for path in [f'/proc/self/fd/{here}/{name}', f'/dev/fd/{here}/{name}', f'/proc/self/fd/{file}',\n\
         \x20   f'/proc/{os.getpid()}/cwd/{name}', f'/proc/thread-self/cwd/{name}']:\n\
         \x20   print(attempt(path), end=' ')\n";
        for profile in ["worker", "default"] {
            let ran = project.run(project.command(profile).arg(&python).args(["-c", script]));
            let shown = ran.stdout();
            let all = |word: &str| [word; 5].join(" ");
            let live = if profile == "worker" { "EACCES" } else { "ok" };
            let expected = format!("{} {} ", all("ok"), all(live));
            assert_eq!(shown, expected, "{}", ran.stderr());
            if profile == "worker" {
                production.set_nonblocking(true).unwrap();
                assert!(production.accept().is_err());
            }
        }
    }
}
