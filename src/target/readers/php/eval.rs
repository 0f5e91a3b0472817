//! Evaluates configuration written in PHP without running it. What it does not follow is unknown,
//! with the place; an unknown stays where it stands and does not spread to its neighbours.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::ast::{Expr, Function, Item, Kind, Piece, Stmt, walk};
use super::value::{Array, Cell, Found, Key, Val, weightier};
use super::{builtins, parser};
use crate::files::{FileError, Files, shown};
use crate::source::{Source, SourceKind};

/// Bounds of one evaluation.
const MAX_STEPS: usize = 400_000;
/// What all values together may weigh: text that is doubled again and again grows past all memory.
const MAX_WEIGHT: usize = 8 << 20;
/// Closures can hold each other.
const MAX_CLOSURES: usize = 200;
const TOO_MUCH: &str = "the file does too much to follow";
const MAX_CALLS: usize = 24;
const MAX_INCLUDES: usize = 12;
const MAX_ROUNDS: usize = 500;

/// Where a variable of the environment is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `$_ENV['X']`.
    Env,
    /// `$_SERVER['X']`.
    Server,
    /// `getenv('X')`.
    Getenv,
}

/// What a framework makes of a call.
pub enum Answer {
    /// The value.
    Cell(Cell),
    /// What the closure given as this argument returns, in place of a variable that is not there.
    Default(usize),
}

/// What the framework around the file knows.
pub trait Host {
    /// A variable of the environment.
    fn variable(&self, place: Place, name: &str) -> Option<Cell>;
    /// A function that PHP itself does not have (`env`, `base_path`).
    fn call(&self, name: &str, args: &[Cell], here: &Source) -> Option<Answer>;
    /// Files for `require`.
    fn files(&self) -> &dyn Files;
    /// The project's directory, for names in sources.
    fn base(&self) -> &Path;
}

type Scope = HashMap<String, Cell>;

enum Flow {
    Next,
    Return(Cell),
    /// Cannot be followed any further, and why.
    Stop(Rc<str>),
}

/// One evaluation: a file and what it includes.
pub(super) struct Evaluator<'a> {
    pub(super) host: &'a dyn Host,
    file: PathBuf,
    name: String,
    functions: HashMap<String, Rc<Function>>,
    constants: HashMap<String, Cell>,
    /// Variables that the file itself sets with `putenv` or in a superglobal.
    written: HashMap<String, Cell>,
    written_unknown: Option<Rc<str>>,
    steps: usize,
    /// Of all values so far.
    weight: usize,
    closures: usize,
    calls: usize,
    includes: usize,
    /// Whether names that are not set may be set elsewhere (one expression out of a file).
    open_scope: bool,
}

/// The value that a file returns.
///
/// # Errors
/// Where the file cannot be read.
pub fn file(path: &Path, host: &dyn Host) -> Result<Cell, FileError> {
    let text = host.files().read_text(path)?;
    let mut evaluator = Evaluator::new(path, host);
    let mut scope = Scope::new();
    Ok(evaluator.run_file(&text, &mut scope))
}

/// The value of PHP source that stands in no file of the project (a framework's own defaults).
pub fn text(source: &str, path: &Path, host: &dyn Host) -> Cell {
    Evaluator::new(path, host).run_file(source, &mut Scope::new())
}

/// The value of one expression of a file; its variables are not known.
pub fn expression(path: &Path, expr: &Expr, host: &dyn Host) -> Cell {
    let mut evaluator = Evaluator::new(path, host);
    evaluator.open_scope = true;
    evaluator.eval(expr, &mut Scope::new())
}

impl<'a> Evaluator<'a> {
    fn new(path: &Path, host: &'a dyn Host) -> Self {
        Evaluator {
            host,
            file: path.to_owned(),
            name: shown(path, host.base()),
            functions: HashMap::new(),
            constants: HashMap::new(),
            written: HashMap::new(),
            written_unknown: None,
            steps: 0,
            weight: 0,
            closures: 0,
            calls: 0,
            includes: 0,
            open_scope: false,
        }
    }

    fn run_file(&mut self, text: &str, scope: &mut Scope) -> Cell {
        let statements = parser::file(text);
        self.hoist(&statements);
        match self.run(&statements, scope) {
            Flow::Return(cell) => cell,
            Flow::Stop(why) => Cell::new(Val::Unknown(why), self.here(1)),
            // A file without `return` returns 1.
            Flow::Next => Cell::new(Val::Int(1), self.here(1)),
        }
    }

    fn hoist(&mut self, statements: &[Stmt]) {
        for statement in statements {
            match statement {
                Stmt::Function(name, function) => {
                    self.functions
                        .insert(name.to_ascii_lowercase(), function.clone());
                }
                Stmt::Block(body) => self.hoist(body),
                Stmt::If(_, then, other) => {
                    self.hoist(then);
                    self.hoist(other);
                }
                _ => {}
            }
        }
    }

    pub(super) fn here(&self, line: usize) -> Source {
        Source::project_file(&self.name, line)
    }

    fn why(&self, line: usize, what: &str) -> Rc<str> {
        format!("{what} at {}:{line}", self.name).into()
    }

    pub(super) fn unknown(&self, line: usize, what: &str) -> Cell {
        Cell::new(Val::Unknown(self.why(line, what)), self.here(line))
    }

    fn literal(&self, val: Val, line: usize) -> Cell {
        Cell::new(val, self.here(line))
    }

    // ---- statements ----

    fn run(&mut self, statements: &[Stmt], scope: &mut Scope) -> Flow {
        for statement in statements {
            self.steps += 1;
            if self.steps > MAX_STEPS || self.weight > MAX_WEIGHT {
                return Flow::Stop(TOO_MUCH.into());
            }
            match self.statement(statement, scope) {
                Flow::Next => {}
                flow => return flow,
            }
        }
        Flow::Next
    }

    fn statement(&mut self, statement: &Stmt, scope: &mut Scope) -> Flow {
        match statement {
            Stmt::Expr(expr) if matches!(expr.kind, Kind::Exit) => {
                return Flow::Stop(self.why(expr.line, "the file may stop the command"));
            }
            Stmt::Expr(expr) => {
                self.eval(expr, scope);
            }
            Stmt::Return(Some(expr), _) => return Flow::Return(self.eval(expr, scope)),
            Stmt::Return(None, line) => return Flow::Return(self.literal(Val::Null, *line)),
            Stmt::If(condition, then, other) => return self.branch(condition, then, other, scope),
            Stmt::Foreach(subject, key, value, body) => {
                return self.foreach(subject, key.as_ref(), value, body, scope);
            }
            Stmt::Block(body) => return self.run(body, scope),
            Stmt::Other(what, line, heads, body) => {
                let why = self.why(*line, &format!("a `{what}` is not followed"));
                let mut returns = false;
                returns_in(body, &mut returns);
                if returns {
                    return Flow::Stop(why);
                }
                let mut forget = |e: &Expr| forget_assigned(e, scope, &why);
                heads.iter().for_each(|e| e.walk(&mut forget));
                walk(body, &mut forget);
            }
            Stmt::Unset(list) => {
                for expr in list {
                    self.unset(expr, scope);
                }
            }
            Stmt::Const(name, expr) => {
                let value = self.eval(expr, scope);
                self.constants.insert(name.clone(), value);
            }
            Stmt::Unknown(line) => {
                return Flow::Stop(self.why(*line, "syntax that is not followed"));
            }
            Stmt::Function(..) | Stmt::Class(_) | Stmt::Use(..) => {}
        }
        Flow::Next
    }

    fn branch(
        &mut self,
        condition: &Expr,
        then: &[Stmt],
        other: &[Stmt],
        scope: &mut Scope,
    ) -> Flow {
        let cond = self.eval(condition, scope);
        match cond.val.truth() {
            Some(true) => return self.run(then, scope),
            Some(false) => return self.run(other, scope),
            None => {}
        }
        let why: Rc<str> = cond.why_unknown().unwrap_or("an unknown condition").into();
        let mut second = scope.clone();
        let first_flow = self.run(then, scope);
        let second_flow = self.run(other, &mut second);
        match (first_flow, second_flow) {
            (Flow::Next, Flow::Next) => {
                *scope = merged(scope, &second, &why);
                Flow::Next
            }
            (Flow::Return(a), Flow::Return(b)) => Flow::Return(a.merged(&b, &why)),
            _ => Flow::Stop(why),
        }
    }

    fn foreach(
        &mut self,
        subject: &Expr,
        key: Option<&Expr>,
        value: &Expr,
        body: &[Stmt],
        scope: &mut Scope,
    ) -> Flow {
        let subject_cell = self.eval(subject, scope);
        let entries: Vec<(Key, Cell)> = match &subject_cell.val {
            Val::Array(array) if array.why_open().is_none() && array.len() <= MAX_ROUNDS => {
                array.iter().map(|(k, c)| (k.clone(), c.clone())).collect()
            }
            _ => {
                let why = self.why(subject.line, "a loop over something unknown");
                let mut returns = false;
                returns_in(body, &mut returns);
                if returns {
                    return Flow::Stop(why);
                }
                walk(body, &mut |e| forget_assigned(e, scope, &why));
                return Flow::Next;
            }
        };
        for (k, cell) in entries {
            self.assign(value, cell, scope);
            if let Some(key) = key {
                let k = match k {
                    Key::Int(n) => Val::Int(n),
                    Key::Str(s) => Val::Str(s),
                };
                let k = self.literal(k, subject.line);
                self.assign(key, k, scope);
            }
            match self.run(body, scope) {
                Flow::Next => {}
                flow => return flow,
            }
        }
        Flow::Next
    }

    fn unset(&mut self, expr: &Expr, scope: &mut Scope) {
        match &expr.kind {
            Kind::Var(name) => {
                scope.remove(name);
            }
            Kind::Index(base, Some(key)) => {
                let key = self.eval(key, scope);
                let mut cell = self.eval(base, scope);
                match (&mut cell.val, key.val.text()) {
                    (Val::Array(array), Some(key)) => Rc::make_mut(array).remove(&Key::of(&key)),
                    _ => cell = self.unknown(expr.line, "an unset"),
                }
                self.assign(base, cell, scope);
            }
            _ => {}
        }
    }

    // ---- expressions ----

    pub(super) fn eval(&mut self, expr: &Expr, scope: &mut Scope) -> Cell {
        self.steps += 1;
        if self.steps > MAX_STEPS || self.weight > MAX_WEIGHT {
            return self.unknown(expr.line, TOO_MUCH);
        }
        let cell = self.eval_kind(expr, scope);
        self.weight += cell.val.weight();
        cell
    }

    fn eval_kind(&mut self, expr: &Expr, scope: &mut Scope) -> Cell {
        let line = expr.line;
        match &expr.kind {
            Kind::Int(n) => self.literal(Val::Int(*n), line),
            Kind::Float(f) => self.literal(Val::Float(*f), line),
            Kind::Str(s) => self.literal(Val::Str(s.clone()), line),
            Kind::Template(pieces) => self.template(pieces, line, scope),
            Kind::Array(items) => self.array(items, line, scope),
            Kind::Var(name) => self.variable(name, line, scope),
            Kind::Index(base, Some(key)) => self.index(base, key, line, scope),
            Kind::Const(name) => self.constant(name, line),
            Kind::ClassConst(class, name) if name == "class" => {
                self.literal(Val::Str(class.trim_start_matches('\\').to_owned()), line)
            }
            Kind::Call(name, args) => self.call(name, args, line, scope),
            Kind::CallValue(on, args) => {
                let on = self.eval(on, scope);
                let args = self.args(args, scope);
                match &on.val {
                    Val::Closure(function, captured) => {
                        self.invoke(&function.clone(), args, captured, line)
                    }
                    _ => self.unknown(line, "a call"),
                }
            }
            Kind::StaticCall(class, name, args)
                if name == "get" && class.ends_with("Support\\Env") =>
            {
                self.call("env", args, line, scope)
            }
            Kind::StaticCall(class, name, args) => {
                let args = self.args(args, scope);
                match builtins::helper(class, name, &args) {
                    Some(val) => derived(&args, val, self.here(line)),
                    None => self.unknown(line, &format!("a call of {class}::{name}()")),
                }
            }
            Kind::Closure(function) => {
                self.closures += 1;
                if self.closures > MAX_CLOSURES {
                    return self.unknown(line, "too many closures");
                }
                let captured: Scope = if function.arrow {
                    scope.clone()
                } else {
                    function
                        .uses
                        .iter()
                        .filter_map(|n| Some((n.clone(), scope.get(n)?.clone())))
                        .collect()
                };
                self.literal(Val::Closure(function.clone(), Rc::new(captured)), line)
            }
            Kind::Unary(op, on) => self.unary(op, on, line, scope),
            Kind::Binary(op, left, right) => self.binary(op, left, right, line, scope),
            Kind::Assign(op, place, value) => self.assignment(op, place, value, line, scope),
            Kind::Ternary(condition, then, other) => {
                self.ternary(condition, then.as_deref(), other, scope)
            }
            Kind::Cast(to, on) => self.cast(to, on, line, scope),
            Kind::Isset(list) => self.isset(list, line, scope),
            Kind::Empty(on) => {
                let cell = self.quiet(on, scope);
                match cell.val.truth() {
                    Some(truth) => cell.with(Val::Bool(!truth)),
                    None => cell,
                }
            }
            Kind::Include(required, path) => self.include(*required, path, line, scope),
            Kind::Match(subject, arms) => self.matching(subject, arms, line, scope),
            Kind::Exit => self.unknown(line, "the file may stop the command"),
            Kind::Unknown(what) => self.unknown(line, what),
            Kind::Index(_, None) => self.unknown(line, "syntax"),
            Kind::ClassConst(class, name) => self.unknown(line, &format!("{class}::{name}")),
            Kind::Property(..) | Kind::StaticProperty(..) => self.unknown(line, "a property"),
            Kind::Method(_, name, _) => self.unknown(line, &format!("a call of ->{name}()")),
            Kind::New(class, _) => self.unknown(line, &format!("new {class}")),
            Kind::NewClass(_) => self.unknown(line, "a class"),
        }
    }

    fn template(&mut self, pieces: &[Piece], line: usize, scope: &mut Scope) -> Cell {
        let mut parts = Vec::new();
        for piece in pieces {
            parts.push(match piece {
                Piece::Text(text) => self.literal(Val::Str(text.clone()), line),
                Piece::Var(name) => self.variable(name, line, scope),
                Piece::Index(name, key) => {
                    let base = self.variable(name, line, scope);
                    match key.strip_prefix('$') {
                        Some(variable) => {
                            let key = self.variable(variable, line, scope);
                            self.element(&base, &key, line)
                        }
                        None => {
                            let key = self.literal(Val::Str(key.clone()), line);
                            self.element(&base, &key, line)
                        }
                    }
                }
                Piece::Code(expr) => self.eval(expr, scope),
                Piece::Unknown => self.unknown(line, "a string"),
            });
        }
        let mut out = String::new();
        for part in &parts {
            match part.val.text() {
                Some(text) => out.push_str(&text),
                None => return self.spoiled(part, line),
            }
        }
        derived(&parts, Val::Str(out), self.here(line))
    }

    /// An unknown that comes from this operand.
    fn spoiled(&self, operand: &Cell, line: usize) -> Cell {
        match &operand.val {
            Val::Unknown(why) => Cell::new(Val::Unknown(why.clone()), operand.source.clone()),
            _ => self.unknown(line, "an array or closure used as text"),
        }
    }

    fn array(&mut self, items: &[Item], line: usize, scope: &mut Scope) -> Cell {
        let mut array = Array::default();
        for item in items {
            let value = self.eval(&item.value, scope);
            if item.spread {
                spread(
                    &mut array,
                    &value,
                    &self.why(line, "a spread of something unknown"),
                );
                continue;
            }
            let Some(key) = &item.key else {
                array.push(value);
                continue;
            };
            match self.key(key, scope) {
                Ok(key) => array.set(key, value),
                Err(why) => array.poison(&why),
            }
        }
        self.literal(Val::Array(Rc::new(array)), line)
    }

    /// A key. Class constants are numbers of some extension or names in a list of their own: they
    /// stand for themselves, as they never are the plain words that matter here.
    fn key(&mut self, expr: &Expr, scope: &mut Scope) -> Result<Key, Rc<str>> {
        if let Kind::ClassConst(class, name) = &expr.kind
            && name != "class"
            && class
                .trim_start_matches('\\')
                .to_ascii_lowercase()
                .starts_with("pdo")
        {
            return Ok(Key::Str(format!("{class}::{name}")));
        }
        let cell = self.eval(expr, scope);
        match &cell.val {
            Val::Int(n) => Ok(Key::Int(*n)),
            Val::Bool(b) => Ok(Key::Int(i64::from(*b))),
            Val::Unknown(why) => Err(why.clone()),
            other => other
                .text()
                .map(|t| Key::of(&t))
                .ok_or_else(|| self.why(expr.line, "a key")),
        }
    }

    fn variable(&mut self, name: &str, line: usize, scope: &Scope) -> Cell {
        match scope.get(name) {
            Some(cell) => cell.clone(),
            None if matches!(
                name,
                "this"
                    | "GLOBALS"
                    | "_GET"
                    | "_POST"
                    | "_REQUEST"
                    | "_COOKIE"
                    | "_ENV"
                    | "_SERVER"
                    | "argv"
                    | "argc"
                    | "app"
            ) =>
            {
                self.unknown(line, &format!("${name}"))
            }
            None if self.open_scope => self.unknown(line, &format!("${name}")),
            None => self.literal(Val::Null, line),
        }
    }

    fn index(&mut self, base: &Expr, key: &Expr, line: usize, scope: &mut Scope) -> Cell {
        if let Kind::Var(name) = &base.kind
            && let Some(place) = superglobal(name)
        {
            let key = self.eval(key, scope);
            return match key.val.text() {
                Some(name) => self
                    .environment(place, &name, line)
                    .unwrap_or_else(|| self.literal(Val::Null, line)),
                None => self.spoiled(&key, line),
            };
        }
        let base = self.eval(base, scope);
        let key = self.eval(key, scope);
        self.element(&base, &key, line)
    }

    fn element(&self, base: &Cell, key: &Cell, line: usize) -> Cell {
        let Some(key_text) = key.val.text() else {
            return self.spoiled(key, line);
        };
        match &base.val {
            Val::Array(array) => match array.get(&Key::of(&key_text)) {
                Found::Yes(cell) => cell.clone(),
                Found::No => Cell::new(Val::Null, self.here(line)),
                Found::Unknown(why) => Cell::new(Val::Unknown(why), self.here(line)),
            },
            Val::Str(text) => match key.val.int().and_then(|n| usize::try_from(n).ok()) {
                Some(at) if text.is_ascii() && at < text.len() => {
                    base.with(Val::Str(text[at..=at].to_owned()))
                }
                _ => self.unknown(line, "a character of a string"),
            },
            Val::Unknown(_) => base.clone(),
            _ => base.with(Val::Null),
        }
    }

    /// A variable of the environment, the file's own writes first.
    pub(super) fn environment(&mut self, place: Place, name: &str, line: usize) -> Option<Cell> {
        if let Some(why) = &self.written_unknown {
            return Some(Cell::new(Val::Unknown(why.clone()), self.here(line)));
        }
        self.written
            .get(name)
            .cloned()
            .or_else(|| self.host.variable(place, name))
    }

    fn constant(&mut self, name: &str, line: usize) -> Cell {
        let bare = name.trim_start_matches('\\');
        let dir = || {
            self.file
                .parent()
                .unwrap_or(Path::new("/"))
                .display()
                .to_string()
        };
        let val = match bare.to_ascii_lowercase().as_str() {
            "true" => Val::Bool(true),
            "false" => Val::Bool(false),
            "null" => Val::Null,
            "__dir__" => Val::Str(dir()),
            "__file__" => Val::Str(self.file.display().to_string()),
            "__line__" => Val::Int(i64::try_from(line).unwrap_or(0)),
            "directory_separator" => Val::Str("/".into()),
            "php_eol" => Val::Str("\n".into()),
            "php_sapi" => Val::Str("cli".into()),
            "php_os" | "php_os_family" => Val::Str("Linux".into()),
            "php_int_max" => Val::Int(i64::MAX),
            "filter_validate_bool" | "filter_validate_boolean" => Val::Int(258),
            _ => match self.constants.get(bare) {
                Some(cell) => return cell.clone(),
                None => return self.unknown(line, &format!("the constant {bare}")),
            },
        };
        self.literal(val, line)
    }

    fn unary(&mut self, op: &str, on: &Expr, line: usize, scope: &mut Scope) -> Cell {
        let cell = self.eval(on, scope);
        match op {
            "!" => match cell.val.truth() {
                Some(truth) => cell.with(Val::Bool(!truth)),
                None => self.spoiled(&cell, line),
            },
            "-" => match &cell.val {
                Val::Float(f) => cell.with(Val::Float(-f)),
                Val::Unknown(_) => cell,
                other => match other.int() {
                    Some(n) => cell.with(Val::Int(n.wrapping_neg())),
                    None => self.unknown(line, "a sign"),
                },
            },
            _ => self.unknown(line, "an operator"),
        }
    }

    fn binary(
        &mut self,
        op: &str,
        left: &Expr,
        right: &Expr,
        line: usize,
        scope: &mut Scope,
    ) -> Cell {
        match op {
            "??" => {
                let first = self.quiet(left, scope);
                return match &first.val {
                    Val::Null => self.fallback(&first, right, scope),
                    Val::Unknown(_) => {
                        let other = self.eval(right, scope);
                        first.merged(&other, &first.why_unknown().unwrap_or("unknown").into())
                    }
                    _ => self.beats(first, right),
                };
            }
            "&&" | "and" | "||" | "or" => {
                let stops_at = matches!(op, "||" | "or");
                let first = self.eval(left, scope);
                if first.val.truth() == Some(stops_at) {
                    return first.with(Val::Bool(stops_at));
                }
                let second = self.eval(right, scope);
                return match (first.val.truth(), second.val.truth()) {
                    (Some(_), Some(b)) => derived(&[first, second], Val::Bool(b), self.here(line)),
                    (None, Some(b)) if b == stops_at => second.with(Val::Bool(b)),
                    (None, _) => self.spoiled(&first, line),
                    (_, None) => self.spoiled(&second, line),
                };
            }
            _ => {}
        }
        let a = self.eval(left, scope);
        let b = self.eval(right, scope);
        if op == "+" && matches!((&a.val, &b.val), (Val::Array(_), Val::Array(_))) {
            return union(&a, &b);
        }
        match builtins::operate(op, &a.val, &b.val) {
            Some(val) => derived(&[a, b], val, self.here(line)),
            None if matches!(a.val, Val::Unknown(_)) => self.spoiled(&a, line),
            None => self.spoiled(&b, line),
        }
    }

    /// A value that won over a default that stands here.
    fn beats(&self, mut cell: Cell, default: &Expr) -> Cell {
        if cell.source.kind() != SourceKind::ProjectFile {
            cell.beat.push(self.here(default.line));
        }
        cell
    }

    /// The default in place of something that is not there.
    fn fallback(&mut self, missing: &Cell, default: &Expr, scope: &mut Scope) -> Cell {
        let mut cell = self.eval(default, scope);
        cell.source = weightier(&cell.source, &missing.source).clone();
        cell
    }

    fn ternary(
        &mut self,
        condition: &Expr,
        then: Option<&Expr>,
        other: &Expr,
        scope: &mut Scope,
    ) -> Cell {
        let cond = self.eval(condition, scope);
        match (cond.val.truth(), then) {
            (Some(true), None) => self.beats(cond, other),
            (Some(true), Some(then)) => self.chosen(&cond, then, scope),
            (Some(false), _) => self.chosen(&cond, other, scope),
            (None, then) => {
                let why: Rc<str> = cond.why_unknown().unwrap_or("an unknown condition").into();
                let first = match then {
                    Some(then) => self.eval(then, scope),
                    None => cond.clone(),
                };
                let second = self.eval(other, scope);
                first.merged(&second, &why)
            }
        }
    }

    /// A branch, whose value also comes from what chose it.
    fn chosen(&mut self, cond: &Cell, branch: &Expr, scope: &mut Scope) -> Cell {
        let mut cell = self.eval(branch, scope);
        let outside = !matches!(
            cond.source.kind(),
            SourceKind::ProjectFile | SourceKind::Default
        );
        if outside
            && matches!(
                cell.source.kind(),
                SourceKind::ProjectFile | SourceKind::Default
            )
        {
            let here = self.here(branch.line);
            cell.beat.push(here.clone());
            cell.source = cond.source.with_note(&format!("chose {here}"));
        }
        cell
    }

    fn cast(&mut self, to: &str, on: &Expr, line: usize, scope: &mut Scope) -> Cell {
        let cell = self.eval(on, scope);
        if matches!(cell.val, Val::Unknown(_)) {
            return cell;
        }
        let val = match to {
            "int" => cell.val.int().map(Val::Int),
            "string" => cell.val.text().map(Val::Str),
            "bool" => cell.val.truth().map(Val::Bool),
            "array" => match &cell.val {
                Val::Array(_) => return cell,
                Val::Null => Some(Val::Array(Rc::default())),
                _ => {
                    let mut array = Array::default();
                    array.push(cell.clone());
                    Some(Val::Array(Rc::new(array)))
                }
            },
            "float" => match &cell.val {
                Val::Float(f) => Some(Val::Float(*f)),
                other => other
                    .text()
                    .and_then(|t| super::value::number(&t))
                    .map(Val::Float),
            },
            _ => None,
        };
        match val {
            Some(val) => cell.with(val),
            None => self.unknown(line, "a cast"),
        }
    }

    /// A value that may be missing without a warning.
    fn quiet(&mut self, expr: &Expr, scope: &mut Scope) -> Cell {
        self.eval(expr, scope)
    }

    fn isset(&mut self, list: &[Expr], line: usize, scope: &mut Scope) -> Cell {
        let mut last = self.literal(Val::Bool(true), line);
        for expr in list {
            let cell = self.quiet(expr, scope);
            match cell.val {
                Val::Null => return cell.with(Val::Bool(false)),
                Val::Unknown(_) => return cell,
                _ => last = cell.with(Val::Bool(true)),
            }
        }
        last
    }

    fn matching(
        &mut self,
        subject: &Expr,
        arms: &[(Vec<Expr>, Expr)],
        line: usize,
        scope: &mut Scope,
    ) -> Cell {
        let subject = self.eval(subject, scope);
        let mut default = None;
        for (conditions, result) in arms {
            if conditions.is_empty() {
                default = Some(result);
            }
            for condition in conditions {
                let condition = self.eval(condition, scope);
                match subject.val.identical(&condition.val) {
                    Some(true) => return self.chosen(&subject, result, scope),
                    Some(false) => {}
                    None => return self.spoiled(&subject, line),
                }
            }
        }
        match default {
            Some(result) => self.chosen(&subject, result, scope),
            None => self.unknown(line, "a match without an arm that fits"),
        }
    }

    fn include(&mut self, required: bool, path: &Expr, line: usize, scope: &mut Scope) -> Cell {
        let path = self.eval(path, scope);
        let Some(text) = path.val.text() else {
            return self.spoiled(&path, line);
        };
        self.includes += 1;
        if self.includes > MAX_INCLUDES {
            return self.unknown(line, "too many files include each other");
        }
        // A relative name is looked up on the include path, of which this is the last part.
        let target =
            crate::files::lexical(&self.file.parent().unwrap_or(Path::new("/")).join(&text));
        let Ok(source) = self.host.files().read_text(&target) else {
            let missing = !self.host.files().exists(&target);
            return if required || !missing {
                self.unknown(
                    line,
                    &format!("{} cannot be read", shown(&target, self.host.base())),
                )
            } else {
                self.literal(Val::Bool(false), line)
            };
        };
        if !text.starts_with('/') {
            return self.unknown(line, "a relative path of an include");
        }
        let file = std::mem::replace(&mut self.file, target.clone());
        let name = std::mem::replace(&mut self.name, shown(&target, self.host.base()));
        let value = self.run_file(&source, scope);
        self.file = file;
        self.name = name;
        value
    }

    // ---- assignments ----

    fn assignment(
        &mut self,
        op: &str,
        place: &Expr,
        value: &Expr,
        line: usize,
        scope: &mut Scope,
    ) -> Cell {
        let cell = match op {
            "=" => self.eval(value, scope),
            "??=" => {
                let old = self.quiet(place, scope);
                match &old.val {
                    Val::Null => self.eval(value, scope),
                    _ => old,
                }
            }
            _ => self.binary(op.trim_end_matches('='), place, value, line, scope),
        };
        self.assign(place, cell.clone(), scope);
        cell
    }

    fn assign(&mut self, place: &Expr, cell: Cell, scope: &mut Scope) {
        match &place.kind {
            Kind::Var(name) => {
                scope.insert(name.clone(), cell);
            }
            Kind::Index(base, key) => {
                if let Kind::Var(name) = &base.kind
                    && superglobal(name).is_some()
                {
                    let name = key.as_ref().and_then(|k| self.eval(k, scope).val.text());
                    return self.write_environment(name, cell, place.line);
                }
                let mut array_cell = self.eval(base, scope);
                if matches!(array_cell.val, Val::Null) {
                    array_cell = self.literal(Val::Array(Rc::default()), place.line);
                }
                let key = key.as_ref().map(|k| self.key(k, scope));
                if let Val::Array(array) = &mut array_cell.val {
                    let array = Rc::make_mut(array);
                    match key {
                        None => array.push(cell),
                        Some(Ok(key)) => array.set(key, cell),
                        Some(Err(why)) => array.poison(&why),
                    }
                }
                self.assign(base, array_cell, scope);
            }
            Kind::Array(items) => {
                for (n, item) in items.iter().enumerate() {
                    let key = match &item.key {
                        Some(key) => self.eval(key, scope),
                        None => self.literal(Val::Int(i64::try_from(n).unwrap_or(0)), place.line),
                    };
                    let element = self.element(&cell, &key, place.line);
                    self.assign(&item.value, element, scope);
                }
            }
            _ => {}
        }
    }

    fn write_environment(&mut self, name: Option<String>, cell: Cell, line: usize) {
        match name {
            Some(name) => {
                self.written.insert(name, cell);
            }
            None => self.written_unknown = Some(self.why(line, "a variable is written")),
        }
    }

    // ---- calls ----

    fn args(&mut self, items: &[Item], scope: &mut Scope) -> Vec<Cell> {
        let mut out = Vec::new();
        for item in items {
            let cell = self.eval(&item.value, scope);
            match (&cell.val, item.spread) {
                (Val::Array(array), true) if array.why_open().is_none() => {
                    out.extend(array.iter().map(|(_, c)| c.clone()));
                }
                (_, true) => out.push(self.unknown(item.value.line, "spread arguments")),
                // `env(key: 'X', default: 'y')`: the order of the names is the usual one.
                _ => out.push(cell),
            }
        }
        out
    }

    fn call(&mut self, name: &str, items: &[Item], line: usize, scope: &mut Scope) -> Cell {
        let lower = name.trim_start_matches('\\').to_ascii_lowercase();
        let bare = lower.rsplit('\\').next().unwrap_or(&lower);
        if matches!(bare, "extract" | "parse_str" | "eval") {
            if let ("extract", [item]) = (bare, items)
                && let Val::Array(array) = self.eval(&item.value, scope).val
                && array.why_open().is_none()
            {
                let count = i64::try_from(array.len()).unwrap_or(i64::MAX);
                scope.extend(array.iter().map(|(k, c)| (k.text(), c.clone())));
                return self.literal(Val::Int(count), line);
            }
            let why = self.why(line, &format!("a call of {bare}()"));
            for cell in scope.values_mut() {
                cell.val = Val::Unknown(why.clone());
            }
            self.open_scope = true;
            return self.unknown(line, &format!("a call of {bare}()"));
        }
        let named = items.iter().any(|i| i.key.is_some());
        let args = self.args(items, scope);
        if bare == "compact" {
            return self.compact(&args, line, scope);
        }
        if let Some(function) = self.functions.get(bare).cloned() {
            return self.invoke(&function, args, &Scope::new(), line);
        }
        if named && bare != "env" {
            return self.unknown(line, "named arguments");
        }
        if let Some(cell) = self.special(bare, &args, line) {
            return cell;
        }
        let here = self.here(line);
        match self.host.call(bare, &args, &here) {
            Some(Answer::Cell(cell)) => return cell,
            Some(Answer::Default(at)) => return self.default_value(args.get(at), line),
            None => {}
        }
        if let Some(val) = builtins::function(bare, &args) {
            return derived(&args, val, here);
        }
        // A function that is not known may write to what it is given.
        let why = self.why(line, &format!("a call of {bare}()"));
        if !builtins::is_pure(bare) {
            for item in items {
                forget_place(&item.value, scope, &why);
            }
        }
        let unknown_argument = args.iter().find(|a| matches!(a.val, Val::Unknown(_)));
        match unknown_argument {
            Some(argument) if builtins::is_pure(bare) => self.spoiled(argument, line),
            _ => self.unknown(line, &format!("a call of {bare}()")),
        }
    }

    /// `compact('a', 'b')`.
    fn compact(&mut self, names: &[Cell], line: usize, scope: &Scope) -> Cell {
        let mut array = Array::default();
        for name in names {
            let Val::Str(name) = &name.val else {
                return self.unknown(line, "a call of compact()");
            };
            let cell = self.variable(name, line, scope);
            if scope.contains_key(name) || matches!(cell.val, Val::Unknown(_)) {
                array.set(Key::Str(name.clone()), cell);
            }
        }
        self.literal(Val::Array(Rc::new(array)), line)
    }

    /// `value($default)` of the framework.
    fn default_value(&mut self, default: Option<&Cell>, line: usize) -> Cell {
        let Some(cell) = default else {
            return self.literal(Val::Null, line);
        };
        let mut out = match &cell.val {
            Val::Closure(function, captured) => {
                self.invoke(&function.clone(), Vec::new(), captured, line)
            }
            _ => cell.clone(),
        };
        if out.source.kind() == SourceKind::ProjectFile && !out.source.text().ends_with(" default")
        {
            out.source = Source::new(
                SourceKind::ProjectFile,
                format!("{} default", out.source.text()),
            );
        }
        out
    }

    /// Functions that see the environment, the files or call back.
    fn special(&mut self, name: &str, args: &[Cell], line: usize) -> Option<Cell> {
        let first = args.first();
        let text = first.and_then(|a| a.val.text());
        Some(match name {
            "getenv" => match (first, text) {
                (Some(_), Some(name)) => self
                    .environment(Place::Getenv, &name, line)
                    .unwrap_or_else(|| self.literal(Val::Bool(false), line)),
                _ => self.unknown(line, "getenv() of something unknown"),
            },
            "env" if self.written_unknown.is_some() => self.environment(Place::Server, "", line)?,
            "env" if text.as_ref().is_some_and(|n| self.written.contains_key(n)) => {
                self.written.get(&text?)?.clone()
            }
            "putenv" => {
                let pair =
                    text.and_then(|t| t.split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned())));
                let here = self.here(line);
                match pair {
                    Some((name, value)) => {
                        self.write_environment(Some(name), Cell::new(Val::Str(value), here), line)
                    }
                    None => self.write_environment(None, self.unknown(line, "putenv()"), line),
                }
                self.literal(Val::Bool(true), line)
            }
            "define" => {
                let value = args.get(1)?.clone();
                self.constants.insert(text?, value);
                self.literal(Val::Bool(true), line)
            }
            "defined" => {
                let known = self.constants.contains_key(&text?);
                if known {
                    self.literal(Val::Bool(true), line)
                } else {
                    return None;
                }
            }
            "constant" => self.constants.get(&text?)?.clone(),
            "file_exists" | "is_file" | "is_readable" | "is_dir" | "realpath" => {
                self.file_question(name, first?, line)
            }
            "file_get_contents" if args.len() == 1 => {
                let path = text.filter(|t| t.starts_with('/'))?;
                let path = Path::new(&path);
                let read = self.host.files().read_text(path).ok()?;
                let name = shown(path, self.host.base());
                Cell::new(Val::Str(read), Source::project_file(&name, 1))
            }
            "call_user_func" | "value" | "tap" if matches!(first?.val, Val::Closure(..)) => {
                let Val::Closure(function, captured) = &first?.val else {
                    return None;
                };
                self.invoke(&function.clone(), args[1..].to_vec(), captured, line)
            }
            "value" => first?.clone(),
            "array_map" => self.map(first?, args.get(1)?, line),
            "array_filter" => self.filter(first?, args, line),
            "function_exists" => {
                let known = self.functions.contains_key(&text?.to_ascii_lowercase());
                if known {
                    self.literal(Val::Bool(true), line)
                } else {
                    return None;
                }
            }
            _ => return None,
        })
    }

    fn file_question(&mut self, name: &str, path: &Cell, line: usize) -> Cell {
        let Some(text) = path.val.text() else {
            return self.spoiled(path, line);
        };
        if !text.starts_with('/') {
            return self.unknown(line, "a question about a relative path");
        }
        let target = Path::new(&text);
        let files = self.host.files();
        let val = match name {
            "is_file" => Val::Bool(files.is_file(target)),
            "is_dir" => Val::Bool(files.is_dir(target)),
            "realpath" => match files.real_path(target) {
                Some(path) => Val::Str(path.display().to_string()),
                None => Val::Bool(false),
            },
            _ => Val::Bool(files.exists(target)),
        };
        path.with(val)
    }

    fn map(&mut self, callback: &Cell, list: &Cell, line: usize) -> Cell {
        let Val::Array(array) = &list.val else {
            return self.unknown(line, "array_map()");
        };
        let mut out = Array::default();
        for (key, cell) in array.iter() {
            let value = match &callback.val {
                Val::Closure(function, captured) => {
                    self.invoke(&function.clone(), vec![cell.clone()], captured, line)
                }
                Val::Str(name) => match builtins::function(name, std::slice::from_ref(cell)) {
                    Some(val) => cell.with(val),
                    None => self.unknown(line, "array_map()"),
                },
                _ => self.unknown(line, "array_map()"),
            };
            out.set(key.clone(), value);
        }
        if let Some(why) = array.why_open() {
            out.open(why);
        }
        list.with(Val::Array(Rc::new(out)))
    }

    fn filter(&mut self, list: &Cell, args: &[Cell], line: usize) -> Cell {
        let Val::Array(array) = &list.val else {
            return self.spoiled(list, line);
        };
        let mut out = Array::default();
        for (key, cell) in array.iter() {
            let keep = match (args.get(1).map(|a| &a.val), args.len()) {
                (None | Some(Val::Null), _) => cell.val.truth(),
                (Some(Val::Closure(function, captured)), 2) => self
                    .invoke(&function.clone(), vec![cell.clone()], captured, line)
                    .val
                    .truth(),
                (Some(Val::Str(name)), 2) => {
                    builtins::function(name, std::slice::from_ref(cell)).and_then(|v| v.truth())
                }
                _ => None,
            };
            match keep {
                Some(true) => out.set(key.clone(), cell.clone()),
                Some(false) => {}
                None => {
                    let why = self.why(line, "array_filter() of something unknown");
                    out.set(key.clone(), cell.with(Val::Unknown(why)));
                }
            }
        }
        if let Some(why) = array.why_open() {
            out.open(why);
        }
        list.with(Val::Array(Rc::new(out)))
    }

    fn invoke(
        &mut self,
        function: &Rc<Function>,
        args: Vec<Cell>,
        captured: &Scope,
        line: usize,
    ) -> Cell {
        if function.odd || self.calls >= MAX_CALLS {
            return self.unknown(line, "a function that is not followed");
        }
        self.calls += 1;
        let mut scope = captured.clone();
        let mut given = args.into_iter();
        for (name, default) in &function.params {
            let cell = match (given.next(), default) {
                (Some(cell), _) => cell,
                (None, Some(default)) => self.eval(default, &mut scope),
                (None, None) => self.unknown(line, "a missing argument"),
            };
            scope.insert(name.clone(), cell);
        }
        let flow = self.run(&function.body, &mut scope);
        self.calls -= 1;
        match flow {
            Flow::Return(cell) => cell,
            Flow::Next => self.literal(Val::Null, line),
            Flow::Stop(why) => Cell::new(Val::Unknown(why), self.here(line)),
        }
    }
}

fn superglobal(name: &str) -> Option<Place> {
    match name {
        "_ENV" => Some(Place::Env),
        "_SERVER" => Some(Place::Server),
        _ => None,
    }
}

/// A value made from several, with the source that matters most.
pub(super) fn derived(from: &[Cell], val: Val, here: Source) -> Cell {
    let mut source = &here;
    for cell in from {
        source = weightier(source, &cell.source);
    }
    let from_env = from.iter().find(|c| c.source == *source);
    // Of equally weighty ones the one from another file is the more telling.
    let other_file = from.iter().find(|c| {
        c.source.kind() == source.kind()
            && c.source.text().split(':').next() != here.text().split(':').next()
    });
    let best = other_file.or(from_env);
    Cell {
        val,
        source: best.map_or(here, |c| c.source.clone()),
        beat: best.map_or_else(Vec::new, |c| c.beat.clone()),
    }
}

fn spread(array: &mut Array, value: &Cell, why: &Rc<str>) {
    match &value.val {
        Val::Array(other) => {
            if let Some(open) = other.why_open() {
                array.poison(open);
            }
            for (key, cell) in other.iter() {
                match key {
                    Key::Int(_) => array.push(cell.clone()),
                    Key::Str(_) => array.set(key.clone(), cell.clone()),
                }
            }
        }
        Val::Unknown(unknown) => array.poison(unknown),
        _ => array.poison(why),
    }
}

/// `$a + $b`.
fn union(a: &Cell, b: &Cell) -> Cell {
    let (Val::Array(x), Val::Array(y)) = (&a.val, &b.val) else {
        return a.clone();
    };
    let mut out = (**x).clone();
    for (key, cell) in y.iter() {
        match x.get(key) {
            Found::Yes(_) => {}
            Found::No => out.set(key.clone(), cell.clone()),
            Found::Unknown(why) => out.set(key.clone(), cell.with(Val::Unknown(why))),
        }
    }
    if let Some(why) = y.why_open() {
        out.open(why);
    }
    a.with(Val::Array(Rc::new(out)))
}

fn merged(a: &Scope, b: &Scope, why: &Rc<str>) -> Scope {
    let mut out = Scope::new();
    for (name, cell) in a {
        let cell = match b.get(name) {
            Some(twin) => cell.merged(twin, why),
            None => cell.with(Val::Unknown(why.clone())),
        };
        out.insert(name.clone(), cell);
    }
    for (name, cell) in b {
        if !a.contains_key(name) {
            out.insert(name.clone(), cell.with(Val::Unknown(why.clone())));
        }
    }
    out
}

/// Whether a `return` stands somewhere in these statements (not in functions inside them).
fn returns_in(statements: &[Stmt], found: &mut bool) {
    for statement in statements {
        match statement {
            Stmt::Return(..) => *found = true,
            Stmt::If(_, then, other) => {
                returns_in(then, found);
                returns_in(other, found);
            }
            Stmt::Foreach(_, _, _, body) | Stmt::Block(body) | Stmt::Other(_, _, _, body) => {
                returns_in(body, found)
            }
            _ => {}
        }
    }
}

/// Makes unknown what this expression writes.
fn forget_assigned(expr: &Expr, scope: &mut Scope, why: &Rc<str>) {
    match &expr.kind {
        Kind::Assign(_, place, _) => forget_place(place, scope, why),
        Kind::Call(_, args) => args.iter().for_each(|a| forget_place(&a.value, scope, why)),
        _ => {}
    }
}

/// Makes the variable below a place unknown.
fn forget_place(place: &Expr, scope: &mut Scope, why: &Rc<str>) {
    match &place.kind {
        Kind::Var(name) => {
            let source = Source::new(SourceKind::ProjectFile, why.to_string());
            scope.insert(name.clone(), Cell::new(Val::Unknown(why.clone()), source));
        }
        Kind::Index(base, _) => forget_place(base, scope, why),
        Kind::Array(items) => items
            .iter()
            .for_each(|i| forget_place(&i.value, scope, why)),
        _ => {}
    }
}
