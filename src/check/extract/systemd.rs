//! Units of systemd: what they start, and their variables.

use super::super::script::{Script, Setting, Text, Variable};
use super::Extract;
use crate::command::shell::Dialect;

pub(super) fn read(file: &Text<'_>) -> Extract {
    let mut found = Extract::default();
    let mut variables = Vec::new();
    let mut folder = String::new();
    let mut lines = file.lines();
    while let Some((number, line)) = lines.next() {
        let Some((key, value)) = line
            .split_once('=')
            .filter(|_| !line.starts_with(['#', ';']))
        else {
            continue;
        };
        let mut value = value.trim().to_owned();
        let mut script = Script::new(key.trim().to_owned());
        let body = value
            .trim_start_matches(['-', '@', ':', '+', '!', '|'])
            .to_owned();
        let column = line.find(body.trim_end_matches('\\')).unwrap_or(0);
        script.push(body.trim_end_matches('\\'), number, column + 1);
        while value.ends_with('\\')
            && let Some((number, next)) = lines.next()
        {
            script.text.push(' ');
            value = next.trim().to_owned();
            script.push(
                value.trim_end_matches('\\'),
                number,
                next.len() - next.trim_start().len() + 1,
            );
        }
        match key.trim() {
            "Environment" => variables.extend(settings(&script.text, number)),
            "WorkingDirectory" => folder.clone_from(&script.text),
            key if key.starts_with("Exec") && !script.text.trim().is_empty() => {
                script.dialect = Dialect::Posix;
                found.scripts.push(script);
            }
            _ => {}
        }
    }
    for script in &mut found.scripts {
        script.variables.clone_from(&variables);
        if !folder.starts_with(['/', '~', '%', '-']) {
            script.folder.clone_from(&folder);
        }
    }
    found.environments.push(("unit".to_owned(), variables));
    found
}

/// `A=b "C=d e"`.
fn settings(text: &str, line: usize) -> Vec<Variable> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (word, tail) = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let inner = rest.get(1..).unwrap_or("");
                let end = inner.find(quote).unwrap_or(inner.len());
                (
                    inner.get(..end).unwrap_or(""),
                    inner.get(end + 1..).unwrap_or(""),
                )
            }
            _ => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                (rest.get(..end).unwrap_or(""), rest.get(end..).unwrap_or(""))
            }
        };
        if let Some((name, value)) = word.split_once('=') {
            found.push(Variable {
                name: name.to_owned(),
                value: Setting::Text(value.trim_matches(['"', '\'']).to_owned()),
                line,
                column: 1,
            });
        }
        rest = tail.trim_start();
    }
    found
}
