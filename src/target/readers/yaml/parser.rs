//! The block structure of YAML: indentation decides.

use std::collections::HashMap;
use std::rc::Rc;

use super::{Kind, Node, Span, YamlError};

/// Collections nested deeper than this are no configuration.
pub(super) const MAX_DEPTH: usize = 64;

/// A cursor over the text. Offsets always lie on character boundaries: it moves by whole
/// characters, and only ASCII is ever skipped by count.
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) line: usize,
    line_start: usize,
    anchors: HashMap<String, Rc<Node>>,
}

/// Properties before a node.
#[derive(Default)]
pub(super) struct Properties {
    anchor: Option<String>,
    tag: Option<String>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let at = if text.starts_with('\u{FEFF}') { 3 } else { 0 };
        Parser {
            text,
            at,
            line: 1,
            line_start: at,
            anchors: HashMap::new(),
        }
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    pub(super) fn fail<T>(&self, what: &'static str) -> Result<T, YamlError> {
        Err(YamlError {
            line: self.line,
            what,
        })
    }

    fn column(&self) -> usize {
        self.at - self.line_start
    }

    /// Goes over one character.
    pub(super) fn step(&mut self) {
        if let Some(c) = self.rest().chars().next() {
            self.at += c.len_utf8();
            if c == '\n' {
                self.line += 1;
                self.line_start = self.at;
            }
        }
    }

    pub(super) fn skip_spaces(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// Whether white space or the end comes `ahead` bytes on.
    pub(super) fn blank(&self, ahead: usize) -> bool {
        matches!(self.byte(ahead), None | Some(b' ' | b'\t' | b'\n' | b'\r'))
    }

    fn skip_line(&mut self) {
        let length = self.rest().find('\n').map_or(self.rest().len(), |n| n + 1);
        self.at += length;
        if self.text[..self.at].ends_with('\n') {
            self.line += 1;
            self.line_start = self.at;
        }
    }

    /// Goes to the next text, over blank lines and comments. Spaces of indentation are skipped, a
    /// tab in it is an error where a block token follows.
    pub(super) fn skip_blank(&mut self) -> Result<(), YamlError> {
        loop {
            let from = self.at;
            self.skip_spaces();
            match self.peek() {
                Some(b'#') if self.at == self.line_start || self.before_is_blank() => {
                    self.skip_line();
                }
                Some(b'\n') => self.step(),
                Some(b'\r') if self.byte(1) == Some(b'\n') => self.at += 1,
                None => return Ok(()),
                Some(_) => {
                    let indent = self.text.get(self.line_start..self.at).unwrap_or("");
                    if from == self.line_start
                        && indent.contains('\t')
                        && indent.len() == self.column()
                    {
                        return self.fail("a tab in the indentation");
                    }
                    return Ok(());
                }
            }
        }
    }

    fn before_is_blank(&self) -> bool {
        self.text
            .get(..self.at)
            .is_some_and(|t| t.ends_with([' ', '\t', '\n']))
    }

    /// Whether a document marker stands here.
    pub(super) fn at_marker(&self) -> bool {
        self.column() == 0
            && (self.rest().starts_with("---") || self.rest().starts_with("..."))
            && self.blank(3)
    }

    pub(super) fn document(mut self) -> Result<Node, YamlError> {
        self.skip_blank()?;
        while self.peek() == Some(b'%') && self.column() == 0 {
            self.skip_line();
            self.skip_blank()?;
        }
        if self.at_marker() && self.rest().starts_with("---") {
            self.at += 3;
        }
        let node = self.block(None, false, 0)?;
        self.skip_blank()?;
        if self.peek().is_some() && !self.at_marker() {
            return self.fail("something stands where the document has ended");
        }
        Ok(node)
    }

    pub(super) fn empty(&self) -> Node {
        Node {
            kind: Kind::Scalar {
                text: String::new(),
                plain: true,
            },
            tag: None,
            span: Span {
                start: self.at,
                end: self.at,
                line: self.line,
            },
        }
    }

    /// A block node whose parent stands at column `parent`. `in_map` lets a sequence stand at the
    /// parent's own column, as YAML does for values of a mapping.
    fn block(
        &mut self,
        parent: Option<usize>,
        in_map: bool,
        depth: usize,
    ) -> Result<Node, YamlError> {
        if depth > MAX_DEPTH {
            return self.fail("nested too deep");
        }
        let start_line = self.line;
        let nothing = self.empty();
        self.skip_blank()?;
        if self.peek().is_none() || self.at_marker() {
            return Ok(nothing);
        }
        let inside = parent.is_none_or(|p| self.column() > p);
        let same_line = self.line == start_line && parent.is_some();
        let dash = self.peek() == Some(b'-') && self.blank(1);
        let list_of_key = in_map && dash && parent == Some(self.column()) && !same_line;
        if !inside && !list_of_key {
            return Ok(nothing);
        }
        let before = (self.at, self.line, self.line_start);
        let properties = self.properties()?;
        if properties.is_some() {
            let line = self.line;
            self.skip_spaces();
            let ends = matches!(self.peek(), None | Some(b'\n' | b'\r' | b'#'));
            if ends {
                let node = self.block(parent, in_map, depth + 1)?;
                return Ok(self.finish(node, properties));
            }
            if line == before.1 && self.key_ahead() && !(same_line && in_map) {
                // Properties on a key's own line belong to the key.
                (self.at, self.line, self.line_start) = before;
                return self.map(depth);
            }
        }
        let node = self.content(parent, same_line && in_map, depth)?;
        Ok(self.finish(node, properties))
    }

    fn content(
        &mut self,
        parent: Option<usize>,
        value_of_key: bool,
        depth: usize,
    ) -> Result<Node, YamlError> {
        match self.peek() {
            Some(b'-') if self.blank(1) => {
                if value_of_key {
                    return self.fail("a sequence cannot start on its key's line");
                }
                self.list(depth)
            }
            Some(b'?') if self.blank(1) => self.fail("complex keys are not read"),
            Some(b'|' | b'>') => self.block_scalar(parent),
            _ if self.key_ahead() => {
                if value_of_key {
                    return self.fail("a mapping value is not allowed here");
                }
                self.map(depth)
            }
            Some(b'[' | b'{') => self.flow(depth),
            Some(b'*') => self.alias(),
            Some(b'"' | b'\'') => self.quoted(parent),
            _ => self.plain(parent),
        }
    }

    /// `&anchor` and `!tag`, in any order.
    pub(super) fn properties(&mut self) -> Result<Option<Properties>, YamlError> {
        let mut found = Properties::default();
        loop {
            match self.peek() {
                Some(b'&') if found.anchor.is_none() => {
                    self.at += 1;
                    let name = self.name();
                    if name.is_empty() {
                        return self.fail("an anchor without a name");
                    }
                    found.anchor = Some(name);
                }
                Some(b'!') if found.tag.is_none() => {
                    self.at += 1;
                    found.tag = Some(self.name());
                }
                _ => break,
            }
            self.skip_spaces();
        }
        Ok((found.anchor.is_some() || found.tag.is_some()).then_some(found))
    }

    /// The name of an anchor, alias or tag.
    fn name(&mut self) -> String {
        let rest = self.rest();
        let length = rest
            .find(|c: char| c.is_whitespace() || ",[]{}".contains(c))
            .unwrap_or(rest.len());
        let name = rest[..length].to_owned();
        self.at += length;
        name
    }

    pub(super) fn finish(&mut self, mut node: Node, properties: Option<Properties>) -> Node {
        if let Some(properties) = properties {
            node.tag = properties.tag.or(node.tag);
            if let Some(anchor) = properties.anchor {
                let node = Rc::new(node);
                self.anchors.insert(anchor, Rc::clone(&node));
                let span = node.span;
                return Node {
                    kind: Kind::Alias(node),
                    tag: None,
                    span,
                };
            }
        }
        node
    }

    pub(super) fn alias(&mut self) -> Result<Node, YamlError> {
        let (start, line) = (self.at, self.line);
        self.at += 1;
        let name = self.name();
        let Some(target) = self.anchors.get(&name) else {
            return self.fail("an alias to an anchor that does not exist");
        };
        Ok(Node {
            kind: Kind::Alias(Rc::clone(target)),
            tag: None,
            span: Span {
                start,
                end: self.at,
                line,
            },
        })
    }

    fn list(&mut self, depth: usize) -> Result<Node, YamlError> {
        let (start, line, column) = (self.at, self.line, self.column());
        let mut items = Vec::new();
        while self.peek() == Some(b'-') && self.blank(1) && self.column() == column {
            self.at += 1;
            items.push(self.block(Some(column), false, depth + 1)?);
            self.skip_blank()?;
            if self.at_marker() {
                break;
            }
        }
        if self.peek().is_some() && self.column() > column {
            return self.fail("bad indentation in a sequence");
        }
        Ok(self.collection(Kind::List(items), start, line))
    }

    fn map(&mut self, depth: usize) -> Result<Node, YamlError> {
        let (start, line, column) = (self.at, self.line, self.column());
        let mut entries = Vec::new();
        loop {
            let properties = self.properties()?;
            let key = match self.peek() {
                Some(b'*') => self.alias()?,
                Some(b'"' | b'\'') => self.quoted_on_line()?,
                Some(b'[' | b'{') => return self.fail("complex keys are not read"),
                _ => self.plain_key()?,
            };
            let key = self.finish(key, properties);
            self.skip_spaces();
            if self.peek() != Some(b':') || !self.blank(1) {
                return self.fail("a `:` is missing after a key");
            }
            self.at += 1;
            let value = self.block(Some(column), true, depth + 1)?;
            entries.push((key, value));
            self.skip_blank()?;
            if self.peek().is_none() || self.at_marker() || self.column() < column {
                break;
            }
            if self.column() > column {
                return self.fail("bad indentation in a mapping");
            }
            if self.peek() == Some(b'-') && self.blank(1) {
                return self.fail("a sequence among the keys of a mapping");
            }
        }
        Ok(self.collection(Kind::Map(entries), start, line))
    }

    pub(super) fn collection(&self, kind: Kind, start: usize, line: usize) -> Node {
        Node {
            kind,
            tag: None,
            span: Span {
                start,
                end: self.at,
                line,
            },
        }
    }

    /// Whether a key with its `:` stands on this line.
    fn key_ahead(&self) -> bool {
        let line = self.rest().split('\n').next().unwrap_or("");
        let bytes = line.as_bytes();
        let after = match bytes.first() {
            Some(quote @ (b'"' | b'\'')) => {
                let Some(end) = closing_quote(bytes, *quote) else {
                    return false;
                };
                end + 1
            }
            Some(b'[' | b'{') => return false,
            Some(b'&' | b'!') => {
                return line
                    .split_once(' ')
                    .is_some_and(|(_, rest)| colon_in(rest.trim_start()));
            }
            _ => return colon_in(line),
        };
        let rest = line.get(after..).unwrap_or("").trim_start();
        rest.strip_prefix(':')
            .is_some_and(|r| r.is_empty() || r.starts_with([' ', '\t', '\r']))
    }

    fn plain_key(&mut self) -> Result<Node, YamlError> {
        let (start, line) = (self.at, self.line);
        let rest = self.rest().split('\n').next().unwrap_or("");
        let Some(length) = colon_at(rest).filter(|_| colon_in(rest)) else {
            return self.fail("a `:` is missing after a key");
        };
        if rest.starts_with([
            '%', '@', '`', '|', '>', '#', '&', '!', ',', '[', ']', '{', '}',
        ]) {
            return self.fail("a key cannot start with this character");
        }
        let text = rest[..length].trim_end();
        self.at += text.len();
        Ok(self.scalar(text.to_owned(), true, start, line))
    }

    pub(super) fn scalar(&self, text: String, plain: bool, start: usize, line: usize) -> Node {
        Node {
            kind: Kind::Scalar { text, plain },
            tag: None,
            span: Span {
                start,
                end: self.at,
                line,
            },
        }
    }

    fn quoted_on_line(&mut self) -> Result<Node, YamlError> {
        let line = self.line;
        let node = self.quoted(None)?;
        if self.line != line {
            return self.fail("a key over several lines");
        }
        Ok(node)
    }

    /// Goes over a line break inside a scalar and the blank lines and indentation behind it;
    /// returns how many breaks there were. An error where the text leaves its parent's column.
    pub(super) fn fold(&mut self, parent: Option<usize>) -> Result<usize, YamlError> {
        let mut breaks = 0;
        loop {
            self.skip_spaces();
            match self.peek() {
                Some(b'\r') if self.byte(1) == Some(b'\n') => self.at += 1,
                Some(b'\n') => {
                    self.step();
                    breaks += 1;
                }
                None => return Ok(breaks),
                Some(_) => break,
            }
        }
        if parent.is_some_and(|p| self.column() <= p) || self.at_marker() {
            return self.fail("a quoted text is not indented below its key");
        }
        Ok(breaks)
    }

    /// A plain scalar in block context, over several lines where they are indented deeper than
    /// the parent.
    fn plain(&mut self, parent: Option<usize>) -> Result<Node, YamlError> {
        let (start, line) = (self.at, self.line);
        let first = self.rest().chars().next().unwrap_or(' ');
        if "%@`#,]}[{&*!|>".contains(first) || first == '\t' {
            return self.fail("a plain text cannot start with this character");
        }
        let mut text = String::new();
        let mut end;
        loop {
            let rest = self.rest().split('\n').next().unwrap_or("");
            let length = plain_length(rest);
            let part = rest[..length].trim_end();
            if colon_in(&rest[length..]) || rest[length..].starts_with(':') {
                return self.fail("a mapping value is not allowed here");
            }
            text.push_str(part);
            self.at += part.len();
            end = self.at;
            if length < rest.trim_end_matches('\r').len() {
                break;
            }
            let mark = (self.at, self.line, self.line_start);
            let breaks = self.line_breaks();
            let stop = self.peek().is_none()
                || parent.is_some_and(|p| self.column() <= p)
                || self.at_marker()
                || self.peek() == Some(b'#')
                || breaks == 0;
            if stop {
                (self.at, self.line, self.line_start) = mark;
                break;
            }
            join(&mut text, breaks);
        }
        let mut node = self.scalar(text, true, start, line);
        node.span.end = end;
        Ok(node)
    }

    fn line_breaks(&mut self) -> usize {
        let mut breaks = 0;
        loop {
            self.skip_spaces();
            match self.peek() {
                Some(b'\r') if self.byte(1) == Some(b'\n') => self.at += 1,
                Some(b'\n') => {
                    self.step();
                    breaks += 1;
                }
                _ => return breaks,
            }
        }
    }

    /// `|` and `>`, with indentation and chomping indicators.
    fn block_scalar(&mut self, parent: Option<usize>) -> Result<Node, YamlError> {
        let (start, line) = (self.at, self.line);
        let folded = self.peek() == Some(b'>');
        self.at += 1;
        let (mut chomp, mut given) = (b' ', None);
        while let Some(byte) = self.peek() {
            match byte {
                b'-' | b'+' => chomp = byte,
                b'1'..=b'9' => given = Some(usize::from(byte - b'0')),
                _ => break,
            }
            self.at += 1;
        }
        self.skip_spaces();
        if !matches!(self.peek(), None | Some(b'\n' | b'\r' | b'#')) {
            return self.fail("text on the line of a block text's indicator");
        }
        self.skip_line();
        let least = parent.map_or(0, |p| p + 1);
        let mut indent = given.map(|n| parent.unwrap_or(0) + n);
        let mut lines: Vec<&str> = Vec::new();
        let mut end = self.at;
        while self.peek().is_some() {
            let row = self.rest().split('\n').next().unwrap_or("");
            let row = row.strip_suffix('\r').unwrap_or(row);
            let spaces = row.len() - row.trim_start_matches(' ').len();
            let only_blank = row.len() == spaces;
            if only_blank {
                lines.push(indent.and_then(|n| row.get(n..)).unwrap_or(""));
            } else {
                let wanted = *indent.get_or_insert(spaces.max(least));
                if spaces < wanted || self.at_marker() {
                    break;
                }
                lines.push(row.get(wanted..).unwrap_or(""));
                end = self.at + row.len();
            }
            self.skip_line();
        }
        let text = chomped(&lines, folded, chomp);
        let mut node = self.scalar(text, false, start, line);
        node.span.end = end.max(start);
        // The end of the line before stays unread for what follows only by position, not content.
        Ok(node)
    }
}

/// Adds what line breaks fold to: a space for one, the further ones as they are.
pub(super) fn join(text: &mut String, breaks: usize) {
    if breaks == 1 {
        text.push(' ');
    } else {
        text.extend(std::iter::repeat_n('\n', breaks.saturating_sub(1)));
    }
}

fn chomped(lines: &[&str], folded: bool, chomp: u8) -> String {
    let full = lines
        .iter()
        .rposition(|l| !l.is_empty())
        .map_or(0, |n| n + 1);
    let mut text = if folded {
        fold_lines(&lines[..full])
    } else {
        lines[..full].join("\n")
    };
    match chomp {
        b'-' => {}
        b'+' => text.extend(std::iter::repeat_n(
            '\n',
            lines.len() - full + usize::from(full > 0),
        )),
        _ if full > 0 => text.push('\n'),
        _ => {}
    }
    text
}

/// Folding keeps the breaks around lines that are indented further.
fn fold_lines(lines: &[&str]) -> String {
    let mut text = String::new();
    let mut breaks = 0;
    let mut deeper = true;
    for (number, line) in lines.iter().enumerate() {
        if line.is_empty() {
            breaks += 1;
            continue;
        }
        let now_deeper = line.starts_with([' ', '\t']);
        if number > 0 {
            if deeper || now_deeper {
                text.extend(std::iter::repeat_n(
                    '\n',
                    breaks + usize::from(number > 0 && !text.is_empty()),
                ));
            } else {
                join(&mut text, breaks + 1);
            }
        }
        text.push_str(line);
        breaks = 0;
        deeper = now_deeper;
    }
    text
}

fn closing_quote(bytes: &[u8], quote: u8) -> Option<usize> {
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'\\' && quote == b'"' {
            at += 1;
        } else if *byte == quote {
            if quote == b'\'' && bytes.get(at + 1) == Some(&quote) {
                at += 1;
            } else {
                return Some(at);
            }
        }
        at += 1;
    }
    None
}

/// The offset of a `: ` (or a `:` at the end) in a line, before any comment.
fn colon_at(line: &str) -> Option<usize> {
    let length = plain_length(line);
    line[length..].starts_with(':').then_some(length)
}

fn colon_in(line: &str) -> bool {
    colon_at(line).is_some()
}

/// How far a plain text goes on its line: up to `: `, a final `:`, or ` #`.
fn plain_length(line: &str) -> usize {
    let bytes = line.as_bytes();
    let blank = |at: usize| matches!(bytes.get(at), None | Some(b' ' | b'\t' | b'\r' | b'\n'));
    bytes
        .iter()
        .enumerate()
        .find(|(at, byte)| match byte {
            b':' => blank(at + 1),
            b'#' => *at > 0 && matches!(bytes[at - 1], b' ' | b'\t'),
            _ => false,
        })
        .map_or_else(|| line.trim_end_matches('\r').len(), |(at, _)| at)
}
