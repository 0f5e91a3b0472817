//! Which migrations have run already, by what the configuration says of the targets: those a tool
//! does not run again.

use std::path::Path;

use super::places::{Migrations, version};
use crate::command::{Command, World};
use crate::profile::Applied;
use crate::target::{Resolution, Target, marks};

/// How a tool knows a migration that has run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Identity {
    /// What is not newer than the newest that has run is not run either.
    Newest,
    /// By its number.
    Number,
    /// By the letters of its number: `1` has not run where `01` has.
    Letters,
    /// As `Letters`, without dashes.
    Dashless,
    /// By the file's name.
    File,
    /// By the file's name without its ending.
    Stem,
    /// What stands in the plan up to the last that has run is not run again.
    Plan,
}

/// How the command's tool knows them; `None` where this is not known of it.
fn identity(command: &Command) -> Option<Identity> {
    let given = |names: &[&str]| command.args.last(names).is_some();
    Some(match command.tool?.name {
        "golang-migrate" | "tern" => Identity::Newest,
        "goose" if given(&["-allow-missing", "--allow-missing"]) => Identity::Number,
        "goose" => Identity::Newest,
        "sqlx" | "refinery" | "flyway" => Identity::Number,
        "dbmate" | "atlas" => Identity::Letters,
        "diesel" => Identity::Dashless,
        "sql-migrate" => Identity::File,
        "node-pg-migrate" | "pgroll" => Identity::Stem,
        "sqitch" => Identity::Plan,
        _ => return None,
    })
}

/// What has run on every target of a command.
pub(super) struct Ran<'a> {
    identity: Option<Identity>,
    /// Of each target what is said of it: for which folder, and the versions.
    targets: Vec<Vec<(Option<&'a str>, Vec<String>)>>,
    /// The changes of a plan, in order.
    plan: Vec<String>,
    /// Remarks: who said so, or why it cannot be known.
    pub(super) notes: Vec<String>,
}

impl<'a> Ran<'a> {
    pub(super) fn of(
        applied: &'a [Applied],
        command: &Command,
        resolution: &Resolution,
        plan: Option<&Path>,
        world: &World<'_>,
    ) -> Self {
        let plan = plan.and_then(|path| world.files.read_text(path).ok());
        let mut ran = Ran {
            identity: identity(command),
            targets: Vec::new(),
            plan: plan.map(|text| changes(&text)).unwrap_or_default(),
            notes: Vec::new(),
        };
        if resolution.gaps.is_empty() && ran.identity.is_some() {
            let targets = resolution.targets.iter();
            let said = targets.map(|target| ran.said(applied, target, world));
            ran.targets = said.collect();
        }
        ran
    }

    fn said(
        &mut self,
        applied: &'a [Applied],
        target: &Target,
        world: &World<'_>,
    ) -> Vec<(Option<&'a str>, Vec<String>)> {
        let mut said = Vec::new();
        for one in applied.iter().filter(|a| marks::matches(&a.on, target)) {
            let mut versions = one.versions.clone();
            let mut note = format!("migrations that have run: {}", one.on.source);
            if let Some(file) = &one.versions_file {
                match world.files.read_text(Path::new(file)) {
                    Ok(text) => versions.extend(text.lines().filter_map(first_word)),
                    Err(e) => note = format!("{note}: {file}: {e}"),
                }
            }
            self.notes.push(note);
            said.push((one.folder.as_deref(), versions));
        }
        said
    }

    /// Whether a migration of that name in the folder has run, on every target.
    pub(super) fn has(&self, folder: &Path, name: &str, migrations: &Migrations) -> bool {
        let Some(identity) = self.identity else {
            return false;
        };
        let here = |wanted: &Option<&str>| wanted.is_none_or(|wanted| folder.ends_with(wanted));
        let planned = migrations.paths.first().map(|top| {
            let below = folder.strip_prefix(top).unwrap_or(folder);
            self.place(below.join(name).to_str()?.strip_suffix(".sql")?)
        });
        let planned = planned.flatten();
        let on = |said: &Vec<(Option<&str>, Vec<String>)>| {
            let lists = said.iter().filter(|(wanted, _)| here(wanted));
            let mut versions = lists.flat_map(|(_, versions)| versions);
            match identity {
                Identity::Plan => versions.any(|ran| {
                    let first = self.plan.iter().position(|change| change == ran);
                    first.is_some_and(|ran| planned.is_some_and(|change| change <= ran))
                }),
                _ => versions.any(|ran| is_known(identity, name, ran)),
            }
        };
        migrations.has_versions() && !self.targets.is_empty() && self.targets.iter().all(on)
    }
}

impl Ran<'_> {
    /// Where the change of a script stands in the plan. One that was reworked stands there twice:
    /// its first script is called `NAME@TAG`.
    fn place(&self, script: &str) -> Option<usize> {
        match script.split_once('@') {
            Some((name, _)) => self.plan.iter().position(|change| change == name),
            None => self.plan.iter().rposition(|change| change == script),
        }
    }
}

/// The changes that a plan of Sqitch lists.
fn changes(plan: &str) -> Vec<String> {
    let lines = plan.lines().map(str::trim_start);
    lines
        .filter(|line| !line.starts_with(['%', '#', '@', '-']))
        .filter_map(first_word)
        .map(|word| word.trim_start_matches('+').to_owned())
        .collect()
}

/// Whether a tool that has run version `ran` leaves out the file.
fn is_known(identity: Identity, name: &str, ran: &str) -> bool {
    let letters = || {
        let end = name.find('_').unwrap_or(name.len());
        name.get(..end).unwrap_or_default().trim_end_matches(".sql")
    };
    match identity {
        Identity::Newest => version(ran).is_some_and(|ran| version(name).is_some_and(|v| v <= ran)),
        Identity::Number => version(ran).is_some_and(|ran| version(name) == Some(ran)),
        Identity::Letters => letters() == ran,
        Identity::Dashless => letters().replace('-', "") == ran,
        Identity::File => name == ran,
        Identity::Stem => name.rsplit_once('.').map_or(name, |(stem, _)| stem) == ran,
        Identity::Plan => false,
    }
}

fn first_word(line: &str) -> Option<String> {
    let word = line.split_whitespace().next()?;
    Some(word.to_owned())
}
