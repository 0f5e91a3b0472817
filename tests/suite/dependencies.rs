//! What the launcher is built from: no procedural macros (the static build cannot load them), only
//! known licences. `deny.toml` says the same to `cargo deny`, where it is installed.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

#[test]
fn normal_dependencies_bring_no_macros_and_known_licences() {
    let out = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--offline",
            "--locked",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        ])
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let metadata: Value = serde_json::from_slice(&out.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let of = |id: &str| packages.iter().find(|p| p["id"] == id).unwrap();
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut queue = vec![metadata["resolve"]["root"].as_str().unwrap()];
    while let Some(id) = queue.pop() {
        if !seen.insert(id) {
            continue;
        }
        let node = nodes.iter().find(|n| n["id"] == id).unwrap();
        for dependency in node["deps"].as_array().unwrap() {
            let normal = dependency["dep_kinds"]
                .as_array()
                .unwrap()
                .iter()
                .any(|k| k["kind"].is_null());
            if normal {
                queue.push(dependency["pkg"].as_str().unwrap());
            }
        }
    }
    let known = [
        "MIT",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Unicode-3.0",
        "Zlib",
        "Unlicense",
        "CC0-1.0",
    ];
    for id in seen {
        let package = of(id);
        let is_macro = package["targets"].as_array().unwrap().iter().any(|t| {
            t["kind"]
                .as_array()
                .unwrap()
                .iter()
                .any(|k| k == "proc-macro")
        });
        assert!(!is_macro, "{} is a procedural macro", package["name"]);
        let licence = package["license"].as_str().unwrap_or("none");
        assert!(
            known.iter().any(|k| licence.contains(k)),
            "{}: licence {licence}",
            package["name"]
        );
    }
}
