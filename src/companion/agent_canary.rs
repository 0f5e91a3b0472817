//! `tagout doctor --agent NAME`: proves with a canary that a refusal refuses. The hook is started
//! as the agent's own settings say, and its answer read as the agent reads it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::agents;
use crate::agent::{
    Agent, CANARY_LINE, Canary, HARMLESS_LINE, Installed, Place, canary, found_in, refuses,
};
use crate::cli::{Session, exit};
use crate::files::{FileError, Files};
use crate::sys::tool;

/// How long a hook may take here.
const LIMIT: Duration = Duration::from_secs(30);

/// What was found out, line by line.
#[derive(Default)]
struct Findings {
    lines: Vec<String>,
    failed: bool,
    guarded: bool,
}

impl Findings {
    fn say(&mut self, good: bool, what: String) {
        self.failed |= !good;
        let mark = if good { "ok     " } else { "missing" };
        self.lines.push(format!("{mark}  {what}"));
    }
}

/// Tries the hooks of an agent; 0 where every refusal refuses, 1 where one does not.
pub(super) fn run(session: &mut Session, agent: Agent) -> u8 {
    let mut findings = Findings::default();
    for place in agents::places(session, agent) {
        for (path, text) in texts(session, &place) {
            let shown = path.display().to_string();
            match text.and_then(|text| found_in(agent, &text)) {
                Ok(found) => {
                    for hook in found {
                        try_hook(session, agent, &hook, &shown, &mut findings);
                    }
                }
                Err(why) => findings.say(false, format!("{shown} {why}")),
            }
        }
    }
    if !findings.guarded {
        let what = format!(
            "{} asks tagout nowhere about its shell commands",
            agent.title()
        );
        findings.say(false, what);
    }
    let mut text = findings.lines.join("\n");
    text.push('\n');
    if findings.failed {
        let word = agent.word();
        text.push_str(&format!(
            "how to get it: tagout hook --agent {word} --install\n"
        ));
    }
    for note in unseen(agent) {
        text.push_str(&format!("note     {note}\n"));
    }
    session.ui.data(&text);
    if findings.failed {
        exit::FOUND
    } else {
        exit::OK
    }
}

/// The settings that are there, with their texts.
fn texts(session: &Session, place: &Place) -> Vec<(PathBuf, Result<String, String>)> {
    let files: Vec<PathBuf> = match place.folder {
        true => {
            let names = session.files.list(&place.path).into_iter();
            names
                .filter(|n| n.ends_with(".json"))
                .map(|n| place.path.join(n))
                .collect()
        }
        false => vec![place.path.clone()],
    };
    let read = |path: &Path| match session.files.read_text(path) {
        Err(FileError::Missing) => None,
        Err(e) => Some(Err(format!("cannot be read: {e}"))),
        Ok(text) => Some(Ok(text)),
    };
    files
        .into_iter()
        .filter_map(|path| read(&path).map(|text| (path, text)))
        .collect()
}

fn try_hook(
    session: &Session,
    agent: Agent,
    hook: &Installed,
    shown: &str,
    findings: &mut Findings,
) {
    let at = format!("{shown}, {}", hook.event);
    let matcher = hook.matcher.as_deref().unwrap_or_default();
    match hook.covers_shell(agent) {
        Some(true) => {}
        Some(false) => {
            let what = format!("{at}: the matcher `{matcher}` leaves out shell commands");
            return findings.say(false, what);
        }
        None => findings.say(
            true,
            format!("{at}: whether `{matcher}` covers shell commands is not known"),
        ),
    }
    let cwd = session.invocation.cwd.display().to_string();
    let asked = [
        (
            "a command that destroys production",
            canary(agent, &hook.event, CANARY_LINE, &cwd),
            true,
        ),
        (
            "a question that breaks off",
            "{\"tool_name\":\"Ba".to_owned(),
            true,
        ),
        (
            "a harmless command",
            canary(agent, &hook.event, HARMLESS_LINE, &cwd),
            false,
        ),
    ];
    for (what, input, refusal) in asked {
        let answer = match ask(session, &hook.command, &input) {
            Ok((status, out, err)) => refuses(agent, status, &out, &err),
            Err(why) => Canary::Ignored(why),
        };
        let (good, said) = match (&answer, refusal) {
            (Canary::Refused, true) => (true, "is refused".to_owned()),
            (Canary::Runs, false) => (true, "runs".to_owned()),
            (Canary::Refused, false) => (false, "is refused too".to_owned()),
            (Canary::Runs, true) => (false, "would run".to_owned()),
            (Canary::Ignored(why), _) => (
                false,
                format!("would run: the agent ignores the answer, {why}"),
            ),
        };
        findings.say(good, format!("{at}: {what} {said}"));
        findings.guarded |= refusal && answer == Canary::Refused;
    }
}

/// Starts a hook as an agent does: by a shell, with the agent's environment.
fn ask(
    session: &Session,
    command: &str,
    input: &str,
) -> Result<(Option<i32>, String, String), String> {
    let variables: Vec<(String, String)> = session
        .invocation
        .environ
        .iter()
        .filter_map(|entry| entry.to_str()?.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let done = tool::run("sh", &["-c", command], &variables, input.as_bytes(), LIMIT)?;
    let out = String::from_utf8_lossy(&done.out).into_owned();
    Ok((done.status.code(), out, done.err))
}

/// What only the agent itself can say.
fn unseen(agent: Agent) -> &'static [&'static str] {
    match agent {
        Agent::Claude => &[
            "a session that was running before the settings changed may not have them: see /hooks in it",
        ],
        Agent::Codex => &[
            "Codex runs a hook only once it is trusted, which cannot be seen from here: see /hooks in it",
            "hooks in config.toml are not read here",
        ],
        Agent::Gemini => &["whether hooks are switched on in Gemini CLI is seen with /hooks in it"],
        Agent::Copilot => &[
            "a hook that takes longer than its `timeoutSec` is ignored by Copilot: leave it at 30",
        ],
        Agent::Cursor => &[
            "Cursor reads its hooks when it starts: restart it after a change, and see its Hooks settings",
        ],
    }
}
