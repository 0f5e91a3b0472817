//! Files that a program may not read: this system has nothing like Landlock.

use std::io;
use std::path::Path;

/// A set that there never is.
#[derive(Debug)]
pub(crate) struct Readable {
    /// Files cannot be moved between directories in force of it.
    pub(crate) keeps_in_place: bool,
}

impl Readable {
    /// There is none.
    ///
    /// # Errors
    /// Always: that this system has no Landlock.
    pub(crate) fn new() -> io::Result<Readable> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "this system has no such thing",
        ))
    }

    /// Adds nothing.
    ///
    /// # Errors
    /// None.
    pub(crate) fn add(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    /// Enforces nothing.
    ///
    /// # Errors
    /// `ENOSYS`, always.
    pub(crate) fn enforce(&self) -> Result<(), i32> {
        Err(libc::ENOSYS)
    }
}
