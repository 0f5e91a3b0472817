//! Programs of PHP projects that start others: composer's scripts, sail, Envoy, Deployer.

use std::path::Path;

use crate::command::shell::quoted;
use crate::command::{Args, Command, Place, Reading, Step, Tool, Word, World};
use crate::files::FileError;
use crate::source::Source;

/// How deep `@script` references are followed.
const MAX_DEPTH: usize = 8;

/// `composer run x`, `composer x`, `composer exec x`, and the scripts of events.
pub(super) fn composer(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let args = Args::parse(&step.argv, tool.value_options);
    let mut command = Command::new(Some(tool), step.clone());
    command.args = args.clone();
    let dir = args
        .value(&["-d", "--working-dir"])
        .map_or_else(|| step.cwd.clone(), |d| step.path(d));
    let scripts = match manifest(&dir, step, world) {
        Ok(json) => Scripts { json },
        Err(why) => return Reading::opaque(Some(tool), step, "composer", why),
    };
    let Some((at, word)) = args.operands.first().cloned() else {
        return Reading::command(command);
    };
    if let Some(why) = word.unknown {
        return Reading::opaque(Some(tool), step, "composer", why);
    }
    let mut step = step.clone();
    step.cwd = dir;
    let rest = |from: usize| -> Vec<Word> {
        let words = step.argv.get(from..).unwrap_or(&[]);
        words.iter().filter(|w| w.text != "--").cloned().collect()
    };
    let name = word.text.as_str();
    let steps = match name {
        "run" | "run-script" => match args.operands.get(1) {
            Some((at, script)) => scripts.steps(&script.text, &rest(at + 1), &step, 0),
            None => Vec::new(),
        },
        "exec" => match args.operands.get(1) {
            Some((at, _)) => vec![step.with_argv(rest(*at)).through("composer exec")],
            None => Vec::new(),
        },
        _ if tool.data("builtin").contains(&name) => {
            let events: &[&str] = match name {
                "install" | "i" => &[
                    "pre-install-cmd",
                    "post-install-cmd",
                    "pre-autoload-dump",
                    "post-autoload-dump",
                ],
                "create-project" => &[
                    "post-root-package-install",
                    "post-create-project-cmd",
                    "post-install-cmd",
                    "post-autoload-dump",
                ],
                "dump-autoload" | "dumpautoload" => &["pre-autoload-dump", "post-autoload-dump"],
                "update" | "upgrade" | "u" | "require" | "r" | "remove" | "reinstall" => &[
                    "pre-update-cmd",
                    "post-update-cmd",
                    "pre-autoload-dump",
                    "post-autoload-dump",
                ],
                _ => &[],
            };
            if args.has(&["--no-scripts"]) {
                Vec::new()
            } else {
                events
                    .iter()
                    .flat_map(|e| scripts.steps(e, &[], &step, 0))
                    .collect()
            }
        }
        _ => scripts.steps(name, &rest(at + 1), &step, 0),
    };
    Reading {
        command: Some(command),
        steps,
    }
}

/// The project's own scripts; null where there is no project.
fn manifest(dir: &Path, step: &Step, world: &World<'_>) -> Result<serde_json::Value, &'static str> {
    let file = step
        .vars
        .filled("COMPOSER")
        .map_or_else(|| dir.join("composer.json"), |f| dir.join(f.as_ref()));
    match world.files.read_text(&file) {
        Ok(text) => serde_json::from_str(&text)
            .map_err(|_| "composer.json is no JSON that can be read here"),
        Err(FileError::Missing | FileError::NotAFile) => Ok(serde_json::Value::Null),
        Err(_) => Err("composer.json is not read"),
    }
}

struct Scripts {
    json: serde_json::Value,
}

impl Scripts {
    fn steps(&self, name: &str, rest: &[Word], step: &Step, depth: usize) -> Vec<Step> {
        if depth > MAX_DEPTH {
            // To be followed on, as far as anything is.
            let words = ["composer", "run-script", name].map(Word::literal);
            return vec![step.with_argv(words.into())];
        }
        let script = &self.json["scripts"][name];
        let lines: Vec<&str> = match script {
            serde_json::Value::String(line) => vec![line],
            serde_json::Value::Array(list) => list.iter().filter_map(|l| l.as_str()).collect(),
            _ => Vec::new(),
        };
        let mut step = step.clone();
        let mut out = Vec::new();
        for line in lines {
            self.line(line, rest, &mut step, depth, &mut out);
        }
        out.into_iter()
            .map(|s| s.through(format!("composer {name}")))
            .collect()
    }

    fn line(&self, line: &str, rest: &[Word], step: &mut Step, depth: usize, out: &mut Vec<Step>) {
        let (line, no_more) = match line.strip_suffix("@no_additional_args") {
            Some(line) => (line.trim_end(), true),
            None => (line, line.contains("@no_additional_args")),
        };
        let extra: &[Word] = if no_more { &[] } else { rest };
        if let Some(pair) = line.strip_prefix("@putenv ") {
            if let Some((name, value)) = pair.split_once('=') {
                let source = Source::new(
                    crate::source::SourceKind::ProjectFile,
                    "composer.json (@putenv)",
                );
                step.vars.set(name.trim(), value, source);
            } else {
                step.vars.unset(pair.trim());
            }
            return;
        }
        let mut tail = String::new();
        for word in extra {
            tail.push(' ');
            tail.push_str(&quoted(&word.text));
        }
        let text = if let Some(php) = line.strip_prefix("@php ") {
            format!("php {php}{tail}")
        } else if let Some(own) = line.strip_prefix("@composer ") {
            format!("composer {own}{tail}")
        } else if let Some(name) = line.strip_prefix('@') {
            let mut words = name.split_whitespace();
            let name = words.next().unwrap_or("");
            let mut rest: Vec<Word> = words.map(Word::literal).collect();
            rest.extend(extra.iter().cloned());
            out.extend(self.steps(name, &rest, step, depth + 1));
            return;
        } else if line.contains("::") && !line.contains(' ') {
            // A PHP callback of Composer's own process.
            return;
        } else {
            format!("{line}{tail}")
        };
        out.push(step.with_argv(vec![
            Word::literal("sh"),
            Word::literal("-c"),
            Word::literal(text),
        ]));
    }
}

/// The same step in a place that cannot be seen.
fn elsewhere(step: &Step, argv: Vec<Word>, place: &str) -> Step {
    let mut step = step.with_argv(argv).through(place.to_owned());
    step.vars = crate::environment::Vars::new();
    step.place = match step.place {
        Place::Here => Place::Elsewhere(place.to_owned()),
        Place::Elsewhere(outer) => Place::Elsewhere(format!("{outer}, {place}")),
    };
    step
}

/// `sail artisan migrate`: everything runs in the project's container.
pub(super) fn sail(tool: &'static Tool, step: &Step) -> Reading {
    let Some(word) = step.argv.get(1) else {
        return Reading::command(Command::new(Some(tool), step.clone()));
    };
    let rest = step.argv.get(2..).unwrap_or(&[]).to_vec();
    let lead: &[&str] = match word.text.as_str() {
        "artisan" | "art" | "a" => &["php", "artisan"],
        "php" => &["php"],
        "test" => &["php", "artisan", "test"],
        "dusk" => &["php", "artisan", "dusk"],
        "dusk:fails" => &["php", "artisan", "dusk:fails"],
        "tinker" => &["php", "artisan", "tinker"],
        "composer" => &["composer"],
        "debug" => &["php", "artisan"],
        "phpunit" | "pest" | "bin" => match word.text.as_str() {
            "bin" => &[],
            "pest" => &["pest"],
            _ => &["phpunit"],
        },
        "mysql" | "mariadb" => &["mysql"],
        "psql" => &["psql"],
        "redis" => &["redis-cli"],
        "bash" | "shell" | "root-shell" | "root-bash" => &["bash"],
        "node" | "npm" | "npx" | "yarn" | "pnpm" | "bun" | "bunx" => {
            let argv = step.argv[1..].to_vec();
            return Reading::steps(vec![elsewhere(step, argv, "sail")]);
        }
        "open" | "share" => &[],
        // Anything else goes to docker compose.
        _ => {
            let mut argv = vec![Word::literal("docker"), Word::literal("compose")];
            argv.extend(step.argv[1..].iter().cloned());
            return Reading::steps(vec![step.with_argv(argv).through("sail")]);
        }
    };
    let mut argv: Vec<Word> = lead.iter().map(|w| Word::literal(*w)).collect();
    argv.extend(rest);
    if argv.is_empty() {
        return Reading::command(Command::new(Some(tool), step.clone()));
    }
    Reading::steps(vec![elsewhere(step, argv, "sail")])
}

/// `envoy run deploy`: the task's lines, on its servers.
pub(super) fn envoy(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let args = Args::parse(&step.argv, &["--path", "--conf"]);
    let mut command = Command::new(Some(tool), step.clone());
    command.args = args.clone();
    if args.operand(0) != Some("run") {
        return Reading::command(command);
    }
    let file = args
        .value(&["--path", "--conf"])
        .unwrap_or("Envoy.blade.php");
    let Ok(text) = world.files.read_text(&step.path(file)) else {
        return Reading::opaque(Some(tool), step, "envoy", format!("{file} cannot be read"));
    };
    let wanted = args.operand(1).unwrap_or("");
    let mut names = vec![wanted.to_owned()];
    if let Some(story) = section(&text, "@story", wanted, "@endstory")
        .or_else(|| section(&text, "@macro", wanted, "@endmacro"))
    {
        names = story
            .lines()
            .map(|l| l.trim().to_owned())
            .filter(|l| !l.is_empty())
            .collect();
    }
    let mut steps = Vec::new();
    for name in names {
        let Some(body) = section(&text, "@task", &name, "@endtask") else {
            return Reading::opaque(
                Some(tool),
                step,
                "envoy",
                format!("{file} holds no task `{name}`"),
            );
        };
        let argv = vec![
            Word::literal("bash"),
            Word::literal("-c"),
            Word::literal(body),
        ];
        steps.push(elsewhere(step, argv, "envoy"));
    }
    Reading {
        command: Some(command),
        steps,
    }
}

/// The lines between `@task('name', ...)` and `@endtask`.
fn section(text: &str, open: &str, name: &str, close: &str) -> Option<String> {
    for (at, _) in text.match_indices(open) {
        let rest = &text[at + open.len()..];
        let Some((head, body)) = rest.split_once('\n') else {
            continue;
        };
        let named = head.contains(&format!("'{name}'")) || head.contains(&format!("\"{name}\""));
        if named {
            return body.split_once(close).map(|(body, _)| body.to_owned());
        }
    }
    None
}

/// `dep deploy`, `dep artisan:migrate:fresh`: recipes run on their hosts.
pub(super) fn deployer(tool: &'static Tool, step: &Step) -> Reading {
    let args = Args::parse(
        &step.argv,
        &[
            "-f",
            "--file",
            "-o",
            "--option",
            "--limit",
            "-l",
            "--revision",
            "--branch",
            "--tag",
        ],
    );
    let task = args.operand(0).unwrap_or("list").to_owned();
    if let Some(name) = task.strip_prefix("artisan:") {
        let argv = ["php", "artisan", name, "--force"]
            .map(Word::literal)
            .to_vec();
        return Reading::steps(vec![elsewhere(step, argv, "dep")]);
    }
    if task == "run"
        && let Some((_, line)) = args.operands.get(1)
    {
        let argv = vec![Word::literal("sh"), Word::literal("-c"), line.clone()];
        return Reading::steps(vec![elsewhere(step, argv, "dep")]);
    }
    let mut command = Command::new(Some(tool), step.clone());
    command.args = args;
    if matches!(
        task.as_str(),
        "list" | "help" | "config" | "tree" | "ssh" | "init" | "completion"
    ) {
        return Reading::command(command);
    }
    let place = elsewhere(step, step.argv.clone(), "dep");
    Reading::opaque(
        Some(tool),
        &place,
        "recipe",
        "a recipe runs on its hosts; its tasks may migrate",
    )
}
