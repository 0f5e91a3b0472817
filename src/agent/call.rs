//! What a hook was told: one JSON object on standard input. Every spelling that an agent uses for
//! a field is taken, because a field that is not understood must not become a permission.

use std::path::PathBuf;

use serde_json::{Map, Value};

/// More than this is not read: a command line never is that long.
pub const MAX_INPUT: usize = 4 << 20;

/// What the agent is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A tool is about to be used: it can be refused, and its input replaced.
    Tool,
    /// A shell command is about to run: it can be refused, but not replaced (Cursor).
    Shell,
    /// The agent asks for a permission: it can be refused.
    Permission,
    /// Nothing is about to run.
    Other,
}

/// The command that a tool would run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// None: the tool runs no commands.
    Nothing,
    /// A shell line in a field of the tool's input.
    Line {
        /// The field's name.
        field: String,
        /// The line.
        text: String,
    },
    /// Words that are started without a shell.
    Words {
        /// The field's name.
        field: String,
        /// The words.
        words: Vec<String>,
    },
}

/// One call of a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What happens.
    pub event: Event,
    /// The tool's input as it came.
    pub input: Map<String, Value>,
    /// The command.
    pub asked: Asked,
    /// The directory it would run in, as the agent names it.
    pub cwd: Option<PathBuf>,
    /// Claude Code's and Codex's permission mode.
    pub mode: Option<String>,
}

/// Events that start nothing: whatever they say, no command follows from them.
const QUIET: &[&str] = &[
    "SessionStart",
    "SessionEnd",
    "UserPromptSubmit",
    "PostToolUse",
    "PostToolUseFailure",
    "PermissionDenied",
    "Notification",
    "Stop",
    "SubagentStart",
    "SubagentStop",
    "PreCompact",
    "PostCompact",
    "PreCompress",
    "BeforeAgent",
    "AfterAgent",
    "BeforeModel",
    "AfterModel",
    "BeforeToolSelection",
    "AfterTool",
    "afterShellExecution",
    "afterMCPExecution",
    "afterFileEdit",
    "afterAgentResponse",
    "afterAgentThought",
    "beforeSubmitPrompt",
    "beforeReadFile",
    "beforeTabFileRead",
    "afterTabFileEdit",
    "sessionStart",
    "sessionEnd",
    "postToolUse",
    "postToolUseFailure",
    "preCompact",
    "subagentStart",
    "subagentStop",
    "agentStop",
    "errorOccurred",
    "notification",
    "userPromptSubmitted",
    "stop",
];

/// Tools that run commands, in lower case.
const SHELLS: &[&str] = &[
    "bash",
    "shell",
    "sh",
    "zsh",
    "powershell",
    "pwsh",
    "cmd",
    "terminal",
    "monitor",
    "run_shell_command",
    "run_command",
    "run_in_terminal",
    "run_terminal_cmd",
    "execute_command",
    "exec_command",
    "shell_command",
    "local_shell",
    "container.exec",
    "write_stdin",
    "write_bash",
    "write_powershell",
];

/// Tools of the agents themselves that run no command although a field is called so, and those
/// whose texts are content.
const NO_SHELLS: &[&str] = &[
    "apply_patch",
    "edit",
    "write",
    "multiedit",
    "notebookedit",
    "read",
    "glob",
    "grep",
    "task",
    "agent",
    "webfetch",
    "websearch",
    "todowrite",
    "create",
    "view",
    "str_replace_editor",
    "write_file",
    "read_file",
    "replace",
];

/// Fields that hold a command.
const COMMAND_FIELDS: &[&str] = &[
    "command",
    "cmd",
    "commands",
    "command_line",
    "commandLine",
    "script",
    "shell_command",
    "input",
    "chars",
];

/// Fields of a tool's input that change the directory.
const FOLDER_FIELDS: &[&str] = &[
    "cwd",
    "workdir",
    "working_directory",
    "directory",
    "dir_path",
];

/// Reads a call.
///
/// # Errors
/// What cannot be understood, for people: the answer to it is a refusal.
pub fn read(bytes: &[u8]) -> Result<Call, String> {
    if bytes.len() > MAX_INPUT {
        return Err(format!(
            "the hook's input is longer than {} MiB",
            MAX_INPUT >> 20
        ));
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|e| {
        format!(
            "the hook's input is not the JSON it should be (line {}, column {})",
            e.line(),
            e.column()
        )
    })?;
    let Value::Object(object) = value else {
        return Err("the hook's input is not a JSON object".to_owned());
    };
    let name = text(&object, &["hook_event_name", "hookEventName"]);
    let event = event(name, &object);
    let mut call = Call {
        event,
        input: Map::new(),
        asked: Asked::Nothing,
        cwd: text(&object, &["cwd"]).map(PathBuf::from),
        mode: text(&object, &["permission_mode"]).map(str::to_owned),
    };
    match event {
        Event::Other => {}
        Event::Shell => call.asked = command(&object, &["command"], "the hook's input")?,
        Event::Tool | Event::Permission => tool(&object, &mut call)?,
    }
    Ok(call)
}

fn event(name: Option<&str>, object: &Map<String, Value>) -> Event {
    match name {
        Some("beforeShellExecution") => Event::Shell,
        Some("PermissionRequest" | "permissionRequest") => Event::Permission,
        Some(name) if QUIET.contains(&name) => Event::Other,
        // Copilot names no event in this spelling; only its permission requests have this field.
        None if object.contains_key("toolInput") => Event::Permission,
        _ => Event::Tool,
    }
}

fn tool(object: &Map<String, Value>, call: &mut Call) -> Result<(), String> {
    let name = text(object, &["tool_name", "toolName"])
        .ok_or("the hook's input does not say which tool is used")?
        .to_lowercase();
    let is_shell = SHELLS.contains(&name.as_str());
    let given = ["tool_input", "toolArgs", "toolInput"];
    let input = given.iter().find_map(|field| object.get(*field));
    let input = match input {
        Some(Value::Object(input)) => Some(input.clone()),
        // Copilot sends the arguments as a text that is JSON.
        Some(Value::String(text)) => serde_json::from_str(text).ok(),
        _ => None,
    };
    let Some(input) = input else {
        return match is_shell {
            true => Err(format!("the input of the tool `{name}` cannot be read")),
            false => Ok(()),
        };
    };
    if let Some(folder) = text(&input, FOLDER_FIELDS) {
        let base = call.cwd.take().unwrap_or_default();
        call.cwd = Some(base.join(folder));
    }
    let said = COMMAND_FIELDS
        .iter()
        .any(|field| input.contains_key(*field));
    if is_shell || said && !NO_SHELLS.contains(&name.as_str()) {
        let fields = match is_shell {
            true => COMMAND_FIELDS,
            // What other tools call `input` is seldom a command.
            false => &COMMAND_FIELDS[..7],
        };
        match command(&input, fields, &format!("the input of the tool `{name}`")) {
            Ok(asked) => call.asked = asked,
            Err(why) if is_shell => return Err(why),
            Err(_) => {}
        }
    }
    call.input = input;
    Ok(())
}

fn command(object: &Map<String, Value>, fields: &[&str], of: &str) -> Result<Asked, String> {
    for field in fields {
        let words = match object.get(*field) {
            None => continue,
            Some(Value::String(text)) if !text.trim().is_empty() => {
                return Ok(Asked::Line {
                    field: (*field).to_owned(),
                    text: text.clone(),
                });
            }
            Some(Value::Array(items)) => items,
            Some(_) => return Err(format!("`{field}` in {of} is no command")),
        };
        let words: Option<Vec<String>> = words
            .iter()
            .map(|w| w.as_str().map(str::to_owned))
            .collect();
        return match words {
            Some(words) if words.first().is_some_and(|w| !w.is_empty()) => Ok(Asked::Words {
                field: (*field).to_owned(),
                words,
            }),
            _ => Err(format!("`{field}` in {of} is no command")),
        };
    }
    Err(format!("there is no command in {of}"))
}

fn text<'a>(object: &'a Map<String, Value>, fields: &[&str]) -> Option<&'a str> {
    fields
        .iter()
        .find_map(|field| object.get(*field))
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Asked {
        read(text.as_bytes()).unwrap().asked
    }

    fn line(text: &str) -> Asked {
        Asked::Line {
            field: "command".into(),
            text: text.into(),
        }
    }

    #[test]
    fn every_agents_spelling_of_a_shell_command_is_found() {
        let cases = [
            r#"{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"ls","timeout":5},"cwd":"/p"}"#,
            r#"{"hook_event_name":"BeforeTool","tool_name":"run_shell_command","tool_input":{"command":"ls"}}"#,
            r#"{"toolName":"bash","toolArgs":{"command":"ls"},"cwd":"/p","sessionId":"x","timestamp":1}"#,
            r#"{"toolName":"bash","toolArgs":"{\"command\":\"ls\"}"}"#,
            r#"{"hook_event_name":"beforeShellExecution","command":"ls","cwd":"/p"}"#,
            r#"{"hook_event_name":"preToolUse","tool_name":"Shell","tool_input":{"command":"ls"}}"#,
            r#"{"hook_event_name":"PreToolUse","tool_name":"mcp__box__exec","tool_input":{"command":"ls"}}"#,
            r#"{"hook_event_name":"SomethingNew","tool_name":"Bash","tool_input":{"command":"ls"}}"#,
        ];
        for case in cases {
            assert_eq!(asked(case), line("ls"), "{case}");
        }
        let words = r#"{"tool_name":"shell","tool_input":{"command":["bash","-lc","ls"],"workdir":"sub"},"cwd":"/p"}"#;
        let call = read(words.as_bytes()).unwrap();
        assert_eq!(call.cwd, Some("/p/sub".into()));
        assert!(matches!(call.asked, Asked::Words { words, .. } if words.len() == 3));
    }

    #[test]
    fn tools_that_run_nothing_ask_nothing() {
        let cases = [
            r#"{"hook_event_name":"PreToolUse","tool_name":"Read","tool_input":{"file_path":"/x"}}"#,
            r#"{"hook_event_name":"PreToolUse","tool_name":"apply_patch","tool_input":{"command":"*** Begin Patch"}}"#,
            r#"{"hook_event_name":"PostToolUse","tool_name":"Bash","tool_input":{"command":"ls"}}"#,
            r#"{"hook_event_name":"SessionStart"}"#,
            r#"{"hook_event_name":"PreToolUse","tool_name":"WebFetch"}"#,
        ];
        for case in cases {
            assert_eq!(asked(case), Asked::Nothing, "{case}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_an_error() {
        let cases = [
            "",
            "{",
            "[]",
            "null",
            r#"{"hook_event_name":"PreToolUse"}"#,
            r#"{"tool_name":"Bash"}"#,
            r#"{"tool_name":"Bash","tool_input":{}}"#,
            r#"{"tool_name":"Bash","tool_input":{"command":7}}"#,
            r#"{"tool_name":"Bash","tool_input":{"command":"  "}}"#,
            r#"{"tool_name":"Bash","tool_input":{"command":[]}}"#,
            r#"{"tool_name":"Bash","tool_input":"not json"}"#,
            r#"{"tool_name":7,"tool_input":{"command":"ls"}}"#,
            r#"{"hook_event_name":"beforeShellExecution"}"#,
            r#"{"tool_name":"Bash","tool_input":{"command":"\ud800"}}"#,
        ];
        for case in cases {
            assert!(read(case.as_bytes()).is_err(), "{case}");
        }
        assert!(read(&vec![b' '; MAX_INPUT + 1]).is_err());
        assert!(read("[".repeat(100_000).as_bytes()).is_err());
    }
}
