//! Configuration: precise mistakes, layers, trust, marks.

use crate::support::{Scene, ran};

#[test]
fn a_mistake_names_its_place_and_nothing_runs() {
    let scene = Scene::new();
    for (text, expected, hint) in [
        (
            "[profiles.worker]\npas = [\"X\"]\n",
            "tagout.toml:2:1: unknown key `pas` in a profile",
            "did you mean `pass`?",
        ),
        (
            "[profiles.a]\nextends = \"b\"\n[profiles.b]\nextends = \"a\"\nprofile = 1",
            "tagout.toml:5:1: unknown key `profile` in a profile",
            "hint:",
        ),
        (
            "profile = \"wroker\"\n",
            "tagout.toml:1:1: there is no profile `wroker`",
            "did you mean `worker`?",
        ),
        ("profile = \"x", "tagout.toml:1:", ""),
    ] {
        scene.file("tagout.toml", text);
        let ran = ran(&mut scene.tagout(&["run", "--", "touch", "ran"]));
        assert_eq!(ran.code, Some(125), "{ran:?}");
        assert!(
            ran.err.contains(expected) && ran.err.contains(hint),
            "{text}: {ran:?}"
        );
        assert!(!scene.path("ran").exists(), "{text}");
    }
}

#[test]
fn a_loop_of_profiles_is_named() {
    let scene = Scene::new();
    scene.file(
        "tagout.toml",
        "profile = \"a\"\n[profiles.a]\nextends = \"b\"\n[profiles.b]\nextends = \"a\"\n",
    );
    let ran = ran(&mut scene.tagout(&["run", "--", "true"]));
    assert_eq!(ran.code, Some(125));
    assert!(ran.err.contains("a -> b -> a"), "{ran:?}");
}

#[test]
fn the_projects_file_is_found_upward() {
    let scene = Scene::new();
    scene
        .file("tagout.toml", "profile = \"worker\"\n")
        .file("deep/er/x", "");
    let mut explain = scene.tagout(&["explain", "--json", "--", "true"]);
    let ran = ran(explain.current_dir(scene.path("deep/er")));
    assert!(ran.out.contains("\"name\":\"worker\""), "{ran:?}");
}

#[test]
fn a_project_loosens_only_when_trusted_and_only_as_it_was() {
    let scene = Scene::new();
    scene.file(
        "tagout.toml",
        "[profiles.default]\npass = [\"APP_LOCALE\"]\n",
    );
    let config = scene.path("conf").display().to_string();
    let locale = |scene: &Scene| {
        let mut run = scene.tagout(&[
            "run",
            "--config",
            &config,
            "--",
            "sh",
            "-c",
            "echo $APP_LOCALE",
        ]);
        ran(run.env("APP_LOCALE", "de")).out
    };
    assert_eq!(locale(&scene), "\n");
    let trusted = ran(&mut scene.tagout(&["trust", "--config", &config]));
    assert_eq!(trusted.code, Some(0), "{trusted:?}");
    assert_eq!(locale(&scene), "de\n");
    scene.file(
        "tagout.toml",
        "[profiles.default]\npass = [\"APP_LOCALE\", \"MORE\"]\n",
    );
    assert_eq!(locale(&scene), "\n");
}

#[test]
fn a_drop_that_ran_long_ago_no_longer_stops_a_deployment_once_somebody_who_may_says_so() {
    let scene = Scene::new();
    let config = scene.path("conf").display().to_string();
    let user = "[profiles.deploy]\nextends = \"default\"\nproduction = \"migrate\"\n\
                [[marks]]\ntier = \"production\"\nhost = \"db-1\"\n";
    let ran_already = "[[migrations]]\nhost = \"db-1\"\nfolder = \"db/migrations\"\n\
                       applied_file = \"/APPLIED\"\n";
    let ran_already = ran_already.replace("/APPLIED", &scene.path("applied").display().to_string());
    scene
        .file("conf/config.toml", user)
        .file("applied", "20240101\n")
        .file("db/migrations/20240101_a.sql", "drop table old;\n")
        .file("db/migrations/20240201_b.sql", "create table new(i int);\n");
    let verdict = |scene: &Scene| {
        let url = "postgres://u@db-1/shop";
        let explain = ["explain", "-p", "deploy", "--config", &config, "--"];
        let up = ["dbmate", "--url", url, "up"];
        let ran = ran(scene.tagout(&explain).args(up));
        (ran.code, ran.out)
    };
    assert_eq!(verdict(&scene).0, Some(77));
    scene.file("tagout.toml", &ran_already);
    let (code, out) = verdict(&scene);
    assert_eq!(code, Some(77), "a project cannot say it of itself: {out}");
    scene.file("tagout.toml", "");
    scene.file("conf/config.toml", &format!("{user}{ran_already}"));
    let (code, out) = verdict(&scene);
    assert_eq!(code, Some(0), "{out}");
    scene.file("db/migrations/20230101_late.sql", "drop table users;\n");
    let (code, out) = verdict(&scene);
    assert_eq!(code, Some(77), "dbmate runs an old file that is new: {out}");
}

#[test]
fn a_required_variable_that_is_missing_refuses() {
    let scene = Scene::new();
    scene.file(
        "tagout.toml",
        "[profiles.default]\nrequire = [\"APP_KEY\"]\n",
    );
    let ran = ran(&mut scene.tagout(&["run", "--", "touch", "ran"]));
    assert_eq!(ran.code, Some(77), "{ran:?}");
    assert!(
        ran.err.contains("APP_KEY") && ran.err.contains("tagout.toml:2"),
        "{ran:?}"
    );
    assert!(!scene.path("ran").exists());
}

#[test]
fn a_mark_is_written_once_and_checked_first() {
    let scene = Scene::new();
    let config = scene.path("conf").display().to_string();
    let mark = |args: &[&str]| {
        ran(scene
            .tagout(&["mark"])
            .args(args)
            .args(["--config", &config]))
    };
    assert_eq!(
        mark(&["disposable", "--host", "db1", "--port", "3307"]).code,
        Some(0)
    );
    assert_eq!(
        mark(&["production", "--network", "10.0.0.0/8"]).code,
        Some(0)
    );
    let bad = mark(&["production", "--network", "10.0.0.0/99"]);
    assert_eq!(bad.code, Some(125), "{bad:?}");
    let text = std::fs::read_to_string(scene.path("conf/config.toml")).unwrap();
    assert_eq!(text.matches("[[marks]]").count(), 2, "{text}");
}

#[test]
fn an_empty_command_is_wrong_usage() {
    let scene = Scene::new();
    for args in [
        &["run"][..],
        &["run", "--"],
        &["run", "--", ""],
        &["run", "--no-such-option", "--", "true"],
        &["frobnicate"],
    ] {
        assert_eq!(ran(&mut scene.tagout(args)).code, Some(2), "{args:?}");
    }
}

#[test]
fn a_journal_that_cannot_be_written_stops_what_must_be_recorded() {
    let scene = Scene::new();
    scene.file(".state", "a file where a directory should be");
    scene.bash("printf '#!/bin/sh\\ntouch ran\\n' > dropdb; chmod +x dropdb");
    let harmless = ran(&mut scene.tagout(&["run", "--", "echo", "fine"]));
    assert_eq!(
        (harmless.code, harmless.out.as_str()),
        (Some(0), "fine\n"),
        "{harmless:?}"
    );
    assert!(harmless.err.contains("not recorded"), "{harmless:?}");
    let destroys =
        ran(&mut scene.tagout(&["run", "--", "./dropdb", "-h", "127.0.0.1", "shop_test"]));
    assert_eq!(destroys.code, Some(125), "{destroys:?}");
    assert!(!scene.path("ran").exists());
}
