//! Launchers that put a `.env` file into the environment of the program they start.

use crate::command::{Args, Command, Reading, Step, Stop, Tool, Word, World};
use crate::environment::Vars;
use crate::environment::dotenv::{self, Loaded};
use crate::files;
use crate::source::Source;
use crate::target::readers::js::{Evaluator, installed};

/// What a file's variables may replace.
pub(super) enum Over<'a> {
    /// Nothing that is set.
    Nothing,
    /// Everything.
    All,
    /// Everything but these: variables of the process, not of earlier files.
    Files(&'a Vars),
}

/// Puts a file into the variables of the step; `false` where there is none. What cannot be known
/// opens the environment.
pub(super) fn load(
    step: &mut Step,
    world: &World<'_>,
    file: &str,
    dialect: &str,
    over: Over<'_>,
) -> bool {
    let Some(dialect) = dotenv::dialect(dialect) else {
        return false;
    };
    let path = step.path(file);
    let shown = files::shown(&path, &step.cwd);
    let mut vars = match &over {
        Over::Files(before) => (*before).clone(),
        Over::Nothing | Over::All => step.vars.clone(),
    };
    let all = matches!(over, Over::All);
    let loaded = dotenv::load(world.files, (&path, &shown), dialect, &mut vars, all);
    match loaded {
        Loaded::Missing => return false,
        Loaded::Rejected(why) => {
            step.vars_open.get_or_insert(why);
        }
        Loaded::Read(unknown) => {
            if let Some((name, why)) = unknown.into_iter().next() {
                step.vars_open.get_or_insert(format!("{name}: {why}"));
            }
            if let Over::Files(before) = over {
                for (name, var) in vars.iter().filter(|(n, _)| !before.has(n)) {
                    step.vars.set(name, &var.value, var.source.clone());
                }
            } else {
                step.vars = vars;
            }
        }
    }
    true
}

/// Takes over the environment that an evaluator ended with.
pub(super) fn adopt(step: &mut Step, evaluator: &Evaluator<'_>) {
    step.vars = evaluator.vars.clone();
    if let Some(why) = evaluator.doubt() {
        step.vars_open.get_or_insert(why);
    }
}

/// Options and the command behind them: `--` or the first word that is no option.
fn split(tool: &'static Tool, step: &Step, from: usize) -> (Args, Vec<Word>) {
    let mut at = from;
    while let Some(word) = step.argv.get(at) {
        if word.text == "--" {
            break;
        }
        if !word.text.starts_with('-') {
            break;
        }
        let takes = tool.value_options.contains(&word.text.as_str());
        at += if takes { 2 } else { 1 };
    }
    let at = at.min(step.argv.len());
    let mut options = vec![Word::literal(tool.name)];
    options.extend(step.argv.get(from..at).unwrap_or(&[]).iter().cloned());
    let rest = step.argv.get(at..).unwrap_or(&[]);
    let rest = match rest.first() {
        Some(word) if word.text == "--" => rest.get(1..).unwrap_or(&[]),
        _ => rest,
    };
    (Args::parse(&options, tool.value_options), rest.to_vec())
}

fn start(tool: &'static Tool, step: &Step, argv: Vec<Word>) -> Reading {
    if argv.is_empty() {
        return Reading::command(Command::new(Some(tool), step.clone()));
    }
    Reading::steps(vec![step.with_argv(argv).through(tool.name)])
}

fn values<'a>(args: &'a Args, names: &'a [&str]) -> impl Iterator<Item = &'a str> {
    args.options
        .iter()
        .filter(move |o| names.contains(&o.name.as_str()))
        .filter_map(|o| o.value.as_deref())
}

fn assign(step: &mut Step, pair: &str) {
    if let Some((name, value)) = pair.split_once('=') {
        let source = Source::argument(&format!("{name}=..."));
        step.vars.set(name, value.trim_matches(['"', '\'']), source);
    }
}

/// `dotenv`: dotenv-cli, `dotenv run` of node's dotenv 18 or of python-dotenv, ruby's dotenv.
pub(super) fn dotenv(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let mut step = step.clone();
    let (before, rest) = split(tool, &step, 1);
    if rest.first().is_some_and(|w| w.text == "run") {
        return dotenv_run(tool, step, world, &before);
    }
    let node = installed(world.files, &step.cwd, "dotenv-cli").is_some()
        || !is_ruby(&before, &step, world);
    if before.has(&["-p", "--help", "--version"]) && node {
        return Reading::command(Command::new(Some(tool), step));
    }
    if !node {
        let files: Vec<String> = values(&before, &["-f"])
            .flat_map(|f| f.split(','))
            .map(str::to_owned)
            .collect();
        let files = if files.is_empty() {
            vec![".env".to_owned()]
        } else {
            files
        };
        for file in files {
            let over = if before.has(&["-o", "--overload", "--overwrite"]) {
                Over::All
            } else {
                Over::Nothing
            };
            load(&mut step, world, &file, "ruby-dotenv-3.2.0", over);
        }
        return start(tool, &step, rest);
    }
    let own: Vec<String> = values(&before, &["-e"]).map(str::to_owned).collect();
    let bases = if own.is_empty() {
        vec![".env".to_owned()]
    } else {
        own
    };
    let mut files = Vec::new();
    let cascade = before
        .last(&["-c"])
        .map(|o| o.value.clone().unwrap_or_default());
    for base in bases {
        match &cascade {
            Some(env) if !env.is_empty() => {
                files.extend([
                    format!("{base}.{env}.local"),
                    format!("{base}.local"),
                    format!("{base}.{env}"),
                    base,
                ]);
            }
            Some(_) => files.extend([format!("{base}.local"), base]),
            None => files.push(base),
        }
    }
    let expand = installed(world.files, &step.cwd, "dotenv-expand")
        .and_then(|v| dotenv::for_package("dotenv-expand", &v))
        .map_or("dotenv-expand-12.0.3", |d| d.name);
    if before.has(&["-o", "--override"]) {
        for file in files.iter().rev() {
            load(&mut step, world, file, expand, Over::All);
        }
    } else {
        for file in &files {
            load(&mut step, world, file, expand, Over::Nothing);
        }
    }
    for pair in values(&before, &["-v"]) {
        assign(&mut step, pair);
    }
    start(tool, &step, rest)
}

fn is_ruby(args: &Args, step: &Step, world: &World<'_>) -> bool {
    args.has(&["-f"])
        || (world.files.is_file(&step.path("Gemfile"))
            && !world.files.is_file(&step.path("package.json")))
}

fn dotenv_run(tool: &'static Tool, mut step: Step, world: &World<'_>, outer: &Args) -> Reading {
    let at = step.argv.iter().position(|w| w.text == "run").unwrap_or(1) + 1;
    let (inner, rest) = split(tool, &step, at);
    let files = |names: &'static [&'static str]| -> Vec<String> {
        values(outer, names)
            .chain(values(&inner, names))
            .map(str::to_owned)
            .collect()
    };
    let mut files = files(&["-f", "--file"]);
    if files.is_empty() {
        files.push(".env".to_owned());
    }
    let node = installed(world.files, &step.cwd, "dotenv")
        .and_then(|v| v.split('.').next()?.parse::<u32>().ok());
    let python_only = inner.has(&["--no-override", "--override"])
        || outer.has(&["-f", "--file", "-q", "--quote"]);
    let node_runs = node.is_some_and(|major| major >= 18) && !python_only;
    if node_runs {
        let over = inner.has(&["-o", "--overload"]);
        for file in &files {
            load(
                &mut step,
                world,
                file,
                "node-dotenv-18.0.10",
                if over { Over::All } else { Over::Nothing },
            );
        }
    } else {
        // python-dotenv's command: the file wins, unless told otherwise.
        let over = !inner.has(&["--no-override"]);
        let dialect = if over {
            "python-dotenv-1.2.4"
        } else {
            "python-dotenv-1.2.4-load"
        };
        for file in &files {
            load(
                &mut step,
                world,
                file,
                dialect,
                if over { Over::All } else { Over::Nothing },
            );
        }
    }
    start(tool, &step, rest)
}

/// `dotenvx run`: files and variables in the order of the words, the first wins.
pub(super) fn dotenvx(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let mut step = step.clone();
    if step.argv.get(1).is_none_or(|w| w.text != "run") {
        return Reading::command(Command::new(Some(tool), step));
    }
    let (args, rest) = split(tool, &step, 2);
    if args.has(&["--convention", "-fv", "--env-vault-file"]) {
        step.vars_open =
            Some("dotenvx reads files by a convention or an encrypted vault".to_owned());
    }
    let over = args.has(&["--overload", "-o"]);
    let named = args.has(&["-f", "--env-file"]);
    if !named {
        load(
            &mut step,
            world,
            ".env",
            "dotenvx-2.38.2",
            if over { Over::All } else { Over::Nothing },
        );
    }
    for option in &args.options {
        let Some(value) = option.value.as_deref() else {
            continue;
        };
        match option.name.as_str() {
            "-f" | "--env-file" => {
                load(
                    &mut step,
                    world,
                    value,
                    "dotenvx-2.38.2",
                    if over { Over::All } else { Over::Nothing },
                );
            }
            "-e" | "--env" => {
                let name = value.split('=').next().unwrap_or("");
                if over || !step.vars.has(name) {
                    assign(&mut step, value);
                }
            }
            _ => {}
        }
    }
    start(tool, &step, rest)
}

/// `env-cmd`: the file wins, unless told otherwise.
pub(super) fn env_cmd(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let mut step = step.clone();
    let (args, rest) = split(tool, &step, 1);
    let over = !args.has(&["--no-override"]);
    if args.has(&["-e", "--environments", "-r", "--rc-file"]) {
        let file = args.value(&["-r", "--rc-file"]).unwrap_or(".env-cmdrc");
        let names: Vec<String> = values(&args, &["-e", "--environments"])
            .flat_map(|v| v.split(','))
            .map(str::to_owned)
            .collect();
        environments(&mut step, world, file, &names, over);
        return start(tool, &step, rest);
    }
    let file = args.value(&["-f", "--file"]).unwrap_or(".env").to_owned();
    if file.ends_with(".json") || file.ends_with(".js") || file.ends_with("js") {
        step.vars_open = Some(format!("env-cmd reads `{file}`"));
        return start(tool, &step, rest);
    }
    let mode = if over { Over::All } else { Over::Nothing };
    if !load(&mut step, world, &file, "node-dotenv-16.6.1", mode) {
        let fallback = args.has(&["--fallback"])
            && load(&mut step, world, ".env", "node-dotenv-16.6.1", Over::All);
        if !fallback && !args.has(&["--silent"]) {
            let mut command = Command::new(Some(tool), step);
            command.stops_early = Some(Stop::new(
                "env-file-missing",
                format!("{file}: no such file"),
            ));
            return Reading::command(command);
        }
    }
    start(tool, &step, rest)
}

/// The named environments of `.env-cmdrc`.
fn environments(step: &mut Step, world: &World<'_>, file: &str, names: &[String], over: bool) {
    let text = [file.to_owned(), format!("{file}.json")]
        .iter()
        .find_map(|f| world.files.read_text(&step.path(f)).ok());
    let json: Option<serde_json::Value> = text.and_then(|t| serde_json::from_str(&t).ok());
    for name in names {
        let found = json
            .as_ref()
            .and_then(|j| j.get(name))
            .and_then(|e| e.as_object());
        let Some(entries) = found else {
            step.vars_open = Some(format!("`{name}` of {file} cannot be read"));
            return;
        };
        for (key, value) in entries {
            if over || !step.vars.has(key) {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                step.vars.set(
                    key.as_str(),
                    text,
                    Source::project_file(file, 1).with_note(name),
                );
            }
        }
    }
}

/// `cross-env A=b CMD`.
pub(super) fn cross_env(tool: &'static Tool, step: &Step) -> Reading {
    let mut step = step.clone();
    let mut at = 1;
    while let Some(word) = step.argv.get(at).cloned() {
        let Some((name, value)) = word
            .text
            .split_once('=')
            .filter(|(n, _)| !n.is_empty() && !n.contains('/'))
        else {
            break;
        };
        if word.unknown.is_some() || value.contains('$') {
            step.vars_open
                .get_or_insert(format!("cross-env sets {name} from another variable"));
        }
        assign(&mut step, &format!("{name}={value}"));
        at += 1;
    }
    let argv = step.argv.get(at..).unwrap_or(&[]).to_vec();
    if step.program() == "cross-env-shell" && !argv.is_empty() {
        let text = argv
            .iter()
            .map(|w| w.text.as_str())
            .collect::<Vec<_>>()
            .join(" ");
        let unknown = argv.iter().find_map(|w| w.unknown.clone());
        let script = Word { text, unknown };
        let argv = vec![Word::literal("sh"), Word::literal("-c"), script];
        return Reading::steps(vec![step.with_argv(argv).through(tool.name)]);
    }
    start(tool, &step, argv)
}
