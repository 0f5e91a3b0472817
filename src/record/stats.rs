//! Counting runs.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::JournalError;
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
    started: HashSet<u128>,
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
            for slim in part {
                all.count(slim);
            }
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
) -> Result<Vec<Slim>, JournalError> {
    let mut part = Vec::new();
    segments.lines(block, |_, line, _| {
        part.extend(Slim::of(line, since));
    })?;
    Ok(part)
}

/// What is counted of a record: the rest is stepped over as it is read.
#[derive(Default)]
struct Slim {
    id: u128,
    phase: String,
    time: String,
    verdict: String,
    effect: String,
    rule: String,
    profile: String,
    user: String,
    tiers: Vec<String>,
    exec: bool,
    result: String,
    took_ms: Option<u64>,
    mismatch: bool,
}

impl Slim {
    /// `None`: it is not counted.
    fn of(line: &[u8], since: Option<&str>) -> Option<Slim> {
        let head = Head::of(line)?;
        let counts = matches!(head.phase, "intent" | "refused" | "outcome");
        if !counts || since.is_some_and(|since| head.time < since) {
            return None;
        }
        let mut slim: Slim = serde_json::from_slice(line).ok()?;
        slim.id = head.id;
        head.phase.clone_into(&mut slim.phase);
        head.time.clone_into(&mut slim.time);
        Some(slim)
    }
}

impl<'de> Deserialize<'de> for Slim {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(SlimVisitor)
    }
}

struct SlimVisitor;

impl<'de> Visitor<'de> for SlimVisitor {
    type Value = Slim;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Slim, A::Error> {
        let mut slim = Slim::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match key.as_ref() {
                "verdict" => slim.verdict = map.next_value()?,
                "effect" => slim.effect = map.next_value()?,
                "rule" => slim.rule = map.next_value()?,
                "took_ms" => slim.took_ms = map.next_value()?,
                "profile" => slim.profile = text(&map.next_value::<Value>()?["name"]),
                "actor" => slim.user = user(&map.next_value()?),
                "process" => slim.exec = map.next_value::<Value>()?["mode"] == "exec",
                "targets" => {
                    let targets: Vec<Value> = map.next_value()?;
                    slim.tiers.extend(targets.iter().map(|t| text(&t["tier"])));
                }
                "unresolved" => {
                    map.next_value::<IgnoredAny>()?;
                    slim.tiers.push("unresolved".to_owned());
                }
                "exit" => slim.result = result(&map.next_value()?),
                "observed" => {
                    let observed: Vec<Value> = map.next_value()?;
                    slim.mismatch = observed.iter().any(|o| o["mismatch"] == true);
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(slim)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("?").to_owned()
}

fn user(actor: &Value) -> String {
    let name = actor["user"].as_str().map(str::to_owned);
    name.unwrap_or_else(|| actor["uid"].to_string())
}

fn result(exit: &Value) -> String {
    match (exit["code"].as_i64(), exit["signal"].as_str()) {
        (Some(code), _) => format!("exit {code}"),
        (_, Some(signal)) => signal.to_owned(),
        _ if exit["timed_out"] == true => "timed out".to_owned(),
        _ => "not started".to_owned(),
    }
}

fn add(counts: &mut Counts, name: String) {
    *counts.entry(name).or_default() += 1;
}

impl Stats {
    /// Counts a record that is not read from segments. [`Stats::finish`] comes last.
    pub(super) fn record(&mut self, line: &[u8]) {
        if let Some(slim) = Slim::of(line, None) {
            self.count(slim);
        }
    }

    pub(super) fn finish(&mut self) {
        self.durations.sort_unstable();
        self.open = self.started.len() as u64;
    }

    fn count(&mut self, mut slim: Slim) {
        if slim.phase == "outcome" {
            self.started.remove(&slim.id);
            add(&mut self.results, slim.result);
            self.durations.extend(slim.took_ms);
            self.mismatches += u64::from(slim.mismatch);
            return;
        }
        self.runs += 1;
        if slim.phase == "intent" && !slim.exec {
            self.started.insert(slim.id);
        }
        if slim.verdict == "refused" {
            add(&mut self.refusals, slim.rule);
        }
        add(&mut self.verdicts, slim.verdict);
        add(&mut self.effects, slim.effect);
        add(&mut self.profiles, slim.profile);
        add(&mut self.users, slim.user);
        slim.tiers.sort_unstable();
        slim.tiers.dedup();
        for tier in slim.tiers {
            add(&mut self.tiers, tier);
        }
        self.span = match self.span.take() {
            None => Some((slim.time.clone(), slim.time)),
            Some((first, last)) => {
                let last = last.max(slim.time.clone());
                Some((first.min(slim.time), last))
            }
        };
    }

    /// The duration below which that share (0 to 100) of runs stayed, in milliseconds.
    pub fn percentile(&self, share: usize) -> Option<u64> {
        let last = self.durations.len().checked_sub(1)?;
        self.durations.get(last * share / 100).copied()
    }
}
