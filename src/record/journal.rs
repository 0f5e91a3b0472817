//! The store: segments of sealed lines in one directory, safe under many writers at once.
//!
//! A writer takes the lock, reads the last whole line, appends its own in one write, gives the
//! lock back, and only then waits for the disk: the disk's work is shared by all who wait. What a
//! killed writer left half done is ended with a newline and stepped over, never cut: the files
//! may be append-only to everybody. A segment is named by its first line's number at birth and
//! never renamed.

use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::sys::clock;
use crate::sys::folder::{Folder, FolderError, How, LastChange, Lock, Sharing, try_lock};

use super::line::{self, Hash, NO_HASH};
use super::read::read_exactly;
use super::{Entry, Phase, RecordId};

/// A segment that has reached this is not appended to.
const SEGMENT_BYTES: u64 = 64 << 20;
/// Below this much free space no new run is recorded, so that outcomes and refusals still are.
const RESERVE_BYTES: u64 = 4 << 20;
/// How long a writer waits for the lock before it writes beside the chain.
const LOCK_WAIT: Duration = Duration::from_secs(2);
/// How much of a segment's end is read at first to find its last line.
const TAIL_BYTES: u64 = 4096;
/// How many set-aside entries one writer takes into the chain.
const MAX_FOLDED: usize = 32;
/// How much of the chain's end is searched for an entry that was taken in before.
const RECENT_BYTES: usize = 1 << 20;
const LOCK_NAME: &str = "lock";
const SPILL_PREFIX: &str = "spill-";

/// Where a journal is. Paths are given by the caller: nothing ambient is read here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A directory of the user's own, made where it is missing, 0700.
    User(PathBuf),
    /// A directory of the machine that root made; its group may append.
    System(PathBuf),
    /// Somebody's journal or a copy of one, only to be read: whoever owns it.
    Copy(PathBuf),
}

impl Location {
    /// The directory.
    pub fn path(&self) -> &std::path::Path {
        match self {
            Location::User(path) | Location::System(path) | Location::Copy(path) => path,
        }
    }

    pub(super) fn sharing(&self) -> Sharing {
        match self {
            Location::User(_) => Sharing::Owner,
            Location::System(_) => Sharing::Group,
            Location::Copy(_) => Sharing::ReadOnly,
        }
    }
}

/// Whether an entry must have reached the disk before the writer goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The kernel writes it out in its own time: a power cut loses the last half minute.
    Buffered,
    /// On disk when `append` returns.
    Durable,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is in the chain.
    Chained {
        /// Its number.
        seq: u64,
        /// Its hash.
        hash: Hash,
        /// The version of the record before it: that may be one that this program does not know.
        after: u32,
    },
    /// The lock could not be had: it lies beside the chain, on disk, and the next writer takes
    /// it in.
    SetAside,
}

/// Why the journal could not be written.
#[derive(Debug)]
pub enum JournalError {
    /// The directory cannot be used.
    Open(PathBuf, FolderError),
    /// A file in it cannot be used.
    File(OsString, FolderError),
    /// The disk is full, or nearly so.
    Full,
    /// Reading, writing or locking failed.
    Io(&'static str, io::Error),
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JournalError::Open(path, why) => {
                write!(f, "the journal {} {}", path.display(), Why(why))
            }
            JournalError::File(name, why) => {
                write!(f, "the journal's file {} {}", name.display(), Why(why))
            }
            JournalError::Full => f.write_str("the disk that holds the journal is full"),
            JournalError::Io(what, error) => write!(f, "the journal cannot be {what}: {error}"),
        }
    }
}

impl std::error::Error for JournalError {}

struct Why<'a>(&'a FolderError);

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            FolderError::Io(error) => write!(f, "cannot be opened: {error}"),
            FolderError::Owner(uid) => write!(f, "belongs to another user (uid {uid})"),
            FolderError::Writable(mode) => write!(f, "may be written by others (mode {mode:04o})"),
            FolderError::Kind => f.write_str("is not a regular file"),
        }
    }
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    folder: Folder,
    segment_bytes: u64,
    left: RefCell<Option<Left>>,
}

/// The chain's end as this process left it. It is found from there again as long as no names came
/// or went in the folder.
#[derive(Debug)]
struct Left {
    names: LastChange,
    head: Head,
}

/// The end of the chain.
#[derive(Debug)]
struct Head {
    /// The file that takes the next line.
    file: File,
    /// Its name.
    name: OsString,
    length: u64,
    seq: u64,
    hash: Hash,
    /// The version of the last line.
    version: u32,
    /// The file ends in the middle of a line.
    torn: bool,
    /// The file has no line of the chain yet.
    fresh: bool,
    /// The segment before, where the file is fresh.
    previous: Option<OsString>,
}

impl Journal {
    /// Opens the journal and makes a user's directory where it is missing.
    ///
    /// # Errors
    /// Where the directory cannot be opened, belongs to someone else, may be written by others
    /// or is a symbolic link.
    pub fn open(location: &Location) -> Result<Journal, JournalError> {
        let path = location.path();
        let failed = |why| JournalError::Open(path.to_owned(), why);
        let open = || Folder::open(path, location.sharing());
        let folder = match (open(), location) {
            (Err(FolderError::Io(e)), Location::User(path))
                if e.kind() == io::ErrorKind::NotFound =>
            {
                Folder::create(path).map_err(|e| failed(e.into()))?;
                open().map_err(failed)?
            }
            (folder, _) => folder.map_err(failed)?,
        };
        Ok(Journal {
            folder,
            segment_bytes: SEGMENT_BYTES,
            left: RefCell::default(),
        })
    }

    /// Starts a new segment at this size instead of 64 MiB.
    pub fn with_segment_bytes(mut self, bytes: u64) -> Journal {
        self.segment_bytes = bytes;
        self
    }

    /// Appends an entry to the chain, or sets it aside where the lock cannot be had.
    ///
    /// # Errors
    /// Where it is in neither place for certain: then the run must not count as recorded.
    pub fn append(&self, entry: &Entry, durability: Durability) -> Result<Appended, JournalError> {
        if entry.phase() == Phase::Intent && self.free_bytes() < RESERVE_BYTES {
            return Err(JournalError::Full);
        }
        let Some(lock) = self.lock(entry.id())? else {
            self.set_aside(entry)?;
            return Ok(Appended::SetAside);
        };
        let names = self.folder.last_change();
        let left = self.left.take();
        let left = left.filter(|left| names.as_ref() == Some(&left.names));
        let (head, appended, folded) = self.append_locked(entry, left)?;
        drop(lock);
        if durability == Durability::Durable {
            head.file.sync_data().map_err(failing("made durable"))?;
        }
        self.forget(&folded, &head.file);
        self.left.replace(names.map(|names| Left { names, head }));
        Ok(appended)
    }

    /// Free space, taken as plenty where the file system does not say.
    fn free_bytes(&self) -> u64 {
        self.folder.free_bytes().unwrap_or(u64::MAX)
    }

    /// Waits for the lock with growing, uneven pauses, but never without end: a stopped holder
    /// must not stop everybody.
    fn lock(&self, id: RecordId) -> Result<Option<Lock>, JournalError> {
        let mut file = self.file(OsStr::new(LOCK_NAME), How::AppendOrCreate)?;
        let mut uneven = id.spread() | 1;
        let mut pause = Duration::from_micros(20);
        let mut begun = None;
        loop {
            file = match try_lock(file).map_err(failing("locked"))? {
                Ok(lock) => return Ok(Some(lock)),
                Err(file) => file,
            };
            if begun.get_or_insert_with(Instant::now).elapsed() > LOCK_WAIT {
                return Ok(None);
            }
            // Xorshift: each waiter has a pace of its own.
            uneven ^= uneven << 13;
            uneven ^= uneven >> 7;
            uneven ^= uneven << 17;
            let share = u32::try_from(uneven % 1000).unwrap_or(0);
            std::thread::sleep(pause / 2 + pause * share / 1000);
            pause = (pause * 3 / 2).min(Duration::from_millis(4));
        }
    }

    /// Also names the files whose entries are in the chain now.
    fn append_locked(
        &self,
        entry: &Entry,
        left: Option<Left>,
    ) -> Result<(Head, Appended, Vec<OsString>), JournalError> {
        let (names, mut head) = match left.and_then(|left| self.head_again(left.head)) {
            Some(head) => (Vec::new(), head),
            None => {
                let names = self.folder.names().map_err(failing("listed"))?;
                let head = self.head(&names)?;
                (names, head)
            }
        };
        let after = head.version;
        let mut lines = Vec::with_capacity(entry.body().len() + 512);
        if head.torn {
            lines.push(b'\n');
        }
        if head.length >= self.segment_bytes && !head.fresh {
            head = self.next_segment(head, &mut lines)?;
        } else if head.fresh {
            self.first_line(&mut lines, &mut head)?;
        }
        let folded = self.fold(&names, &mut head, &mut lines);
        head.seq = head.seq.saturating_add(1);
        head.hash = line::seal(&mut lines, head.seq, &head.hash, entry.body());
        write_whole(&head.file, &lines)?;
        let appended = Appended::Chained {
            seq: head.seq,
            hash: head.hash,
            after,
        };
        head.length += lines.len() as u64;
        head.version = line::VERSION;
        head.torn = false;
        Ok((head, appended, folded))
    }

    /// The chain's end from where it was left. `None` where the segment may have been followed by
    /// another or was removed.
    fn head_again(&self, left: Head) -> Option<Head> {
        let about = left.file.metadata().ok()?;
        if about.len() >= self.segment_bytes || about.nlink() == 0 {
            return None;
        }
        if about.len() == left.length {
            return Some(left);
        }
        let end = End::of(&left.file, about.len()).ok()?;
        let last = end.last?;
        Some(Head {
            length: about.len(),
            seq: last.seq,
            hash: last.hash,
            version: last.version,
            torn: end.torn,
            ..left
        })
    }

    /// The newest segment's last line; in a segment without any, the one before it counts.
    fn head(&self, names: &[OsString]) -> Result<Head, JournalError> {
        let mut segments: Vec<&OsString> = names.iter().filter(|n| segment(n).is_some()).collect();
        segments.sort_unstable();
        let Some(newest) = segments.pop() else {
            return self.create(1, NO_HASH);
        };
        let (file, length) = self.file_with_length(newest, How::Append)?;
        let end = End::of(&file, length).map_err(failing("read"))?;
        let mut head = Head {
            file,
            name: newest.clone(),
            length,
            seq: segment(newest).unwrap_or(1).saturating_sub(1),
            hash: NO_HASH,
            version: line::VERSION,
            torn: end.torn,
            fresh: end.last.is_none(),
            previous: segments.last().map(|n| (*n).clone()),
        };
        let last = match end.last {
            Some(last) => Some(last),
            None => self.last_before(&segments)?,
        };
        if let Some(last) = last {
            head.seq = last.seq;
            head.hash = last.hash;
            head.version = last.version;
        }
        Ok(head)
    }

    fn last_before(&self, older: &[&OsString]) -> Result<Option<line::Seal>, JournalError> {
        for name in older.iter().rev() {
            let (file, length) = self.file_with_length(name, How::Read)?;
            if let Some(last) = End::of(&file, length).map_err(failing("read"))?.last {
                return Ok(Some(last));
            }
        }
        Ok(None)
    }

    /// Ends a full segment and begins the next. The old one is on disk before the new name is.
    fn next_segment(&self, old: Head, lines: &mut Vec<u8>) -> Result<Head, JournalError> {
        if old.torn {
            write_whole(&old.file, lines)?;
            lines.clear();
        }
        old.file.sync_data().map_err(failing("made durable"))?;
        let mut head = self.create(old.seq.saturating_add(1), old.hash)?;
        head.previous = Some(old.name);
        self.first_line(lines, &mut head)?;
        Ok(head)
    }

    fn create(&self, first: u64, hash: Hash) -> Result<Head, JournalError> {
        let name = OsString::from(format!("{first:012}.jsonl"));
        let file = self.file(&name, How::CreateNew)?;
        self.folder.sync().map_err(failing("made durable"))?;
        Ok(Head {
            file,
            name,
            length: 0,
            seq: first.saturating_sub(1),
            hash,
            version: line::VERSION,
            torn: false,
            fresh: true,
            previous: None,
        })
    }

    /// The first line of a segment names the chain, and the segment before. A chain is named by
    /// the id of its first record.
    fn first_line(&self, lines: &mut Vec<u8>, head: &mut Head) -> Result<(), JournalError> {
        let now = clock::now();
        let id = RecordId::new(now).map_err(failing("given an id"))?;
        let phase = if head.hash == NO_HASH {
            Phase::Genesis
        } else {
            Phase::Segment
        };
        let previous = head.previous.as_deref();
        let chain = previous.and_then(|name| self.chain_of(name));
        let first = Entry::build(id, phase, now, |json| {
            json.text("chain", &chain.clone().unwrap_or_else(|| id.to_string()));
            json.optional("previous", previous.and_then(OsStr::to_str));
            json.text("tagout", env!("CARGO_PKG_VERSION"));
        });
        head.seq = head.seq.saturating_add(1);
        head.hash = line::seal(lines, head.seq, &head.hash, first.body());
        head.fresh = false;
        Ok(())
    }

    fn chain_of(&self, segment: &OsStr) -> Option<String> {
        let file = self.file(segment, How::Read).ok()?;
        let start = read_exactly(&file, 0, TAIL_BYTES).ok()?;
        let text = String::from_utf8_lossy(&start);
        let (_, rest) = text.split_once("\"chain\":\"")?;
        Some(rest.split_once('"')?.0.to_owned())
    }

    /// Takes entries that were set aside into the chain. Their files are removed after the
    /// write and without the lock, because that waits for the disk: until then, and for good
    /// where the writer is killed, a file's entry is in the chain, which the next writer sees
    /// at the chain's end and does not take in again.
    fn fold(&self, names: &[OsString], head: &mut Head, lines: &mut Vec<u8>) -> Vec<OsString> {
        let mut folded = Vec::new();
        let is_spilled = |n: &&OsString| n.as_encoded_bytes().starts_with(SPILL_PREFIX.as_bytes());
        let mut spilled: Vec<_> = names.iter().filter(is_spilled).collect();
        // By id, which is by time, and an intent before its outcome.
        spilled.sort_unstable();
        let mut recent = None;
        for name in spilled {
            if folded.len() == MAX_FOLDED {
                break;
            }
            let Ok(body) = self.read_spilled(name) else {
                continue;
            };
            // One that its writer did not finish was never acknowledged: it may come later.
            let Some(body) = body.strip_suffix(b"\n").filter(|b| is_body(b)) else {
                continue;
            };
            folded.push(name.clone());
            let recent = recent.get_or_insert_with(|| self.recent(head));
            if already_in(recent, body) {
                continue;
            }
            let mut marked = body.to_vec();
            marked.extend_from_slice(b",\"spilled\":true");
            head.seq = head.seq.saturating_add(1);
            head.hash = line::seal(lines, head.seq, &head.hash, &marked);
        }
        folded
    }

    /// The chain's end, over the beginning of a segment.
    fn recent(&self, head: &Head) -> Vec<u8> {
        let mut recent = tail(&head.file);
        if recent.len() < RECENT_BYTES
            && let Some(previous) = &head.previous
            && let Ok(file) = self.file(previous, How::Read)
        {
            recent.extend(tail(&file));
        }
        recent
    }

    fn read_spilled(&self, name: &OsStr) -> Result<Vec<u8>, JournalError> {
        let file = self.file(name, How::Read)?;
        let mut bytes = Vec::new();
        let limit = super::entry::MAX_LINE as u64;
        io::Read::read_to_end(&mut io::Read::take(file, limit), &mut bytes)
            .map_err(failing("read"))?;
        Ok(bytes)
    }

    /// Removes files of entries that are in the chain now, once they are so on disk.
    fn forget(&self, folded: &[OsString], file: &File) {
        if folded.is_empty() || file.sync_data().is_err() {
            return;
        }
        for name in folded {
            // One that stays is found in the chain next time.
            let _ = self.folder.remove(name);
        }
    }

    fn set_aside(&self, entry: &Entry) -> Result<(), JournalError> {
        let name = format!("{SPILL_PREFIX}{}-{}.json", entry.id(), entry.phase().word());
        let file = self.file(OsStr::new(&name), How::CreateNew)?;
        let mut whole = entry.body().to_vec();
        whole.push(b'\n');
        write_whole(&file, &whole)?;
        file.sync_data().map_err(failing("made durable"))?;
        self.folder.sync().map_err(failing("made durable"))
    }

    fn file(&self, name: &OsStr, how: How) -> Result<File, JournalError> {
        self.file_with_length(name, how).map(|(file, _)| file)
    }

    fn file_with_length(&self, name: &OsStr, how: How) -> Result<(File, u64), JournalError> {
        self.folder.file(name, how).map_err(|why| match why {
            FolderError::Io(e) if is_full(&e) => JournalError::Full,
            why => JournalError::File(name.to_owned(), why),
        })
    }
}

/// The number in a segment's name.
pub(super) fn segment(name: &OsStr) -> Option<u64> {
    let digits = name.to_str()?.strip_suffix(".jsonl")?;
    let plain = digits.len() >= 12 && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok())?
}

/// Whether bytes can stand in a line without ending it.
fn is_body(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\"id\":\"") && !bytes.contains(&b'\n')
}

fn tail(file: &File) -> Vec<u8> {
    let length = file.metadata().map_or(0, |m| m.len());
    let from = length.saturating_sub(RECENT_BYTES as u64);
    read_exactly(file, from, length).unwrap_or_default()
}

/// Whether an entry of the same id and phase stands there.
fn already_in(recent: &[u8], body: &[u8]) -> bool {
    // The id and phase come first and have a fixed form.
    let Some(end) = body
        .windows(10)
        .position(|w| w == b",\"time\":\"2" || w == b",\"time\":\"1")
    else {
        return false;
    };
    let key = body.get(..end).unwrap_or_default();
    recent.windows(key.len().max(1)).any(|window| window == key)
}

/// What the end of a segment looks like.
struct End {
    last: Option<line::Seal>,
    torn: bool,
}

impl End {
    /// Reads backwards, in growing pieces, until a whole line is found.
    fn of(file: &File, length: u64) -> io::Result<End> {
        let mut window = TAIL_BYTES;
        loop {
            let from = length.saturating_sub(window);
            let tail = read_exactly(file, from, length)?;
            let last = last_seal(&tail, from == 0);
            if last.is_some() || from == 0 {
                return Ok(End {
                    last,
                    torn: tail.last().is_some_and(|b| *b != b'\n'),
                });
            }
            window *= 8;
        }
    }
}

/// The last whole line in `tail`; its first piece counts only where it begins a file.
fn last_seal(tail: &[u8], from_start: bool) -> Option<line::Seal> {
    let mut rest = tail;
    while !rest.is_empty() {
        // The standard library's search: a launch comes by here, and the quicker one first asks
        // the processor what it can, which costs a guest of a hypervisor more than the search.
        let (before, last) = match rest.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => (rest.get(..at)?, rest.get(at + 1..)?),
            None if from_start => (&[][..], rest),
            None => return None,
        };
        if let Some(seal) = line::parse(last) {
            return Some(seal);
        }
        rest = before;
    }
    None
}

fn write_whole(mut file: &File, bytes: &[u8]) -> Result<(), JournalError> {
    file.write_all(bytes).map_err(|e| {
        if is_full(&e) {
            JournalError::Full
        } else {
            JournalError::Io("written", e)
        }
    })
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

fn failing(what: &'static str) -> impl Fn(io::Error) -> JournalError {
    move |error| JournalError::Io(what, error)
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "the storm starts this test program again, many times at once, and kills some"
)]
mod tests {
    use super::*;
    use crate::record::{Ending, Outcome};
    use std::collections::HashSet;
    use std::fs;
    use std::path::Path;
    use std::process::{Child, Command, Stdio};

    fn entry() -> Entry {
        let now = clock::now();
        Entry::outcome(&Outcome {
            id: RecordId::new(now).unwrap(),
            time: now,
            ending: Ending::Exited(0),
            took_ms: 3,
            usage: None,
            observed: Vec::new(),
            fence: None,
            gates: Vec::new(),
        })
    }

    fn user(path: &Path) -> Location {
        Location::User(path.join("journal"))
    }

    fn text(location: &Location) -> String {
        let mut names: Vec<_> = fs::read_dir(location.path())
            .unwrap()
            .map(|e| e.unwrap().path())
            .filter(|p| p.extension().is_some_and(|e| e == "jsonl"))
            .collect();
        names.sort();
        names
            .iter()
            .map(|p| String::from_utf8(fs::read(p).unwrap()).unwrap())
            .collect()
    }

    /// Checks the chain over all segments; returns (whole lines, fragments).
    fn walk(text: &str) -> (Vec<&str>, usize) {
        let mut prev = NO_HASH;
        let mut seq = 0;
        let mut torn = 0;
        let mut whole = Vec::new();
        for record in text.lines() {
            let Some(seal) = line::parse(record.as_bytes()) else {
                torn += usize::from(!record.is_empty());
                continue;
            };
            assert!(line::holds(record.as_bytes(), &seal), "{record}");
            assert_eq!((seal.seq, seal.prev), (seq + 1, prev), "{record}");
            serde_json::from_str::<serde_json::Value>(record).unwrap();
            (seq, prev) = (seal.seq, seal.hash);
            whole.push(record);
        }
        (whole, torn)
    }

    #[test]
    fn entries_are_chained_and_the_directory_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let location = Location::User(dir.path().join("state/tagout/journal"));
        for seq in 2..5 {
            let journal = Journal::open(&location).unwrap();
            let appended = journal.append(&entry(), Durability::Durable).unwrap();
            assert!(matches!(appended, Appended::Chained { seq: s, .. } if s == seq));
        }
        let all = text(&location);
        assert_eq!(walk(&all).0.len(), 4, "a genesis and three outcomes");
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(location.path()), 0o700);
        assert_eq!(mode(&location.path().join("000000000001.jsonl")), 0o600);
    }

    #[test]
    fn a_torn_end_is_stepped_over_wherever_it_was_cut() {
        let dir = tempfile::tempdir().unwrap();
        let location = user(dir.path());
        let journal = Journal::open(&location).unwrap();
        journal.append(&entry(), Durability::Buffered).unwrap();
        journal.append(&entry(), Durability::Buffered).unwrap();
        let segment = location.path().join("000000000001.jsonl");
        let whole = fs::read(&segment).unwrap();
        for cut in 0..=whole.len() {
            fs::write(&segment, &whole[..cut]).unwrap();
            journal.append(&entry(), Durability::Buffered).unwrap();
            let healed = fs::read_to_string(&segment).unwrap();
            assert!(healed.as_bytes().starts_with(&whole[..cut]), "cut at {cut}");
            let (lines, torn) = walk(&healed);
            assert!(torn <= 1 && lines.len() >= 2, "cut at {cut}");
        }
    }

    #[test]
    fn segments_follow_each_other_in_one_chain() {
        let dir = tempfile::tempdir().unwrap();
        let location = user(dir.path());
        let journal = Journal::open(&location).unwrap().with_segment_bytes(1500);
        for _ in 0..20 {
            journal.append(&entry(), Durability::Buffered).unwrap();
        }
        let all = text(&location);
        let (lines, torn) = walk(&all);
        let segments = fs::read_dir(location.path()).unwrap().count() - 1;
        assert!(segments > 3);
        assert_eq!((lines.len(), torn), (20 + segments, 0));
        let chains: HashSet<_> = lines
            .iter()
            .filter_map(|l| l.split_once("\"chain\":\"").map(|(_, r)| &r[..36]))
            .collect();
        assert_eq!(chains.len(), 1);
    }

    /// So that the folder's names count as settled.
    fn long_ago(location: &Location) {
        let folder = fs::File::open(location.path()).unwrap();
        let then = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        folder
            .set_times(fs::FileTimes::new().set_modified(then))
            .unwrap();
    }

    #[test]
    fn an_entry_follows_whatever_came_since_the_last_of_the_same_writer() {
        let dir = tempfile::tempdir().unwrap();
        let location = user(dir.path());
        let open = || Journal::open(&location).unwrap();
        let put = |journal: &Journal| journal.append(&entry(), Durability::Buffered).unwrap();
        let (one, other) = (open(), open());
        put(&one);
        long_ago(&location);
        let sequence = [&one, &one, &other, &one, &other, &other, &one];
        sequence.into_iter().for_each(|journal| {
            put(journal);
        });
        let segment = location.path().join("000000000001.jsonl");
        let mut torn = fs::OpenOptions::new().append(true).open(&segment).unwrap();
        torn.write_all(b"{\"v\":1,").unwrap();
        put(&one);
        assert_eq!(walk(&text(&location)).0.len(), 10);
        // Another writer finds the segment full; the names look as if they had not changed.
        let late = entry();
        other.set_aside(&late).unwrap();
        put(&open().with_segment_bytes(1));
        long_ago(&location);
        let one = one.with_segment_bytes(1);
        put(&one);
        let all = text(&location);
        let (lines, torn) = walk(&all);
        assert_eq!((lines.len(), torn), (15, 1), "{all}");
        assert!(all.contains(&late.id().to_string()));
    }

    #[test]
    fn a_removed_journal_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let location = user(dir.path());
        let journal = Journal::open(&location).unwrap();
        journal.append(&entry(), Durability::Buffered).unwrap();
        long_ago(&location);
        journal.append(&entry(), Durability::Buffered).unwrap();
        fs::remove_file(location.path().join("000000000001.jsonl")).unwrap();
        long_ago(&location);
        journal.append(&entry(), Durability::Buffered).unwrap();
        assert_eq!(walk(&text(&location)).0.len(), 2, "a genesis and the entry");
    }

    #[test]
    fn a_segment_whose_writer_died_before_its_first_line_goes_on_with_the_chain() {
        let dir = tempfile::tempdir().unwrap();
        let location = user(dir.path());
        let journal = Journal::open(&location).unwrap();
        journal.append(&entry(), Durability::Buffered).unwrap();
        for left in ["", "{\"v\":1,\"seq\":3,\"pre"] {
            let next = location.path().join("000000000003.jsonl");
            fs::write(&next, left).unwrap();
            fs::set_permissions(&next, std::os::unix::fs::PermissionsExt::from_mode(0o600))
                .unwrap();
            journal.append(&entry(), Durability::Buffered).unwrap();
            let all = text(&location);
            let (lines, _) = walk(&all);
            assert_eq!(lines.len(), 4);
            assert!(lines[2].contains("\"phase\":\"segment\""));
            assert!(lines[2].contains("\"previous\":\"000000000001.jsonl\""));
        }
    }

    #[test]
    fn a_held_lock_sets_the_entry_aside_and_the_next_writer_takes_it_in_once() {
        let dir = tempfile::tempdir().unwrap();
        let location = user(dir.path());
        let journal = Journal::open(&location).unwrap();
        let held = journal.lock(entry().id()).unwrap().unwrap();
        let late = entry();
        assert_eq!(
            journal.append(&late, Durability::Durable).unwrap(),
            Appended::SetAside
        );
        drop(held);
        let spill = format!("{SPILL_PREFIX}{}-outcome.json", late.id());
        let copy = fs::read(location.path().join(&spill)).unwrap();
        journal.append(&entry(), Durability::Buffered).unwrap();
        assert!(!location.path().join(&spill).exists());
        // A writer that died before it removed the file: the entry is not taken in again.
        let file = journal.file(OsStr::new(&spill), How::CreateNew).unwrap();
        write_whole(&file, &copy).unwrap();
        journal.append(&entry(), Durability::Buffered).unwrap();
        let all = text(&location);
        let (lines, _) = walk(&all);
        let id = late.id().to_string();
        let found: Vec<_> = lines.iter().filter(|l| l.contains(&id)).collect();
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("\"spilled\":true"));
    }

    #[test]
    fn pieces_that_killed_writers_left_keep_no_entry_out() {
        let dir = tempfile::tempdir().unwrap();
        let location = user(dir.path());
        let journal = Journal::open(&location).unwrap();
        for number in 0..2 * MAX_FOLDED {
            let piece = format!("{SPILL_PREFIX}{number:04}-outcome.json");
            fs::write(location.path().join(piece), "\"id\":\"").unwrap();
        }
        let late = entry();
        journal.set_aside(&late).unwrap();
        journal.append(&entry(), Durability::Buffered).unwrap();
        assert!(text(&location).contains(&late.id().to_string()));
    }

    #[test]
    fn what_was_taken_in_is_not_taken_in_again_by_the_next_segment() {
        let dir = tempfile::tempdir().unwrap();
        let location = user(dir.path());
        let journal = Journal::open(&location).unwrap();
        let late = entry();
        journal.set_aside(&late).unwrap();
        let spill = format!("{SPILL_PREFIX}{}-outcome.json", late.id());
        let copy = fs::read(location.path().join(&spill)).unwrap();
        journal.append(&entry(), Durability::Buffered).unwrap();
        // Its writer was killed before it removed the file, and the segment is full now.
        fs::write(location.path().join(&spill), &copy).unwrap();
        let journal = journal.with_segment_bytes(1);
        journal.append(&entry(), Durability::Buffered).unwrap();
        assert!(!location.path().join(&spill).exists());
        let all = text(&location);
        let (lines, _) = walk(&all);
        let id = late.id().to_string();
        assert_eq!(lines.iter().filter(|l| l.contains(&id)).count(), 1);
    }

    #[test]
    fn what_others_could_have_put_there_is_not_written_to() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let location = user(dir.path());
        let journal = Journal::open(&location).unwrap();
        let elsewhere = dir.path().join("elsewhere");
        fs::write(&elsewhere, "").unwrap();
        symlink(&elsewhere, location.path().join("000000000001.jsonl")).unwrap();
        assert!(journal.append(&entry(), Durability::Buffered).is_err());
        assert_eq!(fs::read(&elsewhere).unwrap(), b"");
        fs::set_permissions(location.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let error = Journal::open(&location).unwrap_err().to_string();
        assert!(error.contains("may be written by others"), "{error}");
        let link = dir.path().join("link");
        symlink(location.path(), &link).unwrap();
        assert!(Journal::open(&Location::User(link)).is_err());
    }

    /// What one process of the storm does; run only by [`storm`].
    #[test]
    #[ignore = "the part of one process in the storm"]
    fn storm_part() {
        let Some(dir) = std::env::var_os("TAGOUT_STORM") else {
            return;
        };
        let journal = Journal::open(&Location::User(dir.into()))
            .unwrap()
            .with_segment_bytes(40_000);
        for _ in 0..4 {
            let entry = entry();
            let appended = journal.append(&entry, Durability::Durable).unwrap();
            assert!(matches!(appended, Appended::Chained { .. }));
            let mut out = io::stdout().lock();
            writeln!(out, "\nacknowledged {}", entry.id()).unwrap();
            out.flush().unwrap();
        }
    }

    fn start_part(dir: &Path) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "record::journal::tests::storm_part"])
            .args(["--ignored", "--nocapture", "--test-threads=1"])
            .env("TAGOUT_STORM", dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    #[test]
    fn storm() {
        let dir = tempfile::tempdir().unwrap();
        let location = user(dir.path());
        let mut acknowledged = Vec::new();
        let mut seed = 88_172_645_463_325_252u64;
        for _ in 0..12 {
            let mut parts: Vec<Child> = (0..16).map(|_| start_part(location.path())).collect();
            for (index, part) in parts.iter_mut().enumerate() {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                if index % 2 == 0 {
                    std::thread::sleep(Duration::from_micros(seed % 4000));
                    part.kill().unwrap();
                }
            }
            for part in parts {
                let output = part.wait_with_output().unwrap();
                let out = String::from_utf8_lossy(&output.stdout).into_owned();
                let ids = out.lines().filter_map(|l| l.strip_prefix("acknowledged "));
                acknowledged.extend(ids.map(str::to_owned));
            }
        }
        let all = text(&location);
        let (lines, _) = walk(&all);
        let recorded: HashSet<&str> = lines
            .iter()
            .filter_map(|l| l.split_once("\"id\":\"").map(|(_, r)| &r[..36]))
            .collect();
        assert!(acknowledged.len() > 100);
        for id in &acknowledged {
            assert!(recorded.contains(id.as_str()), "{id} was acknowledged");
        }
    }
}
