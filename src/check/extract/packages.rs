//! Scripts of package.json and composer.json.

use super::super::script::{Script, Text};
use super::Extract;
use super::yaml::{entries, items};
use crate::command::shell::Dialect;
use crate::target::readers::yaml::{self, Node};

/// JSON is read as the YAML that it is, for the places of its values.
fn scripts(file: &Text<'_>, then: impl Fn(&str, &Node, &mut Extract)) -> Extract {
    // A file that does not name any is no error, whatever else is in it.
    if !file.text.contains("\"scripts\"") {
        return Extract::default();
    }
    let tabless = file.text.replace('\t', " ");
    match yaml::parse(&tabless) {
        Ok(root) => {
            let mut found = Extract::default();
            for (name, value) in entries(root.get("scripts")) {
                then(name.text().unwrap_or_default(), value, &mut found);
            }
            found
        }
        Err(e) => Extract::broken(e.line, format!("it is no JSON: {}", e.what)),
    }
}

fn script(name: &str, node: &Node, text: &str, file: &Text<'_>) -> Script {
    let mut script = Script::new(format!("script {name}"));
    script.dialect = Dialect::Posix;
    // The quote before it is no part of the text.
    script.push_found(text, file, node.span.start + 1, node.span.end);
    script
}

/// Each script is a line for the shell.
pub(super) fn npm(file: &Text<'_>) -> Extract {
    scripts(file, |name, node, found| {
        if let Some(text) = node.text() {
            found.scripts.push(script(name, node, text, file));
        }
    })
}

/// A line, or several; `@php` is PHP, `@name` another script, `Class::method` no command.
pub(super) fn composer(file: &Text<'_>) -> Extract {
    scripts(file, |name, node, found| {
        let lines = match node.text() {
            Some(_) => std::slice::from_ref(node),
            None => items(Some(node)),
        };
        for line in lines {
            let Some(text) = line.text() else { continue };
            let spelled = match text.strip_prefix('@') {
                Some(rest) if rest.starts_with("php ") || rest.starts_with("composer ") => rest,
                Some(rest) if rest.starts_with("putenv ") => continue,
                Some(_) => continue,
                None => text,
            };
            let callback = spelled.contains("::") && !spelled.contains(' ');
            if !callback {
                found.scripts.push(script(name, line, spelled, file));
            }
        }
    })
}
