//! Inherited descriptors: the parent's database connections never reach the command.

use std::io;

use crate::profile::Descriptors;
use crate::sys::descriptors::{
    DescriptorKind, close_on_exec, close_on_exec_from, looked_at, open_above_2, shown,
};

/// A descriptor that the command does not get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// Its number.
    pub fd: i32,
    /// What it leads to, for people.
    pub what: String,
}

/// What would be closed, for `explain` and the record.
pub fn closing(rule: &Descriptors) -> Vec<Closed> {
    chosen(rule)
        .into_iter()
        .map(|fd| Closed {
            fd,
            what: shown(fd),
        })
        .collect()
}

/// Marks what the rule takes away, as [`closing`] found it, so that `exec` closes it. Descriptors
/// from [`looked_at`] on are closed whatever they are.
pub(super) fn seal(rule: &Descriptors, closed: &[Closed]) -> io::Result<()> {
    let from = if *rule == Descriptors::All {
        3
    } else {
        looked_at()
    };
    let swept = close_on_exec_from(from);
    let one_by_one = (swept && *rule == Descriptors::All)
        || closed.iter().all(|closed| close_on_exec(closed.fd));
    if one_by_one {
        Ok(())
    } else {
        Err(io::Error::other("inherited descriptors cannot be closed"))
    }
}

fn chosen(rule: &Descriptors) -> Vec<i32> {
    let taken = |(fd, kind): &(i32, DescriptorKind)| match rule {
        Descriptors::All => true,
        Descriptors::NoSockets => *kind != DescriptorKind::Plain,
        Descriptors::Only(kept) => *kind != DescriptorKind::Plain || !kept.contains(fd),
    };
    open_above_2()
        .iter()
        .filter(|d| taken(d))
        .map(|(fd, _)| *fd)
        .collect()
}
