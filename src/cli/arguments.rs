//! tagout's own words. `run` and `explain` are read by a small parser, because the launch path is hot;
//! whatever it does not take (help, mistakes, other subcommands) goes to the companion, whose
//! definitions must mean the same.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::plan::Request;

/// What is asked of `run` and `explain`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The profile.
    pub profile: Option<String>,
    /// Names to let through.
    pub keep: Vec<String>,
    /// Machine-readable output (`explain`).
    pub json: bool,
    /// List every variable (`explain`).
    pub all: bool,
    /// Ask the framework itself for its connections.
    pub probe: bool,
    /// Leave standard input unread: what it says counts as opaque.
    pub no_spool: bool,
    /// The user's configuration folder, where it is not the usual one.
    pub config: Option<String>,
    /// The descriptor where to tell the caller how it went, as lines of JSON (`run`).
    pub status_fd: Option<i32>,
    /// The descriptor or file where to tell it with the plan (`run`).
    pub json_status: Option<String>,
    /// The wrapped command's name, which may have a profile of its own.
    pub hook: Option<OsString>,
    /// The command.
    pub argv: Vec<OsString>,
}

impl Asked {
    /// The part that `plan()` judges.
    pub fn request(&self) -> Request {
        Request {
            profile: self.profile.clone(),
            keep: self.keep.clone(),
            argv: self.argv.clone(),
        }
    }
}

/// The two subcommands that take a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Start it.
    Run,
    /// Say what would happen.
    Explain,
}

/// Reads `run ...` and `explain ...`; `None` for all that is not right.
pub fn read(args: &[OsString]) -> Option<(Verb, Asked)> {
    let verb = match args.get(1)?.to_str()? {
        "run" => Verb::Run,
        "explain" => Verb::Explain,
        _ => return None,
    };
    let mut asked = Asked::default();
    let mut rest = args.get(2..)?.iter();
    while let Some(word) = rest.next() {
        let option = word.as_bytes().starts_with(b"-") && word != "-";
        if !option {
            asked.argv = std::iter::once(word).chain(rest).cloned().collect();
            break;
        }
        if word == "--" {
            asked.argv = rest.cloned().collect();
            break;
        }
        take(&mut asked, verb, word, &mut rest)?;
    }
    asked.argv.first()?;
    let exact = asked.keep.iter().all(|k| !k.is_empty() && !k.contains('='));
    exact.then_some((verb, asked))
}

/// Takes one option, and the next word where that is its value.
fn take<'a>(
    asked: &mut Asked,
    verb: Verb,
    word: &OsStr,
    rest: &mut impl Iterator<Item = &'a OsString>,
) -> Option<()> {
    let (name, attached) = parts(word)?;
    let run = verb == Verb::Run;
    match (name, attached) {
        ("-p" | "--profile", attached) => once(&mut asked.profile, text(attached, rest)?),
        ("--keep", attached) => {
            asked.keep.push(text(attached, rest)?);
            Some(())
        }
        ("--config", attached) => once(&mut asked.config, text(attached, rest)?),
        ("--hook", attached) => once(&mut asked.hook, value(attached, rest)?),
        ("--status-fd", attached) if run => {
            once(&mut asked.status_fd, text(attached, rest)?.parse().ok()?)
        }
        ("--json-status", attached) if run => once(&mut asked.json_status, text(attached, rest)?),
        ("--probe", None) => flag(&mut asked.probe),
        ("--no-spool", None) => flag(&mut asked.no_spool),
        ("--json", None) if !run => flag(&mut asked.json),
        ("--all", None) if !run => flag(&mut asked.all),
        _ => None,
    }
}

/// An option's name and the value in the same word.
fn parts(word: &OsStr) -> Option<(&str, Option<OsString>)> {
    let bytes = word.as_bytes();
    if let Some(value) = bytes.strip_prefix(b"-p").filter(|v| !v.is_empty()) {
        let value = value.strip_prefix(b"=").unwrap_or(value);
        return Some(("-p", Some(OsStr::from_bytes(value).to_owned())));
    }
    match bytes.iter().position(|b| *b == b'=') {
        Some(at) if bytes.starts_with(b"--") => {
            let value = OsStr::from_bytes(bytes.get(at + 1..)?);
            Some((
                str::from_utf8(bytes.get(..at)?).ok()?,
                Some(value.to_owned()),
            ))
        }
        _ => Some((word.to_str()?, None)),
    }
}

/// What may be given once.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.is_none().then(|| *place = Some(value))
}

fn flag(place: &mut bool) -> Option<()> {
    (!*place).then(|| *place = true)
}

/// `--keep -- true` misses a value.
fn value<'a>(
    attached: Option<OsString>,
    rest: &mut impl Iterator<Item = &'a OsString>,
) -> Option<OsString> {
    let is_value = |w: &&OsString| !w.as_bytes().starts_with(b"-") || *w == "-";
    attached.or_else(|| rest.next().filter(is_value).cloned())
}

fn text<'a>(
    attached: Option<OsString>,
    rest: &mut impl Iterator<Item = &'a OsString>,
) -> Option<String> {
    value(attached, rest)?.into_string().ok()
}
