//! Laravel: from the words of an artisan command to the databases it reaches, by the rules of the
//! project's own release (5.0 to 13).

mod boot;
mod config;
mod connection;
mod env;
pub(super) mod probe;
mod testing;
mod url;
mod uses;
mod version;

use std::path::PathBuf;

use crate::command::{Command, Stop, World};
use crate::source::{Source, SourceKind, Sourced};
use crate::target::readers::php::{Cell, Found, Val};
use crate::target::{Gap, Resolution};
use config::Origin;
use connection::{Ask, Connector};
use env::{Boot, Env};

pub use version::{Release, Version, detect};

/// Finds the databases of an artisan command. The reader leaves the hints `root` (the project),
/// `script` (the artisan file), `artisan` (the command's name), `tokens` (how many words stand
/// before artisan's own), `connection` (`--database`) and `uses`.
pub fn resolve(command: &Command, world: &World<'_>) -> Resolution {
    resolve_as(command, world, None)
}

/// The same by the kernel's own configuration, where it was asked for it.
fn resolve_as(command: &Command, world: &World<'_>, kernel: Option<&probe::Kernel>) -> Resolution {
    if command.hint("uses") == Some("none") {
        return Resolution::none();
    }
    let Some(root) = command.hint("root").map(PathBuf::from) else {
        return Resolution::unresolved("the project of this command is not known");
    };
    match Session::start(root, command, world, kernel) {
        Ok(session) => session.resolve(command, world),
        Err(stop) => Resolution {
            errors: vec![stop],
            ..Resolution::default()
        },
    }
}

/// A project as one command sees it.
struct Session<'a> {
    env: Env<'a>,
    boot: Boot,
    origin: Origin,
    notes: Vec<String>,
    tokens: Vec<String>,
    /// The console script, as it is shown.
    script: String,
}

impl<'a> Session<'a> {
    fn start(
        root: PathBuf,
        command: &Command,
        world: &World<'a>,
        kernel: Option<&probe::Kernel>,
    ) -> Result<Session<'a>, Stop> {
        let files = world.files;
        let argv: Vec<String> = command.step.argv.iter().map(|w| w.text.clone()).collect();
        let before: usize = command
            .hint("tokens")
            .and_then(|n| n.parse().ok())
            .unwrap_or(1);
        let tokens = argv.get(before..).unwrap_or(&[]).to_vec();
        let php_words = argv.get(..before).unwrap_or(&[]).to_vec();
        let script = command
            .hint("script")
            .map_or_else(|| root.join("artisan"), PathBuf::from);
        let release = version::detect(&root, files);
        let testing = command.hint("testing").is_some();
        let vars = &if testing {
            testing::variables(command, &root, &command.step.vars, release.laravel, files)
        } else {
            command.step.vars.clone()
        };
        let first = Env::new(
            root.clone(),
            release,
            vars,
            &Boot::default(),
            files,
            &php_words,
        );
        let mut boot = boot::read(&root, &script, &first, files);
        let mut base = boot.base.clone().unwrap_or_else(|| root.clone());
        let mut notes = Vec::new();
        if let Some(moved) = &boot.base {
            notes.push(format!(
                "the application's directory is {}",
                moved.display()
            ));
        }
        if let Some(path) = moved_by_variable(release, &root, &first, files) {
            base = path;
        }
        let release = if base == root {
            release
        } else {
            version::detect(&base, files)
        };
        if !release.found {
            notes.push(
                "Laravel's version is not known: the rules of the newest one are taken".to_owned(),
            );
        }
        let mut env = Env::new(base, release, vars, &boot, files, &php_words);
        if command
            .hint("testing")
            .is_some_and(|t| t.starts_with("dusk"))
        {
            let dusk = files
                .list(&env.base)
                .iter()
                .any(|n| n.starts_with(".env.dusk"));
            if dusk {
                boot.unclear.push(
                    "dusk puts a .env.dusk file in the place of .env while it runs".to_owned(),
                );
            }
        }
        if config::is_cached(&env) {
            notes.push(
                "the configuration is cached: .env files and variables are not read".to_owned(),
            );
        } else {
            match env.load(&boot, &tokens) {
                // The kernel did start.
                Err(stop) if kernel.is_none() => return Err(stop),
                _ => {}
            }
        }
        let origin = match config::origin(&env) {
            Ok(origin) => origin,
            Err(stop) if kernel.is_none() => return Err(stop),
            Err(_) => Origin::Files,
        };
        if let Origin::Cached(..) = origin {
            boot.unmerged = true;
        }
        let mut session = Session {
            script: crate::files::shown(&script, &root),
            env,
            boot,
            origin,
            notes,
            tokens,
        };
        if let Some(kernel) = kernel {
            kernel.answers(&mut session);
        }
        Ok(session)
    }

    fn section(&self, name: &str) -> Cell {
        config::section(name, &self.origin, &self.env, &self.boot)
    }

    fn resolve(&self, command: &Command, world: &World<'_>) -> Resolution {
        if let Some(stop) = self.broken_cache() {
            return Resolution {
                errors: vec![stop],
                ..Resolution::default()
            };
        }
        let database = self.section("database");
        let connector = Connector {
            env: &self.env,
            command,
            world,
        };
        let uses = uses::Uses {
            connector: &connector,
            origin: &self.origin,
            boot: &self.boot,
            database: &database,
            default: default_name(&database).ok(),
        };
        let wanted: Vec<&str> = command.hint("uses").unwrap_or("main").split(' ').collect();
        let mut resolution = Resolution::none();
        if wanted.contains(&"main") {
            resolution.merge(self.main(command, &database, &connector));
        }
        if resolution.errors.is_empty() {
            for what in wanted.iter().filter(|w| **w != "main") {
                let mut found = uses.of(what, command);
                if wanted.contains(&"main") {
                    found.errors.clear();
                }
                found.targets.retain(|t| {
                    !resolution.targets.iter().any(|o| {
                        o.engine == t.engine && o.address == t.address && o.database == t.database
                    })
                });
                resolution.merge(found);
            }
        }
        resolution.asked = self.env.asked.take();
        if resolution.errors.is_empty() {
            for why in self.boot.unclear.iter().chain(&self.boot.rewrites) {
                resolution.gaps.push(Gap::new("target", why.clone()));
            }
        }
        let environment = self.environment();
        for target in resolution
            .targets
            .iter_mut()
            .chain(&mut resolution.replicas)
        {
            target.environment.clone_from(&environment);
        }
        resolution.notes.extend(self.notes.iter().cloned());
        resolution
    }

    /// The command's main connection: `--database`, else the default one.
    fn main(&self, command: &Command, database: &Cell, connector: &Connector<'_>) -> Resolution {
        let name = match command.hint("connection").filter(|n| !n.is_empty()) {
            Some(name) => name.to_owned(),
            None => match default_name(database) {
                Ok(name) => name,
                Err(resolution) => return *resolution,
            },
        };
        let artisan = command.hint("artisan").unwrap_or("");
        let direct =
            artisan.starts_with("migrate") || matches!(artisan, "db:wipe" | "db" | "schema:dump");
        let reads = command.hint("reads").is_some();
        connector.resolve(&name, database, Ask { direct, reads })
    }

    /// A cache file that holds no application: no command is there to run.
    fn broken_cache(&self) -> Option<Stop> {
        let Origin::Cached(cell, path) = &self.origin else {
            return None;
        };
        let label = crate::files::shown(path, &self.env.base);
        match &cell.val {
            Val::Array(_) => match (cell.get("app"), cell.get("database")) {
                (Found::No, Found::No) => Some(Stop::new(
                    "command-unknown",
                    format!("{label} is empty: no command is registered"),
                )),
                _ => None,
            },
            Val::Unknown(_) => None,
            _ => Some(Stop::new(
                "cached-config-unreadable",
                format!("{label} returns no configuration"),
            )),
        }
    }

    /// The framework environment: `--env`, else `app.env`.
    fn environment(&self) -> Option<Sourced<String>> {
        if let Some(value) = env::env_option(&self.tokens) {
            return Some(Sourced::new(value, Source::argument("option --env")));
        }
        let app = self.section("app");
        let cell = match app.get("env") {
            Found::Yes(cell) => cell.clone(),
            _ if matches!(self.origin, Origin::Files) => match self.env.get("APP_ENV") {
                Some(cell) => cell,
                None => Cell::new(
                    Val::Str("production".to_owned()),
                    Source::default_of("Laravel"),
                ),
            },
            _ => return None,
        };
        let value = cell.val.text()?;
        Some(Sourced {
            value,
            source: cell.source,
            beat: cell.beat,
        })
    }
}

fn default_name(database: &Cell) -> Result<String, Box<Resolution>> {
    match database.get("default") {
        Found::Yes(cell) => match &cell.val {
            Val::Unknown(why) => Err(Box::new(Resolution::unresolved(format!(
                "the default connection: {why}"
            )))),
            val => match val.text().filter(|t| !t.is_empty()) {
                Some(name) => Ok(name),
                None => Err(Box::new(Resolution::error(
                    "connection-not-configured",
                    format!("the default connection has no name ({})", cell.source),
                ))),
            },
        },
        Found::No => Err(Box::new(Resolution::error(
            "connection-not-configured",
            format!("no default connection is configured ({})", database.source),
        ))),
        Found::Unknown(why) => Err(Box::new(Resolution::unresolved(format!(
            "the default connection: {why}"
        )))),
    }
}

/// Releases from 11 on take the directory from `APP_BASE_PATH` where the bootstrap names none.
fn moved_by_variable(
    release: Release,
    root: &std::path::Path,
    env: &Env<'_>,
    files: &dyn crate::files::Files,
) -> Option<PathBuf> {
    if !release.laravel.at_least(11, 0) {
        return None;
    }
    let text = files.read_text(&root.join("bootstrap/app.php")).ok()?;
    if text.contains("basePath:") || !text.contains("Application::configure(") {
        return None;
    }
    let (value, source) = env.raw("APP_BASE_PATH")?;
    (source.kind() != SourceKind::ProjectFile && value.starts_with('/'))
        .then(|| PathBuf::from(value))
}
