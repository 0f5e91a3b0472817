//! End-to-end tests: the real binary, real frameworks, real servers. One test program, so that
//! the library is linked once.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests start programs, read their own environment and say what they skip"
)]
#![allow(dead_code, reason = "helpers serve some of the modules")]

mod agents;
mod anchors;
mod architecture;
mod catalogue;
mod check;
mod clients_differential;
mod companion;
mod compatibility;
mod config;
mod corpus;
mod dependencies;
mod docs;
mod doctor;
mod dotenv_vectors;
mod fence;
mod fence_doors;
mod fence_traced;
mod framework_probes;
mod gates;
mod generated;
mod help;
mod hostile;
mod incident;
mod init;
mod journal;
mod journal_disk;
mod laravel_differential;
mod laravel_probe;
mod launch;
mod newcomer;
mod node_differential;
mod node_tools;
mod packaging;
mod protections;
mod python_differential;
mod python_tools;
mod rails_differential;
mod rails_drill;
mod rails_probe;
mod rails_tasks;
mod report;
mod secrets;
mod servers;
mod servers_check;
mod shell_differential;
mod shells;
#[cfg(feature = "ship")]
mod ship;
mod spawn;
mod support;
mod unread;
mod vectors;
mod wrapped;
mod yaml_differential;
