//! Nothing is left behind here: there is no fence whose processes would need it.

use std::os::fd::RawFd;

/// Leaves nothing behind.
pub(crate) fn leave_behind(_descriptors: &[RawFd], _work: impl FnOnce()) -> bool {
    false
}
