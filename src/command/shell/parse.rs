//! Commands: lists, pipelines, compound commands, redirections. A script that the real shell
//! would reject is rejected; nothing is guessed or repaired.

use std::cell::OnceCell;
use std::rc::Rc;

use super::Dialect;
use super::ast::{
    AndOr, Assign, CaseArm, Command, List, Node, Part, Pipeline, Redirect, Redirection, Word,
};
use super::lex::Within;

/// Why a text is no script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Byte position.
    pub at: usize,
    /// What is wrong there.
    pub what: String,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "at byte {}: {}", self.at, self.what)
    }
}

/// The result of reading a part of a script.
pub(super) type Parsed<T> = Result<T, Broken>;

/// How deep commands, words and quotes may nest.
const MAX_DEPTH: usize = 100;

struct Pending {
    delimiter: String,
    strip_tabs: bool,
    literal: bool,
    body: Rc<OnceCell<Word>>,
}

/// A reader of one script text.
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) extglob: bool,
    dialect: Dialect,
    depth: usize,
    budget: usize,
    pending: Vec<Pending>,
    /// Where a text inside another one stands in that: all of it counts as standing there.
    origin: Option<usize>,
}

/// Reads a whole script.
///
/// # Errors
/// Where the text is no script of that shell, or nests too deep.
pub fn parse(text: &str, dialect: Dialect) -> Result<List, Broken> {
    parse_at(text, dialect, None)
}

/// Reads a script that a command at `origin` of another one runs (`eval`, `source`).
pub(super) fn parse_at(
    text: &str,
    dialect: Dialect,
    origin: Option<usize>,
) -> Result<List, Broken> {
    let mut parser = Parser {
        text,
        at: 0,
        extglob: text.contains("extglob") || dialect == Dialect::Zsh,
        dialect,
        depth: 0,
        // Reading again what turned out to be something else is bounded.
        budget: text.len().saturating_mul(12).saturating_add(4096),
        pending: Vec::new(),
        origin,
    };
    parser.script()
}

const CLOSING: &[&str] = &["then", "else", "elif", "fi", "do", "done", "esac", "}"];

impl<'a> Parser<'a> {
    pub(super) fn bash(&self) -> bool {
        self.dialect != Dialect::Posix
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    pub(super) fn broken(&self, what: &str) -> Broken {
        Broken {
            at: self.at,
            what: what.to_owned(),
        }
    }

    pub(super) fn bump(&mut self) -> Parsed<()> {
        self.skip(1)
    }

    pub(super) fn skip(&mut self, bytes: usize) -> Parsed<()> {
        match self.budget.checked_sub(bytes) {
            Some(left) => self.budget = left,
            None => return Err(self.broken("too much to read")),
        }
        self.at += bytes;
        Ok(())
    }

    /// The character here, taken whole.
    pub(super) fn take_char(&mut self) -> Parsed<&'a str> {
        let rest = self.text.get(self.at..).unwrap_or("");
        let length = rest.chars().next().map_or(0, char::len_utf8);
        self.skip(length)?;
        Ok(rest.get(..length).unwrap_or(""))
    }

    pub(super) fn deeper(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.broken("nested too deep"));
        }
        Ok(())
    }

    pub(super) fn shallower(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Reads a text that stands inside this one (backquotes, here-documents) by the same limits.
    pub(super) fn inner<T>(
        &mut self,
        text: &str,
        read: impl FnOnce(&mut Parser<'_>) -> Parsed<T>,
    ) -> Parsed<T> {
        self.deeper()?;
        let mut parser = Parser {
            text,
            at: 0,
            extglob: self.extglob,
            dialect: self.dialect,
            depth: self.depth,
            budget: self.budget,
            pending: Vec::new(),
            origin: Some(self.origin.unwrap_or(self.at)),
        };
        let result = read(&mut parser).map_err(|e| Broken { at: self.at, ..e })?;
        if parser.at < text.len() {
            return Err(self.broken("a part does not end where it should"));
        }
        self.budget = parser.budget;
        self.shallower();
        Ok(result)
    }

    /// A list to the end of the text.
    pub(super) fn script(&mut self) -> Parsed<List> {
        let list = self.list()?;
        match self.peek() {
            None => {
                self.here_documents()?;
                Ok(list)
            }
            Some(_) => Err(self.broken("this word or sign is not expected here")),
        }
    }

    /// Commands up to a closing word or sign, which stays. May be empty.
    pub(super) fn list(&mut self) -> Parsed<List> {
        self.deeper()?;
        let mut items = Vec::new();
        loop {
            self.newlines()?;
            if self.at_list_end() {
                break;
            }
            let mut item = self.and_or()?;
            self.blanks()?;
            match self.peek() {
                Some(b';') if !matches!(self.peek_at(1), Some(b';' | b'&')) => self.bump()?,
                Some(b'&') => {
                    self.bump()?;
                    item.background = true;
                }
                Some(b'\n') => {}
                _ => {
                    items.push(item);
                    break;
                }
            }
            items.push(item);
        }
        self.shallower();
        Ok(List { items })
    }

    fn full_list(&mut self) -> Parsed<List> {
        let list = self.list()?;
        if list.items.is_empty() && self.dialect != Dialect::Zsh {
            return Err(self.broken("a command is missing"));
        }
        Ok(list)
    }

    fn at_list_end(&self) -> bool {
        match self.peek() {
            None | Some(b')') => true,
            Some(b';') => matches!(self.peek_at(1), Some(b';' | b'&')),
            _ => self.keyword().is_some_and(|word| CLOSING.contains(&word)),
        }
    }

    /// The bare word here, where it could be a reserved one.
    fn keyword(&self) -> Option<&'a str> {
        let rest = self.text.get(self.at..)?;
        let end = rest
            .bytes()
            .position(|b| b" \t\n;&|()<>".contains(&b))
            .unwrap_or(rest.len());
        let word = rest.get(..end)?;
        (word.len() <= 8
            && !word.is_empty()
            && word
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b"{}![]".contains(&b)))
        .then_some(word)
    }

    fn take_keyword(&mut self, word: &str) -> Parsed<()> {
        self.newlines()?;
        if self.keyword() == Some(word) {
            self.skip(word.len())
        } else {
            Err(self.broken(&format!("`{word}` is missing")))
        }
    }

    fn blanks(&mut self) -> Parsed<()> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => self.bump()?,
                Some(b'\\') if self.peek_at(1) == Some(b'\n') => self.skip(2)?,
                Some(b'#') => {
                    let rest = self.text.get(self.at..).unwrap_or("");
                    let end = rest.find('\n').unwrap_or(rest.len());
                    self.skip(end)?;
                }
                _ => return Ok(()),
            }
        }
    }

    /// Blanks, comments and line ends. Here-documents begin after a line end.
    fn newlines(&mut self) -> Parsed<()> {
        loop {
            self.blanks()?;
            if self.peek() != Some(b'\n') {
                return Ok(());
            }
            self.bump()?;
            self.here_documents()?;
        }
    }

    fn here_documents(&mut self) -> Parsed<()> {
        for document in std::mem::take(&mut self.pending) {
            let mut body = String::new();
            while self.at < self.text.len() {
                let rest = self.text.get(self.at..).unwrap_or("");
                let end = rest.find('\n').map_or(rest.len(), |n| n + 1);
                self.skip(end)?;
                let line = rest.get(..end).unwrap_or("");
                let line = if document.strip_tabs {
                    line.trim_start_matches('\t')
                } else {
                    line
                };
                if line.strip_suffix('\n').unwrap_or(line) == document.delimiter {
                    break;
                }
                body.push_str(line);
            }
            let word = if document.literal {
                Word {
                    parts: vec![Part::Quoted(body)],
                }
            } else {
                self.inner(&body, |p| p.word(Within::Text))?
            };
            let _ = document.body.set(word);
        }
        Ok(())
    }

    fn and_or(&mut self) -> Parsed<AndOr> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            self.blanks()?;
            let and = match (self.peek(), self.peek_at(1)) {
                (Some(b'&'), Some(b'&')) => true,
                (Some(b'|'), Some(b'|')) => false,
                _ => break,
            };
            self.skip(2)?;
            self.newlines()?;
            rest.push((and, self.pipeline()?));
        }
        Ok(AndOr {
            first,
            rest,
            background: false,
        })
    }

    fn pipeline(&mut self) -> Parsed<Pipeline> {
        let mut negated = false;
        let mut seen = false;
        loop {
            self.blanks()?;
            match self.keyword() {
                Some("!") => {
                    if seen && !self.bash() {
                        return Err(self.broken("`!` is not expected here"));
                    }
                    seen = true;
                    negated = !negated;
                    self.bump()?;
                    self.blanks()?;
                    if self.bash() && matches!(self.peek(), None | Some(b'\n' | b';')) {
                        return Ok(Pipeline {
                            negated,
                            commands: Vec::new(),
                        });
                    }
                }
                Some("time") if self.bash() => {
                    self.skip(4)?;
                    self.blanks()?;
                    if self.text.get(self.at..).is_some_and(|r| {
                        r.strip_prefix("-p")
                            .is_some_and(|r| r.starts_with([' ', '\t']))
                    }) {
                        self.skip(2)?;
                    }
                    self.blanks()?;
                    if matches!(self.peek(), None | Some(b'\n' | b';' | b'&' | b')')) {
                        return Ok(Pipeline {
                            negated,
                            commands: Vec::new(),
                        });
                    }
                }
                _ => break,
            }
        }
        let mut commands = vec![self.command()?];
        loop {
            self.blanks()?;
            if self.peek() != Some(b'|') || self.peek_at(1) == Some(b'|') {
                break;
            }
            self.bump()?;
            if self.bash() && self.peek() == Some(b'&') {
                self.bump()?;
            }
            self.newlines()?;
            commands.push(self.command()?);
        }
        Ok(Pipeline { negated, commands })
    }

    fn command(&mut self) -> Parsed<Command> {
        self.deeper()?;
        self.blanks()?;
        let at = self.origin.unwrap_or(self.at);
        let mut command = match self.compound()? {
            Some(node) => Command {
                node,
                redirects: Vec::new(),
                at,
            },
            None => return self.simple().inspect(|_| self.depth -= 1),
        };
        if !matches!(command.node, Node::Function(..)) {
            self.blanks()?;
            while let Some(redirect) = self.redirect()? {
                command.redirects.push(redirect);
                self.blanks()?;
            }
            self.command_ends()?;
        }
        self.shallower();
        Ok(command)
    }

    /// After a compound command only an operator, a line end or a closing word may stand.
    fn command_ends(&self) -> Parsed<()> {
        match self.peek() {
            None | Some(b'\n' | b';' | b'&' | b'|' | b')') => Ok(()),
            _ if self.keyword().is_some_and(|w| CLOSING.contains(&w)) => Ok(()),
            Some(_) => Err(self.broken("a command does not end here")),
        }
    }

    fn compound(&mut self) -> Parsed<Option<Node>> {
        if self.peek() == Some(b'(') {
            if self.bash()
                && self.peek_at(1) == Some(b'(')
                && let Some(text) = self.arithmetic(2)?
            {
                return Ok(Some(Node::Arithmetic(text)));
            }
            self.bump()?;
            let list = self.full_list()?;
            self.sign(b')')?;
            return Ok(Some(Node::Subshell(list)));
        }
        let Some(word) = self.keyword() else {
            return Ok(None);
        };
        let bash = self.bash();
        let node = match word {
            "{" => {
                self.bump()?;
                let list = self.full_list()?;
                self.take_keyword("}")?;
                Node::Group(list)
            }
            "if" => self.if_clause()?,
            "while" | "until" => {
                self.skip(5)?;
                let condition = self.full_list()?;
                Node::Loop(condition, self.do_group()?)
            }
            "for" => self.for_clause(3)?,
            "select" if bash => self.for_clause(6)?,
            "case" => self.case_clause()?,
            "function" if bash => self.function_clause()?,
            "[[" if bash => self.condition()?,
            "coproc" if bash => self.coproc()?,
            word if CLOSING.contains(&word) || matches!(word, "in" | "!") => {
                return Err(self.broken(&format!("`{word}` is not expected here")));
            }
            _ => return Ok(None),
        };
        Ok(Some(node))
    }

    fn sign(&mut self, byte: u8) -> Parsed<()> {
        self.newlines()?;
        if self.peek() == Some(byte) {
            self.bump()
        } else {
            Err(self.broken(&format!("`{}` is missing", char::from(byte))))
        }
    }

    fn if_clause(&mut self) -> Parsed<Node> {
        let mut arms = Vec::new();
        self.skip(2)?;
        loop {
            let condition = self.full_list()?;
            self.take_keyword("then")?;
            arms.push((Some(condition), self.full_list()?));
            match self.keyword() {
                Some("elif") => self.skip(4)?,
                Some("else") => {
                    self.skip(4)?;
                    arms.push((None, self.full_list()?));
                    self.take_keyword("fi")?;
                    return Ok(Node::If(arms));
                }
                _ => {
                    self.take_keyword("fi")?;
                    return Ok(Node::If(arms));
                }
            }
        }
    }

    fn do_group(&mut self) -> Parsed<List> {
        self.take_keyword("do")?;
        let list = self.full_list()?;
        self.take_keyword("done")?;
        Ok(list)
    }

    fn for_clause(&mut self, length: usize) -> Parsed<Node> {
        self.skip(length)?;
        self.blanks()?;
        if self.bash() && self.peek() == Some(b'(') && self.peek_at(1) == Some(b'(') {
            let start = self.at;
            let Some(text) = self.arithmetic(2)? else {
                return Err(self.broken("`((` does not end"));
            };
            if self.text[start..self.at].matches(';').count() < 2 {
                return Err(self.broken("`for ((` needs three parts"));
            }
            self.blanks()?;
            if self.peek() == Some(b';') {
                self.bump()?;
            }
            return Ok(Node::ForArithmetic(text, self.loop_body()?));
        }
        let name = self
            .word(Within::Plain)?
            .literal()
            .filter(|n| is_name(n) || (self.bash() && !n.is_empty()))
            .ok_or_else(|| self.broken("a loop needs a variable"))?;
        self.blanks()?;
        let words = if self.peek() == Some(b';') && self.peek_at(1) != Some(b';') {
            self.bump()?;
            None
        } else {
            self.newlines()?;
            if self.keyword() == Some("in") {
                self.skip(2)?;
                let words = self.words_to_end()?;
                Some(words)
            } else {
                None
            }
        };
        Ok(Node::For(name, words, self.loop_body()?))
    }

    fn words_to_end(&mut self) -> Parsed<Vec<Word>> {
        let mut words = Vec::new();
        loop {
            self.blanks()?;
            match self.peek() {
                Some(b';') if self.peek_at(1) != Some(b';') => {
                    self.bump()?;
                    return Ok(words);
                }
                Some(b'\n') => return Ok(words),
                _ => {}
            }
            let word = self.word(Within::Plain)?;
            if word.parts.is_empty() {
                return Err(self.broken("a loop's words do not end"));
            }
            words.push(word);
        }
    }

    fn loop_body(&mut self) -> Parsed<List> {
        self.newlines()?;
        if self.bash() && self.keyword() == Some("{") {
            self.bump()?;
            let list = self.full_list()?;
            self.take_keyword("}")?;
            return Ok(list);
        }
        self.do_group()
    }

    fn case_clause(&mut self) -> Parsed<Node> {
        self.skip(4)?;
        self.blanks()?;
        let subject = self.word(Within::Plain)?;
        if subject.parts.is_empty() {
            return Err(self.broken("`case` needs a word"));
        }
        self.take_keyword("in")?;
        let mut arms = Vec::new();
        loop {
            self.newlines()?;
            if self.keyword() == Some("esac") {
                self.skip(4)?;
                return Ok(Node::Case(subject, arms));
            }
            if self.peek() == Some(b'(') {
                self.bump()?;
            }
            let patterns = self.case_patterns()?;
            let body = self.list()?;
            let signs = (self.peek(), self.peek_at(1), self.peek_at(2));
            let (length, falls) = match signs {
                (Some(b';'), Some(b';'), Some(b'&')) if self.bash() => (3, true),
                (Some(b';'), Some(b';'), _) => (2, false),
                (Some(b';'), Some(b'&'), _) if self.bash() => (2, true),
                _ => (0, false),
            };
            arms.push(CaseArm {
                patterns,
                body,
                falls,
            });
            match length {
                1.. => self.skip(length)?,
                0 => {
                    self.take_keyword("esac")?;
                    return Ok(Node::Case(subject, arms));
                }
            }
        }
    }

    fn case_patterns(&mut self) -> Parsed<Vec<Word>> {
        let mut patterns = Vec::new();
        loop {
            self.blanks()?;
            let pattern = self.word(Within::Plain)?;
            if pattern.parts.is_empty() {
                return Err(self.broken("a pattern is missing"));
            }
            patterns.push(pattern);
            self.blanks()?;
            match self.peek() {
                Some(b'|') => self.bump()?,
                Some(b')') => {
                    self.bump()?;
                    return Ok(patterns);
                }
                _ => return Err(self.broken("a pattern does not end")),
            }
        }
    }

    fn function_clause(&mut self) -> Parsed<Node> {
        self.skip(8)?;
        self.blanks()?;
        let name = self
            .word(Within::Plain)?
            .literal()
            .filter(|n| !n.is_empty())
            .ok_or_else(|| self.broken("a function needs a name"))?;
        self.blanks()?;
        if self.peek() == Some(b'(') {
            self.bump()?;
            self.blanks()?;
            self.sign(b')')?;
        }
        self.function_body(name)
    }

    fn function_body(&mut self, name: String) -> Parsed<Node> {
        self.newlines()?;
        let body = self.command()?;
        if self.dialect == Dialect::Bash && matches!(body.node, Node::Simple { .. }) {
            return Err(self.broken("a function's body is no group"));
        }
        Ok(Node::Function(name, Rc::new(body)))
    }

    fn coproc(&mut self) -> Parsed<Node> {
        self.skip(6)?;
        self.blanks()?;
        let start = self.at;
        // `coproc NAME { ... }`: the name only counts before a compound command.
        let name = self.word(Within::Plain)?;
        self.blanks()?;
        let compound = self.peek() == Some(b'(')
            || self
                .keyword()
                .is_some_and(|w| ["{", "if", "while", "until", "for", "case", "[["].contains(&w));
        if !(name.literal().is_some_and(|n| is_name(&n)) && compound) {
            self.at = start;
        }
        let command = self.command()?;
        Ok(Node::Group(List {
            items: vec![AndOr {
                first: Pipeline {
                    negated: false,
                    commands: vec![command],
                },
                rest: Vec::new(),
                background: true,
            }],
        }))
    }

    fn condition(&mut self) -> Parsed<Node> {
        self.skip(2)?;
        let mut words = Vec::new();
        let mut within = Within::Condition;
        loop {
            self.newlines()?;
            match self.peek() {
                None => return Err(self.broken("`[[` does not end")),
                Some(b'&' | b'|') if self.peek_at(1) == self.peek() => self.skip(2)?,
                Some(b'(' | b')' | b'<' | b'>') if within == Within::Condition => self.bump()?,
                _ => {
                    let word = self.word(within)?;
                    if word.parts.is_empty() {
                        return Err(self.broken("`[[` does not end"));
                    }
                    let literal = match word.parts.as_slice() {
                        [Part::Text(text)] => text.as_str(),
                        _ => "",
                    };
                    if literal == "]]" && within == Within::Condition {
                        return Ok(Node::Condition(words));
                    }
                    within = if literal == "=~" {
                        Within::Pattern
                    } else {
                        Within::Condition
                    };
                    words.push(word);
                }
            }
        }
    }

    fn simple(&mut self) -> Parsed<Command> {
        let at = self.origin.unwrap_or(self.at);
        let mut assigns = Vec::new();
        let mut words: Vec<Word> = Vec::new();
        let mut redirects = Vec::new();
        let mut declares = false;
        loop {
            self.blanks()?;
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                continue;
            }
            if (words.is_empty() || declares)
                && let Some((assign, text)) = self.assignment()?
            {
                if words.is_empty() {
                    assigns.push(assign);
                } else {
                    words.push(declared(assign, text));
                }
                continue;
            }
            let word = self.word(Within::Plain)?;
            if word.parts.is_empty() {
                break;
            }
            words.push(word);
            if words.len() > 1 {
                continue;
            }
            let name = words.first().and_then(Word::literal);
            declares = self.bash()
                && name.as_deref().is_some_and(|n| {
                    ["declare", "typeset", "export", "local", "readonly"].contains(&n)
                });
            self.blanks()?;
            if self.peek() == Some(b'(') && assigns.is_empty() && redirects.is_empty() {
                let Some(name) = name.filter(|n| self.bash() || is_name(n)) else {
                    return Err(self.broken("`(` is not expected here"));
                };
                self.bump()?;
                self.blanks()?;
                if self.peek() != Some(b')') {
                    return Err(self.broken("`(` is not expected here"));
                }
                self.bump()?;
                return Ok(Command {
                    node: self.function_body(name)?,
                    redirects,
                    at,
                });
            }
        }
        if self.peek() == Some(b'(') {
            return Err(self.broken("`(` is not expected here"));
        }
        if assigns.is_empty() && words.is_empty() && redirects.is_empty() {
            return Err(self.broken("a command is missing"));
        }
        Ok(Command {
            node: Node::Simple { assigns, words },
            redirects,
            at,
        })
    }

    /// `name=value` here, with its text up to the value; nothing is taken where it is none.
    fn assignment(&mut self) -> Parsed<Option<(Assign, String)>> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut end = start;
        while bytes
            .get(end)
            .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
        {
            end += 1;
        }
        let name = self.text.get(start..end).unwrap_or("");
        if !is_name(name) {
            return Ok(None);
        }
        let mut indexed = false;
        if self.bash() && bytes.get(end) == Some(&b'[') {
            let line_end = bytes.get(end..).and_then(|r| {
                r.iter()
                    .position(|b| matches!(b, b']' | b'\n'))
                    .filter(|n| r.get(*n) == Some(&b']'))
            });
            let Some(length) = line_end else {
                return Ok(None);
            };
            let index = self.text.get(end..end + length).unwrap_or("");
            if index.contains("$(") || index.contains('`') {
                // Read as a word, so that what it runs is seen.
                return Ok(None);
            }
            end += length + 1;
            indexed = true;
        }
        let append = self.bash() && bytes.get(end) == Some(&b'+');
        let equals = end + usize::from(append);
        if bytes.get(equals) != Some(&b'=') {
            return Ok(None);
        }
        let name = name.to_owned();
        self.skip(equals + 1 - start)?;
        let text = self.text.get(start..self.at).unwrap_or("").to_owned();
        let value = if self.bash() && self.peek() == Some(b'(') {
            self.list_value()?
        } else {
            self.word(Within::Plain)?
        };
        Ok(Some((
            Assign {
                name,
                indexed,
                append,
                value,
            },
            text,
        )))
    }

    fn list_value(&mut self) -> Parsed<Word> {
        self.bump()?;
        let mut words = Vec::new();
        loop {
            self.newlines()?;
            if self.peek() == Some(b')') {
                self.bump()?;
                return Ok(Word {
                    parts: vec![Part::List(words)],
                });
            }
            let word = self.word(Within::Plain)?;
            if word.parts.is_empty() {
                return Err(self.broken("a list of values does not end"));
            }
            words.push(word);
        }
    }

    fn redirect(&mut self) -> Parsed<Option<Redirect>> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut end = start;
        if self.bash() && bytes.get(end) == Some(&b'{') {
            let name = bytes.get(end + 1..).map_or(0, |r| {
                r.iter()
                    .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
                    .count()
            });
            if name > 0
                && bytes.get(end + 1 + name) == Some(&b'}')
                && matches!(bytes.get(end + 2 + name), Some(b'<' | b'>'))
            {
                end += name + 2;
            }
        } else {
            while bytes.get(end).is_some_and(u8::is_ascii_digit) {
                end += 1;
            }
        }
        let both = end == start
            && self.bash()
            && bytes.get(end) == Some(&b'&')
            && bytes.get(end + 1) == Some(&b'>');
        if !both && !matches!(bytes.get(end), Some(b'<' | b'>')) {
            return Ok(None);
        }
        let after = bytes.get(end + 1);
        if self.bash() && end == start && !both && after == Some(&b'(') {
            return Ok(None);
        }
        let fd = (end > start).then(|| self.text.get(start..end).unwrap_or("").to_owned());
        self.skip(end - start + usize::from(both))?;
        let what = self.redirection()?;
        Ok(Some(Redirect { fd, what }))
    }

    fn redirection(&mut self) -> Parsed<Redirection> {
        let rest = self.text.get(self.at..).unwrap_or("");
        let bash = self.bash();
        let operator = ["<<<", "<<-", "<<", "<>", "<&", "<", ">>", ">&", ">|", ">"]
            .into_iter()
            .find(|o| rest.starts_with(o) && (bash || *o != "<<<"))
            .unwrap_or(">");
        self.skip(operator.len())?;
        if bash && operator == ">>" && self.peek() == Some(b'&') {
            return Err(self.broken("`&` is not expected here"));
        }
        self.blanks()?;
        let start = self.at;
        let word = self.word(Within::Plain)?;
        if word.parts.is_empty() {
            return Err(self.broken("a redirection needs a word"));
        }
        Ok(match operator {
            "<<<" => Redirection::HereString(word),
            "<<" | "<<-" => {
                let spelled = self.text.get(start..self.at).unwrap_or("");
                let literal = spelled.contains(['\'', '"', '\\']);
                let delimiter = word.literal().unwrap_or_else(|| spelled.to_owned());
                let body = Rc::new(OnceCell::new());
                self.pending.push(Pending {
                    delimiter,
                    strip_tabs: operator == "<<-",
                    literal,
                    body: Rc::clone(&body),
                });
                Redirection::Here(body)
            }
            "<&" => Redirection::CopyIn(word),
            ">&" => Redirection::CopyOut(word),
            "<" | "<>" => Redirection::Read(word),
            ">>" => Redirection::Append(word),
            _ => Redirection::Write(word),
        })
    }
}

/// A `declare`d word: its text up to the value, then the value.
fn declared(assign: Assign, text: String) -> Word {
    let mut parts = vec![Part::Quoted(text)];
    parts.extend(assign.value.parts);
    Word { parts }
}

/// Whether a text is a variable's name.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
