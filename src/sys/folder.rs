//! A directory held open by descriptor: its files are opened relative to it, never through a
//! symbolic link, and checked for who may write to them.
#![allow(
    unsafe_code,
    reason = "getdents64(2) has no safe wrapper in our crates"
)]

use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::clock;

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::{Uid, UnlinkatFlags, unlinkat};

/// Who besides the owner may write to a file without it being refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Only the owner.
    Owner,
    /// The owner and the file's group.
    Group,
    /// It is not written to: anybody's will do.
    ReadOnly,
}

impl Sharing {
    fn forbidden_bits(self) -> u32 {
        match self {
            Sharing::Owner => 0o022,
            Sharing::Group => 0o002,
            Sharing::ReadOnly => 0,
        }
    }

    /// Permissions of a new file.
    pub fn file_mode(self) -> u32 {
        match self {
            Sharing::Owner | Sharing::ReadOnly => 0o600,
            Sharing::Group => 0o660,
        }
    }
}

/// Why a file or directory was not used.
#[derive(Debug)]
pub enum FolderError {
    /// The system call failed.
    Io(io::Error),
    /// Somebody else owns it: (owner's uid).
    Owner(u32),
    /// Others may write to it: (permission bits).
    Writable(u32),
    /// It is no regular file.
    Kind,
}

impl From<io::Error> for FolderError {
    fn from(error: io::Error) -> Self {
        FolderError::Io(error)
    }
}

impl From<nix::Error> for FolderError {
    fn from(error: nix::Error) -> Self {
        FolderError::Io(error.into())
    }
}

/// How to open a file of the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// To read.
    Read,
    /// To read and append; it must be there.
    Append,
    /// To append, made where it is missing.
    AppendOrCreate,
    /// To append; it must not be there yet.
    CreateNew,
}

/// When names last came or went in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastChange(i64, i64);

/// An open directory.
#[derive(Debug)]
pub struct Folder {
    file: File,
    sharing: Sharing,
    user: u32,
}

impl Folder {
    /// Makes the directory and its missing parents with mode 0700.
    ///
    /// # Errors
    /// Where one of them cannot be made.
    pub fn create(path: &Path) -> io::Result<()> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
    }

    /// Opens the directory, which must belong to the effective user or root, be writable by no
    /// one that `sharing` forbids, and be no symbolic link itself.
    ///
    /// # Errors
    /// Where it cannot be opened or fails those checks.
    pub fn open(path: &Path, sharing: Sharing) -> Result<Folder, FolderError> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_RDONLY;
        let file = File::from(nix::fcntl::open(path, flags, Mode::empty())?);
        let user = Uid::effective().as_raw();
        check(&file, sharing, user)?;
        Ok(Folder {
            file,
            sharing,
            user,
        })
    }

    /// Opens a regular file of the folder with the same checks; gives its length, too.
    ///
    /// # Errors
    /// Where it cannot be opened or fails those checks.
    pub fn file(&self, name: &OsStr, how: How) -> Result<(File, u64), FolderError> {
        if self.sharing == Sharing::ReadOnly && how != How::Read {
            return Err(FolderError::Io(io::ErrorKind::ReadOnlyFilesystem.into()));
        }
        let base = OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        let append = OFlag::O_RDWR | OFlag::O_APPEND;
        let flags = base
            | match how {
                How::Read => OFlag::O_RDONLY,
                How::Append => append,
                How::AppendOrCreate => append | OFlag::O_CREAT,
                How::CreateNew => append | OFlag::O_CREAT | OFlag::O_EXCL,
            };
        let mode = Mode::from_bits_truncate(self.sharing.file_mode() as libc::mode_t);
        let file = File::from(openat(&self.file, name, flags, mode)?);
        let about = check(&file, self.sharing, self.user)?;
        if !about.is_file() {
            return Err(FolderError::Kind);
        }
        let own = about.uid() == self.user;
        if how != How::Read && own && about.mode() & 0o777 != self.sharing.file_mode() {
            // The umask took away what the group needs, or somebody gave more than it needs.
            let mode = std::fs::Permissions::from_mode(self.sharing.file_mode());
            file.set_permissions(mode)?;
        }
        Ok((file, about.len()))
    }

    /// The names in the folder, in no order.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn names(&self) -> io::Result<Vec<std::ffi::OsString>> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_RDONLY;
        let again: OwnedFd = openat(&self.file, ".", flags, Mode::empty())?;
        super::own::names(again)
    }

    /// When names last came or went. `None` where that is so short ago that the next one might get
    /// the same time (some clocks of file systems tick a hundred times a second, some each second).
    pub fn last_change(&self) -> Option<LastChange> {
        let about = self.file.metadata().ok()?;
        let seconds = u64::try_from(about.mtime()).ok()?;
        let settled = clock::now().seconds.checked_sub(seconds)? > 2;
        settled.then(|| LastChange(about.mtime(), about.mtime_nsec()))
    }

    /// Removes a file of the folder.
    ///
    /// # Errors
    /// Where it cannot be removed.
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(unlinkat(&self.file, name, UnlinkatFlags::NoRemoveDir)?)
    }

    /// Makes new names durable.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Bytes that this user may still write on the file system.
    ///
    /// # Errors
    /// Where the file system does not say.
    pub fn free_bytes(&self) -> io::Result<u64> {
        let about = nix::sys::statvfs::fstatvfs(&self.file)?;
        // The types differ between platforms.
        #[allow(clippy::useless_conversion, reason = "u32 on 32-bit systems")]
        let free = u64::from(about.blocks_available()).saturating_mul(about.fragment_size().into());
        Ok(free)
    }
}

/// Opens a file to read; a pipe nobody writes to, and a kernel's file that has nothing to say, are
/// not waited for.
///
/// # Errors
/// Where it cannot be opened.
pub fn open_at_once(path: &Path) -> io::Result<File> {
    File::options()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
}

/// The number of `/dev/null`.
#[cfg(target_os = "linux")]
pub const NULL_DEVICE: u64 = 1 << 8 | 3;
/// The number of `/dev/null`: what others call it is not known here.
#[cfg(not(target_os = "linux"))]
pub const NULL_DEVICE: u64 = u64::MAX;

fn check(file: &File, sharing: Sharing, user: u32) -> Result<std::fs::Metadata, FolderError> {
    let about = file.metadata()?;
    if sharing == Sharing::ReadOnly {
        return Ok(about);
    }
    if about.uid() != 0 && about.uid() != user {
        return Err(FolderError::Owner(about.uid()));
    }
    if about.mode() & sharing.forbidden_bits() != 0 {
        return Err(FolderError::Writable(about.mode() & 0o7777));
    }
    Ok(about)
}

/// An exclusive lock on an open file, held until dropped.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "held for its drop")] File);

/// Tries to lock `file` (`flock(2)`); gives it back where somebody else holds the lock.
///
/// # Errors
/// Where the file system cannot lock.
pub fn try_lock(file: File) -> io::Result<Result<Lock, File>> {
    match file.try_lock() {
        Ok(()) => Ok(Ok(Lock(file))),
        Err(TryLockError::WouldBlock) => Ok(Err(file)),
        Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Interrupted => Ok(Err(file)),
        Err(TryLockError::Error(e)) => Err(e),
    }
}
