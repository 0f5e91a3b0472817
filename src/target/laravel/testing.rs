//! What PHPUnit puts into the environment before a test boots the application.

use std::path::{Path, PathBuf};

use crate::command::Command;
use crate::environment::Vars;
use crate::files::{Files, shown};
use crate::source::{Source, SourceKind};

use super::version::Version;

/// The variables that the application sees in a test: `<server>` entries always win; `<env>`
/// entries (also forced ones, from 8 on) lose to a variable of the process, because the framework
/// reads `$_SERVER` first and PHP put it there.
pub(super) fn variables(
    command: &Command,
    root: &Path,
    vars: &Vars,
    version: Version,
    files: &dyn Files,
) -> Vars {
    let mut out = vars.clone();
    let Some(path) = configuration(command, root, files) else {
        return out;
    };
    let Ok(text) = files.read_text(&path) else {
        return out;
    };
    let label = shown(&path, root);
    let text = without_comments(&text);
    for (tag, at) in [("<env", "env"), ("<server", "server")] {
        for (start, _) in text.match_indices(tag) {
            let inner = &text[start + tag.len()..];
            if !inner.starts_with(|c: char| c.is_whitespace()) {
                continue;
            }
            let element = inner.split('>').next().unwrap_or("");
            let (Some(name), Some(value)) =
                (attribute(element, "name"), attribute(element, "value"))
            else {
                continue;
            };
            let line = text[..start].matches('\n').count() + 1;
            let forced =
                attribute(element, "force").is_some_and(|f| f == "true") && !version.at_least(8, 0);
            if at == "server" || forced || !vars.has(&name) {
                out.set(
                    name,
                    value,
                    Source::new(SourceKind::ProjectFile, format!("{label}:{line}")),
                );
            }
        }
    }
    out
}

fn configuration(command: &Command, root: &Path, files: &dyn Files) -> Option<PathBuf> {
    if let Some(path) = command.hint("phpunit-file") {
        let path = PathBuf::from(path);
        return Some(if files.is_dir(&path) {
            path.join("phpunit.xml")
        } else {
            path
        });
    }
    let dusk = command
        .hint("testing")
        .is_some_and(|t| t.starts_with("dusk"));
    let names: &[&str] = if dusk {
        &["phpunit.dusk.xml", "phpunit.xml", "phpunit.xml.dist"]
    } else {
        &["phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml"]
    };
    names
        .iter()
        .map(|n| root.join(n))
        .find(|p| files.is_file(p))
}

/// The text with comments blanked out, so that lines stay where they are.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("<!--") {
        out.push_str(&rest[..start]);
        let end = rest[start..]
            .find("-->")
            .map_or(rest.len(), |e| start + e + 3);
        out.extend(rest[start..end].chars().filter(|c| *c == '\n'));
        rest = &rest[end..];
    }
    out + rest
}

fn attribute(element: &str, name: &str) -> Option<String> {
    for quote in ['"', '\''] {
        let opening = format!("{name}={quote}");
        for (at, _) in element.match_indices(&opening) {
            let before = element[..at].chars().next_back();
            if before.is_none_or(char::is_whitespace) {
                let value = element[at + opening.len()..].split(quote).next()?;
                return Some(
                    value
                        .replace("&quot;", "\"")
                        .replace("&apos;", "'")
                        .replace("&lt;", "<")
                        .replace("&gt;", ">")
                        .replace("&amp;", "&"),
                );
            }
        }
    }
    None
}
