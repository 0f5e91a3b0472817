//! The fence around real programs: what is resolved works, what is production gets nothing, and
//! nothing hangs.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::servers::{MariaDb, Postgres, free_port, running_as_root};
use crate::support::{copy_program, needs, tagout};

/// A project whose marks call 127.0.0.2 production.
pub(crate) struct Project {
    dir: tempfile::TempDir,
    /// What puts tagout under another supervisor's listener: there it traces.
    pub(crate) listened: Option<PathBuf>,
}

/// Python's `server`, whose queue is full: it never answers the next connect.
pub(crate) const FULL_SERVER: &str = "server = socket.socket(); server.bind(('127.0.0.1', 0)); server.listen(0)\n\
     full = []\n\
     for i in range(20):\n\
     \x20 s = socket.socket(); s.setblocking(False)\n\
     \x20 s.connect_ex(server.getsockname()); full.append(s)\n";

impl Project {
    pub(crate) fn new() -> Project {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let project = Project {
            dir,
            listened: None,
        };
        project.write(
            "tagout.toml",
            "[[marks]]\ntier = \"production\"\nhost = \"127.0.0.2\"\n",
        );
        project
    }

    /// One where tagout traces what it starts.
    pub(crate) fn traced() -> Option<Project> {
        Project::behind("listened")
    }

    /// One where tagout is started by a program of the fixtures that leaves it tracing alone.
    pub(crate) fn behind(fixture: &str) -> Option<Project> {
        let project = Project::new();
        let listened = Some(compiled(&project, fixture)?);
        Some(Project {
            listened,
            ..project
        })
    }

    /// One for each way to hold.
    pub(crate) fn of_each_tier() -> impl Iterator<Item = Project> {
        [Some(Project::new()), Project::traced()]
            .into_iter()
            .flatten()
    }

    /// Status and tier of the fence here.
    pub(crate) fn expected(&self) -> (&'static str, &'static str) {
        match self.listened {
            None => ("full", "emulate"),
            Some(_) => ("partial", "ptrace"),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// An interpreter under a name that no catalogue knows: what it runs is not foreseen.
    pub(crate) fn unknown(&self, interpreter: &str) -> Option<PathBuf> {
        let link = self.path(&format!("some-{interpreter}"));
        if !link.exists() {
            std::os::unix::fs::symlink(interpreter_path(interpreter)?, &link).unwrap();
        }
        Some(link)
    }

    pub(crate) fn command(&self, profile: &str) -> Command {
        self.by(Path::new(tagout()), profile)
    }

    /// tagout started by its words at the end of another program's.
    fn by(&self, program: &Path, profile: &str) -> Command {
        let mut command = match &self.listened {
            None => Command::new(program),
            Some(listened) => {
                let mut command = Command::new(listened);
                command.arg(program);
                command
            }
        };
        if program != Path::new(tagout()) {
            command.arg("");
        }
        command.args(["run", "-p", profile, "--"]);
        self.settle(&mut command);
        command
    }

    pub(crate) fn settle(&self, command: &mut Command) {
        command
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.dir.path())
            .env("XDG_STATE_HOME", self.path("state"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    }

    /// Runs words in the profile that holds, to their end.
    pub(crate) fn held(&self, words: &[&str]) -> Ran {
        self.run(self.command("worker").args(words))
    }

    /// Runs scripts (interpreter, its option, text) that try a server on 127.0.0.1 and one on
    /// 127.0.0.2, and sees that only the first was reached.
    fn assert_all_held(&self, scripts: &[(&str, &str, String)], good: u16, bad: u16) {
        for (interpreter, option, script) in scripts {
            let Some(program) = self.unknown(interpreter) else {
                continue;
            };
            let ran = self.held(&[program.to_str().unwrap(), option, script]);
            let good = format!("127.0.0.1:{good}");
            ran.assert_held(interpreter, &good, &format!("127.0.0.2:{bad}"));
        }
    }

    pub(crate) fn run(&self, command: &mut Command) -> Ran {
        let output = in_time(command.spawn().unwrap());
        Ran {
            output,
            outcome: self.outcome(),
            expected: self.expected(),
        }
    }

    /// The last outcome in the journal.
    fn outcome(&self) -> Value {
        let journal = self.path("state/tagout/journal/000000000001.jsonl");
        let text = fs::read_to_string(journal).unwrap_or_default();
        let last = text
            .lines()
            .rfind(|line| line.contains("\"phase\":\"outcome\""));
        last.map_or(Value::Null, |line| serde_json::from_str(line).unwrap())
    }
}

/// The interpreter itself, behind version managers' scripts of that name.
fn interpreter_path(name: &str) -> Option<PathBuf> {
    let found = needs(name)?;
    if name != "python3" {
        return Some(found);
    }
    let asked = Command::new(&found)
        .args(["-c", "import sys; print(sys.executable)"])
        .output()
        .unwrap();
    Some(String::from_utf8(asked.stdout).unwrap().trim().into())
}

/// A hang fails the test instead of holding it.
fn in_time(mut child: Child) -> Output {
    let drain = |pipe: Option<Box<dyn Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut pipe) = pipe {
                pipe.read_to_end(&mut bytes).unwrap();
            }
            bytes
        })
    };
    let stdout = drain(child.stdout.take().map(|pipe| Box::new(pipe) as Box<_>));
    let stderr = drain(child.stderr.take().map(|pipe| Box::new(pipe) as Box<_>));
    let begun = Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if begun.elapsed() > Duration::from_secs(120) => {
                child.kill().unwrap();
                panic!("it hangs");
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    Output {
        status,
        stdout: stdout.join().unwrap(),
        stderr: stderr.join().unwrap(),
    }
}

pub(crate) struct Ran {
    pub(crate) output: Output,
    pub(crate) outcome: Value,
    expected: (&'static str, &'static str),
}

impl Ran {
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// What the record says of an endpoint.
    pub(crate) fn seen(&self, peer: &str) -> Option<&Value> {
        let all = self.outcome["observed"].as_array()?;
        all.iter()
            .find(|seen| seen["peer"] == peer && seen["proto"] != "udp")
    }

    /// The server worked, production was refused, both are in the record and said at the end.
    fn assert_held(&self, who: &str, good: &str, bad: &str) {
        let context = format!("{who}: {}{}{}", self.stdout(), self.stderr(), self.outcome);
        assert!(self.stdout().contains("good=1"), "{context}");
        assert!(!self.stdout().contains("bad=1"), "{context}");
        let good = self.seen(good).unwrap_or_else(|| panic!("{context}"));
        assert_eq!(good["outcome"], "connected", "{context}");
        let bad_seen = self.seen(bad).unwrap_or_else(|| panic!("{context}"));
        assert_eq!(bad_seen["denied"], true, "{context}");
        assert_eq!(bad_seen["mismatch"], true, "{context}");
        let program = bad_seen["programs"][0].as_str().unwrap();
        assert!(program.contains("(pid "), "{context}");
        let line = format!("tagout: refused connect by {program} to {bad}: production mark");
        assert!(self.stderr().contains(&line), "{context}");
        self.assert_tier();
    }

    /// The fence was as it can be here.
    pub(crate) fn assert_tier(&self) {
        let (status, tier) = self.expected;
        let context = format!("{}{}", self.stderr(), self.outcome);
        assert_eq!(self.outcome["fence"]["status"], status, "{context}");
        assert_eq!(self.outcome["fence"]["tier"], tier, "{context}");
    }
}

pub(crate) fn server(address: &str) -> TcpListener {
    let server = TcpListener::bind((address, 0)).unwrap();
    server.set_nonblocking(true).unwrap();
    server
}

pub(crate) fn port(server: &TcpListener) -> u16 {
    server.local_addr().unwrap().port()
}

pub(crate) fn arrived(server: &TcpListener) -> usize {
    let mut count = 0;
    loop {
        match server.accept() {
            Ok(_) => count += 1,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return count,
            Err(error) => panic!("{error}"),
        }
    }
}

/// A C program of the fixtures, linked statically.
pub(crate) fn compiled(project: &Project, name: &str) -> Option<PathBuf> {
    let compiler = needs("gcc")?;
    let source =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/fence/{name}.c"));
    let program = project.path(name);
    let status = Command::new(compiler)
        .args(["-static", "-O1", "-o"])
        .args([&program, &source])
        .status();
    assert!(status.unwrap().success());
    Some(program)
}

/// The folder of a Python or Node package, fetched once; `None` (a counted skip) without network.
fn package(name: &str) -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("client-{name}"));
    if !dir.join("done").exists() {
        let fetched = match name {
            "pg" => Command::new("npm")
                .args(["install", "--silent", "--no-audit", "--prefix"])
                .args([dir.as_os_str(), name.as_ref()])
                .output(),
            _ => Command::new("python3")
                .args(["-m", "pip", "install", "-q", "--target"])
                .args([dir.as_os_str(), name.as_ref()])
                .output(),
        };
        if !fetched.is_ok_and(|output| output.status.success()) {
            needs(&format!("the package {name}"));
            return None;
        }
        fs::write(dir.join("done"), "").unwrap();
    }
    Some(dir)
}

#[test]
fn postgres_clients_reach_their_server_and_nothing_of_production() {
    let (Some(good), Some(bad)) = (Postgres::start(), Postgres::start_on("127.0.0.2")) else {
        return;
    };
    for project in Project::of_each_tier() {
        let (g, b) = (good.port, bad.port);
        let psql = format!(
            "for at in good:127.0.0.1:{g} bad:127.0.0.2:{b}; do IFS=: read name host port <<X\n$at\nX\n\
         echo $name=$(psql -XAtq -h $host -p $port -U postgres -d postgres -c 'select 1'); done"
        );
        let php = format!(
            "foreach (['good' => '127.0.0.1;port={g}', 'bad' => '127.0.0.2;port={b}'] as $name => $at) {{\n\
         try {{ $db = new PDO(\"pgsql:host=$at;dbname=postgres\", 'postgres');\n\
         echo \"$name=\", $db->query('select 1')->fetchColumn(), \"\\n\"; }}\n\
         catch (PDOException $e) {{ echo \"$name: \", $e->getMessage(), \"\\n\"; }} }}"
        );
        let ruby = format!(
            "require 'pg'\n\
         {{good: ['127.0.0.1', {g}], bad: ['127.0.0.2', {b}]}}.each do |name, (host, port)|\n\
         begin; db = PG.connect(host: host, port: port, user: 'postgres', dbname: 'postgres')\n\
         puts \"#{{name}}=#{{db.exec('select 1').getvalue(0, 0)}}\"\n\
         rescue PG::Error => e; puts \"#{{name}}: #{{e.message}}\"; end; end"
        );
        let mut cases = vec![("sh", "-c", psql), ("php", "-r", php), ("ruby", "-e", ruby)];
        if let Some(dir) = package("psycopg2-binary") {
            cases.push((
            "python3",
            "-c",
            format!(
                "import sys; sys.path.insert(0, {dir:?})\nimport psycopg2\n\
                 for name, host, port in [('good', '127.0.0.1', {g}), ('bad', '127.0.0.2', {b})]:\n\
                 \x20 try:\n\
                 \x20   c = psycopg2.connect(host=host, port=port, user='postgres', dbname='postgres').cursor()\n\
                 \x20   c.execute('select 1'); print(f'{{name}}={{c.fetchone()[0]}}')\n\
                 \x20 except psycopg2.Error as e: print(name, e)\n"
            ),
        ));
        }
        if let Some(python) = crate::python_tools::python() {
            let ask = "import os, sys, psycopg; print(os.path.realpath(sys.executable)); \
                   print(os.path.dirname(os.path.dirname(psycopg.__file__)))";
            let answer = Command::new(python).args(["-c", ask]).output().unwrap();
            let answer = String::from_utf8(answer.stdout).unwrap();
            let (real, packages) = answer.trim().split_once('\n').unwrap();
            let snake = project.path("some-snake");
            std::os::unix::fs::symlink(real, &snake).unwrap();
            let script = format!(
                "import sys; sys.path.insert(0, {packages:?})\nimport psycopg\n\
             for name, host, port in [('good', '127.0.0.1', {g}), ('bad', '127.0.0.2', {b})]:\n\
             \x20 try:\n\
             \x20   c = psycopg.connect(host=host, port=port, user='postgres', dbname='postgres')\n\
             \x20   print(f'{{name}}={{c.execute(\"select 1\").fetchone()[0]}}')\n\
             \x20 except psycopg.Error as e: print(name, e)\n"
            );
            let ran = project.held(&[snake.to_str().unwrap(), "-c", &script]);
            let (good, bad) = (format!("127.0.0.1:{g}"), format!("127.0.0.2:{b}"));
            ran.assert_held("psycopg 3", &good, &bad);
        }
        if let Some(dir) = package("pg") {
            cases.push((
            "node",
            "-e",
            format!(
                "const {{Client}} = require('{}/node_modules/pg');\n\
                 (async () => {{ for (const [name, host, port] of [['good','127.0.0.1',{g}],['bad','127.0.0.2',{b}]]) {{\n\
                 try {{ const c = new Client({{host, port, user: 'postgres', database: 'postgres'}});\n\
                 await c.connect(); const r = await c.query('select 1 as one');\n\
                 console.log(`${{name}}=${{r.rows[0].one}}`); await c.end(); }}\n\
                 catch (e) {{ console.log(name, e.message); }} }} }})();",
                dir.display()
            ),
        ));
        }
        project.assert_all_held(&cases, g, b);
        assert!(!bad.log().contains("host=127."), "{}", bad.log());
    }
}

#[test]
fn mysql_clients_reach_their_server_and_nothing_of_production() {
    let (Some(good), Some(bad)) = (MariaDb::start(), MariaDb::start_on("127.0.0.2")) else {
        return;
    };
    for project in Project::of_each_tier() {
        let (g, b) = (good.port, bad.port);
        let cli = format!(
            "for at in good:127.0.0.1:{g} bad:127.0.0.2:{b}; do IFS=: read name host port <<X\n$at\nX\n\
         echo $name=$(mariadb --no-defaults -BN -h $host -P $port -u app -e 'select 1'); done"
        );
        let php = format!(
            "foreach (['good' => '127.0.0.1;port={g}', 'bad' => '127.0.0.2;port={b}'] as $name => $at) {{\n\
         try {{ $db = new PDO(\"mysql:host=$at\", 'app');\n\
         echo \"$name=\", $db->query('select 1')->fetchColumn(), \"\\n\"; }}\n\
         catch (PDOException $e) {{ echo \"$name: \", $e->getMessage(), \"\\n\"; }} }}"
        );
        project.assert_all_held(&[("sh", "-c", cli), ("php", "-r", php)], g, b);
        let queries = fs::read_to_string(bad.dir.path().join("queries")).unwrap();
        assert!(!queries.contains("Connect\tapp@"), "{queries}");
    }
}

/// A Redis that logs who connects.
struct Redis {
    port: u16,
    dir: tempfile::TempDir,
    server: Child,
}

impl Redis {
    fn start_on(address: &str) -> Option<Redis> {
        let server = needs("redis-server")?;
        let (port, dir) = (free_port(), tempfile::tempdir().unwrap());
        let log = dir.path().join("log");
        let server = Command::new(server)
            .args(["--bind", address, "--port", &port.to_string()])
            .args(["--save", "", "--loglevel", "verbose", "--logfile"])
            .arg(&log)
            .current_dir(dir.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let redis = Redis { port, dir, server };
        let begun = Instant::now();
        while !redis.log().contains("eady to accept connections") {
            assert!(begun.elapsed() < Duration::from_secs(60), "{}", redis.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(redis)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn redis_cli_reaches_its_server_and_nothing_of_production() {
    let (Some(good), Some(bad)) = (Redis::start_on("127.0.0.1"), Redis::start_on("127.0.0.2"))
    else {
        return;
    };
    if needs("redis-cli").is_none() {
        return;
    }
    let project = Project::new();
    let (g, b) = (good.port, bad.port);
    let script = format!(
        "echo good=$(redis-cli --raw -h 127.0.0.1 -p {g} incr n); \
         echo bad=$(redis-cli --raw -h 127.0.0.2 -p {b} incr n)"
    );
    let shell = project.unknown("sh").unwrap();
    let ran = project.held(&[shell.to_str().unwrap(), "-c", &script]);
    ran.assert_held(
        "redis-cli",
        &format!("127.0.0.1:{g}"),
        &format!("127.0.0.2:{b}"),
    );
    assert!(good.log().contains("Accepted 127.0.0.1"), "{}", good.log());
    assert!(!bad.log().contains("Accepted"), "{}", bad.log());
}

/// Servers that only count who comes, for clients that need no more.
#[test]
fn curl_and_static_programs_are_held() {
    let project = Project::new();
    let answering = |address: &str| {
        let server = TcpListener::bind((address, 0)).unwrap();
        let port = server.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for mut stream in server.incoming().flatten() {
                let mut request = [0; 4096];
                let length = stream.read(&mut request).unwrap_or(0);
                if request.get(..length).is_some_and(|r| r.starts_with(b"GET")) {
                    let answer = b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n1";
                    stream.write_all(answer).ok();
                }
            }
        });
        port
    };
    let good = answering("127.0.0.1");
    let production = server("127.0.0.2");
    let bad = port(&production);
    let pair = [("good", "127.0.0.1", good), ("bad", "127.0.0.2", bad)];
    let mut cases: Vec<(&str, String)> = Vec::new();
    if needs("curl").is_some() {
        let lines = pair.map(|(n, h, p)| format!("echo {n}=$(curl -s http://{h}:{p}/)"));
        cases.push(("curl", lines.join("; ")));
    }
    if let Some(doors) = compiled(&project, "doors") {
        let doors = doors.display();
        let lines = pair.map(|(n, h, p)| format!("{doors} {h} {p} plain | sed s/plain.ok/{n}=1/"));
        cases.push(("static", lines.join("; ")));
    }
    let shell = project.unknown("sh").unwrap();
    for (who, script) in cases {
        let ran = project.held(&[shell.to_str().unwrap(), "-c", &script]);
        ran.assert_held(
            who,
            &format!("127.0.0.1:{good}"),
            &format!("127.0.0.2:{bad}"),
        );
    }
    assert_eq!(arrived(&production), 0);
}

#[test]
fn every_other_door_is_shut_and_mistakes_stay_what_they_are() {
    for project in Project::of_each_tier() {
        let Some(doors) = compiled(&project, "doors") else {
            return;
        };
        let production = server("127.0.0.2");
        let bad = port(&production).to_string();
        let words = [
            "fast-open",
            "message",
            "io_uring",
            "sctp",
            "vsock",
            "old-call",
            "old-multiplexed",
            "second-numbers",
        ];
        let mut all = vec![doors.to_str().unwrap(), "127.0.0.2", &bad];
        all.extend(words);
        let ran = project.held(&all);
        let expected = [
            "fast-open EOPNOTSUPP",
            "fast-open EOPNOTSUPP",
            "fast-open EOPNOTSUPP",
            "message EACCES",
            "message EACCES",
            "message EACCES",
            "io_uring ENOSYS",
            "sctp EPROTONOSUPPORT",
            "vsock EAFNOSUPPORT",
            "old-call ENOSYS",
            "old-multiplexed ENOSYS",
            "second-numbers ENOSYS",
        ];
        let shown = ran.stdout();
        let lines: Vec<&str> = shown.lines().collect();
        let expected = if cfg!(target_arch = "x86_64") {
            &expected[..]
        } else {
            &expected[..9]
        };
        assert_eq!(lines, expected, "{}", ran.stderr());
        assert_eq!(arrived(&production), 0);
        // Outside, the same program shows the same mistakes.
        let alone = Command::new(&doors)
            .args(["127.0.0.1", "1", "bad"])
            .stdin(Stdio::null())
            .output();
        let ran = project.held(&[doors.to_str().unwrap(), "127.0.0.1", "1", "bad"]);
        assert_eq!(
            ran.stdout(),
            String::from_utf8_lossy(&alone.unwrap().stdout)
        );
    }
}

#[test]
fn a_command_may_leave_processes_behind_and_they_stay_held() {
    for project in Project::of_each_tier() {
        let (development, production) = (server("127.0.0.1"), server("127.0.0.2"));
        let Some(doors) = compiled(&project, "doors") else {
            return;
        };
        let shell = project.unknown("sh").unwrap();
        let (doors, good, bad) = (doors.display(), port(&development), port(&production));
        let fifo = project.path("go");
        assert!(
            Command::new("mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        let script = format!(
            "(read x < go; {doors} 127.0.0.1 {good} plain; {doors} 127.0.0.2 {bad} plain) > late 2>&1 &\n\
         echo left"
        );
        let mut command = project.command("worker");
        let ran = project.run(command.args([shell.to_str().unwrap(), "-c", &script]));
        assert_eq!(ran.stdout(), "left\n");
        assert_eq!(ran.outcome["fence"]["outlived"], true);
        fs::write(&fifo, "go\n").unwrap();
        let begun = Instant::now();
        let late = loop {
            let late = fs::read_to_string(project.path("late")).unwrap_or_default();
            if late.lines().count() >= 2 {
                break late;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{late}");
            std::thread::sleep(Duration::from_millis(5));
        };
        assert_eq!(late, "plain ok\nplain EACCES\n");
        assert_eq!((arrived(&development), arrived(&production)), (1, 0));
    }
}

#[test]
fn a_killed_supervisor_closes_and_nothing_hangs() {
    let project = Project::new();
    let development = server("127.0.0.1");
    let Some(doors) = compiled(&project, "doors") else {
        return;
    };
    let shell = project.unknown("sh").unwrap();
    let (doors, good) = (doors.display(), port(&development));
    // The grandchild has a session of its own: it outlives the supervisor.
    let script = format!(
        "LAUNCHER=$PPID setsid sh -c 'while kill -0 $LAUNCHER 2>/dev/null; do sleep 0.05; done; {doors} 127.0.0.1 {good} plain > late' &\n\
         echo ready; exec sleep 600"
    );
    let mut command = project.command("worker");
    let mut child = command
        .args([shell.to_str().unwrap(), "-c", &script])
        .spawn()
        .unwrap();
    let mut ready = [0; 6];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut ready)
        .unwrap();
    child.kill().unwrap();
    let output = in_time(child);
    assert_eq!(output.status.signal(), Some(9));
    let begun = Instant::now();
    loop {
        let late = fs::read_to_string(project.path("late")).unwrap_or_default();
        if !late.is_empty() {
            assert_eq!(late, "plain ENOSYS\n");
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(arrived(&development), 0);
}

#[test]
fn crowds_loops_and_stopped_children_end() {
    for project in Project::of_each_tier() {
        let Some(python) = project.unknown("python3") else {
            return;
        };
        let (development, production) = (server("127.0.0.1"), server("127.0.0.2"));
        let (good, bad) = (port(&development), port(&production));
        std::thread::spawn(move || {
            loop {
                while development.accept().is_ok() {}
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let script = format!(
            "import socket, threading, os, signal, time\n\
         results = []\n\
         def one(address):\n\
         \x20 s = socket.socket()\n\
         \x20 try: s.connect(address); results.append('ok')\n\
         \x20 except OSError as e: results.append(e.errno)\n\
         \x20 finally: s.close()\n\
         crowd = [threading.Thread(target=one, args=(('127.0.0.1', {good}),)) for i in range(1000)]\n\
         [t.start() for t in crowd]; [t.join() for t in crowd]\n\
         print(len(results), set(results))\n\
         results.clear()\n\
         for i in range(3000): one(('127.0.0.2', {bad}))\n\
         print(len(results), set(results))\n\
         results.clear()\n\
         pid = os.fork()\n\
         if pid == 0:\n\
         \x20 while True: one(('127.0.0.1', {good}))\n\
         for i in range(5): os.kill(pid, signal.SIGSTOP); time.sleep(0.01); one(('127.0.0.1', {good})); os.kill(pid, signal.SIGCONT)\n\
         os.kill(pid, signal.SIGSTOP); os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)\n\
         print(len(results), set(results))\n"
        );
        let ran = project.held(&[python.to_str().unwrap(), "-c", &script]);
        assert_eq!(
            ran.stdout(),
            "1000 {'ok'}\n3000 {13}\n5 {'ok'}\n",
            "{}",
            ran.stderr()
        );
        let refused = ran.seen(&format!("127.0.0.2:{bad}")).unwrap();
        assert_eq!(refused["count"], 3000);
        assert_eq!(arrived(&production), 0);
    }
}

/// Root tagout, child of another user: what the kernel forbids the child stays forbidden, and the
/// server sees who really calls.
#[test]
fn a_root_supervisor_lends_no_rights() {
    if !running_as_root() || needs("setpriv").is_none() {
        return;
    }
    for project in Project::of_each_tier() {
        let Some(python) = project.unknown("python3") else {
            return;
        };
        let path = |name: &str| project.path(name);
        let _closed = UnixListener::bind(path("closed")).unwrap();
        fs::set_permissions(path("closed"), fs::Permissions::from_mode(0o600)).unwrap();
        let open = UnixListener::bind(path("open")).unwrap();
        fs::set_permissions(path("open"), fs::Permissions::from_mode(0o666)).unwrap();
        let script = "import socket, errno\n\
         for name in ['closed', 'open']:\n\
         \x20 s = socket.socket(socket.AF_UNIX)\n\
         \x20 try: s.connect(name); print('ok')\n\
         \x20 except OSError as e: print(errno.errorcode[e.errno])\n";
        let setpriv = needs("setpriv").unwrap();
        let system_python = ["/usr/bin/python3"].iter().find(|p| Path::new(p).exists());
        let python = system_python.map_or(python.clone(), PathBuf::from);
        // Under a name that the catalogue does not know: this is about the fence, not the verdict.
        let prober = path("prober");
        std::os::unix::fs::symlink(&python, &prober).unwrap();
        let python = prober;
        let mut words = vec![setpriv.to_str().unwrap(), "--reuid=65534", "--clear-groups"];
        words.extend([python.to_str().unwrap(), "-c", script]);
        let ran = project.held(&words);
        assert_eq!(ran.stdout(), "EACCES\nok\n", "{}", ran.stderr());
        let (stream, _) = open.accept().unwrap();
        let peer =
            nix::sys::socket::getsockopt(&stream, nix::sys::socket::sockopt::PeerCredentials);
        assert_eq!(peer.unwrap().uid(), 65534);
    }
}

#[test]
fn a_program_keeps_the_sandbox_that_it_puts_on_itself() {
    for project in Project::of_each_tier() {
        let Some(doors) = compiled(&project, "doors") else {
            return;
        };
        let development = server("127.0.0.1");
        let good = port(&development).to_string();
        let alone = Command::new(&doors)
            .args(["127.0.0.1", &good, "own-sandbox"])
            .output()
            .unwrap();
        let alone = String::from_utf8_lossy(&alone.stdout).into_owned();
        let ran = project.held(&[doors.to_str().unwrap(), "127.0.0.1", &good, "own-sandbox"]);
        assert_eq!(ran.stdout(), alone);
        assert_eq!(arrived(&development), 0);
        assert_eq!(ran.outcome["fence"]["status"], "partial");
    }
}

/// A container that withholds `pidfd_getfd` (Docker's default): judged all the same, and said.
#[test]
fn a_container_without_duplicates_gets_the_second_tier() {
    let project = Project::new();
    let (Some(withhold), Some(doors)) =
        (compiled(&project, "withhold"), compiled(&project, "doors"))
    else {
        return;
    };
    let (development, production) = (server("127.0.0.1"), server("127.0.0.2"));
    let (good, bad) = (
        port(&development).to_string(),
        port(&production).to_string(),
    );
    for (address, port, expected) in [
        ("127.0.0.1", &good, "plain ok\n"),
        ("127.0.0.2", &bad, "plain EACCES\n"),
    ] {
        let mut command = Command::new(&withhold);
        command.args(["438", tagout(), "run", "-p", "worker", "--"]);
        project.settle(&mut command);
        let ran = project.run(command.args([doors.to_str().unwrap(), address, port, "plain"]));
        assert_eq!(ran.stdout(), expected, "{}", ran.stderr());
        assert_eq!(ran.outcome["fence"]["tier"], "check");
        assert_eq!(ran.outcome["fence"]["status"], "partial");
    }
    assert_eq!((arrived(&development), arrived(&production)), (1, 0));
}

/// Inside another fence there is no second one: said, or refused where the profile wants one.
#[test]
fn without_a_fence_it_is_said_or_refused() {
    let project = Project::new();
    let mut command = project.command("worker");
    let ran = project.run(command.args([tagout(), "run", "-p", "worker", "--", "echo", "ran"]));
    assert_eq!(ran.stdout(), "ran\n");
    assert!(
        ran.stderr().contains("this run is not fenced"),
        "{}",
        ran.stderr()
    );
    project.write(
        "tagout.toml",
        "[profiles.worker]\nfence_unavailable = \"refuse\"\n",
    );
    let mut command = project.command("worker");
    let state = format!("XDG_STATE_HOME={}", project.path("inner").display());
    let words = [tagout(), "run", "-p", "worker", "--", "echo", "ran"];
    let ran = project.run(command.args(["env", &state]).args(words));
    assert_eq!(
        (ran.stdout().as_str(), ran.output.status.code()),
        ("", Some(77))
    );
    let shut = "\"gates\":[{\"name\":\"fence\",\"passed\":false,";
    let inner = project.path("inner/tagout/journal/000000000001.jsonl");
    let inner = fs::read_to_string(inner).unwrap();
    assert!(inner.contains(shut), "{inner}");
    let explained = project.run(project.command("worker").args([
        tagout(),
        "explain",
        "--json",
        "-p",
        "worker",
        "--",
        "true",
    ]));
    let explained: Value = serde_json::from_str(&explained.stdout()).unwrap();
    assert_eq!(explained["fence"]["status"], "none");
    let mut command = Command::new(tagout());
    command.args(["explain", "--json", "-p", "worker", "--", "true"]);
    project.settle(&mut command);
    let outside: Value = serde_json::from_str(&project.run(&mut command).stdout()).unwrap();
    assert_eq!(outside["fence"]["status"], "full");
    let mut command = Command::new(tagout());
    command.args(["run", "-p", "worker", "--", "true"]);
    project.settle(&mut command);
    let held = project.run(&mut command).outcome;
    assert_eq!(held["gates"][0]["passed"], true, "{held}");
}

#[test]
fn set_uid_programs_are_told_of() {
    let (Some(setpriv), Some(su)) = (needs("setpriv"), needs("su")) else {
        return;
    };
    if !running_as_root() {
        return;
    }
    let project = Project::new();
    // Out of the build's folder, which other users may not enter.
    let own = project.path("tagout");
    copy_program(tagout().as_ref(), &own);
    let mut command = Command::new(setpriv);
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    command.arg(&own).args(["run", "-p", "worker", "--"]);
    project.settle(&mut command);
    let ran = project.run(command.arg(su).arg("--version"));
    assert!(ran.stderr().contains("is set-user-ID"), "{}", ran.stderr());
}

/// A migration that is allowed where it goes opens a connection of its own to somewhere else: it
/// is stopped there, and what it did before is taken back by its own transaction.
#[test]
fn a_migration_that_connects_elsewhere_is_stopped() {
    let Some(python) = crate::python_tools::python() else {
        return;
    };
    let (Some(good), Some(bad)) = (Postgres::start(), Postgres::start_on("127.0.0.2")) else {
        return;
    };
    let project = Project::new();
    fs::create_dir_all(project.path("mig/versions")).unwrap();
    let url = format!(
        "postgresql+psycopg2://postgres@127.0.0.1:{}/postgres",
        good.port
    );
    let settings = format!("[alembic]\nscript_location = mig\nsqlalchemy.url = {url}\n");
    project.write("alembic.ini", &settings);
    project.write("mig/env.py", crate::python_tools::ENV_PY);
    let revision = format!(
        "import os, psycopg2\nfrom alembic import op\nimport sqlalchemy as sa\n\
         revision = 'a1'\ndown_revision = None\n\
         def upgrade():\n\
         \x20 op.create_table('shop_item', sa.Column('id', sa.Integer))\n\
         \x20 psycopg2.connect(host='127.0.0.2', port={}, user='postgres', dbname='postgres')\n",
        bad.port
    );
    project.write("mig/versions/a1.py", &revision);
    let ran = project.held(&[python.to_str().unwrap(), "-m", "alembic", "upgrade", "head"]);
    let context = format!("{}{}{}", ran.stdout(), ran.stderr(), ran.outcome);
    assert!(!ran.output.status.success(), "{context}");
    let line = format!("to 127.0.0.2:{}: production mark", bad.port);
    assert!(ran.stderr().contains(&line), "{context}");
    let reached = ran.seen(&format!("127.0.0.1:{}", good.port)).unwrap();
    assert_eq!(reached["outcome"], "connected", "{context}");
    assert_eq!(reached["matches"], 0, "{context}");
    let tables = "select count(*) from pg_tables where tablename = 'shop_item'";
    assert_eq!(good.sql("postgres", tables).trim(), "0");
    assert!(!bad.log().contains("host=127."), "{}", bad.log());
}
