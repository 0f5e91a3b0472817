//! A stream on standard input, read before the client that would obey it: judged first, then fed.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use crate::sys::descriptors::{replace_standard_input, standard_input};

/// Streams longer than this are not judged, in bytes.
pub const MAX_STREAM: u64 = 16 * 1024 * 1024;

/// What standard input turned out to be.
#[derive(Debug)]
pub enum Spooled {
    /// All of it. A pipe was read to its end; the command finds the same bytes there.
    Text(String),
    /// Longer than [`MAX_STREAM`]. A plain file is as it was; a pipe has lost its beginning.
    TooLong {
        /// Whether it can still be fed to the command.
        whole: bool,
    },
}

/// Reads standard input and leaves it as if it had not been read.
///
/// # Errors
/// The system's; where `feed` is false nothing is left for a command (`explain` starts none).
pub fn spool(feed: bool) -> io::Result<Spooled> {
    let mut input = standard_input()?;
    if input.metadata()?.is_file() {
        return plain_file(&mut input);
    }
    let mut bytes = Vec::new();
    (&mut input).take(MAX_STREAM + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_STREAM {
        return Ok(Spooled::TooLong { whole: false });
    }
    if feed {
        let mut file = tempfile::tempfile()?;
        file.write_all(&bytes)?;
        file.rewind()?;
        replace_standard_input(file.as_fd())?;
    }
    Ok(Spooled::Text(String::from_utf8_lossy(&bytes).into_owned()))
}

/// A plain file is read from where it stands, without moving on.
fn plain_file(input: &mut File) -> io::Result<Spooled> {
    let start = input.stream_position()?;
    let length = input.metadata()?.len().saturating_sub(start);
    if length > MAX_STREAM {
        return Ok(Spooled::TooLong { whole: true });
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    input.read_exact_at(&mut bytes, start)?;
    Ok(Spooled::Text(String::from_utf8_lossy(&bytes).into_owned()))
}
