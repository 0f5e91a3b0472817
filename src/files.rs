//! A read-only view of files: the real disk, or a map in memory for tests. Every file that was
//! read is noted, so that what fed a verdict can be shown and recorded.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

use crate::sys::folder::{NULL_DEVICE, open_at_once};

/// A file larger than this is not read: configuration never is.
pub const MAX_FILE: u64 = 8 * 1024 * 1024;

/// Why a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileError {
    /// There is nothing at that path.
    Missing,
    /// There is something that has no text (a directory, a socket, `/dev/null`).
    NotAFile,
    /// It is a pipe or a device: what comes out of it comes once, or never, or to the command alone.
    Stream,
    /// The caller may not read it.
    Denied,
    /// It is larger than [`MAX_FILE`].
    TooLarge,
    /// Any other failure, in the system's words.
    Other(String),
}

impl std::fmt::Display for FileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FileError::Missing => f.write_str("no such file"),
            FileError::NotAFile => f.write_str("not a regular file"),
            FileError::Stream => {
                f.write_str("a pipe or a device: only who reads it learns what it says")
            }
            FileError::Denied => f.write_str("permission denied"),
            FileError::TooLarge => write!(f, "larger than {} MiB", MAX_FILE / 1024 / 1024),
            FileError::Other(why) => f.write_str(why),
        }
    }
}

/// The view that resolvers get. Paths are absolute, or relative to the process's directory.
pub trait Files {
    /// The bytes of a regular file.
    ///
    /// # Errors
    /// See [`FileError`].
    fn read(&self, path: &Path) -> Result<Vec<u8>, FileError>;
    /// The first bytes of a regular file, at most `limit`: what kind of program it is.
    ///
    /// # Errors
    /// See [`FileError`].
    fn head(&self, path: &Path, limit: usize) -> Result<Vec<u8>, FileError> {
        self.read(path).map(|mut bytes| {
            bytes.truncate(limit);
            bytes
        })
    }
    /// Whether a file with text (or a link to one) is there: a regular one, or a pipe or device that
    /// the command would read as one.
    fn is_file(&self, path: &Path) -> bool;
    /// Whether a directory (or a link to one) is there.
    fn is_dir(&self, path: &Path) -> bool;
    /// Whether anything is there.
    fn exists(&self, path: &Path) -> bool;
    /// Names in a directory, sorted; empty where it cannot be listed.
    fn list(&self, dir: &Path) -> Vec<String>;
    /// When a file was last written; `None` where that is not known.
    fn modified(&self, _path: &Path) -> Option<std::time::SystemTime> {
        None
    }
    /// Whether anybody on the machine may write the file.
    fn anybody_may_write(&self, _path: &Path) -> bool {
        false
    }
    /// The path with links resolved; `None` where it does not exist.
    fn real_path(&self, path: &Path) -> Option<PathBuf>;
    /// The files read so far, in order, without repeats.
    fn noted(&self) -> Vec<PathBuf>;
    /// The files that have text which was not read, since this was last asked: the command will
    /// read it.
    fn take_unread(&self) -> Vec<(PathBuf, FileError)> {
        Vec::new()
    }

    /// The text of a file; bytes that are not UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// See [`FileError`].
    fn read_text(&self, path: &Path) -> Result<String, FileError> {
        self.read(path).map(|bytes| match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(e) => String::from_utf8_lossy(e.as_bytes()).into_owned(),
        })
    }
}

/// The real file system.
#[derive(Debug, Default)]
pub struct Disk {
    noted: RefCell<Vec<PathBuf>>,
    unread: RefCell<Vec<(PathBuf, FileError)>>,
}

impl Disk {
    fn read_whole(path: &Path) -> Result<Vec<u8>, FileError> {
        // Looked at before it is opened: opening a device can do something.
        let meta = fs::metadata(path).map_err(|e| kind(&e))?;
        if !meta.is_file() {
            return Err(match is_stream(&meta) {
                true => FileError::Stream,
                false => FileError::NotAFile,
            });
        }
        let file = open_at_once(path).map_err(|e| kind(&e))?;
        let mut bytes = Vec::with_capacity(usize::try_from(meta.len().min(MAX_FILE)).unwrap_or(0));
        file.take(MAX_FILE + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| kind(&e))?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(FileError::TooLarge);
        }
        Ok(bytes)
    }
}

/// A pipe, or a device that is not the null device.
fn is_stream(meta: &fs::Metadata) -> bool {
    let kind = meta.file_type();
    kind.is_fifo() || kind.is_char_device() && meta.rdev() != NULL_DEVICE
}

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FileError> {
        let read = Disk::read_whole(path);
        match &read {
            Ok(_) => note(&self.noted, path),
            Err(why @ (FileError::TooLarge | FileError::Stream)) => {
                self.unread
                    .borrow_mut()
                    .push((path.to_owned(), why.clone()));
            }
            Err(_) => {}
        }
        read
    }

    fn head(&self, path: &Path, limit: usize) -> Result<Vec<u8>, FileError> {
        if !path.is_file() {
            return Err(FileError::NotAFile);
        }
        let mut file = open_at_once(path).map_err(|e| kind(&e))?;
        let mut bytes = vec![0; limit];
        let length = file.read(&mut bytes).map_err(|e| kind(&e))?;
        bytes.truncate(length);
        Ok(bytes)
    }

    fn is_file(&self, path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|meta| meta.is_file() || is_stream(&meta))
    }

    fn is_dir(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn exists(&self, path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok()
    }

    fn list(&self, dir: &Path) -> Vec<String> {
        let Ok(entries) = fs::read_dir(dir) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .flatten()
            .map(|e| e.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn modified(&self, path: &Path) -> Option<std::time::SystemTime> {
        fs::metadata(path).ok()?.modified().ok()
    }

    fn anybody_may_write(&self, path: &Path) -> bool {
        // Not its directory: those that an orchestrator mounts are open by their mode, and closed.
        fs::metadata(path).is_ok_and(|meta| meta.mode() & 0o002 != 0)
    }

    fn real_path(&self, path: &Path) -> Option<PathBuf> {
        fs::canonicalize(path).ok()
    }

    fn noted(&self) -> Vec<PathBuf> {
        self.noted.borrow().clone()
    }

    fn take_unread(&self) -> Vec<(PathBuf, FileError)> {
        self.unread.take()
    }
}

/// Files of which some cannot be read, nor anything below them.
pub struct Without<'a> {
    files: &'a dyn Files,
    hidden: &'a [PathBuf],
}

impl<'a> Without<'a> {
    /// `hidden` are real paths.
    pub fn new(files: &'a dyn Files, hidden: &'a [PathBuf]) -> Without<'a> {
        Without { files, hidden }
    }

    fn is_hidden(&self, path: &Path) -> bool {
        if self.hidden.is_empty() {
            return false;
        }
        let real = self.files.real_path(path);
        real.is_some_and(|real| self.hidden.iter().any(|own| real.starts_with(own)))
    }
}

impl Files for Without<'_> {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FileError> {
        match self.is_hidden(path) {
            true => Err(FileError::Denied),
            false => self.files.read(path),
        }
    }

    fn head(&self, path: &Path, limit: usize) -> Result<Vec<u8>, FileError> {
        match self.is_hidden(path) {
            true => Err(FileError::Denied),
            false => self.files.head(path, limit),
        }
    }

    fn is_file(&self, path: &Path) -> bool {
        self.files.is_file(path)
    }

    fn is_dir(&self, path: &Path) -> bool {
        self.files.is_dir(path)
    }

    fn exists(&self, path: &Path) -> bool {
        self.files.exists(path)
    }

    fn list(&self, dir: &Path) -> Vec<String> {
        self.files.list(dir)
    }

    fn real_path(&self, path: &Path) -> Option<PathBuf> {
        self.files.real_path(path)
    }

    fn noted(&self) -> Vec<PathBuf> {
        self.files.noted()
    }

    fn take_unread(&self) -> Vec<(PathBuf, FileError)> {
        self.files.take_unread()
    }

    fn anybody_may_write(&self, path: &Path) -> bool {
        self.files.anybody_may_write(path)
    }
}

/// Files in memory, by absolute path.
#[derive(Debug, Default)]
pub struct Memory {
    files: BTreeMap<PathBuf, Vec<u8>>,
    noted: RefCell<Vec<PathBuf>>,
}

impl Memory {
    /// No files at all.
    pub fn new() -> Self {
        Memory::default()
    }

    /// Adds a file.
    pub fn with(mut self, path: impl Into<PathBuf>, text: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.into(), text.into());
        self
    }

    /// Adds files below a folder.
    pub fn below(self, folder: &str, files: &[(&str, &str)]) -> Self {
        let path = |path: &str| Path::new(folder).join(path);
        files
            .iter()
            .fold(self, |all, (name, text)| all.with(path(name), *text))
    }
}

impl Files for Memory {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FileError> {
        let path = lexical(path);
        match self.files.get(&path) {
            Some(bytes) => {
                note(&self.noted, &path);
                Ok(bytes.clone())
            }
            None if self.is_dir(&path) => Err(FileError::NotAFile),
            None => Err(FileError::Missing),
        }
    }

    fn is_file(&self, path: &Path) -> bool {
        self.files.contains_key(&lexical(path))
    }

    fn is_dir(&self, path: &Path) -> bool {
        let path = lexical(path);
        self.files
            .keys()
            .any(|f| f != &path && f.starts_with(&path))
    }

    fn exists(&self, path: &Path) -> bool {
        self.is_file(path) || self.is_dir(path)
    }

    fn list(&self, dir: &Path) -> Vec<String> {
        let dir = lexical(dir);
        let mut names: Vec<String> = self
            .files
            .keys()
            .filter_map(|f| f.strip_prefix(&dir).ok())
            .filter_map(|rest| rest.components().next())
            .map(|c| c.as_os_str().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names.dedup();
        names
    }

    fn real_path(&self, path: &Path) -> Option<PathBuf> {
        self.exists(path).then(|| lexical(path))
    }

    fn noted(&self) -> Vec<PathBuf> {
        self.noted.borrow().clone()
    }
}

/// The path without `.` and `..`, by its words alone.
pub fn lexical(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if !out.pop() {
                    out.push("..");
                }
            }
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => out.push(part),
        }
    }
    out
}

/// How a path is shown: relative to `base` where it lies below it.
pub fn shown(path: &Path, base: &Path) -> String {
    path.strip_prefix(base)
        .unwrap_or(path)
        .display()
        .to_string()
}

fn note(noted: &RefCell<Vec<PathBuf>>, path: &Path) {
    let mut noted = noted.borrow_mut();
    if !noted.iter().any(|p| p == path) {
        noted.push(path.to_owned());
    }
}

fn kind(e: &io::Error) -> FileError {
    match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FileError::Missing,
        io::ErrorKind::PermissionDenied => FileError::Denied,
        // The kernel's own files that wait for something to say.
        io::ErrorKind::WouldBlock => FileError::Stream,
        _ => FileError::Other(e.to_string()),
    }
}
