//! `tagout hook --agent NAME`: answers a coding agent before it runs a command. Whatever goes
//! wrong here is answered with a refusal in the agent's own words: agents take a hook that fails
//! for no hook.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::{Arg, ArgAction, Command};

use crate::agent::{self, Agent, Answer, Approval, MAX_INPUT, Place, Rules};
use crate::cli::companion::agent_named;
use crate::cli::{self, Session, exit};
use crate::command::Stdin;
use crate::config;
use crate::plan::{Plan, Request, Scene, plan};
use crate::sys::process;

/// How long an answer may take: the shortest patience of an agent is 30 s, and silence would let
/// the command run.
const LIMIT: Duration = Duration::from_secs(20);

/// What belongs to agents in the definition of `hook`.
pub(super) fn arguments(command: Command) -> Command {
    let agents: Vec<&str> = Agent::WORDS.iter().map(|(word, _)| *word).collect();
    command
        .arg(
            Arg::new("agent")
                .long("agent")
                .value_name("NAME")
                .value_parser(clap::builder::PossibleValuesParser::new(agents))
                .help("Answer this coding agent: its question is read from standard input"),
        )
        .arg(
            Arg::new("install")
                .long("install")
                .action(ArgAction::SetTrue)
                .requires("agent")
                .help("Print what belongs into the agent's settings, and where"),
        )
        .arg(
            Arg::new("profile")
                .short('p')
                .long("profile")
                .value_name("NAME")
                .default_value("agent")
                .help("The profile that the agent's commands run under"),
        )
        .arg(
            Arg::new("no-rewrite")
                .long("no-rewrite")
                .action(ArgAction::SetTrue)
                .help("Never replace a command: ask the agent to write it behind tagout itself"),
        )
        .arg(
            Arg::new("approve")
                .long("approve")
                .action(ArgAction::SetTrue)
                .help("What tagout allows runs without a question of the agent (Claude Code, Copilot)"),
        )
}

/// Takes over where the words ask for an agent's hook, before anything else can fail.
pub(super) fn early(args: &[OsString]) -> Option<u8> {
    let agent = agent_named(args)?;
    let asks = args
        .iter()
        .any(|a| matches!(a.to_str(), Some("--install" | "--help" | "-h")));
    if asks {
        return None;
    }
    guard(agent);
    let answer = match answer(agent, args) {
        Ok(answer) => answer,
        Err(why) => agent::deny_text(agent, &format!("tagout: {why}")),
    };
    Some(say(&answer))
}

/// Whether an answer was given: there is only one.
static ANSWERED: AtomicBool = AtomicBool::new(false);

/// Writes the answer, once and whole.
fn say(text: &str) -> u8 {
    if ANSWERED.swap(true, Ordering::SeqCst) {
        return exit::OK;
    }
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => exit::OK,
        Err(_) => exit::FAILED,
    }
}

/// A panic, and an answer that takes too long, are refusals.
fn guard(agent: Agent) {
    std::panic::set_hook(Box::new(move |_| {
        let text = agent::deny_text(agent, "tagout failed while it judged this command");
        process::leave(say(&text));
    }));
    std::thread::spawn(move || {
        std::thread::sleep(LIMIT);
        let text = agent::deny_text(
            agent,
            &format!(
                "tagout took longer than {} s to judge this command",
                LIMIT.as_secs()
            ),
        );
        process::leave(say(&text));
    });
}

fn answer(agent: Agent, args: &[OsString]) -> Result<String, String> {
    let mut input = Vec::new();
    let limit = u64::try_from(MAX_INPUT)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    std::io::stdin()
        .take(limit)
        .read_to_end(&mut input)
        .map_err(|e| format!("the hook's input cannot be read: {e}"))?;
    let matches = super::definition()
        .try_get_matches_from(args)
        .map_err(|e| {
            format!(
                "the hook is configured wrong: {}",
                first_line(&e.to_string())
            )
        })?;
    let Some(("hook", matches)) = matches.subcommand() else {
        return Err("the hook is configured wrong".to_owned());
    };
    let call = agent::read(&input)?;
    let session = Session::begin().map_err(|_| "the working directory cannot be read")?;
    let approval = match matches.get_flag("approve") {
        true => Approval::Approve,
        false => Approval::Ask,
    };
    let profile = matches
        .get_one::<String>("profile")
        .map_or("agent", String::as_str);
    let program = launcher().map_err(|e| format!("its own place is not known: {e}"))?;
    let folder = session.config_folder(matches.get_one("config"));
    let rules = Rules {
        program: &program,
        profile,
        rewrite: !matches.get_flag("no-rewrite"),
        home: session.invocation.caller.home.as_deref(),
        plan: &|argv, cwd| judge(&session, profile, folder.as_deref(), argv, cwd),
    };
    let outcome = agent::decide(&call, &session.invocation.cwd, &rules);
    let mut answer = outcome.answer;
    if let Some(plan) = &outcome.refused
        && let Err(why) = cli::record_refusal(&session, plan)
        && let Answer::Deny(reason) = &mut answer
    {
        reason.push_str(&format!(" (this refusal is not recorded: {why})"));
    }
    Ok(agent::encode(agent, Some(&call), &answer, approval))
}

fn judge(
    session: &Session,
    profile: &str,
    folder: Option<&Path>,
    argv: &[OsString],
    cwd: &Path,
) -> Result<Plan, String> {
    let config = config::load(cwd, folder, &session.files).map_err(|e| e.to_string())?;
    let request = Request {
        profile: Some(profile.to_owned()),
        argv: argv.to_vec(),
        ..Request::default()
    };
    let scene = Scene {
        environ: &session.invocation.environ,
        cwd,
        caller: &session.invocation.caller,
        config: &config,
        files: &session.files,
        stdin: &Stdin::Inherited,
        probe: None,
    };
    plan(&request, scene).map_err(|e| e.to_string())
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// Prints the settings; the questions of agents are answered by [`early`].
pub(super) fn print_settings(session: &mut Session, word: &str) -> u8 {
    let Some(agent) = Agent::from_word(word) else {
        return exit::USAGE;
    };
    let program = match launcher() {
        Ok(program) => program,
        Err(e) => return session.failed(&format!("its own place is not known: {e}"), &[]),
    };
    let place = places(session, agent)
        .first()
        .map(|place| match place.folder {
            true => place.path.join("tagout.json"),
            false => place.path.clone(),
        });
    if let Some(place) = place {
        session.ui.message(&format!(
            "{}: put this into {} (beside what is there), then run `tagout doctor --agent {word}`\n",
            agent.title(),
            place.display(),
        ));
    }
    session
        .ui
        .data(&format!("{}\n", agent::snippet(agent, &program)));
    exit::OK
}

/// Where the agent looks for hooks.
pub(super) fn places(session: &Session, agent: Agent) -> Vec<Place> {
    let variable = |name: &str| session.invocation.variable(name);
    agent::places(agent, &home(session), &session.invocation.cwd, &variable)
}

/// The launcher, which lies beside this program.
fn launcher() -> std::io::Result<String> {
    let path = process::beside("tagout")?.into_os_string().into_string();
    path.map_err(|_| std::io::ErrorKind::InvalidData.into())
}

/// The home that the agents go by.
fn home(session: &Session) -> std::path::PathBuf {
    let said = session
        .invocation
        .variable("HOME")
        .filter(|h| !h.is_empty());
    said.map(Into::into)
        .or_else(|| session.invocation.caller.home.clone())
        .unwrap_or_default()
}
