//! A script as psql reads it: SQL with backslash commands, which may stand anywhere outside
//! quotes.

use super::lex::{Kind, Lexer, Token};
use super::{Collector, Dialect, Effect, Event, Reach, SqlReading};

/// Judges a text that psql reads from a file or standard input. `variables` are the ones known to
/// be set (`-v`).
pub fn psql_script(text: &str, variables: &[(String, String)]) -> SqlReading {
    let mut reader = Reader {
        text,
        collector: Collector::new(text, Dialect::Postgres),
        lexer: Lexer::new(text, Dialect::Postgres, true),
        variables,
        in_data: false,
        conditional: false,
    };
    reader.run();
    reader.collector.finish()
}

struct Reader<'a> {
    text: &'a str,
    collector: Collector<'a>,
    lexer: Lexer<'a>,
    variables: &'a [(String, String)],
    /// What is read are the lines of a `COPY`: none in it has lines of its own.
    in_data: bool,
    /// Something before may be left out by `\\if`.
    conditional: bool,
}

/// One word after a backslash command.
#[derive(Debug, Default)]
struct Arg {
    text: String,
    /// It holds a variable or the output of a program.
    unknown: bool,
    /// It runs a program.
    runs: bool,
}

impl<'a> Reader<'a> {
    fn run(&mut self) {
        while let Some(token) = self.lexer.next() {
            match token.kind {
                Kind::Backslash => self.meta(token.at),
                Kind::Variable => {
                    let token = self.known(token);
                    self.collector.token(token);
                }
                _ if token.symbol(';') => {
                    let copies = self.copies_from_stdin();
                    self.collector.end();
                    if copies {
                        self.skip_copy_data();
                    }
                }
                _ => self.collector.token(token),
            }
        }
    }

    /// A variable whose value is a plain name or number counts as such.
    fn known(&self, mut token: Token<'a>) -> Token<'a> {
        let name = token.text.trim_start_matches(':');
        let value = self.variables.iter().rev().find(|(n, _)| n == name);
        if let Some((_, value)) = value
            && !value.is_empty()
            && value.bytes().all(|b| b.is_ascii_digit())
        {
            token.kind = Kind::Number;
        }
        token
    }

    /// `COPY table FROM STDIN`; what stands in the parentheses of a query is no source.
    fn copies_from_stdin(&self) -> bool {
        let tokens = &self.collector.tokens;
        tokens.first().is_some_and(|t| t.is("COPY"))
            && source(tokens).is_some_and(|t| t.is("STDIN"))
    }

    /// The lines after `COPY ... FROM STDIN` are data, up to `\.`.
    fn skip_copy_data(&mut self) {
        if self.in_data {
            return;
        }
        if !self.lexer.line_rest().trim().is_empty() {
            let why = "something follows COPY FROM STDIN on its line";
            self.collector.client(
                self.lexer.position(),
                "COPY FROM STDIN",
                Effect::Opaque,
                why,
            );
        }
        let start = self.lexer.position() + self.lexer.line_rest().len() + 1;
        let (mut at, mut end) = (start, start);
        while let Some(rest) = self.text.get(at..) {
            let line = rest.split('\n').next().unwrap_or("");
            at += line.len() + 1;
            if line.strip_suffix('\r').unwrap_or(line) == "\\." || rest.is_empty() {
                break;
            }
            end = at;
        }
        if self.conditional {
            self.left_out(start, self.text.get(start..end.min(self.text.len())));
        }
        self.lexer.skip_to(at);
    }

    /// Where a `COPY` is left out by `\if`, its data is read as statements. What it then changes is
    /// said of the ones that destroy: other data only looks like something.
    fn left_out(&mut self, start: usize, data: Option<&'a str>) {
        let text = data.unwrap_or_default();
        let mut reader = Reader {
            text,
            collector: Collector::new(text, Dialect::Postgres),
            lexer: Lexer::new(text, Dialect::Postgres, true),
            variables: self.variables,
            in_data: true,
            conditional: true,
        };
        reader.run();
        for found in reader.collector.finish().statements {
            if found.effect > Effect::Opaque || found.name == "\\!" {
                let why = "stands in the data of a COPY, and runs where the COPY does not";
                self.collector.client(start, found.name, found.effect, why);
            }
        }
    }

    fn meta(&mut self, at: usize) {
        let rest = self.lexer.line_rest();
        if rest.starts_with(';') {
            self.collector.end();
            self.lexer.skip_to(at + 2);
            return;
        }
        if rest.starts_with('\\') {
            self.lexer.skip_to(at + 2);
            return;
        }
        let length = match rest.chars().next() {
            Some(c) if c.is_ascii_alphabetic() => rest
                .find(|c: char| c.is_whitespace() || c == '\\')
                .unwrap_or(rest.len()),
            Some(c) => c.len_utf8(),
            None => 0,
        };
        let name = &rest[..length];
        let tail = &rest[length..];
        let start = self.lexer.position() + length;
        if matches!(
            name,
            "!" | "copy" | "ef" | "ev" | "e" | "edit" | "?" | "h" | "help"
        ) {
            self.lexer.skip_to(start + tail.len());
            self.whole_line(at, name, tail);
            return;
        }
        let (args, used) = self.args(tail);
        self.lexer.skip_to(start + used);
        let (taken, left) = tail.split_at_checked(used).unwrap_or((tail, ""));
        if taken.ends_with("\\\\") && (left.contains(['\'', '"', '$']) || left.contains("/*")) {
            let why = "whether the rest of its line is read hangs on whether it succeeds";
            self.collector
                .client(at, format!("\\{name}"), Effect::Opaque, why);
        }
        if args.iter().any(|a| a.runs) {
            self.collector
                .client(at, format!("\\{name}"), Effect::Opaque, "runs a program");
        }
        self.conditional |= name == "if";
        self.command(at, name, &args);
    }

    fn whole_line(&mut self, at: usize, name: &str, tail: &str) {
        match name {
            "!" => self
                .collector
                .client(at, "\\!", Effect::Opaque, "runs a program"),
            "copy" => self.copy(at, tail),
            "?" | "h" | "help" => {}
            _ => self.collector.client(
                at,
                format!("\\{name}"),
                Effect::Opaque,
                "an editor says what is run",
            ),
        }
    }

    fn copy(&mut self, at: usize, tail: &str) {
        let text = format!("COPY {tail}");
        let reading = super::judge(&text, Dialect::Postgres);
        let effect = reading.effect();
        let why = if effect == Effect::Opaque {
            "runs a program, or cannot be read"
        } else {
            ""
        };
        self.collector.client(at, "\\copy", effect, why);
        let words: Vec<Token<'_>> = Lexer::new(tail, Dialect::Postgres, false).collect();
        match source(&words) {
            Some(t) if t.is("STDIN") => self.skip_copy_data(),
            Some(t) if t.is("PSTDIN") => {
                let why = "reads what else is on standard input";
                self.collector.client(at, "\\copy", Effect::Opaque, why);
            }
            _ => {}
        }
    }

    fn command(&mut self, at: usize, name: &str, args: &[Arg]) {
        let full = format!("\\{name}");
        match name {
            "g" | "gx" | "gset" | "gdesc" | "crosstabview" | "watch" | "bind" | "sendpipeline"
            | "bind_named" => {
                self.collector.end();
                if args.iter().any(|a| a.text.starts_with('|')) {
                    self.collector
                        .client(at, full, Effect::Opaque, "runs a program");
                }
            }
            "gexec" => {
                self.collector.end();
                self.collector
                    .client(at, full, Effect::Opaque, "runs what a query answers");
            }
            "r" | "reset" | "q" | "quit" => {
                self.collector.end();
            }
            "c" | "connect" => self.connect(args),
            "setenv" => self.switch("\\setenv", args),
            "i" | "include" | "ir" | "include_relative" => {
                let beside = name.starts_with("ir") || name == "include_relative";
                match args.first() {
                    Some(a) if !a.unknown => self.collector.reading.events.push(Event::Include {
                        path: a.text.clone(),
                        beside,
                    }),
                    _ => self
                        .collector
                        .client(at, full, Effect::Opaque, "the file is not known"),
                }
            }
            "o" | "out" | "w" | "write" => {
                if args.iter().any(|a| a.text.starts_with('|')) {
                    self.collector
                        .client(at, full, Effect::Opaque, "runs a program");
                }
            }
            "cd" | "encoding" | "prompt" => {
                let why = "changes where or how the rest is read";
                self.collector.client(at, full, Effect::Opaque, why);
            }
            "password" => self.collector.client(at, full, Effect::ChangesSchema, ""),
            "lo_unlink" => self.collector.client(at, full, Effect::Destroys, ""),
            "lo_import" => self.collector.client(at, full, Effect::Writes, ""),
            _ if is_harmless(name) => {}
            _ => self
                .collector
                .client(at, full, Effect::Opaque, "no command that is known here"),
        }
    }

    fn connect(&mut self, args: &[Arg]) {
        if args.is_empty() {
            return;
        }
        self.switch("\\connect", args);
    }

    /// A switch of server in psql's own words: the command and its words, one a line.
    fn switch(&mut self, name: &str, args: &[Arg]) {
        if args.iter().any(|a| a.unknown) {
            let why = format!("{name} with a value that is not known here");
            self.collector.reading.reach(Reach::Unknown(why));
            return;
        }
        let mut words = name.to_owned();
        for arg in args {
            words.push('\n');
            words.push_str(&arg.text);
        }
        self.collector.reading.reach(Reach::Connection(words));
    }

    /// The words after a command, up to the line's end or the next backslash; how many bytes.
    fn args(&self, tail: &str) -> (Vec<Arg>, usize) {
        let mut args = Vec::new();
        let mut at = 0;
        while let Some(rest) = tail.get(at..) {
            let trimmed = rest.trim_start();
            at += rest.len() - trimmed.len();
            if trimmed.is_empty() {
                break;
            }
            if trimmed.starts_with("\\\\") {
                at += 2;
                break;
            }
            if trimmed.starts_with('\\') {
                break;
            }
            let (arg, used) = self.arg(trimmed);
            at += used.max(1);
            args.push(arg);
        }
        (args, at.min(tail.len()))
    }

    fn arg(&self, text: &str) -> (Arg, usize) {
        let mut arg = Arg::default();
        if text.starts_with('|') {
            arg.runs = true;
            arg.text = text.to_owned();
            return (arg, text.len());
        }
        let mut chars = text.char_indices().peekable();
        let mut quote = None;
        while let Some((at, c)) = chars.next() {
            match (quote, c) {
                (None, c) if c.is_whitespace() || c == '\\' => return (arg, at),
                (None, '\'' | '"' | '`') => {
                    quote = Some(c);
                    arg.runs |= c == '`';
                    arg.unknown |= c == '`';
                }
                (Some(q), c) if q == c => {
                    if q != '`' && chars.peek().is_some_and(|(_, n)| *n == q) {
                        arg.text.push(c);
                        chars.next();
                    } else {
                        quote = None;
                    }
                }
                (Some('\''), '\\') => arg.text.extend(chars.next().map(|(_, n)| n)),
                (None, ':') => self.variable(&text[at..], &mut arg, &mut chars),
                (_, c) => arg.text.push(c),
            }
        }
        arg.unknown |= quote.is_some();
        (arg, text.len())
    }

    fn variable(
        &self,
        text: &str,
        arg: &mut Arg,
        chars: &mut std::iter::Peekable<std::str::CharIndices<'_>>,
    ) {
        let name: String = text
            .chars()
            .skip(1)
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        if name.is_empty() {
            arg.unknown |= text[1..].starts_with(['\'', '"', '{']);
            arg.text.push(':');
            return;
        }
        match self.variables.iter().rev().find(|(n, _)| *n == name) {
            Some((_, value)) => arg.text.push_str(value),
            None => {
                arg.unknown = true;
                arg.text.push_str(&text[..=name.len()]);
            }
        }
        for _ in name.chars() {
            chars.next();
        }
    }
}

/// What follows the `FROM` of a `COPY`, where it has one of its own.
fn source<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<&'t Token<'a>> {
    let mut depth = 0usize;
    let from = tokens.iter().position(|t| {
        depth += usize::from(t.symbol('('));
        depth = depth.saturating_sub(usize::from(t.symbol(')')));
        depth == 0 && t.is("FROM")
    })?;
    tokens.get(from + 1)
}

/// Commands that only tell, or only change how psql shows things.
fn is_harmless(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "a",
        "C",
        "conninfo",
        "copyright",
        "echo",
        "elif",
        "else",
        "endif",
        "errverbose",
        "f",
        "H",
        "html",
        "if",
        "l",
        "list",
        "lo_export",
        "lo_list",
        "p",
        "print",
        "pset",
        "qecho",
        "restrict",
        "s",
        "set",
        "sf",
        "sv",
        "t",
        "T",
        "timing",
        "unrestrict",
        "unset",
        "warn",
        "x",
        "z",
        ".",
        "parse",
        "startpipeline",
        "endpipeline",
        "syncpipeline",
        "getenv",
        "close",
    ];
    let plain = name.trim_end_matches('+');
    NAMES.contains(&plain)
        || (plain.starts_with('d') && plain.len() <= 6)
        || (name.starts_with(['l', 'd', 'z']) && name.ends_with(['+', 'S']) && name.len() <= 8)
}
