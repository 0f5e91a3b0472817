//! Shims: links to tagout under the names of other programs, in a folder for PATH. They work where
//! no shell function does: scripts, cron, make, npm.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use crate::command::program::{find, is_shim};
use crate::config::Config;
use crate::profile::ConfigError;

use super::{Wrapped, commands};
use crate::config::USUAL;

/// The names that get a shim where none is given: the usual programs and what the configuration
/// names, first words only.
///
/// # Errors
/// A name that a shell needs itself.
pub fn names(config: &Config) -> Result<Vec<String>, ConfigError> {
    let mut names: Vec<String> = Vec::new();
    for Wrapped { name, .. } in commands(config)? {
        let mut usual = USUAL
            .iter()
            .filter(|u| first_word(u.command) == name)
            .peekable();
        let wanted = usual.peek().is_none() || usual.any(|u| u.shim);
        if wanted && !name.contains('/') && !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

fn first_word(command: &str) -> &str {
    command.split(' ').next().unwrap_or_default()
}

/// Why a shim was not made or removed.
#[derive(Debug)]
pub enum ShimError {
    /// Something else has that name.
    Taken(PathBuf),
    /// It cannot be the name of a shim.
    Name(String),
    /// The system's error, and what it was about.
    Io(PathBuf, io::Error),
}

impl fmt::Display for ShimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShimError::Taken(path) => {
                write!(f, "`{}` is there already and is no shim", path.display())
            }
            ShimError::Name(name) => write!(f, "`{name}` cannot be the name of a shim"),
            ShimError::Io(path, error) => write!(f, "`{}`: {error}", path.display()),
        }
    }
}

/// A shim that stands in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shim {
    /// Its name.
    pub name: OsString,
    /// The program that it would start, where there is one on that PATH.
    pub real: Option<PathBuf>,
    /// Whether that PATH leads to the shim and not past it.
    pub first: bool,
}

/// Makes the shims, links to `launcher`. What is a shim already is made anew.
///
/// # Errors
/// The first that cannot be made; the ones before it stand.
pub fn install(folder: &Path, launcher: &Path, names: &[String]) -> Result<(), ShimError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        |e| ShimError::Io(path, e)
    };
    fs::create_dir_all(folder).map_err(io(folder))?;
    for name in names {
        if name.is_empty()
            || name.contains('/')
            || name.starts_with(['.', '-'])
            || name.starts_with("tagout")
        {
            return Err(ShimError::Name(name.clone()));
        }
        let path = folder.join(name);
        if path.symlink_metadata().is_ok() && !is_link_to_tagout(&path) {
            return Err(ShimError::Taken(path));
        }
        // Beside it first and then moved: nobody ever finds none.
        let new = folder.join(format!(".{name}.new"));
        let _ = fs::remove_file(&new);
        symlink(launcher, &new).map_err(io(&new))?;
        fs::rename(&new, &path).map_err(io(&path))?;
    }
    Ok(())
}

/// The shims in a folder, by name, seen from a PATH and a working directory.
///
/// # Errors
/// The folder cannot be read.
pub fn list(folder: &Path, path: &OsStr, cwd: &Path) -> io::Result<Vec<Shim>> {
    let mut shims: Vec<Shim> = links(folder)?
        .into_iter()
        .map(|name| {
            let mut places = std::env::split_paths(path).map(|place| cwd.join(place).join(&name));
            let own = folder.join(&name);
            Shim {
                real: find(&name, path, cwd).ok(),
                first: places
                    .find(|p| p.exists())
                    .is_some_and(|p| p == own || same_folder(&p, &own)),
                name,
            }
        })
        .collect();
    shims.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(shims)
}

fn same_folder(one: &Path, other: &Path) -> bool {
    let real = |p: &Path| p.parent().and_then(|p| p.canonicalize().ok());
    real(one).is_some() && real(one) == real(other)
}

/// Removes shims, all of them where no name is given, and the folder where it is empty then. Only
/// links to tagout are ever removed.
///
/// # Errors
/// The first that cannot be removed.
pub fn remove(folder: &Path, names: &[String]) -> Result<Vec<OsString>, ShimError> {
    let io = |e| ShimError::Io(folder.to_owned(), e);
    let names: Vec<OsString> = match names {
        [] => links(folder).map_err(io)?,
        names => names.iter().map(OsString::from).collect(),
    };
    for name in &names {
        let path = folder.join(name);
        if path.symlink_metadata().is_ok() && !is_link_to_tagout(&path) {
            return Err(ShimError::Taken(path));
        }
        fs::remove_file(&path).map_err(|e| ShimError::Io(path, e))?;
    }
    let _ = fs::remove_dir(folder);
    Ok(names)
}

fn links(folder: &Path) -> io::Result<Vec<OsString>> {
    let entries = fs::read_dir(folder)?.flatten();
    Ok(entries
        .filter(|entry| is_link_to_tagout(&entry.path()))
        .map(|entry| entry.file_name())
        .collect())
}

/// Also where tagout itself is gone: a dangling link to a file of that name.
fn is_link_to_tagout(path: &Path) -> bool {
    let leads_to = path.read_link().ok();
    let named = leads_to.as_deref().and_then(Path::file_name) == Some(OsStr::new("tagout"));
    named || (path.is_symlink() && is_shim(path))
}
