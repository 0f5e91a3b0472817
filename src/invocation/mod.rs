//! One call of tagout: what the operating system says about who calls, from where.
//!
//! This is the only room that reads ambient state.

pub mod actor;
pub mod git;
pub mod host;
