//! Cuts SQL into tokens as the server's own lexer does: what is text, what is a name, what is a
//! comment, and what only looks like one. Linear, never fails; what is broken says so.

use super::Dialect;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A bare word: keyword, name, function.
    Word,
    /// A quoted name.
    Quoted,
    /// A text literal.
    Text,
    /// A number, or a word that starts with a digit.
    Number,
    /// Something that the client replaces before the server sees it (`:name`, `$(name)`).
    Variable,
    /// One character of anything else.
    Symbol,
    /// A backslash outside of any quotes: the start of a client command.
    Backslash,
    /// Something that never ends (quote, comment), or a NUL.
    Broken,
}

/// A token with its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its spelling, with quotes.
    pub text: &'a str,
    /// Its offset in bytes.
    pub at: usize,
    /// Whether it stands in a comment that only some servers run (`/*!80000 ... */`).
    pub maybe: bool,
}

impl Token<'_> {
    /// Whether it is this bare word, in any case.
    pub fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// Whether it is one of these bare words.
    pub fn is_any(&self, words: &[&str]) -> bool {
        self.kind == Kind::Word && words.iter().any(|w| self.text.eq_ignore_ascii_case(w))
    }

    /// Whether it is this character.
    pub fn symbol(&self, c: char) -> bool {
        self.kind == Kind::Symbol && self.text.len() == c.len_utf8() && self.text.starts_with(c)
    }

    /// Whether it can name something.
    pub fn is_name(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::Quoted)
    }

    /// The name or text without its quotes, doubled quotes made single.
    pub fn unquoted(&self) -> String {
        let text = self
            .text
            .trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '&' || c == '@');
        let inner = |open: char, close: char| {
            text.strip_prefix(open)
                .and_then(|t| t.strip_suffix(close))
                .map(|t| t.replace(&format!("{close}{close}"), &close.to_string()))
        };
        match self.kind {
            Kind::Quoted | Kind::Text => inner('"', '"')
                .or_else(|| inner('`', '`'))
                .or_else(|| inner('[', ']'))
                .or_else(|| inner('\'', '\''))
                .unwrap_or_else(|| self.text.to_owned()),
            _ => self.text.to_owned(),
        }
    }
}

/// Cuts a text into tokens, one at a time, so that a client's own commands can be taken out
/// between two of them.
pub struct Lexer<'a> {
    text: &'a str,
    at: usize,
    dialect: Dialect,
    /// Whether `:name` is replaced by the client.
    variables: bool,
    in_conditional: bool,
}

impl<'a> Lexer<'a> {
    /// A lexer at the start of `text`.
    pub fn new(text: &'a str, dialect: Dialect, variables: bool) -> Self {
        Lexer {
            text,
            at: 0,
            dialect,
            variables,
            in_conditional: false,
        }
    }

    /// Where the next token is looked for.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Goes on at that offset (a client command was taken out); never goes back.
    pub fn skip_to(&mut self, at: usize) {
        let mut at = at.clamp(self.at, self.text.len());
        while !self.text.is_char_boundary(at) {
            at += 1;
        }
        self.at = at;
    }

    /// Skips blanks and comments before the next token. A comment without an end stays for the
    /// next token to say so.
    pub fn skip_blanks(&mut self) {
        let at = self.at;
        if self.skip_blank().is_err() {
            self.at = at;
        }
    }

    /// Gives back what follows the first `length` bytes of a token just read.
    pub fn cut(&mut self, mut token: Token<'a>, length: usize) -> Token<'a> {
        if let Some(text) = token.text.get(..length) {
            token.text = text;
            self.at = token.at + length;
        }
        token
    }

    /// What stands at the current place.
    pub fn ahead(&self) -> &'a str {
        self.rest()
    }

    /// The rest of the line from the current place, without the line end.
    pub fn line_rest(&self) -> &'a str {
        self.rest().split('\n').next().unwrap_or("")
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.text
            .as_bytes()
            .get(self.at + ahead)
            .copied()
            .unwrap_or(0)
    }

    fn take(&mut self, kind: Kind, length: usize) -> Token<'a> {
        let at = self.at;
        let mut end = (at + length).min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        self.at = end;
        Token {
            kind,
            text: self.text.get(at..end).unwrap_or(""),
            at,
            maybe: self.in_conditional,
        }
    }

    fn broken(&mut self) -> Token<'a> {
        self.take(Kind::Broken, self.text.len())
    }

    /// Whether `--` at the current place starts a comment.
    fn dashes(&self) -> bool {
        let control = |byte: u8| byte <= b' ' || byte == 0x7f;
        self.rest().starts_with("--") && (self.dialect != Dialect::Mysql || control(self.byte(2)))
    }

    /// Skips a comment to the end of its line. `Err`: where it ends is not certain.
    fn line_comment(&mut self, rest: &str) -> Result<(), ()> {
        let returns = self.postgres();
        let ends = |c: char| c == '\n' || (returns && c == '\r');
        let comment = rest.split(ends).next().unwrap_or(rest);
        // A server that leaves out the code around the comment sees the code's end in it.
        let leaves = self.in_conditional && comment.contains("*/");
        let unsure = matches!(self.dialect, Dialect::Sqlserver | Dialect::Clickhouse)
            && comment.trim_end_matches('\r').contains('\r');
        if leaves || unsure {
            return Err(());
        }
        self.at += comment.len();
        Ok(())
    }

    fn postgres(&self) -> bool {
        matches!(self.dialect, Dialect::Postgres | Dialect::Generic)
    }

    /// Skips blanks and comments. `Err` is a comment without an end.
    fn skip_blank(&mut self) -> Result<(), ()> {
        loop {
            let before = self.at;
            while self.at < self.text.len() && self.byte(0) != 0 && self.byte(0) <= b' ' {
                self.at += 1;
            }
            let rest = self.rest();
            if self.dashes() || self.hash_comment(rest) {
                self.line_comment(rest)?;
            } else if rest.starts_with("/*") {
                self.block_comment(rest)?;
            } else if self.in_conditional && rest.starts_with("*/") {
                self.in_conditional = false;
                self.at += 2;
            }
            if self.at == before {
                return Ok(());
            }
        }
    }

    fn hash_comment(&self, rest: &str) -> bool {
        match self.dialect {
            Dialect::Mysql => rest.starts_with('#'),
            Dialect::Clickhouse => rest.starts_with("# ") || rest.starts_with("#!"),
            _ => false,
        }
    }

    fn block_comment(&mut self, rest: &str) -> Result<(), ()> {
        if self.dialect == Dialect::Mysql
            && let Some(code) = rest
                .strip_prefix("/*!")
                .or_else(|| rest.strip_prefix("/*M!"))
        {
            if self.in_conditional {
                return Err(());
            }
            let digits = code.bytes().take_while(u8::is_ascii_digit).count();
            let digits = if digits >= 5 { digits } else { 0 };
            self.at += rest.len() - code.len() + digits;
            self.in_conditional = true;
            // mariadb-dump's header: a switch of the client, not code.
            if self.rest().starts_with("\\-") {
                self.at += self.rest().find("*/").ok_or(())?;
            }
            return Ok(());
        }
        let nested = matches!(
            self.dialect,
            Dialect::Postgres | Dialect::Sqlserver | Dialect::Generic
        );
        let bytes = rest.as_bytes();
        let (mut depth, mut at) = (1usize, 2usize);
        while depth > 0 {
            match bytes.get(at..at + 2) {
                Some(b"*/") => {
                    depth -= 1;
                    at += 2;
                }
                Some(b"/*") if nested => {
                    depth += 1;
                    at += 2;
                }
                Some(_) => at += 1,
                None if self.dialect == Dialect::Sqlite => {
                    at = bytes.len();
                    break;
                }
                None => return Err(()),
            }
        }
        self.at += at;
        Ok(())
    }

    /// Length of a quoted run that starts at the current place plus `prefix` bytes.
    fn quoted(&self, prefix: usize, close: u8, backslash: bool) -> Option<usize> {
        let bytes = self.rest().as_bytes();
        let mut at = prefix + 1;
        while let Some(byte) = bytes.get(at) {
            match *byte {
                b'\\' if backslash => at += 2,
                0 => return None,
                b if b == close && bytes.get(at + 1) == Some(&close) => at += 2,
                b if b == close => return Some(at + 1),
                _ => at += 1,
            }
        }
        None
    }

    fn quote(&mut self, kind: Kind, prefix: usize, close: u8, backslash: bool) -> Token<'a> {
        match self.quoted(prefix, close, backslash) {
            Some(length)
                if self.in_conditional
                    && self.rest().get(..length).is_some_and(|t| t.contains("*/")) =>
            {
                self.broken()
            }
            Some(length) => self.take(kind, length),
            None => self.broken(),
        }
    }

    /// `$tag$ ... $tag$`, where one starts here.
    fn dollar_quote(&mut self) -> Option<Token<'a>> {
        let rest = self.rest();
        let tag_end = rest.get(1..)?.find('$')? + 1;
        let tag = rest.get(1..tag_end)?;
        let valid = tag.bytes().all(|b| is_word_byte(b) && b != b'$')
            && !tag.starts_with(|c: char| c.is_ascii_digit());
        if !valid {
            return None;
        }
        let open = rest.get(..=tag_end)?;
        let body = rest.get(open.len()..)?;
        Some(match body.find(open) {
            Some(end) => self.take(Kind::Text, open.len() * 2 + end),
            None => self.broken(),
        })
    }

    fn word_length(&self) -> usize {
        self.rest().bytes().take_while(|b| is_word_byte(*b)).count()
    }

    /// A text literal with a letter in front (`E'..'`, `N'..'`, `U&'..'`), where one starts here.
    fn prefixed_text(&mut self) -> Option<Token<'a>> {
        let first = self.byte(0).to_ascii_lowercase();
        if self.postgres() && first == b'u' && self.byte(1) == b'&' {
            return match self.byte(2) {
                b'\'' => Some(self.quote(Kind::Text, 2, b'\'', false)),
                b'"' => Some(self.quote(Kind::Quoted, 2, b'"', false)),
                _ => None,
            };
        }
        if self.byte(1) != b'\'' || !matches!(first, b'e' | b'b' | b'x' | b'n') {
            return None;
        }
        let backslash = match self.dialect {
            Dialect::Postgres | Dialect::Generic => first == b'e',
            Dialect::Mysql | Dialect::Clickhouse if first == b'e' => return None,
            Dialect::Mysql => first == b'n',
            _ => false,
        };
        if self.postgres() && first == b'e' {
            return Some(match self.escaped() {
                Some(length) => self.take(Kind::Text, length),
                None => self.broken(),
            });
        }
        Some(self.quote(Kind::Text, 1, b'\'', backslash))
    }

    /// Length of `E'...'` with all its continuations: what stands in quotes on a later line belongs
    /// to it, and is read like it by the server, but not by psql.
    fn escaped(&self) -> Option<usize> {
        let mut length = self.quoted(1, b'\'', true)?;
        while let Some(gap) = self.rest().get(length..).and_then(continuation) {
            let next = self.quoted(length + gap, b'\'', true)?;
            if self.variables && self.quoted(length + gap, b'\'', false) != Some(next) {
                return None;
            }
            length = next;
        }
        Some(length)
    }

    /// SQLite's own variables can hold anything in parentheses: `$a(')`.
    fn parenthesised(&self) -> bool {
        let name = |b: &u8| is_word_byte(*b) || *b == b':';
        let length = self.rest().bytes().skip(1).take_while(name).count();
        length > 0 && self.byte(length + 1) == b'('
    }

    fn number_length(&self) -> usize {
        let dollar = !self.postgres();
        let of_it = |b: &u8| (is_word_byte(*b) && (dollar || *b != b'$')) || *b == b'.';
        self.rest().bytes().take_while(of_it).count()
    }

    /// A client variable, where one starts here.
    fn variable(&mut self) -> Option<Token<'a>> {
        let rest = self.rest();
        if self.dialect == Dialect::Sqlserver && rest.starts_with("$(") {
            let end = rest.find(')')? + 1;
            return Some(self.take(Kind::Variable, end));
        }
        if !self.variables || self.byte(0) != b':' {
            return None;
        }
        match self.byte(1) {
            b':' => None,
            b'\'' => Some(self.quote(Kind::Text, 1, b'\'', false)),
            b'"' => Some(self.quote(Kind::Quoted, 1, b'"', false)),
            b'{' => Some(self.take(Kind::Variable, 2)),
            b if is_word_byte(b) => {
                let length = rest
                    .bytes()
                    .skip(1)
                    .take_while(|b| is_word_byte(*b))
                    .count();
                Some(self.take(Kind::Variable, length + 1))
            }
            _ => None,
        }
    }
}

/// Where the next part of a text literal starts behind blanks and comments with a line's end in
/// them, if there is one.
fn continuation(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let (mut at, mut line) = (0, false);
    loop {
        match bytes.get(at)? {
            b'\n' | b'\r' => line = true,
            b' ' | b'\t' | 0x0b | 0x0c => {}
            b'-' if bytes.get(at + 1) == Some(&b'-') => {
                at += rest.get(at..)?.find(['\n', '\r'])?;
                continue;
            }
            b'\'' if line => return Some(at),
            _ => return None,
        }
        at += 1;
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        if self.skip_blank().is_err() {
            return Some(self.broken());
        }
        if self.at >= self.text.len() {
            return None;
        }
        let mysql = self.dialect == Dialect::Mysql;
        let escapes = mysql || self.dialect == Dialect::Clickhouse;
        let token = match self.byte(0) {
            0 => self.broken(),
            b'\'' => self.quote(Kind::Text, 0, b'\'', escapes),
            b'"' if mysql => self.quote(Kind::Text, 0, b'"', true),
            b'"' => self.quote(Kind::Quoted, 0, b'"', escapes),
            b'`' => self.quote(Kind::Quoted, 0, b'`', self.dialect == Dialect::Clickhouse),
            b'[' if matches!(self.dialect, Dialect::Sqlserver | Dialect::Sqlite) => {
                self.quote(Kind::Quoted, 0, b']', false)
            }
            b'\\' => self.take(Kind::Backslash, 1),
            b'$' | b'@' | b':' | b'#'
                if self.dialect == Dialect::Sqlite && self.parenthesised() =>
            {
                self.broken()
            }
            b'$' if !mysql => match self.variable().or_else(|| self.dollar()) {
                Some(token) => token,
                None => self.take(Kind::Symbol, 1),
            },
            b':' => match self.variable() {
                Some(token) => token,
                None if self.byte(1) == b':' => {
                    // A cast's two colons belong together: `::name` is no variable.
                    self.take(Kind::Symbol, 2)
                }
                None => self.take(Kind::Symbol, 1),
            },
            b if b.is_ascii_digit() => {
                let length = self.number_length();
                // Whether a letter at its end belongs to the text is not the same in all versions.
                match self.postgres() && self.byte(length) == b'\'' {
                    true => self.broken(),
                    false => self.take(Kind::Number, length),
                }
            }
            b if is_word_byte(b) => match self.prefixed_text() {
                Some(token) => token,
                None => {
                    let length = self.word_length();
                    self.take(Kind::Word, length)
                }
            },
            _ => self.take(Kind::Symbol, 1),
        };
        Some(token)
    }
}

impl<'a> Lexer<'a> {
    fn dollar(&mut self) -> Option<Token<'a>> {
        if matches!(
            self.dialect,
            Dialect::Postgres | Dialect::Generic | Dialect::Clickhouse
        ) {
            return self.dollar_quote();
        }
        None
    }
}
