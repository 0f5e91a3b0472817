//! Everyday programs that touch no database themselves, but may start others or replace files: git,
//! netcat.

use crate::command::{Action, Args, Command, Effect, Opt, Reading, Stdin, Step, Tool, Word, World};

/// Directories of a project in which database files usually lie, untracked.
const USUAL: &[&str] = &[
    ".", "db", "data", "database", "storage", "instance", "var", "var/data", "prisma",
];

/// git: commands that it starts (`bisect run`, `rebase --exec`, `submodule foreach`, an alias given
/// in the words), and database files that it removes or replaces.
pub(super) fn git(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let args = Args::parse(&step.argv, tool.value_options);
    let words: Vec<&str> = args.operand_texts().collect();
    let shell = |word: Word| {
        let argv = vec![Word::literal("sh"), Word::literal("-c"), word];
        step.with_argv(argv).through(tool.name)
    };
    let value = |option: &Opt| Word {
        text: option.value.clone().unwrap_or_default(),
        unknown: option.unknown.clone(),
    };
    let alias = args.options.iter().find_map(|o| {
        let (key, line) = o.value.as_deref()?.split_once("=!")?;
        let named = o.name == "-c" && key.strip_prefix("alias.") == words.first().copied();
        named.then(|| Word::literal(line))
    });
    if let Some(line) = alias {
        return Reading::steps(vec![shell(line)]);
    }
    match words.as_slice() {
        ["bisect", "run", ..] | ["submodule", "foreach", ..] => {
            let at = args.operands.get(2).map_or(step.argv.len(), |(at, _)| *at);
            match step.argv.get(at..) {
                Some([one]) => Reading::steps(vec![shell(one.clone())]),
                Some(argv) if !argv.is_empty() => {
                    Reading::steps(vec![step.with_argv(argv.to_vec()).through(tool.name)])
                }
                _ => nothing(tool, step),
            }
        }
        ["rebase" | "filter-branch", ..] => {
            let filters = [
                "-x",
                "--exec",
                "--tree-filter",
                "--index-filter",
                "--msg-filter",
                "--env-filter",
            ];
            let given = args.options.iter();
            let lines: Vec<Step> = given
                .filter(|o| filters.contains(&o.name.as_str()))
                .map(|o| shell(value(o)))
                .collect();
            if lines.is_empty() {
                return nothing(tool, step);
            }
            Reading::steps(lines)
        }
        ["clean", ..] => {
            let args = Args::parse(&step.argv, &["-e", "--exclude", "-C", "-c"]);
            clean(tool, step, &args, world)
        }
        ["checkout" | "restore", rest @ ..] if !args.has(&["--staged", "-b", "-B"]) => {
            let words = rest.iter().map(|w| Word::literal(*w)).collect();
            replaced(tool, step, words, world)
        }
        _ => nothing(tool, step),
    }
}

fn nothing(tool: &'static Tool, step: &Step) -> Reading {
    Reading::command(Command::new(Some(tool), step.clone()))
}

/// The reading of the file words of `rm` or `>` as git's own.
fn as_git(tool: &'static Tool, step: &Step, argv: Vec<Word>, world: &World<'_>) -> Reading {
    let mut reading = super::file_words::read(tool, &step.with_argv(argv), world);
    match &mut reading.command {
        Some(command) => command.step = step.clone(),
        None => return nothing(tool, step),
    }
    reading
}

fn replaced(tool: &'static Tool, step: &Step, words: Vec<Word>, world: &World<'_>) -> Reading {
    let argv = std::iter::once(Word::literal(">")).chain(words).collect();
    as_git(tool, step, argv, world)
}

/// `clean -x` removes ignored files, and database files usually are.
fn clean(tool: &'static Tool, step: &Step, args: &Args, world: &World<'_>) -> Reading {
    let dry = args.has(&["-n", "--dry-run"]) || !args.has(&["-f", "--force"]);
    if dry || !args.has(&["-x", "-X"]) {
        return nothing(tool, step);
    }
    let named: Vec<&str> = args.operand_texts().skip(1).collect();
    let folders = if named.is_empty() { USUAL } else { &named };
    let spared = |name: &String| {
        let patterns = args.options.iter().filter(|o| o.name == "-e");
        let mut patterns = patterns.filter_map(|o| o.value.as_deref());
        patterns.any(|p| name.ends_with(p.trim_start_matches('*')))
    };
    let files = folders.iter().flat_map(|folder| {
        let names = world.files.list(&step.path(folder)).into_iter();
        names.take(512).map(move |name| match *folder {
            "." => name,
            folder => format!("{folder}/{name}"),
        })
    });
    let files = files.filter(|name| world.files.is_file(&step.path(name)) && !spared(name));
    let argv = std::iter::once(Word::literal("rm"))
        .chain(files.map(Word::literal))
        .collect();
    as_git(tool, step, argv, world)
}

/// netcat to the port of a database that is talked to in lines.
pub(super) fn netcat(tool: &'static Tool, step: &Step) -> Reading {
    let args = Args::parse(&step.argv, tool.value_options);
    let port = args.operand_texts().last().unwrap_or("");
    let engine = match port.rsplit(':').next() {
        Some("6379" | "6380") => "redis",
        Some("11211") => "memcached",
        _ => return nothing(tool, step),
    };
    let scans = args.options.iter().any(|o| o.name == "-z");
    let harm = |text: &str| {
        let lower = text.to_ascii_lowercase();
        let words = [
            "flush",
            "shutdown",
            "del",
            "unlink",
            "replicaof",
            "slaveof",
            "eval",
            "debug",
        ];
        words.iter().any(|w| lower.contains(w))
    };
    let action = match &step.stdin {
        _ if scans => return nothing(tool, step),
        Stdin::Null => return nothing(tool, step),
        Stdin::Text(text, _) if harm(text) => Action::new(
            "commands",
            Effect::Destroys,
            "sends commands that remove data",
        ),
        Stdin::Text(_, _) => Action::new("commands", Effect::Writes, "sends commands"),
        Stdin::Inherited | Stdin::Stream(_) if scans => return nothing(tool, step),
        Stdin::Inherited
        | Stdin::Stream(_)
        | Stdin::Terminal
        | Stdin::File(_)
        | Stdin::Unknown(_) => Action::new("commands", Effect::Opaque, "what is sent is not known"),
    };
    let mut command = Command::new(Some(tool), step.clone());
    command
        .hints
        .push(("name", args.operand_texts().collect::<Vec<_>>().join(":")));
    command.hints.push(("engine", engine.to_owned()));
    command.args = args;
    Reading::command(command.doing(action))
}
