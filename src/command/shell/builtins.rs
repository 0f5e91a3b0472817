//! What the shell does itself: directories, variables, other scripts, tests.

use std::rc::Rc;

use super::ast::Node;
use super::parse::{is_name, parse, parse_at};
use super::run::{Run, Truth};
use super::state::Value;
use crate::command::{Stdin, Word};
use crate::files::FileError;

/// Programs whose output is code for `eval` that sets variables and functions, no more.
const SETUP: &[&str] = &[
    "rbenv",
    "pyenv",
    "nodenv",
    "jenv",
    "goenv",
    "direnv",
    "ssh-agent",
    "brew",
    "starship",
    "zoxide",
    "mise",
    "fnm",
    "opam",
    "luarocks",
    "dircolors",
    "minikube",
    "docker-machine",
];

/// Whether a builtin changes the shell's own state, so that nothing may be undone after it.
pub(super) fn changes_state(name: &str) -> bool {
    matches!(
        name,
        "cd" | "pushd"
            | "popd"
            | "export"
            | "declare"
            | "typeset"
            | "local"
            | "readonly"
            | "unset"
            | "set"
            | "shift"
            | "read"
            | "mapfile"
            | "readarray"
            | "getopts"
            | "eval"
            | "source"
            | "."
            | "exec"
            | "alias"
            | "unalias"
            | "builtin"
            | "command"
            | "let"
            | "printf"
            | "trap"
    )
}

impl Run<'_> {
    /// Runs a function, an alias, a builtin or a program.
    pub(super) fn invoke(&mut self, argv: Vec<Word>) -> Truth {
        let Some(first) = argv.first() else {
            return Truth::Open;
        };
        if first.unknown.is_none() {
            let name = first.text.clone();
            if let Some(body) = self.state.functions.get(&name).cloned() {
                self.call(&body, &argv);
                return Truth::Open;
            }
            if let Some(text) = self.state.aliases.get(&name).cloned() {
                self.alias(&text, &argv);
            }
        }
        self.builtin(argv)
    }

    fn call(&mut self, body: &Rc<super::ast::Command>, argv: &[Word]) {
        let params = self.state.params.clone();
        self.state.params = Some(Rc::new(argv.get(1..).unwrap_or(&[]).to_vec()));
        self.calls += 1;
        self.command(body);
        self.calls -= 1;
        self.state.params = params;
    }

    /// The alias's words take the place of its name.
    fn alias(&mut self, text: &str, argv: &[Word]) {
        let Ok(list) = parse(text, self.dialect) else {
            return self.give_up("an alias that cannot be read");
        };
        let last = list.items.last().filter(|i| i.rest.is_empty());
        let simple = last.and_then(|i| match i.first.commands.as_slice() {
            [command] => match &command.node {
                Node::Simple { words, .. } => Some(words),
                _ => None,
            },
            _ => None,
        });
        match simple {
            Some(words) if list.items.len() == 1 => {
                let mut whole = Vec::new();
                for word in words {
                    whole.extend(self.expand(word));
                }
                whole.extend(argv.iter().skip(1).cloned());
                self.builtin(whole);
            }
            _ => {
                self.list(&list);
            }
        }
    }

    fn builtin(&mut self, argv: Vec<Word>) -> Truth {
        let Some(first) = argv.first() else {
            return Truth::Open;
        };
        if first.unknown.is_some() {
            self.start(argv);
            return Truth::Open;
        }
        let name = first.text.clone();
        let words = argv.get(1..).unwrap_or(&[]);
        match name.as_str() {
            ":" | "true" | "echo" | "wait" | "umask" | "shopt" | "enable" | "hash" | "set"
            | "export" | "declare" | "typeset" | "local" | "readonly" | "unset" | "alias"
            | "unalias" | "printf" => {
                self.sure_builtin(&name, words);
                return Truth::Yes;
            }
            "false" => return Truth::No,
            "cd" | "pushd" => return self.change_directory(words),
            "test" => return self.test(words),
            "[" => return self.test(words.get(..words.len().saturating_sub(1)).unwrap_or(&[])),
            "popd" => self.lose_directory("`popd`"),
            "shift" => self.shift(words),
            "read" | "mapfile" | "readarray" | "getopts" => self.read_names(words),
            "let" => {
                for word in words {
                    let name: String = word
                        .text
                        .chars()
                        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                        .collect();
                    if is_name(&name) {
                        self.set(&name, Value::Unknown(format!("`{name}` is computed")));
                    }
                }
            }
            "eval" => self.eval(words),
            "source" | "." => self.source_file(words),
            "trap" => self.trap(words),
            "exec" => self.exec(words),
            "command" | "builtin" => self.command_builtin(&name, words),
            "exit" | "return" | "break" | "continue" | "jobs" | "fg" | "bg" | "type" | "ulimit"
            | "times" | "pwd" | "dirs" | "history" | "help" | "compgen" | "complete" | "bind"
            | "disown" | "suspend" | "logout" | "caller" | "bindkey" | "autoload" | "setopt"
            | "unsetopt" | "zstyle" => {}
            _ => self.start(argv),
        }
        Truth::Open
    }

    fn sure_builtin(&mut self, name: &str, words: &[Word]) {
        match name {
            "export" | "declare" | "typeset" | "local" | "readonly" => self.declare(name, words),
            "unset" => {
                for word in words.iter().filter(|w| !w.text.starts_with('-')) {
                    self.state.unset(&word.text);
                    if words.first().is_some_and(|w| w.text == "-f") {
                        self.state.functions.remove(&word.text);
                    }
                }
            }
            "set" => self.set_options(words),
            "alias" => {
                for word in words {
                    if let Some((name, text)) = word.text.split_once('=') {
                        let text = if word.unknown.is_some() {
                            "$unknown".to_owned()
                        } else {
                            text.to_owned()
                        };
                        self.state.changed();
                        self.state.aliases.insert(name.to_owned(), text);
                    }
                }
            }
            "unalias" => {
                self.state.changed();
                for word in words {
                    self.state.aliases.remove(&word.text);
                }
            }
            "printf" if words.first().is_some_and(|w| w.text == "-v") => {
                if let Some(name) = words.get(1) {
                    let why = format!("`{}` is formatted", name.text);
                    self.set(&name.text.clone(), Value::Unknown(why));
                }
            }
            _ => {}
        }
    }

    fn declare(&mut self, name: &str, words: &[Word]) {
        let options: String = words
            .iter()
            .map_while(|w| w.text.strip_prefix(['-', '+']))
            .collect();
        let undo = words
            .iter()
            .any(|w| (name == "export" && w.text == "-n") || w.text == "+x");
        let exports = !undo && (name == "export" || options.contains('x'));
        if options.contains('f') {
            return;
        }
        for word in words.iter().filter(|w| !w.text.starts_with(['-', '+'])) {
            let (target, value) = match word.text.split_once('=') {
                Some((target, value)) => (target, Some(value)),
                None => (word.text.as_str(), None),
            };
            let append = target.ends_with('+');
            let target = target.trim_end_matches('+');
            if !is_name(target) {
                if word.unknown.is_some() {
                    let why = "a variable is set whose name is not known";
                    self.state.open.get_or_insert(why.to_owned());
                }
                continue;
            }
            if let Some(value) = value {
                let reference = name != "export" && options.contains('n');
                let value = match (&word.unknown, append) {
                    _ if reference => Value::Unknown(format!("`{target}` stands for another")),
                    (Some(why), _) => Value::Unknown(format!("`{target}`: {why}")),
                    (None, true) => match self.state.value(target) {
                        Value::Text(old) => Value::Text(old + value),
                        Value::Unset => Value::Text(value.to_owned()),
                        _ => Value::Unknown(format!("`{target}` is put together")),
                    },
                    (None, false) => Value::Text(value.to_owned()),
                };
                self.set(target, value);
            }
            if exports {
                let source = self.source.with_note(target);
                self.state.export(target, &source);
            } else if undo {
                self.state.unexport(target);
            }
        }
    }

    fn set_options(&mut self, words: &[Word]) {
        let mut at = 0;
        while let Some(word) = words.get(at) {
            let text = word.text.as_str();
            if text == "--" || !text.starts_with(['-', '+']) || text == "-" {
                let from = if text == "--" || text == "-" {
                    at + 1
                } else {
                    at
                };
                self.state.changed();
                self.state.params = Some(Rc::new(words.get(from..).unwrap_or(&[]).to_vec()));
                return;
            }
            let on = text.starts_with('-');
            let flags = text.get(1..).unwrap_or("");
            if flags.contains('o') {
                at += 1;
                if words.get(at).is_some_and(|w| w.text == "allexport") {
                    self.state.changed();
                    self.state.export_all = on;
                }
            }
            if flags.contains('a') {
                self.state.changed();
                self.state.export_all = on;
            }
            at += 1;
        }
    }

    fn shift(&mut self, words: &[Word]) {
        let by = match words.first() {
            None => Some(1),
            Some(word) => word.text.parse::<usize>().ok(),
        };
        self.state.changed();
        self.state.params = match (&self.state.params, by) {
            (Some(params), Some(by)) => Some(Rc::new(params.get(by..).unwrap_or(&[]).to_vec())),
            _ => None,
        };
    }

    fn read_names(&mut self, words: &[Word]) {
        if let Some(at) = words.iter().position(|w| w.text == "-C") {
            self.eval(words.get(at + 1..at + 2).unwrap_or(&[]));
        }
        for word in words {
            if is_name(&word.text) {
                let why = format!("`{}` is read while the script runs", word.text);
                self.set(&word.text.clone(), Value::Unknown(why));
            }
        }
    }

    fn lose_directory(&mut self, why: &str) {
        self.state.changed();
        self.state.cwd_unknown = Some(why.to_owned());
    }

    fn change_directory(&mut self, words: &[Word]) -> Truth {
        let word = words
            .iter()
            .find(|w| !matches!(w.text.as_str(), "-L" | "-P" | "-e" | "--"));
        let target = match word {
            None => match self.home() {
                Some(home) => home,
                None => {
                    self.lose_directory("`cd` without a known home directory");
                    return Truth::Open;
                }
            },
            Some(word) if word.unknown.is_some() || word.text == "-" => {
                self.lose_directory(&format!("`cd {}`", word.text));
                return Truth::Open;
            }
            Some(word) => word.text.clone(),
        };
        let searched =
            !target.starts_with(['/', '.']) && self.state.value("CDPATH") != Value::Unset;
        let path = crate::files::lexical(&self.state.cwd.join(&target));
        if searched {
            self.lose_directory("`cd` with CDPATH set");
            return Truth::Open;
        }
        self.state.changed();
        if target.starts_with('/') {
            self.state.cwd_unknown = None;
        }
        let there = self.world.files.is_dir(&path);
        self.state.cwd = path;
        if there {
            Truth::Yes
        } else {
            self.state.cwd_unknown = Some(format!("`{target}` is not there"));
            Truth::Open
        }
    }

    fn eval(&mut self, words: &[Word]) {
        let text = words
            .iter()
            .map(|w| w.text.as_str())
            .collect::<Vec<_>>()
            .join(" ");
        let setup = text
            .trim_start_matches(['$', '(', '`'])
            .split([' ', ')', '`'])
            .next()
            .is_some_and(|p| SETUP.contains(&p.rsplit('/').next().unwrap_or(p)));
        let unknown = words.iter().any(|w| w.unknown.is_some());
        if unknown && setup && text.starts_with(['$', '`']) {
            let why = format!("`{text}` sets variables");
            self.state.open.get_or_insert(why);
        } else if unknown {
            self.give_up("`eval` of a text that is not known");
        } else {
            self.script_text(&text);
        }
    }

    /// Follows a script text in the present state.
    pub(super) fn script_text(&mut self, text: &str) {
        self.calls += 1;
        if self.calls > 24 {
            self.give_up("scripts inside scripts too deep to follow");
        } else {
            match parse_at(text, self.dialect, Some(self.at)) {
                Ok(list) => {
                    self.list(&list);
                }
                Err(e) => self.give_up(format!("a script that cannot be read: {e}")),
            }
        }
        self.calls -= 1;
    }

    fn source_file(&mut self, words: &[Word]) {
        let Some(word) = words.first() else { return };
        if word.text == "/dev/stdin" {
            let sh = self.step([Word::literal("sh")].to_vec());
            return self.out.push(sh);
        }
        if word.unknown.is_some() {
            return self.give_up(format!("`source {}`: the file is not known", word.text));
        }
        if let Some(why) = &self.state.cwd_unknown
            && !word.text.starts_with('/')
        {
            let why = format!("`source {}`: {why}", word.text);
            return self.give_up(why);
        }
        let path = crate::files::lexical(&self.state.cwd.join(&word.text));
        if self.written.contains(&path) {
            return self.give_up(format!("`{}` is written by the same script", word.text));
        }
        match self.world.files.read_text(&path) {
            Ok(text) => {
                let params = self.state.params.clone();
                if words.len() > 1 {
                    self.state.params = Some(Rc::new(words.get(1..).unwrap_or(&[]).to_vec()));
                }
                let source = self.source.clone();
                let shown = crate::files::shown(&path, &self.base.cwd);
                self.in_file(&shown);
                self.script_text(&text);
                self.source = source;
                self.state.params = params;
            }
            Err(FileError::Missing) if self.out.is_empty() => {}
            Err(e @ (FileError::TooLarge | FileError::Stream)) => {
                self.give_up(format!("`{}` is not read: {e}", word.text));
            }
            Err(e) => {
                let why = format!("`{}` cannot be read: {e}", word.text);
                self.state.changed();
                self.state.open.get_or_insert(why);
            }
        }
    }

    /// What a trap runs counts. A word that is not known is read as it is spelled: its own
    /// expansions are then not known either.
    fn trap(&mut self, words: &[Word]) {
        let action = words.iter().find(|w| w.text != "--");
        if let Some(action) = action
            && words.len() > 1
            && !action.text.starts_with('-')
        {
            let before = self.state.clone();
            let text = action.text.clone();
            self.script_text(&text);
            self.state = before;
        }
    }

    fn exec(&mut self, words: &[Word]) {
        let mut at = 0;
        while let Some(word) = words.get(at) {
            match word.text.as_str() {
                "--" => {
                    at += 1;
                    break;
                }
                "-a" => at += 2,
                "-l" => at += 1,
                "-c" | "-cl" | "-lc" => {
                    self.state.vars = crate::environment::Vars::new();
                    at += 1;
                }
                _ => break,
            }
        }
        if let Some(rest) = words.get(at..).filter(|r| !r.is_empty()) {
            self.start(rest.to_vec());
        }
    }

    fn command_builtin(&mut self, name: &str, words: &[Word]) {
        let mut at = 0;
        while let Some(word) = words.get(at) {
            match word.text.as_str() {
                "-v" | "-V" if name == "command" => return,
                "-p" | "--" => at += 1,
                _ => break,
            }
        }
        if let Some(rest) = words.get(at..).filter(|r| !r.is_empty()) {
            self.builtin(rest.to_vec());
        }
    }

    /// `test`: decided where all is known.
    pub(super) fn test(&mut self, words: &[Word]) -> Truth {
        if words.iter().any(|w| w.unknown.is_some()) {
            return Truth::Open;
        }
        let texts: Vec<&str> = words.iter().map(|w| w.text.as_str()).collect();
        let said = |holds: bool| if holds { Truth::Yes } else { Truth::No };
        match texts.as_slice() {
            ["!", rest @ ..] if !rest.is_empty() => {
                match self.test(words.get(1..).unwrap_or(&[])) {
                    Truth::Yes => Truth::No,
                    Truth::No => Truth::Yes,
                    Truth::NotYet | Truth::Open => Truth::Open,
                }
            }
            ["-n", text] => said(!text.is_empty()),
            ["-z", text] => said(text.is_empty()),
            [left, "=" | "==", right] => said(left == right),
            [left, "!=", right] => said(left != right),
            [left, "-eq", right] if is_number(left) && is_number(right) => {
                said(left.parse::<i64>() == right.parse::<i64>())
            }
            [test @ ("-f" | "-e" | "-r" | "-s" | "-d"), path] => self.file_test(test, path),
            _ => Truth::Open,
        }
    }

    fn file_test(&self, test: &str, path: &str) -> Truth {
        if self.state.cwd_unknown.is_some() && !path.starts_with('/') {
            return Truth::Open;
        }
        let path = crate::files::lexical(&self.state.cwd.join(path));
        let files = self.world.files;
        let there = match test {
            "-f" => files.is_file(&path),
            "-d" => files.is_dir(&path),
            _ => files.exists(&path),
        };
        match (there, test) {
            (true, "-f" | "-e" | "-d") => Truth::Yes,
            (true, _) => Truth::Open,
            (false, _) if self.out.is_empty() && self.written.is_empty() => Truth::NotYet,
            (false, _) => Truth::Open,
        }
    }

    /// Standard input as a text, where it is one.
    pub(super) fn stdin_text(&self) -> Result<String, String> {
        match &self.state.stdin {
            Stdin::Text(text, _) => Ok(text.clone()),
            Stdin::Null => Ok(String::new()),
            Stdin::File(path) => self
                .world
                .files
                .read_text(path)
                .map_err(|e| format!("`{}` cannot be read: {e}", path.display())),
            Stdin::Unknown(why) => Err(why.clone()),
            Stdin::Inherited | Stdin::Stream(_) | Stdin::Terminal => {
                Err("the standard input is not known".to_owned())
            }
        }
    }
}

fn is_number(text: &str) -> bool {
    text.parse::<i64>().is_ok()
}
