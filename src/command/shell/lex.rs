//! Words: quotes, expansions and substitutions.

use super::ast::{Parameter, Part, Word};
use super::parse::{Broken, Parsed, Parser};

/// Where a run of word parts ends and what has meaning in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    /// A plain word: ends at blanks and operators.
    Plain,
    /// A word of `[[ ]]`, in which pattern lists are allowed.
    Condition,
    /// The right side of `=~`: parentheses and bars belong to it.
    Pattern,
    /// `"..."`.
    Quotes,
    /// Here-document text and arithmetic: to the end of the input, quotes are text.
    Text,
    /// `${name:-...}`.
    Braces,
    /// `"${name:-...}"`.
    QuotedBraces,
}

impl Within {
    fn quoted(self) -> bool {
        matches!(self, Within::Quotes | Within::Text | Within::QuotedBraces)
    }
}

/// Collects parts; adjacent text of one kind becomes one part.
#[derive(Default)]
struct Parts(Vec<Part>);

impl Parts {
    fn text(&mut self, more: &str) {
        match self.0.last_mut() {
            Some(Part::Text(text)) => text.push_str(more),
            _ => self.0.push(Part::Text(more.to_owned())),
        }
    }

    fn quoted(&mut self, more: &str) {
        match self.0.last_mut() {
            Some(Part::Quoted(text)) => text.push_str(more),
            _ => self.0.push(Part::Quoted(more.to_owned())),
        }
    }
}

impl Parser<'_> {
    /// A word; empty where none stands here.
    pub(super) fn word(&mut self, within: Within) -> Parsed<Word> {
        self.deeper()?;
        let mut parts = Parts::default();
        let mut parentheses = 0usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'\\' => self.backslash(within, &mut parts)?,
                b'\'' if !within.quoted() => {
                    self.bump()?;
                    let text = self.single_quotes()?;
                    parts.quoted(&text);
                }
                b'\'' if within == Within::QuotedBraces && self.bash() => {
                    let start = self.at;
                    self.bump()?;
                    self.single_quotes()?;
                    let spelled = self.text[start..self.at].to_owned();
                    parts.0.push(Part::Unclear(spelled));
                }
                b'"' if within == Within::Quotes => break,
                b'"' if within != Within::Text => {
                    self.bump()?;
                    let inner = self.word(Within::Quotes)?;
                    self.expect(b'"', "a quoted text does not end")?;
                    parts.quoted("");
                    parts.0.extend(inner.parts);
                }
                b'$' => self.dollar(within, &mut parts)?,
                b'`' => {
                    let part = self.backquote(within.quoted())?;
                    parts.0.push(part);
                }
                b'}' if matches!(within, Within::Braces | Within::QuotedBraces) => break,
                b'<' | b'>'
                    if !within.quoted()
                        && within != Within::Pattern
                        && self.bash()
                        && self.peek_at(1) == Some(b'(') =>
                {
                    let part = self.process()?;
                    parts.0.push(part);
                }
                b'(' if within == Within::Pattern => {
                    parentheses += 1;
                    self.text_byte(&mut parts)?;
                }
                b')' if within == Within::Pattern && parentheses > 0 => {
                    parentheses -= 1;
                    self.text_byte(&mut parts)?;
                }
                b'|' if within == Within::Pattern => self.text_byte(&mut parts)?,
                b' ' | b'\t' | b'\n' if within == Within::Pattern && parentheses > 0 => {
                    self.text_byte(&mut parts)?;
                }
                b'?' | b'*' | b'+' | b'@' | b'!'
                    if self.peek_at(1) == Some(b'(') && self.pattern_lists(within) =>
                {
                    self.pattern_list(&mut parts)?;
                }
                b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')'
                    if matches!(within, Within::Plain | Within::Condition | Within::Pattern) =>
                {
                    break;
                }
                _ => {
                    let text = self.take_char()?;
                    if within.quoted() {
                        parts.quoted(text);
                    } else {
                        parts.text(text);
                    }
                }
            }
        }
        self.shallower();
        Ok(Word { parts: parts.0 })
    }

    fn text_byte(&mut self, parts: &mut Parts) -> Parsed<()> {
        let text = self.take_char()?;
        parts.text(text);
        Ok(())
    }

    fn pattern_lists(&self, within: Within) -> bool {
        self.bash() && (within == Within::Condition || (within == Within::Plain && self.extglob))
    }

    fn pattern_list(&mut self, parts: &mut Parts) -> Parsed<()> {
        self.text_byte(parts)?;
        let mut open = 0usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'(' => open += 1,
                b')' => open = open.saturating_sub(1),
                b'\'' => {
                    self.bump()?;
                    let text = self.single_quotes()?;
                    parts.quoted(&text);
                    continue;
                }
                b'"' => {
                    self.bump()?;
                    let inner = self.word(Within::Quotes)?;
                    self.expect(b'"', "a quoted text does not end")?;
                    parts.0.extend(inner.parts);
                    continue;
                }
                b'$' => {
                    self.dollar(Within::Plain, parts)?;
                    continue;
                }
                _ => {}
            }
            self.text_byte(parts)?;
            if open == 0 {
                return Ok(());
            }
        }
        Err(self.broken("a pattern does not end"))
    }

    fn backslash(&mut self, within: Within, parts: &mut Parts) -> Parsed<()> {
        self.bump()?;
        match self.peek() {
            None => parts.quoted("\\"),
            Some(b'\n') => self.bump()?,
            Some(byte) => {
                let keeps = match within {
                    Within::Quotes => !b"$`\"\\".contains(&byte),
                    Within::Text => !b"$`\\".contains(&byte),
                    Within::QuotedBraces => !b"$`\"\\}".contains(&byte),
                    _ => false,
                };
                if keeps {
                    parts.quoted("\\");
                }
                let text = self.take_char()?;
                parts.quoted(text);
            }
        }
        Ok(())
    }

    /// The text up to the closing quote, which is taken too.
    fn single_quotes(&mut self) -> Parsed<String> {
        let start = self.at;
        while let Some(byte) = self.peek() {
            self.bump()?;
            if byte == b'\'' {
                return Ok(self.text[start..self.at - 1].to_owned());
            }
        }
        Err(self.broken("a quoted text does not end"))
    }

    fn dollar(&mut self, within: Within, parts: &mut Parts) -> Parsed<()> {
        let start = self.at;
        let quoted = within.quoted();
        match (self.peek_at(1), self.peek_at(2)) {
            (Some(b'('), Some(b'(')) => {
                if let Some(text) = self.arithmetic(3)? {
                    let spelled = self.text[start..self.at].to_owned();
                    parts.0.push(Part::Arithmetic { text, spelled });
                    return Ok(());
                }
                let part = self.substitution(start, quoted)?;
                parts.0.push(part);
            }
            (Some(b'('), _) => {
                let part = self.substitution(start, quoted)?;
                parts.0.push(part);
            }
            (Some(b'{'), _) => {
                let part = self.braces(start, quoted)?;
                parts.0.push(part);
            }
            (Some(b'\''), _) if !quoted => self.ansi_c(start, parts)?,
            (Some(b'"'), _) if !quoted && self.bash() => self.bump()?,
            (Some(b'['), _) if self.bash() => {
                self.skip(2)?;
                self.skip_to(b']')?;
                let spelled = self.text[start..self.at].to_owned();
                parts.0.push(Part::Unclear(spelled));
            }
            (Some(byte), _) if byte.is_ascii_alphanumeric() || b"_@*#?-$!".contains(&byte) => {
                self.bump()?;
                let name = self.parameter_name()?;
                let spelled = self.text[start..self.at].to_owned();
                parts.0.push(Part::Parameter(Parameter {
                    name,
                    index: None,
                    operator: String::new(),
                    operand: Word::default(),
                    quoted,
                    spelled,
                }));
            }
            _ => {
                self.bump()?;
                if quoted {
                    parts.quoted("$");
                } else {
                    parts.text("$");
                }
            }
        }
        Ok(())
    }

    fn parameter_name(&mut self) -> Parsed<String> {
        let start = self.at;
        match self.peek() {
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => {
                while self
                    .peek()
                    .is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
                {
                    self.bump()?;
                }
            }
            Some(_) => self.bump()?,
            None => {}
        }
        Ok(self.text.get(start..self.at).unwrap_or("").to_owned())
    }

    fn substitution(&mut self, start: usize, quoted: bool) -> Parsed<Part> {
        self.skip(2)?;
        let list = self.list()?;
        self.expect(b')', "a command substitution does not end")?;
        let spelled = self.text[start..self.at].to_owned();
        Ok(Part::Command {
            list,
            quoted,
            spelled,
        })
    }

    fn process(&mut self) -> Parsed<Part> {
        let start = self.at;
        let reads = self.peek() == Some(b'<');
        self.skip(2)?;
        let list = self.list()?;
        self.expect(b')', "a process substitution does not end")?;
        let spelled = self.text[start..self.at].to_owned();
        Ok(Part::Process {
            list,
            reads,
            spelled,
        })
    }

    /// `((text))` whose parentheses open `skip` bytes from here; `None` (and nothing taken) where
    /// they do not close as a pair: then it is a list of commands.
    pub(super) fn arithmetic(&mut self, skip: usize) -> Parsed<Option<Word>> {
        let start = self.at;
        self.skip(skip)?;
        let inner = self.at;
        let mut open = 2usize;
        while let Some(byte) = self.peek() {
            self.bump()?;
            match byte {
                b'\\' if self.peek().is_some() => {
                    self.take_char()?;
                }
                b'\'' | b'"' => self.skip_quote(byte)?,
                b'(' => open += 1,
                b')' => open -= 1,
                _ => {}
            }
            if open == 1 && byte == b')' {
                if self.peek() != Some(b')') {
                    break;
                }
                let text = &self.text[inner..self.at - 1];
                self.bump()?;
                return self.inner(text, |p| p.word(Within::Text)).map(Some);
            }
        }
        self.at = start;
        Ok(None)
    }

    fn skip_quote(&mut self, quote: u8) -> Parsed<()> {
        let start = self.at;
        while let Some(byte) = self.peek() {
            self.bump()?;
            if byte == quote {
                return Ok(());
            }
        }
        self.at = start;
        Ok(())
    }

    fn skip_to(&mut self, end: u8) -> Parsed<()> {
        while let Some(byte) = self.peek() {
            self.bump()?;
            if byte == end {
                return Ok(());
            }
        }
        Err(self.broken("an expansion does not end"))
    }

    fn braces(&mut self, start: usize, quoted: bool) -> Parsed<Part> {
        self.skip(2)?;
        let mut operator = String::new();
        let sign = self.peek();
        let next = self.peek_at(1);
        let named = |b: Option<u8>| {
            b.is_some_and(|b| b.is_ascii_alphanumeric() || b"_@*#?-$!".contains(&b))
        };
        if matches!(sign, Some(b'#' | b'!')) && named(next) {
            operator.push(if sign == Some(b'#') { '#' } else { '!' });
            self.bump()?;
        }
        let name = if self.peek().is_some_and(|b| b.is_ascii_digit()) {
            let from = self.at;
            while self.peek().is_some_and(|b| b.is_ascii_digit()) {
                self.bump()?;
            }
            self.text[from..self.at].to_owned()
        } else if named(self.peek()) {
            self.parameter_name()?
        } else {
            String::new()
        };
        let index = if self.peek() == Some(b'[') {
            self.bump()?;
            let from = self.at;
            self.skip_to(b']')?;
            Some(self.text[from..self.at - 1].to_owned())
        } else {
            None
        };
        let from = self.at;
        if self.peek() == Some(b':') {
            self.bump()?;
        }
        if self.peek().is_some_and(|b| b"-=+?#%/^,@".contains(&b)) {
            self.bump()?;
        }
        operator.push_str(&self.text[from..self.at]);
        let mode = if quoted {
            Within::QuotedBraces
        } else {
            Within::Braces
        };
        let operand = self.word(mode)?;
        self.expect(b'}', "an expansion does not end")?;
        if name.is_empty() || (operator.is_empty() && !operand.parts.is_empty()) {
            operator = "bad".to_owned();
        }
        Ok(Part::Parameter(Parameter {
            name,
            index,
            operator,
            operand,
            quoted,
            spelled: self.text[start..self.at].to_owned(),
        }))
    }

    /// `` `list` ``: the text between is unescaped once, then read as a script.
    fn backquote(&mut self, quoted: bool) -> Parsed<Part> {
        let start = self.at;
        self.bump()?;
        let mut inner = String::new();
        loop {
            match self.peek() {
                None => return Err(self.broken("a command substitution does not end")),
                Some(b'`') => break,
                Some(b'\\') => {
                    self.bump()?;
                    match self.peek() {
                        Some(b'$' | b'`' | b'\\') => {}
                        Some(b'"') if quoted => {}
                        _ => inner.push('\\'),
                    }
                    if self.peek().is_some() {
                        inner.push_str(self.take_char()?);
                    }
                }
                Some(_) => inner.push_str(self.take_char()?),
            }
        }
        self.bump()?;
        let spelled = self.text[start..self.at].to_owned();
        let list = self.inner(&inner, |p| p.script())?;
        Ok(Part::Command {
            list,
            quoted,
            spelled,
        })
    }

    /// `$'...'`: a quoting of bash, two things (`$` and a quoted text) elsewhere.
    fn ansi_c(&mut self, start: usize, parts: &mut Parts) -> Parsed<()> {
        if !self.bash() {
            self.skip(2)?;
            self.single_quotes()?;
            let spelled = self.text[start..self.at].to_owned();
            parts.0.push(Part::Unclear(spelled));
            return Ok(());
        }
        self.skip(2)?;
        let mut bytes = Vec::new();
        loop {
            match self.peek() {
                None => return Err(self.broken("a quoted text does not end")),
                Some(b'\'') => break,
                Some(b'\\') => {
                    self.bump()?;
                    self.ansi_escape(&mut bytes)?;
                }
                Some(_) => bytes.extend_from_slice(self.take_char()?.as_bytes()),
            }
        }
        self.bump()?;
        // A NUL ends the text, as it does in the shell.
        let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        parts.quoted(&String::from_utf8_lossy(bytes.get(..end).unwrap_or(&[])));
        Ok(())
    }

    fn ansi_escape(&mut self, out: &mut Vec<u8>) -> Parsed<()> {
        let Some(byte) = self.peek() else {
            return Err(self.broken("a quoted text does not end"));
        };
        let plain = match byte {
            b'a' => 7,
            b'b' => 8,
            b'e' | b'E' => 27,
            b'f' => 12,
            b'n' => 10,
            b'r' => 13,
            b't' => 9,
            b'v' => 11,
            b'\\' | b'\'' | b'"' | b'?' => byte,
            b'x' => return self.coded(1, 16, 2, byte, out),
            b'u' => return self.coded(1, 16, 4, byte, out),
            b'U' => return self.coded(1, 16, 8, byte, out),
            b'0'..=b'7' => return self.coded(0, 8, 3, b'0', out),
            b'c' => {
                self.bump()?;
                let control = self.peek().unwrap_or(0) & 0x1f;
                if self.peek().is_some() {
                    self.take_char()?;
                }
                out.push(control);
                return Ok(());
            }
            _ => {
                out.push(b'\\');
                out.extend_from_slice(self.take_char()?.as_bytes());
                return Ok(());
            }
        };
        self.bump()?;
        out.push(plain);
        Ok(())
    }

    fn coded(
        &mut self,
        skip: usize,
        base: u32,
        digits: usize,
        kind: u8,
        out: &mut Vec<u8>,
    ) -> Parsed<()> {
        self.skip(skip)?;
        let mut code = 0u32;
        let mut taken = 0;
        while taken < digits {
            let digit = self.peek().and_then(|b| char::from(b).to_digit(base));
            let Some(digit) = digit else { break };
            code = code.wrapping_mul(base).wrapping_add(digit);
            self.bump()?;
            taken += 1;
        }
        if taken == 0 {
            out.extend_from_slice(&[b'\\', kind]);
        } else if matches!(kind, b'u' | b'U') {
            let mut buffer = [0; 4];
            let text = char::from_u32(code).unwrap_or('\u{fffd}');
            out.extend_from_slice(text.encode_utf8(&mut buffer).as_bytes());
        } else {
            out.push(u8::try_from(code & 0xff).unwrap_or(0));
        }
        Ok(())
    }

    fn expect(&mut self, byte: u8, otherwise: &'static str) -> Parsed<()> {
        if self.peek() == Some(byte) {
            self.bump()
        } else if let Some(found) = self.peek() {
            Err(Broken {
                at: self.at,
                what: if otherwise.is_empty() {
                    format!("`{}` is not expected", char::from(found))
                } else {
                    otherwise.to_owned()
                },
            })
        } else {
            Err(self.broken(otherwise))
        }
    }
}
