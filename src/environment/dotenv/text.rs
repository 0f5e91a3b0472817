//! What the readers share: character classes of the languages they are written in, line numbers,
//! and the mark that stands for text nobody can know.

use super::{Entry, Process};

/// Stands in a value for text that only running a command would give. A noncharacter: a file that
/// holds it is unknown too, which is the safe side.
pub(super) const MARK: char = '\u{10FFFE}';

/// JavaScript's `\s`, which is also what `trim` removes.
pub(super) fn js_space(c: char) -> bool {
    matches!(c, '\t'..='\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}'
        | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}')
}

/// Python's `\s` on text, which is also what `strip` removes.
pub(super) fn python_space(c: char) -> bool {
    matches!(c, '\t'..='\r' | '\u{1c}'..='\u{20}' | '\u{85}' | '\u{a0}' | '\u{1680}'
        | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

/// Ruby's `\s`.
pub(super) fn ruby_space(c: char) -> bool {
    matches!(c, '\t'..='\r' | ' ')
}

/// Blanks of Go's dotenv readers: no line feed.
pub(super) fn go_blank(c: char) -> bool {
    matches!(
        c,
        '\t' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{85}' | '\u{a0}'
    )
}

/// A letter, digit or underscore of ASCII.
pub(super) fn word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Counts lines as a reader moves forward.
pub(super) struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Lines {
            text,
            at: 0,
            line: 1,
        }
    }

    /// The line of that offset; offsets must not go backwards.
    pub(super) fn of(&mut self, offset: usize) -> usize {
        if let Some(passed) = self.text.get(self.at..offset) {
            self.line += passed.matches('\n').count();
            self.at = offset;
        }
        self.line
    }
}

/// `\r\n` and `\r` as `\n`.
pub(super) fn unify_newlines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// The text without a leading byte order mark.
pub(super) fn without_bom(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Values longer than this are put into no other: some lines that double each other's values grow
/// past all memory.
pub(super) const MAX_HELD: usize = 8 << 10;

/// The last value that the entries so far give to a name.
pub(super) fn held<'a>(entries: &'a [Entry], name: &str) -> Option<&'a Entry> {
    static ENDLESS: std::sync::LazyLock<Entry> =
        std::sync::LazyLock::new(|| Entry::new(String::new(), Some(MARK.to_string()), 0));
    let entry = entries.iter().rev().find(|e| e.name == name)?;
    let is_long = entry.value.as_ref().is_some_and(|v| v.len() > MAX_HELD);
    Some(if is_long { &ENDLESS } else { entry })
}

/// Turns entries whose value holds the mark into unknown ones.
pub(super) fn own_up(mut entries: Vec<Entry>) -> Vec<Entry> {
    for entry in &mut entries {
        if entry.value.as_deref().is_some_and(|v| v.contains(MARK)) {
            entry.value = None;
            entry.unknown = Some("its value is the output of a command, or too long".to_owned());
        }
    }
    entries
}

/// Only what differs from the process: what a reader that fills the environment changed.
pub(super) fn changed(entries: Vec<Entry>, process: &Process<'_>) -> Vec<Entry> {
    entries
        .into_iter()
        .filter(|e| e.unknown.is_some() || e.value.is_none() || process(&e.name) != e.value)
        .collect()
}

/// Only names that the process does not have.
pub(super) fn new_names(entries: Vec<Entry>, process: &Process<'_>) -> Vec<Entry> {
    entries
        .into_iter()
        .filter(|e| process(&e.name).is_none())
        .collect()
}

/// What a command substitution gives where that can be said without running anything: `echo` of
/// plain words. Everything else is the mark.
pub(super) fn output_of(command: &str) -> String {
    let plain = |w: &str| {
        w.chars()
            .all(|c| c.is_ascii_alphanumeric() || "_./:@%+,=-".contains(c))
    };
    let mut words = command.split_ascii_whitespace();
    let rest: Vec<&str> = match words.next() {
        Some("echo") => words.collect(),
        _ => return MARK.to_string(),
    };
    if rest.iter().all(|w| plain(w)) && !rest.first().is_some_and(|w| w.starts_with('-')) {
        rest.join(" ")
    } else {
        MARK.to_string()
    }
}

/// The end (after the closing parenthesis) of a `$(` whose text starts at `open`, the offset of
/// the parenthesis; by balance alone.
pub(super) fn closing_parenthesis(text: &str, open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (offset, c) in text.get(open..)?.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(open + offset + 1);
                }
            }
            _ => {}
        }
    }
    None
}
