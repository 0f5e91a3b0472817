//! What commands print, where that stands in the script or in a file: `echo`, `printf`, `cat`.

use super::ast::{Command, List, Node, Redirection};
use super::run::Run;
use crate::command::{Args, Stdin, Word};
use crate::source::Source;

/// How the reason begins why a list of files is not known; behind it stands where they lie.
pub(crate) const FOUND: &str = "the files at ";

impl Run<'_> {
    /// Standard input of what stands behind `|`.
    pub(super) fn piped_output(&mut self, command: &Command) -> Stdin {
        let printed = self.quietly(|run| run.command_output(command));
        match printed {
            Ok(text) => Stdin::Text(text, Source::argument("text piped in by the shell line")),
            Err(why) => Stdin::Unknown(why),
        }
    }

    pub(super) fn list_output(&mut self, list: &List) -> Result<String, String> {
        let mut text = String::new();
        for item in &list.items {
            let [only] = item.first.commands.as_slice() else {
                return self.pipe_output(&item.first.commands);
            };
            if !item.rest.is_empty() || item.background {
                return Err("the output of several commands".to_owned());
            }
            text.push_str(&self.command_output(only)?);
        }
        Ok(text)
    }

    fn pipe_output(&mut self, commands: &[Command]) -> Result<String, String> {
        let mut text = Err("the output of a pipe".to_owned());
        for command in commands {
            text = self.command_output(command);
            self.state.stdin = match &text {
                Ok(text) => Stdin::Text(text.clone(), Source::argument("pipe")),
                Err(why) => Stdin::Unknown(why.clone()),
            };
        }
        text
    }

    fn command_output(&mut self, command: &Command) -> Result<String, String> {
        match &command.node {
            Node::Group(list) | Node::Subshell(list) if command.redirects.is_empty() => {
                self.list_output(list)
            }
            Node::Simple { assigns, words } => {
                let mut argv = Vec::new();
                for word in words {
                    argv.extend(self.expand(word));
                }
                if let Some(word) = argv.iter().find(|w| w.unknown.is_some()) {
                    return Err(format!("the output of a command with `{}`", word.text));
                }
                let outward = command.redirects.iter().any(|r| {
                    !matches!(
                        r.what,
                        Redirection::Read(_)
                            | Redirection::Here(_)
                            | Redirection::HereString(_)
                            | Redirection::CopyIn(_)
                    ) && r.fd.as_deref() != Some("2")
                });
                if outward {
                    return Err("its output goes elsewhere".to_owned());
                }
                if argv.is_empty() {
                    // `$(< file)` reads the file; an assignment prints nothing.
                    return if assigns.is_empty() {
                        self.with_input(command, |run| run.stdin_text())
                    } else {
                        for assign in assigns {
                            self.assign(assign);
                        }
                        Ok(String::new())
                    };
                }
                self.with_input(command, |run| run.program_output(&argv))
            }
            Node::Function(..) => Ok(String::new()),
            _ => Err("the output of a compound command".to_owned()),
        }
    }

    fn with_input<T>(&mut self, command: &Command, act: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.state.stdin.clone();
        self.state.stdin = self.redirected(&command.redirects);
        let result = act(self);
        self.state.stdin = outer;
        result
    }

    fn program_output(&mut self, argv: &[Word]) -> Result<String, String> {
        let name = argv.first().map_or("", |w| w.text.as_str());
        if let Some(body) = self.state.functions.get(name).cloned() {
            if self.calls > 8 {
                return Err("functions call each other".to_owned());
            }
            self.calls += 1;
            let params = self.state.params.clone();
            self.state.params = Some(std::rc::Rc::new(argv.get(1..).unwrap_or(&[]).to_vec()));
            let text = self.command_output(&body);
            self.state.params = params;
            self.calls -= 1;
            return text;
        }
        let words: Vec<&str> = argv.iter().skip(1).map(|w| w.text.as_str()).collect();
        match name.rsplit('/').next().unwrap_or(name) {
            "echo" => Ok(echo(&words, self.dialect_has_braces())),
            "printf" => printf(&words).ok_or_else(|| "the output of `printf`".to_owned()),
            "cat" | "tee" if words.is_empty() => self.stdin_text(),
            "tee" => self.stdin_text(),
            "cat" => self.files_text(&words),
            "true" | ":" | "cd" | "export" | "set" => Ok(String::new()),
            "pwd" if self.state.cwd_unknown.is_none() => {
                Ok(format!("{}\n", self.state.cwd.display()))
            }
            "basename" if words.len() == 1 => Ok(last_part(&words)),
            "dirname" if words.len() == 1 => Ok(all_but_last_part(&words)),
            "command" | "builtin" | "env" if !words.is_empty() => {
                let rest = argv.get(1..).unwrap_or(&[]);
                self.program_output(rest)
            }
            "mysqldump" | "mariadb-dump" => mysql_dump(argv),
            "pg_dump" => pg_dump(argv),
            "pgrep" | "pidof" => Err(format!("{FOUND}{}", words.last().unwrap_or(&""))),
            "ls" if words.last().is_some_and(|w| w.contains('*')) => {
                Err(format!("{FOUND}{}", words.last().unwrap_or(&"")))
            }
            "find" | "fd" | "ls" => {
                let found = crate::command::unwrap::found_text(argv, "{}");
                Err(format!("{FOUND}{found}"))
            }
            other => Err(format!("the output of `{other}`")),
        }
    }

    fn files_text(&mut self, words: &[&str]) -> Result<String, String> {
        let mut text = String::new();
        for word in words {
            if *word == "-" {
                text.push_str(&self.stdin_text()?);
                continue;
            }
            if word.starts_with('-') {
                return Err("the output of `cat` with options".to_owned());
            }
            if let Some(why) = &self.state.cwd_unknown {
                return Err(why.clone());
            }
            let path = crate::files::lexical(&self.state.cwd.join(word));
            if self.written.contains(&path) {
                return Err(format!("`{word}` is written by the same script"));
            }
            let more = self.world.files.read_text(&path);
            text.push_str(&more.map_err(|e| format!("`{word}` cannot be read: {e}"))?);
        }
        Ok(text)
    }
}

fn last_part(words: &[&str]) -> String {
    let path = words.first().copied().unwrap_or("").trim_end_matches('/');
    format!("{}\n", path.rsplit('/').next().unwrap_or(path))
}

fn all_but_last_part(words: &[&str]) -> String {
    let path = words.first().copied().unwrap_or("").trim_end_matches('/');
    let dir = path.rsplit_once('/').map_or(".", |(dir, _)| dir);
    format!("{}\n", if dir.is_empty() { "/" } else { dir })
}

/// `echo` prints its words. Whether it knows backslashes depends on the shell; only text without
/// any is certain, so escapes are taken as line ends and the like where a reader would split.
fn echo(words: &[&str], bash: bool) -> String {
    let mut words = words;
    let mut end = "\n";
    let mut escapes = !bash;
    while let Some((first, rest)) = words.split_first() {
        let flags = first.strip_prefix('-').unwrap_or("");
        if flags.is_empty() || !flags.bytes().all(|b| b"neE".contains(&b)) {
            break;
        }
        if flags.contains('n') {
            end = "";
        }
        escapes |= flags.contains('e');
        words = rest;
    }
    let text = words.join(" ");
    let text = if escapes { unescape(&text) } else { text };
    text + end
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('\\') => out.push('\\'),
            Some('c') => return out,
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
    out
}

/// `printf` with `%s` and `%d`; anything richer is not followed.
fn printf(words: &[&str]) -> Option<String> {
    let words = match words {
        ["--", rest @ ..] => rest,
        other => other,
    };
    let (format, values) = words.split_first()?;
    let mut out = String::new();
    let mut values = values.iter();
    for _ in 0..=words.len() {
        let before = values.len();
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            match c {
                '%' => match chars.next()? {
                    's' | 'd' | 'i' | 'u' => out.push_str(values.next().copied().unwrap_or("")),
                    'b' => out.push_str(&unescape(values.next().copied().unwrap_or(""))),
                    '%' => out.push('%'),
                    _ => return None,
                },
                '\\' => match chars.next()? {
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    'r' => out.push('\r'),
                    '\\' => out.push('\\'),
                    '"' => out.push('"'),
                    '\'' => out.push('\''),
                    _ => return None,
                },
                other => out.push(other),
            }
        }
        if values.len() == 0 {
            return Some(out);
        }
        if values.len() == before {
            return Some(out);
        }
    }
    None
}

/// What the output of a dump would do to the database it is fed to, as SQL: the statements a
/// dump is known to hold by its options.
fn mysql_dump(argv: &[Word]) -> Result<String, String> {
    let args = Args::parse(
        argv,
        &[
            "-h",
            "--host",
            "-P",
            "--port",
            "-u",
            "--user",
            "-S",
            "--socket",
            "-w",
            "--where",
            "-r",
            "--result-file",
            "--protocol",
            "--defaults-file",
            "--defaults-extra-file",
            "--defaults-group-suffix",
            "--ignore-table",
            "--default-character-set",
        ],
    );
    let mut text = String::new();
    if args.has(&["-A", "--all-databases"]) || args.has(&["-r", "--result-file", "-T", "--tab"]) {
        return Err("a dump whose databases are not known".to_owned());
    }
    if args.has(&["-B", "--databases"]) {
        for name in args.operand_texts() {
            let name = name.replace('`', "``");
            text.push_str(&format!(
                "CREATE DATABASE IF NOT EXISTS `{name}`;\nUSE `{name}`;\n"
            ));
            text.push_str("DROP TABLE IF EXISTS `dumped_tables`;\n");
        }
        return Ok(text);
    }
    Ok("DROP TABLE IF EXISTS `dumped_tables`;\n".to_owned())
}

fn pg_dump(argv: &[Word]) -> Result<String, String> {
    let args = Args::parse(
        argv,
        &[
            "-d",
            "--dbname",
            "-f",
            "--file",
            "-F",
            "--format",
            "-h",
            "--host",
            "-p",
            "--port",
            "-U",
            "--username",
            "-n",
            "-N",
            "-t",
            "-T",
            "-E",
            "-S",
            "-Z",
            "-j",
            "--role",
        ],
    );
    if args.has(&["-C", "--create", "-f", "--file"]) {
        return Err("a dump whose database is not known".to_owned());
    }
    if args.has(&["-c", "--clean"]) {
        return Ok("DROP TABLE IF EXISTS dumped_tables;\n".to_owned());
    }
    // Without -C it stays in the database that it is fed to; what the functions in it do is not known.
    Ok("CREATE TABLE dumped_tables ();\nDO 'dumped functions';\n".to_owned())
}
