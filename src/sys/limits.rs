//! Bounds on what a process may use: `setrlimit(2)`.
#![allow(unsafe_code, reason = "runs between clone and exec")]

/// A bound that can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Address space, bytes.
    Memory,
    /// Processes and threads of the user.
    Processes,
    /// Open descriptors.
    Files,
    /// Processor time, seconds.
    Processor,
    /// The size of a file that is written, bytes.
    FileSize,
    /// The size of a core dump, bytes.
    Core,
}

impl Resource {
    fn number(self) -> u32 {
        let number = match self {
            Resource::Memory => libc::RLIMIT_AS,
            Resource::Processes => libc::RLIMIT_NPROC,
            Resource::Files => libc::RLIMIT_NOFILE,
            Resource::Processor => libc::RLIMIT_CPU,
            Resource::FileSize => libc::RLIMIT_FSIZE,
            Resource::Core => libc::RLIMIT_CORE,
        };
        number as u32
    }

    /// Bounds the calling process and all it starts; never above the bound that it has. For a
    /// freshly cloned child: only system calls.
    ///
    /// # Errors
    /// The system's errno.
    pub(crate) fn bound(self, most: u64) -> Result<(), i32> {
        let mut limit = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        let which = self.number() as _;
        // SAFETY: the structure is live; the kernel fills it in.
        if unsafe { libc::getrlimit(which, &raw mut limit) } != 0 {
            return Err(errno());
        }
        limit.rlim_max = limit.rlim_max.min(most);
        limit.rlim_cur = limit.rlim_cur.min(most);
        // SAFETY: the structure is live; the kernel reads it.
        match unsafe { libc::setrlimit(which, &raw const limit) } {
            0 => Ok(()),
            _ => Err(errno()),
        }
    }
}

fn errno() -> i32 {
    std::io::Error::last_os_error()
        .raw_os_error()
        .unwrap_or(libc::EINVAL)
}
