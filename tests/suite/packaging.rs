//! The Debian package: what its metadata names is there, and what it puts where is sound.

use std::path::Path;

use crate::support::{Scene, needs, ran};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn metadata() -> toml::Table {
    let text = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let file: toml::Table = text.parse().unwrap();
    file["package"]["metadata"]["deb"]
        .as_table()
        .unwrap()
        .clone()
}

#[test]
fn everything_that_the_package_takes_is_there() {
    let assets = metadata()["assets"].as_array().unwrap().clone();
    let mut places = Vec::new();
    for asset in &assets {
        let [source, place, mode] = [0, 1, 2].map(|at| asset[at].as_str().unwrap().to_owned());
        places.push(place);
        assert!(["644", "755"].contains(&mode.as_str()), "{source}");
        if source.starts_with("target/") {
            continue;
        }
        let (folder, name) = source.rsplit_once('/').unwrap_or(("", &source));
        let (begin, end) = name.split_once('*').unwrap_or((name, ""));
        let found = std::fs::read_dir(root().join(folder))
            .unwrap()
            .flatten()
            .any(|e| {
                let file = e.file_name().to_string_lossy().into_owned();
                file.starts_with(begin) && file.ends_with(end)
            });
        assert!(found, "{source} is not there");
    }
    for expected in [
        "etc/tagout/policy.toml",
        "usr/lib/tmpfiles.d/tagout.conf",
        "usr/share/man/man1/",
    ] {
        assert!(places.iter().any(|p| p == expected), "{expected}");
    }
}

#[test]
fn the_sample_policy_is_sound_also_with_everything_in_it() {
    let scene = Scene::new();
    let sample = std::fs::read_to_string(root().join("packaging/policy.toml")).unwrap();
    let whole: String = sample
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.starts_with('[') || rest.contains(" = ") => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    for text in [&sample, &whole] {
        scene.file("conf/config.toml", text);
        let config = scene.path("conf").display().to_string();
        let check = ran(&mut scene.tagout(&["config", "check", "--config", &config]));
        assert_eq!(check.code, Some(0), "{check:?}\n{text}");
    }
    let document = whole.parse::<toml::Table>().unwrap();
    assert!(
        document.contains_key("marks") && document.contains_key("journal"),
        "{document:?}"
    );
}

#[test]
fn maintainer_scripts_are_shell_and_have_their_token() {
    let scene = Scene::new();
    for name in ["postinst", "postrm"] {
        let path = root().join("packaging/debian").join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("#DEBHELPER#"), "{name}");
        if needs("dash").is_some() {
            let done = ran(scene.command("dash").arg("-n").arg(&path));
            assert_eq!(done.code, Some(0), "{done:?}");
        }
    }
}
