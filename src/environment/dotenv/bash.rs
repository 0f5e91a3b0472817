//! A shell: `set -a; . FILE`. Assignments are read as bash reads them; anything that could change
//! variables in another way makes the file unreadable.

use super::text::{MARK, changed, closing_parenthesis, held, output_of, own_up, word};
use super::{DotenvError, Entry, Process};

/// Words after which the values of a file cannot be known any more.
const BEYOND: &[&str] = &[
    "source",
    ".",
    "eval",
    "read",
    "unset",
    "declare",
    "typeset",
    "local",
    "readonly",
    "set",
    "exec",
    "exit",
    "return",
    "if",
    "then",
    "else",
    "elif",
    "fi",
    "for",
    "while",
    "until",
    "do",
    "done",
    "case",
    "esac",
    "select",
    "function",
    "{",
    "}",
    "!",
    "[[",
    "((",
    "mapfile",
    "readarray",
    "printf",
    "getopts",
    "let",
    "shift",
    "trap",
    "alias",
    "shopt",
    "builtin",
    "command",
    "cd",
];

/// What `set -a; . FILE` changes.
pub(super) fn source(text: &str, process: &Process<'_>) -> Result<Vec<Entry>, DotenvError> {
    let mut shell = Shell {
        chars: text.chars().collect(),
        at: 0,
        line: 1,
        entries: Vec::new(),
        process,
    };
    while let Some(line) = shell.line() {
        shell.run(line?)?;
    }
    Ok(own_up(changed(super::settle(shell.entries), process)))
}

/// A piece of a word, expanded only when its command runs.
#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    /// A plain variable.
    Name(String),
    /// `${NAME:-word}`: name, operator, word.
    Operator(String, String, Vec<Piece>),
    /// An unquoted `~` at the start of a value.
    Home,
    /// Output of a command.
    Output(String),
}

#[derive(Debug, Clone, Default)]
struct Word {
    pieces: Vec<Piece>,
    /// The name before an unquoted `=`, and whether it is `+=`.
    assigns: Option<(String, bool)>,
    line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Line,
    Next,
    Background,
    And,
    Or,
    Pipe,
}

struct Simple {
    words: Vec<Word>,
    end: End,
}

struct Shell<'a> {
    chars: Vec<char>,
    at: usize,
    line: usize,
    entries: Vec<Entry>,
    process: &'a Process<'a>,
}

type Line = Result<Vec<Simple>, DotenvError>;

impl Shell<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        self.line += usize::from(c == '\n');
        Some(c)
    }

    /// The commands of one line; `None` at the end of the file or where the rest is no shell
    /// (bash stops there, keeping what it ran before).
    fn line(&mut self) -> Option<Line> {
        self.peek()?;
        let mut commands = Vec::new();
        let mut words = Vec::new();
        loop {
            while self.peek().is_some_and(|c| c == ' ' || c == '\t') {
                self.next();
            }
            let end = match self.peek() {
                None | Some('\n') => End::Line,
                Some(';') => End::Next,
                Some('&') if self.chars.get(self.at + 1) == Some(&'&') => End::And,
                Some('&') => End::Background,
                Some('|') if self.chars.get(self.at + 1) == Some(&'|') => End::Or,
                Some('|') => End::Pipe,
                Some('#') => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.next();
                    }
                    continue;
                }
                Some(c @ ('(' | ')' | '<' | '>')) => {
                    let what = format!("the shell's `{c}` cannot be read");
                    return Some(Err(DotenvError::new(self.line, what)));
                }
                Some(_) => {
                    words.push(self.word()?);
                    continue;
                }
            };
            self.next();
            if matches!(end, End::And | End::Or) {
                self.next();
            }
            if !words.is_empty() {
                commands.push(Simple {
                    words: std::mem::take(&mut words),
                    end,
                });
            }
            if end == End::Line {
                return Some(Ok(commands));
            }
        }
    }

    /// One word; `None` where a quote is not closed.
    fn word(&mut self) -> Option<Word> {
        let mut word = Word {
            line: self.line,
            ..Word::default()
        };
        let mut plain = Some(String::new());
        while let Some(c) = self.peek() {
            if matches!(
                c,
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>'
            ) {
                break;
            }
            self.next();
            if c == '=' && word.assigns.is_none() {
                let name = plain.take().unwrap_or_default();
                let added = name.ends_with('+');
                let name = name.trim_end_matches('+');
                if is_name(name) {
                    word.assigns = Some((name.to_owned(), added));
                    word.pieces.clear();
                    if self.peek() == Some('~') {
                        self.next();
                        word.pieces.push(self.tilde());
                    }
                    continue;
                }
            }
            let quoted = matches!(c, '\'' | '"' | '\\' | '$' | '`');
            match plain.as_mut().filter(|_| !quoted) {
                Some(text) => text.push(c),
                None => plain = None,
            }
            self.piece(c, &mut word.pieces, false)?;
        }
        Some(word)
    }

    fn tilde(&self) -> Piece {
        match self.peek() {
            None | Some('/' | ' ' | '\t' | '\n' | ';' | '&' | ':') => Piece::Home,
            Some(_) => Piece::Text(MARK.to_string()),
        }
    }

    fn piece(&mut self, c: char, pieces: &mut Vec<Piece>, double: bool) -> Option<()> {
        match c {
            '\'' if !double => {
                let mut text = String::new();
                loop {
                    match self.next()? {
                        '\'' => break,
                        c => text.push(c),
                    }
                }
                pieces.push(Piece::Text(text));
            }
            '"' if !double => loop {
                match self.next()? {
                    '"' => break,
                    c => self.piece(c, pieces, true)?,
                }
            },
            '\\' => match self.next() {
                Some('\n') => {}
                Some(c) if double && !matches!(c, '$' | '`' | '"' | '\\') => {
                    push_text(pieces, '\\');
                    push_text(pieces, c);
                }
                Some(c) => push_text(pieces, c),
                None => push_text(pieces, '\\'),
            },
            '`' => {
                let mut command = String::new();
                loop {
                    match self.next()? {
                        '`' => break,
                        c => command.push(c),
                    }
                }
                pieces.push(Piece::Output(command));
            }
            '$' => self.dollar(pieces, double)?,
            c => push_text(pieces, c),
        }
        Some(())
    }

    fn dollar(&mut self, pieces: &mut Vec<Piece>, double: bool) -> Option<()> {
        match self.peek() {
            Some('(') => {
                let rest: String = self.chars.get(self.at..)?.iter().collect();
                let end = closing_parenthesis(&rest, 0)?;
                let inner = rest.get(1..end - 1)?.to_owned();
                for _ in 0..rest.get(..end)?.chars().count() {
                    self.next();
                }
                pieces.push(if inner.starts_with('(') {
                    Piece::Text(MARK.to_string())
                } else {
                    Piece::Output(inner)
                });
            }
            Some('{') => {
                self.next();
                pieces.push(self.braced(double)?);
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let mut name = String::new();
                while let Some(c) = self.peek().filter(|c| word(*c)) {
                    name.push(c);
                    self.next();
                }
                pieces.push(Piece::Name(name));
            }
            Some('0'..='9' | '@' | '*' | '#' | '?' | '-' | '$' | '!') => {
                self.next();
                push_text(pieces, MARK);
            }
            Some('\'') if !double => push_text(pieces, MARK),
            Some('"') if !double => {}
            _ => push_text(pieces, '$'),
        }
        Some(())
    }

    fn braced(&mut self, double: bool) -> Option<Piece> {
        let mut name = String::new();
        while let Some(c) = self.peek().filter(|c| word(*c)) {
            name.push(c);
            self.next();
        }
        let mut operator = String::new();
        while let Some(c) = self
            .peek()
            .filter(|c| ":-=+?".contains(*c) && operator.len() < 2)
        {
            if operator.len() == 1 && operator != ":" {
                break;
            }
            operator.push(c);
            self.next();
        }
        let mut pieces = Vec::new();
        loop {
            match self.next()? {
                '}' => break,
                c => self.piece(c, &mut pieces, double)?,
            }
        }
        let plain = operator.is_empty() && pieces.is_empty();
        let known = !matches!(operator.as_str(), "" | ":");
        Some(match (is_name(&name), plain, known) {
            (true, true, _) => Piece::Name(name),
            (true, _, true) => Piece::Operator(name, operator, pieces),
            _ => Piece::Text(MARK.to_string()),
        })
    }

    fn run(&mut self, commands: Vec<Simple>) -> Result<(), DotenvError> {
        let mut skip = false;
        let mut piped = false;
        for command in commands {
            let background = matches!(command.end, End::Background | End::Pipe) || piped;
            piped = command.end == End::Pipe;
            let all_assign = command.words.iter().all(|w| w.assigns.is_some());
            if !skip && !background {
                if all_assign {
                    for word in &command.words {
                        self.assign(word)?;
                    }
                } else {
                    self.command(&command.words)?;
                }
            }
            skip = match command.end {
                End::Or => true,
                End::And if !all_assign && !skip => {
                    let line = command.words.first().map_or(1, |w| w.line);
                    let what = "what follows `&&` depends on a command";
                    return Err(DotenvError::new(line, what));
                }
                End::And => skip,
                _ => false,
            };
        }
        Ok(())
    }

    fn command(&mut self, words: &[Word]) -> Result<(), DotenvError> {
        let mut rest = words.iter().skip_while(|w| w.assigns.is_some());
        let Some(first) = rest.next() else {
            return Ok(());
        };
        let name = self.expand(&first.pieces, first.line)?;
        if name == "export" {
            for word in rest.filter(|w| w.assigns.is_some()) {
                self.assign(word)?;
            }
            return Ok(());
        }
        if BEYOND.contains(&name.as_str()) || name.contains(MARK) {
            let what = format!("the shell would run `{}`", name.replace(MARK, "..."));
            return Err(DotenvError::new(first.line, what));
        }
        Ok(())
    }

    fn assign(&mut self, word: &Word) -> Result<(), DotenvError> {
        let Some((name, added)) = &word.assigns else {
            return Ok(());
        };
        let mut value = self.expand(&word.pieces, word.line)?;
        if *added {
            value.insert_str(0, &self.held(name).unwrap_or_default());
        }
        self.entries
            .push(Entry::new(name.clone(), value, word.line));
        Ok(())
    }

    fn held(&self, name: &str) -> Option<String> {
        match held(&self.entries, name) {
            Some(entry) => entry.value.clone(),
            None => (self.process)(name),
        }
    }

    fn expand(&mut self, pieces: &[Piece], line: usize) -> Result<String, DotenvError> {
        let mut out = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Name(name) => out.push_str(&self.held(name).unwrap_or_default()),
                Piece::Home => {
                    out.push_str(&self.held("HOME").unwrap_or_else(|| MARK.to_string()));
                }
                Piece::Output(command) => out.push_str(&output_of(command)),
                Piece::Operator(name, operator, word) => {
                    let held = self.held(name);
                    let filled = held
                        .clone()
                        .filter(|v| !operator.starts_with(':') || !v.is_empty());
                    match (operator.trim_start_matches(':'), filled) {
                        ("+", Some(_)) => out.push_str(&self.expand(word, line)?),
                        ("+", None) => {}
                        (_, Some(value)) => out.push_str(&value),
                        ("?", None) => {
                            let what = self.expand(word, line)?;
                            return Err(DotenvError::new(line, format!("{name}: {what}")));
                        }
                        (op, None) => {
                            let value = self.expand(word, line)?;
                            if op == "=" {
                                self.entries
                                    .push(Entry::new(name.clone(), value.clone(), line));
                            }
                            out.push_str(&value);
                        }
                    }
                }
            }
            if out.len() > 1 << 20 {
                return Err(DotenvError::new(line, "a value grows out of all bounds"));
            }
        }
        Ok(out)
    }
}

fn push_text(pieces: &mut Vec<Piece>, c: char) {
    match pieces.last_mut() {
        Some(Piece::Text(text)) => text.push(c),
        _ => pieces.push(Piece::Text(c.to_string())),
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(word) && !text.starts_with(|c: char| c.is_ascii_digit())
}
