//! JavaScript and TypeScript configuration, read without node: a lexer, a parser that skips
//! types, and an evaluator that gives values with their places. What would need the program to
//! run is unknown.

mod ast;
mod eval;
mod lex;
mod natives;
mod parse;
mod value;

pub use eval::{Evaluator, Made};
pub use natives::{installed, switched_on};

#[cfg(test)]
mod tests;
