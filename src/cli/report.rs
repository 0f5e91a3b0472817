//! `tagout report`: what a journal says, as one page for people.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};

use super::log::{since, state};
use super::{Session, exit};
use crate::invocation::host::Host;
use crate::record::query::{self, Filter};
use crate::record::read::Segments;
use crate::record::verify::verify;
use crate::record::{JournalError, Location, rfc3339, stats};
use crate::sys::clock::{self, Moment};
use crate::ui::page::{Report, page};

/// The definition of `report`.
pub(super) fn command() -> Command {
    let path = |name: &'static str| {
        Arg::new(name)
            .long(name)
            .value_parser(value_parser!(PathBuf))
    };
    Command::new("report")
        .about("Write one page about what was run and refused: production, refusals, surprises, durations")
        .arg(path("html").value_name("FILE").required(true).help("The page; it needs no network and no script"))
        .arg(path("journal").value_name("DIR").help("Report on this journal instead of one's own"))
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
        .after_help("Example:\n  tagout report --html week.html --since 7d")
}

/// Writes the page.
pub(super) fn run(session: &mut Session, matches: &ArgMatches) -> u8 {
    let location = match matches.get_one::<PathBuf>("journal") {
        Some(path) => Location::Copy(path.clone()),
        None => super::run::location(session),
    };
    let Some(file) = matches.get_one::<PathBuf>("html") else {
        return exit::USAGE;
    };
    let text = match made(matches, &location) {
        Ok(text) => text,
        Err(error) => return session.failed(&error.to_string(), &[]),
    };
    match write(file, &text) {
        Ok(()) => exit::OK,
        Err(e) => session.failed(&format!("{} cannot be written: {e}", file.display()), &[]),
    }
}

fn made(matches: &ArgMatches, location: &Location) -> Result<String, JournalError> {
    let since = matches.get_one::<Moment>("since").copied();
    let filter = Filter {
        since,
        ..Filter::default()
    };
    let count = matches.get_one("count").copied().unwrap_or(2000);
    let segments = Segments::open(location)?;
    let here = Host::read();
    let runs: Vec<_> = query::runs(&segments, &filter, count)?
        .into_iter()
        .map(|found| {
            let state = state(&found, &here);
            (found, state)
        })
        .collect();
    let since = since.map(rfc3339);
    let stats = stats::stats(&segments, since.as_deref())?;
    let verification = verify(&segments, &[])?;
    Ok(page(&Report {
        title: &location.path().display().to_string(),
        made: &rfc3339(clock::now()),
        runs: &runs,
        stats: &stats,
        verification: &verification,
    }))
}

/// Whole or not at all, and for the user alone: it names people and machines.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let folder = file.parent().filter(|p| !p.as_os_str().is_empty());
    let mut new = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    new.write_all(text.as_bytes())?;
    new.persist(file).map_err(|e| e.error)?;
    Ok(())
}
