//! What every end-to-end test needs.

use std::io::Write;

/// The component, or `None` after saying `skipped: needs X` (and counting it in the file that
/// `TAGOUT_SKIPPED` names). Under `CI` a missing component fails the test instead.
pub(crate) fn needs(program: &str) -> Option<std::path::PathBuf> {
    let found = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path)
            .chain(["/usr/sbin".into(), "/sbin".into()])
            .map(|dir| dir.join(program))
            .find(|p| p.is_file())
    });
    if found.is_none() {
        skip(program);
    }
    found
}

/// Says and counts that a test could not run here. Under `CI` that fails it.
pub(crate) fn skip(what: &str) {
    assert!(
        std::env::var_os("CI").is_none(),
        "needs {what}: in CI nothing may be skipped"
    );
    let line = format!("skipped: needs {what}");
    eprintln!("{line}");
    if let Some(file) = std::env::var_os("TAGOUT_SKIPPED") {
        let file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(file);
        file.and_then(|mut f| writeln!(f, "{line}"))
            .expect("the list of skipped tests is writable");
    }
}

/// The program under test.
pub(crate) fn tagout() -> &'static str {
    env!("CARGO_BIN_EXE_tagout")
}

/// Copies a program. By another process: a descriptor of ours that may write to it would be inherited
/// by what other tests start meanwhile, and the copy could not be executed.
pub(crate) fn copy_program(program: &std::path::Path, to: &std::path::Path) {
    let done = ran(std::process::Command::new("cp").arg(program).arg(to));
    assert_eq!(done.code, Some(0), "{done:?}");
}

/// A directory with a project in it, and a journal of its own.
pub(crate) struct Scene {
    pub(crate) dir: tempfile::TempDir,
}

/// What a program printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Scene {
    pub(crate) fn new() -> Scene {
        Scene {
            dir: tempfile::Builder::new()
                .prefix("tagout-scene.")
                .tempdir()
                .unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn file(&self, name: &str, text: &str) -> &Scene {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// Copies a program here.
    pub(crate) fn copy(&self, program: &std::path::Path, name: &str) {
        copy_program(program, &self.path(name));
    }

    /// A program in this directory with a small environment of its own.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> std::process::Command {
        let mut command = std::process::Command::new(program);
        command
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            .env("HOME", self.dir.path())
            .env("XDG_STATE_HOME", self.path(".state"));
        command
    }

    /// tagout in this directory.
    pub(crate) fn tagout(&self, args: &[&str]) -> std::process::Command {
        let mut command = self.command(tagout());
        command.args(args);
        command
    }

    /// A line for bash, in which `tagout` is the program under test.
    pub(crate) fn bash(&self, line: &str) -> Ran {
        let script = format!("tagout() {{ {} \"$@\"; }}\n{line}", tagout());
        let mut bash = self.command("bash");
        bash.args(["-c", &script]);
        ran(&mut bash)
    }

    /// `tagout explain --json`, as a value.
    pub(crate) fn explain(&self, args: &[&str]) -> serde_json::Value {
        let ran = ran(self.tagout(&["explain", "--json"]).args(args));
        serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {ran:?}"))
    }

    /// The journal's records, oldest first.
    pub(crate) fn records(&self) -> Vec<serde_json::Value> {
        let folder = self.path(".state/tagout/journal");
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .map(|d| d.flatten().map(|e| e.path()).collect())
            .unwrap_or_default();
        names.retain(|p: &std::path::PathBuf| p.extension().is_some_and(|e| e == "jsonl"));
        names.sort();
        let text: String = names
            .iter()
            .map(|p| std::fs::read_to_string(p).unwrap())
            .collect();
        text.lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect()
    }
}

/// Runs a program to its end.
pub(crate) fn ran(command: &mut std::process::Command) -> Ran {
    use std::os::unix::process::ExitStatusExt;
    let out = command
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    Ran {
        code: out.status.code(),
        signal: out.status.signal(),
        out: String::from_utf8_lossy(&out.stdout).into_owned(),
        err: String::from_utf8_lossy(&out.stderr).into_owned(),
    }
}

/// What a Ruby script prints for these lines: the version of what it asks, then an answer a line as
/// JSON. `None` where it prints nothing: what it asks is not installed.
pub(crate) fn answers_of_ruby(
    script: &str,
    input: &str,
) -> Option<(String, Vec<serde_json::Value>)> {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut child = Command::new("ruby")
        .args(["-e", script])
        .env_remove("DATABASE_URL")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Beside the reading: both pipes may be full.
    let out = std::thread::scope(|scope| {
        scope.spawn(move || {
            let _ = stdin.write_all(input.as_bytes());
        });
        child.wait_with_output().unwrap()
    });
    let text = String::from_utf8(out.stdout).unwrap();
    let mut lines = text.lines();
    let version = lines.next()?.to_owned();
    let answers = lines.map(|l| serde_json::from_str(l).unwrap());
    Some((version, answers.collect()))
}

/// Waits until the last process that holds the other end of a pipe has ended: only then it closes.
/// None of them may write more.
pub(crate) fn assert_nobody_holds(mut pipe: impl std::io::Read) {
    let mut rest = String::new();
    pipe.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}
