//! Python's frameworks: their own management program is started with the command's words, and
//! stops where it would connect.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::command::tools::python::AS_MODULE;
use crate::command::{Command, Step, World};

/// Programs that start others in the environment of a project.
const LAUNCHERS: &[&str] = &["uv", "poetry", "pdm", "rye", "hatch", "pipenv"];

/// `manage.py`, `django-admin` and `python -m django`.
pub(super) fn django(
    command: &Command,
    world: &World<'_>,
    _: &[Value],
) -> Result<Vec<String>, String> {
    words(command, world, "django")
}

/// `alembic`.
pub(super) fn alembic(
    command: &Command,
    world: &World<'_>,
    _: &[Value],
) -> Result<Vec<String>, String> {
    words(command, world, "alembic")
}

/// `flask db`.
pub(super) fn flask(
    command: &Command,
    world: &World<'_>,
    _: &[Value],
) -> Result<Vec<String>, String> {
    words(command, world, "flask")
}

/// `python [option]... -c CODE JSON`, started as the command starts its script.
fn words(command: &Command, world: &World<'_>, kind: &str) -> Result<Vec<String>, String> {
    let step = &command.step;
    let argv: Vec<&str> = step.argv.iter().map(|w| w.text.as_str()).collect();
    let asked = json!({
        "kind": kind,
        "argv": argv,
        "module": step.via.iter().any(|v| v == AS_MODULE),
        "script": step.program_path().ends_with(".py").then(|| step.path(step.program_path())),
    });
    let mut words = interpreter(step, world)?;
    words.extend(["-c".to_owned(), CODE.to_owned(), asked.to_string()]);
    Ok(words)
}

/// What is run: prints one marked line.
const CODE: &str = include_str!("probe.py");

/// The Python that runs the command, with its options.
fn interpreter(step: &Step, world: &World<'_>) -> Result<Vec<String>, String> {
    let launcher = step
        .via
        .iter()
        .rev()
        .find(|v| LAUNCHERS.contains(&v.as_str()));
    let named: Vec<String> = step.interpreter.iter().map(|w| w.text.clone()).collect();
    let bare = !named.first().is_some_and(|n| n.contains('/'));
    if let Some(launcher) = launcher.filter(|_| bare) {
        let own = |dir: &std::path::Path| dir.join(".venv/bin/python");
        let mut dirs = step.cwd.ancestors().map(own);
        let python = dirs
            .find(|p| world.files.is_file(p))
            .ok_or(format!("which Python `{launcher}` takes is not known"))?;
        let mut words = vec![python.to_string_lossy().into_owned()];
        words.extend(named.into_iter().skip(1));
        return Ok(words);
    }
    if !named.is_empty() {
        return Ok(named);
    }
    let program = program(step, world).ok_or(format!("`{}` is not found", step.program_path()))?;
    let head = world.files.head(&program, 512).unwrap_or_default();
    shebang(&String::from_utf8_lossy(&head)).ok_or(format!(
        "`{}` names no Python that runs it",
        step.program_path()
    ))
}

/// The program's file.
fn program(step: &Step, world: &World<'_>) -> Option<PathBuf> {
    let spelled = step.program_path();
    let files = if spelled.contains('/') {
        vec![step.path(spelled)]
    } else {
        let path = step.vars.text("PATH").unwrap_or_default().into_owned();
        let dirs = path.split(':').filter(|d| !d.is_empty());
        dirs.map(|dir| step.path(dir).join(spelled)).collect()
    };
    files.into_iter().find(|file| world.files.is_file(file))
}

/// The words of the first line: `#!/usr/bin/env python3`, or the shell's `exec` that installers
/// write where the path is too long for the kernel.
fn shebang(head: &str) -> Option<Vec<String>> {
    let mut lines = head.lines();
    let line = lines.next()?.strip_prefix("#!")?.trim();
    let exec = lines.next().and_then(|l| l.strip_prefix("'''exec' "));
    let line = match exec.filter(|_| line == "/bin/sh") {
        Some(exec) => exec.split(" \"$0\"").next()?,
        None => line,
    };
    let mut words: Vec<&str> = line.split_ascii_whitespace().collect();
    if words.first().is_some_and(|w| w.ends_with("/env")) {
        words.remove(0);
        if words.first() == Some(&"-S") {
            words.remove(0);
        }
    }
    let python = words.first()?.trim_matches('"').to_owned();
    let is_python = python.rsplit('/').next()?.starts_with("python");
    let rest = words.iter().skip(1).map(|w| (*w).to_owned());
    is_python.then(|| std::iter::once(python).chain(rest).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_names_the_interpreter() {
        for (head, wanted) in [
            ("#!/usr/bin/env python3\n", Some("python3")),
            (
                "#!/usr/bin/env -S python3 -W ignore\n",
                Some("python3 -W ignore"),
            ),
            (
                "#! /v/bin/python3.11 -E\nimport x\n",
                Some("/v/bin/python3.11 -E"),
            ),
            (
                "#!/bin/sh\n'''exec' /long/bin/python \"$0\" \"$@\"\n' '''\n",
                Some("/long/bin/python"),
            ),
            ("#!/bin/sh\nexec x\n", None),
            ("import x\n", None),
        ] {
            let words = shebang(head).map(|w| w.join(" "));
            assert_eq!(words.as_deref(), wanted, "{head}");
        }
    }
}
