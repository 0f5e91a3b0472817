//! Called by another name than its own, tagout is a shim: `psql ...` is `tagout run -- psql ...`
//! with the real `psql`.

use std::ffi::{OsStr, OsString};

use super::arguments::{self, Asked, Verb};
use super::{Session, run};
use crate::invocation::nesting::{Nesting, Outer, shim_name};

/// Runs the program that this call is named after.
pub(super) fn run(session: &mut Session, name: OsString) -> u8 {
    let nesting = Nesting::read();
    if nesting.looping {
        return session.failed(
            &format!("shims of `{}` start each other", name.to_string_lossy()),
            &["keep the shims of one tagout on PATH: tagout shim list".to_owned()],
        );
    }
    session.nested = !nesting.around.is_empty();
    let mut asked = nesting.around.iter().find_map(continued).unwrap_or(Asked {
        hook: Some(name.clone()),
        ..Asked::default()
    });
    let environ = &session.invocation.environ;
    if let Some(outer) = nesting.around.iter().find(|o| continued(o).is_some()) {
        asked.keep.retain(|name| outer.gave(name, environ));
    }
    let words = session.invocation.args.iter().skip(1).cloned();
    asked.argv = std::iter::once(name).chain(words).collect();
    run::run(session, &asked)
}

/// The rules of the nearest `tagout run` around a shim go on inside it: its profile, its
/// configuration, and what it kept.
fn continued(outer: &Outer) -> Option<Asked> {
    if shim_name(&outer.args).is_some() {
        return None;
    }
    let (Verb::Run, asked) = arguments::read(&outer.args)? else {
        return None;
    };
    Some(Asked {
        status_fd: None,
        json_status: None,
        ..asked
    })
}

impl Outer {
    /// Whether a variable still is what this tagout was given.
    fn gave(&self, name: &str, environ: &[OsString]) -> bool {
        let is = |entry: &&OsString| {
            let entry = entry.as_encoded_bytes();
            entry
                .strip_prefix(name.as_bytes())
                .is_some_and(|rest| rest.starts_with(b"="))
        };
        let found = environ.iter().find(is);
        found.is_some() && found == self.environ.iter().find(is)
    }
}

/// What is missing for a name that is not tagout's own.
pub(super) fn hint(name: Option<&OsStr>) -> Vec<String> {
    let hint = |name: &OsStr| {
        format!(
            "tagout was called by the name `{}`: so it looks for the real one on PATH",
            name.to_string_lossy()
        )
    };
    name.map(hint).into_iter().collect()
}
