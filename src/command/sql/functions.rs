//! What calling a function in a query can do.

use std::collections::HashSet;
use std::sync::OnceLock;

use super::Dialect;
use crate::command::Effect;

/// Functions of the servers themselves that only compute or read, one a line (PostgreSQL 15,
/// MariaDB 10.11 and SQLite 3.40 were asked for theirs).
const HARMLESS: &str = include_str!("harmless-functions.txt");

/// Beginnings of names of functions that only compute or read.
const HARMLESS_FAMILIES: &[&str] = &["st_", "json_", "jsonb_", "pg_stat_get_", "pg_get_", "inet"];

/// Functions known to do more than read. A `*` ends a beginning.
const HARMFUL: &[(&str, Effect, &str)] = &[
    ("pg_terminate_backend", Effect::Stops, "ends other sessions"),
    (
        "pg_cancel_backend",
        Effect::Stops,
        "stops other sessions' queries",
    ),
    ("pg_promote", Effect::Stops, "promotes a standby"),
    ("pg_wal_replay_pause", Effect::Stops, "stops replication"),
    ("pg_switch_wal", Effect::Writes, "closes a WAL segment"),
    (
        "pg_reload_conf",
        Effect::Writes,
        "reloads the server's configuration",
    ),
    (
        "pg_drop_replication_slot",
        Effect::Destroys,
        "drops a replication slot",
    ),
    ("lo_unlink", Effect::Destroys, "deletes a large object"),
    ("lo_truncate*", Effect::Destroys, "cuts a large object"),
    ("lo_*", Effect::Writes, "writes a large object"),
    ("lowrite", Effect::Writes, "writes a large object"),
    ("pg_file_*", Effect::Destroys, "changes files of the server"),
    ("pg_stat_reset*", Effect::Writes, "resets statistics"),
    ("pg_create_*", Effect::Writes, "creates replication state"),
    (
        "pg_replication_*",
        Effect::Writes,
        "changes replication state",
    ),
    (
        "pg_logical_slot_get*",
        Effect::Writes,
        "consumes a replication slot",
    ),
    ("pg_notify", Effect::Writes, "sends a notification"),
    ("nextval", Effect::Writes, "moves a sequence"),
    ("setval", Effect::Writes, "moves a sequence"),
    ("dblink*", Effect::Opaque, "reaches another server"),
    ("query_to_xml*", Effect::Opaque, "runs SQL from a text"),
    ("cursor_to_xml*", Effect::Opaque, "runs SQL from a text"),
    ("crosstab*", Effect::Opaque, "runs SQL from a text"),
    ("ts_stat", Effect::Opaque, "runs SQL from a text"),
    ("load_extension", Effect::Opaque, "loads a library"),
    ("edit", Effect::Opaque, "starts an editor"),
    ("writefile", Effect::Destroys, "overwrites a file"),
    ("load_file", Effect::Opaque, "reads files of the server"),
    ("sys_exec", Effect::Opaque, "runs a program"),
    ("sys_eval", Effect::Opaque, "runs a program"),
    ("xp_*", Effect::Opaque, "runs programs"),
    ("openrowset", Effect::Opaque, "reaches another server"),
    ("openquery", Effect::Opaque, "reaches another server"),
    ("opendatasource", Effect::Opaque, "reaches another server"),
    ("remote", Effect::Opaque, "reaches another server"),
    ("remotesecure", Effect::Opaque, "reaches another server"),
    ("mysql", Effect::Opaque, "reaches another server"),
    ("postgresql", Effect::Opaque, "reaches another server"),
    ("mongodb", Effect::Opaque, "reaches another server"),
    ("executable", Effect::Opaque, "runs a program"),
    ("url", Effect::Opaque, "reaches another server"),
];

/// What a call of that function is known to do; `None` where it is not known to be harmful.
pub(super) fn harmful(name: &str) -> Option<(Effect, &'static str)> {
    HARMFUL
        .iter()
        .find(|(known, _, _)| match known.strip_suffix('*') {
            Some(start) => name
                .get(..start.len())
                .is_some_and(|s| s.eq_ignore_ascii_case(start)),
            None => name.eq_ignore_ascii_case(known),
        })
        .map(|(_, effect, why)| (*effect, *why))
}

/// Whether a call of that function is known to change nothing. In dialects whose own functions
/// cannot change data every function that is not known to be harmful is.
pub(super) fn harmless(name: &str, dialect: Dialect) -> bool {
    static SET: OnceLock<HashSet<&'static str>> = OnceLock::new();
    if matches!(dialect, Dialect::Sqlserver | Dialect::Clickhouse) {
        return true;
    }
    let lower = name.to_ascii_lowercase();
    HARMLESS_FAMILIES.iter().any(|f| lower.starts_with(f))
        || SET
            .get_or_init(|| HARMLESS.split_ascii_whitespace().collect())
            .contains(lower.as_str())
}

/// Words before a parenthesis that are no functions.
const NO_FUNCTIONS: &[&str] = &[
    "ALL",
    "AND",
    "ANY",
    "ARRAY",
    "AS",
    "BETWEEN",
    "BIT",
    "BLOB",
    "BY",
    "CASE",
    "CHAR",
    "CHECK",
    "CUBE",
    "DATETIME",
    "DECIMAL",
    "DISTINCT",
    "ELSE",
    "EXCEPT",
    "EXISTS",
    "FETCH",
    "FILTER",
    "FLOAT",
    "FROM",
    "GROUP",
    "HAVING",
    "IN",
    "INTERSECT",
    "INTO",
    "IS",
    "JOIN",
    "KEY",
    "LATERAL",
    "LIKE",
    "LIMIT",
    "MATERIALIZED",
    "MINUS",
    "NOT",
    "NULLS",
    "NUMERIC",
    "OF",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OVER",
    "PARTITION",
    "PRIMARY",
    "RECURSIVE",
    "REFERENCES",
    "RETURNING",
    "ROLLUP",
    "ROW",
    "ROWS",
    "SELECT",
    "SET",
    "SETS",
    "SIMILAR",
    "SOME",
    "TABLE",
    "TABLESAMPLE",
    "THEN",
    "TIME",
    "TIMESTAMP",
    "TOP",
    "UNION",
    "UNIQUE",
    "USING",
    "VALUES",
    "VARCHAR",
    "VARBINARY",
    "NVARCHAR",
    "BINARY",
    "WHEN",
    "WHERE",
    "WINDOW",
    "WITH",
    "WITHIN",
    "EXPLAIN",
    "ILIKE",
    "GROUPING",
    "INDEX",
    "FORCE",
    "IGNORE",
    "USE",
    "ESCAPE",
    "RANGE",
    "BERNOULLI",
    "SYSTEM",
];

/// Whether a word before a parenthesis is a keyword, not a function.
pub(super) fn is_keyword(word: &str) -> bool {
    NO_FUNCTIONS.iter().any(|k| word.eq_ignore_ascii_case(k))
}
