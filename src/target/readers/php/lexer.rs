//! PHP source to tokens. Never fails: what it does not know becomes a token that the parser
//! cannot use either.

use super::ast::{MAX_DEPTH, Piece};

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tok {
    /// `$name`.
    Var(String),
    /// A word, with its namespace.
    Ident(String),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A string without anything to interpolate.
    Str(String),
    /// A string with variables in it.
    Template(Vec<Piece>),
    /// `(int)` and the like.
    Cast(&'static str),
    /// Punctuation.
    Op(&'static str),
    /// A character that PHP has no use for.
    Junk,
}

/// A token and its line (from 1).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) tok: Tok,
    pub(super) line: usize,
}

const OPS: &[&str] = &[
    "<=>", "**=", "...", "<<=", ">>=", "===", "!==", "??=", "?->", "=>", "->", "::", "++", "--",
    "&&", "||", "??", ".=", "+=", "-=", "*=", "/=", "%=", "|=", "&=", "^=", "==", "!=", "<>", "<=",
    ">=", "<<", ">>", "**", ";", ",", "(", ")", "[", "]", "{", "}", "=", "<", ">", "+", "-", "*",
    "/", "%", ".", "?", ":", "!", "&", "|", "^", "~", "@", "$", "\\",
];

const CASTS: &[(&str, &str)] = &[
    ("int", "int"),
    ("integer", "int"),
    ("string", "string"),
    ("binary", "string"),
    ("bool", "bool"),
    ("boolean", "bool"),
    ("float", "float"),
    ("double", "float"),
    ("array", "array"),
    ("object", "object"),
];

/// The tokens of a whole file, which begins outside PHP.
pub(super) fn file(text: &str) -> Vec<Token> {
    let mut lexer = Lexer::new(text, 1, 0);
    lexer.html(true);
    lexer.run();
    lexer.out
}

/// The tokens of code inside a string.
pub(super) fn code(text: &str, line: usize, depth: usize) -> Vec<Token> {
    let mut lexer = Lexer::new(text, line, depth);
    lexer.run();
    lexer.out
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    depth: usize,
    out: Vec<Token>,
}

impl<'a> Lexer<'a> {
    fn new(text: &'a str, line: usize, depth: usize) -> Self {
        Lexer {
            text,
            at: 0,
            line,
            depth,
            out: Vec::new(),
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.text
            .as_bytes()
            .get(self.at + ahead)
            .copied()
            .unwrap_or(0)
    }

    fn push(&mut self, tok: Tok) {
        let line = self.line;
        self.out.push(Token { tok, line });
    }

    /// Moves on by `n` bytes, counting lines.
    fn skip(&mut self, n: usize) {
        let end = (self.at + n).min(self.text.len());
        self.line += self.text.as_bytes()[self.at..end]
            .iter()
            .filter(|b| **b == b'\n')
            .count();
        self.at = end;
    }

    /// Text outside PHP, up to the next opening tag.
    fn html(&mut self, first: bool) {
        let rest = self.rest();
        let lower_tag = |tag: &str| {
            rest.match_indices("<?")
                .find(|(at, _)| {
                    rest[*at..]
                        .get(..tag.len())
                        .is_some_and(|t| t.eq_ignore_ascii_case(tag))
                })
                .map(|(at, _)| at)
        };
        let php = lower_tag("<?php");
        let echo = lower_tag("<?=");
        match (php, echo) {
            (Some(php), echo) if echo.is_none_or(|e| php < e) => self.skip(php + 5),
            (_, Some(echo)) => {
                self.skip(echo + 3);
                self.push(Tok::Ident("echo".to_owned()));
            }
            _ => self.skip(rest.len()),
        }
        if !first {
            self.push(Tok::Op(";"));
        }
    }

    fn run(&mut self) {
        while self.at < self.text.len() {
            self.token();
        }
    }

    fn token(&mut self) {
        let rest = self.rest();
        let b = self.byte(0);
        match b {
            b' ' | b'\t' | b'\r' | b'\n' | 0x0B | 0x0C => self.skip(1),
            b'#' if self.byte(1) == b'[' => self.attribute(),
            b'#' => self.line_comment(),
            b'/' if self.byte(1) == b'/' => self.line_comment(),
            b'/' if self.byte(1) == b'*' => {
                let end = rest
                    .get(2..)
                    .and_then(|r| r.find("*/"))
                    .map_or(rest.len(), |e| e + 4);
                self.skip(end);
            }
            b'?' if self.byte(1) == b'>' => {
                self.push(Tok::Op(";"));
                self.skip(2);
                self.html(false);
            }
            b'\'' => self.single_quoted(),
            b'"' => self.double_quoted(),
            b'`' => {
                let end = rest[1..].find('`').map_or(rest.len(), |e| e + 2);
                self.push(Tok::Junk);
                self.skip(end);
            }
            b'<' if rest.starts_with("<<<") && self.heredoc() => {}
            b'$' if starts_word(self.byte(1)) => {
                let length = word_length(&rest[1..], false);
                self.push(Tok::Var(rest[1..=length].to_owned()));
                self.skip(length + 1);
            }
            b'0'..=b'9' => self.number(),
            b'.' if self.byte(1).is_ascii_digit() => self.number(),
            b'(' if self.cast() => {}
            b'\\' if starts_word(self.byte(1)) => self.word(),
            _ if starts_word(b) => self.word(),
            _ => self.operator(),
        }
    }

    fn word(&mut self) {
        let rest = self.rest();
        let length = word_length(rest, true).max(1);
        self.push(Tok::Ident(rest[..length].to_owned()));
        self.skip(length);
    }

    fn operator(&mut self) {
        let rest = self.rest();
        match OPS.iter().find(|op| rest.starts_with(**op)) {
            Some(op) => {
                self.push(Tok::Op(op));
                self.skip(op.len());
            }
            None => {
                self.push(Tok::Junk);
                self.skip(rest.chars().next().map_or(1, char::len_utf8));
            }
        }
    }

    fn line_comment(&mut self) {
        let rest = self.rest();
        let newline = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let close = rest[..newline].find("?>").unwrap_or(newline);
        self.skip(close);
    }

    /// `#[...]`, with the brackets inside it.
    fn attribute(&mut self) {
        let mut depth = 0usize;
        let mut end = self.text.len() - self.at;
        for (at, b) in self.rest().bytes().enumerate() {
            match b {
                b'[' => depth += 1,
                b']' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        end = at + 1;
                        break;
                    }
                }
                _ => {}
            }
        }
        self.skip(end);
    }

    fn cast(&mut self) -> bool {
        let rest = &self.rest()[1..];
        let Some(close) = rest
            .get(..rest.len().min(24))
            .or(Some(rest))
            .and_then(|r| r.find(')'))
        else {
            return false;
        };
        let word = rest[..close].trim_matches([' ', '\t']).to_ascii_lowercase();
        let Some((_, cast)) = CASTS.iter().find(|(name, _)| *name == word) else {
            return false;
        };
        self.push(Tok::Cast(cast));
        self.skip(close + 2);
        true
    }

    fn number(&mut self) {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let radix = match (bytes.first(), bytes.get(1)) {
            (Some(b'0'), Some(b'x' | b'X')) => Some((16, 2)),
            (Some(b'0'), Some(b'b' | b'B')) => Some((2, 2)),
            (Some(b'0'), Some(b'o' | b'O')) => Some((8, 2)),
            _ => None,
        };
        if let Some((radix, from)) = radix {
            let length = bytes[from..]
                .iter()
                .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
                .count();
            let digits = rest[from..from + length].replace('_', "");
            self.push(i64::from_str_radix(&digits, radix).map_or(Tok::Junk, Tok::Int));
            self.skip(from + length);
            return;
        }
        let mut length = 0;
        let mut float = false;
        while let Some(b) = bytes.get(length) {
            match b {
                b'0'..=b'9' | b'_' => {}
                b'.' if !float && bytes.get(length + 1) != Some(&b'.') => float = true,
                b'e' | b'E'
                    if bytes
                        .get(length + 1)
                        .is_some_and(|n| n.is_ascii_digit() || b"+-".contains(n)) =>
                {
                    float = true;
                    length += 1;
                }
                _ => break,
            }
            length += 1;
        }
        let digits = rest[..length].replace('_', "");
        let tok = if float {
            digits.parse().map_or(Tok::Junk, Tok::Float)
        } else if digits.len() > 1 && digits.starts_with('0') {
            i64::from_str_radix(&digits, 8).map_or(Tok::Junk, Tok::Int)
        } else {
            digits.parse().map_or(Tok::Junk, Tok::Int)
        };
        self.push(tok);
        self.skip(length.max(1));
    }

    fn single_quoted(&mut self) {
        let rest = self.rest();
        let mut out = String::new();
        let mut chars = rest.char_indices().skip(1);
        let mut end = rest.len();
        while let Some((at, c)) = chars.next() {
            match c {
                '\'' => {
                    end = at + 1;
                    break;
                }
                '\\' => match chars.next() {
                    Some((_, next @ ('\'' | '\\'))) => out.push(next),
                    Some((_, next)) => out.extend(['\\', next]),
                    None => {}
                },
                _ => out.push(c),
            }
        }
        self.push(Tok::Str(out));
        self.skip(end);
    }

    fn double_quoted(&mut self) {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let mut end = rest.len();
        let mut at = 1;
        // Inside `{$...}` a double quote belongs to the code.
        let mut braces = 0usize;
        while at < bytes.len() {
            match bytes[at] {
                b'\\' => at += 1,
                b'{' if braces > 0 || bytes.get(at + 1) == Some(&b'$') => braces += 1,
                b'}' => braces = braces.saturating_sub(1),
                b'"' if braces == 0 => {
                    end = at;
                    break;
                }
                _ => {}
            }
            at += 1;
        }
        let body = rest.get(1..end).unwrap_or("");
        self.template(body, Some('"'));
        self.skip(end + 1);
    }

    fn heredoc(&mut self) -> bool {
        let rest = self.rest();
        let Some((head, body)) = rest[3..].split_once('\n') else {
            return false;
        };
        let label = head.trim();
        let raw = label.starts_with('\'');
        let label = label.trim_matches(['\'', '"']);
        if label.is_empty()
            || !label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_')
        {
            return false;
        }
        let mut lines: Vec<&str> = Vec::new();
        let mut length = 0;
        let mut indent = None;
        for line in body.split('\n') {
            let inner = line.trim_start_matches([' ', '\t']);
            let closes = inner.strip_prefix(label).is_some_and(|after| {
                !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            });
            if closes {
                indent = Some(line.len() - inner.len());
                break;
            }
            length += line.len() + 1;
            lines.push(line);
        }
        let Some(indent) = indent else {
            return false;
        };
        let cut: Vec<&str> = lines
            .iter()
            .map(|l| l.get(indent..).unwrap_or("").trim_end_matches('\r'))
            .collect();
        let text = cut.join("\n");
        if raw {
            self.push(Tok::Str(text));
        } else {
            self.template(&text, None);
        }
        self.skip(3 + head.len() + 1 + length + indent + label.len());
        true
    }

    /// Pushes a string with escapes and variables.
    fn template(&mut self, body: &str, quote: Option<char>) {
        let pieces = pieces(body, quote, self.line, self.depth);
        let tok = match pieces.as_slice() {
            [] => Tok::Str(String::new()),
            [Piece::Text(text)] => Tok::Str(text.clone()),
            _ => Tok::Template(pieces),
        };
        self.push(tok);
    }
}

fn starts_word(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_' || b >= 0x80
}

/// The length in bytes of the word at the start.
fn word_length(text: &str, namespaced: bool) -> usize {
    text.bytes()
        .take_while(|b| starts_word(*b) || b.is_ascii_digit() || (namespaced && *b == b'\\'))
        .count()
}

/// Splits the inside of a double-quoted string or heredoc.
fn pieces(body: &str, quote: Option<char>, line: usize, depth: usize) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    let mut text = String::new();
    let mut at = 0;
    while at < body.len() {
        let rest = &body[at..];
        let (used, piece) = if rest.starts_with('\\') {
            (escape(rest, quote, &mut text), None)
        } else if rest.starts_with("{$") || rest.starts_with("${") {
            braced(rest, line, depth)
        } else if rest.starts_with('$') && rest.as_bytes().get(1).is_some_and(|b| starts_word(*b)) {
            simple(rest)
        } else {
            let c = rest.chars().next().unwrap_or(' ');
            text.push(c);
            (c.len_utf8(), None)
        };
        if let Some(piece) = piece {
            if !text.is_empty() {
                out.push(Piece::Text(std::mem::take(&mut text)));
            }
            out.push(piece);
        }
        at += used.max(1);
    }
    if !text.is_empty() {
        out.push(Piece::Text(text));
    }
    out
}

/// Takes one escape; returns its length.
fn escape(rest: &str, quote: Option<char>, text: &mut String) -> usize {
    let Some(c) = rest[1..].chars().next() else {
        text.push('\\');
        return 1;
    };
    let plain = match c {
        'n' => Some('\n'),
        't' => Some('\t'),
        'r' => Some('\r'),
        'v' => Some('\u{B}'),
        'e' => Some('\u{1B}'),
        'f' => Some('\u{C}'),
        '\\' | '$' => Some(c),
        _ if Some(c) == quote => Some(c),
        _ => None,
    };
    if let Some(plain) = plain {
        text.push(plain);
        return 2;
    }
    let digits = |skip: usize, max: usize, radix: u32| {
        rest.get(skip..)
            .unwrap_or("")
            .chars()
            .take(max)
            .take_while(|c| c.is_digit(radix))
            .collect::<String>()
    };
    let (code, used) = match c {
        'x' => (digits(2, 2, 16), 2),
        '0'..='7' => (digits(1, 3, 8), 1),
        'u' if rest.starts_with("\\u{") => (digits(3, 6, 16), 4),
        _ => (String::new(), 0),
    };
    let radix = if used == 1 { 8 } else { 16 };
    match u32::from_str_radix(&code, radix)
        .ok()
        .and_then(char::from_u32)
    {
        Some(value) if !code.is_empty() => {
            text.push(value);
            used + code.len()
        }
        _ => {
            text.push('\\');
            text.push(c);
            1 + c.len_utf8()
        }
    }
}

/// `{$expression}` and `${name}`.
fn braced(rest: &str, line: usize, depth: usize) -> (usize, Option<Piece>) {
    let mut open = 0usize;
    let mut end = None;
    let from = usize::from(rest.starts_with('$'));
    for (at, b) in rest.bytes().enumerate().skip(from) {
        match b {
            b'{' => open += 1,
            b'}' => {
                open -= 1;
                if open == 0 {
                    end = Some(at);
                    break;
                }
            }
            _ => {}
        }
    }
    let Some(end) = end else {
        return (rest.len(), Some(Piece::Unknown));
    };
    let inner = &rest[from + 1..end];
    if from == 1 {
        let plain = !inner.is_empty() && word_length(inner, false) == inner.len();
        let piece = if plain {
            Piece::Var(inner.to_owned())
        } else {
            Piece::Unknown
        };
        return (end + 1, Some(piece));
    }
    if depth > MAX_DEPTH / 8 {
        return (end + 1, Some(Piece::Unknown));
    }
    let expr = super::parser::expression(inner, line, depth + 1);
    (end + 1, Some(Piece::Code(Box::new(expr))))
}

/// `$name`, `$name[key]`, `$name->property`.
fn simple(rest: &str) -> (usize, Option<Piece>) {
    let length = word_length(&rest[1..], false);
    let name = rest[1..=length].to_owned();
    let after = &rest[1 + length..];
    if let Some(inner) = after.strip_prefix('[')
        && let Some(close) = inner.find(']')
    {
        let key = inner[..close].trim_matches('\'').to_owned();
        return (length + close + 3, Some(Piece::Index(name, key)));
    }
    if after.starts_with("->") && after.as_bytes().get(2).is_some_and(|b| starts_word(*b)) {
        let property = word_length(&after[2..], false);
        return (length + 3 + property, Some(Piece::Unknown));
    }
    (length + 1, Some(Piece::Var(name)))
}
