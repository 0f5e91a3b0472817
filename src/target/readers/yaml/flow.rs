//! Flow collections and quoted texts.

use super::parser::{MAX_DEPTH, Parser, join};
use super::{Kind, Node, YamlError};

impl Parser<'_> {
    /// `[...]` or `{...}`.
    pub(super) fn flow(&mut self, depth: usize) -> Result<Node, YamlError> {
        if depth > MAX_DEPTH {
            return self.fail("nested too deep");
        }
        let (start, line) = (self.at, self.line);
        let is_map = self.peek() == Some(b'{');
        let close = if is_map { b'}' } else { b']' };
        self.at += 1;
        let mut items = Vec::new();
        let mut entries = Vec::new();
        loop {
            self.skip_flow_blank()?;
            match self.peek() {
                None => return self.fail("a flow collection is not closed"),
                Some(byte) if byte == close => {
                    self.at += 1;
                    break;
                }
                Some(b',') => return self.fail("an empty place in a flow collection"),
                Some(_) => {}
            }
            let (key, value) = self.flow_entry(depth)?;
            match (is_map, value) {
                (true, value) => {
                    let value = value.unwrap_or_else(|| self.empty());
                    entries.push((key, value));
                }
                (false, None) => items.push(key),
                (false, Some(value)) => {
                    let span = key.span;
                    let pair = Kind::Map(vec![(key, value)]);
                    items.push(Node {
                        kind: pair,
                        tag: None,
                        span,
                    });
                }
            }
            self.skip_flow_blank()?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(byte) if byte == close => {}
                _ => return self.fail("a `,` is missing in a flow collection"),
            }
        }
        let kind = if is_map {
            Kind::Map(entries)
        } else {
            Kind::List(items)
        };
        Ok(self.collection(kind, start, line))
    }

    fn skip_flow_blank(&mut self) -> Result<(), YamlError> {
        loop {
            let from = self.at;
            while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
                self.step();
            }
            if self.peek() == Some(b'#') {
                while !matches!(self.peek(), None | Some(b'\n')) {
                    self.step();
                }
            }
            if self.at_marker() {
                return self.fail("a document marker in a flow collection");
            }
            if self.at == from {
                return Ok(());
            }
        }
    }

    /// A node, and the value behind it where a `:` follows.
    fn flow_entry(&mut self, depth: usize) -> Result<(Node, Option<Node>), YamlError> {
        let key = self.flow_node(depth)?;
        let quoted = matches!(
            key.kind,
            Kind::Scalar { plain: false, .. } | Kind::Map(_) | Kind::List(_)
        );
        self.skip_flow_blank()?;
        let colon = self.peek() == Some(b':')
            && (quoted || self.blank(1) || matches!(self.byte(1), Some(b',' | b']' | b'}')));
        if !colon {
            return Ok((key, None));
        }
        self.at += 1;
        self.skip_flow_blank()?;
        let value = if matches!(self.peek(), None | Some(b',' | b']' | b'}')) {
            self.empty()
        } else {
            self.flow_node(depth)?
        };
        Ok((key, Some(value)))
    }

    fn flow_node(&mut self, depth: usize) -> Result<Node, YamlError> {
        let properties = self.properties()?;
        self.skip_flow_blank()?;
        let node = match self.peek() {
            Some(b'[' | b'{') => self.flow(depth + 1)?,
            Some(b'*') => self.alias()?,
            Some(b'"' | b'\'') => self.quoted(None)?,
            Some(b',' | b']' | b'}') => self.empty(),
            _ => self.flow_plain()?,
        };
        Ok(self.finish(node, properties))
    }

    fn flow_plain(&mut self) -> Result<Node, YamlError> {
        let (start, line) = (self.at, self.line);
        if matches!(
            self.peek(),
            Some(b'%' | b'@' | b'`' | b'#' | b'|' | b'>' | b'&' | b'!')
        ) {
            return self.fail("a plain text cannot start with this character");
        }
        let mut text = String::new();
        let mut end = self.at;
        loop {
            let from = self.at;
            while let Some(byte) = self.peek() {
                let stops = match byte {
                    b',' | b'[' | b']' | b'{' | b'}' | b'\n' => true,
                    b':' => {
                        self.blank(1)
                            || matches!(self.byte(1), Some(b',' | b'[' | b']' | b'{' | b'}'))
                    }
                    b'#' => self.at > from && self.text[..self.at].ends_with([' ', '\t']),
                    _ => false,
                };
                if stops {
                    break;
                }
                self.step();
            }
            let part = self.text[from..self.at].trim_end();
            text.push_str(part);
            if !part.is_empty() {
                end = from + part.len();
            }
            if self.peek() != Some(b'\n') {
                break;
            }
            let breaks = self.fold(None)?;
            if matches!(
                self.peek(),
                None | Some(b',' | b']' | b'}' | b':' | b'#' | b'[' | b'{')
            ) {
                break;
            }
            join(&mut text, breaks);
        }
        if text.is_empty() {
            return self.fail("a text is missing in a flow collection");
        }
        let mut node = self.scalar(text, true, start, line);
        node.span.end = end;
        Ok(node)
    }

    /// `"..."` or `'...'`, over several lines where they are indented deeper than the parent.
    pub(super) fn quoted(&mut self, parent: Option<usize>) -> Result<Node, YamlError> {
        let (start, line) = (self.at, self.line);
        let double = self.peek() == Some(b'"');
        self.at += 1;
        let mut text = String::new();
        loop {
            let Some(c) = self.rest().chars().next() else {
                return self.fail("a quoted text is not closed");
            };
            match c {
                '\'' if !double => {
                    self.at += 1;
                    if self.peek() != Some(b'\'') {
                        break;
                    }
                    self.at += 1;
                    text.push('\'');
                }
                '"' if double => {
                    self.at += 1;
                    break;
                }
                '\\' if double => {
                    self.at += 1;
                    self.escape(&mut text, parent)?;
                }
                '\n' | '\r' if c == '\n' || self.byte(1) == Some(b'\n') => {
                    let kept = text.trim_end_matches([' ', '\t']).len();
                    text.truncate(kept);
                    let breaks = self.fold(parent)?;
                    join(&mut text, breaks);
                }
                c => {
                    text.push(c);
                    self.step();
                }
            }
        }
        Ok(self.scalar(text, false, start, line))
    }

    fn escape(&mut self, text: &mut String, parent: Option<usize>) -> Result<(), YamlError> {
        let Some(c) = self.rest().chars().next() else {
            return self.fail("a quoted text is not closed");
        };
        if c == '\n' || c == '\r' {
            let breaks = self.fold(parent)?;
            text.extend(std::iter::repeat_n('\n', breaks.saturating_sub(1)));
            return Ok(());
        }
        self.step();
        let simple = match c {
            '0' => '\0',
            'a' => '\u{7}',
            'b' => '\u{8}',
            't' | '\t' => '\t',
            'n' => '\n',
            'v' => '\u{B}',
            'f' => '\u{C}',
            'r' => '\r',
            'e' => '\u{1B}',
            ' ' | '"' | '/' | '\\' => c,
            'N' => '\u{85}',
            '_' => '\u{A0}',
            'L' => '\u{2028}',
            'P' => '\u{2029}',
            'x' => return self.code_point(text, 2),
            'u' => return self.code_point(text, 4),
            'U' => return self.code_point(text, 8),
            _ => return self.fail("an unknown escape in a quoted text"),
        };
        text.push(simple);
        Ok(())
    }

    fn code_point(&mut self, text: &mut String, digits: usize) -> Result<(), YamlError> {
        let code = self
            .rest()
            .get(..digits)
            .and_then(|hex| u32::from_str_radix(hex, 16).ok())
            .and_then(char::from_u32);
        let Some(c) = code else {
            return self.fail("a broken escape in a quoted text");
        };
        text.push(c);
        self.at += digits;
        Ok(())
    }
}
