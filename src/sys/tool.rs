//! Other programs as tools: found in the system's own directories, with only the variables that
//! are given, and never for longer than they may take.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::descriptors;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Where tools are looked for. The caller's PATH is not asked.
const PLACES: [&str; 5] = ["/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin", "/sbin"];

/// What a tool did.
#[derive(Debug)]
pub struct Done {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub out: Vec<u8>,
    /// Its standard error.
    pub err: String,
}

impl Done {
    /// Its output, or what it complained of.
    ///
    /// # Errors
    /// The last line of its standard error, where it failed.
    pub fn output(self, name: &str) -> Result<Vec<u8>, String> {
        if self.status.success() {
            return Ok(self.out);
        }
        let last = self.err.lines().rev().find(|l| !l.trim().is_empty());
        Err(format!("{name}: {}", last.unwrap_or("failed").trim()))
    }
}

/// Runs a tool to its end.
///
/// # Errors
/// Where it is not installed, cannot be started, or took longer than `limit`.
#[allow(
    clippy::disallowed_methods,
    reason = "tools are started here and nowhere else"
)]
pub fn run(
    name: &str,
    args: &[&str],
    variables: &[(String, String)],
    input: &[u8],
    limit: Duration,
) -> Result<Done, String> {
    let program = find(name).ok_or_else(|| format!("{name} is not installed"))?;
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LC_ALL", "C.UTF-8")
        .envs(variables.iter().map(|(k, v)| (k, v)));
    finish(name, command, input, limit)
}

/// Runs the program at that path to its end, in that folder, with these variables and no others.
/// Descriptors that are not closed on exec reach it.
///
/// # Errors
/// Where it cannot be started, or took longer than `limit`.
#[allow(
    clippy::disallowed_methods,
    reason = "tools are started here and nowhere else"
)]
pub fn run_at(
    program: &Path,
    args: &[OsString],
    variables: &[(OsString, OsString)],
    folder: &Path,
    limit: Duration,
) -> Result<Done, String> {
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .envs(variables.iter().map(|(k, v)| (k, v)))
        .current_dir(folder);
    finish(&program.display().to_string(), command, &[], limit)
}

/// Runs the program at that path to its end as this process would, with its environment and its
/// standard input, handing on what it prints on either stream as it comes.
///
/// # Errors
/// Where it cannot be started.
#[allow(
    clippy::disallowed_methods,
    reason = "tools are started here and nowhere else"
)]
pub fn watch(
    program: &Path,
    args: &[OsString],
    see: &mut dyn FnMut(&[u8]),
) -> io::Result<ExitStatus> {
    let mut child = Command::new(program)
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (tell, told) = std::sync::mpsc::channel::<Vec<u8>>();
    let out = child.stdout.take().map(|pipe| hand_on(pipe, tell.clone()));
    let err = child.stderr.take().map(|pipe| hand_on(pipe, tell));
    for bytes in told {
        see(&bytes);
    }
    for reader in [out, err].into_iter().flatten() {
        let _ = reader.join();
    }
    child.wait()
}

fn hand_on(
    mut pipe: impl Read + Send + 'static,
    tell: std::sync::mpsc::Sender<Vec<u8>>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut buffer = [0u8; 8192];
        while let Ok(read @ 1..) = pipe.read(&mut buffer) {
            if tell
                .send(buffer.get(..read).unwrap_or_default().to_vec())
                .is_err()
            {
                return;
            }
        }
    })
}

/// Shows a text by a pager, which has this process's terminal and environment besides `more`: the
/// caller's own command line, or `less`. Ends when the reader leaves it.
///
/// # Errors
/// Where there is no pager or it cannot be started: nothing was shown then.
#[allow(
    clippy::disallowed_methods,
    reason = "tools are started here and nowhere else"
)]
pub fn page(line: Option<&str>, more: &[(&str, &str)], text: &[u8]) -> io::Result<()> {
    let program = find(line.map_or("less", |_| "sh")).ok_or(io::ErrorKind::NotFound)?;
    let mut command = Command::new(program);
    if let Some(line) = line {
        command.args(["-c", line]);
    }
    let mut child = command
        .envs(more.iter().copied())
        .stdin(Stdio::piped())
        .spawn()?;
    // The pager decides what an interrupt means, and has to find somebody waiting for it.
    super::signals::ignore_interrupts();
    if let Some(mut input) = child.stdin.take() {
        // A reader who leaves early closes the pipe.
        let _ = input.write_all(text);
    }
    match child.wait()?.code() {
        Some(126 | 127) => Err(io::ErrorKind::NotFound.into()),
        _ => Ok(()),
    }
}

fn finish(name: &str, mut command: Command, input: &[u8], limit: Duration) -> Result<Done, String> {
    let failed = |e: io::Error| format!("{name}: {e}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let begun = Instant::now();
    let (out, err) = exchange(&mut child, input, begun + limit).map_err(failed)?;
    let status = wait(&mut child, limit.saturating_sub(begun.elapsed())).map_err(failed)?;
    let Some(status) = status else {
        return Err(format!("{name} took longer than {} s", limit.as_secs()));
    };
    Ok(Done {
        status,
        out,
        err: String::from_utf8_lossy(&err).into_owned(),
    })
}

/// Feeds a child and reads what it says on both streams, until they end or it is time.
fn exchange(child: &mut Child, mut input: &[u8], until: Instant) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let (mut stdin, mut stdout, mut stderr) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take());
    for pipe in [
        stdin.as_ref().map(AsFd::as_fd),
        stdout.as_ref().map(AsFd::as_fd),
        stderr.as_ref().map(AsFd::as_fd),
    ] {
        pipe.map_or(Ok(()), unblock)?;
    }
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while stdout.is_some() || stderr.is_some() {
        // A tool that does not want all of its input is no failure; its status tells.
        if let Some(pipe) = &mut stdin {
            match pipe.write(input) {
                Ok(written) => input = input.get(written..).unwrap_or_default(),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => input = &[],
            }
        }
        if input.is_empty() {
            stdin = None;
        }
        if drain(&mut stdout, &mut out)? {
            stdout = None;
        }
        if drain(&mut stderr, &mut err)? {
            stderr = None;
        }
        let rest = until.saturating_duration_since(Instant::now());
        // With both streams ended there is nothing to wait for but the time.
        if rest.is_zero() || stdout.is_none() && stderr.is_none() {
            break;
        }
        await_any(
            stdin.as_ref().map(AsFd::as_fd),
            [
                stdout.as_ref().map(AsFd::as_fd),
                stderr.as_ref().map(AsFd::as_fd),
            ],
            rest,
        );
    }
    Ok((out, err))
}

fn unblock(pipe: BorrowedFd<'_>) -> io::Result<()> {
    fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(())
}

/// Reads what is there; whether the stream has ended.
fn drain(pipe: &mut Option<impl Read>, bytes: &mut Vec<u8>) -> io::Result<bool> {
    let Some(pipe) = pipe else {
        return Ok(false);
    };
    match pipe.read_to_end(bytes) {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(e) => Err(e),
    }
}

fn await_any(input: Option<BorrowedFd<'_>>, outputs: [Option<BorrowedFd<'_>>; 2], time: Duration) {
    let mut waited: Vec<PollFd<'_>> = Vec::new();
    waited.extend(input.map(|pipe| PollFd::new(pipe, PollFlags::POLLOUT)));
    let outputs = outputs.into_iter().flatten();
    waited.extend(outputs.map(|pipe| PollFd::new(pipe, PollFlags::POLLIN)));
    let time = PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX);
    // Interrupted or not: everything is looked at again.
    let _ = poll(&mut waited, time);
}

/// A tool whose output is awaited beside other things. Nobody feeds it or waits for its end: the
/// launcher's loop reaps what ends.
#[derive(Debug)]
pub(crate) struct Awaited {
    out: Option<ChildStdout>,
    text: Vec<u8>,
}

/// How much of an awaited tool's output is kept, bytes.
const MOST: usize = 64 << 10;

impl Awaited {
    /// Starts a program without variables, and without the descriptors that this process got: a
    /// library of the system's look-up has no business with them.
    ///
    /// # Errors
    /// The system's.
    #[allow(
        clippy::disallowed_methods,
        clippy::zombie_processes,
        reason = "tools are started here and nowhere else; the launcher reaps them"
    )]
    pub(crate) fn start(program: &Path, args: &[&str]) -> io::Result<Awaited> {
        let mut command = Command::new(program);
        command
            .args(args)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        descriptors::hand_down_none(&mut command);
        let child = command.spawn()?;
        let out = child.stdout.ok_or(io::ErrorKind::BrokenPipe)?;
        unblock(out.as_fd())?;
        Ok(Awaited {
            out: Some(out),
            text: Vec::new(),
        })
    }

    /// The pipe, until it has ended.
    pub(crate) fn pipe(&self) -> Option<BorrowedFd<'_>> {
        self.out.as_ref().map(AsFd::as_fd)
    }

    /// Reads what is there; all of it, once the tool has ended.
    pub(crate) fn answer(&mut self) -> Option<&[u8]> {
        let ended = drain(&mut self.out, &mut self.text).unwrap_or(true);
        if ended || self.text.len() > MOST {
            self.out = None;
        }
        self.out.is_none().then_some(self.text.as_slice())
    }
}

/// A tool that stays, is told things line by line and answers in lines.
#[derive(Debug)]
pub struct Companion {
    child: std::process::Child,
    input: std::process::ChildStdin,
    output: io::BufReader<std::process::ChildStdout>,
    errors: Option<std::thread::JoinHandle<Vec<u8>>>,
}

impl Companion {
    /// Starts the tool.
    ///
    /// # Errors
    /// Where it is not installed or cannot be started.
    #[allow(
        clippy::disallowed_methods,
        reason = "tools are started here and nowhere else"
    )]
    pub fn start(
        name: &str,
        args: &[&str],
        variables: &[(String, String)],
    ) -> Result<Companion, String> {
        let program = find(name).ok_or_else(|| format!("{name} is not installed"))?;
        let mut child = Command::new(program)
            .args(args)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .envs(variables.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| format!("{name}: {e}"))?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(input), Some(output), errors) = pipes else {
            return Err(format!("{name}: no pipes"));
        };
        Ok(Companion {
            child,
            input,
            output: io::BufReader::new(output),
            errors: Some(std::thread::spawn(move || drained(errors))),
        })
    }

    /// Tells it something.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn tell(&mut self, text: &[u8]) -> io::Result<()> {
        self.input.write_all(text)?;
        self.input.flush()
    }

    /// Its next line, without newline; `None` where it has ended.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn answer(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let read = io::BufRead::read_line(&mut self.output, &mut line)?;
        Ok((read > 0).then(|| line.trim_end().to_owned()))
    }

    /// Ends it; what it complained of.
    pub fn end(mut self) -> String {
        drop(self.input);
        let _ = self.child.kill();
        let _ = self.child.wait();
        let errors = self.errors.take().map(std::thread::JoinHandle::join);
        let errors = errors.and_then(Result::ok).unwrap_or_default();
        String::from_utf8_lossy(&errors).into_owned()
    }
}

/// A tool in the system's own directories.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let places = PLACES.iter().map(|place| PathBuf::from(place).join(name));
    places.into_iter().find(|path| path.is_file())
}

fn drained(pipe: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        let _ = pipe.read_to_end(&mut bytes);
    }
    bytes
}

/// `None`: it took too long and was killed.
fn wait(child: &mut std::process::Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    #[test]
    fn a_tool_gets_its_input_and_only_the_given_variables() {
        let variables = [("A".to_owned(), "b".to_owned())];
        let done = run(
            "sh",
            &["-c", "cat; echo $A$HOME"],
            &variables,
            b"in-",
            LIMIT,
        );
        assert_eq!(done.unwrap().output("sh").unwrap(), b"in-b\n");
    }

    #[test]
    fn a_tool_that_says_nothing_is_not_waited_for_longer_than_it_runs() {
        for _ in 0..20 {
            let begun = Instant::now();
            let done = run("sh", &["-c", "exec >&- 2>&-"], &[], b"in", LIMIT).unwrap();
            assert!(done.status.success());
            assert!(begun.elapsed() < LIMIT / 2);
        }
    }

    #[test]
    fn an_awaited_tool_gets_no_inherited_descriptor() {
        // A plain duplicate stays open over exec.
        let inherited = nix::unistd::dup(std::io::stderr()).unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&inherited);
        let script = format!("[ -e /proc/self/fd/{number} ] && echo open || echo shut");
        let mut asked = Awaited::start(Path::new("/bin/sh"), &["-c", &script]).unwrap();
        let begun = Instant::now();
        let text = loop {
            if let Some(text) = asked.answer() {
                break text.to_vec();
            }
            assert!(begun.elapsed() < LIMIT);
            sleep(Duration::from_millis(1));
        };
        assert_eq!(String::from_utf8(text).unwrap(), "shut\n");
    }

    #[test]
    fn failures_are_told_apart() {
        let slow = run("sleep", &["60"], &[], b"", Duration::from_millis(1));
        assert!(slow.unwrap_err().contains("took longer"));
        let missing = run("no-such-tool", &[], &[], b"", LIMIT);
        assert!(missing.unwrap_err().contains("not installed"));
        let failing = run("sh", &["-c", "echo why >&2; exit 3"], &[], b"", LIMIT).unwrap();
        assert_eq!(failing.output("sh").unwrap_err(), "sh: why");
    }
}
