//! JavaScript and TypeScript text as tokens.

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Name(String),
    Number(f64),
    Text(String),
    /// Literal pieces, and the tokens of what stands between them.
    Template(Vec<String>, Vec<Vec<Token>>),
    Regex,
    Mark(&'static str),
    End,
}

/// A token and its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) line: usize,
    /// A line break stands before it.
    pub(super) fresh: bool,
}

const MARKS: &[&str] = &[
    ">>>=", "...", "===", "!==", "**=", "<<=", ">>>", "&&=", "||=", "??=", "=>", "==", "!=", "<=",
    "&&", "||", "??", "?.", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<", "**",
    "{", "}", "(", ")", "[", "]", ";", ",", "<", ">", "+", "-", "*", "/", "%", "&", "|", "^", "!",
    "~", "?", ":", "=", ".", "@", "#",
];

/// How deep templates may nest.
const MAX_DEPTH: usize = 12;

/// The tokens of a text, ending with `End`; `Err` is the line that cannot be read.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, usize> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lexer = Lexer {
        text,
        at: 0,
        line: 1,
        fresh: true,
        out: Vec::new(),
        depth: 0,
    };
    if text.starts_with("#!") {
        lexer.skip_line();
    }
    lexer.all(false)?;
    Ok(lexer.out)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    fresh: bool,
    out: Vec<Token>,
    depth: usize,
}

fn name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '$'
}

fn name_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn next_char(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        self.line += usize::from(c == '\n');
        Some(c)
    }

    fn skip_line(&mut self) {
        let rest = self.rest();
        self.at += rest.find('\n').unwrap_or(rest.len());
    }

    fn push(&mut self, kind: Kind, line: usize) {
        let fresh = std::mem::take(&mut self.fresh);
        self.out.push(Token { kind, line, fresh });
    }

    /// Reads to the end, or in a template to the brace that closes the expression.
    fn all(&mut self, template: bool) -> Result<(), usize> {
        let mut braces = 0usize;
        loop {
            let line = self.line;
            let rest = self.rest();
            let Some(c) = rest.chars().next() else {
                if template {
                    return Err(line);
                }
                self.push(Kind::End, line);
                return Ok(());
            };
            if c == '\n' || c == '\u{2028}' || c == '\u{2029}' {
                self.fresh = true;
                self.next_char();
            } else if c.is_whitespace() || c == '\u{feff}' {
                self.next_char();
            } else if rest.starts_with("//") {
                self.skip_line();
            } else if rest.starts_with("/*") {
                let length = rest.find("*/").ok_or(line)? + 2;
                let breaks = rest.get(..length).unwrap_or("").matches('\n').count();
                self.fresh |= breaks > 0;
                self.line += breaks;
                self.at += length;
            } else if name_start(c) {
                let length = rest.find(|c| !name_part(c)).unwrap_or(rest.len());
                let name = rest.get(..length).unwrap_or("").to_owned();
                self.at += length;
                self.push(Kind::Name(name), line);
            } else if c.is_ascii_digit()
                || (c == '.' && rest[1..].starts_with(|d: char| d.is_ascii_digit()))
            {
                self.number(line)?;
            } else if c == '"' || c == '\'' {
                self.next_char();
                let text = self.quoted(c, line)?;
                self.push(Kind::Text(text), line);
            } else if c == '`' {
                self.next_char();
                self.template(line)?;
            } else if c == '/' && self.regex_may_start() {
                self.regex(line)?;
            } else {
                if template && c == '}' && braces == 0 {
                    self.at += 1;
                    self.push(Kind::End, line);
                    return Ok(());
                }
                let mark = MARKS.iter().find(|m| rest.starts_with(**m)).ok_or(line)?;
                // `?.5` is a conditional and a number.
                let mark = if *mark == "?." && rest[2..].starts_with(|d: char| d.is_ascii_digit()) {
                    "?"
                } else {
                    mark
                };
                braces += usize::from(mark == "{");
                braces = braces.saturating_sub(usize::from(mark == "}"));
                self.at += mark.len();
                self.push(Kind::Mark(mark), line);
            }
        }
    }

    fn number(&mut self, line: usize) -> Result<(), usize> {
        let rest = self.rest();
        let length = rest
            .char_indices()
            .find(|(at, c)| {
                let exponent = (*c == '+' || *c == '-')
                    && rest[..*at].ends_with(['e', 'E'])
                    && !rest.starts_with("0x");
                !(c.is_ascii_alphanumeric() || *c == '.' || *c == '_' || exponent)
            })
            .map_or(rest.len(), |(at, _)| at);
        let text = rest[..length].replace('_', "");
        let text = text.trim_end_matches('n').to_owned();
        self.at += length;
        let radix = |digits: &str, base| u32::from_str_radix(digits, base).ok().map(f64::from);
        let value = match text.get(..2) {
            Some("0x" | "0X") => radix(&text[2..], 16),
            Some("0o" | "0O") => radix(&text[2..], 8),
            Some("0b" | "0B") => radix(&text[2..], 2),
            _ => text.parse().ok(),
        };
        self.push(Kind::Number(value.ok_or(line)?), line);
        Ok(())
    }

    fn quoted(&mut self, quote: char, line: usize) -> Result<String, usize> {
        let mut out = String::new();
        loop {
            match self.next_char().ok_or(line)? {
                c if c == quote => return Ok(out),
                '\n' => return Err(line),
                '\\' => self.escape(&mut out).ok_or(line)?,
                c => out.push(c),
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Option<()> {
        match self.next_char()? {
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'v' => out.push('\u{b}'),
            '0' => out.push('\0'),
            '\n' => {}
            'x' => {
                let digits = self.rest().get(..2)?.to_owned();
                out.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
                self.at += 2;
            }
            'u' => {
                let rest = self.rest();
                let (digits, length) = match rest.strip_prefix('{') {
                    Some(inner) => {
                        let end = inner.find('}')?;
                        (inner.get(..end)?.to_owned(), end + 2)
                    }
                    None => (rest.get(..4)?.to_owned(), 4),
                };
                let code = u32::from_str_radix(&digits, 16).ok()?;
                out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                self.at += length;
            }
            c => out.push(c),
        }
        Some(())
    }

    fn template(&mut self, line: usize) -> Result<(), usize> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(line);
        }
        let mut pieces = vec![String::new()];
        let mut inner = Vec::new();
        let fresh = self.fresh;
        loop {
            let c = self.next_char().ok_or(line)?;
            let last = pieces.last_mut().ok_or(line)?;
            match c {
                '`' => break,
                '\\' => self.escape(last).ok_or(line)?,
                '$' if self.rest().starts_with('{') => {
                    self.at += 1;
                    let outer = std::mem::take(&mut self.out);
                    let read = self.all(true);
                    inner.push(std::mem::replace(&mut self.out, outer));
                    read?;
                    pieces.push(String::new());
                }
                c => last.push(c),
            }
        }
        self.depth -= 1;
        self.fresh = fresh;
        self.push(Kind::Template(pieces, inner), line);
        Ok(())
    }

    /// Whether a slash here starts a regular expression: not behind a value.
    fn regex_may_start(&self) -> bool {
        match self.out.last().map(|t| &t.kind) {
            None => true,
            Some(Kind::Mark(m)) => !matches!(*m, ")" | "]" | "}" | "++" | "--"),
            Some(Kind::Name(n)) => matches!(
                n.as_str(),
                "return" | "typeof" | "case" | "in" | "of" | "void" | "delete" | "await"
            ),
            Some(_) => false,
        }
    }

    fn regex(&mut self, line: usize) -> Result<(), usize> {
        self.next_char();
        let mut class = false;
        loop {
            match self.next_char().ok_or(line)? {
                '\\' => {
                    self.next_char();
                }
                '[' => class = true,
                ']' => class = false,
                '/' if !class => break,
                '\n' => return Err(line),
                _ => {}
            }
        }
        while self.rest().starts_with(name_part) {
            self.next_char();
        }
        self.push(Kind::Regex, line);
        Ok(())
    }
}
