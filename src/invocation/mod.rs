//! One call of tagout: what the operating system says about who calls, from where.
//!
//! This is the only room that reads ambient state.

pub mod actor;
pub mod git;
pub mod host;
pub mod nesting;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use crate::command::Caller;
use crate::sys;

/// What a call starts from. Cheap facts only; [`actor`], [`git`] and [`host`] are read when a
/// record is made.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// tagout's own words, the first being its own name.
    pub args: Vec<OsString>,
    /// The caller's environment, entry by entry, as it came: duplicates and malformed entries
    /// included.
    pub environ: Vec<OsString>,
    /// The working directory.
    pub cwd: PathBuf,
    /// Real user id.
    pub uid: u32,
    /// Login name and home directory from the user database, and the host's name.
    pub caller: Caller,
}

/// This program's words alone, the first being its own name.
pub fn words() -> Vec<OsString> {
    sys::process::words()
}

impl Invocation {
    /// Reads this process's own.
    ///
    /// # Errors
    /// The working directory does not exist any more or may not be read.
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the room that reads ambient state"
    )]
    pub fn read() -> io::Result<Invocation> {
        let euid = sys::process::effective_user();
        let (user, home) = login(euid, &fs::read_to_string("/etc/passwd").unwrap_or_default());
        Ok(Invocation {
            args: words(),
            environ: sys::process::environ(),
            cwd: env::current_dir()?,
            uid: sys::process::real_user(),
            caller: Caller {
                user,
                home,
                host: String::new(),
            },
        })
    }

    /// Whether somebody types on standard input.
    pub fn at_a_terminal(&self) -> bool {
        std::io::stdin().is_terminal()
    }

    /// The first value of a variable of the caller, as text.
    pub fn variable(&self, name: &str) -> Option<String> {
        self.environ.iter().find_map(|entry| {
            // The sign first: it seldom stands there, and each launch asks for twenty names.
            let (before, value) = entry.as_bytes().split_at_checked(name.len() + 1)?;
            let is_it = before.last() == Some(&b'=') && before.starts_with(name.as_bytes());
            let value = is_it.then_some(value)?;
            std::str::from_utf8(value).ok().map(str::to_owned)
        })
    }

    /// Where tagout keeps what lasts: `$XDG_STATE_HOME/tagout`, else `~/.local/state/tagout` of
    /// the user database.
    pub fn state_folder(&self) -> Option<PathBuf> {
        let absolute = |text: String| Some(PathBuf::from(text)).filter(|p| p.is_absolute());
        let base = self.variable("XDG_STATE_HOME").and_then(absolute);
        base.or_else(|| self.caller.home.as_ref().map(|h| h.join(".local/state")))
            .map(|b| b.join("tagout"))
    }

    /// Where the user's own configuration stands. No variable moves it: what merely stands in the
    /// environment must not choose the rules.
    pub fn config_folder(&self) -> Option<PathBuf> {
        self.caller.home.as_ref().map(|h| h.join(".config/tagout"))
    }
}

/// Login name and home of a user id. The file is read directly: a static program cannot load the
/// name service's modules.
fn login(uid: u32, passwd: &str) -> (String, Option<PathBuf>) {
    let is_its = |line: &&str| line.split(':').nth(2).and_then(|u| u.parse().ok()) == Some(uid);
    let entry = passwd.lines().find(is_its);
    let entry = entry.map(|line| line.split(':').collect::<Vec<_>>());
    match entry.as_deref() {
        Some([name, _, _, _, _, home, ..]) => {
            let home = Path::new(home);
            (
                name.to_string(),
                home.is_absolute().then(|| home.to_owned()),
            )
        }
        _ => (uid.to_string(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_database_is_read_by_number() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\napp:x:1001:1001::/home/app:/bin/sh\n";
        assert_eq!(
            login(1001, passwd),
            ("app".into(), Some("/home/app".into()))
        );
        assert_eq!(login(7, passwd), ("7".into(), None));
    }
}
