//! Readers of the databases' own clients, one file a client.

mod libpq;
mod mongo;
mod mysql;
mod others;
mod redis;
mod scripts;
mod sqlite;

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
        "sqlite3" => Some(sqlite::read(tool, step, world)),
        "redis-cli" => Some(redis::read(tool, step, world)),
        "mongo" => Some(mongo::read(tool, step, world)),
        "sqlcmd" => Some(others::sqlcmd(tool, step, world)),
        "clickhouse" => Some(others::clickhouse(tool, step, world)),
        "query" => Some(others::query(tool, step, world)),
        _ => None,
    }
}
