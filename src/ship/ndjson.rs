//! Lines as they are, to a stream: for tools that read standard input.

use std::io::Write;

use super::{Batch, SendError, Sink};

/// Writes lines to a stream.
pub struct Ndjson<W>(pub W);

impl<W: Write> Sink for Ndjson<W> {
    fn send(&mut self, batch: &Batch<'_>) -> Result<(), SendError> {
        let later = |e: std::io::Error| SendError::Later(e.to_string(), None);
        let mut out = Vec::new();
        for line in batch.lines {
            out.extend_from_slice(&line.bytes);
            out.push(b'\n');
        }
        self.0.write_all(&out).map_err(later)?;
        self.0.flush().map_err(later)
    }
}
