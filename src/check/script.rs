//! A shell text that stands in a file, with the way back from each byte to its line and column.

use crate::command::shell::Dialect;
use crate::source::Source;

/// A file's text with its lines.
pub(super) struct Text<'a> {
    pub(super) text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Text<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let ends = memchr::memchr_iter(b'\n', text.as_bytes()).map(|n| n + 1);
        Text {
            text,
            starts: std::iter::once(0).chain(ends).collect(),
        }
    }

    /// Line and column of a byte.
    pub(super) fn place(&self, at: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= at).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..at).unwrap_or("");
        (line, before.chars().count() + 1)
    }

    /// The lines with their numbers.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &'a str)> {
        self.text.lines().enumerate().map(|(n, line)| (n + 1, line))
    }
}

/// What a variable of a job holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Setting {
    /// This text.
    Text(String),
    /// Nothing that the file says.
    Unknown,
}

/// A variable with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: Setting,
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Variable {
    pub(super) fn source(&self, file: &str) -> Source {
        Source::project_file(file, self.line).with_note(&self.name)
    }
}

/// A text for a shell.
#[derive(Debug, Clone)]
pub(super) struct Script {
    pub(super) text: String,
    /// Where pieces of the text stand: offset in the text, line, column. By offset.
    pub(super) map: Vec<(usize, usize, usize)>,
    pub(super) dialect: Dialect,
    /// The variables around it, weakest first.
    pub(super) variables: Vec<Variable>,
    /// The directory it starts in, relative to the file's project; empty for that itself.
    pub(super) folder: String,
    /// Whose it is, for people.
    pub(super) owner: String,
    /// Names in the text whose values only the platform knows (`${{ secrets.X }}`).
    pub(super) unknown: Vec<String>,
}

impl Script {
    pub(super) fn new(owner: impl Into<String>) -> Script {
        Script {
            text: String::new(),
            map: Vec::new(),
            dialect: Dialect::Bash,
            variables: Vec::new(),
            folder: String::new(),
            owner: owner.into(),
            unknown: Vec::new(),
        }
    }

    /// Adds a piece of text that stands at a place.
    pub(super) fn push(&mut self, text: &str, line: usize, column: usize) {
        self.map.push((self.text.len(), line, column));
        self.text.push_str(text);
    }

    /// Adds several lines that stand under each other, each from the given column on.
    pub(super) fn push_lines(&mut self, text: &str, line: usize, column: usize) {
        for (n, part) in text.split_inclusive('\n').enumerate() {
            self.push(part, line + n, column);
        }
    }

    /// Adds a text whose words stand, in this order, in a stretch of a file: after quotes, escapes,
    /// folding and indentation were taken away.
    pub(super) fn push_found(&mut self, text: &str, file: &Text<'_>, from: usize, to: usize) {
        let raw = file.text.get(from..to).unwrap_or("");
        let mut cursor = 0;
        let mut place = file.place(from);
        for chunk in text.split_inclusive(char::is_whitespace) {
            let word = chunk.trim_end();
            if !word.is_empty()
                && let Some(found) = raw.get(cursor..).and_then(|rest| rest.find(word))
            {
                place = file.place(from + cursor + found);
                cursor += found + word.len();
            }
            self.push(chunk, place.0, place.1);
        }
    }

    /// Adds a stretch of a file as it stands there.
    pub(super) fn push_lines_at(&mut self, text: &str, file: &Text<'_>, at: usize) {
        let mut offset = at;
        for part in text.split_inclusive('\n') {
            let (line, column) = file.place(offset);
            self.push(part, line, column);
            offset += part.len();
        }
    }

    /// Line and column of an offset.
    pub(super) fn place(&self, at: usize) -> (usize, usize) {
        let next = self.map.partition_point(|(start, _, _)| *start <= at);
        let piece = next.checked_sub(1).and_then(|n| self.map.get(n));
        let Some((start, line, column)) = piece.or(self.map.first()) else {
            return (1, 1);
        };
        let before = self.text.get(*start..at.max(*start)).unwrap_or("");
        match before.rsplit_once('\n') {
            Some((above, last)) => (
                line + above.matches('\n').count() + 1,
                last.chars().count() + 1,
            ),
            None => (*line, column + before.chars().count()),
        }
    }

    /// Replaces what stands between `open` and `close` (`${{`, `}}`) by variables whose values are
    /// not known. The places of what follows stay.
    pub(super) fn without_templates(mut self, open: &str, close: &str) -> Script {
        if !self.text.contains(open) {
            return self;
        }
        let old = std::mem::take(&mut self.text);
        let mut fresh = Script {
            map: Vec::new(),
            ..self.clone()
        };
        self.text = old;
        let mut at = 0;
        while at < self.text.len() {
            let rest = self.text.get(at..).unwrap_or("");
            let start = rest.find(open);
            let plain = rest.get(..start.unwrap_or(rest.len())).unwrap_or("");
            fresh.copy(&self, at, plain);
            at += plain.len();
            let Some(start) = start else { break };
            let inner = rest.get(start + open.len()..).unwrap_or("");
            let length = inner.find(close).map_or(inner.len(), |n| n + close.len());
            let expression = inner.get(..length).unwrap_or("");
            let name = name_of(expression.trim_end_matches(close));
            let (line, column) = self.place(at);
            fresh.push(&format!("${{{name}}}"), line, column);
            if !fresh.unknown.contains(&name) {
                fresh.unknown.push(name);
            }
            at += open.len() + length;
        }
        fresh
    }

    /// Copies a stretch of another script with its places.
    fn copy(&mut self, from: &Script, at: usize, text: &str) {
        let mut offset = at;
        for part in text.split_inclusive('\n') {
            let (line, column) = from.place(offset);
            self.push(part, line, column);
            offset += part.len();
        }
    }
}

/// A shell variable's name for an expression: `secrets.URL` is `secrets_URL`.
fn name_of(expression: &str) -> String {
    let mut name: String = expression
        .trim()
        .chars()
        .take(40)
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name.insert_str(0, "x_");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_survive_templates_and_lines() {
        let mut script = Script::new("job");
        script.push_lines("a\npsql ${{ secrets.URL }} x\nlast y\n", 10, 9);
        let script = script.without_templates("${{", "}}");
        assert_eq!(script.text, "a\npsql ${secrets_URL} x\nlast y\n");
        assert_eq!(script.unknown, ["secrets_URL"]);
        let at = |word: &str| script.place(script.text.find(word).unwrap());
        assert_eq!(at("a\n"), (10, 9));
        assert_eq!(at("psql"), (11, 9));
        assert_eq!(at(" x"), (11, 9 + "psql ${{ secrets.URL }}".len()));
        assert_eq!(at("y"), (12, 14));
    }
}
