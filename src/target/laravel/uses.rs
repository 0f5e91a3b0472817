//! Which connections a command uses besides its main one.

use super::config::{Origin, section};
use super::connection::{Ask, Connector};
use super::env::{Boot, Env};
use crate::command::Command;
use crate::target::readers::php::{self, Cell, Found, Host, Val, ast};
use crate::target::{Gap, Resolution};
use ast::{Kind, Stmt};

/// How many migration files are looked into.
const MAX_MIGRATIONS: usize = 3000;

/// Everything that is needed to follow a use.
pub(super) struct Uses<'a> {
    /// How connections are resolved.
    pub(super) connector: &'a Connector<'a>,
    /// Where configuration comes from.
    pub(super) origin: &'a Origin,
    /// What the bootstrap said.
    pub(super) boot: &'a Boot,
    /// The `database` configuration.
    pub(super) database: &'a Cell,
    /// The default connection's name.
    pub(super) default: Option<String>,
}

/// A dotted value of a section.
fn dig(cell: &Cell, path: &str) -> Option<Cell> {
    let mut at = cell.clone();
    for part in path.split('.') {
        at = match at.get(part) {
            Found::Yes(inner) => inner.clone(),
            Found::No => return None,
            Found::Unknown(why) => at.with(Val::Unknown(why)),
        };
    }
    Some(at)
}

impl Uses<'_> {
    fn env(&self) -> &Env<'_> {
        self.connector.env
    }

    fn section(&self, name: &str) -> Cell {
        section(name, self.origin, self.env(), self.boot)
    }

    /// The databases of one kind of use.
    pub(super) fn of(&self, what: &str, command: &Command) -> Resolution {
        match what {
            "queue" => self.queue(command),
            "failed" => self.table("queue", "failed.database", "failed.driver"),
            "batches" => self.table("queue", "batching.database", ""),
            "cache" => self.cache(command),
            "telescope" => self.table("telescope", "storage.database.connection", ""),
            "pulse" => self.table("pulse", "storage.database.connection", ""),
            "horizon" => self.redis(dig(&self.section("horizon"), "use").as_ref()),
            "migrations" => self.migrations(command),
            _ => Resolution::none(),
        }
    }

    /// A connection named by a value; `null` and an empty text mean the default one.
    fn connection(&self, cell: Option<&Cell>) -> Resolution {
        let named = match cell.map(|c| &c.val) {
            Some(Val::Unknown(why)) => return Resolution::unresolved(why.to_string()),
            Some(val) => val.text().filter(|t| !t.is_empty()),
            None => None,
        };
        let ask = Ask {
            direct: false,
            reads: false,
        };
        match named.or_else(|| self.default.clone()) {
            Some(name) => self.connector.resolve(&name, self.database, ask),
            None => Resolution::none(),
        }
    }

    fn redis(&self, cell: Option<&Cell>) -> Resolution {
        let name = match cell.map(|c| &c.val) {
            Some(Val::Unknown(why)) => return Resolution::unresolved(why.to_string()),
            Some(val) => val.text().filter(|t| !t.is_empty()),
            None => None,
        };
        self.connector
            .redis(name.as_deref().unwrap_or("default"), self.database)
    }

    fn table(&self, file: &str, connection: &str, driver: &str) -> Resolution {
        let section = self.section(file);
        if !driver.is_empty() {
            let driver = dig(&section, driver)
                .and_then(|c| c.val.text())
                .unwrap_or_default();
            if matches!(driver.as_str(), "null" | "file" | "dynamodb") {
                return Resolution::none();
            }
        }
        self.connection(dig(&section, connection).as_ref())
    }

    fn queue(&self, command: &Command) -> Resolution {
        let section = self.section("queue");
        if matches!(section.val, Val::Null) {
            return Resolution::none();
        }
        let name = match command.hint("operand") {
            Some(name) => name.to_owned(),
            None => match dig(&section, "default").map(|c| c.val) {
                Some(Val::Unknown(why)) => return Resolution::unresolved(why.to_string()),
                Some(val) => val.text().unwrap_or_default(),
                None => return Resolution::none(),
            },
        };
        let Some(config) = dig(&section, &format!("connections.{name}")) else {
            return Resolution::none();
        };
        self.by_driver(&config, &format!("queue connection `{name}`"))
    }

    fn cache(&self, command: &Command) -> Resolution {
        let section = self.section("cache");
        if matches!(section.val, Val::Null) {
            return Resolution::none();
        }
        let name = match command.hint("operand") {
            Some(name) => name.to_owned(),
            None => match dig(&section, "default").map(|c| c.val) {
                Some(Val::Unknown(why)) => return Resolution::unresolved(why.to_string()),
                Some(val) => val.text().unwrap_or_default(),
                None => return Resolution::none(),
            },
        };
        let Some(config) = dig(&section, &format!("stores.{name}")) else {
            return Resolution::none();
        };
        self.by_driver(&config, &format!("cache store `{name}`"))
    }

    fn by_driver(&self, config: &Cell, what: &str) -> Resolution {
        let driver = dig(config, "driver");
        match driver.as_ref().map(|d| &d.val) {
            Some(Val::Str(driver)) => match driver.as_str() {
                "database" => self.connection(dig(config, "connection").as_ref()),
                "redis" => self.redis(dig(config, "connection").as_ref()),
                "failover" => Resolution::unresolved(format!("the {what} falls over to others")),
                _ => Resolution::none(),
            },
            Some(Val::Unknown(why)) => Resolution::unresolved(format!("the {what}: {why}")),
            _ => Resolution::none(),
        }
    }

    /// Connections that migrations choose themselves, whatever `--database` says.
    fn migrations(&self, command: &Command) -> Resolution {
        let env = self.env();
        let files = env.files();
        let mut paths = Vec::new();
        let given: Vec<&str> = command
            .args
            .options
            .iter()
            .filter(|o| o.name == "--path")
            .filter_map(|o| o.value.as_deref())
            .collect();
        let realpath = command.args.has(&["--realpath"]);
        if given.is_empty() {
            paths.push(env.base.join("database/migrations"));
        }
        for path in given {
            paths.push(if realpath {
                path.into()
            } else {
                env.base.join(path.trim_start_matches('/'))
            });
        }
        let mut resolution = Resolution::none();
        let mut count = 0;
        for path in paths {
            let names: Vec<_> = if path.extension().is_some_and(|e| e == "php") {
                vec![path.clone()]
            } else {
                files
                    .list(&path)
                    .iter()
                    .filter(|n| n.ends_with(".php"))
                    .map(|n| path.join(n))
                    .collect()
            };
            for file in names {
                count += 1;
                if count > MAX_MIGRATIONS {
                    resolution
                        .gaps
                        .push(Gap::new("target", "too many migrations to look into"));
                    return resolution;
                }
                self.migration(&file, &mut resolution);
            }
        }
        resolution
    }

    fn migration(&self, file: &std::path::Path, resolution: &mut Resolution) {
        let env = self.env();
        let Ok(text) = env.files().read_text(file) else {
            return;
        };
        if !text.contains("onnection") {
            return;
        }
        env.answers_config.set(true);
        for name in ["database", "telescope", "pulse", "queue", "cache"] {
            if text.contains(&format!("{name}.")) {
                self.section(name);
            }
        }
        let label = crate::files::shown(file, &env.base);
        for (line, expr) in chosen(&php::parse(&text)) {
            let cell = php::expression(file, &expr, env);
            let found = match &cell.val {
                Val::Null => Resolution::none(),
                Val::Unknown(why) => {
                    Resolution::unresolved(format!("{label}:{line} chooses a connection: {why}"))
                }
                val => match val.text().filter(|t| !t.is_empty()) {
                    Some(name) => {
                        let mut found = self.connector.resolve(
                            &name,
                            self.database,
                            Ask {
                                direct: true,
                                reads: false,
                            },
                        );
                        // A connection that is missing stops that migration, not those before it.
                        found.errors.clear();
                        for target in &mut found.targets {
                            target.notes.push(format!("chosen by {label}:{line}"));
                        }
                        found
                    }
                    None => Resolution::none(),
                },
            };
            let known = |t: &crate::target::Target| {
                resolution
                    .targets
                    .iter()
                    .any(|o| o.address == t.address && o.database == t.database)
            };
            let mut found = found;
            found.targets.retain(|t| !known(t));
            resolution.merge(found);
        }
        env.answers_config.set(false);
    }
}

/// The expressions that name a connection: `$connection` of the class, `Schema::connection()`,
/// `DB::connection()`.
fn chosen(statements: &[Stmt]) -> Vec<(usize, ast::Expr)> {
    let mut out = Vec::new();
    let mut look_class = |class: &ast::Class| {
        for (name, default) in &class.properties {
            if name == "connection"
                && let Some(default) = default
            {
                out.push((default.line, default.clone()));
            }
        }
        for (name, method) in &class.methods {
            if name.eq_ignore_ascii_case("getConnection") {
                for statement in &method.body {
                    if let Stmt::Return(Some(value), line) = statement {
                        out.push((*line, value.clone()));
                    }
                }
            }
        }
    };
    for statement in statements {
        if let Stmt::Class(class) = statement {
            look_class(class);
        }
    }
    ast::walk(statements, &mut |e| {
        if let Kind::NewClass(class) = &e.kind {
            look_class(class);
        }
    });
    ast::walk(statements, &mut |e| {
        if let Kind::StaticCall(class, name, args) = &e.kind
            && (class.ends_with("Schema") || class.ends_with("DB"))
            && name.eq_ignore_ascii_case("connection")
            && let Some(arg) = args.first()
        {
            out.push((e.line, arg.value.clone()));
        }
    });
    out
}
