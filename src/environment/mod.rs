//! The environment a program sees: built from nothing by a profile, with one decision a name.

pub mod dotenv;
mod vars;

pub use vars::{Var, Vars};
