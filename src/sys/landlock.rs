//! Landlock: files that a program may not read, by the kernel. `landlock(7)`.
#![allow(
    unsafe_code,
    reason = "system calls that our crates have no safe wrapper for"
)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;

use super::check;
use super::seccomp::forgo_new_privileges;

/// Opening a file for reading.
const READ_FILE: u64 = 1 << 2;
/// Moving or linking a file into another directory: forbidden unless it is allowed.
const REFER: u64 = 1 << 13;
/// The version from which `REFER` exists.
const REFER_SINCE: libc::c_long = 2;

/// What may be read. What no rule names may not be, once the set is in force.
#[derive(Debug)]
pub(crate) struct Readable {
    rules: OwnedFd,
    /// Files cannot be moved between directories in force of it.
    pub(crate) keeps_in_place: bool,
}

impl Readable {
    /// An empty set.
    ///
    /// # Errors
    /// `ENOSYS` before Linux 5.13, `EOPNOTSUPP` where Landlock is switched off.
    pub(crate) fn new() -> io::Result<Readable> {
        const ASK_VERSION: u32 = 1;
        // SAFETY: asking for the version takes no structure.
        let version = check(unsafe {
            libc::syscall(
                libc::SYS_landlock_create_ruleset,
                std::ptr::null::<u64>(),
                0usize,
                ASK_VERSION,
            )
        })?;
        let moves = version >= REFER_SINCE;
        let handled: u64 = READ_FILE | if moves { REFER } else { 0 };
        // SAFETY: the kernel reads one u64, the first field of its structure.
        let rules = check(unsafe {
            libc::syscall(
                libc::SYS_landlock_create_ruleset,
                &raw const handled,
                size_of::<u64>(),
                0u32,
            )
        })?;
        // SAFETY: a fresh descriptor that nobody else owns; it is close-on-exec.
        let rules = unsafe { OwnedFd::from_raw_fd(rules as RawFd) };
        let set = Readable {
            rules,
            keeps_in_place: !moves,
        };
        if moves {
            // The kernel lets nothing move to where it could be read.
            set.allow(Path::new("/"), REFER)?;
        }
        Ok(set)
    }

    /// Lets a file, or all below a directory, be read. What is gone meanwhile needs no rule.
    ///
    /// # Errors
    /// `ENOMEM`, `EMFILE`.
    pub(crate) fn add(&self, path: &Path) -> io::Result<()> {
        match self.allow(path, READ_FILE) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    fn allow(&self, path: &Path, access: u64) -> io::Result<()> {
        /// `struct landlock_path_beneath_attr`.
        #[repr(C, packed)]
        struct Beneath {
            access: u64,
            parent: i32,
        }
        const PATH_BENEATH: u32 = 1;
        let flags = nix::fcntl::OFlag::O_PATH | nix::fcntl::OFlag::O_CLOEXEC;
        let file = nix::fcntl::open(path, flags, nix::sys::stat::Mode::empty())?;
        let rule = Beneath {
            access,
            parent: file.as_raw_fd(),
        };
        // SAFETY: the kernel reads the rule, which outlives the call.
        check(unsafe {
            libc::syscall(
                libc::SYS_landlock_add_rule,
                self.rules.as_raw_fd(),
                PATH_BENEATH,
                &raw const rule,
                0u32,
            )
        })
        .map(drop)
    }

    /// Puts the set in force for the calling thread and all it starts. For a freshly cloned
    /// child: only system calls.
    ///
    /// # Errors
    /// The kernel's errno: `E2BIG` under sixteen others.
    pub(crate) fn enforce(&self) -> Result<(), i32> {
        let enforce = || {
            // SAFETY: plain integers.
            check(unsafe {
                libc::syscall(
                    libc::SYS_landlock_restrict_self,
                    self.rules.as_raw_fd(),
                    0u32,
                )
            })
            .map_err(|e| e.raw_os_error().unwrap_or(libc::EINVAL))
        };
        match enforce() {
            // Whoever is not root gives up set-uid programs for it.
            Err(libc::EPERM) => {
                forgo_new_privileges()?;
                enforce().map(drop)
            }
            result => result.map(drop),
        }
    }
}
