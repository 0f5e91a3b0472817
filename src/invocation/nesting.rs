//! Whether another tagout started this one, as the kernel tells it: no variable can claim it, and
//! none can deny it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::actor::Stat;
use crate::sys::process::{is_this_program, kernel_text};

/// So many parents of the caller's own name are no accident.
const MAX_LOOP: usize = 12;

/// The tagouts around this process.
#[derive(Debug, Clone, Default)]
pub struct Nesting {
    /// Each one, nearest first.
    pub around: Vec<Outer>,
    /// Shims start each other without end.
    pub looping: bool,
}

/// A tagout around this process: how it was called.
#[derive(Debug, Clone)]
pub struct Outer {
    /// Its words.
    pub args: Vec<OsString>,
    /// The environment that its caller gave it.
    pub environ: Vec<OsString>,
}

impl Nesting {
    /// Follows the parents of this process to the first one.
    pub fn read() -> Nesting {
        let mut nesting = Nesting::default();
        let (mut pid, mut same, mut name) = ("self".to_owned(), 0, None);
        while let Some(stat) = stat_of(&pid) {
            let own = name.get_or_insert_with(|| stat.comm.clone());
            same = if same < MAX_LOOP && *own == stat.comm {
                same + 1
            } else {
                MAX_LOOP
            };
            if pid != "self" && is_this_program(format!("/proc/{pid}/exe").as_ref()) {
                nesting.around.push(Outer {
                    args: entries(&pid, "cmdline"),
                    environ: entries(&pid, "environ"),
                });
            }
            nesting.looping |= same == MAX_LOOP - 1;
            pid = stat.parent.to_string();
        }
        nesting
    }
}

fn stat_of(pid: &str) -> Option<Stat> {
    Stat::parse(&kernel_text(&format!("/proc/{pid}/stat")).ok()?)
}

/// What is separated by NUL bytes in a file of that process.
fn entries(pid: &str, file: &str) -> Vec<OsString> {
    let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let text = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
    text.split(|b| *b == 0)
        .map(|entry| OsString::from_vec(entry.to_vec()))
        .collect()
}

/// The name that the first word of a call gives its program, without folders; `None` for tagout
/// itself, whatever follows its name.
pub fn shim_name(args: &[OsString]) -> Option<&OsStr> {
    let name = args.first()?.as_bytes().rsplit(|b| *b == b'/').next()?;
    let name = name.strip_prefix(b"-").unwrap_or(name);
    let own = name.is_empty() || name.starts_with(b"tagout");
    (!own).then(|| OsStr::from_bytes(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_name_makes_a_shim() {
        let name = |word: &str| shim_name(&[word.into()]).map(|n| n.to_string_lossy().into_owned());
        for own in ["tagout", "/usr/bin/tagout", "tagout-0.2", "-tagout", ""] {
            assert_eq!(name(own), None, "{own}");
        }
        assert_eq!(shim_name(&[]), None);
        for shim in ["psql", "/opt/shims/psql", "./psql", "-psql"] {
            assert_eq!(name(shim).as_deref(), Some("psql"), "{shim}");
        }
    }

    #[test]
    fn a_test_runs_inside_no_tagout() {
        assert!(Nesting::read().around.is_empty());
        assert!(!Nesting::read().looping);
    }
}
