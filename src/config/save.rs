//! Writes the user's own files: whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Replaces a file in one step, making its folder where it is missing.
///
/// # Errors
/// The system's, with the file as it was before.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    new.persist(path).map_err(|e| e.error)?;
    Ok(())
}
