//! Crontabs: five fields or a word, on the system a user, then a command.

use super::super::script::{Script, Setting, Text, Variable};
use super::Extract;
use crate::command::shell::Dialect;

pub(super) fn read(file: &Text<'_>, with_user: bool) -> Extract {
    let mut found = Extract::default();
    let mut variables: Vec<Variable> = Vec::new();
    for (number, line) in file.lines() {
        let body = line.trim_start();
        if body.is_empty() || body.starts_with('#') {
            continue;
        }
        if let Some(variable) = setting(body, number) {
            variables.push(variable);
            continue;
        }
        let fields = if body.starts_with('@') { 1 } else { 5 } + usize::from(with_user);
        let Some(command) = after_fields(body, fields) else {
            continue;
        };
        // An unescaped `%` ends the line; what follows is standard input.
        let end = command
            .match_indices('%')
            .find(|(n, _)| !command.get(..*n).unwrap_or("").ends_with('\\'));
        let command = command
            .get(..end.map_or(command.len(), |(n, _)| n))
            .unwrap_or("");
        let column = line.find(command).unwrap_or(0);
        let mut script = Script::new("cron");
        script.dialect = Dialect::Posix;
        script.variables.clone_from(&variables);
        script.push(command, number, column + 1);
        found.scripts.push(script);
    }
    found.environments.push(("cron".to_owned(), variables));
    found
}

fn setting(line: &str, number: usize) -> Option<Variable> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    (begins && name.chars().all(plain)).then(|| Variable {
        name: name.to_owned(),
        value: Setting::Text(value.trim().trim_matches(['"', '\'']).to_owned()),
        line: number,
        column: 1,
    })
}

fn after_fields(line: &str, fields: usize) -> Option<&str> {
    let mut rest = line;
    for n in 0..fields {
        let end = rest.find(char::is_whitespace)?;
        let field = rest.get(..end)?;
        let timed = field.starts_with('@')
            || field
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "*/,-?#".contains(c));
        if n < 5 && !timed && !(fields > 5 && n == 5) {
            return None;
        }
        rest = rest.get(end..)?.trim_start();
    }
    Some(rest).filter(|r| !r.is_empty())
}
