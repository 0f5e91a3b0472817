//! Writing JSON in the order of our keys, every text cut to a limit.

use std::io::Write;

/// How much of a record's parts is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Bytes of one text.
    pub(super) text: usize,
    /// Words of a command line.
    pub(super) words: usize,
    /// Names of variables, over all lists.
    pub(super) names: usize,
    /// Elements of any other list.
    pub(super) items: usize,
}

/// From generous to what always fits a record.
pub(super) const LIMITS: [Limits; 5] = [
    Limits {
        text: 1024,
        words: 256,
        names: 512,
        items: 64,
    },
    Limits {
        text: 512,
        words: 64,
        names: 256,
        items: 16,
    },
    Limits {
        text: 192,
        words: 16,
        names: 64,
        items: 6,
    },
    Limits {
        text: 64,
        words: 8,
        names: 8,
        items: 2,
    },
    Limits {
        text: 24,
        words: 4,
        names: 4,
        items: 1,
    },
];

/// Members of an object without its braces, or any JSON value, growing at the end.
pub(super) struct Json {
    out: Vec<u8>,
    pub(super) limits: Limits,
}

impl Json {
    pub(super) fn new(limits: Limits) -> Json {
        Json {
            out: Vec::with_capacity(2048),
            limits,
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// A comma, unless something was just opened.
    fn separate(&mut self) {
        if !matches!(self.out.last(), None | Some(b'{' | b'[' | b':')) {
            self.out.push(b',');
        }
    }

    fn key(&mut self, key: &str) {
        self.separate();
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if key.bytes().all(plain) {
            self.out.push(b'"');
            self.out.extend_from_slice(key.as_bytes());
            self.out.push(b'"');
        } else {
            self.string(key);
        }
        self.out.push(b':');
    }

    fn string(&mut self, text: &str) {
        // Writing to memory does not fail.
        let _ = serde_json::to_writer(&mut self.out, text);
    }

    /// A text as a value: cut at the limit, with the number of bytes it had.
    pub(super) fn value(&mut self, text: &str) {
        self.separate();
        if text.len() <= self.limits.text {
            return self.string(text);
        }
        let end = (0..=self.limits.text)
            .rev()
            .find(|&at| text.is_char_boundary(at));
        let kept = end.and_then(|end| text.get(..end)).unwrap_or_default();
        self.string(&format!("{kept}…[{} bytes]", text.len()));
    }

    pub(super) fn text(&mut self, key: &str, text: &str) {
        self.key(key);
        self.value(text);
    }

    /// Nothing at all where it is absent.
    pub(super) fn optional(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    pub(super) fn number(&mut self, key: &str, number: impl Into<i128>) {
        self.key(key);
        let number = number.into();
        // Wide numbers are slow to write, and there are next to none.
        let _ = match u64::try_from(number) {
            Ok(number) => write!(self.out, "{number}"),
            Err(_) => write!(self.out, "{number}"),
        };
    }

    pub(super) fn optional_number(&mut self, key: &str, number: Option<impl Into<i128>>) {
        if let Some(number) = number {
            self.number(key, number);
        }
    }

    pub(super) fn flag(&mut self, key: &str, value: bool) {
        self.key(key);
        self.out
            .extend_from_slice(if value { b"true" } else { b"false" });
    }

    pub(super) fn object(&mut self, key: &str, write: impl FnOnce(&mut Json)) {
        self.key(key);
        self.braces(write);
    }

    /// An object as an element of a list.
    pub(super) fn braces(&mut self, write: impl FnOnce(&mut Json)) {
        self.separate();
        self.out.push(b'{');
        write(self);
        self.out.push(b'}');
    }

    /// A list of at most `limit` elements; where some are cut, `KEY_count` says how many there
    /// were. Nothing at all where it is empty.
    pub(super) fn list<T>(
        &mut self,
        key: &str,
        items: &[T],
        limit: usize,
        mut write: impl FnMut(&mut Json, &T),
    ) {
        if items.is_empty() {
            return;
        }
        self.key(key);
        self.out.push(b'[');
        items.iter().take(limit).for_each(|item| write(self, item));
        self.out.push(b']');
        if items.len() > limit {
            self.number(&format!("{key}_count"), items.len() as i128);
        }
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, key: &str, items: &[String], limit: usize) {
        self.list(key, items, limit, |json, item| json.value(item));
    }

    /// A pair as an element of a list: `[number, "text"]`.
    pub(super) fn pair(&mut self, number: usize, text: &str) {
        self.separate();
        let _ = write!(self.out, "[{number}");
        self.value(text);
        self.out.push(b']');
    }
}
