//! Liquibase's changelogs: SQL, XML, YAML or JSON, and the files that they include. What a change
//! does is put as SQL, so that one reader judges all; what stands under `rollback` does not run.

use std::path::{Path, PathBuf};

use super::sections::Style;
use super::{MAX_DEPTH, Reader};
use crate::target::readers::yaml;
use crate::target::{Traced, Value};

impl Reader<'_> {
    pub(super) fn changelog(&mut self, path: &Path, depth: usize) {
        let shown = self.shown(path);
        if depth > MAX_DEPTH {
            self.opaque("changelog", format!("{shown}: files inside files"));
            return;
        }
        if !self.world.files.exists(path) {
            return;
        }
        let Some(text) = self.read(path) else { return };
        let ending = shown.rsplit('.').next().unwrap_or("").to_ascii_lowercase();
        let changes = match ending.as_str() {
            "sql" => {
                if super::sections::templated(&text, Style::Placeholders) {
                    self.opaque("changelog", format!("{shown} is filled in when it runs"));
                }
                self.statements(&text, &shown, 1, false);
                return;
            }
            "xml" => Some(xml(&text)),
            "yaml" | "yml" | "json" => yaml::read(&text, &shown, yaml::Schema::Core)
                .ok()
                .map(|root| tree(&root)),
            _ => None,
        };
        match changes {
            Some(changes) => {
                for change in changes {
                    self.change(&change, path, &shown, depth);
                }
            }
            None => self.opaque("changelog", format!("{shown} cannot be read")),
        }
    }

    fn change(&mut self, change: &Change, path: &Path, shown: &str, depth: usize) {
        let attribute = |names: &[&str]| {
            let found = |n: &&str| change.attributes.iter().find(|(k, _)| k == *n);
            names.iter().find_map(found).map(|(_, v)| v.as_str())
        };
        let beside = attribute(&["relativeToChangelogFile"]) == Some("true");
        let at = |file: &str| -> PathBuf {
            let file = file.strip_prefix("classpath:").unwrap_or(file);
            let beside = path.parent().filter(|_| beside);
            crate::files::lexical(&beside.unwrap_or(&self.cwd).join(file))
        };
        let unread = |what: &str| format!("{shown}:{}: {what}", change.line);
        match change.name.as_str() {
            "include" | "sqlFile" => match attribute(&["file", "path"]) {
                Some(file) if !file.contains("${") => {
                    let file = at(file);
                    self.changelog(&file, depth + 1);
                }
                _ => self.opaque("changelog", unread("a file that is not named literally")),
            },
            "includeAll" => match attribute(&["path"]) {
                Some(folder) if !folder.contains("${") => {
                    let folder = at(folder);
                    for name in self.world.files.list(&folder) {
                        if self.world.files.is_file(&folder.join(&name)) {
                            self.changelog(&folder.join(&name), depth + 1);
                        }
                    }
                }
                _ => self.opaque("changelog", unread("a folder that is not named literally")),
            },
            "customChange" | "executeCommand" => {
                self.opaque("changelog", unread("runs a program"));
            }
            "sql" => {
                let text = attribute(&["sql", ""]).unwrap_or("").to_owned();
                if text.contains("${") {
                    self.opaque("changelog", unread("is filled in when it runs"));
                }
                self.statements(&text, shown, change.line, false);
            }
            name => {
                let bounded = attribute(&["where"]).is_some();
                if let Some(text) = as_sql(name, bounded) {
                    self.statements(text, shown, change.line, false);
                }
            }
        }
    }
}

/// The change as SQL of the same effect; `None` for what only adds.
fn as_sql(name: &str, bounded: bool) -> Option<&'static str> {
    Some(match name {
        "dropTable" => "DROP TABLE t",
        "dropColumn" => "ALTER TABLE t DROP COLUMN c",
        "dropSequence" => "DROP SEQUENCE s",
        "dropView" => "DROP VIEW v",
        "mergeColumns" => "ALTER TABLE t DROP COLUMN c",
        "renameTable" => "ALTER TABLE t RENAME TO u",
        "delete" if !bounded => "DELETE FROM t",
        "update" if !bounded => "UPDATE t SET c = 1",
        "alterSequence" | "delete" | "update" => return None,
        _ => return None,
    })
}

/// One element of a changelog.
struct Change {
    name: String,
    /// Attributes; the text between the tags stands under no name, a `where` inside under `where`.
    attributes: Vec<(String, String)>,
    line: usize,
}

/// The elements of an XML changelog that stand under no `rollback`.
fn xml(text: &str) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    let mut rollback = 0usize;
    let mut line = 1;
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let (before, tail) = rest.split_at(open);
        content(changes.last_mut(), &unescaped(before), rollback);
        line += before.matches('\n').count();
        let (inner, end) = if let Some(comment) = tail.strip_prefix("<!--") {
            (
                None,
                4 + comment.find("-->").map_or(comment.len(), |e| e + 3),
            )
        } else if let Some(data) = tail.strip_prefix("<![CDATA[") {
            let end = data.find("]]>").unwrap_or(data.len());
            content(changes.last_mut(), data.get(..end).unwrap_or(""), rollback);
            (None, 9 + (end + 3).min(data.len()))
        } else {
            let end = tag_end(tail);
            (tail.get(1..end), (end + 1).min(tail.len()))
        };
        if let Some(tag) = inner {
            element(tag, line, &mut rollback, &mut changes);
        }
        let (passed, after) = tail.split_at(end);
        line += passed.matches('\n').count();
        rest = after;
    }
    changes
}

/// The offset of the `>` that ends a tag; quoted ones do not.
fn tag_end(tail: &str) -> usize {
    let mut quote = None;
    for (at, c) in tail.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            (None, '>') => return at,
            _ => {}
        }
    }
    tail.len()
}

fn content(last: Option<&mut Change>, text: &str, rollback: usize) {
    let Some(last) = last.filter(|_| rollback == 0 && !text.trim().is_empty()) else {
        return;
    };
    match last.attributes.iter_mut().find(|(k, _)| k.is_empty()) {
        Some((_, known)) => known.push_str(text),
        None => last.attributes.push((String::new(), text.to_owned())),
    }
}

fn element(tag: &str, line: usize, rollback: &mut usize, changes: &mut Vec<Change>) {
    let name = tag
        .trim_start_matches('/')
        .split(|c: char| c.is_whitespace() || c == '/')
        .next()
        .unwrap_or("");
    let name = name.rsplit(':').next().unwrap_or(name);
    if name == "rollback" {
        match (tag.starts_with('/'), tag.ends_with('/')) {
            (true, _) => *rollback = rollback.saturating_sub(1),
            (false, false) => *rollback += 1,
            (false, true) => {}
        }
    }
    if tag.starts_with(['/', '?', '!']) || *rollback > 0 || changes.len() >= 100_000 {
        return;
    }
    if name == "where" {
        if let Some(last) = changes.last_mut() {
            last.attributes.push(("where".to_owned(), String::new()));
        }
        return;
    }
    changes.push(Change {
        name: name.to_owned(),
        attributes: attributes(tag),
        line,
    });
}

fn attributes(tag: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = tag;
    while let Some((head, tail)) = rest.split_once('=') {
        let name = head.trim_end().rsplit(char::is_whitespace).next();
        let tail = tail.trim_start();
        let Some(quote) = tail.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            break;
        };
        let Some((value, after)) = tail.get(1..).and_then(|t| t.split_once(quote)) else {
            break;
        };
        found.push((name.unwrap_or("").to_owned(), unescaped(value)));
        rest = after;
    }
    found
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

/// The entries of a YAML or JSON changelog that stand under no `rollback`.
fn tree(root: &Traced) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        match &node.value {
            Value::List(items) => open.extend(items),
            Value::Map(entries) => {
                for (name, inner) in entries.iter().filter(|(k, _)| k != "rollback") {
                    changes.push(Change {
                        name: name.clone(),
                        attributes: texts(inner),
                        line: line_of(inner),
                    });
                    open.push(inner);
                }
            }
            _ => {}
        }
    }
    // `sql: {sql: text}`: the inner entry is the outer one's attribute.
    changes.retain(|c| c.name != "sql" || !c.attributes.is_empty());
    changes
}

fn texts(node: &Traced) -> Vec<(String, String)> {
    let text = |t: &Traced| match &t.value {
        Value::Str(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    };
    match &node.value {
        Value::Map(entries) => entries
            .iter()
            .filter_map(|(k, v)| Some((k.clone(), text(v)?)))
            .collect(),
        _ => text(node).map(|t| (String::new(), t)).into_iter().collect(),
    }
}

fn line_of(node: &Traced) -> usize {
    let line = node.source.text().rsplit(':').next();
    line.and_then(|l| l.parse().ok()).unwrap_or(1)
}
