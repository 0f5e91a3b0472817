//! `--status-fd` and `--json-status`: tell the caller, one JSON object a line, whether tagout
//! refused, failed, or started the command and how that ended. Exit codes alone cannot: the command
//! has its own 77. `--json-status` begins with the plan.

use std::fs::File;
use std::io::Write;
use std::mem::ManuallyDrop;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Value, json};

use super::arguments::Asked;
use crate::launch::Ended;
use crate::plan::Plan;
use crate::record::RecordId;
use crate::sys::{descriptors, process, signals};

/// What happened.
pub(super) enum Status<'a> {
    /// What was judged.
    Plan {
        /// The record.
        id: RecordId,
        /// The judgement.
        plan: &'a Plan,
    },
    /// tagout itself failed.
    Failed {
        /// At what.
        error: &'a str,
    },
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

/// Where it is told, and whether with the plan. A descriptor stays open: it is the caller's.
pub(super) struct StatusLines(Vec<(ManuallyDrop<File>, bool)>);

impl StatusLines {
    /// Opens what was asked for.
    pub(super) fn open(asked: &Asked, cwd: &Path) -> Result<StatusLines, String> {
        let mut lines = Vec::new();
        if let Some(fd) = asked.status_fd {
            lines.push((descriptor("--status-fd", fd)?, false));
        }
        if let Some(place) = &asked.json_status {
            let file = match place.parse() {
                Ok(fd) => descriptor("--json-status", fd)?,
                Err(_) => ManuallyDrop::new(
                    File::options()
                        .write(true)
                        .create(true)
                        .truncate(true)
                        .mode(0o600)
                        .open(cwd.join(place))
                        .map_err(|e| format!("--json-status {place}: {e}"))?,
                ),
            };
            lines.push((file, true));
        }
        Ok(StatusLines(lines))
    }

    /// Says it; a reader that is gone is no error.
    pub(super) fn say(&mut self, status: &Status<'_>) {
        let with_plan = matches!(status, Status::Plan { .. });
        let places = self.0.iter_mut().filter(|(_, full)| *full || !with_plan);
        let mut places = places.peekable();
        if places.peek().is_none() {
            return;
        }
        let line = format!("{}\n", json(status));
        for (file, _) in places {
            let _ = file.write_all(line.as_bytes());
        }
    }
}

fn descriptor(option: &str, fd: i32) -> Result<ManuallyDrop<File>, String> {
    if fd < 3 || !descriptors::close_on_exec(fd) {
        return Err(format!(
            "{option} {fd}: open a descriptor above 2 for it, as in `3>status`"
        ));
    }
    Ok(ManuallyDrop::new(process::borrowed_file(fd)))
}

fn json(status: &Status<'_>) -> Value {
    match status {
        Status::Plan { id, plan } => {
            let targets: Vec<Value> = plan
                .targets()
                .iter()
                .map(|t| json!({"target": t.target.to_string(), "tier": t.tier.word()}))
                .collect();
            json!({
                "event": "plan",
                "schema": "tagout.status/1",
                "id": id.to_string(),
                "profile": plan.profile.name,
                "effect": plan.effect().word(),
                "targets": targets,
                "allowed": plan.verdict.is_allowed(),
                "rule": plan.verdict.rule,
                "reasons": plan.verdict.reasons,
            })
        }
        Status::Failed { error } => json!({"event": "failed", "error": error}),
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
        } => json!({"event": "ended", "id": id.to_string(), "code": code}),
        Status::Ended {
            id,
            ended: Ended::Killed(signal, _),
        } => json!({"event": "ended", "id": id.to_string(), "signal": signals::name(*signal)}),
    }
}
