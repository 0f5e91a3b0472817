//! `tagout doctor`: each protection tried on this machine.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Value, json};

use super::agent_canary;
use super::definition::config_option;
use crate::agent::Agent;
use crate::cli::{self, Session, exit};
use crate::config;
use crate::doctor::{Bench, Circumstances, Finding, Status, check};
use crate::ui::{Tone, paint};

/// The definition.
pub(super) fn define(command: Command) -> Command {
    let agents: Vec<&str> = Agent::WORDS.iter().map(|(word, _)| *word).collect();
    command
        .arg(config_option())
        .arg(
            Arg::new("agent")
                .long("agent")
                .value_name("NAME")
                .value_parser(PossibleValuesParser::new(agents))
                .help("Try the hooks that this coding agent is configured with, and nothing else"),
        )
        .arg(
            Arg::new("profile")
                .short('p')
                .long("profile")
                .value_name("NAME")
                .help("Try the launch of this profile [default: the one a run here would use]"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("As JSON (schema tagout.doctor/1)"),
        )
        .after_help(
            "Each protection is tried with a canary that gets through where it does not work: poisoned variables,\n\
             an inherited socket, a DROP DATABASE on a server marked as production, a connect to it. The canaries\n\
             reach nothing but this machine's loopback; one run is recorded in the journal.\n\n\
             Exit status: 0 nothing fails, 1 something does.",
        )
}

/// Tries them and says what came of it.
pub(super) fn run(session: &mut Session, matches: &ArgMatches) -> u8 {
    let agent = matches.get_one::<String>("agent");
    if let Some(agent) = agent.and_then(|word| Agent::from_word(word)) {
        return agent_canary::run(session, agent);
    }
    let here = circumstances(session, matches);
    let companion = match Path::new("/proc/self/exe").read_link() {
        Ok(path) => path,
        Err(e) => return session.failed(&format!("this program cannot find itself: {e}"), &[]),
    };
    let path = session.invocation.variable("PATH").unwrap_or_default();
    let bench = match Bench::new(companion.with_file_name("tagout"), companion, path) {
        Ok(bench) => bench,
        Err(e) => return session.failed(&format!("the canaries have no place: {e}"), &[]),
    };
    let findings = check(&bench, &here);
    let text = if matches.get_flag("json") {
        format!("{}\n", as_json(&findings))
    } else {
        as_text(&findings, session.ui.colours_data())
    };
    session.ui.data(&text);
    if findings.iter().any(|f| f.status == Status::Fails) {
        exit::FOUND
    } else {
        exit::OK
    }
}

fn circumstances(session: &Session, matches: &ArgMatches) -> Circumstances {
    let mut options = Vec::new();
    for name in ["config", "profile"] {
        if let Some(value) = matches.get_one::<String>(name) {
            options.extend([format!("--{name}"), value.clone()]);
        }
    }
    let folder: Option<PathBuf> = session.config_folder(matches.get_one("config"));
    let config = config::load(&session.invocation.cwd, folder.as_deref(), &session.files);
    Circumstances {
        cwd: session.invocation.cwd.clone(),
        options,
        variables: session
            .invocation
            .environ
            .iter()
            .filter_map(needed)
            .collect(),
        journal: cli::location(session),
        mistake: config.err().map(|e| e.to_string()),
    }
}

/// What decides where a launch finds programs and keeps its journal.
fn needed(entry: &OsString) -> Option<(OsString, OsString)> {
    let (name, value) = entry.to_str()?.split_once('=')?;
    let wanted = ["PATH", "HOME", "XDG_STATE_HOME"].contains(&name);
    wanted.then(|| (OsStr::new(name).to_owned(), OsStr::new(value).to_owned()))
}

fn as_json(findings: &[Finding]) -> Value {
    let findings: Vec<Value> = findings
        .iter()
        .map(|f| json!({"name": f.name, "status": f.status.word().to_ascii_lowercase(), "seen": f.seen, "remedy": f.remedy}))
        .collect();
    json!({"schema": "tagout.doctor/1", "findings": findings})
}

fn as_text(findings: &[Finding], colour: bool) -> String {
    let mut text = String::new();
    for finding in findings {
        let tone = match finding.status {
            Status::Works => Tone::Good,
            Status::Partial | Status::Absent => Tone::Note,
            Status::Fails => Tone::Bad,
        };
        let word = paint(colour, tone, &format!("{:<11}", finding.status.word()));
        text.push_str(&format!("{:<15}{word}{}\n", finding.name, finding.seen));
        if let Some(remedy) = &finding.remedy {
            text.push_str(&format!(
                "{:<26}{} {remedy}\n",
                "",
                paint(colour, Tone::Note, "hint:")
            ));
        }
    }
    text
}
