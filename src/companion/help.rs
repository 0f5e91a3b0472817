//! `tagout help`: on a command, a topic or a rule.

use clap::{Arg, ArgMatches, Command};

use crate::check::rule;
use crate::cli::{Session, exit};
use crate::profile::closest;
use crate::topics::{self, TOPICS};

/// The definition.
pub(super) fn define(command: Command) -> Command {
    command
        .arg(
            Arg::new("words")
                .value_name("COMMAND|TOPIC|RULE")
                .num_args(0..)
                .help("A command (`log verify`), a topic, or a rule as a refusal names it (destroys-unmarked)"),
        )
        .after_help(format!("Topics:\n{}", listed()))
}

fn listed() -> String {
    let lines = TOPICS.iter();
    lines
        .map(|t| format!("  {:<13}{}\n", t.name, t.about))
        .collect()
}

/// Shows it.
pub(super) fn run(session: &mut Session, matches: &ArgMatches) -> u8 {
    let words: Vec<&str> = matches
        .get_many::<String>("words")
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    match page(&words) {
        Ok(text) => {
            session.ui.data(&text);
            exit::OK
        }
        Err((word, hint)) => {
            session.ui.error(
                &format!("there is no command, topic or rule `{word}`"),
                &[hint],
            );
            exit::USAGE
        }
    }
}

fn page(words: &[&str]) -> Result<String, (String, String)> {
    let mut command = super::definition();
    command.build();
    if let [word] = words
        && command.find_subcommand(word).is_none()
        && let Some(text) = topics::text(word).or_else(|| rule(word).map(|r| r.page.to_owned()))
    {
        return Ok(text);
    }
    for word in words {
        let Some(inner) = command.find_subcommand(word) else {
            return Err(((*word).to_owned(), near(word, &command)));
        };
        command = inner.clone();
    }
    let mut text = command.render_long_help().to_string();
    if words.is_empty() {
        text.push_str(&format!("\nTopics (tagout help TOPIC):\n{}", listed()));
    }
    Ok(text)
}

fn near(word: &str, command: &Command) -> String {
    let mut known = topics::names();
    known.extend(command.get_subcommands().map(|c| c.get_name().to_owned()));
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    match closest(word, &known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`tagout help` lists commands and topics, `tagout help rules` the rules".to_owned(),
    }
}
