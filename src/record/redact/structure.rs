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
        let length = rest.find(ends_url).unwrap_or(rest.len());
        let run = rest.get(..length).unwrap_or_default();
        let scheme = scheme(text.get(..from + at).unwrap_or_default());
        if let Some((start, end)) = password(run, scheme) {
            marks.push((begin + start..begin + end, Rule::Structure));
        }
        from = begin;
    }
    marks.extend(go_dsn(text));
    marks
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
    match authority.find(':') {
        Some(colon) if colon < last => Some((colon + 1, last)),
        Some(_) => None,
        None if authority.contains('@') => {
            let end = authority.rfind('@')?;
            TOKEN_SCHEMES.contains(&scheme).then_some((0, end))
        }
        None => None,
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
    let start = before.rfind(ends_url).map_or(0, |p| p + 1);
    let colon = before.get(start..)?.find(':')? + start;
    Some((colon + 1..at, Rule::Structure))
}
