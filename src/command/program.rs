//! Finds the program once, on the child's own PATH: what is judged is what is executed.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
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
        let given = cwd.join(name);
        if let Some(last) = given.file_name().filter(|_| is_shim(&given)) {
            return find(last, path, cwd);
        }
        return executable(given, || ProgramError::NotFound {
            name: text(name),
            path: String::new(),
        });
    }
    if !name.is_empty()
        && let Ok(mut found) = which::WhichConfig::new_with_sys(ChildsPath)
            .binary_name(name.to_owned())
            .custom_path_list(path.to_owned())
            .custom_cwd(cwd.to_owned())
            .all_results()
        && let Some(found) = found.find(|found| !is_shim(found))
    {
        return Ok(found);
    }
    // exec reports a file that is there but may not be executed before "not found".
    let candidate = std::env::split_paths(path)
        .map(|dir| cwd.join(dir).join(name))
        .find(|p| p.is_file() && !is_shim(p));
    let missing = || ProgramError::NotFound {
        name: text(name),
        path: text(path),
    };
    match candidate {
        Some(candidate) if !name.is_empty() => executable(candidate, missing),
        _ => Err(missing()),
    }
}

/// Whether a file is tagout under another name: it would only come back to look for the real one.
pub fn is_shim(path: &Path) -> bool {
    let named_tagout = |p: &Path| {
        let name = p.file_name().unwrap_or_default();
        name.as_bytes().starts_with(b"tagout")
    };
    let Ok(about) = path.symlink_metadata() else {
        return false;
    };
    let leads_to_tagout = || path.canonicalize().is_ok_and(|p| named_tagout(&p));
    !named_tagout(path)
        && match about.is_symlink() {
            true => sys::process::is_this_program(path) || leads_to_tagout(),
            false => sys::process::is_this_file(&about),
        }
}

/// What `which` may ask: files, and nothing of this process. `exec` knows no `~` on the PATH, and
/// the user database would bring half of the C library's name services along.
#[derive(Clone, Copy)]
struct ChildsPath;

impl which::sys::Sys for ChildsPath {
    type ReadDirEntry = std::fs::DirEntry;
    type Metadata = std::fs::Metadata;

    fn is_windows(&self) -> bool {
        false
    }

    fn current_dir(&self) -> io::Result<PathBuf> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn home_dir(&self) -> Option<PathBuf> {
        None
    }

    fn env_split_paths(&self, paths: &OsStr) -> Vec<PathBuf> {
        std::env::split_paths(paths).collect()
    }

    fn env_path(&self) -> Option<OsString> {
        None
    }

    fn env_path_ext(&self) -> Option<OsString> {
        None
    }

    fn metadata(&self, path: &Path) -> io::Result<Self::Metadata> {
        path.metadata()
    }

    fn symlink_metadata(&self, path: &Path) -> io::Result<Self::Metadata> {
        path.symlink_metadata()
    }

    fn read_dir(
        &self,
        _path: &Path,
    ) -> io::Result<Box<dyn Iterator<Item = io::Result<Self::ReadDirEntry>>>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn is_valid_executable(&self, path: &Path) -> io::Result<bool> {
        Ok(sys::process::may_execute(path))
    }
}

fn executable(path: PathBuf, missing: impl Fn() -> ProgramError) -> Result<PathBuf, ProgramError> {
    match path.metadata() {
        Err(_) => return Err(missing()),
        Ok(found) if found.is_dir() => {
            return Err(ProgramError::NotExecutable {
                path,
                why: "is a directory",
            });
        }
        Ok(_) => {}
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
