//! What had to hold is recorded with how it held.

use serde_json::Value;

use crate::support::{Scene, needs, ran};

/// Name, whether it held, and how.
fn gates(entry: &Value) -> Vec<(String, bool, String)> {
    let gates = entry["gates"].as_array().map(Vec::as_slice);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let gate = |g: &Value| (text(&g["name"]), g["passed"] == true, text(&g["how"]));
    gates.unwrap_or_default().iter().map(gate).collect()
}

#[test]
fn a_required_variable_is_a_gate() {
    let scene = Scene::new();
    scene.file(
        "user/config.toml",
        "[profiles.worker]\npass = [\"TOKEN_FOR_TEST\", \"COLOUR\"]\nrequire = [\"TOKEN_FOR_TEST\", \"COLOUR\"]\n",
    );
    let run = ["run", "--config", "user", "-p", "worker", "--", "true"];
    let refused = ran(scene.tagout(&run).env("COLOUR", "blue"));
    assert_eq!(refused.code, Some(77), "{refused:?}");
    let mut whole = scene.tagout(&run);
    whole
        .env("COLOUR", "blue")
        .env("TOKEN_FOR_TEST", "hush-hush");
    assert_eq!(ran(&mut whole).code, Some(0));
    let records = scene.records();
    let of = |phase: &str| records.iter().find(|r| r["phase"] == phase).unwrap();
    let [(name, held, how)] = &gates(of("refused"))[..] else {
        panic!("{}", of("refused"));
    };
    assert_eq!((name.as_str(), held), ("require", &false));
    assert!(how.starts_with("TOKEN_FOR_TEST is not there ("), "{how}");
    let held = (
        "require".to_owned(),
        true,
        "TOKEN_FOR_TEST, COLOUR there".to_owned(),
    );
    assert_eq!(gates(of("intent")), [held]);
    let shut = ran(&mut scene.tagout(&["log", "--gate", "require"]));
    assert_eq!(shut.out.lines().count(), 2, "{shut:?}");
    let story = ran(&mut scene.tagout(&["log", "show", of("refused")["id"].as_str().unwrap()]));
    assert!(
        story
            .out
            .contains("require did NOT hold: TOKEN_FOR_TEST is not there"),
        "{story:?}"
    );
}

#[test]
fn a_mark_is_a_gate_for_what_destroys_and_for_nothing_else() {
    if needs("sqlite3").is_none() {
        return;
    }
    let scene = Scene::new();
    scene.file("user/config.toml", "");
    let sql = |text: &str| {
        ran(&mut scene.tagout(&["run", "--config", "user", "--", "sqlite3", "some.db", text]))
    };
    assert_eq!(sql("create table t (a)").code, Some(0));
    assert_eq!(sql("drop table t").code, Some(77));
    scene.file(
        "user/config.toml",
        &format!(
            "[[marks]]\ntier = \"disposable\"\nfile = \"{}\"\n",
            scene.path("some.db").display()
        ),
    );
    assert_eq!(sql("drop table t").code, Some(0));
    let records = scene.records();
    let judged = records.iter().filter(|r| r["verdict"].is_string());
    let judged: Vec<_> = judged.map(gates).collect();
    assert_eq!(judged.len(), 3);
    assert!(judged[0].is_empty(), "{:?}", judged[0]);
    let [(name, false, how)] = &judged[1][..] else {
        panic!("{:?}", judged[1]);
    };
    assert!(
        name == "mark" && how.contains("some.db is unmarked"),
        "{how}"
    );
    let [(name, true, how)] = &judged[2][..] else {
        panic!("{:?}", judged[2]);
    };
    assert!(
        name == "mark" && how.contains("some.db is disposable by "),
        "{how}"
    );
}
