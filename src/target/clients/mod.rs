//! Resolvers of the databases' own clients, one file a client.

pub mod debian;
pub(in crate::target) mod mongo;
mod mysql;
mod others;
mod postgres;
mod redis;
mod sqlite;

use super::Resolver;

/// The resolvers of this room by their catalogue name.
pub(super) const RESOLVERS: &[(&str, Resolver)] = &[
    ("libpq", postgres::resolve),
    ("mysql", mysql::resolve),
    ("sqlite3", sqlite::resolve),
    ("redis-cli", redis::resolve),
    ("mongo", mongo::resolve),
    ("sqlcmd", others::sqlcmd),
    ("clickhouse", others::clickhouse),
];
