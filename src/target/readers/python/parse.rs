//! Tokens to statements. Never fails: a statement that cannot be parsed becomes `Opaque`, and the
//! evaluator then trusts nothing that it could have changed.

use std::rc::Rc;

use super::ast::{
    Argument, Block, Built, ClassDefinition, Comprehension, Definition, Expr, ExprKind, Handler,
    Parameters, Piece, Statement, StatementKind,
};
use super::lex::{self, Kind, Token};

/// Expressions whose tree is deeper than this (long chains) are refused.
const MAX_TREE: u16 = 100;
/// Expressions nested deeper than this are refused.
const MAX_DEPTH: u16 = 40;
/// Blocks deeper than this are refused.
const MAX_BLOCKS: usize = 40;

/// Not parsable here.
struct Refused;
type Parsed<T> = Result<T, Refused>;

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: u16,
    blocks: usize,
    /// `yield` was seen in the function at hand.
    deferred: bool,
}

/// Parses a file.
pub(super) fn module(text: &str) -> Block {
    let mut parser = Parser::new(lex::tokens(text));
    let mut block = Block::new();
    while !parser.is(&Kind::End) {
        parser.statement(&mut block);
    }
    block
}

const KEYWORDS: &[&str] = &[
    "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif",
    "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda",
    "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

impl Parser {
    fn new(tokens: Vec<Token>) -> Self {
        Parser {
            tokens,
            at: 0,
            depth: 0,
            blocks: 0,
            deferred: false,
        }
    }

    fn kind(&self) -> &Kind {
        self.tokens.get(self.at).map_or(&Kind::End, |t| &t.kind)
    }

    fn line(&self) -> usize {
        self.tokens
            .get(self.at)
            .or(self.tokens.last())
            .map_or(1, |t| t.line)
    }

    fn is(&self, kind: &Kind) -> bool {
        self.kind() == kind
    }

    fn next_is_op(&self, op: &str) -> bool {
        matches!(self.tokens.get(self.at + 1), Some(Token { kind: Kind::Op(o), .. }) if *o == op)
    }

    fn is_op(&self, op: &str) -> bool {
        matches!(self.kind(), Kind::Op(o) if *o == op)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.kind(), Kind::Name(n) if n == word)
    }

    fn op(&mut self, op: &str) -> bool {
        let found = self.is_op(op);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn need(&mut self, op: &str) -> Parsed<()> {
        self.op(op).then_some(()).ok_or(Refused)
    }

    fn need_word(&mut self, word: &str) -> Parsed<()> {
        self.word(word).then_some(()).ok_or(Refused)
    }

    fn name(&mut self) -> Parsed<String> {
        match self.kind() {
            Kind::Name(n) if !KEYWORDS.contains(&n.as_str()) => {
                let name = n.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(Refused),
        }
    }

    fn end_of_statement(&mut self) -> Parsed<()> {
        if self.op(";") {
            if self.is(&Kind::Newline) {
                self.at += 1;
            }
            return Ok(());
        }
        match self.kind() {
            Kind::Newline => {
                self.at += 1;
                Ok(())
            }
            Kind::End | Kind::Dedent => Ok(()),
            _ => Err(Refused),
        }
    }

    /// Parses one statement; on failure skips it with all that is indented below it.
    fn statement(&mut self, block: &mut Block) {
        if self.is(&Kind::Newline) {
            self.at += 1;
            return;
        }
        let (start, line) = (self.at, self.line());
        self.depth = 0;
        let blocks = self.blocks;
        let kind = match self.statement_kind() {
            Ok(kind) => kind,
            Err(Refused) => {
                self.at = start;
                self.blocks = blocks;
                self.skip_statement();
                StatementKind::Opaque
            }
        };
        block.push(Statement { line, kind });
    }

    fn skip_statement(&mut self) {
        let start = self.at;
        loop {
            match self.kind() {
                Kind::End => break,
                Kind::Dedent if self.at > start => break,
                Kind::Newline => {
                    self.at += 1;
                    if !self.is(&Kind::Indent) {
                        break;
                    }
                    self.skip_block();
                    break;
                }
                _ => self.at += 1,
            }
        }
        // Always forward, whatever stands there.
        if self.at == start && !self.is(&Kind::End) {
            self.at += 1;
        }
    }

    fn skip_block(&mut self) {
        let mut depth = 0usize;
        while !self.is(&Kind::End) {
            match self.kind() {
                Kind::Indent => depth += 1,
                Kind::Dedent => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                break;
            }
        }
    }

    fn block(&mut self) -> Parsed<Block> {
        self.need(":")?;
        let mut block = Block::new();
        if !self.is(&Kind::Newline) {
            loop {
                let line = self.line();
                let kind = self.simple_statement()?;
                block.push(Statement { line, kind });
                if !self.op(";") || self.is(&Kind::Newline) {
                    break;
                }
            }
            if self.is(&Kind::Newline) {
                self.at += 1;
            }
            return Ok(block);
        }
        self.at += 1;
        if !self.is(&Kind::Indent) || self.blocks >= MAX_BLOCKS {
            return Err(Refused);
        }
        self.at += 1;
        self.blocks += 1;
        while !matches!(self.kind(), Kind::Dedent | Kind::End) {
            self.statement(&mut block);
        }
        if self.is(&Kind::Dedent) {
            self.at += 1;
        }
        self.blocks -= 1;
        Ok(block)
    }

    fn statement_kind(&mut self) -> Parsed<StatementKind> {
        let word = match self.kind() {
            Kind::Name(n) => n.clone(),
            Kind::Op("@") => return self.decorated(),
            _ => String::new(),
        };
        match word.as_str() {
            "if" => self.if_statement(),
            "for" => self.for_statement(),
            "while" => {
                self.at += 1;
                let test = self.named_expression()?;
                let body = self.block()?;
                let other = self.else_block()?;
                Ok(StatementKind::While(test, body, other))
            }
            "try" => self.try_statement(),
            "with" => self.with_statement(),
            "def" => self.function(Vec::new()),
            "class" => self.class(),
            "async" => {
                self.at += 1;
                if self.is_word("def") {
                    self.function(Vec::new())
                } else if self.is_word("with") {
                    self.with_statement()
                } else if self.is_word("for") {
                    self.for_statement()
                } else {
                    Err(Refused)
                }
            }
            "match" if self.looks_like_match() => self.match_statement(),
            _ => {
                let kind = self.simple_statement()?;
                self.end_of_statement()?;
                Ok(kind)
            }
        }
    }

    fn decorated(&mut self) -> Parsed<StatementKind> {
        let mut decorators = Vec::new();
        while self.op("@") {
            decorators.push(self.named_expression()?);
            if self.is(&Kind::Newline) {
                self.at += 1;
            }
        }
        let _ = self.word("async");
        if self.is_word("class") {
            return self.class();
        }
        self.function(decorators)
    }

    fn if_statement(&mut self) -> Parsed<StatementKind> {
        self.at += 1;
        let mut arms = Vec::new();
        let test = self.named_expression()?;
        arms.push((Some(test), self.block()?));
        loop {
            if self.word("elif") {
                let test = self.named_expression()?;
                arms.push((Some(test), self.block()?));
            } else if self.word("else") {
                arms.push((None, self.block()?));
                break;
            } else {
                break;
            }
        }
        Ok(StatementKind::If(arms))
    }

    fn else_block(&mut self) -> Parsed<Block> {
        if self.word("else") {
            self.block()
        } else {
            Ok(Block::new())
        }
    }

    fn for_statement(&mut self) -> Parsed<StatementKind> {
        self.at += 1;
        let target = self.target_list()?;
        self.need_word("in")?;
        let items = self.expression_list()?;
        let body = self.block()?;
        let other = self.else_block()?;
        Ok(StatementKind::For(target, items, body, other))
    }

    fn try_statement(&mut self) -> Parsed<StatementKind> {
        self.at += 1;
        let body = self.block()?;
        let mut handlers = Vec::new();
        while self.word("except") {
            let _ = self.op("*");
            let caught = if self.is_op(":") {
                None
            } else {
                Some(self.expression_list()?)
            };
            let name = if self.word("as") {
                Some(self.name()?)
            } else {
                None
            };
            let body = self.block()?;
            handlers.push(Handler { caught, name, body });
        }
        let other = self.else_block()?;
        let finally = if self.word("finally") {
            self.block()?
        } else {
            Block::new()
        };
        Ok(StatementKind::Try {
            body,
            handlers,
            other,
            finally,
        })
    }

    fn with_statement(&mut self) -> Parsed<StatementKind> {
        self.at += 1;
        let start = self.at;
        let items = match self.with_items(true) {
            Ok(items) => items,
            Err(Refused) => {
                self.at = start;
                self.with_items(false)?
            }
        };
        Ok(StatementKind::With(items, self.block()?))
    }

    fn with_items(&mut self, parenthesised: bool) -> Parsed<Vec<(Expr, Option<Expr>)>> {
        if parenthesised && !self.op("(") {
            return Err(Refused);
        }
        let mut items = Vec::new();
        loop {
            let value = self.expression()?;
            let target = if self.word("as") {
                Some(self.postfix()?)
            } else {
                None
            };
            items.push((value, target));
            if !self.op(",") || self.is_op(")") {
                break;
            }
        }
        if parenthesised {
            self.need(")")?;
            if !self.is_op(":") {
                return Err(Refused);
            }
        }
        Ok(items)
    }

    /// `match` is a name too: it is a statement where its line ends in `:` before an indent.
    fn looks_like_match(&self) -> bool {
        if matches!(
            self.tokens.get(self.at + 1).map(|t| &t.kind),
            Some(Kind::Op("=" | "." | "," | ")" | ":")) | Some(Kind::Newline)
        ) {
            return false;
        }
        let line_end = self.tokens[self.at..]
            .iter()
            .position(|t| t.kind == Kind::Newline)
            .map_or(self.tokens.len(), |n| self.at + n);
        line_end > 0
            && self.tokens.get(line_end - 1).map(|t| &t.kind) == Some(&Kind::Op(":"))
            && self.tokens.get(line_end + 1).map(|t| &t.kind) == Some(&Kind::Indent)
    }

    fn match_statement(&mut self) -> Parsed<StatementKind> {
        self.at += 1;
        let subject = self.expression_list()?;
        self.need(":")?;
        if !self.is(&Kind::Newline) || self.blocks >= MAX_BLOCKS {
            return Err(Refused);
        }
        self.at += 1;
        if !self.is(&Kind::Indent) {
            return Err(Refused);
        }
        self.at += 1;
        let mut cases = Vec::new();
        while self.word("case") {
            let pattern = self.target_list()?;
            let wild = pattern.kind == ExprKind::Name("_".into());
            let guard = if self.word("if") {
                Some(self.named_expression()?)
            } else {
                None
            };
            cases.push(((!wild).then_some(pattern), guard, self.block()?));
        }
        if !self.is(&Kind::Dedent) {
            return Err(Refused);
        }
        self.at += 1;
        Ok(StatementKind::Match(subject, cases))
    }

    fn function(&mut self, decorators: Vec<Expr>) -> Parsed<StatementKind> {
        self.need_word("def")?;
        let name = self.name()?;
        self.need("(")?;
        let parameters = self.parameters(")")?;
        self.need(")")?;
        if self.op("->") {
            self.expression_list()?;
        }
        let outer = std::mem::replace(&mut self.deferred, false);
        let body = self.block();
        let deferred = std::mem::replace(&mut self.deferred, outer);
        Ok(StatementKind::Function(Rc::new(Definition {
            name,
            parameters,
            body: body?,
            decorators,
            deferred,
        })))
    }

    fn parameters(&mut self, end: &str) -> Parsed<Parameters> {
        let mut parameters = Parameters::default();
        let mut keyword_only = false;
        while !self.is_op(end) {
            if self.op("/") {
            } else if self.op("**") {
                parameters.keywords = Some(self.name()?);
                self.annotation(end)?;
            } else if self.op("*") {
                keyword_only = true;
                if !self.is_op(",") {
                    parameters.rest = Some(self.name()?);
                    self.annotation(end)?;
                }
            } else {
                let name = self.name()?;
                self.annotation(end)?;
                let default = if self.op("=") {
                    Some(self.expression()?)
                } else {
                    None
                };
                parameters.plain.push((name, default));
                if !keyword_only {
                    parameters.positional = parameters.plain.len();
                }
            }
            if !self.op(",") {
                break;
            }
        }
        Ok(parameters)
    }

    fn annotation(&mut self, end: &str) -> Parsed<()> {
        if end == ")" && self.op(":") {
            self.expression()?;
        }
        Ok(())
    }

    fn class(&mut self) -> Parsed<StatementKind> {
        self.need_word("class")?;
        let name = self.name()?;
        let bases = if self.op("(") {
            self.arguments()?
        } else {
            Vec::new()
        };
        let body = self.block()?;
        Ok(StatementKind::Class(Rc::new(ClassDefinition {
            name,
            bases,
            body,
        })))
    }

    fn simple_statement(&mut self) -> Parsed<StatementKind> {
        let word = match self.kind() {
            Kind::Name(n) => n.clone(),
            _ => String::new(),
        };
        if !KEYWORDS.contains(&word.as_str()) {
            return self.expression_statement();
        }
        self.at += 1;
        match word.as_str() {
            "pass" => Ok(StatementKind::Pass),
            "break" => Ok(StatementKind::Break),
            "continue" => Ok(StatementKind::Continue),
            "import" => self.import(),
            "from" => self.import_from(),
            "return" => Ok(StatementKind::Return(self.optional_expression()?)),
            "raise" => {
                let value = self.optional_expression()?;
                if self.word("from") {
                    self.expression()?;
                }
                Ok(StatementKind::Raise(value))
            }
            "global" | "nonlocal" => {
                let mut names = vec![self.name()?];
                while self.op(",") {
                    names.push(self.name()?);
                }
                Ok(StatementKind::Global(names))
            }
            "del" => {
                let list = self.expression_list()?;
                Ok(StatementKind::Delete(match list.kind {
                    ExprKind::Tuple(items) => items,
                    _ => vec![list],
                }))
            }
            "assert" => {
                let test = self.expression()?;
                if self.op(",") {
                    self.expression()?;
                }
                Ok(StatementKind::Assert(test))
            }
            _ => {
                self.at -= 1;
                self.expression_statement()
            }
        }
    }

    fn optional_expression(&mut self) -> Parsed<Option<Expr>> {
        match self.kind() {
            Kind::Newline | Kind::End | Kind::Dedent | Kind::Op(";") => Ok(None),
            _ => self.expression_list().map(Some),
        }
    }

    fn import(&mut self) -> Parsed<StatementKind> {
        let mut modules = Vec::new();
        loop {
            let module = self.dotted()?;
            let alias = if self.word("as") {
                Some(self.name()?)
            } else {
                None
            };
            modules.push((module, alias));
            if !self.op(",") {
                return Ok(StatementKind::Import(modules));
            }
        }
    }

    fn dotted(&mut self) -> Parsed<String> {
        let mut module = self.name()?;
        while self.op(".") {
            module.push('.');
            module.push_str(&self.name()?);
        }
        Ok(module)
    }

    fn import_from(&mut self) -> Parsed<StatementKind> {
        let mut level = 0;
        loop {
            if self.op("...") {
                level += 3;
            } else if self.op(".") {
                level += 1;
            } else {
                break;
            }
        }
        let module = if self.is_word("import") {
            String::new()
        } else {
            self.dotted()?
        };
        self.need_word("import")?;
        if self.op("*") {
            return Ok(StatementKind::ImportFrom {
                level,
                module,
                names: None,
            });
        }
        let parenthesised = self.op("(");
        let mut names = Vec::new();
        while !(parenthesised && self.is_op(")")) {
            let name = self.name()?;
            let alias = if self.word("as") {
                self.name()?
            } else {
                name.clone()
            };
            names.push((name, alias));
            if !self.op(",") {
                break;
            }
        }
        if parenthesised {
            self.need(")")?;
        }
        Ok(StatementKind::ImportFrom {
            level,
            module,
            names: Some(names),
        })
    }

    fn expression_statement(&mut self) -> Parsed<StatementKind> {
        const AUGMENTS: &[(&str, &str)] = &[
            ("+=", "+"),
            ("-=", "-"),
            ("*=", "*"),
            ("/=", "/"),
            ("//=", "//"),
            ("%=", "%"),
            ("|=", "|"),
            ("&=", "&"),
            ("^=", "^"),
            (">>=", ">>"),
            ("<<=", "<<"),
            ("**=", "**"),
            ("@=", "@"),
        ];
        let first = self.expression_list()?;
        if let Kind::Op(op) = *self.kind()
            && let Some((_, plain)) = AUGMENTS.iter().find(|(a, _)| *a == op)
        {
            self.at += 1;
            let value = self.expression_list()?;
            return Ok(StatementKind::Augment(first, plain, value));
        }
        if self.op(":") {
            let annotation = self.expression()?;
            let value = if self.op("=") {
                Some(self.expression_list()?)
            } else {
                None
            };
            return Ok(StatementKind::Annotated(first, annotation, value));
        }
        let mut targets = vec![first];
        while self.op("=") {
            targets.push(self.expression_list()?);
        }
        let Some(value) = targets.pop() else {
            return Err(Refused);
        };
        if targets.is_empty() {
            return Ok(StatementKind::Expression(value));
        }
        Ok(StatementKind::Assign(targets, value))
    }

    fn make(&self, line: usize, kind: ExprKind, below: u16) -> Parsed<Expr> {
        let depth = below + 1;
        if depth > MAX_TREE {
            return Err(Refused);
        }
        Ok(Expr { line, depth, kind })
    }

    fn leaf(line: usize, kind: ExprKind) -> Expr {
        Expr {
            line,
            depth: 1,
            kind,
        }
    }

    /// Targets of `for`: no `in` inside.
    fn target_list(&mut self) -> Parsed<Expr> {
        let line = self.line();
        let first = self.starred_or(Self::bitwise_or)?;
        if !self.is_op(",") {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.op(",") {
            if self.is_word("in") {
                break;
            }
            items.push(self.starred_or(Self::bitwise_or)?);
        }
        let below = deepest(&items);
        self.make(line, ExprKind::Tuple(items), below)
    }

    fn starred_or(&mut self, other: fn(&mut Self) -> Parsed<Expr>) -> Parsed<Expr> {
        let line = self.line();
        if self.op("*") {
            let value = self.nested(Self::bitwise_or)?;
            let below = value.depth;
            return self.make(line, ExprKind::Starred(Box::new(value)), below);
        }
        other(self)
    }

    /// `a, b`: a tuple where there is a comma.
    fn expression_list(&mut self) -> Parsed<Expr> {
        let line = self.line();
        let first = self.starred_or(Self::named_expression)?;
        if !self.is_op(",") {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.op(",") {
            let ends = match self.kind() {
                Kind::Newline | Kind::End | Kind::Dedent => true,
                Kind::Op(op) => [")", "]", "}", "=", ":", ";"].contains(op),
                _ => false,
            };
            if ends {
                break;
            }
            items.push(self.starred_or(Self::named_expression)?);
        }
        let below = deepest(&items);
        self.make(line, ExprKind::Tuple(items), below)
    }

    fn named_expression(&mut self) -> Parsed<Expr> {
        if matches!(self.kind(), Kind::Name(_)) && self.next_is_op(":=") {
            let line = self.line();
            let name = self.name()?;
            self.need(":=")?;
            let value = self.expression()?;
            let below = value.depth;
            return self.make(line, ExprKind::Walrus(name, Box::new(value)), below);
        }
        self.expression()
    }

    fn expression(&mut self) -> Parsed<Expr> {
        self.nested(Self::choice)
    }

    fn nested(&mut self, inner: fn(&mut Self) -> Parsed<Expr>) -> Parsed<Expr> {
        if self.depth >= MAX_DEPTH {
            return Err(Refused);
        }
        self.depth += 1;
        let parsed = inner(self);
        self.depth -= 1;
        parsed
    }

    fn choice(&mut self) -> Parsed<Expr> {
        let line = self.line();
        if self.word("lambda") {
            let parameters = self.parameters(":")?;
            self.need(":")?;
            let body = self.expression()?;
            let below = body.depth;
            let kind = ExprKind::Lambda(Rc::new(parameters), Rc::new(body));
            return self.make(line, kind, below);
        }
        if self.word("yield") {
            self.deferred = true;
            let _ = self.word("from");
            self.optional_expression()?;
            return Ok(Self::leaf(line, ExprKind::Opaque("yield")));
        }
        let then = self.either()?;
        if !self.word("if") {
            return Ok(then);
        }
        let test = self.either()?;
        self.need_word("else")?;
        let other = self.expression()?;
        let below = then.depth.max(test.depth).max(other.depth);
        let kind = ExprKind::Choice {
            test: Box::new(test),
            then: Box::new(then),
            other: Box::new(other),
        };
        self.make(line, kind, below)
    }

    fn either(&mut self) -> Parsed<Expr> {
        let mut left = self.both()?;
        while self.is_word("or") {
            let line = self.line();
            self.at += 1;
            let right = self.both()?;
            let below = left.depth.max(right.depth);
            left = self.make(
                line,
                ExprKind::Both(false, Box::new(left), Box::new(right)),
                below,
            )?;
        }
        Ok(left)
    }

    fn both(&mut self) -> Parsed<Expr> {
        let mut left = self.inverted()?;
        while self.is_word("and") {
            let line = self.line();
            self.at += 1;
            let right = self.inverted()?;
            let below = left.depth.max(right.depth);
            left = self.make(
                line,
                ExprKind::Both(true, Box::new(left), Box::new(right)),
                below,
            )?;
        }
        Ok(left)
    }

    fn inverted(&mut self) -> Parsed<Expr> {
        let line = self.line();
        let mut times = 0usize;
        while self.word("not") {
            times += 1;
        }
        let value = self.comparison()?;
        if times == 0 {
            return Ok(value);
        }
        let below = value.depth;
        let mut value = self.make(line, ExprKind::Unary("not", Box::new(value)), below)?;
        if times.is_multiple_of(2) {
            let below = value.depth;
            value = self.make(line, ExprKind::Unary("not", Box::new(value)), below)?;
        }
        Ok(value)
    }

    fn comparison(&mut self) -> Parsed<Expr> {
        let line = self.line();
        let left = self.bitwise_or()?;
        let mut rest: Vec<(&'static str, Expr)> = Vec::new();
        loop {
            let op = match self.kind() {
                Kind::Op(op @ ("==" | "!=" | "<" | ">" | "<=" | ">=")) => *op,
                Kind::Name(n) if n == "in" => "in",
                Kind::Name(n) if n == "is" => "is",
                Kind::Name(n) if n == "not" => {
                    let next = self.tokens.get(self.at + 1).map(|t| &t.kind);
                    if next == Some(&Kind::Name("in".into())) {
                        self.at += 1;
                        "not in"
                    } else {
                        break;
                    }
                }
                _ => break,
            };
            self.at += 1;
            let op = if op == "is" && self.word("not") {
                "is not"
            } else {
                op
            };
            rest.push((op, self.bitwise_or()?));
        }
        if rest.is_empty() {
            return Ok(left);
        }
        let below = rest
            .iter()
            .map(|(_, e)| e.depth)
            .max()
            .unwrap_or(0)
            .max(left.depth);
        self.make(line, ExprKind::Compare(Box::new(left), rest), below)
    }

    fn bitwise_or(&mut self) -> Parsed<Expr> {
        self.binary(0)
    }

    fn binary(&mut self, level: usize) -> Parsed<Expr> {
        const LEVELS: &[&[&str]] = &[
            &["|"],
            &["^"],
            &["&"],
            &["<<", ">>"],
            &["+", "-"],
            &["*", "/", "//", "%", "@"],
        ];
        let Some(operators) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.binary(level + 1)?;
        while let Kind::Op(op) = *self.kind() {
            if !operators.contains(&op) {
                break;
            }
            let line = self.line();
            self.at += 1;
            let right = self.binary(level + 1)?;
            let below = left.depth.max(right.depth);
            left = self.make(
                line,
                ExprKind::Binary(op, Box::new(left), Box::new(right)),
                below,
            )?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let line = self.line();
        if self.depth >= MAX_DEPTH {
            return Err(Refused);
        }
        for op in ["-", "+", "~"] {
            if self.op(op) {
                self.depth += 1;
                let value = self.unary();
                self.depth -= 1;
                let value = value?;
                let below = value.depth;
                return self.make(line, ExprKind::Unary(op, Box::new(value)), below);
            }
        }
        let base = self.postfix()?;
        if self.op("**") {
            self.depth += 1;
            let power = self.unary();
            self.depth -= 1;
            let power = power?;
            let below = base.depth.max(power.depth);
            return self.make(
                line,
                ExprKind::Binary("**", Box::new(base), Box::new(power)),
                below,
            );
        }
        Ok(base)
    }

    fn postfix(&mut self) -> Parsed<Expr> {
        // What is awaited is followed as if it ran at once.
        let _ = self.word("await");
        self.postfix_rest()
    }

    fn postfix_rest(&mut self) -> Parsed<Expr> {
        let mut value = self.atom()?;
        loop {
            let line = self.line();
            if self.op(".") {
                let name = match self.kind() {
                    Kind::Name(n) => n.clone(),
                    _ => return Err(Refused),
                };
                self.at += 1;
                let below = value.depth;
                value = self.make(line, ExprKind::Attribute(Box::new(value), name), below)?;
            } else if self.op("(") {
                let arguments = self.arguments()?;
                let below = arguments
                    .iter()
                    .map(|a| a.value.depth)
                    .max()
                    .unwrap_or(0)
                    .max(value.depth);
                let line = value.line;
                value = self.make(line, ExprKind::Call(Box::new(value), arguments), below)?;
            } else if self.op("[") {
                value = self.index(value)?;
            } else {
                return Ok(value);
            }
        }
    }

    fn index(&mut self, value: Expr) -> Parsed<Expr> {
        let line = value.line;
        let from = if self.is_op(":") {
            None
        } else {
            Some(self.expression_list()?)
        };
        if !self.op(":") {
            self.need("]")?;
            let Some(key) = from else {
                return Err(Refused);
            };
            let below = value.depth.max(key.depth);
            return self.make(line, ExprKind::Index(Box::new(value), Box::new(key)), below);
        }
        let to = if self.is_op("]") || self.is_op(":") {
            None
        } else {
            Some(self.expression()?)
        };
        if self.op(":") && !self.is_op("]") {
            self.expression()?;
            self.need("]")?;
            return Ok(Self::leaf(line, ExprKind::Opaque("a slice with a step")));
        }
        self.need("]")?;
        let below = [Some(&value), from.as_ref(), to.as_ref()]
            .into_iter()
            .flatten()
            .map(|e| e.depth)
            .max()
            .unwrap_or(0);
        let kind = ExprKind::Slice(Box::new(value), from.map(Box::new), to.map(Box::new));
        self.make(line, kind, below)
    }

    /// Arguments after the opening parenthesis, through the closing one.
    fn arguments(&mut self) -> Parsed<Vec<Argument>> {
        let mut arguments = Vec::new();
        while !self.is_op(")") {
            let mut argument = if self.op("**") {
                self.argument(2, None)?
            } else if self.op("*") {
                self.argument(1, None)?
            } else if matches!(self.kind(), Kind::Name(_)) && self.next_is_op("=") {
                let name = self.name()?;
                self.need("=")?;
                self.argument(0, Some(name))?
            } else {
                self.argument(0, None)?
            };
            if self.is_word("for") || self.is_word("async") {
                let line = argument.value.line;
                argument.value = self.comprehension(line, Built::List, None, argument.value)?;
            }
            arguments.push(argument);
            if !self.op(",") {
                break;
            }
        }
        self.need(")")?;
        Ok(arguments)
    }

    fn argument(&mut self, stars: u8, name: Option<String>) -> Parsed<Argument> {
        let value = self.named_expression()?;
        Ok(Argument { stars, name, value })
    }

    fn atom(&mut self) -> Parsed<Expr> {
        let line = self.line();
        match self.kind().clone() {
            Kind::Int(n) => {
                self.at += 1;
                Ok(Self::leaf(line, ExprKind::Int(n)))
            }
            Kind::Float(n) => {
                self.at += 1;
                Ok(Self::leaf(line, ExprKind::Float(n)))
            }
            Kind::Str(_) | Kind::Format(..) => self.strings(),
            Kind::Op("(") => self.parenthesised(),
            Kind::Op("[") => self.list(),
            Kind::Op("{") => self.braces(),
            Kind::Op("...") => {
                self.at += 1;
                Ok(Self::leaf(line, ExprKind::None))
            }
            Kind::Name(word) => {
                let kind = match word.as_str() {
                    "None" => ExprKind::None,
                    "True" => ExprKind::Bool(true),
                    "False" => ExprKind::Bool(false),
                    word if KEYWORDS.contains(&word) => return Err(Refused),
                    _ => ExprKind::Name(word),
                };
                self.at += 1;
                Ok(Self::leaf(line, kind))
            }
            _ => Err(Refused),
        }
    }

    /// Adjacent strings are one.
    fn strings(&mut self) -> Parsed<Expr> {
        let line = self.line();
        let mut pieces: Vec<Piece> = Vec::new();
        loop {
            match self.kind().clone() {
                Kind::Str(text) => pieces.push(Piece::Text(text)),
                Kind::Format(text, escapes) => self.format_pieces(&text, escapes, &mut pieces)?,
                _ => break,
            }
            self.at += 1;
        }
        let plain = pieces.iter().all(|p| matches!(p, Piece::Text(_)));
        if plain {
            let text = pieces
                .into_iter()
                .map(|p| match p {
                    Piece::Text(t) => t,
                    Piece::Value(..) => String::new(),
                })
                .collect();
            return Ok(Self::leaf(line, ExprKind::Str(text)));
        }
        let below = pieces
            .iter()
            .map(|p| match p {
                Piece::Value(e, ..) => e.depth,
                Piece::Text(_) => 0,
            })
            .max()
            .unwrap_or(0);
        self.make(line, ExprKind::Format(pieces), below)
    }

    fn format_pieces(&mut self, text: &str, escapes: bool, out: &mut Vec<Piece>) -> Parsed<()> {
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            if rest[at..].starts_with("{{") || rest[at..].starts_with("}}") {
                literal.push_str(&rest[at..=at]);
                rest = &rest[at + 2..];
                continue;
            }
            if rest[at..].starts_with('}') {
                return Err(Refused);
            }
            let inner = &rest[at + 1..];
            let end = field_end(inner).ok_or(Refused)?;
            if !literal.is_empty() {
                let text = std::mem::take(&mut literal);
                out.push(Piece::Text(if escapes {
                    lex::unescape(&text)
                } else {
                    text
                }));
            }
            out.push(self.format_field(&inner[..end])?);
            rest = &inner[end + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            out.push(Piece::Text(if escapes {
                lex::unescape(&literal)
            } else {
                literal
            }));
        }
        Ok(())
    }

    fn format_field(&mut self, field: &str) -> Parsed<Piece> {
        let line = self.line();
        let mut inner = Parser::new(lex::expression_tokens(field, line));
        inner.depth = self.depth + 1;
        if inner.depth >= MAX_DEPTH {
            return Err(Refused);
        }
        let value = inner.expression_list()?;
        if inner.op("=") {
            return Err(Refused);
        }
        let conversion = if inner.op("!") {
            inner.name()?.chars().next()
        } else {
            None
        };
        let spec = match inner.kind() {
            Kind::End => String::new(),
            Kind::Op(":") => field
                .rsplit_once(':')
                .map_or(String::new(), |(_, s)| s.to_owned()),
            _ => return Err(Refused),
        };
        if spec.contains('{') {
            return Err(Refused);
        }
        Ok(Piece::Value(value, conversion, spec))
    }

    fn parenthesised(&mut self) -> Parsed<Expr> {
        let line = self.line();
        self.need("(")?;
        if self.op(")") {
            return Ok(Self::leaf(line, ExprKind::Tuple(Vec::new())));
        }
        if self.depth >= MAX_DEPTH {
            return Err(Refused);
        }
        self.depth += 1;
        let value = self.expression_list();
        self.depth -= 1;
        let value = value?;
        let value = if self.is_word("for") || self.is_word("async") {
            self.comprehension(line, Built::List, None, value)?
        } else {
            value
        };
        self.need(")")?;
        Ok(value)
    }

    fn list(&mut self) -> Parsed<Expr> {
        let line = self.line();
        self.need("[")?;
        let mut items = Vec::new();
        while !self.is_op("]") {
            let item = self.starred_or(Self::named_expression)?;
            if self.is_word("for") || self.is_word("async") {
                let built = self.comprehension(line, Built::List, None, item)?;
                self.need("]")?;
                return Ok(built);
            }
            items.push(item);
            if !self.op(",") {
                break;
            }
        }
        self.need("]")?;
        let below = deepest(&items);
        self.make(line, ExprKind::List(items), below)
    }

    fn braces(&mut self) -> Parsed<Expr> {
        let line = self.line();
        self.need("{")?;
        let mut entries: Vec<(Option<Expr>, Expr)> = Vec::new();
        let mut set: Vec<Expr> = Vec::new();
        while !self.is_op("}") {
            if self.op("**") {
                entries.push((None, self.nested(Self::bitwise_or)?));
            } else {
                let first = self.starred_or(Self::named_expression)?;
                if self.op(":") {
                    let value = self.expression()?;
                    if self.is_word("for") || self.is_word("async") {
                        let built = self.comprehension(line, Built::Dict, Some(first), value)?;
                        self.need("}")?;
                        return Ok(built);
                    }
                    entries.push((Some(first), value));
                } else if self.is_word("for") || self.is_word("async") {
                    let built = self.comprehension(line, Built::List, None, first)?;
                    self.need("}")?;
                    return Ok(built);
                } else {
                    set.push(first);
                }
            }
            if !self.op(",") {
                break;
            }
        }
        self.need("}")?;
        if !set.is_empty() {
            if !entries.is_empty() {
                return Err(Refused);
            }
            let below = deepest(&set);
            return self.make(line, ExprKind::Set(set), below);
        }
        let below = entries
            .iter()
            .map(|(k, v)| k.as_ref().map_or(0, |k| k.depth).max(v.depth))
            .max()
            .unwrap_or(0);
        self.make(line, ExprKind::Dict(entries), below)
    }

    fn comprehension(
        &mut self,
        line: usize,
        built: Built,
        key: Option<Expr>,
        element: Expr,
    ) -> Parsed<Expr> {
        let mut below = key.as_ref().map_or(0, |k| k.depth).max(element.depth);
        let mut clauses = Vec::new();
        loop {
            if self.word("async") {
                return Err(Refused);
            }
            if !self.word("for") {
                break;
            }
            let target = self.target_list()?;
            self.need_word("in")?;
            let items = self.either()?;
            let mut tests = Vec::new();
            while self.word("if") {
                tests.push(self.either()?);
            }
            below = below.max(items.depth).max(deepest(&tests));
            clauses.push((target, items, tests));
        }
        let comprehension = Comprehension {
            built,
            key,
            element,
            clauses,
        };
        self.make(line, ExprKind::Comprehension(Rc::new(comprehension)), below)
    }
}

fn deepest(items: &[Expr]) -> u16 {
    items.iter().map(|e| e.depth).max().unwrap_or(0)
}

/// Where the `}` of an f-string field stands.
fn field_end(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut quote: Option<char> = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{' | '(' | '[') => depth += 1,
            (None, '}') if depth == 0 => return Some(at),
            (None, '}' | ')' | ']') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opaque(text: &str) -> usize {
        module(text)
            .iter()
            .filter(|s| s.kind == StatementKind::Opaque)
            .count()
    }

    #[test]
    fn everything_that_settings_use_parses() {
        let text = r#"
from __future__ import annotations
import os, sys as system
from .base import *  # noqa
from a.b import (c, d as e,)
A: int = 1; B = C = 2
if (x := os.getenv("X")) and not B: pass
elif A is not None or B not in [1, *C]:
    DATABASES["default"]["HOST"] = "x" if A else 'y'
else:
    raise ValueError("no") from None
try:
    import local
except (ImportError, KeyError) as e: pass
except Exception:
    pass
else:
    pass
finally:
    del x, C
for i, (k, v) in enumerate({**a, "b": 1}.items()):
    continue
with open(p) as f, open(q): d |= {k: v for k, v in f if k}
def f(a, b=1, *args, c: str = "x", **kw) -> str:
    """Doc."""
    global A
    return f"{a!r}:{b:>5}{{}}" f'{kw["x"]}' "z" % (1,)
@decorator(1)
class S(Base, metaclass=M):
    x: str = lambda a, *b: a ** -b
    def m(self): yield self.x[1:][::2]
async def g(): await h()
match x:
    case "a" | "b" if y: z = 1
    case _: z = 2
match = 3
print(f"{os.environ["A"]}", sum(x for x in y), a[1:, 2], end="")
"#;
        let block = module(text);
        let bad: Vec<usize> = block
            .iter()
            .filter(|s| s.kind == StatementKind::Opaque)
            .map(|s| s.line)
            .collect();
        assert_eq!(bad, [37], "only the odd slice is refused");
    }

    #[test]
    fn a_broken_statement_does_not_hide_the_next() {
        assert_eq!(opaque("a = = 1\nb = 2\nif x\n    c\nd = 3\n"), 3 - 1);
        assert_eq!(opaque("print 'x'\nb = 2\n"), 1);
    }

    #[test]
    fn deep_input_is_refused_and_not_followed() {
        for text in [
            "(".repeat(100_000),
            "[".repeat(100_000),
            "-".repeat(100_000),
            format!("a{}", "+a".repeat(100_000)),
            format!("a{}", ".a".repeat(100_000)),
            format!("a{}", "()".repeat(100_000)),
            "not ".repeat(100_000),
            "lambda:".repeat(100_000),
            "a if b else ".repeat(50_000),
            "await ".repeat(100_000),
            "f'{".repeat(10_000),
            "if a:\n".repeat(1000),
        ] {
            assert!(module(&text).len() <= 2000);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_input_panics(text in "[ \\n\\t\"'(){}\\[\\]:=,.a-c0-9fr\\\\#*@!é-]{0,200}") {
            let _ = module(&text);
        }
        #[test]
        fn no_words_panic(words in proptest::collection::vec(
            proptest::sample::select(vec!["if", "else", ":", "\n", "    ", "a", "=", "(", ")", "for",
                "in", "lambda", "f'{a}'", "f\"{", "'", "\"\"\"", "def", "class", "match", "case",
                "try", "except", "[", "]", "{", "}", ",", "*", "**", "with", "as", "import", "from"]), 0..60)) {
            let _ = module(&words.join(" "));
        }
    }
}
