//! Helpers over the YAML reader: scripts, variables and folders of a mapping.

use super::super::script::{Script, Setting, Text, Variable};
use crate::target::readers::yaml::{Kind, Node};

/// The entries of a mapping, aliases seen through.
pub(super) fn entries(node: Option<&Node>) -> &[(Node, Node)] {
    match node.map(|n| &n.kind) {
        Some(Kind::Map(entries)) => entries,
        Some(Kind::Alias(inner)) => entries(Some(inner)),
        _ => &[],
    }
}

/// The items of a sequence, aliases seen through.
pub(super) fn items(node: Option<&Node>) -> &[Node] {
    match node.map(|n| &n.kind) {
        Some(Kind::List(items)) => items,
        Some(Kind::Alias(inner)) => items(Some(inner)),
        _ => &[],
    }
}

/// Adds a scalar's text to a script.
pub(super) fn push(script: &mut Script, node: &Node, file: &Text<'_>) {
    if let Some(text) = node.text() {
        let span = match &node.kind {
            Kind::Alias(inner) => inner.span,
            _ => node.span,
        };
        script.push_found(text, file, span.start, span.end);
        if !text.ends_with('\n') {
            script.text.push('\n');
        }
    }
}

/// The variables of a mapping (`A: b`) or list (`- A=b`); `open` begins an expression.
pub(super) fn variables(node: Option<&Node>, file: &Text<'_>, open: &str) -> Vec<Variable> {
    let mut found = Vec::new();
    for (key, value) in entries(node) {
        // GitLab writes `{value: x, description: y}` too.
        let value = value.get("value").unwrap_or(value);
        if let (Some(name), Some(text)) = (key.text(), value.text()) {
            found.push(variable(name, Some(text), key, file, open));
        }
    }
    for item in items(node) {
        if let Some(text) = item.text() {
            match text.split_once('=') {
                Some((name, value)) => found.push(variable(name, Some(value), item, file, open)),
                None => found.push(variable(text, None, item, file, open)),
            }
        }
        found.extend(variables(
            Some(item).filter(|i| !entries(Some(i)).is_empty()),
            file,
            open,
        ));
    }
    found
}

fn variable(name: &str, value: Option<&str>, at: &Node, file: &Text<'_>, open: &str) -> Variable {
    let (line, column) = file.place(at.span.start);
    let value = match value {
        Some(text) if open.is_empty() || !text.contains(open) => Setting::Text(text.to_owned()),
        _ => Setting::Unknown,
    };
    Variable {
        name: name.to_owned(),
        value,
        line,
        column,
    }
}
