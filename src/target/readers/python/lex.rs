//! Tokens of a Python file: indentation, continuation lines, all kinds of strings.

/// A token with its line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    /// Line, from 1.
    pub line: usize,
    /// What it is.
    pub kind: Kind,
}

/// Kinds of tokens.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Name(String),
    Int(i64),
    Float(f64),
    /// Text, escapes resolved.
    Str(String),
    /// The raw text of an f-string, whether escapes count in it, and the line it starts on.
    Format(String, bool),
    Op(&'static str),
    Newline,
    Indent,
    Dedent,
    /// A character or string that no rule fits.
    Bad,
    End,
}

/// Operators, longest first.
const OPERATORS: &[&str] = &[
    "**=", "//=", ">>=", "<<=", "...", "!=", "->", ":=", "+=", "-=", "*=", "/=", "%=", "&=", "|=",
    "^=", "@=", "==", "<=", ">=", "<<", ">>", "**", "//", "(", ")", "[", "]", "{", "}", ",", ":",
    ".", ";", "=", "+", "-", "*", "/", "%", "&", "|", "^", "~", "<", ">", "@", "!",
];

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    open: usize,
    indents: Vec<usize>,
    out: Vec<Token>,
}

/// Splits a file into tokens. Never fails: what cannot be read becomes `Bad`.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lexer = Lexer {
        text,
        at: 0,
        line: 1,
        open: 0,
        indents: vec![0],
        out: Vec::new(),
    };
    lexer.run();
    lexer.out
}

/// Tokens of an expression inside an f-string: one logical line.
pub(super) fn expression_tokens(text: &str, line: usize) -> Vec<Token> {
    let mut lexer = Lexer {
        text,
        at: 0,
        line,
        open: 1,
        indents: vec![0],
        out: Vec::new(),
    };
    while lexer.at < text.len() {
        lexer.token();
    }
    lexer.push(Kind::End);
    lexer.out
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn push(&mut self, kind: Kind) {
        self.out.push(Token {
            line: self.line,
            kind,
        });
    }

    fn run(&mut self) {
        let mut line_start = true;
        while self.at < self.text.len() {
            if line_start && self.open == 0 {
                line_start = false;
                if !self.indentation() {
                    line_start = true;
                    continue;
                }
            }
            let before = self.line;
            if self.rest().starts_with('\n') && self.open == 0 {
                self.push(Kind::Newline);
                self.at += 1;
                self.line += 1;
                line_start = true;
                continue;
            }
            self.token();
            debug_assert!(self.line >= before);
        }
        self.push(Kind::Newline);
        while self.indents.len() > 1 {
            self.indents.pop();
            self.push(Kind::Dedent);
        }
        self.push(Kind::End);
    }

    /// Measures the indentation of a line; `false` where the line is blank and was passed.
    fn indentation(&mut self) -> bool {
        let mut width = 0;
        while let Some(byte) = self.text.as_bytes().get(self.at) {
            match byte {
                b' ' => width += 1,
                b'\t' => width = (width / 8 + 1) * 8,
                b'\x0c' | b'\r' => {}
                _ => break,
            }
            self.at += 1;
        }
        let rest = self.rest();
        if rest.starts_with('#') || rest.starts_with('\n') {
            let end = rest.find('\n').map_or(rest.len(), |n| n + 1);
            self.at += end;
            self.line += 1;
            return false;
        }
        if rest.is_empty() {
            return true;
        }
        let current = self.indents.last().copied().unwrap_or(0);
        if width > current {
            self.indents.push(width);
            self.push(Kind::Indent);
        }
        while self.indents.len() > 1 && self.indents.last().is_some_and(|top| *top > width) {
            self.indents.pop();
            self.push(Kind::Dedent);
            if self.indents.last().is_some_and(|top| *top < width) {
                self.push(Kind::Bad);
            }
        }
        true
    }

    fn token(&mut self) {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return;
        };
        match first {
            ' ' | '\t' | '\r' | '\x0c' => self.at += 1,
            '\n' => {
                self.at += 1;
                self.line += 1;
            }
            '#' => self.at += rest.find('\n').unwrap_or(rest.len()),
            '\\' if rest.starts_with("\\\n") => {
                self.at += 2;
                self.line += 1;
            }
            '\\' if rest.starts_with("\\\r\n") => {
                self.at += 3;
                self.line += 1;
            }
            '"' | '\'' => self.string(""),
            '0'..='9' => self.number(),
            '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => self.number(),
            c if c == '_' || c.is_alphabetic() => self.word(),
            _ => self.operator(first),
        }
    }

    fn word(&mut self) {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c == '_' || c.is_alphanumeric()))
            .unwrap_or(rest.len());
        let word = rest[..end].to_owned();
        let is_prefix = word.len() <= 2
            && word.chars().all(|c| "rRbBuUfFtT".contains(c))
            && rest[end..].starts_with(['"', '\'']);
        self.at += end;
        if is_prefix {
            self.string(&word.to_ascii_lowercase());
        } else {
            self.push(Kind::Name(word));
        }
    }

    fn number(&mut self) {
        let rest = self.rest();
        let mut end = 0;
        let mut last = ' ';
        for c in rest.chars() {
            let sign = (c == '+' || c == '-') && (last == 'e' || last == 'E');
            if !(c.is_ascii_alphanumeric() || c == '.' || c == '_' || sign) {
                break;
            }
            if sign && rest.starts_with("0x") {
                break;
            }
            end += c.len_utf8();
            last = c;
        }
        let word: String = rest[..end].chars().filter(|c| *c != '_').collect();
        self.at += end;
        let lower = word.to_ascii_lowercase();
        let radix = |prefix: &str, radix: u32| {
            lower
                .strip_prefix(prefix)
                .and_then(|d| i64::from_str_radix(d, radix).ok())
        };
        let whole = radix("0x", 16)
            .or_else(|| radix("0o", 8))
            .or_else(|| radix("0b", 2))
            .or_else(|| word.parse().ok());
        let kind = match whole {
            Some(n) => Kind::Int(n),
            None => word.parse().map_or(Kind::Bad, Kind::Float),
        };
        self.push(kind);
    }

    fn string(&mut self, prefix: &str) {
        let raw = prefix.contains('r');
        let format = prefix.contains('f') || prefix.contains('t');
        let rest = self.rest();
        let quote = if rest.starts_with("\"\"\"") || rest.starts_with("'''") {
            rest[..3].to_owned()
        } else {
            rest[..1].to_owned()
        };
        let body_start = self.at + quote.len();
        let line = self.line;
        let body = &self.text[body_start..];
        let end = match format.then(|| format_end(body, &quote)).flatten() {
            Some(end) => Some(end),
            None => string_end(body, &quote),
        };
        let Some(end) = end else {
            // Unterminated: a short string ends its line, a long one the file.
            let stop = if quote.len() == 3 {
                None
            } else {
                self.rest().find('\n')
            };
            let stop = stop.map_or(self.text.len(), |n| self.at + n);
            self.line += self.text[self.at..stop].matches('\n').count();
            self.at = stop;
            self.push(Kind::Bad);
            return;
        };
        let body = self.text[body_start..body_start + end].to_owned();
        let kind = if format {
            Kind::Format(body.clone(), !raw)
        } else if raw {
            Kind::Str(body.clone())
        } else {
            Kind::Str(unescape(&body))
        };
        self.out.push(Token { line, kind });
        self.line += body.matches('\n').count();
        self.at = body_start + end + quote.len();
    }

    fn operator(&mut self, first: char) {
        let rest = self.rest();
        let found = OPERATORS.iter().find(|op| rest.starts_with(**op));
        let Some(op) = found else {
            self.at += first.len_utf8();
            self.push(Kind::Bad);
            return;
        };
        match *op {
            "(" | "[" | "{" => self.open += 1,
            ")" | "]" | "}" => self.open = self.open.saturating_sub(1),
            _ => {}
        }
        self.at += op.len();
        self.push(Kind::Op(op));
    }
}

/// Where the closing quote stands, counted from the start of the body.
fn string_end(body: &str, quote: &str) -> Option<usize> {
    let bytes = body.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'\n' if quote.len() == 1 => return None,
            _ if body.as_bytes()[at..].starts_with(quote.as_bytes()) => return Some(at),
            _ => at += 1,
        }
    }
    None
}

/// The same for an f-string, whose braces may hold strings with the same quote (Python 3.12).
fn format_end(body: &str, quote: &str) -> Option<usize> {
    let bytes = body.as_bytes();
    let mut at = 0;
    let mut depth = 0usize;
    while at < bytes.len() {
        let rest = &bytes[at..];
        match bytes[at] {
            b'\\' => at += 2,
            b'{' if depth == 0 && rest.starts_with(b"{{") => at += 2,
            b'{' => {
                depth += 1;
                at += 1;
            }
            b'}' => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            b'\n' if quote.len() == 1 => return None,
            b'"' | b'\'' if depth > 0 => {
                let inner = body.get(at + 1..)?;
                at += string_end(inner, body.get(at..at + 1)?)? + 2;
            }
            _ if rest.starts_with(quote.as_bytes()) => return Some(at),
            _ => at += 1,
        }
    }
    None
}

/// Resolves the escapes of a string that is not raw.
pub(super) fn unescape(body: &str) -> String {
    if !body.contains('\\') {
        return body.replace("\r\n", "\n");
    }
    let mut out = String::with_capacity(body.len());
    let mut chars = body.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let Some(next) = chars.next() else {
            out.push('\\');
            break;
        };
        match next {
            '\n' => {}
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            '0'..='7' => {
                let mut code = next.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    match chars.peek().and_then(|c| c.to_digit(8)) {
                        Some(digit) => {
                            code = code * 8 + digit;
                            chars.next();
                        }
                        None => break,
                    }
                }
                out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
            }
            'a' => out.push('\x07'),
            'b' => out.push('\x08'),
            'f' => out.push('\x0c'),
            'v' => out.push('\x0b'),
            'x' | 'u' | 'U' => {
                let digits = match next {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                let mut code = 0u32;
                for _ in 0..digits {
                    match chars.peek().and_then(|c| c.to_digit(16)) {
                        Some(digit) => {
                            code = code.wrapping_mul(16).wrapping_add(digit);
                            chars.next();
                        }
                        None => break,
                    }
                }
                out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
            }
            '\\' | '\'' | '"' => out.push(next),
            other => {
                out.push('\\');
                out.push(other);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        tokens(text).into_iter().map(|t| t.kind).collect()
    }

    #[test]
    fn indentation_and_continuation() {
        use Kind::{Dedent, End, Indent, Name, Newline, Op};
        let name = |n: &str| Name(n.into());
        assert_eq!(
            kinds("if a:\n    b = (c,\n  d)\n\n# x\ne \\\n  + f\n"),
            [
                name("if"),
                name("a"),
                Op(":"),
                Newline,
                Indent,
                name("b"),
                Op("="),
                Op("("),
                name("c"),
                Op(","),
                name("d"),
                Op(")"),
                Newline,
                Dedent,
                name("e"),
                Op("+"),
                name("f"),
                Newline,
                Newline,
                End
            ]
        );
    }

    #[test]
    fn strings_of_all_kinds() {
        let text = "'a\\'b' r'\\d' b\"x\" '''l1\nl2''' f'{a}' 'open\n0x10 1_000 1e3";
        let strings: Vec<Kind> = kinds(text);
        assert_eq!(strings[0], Kind::Str("a'b".into()));
        assert_eq!(strings[1], Kind::Str("\\d".into()));
        assert_eq!(strings[2], Kind::Str("x".into()));
        assert_eq!(strings[3], Kind::Str("l1\nl2".into()));
        assert_eq!(strings[4], Kind::Format("{a}".into(), true));
        assert_eq!(strings[5], Kind::Bad);
        assert_eq!(strings[7], Kind::Int(16));
        assert_eq!(strings[8], Kind::Int(1000));
        assert_eq!(strings[9], Kind::Float(1000.0));
    }
}
