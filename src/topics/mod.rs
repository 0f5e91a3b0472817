//! What `tagout help TOPIC` says. Tables are data that the code shares: the rules come from the
//! decision table, the settings are held against the parser.

pub mod exits;
pub mod rules;
pub mod settings;

use crate::command::Effect;
use crate::profile::{BUILTIN, parse_profile};

/// A topic.
#[derive(Debug, Clone, Copy)]
pub struct Topic {
    /// Its name.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// Its text.
    pub text: fn() -> String,
}

/// All topics.
pub const TOPICS: &[Topic] = &[
    Topic {
        name: "rules",
        about: "The rules that allow and refuse; `tagout help RULE` explains one",
        text: all_rules,
    },
    Topic {
        name: "effects",
        about: "What a command can do to a database, from reads to destroys",
        text: effects,
    },
    Topic {
        name: "marks",
        about: "How a target becomes production or disposable",
        text: || include_str!("text/marks.txt").to_owned(),
    },
    Topic {
        name: "profiles",
        about: "What passes to a command, and what it may do",
        text: profiles,
    },
    Topic {
        name: "layers",
        about: "Machine, user, project: whose file counts, and trust",
        text: || include_str!("text/layers.txt").to_owned(),
    },
    Topic {
        name: "settings",
        about: "Every setting of a configuration file",
        text: all_settings,
    },
    Topic {
        name: "environment",
        about: "Which variables reach the command, and why the others do not",
        text: || include_str!("text/environment.txt").to_owned(),
    },
    Topic {
        name: "targets",
        about: "How tagout finds out which database a command reaches",
        text: || include_str!("text/targets.txt").to_owned(),
    },
    Topic {
        name: "fence",
        about: "How the kernel holds a command to its targets",
        text: || include_str!("text/fence.txt").to_owned(),
    },
    Topic {
        name: "journal",
        about: "What is recorded, where, and how it stays believable",
        text: || include_str!("text/journal.txt").to_owned(),
    },
    Topic {
        name: "exit-codes",
        about: "What the exit status says",
        text: exit_codes,
    },
    Topic {
        name: "limits",
        about: "What tagout does not see",
        text: || include_str!("text/limits.txt").to_owned(),
    },
];

/// The text of a topic or of a rule.
pub fn text(name: &str) -> Option<String> {
    if let Some(topic) = TOPICS.iter().find(|t| t.name == name) {
        return Some((topic.text)());
    }
    rules::rules()
        .into_iter()
        .find(|r| r.name == name)
        .map(|rule| {
            let forward = match rule.forward {
                "" => String::new(),
                forward => format!("\nWays forward\n{}", wrapped(forward, "  ")),
            };
            format!(
                "{}\n\nWhen it decides\n{}\nWhat it decides\n{}{forward}",
                rule.name,
                wrapped(&rule.when, "  "),
                wrapped(&rule.decides, "  ")
            )
        })
}

/// The names that a wrong word may have meant, nearest first.
pub fn names() -> Vec<String> {
    let topics = TOPICS.iter().map(|t| t.name.to_owned());
    topics
        .chain(rules::rules().into_iter().map(|r| r.name))
        .collect()
}

fn all_rules() -> String {
    let mut text =
        "A command's strongest effect and what its target is name the rule: destroys-production.\n\
        Several targets or actions: the strictest verdict wins. `tagout help RULE` says more.\n\n"
            .to_owned();
    for rule in rules::rules() {
        text.push_str(&format!("{:<27}{}", rule.name, hanging(&rule.decides, 27)));
    }
    text
}

fn effects() -> String {
    let mut text =
        "Weakest first. A command with several actions has its strongest one's effect.\n\n"
            .to_owned();
    for effect in Effect::ALL {
        text.push_str(&format!(
            "{:<16}{}",
            effect.word(),
            hanging(rules::effect_text(effect), 16)
        ));
    }
    text.push_str("\nA program that the catalogue does not know has effect `none` for the verdict; it runs\nscrubbed, fenced and recorded.\n");
    text
}

fn exit_codes() -> String {
    let lines = exits::EXITS.iter();
    lines
        .map(|(code, meaning)| format!("{code:<19}{}", hanging(meaning, 19)))
        .collect()
}

fn profiles() -> String {
    let mut text = include_str!("text/profiles.txt").to_owned();
    for (name, body) in BUILTIN {
        let described = parse_profile(body, name).ok().and_then(|p| p.description);
        text.push_str(&format!(
            "  {name:<10}{}",
            hanging(&described.unwrap_or_default(), 12)
        ));
    }
    text
}

fn all_settings() -> String {
    let mut text = String::new();
    for part in settings::PARTS {
        let head = if part.head.is_empty() {
            "top of a file"
        } else {
            part.head
        };
        text.push_str(&format!("{head}: {}\n", part.about));
        for setting in part.settings {
            text.push_str(&format!(
                "  {:<20}{}",
                setting.key,
                hanging(setting.does, 22)
            ));
            let more = format!("takes {}; default: {}", setting.takes, setting.default);
            text.push_str(&format!("{:22}{}", "", hanging(&more, 22)));
        }
        text.push('\n');
    }
    text
}

const WIDTH: usize = 96;

/// Lines of at most [`WIDTH`], each behind the indent.
fn wrapped(text: &str, indent: &str) -> String {
    let mut out = String::new();
    for line in lines(text, WIDTH.saturating_sub(indent.len())) {
        out.push_str(&format!("{indent}{line}\n"));
    }
    out
}

/// Lines that go on below each other behind `column` blanks; the first begins where it is.
fn hanging(text: &str, column: usize) -> String {
    let blanks = " ".repeat(column);
    wrapped(text, &blanks).trim_start().to_owned()
}

fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
