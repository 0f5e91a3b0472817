//! Shells: `sh -c TEXT`, `bash FILE`, text on standard input.

use crate::command::shell::{self, Dialect, Start};
use crate::command::{Command, Effect, Place, Reading, Stdin, Step, Stop, Tool, Word, World};
use crate::files::FileError;

/// What the words before the script say.
#[derive(Default)]
struct Options {
    /// `-c`.
    text: bool,
    /// `-l`, `--login`, a name starting with `-`.
    login: bool,
    /// `-i`.
    interactive: bool,
    /// `-s`.
    stdin: bool,
    /// `--noprofile`.
    no_profile: bool,
    /// `-n`: the script is only checked.
    check_only: bool,
    /// `--version`, `--help`.
    says: bool,
    /// Index of the first word that is no option.
    rest: usize,
}

/// Reads a shell's words.
pub(super) fn read(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let options = options(step);
    if options.check_only || options.says {
        let mut command = Command::new(Some(tool), step.clone());
        command.stops_early = Some(Stop::new("nothing-runs", "no script is run"));
        return Reading::command(command);
    }
    let dialect = Dialect::of(step.program());
    let rest = step.argv.get(options.rest..).unwrap_or(&[]);
    let mut inner = step.clone().through(step.program());
    let mut how = Start {
        before: startup_files(step, world, dialect, &options),
        ..Start::default()
    };
    if options.text {
        let Some(text) = rest.first() else {
            return rejected(tool, step, "`-c` needs a script");
        };
        if let Some(why) = &text.unknown {
            return Reading::opaque(Some(tool), step, "script", why.clone());
        }
        how.name = rest.get(1).map(|w| w.text.clone());
        how.params = rest.get(2..).unwrap_or(&[]).to_vec();
        return shell::start(&text.text, dialect, &inner, world, how);
    }
    let own = |w: &Word| options.stdin || matches!(w.text.as_str(), "/dev/stdin" | "/dev/fd/0");
    match rest.first().filter(|w| !own(w)) {
        Some(file) => {
            how.name = Some(file.text.clone());
            how.params = rest.get(1..).unwrap_or(&[]).to_vec();
            from_file(tool, step, world, dialect, file, how)
        }
        None => {
            how.params = rest.to_vec();
            let stdin = std::mem::replace(&mut inner.stdin, Stdin::Unknown("the script".into()));
            from_stdin(tool, step, world, dialect, (&inner, stdin, how))
        }
    }
}

fn options(step: &Step) -> Options {
    let mut found = Options {
        login: step.program_path().starts_with('-'),
        rest: 1,
        ..Options::default()
    };
    while let Some(word) = step.argv.get(found.rest) {
        let text = word.text.as_str();
        if text == "--" || text == "-" {
            found.rest += 1;
            break;
        }
        let Some(flags) = text.strip_prefix(['-', '+']) else {
            break;
        };
        found.rest += 1;
        if let Some(long) = flags.strip_prefix('-') {
            match long {
                "login" => found.login = true,
                "noprofile" => found.no_profile = true,
                "rcfile" | "init-file" => found.rest += 1,
                "version" | "help" => found.says = true,
                _ => {}
            }
            continue;
        }
        let on = text.starts_with('-');
        found.text |= on && flags.contains('c');
        found.login |= on && flags.contains('l');
        found.interactive |= on && flags.contains('i');
        found.stdin |= on && flags.contains('s');
        found.check_only |= on && flags.contains('n');
        found.rest += flags.chars().filter(|c| matches!(c, 'o' | 'O')).count();
    }
    found
}

fn rejected(tool: &'static Tool, step: &Step, why: &str) -> Reading {
    let mut command = Command::new(Some(tool), step.clone());
    command.stops_early = Some(Stop::new("argv-rejected", why));
    Reading::command(command)
}

/// Files that the shell reads before the script: they can set variables again.
fn startup_files(
    step: &Step,
    world: &World<'_>,
    dialect: Dialect,
    options: &Options,
) -> Vec<(String, String)> {
    if step.place != Place::Here {
        return Vec::new();
    }
    let mut paths: Vec<String> = Vec::new();
    let home = step.vars.filled("HOME").map(|h| h.into_owned());
    let at_home = |name: &str| home.as_ref().map(|h| format!("{h}/{name}"));
    let exists = |path: &String| world.files.is_file(std::path::Path::new(path));
    let login = options.login && !options.no_profile;
    match dialect {
        Dialect::Zsh => {
            paths.push("/etc/zsh/zshenv".to_owned());
            paths.extend(at_home(".zshenv"));
            if login {
                paths.push("/etc/zsh/zprofile".to_owned());
                paths.extend(at_home(".zprofile"));
            }
            if options.interactive {
                paths.extend(at_home(".zshrc"));
            }
        }
        _ if login => {
            paths.push("/etc/profile".to_owned());
            let names: &[&str] = if dialect == Dialect::Bash {
                &[".bash_profile", ".bash_login", ".profile"]
            } else {
                &[".profile"]
            };
            paths.extend(names.iter().filter_map(|n| at_home(n)).find(&exists));
        }
        Dialect::Bash if options.interactive => paths.extend(at_home(".bashrc")),
        Dialect::Bash if step.program() == "bash" => {
            paths.extend(step.vars.filled("BASH_ENV").map(|p| p.into_owned()));
        }
        _ => {}
    }
    if dialect == Dialect::Posix && options.interactive {
        paths.extend(step.vars.filled("ENV").map(|p| p.into_owned()));
    }
    paths
        .iter()
        .filter_map(|path| {
            let full = step.path(path);
            let text = world.files.read_text(&full).ok()?;
            Some((path.clone(), text))
        })
        .collect()
}

fn from_file(
    tool: &'static Tool,
    step: &Step,
    world: &World<'_>,
    dialect: Dialect,
    file: &Word,
    mut how: Start,
) -> Reading {
    let opaque = |why: String| Reading::opaque(Some(tool), step, "script", why);
    if let Some(why) = &file.unknown {
        return opaque(format!("`{}`: {why}", file.text));
    }
    if step.place != Place::Here {
        return opaque(format!("`{}` stands where it cannot be read", file.text));
    }
    if let Some(why) = &step.cwd_unknown
        && !file.text.starts_with('/')
    {
        return opaque(format!("`{}`: {why}", file.text));
    }
    let path = step.path(&file.text);
    match world.files.read_text(&path) {
        Ok(text) => {
            how.file = Some(crate::files::shown(&path, &step.cwd));
            let inner = step.clone().through(step.program());
            shell::start(&text, dialect, &inner, world, how)
        }
        Err(FileError::Missing) => rejected(tool, step, "there is no such script"),
        Err(e) => opaque(format!("`{}` cannot be read: {e}", file.text)),
    }
}

fn from_stdin(
    tool: &'static Tool,
    step: &Step,
    world: &World<'_>,
    dialect: Dialect,
    (inner, stdin, how): (&Step, Stdin, Start),
) -> Reading {
    match stdin {
        Stdin::Text(text, _) => shell::start(&text, dialect, inner, world, how),
        Stdin::Null => Reading::command(Command::new(Some(tool), step.clone())),
        Stdin::File(path) => match world.files.read_text(&path) {
            Ok(text) => shell::start(&text, dialect, inner, world, how),
            Err(e) => {
                let why = format!("`{}` cannot be read: {e}", path.display());
                Reading::opaque(Some(tool), step, "script", why)
            }
        },
        Stdin::Inherited | Stdin::Stream(_) | Stdin::Terminal => {
            Reading::opaque(Some(tool), step, "console", "a shell session")
        }
        Stdin::Unknown(why) => {
            let why = format!("a script that cannot be read beforehand: {why}");
            Reading::opaque(Some(tool), step, "script", why)
        }
    }
}

/// Shells of another language (fish, PowerShell): what they run cannot be read here. Text that
/// is one plain command in every shell is followed.
pub(super) fn foreign(tool: &'static Tool, step: &Step) -> Reading {
    let at = step.argv.iter().position(|w| {
        matches!(
            w.text.as_str(),
            "-c" | "--command" | "-Command" | "/c" | "/C"
        )
    });
    let text = at.and_then(|at| step.argv.get(at + 1));
    match text {
        Some(text) if text.unknown.is_none() && plain(&text.text) => {
            let inner = super::script_step(step, "sh", text.clone());
            Reading::steps(vec![inner.through(tool.name)])
        }
        Some(_) => Reading::opaque(Some(tool), step, "script", "a script of another language"),
        None if step.argv.iter().any(|w| w.text == "--version") => {
            Reading::command(Command::new(Some(tool), step.clone()))
        }
        None => Reading::opaque(Some(tool), step, "script", "a script of another language"),
    }
}

/// Letters, digits and signs that mean the same everywhere.
fn plain(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_alphanumeric() || " -_=./:,@+".contains(c))
}

/// `at`, `batch`, `crontab -`: the script on standard input runs later.
pub(super) fn scheduled(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let names_file = step.words().any(|w| w == "-f");
    let lists = step
        .words()
        .any(|w| matches!(w, "-l" | "-r" | "-d" | "-c" | "-e"));
    let crontab = step.program() == "crontab";
    let file = if crontab {
        step.argv.get(1).filter(|w| !w.text.starts_with('-'))
    } else {
        let at = step.argv.iter().position(|w| w.text == "-f");
        at.filter(|_| names_file)
            .and_then(|at| step.argv.get(at + 1))
    };
    let mut inner = step.clone().through(tool.name);
    if let Some(file) = file {
        inner.stdin = Stdin::File(step.path(&file.text));
    } else if lists {
        return Reading::command(Command::new(Some(tool), step.clone()));
    }
    let text = match &inner.stdin {
        Stdin::Text(text, _) => Some(text.clone()),
        Stdin::File(path) => world.files.read_text(path).ok(),
        Stdin::Null => Some(String::new()),
        Stdin::Inherited | Stdin::Stream(_) | Stdin::Terminal | Stdin::Unknown(_) => None,
    };
    let Some(text) = text else {
        let why = "runs a script later that cannot be read beforehand";
        return Reading::opaque(Some(tool), step, "script", why);
    };
    let text = if crontab { cron_commands(&text) } else { text };
    inner.stdin = Stdin::Null;
    let mut reading = shell::steps(&text, Dialect::Posix, &inner, world);
    if let Some(command) = &mut reading.command {
        command.actions.retain(|a| a.effect != Effect::None);
    }
    reading
}

/// The command part of each line of a crontab.
fn cron_commands(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let line = line.trim_start();
        let fields = if line.starts_with('@') { 1 } else { 5 };
        let starts = line.starts_with(|c: char| c.is_ascii_digit() || "*@".contains(c));
        if !starts {
            continue;
        }
        let mut rest = line;
        for _ in 0..fields {
            rest = rest
                .trim_start()
                .split_once([' ', '\t'])
                .map_or("", |(_, rest)| rest);
        }
        out.push_str(rest.split('%').next().unwrap_or(rest));
        out.push('\n');
    }
    out
}
