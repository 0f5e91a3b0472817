//! The fence around real programs, without the rest of tagout.
#![allow(
    clippy::disallowed_methods,
    reason = "tests read the clock and look for programs"
)]

use std::io::{ErrorKind, Read};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use super::*;
use crate::sys::socket;
use crate::sys::trial::{ended, start};

/// Runs a Python program under the fence; its output goes to a file. Fails rather than hangs.
fn python(rules: Rules, mode: Mode, check: bool, script: &str) -> (String, Report) {
    let mut prepared = Prepared::new(mode, rules).unwrap();
    prepared.look_up();
    supervised(prepared, check, script)
}

fn supervised(prepared: Prepared, check: bool, script: &str) -> (String, Report) {
    let output = tempfile::NamedTempFile::new().unwrap();
    let script = format!(
        "import os,socket,sys,errno,threading,signal,time\n\
         sys.stdout=open({:?},'w',buffering=1)\n\
         def attempt(family, address, kind=socket.SOCK_STREAM):\n\
         \x20 s=socket.socket(family, kind)\n\
         \x20 try: s.connect(address); return 'ok'\n\
         \x20 except OSError as e: return errno.errorcode[e.errno]\n\
         \x20 finally: s.close()\n\
         {script}",
        output.path().to_str().unwrap()
    );
    let (child, listener, killable) = start(&["python3", "-c", &script], || prepared.install());
    let mut supervisor = Supervisor::new(prepared, listener, killable).unwrap();
    if check {
        supervisor.settle_for_check();
    }
    let begun = Instant::now();
    let mut status = None;
    while status.is_none() || !supervisor.is_over() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "the fenced program hangs"
        );
        socket::wait_for_input(supervisor.descriptor(), Some(Duration::from_millis(5)));
        supervisor.turn();
        status = status.or_else(|| ended(child));
    }
    let mut text = String::new();
    output.reopen().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(status, Some(0), "{text}");
    (text, supervisor.finish())
}

fn has_python() -> bool {
    std::process::Command::new("python3")
        .arg("-V")
        .output()
        .is_ok()
}

/// A server that takes connections into its queue; how many came is asked at the end.
fn server(address: &str) -> TcpListener {
    let server = TcpListener::bind((address, 0)).unwrap();
    server.set_nonblocking(true).unwrap();
    server
}

fn arrived(server: &TcpListener) -> usize {
    let mut count = 0;
    loop {
        match server.accept() {
            Ok(_) => count += 1,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return count,
            Err(error) => panic!("{error}"),
        }
    }
}

fn port(server: &TcpListener) -> u16 {
    server.local_addr().unwrap().port()
}

/// Development on 127.0.0.1, production on 127.0.0.2.
fn two_servers() -> (TcpListener, TcpListener, Rules) {
    let (development, production) = (server("127.0.0.1"), server("127.0.0.2"));
    let rules = Rules {
        targets: vec![Place::host(
            "127.0.0.1",
            Some(port(&development)),
            "development",
        )],
        production: vec![Place::host("127.0.0.2", None, "127.0.0.2")],
        refuse_production: true,
        ..Rules::default()
    };
    (development, production, rules)
}

#[test]
fn each_way_to_connect_is_held() {
    if !has_python() {
        return;
    }
    for check in [false, true] {
        let (development, production, rules) = two_servers();
        let (good, bad) = (port(&development), port(&production));
        let script = format!(
            "print(attempt(socket.AF_INET, ('127.0.0.1', {good})))\n\
             print(attempt(socket.AF_INET, ('127.0.0.2', {bad})))\n\
             print(attempt(socket.AF_INET6, ('::ffff:127.0.0.1', {good})))\n\
             print(attempt(socket.AF_INET6, ('::ffff:127.0.0.2', {bad})))\n\
             print(attempt(socket.AF_INET, ('127.0.0.1', 1)))\n\
             print(attempt(socket.AF_INET, ('0.0.0.0', {good})))\n\
             print(attempt(socket.AF_INET, ('127.0.0.3', 5432)))\n\
             s=socket.socket(); s.setblocking(False); r=s.connect_ex(('127.0.0.1', {good}))\n\
             import select; select.select([],[s],[],5); print(r in (0, errno.EINPROGRESS), s.getpeername()[1]=={good})\n\
             s=socket.socket(); s.setblocking(False); print(errno.errorcode[s.connect_ex(('127.0.0.2', {bad}))])\n\
             s=socket.socket()\n\
             try: s.sendto(b'x', 0x20000000, ('127.0.0.2', {bad})); print('sent')\n\
             except OSError as e: print(errno.errorcode[e.errno])\n\
             u=socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
             try: u.sendto(b'x', ('127.0.0.2', 9)); print('sent')\n\
             except OSError as e: print(errno.errorcode[e.errno])\n\
             try: u.sendmsg([b'x'], [], 0, ('127.0.0.2', 9)); print('sent')\n\
             except OSError as e: print(errno.errorcode[e.errno])\n\
             print(u.sendto(b'x', ('127.0.0.1', 9)))\n\
             print(attempt(socket.AF_INET, ('127.0.0.1', 1), socket.SOCK_DGRAM))\n"
        );
        let (text, report) = python(rules, Mode::Hold, check, &script);
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                "ok",
                "EACCES",
                "ok",
                "EACCES",
                "ECONNREFUSED",
                "ok",
                "EACCES",
                "True True",
                "EACCES",
                "ENOTSUP",
                "EACCES",
                "EACCES",
                "1",
                "ok"
            ],
            "check: {check}"
        );
        assert_eq!(arrived(&production), 0);
        assert_eq!(arrived(&development), 4);
        let target = report
            .contacts
            .iter()
            .find(|contact| contact.target)
            .unwrap();
        assert_eq!(target.count, 4);
        assert!(
            target
                .programs
                .iter()
                .all(|program| program.name.starts_with("python"))
        );
        let refused = format!("to 127.0.0.2:{bad}: production mark 127.0.0.2 (3 times)");
        assert!(
            report
                .refusals()
                .iter()
                .any(|line| line.ends_with(&refused)),
            "{:?}",
            report.refusals()
        );
        assert_eq!(report.tier, if check { Tier::Check } else { Tier::Emulate });
        assert_eq!(
            report.status,
            if check { Status::Partial } else { Status::Full }
        );
        if !check {
            assert_eq!((target.outcome, target.connected), (Outcome::Connected, 4));
        }
    }
}

#[test]
fn observing_lets_everything_through_and_notes_it() {
    if !has_python() {
        return;
    }
    let (development, production, rules) = two_servers();
    let (good, bad) = (port(&development), port(&production));
    let script = format!(
        "print(attempt(socket.AF_INET, ('127.0.0.1', {good})))\n\
         print(attempt(socket.AF_INET, ('127.0.0.2', {bad})))\n"
    );
    let (text, report) = python(rules, Mode::Observe, false, &script);
    assert_eq!(text, "ok\nok\n");
    assert_eq!(arrived(&production), 1);
    let stray = report
        .contacts
        .iter()
        .find(|contact| !contact.allowed)
        .unwrap();
    assert_eq!((stray.outcome, stray.target), (Outcome::Connected, false));
    assert!(report.refusals().is_empty());
}

#[test]
fn unix_sockets_are_held_by_what_they_lead_to() {
    if !has_python() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let _good = UnixListener::bind(path("good")).unwrap();
    let bad = UnixListener::bind(path("bad")).unwrap();
    let _plain = UnixListener::bind(path("plain")).unwrap();
    let _database = UnixListener::bind(path(".s.PGSQL.5432")).unwrap();
    std::fs::hard_link(path("bad"), path("innocent")).unwrap();
    std::os::unix::fs::symlink(path("bad"), path("link")).unwrap();
    let rules = Rules {
        targets: vec![Place::socket(path("good"), "good")],
        production: vec![Place::socket(path("bad"), "bad")],
        refuse_production: true,
        ..Rules::default()
    };
    let script = format!(
        "os.chdir({:?})\n\
         for name in ['good','bad','innocent','link','plain','.s.PGSQL.5432','missing','./good','{}']:\n\
         \x20 print(attempt(socket.AF_UNIX, name))\n",
        dir.path().to_str().unwrap(),
        path("bad").to_str().unwrap(),
    );
    for check in [false, true] {
        let (text, _) = python(rules.clone(), Mode::Hold, check, &script);
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                "ok", "EACCES", "EACCES", "EACCES", "ok", "EACCES", "ENOENT", "ok", "EACCES"
            ]
        );
    }
    bad.set_nonblocking(true).unwrap();
    assert_eq!(bad.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

/// A server of a database under a name that tells nothing, for callers with our rights and with
/// others, whoever makes the connection.
#[test]
fn servers_are_told_by_their_process_whoever_connects() {
    if !has_python() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("odd");
    let script = format!(
        "import ctypes, select\n\
         ready, tell = os.pipe(); over, lives = os.pipe()\n\
         if os.fork() == 0:\n\
         \x20 ctypes.CDLL(None).prctl(15, b'postgres'); os.close(lives)\n\
         \x20 s = socket.socket(socket.AF_UNIX); s.bind({path:?}); s.listen(9); os.write(tell, b'x')\n\
         \x20 while over not in select.select([s, over], [], [])[0]: s.accept()\n\
         \x20 os._exit(0)\n\
         os.read(ready, 1)\n\
         os.chmod({path:?}, 0o777); os.chmod({dir:?}, 0o755)\n\
         print(attempt(socket.AF_UNIX, {path:?}))\n\
         if os.getuid() == 0: os.setgroups([]); os.setuid(65534)\n\
         print(attempt(socket.AF_UNIX, {path:?}))\n",
        path = path.to_str().unwrap(),
        dir = dir.path().to_str().unwrap(),
    );
    for check in [false, true] {
        let (text, _) = python(Rules::default(), Mode::Hold, check, &script);
        assert_eq!(text, "EACCES\nEACCES\n", "check: {check}");
        std::fs::remove_file(&path).unwrap();
    }
}

/// A program with a root of its own (root alone may have one): its paths are its own.
#[test]
fn paths_are_those_of_the_programs_root() {
    if !has_python() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("jail");
    std::fs::create_dir_all(inside.join("run")).unwrap();
    let bind = |name: &str| UnixListener::bind(inside.join(name)).unwrap();
    let (_good, bad) = (bind("run/good"), bind("run/live"));
    std::os::unix::fs::symlink("/run/live", inside.join("run/link")).unwrap();
    let rules = Rules {
        production: vec![Place::socket(inside.join("run/live"), "live")],
        refuse_production: true,
        ..Rules::default()
    };
    let script = format!(
        "try: os.chroot({:?}); os.chdir('/run')\n\
         except PermissionError: sys.exit(0)\n\
         for name in ['/run/good', 'good', '../run/good', '/run/live', 'live', '/run/link', 'link']:\n\
         \x20 print(attempt(socket.AF_UNIX, name), end=' ')\n",
        inside.to_str().unwrap()
    );
    for check in [false, true] {
        let (text, _) = python(rules.clone(), Mode::Hold, check, &script);
        let seen = "ok ok EACCES EACCES EACCES EACCES EACCES ";
        assert!(text.is_empty() || text == seen, "{text}");
    }
    bad.set_nonblocking(true).unwrap();
    assert_eq!(bad.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

/// In another network namespace "this machine" is not the one where the target was resolved.
#[test]
fn the_same_address_in_another_network_is_another_server() {
    if !has_python() {
        return;
    }
    let (development, _production, rules) = two_servers();
    let good = port(&development);
    let script = format!(
        "import ctypes\n\
         print(attempt(socket.AF_INET, ('127.0.0.1', {good})))\n\
         print(ctypes.CDLL(None).unshare(0x40000000 | (0x10000000 if os.getuid() else 0)))\n\
         print(attempt(socket.AF_INET, ('127.0.0.1', {good})))\n"
    );
    for check in [false, true] {
        let (text, _) = python(rules.clone(), Mode::Hold, check, &script);
        let words: Vec<&str> = text.lines().collect();
        // Not everybody may leave the network.
        let expected = if words.get(1) == Some(&"0") {
            ["ok", "0", "EACCES"]
        } else {
            ["ok", "-1", "ok"]
        };
        assert_eq!(words, expected, "check: {check}");
    }
}

/// An address that another thread rewrites during the call: what was judged is what is connected.
#[test]
fn a_racing_thread_does_not_reach_production() {
    if !has_python() {
        return;
    }
    let (development, production, rules) = two_servers();
    let (good, bad) = (port(&development), port(&production));
    let script = format!(
        "import ctypes,struct\n\
         libc=ctypes.CDLL(None, use_errno=True)\n\
         good=struct.pack('=H',2)+struct.pack('>H',{good})+bytes([127,0,0,1])+bytes(8)\n\
         bad=struct.pack('=H',2)+struct.pack('>H',{bad})+bytes([127,0,0,2])+bytes(8)\n\
         buf=ctypes.create_string_buffer(good,16)\n\
         stop=False\n\
         def flip():\n\
         \x20 while not stop:\n\
         \x20   ctypes.memmove(buf,bad,16); ctypes.memmove(buf,good,16)\n\
         t=threading.Thread(target=flip); t.start()\n\
         sys.setswitchinterval(1e-6)\n\
         seen=set()\n\
         for i in range(1500):\n\
         \x20 s=socket.socket(); r=libc.connect(s.fileno(), buf, 16)\n\
         \x20 seen.add('ok' if r==0 else errno.errorcode[ctypes.get_errno()]); s.close()\n\
         stop=True; t.join()\n\
         print('EACCES' in seen or 'ok' in seen)\n"
    );
    let drain = std::thread::spawn(move || {
        let until = Instant::now() + Duration::from_secs(60);
        while Instant::now() < until && std::sync::Arc::strong_count(&DRAINING) > 1 {
            while development.accept().is_ok() {}
            std::thread::yield_now();
        }
    });
    let guard = DRAINING.clone();
    let (text, _) = python(rules, Mode::Hold, false, &script);
    drop(guard);
    drain.join().unwrap();
    assert_eq!(text, "True\n");
    assert_eq!(arrived(&production), 0);
}

static DRAINING: std::sync::LazyLock<std::sync::Arc<()>> =
    std::sync::LazyLock::new(Default::default);

/// A server whose queue is full never answers: the caller waits, and signals, time limits and
/// stops work on it as without a fence.
#[test]
fn waiting_callers_hear_their_signals_and_time_limits() {
    if !has_python() {
        return;
    }
    let (development, _production, rules) = two_servers();
    let good = port(&development);
    let script = format!(
        "import struct\n\
         held=[]\n\
         # Fill the queue: connects beyond it stay in progress.\n\
         for i in range(400):\n\
         \x20 s=socket.socket(); s.setblocking(False); s.connect_ex(('127.0.0.1', {good})); held.append(s)\n\
         s=socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack('ll',0,300000))\n\
         import ctypes; libc=ctypes.CDLL(None, use_errno=True)\n\
         address=struct.pack('=H',2)+struct.pack('>H',{good})+bytes([127,0,0,1])+bytes(8)\n\
         r=libc.connect(s.fileno(), address, 16); print(errno.errorcode[ctypes.get_errno()] if r else 'ok')\n\
         signal.signal(signal.SIGALRM, lambda *a: None); signal.siginterrupt(signal.SIGALRM, True)\n\
         signal.setitimer(signal.ITIMER_REAL, 0.2)\n\
         s=socket.socket(); r=libc.connect(s.fileno(), address, 16); print(errno.errorcode[ctypes.get_errno()] if r else 'ok')\n"
    );
    let (text, _) = python(rules, Mode::Hold, false, &script);
    assert_eq!(text, "EINPROGRESS\nEINTR\n");
}

#[test]
fn threads_forks_and_many_at_once_are_all_held() {
    if !has_python() {
        return;
    }
    let (development, production, rules) = two_servers();
    let (good, bad) = (port(&development), port(&production));
    let script = format!(
        "out=[]\n\
         def work():\n\
         \x20 for i in range(5):\n\
         \x20   out.append(attempt(socket.AF_INET, ('127.0.0.2', {bad})))\n\
         threads=[threading.Thread(target=work) for i in range(40)]\n\
         [t.start() for t in threads]; [t.join() for t in threads]\n\
         print(len(out), set(out))\n\
         depth=0\n\
         while depth<20:\n\
         \x20 pid=os.fork()\n\
         \x20 if pid: os.waitpid(pid,0); os._exit(0) if depth else sys.exit(0)\n\
         \x20 depth+=1; os.setsid()\n\
         print(attempt(socket.AF_INET, ('127.0.0.2', {bad})), attempt(socket.AF_INET, ('127.0.0.1', {good})))\n"
    );
    let (text, report) = python(rules, Mode::Hold, false, &script);
    assert_eq!(text, "200 {'EACCES'}\nEACCES ok\n");
    assert_eq!(arrived(&production), 0);
    let refused: u64 = report
        .contacts
        .iter()
        .filter(|c| !c.allowed)
        .map(|c| c.count)
        .sum();
    assert_eq!(refused, 201);
}

/// `127.1` is a name to us and an address to the system: looked up only when somebody goes there.
#[test]
fn a_name_that_moved_is_found_again() {
    if !has_python() {
        return;
    }
    for check in [false, true] {
        let development = server("127.0.0.1");
        let good = port(&development);
        let rules = Rules {
            targets: vec![Place::host("127.1", Some(good), "development")],
            ..Rules::default()
        };
        let prepared = Prepared::new(Mode::Hold, rules).unwrap();
        let script = format!(
            "time.sleep(1.1)\n\
             print(attempt(socket.AF_INET, ('127.0.0.1', {good})))\n\
             print(attempt(socket.AF_INET, ('127.0.0.1', 5432)))\n"
        );
        let (text, _) = supervised(prepared, check, &script);
        assert_eq!(text, "ok\nEACCES\n");
    }
}
