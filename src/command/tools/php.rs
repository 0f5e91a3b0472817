//! `php`: finds the script among PHP's own options and hands on to what it is.

use super::artisan;
use crate::command::{Action, Args, Command, Effect, Reading, Step, Stop, Tool, World, catalogue};

/// Code that reaches the framework's commands or databases.
const REACHES: &[&str] = &[
    "Artisan::",
    "->call(",
    "DB::",
    "PDO",
    "mysqli",
    "pg_connect",
    "pg_query",
    "SQLite3",
    "artisan",
    "Schema::",
];

/// Programs of PHP projects that are PHP files themselves.
const KNOWN: &[&str] = &[
    "phpunit",
    "pest",
    "paratest",
    "composer",
    "sail",
    "envoy",
    "deployer",
    "symfony console",
    "drush",
    "wp-cli",
    "phinx",
    "yii",
    "cake",
    "magento",
    "craft",
    "other consoles",
];

/// Judges a call of PHP.
pub(super) fn read(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let mut command = Command::new(Some(tool), step.clone());
    let Some(at) = script_at(step, tool) else {
        return without_script(tool, step, command);
    };
    let word = &step.argv[at.index];
    if let Some(why) = &word.unknown {
        return Reading::opaque(Some(tool), step, "php", why.clone());
    }
    if at.lint {
        command.stops_early = Some(Stop::new("nothing-runs", "only the syntax is checked"));
        return Reading::command(command);
    }
    let path = step.path(at.path(step));
    if artisan::is_artisan(&path, world)
        && let Some(tool) = artisan::tool()
    {
        return artisan::run(tool, step, &path, at.index + 1, world);
    }
    let name = path
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    let known = catalogue::find(&name).or_else(|| catalogue::find(name.trim_end_matches(".phar")));
    if known.is_some_and(|t| KNOWN.contains(&t.name)) {
        let argv = step.argv[at.index..].to_vec();
        return Reading::steps(vec![step.with_argv(argv).through(step.program())]);
    }
    let text = world.files.read_text(&path).unwrap_or_default();
    if let Some(word) = REACHES.iter().find(|w| text.contains(**w)) {
        return Reading::opaque(
            Some(tool),
            step,
            "script",
            format!("the script {name} uses `{word}`: what it does is not followed"),
        );
    }
    Reading::not_mine(step)
}

/// Where the script stands.
struct Script {
    index: usize,
    attached: Option<String>,
    lint: bool,
}

impl Script {
    fn path<'a>(&'a self, step: &'a Step) -> &'a str {
        self.attached
            .as_deref()
            .unwrap_or(step.argv[self.index].text.as_str())
    }
}

fn script_at(step: &Step, tool: &'static Tool) -> Option<Script> {
    let mut at = 1;
    let mut lint = false;
    while let Some(word) = step.argv.get(at) {
        let text = word.text.as_str();
        if text == "--" {
            return None;
        }
        if !text.starts_with('-') || text == "-" {
            return (text != "-").then_some(Script {
                index: at,
                attached: None,
                lint,
            });
        }
        lint |= text == "-l" || text == "--syntax-check";
        if matches!(text, "-f" | "--file") {
            step.argv.get(at + 1)?;
            return Some(Script {
                index: at + 1,
                attached: None,
                lint,
            });
        }
        if let Some(path) = text
            .strip_prefix("-f")
            .or_else(|| text.strip_prefix("--file="))
        {
            return Some(Script {
                index: at,
                attached: Some(path.to_owned()),
                lint,
            });
        }
        let ends = [
            "-r",
            "--run",
            "-S",
            "--server",
            "-i",
            "--info",
            "-m",
            "--modules",
            "-v",
            "--version",
            "-h",
            "--help",
            "-R",
            "-B",
            "-E",
            "-F",
            "--ini",
        ];
        if ends.contains(&text) || text.starts_with("-r") && text.len() > 2 {
            return None;
        }
        at += if tool.value_options.contains(&text) {
            2
        } else {
            1
        };
    }
    None
}

fn without_script(tool: &'static Tool, step: &Step, mut command: Command) -> Reading {
    command.args = Args::parse(&step.argv, tool.value_options);
    if let Some(option) = command
        .args
        .last(&["-r", "--run", "-R", "-B", "-E", "--process-code"])
    {
        let code = option.value.clone().unwrap_or_default();
        let named = REACHES.iter().find(|w| code.contains(**w)).copied();
        let backtick = code.contains('`').then_some("`");
        let why = match named.or(backtick).or_else(|| super::inline::reaches(&code)) {
            Some(word) => format!("PHP code that uses `{word}`"),
            None => return Reading::command(command),
        };
        return Reading::opaque(Some(tool), step, "php code", why);
    }
    if command.args.has(&["-S", "--server", "-a", "--interactive"]) {
        command.actions.push(Action::new(
            "php",
            Effect::None,
            "a server or a bare shell of PHP",
        ));
        return Reading::command(command);
    }
    let prints = [
        "-v",
        "--version",
        "-m",
        "--modules",
        "-i",
        "--info",
        "-h",
        "--help",
        "--ini",
    ];
    if command.args.has(&prints) || step.argv.len() > 1 {
        command.stops_early = Some(Stop::new("nothing-runs", "no script runs"));
        return Reading::command(command);
    }
    Reading::opaque(Some(tool), step, "php", "PHP code from standard input")
}
