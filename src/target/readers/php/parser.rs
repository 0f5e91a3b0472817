//! Tokens to a tree. Tolerant: what cannot be read becomes `Unknown` and reading goes on behind
//! it; depth and the length of operator chains are bounded.

use std::rc::Rc;

use super::ast::{Class, Expr, Function, Item, Kind, MAX_DEPTH, Stmt};
use super::lexer::{self, Tok, Token};

/// How many operators or accesses may follow each other.
const MAX_CHAIN: usize = 300;

/// Parses a file.
pub(super) fn file(text: &str) -> Vec<Stmt> {
    let mut parser = Parser::new(lexer::file(text), 0);
    parser.statements_until_end()
}

/// Parses one expression (the inside of `{$...}`).
pub(super) fn expression(text: &str, line: usize, depth: usize) -> Expr {
    let mut parser = Parser::new(lexer::code(text, line, depth), depth * 8);
    parser.expr(0)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

const MODIFIERS: &[&str] = &[
    "public",
    "protected",
    "private",
    "static",
    "abstract",
    "final",
    "var",
    "readonly",
];

/// Binding power of a binary operator, and whether it binds to the right.
fn power(op: &str) -> Option<(u8, bool)> {
    Some(match op {
        "or" => (1, false),
        "xor" => (2, false),
        "and" => (3, false),
        "=" | "+=" | "-=" | "*=" | "/=" | ".=" | "%=" | "**=" | "??=" | "|=" | "&=" | "^="
        | "<<=" | ">>=" => (4, true),
        "?" => (5, false),
        "??" => (6, true),
        "||" => (7, false),
        "&&" => (8, false),
        "|" => (9, false),
        "^" => (10, false),
        "&" => (11, false),
        "==" | "!=" | "===" | "!==" | "<>" | "<=>" => (12, false),
        "<" | "<=" | ">" | ">=" => (13, false),
        "." => (14, false),
        "<<" | ">>" => (15, false),
        "+" | "-" => (16, false),
        "*" | "/" | "%" => (17, false),
        "instanceof" => (19, false),
        "**" => (20, true),
        _ => return None,
    })
}

const UNARY: u8 = 18;

impl Parser {
    fn new(tokens: Vec<Token>, depth: usize) -> Self {
        Parser {
            tokens,
            at: 0,
            depth,
        }
    }

    fn peek(&self) -> Option<&Tok> {
        self.tokens.get(self.at).map(|t| &t.tok)
    }

    fn peek_at(&self, ahead: usize) -> Option<&Tok> {
        self.tokens.get(self.at + ahead).map(|t| &t.tok)
    }

    fn line(&self) -> usize {
        let at = self.at.min(self.tokens.len().saturating_sub(1));
        self.tokens.get(at).map_or(1, |t| t.line)
    }

    fn is(&self, op: &str) -> bool {
        matches!(self.peek(), Some(Tok::Op(o)) if *o == op)
    }

    fn is_at(&self, ahead: usize, op: &str) -> bool {
        matches!(self.peek_at(ahead), Some(Tok::Op(o)) if *o == op)
    }

    fn eat(&mut self, op: &str) -> bool {
        let found = self.is(op);
        if found {
            self.at += 1;
        }
        found
    }

    fn word(&self) -> Option<String> {
        match self.peek() {
            Some(Tok::Ident(word)) => Some(word.to_ascii_lowercase()),
            _ => None,
        }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Tok::Ident(w)) if w.eq_ignore_ascii_case(word))
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.at += 1;
        }
        found
    }

    fn ident(&mut self) -> Option<String> {
        match self.peek() {
            Some(Tok::Ident(word)) => {
                let word = word.clone();
                self.at += 1;
                Some(word)
            }
            _ => None,
        }
    }

    /// Skips to one of these at the same level, or to a closing bracket above.
    fn skip_to(&mut self, stops: &[&str]) {
        let mut level = 0usize;
        while let Some(tok) = self.peek() {
            if let Tok::Op(op) = tok {
                if level == 0 && (stops.contains(op) || matches!(*op, ")" | "]" | "}")) {
                    return;
                }
                match *op {
                    "(" | "[" | "{" => level += 1,
                    ")" | "]" | "}" => level -= 1,
                    _ => {}
                }
            }
            self.at += 1;
        }
    }

    // ---- statements ----

    fn statements_until_end(&mut self) -> Vec<Stmt> {
        let mut out = Vec::new();
        while self.at < self.tokens.len() {
            let before = self.at;
            out.extend(self.statement());
            if self.at == before {
                self.at += 1;
                out.push(Stmt::Unknown(self.line()));
            }
        }
        out
    }

    /// Statements up to a closing brace (taken) or the end.
    fn block(&mut self) -> Vec<Stmt> {
        let mut out = Vec::new();
        while self.at < self.tokens.len() {
            if self.eat("}") {
                return out;
            }
            let before = self.at;
            out.extend(self.statement());
            if self.at == before {
                self.at += 1;
                out.push(Stmt::Unknown(self.line()));
            }
        }
        out.push(Stmt::Unknown(self.line()));
        out
    }

    /// The body of a control structure: a block, one statement, or `: ... end`.
    fn body(&mut self, ends: &[&str]) -> Vec<Stmt> {
        if self.eat("{") {
            return self.block();
        }
        if !self.eat(":") {
            return self.statement();
        }
        let mut out = Vec::new();
        while self.at < self.tokens.len() {
            if self.word().is_some_and(|w| ends.contains(&w.as_str())) {
                return out;
            }
            let before = self.at;
            out.extend(self.statement());
            if self.at == before {
                self.at += 1;
                out.push(Stmt::Unknown(self.line()));
            }
        }
        out
    }

    fn statement(&mut self) -> Vec<Stmt> {
        if self.depth >= MAX_DEPTH {
            let line = self.line();
            self.skip_to(&[";"]);
            self.eat(";");
            return vec![Stmt::Unknown(line)];
        }
        self.depth += 1;
        let out = self.statement_inner();
        self.depth -= 1;
        out
    }

    fn statement_inner(&mut self) -> Vec<Stmt> {
        let line = self.line();
        if self.eat(";") {
            return Vec::new();
        }
        if self.eat("{") {
            return vec![Stmt::Block(self.block())];
        }
        let called = matches!(self.peek_at(1), Some(Tok::Op("(" | "::" | "->" | "?->")));
        match self.word().as_deref() {
            Some("return") => {
                self.at += 1;
                let value = (!self.is(";") && self.peek().is_some()).then(|| self.expr(0));
                self.end_statement();
                return vec![Stmt::Return(value, line)];
            }
            Some("if") => return vec![self.if_statement()],
            Some("foreach") => return vec![self.foreach()],
            Some(word @ ("for" | "while" | "switch")) => {
                let word = if word == "switch" { "switch" } else { "loop" };
                return vec![self.looping(word)];
            }
            Some("do") => return vec![self.do_while()],
            Some("try") => return vec![self.try_statement()],
            Some("declare") => {
                self.at += 1;
                self.skip_to(&[";", "{"]);
                self.eat("(");
                self.skip_to(&[]);
                self.eat(")");
                return Vec::new();
            }
            Some("namespace") if !called => {
                self.at += 1;
                self.ident();
                if self.eat("{") {
                    return vec![Stmt::Block(self.block())];
                }
                self.eat(";");
                return Vec::new();
            }
            Some("use") if !called => return self.use_statement(),
            Some("const") => return self.const_statement(),
            Some("echo" | "print") if !called || self.is_word("echo") => {
                self.at += 1;
                let mut heads = vec![self.expr(0)];
                while self.eat(",") {
                    heads.push(self.expr(0));
                }
                self.end_statement();
                return heads.into_iter().map(Stmt::Expr).collect();
            }
            Some("unset") => return self.unset(),
            Some("global" | "static") if matches!(self.peek_at(1), Some(Tok::Var(_))) => {
                self.skip_to(&[";"]);
                self.eat(";");
                return vec![Stmt::Unknown(line)];
            }
            Some("function")
                if matches!(self.peek_at(1), Some(Tok::Ident(_)))
                    || (self.is_at(1, "&") && matches!(self.peek_at(2), Some(Tok::Ident(_)))) =>
            {
                self.at += 1;
                self.eat("&");
                let name = self.ident().unwrap_or_default();
                let function = self.function(false);
                return vec![Stmt::Function(name, Rc::new(function))];
            }
            Some("class" | "interface" | "trait" | "enum" | "abstract" | "final" | "readonly")
                if matches!(self.peek_at(1), Some(Tok::Ident(_))) =>
            {
                while self.word().is_some_and(|w| MODIFIERS.contains(&w.as_str())) {
                    self.at += 1;
                }
                self.at += 1;
                let name = self.ident().unwrap_or_default();
                return vec![Stmt::Class(self.class(name))];
            }
            Some("break" | "continue" | "goto") => {
                self.skip_to(&[";"]);
                self.eat(";");
                return vec![Stmt::Unknown(line)];
            }
            Some("throw") => {
                self.at += 1;
                let thrown = self.expr(0);
                self.end_statement();
                return vec![
                    Stmt::Expr(thrown),
                    Stmt::Expr(Expr {
                        kind: Kind::Exit,
                        line,
                    }),
                ];
            }
            _ => {}
        }
        let expr = self.expr(0);
        let clean = self.end_statement();
        if clean {
            vec![Stmt::Expr(expr)]
        } else {
            vec![Stmt::Expr(expr), Stmt::Unknown(line)]
        }
    }

    /// Takes the `;`; whether nothing stood before it.
    fn end_statement(&mut self) -> bool {
        if self.eat(";") || self.peek().is_none() || self.is("}") {
            return true;
        }
        self.skip_to(&[";"]);
        self.eat(";");
        false
    }

    fn condition(&mut self) -> Expr {
        let line = self.line();
        if !self.eat("(") {
            return Expr {
                kind: Kind::Unknown("syntax"),
                line,
            };
        }
        let expr = self.expr(0);
        self.close(")");
        expr
    }

    fn close(&mut self, bracket: &str) {
        if !self.eat(bracket) {
            self.skip_to(&[bracket]);
            self.eat(bracket);
        }
    }

    fn if_statement(&mut self) -> Stmt {
        self.at += 1;
        let condition = self.condition();
        let colon = self.is(":");
        let then = self.body(&["elseif", "else", "endif"]);
        let other = if self.is_word("elseif")
            || (self.is_word("else")
                && matches!(self.peek_at(1), Some(Tok::Ident(w)) if w.eq_ignore_ascii_case("if")))
        {
            self.eat_word("else");
            if self.depth >= MAX_DEPTH {
                self.at += 1;
                vec![Stmt::Unknown(self.line())]
            } else {
                self.depth += 1;
                let nested = self.if_statement();
                self.depth -= 1;
                return Stmt::If(condition, then, vec![nested]);
            }
        } else if self.eat_word("else") {
            self.body(&["endif"])
        } else {
            Vec::new()
        };
        if colon && self.eat_word("endif") {
            self.eat(";");
        }
        Stmt::If(condition, then, other)
    }

    fn foreach(&mut self) -> Stmt {
        let line = self.line();
        self.at += 1;
        if !self.eat("(") {
            return Stmt::Unknown(line);
        }
        let subject = self.expr(0);
        if !self.eat_word("as") {
            self.close(")");
            return Stmt::Other("loop", line, vec![subject], self.body(&["endforeach"]));
        }
        self.eat("&");
        let mut value = self.expr(0);
        let mut key = None;
        if self.eat("=>") {
            self.eat("&");
            key = Some(value);
            value = self.expr(0);
        }
        self.close(")");
        let body = self.body(&["endforeach"]);
        if self.eat_word("endforeach") {
            self.eat(";");
        }
        Stmt::Foreach(subject, key, value, body)
    }

    fn looping(&mut self, what: &'static str) -> Stmt {
        let line = self.line();
        let word = self.word().unwrap_or_default();
        self.at += 1;
        let mut heads = Vec::new();
        if self.eat("(") {
            while self.peek().is_some() && !self.is(")") {
                if !self.eat(";") && !self.eat(",") {
                    let before = self.at;
                    heads.push(self.expr(0));
                    if self.at == before {
                        self.at += 1;
                    }
                }
            }
            self.eat(")");
        }
        let end = format!("end{word}");
        let body = if what == "switch" {
            self.switch_body()
        } else {
            self.body(&[&end])
        };
        if self.eat_word(&end) {
            self.eat(";");
        }
        Stmt::Other(what, line, heads, body)
    }

    fn switch_body(&mut self) -> Vec<Stmt> {
        let braces = self.eat("{");
        if !braces {
            self.eat(":");
        }
        let mut out = Vec::new();
        while self.peek().is_some() && !self.is("}") && !self.is_word("endswitch") {
            if self.eat_word("case") {
                out.push(Stmt::Expr(self.expr(0)));
                let _ = self.eat(":") || self.eat(";");
            } else if self.eat_word("default") {
                let _ = self.eat(":") || self.eat(";");
            } else {
                let before = self.at;
                out.extend(self.statement());
                if self.at == before {
                    self.at += 1;
                }
            }
        }
        if braces {
            self.eat("}");
        }
        out
    }

    fn do_while(&mut self) -> Stmt {
        let line = self.line();
        self.at += 1;
        let body = self.body(&[]);
        let mut heads = Vec::new();
        if self.eat_word("while") {
            heads.push(self.condition());
        }
        self.end_statement();
        Stmt::Other("loop", line, heads, body)
    }

    fn try_statement(&mut self) -> Stmt {
        let line = self.line();
        self.at += 1;
        let mut body = if self.eat("{") {
            self.block()
        } else {
            Vec::new()
        };
        while self.is_word("catch") || self.is_word("finally") {
            self.at += 1;
            if self.eat("(") {
                self.skip_to(&[]);
                self.eat(")");
            }
            if self.eat("{") {
                body.extend(self.block());
            }
        }
        Stmt::Other("try", line, Vec::new(), body)
    }

    fn use_statement(&mut self) -> Vec<Stmt> {
        self.at += 1;
        let mut out = Vec::new();
        let _ = self.eat_word("function") || self.eat_word("const");
        while let Some(name) = self.ident() {
            if self.eat("{") {
                self.skip_to(&[]);
                self.eat("}");
            }
            let alias = if self.eat_word("as") {
                self.ident().unwrap_or_default()
            } else {
                name.rsplit('\\').next().unwrap_or(&name).to_owned()
            };
            out.push(Stmt::Use(name, alias));
            if !self.eat(",") {
                break;
            }
        }
        self.end_statement();
        out
    }

    fn const_statement(&mut self) -> Vec<Stmt> {
        self.at += 1;
        let mut out = Vec::new();
        while let Some(name) = self.ident() {
            if !self.eat("=") {
                break;
            }
            out.push(Stmt::Const(name, self.expr(0)));
            if !self.eat(",") {
                break;
            }
        }
        self.end_statement();
        out
    }

    fn unset(&mut self) -> Vec<Stmt> {
        self.at += 1;
        let list = if self.eat("(") {
            self.expr_list(")")
        } else {
            Vec::new()
        };
        self.end_statement();
        vec![Stmt::Unset(list)]
    }

    fn expr_list(&mut self, close: &str) -> Vec<Expr> {
        let mut out = Vec::new();
        while self.peek().is_some() && !self.is(close) {
            out.push(self.expr(0));
            if !self.eat(",") {
                break;
            }
        }
        self.close(close);
        out
    }

    // ---- functions and classes ----

    /// From the parameters on.
    fn function(&mut self, arrow: bool) -> Function {
        let mut function = Function {
            arrow,
            ..Function::default()
        };
        if self.eat("(") {
            self.params(&mut function);
        }
        if self.eat_word("use") && self.eat("(") {
            while let Some(tok) = self.peek().cloned() {
                self.at += 1;
                match tok {
                    Tok::Var(name) => function.uses.push(name),
                    Tok::Op("&") => function.odd = true,
                    Tok::Op(")") => break,
                    _ => {}
                }
            }
        }
        if self.eat(":") {
            self.skip_type();
        }
        if arrow {
            if self.eat("=>") {
                let line = self.line();
                let value = self.expr(0);
                function.body = vec![Stmt::Return(Some(value), line)];
            }
        } else if self.eat("{") {
            function.body = self.block();
        } else {
            self.eat(";");
        }
        function
    }

    fn skip_type(&mut self) {
        while matches!(self.peek(), Some(Tok::Ident(_) | Tok::Op("?" | "|" | "&"))) {
            self.at += 1;
        }
    }

    fn params(&mut self, function: &mut Function) {
        while self.peek().is_some() && !self.is(")") {
            match self.peek().cloned() {
                Some(Tok::Var(name)) => {
                    self.at += 1;
                    let default = self.eat("=").then(|| self.expr(0));
                    function.params.push((name, default));
                }
                Some(Tok::Op("&" | "...")) => {
                    function.odd = true;
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
        self.eat(")");
    }

    /// From behind the name on: `extends`, `implements`, members.
    fn class(&mut self, name: String) -> Class {
        let mut class = Class {
            name,
            ..Class::default()
        };
        while self.peek().is_some() && !self.is("{") && !self.is(";") {
            if self.eat_word("extends") {
                class.parent = self.ident();
            } else {
                self.at += 1;
            }
        }
        if !self.eat("{") {
            return class;
        }
        while self.peek().is_some() && !self.eat("}") {
            let before = self.at;
            self.member(&mut class);
            if self.at == before {
                self.at += 1;
            }
        }
        class
    }

    fn member(&mut self, class: &mut Class) {
        while self.word().is_some_and(|w| MODIFIERS.contains(&w.as_str())) {
            self.at += 1;
        }
        if self.eat_word("use") {
            while let Some(name) = self.ident() {
                class.traits.push(name);
                self.eat(",");
            }
            if self.eat("{") {
                self.skip_to(&[]);
                self.eat("}");
            }
            self.eat(";");
            return;
        }
        if self.eat_word("case") {
            self.skip_to(&[";"]);
            self.eat(";");
            return;
        }
        if self.eat_word("const") {
            return self.class_constant(class);
        }
        if self.eat_word("function") {
            self.eat("&");
            let name = self.ident().unwrap_or_default();
            let function = self.member_function();
            class.methods.push((name, Rc::new(function)));
            return;
        }
        self.skip_type();
        if let Some(Tok::Var(name)) = self.peek().cloned() {
            self.at += 1;
            let default = self.eat("=").then(|| self.expr(0));
            class.properties.push((name, default));
            if self.eat("{") {
                self.skip_to(&[]);
                self.eat("}");
            }
            let _ = self.eat(",") || self.eat(";");
        }
    }

    fn class_constant(&mut self, class: &mut Class) {
        // `const string NAME = ...` has a type before the name.
        while !self.is_at(1, "=") && matches!(self.peek(), Some(Tok::Ident(_) | Tok::Op("?" | "|")))
        {
            self.at += 1;
        }
        while let Some(name) = self.ident() {
            if self.eat("=") {
                class.constants.push((name, self.expr(0)));
            }
            if !self.eat(",") {
                break;
            }
        }
        self.end_statement();
    }

    fn member_function(&mut self) -> Function {
        if self.depth >= MAX_DEPTH {
            self.skip_to(&["{", ";"]);
            if self.eat("{") {
                self.skip_to(&[]);
                self.eat("}");
            }
            return Function {
                odd: true,
                ..Function::default()
            };
        }
        self.depth += 1;
        let function = self.function(false);
        self.depth -= 1;
        function
    }

    // ---- expressions ----

    fn expr(&mut self, min: u8) -> Expr {
        let line = self.line();
        if self.depth >= MAX_DEPTH {
            self.skip_to(&[",", ";"]);
            return Expr {
                kind: Kind::Unknown("nested too deeply"),
                line,
            };
        }
        self.depth += 1;
        let expr = self.operators(min, line);
        self.depth -= 1;
        expr
    }

    fn operators(&mut self, min: u8, line: usize) -> Expr {
        let mut left = self.prefix(line);
        for _ in 0..MAX_CHAIN {
            let op: &'static str = match self.peek() {
                Some(Tok::Op(op)) => op,
                Some(Tok::Ident(w)) => match w.to_ascii_lowercase().as_str() {
                    "or" => "or",
                    "and" => "and",
                    "xor" => "xor",
                    "instanceof" => "instanceof",
                    _ => return left,
                },
                _ => return left,
            };
            let Some((power, right_bound)) = power(op) else {
                return left;
            };
            // An assignment binds to the place left of it whatever stands before: `!$a = f()`.
            let assigns = power == 4;
            if power < min && !(assigns && is_place(&left)) {
                return left;
            }
            self.at += 1;
            let kind = if op == "?" {
                self.ternary(left)
            } else if op == "=" && self.eat("&") {
                let _ = self.expr(power);
                let unknown = Expr {
                    kind: Kind::Unknown("a reference"),
                    line,
                };
                Kind::Assign("=", Box::new(left), Box::new(unknown))
            } else {
                let next = if right_bound { power } else { power + 1 };
                let right = self.expr(next);
                if assigns {
                    Kind::Assign(op, Box::new(left), Box::new(right))
                } else {
                    Kind::Binary(op, Box::new(left), Box::new(right))
                }
            };
            left = Expr { kind, line };
        }
        self.skip_to(&[",", ";"]);
        Expr {
            kind: Kind::Unknown("too many operators in a row"),
            line,
        }
    }

    fn ternary(&mut self, condition: Expr) -> Kind {
        if self.eat(":") {
            let other = self.expr(6);
            return Kind::Ternary(Box::new(condition), None, Box::new(other));
        }
        let then = self.expr(5);
        if !self.eat(":") {
            return Kind::Unknown("syntax");
        }
        let other = self.expr(6);
        Kind::Ternary(Box::new(condition), Some(Box::new(then)), Box::new(other))
    }

    fn prefix(&mut self, line: usize) -> Expr {
        let kind = match self.peek().cloned() {
            Some(Tok::Op(op @ ("!" | "-" | "+" | "@" | "~"))) => {
                self.at += 1;
                let operand = self.expr(UNARY);
                match (op, &operand.kind) {
                    ("-", Kind::Int(n)) => Kind::Int(n.wrapping_neg()),
                    ("-", Kind::Float(n)) => Kind::Float(-n),
                    ("@" | "+", _) => operand.kind,
                    _ => Kind::Unary(op, Box::new(operand)),
                }
            }
            Some(Tok::Op("&")) => {
                self.at += 1;
                let _ = self.expr(UNARY);
                Kind::Unknown("a reference")
            }
            Some(Tok::Op("++" | "--")) => {
                self.at += 1;
                let operand = self.expr(UNARY);
                let unknown = Expr {
                    kind: Kind::Unknown("a counter"),
                    line,
                };
                Kind::Assign("=", Box::new(operand), Box::new(unknown))
            }
            Some(Tok::Cast(to)) => {
                self.at += 1;
                Kind::Cast(to, Box::new(self.expr(UNARY)))
            }
            _ => {
                let primary = self.primary(line);
                return self.postfix(primary);
            }
        };
        Expr { kind, line }
    }

    fn postfix(&mut self, mut expr: Expr) -> Expr {
        let line = expr.line;
        for _ in 0..MAX_CHAIN {
            let kind = if self.eat("[") {
                if self.eat("]") {
                    Kind::Index(Box::new(expr), None)
                } else {
                    let key = self.expr(0);
                    self.close("]");
                    Kind::Index(Box::new(expr), Some(Box::new(key)))
                }
            } else if self.is("->") || self.is("?->") {
                self.at += 1;
                self.member_access(expr)
            } else if self.is("::") {
                self.at += 1;
                self.static_access(expr)
            } else if self.is("(") && !matches!(expr.kind, Kind::Const(_)) {
                let args = self.arguments();
                Kind::CallValue(Box::new(expr), args)
            } else if self.is("(") {
                let args = self.arguments();
                match expr.kind {
                    Kind::Const(name) => Kind::Call(name, args),
                    other => Kind::CallValue(Box::new(Expr { kind: other, line }), args),
                }
            } else if self.is("++") || self.is("--") {
                self.at += 1;
                let unknown = Expr {
                    kind: Kind::Unknown("a counter"),
                    line,
                };
                Kind::Assign("=", Box::new(expr), Box::new(unknown))
            } else {
                return expr;
            };
            expr = Expr { kind, line };
        }
        self.skip_to(&[",", ";"]);
        Expr {
            kind: Kind::Unknown("too many accesses in a row"),
            line,
        }
    }

    fn member_access(&mut self, on: Expr) -> Kind {
        let name = match self.peek().cloned() {
            Some(Tok::Ident(name)) => {
                self.at += 1;
                name
            }
            Some(Tok::Var(_)) => {
                self.at += 1;
                String::new()
            }
            _ => {
                if self.eat("{") {
                    self.skip_to(&[]);
                    self.eat("}");
                }
                String::new()
            }
        };
        if self.is("(") {
            let args = self.arguments();
            return Kind::Method(Box::new(on), name, args);
        }
        Kind::Property(Box::new(on), name)
    }

    fn static_access(&mut self, on: Expr) -> Kind {
        let class = match &on.kind {
            Kind::Const(name) => name.clone(),
            _ => String::new(),
        };
        match self.peek().cloned() {
            Some(Tok::Ident(name)) => {
                self.at += 1;
                if self.is("(") {
                    let args = self.arguments();
                    return Kind::StaticCall(class, name, args);
                }
                Kind::ClassConst(class, name)
            }
            Some(Tok::Var(name)) => {
                self.at += 1;
                Kind::StaticProperty(class, name)
            }
            _ => {
                if self.eat("{") {
                    self.skip_to(&[]);
                    self.eat("}");
                }
                Kind::Unknown("a computed class member")
            }
        }
    }

    fn arguments(&mut self) -> Vec<Item> {
        self.eat("(");
        self.items(")", true)
    }

    /// Array elements or arguments up to the closing bracket.
    fn items(&mut self, close: &str, arguments: bool) -> Vec<Item> {
        let mut out = Vec::new();
        while self.peek().is_some() && !self.is(close) {
            if self.eat(",") {
                continue;
            }
            let spread = self.eat("...");
            if spread && self.is(close) {
                break;
            }
            let mut key = None;
            if arguments
                && matches!(self.peek(), Some(Tok::Ident(_)))
                && self.is_at(1, ":")
                && !self.is_at(1, "::")
            {
                let line = self.line();
                key = self.ident().map(|name| Expr {
                    kind: Kind::Str(name),
                    line,
                });
                self.eat(":");
            }
            let mut value = self.expr(0);
            if !arguments && self.eat("=>") {
                key = Some(value);
                value = self.expr(0);
            }
            out.push(Item { key, value, spread });
            if !self.eat(",") && !self.is(close) {
                // Something unreadable stands here: the element is not what it seems.
                if let Some(last) = out.last_mut() {
                    last.value.kind = Kind::Unknown("syntax");
                }
                self.skip_to(&[",", close]);
                if !self.eat(",") {
                    break;
                }
            }
        }
        self.close(close);
        out
    }

    fn primary(&mut self, line: usize) -> Expr {
        let kind = match self.peek().cloned() {
            Some(Tok::Var(name)) => {
                self.at += 1;
                Kind::Var(name)
            }
            Some(Tok::Int(n)) => {
                self.at += 1;
                Kind::Int(n)
            }
            Some(Tok::Float(n)) => {
                self.at += 1;
                Kind::Float(n)
            }
            Some(Tok::Str(text)) => {
                self.at += 1;
                Kind::Str(text)
            }
            Some(Tok::Template(pieces)) => {
                self.at += 1;
                Kind::Template(pieces)
            }
            Some(Tok::Op("(")) => {
                self.at += 1;
                let inner = self.expr(0);
                self.close(")");
                // Kept apart so that `("f")(...)` and `(CONST)` are not taken for a call.
                return match inner.kind {
                    Kind::Const(name) if self.is("(") => Expr {
                        kind: Kind::Unary(
                            "(",
                            Box::new(Expr {
                                kind: Kind::Const(name),
                                line,
                            }),
                        ),
                        line,
                    },
                    kind => Expr { kind, line },
                };
            }
            Some(Tok::Op("[")) => {
                self.at += 1;
                Kind::Array(self.items("]", false))
            }
            Some(Tok::Op("$")) => {
                self.at += 1;
                if self.eat("{") {
                    self.skip_to(&[]);
                    self.eat("}");
                } else {
                    let _ = self.primary(line);
                }
                Kind::Unknown("a variable variable")
            }
            Some(Tok::Ident(word)) => return self.worded(&word, line),
            Some(Tok::Junk) => {
                self.at += 1;
                Kind::Unknown("syntax")
            }
            _ => Kind::Unknown("syntax"),
        };
        Expr { kind, line }
    }

    fn worded(&mut self, word: &str, line: usize) -> Expr {
        let lower = word.to_ascii_lowercase();
        let plain = !matches!(self.peek_at(1), Some(Tok::Op("::")));
        self.at += 1;
        let kind = match lower.as_str() {
            "array" | "list" if self.is("(") => {
                self.at += 1;
                Kind::Array(self.items(")", false))
            }
            "isset" if self.eat("(") => Kind::Isset(self.expr_list(")")),
            "empty" if self.eat("(") => {
                let inner = self.expr(0);
                self.close(")");
                Kind::Empty(Box::new(inner))
            }
            "require" | "require_once" | "include" | "include_once" => {
                Kind::Include(lower.starts_with("require"), Box::new(self.expr(0)))
            }
            "function" | "fn" if plain => {
                self.eat("&");
                Kind::Closure(Rc::new(self.function(lower == "fn")))
            }
            "static" if self.is_word("function") || self.is_word("fn") => {
                let arrow = self.is_word("fn");
                self.at += 1;
                Kind::Closure(Rc::new(self.function(arrow)))
            }
            "new" if plain => self.new_expression(),
            "match" if self.is("(") => self.match_expression(),
            "exit" | "die" => {
                if self.is("(") {
                    self.arguments();
                }
                Kind::Exit
            }
            "throw" => {
                let _ = self.expr(0);
                Kind::Exit
            }
            "clone" => Kind::Unary("clone", Box::new(self.expr(UNARY))),
            "print" => return self.expr(4),
            "yield" => {
                self.skip_to(&[",", ";"]);
                Kind::Unknown("a generator")
            }
            _ => Kind::Const(word.to_owned()),
        };
        Expr { kind, line }
    }

    fn new_expression(&mut self) -> Kind {
        while self.is_word("readonly") {
            self.at += 1;
        }
        if self.eat_word("class") {
            if self.is("(") {
                self.arguments();
            }
            if self.depth >= MAX_DEPTH {
                return Kind::Unknown("nested too deeply");
            }
            self.depth += 1;
            let class = self.class(String::new());
            self.depth -= 1;
            return Kind::NewClass(Box::new(class));
        }
        let class = match self.ident() {
            Some(name) => name,
            None => {
                let line = self.line();
                let _ = self.primary(line);
                String::new()
            }
        };
        let args = if self.is("(") {
            self.arguments()
        } else {
            Vec::new()
        };
        Kind::New(class, args)
    }

    fn match_expression(&mut self) -> Kind {
        let subject = self.condition();
        if !self.eat("{") {
            return Kind::Unknown("syntax");
        }
        let mut arms = Vec::new();
        while self.peek().is_some() && !self.is("}") {
            let before = self.at;
            let mut conditions = Vec::new();
            if self.eat_word("default") {
                self.eat(",");
            } else {
                while self.peek().is_some() && !self.is("=>") && !self.is("}") {
                    conditions.push(self.expr(0));
                    if !self.eat(",") {
                        break;
                    }
                }
            }
            if !self.eat("=>") {
                self.skip_to(&["}"]);
                self.eat("}");
                return Kind::Unknown("syntax");
            }
            let result = self.expr(0);
            arms.push((conditions, result));
            self.eat(",");
            if self.at == before {
                self.at += 1;
            }
        }
        self.eat("}");
        Kind::Match(Box::new(subject), arms)
    }
}

fn is_place(expr: &Expr) -> bool {
    matches!(
        expr.kind,
        Kind::Var(_)
            | Kind::Index(..)
            | Kind::Property(..)
            | Kind::StaticProperty(..)
            | Kind::Array(_)
    )
}
