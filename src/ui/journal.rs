//! Records as people read them. Everything in a record was written by others: all of it is
//! sanitised here.

use serde_json::{Value, json};

use crate::record::hex;
use crate::record::line::VERSION;
use crate::record::query::Found;
use crate::record::shipped::Shipped;
use crate::record::stats::{Counts, Stats};
use crate::record::verify::{Completeness, Verification};
use crate::record::{parse_rfc3339, rfc3339_local};

use super::{Tone, paint, sanitize};

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It has an outcome, or was refused.
    Ended,
    /// No outcome yet; tagout is still there.
    Running,
    /// No outcome, and tagout is gone: killed, or the journal lost its tail.
    Lost,
    /// The launcher replaced itself: no outcome will come.
    Replaced,
    /// No outcome yet, and it ran on another machine: whether it goes on is not seen from here.
    Elsewhere,
}

/// In whose time a moment is shown. Records hold it in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// UTC, as it is recorded.
    Utc,
    /// The reader's: the system's, or that of `TZ`.
    Local,
}

/// A run as one row, in the order of [`HEADINGS`].
pub type Row = [String; 8];

/// The keys of an entry that a row and [`State`] need.
pub const ROW_KEYS: [&str; 11] = [
    "id",
    "phase",
    "time",
    "verdict",
    "effect",
    "targets",
    "unresolved",
    "process",
    "host",
    "exit",
    "took_ms",
];

/// The columns.
pub const HEADINGS: [&str; 8] = [
    "TIME", "ID", "VERDICT", "EFFECT", "RESULT", "TOOK", "TARGET", "COMMAND",
];

/// Least widths, so that rows printed one by one stand under each other.
const WIDTHS: [usize; 8] = [20, 18, 8, 14, 8, 7, 30, 0];

/// The row of a run.
pub fn row(found: &Found, state: State, zone: Zone) -> Row {
    let run = &found.run;
    [
        short_time(text(&run["time"]), zone),
        safe(text(&run["id"]).get(..18).unwrap_or_default()),
        safe(text(&run["verdict"])),
        safe(text(&run["effect"])),
        result(found, state),
        found
            .outcome
            .as_ref()
            .map_or_else(|| "-".to_owned(), |o| duration(&o["took_ms"])),
        targets(run),
        command(run),
    ]
}

/// The row of an outcome that comes alone.
pub fn ended(outcome: &Value, zone: Zone) -> Row {
    let found = Found {
        host: None,
        run: Value::Null,
        outcome: Some(outcome.clone()),
    };
    [
        short_time(text(&outcome["time"]), zone),
        safe(text(&outcome["id"]).get(..18).unwrap_or_default()),
        "ended".to_owned(),
        "-".to_owned(),
        result(&found, State::Ended),
        duration(&outcome["took_ms"]),
        contacts(outcome),
        "-".to_owned(),
    ]
}

fn contacts(outcome: &Value) -> String {
    let strange = list(&outcome["observed"])
        .iter()
        .filter(|o| o["mismatch"] == true);
    match strange.count() {
        0 => "-".to_owned(),
        count => format!("{count} contacts that were not resolved"),
    }
}

/// Rows under each other; the last column as long as it is.
pub fn table(rows: &[Row], headings: bool, colour: bool) -> String {
    let mut widths = WIDTHS;
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count()).min(60);
        }
    }
    let mut out = String::new();
    let head = HEADINGS.map(str::to_owned);
    for row in headings.then_some(&head).into_iter().chain(rows) {
        let mut line = String::new();
        for (column, (width, cell)) in widths.iter().zip(row).enumerate() {
            let pad = width.saturating_sub(cell.chars().count());
            let tone = tone(column, cell).filter(|_| colour);
            line.push_str(&tone.map_or(cell.clone(), |tone| paint(true, tone, cell)));
            line.extend(std::iter::repeat_n(' ', pad + 2));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// What a cell says that should be seen at once.
fn tone(column: usize, cell: &str) -> Option<Tone> {
    match HEADINGS.get(column).copied() {
        Some(heading) if heading == cell => Some(Tone::Label),
        Some("VERDICT") if cell == "refused" => Some(Tone::Bad),
        Some("RESULT") if !matches!(cell, "-" | "exit 0" | "running" | "exec" | "open") => {
            Some(Tone::Bad)
        }
        _ => None,
    }
}

/// The whole story of a run.
pub fn story(found: &Found, state: State, zone: Zone, colour: bool) -> String {
    let run = &found.run;
    let mut story = Story {
        colour,
        ..Story::default()
    };
    story.line("run", &safe(text(&run["id"])));
    if let Some(version) = run["v"].as_u64().filter(|v| *v > u64::from(VERSION)) {
        let note = format!(
            "written by a newer tagout (version {version}): there may be more in it than is told here"
        );
        story.line("", &note);
    }
    story.line("when", &in_zone(text(&run["time"]), zone));
    who(&mut story, run);
    story.line("command", &command(run));
    let exe = run["process"]["exe"]
        .as_str()
        .unwrap_or("program not found");
    story.line("", &safe(exe));
    for hit in list(&run["process"]["redacted"]) {
        let word = format!(
            "word {} has a secret, hidden by rule {}",
            hit[0],
            safe(text(&hit[1]))
        );
        story.line("", &word);
    }
    profile(&mut story, run);
    effect(&mut story, run);
    for (index, target) in list(&run["targets"]).iter().enumerate() {
        one_target(&mut story, index + 1, target);
    }
    for gap in list(&run["unresolved"]) {
        let gap = format!(
            "{}: {}",
            safe(text(&gap["field"])),
            safe(text(&gap["reason"]))
        );
        story.line("unresolved", &gap);
    }
    for error in list(&run["errors"]) {
        let error = format!(
            "{}: {}",
            safe(text(&error["what"])),
            safe(text(&error["detail"]))
        );
        story.line("stops", &error);
    }
    gates(&mut story, run);
    verdict(&mut story, run);
    fence(&mut story, run);
    if let Some(outcome) = &found.outcome {
        gates(&mut story, outcome);
    }
    ending(&mut story, found, state);
    let prev = text(&run["prev"]).get(..12).unwrap_or_default();
    let hash = text(&run["hash"]).get(..12).unwrap_or_default();
    story.line(
        "record",
        &format!(
            "number {}, after {}…, hash {}…",
            run["seq"],
            safe(prev),
            safe(hash)
        ),
    );
    story.out
}

/// The conditions of an entry: an intent's were decided before it, an outcome's at the start.
fn gates(story: &mut Story, entry: &Value) {
    for gate in list(&entry["gates"]) {
        let held = match gate["passed"] == true {
            true => "held",
            false => "did NOT hold",
        };
        let took = match gate["took_ms"].as_u64() {
            None | Some(0) => String::new(),
            Some(_) => format!(" ({})", duration(&gate["took_ms"])),
        };
        let name = safe(text(&gate["name"]));
        let how = safe(text(&gate["how"]));
        story.line("gate", &format!("{name} {held}: {how}{took}"));
    }
}

fn who(story: &mut Story, run: &Value) {
    let actor = &run["actor"];
    let mut who = match actor["user"].as_str() {
        Some(user) => format!("{} (uid {})", safe(user), actor["uid"]),
        None => format!("uid {}", actor["uid"]),
    };
    if actor["euid"] != actor["uid"] {
        who.push_str(&format!(", acting as uid {}", actor["euid"]));
    }
    if actor["login_uid"].is_number() && actor["login_uid"] != actor["uid"] {
        who.push_str(&format!(", logged in as uid {}", actor["login_uid"]));
    }
    if let Some(tty) = actor["tty"].as_str() {
        who.push_str(&format!(", on {}", safe(tty)));
    }
    story.line("who", &who);
    let parents: Vec<String> = list(&actor["ancestors"])
        .iter()
        .map(|a| format!("{} ({})", safe(text(&a["comm"])), a["pid"]))
        .collect();
    if !parents.is_empty() {
        story.line("", &format!("called by {}", parents.join(" ← ")));
    }
    if let Some(claims) = actor["claims"].as_object() {
        for (name, value) in claims {
            story.line("", &format!("says {}={}", safe(name), safe(text(value))));
        }
    }
    let host = &run["host"];
    let mut place = format!(
        "{}:{}",
        safe(text(&host["name"])),
        safe(text(&run["process"]["cwd"]))
    );
    if let Some(unit) = host["unit"].as_str() {
        place.push_str(&format!(" ({})", safe(unit)));
    }
    story.line("where", &place);
    if let Some(commit) = run["git"]["commit"].as_str() {
        let branch = run["git"]["branch"]
            .as_str()
            .map(|b| format!(" on {}", safe(b)));
        story.line(
            "",
            &format!("commit {}{}", safe(commit), branch.unwrap_or_default()),
        );
    }
}

fn profile(story: &mut Story, run: &Value) {
    let layers: Vec<String> = list(&run["profile"]["layers"])
        .iter()
        .map(|l| safe(text(l)))
        .collect();
    let name = safe(text(&run["profile"]["name"]));
    let layers = if layers.is_empty() {
        String::new()
    } else {
        format!(" ({})", layers.join(", "))
    };
    story.line("profile", &format!("{name}{layers}"));
    for (key, label) in [("kept", "kept"), ("set", "set"), ("dropped", "dropped")] {
        let names: Vec<String> = list(&run["env"][key])
            .iter()
            .map(|n| safe(text(n)))
            .collect();
        let count = run["env"][format!("{key}_count")]
            .as_u64()
            .unwrap_or(names.len() as u64);
        if count > 0 {
            let label = format!("{label} {count}: {}", names.join(" "));
            story.line(if key == "kept" { "variables" } else { "" }, &label);
        }
    }
}

fn effect(story: &mut Story, run: &Value) {
    let actions: Vec<String> = list(&run["actions"])
        .iter()
        .map(|a| format!("{} {}", safe(text(&a["name"])), safe(text(&a["effect"]))))
        .collect();
    let tool = safe(text(&run["tool"]));
    let actions = if actions.is_empty() {
        String::new()
    } else {
        format!(" ({tool}: {})", actions.join(", "))
    };
    story.line(
        "effect",
        &format!("{}{actions}", safe(text(&run["effect"]))),
    );
}

fn one_target(story: &mut Story, number: usize, target: &Value) {
    let mark = target["mark"].as_str().map(|m| format!(" by {}", safe(m)));
    let tier = safe(text(&target["tier"]));
    let uri = safe(text(&target["uri"]));
    story.line(
        &format!("target {number}"),
        &format!("{uri} — {tier}{}", mark.unwrap_or_default()),
    );
    for fact in list(&target["facts"]) {
        let beat: Vec<String> = list(&fact["beat"]).iter().map(|b| safe(text(b))).collect();
        let beat = if beat.is_empty() {
            String::new()
        } else {
            format!(", over {}", beat.join(", "))
        };
        let what = safe(text(&fact["what"]));
        let shown = safe(text(&fact["shown"]));
        story.line(
            "",
            &format!(
                "{what:<9} {shown:<24} from {}{beat}",
                safe(text(&fact["from"]))
            ),
        );
    }
}

fn verdict(story: &mut Story, run: &Value) {
    let verdict = safe(text(&run["verdict"]));
    story.line(
        "verdict",
        &format!("{verdict} by {}", safe(text(&run["rule"]))),
    );
    for reason in list(&run["reasons"]) {
        story.line("", &safe(text(reason)));
    }
}

fn fence(story: &mut Story, run: &Value) {
    if let Some(parts) = run["enforcement"].as_object() {
        let shown: Vec<String> = parts
            .iter()
            .map(|(name, value)| match value {
                Value::String(text) => format!("{} {}", safe(name), safe(text)),
                other => format!("{} {}", safe(name), safe(&other.to_string())),
            })
            .collect();
        story.line("fence", &shown.join(", "));
    }
    let closed: Vec<String> = list(&run["closed"]).iter().map(|c| safe(text(c))).collect();
    if !closed.is_empty() {
        story.line("closed", &closed.join(", "));
    }
}

fn ending(story: &mut Story, found: &Found, state: State) {
    let Some(outcome) = &found.outcome else {
        let words = match state {
            State::Ended => return,
            State::Running => "still running",
            State::Lost => {
                "no outcome, and tagout is gone: it was killed, or the journal lost its end"
            }
            State::Replaced => "not known: tagout was replaced by the command",
            State::Elsewhere => {
                "no outcome has come; whether it goes on is seen on its machine alone"
            }
        };
        story.line("result", words);
        return;
    };
    let took = duration(&outcome["took_ms"]);
    story.line("result", &format!("{} after {took}", result(found, state)));
    let usage = &outcome["rusage"];
    if usage.is_object() {
        let memory = usage["max_rss_kb"].as_u64().unwrap_or(0) / 1024;
        let user = duration(&usage["user_ms"]);
        let system = duration(&usage["sys_ms"]);
        story.line(
            "",
            &format!("used {user} user, {system} system, {memory} MiB at most"),
        );
    }
    for seen in list(&outcome["observed"]) {
        let target = match seen["matches"].as_u64() {
            Some(index) => format!("target {}", index + 1),
            None if seen["mismatch"] == true => "NOT a resolved target".to_owned(),
            None => "no target".to_owned(),
        };
        let denied = if seen["denied"] == true {
            ", not let through"
        } else {
            ""
        };
        let peer = safe(text(&seen["peer"]));
        let when = duration(&seen["first_ms"]);
        let protocol = safe(text(&seen["proto"]));
        story.line(
            "contacted",
            &format!("{protocol} {peer} after {when}: {target}{denied}"),
        );
    }
}

/// What `log verify` found, as text.
pub fn verification(found: &Verification) -> String {
    let mut story = Story::default();
    let (first, last) = (
        found.first.map_or(0, |s| s.seq),
        found.last.map_or(0, |s| s.seq),
    );
    let range = format!(
        "{} records ({first} to {last}) in {} segments",
        found.records, found.segments
    );
    story.line("journal", &range);
    if found.torn > 0 {
        let torn = format!(
            "{} torn pieces of killed writers, stepped over by the chain",
            found.torn
        );
        story.line("", &torn);
    }
    if found.newer > 0 {
        story.line(
            "",
            &format!(
                "{} records of a newer version: checked, but not fully understood",
                found.newer
            ),
        );
    }
    if first > 1 {
        story.line(
            "",
            &format!("records before {first} were removed with their segments"),
        );
    }
    if found.is_intact() {
        story.line(
            "integrity",
            "intact: every line is as it was written and follows the one before",
        );
    } else {
        story.line("integrity", &format!("BROKEN: {} faults", found.faults));
        for fault in &found.breaks {
            let seq = fault
                .seq
                .map(|s| format!(" (record {s})"))
                .unwrap_or_default();
            let words = fault.fault.words();
            story.line(
                "",
                &format!(
                    "{} byte {}{seq}: {words}",
                    safe(&fault.segment),
                    fault.offset
                ),
            );
        }
    }
    let completeness = match &found.completeness {
        Completeness::NoAnchor => {
            "cannot be said: no anchor of this chain was given (a cut end leaves no trace in the journal itself)".to_owned()
        }
        Completeness::Complete { anchors, newest } => {
            let after = last.saturating_sub(*newest);
            format!("complete up to record {newest} ({anchors} anchors hold); {after} records are newer")
        }
        Completeness::Truncated { anchor } => {
            format!("TRUNCATED: an anchor of {} knows record {}, the journal ends at {last}", safe(&anchor.time), anchor.seq)
        }
        Completeness::Forked { anchor } => {
            format!("FORKED: an anchor of {} knows another record {}: the journal was rewritten", safe(&anchor.time), anchor.seq)
        }
    };
    story.line("completeness", &completeness);
    story.out
}

/// What `log verify` found, as JSON.
pub fn verification_json(found: &Verification) -> Value {
    let breaks: Vec<Value> = found
        .breaks
        .iter()
        .map(|b| json!({"segment": b.segment, "offset": b.offset, "seq": b.seq, "fault": b.fault.words()}))
        .collect();
    let completeness = match &found.completeness {
        Completeness::NoAnchor => json!({"verdict": "no-anchor"}),
        Completeness::Complete { anchors, newest } => {
            json!({"verdict": "complete", "anchors": anchors, "up_to": newest})
        }
        Completeness::Truncated { anchor } => {
            json!({"verdict": "truncated", "anchor": anchor.line()})
        }
        Completeness::Forked { anchor } => json!({"verdict": "forked", "anchor": anchor.line()}),
    };
    json!({
        "schema": "tagout.verify/1",
        "chain": found.chain, "segments": found.segments, "records": found.records,
        "first": found.first.map(|s| s.seq), "last": found.last.map(|s| s.seq),
        "head": found.last.map(|s| hex(&s.hash)), "torn": found.torn, "newer": found.newer,
        "integrity": {"verdict": if found.is_intact() { "intact" } else { "broken" }, "faults": found.faults, "breaks": breaks},
        "completeness": completeness,
    })
}

/// What a database of shipped records says of itself.
pub fn shipped(found: &Shipped) -> String {
    let mut story = Story::default();
    let mut hosts: Vec<&str> = found.chains.iter().map(|(host, _)| host.as_str()).collect();
    hosts.dedup();
    let held = format!(
        "{} records of {} hosts in {} chains",
        found.records,
        hosts.len(),
        found.chains.len()
    );
    story.line("database", &held);
    if found.is_intact() {
        let intact = "intact: every record is as it was written and follows the one before";
        story.line("integrity", intact);
    } else {
        story.line(
            "integrity",
            &format!("BROKEN: {} faults", found.fault_count),
        );
        for fault in &found.faults {
            story.line("", &safe(fault));
        }
    }
    let heads = format!("{} heads that hosts sent were held against it", found.heads);
    story.line("completeness", &heads);
    story.out
}

/// Counts as text.
pub fn stats(stats: &Stats, zone: Zone) -> String {
    let mut story = Story::default();
    let span = stats.span.as_ref().map(|(first, last)| {
        let [first, last] = [first, last].map(|time| short_time(time, zone));
        format!(", {first} to {last}")
    });
    story.line(
        "runs",
        &format!("{}{}", stats.runs, span.unwrap_or_default()),
    );
    for (label, counts) in stat_lists(stats) {
        let mut counts: Vec<(&String, &u64)> = counts.iter().collect();
        counts.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        for (index, (name, count)) in counts.iter().take(10).enumerate() {
            let line = format!("{count:>8}  {}", safe(name));
            story.line(if index == 0 { label } else { "" }, &line);
        }
        if counts.len() > 10 {
            story.line("", &format!("          and {} more", counts.len() - 10));
        }
    }
    let took: Vec<String> = [50, 95, 100]
        .into_iter()
        .filter_map(|p| Some((p, stats.percentile(p)?)))
        .map(|(p, ms)| {
            let name = if p == 100 {
                "longest".to_owned()
            } else {
                format!("{p} % within")
            };
            format!("{name} {}", duration(&Value::from(ms)))
        })
        .collect();
    if !took.is_empty() {
        story.line("took", &took.join(", "));
    }
    story.line("open", &format!("{} without outcome", stats.open));
    story.line(
        "mismatch",
        &format!("{} contacted what was not resolved", stats.mismatches),
    );
    story.out
}

fn stat_lists(stats: &Stats) -> [(&'static str, &Counts); 7] {
    [
        ("verdict", &stats.verdicts),
        ("refused by", &stats.refusals),
        ("effect", &stats.effects),
        ("tier", &stats.tiers),
        ("profile", &stats.profiles),
        ("user", &stats.users),
        ("result", &stats.results),
    ]
}

/// Counts as JSON.
pub fn stats_json(stats: &Stats) -> Value {
    json!({
        "schema": "tagout.stats/1",
        "runs": stats.runs, "verdicts": stats.verdicts, "refusals": stats.refusals,
        "effects": stats.effects, "tiers": stats.tiers, "profiles": stats.profiles,
        "users": stats.users, "results": stats.results, "open": stats.open,
        "mismatches": stats.mismatches,
        "took_ms": {"p50": stats.percentile(50), "p95": stats.percentile(95), "max": stats.percentile(100)},
        "first": stats.span.as_ref().map(|s| &s.0), "last": stats.span.as_ref().map(|s| &s.1),
    })
}

/// Lines with a label before them.
#[derive(Default)]
struct Story {
    out: String,
    colour: bool,
}

impl Story {
    fn line(&mut self, label: &str, text: &str) {
        let label = paint(
            self.colour && !label.is_empty(),
            Tone::Label,
            &format!("{label:<13}"),
        );
        self.out.push_str(&format!("{label} {text}"));
        self.out.truncate(self.out.trim_end().len());
        self.out.push('\n');
    }
}

fn safe(text: &str) -> String {
    sanitize::line(text).into_owned()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// `2026-08-22 09:31:07Z`, or `2026-08-22 11:31:07+02:00` where the reader is.
fn short_time(time: &str, zone: Zone) -> String {
    let shown = in_zone(time, zone);
    let second = shown.get(..19).unwrap_or(&shown).replace('T', " ");
    // `+02:00` after the microseconds; what is no time has none.
    let offset = shown.get(26..).filter(|offset| offset.len() == 6);
    format!("{second}{}", offset.unwrap_or("Z"))
}

/// A record's time. One that is none stays as it is.
fn in_zone(time: &str, zone: Zone) -> String {
    match parse_rfc3339(time).filter(|_| zone == Zone::Local) {
        Some(moment) => rfc3339_local(moment),
        None => safe(time),
    }
}

/// Milliseconds as people say them.
pub fn duration(ms: &Value) -> String {
    let ms = ms.as_u64().unwrap_or(0);
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms / 1000 % 60),
        _ => format!("{} h {} min", ms / 3_600_000, ms / 60_000 % 60),
    }
}

fn result(found: &Found, state: State) -> String {
    let Some(outcome) = &found.outcome else {
        return match state {
            State::Ended => "-",
            State::Running => "running",
            State::Lost => "lost",
            State::Replaced => "exec",
            State::Elsewhere => "open",
        }
        .to_owned();
    };
    let exit = &outcome["exit"];
    if let Some(code) = exit["code"].as_i64() {
        return format!("exit {code}");
    }
    if let Some(signal) = exit["signal"].as_str() {
        let core = if exit["core"] == true { " (core)" } else { "" };
        return format!("{}{core}", safe(signal));
    }
    if let Some(error) = exit["not_started"].as_str() {
        return format!("not started: {}", safe(error));
    }
    if exit["timed_out"] == true {
        return "timed out".to_owned();
    }
    "?".to_owned()
}

fn targets(run: &Value) -> String {
    let mut shown: Vec<String> = list(&run["targets"])
        .iter()
        .map(|t| match text(&t["tier"]) {
            "unmarked" | "" => safe(text(&t["uri"])),
            tier => format!("{} ({})", safe(text(&t["uri"])), safe(tier)),
        })
        .collect();
    if run["unresolved"].is_array() {
        shown.push("unresolved".to_owned());
    }
    match shown.len() {
        0 => "-".to_owned(),
        1 | 2 => shown.join(", "),
        more => format!("{} and {} more", shown.swap_remove(0), more - 1),
    }
}

fn command(run: &Value) -> String {
    let words: Vec<String> = list(&run["process"]["argv"])
        .iter()
        .map(|w| sanitize::shell_word(text(w)))
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn found() -> Found {
        Found {
            host: None,
            run: json!({
                "seq": 4711, "prev": "ab".repeat(32), "hash": "cd".repeat(32),
                "id": "0198f2c4-78dd-7e6e-85fd-3f1c9a000000", "phase": "intent",
                "time": "2026-08-22T09:31:07.123456Z", "verdict": "allowed", "rule": "production-migrate",
                "effect": "changes-schema", "tool": "artisan",
                "actions": [{"name": "migrate", "effect": "changes-schema"}],
                "targets": [{"uri": "mysql://app@db-1:3306/shop", "tier": "production",
                    "facts": [{"what": "host", "shown": "db-1", "from": ".env:14", "beat": ["config/database.php:46 default"]}]}],
                "actor": {"uid": 1001, "euid": 1001, "login_uid": 7, "user": "deploy", "tty": "pts/3",
                    "ancestors": [{"pid": 900, "start": 1, "comm": "zsh\u{1b}[2J"}]},
                "process": {"pid": 1, "argv": ["php", "artisan", "migrate", "a b"], "cwd": "/srv"},
                "profile": {"name": "migrate", "layers": ["tagout.toml"]},
                "env": {"kept": ["PATH"], "dropped": ["X"], "dropped_count": 41},
                "host": {"name": "worker-017"}
            }),
            outcome: Some(json!({
                "exit": {"code": 0}, "took_ms": 8231, "rusage": {"user_ms": 310, "sys_ms": 44, "max_rss_kb": 88120},
                "observed": [{"proto": "tcp", "peer": "10.0.3.7:3306", "first_ms": 120, "matches": 0},
                             {"proto": "tcp", "peer": "10.9.9.9:3306", "first_ms": 130, "mismatch": true}]
            })),
        }
    }

    #[test]
    fn the_story_tells_everything_once_and_safely() {
        let story = story(&found(), State::Ended, Zone::Utc, false);
        for expected in [
            "deploy (uid 1001), logged in as uid 7, on pts/3",
            "called by zsh\\u{1b}[2J (900)",
            "php artisan migrate 'a b'",
            "mysql://app@db-1:3306/shop — production",
            "host      db-1                     from .env:14, over config/database.php:46 default",
            "allowed by production-migrate",
            "exit 0 after 8.2 s",
            "tcp 10.9.9.9:3306 after 130 ms: NOT a resolved target",
            "dropped 41: X",
        ] {
            assert!(story.contains(expected), "{expected}\n{story}");
        }
    }

    #[test]
    fn rows_stand_under_each_other() {
        let row = row(&found(), State::Ended, Zone::Utc);
        let table = table(&[row], true, false);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0].find("COMMAND"), lines[1].find("php artisan"));
        assert!(lines[1].starts_with("2026-08-22 09:31:07Z  0198f2c4-78dd-7e6e  allowed"));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,8}\u{1b}?".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let keys = prop::sample::select(vec![
                "targets", "actor", "process", "exit", "argv", "id", "env", "kept", "observed",
                "facts",
            ]);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((keys, inner), 0..4).prop_map(|members| {
                    Value::Object(
                        members
                            .into_iter()
                            .map(|(k, v)| (k.to_owned(), v))
                            .collect(),
                    )
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn records_of_any_shape_are_shown_without_control_characters(run in any_json(), outcome in any_json()) {
            let found = Found { host: None, run, outcome: Some(outcome) };
            let shown = story(&found, State::Lost, Zone::Local, false) + &table(&[row(&found, State::Lost, Zone::Local)], true, false);
            prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n'));
        }
    }
}
