//! Resolvers of the databases' own clients, one file a client.

pub mod debian;
mod mysql;
mod postgres;

use super::Resolver;

/// The resolvers of this room by their catalogue name.
pub(super) const RESOLVERS: &[(&str, Resolver)] =
    &[("libpq", postgres::resolve), ("mysql", mysql::resolve)];
