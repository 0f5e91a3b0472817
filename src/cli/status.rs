//! `--status-fd`: tells the caller, one JSON object a line, whether tagout refused, failed, or
//! started the command and how that ended. Exit codes alone cannot: the command has its own 77.

use std::fs::File;
use std::io::Write;
use std::mem::ManuallyDrop;

use serde_json::json;

use crate::launch::Ended;
use crate::record::RecordId;
use crate::sys::{process, signals};

/// What happened.
pub(super) enum Status<'a> {
    /// Nothing was run.
    Refused {
        /// The record.
        id: RecordId,
        /// The rule that decided.
        rule: &'a str,
        /// Why.
        reasons: &'a [String],
    },
    /// It runs.
    Started {
        /// The record.
        id: RecordId,
        /// Its process id.
        pid: i32,
    },
    /// It never ran.
    NotStarted {
        /// The record.
        id: RecordId,
        /// The system's error.
        error: &'a str,
    },
    /// It ended.
    Ended {
        /// The record.
        id: RecordId,
        /// How.
        ended: Ended,
    },
}

/// Where it is told.
pub(super) struct StatusLine(Option<ManuallyDrop<File>>);

impl StatusLine {
    pub(super) fn none() -> StatusLine {
        StatusLine(None)
    }

    /// The caller's descriptor. It stays open: it is the caller's.
    pub(super) fn to(fd: i32) -> StatusLine {
        StatusLine(Some(ManuallyDrop::new(process::borrowed_file(fd))))
    }

    /// Says it; a reader that is gone is no error.
    pub(super) fn say(&mut self, status: &Status<'_>) {
        let Some(file) = &mut self.0 else { return };
        let value = match status {
            Status::Refused { id, rule, reasons } => {
                json!({"event": "refused", "id": id.to_string(), "rule": rule, "reasons": reasons})
            }
            Status::Started { id, pid } => {
                json!({"event": "started", "id": id.to_string(), "pid": pid})
            }
            Status::NotStarted { id, error } => {
                json!({"event": "not-started", "id": id.to_string(), "error": error})
            }
            Status::Ended {
                id,
                ended: Ended::Exited(code),
            } => {
                json!({"event": "ended", "id": id.to_string(), "code": code})
            }
            Status::Ended {
                id,
                ended: Ended::Killed(signal, _),
            } => {
                json!({"event": "ended", "id": id.to_string(), "signal": signals::name(*signal)})
            }
        };
        let _ = file.write_all(format!("{value}\n").as_bytes());
    }
}
