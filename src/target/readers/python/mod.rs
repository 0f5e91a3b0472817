//! Python settings files, read without Python: an error-tolerant parser and an evaluator that
//! follows the statements settings are made of. What it cannot decide becomes unknown, with the
//! place, and poisons only what depends on it.

mod ast;
mod calls;
mod envfile;
mod eval;
mod exec;
mod lex;
mod library;
mod methods;
mod ops;
mod parse;
mod settings;
mod sqlalchemy;
mod urls;
mod value;

pub(crate) use eval::Interpreter;
pub(crate) use library::object as library_object;
pub(crate) use value::{Py, Raised, Scope, Val};
