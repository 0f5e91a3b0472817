//! Threads that take no signals: those are the launcher's to pass on.

use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};

/// Runs `work` in a thread with all signals blocked; false where there can be no thread.
pub(crate) fn spawn_quiet(work: impl FnOnce() + Send + 'static) -> bool {
    let mut before = SigSet::empty();
    let blocked = pthread_sigmask(
        SigmaskHow::SIG_BLOCK,
        Some(&SigSet::all()),
        Some(&mut before),
    );
    if blocked.is_err() {
        return false;
    }
    let spawned = std::thread::Builder::new().spawn(work).is_ok();
    // The old mask was valid a moment ago.
    let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
    spawned
}
