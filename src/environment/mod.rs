//! The environment a program sees: built from nothing by a profile, with one decision a name.

pub mod dotenv;
pub mod hide;
mod scrub;
mod vars;

pub use scrub::{Decision, Environment, Fate, is_injecting, scrub};
pub use vars::{Var, Vars};
