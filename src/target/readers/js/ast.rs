//! What the parser makes of a module.

use std::rc::Rc;

/// An expression and its line.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) expr: Expr,
    pub(super) line: usize,
}

/// Where a value is bound to names.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    Name(String),
    /// Keys with their patterns and defaults, and the name that takes the rest.
    Object(Vec<(String, Pattern, Option<Node>)>, Option<String>),
    List(Vec<Option<(Pattern, Option<Node>)>>),
    /// Something else.
    Other,
}

/// A function.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) params: Vec<(Pattern, Option<Node>)>,
    pub(super) body: Body,
}

/// What a function does.
#[derive(Debug)]
pub(super) enum Body {
    Value(Node),
    Block(Vec<Statement>),
}

/// An entry of an object literal.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    Pair(String, Node),
    Computed(Node, Node),
    Spread(Node),
    /// A getter, and the like.
    Other(String),
}

/// An expression.
#[derive(Debug, Clone)]
pub(super) enum Expr {
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    Template(Vec<String>, Vec<Node>),
    Name(String),
    /// Items; spread ones are marked.
    List(Vec<(bool, Node)>),
    Object(Vec<Entry>),
    Member(Box<Node>, String, bool),
    Index(Box<Node>, Box<Node>, bool),
    Call(Box<Node>, Vec<(bool, Node)>, bool),
    New(Box<Node>, Vec<(bool, Node)>),
    Unary(&'static str, Box<Node>),
    Binary(&'static str, Box<Node>, Box<Node>),
    Condition(Box<Node>, Box<Node>, Box<Node>),
    Assign(&'static str, Box<Node>, Box<Node>),
    Function(Rc<Function>),
    /// `import("x")`.
    Import(Box<Node>),
    /// Not followed: a class, a regular expression, a tagged template.
    Other(&'static str),
}

/// A statement.
#[derive(Debug, Clone)]
pub(super) enum Statement {
    Let(Vec<(Pattern, Option<Node>)>),
    Value(Node),
    Return(Option<Node>),
    If(Node, Box<Statement>, Option<Box<Statement>>),
    Block(Vec<Statement>),
    Function(String, Rc<Function>),
    Class(String, usize),
    Throw(Node),
    Try(Vec<Statement>, Option<Vec<Statement>>, Vec<Statement>),
    /// Module, the name for all of it, names of it (`default` too), line.
    Import {
        from: String,
        all: Option<String>,
        names: Vec<(String, String)>,
        line: usize,
    },
    /// `export default`.
    Default(Node),
    /// `export { a as b } [from "x"]`; `*` for all.
    Export {
        names: Vec<(String, String)>,
        from: Option<String>,
        line: usize,
    },
    /// `export const ...`.
    Exported(Box<Statement>),
    /// `export = x`.
    ExportIs(Node),
    /// A loop, a switch: not followed.
    Other(&'static str, usize),
}
