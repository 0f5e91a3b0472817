//! What the kernel tells of a task in the tree: its name, rights, pending signals, memory and
//! paths.

use std::ffi::CString;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;

use super::policy::Network;
use crate::sys::inspect::{self, Follow};
use crate::sys::{process, trace};

/// Who a process is, for people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Program {
    /// Its name as the kernel has it (at most 15 bytes).
    pub name: String,
    /// Its process id.
    pub pid: u32,
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.name, self.pid)
    }
}

impl Program {
    /// The program that a thread runs.
    pub(crate) fn of_thread(thread: u32) -> Program {
        let pid = Status::read(thread)
            .and_then(|status| status.number("Tgid:"))
            .unwrap_or(thread);
        Program {
            name: name(pid),
            pid,
        }
    }
}

/// The name of a process, without control characters; `?` where it is gone.
pub(crate) fn name(pid: u32) -> String {
    match fs::read(format!("/proc/{pid}/comm")) {
        Ok(name) => name.trim_ascii_end().escape_ascii().to_string(),
        Err(_) => "?".to_owned(),
    }
}

/// `/proc/TASK/status`, read once.
pub(crate) struct Status(String);

impl Status {
    pub(crate) fn read(task: u32) -> Option<Status> {
        let text = fs::read(format!("/proc/{task}/status")).ok()?;
        Some(Status(String::from_utf8_lossy(&text).into_owned()))
    }

    /// Of the calling process.
    pub(crate) fn own() -> Option<Status> {
        fs::read_to_string("/proc/self/status").ok().map(Status)
    }

    fn line(&self, field: &str) -> &str {
        let lines = self.0.lines();
        lines
            .filter_map(|line| line.strip_prefix(field))
            .next()
            .unwrap_or("")
            .trim()
    }

    pub(crate) fn number(&self, field: &str) -> Option<u32> {
        self.line(field).parse().ok()
    }

    fn mask(&self, field: &str) -> u64 {
        u64::from_str_radix(self.line(field), 16).unwrap_or(0)
    }

    /// User, groups and capabilities: who acts with the same rights has the same of all these.
    pub(crate) fn rights(&self) -> Rights {
        Rights(["Uid:", "Gid:", "Groups:", "CapEff:"].map(|field| self.line(field).to_owned()))
    }

    /// Whether a signal waits that the task would handle or stop for; `traced`: or be ended by, which
    /// does not happen while its tracer holds it. (Even signals that nobody hears of wait there.)
    /// What is sent to a process its first thread gets, `leader`, unless that blocks it.
    pub(crate) fn signalled(
        &self,
        traced: bool,
        leader: impl Fn(u32) -> Option<Status>,
    ) -> Signalled {
        const STOPS: u64 = 0b1111 << 18; // SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU
        const UNHEARD: u64 = 1 << 16 | 1 << 17 | 1 << 22 | 1 << 27; // SIGCHLD, SIGCONT, SIGURG, SIGWINCH
        let default = if traced { !UNHEARD } else { STOPS };
        let heard = self.mask("SigCgt:") | default & !self.mask("SigIgn:");
        let heard = heard & !self.mask("SigBlk:");
        let alone = self.number("Threads:") == Some(1);
        let (own, mut shared) = (self.mask("SigPnd:") & heard, self.mask("ShdPnd:") & heard);
        if let (Some(process), 0, 1..) = (self.number("Tgid:"), own, shared)
            && self.number("Pid:") != Some(process)
        {
            shared &= leader(process).map_or(u64::MAX, |leader| leader.refused());
        }
        match (own, shared) {
            (0, 0) => Signalled::No,
            (0, _) if !alone => Signalled::Perhaps,
            _ => Signalled::Yes,
        }
    }

    /// The process of a task that is one of several in it.
    pub(crate) fn shared_process(&self) -> Option<u32> {
        let process = self.number("Tgid:")?;
        (self.number("Threads:") != Some(1)).then_some(process)
    }

    /// Whether it stands stopped.
    pub(crate) fn is_stopped(&self) -> bool {
        self.line("State:").starts_with('T')
    }

    /// Signals that it does not take.
    fn refused(&self) -> u64 {
        match self.line("State:").starts_with('Z') {
            true => u64::MAX,
            false => self.mask("SigBlk:"),
        }
    }
}

/// Whether a signal waits for a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signalled {
    /// None does.
    No,
    /// One waits for its process: another thread may be about to take it.
    Perhaps,
    /// For this very task.
    Yes,
}

/// The rights of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rights([String; 4]);

/// Reads the memory of a task, by the second way where the first is shut (containers).
///
/// # Errors
/// `EFAULT` where less is mapped than asked for; others where it may not be read.
pub(crate) fn read_memory(task: u32, address: u64, buffer: &mut [u8]) -> io::Result<()> {
    let fault = || io::Error::from_raw_os_error(EFAULT);
    match inspect::read_memory(task, address, buffer) {
        Ok(read) if read == buffer.len() => Ok(()),
        Ok(_) => Err(fault()),
        Err(error) if error.raw_os_error() == Some(EFAULT) => Err(error),
        Err(_) => match File::open(format!("/proc/{task}/mem")) {
            Ok(memory) => memory.read_exact_at(buffer, address).map_err(|_| fault()),
            // The tracer's own way.
            Err(error) => match trace::peek(task, address, buffer) {
                Err(other) if other.raw_os_error() != Some(ESRCH) => Err(fault()),
                result => result.map_err(|_| error),
            },
        },
    }
}

pub(crate) const EFAULT: i32 = 14;
const ESRCH: i32 = 3;

/// The threads of a process, and the processes that they have started and not seen end.
pub(crate) fn family(process: u32) -> Vec<u32> {
    let mut family = Vec::new();
    let threads = fs::read_dir(format!("/proc/{process}/task"));
    for thread in threads.into_iter().flatten().flatten() {
        let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        family.extend(
            thread
                .file_name()
                .to_str()
                .and_then(|id| id.parse::<u32>().ok()),
        );
        family.extend(
            children
                .split_whitespace()
                .filter_map(|id| id.parse::<u32>().ok()),
        );
    }
    family
}

/// What SELinux, AppArmor or Smack call a task; `None` where there is no such module.
pub(crate) fn label(task: &str) -> Option<Vec<u8>> {
    fs::read(format!("/proc/{task}/attr/current")).ok()
}

/// Whether this process may look into its descendants only (Yama).
pub(crate) fn only_ancestors_may_look() -> bool {
    let scope = fs::read("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    scope.first().is_some_and(|scope| *scope != b'0') && process::effective_user() != 0
}

/// The network that a task makes its sockets in; ours where that cannot be told.
pub(crate) fn network(task: u32) -> Network {
    let of = |task: &str| fs::read_link(format!("/proc/{task}/ns/net")).ok();
    match (of(&task.to_string()), of("self")) {
        (Some(theirs), Some(ours)) if theirs != ours => Network::Other,
        _ => Network::Own,
    }
}

/// Pins the file that a path of a task leads to, by the task's own root and directory.
///
/// # Errors
/// As the task would get them; `EACCES` where its view cannot be had.
pub(crate) fn pin_path(task: u32, path: &[u8]) -> io::Result<OwnedFd> {
    const EXDEV: i32 = 18;
    match pin_plain(task, path) {
        // Within a root the kernel follows no such link.
        Err(error) if error.raw_os_error() == Some(EXDEV) => match own_link(task, path) {
            Some((link, rest)) => pin_behind(task, &link, rest),
            None => Err(io::ErrorKind::PermissionDenied.into()),
        },
        result => result,
    }
}

/// A path that begins with a link to what the task itself has open (`/proc/self/fd/3/...`): that
/// link and what follows it.
fn own_link(task: u32, path: &[u8]) -> Option<(String, &[u8])> {
    let path = match path.strip_prefix(b"/proc/") {
        Some(path) => {
            let own = format!("{task}/");
            let names: [&[u8]; 3] = [b"self/", b"thread-self/", own.as_bytes()];
            names.iter().find_map(|name| path.strip_prefix(*name))?
        }
        None => path.strip_prefix(b"/dev/")?,
    };
    let before = path.strip_prefix(b"fd/").map_or(0, |_| 3);
    let behind = path.iter().skip(before).position(|byte| *byte == b'/');
    let (link, rest) = path.split_at(behind.map_or(path.len(), |at| before + at));
    let link = std::str::from_utf8(link).ok()?;
    let number = link.strip_prefix("fd/").map(str::parse::<u32>);
    let known = matches!(link, "cwd" | "root") || matches!(number, Some(Ok(_)));
    known.then(|| (link.to_owned(), rest.strip_prefix(b"/").unwrap_or(rest)))
}

fn pin_behind(task: u32, link: &str, rest: &[u8]) -> io::Result<OwnedFd> {
    match rest.is_empty() {
        true => inspect::open_path(&c_string(format!("/proc/{task}/{link}").into_bytes())?),
        false => pin_from(task, link, rest, from_here(task)?),
    }
}

fn pin_plain(task: u32, path: &[u8]) -> io::Result<OwnedFd> {
    match path.first() == Some(&b'/') {
        true => pin_from(task, "root", path, Follow::WithinRoot),
        false => pin_from(task, "cwd", path, from_here(task)?),
    }
}

/// Links in a relative path start at the task's root: where that is not ours, none may lead there.
fn from_here(task: u32) -> io::Result<Follow> {
    Ok(match has_own_root(task)? {
        true => Follow::Beneath,
        false => Follow::FromHere,
    })
}

fn pin_from(task: u32, directory: &str, path: &[u8], follow: Follow) -> io::Result<OwnedFd> {
    let directory = c_string(format!("/proc/{task}/{directory}").into_bytes())?;
    let directory = inspect::open_directory(&directory)?;
    inspect::pin(directory.as_fd(), &c_string(path.to_vec())?, follow)
}

fn has_own_root(task: u32) -> io::Result<bool> {
    let identity = |path: String| {
        let directory = inspect::open_directory(&c_string(path.into_bytes())?)?;
        inspect::identity(directory.as_fd())
    };
    Ok(identity(format!("/proc/{task}/root"))? != identity("/".to_owned())?)
}

fn c_string(bytes: Vec<u8>) -> io::Result<CString> {
    CString::new(bytes).map_err(|_| io::ErrorKind::InvalidInput.into())
}

/// What descriptor `number` of a task is, to compare with another.
pub(crate) fn descriptor_link(task: &str, number: i32) -> Option<std::path::PathBuf> {
    fs::read_link(format!("/proc/{task}/fd/{number}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_count_when_they_would_interrupt() {
        let said = |own: u64, shared: u64, blocked: u64, caught: u64, ignored: u64, threads: u8| {
            Status(format!(
                "Threads:\t{threads}\nSigPnd:\t{own:016x}\nShdPnd:\t{shared:016x}\n\
                 SigBlk:\t{blocked:016x}\nSigIgn:\t{ignored:016x}\nSigCgt:\t{caught:016x}\n"
            ))
        };
        let [alarm, end, child, stop, terminal_stop] =
            [14, 15, 17, 19, 20].map(|signal: u32| 1 << (signal - 1));
        let status = |pending, blocked, caught, ignored| {
            said(pending, 0, blocked, caught, ignored, 3).signalled(false, |_| None)
                == Signalled::Yes
        };
        assert!(!status(0, 0, alarm, 0));
        assert!(status(alarm, 0, alarm, 0));
        assert!(!status(alarm, alarm, alarm, 0));
        assert!(!status(alarm, 0, 0, 0) && !status(end, 0, 0, 0));
        assert!(status(stop, 0, 0, 0));
        assert!(status(terminal_stop, 0, 0, 0));
        assert!(!status(terminal_stop, 0, 0, terminal_stop));
        let traced = |pending, caught, ignored| {
            said(pending, 0, 0, caught, ignored, 3).signalled(true, |_| None) == Signalled::Yes
        };
        assert!(traced(end, 0, 0) && !traced(end, 0, end) && !traced(0, end, 0));
        assert!(traced(child, child, 0) && !traced(child, 0, 0));
        let shared = |threads| said(0, alarm, 0, alarm, 0, threads);
        assert_eq!(shared(1).signalled(false, |_| None), Signalled::Yes);
        assert_eq!(shared(2).signalled(false, |_| None), Signalled::Perhaps);
        // The first thread takes it, unless it blocks it or is gone.
        let other = Status(format!("Tgid:\t4\nPid:\t5\n{}", shared(2).0));
        for (leader, expected) in [
            (
                "State:\tS (sleeping)\nSigBlk:\t0000000000000000\n",
                Signalled::No,
            ),
            (
                "State:\tS (sleeping)\nSigBlk:\t0000000000002000\n",
                Signalled::Perhaps,
            ),
            (
                "State:\tZ (zombie)\nSigBlk:\t0000000000000000\n",
                Signalled::Perhaps,
            ),
        ] {
            let leader = |_| Some(Status(leader.to_owned()));
            assert_eq!(other.signalled(false, leader), expected);
        }
    }

    #[test]
    fn own_memory_and_paths_can_be_read() {
        let me = std::process::id();
        let text = *b"127.0.0.1";
        let mut copy = [0; 9];
        read_memory(me, text.as_ptr() as u64, &mut copy).unwrap();
        assert_eq!(copy, text);
        let error = read_memory(me, 8, &mut copy).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(EFAULT));
        assert!(pin_path(me, b"/").is_ok());
        assert!(pin_path(me, b".").is_ok());
        assert!(pin_path(me, b"/no/such").is_err());
        assert!(pin_path(me, b"/proc/self/root/").is_ok());
        assert!(pin_path(me, b"/proc/self/cwd/src").is_ok());
        assert!(pin_path(me, b"/proc/thread-self/cwd/src/lib.rs").is_ok());
        assert!(pin_path(me, b"/dev/fd/0").is_ok());
        assert!(pin_path(me, b"/proc/1/cwd/.").is_err());
        assert_eq!(
            Status::own().unwrap().rights(),
            Status::read(me).unwrap().rights()
        );
    }
}
