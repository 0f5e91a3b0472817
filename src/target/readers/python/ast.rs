//! What the parser makes of a Python file: only what settings files use; the rest is `Opaque`.

use std::rc::Rc;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expr {
    /// Line, from 1.
    pub line: usize,
    /// Nesting below it: bounds recursion over the tree.
    pub depth: u16,
    /// What it is.
    pub kind: ExprKind,
}

/// Kinds of expressions.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ExprKind {
    /// `None`
    None,
    /// `True`, `False`
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text (bytes too).
    Str(String),
    /// An f-string.
    Format(Vec<Piece>),
    /// A name.
    Name(String),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `a, b`
    Tuple(Vec<Expr>),
    /// `{a, b}`
    Set(Vec<Expr>),
    /// `{k: v, **m}`: an entry without a key is a mapping to unpack.
    Dict(Vec<(Option<Expr>, Expr)>),
    /// `a.b`
    Attribute(Box<Expr>, String),
    /// `a[b]`
    Index(Box<Expr>, Box<Expr>),
    /// `a[b:c]`; a step makes it opaque.
    Slice(Box<Expr>, Option<Box<Expr>>, Option<Box<Expr>>),
    /// `f(a, *b, k=c, **d)`
    Call(Box<Expr>, Vec<Argument>),
    /// `not a`, `-a`
    Unary(&'static str, Box<Expr>),
    /// `a + b`
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// `a and b`, `a or b`
    Both(bool, Box<Expr>, Box<Expr>),
    /// `a < b <= c`
    Compare(Box<Expr>, Vec<(&'static str, Expr)>),
    /// `a if test else b`
    Choice {
        /// The test.
        test: Box<Expr>,
        /// Where it holds.
        then: Box<Expr>,
        /// Where it does not.
        other: Box<Expr>,
    },
    /// `lambda a: b`
    Lambda(Rc<Parameters>, Rc<Expr>),
    /// `[a for b in c if d]` and its relatives.
    Comprehension(Rc<Comprehension>),
    /// `*a`
    Starred(Box<Expr>),
    /// `(a := b)`
    Walrus(String, Box<Expr>),
    /// Something else (`yield`, a step in a slice), in a few words.
    Opaque(&'static str),
}

/// A part of an f-string.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Piece {
    /// Text.
    Text(String),
    /// `{a!r:spec}`
    Value(Expr, Option<char>, String),
}

/// An argument of a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Argument {
    /// How many stars stand before it.
    pub stars: u8,
    /// Its name, for `name=value`.
    pub name: Option<String>,
    /// Its value.
    pub value: Expr,
}

/// Parameters of a function.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Parameters {
    /// Names with defaults, in order; those after `*` are keyword-only but filled alike.
    pub plain: Vec<(String, Option<Expr>)>,
    /// How many of `plain` can be filled by position.
    pub positional: usize,
    /// `*args`
    pub rest: Option<String>,
    /// `**kwargs`
    pub keywords: Option<String>,
}

/// What a comprehension builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Built {
    /// A list, set or generator.
    List,
    /// A dict.
    Dict,
}

/// A comprehension.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Comprehension {
    /// What it builds.
    pub built: Built,
    /// The key of a dict entry.
    pub key: Option<Expr>,
    /// The element or value.
    pub element: Expr,
    /// `for a in b if c if d`
    pub clauses: Vec<(Expr, Expr, Vec<Expr>)>,
}

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Statement {
    /// Line, from 1.
    pub line: usize,
    /// What it is.
    pub kind: StatementKind,
}

/// Statements in order.
pub(crate) type Block = Vec<Statement>;

/// One `except` clause: names caught (none: everything), the bound name, the body.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Handler {
    /// The expression after `except`.
    pub caught: Option<Expr>,
    /// The name after `as`.
    pub name: Option<String>,
    /// What it does.
    pub body: Block,
}

/// A function.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Definition {
    /// Its name.
    pub name: String,
    /// Its parameters.
    pub parameters: Parameters,
    /// What it does.
    pub body: Block,
    /// Its decorators.
    pub decorators: Vec<Expr>,
    /// Whether calling it gives a generator, which nothing here runs.
    pub deferred: bool,
}

/// A class.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ClassDefinition {
    /// Its name.
    pub name: String,
    /// Base classes and keywords.
    pub bases: Vec<Argument>,
    /// What stands in it.
    pub body: Block,
}

/// Kinds of statements.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum StatementKind {
    /// An expression for its effect.
    Expression(Expr),
    /// `a = b = value`
    Assign(Vec<Expr>, Expr),
    /// `a += value`
    Augment(Expr, &'static str, Expr),
    /// `a: T = value`; without a value it only declares.
    Annotated(Expr, Expr, Option<Expr>),
    /// `if`/`elif`/`else`: tests with bodies; the last may have no test.
    If(Vec<(Option<Expr>, Block)>),
    /// `for a in b`
    For(Expr, Expr, Block, Block),
    /// `while a`
    While(Expr, Block, Block),
    /// `try`
    Try {
        /// What is tried.
        body: Block,
        /// What catches.
        handlers: Vec<Handler>,
        /// Where nothing was raised.
        other: Block,
        /// In any case.
        finally: Block,
    },
    /// `with a as b, c as d`
    With(Vec<(Expr, Option<Expr>)>, Block),
    /// `match a`: cases with pattern (none: wildcard), guard and body; an unreadable pattern is
    /// `Opaque`.
    Match(Expr, Vec<(Option<Expr>, Option<Expr>, Block)>),
    /// `import a.b as c`
    Import(Vec<(String, Option<String>)>),
    /// `from ..a import b as c`; no names stand for `*`.
    ImportFrom {
        /// Leading dots.
        level: usize,
        /// The module.
        module: String,
        /// What of it: name and the name it gets.
        names: Option<Vec<(String, String)>>,
    },
    /// `def`
    Function(Rc<Definition>),
    /// `class`
    Class(Rc<ClassDefinition>),
    /// `return`
    Return(Option<Expr>),
    /// `raise`
    Raise(Option<Expr>),
    /// `global a`, `nonlocal a`
    Global(Vec<String>),
    /// `del a`
    Delete(Vec<Expr>),
    /// `assert a`
    Assert(Expr),
    /// `break`
    Break,
    /// `continue`
    Continue,
    /// `pass`
    Pass,
    /// Something that cannot be parsed.
    Opaque,
}
