//! Finding runs: filters are tried on bytes before any JSON is parsed.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher};

use memchr::memmem::Finder;
use serde_json::Value;

use crate::sys::clock::Moment;

use super::fields::Raw;
use super::read::{BLOCK, Block, Head, Place, Segments};
use super::{JournalError, rfc3339};

/// Entries that were set aside come later than their time says; nothing is older than this.
const LATE: u64 = 3600;
/// A clock may have been set back: only behind so many bytes of what is too old is nothing sought.
const OLD_ENOUGH: u64 = 64 << 20;

/// Which runs are asked for. Everything that is set must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Judged at or after.
    pub since: Option<Moment>,
    /// Judged before.
    pub until: Option<Moment>,
    /// A target's URI, with `*` for any text; without, a part of it.
    pub target: Option<String>,
    /// A target's tier, or `unresolved`.
    pub tier: Option<String>,
    /// The effect's word.
    pub effect: Option<String>,
    /// `allowed` or `refused`.
    pub verdict: Option<String>,
    /// The profile's name.
    pub profile: Option<String>,
    /// The user's name or id.
    pub user: Option<String>,
    /// The working directory or one above it.
    pub cwd: Option<String>,
    /// Only runs without outcome.
    pub open: bool,
    /// Only runs that contacted what was not resolved.
    pub mismatch: bool,
    /// Only runs that a gate of that name held back.
    pub gate: Option<String>,
    /// The beginning of the id.
    pub id: Option<String>,
}

/// One run with everything that was recorded about it.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The host that a database of several has it from.
    pub host: Option<String>,
    /// Its intent or refusal.
    pub run: Value,
    /// Its outcome.
    pub outcome: Option<Value>,
}

/// A run's lines as they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Its intent or refusal.
    pub run: Vec<u8>,
    /// Its outcome.
    pub outcome: Option<Vec<u8>>,
}

impl Written {
    /// What the lines say.
    pub fn read(&self) -> Found {
        self.read_by(&|line| serde_json::from_slice(line).unwrap_or(Value::Null))
    }

    /// What the lines say under these keys: a list of runs needs little of them.
    pub fn read_only(&self, keys: &[&str]) -> Found {
        self.read_by(&|line| {
            let members = Raw::of(line).members();
            let wanted = members.filter_map(|(key, value)| {
                let key = key.text().filter(|key| keys.contains(&key.as_ref()))?;
                Some((
                    key.into_owned(),
                    serde_json::from_slice(value.bytes()).ok()?,
                ))
            });
            Value::Object(wanted.collect())
        })
    }

    fn read_by(&self, parsed: &dyn Fn(&[u8]) -> Value) -> Found {
        Found {
            host: None,
            run: parsed(&self.run),
            outcome: self.outcome.as_deref().map(parsed),
        }
    }
}

/// The newest `limit` runs that the filter lets through, newest first.
///
/// # Errors
/// Where the journal cannot be read.
pub fn runs(
    segments: &Segments,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<Found>, JournalError> {
    let lines = lines(segments, filter, limit)?;
    Ok(lines.iter().map(Written::read).collect())
}

/// The same, as they were written.
///
/// # Errors
/// Where the journal cannot be read.
pub fn lines(
    segments: &Segments,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<Written>, JournalError> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let mut matcher = Matcher::new(filter);
    matcher.only = only(segments, filter)?;
    if matcher.only.as_ref().is_some_and(Ids::is_empty) {
        return Ok(Vec::new());
    }
    let (mut found, mut ended) = (Vec::new(), Ids::default());
    let mut old = 0;
    segments.each_block(
        segments.blocks_back(),
        |block| matcher.block(segments, block),
        |part| {
            for hit in part.hits.into_iter().rev() {
                match hit {
                    Hit::Outcome(id) => {
                        ended.insert(id);
                    }
                    Hit::Run(run) => {
                        let is_open = run.mode == Mode::Supervise && !ended.contains(&run.id);
                        found.extend((is_open || !filter.open).then_some(run));
                    }
                }
                if found.len() >= limit {
                    return false;
                }
            }
            old = if part.too_old { old + BLOCK } else { 0 };
            old < OLD_ENOUGH
        },
    )?;
    let outcomes = outcomes(segments, &found)?;
    let whole = found.into_iter().map(|run| {
        let outcome = outcomes.get(&run.id);
        Ok(Written {
            run: segments.line(run.place)?,
            outcome: outcome.map(|at| segments.line(*at)).transpose()?,
        })
    });
    // One that was set aside may stand behind its outcome.
    let asked = whole.filter(|f| !filter.open || f.as_ref().is_ok_and(|f| f.outcome.is_none()));
    asked.collect()
}

/// Where the outcomes of these runs stand: not far behind them, most of the time.
fn outcomes(
    segments: &Segments,
    runs: &[Started],
) -> Result<HashMap<u128, Place, ById>, JournalError> {
    let mut outcomes = HashMap::default();
    let Some(first) = runs.iter().map(|run| run.place).min() else {
        return Ok(outcomes);
    };
    let all: Ids = runs.iter().map(|run| run.id).collect();
    let expected = runs.iter().filter(|run| run.mode == Mode::Supervise);
    let mut expected: Ids = expected.map(|run| run.id).collect();
    // From a block before: one of the two may have been set aside.
    let before = |b: &Block| (b.segment, b.range.end + BLOCK) < (first.segment, first.offset);
    segments.each_block(
        segments.blocks().skip_while(before),
        |block| {
            let mut met = Vec::new();
            segments.lines(block, |place, line, _| {
                let ended = Head::of(line).filter(|h| h.phase == "outcome" && all.contains(&h.id));
                met.extend(ended.map(|head| (head.id, place)));
            })?;
            Ok(met)
        },
        |met| {
            for (id, _) in &met {
                expected.remove(id);
            }
            outcomes.extend(met);
            !expected.is_empty()
        },
    )?;
    Ok(outcomes)
}

type Ids = HashSet<u128, ById>;

/// The runs that are asked for by what any of their entries says; `None`: by nothing of that kind.
fn only(segments: &Segments, filter: &Filter) -> Result<Option<Ids>, JournalError> {
    let mut only: Option<Ids> = None;
    let mut narrow = |ids: Ids| {
        only = Some(match only.take() {
            Some(before) => before.intersection(&ids).copied().collect(),
            None => ids,
        });
    };
    if filter.mismatch {
        let is_strange = |o: Raw<'_>| o.member("mismatch").is_some_and(Raw::is_true);
        narrow(with(segments, "\"mismatch\":true", |line| {
            let observed = line.member("observed");
            observed.is_some_and(|list| list.items().any(is_strange))
        })?);
    }
    if let Some(name) = &filter.gate {
        let is_shut = |gate: Raw<'_>| {
            let named = gate.member("name").and_then(Raw::text);
            named.is_some_and(|n| n == *name) && gate.member("passed").is_some_and(Raw::is_false)
        };
        narrow(with(segments, "\"passed\":false", |line| {
            let gates = line.member("gates");
            gates.is_some_and(|list| list.items().any(is_shut))
        })?);
    }
    Ok(only)
}

/// The runs with an entry that holds a text and of which `is` is true.
fn with(
    segments: &Segments,
    text: &str,
    is: impl Fn(Raw<'_>) -> bool + Sync,
) -> Result<Ids, JournalError> {
    let needle = Finder::new(text);
    let mut all = Ids::default();
    segments.each_block(
        segments.blocks(),
        |block| {
            let mut met = Vec::new();
            segments.with(block, |lines| {
                lines.each_with(&needle, &mut |_, line, _| {
                    let head = Head::of(line).filter(|_| is(Raw::of(line)));
                    met.extend(head.map(|head| head.id));
                });
            })?;
            Ok(met)
        },
        |met| {
            all.extend(met);
            true
        },
    )?;
    Ok(all)
}

/// Ids end in 62 random bits: those are hash enough.
#[derive(Default, Clone, Copy)]
pub(super) struct ById(u64);

impl BuildHasher for ById {
    type Hasher = ById;

    fn build_hasher(&self) -> ById {
        ById::default()
    }
}

impl Hasher for ById {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, id: u128) {
        // Odd and without pattern (the golden ratio): ids that were made up spread, too.
        let folded = (id >> 64) as u64 ^ id as u64;
        self.0 = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// Whether an outcome is to be expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Refused,
    Exec,
    Supervise,
}

/// A run that was met.
#[derive(Debug, Clone, Copy)]
struct Started {
    id: u128,
    place: Place,
    mode: Mode,
}

enum Hit {
    Run(Started),
    Outcome(u128),
}

#[derive(Default)]
struct Part {
    hits: Vec<Hit>,
    too_old: bool,
}

/// A filter made ready: texts that must be in the line, then the JSON itself.
struct Matcher<'a> {
    filter: &'a Filter,
    needles: Vec<Finder<'static>>,
    user: Vec<Finder<'static>>,
    /// Only these.
    only: Option<Ids>,
    exec: Finder<'static>,
    since: Option<String>,
    stop_before: Option<String>,
    until: Option<String>,
    parse: bool,
}

impl<'a> Matcher<'a> {
    fn new(filter: &'a Filter) -> Matcher<'a> {
        let time = |m: Moment| rfc3339(m);
        let finder = |text: String| Finder::new(text.as_bytes()).into_owned();
        let member = |key: &str, value: &Option<String>| {
            value.as_ref().map(|v| format!("\"{key}\":{}", quoted(v)))
        };
        let tier = filter.tier.as_ref().map(|tier| match tier.as_str() {
            "unresolved" => "\"unresolved\":[".to_owned(),
            tier => format!("\"tier\":{}", quoted(tier)),
        });
        let profile = filter.profile.as_ref();
        // The rarest first: whole blocks are searched for that one.
        let needles = [
            filter.id.as_ref().map(|id| format!("\"id\":{}", open(id))),
            filter.target.as_ref().map(|t| {
                let longest = t.split('*').max_by_key(|part| part.len());
                open(longest.unwrap_or_default())
                    .trim_start_matches('"')
                    .to_owned()
            }),
            filter.cwd.as_ref().map(|c| format!("\"cwd\":{}", open(c))),
            tier,
            member("verdict", &filter.verdict),
            member("effect", &filter.effect),
            profile.map(|p| format!("\"profile\":{{\"name\":{}", quoted(p))),
        ];
        let user = filter.user.iter().flat_map(|user| {
            let number = user.parse::<u64>().ok();
            // Also the end of `login_uid`.
            let number = number.map(|n| format!("uid\":{n}"));
            [Some(format!("\"user\":{}", quoted(user))), number]
        });
        Matcher {
            filter,
            user: user.flatten().map(finder).collect(),
            needles: needles.into_iter().flatten().map(finder).collect(),
            only: None,
            exec: finder("\"mode\":\"exec\"".to_owned()),
            since: filter.since.map(time),
            stop_before: filter.since.map(|since| {
                time(Moment {
                    seconds: since.seconds.saturating_sub(LATE),
                    nanos: 0,
                })
            }),
            until: filter.until.map(time),
            parse: filter.effect.is_some()
                || filter.tier.is_some()
                || filter.target.is_some()
                || filter.user.is_some()
                || filter.cwd.is_some()
                || filter.verdict.is_some(),
        }
    }

    fn block(&self, segments: &Segments, block: &Block) -> Result<Part, JournalError> {
        segments.with(block, |lines| {
            let mut part = Part::default();
            let mut each = |place, line: &[u8], _| part.hits.extend(self.hit(place, line));
            match self.needles.first() {
                // For this one every outcome counts, too.
                Some(needle) if !self.filter.open => lines.each_with(needle, &mut each),
                _ => lines.each(&mut each),
            }
            let newest = lines.last().and_then(Head::of);
            part.too_old = newest.is_some_and(|head| self.is_too_old(&head));
            part
        })
    }

    fn is_too_old(&self, head: &Head<'_>) -> bool {
        let stop = self.stop_before.as_ref();
        stop.is_some_and(|stop| head.time < stop.as_str())
    }

    fn hit(&self, place: Place, line: &[u8]) -> Option<Hit> {
        let head = Head::of(line)?;
        let mode = match head.phase {
            "outcome" => return self.filter.open.then_some(Hit::Outcome(head.id)),
            "intent" | "refused" if !self.matches(&head, line) => return None,
            "refused" => Mode::Refused,
            "intent" if self.exec.find(line).is_some() => Mode::Exec,
            "intent" => Mode::Supervise,
            _ => return None,
        };
        Some(Hit::Run(Started {
            id: head.id,
            place,
            mode,
        }))
    }

    fn matches(&self, head: &Head<'_>, line: &[u8]) -> bool {
        let in_time = self.since.as_ref().is_none_or(|s| head.time >= s.as_str())
            && self.until.as_ref().is_none_or(|u| head.time < u.as_str());
        in_time
            && self
                .only
                .as_ref()
                .is_none_or(|only| only.contains(&head.id))
            && self
                .filter
                .id
                .as_ref()
                .is_none_or(|id| head.id_text.starts_with(id.as_str()))
            && self
                .needles
                .iter()
                .all(|needle| needle.find(line).is_some())
            && (self.user.is_empty() || self.user.iter().any(|u| u.find(line).is_some()))
            && (!self.parse || serde_json::from_slice(line).is_ok_and(|value| self.holds(&value)))
    }

    /// The filter on the parsed record: a needle may stand in the wrong place.
    fn holds(&self, run: &Value) -> bool {
        let filter = self.filter;
        let is = |wanted: &Option<String>, value: &Value| {
            wanted.as_ref().is_none_or(|w| value.as_str() == Some(w))
        };
        let targets = run["targets"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        is(&filter.verdict, &run["verdict"])
            && is(&filter.effect, &run["effect"])
            && is(&filter.profile, &run["profile"]["name"])
            && filter.tier.as_ref().is_none_or(|tier| match tier.as_str() {
                "unresolved" => run["unresolved"].is_array(),
                tier => targets.iter().any(|t| t["tier"] == tier),
            })
            && filter.target.as_ref().is_none_or(|pattern| {
                let uri = |t: &Value| t["uri"].as_str().is_some_and(|u| like(pattern, u));
                targets.iter().any(uri)
            })
            && filter
                .user
                .as_ref()
                .is_none_or(|user| is_user(user, &run["actor"]))
            && filter.cwd.as_ref().is_none_or(|cwd| {
                let cwd = cwd.trim_end_matches('/');
                let below = |c: &str| {
                    c.strip_prefix(cwd)
                        .is_some_and(|r| r.is_empty() || r.starts_with('/'))
                };
                run["process"]["cwd"].as_str().is_some_and(below)
            })
    }
}

fn is_user(user: &str, actor: &Value) -> bool {
    let number = user.parse::<u64>().ok();
    actor["user"] == user || number.is_some_and(|n| actor["uid"] == n || actor["login_uid"] == n)
}

/// A text as JSON.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A text as the beginning of a JSON text.
fn open(text: &str) -> String {
    let mut quoted = quoted(text);
    quoted.pop();
    quoted
}

/// Whether a text is like a pattern: with `*` all of it, without a part of it.
fn like(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return text.contains(pattern);
    };
    let Some(mut text) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match text.find(part) {
            Some(at) => text = text.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A journal of intents and outcomes as they are told: (id, phase, seconds).
    fn journal(entries: &[(u8, &str, u64)]) -> (tempfile::TempDir, Segments) {
        let dir = tempfile::tempdir().unwrap();
        let mut text = Vec::new();
        let mut prev = crate::record::line::NO_HASH;
        for (number, (id, phase, seconds)) in entries.iter().enumerate() {
            let time = rfc3339(Moment {
                seconds: *seconds,
                nanos: 0,
            });
            let body = format!(
                "\"id\":\"0198f2c4-78dd-7fff-bfff-0000000000{id:02}\",\"phase\":\"{phase}\",\"time\":\"{time}\",\"verdict\":\"allowed\""
            );
            let seq = number as u64 + 1;
            prev = crate::record::line::seal(&mut text, seq, &prev, body.as_bytes());
        }
        std::fs::write(dir.path().join("000000000001.jsonl"), text).unwrap();
        let location = crate::record::Location::Copy(dir.path().to_owned());
        let segments = Segments::open(&location).unwrap();
        (dir, segments)
    }

    fn ids(segments: &Segments, filter: &Filter) -> Vec<(u8, bool)> {
        let found = runs(segments, filter, 50).unwrap();
        let id = |f: &Found| f.run["id"].as_str().unwrap()[34..].parse().unwrap();
        found.iter().map(|f| (id(f), f.outcome.is_some())).collect()
    }

    #[test]
    fn outcomes_are_found_on_either_side_of_their_runs() {
        let (_dir, segments) = journal(&[
            (1, "intent", 100),
            (2, "intent", 101),
            // Set aside, and taken in behind what came later.
            (3, "outcome", 102),
            (3, "intent", 102),
            (1, "outcome", 103),
            (4, "refused", 104),
        ]);
        let all = Filter::default();
        let expected = [(4, false), (3, true), (2, false), (1, true)];
        assert_eq!(ids(&segments, &all), expected);
        let open = Filter {
            open: true,
            ..Filter::default()
        };
        assert_eq!(ids(&segments, &open), [(2, false)]);
    }

    #[test]
    fn a_clock_that_was_set_back_hides_nothing() {
        let mut entries = vec![(1, "intent", 1_000_000)];
        // A day back: more of it than a block holds.
        entries.extend(std::iter::repeat_n((2, "outcome", 900_000), 2000));
        let (_dir, segments) = journal(&entries);
        let since = Filter {
            since: Some(Moment {
                seconds: 990_000,
                nanos: 0,
            }),
            ..Filter::default()
        };
        assert!(segments.blocks().count() > 1);
        assert_eq!(ids(&segments, &since), [(1, false)]);
    }

    #[test]
    fn patterns_match_parts_or_all_of_a_uri() {
        let uri = "mysql://app@db-1.prod.internal:3306/shop";
        for pattern in [
            "prod",
            "db-1",
            "*prod*",
            "mysql://*/shop",
            "mysql*@*:3306/*",
            uri,
        ] {
            assert!(like(pattern, uri), "{pattern}");
        }
        for pattern in ["staging", "prod*", "*prod", "mysql://*/shop2", "*shop*shop"] {
            assert!(!like(pattern, uri), "{pattern}");
        }
    }
}
