//! `--probe`: how a framework is asked for its databases.

use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::command::program;
use crate::environment::Vars;
use crate::launch::probe::{Asked, ask};
use crate::sys::signals::Inherited;
use crate::target::Question;

/// Asks it, in the directory and with exactly the variables of the command. `signals` is the
/// caller's state, where it was taken over already.
pub(super) fn answer(
    question: &Question<'_>,
    signals: &Cell<Option<Inherited>>,
) -> Result<Vec<u8>, String> {
    let step = question.step;
    let path = question.vars.get("PATH").map(|v| v.value.as_os_str());
    let name = question.argv.first().map_or("", String::as_str);
    let program = program::find(OsStr::new(name), path.unwrap_or_default(), &step.cwd)
        .map_err(|e| e.to_string())?;
    let taken = match signals.get() {
        Some(taken) => taken,
        None => Inherited::take_over().map_err(|e| e.to_string())?,
    };
    signals.set(Some(taken));
    let asked = Asked {
        program: &program,
        argv: question.argv.iter().map(OsString::from).collect(),
        environment: entries(&question.vars),
        cwd: &step.cwd,
    };
    ask(&asked, &taken)
}

fn entries(vars: &Vars) -> Vec<OsString> {
    let entry = |(name, var): (&str, &crate::environment::Var)| {
        let bytes = [name.as_bytes(), b"=", var.value.as_bytes()].concat();
        OsStr::from_bytes(&bytes).to_owned()
    };
    vars.iter().map(entry).collect()
}
