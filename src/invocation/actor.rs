//! Who called: users, terminal, and the chain of parent processes, as the kernel tells it.

use crate::sys::process::kernel_text;

/// How many parents are followed.
const MAX_ANCESTORS: usize = 16;

/// Variables that anybody can set but that help to find a run again: who logged in from where,
/// which pipeline it was.
const CLAIMS: [&str; 12] = [
    "SSH_CLIENT",
    "SUDO_USER",
    "SUDO_UID",
    "GITHUB_RUN_ID",
    "GITHUB_REPOSITORY",
    "GITHUB_ACTOR",
    "CI_JOB_ID",
    "CI_PIPELINE_ID",
    "BUILD_TAG",
    "BUILDKITE_BUILD_ID",
    "KUBERNETES_SERVICE_HOST",
    "INVOCATION_ID",
];

/// The caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actor {
    /// Real user id.
    pub uid: u32,
    /// Effective user id.
    pub euid: u32,
    /// The user id that logged in; survives `sudo` and `su`.
    pub login_uid: Option<u32>,
    /// The kernel's audit session.
    pub audit_session: Option<u32>,
    /// Name of the effective user, where known.
    pub user: Option<String>,
    /// Controlling terminal, as `pts/3`.
    pub tty: Option<String>,
    /// Parent, its parent, and so on.
    pub ancestors: Vec<Ancestor>,
    /// Facts that only variables tell, so that they may be lies: (name, value).
    pub claims: Vec<(String, String)>,
}

/// A parent process. Process ids repeat; id and start time together do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ancestor {
    /// Process id.
    pub pid: u32,
    /// Start, in clock ticks since boot (field 22 of `/proc/PID/stat`).
    pub start: u64,
    /// Name of the program, as the kernel keeps it (15 bytes).
    pub comm: String,
}

impl Actor {
    /// Reads the facts about this process from `/proc`; what is not there stays unknown.
    /// `variable` looks up the caller's environment.
    pub fn read(user: Option<String>, variable: &dyn Fn(&str) -> Option<String>) -> Actor {
        let ancestors = ancestors(nix::unistd::getppid().as_raw());
        let login_uid = audit_number("/proc/self/loginuid");
        Actor {
            uid: nix::unistd::Uid::current().as_raw(),
            euid: nix::unistd::Uid::effective().as_raw(),
            login_uid,
            // The kernel sets both or neither (`audit_set_loginuid`).
            audit_session: login_uid.and_then(|_| audit_number("/proc/self/sessionid")),
            user,
            tty: tty(ancestors.first()).and_then(terminal),
            ancestors: ancestors
                .into_iter()
                .map(|(ancestor, _)| ancestor)
                .collect(),
            claims: claims(variable),
        }
    }
}

/// The device number of the controlling terminal. A session has one: where the parent is of the same,
/// what was read about it answers, and this process's own folder in `/proc` need not be made.
fn tty(parent: Option<&(Ancestor, Stat)>) -> Option<u32> {
    let session = nix::unistd::getsid(None).map(nix::unistd::Pid::as_raw);
    match parent {
        // 0: its leader is in another process namespace, and need not be the same one.
        Some((_, parent)) if parent.session != 0 && Ok(parent.session) == session => {
            Some(parent.tty)
        }
        _ => stat("self").map(|own| own.tty),
    }
}

fn claims(variable: &dyn Fn(&str) -> Option<String>) -> Vec<(String, String)> {
    CLAIMS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), variable(name)?)))
        .collect()
}

/// The kernel says 2^32-1 for "not set".
fn audit_number(path: &str) -> Option<u32> {
    let text = kernel_text(path)
        .ok()
        .and_then(|t| String::from_utf8(t).ok())?;
    text.trim().parse().ok().filter(|n| *n != u32::MAX)
}

fn ancestors(first: i32) -> Vec<(Ancestor, Stat)> {
    let mut found = Vec::new();
    let mut pid = u32::try_from(first).unwrap_or(0);
    while pid > 0 && found.len() < MAX_ANCESTORS {
        let Some(mut stat) = stat(&pid.to_string()) else {
            break;
        };
        let ancestor = Ancestor {
            pid,
            start: stat.start,
            comm: std::mem::take(&mut stat.comm),
        };
        pid = stat.parent;
        found.push((ancestor, stat));
    }
    found
}

fn stat(process: &str) -> Option<Stat> {
    Stat::parse(&kernel_text(&format!("/proc/{process}/stat")).ok()?)
}

/// The fields of `/proc/PID/stat` that matter here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) comm: String,
    pub(super) parent: u32,
    session: i32,
    tty: u32,
    start: u64,
}

impl Stat {
    /// The name may hold spaces and parentheses: it ends at the *last* parenthesis.
    pub(super) fn parse(bytes: &[u8]) -> Option<Stat> {
        let (head, tail) = bytes.split_at_checked(bytes.iter().rposition(|byte| *byte == b')')?)?;
        let comm = head.get(head.iter().position(|byte| *byte == b'(')? + 1..)?;
        // After `) ` the state, then numbers.
        let mut fields = tail.get(2..)?.split(|byte| *byte == b' ').skip(1);
        let parent = number(fields.next())?;
        let session = number(fields.nth(1))?;
        let tty: i32 = number(fields.next())?;
        let start = number(fields.nth(14))?;
        Some(Stat {
            comm: String::from_utf8_lossy(comm).into_owned(),
            parent,
            session,
            tty: tty.cast_unsigned(),
            start,
        })
    }
}

fn number<T: std::str::FromStr>(field: Option<&[u8]>) -> Option<T> {
    std::str::from_utf8(field?).ok()?.parse().ok()
}

/// The name of a terminal's device number.
fn terminal(device: u32) -> Option<String> {
    let major = (device >> 8) & 0xfff;
    let minor = (device & 0xff) | ((device >> 12) & 0xfff00);
    match major {
        0 => None,
        4 if minor < 64 => Some(format!("tty{minor}")),
        4 => Some(format!("ttyS{}", minor - 64)),
        136..=143 => Some(format!("pts/{}", minor + (major - 136) * 256)),
        _ => Some(format!("{major}:{minor}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let line = b"77 (a) R (b) S 12 77 77 34819 80 4194304 1 2 3 4 5 6 7 8 20 0 1 0 9001 1 1\n";
        let stat = Stat::parse(line).unwrap();
        assert_eq!(stat.comm, "a) R (b");
        assert_eq!((stat.parent, stat.session, stat.start), (12, 77, 9001));
        assert_eq!(terminal(stat.tty).as_deref(), Some("pts/3"));
    }

    #[test]
    fn this_test_has_a_parent() {
        let actor = Actor::read(None, &|_| None);
        assert!(!actor.ancestors.is_empty());
        assert!(actor.ancestors.iter().all(|a| a.start > 0 || a.pid == 1));
    }

    #[test]
    fn terminals_are_named_as_people_know_them() {
        assert_eq!(terminal(0), None);
        assert_eq!(terminal(0x0401).as_deref(), Some("tty1"));
        assert_eq!(terminal(0x8803).as_deref(), Some("pts/3"));
        assert_eq!(terminal(0x0010_8800).as_deref(), Some("pts/256"));
    }
}
