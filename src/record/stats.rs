//! Counting runs.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use super::JournalError;
use super::fields::Raw;
use super::query::ById;
use super::read::{Block, Head, Segments};

/// Counts by name.
pub type Counts = BTreeMap<String, u64>;

/// What a journal holds, in numbers.
#[derive(Debug, Default)]
pub struct Stats {
    /// Runs, refused ones included.
    pub runs: u64,
    /// By verdict.
    pub verdicts: Counts,
    /// By effect.
    pub effects: Counts,
    /// By tier; a run of several tiers counts for each.
    pub tiers: Counts,
    /// By profile.
    pub profiles: Counts,
    /// By user.
    pub users: Counts,
    /// Refusals by rule.
    pub refusals: Counts,
    /// By how they ended.
    pub results: Counts,
    /// Runs that contacted what was not resolved.
    pub mismatches: u64,
    /// Runs without outcome, though one was to come.
    pub open: u64,
    /// Durations in milliseconds, sorted.
    pub durations: Vec<u64>,
    /// Time of the first run, and of the last.
    pub span: Option<(String, String)>,
    /// Runs whose outcome was not met yet.
    started: HashSet<u128, ById>,
    /// Outcomes whose run was not met before.
    ended: Vec<u128>,
}

/// Counts every run judged at or after `since` (as RFC 3339 text).
///
/// # Errors
/// Where the journal cannot be read.
pub fn stats(segments: &Segments, since: Option<&str>) -> Result<Stats, JournalError> {
    let mut all = Stats::default();
    segments.each_block(
        segments.blocks(),
        |block| of_block(segments, block, since),
        |part| {
            all.add(part);
            true
        },
    )?;
    all.finish();
    Ok(all)
}

fn of_block(
    segments: &Segments,
    block: &Block,
    since: Option<&str>,
) -> Result<Stats, JournalError> {
    let mut part = Stats::default();
    segments.lines(block, |_, line, _| part.line(line, since))?;
    Ok(part)
}

/// One more of that name. Names are few: most of the time it is there already.
fn count(counts: &mut Counts, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => {
            counts.insert(name.to_owned(), 1);
        }
    }
}

fn text(raw: Option<Raw<'_>>) -> Cow<'_, str> {
    raw.and_then(Raw::text).unwrap_or(Cow::Borrowed("?"))
}

fn user(actor: Raw<'_>) -> Cow<'_, str> {
    let name = actor.member("user").and_then(Raw::text);
    let number = || String::from_utf8_lossy(actor.member("uid").map_or(b"?", Raw::bytes));
    name.unwrap_or_else(number)
}

fn result(exit: Raw<'_>) -> Cow<'_, str> {
    if let Some(code) = exit.member("code") {
        return Cow::Owned(format!("exit {}", String::from_utf8_lossy(code.bytes())));
    }
    if let Some(signal) = exit.member("signal").and_then(Raw::text) {
        return signal;
    }
    let timed_out = exit.member("timed_out").is_some_and(Raw::is_true);
    Cow::Borrowed(if timed_out {
        "timed out"
    } else {
        "not started"
    })
}

impl Stats {
    /// Counts a record that is not read from segments. [`Stats::finish`] comes last.
    pub(super) fn record(&mut self, line: &[u8]) {
        self.line(line, None);
    }

    pub(super) fn finish(&mut self) {
        self.durations.sort_unstable();
        self.open = self.started.len() as u64;
    }

    fn line(&mut self, line: &[u8], since: Option<&str>) {
        let Some(head) = Head::of(line) else {
            return;
        };
        if since.is_some_and(|since| head.time < since) {
            return;
        }
        match head.phase {
            "outcome" => self.outcome(&head, line),
            "intent" | "refused" => self.run(&head, line),
            _ => {}
        }
    }

    fn outcome(&mut self, head: &Head<'_>, line: &[u8]) {
        if !self.started.remove(&head.id) {
            self.ended.push(head.id);
        }
        let mut ended = Cow::Borrowed("");
        for (key, value) in Raw::of(line).members() {
            match key.name() {
                b"took_ms" => self.durations.extend(value.number()),
                b"exit" => ended = result(value),
                b"observed" => {
                    let is_strange = |o: Raw<'_>| o.member("mismatch").is_some_and(Raw::is_true);
                    self.mismatches += u64::from(value.items().any(is_strange));
                }
                _ => {}
            }
        }
        count(&mut self.results, &ended);
    }

    fn run(&mut self, head: &Head<'_>, line: &[u8]) {
        self.runs += 1;
        let mut replaced = false;
        let (mut verdict, mut rule) = (Cow::Borrowed(""), Cow::Borrowed(""));
        let mut tiers: Vec<Cow<'_, str>> = Vec::new();
        for (key, value) in Raw::of(line).members() {
            match key.name() {
                b"verdict" => verdict = text(Some(value)),
                b"rule" => rule = text(Some(value)),
                b"effect" => count(&mut self.effects, &text(Some(value))),
                b"profile" => count(&mut self.profiles, &text(value.member("name"))),
                b"actor" => count(&mut self.users, &user(value)),
                b"process" => replaced = text(value.member("mode")) == "exec",
                b"targets" => tiers.extend(value.items().map(|t| text(t.member("tier")))),
                b"unresolved" => tiers.push(Cow::Borrowed("unresolved")),
                _ => {}
            }
        }
        if head.phase == "intent" && !replaced {
            self.started.insert(head.id);
        }
        if verdict == "refused" {
            count(&mut self.refusals, &rule);
        }
        count(&mut self.verdicts, &verdict);
        tiers.sort_unstable();
        tiers.dedup();
        for tier in tiers {
            count(&mut self.tiers, &tier);
        }
        self.reaches(head.time);
    }

    fn reaches(&mut self, time: &str) {
        match &mut self.span {
            None => self.span = Some((time.to_owned(), time.to_owned())),
            Some((first, _)) if time < first.as_str() => time.clone_into(first),
            Some((_, last)) if time > last.as_str() => time.clone_into(last),
            Some(_) => {}
        }
    }

    /// Adds what stands after everything that was counted so far.
    fn add(&mut self, part: Stats) {
        self.runs += part.runs;
        self.mismatches += part.mismatches;
        self.durations.extend(part.durations);
        let sums = [
            (&mut self.verdicts, part.verdicts),
            (&mut self.effects, part.effects),
            (&mut self.tiers, part.tiers),
            (&mut self.profiles, part.profiles),
            (&mut self.users, part.users),
            (&mut self.refusals, part.refusals),
            (&mut self.results, part.results),
        ];
        for (sum, more) in sums {
            for (name, number) in more {
                *sum.entry(name).or_default() += number;
            }
        }
        for id in part.ended {
            self.started.remove(&id);
        }
        self.started.extend(part.started);
        if let Some((first, last)) = part.span {
            self.reaches(&first);
            self.reaches(&last);
        }
    }

    /// The duration below which that share (0 to 100) of runs stayed, in milliseconds.
    pub fn percentile(&self, share: usize) -> Option<u64> {
        let last = self.durations.len().checked_sub(1)?;
        self.durations.get(last * share / 100).copied()
    }
}
