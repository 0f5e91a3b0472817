//! What is answered to a call: a refusal where the plan refuses, else the same command behind
//! `tagout run`, so that it is judged again where it runs, fenced and recorded.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::line::{simple_words, split_leading_cd, starts_nothing};
use super::{Answer, Asked, Call, Event};
use crate::command::shell::quoted;
use crate::command::{Command, Effect};
use crate::plan::Plan;
use crate::policy::Decision;

/// Judges words in a directory.
pub type Planner<'a> = &'a dyn Fn(&[OsString], &Path) -> Result<Plan, String>;

/// How calls are judged.
pub struct Rules<'a> {
    /// The launcher, by its absolute path.
    pub program: &'a str,
    /// The profile that an agent's commands run under.
    pub profile: &'a str,
    /// The input of a tool may be replaced.
    pub rewrite: bool,
    /// The user's home, for the files that no agent may touch.
    pub home: Option<&'a Path>,
    /// Judges words in a directory.
    pub plan: Planner<'a>,
}

/// An answer, and the plan that was refused, for the journal.
#[derive(Debug)]
pub struct Outcome {
    /// The answer.
    pub answer: Answer,
    /// What was refused.
    pub refused: Option<Box<Plan>>,
}

impl Outcome {
    fn of(answer: Answer) -> Outcome {
        Outcome {
            answer,
            refused: None,
        }
    }
}

/// Answers a call. `here` is the directory where it names none.
pub fn decide(call: &Call, here: &Path, rules: &Rules<'_>) -> Outcome {
    let cwd = call.cwd.as_ref().map_or(here.to_owned(), |c| here.join(c));
    let words = match &call.asked {
        Asked::Nothing => return Outcome::of(untouched(call, &cwd, rules)),
        Asked::Line { text, .. } => words_of(text),
        Asked::Words { words, .. } => words.clone(),
    };
    let argv: Vec<OsString> = words.iter().map(OsString::from).collect();
    let plan = match (rules.plan)(&argv, &cwd) {
        Ok(plan) => plan,
        Err(why) => return Outcome::of(Answer::Deny(refusal(&[why], &[]))),
    };
    let said = match &call.asked {
        Asked::Line { text, .. } => text.clone(),
        _ => words.join(" "),
    };
    let plan = match forbidden(&said, &plan, &cwd, rules) {
        Some(why) => refused_because(plan, why),
        None => plan,
    };
    if !plan.verdict.is_allowed() {
        let reason = refusal(&plan.verdict.reasons, &plan.verdict.hints);
        return Outcome {
            answer: Answer::Deny(reason),
            refused: Some(Box::new(plan)),
        };
    }
    Outcome::of(allowed(call, &plan, &words, rules))
}

/// The words that a line is judged and started as.
fn words_of(line: &str) -> Vec<String> {
    simple_words(line).unwrap_or_else(|| vec!["bash".to_owned(), "-c".to_owned(), line.to_owned()])
}

fn allowed(call: &Call, plan: &Plan, words: &[String], rules: &Rules<'_>) -> Answer {
    if is_wrapped(words, rules) || call.event == Event::Permission {
        return Answer::Pass;
    }
    if let Asked::Line { text, .. } = &call.asked
        && starts_nothing(text)
    {
        return Answer::Pass;
    }
    let behind = |words: &[String]| -> Vec<String> {
        let start = [rules.program, "run", "--profile", rules.profile, "--"];
        start
            .iter()
            .map(|w| (*w).to_owned())
            .chain(words.iter().cloned())
            .collect()
    };
    let spelled = |words: &[String]| -> String {
        behind(words)
            .iter()
            .map(|w| quoted(w))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let (field, value) = match &call.asked {
        Asked::Nothing => return Answer::Pass,
        Asked::Words { field, words } => (field, json!(behind(words))),
        Asked::Line { field, text } => {
            let (head, rest) = split_leading_cd(text).unwrap_or(("", text));
            (field, json!(format!("{head}{}", spelled(&words_of(rest)))))
        }
    };
    if call.event == Event::Tool && rules.rewrite {
        let mut input = call.input.clone();
        input.insert(field.clone(), value);
        return Answer::Rewrite {
            input,
            field: field.clone(),
        };
    }
    // Where the agent cannot be given another command, it is asked to write that one itself.
    if plan.effect() > Effect::None {
        let shown = value.as_str().map_or_else(|| spelled(words), str::to_owned);
        return Answer::Deny(format!(
            "tagout: a command that reaches a database runs behind tagout. Run it as: {shown}"
        ));
    }
    Answer::Pass
}

/// The launcher itself with the agent's profile and nothing else chosen.
fn is_wrapped(words: &[String], rules: &Rules<'_>) -> bool {
    let Some((program, rest)) = words.split_first() else {
        return false;
    };
    is_tagout(program) && runs_with(rest, rules.profile).is_some()
}

fn is_tagout(program: &str) -> bool {
    matches!(
        program.rsplit('/').next(),
        Some("tagout" | "tagout-companion" | "tagout-ship")
    )
}

/// The command behind `run -p PROFILE --`.
fn runs_with<'w>(words: &'w [String], profile: &str) -> Option<&'w [String]> {
    let spelled: Vec<&str> = words.iter().map(String::as_str).collect();
    let skipped = match spelled.as_slice() {
        ["run", "-p" | "--profile", name, "--", _, ..] if *name == profile => 4,
        ["run", option, "--", _, ..] if option.strip_prefix("--profile=") == Some(profile) => 3,
        _ => return None,
    };
    words.get(skipped..)
}

/// Subcommands that change nothing.
const ASKING: &[&str] = &[
    "explain",
    "log",
    "dotenv",
    "check",
    "help",
    "--help",
    "-h",
    "--version",
    "-V",
    "doctor",
];

/// Why a command that the plan would allow is not for an agent.
fn forbidden(line: &str, plan: &Plan, cwd: &Path, rules: &Rules<'_>) -> Option<String> {
    if names_own_files(line, rules.home) {
        return Some("an agent does not touch tagout's own configuration and journal".to_owned());
    }
    plan.commands
        .iter()
        .map(|judged| &judged.command)
        .filter(|command| is_tagout(command.step.program()))
        .find_map(|command| own_call(command, cwd, rules))
}

/// What is wrong with a call of tagout that the agent wrote itself.
fn own_call(command: &Command, cwd: &Path, rules: &Rules<'_>) -> Option<String> {
    let other = format!(
        "an agent calls tagout only as `tagout run --profile {} -- COMMAND`, or to ask it something",
        rules.profile
    );
    if command.step.first_unknown().is_some() {
        return Some(other);
    }
    let words: Vec<String> = command.step.words().map(str::to_owned).collect();
    if words.first().is_none_or(|w| ASKING.contains(&w.as_str())) {
        return None;
    }
    let Some(inner) = runs_with(&words, rules.profile) else {
        return Some(other);
    };
    let argv: Vec<OsString> = inner.iter().map(OsString::from).collect();
    let folder = if command.step.cwd.is_absolute() {
        command.step.cwd.clone()
    } else {
        cwd.to_owned()
    };
    match (rules.plan)(&argv, &folder) {
        Ok(plan) if plan.verdict.is_allowed() => forbidden(&inner.join(" "), &plan, &folder, rules),
        Ok(plan) => Some(plan.verdict.reasons.join("; ")),
        Err(why) => Some(why),
    }
}

/// Files that decide what an agent may do.
const OWN_FILES: &[&str] = &[
    ".config/tagout",
    "/etc/tagout",
    ".local/state/tagout",
    "/var/log/tagout",
];

fn names_own_files(text: &str, home: Option<&Path>) -> bool {
    let inside = home.map(|h| h.join(".config/tagout").display().to_string());
    OWN_FILES.iter().any(|name| text.contains(name)) || inside.is_some_and(|i| text.contains(&i))
}

/// A tool that runs nothing still may not write those files.
fn untouched(call: &Call, cwd: &Path, rules: &Rules<'_>) -> Answer {
    let fields = [
        "file_path",
        "path",
        "filePath",
        "notebook_path",
        "target_file",
    ];
    let paths = fields
        .iter()
        .filter_map(|field| call.input.get(*field))
        .filter_map(Value::as_str)
        .map(|path| crate::files::lexical(&cwd.join(path)));
    let writes = [
        "content",
        "new_string",
        "new_str",
        "edits",
        "file_text",
        "contents",
    ];
    let writes = writes.iter().any(|field| call.input.contains_key(*field));
    let own = |path: PathBuf| names_own_files(&path.display().to_string(), rules.home);
    match writes && paths.into_iter().any(own) {
        true => Answer::Deny(
            "tagout: an agent does not touch tagout's own configuration and journal".to_owned(),
        ),
        false => Answer::Pass,
    }
}

fn refused_because(mut plan: Plan, why: String) -> Plan {
    plan.verdict.decision = Decision::Refused;
    plan.verdict.rule = "agent".to_owned();
    plan.verdict.reasons = vec![why];
    plan.verdict.hints = Vec::new();
    plan
}

fn refusal(reasons: &[String], hints: &[String]) -> String {
    let mut text = "tagout refused this command".to_owned();
    for (mark, items) in [(": ", reasons), (". Hint: ", hints)] {
        if !items.is_empty() {
            text.push_str(mark);
            text.push_str(&items.join("; "));
        }
    }
    text
}
