//! Reading a journal: its lines newest first or oldest first, a block at a time.
//!
//! A block owns the lines that begin in it, so that blocks can be read on their own, by several
//! threads at once. What needs no JSON is taken from its fixed place at the line's beginning.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicUsize, Ordering};

use memchr::memmem::Finder;
use memchr::{memchr, memrchr};

use crate::sys::folder::{Folder, FolderError, How};

use super::journal::segment;
use super::{JournalError, Location, line};

/// A block holds some hundred lines, so that one is enough for most questions, and fits a
/// processor's own cache.
pub(super) const BLOCK: u64 = 256 << 10;
/// What is read beyond a block for the end of its last line, at first and at most. What is longer
/// is none of our lines.
const BEYOND: [u64; 2] = [4 << 10, 64 << 10];

/// Where a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Index of the segment.
    pub segment: usize,
    /// First byte in it.
    pub offset: u64,
    /// Bytes without the newline.
    pub length: usize,
}

/// A part of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Index of the segment.
    pub segment: usize,
    /// Its bytes.
    pub range: Range<u64>,
}

/// The segments of a journal as they were when it was opened.
#[derive(Debug)]
pub struct Segments {
    files: Vec<(OsString, File, u64)>,
}

impl Segments {
    /// Opens every segment, oldest first. A journal that is not there has none.
    ///
    /// # Errors
    /// Where the directory or a segment cannot be read or is not to be trusted.
    pub fn open(location: &Location) -> Result<Segments, JournalError> {
        let failed = |why| JournalError::Open(location.path().to_owned(), why);
        let folder = match Folder::open(location.path(), location.sharing()) {
            Ok(folder) => folder,
            Err(FolderError::Io(e)) if e.kind() == io::ErrorKind::NotFound => {
                return Ok(Segments { files: Vec::new() });
            }
            Err(why) => return Err(failed(why)),
        };
        let names = folder.names().map_err(|e| failed(e.into()))?;
        let mut names: Vec<OsString> = names.into_iter().filter(|n| segment(n).is_some()).collect();
        names.sort_unstable();
        let mut files = Vec::with_capacity(names.len());
        for name in names {
            let (file, length) = folder
                .file(&name, How::Read)
                .map_err(|why| JournalError::File(name.clone(), why))?;
            files.push((name, file, length));
        }
        Ok(Segments { files })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.files.len()
    }

    /// The name of a segment.
    pub fn name(&self, index: usize) -> &str {
        self.files
            .get(index)
            .and_then(|(name, ..)| name.to_str())
            .unwrap_or("?")
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, _, length)| length).sum()
    }

    /// All blocks, newest first. The first of each segment is whole.
    pub fn blocks_back(&self) -> impl Iterator<Item = Block> + '_ {
        let segments = self.files.iter().enumerate().rev();
        segments.flat_map(|(segment, (_, _, length))| {
            let ends = std::iter::successors(Some(*length), |end| end.checked_sub(BLOCK));
            ends.filter(|end| *end > 0).map(move |end| Block {
                segment,
                range: end.saturating_sub(BLOCK)..end,
            })
        })
    }

    /// All blocks, oldest first.
    pub fn blocks(&self) -> impl Iterator<Item = Block> + '_ {
        let segments = self.files.iter().enumerate();
        segments.flat_map(|(segment, (_, _, length))| {
            let length = *length;
            let starts = (0..length).step_by(usize::try_from(BLOCK).unwrap_or(1 << 18));
            starts.map(move |start| Block {
                segment,
                range: start..(start + BLOCK).min(length),
            })
        })
    }

    /// Calls `each` with every line that begins in the block, oldest first, without its newline,
    /// and whether it had one.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn lines(
        &self,
        block: &Block,
        mut each: impl FnMut(Place, &[u8], bool),
    ) -> Result<(), JournalError> {
        self.with(block, |lines| lines.each(&mut each))
    }

    /// Calls `look` with the lines that begin in the block.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub(super) fn with<T: Default>(
        &self,
        block: &Block,
        look: impl FnOnce(Lines<'_>) -> T,
    ) -> Result<T, JournalError> {
        let Some((_, file, length)) = self.files.get(block.segment) else {
            return Ok(T::default());
        };
        // One byte before tells whether the block begins with a line.
        let from = block.range.start.saturating_sub(1);
        let own = usize::try_from(block.range.end - from).unwrap_or(usize::MAX);
        SCRATCH.with_borrow_mut(|scratch| {
            let mut bytes: &[u8] = &[];
            for beyond in BEYOND {
                let to = (block.range.end + beyond).min(*length);
                bytes = read_into(scratch, file, from, to).map_err(reading)?;
                // From the block's last byte on: that may be its last line's newline.
                let last = bytes.get(own.saturating_sub(1)..).unwrap_or_default();
                if to == *length || memchr(b'\n', last).is_some() {
                    break;
                }
            }
            Ok(look(Lines { block, from, bytes }))
        })
    }

    /// The line at a place.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn line(&self, place: Place) -> Result<Vec<u8>, JournalError> {
        let Some((_, file, _)) = self.files.get(place.segment) else {
            return Ok(Vec::new());
        };
        let end = place.offset + place.length as u64;
        read_exactly(file, place.offset, end).map_err(reading)
    }

    /// Runs `work` on blocks, several at a time, and hands the results to `take` in the order of
    /// the blocks until that says to stop.
    ///
    /// # Errors
    /// The first error of `work`.
    pub fn each_block<T: Send>(
        &self,
        mut blocks: impl Iterator<Item = Block>,
        work: impl Fn(&Block) -> Result<T, JournalError> + Sync,
        mut take: impl FnMut(T) -> bool,
    ) -> Result<(), JournalError> {
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(4));
        let mut width = 1;
        loop {
            let batch: Vec<Block> = blocks.by_ref().take(width).collect();
            if batch.is_empty() {
                return Ok(());
            }
            for result in at_once(&batch, threads, &work) {
                if !take(result?) {
                    return Ok(());
                }
            }
            // The newest block alone first: often it is enough.
            width = (width * 4).min(threads * 64);
        }
    }
}

thread_local! {
    /// What a thread reads blocks into: fresh memory for each block costs more than the reading.
    static SCRATCH: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// The lines that begin in a block.
pub(super) struct Lines<'a> {
    block: &'a Block,
    /// Where in the segment the bytes begin.
    from: u64,
    /// The block, one byte before it, and the end of its last line.
    bytes: &'a [u8],
}

impl Lines<'_> {
    /// Every line, oldest first, without its newline, and whether it had one.
    pub(super) fn each(&self, each: &mut impl FnMut(Place, &[u8], bool)) {
        let mut at = self.first();
        while let Some(line) = at.and_then(|at| self.at(at)) {
            at = Some(self.give(line, each));
        }
    }

    /// The same for lines that hold a text: the others are not even looked for.
    pub(super) fn each_with(&self, text: &Finder<'_>, each: &mut impl FnMut(Place, &[u8], bool)) {
        let mut at = self.first();
        while let Some(from) = at {
            let rest = self.bytes.get(from..).unwrap_or_default();
            let Some(hit) = text.find(rest) else {
                return;
            };
            let before = rest.get(..hit).unwrap_or_default();
            let begin = memrchr(b'\n', before).map_or(from, |newline| from + newline + 1);
            let Some(line) = self.at(begin) else {
                return;
            };
            at = Some(self.give(line, each));
        }
    }

    /// The last line.
    pub(super) fn last(&self) -> Option<&[u8]> {
        let own = usize::try_from(self.block.range.end - self.from).unwrap_or(usize::MAX);
        // A newline that is the block's last byte begins no line of its own.
        let before = self.bytes.get(..own.checked_sub(1)?)?;
        let begin = memrchr(b'\n', before).map_or(self.first()?, |newline| newline + 1);
        self.at(begin).map(|(_, line, _)| line)
    }

    /// Where the first line begins.
    fn first(&self) -> Option<usize> {
        match self.block.range.start {
            0 => Some(0),
            _ => memchr(b'\n', self.bytes).map(|newline| newline + 1),
        }
    }

    /// The line that begins there, if it is the block's own.
    fn at(&self, at: usize) -> Option<(usize, &[u8], bool)> {
        if self.from + at as u64 >= self.block.range.end {
            return None;
        }
        let rest = self.bytes.get(at..).filter(|r| !r.is_empty())?;
        let end = memchr(b'\n', rest);
        let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest);
        Some((at, line, end.is_some()))
    }

    /// Hands a line over; where the next one begins.
    fn give(
        &self,
        (at, line, whole): (usize, &[u8], bool),
        each: &mut impl FnMut(Place, &[u8], bool),
    ) -> usize {
        let place = Place {
            segment: self.block.segment,
            offset: self.from + at as u64,
            length: line.len(),
        };
        each(place, line, whole);
        at + line.len() + 1
    }
}

/// The results of `work` on each block, in order. Whoever is ready takes the next block.
fn at_once<T: Send>(
    batch: &[Block],
    threads: usize,
    work: &(impl Fn(&Block) -> Result<T, JournalError> + Sync),
) -> Vec<Result<T, JournalError>> {
    if batch.len() == 1 || threads == 1 {
        return batch.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let part = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(block) = batch.get(index) else {
                return done;
            };
            done.push((index, work(block)));
        }
    };
    let mut all = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(part)).collect();
        let mut all = part();
        for other in others {
            all.extend(other.join().unwrap_or_default());
        }
        all
    });
    all.sort_unstable_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, result)| result).collect()
}

fn reading(error: io::Error) -> JournalError {
    JournalError::Io("read", error)
}

/// The bytes of a range, fewer where the file ends before.
pub(super) fn read_exactly(file: &File, from: u64, to: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let length = read_into(&mut bytes, file, from, to)?.len();
    bytes.truncate(length);
    Ok(bytes)
}

/// The same into memory that is used again; it grows and never shrinks.
fn read_into<'a>(
    scratch: &'a mut Vec<u8>,
    file: &File,
    from: u64,
    to: u64,
) -> io::Result<&'a [u8]> {
    let wanted = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
    if scratch.len() < wanted {
        *scratch = vec![0; wanted];
    }
    let bytes = scratch.get_mut(..wanted).unwrap_or_default();
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|r| !r.is_empty()) {
        match file.read_at(rest, from + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(bytes.get(..filled).unwrap_or_default())
}

/// What stands at fixed places of every line: no JSON is parsed for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head<'a> {
    /// The id, as a number.
    pub id: u128,
    /// The id, as text.
    pub id_text: &'a str,
    /// The phase's word.
    pub phase: &'a str,
    /// The time, as text that sorts.
    pub time: &'a str,
}

impl Head<'_> {
    /// Reads the head of a line. `None`: torn, or none of ours.
    pub fn of(line: &[u8]) -> Option<Head<'_>> {
        let rest = after_prev(line)?.strip_prefix(b"\"id\":\"")?;
        let (id, rest) = rest.split_at_checked(36)?;
        let rest = rest.strip_prefix(b"\",\"phase\":\"")?;
        let end = memchr(b'"', rest.get(..32.min(rest.len()))?)?;
        let (phase, rest) = rest.split_at_checked(end)?;
        let rest = rest.strip_prefix(b"\",\"time\":\"")?;
        let end = memchr(b'"', rest.get(..40.min(rest.len()))?)?;
        Some(Head {
            id: number(id)?,
            id_text: std::str::from_utf8(id).ok()?,
            phase: std::str::from_utf8(phase).ok()?,
            time: std::str::from_utf8(rest.get(..end)?).ok()?,
        })
    }
}

/// What follows `{"v":N,"seq":N,"prev":"H",`.
fn after_prev(line: &[u8]) -> Option<&[u8]> {
    let (_, rest) = line::number(line.strip_prefix(b"{\"v\":")?)?;
    let (_, rest) = line::number(rest.strip_prefix(b",\"seq\":")?)?;
    let rest = rest.strip_prefix(b",\"prev\":\"")?.get(64..)?;
    rest.strip_prefix(b"\",")
}

/// The 32 digits of an id, with dashes after the 8th, 12th, 16th and 20th.
fn number(id: &[u8]) -> Option<u128> {
    let mut digits = [0; 32];
    let mut places = digits.iter_mut();
    for (at, digit) in id.iter().enumerate() {
        match at {
            8 | 13 | 18 | 23 if *digit == b'-' => {}
            8 | 13 | 18 | 23 => return None,
            _ => *places.next()? = *digit,
        }
    }
    let eights = digits.as_chunks::<8>().0.iter();
    eights
        .map(|eight| line::eight_digits(*eight))
        .try_fold(0, |number, part| Some(number << 32 | u128::from(part?)))
}
