//! Passwords in URLs and DSNs.

use super::{Mark, Rule};

/// Schemes whose user part alone is a secret more often than a name.
const TOKEN_SCHEMES: [&str; 5] = ["http", "https", "git", "git+https", "ws"];

/// A text with more URLs than this is replaced from there on.
const MAX_URLS: usize = 64;

/// Every password in the URLs of `text`.
pub(super) fn marks(text: &str) -> Vec<Mark> {
    let mut marks = Vec::new();
    // Every variable's value comes by: most have none.
    if !text.contains('@') {
        return marks;
    }
    let mut from = 0;
    let mut found = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find("://")) {
        let begin = from + at + 3;
        found += 1;
        if found > MAX_URLS {
            marks.push((begin..text.len(), Rule::Structure));
            break;
        }
        let rest = text.get(begin..).unwrap_or_default();
        let blank = rest.find(ends_url).unwrap_or(rest.len());
        // A word that is a URL may have a password with a blank in it.
        let is_cut = |run: &str| run.contains(':') && !run.contains(['@', '/']);
        let length = match rest.get(..blank) {
            Some(run) if is_cut(run) && is_word(text, from + at) => rest.len(),
            _ => blank,
        };
        let run = rest.get(..length).unwrap_or_default();
        let scheme = scheme(text.get(..from + at).unwrap_or_default());
        if let Some((start, end)) = password(run, scheme) {
            marks.push((begin + start..begin + end, Rule::Structure));
        }
        from = begin;
    }
    marks.extend(go_dsn(text));
    marks.extend(oracle(text));
    marks
}

/// `jdbc:oracle:thin:user/password@where`.
fn oracle(text: &str) -> Option<Mark> {
    let at = text.find("jdbc:oracle:")?;
    let rest = text.get(at..)?;
    let end = at + rest.find(ends_url).unwrap_or(rest.len());
    let before = text.get(at..end)?.find('@')? + at;
    let slash = text.get(at..before)?.find('/')? + at;
    Some((slash + 1..before, Rule::Structure))
}

/// Whether a text begins with the scheme that ends there.
fn is_word(text: &str, end: usize) -> bool {
    let scheme = text.get(..end).unwrap_or_default();
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.' | b':'))
}

fn ends_url(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>')
}

fn scheme(before: &str) -> &str {
    let start = before
        .rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')))
        .map_or(0, |at| {
            at + before[at..].chars().next().map_or(1, char::len_utf8)
        });
    before.get(start..).unwrap_or_default()
}

/// Where the password stands in what follows `://`. Where the end of the authority is in doubt
/// (a password with an unescaped `/` or `@`), everything up to the last `@` is taken.
fn password(run: &str, scheme: &str) -> Option<(usize, usize)> {
    let authority_end = run.find(['/', '?', '#']).unwrap_or(run.len());
    let authority = run.get(..authority_end)?;
    let last = run.rfind('@')?;
    let colon = authority.find(':').filter(|colon| *colon < last);
    let is_token = TOKEN_SCHEMES.contains(&scheme.to_ascii_lowercase().as_str());
    if let Some(colon) = colon {
        return Some((if is_token { 0 } else { colon + 1 }, last));
    }
    let (first, end) = (authority.find('@')?, authority.rfind('@')?);
    match (is_token, first < end) {
        (true, _) => Some((0, end)),
        // `user@part-of-a-password@host`: what stands between is no host.
        (false, true) => Some((first + 1, end)),
        (false, false) => None,
    }
}

/// `user:password@tcp(host:port)/database`, as Go's MySQL driver takes it.
fn go_dsn(text: &str) -> Option<Mark> {
    if !text.contains('@') {
        return None;
    }
    let at = ["@tcp(", "@unix(", "@tcp6(", "@("]
        .iter()
        .filter_map(|mark| text.rfind(mark))
        .max()?;
    let before = text.get(..at)?;
    let mut start = before.rfind(ends_url).map_or(0, |p| p + 1);
    // A socket as a target of ours is written, `postgres://app@(/run/postgresql:5432)/shop`: there
    // the first colon is the scheme's.
    let behind = text.get(at..)?;
    if behind.starts_with("@(/") || behind.starts_with("@(default socket") {
        start += before.get(start..)?.find("://").map_or(0, |p| p + 3);
    }
    let colon = before.get(start..)?.find(':')? + start;
    Some((colon + 1..at, Rule::Structure))
}
