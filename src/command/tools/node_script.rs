//! What a script of node's is, as far as its text and what it loads of the project tell: a program
//! that names no database library and starts no database program counts as an unknown program.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::node::Package;
use crate::command::{Step, Tool, World};
use crate::files::lexical;

/// At most so many files are followed, and so many bytes read.
const MAX_FILES: usize = 400;
const MAX_BYTES: usize = 4 << 20;
/// How a file is named where its ending is left out.
const ENDINGS: &[&str] = &[
    "",
    ".js",
    ".ts",
    ".mjs",
    ".cjs",
    ".tsx",
    ".jsx",
    ".mts",
    ".cts",
    "/index.js",
    "/index.ts",
];

/// What a script is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Script {
    /// Nothing in it leads to a database.
    Plain,
    /// A server or worker, and it has the libraries of a database.
    Serves,
    /// It may do anything to a database; why.
    Opaque(String),
}

/// Reads a script and what it loads of the project.
pub(super) fn look(tool: &'static Tool, step: &Step, world: &World<'_>, script: &str) -> Script {
    let package = match Package::find(step, world) {
        Ok(package) => package,
        Err(why) => return Script::Opaque(why),
    };
    let mut survey = Survey {
        tool,
        world,
        root: package.map_or_else(|| step.cwd.clone(), |p| p.dir),
        seen: BTreeSet::new(),
        bytes: 0,
        database: None,
        serves: false,
        starts: step.program() == "zx",
        names_program: false,
    };
    match survey.walk(&step.path(script)) {
        Err(why) => Script::Opaque(why),
        Ok(()) => survey.verdict(),
    }
}

struct Survey<'a> {
    tool: &'static Tool,
    world: &'a World<'a>,
    root: PathBuf,
    seen: BTreeSet<PathBuf>,
    bytes: usize,
    database: Option<String>,
    serves: bool,
    starts: bool,
    names_program: bool,
}

impl Survey<'_> {
    fn verdict(self) -> Script {
        match self.database {
            Some(_) if self.serves => Script::Serves,
            Some(name) => Script::Opaque(format!("it uses `{name}`")),
            None if self.starts && self.names_program => Script::Opaque(
                "it starts programs, and names one that reaches databases".to_owned(),
            ),
            None => Script::Plain,
        }
    }

    fn walk(&mut self, script: &Path) -> Result<(), String> {
        let first = self.file(script).ok_or("it is not found")?;
        let mut open = vec![first];
        while let Some(path) = open.pop() {
            if !self.seen.insert(path.clone()) {
                continue;
            }
            let text = self.world.files.read_text(&path);
            let text = text.map_err(|_| format!("{} cannot be read", path.display()))?;
            self.bytes += text.len();
            if self.seen.len() > MAX_FILES || self.bytes > MAX_BYTES {
                return Err("it loads more than is read".to_owned());
            }
            let has = |key: &str| self.tool.data(key).iter().find(|w| text.contains(**w));
            if let Some(word) = has("telling") {
                return Err(format!("`{word}` stands in {}", path.display()));
            }
            self.names_program |= has("programs").is_some();
            if let Some(word) = has("hinting") {
                self.database.get_or_insert_with(|| (*word).to_owned());
            }
            for module in modules(&text)? {
                open.extend(self.module(&path, &module)?);
            }
        }
        Ok(())
    }

    /// Takes note of a module; the file, where it is the project's own.
    fn module(&mut self, from: &Path, module: &str) -> Result<Option<PathBuf>, String> {
        let name = module.strip_prefix("node:").unwrap_or(module);
        let is = |key: &str| {
            let mut listed = self.tool.data(key).iter();
            listed.any(|known| {
                name.strip_prefix(known)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                    || known.ends_with('/') && name.starts_with(known)
            })
        };
        let (database, serves, starts) = (is("databases"), is("servers"), is("starters"));
        if database {
            self.database.get_or_insert_with(|| name.to_owned());
        }
        self.serves |= serves;
        self.starts |= starts;
        if name.starts_with('.') || name.starts_with('/') {
            let folder = from.parent().unwrap_or(&self.root);
            let path = lexical(&folder.join(name));
            return self.own(&path, module);
        }
        // Names of the project's own, as bundlers and TypeScript map them.
        let mapped = ["@/", "~/", "#/", "#", "$"];
        if let Some(rest) = mapped.iter().find_map(|m| name.strip_prefix(m)) {
            let places = ["src", "app", "."].map(|dir| lexical(&self.root.join(dir).join(rest)));
            let found = places.iter().find_map(|path| self.file(path));
            return found.map(Some).ok_or(format!("`{module}` is not followed"));
        }
        if database || serves || starts {
            return Ok(None);
        }
        if self.is_linked(name) {
            return Err(format!(
                "`{module}` is the project's own and is not followed"
            ));
        }
        let places = ["src", "."].map(|dir| lexical(&self.root.join(dir).join(name)));
        Ok(places.iter().find_map(|path| self.file(path)))
    }

    fn own(&self, path: &Path, module: &str) -> Result<Option<PathBuf>, String> {
        let ending = path.extension().map(|e| e.to_string_lossy().into_owned());
        let code = ["js", "ts", "mjs", "cjs", "tsx", "jsx", "mts", "cts"];
        match self.file(path) {
            Some(found) => {
                let ending = found.extension().map(|e| e.to_string_lossy().into_owned());
                Ok(ending
                    .is_none_or(|e| code.contains(&e.as_str()))
                    .then_some(found))
            }
            None if ending.is_some_and(|e| ["css", "svg", "png", "json"].contains(&e.as_str())) => {
                Ok(None)
            }
            None => Err(format!("`{module}` is not found")),
        }
    }

    /// A package of the same repository: its folder is a link, or its version says so.
    fn is_linked(&self, name: &str) -> bool {
        let parts = if name.starts_with('@') { 2 } else { 1 };
        let package: Vec<&str> = name.split('/').take(parts).collect();
        let package = package.join("/");
        let listed = self.world.files.read_text(&self.root.join("package.json"));
        let listed = listed.is_ok_and(|text| {
            ["workspace:", "file:", "link:", "portal:"]
                .iter()
                .any(|how| {
                    let spaced = format!("\"{package}\": \"{how}");
                    text.contains(&spaced) || text.contains(&format!("\"{package}\":\"{how}"))
                })
        });
        let folder = self.root.join("node_modules").join(&package);
        let real = self.world.files.real_path(&folder);
        listed
            || real.is_some_and(|real| !real.components().any(|c| c.as_os_str() == "node_modules"))
    }

    /// The file that a name stands for; TypeScript is imported under the name of what it becomes.
    fn file(&self, path: &Path) -> Option<PathBuf> {
        let named = |ending: &&str| PathBuf::from(format!("{}{ending}", path.display()));
        let written = path.with_extension("ts");
        let mut candidates = ENDINGS.iter().map(named).chain([written]);
        candidates.find(|path| self.world.files.is_file(path))
    }
}

/// The modules that a text loads by name; an error where one is chosen when it runs.
fn modules(text: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for word in ["require", "import", "from"] {
        for (at, _) in text.match_indices(word) {
            let before = text.get(..at).and_then(|t| t.chars().next_back());
            if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '.')) {
                continue;
            }
            let rest = text.get(at + word.len()..).unwrap_or_default().trim_start();
            let (called, rest) = match rest.strip_prefix('(').filter(|_| word != "from") {
                Some(inner) => (true, inner.trim_start()),
                None => (false, rest),
            };
            let quote = rest
                .chars()
                .next()
                .filter(|c| matches!(c, '\'' | '"' | '`'));
            let name = quote.and_then(|quote| rest.get(1..)?.split(quote).next());
            match name {
                Some(name) if !name.contains("${") && !name.contains('\n') => {
                    found.push(name.to_owned());
                }
                None if !called => {}
                _ => return Err("it loads a module that is chosen when it runs".to_owned()),
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::script::tests::in_project;
    use super::*;

    fn looked(files: &[(&str, &str)]) -> Script {
        in_project(files, ["node", "a.js"], |tool, step, world| {
            look(tool, step, world, "a.js")
        })
    }

    #[test]
    fn a_script_is_what_it_loads() {
        let plain: &[&[(&str, &str)]] = &[
            &[("a.js", "console.log(1)")],
            &[
                ("a.js", "import { x } from './lib/x.js'\nx()"),
                ("lib/x.ts", "import fs from 'node:fs'"),
            ],
            &[("a.js", "const e = require('express'); e().listen(3)")],
            &[(
                "a.js",
                "const { execSync } = require('child_process'); execSync('tsc')",
            )],
            &[
                ("a.js", "import './style.css'; import '@/x'"),
                ("src/x.tsx", "export {}"),
            ],
        ];
        for files in plain {
            assert_eq!(looked(files), Script::Plain, "{files:?}");
        }
        let serves: &[&[(&str, &str)]] = &[
            &[
                ("a.js", "require('express')(); require('./db')"),
                ("db/index.js", "require('pg')"),
            ],
            &[(
                "a.js",
                "import { Worker } from 'bullmq'; import { PrismaClient } from '@prisma/client'",
            )],
        ];
        for files in serves {
            assert_eq!(looked(files), Script::Serves, "{files:?}");
        }
        let opaque: &[&[(&str, &str)]] = &[
            &[],
            &[
                ("a.js", "require('./x')"),
                ("x.js", "import('mysql2/promise')"),
            ],
            &[("a.js", "require('./gone')")],
            &[("a.js", "require(process.argv[2])")],
            &[("a.js", "await import(`./${name}`)")],
            &[("a.js", "import '@/gone'")],
            &[(
                "a.js",
                "import { spawn } from 'node:child_process'; spawn('psql', ['-c', sql])",
            )],
            &[(
                "a.js",
                "require('express'); require('pg').query('DROP TABLE x')",
            )],
            &[
                ("a.js", "import db from '@acme/db'"),
                (
                    "package.json",
                    "{\"dependencies\":{\"@acme/db\":\"workspace:*\"}}",
                ),
            ],
            &[("a.js", "db.dropDatabase()")],
            &[("a.js", "var c = bundled(); c(process.env.DATABASE_URL)")],
        ];
        for files in opaque {
            assert!(matches!(looked(files), Script::Opaque(_)), "{files:?}");
        }
    }
}
