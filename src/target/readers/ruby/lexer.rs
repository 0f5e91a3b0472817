//! Words of Ruby. What `/`, `%`, `<<`, `?` mean depends on whether a value may stand there, which
//! the word before decides.

use super::ast::RubyError;

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tok {
    Int(i64),
    Float(f64),
    /// String parts: literal text, or the source of what is interpolated with its line.
    Str(Vec<RawPart>),
    Sym(Vec<RawPart>),
    Regex(Vec<RawPart>, String),
    Backtick,
    /// `%w[...]`, `%i[...]` (symbols).
    Words(Vec<String>, bool),
    Ident(String),
    Const(String),
    /// `@x`, `$x`.
    Variable(String),
    /// `name:` before a value.
    Label(String),
    Op(&'static str),
    Newline,
    End,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum RawPart {
    Text(String),
    Code(String, usize),
}

/// A word with its place.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) tok: Tok,
    pub(super) line: usize,
    /// White space stands before it.
    pub(super) spaced: bool,
    /// White space stands behind it.
    pub(super) space_after: bool,
}

/// Words that a value can follow directly.
const VALUE_AFTER: &[&str] = &[
    "if", "unless", "while", "until", "and", "or", "not", "when", "in", "then", "else", "elsif",
    "do", "return", "begin", "case", "rescue", "ensure", "next", "raise", "puts", "yield",
];

/// Operators, longest first.
const OPS: &[&str] = &[
    "**=", "<=>", "===", "...", "||=", "&&=", "<<=", ">>=", "**", "==", "!=", ">=", "<=", "&&",
    "||", "=~", "!~", "..", "::", "+=", "-=", "*=", "/=", "%=", "|=", "&=", "^=", "=>", "->", "<<",
    ">>", "&.", "+", "-", "*", "/", "%", "=", "<", ">", "!", "&", "|", "^", "~", "?", ":", ",",
    ".", "(", ")", "[", "]", "{", "}", ";",
];

pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    tokens: Vec<Token>,
    /// Where reading goes on behind the bodies of heredocs that began on this line, and the line.
    heredoc_end: Option<(usize, usize)>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str, line: usize) -> Self {
        Lexer {
            text,
            at: 0,
            line,
            tokens: Vec::new(),
            heredoc_end: None,
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn next_char(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn char_at(&self, ahead: usize) -> Option<char> {
        self.rest().chars().nth(ahead)
    }

    fn fail<T>(&self, what: &'static str) -> Result<T, RubyError> {
        Err(RubyError {
            line: self.line,
            what,
        })
    }

    pub(super) fn run(mut self) -> Result<Vec<Token>, RubyError> {
        loop {
            let spaced = self.skip_space();
            let Some(c) = self.next_char() else { break };
            if self.rest().starts_with("__END__") && self.at_line_start() {
                break;
            }
            let line = self.line;
            let tok = self.word(c, spaced)?;
            let Some(tok) = tok else { continue };
            let space_after = self.next_char().is_none_or(char::is_whitespace);
            self.tokens.push(Token {
                tok,
                line,
                spaced,
                space_after,
            });
        }
        self.tokens.push(Token {
            tok: Tok::End,
            line: self.line,
            spaced: true,
            space_after: true,
        });
        Ok(self.tokens)
    }

    fn at_line_start(&self) -> bool {
        self.at == 0 || self.text[..self.at].ends_with('\n')
    }

    /// Skips blanks, comments and escaped line ends; whether there were any.
    fn skip_space(&mut self) -> bool {
        let from = self.at;
        loop {
            let rest = self.rest();
            if rest.starts_with("\\\n") {
                self.at += 2;
                self.line += 1;
            } else if rest.starts_with("=begin") && self.at_line_start() {
                let length = rest.find("\n=end").map_or(rest.len(), |n| n + 5);
                self.line += rest[..length].matches('\n').count();
                self.at += length;
            } else if rest.starts_with('#') {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with([' ', '\t', '\r']) {
                self.at += 1;
            } else {
                return self.at > from || self.at == 0;
            }
        }
    }

    /// Whether a value may stand here (else an operator).
    fn value_expected(&self, spaced: bool) -> bool {
        let Some(last) = self.tokens.last() else {
            return true;
        };
        let tight = self
            .char_at(1)
            .is_some_and(|c| !c.is_whitespace() && c != '=');
        match &last.tok {
            Tok::Op(op) => !matches!(*op, ")" | "]" | "}"),
            Tok::Newline | Tok::Label(_) => true,
            Tok::Ident(name) => {
                let after_dot = self
                    .tokens
                    .iter()
                    .rev()
                    .nth(1)
                    .is_some_and(|t| matches!(t.tok, Tok::Op("." | "&.")));
                VALUE_AFTER.contains(&name.as_str()) && !after_dot
                    || spaced && tight && name != "end"
            }
            _ => false,
        }
    }

    fn word(&mut self, c: char, spaced: bool) -> Result<Option<Tok>, RubyError> {
        Ok(Some(match c {
            '\n' => return Ok(self.newline()),
            '0'..='9' => self.number()?,
            '"' => Tok::Str(self.delimited('"', None, true)?),
            '\'' => Tok::Str(self.delimited('\'', None, false)?),
            '`' => {
                self.delimited('`', None, true)?;
                Tok::Backtick
            }
            '@' | '$' => self.variable(),
            ':' if matches!(self.char_at(1), Some('"' | '\'')) && self.value_expected(spaced) => {
                self.at += 1;
                let quote = self.next_char().unwrap_or('"');
                Tok::Sym(self.delimited(quote, None, quote == '"')?)
            }
            ':' if self
                .char_at(1)
                .is_some_and(|n| n.is_alphabetic() || n == '_')
                && !self.rest().starts_with("::")
                && !self.colon_of_ternary(spaced) =>
            {
                self.at += 1;
                Tok::Sym(vec![RawPart::Text(self.name(true))])
            }
            '/' if self.value_expected(spaced) => {
                let parts = self.delimited('/', None, true)?;
                let flags = self.rest().len()
                    - self
                        .rest()
                        .trim_start_matches(['i', 'm', 'x', 'o', 'u'])
                        .len();
                let text = self.rest()[..flags].to_owned();
                self.at += flags;
                Tok::Regex(parts, text)
            }
            '%' if self.value_expected(spaced) => return self.percent().map(Some),
            '<' if self.rest().starts_with("<<") && self.heredoc_ahead(spaced) => self.heredoc()?,
            '?' if self.value_expected(spaced)
                && self.char_at(1).is_some_and(char::is_alphanumeric)
                && self.char_at(2).is_none_or(|c| !c.is_alphanumeric()) =>
            {
                let letter = self.char_at(1).unwrap_or(' ');
                self.at += 1 + letter.len_utf8();
                Tok::Str(vec![RawPart::Text(letter.to_string())])
            }
            c if c.is_alphabetic() || c == '_' => self.identifier(),
            _ => self.operator()?,
        }))
    }

    /// `a ? b :c` is rare; `x ?y :z` rarer: a symbol stands where a value may.
    fn colon_of_ternary(&self, spaced: bool) -> bool {
        let Some(last) = self.tokens.last() else {
            return false;
        };
        let value_before = matches!(
            last.tok,
            Tok::Str(_) | Tok::Int(_) | Tok::Float(_) | Tok::Sym(_) | Tok::Op(")" | "]" | "}")
        );
        value_before && spaced
    }

    fn newline(&mut self) -> Option<Tok> {
        self.at += 1;
        self.line += 1;
        if let Some((at, line)) = self.heredoc_end.take() {
            self.at = at;
            self.line = line;
        }
        // A line that starts with `.method` goes on with the line before.
        let mut ahead = self.rest();
        loop {
            ahead = ahead.trim_start();
            match ahead.strip_prefix('#') {
                Some(comment) => ahead = comment.split_once('\n').map_or("", |(_, rest)| rest),
                None => break,
            }
        }
        let goes_on = ahead.starts_with("&.") || ahead.starts_with('.') && !ahead.starts_with("..");
        let repeated = matches!(
            self.tokens.last().map(|t| &t.tok),
            Some(Tok::Newline) | None
        );
        (!goes_on && !repeated).then_some(Tok::Newline)
    }

    fn number(&mut self) -> Result<Tok, RubyError> {
        let rest = self.rest();
        let radix = match rest.as_bytes().get(1) {
            Some(b'x' | b'X') if rest.starts_with('0') => 16,
            Some(b'b' | b'B') if rest.starts_with('0') => 2,
            Some(b'0'..=b'7') if rest.starts_with('0') => 8,
            _ => 10,
        };
        let skip = if matches!(radix, 16 | 2) { 2 } else { 0 };
        let length = rest[skip..]
            .find(|c: char| !(c.is_digit(radix) || c == '_'))
            .map_or(rest.len(), |n| n + skip);
        let digits: String = rest[skip..length].replace('_', "");
        let fraction = rest[length..]
            .strip_prefix('.')
            .filter(|f| radix == 10 && f.starts_with(|c: char| c.is_ascii_digit()));
        if let Some(fraction) = fraction {
            let more = fraction
                .find(|c: char| !(c.is_ascii_digit() || c == '_'))
                .unwrap_or(fraction.len());
            let whole = format!("{digits}.{}", fraction[..more].replace('_', ""));
            self.at += length + 1 + more;
            return match whole.parse() {
                Ok(number) => Ok(Tok::Float(number)),
                Err(_) => self.fail("a broken number"),
            };
        }
        self.at += length;
        match i64::from_str_radix(&digits, radix) {
            Ok(number) => Ok(Tok::Int(number)),
            Err(_) => self.fail("a number that is too large"),
        }
    }

    fn name(&mut self, suffix: bool) -> String {
        let rest = self.rest();
        let mut length = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let next = rest[length..].chars().next();
        let after = rest[length..].chars().nth(1);
        if suffix
            && matches!(next, Some('?' | '!'))
            && (after != Some('=') || rest[length..].chars().nth(2) == Some('='))
        {
            length += 1;
        }
        self.at += length;
        rest[..length].to_owned()
    }

    fn variable(&mut self) -> Tok {
        let from = self.at;
        while matches!(self.next_char(), Some('@' | '$')) {
            self.at += 1;
        }
        if self.name(false).is_empty() {
            // `$!`, `$?`, `$0`: one sign.
            self.at += self.next_char().map_or(0, char::len_utf8);
        }
        Tok::Variable(self.text[from..self.at].to_owned())
    }

    fn identifier(&mut self) -> Tok {
        let after_dot = matches!(
            self.tokens.last().map(|t| &t.tok),
            Some(Tok::Op("." | "&."))
        );
        let from = self.at;
        let mut name = self.name(true);
        // `x ?a : b` and `x?1:2` cannot be told apart from `x?`; a method is meant.
        let label = self.rest().starts_with(':') && !self.rest().starts_with("::") && !after_dot;
        let in_ternary = self.open_ternary();
        let label = label
            && (!in_ternary
                || self.rest()[1..].starts_with(' ') && !self.text[..from].ends_with("? "));
        if label && !(in_ternary && self.tokens.last().is_some_and(|t| t.tok == Tok::Op("?"))) {
            self.at += 1;
            return Tok::Label(name);
        }
        if name.ends_with('?') && self.rest().starts_with(':') && !after_dot {
            name.truncate(name.len() - 1);
            self.at -= 1;
        }
        if name.starts_with(char::is_uppercase) && !after_dot {
            Tok::Const(name)
        } else {
            Tok::Ident(name)
        }
    }

    /// Whether a `?` on this line still waits for its `:`.
    fn open_ternary(&self) -> bool {
        let mut open = 0i32;
        for token in self.tokens.iter().rev().take(64) {
            match token.tok {
                Tok::Newline => break,
                Tok::Op("?") => open += 1,
                Tok::Op(":") => open -= 1,
                _ => {}
            }
        }
        open > 0
    }

    fn operator(&mut self) -> Result<Tok, RubyError> {
        let rest = self.rest();
        match OPS.iter().find(|op| rest.starts_with(**op)) {
            Some(op) => {
                self.at += op.len();
                Ok(Tok::Op(op))
            }
            None => self.fail("a character that Ruby does not know"),
        }
    }

    /// A delimited text from its opening character on. `open` is given for brackets that nest.
    fn delimited(
        &mut self,
        close: char,
        open: Option<char>,
        interpolates: bool,
    ) -> Result<Vec<RawPart>, RubyError> {
        self.at += self.next_char().map_or(0, char::len_utf8);
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut level = 0;
        loop {
            let Some(c) = self.next_char() else {
                return self.fail("a text is not closed");
            };
            if c == '\n' {
                self.line += 1;
            }
            if c == '\\' {
                self.at += 1;
                self.escape(&mut text, close, interpolates)?;
                continue;
            }
            if interpolates && self.rest().starts_with("#{") {
                let (code, line) = self.code()?;
                parts.push(RawPart::Text(std::mem::take(&mut text)));
                parts.push(RawPart::Code(code, line));
                continue;
            }
            self.at += c.len_utf8();
            if Some(c) == open {
                level += 1;
            } else if c == close {
                if level == 0 {
                    break;
                }
                level -= 1;
            }
            text.push(c);
        }
        parts.push(RawPart::Text(text));
        Ok(parts)
    }

    /// The source inside `#{...}`.
    fn code(&mut self) -> Result<(String, usize), RubyError> {
        let line = self.line;
        let from = self.at + 2;
        let mut level = 0;
        let mut quote: Option<char> = None;
        let mut chars = self.text.get(from..).unwrap_or("").char_indices();
        while let Some((offset, c)) = chars.next() {
            match (quote, c) {
                (_, '\\') => {
                    chars.next();
                }
                (Some(open), c) if c == open => quote = None,
                (Some(_), _) => {}
                (None, '"' | '\'') => quote = Some(c),
                (None, '{') => level += 1,
                (None, '}') if level == 0 => {
                    let code = self.text[from..from + offset].to_owned();
                    self.line += code.matches('\n').count();
                    self.at = from + offset + 1;
                    return Ok((code, line));
                }
                (None, '}') => level -= 1,
                (None, _) => {}
            }
        }
        self.fail("an interpolation is not closed")
    }

    fn escape(
        &mut self,
        text: &mut String,
        close: char,
        interpolates: bool,
    ) -> Result<(), RubyError> {
        let Some(c) = self.next_char() else {
            return self.fail("a text is not closed");
        };
        self.at += c.len_utf8();
        if c == '\n' {
            self.line += 1;
        }
        if close == '/' {
            // A regular expression keeps its escapes.
            if c != '/' {
                text.push('\\');
            }
            text.push(c);
            return Ok(());
        }
        if !interpolates {
            if c != close && c != '\\' {
                text.push('\\');
            }
            text.push(c);
            return Ok(());
        }
        match c {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            's' => text.push(' '),
            'e' => text.push('\u{1B}'),
            '0' => text.push('\0'),
            'a' => text.push('\u{7}'),
            'b' => text.push('\u{8}'),
            'u' | 'x' => return self.fail("a numeric escape in a text"),
            '\n' => {}
            c => text.push(c),
        }
        Ok(())
    }

    /// `%w[]`, `%i[]`, `%q()`, `%Q()`, `%()`, `%r{}`.
    fn percent(&mut self) -> Result<Tok, RubyError> {
        let kind = self.char_at(1).unwrap_or(' ');
        let (kind, skip) = if kind.is_alphabetic() {
            (kind, 2)
        } else {
            ('Q', 1)
        };
        let Some(open) = self
            .char_at(skip)
            .filter(|c| !c.is_alphanumeric() && !c.is_whitespace())
        else {
            return self.operator();
        };
        let close = match open {
            '(' => ')',
            '[' => ']',
            '{' => '}',
            '<' => '>',
            c => c,
        };
        self.at += skip;
        let nests = (open != close).then_some(open);
        let plain = |parts: Vec<RawPart>| {
            parts
                .into_iter()
                .map(|p| match p {
                    RawPart::Text(t) | RawPart::Code(t, _) => t,
                })
                .collect::<String>()
        };
        match kind {
            'w' | 'i' => {
                let text = plain(self.delimited(close, nests, false)?);
                let words = text.split_whitespace().map(str::to_owned).collect();
                Ok(Tok::Words(words, kind == 'i'))
            }
            'q' => Ok(Tok::Str(self.delimited(close, nests, false)?)),
            'Q' => Ok(Tok::Str(self.delimited(close, nests, true)?)),
            'r' => {
                let parts = self.delimited(close, nests, true)?;
                Ok(Tok::Regex(parts, String::new()))
            }
            'x' => {
                self.delimited(close, nests, true)?;
                Ok(Tok::Backtick)
            }
            _ => self.fail("a `%` text that is not read"),
        }
    }

    fn heredoc_ahead(&self, spaced: bool) -> bool {
        let rest = &self.rest()[2..];
        let name = rest.trim_start_matches(['~', '-']);
        let marked = rest.len() != name.len();
        let starts = name.starts_with(|c: char| c.is_uppercase() || c == '_')
            || marked && name.starts_with(['"', '\'', '`']);
        starts && (self.value_expected(spaced) || marked)
    }

    fn heredoc(&mut self) -> Result<Tok, RubyError> {
        self.at += 2;
        let squiggly = self.rest().starts_with('~');
        self.at += usize::from(self.rest().starts_with(['~', '-']));
        let (name, raw) = match self.next_char() {
            Some(quote @ ('"' | '\'' | '`')) => {
                let inner = &self.rest()[1..];
                let Some(end) = inner.find(quote) else {
                    return self.fail("a heredoc without a name");
                };
                self.at += end + 2;
                (inner[..end].to_owned(), quote == '\'')
            }
            _ => (self.name(false), false),
        };
        let (from, line) = self.heredoc_end.unwrap_or_else(|| {
            let rest = self.rest();
            let length = rest.find('\n').map_or(rest.len(), |n| n + 1);
            (self.at + length, self.line + 1)
        });
        let (mut at, mut lines) = (from, line);
        let mut body: Vec<&str> = Vec::new();
        loop {
            let Some(rest) = self.text.get(at..).filter(|r| !r.is_empty()) else {
                return self.fail("a heredoc is not closed");
            };
            let row = rest.split('\n').next().unwrap_or("");
            at = (at + row.len() + 1).min(self.text.len());
            lines += 1;
            if row.trim() == name {
                break;
            }
            body.push(row);
        }
        self.heredoc_end = Some((at, lines));
        let indent = if squiggly {
            body.iter()
                .filter(|l| !l.trim().is_empty())
                .map(|l| l.len() - l.trim_start().len())
                .min()
                .unwrap_or(0)
        } else {
            0
        };
        let mut text = String::new();
        for row in body {
            text.push_str(row.get(indent..).unwrap_or(row.trim_start()));
            text.push('\n');
        }
        if raw {
            return Ok(Tok::Str(vec![RawPart::Text(text)]));
        }
        // The body is read as a double-quoted text of its own.
        let owned = format!("\u{0}{text}\u{0}");
        let parts = Lexer::new(&owned, line).delimited('\u{0}', None, true)?;
        Ok(Tok::Str(parts))
    }
}
