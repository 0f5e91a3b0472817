//! The Python interpreter and what launches it: `python manage.py`, `python -m alembic`,
//! `uv run`, `pipenv run`, `honcho run`.

use crate::command::unwrap::tail_after_options;
use crate::command::{Args, Reading, Stdin, Step, Tool, Word, World};
use crate::environment::dotenv;
use crate::source::Source;

/// Modules that are also programs.
const MODULES: &[(&str, &str)] = &[
    ("django", "django-admin"),
    ("alembic", "alembic"),
    ("flask", "flask"),
    ("uv", "uv"),
    ("pipenv", "pipenv"),
    ("poetry", "poetry"),
    ("honcho", "honcho"),
    ("coverage", "coverage"),
    ("dotenv", "dotenv"),
    ("IPython", "ipython"),
    ("celery", "celery"),
    ("aerich", "aerich"),
    ("yoyo", "yoyo"),
    ("pgcli", "pgcli"),
    ("mycli", "mycli"),
    ("litecli", "litecli"),
    ("sqlite_utils", "sqlite-utils"),
    ("ansible", "ansible"),
    ("awscli", "aws"),
    ("sqlite3", "sqlite3"),
    ("duckdb", "duckdb"),
];

/// Words in Python code that lead to a database.
const DATABASE_WORDS: &[&str] = &[
    "django",
    "sqlalchemy",
    "alembic",
    "psycopg",
    "mysql",
    "sqlite3",
    "asyncpg",
    "pymongo",
    "redis",
    "call_command",
    "subprocess",
    "os.system",
];

/// The note that a program was started as `python -m`.
pub(crate) const AS_MODULE: &str = "python -m";

/// Reads a start of the interpreter.
pub(super) fn read(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let mut at = 1;
    while let Some(word) = step.argv.get(at) {
        let text = word.text.as_str();
        if !text.starts_with('-') || text == "-" {
            break;
        }
        if text.starts_with("--") {
            if ["--help", "--version"].contains(&text) || text.starts_with("--help-") {
                return Reading::not_mine(step);
            }
            at += if text == "--check-hash-based-pycs" {
                2
            } else {
                1
            };
            continue;
        }
        // A bundle of letters: `c`, `m`, `W` and `X` take the rest or the next word.
        let bundle = text
            .char_indices()
            .skip(1)
            .find(|(_, c)| "cmWX".contains(*c));
        let Some((offset, letter)) = bundle else {
            at += 1;
            continue;
        };
        let attached = &text[offset + 1..];
        let value = if attached.is_empty() {
            at += 1;
            step.argv.get(at).cloned()
        } else {
            Some(Word {
                text: attached.to_owned(),
                unknown: word.unknown.clone(),
            })
        };
        at += 1;
        match (letter, value) {
            ('W' | 'X', _) => {}
            ('m', Some(module)) => return module_start(tool, step, &module, at, world),
            ('c', Some(code)) => return code_start(tool, step, &code.text),
            _ => return Reading::not_mine(step),
        }
    }
    match step.argv.get(at) {
        Some(word) if word.text != "-" => script(tool, step, at, world),
        _ => from_stdin(tool, step),
    }
}

fn module_start(
    tool: &'static Tool,
    step: &Step,
    module: &Word,
    at: usize,
    world: &World<'_>,
) -> Reading {
    let program = MODULES.iter().find(|(m, _)| *m == module.text);
    let rest = step.argv.get(at..).unwrap_or(&[]);
    match program {
        Some((_, program)) => {
            let mut argv = vec![Word::literal(*program)];
            argv.extend_from_slice(rest);
            let next = step.with_argv(argv).through(AS_MODULE);
            Reading::steps(vec![next.run_by(step, 1)])
        }
        None if module.text == "pytest" => Reading::not_mine(step),
        None if module.unknown.is_some() => Reading::opaque(
            Some(tool),
            step,
            "unknown module",
            "the module is not literal",
        ),
        None => {
            let place = module.text.replace('.', "/");
            let files = [format!("{place}.py"), format!("{place}/__main__.py")];
            let told = |file: &String| super::script::read(tool, step, world, file);
            let told = files.iter().find_map(told);
            told.unwrap_or_else(|| Reading::not_mine(step))
        }
    }
}

fn code_start(tool: &'static Tool, step: &Step, code: &str) -> Reading {
    if DATABASE_WORDS.iter().any(|w| code.contains(w)) {
        return Reading::opaque(Some(tool), step, "-c", "code that uses a database library");
    }
    match super::inline::reaches(code) {
        Some(what) => Reading::opaque(Some(tool), step, "-c", format!("code that uses `{what}`")),
        None => Reading::not_mine(step),
    }
}

fn from_stdin(tool: &'static Tool, step: &Step) -> Reading {
    match &step.stdin {
        Stdin::Text(code, _) => code_start(tool, step, code),
        Stdin::Null => Reading::not_mine(step),
        Stdin::Inherited | Stdin::Stream(_) if step.argv.len() == 1 => Reading::not_mine(step),
        _ => Reading::opaque(Some(tool), step, "stdin", "runs code that is not seen"),
    }
}

fn script(tool: &'static Tool, step: &Step, at: usize, world: &World<'_>) -> Reading {
    let rest = step.argv.get(at..).unwrap_or(&[]);
    let step = step
        .with_argv(rest.to_vec())
        .through("python")
        .run_by(step, at);
    let name = step.program().to_owned();
    if name == "manage.py" {
        return Reading::steps(vec![step]);
    }
    let known = ["django-admin", "django-admin.py", "alembic", "flask"];
    if known.contains(&name.as_str()) {
        return Reading::steps(vec![step]);
    }
    let text = world.files.read_text(&step.path(step.program_path()));
    let text = text.unwrap_or_default();
    if text.contains("execute_from_command_line")
        && let Some(django) = crate::command::catalogue::tool("django")
    {
        return super::django::read(django, &step, world);
    }
    if text.contains("django.setup(") {
        let why = "a script that sets Django up can do anything";
        return Reading::opaque(Some(tool), &step, "script", why);
    }
    super::script::read(tool, &step, world, step.program_path())
        .unwrap_or_else(|| Reading::not_mine(&step))
}

/// `tox`, `nox`: they run what their own files say.
pub(super) fn opaque(tool: &'static Tool, step: &Step) -> Reading {
    let divider = step.argv.iter().position(|w| w.text == "--");
    if let (Some("exec"), Some(at)) = (step.words().next(), divider)
        && let Some(argv) = step.argv.get(at + 1..).filter(|argv| !argv.is_empty())
    {
        return Reading::steps(vec![step.with_argv(argv.to_vec()).through(tool.name)]);
    }
    let mut reading = Reading::not_mine(step);
    if let Some(command) = &mut reading.command {
        command.notes.push(format!(
            "what {} runs stands in its own configuration",
            tool.name
        ));
    }
    reading
}

/// `uv run CMD` and its like: the command, in the environment that the launcher makes.
pub(super) fn launcher(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let program = step.program().to_owned();
    let Some(words) = tail_after_options(&step.argv, tool.value_options, 0) else {
        return Reading::not_mine(step);
    };
    let before = step.argv.len() - words.len();
    let verb = words.first().map_or("", |w| w.text.as_str());
    let outer = Args::parse(step.argv.get(..before).unwrap_or(&[]), tool.value_options);
    let inner_argv: Vec<Word> = words.clone();
    match (program.as_str(), verb) {
        (_, "run") => {}
        ("hatch", "env") => return Reading::not_mine(step),
        _ => return Reading::not_mine(step),
    }
    let Some(tail) = tail_after_options(&inner_argv, tool.value_options, 0) else {
        return Reading::not_mine(step);
    };
    let used = inner_argv.len() - tail.len();
    let inner = Args::parse(inner_argv.get(..used).unwrap_or(&[]), tool.value_options);
    let mut next = step.with_argv(tail).through(program.as_str());
    for (args, names) in [
        (&outer, ["-C", "--directory"]),
        (&inner, ["-C", "--directory"]),
    ] {
        if let Some(dir) = args.value(&names).filter(|_| program != "honcho") {
            next.cwd = next.path(dir);
        }
    }
    match program.as_str() {
        "uv" => uv(&mut next, &inner, world),
        "pipenv" => pipenv(&mut next, world),
        "honcho" => honcho(&mut next, &outer, &inner, world),
        "poetry" | "pdm" | "rye" => env_file_option(&mut next, &inner, world),
        _ => {}
    }
    // `uv run x.py`, `coverage run x.py`: a file is run by the interpreter.
    let is_file = next.program_path().ends_with(".py") && next.program() != "manage.py";
    if is_file || (inner.has(&["-m", "--module"]) && ["uv", "coverage"].contains(&program.as_str()))
    {
        let mut argv = vec![Word::literal("python")];
        if inner.has(&["-m", "--module"]) {
            argv.push(Word::literal("-m"));
        }
        argv.extend(next.argv.iter().cloned());
        next = next.with_argv(argv);
    }
    Reading::steps(vec![next])
}

/// Reads an environment file into the step's variables; what cannot be read opens them.
fn take_file(
    step: &mut Step,
    dialect: &str,
    path: &str,
    over: bool,
    must: bool,
    world: &World<'_>,
) {
    let full = step.path(path);
    let shown = crate::files::shown(&full, &step.cwd);
    let text = match world.files.read_text(&full) {
        Ok(text) => text,
        Err(crate::files::FileError::Missing) => {
            if must {
                step.vars_open = Some(format!("the environment file {shown} is missing"));
            }
            return;
        }
        Err(e) => {
            step.vars_open = Some(format!("{shown}: {e}"));
            return;
        }
    };
    let Some(dialect) = dotenv::dialect(dialect) else {
        step.vars_open = Some(format!("{shown}: no reader for it"));
        return;
    };
    let before = step.vars.clone();
    let process = |name: &str| before.text(name).map(std::borrow::Cow::into_owned);
    match dotenv::read(dialect, &text, &process) {
        Err(e) => step.vars_open = Some(format!("{shown} {e}")),
        Ok(entries) => {
            for entry in entries {
                if !over && before.has(&entry.name) {
                    continue;
                }
                if let Some(why) = entry.unknown {
                    step.vars_open = Some(format!("{}: {why}", entry.name));
                }
                let source = Source::project_file(&shown, entry.line).with_note(&entry.name);
                if let Some(value) = entry.value {
                    step.vars.set(entry.name, value, source);
                }
            }
        }
    }
}

/// uv reads only the files it is told to; the process wins.
fn uv(step: &mut Step, options: &Args, world: &World<'_>) {
    let off = options.has(&["--no-env-file"]) || step.vars.filled("UV_NO_ENV_FILE").is_some();
    if off {
        return;
    }
    let mut files: Vec<String> = options
        .options
        .iter()
        .filter(|o| o.name == "--env-file")
        .filter_map(|o| o.value.clone())
        .collect();
    if files.is_empty()
        && let Some(named) = step.vars.filled("UV_ENV_FILE")
    {
        files = named.split_whitespace().map(str::to_owned).collect();
    }
    let process = step.vars.clone();
    for file in files {
        take_file(step, "dotenvy-0.15.7", &file, true, true, world);
    }
    for (name, var) in process.iter() {
        step.vars.set(name, &var.value, var.source.clone());
    }
}

/// pipenv reads `.env` beside the Pipfile; the file wins.
fn pipenv(step: &mut Step, world: &World<'_>) {
    if step.vars.filled("PIPENV_DONT_LOAD_ENV").is_some() {
        return;
    }
    let path = match step.vars.filled("PIPENV_DOTENV_LOCATION") {
        Some(path) => path.into_owned(),
        None => step
            .cwd
            .ancestors()
            .take(4)
            .find(|dir| world.files.is_file(&dir.join("Pipfile")))
            .unwrap_or(&step.cwd)
            .join(".env")
            .to_string_lossy()
            .into_owned(),
    };
    take_file(step, "python-dotenv-1.2.4", &path, true, false, world);
}

/// honcho reads `.env` or the list of `-e`; the file wins, and the last one of a list.
fn honcho(step: &mut Step, outer: &Args, inner: &Args, world: &World<'_>) {
    let named = inner
        .value(&["-e", "--env"])
        .or_else(|| outer.value(&["-e", "--env"]));
    if let Some(root) = outer.value(&["-d", "--app-root"]) {
        step.cwd = step.path(root);
    }
    let files = named.unwrap_or(".env").to_owned();
    for file in files.split(',') {
        let full = step.path(file);
        let shown = crate::files::shown(&full, &step.cwd);
        let text = match world.files.read_text(&full) {
            Ok(text) => text,
            Err(crate::files::FileError::Missing) => continue,
            Err(e) => {
                step.vars_open = Some(format!("{shown}: {e}"));
                continue;
            }
        };
        for (number, line) in (1..).zip(text.lines()) {
            match honcho_line(line) {
                Ok(Some((name, value))) => {
                    let source = Source::project_file(&shown, number).with_note(&name);
                    step.vars.set(name, value, source);
                }
                Ok(None) => {}
                Err(why) => step.vars_open = Some(format!("{shown}:{number}: {why}")),
            }
        }
    }
    // `honcho run` hands its words to a shell as one line.
    let line: Vec<&str> = step.argv.iter().map(|w| w.text.as_str()).collect();
    let special = |c: char| "$`;&|<>*?(){}[]~#!\"'\\".contains(c);
    if line.iter().any(|w| w.contains(special)) {
        let line = line.join(" ");
        step.argv = ["sh", "-c", &line].map(Word::literal).to_vec();
    }
}

/// A line of honcho's `.env`: split as `shlex` does without blanks being kept, `#` ends it.
fn honcho_line(line: &str) -> Result<Option<(String, String)>, &'static str> {
    let mut text = String::new();
    let mut quote: Option<char> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '#') => break,
            (None, '\'' | '"') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            (None, '\\') => text.extend(chars.next()),
            (Some('"'), '\\') => {
                let next = chars.next().ok_or("nothing after a backslash")?;
                if next != '"' && next != '\\' {
                    text.push('\\');
                }
                text.push(next);
            }
            (None, c) if c.is_ascii_whitespace() => {}
            _ => text.push(c),
        }
    }
    if quote.is_some() {
        return Err("no closing quotation");
    }
    let Some((name, value)) = text.split_once('=') else {
        return Ok(None);
    };
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !valid || value.is_empty() {
        return Ok(None);
    }
    let value = value.replace("\\n", "\n").replace("\\t", "\t");
    Ok(Some((name.to_owned(), value)))
}

/// pdm's `--env-file`: the process wins.
fn env_file_option(step: &mut Step, options: &Args, world: &World<'_>) {
    for file in options.options.iter().filter(|o| o.name == "--env-file") {
        if let Some(path) = &file.value {
            take_file(step, "python-dotenv-1.2.4", path, false, true, world);
        }
    }
}
