//! The fence where another supervisor listens already: tagout traces the tree, and apart from
//! tracing nobody in it can tell the difference.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::fence::{FULL_SERVER, Project, arrived, compiled, port, server};
use crate::support::{assert_nobody_holds, needs, tagout};

#[test]
fn the_tier_is_found_by_trying_and_said() {
    let Some(project) = Project::traced() else {
        return;
    };
    let listened = project.listened.clone().unwrap();
    let explained = |before: &[&str]| {
        let mut command = Command::new(&listened);
        command.args(before).arg(tagout());
        command.args(["explain", "--json", "-p", "worker", "--", "true"]);
        project.settle(&mut command);
        let explained: Value = serde_json::from_str(&project.run(&mut command).stdout()).unwrap();
        explained["fence"].clone()
    };
    let fence = explained(&[]);
    assert_eq!(fence["tier"], "ptrace", "{fence}");
    assert_eq!(fence["status"], "partial");
    assert!(fence["missing"][0].as_str().unwrap().contains("strace"));
    // Who is traced already is not traced by another.
    let inside = explained(&[tagout(), "run", "-p", "worker", "--"]);
    assert_eq!(
        (&inside["tier"], &inside["status"]),
        (&"none".into(), &"none".into())
    );
    let why = inside["missing"][0].as_str().unwrap();
    assert!(why.contains("or is traced itself"), "{why}");
    // Inside a fence that is asked about connects nobody else is.
    let mut command = Command::new(tagout());
    command.args(["run", "-p", "worker", "--", tagout()]);
    command.args(["explain", "--json", "-p", "worker", "--", "true"]);
    project.settle(&mut command);
    let inside: Value = serde_json::from_str(&project.run(&mut command).stdout()).unwrap();
    let why = inside["fence"]["missing"][0].as_str().unwrap();
    assert!(why.contains("by its own command's rules"), "{why}");
    // A profile that starts nothing without a fence starts with this one.
    project.write(
        "tagout.toml",
        "[profiles.worker]\nfence_unavailable = \"refuse\"\n",
    );
    let ran = project.held(&["true"]);
    assert_eq!(ran.output.status.code(), Some(0), "{}", ran.stderr());
    assert_eq!(ran.outcome["gates"][0]["passed"], true, "{}", ran.outcome);
    ran.assert_tier();
}

#[test]
fn how_a_command_ends_is_the_commands_own() {
    let Some(project) = Project::traced() else {
        return;
    };
    let doors = compiled(&project, "doors").unwrap();
    let script = project.path("plain");
    std::fs::write(&script, "echo no first line; exit 6\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).unwrap();
    let (doors, script) = (doors.to_str().unwrap(), script.to_str().unwrap());
    let cases: [(&[&str], Option<i32>, Option<i32>); 7] = [
        (&["sh", "-c", "exit 7"], Some(7), None),
        (&["sh", "-c", "kill -TERM $$"], None, Some(15)),
        (
            &["sh", "-c", "sh -c 'kill -KILL $$'; exit $?"],
            Some(137),
            None,
        ),
        (&["/no/such/program"], Some(127), None),
        (&[script], Some(6), None),
        (&[doors, "127.0.0.1", "1", "thread-exec"], Some(0), None),
        (&[doors, "127.0.0.1", "1", "outlives"], Some(5), None),
    ];
    for (words, code, signal) in cases {
        let ran = project.held(words);
        let status = ran.output.status;
        let context = format!("{words:?} {}{}", ran.stdout(), ran.stderr());
        assert_eq!(
            (status.code(), status.signal()),
            (code, signal),
            "{context}"
        );
        if code != Some(127) {
            ran.assert_tier();
        }
    }
}

/// What gVisor has: the shape of it, rebuilt. Judged, and the kernel connects.
#[test]
fn a_kernel_without_listeners_and_handles_is_enough() {
    let Some(project) = Project::behind("sandboxed") else {
        return;
    };
    let doors = compiled(&project, "doors").unwrap();
    let (development, production) = (server("127.0.0.1"), server("127.0.0.2"));
    for (address, server, word, count) in [
        ("127.0.0.1", &development, "ok", 6),
        ("127.0.0.2", &production, "EACCES", 0),
    ] {
        let port = port(server).to_string();
        let words = ["plain", "own-table", "children"];
        let mut all = vec![doors.to_str().unwrap(), address, &port];
        all.extend(words);
        let ran = project.held(&all);
        let children = format!("children {word}\n").repeat(4);
        let expected = format!("plain {word}\nown-table {word}\n{children}");
        assert_eq!(ran.stdout(), expected, "{}", ran.stderr());
        assert_eq!(arrived(server), count);
        ran.assert_tier();
        let missing = ran.outcome["fence"]["missing"].to_string();
        assert!(missing.contains("may not duplicate"), "{missing}");
    }
    for profile in ["worker", "default"] {
        let ran = project.run(project.command(profile).args(["sh", "-c", "exit 4"]));
        assert_eq!(ran.output.status.code(), Some(4), "{}", ran.stderr());
        ran.assert_tier();
    }
    project.write("tagout.toml", "[profiles.worker]\nfence = \"off\"\n");
    let ran = project.held(&["sh", "-c", "exit 4"]);
    assert_eq!(ran.output.status.code(), Some(4), "{}", ran.stderr());
}

/// Threads that become programs, children by every way to make one, deep trees: all the same tree.
#[test]
fn whoever_becomes_another_program_is_followed() {
    let Some(project) = Project::traced() else {
        return;
    };
    let doors = compiled(&project, "doors").unwrap();
    let (development, production) = (server("127.0.0.1"), server("127.0.0.2"));
    for (address, server, word, count) in [
        ("127.0.0.1", &development, "ok", 2),
        ("127.0.0.2", &production, "EACCES", 0),
    ] {
        let port = port(server).to_string();
        let mut shown = String::new();
        for what in ["thread-exec", "outlives"] {
            let ran = project.held(&[doors.to_str().unwrap(), address, &port, what]);
            shown.push_str(&ran.stdout());
        }
        assert_eq!(shown, format!("plain {word}\noutlives {word}\n"));
        assert_eq!(arrived(server), count);
    }
    let Some(python) = project.unknown("python3") else {
        return;
    };
    let (good, bad) = (port(&development), port(&production));
    let script = format!(
        "import os, socket, errno, subprocess, sys\n\
         def attempt(address):\n\
         \x20 s = socket.socket()\n\
         \x20 try: s.connect(address); return 'ok'\n\
         \x20 except OSError as e: return errno.errorcode[e.errno]\n\
         for i in range(40):\n\
         \x20 subprocess.run(['/bin/true'], check=True, close_fds=False)\n\
         \x20 os.waitpid(os.posix_spawn('/bin/true', ['true'], {{}}), 0)\n\
         for depth in range(40):\n\
         \x20 pid = os.fork()\n\
         \x20 if pid: _, status = os.waitpid(pid, 0); os._exit(os.waitstatus_to_exitcode(status))\n\
         \x20 os.setsid()\n\
         print(attempt(('127.0.0.1', {good})), attempt(('127.0.0.2', {bad})), flush=True)\n\
         os._exit(3)\n"
    );
    let ran = project.held(&[python.to_str().unwrap(), "-c", &script]);
    assert_eq!(ran.stdout(), "ok EACCES\n", "{}", ran.stderr());
    assert_eq!(ran.output.status.code(), Some(3));
    assert_eq!((arrived(&development), arrived(&production)), (1, 0));
}

/// A server whose queue is full never answers: signals, stops and time limits reach the callers
/// that wait for it as without a fence.
#[test]
fn waiting_callers_hear_their_signals_stops_and_time_limits() {
    let outside = Project::new();
    let Some(python) = outside.unknown("python3") else {
        return;
    };
    let script = [
        "import ctypes, errno, os, signal, socket, struct, threading, time\n",
        FULL_SERVER,
        "libc = ctypes.CDLL(None, use_errno=True)\n\
         address = struct.pack('=H', 2) + struct.pack('>H', server.getsockname()[1]) + bytes([127, 0, 0, 1]) + bytes(8)\n\
         def wait(limit=0):\n\
         \x20 s = socket.socket()\n\
         \x20 s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack('ll', 0, limit))\n\
         \x20 r = libc.connect(s.fileno(), address, 16)\n\
         \x20 return errno.errorcode[ctypes.get_errno()] if r else 'ok'\n\
         print(wait(300000))\n\
         heard = []\n\
         signal.signal(signal.SIGALRM, lambda *a: heard.append(1))\n\
         signal.siginterrupt(signal.SIGALRM, True)\n\
         signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)\n\
         print(wait())\n\
         # A handler that restarts calls restarts no call with a time limit.\n\
         signal.siginterrupt(signal.SIGALRM, False)\n\
         signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)\n\
         print(wait(900000))\n\
         signal.setitimer(signal.ITIMER_REAL, 0)\n\
         def child():\n\
         \x20 pid = os.fork()\n\
         \x20 if pid == 0: wait(); os._exit(0)\n\
         \x20 # Until it no longer runs, it has not come to its call.\n\
         \x20 while open(f'/proc/{pid}/stat').read().rsplit(') ')[1][0] == 'R': time.sleep(0.001)\n\
         \x20 return pid\n\
         pid = child(); os.kill(pid, signal.SIGSTOP)\n\
         print(os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1]))\n\
         os.kill(pid, signal.SIGCONT); print(os.WIFCONTINUED(os.waitpid(pid, os.WCONTINUED)[1]))\n\
         os.kill(pid, signal.SIGTERM); print(os.WTERMSIG(os.waitpid(pid, 0)[1]))\n\
         pid = child(); os.kill(pid, signal.SIGKILL); print(os.WTERMSIG(os.waitpid(pid, 0)[1]))\n\
         def room():\n\
         \x20 while True: server.accept()\n\
         late = threading.Timer(0.2, room); late.daemon = True; late.start()\n\
         signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)\n\
         print(wait(), flush=True); os._exit(0)\n",
    ]
    .concat();
    let alone = Command::new(&python)
        .args(["-c", &script])
        .output()
        .unwrap();
    let alone = String::from_utf8(alone.stdout).unwrap();
    assert_eq!(alone, "EINPROGRESS\nEINTR\nEINTR\nTrue\nTrue\n15\n9\nok\n");
    for project in Project::of_each_tier() {
        let python = project.unknown("python3").unwrap();
        let ran = project.held(&[python.to_str().unwrap(), "-c", &script]);
        assert_eq!(ran.stdout(), alone, "{}{}", ran.stderr(), ran.outcome);
        ran.assert_tier();
    }
}

/// Signals that the first thread takes while others wait for a server: those hear nothing of them.
#[test]
fn a_signal_for_another_thread_ends_no_wait() {
    for project in Project::of_each_tier() {
        let Some(python) = project.unknown("python3") else {
            return;
        };
        let script = [
            "import collections, ctypes, errno, os, signal, socket, struct, threading\n",
            FULL_SERVER,
            "libc = ctypes.CDLL(None, use_errno=True)\n\
             address = struct.pack('=H', 2) + struct.pack('>H', server.getsockname()[1]) + bytes([127, 0, 0, 1]) + bytes(8)\n\
             ended = collections.Counter()\n\
             def wait():\n\
             \x20 s = socket.socket(); full.append(s)\n\
             \x20 ended[ctypes.get_errno() if libc.connect(s.fileno(), address, 16) else 'ok'] += 1\n\
             heard = []\n\
             signal.signal(signal.SIGALRM, lambda *a: heard.append(1))\n\
             signal.siginterrupt(signal.SIGALRM, False)\n\
             waiting = [threading.Thread(target=wait) for i in range(24)]\n\
             [t.start() for t in waiting]\n\
             signal.setitimer(signal.ITIMER_REAL, 0.0004, 0.0004)\n\
             while len(heard) < 1200: pass\n\
             def room():\n\
             \x20 while True: server.accept()\n\
             threading.Thread(target=room, daemon=True).start()\n\
             [t.join() for t in waiting]\n\
             signal.setitimer(signal.ITIMER_REAL, 0)\n\
             print(dict(ended), flush=True); os._exit(0)\n",
    ]
    .concat();
        let ran = project.held(&[python.to_str().unwrap(), "-c", &script]);
        assert_eq!(ran.stdout(), "{'ok': 24}\n", "{}", ran.stderr());
        ran.assert_tier();
    }
}

/// A process stands stopped when its last thread does: also one that waits for a server.
#[test]
fn a_process_with_a_waiting_thread_stops_and_goes_on() {
    for project in Project::of_each_tier() {
        let Some(python) = project.unknown("python3") else {
            return;
        };
        let script = [
            "import os, signal, socket, threading, time\n",
            FULL_SERVER,
            "pid = os.fork()\n\
             if pid == 0:\n\
             \x20 s = socket.socket()\n\
             \x20 threading.Thread(target=s.connect, args=(server.getsockname(),), daemon=True).start()\n\
             \x20 while True: signal.pause()\n\
             def states():\n\
             \x20 tasks = f'/proc/{pid}/task'\n\
             \x20 return [open(f'{tasks}/{t}/stat').read().rsplit(') ')[1][0] for t in os.listdir(tasks)]\n\
             while len(states()) < 2 or 'R' in states(): time.sleep(0.001)\n\
             for i in range(3):\n\
             \x20 os.kill(pid, signal.SIGSTOP); print(os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1]))\n\
             \x20 os.kill(pid, signal.SIGCONT); print(os.WIFCONTINUED(os.waitpid(pid, os.WCONTINUED)[1]))\n\
             os.kill(pid, signal.SIGTERM); print(os.WTERMSIG(os.waitpid(pid, 0)[1]))\n",
    ]
    .concat();
        let ran = project.held(&[python.to_str().unwrap(), "-c", &script]);
        let expected = format!("{}15\n", "True\nTrue\n".repeat(3));
        assert_eq!(ran.stdout(), expected, "{}", ran.stderr());
        ran.assert_tier();
    }
}

/// An address that another thread rewrites during the call: what was judged is what is connected.
#[test]
fn a_racing_thread_does_not_reach_production() {
    let Some(project) = Project::traced() else {
        return;
    };
    let Some(python) = project.unknown("python3") else {
        return;
    };
    let production = server("127.0.0.2");
    let bad = port(&production);
    let script = format!(
        "import ctypes, errno, socket, struct, sys, threading\n\
         libc = ctypes.CDLL(None, use_errno=True)\n\
         own = socket.socket(); own.bind(('127.0.0.1', 0)); own.listen(4000)\n\
         port = own.getsockname()[1]\n\
         good = struct.pack('=H', 2) + struct.pack('>H', port) + bytes([127, 0, 0, 1]) + bytes(8)\n\
         bad = struct.pack('=H', 2) + struct.pack('>H', {bad}) + bytes([127, 0, 0, 2]) + bytes(8)\n\
         there = ctypes.create_string_buffer(good, 16)\n\
         stop = False\n\
         def flip():\n\
         \x20 while not stop: ctypes.memmove(there, bad, 16); ctypes.memmove(there, good, 16)\n\
         flipping = threading.Thread(target=flip); flipping.start()\n\
         sys.setswitchinterval(1e-6)\n\
         seen = set()\n\
         for i in range(1500):\n\
         \x20 s = socket.socket(); r = libc.connect(s.fileno(), there, 16)\n\
         \x20 seen.add('ok' if r == 0 else errno.errorcode[ctypes.get_errno()]); s.close()\n\
         stop = True; flipping.join()\n\
         print(seen <= {{'ok', 'EACCES'}} or seen)\n"
    );
    let ran = project.held(&[python.to_str().unwrap(), "-c", &script]);
    assert_eq!(ran.stdout(), "True\n", "{}", ran.stderr());
    assert_eq!(arrived(&production), 0);
    ran.assert_tier();
}

/// A link that another thread turns between two sockets: what was pinned is what is connected.
#[test]
fn a_turning_link_does_not_reach_production() {
    for project in Project::of_each_tier() {
        let Some(python) = project.unknown("python3") else {
            return;
        };
        let production = UnixListener::bind(project.path("live")).unwrap();
        let mark = format!(
            "[[marks]]\ntier = \"production\"\nsocket = {:?}\n",
            project.path("live")
        );
        project.write("tagout.toml", &mark);
        let script = "import errno, os, socket, sys, threading\n\
             own = socket.socket(socket.AF_UNIX); own.bind('good'); own.listen(4000)\n\
             stop = False\n\
             def turn():\n\
             \x20 while not stop:\n\
             \x20   for to in ['live', 'good']: os.symlink(to, 'next'); os.rename('next', 'link')\n\
             os.symlink('good', 'link')\n\
             turning = threading.Thread(target=turn); turning.start()\n\
             sys.setswitchinterval(1e-6)\n\
             seen = set()\n\
             for i in range(1500):\n\
             \x20 s = socket.socket(socket.AF_UNIX)\n\
             \x20 try: s.connect('link'); seen.add('ok')\n\
             \x20 except OSError as e: seen.add(errno.errorcode[e.errno])\n\
             \x20 finally: s.close()\n\
             stop = True; turning.join()\n\
             print(seen <= {'ok', 'EACCES'} or seen)\n";
        let ran = project.held(&[python.to_str().unwrap(), "-c", script]);
        assert_eq!(ran.stdout(), "True\n", "{}", ran.stderr());
        production.set_nonblocking(true).unwrap();
        assert!(production.accept().is_err());
        ran.assert_tier();
    }
}

/// Whoever traces is the only one who could let them go on: they end with it.
#[test]
fn a_killed_tracer_leaves_nothing_behind() {
    let Some(project) = Project::traced() else {
        return;
    };
    let script = "for i in 1 2 3; do setsid sh -c 'trap \"\" TERM; sleep 1000 & wait' & done\n\
                  (sleep 1000 &)\n\
                  echo up; exec sleep 1000";
    let mut child = project
        .command("default")
        .args(["sh", "-c", script])
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_nobody_holds(out);
}

#[test]
fn keys_and_job_control_at_a_terminal() {
    let (Some(project), Some(python)) = (Project::traced(), needs("python3")) else {
        return;
    };
    let listened = project.listened.clone().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/terminal.py");
    let mut command = Command::new(python);
    let under = format!("{} {}", listened.display(), tagout());
    command.args(["-B", script, &under]);
    project.settle(&mut command);
    let ran = project.run(command.stdin(Stdio::null()));
    assert_eq!(ran.stdout(), "ok\n", "{}", ran.stderr());
    ran.assert_tier();
}

/// A stopped child stops tagout, and goes on with it.
#[test]
fn a_stopped_command_stops_tagout_and_goes_on_with_it() {
    let Some(project) = Project::traced() else {
        return;
    };
    let script = "echo up; kill -STOP $$; echo on; exit 4";
    let mut child = project
        .command("worker")
        .args(["sh", "-c", script])
        .spawn()
        .unwrap();
    let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
    let stopped = nix::sys::wait::waitpid(pid, Some(nix::sys::wait::WaitPidFlag::WUNTRACED));
    let expected = nix::sys::wait::WaitStatus::Stopped(pid, nix::sys::signal::Signal::SIGSTOP);
    assert_eq!(stopped, Ok(expected));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGCONT).unwrap();
    let mut shown = String::new();
    let out = child.stdout.as_mut().unwrap();
    out.read_to_string(&mut shown).unwrap();
    assert_eq!(shown, "up\non\n");
    assert_eq!(child.wait().unwrap().code(), Some(4));
}
