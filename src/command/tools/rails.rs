//! `rails`: its own commands, and every other word a Rake task.

use std::path::{Path, PathBuf};

use super::rake::{self, Run};
use crate::command::{Action, Args, Command, Effect, Reading, Step, Stop, Tool, World};
use crate::files::Files;
use crate::source::Source;
use crate::target::rails;

/// Short names of commands.
const ALIASES: &[(&str, &str)] = &[
    ("g", "generate"),
    ("d", "destroy"),
    ("c", "console"),
    ("s", "server"),
    ("db", "dbconsole"),
    ("r", "runner"),
    ("t", "test"),
];

/// Reads a step of `rails`, `bin/rails`.
pub(super) fn read(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let mut step = step.clone();
    let root = project(&mut step, world.files);
    let first = step.argv.get(1).map(|w| w.text.clone());
    let Some(first) = first else {
        return nothing(tool, step, "only help is printed");
    };
    let name = ALIASES
        .iter()
        .find(|(short, _)| *short == first)
        .map_or(first.as_str(), |(_, long)| *long);
    if matches!(
        name,
        "-h" | "--help" | "help" | "-v" | "--version" | "version"
    ) {
        return nothing(tool, step, "only help or the version is printed");
    }
    let listed = tool.action(name).or_else(|| {
        let group = name.split(':').next()?;
        tool.action(group).filter(|_| group == "test")
    });
    let Some(entry) = listed else {
        if tool.data("not-tasks").contains(&name) {
            let mut command = Command::new(Some(tool), step);
            command.stops_early = Some(Stop::new(
                "command-unknown",
                format!("rails has no command `{name}`"),
            ));
            return Reading::command(command);
        }
        return rake::read_as(tool, step, root, world);
    };
    let options = match tool.data(entry.name) {
        [] => tool.value_options,
        own => own,
    };
    let args = Args::parse(&step.argv[1..], options);
    if args.has(&["-h", "--help"]) {
        return nothing(tool, step, "only help is printed");
    }
    choose_environment(&mut step, entry.name, &args, root.as_deref(), world);
    let mut run = Run::new(root);
    run.action(Action::new(entry.name, entry.effect, entry.why));
    match entry.name {
        "test" => {
            run.scope("default");
            run.scope("test");
        }
        "dbconsole" => match args.value(&["--db", "--database"]) {
            Some(name) => run.scope(&format!("console={name}")),
            None => run.scope("default"),
        },
        _ if entry.effect == Effect::None => run.scope("none"),
        _ => {
            let code: Vec<String> = args.operand_texts().map(str::to_owned).collect();
            let scope = if several_connections(&step, run.root.as_deref(), &code, world) {
                "all-of"
            } else {
                "default"
            };
            run.scope(scope);
        }
    }
    Reading::command(run.into_command(tool, step, args))
}

/// A command that reaches no database.
pub(super) fn nothing(tool: &'static Tool, step: Step, why: &str) -> Reading {
    let mut command = Command::new(Some(tool), step);
    command.stops_early = Some(Stop::new("nothing-runs", why));
    Reading::command(command)
}

/// The application that the program belongs to; its directory is where the program goes on.
pub(super) fn project(step: &mut Step, files: &dyn Files) -> Option<PathBuf> {
    if step.program_path().contains('/') {
        let path = step.path(step.program_path());
        let above = path.parent().and_then(Path::parent);
        if let Some(root) = above.filter(|r| files.is_file(&r.join("config/application.rb"))) {
            return Some(root.to_owned());
        }
    }
    rails::root(files, &step.cwd)
}

/// `-e X`: the environment of `console`, `dbconsole`, `runner`, `server`, `test`.
fn choose_environment(
    step: &mut Step,
    name: &str,
    args: &Args,
    root: Option<&Path>,
    world: &World<'_>,
) {
    let given = args.value(&["-e", "--environment"]);
    let expanded = given.map(|env| expand(env, root, world));
    let (env, source) = match (name, expanded) {
        ("test", env) => (env.unwrap_or_else(|| "test".into()), "rails test"),
        ("server", Some(_)) if step.vars.filled("RAILS_ENV").is_some() => return,
        (_, Some(env)) => (env, "option -e"),
        _ => return,
    };
    step.vars.set("RAILS_ENV", env, Source::argument(source));
}

/// A name that has no file is taken for the start of one of the three usual ones.
fn expand(env: &str, root: Option<&Path>, world: &World<'_>) -> String {
    let file = |root: &Path| root.join(format!("config/environments/{env}.rb"));
    if env.is_empty() || root.is_some_and(|r| world.files.is_file(&file(r))) {
        return env.to_owned();
    }
    ["production", "development", "test"]
        .iter()
        .find(|name| name.starts_with(env))
        .map_or_else(|| env.to_owned(), |name| (*name).to_owned())
}

/// Whether code of the application, or the code that is run, connects to more than the first
/// database.
fn several_connections(
    step: &Step,
    root: Option<&Path>,
    code: &[String],
    world: &World<'_>,
) -> bool {
    let mentions = |text: &str| {
        ["connects_to", "establish_connection", "connected_to"]
            .iter()
            .any(|word| text.contains(word))
    };
    let given = code.iter().any(|c| {
        mentions(c)
            || world
                .files
                .read_text(&step.path(c))
                .is_ok_and(|text| mentions(&text))
    });
    let Some(root) = root else { return given };
    given
        || ["app/models", "app/jobs", "lib"].iter().any(|dir| {
            files_below(world.files, &root.join(dir), ".rb")
                .iter()
                .any(|path| {
                    world
                        .files
                        .read_text(path)
                        .is_ok_and(|text| mentions(&text))
                })
        })
}

/// Files below a directory whose name ends so; at most some hundred, eight levels deep.
pub(super) fn files_below(files: &dyn Files, dir: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut queue = vec![(dir.to_owned(), 0)];
    while let Some((dir, depth)) = queue.pop() {
        for name in files.list(&dir) {
            let path = dir.join(&name);
            if name.ends_with(suffix) && files.is_file(&path) {
                found.push(path);
            } else if depth < 8 && !name.contains('.') && files.is_dir(&path) {
                queue.push((path, depth + 1));
            }
            if found.len() > 400 {
                return found;
            }
        }
    }
    found.sort();
    found
}
