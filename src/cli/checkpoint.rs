//! Heads of the journal: those that a run has to have kept, and those that a timer takes.

use super::Session;
use crate::config::Anchoring;
use crate::invocation::Invocation;
use crate::invocation::host::Host;
use crate::record::Location;
use crate::record::checkpoint::{self, CheckpointError, Taken};

/// Takes a checkpoint.
///
/// # Errors
/// Where there is none to take.
pub(crate) fn take(
    session: &Session,
    anchoring: &Anchoring,
    at: &Location,
) -> Result<Taken, CheckpointError> {
    let plan = checkpoint::Plan {
        host: Host::read().name,
        key: anchoring.key.clone(),
        keepers: anchoring.keepers.clone(),
        variables: variables(&session.invocation),
    };
    checkpoint::take(at, &plan)
}

/// The caller's variables that the tools need: where their own files and agents are.
pub(crate) fn variables(invocation: &Invocation) -> Vec<(String, String)> {
    let wanted = |name: &str| {
        matches!(name, "HOME" | "USER" | "SSH_AUTH_SOCK" | "XDG_CONFIG_HOME")
            || name.starts_with("PG")
    };
    let entries = invocation
        .environ
        .iter()
        .filter_map(|e| e.to_str()?.split_once('='));
    entries
        .filter(|(name, _)| wanted(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
