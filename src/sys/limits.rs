//! Bounds on what a process may use: `setrlimit(2)`.

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};

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
    fn kind(self) -> Option<Resource> {
        match self {
            Limit::Memory => super::own::ADDRESS_SPACE,
            Limit::Processes => super::own::PROCESSES,
            Limit::Files => Some(Resource::RLIMIT_NOFILE),
            Limit::Processor => Some(Resource::RLIMIT_CPU),
            Limit::FileSize => Some(Resource::RLIMIT_FSIZE),
            Limit::Core => Some(Resource::RLIMIT_CORE),
        }
    }

    /// Why it bounds nothing here.
    pub(crate) fn unbound(self) -> Option<&'static str> {
        match self.kind() {
            None => Some("this system has no such bound"),
            Some(_) if self == Limit::Processes && super::process::effective_user() == 0 => {
                Some("it does not bound root")
            }
            Some(_) => None,
        }
    }

    /// Bounds the calling process and all it starts; never above the bound that it has. For a
    /// freshly cloned child: only system calls.
    ///
    /// # Errors
    /// The system's errno.
    pub(crate) fn bound(self, most: u64) -> Result<(), i32> {
        let Some(kind) = self.kind() else {
            return Ok(());
        };
        let most = rlim_t::try_from(most).unwrap_or(rlim_t::MAX);
        let bounded = getrlimit(kind)
            .and_then(|(soft, hard)| setrlimit(kind, soft.min(most), hard.min(most)));
        bounded.map_err(|errno| errno as i32)
    }
}
