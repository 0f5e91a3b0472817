//! pgroll's migrations: JSON or YAML files of operations. Starting one only adds; ending it takes
//! away what it replaces, and a row of them ends every one but the last.

use std::path::Path;

use super::Reader;
use super::places::Migrations;
use crate::command::{Action, Effect};
use crate::target::readers::yaml;
use crate::target::{Traced, Value};

/// Operations whose end takes data away.
const TAKING: &[&str] = &["drop_table", "drop_column", "drop_multicolumn_constraint"];

impl Reader<'_> {
    pub(super) fn operations(&mut self, path: &Path, migrations: &Migrations) {
        if self.world.files.is_file(path) {
            self.operation_file(path, false);
            return;
        }
        let names = self.world.files.list(path);
        let ending = |n: &&String| [".json", ".yaml", ".yml"].iter().any(|e| n.ends_with(e));
        let files: Vec<&String> = names.iter().filter(ending).collect();
        for (at, name) in files.iter().enumerate() {
            if self.ran.has(path, name, migrations) {
                continue;
            }
            // Of a folder only the last one may stay open.
            self.operation_file(&path.join(name), at + 1 < files.len());
        }
    }

    fn operation_file(&mut self, path: &Path, ends: bool) {
        let Some(text) = self.read(path) else { return };
        let shown = self.shown(path);
        let Ok(root) = yaml::read(&text, &shown, yaml::Schema::Core) else {
            self.opaque("migration", format!("{shown} cannot be read"));
            return;
        };
        let Some(Value::List(operations)) = root.get("operations").map(|o| &o.value) else {
            self.opaque("migration", format!("{shown} names no operations"));
            return;
        };
        for operation in operations {
            let Value::Map(entries) = &operation.value else {
                continue;
            };
            for (name, details) in entries {
                self.operation(name, details, &shown, ends);
            }
        }
    }

    fn operation(&mut self, name: &str, details: &Traced, shown: &str, ends: bool) {
        if name == "sql" {
            let text = details.get("up").and_then(Traced::as_str).unwrap_or("");
            self.statements(text, shown, 1, false);
        } else if ends && TAKING.contains(&name) {
            let place = details.source.text().to_owned();
            let why = format!("{place}: a migration before the last one is ended");
            self.raise(Action::new(name.to_owned(), Effect::Destroys, why).at(place));
        }
    }
}
