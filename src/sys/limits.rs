//! Bounds on what a process may use: `setrlimit(2)`.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// A bound on what each process of the command may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
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

/// Lets this process open as many descriptors as it may; what it has started keeps its own bound.
pub(crate) fn open_most_files() {
    let kind = Resource::RLIMIT_NOFILE;
    let _ = getrlimit(kind).and_then(|(_, hard)| setrlimit(kind, hard, hard));
}

impl Limit {
    fn kind(self) -> Resource {
        match self {
            Limit::Memory => Resource::RLIMIT_AS,
            Limit::Processes => Resource::RLIMIT_NPROC,
            Limit::Files => Resource::RLIMIT_NOFILE,
            Limit::Processor => Resource::RLIMIT_CPU,
            Limit::FileSize => Resource::RLIMIT_FSIZE,
            Limit::Core => Resource::RLIMIT_CORE,
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
