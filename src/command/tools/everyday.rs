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

/// netcat and what else connects by lines (`openssl s_client`, `gnutls-cli`) to a database that is
/// talked to in lines.
pub(super) fn netcat(tool: &'static Tool, step: &Step) -> Reading {
    let args = Args::of(tool, &step.argv);
    let verb = tool.data("verb");
    if !verb.is_empty() && !args.operand(0).is_some_and(|word| verb.contains(&word)) {
        return nothing(tool, step);
    }
    let ports = ["-connect", "-port", "--port", "-p"].map(|name| args.value(&[name]));
    let named = ports.into_iter().flatten().next();
    let named = named.filter(|_| !tool.data("ports").is_empty());
    let address = named.or_else(|| args.operand_texts().last());
    let address = address.unwrap_or("").to_owned();
    if args.options.iter().any(|o| o.name == "-z") {
        return nothing(tool, step);
    }
    lines(tool, step, &address, args)
}

/// What is sent in lines to an address (`host:6379`, `6379`).
pub(super) fn lines(tool: &'static Tool, step: &Step, address: &str, args: Args) -> Reading {
    let text = match &step.stdin {
        Stdin::Null => return nothing(tool, step),
        Stdin::Text(text, _) => Some(text.to_ascii_lowercase()),
        Stdin::Inherited
        | Stdin::Stream(_)
        | Stdin::Terminal
        | Stdin::File(_)
        | Stdin::Unknown(_) => None,
    };
    let says = |words: &[&str]| {
        let text = text.as_deref().unwrap_or("");
        words.iter().any(|w| text.contains(w))
    };
    let http = super::http::engine(&format!(
        ":{}",
        address.rsplit([':', ' ']).next().unwrap_or("")
    ));
    let engine = match address
        .trim_end_matches(|c: char| !c.is_ascii_digit())
        .rsplit([':', ','])
        .next()
    {
        Some("6379" | "6380" | "16379" | "26379") => "redis",
        Some("11211") => "memcached",
        // Whatever the port: no other protocol has these words.
        _ if says(&["flushall", "flushdb", "flush_all"]) => "redis",
        _ => match http.filter(|_| says(&["delete /"])) {
            Some(engine) => engine,
            None => return nothing(tool, step),
        },
    };
    let harm = [
        "flush",
        "shutdown",
        "del",
        "unlink",
        "replicaof",
        "slaveof",
        "eval",
        "debug",
    ];
    let action = match text {
        Some(_) if says(&harm) => Action::new(
            "commands",
            Effect::Destroys,
            "sends commands that remove data",
        ),
        Some(_) => Action::new("commands", Effect::Writes, "sends commands"),
        None => Action::new("commands", Effect::Opaque, "what is sent is not known"),
    };
    let mut command = Command::new(Some(tool), step.clone());
    let named = args.operand_texts().collect::<Vec<_>>().join(":");
    let named = if address.contains(':') {
        address.to_owned()
    } else {
        named
    };
    command.hints.push(("name", named));
    command.hints.push(("engine", engine.to_owned()));
    command.args = args;
    Reading::command(command.doing(action))
}

/// sed: its `e` command and the `e` of `s///e` give text to a shell.
pub(super) fn sed(tool: &'static Tool, step: &Step) -> Reading {
    let args = Args::parse(&step.argv, tool.value_options);
    let options = args.options.iter();
    let options = options.filter(|o| matches!(o.name.as_str(), "-e" | "--expression"));
    let mut scripts: Vec<&str> = options.filter_map(|o| o.value.as_deref()).collect();
    if scripts.is_empty() && !args.has(&["-f", "--file"]) {
        scripts.extend(args.operand(0));
    }
    let mut steps = Vec::new();
    for piece in scripts
        .iter()
        .flat_map(|script| script.split(['\n', ';', '{']))
    {
        let Some(line) = given_to_shell(piece.trim()) else {
            continue;
        };
        let words = ["sh", "-c"].map(Word::literal).into_iter();
        let line = match line {
            Ok(line) => Word::literal(line),
            Err(spelled) => Word::unknown(spelled, "what sed reads is run"),
        };
        steps.push(
            step.with_argv(words.chain([line]).collect())
                .through(tool.name),
        );
    }
    if steps.is_empty() || args.has(&["--sandbox"]) {
        return nothing(tool, step);
    }
    Reading::steps(steps)
}

/// The shell's line of one sed command; `Err` where it comes from the input.
fn given_to_shell(piece: &str) -> Option<Result<&str, &str>> {
    // Its address: numbers, `$`, `/text/`.
    let mut rest = piece;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || "$,~+! ".contains(c));
        match rest.strip_prefix('/') {
            Some(tail) => rest = tail.split_once('/').map_or("", |(_, tail)| tail),
            None => break,
        }
    }
    if let Some(line) = rest.strip_prefix('e') {
        return match line.trim() {
            "" => Some(Err(piece)),
            line if rest.starts_with("e ") => Some(Ok(line)),
            _ => None,
        };
    }
    let rest = rest.strip_prefix('s')?;
    let sign = rest.chars().next().filter(|c| !c.is_alphanumeric())?;
    let mut parts = rest.split(sign).skip(2);
    let (with, flags) = (parts.next()?, parts.next()?);
    let flags = flags.split(' ').next().unwrap_or(flags);
    let runs = flags.contains('e') && flags.bytes().all(|b| b.is_ascii_alphanumeric());
    let literal = !with.contains(['&', '\\']);
    runs.then_some(if literal { Ok(with) } else { Err(with) })
}
