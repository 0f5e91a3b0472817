//! Scripts as sqlite3 and sqlcmd read them: SQL with commands on lines of their own.

use super::lex::Lexer;
use super::{Collector, Dialect, Effect, Event, Reach, SqlReading};

/// Judges a text that sqlite3 reads: an operand, `-cmd`, a file or standard input.
pub fn sqlite_script(text: &str) -> SqlReading {
    let mut collector = Collector::new(text, Dialect::Sqlite);
    let mut lexer = Lexer::new(text, Dialect::Sqlite, false);
    loop {
        if collector.is_empty() {
            lexer.skip_blanks();
            let line = lexer.line_rest();
            let at = lexer.position();
            if line.starts_with(['.', '#']) {
                lexer.skip_to(at + line.len());
                if let Some(command) = line.strip_prefix('.') {
                    dot_command(&mut collector, at, command);
                }
                continue;
            }
        }
        lexer.skip_blanks();
        let line = lexer.line_rest();
        if is_end(line.trim()) && starts_line(text, lexer.position()) {
            collector.end();
            lexer.skip_to(lexer.position() + line.len());
            continue;
        }
        match lexer.next() {
            None => return collector.finish(),
            Some(token) if token.symbol(';') => {
                collector.end();
            }
            Some(token) => collector.token(token),
        }
    }
}

/// Lines that end a statement as `;` does.
fn is_end(line: &str) -> bool {
    line == "/" || line.eq_ignore_ascii_case("go")
}

/// Whether only blanks stand before a place in its line.
fn starts_line(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let blank = |c: char| c.is_whitespace() && c != '\n';
    let before = before.trim_end_matches(blank);
    before.is_empty() || before.ends_with('\n')
}

/// sqlite3's commands; those not named do more than tell.
const DOT_COMMANDS: &[(&str, Effect)] = &[
    ("archive", Effect::Writes),
    ("ar", Effect::Writes),
    ("auth", Effect::None),
    ("backup", Effect::Destroys),
    ("bail", Effect::None),
    ("binary", Effect::None),
    ("cd", Effect::Opaque),
    ("changes", Effect::None),
    ("check", Effect::None),
    ("clone", Effect::Writes),
    ("connection", Effect::None),
    ("databases", Effect::Reads),
    ("dbconfig", Effect::Writes),
    ("dbinfo", Effect::Reads),
    ("dump", Effect::Reads),
    ("echo", Effect::None),
    ("eqp", Effect::None),
    ("excel", Effect::Opaque),
    ("exit", Effect::None),
    ("expert", Effect::Reads),
    ("explain", Effect::None),
    ("filectrl", Effect::Writes),
    ("fullschema", Effect::Reads),
    ("headers", Effect::None),
    ("help", Effect::None),
    ("import", Effect::Writes),
    ("imposter", Effect::Opaque),
    ("indexes", Effect::Reads),
    ("indices", Effect::Reads),
    ("limit", Effect::None),
    ("lint", Effect::Reads),
    ("load", Effect::Opaque),
    ("log", Effect::None),
    ("mode", Effect::None),
    ("nullvalue", Effect::None),
    ("once", Effect::None),
    ("open", Effect::Reads),
    ("output", Effect::None),
    ("parameter", Effect::None),
    ("print", Effect::None),
    ("progress", Effect::None),
    ("prompt", Effect::None),
    ("quit", Effect::None),
    ("read", Effect::None),
    ("recover", Effect::Reads),
    ("restore", Effect::Destroys),
    ("save", Effect::Destroys),
    ("scanstats", Effect::None),
    ("schema", Effect::Reads),
    ("separator", Effect::None),
    ("session", Effect::Opaque),
    ("sha3sum", Effect::Reads),
    ("shell", Effect::Opaque),
    ("show", Effect::None),
    ("stats", Effect::None),
    ("system", Effect::Opaque),
    ("tables", Effect::Reads),
    ("testctrl", Effect::Opaque),
    ("timeout", Effect::None),
    ("timer", Effect::None),
    ("trace", Effect::None),
    ("vfsinfo", Effect::Reads),
    ("vfslist", Effect::None),
    ("vfsname", Effect::None),
    ("width", Effect::None),
    ("www", Effect::Opaque),
];

fn dot_command(collector: &mut Collector<'_>, at: usize, line: &str) {
    let words = dot_words(line);
    let Some(typed) = words.first().filter(|w| !w.is_empty()) else {
        return;
    };
    let exact = DOT_COMMANDS.iter().find(|(name, _)| name == typed);
    let mut starting = DOT_COMMANDS
        .iter()
        .filter(|(name, _)| name.starts_with(typed.as_str()));
    let found = exact.or_else(|| match (starting.next(), starting.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    });
    let Some((name, effect)) = found else {
        let why = "no command that is known here";
        collector.client(at, format!(".{typed}"), Effect::Opaque, why);
        return;
    };
    let file = words.iter().skip(1).rfind(|w| !w.starts_with('-'));
    let escaped = line.contains('"') && line.contains('\\');
    if escaped || words.iter().skip(1).any(|w| w.starts_with('|')) {
        collector.client(at, format!(".{name}"), Effect::Opaque, "runs a program");
        return;
    }
    let mut effect = *effect;
    match (*name, file) {
        ("read", Some(path)) => collector.reading.events.push(Event::Include {
            path: path.clone(),
            beside: false,
        }),
        ("open", _) => {
            let new = words.iter().any(|w| w.trim_start_matches('-') == "new");
            let file = file.cloned().unwrap_or_else(|| ":memory:".to_owned());
            collector.reading.reach(Reach::Connection(file));
            if new {
                effect = Effect::Destroys;
            }
        }
        ("backup" | "save" | "clone" | "restore", Some(path)) => {
            collector.reading.reach(Reach::Connection(path.clone()));
        }
        ("output" | "once" | "excel", _)
            if words
                .iter()
                .any(|w| ["-e", "-x", "--e", "--x"].contains(&w.as_str())) =>
        {
            effect = Effect::Opaque;
        }
        // The value is an expression.
        ("parameter", _) if line.contains('(') => effect = Effect::Opaque,
        ("output" | "once" | "log" | "trace", Some(path)) if looks_like_database(path) => {
            collector.reading.reach(Reach::Connection(path.clone()));
            effect = Effect::Destroys;
        }
        _ => {}
    }
    if *name == "restore" {
        // What is restored from is only read; the target itself is replaced.
        collector
            .reading
            .events
            .retain(|e| !matches!(e, Event::Reach(Reach::Connection(f)) if file == Some(f)));
    }
    if effect > Effect::None {
        let why = match (effect, *name) {
            (_, "shell" | "system") => "runs a program",
            (Effect::Opaque, _) => "runs code that cannot be seen here",
            _ => "",
        };
        collector.client(at, format!(".{name}"), effect, why);
    }
}

/// Whether a file name is one that databases have.
pub(crate) fn looks_like_database(path: &str) -> bool {
    [".db", ".sqlite", ".sqlite3", ".db3", ".s3db", ".sqlitedb"]
        .iter()
        .any(|end| path.to_ascii_lowercase().ends_with(end))
}

fn dot_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let (word, after) = match quote {
            Some(q) => rest[1..].split_once(q).unwrap_or((&rest[1..], "")),
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

/// Judges a text that sqlcmd reads: `GO` ends a batch, `:command` lines are the client's.
pub fn sqlcmd_script(text: &str) -> SqlReading {
    let mut collector = Collector::new(text, Dialect::Sqlserver);
    let mut lexer = Lexer::new(text, Dialect::Sqlserver, false);
    loop {
        let before = lexer.position();
        lexer.skip_blanks();
        let at = lexer.position();
        let starts_line = before == 0 || text.get(before..at).is_some_and(|t| t.contains('\n'));
        let line = lexer.line_rest();
        if starts_line && sqlcmd_command(&mut collector, at, line.trim()) {
            lexer.skip_to(at + line.len());
            continue;
        }
        match lexer.next() {
            None => return collector.finish(),
            Some(token) if token.symbol(';') => {
                collector.end();
            }
            Some(token) => collector.token(token),
        }
    }
}

/// Whether the line is a command of the client's.
fn sqlcmd_command(collector: &mut Collector<'_>, at: usize, line: &str) -> bool {
    let mut words = line.split_whitespace();
    let first = words.next().unwrap_or("").to_ascii_lowercase();
    let rest = line.get(first.len()..).unwrap_or("").trim();
    let value = rest.trim_matches('"').to_owned();
    match first.as_str() {
        "go" if rest.is_empty() || rest.bytes().all(|b| b.is_ascii_digit()) => {
            collector.end();
        }
        ":connect" => {
            let server = words.next().unwrap_or("").to_owned();
            let reach = if server.is_empty() || server.contains("$(") {
                Reach::Unknown(":connect to a server that is not known here".into())
            } else {
                Reach::Connection(server)
            };
            collector.reading.reach(reach);
        }
        ":r" if !value.contains("$(") => collector.reading.events.push(Event::Include {
            path: value,
            beside: false,
        }),
        ":setvar" | ":on" | ":out" | ":error" | ":quit" | ":listvar" | ":help" | ":reset"
        | ":xml" | ":serverlist" | ":perftrace" | ":list" | "quit" | ":exit" => {}
        _ if first.starts_with("!!") || first.starts_with(":!!") => {
            collector.client(at, "!!", Effect::Opaque, "runs a program");
        }
        _ if first.starts_with(':') && !first.starts_with("::") => {
            let why = "no command that is known here";
            collector.client(at, first, Effect::Opaque, why);
        }
        _ => return false,
    }
    true
}
