//! Counting runs.

use std::collections::{BTreeMap, HashSet};

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
            for (head, value) in part {
                all.count(head, &value);
            }
            true
        },
    )?;
    all.durations.sort_unstable();
    all.open = all.started.len() as u64;
    Ok(all)
}

struct Owned {
    id: u128,
    outcome: bool,
    time: String,
}

fn of_block(
    segments: &Segments,
    block: &Block,
    since: Option<&str>,
) -> Result<Vec<(Owned, Value)>, JournalError> {
    let mut part = Vec::new();
    segments.lines(block, |_, line, _| {
        let Some(head) = Head::of(line) else {
            return;
        };
        let counts = matches!(head.phase, "intent" | "refused" | "outcome");
        if !counts || since.is_some_and(|since| head.time < since) {
            return;
        }
        if let Ok(value) = serde_json::from_slice::<Value>(line) {
            let owned = Owned {
                id: head.id,
                outcome: head.phase == "outcome",
                time: head.time.to_owned(),
            };
            part.push((owned, slim(value)));
        }
    })?;
    Ok(part)
}

/// What is counted of a record: the rest is let go at once.
fn slim(mut value: Value) -> Value {
    for key in ["env", "process", "reasons", "git", "enforcement", "actions"] {
        if key != "process" || value["process"]["mode"] != "exec" {
            value.as_object_mut().and_then(|o| o.remove(key));
        }
    }
    value
}

impl Stats {
    fn count(&mut self, head: Owned, record: &Value) {
        if head.outcome {
            return self.outcome(head.id, record);
        }
        let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
        let mut add = |counts: fn(&mut Stats) -> &mut Counts, name: String| {
            *counts(self).entry(name).or_default() += 1;
        };
        add(|s| &mut s.verdicts, text(&record["verdict"]));
        add(|s| &mut s.effects, text(&record["effect"]));
        add(|s| &mut s.profiles, text(&record["profile"]["name"]));
        let actor = &record["actor"];
        let user = actor["user"]
            .as_str()
            .map_or_else(|| actor["uid"].to_string(), str::to_owned);
        add(|s| &mut s.users, user);
        if record["verdict"] == "refused" {
            add(|s| &mut s.refusals, text(&record["rule"]));
        }
        let targets = record["targets"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let mut tiers: Vec<String> = targets.iter().map(|t| text(&t["tier"])).collect();
        tiers.extend(
            record["unresolved"]
                .is_array()
                .then(|| "unresolved".to_owned()),
        );
        tiers.sort_unstable();
        tiers.dedup();
        for tier in tiers {
            add(|s| &mut s.tiers, tier);
        }
        self.runs += 1;
        if record["phase"] == "intent" && record["process"]["mode"] != "exec" {
            self.started.insert(head.id);
        }
        self.span = match self.span.take() {
            None => Some((head.time.clone(), head.time)),
            Some((first, last)) => {
                let last = last.max(head.time.clone());
                Some((first.min(head.time), last))
            }
        };
    }

    fn outcome(&mut self, id: u128, record: &Value) {
        self.started.remove(&id);
        let exit = &record["exit"];
        let result = match (exit["code"].as_i64(), exit["signal"].as_str()) {
            (Some(code), _) => format!("exit {code}"),
            (_, Some(signal)) => signal.to_owned(),
            _ if exit["timed_out"] == true => "timed out".to_owned(),
            _ => "not started".to_owned(),
        };
        *self.results.entry(result).or_default() += 1;
        self.durations.extend(record["took_ms"].as_u64());
        let observed = record["observed"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        self.mismatches += u64::from(observed.iter().any(|o| o["mismatch"] == true));
    }

    /// The duration below which that share (0 to 100) of runs stayed, in milliseconds.
    pub fn percentile(&self, share: usize) -> Option<u64> {
        let last = self.durations.len().checked_sub(1)?;
        self.durations.get(last * share / 100).copied()
    }
}
