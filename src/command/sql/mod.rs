//! What SQL does: statement by statement, failing closed. A statement is a read only where its
//! first word is known to read, nothing inside it can change data, and every function it calls is
//! known; whatever cannot be read is opaque.

mod functions;
mod judge;
mod lex;
mod mysql;
mod psql;
mod shells;

use std::borrow::Cow;

use super::{Action, Effect, Reach};

pub use lex::{Kind, Lexer, Token};
pub use mysql::mysql_script;
pub use psql::psql_script;
pub use shells::{sqlcmd_script, sqlite_script};

/// Whose SQL it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
    /// SQLite.
    Sqlite,
    /// SQL Server.
    Sqlserver,
    /// ClickHouse.
    Clickhouse,
    /// Anything else, read as PostgreSQL's.
    Generic,
}

/// One statement or client command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What it is: `DROP TABLE`, `\gexec`.
    pub name: Cow<'static, str>,
    /// What it does.
    pub effect: Effect,
    /// Why, for people; empty where the name says it.
    pub why: Cow<'static, str>,
    /// The line (from 1) on which it starts.
    pub line: usize,
}

/// What a script leads to, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Another database or server.
    Reach(Reach),
    /// Another file that is run: path as written, and whether it counts from the script's folder.
    Include {
        /// The path as written.
        path: String,
        /// Whether it counts from the folder of the including script (`\ir`).
        beside: bool,
    },
}

/// What was made of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SqlReading {
    /// Its statements, each kind once (the first place it stands at).
    pub statements: Vec<Statement>,
    /// Where it leads to.
    pub events: Vec<Event>,
}

/// How many kinds of statement are told apart before the rest is only counted by effect.
const MAX_STATEMENTS: usize = 64;

impl SqlReading {
    /// The strongest effect; none for a text without statements.
    pub fn effect(&self) -> Effect {
        self.statements
            .iter()
            .map(|s| s.effect)
            .max()
            .unwrap_or(Effect::None)
    }

    /// The statements as actions, said with their place.
    pub fn actions(&self, place: &str) -> Vec<Action> {
        self.statements
            .iter()
            .map(|s| {
                let why = match (place, s.why.as_ref()) {
                    ("", "") => String::new(),
                    ("", why) => why.to_owned(),
                    (place, "") => format!("{place}, line {}", s.line),
                    (place, why) => format!("{place}, line {}: {why}", s.line),
                };
                Action::new(s.name.clone(), s.effect, why)
            })
            .collect()
    }

    /// Adds another text's findings.
    pub fn merge(&mut self, other: SqlReading) {
        for statement in other.statements {
            self.push(statement);
        }
        self.events.extend(other.events);
    }

    fn push(&mut self, statement: Statement) {
        let known = self
            .statements
            .iter()
            .any(|s| s.effect == statement.effect && s.name == statement.name);
        let full = self.statements.len() >= MAX_STATEMENTS
            && self.statements.iter().any(|s| s.effect >= statement.effect);
        if !known && !full {
            self.statements.push(statement);
        }
    }

    fn reach(&mut self, reach: Reach) {
        let event = Event::Reach(reach);
        // A switch may be repeated to come back; a mere mention need not be.
        if !matches!(event, Event::Reach(Reach::Database(_))) || !self.events.contains(&event) {
            self.events.push(event);
        }
    }
}

/// Judges a text that the server gets as it is (an option such as `psql -c`, a driver's query):
/// no client commands in it.
pub fn judge(text: &str, dialect: Dialect) -> SqlReading {
    let mut collector = Collector::new(text, dialect);
    for token in Lexer::new(text, dialect, false) {
        if token.symbol(';') {
            collector.end();
        } else {
            collector.token(token);
        }
    }
    collector.finish()
}

/// Collects tokens to statements and judges each when it ends.
struct Collector<'a> {
    text: &'a str,
    dialect: Dialect,
    tokens: Vec<Token<'a>>,
    reading: SqlReading,
    /// Offset and line of the last place that was asked for.
    counted: (usize, usize),
}

impl<'a> Collector<'a> {
    fn new(text: &'a str, dialect: Dialect) -> Self {
        Collector {
            text,
            dialect,
            tokens: Vec::new(),
            reading: SqlReading::default(),
            counted: (0, 1),
        }
    }

    fn token(&mut self, token: Token<'a>) {
        self.tokens.push(token);
    }

    /// Whether a statement has begun.
    fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The line of an offset. Offsets are asked for in order, so the text is counted once.
    fn line(&mut self, at: usize) -> usize {
        let (from, line) = self.counted;
        if at < from {
            return line;
        }
        let bytes = self.text.as_bytes();
        let more = bytes
            .get(from..at)
            .map_or(0, |b| b.iter().filter(|b| **b == b'\n').count());
        self.counted = (at, line + more);
        line + more
    }

    /// The statement ends: it is judged. Returns its name.
    fn end(&mut self) -> Option<Cow<'static, str>> {
        let first = self.tokens.first()?.at;
        let line = self.line(first);
        let tokens = std::mem::take(&mut self.tokens);
        let found = judge::statement(&tokens, self.dialect, &mut self.reading);
        self.tokens = tokens;
        self.tokens.clear();
        let name = found.name.clone();
        self.reading.push(Statement {
            name: found.name,
            effect: found.effect,
            why: found.why,
            line,
        });
        Some(name)
    }

    /// A client command.
    fn client(
        &mut self,
        at: usize,
        name: impl Into<Cow<'static, str>>,
        effect: Effect,
        why: &'static str,
    ) {
        let line = self.line(at);
        self.reading.push(Statement {
            name: name.into(),
            effect,
            why: why.into(),
            line,
        });
    }

    fn finish(mut self) -> SqlReading {
        self.end();
        self.reading
    }
}

#[cfg(test)]
mod tests;
