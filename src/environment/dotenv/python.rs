//! Python: python-dotenv (also inside docker-compose 1) and python-decouple.

use super::text::{
    Lines, MARK, MAX_HELD, new_names, own_up, python_space, unify_newlines, without_bom,
};
use super::{DotenvError, Entry, Process};

type Read = Result<Vec<Entry>, DotenvError>;

/// What changed between versions.
#[derive(Clone, Copy)]
struct Age {
    /// A byte order mark is dropped (1.2).
    bom: bool,
    /// A backslash always takes the next character with it (1.2); before, only a quote.
    pairs: bool,
    /// `A= # note` is empty (1.2).
    comment_at_start: bool,
}

const BEFORE: Age = Age {
    bom: false,
    pairs: false,
    comment_at_start: false,
};
const NOW: Age = Age {
    bom: true,
    pairs: true,
    comment_at_start: true,
};

/// `dotenv_values` before 1.2: interpolation prefers the file.
pub(super) fn values_before(text: &str, process: &Process<'_>) -> Read {
    Ok(interpolated(bindings(text, BEFORE), process, true))
}

/// `dotenv_values` of 1.2.
pub(super) fn values_now(text: &str, process: &Process<'_>) -> Read {
    Ok(interpolated(bindings(text, NOW), process, true))
}

/// `load_dotenv()` of 1.2: interpolation and result prefer the process.
pub(super) fn load_now(text: &str, process: &Process<'_>) -> Read {
    let mut entries = interpolated(bindings(text, NOW), process, false);
    entries.retain(|e| e.value.is_some());
    Ok(new_names(super::settle(entries), process))
}

/// `load_dotenv()` before 1.2.
pub(super) fn load_before(text: &str, process: &Process<'_>) -> Read {
    let mut entries = interpolated(bindings(text, BEFORE), process, false);
    entries.retain(|e| e.value.is_some());
    Ok(new_names(super::settle(entries), process))
}

/// docker-compose 1 reads as python-dotenv 0.21 does, with a byte order mark dropped.
pub(super) fn compose_1(text: &str, process: &Process<'_>) -> Read {
    Ok(interpolated(
        bindings(without_bom(text), BEFORE),
        process,
        true,
    ))
}

/// python-decouple: plain lines, nothing but outer quotes.
pub(super) fn decouple(text: &str, _: &Process<'_>) -> Read {
    let text = unify_newlines(text);
    let mut entries = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        let line = line.trim_matches(python_space);
        if line.starts_with('#') {
            continue;
        }
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        let value = value.trim_matches(python_space);
        let inner = super::assignment::unquoted(value, "'\"").unwrap_or(value);
        entries.push(Entry::new(
            name.trim_matches(python_space),
            inner.to_owned(),
            index + 1,
        ));
    }
    Ok(entries)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    age: Age,
}

fn blank(c: char) -> bool {
    python_space(c) && c != '\r' && c != '\n'
}

fn bindings(text: &str, age: Age) -> Vec<Entry> {
    let text = if age.bom { without_bom(text) } else { text };
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines = Lines::new(&unified);
    let mut reader = Reader {
        text: &unified,
        at: 0,
        age,
    };
    let mut entries = Vec::new();
    loop {
        reader.skip(python_space);
        if reader.rest().is_empty() {
            return entries;
        }
        let start = reader.at;
        match reader.binding() {
            Some(Some((name, value))) => {
                entries.push(Entry::new(name, value, lines.of(start)));
            }
            Some(None) => {}
            None => reader.skip(|c| c != '\n'),
        }
    }
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn skip(&mut self, class: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !class(c)).unwrap_or(rest.len());
    }

    /// One binding; `None` where the rest of the line is to be skipped.
    #[allow(
        clippy::option_option,
        reason = "a line can be skipped, empty or a binding"
    )]
    fn binding(&mut self) -> Option<Option<(String, Option<String>)>> {
        if self
            .rest()
            .strip_prefix("export")
            .is_some_and(|r| r.starts_with(blank))
        {
            self.at += "export".len();
            self.skip(blank);
        }
        let name = if self.rest().starts_with('#') {
            None
        } else {
            Some(self.name()?)
        };
        self.skip(blank);
        let value = if self.rest().starts_with('=') {
            self.at += 1;
            let before = self.at;
            self.skip(blank);
            if self.age.comment_at_start && self.at > before && self.rest().starts_with('#') {
                Some(String::new())
            } else {
                Some(self.value()?)
            }
        } else {
            None
        };
        let at = self.at;
        self.skip(blank);
        if self.rest().starts_with('#') {
            self.skip(|c| c != '\n');
        } else {
            self.at = at;
        }
        self.skip(blank);
        let ended = self.rest().is_empty() || self.rest().starts_with('\n');
        ended.then(|| name.map(|n| (n, value)))
    }

    fn name(&mut self) -> Option<String> {
        if let Some(inner) = self.rest().strip_prefix('\'') {
            let close = inner.find('\'').filter(|n| *n > 0)?;
            let name = inner.get(..close)?.to_owned();
            self.at += close + 2;
            return Some(name);
        }
        let rest = self.rest();
        let end = rest
            .find(|c| c == '=' || c == '#' || python_space(c))
            .unwrap_or(rest.len());
        let name = rest.get(..end).filter(|n| !n.is_empty())?.to_owned();
        self.at += end;
        Some(name)
    }

    fn value(&mut self) -> Option<String> {
        match self.rest().chars().next() {
            Some(quote @ ('\'' | '"')) => {
                let close = self.close(quote)?;
                let inner = self.rest().get(1..close)?;
                let value = unescaped(inner, quote == '"');
                self.at += close + 1;
                Some(value)
            }
            None | Some('\n') => Some(String::new()),
            Some(_) => {
                let line = self.rest().split('\n').next().unwrap_or("");
                let used = line.len();
                let value = before_comment(line)
                    .trim_end_matches(python_space)
                    .to_owned();
                self.at += used;
                Some(value)
            }
        }
    }

    /// Offset of the closing quote in the rest.
    fn close(&self, quote: char) -> Option<usize> {
        let rest = self.rest();
        let mut last_escaped = None;
        let mut before = quote;
        let mut skip_next = false;
        for (at, c) in rest.char_indices().skip(1) {
            if self.age.pairs {
                if skip_next {
                    skip_next = false;
                } else if c == '\\' {
                    skip_next = true;
                } else if c == quote {
                    return Some(at);
                }
                continue;
            }
            if c == quote {
                if before != '\\' {
                    return Some(at);
                }
                last_escaped = Some(at);
            }
            before = c;
        }
        last_escaped
    }
}

fn before_comment(line: &str) -> &str {
    let mut blank: Option<usize> = None;
    for (at, c) in line.char_indices() {
        if python_space(c) {
            blank = blank.or(Some(at));
        } else {
            if let (Some(start), '#') = (blank, c) {
                return &line[..start];
            }
            blank = None;
        }
    }
    line
}

fn unescaped(inner: &str, double: bool) -> String {
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars().peekable();
    while let Some(c) = chars.next() {
        let decoded = match (c, chars.peek()) {
            ('\\', Some('\\')) => Some('\\'),
            ('\\', Some('\'')) => Some('\''),
            ('\\', Some('"')) if double => Some('"'),
            ('\\', Some('a')) if double => Some('\u{7}'),
            ('\\', Some('b')) if double => Some('\u{8}'),
            ('\\', Some('f')) if double => Some('\u{c}'),
            ('\\', Some('n')) if double => Some('\n'),
            ('\\', Some('r')) if double => Some('\r'),
            ('\\', Some('t')) if double => Some('\t'),
            ('\\', Some('v')) if double => Some('\u{b}'),
            _ => None,
        };
        match decoded {
            Some(d) => {
                out.push(d);
                chars.next();
            }
            None => out.push(c),
        }
    }
    out
}

/// `${NAME}` and `${NAME:-default}`, in every kind of quotes. An empty variable counts as set.
fn interpolated(bindings: Vec<Entry>, process: &Process<'_>, file_first: bool) -> Vec<Entry> {
    let mut held: std::collections::HashMap<String, Option<String>> =
        std::collections::HashMap::new();
    let mut out = Vec::new();
    for mut entry in bindings {
        if let Some(value) = &entry.value {
            let look = |name: &str| -> Option<Option<String>> {
                if file_first {
                    held.get(name).cloned().or_else(|| process(name).map(Some))
                } else {
                    process(name).map(Some).or_else(|| held.get(name).cloned())
                }
            };
            entry.value = Some(resolved(value, look));
        }
        let is_long = |value: &String| value.len() > MAX_HELD;
        let value = match &entry.value {
            Some(value) if is_long(value) => Some(MARK.to_string()),
            value => value.clone(),
        };
        held.insert(entry.name.clone(), value);
        out.push(entry);
    }
    own_up(out)
}

#[allow(
    clippy::option_option,
    reason = "a name can be absent, without a value, or set"
)]
fn resolved(value: &str, look: impl Fn(&str) -> Option<Option<String>>) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        match variable(from) {
            Some((name, default, length)) => {
                match look(name) {
                    Some(held) => out.push_str(held.as_deref().unwrap_or("")),
                    None => out.push_str(default.unwrap_or("")),
                }
                rest = from.get(length..).unwrap_or("");
            }
            None => {
                out.push_str("${");
                rest = from.get(2..).unwrap_or("");
            }
        }
    }
    out.push_str(rest);
    out
}

fn variable(from: &str) -> Option<(&str, Option<&str>, usize)> {
    let inner = from.get(2..)?;
    let end = inner.find(['}', ':'])?;
    let name = inner.get(..end)?;
    if inner.as_bytes().get(end) == Some(&b'}') {
        return Some((name, None, 2 + end + 1));
    }
    let default = inner.get(end..)?.strip_prefix(":-")?;
    let close = default.find('}')?;
    Some((name, default.get(..close), 2 + end + 2 + close + 1))
}
