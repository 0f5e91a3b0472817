//! Dockerfiles: RUN, CMD, ENTRYPOINT, HEALTHCHECK in both forms, ENV and ARG, here-documents.

use super::super::script::{Script, Setting, Text, Variable};
use super::Extract;
use crate::command::shell::{Dialect, quoted};

pub(super) fn read(file: &Text<'_>) -> Extract {
    let mut found = Extract::default();
    let mut variables: Vec<Variable> = Vec::new();
    let mut lines = file.lines().peekable();
    while let Some((number, line)) = lines.next() {
        let trimmed = line.trim_start();
        let Some((word, rest)) = trimmed.split_once(char::is_whitespace) else {
            continue;
        };
        let word = word.to_ascii_uppercase();
        let start = line.len() - rest.len();
        let mut pieces = vec![(number, start, rest.to_owned())];
        while pieces
            .last()
            .is_some_and(|(_, _, l)| l.trim_end().ends_with('\\'))
        {
            let Some((number, next)) = lines.next() else {
                break;
            };
            if let Some((_, _, last)) = pieces.last_mut() {
                last.truncate(last.trim_end().len() - 1);
            }
            // Comments between continued lines are taken out.
            let text = if next.trim_start().starts_with('#') {
                "\\"
            } else {
                next
            };
            pieces.push((number, 0, text.to_owned()));
        }
        match word.as_str() {
            "ENV" | "ARG" => {
                let text: String = pieces.iter().map(|(_, _, t)| format!("{t} ")).collect();
                variables.extend(settings(&text, number, word == "ARG"));
            }
            "RUN" | "CMD" | "ENTRYPOINT" | "HEALTHCHECK" => {
                let mut script = Script::new(word.clone());
                script.dialect = Dialect::Posix;
                script.variables.clone_from(&variables);
                for (number, column, text) in &pieces {
                    let text = if text == "\\" { "" } else { text };
                    script.push(text, *number, column + 1);
                    script.text.push(' ');
                }
                let script = without_options(script, &word);
                if let Some(end) = here_document(&script.text) {
                    let mut body = Script {
                        text: String::new(),
                        map: Vec::new(),
                        ..script.clone()
                    };
                    for (number, line) in lines.by_ref() {
                        if line.trim_start_matches('\t') == end {
                            break;
                        }
                        body.push(line, number, 1);
                        body.text.push('\n');
                    }
                    found.scripts.push(body);
                } else {
                    found.scripts.push(exec_form(&script).unwrap_or(script));
                }
            }
            _ => {}
        }
    }
    found.environments.push(("image".to_owned(), variables));
    found
}

/// Takes off `--mount=...`, `--interval=...` and HEALTHCHECK's own `CMD`.
fn without_options(mut script: Script, word: &str) -> Script {
    let mut skip = 0;
    loop {
        let rest = script.text.get(skip..).unwrap_or("");
        let blank = rest.len() - rest.trim_start().len();
        let body = rest.trim_start();
        let own = body.starts_with("--")
            || word == "HEALTHCHECK" && (body.starts_with("CMD ") || body.starts_with("NONE"));
        if !own || body.is_empty() {
            skip += blank;
            break;
        }
        skip += blank + body.find(char::is_whitespace).unwrap_or(body.len());
    }
    if skip > 0 {
        let (line, column) = script.place(skip);
        let text = script.text.split_off(skip.min(script.text.len()));
        script.map.retain(|(start, _, _)| *start > skip);
        for piece in &mut script.map {
            piece.0 -= skip;
        }
        script.map.insert(0, (0, line, column));
        script.text = text;
    }
    script
}

/// `["a", "b"]`: words without a shell.
fn exec_form(script: &Script) -> Option<Script> {
    let text = script.text.trim();
    let words: Vec<String> = serde_json::from_str(text.strip_prefix('[').map(|_| text)?).ok()?;
    let (line, column) = script.place(0);
    let mut fresh = Script {
        text: String::new(),
        map: Vec::new(),
        ..script.clone()
    };
    let line_of_words: Vec<String> = words.iter().map(|w| quoted(w)).collect();
    fresh.push(&line_of_words.join(" "), line, column);
    Some(fresh)
}

fn here_document(text: &str) -> Option<String> {
    let rest = text.trim_start().strip_prefix("<<")?;
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    let word = rest.split_whitespace().next()?;
    Some(word.trim_matches(['"', '\'']).to_owned())
}

fn settings(text: &str, line: usize, may_change: bool) -> Vec<Variable> {
    let text = text.trim();
    let mut found = Vec::new();
    let mut add = |name: &str, value: &str| {
        let known = !value.contains('$') && !may_change;
        found.push(Variable {
            name: name.to_owned(),
            value: match known {
                true => Setting::Text(value.trim_matches(['"', '\'']).to_owned()),
                false => Setting::Unknown,
            },
            line,
            column: 1,
        });
    };
    let first = text.split_whitespace().next().unwrap_or("");
    if !first.contains('=') {
        if let Some((name, value)) = text.split_once(char::is_whitespace) {
            add(name, value.trim());
        }
        return found;
    }
    for word in text.split_whitespace() {
        if let Some((name, value)) = word.split_once('=') {
            add(name, value);
        }
    }
    found
}
