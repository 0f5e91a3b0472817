//! The members of a record's object, one after the other, without parsing what is not asked for:
//! a journal is counted and shipped by the million.
//!
//! Exact for every valid JSON text, whatever the order of its keys. What is no JSON ends early.

use std::borrow::Cow;

use memchr::memchr2;

use crate::sys::bytes::{WIDTH, bits};

/// A value as it stands in the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Raw<'a> {
    bytes: &'a [u8],
    /// A text with nothing escaped in it.
    is_plain: bool,
}

impl<'a> Raw<'a> {
    /// A whole line, or any other JSON text.
    pub(crate) fn of(text: &'a [u8]) -> Raw<'a> {
        value(text.trim_ascii_start()).map_or(Raw::new(b""), |(raw, _)| raw)
    }

    fn new(bytes: &'a [u8]) -> Raw<'a> {
        Raw {
            bytes,
            is_plain: false,
        }
    }

    /// The text of a JSON text; nothing of anything else.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        match self.is_plain {
            true => std::str::from_utf8(self.inner()).ok().map(Cow::Borrowed),
            false => serde_json::from_slice(self.bytes).ok().map(Cow::Owned),
        }
    }

    fn inner(self) -> &'a [u8] {
        let last = self.bytes.len().saturating_sub(1);
        self.bytes.get(1..last).unwrap_or_default()
    }

    /// A name's bytes, for a match. Names of ours have nothing escaped in them.
    pub(crate) fn name(self) -> &'a [u8] {
        self.inner()
    }

    /// Whether it is this text.
    fn is(self, text: &str) -> bool {
        match self.is_plain {
            true => self.inner() == text.as_bytes(),
            false => self.text().is_some_and(|own| own == text),
        }
    }

    /// The digits of a number without sign or fraction.
    pub(crate) fn number(self) -> Option<u64> {
        std::str::from_utf8(self.bytes).ok()?.parse().ok()
    }

    /// Whether it is `true`.
    pub(crate) fn is_true(self) -> bool {
        self.bytes == b"true"
    }

    /// Whether it is `false`.
    pub(crate) fn is_false(self) -> bool {
        self.bytes == b"false"
    }

    /// Its bytes.
    pub(crate) fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The members of an object; none of anything else.
    pub(crate) fn members(self) -> Members<'a> {
        Members(self.bytes.strip_prefix(b"{").unwrap_or_default())
    }

    /// The items of a list; none of anything else.
    pub(crate) fn items(self) -> Items<'a> {
        Items(self.bytes.strip_prefix(b"[").unwrap_or_default())
    }

    /// The first member of that name.
    pub(crate) fn member(self, name: &str) -> Option<Raw<'a>> {
        let mut members = self.members();
        members
            .find(|(key, _)| key.is(name))
            .map(|(_, value)| value)
    }
}

/// Names and values of an object.
pub(crate) struct Members<'a>(&'a [u8]);

impl<'a> Iterator for Members<'a> {
    type Item = (Raw<'a>, Raw<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, rest) = value(separated(self.0))?;
        let rest = trimmed(trimmed(rest).strip_prefix(b":")?);
        let (value, rest) = value(rest)?;
        self.0 = rest;
        Some((key, value))
    }
}

/// Items of a list.
pub(crate) struct Items<'a>(&'a [u8]);

impl<'a> Iterator for Items<'a> {
    type Item = Raw<'a>;

    fn next(&mut self) -> Option<Raw<'a>> {
        let (item, rest) = value(separated(self.0))?;
        self.0 = rest;
        Some(item)
    }
}

/// Records have no blanks.
fn trimmed(rest: &[u8]) -> &[u8] {
    match rest.first() {
        Some(first) if first.is_ascii_whitespace() => rest.trim_ascii_start(),
        _ => rest,
    }
}

fn separated(rest: &[u8]) -> &[u8] {
    let rest = trimmed(rest);
    rest.strip_prefix(b",").map_or(rest, trimmed)
}

/// The value at the beginning, and what follows it.
fn value(text: &[u8]) -> Option<(Raw<'_>, &[u8])> {
    let (length, is_plain) = match text.first()? {
        b'"' => string(text)?,
        b'{' => (nested(text, b'{', b'}')?, false),
        b'[' => (nested(text, b'[', b']')?, false),
        b'}' | b']' => return None,
        _ => {
            let is_end = |b: &u8| matches!(b, b',' | b'}' | b']') || b.is_ascii_whitespace();
            (text.iter().position(is_end).unwrap_or(text.len()), false)
        }
    };
    let (bytes, rest) = text.split_at_checked(length)?;
    Some((Raw { bytes, is_plain }, rest))
}

/// The length of the text that begins here, with both quotation marks, and whether nothing in it
/// is escaped.
fn string(text: &[u8]) -> Option<(usize, bool)> {
    let (mut at, mut is_plain) = (1, true);
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        if text.get(at) == Some(&b'"') {
            return Some((at + 1, is_plain));
        }
        (at, is_plain) = (at + 2, false);
    }
}

/// The length of the object or list that begins here. Brackets of the other kind are balanced
/// inside: they need not be counted. A bit stands for a byte.
fn nested(text: &[u8], open: u8, close: u8) -> Option<usize> {
    let (mut depth, mut in_text, mut escapes) = (0, 0, false);
    let (wholes, rest) = text.as_chunks::<WIDTH>();
    let mut last = [0; WIDTH];
    last.get_mut(..rest.len())?.copy_from_slice(rest);
    for (index, chunk) in wholes.iter().chain([&last]).enumerate() {
        let quotes = bits(chunk, b'"') & !escaped(bits(chunk, b'\\'), &mut escapes);
        let texts = within(quotes) ^ in_text;
        // All ones where the chunk ends inside a text.
        in_text = ((texts as i64) >> 63) as u64;
        let opens = bits(chunk, open) & !texts;
        let mut closes = bits(chunk, close) & !texts;
        if closes.count_ones() < depth {
            depth = depth + opens.count_ones() - closes.count_ones();
            continue;
        }
        let (mut left, mut seen) = (opens, depth);
        while closes != 0 {
            let before = (closes & closes.wrapping_neg()) - 1;
            seen += (left & before).count_ones();
            left &= !before;
            seen = seen.checked_sub(1)?;
            if seen == 0 {
                return Some(index * WIDTH + closes.trailing_zeros() as usize + 1);
            }
            closes &= closes - 1;
        }
        depth = seen + left.count_ones();
    }
    None
}

/// The bytes that a backslash stands before which is not escaped itself.
fn escaped(mut backslashes: u64, from_before: &mut bool) -> u64 {
    let mut escaped = u64::from(*from_before);
    *from_before = false;
    backslashes &= !escaped;
    while backslashes != 0 {
        let first = backslashes & backslashes.wrapping_neg();
        *from_before = first >> 63 == 1;
        escaped |= first << 1;
        backslashes &= !(first | first << 1);
    }
    escaped
}

/// The bytes between a quotation mark, this one too, and the next.
fn within(quotes: u64) -> u64 {
    [1, 2, 4, 8, 16, 32]
        .into_iter()
        .fold(quotes, |bits, by| bits ^ bits << by)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// The same value by the walker alone.
    fn walked(raw: Raw<'_>) -> Value {
        match raw.bytes().first() {
            Some(b'{') => {
                let members = raw
                    .members()
                    .map(|(k, v)| (k.text().unwrap().into_owned(), walked(v)));
                Value::Object(members.collect())
            }
            Some(b'[') => raw.items().map(walked).collect(),
            Some(b'"') => Value::from(raw.text().unwrap().into_owned()),
            _ => serde_json::from_slice(raw.bytes()).unwrap(),
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[\\\\\"\\[\\]{}:,]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a\"\\\\{]{0,3}", inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_json_text_reads_as_it_is(value in any_json(), pretty: bool) {
            let text = match pretty {
                true => serde_json::to_string_pretty(&value).unwrap(),
                false => value.to_string(),
            };
            prop_assert_eq!(walked(Raw::of(text.as_bytes())), value);
        }

        #[test]
        fn no_bytes_make_it_panic(text in "[\\[\\]{}\",:\\\\a1 ]{0,40}") {
            let raw = Raw::of(text.as_bytes());
            prop_assert!(raw.members().count() + raw.items().count() <= text.len());
        }
    }

    #[test]
    fn members_are_found_by_name() {
        let line = json!({"a": {"b": [1, "x\"y"]}, "n": 7, "t": true}).to_string();
        let raw = Raw::of(line.as_bytes());
        let items: Vec<_> = raw
            .member("a")
            .unwrap()
            .member("b")
            .unwrap()
            .items()
            .collect();
        assert_eq!(items[1].text().unwrap(), "x\"y");
        assert_eq!(raw.member("n").and_then(Raw::number), Some(7));
        assert!(raw.member("t").is_some_and(Raw::is_true));
        assert_eq!(raw.member("b"), None);
    }
}
