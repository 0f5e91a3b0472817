//! Readers of the databases' own clients, one file a client.

mod libpq;
mod mysql;
mod scripts;

use crate::command::{Reading, Step, Tool, World};

/// Judges a step of a client; `None` where the reader is none of this room.
pub(super) fn read(
    reader: &str,
    tool: &'static Tool,
    step: &Step,
    world: &World<'_>,
) -> Option<Reading> {
    match reader {
        "libpq" => Some(libpq::read(tool, step, world)),
        "mysql" => Some(mysql::read(tool, step, world)),
        _ => None,
    }
}
