//! What known programs take as a password, also inside the texts that shells are given.

use super::names::is_secret;
use super::split::split;
use super::{Mark, Rule};

/// How deep shell texts are followed into shell texts.
const MAX_DEPTH: usize = 4;

/// How a program takes secrets.
struct Secrets {
    programs: &'static [&'static str],
    /// Letters of single-dash options without value that may stand before the secret's letter.
    flags: &'static str,
    /// Options whose attached rest is a secret (`-pX`).
    attached: &'static [char],
    /// Options whose next word is a secret (`-a X`).
    next: &'static [&'static str],
    /// Options whose next word is `user:secret`.
    pair: &'static [&'static str],
    /// Options that look like a secret's but take no next word.
    alone: &'static [&'static str],
    /// Operands are `user/secret@where`.
    slash: bool,
    /// Operands behind which everything is or may be a secret, whatever their case.
    after: &'static [&'static str],
}

const NONE: Secrets = Secrets {
    programs: &[],
    flags: "",
    attached: &[],
    next: &[],
    pair: &[],
    alone: &[],
    slash: false,
    after: &[],
};

static TABLE: [Secrets; 13] = [
    Secrets {
        programs: &[
            "mysql",
            "mariadb",
            "mysqldump",
            "mariadb-dump",
            "mysqladmin",
            "mariadb-admin",
            "mysqlimport",
            "mariadb-import",
            "mysqlcheck",
            "mariadb-check",
            "mysqlshow",
            "mariadb-show",
            "mysqlslap",
            "mysqlbinlog",
            "mariadb-binlog",
            "mysqlpump",
            "mysql_upgrade",
            "mysqlsh",
            "mariabackup",
            "xtrabackup",
        ],
        flags: "ABbCcEfGgHIiJjLNnOoqrsTtUVvwWX#",
        attached: &['p'],
        alone: &[
            "--password",
            "-p",
            "--password1",
            "--password2",
            "--password3",
        ],
        ..NONE
    },
    Secrets {
        programs: &["mycli", "mydumper", "myloader", "mytop", "sshpass"],
        attached: &['p'],
        next: &["-p", "-a"],
        ..NONE
    },
    Secrets {
        programs: &[
            "psql",
            "pg_dump",
            "pg_dumpall",
            "pg_restore",
            "createdb",
            "dropdb",
            "createuser",
            "dropuser",
            "vacuumdb",
            "reindexdb",
            "clusterdb",
            "pg_basebackup",
            "pgbench",
        ],
        alone: &["--password", "--pwprompt"],
        ..NONE
    },
    Secrets {
        programs: &["redis-cli", "valkey-cli", "keydb-cli", "redis-benchmark"],
        next: &["-a", "--pass"],
        after: &["AUTH", "AUTH2", "REQUIREPASS", "MASTERAUTH", "SETUSER"],
        ..NONE
    },
    Secrets {
        programs: &[
            "mongosh",
            "mongo",
            "mongodump",
            "mongorestore",
            "mongoexport",
            "mongoimport",
            "mongofiles",
            "mongostat",
            "mongotop",
        ],
        attached: &['p'],
        next: &["-p"],
        ..NONE
    },
    Secrets {
        programs: &["sqlcmd", "bcp", "osql", "isql", "tsql", "mssql-cli"],
        attached: &['P'],
        next: &["-P"],
        ..NONE
    },
    Secrets {
        programs: &["curl", "wget", "http", "https", "xh"],
        pair: &["-u", "--user", "-U", "--proxy-user", "-a"],
        next: &["-b"],
        ..NONE
    },
    Secrets {
        programs: &[
            "sqlplus", "sqlldr", "rman", "expdp", "impdp", "exp", "imp", "sql",
        ],
        slash: true,
        ..NONE
    },
    Secrets {
        programs: &["ldapsearch", "ldapmodify", "ldapadd", "ldapdelete"],
        attached: &['w'],
        next: &["-w"],
        ..NONE
    },
    Secrets {
        programs: &["docker", "podman", "nerdctl", "oras", "helm"],
        next: &["--registry-password"],
        after: &["login"],
        alone: &["--password-stdin"],
        ..NONE
    },
    Secrets {
        programs: &["htpasswd"],
        // The command line has a password only with `-b`.
        after: &[
            "-b", "-nb", "-bn", "-bB", "-Bb", "-nbB", "-bnB", "-nbm", "-cb", "-bc",
        ],
        ..NONE
    },
    Secrets {
        programs: &["openssl", "keytool"],
        next: &["-k", "-K"],
        ..NONE
    },
    Secrets {
        programs: &["zip", "unzip", "7z", "7za"],
        attached: &['P', 'p'],
        next: &["-P"],
        ..NONE
    },
];

/// What the next word is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Nothing,
    Secret(Rule),
    Pair,
}

/// The marks of each word.
pub(super) fn marks(words: &[&str], depth: usize) -> Vec<Vec<Mark>> {
    let mut program: Option<&Secrets> = None;
    let mut next = Next::Nothing;
    let mut hidden = false;
    let mut all = Vec::with_capacity(words.len());
    for word in words {
        let mut marks = Vec::new();
        match next {
            _ if hidden => marks.push((0..word.len(), Rule::Option)),
            Next::Secret(rule) => marks.push((0..word.len(), rule)),
            Next::Pair => marks.extend(after_colon(word, 0)),
            Next::Nothing => {}
        }
        let is_value = next != Next::Nothing;
        next = Next::Nothing;
        if !is_value {
            if let Some(found) = known(word) {
                (program, hidden) = (Some(found), false);
            } else {
                hidden |= program.is_some_and(|p| is_any(p.after, word));
                next = option(word, program, &mut marks);
            }
        }
        if depth < MAX_DEPTH && word.contains(char::is_whitespace) {
            marks.extend(inner(word, depth + 1));
        }
        all.push(marks);
    }
    all
}

fn is_any(of: &[&str], word: &str) -> bool {
    of.iter().any(|known| known.eq_ignore_ascii_case(word))
}

fn known(word: &str) -> Option<&'static Secrets> {
    let name = word.rsplit('/').next().unwrap_or(word);
    TABLE.iter().find(|s| s.programs.contains(&name))
}

/// Judges a word that is no value of the one before.
fn option(word: &str, program: Option<&Secrets>, marks: &mut Vec<Mark>) -> Next {
    let secrets = program.unwrap_or(&NONE);
    if secrets.slash && !word.starts_with('-') {
        marks.extend(after_slash(word));
    }
    // `--user=user:secret`.
    let pair = word
        .split_once('=')
        .filter(|(name, _)| secrets.pair.contains(name));
    if let Some((name, _)) = pair {
        marks.extend(after_colon(word, name.len()));
    }
    if !word.starts_with('-') || word.len() < 2 || word.contains(['=', ' ']) {
        if word.starts_with('-') && !word.starts_with("--") {
            marks.extend(attached(word, secrets));
        }
        return Next::Nothing;
    }
    if secrets.next.contains(&word) {
        return Next::Secret(Rule::Option);
    }
    if secrets.pair.contains(&word) {
        return Next::Pair;
    }
    if secrets.alone.contains(&word) || word.starts_with("--no-") {
        return Next::Nothing;
    }
    if !word.starts_with("--") {
        let found = attached(word, secrets);
        if let Some(mark) = found {
            marks.push(mark);
            return Next::Nothing;
        }
        // curl's `-uuser:secret`.
        let short = word.get(..2).unwrap_or_default();
        if secrets.pair.contains(&short) {
            marks.extend(after_colon(word, 2));
            return Next::Nothing;
        }
    }
    if is_secret(word.trim_start_matches('-')) && word.len() > 2 {
        return Next::Secret(Rule::Name);
    }
    Next::Nothing
}

/// The secret in `-pX` and in a cluster that ends in it (`-NBpX`).
fn attached(word: &str, secrets: &Secrets) -> Option<Mark> {
    for (at, letter) in word.char_indices().skip(1) {
        if secrets.attached.contains(&letter) {
            let start = at + letter.len_utf8();
            return (start < word.len()).then_some((start..word.len(), Rule::Option));
        }
        if !secrets.flags.contains(letter) {
            return None;
        }
    }
    None
}

fn after_colon(word: &str, from: usize) -> Option<Mark> {
    let colon = word.get(from..)?.find(':')? + from;
    (colon + 1 < word.len()).then_some((colon + 1..word.len(), Rule::Option))
}

fn after_slash(word: &str) -> Option<Mark> {
    let slash = word.find('/')?;
    let end = word
        .rfind('@')
        .filter(|at| *at > slash)
        .unwrap_or(word.len());
    (slash + 1 < end).then_some((slash + 1..end, Rule::Option))
}

/// The marks of a word that is a shell text itself.
fn inner(text: &str, depth: usize) -> Vec<Mark> {
    let tokens = split(text);
    let mut marks = Vec::new();
    // Each command of the text starts with no program known.
    let mut rest = tokens.as_slice();
    while let Some((first, tail)) = rest.split_first() {
        let length = 1 + tail.iter().take_while(|t| !t.begins).count();
        let (command, later) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        let _ = first;
        rest = later;
        let words: Vec<&str> = command.iter().map(|t| t.value.as_str()).collect();
        for (token, found) in command.iter().zip(self::marks(&words, depth)) {
            let named = super::names::marks(&token.value);
            for (range, rule) in found.into_iter().chain(named) {
                marks.push((placed(text, token, &range), rule));
            }
        }
    }
    marks
}

/// A part of a word, found again in the text that the word was written as. Where quotes stand
/// before or in it, everything from the first difference to the word's end is taken.
fn placed(
    text: &str,
    token: &super::split::Token,
    range: &std::ops::Range<usize>,
) -> std::ops::Range<usize> {
    let raw = text.get(token.range.clone()).unwrap_or_default();
    if raw == token.value {
        return token.range.start + range.start..token.range.start + range.end;
    }
    let same = raw
        .char_indices()
        .zip(token.value.chars())
        .find(|((_, a), b)| a != b)
        .map_or(raw.len().min(token.value.len()), |((at, _), _)| at);
    // An opening quote at the very start is kept: what stands in it is compared.
    let (skip, same) = match raw.strip_prefix(['\'', '"']) {
        Some(inside) if same == 0 => (1, common(inside, &token.value)),
        _ => (0, same),
    };
    token.range.start + skip + range.start.min(same)..token.range.end
}

fn common(a: &str, b: &str) -> usize {
    a.char_indices()
        .zip(b.chars())
        .find(|((_, x), y)| x != y)
        .map_or(a.len().min(b.len()), |((at, _), _)| at)
}
