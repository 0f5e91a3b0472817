//! The one direction, held: a room imports only what stands before it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms and what each may import. `types` of later rooms that a room needs are named one by one.
const ROOMS: &[(&str, &[&str])] = &[
    ("sys", &[]),
    ("packed", &[]),
    ("source", &[]),
    ("files", &["sys"]),
    ("invocation", &["sys", "command::Caller", "record::hex"]),
    (
        "profile",
        &[
            "packed",
            "policy::Tier",
            "source",
            "sys",
            "target",
            "command::Effect",
            "record::checkpoint::Keeper",
            "target::url",
            "target::marks",
        ],
    ),
    (
        "config",
        &[
            "files",
            "profile",
            "source",
            "command::Effect",
            "record::checkpoint::Keeper",
        ],
    ),
    (
        "environment",
        &["files", "profile", "source", "command::World"],
    ),
    (
        "command",
        &[
            "environment",
            "files",
            "packed",
            "source",
            "sys",
            "target::readers",
            "target::Value",
            "target::Traced",
            "target",
        ],
    ),
    (
        "target",
        &[
            "command",
            "environment",
            "files",
            "policy::Tier",
            "profile::Applied",
            "profile::Mark",
            "source",
        ],
    ),
    ("policy", &["command::Effect", "profile"]),
    (
        "plan",
        &[
            "command",
            "config",
            "environment",
            "files",
            "policy",
            "profile",
            "source",
            "target",
        ],
    ),
    ("gate", &["plan", "profile", "target", "command", "files"]),
    (
        "fence",
        &[
            "sys", "record", "plan", "policy", "profile", "target", "command", "source",
        ],
    ),
    ("launch", &["sys", "profile", "fence", "environment::hide"]),
    (
        "record",
        &[
            "sys",
            "plan",
            "environment",
            "command",
            "target",
            "policy",
            "profile",
            "source",
            "invocation",
            "fence",
        ],
    ),
    (
        "ui",
        &[
            "command",
            "environment",
            "launch",
            "plan",
            "policy",
            "profile",
            "source",
            "target",
            "record",
            "fence",
        ],
    ),
    (
        "launcher",
        &[
            "sys",
            "command",
            "config",
            "files",
            "invocation",
            "plan",
            "profile",
        ],
    ),
    // What only the second program uses. `companion` stands over them as `cli` over the others.
    ("init", LAUNCH),
    ("learn", &["environment", "files", "init::survey"]),
    ("doctor", LAUNCH),
    ("topics", LAUNCH),
    ("check", LAUNCH),
    ("agent", LAUNCH),
    ("shells", LAUNCH),
];

/// The rooms that a launch goes through.
const LAUNCH: &[&str] = &[
    "sys",
    "source",
    "files",
    "invocation",
    "config",
    "profile",
    "environment",
    "command",
    "target",
    "policy",
    "plan",
    "gate",
    "launch",
    "fence",
    "record",
    "ui",
];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// What a file imports of the crate, tests left out: `target::Engine` for
/// `use crate::target::Engine`.
fn imports(text: &str) -> Vec<String> {
    let body = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
    body.match_indices("crate::")
        .map(|(at, _)| &body[at + 7..])
        .map(|rest| {
            rest.chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':')
                .collect::<String>()
        })
        .map(|path| path.trim_end_matches(':').to_owned())
        .filter(|path| !path.is_empty())
        .collect()
}

#[test]
fn every_room_imports_only_what_stands_before_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let rules: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    let mut wrong = Vec::new();
    for file in files {
        let inside = file
            .strip_prefix(&root)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let room = inside.split(['/', '.']).next().unwrap();
        if matches!(room, "cli" | "companion" | "main" | "lib" | "bin" | "ship") {
            continue;
        }
        let allowed = rules
            .get(room)
            .unwrap_or_else(|| panic!("src/{inside}: the room `{room}` is not in the table"));
        for import in imports(&fs::read_to_string(&file).unwrap()) {
            let first = import.split("::").next().unwrap();
            let known = first == room
                || allowed
                    .iter()
                    .any(|a| import == *a || import.starts_with(&format!("{a}::")));
            if !known {
                wrong.push(format!("src/{inside} imports crate::{import}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unsafe_code_stands_in_sys_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for file in files {
        let inside = file
            .strip_prefix(&root)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&file).unwrap();
        let has = text.lines().any(|l| {
            !l.trim_start().starts_with("//") && (l.contains("unsafe {") || l.contains("unsafe fn"))
        });
        assert!(
            !has || inside.starts_with("sys/"),
            "src/{inside} has unsafe code"
        );
    }
}
