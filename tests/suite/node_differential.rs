//! Configurations of Knex, Sequelize, TypeORM, Drizzle and MikroORM as projects write them: what
//! node itself makes of each against the static reading. Equal or unresolved, never another
//! database.

use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::node_tools::tools;
use crate::support::Scene;

/// Files that the configurations read.
const BESIDE: &[(&str, &str)] = &[
    (
        "cfg.json",
        "{\"db\": {\"host\": \"jh\", \"database\": \"jd\"}}",
    ),
    (".env", "DATABASE_URL=postgres://u@env.host/envdb\n"),
    (
        ".env.local",
        "DATABASE_URL=postgres://u@local.host/localdb\n",
    ),
    (
        "u.ts",
        "export default `postgres://u@${\"ts\"}.host/tsdb`;\n",
    ),
    (
        "package.json",
        "{\"dependencies\": {\"@mikro-orm/cli\": \"*\"}}",
    ),
];

#[test]
fn nodes_own_reading_never_names_another_database() {
    let Some(tools) = tools() else {
        return;
    };
    let cases = include_str!("../fixtures/node_configs.jsonl");
    let (mut same, mut open, mut wrong) = (0, 0, Vec::new());
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| case[key].as_str().unwrap();
        let scene = Scene::new();
        for (name, content) in BESIDE {
            scene.file(name, content);
        }
        scene.file(text("file"), text("text"));
        symlink(tools.join("node_modules"), scene.path("node_modules")).unwrap();
        let words: Vec<&str> = ["--probe", "--"]
            .into_iter()
            .chain(text("words").split(' '))
            .collect();
        let answer = scene.explain(&words);
        let said = answer["command"]["notes"].to_string();
        if said.contains("same answer") {
            same += 1;
        } else if said.contains("answers what was open") {
            open += 1;
        } else if answer["errors"].as_array().unwrap().is_empty() {
            wrong.push(format!("{line}\n{said} {}", answer["unresolved"]));
        }
    }
    println!("node: {same} equal, {open} unresolved by reading");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(same >= 45, "only {same} are resolved by reading");
}
