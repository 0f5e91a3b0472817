//! Jenkinsfiles: the texts of `sh` steps and the `environment` blocks.

use super::super::script::{Script, Setting, Text, Variable};
use super::Extract;

pub(super) fn read(file: &Text<'_>) -> Extract {
    let mut found = Extract::default();
    found
        .environments
        .push(("pipeline".to_owned(), environment(file)));
    let variables: Vec<Variable> = found
        .environments
        .iter()
        .flat_map(|(_, v)| v.clone())
        .collect();
    let text = file.text;
    let mut at = 0;
    while let Some(offset) = text.get(at..).and_then(|rest| rest.find("sh")) {
        let start = at + offset;
        at = start + 2;
        let before = text.get(..start).and_then(|t| t.chars().next_back());
        if before.is_some_and(|c| c.is_alphanumeric() || "_-./'\"".contains(c)) {
            continue;
        }
        let rest = text.get(at..).unwrap_or("");
        let Some((from, length, expands)) = literal(rest) else {
            continue;
        };
        let body = rest.get(from..from + length).unwrap_or("");
        let mut script = Script::new("sh step");
        script.variables.clone_from(&variables);
        script.push_lines_at(body, file, at + from);
        at += from + length;
        let script = match expands {
            true => script.without_templates("${", "}"),
            false => script,
        };
        found.scripts.push(script);
    }
    found
}

/// The string after `sh`, `sh(`, `sh script:`: where it begins, its length, whether Groovy
/// replaces expressions in it.
fn literal(rest: &str) -> Option<(usize, usize, bool)> {
    let mut at = 0;
    let skip = |at: usize| {
        let tail = rest.get(at..).unwrap_or("");
        at + (tail.len() - tail.trim_start_matches([' ', '\t', '\n', '(']).len())
    };
    let begun = skip(at);
    if begun == 0 {
        return None;
    }
    at = begun;
    if rest.get(at..)?.starts_with("script:") {
        at = skip(at + "script:".len());
    }
    let tail = rest.get(at..)?;
    for (quote, expands) in [("'''", false), ("\"\"\"", true), ("'", false), ("\"", true)] {
        if let Some(inner) = tail.strip_prefix(quote) {
            let mut from = 0;
            loop {
                let end = from + inner.get(from..)?.find(quote)?;
                if !inner.get(..end)?.ends_with('\\') {
                    return Some((at + quote.len(), end, expands));
                }
                from = end + 1;
            }
        }
    }
    None
}

/// `NAME = 'value'` inside `environment { }`.
fn environment(file: &Text<'_>) -> Vec<Variable> {
    let mut found = Vec::new();
    let mut inside = false;
    for (number, line) in file.lines() {
        let body = line.trim();
        if body.starts_with("environment") && body.ends_with('{') {
            inside = true;
        } else if body.starts_with('}') {
            inside = false;
        } else if inside && let Some((name, value)) = body.split_once('=') {
            let value = value.trim();
            let quoted =
                value.len() >= 2 && value.starts_with(['"', '\'']) && value.ends_with(['"', '\'']);
            let text = value.trim_matches(['"', '\'']);
            found.push(Variable {
                name: name.trim().to_owned(),
                value: match quoted && !(value.starts_with('"') && text.contains('$')) {
                    true => Setting::Text(text.to_owned()),
                    false => Setting::Unknown,
                },
                line: number,
                column: line.len() - line.trim_start().len() + 1,
            });
        }
    }
    found
}
