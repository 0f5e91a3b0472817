//! Bounds on what a process may use: `setrlimit(2)`.

use nix::sys::resource::{Resource as Kind, getrlimit, setrlimit};

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
    fn kind(self) -> Kind {
        match self {
            Resource::Memory => Kind::RLIMIT_AS,
            Resource::Processes => Kind::RLIMIT_NPROC,
            Resource::Files => Kind::RLIMIT_NOFILE,
            Resource::Processor => Kind::RLIMIT_CPU,
            Resource::FileSize => Kind::RLIMIT_FSIZE,
            Resource::Core => Kind::RLIMIT_CORE,
        }
    }

    /// Bounds the calling process and all it starts; never above the bound that it has. For a
    /// freshly cloned child: only system calls.
    ///
    /// # Errors
    /// The system's errno.
    pub(crate) fn bound(self, most: u64) -> Result<(), i32> {
        let bounded = getrlimit(self.kind())
            .and_then(|(soft, hard)| setrlimit(self.kind(), soft.min(most), hard.min(most)));
        bounded.map_err(|errno| errno as i32)
    }
}
