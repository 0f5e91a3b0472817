//! Program starts that may be meant: an unknown program that is given the words of a known one, and
//! the options and variables in which programs take a command line of their own (`tar --to-command`,
//! `GIT_PAGER`). They count only where they destroy or stop.

use super::script_step;
use crate::command::catalogue;
use crate::command::{Args, Effect, Reading, Stdin, Step, Tool, Word};

/// Readers of tools that leave words unjudged which may be another program's.
const OPEN: &[&str] = &["words", "named", "unit", "shaped", "prefix", "verbs"];

/// How many words are looked at.
const WORDS: usize = 32;

/// The starts that the words of `step` may mean besides its `reading`.
pub(in crate::command) fn supposed(
    tool: Option<&'static Tool>,
    step: &Step,
    reading: &Reading,
) -> Vec<Step> {
    let start = |argv: Vec<Word>| {
        let inner = super::elsewhere(step, format!("what `{}` starts", step.program()));
        let mut inner = inner.with_argv(argv).through(step.program());
        inner.supposed += 1;
        inner
    };
    let line = |text: &str| {
        let listed = text.trim().strip_prefix("[\"");
        let text = listed.and_then(|t| t.strip_suffix("\"]")).unwrap_or(text);
        script_step(&start(Vec::new()), "sh", Word::literal(text))
    };
    let mut steps: Vec<Step> = tool
        .map(|tool| scripts(tool, step))
        .unwrap_or_default()
        .iter()
        .map(|text| line(text))
        .collect();
    let quiet = |c: &crate::command::Command| c.effect() == Effect::None;
    let lost = |s: &Step| catalogue::find(s.program()).is_none();
    let mislaid = !reading.steps.is_empty() && reading.steps.iter().all(lost);
    let judged = !reading.steps.is_empty() || !reading.command.as_ref().is_some_and(quiet);
    if judged && !mislaid || tool.is_some_and(|tool| !OPEN.contains(&tool.reader)) {
        return steps;
    }
    // A wrapper that starts what nobody knows: an option of it may have been taken for another.
    let tool = tool.filter(|_| !mislaid);
    if step.program_path().contains(' ') {
        // No program is called so: it is a line for a shell.
        let mut script = line(step.program_path());
        script.supposed = step.supposed;
        steps.push(script);
    }
    for word in step.argv.iter().filter(|w| w.unknown.is_none()) {
        // A command as JSON has it (`aws ecs run-task --overrides`).
        for (_, list) in word
            .text
            .split("\"command\"")
            .skip(1)
            .filter_map(|t| t.split_once('['))
        {
            let list = list.split(']').next().unwrap_or(list);
            let words = list.split('"').skip(1).step_by(2).map(Word::literal);
            let argv: Vec<Word> = words.collect();
            steps.extend((!argv.is_empty()).then(|| start(argv)));
        }
    }
    let mut runs = executes(step.program_path());
    let words = step.argv.get(1..).unwrap_or(&[]);
    for (at, word) in words.iter().enumerate().take(WORDS) {
        if word.unknown.is_some() {
            continue;
        }
        let text = match word.text.split_once('=') {
            Some((name, value)) if executes(name) && !name.contains(' ') => {
                runs = true;
                value
            }
            _ => word.text.as_str(),
        };
        if text.contains(' ') {
            if runs {
                let mut script = line(text);
                // A tool that is known does start what stands there.
                script.supposed -= u8::from(tool.is_some());
                steps.push(script);
            }
        } else if at + 1 < words.len() && leads(tool.filter(|_| !runs), word) {
            steps.push(start(words.get(at..).unwrap_or(&[]).to_vec()));
        }
        runs |= executes(text);
    }
    steps
}

/// Whether the word behind this one is a command line.
fn executes(word: &str) -> bool {
    let parts = [
        "exec", "run", "ssh", "shell", "cmd", "command", "eval", "script", "send-", "stuff", "wrap",
    ];
    matches!(word, "-c" | "-e" | "-x" | "lock" | "send")
        || parts.iter().any(|part| word.contains(part))
}

/// Whether a word among those of `tool` is a program that may be started: a client, or for an
/// unknown tool any but those whose names are everyday words.
fn leads(tool: Option<&Tool>, word: &Word) -> bool {
    let name = word.text.rsplit('/').next().unwrap_or("");
    // Words that are programs too.
    let vague = [
        "service",
        "port",
        "snap",
        "pkg",
        "sv",
        "kill",
        "init",
        "halt",
        "reboot",
        "shutdown",
        "postgresql",
        "postgres",
    ];
    let clients = [
        "libpq",
        "mysql",
        "sqlite3",
        "redis-cli",
        "mongo",
        "sqlcmd",
        "query",
        "clickhouse",
        "rails",
        "rake",
        "django",
        "artisan",
        "shell",
        "sudo",
        "su",
        "env",
        "php",
        "python",
        "bundle",
    ];
    catalogue::find(name).is_some_and(|found| match tool {
        Some(_) => clients.contains(&found.reader),
        None => {
            let plain = found.reader == "plain" && found.data("runs").is_empty();
            !plain && !vague.contains(&name)
        }
    })
}

/// The command lines in the options and variables of `data.runs`: `$NAME` is a variable, `-c=` an
/// option whose value has the line behind a `=`, `EXEC:` a word that starts so before a colon, `+` or `!` a word that starts so. Of programs with `data.bang`
/// only what starts with `!` is one.
fn scripts(tool: &'static Tool, step: &Step) -> Vec<String> {
    let entries = tool.data("runs");
    if entries.is_empty() {
        return Vec::new();
    }
    let args = Args::parse(&step.argv, tool.value_options);
    let mut found = Vec::new();
    for entry in entries {
        if let Some(name) = entry.strip_prefix('$') {
            found.extend(step.vars.text(name).map(|text| text.into_owned()));
        } else if let Some(address) = entry.strip_suffix(':') {
            // socat's addresses: `EXEC:ls`, `SYSTEM:ls`.
            let words = step.words().filter_map(|w| w.split_once(':'));
            let own = words.filter(|(kind, _)| kind.eq_ignore_ascii_case(address));
            found.extend(own.map(|(_, line)| line.to_owned()));
        } else if matches!(*entry, "+" | "!") {
            let words = step.words().filter_map(|w| w.strip_prefix(*entry));
            found.extend(words.map(str::to_owned));
        } else {
            let name = entry.trim_end_matches('=');
            let values = args.options.iter().filter(|o| o.name == name);
            let values = values.filter_map(|o| o.value.as_deref());
            found.extend(values.filter_map(|value| match entry.ends_with('=') {
                true => value.split_once('=').map(|(_, line)| line.to_owned()),
                false => Some(value.to_owned()),
            }));
        }
    }
    if !tool.data("bang").is_empty() {
        found = found.iter().filter_map(|text| bang(text)).collect();
        if let Stdin::Text(text, _) = &step.stdin {
            found.extend(text.lines().filter_map(line_command));
        }
    }
    found
}

/// The shell's part of a line of `ed` and `ex`: `!ls`, `w !psql`, `1,$r !ls`.
fn line_command(line: &str) -> Option<String> {
    let (before, command) = line.split_once('!')?;
    let address = before.trim_end_matches(['w', 'r', ' ']);
    let address = address.trim_end_matches("write").trim_end_matches("read");
    let plain = |c: char| c.is_ascii_digit() || ",.$%:; +-'".contains(c);
    address.chars().all(plain).then(|| command.to_owned())
}

/// The shell's part of an editor's command: `!ls`, `:call system("ls")`, `lua os.execute('ls')`.
fn bang(text: &str) -> Option<String> {
    let text = text.trim_start_matches(['+', ':']);
    let calls = ["system(", "execute(", "termopen(", "jobstart(", "popen("];
    let called = calls.iter().find_map(|call| text.split_once(call));
    Some(match called {
        Some((_, rest)) => rest
            .trim_end_matches(')')
            .trim_matches(['\'', '"'])
            .to_owned(),
        None => {
            let mut verbs = ["!", "terminal ", "term "].iter();
            verbs.find_map(|verb| text.strip_prefix(verb))?.to_owned()
        }
    })
}
