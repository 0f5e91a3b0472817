//! What stands in a project: frameworks, `.env` files, CI definitions, places that start programs.

use std::path::{Path, PathBuf};

use super::frameworks::{CI, FRAMEWORKS, Framework, SPAWNS};
use crate::files::{Files, shown};

/// Folders that hold other people's code or nothing to read.
const NOT_OURS: &[&str] = &[
    "vendor",
    "node_modules",
    "storage",
    "tmp",
    "log",
    "logs",
    "dist",
    "build",
    "venv",
    "target",
    "coverage",
    "public",
];
/// At most so many files are looked into.
const MAX_FILES: usize = 4000;
/// At most so much of one is read.
const MAX_BYTES: usize = 256 * 1024;

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    /// Frameworks with the file that says so.
    pub frameworks: Vec<(&'static Framework, String)>,
    /// `.env` files, by name.
    pub env_files: Vec<String>,
    /// Modules of Django settings besides the one that manage.py names.
    pub settings_modules: Vec<String>,
    /// CI definitions.
    pub ci: Vec<String>,
    /// Places that start programs: `app/Jobs/Import.php:12`.
    pub spawns: Vec<String>,
    /// The project was too large to be looked into whole.
    pub cut: bool,
}

impl Survey {
    /// Looks at the project in `root`.
    pub fn of(root: &Path, files: &dyn Files) -> Survey {
        let mut survey = Survey::default();
        for framework in FRAMEWORKS {
            let marker = framework
                .markers
                .iter()
                .find(|m| files.is_file(&root.join(m)));
            survey
                .frameworks
                .extend(marker.map(|m| (framework, (*m).to_owned())));
        }
        // bin/rails of something else, config/config.js of something else.
        if !files.is_file(&root.join("config/database.yml")) {
            survey
                .frameworks
                .retain(|(f, marker)| f.name != "Rails" || marker != "bin/rails");
        }
        if !is_sequelize(root, files) {
            survey.frameworks.retain(|(f, _)| f.name != "Sequelize");
        }
        let names = files.list(root).into_iter();
        survey.env_files = names
            .filter(|n| is_env_file(n) && files.is_file(&root.join(n)))
            .collect();
        survey.env_files.sort();
        survey.ci(root, files);
        survey.sources(root, files);
        survey
    }

    fn ci(&mut self, root: &Path, files: &dyn Files) {
        for place in CI {
            let path = root.join(place);
            if files.is_file(&path) {
                self.ci.push((*place).to_owned());
            } else if files.is_dir(&path) {
                let names = files.list(&path).into_iter();
                let mut names: Vec<String> = names
                    .filter(|n| n.ends_with(".yml") || n.ends_with(".yaml"))
                    .collect();
                names.sort();
                self.ci
                    .extend(names.into_iter().map(|n| format!("{place}/{n}")));
            }
        }
    }

    fn sources(&mut self, root: &Path, files: &dyn Files) {
        let (paths, cut) = source_files(root, files, &|_| true);
        self.cut = cut;
        for path in paths {
            let name = shown(&path, root);
            self.settings_module(&name);
            let ending = name.rsplit('.').next().unwrap_or("");
            let Some((_, words)) = SPAWNS.iter().find(|(endings, _)| endings.contains(&ending))
            else {
                continue;
            };
            let Ok(bytes) = files.head(&path, MAX_BYTES) else {
                continue;
            };
            let text = String::from_utf8_lossy(&bytes);
            for (at, line) in text.lines().enumerate() {
                if words.iter().any(|word| line.contains(word)) && !is_comment(line) {
                    self.spawns.push(format!("{name}:{}", at + 1));
                    break;
                }
            }
        }
    }

    fn settings_module(&mut self, name: &str) {
        let Some(stem) = name.strip_suffix(".py") else {
            return;
        };
        let parts: Vec<&str> = stem.split('/').collect();
        let is_settings = parts.iter().any(|p| p.starts_with("settings"));
        let is_package = parts.last() == Some(&"__init__") || parts.contains(&"tests");
        if is_settings && !is_package && parts.len() <= 4 {
            self.settings_modules.push(parts.join("."));
        }
    }
}

fn is_sequelize(root: &Path, files: &dyn Files) -> bool {
    files.is_file(&root.join(".sequelizerc"))
        || files
            .read_text(&root.join("package.json"))
            .is_ok_and(|text| text.contains("\"sequelize"))
}

fn is_env_file(name: &str) -> bool {
    let example = ["example", "sample", "dist", "template", "vault"];
    (name == ".env" || name.starts_with(".env."))
        && !name.split('.').any(|part| example.contains(&part))
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    ["//", "#", "*", "/*"]
        .iter()
        .any(|mark| line.starts_with(mark))
}

/// The project's own files that `wanted` takes by name, in order, and whether there were too many.
pub fn source_files(
    root: &Path,
    files: &dyn Files,
    wanted: &dyn Fn(&str) -> bool,
) -> (Vec<PathBuf>, bool) {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let mut names = files.list(&folder);
        names.sort_by(|a, b| b.cmp(a));
        for name in names {
            let path = folder.join(&name);
            if files.is_dir(&path) {
                let ours = !name.starts_with('.') && !NOT_OURS.contains(&name.as_str());
                // A link may lead out of the project, or around in it.
                let inside = files
                    .real_path(&path)
                    .is_some_and(|real| real.ends_with(&name));
                if ours && inside {
                    folders.push(path);
                }
            } else if wanted(&name) {
                found.push(path);
            }
            if found.len() >= MAX_FILES {
                found.sort();
                return (found, true);
            }
        }
    }
    found.sort();
    (found, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Memory;

    #[test]
    fn a_project_is_recognised_by_its_files() {
        let files = Memory::new()
            .with("/p/artisan", "")
            .with("/p/.env", "")
            .with("/p/.env.example", "")
            .with("/p/.env.production", "")
            .with("/p/.github/workflows/test.yml", "")
            .with(
                "/p/app/Jobs/Import.php",
                "<?php\n// new Process(\n$p = new Process(['php', 'artisan']);\n",
            )
            .with("/p/vendor/x/a.php", "new Process(");
        let survey = Survey::of(Path::new("/p"), &files);
        let names: Vec<_> = survey.frameworks.iter().map(|(f, _)| f.name).collect();
        assert_eq!(names, ["Laravel"]);
        assert_eq!(survey.env_files, [".env", ".env.production"]);
        assert_eq!(survey.ci, [".github/workflows/test.yml"]);
        assert_eq!(survey.spawns, ["app/Jobs/Import.php:3"]);
    }
}
