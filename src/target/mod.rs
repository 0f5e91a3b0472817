//! Which databases a command will reach, with the source of every field.
//!
//! A resolver reads only what the child will see: its variables, files, options. What cannot be
//! decided becomes a [`Gap`], never a guess.

mod alembic;
pub mod clients;
pub mod django;
mod fields;
pub mod laravel;
pub mod libpq;
pub mod marks;
mod migrators;
pub mod mysql;
mod node;
pub mod place;
mod probe;
pub mod rails;
pub mod readers;
mod registry;
mod services;
mod sqlalchemy;
pub mod url;
mod value;

use std::collections::BTreeSet;

use crate::command::{Command, Step, Stop, World};
use crate::environment::Vars;
use crate::source::{Source, Sourced};

pub use fields::Field;
pub use probe::probe;
pub use registry::{judge_migrations, resolve};
pub use value::{Traced, Value};

/// The kind of database server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Engine {
    /// PostgreSQL and what speaks its protocol.
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
    /// SQLite.
    Sqlite,
    /// Redis.
    Redis,
    /// MongoDB.
    Mongodb,
    /// Microsoft SQL Server.
    Sqlserver,
    /// ClickHouse.
    Clickhouse,
    /// Anything else, by the tool's own word.
    Other(String),
}

impl Engine {
    /// The word for it in output, config and records.
    pub fn word(&self) -> &str {
        match self {
            Engine::Postgres => "postgres",
            Engine::Mysql => "mysql",
            Engine::Sqlite => "sqlite",
            Engine::Redis => "redis",
            Engine::Mongodb => "mongodb",
            Engine::Sqlserver => "sqlserver",
            Engine::Clickhouse => "clickhouse",
            Engine::Other(word) => word,
        }
    }

    /// The engine of a driver, adapter or URL scheme as the frameworks spell it (`pgsql`,
    /// `mysql2`, `postgresql+psycopg`); an unknown word stays the tool's own.
    pub fn from_driver(driver: &str) -> Engine {
        let lower = driver.to_ascii_lowercase();
        let stem = lower.split('+').next().unwrap_or(&lower);
        match stem {
            "pgsql" | "postgres" | "postgresql" | "postgis" | "pg" | "psql" | "psycopg"
            | "psycopg2" | "cockroachdb" | "redshift" => Engine::Postgres,
            "mysql" | "mysql2" | "mariadb" | "trilogy" | "mysqlgis" => Engine::Mysql,
            "sqlite" | "sqlite3" | "spatialite" | "better-sqlite3" => Engine::Sqlite,
            "redis" | "rediss" | "valkey" => Engine::Redis,
            "mongodb" | "mongodb+srv" | "mongo" => Engine::Mongodb,
            "sqlsrv" | "sqlserver" | "mssql" | "tedious" => Engine::Sqlserver,
            "clickhouse" | "clickhousedb" => Engine::Clickhouse,
            _ => Engine::Other(driver.to_owned()),
        }
    }

    /// The port its clients use when none is named.
    pub fn default_port(&self) -> Option<u16> {
        match self {
            Engine::Postgres => Some(5432),
            Engine::Mysql => Some(3306),
            Engine::Redis => Some(6379),
            Engine::Mongodb => Some(27017),
            Engine::Sqlserver => Some(1433),
            Engine::Clickhouse => Some(9000),
            Engine::Sqlite | Engine::Other(_) => None,
        }
    }

    /// That port as a field of a target; `whose` default it is.
    pub fn usual_port(&self, whose: &str) -> Option<Sourced<u16>> {
        let port = self.default_port()?;
        Some(Sourced::new(port, Source::default_of(whose)))
    }
}

/// How a database is reached: exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// By network.
    Host {
        /// Name or address as the client will use it.
        host: Sourced<String>,
        /// Port; `None` where the engine has no default and none was named.
        port: Option<Sourced<u16>>,
        /// The address that packets really go to where it is set apart from the name
        /// (`PGHOSTADDR`).
        hostaddr: Option<Sourced<String>>,
    },
    /// By a Unix socket: a file (MySQL, Redis) or a directory (PostgreSQL, whose file name also
    /// holds the port).
    Socket {
        /// Socket file or directory; empty for the client's built-in default.
        path: Sourced<String>,
        /// Port in the socket's file name (PostgreSQL).
        port: Option<Sourced<u16>>,
    },
    /// A database file.
    File {
        /// Absolute path where it can be known, else as given.
        path: Sourced<String>,
    },
    /// A database in the memory of the process itself.
    Memory {
        /// Who said so.
        source: Source,
    },
    /// An identifier in a cloud or container runtime (`aws rds ...`, a volume).
    Identifier {
        /// The name.
        name: Sourced<String>,
    },
}

/// What a connection is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// It may write.
    #[default]
    Write,
    /// A read replica.
    Read,
}

/// One database that a command will reach. Every field that is here is known; what is not known
/// is a [`Gap`] of the [`Resolution`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The kind of server.
    pub engine: Engine,
    /// How it is reached.
    pub address: Address,
    /// Database name (Redis: number). `None`: none is chosen, or it has none (SQLite).
    pub database: Option<Sourced<String>>,
    /// User name at the server.
    pub user: Option<Sourced<String>>,
    /// What it is used for.
    pub role: Role,
    /// The framework environment that this configuration belongs to (`production`, `test`).
    pub environment: Option<Sourced<String>>,
    /// The connection's name in the framework's configuration.
    pub connection: Option<String>,
    /// It is reached only where those before it answered (a master after its replicas).
    pub later: bool,
    /// It is connected to only to create or drop another one of its server: rows are written at most.
    pub serves: bool,
    /// Remarks for `explain`.
    pub notes: Vec<String>,
}

impl Target {
    /// A target of that engine and address.
    pub fn new(engine: Engine, address: Address) -> Self {
        Target {
            engine,
            address,
            database: None,
            user: None,
            role: Role::Write,
            environment: None,
            connection: None,
            later: false,
            serves: false,
            notes: Vec::new(),
        }
    }

    /// Whether both are the same, whichever is reached first.
    pub fn is(&self, other: &Target) -> bool {
        let later = other.later;
        self == other
            || self.later != later
                && Target {
                    later,
                    ..self.clone()
                } == *other
    }

    /// With a database name.
    pub fn database(mut self, database: Option<Sourced<String>>) -> Self {
        self.database = database;
        self
    }

    /// With a user name.
    pub fn user(mut self, user: Option<Sourced<String>>) -> Self {
        self.user = user;
        self
    }

    /// The sources of all fields that point to the database (not the user).
    pub fn sources(&self) -> Vec<&Source> {
        let mut all: Vec<&Source> = Vec::new();
        match &self.address {
            Address::Host {
                host,
                port,
                hostaddr,
            } => {
                all.push(&host.source);
                all.extend(port.as_ref().map(|p| &p.source));
                all.extend(hostaddr.as_ref().map(|h| &h.source));
            }
            Address::Socket { path, port } => {
                all.push(&path.source);
                all.extend(port.as_ref().map(|p| &p.source));
            }
            Address::File { path } => all.push(&path.source),
            Address::Memory { source } => all.push(source),
            Address::Identifier { name } => all.push(&name.source),
        }
        all.extend(self.database.as_ref().map(|d| &d.source));
        all
    }
}

impl std::fmt::Display for Target {
    /// `postgres://app@db1:5432/shop`; never a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:", self.engine.word())?;
        let user = self
            .user
            .as_ref()
            .map(|u| format!("{}@", u.value))
            .unwrap_or_default();
        match &self.address {
            Address::Host {
                host,
                port,
                hostaddr,
            } => {
                let really = hostaddr.as_ref().unwrap_or(host);
                let brackets = really.value.contains(':') && !really.value.starts_with('[');
                let host = if brackets {
                    format!("[{}]", really.value)
                } else {
                    really.value.clone()
                };
                write!(f, "//{user}{host}")?;
                if let Some(port) = port {
                    write!(f, ":{}", port.value)?;
                }
            }
            Address::Socket { path, port } => {
                let path = if path.value.is_empty() {
                    "default socket"
                } else {
                    &path.value
                };
                write!(f, "//{user}({path}")?;
                if let Some(port) = port {
                    write!(f, ":{}", port.value)?;
                }
                f.write_str(")")?;
            }
            Address::File { path } => write!(f, "{}", path.value)?,
            Address::Memory { .. } => f.write_str(":memory:")?,
            Address::Identifier { name } => write!(f, "{}", name.value)?,
        }
        match &self.database {
            Some(database) => write!(f, "/{}", database.value),
            None => Ok(()),
        }
    }
}

/// A part of a target that cannot be decided statically, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The field (`host`, `database`, `target` for all of it).
    pub field: &'static str,
    /// Why, with the place.
    pub reason: String,
}

impl Gap {
    /// A gap in that field.
    pub fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Gap {
            field,
            reason: reason.into(),
        }
    }
}

/// What a resolver found out. Targets and gaps may stand side by side: some databases of a
/// command are known, another one is not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolution {
    /// The databases that the command will, or may, reach.
    pub targets: Vec<Target>,
    /// The read side of connections whose write side is among the targets: it is read at most.
    pub replicas: Vec<Target>,
    /// What could not be decided.
    pub gaps: Vec<Gap>,
    /// What makes the command itself stop before it reaches any database.
    pub errors: Vec<Stop>,
    /// Remarks for `explain`.
    pub notes: Vec<String>,
    /// Names of variables that the resolver looked for, whether they are there or not.
    pub asked: BTreeSet<String>,
    /// Databases that are created or dropped on the targets' servers through a connection to
    /// another one: judged like targets, though nothing connects to them.
    pub victims: Vec<Sourced<String>>,
}

impl Resolution {
    /// Nothing is reached.
    pub fn none() -> Self {
        Resolution::default()
    }

    /// One target.
    pub fn target(target: Target) -> Self {
        Resolution {
            targets: vec![target],
            ..Resolution::default()
        }
    }

    /// Unresolved altogether.
    pub fn unresolved(reason: impl Into<String>) -> Self {
        Resolution {
            gaps: vec![Gap::new("target", reason)],
            ..Resolution::default()
        }
    }

    /// The command stops by itself.
    pub fn error(what: &'static str, detail: impl Into<String>) -> Self {
        Resolution {
            errors: vec![Stop::new(what, detail)],
            ..Resolution::default()
        }
    }

    /// Adds another resolution's findings; a target that is there already is not repeated.
    pub fn merge(&mut self, other: Resolution) {
        add(&mut self.targets, other.targets);
        add(&mut self.replicas, other.replicas);
        self.gaps.extend(other.gaps);
        self.errors.extend(other.errors);
        self.notes.extend(other.notes);
        self.victims.extend(other.victims);
        self.asked.extend(other.asked);
    }
}

fn add(known: &mut Vec<Target>, more: Vec<Target>) {
    for target in more {
        if !known.iter().any(|t| t.is(&target)) {
            known.push(target);
        }
    }
}

/// A program to be asked for the databases of a step, in the step's directory.
#[derive(Debug)]
pub struct Question<'a> {
    /// Its words; the first is the program.
    pub argv: Vec<String>,
    /// Exactly its variables: the step's, with what its tool itself adds before it loads anything.
    pub vars: Vars,
    /// The step that it stands in for.
    pub step: &'a Step,
}

/// Asks a question: starts the program and returns what it printed, or why it gave no answer.
pub type Probe<'a> = &'a dyn Fn(&Question<'_>) -> Result<Vec<u8>, String>;

/// A function that finds the databases of a command.
pub type Resolver = fn(&Command, &World<'_>) -> Resolution;
