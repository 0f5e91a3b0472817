//! The bench on which the canaries are tried: a folder with a configuration of its own, a server
//! that stands for production, and programs that must not be started.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::canary;
use crate::sys::tool::{self, Done};

/// How long a canary may take.
const LIMIT: Duration = Duration::from_secs(30);

/// The bench.
pub struct Bench {
    /// The launcher under test.
    pub tagout: PathBuf,
    /// This program.
    pub companion: PathBuf,
    /// The caller's PATH.
    pub path: String,
    folder: TempDir,
    server: TcpListener,
    port: u16,
}

impl Bench {
    /// Sets it up.
    ///
    /// # Errors
    /// The system's: no folder for temporary files, no port on loopback.
    pub fn new(tagout: PathBuf, companion: PathBuf, path: String) -> io::Result<Bench> {
        let folder = tempfile::Builder::new()
            .prefix("tagout-doctor.")
            .tempdir()?;
        let server = TcpListener::bind("127.0.0.1:0")?;
        server.set_nonblocking(true)?;
        let port = server.local_addr()?.port();
        let bench = Bench {
            tagout,
            companion,
            path,
            folder,
            server,
            port,
        };
        fs::create_dir_all(bench.file("config"))?;
        fs::create_dir_all(bench.file("bin"))?;
        fs::write(
            bench.file("config/config.toml"),
            format!(
                "[profiles.canary]\nextends = \"worker\"\nfence = \"hold\"\nfence_unavailable = \"warn\"\n\
                 [[marks]]\ntier = \"production\"\nhost = \"127.0.0.1\"\nport = {port}\n"
            ),
        )?;
        let psql = bench.file("bin/psql");
        let started = bench.file("started");
        fs::write(&psql, format!("#!/bin/sh\n: >'{}'\n", started.display()))?;
        fs::set_permissions(&psql, Permissions::from_mode(0o755))?;
        Ok(bench)
    }

    /// A file of the bench.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The address of the server that stands for production.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Words of a command that would destroy there.
    pub fn destroying(&self) -> Vec<String> {
        let port = self.port.to_string();
        let words = [
            "psql",
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-c",
            "DROP DATABASE canary",
            "canary",
        ];
        words.map(str::to_owned).to_vec()
    }

    /// Whether anybody connected since the last time.
    pub fn was_reached(&self) -> bool {
        self.server.accept().is_ok()
    }

    /// Whether the program that must not start was started.
    pub fn was_started(&self) -> bool {
        self.file("started").exists()
    }

    /// Runs the launcher on the bench, with its configuration and its programs.
    ///
    /// # Errors
    /// It cannot be started, or takes too long.
    pub fn launch(&self, command: &[String]) -> Result<Done, String> {
        let config = self.file("config").display().to_string();
        let mut args: Vec<OsString> = ["run", "-p", "canary", "--config", &config, "--"]
            .map(OsString::from)
            .to_vec();
        args.extend(command.iter().map(OsString::from));
        self.start(&self.tagout, &args, &self.variables(), self.folder.path())
    }

    /// The words that make this program a canary.
    pub fn canary(&self, words: &[&str]) -> Vec<String> {
        let own = [
            self.companion.display().to_string(),
            canary::WORD.to_owned(),
        ];
        own.into_iter()
            .chain(words.iter().map(|w| (*w).to_owned()))
            .collect()
    }

    /// What a program of the bench has in its environment: its own journal too.
    pub fn variables(&self) -> Vec<(OsString, OsString)> {
        let path = format!("{}:{}", self.file("bin").display(), self.path);
        vec![
            ("PATH".into(), path.into()),
            ("XDG_STATE_HOME".into(), self.file("state").into()),
        ]
    }

    /// Runs any program.
    ///
    /// # Errors
    /// It cannot be started, or takes too long.
    pub fn start(
        &self,
        program: &Path,
        args: &[OsString],
        variables: &[(OsString, OsString)],
        folder: &Path,
    ) -> Result<Done, String> {
        tool::run_at(program, args, variables, folder, LIMIT)
    }
}
