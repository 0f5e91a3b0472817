//! Modules from tokens: ES modules and CommonJS, types skipped.

use std::rc::Rc;

use super::ast::{Body, Entry, Expr, Function, Node, Pattern, Statement};
use super::lex::{Kind, Token, tokens};

/// How deep expressions and blocks may nest.
const MAX_DEPTH: usize = 48;

type Parsed<T> = Result<T, usize>;

/// The statements of a module; `Err` is the line that cannot be read.
pub(super) fn module(text: &str) -> Parsed<Vec<Statement>> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
    };
    let mut out = Vec::new();
    while !parser.is_end() {
        if let Some(statement) = parser.statement()? {
            out.push(statement);
        }
    }
    Ok(out)
}

/// A single expression (JSON).
pub(super) fn expression(text: &str) -> Parsed<Node> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
    };
    let node = parser.assignment()?;
    if parser.is_end() {
        Ok(node)
    } else {
        Err(parser.line())
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

static END: Token = Token {
    kind: Kind::End,
    line: 0,
    fresh: true,
};

/// Binary operators by how tight they bind, loosest first.
const LEVELS: &[&[&str]] = &[
    &["??"],
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!=", "===", "!=="],
    &["<", ">", "<=", ">="],
    &["<<", ">>>"],
    &["+", "-"],
    &["*", "/", "%"],
    &["**"],
];

const ASSIGNS: &[&str] = &[
    "=", "+=", "-=", "*=", "/=", "%=", "**=", "&&=", "||=", "??=", "&=", "|=", "^=", "<<=", ">>>=",
];

fn node(expr: Expr, line: usize) -> Node {
    Node { expr, line }
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).unwrap_or(&END)
    }

    fn ahead(&self, n: usize) -> &Token {
        self.tokens.get(self.at + n).unwrap_or(&END)
    }

    fn line(&self) -> usize {
        self.peek().line
    }

    fn is_end(&self) -> bool {
        self.peek().kind == Kind::End
    }

    fn is(&self, mark: &str) -> bool {
        matches!(&self.peek().kind, Kind::Mark(m) if *m == mark)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(&self.peek().kind, Kind::Name(n) if n == word)
    }

    fn ahead_is(&self, n: usize, mark: &str) -> bool {
        matches!(&self.ahead(n).kind, Kind::Mark(m) if *m == mark)
    }

    fn ahead_word(&self, n: usize) -> Option<&str> {
        match &self.ahead(n).kind {
            Kind::Name(name) => Some(name),
            _ => None,
        }
    }

    fn eat(&mut self, mark: &str) -> bool {
        let found = self.is(mark);
        self.at += usize::from(found);
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn need(&mut self, mark: &str) -> Parsed<()> {
        if self.eat(mark) {
            Ok(())
        } else {
            Err(self.line())
        }
    }

    fn name(&mut self) -> Parsed<String> {
        match &self.peek().kind {
            Kind::Name(name) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.line()),
        }
    }

    fn text(&mut self) -> Parsed<String> {
        match &self.peek().kind {
            Kind::Text(text) => {
                let text = text.clone();
                self.at += 1;
                Ok(text)
            }
            _ => Err(self.line()),
        }
    }

    fn deeper(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            Err(self.line())
        } else {
            Ok(())
        }
    }

    fn end_statement(&mut self) -> Parsed<()> {
        if self.eat(";") || self.is("}") || self.is_end() || self.peek().fresh {
            Ok(())
        } else {
            Err(self.line())
        }
    }

    /// Steps over a bracketed stretch that starts here.
    fn balanced(&mut self) -> Parsed<()> {
        let line = self.line();
        let mut depth = 0usize;
        loop {
            match &self.peek().kind {
                Kind::Mark("(" | "[" | "{") => depth += 1,
                Kind::Mark(")" | "]" | "}") => depth = depth.checked_sub(1).ok_or(line)?,
                Kind::End => return Err(line),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// Steps over `<...>`.
    fn angles(&mut self) -> Parsed<()> {
        let line = self.line();
        let mut depth = 0usize;
        loop {
            match &self.peek().kind {
                Kind::Mark("<") => depth += 1,
                Kind::Mark(">") => depth = depth.checked_sub(1).ok_or(line)?,
                Kind::Mark(">>>") => depth = depth.checked_sub(3).ok_or(line)?,
                Kind::Mark("(" | "[" | "{") => {
                    self.balanced()?;
                    continue;
                }
                Kind::Mark(")" | "]" | "}" | ";") | Kind::End => return Err(line),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// Steps over a type.
    fn skip_type(&mut self) -> Parsed<()> {
        self.deeper()?;
        while self.eat("|") || self.eat("&") {}
        loop {
            let parameters = self.is("(");
            match &self.peek().kind {
                Kind::Mark("{" | "(" | "[") => self.balanced()?,
                Kind::Mark("-") => {
                    self.at += 1;
                    continue;
                }
                Kind::Name(n)
                    if matches!(
                        n.as_str(),
                        "typeof" | "keyof" | "readonly" | "unique" | "infer" | "new" | "asserts"
                    ) && !self.ahead_is(1, "=") =>
                {
                    self.at += 1;
                    continue;
                }
                Kind::Name(_) | Kind::Text(_) | Kind::Number(_) | Kind::Template(..) => {
                    self.at += 1;
                }
                _ => return Err(self.line()),
            }
            loop {
                if self.eat(".") {
                    self.name()?;
                } else if self.is("<") {
                    self.angles()?;
                } else if self.is("[") && !self.peek().fresh {
                    self.balanced()?;
                } else {
                    break;
                }
            }
            if self.eat("|")
                || self.eat("&")
                || (parameters && self.eat("=>"))
                || self.eat_word("is")
            {
                continue;
            }
            if self.is_word("extends") && !self.peek().fresh {
                self.at += 1;
                self.skip_type()?;
                self.need("?")?;
                self.skip_type()?;
                self.need(":")?;
                continue;
            }
            self.depth -= 1;
            return Ok(());
        }
    }

    fn annotation(&mut self) -> Parsed<()> {
        self.eat("!");
        self.eat("?");
        if self.eat(":") {
            self.skip_type()
        } else {
            Ok(())
        }
    }

    fn block(&mut self) -> Parsed<Vec<Statement>> {
        self.need("{")?;
        let mut out = Vec::new();
        while !self.eat("}") {
            if self.is_end() {
                return Err(self.line());
            }
            if let Some(statement) = self.statement()? {
                out.push(statement);
            }
        }
        Ok(out)
    }

    /// One statement; `None` for one without meaning at run time.
    fn statement(&mut self) -> Parsed<Option<Statement>> {
        self.deeper()?;
        let statement = self.statement_inner();
        self.depth -= 1;
        statement
    }

    fn statement_inner(&mut self) -> Parsed<Option<Statement>> {
        let line = self.line();
        if self.eat(";") {
            return Ok(None);
        }
        if self.is("{") {
            return Ok(Some(Statement::Block(self.block()?)));
        }
        if self.is("@") {
            self.at += 1;
            self.unary()?;
            return Ok(None);
        }
        let Kind::Name(word) = &self.peek().kind else {
            return self.value_statement();
        };
        let next_name = matches!(&self.ahead(1).kind, Kind::Name(_)) && !self.ahead(1).fresh;
        match word.clone().as_str() {
            "const" | "var" => self.declaration(),
            "let" if next_name || self.ahead_is(1, "{") || self.ahead_is(1, "[") => {
                self.declaration()
            }
            "function" => self.function_statement(),
            "async" if self.ahead_word(1) == Some("function") => {
                self.at += 1;
                self.function_statement()
            }
            "class" => self.class_statement(line),
            "abstract" if self.ahead_word(1) == Some("class") => {
                self.at += 1;
                self.class_statement(line)
            }
            "return" => {
                self.at += 1;
                let none = self.is(";") || self.is("}") || self.is_end() || self.peek().fresh;
                let value = if none { None } else { Some(self.sequence()?) };
                self.end_statement()?;
                Ok(Some(Statement::Return(value)))
            }
            "throw" => {
                self.at += 1;
                let value = self.sequence()?;
                self.end_statement()?;
                Ok(Some(Statement::Throw(value)))
            }
            "if" => self.if_statement(),
            "try" => self.try_statement(),
            "for" | "while" => {
                self.at += 1;
                self.eat_word("await");
                self.balanced()?;
                self.statement()?;
                Ok(Some(Statement::Other("a loop", line)))
            }
            "do" if !self.ahead_is(1, "=") => {
                self.at += 1;
                self.statement()?;
                if !self.eat_word("while") {
                    return Err(self.line());
                }
                self.balanced()?;
                self.eat(";");
                Ok(Some(Statement::Other("a loop", line)))
            }
            "switch" => {
                self.at += 1;
                self.balanced()?;
                self.balanced()?;
                Ok(Some(Statement::Other("a switch", line)))
            }
            "break" | "continue" | "debugger" => {
                self.at += 1;
                while !self.is(";") && !self.is("}") && !self.is_end() && !self.peek().fresh {
                    self.at += 1;
                }
                self.eat(";");
                Ok(Some(Statement::Other("a jump", line)))
            }
            "import" if !self.ahead_is(1, "(") && !self.ahead_is(1, ".") => self.import(),
            "export" => self.export(),
            "interface" if next_name => {
                while !self.is("{") {
                    if self.is_end() {
                        return Err(line);
                    }
                    self.at += 1;
                }
                self.balanced()?;
                Ok(None)
            }
            "type" if next_name => {
                self.at += 2;
                if self.is("<") {
                    self.angles()?;
                }
                self.need("=")?;
                self.skip_type()?;
                self.end_statement()?;
                Ok(None)
            }
            "declare" | "namespace" if next_name => {
                while !self.is("{") && !self.is(";") && !self.is_end() {
                    self.at += 1;
                    if self.peek().fresh {
                        break;
                    }
                }
                if self.is("{") {
                    self.balanced()?;
                }
                Ok(None)
            }
            "enum" if next_name => {
                self.at += 1;
                let name = self.name()?;
                self.balanced()?;
                Ok(Some(Statement::Class(name, line)))
            }
            _ => self.value_statement(),
        }
    }

    fn value_statement(&mut self) -> Parsed<Option<Statement>> {
        let value = self.sequence()?;
        self.end_statement()?;
        Ok(Some(Statement::Value(value)))
    }

    fn declaration(&mut self) -> Parsed<Option<Statement>> {
        self.at += 1;
        if self.is_word("enum") {
            let line = self.line();
            self.at += 1;
            let name = self.name()?;
            self.balanced()?;
            return Ok(Some(Statement::Class(name, line)));
        }
        let mut out = Vec::new();
        loop {
            let pattern = self.pattern()?;
            self.annotation()?;
            let value = if self.eat("=") {
                Some(self.assignment()?)
            } else {
                None
            };
            out.push((pattern, value));
            if !self.eat(",") {
                break;
            }
        }
        self.end_statement()?;
        Ok(Some(Statement::Let(out)))
    }

    fn pattern(&mut self) -> Parsed<Pattern> {
        self.deeper()?;
        let pattern = if self.eat("{") {
            self.object_pattern()
        } else if self.eat("[") {
            self.list_pattern()
        } else {
            self.name().map(Pattern::Name)
        };
        self.depth -= 1;
        pattern
    }

    fn object_pattern(&mut self) -> Parsed<Pattern> {
        let mut entries = Vec::new();
        let mut rest = None;
        while !self.eat("}") {
            if self.eat("...") {
                rest = Some(self.name()?);
            } else {
                let key = self.key()?.ok_or(self.line())?;
                let pattern = if self.eat(":") {
                    self.pattern()?
                } else {
                    Pattern::Name(key.clone())
                };
                let default = if self.eat("=") {
                    Some(self.assignment()?)
                } else {
                    None
                };
                entries.push((key, pattern, default));
            }
            if !self.eat(",") && !self.is("}") {
                return Err(self.line());
            }
        }
        Ok(Pattern::Object(entries, rest))
    }

    fn list_pattern(&mut self) -> Parsed<Pattern> {
        let mut items = Vec::new();
        while !self.eat("]") {
            if self.eat(",") {
                items.push(None);
                continue;
            }
            if self.eat("...") {
                self.pattern()?;
                items.push(Some((Pattern::Other, None)));
            } else {
                let pattern = self.pattern()?;
                let default = if self.eat("=") {
                    Some(self.assignment()?)
                } else {
                    None
                };
                items.push(Some((pattern, default)));
            }
            if !self.eat(",") && !self.is("]") {
                return Err(self.line());
            }
        }
        Ok(Pattern::List(items))
    }

    /// A property's name; `None` for a computed one.
    fn key(&mut self) -> Parsed<Option<String>> {
        let key = match &self.peek().kind {
            Kind::Name(n) => n.clone(),
            Kind::Text(t) => t.clone(),
            Kind::Number(n) => number_text(*n),
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(key))
    }

    fn function_statement(&mut self) -> Parsed<Option<Statement>> {
        self.at += 1;
        self.eat("*");
        let name = self.name()?;
        let (params, body) = self.function_rest()?;
        Ok(match body {
            Some(block) => {
                let body = Body::Block(block);
                Some(Statement::Function(
                    name,
                    Rc::new(Function { params, body }),
                ))
            }
            None => None,
        })
    }

    /// Parameters and body; no body for an overload.
    #[allow(
        clippy::type_complexity,
        reason = "parameters and body as they are used"
    )]
    fn function_rest(&mut self) -> Parsed<(Vec<(Pattern, Option<Node>)>, Option<Vec<Statement>>)> {
        if self.is("<") {
            self.angles()?;
        }
        let params = self.params()?;
        if self.eat(":") {
            self.skip_type()?;
        }
        if self.is("{") {
            return Ok((params, Some(self.block()?)));
        }
        self.end_statement()?;
        Ok((params, None))
    }

    fn params(&mut self) -> Parsed<Vec<(Pattern, Option<Node>)>> {
        self.need("(")?;
        let mut out = Vec::new();
        while !self.eat(")") {
            let rest = self.eat("...");
            let pattern = self.pattern()?;
            self.annotation()?;
            let default = if self.eat("=") {
                Some(self.assignment()?)
            } else {
                None
            };
            out.push((if rest { Pattern::Other } else { pattern }, default));
            if !self.eat(",") && !self.is(")") {
                return Err(self.line());
            }
        }
        Ok(out)
    }

    fn class_statement(&mut self, line: usize) -> Parsed<Option<Statement>> {
        self.at += 1;
        let name = if self.is("{") {
            String::new()
        } else {
            self.name()?
        };
        while !self.is("{") {
            if self.is_end() {
                return Err(line);
            }
            self.at += 1;
        }
        self.balanced()?;
        Ok(Some(Statement::Class(name, line)))
    }

    fn if_statement(&mut self) -> Parsed<Option<Statement>> {
        self.at += 1;
        self.need("(")?;
        let test = self.sequence()?;
        self.need(")")?;
        let then = self.statement()?.unwrap_or(Statement::Block(Vec::new()));
        let other = if self.eat_word("else") {
            self.statement()?.map(Box::new)
        } else {
            None
        };
        Ok(Some(Statement::If(test, Box::new(then), other)))
    }

    fn try_statement(&mut self) -> Parsed<Option<Statement>> {
        self.at += 1;
        let block = self.block()?;
        let mut catch = None;
        if self.eat_word("catch") {
            if self.is("(") {
                self.balanced()?;
            }
            catch = Some(self.block()?);
        }
        let last = if self.eat_word("finally") {
            self.block()?
        } else {
            Vec::new()
        };
        Ok(Some(Statement::Try(block, catch, last)))
    }

    fn import(&mut self) -> Parsed<Option<Statement>> {
        let line = self.line();
        self.at += 1;
        if let Kind::Text(_) = self.peek().kind {
            let from = self.text()?;
            self.attributes()?;
            return Ok(Some(Statement::Import {
                from,
                all: None,
                names: Vec::new(),
                line,
            }));
        }
        let types = self.is_word("type")
            && (self.ahead_is(1, "{")
                || self.ahead_is(1, "*")
                || self.ahead_word(1).is_some_and(|w| w != "from")
                || self.ahead_word(2) == Some("from"));
        if types {
            self.at += 1;
        }
        let mut all = None;
        let mut names = Vec::new();
        loop {
            if self.eat("*") {
                self.eat_word("as");
                all = Some(self.name()?);
            } else if self.eat("{") {
                names.extend(self.names("}")?);
            } else {
                let name = self.name()?;
                if self.eat("=") {
                    // `import x = require("y")`
                    let value = self.assignment()?;
                    self.end_statement()?;
                    let pattern = Pattern::Name(name);
                    return Ok(Some(Statement::Let(vec![(pattern, Some(value))])));
                }
                names.push(("default".to_owned(), name));
            }
            if !self.eat(",") {
                break;
            }
        }
        if !self.eat_word("from") {
            return Err(self.line());
        }
        let from = self.text()?;
        self.attributes()?;
        Ok((!types).then_some(Statement::Import {
            from,
            all,
            names,
            line,
        }))
    }

    fn attributes(&mut self) -> Parsed<()> {
        if (self.is_word("with") || self.is_word("assert")) && self.ahead_is(1, "{") {
            self.at += 1;
            self.balanced()?;
        }
        self.end_statement()
    }

    /// `a, b as c` up to a closing mark.
    fn names(&mut self, close: &str) -> Parsed<Vec<(String, String)>> {
        let mut out = Vec::new();
        while !self.eat(close) {
            let types = self.is_word("type") && self.ahead_word(1).is_some_and(|w| w != "as");
            if types {
                self.at += 1;
            }
            let name = self.key()?.ok_or(self.line())?;
            let local = if self.eat_word("as") {
                self.key()?.ok_or(self.line())?
            } else {
                name.clone()
            };
            if !types {
                out.push((name, local));
            }
            if !self.eat(",") && !self.is(close) {
                return Err(self.line());
            }
        }
        Ok(out)
    }

    fn export(&mut self) -> Parsed<Option<Statement>> {
        let line = self.line();
        self.at += 1;
        if self.eat_word("default") {
            if self.is_word("class") || self.is_word("abstract") {
                self.eat_word("abstract");
                self.class_statement(line)?;
                return Ok(Some(Statement::Default(node(Expr::Other("a class"), line))));
            }
            if self.is_word("interface") {
                return self.statement();
            }
            let value = self.assignment()?;
            self.eat(";");
            return Ok(Some(Statement::Default(value)));
        }
        if self.eat("=") {
            let value = self.assignment()?;
            self.end_statement()?;
            return Ok(Some(Statement::ExportIs(value)));
        }
        let types = self.is_word("type") && (self.ahead_is(1, "{") || self.ahead_is(1, "*"));
        if types {
            self.at += 1;
        }
        let names = if self.eat("{") {
            self.names("}")?
        } else if self.eat("*") {
            let all = if self.eat_word("as") {
                self.name()?
            } else {
                "*".to_owned()
            };
            vec![("*".to_owned(), all)]
        } else {
            return Ok(self.statement()?.map(|s| Statement::Exported(Box::new(s))));
        };
        let from = if self.eat_word("from") {
            Some(self.text()?)
        } else {
            None
        };
        self.attributes()?;
        Ok((!types).then_some(Statement::Export { names, from, line }))
    }

    fn sequence(&mut self) -> Parsed<Node> {
        let mut value = self.assignment()?;
        while self.eat(",") {
            let line = self.line();
            let next = self.assignment()?;
            value = node(Expr::Binary(",", Box::new(value), Box::new(next)), line);
        }
        Ok(value)
    }

    fn assignment(&mut self) -> Parsed<Node> {
        self.deeper()?;
        let value = self.assignment_inner();
        self.depth -= 1;
        value
    }

    fn assignment_inner(&mut self) -> Parsed<Node> {
        if let Some(arrow) = self.arrow()? {
            return Ok(arrow);
        }
        let line = self.line();
        let left = self.condition()?;
        let Kind::Mark(mark) = self.peek().kind else {
            return Ok(left);
        };
        let Some(op) = ASSIGNS.iter().find(|a| **a == mark) else {
            return Ok(left);
        };
        self.at += 1;
        let right = self.assignment()?;
        Ok(node(
            Expr::Assign(op, Box::new(left), Box::new(right)),
            line,
        ))
    }

    /// An arrow function, where one starts here.
    fn arrow(&mut self) -> Parsed<Option<Node>> {
        let start = self.at;
        let line = self.line();
        if self.is_word("async") && !self.ahead(1).fresh {
            let next = &self.ahead(1).kind;
            if matches!(next, Kind::Mark("(" | "<"))
                || (matches!(next, Kind::Name(_)) && self.ahead_is(2, "=>"))
            {
                self.at += 1;
            }
        }
        let params = if matches!(self.peek().kind, Kind::Name(_)) && self.ahead_is(1, "=>") {
            vec![(Pattern::Name(self.name()?), None)]
        } else if (self.is("(") || self.is("<")) && self.arrow_follows() {
            if self.is("<") {
                self.angles()?;
            }
            let params = self.params()?;
            if self.eat(":") {
                self.skip_type()?;
            }
            params
        } else {
            self.at = start;
            return Ok(None);
        };
        self.need("=>")?;
        let body = if self.is("{") {
            Body::Block(self.block()?)
        } else {
            Body::Value(self.assignment()?)
        };
        let function = Rc::new(Function { params, body });
        Ok(Some(node(Expr::Function(function), line)))
    }

    /// Whether the brackets that start here are an arrow function's parameters.
    fn arrow_follows(&mut self) -> bool {
        let start = self.at;
        let mut follows = !self.is("<") || self.angles().is_ok();
        follows = follows && self.is("(") && self.balanced().is_ok();
        if follows && self.is(":") {
            // `a ? (b) : c` is no return type: there, no arrow follows the type.
            self.at += 1;
            let depth = self.depth;
            follows = self.skip_type().is_ok();
            self.depth = depth;
        }
        follows = follows && self.is("=>");
        self.at = start;
        follows
    }

    fn condition(&mut self) -> Parsed<Node> {
        let test = self.binary(0)?;
        if !self.is("?") {
            return Ok(test);
        }
        let line = test.line;
        self.at += 1;
        let yes = self.assignment()?;
        self.need(":")?;
        let no = self.assignment()?;
        Ok(node(
            Expr::Condition(Box::new(test), Box::new(yes), Box::new(no)),
            line,
        ))
    }

    fn binary(&mut self, level: usize) -> Parsed<Node> {
        let Some(marks) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.binary(level + 1)?;
        loop {
            let op = match &self.peek().kind {
                Kind::Mark(m) => marks.iter().find(|o| *o == m).copied(),
                Kind::Name(n) if level == 7 && n == "in" => Some("in"),
                Kind::Name(n) if level == 7 && n == "instanceof" => Some("instanceof"),
                Kind::Name(n) if (n == "as" || n == "satisfies") && !self.peek().fresh => {
                    self.at += 1;
                    self.skip_type()?;
                    continue;
                }
                _ => None,
            };
            let Some(op) = op else { return Ok(left) };
            let line = self.line();
            self.at += 1;
            let right = self.binary(level + 1)?;
            left = node(Expr::Binary(op, Box::new(left), Box::new(right)), line);
        }
    }

    fn unary(&mut self) -> Parsed<Node> {
        self.deeper()?;
        let line = self.line();
        let op = match &self.peek().kind {
            Kind::Mark(m @ ("!" | "-" | "+" | "~" | "++" | "--")) => Some(*m),
            Kind::Name(n) => ["typeof", "void", "delete", "await"]
                .into_iter()
                .find(|w| w == n && !self.ahead_is(1, "=") && !self.ahead_is(1, ":")),
            _ => None,
        };
        let value = match op {
            Some(op) => {
                self.at += 1;
                let inner = self.unary()?;
                Ok(if op == "await" {
                    inner
                } else {
                    node(Expr::Unary(op, Box::new(inner)), line)
                })
            }
            None => self.postfix(),
        };
        self.depth -= 1;
        value
    }

    fn postfix(&mut self) -> Parsed<Node> {
        let line = self.line();
        let mut value = if self.is_word("new") && !self.ahead_is(1, ".") {
            self.at += 1;
            let mut class = self.primary()?;
            while self.eat(".") {
                let name = self.name()?;
                class = node(Expr::Member(Box::new(class), name, false), line);
            }
            if self.is("<") {
                self.angles()?;
            }
            let arguments = if self.is("(") {
                self.arguments()?
            } else {
                Vec::new()
            };
            node(Expr::New(Box::new(class), arguments), line)
        } else {
            self.primary()?
        };
        loop {
            let line = self.line();
            if self.eat(".") {
                self.eat("#");
                let name = self.name()?;
                value = node(Expr::Member(Box::new(value), name, false), line);
            } else if self.eat("?.") {
                value = if self.is("(") {
                    let arguments = self.arguments()?;
                    node(Expr::Call(Box::new(value), arguments, true), line)
                } else if self.eat("[") {
                    let index = self.sequence()?;
                    self.need("]")?;
                    node(Expr::Index(Box::new(value), Box::new(index), true), line)
                } else {
                    let name = self.name()?;
                    node(Expr::Member(Box::new(value), name, true), line)
                };
            } else if self.is("[") {
                self.at += 1;
                let index = self.sequence()?;
                self.need("]")?;
                value = node(Expr::Index(Box::new(value), Box::new(index), false), line);
            } else if self.is("(") {
                let arguments = self.arguments()?;
                value = node(Expr::Call(Box::new(value), arguments, false), line);
            } else if self.is("<") && self.generic_call() {
                self.angles()?;
            } else if self.is("!") && !self.peek().fresh {
                self.at += 1;
            } else if matches!(self.peek().kind, Kind::Template(..)) {
                self.at += 1;
                value = node(Expr::Other("a tagged template"), line);
            } else if (self.is("++") || self.is("--")) && !self.peek().fresh {
                self.at += 1;
                value = node(Expr::Other("a counter"), line);
            } else {
                return Ok(value);
            }
        }
    }

    fn generic_call(&mut self) -> bool {
        let start = self.at;
        let short = self
            .tokens
            .iter()
            .skip(start)
            .take(40)
            .any(|t| t.kind == Kind::Mark(">"));
        let call = short && self.angles().is_ok() && self.is("(");
        self.at = start;
        call
    }

    fn arguments(&mut self) -> Parsed<Vec<(bool, Node)>> {
        self.need("(")?;
        let items = self.items(")")?;
        Ok(items)
    }

    fn items(&mut self, close: &str) -> Parsed<Vec<(bool, Node)>> {
        let mut out = Vec::new();
        while !self.eat(close) {
            if self.is(",") {
                self.at += 1;
                out.push((false, node(Expr::Undefined, self.line())));
                continue;
            }
            let spread = self.eat("...");
            out.push((spread, self.assignment()?));
            if !self.eat(",") && !self.is(close) {
                return Err(self.line());
            }
        }
        Ok(out)
    }

    fn primary(&mut self) -> Parsed<Node> {
        let line = self.line();
        let token = self.peek().clone();
        let expr = match token.kind {
            Kind::Number(n) => Expr::Number(n),
            Kind::Text(t) => Expr::Text(t),
            Kind::Regex => Expr::Other("a regular expression"),
            Kind::Template(pieces, inner) => {
                let mut nodes = Vec::new();
                for tokens in inner {
                    let mut parser = Parser {
                        tokens,
                        at: 0,
                        depth: self.depth + 1,
                    };
                    nodes.push(parser.sequence()?);
                    if !parser.is_end() {
                        return Err(parser.line());
                    }
                }
                Expr::Template(pieces, nodes)
            }
            Kind::Mark("(") => {
                self.at += 1;
                let value = self.sequence()?;
                self.need(")")?;
                return Ok(value);
            }
            Kind::Mark("[") => {
                self.at += 1;
                return Ok(node(Expr::List(self.items("]")?), line));
            }
            Kind::Mark("{") => {
                self.at += 1;
                return Ok(node(Expr::Object(self.entries()?), line));
            }
            Kind::Name(name) => return self.named(&name, line),
            Kind::Mark(_) | Kind::End => return Err(line),
        };
        self.at += 1;
        Ok(node(expr, line))
    }

    fn named(&mut self, name: &str, line: usize) -> Parsed<Node> {
        self.at += 1;
        let expr = match name {
            "true" => Expr::Bool(true),
            "false" => Expr::Bool(false),
            "null" => Expr::Null,
            "undefined" => Expr::Undefined,
            "function" => {
                self.at -= 1;
                self.function_value()?
            }
            "async" if self.is_word("function") && !self.peek().fresh => self.function_value()?,
            "class" => {
                self.at -= 1;
                self.class_statement(line)?;
                Expr::Other("a class")
            }
            "import" if self.eat("(") => {
                let from = self.assignment()?;
                while !self.eat(")") {
                    self.at += 1;
                    if self.is_end() {
                        return Err(line);
                    }
                }
                Expr::Import(Box::new(from))
            }
            name => Expr::Name(name.to_owned()),
        };
        Ok(node(expr, line))
    }

    fn function_value(&mut self) -> Parsed<Expr> {
        self.at += 1;
        self.eat("*");
        if matches!(self.peek().kind, Kind::Name(_)) {
            self.at += 1;
        }
        let (params, body) = self.function_rest()?;
        let body = Body::Block(body.ok_or(self.line())?);
        Ok(Expr::Function(Rc::new(Function { params, body })))
    }

    fn entries(&mut self) -> Parsed<Vec<Entry>> {
        let mut out = Vec::new();
        while !self.eat("}") {
            out.push(self.entry()?);
            if !self.eat(",") && !self.is("}") {
                return Err(self.line());
            }
        }
        Ok(out)
    }

    fn entry(&mut self) -> Parsed<Entry> {
        if self.eat("...") {
            return Ok(Entry::Spread(self.assignment()?));
        }
        let line = self.line();
        let plain = |p: &Parser, n| [",", ":", "}", "(", "="].iter().any(|m| p.ahead_is(n, m));
        if self.is_word("async") && !plain(self, 1) {
            self.at += 1;
        }
        self.eat("*");
        if (self.is_word("get") || self.is_word("set")) && !plain(self, 1) {
            self.at += 1;
            let key = self.key()?.unwrap_or_default();
            self.function_rest()?;
            return Ok(Entry::Other(key));
        }
        let Some(key) = self.key()? else {
            self.need("[")?;
            let key = self.assignment()?;
            self.need("]")?;
            if self.is("(") {
                self.function_rest()?;
                return Ok(Entry::Other(String::new()));
            }
            self.need(":")?;
            return Ok(Entry::Computed(key, self.assignment()?));
        };
        if self.eat(":") {
            return Ok(Entry::Pair(key, self.assignment()?));
        }
        if self.is("(") || self.is("<") {
            let (params, body) = self.function_rest()?;
            let body = Body::Block(body.ok_or(line)?);
            let function = Expr::Function(Rc::new(Function { params, body }));
            return Ok(Entry::Pair(key, node(function, line)));
        }
        if self.eat("=") {
            // A default in a pattern that is read as an object.
            self.assignment()?;
            return Ok(Entry::Other(key));
        }
        let name = Expr::Name(key.clone());
        Ok(Entry::Pair(key, node(name, line)))
    }
}

/// A number as JavaScript writes it, as far as configuration needs it.
pub(super) fn number_text(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        format!("{number:.0}")
    } else {
        number.to_string()
    }
}
