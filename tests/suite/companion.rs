//! The second program: reached through the first, never by PATH, and missed clearly.

use std::os::unix::fs::symlink;

use crate::support::{Scene, ran, tagout};

#[test]
fn the_launcher_becomes_the_program_beside_it() {
    let scene = Scene::new();
    scene.file("bin/tagout-companion", "#!/bin/sh\necho from PATH\n");
    std::fs::create_dir(scene.path("linked")).unwrap();
    symlink(tagout(), scene.path("linked/tagout")).unwrap();
    let mut command = scene.command(scene.path("linked/tagout"));
    command.env("PATH", scene.path("bin"));
    let through = ran(command.args(["profile", "list"]));
    assert_eq!(through.code, Some(0), "{through:?}");
    assert!(through.out.contains("worker"), "{through:?}");
    let help = ran(&mut scene.tagout(&["config", "check", "--help"]));
    assert!(help.out.contains("Usage: tagout config check"), "{help:?}");
}

#[test]
fn without_its_companion_it_says_how_to_get_it() {
    let scene = Scene::new();
    scene.copy(tagout().as_ref(), "tagout");
    let ran = ran(scene
        .command(scene.path("tagout"))
        .args(["config", "check"]));
    assert_eq!(ran.code, Some(125), "{ran:?}");
    assert!(
        ran.err.contains("tagout-companion") && ran.err.contains("cargo install"),
        "{ran:?}"
    );
}

#[test]
fn the_definition_of_all_subcommands_is_sound() {
    tagout::companion::definition().debug_assert();
}

#[test]
fn every_subcommand_is_listed_with_a_line() {
    let scene = Scene::new();
    let help = ran(&mut scene.tagout(&["--help"]));
    for verb in ["run", "explain", "profile", "config", "help"] {
        let listed = help.out.lines().any(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some(verb) && words.count() > 2
        });
        assert!(listed, "{verb}: {help:?}");
    }
}
