//! To PostgreSQL, through `psql`: every way to authenticate and every TLS setting that it knows.
//! The tables are those of `docs/postgres.sql`; the role needs INSERT on them and nothing else.

use std::io::{self, Write};

use memchr::{memchr, memchr3};

use super::{Batch, SendError, Sink, Summary};
use crate::record::follow::Line;
use crate::record::hex;
use crate::sys::tool::Companion;

/// How much is told to `psql` at once: the server reads it while the rest is still being written.
const PIECE: usize = 64 << 10;
/// The server has a record of this key.
const DUPLICATE: &str = "23505";

/// A database.
pub struct Postgres {
    conninfo: String,
    variables: Vec<(String, String)>,
    session: Option<Companion>,
    batches: u64,
    /// What is sent may be there already: after a start, and after a duplicate was met. It is then
    /// sent by way of a table of the session's own, which costs twice as much.
    wary: bool,
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
            wary: true,
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
        if !self.wary {
            match self.attempt(batch) {
                Err(SendError::Poison(why)) if why.ends_with(DUPLICATE) => self.wary = true,
                done => return done.map(|_| ()),
            }
        }
        let added = self.attempt(batch)?;
        self.wary = added < batch.lines.len();
        Ok(())
    }
}

impl Postgres {
    /// Sends it; how many of the records were new.
    fn attempt(&mut self, batch: &Batch<'_>) -> Result<usize, SendError> {
        self.batches += 1;
        let (number, wary) = (self.batches, self.wary);
        let psql = self.session()?;
        let told = tell(psql, batch, number, wary);
        let answer = psql.answer();
        let added = match (told, answer) {
            (Ok(()), Ok(Some(line))) => line
                .strip_prefix(&format!("ack {number} "))
                .and_then(|added| added.parse().ok()),
            _ => None,
        };
        added.ok_or_else(|| {
            let gone = || SendError::Later("no session".to_owned(), None);
            self.session.take().map_or_else(gone, failed)
        })
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

/// One transaction: the records, and the last one as a head.
fn tell(psql: &mut Companion, batch: &Batch<'_>, number: u64, wary: bool) -> io::Result<()> {
    let table = if wary { "batch" } else { "tagout_record" };
    let mut script = format!("begin;\ncopy {table} ({COLUMNS}) from stdin;\n").into_bytes();
    for line in batch.lines {
        row(&mut script, batch, line);
        if script.len() >= PIECE {
            psql.tell(&script)?;
            script.clear();
        }
    }
    script.extend_from_slice(b"\\.\n");
    if wary {
        // Without a conflict target: that would need the right to SELECT.
        writeln!(
            script,
            "insert into tagout_record ({COLUMNS}) select {COLUMNS} from batch on conflict do nothing;"
        )?;
    }
    script.extend_from_slice(b"\\set added :ROW_COUNT\n");
    if !wary {
        writeln!(script, "copy batch ({COLUMNS}) from stdin;")?;
        if let Some(last) = batch.lines.last() {
            row(&mut script, batch, last);
        }
        script.extend_from_slice(b"\\.\n");
    }
    script.extend_from_slice(HEAD.as_bytes());
    writeln!(script, "commit;\n\\echo ack {number} :added")?;
    psql.tell(&script)
}

const COLUMNS: &str = "host, chain, seq, id, phase, time, verdict, effect, tier, line, prev, hash";

const HEAD: &str = "insert into tagout_head (host, chain, seq, hash, time)
  select host, chain, seq, hash, time from batch order by seq desc limit 1 on conflict do nothing;
";

fn row(script: &mut Vec<u8>, batch: &Batch<'_>, line: &Line) {
    let summary = Summary::of(line);
    let text = String::from_utf8_lossy(&line.bytes);
    let columns = [
        Some(batch.host),
        Some(batch.chain),
        Some(&line.seal.seq.to_string()),
        Some(summary.id),
        Some(summary.phase),
        Some(summary.time),
        summary.verdict.as_deref(),
        summary.effect.as_deref(),
        summary.tier,
        Some(&text),
        Some(&format!("\\x{}", hex(&line.seal.prev))),
        Some(&format!("\\x{}", hex(&line.seal.hash))),
    ];
    for (index, column) in columns.into_iter().enumerate() {
        if index > 0 {
            script.push(b'\t');
        }
        escaped(script, column);
    }
    script.push(b'\n');
}

/// A column in COPY's text format.
fn escaped(out: &mut Vec<u8>, column: Option<&str>) {
    let Some(text) = column else {
        out.extend_from_slice(b"\\N");
        return;
    };
    let mut rest = text.as_bytes();
    let special = |rest| {
        let found = [memchr(b'\\', rest), memchr3(b'\n', b'\r', b'\t', rest)];
        found.into_iter().flatten().min()
    };
    while let Some(at) = special(rest) {
        let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let (first, after) = special.split_first().unwrap_or((&b' ', &[]));
        out.extend_from_slice(match first {
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            _ => b"\\\\",
        });
        rest = after;
    }
    out.extend_from_slice(rest);
}
