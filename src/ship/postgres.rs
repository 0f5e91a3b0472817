//! To PostgreSQL, through `psql`: every way to authenticate and every TLS setting that it knows.
//! The tables are those of `docs/postgres.sql`; the role needs INSERT on them and nothing else.

use super::{Batch, SendError, Sink, Summary};
use crate::sys::tool::Companion;

/// A database.
pub struct Postgres {
    conninfo: String,
    variables: Vec<(String, String)>,
    session: Option<Companion>,
    batches: u64,
}

impl Postgres {
    /// A database by conninfo or URI; passwords belong in `~/.pgpass` or a service file, because
    /// others can see a program's arguments.
    pub fn new(conninfo: String, variables: Vec<(String, String)>) -> Postgres {
        Postgres {
            conninfo,
            variables,
            session: None,
            batches: 0,
        }
    }

    fn session(&mut self) -> Result<&mut Companion, SendError> {
        if self.session.is_none() {
            let args = [
                "-XqAt",
                "-v",
                "ON_ERROR_STOP=1",
                "-v",
                "VERBOSITY=sqlstate",
                "-d",
                &self.conninfo,
            ];
            let mut psql = Companion::start("psql", &args, &self.variables)
                .map_err(|why| SendError::Later(why, None))?;
            let prepared = psql.tell(PREPARE.as_bytes());
            if prepared.is_err() || !matches!(psql.answer(), Ok(Some(line)) if line == "ready") {
                return Err(failed(psql));
            }
            self.session = Some(psql);
        }
        self.session
            .as_mut()
            .ok_or_else(|| SendError::Later("no session".to_owned(), None))
    }
}

const PREPARE: &str = "set synchronous_commit = on;
create temp table batch (host text, chain text, seq bigint, id uuid, phase text, time timestamptz,
  verdict text, effect text, tier text, line text, prev bytea, hash bytea) on commit delete rows;
\\echo ready
";

impl Sink for Postgres {
    fn send(&mut self, batch: &Batch<'_>) -> Result<(), SendError> {
        self.batches += 1;
        let number = self.batches;
        let script = script(batch, number);
        let psql = self.session()?;
        let told = psql.tell(&script);
        let answer = psql.answer();
        match (told, answer) {
            (Ok(()), Ok(Some(line))) if line == format!("ack {number}") => Ok(()),
            _ => Err(self
                .session
                .take()
                .map_or_else(|| SendError::Later("no session".to_owned(), None), failed)),
        }
    }
}

/// Why `psql` gave up. Data that the server will never take has an SQLSTATE of class 22 or 23.
fn failed(psql: Companion) -> SendError {
    let said = psql.end();
    let last = said.lines().rev().find(|l| !l.trim().is_empty());
    let last = last.unwrap_or("psql ended").trim().to_owned();
    let state = last.rsplit_once("ERROR:").map(|(_, rest)| rest.trim());
    match state {
        Some(state) if state.starts_with("22") || state.starts_with("23") => {
            SendError::Poison(format!("SQLSTATE {state}"))
        }
        _ => SendError::Later(last, None),
    }
}

fn script(batch: &Batch<'_>, number: u64) -> Vec<u8> {
    let mut script = b"begin;\ncopy batch from stdin;\n".to_vec();
    for line in batch.lines {
        let summary = Summary::of(line);
        let text = String::from_utf8_lossy(&line.bytes);
        let columns = [
            Some(batch.host),
            Some(batch.chain),
            Some(&line.seal.seq.to_string()),
            Some(summary.id.as_str()),
            Some(summary.phase.as_str()),
            Some(summary.time.as_str()),
            summary.verdict.as_deref(),
            summary.effect.as_deref(),
            summary.tier.as_deref(),
            Some(&text),
            Some(&format!("\\x{}", summary.prev)),
            Some(&format!("\\x{}", summary.hash)),
        ];
        for (index, column) in columns.into_iter().enumerate() {
            if index > 0 {
                script.push(b'\t');
            }
            escaped(&mut script, column);
        }
        script.push(b'\n');
    }
    script.extend_from_slice(b"\\.\n");
    script.extend_from_slice(INSERT.as_bytes());
    script.extend_from_slice(format!("commit;\n\\echo ack {number}\n").as_bytes());
    script
}

/// Without a conflict target: that would need the right to SELECT.
const INSERT: &str = "insert into tagout_record (host, chain, seq, id, phase, time, verdict, effect, tier, line, prev, hash)
  select host, chain, seq, id, phase, time, verdict, effect, tier, line, prev, hash from batch on conflict do nothing;
insert into tagout_head (host, chain, seq, hash, time)
  select host, chain, seq, hash, time from batch order by seq desc limit 1 on conflict do nothing;
";

/// A column in COPY's text format.
fn escaped(out: &mut Vec<u8>, column: Option<&str>) {
    let Some(text) = column else {
        out.extend_from_slice(b"\\N");
        return;
    };
    for byte in text.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte => out.push(byte),
        }
    }
}
