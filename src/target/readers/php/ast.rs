//! The syntax tree of a PHP file, as far as configuration needs it.

/// How deep expressions and statements may nest; what is deeper is unknown.
pub(super) const MAX_DEPTH: usize = 64;

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Stmt {
    /// An expression for its effect.
    Expr(Expr),
    /// `return`.
    Return(Option<Expr>, usize),
    /// `if`, with its branches; `elseif` is an `if` in the second one.
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    /// `foreach ($subject as $key => $value)`.
    Foreach(Expr, Option<Expr>, Expr, Vec<Stmt>),
    /// A block.
    Block(Vec<Stmt>),
    /// Loops, `switch`, `try`: what stands in them, for searches; not evaluated.
    Other(&'static str, usize, Vec<Expr>, Vec<Stmt>),
    /// A named function.
    Function(String, std::rc::Rc<Function>),
    /// A class, or something like it.
    Class(Class),
    /// `use A\B as C`: the name and what it stands for.
    Use(String, String),
    /// `unset(...)`.
    Unset(Vec<Expr>),
    /// `const NAME = value` at the top.
    Const(String, Expr),
    /// Cannot be read.
    Unknown(usize),
}

/// A class with the members that matter.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Class {
    /// Its name; empty for an anonymous one.
    pub name: String,
    /// What it extends.
    pub parent: Option<String>,
    /// The traits it uses.
    pub traits: Vec<String>,
    /// Properties with their defaults.
    pub properties: Vec<(String, Option<Expr>)>,
    /// Constants.
    pub constants: Vec<(String, Expr)>,
    /// Methods.
    pub methods: Vec<(String, std::rc::Rc<Function>)>,
}

/// A function, method or closure.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Function {
    /// Parameters with their defaults.
    pub params: Vec<(String, Option<Expr>)>,
    /// Whether a parameter is by reference or takes all the rest.
    pub odd: bool,
    /// Names taken from outside (`use ($x)`).
    pub uses: Vec<String>,
    /// The body.
    pub body: Vec<Stmt>,
    /// Whether it is an arrow function, which sees the names outside.
    pub arrow: bool,
}

/// An expression with its line.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: Kind,
    /// The line (from 1) on which it begins.
    pub line: usize,
}

/// An element of an array, or an argument.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The key; for an argument, its name.
    pub key: Option<Expr>,
    /// The value.
    pub value: Expr,
    /// `...`.
    pub spread: bool,
}

/// A part of a string with variables.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// Plain text.
    Text(String),
    /// `$name`.
    Var(String),
    /// `$name[key]`.
    Index(String, String),
    /// `{$expression}`.
    Code(Box<Expr>),
    /// Something else.
    Unknown,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A string.
    Str(String),
    /// A string with variables in it.
    Template(Vec<Piece>),
    /// `[...]` or `array(...)`.
    Array(Vec<Item>),
    /// `$name`.
    Var(String),
    /// `$a[k]`; without a key only as a place to write.
    Index(Box<Expr>, Option<Box<Expr>>),
    /// `$a->b`.
    Property(Box<Expr>, String),
    /// `A::$b`.
    StaticProperty(String, String),
    /// `A::B`.
    ClassConst(String, String),
    /// A constant, `true` and the like included.
    Const(String),
    /// `f(...)`.
    Call(String, Vec<Item>),
    /// `$f(...)`.
    CallValue(Box<Expr>, Vec<Item>),
    /// `$a->f(...)`.
    Method(Box<Expr>, String, Vec<Item>),
    /// `A::f(...)`.
    StaticCall(String, String, Vec<Item>),
    /// `new A(...)`.
    New(String, Vec<Item>),
    /// `new class ... { ... }`.
    NewClass(Box<Class>),
    /// A closure.
    Closure(std::rc::Rc<Function>),
    /// `-a`, `!a`, `+a`, `@a`, `~a`.
    Unary(&'static str, Box<Expr>),
    /// Two operands.
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// `a = b`, `a .= b`.
    Assign(&'static str, Box<Expr>, Box<Expr>),
    /// `a ? b : c`, `a ?: c`.
    Ternary(Box<Expr>, Option<Box<Expr>>, Box<Expr>),
    /// `(int) a`.
    Cast(&'static str, Box<Expr>),
    /// `isset(a, b)`.
    Isset(Vec<Expr>),
    /// `empty(a)`.
    Empty(Box<Expr>),
    /// `include` and its kin: whether a missing file is fatal.
    Include(bool, Box<Expr>),
    /// `match (a) { b, c => d, default => e }`.
    Match(Box<Expr>, Vec<(Vec<Expr>, Expr)>),
    /// `throw`, `exit`, `die`.
    Exit,
    /// Cannot be read or is not followed, and why.
    Unknown(&'static str),
}

impl Expr {
    /// Calls `f` on this expression and every expression below it.
    pub fn walk(&self, f: &mut dyn FnMut(&Expr)) {
        f(self);
        let items = |items: &[Item], f: &mut dyn FnMut(&Expr)| {
            for item in items {
                if let Some(key) = &item.key {
                    key.walk(f);
                }
                item.value.walk(f);
            }
        };
        match &self.kind {
            Kind::Array(list)
            | Kind::Call(_, list)
            | Kind::StaticCall(_, _, list)
            | Kind::New(_, list) => {
                items(list, f);
            }
            Kind::CallValue(on, list) | Kind::Method(on, _, list) => {
                on.walk(f);
                items(list, f);
            }
            Kind::Template(pieces) => {
                for piece in pieces {
                    if let Piece::Code(expr) = piece {
                        expr.walk(f);
                    }
                }
            }
            Kind::Index(base, key) => {
                base.walk(f);
                if let Some(key) = key {
                    key.walk(f);
                }
            }
            Kind::Property(on, _)
            | Kind::Unary(_, on)
            | Kind::Cast(_, on)
            | Kind::Empty(on)
            | Kind::Include(_, on) => on.walk(f),
            Kind::Binary(_, left, right) | Kind::Assign(_, left, right) => {
                left.walk(f);
                right.walk(f);
            }
            Kind::Ternary(condition, then, other) => {
                condition.walk(f);
                if let Some(then) = then {
                    then.walk(f);
                }
                other.walk(f);
            }
            Kind::Isset(list) => list.iter().for_each(|e| e.walk(f)),
            Kind::Match(subject, arms) => {
                subject.walk(f);
                for (conditions, result) in arms {
                    conditions.iter().for_each(|e| e.walk(f));
                    result.walk(f);
                }
            }
            Kind::Closure(function) => walk(&function.body, f),
            Kind::NewClass(class) => class.walk(f),
            Kind::Int(_)
            | Kind::Float(_)
            | Kind::Str(_)
            | Kind::Var(_)
            | Kind::StaticProperty(..)
            | Kind::ClassConst(..)
            | Kind::Const(_)
            | Kind::Exit
            | Kind::Unknown(_) => {}
        }
    }
}

impl Class {
    fn walk(&self, f: &mut dyn FnMut(&Expr)) {
        for (_, default) in &self.properties {
            if let Some(default) = default {
                default.walk(f);
            }
        }
        self.constants.iter().for_each(|(_, e)| e.walk(f));
        self.methods.iter().for_each(|(_, m)| walk(&m.body, f));
    }
}

/// Calls `f` on every expression of these statements, also inside functions and classes.
pub fn walk(statements: &[Stmt], f: &mut dyn FnMut(&Expr)) {
    for statement in statements {
        match statement {
            Stmt::Expr(e) | Stmt::Return(Some(e), _) | Stmt::Const(_, e) => e.walk(f),
            Stmt::If(condition, then, other) => {
                condition.walk(f);
                walk(then, f);
                walk(other, f);
            }
            Stmt::Foreach(subject, _, _, body) => {
                subject.walk(f);
                walk(body, f);
            }
            Stmt::Block(body) => walk(body, f),
            Stmt::Other(_, _, heads, body) => {
                heads.iter().for_each(|e| e.walk(f));
                walk(body, f);
            }
            Stmt::Function(_, function) => walk(&function.body, f),
            Stmt::Class(class) => class.walk(f),
            Stmt::Unset(list) => list.iter().for_each(|e| e.walk(f)),
            Stmt::Return(None, _) | Stmt::Use(..) | Stmt::Unknown(_) => {}
        }
    }
}
