//! What a name means, for a launcher on a system without `getent`. No subcommand for people.

use std::net::ToSocketAddrs;

use crate::cli::{Session, exit};

/// How it is asked for: `tagout-companion addresses NAME`.
pub(super) const WORD: &str = "addresses";

/// Prints the addresses of a name, one a line.
pub(super) fn run(session: &mut Session, name: &str) -> u8 {
    let Ok(addresses) = (name, 0).to_socket_addrs() else {
        return exit::FAILED;
    };
    let lines: String = addresses.map(|a| format!("{}\n", a.ip())).collect();
    session.ui.data(&lines);
    exit::OK
}
