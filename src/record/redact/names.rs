//! Names that say that their value is a secret.

use super::{Mark, Rule};

/// Parts of names, lower case, dashes and dots as underscores; sorted.
const PARTS: [&str; 26] = [
    "access_key",
    "accesskey",
    "account_key",
    "accountkey",
    "api_key",
    "apikey",
    "app_key",
    "auth",
    "bearer",
    "cookie",
    "credential",
    "dsn",
    "encryption_key",
    "master_key",
    "mysql_pwd",
    "passphrase",
    "passwd",
    "password",
    "private_key",
    "privatekey",
    "salt",
    "secret",
    "session",
    "signature",
    "signing_key",
    "token",
];

/// For each letter where its parts begin in [`PARTS`], so that a name is compared with a few.
const STARTS: [u8; 27] = {
    let mut starts = [0; 27];
    let mut letter = 0;
    while letter < 27 {
        let mut at = 0;
        while at < PARTS.len() && PARTS[at].as_bytes()[0] < b'a' + letter as u8 {
            at += 1;
        }
        starts[letter] = at as u8;
        letter += 1;
    }
    starts
};

/// Whole words of names; [`is_secret`] knows their first letters.
const WORDS: [&str; 7] = [
    "pass",
    "pwd",
    "passin",
    "passout",
    "storepass",
    "keypass",
    "pat",
];

/// Words that hold a part but are harmless; [`is_secret`] knows their first letters.
const HARMLESS: [&str; 4] = ["author", "authors", "authority", "tokenizer"];

/// Whether a variable, option or key of that name holds a secret.
pub fn is_secret(name: &str) -> bool {
    let mut folded: Vec<u8> = name.bytes().map(folded).collect();
    let mut harmless = false;
    for word in words(&folded) {
        match word.first() {
            Some(b'p' | b's' | b'k') if WORDS.iter().any(|known| known.as_bytes() == word) => {
                return true;
            }
            Some(b'a' | b't') => harmless |= is_harmless(word),
            _ => {}
        }
    }
    if harmless {
        // `GIT_AUTHOR_NAME` is none; `AUTHOR_TOKEN` is one.
        let kept: Vec<&[u8]> = words(&folded).filter(|word| !is_harmless(word)).collect();
        folded = kept.join(&b'_');
    }
    holds_part(&folded)
}

fn folded(byte: u8) -> u8 {
    match byte {
        b'-' | b'.' | b' ' => b'_',
        byte => byte.to_ascii_lowercase(),
    }
}

fn words(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    name.split(|byte| matches!(byte, b'_' | b'[' | b']'))
}

fn is_harmless(word: &[u8]) -> bool {
    HARMLESS.iter().any(|known| known.as_bytes() == word)
}

/// Whether a part stands anywhere in the name. Names are short and every variable's is asked: a
/// searcher for each part would cost more than the search.
fn holds_part(name: &[u8]) -> bool {
    name.iter().enumerate().any(|(at, byte)| {
        let letter = usize::from(byte.wrapping_sub(b'a'));
        let (Some(from), Some(to)) = (STARTS.get(letter), STARTS.get(letter + 1)) else {
            return false;
        };
        let rest = name.get(at..).unwrap_or_default();
        let parts = PARTS.get(usize::from(*from)..usize::from(*to));
        from < to
            && parts
                .unwrap_or_default()
                .iter()
                .any(|part| rest.starts_with(part.as_bytes()))
    })
}

/// Every value in `text` that stands after a secret name and `=` or `:`.
pub(super) fn marks(text: &str) -> Vec<Mark> {
    let bytes = text.as_bytes();
    let mut marks: Vec<Mark> = Vec::new();
    for (at, separator) in text.match_indices(['=', ':']) {
        if marks.last().is_some_and(|(range, _)| range.contains(&at)) {
            continue;
        }
        let Some(start) = key_start(bytes, at) else {
            continue;
        };
        let key = text.get(start..at).unwrap_or_default();
        let key = key.trim_end_matches(['"', '\'', ' ', '\\']);
        if !is_secret(key) {
            continue;
        }
        // `--password=...` and `PASSWORD=...` own the whole rest of their word.
        let leads = bytes
            .get(..start)
            .is_some_and(|b| b.iter().all(|b| *b == b'-'));
        let range = value(text, at + 1, leads, separator == ":");
        if !range.is_empty() {
            marks.push((range, Rule::Name));
        }
    }
    marks.extend(sql_literals(text));
    marks
}

/// The literals of an SQL text that sets a password (`ALTER USER ... PASSWORD 'x'`,
/// `IDENTIFIED BY 'x'`, `SET PASSWORD FOR u = 'x'`): all of them, whichever it is.
fn sql_literals(text: &str) -> Vec<Mark> {
    let folded = text.to_ascii_lowercase();
    let sets = ["alter ", "create ", "set ", "grant "];
    let secret = folded.contains("password") || folded.contains("identified");
    if !secret || !sets.iter().any(|word| folded.contains(word)) {
        return Vec::new();
    }
    let mut marks = Vec::new();
    let mut from = 0;
    while let Some(at) = text
        .get(from..)
        .and_then(|rest| rest.find(['\'', '"', '$']))
    {
        let start = from + at;
        let rest = text.get(start..).unwrap_or_default();
        let length = match rest.chars().next() {
            Some('$') => dollar_quoted(rest),
            Some(quote) => Some(quoted(rest, quote)),
            None => None,
        };
        from = start + length.unwrap_or(1);
        marks.extend(length.map(|_| (start..from, Rule::Name)));
    }
    marks
}

/// Length of `$tag$...$tag$` at the start of `text`; all of it where it does not end.
fn dollar_quoted(text: &str) -> Option<usize> {
    let tag = text.get(1..)?.find('$')? + 2;
    let mark = text.get(..tag)?;
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    if !mark.trim_matches('$').chars().all(is_name) {
        return None;
    }
    let end = text.get(tag..)?.find(mark);
    Some(end.map_or(text.len(), |end| tag + end + tag))
}

/// Where the key before a separator begins.
fn key_start(bytes: &[u8], separator: usize) -> Option<usize> {
    let before = bytes.get(..separator)?;
    let is_key =
        |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'[' | b']');
    let closing = before
        .iter()
        .rev()
        .take_while(|b| matches!(b, b'"' | b'\'' | b' ' | b'\\'))
        .count();
    let end = separator - closing;
    let length = before
        .get(..end)?
        .iter()
        .rev()
        .take(128)
        .take_while(|b| is_key(b))
        .count();
    (length > 0).then_some(end - length)
}

/// The value that begins at `from`, after blanks.
fn value(text: &str, from: usize, leads: bool, is_colon: bool) -> std::ops::Range<usize> {
    let rest = text.get(from..).unwrap_or_default();
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let is_json = text.starts_with(['{', '[']);
    let start = from + if is_colon || !leads { blanks } else { 0 };
    let value = text.get(start..).unwrap_or_default();
    if leads && !is_json {
        return start..text.len();
    }
    let open = value.trim_start_matches('\\');
    if let Some(quote) = open.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let skipped = value.len() - open.len();
        return start..start + skipped + quoted(open, quote);
    }
    let ends = |c: char| match c {
        '\n' | '\r' => true,
        '&' | '"' | '\'' => true,
        // A header's value goes to the end of the line.
        c => c.is_whitespace() && (!is_colon || is_json),
    };
    start..start + value.find(ends).unwrap_or(value.len())
}

/// Length of a quoted text at the start of `text`, quotes included; all of it where it does not
/// end.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + c.len_utf8();
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_and_word_is_found_whatever_its_case() {
        for name in PARTS.iter().chain(&WORDS) {
            let loud = format!("x_{}", name.to_ascii_uppercase().replace('_', "-"));
            assert!(is_secret(name) && is_secret(&loud), "{name}");
        }
    }

    #[test]
    fn names_are_judged_by_their_words() {
        let secret = [
            "PGPASSWORD",
            "DB_PASS",
            "MYSQL_PWD",
            "secret_key_base",
            "X-Api-Key",
            "github.token",
            "AUTHOR_TOKEN",
            "AWS_ACCESS_KEY_ID",
            "SENTRY_DSN",
            "db[pass]",
            "Authorization",
        ];
        for name in secret {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "PATH",
            "GIT_AUTHOR_NAME",
            "PASSENGER",
            "COMPASS",
            "KEYBOARD",
            "PATTERN",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
