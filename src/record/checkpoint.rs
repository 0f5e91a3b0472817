//! Checkpoints: a head of the chain, signed, and kept where who can rewrite the journal cannot.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::sys::clock;
use crate::sys::tool;

use super::query::{Filter, runs};
use super::read::{Head, Segments};
use super::verify::{Anchor, chain_named_in};
use super::{
    Durability, Entry, Journal, JournalError, Location, Phase, RecordId, hex, line, rfc3339,
};

/// What a signature is for, so that one made for something else does not pass.
const NAMESPACE: &str = "tagout";
/// How long a tool may take.
const LIMIT: Duration = Duration::from_secs(15);
/// How many runs without outcome a checkpoint names, and how far back it looks, in seconds.
const MAX_OPEN: usize = 64;
const OPEN_WITHIN: u64 = 7 * 86_400;

/// Where heads are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeper {
    /// Appended to a file: one on another machine, or one that is append-only.
    File(PathBuf),
    /// Given to the system's log.
    Syslog,
    /// Inserted into `tagout_head` by `psql`, which reads passwords from its own files.
    Postgres(String),
    /// A note on the newest commit of a repository, pushed where a remote is named.
    Git {
        /// The repository.
        repository: PathBuf,
        /// Where to push the notes.
        remote: Option<String>,
    },
}

impl Keeper {
    /// Reads `file:PATH`, `syslog`, `postgres:CONNINFO` or `git:PATH[,REMOTE]`. A bare path is a
    /// file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Keeper, String> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        match kind {
            "syslog" if rest.is_empty() => Ok(Keeper::Syslog),
            "file" if !rest.is_empty() => Ok(Keeper::File(rest.into())),
            "postgres" if !rest.is_empty() => Ok(Keeper::Postgres(rest.to_owned())),
            "git" if !rest.is_empty() => {
                let (repository, remote) = match rest.split_once(',') {
                    Some((repository, remote)) => (repository, Some(remote.to_owned())),
                    None => (rest, None),
                };
                let repository = repository.into();
                Ok(Keeper::Git { repository, remote })
            }
            _ if text.contains('/') && !text.contains(':') => Ok(Keeper::File(text.into())),
            _ => Err(format!(
                "`{kind}` is no place for a head: file:PATH, syslog, postgres:CONNINFO or git:PATH[,REMOTE]"
            )),
        }
    }
}

impl fmt::Display for Keeper {
    /// Without what may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Keeper::File(path) => write!(f, "file {}", path.display()),
            Keeper::Syslog => f.write_str("syslog"),
            Keeper::Postgres(_) => f.write_str("postgres"),
            Keeper::Git { repository, .. } => write!(f, "git {}", repository.display()),
        }
    }
}

/// How checkpoints are made.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The host's name.
    pub host: String,
    /// Private key of `ssh-keygen`; without one heads are not signed.
    pub key: Option<PathBuf>,
    /// Where heads are kept.
    pub keepers: Vec<Keeper>,
    /// Variables that the tools need (`HOME`, `SSH_AUTH_SOCK`, `PG*`).
    pub variables: Vec<(String, String)>,
}

/// A head with its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The head.
    pub anchor: Anchor,
    /// The signature's base64, on one line.
    pub signature: Option<String>,
}

/// What taking a checkpoint did.
#[derive(Debug)]
pub struct Taken {
    /// The head.
    pub signed: Signed,
    /// The keepers that have it now.
    pub kept: Vec<String>,
    /// Those that failed, and why.
    pub failed: Vec<(String, String)>,
}

/// Why no checkpoint was taken.
#[derive(Debug)]
pub enum CheckpointError {
    /// The journal cannot be read or written.
    Journal(JournalError),
    /// It has no record yet.
    Empty,
    /// It could not be signed.
    Unsigned(String),
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckpointError::Journal(error) => error.fmt(f),
            CheckpointError::Empty => f.write_str("the journal has no record yet"),
            CheckpointError::Unsigned(why) => write!(f, "the head could not be signed: {why}"),
        }
    }
}

impl From<JournalError> for CheckpointError {
    fn from(error: JournalError) -> Self {
        CheckpointError::Journal(error)
    }
}

/// Signs the head of the journal, records that in the chain, and gives it to every keeper.
///
/// # Errors
/// Where there is no head or it cannot be signed or recorded. A keeper that fails is said in the
/// result.
pub fn take(location: &Location, plan: &Plan) -> Result<Taken, CheckpointError> {
    let journal = Journal::open(location)?;
    let segments = Segments::open(location)?;
    let anchor = head(&segments, &plan.host)?;
    let signature = match &plan.key {
        Some(key) => Some(sign(&anchor, key, &plan.variables).map_err(CheckpointError::Unsigned)?),
        None => None,
    };
    let signed = Signed { anchor, signature };
    let open = open_runs(&segments)?;
    journal.append(&entry(&signed, &open)?, Durability::Durable)?;
    let (mut kept, mut failed) = (Vec::new(), Vec::new());
    for keeper in &plan.keepers {
        match keep(keeper, &signed, &plan.variables) {
            Ok(()) => kept.push(keeper.to_string()),
            Err(why) => failed.push((keeper.to_string(), why)),
        }
    }
    Ok(Taken {
        signed,
        kept,
        failed,
    })
}

/// The newest record of the journal.
fn head(segments: &Segments, host: &str) -> Result<Anchor, CheckpointError> {
    let mut newest = None;
    for block in segments.blocks_back() {
        segments.lines(&block, |_, text, _| {
            if let Some(seal) = line::parse(text) {
                newest = Some(seal);
            }
        })?;
        if newest.is_some() {
            break;
        }
    }
    let mut chain = None;
    if let Some(block) = segments.blocks().next() {
        segments.lines(&block, |_, text, _| {
            chain = chain.take().or_else(|| chain_named_in(text));
        })?;
    }
    let (Some(seal), Some(chain)) = (newest, chain) else {
        return Err(CheckpointError::Empty);
    };
    Ok(Anchor {
        host: host.replace(char::is_whitespace, "_"),
        chain,
        seq: seal.seq,
        hash: seal.hash,
        time: rfc3339(clock::now()),
    })
}

fn open_runs(segments: &Segments) -> Result<Vec<String>, JournalError> {
    let mut since = clock::now();
    since.seconds = since.seconds.saturating_sub(OPEN_WITHIN);
    let filter = Filter {
        open: true,
        since: Some(since),
        ..Filter::default()
    };
    let open = runs(segments, &filter, MAX_OPEN)?;
    let id = |run: &serde_json::Value| run["id"].as_str().map(str::to_owned);
    Ok(open.iter().filter_map(|found| id(&found.run)).collect())
}

fn entry(signed: &Signed, open: &[String]) -> Result<Entry, CheckpointError> {
    let now = clock::now();
    let id = RecordId::new(now).map_err(|e| JournalError::Io("given an id", e))?;
    let anchor = &signed.anchor;
    Ok(Entry::build(id, Phase::Checkpoint, now, |json| {
        json.text("host", &anchor.host);
        json.text("chain", &anchor.chain);
        json.number("covers", anchor.seq);
        json.text("head", &hex(&anchor.hash));
        json.text("at", &anchor.time);
        json.texts("open", open, MAX_OPEN);
        json.optional("sig", signed.signature.as_deref());
    }))
}

/// What is signed: every field on a line of its own.
fn statement(anchor: &Anchor) -> String {
    let Anchor {
        host,
        chain,
        seq,
        hash,
        time,
    } = anchor;
    let hash = hex(hash);
    format!("tagout-checkpoint/v1\n{host}\n{chain}\n{seq}\n{hash}\n{time}\n")
}

fn sign(anchor: &Anchor, key: &Path, variables: &[(String, String)]) -> Result<String, String> {
    let key = key.to_str().ok_or("the key's path is not UTF-8")?;
    let args = ["-q", "-Y", "sign", "-f", key, "-n", NAMESPACE];
    let done = tool::run(
        "ssh-keygen",
        &args,
        variables,
        statement(anchor).as_bytes(),
        LIMIT,
    )?;
    let armoured = done.output("ssh-keygen")?;
    let text = String::from_utf8_lossy(&armoured);
    let lines = text.lines().filter(|l| !l.starts_with("-----"));
    let signature: String = lines.collect();
    match signature.is_empty() {
        true => Err("ssh-keygen gave no signature".to_owned()),
        false => Ok(signature),
    }
}

/// Who signed a head, by a file of allowed signers (`ssh-keygen(1)`, ALLOWED SIGNERS).
///
/// # Errors
/// Why the signature does not hold.
pub fn signer(
    signed: &Signed,
    allowed: &Path,
    variables: &[(String, String)],
) -> Result<String, String> {
    let signature = signed.signature.as_deref().ok_or("it is not signed")?;
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    if !signature.chars().all(is_base64) {
        return Err("its signature cannot be read".to_owned());
    }
    let mut file = tempfile::NamedTempFile::new().map_err(|e| e.to_string())?;
    writeln!(
        file,
        "-----BEGIN SSH SIGNATURE-----\n{signature}\n-----END SSH SIGNATURE-----"
    )
    .map_err(|e| e.to_string())?;
    let path = file
        .path()
        .to_str()
        .ok_or("the temporary directory is not UTF-8")?;
    let allowed = allowed.to_str().ok_or("the signers' path is not UTF-8")?;
    let find = ["-Y", "find-principals", "-s", path, "-f", allowed];
    let found = tool::run("ssh-keygen", &find, variables, b"", LIMIT)?.output("ssh-keygen")?;
    let found = String::from_utf8_lossy(&found);
    let who = found.lines().next().unwrap_or_default().to_owned();
    let verify = [
        "-Y", "verify", "-f", allowed, "-I", &who, "-n", NAMESPACE, "-s", path,
    ];
    let statement = statement(&signed.anchor);
    tool::run(
        "ssh-keygen",
        &verify,
        variables,
        statement.as_bytes(),
        LIMIT,
    )?
    .output("ssh-keygen")?;
    Ok(who)
}

fn keep(keeper: &Keeper, signed: &Signed, variables: &[(String, String)]) -> Result<(), String> {
    let line = signed.line();
    match keeper {
        Keeper::File(path) => append_line(path, &line).map_err(|e| e.to_string()),
        Keeper::Syslog => {
            let args = ["-t", "tagout", "-p", "authpriv.notice", "--", &line];
            let done = tool::run("logger", &args, variables, b"", LIMIT)?;
            done.output("logger").map(|_| ())
        }
        Keeper::Postgres(conninfo) => insert(conninfo, signed, variables),
        Keeper::Git { repository, remote } => {
            let path = repository
                .to_str()
                .ok_or("the repository's path is not UTF-8")?;
            let git = |args: &[&str]| {
                let all: Vec<&str> = ["-C", path].iter().chain(args).copied().collect();
                let done = tool::run("git", &all, variables, b"", LIMIT)?;
                done.output("git").map(|_| ())
            };
            let who = [
                "-c",
                "user.name=tagout",
                "-c",
                "user.email=tagout@localhost",
            ];
            let note = ["notes", "--ref=tagout", "append", "-m", &line, "HEAD"];
            git(&[who.as_slice(), &note].concat())?;
            match remote {
                Some(remote) => git(&["push", "-q", remote, "refs/notes/tagout"]),
                None => Ok(()),
            }
        }
    }
}

fn append_line(path: &Path, line: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)?;
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_data()
}

fn insert(conninfo: &str, signed: &Signed, variables: &[(String, String)]) -> Result<(), String> {
    let Anchor {
        host,
        chain,
        seq,
        hash,
        time,
    } = &signed.anchor;
    let settings = [
        format!("host={host}"),
        format!("chain={chain}"),
        format!("seq={seq}"),
        format!("hash={}", hex(hash)),
        format!("time={time}"),
        format!("sig={}", signed.signature.as_deref().unwrap_or_default()),
    ];
    let mut args = vec!["-XqAt", "-v", "ON_ERROR_STOP=1", "-d", conninfo];
    for setting in &settings {
        args.extend(["-v", setting]);
    }
    let sql = b"insert into tagout_head (host, chain, seq, hash, time, sig) values (:'host', :'chain', \
        :'seq'::bigint, decode(:'hash', 'hex'), :'time'::timestamptz, nullif(:'sig', '')) on conflict do nothing;";
    tool::run("psql", &args, variables, sql, LIMIT)?
        .output("psql")
        .map(|_| ())
}

/// The heads that a keeper has.
///
/// # Errors
/// Where it cannot be asked; the system's log never can.
pub fn kept(keeper: &Keeper, variables: &[(String, String)]) -> Result<Vec<Signed>, String> {
    let text = match keeper {
        Keeper::File(path) => {
            std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?
        }
        Keeper::Syslog => {
            return Err("the system's log cannot be asked: save its lines to a file".to_owned());
        }
        Keeper::Postgres(conninfo) => {
            let sql = b"select concat_ws(' ', 'tagout-checkpoint/v1', host, chain, seq, encode(hash, 'hex'), \
                to_char(time at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), sig) from tagout_head order by seq;";
            let args = ["-XqAt", "-v", "ON_ERROR_STOP=1", "-d", conninfo];
            tool::run("psql", &args, variables, sql, LIMIT)?.output("psql")?
        }
        Keeper::Git { repository, .. } => {
            let path = repository
                .to_str()
                .ok_or("the repository's path is not UTF-8")?;
            let args = ["-C", path, "log", "--all", "--notes=tagout", "--format=%N"];
            tool::run("git", &args, variables, b"", LIMIT)?.output("git")?
        }
    };
    let text = String::from_utf8_lossy(&text);
    Ok(text.lines().filter_map(Signed::parse).collect())
}

/// The checkpoints in the chain itself, oldest first.
///
/// # Errors
/// Where the journal cannot be read.
pub fn in_chain(segments: &Segments) -> Result<Vec<Signed>, JournalError> {
    let mut found = Vec::new();
    segments.each_block(
        segments.blocks(),
        |block| {
            let mut part = Vec::new();
            segments.lines(block, |_, text, _| {
                if Head::of(text).is_some_and(|head| head.phase == "checkpoint") {
                    part.extend(serde_json::from_slice(text).ok().and_then(|v| recorded(&v)));
                }
            })?;
            Ok(part)
        },
        |part| {
            found.extend(part);
            true
        },
    )?;
    Ok(found)
}

fn recorded(record: &serde_json::Value) -> Option<Signed> {
    let text = |key: &str| record[key].as_str().map(str::to_owned);
    Some(Signed {
        anchor: Anchor {
            host: text("host")?,
            chain: text("chain")?,
            seq: record["covers"].as_u64()?,
            hash: line::unhex(text("head")?.as_bytes())?,
            time: text("at")?,
        },
        signature: text("sig"),
    })
}

impl Signed {
    /// The line that is kept: the anchor's, and the signature after it.
    pub fn line(&self) -> String {
        let anchor = self.anchor.line();
        match &self.signature {
            Some(signature) => format!("{anchor} {signature}"),
            None => anchor,
        }
    }

    /// Reads such a line.
    pub fn parse(text: &str) -> Option<Signed> {
        let anchor = Anchor::parse(text)?;
        let (_, rest) = text.split_once(&anchor.time)?;
        let signature = rest.split_ascii_whitespace().next().map(str::to_owned);
        Some(Signed { anchor, signature })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keepers_are_read_from_one_word() {
        let cases = [
            ("file:/mnt/heads", Some(Keeper::File("/mnt/heads".into()))),
            ("/mnt/heads", Some(Keeper::File("/mnt/heads".into()))),
            ("syslog", Some(Keeper::Syslog)),
            (
                "postgres:service=audit",
                Some(Keeper::Postgres("service=audit".into())),
            ),
            (
                "git:/srv/heads,origin",
                Some(Keeper::Git {
                    repository: "/srv/heads".into(),
                    remote: Some("origin".into()),
                }),
            ),
            ("s3:bucket", None),
            ("file:", None),
            ("heads", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Keeper::parse(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_signed_line_reads_back() {
        let anchor = Anchor {
            host: "h".to_owned(),
            chain: "c".to_owned(),
            seq: 7,
            hash: [9; 32],
            time: "2026-08-22T09:31:07Z".to_owned(),
        };
        for signature in [None, Some("U1NIU0lH/+=".to_owned())] {
            let signed = Signed {
                anchor: anchor.clone(),
                signature,
            };
            assert_eq!(Signed::parse(&signed.line()), Some(signed));
        }
    }
}
