//! Text that others wrote, made safe for a terminal: nothing in it can move the cursor, change a
//! colour, set a title, or turn the direction of reading.

use std::borrow::Cow;

/// The text with control and direction characters shown as escapes (`\u{1b}`); newlines too.
pub fn line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_unsafe(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Marks, embeddings, overrides and isolates of direction.
            '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Line and paragraph separators, invisible tags, byte order mark.
            | '\u{2028}' | '\u{2029}' | '\u{e0000}'..='\u{e007f}' | '\u{feff}')
}

/// The same JSON without characters that a terminal may obey: the lower ones cannot stand in JSON.
pub fn json(text: &str) -> Cow<'_, str> {
    let is_unsafe = |c: char| !c.is_ascii_whitespace() && is_unsafe(c);
    if text.is_ascii() || !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match is_unsafe(c) {
            true => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// A text as a word that a shell would read back as this text.
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,*".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", line(text).replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        let cases = [
            ("plain ä €", "plain ä €"),
            ("\u{1b}[2J\u{7}", "\\u{1b}[2J\\u{7}"),
            ("a\nb\r", "a\\nb\\r"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("x\u{202e}y", "x\\u{202e}y"),
        ];
        for (text, expected) in cases {
            assert_eq!(line(text), expected);
        }
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        let text = "{\"a\": \"ä\u{9b}\u{202e}\u{e0001}\"}\n";
        let shown = json(text);
        assert_eq!(shown, "{\"a\": \"ä\\u009b\\u202e\\udb40\\udc01\"}\n");
        let value: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(
            value,
            serde_json::from_str::<serde_json::Value>(text).unwrap()
        );
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_left(text: String) {
            prop_assert!(!line(&text).chars().any(is_unsafe));
        }
    }
}
