//! The `.env` files that dotenv-rails loads, and Figaro's `config/application.yml`.

use std::path::Path;

use super::Boot;
use crate::command::{Stop, World};
use crate::source::Source;
use crate::target::readers::{erb, yaml};
use crate::target::{Traced, Value};

/// Files of dotenv-rails, strongest first: what a stronger one sets stays.
pub(super) fn files(env: &str) -> Vec<String> {
    let mut names = vec![format!(".env.{env}.local")];
    if env != "test" {
        names.push(".env.local".into());
    }
    names.push(format!(".env.{env}"));
    names.push(".env".into());
    names
}

impl Boot<'_> {
    /// Loads `.env` files as dotenv does: the process wins, then the first file.
    ///
    /// # Errors
    /// Where dotenv rejects a file.
    pub(super) fn load_dotenv(
        &mut self,
        names: &[String],
        overload: bool,
        world: &World<'_>,
    ) -> Result<(), Stop> {
        for name in names {
            let path = self.ruby.root.join(name);
            let Ok(text) = world.files.read_text(&path) else {
                continue;
            };
            let shown = crate::files::shown(&path, &self.ruby.root);
            self.one_file(&text, &shown, overload)?;
        }
        Ok(())
    }

    fn one_file(&mut self, text: &str, shown: &str, overload: bool) -> Result<(), Stop> {
        let look = |name: &str| self.ruby.vars.text(name).map(std::borrow::Cow::into_owned);
        let entries = read(text, &look)
            .map_err(|e| Stop::new("env-file-invalid", format!("{shown}:{}: {}", e.0, e.1)))?;
        for (name, value, line) in entries {
            if self.ruby.vars.has(&name) && !overload {
                continue;
            }
            match value {
                Ok(text) => {
                    self.ruby.unknown_vars.remove(&name);
                    self.ruby
                        .vars
                        .set(name, text, Source::project_file(shown, line));
                }
                Err(why) => {
                    let why = format!("{shown}:{line} {why}");
                    self.ruby.unknown_vars.entry(name).or_insert(why);
                }
            }
        }
        Ok(())
    }

    /// Loads Figaro's file: the process wins, unless a marker says that the value came from a
    /// Figaro of a parent process.
    ///
    /// # Errors
    /// Where the file raises or is no YAML.
    pub(super) fn load_figaro(&mut self, world: &World<'_>) -> Result<(), Stop> {
        let path = self.ruby.root.join("config/application.yml");
        let Ok(text) = world.files.read_text(&path) else {
            return Ok(());
        };
        let shown = "config/application.yml";
        let old = std::mem::replace(&mut self.ruby.shown, shown.into());
        let rendered = erb::render(&text, &mut self.ruby);
        self.ruby.shown = old;
        let stop = |line: usize, what: &str| {
            Stop::new("configuration-invalid", format!("{shown}:{line}: {what}"))
        };
        let rendered = match rendered {
            Ok(rendered) => rendered,
            Err(erb::ErbError::Unread(what, line)) => {
                let why = format!("{shown}:{line}: {what}");
                self.ruby.unknown_vars.insert("*".into(), why);
                return Ok(());
            }
            Err(e) => return Err(stop(e.line(), "the template raises")),
        };
        let node = yaml::parse(&rendered.text)
            .map_err(|e| stop(rendered.line_at(0).max(e.line), e.what))?;
        let value = yaml::compose(&node, yaml::Schema::Psych, &|span| rendered.place(span))
            .map_err(|e| stop(e.line, e.what))?;
        let own = value.get(&self.env).cloned();
        for map in [Some(value), own].into_iter().flatten() {
            let Value::Map(entries) = &map.value else {
                continue;
            };
            for (name, value) in entries {
                self.figaro_variable(name, value, &map);
            }
        }
        Ok(())
    }

    fn figaro_variable(&mut self, name: &str, value: &Traced, _map: &Traced) {
        let text = match &value.value {
            Value::Str(text) => text.clone(),
            Value::Int(n) => n.to_string(),
            Value::Bool(b) => b.to_string(),
            Value::Float(f) => f.to_string(),
            Value::Unknown(why) => {
                if !self.ruby.vars.has(name) {
                    self.ruby.unknown_vars.insert(name.to_owned(), why.clone());
                }
                return;
            }
            Value::Null | Value::List(_) | Value::Map(_) => return,
        };
        let ours = self
            .ruby
            .vars
            .source(name)
            .is_some_and(|s| s.text().starts_with("config/application.yml"));
        let marked = self.ruby.vars.has(&format!("_FIGARO_{name}"));
        if self.ruby.vars.has(name) && !marked && !ours {
            return;
        }
        self.ruby
            .vars
            .set(name.to_owned(), text, value.source.clone());
    }
}

/// Name, value or why it is not known, line.
type Entry = (String, Result<String, String>, usize);

/// A small reader of ruby dotenv's dialect.
fn read(
    text: &str,
    look: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<Entry>, (usize, &'static str)> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while !rest.is_empty() {
        let row = rest.split('\n').next().unwrap_or("");
        let mut used = row.len();
        let trimmed = row.trim();
        let trimmed = trimmed
            .strip_prefix("export ")
            .map_or(trimmed, str::trim_start);
        let at = trimmed.find(['=', ':']);
        if !trimmed.is_empty()
            && !trimmed.starts_with('#')
            && let Some(at) = at
        {
            let name = trimmed[..at].trim().to_owned();
            let colon = trimmed[at..].starts_with(':');
            let value = trimmed[at + 1..].trim_start();
            if !colon || value.len() < trimmed.len() - at - 1 {
                let offset = row.len() - value.len().min(row.len());
                let _ = offset;
                let from = rest.find(value).unwrap_or(0);
                let (value, length) = read_value(&rest[from..]);
                used = used.max(from + length);
                let known = |n: &str| {
                    look(n).or_else(|| {
                        entries
                            .iter()
                            .rev()
                            .find(|(e, _, _)| e == n)
                            .and_then(|(_, v, _)| v.clone().ok())
                    })
                };
                let value = match value {
                    (text, true) => interpolate(&text, &known),
                    (text, false) => Ok(text),
                };
                entries.push((name, value, line));
            }
        }
        let next = rest[used..].find('\n').map_or(rest.len(), |n| used + n + 1);
        line += rest[..next].matches('\n').count();
        rest = &rest[next..];
    }
    Ok(entries)
}

/// The value at the start of a text, whether it is interpolated, and how long it is.
fn read_value(text: &str) -> ((String, bool), usize) {
    for quote in ['\'', '"'] {
        let Some(inner) = text.strip_prefix(quote) else {
            continue;
        };
        let mut escaped = false;
        for (at, c) in inner.char_indices() {
            if c == quote && !escaped {
                let value = &inner[..at];
                let value = if quote == '"' {
                    value.replace("\\n", "\n").replace("\\\"", "\"")
                } else {
                    value.to_owned()
                };
                return ((value, quote == '"'), at + 2);
            }
            escaped = c == '\\' && !escaped;
        }
    }
    let row = text.split('\n').next().unwrap_or("");
    let value = row.find(" #").map_or(row, |n| &row[..n]);
    ((value.trim().to_owned(), true), row.len())
}

fn interpolate(text: &str, known: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['$', '\\']) {
        out.push_str(&rest[..at]);
        if rest[at..].starts_with('\\') {
            let next = rest[at + 1..].chars().next();
            out.extend(next);
            rest = &rest[at + 1 + next.map_or(0, char::len_utf8)..];
            continue;
        }
        rest = &rest[at + 1..];
        if rest.starts_with('(') {
            return Err("takes the output of a shell command".into());
        }
        let (name, length) = match rest.strip_prefix('{') {
            Some(inner) => match inner.find('}') {
                Some(end) => (&inner[..end], end + 2),
                None => ("", 0),
            },
            None => {
                let end = rest
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(rest.len());
                (&rest[..end], end)
            }
        };
        if name.is_empty() {
            out.push('$');
        } else {
            let (name, default) = name
                .split_once(":-")
                .map_or((name, None), |(n, d)| (n, Some(d)));
            let value = known(name).filter(|v| default.is_none() || !v.is_empty());
            out.push_str(&value.or(default.map(str::to_owned)).unwrap_or_default());
        }
        rest = &rest[length..];
    }
    out.push_str(rest);
    Ok(out)
}

/// The directory that relative paths of a project start in.
pub(super) fn inside(root: &Path, path: &str) -> std::path::PathBuf {
    crate::files::lexical(&root.join(path))
}
