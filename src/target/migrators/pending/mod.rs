//! What the SQL files of a migration tool do counts as the command's own doing. Which of them are
//! pending only the database knows, so every file that may run is judged and the strictest decides,
//! but for those that the configuration says have run.

mod changelog;
mod operations;
mod places;
mod ran;
mod sections;

use std::path::{Path, PathBuf};

use crate::command::sql::{self, Dialect, Event, SqlReading};
use crate::command::{Action, Command, Effect, Place, Reach, World};
use crate::profile::Applied;
use crate::target::{Engine, Resolution};

use places::{Layout, Migrations};
use ran::Ran;

/// How many files and bytes of migrations are read, and how many of their statements are named.
const MAX_FILES: usize = 4096;
const MAX_BYTES: usize = 32 * 1024 * 1024;
const MAX_NAMED: usize = 16;
const MAX_DEPTH: usize = 16;

/// Adds to a command that runs migrations what the SQL files that it may run do.
pub(in crate::target) fn judge(
    command: &mut Command,
    resolution: &Resolution,
    applied: &[Applied],
    world: &World<'_>,
) {
    if command.stops_early.is_some() || command.effect() != Effect::ChangesSchema {
        return;
    }
    if command.tool.is_some_and(|t| t.name == "skeema") {
        if let Some(source) = super::mysql::skeema_drops(command, world) {
            let why = format!("{source}: what is not described is dropped");
            let action = Action::new("push --allow-unsafe", Effect::Destroys, why);
            command.actions.push(action.at(source.text().to_owned()));
        }
        return;
    }
    let Some(found) = Migrations::of(command, world) else {
        return;
    };
    if let Place::Elsewhere(place) = &command.step.place {
        let note = format!("the migrations lie in `{place}` and are not read");
        command.notes.push(note);
        return;
    }
    if command.step.cwd_unknown.is_some() {
        return;
    }
    let plan = found.as_ref().ok().and_then(|m| m.plan.as_deref());
    let mut reader = Reader {
        dialects: dialects(resolution),
        ran: Ran::of(applied, command, resolution, plan, world),
        cwd: command.step.cwd.clone(),
        world,
        files: 0,
        bytes: 0,
        full: false,
        raised: Vec::new(),
        reaches: Vec::new(),
    };
    match found {
        Ok(migrations) => reader.all(&migrations),
        Err(why) => reader.opaque("migrations", why),
    }
    reader.report(command);
}

/// The dialects in which the files may be meant: the targets', or every likely one.
fn dialects(resolution: &Resolution) -> Vec<Dialect> {
    let mut found = Vec::new();
    for target in &resolution.targets {
        let dialect = match target.engine {
            Engine::Postgres => Dialect::Postgres,
            Engine::Mysql => Dialect::Mysql,
            Engine::Sqlite => Dialect::Sqlite,
            Engine::Sqlserver => Dialect::Sqlserver,
            Engine::Clickhouse => Dialect::Clickhouse,
            Engine::Redis | Engine::Mongodb | Engine::Other(_) => Dialect::Generic,
        };
        if !found.contains(&dialect) {
            found.push(dialect);
        }
    }
    if found.is_empty() {
        found.extend([Dialect::Postgres, Dialect::Mysql, Dialect::Sqlite]);
    }
    found
}

/// Reads files and keeps what is worse than a change of the schema.
struct Reader<'a> {
    dialects: Vec<Dialect>,
    ran: Ran<'a>,
    cwd: PathBuf,
    world: &'a World<'a>,
    files: usize,
    bytes: usize,
    /// A bound was reached; it is said once.
    full: bool,
    raised: Vec<Action>,
    reaches: Vec<Reach>,
}

impl Reader<'_> {
    fn all(&mut self, migrations: &Migrations) {
        for path in &migrations.paths {
            match migrations.layout {
                Layout::Flat | Layout::Numbered | Layout::Tree | Layout::Flyway => {
                    self.folder(path, migrations, 0);
                }
                Layout::Folders => {
                    for name in self.world.files.list(path) {
                        let file = path.join(&name).join("up.sql");
                        let due =
                            migrations.may_run(&name) && !self.ran.has(path, &name, migrations);
                        if due && self.world.files.is_file(&file) {
                            self.file(&file, migrations);
                        }
                    }
                }
                Layout::File => self.file(path, migrations),
                Layout::Changelog => self.changelog(path, 0),
                Layout::Operations => self.operations(path, migrations),
            }
        }
    }

    fn folder(&mut self, folder: &Path, migrations: &Migrations, depth: usize) {
        for name in self.world.files.list(folder) {
            if self.full {
                return;
            }
            let path = folder.join(&name);
            if migrations.runs(&name) {
                if !self.ran.has(folder, &name, migrations) {
                    self.file(&path, migrations);
                }
            } else if matches!(migrations.layout, Layout::Tree | Layout::Flyway)
                && depth < MAX_DEPTH
                && self.world.files.is_dir(&path)
            {
                self.folder(&path, migrations, depth + 1);
            }
        }
    }

    fn file(&mut self, path: &Path, migrations: &Migrations) {
        let Some(text) = self.read(path) else { return };
        let shown = self.shown(path);
        if migrations.code(&shown) {
            self.opaque("migration", format!("{shown} is code"));
            return;
        }
        let up = sections::up(&text, migrations.style);
        if sections::templated(&up, migrations.style) {
            self.opaque("migration", format!("{shown} is filled in when it runs"));
        }
        self.statements(&up, &shown, 1, migrations.script);
    }

    /// The text of a file, within the bounds; what cannot be read can do anything.
    fn read(&mut self, path: &Path) -> Option<String> {
        self.files += 1;
        if self.full {
            return None;
        }
        match self.world.files.read_text(path) {
            Ok(text) => {
                self.bytes += text.len();
                if self.files > MAX_FILES || self.bytes > MAX_BYTES {
                    self.full = true;
                    self.opaque("migrations", "there are too many to read");
                    return None;
                }
                Some(text)
            }
            Err(e) => {
                let why = format!("{}: {e}", self.shown(path));
                self.opaque("migration", why);
                None
            }
        }
    }

    fn shown(&self, path: &Path) -> String {
        crate::files::shown(path, &self.cwd)
    }

    fn opaque(&mut self, name: &'static str, why: impl Into<String>) {
        self.raise(Action::new(name, Effect::Opaque, why.into()));
    }

    fn raise(&mut self, action: Action) {
        let room =
            self.raised.len() < MAX_NAMED || self.raised.iter().all(|a| a.effect < action.effect);
        if room && !self.raised.contains(&action) {
            self.raised.push(action);
        }
    }

    /// Judges a text whose first line is `line` of the file shown as `shown`. A `script` is read as
    /// the engine's own client would.
    fn statements(&mut self, text: &str, shown: &str, line: usize, script: bool) {
        for dialect in self.dialects.clone() {
            let reading = match dialect {
                Dialect::Postgres if script => sql::psql_script(text, &[]),
                Dialect::Mysql if script || delimited(text) => sql::mysql_script(text),
                Dialect::Sqlite if script => sql::sqlite_script(text),
                _ => sql::judge(text, dialect),
            };
            self.absorb(reading, shown, line);
        }
    }

    fn absorb(&mut self, reading: SqlReading, shown: &str, line: usize) {
        for statement in reading.statements {
            if statement.effect > Effect::ChangesSchema {
                let place = format!("{shown}:{}", statement.line + line - 1);
                let why = match statement.why.as_ref() {
                    "" => String::new(),
                    why => format!(": {why}"),
                };
                let action = Action::new(statement.name, statement.effect, format!("{place}{why}"));
                self.raise(action.at(place));
            }
        }
        for event in reading.events {
            match event {
                Event::Reach(reach) if self.reaches.len() < 256 => {
                    if !self.reaches.contains(&reach) {
                        self.reaches.push(reach);
                    }
                }
                Event::Reach(_) => {}
                Event::Include { path, .. } => {
                    self.opaque("migration", format!("{shown} runs {path}"));
                }
            }
        }
    }

    fn report(self, command: &mut Command) {
        if !self.raised.is_empty() {
            command.notes.push(
                "which migrations are pending only the database knows: every one that may run \
                 counts but those that `[[migrations]]` says have run"
                    .to_owned(),
            );
        }
        command.notes.extend(self.ran.notes);
        command.actions.extend(self.raised);
        command.reaches.extend(self.reaches);
    }
}

/// Whether a text uses the word of MySQL's client for another end of statements.
fn delimited(text: &str) -> bool {
    let word = |line: &str| {
        line.get(..10)
            .is_some_and(|w| w.eq_ignore_ascii_case("delimiter "))
    };
    text.lines().any(word)
}

#[cfg(test)]
mod tests;
