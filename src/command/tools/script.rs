//! Scripts in languages that are not read as programs (Python, Perl, Lua): words for destroying that
//! stand in the text of one, or of what it imports of the project.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::command::{Action, Command, Effect, Reading, Step, Tool, World};
use crate::files::{FileError, lexical, shown};

/// At most so many files are followed, and so many bytes read.
const MAX_FILES: usize = 200;
const MAX_BYTES: usize = 4 << 20;

/// The reading of a start whose script may destroy; `None` where its text does not say so. `tool`
/// knows the words.
pub(super) fn read(
    tool: &'static Tool,
    step: &Step,
    world: &World<'_>,
    script: &str,
) -> Option<Reading> {
    let name = tells(tool, step, world, script)?;
    let action = Action::new(
        name,
        Effect::Opaque,
        "the script's text says that it destroys",
    );
    let command = Command::new(Some(tool), step.clone()).doing(action);
    Some(Reading::command(command))
}

/// What in the script, or in what it imports, tells that it destroys.
fn tells(tool: &Tool, step: &Step, world: &World<'_>, script: &str) -> Option<String> {
    let first = step.path(script);
    let roots = [first.parent().unwrap_or(&first).to_owned()];
    let mut seen = BTreeSet::new();
    let mut bytes = 0;
    let mut open = vec![first];
    while let Some(path) = open.pop() {
        if !seen.insert(path.clone()) || seen.len() > MAX_FILES || bytes > MAX_BYTES {
            continue;
        }
        let text = match world.files.read_text(&path) {
            Ok(text) => text.to_ascii_lowercase(),
            Err(FileError::TooLarge | FileError::Stream) => {
                return Some(format!("{}, which is not read", shown(&path, &step.cwd)));
            }
            Err(_) => continue,
        };
        bytes += text.len();
        if let Some(word) = tool.data("telling").iter().find(|w| text.contains(**w)) {
            return Some(format!("{word} in {}", shown(&path, &step.cwd)));
        }
        if path.extension().is_some_and(|ending| ending == "py") {
            let own = |module: String| file_of(&module, &path, &roots, world);
            open.extend(imported(&text).into_iter().filter_map(own));
        }
    }
    None
}

/// The modules that a text of Python (in small letters) imports: `import a.b`, `from .c import d`.
fn imported(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines().map(str::trim_start) {
        if let Some(names) = line.strip_prefix("import ") {
            let name = |part: &str| part.split_whitespace().next().map(str::to_owned);
            found.extend(names.split(',').filter_map(name));
        } else if let Some((module, names)) = line
            .strip_prefix("from ")
            .and_then(|rest| rest.split_once(" import "))
        {
            let module = module.trim();
            let dot = if module.ends_with('.') { "" } else { "." };
            let inner = names.split(['(', ')', ',']).map(str::trim);
            let inner = inner.filter_map(|name| name.split(' ').next());
            found.push(module.to_owned());
            found.extend(
                inner
                    .filter(|n| !n.is_empty())
                    .map(|n| format!("{module}{dot}{n}")),
            );
        }
    }
    found
}

/// The project's file of a module, seen from a file that imports it.
fn file_of(module: &str, from: &Path, roots: &[PathBuf], world: &World<'_>) -> Option<PathBuf> {
    let name = module.trim_start_matches('.');
    let dots = module.len() - name.len();
    let path: PathBuf = name.split('.').collect();
    let folders: Vec<PathBuf> = match dots {
        0 => roots.to_vec(),
        // One dot is the importing file's own folder.
        dots => from
            .ancestors()
            .nth(dots)
            .map(Path::to_owned)
            .into_iter()
            .collect(),
    };
    folders
        .into_iter()
        .map(|folder| lexical(&folder.join(&path)))
        .flat_map(|place| [place.with_extension("py"), place.join("__init__.py")])
        .find(|file| world.files.is_file(file))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::command::{Caller, catalogue};
    use crate::environment::Vars;
    use crate::files::Memory;

    /// What a look at a project's files says of a command's words.
    pub(in crate::command::tools) fn in_project<T>(
        files: &[(&str, &str)],
        words: [&str; 2],
        look: impl FnOnce(&'static Tool, &Step, &World<'_>) -> T,
    ) -> T {
        let memory = Memory::new().below("/p", files);
        let caller = Caller::default();
        let world = World {
            files: &memory,
            caller: &caller,
            heard: None,
        };
        let step = Step::new(words.map(str::to_owned), Vars::default(), "/p".into());
        look(catalogue::find(words[0]).unwrap(), &step, &world)
    }

    fn told(files: &[(&str, &str)]) -> Option<String> {
        in_project(files, ["python", "a.py"], |tool, step, world| {
            tells(tool, step, world, "a.py")
        })
    }

    #[test]
    fn a_script_destroys_by_what_stands_in_it_and_in_what_it_imports() {
        let tell: &[&[(&str, &str)]] = &[
            &[(
                "a.py",
                "cursor.execute('Drop  Table users'.replace('  ', ' '))\nDROP TABLE",
            )],
            &[
                ("a.py", "import lib.db as d\n"),
                ("lib/db.py", "Base.metadata.drop_all(engine)"),
            ],
            &[
                ("a.py", "from lib import db, x"),
                ("lib/db.py", "r.flushall()"),
            ],
            &[
                ("a.py", "from lib.one import (\n"),
                ("lib/one.py", "from . import two"),
                ("lib/two.py", "from ..three import y"),
                ("three/__init__.py", "c.execute(\"truncate table x\")"),
            ],
        ];
        for files in tell {
            assert!(told(files).is_some(), "{files:?}");
        }
        let silent: &[&[(&str, &str)]] = &[
            &[],
            &[("a.py", "import psycopg\nprint('table dropped')")],
            &[("a.py", "import os"), ("db.py", "DROP TABLE x")],
            &[("a.py", "import b"), ("b.py", "import a")],
        ];
        for files in silent {
            assert_eq!(told(files), None, "{files:?}");
        }
    }
}
