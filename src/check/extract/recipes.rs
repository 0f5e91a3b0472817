//! Makefiles and justfiles: the lines of their recipes.

use std::collections::BTreeMap;

use super::super::script::{Script, Text};
use super::Extract;
use crate::command::shell::Dialect;

/// Each logical line of a recipe is a shell of its own.
pub(super) fn make(file: &Text<'_>) -> Extract {
    let mut found = Extract::default();
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    let mut target = String::new();
    let mut lines = file.lines().peekable();
    while let Some((number, line)) = lines.next() {
        let Some(recipe) = line.strip_prefix('\t') else {
            if let Some((name, value)) = assignment(line) {
                variables.insert(name, value);
            } else if let Some((names, _)) = line.split_once(':')
                && !line.starts_with([' ', '#', '.'])
            {
                target = names.trim().to_owned();
            }
            continue;
        };
        let body = recipe.trim_start_matches(['@', '-', '+', ' ']);
        let column = line.chars().count() - body.chars().count() + 1;
        let mut script = Script::new(format!("target {target}"));
        script.dialect = Dialect::Posix;
        script.push(body, number, column);
        let mut last = body;
        while last.ends_with('\\')
            && let Some((number, next)) = lines.next()
        {
            script.text.push('\n');
            let next = next.strip_prefix('\t').unwrap_or(next);
            script.push(next, number, 2);
            last = next;
        }
        found.scripts.push(expanded(script, &variables));
    }
    found
}

fn assignment(line: &str) -> Option<(String, String)> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = name.trim_end_matches([':', '?', '+', '!', ' ']);
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let literal = !value.contains('$');
    (!name.is_empty() && name.chars().all(plain) && literal).then(|| {
        (
            name.to_owned(),
            value.split(" #").next().unwrap_or("").trim().to_owned(),
        )
    })
}

/// With make's own references replaced: by their literal values, else by what is not known.
fn expanded(script: Script, variables: &BTreeMap<String, String>) -> Script {
    let mut fresh = Script {
        text: String::new(),
        map: Vec::new(),
        ..script.clone()
    };
    let mut at = 0;
    while let Some(rest) = script.text.get(at..).filter(|r| !r.is_empty()) {
        let (line, column) = script.place(at);
        let plain = rest.find(['$', '\n']).unwrap_or(rest.len());
        if plain > 0 {
            fresh.push(rest.get(..plain).unwrap_or(""), line, column);
            at += plain;
            continue;
        }
        let (text, length) = match rest.as_bytes() {
            [b'$', b'$', ..] => ("$".to_owned(), 2),
            [b'$', open @ (b'(' | b'{'), ..] => {
                let close = if *open == b'(' { ')' } else { '}' };
                let inner = rest.get(2..).unwrap_or("");
                let length = inner.find(close).unwrap_or(inner.len());
                let name = inner.get(..length).unwrap_or("").trim();
                (known(name, variables, &mut fresh.unknown), length + 3)
            }
            [b'$', next, ..] => (
                known(
                    &char::from(*next).to_string(),
                    variables,
                    &mut fresh.unknown,
                ),
                2,
            ),
            _ => (rest.get(..1).unwrap_or("").to_owned(), 1),
        };
        fresh.push(&text, line, column);
        at = script.text.len().min(at + length);
        while !script.text.is_char_boundary(at) {
            at += 1;
        }
    }
    fresh
}

fn known(name: &str, variables: &BTreeMap<String, String>, unknown: &mut Vec<String>) -> String {
    if let Some(value) = variables.get(name) {
        return value.clone();
    }
    match name {
        "MAKE" => return "make".to_owned(),
        "SHELL" => return "sh".to_owned(),
        _ => {}
    }
    let name: String = name
        .chars()
        .take(40)
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let name = format!("make_{name}");
    let reference = format!("${{{name}}}");
    if !unknown.contains(&name) {
        unknown.push(name);
    }
    reference
}

/// Recipes of a justfile; one that begins with `#!` is a script as a whole.
pub(super) fn just(file: &Text<'_>) -> Extract {
    let mut found = Extract::default();
    let mut name = String::new();
    let mut whole: Option<Script> = None;
    for (number, line) in file.lines() {
        let body = line.trim_start_matches([' ', '\t']);
        let indent = line.len() - body.len();
        if indent == 0 || body.is_empty() {
            if let (Some(script), true) = (&mut whole, body.is_empty()) {
                script.text.push('\n');
                continue;
            }
            found.scripts.extend(whole.take());
            if let Some((head, _)) = line.split_once(':').filter(|_| !line.starts_with('#')) {
                name = head
                    .split_whitespace()
                    .next()
                    .unwrap_or_default()
                    .trim_start_matches('@')
                    .to_owned();
            }
            continue;
        }
        if let Some(script) = &mut whole {
            script.push(body, number, indent + 1);
            script.text.push('\n');
            continue;
        }
        let mut script = Script::new(format!("recipe {name}"));
        if body.starts_with("#!") {
            let shell = ["sh", "bash", "zsh"]
                .iter()
                .any(|s| body.trim_end().ends_with(s));
            if shell {
                whole = Some(script);
            } else {
                // A script in another language: its lines are no shell.
                whole = Some(Script::new(String::new()));
            }
            continue;
        }
        let body = body.trim_start_matches(['@', '-']);
        let column = line.chars().count() - body.chars().count() + 1;
        script.dialect = Dialect::Posix;
        script.push(body, number, column);
        found.scripts.push(script);
    }
    found.scripts.extend(whole);
    found.scripts.retain(|s| !s.owner.is_empty());
    found.scripts = found
        .scripts
        .into_iter()
        .map(|s| s.without_templates("{{", "}}"))
        .collect();
    found
}
