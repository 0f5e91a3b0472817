//! Wrappers that start a command many times, with words of their own: `xargs`, `find -exec`,
//! `parallel`, `watch`.

use super::environment::options_end;
use super::{joined, nothing, script_step};
use crate::command::{Args, Reading, Stdin, Step, Tool, Word};

const FROM_INPUT: &str = "the word comes from the input";

/// `xargs CMD`: further words come from standard input.
pub(super) fn xargs(tool: &'static Tool, step: &Step) -> Reading {
    let end = options_end(&step.argv, tool.value_options);
    let options = step.argv.get(..end).unwrap_or(&step.argv);
    let args = Args::parse(options, tool.value_options);
    let Some(tail) = step.argv.get(end..).filter(|t| !t.is_empty()) else {
        return nothing(tool, step, args);
    };
    let replaced = args
        .value(&["-I", "--replace"])
        .map(str::to_owned)
        .or_else(|| args.has(&["-i", "--replace"]).then(|| "{}".to_owned()));
    let words = plain_input(&step.stdin);
    let mut inner = step.clone().through(tool.name);
    inner.stdin = Stdin::Null;
    let argv = match (&replaced, words) {
        (Some(sign), Some(words)) if words.len() == 1 => {
            let value = words.first().map_or("", String::as_str);
            let fill = |w: &Word| Word {
                text: w.text.replace(sign.as_str(), value),
                unknown: w.unknown.clone(),
            };
            tail.iter().map(fill).collect()
        }
        (Some(sign), _) => tail
            .iter()
            .map(|w| {
                if w.text.contains(sign.as_str()) {
                    Word::unknown(w.text.clone(), FROM_INPUT)
                } else {
                    w.clone()
                }
            })
            .collect(),
        (None, Some(words)) => {
            let mut argv = tail.to_vec();
            argv.extend(words.into_iter().map(Word::literal));
            argv
        }
        (None, None) => {
            let mut argv = tail.to_vec();
            let found = match &step.stdin {
                Stdin::Unknown(why) => why.strip_prefix(crate::command::shell::FOUND),
                _ => None,
            };
            argv.push(Word::unknown(found.unwrap_or("{}"), FROM_INPUT));
            argv
        }
    };
    Reading::steps(vec![inner.with_argv(argv)])
}

/// The words of an input text without quotes; `None` where it is not known or too long.
fn plain_input(stdin: &Stdin) -> Option<Vec<String>> {
    match stdin {
        Stdin::Null => Some(Vec::new()),
        Stdin::Text(text, _) if text.len() < 4096 && !text.contains(['\'', '"', '\\']) => {
            Some(text.split_whitespace().map(str::to_owned).collect())
        }
        _ => None,
    }
}

/// `find ... -exec CMD ;`, `-delete`.
pub(super) fn find(tool: &'static Tool, step: &Step) -> Reading {
    let mut steps = Vec::new();
    let mut at = 1;
    let inner = step.clone().through(tool.name);
    while let Some(word) = step.argv.get(at) {
        at += 1;
        let fd = step.program().starts_with("fd");
        match word.text.as_str() {
            "-exec" | "-execdir" | "-ok" | "-okdir" => {}
            "-x" | "-X" | "--exec" | "--exec-batch" if fd => {}
            _ => continue,
        }
        let rest = step.argv.get(at..).unwrap_or(&[]);
        let length = rest
            .iter()
            .position(|w| w.text == ";" || w.text == "+")
            .unwrap_or(rest.len());
        let mut argv: Vec<Word> = rest
            .get(..length)
            .unwrap_or(rest)
            .iter()
            .map(|w| {
                if w.text.contains("{}") {
                    Word::unknown(
                        found_text(&step.argv, &w.text),
                        "the files that `find` finds",
                    )
                } else {
                    w.clone()
                }
            })
            .collect();
        if fd && argv.iter().all(|w| w.unknown.is_none()) {
            let extension = step.argv.iter().position(|w| w.text == "-e");
            let extension = extension.and_then(|at| step.argv.get(at + 1));
            let found = extension.map_or("./*".to_owned(), |e| format!("./*.{}", e.text));
            argv.push(Word::unknown(found, "the files that `fd` finds"));
        }
        if !argv.is_empty() {
            steps.push(inner.with_argv(argv));
        }
        at += length;
    }
    if step.argv.iter().any(|w| w.text == "-delete") {
        let pattern = found_text(&step.argv, "{}");
        steps.push(inner.with_argv(vec![
            Word::literal("rm"),
            Word::unknown(pattern, "the files that `find` finds"),
        ]));
    }
    if steps.is_empty() {
        return nothing(tool, step, Args::default());
    }
    Reading::steps(steps)
}

/// What is found, as far as it can be said: the starting point and the name's pattern.
pub(in crate::command) fn found_text(argv: &[Word], spelled: &str) -> String {
    let dir = argv
        .get(1)
        .map(|w| w.text.as_str())
        .filter(|t| !t.starts_with('-'))
        .unwrap_or(".");
    let at = argv
        .iter()
        .position(|w| matches!(w.text.as_str(), "-name" | "-iname" | "-path"));
    let name = at
        .and_then(|at| argv.get(at + 1))
        .map_or("*", |w| w.text.as_str());
    let path = format!("{}/{name}", dir.trim_end_matches('/'));
    spelled.replace("{}", &path)
}

/// GNU `parallel CMD ::: words`.
pub(super) fn parallel(tool: &'static Tool, step: &Step) -> Reading {
    let end = options_end(&step.argv, tool.value_options);
    let rest = step.argv.get(end..).unwrap_or(&[]);
    let length = rest
        .iter()
        .position(|w| w.text.starts_with(":::"))
        .unwrap_or(rest.len());
    let command = rest.get(..length).unwrap_or(&[]);
    let mut inner = step.clone().through(tool.name);
    inner.stdin = Stdin::Null;
    if command.is_empty() {
        let given = rest.get(length + 1..).unwrap_or(&[]);
        if given.is_empty() {
            let why = "command lines that are not known";
            return Reading::opaque(Some(tool), step, "parallel", why);
        }
        let lines = given.iter().filter(|w| !w.text.starts_with(":::"));
        return Reading::steps(
            lines
                .map(|w| script_step(&inner, "sh", w.clone()))
                .collect(),
        );
    }
    let given: Vec<&Word> = rest.get(length + 1..).unwrap_or(&[]).iter().collect();
    let text = joined(command);
    let single = given.len() <= 64 && !given.iter().any(|w| w.text.starts_with(":::"));
    let plain = !text.text.contains([';', '|', '&', '<', '>', '$', '`', '(']);
    if given.is_empty() && text.unknown.is_none() && plain {
        let fill = |w: &Word| match w.text.contains('{') {
            true => Word::unknown(w.text.clone(), FROM_INPUT),
            false => w.clone(),
        };
        let mut argv: Vec<Word> = command.iter().map(fill).collect();
        argv.push(Word::unknown("{}", FROM_INPUT));
        return Reading::steps(vec![inner.with_argv(argv)]);
    }
    let lines: Vec<Word> = if given.is_empty() || !single || text.unknown.is_some() {
        vec![Word::unknown(text.text, FROM_INPUT)]
    } else {
        given
            .iter()
            .map(|value| {
                let line = if text.text.contains("{}") {
                    text.text.replace("{}", &value.text)
                } else {
                    format!("{} {}", text.text, value.text)
                };
                Word {
                    text: line,
                    unknown: value.unknown.clone(),
                }
            })
            .collect()
    };
    Reading::steps(
        lines
            .into_iter()
            .map(|line| script_step(&inner, "sh", line))
            .collect(),
    )
}

/// `watch CMD`: the words are joined for `sh -c`, unless `-x` is given.
pub(super) fn watch(tool: &'static Tool, step: &Step) -> Reading {
    let end = options_end(&step.argv, tool.value_options);
    let options = step.argv.get(..end).unwrap_or(&step.argv);
    let args = Args::parse(options, tool.value_options);
    let Some(rest) = step.argv.get(end..).filter(|r| !r.is_empty()) else {
        return nothing(tool, step, args);
    };
    let inner = step.clone().through(tool.name);
    let next = if args.has(&["-x", "--exec"]) {
        inner.with_argv(rest.to_vec())
    } else {
        script_step(&inner, "sh", joined(rest))
    };
    Reading::steps(vec![next])
}
