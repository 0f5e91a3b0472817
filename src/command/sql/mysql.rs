//! A script as the mysql and mariadb clients read it: SQL with the client's own commands, in long
//! form at the start of a statement and as `\x` anywhere outside quotes.

use super::lex::{Kind, Lexer};
use super::{Collector, Dialect, Effect, Event, Reach, SqlReading};

/// Judges a text that the mysql client reads from `-e`, a file or standard input.
pub fn mysql_script(text: &str) -> SqlReading {
    let mut reader = Reader {
        collector: Collector::new(text, Dialect::Mysql),
        lexer: Lexer::new(text, Dialect::Mysql, false),
        delimiter: ";".to_owned(),
    };
    reader.run();
    reader.collector.finish()
}

struct Reader<'a> {
    collector: Collector<'a>,
    lexer: Lexer<'a>,
    delimiter: String,
}

/// Long names of the client's commands with their letters.
const COMMANDS: &[(&str, char)] = &[
    ("charset", 'C'),
    ("clear", 'c'),
    ("connect", 'r'),
    ("costs", 'Q'),
    ("delimiter", 'd'),
    ("edit", 'e'),
    ("ego", 'G'),
    ("exit", 'q'),
    ("go", 'g'),
    ("help", 'h'),
    ("nopager", 'n'),
    ("notee", 't'),
    ("nowarning", 'w'),
    ("pager", 'P'),
    ("print", 'p'),
    ("prompt", 'R'),
    ("quit", 'q'),
    ("rehash", '#'),
    ("resetconnection", 'x'),
    ("sandbox", '-'),
    ("source", '.'),
    ("status", 's'),
    ("system", '!'),
    ("tee", 'T'),
    ("use", 'u'),
    ("warnings", 'W'),
];

impl Reader<'_> {
    fn run(&mut self) {
        loop {
            self.lexer.skip_blanks();
            if self.lexer.ahead().starts_with(&self.delimiter) {
                self.end();
                continue;
            }
            let Some(token) = self.lexer.next() else {
                break;
            };
            if token.kind == Kind::Backslash {
                let letter = self.lexer.ahead().chars().next().unwrap_or(' ');
                self.lexer
                    .skip_to(self.lexer.position() + letter.len_utf8());
                self.command(token.at, letter);
                continue;
            }
            if token.kind == Kind::Word && self.collector.is_empty() {
                let known = COMMANDS
                    .iter()
                    .find(|(name, _)| token.text.eq_ignore_ascii_case(name));
                if let Some((name, letter)) = known {
                    self.spelled(token.at, name);
                    self.command(token.at, *letter);
                    continue;
                }
            }
            let custom = self.delimiter != ";" && matches!(token.kind, Kind::Word | Kind::Number);
            match token.text.find(&self.delimiter).filter(|_| custom) {
                Some(length) => {
                    let token = self.lexer.cut(token, length);
                    self.collector.token(token);
                }
                None if token.symbol(';') => {
                    self.collector.end();
                }
                None => self.collector.token(token),
            }
        }
    }

    /// A command in its long form takes its whole line where a line begins with it, and else is cut
    /// like SQL: the two differ where a quote or comment does not end on the line.
    fn spelled(&mut self, at: usize, name: &'static str) {
        let line = self.lexer.line_rest();
        let words = line.split(self.delimiter.as_str()).next().unwrap_or(line);
        let odd = |quote: char| words.matches(quote).count() % 2 == 1;
        if ['\'', '"', '`'].into_iter().any(odd) || words.contains('\\') || words.contains("/*") {
            let why = "how its line is read hangs on where it stands";
            self.collector.client(at, name, Effect::Opaque, why);
        }
    }

    fn end(&mut self) {
        self.collector.end();
        self.lexer
            .skip_to(self.lexer.position() + self.delimiter.len().max(1));
    }

    /// The words of a command: up to the delimiter or the line's end.
    fn words(&mut self) -> String {
        let line = self.lexer.line_rest();
        let end = line.find(&self.delimiter).unwrap_or(line.len());
        let words = line[..end].trim().to_owned();
        self.lexer.skip_to(self.lexer.position() + end);
        words
    }

    fn command(&mut self, at: usize, letter: char) {
        match letter {
            'g' | 'G' => {
                self.collector.end();
            }
            'd' => self.delimiter(at),
            'u' => {
                let name = self.words();
                let name = unquoted(name.split_whitespace().next().unwrap_or(""));
                self.collector.reading.reach(if name.is_empty() {
                    Reach::Unknown("USE without a name".into())
                } else {
                    Reach::Database(name)
                });
                self.collector.client(at, "USE", Effect::Reads, "");
            }
            'r' => {
                let words = self.words();
                let words: Vec<String> = words.split_whitespace().map(unquoted).collect();
                if !words.is_empty() {
                    let switch = format!("connect\n{}", words.join("\n"));
                    self.collector.reading.reach(Reach::Connection(switch));
                }
                self.collector.client(at, "connect", Effect::Reads, "");
            }
            '.' => {
                let path = unquoted(&self.words());
                self.collector.reading.events.push(Event::Include {
                    path,
                    beside: false,
                });
            }
            '!' | 'e' => {
                let rest = self.lexer.line_rest().len();
                self.lexer.skip_to(self.lexer.position() + rest);
                self.collector
                    .client(at, "system", Effect::Opaque, "runs a program");
            }
            'P' => {
                if !self.words().is_empty() {
                    self.collector
                        .client(at, "pager", Effect::Opaque, "runs a program");
                }
            }
            'C' => {
                let charset = self.words();
                let plain = ["utf8", "utf8mb3", "utf8mb4", "latin1", "binary", "ascii"];
                if !plain.iter().any(|p| charset.eq_ignore_ascii_case(p)) {
                    let why = "changes how the rest is read";
                    self.collector.client(at, "charset", Effect::Opaque, why);
                }
            }
            'T' | 'R' | 'h' | '?' => {
                self.words();
            }
            'c' | 'Q' | 'q' | 'n' | 't' | 'w' | 'p' | '#' | 'x' | '-' | 's' | 'W' => {}
            _ => self
                .collector
                .client(at, "\\", Effect::Opaque, "no command that is known here"),
        }
    }

    fn delimiter(&mut self, at: usize) {
        let line = self.lexer.line_rest();
        let word = unquoted(line.split_whitespace().next().unwrap_or(""));
        self.lexer.skip_to(self.lexer.position() + line.len());
        if word.is_empty() || word.contains('\\') {
            let why = "a delimiter that is not known here";
            self.collector.client(at, "delimiter", Effect::Opaque, why);
        } else {
            self.delimiter = word;
        }
    }
}

fn unquoted(word: &str) -> String {
    let inner = |q: char| word.strip_prefix(q).and_then(|w| w.strip_suffix(q));
    inner('`')
        .or_else(|| inner('\''))
        .or_else(|| inner('"'))
        .unwrap_or(word)
        .to_owned()
}
