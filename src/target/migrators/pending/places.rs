//! Where a migration tool takes its files from, and which of them it would run.

use std::path::PathBuf;

use super::super::env_file::{Wins, value};
use super::super::{atlas, flyway, go, liquibase, variable};
use super::sections::Style;
use crate::command::{Command, World};
use crate::target::Traced;
use crate::target::readers::toml;

/// How the files lie in the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Any `.sql` file of it.
    Flat,
    /// `.sql` files whose names begin with a number.
    Numbered,
    /// `up.sql` in a folder each.
    Folders,
    /// Any, in folders below too.
    Tree,
    /// `V1__x.sql`, `R__x.sql`, callbacks, in folders below too.
    Flyway,
    /// One file of SQL.
    File,
    /// Liquibase's changelog.
    Changelog,
    /// pgroll's operations: a file or a folder of them.
    Operations,
}

/// The migrations that a command may run.
#[derive(Debug)]
pub(super) struct Migrations {
    /// Folders or files.
    pub(super) paths: Vec<PathBuf>,
    pub(super) layout: Layout,
    pub(super) style: Style,
    /// The last version that may run.
    until: Option<Vec<u64>>,
    /// Whether the engine's own client runs it.
    pub(super) script: bool,
    /// Files of this ending in the folder are programs.
    code: Option<&'static str>,
    /// The file that says in which order they run.
    pub(super) plan: Option<PathBuf>,
}

type Found = Result<Migrations, String>;

impl Migrations {
    /// The migrations of a command whose actions run some; `Err` where the place cannot be known.
    pub(super) fn of(command: &Command, world: &World<'_>) -> Option<Found> {
        let does = |names: &[&str]| {
            let mut actions = command.actions.iter();
            actions.any(|a| names.contains(&a.name.as_ref()))
        };
        Some(match command.tool?.name {
            "sqlx" if does(&["migrate run", "database setup"]) => sqlx(command, world),
            "diesel" if does(&["migration run", "database setup"]) => diesel(command, world),
            "refinery" if does(&["migrate"]) => refinery(command),
            "goose" if does(&["up"]) => goose(command, world),
            "golang-migrate" if does(&["up"]) => golang_migrate(command),
            "atlas" if does(&["migrate apply"]) => atlas_folder(command, world),
            "flyway" if does(&["migrate", "deploy"]) => flyway_folders(command, world),
            "liquibase" if does(&["update"]) => changelog(command, world)?,
            "dbmate" if does(&["up", "migrate"]) => dbmate(command, world),
            "dbmate" if does(&["load"]) => dbmate_schema(command, world),
            "node-pg-migrate" if does(&["up"]) => node_pg(command),
            "sql-migrate" if does(&["up"]) => sql_migrate(command, world),
            "tern" if does(&["migrate"]) => tern(command),
            "sqitch" if does(&["deploy"]) => sqitch(command, world),
            "pgroll" if does(&["start", "migrate"]) => pgroll(command)?,
            _ => return None,
        })
    }

    /// Whether the tool runs a file of that name on the way up.
    pub(super) fn runs(&self, name: &str) -> bool {
        if self.code.is_some_and(|end| name.ends_with(end)) {
            return name.starts_with(|c: char| c.is_ascii_digit()) && !name.ends_with("_test.go");
        }
        let lower = name.to_ascii_lowercase();
        if !lower.ends_with(".sql") || lower.ends_with(".down.sql") {
            return false;
        }
        match self.layout {
            Layout::Numbered => {
                name.starts_with(|c: char| c.is_ascii_digit()) && self.may_run(name)
            }
            Layout::Tree => self.may_run(name),
            // Undo migrations and the callbacks around them.
            Layout::Flyway => {
                let undo = name.starts_with('U') && name.contains("__");
                let around = ["beforeClean", "afterClean", "beforeUndo", "afterUndo"];
                !undo && !around.iter().any(|c| name.starts_with(c)) && self.may_run(name)
            }
            _ => true,
        }
    }

    /// Whether a version lies within what was asked for.
    pub(super) fn may_run(&self, name: &str) -> bool {
        match (&self.until, version(name)) {
            (Some(until), Some(version)) => version <= *until,
            _ => true,
        }
    }

    /// Whether the names of its files say which migrations they are.
    pub(super) fn has_versions(&self) -> bool {
        !matches!(self.layout, Layout::File | Layout::Changelog)
    }

    /// Whether that file is a program.
    pub(super) fn code(&self, name: &str) -> bool {
        self.code.is_some_and(|end| name.ends_with(end))
    }

    fn until(mut self, limit: Option<&str>) -> Self {
        self.until = limit.and_then(version);
        self
    }

    fn style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }
}

fn migrations(paths: Vec<PathBuf>, layout: Layout) -> Migrations {
    Migrations {
        paths,
        layout,
        style: Style::Whole,
        until: None,
        script: false,
        code: None,
        plan: None,
    }
}

/// The numbers that a file's name or a version begins with: `20240101_x.sql`, `V1.2__x.sql`.
pub(super) fn version(name: &str) -> Option<Vec<u64>> {
    let name = name.strip_prefix(['V', 'v']).unwrap_or(name);
    let head = name.split("__").next().unwrap_or(name);
    let dotted = name != head || head.contains('.');
    let numbers = head
        .split(|c| c == '.' || (dotted && c == '_'))
        .map_while(|part| {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            part.get(..digits)?.parse().ok()
        });
    let found: Vec<u64> = if dotted {
        numbers.collect()
    } else {
        numbers.take(1).collect()
    };
    (!found.is_empty()).then_some(found)
}

/// The value of one of these options; an error where it is not literal.
fn option(command: &Command, names: &[&str]) -> Result<Option<String>, String> {
    match command.args.last(names) {
        Some(found) => match (&found.unknown, &found.value) {
            (Some(why), _) => Err(format!("option {}: {why}", found.name)),
            (None, value) => Ok(value.clone()),
        },
        None => Ok(None),
    }
}

fn in_folder(command: &Command, folder: Option<&str>, layout: Layout) -> Found {
    let folder = folder.unwrap_or("migrations");
    Ok(migrations(vec![command.step.path(folder)], layout))
}

/// A variable, or else a line of `.env` in the working directory as godotenv reads it.
fn setting(command: &Command, world: &World<'_>, name: &str) -> Result<Option<String>, String> {
    if let Some(found) = variable(command, name) {
        return Ok(Some(found.value).filter(|v| !v.is_empty()));
    }
    match value(&command.step.path(".env"), name, Wins::Last, command, world) {
        Some(Ok(found)) => Ok(Some(found.value).filter(|v| !v.is_empty())),
        Some(Err(gap)) => Err(gap.reason),
        None => Ok(None),
    }
}

/// A text of a TOML file, by its path of keys.
fn toml_text(command: &Command, world: &World<'_>, file: &str, keys: &[&str]) -> Option<Traced> {
    let text = world.files.read_text(&command.step.path(file)).ok()?;
    let root = toml::read(&text, file).ok()?;
    let found = keys.iter().try_fold(&root, |at, key| at.get(key))?;
    Some(found.clone())
}

fn sqlx(command: &Command, world: &World<'_>) -> Found {
    let config = command.args.value(&["--config"]).unwrap_or("sqlx.toml");
    let folder = match option(command, &["--source"])? {
        Some(folder) => Some(folder),
        None => toml_text(command, world, config, &["migrate", "migrations-dir"])
            .and_then(|t| t.as_str().map(str::to_owned)),
    };
    let until = option(command, &["--target-version"])?;
    let found = in_folder(command, folder.as_deref(), Layout::Numbered)?;
    Ok(found.until(until.as_deref()))
}

fn diesel(command: &Command, world: &World<'_>) -> Found {
    let mut folder = option(command, &["--migration-dir"])?;
    if folder.is_none() {
        folder = variable(command, "MIGRATION_DIRECTORY").map(|v| v.value);
    }
    if folder.is_none() {
        let config = command.args.value(&["--config-file"]);
        let config = config.unwrap_or("diesel.toml");
        folder = toml_text(command, world, config, &["migrations_directory", "dir"])
            .and_then(|t| t.as_str().map(str::to_owned));
    }
    if let Some(folder) = folder {
        return in_folder(command, Some(&folder), Layout::Folders);
    }
    let mut above = command.step.cwd.ancestors().map(|d| d.join("migrations"));
    let found = above.find(|d| world.files.is_dir(d));
    Ok(migrations(found.into_iter().collect(), Layout::Folders))
}

fn refinery(command: &Command) -> Found {
    let folder = option(command, &["-p"])?;
    let until = option(command, &["--target"])?;
    let found = in_folder(command, folder.as_deref(), Layout::Tree)?;
    Ok(found.until(until.as_deref()))
}

fn goose(command: &Command, world: &World<'_>) -> Found {
    let folder = match option(command, &["-dir", "--dir"])? {
        Some(folder) => Some(folder),
        None => setting(command, world, "GOOSE_MIGRATION_DIR")?,
    };
    let folder = folder.unwrap_or_else(|| ".".to_owned());
    let until = command
        .args
        .operand_texts()
        .skip_while(|w| *w != "up-to")
        .nth(1);
    let mut found = in_folder(command, Some(&folder), Layout::Numbered)?
        .until(until)
        .style(Style::Marked("+goose"));
    found.code = Some(".go");
    Ok(found)
}

fn golang_migrate(command: &Command) -> Found {
    if let Some(folder) = option(command, &["-path", "--path"])? {
        return in_folder(command, Some(&folder), Layout::Numbered);
    }
    match option(command, &["-source", "--source"])? {
        Some(source) => match source.strip_prefix("file://") {
            Some(folder) => in_folder(command, Some(folder), Layout::Numbered),
            None => Err("the migrations do not lie in a folder here".to_owned()),
        },
        None => Ok(migrations(Vec::new(), Layout::Numbered)),
    }
}

fn atlas_folder(command: &Command, world: &World<'_>) -> Found {
    let url = match option(command, &["--dir"])? {
        Some(url) => url,
        None => match atlas::migration_folder(command, world) {
            Some(url) => url?,
            None => "file://migrations".to_owned(),
        },
    };
    let Some(tail) = url.strip_prefix("file://") else {
        return Err("the migrations do not lie in a folder here".to_owned());
    };
    let (folder, query) = tail.split_once('?').unwrap_or((tail, ""));
    let format = query.split('&').find_map(|p| p.strip_prefix("format="));
    let until = option(command, &["--to-version"])?;
    let found = match format.unwrap_or("atlas") {
        "goose" => in_folder(command, Some(folder), Layout::Flat)?.style(Style::Marked("+goose")),
        "dbmate" => in_folder(command, Some(folder), Layout::Flat)?.style(Style::Marked("migrate")),
        "flyway" => in_folder(command, Some(folder), Layout::Flyway)?,
        _ => in_folder(command, Some(folder), Layout::Flat)?,
    };
    Ok(found.until(until.as_deref()))
}

fn flyway_folders(command: &Command, world: &World<'_>) -> Found {
    let given = flyway::setting(command, world, "locations");
    let listed = given.unwrap_or_else(|| "filesystem:sql".to_owned());
    let mut paths = Vec::new();
    for location in listed.split(',').map(str::trim).filter(|l| !l.is_empty()) {
        let folder = match location.split_once(':') {
            Some(("filesystem", folder)) => folder,
            // The class path is a tool's or a program's; in a source tree it is this folder.
            Some(("classpath", _)) => continue,
            Some(_) => return Err("the migrations do not lie in a folder here".to_owned()),
            None => location,
        };
        let plain = folder.split(['*', '?']).next().unwrap_or(folder);
        let folder = match plain == folder {
            true => folder,
            false => plain.rsplit_once('/').map_or(".", |(dir, _)| dir),
        };
        paths.push(command.step.path(folder));
    }
    let until = flyway::setting(command, world, "target");
    Ok(migrations(paths, Layout::Flyway)
        .until(until.as_deref())
        .style(Style::Placeholders))
}

fn changelog(command: &Command, world: &World<'_>) -> Option<Found> {
    let names = ["--changelog-file", "--changeLogFile", "--changelogFile"];
    let file = match option(command, &names) {
        Ok(Some(file)) => file,
        Ok(None) => liquibase::changelog_file(command, world)?,
        Err(why) => return Some(Err(why)),
    };
    Some(Ok(migrations(
        vec![command.step.path(file)],
        Layout::Changelog,
    )))
}

fn dbmate(command: &Command, world: &World<'_>) -> Found {
    let options = command.args.options.iter();
    let mut folders = Vec::new();
    for given in options.filter(|o| ["-d", "--migrations-dir"].contains(&o.name.as_str())) {
        match (&given.unknown, &given.value) {
            (Some(why), _) => return Err(format!("option {}: {why}", given.name)),
            (None, value) => folders.extend(value.clone()),
        }
    }
    if folders.is_empty() {
        let named = setting(command, world, "DBMATE_MIGRATIONS_DIR")?;
        let named = named.unwrap_or_else(|| "db/migrations".to_owned());
        folders.extend(named.split(',').map(str::to_owned));
    }
    let paths = folders.iter().map(|f| command.step.path(f)).collect();
    Ok(migrations(paths, Layout::Numbered).style(Style::Marked("migrate")))
}

fn dbmate_schema(command: &Command, world: &World<'_>) -> Found {
    let file = match option(command, &["-s", "--schema-file"])? {
        Some(file) => Some(file),
        None => setting(command, world, "DBMATE_SCHEMA_FILE")?,
    };
    let file = command
        .step
        .path(file.as_deref().unwrap_or("db/schema.sql"));
    let there = world.files.exists(&file);
    let paths = there.then_some(file).into_iter().collect();
    let mut found = migrations(paths, Layout::File);
    found.script = true;
    Ok(found)
}

fn node_pg(command: &Command) -> Found {
    let folder = option(command, &["-m", "--migrations-dir"])?;
    let found = in_folder(command, folder.as_deref(), Layout::Flat)?;
    Ok(found.style(Style::NodePg))
}

fn sql_migrate(command: &Command, world: &World<'_>) -> Found {
    let folder = match go::sql_migrate_section(command, world) {
        Some(Some(section)) => section
            .get("dir")
            .and_then(Traced::as_str)
            .map(str::to_owned),
        Some(None) => None,
        None => option(command, &["-dir"])?,
    };
    let folder = folder.filter(|f| !f.is_empty());
    let found = in_folder(command, folder.as_deref(), Layout::Flat)?;
    Ok(found.style(Style::Marked("+migrate")))
}

fn tern(command: &Command) -> Found {
    let folder = option(command, &["-m", "--migrations"])?;
    let found = in_folder(command, folder.as_deref().or(Some(".")), Layout::Numbered)?;
    Ok(found.style(Style::Tern))
}

/// The folders of `sqitch.conf`: `core.top_dir`, `core.deploy_dir`, `core.plan_file`.
fn sqitch(command: &Command, world: &World<'_>) -> Found {
    let conf = world.files.read_text(&command.step.path("sqitch.conf"));
    let (mut top, mut deploy, mut plan) = (".".to_owned(), None, None);
    let mut section = String::new();
    for line in conf.unwrap_or_default().lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').trim().to_ascii_lowercase();
        }
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let value = value.trim().trim_matches('"').to_owned();
        let place = match key.trim().to_ascii_lowercase().as_str() {
            "top_dir" => &mut top,
            "deploy_dir" => deploy.insert(value.clone()),
            "plan_file" => plan.insert(value.clone()),
            _ => continue,
        };
        if section != "core" {
            return Err("sqitch.conf names folders for an engine or a target".to_owned());
        }
        *place = value;
    }
    let top = command.step.path(top);
    let below = |name: Option<String>, usual: &str| match name {
        Some(name) => command.step.path(name),
        None => top.join(usual),
    };
    let given = option(command, &["--plan-file", "-f"])?;
    let mut found = migrations(vec![below(deploy, "deploy")], Layout::Tree);
    found.plan = Some(below(given.or(plan), "sqitch.plan"));
    Ok(found)
}

fn pgroll(command: &Command) -> Option<Found> {
    let (_, word) = command.args.operands.get(1)?;
    Some(match &word.unknown {
        Some(why) => Err(why.clone()),
        None => in_folder(command, Some(&word.text), Layout::Operations),
    })
}
