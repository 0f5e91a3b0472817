//! What this process asks the kernel for about itself.
#![allow(unsafe_code, reason = "descriptors by number")]

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::sys::resource::Resource;

/// The bound on address space.
#[cfg(target_os = "freebsd")]
pub(super) const ADDRESS_SPACE: Option<Resource> = None;
/// The bound on address space.
#[cfg(not(target_os = "freebsd"))]
pub(super) const ADDRESS_SPACE: Option<Resource> = Some(Resource::RLIMIT_AS);

/// The bound on processes and threads of a user.
#[cfg(target_os = "freebsd")]
pub(super) const PROCESSES: Option<Resource> = Some(Resource::RLIMIT_NPROC);
/// The bound on processes and threads of a user: not to be had.
#[cfg(not(target_os = "freebsd"))]
pub(super) const PROCESSES: Option<Resource> = None;

/// The file that this process runs.
///
/// # Errors
/// Where the system does not tell.
#[allow(
    clippy::disallowed_methods,
    reason = "where this program lies is a fact about it"
)]
pub(super) fn program() -> io::Result<PathBuf> {
    std::env::current_exe()?.canonicalize()
}

/// What the file is that this process runs.
///
/// # Errors
/// As [`program`].
pub(super) fn facts() -> io::Result<std::fs::Metadata> {
    std::fs::metadata(program()?)
}

/// Whether this process may execute a file.
pub(super) fn may_execute(path: &Path) -> bool {
    nix::unistd::access(path, nix::unistd::AccessFlags::X_OK).is_ok()
}

/// Orphans go to the first process here.
pub(super) fn adopt_orphans() {}

/// Nothing stands here that another program could turn.
pub(super) fn close_to_others() {}

/// Marks every descriptor from `first` on so that `exec` closes it.
pub(super) fn close_on_exec_from(first: RawFd) -> bool {
    /// A bound on the system's own, which may be none.
    const MOST: libc::c_long = 1 << 16;
    // SAFETY: plain integers; a number that is not open is no harm.
    unsafe {
        let most = match libc::sysconf(libc::_SC_OPEN_MAX) {
            most @ 1..MOST => most,
            _ => MOST,
        };
        for fd in first..RawFd::try_from(most).unwrap_or(RawFd::MAX) {
            libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
    true
}

/// The names in a folder, in no order.
///
/// # Errors
/// Where it cannot be read.
pub(super) fn names(folder: OwnedFd) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in nix::dir::Dir::from_fd(folder)?.iter() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    Ok(names)
}

/// Whether a process is stopped: what was told last is taken for true.
pub(super) fn is_stopped(_pid: i32) -> bool {
    true
}
