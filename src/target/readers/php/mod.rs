//! Configuration written in PHP: a tolerant parser and an evaluator that never runs anything.

pub mod ast;
mod builtins;
mod eval;
mod lexer;
mod parser;
pub mod url;
mod value;

pub use eval::{Answer, Host, Place, expression, file, text};
pub use value::{Array, Cell, Found, Key, Val};

pub(crate) use builtins::from_json;

/// Parses a file.
pub fn parse(text: &str) -> Vec<ast::Stmt> {
    parser::file(text)
}
