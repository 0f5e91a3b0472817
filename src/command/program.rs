//! Finds the program once, on the child's own PATH: what is judged is what is executed.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::sys;

/// Why a program cannot be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgramError {
    /// There is none of that name.
    NotFound {
        /// The name as it was given.
        name: String,
        /// Where it was looked for.
        path: String,
    },
    /// There is something, but it cannot be executed.
    NotExecutable {
        /// What was found.
        path: PathBuf,
        /// Why.
        why: &'static str,
    },
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProgramError::NotFound { name, path } if path.is_empty() => {
                write!(f, "`{name}`: no such file")
            }
            ProgramError::NotFound { name, path } => {
                write!(f, "`{name}` is not on the child's PATH ({path})")
            }
            ProgramError::NotExecutable { path, why } => write!(f, "`{}` {why}", path.display()),
        }
    }
}

/// The absolute path of the program that exec would start for `name`.
///
/// # Errors
/// See [`ProgramError`].
pub fn find(name: &OsStr, path: &OsStr, cwd: &Path) -> Result<PathBuf, ProgramError> {
    if name.as_bytes().contains(&b'/') {
        return executable(cwd.join(name), || ProgramError::NotFound {
            name: text(name),
            path: String::new(),
        });
    }
    if !name.is_empty()
        && let Ok(found) = which::which_in(name, Some(path), cwd)
    {
        return Ok(found);
    }
    // exec reports a file that is there but may not be executed before "not found".
    let candidate = std::env::split_paths(path)
        .map(|dir| cwd.join(dir).join(name))
        .find(|p| p.is_file());
    let missing = || ProgramError::NotFound {
        name: text(name),
        path: text(path),
    };
    match candidate {
        Some(candidate) if !name.is_empty() => executable(candidate, missing),
        _ => Err(missing()),
    }
}

fn executable(path: PathBuf, missing: impl Fn() -> ProgramError) -> Result<PathBuf, ProgramError> {
    if path.is_dir() {
        return Err(ProgramError::NotExecutable {
            path,
            why: "is a directory",
        });
    }
    if !path.exists() {
        return Err(missing());
    }
    if !sys::process::may_execute(&path) {
        return Err(ProgramError::NotExecutable {
            path,
            why: "is not executable",
        });
    }
    Ok(path)
}

fn text(word: &OsStr) -> String {
    OsString::from(word).to_string_lossy().into_owned()
}
