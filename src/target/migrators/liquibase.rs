//! Liquibase: option, system property, variable, properties files.

use super::address::of_jdbc;
use super::{gap, option, variable};
use crate::command::{Command, World};
use crate::source::{Source, Sourced};
use crate::target::{Resolution, Role};

/// The database of `--url`, and the one that is compared with it.
pub(super) fn resolve(command: &Command, world: &World<'_>) -> Resolution {
    let url = match option(command, &["--url"]) {
        Some(Err(missing)) => return gap(missing),
        Some(Ok(url)) => Some(url),
        None => java_option(command)
            .or_else(|| from_variables(command))
            .or_else(|| from_file(command, world, &["url", "liquibase.command.url"])),
    };
    let Some(url) = url else {
        return Resolution::error("connection-not-configured", "liquibase has no URL");
    };
    let mut resolution = of_jdbc(&url, command, world);
    if let Some(Ok(reference)) = option(command, &["--reference-url", "--referenceUrl"]) {
        let mut other = of_jdbc(&reference, command, world);
        for target in &mut other.targets {
            target.role = Role::Read;
        }
        resolution.merge(other);
    }
    resolution
}

fn java_option(command: &Command) -> Option<Sourced<String>> {
    let options = variable(command, "JAVA_OPTS")?;
    let value = options
        .value
        .split_whitespace()
        .filter_map(|w| w.strip_prefix("-Dliquibase.command.url="))
        .next_back()?
        .to_owned();
    Some(Sourced::new(value, options.source))
}

fn from_variables(command: &Command) -> Option<Sourced<String>> {
    let action = command.args.operand(0).unwrap_or("");
    let action = action.replace('-', "_").to_ascii_uppercase();
    variable(command, &format!("LIQUIBASE_COMMAND_{action}_URL"))
        .or_else(|| variable(command, "LIQUIBASE_COMMAND_URL"))
        .or_else(|| variable(command, "LIQUIBASE_URL"))
        .filter(|v| !v.value.is_empty())
}

/// The changelog's path where no option says it.
pub(super) fn changelog_file(command: &Command, world: &World<'_>) -> Option<String> {
    let names = [
        "LIQUIBASE_COMMAND_UPDATE_CHANGELOG_FILE",
        "LIQUIBASE_COMMAND_CHANGELOG_FILE",
    ];
    let keys = ["changelogfile", "liquibase.command.changelogfile"];
    names
        .iter()
        .find_map(|name| variable(command, name))
        .or_else(|| from_file(command, world, &keys))
        .map(|found| found.value)
        .filter(|file| !file.is_empty())
}

/// The last value of one of these keys, written in small letters without dashes.
fn from_file(command: &Command, world: &World<'_>, keys: &[&str]) -> Option<Sourced<String>> {
    let named = command
        .args
        .value(&["--defaults-file", "--defaultsFile"])
        .map(str::to_owned)
        .or_else(|| variable(command, "LIQUIBASE_DEFAULTS_FILE").map(|v| v.value))
        .unwrap_or_else(|| "liquibase.properties".to_owned());
    let local = match named.rsplit_once('.') {
        Some((stem, end)) => format!("{stem}.local.{end}"),
        None => format!("{named}.local"),
    };
    [local, named].iter().find_map(|name| {
        let path = command.step.path(name);
        let text = world.files.read_text(&path).ok()?;
        let shown = crate::files::shown(&path, &command.step.cwd);
        properties(&text)
            .filter(|(_, key, _)| {
                let key = key.to_ascii_lowercase().replace(['-', '_'], "");
                keys.contains(&key.as_str())
            })
            .last()
            .map(|(line, _, value)| Sourced::new(value, Source::project_file(&shown, line)))
    })
}

/// Lines of a Java properties file: number, key, value. Continued lines are left out, so that a
/// key in them is not found rather than misread.
pub(super) fn properties(text: &str) -> impl Iterator<Item = (usize, String, String)> + '_ {
    text.lines().enumerate().filter_map(|(at, line)| {
        let line = line.trim_start();
        if line.starts_with(['#', '!']) || line.ends_with('\\') {
            return None;
        }
        let split = line.find(['=', ':', ' ', '\t'])?;
        let key = line.get(..split)?.to_owned();
        let value = line.get(split..)?;
        let value = value
            .trim_start()
            .trim_start_matches(['=', ':'])
            .trim()
            .replace("\\:", ":")
            .replace("\\=", "=");
        Some((at + 1, key, value))
    })
}
