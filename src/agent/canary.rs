//! A canary: a command that must be refused, asked exactly as the agent would ask, and the answer
//! read exactly as the agent would read it.

use serde_json::{Value, json};

use super::Agent;

/// Destroys a database that does not exist, marked as production by its name.
pub const CANARY_LINE: &str =
    "psql -h db.tagout-canary.invalid -d canary_production -c 'DROP DATABASE canary_production'";

/// Does nothing.
pub const HARMLESS_LINE: &str = "true";

/// What the agent makes of a hook that ended so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Canary {
    /// The command does not run.
    Refused,
    /// The command runs, perhaps as another one.
    Runs,
    /// The agent goes on as if there were no hook, and why.
    Ignored(String),
}

/// The input of a hook for that event, asking for a line.
pub fn canary(agent: Agent, event: &str, line: &str, cwd: &str) -> String {
    let value = match (agent, event) {
        (Agent::Cursor, "beforeShellExecution") => {
            json!({"hook_event_name": event, "command": line, "cwd": cwd})
        }
        (Agent::Copilot, "preToolUse") => json!({
            "sessionId": "canary", "timestamp": 0, "cwd": cwd,
            "toolName": "bash", "toolArgs": {"command": line},
        }),
        _ => json!({
            "session_id": "canary", "transcript_path": "/dev/null", "cwd": cwd,
            "hook_event_name": event, "permission_mode": "default",
            "tool_name": tool(agent), "tool_input": {"command": line}, "tool_use_id": "canary",
        }),
    };
    value.to_string()
}

fn tool(agent: Agent) -> &'static str {
    match agent {
        Agent::Claude | Agent::Codex | Agent::Copilot => "Bash",
        Agent::Gemini => "run_shell_command",
        Agent::Cursor => "Shell",
    }
}

/// What the agent makes of a hook's end: its exit status (`None`: killed) and what it printed.
pub fn refuses(agent: Agent, status: Option<i32>, out: &str, err: &str) -> Canary {
    match status {
        Some(0) => {}
        Some(2) if agent != Agent::Codex || !err.trim().is_empty() => return Canary::Refused,
        // A tool hook that fails is a refusal for Copilot, and none for the others.
        Some(_) if agent == Agent::Copilot => return Canary::Refused,
        Some(code) => return Canary::Ignored(format!("it exits {code}")),
        None => return Canary::Ignored("it was killed".to_owned()),
    }
    if out.trim().is_empty() {
        return Canary::Runs;
    }
    let Ok(answer) = serde_json::from_str::<Value>(out.trim()) else {
        return Canary::Ignored("what it prints is not one JSON object".to_owned());
    };
    let text = |path: &[&str]| {
        let value = path.iter().try_fold(&answer, |value, key| value.get(*key));
        value.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let (decision, reason) = match agent {
        Agent::Claude | Agent::Codex => (
            text(&["hookSpecificOutput", "permissionDecision"]),
            text(&["hookSpecificOutput", "permissionDecisionReason"]),
        ),
        Agent::Gemini => (text(&["decision"]), text(&["reason"])),
        Agent::Copilot => (
            text(&["permissionDecision"]),
            text(&["permissionDecisionReason"]),
        ),
        Agent::Cursor => (text(&["permission"]), text(&["agent_message"])),
    };
    match decision.as_str() {
        "deny" if reason.trim().is_empty() && agent == Agent::Codex => {
            Canary::Ignored("it refuses without a reason".to_owned())
        }
        "deny" => Canary::Refused,
        _ => Canary::Runs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Answer, Approval, deny_text, encode};

    #[test]
    fn the_agents_read_what_is_answered() {
        for (_, agent) in Agent::WORDS {
            let deny = deny_text(*agent, "because");
            assert_eq!(
                refuses(*agent, Some(0), &deny, ""),
                Canary::Refused,
                "{deny}"
            );
            let pass = encode(*agent, None, &Answer::Pass, Approval::Ask);
            assert_eq!(refuses(*agent, Some(0), &pass, ""), Canary::Runs, "{pass}");
            let mut input = serde_json::Map::new();
            input.insert("command".into(), "true".into());
            let answer = Answer::Rewrite {
                input,
                field: "command".into(),
            };
            let rewrite = encode(*agent, None, &answer, Approval::Approve);
            assert_eq!(
                refuses(*agent, Some(0), &rewrite, ""),
                Canary::Runs,
                "{rewrite}"
            );
            assert_eq!(refuses(*agent, Some(2), "", "why"), Canary::Refused);
            assert!(matches!(refuses(*agent, None, "", ""), Canary::Ignored(_)));
            assert!(matches!(
                refuses(*agent, Some(0), "{}{}", ""),
                Canary::Ignored(_)
            ));
        }
        assert!(matches!(
            refuses(Agent::Claude, Some(1), "", ""),
            Canary::Ignored(_)
        ));
        assert!(matches!(
            refuses(Agent::Codex, Some(2), "", " "),
            Canary::Ignored(_)
        ));
    }
}
