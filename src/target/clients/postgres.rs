//! psql and its family: options and operands to libpq's parameters, switches inside scripts.

use super::debian;
use crate::command::{Command, Reach, Stdin, Stop, World};
use crate::environment::Vars;
use crate::source::{Source, Sourced};
use crate::target::libpq::{self, Filled, Params};
use crate::target::{Gap, Resolution, Target};

/// Finds the databases of a libpq program.
pub(super) fn resolve(command: &Command, world: &World<'_>) -> Resolution {
    if let Some(why) = command.hint("unread") {
        return Resolution::unresolved(why.to_owned());
    }
    if command.hint("local").is_some() {
        return Resolution::none();
    }
    match targets(command, world) {
        Ok(resolution) => resolution,
        Err(stop) => Resolution {
            errors: vec![stop],
            ..Resolution::default()
        },
    }
}

/// An option's value as a setting.
fn option(command: &Command, name: &str) -> libpq::Setting {
    command.args.value(&[name]).map(|value| {
        Sourced::new(
            value.to_owned(),
            Source::argument(&format!("option {name}")),
        )
    })
}

fn operand(command: &Command, number: usize) -> libpq::Setting {
    command
        .args
        .operand(number)
        .map(|value| Sourced::new(value.to_owned(), Source::argument("operand")))
}

fn targets(command: &Command, world: &World<'_>) -> Result<Resolution, Stop> {
    let vars = debian::variables(&command.step, world)?;
    let from = command
        .tool
        .and_then(|t| t.data("database").first().copied())
        .unwrap_or("option");
    let flags = Params {
        host: option(command, "--host"),
        port: option(command, "--port"),
        user: option(command, "--username"),
        ..Params::default()
    }
    .without_empty();
    let dbname = option(command, "--dbname").or_else(|| option(command, "--database"));
    let first = operand(command, 0);
    let fill = |params: Params| libpq::fill(params, &vars, &command.step, world);
    let expand = |params: Params, name: libpq::Setting| match name {
        Some(name) => params.with_dbname(name),
        None => Ok(params),
    };
    match from {
        "psql" => psql(command, world, &vars, flags, dbname, first),
        "named" | "named-or-own" => {
            let maintenance = option(command, "--maintenance-db");
            let filled = fill(expand(flags, maintenance)?)?;
            match first.or_else(|| own_name(&vars, command, world)) {
                Some(name) if from == "named-or-own" || command.args.operand(0).is_some() => {
                    Ok(renamed(filled, name).resolution())
                }
                _ => Err(Stop::new("argv-rejected", "the database's name is missing")),
            }
        }
        "maintenance" => {
            let source = Source::default_of(command.tool_name());
            Ok(renamed(fill(flags)?, Sourced::new("postgres".into(), source)).resolution())
        }
        "all" => {
            let own = dbname.map_or(Ok(Params::default()), |d| conninfo(&d))?;
            // Here the options beat the connection string.
            let filled = fill(own.under(flags))?;
            Ok(renamed(filled, every(Source::argument(command.tool_name()))).resolution())
        }
        "replication" => {
            let own = dbname.map_or(Ok(Params::default()), |d| conninfo(&d))?;
            let mut resolution = fill(own.under(flags))?.resolution();
            // Logical decoding is of one database.
            if command.tool_name() == "pg_recvlogical" {
                return Ok(resolution);
            }
            for target in &mut resolution.targets {
                target.database = None;
            }
            Ok(resolution)
        }
        "operands" => {
            let mut all = Resolution::none();
            for number in 0..command.args.operands.len() {
                all.merge(fill(expand(flags.clone(), operand(command, number))?)?.resolution());
            }
            Ok(all)
        }
        "operand" => Ok(fill(expand(flags, first)?)?.resolution()),
        "restore" => restore(command, fill(expand(flags, dbname)?)?, world),
        "option" => Ok(fill(expand(flags, dbname)?)?.resolution()),
        _ if command.args.has(&["--all"]) => {
            let maintenance = option(command, "--maintenance-db").or(dbname);
            let filled = fill(expand(flags, maintenance)?)?;
            Ok(renamed(filled, every(Source::argument("option --all"))).resolution())
        }
        _ => Ok(fill(expand(flags, dbname.or(first))?)?.resolution()),
    }
}

fn every(source: Source) -> Sourced<String> {
    Sourced::new("*".to_owned(), source)
}

/// A connection string, or a plain name.
fn conninfo(text: &Sourced<String>) -> Result<Params, Stop> {
    Params::default().with_dbname(text.clone())
}

/// `createdb` without a name: `PGDATABASE`, else `PGUSER`, else the operating system's user.
fn own_name(vars: &Vars, command: &Command, world: &World<'_>) -> libpq::Setting {
    for name in ["PGDATABASE", "PGUSER"] {
        if let Some(var) = vars.get(name) {
            let value = var.value.to_string_lossy().into_owned();
            return Some(Sourced::new(value, var.source.with_note(name)));
        }
    }
    let user = command
        .step
        .user
        .clone()
        .unwrap_or_else(|| world.caller.user.clone());
    Some(Sourced::new(user, Source::default_of("createdb")))
}

fn renamed(mut filled: Filled, name: Sourced<String>) -> Filled {
    filled.params.dbname = Some(name);
    filled
}

fn psql(
    command: &Command,
    world: &World<'_>,
    vars: &Vars,
    flags: Params,
    dbname: libpq::Setting,
    first: libpq::Setting,
) -> Result<Resolution, Stop> {
    // Without -d the first operand is the database, with it the user.
    let (name, user) = match dbname {
        Some(name) => (Some(name), first),
        None => (first, operand(command, 1)),
    };
    let mut params = flags;
    if params.user.is_none() {
        params.user = user.filter(|u| !u.value.is_empty());
    }
    if command.args.has(&["--list"]) && name.is_none() {
        let source = Source::default_of("psql --list");
        params.dbname = Some(Sourced::new("postgres".to_owned(), source));
    }
    if let Some(name) = name {
        params = params.with_dbname(name)?;
    }
    let filled = libpq::fill(params, vars, &command.step, world)?;
    let mut resolution = filled.resolution();
    if !resolution.errors.is_empty() {
        return Ok(resolution);
    }
    let mut session = Session {
        current: filled,
        vars: vars.clone(),
    };
    for reach in &command.reaches {
        resolution.merge(session.follow(reach, command, world));
    }
    Ok(resolution)
}

/// Where a psql session stands while its script switches.
struct Session {
    current: Filled,
    vars: Vars,
}

impl Session {
    fn follow(&mut self, reach: &Reach, command: &Command, world: &World<'_>) -> Resolution {
        let source = Source::argument("the script");
        match reach {
            Reach::Unknown(why) => Resolution::unresolved(why.clone()),
            Reach::Database(name) => {
                let name = Sourced::new(name.clone(), source);
                renamed(self.current.clone(), name).resolution()
            }
            Reach::Connection(words) => {
                let mut words = words.split('\n');
                let verb = words.next().unwrap_or("");
                let words: Vec<&str> = words.collect();
                if verb == "\\setenv" {
                    if let Some(name) = words.first() {
                        match words.get(1) {
                            Some(value) => {
                                self.vars.set(*name, value, source.with_note("\\setenv"))
                            }
                            None => self.vars.unset(name),
                        }
                    }
                    return Resolution::none();
                }
                match self.connect(&words, &source.with_note("\\connect"), command, world) {
                    Ok(filled) => {
                        self.current = filled;
                        self.current.resolution()
                    }
                    // A switch that fails ends the script; what it meant is not known better.
                    Err(stop) => Resolution {
                        gaps: vec![Gap::new("target", stop.detail)],
                        ..Resolution::default()
                    },
                }
            }
        }
    }

    fn connect(
        &self,
        words: &[&str],
        source: &Source,
        command: &Command,
        world: &World<'_>,
    ) -> Result<Filled, Stop> {
        let (reuse, words) = match words
            .first()
            .and_then(|w| w.strip_prefix("-reuse-previous="))
        {
            Some(value) => (
                Some(matches!(value, "on" | "true" | "1" | "yes")),
                &words[1..],
            ),
            None => (None, words),
        };
        let given = |at: usize| {
            words
                .get(at)
                .filter(|w| **w != "-" && !w.is_empty())
                .map(|w| Sourced::new((*w).to_owned(), source.clone()))
        };
        let named = Params {
            user: given(1),
            host: given(2),
            port: given(3),
            ..Params::default()
        };
        let text = given(0);
        let whole = text.as_ref().is_some_and(|t| libpq::is_conninfo(&t.value));
        let named = match text {
            Some(text) => named.with_dbname(text)?,
            None => named,
        };
        if !reuse.unwrap_or(!whole) {
            return libpq::fill(named, &self.vars, &command.step, world);
        }
        let mut current = self.current.params.clone();
        let moved = named
            .host
            .as_ref()
            .is_some_and(|h| current.host.as_ref().is_none_or(|c| c.value != h.value));
        if moved || named.hostaddr.is_some() {
            current.hostaddr = Some(Sourced::new(String::new(), source.clone()));
        }
        if current.host.is_none() {
            current.host = Some(Sourced::new(String::new(), source.clone()));
        }
        if current.hostaddr.is_none() {
            current.hostaddr = Some(Sourced::new(String::new(), source.clone()));
        }
        current.service = None;
        let mut vars = self.vars.clone();
        vars.unset("PGSERVICE");
        libpq::fill(current.under(named), &vars, &command.step, world)
    }
}

/// More bytes than an archive's header has.
const HEADER: usize = 4096;

/// `pg_restore -C` goes on in the database that the archive names.
fn restore(command: &Command, filled: Filled, world: &World<'_>) -> Result<Resolution, Stop> {
    let mut resolution = filled.resolution();
    if !command.args.has(&["--create"]) {
        return Ok(resolution);
    }
    let archive = match (command.args.operand(0), &command.step.stdin) {
        (Some(path), _) => Some(command.step.path(path)),
        (None, Stdin::File(path)) => Some(path.clone()),
        (None, _) => None,
    };
    let name = archive.and_then(|path| {
        let toc = path.join("toc.dat");
        let path = if world.files.is_file(&toc) { toc } else { path };
        let bytes = world.files.head(&path, HEADER).ok()?;
        // In a tar file the table of contents is the first member.
        archive_database(&bytes)
            .or_else(|| archive_database(bytes.get(512..)?))
            .map(|n| (n, path))
    });
    match name {
        Some((name, path)) => {
            let source = Source::argument(&format!("archive {}", path.display()));
            let more: Vec<Target> = renamed(filled, Sourced::new(name, source))
                .resolution()
                .targets;
            resolution.targets.extend(more);
        }
        None => {
            let why =
                "--create restores the database that the archive names, which cannot be read here";
            resolution.gaps.push(Gap::new("database", why));
        }
    }
    Ok(resolution)
}

/// The database's name in the header of an archive of the custom or directory format.
fn archive_database(bytes: &[u8]) -> Option<String> {
    let rest = bytes.strip_prefix(b"PGDMP")?;
    let (major, minor) = (*rest.first()?, *rest.get(1)?);
    let integer = usize::from(*rest.get(3)?);
    if major != 1 || !(1..=8).contains(&integer) {
        return None;
    }
    // Version (3 bytes), sizes (2), format (1); then the compression, an integer until 1.14.
    let mut at = 6 + if minor >= 15 { 1 } else { integer + 1 };
    at += 7 * (integer + 1);
    let number = rest.get(at..at + integer + 1)?;
    let length = number.iter().skip(1).rev().try_fold(0usize, |n, b| {
        n.checked_mul(256)?.checked_add(usize::from(*b))
    })?;
    let start = at + integer + 1;
    let name = rest.get(start..start.checked_add(length)?)?;
    String::from_utf8(name.to_vec())
        .ok()
        .filter(|n| !n.is_empty())
}
