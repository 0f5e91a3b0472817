//! The documentation is true: every console block of it is run, in a project of its own, and prints
//! what it says.
//!
//! In a page, comments set the scene:
//! - `<!-- scene -->` begins anew in an empty project, `<!-- scene: examples/x -->` in a copy of that
//!   folder. The project is `/srv/shop`, in commands as in what they print.
//! - `<!-- file: .env -->` before a block writes the block to that file.
//! - `<!-- hidden: command -->` runs a command that readers need not see; it must succeed.
//! - `<!-- needs: php psql -->` leaves out the rest of the scene where a program is not there.
//!
//! In a block, `$ ` begins a command and `> ` continues it; `...` stands for any text, and alone on
//! a line for any lines. The blocks of a scene share one shell, so that `echo $?` says what it says.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Scene, needs, ran, tagout};

/// Languages of blocks that are not run: data, and shell lines that change the machine.
const NOT_RUN: &[&str] = &[
    "text",
    "toml",
    "json",
    "yaml",
    "php",
    "ruby",
    "python",
    "js",
    "go",
    "rust",
    "ini",
    "sql",
    "html",
    "dockerfile",
    "make",
    "groovy",
    "sh",
];
/// What a line of an `sh` block, which is not run, may begin with.
const CHANGES_THE_MACHINE: &[&str] = &[
    "#",
    "cargo ",
    "rustup ",
    "sudo ",
    "git clone",
    "examples/",
    "tests/run",
    "eval ",
    "tagout hook",
    "tagout completions",
    "tagout man",
    "pip ",
    "npm ",
    "docker ",
    "rustup target add ",
    "RUSTC_BOOTSTRAP=1 cargo fuzz run ",
];

#[derive(Debug, Default)]
struct Play {
    file: String,
    line: usize,
    copy: Option<String>,
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Hidden(usize, String),
    File(String, String),
    Needs(String),
    Line {
        line: usize,
        command: String,
        expected: Vec<String>,
    },
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for path in std::fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().path())
        {
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "md") {
                found.push(path);
            }
        }
    }
    let mut found = vec![root().join("README.md")];
    walk(&root().join("docs"), &mut found);
    walk(&root().join("examples"), &mut found);
    found.sort();
    found
}

/// The scenes of a page. Mistakes in how it is written are added to `wrong`.
fn plays(file: &str, text: &str, wrong: &mut String) -> Vec<Play> {
    let mut plays = vec![Play {
        file: file.to_owned(),
        line: 1,
        ..Play::default()
    }];
    let mut to_file: Option<String> = None;
    let mut block: Option<(String, usize, Vec<&str>)> = None;
    for (at, line) in text.lines().enumerate() {
        let number = at + 1;
        if let Some((language, start, lines)) = &mut block {
            if line.trim() != "```" {
                lines.push(line);
                continue;
            }
            let steps = &mut plays.last_mut().unwrap().steps;
            if let Some(name) = to_file.take() {
                steps.push(Step::File(name, lines.join("\n") + "\n"));
            } else if language == "console" {
                console(*start, lines, steps, file, wrong);
            } else if language == "sh" {
                for line in lines.iter().filter(|l| !l.trim().is_empty()) {
                    if !CHANGES_THE_MACHINE
                        .iter()
                        .any(|begin| line.trim_start().starts_with(begin))
                    {
                        let _ = writeln!(
                            wrong,
                            "{file}: `{line}` stands in an sh block, which is not run: use console"
                        );
                    }
                }
            } else if !NOT_RUN.contains(&language.as_str()) {
                let _ = writeln!(
                    wrong,
                    "{file}:{start}: say what the block is (console, toml, text, ...)"
                );
            }
            block = None;
        } else if let Some(language) = line.trim().strip_prefix("```") {
            block = Some((language.to_owned(), number, Vec::new()));
        } else if let Some(inside) = line
            .trim()
            .strip_prefix("<!-- ")
            .and_then(|l| l.strip_suffix(" -->"))
        {
            let (what, rest) = inside.split_once(": ").unwrap_or((inside, ""));
            let steps = &mut plays.last_mut().unwrap().steps;
            match what {
                "scene" => plays.push(Play {
                    file: file.to_owned(),
                    line: number,
                    copy: (!rest.is_empty()).then(|| rest.to_owned()),
                    steps: Vec::new(),
                }),
                "file" => to_file = Some(rest.to_owned()),
                "hidden" => steps.push(Step::Hidden(number, rest.to_owned())),
                "needs" => steps.push(Step::Needs(rest.to_owned())),
                _ => {}
            }
        }
    }
    plays.retain(|p| p.steps.iter().any(|s| matches!(s, Step::Line { .. })));
    plays
}

fn console(start: usize, lines: &[&str], steps: &mut Vec<Step>, file: &str, wrong: &mut String) {
    let first = steps.len();
    for (at, text) in lines.iter().enumerate() {
        if let Some(command) = text.strip_prefix("$ ") {
            steps.push(Step::Line {
                line: start + at + 1,
                command: command.to_owned(),
                expected: Vec::new(),
            });
            continue;
        }
        match steps.get_mut(first..).and_then(<[Step]>::last_mut) {
            Some(Step::Line {
                command, expected, ..
            }) => match text.strip_prefix("> ") {
                Some(more) if expected.is_empty() => {
                    command.push('\n');
                    command.push_str(more);
                }
                _ => expected.push((*text).to_owned()),
            },
            _ => {
                let _ = writeln!(wrong, "{file}:{start}: a console block begins with `$ `");
            }
        }
    }
}

/// A program named `tagout` that uses the scene's own configuration folder: the real one finds the
/// user's in the user database, which a test must not touch.
fn stand_in(scene: &Scene) {
    let config = scene.path("home/.config/tagout").display().to_string();
    let takes = |command: &clap::Command| command.get_arguments().any(|a| a.get_id() == "config");
    let mut cases = String::new();
    for command in tagout::companion::definition().get_subcommands() {
        let name = command.get_name();
        for inner in command.get_subcommands().filter(|inner| takes(inner)) {
            let inner = inner.get_name();
            let _ = writeln!(
                cases,
                "'{name} {inner}') shift 2; exec {} {name} {inner} --config {config} \"$@\";;",
                tagout()
            );
        }
        if takes(command) {
            let _ = writeln!(
                cases,
                "'{name} '*) shift; exec {} {name} --config {config} \"$@\";;",
                tagout()
            );
        }
    }
    let script = format!(
        "#!/bin/sh\ncase \"$1 $2\" in\n{cases}*) exec {} \"$@\";;\nesac\n",
        tagout()
    );
    scene.file("programs/tagout.text", &script);
    // Not written by this process: a program that another scene starts meanwhile would hold it
    // open for writing, and what is open for writing does not run.
    run_quietly(
        Command::new("install")
            .args(["-m", "755"])
            .arg(scene.path("programs/tagout.text"))
            .arg(scene.path("programs/tagout")),
    );
}

fn run_quietly(command: &mut Command) {
    let done = ran(command);
    assert_eq!(done.code, Some(0), "{command:?}: {done:?}");
}

/// Runs a scene in one shell and compares; what differs is added to `wrong`.
fn perform(play: &Play, wrong: &mut String) {
    let scene = Scene::new();
    let shop = scene.path("shop");
    std::fs::create_dir_all(scene.path("home")).unwrap();
    match &play.copy {
        Some(folder) => run_quietly(
            Command::new("cp")
                .arg("-r")
                .arg(root().join(folder))
                .arg(&shop),
        ),
        None => std::fs::create_dir_all(&shop).unwrap(),
    }
    stand_in(&scene);
    let mut script =
        String::from("mark() { local s=$?; printf '\\n@@@%s\\n' \"$1\"; return $s; }\n");
    let mut shown = Vec::new();
    for step in &play.steps {
        match step {
            Step::Needs(programs) => {
                if !programs.split_whitespace().all(|p| needs(p).is_some()) {
                    break;
                }
            }
            Step::File(name, text) => {
                let path = shop.join(name);
                let _ = writeln!(
                    script,
                    "mkdir -p '{}'; cat >'{}' <<'@@@'\n{text}@@@\nmark file",
                    path.parent().unwrap().display(),
                    path.display()
                );
            }
            Step::Hidden(line, command) => {
                let _ = writeln!(
                    script,
                    "{command}\n[ $? = 0 ] || echo '@@@failed {line}'\nmark hidden"
                );
            }
            Step::Line {
                line,
                command,
                expected,
            } => {
                let _ = writeln!(script, "mark {line}\n{command}\nmark end");
                shown.push((*line, command, expected));
            }
        }
    }
    let own = scene.dir.path().display().to_string();
    let script = script.replace("/srv/", &format!("{own}/"));
    let path = format!(
        "{}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        scene.path("programs").display()
    );
    let mut bash = scene.command("bash");
    bash.args(["-c", &format!("exec 2>&1\n{script}")])
        .current_dir(&shop)
        .env("HOME", scene.path("home"))
        .env("PATH", path);
    let out = ran(&mut bash).out;
    let out = out.replace(&own, "/srv");
    for failed in out.lines().filter(|l| l.starts_with("@@@failed")) {
        let _ = writeln!(wrong, "{}: hidden command {failed}\n{out}", play.file);
    }
    for (line, command, expected) in shown {
        let got = output_of(&out, line);
        let said = expected.len() - expected.iter().rev().take_while(|l| l.is_empty()).count();
        if !lines_match(expected.get(..said).unwrap_or_default(), &got) {
            let _ = writeln!(
                wrong,
                "{}:{line}: $ {command}\n--- the page says\n{}\n--- it printed\n{}\n",
                play.file,
                expected.join("\n"),
                got.join("\n")
            );
        }
    }
}

fn output_of(out: &str, line: usize) -> Vec<String> {
    let begin = format!("\n@@@{line}\n");
    let after = out.split_once(&begin).map_or("", |(_, after)| after);
    let own = after.split_once("\n@@@end").map_or(after, |(own, _)| own);
    match own.trim_end_matches('\n') {
        "" => Vec::new(),
        own => own.lines().map(|l| l.trim_end().to_owned()).collect(),
    }
}

fn lines_match(pattern: &[String], got: &[String]) -> bool {
    match pattern.split_first() {
        None => got.is_empty(),
        Some((first, rest)) if first.trim() == "..." => {
            (0..=got.len()).any(|n| lines_match(rest, got.get(n..).unwrap_or_default()))
        }
        Some((first, rest)) => got.split_first().is_some_and(|(line, more)| {
            line_matches(first.trim_end(), line) && lines_match(rest, more)
        }),
    }
}

fn line_matches(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split("...");
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[test]
fn patterns_mean_what_is_said_above() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    for (pattern, got, fits) in [
        ("a\n...\nc", "a\nb\nb\nc", true),
        ("a\n...\nc", "a\nc", true),
        ("a", "a\nb", false),
        ("x ... z", "x y z", true),
        ("x ... z", "x y", false),
        ("id ...", "id 7", true),
        ("", "said", false),
    ] {
        assert_eq!(
            lines_match(&lines(pattern), &lines(got)),
            fits,
            "{pattern:?} {got:?}"
        );
    }
}

#[test]
fn every_console_block_prints_what_it_says() {
    let mut wrong = String::new();
    let mut scenes = Vec::new();
    for page in pages() {
        let name = page.strip_prefix(root()).unwrap().display().to_string();
        let text = std::fs::read_to_string(&page).unwrap();
        scenes.extend(plays(&name, &text, &mut wrong));
    }
    assert!(!scenes.is_empty(), "the documentation has console blocks");
    let found: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = scenes
            .iter()
            .map(|play| {
                scope.spawn(move || {
                    let mut wrong = String::new();
                    perform(play, &mut wrong);
                    wrong
                })
            })
            .collect();
        running.into_iter().map(|r| r.join().unwrap()).collect()
    });
    wrong.extend(found);
    assert!(wrong.is_empty(), "{wrong}");
}
