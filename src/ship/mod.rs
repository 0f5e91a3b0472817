//! Shipping a journal: at least once from here, and exactly once where the receiver knows a
//! record by its host, chain and number.
//!
//! One loop: read whole lines after the cursor, check the chain on the way, send them, and only
//! when the receiver has them move the cursor. Killed anywhere, it sends again what was not
//! confirmed. The local journal is the queue; nothing here ever makes a launch wait.

mod cursor;
mod http;
mod ndjson;
mod otlp;
mod postgres;

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::sleep;
use std::time::Duration;

use crate::record::fields::Raw;
use crate::record::follow::{Follower, Line};
use crate::record::read::Head;
use crate::record::verify::chain_named_in;
use crate::record::{JournalError, Location, RecordId};
use crate::sys::clock;

pub use cursor::Saved;
pub use ndjson::Ndjson;
pub use otlp::Otlp;
pub use postgres::Postgres;

/// The most records sent at once.
pub const BATCH: usize = 2000;
/// How often an idle shipper looks.
const LOOK: Duration = Duration::from_secs(1);
/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Records on their way.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// The host they are from.
    pub host: &'a str,
    /// The chain they belong to.
    pub chain: &'a str,
    /// The records, in order. Never empty.
    pub lines: &'a [Line],
}

/// Why a batch was not taken.
#[derive(Debug)]
pub enum SendError {
    /// Later it may be: the network, a full disk, a server that is starting.
    Later(String, Option<Duration>),
    /// One of its records will never be: it is sent again in halves.
    Poison(String),
}

/// A receiver.
pub trait Sink {
    /// Gives it the records; on success it has them for good.
    ///
    /// # Errors
    /// Where it has not.
    fn send(&mut self, batch: &Batch<'_>) -> Result<(), SendError>;
}

/// Why shipping stopped.
#[derive(Debug)]
pub enum ShipError {
    /// The journal cannot be read.
    Journal(JournalError),
    /// The cursor cannot be read or written.
    Cursor(PathBuf, std::io::Error),
    /// The receiver did not take a batch (only where it was to be tried once).
    Send(String),
}

impl fmt::Display for ShipError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShipError::Journal(error) => error.fmt(f),
            ShipError::Cursor(path, error) => write!(f, "the cursor {}: {error}", path.display()),
            ShipError::Send(why) => write!(f, "not sent: {why}"),
        }
    }
}

/// What a shipper tells its operator.
pub trait Tell {
    /// Something that somebody should look at.
    fn alert(&mut self, text: &str);
    /// So many records were confirmed, up to that number.
    fn progress(&mut self, records: usize, seq: u64);
}

/// A receiver that takes none of so many records in a row has a fault of its own.
const MAX_REFUSED: usize = 20;

/// A shipper.
pub struct Shipper<'a> {
    /// The journal.
    pub location: Location,
    /// The host's name.
    pub host: String,
    /// Where the cursor is kept.
    pub state: PathBuf,
    /// The receiver.
    pub sink: &'a mut dyn Sink,
    /// The operator.
    pub tell: &'a mut dyn Tell,
    /// Stop when everything is sent.
    pub once: bool,
    /// Records set aside since the receiver last took one. Begins at 0.
    pub refused_in_a_row: usize,
}

impl Shipper<'_> {
    /// Ships until everything is sent (`once`), or for ever. The next records are read and checked
    /// while others are under way.
    ///
    /// # Errors
    /// Where the journal or the cursor cannot be used; with `once` also where the receiver fails.
    pub fn run(&mut self) -> Result<(), ShipError> {
        let mut saved = Saved::load(&self.state).map_err(|e| self.cursor_failed(e))?;
        let read = reading(Follower::new(self.location.clone(), saved.cursor.clone()));
        while let Ok(lines) = read.recv() {
            let lines = lines.map_err(ShipError::Journal)?;
            if lines.is_empty() && self.once {
                break;
            }
            for part in one_chain_each(&lines) {
                if let Some(chain) = part.first().and_then(|l| chain_named_in(&l.bytes)) {
                    saved.chain = chain;
                }
                self.unsound(part);
                self.deliver(&saved.chain, part)?;
                if let Some(last) = part.last() {
                    saved.cursor = last.after.clone();
                    saved
                        .store(&self.state)
                        .map_err(|e| self.cursor_failed(e))?;
                    self.tell.progress(part.len(), last.seal.seq);
                }
            }
        }
        Ok(())
    }

    fn cursor_failed(&self, error: std::io::Error) -> ShipError {
        ShipError::Cursor(self.state.clone(), error)
    }

    fn unsound(&mut self, lines: &[Line]) {
        for line in lines.iter().filter(|line| !line.sound) {
            let seq = line.seal.seq;
            self.tell.alert(&format!(
                "record {seq} was altered or does not follow the one before it"
            ));
        }
    }

    /// Sends until the receiver has it; a record that it will never take is set aside.
    fn deliver(&mut self, chain: &str, lines: &[Line]) -> Result<(), ShipError> {
        let mut pause = Duration::from_secs(1);
        loop {
            let batch = Batch {
                host: &self.host,
                chain,
                lines,
            };
            match self.sink.send(&batch) {
                Ok(()) => {
                    self.refused_in_a_row = 0;
                    return Ok(());
                }
                Err(SendError::Poison(why)) if self.refused_in_a_row < MAX_REFUSED => {
                    return self.halves(chain, lines, &why);
                }
                Err(SendError::Poison(why) | SendError::Later(why, _)) if self.once => {
                    return Err(ShipError::Send(why));
                }
                Err(SendError::Poison(why)) => {
                    self.tell
                        .alert(&format!("nothing is taken any more, trying again: {why}"));
                    sleep(LONGEST_PAUSE);
                }
                Err(SendError::Later(why, wanted)) => {
                    self.tell.alert(&format!("not sent, trying again: {why}"));
                    sleep(wanted.unwrap_or(pause) + uneven(pause));
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    fn halves(&mut self, chain: &str, lines: &[Line], why: &str) -> Result<(), ShipError> {
        if let [line] = lines {
            self.refused_in_a_row += 1;
            self.tell
                .alert(&format!("record {} is set aside: {why}", line.seal.seq));
            let aside = self.state.with_extension("refused.jsonl");
            return cursor::append(&aside, &line.bytes).map_err(|e| self.cursor_failed(e));
        }
        let (first, second) = lines.split_at(lines.len() / 2);
        self.deliver(chain, first)?;
        self.deliver(chain, second)
    }
}

/// Reads on in a thread of its own, a batch ahead. An empty batch says that nothing is new; the
/// thread ends when nobody listens any more.
fn reading(mut follower: Follower) -> Receiver<Result<Vec<Line>, JournalError>> {
    let (give, take) = sync_channel(1);
    std::thread::spawn(move || {
        loop {
            let lines = follower.next(BATCH);
            let is_idle = lines.as_ref().is_ok_and(Vec::is_empty);
            let has_failed = lines.is_err();
            if give.send(lines).is_err() || has_failed {
                return;
            }
            if is_idle {
                sleep(LOOK);
            }
        }
    });
    take
}

/// Up to a quarter more, so that a fleet does not come back all at once.
fn uneven(pause: Duration) -> Duration {
    let random = RecordId::new(clock::now()).map_or(0, |id| id.spread() % 250);
    pause * u32::try_from(random).unwrap_or(0) / 1000
}

/// Parts that each belong to one chain: a record that names a chain begins a part.
fn one_chain_each(lines: &[Line]) -> Vec<&[Line]> {
    let mut parts = Vec::new();
    let mut rest = lines;
    while !rest.is_empty() {
        let more = rest
            .iter()
            .skip(1)
            .take_while(|l| chain_named_in(&l.bytes).is_none())
            .count();
        let (part, after) = rest.split_at_checked(more + 1).unwrap_or((rest, &[]));
        parts.push(part);
        rest = after;
    }
    parts
}

/// What receivers want to know of a record besides its line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary<'a> {
    pub(crate) id: &'a str,
    pub(crate) phase: &'a str,
    pub(crate) time: &'a str,
    pub(crate) verdict: Option<Cow<'a, str>>,
    pub(crate) effect: Option<Cow<'a, str>>,
    pub(crate) tier: Option<&'static str>,
}

impl<'a> Summary<'a> {
    pub(crate) fn of(line: &'a Line) -> Summary<'a> {
        let head = Head::of(&line.bytes);
        let mut summary = head.map_or_else(Summary::default, |head| Summary {
            id: head.id_text,
            phase: head.phase,
            time: head.time,
            ..Summary::default()
        });
        if !matches!(summary.phase, "intent" | "refused") {
            return summary;
        }
        for (key, value) in Raw::of(&line.bytes).members() {
            match key.name() {
                b"verdict" => summary.verdict = value.text(),
                b"effect" => summary.effect = value.text(),
                b"targets" => summary.tier = strongest(value),
                _ => {}
            }
        }
        summary
    }
}

fn strongest(targets: Raw<'_>) -> Option<&'static str> {
    let tiers = targets.items().filter_map(|t| t.member("tier")?.text());
    let tiers: Vec<_> = tiers.collect();
    let known = ["production", "unmarked", "disposable"];
    known
        .into_iter()
        .find(|known| tiers.iter().any(|t| t == known))
}
