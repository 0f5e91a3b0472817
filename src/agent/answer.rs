//! Answers in the agents' own protocols: the least that each understands, and never a key more.

use serde_json::{Map, Value, json};

use super::{Agent, Call, Event};

/// What is answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Nothing is said: the agent goes on as it would without the hook.
    Pass,
    /// The tool is not used, for this reason.
    Deny(String),
    /// The tool is used with another input.
    Rewrite {
        /// The whole input.
        input: Map<String, Value>,
        /// The one field that was changed.
        field: String,
    },
}

/// Whether a rewritten command runs without the agent's user being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// As the agent would have it: the user is asked.
    Ask,
    /// It runs: what tagout allows needs no further question.
    Approve,
}

/// Modes of Claude Code in which nobody is asked: there a decision of the hook would be in the way
/// of the rewriting.
const UNASKED: &[&str] = &["bypassPermissions", "dontAsk", "auto"];

/// The text for the agent. Empty where silence is its word for going on.
pub fn encode(agent: Agent, call: Option<&Call>, answer: &Answer, approval: Approval) -> String {
    let event = call.map_or(Event::Tool, |c| c.event);
    let value = match answer {
        Answer::Pass => pass(agent, event),
        Answer::Deny(reason) => Some(deny(agent, event, reason)),
        Answer::Rewrite { input, field } => {
            let mode = call.and_then(|c| c.mode.as_deref());
            Some(rewrite(agent, input, field, mode, approval))
        }
    };
    value.map_or_else(String::new, |v| format!("{v}\n"))
}

/// The refusal of a call that could not even be read.
pub fn deny_text(agent: Agent, reason: &str) -> String {
    format!("{}\n", deny(agent, Event::Tool, reason))
}

fn pass(agent: Agent, event: Event) -> Option<Value> {
    match (agent, event) {
        (Agent::Claude | Agent::Codex, _) => None,
        (Agent::Gemini | Agent::Copilot, _) | (Agent::Cursor, Event::Other) => Some(json!({})),
        (Agent::Cursor, _) => Some(json!({"permission": "allow"})),
    }
}

fn deny(agent: Agent, event: Event, reason: &str) -> Value {
    let permission = event == Event::Permission;
    match agent {
        Agent::Claude | Agent::Codex if permission => json!({"hookSpecificOutput": {
            "hookEventName": "PermissionRequest",
            "decision": {"behavior": "deny", "message": reason},
        }}),
        Agent::Claude | Agent::Codex => json!({"hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": reason,
        }}),
        Agent::Gemini => json!({"decision": "deny", "reason": reason}),
        Agent::Copilot if permission => json!({"behavior": "deny", "message": reason}),
        Agent::Copilot => json!({"permissionDecision": "deny", "permissionDecisionReason": reason}),
        Agent::Cursor => {
            json!({"permission": "deny", "user_message": reason, "agent_message": reason})
        }
    }
}

fn rewrite(
    agent: Agent,
    input: &Map<String, Value>,
    field: &str,
    mode: Option<&str>,
    approval: Approval,
) -> Value {
    match agent {
        Agent::Claude => {
            let mut output = json!({"hookEventName": "PreToolUse", "updatedInput": input});
            let decision = match approval {
                Approval::Approve => Some("allow"),
                Approval::Ask if mode.is_some_and(|m| UNASKED.contains(&m)) => None,
                Approval::Ask => Some("ask"),
            };
            if let Some(decision) = decision {
                output["permissionDecision"] = json!(decision);
                output["permissionDecisionReason"] = json!("judged, fenced and recorded by tagout");
            }
            json!({"hookSpecificOutput": output})
        }
        // Codex takes a new input only with this word.
        Agent::Codex => json!({"hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "allow",
            "updatedInput": input,
        }}),
        Agent::Gemini => json!({"hookSpecificOutput": {
            "hookEventName": "BeforeTool",
            "tool_input": {field: input.get(field)},
        }}),
        Agent::Copilot => match approval {
            Approval::Ask => json!({"modifiedArgs": input}),
            Approval::Approve => json!({"permissionDecision": "allow", "modifiedArgs": input}),
        },
        Agent::Cursor => json!({"permission": "allow", "updated_input": input}),
    }
}
