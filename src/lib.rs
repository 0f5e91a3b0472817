//! tagout starts a command with a scrubbed environment, knows which databases the command will
//! reach and what it would do to them, refuses what must not happen, and records every call.
//!
//! Data flows one way: invocation → profile → environment → command → target → policy → gates →
//! launch → record. See `docs/architecture.md`.

pub mod agent;
pub mod check;
pub mod cli;
pub mod command;
pub mod companion;
pub mod config;
pub mod doctor;
pub mod environment;
pub mod fence;
pub mod files;
pub mod init;
pub mod invocation;
pub mod launch;
pub mod launcher;
pub mod learn;
mod packed;
pub mod plan;
pub mod policy;
pub mod profile;
pub mod record;
pub mod shells;
pub mod ship;
pub mod source;
pub mod sys;
pub mod target;
pub mod topics;
pub mod ui;

pub use launcher::{Launcher, Outcome};
