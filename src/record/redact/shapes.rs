//! Tokens of known shapes: a fixed beginning, an alphabet and a least length.

use super::{Mark, Rule};

#[derive(Clone, Copy)]
enum Alphabet {
    /// Letters and digits.
    Plain,
    /// Upper-case letters and digits.
    Upper,
    /// Letters, digits, `_` and `-`.
    Word,
    /// Letters, digits, `_`, `-`, `/` and `.`.
    Path,
}

impl Alphabet {
    fn has(self, byte: u8) -> bool {
        match self {
            Alphabet::Plain => byte.is_ascii_alphanumeric(),
            Alphabet::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Alphabet::Word => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Alphabet::Path => {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'/' | b'.')
            }
        }
    }
}

/// Beginning, alphabet and least length of what follows.
const SHAPES: [(&str, Alphabet, usize); 33] = [
    ("AKIA", Alphabet::Upper, 16),
    ("ASIA", Alphabet::Upper, 16),
    ("ghp_", Alphabet::Plain, 30),
    ("gho_", Alphabet::Plain, 30),
    ("ghu_", Alphabet::Plain, 30),
    ("ghs_", Alphabet::Plain, 30),
    ("ghr_", Alphabet::Plain, 30),
    ("github_pat_", Alphabet::Word, 40),
    ("glpat-", Alphabet::Word, 20),
    ("glrt-", Alphabet::Word, 20),
    ("xoxb-", Alphabet::Word, 10),
    ("xoxa-", Alphabet::Word, 10),
    ("xoxp-", Alphabet::Word, 10),
    ("xoxs-", Alphabet::Word, 10),
    ("xapp-", Alphabet::Word, 10),
    ("sk_live_", Alphabet::Plain, 10),
    ("sk_test_", Alphabet::Plain, 10),
    ("rk_live_", Alphabet::Plain, 10),
    ("whsec_", Alphabet::Word, 16),
    ("sk-ant-", Alphabet::Word, 20),
    ("sk-proj-", Alphabet::Word, 20),
    ("AIza", Alphabet::Word, 35),
    ("ya29.", Alphabet::Word, 20),
    ("npm_", Alphabet::Plain, 36),
    ("pypi-", Alphabet::Word, 16),
    ("dop_v1_", Alphabet::Plain, 60),
    ("SG.", Alphabet::Path, 40),
    ("hvs.", Alphabet::Word, 20),
    ("shpat_", Alphabet::Plain, 32),
    ("hooks.slack.com/services/", Alphabet::Path, 10),
    ("discord.com/api/webhooks/", Alphabet::Path, 20),
    ("discordapp.com/api/webhooks/", Alphabet::Path, 20),
    ("AGE-SECRET-KEY-1", Alphabet::Upper, 50),
];

/// No token is shorter.
const SHORTEST: usize = 15;

/// Every token of a known shape in `text`.
pub(super) fn marks(text: &str) -> Vec<Mark> {
    let mut marks = Vec::new();
    if text.len() < SHORTEST {
        return marks;
    }
    for (prefix, alphabet, least) in SHAPES {
        each(
            text,
            prefix,
            |start| {
                let tail = text.as_bytes().get(start + prefix.len()..)?;
                let length = tail.iter().take_while(|b| alphabet.has(**b)).count();
                (length >= least).then_some(start + prefix.len() + length)
            },
            &mut marks,
        );
    }
    each(text, "eyJ", |start| json_web_token(text, start), &mut marks);
    each(
        text,
        "-----BEGIN ",
        |start| private_key(text, start),
        &mut marks,
    );
    marks
}

fn each(text: &str, prefix: &str, end: impl Fn(usize) -> Option<usize>, marks: &mut Vec<Mark>) {
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(prefix)) {
        let start = from + at;
        from = start + prefix.len();
        let before = text.as_bytes().get(start.wrapping_sub(1));
        if before.is_some_and(u8::is_ascii_alphanumeric) {
            continue;
        }
        if let Some(end) = end(start) {
            marks.push((start..end, Rule::Shape));
            from = end;
        }
    }
}

/// Three parts of base64url with dots between; a signature may be empty.
fn json_web_token(text: &str, start: usize) -> Option<usize> {
    let tail = text.as_bytes().get(start..)?;
    let length = tail
        .iter()
        .take_while(|b| Alphabet::Word.has(**b) || **b == b'.')
        .count();
    let token = tail.get(..length)?;
    let dots = token.iter().filter(|b| **b == b'.').count();
    (dots >= 2 && length >= 30).then_some(start + length)
}

fn private_key(text: &str, start: usize) -> Option<usize> {
    let tail = text.get(start..)?;
    let head = tail.get(11..)?.find("-----").map(|at| at + 11)?;
    tail.get(..head)?.ends_with("PRIVATE KEY").then_some(())?;
    let end = tail.find("-----END ").unwrap_or(tail.len());
    let rest = tail.get(end + 9..).unwrap_or_default();
    let close = rest.find("-----").map(|at| end + 9 + at + 5);
    Some(start + close.unwrap_or(tail.len()))
}

#[cfg(test)]
mod tests {
    use super::super::Redactor;

    #[test]
    fn keys_and_tokens_are_found_in_the_middle_of_texts() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl";
        let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----";
        let cases = [
            (format!("a {token} b"), "a **** b"),
            (format!("a {key} b"), "a **** b"),
            ("-----BEGIN RSA PRIVATE KEY-----\nAAAA".to_owned(), "****"),
            (
                "-----BEGIN CERTIFICATE-----".to_owned(),
                "-----BEGIN CERTIFICATE-----",
            ),
            (
                "https://hooks.slack.com/services/T0/B0/XXXXXXXX".to_owned(),
                "https://****",
            ),
            ("npm_config_cache".to_owned(), "npm_config_cache"),
            ("MAKIAIOSFODNN7EXAMPLE".to_owned(), "MAKIAIOSFODNN7EXAMPLE"),
        ];
        for (text, expected) in cases {
            assert_eq!(Redactor::new().text(&text), expected, "{text}");
        }
    }
}
