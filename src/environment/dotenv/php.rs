//! phpdotenv, by version. v1 and v2 read line by line and take the first of two equal names; v3
//! and later know multi-line values and take the last one; v4 and later interpolate from right to
//! left and not inside single quotes. Rules read in the library's releases 1.1 to 5.6, and held
//! against 5.4.1 by a differential test.

use super::{DotenvError, Entry};

/// A release of phpdotenv; what its grammar depends on is the major number and, within a major,
/// the minor one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Major number, 1 to 5.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
}

impl Version {
    /// The newest release whose rules are known here.
    pub const NEWEST: Version = Version::new(5, 8);

    /// A release.
    pub const fn new(major: u32, minor: u32) -> Self {
        Version { major, minor }
    }

    fn at_least(self, major: u32, minor: u32) -> bool {
        self >= Version::new(major, minor)
    }

    /// Whether the first of two equal names wins (v1 and v2 see their own write as a variable that
    /// was there before).
    pub fn first_wins(self) -> bool {
        self.major <= 2
    }
}

/// Values that refer to each other can grow past all memory: the file is not read further.
const MAX_VALUE: usize = 1 << 20;
const MAX_VALUES: usize = 32 << 20;

/// Names that are already defined, and their values.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads a file: every entry in order, with values after quotes, escapes and interpolation. A name
/// that `defined` knows is never overwritten by the library, and interpolation sees `defined`
/// first; the entry is listed all the same.
///
/// # Errors
/// Where the library throws `InvalidFileException`.
pub fn read(text: &str, version: Version, defined: Lookup<'_>) -> Result<Vec<Entry>, DotenvError> {
    if version.major <= 2 {
        return old::read(text, version, defined);
    }
    let text = if version.at_least(5, 4) {
        text.strip_prefix('\u{FEFF}').unwrap_or(text)
    } else {
        text
    };
    let mut loaded = Loaded::new(version, defined);
    let raw = logical_lines(text, version)?;
    let mut parsed = Vec::with_capacity(raw.len());
    // Everything is parsed before anything is loaded from v5 on; earlier versions load as they go,
    // but stop with the same error.
    for (line, entry) in raw {
        parsed.push(parse_entry(&entry, line, version)?);
    }
    for (name, value, line) in parsed {
        let value = value.map(|v| v.resolve(version, &loaded));
        loaded.push(name, value, line)?;
    }
    Ok(loaded.entries)
}

/// The values in force after loading: for each name that `defined` does not know, the entry that
/// wins; names that the file clears are left out.
pub fn effective(entries: &[Entry], version: Version, defined: Lookup<'_>) -> Vec<Entry> {
    let mut out: Vec<Entry> = Vec::new();
    let mut places: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
    for entry in entries {
        if defined(&entry.name).is_some() {
            continue;
        }
        match places.get(entry.name.as_str()) {
            Some(_) if version.first_wins() => {}
            Some(at) => out[*at] = entry.clone(),
            None => {
                places.insert(&entry.name, out.len());
                out.push(entry.clone());
            }
        }
    }
    if version.major >= 5 {
        out.retain(|e| e.value.is_some());
    } else {
        // v3 and v4 put an empty variable into the process: `getenv` finds it.
        for entry in &mut out {
            entry.value.get_or_insert_default();
        }
    }
    out
}

/// What has been loaded so far.
struct Loaded<'a> {
    version: Version,
    defined: Lookup<'a>,
    entries: Vec<Entry>,
    index: std::collections::HashMap<String, usize>,
    bytes: usize,
}

impl<'a> Loaded<'a> {
    fn new(version: Version, defined: Lookup<'a>) -> Self {
        Loaded {
            version,
            defined,
            entries: Vec::new(),
            index: std::collections::HashMap::new(),
            bytes: 0,
        }
    }

    fn get(&self, name: &str) -> Option<String> {
        (self.defined)(name).or_else(|| {
            let at = *self.index.get(name)?;
            self.entries[at].value.clone()
        })
    }

    fn push(
        &mut self,
        name: String,
        value: Option<String>,
        line: usize,
    ) -> Result<(), DotenvError> {
        let length = value.as_ref().map_or(0, String::len);
        self.bytes += length;
        if length > MAX_VALUE || self.bytes > MAX_VALUES {
            return Err(error(line, "values too long to be read here"));
        }
        if !(self.version.first_wins() && self.index.contains_key(&name)) {
            self.index.insert(name.clone(), self.entries.len());
        }
        self.entries.push(Entry::new(name, value, line));
        Ok(())
    }
}

/// Lines as v3 and later split them: CRLF, LF or a lone CR.
fn physical_lines(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let mut lines = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < bytes.len() {
        let width = match bytes[at] {
            b'\r' if bytes.get(at + 1) == Some(&b'\n') => 2,
            b'\r' | b'\n' => 1,
            _ => 0,
        };
        if width == 0 {
            at += 1;
        } else {
            lines.push(&text[start..at]);
            at += width;
            start = at;
        }
    }
    lines.push(&text[start..]);
    lines
}

/// Joins multi-line values and drops comments and blank lines. An unclosed double quote swallows
/// the rest of the file up to 5.6; later it is an error.
fn logical_lines(text: &str, version: Version) -> Result<Vec<(usize, String)>, DotenvError> {
    let restarts = !(version.at_least(5, 5) || (version.major == 4 && version.minor >= 3));
    let mut out = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in physical_lines(text).into_iter().enumerate() {
        let number = index + 1;
        let started = (open.is_none() || restarts) && starts_multiline(line);
        let complete = match &mut open {
            Some((_, buffer)) => {
                buffer.push('\n');
                buffer.push_str(line);
                stops_multiline(line, started)
                    .then(|| open.take())
                    .flatten()
            }
            None if started => {
                open = Some((number, line.to_owned()));
                None
            }
            None => Some((number, line.to_owned())),
        };
        out.extend(complete.filter(|(_, entry)| !comment_or_blank(entry)));
    }
    match open {
        Some((line, _)) if version.at_least(5, 7) => Err(error(line, "a missing closing quote")),
        _ => Ok(out),
    }
}

fn starts_multiline(line: &str) -> bool {
    line.contains("=\"") && !stops_multiline(line, true)
}

fn stops_multiline(line: &str, started: bool) -> bool {
    if line == "\"" {
        return true;
    }
    let plain = line.replace("\\\\", "");
    let quotes = plain
        .as_bytes()
        .windows(2)
        .filter(|pair| pair[0] != b'\\' && pair[1] == b'"')
        .count();
    quotes > usize::from(started)
}

fn comment_or_blank(entry: &str) -> bool {
    let entry = trim(entry);
    entry.is_empty() || entry.starts_with('#')
}

/// PHP's `trim`.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\n', '\r', '\t', '\0', '\u{B}'])
}

/// PHP's `ctype_space`.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{B}' | '\u{C}')
}

fn error(line: usize, what: &str) -> DotenvError {
    DotenvError {
        line,
        what: what.to_owned(),
    }
}

type Parsed = (String, Option<Template>, usize);

fn parse_entry(entry: &str, line: usize, version: Version) -> Result<Parsed, DotenvError> {
    let (name, value) = match entry.split_once('=') {
        Some((name, value)) => (trim(name), Some(trim(value))),
        None => (entry, None),
    };
    if name.is_empty() {
        return Err(error(line, "an equals sign without a name"));
    }
    let name = parse_name(name, version).ok_or_else(|| error(line, "an invalid name"))?;
    let value = value.map(|v| parse_value(v, line, version)).transpose()?;
    Ok((name, value, line))
}

fn parse_name(name: &str, version: Version) -> Option<String> {
    if version.major <= 4 {
        let name = name.replace("export ", "").replace(['\'', '"'], "");
        let name = trim(&name).to_owned();
        return valid_ascii(&name).then_some(name);
    }
    let mut name = name;
    let long_enough = version.at_least(5, 7) || name.chars().count() > 8;
    if let Some(rest) = name.strip_prefix("export")
        && long_enough
        && rest.starts_with(is_space)
    {
        name = rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{B}', '\u{C}', '\0']);
    }
    for quote in ['"', '\''] {
        if name.chars().count() >= 3
            && let Some(inner) = name.strip_prefix(quote).and_then(|n| n.strip_suffix(quote))
        {
            name = inner;
            break;
        }
    }
    let valid = if version.at_least(5, 5) {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || is_mark(c) || c == '_' || c == '.')
    } else {
        valid_ascii(name)
    };
    valid.then(|| name.to_owned())
}

fn valid_ascii(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
}

/// Combining marks of the common blocks.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

/// A value with the positions of the `$` that may interpolate.
struct Template {
    chars: String,
    vars: Vec<usize>,
}

impl Template {
    fn resolve(self, version: Version, loaded: &Loaded<'_>) -> String {
        if version.major == 3 {
            return replace_all(&self.chars, "${", true, &|name| loaded.get(name));
        }
        // From right to left: what is put in may complete a name to the left of it. The last
        // character comes first, so that nothing has to be moved.
        let mut behind: Vec<char> = Vec::with_capacity(self.chars.len());
        let mut end = self.chars.len();
        for at in self.vars.into_iter().rev() {
            behind.extend(self.chars[at..end].chars().rev());
            end = at;
            if let Some(name) = braced_name(&behind)
                && let Some(value) = loaded.get(&name)
                && behind.len() <= MAX_VALUE
            {
                behind.truncate(behind.len() - name.len() - 3);
                behind.extend(value.chars().rev());
            }
        }
        behind.extend(self.chars[..end].chars().rev());
        behind.iter().rev().collect()
    }
}

/// The name in `${name}` at the end of a text whose last character comes first.
fn braced_name(behind: &[char]) -> Option<String> {
    let mut chars = behind.iter().rev();
    if (chars.next(), chars.next()) != (Some(&'$'), Some(&'{')) {
        return None;
    }
    let is_name = |c: &&char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    let name: String = chars.clone().take_while(is_name).collect();
    (!name.is_empty() && chars.nth(name.len()) == Some(&'}')).then_some(name)
}

/// Replaces every `${name}` (or `{$name}`) from left to right; what is not known stays.
fn replace_all(
    text: &str,
    opening: &str,
    dots: bool,
    get: &dyn Fn(&str) -> Option<String>,
) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(opening) {
        if out.len() > MAX_VALUE {
            break;
        }
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let inner = &from[opening.len()..];
        let length = inner
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_' || (dots && *b == b'.'))
            .count();
        let name = &inner[..length];
        if length == 0 || !inner[length..].starts_with('}') {
            out.push_str(opening);
            rest = inner;
            continue;
        }
        match get(name) {
            Some(value) => out.push_str(&value),
            None => out.push_str(&from[..opening.len() + length + 1]),
        }
        rest = &inner[length + 1..];
    }
    out + rest
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Initial,
    Unquoted,
    Single,
    Double,
    Escape(char),
    Space,
    Comment,
}

/// The automaton of v3 to v5 over one value.
fn parse_value(value: &str, line: usize, version: Version) -> Result<Template, DotenvError> {
    let mut out = Template {
        chars: String::new(),
        vars: Vec::new(),
    };
    if trim(value).is_empty() {
        return Ok(out);
    }
    let mut state = State::Initial;
    for c in value.chars() {
        state = step(state, c, &mut out, version).map_err(|what| error(line, what))?;
    }
    let closes =
        version.major == 3 || version.at_least(5, 3) || (version.major == 4 && version.minor >= 2);
    if closes && matches!(state, State::Single | State::Double | State::Escape(_)) {
        return Err(error(line, "a missing closing quote"));
    }
    Ok(out)
}

fn step(
    state: State,
    c: char,
    out: &mut Template,
    version: Version,
) -> Result<State, &'static str> {
    // v3 treats both quotes alike: escapes and interpolation in either.
    let alike = version.major == 3;
    Ok(match state {
        State::Initial => match c {
            '\'' => State::Single,
            '"' => State::Double,
            '#' => State::Comment,
            _ => take(c, out, State::Unquoted),
        },
        State::Unquoted => match c {
            '#' => State::Comment,
            _ if is_space(c) => State::Space,
            _ => take(c, out, State::Unquoted),
        },
        State::Single => match c {
            '\'' => State::Space,
            '\\' if alike => State::Escape('\''),
            _ => {
                out.chars.push(c);
                State::Single
            }
        },
        State::Double => match c {
            '"' => State::Space,
            '\\' => State::Escape('"'),
            _ => take(c, out, State::Double),
        },
        State::Escape(quote) => {
            let literal = match c {
                '\\' => '\\',
                _ if c == quote => c,
                '$' if !alike => '$',
                'f' => '\u{C}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'v' => '\u{B}',
                _ => return Err("an unexpected escape sequence"),
            };
            out.chars.push(literal);
            if quote == '"' {
                State::Double
            } else {
                State::Single
            }
        }
        State::Space => match c {
            '#' => State::Comment,
            _ if is_space(c) => State::Space,
            _ => return Err("unexpected whitespace"),
        },
        State::Comment => State::Comment,
    })
}

fn take(c: char, out: &mut Template, next: State) -> State {
    if c == '$' {
        out.vars.push(out.chars.len());
    }
    out.chars.push(c);
    next
}

/// v1 and v2.
mod old {
    use super::{DotenvError, Entry, Loaded, Lookup, Version, error, is_space, replace_all, trim};

    pub(super) fn read(
        text: &str,
        version: Version,
        defined: Lookup<'_>,
    ) -> Result<Vec<Entry>, DotenvError> {
        let mut loaded = Loaded::new(version, defined);
        for (index, line) in lines(text).enumerate() {
            let Some((name, value)) = line.split_once('=') else {
                continue;
            };
            if line.trim_start().starts_with('#') {
                continue;
            }
            let name = trim(name).replace("export ", "").replace(['\'', '"'], "");
            let value = parse_value(trim(value), index + 1, version)?;
            let (opening, dots) = if version.major == 1 {
                ("{$", false)
            } else {
                ("${", true)
            };
            let value = replace_all(&value, opening, dots, &|name| loaded.get(name));
            loaded.push(trim(&name).to_owned(), Some(value), index + 1)?;
        }
        Ok(loaded.entries)
    }

    /// `file()` with line-ending detection: a file with a CR and no LF is an old Mac one.
    fn lines(text: &str) -> impl Iterator<Item = &str> {
        let mac = text.contains('\r') && !text.contains('\n');
        text.split(if mac { '\r' } else { '\n' })
    }

    fn parse_value(value: &str, line: usize, version: Version) -> Result<String, DotenvError> {
        // PHP's `!$value`: the text `0` counts as empty too, and stays (v1 drops it).
        if value.is_empty() || value == "0" {
            return Ok(if version.major == 1 {
                String::new()
            } else {
                value.to_owned()
            });
        }
        match value.chars().next() {
            Some(quote @ ('"' | '\'')) if version >= Version::new(2, 6) => {
                automaton(value, quote, line)
            }
            Some(quote @ ('"' | '\'')) => Ok(quoted(value, quote)),
            _ => unquoted(value, line, version),
        }
    }

    /// Up to 2.5: a quoted value that does not close stays as it is; text behind it is dropped.
    fn quoted(value: &str, quote: char) -> String {
        let mut end = None;
        let mut escaped = false;
        for (at, c) in value.char_indices().skip(1) {
            if escaped {
                // Only a backslash and the quote may follow a backslash; else nothing matches.
                if c != '\\' && c != quote {
                    break;
                }
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if c == quote {
                end = Some(at);
                break;
            }
        }
        let inner = end.map_or(value, |end| &value[1..end]);
        let inner = inner.replace(&format!("\\{quote}"), &quote.to_string());
        trim(&inner.replace("\\\\", "\\")).to_owned()
    }

    /// 2.6: unknown escapes stay, text behind the quote is an error.
    fn automaton(value: &str, quote: char, line: usize) -> Result<String, DotenvError> {
        let mut out = String::new();
        let mut chars = value.chars().skip(1);
        loop {
            match chars.next() {
                None => return Err(error(line, "a missing closing quote")),
                Some(c) if c == quote => break,
                Some('\\') => match chars.next() {
                    None => return Err(error(line, "a missing closing quote")),
                    Some(c) if c == quote || c == '\\' => out.push(c),
                    Some(c) => out.extend(['\\', c]),
                },
                Some(c) => out.push(c),
            }
        }
        match chars.find(|c| !is_space(*c)) {
            None | Some('#') => Ok(trim(&out).to_owned()),
            Some(_) => Err(error(line, "unexpected whitespace")),
        }
    }

    fn unquoted(value: &str, line: usize, version: Version) -> Result<String, DotenvError> {
        let cut = value.split_once(" #").map_or(value, |(before, _)| before);
        let cut = trim(cut);
        if version.major == 1 || !cut.contains(is_space) {
            return Ok(cut.to_owned());
        }
        if version >= Version::new(2, 6) && cut.starts_with('#') {
            return Ok(String::new());
        }
        Err(error(line, "a value with spaces without quotes"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn load(text: &str, version: Version, process: &[(&str, &str)]) -> Result<String, DotenvError> {
        let defined = |name: &str| {
            process
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        };
        let entries = read(text, version, &defined)?;
        let all = effective(&entries, version, &defined);
        let one = |e: &Entry| format!("{}={}", e.name, e.value.as_deref().unwrap_or("?"));
        Ok(all.iter().map(one).collect::<Vec<_>>().join("|"))
    }

    #[test]
    fn each_version_reads_by_its_own_grammar() {
        let v = Version::new;
        let cases: &[(&str, Version, &str)] = &[
            ("A=1\nA=2\n", v(5, 4), "A=2"),
            ("A=1\nA=2\n", v(2, 4), "A=1"),
            ("A=1\nA=2\n", v(1, 1), "A=1"),
            ("A=1\nA\n", v(5, 4), ""),
            ("A\n", v(2, 4), ""),
            ("A=x#y\n", v(5, 4), "A=x"),
            ("A=x#y\n", v(2, 4), "A=x#y"),
            ("A=\"a b\" # c\n", v(5, 4), "A=a b"),
            ("A='x\\ny'\n", v(5, 4), "A=x\\ny"),
            ("A='x\\ny'\n", v(3, 6), "A=x\ny"),
            ("X=1\nA='${X}'\n", v(5, 4), "X=1|A=${X}"),
            ("X=1\nA='${X}'\n", v(3, 6), "X=1|A=1"),
            ("X=1\nA={$X}\n", v(1, 1), "X=1|A=1"),
            ("S=B\nDB_B=i\nA=${DB_${S}}\n", v(5, 4), "S=B|DB_B=i|A=i"),
            (
                "S=B\nDB_B=i\nA=${DB_${S}}\n",
                v(3, 6),
                "S=B|DB_B=i|A=${DB_B}",
            ),
            ("A=\"x\ny\"\nB=1\n", v(5, 4), "A=x\ny|B=1"),
            ("A=\"x\nB=1\n", v(5, 6), ""),
            ("A=1\rB=2\r\nC=3", v(5, 4), "A=1|B=2|C=3"),
            ("\u{FEFF}A=1\n", v(5, 4), "A=1"),
            ("export ABC=1\n", v(5, 4), "ABC=1"),
            ("export AB=1\n", v(5, 8), "AB=1"),
            ("\"A\"=1\n", v(5, 4), "A=1"),
            ("A=${A}_x\n", v(5, 4), "A=${A}_x"),
            ("\u{C9}T\u{C9}=1\n", v(5, 6), "\u{C9}T\u{C9}=1"),
        ];
        for (text, version, want) in cases {
            assert_eq!(
                load(text, *version, &[]).unwrap(),
                *want,
                "{text:?} {version:?}"
            );
        }
    }

    /// Each value alone is bearable, all together are gigabytes.
    #[test]
    fn values_that_grow_past_memory_are_not_read() {
        let long = "x".repeat(100_000);
        let many: String = (0..20_000)
            .map(|n| format!("B{n}=${{A}}${{A}}\n"))
            .collect();
        let doubled: String = (0..60)
            .map(|n| format!("A{0}=${{A{n}}}${{A{n}}}\n", n + 1))
            .collect();
        for text in [format!("A={long}\n{many}"), doubled] {
            for version in [Version::new(3, 6), Version::new(5, 6)] {
                let read = read(&text, version, &|_| None);
                assert!(read.is_err(), "{version:?}");
            }
        }
        // What is put in completes a name to the left of it.
        let read = read("A=B\nB_x=1\nC=${${A}_x}${A}\n", Version::new(5, 6), &|_| {
            None
        })
        .unwrap();
        assert_eq!(read[2].value.as_deref(), Some("1B"));
    }

    #[test]
    fn invalid_files_name_the_line() {
        let v = Version::new;
        for (text, version, line) in [
            ("A=1\nB: x\n", v(5, 4), 2),
            ("A='abc\n", v(5, 4), 1),
            ("A=\"a\\qb\"\n", v(5, 4), 1),
            ("A=a b\n", v(5, 4), 1),
            ("=x\n", v(5, 4), 1),
            ("\u{C9}=1\n", v(5, 4), 1),
            ("export A=1\n", v(5, 4), 1),
            ("\n\nA=\"x\nB=1\n", v(5, 8), 3),
            ("A=a b\n", v(2, 4), 1),
        ] {
            assert_eq!(load(text, version, &[]).unwrap_err().line, line, "{text:?}");
        }
    }

    #[test]
    fn the_process_is_asked_first() {
        let process = [("STAGE", "prod"), ("A", "")];
        let text = "STAGE=dev\nDB=x_${STAGE}\nA=1\nB=[${A}]\n";
        assert_eq!(
            load(text, Version::NEWEST, &process).unwrap(),
            "DB=x_prod|B=[]"
        );
    }

    proptest! {
        #[test]
        fn never_panics(text in "[A-C=\"'#$\\{\\}\\\\ \n\r\u{e9}nx]{0,60}", major in 1u32..6, minor in 0u32..9) {
            let _ = load(&text, Version::new(major, minor), &[("A", "1")]);
        }

        #[test]
        fn plain_values_come_back(name in "[A-Z_]{1,8}", value in "[a-z0-9./:@-]{0,12}", major in 1u32..6) {
            let got = load(&format!("{name}={value}\n"), Version::new(major, 4), &[]).unwrap();
            let want = if major == 1 && value == "0" { "" } else { value.as_str() };
            prop_assert_eq!(got, format!("{}={}", name, want));
        }
    }
}
