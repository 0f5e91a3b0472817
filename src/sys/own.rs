//! What this process asks the kernel for about itself, and what only this kernel has.
#![allow(
    unsafe_code,
    reason = "system calls that our crates have no safe wrapper for"
)]

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::sys::resource::Resource;

/// The bound on address space.
pub(super) const ADDRESS_SPACE: Option<Resource> = Some(Resource::RLIMIT_AS);
/// The bound on processes and threads of a user.
pub(super) const PROCESSES: Option<Resource> = Some(Resource::RLIMIT_NPROC);

/// The file that this process runs.
///
/// # Errors
/// Where `/proc` does not tell.
pub(super) fn program() -> io::Result<PathBuf> {
    std::fs::read_link("/proc/self/exe")
}

/// What the file is that this process runs.
///
/// # Errors
/// As [`program`].
pub(super) fn facts() -> io::Result<std::fs::Metadata> {
    std::fs::metadata("/proc/self/exe")
}

/// Whether this process may execute a file.
pub(super) fn may_execute(path: &Path) -> bool {
    use nix::fcntl::{AT_FDCWD, AtFlags};
    use nix::unistd::{AccessFlags, faccessat};
    // Not `eaccess`: with glibc it asks six things where this is one.
    faccessat(AT_FDCWD, path, AccessFlags::X_OK, AtFlags::AT_EACCESS).is_ok()
}

/// Makes this process the parent of descendants whose own parents end.
pub(super) fn adopt_orphans() {
    // SAFETY: plain integers. Where the kernel has no such thing, orphans go to init.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) };
}

/// Closes this process to other programs of its user.
pub(super) fn close_to_others() {
    // SAFETY: plain integers.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
}

/// Marks every descriptor from `first` on so that `exec` closes it. False where the kernel cannot
/// (before 5.11).
pub(super) fn close_on_exec_from(first: RawFd) -> bool {
    // SAFETY: no memory is involved; descriptors stay open in this process.
    unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        ) == 0
    }
}

/// The names in a folder, in no order.
///
/// # Errors
/// Where it cannot be read.
pub(super) fn names(folder: OwnedFd) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    let mut entries = [0u8; 4096];
    loop {
        // SAFETY: descriptor, pointer and length are those of live, exclusive values.
        let got = super::check(unsafe {
            libc::syscall(
                libc::SYS_getdents64,
                folder.as_raw_fd(),
                entries.as_mut_ptr(),
                entries.len(),
            )
        })?;
        let got = usize::try_from(got).unwrap_or(0);
        let Some(mut rest) = entries.get(..got).filter(|rest| !rest.is_empty()) else {
            return Ok(names);
        };
        while let Some((name, after)) = entry(rest) {
            if name != b"." && name != b".." {
                names.push(OsStr::from_bytes(name).to_owned());
            }
            rest = after;
        }
    }
}

/// The name in the first entry that `getdents64(2)` wrote, and what follows: inode and offset,
/// each of 8 bytes, the entry's length in 2, its type in 1, the name up to a NUL.
fn entry(entries: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = entries.get(16..)?.first_chunk::<2>()?;
    let length = usize::from(u16::from_ne_bytes(*length));
    let (own, rest) = entries.split_at_checked(length)?;
    let name = own.get(19..)?;
    Some((name.split(|b| *b == 0).next()?, rest))
}

/// Whether a process is stopped (`T` in `/proc/PID/stat`).
pub(super) fn is_stopped(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| rest.starts_with('T'))
}
