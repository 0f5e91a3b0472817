//! How the clients of MySQL and MariaDB pick their server: option files, groups, variables,
//! options, and when `localhost` means the socket (MariaDB 10.11 was asked).

use std::path::{Path, PathBuf};

use super::{Address, Engine, Gap, Resolution, Target};
use crate::command::tools::getopt::{self, Style};
use crate::command::{Args, Command, Place, Step, Stop, Tool, Word, World};
use crate::source::{Source, SourceKind, Sourced};

/// One option as the program gets it, from a file or the command line, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its long name with dashes (`--host`).
    pub name: String,
    /// Its value.
    pub value: Option<String>,
    /// Why it cannot be known.
    pub unknown: Option<String>,
    /// Where it stands.
    pub source: Source,
    /// Whether it stands on the command line.
    pub typed: bool,
}

/// What a program gets: options of files first, then those of the command line, and operands.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// All options; of equal ones the last wins.
    pub given: Vec<Given>,
    /// Operands.
    pub args: Args,
    /// What could not be read.
    pub trouble: Option<String>,
}

impl Options {
    /// The last of that name, noting those that it beat.
    pub fn last(&self, name: &str) -> Option<Sourced<String>> {
        let mut all = self.given.iter().rev().filter(|g| g.name == name);
        let first = all.next()?;
        let value = first.value.clone().unwrap_or_default();
        let sourced = Sourced::new(value, first.source.clone());
        Some(all.fold(sourced, |s, g| s.beating(g.source.clone())))
    }

    /// Whether an option of that name is given and not switched off.
    pub fn has(&self, name: &str) -> bool {
        self.given.iter().any(|g| g.name == name)
    }
}

/// Collects the options of a step.
///
/// # Errors
/// What makes the program stop before it connects.
pub fn options(tool: &Tool, step: &Step, world: &World<'_>) -> Result<Options, Stop> {
    let (first, used) = defaults_options(&step.argv);
    if first.print {
        return Err(Stop::new("nothing-runs", "only the options are printed"));
    }
    let mut argv: Vec<Word> = step.argv.iter().take(1).cloned().collect();
    argv.extend(step.argv.iter().skip(1 + used).cloned());
    if let Some(word) = argv
        .iter()
        .skip(1)
        .take_while(|w| w.text != "--")
        .find(|w| w.text.starts_with("--defaults-") && !w.text.starts_with("--defaults-auth"))
    {
        let what = format!(
            "`{}` must stand first",
            word.text.split('=').next().unwrap_or("")
        );
        return Err(Stop::new("argv-rejected", what));
    }
    let mut found = Options::default();
    // Elsewhere there are other files: the target is unresolved there.
    let here = step.place == Place::Here;
    if !first.none && here {
        let groups = groups(tool, &first, step);
        for (path, kind, needed) in files(&first, step, world) {
            if needed && !world.files.is_file(&path) {
                let what = format!("defaults file {} cannot be opened", path.display());
                return Err(Stop::new("option-file-missing", what));
            }
            let reader = OptionFiles {
                kind,
                groups: &groups,
                tool,
                step,
                world,
            };
            reader.read(&path, 0, &mut found);
        }
    }
    if here && let Some(path) = login_file(&argv, step, world) {
        found
            .trouble
            .get_or_insert(format!("{} is encrypted", path.display()));
    }
    let parsed = getopt::parse_words(tool.data("options"), &argv, Style::Mysql);
    found.trouble = found.trouble.or(parsed.trouble);
    found
        .given
        .extend(parsed.args.options.iter().map(|o| Given {
            name: o.name.clone(),
            value: o.value.clone(),
            unknown: o.unknown.clone(),
            source: Source::argument(&format!("option {}", o.name)),
            typed: true,
        }));
    found.args = parsed.args;
    Ok(found)
}

/// MySQL's own clients (not MariaDB's) read an encrypted file of logins last, whatever else is said.
fn login_file(argv: &[Word], step: &Step, world: &World<'_>) -> Option<PathBuf> {
    if argv.iter().any(|w| w.text == "--no-login-paths") || make(step, world) == Make::Mariadb {
        return None;
    }
    let path = match step.vars.filled("MYSQL_TEST_LOGIN_FILE") {
        Some(path) => step.path(path.as_ref()),
        None => crate::target::libpq::home(&step.vars, world)?.join(".mylogin.cnf"),
    };
    world.files.exists(&path).then_some(path)
}

/// The options about option files, which only count in front.
#[derive(Debug, Default)]
struct First {
    file: Option<String>,
    extra: Option<String>,
    suffix: Option<String>,
    none: bool,
    print: bool,
}

fn defaults_options(argv: &[Word]) -> (First, usize) {
    let mut first = First::default();
    let mut used = 0;
    for word in argv.iter().skip(1) {
        let text = word.text.as_str();
        if let Some(value) = text.strip_prefix("--defaults-file=") {
            first.file = Some(value.to_owned());
        } else if let Some(value) = text.strip_prefix("--defaults-extra-file=") {
            first.extra = Some(value.to_owned());
        } else if let Some(value) = text.strip_prefix("--defaults-group-suffix=") {
            first.suffix = Some(value.to_owned());
        } else if text == "--no-defaults" {
            first.none = true;
        } else if text == "--print-defaults" {
            first.print = true;
        } else {
            break;
        }
        used += 1;
    }
    (first, used)
}

fn groups(tool: &Tool, first: &First, step: &Step) -> Vec<String> {
    let suffix = first
        .suffix
        .clone()
        .or_else(|| step.vars.text("MYSQL_GROUP_SUFFIX").map(|s| s.into_owned()))
        .unwrap_or_default();
    let own = tool.data("groups").iter().copied();
    let all: Vec<&str> = own
        .chain(["client", "client-server", "client-mariadb"])
        .collect();
    let mut groups: Vec<String> = all.iter().map(|g| (*g).to_owned()).collect();
    if !suffix.is_empty() {
        groups.extend(all.iter().map(|g| format!("{g}{suffix}")));
    }
    groups
}

/// The option files in the order in which they are read, and whether each must be there.
fn files(first: &First, step: &Step, world: &World<'_>) -> Vec<(PathBuf, SourceKind, bool)> {
    let kind_of = |path: &Path| {
        if path.starts_with(&step.cwd) {
            SourceKind::ProjectFile
        } else {
            SourceKind::UserFile
        }
    };
    let home = crate::target::libpq::home(&step.vars, world);
    let expand = |text: &str| match (text.strip_prefix("~/"), &home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => step.path(text),
    };
    if let Some(file) = &first.file {
        let path = expand(file);
        let kind = kind_of(&path);
        return vec![(path, kind, true)];
    }
    let mut files = vec![
        (PathBuf::from("/etc/my.cnf"), SourceKind::SystemFile, false),
        (
            PathBuf::from("/etc/mysql/my.cnf"),
            SourceKind::SystemFile,
            false,
        ),
    ];
    for name in ["MARIADB_HOME", "MYSQL_HOME"] {
        if let Some(dir) = step.vars.filled(name) {
            let path = step.path(dir.as_ref()).join("my.cnf");
            files.push((path, SourceKind::UserFile, false));
            break;
        }
    }
    if let Some(extra) = &first.extra {
        let path = expand(extra);
        let kind = kind_of(&path);
        files.push((path, kind, true));
    }
    if let Some(home) = &home {
        files.push((home.join(".my.cnf"), SourceKind::UserFile, false));
    }
    files
}

/// How deep option files may include option files (as in the client itself).
const MAX_DEPTH: usize = 10;

/// Where a client takes options from.
struct OptionFiles<'a> {
    kind: SourceKind,
    groups: &'a [String],
    tool: &'a Tool,
    step: &'a Step,
    world: &'a World<'a>,
}

impl OptionFiles<'_> {
    /// A file or folder to be included: from the client's own directory on, wherever the file is
    /// that names it.
    fn named(&self, path: &str, out: &mut Options) -> PathBuf {
        if let Some(why) = &self.step.cwd_unknown
            && !path.starts_with('/')
        {
            out.trouble
                .get_or_insert(format!("`!include {path}`: {why}"));
        }
        self.step.path(path)
    }

    fn read(&self, path: &Path, depth: usize, out: &mut Options) {
        if depth > MAX_DEPTH || !self.world.files.exists(path) {
            return;
        }
        let text = match self.world.files.read_text(path) {
            Ok(text) => text,
            Err(e) => {
                out.trouble
                    .get_or_insert(format!("{}: {e}", path.display()));
                return;
            }
        };
        let mut inside = false;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(rest) = line.strip_prefix("!includedir") {
                let folder = self.named(rest.trim(), out);
                for name in self.world.files.list(&folder) {
                    if name.ends_with(".cnf") {
                        let path = folder.join(name);
                        self.read(&path, depth + 1, out);
                    }
                }
                continue;
            }
            if let Some(rest) = line.strip_prefix("!include") {
                let path = self.named(rest.trim(), out);
                self.read(&path, depth + 1, out);
                continue;
            }
            let line = without_comment(line);
            if let Some(rest) = line.strip_prefix('[') {
                let name = rest.split(']').next().unwrap_or("").trim_end();
                inside = self.groups.iter().any(|g| g == name);
                continue;
            }
            if !inside {
                continue;
            }
            let word = match line.split_once('=') {
                Some((key, value)) => format!("--{}={}", key.trim(), file_value(value.trim())),
                None => format!("--{line}"),
            };
            let place = format!("{}:{}", path.display(), number + 1);
            let argv = [Word::literal(""), Word::literal(word)];
            let parsed = getopt::parse_words(self.tool.data("options"), &argv, Style::Mysql);
            if parsed.trouble.is_some() {
                // What stands there may be a password in the wrong place.
                let why = format!("{place}: an option that is not known here");
                out.trouble.get_or_insert(why);
            }
            out.given
                .extend(parsed.args.options.into_iter().map(|o| Given {
                    source: Source::new(self.kind, place.clone()),
                    name: o.name,
                    value: o.value,
                    unknown: None,
                    typed: false,
                }));
        }
    }
}

/// A `#` outside quotes ends the line.
fn without_comment(line: &str) -> &str {
    let (mut quote, mut escaped) = (None, false);
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') => return line[..at].trim_end(),
            (None, '\'' | '"') => quote = Some(c),
            (Some(q), c) if q == c && !escaped => quote = None,
            _ => {}
        }
        escaped = quote.is_some() && c == '\\' && !escaped;
    }
    line
}

fn file_value(value: &str) -> String {
    let inner = |q: char| {
        value
            .strip_prefix(q)
            .and_then(|v| v.strip_suffix(q))
            .filter(|_| value.len() > 1)
    };
    let value = inner('\'').or_else(|| inner('"')).unwrap_or(value);
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('b') => out.push('\u{8}'),
            Some('s') => out.push(' '),
            Some(other @ ('\\' | '"' | '\'')) => out.push(other),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

/// Which of the two clients a program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Make {
    Mariadb,
    Either,
}

fn make(step: &Step, world: &World<'_>) -> Make {
    let name = step.program();
    if name.starts_with("mariadb") {
        return Make::Mariadb;
    }
    let path = step.vars.text("PATH").unwrap_or_default();
    let candidates: Vec<PathBuf> = if step.program_path().contains('/') {
        vec![step.path(step.program_path())]
    } else {
        path.split(':').map(|d| step.path(d).join(name)).collect()
    };
    let real = candidates.iter().find_map(|p| world.files.real_path(p));
    let mariadb = real
        .and_then(|p| {
            p.file_name()
                .map(|n| n.to_string_lossy().starts_with("mariadb"))
        })
        .unwrap_or(false);
    if mariadb { Make::Mariadb } else { Make::Either }
}

/// Where the options lead to: one address, or two where the two clients differ.
///
/// # Errors
/// What makes the program stop before it connects.
pub fn addresses(
    options: &Options,
    command: &Command,
    world: &World<'_>,
) -> Result<Vec<Address>, Stop> {
    let step = &command.step;
    let variable = |name: &str| {
        step.vars.get(name).map(|v| {
            Sourced::new(
                v.value.to_string_lossy().into_owned(),
                v.source.with_note(name),
            )
        })
    };
    let default = |text: &str| Sourced::new(text.to_owned(), Source::default_of("mysql client"));
    let filled = |s: &Sourced<String>| !s.value.is_empty();
    // Only the interactive client asks MYSQL_HOST.
    let interactive = command.tool.is_some_and(|t| t.name == "mysql");
    let host = options
        .last("--host")
        .or_else(|| interactive.then(|| variable("MYSQL_HOST")).flatten())
        .filter(filled)
        .unwrap_or_else(|| default("localhost"));
    let port = options
        .last("--port")
        .filter(|p| filled(p) && p.value != "0")
        .or_else(|| variable("MYSQL_TCP_PORT").filter(filled))
        .unwrap_or_else(|| default("3306"));
    let socket = options
        .last("--socket")
        .filter(filled)
        .or_else(|| variable("MYSQL_UNIX_PORT").filter(filled))
        .unwrap_or_else(|| default(""));
    let number = port
        .value
        .trim()
        .parse::<u16>()
        .map_err(|_| Stop::new("connection-invalid", "the port is no number"))?;
    let tcp = || Address::Host {
        host: host.clone(),
        port: Some(port.clone().map(|_| number)),
        hostaddr: None,
    };
    let local = || Address::Socket {
        path: socket.clone(),
        port: None,
    };
    if host.value != "localhost" {
        return Ok(vec![tcp()]);
    }
    // The last of these decides; a port or socket counts only where it is typed.
    let choice = |switching: bool| {
        options
            .given
            .iter()
            .rev()
            .find_map(|g| match g.name.as_str() {
                "--protocol" => {
                    let value = g.value.as_deref().unwrap_or("").to_ascii_lowercase();
                    Some(!value.is_empty() && "tcp".starts_with(&value))
                }
                "--port" if g.typed && switching => Some(true),
                "--socket" if g.typed && switching => Some(false),
                _ => None,
            })
            .unwrap_or(false)
    };
    let address = |network: bool| if network { tcp() } else { local() };
    let new = choice(true);
    let old = choice(false);
    Ok(match make(step, world) {
        Make::Either if new != old => vec![address(new), address(old)],
        _ => vec![address(new)],
    })
}

/// Targets for these database names (`None`: none is chosen).
pub fn targets(
    addresses: &[Address],
    names: &[Option<Sourced<String>>],
    user: Option<Sourced<String>>,
) -> Vec<Target> {
    addresses
        .iter()
        .flat_map(|address| {
            let user = user.clone();
            names.iter().map(move |name| {
                Target::new(Engine::Mysql, address.clone())
                    .database(name.clone())
                    .user(user.clone())
            })
        })
        .collect()
}

/// A gap for what could not be read.
pub fn gap(why: &str) -> Resolution {
    Resolution {
        gaps: vec![Gap::new("target", why.to_owned())],
        ..Resolution::default()
    }
}
