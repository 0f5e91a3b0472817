//! The journal: what tagout writes down about every call, and how it stays believable.
//!
//! One JSON object a line, appended and never rewritten, each line holding the SHA-256 of the one
//! before. `docs/journal.md` is the format.

pub mod checkpoint;
mod entry;
mod facts;
pub(crate) mod fields;
pub mod follow;
mod from_plan;
mod gates;
mod id;
mod journal;
mod json;
pub mod line;
pub mod query;
pub mod read;
pub mod redact;
pub mod shipped;
pub mod stats;
mod time;
pub mod verify;

pub use entry::{Entry, Phase};
pub use facts::{
    ActionFact, Ending, FenceFact, FieldFact, GapFact, GateFact, NamesFact, Observed, Outcome,
    ProcessFact, ProfileFact, Run, TargetFact, Usage,
};
pub use from_plan::{Surroundings, from_plan};
pub use id::RecordId;
pub use journal::{Appended, Durability, Journal, JournalError, Location};
pub use time::{parse_rfc3339, rfc3339, rfc3339_local};

/// Bytes as lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| DIGITS.get(usize::from(n)).copied().unwrap_or(b'0');
    let mut text = Vec::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    String::from_utf8(text).unwrap_or_default()
}
