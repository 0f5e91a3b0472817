//! Scripts of all packages of a workspace: `turbo run x`, `lerna run x`, `pnpm -r x`, `npm run x -w y`.
//! Which packages are chosen is not asked: whatever any of them would run counts.

use std::path::PathBuf;

use serde_json::Value;

use crate::command::{Args, Reading, Step, Tool, Word, World};
use crate::files::FileError;
use crate::target::readers::yaml::{self, Kind, Node};

/// How many packages are looked at.
const MAX_PACKAGES: usize = 256;

/// What package managers do in a workspace without running its scripts by name.
const KEEPING: &[&str] = &[
    "install",
    "i",
    "ci",
    "add",
    "remove",
    "rm",
    "uninstall",
    "update",
    "up",
    "outdated",
    "list",
    "ls",
    "why",
    "publish",
    "pack",
    "audit",
    "prune",
    "dedupe",
    "link",
    "view",
    "info",
    "version",
    "changed",
    "clean",
    "bootstrap",
    "create",
    "init",
    "prune",
    "ls",
    "login",
    "daemon",
];

/// Reads a call whose operands are `[run] NAME...`.
pub(super) fn read(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let mut with_value = tool.value_options.to_vec();
    with_value.extend([
        "-w",
        "--workspace",
        "-F",
        "--filter",
        "--scope",
        "--concurrency",
    ]);
    let args = Args::parse(&step.argv, &with_value);
    let opaque = |why: &str| Reading::opaque(Some(tool), step, "workspace", why.to_owned());
    if step.first_unknown().is_some() {
        return opaque("its words are not literal");
    }
    let several = step.program() == "turbo";
    let mut names = args.operand_texts().skip_while(|w| {
        matches!(
            *w,
            "run" | "run-script" | "workspaces" | "recursive" | "multi"
        )
    });
    let Some(first) = names.next() else {
        return Reading::not_mine(step);
    };
    if KEEPING.contains(&first) {
        return Reading::not_mine(step);
    }
    if matches!(first, "exec" | "x" | "dlx" | "foreach" | "workspace") {
        return opaque("runs in other packages of the workspace");
    }
    let Some(folders) = packages(step, world) else {
        return opaque("which packages it has is not known");
    };
    let names: Vec<&str> = std::iter::once(first)
        .chain(names.filter(|_| several))
        .map(|name| name.rsplit('#').next().unwrap_or(name))
        .collect();
    let mut steps = Vec::new();
    for folder in folders {
        let text = world.files.read_text(&folder.join("package.json"));
        let json: Option<Value> = text.ok().and_then(|t| serde_json::from_str(&t).ok());
        for name in &names {
            let script = json.as_ref().and_then(|j| j.get("scripts")?.get(*name));
            if script.is_some() {
                let argv = ["npm", "run", name].map(Word::literal).to_vec();
                let mut inner = step.with_argv(argv).through(step.program());
                inner.cwd.clone_from(&folder);
                steps.push(inner);
            }
        }
    }
    if steps.is_empty() {
        return Reading::not_mine(step);
    }
    Reading::steps(steps)
}

/// The folders of the packages, the workspace's own first; `None` where they are not literal.
fn packages(step: &Step, world: &World<'_>) -> Option<Vec<PathBuf>> {
    let root = step.cwd.clone();
    let text = match world.files.read_text(&root.join("package.json")) {
        Ok(text) => text,
        Err(FileError::Missing | FileError::NotAFile) => return Some(Vec::new()),
        Err(_) => return None,
    };
    let json: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    let listed = json.get("workspaces").unwrap_or(&Value::Null);
    let listed = listed.get("packages").unwrap_or(listed).as_array();
    let mut patterns: Vec<String> = listed
        .into_iter()
        .flatten()
        .map(|p| p.as_str().map(str::to_owned))
        .collect::<Option<_>>()?;
    if let Ok(text) = world.files.read_text(&root.join("pnpm-workspace.yaml")) {
        let node = yaml::parse(&text).ok()?;
        if let Some(Kind::List(items)) = node.get("packages").map(|n| &n.kind) {
            patterns.extend(items.iter().filter_map(Node::text).map(str::to_owned));
        }
    }
    let mut found = vec![root.clone()];
    for pattern in patterns.iter().filter(|p| !p.starts_with('!')) {
        let pattern = pattern.trim_end_matches('/').trim_start_matches("./");
        match pattern.strip_suffix("/*") {
            Some(folder) if !folder.contains('*') => {
                let folder = root.join(folder);
                found.extend(world.files.list(&folder).iter().map(|n| folder.join(n)));
            }
            None if !pattern.contains('*') => found.push(root.join(pattern)),
            _ => return None,
        }
    }
    (found.len() <= MAX_PACKAGES).then_some(found)
}
