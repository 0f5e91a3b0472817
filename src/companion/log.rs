//! `tagout log`: asking the journal, and asking whether to believe it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{checkpoint as head, pager};
use crate::cli::checkpoint::variables;
use crate::cli::{Session, exit, run as launch};
use crate::invocation::host::{self, Host};
use crate::record::checkpoint::{self, Keeper, Signed};
use crate::record::follow::Follower;
use crate::record::line;
use crate::record::query::{self, Filter, Found, Written};
use crate::record::read::Segments;
use crate::record::verify::{Anchor, Completeness, verify};
use crate::record::{JournalError, Location, parse_rfc3339, rfc3339, stats};
use crate::sys::clock::{self, Moment};
use crate::ui::journal::{self as shown, State, Zone};

/// How often `log tail -f` looks.
const LOOK: Duration = Duration::from_millis(200);
/// The journal was cut or rewritten, as an anchor shows.
const CUT: u8 = 3;
/// An anchor was demanded, and there is none.
const NO_ANCHOR: u8 = 4;

/// The definition.
pub(super) fn define(command: Command) -> Command {
    filters(command)
        .args_conflicts_with_subcommands(true)
        .subcommand(
            with_journal(Command::new("show"))
                .about("Tell the whole story of one run")
                .arg(
                    Arg::new("id")
                        .value_name("ID")
                        .required(true)
                        .help("The run's id, or its beginning, or `last`"),
                )
                .arg(utc())
                .arg(pager::flag())
                .arg(json_flag("The entries as JSON")),
        )
        .subcommand(
            with_journal(Command::new("tail"))
                .about("Show the newest runs")
                .arg(count().default_value("10"))
                .arg(
                    Arg::new("follow")
                        .short('f')
                        .long("follow")
                        .action(ArgAction::SetTrue)
                        .help("Go on with what is recorded from now on"),
                )
                .arg(utc())
                .arg(json_flag("One entry a line, as JSON")),
        )
        .subcommand(
            with_journal(Command::new("stats"))
                .about("Count runs by verdict, effect, tier, profile, user and result")
                .arg(since())
                .arg(utc())
                .arg(json_flag("As JSON")),
        )
        .subcommand(verify_command())
        .subcommand(head::command())
        .after_help(
            "Times: 2026-08-22, 2026-08-22T09:31, 2026-08-22T09:31:07+02:00 (UTC without an offset), \
             or back from now: 30m, 12h, 7d.\n\n\
             Examples:\n  tagout log --verdict refused --tier production --since 7d\n  \
             tagout log --target '*@db-1.prod*' --json\n  tagout log show last\n  tagout log verify --against heads.txt",
        )
}

fn verify_command() -> Command {
    with_journal(Command::new("verify"))
        .about("Check that the journal is as it was written, and against an anchor that nothing is missing")
        .arg(
            Arg::new("against")
                .long("against")
                .value_name("PLACE")
                .action(ArgAction::Append)
                .value_parser(Keeper::parse)
                .help("Heads that were kept elsewhere: file:PATH, postgres:CONNINFO or git:PATH (repeatable)"),
        )
        .arg(
            Arg::new("signers")
                .long("signers")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Believe only heads signed by these (ssh-keygen's allowed signers)"),
        )
        .arg(
            Arg::new("require-anchor")
                .long("require-anchor")
                .action(ArgAction::SetTrue)
                .help("Fail where no anchor is known, because then a cut end cannot be seen"),
        )
        .arg(json_flag("As JSON"))
        .after_help("Exit status: 0 intact and nothing missing that an anchor knows; 1 broken; 3 truncated or rewritten,\nor a head whose signature does not hold; 4 no anchor (with --require-anchor or --signers); 125 the journal cannot be read.")
}

fn filters(command: Command) -> Command {
    let text = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .action(ArgAction::SetTrue)
            .help(help)
    };
    with_journal(command)
        .arg(since())
        .arg(text("until", "TIME", "Only runs judged before").value_parser(when))
        .arg(text(
            "target",
            "PATTERN",
            "Only runs with such a target: a part of its URI, or all of it with `*`",
        ))
        .arg(
            text("tier", "TIER", "Only runs with a target of that tier").value_parser([
                "production",
                "disposable",
                "unmarked",
                "unresolved",
            ]),
        )
        .arg(
            text("effect", "EFFECT", "Only runs of that effect").value_parser([
                "none",
                "reads",
                "writes",
                "changes-schema",
                "opaque",
                "stops",
                "destroys",
            ]),
        )
        .arg(
            text("verdict", "VERDICT", "Only allowed or refused runs")
                .value_parser(["allowed", "refused"]),
        )
        .arg(text("profile", "NAME", "Only runs of that profile"))
        .arg(text("user", "USER", "Only runs of that user (name or id)"))
        .arg(text("cwd", "DIR", "Only runs in that directory or below"))
        .arg(flag("open", "Only runs without an outcome"))
        .arg(flag(
            "mismatch",
            "Only runs that contacted a database which was not resolved",
        ))
        .arg(text(
            "gate",
            "NAME",
            "Only runs that a gate held back: require, mark, anchor, fence or hide",
        ))
        .arg(count().default_value("50"))
        .arg(utc())
        .arg(pager::flag())
        .arg(json_flag("One run a line, as JSON"))
}

fn with_journal(command: Command) -> Command {
    command.arg(
        Arg::new("journal")
            .long("journal")
            .value_name("DIR")
            .value_parser(value_parser!(PathBuf))
            .help("Read this journal instead of one's own"),
    )
}

pub(crate) fn since() -> Arg {
    Arg::new("since")
        .long("since")
        .value_name("TIME")
        .value_parser(when)
        .help("Only runs judged at or after")
}

fn count() -> Arg {
    Arg::new("count")
        .short('n')
        .long("count")
        .value_name("N")
        .value_parser(value_parser!(usize))
        .help("At most so many")
}

fn utc() -> Arg {
    Arg::new("utc")
        .long("utc")
        .action(ArgAction::SetTrue)
        .help("Show times in UTC, as they are recorded [default: local time with its offset]")
}

/// In whose time people are told.
fn zone(matches: &ArgMatches) -> Zone {
    match matches.get_flag("utc") {
        true => Zone::Utc,
        false => Zone::Local,
    }
}

fn json_flag(help: &'static str) -> Arg {
    Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .help(help)
}

/// A time: absolute, or back from now (`30m`, `12h`, `7d`, `2w`).
fn when(text: &str) -> Result<Moment, String> {
    let back = text.char_indices().last().and_then(|(at, unit)| {
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        let number: u64 = text.get(..at)?.parse().ok()?;
        number.checked_mul(seconds)
    });
    if let Some(back) = back {
        let mut now = clock::now();
        now.seconds = now.seconds.saturating_sub(back);
        return Ok(now);
    }
    parse_rfc3339(text).ok_or_else(|| "give a time like 2026-08-22T09:31 or 7d".to_owned())
}

/// Runs the subcommand.
pub(super) fn run(session: &mut Session, matches: &ArgMatches) -> u8 {
    let (name, inner) = matches.subcommand().unwrap_or(("", matches));
    let location = match inner.try_get_one::<PathBuf>("journal").ok().flatten() {
        Some(path) => Location::Copy(path.clone()),
        None => launch::location(session),
    };
    let done = match name {
        "show" => show(session, inner, &location),
        "tail" => tail(session, inner, &location),
        "stats" => count_runs(session, inner, &location),
        "verify" => check(session, inner, &location),
        "checkpoint" => Ok(head::run(session, inner, &location)),
        _ => list(session, inner, &location),
    };
    done.unwrap_or_else(|error| {
        session.ui.error(&error.to_string(), &[]);
        exit::FAILED
    })
}

fn list(session: &mut Session, matches: &ArgMatches, at: &Location) -> Result<u8, JournalError> {
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let filter = Filter {
        since: matches.get_one("since").copied(),
        until: matches.get_one("until").copied(),
        target: text("target"),
        tier: text("tier"),
        effect: text("effect"),
        verdict: text("verdict"),
        profile: text("profile"),
        user: text("user"),
        cwd: text("cwd"),
        open: matches.get_flag("open"),
        mismatch: matches.get_flag("mismatch"),
        gate: text("gate"),
        id: None,
    };
    let limit = matches.get_one("count").copied().unwrap_or(50);
    let found = query::lines(&Segments::open(at)?, &filter, limit)?;
    match matches.get_flag("json") {
        true => print_json(session, &found),
        false => {
            let listing = listing(session, &found, zone(matches));
            pager::show(session, matches, &listing);
        }
    }
    if found.is_empty() {
        let whose = at.path().display();
        session
            .ui
            .message(&format!("no such run is recorded in {whose}\n"));
    }
    Ok(exit::OK)
}

/// Each run with how it stands.
fn standing(found: &[Written]) -> impl Iterator<Item = (&Written, Found, State)> {
    let here = Host::read();
    found.iter().map(move |written| {
        let found = written.read_only(&shown::ROW_KEYS);
        let state = state(&found, &here);
        (written, found, state)
    })
}

fn print_json(session: &mut Session, found: &[Written]) {
    let mut lines = Vec::new();
    for (written, _, state) in standing(found) {
        as_written(&mut lines, written, state);
    }
    session.ui.json(&String::from_utf8_lossy(&lines));
}

/// The runs as a table; nothing where there are none.
fn listing(session: &Session, found: &[Written], zone: Zone) -> String {
    let rows: Vec<_> = standing(found)
        .map(|(_, found, state)| shown::row(&found, state, zone))
        .collect();
    match rows.is_empty() {
        true => String::new(),
        false => shown::table(&rows, true, session.ui.colours_data()),
    }
}

/// A run as one line of JSON: its entries are byte for byte those of the journal.
fn as_written<'a>(out: &mut Vec<u8>, written: &'a Written, state: State) {
    let state = match state {
        State::Ended => "ended",
        State::Running => "running",
        State::Lost => "lost",
        State::Replaced => "replaced",
        State::Elsewhere => "elsewhere",
    };
    // A line that somebody altered may be no JSON any more, and must not end the object early.
    let sound = |line: &'a [u8]| serde_json::from_slice::<IgnoredAny>(line).is_ok();
    let whole = |line: Option<&'a [u8]>| line.filter(|line| sound(line)).unwrap_or(b"null");
    let parts: [&[u8]; 7] = [
        b"{\"state\":\"",
        state.as_bytes(),
        b"\",\"run\":",
        whole(Some(&written.run)),
        b",\"outcome\":",
        whole(written.outcome.as_deref()),
        b"}\n",
    ];
    out.extend(parts.concat());
}

/// How a run stands, as far as this machine can tell.
pub(crate) fn state(found: &Found, here: &Host) -> State {
    let run = &found.run;
    if found.outcome.is_some() || run["phase"] == "refused" {
        return State::Ended;
    }
    if run["process"]["mode"] == "exec" {
        return State::Replaced;
    }
    let machine = run["host"]["machine"].as_str();
    if machine.is_some() && here.machine.is_some() && machine != here.machine.as_deref() {
        return State::Elsewhere;
    }
    let boot = run["host"]["boot"].as_str();
    let pid = run["process"]["pid"]
        .as_u64()
        .and_then(|pid| u32::try_from(pid).ok());
    let same_boot = boot.is_some() && boot == here.boot.as_deref();
    match pid.filter(|_| same_boot).is_some_and(host::is_running) {
        true => State::Running,
        false => State::Lost,
    }
}

fn show(session: &mut Session, matches: &ArgMatches, at: &Location) -> Result<u8, JournalError> {
    let wanted = matches.get_one::<String>("id").cloned().unwrap_or_default();
    let is_last = wanted == "last";
    let filter = Filter {
        id: (!is_last).then(|| wanted.to_ascii_lowercase()),
        ..Filter::default()
    };
    let limit = if is_last { 1 } else { 20 };
    let found = query::lines(&Segments::open(at)?, &filter, limit)?;
    let here = Host::read();
    match found.as_slice() {
        [] => {
            session.ui.error(
                &format!("no run {wanted} in {}", at.path().display()),
                &["list runs with `tagout log`".to_owned()],
            );
            Ok(exit::FOUND)
        }
        [one] => {
            let found = one.read();
            let state = state(&found, &here);
            if matches.get_flag("json") {
                let mut line = Vec::new();
                as_written(&mut line, one, state);
                session.ui.json(&String::from_utf8_lossy(&line));
            } else {
                let colour = session.ui.colours_data();
                let story = shown::story(&found, state, zone(matches), colour);
                pager::show(session, matches, &story);
            }
            Ok(exit::OK)
        }
        several => {
            session.ui.error(
                &format!("several runs begin with {wanted}: give more of the id"),
                &[],
            );
            let listing = listing(session, several, zone(matches));
            session.ui.data(&listing);
            Ok(exit::FOUND)
        }
    }
}

fn tail(session: &mut Session, matches: &ArgMatches, at: &Location) -> Result<u8, JournalError> {
    let as_json = matches.get_flag("json");
    let follows = matches.get_flag("follow");
    // The follower begins first: nothing is missed in between.
    let mut follower = follows.then(|| Follower::at_end(at.clone())).transpose()?;
    let limit = matches.get_one("count").copied().unwrap_or(10);
    let mut found = query::lines(&Segments::open(at)?, &Filter::default(), limit)?;
    found.reverse();
    match as_json {
        true => print_json(session, &found),
        false => {
            let listing = listing(session, &found, zone(matches));
            session.ui.data(&listing);
        }
    }
    let Some(follower) = follower.as_mut() else {
        return Ok(exit::OK);
    };
    let mut seen = newest(&found);
    loop {
        for line in follower.next(1000)? {
            if line.seal.seq > seen {
                let colour = session.ui.colours_data();
                let shown = match as_json {
                    true => format!("{}\n", String::from_utf8_lossy(&line.bytes)),
                    false => new_line(&line.bytes, zone(matches), colour),
                };
                session.ui.data(&shown);
                seen = line.seal.seq;
            }
        }
        if session.ui.is_closed() {
            return Ok(exit::OK);
        }
        std::thread::sleep(LOOK);
    }
}

/// The newest record among those shown.
fn newest(found: &[Written]) -> u64 {
    let lines = found.iter().flat_map(|f| f.outcome.iter().chain([&f.run]));
    let seals = lines.filter_map(|line| line::parse(line));
    seals.map(|seal| seal.seq).max().unwrap_or(0)
}

fn new_line(line: &[u8], zone: Zone, colour: bool) -> String {
    let value: Value = serde_json::from_slice(line).unwrap_or(Value::Null);
    match value["phase"].as_str() {
        Some("intent" | "refused") => {
            let state = match value["phase"] == "refused" {
                true => State::Ended,
                false => State::Running,
            };
            let found = Found {
                host: None,
                run: value,
                outcome: None,
            };
            shown::table(&[shown::row(&found, state, zone)], false, colour)
        }
        Some("outcome") => shown::table(&[shown::ended(&value, zone)], false, colour),
        _ => String::new(),
    }
}

fn count_runs(
    session: &mut Session,
    matches: &ArgMatches,
    at: &Location,
) -> Result<u8, JournalError> {
    let since = matches.get_one::<Moment>("since").map(|m| rfc3339(*m));
    let stats = stats::stats(&Segments::open(at)?, since.as_deref())?;
    let text = match matches.get_flag("json") {
        true => format!("{}\n", shown::stats_json(&stats)),
        false => shown::stats(&stats, zone(matches)),
    };
    session.ui.data(&text);
    Ok(exit::OK)
}

fn check(session: &mut Session, matches: &ArgMatches, at: &Location) -> Result<u8, JournalError> {
    let segments = Segments::open(at)?;
    let heads = match heads(session, matches, &segments)? {
        Ok(heads) => heads,
        Err((code, why)) => {
            session.ui.error(&why, &[]);
            return Ok(code);
        }
    };
    let anchors: Vec<Anchor> = heads.into_iter().map(|head| head.anchor).collect();
    let found = verify(&segments, &anchors)?;
    let text = match matches.get_flag("json") {
        true => format!("{}\n", shown::verification_json(&found)),
        false => shown::verification(&found),
    };
    session.ui.data(&text);
    if !found.is_intact() {
        return Ok(exit::FOUND);
    }
    Ok(match found.completeness {
        Completeness::Complete { .. } => exit::OK,
        Completeness::NoAnchor if matches.get_flag("require-anchor") => NO_ANCHOR,
        Completeness::NoAnchor => exit::OK,
        Completeness::Truncated { .. } | Completeness::Forked { .. } => CUT,
    })
}

/// How many of the newest heads have their signatures checked.
const MAX_CHECKED: usize = 200;

/// The heads to hold the journal against: those that were kept elsewhere for this host and, where
/// signers are named, the newest signed one of the chain itself. The inner error is for people.
fn heads(
    session: &Session,
    matches: &ArgMatches,
    segments: &Segments,
) -> Result<Result<Vec<Signed>, (u8, String)>, JournalError> {
    let variables = variables(&session.invocation);
    let mut heads = Vec::new();
    for keeper in matches.get_many::<Keeper>("against").unwrap_or_default() {
        match checkpoint::kept(keeper, &variables) {
            Ok(kept) => heads.extend(kept),
            Err(why) => {
                return Ok(Err((
                    exit::FAILED,
                    format!("the heads in {keeper} cannot be read: {why}"),
                )));
            }
        }
    }
    let own = checkpoint::in_chain(segments)?;
    // A place may keep the heads of many hosts.
    let named = own.last().map(|head| head.anchor.host.clone());
    let host = named.unwrap_or_else(|| Host::read().name);
    if heads.iter().any(|head| head.anchor.host == host) {
        heads.retain(|head| head.anchor.host == host);
    }
    let Some(signers) = matches.get_one::<PathBuf>("signers") else {
        return Ok(Ok(heads));
    };
    heads.extend(own.into_iter().next_back());
    heads.sort_by(|a, b| a.anchor.time.cmp(&b.anchor.time));
    heads.dedup();
    let newest = heads.split_off(heads.len().saturating_sub(MAX_CHECKED));
    for head in &newest {
        if let Err(why) = checkpoint::signer(head, signers, &variables) {
            let seq = head.anchor.seq;
            let time = &head.anchor.time;
            return Ok(Err((
                CUT,
                format!("the head of record {seq}, {time}, is not to be believed: {why}"),
            )));
        }
    }
    if newest.is_empty() {
        return Ok(Err((
            NO_ANCHOR,
            "there is no signed head to believe".to_owned(),
        )));
    }
    Ok(Ok(newest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        define(Command::new("log")).debug_assert();
    }

    #[test]
    fn times_are_absolute_or_back_from_now() {
        assert_eq!(
            when("1970-01-02"),
            Ok(Moment {
                seconds: 86_400,
                nanos: 0
            })
        );
        let day = when("1d").unwrap().seconds;
        let hours = when("24h").unwrap().seconds;
        assert!(day.abs_diff(hours) <= 1);
        for text in ["", "d", "7", "7y", "yesterday", "99999999999999999999d"] {
            assert!(when(text).is_err(), "{text}");
        }
    }
}
