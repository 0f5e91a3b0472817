//! Which connections a command uses besides its main one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::boot;
use super::config::{Origin, section};
use super::connection::{Ask, Connector};
use super::env::{Boot, Env};
use crate::command::Command;
use crate::source::Source;
use crate::target::readers::php::{self, Cell, Found, Host, Val, ast};
use crate::target::{Gap, Resolution, Target};
use ast::{Kind, Stmt};

/// How many files of code are looked into.
const MAX_FILES: usize = 3000;

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
            "cache" => self.stored("cache", "stores", command.hint("store"), "connection"),
            "locks" => self.stored("cache", "stores", None, "lock_connection"),
            "telescope" => self.table("telescope", "storage.database.connection", ""),
            "pulse" => self.table("pulse", "storage.database.connection", ""),
            "passport" => match dig(&self.section("passport"), "connection") {
                Some(own) => self.connection(Some(&own)),
                None => self.table("passport", "storage.database.connection", ""),
            },
            "activitylog" => self.table("activitylog", "database_connection", ""),
            "resets" => self.resets(command),
            "snapshots" => self.snapshots(command),
            "backup" => self.each("backup", "backup.source.databases"),
            "databases" => self.databases(command),
            "tenants" => Resolution::unresolved(
                "each tenant has a database of its own, which only the central one lists",
            ),
            "seeders" => self.seeders(),
            "models" => self.models(),
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
        let monitored = command.hint("queues").map(|list| {
            let queues = list.split(',').map(str::trim);
            queues
                .map(|queue| queue.split_once(':').map(|(connection, _)| connection))
                .collect::<BTreeSet<_>>()
        });
        let Some(monitored) = monitored else {
            return self.stored(
                "queue",
                "connections",
                command.hint("operand"),
                "connection",
            );
        };
        let mut resolution = Resolution::none();
        for connection in monitored {
            resolution.merge(self.stored("queue", "connections", connection, "connection"));
        }
        resolution
    }

    /// A queue connection or a cache store, by its name or the default one.
    fn stored(&self, file: &str, list: &str, named: Option<&str>, key: &str) -> Resolution {
        let section = self.section(file);
        if matches!(section.val, Val::Null) {
            return Resolution::none();
        }
        let name = match named {
            Some(name) => name.to_owned(),
            None => match dig(&section, "default").map(|c| c.val) {
                Some(Val::Unknown(why)) => return Resolution::unresolved(why.to_string()),
                Some(val) => val.text().unwrap_or_default(),
                None => return Resolution::none(),
            },
        };
        match dig(&section, &format!("{list}.{name}")) {
            Some(config) => self.by_driver(&config, (file, list, &name), key),
            None => Resolution::none(),
        }
    }

    /// `auth:clear-resets [BROKER]`.
    fn resets(&self, command: &Command) -> Resolution {
        let section = self.section("auth");
        let broker = command.args.operand(0).map(str::to_owned);
        let broker = broker.or_else(|| dig(&section, "defaults.passwords")?.val.text());
        let path = format!("passwords.{}.connection", broker.unwrap_or_default());
        self.connection(dig(&section, &path).as_ref())
    }

    /// `--connection`, else the package's own default one.
    fn snapshots(&self, command: &Command) -> Resolution {
        let given = command.args.value(&["--connection"]);
        let given = given.map(|name| {
            Cell::new(
                Val::Str(name.to_owned()),
                Source::argument("option --connection"),
            )
        });
        let own = || dig(&self.section("db-snapshots"), "default_connection");
        self.connection(given.or_else(own).as_ref())
    }

    /// `--databases=one,two`.
    fn databases(&self, command: &Command) -> Resolution {
        let given = command.args.value(&["--databases"]).unwrap_or("");
        let mut resolution = Resolution::none();
        for name in given.split(',').map(str::trim) {
            let cell = Cell::new(
                Val::Str(name.to_owned()),
                Source::argument("option --databases"),
            );
            resolution.merge(self.connection(Some(&cell)));
        }
        resolution
    }

    /// Every connection of a list.
    fn each(&self, file: &str, path: &str) -> Resolution {
        let mut resolution = Resolution::none();
        match dig(&self.section(file), path) {
            None => return self.connection(None),
            Some(list) => match &list.val {
                Val::Array(items) if items.why_open().is_none() => {
                    for (_, cell) in items.iter() {
                        resolution.merge(self.connection(Some(cell)));
                    }
                }
                _ => return Resolution::unresolved(format!("{file}.{path} is not known")),
            },
        }
        resolution
    }

    /// A store or queue by its driver; locks may lie on a connection of their own.
    fn by_driver(
        &self,
        config: &Cell,
        (file, list, name): (&str, &str, &str),
        key: &str,
    ) -> Resolution {
        let connection = || {
            let own = dig(config, key).filter(|c| c.val.truth() != Some(false));
            own.or_else(|| dig(config, "connection"))
        };
        let driver = dig(config, "driver");
        match driver.as_ref().map(|d| &d.val) {
            Some(Val::Str(driver)) => match driver.as_str() {
                "database" => self.connection(connection().as_ref()),
                "redis" => self.redis(connection().as_ref()),
                "failover" => self.any_of(config, (file, list, name), key),
                _ => Resolution::none(),
            },
            Some(Val::Unknown(why)) => {
                Resolution::unresolved(format!("the {file} `{name}`: {why}"))
            }
            _ => Resolution::none(),
        }
    }

    /// The stores or connections that one falls over to.
    fn any_of(
        &self,
        config: &Cell,
        (file, list, name): (&str, &str, &str),
        key: &str,
    ) -> Resolution {
        let known = dig(config, list).map(|c| c.val);
        let Some(Val::Array(names)) = known.filter(|v| v.truth().is_some()) else {
            return Resolution::unresolved(format!("the {file} `{name}` falls over to others"));
        };
        let mut resolution = Resolution::none();
        for (_, cell) in names.iter() {
            let falls = |other: &str| {
                let driver = dig(&self.section(file), &format!("{list}.{other}.driver"));
                driver.and_then(|d| d.val.text()).as_deref() == Some("failover")
            };
            match cell.val.text().filter(|other| !falls(other)) {
                Some(other) => resolution.merge(self.stored(file, list, Some(&other), key)),
                None => resolution.merge(Resolution::unresolved(format!(
                    "the {file} `{name}` falls over to others"
                ))),
            }
        }
        resolution
    }

    /// Connections that migrations choose themselves, whatever `--database` says.
    fn migrations(&self, command: &Command) -> Resolution {
        let base = &self.env().base;
        let given: Vec<&str> = command
            .args
            .options
            .iter()
            .filter(|o| o.name == "--path")
            .filter_map(|o| o.value.as_deref())
            .collect();
        let realpath = command.args.has(&["--realpath"]);
        let place = |path: &&str| match realpath {
            true => PathBuf::from(path),
            false => base.join(path.trim_start_matches('/')),
        };
        match given.is_empty() {
            true => self.code(vec![base.join("database/migrations")]),
            false => self.code(given.iter().map(place).collect()),
        }
    }

    /// Connections that seeders choose, or the models they fill.
    fn seeders(&self) -> Resolution {
        let base = &self.env().base;
        self.code(vec![
            base.join("database/seeders"),
            base.join("database/seeds"),
        ])
    }

    /// Connections of the project's models.
    fn models(&self) -> Resolution {
        self.code(vec![self.env().base.join("app/Models")])
    }

    /// Connections that the files in these places choose.
    fn code(&self, places: Vec<PathBuf>) -> Resolution {
        let files = self.env().files();
        let mut open = places;
        let mut resolution = Resolution::none();
        let mut count = 0;
        while let Some(path) = open.pop() {
            if path.extension().is_some_and(|e| e == "php") {
                count += 1;
                self.file(&path, &mut resolution);
            } else {
                open.extend(files.list(&path).iter().map(|name| path.join(name)));
            }
            if count + open.len() > MAX_FILES {
                let why = format!("{}: too many files to look into", path.display());
                resolution.gaps.push(Gap::new("target", why));
                break;
            }
        }
        resolution
    }

    fn file(&self, file: &Path, resolution: &mut Resolution) {
        let env = self.env();
        let Ok(text) = env.files().read_text(file) else {
            return;
        };
        let names_models = text.contains("Models\\") || text.contains("use App\\");
        let sets = text.contains("database.");
        if !(text.contains("onnection") || names_models || sets) {
            return;
        }
        let statements = php::parse(&text);
        env.answers_config.set(true);
        for name in ["database", "telescope", "pulse", "queue", "cache"] {
            if text.contains(&format!("{name}.")) {
                self.section(name);
            }
        }
        if text.contains("onnection") {
            self.chosen(file, &chosen(&statements), resolution);
        }
        if sets {
            for why in boot::rewrites(file, &statements, env) {
                resolution.gaps.push(Gap::new("target", why));
            }
        }
        if names_models {
            for model in self.named_models(&statements, file) {
                if let Ok(text) = env.files().read_text(&model)
                    && text.contains("$connection")
                {
                    self.chosen(&model, &chosen(&php::parse(&text)), resolution);
                }
            }
        }
        env.answers_config.set(false);
    }

    /// Files of the models whose names stand in the code.
    fn named_models(&self, statements: &[Stmt], own: &Path) -> BTreeSet<PathBuf> {
        let env = self.env();
        let mut found = BTreeSet::new();
        ast::walk(statements, &mut |e| {
            let (Kind::StaticCall(class, ..) | Kind::New(class, _)) = &e.kind else {
                return;
            };
            let class = class.trim_start_matches('\\');
            let inside = class.strip_prefix("App\\").unwrap_or(class);
            let last = inside.rsplit('\\').next().unwrap_or(inside);
            let places = [
                format!("app/Models/{last}.php"),
                format!("app/{}.php", inside.replace('\\', "/")),
            ];
            let file = places.iter().map(|p| env.base.join(p));
            found.extend(file.into_iter().find(|p| env.files().is_file(p)));
        });
        found.remove(own);
        found
    }

    fn chosen(&self, file: &Path, expressions: &[(usize, ast::Expr)], resolution: &mut Resolution) {
        let env = self.env();
        let label = crate::files::shown(file, &env.base);
        for (line, expr) in expressions {
            let cell = php::expression(file, expr, env);
            let name = match &cell.val {
                Val::Null => continue,
                Val::Unknown(why) => {
                    let why = format!("{label}:{line} chooses a connection: {why}");
                    resolution.gaps.push(Gap::new("target", why));
                    continue;
                }
                val => match val.text().filter(|t| !t.is_empty()) {
                    Some(name) => name,
                    None => continue,
                },
            };
            let ask = Ask {
                direct: true,
                reads: false,
            };
            let mut found = self.connector.resolve(&name, self.database, ask);
            // A connection that is missing stops that code, not what ran before it.
            found.errors.clear();
            for target in &mut found.targets {
                target.notes.push(format!("chosen by {label}:{line}"));
            }
            let known = |t: &Target| {
                let same = |o: &Target| o.address == t.address && o.database == t.database;
                resolution.targets.iter().any(same)
            };
            found.targets.retain(|t| !known(t));
            resolution.merge(found);
        }
    }
}

/// Methods that name a connection, on whatever they are called.
const CHOOSING: &[&str] = &[
    "connection",
    "setConnection",
    "setDefaultConnection",
    "usingConnection",
];

/// The expressions that name a connection: `$connection` of a class, `Schema::connection()`,
/// `DB::connection()`, `Model::on()` and the like.
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
            let names = ["getConnection", "getConnectionName"];
            if names.iter().any(|n| name.eq_ignore_ascii_case(n)) {
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
        let (name, args, fixed) = match &e.kind {
            Kind::StaticCall(_, name, args) => (name, args, true),
            Kind::Method(_, name, args) => (name, args, false),
            _ => return,
        };
        let chooses = CHOOSING.iter().any(|c| name.eq_ignore_ascii_case(c))
            || fixed && name.eq_ignore_ascii_case("on");
        if let Some(arg) = args.first().filter(|_| chooses) {
            out.push((e.line, arg.value.clone()));
        }
    });
    out
}
