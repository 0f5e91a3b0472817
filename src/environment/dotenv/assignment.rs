//! The line grammar that node's dotenv (from 15), dotenvx, Next and ruby's dotenv share: one
//! pattern, searched for from line start to line start, whose values may run over several lines.

/// What differs between the libraries.
pub(super) struct Grammar {
    /// Characters of a name.
    pub(super) name: fn(char) -> bool,
    /// The language's `\s`.
    pub(super) space: fn(char) -> bool,
    /// Characters that quote a value.
    pub(super) quotes: &'static str,
    /// A name may stand alone.
    pub(super) alone: bool,
}

/// One assignment found.
pub(super) struct Found<'a> {
    pub(super) name: &'a str,
    /// Raw text of the value, with quotes and blanks.
    pub(super) value: Option<&'a str>,
    /// `export` stood before the name.
    pub(super) exported: bool,
    /// Offset of the name.
    pub(super) at: usize,
    end: usize,
}

/// All assignments of a text whose line ends are `\n`.
pub(super) fn find_all<'a>(text: &'a str, grammar: &Grammar) -> Vec<Found<'a>> {
    let mut found = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let begin = skip(text, start, grammar.space);
        let next = match find_at(text, begin, grammar) {
            Some(one) => {
                let end = one.end;
                found.push(one);
                if at_line_start(text, end) && end > start {
                    end
                } else {
                    line_after(text, end)
                }
            }
            None => line_after(text, begin),
        };
        start = next.max(start + 1);
        while !text.is_char_boundary(start) {
            start += 1;
        }
    }
    found
}

fn at_line_start(text: &str, at: usize) -> bool {
    at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n')
}

fn line_after(text: &str, at: usize) -> usize {
    text.get(at..)
        .and_then(|rest| rest.find('\n'))
        .map_or(text.len(), |n| at + n + 1)
}

/// The offset of the first character from `at` on that is not in the class.
pub(super) fn skip(text: &str, at: usize, class: fn(char) -> bool) -> usize {
    text.get(at..)
        .and_then(|rest| rest.find(|c| !class(c)))
        .map_or(text.len(), |n| at + n)
}

fn find_at<'a>(text: &'a str, begin: usize, grammar: &Grammar) -> Option<Found<'a>> {
    let exported = text
        .get(begin..)?
        .strip_prefix("export")
        .filter(|rest| rest.starts_with(grammar.space))
        .map(|_| skip(text, begin + "export".len(), grammar.space));
    exported
        .and_then(|at| named(text, at, true, grammar))
        .or_else(|| named(text, begin, false, grammar))
}

fn named<'a>(text: &'a str, at: usize, exported: bool, grammar: &Grammar) -> Option<Found<'a>> {
    let name_end = skip(text, at, grammar.name);
    let name = text.get(at..name_end).filter(|n| !n.is_empty())?;
    let found = |value, end| Found {
        name,
        value,
        exported,
        at,
        end,
    };
    if let Some(from) = separator(text, name_end, grammar.space)
        && let Some((value, end)) = value(text, from, grammar)
    {
        return Some(found(value, end));
    }
    if grammar.alone {
        return tail(text, name_end, grammar.space).map(|end| found(None, end));
    }
    None
}

/// Where the value's text begins: after `=`, or after `:` and one blank.
fn separator(text: &str, at: usize, space: fn(char) -> bool) -> Option<usize> {
    let equals = skip(text, at, space);
    if text.as_bytes().get(equals) == Some(&b'=') {
        return Some(equals + 1);
    }
    let after = text.get(at..)?.strip_prefix(':')?;
    let blank = after.chars().next().filter(|c| space(*c))?;
    Some(at + 1 + blank.len_utf8())
}

fn value<'a>(text: &'a str, from: usize, grammar: &Grammar) -> Option<(Option<&'a str>, usize)> {
    let open = skip(text, from, grammar.space);
    if let Some(quote) = text.get(open..)?.chars().next()
        && grammar.quotes.contains(quote)
        && let Some((close, end)) = closed(text, open, quote, grammar.space)
    {
        return Some((text.get(from..=close), end));
    }
    let line = text.get(from..)?;
    let length = line.find(['#', '\n', '\r']).unwrap_or(line.len());
    if length > 0 {
        let end = from + length;
        return tail(text, end, grammar.space).map(|t| (text.get(from..end), t));
    }
    tail(text, from, grammar.space).map(|t| (None, t))
}

/// The closing quote after which the line ends: the first one without a backslash before it, else
/// the last of the escaped ones.
fn closed(text: &str, open: usize, quote: char, space: fn(char) -> bool) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut escaped = Vec::new();
    let mut at = open + 1;
    while let Some(n) = text.get(at..).and_then(|rest| rest.find(quote)) {
        let here = at + n;
        if here > open + 1 && bytes.get(here - 1) == Some(&b'\\') {
            escaped.push(here);
            at = here + 1;
            continue;
        }
        if let Some(end) = tail(text, here + 1, space) {
            return Some((here, end));
        }
        break;
    }
    escaped
        .into_iter()
        .rev()
        .find_map(|close| tail(text, close + 1, space).map(|end| (close, end)))
}

/// Blanks, a comment, the end of a line: where the match ends.
fn tail(text: &str, at: usize, space: fn(char) -> bool) -> Option<usize> {
    let stop = skip(text, at, space);
    if stop == text.len() {
        return Some(stop);
    }
    if text.as_bytes().get(stop) == Some(&b'#') {
        return Some(line_after(text, stop).saturating_sub(1).max(stop + 1));
    }
    text.get(at..stop)?.rfind('\n').map(|n| at + n)
}

/// The text between its first and last character where these are the same quote.
pub(super) fn unquoted<'a>(value: &'a str, quotes: &str) -> Option<&'a str> {
    let first = value.chars().next().filter(|c| quotes.contains(*c))?;
    value.get(1..)?.strip_suffix(first)
}
