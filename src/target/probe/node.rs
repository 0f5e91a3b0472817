//! Node's tools: the configuration files that they would load are loaded by node itself, in the
//! order in which the tool asks for them.

use serde_json::{Value, json};

use crate::command::{Command, World};

/// What is run: prints one marked line.
const CODE: &str = include_str!("probe.cjs");

/// `node [option]... -e CODE -- JSON`
pub(super) fn words(
    command: &Command,
    _: &World<'_>,
    files: &[Value],
) -> Result<Vec<String>, String> {
    let step = &command.step;
    let plain = |file: &Value| json!({ "path": file["path"], "cwd": file["cwd"] });
    let argv: Vec<&str> = step.argv.iter().map(|w| w.text.as_str()).collect();
    let asked = json!({
        "tool": command.tool_name(),
        "argv": argv,
        "files": files.iter().map(plain).collect::<Vec<_>>(),
    });
    let mut words: Vec<String> = step.interpreter.iter().map(|w| w.text.clone()).collect();
    let is_node = |w: &String| matches!(w.rsplit('/').next(), Some("node" | "nodejs"));
    if !words.first().is_some_and(is_node) {
        words = vec!["node".to_owned()];
    }
    words.retain(|w| w != "--");
    words.extend(["-e", CODE, "--"].map(str::to_owned));
    words.push(asked.to_string());
    Ok(words)
}
