//! Writes the user's own files: whole or not at all.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A text as a TOML string: JSON's are.
pub fn toml_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Replaces a file in one step, making its folder where it is missing.
///
/// # Errors
/// The system's, with the file as it was before.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    put(
        path,
        text,
        tempfile::Builder::new().permissions(Permissions::from_mode(0o600)),
    )
}

/// The same for a file that others read too: it keeps its permissions, and a new one has the usual
/// ones.
///
/// # Errors
/// The system's, with the file as it was before.
pub fn replace_shared(path: &Path, text: &str) -> io::Result<()> {
    let usual = Permissions::from_mode(0o666);
    let before = fs::metadata(path).map(|file| file.permissions());
    put(path, text, tempfile::Builder::new().permissions(usual))?;
    match before {
        Ok(permissions) => fs::set_permissions(path, permissions),
        Err(_) => Ok(()),
    }
}

fn put(path: &Path, text: &str, how: &tempfile::Builder<'_, '_>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut new = how.tempfile_in(folder)?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    new.persist(path).map_err(|e| e.error)?;
    Ok(())
}
