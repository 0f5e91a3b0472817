//! Help, manual pages, completions and the reference: made of the same definitions, and what is
//! kept in the repository of them is not stale. `TAGOUT_BLESS=1 cargo test --test suite help::`
//! writes them anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use tagout::companion::{completions, definition, man};
use tagout::topics::{TOPICS, exits::EXITS, rules, settings::PARTS};

use crate::support::{Scene, needs, ran};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Holds a file of the repository against what it should be.
fn fresh(path: &Path, expected: &str, stale: &mut Vec<String>) {
    if std::fs::read_to_string(path).is_ok_and(|text| text == expected) {
        return;
    }
    if std::env::var_os("TAGOUT_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, expected).unwrap();
        return;
    }
    stale.push(
        path.strip_prefix(root())
            .unwrap_or(path)
            .display()
            .to_string(),
    );
}

fn held(stale: &[String]) {
    assert!(
        stale.is_empty(),
        "stale, write anew with TAGOUT_BLESS=1 cargo test --test suite help::\n{}",
        stale.join("\n")
    );
}

#[test]
fn manual_pages_are_those_of_the_definitions() {
    let folder = root().join("packaging/man");
    let mut stale = Vec::new();
    let pages = man::pages();
    for (name, text) in &pages {
        fresh(&folder.join(name), text, &mut stale);
    }
    for entry in std::fs::read_dir(&folder).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !pages.iter().any(|(page, _)| *page == name) {
            stale.push(format!("packaging/man/{name}: no such command any more"));
        }
    }
    held(&stale);
}

#[test]
fn completions_are_those_of_the_definitions() {
    let mut stale = Vec::new();
    for (shell, file) in [
        ("bash", "tagout.bash"),
        ("zsh", "_tagout"),
        ("fish", "tagout.fish"),
    ] {
        let text = completions::script(shell).unwrap();
        fresh(
            &root().join("packaging/completions").join(file),
            &text,
            &mut stale,
        );
    }
    held(&stale);
}

#[test]
fn bash_completes_subcommands_options_and_the_command_after_the_dashes() {
    let Some(_) = needs("bash") else { return };
    let scene = Scene::new();
    scene.file("tagout.bash", &completions::script("bash").unwrap());
    for (words, expected) in [
        ("tagout ex", "explain"),
        ("tagout run --pro", "--profile"),
        ("tagout log ver", "verify"),
        ("tagout completions zs", "zsh"),
        ("tagout run -- ech", "echo"),
    ] {
        let script = format!(
            "source ./tagout.bash; COMP_LINE='{words}'; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _tagout_or_command tagout \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let done = ran(scene.command("bash").args(["--norc", "-c", &script]));
        assert!(
            done.out.lines().any(|l| l.trim() == expected),
            "{words}: {done:?}"
        );
    }
}

#[test]
fn zsh_and_fish_take_their_completions() {
    let scene = Scene::new();
    scene.file("_tagout", &completions::script("zsh").unwrap());
    scene.file("tagout.fish", &completions::script("fish").unwrap());
    if needs("zsh").is_some() {
        let script = "autoload -U compinit; fpath=($PWD $fpath); compinit -u -d ./dump; print ${_comps[tagout]}";
        let done = ran(scene.command("zsh").args(["-f", "-c", script]));
        assert_eq!(done.out.trim(), "_tagout", "{done:?}");
    }
    if needs("fish").is_some() {
        let script =
            "source ./tagout.fish; complete -C 'tagout ex'; complete -C 'tagout run -- ech'";
        let done = ran(scene.command("fish").args(["--no-config", "-c", script]));
        assert!(
            done.out.contains("explain") && done.out.contains("echo"),
            "{done:?}"
        );
    }
}

#[test]
fn every_topic_and_every_rule_has_its_page() {
    let scene = Scene::new();
    let list = ran(&mut scene.tagout(&["help", "rules"])).out;
    for rule in rules::rules() {
        assert!(list.contains(&rule.name), "{}", rule.name);
        let page = ran(&mut scene.tagout(&["help", &rule.name]));
        assert!(
            page.code == Some(0) && page.out.contains("What it decides"),
            "{page:?}"
        );
        let refuses = rule.decides.starts_with("Refused");
        assert!(!refuses || !rule.forward.is_empty(), "{}", rule.name);
    }
    for topic in TOPICS {
        let page = ran(&mut scene.tagout(&["help", topic.name]));
        assert!(page.code == Some(0) && page.out.len() > 200, "{page:?}");
    }
    let wrong = ran(&mut scene.tagout(&["help", "destroy-unmarked"]));
    assert_eq!(wrong.code, Some(2));
    assert!(
        wrong.err.contains("did you mean `destroys-unmarked`?"),
        "{wrong:?}"
    );
}

#[test]
fn rule_names_in_the_code_have_a_page() {
    fn walk(folder: &Path, texts: &mut Vec<String>) {
        for path in std::fs::read_dir(folder)
            .unwrap()
            .flatten()
            .map(|e| e.path())
        {
            if path.is_dir() {
                walk(&path, texts);
            } else {
                texts.push(std::fs::read_to_string(path).unwrap_or_default());
            }
        }
    }
    let mut texts = Vec::new();
    walk(&root().join("src"), &mut texts);
    for text in texts {
        for (_, after) in text
            .match_indices("rule: \"")
            .map(|(at, found)| text.split_at(at + found.len()))
        {
            let name = after.split('"').next().unwrap();
            let of_check = tagout::check::RULES.iter().any(|rule| rule.id == name);
            assert!(
                of_check || tagout::topics::text(name).is_some(),
                "the rule `{name}` has no page"
            );
        }
    }
}

#[test]
fn the_reference_is_made_of_the_data() {
    let path = root().join("docs/reference.md");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let mut made = text.clone();
    for (name, part) in [
        ("settings", settings()),
        ("rules", rule_table()),
        ("exit-codes", exit_table()),
        ("commands", commands()),
    ] {
        let (begin, end) = (
            format!("<!-- generated: {name} -->\n"),
            format!("<!-- end: {name} -->"),
        );
        let (before, rest) = made
            .split_once(&begin)
            .unwrap_or_else(|| panic!("docs/reference.md has no part {name}"));
        let (_, after) = rest.split_once(&end).unwrap();
        made = format!("{before}{begin}\n{part}\n{end}{after}");
    }
    let mut stale = Vec::new();
    fresh(&path, &made, &mut stale);
    held(&stale);
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

fn settings() -> String {
    let mut out = String::new();
    for part in PARTS {
        let head = if part.head.is_empty() {
            "Top of a file".to_owned()
        } else {
            format!("`{}`", part.head)
        };
        let _ = writeln!(out, "### {head}\n\n{}.\n", part.about);
        let _ = writeln!(
            out,
            "| key | takes | default | what it does | from an untrusted project |\n|---|---|---|---|---|"
        );
        for s in part.settings {
            let untrusted = if s.untrusted.is_empty() {
                "as the mark's tier"
            } else {
                s.untrusted
            };
            let _ = writeln!(
                out,
                "| `{}` | {} | {} | {} | {} |",
                s.key,
                cell(s.takes),
                cell(s.default),
                cell(s.does),
                untrusted
            );
        }
        out.push('\n');
    }
    out.trim_end().to_owned() + "\n"
}

fn rule_table() -> String {
    let mut out = String::from("| rule | decision |\n|---|---|\n");
    for rule in rules::rules() {
        let _ = writeln!(out, "| `{}` | {} |", rule.name, cell(&rule.decides));
    }
    out
}

fn exit_table() -> String {
    let mut out = String::from("| code | meaning |\n|---|---|\n");
    for (code, meaning) in EXITS {
        let _ = writeln!(out, "| {code} | {} |", cell(meaning));
    }
    out
}

fn commands() -> String {
    let mut out = String::new();
    let mut root = definition();
    root.build();
    for command in root.get_subcommands() {
        command_part(command, "###", &mut out);
    }
    out.trim_end().to_owned() + "\n"
}

fn command_part(command: &clap::Command, level: &str, out: &mut String) {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let about = command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    let _ = writeln!(out, "{level} `{name}`\n\n{}.\n", cell(&about));
    let arguments: Vec<_> = command
        .get_arguments()
        .filter(|a| a.get_id() != "help")
        .collect();
    if !arguments.is_empty() {
        out.push_str("| argument | what it does |\n|---|---|\n");
        for argument in arguments {
            let help = argument
                .get_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let shown = argument.to_string();
            let shown = match argument.get_short() {
                Some(short) if argument.get_long().is_some() => format!("-{short}, {shown}"),
                _ => shown,
            };
            let _ = writeln!(out, "| `{}` | {} |", shown.replace('|', "\\|"), cell(&help));
        }
        out.push('\n');
    }
    for inner in command.get_subcommands().filter(|c| c.get_name() != "help") {
        command_part(inner, "####", out);
    }
}
