//! The tree of Ruby that configuration is written in.

/// An expression with its line.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: Kind,
    /// Its line, from 1.
    pub line: usize,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `nil`.
    Nil,
    /// `true`, `false`.
    Bool(bool),
    /// `self`.
    Itself,
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A string with what is interpolated.
    Str(Vec<Part>),
    /// A symbol.
    Sym(Vec<Part>),
    /// A regular expression and its flags.
    Regex(Vec<Part>, String),
    /// A command in backticks.
    Backtick,
    /// `[...]`.
    Array(Vec<Expr>),
    /// `{...}` or keyword arguments.
    Hash(Vec<(Expr, Expr)>),
    /// A local variable.
    Local(String),
    /// `@x`, `$x`, `@@x`.
    Variable(String),
    /// `A::B`, with its full written path.
    Const(String),
    /// A call: receiver, method, arguments, block; `safe` for `&.`.
    Call(Box<Call>),
    /// `a[b]` (also `ENV['X']`).
    Index(Box<Expr>, Vec<Expr>),
    /// `!a`, `not a`.
    Not(Box<Expr>),
    /// `a && b`, `a and b`.
    And(Box<Expr>, Box<Expr>),
    /// `a || b`, `a or b`.
    Or(Box<Expr>, Box<Expr>),
    /// A binary operator that is none of the above.
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// `if`, `unless`, `?:`, modifiers.
    If(Box<Expr>, Vec<Expr>, Vec<Expr>),
    /// `case x when a, b then ... else ... end`.
    Case(Option<Box<Expr>>, Vec<(Vec<Expr>, Vec<Expr>)>, Vec<Expr>),
    /// `while`, `until`: never followed.
    Loop(Vec<Expr>),
    /// `a = b`; the operator before `=` where there is one.
    Assign(Box<Expr>, &'static str, Box<Expr>),
    /// `a..b`, `a...b` (exclusive).
    Range(Box<Expr>, Box<Expr>, bool),
    /// `begin ... rescue ... ensure ... end`.
    Begin(Vec<Expr>, Vec<Expr>),
    /// `def name(params) ... end`; the rest of the arguments is named with its star: `*args`.
    Def(String, Block),
    /// `class X ... end`, `module X ... end`.
    Class(String, Vec<Expr>),
    /// `-> { }`, `lambda { }`.
    Lambda(Block),
    /// `return x`, `next`, `raise ...`: ends what is running.
    Leave(&'static str, Option<Box<Expr>>),
    /// `defined?(x)`.
    Defined(Box<Expr>),
    /// Several statements in parentheses.
    Group(Vec<Expr>),
    /// `*x`, `**x`, `&x` in arguments.
    Splat(Box<Expr>),
    /// What cannot be read, as it is written.
    Unread(String),
}

/// A method call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// What it is called on.
    pub receiver: Option<Expr>,
    /// The method.
    pub name: String,
    /// Arguments; keyword arguments are one hash at the end.
    pub args: Vec<Expr>,
    /// Its block.
    pub block: Option<Block>,
    /// `&.`.
    pub safe: bool,
}

/// A block: parameters and statements.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Names of its parameters.
    pub params: Vec<String>,
    /// What it runs.
    pub body: Vec<Expr>,
}

/// A part of a string.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Literal text.
    Text(String),
    /// `#{...}`.
    Code(Vec<Expr>),
}

/// Why a text is no Ruby that can be read here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RubyError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong or not supported.
    pub what: &'static str,
}

impl std::fmt::Display for RubyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}
