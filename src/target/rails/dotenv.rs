//! The `.env` files that dotenv-rails loads, and Figaro's `config/application.yml`.

use std::path::Path;

use super::Boot;
use crate::command::{Stop, World};
use crate::environment::{
    self,
    dotenv::{for_package, settle},
};
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
        let Some(dialect) = for_package("ruby-dotenv", &self.dotenv_version) else {
            return Ok(());
        };
        let vars = self.ruby.vars.clone();
        let process = |name: &str| vars.text(name).map(std::borrow::Cow::into_owned);
        let entries = environment::dotenv::read(dialect, text, &process).map_err(|e| {
            Stop::new(
                "env-file-invalid",
                format!("{shown}:{}: {}", e.line, e.what),
            )
        })?;
        for entry in settle(entries) {
            if self.ruby.vars.has(&entry.name) && !overload {
                continue;
            }
            let place = Source::project_file(shown, entry.line);
            match (entry.unknown, entry.value) {
                (Some(why), _) => {
                    let why = format!("{place}: {why}");
                    self.ruby.unknown_vars.entry(entry.name).or_insert(why);
                }
                (None, Some(text)) => {
                    if self.ruby.unknown_vars.contains_key(&entry.name) && !overload {
                        continue;
                    }
                    self.ruby.vars.set(entry.name, text, place);
                }
                (None, None) => {}
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

/// The directory that relative paths of a project start in.
pub(super) fn inside(root: &Path, path: &str) -> std::path::PathBuf {
    crate::files::lexical(&root.join(path))
}
