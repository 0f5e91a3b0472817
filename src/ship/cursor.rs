//! The cursor on disk: replaced whole, so that a killed shipper finds the old or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};

use crate::record::follow::Cursor;
use crate::record::hex;
use crate::record::line::unhex;

/// How far a shipper has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// After the last record that the receiver has.
    pub cursor: Cursor,
    /// The chain that this record belongs to.
    pub chain: String,
}

impl Saved {
    /// Reads it; the beginning of the journal where there is none yet.
    ///
    /// # Errors
    /// Where it is there and cannot be read or understood.
    pub fn load(path: &Path) -> io::Result<Saved> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Ok(Saved {
                    cursor: Cursor::start(),
                    chain: String::new(),
                });
            }
            Err(e) => return Err(e),
        };
        let value: Value = serde_json::from_slice(&text)?;
        parse(&value).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it is damaged"))
    }

    /// Replaces it, durably.
    ///
    /// # Errors
    /// Where the disk does not take it.
    pub fn store(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        let value = json!({
            "segment": self.cursor.segment, "offset": self.cursor.offset,
            "seq": self.cursor.seq, "hash": hex(&self.cursor.hash), "chain": self.chain,
        });
        writeln!(file, "{value}")?;
        file.as_file().sync_data()?;
        file.persist(path).map_err(|e| e.error)?;
        File::open(folder)?.sync_all()
    }
}

fn parse(value: &Value) -> Option<Saved> {
    Some(Saved {
        cursor: Cursor {
            segment: value["segment"].as_str()?.to_owned(),
            offset: value["offset"].as_u64()?,
            seq: value["seq"].as_u64()?,
            hash: unhex(value["hash"].as_str()?.as_bytes())?,
        },
        chain: value["chain"].as_str()?.to_owned(),
    })
}

/// Appends a line, durably.
pub(super) fn append(path: &Path, line: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(&[line, b"\n"].concat())?;
    file.sync_data()
}
