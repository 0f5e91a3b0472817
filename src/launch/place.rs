//! Places of a run's own. Where tagout is killed they are left; the next run that makes one
//! removes them: whoever lives holds a lock on its own, which the kernel takes from the dead.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use tempfile::TempDir;

use crate::profile::Private;
use crate::sys::process;

/// Where they are made.
const PLACES: &str = "/tmp";
const PREFIX: &str = "tagout-private-";

/// A new directory, and the lock that says that somebody uses it.
#[derive(Debug)]
pub(super) struct Place {
    dir: TempDir,
    _lock: File,
}

impl Place {
    /// Makes one, and removes those that were left.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn new() -> io::Result<Place> {
        remove_left(Path::new(PLACES));
        loop {
            let dir = tempfile::Builder::new().prefix(PREFIX).tempdir_in(PLACES)?;
            // Another run may take it for one that was left before it is locked.
            match lock(dir.path()) {
                Ok(Some(lock)) => return Ok(Place { dir, _lock: lock }),
                Ok(None) => {}
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(e),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Removes it.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn close(self) -> io::Result<()> {
        self.dir.close()
    }
}

/// The lock on a directory; `None` where somebody has it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = File::open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(e)) => return Err(e),
    }
    let (own, there) = (file.metadata()?, fs::symlink_metadata(path)?);
    Ok(((own.dev(), own.ino()) == (there.dev(), there.ino())).then_some(file))
}

fn remove_left(places: &Path) {
    let user = process::effective_user();
    for entry in fs::read_dir(places).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_ours = entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(PREFIX.as_bytes())
            && fs::symlink_metadata(&path).is_ok_and(|own| own.is_dir() && own.uid() == user)
            && holds_only_places(&path);
        if is_ours && let Ok(Some(_lock)) = lock(&path) {
            // What cannot be removed is tried again by the next.
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// What else lies there somebody else has put there.
fn holds_only_places(path: &Path) -> bool {
    let known = [Private::Home, Private::Tmp].map(Private::word);
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut names = entries.map(|entry| entry.file_name());
    names.all(|name| known.iter().any(|known| name == *known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_holds_is_removed() {
        let places = tempfile::tempdir().unwrap();
        let make = |name: &str, inside: &str| {
            let path = places.path().join(name);
            fs::create_dir_all(path.join(inside)).unwrap();
            path
        };
        let left = make("tagout-private-a", "home/x");
        let held = make("tagout-private-b", "tmp");
        let others = make("tagout-private-c", "documents");
        let elsewhere = make("tagout-d", "home");
        let lock = lock(&held).unwrap().unwrap();
        remove_left(places.path());
        assert!(!left.exists());
        assert!(held.exists() && others.exists() && elsewhere.exists());
        drop(lock);
        remove_left(places.path());
        assert!(!held.exists());
    }
}
