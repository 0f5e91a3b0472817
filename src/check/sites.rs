//! Places in code that start programs: calls whose first words stand there as literals.

use std::path::PathBuf;

use super::finding::distinct;
use super::judge::INTERPRETERS;
use super::kind::Kind;
use super::script::Text;
use super::{Finding, Place};
use crate::command::shell::{Dialect, parse};
use crate::command::{Caller, Effect, Step, Word, World, understand};
use crate::environment::Vars;
use crate::files::Disk;

/// A call that starts a program, up to its opening bracket (or the blank that may stand for it).
struct Api {
    /// The text to look for.
    name: &'static str,
    /// A single string is a line for a shell.
    shell: bool,
}

const fn api(name: &'static str, shell: bool) -> Api {
    Api { name, shell }
}

const PHP: &[Api] = &[
    api("shell_exec(", true),
    api("exec(", true),
    api("system(", true),
    api("passthru(", true),
    api("proc_open(", true),
    api("popen(", true),
    api("new Process(", false),
    api("Process::fromShellCommandline(", true),
    api("Process::run(", true),
    api("Process::start(", true),
];
const RUBY: &[Api] = &[
    api("system(", true),
    api("system ", true),
    api("exec(", true),
    api("exec ", true),
    api("spawn(", true),
    api("popen(", true),
    api("popen2(", true),
    api("popen2e(", true),
    api("popen3(", true),
    api("capture2(", true),
    api("capture2e(", true),
    api("capture3(", true),
    api("pipeline(", true),
    api("sh ", true),
    api("sh(", true),
    api("%x(", true),
    api("%x{", true),
    api("%x[", true),
];
const PYTHON: &[Api] = &[
    api("subprocess.run(", true),
    api("subprocess.call(", true),
    api("subprocess.check_call(", true),
    api("subprocess.check_output(", true),
    api("subprocess.getoutput(", true),
    api("subprocess.getstatusoutput(", true),
    api("Popen(", true),
    api("check_call(", true),
    api("check_output(", true),
    api("os.system(", true),
    api("os.popen(", true),
    api("create_subprocess_exec(", false),
    api("create_subprocess_shell(", true),
    api("os.execvp(", false),
    api("os.execlp(", false),
    api("pexpect.spawn(", true),
];
const JAVASCRIPT: &[Api] = &[
    api("execSync(", true),
    api("execFileSync(", false),
    api("execFile(", false),
    api("exec(", true),
    api("execAsync(", true),
    api("spawnSync(", false),
    api("spawn(", false),
    api("execa(", false),
    api("execaSync(", false),
    api("execaCommand(", true),
    api("execaCommandSync(", true),
];
const GO: &[Api] = &[
    api("exec.Command(", false),
    api("exec.CommandContext(", false),
];

/// A file whose bytes hold none of these starts nothing: most files are left here.
fn prefilter(kind: Kind) -> (&'static [Api], &'static [&'static str]) {
    match kind {
        Kind::Php => (
            PHP,
            &[
                "exec",
                "system(",
                "passthru",
                "proc_open",
                "popen",
                "Process",
                "`",
            ],
        ),
        Kind::Ruby => (
            RUBY,
            &[
                "system", "exec", "spawn", "popen", "capture", "pipeline", "sh ", "sh(", "%x", "`",
            ],
        ),
        Kind::Python => (
            PYTHON,
            &[
                "subprocess",
                "Popen",
                "os.system",
                "os.popen",
                "os.exec",
                "pexpect",
                "check_",
            ],
        ),
        Kind::JavaScript => (
            JAVASCRIPT,
            &[
                "child_process",
                "execa",
                "spawn",
                "execSync",
                "zx",
                "promisify",
            ],
        ),
        Kind::Go => (GO, &["exec.Command"]),
        _ => (&[], &[]),
    }
}

/// The programs of the catalogue that code starts without tagout.
pub(super) fn find(
    kind: Kind,
    path: &str,
    text: &str,
    folder: &dyn Fn() -> PathBuf,
    files: &Disk,
) -> Vec<Finding> {
    let (apis, signs) = prefilter(kind);
    let bytes = text.as_bytes();
    if !signs
        .iter()
        .any(|sign| memchr::memmem::find(bytes, sign.as_bytes()).is_some())
    {
        return Vec::new();
    }
    let file = Text::new(text);
    let mut starts: Vec<(usize, Vec<Word>)> = Vec::new();
    for api in apis {
        for at in memchr::memmem::find_iter(bytes, api.name.as_bytes()) {
            if is_call(text, at)
                && let Some(words) = words(kind, api, text, at + api.name.len())
            {
                starts.push((at, words));
            }
        }
    }
    if matches!(kind, Kind::Php | Kind::Ruby) {
        starts.extend(backquoted(kind, text));
    }
    starts.sort_by_key(|(at, _)| *at);
    let mut found: Vec<Finding> = Vec::new();
    for (at, words) in starts {
        let Some((tool, actions)) = database_command(words, folder, files) else {
            continue;
        };
        let (line, column) = file.place(at);
        let place = Place {
            file: path.to_owned(),
            line,
            column,
        };
        if found.iter().any(|f| f.place.line == line) {
            continue;
        }
        found.push(Finding {
            rule: "unwrapped-spawn",
            place,
            message: format!("this starts {} without tagout", said(&tool, &actions)),
            hint: "start it as `tagout run -p PROFILE -- COMMAND` (see examples/spawn)".to_owned(),
            subject: format!("{tool} {}", actions.join(", ")),
        });
    }
    found
}

fn said(tool: &str, actions: &[String]) -> String {
    match actions.is_empty() {
        true => tool.to_owned(),
        false => format!("`{}` of {tool}", actions.join("`, `")),
    }
}

/// Not a part of a longer name, a definition or a comment.
fn is_call(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or("");
    if before
        .chars()
        .next_back()
        .is_some_and(|c| c.is_alphanumeric() || c == '_')
    {
        return false;
    }
    let line = before.rsplit('\n').next().unwrap_or("");
    let lead = line.trim_start();
    let comment = ["//", "#", "*", "/*", "--"]
        .iter()
        .any(|c| lead.starts_with(c))
        || line.contains("// ")
        || line.contains(" # ");
    let defined = ["def ", "function ", "func "]
        .iter()
        .any(|d| line.trim_end().ends_with(d.trim_end()));
    !comment && !defined
}

/// The words that a call starts, as far as they stand there. None where not even the program does.
fn words(kind: Kind, api: &Api, text: &str, at: usize) -> Option<Vec<Word>> {
    let rest = text.get(at..)?;
    let rest = rest.get(..rest.len().min(4096)).or_else(|| {
        let end = (4000..4096).find(|n| rest.is_char_boundary(*n))?;
        rest.get(..end)
    })?;
    // Without brackets the arguments end with the line.
    let rest = match api.name.ends_with(' ') {
        true => rest.lines().next().unwrap_or(""),
        false => rest,
    };
    let mut reader = Reader { text: rest, at: 0 };
    if api.name.starts_with("%x") {
        let close = match api.name.as_bytes().last() {
            Some(b'{') => '}',
            Some(b'[') => ']',
            _ => ')',
        };
        return shell_line(kind, rest.get(..rest.find(close)?)?);
    }
    // A context comes first in Go.
    if api.name.ends_with("CommandContext(") {
        reader.at = rest.find(',')? + 1;
    }
    reader.blanks();
    let first_is_list = reader.peek() == Some('[') || rest.trim_start().starts_with("array(");
    let mut found = Vec::new();
    let mut literals = 0;
    while found.len() < 64 {
        reader.blanks();
        let Some(next) = reader.peek() else { break };
        match next {
            '[' => reader.at += 1,
            ']' => {
                reader.at += 1;
                if first_is_list || literals > 0 {
                    break;
                }
            }
            ',' => reader.at += 1,
            ')' | ';' | '}' => break,
            '{' if !found.is_empty() => break,
            _ => match reader.string(kind) {
                Some(word) => {
                    literals += usize::from(word.unknown.is_none());
                    found.push(word);
                }
                None if rest
                    .get(reader.at..)
                    .is_some_and(|r| r.starts_with("array(")) =>
                {
                    reader.at += 6
                }
                None => {
                    let spelled = reader.expression();
                    if spelled.is_empty() {
                        break;
                    }
                    // A keyword argument (`shell=True`, `chdir:`) ends the words.
                    if found.len() == 1 && !first_is_list && spelled.contains(['=', ':'])
                        || spelled.contains("=>")
                    {
                        break;
                    }
                    found.push(Word::unknown(spelled, "it is an expression of the code"));
                }
            },
        }
    }
    let first = found.first()?;
    let alone = found.len() == 1 && api.shell;
    let line = first.unknown.is_none() && first.text.contains(' ');
    if !first_is_list && (alone || line) {
        let line = first.text.clone();
        return shell_line(kind, &line);
    }
    (literals > 0 && first.unknown.is_none() || found.iter().skip(1).any(|w| w.unknown.is_none()))
        .then_some(found)
}

/// A line for a shell, with the code's own interpolations as what is not known.
fn shell_line(kind: Kind, line: &str) -> Option<Vec<Word>> {
    let open: &[(&str, char)] = match kind {
        Kind::Ruby => &[("#{", '}')],
        Kind::JavaScript => &[("${", '}')],
        Kind::Python => &[("{", '}')],
        _ => &[("{$", '}')],
    };
    let mut text = line.to_owned();
    for (begin, end) in open {
        while let Some(start) = text.find(begin) {
            let length = text
                .get(start..)?
                .find(*end)
                .map_or(text.len() - start, |n| n + 1);
            text.replace_range(start..start + length, "$TAGOUT_VALUE");
        }
    }
    (!text.trim().is_empty()).then(|| {
        ["sh".to_owned(), "-c".to_owned(), text]
            .into_iter()
            .map(Word::literal)
            .collect()
    })
}

fn backquoted(kind: Kind, text: &str) -> Vec<(usize, Vec<Word>)> {
    let mut found = Vec::new();
    let starts = memchr::memchr_iter(b'\n', text.as_bytes()).map(|n| n + 1);
    for start in starts.chain([0]) {
        let line = text
            .get(start..)
            .and_then(|t| t.lines().next())
            .unwrap_or("");
        let lead = line.trim_start();
        if lead.starts_with(['#', '*', '/']) || line.matches('`').count() < 2 {
            continue;
        }
        let mut at = 0;
        while let Some(open) = line.get(at..).and_then(|l| l.find('`')) {
            let from = at + open + 1;
            let Some(length) = line.get(from..).and_then(|l| l.find('`')) else {
                break;
            };
            let body = line.get(from..from + length).unwrap_or("");
            // In strings and prose a backquote is only a quote.
            let before = line.get(..from - 1).unwrap_or("");
            let quoted =
                before.matches('"').count() % 2 == 1 || before.matches('\'').count() % 2 == 1;
            if !quoted && let Some(words) = shell_line(kind, body) {
                found.push((start + from - 1, words));
            }
            at = from + length + 1;
        }
    }
    found
}

/// A reader of arguments.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// A string literal; one with interpolations keeps them as they are spelled.
    fn string(&mut self, kind: Kind) -> Option<Word> {
        let mut rest = self.rest();
        let mut prefix = 0;
        if kind == Kind::Python {
            prefix = rest.len()
                - rest
                    .trim_start_matches(['f', 'r', 'b', 'u', 'F', 'R'])
                    .len();
            rest = rest.get(prefix..)?;
        }
        let quote = rest
            .chars()
            .next()
            .filter(|c| matches!(c, '\'' | '"' | '`'))?;
        let triple: String = std::iter::repeat_n(quote, 3).collect();
        let (open, close) = match rest.starts_with(&triple) {
            true => (3, triple),
            false => (1, quote.to_string()),
        };
        let body = rest.get(open..)?;
        let mut end = 0;
        loop {
            end += body.get(end..)?.find(&close)?;
            let slashes = body
                .get(..end)?
                .chars()
                .rev()
                .take_while(|c| *c == '\\')
                .count();
            if slashes % 2 == 0 {
                break;
            }
            end += 1;
        }
        let text = body
            .get(..end)?
            .replace("\\\"", "\"")
            .replace("\\'", "'")
            .replace("\\\\", "\\");
        self.at += prefix + open + end + close.len();
        let follows = self.rest().trim_start();
        if follows.starts_with('+') || follows.starts_with(". ") || follows.starts_with('%') {
            let more = self.expression();
            return Some(Word::unknown(
                format!("{text} $TAGOUT_VALUE"),
                format!("`{more}` is an expression of the code"),
            ));
        }
        Some(Word::literal(text))
    }

    /// Goes over an expression up to the comma or bracket that ends it.
    fn expression(&mut self) -> String {
        let from = self.at;
        let mut depth = 0i32;
        while let Some(c) = self.peek() {
            match c {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' if depth == 0 => break,
                ')' | ']' | '}' => depth -= 1,
                ',' | ';' | '\n' if depth == 0 => break,
                _ => {}
            }
            self.at += c.len_utf8();
        }
        self.text.get(from..self.at).unwrap_or("").trim().to_owned()
    }
}

/// The tool and the actions where the words lead to a command of the catalogue that reaches a
/// database, and not through tagout.
fn database_command(
    words: Vec<Word>,
    folder: &dyn Fn() -> PathBuf,
    files: &Disk,
) -> Option<(String, Vec<String>)> {
    if let [_, _, line] = words.as_slice()
        && words.first().is_some_and(|w| w.text == "sh")
        && parse(&line.text, Dialect::Bash).is_err()
    {
        return None;
    }
    let caller = Caller::default();
    let world = World {
        files,
        caller: &caller,
        heard: None,
    };
    let mut step = Step::new([], Vars::new(), folder());
    step.argv = words;
    step.vars_open = Some("the process's own variables are not known here".to_owned());
    let commands = understand(step, &world);
    if commands.iter().any(|c| c.step.program() == "tagout") {
        return None;
    }
    let known = |c: &&crate::command::Command| {
        c.tool
            .is_some_and(|t| !INTERPRETERS.contains(&t.name) && !FILES.contains(&t.name))
            && c.effect() > Effect::None
    };
    let command = commands.iter().find(known)?;
    let mut actions = distinct(command.actions.iter().map(|a| a.name.to_string()));
    actions.truncate(4);
    Some((command.tool_name().to_owned(), actions))
}

/// Programs that reach databases only as files.
const FILES: &[&str] = &["rm", "git", "shred", "truncate", "dd", "mv"];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(kind: Kind, text: &str) -> Vec<(usize, String)> {
        let found = find(kind, "f", text, &|| "/nonexistent".into(), &Disk::default());
        found
            .into_iter()
            .map(|f| (f.place.line, f.subject))
            .collect()
    }

    #[test]
    fn starts_of_database_commands_are_found_in_every_language() {
        let cases: &[(Kind, &str, &str)] = &[
            (
                Kind::Php,
                "<?php\n$p = new Process(['php', 'artisan', 'migrate:fresh', '--force']);",
                "artisan migrate:fresh",
            ),
            (
                Kind::Php,
                "<?php\nProcess::run(\"php artisan db:wipe --database={$name}\");",
                "artisan db:wipe",
            ),
            (
                Kind::Php,
                "<?php\n exec('mysql -e \"DROP DATABASE x\"', $out);",
                "mysql DROP DATABASE",
            ),
            (
                Kind::Php,
                "<?php\n$x = `psql -c 'drop table x'`;",
                "psql DROP TABLE",
            ),
            (
                Kind::Ruby,
                "x\nsystem(\"bin/rails\", \"db:drop\")",
                "rails db:drop",
            ),
            (
                Kind::Ruby,
                "x\nsystem \"bin/rails db:reset RAILS_ENV=#{env}\"",
                "rails db:reset",
            ),
            (
                Kind::Ruby,
                "x\nOpen3.capture3({'A' => 'b'}, 'psql', '-c', 'drop table x')",
                "",
            ),
            (
                Kind::Ruby,
                "x\nOpen3.capture3('psql', '-c', 'drop table x')",
                "psql DROP TABLE",
            ),
            (
                Kind::Python,
                "x\nsubprocess.run([\"psql\", \"-c\", \"DROP TABLE x\"], check=True)",
                "psql DROP TABLE",
            ),
            (Kind::Python, "x\nos.system('dropdb shop')", "dropdb"),
            (
                Kind::Python,
                "x\nsubprocess.check_call(f\"dropdb {name}\", shell=True)",
                "dropdb",
            ),
            (
                Kind::JavaScript,
                "import {execSync} from 'child_process'\nexecSync(`npx prisma migrate reset --force`)",
                "prisma",
            ),
            (
                Kind::JavaScript,
                "const { spawn } = require('child_process')\nspawn('psql', ['-c', 'drop table x'])",
                "psql DROP TABLE",
            ),
            (
                Kind::Go,
                "x\nexec.CommandContext(ctx, \"dropdb\", \"shop\").Run()",
                "dropdb",
            ),
        ];
        for (kind, text, expected) in cases {
            let found = found(*kind, text);
            let hit = found.first().map_or("", |(_, s)| s.as_str());
            assert!(
                expected.is_empty() || hit.starts_with(expected),
                "{text}: {found:?}"
            );
            assert!(
                found.iter().all(|(line, _)| *line == 2),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn what_starts_no_database_command_is_left_alone() {
        let cases = [
            (
                Kind::Php,
                "<?php exec('ls -la'); $this->exec($command); // exec('dropdb x')\n",
            ),
            (
                Kind::Ruby,
                "# system('dropdb x')\nsystem('git', 'status')\nputs \"use `dropdb x`\"\n",
            ),
            (
                Kind::Python,
                "subprocess.run(['tagout', 'run', '-p', 'worker', '--', 'dropdb', 'x'])\ndef os_exec(): pass\n",
            ),
            (
                Kind::JavaScript,
                "require('child_process'); regex.exec(text); exec(cmd)\n",
            ),
            (Kind::Go, "exec.Command(name, args...)\n"),
        ];
        for (kind, text) in cases {
            assert_eq!(found(kind, text), [], "{text}");
        }
    }
}
