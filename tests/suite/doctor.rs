//! `tagout doctor`: it finds what works, and, which matters more, what does not.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::support::{Scene, ran, tagout};

fn status<'v>(report: &'v Value, name: &str) -> &'v str {
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().find(|f| f["name"] == name);
    found.unwrap_or_else(|| panic!("{name}: {report}"))["status"]
        .as_str()
        .unwrap()
}

#[test]
fn every_protection_of_this_build_holds_its_canary() {
    let scene = Scene::new();
    let config = scene.path("conf").display().to_string();
    let ran = ran(&mut scene.tagout(&["doctor", "--json", "--config", &config]));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["schema"], "tagout.doctor/1");
    for name in [
        "programs",
        "configuration",
        "scrub",
        "descriptors",
        "journal",
        "policy",
    ] {
        assert_eq!(status(&report, name), "works", "{report}");
    }
    assert!(
        ["works", "partial"].contains(&status(&report, "fence")),
        "{report}"
    );
}

#[test]
fn a_launcher_that_protects_nothing_is_found_out() {
    let scene = Scene::new();
    let companion = Path::new(tagout()).with_file_name("tagout-companion");
    scene.file(
        "bin/tagout",
        "#!/bin/sh\n[ \"$1\" = --version ] && exec echo tagout 9.9.9\nwhile [ \"$1\" != -- ]; do shift; done\nshift\nexec \"$@\"\n",
    );
    scene.copy(&companion, "bin/tagout-companion");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(scene.path("bin/tagout"), mode).unwrap();
    let mut command = scene.command(scene.path("bin/tagout-companion"));
    let ran = ran(command.args(["doctor", "--json"]));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    for name in [
        "programs",
        "scrub",
        "descriptors",
        "journal",
        "policy",
        "fence",
    ] {
        assert_eq!(status(&report, name), "fails", "{name}: {report}");
    }
}

#[test]
fn a_mistake_in_the_configuration_is_said() {
    let scene = Scene::new();
    scene.file("tagout.toml", "profil = \"x\"\n");
    let ran = ran(&mut scene.tagout(&["doctor"]));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out.contains("tagout.toml:1:1: unknown key `profil`"),
        "{ran:?}"
    );
}

#[test]
fn a_profile_that_lets_a_database_through_is_noted() {
    let scene = Scene::new();
    scene.file(
        "conf/config.toml",
        "[profiles.default]\npass = [\"DATABASE_URL\"]\n",
    );
    let config = scene.path("conf").display().to_string();
    let ran = ran(&mut scene.tagout(&["doctor", "--json", "--config", &config]));
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(status(&report, "scrub"), "partial", "{report}");
}
