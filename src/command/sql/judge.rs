//! One statement: what it does, by its first word and by everything inside it.

use std::borrow::Cow;

use super::functions;
use super::lex::{Kind, Token};
use super::{Dialect, SqlReading};
use crate::command::{Effect, Reach};

/// What a statement is and does.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) name: Cow<'static, str>,
    pub(super) effect: Effect,
    pub(super) why: Cow<'static, str>,
}

impl Finding {
    fn new(
        name: impl Into<Cow<'static, str>>,
        effect: Effect,
        why: impl Into<Cow<'static, str>>,
    ) -> Self {
        Finding {
            name: name.into(),
            effect,
            why: why.into(),
        }
    }

    fn worse(self, other: Finding) -> Finding {
        if other.effect > self.effect {
            other
        } else {
            self
        }
    }
}

/// How deep statements may stand inside statements.
const MAX_DEPTH: usize = 8;

/// Judges one statement; what it leads to is added to `out`.
pub(super) fn statement(tokens: &[Token<'_>], dialect: Dialect, out: &mut SqlReading) -> Finding {
    if tokens.iter().any(|t| t.kind == Kind::Broken) {
        return Finding::new("SQL", Effect::Opaque, "a quote or comment does not end");
    }
    let mut judge = Judge { dialect, out };
    let found = judge.classify(tokens, 0);
    judge.names(tokens);
    let found = if found.effect >= Effect::Opaque {
        found
    } else {
        found.worse(judge.variables(tokens))
    };
    found.worse(judge.lexing(tokens))
}

struct Judge<'r> {
    dialect: Dialect,
    out: &'r mut SqlReading,
}

/// Words that change or destroy something wherever they stand in a query.
const VERBS: &[&str] = &[
    "INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "DROP", "ALTER", "CREATE", "REPLACE",
    "INTO", "GRANT", "REVOKE", "CALL", "EXECUTE", "EXEC",
];

/// Further statement verbs of SQL Server, whose statements need nothing between them.
const SQLSERVER_VERBS: &[&str] = &[
    "KILL",
    "SHUTDOWN",
    "RESTORE",
    "BACKUP",
    "DBCC",
    "DENY",
    "DISABLE",
    "ENABLE",
    "RECONFIGURE",
    "BULK",
    "WRITETEXT",
    "UPDATETEXT",
    "SETUSER",
    "REVERT",
];

impl Judge<'_> {
    fn classify(&mut self, tokens: &[Token<'_>], depth: usize) -> Finding {
        let Some(first) = tokens.first() else {
            return Finding::new("empty", Effect::None, "");
        };
        if depth > MAX_DEPTH {
            return Finding::new("SQL", Effect::Opaque, "statements nested too deep");
        }
        if first.symbol('(') {
            let inner = tokens.iter().find(|t| !t.symbol('('));
            return match inner {
                Some(t) if t.is_any(&["SELECT", "WITH", "VALUES", "TABLE"]) => {
                    self.query(tokens, "SELECT", depth)
                }
                _ => unknown(first),
            };
        }
        if first.kind != Kind::Word {
            return unknown(first);
        }
        let head = first.text.to_ascii_uppercase();
        let second = tokens.get(1);
        let found = match head.as_str() {
            "SELECT" | "WITH" | "VALUES" => self.query(tokens, "SELECT", depth),
            "TABLE" => self.query(tokens, "TABLE", depth),
            "EXPLAIN" | "DESCRIBE" | "DESC" | "ANALYZE" | "ANALYSE" => {
                self.explain(tokens, &head, depth)
            }
            "SHOW" | "HELP" | "EXISTS" | "PRINT" | "LISTEN" | "UNLISTEN" | "DISCARD" | "CLOSE"
            | "FETCH" | "MOVE" | "DEALLOCATE" | "CHECKSUM" | "SAVEPOINT" | "RELEASE" | "COMMIT"
            | "ROLLBACK" | "ABORT" | "END" | "UNLOCK" | "RESIGNAL" | "SIGNAL" => {
                self.harmful_only(tokens, Finding::new(head, Effect::Reads, ""))
            }
            "BEGIN" | "START" => self.begin(tokens, head),
            "SET" | "RESET" => self.set(tokens, depth),
            "USE" => {
                self.reach_database(second);
                Finding::new("USE", Effect::Reads, "")
            }
            "DECLARE" if self.dialect == Dialect::Postgres => self.query(tokens, "DECLARE", depth),
            "PRAGMA" => pragma(tokens),
            "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "REPLACE" | "UPSERT" => {
                self.dml(tokens, depth)
            }
            "CREATE" => self.create(tokens, depth),
            "DROP" => self.drop(tokens),
            "ALTER" => self.alter(tokens),
            "TRUNCATE" => Finding::new("TRUNCATE", Effect::Destroys, "empties the table"),
            "COPY" => self.copy(tokens, depth),
            "LOAD" => self.load(tokens),
            "ATTACH" => self.attach(tokens),
            "DETACH" => detach(tokens, self.dialect),
            "RENAME" | "EXCHANGE" => {
                Finding::new(head, Effect::Destroys, "tables change their names")
            }
            "VACUUM" => self.vacuum(tokens),
            "REINDEX" | "CLUSTER" | "REFRESH" | "CHECKPOINT" | "NOTIFY" | "OPTIMIZE" | "REPAIR"
            | "LOCK" | "CACHE" | "XA" | "BACKUP" | "CHECK"
                if !second.is_some_and(|s| s.is("INSTANCE")) =>
            {
                Finding::new(head, Effect::Writes, "")
            }
            "COMMENT" | "GRANT" | "REVOKE" | "SECURITY" | "IMPORT" | "DENY" => {
                Finding::new(head, Effect::ChangesSchema, "")
            }
            "REASSIGN" => Finding::new("REASSIGN OWNED", Effect::Destroys, "changes owners"),
            "FLUSH" if any(tokens, &["LOCK", "EXPORT"]) => Finding::new(
                "FLUSH TABLES WITH READ LOCK",
                Effect::Stops,
                "stops all writes",
            ),
            "FLUSH" => Finding::new("FLUSH", Effect::Writes, ""),
            "KILL" | "SHUTDOWN" | "STOP" | "CHANGE" | "LOCK" => Finding::new(
                head,
                Effect::Stops,
                "stops sessions, replication or the server",
            ),
            "SYSTEM" => system(tokens),
            "PURGE" | "CLONE" | "UNDROP" => Finding::new(head, Effect::Destroys, ""),
            "RESTORE" => restore(tokens),
            "DBCC"
                if second.is_some_and(|s| {
                    s.is_any(&[
                        "CHECKDB",
                        "CHECKTABLE",
                        "SHOWCONTIG",
                        "INPUTBUFFER",
                        "OPENTRAN",
                    ])
                }) =>
            {
                Finding::new("DBCC", Effect::Reads, "")
            }
            "EXEC" | "EXECUTE" if self.dialect == Dialect::Sqlserver => exec(tokens),
            "CALL" | "DO" | "EXECUTE" | "PREPARE" | "EXEC" => {
                Finding::new(head, Effect::Opaque, "runs code that cannot be seen here")
            }
            "GO" | "RETURN" | "IF" | "WHILE" | "ELSE" | "DECLARE" | "THROW" | "WAITFOR"
                if self.dialect == Dialect::Sqlserver =>
            {
                self.query(tokens, "batch", depth)
            }
            _ => unknown(first),
        };
        if self.dialect == Dialect::Sqlserver && depth == 0 {
            return self.batch(tokens, found, depth);
        }
        found
    }

    /// SQL Server: every verb may start a further statement.
    fn batch(&mut self, tokens: &[Token<'_>], first: Finding, depth: usize) -> Finding {
        let mut found = first;
        let mut budget = 64usize;
        for (at, token) in tokens.iter().enumerate().skip(1) {
            let verb = token.is_any(SQLSERVER_VERBS)
                || (token.is_any(VERBS) && !token.is("INTO"))
                || token.is("SET");
            let named = at > 0
                && tokens
                    .get(at - 1)
                    .is_some_and(|t| t.symbol('.') || t.is("AS"));
            let part_of_first = tokens.first().is_some_and(|t| {
                t.is_any(&[
                    "UPDATE", "ALTER", "MERGE", "CREATE", "GRANT", "DENY", "REVOKE", "SET",
                ])
            }) && token
                .is_any(&["SET", "UPDATE", "DELETE", "INSERT", "ALTER", "EXECUTE"]);
            if !verb || named || part_of_first || follows_function(tokens, at) {
                continue;
            }
            budget = match budget.checked_sub(1) {
                Some(left) => left,
                None => {
                    return found.worse(Finding::new(
                        "batch",
                        Effect::Opaque,
                        "too many statements",
                    ));
                }
            };
            let inner = self.classify(&tokens[at..], depth + 1);
            found = found.worse(inner);
        }
        found
    }

    /// A query: reads, unless something inside it does more.
    fn query(&mut self, tokens: &[Token<'_>], name: &'static str, depth: usize) -> Finding {
        let mut found = Finding::new(name, Effect::Reads, "");
        let mut taken = 0usize;
        for (at, token) in tokens.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|b| tokens.get(b));
            let after = tokens.get(at + 1);
            let called = after.is_some_and(|t| t.symbol('('));
            let qualified = before.is_some_and(|t| t.symbol('.'));
            if token.is_any(VERBS) && !qualified {
                if at < taken || at == 0 {
                    continue;
                }
                let (inner, used) = self.verb_inside(tokens, at, depth);
                taken = taken.max(at + used);
                found = found.worse(inner);
                if !called {
                    continue;
                }
            }
            if called && token.is_name() {
                found = found.worse(self.call(tokens, at));
            }
        }
        found
    }

    /// A verb inside a query: a data-modifying part, a clause, or a name.
    fn verb_inside(&mut self, tokens: &[Token<'_>], at: usize, depth: usize) -> (Finding, usize) {
        let token = tokens[at];
        let before = at.checked_sub(1).and_then(|b| tokens.get(b));
        let after = tokens.get(at + 1);
        let nothing = (Finding::new("SELECT", Effect::Reads, ""), 0);
        if token.is("INTO") {
            return (self.clause_of_into(after), 0);
        }
        if token.is("UPDATE") && before.is_some_and(|t| t.is_any(&["FOR", "KEY"])) {
            return (
                Finding::new("SELECT FOR UPDATE", Effect::Writes, "locks rows"),
                0,
            );
        }
        if before.is_some_and(|t| t.is("AS")) {
            return nothing;
        }
        if after.is_some_and(|t| t.symbol('(')) && token.is_any(&["REPLACE", "INSERT", "TRUNCATE"])
        {
            return nothing;
        }
        let starts = before.is_none_or(|t| t.symbol('(') || t.symbol(')') || t.symbol('@'))
            || self.dialect == Dialect::Sqlserver;
        if !starts {
            let why = format!("the word `{}` stands inside a query", token.text);
            return (Finding::new("SELECT", Effect::Opaque, why), 0);
        }
        let part = enclosed(&tokens[at..]);
        let found = self.classify(part, depth + 1);
        (found, part.len())
    }

    fn clause_of_into(&self, after: Option<&Token<'_>>) -> Finding {
        match after {
            Some(t) if t.is_any(&["OUTFILE", "DUMPFILE"]) => Finding::new(
                "SELECT INTO OUTFILE",
                Effect::Writes,
                "writes a file of the server",
            ),
            Some(t) if t.symbol('@') => Finding::new("SELECT", Effect::Reads, ""),
            _ => Finding::new("SELECT INTO", Effect::ChangesSchema, "creates a table"),
        }
    }

    /// A function call at `at`.
    fn call(&mut self, tokens: &[Token<'_>], at: usize) -> Finding {
        let token = tokens[at];
        let name = token.unquoted();
        let nothing = Finding::new("SELECT", Effect::Reads, "");
        if token.kind == Kind::Word && functions::is_keyword(&name) {
            return nothing;
        }
        let before = at.checked_sub(1).and_then(|b| tokens.get(b));
        if let Some((effect, why)) = functions::harmful(&name) {
            self.file_argument(&name, tokens.get(at + 2), tokens.get(at + 3));
            return Finding::new(format!("{}()", name.to_ascii_lowercase()), effect, why);
        }
        if name.eq_ignore_ascii_case("set_config") {
            let lexing = tokens.get(at + 2).is_some_and(|t| {
                let name = t.unquoted().to_ascii_lowercase();
                name.contains("conforming") || name.contains("backslash") || t.kind != Kind::Text
            });
            if lexing {
                return Finding::new(
                    "set_config()",
                    Effect::Opaque,
                    "may change how quotes are read",
                );
            }
        }
        // `) v(a, b)`, `AS v(a, b)`, `WITH v(a, b) AS`: names of a result, not calls.
        let alias = before.is_some_and(|t| {
            t.symbol(')') || t.is_any(&["AS", "WITH", "RECURSIVE", "INTO", "TABLE", "REFERENCES"])
        }) || closes_before_as(tokens, at + 1);
        if alias {
            return nothing;
        }
        let foreign = before.is_some_and(|t| t.symbol('.'))
            && at
                .checked_sub(2)
                .and_then(|b| tokens.get(b))
                .is_none_or(|t| !t.unquoted().eq_ignore_ascii_case("pg_catalog"))
            && !matches!(self.dialect, Dialect::Sqlserver | Dialect::Clickhouse);
        if foreign || !functions::harmless(&name, self.dialect) {
            let why = format!("calls {name}(), and what that does cannot be seen here");
            return Finding::new("SELECT", Effect::Opaque, why);
        }
        nothing
    }

    /// `writefile('x.db', ...)` reaches that file.
    fn file_argument(&mut self, name: &str, arg: Option<&Token<'_>>, next: Option<&Token<'_>>) {
        if !name.eq_ignore_ascii_case("writefile") {
            return;
        }
        let reach = match arg {
            Some(t) if t.kind == Kind::Text && next.is_some_and(|n| n.symbol(',')) => {
                Reach::Connection(t.unquoted())
            }
            _ => Reach::Unknown("writefile() overwrites a file that is not named literally".into()),
        };
        self.out.reach(reach);
    }

    /// Only functions known to be harmful count.
    fn harmful_only(&mut self, tokens: &[Token<'_>], base: Finding) -> Finding {
        let mut found = base;
        for (at, token) in tokens.iter().enumerate() {
            if token.is_name()
                && tokens.get(at + 1).is_some_and(|t| t.symbol('('))
                && let Some((effect, why)) = functions::harmful(&token.unquoted())
            {
                let name = format!("{}()", token.unquoted().to_ascii_lowercase());
                found = found.worse(Finding::new(name, effect, why));
            }
        }
        found
    }

    fn explain(&mut self, tokens: &[Token<'_>], head: &str, depth: usize) -> Finding {
        let mut at = 1;
        let mut runs = head == "ANALYZE" && self.dialect == Dialect::Mysql;
        if head.starts_with("ANALY") && !runs {
            return Finding::new("ANALYZE", Effect::Writes, "");
        }
        if tokens.get(at).is_some_and(|t| t.symbol('(')) {
            let options = enclosed(&tokens[at + 1..]);
            runs |= options.iter().any(|t| t.is_any(&["ANALYZE", "ANALYSE"]));
            at += options.len() + 2;
        }
        while let Some(token) = tokens.get(at) {
            if token.is_any(&["ANALYZE", "ANALYSE"]) {
                runs = true;
            } else if token.is("FORMAT") && tokens.get(at + 1).is_some_and(|t| t.symbol('=')) {
                at += 2;
            } else if !token.is_any(&[
                "VERBOSE",
                "EXTENDED",
                "PARTITIONS",
                "QUERY",
                "PLAN",
                "PIPELINE",
                "SYNTAX",
                "AST",
                "ESTIMATE",
            ]) {
                break;
            }
            at += 1;
        }
        let rest = tokens.get(at..).unwrap_or_default();
        if !runs {
            return Finding::new("EXPLAIN", Effect::Reads, "");
        }
        if rest
            .first()
            .is_some_and(|t| t.is_any(&["TABLE", "LOCAL", "NO_WRITE_TO_BINLOG"]))
        {
            return Finding::new("ANALYZE TABLE", Effect::Writes, "");
        }
        let inner = self.classify(rest, depth + 1);
        if inner.effect <= Effect::Reads {
            return Finding::new("EXPLAIN ANALYZE", inner.effect, "");
        }
        let why = format!("EXPLAIN ANALYZE runs the statement: {}", inner.why);
        Finding::new(inner.name, inner.effect, why)
    }

    fn begin(&mut self, tokens: &[Token<'_>], head: String) -> Finding {
        let second = tokens.get(1);
        if second.is_some_and(|t| t.is_any(&["SLAVE", "REPLICA", "GROUP_REPLICATION", "ALL"])) {
            return Finding::new("START REPLICA", Effect::Stops, "changes replication");
        }
        let plain = tokens.iter().skip(1).all(|t| {
            t.symbol(',')
                || t.is_any(&[
                    "TRANSACTION",
                    "WORK",
                    "TRAN",
                    "READ",
                    "ONLY",
                    "WRITE",
                    "ISOLATION",
                    "LEVEL",
                    "SERIALIZABLE",
                    "REPEATABLE",
                    "COMMITTED",
                    "UNCOMMITTED",
                    "DEFERRABLE",
                    "NOT",
                    "DEFERRED",
                    "IMMEDIATE",
                    "EXCLUSIVE",
                    "CONSISTENT",
                    "SNAPSHOT",
                    "WITH",
                    "CONCURRENT",
                ])
        }) && !any(tokens, &["ATOMIC"]);
        if plain {
            return Finding::new(head, Effect::Reads, "");
        }
        if self.dialect == Dialect::Sqlserver {
            return self.query(tokens, "batch", 0);
        }
        Finding::new(head, Effect::Opaque, "a block of code")
    }

    fn set(&mut self, tokens: &[Token<'_>], depth: usize) -> Finding {
        if tokens.first().is_some_and(|t| t.is("RESET")) {
            let mysql = self.dialect == Dialect::Mysql;
            return match tokens.get(1) {
                Some(t)
                    if mysql && t.is_any(&["MASTER", "SLAVE", "REPLICA", "BINARY", "PERSIST"]) =>
                {
                    Finding::new(
                        "RESET MASTER",
                        Effect::Destroys,
                        "deletes binary logs or replication state",
                    )
                }
                _ => Finding::new("RESET", Effect::Reads, ""),
            };
        }
        if tokens.get(1).is_some_and(|t| t.is("STATEMENT")) {
            return match tokens.iter().position(|t| t.is("FOR")) {
                Some(at) => self.classify(&tokens[at + 1..], depth + 1),
                None => Finding::new("SET STATEMENT", Effect::Opaque, "no statement in it"),
            };
        }
        if tokens.get(1).is_some_and(|t| t.is("PASSWORD")) {
            return Finding::new("SET PASSWORD", Effect::ChangesSchema, "");
        }
        let global = any(tokens, &["GLOBAL", "PERSIST", "PERSIST_ONLY"]);
        if global && any(tokens, &["READ_ONLY", "SUPER_READ_ONLY", "OFFLINE_MODE"]) {
            return Finding::new(
                "SET GLOBAL read_only",
                Effect::Destroys,
                "lets a replica be written, or stops writes",
            );
        }
        if global && self.dialect == Dialect::Mysql {
            return Finding::new(
                "SET GLOBAL",
                Effect::Writes,
                "changes the server for everyone",
            );
        }
        self.query(tokens, "SET", depth)
    }

    fn dml(&mut self, tokens: &[Token<'_>], depth: usize) -> Finding {
        let tokens = enclosed(tokens);
        let Some(first) = tokens.first() else {
            return Finding::new("SQL", Effect::Opaque, "");
        };
        if first.is("REPLACE") {
            return Finding::new("REPLACE", Effect::Destroys, "replaces rows that are there");
        }
        let inner = self.nested_dml(tokens, depth);
        let own = match first.text.to_ascii_uppercase().as_str() {
            "INSERT" if tokens.iter().take(4).any(|t| t.is("OVERWRITE")) => Finding::new(
                "INSERT OVERWRITE",
                Effect::Destroys,
                "replaces what is there",
            ),
            "INSERT"
                if tokens.get(1).is_some_and(|t| t.is("OR"))
                    && tokens.get(2).is_some_and(|t| t.is("REPLACE")) =>
            {
                Finding::new(
                    "INSERT OR REPLACE",
                    Effect::Destroys,
                    "replaces rows that are there",
                )
            }
            "INSERT" | "UPSERT" => Finding::new("INSERT", Effect::Writes, ""),
            "MERGE" if any(tokens, &["DELETE"]) && !has_column_condition(tokens) => {
                Finding::new("MERGE", Effect::Destroys, "deletes without a condition")
            }
            "MERGE" => Finding::new("MERGE", Effect::Writes, ""),
            "DELETE" if self.multi_table(tokens) => {
                Finding::new("DELETE", Effect::Destroys, "deletes from several tables")
            }
            verb => {
                let name = if verb == "DELETE" { "DELETE" } else { "UPDATE" };
                match condition(tokens) {
                    None => Finding::new(name, Effect::Destroys, "no WHERE: all rows"),
                    Some(c) if !restricts(c, self.dialect, 0) => {
                        Finding::new(name, Effect::Destroys, "the WHERE holds for all rows")
                    }
                    Some(_) => Finding::new(name, Effect::Writes, ""),
                }
            }
        };
        let own = self.harmful_only(tokens, own);
        own.worse(inner)
    }

    /// Data-modifying parts inside a data-modifying statement.
    fn nested_dml(&mut self, tokens: &[Token<'_>], depth: usize) -> Finding {
        let mut found = Finding::new("", Effect::None, "");
        let mut taken = 0usize;
        for at in 1..tokens.len() {
            let starts = tokens[at - 1].symbol('(');
            if at >= taken
                && starts
                && tokens[at].is_any(&["INSERT", "UPDATE", "DELETE", "MERGE"])
                && !tokens
                    .get(at + 1)
                    .is_some_and(|t| t.symbol('(') || t.symbol(','))
            {
                let part = enclosed(&tokens[at..]);
                taken = at + part.len();
                found = found.worse(self.classify(part, depth + 1));
            }
        }
        found
    }

    fn multi_table(&self, tokens: &[Token<'_>]) -> bool {
        if self.dialect != Dialect::Mysql {
            return false;
        }
        let mut at = 1;
        while tokens
            .get(at)
            .is_some_and(|t| t.is_any(&["LOW_PRIORITY", "QUICK", "IGNORE", "HISTORY"]))
        {
            at += 1;
        }
        !tokens.get(at).is_some_and(|t| t.is("FROM")) || any(tokens, &["USING"])
    }

    fn create(&mut self, tokens: &[Token<'_>], depth: usize) -> Finding {
        let mut at = 1;
        let mut replace = false;
        let mut temporary = false;
        while let Some(token) = tokens.get(at) {
            if token.is("REPLACE") {
                replace = true;
            } else if token.is_any(&["TEMP", "TEMPORARY"]) {
                temporary = true;
            } else if !token.is_any(&[
                "OR",
                "GLOBAL",
                "LOCAL",
                "UNLOGGED",
                "UNIQUE",
                "MATERIALIZED",
                "FOREIGN",
                "DEFINER",
                "EXTERNAL",
                "RECURSIVE",
                "VIRTUAL",
                "ALTER",
                "COLUMNSTORE",
                "CLUSTERED",
                "NONCLUSTERED",
                "FULLTEXT",
                "SPATIAL",
                "ONLINE",
                "OFFLINE",
                "TRUSTED",
                "PROCEDURAL",
            ]) {
                break;
            }
            at += 1;
        }
        let what = tokens.get(at);
        let kind = what.map_or(String::new(), |t| t.text.to_ascii_uppercase());
        match kind.as_str() {
            "TABLE" if replace => Finding::new(
                "CREATE OR REPLACE TABLE",
                Effect::Destroys,
                "replaces the table",
            ),
            "TABLE" => {
                let (name, effect) = if temporary {
                    ("CREATE TEMPORARY TABLE", Effect::Writes)
                } else {
                    ("CREATE TABLE", Effect::ChangesSchema)
                };
                let inner = self.nested_dml(tokens, depth);
                self.harmful_only(tokens, Finding::new(name, effect, ""))
                    .worse(inner)
            }
            "DATABASE" | "SCHEMA" => {
                if kind == "DATABASE" || self.dialect == Dialect::Mysql {
                    self.reach_database(name_after(tokens, at + 1));
                }
                let effect = if replace {
                    Effect::Destroys
                } else {
                    Effect::ChangesSchema
                };
                Finding::new(format!("CREATE {kind}"), effect, "")
            }
            "EVENT" => Finding::new("CREATE EVENT", Effect::Opaque, "code that runs later"),
            _ => {
                let name = if kind.chars().all(|c| c.is_ascii_uppercase()) && kind.len() < 24 {
                    format!("CREATE {kind}")
                } else {
                    "CREATE".to_owned()
                };
                self.harmful_only(tokens, Finding::new(name, Effect::ChangesSchema, ""))
            }
        }
    }

    fn drop(&mut self, tokens: &[Token<'_>]) -> Finding {
        let mut at = 1;
        while tokens.get(at).is_some_and(|t| {
            t.is_any(&[
                "MATERIALIZED",
                "FOREIGN",
                "PROCEDURAL",
                "ACCESS",
                "EVENT",
                "TEXT",
                "SEARCH",
                "USER",
            ]) && tokens.get(at + 1).is_some_and(|n| {
                n.is_any(&[
                    "VIEW",
                    "TABLE",
                    "LANGUAGE",
                    "METHOD",
                    "TRIGGER",
                    "SEARCH",
                    "CONFIGURATION",
                    "DICTIONARY",
                    "PARSER",
                    "TEMPLATE",
                    "DATA",
                    "MAPPING",
                ])
            })
        }) {
            at += 1;
        }
        let kind = tokens
            .get(at)
            .map_or(String::new(), |t| t.text.to_ascii_uppercase());
        if kind == "DATABASE" || (kind == "SCHEMA" && self.dialect == Dialect::Mysql) {
            self.reach_database(name_after(tokens, at + 1));
        }
        if kind == "TEMPORARY" {
            return Finding::new("DROP TEMPORARY TABLE", Effect::Writes, "");
        }
        if kind == "PREPARE" {
            return Finding::new("DROP PREPARE", Effect::Reads, "");
        }
        let name = if kind.len() < 24 && kind.bytes().all(|b| b.is_ascii_uppercase()) {
            format!("DROP {kind}")
        } else {
            "DROP".to_owned()
        };
        let materialized = at > 1 && tokens.get(1).is_some_and(|t| t.is("MATERIALIZED"));
        let light = matches!(
            kind.as_str(),
            "INDEX"
                | "FUNCTION"
                | "PROCEDURE"
                | "ROUTINE"
                | "TRIGGER"
                | "RULE"
                | "POLICY"
                | "AGGREGATE"
                | "OPERATOR"
                | "CAST"
                | "COLLATION"
                | "CONVERSION"
                | "STATISTICS"
                | "VIEW"
                | "SYNONYM"
                | "STATS"
        ) && !any(tokens, &["CASCADE"])
            && !materialized
            && (self.dialect != Dialect::Mysql
                || matches!(kind.as_str(), "INDEX" | "TRIGGER" | "FUNCTION"));
        let effect = if light {
            Effect::ChangesSchema
        } else {
            Effect::Destroys
        };
        Finding::new(name, effect, "")
    }

    fn alter(&mut self, tokens: &[Token<'_>]) -> Finding {
        let kind = tokens
            .get(1)
            .map_or(String::new(), |t| t.text.to_ascii_uppercase());
        let known = kind.len() < 24 && kind.bytes().all(|b| b.is_ascii_uppercase());
        let name = if known {
            format!("ALTER {kind}")
        } else {
            "ALTER".to_owned()
        };
        if kind == "DATABASE" {
            self.reach_database(name_after(tokens, 2));
            if any(
                tokens,
                &[
                    "OFFLINE",
                    "SINGLE_USER",
                    "RESTRICTED_USER",
                    "EMERGENCY",
                    "FAILOVER",
                ],
            ) {
                return Finding::new(
                    name,
                    Effect::Stops,
                    "takes the database away from its users",
                );
            }
            if any(tokens, &["RENAME", "TABLESPACE", "REMOVE"]) {
                return Finding::new(name, Effect::Destroys, "moves or renames the database");
            }
        }
        if kind == "SYSTEM" {
            return Finding::new(name, Effect::Destroys, "changes the whole server");
        }
        if matches!(kind.as_str(), "USER" | "LOGIN") && self.dialect == Dialect::Mysql {
            return Finding::new(name, Effect::Destroys, "may lock users out");
        }
        if kind == "AVAILABILITY" {
            return Finding::new(name, Effect::Stops, "");
        }
        match self.alter_destroys(tokens, &kind) {
            Some(why) => Finding::new(name, Effect::Destroys, why),
            None => Finding::new(name, Effect::ChangesSchema, ""),
        }
    }

    fn alter_destroys(&self, tokens: &[Token<'_>], kind: &str) -> Option<&'static str> {
        for (at, token) in tokens.iter().enumerate().skip(2) {
            if token.kind != Kind::Word || tokens.get(at - 1).is_some_and(|t| t.symbol('.')) {
                continue;
            }
            let next = tokens.get(at + 1);
            let next_is = |words: &[&str]| next.is_some_and(|t| t.is_any(words));
            match token.text.to_ascii_uppercase().as_str() {
                "DROP"
                    if !next_is(&[
                        "CONSTRAINT",
                        "DEFAULT",
                        "NOT",
                        "INDEX",
                        "KEY",
                        "FOREIGN",
                        "PRIMARY",
                        "IDENTITY",
                        "EXPRESSION",
                        "CHECK",
                        "PROJECTION",
                    ]) =>
                {
                    return Some("drops a column or partition");
                }
                "DETACH" | "DISCARD" | "EXCHANGE" | "TRUNCATE" | "UNLOGGED" | "SWITCH" => {
                    return Some("takes data away");
                }
                "TYPE" if kind == "TABLE" => return Some("rewrites a column; values may be cut"),
                "MODIFY" | "CHANGE" if kind == "TABLE" && self.dialect == Dialect::Mysql => {
                    return Some("redefines a column; values may be cut");
                }
                "DELETE" | "UPDATE" | "REPLACE" | "CLEAR"
                    if self.dialect == Dialect::Clickhouse =>
                {
                    return Some("changes rows of the whole table");
                }
                "COLUMN"
                    if self.dialect == Dialect::Sqlserver
                        && tokens.get(at - 1).is_some_and(|t| t.is("ALTER")) =>
                {
                    return Some("redefines a column; values may be cut");
                }
                _ => {}
            }
        }
        None
    }

    fn copy(&mut self, tokens: &[Token<'_>], depth: usize) -> Finding {
        if any(tokens, &["PROGRAM"]) {
            return Finding::new(
                "COPY PROGRAM",
                Effect::Opaque,
                "runs a program on the server",
            );
        }
        let mut nested = 0usize;
        let mut direction = None;
        for token in tokens {
            if token.symbol('(') {
                nested += 1;
            } else if token.symbol(')') {
                nested = nested.saturating_sub(1);
            } else if nested == 0 && direction.is_none() && token.is_any(&["FROM", "TO"]) {
                direction = Some(*token);
            }
        }
        match direction {
            Some(t) if t.is("FROM") => Finding::new("COPY FROM", Effect::Writes, ""),
            _ if tokens.get(1).is_some_and(|t| t.symbol('(')) => {
                let query = enclosed(&tokens[2..]);
                let inner = self.classify(query, depth + 1);
                Finding::new("COPY TO", Effect::Reads, "").worse(inner)
            }
            Some(_) => Finding::new("COPY TO", Effect::Reads, ""),
            None => Finding::new("COPY", Effect::Opaque, "neither FROM nor TO"),
        }
    }

    fn load(&self, tokens: &[Token<'_>]) -> Finding {
        match tokens.get(1) {
            Some(t) if t.is_any(&["DATA", "XML"]) && any(tokens, &["REPLACE"]) => Finding::new(
                "LOAD DATA REPLACE",
                Effect::Destroys,
                "replaces rows that are there",
            ),
            Some(t) if t.is_any(&["DATA", "XML"]) => Finding::new("LOAD DATA", Effect::Writes, ""),
            Some(t) if t.is("INDEX") => Finding::new("LOAD INDEX", Effect::Reads, ""),
            _ => Finding::new("LOAD", Effect::Opaque, "loads a library"),
        }
    }

    /// SQLite's ATTACH reaches another file.
    fn attach(&mut self, tokens: &[Token<'_>]) -> Finding {
        if self.dialect != Dialect::Sqlite {
            return Finding::new("ATTACH", Effect::ChangesSchema, "");
        }
        let at = if tokens.get(1).is_some_and(|t| t.is("DATABASE")) {
            2
        } else {
            1
        };
        let reach = match (tokens.get(at), tokens.get(at + 1)) {
            (Some(file), Some(next)) if next.is("AS") && file.kind != Kind::Symbol => {
                Reach::Connection(file.unquoted())
            }
            _ => Reach::Unknown("ATTACH of a file that is not named literally".into()),
        };
        self.out.reach(reach);
        Finding::new("ATTACH", Effect::Reads, "")
    }

    fn vacuum(&mut self, tokens: &[Token<'_>]) -> Finding {
        if let Some(at) = tokens.iter().position(|t| t.is("INTO")) {
            let reach = match tokens.get(at + 1) {
                Some(t) if t.kind == Kind::Text && at + 2 == tokens.len() => {
                    Reach::Connection(t.unquoted())
                }
                _ => Reach::Unknown("VACUUM INTO a file that is not named literally".into()),
            };
            self.out.reach(reach);
        }
        Finding::new("VACUUM", Effect::Writes, "")
    }

    fn reach_database(&mut self, name: Option<&Token<'_>>) {
        let reach = match name {
            Some(t) if t.is_name() || t.kind == Kind::Text || t.kind == Kind::Number => {
                Reach::Database(t.unquoted())
            }
            _ => Reach::Unknown("a database that is not named literally".into()),
        };
        self.out.reach(reach);
    }

    /// Databases named in front of tables.
    fn names(&mut self, tokens: &[Token<'_>]) {
        if !matches!(
            self.dialect,
            Dialect::Mysql | Dialect::Clickhouse | Dialect::Sqlserver
        ) {
            return;
        }
        let mut expects = false;
        let mut listing = false;
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if token.is_any(&[
                "FROM",
                "JOIN",
                "INTO",
                "UPDATE",
                "TABLE",
                "TABLES",
                "TRUNCATE",
                "EXISTS",
                "DELETE",
                "INSERT",
                "REPLACE",
                "DESCRIBE",
                "DESC",
                "VIEW",
                "LIKE",
                "USING",
                "TO",
                "ON",
                "IGNORE",
                "REFERENCES",
                "PROCEDURE",
                "FUNCTION",
                "TRIGGER",
                "INDEX",
                "EVENT",
                "MERGE",
                "EXEC",
                "CALL",
            ]) {
                expects = true;
                listing = true;
            } else if token.is_name() && expects {
                let part = |n: usize| {
                    (tokens.get(at + 2 * n - 1)?.symbol('.'))
                        .then(|| tokens.get(at + 2 * n))
                        .flatten()
                };
                if self.dialect == Dialect::Sqlserver {
                    if part(3).is_some() {
                        let why = format!("`{}` is a linked server", token.unquoted());
                        self.out.reach(Reach::Unknown(why));
                    } else if part(2).is_some() {
                        self.out.reach(Reach::Database(token.unquoted()));
                    }
                } else if part(1).is_some() {
                    let name = token.unquoted();
                    let system = ["information_schema", "performance_schema", "system"];
                    if !system.iter().any(|s| name.eq_ignore_ascii_case(s)) {
                        self.out.reach(Reach::Database(name));
                    }
                }
                expects = token.is_any(&[
                    "IF",
                    "NOT",
                    "ONLY",
                    "LOW_PRIORITY",
                    "QUICK",
                    "IGNORE",
                    "DELAYED",
                    "HIGH_PRIORITY",
                ]);
            } else if token.symbol(',') && listing {
                expects = true;
            } else if token.symbol('(')
                || token.is_any(&[
                    "WHERE", "SET", "VALUES", "SELECT", "GROUP", "ORDER", "LIMIT",
                ])
            {
                expects = false;
                listing = token.symbol('(') && listing;
            }
            at += 1;
        }
    }

    /// Text that the client puts in can be anything.
    fn variables(&self, tokens: &[Token<'_>]) -> Finding {
        match tokens.iter().find(|t| t.kind == Kind::Variable) {
            Some(t) => Finding::new(
                "SQL",
                Effect::Opaque,
                format!("`{}` is replaced by a text that is not known here", t.text),
            ),
            None => Finding::new("SQL", Effect::None, ""),
        }
    }

    /// Settings that change how the rest of a text is cut.
    fn lexing(&self, tokens: &[Token<'_>]) -> Finding {
        let first = |word: &str| tokens.first().is_some_and(|t| t.is(word));
        let names = |part: &str| {
            let of_it =
                |t: &Token<'_>| t.is_name() && t.unquoted().to_ascii_uppercase().contains(part);
            tokens.iter().any(of_it)
        };
        let kept = tokens.iter().any(|t| t.is("INTO") || t.symbol(':'));
        let changes = if first("SET") || (kept && self.dialect == Dialect::Mysql) {
            strings_off(tokens, names("STANDARD_CONFORMING_STRINGS"))
                || (names("SQL_MODE") && mode(tokens))
                || ((names("NAMES") || names("CHAR") || names("CLIENT_ENCODING"))
                    && charset(tokens))
        } else {
            first("UPDATE") && names("PG_SETTINGS")
        };
        if changes {
            let why = "changes how quotes are read from here on";
            return Finding::new("SET", Effect::Opaque, why);
        }
        Finding::new("SQL", Effect::None, "")
    }
}

/// The texts and words of a statement, in capitals.
fn values<'t>(tokens: &'t [Token<'_>]) -> impl Iterator<Item = String> + 't {
    let value = |t: &&Token<'_>| matches!(t.kind, Kind::Text | Kind::Word | Kind::Quoted);
    let values = tokens.iter().filter(value);
    values.map(|t| t.unquoted().to_ascii_uppercase())
}

fn strings_off(tokens: &[Token<'_>], named: bool) -> bool {
    named && !values(tokens).any(|value| value == "ON")
}

/// A mode in which quotes mean something else, or that is put together.
fn mode(tokens: &[Token<'_>]) -> bool {
    const MODES: &[&str] = &[
        "ANSI",
        "NO_BACKSLASH",
        "ORACLE",
        "DB2",
        "MSSQL",
        "POSTGRESQL",
        "MAXDB",
    ];
    let made = |t: &Token<'_>| t.symbol('(') || (t.kind == Kind::Number && t.text != "0");
    tokens.iter().any(made) || values(tokens).any(|v| MODES.iter().any(|m| v.contains(m)))
}

/// An encoding in which a backslash may be the second half of a letter, or one that is put together.
fn charset(tokens: &[Token<'_>]) -> bool {
    const ENCODINGS: &[&str] = &[
        "SJIS", "SHIFT", "MSKANJI", "CP932", "932", "BIG5", "950", "GBK", "936", "UHC", "949",
        "GB18030", "GB2312", "JOHAB",
    ];
    let made = tokens.iter().any(|t| t.symbol('('));
    made || values(tokens).any(|v| ENCODINGS.iter().any(|e| v.contains(e)))
}

fn unknown(first: &Token<'_>) -> Finding {
    let word: String = first.text.chars().take(24).collect();
    let name = if first.kind == Kind::Word {
        word
    } else {
        "SQL".to_owned()
    };
    Finding::new(name, Effect::Opaque, "no statement that is known here")
}

fn any(tokens: &[Token<'_>], words: &[&str]) -> bool {
    tokens.iter().any(|t| t.is_any(words))
}

/// The tokens up to the parenthesis that closes what stands around them.
fn enclosed<'t, 'a>(tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate() {
        if token.symbol('(') {
            depth += 1;
        } else if token.symbol(')') {
            match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return &tokens[..at],
            }
        }
    }
    tokens
}

/// Whether the parenthesis at `open` closes right before `AS (`: `WITH a AS (...), v(x) AS (...)`.
fn closes_before_as(tokens: &[Token<'_>], open: usize) -> bool {
    // A column list is short; looking no further keeps the whole linear.
    let inside = tokens.iter().skip(open + 1).take(64);
    match inside.clone().position(|t| t.symbol(')') || t.symbol('(')) {
        Some(at) => {
            let end = open + 1 + at;
            tokens.get(end).is_some_and(|t| t.symbol(')'))
                && tokens.get(end + 1).is_some_and(|t| t.is("AS"))
                && tokens
                    .get(end + 2)
                    .is_some_and(|t| t.symbol('(') || t.is_any(&["MATERIALIZED", "NOT"]))
        }
        None => false,
    }
}

fn follows_function(tokens: &[Token<'_>], at: usize) -> bool {
    tokens.get(at + 1).is_some_and(|t| t.symbol('('))
        && tokens
            .get(at)
            .is_some_and(|t| t.is_any(&["UPDATE", "REPLACE", "LEFT"]))
}

fn name_after<'t, 'a>(tokens: &'t [Token<'a>], at: usize) -> Option<&'t Token<'a>> {
    tokens
        .iter()
        .skip(at)
        .find(|t| !t.is_any(&["IF", "NOT", "EXISTS", "CONCURRENTLY"]))
}

/// The condition of an UPDATE or DELETE; a WHERE that only some servers see does not count.
fn condition<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<&'t [Token<'a>]> {
    let mut depth = 0usize;
    let mut start = None;
    for (at, token) in tokens.iter().enumerate() {
        if token.symbol('(') {
            depth += 1;
        } else if token.symbol(')') {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && token.is("WHERE") && !token.maybe && start.is_none() {
            start = Some(at + 1);
        } else if depth == 0 && start.is_some() && token.is_any(&["RETURNING", "LIMIT"]) {
            return start.and_then(|s| tokens.get(s..at));
        }
    }
    start.and_then(|s| tokens.get(s..))
}

/// Words in a condition that are no columns.
const NO_COLUMNS: &[&str] = &[
    "TRUE",
    "FALSE",
    "NULL",
    "AND",
    "OR",
    "NOT",
    "IS",
    "IN",
    "LIKE",
    "ILIKE",
    "BETWEEN",
    "EXISTS",
    "SELECT",
    "FROM",
    "WHERE",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "ALL",
    "ANY",
    "SOME",
    "INTERVAL",
    "DATE",
    "TIMESTAMP",
    "CURRENT_DATE",
    "CURRENT_TIMESTAMP",
    "CURRENT_TIME",
    "XOR",
    "DIV",
    "MOD",
    "UNKNOWN",
    "COLLATE",
    "ESCAPE",
    "LIMIT",
    "ORDER",
    "BY",
    "ASC",
    "DESC",
];

/// Whether a condition can leave rows out: each branch of its ORs has a part that looks at a
/// column.
fn restricts(condition: &[Token<'_>], dialect: Dialect, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    let condition = without_parentheses(condition);
    let is_or = |tokens: &[Token<'_>], at: usize| {
        tokens[at].is_any(&["OR", "XOR"])
            || (dialect == Dialect::Mysql
                && tokens[at].symbol('|')
                && tokens.get(at + 1).is_some_and(|t| t.symbol('|')))
    };
    let is_and = |tokens: &[Token<'_>], at: usize| {
        tokens[at].is("AND")
            || (dialect == Dialect::Mysql
                && tokens[at].symbol('&')
                && tokens.get(at + 1).is_some_and(|t| t.symbol('&')))
    };
    split(condition, is_or).iter().all(|branch| {
        let parts = split(branch, is_and);
        let several = parts.len() > 1 || parts.first().is_some_and(|p| p.len() < condition.len());
        parts.iter().any(|part| {
            if (several || part.len() < condition.len())
                && part.first().is_some_and(|t| t.symbol('('))
                && part.last().is_some_and(|t| t.symbol(')'))
            {
                return restricts(part, dialect, depth + 1);
            }
            looks_at_column(part)
        })
    })
}

fn split<'t, 'a>(
    tokens: &'t [Token<'a>],
    is_end: impl Fn(&[Token<'_>], usize) -> bool,
) -> Vec<&'t [Token<'a>]> {
    let mut parts = Vec::new();
    let mut depth = 0usize;
    let mut start = 0;
    for (at, token) in tokens.iter().enumerate() {
        if token.symbol('(') {
            depth += 1;
        } else if token.symbol(')') {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && is_end(tokens, at) {
            parts.push(&tokens[start..at]);
            start = at + 1;
        }
    }
    parts.push(&tokens[start..]);
    parts
}

fn without_parentheses<'t, 'a>(mut tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    while tokens.first().is_some_and(|t| t.symbol('('))
        && enclosed(&tokens[1..]).len() + 2 == tokens.len()
    {
        tokens = &tokens[1..tokens.len() - 1];
    }
    tokens
}

fn looks_at_column(part: &[Token<'_>]) -> bool {
    let part = match part.first() {
        Some(t) if t.is("NOT") => &part[1..],
        _ => part,
    };
    if part.first().is_some_and(|t| t.is("EXISTS")) && !any(part, &["WHERE", "JOIN"]) {
        return false;
    }
    if let Some(at) = part.iter().position(|t| t.symbol('=')) {
        let text = |side: &[Token<'_>]| {
            side.iter()
                .map(|t| t.text.to_ascii_lowercase())
                .collect::<Vec<_>>()
        };
        let right = &part[at + 1..];
        if text(&part[..at]) == text(right) && at > 0 {
            return false;
        }
    }
    part.iter().enumerate().any(|(at, t)| {
        let called = part.get(at + 1).is_some_and(|n| n.symbol('('));
        !t.maybe
            && !called
            && (t.kind == Kind::Quoted || (t.kind == Kind::Word && !t.is_any(NO_COLUMNS)))
    })
}

fn has_column_condition(tokens: &[Token<'_>]) -> bool {
    tokens
        .iter()
        .position(|t| t.is("ON"))
        .is_some_and(|at| looks_at_column(&tokens[at + 1..]))
}

fn detach(tokens: &[Token<'_>], dialect: Dialect) -> Finding {
    if dialect == Dialect::Sqlite {
        return Finding::new("DETACH", Effect::Reads, "");
    }
    let effect = if any(tokens, &["PERMANENTLY"]) {
        Effect::Destroys
    } else {
        Effect::ChangesSchema
    };
    Finding::new("DETACH", effect, "")
}

/// ClickHouse's SYSTEM.
fn system(tokens: &[Token<'_>]) -> Finding {
    let effect = match tokens.get(1) {
        Some(t) if t.is("DROP") && any(tokens, &["REPLICA"]) => Effect::Destroys,
        Some(t) if t.is_any(&["SHUTDOWN", "KILL", "STOP", "START", "SUSPEND", "RESTART"]) => {
            Effect::Stops
        }
        _ => Effect::Writes,
    };
    Finding::new("SYSTEM", effect, "")
}

fn restore(tokens: &[Token<'_>]) -> Finding {
    match tokens.get(1) {
        Some(t) if t.is_any(&["HEADERONLY", "FILELISTONLY", "VERIFYONLY", "LABELONLY"]) => {
            Finding::new("RESTORE", Effect::Reads, "")
        }
        _ => Finding::new("RESTORE", Effect::Destroys, "replaces what is there"),
    }
}

/// Procedures of SQL Server that only tell.
const TELLING: &[&str] = &[
    "sp_help",
    "sp_helptext",
    "sp_helpdb",
    "sp_helpindex",
    "sp_who",
    "sp_who2",
    "sp_columns",
    "sp_tables",
    "sp_spaceused",
    "sp_databases",
    "sp_lock",
    "sp_depends",
    "sp_helpconstraint",
    "sp_fkeys",
    "sp_pkeys",
];

fn exec(tokens: &[Token<'_>]) -> Finding {
    match tokens.get(1) {
        Some(t) if t.is_any(TELLING) => Finding::new("EXEC", Effect::Reads, ""),
        _ => Finding::new("EXEC", Effect::Opaque, "runs code that cannot be seen here"),
    }
}

/// PRAGMAs that only tell, even with an argument.
const TELLING_PRAGMAS: &[&str] = &[
    "table_info",
    "table_xinfo",
    "table_list",
    "index_list",
    "index_info",
    "index_xinfo",
    "foreign_key_list",
    "foreign_key_check",
    "integrity_check",
    "quick_check",
    "database_list",
    "collation_list",
    "function_list",
    "module_list",
    "pragma_list",
    "compile_options",
    "stats",
];

fn pragma(tokens: &[Token<'_>]) -> Finding {
    let dotted = tokens.get(2).is_some_and(|t| t.symbol('.'));
    let name = tokens.get(if dotted { 3 } else { 1 });
    let has_value = tokens.iter().any(|t| t.symbol('=') || t.symbol('('));
    match name {
        Some(t)
            if !has_value
                && t.is_any(&[
                    "wal_checkpoint",
                    "incremental_vacuum",
                    "optimize",
                    "shrink_memory",
                ]) =>
        {
            Finding::new("PRAGMA", Effect::Writes, "")
        }
        Some(t) if !has_value || t.is_any(TELLING_PRAGMAS) => {
            Finding::new("PRAGMA", Effect::Reads, "")
        }
        Some(t) if t.is_any(&["writable_schema"]) => Finding::new(
            "PRAGMA",
            Effect::Opaque,
            "lets the schema be written by hand",
        ),
        _ => Finding::new("PRAGMA", Effect::Writes, ""),
    }
}
