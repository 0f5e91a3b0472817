//! Checking a journal. Two verdicts: *integrity*, whether the lines that are there are those that
//! were written, one after the other; and *completeness*, whether lines are missing at the end,
//! which only a head kept elsewhere (an anchor) can show.

use super::line::{self, Hash, NO_HASH, Seal};
use super::read::{Block, Place, Segments};
use super::{JournalError, hex};

/// Findings beyond this are counted, not listed.
const MAX_BREAKS: usize = 50;

/// A head of the chain that somebody else remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The host's name.
    pub host: String,
    /// The chain's id.
    pub chain: String,
    /// Number of the record.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
    /// When it was taken, as text.
    pub time: String,
}

/// What is wrong at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The line's bytes do not have the hash that it claims.
    Altered,
    /// It does not follow the line before it.
    Gap,
    /// tagout did not write it.
    Foreign,
}

impl Fault {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Fault::Altered => "the line was altered: its bytes do not have the hash that it claims",
            Fault::Gap => "lines are missing, moved or replaced before this one",
            Fault::Foreign => "a line that tagout did not write",
        }
    }
}

/// A fault and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The segment's name.
    pub segment: String,
    /// Byte offset of the line in it.
    pub offset: u64,
    /// The number that the line claims, where it can be read.
    pub seq: Option<u64>,
    /// What is wrong.
    pub fault: Fault,
}

/// What an anchor says about the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completeness {
    /// There is no anchor for this chain: nothing can be said.
    NoAnchor,
    /// Every anchor is in the chain.
    Complete {
        /// How many were held against it.
        anchors: usize,
        /// Number of the newest.
        newest: u64,
    },
    /// The chain ends before a record that an anchor knows.
    Truncated {
        /// What is missing.
        anchor: Anchor,
    },
    /// The record that an anchor knows is another one here, or the whole chain is.
    Forked {
        /// What it should be.
        anchor: Anchor,
    },
}

/// What checking a journal found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// How many segments.
    pub segments: usize,
    /// How many records.
    pub records: u64,
    /// The chain's id, as the first line says.
    pub chain: Option<String>,
    /// The first record; its number is above 1 where older segments were removed.
    pub first: Option<Seal>,
    /// The last record.
    pub last: Option<Seal>,
    /// Pieces that killed writers left. They are no fault.
    pub torn: u64,
    /// Records of a version that this program does not know.
    pub newer: u64,
    /// The faults, at most fifty.
    pub breaks: Vec<Break>,
    /// How many faults.
    pub faults: u64,
    /// Against the anchors.
    pub completeness: Completeness,
}

impl Verification {
    /// Whether every line is as it was written and follows the one before.
    pub fn is_intact(&self) -> bool {
        self.faults == 0
    }
}

/// Checks every line of the journal, and the anchors of its chain.
///
/// # Errors
/// Where the journal cannot be read.
pub fn verify(segments: &Segments, anchors: &[Anchor]) -> Result<Verification, JournalError> {
    let mut found = Verification {
        segments: segments.count(),
        records: 0,
        chain: None,
        first: None,
        last: None,
        torn: 0,
        newer: 0,
        breaks: Vec::new(),
        faults: 0,
        completeness: Completeness::NoAnchor,
    };
    let mut known: Vec<(u64, Hash)> = Vec::new();
    segments.each_block(
        segments.blocks(),
        |block| check(segments, block, anchors),
        |part| {
            known.extend(&part.known);
            found.take(segments, part);
            true
        },
    )?;
    found.completeness = held_against(&found, anchors, &known);
    Ok(found)
}

/// What one block holds.
struct Part {
    records: u64,
    torn: u64,
    newer: u64,
    first: Option<(Place, Seal)>,
    last: Option<Seal>,
    chain: Option<String>,
    breaks: Vec<(Place, Option<u64>, Fault)>,
    known: Vec<(u64, Hash)>,
}

fn check(segments: &Segments, block: &Block, anchors: &[Anchor]) -> Result<Part, JournalError> {
    let mut part = Part {
        records: 0,
        torn: 0,
        newer: 0,
        first: None,
        last: None,
        chain: None,
        breaks: Vec::new(),
        known: Vec::new(),
    };
    segments.lines(block, |place, line, _| match line::parse(line) {
        Some(seal) => part.record(place, line, seal, anchors),
        None if line.is_empty() => {}
        None if is_fragment(line) => part.torn += 1,
        None => part.breaks.push((place, None, Fault::Foreign)),
    })?;
    Ok(part)
}

impl Part {
    fn record(&mut self, place: Place, line: &[u8], seal: Seal, anchors: &[Anchor]) {
        if !line::holds(line, &seal) {
            self.breaks.push((place, Some(seal.seq), Fault::Altered));
        }
        match &self.last {
            Some(last) if !follows(last, &seal) => {
                self.breaks.push((place, Some(seal.seq), Fault::Gap));
            }
            Some(_) => {}
            None => self.first = Some((place, seal)),
        }
        if self.records == 0 {
            self.chain = chain_named_in(line);
        }
        if anchors.iter().any(|a| a.seq == seal.seq) {
            self.known.push((seal.seq, seal.hash));
        }
        self.newer += u64::from(seal.version > line::VERSION);
        self.records += 1;
        self.last = Some(seal);
    }
}

impl Verification {
    fn take(&mut self, segments: &Segments, part: Part) {
        if let Some((place, seal)) = part.first {
            let sound = match &self.last {
                Some(last) => follows(last, &seal),
                None => seal.seq != 1 || seal.prev == NO_HASH,
            };
            if !sound {
                self.fault(segments, place, Some(seal.seq), Fault::Gap);
            }
            self.first.get_or_insert(seal);
        }
        for (place, seq, fault) in part.breaks {
            self.fault(segments, place, seq, fault);
        }
        self.records += part.records;
        self.torn += part.torn;
        self.newer += part.newer;
        self.last = part.last.or(self.last);
        self.chain = self.chain.take().or(part.chain);
    }

    fn fault(&mut self, segments: &Segments, place: Place, seq: Option<u64>, fault: Fault) {
        self.faults += 1;
        if self.breaks.len() < MAX_BREAKS {
            self.breaks.push(Break {
                segment: segments.name(place.segment).to_owned(),
                offset: place.offset,
                seq,
                fault,
            });
        }
    }
}

fn follows(last: &Seal, next: &Seal) -> bool {
    next.prev == last.hash && Some(next.seq) == last.seq.checked_add(1)
}

/// What a killed writer leaves: the beginning of a line, or the zeros of a file system that lost
/// the data.
fn is_fragment(line: &[u8]) -> bool {
    const START: &[u8] = b"{\"v\":";
    let common = START.len().min(line.len());
    line.get(..common) == START.get(..common) || line.iter().all(|b| *b == 0)
}

/// The chain's id, in the first line of a segment.
pub(crate) fn chain_named_in(line: &[u8]) -> Option<String> {
    let head = super::read::Head::of(line)?;
    if !matches!(head.phase, "genesis" | "segment") {
        return None;
    }
    let value: serde_json::Value = serde_json::from_slice(line).ok()?;
    Some(value["chain"].as_str()?.to_owned())
}

fn held_against(found: &Verification, anchors: &[Anchor], known: &[(u64, Hash)]) -> Completeness {
    let is_ours = |a: &&Anchor| found.chain.as_ref() == Some(&a.chain);
    if let Some(newest) = anchors.iter().max_by(|a, b| a.time.cmp(&b.time))
        && !anchors.iter().any(|a| is_ours(&a))
    {
        return Completeness::Forked {
            anchor: newest.clone(),
        };
    }
    let ours = anchors.iter().filter(is_ours);
    let (mut count, mut newest) = (0, 0);
    let first = found.first.map_or(1, |seal| seal.seq);
    let last = found.last.map_or(0, |seal| seal.seq);
    for anchor in ours {
        if anchor.seq > last {
            return Completeness::Truncated {
                anchor: anchor.clone(),
            };
        }
        // Records before the first segment that is kept cannot be held against anything but the
        // hash that the first one names.
        let here = match anchor.seq.saturating_add(1) {
            next if next == first => found.first.map(|seal| seal.prev),
            next if next < first => continue,
            _ => known
                .iter()
                .find(|(seq, _)| *seq == anchor.seq)
                .map(|(_, hash)| *hash),
        };
        if here != Some(anchor.hash) {
            return Completeness::Forked {
                anchor: anchor.clone(),
            };
        }
        count += 1;
        newest = newest.max(anchor.seq);
    }
    match count {
        0 => Completeness::NoAnchor,
        anchors => Completeness::Complete { anchors, newest },
    }
}

impl Anchor {
    /// The line that is kept elsewhere: `tagout-checkpoint/v1 HOST CHAIN SEQ HASH TIME`.
    pub fn line(&self) -> String {
        let hash = hex(&self.hash);
        let host = self.host.replace(char::is_whitespace, "_");
        format!(
            "{MARK} {host} {} {} {hash} {}",
            self.chain, self.seq, self.time
        )
    }

    /// Reads such a line, wherever in a text it stands.
    pub fn parse(text: &str) -> Option<Anchor> {
        let (_, rest) = text.split_once(MARK)?;
        let mut words = rest.split_ascii_whitespace();
        let host = words.next()?.to_owned();
        let chain = words.next()?.to_owned();
        let seq = words.next()?.parse().ok()?;
        let hash = line::unhex(words.next()?.as_bytes())?;
        let time = words.next()?.to_owned();
        Some(Anchor {
            host,
            chain,
            seq,
            hash,
            time,
        })
    }
}

const MARK: &str = "tagout-checkpoint/v1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Durability, Ending, Entry, Journal, Location, Outcome, RecordId};
    use std::fs;
    use std::path::PathBuf;

    struct Made {
        _dir: tempfile::TempDir,
        location: Location,
        segment: PathBuf,
        anchors: Vec<Anchor>,
    }

    fn made(count: usize) -> Made {
        let dir = tempfile::tempdir().unwrap();
        let location = Location::User(dir.path().join("journal"));
        let journal = Journal::open(&location).unwrap();
        for code in 0..count {
            let now = crate::sys::clock::now();
            let entry = Entry::outcome(&Outcome {
                id: RecordId::new(now).unwrap(),
                time: now,
                ending: Ending::Exited(i32::try_from(code).unwrap()),
                took_ms: 1,
                usage: None,
                observed: Vec::new(),
                fence: None,
                gates: Vec::new(),
            });
            journal.append(&entry, Durability::Buffered).unwrap();
        }
        let segment = location.path().join("000000000001.jsonl");
        let text = fs::read_to_string(&segment).unwrap();
        let chain = chain_named_in(text.lines().next().unwrap().as_bytes()).unwrap();
        let anchors = text
            .lines()
            .filter_map(|l| line::parse(l.as_bytes()))
            .map(|seal| Anchor {
                host: "h".to_owned(),
                chain: chain.clone(),
                seq: seal.seq,
                hash: seal.hash,
                time: "2026-08-22T09:31:07Z".to_owned(),
            })
            .collect();
        Made {
            _dir: dir,
            location,
            segment,
            anchors,
        }
    }

    fn checked(made: &Made, anchors: &[Anchor]) -> Verification {
        verify(&Segments::open(&made.location).unwrap(), anchors).unwrap()
    }

    fn change(made: &Made, by: impl FnOnce(Vec<String>) -> Vec<String>) {
        let text = fs::read_to_string(&made.segment).unwrap();
        let lines = by(text.lines().map(str::to_owned).collect());
        let text: String = lines.into_iter().map(|l| l + "\n").collect();
        fs::write(&made.segment, text).unwrap();
    }

    #[test]
    fn an_untouched_journal_is_intact_and_an_anchor_makes_it_complete() {
        let made = made(5);
        let found = checked(&made, &[]);
        assert!(found.is_intact());
        assert_eq!(
            (found.records, found.completeness),
            (6, Completeness::NoAnchor)
        );
        let found = checked(&made, &made.anchors);
        let complete = Completeness::Complete {
            anchors: 6,
            newest: 6,
        };
        assert_eq!(found.completeness, complete);
    }

    #[test]
    fn each_kind_of_tampering_is_found_and_named() {
        type Change = fn(Vec<String>) -> Vec<String>;
        let changes: [(&str, Change, Fault); 5] = [
            (
                "edited",
                |mut l| {
                    l[2] = l[2].replace("\"code\":1", "\"code\":0");
                    l
                },
                Fault::Altered,
            ),
            (
                "removed",
                |mut l| {
                    l.remove(3);
                    l
                },
                Fault::Gap,
            ),
            (
                "swapped",
                |mut l| {
                    l.swap(2, 3);
                    l
                },
                Fault::Gap,
            ),
            (
                "repeated",
                |mut l| {
                    let again = l[2].clone();
                    l.insert(3, again);
                    l
                },
                Fault::Gap,
            ),
            (
                "foreign",
                |mut l| {
                    l.insert(3, "nothing to see".to_owned());
                    l
                },
                Fault::Foreign,
            ),
        ];
        for (name, by, fault) in changes {
            let made = made(5);
            change(&made, by);
            let found = checked(&made, &[]);
            assert!(!found.is_intact(), "{name}");
            assert_eq!(found.breaks[0].fault, fault, "{name}");
        }
    }

    #[test]
    fn what_a_killed_writer_leaves_is_torn_and_no_fault() {
        let made = made(5);
        change(&made, |mut l| {
            let piece = l[3][..40].to_owned();
            l.insert(3, piece);
            l
        });
        let found = checked(&made, &made.anchors);
        assert_eq!((found.faults, found.torn, found.records), (0, 1, 6));
    }

    #[test]
    fn a_cut_end_shows_only_against_an_anchor() {
        let made = made(5);
        change(&made, |mut l| {
            l.truncate(4);
            l
        });
        let found = checked(&made, &[]);
        assert!(found.is_intact());
        assert_eq!(found.completeness, Completeness::NoAnchor);
        let found = checked(&made, &made.anchors);
        assert!(
            matches!(found.completeness, Completeness::Truncated { anchor } if anchor.seq == 5)
        );
    }

    #[test]
    fn a_rewritten_chain_is_forked_from_its_anchor() {
        let (old, mut new) = (made(5), made(5));
        let found = checked(&old, &new.anchors[3..4]);
        assert!(matches!(found.completeness, Completeness::Forked { .. }));
        for anchor in &mut new.anchors {
            anchor.chain.clone_from(&old.anchors[0].chain);
        }
        let found = checked(&old, &new.anchors[3..4]);
        assert!(found.is_intact());
        assert!(matches!(found.completeness, Completeness::Forked { .. }));
    }

    #[test]
    fn anchors_are_read_back_from_any_line_that_holds_them() {
        let anchor = made(1).anchors.remove(0);
        let line = format!("Nov 22 03:00:00 host tagout[7]: {}", anchor.line());
        assert_eq!(Anchor::parse(&line), Some(anchor));
    }
}
