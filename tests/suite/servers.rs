//! Real servers, started by a test on a free port in a directory of its own, stopped with it.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support;

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A program started as `user` where the test runs as root, since servers refuse root.
fn as_user(user: &str, program: &Path) -> Command {
    if !running_as_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args([
            &format!("--reuid={user}"),
            &format!("--regid={user}"),
            "--clear-groups",
            "--",
        ])
        .arg(program);
    command
}

pub(crate) fn running_as_root() -> bool {
    fs::metadata("/proc/self")
        .map(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0)
        .unwrap_or(false)
}

fn owned_dir(user: &str) -> tempfile::TempDir {
    let dir = tempfile::Builder::new()
        .prefix("tagout-server.")
        .tempdir_in("/tmp")
        .unwrap();
    if running_as_root() {
        run(Command::new("chown")
            .arg(format!("{user}:"))
            .arg(dir.path()));
    }
    dir
}

fn run(command: &mut Command) -> String {
    let out = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        out.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).unwrap()
}

/// PostgreSQL's own folder of programs (Debian keeps `initdb` off the PATH).
fn postgres_programs() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .map(|e| e.path().join("bin"))
        .collect();
    versions.sort();
    versions
        .into_iter()
        .rev()
        .find(|p| p.join("initdb").is_file())
}

/// A PostgreSQL server with superuser `postgres`, no password, on loopback and a socket.
pub(crate) struct Postgres {
    pub(crate) port: u16,
    pub(crate) dir: tempfile::TempDir,
    programs: PathBuf,
    server: Child,
}

impl Postgres {
    /// Starts one on 127.0.0.1; `None` (and a counted skip) where it is not installed.
    pub(crate) fn start() -> Option<Postgres> {
        Postgres::start_on("127.0.0.1")
    }

    /// Starts one that listens on these addresses (comma-separated).
    pub(crate) fn start_on(addresses: &str) -> Option<Postgres> {
        let addresses = format!("listen_addresses={addresses}");
        let quick = ["fsync=off", "log_connections=on", "log_statement=all"];
        Postgres::start_with(&[&[addresses.as_str()], &quick[..]].concat())
    }

    /// Starts one with these settings.
    pub(crate) fn start_with(settings: &[&str]) -> Option<Postgres> {
        let Some(programs) = postgres_programs() else {
            support::needs("postgresql (initdb)");
            return None;
        };
        let dir = owned_dir("postgres");
        let data = dir.path().join("data");
        run(as_user("postgres", &programs.join("initdb"))
            .arg("-D")
            .arg(&data)
            .args([
                "-U",
                "postgres",
                "-A",
                "trust",
                "--no-sync",
                "-E",
                "UTF8",
                "--locale=C",
            ]));
        let port = free_port();
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let server = as_user("postgres", &programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-k"])
            .arg(dir.path())
            .args(["-c", "max_connections=200"])
            .args(settings.iter().flat_map(|setting| ["-c", setting]))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut postgres = Postgres {
            port,
            dir,
            programs,
            server,
        };
        postgres.wait();
        Some(postgres)
    }

    fn wait(&mut self) {
        let ready = || {
            let status = Command::new(self.programs.join("pg_isready"))
                .args(["-q", "-h"])
                .arg(self.dir.path())
                .args(["-p", &self.port.to_string()])
                .status();
            status.is_ok_and(|s| s.success())
        };
        poll("postgres", self.dir.path(), ready);
    }

    /// Runs SQL as the superuser and gives back the rows, unaligned.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.env_clear()
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h"])
            .arg(self.dir.path());
        run(psql.args(["-p", &self.port.to_string(), "-d", database, "-c", sql]))
            .trim()
            .to_owned()
    }

    /// What the server logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT: fast shutdown; the children end with it.
        let _ = Command::new("kill")
            .args(["-INT", &self.server.id().to_string()])
            .status();
        let _ = self.server.wait();
    }
}

/// A MariaDB server with user `root`, no password, on loopback and a socket.
pub(crate) struct MariaDb {
    pub(crate) port: u16,
    pub(crate) dir: tempfile::TempDir,
    server: Child,
}

impl MariaDb {
    /// Starts one; `None` (and a counted skip) where it is not installed.
    pub(crate) fn start() -> Option<MariaDb> {
        MariaDb::start_on("127.0.0.1")
    }

    /// Starts one that listens on this address.
    pub(crate) fn start_on(address: &str) -> Option<MariaDb> {
        let install = support::needs("mariadb-install-db")?;
        let mariadbd = support::needs("mariadbd")?;
        let dir = owned_dir("mysql");
        let data = dir.path().join("data");
        run(as_user("mysql", &install)
            .arg("--no-defaults")
            .arg(format!("--datadir={}", data.display()))
            .args([
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--force",
            ]));
        let port = free_port();
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let server = as_user("mysql", &mariadbd)
            .arg("--no-defaults")
            .arg(format!("--datadir={}", data.display()))
            .arg(format!(
                "--socket={}",
                dir.path().join("mysqld.sock").display()
            ))
            .arg(format!("--pid-file={}", dir.path().join("pid").display()))
            .arg(format!("--port={port}"))
            .arg(format!("--bind-address={address}"))
            .args([
                "--innodb-flush-log-at-trx-commit=0",
                "--innodb-buffer-pool-size=32M",
                "--general-log=1",
            ])
            .arg(format!(
                "--general-log-file={}",
                dir.path().join("queries").display()
            ))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut mariadb = MariaDb { port, dir, server };
        mariadb.wait();
        mariadb.sql(
            "",
            &format!("create user app@'%'; grant all on *.* to app@'%'; /* {address} */"),
        );
        Some(mariadb)
    }

    fn wait(&mut self) {
        let socket = self.dir.path().join("mysqld.sock");
        let ready = || {
            let mut ping = Command::new("mariadb");
            ping.args(["--no-defaults", "-u", "root", "-S"])
                .arg(&socket)
                .args(["-e", "select 1"]);
            ping.stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|s| s.success())
        };
        poll("mariadb", self.dir.path(), ready);
    }

    /// Runs SQL as root and gives back the rows, tab-separated. An empty database name: none.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        let mut client = Command::new("mariadb");
        client
            .env_clear()
            .args(["--no-defaults", "-u", "root", "-BN", "-S"])
            .arg(self.dir.path().join("mysqld.sock"));
        if !database.is_empty() {
            client.arg(database);
        }
        run(client.args(["-e", sql])).trim().to_owned()
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .args(["-TERM", &self.server.id().to_string()])
            .status();
        let _ = self.server.wait();
    }
}

/// Asks until the server answers; gives up after many tries, with its log.
fn poll(what: &str, dir: &Path, ready: impl Fn() -> bool) {
    for _ in 0..600 {
        if ready() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!(
        "{what} does not answer: {}",
        fs::read_to_string(dir.join("log")).unwrap_or_default()
    );
}
