//! Regular expressions, as far as configuration uses them: matched by backtracking with a bounded
//! number of steps. What is not supported is no match and no mismatch but unknown.

/// Steps after which a match is given up.
const MAX_STEPS: usize = 100_000;

#[derive(Debug, Clone)]
enum Item {
    Char(char),
    Any,
    Set(Vec<(char, char)>, bool),
    Start,
    End,
    LineStart,
    LineEnd,
    EndOrNewline,
    Boundary,
    Group(Vec<Vec<Node>>, Option<usize>),
}

#[derive(Debug, Clone)]
struct Node {
    item: Item,
    least: usize,
    most: usize,
    lazy: bool,
}

/// A compiled pattern.
pub(super) struct Pattern {
    branches: Vec<Vec<Node>>,
    groups: usize,
    fold: bool,
}

/// Where a pattern matched, in characters: the whole, then its groups.
pub(super) type Found = Vec<Option<(usize, usize)>>;

struct Reader<'a> {
    chars: std::iter::Peekable<std::str::Chars<'a>>,
    groups: usize,
    depth: usize,
}

impl Pattern {
    /// Compiles; `None` for what is not supported (look-around, back references, ...).
    pub(super) fn new(text: &str, flags: &str) -> Option<Pattern> {
        if flags.contains('x') {
            return None;
        }
        let mut reader = Reader {
            chars: text.chars().peekable(),
            groups: 0,
            depth: 0,
        };
        let branches = reader.branches()?;
        if reader.chars.next().is_some() {
            return None;
        }
        Some(Pattern {
            branches,
            groups: reader.groups,
            fold: flags.contains('i'),
        })
    }

    /// The first match at or after `from` (in characters); the outer `None` where it took too long.
    pub(super) fn find(&self, text: &[char], from: usize) -> Option<Option<Found>> {
        let mut matcher = Matcher {
            text,
            fold: self.fold,
            steps: MAX_STEPS,
            groups: Vec::new(),
        };
        for start in from..=text.len() {
            for branch in &self.branches {
                matcher.groups = vec![None; self.groups + 1];
                let end = matcher.sequence(branch, 0, start, &mut |_, at| Some(at));
                if matcher.steps == 0 {
                    return None;
                }
                if let Some(end) = end {
                    let mut found = std::mem::take(&mut matcher.groups);
                    if let Some(whole) = found.first_mut() {
                        *whole = Some((start, end));
                    }
                    return Some(Some(found));
                }
            }
        }
        Some(None)
    }
}

impl Reader<'_> {
    fn branches(&mut self) -> Option<Vec<Vec<Node>>> {
        self.depth += 1;
        if self.depth > 20 {
            return None;
        }
        let mut all = vec![Vec::new()];
        while let Some(c) = self.chars.peek().copied() {
            match c {
                ')' => break,
                '|' => {
                    self.chars.next();
                    all.push(Vec::new());
                }
                _ => {
                    let node = self.node()?;
                    all.last_mut()?.push(node);
                }
            }
        }
        self.depth -= 1;
        Some(all)
    }

    fn node(&mut self) -> Option<Node> {
        let item = match self.chars.next()? {
            '.' => Item::Any,
            '^' => Item::LineStart,
            '$' => Item::LineEnd,
            '[' => self.set()?,
            '(' => self.group()?,
            '\\' => match self.chars.next()? {
                'A' => Item::Start,
                'z' => Item::End,
                'Z' => Item::EndOrNewline,
                'b' => Item::Boundary,
                c => match class(c) {
                    Some((ranges, negated)) => Item::Set(ranges, negated),
                    None if c.is_ascii_alphanumeric() => Item::Char(escaped(c)?),
                    None => Item::Char(c),
                },
            },
            '*' | '+' | '?' => return None,
            c => Item::Char(c),
        };
        let (least, most) = match self.chars.peek() {
            Some('*') => (0, usize::MAX),
            Some('+') => (1, usize::MAX),
            Some('?') => (0, 1),
            Some('{') => return self.counted(item),
            _ => {
                return Some(Node {
                    item,
                    least: 1,
                    most: 1,
                    lazy: false,
                });
            }
        };
        self.chars.next();
        self.finish(item, least, most)
    }

    fn finish(&mut self, item: Item, least: usize, most: usize) -> Option<Node> {
        let lazy = self.chars.next_if_eq(&'?').is_some();
        if self.chars.peek() == Some(&'+') {
            return None;
        }
        Some(Node {
            item,
            least,
            most,
            lazy,
        })
    }

    fn counted(&mut self, item: Item) -> Option<Node> {
        self.chars.next();
        let mut text = String::new();
        loop {
            match self.chars.next()? {
                '}' => break,
                c => text.push(c),
            }
        }
        let (least, most) = match text.split_once(',') {
            None => {
                let n = text.parse().ok()?;
                (n, n)
            }
            Some((a, "")) => (a.parse().ok()?, usize::MAX),
            Some((a, b)) => (
                if a.is_empty() { 0 } else { a.parse().ok()? },
                b.parse().ok()?,
            ),
        };
        self.finish(item, least, most)
    }

    fn group(&mut self) -> Option<Item> {
        let mut number = None;
        if self.chars.next_if_eq(&'?').is_some() {
            match self.chars.next()? {
                ':' => {}
                '<' if self.chars.peek().is_some_and(|c| c.is_alphabetic()) => {
                    while self.chars.next()? != '>' {}
                    self.groups += 1;
                    number = Some(self.groups);
                }
                _ => return None,
            }
        } else {
            self.groups += 1;
            number = Some(self.groups);
        }
        let branches = self.branches()?;
        self.chars.next_if_eq(&')')?;
        Some(Item::Group(branches, number))
    }

    fn set(&mut self) -> Option<Item> {
        let negated = self.chars.next_if_eq(&'^').is_some();
        let mut ranges = Vec::new();
        loop {
            let mut c = self.chars.next()?;
            match c {
                ']' => return Some(Item::Set(ranges, negated)),
                '[' => return None,
                '\\' => {
                    c = self.chars.next()?;
                    if let Some((class, inner)) = class(c) {
                        if inner {
                            return None;
                        }
                        ranges.extend(class);
                        continue;
                    }
                    if c.is_ascii_alphanumeric() {
                        c = escaped(c)?;
                    }
                }
                _ => {}
            }
            if self.chars.peek() == Some(&'-') {
                let mut ahead = self.chars.clone();
                ahead.next();
                if let Some(end) = ahead.next().filter(|e| !matches!(e, ']' | '\\')) {
                    self.chars = ahead;
                    ranges.push((c, end));
                    continue;
                }
            }
            ranges.push((c, c));
        }
    }
}

fn escaped(c: char) -> Option<char> {
    Some(match c {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        _ => return None,
    })
}

fn class(c: char) -> Option<(Vec<(char, char)>, bool)> {
    let ranges = match c.to_ascii_lowercase() {
        'd' => vec![('0', '9')],
        'w' => vec![('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')],
        's' => vec![(' ', ' '), ('\t', '\t'), ('\n', '\n'), ('\r', '\r')],
        'h' => vec![('0', '9'), ('a', 'f'), ('A', 'F')],
        _ => return None,
    };
    Some((ranges, c.is_ascii_uppercase()))
}

struct Matcher<'t> {
    text: &'t [char],
    fold: bool,
    steps: usize,
    groups: Found,
}

type Next<'n, 't> = &'n mut dyn FnMut(&mut Matcher<'t>, usize) -> Option<usize>;

impl<'t> Matcher<'t> {
    fn sequence(
        &mut self,
        nodes: &[Node],
        depth: usize,
        at: usize,
        then: Next<'_, 't>,
    ) -> Option<usize> {
        let Some((node, rest)) = nodes.split_first() else {
            return then(self, at);
        };
        self.repeat(node, 0, depth, at, &mut |m, at| {
            m.sequence(rest, depth + 1, at, then)
        })
    }

    fn repeat(
        &mut self,
        node: &Node,
        count: usize,
        depth: usize,
        at: usize,
        then: Next<'_, 't>,
    ) -> Option<usize> {
        self.steps = self.steps.saturating_sub(1);
        if self.steps == 0 || depth > 400 {
            self.steps = 0;
            return None;
        }
        if node.lazy
            && count >= node.least
            && let Some(end) = then(self, at)
        {
            return Some(end);
        }
        if count < node.most {
            let more = self.one(&node.item, depth + 1, at, &mut |m, next| {
                if next == at && count >= node.least {
                    return None;
                }
                m.repeat(node, count + 1, depth + 2, next, then)
            });
            if more.is_some() {
                return more;
            }
        }
        if !node.lazy && count >= node.least {
            return then(self, at);
        }
        None
    }

    fn one(&mut self, item: &Item, depth: usize, at: usize, then: Next<'_, 't>) -> Option<usize> {
        let here = self.text.get(at).copied();
        let before = at.checked_sub(1).and_then(|n| self.text.get(n)).copied();
        let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let same = |a: char, b: char| a == b || self.fold && a.eq_ignore_ascii_case(&b);
        let zero = match item {
            Item::Start => Some(at == 0),
            Item::End => Some(at == self.text.len()),
            Item::EndOrNewline => {
                Some(at == self.text.len() || at + 1 == self.text.len() && here == Some('\n'))
            }
            Item::LineStart => Some(at == 0 || before == Some('\n')),
            Item::LineEnd => Some(at == self.text.len() || here == Some('\n')),
            Item::Boundary => Some(word(here) != word(before)),
            _ => None,
        };
        if let Some(holds) = zero {
            return if holds { then(self, at) } else { None };
        }
        match item {
            Item::Group(branches, number) => {
                for branch in branches {
                    let old = self.groups.clone();
                    let end = self.sequence(branch, depth + 1, at, &mut |m, end| {
                        if let Some(slot) = number.and_then(|n| m.groups.get_mut(n)) {
                            *slot = Some((at, end));
                        }
                        then(m, end)
                    });
                    if end.is_some() {
                        return end;
                    }
                    self.groups = old;
                }
                None
            }
            Item::Any => here.filter(|c| *c != '\n').and_then(|_| then(self, at + 1)),
            Item::Char(c) => here
                .filter(|h| same(*h, *c))
                .and_then(|_| then(self, at + 1)),
            Item::Set(ranges, negated) => {
                let c = here?;
                let inside = |c: char| ranges.iter().any(|(a, b)| *a <= c && c <= *b);
                let hit = inside(c)
                    || self.fold
                        && (inside(c.to_ascii_lowercase()) || inside(c.to_ascii_uppercase()));
                if hit == *negated {
                    return None;
                }
                then(self, at + 1)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> Option<String> {
        let chars: Vec<char> = text.chars().collect();
        let found = Pattern::new(pattern, "")
            .unwrap()
            .find(&chars, 0)
            .unwrap()?;
        let (start, end) = found[0].unwrap();
        Some(chars[start..end].iter().collect())
    }

    #[test]
    fn common_patterns_match_as_in_ruby() {
        for (pattern, text, result) in [
            (r"\Apostgres(ql)?:", "postgresql://x", Some("postgresql:")),
            (r"\Apostgres(ql)?:", "mysql://x", None),
            (r"_test\z", "shop_test", Some("_test")),
            (r"\d+", "db12x", Some("12")),
            (r"a|bc", "xbc", Some("bc")),
            (r"[a-c]{2,3}", "zabcab", Some("abc")),
            (r"(a+)+$", "aaa", Some("aaa")),
            (r".*?b", "aab", Some("aab")),
            (r"^x", "a\nx", Some("x")),
        ] {
            assert_eq!(found(pattern, text).as_deref(), result, "{pattern} {text}");
        }
    }

    #[test]
    fn runaway_patterns_are_given_up() {
        let text: Vec<char> = "a".repeat(60).chars().chain(['!']).collect();
        assert!(
            Pattern::new("(a+)+(a+)+(a+)+$", "")
                .unwrap()
                .find(&text, 0)
                .is_none()
        );
    }
}
