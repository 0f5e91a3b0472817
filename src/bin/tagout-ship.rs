//! `tagout-ship`: follows a journal and sends it to PostgreSQL, an OTLP collector or standard
//! output.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command, value_parser};

use tagout::invocation::Invocation;
use tagout::invocation::host::Host;
use tagout::record::Location;
use tagout::ship::{Ndjson, Otlp, Postgres, Shipper, Sink, Tell};

fn definition() -> Command {
    let path = |name: &'static str| {
        Arg::new(name)
            .long(name)
            .value_parser(value_parser!(PathBuf))
    };
    Command::new("tagout-ship")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Send a journal of tagout elsewhere, every record at least once and in order")
        .arg(path("journal").value_name("DIR").required(true).help("The journal"))
        .arg(
            path("state")
                .value_name("FILE")
                .required(true)
                .help("Where to remember how far it has come; one file a journal and receiver"),
        )
        .arg(Arg::new("postgres").long("postgres").value_name("CONNINFO").help("To a database with the tables of docs/postgres.sql"))
        .arg(Arg::new("otlp").long("otlp").value_name("URL").help("To a collector (http://host:4318)"))
        .arg(Arg::new("ndjson").long("ndjson").action(ArgAction::SetTrue).help("To standard output, line by line"))
        .group(ArgGroup::new("to").args(["postgres", "otlp", "ndjson"]).required(true))
        .arg(Arg::new("host").long("host").value_name("NAME").help("The host that the journal is of [default: this one]"))
        .arg(Arg::new("once").long("once").action(ArgAction::SetTrue).help("Stop when everything is sent"))
        .arg(Arg::new("verbose").short('v').long("verbose").action(ArgAction::SetTrue).help("Say how far it has come"))
        .after_help("Exit status: 0 everything sent (--once); 125 it cannot go on. Passwords belong in ~/.pgpass or a service file.")
}

/// Says things on standard error.
struct Operator {
    verbose: bool,
}

impl Tell for Operator {
    fn alert(&mut self, text: &str) {
        let _ = writeln!(io::stderr(), "tagout-ship: {text}");
    }

    fn progress(&mut self, records: usize, seq: u64) {
        if self.verbose {
            let _ = writeln!(io::stderr(), "tagout-ship: {records} sent, up to {seq}");
        }
    }
}

fn main() -> ExitCode {
    let invocation = match Invocation::read() {
        Ok(invocation) => invocation,
        Err(e) => return failed(&format!("the working directory cannot be read: {e}")),
    };
    let matches = match definition().try_get_matches_from(&invocation.args) {
        Ok(matches) => matches,
        Err(e) => {
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { 2 } else { 0 });
        }
    };
    match ship(&invocation, &matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => failed(&why),
    }
}

fn failed(why: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "tagout-ship: error: {why}");
    ExitCode::from(125)
}

fn ship(invocation: &Invocation, matches: &ArgMatches) -> Result<(), String> {
    let path = |name: &str| {
        matches
            .get_one::<PathBuf>(name)
            .cloned()
            .unwrap_or_default()
    };
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let mut sink = sink(invocation, matches)?;
    let mut tell = Operator {
        verbose: matches.get_flag("verbose"),
    };
    let mut shipper = Shipper {
        location: Location::Copy(path("journal")),
        host: text("host").unwrap_or_else(|| Host::read().name),
        state: path("state"),
        sink: sink.as_mut(),
        tell: &mut tell,
        once: matches.get_flag("once"),
        refused_in_a_row: 0,
    };
    shipper.run().map_err(|e| e.to_string())
}

fn sink(invocation: &Invocation, matches: &ArgMatches) -> Result<Box<dyn Sink>, String> {
    if let Some(conninfo) = matches.get_one::<String>("postgres") {
        let entries = invocation
            .environ
            .iter()
            .filter_map(|e| e.to_str()?.split_once('='));
        let variables = entries
            .filter(|(name, _)| *name == "HOME" || name.starts_with("PG"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        return Ok(Box::new(Postgres::new(
            conninfo.clone(),
            variables.collect(),
        )));
    }
    if let Some(url) = matches.get_one::<String>("otlp") {
        return Ok(Box::new(Otlp::new(url)?));
    }
    Ok(Box::new(Ndjson(io::stdout())))
}
