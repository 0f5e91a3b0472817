//! From files to shell texts: one file a format. What cannot be read is said, never guessed.

mod crontab;
mod docker;
mod jenkins;
mod packages;
mod pipelines;
mod recipes;
mod systemd;
mod yaml;

use super::kind::Kind;
use super::script::{Script, Text, Variable};
use crate::command::shell::Dialect;

/// What a file holds.
#[derive(Default)]
pub(super) struct Extract {
    pub(super) scripts: Vec<Script>,
    /// Variables of jobs and processes, with whose they are.
    pub(super) environments: Vec<(String, Vec<Variable>)>,
    /// Why it could not be read: line and what is wrong.
    pub(super) broken: Option<(usize, String)>,
}

impl Extract {
    fn broken(line: usize, what: impl Into<String>) -> Extract {
        Extract {
            broken: Some((line, what.into())),
            ..Extract::default()
        }
    }
}

/// Reads a file of that kind; nothing for source code.
pub(super) fn extract(kind: Kind, path: &str, text: &str) -> Extract {
    let file = Text::new(text);
    match kind {
        Kind::GitHub => pipelines::github(&file),
        Kind::GitLab => pipelines::gitlab(&file),
        Kind::CircleCi => pipelines::circleci(&file),
        Kind::Compose => pipelines::compose(&file),
        Kind::Jenkins => jenkins::read(&file),
        Kind::Procfile => procfile(&file),
        Kind::Dockerfile => docker::read(&file),
        Kind::Makefile => recipes::make(&file),
        Kind::Justfile => recipes::just(&file),
        Kind::PackageJson => packages::npm(&file),
        Kind::ComposerJson => packages::composer(&file),
        Kind::Crontab => crontab::read(&file, false),
        Kind::SystemCrontab => crontab::read(&file, true),
        Kind::Systemd => systemd::read(&file),
        Kind::Shell => shell(path, text),
        Kind::Php | Kind::Ruby | Kind::Python | Kind::JavaScript | Kind::Go | Kind::Nameless => {
            Extract::default()
        }
    }
}

/// `name: command` in each line.
fn procfile(file: &Text<'_>) -> Extract {
    let mut found = Extract::default();
    for (number, line) in file.lines() {
        let Some((name, command)) = line.split_once(':') else {
            continue;
        };
        if line.starts_with('#') || name.contains(char::is_whitespace) || name.is_empty() {
            continue;
        }
        let body = command.trim_start();
        let column = line.chars().count() - body.chars().count() + 1;
        let mut script = Script::new(format!("process {name}"));
        script.push(body, number, column);
        found.scripts.push(script);
    }
    found
}

fn shell(path: &str, text: &str) -> Extract {
    let mut script = Script::new("");
    script.push_lines(text, 1, 1);
    let first = text.lines().next().unwrap_or_default();
    let posix = ["/sh", "/dash", "/ash", " sh", " dash"];
    if first.starts_with("#!") && posix.iter().any(|end| first.trim_end().ends_with(end)) {
        script.dialect = Dialect::Posix;
    } else if path.ends_with(".zsh") || first.ends_with("zsh") {
        script.dialect = Dialect::Zsh;
    }
    Extract {
        scripts: vec![script],
        ..Extract::default()
    }
}
