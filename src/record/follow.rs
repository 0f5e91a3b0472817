//! Following a journal while it grows, from a place that outlives the reader.

use std::ffi::OsString;
use std::io;

use crate::sys::folder::{Folder, FolderError, How};

use super::journal::segment;
use super::line::{self, Hash, NO_HASH, Seal};
use super::read::read_exactly;
use super::{JournalError, Location};

/// The most bytes that are read at once.
const CHUNK: u64 = 4 << 20;

/// How far a reader has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Name of the segment; empty: the first there is.
    pub segment: String,
    /// Bytes of it that were read.
    pub offset: u64,
    /// Number of the last record that was read; 0: none.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
}

impl Cursor {
    /// The beginning of a journal.
    pub fn start() -> Cursor {
        Cursor {
            segment: String::new(),
            offset: 0,
            seq: 0,
            hash: NO_HASH,
        }
    }
}

/// A record that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its bytes, without newline.
    pub bytes: Vec<u8>,
    /// Its seal.
    pub seal: Seal,
    /// Its bytes have the hash that it claims, and it follows the one before.
    pub sound: bool,
    /// The cursor after it.
    pub after: Cursor,
}

/// A reader that goes on where it stopped.
#[derive(Debug)]
pub struct Follower {
    location: Location,
    cursor: Cursor,
}

impl Follower {
    /// Goes on at a cursor.
    pub fn new(location: Location, cursor: Cursor) -> Follower {
        Follower { location, cursor }
    }

    /// Begins after what is there now.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn at_end(location: Location) -> Result<Follower, JournalError> {
        let mut follower = Follower::new(location, Cursor::start());
        let Some((folder, names)) = follower.segments()? else {
            return Ok(follower);
        };
        if let Some(name) = names.last() {
            let file = open(&folder, name)?;
            follower.cursor.offset = file.metadata().map_err(reading)?.len();
            follower.cursor.segment = name.to_string_lossy().into_owned();
        }
        Ok(follower)
    }

    /// How far it has come.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// The next whole lines, at most `limit`; none where nothing is new.
    ///
    /// # Errors
    /// Where the journal cannot be read, or the cursor's segment is gone.
    pub fn next(&mut self, limit: usize) -> Result<Vec<Line>, JournalError> {
        let mut lines = Vec::new();
        let Some((folder, names)) = self.segments()? else {
            return Ok(lines);
        };
        let mut index = self.position(&names)?;
        while let Some(name) = names.get(index).filter(|_| lines.len() < limit) {
            let name_text = name.to_string_lossy();
            if self.cursor.segment != name_text {
                self.cursor.segment = name_text.into_owned();
                self.cursor.offset = 0;
            }
            let file = open(&folder, name)?;
            let at = self.cursor.offset;
            let bytes = read_exactly(&file, at, at + CHUNK).map_err(reading)?;
            let before = self.cursor.offset;
            self.take(&bytes, limit, &mut lines);
            let all_read = self.cursor.offset == before;
            if all_read {
                // What is left of a closed segment is a torn end.
                index += 1;
                if names.get(index).is_none() {
                    break;
                }
            }
        }
        Ok(lines)
    }

    fn take(&mut self, bytes: &[u8], limit: usize, lines: &mut Vec<Line>) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest).filter(|_| lines.len() < limit) {
            let (line, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            rest = after.get(1..).unwrap_or_default();
            self.cursor.offset += end as u64 + 1;
            let Some(seal) = line::parse(line) else {
                continue;
            };
            let known = self.cursor.seq > 0;
            let follows =
                seal.prev == self.cursor.hash && Some(seal.seq) == self.cursor.seq.checked_add(1);
            let sound = line::holds(line, &seal) && (follows || !known);
            self.cursor.seq = seal.seq;
            self.cursor.hash = seal.hash;
            lines.push(Line {
                bytes: line.to_vec(),
                seal,
                sound,
                after: self.cursor.clone(),
            });
        }
    }

    fn position(&self, names: &[OsString]) -> Result<usize, JournalError> {
        if self.cursor.segment.is_empty() {
            return Ok(0);
        }
        let found = names
            .iter()
            .position(|n| n.to_string_lossy() == self.cursor.segment);
        found.ok_or_else(|| {
            let gone = io::Error::new(
                io::ErrorKind::NotFound,
                "the segment that was being read is gone",
            );
            JournalError::File(OsString::from(&self.cursor.segment), FolderError::Io(gone))
        })
    }

    fn segments(&self) -> Result<Option<(Folder, Vec<OsString>)>, JournalError> {
        let path = self.location.path();
        let failed = |why| JournalError::Open(path.to_owned(), why);
        let folder = match Folder::open(path, self.location.sharing()) {
            Ok(folder) => folder,
            Err(FolderError::Io(e)) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(why) => return Err(failed(why)),
        };
        let names = folder.names().map_err(|e| failed(e.into()))?;
        let mut names: Vec<OsString> = names.into_iter().filter(|n| segment(n).is_some()).collect();
        names.sort_unstable();
        Ok(Some((folder, names)))
    }
}

fn open(folder: &Folder, name: &OsString) -> Result<std::fs::File, JournalError> {
    folder
        .file(name, How::Read)
        .map(|(file, _)| file)
        .map_err(|why| JournalError::File(name.clone(), why))
}

fn reading(error: io::Error) -> JournalError {
    JournalError::Io("read", error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Durability, Ending, Entry, Journal, Outcome, RecordId};

    fn append(journal: &Journal) {
        let now = crate::sys::clock::now();
        let entry = Entry::outcome(&Outcome {
            id: RecordId::new(now).unwrap(),
            time: now,
            ending: Ending::Exited(0),
            took_ms: 1,
            usage: None,
            observed: Vec::new(),
            fence: None,
            gates: Vec::new(),
        });
        journal.append(&entry, Durability::Buffered).unwrap();
    }

    #[test]
    fn a_follower_reads_every_record_once_over_torn_ends_and_new_segments() {
        use std::io::Write;
        let dir = tempfile::tempdir().unwrap();
        let location = Location::User(dir.path().join("journal"));
        let journal = Journal::open(&location).unwrap().with_segment_bytes(2000);
        let mut cursor = Cursor::start();
        let mut read = Vec::new();
        for round in 0..30 {
            append(&journal);
            if round % 7 == 3 {
                let newest = std::fs::read_dir(location.path()).unwrap();
                let newest = newest
                    .map(|e| e.unwrap().path())
                    .filter(|p| p.extension().is_some())
                    .max();
                let mut file = std::fs::OpenOptions::new()
                    .append(true)
                    .open(newest.unwrap())
                    .unwrap();
                file.write_all(b"{\"v\":1,\"seq\":99,\"pr").unwrap();
            }
            if round % 3 == 0 {
                let mut follower = Follower::new(location.clone(), cursor);
                read.extend(follower.next(2).unwrap());
                cursor = follower.cursor().clone();
            }
        }
        let mut follower = Follower::new(location.clone(), cursor);
        loop {
            let more = follower.next(3).unwrap();
            if more.is_empty() {
                break;
            }
            read.extend(more);
        }
        assert!(read.iter().all(|line| line.sound));
        let numbers: Vec<u64> = read.iter().map(|line| line.seal.seq).collect();
        let expected: Vec<u64> = (1..=numbers.len() as u64).collect();
        assert_eq!(numbers, expected);
        assert!(numbers.len() > 30);
        let mut late = Follower::at_end(location).unwrap();
        assert_eq!(late.next(10).unwrap(), []);
        append(&journal);
        assert!(!late.next(10).unwrap().is_empty());
    }
}
