//! Where agents keep their hooks, what belongs there, and what stands there.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Agent;
use crate::command::shell::quoted;

/// A file in which an agent looks for hooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, or a folder whose `*.json` files are all read.
    pub path: PathBuf,
    /// Whose it is: `user`, `project`, `machine`.
    pub whose: &'static str,
    /// It is a folder.
    pub folder: bool,
}

/// One of tagout's hooks as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The agent's event that it is configured for.
    pub event: String,
    /// Which tools it is asked about; `None` for all.
    pub matcher: Option<String>,
    /// The command that the agent runs.
    pub command: String,
}

impl Installed {
    /// Whether it is asked about the agent's shell tool; `None` where that cannot be told.
    pub fn covers_shell(&self, agent: Agent) -> Option<bool> {
        let matcher = match self.matcher.as_deref() {
            None | Some("" | "*" | ".*" | "**") => return Some(true),
            Some(matcher) => matcher,
        };
        let tools: &[&str] = match agent {
            Agent::Claude | Agent::Codex => &["Bash"],
            Agent::Gemini => &["run_shell_command"],
            Agent::Copilot => &["bash", "Bash"],
            Agent::Cursor => &["Shell"],
        };
        if matcher.split('|').any(|name| tools.contains(&name)) {
            return Some(true);
        }
        let literal = |c: char| c.is_ascii_alphanumeric() || "_|-".contains(c);
        matcher.chars().all(literal).then_some(false)
    }
}

/// Where an agent looks, the user's own places first. `variable` reads the caller's environment.
pub fn places(
    agent: Agent,
    home: &Path,
    project: &Path,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Vec<Place> {
    let under = |name: &str, folder: &str| {
        variable(name)
            .filter(|v| !v.is_empty())
            .map_or_else(|| home.join(folder), PathBuf::from)
    };
    let file = |path: PathBuf, whose| Place {
        path,
        whose,
        folder: false,
    };
    let folder = |path: PathBuf, whose| Place {
        path,
        whose,
        folder: true,
    };
    match agent {
        Agent::Claude => {
            let own = under("CLAUDE_CONFIG_DIR", ".claude");
            vec![
                file(own.join("settings.json"), "user"),
                file(project.join(".claude/settings.json"), "project"),
                file(project.join(".claude/settings.local.json"), "project"),
                file("/etc/claude-code/managed-settings.json".into(), "machine"),
            ]
        }
        Agent::Codex => {
            let own = under("CODEX_HOME", ".codex");
            vec![
                file(own.join("hooks.json"), "user"),
                file(project.join(".codex/hooks.json"), "project"),
            ]
        }
        Agent::Gemini => vec![
            file(home.join(".gemini/settings.json"), "user"),
            file(project.join(".gemini/settings.json"), "project"),
            file("/etc/gemini-cli/settings.json".into(), "machine"),
        ],
        Agent::Copilot => {
            let own = under("COPILOT_HOME", ".copilot");
            vec![
                folder(own.join("hooks"), "user"),
                file(own.join("settings.json"), "user"),
                folder(project.join(".github/hooks"), "project"),
                folder("/etc/github-copilot/policy.d".into(), "machine"),
            ]
        }
        Agent::Cursor => vec![
            file(home.join(".cursor/hooks.json"), "user"),
            file(project.join(".cursor/hooks.json"), "project"),
            file("/etc/cursor/hooks.json".into(), "machine"),
        ],
    }
}

/// The command for the agent's settings. What tagout cannot answer itself (it is not there, it was
/// killed) is a refusal too: agents take a failed hook for none.
pub fn command_line(agent: Agent, program: &str) -> String {
    let ask = format!("{} hook --agent {}", quoted(program), agent.word());
    match agent {
        Agent::Copilot => {
            let deny = super::deny_text(agent, "tagout: the hook failed");
            format!("{ask} || printf '%s\\n' {}", quoted(deny.trim_end()))
        }
        Agent::Claude | Agent::Codex | Agent::Gemini | Agent::Cursor => {
            format!("{ask} || {{ echo 'tagout: the hook failed' >&2; exit 2; }}")
        }
    }
}

/// What to put into the agent's settings file.
pub fn snippet(agent: Agent, program: &str) -> String {
    let command = command_line(agent, program);
    let value = match agent {
        Agent::Claude => json!({"hooks": {"PreToolUse": [
            {"matcher": "*", "hooks": [{"type": "command", "command": command, "timeout": 30}]},
        ]}}),
        Agent::Codex => json!({"hooks": {"PreToolUse": [
            {"hooks": [{"type": "command", "command": command, "timeout": 30}]},
        ]}}),
        Agent::Gemini => json!({"hooks": {"BeforeTool": [
            {"matcher": ".*", "hooks": [{"type": "command", "name": "tagout", "command": command, "timeout": 30000}]},
        ]}}),
        Agent::Copilot => json!({"version": 1, "hooks": {"preToolUse": [
            {"type": "command", "bash": command, "timeoutSec": 30},
        ]}}),
        Agent::Cursor => json!({"version": 1, "hooks": {
            "preToolUse": [{"command": command, "matcher": "Shell"}],
            "beforeShellExecution": [{"command": command}],
        }}),
    };
    serde_json::to_string_pretty(&value).unwrap_or_default()
}

/// tagout's hooks in the text of a settings file.
///
/// # Errors
/// The text is not the JSON it should be, or says that no hooks run.
pub fn found_in(agent: Agent, text: &str) -> Result<Vec<Installed>, String> {
    let value: Value = serde_json::from_str(text)
        .map_err(|e| format!("is not readable JSON (line {})", e.line()))?;
    let mut found = Vec::new();
    let Some(events) = value.get("hooks").and_then(Value::as_object) else {
        return Ok(found);
    };
    for (event, entries) in events {
        for entry in entries.as_array().into_iter().flatten() {
            let matcher = entry.get("matcher").and_then(Value::as_str);
            let nested = entry.get("hooks").and_then(Value::as_array);
            let hooks = nested.map_or_else(|| vec![entry], |hooks| hooks.iter().collect());
            found.extend(hooks.iter().filter_map(|hook| {
                let command = ["command", "bash"]
                    .iter()
                    .find_map(|f| hook.get(*f)?.as_str())?;
                is_ours(command, agent).then(|| Installed {
                    event: event.clone(),
                    matcher: matcher.map(str::to_owned),
                    command: command.to_owned(),
                })
            }));
        }
    }
    if value.get("disableAllHooks").and_then(Value::as_bool) == Some(true) {
        return Err("switches all hooks off (`disableAllHooks`)".to_owned());
    }
    Ok(found)
}

fn is_ours(command: &str, agent: Agent) -> bool {
    let words: Vec<&str> = command.split_whitespace().collect();
    let named = command.contains(&format!("--agent {}", agent.word()))
        || command.contains(&format!("--agent={}", agent.word()));
    command.contains("tagout") && words.contains(&"hook") && named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_found_again() {
        for (_, agent) in Agent::WORDS {
            let text = snippet(*agent, "/opt/my tools/tagout");
            let found = found_in(*agent, &text).unwrap();
            assert!(!found.is_empty(), "{text}");
            for hook in found {
                assert_eq!(hook.command, command_line(*agent, "/opt/my tools/tagout"));
                assert_eq!(hook.covers_shell(*agent), Some(true));
            }
        }
    }

    #[test]
    fn settings_that_do_not_protect_are_told() {
        let text = |matcher: &str| {
            format!(
                r#"{{"hooks":{{"PreToolUse":[{{"matcher":"{matcher}","hooks":[{{"type":"command","command":"tagout hook --agent claude"}}]}}]}}}}"#
            )
        };
        let covers = |matcher: &str| {
            found_in(Agent::Claude, &text(matcher)).unwrap()[0].covers_shell(Agent::Claude)
        };
        assert_eq!(covers("Write|Edit"), Some(false));
        assert_eq!(covers("Bash|Write"), Some(true));
        assert_eq!(covers("Ba.h"), None);
        assert!(found_in(Agent::Claude, "{").is_err());
        assert!(found_in(Agent::Claude, r#"{"disableAllHooks":true,"hooks":{}}"#).is_err());
        assert_eq!(found_in(Agent::Claude, "{}").unwrap(), []);
        assert_eq!(found_in(Agent::Gemini, &text("Bash")).unwrap(), []);
    }
}
