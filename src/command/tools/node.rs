//! Node's launchers: `node FILE`, `npx`, and `npm run` with its cousins, followed to the program
//! or script they start.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::envfile::{self, Over};
use super::node_script::{self, Script};
use crate::command::{Action, Args, Command, Effect, Opt, Reading, Step, Stop, Tool, Word, World};
use crate::source::Source;
use crate::target::readers::js::Evaluator;

/// Packages whose program has another name.
const PROGRAMS: &[(&str, &str)] = &[
    ("@mikro-orm/cli", "mikro-orm"),
    ("dotenv-cli", "dotenv"),
    ("@dotenvx/dotenvx", "dotenvx"),
    ("npm-run-all2", "npm-run-all"),
];

/// A program of a package, from its file (`node_modules/knex/bin/cli.js`).
fn program_of(path: &str) -> Option<String> {
    if let Some((_, program)) = path.rsplit_once("node_modules/.bin/") {
        return Some(program.to_owned());
    }
    let (_, inner) = path.rsplit_once("node_modules/")?;
    let mut parts = inner.split('/');
    let mut package = parts.next()?.to_owned();
    if package.starts_with('@') {
        package = format!("{package}/{}", parts.next()?);
    }
    let known = crate::command::catalogue::find(&program_name(&package)).is_some();
    known.then(|| program_name(&package))
}

/// The program that a package's name on the command line (`prisma@5`) stands for.
fn program_name(package: &str) -> String {
    let bare = match package.rfind('@') {
        Some(at) if at > 0 => &package[..at],
        _ => package,
    };
    PROGRAMS
        .iter()
        .find(|(name, _)| *name == bare)
        .map_or_else(|| bare.rsplit('/').next().unwrap_or(bare), |(_, p)| *p)
        .to_owned()
}

fn nothing(tool: &'static Tool, step: &Step, why: &str) -> Reading {
    let mut command = Command::new(Some(tool), step.clone());
    command.stops_early = Some(Stop::new("nothing-runs", why.to_owned()));
    Reading::command(command)
}

fn stopped(tool: &'static Tool, step: &Step, what: &'static str, why: String) -> Reading {
    let mut command = Command::new(Some(tool), step.clone());
    command.stops_early = Some(Stop::new(what, why));
    Reading::command(command)
}

/// The step that runs `text` by `sh`, further words appended.
pub(super) fn script_step(step: &Step, text: &str, more: &[Word]) -> Step {
    let mut line = text.to_owned();
    for word in more {
        line.push_str(" '");
        line.push_str(&word.text.replace('\'', "'\\''"));
        line.push('\'');
    }
    let script = Word {
        text: line,
        unknown: more.iter().find_map(|w| w.unknown.clone()),
    };
    step.with_argv(vec![Word::literal("sh"), Word::literal("-c"), script])
}

/// `node`, `tsx` and the like.
pub(super) fn node(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let watches = |w: &Word| step.program() == "tsx" && w.text == "watch";
    if step.argv.get(1).is_some_and(watches) {
        let mut step = step.clone();
        step.argv.remove(1);
        return node(tool, &step, world);
    }
    let end = options_end(&step.argv, tool.value_options);
    let options = Args::parse(
        step.argv.get(..end).unwrap_or(&step.argv),
        tool.value_options,
    );
    if options.has(&[
        "-v",
        "--version",
        "-h",
        "--help",
        "--check",
        "-c",
        "--v8-options",
    ]) {
        return nothing(tool, step, "only help or the version is printed");
    }
    let mut step = step.clone();
    let mut files = Vec::new();
    for option in &options.options {
        let Some(value) = option.value.as_deref() else {
            continue;
        };
        match option.name.as_str() {
            "--env-file" => files.push((value.to_owned(), true)),
            "--env-file-if-exists" => files.push((value.to_owned(), false)),
            _ => {}
        }
    }
    // A later file wins over an earlier one, the process over all.
    let before = step.vars.clone();
    for (file, needed) in files {
        let missing = !envfile::load(
            &mut step,
            world,
            &file,
            "node-env-file-22.23.3",
            Over::Files(&before),
        );
        if missing && needed {
            return stopped(
                tool,
                &step,
                "env-file-missing",
                format!("{file}: no such file"),
            );
        }
    }
    preloads(&mut step, world, &options);
    if let Some(script) = options.value(&["--run"]) {
        let package = match Package::find(&step, world) {
            Ok(Some(package)) => package,
            Ok(None) => {
                let why = "there is no package.json".to_owned();
                return stopped(tool, &step, "argv-rejected", why);
            }
            Err(why) => return Reading::opaque(Some(tool), &step, "script", why),
        };
        return match package.script(script) {
            Some(text) => {
                let more = step.argv.get(end..).unwrap_or(&[]);
                let inner = package.at_home(&step);
                Reading::steps(vec![script_step(&inner, &text, more).through("node --run")])
            }
            None => stopped(
                tool,
                &step,
                "argv-rejected",
                format!("there is no script `{script}`"),
            ),
        };
    }
    let prints = |option: &Opt| {
        let given = matches!(
            option.name.as_str(),
            "-e" | "--eval" | "-p" | "--print" | "-pe"
        );
        given
            && option
                .value
                .as_deref()
                .is_some_and(super::inline::only_prints)
    };
    if matches!(step.program(), "node" | "nodejs")
        && step.argv.iter().all(|w| w.unknown.is_none())
        && !options.options.is_empty()
        && options.options.iter().all(prints)
        && step.vars.filled("NODE_OPTIONS").is_none()
    {
        return nothing(tool, &step, "code that only prints constants");
    }
    if options.has(&["-e", "--eval", "-p", "--print", "-i", "--interactive"]) {
        return Reading::opaque(
            Some(tool),
            &step,
            "code",
            "runs code given on the command line",
        );
    }
    let Some(script) = step.argv.get(end).map(|w| w.text.clone()) else {
        return Reading::opaque(
            Some(tool),
            &step,
            "console",
            "an interactive session or code from standard input",
        );
    };
    if let Some(program) = program_of(&script) {
        let mut argv = step.argv.get(end..).unwrap_or(&[]).to_vec();
        if let Some(first) = argv.first_mut() {
            *first = Word::literal(program);
        }
        let next = step.with_argv(argv).through(tool.name);
        return Reading::steps(vec![next.run_by(&step, end)]);
    }
    let loads_first = options.has(&["-r", "--require", "--import", "--loader"])
        || step.vars.filled("NODE_OPTIONS").is_some();
    let (effect, why) = match node_script::look(tool, &step, world, &script) {
        Script::Plain if !loads_first && step.argv.iter().all(|w| w.unknown.is_none()) => {
            return Reading::not_mine(&step);
        }
        Script::Plain => (Effect::Opaque, "runs a script".to_owned()),
        Script::Serves => (
            Effect::Writes,
            "serves the application: writes as it is asked to".to_owned(),
        ),
        Script::Opaque(why) => (Effect::Opaque, format!("runs a script: {why}")),
    };
    let mut command = Command::new(Some(tool), step.clone());
    command.actions.push(Action::new("script", effect, why));
    command.hints.push(("script", script));
    Reading::command(command)
}

/// `nodemon`: what it starts again and again, once; `None` where it only prints.
pub(super) fn nodemon(tool: &'static Tool, step: &Step) -> Reading {
    let end = options_end(&step.argv, tool.value_options);
    let options = Args::parse(
        step.argv.get(..end).unwrap_or(&step.argv),
        tool.value_options,
    );
    let words = step.argv.get(end..).unwrap_or(&[]);
    if let Some(line) = options.value(&["-x", "--exec"]) {
        return Reading::steps(vec![script_step(step, line, words).through(tool.name)]);
    }
    if options.has(&["-h", "--help", "-v", "--version"]) {
        return nothing(tool, step, "only help or the version is printed");
    }
    let mut argv = vec![Word::literal("node")];
    argv.extend(words.iter().cloned());
    Reading::steps(vec![step.with_argv(argv).through(tool.name)])
}

/// `-r MODULE` and `--import MODULE`: those that read a `.env` file.
fn preloads(step: &mut Step, world: &World<'_>, options: &Args) {
    for option in &options.options {
        if matches!(option.name.as_str(), "-r" | "--require" | "--import") {
            preload(step, world, option.value.as_deref().unwrap_or(""));
        }
    }
}

/// What loading a module before everything else does to the environment.
pub(super) fn preload(step: &mut Step, world: &World<'_>, module: &str) {
    const HARMLESS: &[&str] = &[
        "ts-node/register",
        "ts-node/register/transpile-only",
        "tsx",
        "tsx/cjs",
        "tsx/esm",
        "tsconfig-paths/register",
        "esbuild-register",
        "@swc-node/register",
        "@swc/register",
        "source-map-support/register",
        "@babel/register",
        "reflect-metadata",
    ];
    let mut evaluator = Evaluator::new(step, world);
    let here = step.cwd.join("preload.js");
    match module {
        "dotenv/config" | "dotenv/config.js" => evaluator.preload_dotenv(&here, false),
        "dotenv-expand/config" => evaluator.preload_dotenv(&here, true),
        "dotenv-flow/config" => evaluator.dotenv_flow(None, None),
        known if HARMLESS.contains(&known) => return,
        other => {
            let why = format!("`{other}` is loaded first and may change it");
            step.vars_open.get_or_insert(why);
            return;
        }
    }
    envfile::adopt(step, &evaluator);
}

/// `NODE_OPTIONS` as every node program obeys it.
pub(crate) fn obey_node_options(step: &mut Step, world: &World<'_>) {
    let Some(text) = step.vars.filled("NODE_OPTIONS").map(|t| t.into_owned()) else {
        return;
    };
    let words: Vec<Word> = std::iter::once("node")
        .chain(text.split_ascii_whitespace())
        .map(|w| Word::literal(w.trim_matches('"')))
        .collect();
    let options = Args::parse(&words, &["-r", "--require", "--import", "--loader", "-C"]);
    preloads(step, world, &options);
}

fn options_end(argv: &[Word], with_value: &[&str]) -> usize {
    let mut at = 1;
    while let Some(word) = argv.get(at) {
        if word.text == "--" {
            return at + 1;
        }
        if !word.text.starts_with('-') || word.text == "-" {
            return at;
        }
        let takes = with_value.contains(&word.text.as_str());
        at += if takes { 2 } else { 1 };
    }
    argv.len()
}

/// `npx`, `npm exec`, `pnpm dlx`, `bun x`: the words from `from` on.
fn execute(tool: &'static Tool, step: &Step, from: usize, via: &str) -> Reading {
    let mut at = from;
    while let Some(word) = step.argv.get(at) {
        let text = word.text.as_str();
        if text == "--" {
            at += 1;
            break;
        }
        if !text.starts_with('-') {
            break;
        }
        let (name, attached) = text
            .split_once('=')
            .map_or((text, None), |(n, v)| (n, Some(v)));
        if matches!(name, "-c" | "--call") {
            let text = attached
                .map(str::to_owned)
                .or_else(|| step.argv.get(at + 1).map(|w| w.text.clone()));
            return Reading::steps(vec![
                script_step(step, &text.unwrap_or_default(), &[]).through(via.to_owned()),
            ]);
        }
        let takes = attached.is_none() && tool.value_options.contains(&name);
        at += if takes { 2 } else { 1 };
    }
    let Some(argv) = step.argv.get(at..).filter(|a| !a.is_empty()) else {
        return nothing(tool, step, "no program is named");
    };
    let mut argv = argv.to_vec();
    if let Some(first) = argv.first_mut().filter(|f| f.unknown.is_none()) {
        first.text = program_name(&first.text);
    }
    Reading::steps(vec![step.with_argv(argv).through(via.to_owned())])
}

/// `npx`, `bunx`, `pnpx`.
pub(super) fn npx(tool: &'static Tool, step: &Step) -> Reading {
    execute(tool, step, 1, "npx")
}

/// A `package.json` and where it stands.
pub(super) struct Package {
    pub(super) dir: PathBuf,
    json: Value,
}

impl Package {
    /// The nearest one upward.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(super) fn find(step: &Step, world: &World<'_>) -> Result<Option<Package>, String> {
        let has = |dir: &&Path| world.files.is_file(&dir.join("package.json"));
        let Some(dir) = step.cwd.ancestors().find(has) else {
            return Ok(None);
        };
        let text = world.files.read_text(&dir.join("package.json"));
        let text = text.map_err(|why| format!("package.json: {why}"))?;
        let json = serde_json::from_str(text.trim_start_matches('\u{feff}'));
        let json = json.map_err(|_| "package.json is no JSON that can be read here".to_owned())?;
        Ok(Some(Package {
            dir: dir.to_owned(),
            json,
        }))
    }

    /// The scripts' names.
    pub(super) fn names(&self) -> Vec<String> {
        let scripts = self.json.get("scripts").and_then(Value::as_object);
        scripts
            .into_iter()
            .flat_map(|all| all.keys().cloned())
            .collect()
    }

    fn script(&self, name: &str) -> Option<String> {
        Some(self.json.get("scripts")?.get(name)?.as_str()?.to_owned())
    }

    /// Scripts start in the package's directory.
    fn at_home(&self, step: &Step) -> Step {
        let mut step = step.clone();
        step.cwd.clone_from(&self.dir);
        step
    }
}

/// `npm`, `pnpm`, `yarn`, `bun` and their scripts.
pub(super) fn npm(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let program = step.program().to_owned();
    let mut step = step.clone();
    let start = options_end(&step.argv, tool.value_options);
    let options = Args::parse(step.argv.get(..start).unwrap_or(&[]), tool.value_options);
    if let Some(dir) = options.value(&["-C", "--dir", "--prefix", "--cwd"]) {
        step.cwd = step.path(dir);
    }
    if options.has(&["-v", "--version", "-h", "--help"]) {
        return nothing(tool, &step, "only help or the version is printed");
    }
    if options.has(&[
        "-w",
        "--workspace",
        "-F",
        "--filter",
        "-r",
        "--recursive",
        "--workspaces",
        "-ws",
    ]) {
        return super::workspace::read(tool, &step, world);
    }
    if program == "bun"
        && let Some(file) = options.value(&["--env-file"])
    {
        let over = Over::Nothing;
        envfile::load(&mut step, world, file, "dotenv-expand-12.0.3", over);
    }
    let Some(verb) = step.argv.get(start).cloned() else {
        return match program.as_str() {
            "yarn" => install(tool, &step, world, start),
            _ => nothing(tool, &step, "no script is named"),
        };
    };
    if program == "bun" && options.has(&["-e", "--eval", "-p", "--print"]) {
        if super::inline::only_prints(&verb.text) {
            return nothing(tool, &step, "code that only prints constants");
        }
        let why = "runs code given on the command line";
        return Reading::opaque(Some(tool), &step, "code", why);
    }
    if let Some(why) = verb.unknown {
        return Reading::opaque(Some(tool), &step, "script", why);
    }
    let verb = verb.text;
    match verb.as_str() {
        "x" if !matches!(program.as_str(), "npm" | "bun") => {
            run_script(tool, &step, world, &program, start, true)
        }
        "exec" | "x" | "dlx" => execute(tool, &step, start + 1, &format!("{program} {verb}")),
        "run" | "run-script" | "rum" | "urn" => {
            run_script(tool, &step, world, &program, start + 1, false)
        }
        "node" if program == "yarn" => Reading::steps(vec![
            step.with_argv(step.argv.get(start..).unwrap_or(&[]).to_vec()),
        ]),
        "t" | "test" | "tst" | "start" | "stop" | "restart" => {
            let mut renamed = step.clone();
            if let Some(word) = renamed.argv.get_mut(start)
                && (verb == "t" || verb == "tst")
            {
                "test".clone_into(&mut word.text);
            }
            if program == "bun" && verb == "test" {
                return Reading::opaque(Some(tool), &step, "test", "runs the project's tests");
            }
            run_script(tool, &renamed, world, &program, start, false)
        }
        "workspace" | "workspaces" | "multi" | "recursive" => {
            super::workspace::read(tool, &step, world)
        }
        "install" | "i" | "ci" | "clean-install" | "in" | "add" | "remove" | "up" | "upgrade" => {
            install(tool, &step, world, start + 1)
        }
        "rm"
        | "uninstall"
        | "update"
        | "outdated"
        | "audit"
        | "ls"
        | "list"
        | "why"
        | "view"
        | "info"
        | "config"
        | "init"
        | "create"
        | "pack"
        | "publish"
        | "login"
        | "logout"
        | "whoami"
        | "cache"
        | "link"
        | "unlink"
        | "prune"
        | "dedupe"
        | "version"
        | "help"
        | "set"
        | "bin"
        | "root"
        | "prefix"
        | "store"
        | "import"
        | "patch"
        | "rebuild"
        | "pm"
        | "upgrade-interactive"
        | "get"
        | "doctor"
        | "fund"
        | "search"
        | "pkg"
        | "explain"
        | "self-update" => Reading::command(Command::new(Some(tool), step.clone())),
        "build" if program == "bun" => Reading::command(Command::new(Some(tool), step.clone())),
        _ if program == "npm" => stopped(
            tool,
            &step,
            "argv-rejected",
            format!("npm has no command `{verb}`"),
        ),
        _ if program == "bun"
            && (verb.contains('/') || verb.ends_with("js") || verb.ends_with("ts")) =>
        {
            bun_file(tool, &step, world, start)
        }
        _ => run_script(tool, &step, world, &program, start, true),
    }
}

/// Installing for the project as a whole runs scripts of its own, in this order. Those of its
/// dependencies are not looked at.
fn install(tool: &'static Tool, step: &Step, world: &World<'_>, from: usize) -> Reading {
    const SCRIPTS: &[&str] = &[
        "preinstall",
        "install",
        "postinstall",
        "prepublish",
        "preprepare",
        "prepare",
        "postprepare",
    ];
    let words = step.argv.get(from..).unwrap_or(&[]);
    // npm, pnpm and bun run them only where no package is named.
    let named = words.iter().any(|w| !w.text.starts_with('-'));
    let skipped = words.iter().any(|w| w.text == "--ignore-scripts");
    let command = Command::new(Some(tool), step.clone());
    if skipped || named && step.program() != "yarn" {
        return Reading::command(command);
    }
    match Package::find(step, world) {
        Ok(None) => Reading::command(command),
        Ok(Some(package)) => {
            let inner = package.at_home(step);
            let via = step.program().to_owned();
            let texts = SCRIPTS.iter().filter_map(|name| package.script(name));
            let steps = texts.map(|text| script_step(&inner, &text, &[]).through(via.clone()));
            Reading {
                command: Some(command),
                steps: steps.collect(),
            }
        }
        Err(why) => Reading::opaque(Some(tool), step, "script", why),
    }
}

/// `bun FILE`: bun reads `.env` files by itself.
fn bun_file(tool: &'static Tool, step: &Step, world: &World<'_>, at: usize) -> Reading {
    let mut step = step.clone();
    let env = step
        .vars
        .filled("NODE_ENV")
        .map_or("development".to_owned(), |e| e.into_owned());
    let mut names = Vec::new();
    if env != "test" {
        names.push(".env.local".to_owned());
    }
    names.push(format!(".env.{env}"));
    names.push(".env".to_owned());
    for name in names {
        envfile::load(
            &mut step,
            world,
            &name,
            "dotenv-expand-12.0.3",
            Over::Nothing,
        );
    }
    let mut argv = vec![Word::literal("node")];
    argv.extend(step.argv.get(at..).unwrap_or(&[]).iter().cloned());
    Reading::steps(vec![step.with_argv(argv).through(tool.name)])
}

/// A script of `package.json` with its pre- and post-scripts; `direct`: a program may be meant.
fn run_script(
    tool: &'static Tool,
    step: &Step,
    world: &World<'_>,
    program: &str,
    at: usize,
    direct: bool,
) -> Reading {
    let end =
        at + options_end(
            step.argv.get(at.saturating_sub(1)..).unwrap_or(&[]),
            tool.value_options,
        ) - 1;
    let own = Args::parse(
        step.argv.get(at.saturating_sub(1)..end).unwrap_or(&[]),
        tool.value_options,
    );
    if own.has(&[
        "-w",
        "--workspace",
        "-ws",
        "--workspaces",
        "-r",
        "--recursive",
        "-F",
        "--filter",
    ]) {
        return super::workspace::read(tool, step, world);
    }
    let Some(name) = step.argv.get(end) else {
        return nothing(tool, step, "scripts are listed");
    };
    if let Some(why) = &name.unknown {
        return Reading::opaque(Some(tool), step, "script", why.clone());
    }
    let mut more = step.argv.get(end + 1..).unwrap_or(&[]).to_vec();
    if program == "npm" {
        // npm keeps options before `--` to itself.
        more = match more.iter().position(|w| w.text == "--") {
            Some(at) => {
                let mut kept: Vec<Word> = more
                    .iter()
                    .take(at)
                    .filter(|w| !w.text.starts_with('-'))
                    .cloned()
                    .collect();
                kept.extend(more.iter().skip(at + 1).cloned());
                kept
            }
            None => more
                .into_iter()
                .filter(|w| !w.text.starts_with('-'))
                .collect(),
        };
    } else if more.first().is_some_and(|w| w.text == "--") && program != "pnpm" {
        more.remove(0);
    }
    let package = match Package::find(step, world) {
        Ok(package) => package,
        Err(why) => return Reading::opaque(Some(tool), step, "script", why),
    };
    let script = package
        .as_ref()
        .and_then(|p| Some((p, p.script(&name.text)?)));
    let Some((package, text)) = script else {
        if program == "bun"
            && (name.text.contains('/') || name.text.ends_with("js") || name.text.ends_with("ts"))
        {
            return bun_file(tool, step, world, end);
        }
        if direct || program != "npm" {
            return execute(tool, step, end, program);
        }
        if name.text == "start"
            && package.is_some_and(|p| world.files.is_file(&p.dir.join("server.js")))
        {
            return Reading::opaque(Some(tool), step, "start", "runs server.js");
        }
        return stopped(
            tool,
            step,
            "argv-rejected",
            format!("there is no script `{}`", name.text),
        );
    };
    let mut inner = package.at_home(step);
    inner.vars.set(
        "npm_lifecycle_event",
        &name.text,
        Source::default_of(program),
    );
    let via = format!("{program} run {}", name.text);
    let part = |script: &str, more: &[Word]| script_step(&inner, script, more).through(via.clone());
    let mut steps = Vec::new();
    steps.extend(
        package
            .script(&format!("pre{}", name.text))
            .map(|s| part(&s, &[])),
    );
    steps.push(part(&text, &more));
    steps.extend(
        package
            .script(&format!("post{}", name.text))
            .map(|s| part(&s, &[])),
    );
    // A script that fails ends it there.
    for step in steps.iter_mut().skip(1) {
        step.later = true;
    }
    Reading::steps(steps)
}
