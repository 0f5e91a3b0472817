//! Reading back what `tagout-ship` put into PostgreSQL, through `psql`: the tables are those of
//! `docs/postgres.sql`, the role needs SELECT on them. One snapshot answers everything.

use serde_json::Value;

use super::line;
use super::line::Hash;
use super::query::Found;
use super::stats::Stats;
use crate::sys::tool::Companion;

/// Findings beyond this are counted, not listed.
const MAX_FAULTS: usize = 50;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Conninfo or URI, as `psql` takes it.
    pub conninfo: String,
    /// Variables that `psql` needs (`HOME`, `PG*`).
    pub variables: Vec<(String, String)>,
    /// Only records at or after this time, RFC 3339.
    pub since: Option<String>,
    /// Only of this host.
    pub host: Option<String>,
    /// At most so many runs, the newest.
    pub count: usize,
}

/// What the database holds.
#[derive(Debug, Default)]
pub struct Shipped {
    /// The newest runs, newest first.
    pub runs: Vec<Found>,
    /// Numbers over all runs.
    pub stats: Stats,
    /// How many records.
    pub records: u64,
    /// Chains: (host, chain).
    pub chains: Vec<(String, String)>,
    /// What does not fit, at most fifty.
    pub faults: Vec<String>,
    /// How many faults.
    pub fault_count: u64,
    /// How many heads were held against the records.
    pub heads: u64,
    last: Option<(u64, Hash)>,
}

impl Shipped {
    /// Asks the database.
    ///
    /// # Errors
    /// What `psql` complained of.
    pub fn ask(question: &Question) -> Result<Shipped, String> {
        let settings = [
            format!("since={}", question.since.as_deref().unwrap_or_default()),
            format!("host={}", question.host.as_deref().unwrap_or_default()),
            format!("count={}", question.count),
        ];
        let mut args = vec!["-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1"];
        args.extend(["-v", "FETCH_COUNT=1000", "-d", &question.conninfo]);
        for setting in &settings {
            args.extend(["-v", setting]);
        }
        let mut psql = Companion::start("psql", &args, &question.variables)?;
        // One that has ended already says why on its standard error.
        let _ = psql.tell(script().as_bytes());
        let mut shipped = Shipped::default();
        loop {
            match psql.answer() {
                Ok(Some(row)) if row == "end" => return Ok(shipped.whole()),
                Ok(Some(row)) => shipped.row(&row),
                Ok(None) => return Err(complaint(&psql.end())),
                Err(e) => return Err(format!("psql: {e}")),
            }
        }
    }

    /// Whether every record is as it was written and follows the one before, and every head that
    /// a host sent is among them.
    pub fn is_intact(&self) -> bool {
        self.fault_count == 0
    }

    fn whole(mut self) -> Shipped {
        self.stats.finish();
        self
    }

    fn row(&mut self, row: &str) {
        let mut fields = row.splitn(5, '\t');
        let mut field = || fields.next().unwrap_or_default();
        match (field(), field(), field(), field(), field()) {
            ("record", host, chain, text, _) => self.record(host, chain, text),
            ("run", host, _, run, outcome) => self.run(host, run, outcome),
            ("head", count, ..) => self.heads = count.parse().unwrap_or(0),
            ("fork", host, chain, seq, _) => {
                self.fault(host, chain, seq, "is not what the host said its head was");
            }
            _ => {}
        }
    }

    fn record(&mut self, host: &str, chain: &str, text: &str) {
        self.records += 1;
        let goes_on = self
            .chains
            .last()
            .is_some_and(|(h, c)| h == host && c == chain);
        if !goes_on {
            self.chains.push((host.to_owned(), chain.to_owned()));
            self.last = None;
        }
        let bytes = text.as_bytes();
        let Some(seal) = line::parse(bytes) else {
            return self.fault(host, chain, "?", "is no record of tagout's");
        };
        let seq = seal.seq.to_string();
        if !line::holds(bytes, &seal) {
            self.fault(host, chain, &seq, "was altered");
        }
        let last = self.last.replace((seal.seq, seal.hash));
        if last.is_some_and(|(seq, hash)| Some(seal.seq) != seq.checked_add(1) || seal.prev != hash)
        {
            self.fault(host, chain, &seq, "does not follow the one before it");
        }
        self.stats.record(bytes);
    }

    fn run(&mut self, host: &str, run: &str, outcome: &str) {
        let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
        if let Some(run) = parsed(run) {
            self.runs.push(Found {
                host: Some(host.to_owned()),
                run,
                outcome: parsed(outcome),
            });
        }
    }

    fn fault(&mut self, host: &str, chain: &str, seq: &str, what: &str) {
        self.fault_count += 1;
        if self.faults.len() < MAX_FAULTS {
            self.faults
                .push(format!("{host}, chain {chain}: record {seq} {what}"));
        }
    }
}

fn complaint(said: &str) -> String {
    let last = said.lines().rev().find(|l| !l.trim().is_empty());
    format!("psql: {}", last.unwrap_or("it ended").trim())
}

/// Which records are asked for; `psql` quotes the settings.
const ASKED: &str = "(:'since' = '' or time >= nullif(:'since', '')::timestamptz) and (:'host' = '' or host = :'host')";

/// Rows of up to five columns, told apart by the first. A record's line has neither tab nor
/// newline in it: JSON escapes them.
fn script() -> String {
    format!(
        "begin transaction isolation level repeatable read read only;
select 'record', host, chain, line from tagout_record where {ASKED} order by host, chain, seq;
select 'run', b.host, '', b.line, e.line from
  (select * from tagout_record where phase in ('intent', 'refused') and {ASKED}
   order by time desc, seq desc limit :count) b
  left join lateral (select line from tagout_record e where e.host = b.host and e.chain = b.chain
   and e.id = b.id and e.phase = 'outcome' limit 1) e on true
  order by b.time desc, b.seq desc;
select 'head', count(*) from tagout_head where {ASKED};
select 'fork', host, chain, seq from tagout_fork where {ASKED} order by 2, 3, 4;
\\echo end
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::line::{NO_HASH, seal};

    fn lines(count: u64) -> Vec<String> {
        let mut prev = NO_HASH;
        (1..=count)
            .map(|seq| {
                let body = format!(
                    "\"id\":\"0198f2c4-78dd-7fff-bfff-{seq:012}\",\"phase\":\"intent\",\"time\":\"2026-08-22T09:31:07.000000Z\",\"verdict\":\"allowed\""
                );
                let mut out = Vec::new();
                prev = seal(&mut out, seq, &prev, body.as_bytes());
                String::from_utf8(out).unwrap().trim_end().to_owned()
            })
            .collect()
    }

    fn read<'a>(rows: impl IntoIterator<Item = (&'a str, &'a String)>) -> Shipped {
        let mut shipped = Shipped::default();
        for (host, line) in rows {
            shipped.row(&format!("record\t{host}\tc\t{line}"));
        }
        shipped.whole()
    }

    #[test]
    fn each_hosts_chain_is_held_on_its_own() {
        let lines = lines(4);
        let both = ["a", "b"]
            .into_iter()
            .flat_map(|h| lines.iter().map(move |l| (h, l)));
        let shipped = read(both);
        assert!(shipped.is_intact(), "{:?}", shipped.faults);
        assert_eq!((shipped.records, shipped.chains.len()), (8, 2));
        assert_eq!((shipped.stats.runs, shipped.stats.open), (8, 4));
        // A later beginning is no gap; a hole is.
        assert!(read(lines[2..].iter().map(|l| ("a", l))).is_intact());
        let holed = [&lines[0], &lines[2], &lines[3]];
        assert_eq!(read(holed.map(|l| ("a", l))).fault_count, 1);
        let altered = lines[1].replace("allowed", "refused");
        let shipped = read([("a", &lines[0]), ("a", &altered), ("a", &lines[2])]);
        assert_eq!(shipped.faults, ["a, chain c: record 2 was altered"]);
    }
}
