//! Finding runs: filters are tried on bytes before any JSON is parsed.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};

use memchr::memmem::Finder;
use serde_json::Value;

use crate::sys::clock::Moment;

use super::read::{Block, Head, Place, Segments};
use super::{JournalError, rfc3339};

/// Entries that were set aside come later than their time says; nothing is older than this.
const LATE: u64 = 3600;

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

/// The newest `limit` runs that the filter lets through, newest first.
///
/// # Errors
/// Where the journal cannot be read.
pub fn runs(
    segments: &Segments,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<Found>, JournalError> {
    let matcher = Matcher::new(filter);
    let mut outcomes = Outcomes::of(filter, limit);
    let mut found: Vec<(Place, Option<Place>)> = Vec::new();
    if limit == 0 {
        return Ok(Vec::new());
    }
    segments.each_block(
        segments.blocks_back(),
        |block| matcher.block(segments, block),
        |part| {
            for hit in part.hits.into_iter().rev() {
                match hit {
                    Hit::Outcome(id, place, mismatch) => {
                        outcomes.keep(id, place, mismatch);
                    }
                    Hit::Run(id, place, mode) => {
                        let outcome = outcomes.take(id);
                        if matcher.joined(mode, outcome.map(|(_, mismatch)| mismatch)) {
                            found.push((place, outcome.map(|(place, _)| place)));
                        }
                    }
                }
                if found.len() >= limit {
                    return false;
                }
            }
            !part.too_old
        },
    )?;
    found
        .into_iter()
        .map(|(run, outcome)| {
            Ok(Found {
                host: None,
                run: parsed(segments, run)?,
                outcome: outcome.map(|place| parsed(segments, place)).transpose()?,
            })
        })
        .collect()
}

/// The outcomes that were met so far, newest first. Most searches ask for few of them: then a list
/// is cheaper than a map of all.
enum Outcomes {
    List(Vec<(u128, Place, bool)>),
    Map(HashMap<u128, (Place, bool), ById>),
}

impl Outcomes {
    /// A map where many runs are asked for their outcome.
    fn of(filter: &Filter, limit: usize) -> Outcomes {
        match filter.open || filter.mismatch || limit > 1000 {
            true => Outcomes::Map(HashMap::default()),
            false => Outcomes::List(Vec::new()),
        }
    }

    fn keep(&mut self, id: u128, place: Place, mismatch: bool) {
        match self {
            Outcomes::List(list) => list.push((id, place, mismatch)),
            Outcomes::Map(map) => {
                map.insert(id, (place, mismatch));
            }
        }
    }

    /// The outcome of a run that is met now: it was most likely met shortly before.
    fn take(&mut self, id: u128) -> Option<(Place, bool)> {
        match self {
            Outcomes::List(list) => {
                let found = list.iter().rev().find(|(of, ..)| *of == id);
                found.map(|(_, place, mismatch)| (*place, *mismatch))
            }
            Outcomes::Map(map) => map.remove(&id),
        }
    }
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

fn parsed(segments: &Segments, place: Place) -> Result<Value, JournalError> {
    Ok(serde_json::from_slice(&segments.line(place)?).unwrap_or(Value::Null))
}

/// Whether an outcome is to be expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Refused,
    Exec,
    Supervise,
}

enum Hit {
    Run(u128, Place, Mode),
    Outcome(u128, Place, bool),
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
    mismatch: Finder<'static>,
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
        let needles = [
            member("verdict", &filter.verdict),
            member("effect", &filter.effect),
            filter
                .tier
                .as_ref()
                .filter(|tier| *tier != "unresolved")
                .and_then(|_| member("tier", &filter.tier)),
            filter
                .profile
                .as_ref()
                .map(|p| format!("\"profile\":{{\"name\":{}", quoted(p))),
            filter.cwd.as_ref().map(|c| format!("\"cwd\":{}", open(c))),
            filter.id.as_ref().map(|id| format!("\"id\":{}", open(id))),
            filter
                .tier
                .as_ref()
                .filter(|tier| *tier == "unresolved")
                .map(|_| "\"unresolved\":[".to_owned()),
            filter.target.as_ref().map(|t| {
                let longest = t.split('*').max_by_key(|part| part.len());
                open(longest.unwrap_or_default())
                    .trim_start_matches('"')
                    .to_owned()
            }),
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
            mismatch: finder("\"mismatch\":true".to_owned()),
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
        let mut part = Part::default();
        let mut newest = false;
        segments.lines(block, |place, line, _| {
            let Some(head) = Head::of(line) else {
                return;
            };
            newest |= self
                .stop_before
                .as_ref()
                .is_none_or(|stop| head.time >= stop.as_str());
            match head.phase {
                "outcome" => {
                    let mismatch = self.mismatch.find(line).is_some();
                    part.hits.push(Hit::Outcome(head.id, place, mismatch));
                }
                "intent" | "refused" if self.matches(&head, line) => {
                    let mode = match head.phase {
                        "refused" => Mode::Refused,
                        _ if self.exec.find(line).is_some() => Mode::Exec,
                        _ => Mode::Supervise,
                    };
                    part.hits.push(Hit::Run(head.id, place, mode));
                }
                _ => {}
            }
        })?;
        part.too_old = !newest && self.stop_before.is_some();
        Ok(part)
    }

    fn matches(&self, head: &Head<'_>, line: &[u8]) -> bool {
        let in_time = self.since.as_ref().is_none_or(|s| head.time >= s.as_str())
            && self.until.as_ref().is_none_or(|u| head.time < u.as_str());
        in_time
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

    /// The part of the filter that needs the outcome.
    fn joined(&self, mode: Mode, outcome: Option<bool>) -> bool {
        (!self.filter.open || (outcome.is_none() && mode == Mode::Supervise))
            && (!self.filter.mismatch || outcome == Some(true))
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
