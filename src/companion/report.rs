//! `tagout report`: what a journal says, or the database of a fleet, as one page for people.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};

use super::log::{since, state};
use crate::cli::{Session, checkpoint, exit, run as launch};
use crate::invocation::host::Host;
use crate::record::query::{self, Filter, Found};
use crate::record::read::Segments;
use crate::record::shipped::{Question, Shipped};
use crate::record::verify::verify;
use crate::record::{Location, rfc3339, stats};
use crate::sys::clock::{self, Moment};
use crate::ui::journal::{State, shipped, verification};
use crate::ui::page::{Report, page};

/// The definition.
pub(super) fn define(command: Command) -> Command {
    let path = |name: &'static str| {
        Arg::new(name)
            .long(name)
            .value_parser(value_parser!(PathBuf))
    };
    command
        .arg(
            path("html")
                .value_name("FILE")
                .required(true)
                .help("The page; it needs no network and no script"),
        )
        .arg(
            path("journal")
                .value_name("DIR")
                .help("Report on this journal instead of one's own"),
        )
        .arg(
            Arg::new("postgres")
                .long("postgres")
                .value_name("CONNINFO")
                .conflicts_with("journal")
                .help("Report on what tagout-ship put there; the role needs to read (tagout_read)"),
        )
        .arg(
            Arg::new("host")
                .long("host")
                .value_name("NAME")
                .requires("postgres")
                .help("Only runs of that host"),
        )
        .arg(since())
        .arg(
            Arg::new("count")
                .short('n')
                .long("count")
                .value_name("N")
                .value_parser(value_parser!(usize))
                .default_value("2000")
                .help("Tell the stories of at most so many runs, the newest; numbers are over all"),
        )
        .after_help(
            "Examples:\n  tagout report --html week.html --since 7d\n  \
             tagout report --html fleet.html --postgres service=audit --since 24h",
        )
}

/// Writes the page.
pub(super) fn run(session: &mut Session, matches: &ArgMatches) -> u8 {
    let Some(file) = matches.get_one::<PathBuf>("html") else {
        return exit::USAGE;
    };
    let asked = Asked {
        since: matches.get_one::<Moment>("since").copied(),
        count: matches.get_one("count").copied().unwrap_or(2000),
    };
    let made = match matches.get_one::<String>("postgres") {
        Some(conninfo) => of_fleet(session, conninfo, matches.get_one("host"), &asked),
        None => {
            let location = match matches.get_one::<PathBuf>("journal") {
                Some(path) => Location::Copy(path.clone()),
                None => launch::location(session),
            };
            of_journal(&location, &asked).map_err(|e| e.to_string())
        }
    };
    let text = match made {
        Ok(text) => text,
        Err(why) => return session.failed(&why, &[]),
    };
    match write(file, &text) {
        Ok(()) => exit::OK,
        Err(e) => session.failed(&format!("{} cannot be written: {e}", file.display()), &[]),
    }
}

/// Which runs.
struct Asked {
    since: Option<Moment>,
    count: usize,
}

fn of_journal(location: &Location, asked: &Asked) -> Result<String, crate::record::JournalError> {
    let filter = Filter {
        since: asked.since,
        ..Filter::default()
    };
    let segments = Segments::open(location)?;
    let runs = with_states(query::runs(&segments, &filter, asked.count)?);
    let stats = stats::stats(&segments, asked.since.map(rfc3339).as_deref())?;
    let found = verify(&segments, &[])?;
    Ok(page(&Report {
        title: &location.path().display().to_string(),
        made: &rfc3339(clock::now()),
        runs: &runs,
        stats: &stats,
        belief: &verification(&found),
        is_intact: found.is_intact(),
    }))
}

fn of_fleet(
    session: &Session,
    conninfo: &str,
    host: Option<&String>,
    asked: &Asked,
) -> Result<String, String> {
    let mut found = Shipped::ask(&Question {
        conninfo: conninfo.to_owned(),
        variables: checkpoint::variables(&session.invocation),
        since: asked.since.map(rfc3339),
        host: host.cloned(),
        count: asked.count,
    })?;
    let runs = with_states(std::mem::take(&mut found.runs));
    // A conninfo may hold a password.
    let place = session.redactor().text(conninfo);
    Ok(page(&Report {
        title: &format!("PostgreSQL, {place}"),
        made: &rfc3339(clock::now()),
        runs: &runs,
        stats: &found.stats,
        belief: &shipped(&found),
        is_intact: found.is_intact(),
    }))
}

fn with_states(runs: Vec<Found>) -> Vec<(Found, State)> {
    let here = Host::read();
    let with_state = |found| {
        let state = state(&found, &here);
        (found, state)
    };
    runs.into_iter().map(with_state).collect()
}

/// Whole or not at all, and for the user alone: it names people and machines.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let folder = file.parent().filter(|p| !p.as_os_str().is_empty());
    let mut new = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    new.write_all(text.as_bytes())?;
    new.persist(file).map_err(|e| e.error)?;
    Ok(())
}
