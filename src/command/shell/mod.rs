//! Shell lines and scripts: a parser of bash and POSIX shell, and a follower that walks a script
//! to the programs it starts. Every branch is assumed to run; what is not literal stays unknown;
//! text that the real shell would reject makes the line opaque.

pub mod ast;
mod builtins;
mod expand;
mod lex;
mod output;
mod parse;
mod run;
mod state;

use std::rc::Rc;

pub(crate) use output::FOUND;
pub use parse::{Broken, parse};
pub(crate) use state::chooses_no_database;

use super::{Action, Command, Effect, Reading, Step, Word, World, catalogue};
use run::Run;

/// Which shell reads the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// POSIX `sh` as dash understands it.
    Posix,
    /// bash, and ksh as far as it is the same.
    Bash,
    /// zsh as far as it is like bash.
    Zsh,
}

impl Dialect {
    /// The dialect of a shell's file name.
    pub fn of(shell: &str) -> Dialect {
        match shell {
            "sh" | "dash" | "ash" | "busybox" => Dialect::Posix,
            "zsh" => Dialect::Zsh,
            _ => Dialect::Bash,
        }
    }
}

/// How a script is started: what `steps` needs besides its text.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// `$0`.
    pub name: Option<String>,
    /// `$1` and on.
    pub params: Vec<Word>,
    /// The file the text came from, as it is shown; none for a line given in the words.
    pub file: Option<String>,
    /// Scripts read before it in the same shell (`BASH_ENV`).
    pub before: Vec<(String, String)>,
}

/// The program starts that a shell text leads to, in the directory and environment of `step`.
pub fn steps(text: &str, dialect: Dialect, step: &Step, world: &World<'_>) -> Reading {
    start(text, dialect, step, world, Start::default())
}

/// The same for a script with a name and parameters.
pub fn start(text: &str, dialect: Dialect, step: &Step, world: &World<'_>, how: Start) -> Reading {
    let mut run = Run::new(step, world, dialect);
    if let Some(name) = how.name {
        run.name = name;
    }
    run.state.params = Some(Rc::new(how.params));
    if dialect == Dialect::Bash {
        import_functions(&mut run);
    }
    for (shown, text) in how.before {
        run.in_file(&shown);
        run.script_text(&text);
    }
    match &how.file {
        Some(shown) => run.in_file(shown),
        None => run.source = crate::source::Source::argument("shell line"),
    }
    match parse_for(text, dialect) {
        Ok(list) => {
            run.list(&list);
        }
        Err(e) => run.give_up(format!("the shell text cannot be read {e}")),
    }
    finish(run, step)
}

/// `sh` is dash on some systems and bash on others: text that only bash reads is read as bash.
fn parse_for(text: &str, dialect: Dialect) -> Result<ast::List, Broken> {
    let read = parse(text, dialect);
    if dialect == Dialect::Posix && read.is_err() {
        return parse(text, Dialect::Bash).or(read);
    }
    read
}

fn finish(run: Run<'_>, step: &Step) -> Reading {
    let command = (!run.opaque.is_empty()).then(|| {
        let tool = catalogue::find(step.program());
        let mut command = Command::new(tool, step.clone());
        for why in run.opaque {
            let action = Action::new("shell", Effect::Opaque, why);
            command.actions.push(action);
        }
        command
    });
    Reading {
        command,
        steps: run.out,
    }
}

/// Functions that bash takes from the environment (`BASH_FUNC_name%%`).
fn import_functions(run: &mut Run<'_>) {
    let found: Vec<(String, String)> = run
        .state
        .vars
        .iter()
        .filter_map(|(name, var)| {
            let name = name.strip_prefix("BASH_FUNC_")?.strip_suffix("%%")?;
            let text = var.value.to_str()?;
            Some((name.to_owned(), format!("{name} {text}")))
        })
        .collect();
    for (name, text) in found {
        run.script_text(&text);
        if !run.state.functions.contains_key(&name) {
            run.give_up(format!("the exported function `{name}` cannot be read"));
        }
    }
}

/// A word that every POSIX shell reads back as exactly this text.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c);
    if !word.is_empty() && word.chars().all(plain) && !word.starts_with('=') {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
