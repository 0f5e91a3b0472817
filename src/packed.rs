//! Reads what `build.rs` packed of `profiles/`: the two must agree, and no input but theirs comes
//! here. A number is its seven-bit groups, low one first; a text is twice its length and its bytes,
//! or twice a place and one where several share it; a list is its length and its items.

/// What is left to read of a packed whole.
pub(crate) struct Packed {
    pub(crate) left: &'static [u8],
    whole: &'static [u8],
    pairs: &'static [[u8; 2]],
}

impl Packed {
    /// What was packed from `start` on, with the pairs that bytes from 128 on stand for in its texts.
    pub(crate) fn at(whole: &'static [u8], pairs: &'static [[u8; 2]], start: usize) -> Self {
        let left = whole.get(start..).unwrap_or_default();
        Packed { left, whole, pairs }
    }

    fn bytes(&mut self, count: usize) -> &'static [u8] {
        let (taken, left) = self.left.split_at_checked(count).unwrap_or_default();
        self.left = left;
        taken
    }

    pub(crate) fn number(&mut self) -> usize {
        let (mut number, mut shift) = (0, 0);
        while let [byte] = self.bytes(1) {
            number |= usize::from(byte & 0x7f) << (shift & 31);
            shift += 7;
            if *byte < 0x80 {
                break;
            }
        }
        number
    }

    /// A text that stands here, or one at the front that several share.
    pub(crate) fn text(&mut self) -> &'static str {
        let number = self.number();
        if number % 2 == 1 {
            return Packed::at(self.whole, self.pairs, number / 2).text();
        }
        let bytes = self.bytes(number / 2);
        if self.pairs.is_empty() || bytes.is_ascii() {
            return std::str::from_utf8(bytes).unwrap_or_default();
        }
        let mut text = String::with_capacity(bytes.len() * 4);
        for byte in bytes {
            self.spell(*byte, &mut text);
        }
        text.leak()
    }

    fn spell(&self, byte: u8, text: &mut String) {
        match self.pairs.get(usize::from(byte.wrapping_sub(0x80))) {
            Some([first, second]) if byte >= 0x80 => {
                self.spell(*first, text);
                self.spell(*second, text);
            }
            _ => text.push(char::from(byte)),
        }
    }

    /// A list; it lives as long as the process, as what it belongs to does.
    pub(crate) fn list<T>(&mut self, item: impl Fn(&mut Self) -> T) -> &'static [T] {
        let count = self.number();
        Vec::leak((0..count).map(|_| item(self)).collect())
    }

    pub(crate) fn texts(&mut self) -> &'static [&'static str] {
        self.list(Self::text)
    }
}
