//! What people type, scripts call and make starts goes through tagout and is otherwise as it was:
//! functions in real shells, shims on PATH.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use crate::support::{Ran, Scene, copy_program, needs, ran, tagout};

/// Says what it was given and what it sees.
const GREET: &str = r#"#!/bin/bash
case ${1-} in
  exit) exit "$2" ;;
  in) cat; exit ;;
  see) echo "${SECRET_DB-nothing}"; exit ;;
  terminal) [ -t 0 ] && [ -t 1 ] && echo "stdin: terminal"; exit ;;
  wait) exec python3 -c "$WAIT" ;;
esac
for word do printf '<%s>' "$word"; done
echo
"#;

const WAIT: &str = "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL); \
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCONT]); print('waiting', flush=True); \
    signal.sigwait([signal.SIGCONT]); print('resumed', flush=True); signal.pause()";

/// A project with a few programs of its own on PATH.
fn scene() -> Scene {
    let scene = Scene::new();
    let greet = GREET.replace("$WAIT", WAIT);
    for name in ["greet", "psql", "tool", "php", "rake"] {
        program(&scene, &format!("bin/{name}"), &greet);
    }
    scene.file(
        ".config/tagout/config.toml",
        "[hook]\ncommands = [\"greet\", \"tool go on\", \"bin/local\"]\n",
    );
    scene
}

fn program(scene: &Scene, name: &str, text: &str) {
    scene.file(name, text);
    let path = scene.path(name);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

impl Scene {
    fn with_programs(&self, program: &str) -> Command {
        let mut command = self.command(program);
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        command.env("PATH", path).env("SECRET_DB", "production");
        command
    }

    /// The functions of a shell, for this scene's configuration.
    fn hook(&self, shell: &str) -> String {
        let config = self.path(".config/tagout");
        let ran = ran(self.tagout(&["hook", shell, "--config"]).arg(config));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran.out
    }

    /// A line in a shell that has the functions, evaluated twice as two starts of a shell would.
    fn line(&self, shell: &str, line: &str) -> Ran {
        let name = format!("hook.{shell}");
        let kind = if shell == "dash" { "sh" } else { shell };
        self.file(&name, &self.hook(kind));
        let load = match shell {
            "fish" => format!("source ./{name}; eval \"$(cat ./{name})\""),
            _ => format!("eval \"$(cat ./{name})\"; eval \"$(cat ./{name})\""),
        };
        let mut command = self.with_programs(shell);
        match shell {
            "fish" => command.arg("--no-config"),
            "zsh" => command.arg("-f"),
            _ => &mut command,
        };
        ran(command.args(["-c", &format!("{load}\n{line}")]))
    }
}

fn shells() -> impl Iterator<Item = &'static str> {
    let all = ["bash", "zsh", "fish", "dash"];
    all.into_iter().filter(|shell| needs(shell).is_some())
}

#[test]
fn functions_change_nothing_but_the_environment() {
    let scene = scene();
    let table = [
        (
            "greet 'a b' '*' '' '$HOME' \"it's\"",
            "<a b><*><><$HOME><it's>\n",
        ),
        (
            "greet 'two\nlines' --opt=x -- -y",
            "<two\nlines><--opt=x><--><-y>\n",
        ),
        ("echo piped | greet in | tr a-z A-Z", "PIPED\n"),
        ("echo \"got $(greet x)\"", "got <x>\n"),
        ("greet see", "nothing\n"),
        ("command greet see", "production\n"),
        ("tool stop see; tool see", "<stop><see>\nproduction\n"),
        ("tool go -v on see", "<go><-v><on><see>\n"),
        ("tool see go on", "nothing\n"),
        ("php -v see; php see ./artisan", "<-v><see>\nnothing\n"),
        ("tool in < hook.in", "from a file\n"),
        ("greet exit 3 || echo failed", "failed\n"),
    ];
    scene.file("hook.in", "from a file\n");
    for shell in shells() {
        for (line, expected) in table {
            let ran = scene.line(shell, line);
            assert_eq!(ran.out, expected, "{shell}: {line}: {ran:?}");
        }
        for (line, code) in [
            ("greet exit 3", 3),
            ("tool exit 4 go on", 4),
            ("tool go on", 0),
        ] {
            assert_eq!(scene.line(shell, line).code, Some(code), "{shell}: {line}");
        }
        let refused = scene.line(shell, "psql -h db1 shop -c 'drop table orders'");
        assert_eq!(refused.code, Some(77), "{shell}: {refused:?}");
        assert!(
            refused.err.contains("refused by rule"),
            "{shell}: {refused:?}"
        );
    }
}

#[test]
fn artisan_is_phps_where_the_project_has_it() {
    let scene = scene();
    let without = scene.line("bash", "artisan x; echo $?");
    assert_eq!(without.out, "127\n", "{without:?}");
    scene.file("artisan", "<?php\n");
    for shell in shells() {
        let with = scene.line(shell, "artisan x 'y z'");
        assert_eq!(with.out, "<artisan><x><y z>\n", "{shell}: {with:?}");
    }
}

#[test]
fn a_path_is_a_name_too_where_the_shell_allows_it() {
    let scene = scene();
    program(&scene, "bin/local", GREET);
    for shell in shells() {
        let expected = match shell {
            "bash" | "zsh" => "nothing\n",
            _ => "production\n",
        };
        let ran = scene.line(shell, "bin/local see");
        assert_eq!(ran.out, expected, "{shell}: {ran:?}");
    }
}

#[test]
fn an_alias_of_the_same_name_is_no_obstacle() {
    let scene = scene();
    scene.file("hook", &scene.hook("bash"));
    let line = "shopt -s expand_aliases\nalias greet='greet first'\nsource ./hook\ngreet second\n";
    scene.file("script", line);
    let ran = ran(scene.with_programs("bash").arg("./script"));
    assert_eq!(ran.out, "<first><second>\n", "{ran:?}");
    scene.file("hook", &scene.hook("sh"));
    scene.file(
        "script",
        "alias greet='greet first'\n. ./hook\ngreet second\n",
    );
    let ran = crate::support::ran(scene.with_programs("dash").arg("./script"));
    assert_eq!(ran.out, "<second>\n", "{ran:?}");
}

#[test]
fn completion_terminal_and_job_control_stay() {
    if needs("python3").is_none() {
        return;
    }
    let scene = scene();
    let completion = [
        ("bash", "complete -W 'alpha-beta' greet"),
        (
            "zsh",
            "autoload -Uz compinit; compinit -u -D; _greet() { compadd alpha-beta }; compdef _greet greet",
        ),
        ("fish", "complete -c greet -f -a alpha-beta"),
    ];
    for (shell, complete) in completion {
        if needs(shell).is_none() {
            continue;
        }
        let setup = format!("{complete}\n{}echo set up: 'y'es\n", scene.hook(shell));
        scene.file("setup", &setup);
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/suite/terminal_shells.py"
        );
        let ran = ran(scene
            .with_programs("python3")
            .args(["-B", script, shell, "setup"]));
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (Some(0), "ok\n"),
            "{shell}: {ran:?}"
        );
    }
}

#[test]
fn what_a_shell_needs_itself_is_never_replaced() {
    let scene = scene();
    for (command, said) in [
        ("cd", "shells need it themselves"),
        ("tagout", "shells need it themselves"),
        ("x; rm -rf /", "cannot be wrapped"),
        ("$(x)", "cannot be wrapped"),
        ("-x", "cannot be wrapped"),
        ("", "cannot be wrapped"),
    ] {
        scene.file(
            "tagout.toml",
            &format!("[hook]\ncommands = [\"{command}\"]\n"),
        );
        let ran = ran(&mut scene.tagout(&["hook", "bash"]));
        assert_eq!(ran.code, Some(125), "{command}: {ran:?}");
        assert!(
            ran.err.contains(said) && ran.err.contains("tagout.toml:2"),
            "{ran:?}"
        );
    }
}

/// A scene with shims before its programs.
fn shimmed() -> Scene {
    let scene = scene();
    let made = ran(scene.with_programs(tagout()).args([
        "shim",
        "install",
        "shims",
        "--config",
        ".config/tagout",
    ]));
    assert_eq!(made.code, Some(0), "{made:?}");
    assert!(
        made.err.contains("greet") && made.err.contains("PATH"),
        "{made:?}"
    );
    scene
}

impl Scene {
    fn behind_shims(&self, program: &str) -> Command {
        let mut command = self.with_programs(program);
        let (shims, bin) = (self.path("shims"), self.path("bin"));
        let path = format!("{}:{}:/usr/bin:/bin", shims.display(), bin.display());
        command.env("PATH", path);
        command
    }
}

#[test]
fn shims_work_where_no_function_does() {
    let scene = shimmed();
    program(&scene, "script", "#!/bin/sh\ngreet see\ngreet 'a  b' '*'\n");
    program(&scene, "by-env", "#!/usr/bin/env greet\n");
    scene.file("Makefile", "all:\n\t@greet see\n\t@greet exit 3\n");
    scene.file("package.json", "{\"scripts\": {\"go\": \"greet see\"}}");
    let sh = |line: &str| ran(scene.behind_shims("sh").args(["-c", line]));
    let path = scene.behind_shims("sh");
    let path = path
        .get_envs()
        .find(|(n, _)| *n == "PATH")
        .unwrap()
        .1
        .unwrap();
    let path = path.to_string_lossy();
    let table = [
        ("./script".to_owned(), "nothing\n<a  b><*>\n"),
        (
            "./by-env see | sed 's|[^<]*/||'".to_owned(),
            "<by-env><see>\n",
        ),
        ("echo see | xargs greet".to_owned(), "nothing\n"),
        (
            "find hook* shims -prune -name shims -exec greet see ';' 2>/dev/null".to_owned(),
            "nothing\n",
        ),
        ("timeout 60 greet see".to_owned(), "nothing\n"),
        ("echo $(greet in < package.json | wc -l)".to_owned(), "0\n"),
        // What cron gives a job.
        (
            format!(
                "env -i HOME=/ LOGNAME=x SHELL=/bin/sh PATH='{path}' SECRET_DB=x sh -c 'greet see'"
            ),
            "nothing\n",
        ),
        (
            "shims/greet see; ./shims/greet x".to_owned(),
            "nothing\n<x>\n",
        ),
    ];
    for (line, expected) in table {
        let ran = sh(&line);
        assert_eq!(ran.out, expected, "{line}: {ran:?}");
    }
    assert_eq!(sh("greet exit 5").code, Some(5));
    let refused = sh("psql -h db1 shop -c 'drop table orders'");
    assert_eq!(refused.code, Some(77), "{refused:?}");
    if needs("make").is_some() {
        let make = sh("make");
        assert_eq!(
            (make.code, make.out.as_str()),
            (Some(2), "nothing\n"),
            "{make:?}"
        );
    }
    if needs("npm").is_some() {
        let npm = sh("npm run --silent go");
        assert_eq!(
            (npm.code, npm.out.as_str()),
            (Some(0), "nothing\n"),
            "{npm:?}"
        );
    }
}

#[test]
fn a_shim_never_finds_itself_or_another_one() {
    let scene = shimmed();
    symlink(scene.path("shims"), scene.path("again")).unwrap();
    std::fs::create_dir_all(scene.path("other")).unwrap();
    symlink(tagout(), scene.path("other/tagout")).unwrap();
    symlink("tagout", scene.path("other/greet")).unwrap();
    // Where both lie on one file system.
    let _ = std::fs::hard_link(tagout(), scene.path("other/tool"));
    let path = |folders: &[&str]| {
        let folders: Vec<_> = folders.iter().map(|f| scene.path(f)).collect();
        format!(
            "{}:/usr/bin:/bin",
            std::env::join_paths(folders).unwrap().to_string_lossy()
        )
    };
    let with = path(&["again", "shims", "other", "bin"]);
    for (line, expected) in [("greet see", "nothing\n"), ("tool see", "nothing\n")] {
        let ran = ran(scene
            .behind_shims("sh")
            .env("PATH", &with)
            .args(["-c", line]));
        assert_eq!(ran.out, expected, "{line}: {ran:?}");
    }
    let records = scene.records().len();
    let through = ran(scene
        .behind_shims(tagout())
        .args(["run", "--", "greet", "see"]));
    assert_eq!(through.out, "nothing\n", "{through:?}");
    assert_eq!(
        scene.records().len(),
        records + 2,
        "one run is recorded, not two"
    );
    let without = path(&["again", "shims", "other"]);
    let none = ran(scene
        .behind_shims("sh")
        .env("PATH", without)
        .args(["-c", "greet see"]));
    assert_eq!(none.code, Some(127), "{none:?}");
    assert!(none.err.contains("called by the name `greet`"), "{none:?}");
}

#[test]
fn copies_that_start_each_other_are_stopped() {
    let scene = scene();
    for folder in ["one", "two"] {
        std::fs::create_dir_all(scene.path(folder)).unwrap();
        copy_program(tagout().as_ref(), &scene.path(folder).join("greet"));
    }
    let path = format!(
        "{}:{}",
        scene.path("one").display(),
        scene.path("two").display()
    );
    let ran = ran(scene
        .command("sh")
        .args(["-c", &format!("PATH={path} greet x")]));
    assert_eq!(ran.code, Some(125), "{ran:?}");
    assert!(ran.err.contains("start each other"), "{ran:?}");
}

#[test]
fn inside_a_run_its_rules_go_on() {
    let scene = shimmed();
    program(
        &scene,
        "nested",
        "#!/bin/sh\ngreet see\nSECRET_DB=other greet see\n",
    );
    // The inner ones write to the same journal.
    let run = |args: &[&str]| {
        let mut outer = scene.behind_shims(tagout());
        ran(outer.args(["run", "--keep=XDG_STATE_HOME"]).args(args))
    };
    let kept = run(&["-p", "worker", "--keep", "SECRET_DB", "--", "./nested"]);
    assert_eq!(kept.out, "production\nnothing\n", "{kept:?}");
    assert!(!kept.err.contains("not fenced: another"), "{kept:?}");
    let profiles: Vec<_> = scene
        .records()
        .iter()
        .filter(|r| r["phase"] == "intent")
        .map(|r| r["profile"]["name"].clone())
        .collect();
    assert_eq!(profiles, ["worker", "worker", "worker"]);
    // Options that only the full parser takes count too.
    let written = run(&["-pworker", "--", "./nested"]);
    assert_eq!(written.out, "nothing\nnothing\n", "{written:?}");
    assert_eq!(scene.records().last().unwrap()["phase"], "outcome");
    // What says so in the environment is believed by nobody.
    let claimed = ran(scene
        .behind_shims("sh")
        .env("TAGOUT", "1")
        .env("TAGOUT_NESTED", "1")
        .args(["-c", "psql -h db1 shop -c 'drop table orders'"]));
    assert_eq!(claimed.code, Some(77), "{claimed:?}");
}

#[test]
fn a_wrapped_command_has_its_own_profile() {
    let scene = shimmed();
    let config = "[hook.profiles]\npsql = \"worker\"\n";
    scene.file(".config/tagout/config.toml", config);
    let profile = |args: &[&str]| {
        let explained = ran(scene
            .with_programs(tagout())
            .args(["explain", "--json", "--config", ".config/tagout"])
            .args(args));
        let value: serde_json::Value = serde_json::from_str(&explained.out).unwrap();
        value["profile"]["name"].as_str().unwrap().to_owned()
    };
    assert_eq!(profile(&["--hook", "psql", "--", "psql"]), "worker");
    assert_eq!(profile(&["--hook", "rake", "--", "rake"]), "rails");
    assert_eq!(profile(&["--hook", "rake", "-p", "ci", "--", "rake"]), "ci");
    scene.file(
        "tagout.toml",
        "profile = \"test\"\n[hook.profiles]\nrake = \"default\"\n",
    );
    assert_eq!(profile(&["--hook", "rake", "--", "rake"]), "test");
}

#[test]
fn shims_are_listed_and_removed_and_nothing_else_is() {
    let scene = shimmed();
    let shim = |args: &[&str]| ran(scene.behind_shims(tagout()).arg("shim").args(args));
    let listed = shim(&["list", "shims"]);
    let real = scene.path("bin/greet").display().to_string();
    assert_eq!(listed.code, Some(0), "{listed:?}");
    assert!(
        listed.out.contains(&format!("greet\t{real}\n")),
        "{listed:?}"
    );
    let hidden = ran(scene
        .with_programs(tagout())
        .args(["shim", "list", "shims"]));
    assert_eq!(hidden.code, Some(1), "{hidden:?}");
    assert!(
        hidden.out.contains("PATH does not come by here first"),
        "{hidden:?}"
    );
    scene.file("shims/mine", "#!/bin/sh\n");
    let taken = shim(&["install", "shims", "--command", "mine"]);
    assert_eq!(taken.code, Some(125), "{taken:?}");
    for name in ["a/b", "tagout", ".x", "-x"] {
        let bad = shim(&["install", "shims", &format!("--command={name}")]);
        assert_eq!(bad.code, Some(125), "{bad:?}");
    }
    assert_eq!(shim(&["install", "shims"]).code, Some(0), "again");
    assert_eq!(
        shim(&["remove", "shims", "--command", "greet"]).code,
        Some(0)
    );
    assert!(!scene.path("shims/greet").exists() && scene.path("shims/psql").exists());
    assert_eq!(
        shim(&["remove", "shims", "--command", "mine"]).code,
        Some(125)
    );
    assert_eq!(shim(&["remove", "shims"]).code, Some(0));
    let left: Vec<_> = std::fs::read_dir(scene.path("shims"))
        .unwrap()
        .flatten()
        .collect();
    assert_eq!(left.len(), 1, "what is no shim stays");
}
