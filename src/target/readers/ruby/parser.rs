//! From words to the tree: precedence climbing, command calls without parentheses, blocks.

use std::collections::HashSet;

use super::ast::{Block, Call, Expr, Kind, Part, RubyError};
use super::lexer::{Lexer, RawPart, Tok, Token};

/// Expressions nested deeper than this are not read.
const MAX_DEPTH: usize = 48;

pub(super) struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    locals: HashSet<String>,
    /// Inside a command call's arguments a `do` belongs to the outer call.
    no_do: bool,
}

/// Parses a program.
///
/// # Errors
/// Where the text is no Ruby, or Ruby that this reader does not know.
pub fn parse(text: &str) -> Result<Vec<Expr>, RubyError> {
    parse_at(text, 1, 0, HashSet::new())
}

/// Parses a part of a file that starts at that line.
///
/// # Errors
/// See [`parse`].
pub fn parse_from(text: &str, line: usize) -> Result<Vec<Expr>, RubyError> {
    parse_at(text, line, 0, HashSet::new())
}

fn parse_at(
    text: &str,
    line: usize,
    depth: usize,
    locals: HashSet<String>,
) -> Result<Vec<Expr>, RubyError> {
    let mut parser = Parser {
        tokens: Lexer::new(text, line).run()?,
        at: 0,
        depth,
        locals,
        no_do: false,
    };
    let body = parser.statements(&[])?;
    if *parser.tok() != Tok::End {
        return parser.fail("something stands where a statement has ended");
    }
    Ok(body)
}

/// Binding power of binary operators; `right` for those that group from the right.
fn power(op: &str) -> Option<(u8, bool)> {
    Some(match op {
        "?" => (2, true),
        ".." | "..." => (3, false),
        "||" => (4, false),
        "&&" => (5, false),
        "<=>" | "==" | "===" | "!=" | "=~" | "!~" => (7, false),
        "<" | "<=" | ">" | ">=" => (8, false),
        "|" | "^" => (9, false),
        "&" => (10, false),
        "<<" | ">>" => (11, false),
        "+" | "-" => (12, false),
        "*" | "/" | "%" => (13, false),
        "**" => (15, true),
        _ => return None,
    })
}

const ASSIGNS: &[(&str, &str)] = &[
    ("=", ""),
    ("||=", "||"),
    ("&&=", "&&"),
    ("+=", "+"),
    ("-=", "-"),
    ("*=", "*"),
    ("/=", "/"),
    ("<<=", "<<"),
    ("|=", "|"),
    ("&=", "&"),
];

/// Words that end a statement list or cannot start a value.
const CLOSERS: &[&str] = &[
    "end", "else", "elsif", "when", "in", "rescue", "ensure", "then", "do", "and", "or", "if",
    "unless", "while", "until",
];

impl Parser {
    fn tok(&self) -> &Tok {
        self.tokens.get(self.at).map_or(&Tok::End, |t| &t.tok)
    }

    fn token(&self) -> Token {
        self.tokens.get(self.at).cloned().unwrap_or(Token {
            tok: Tok::End,
            line: self.tokens.last().map_or(1, |t| t.line),
            spaced: true,
            space_after: true,
        })
    }

    fn line(&self) -> usize {
        self.token().line
    }

    fn fail<T>(&self, what: &'static str) -> Result<T, RubyError> {
        Err(RubyError {
            line: self.line(),
            what,
        })
    }

    fn is_op(&self, op: &str) -> bool {
        matches!(self.tok(), Tok::Op(o) if *o == op)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.tok(), Tok::Ident(w) if w == word)
    }

    fn take_op(&mut self, op: &str) -> bool {
        let found = self.is_op(op);
        self.at += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn need_op(&mut self, op: &str, what: &'static str) -> Result<(), RubyError> {
        if self.take_op(op) {
            Ok(())
        } else {
            self.fail(what)
        }
    }

    fn need_end(&mut self) -> Result<(), RubyError> {
        if self.take_word("end") {
            Ok(())
        } else {
            self.fail("an `end` is missing")
        }
    }

    fn skip_newlines(&mut self) {
        while matches!(self.tok(), Tok::Newline | Tok::Op(";")) {
            self.at += 1;
        }
    }

    fn skip_lines(&mut self) {
        while matches!(self.tok(), Tok::Newline) {
            self.at += 1;
        }
    }

    fn closes(&self, words: &[&str]) -> bool {
        match self.tok() {
            Tok::End => true,
            Tok::Ident(word) => words.contains(&word.as_str()),
            Tok::Op("}") => words.contains(&"}"),
            Tok::Op(")") => words.contains(&")"),
            _ => false,
        }
    }

    fn statements(&mut self, until: &[&str]) -> Result<Vec<Expr>, RubyError> {
        let no_do = std::mem::replace(&mut self.no_do, false);
        let mut body = Vec::new();
        self.skip_newlines();
        while !self.closes(until) {
            body.push(self.statement()?);
            if !matches!(self.tok(), Tok::Newline | Tok::Op(";")) && !self.closes(until) {
                return self.fail("something stands where a statement has ended");
            }
            self.skip_newlines();
        }
        self.no_do = no_do;
        Ok(body)
    }

    fn statement(&mut self) -> Result<Expr, RubyError> {
        let mut expr = self.expression_statement()?;
        loop {
            let line = self.line();
            let kind = if self.take_word("if") {
                let condition = self.expression_statement()?;
                Kind::If(Box::new(condition), vec![expr], Vec::new())
            } else if self.take_word("unless") {
                let condition = self.expression_statement()?;
                Kind::If(Box::new(condition), Vec::new(), vec![expr])
            } else if self.take_word("while") || self.take_word("until") {
                self.expression_statement()?;
                Kind::Loop(vec![expr])
            } else if self.take_word("rescue") {
                let other = self.expression_statement()?;
                Kind::Begin(vec![expr], vec![other])
            } else {
                return Ok(expr);
            };
            expr = Expr { kind, line };
        }
    }

    fn expression_statement(&mut self) -> Result<Expr, RubyError> {
        let mut left = self.not_expression()?;
        loop {
            let line = self.line();
            let kind = if self.take_word("and") {
                self.skip_lines();
                Kind::And(Box::new(left), Box::new(self.not_expression()?))
            } else if self.take_word("or") {
                self.skip_lines();
                Kind::Or(Box::new(left), Box::new(self.not_expression()?))
            } else {
                return Ok(left);
            };
            left = Expr { kind, line };
        }
    }

    fn not_expression(&mut self) -> Result<Expr, RubyError> {
        let line = self.line();
        if self.take_word("not") {
            let inner = self.expression(0)?;
            return Ok(Expr {
                kind: Kind::Not(Box::new(inner)),
                line,
            });
        }
        self.expression(0)
    }

    /// An expression whose operators bind at least as strongly as `least`.
    fn expression(&mut self, least: u8) -> Result<Expr, RubyError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.fail("nested too deep");
        }
        let result = self.climb(least);
        self.depth -= 1;
        result
    }

    fn climb(&mut self, least: u8) -> Result<Expr, RubyError> {
        let mut left = self.unary()?;
        loop {
            let token = self.token();
            let Tok::Op(op) = token.tok else {
                return Ok(left);
            };
            if let Some((_, inner)) = ASSIGNS.iter().find(|(a, _)| *a == op) {
                if least > 1 || !assignable(&left) {
                    return Ok(left);
                }
                self.at += 1;
                self.skip_lines();
                left = self.assignment(left, inner, token.line)?;
                continue;
            }
            let Some((power, right)) = power(op) else {
                return Ok(left);
            };
            if power < least {
                return Ok(left);
            }
            self.at += 1;
            self.skip_lines();
            let kind = if op == "?" {
                self.ternary(left)?
            } else {
                let next = if right { power } else { power + 1 };
                let other = self.expression(next)?;
                binary(op, left, other)
            };
            left = Expr {
                kind,
                line: token.line,
            };
        }
    }

    fn assignment(&mut self, left: Expr, op: &'static str, line: usize) -> Result<Expr, RubyError> {
        let target = match left.kind {
            Kind::Call(call) if call.receiver.is_none() && call.args.is_empty() => {
                self.locals.insert(call.name.clone());
                Expr {
                    kind: Kind::Local(call.name),
                    line,
                }
            }
            kind => Expr { kind, line },
        };
        let mut value = self.expression(1)?;
        if self.is_op(",") && !self.no_do && self.depth <= 2 {
            let mut items = vec![value];
            while self.take_op(",") {
                self.skip_lines();
                items.push(self.expression(1)?);
            }
            value = Expr {
                kind: Kind::Array(items),
                line,
            };
        }
        if self.is_word("rescue") {
            self.at += 1;
            let other = self.expression(1)?;
            value = Expr {
                kind: Kind::Begin(vec![value], vec![other]),
                line,
            };
        }
        Ok(Expr {
            kind: Kind::Assign(Box::new(target), op, Box::new(value)),
            line,
        })
    }

    fn ternary(&mut self, condition: Expr) -> Result<Kind, RubyError> {
        // `a ? b : c` where the lexer took `b :` for a label.
        let line = self.line();
        let yes = match self.tok().clone() {
            Tok::Label(name) => {
                self.at += 1;
                let kind = if name.starts_with(char::is_uppercase) {
                    Kind::Const(name)
                } else {
                    self.name_kind(name)
                };
                Expr { kind, line }
            }
            _ => {
                let yes = self.expression(2)?;
                self.skip_lines();
                self.need_op(":", "a `:` is missing after `?`")?;
                yes
            }
        };
        self.skip_lines();
        let no = self.expression(2)?;
        Ok(Kind::If(Box::new(condition), vec![yes], vec![no]))
    }

    fn unary(&mut self) -> Result<Expr, RubyError> {
        let line = self.line();
        for (op, power) in [("!", 16), ("-", 14), ("+", 16), ("~", 16), ("&", 16)] {
            if self.is_op(op) {
                self.at += 1;
                let inner = self.expression(power)?;
                let kind = match (op, inner.kind) {
                    ("!", kind) => Kind::Not(Box::new(Expr { kind, line })),
                    ("-", Kind::Int(n)) => Kind::Int(n.wrapping_neg()),
                    ("-", Kind::Float(n)) => Kind::Float(-n),
                    ("+", kind) => kind,
                    ("&", kind) => Kind::Splat(Box::new(Expr { kind, line })),
                    _ => Kind::Unread("an operator before a value".into()),
                };
                return Ok(Expr { kind, line });
            }
        }
        if self.is_op("*") || self.is_op("**") {
            self.at += 1;
            let inner = self.expression(16)?;
            return Ok(Expr {
                kind: Kind::Splat(Box::new(inner)),
                line,
            });
        }
        let primary = self.primary()?;
        self.postfix(primary)
    }

    fn postfix(&mut self, mut left: Expr) -> Result<Expr, RubyError> {
        loop {
            let token = self.token();
            let line = token.line;
            match token.tok {
                Tok::Op(op @ ("." | "&.")) => {
                    self.at += 1;
                    self.skip_lines();
                    left = self.method(left, op == "&.", line)?;
                }
                Tok::Op("::") if !token.spaced => {
                    self.at += 1;
                    left = match (self.tok().clone(), left.kind) {
                        (Tok::Const(name), Kind::Const(path)) if !matches!(self.tokens.get(self.at + 1), Some(t) if t.tok == Tok::Op("(") && !t.spaced) =>
                        {
                            self.at += 1;
                            Expr {
                                kind: Kind::Const(format!("{path}::{name}")),
                                line,
                            }
                        }
                        (_, kind) => self.method(Expr { kind, line }, false, line)?,
                    };
                }
                Tok::Op("[") if !token.spaced => {
                    self.at += 1;
                    let args = self.arguments("]")?;
                    left = Expr {
                        kind: Kind::Index(Box::new(left), args),
                        line,
                    };
                }
                _ => return Ok(left),
            }
            self.depth_check()?;
        }
    }

    fn depth_check(&self) -> Result<(), RubyError> {
        if self.depth > MAX_DEPTH {
            return self.fail("nested too deep");
        }
        Ok(())
    }

    /// `.name(args) { block }` after a receiver.
    fn method(&mut self, receiver: Expr, safe: bool, line: usize) -> Result<Expr, RubyError> {
        let name = match self.tok().clone() {
            Tok::Ident(name) | Tok::Const(name) => name,
            Tok::Op("(") => {
                // `.()` is `.call()`.
                self.at = self.at.saturating_sub(1);
                "call".to_owned()
            }
            Tok::Label(name) => {
                // `x.y ? a.b : c` where the lexer saw `b:`; give the colon back.
                if let Some(token) = self.tokens.get_mut(self.at) {
                    token.tok = Tok::Op(":");
                    self.at = self.at.saturating_sub(1);
                }
                name
            }
            _ => return self.fail("a method name is missing"),
        };
        self.at += 1;
        self.call(Some(receiver), name, safe, line)
    }

    /// Arguments and block of a call whose name was just read.
    fn call(
        &mut self,
        receiver: Option<Expr>,
        name: String,
        safe: bool,
        line: usize,
    ) -> Result<Expr, RubyError> {
        let mut args = Vec::new();
        let token = self.token();
        if token.tok == Tok::Op("(") && !token.spaced {
            self.at += 1;
            args = self.arguments(")")?;
        } else if self.command_argument(&token) {
            let no_do = std::mem::replace(&mut self.no_do, true);
            args = self.open_arguments()?;
            self.no_do = no_do;
        }
        let block = self.block()?;
        Ok(Expr {
            kind: Kind::Call(Box::new(Call {
                receiver,
                name,
                args,
                block,
                safe,
            })),
            line,
        })
    }

    /// Whether the word starts an argument of a call without parentheses.
    fn command_argument(&self, token: &Token) -> bool {
        if !token.spaced {
            return false;
        }
        match &token.tok {
            Tok::Int(_)
            | Tok::Float(_)
            | Tok::Str(_)
            | Tok::Sym(_)
            | Tok::Regex(..)
            | Tok::Backtick
            | Tok::Words(..)
            | Tok::Const(_)
            | Tok::Variable(_)
            | Tok::Label(_) => true,
            Tok::Ident(word) => !CLOSERS.contains(&word.as_str()),
            Tok::Op("[" | "->" | "!") => true,
            Tok::Op("-" | "*" | "&" | "**" | "::" | ":") => !token.space_after,
            _ => false,
        }
    }

    /// Arguments in brackets, up to `close`.
    fn arguments(&mut self, close: &'static str) -> Result<Vec<Expr>, RubyError> {
        let no_do = std::mem::replace(&mut self.no_do, false);
        let mut args = Vec::new();
        let mut pairs = Vec::new();
        loop {
            self.skip_lines();
            if self.take_op(close) {
                break;
            }
            self.argument(&mut args, &mut pairs)?;
            self.skip_lines();
            if !self.take_op(",") {
                self.skip_lines();
                self.need_op(close, "a bracket is not closed")?;
                break;
            }
        }
        self.no_do = no_do;
        push_pairs(&mut args, pairs);
        Ok(args)
    }

    fn open_arguments(&mut self) -> Result<Vec<Expr>, RubyError> {
        let mut args = Vec::new();
        let mut pairs = Vec::new();
        loop {
            self.argument(&mut args, &mut pairs)?;
            if !self.take_op(",") {
                break;
            }
            self.skip_lines();
        }
        push_pairs(&mut args, pairs);
        Ok(args)
    }

    fn argument(
        &mut self,
        args: &mut Vec<Expr>,
        pairs: &mut Vec<(Expr, Expr)>,
    ) -> Result<(), RubyError> {
        let line = self.line();
        if let Some(key) = self.label_key() {
            self.skip_lines();
            let value = if self.is_op(",") || self.is_op(")") || self.is_op("}") {
                // `f(x:)` stands for `f(x: x)`.
                let name = match &key.kind {
                    Kind::Sym(parts) => parts.first().and_then(|p| match p {
                        Part::Text(t) => Some(t.clone()),
                        Part::Code(_) => None,
                    }),
                    _ => None,
                };
                Expr {
                    kind: self.name_kind(name.unwrap_or_default()),
                    line,
                }
            } else {
                self.not_expression()?
            };
            pairs.push((key, value));
            return Ok(());
        }
        let value = self.not_expression()?;
        if self.take_op("=>") {
            self.skip_lines();
            let other = self.not_expression()?;
            pairs.push((value, other));
        } else {
            args.push(value);
        }
        Ok(())
    }

    /// `name:` or `"name":` as a key.
    fn label_key(&mut self) -> Option<Expr> {
        let token = self.token();
        let line = token.line;
        match token.tok {
            Tok::Label(name) => {
                self.at += 1;
                Some(Expr {
                    kind: Kind::Sym(vec![Part::Text(name)]),
                    line,
                })
            }
            Tok::Str(parts) => {
                let next = self.tokens.get(self.at + 1)?;
                if next.tok != Tok::Op(":") || next.spaced {
                    return None;
                }
                let text: String = parts
                    .iter()
                    .map(|p| match p {
                        RawPart::Text(t) | RawPart::Code(t, _) => t.as_str(),
                    })
                    .collect();
                self.at += 2;
                Some(Expr {
                    kind: Kind::Sym(vec![Part::Text(text)]),
                    line,
                })
            }
            _ => None,
        }
    }

    /// `{ |x| ... }` or `do |x| ... end`.
    fn block(&mut self) -> Result<Option<Block>, RubyError> {
        let braces = self.is_op("{");
        if !braces && (self.no_do || !self.is_word("do")) {
            return Ok(None);
        }
        self.at += 1;
        self.block_body(if braces { "}" } else { "end" }).map(Some)
    }

    fn block_body(&mut self, close: &'static str) -> Result<Block, RubyError> {
        self.skip_newlines();
        let mut params = Vec::new();
        if self.take_op("|") {
            params = unstarred(self.parameters("|")?);
        } else if self.is_op("||") {
            self.at += 1;
        }
        let body = self.body(close)?;
        Ok(Block { params, body })
    }

    /// Statements with their `rescue` and `ensure` parts, up to and with `close`.
    fn body(&mut self, close: &'static str) -> Result<Vec<Expr>, RubyError> {
        let line = self.line();
        let main = self.statements(&[close, "rescue", "else", "ensure"])?;
        let mut rescued = Vec::new();
        let mut after = Vec::new();
        let mut any = false;
        while self.is_word("rescue") || self.is_word("ensure") || self.is_word("else") {
            any = true;
            let ensure = !self.is_word("rescue");
            self.at += 1;
            if !ensure {
                // The classes and the variable say nothing about values.
                while !matches!(self.tok(), Tok::Newline | Tok::Op(";") | Tok::End)
                    && !self.is_word("then")
                {
                    self.at += 1;
                }
                self.take_word("then");
            }
            let part = self.statements(&[close, "rescue", "else", "ensure"])?;
            if ensure {
                after.extend(part);
            } else {
                rescued.extend(part);
            }
        }
        if close == "}" {
            self.need_op("}", "a `}` is missing")?;
        } else {
            self.need_end()?;
        }
        if !any {
            return Ok(main);
        }
        let mut body = vec![Expr {
            kind: Kind::Begin(main, rescued),
            line,
        }];
        body.extend(after);
        Ok(body)
    }

    /// Names of parameters up to `close`; defaults are read over.
    fn parameters(&mut self, close: &'static str) -> Result<Vec<String>, RubyError> {
        let mut params = Vec::new();
        let mut level = 0usize;
        while !(level == 0 && self.is_op(close)) {
            match self.tok().clone() {
                Tok::End => return self.fail("parameters are not closed"),
                Tok::Ident(name) | Tok::Label(name) if level == 0 => {
                    let before = self.at.checked_sub(1).and_then(|n| self.tokens.get(n));
                    let after = |op: &'static str| before.is_some_and(|t| t.tok == Tok::Op(op));
                    if !after("=") {
                        self.locals.insert(name.clone());
                        params.push(match after("*") {
                            true => format!("*{name}"),
                            false => name,
                        });
                    }
                }
                Tok::Op("(" | "[" | "{") => level += 1,
                Tok::Op(")" | "]" | "}") => level = level.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
        }
        self.at += 1;
        Ok(params)
    }

    fn name_kind(&self, name: String) -> Kind {
        if self.locals.contains(&name) {
            Kind::Local(name)
        } else {
            Kind::Call(Box::new(Call {
                receiver: None,
                name,
                args: Vec::new(),
                block: None,
                safe: false,
            }))
        }
    }

    fn parts(&self, raw: Vec<RawPart>) -> Result<Vec<Part>, RubyError> {
        let mut parts = Vec::new();
        for part in raw {
            match part {
                RawPart::Text(text) if text.is_empty() => {}
                RawPart::Text(text) => parts.push(Part::Text(text)),
                RawPart::Code(code, line) => {
                    let locals = self.locals.clone();
                    parts.push(Part::Code(parse_at(&code, line, self.depth + 4, locals)?));
                }
            }
        }
        Ok(parts)
    }

    fn primary(&mut self) -> Result<Expr, RubyError> {
        let token = self.token();
        let line = token.line;
        self.at += 1;
        let kind = match token.tok {
            Tok::Int(n) => Kind::Int(n),
            Tok::Float(n) => Kind::Float(n),
            Tok::Str(raw) => {
                let mut parts = self.parts(raw)?;
                while let Tok::Str(more) = self.tok().clone() {
                    // Texts side by side are one.
                    self.at += 1;
                    parts.extend(self.parts(more)?);
                }
                Kind::Str(parts)
            }
            Tok::Sym(raw) => Kind::Sym(self.parts(raw)?),
            Tok::Regex(raw, flags) => Kind::Regex(self.parts(raw)?, flags),
            Tok::Backtick => Kind::Backtick,
            Tok::Words(words, symbols) => Kind::Array(
                words
                    .into_iter()
                    .map(|w| Expr {
                        kind: if symbols {
                            Kind::Sym(vec![Part::Text(w)])
                        } else {
                            Kind::Str(vec![Part::Text(w)])
                        },
                        line,
                    })
                    .collect(),
            ),
            Tok::Variable(name) => Kind::Variable(name),
            Tok::Const(name) => {
                let next = self.token();
                if next.tok == Tok::Op("(") && !next.spaced
                    || matches!(next.tok, Tok::Str(_)) && next.spaced
                {
                    return self.call(None, name, false, line);
                }
                Kind::Const(name)
            }
            Tok::Op("(") => {
                let body = self.statements(&[")"])?;
                self.need_op(")", "a bracket is not closed")?;
                Kind::Group(body)
            }
            Tok::Op("[") => Kind::Array(self.arguments("]")?),
            Tok::Op("{") => match self.arguments("}")?.pop() {
                None => Kind::Hash(Vec::new()),
                Some(Expr {
                    kind: kind @ Kind::Hash(_),
                    ..
                }) => kind,
                Some(_) => Kind::Unread("a hash with something else than pairs".into()),
            },
            Tok::Op("->") => self.lambda()?,
            Tok::Op("::") => match self.tok().clone() {
                Tok::Const(name) => {
                    self.at += 1;
                    Kind::Const(name)
                }
                _ => return self.fail("a constant is missing after `::`"),
            },
            Tok::Op(".." | "...") => {
                self.expression(4)?;
                Kind::Unread("a range without a start".into())
            }
            Tok::Ident(name) => return self.word(name, line),
            Tok::Label(_) => return self.fail("a key stands where a value is expected"),
            Tok::Op(_) | Tok::Newline | Tok::End => {
                self.at -= 1;
                return self.fail("a value is missing");
            }
        };
        Ok(Expr { kind, line })
    }

    fn lambda(&mut self) -> Result<Kind, RubyError> {
        let mut params = Vec::new();
        if self.take_op("(") {
            params = unstarred(self.parameters(")")?);
        } else {
            while let Tok::Ident(name) = self.tok().clone() {
                if name == "do" {
                    break;
                }
                self.at += 1;
                self.locals.insert(name.clone());
                params.push(name);
                self.take_op(",");
            }
        }
        let close = if self.take_op("{") {
            "}"
        } else if self.take_word("do") {
            "end"
        } else {
            return self.fail("a lambda without a body");
        };
        let body = self.body(close)?;
        Ok(Kind::Lambda(Block { params, body }))
    }

    /// A keyword, a local variable, or a call.
    fn word(&mut self, name: String, line: usize) -> Result<Expr, RubyError> {
        let kind = match name.as_str() {
            "nil" => Kind::Nil,
            "true" => Kind::Bool(true),
            "false" => Kind::Bool(false),
            "self" => Kind::Itself,
            "if" => self.conditional(false)?,
            "unless" => self.conditional(true)?,
            "case" => self.case()?,
            "while" | "until" => {
                self.no_do = true;
                self.expression_statement()?;
                self.no_do = false;
                self.take_word("do");
                let body = self.statements(&["end"])?;
                self.need_end()?;
                Kind::Loop(body)
            }
            "for" => {
                while !self.is_word("in") {
                    if matches!(self.tok(), Tok::Newline | Tok::End) {
                        return self.fail("a `for` without `in`");
                    }
                    if let Tok::Ident(name) = self.tok().clone() {
                        self.locals.insert(name);
                    }
                    self.at += 1;
                }
                self.at += 1;
                self.no_do = true;
                self.expression_statement()?;
                self.no_do = false;
                self.take_word("do");
                let body = self.statements(&["end"])?;
                self.need_end()?;
                Kind::Loop(body)
            }
            "begin" => {
                let body = self.body("end")?;
                Kind::Group(body)
            }
            "def" => self.definition()?,
            "class" | "module" => self.class()?,
            "return" | "next" | "break" | "raise" | "fail" | "abort" | "exit" | "redo"
            | "retry" => {
                let word = match name.as_str() {
                    "raise" | "fail" => "raise",
                    "abort" | "exit" => "exit",
                    _ => "return",
                };
                let token = self.token();
                let value = if token.tok == Tok::Op("(") || self.command_argument(&token) {
                    let mut args = if token.tok == Tok::Op("(") && !token.spaced {
                        self.at += 1;
                        self.arguments(")")?
                    } else {
                        self.open_arguments()?
                    };
                    (!args.is_empty()).then(|| Box::new(args.remove(0)))
                } else {
                    None
                };
                Kind::Leave(word, value)
            }
            "defined?" => {
                let inner = self.expression(14)?;
                Kind::Defined(Box::new(inner))
            }
            "alias" | "undef" | "BEGIN" | "END" => {
                while !matches!(self.tok(), Tok::Newline | Tok::End) {
                    self.at += 1;
                }
                Kind::Nil
            }
            "end" | "else" | "elsif" | "when" | "then" | "do" | "rescue" | "ensure" | "in" => {
                self.at -= 1;
                return self.fail("a keyword stands where a value is expected");
            }
            _ => {
                let next = self.token();
                let bracket = next.tok == Tok::Op("(") && !next.spaced;
                if self.locals.contains(&name) && !bracket {
                    Kind::Local(name)
                } else {
                    return self.call(None, name, false, line);
                }
            }
        };
        Ok(Expr { kind, line })
    }

    fn condition(&mut self) -> Result<Expr, RubyError> {
        let no_do = std::mem::replace(&mut self.no_do, true);
        let condition = self.expression_statement();
        self.no_do = no_do;
        let condition = condition?;
        self.skip_newlines();
        self.take_word("then");
        Ok(condition)
    }

    fn conditional(&mut self, negated: bool) -> Result<Kind, RubyError> {
        self.depth += 1;
        self.depth_check()?;
        let condition = self.condition()?;
        let yes = self.statements(&["elsif", "else", "end"])?;
        let line = self.line();
        let no = if self.take_word("elsif") {
            let inner = self.conditional(false)?;
            vec![Expr { kind: inner, line }]
        } else {
            let no = if self.take_word("else") {
                self.statements(&["end"])?
            } else {
                Vec::new()
            };
            self.need_end()?;
            no
        };
        self.depth -= 1;
        let (yes, no) = if negated { (no, yes) } else { (yes, no) };
        Ok(Kind::If(Box::new(condition), yes, no))
    }

    fn case(&mut self) -> Result<Kind, RubyError> {
        let subject = if matches!(self.tok(), Tok::Newline) {
            None
        } else {
            Some(Box::new(self.expression_statement()?))
        };
        self.skip_newlines();
        let mut branches = Vec::new();
        while self.take_word("when") {
            let mut tests = Vec::new();
            loop {
                tests.push(self.expression(2)?);
                if !self.take_op(",") {
                    break;
                }
                self.skip_lines();
            }
            self.skip_newlines();
            self.take_word("then");
            branches.push((tests, self.statements(&["when", "else", "end"])?));
        }
        if branches.is_empty() {
            return self.fail("a `case` without `when`");
        }
        let other = if self.take_word("else") {
            self.statements(&["end"])?
        } else {
            Vec::new()
        };
        self.need_end()?;
        Ok(Kind::Case(subject, branches, other))
    }

    fn definition(&mut self) -> Result<Kind, RubyError> {
        let mut name = String::new();
        // `def self.name`, `def name=`, operators.
        loop {
            match self.tok().clone() {
                Tok::Ident(word) | Tok::Const(word) => name = word,
                Tok::Op(".") => {}
                Tok::Op("=") if !self.token().spaced => {}
                _ => break,
            }
            self.at += 1;
            if self.token().spaced && !self.is_op(".") {
                break;
            }
        }
        let locals = self.locals.clone();
        let mut params = Vec::new();
        if self.take_op("(") {
            params = self.parameters(")")?;
        } else {
            while !matches!(self.tok(), Tok::Newline | Tok::Op(";" | "=") | Tok::End) {
                if let Tok::Ident(name) | Tok::Label(name) = self.tok().clone() {
                    self.locals.insert(name);
                }
                self.at += 1;
            }
        }
        let body = if self.take_op("=") {
            self.skip_lines();
            vec![self.statement()?]
        } else {
            self.body("end")?
        };
        self.locals = locals;
        Ok(Kind::Def(name, Block { params, body }))
    }

    fn class(&mut self) -> Result<Kind, RubyError> {
        let mut name = String::new();
        if self.take_op("<<") {
            self.expression(0)?;
        } else {
            let Tok::Const(first) = self.tok().clone() else {
                return self.fail("a class without a name");
            };
            self.at += 1;
            name.push_str(&first);
            while self.take_op("::") {
                if let Tok::Const(more) = self.tok().clone() {
                    self.at += 1;
                    name = format!("{name}::{more}");
                }
            }
            if self.take_op("<") {
                self.expression(2)?;
            }
        }
        let body = self.body("end")?;
        Ok(Kind::Class(name, body))
    }
}

fn push_pairs(args: &mut Vec<Expr>, pairs: Vec<(Expr, Expr)>) {
    if let Some((key, _)) = pairs.first() {
        let line = key.line;
        args.push(Expr {
            kind: Kind::Hash(pairs),
            line,
        });
    }
}

fn assignable(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Local(_) | Kind::Variable(_) | Kind::Const(_) | Kind::Index(..) => true,
        Kind::Call(call) => call.args.is_empty() && call.block.is_none(),
        _ => false,
    }
}

fn binary(op: &'static str, left: Expr, right: Expr) -> Kind {
    let (left, right) = (Box::new(left), Box::new(right));
    match op {
        "||" => Kind::Or(left, right),
        "&&" => Kind::And(left, right),
        ".." => Kind::Range(left, right, false),
        "..." => Kind::Range(left, right, true),
        op => Kind::Binary(op, left, right),
    }
}

/// The names of a block's parameters: which of them takes the rest is not asked there.
fn unstarred(params: Vec<String>) -> Vec<String> {
    let bare = |name: String| name.trim_start_matches('*').to_owned();
    params.into_iter().map(bare).collect()
}
