//! Functions for interactive shells: the names people type anyway, each through tagout. They hold
//! no setting and no secret, so that evaluating them again changes nothing.

pub mod shims;

use std::fmt::Write as _;
use std::path::Path;

use crate::config::{Config, USUAL};
use crate::profile::ConfigError;
use crate::source::Source;

/// A shell that functions are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// GNU Bash.
    Bash,
    /// zsh.
    Zsh,
    /// fish, from 3.4.
    Fish,
    /// Any POSIX shell that knows `local`: dash, busybox, ksh93.
    Sh,
}

impl Shell {
    /// All with their words.
    pub const WORDS: &[(&str, Shell)] = &[
        ("bash", Shell::Bash),
        ("zsh", Shell::Zsh),
        ("fish", Shell::Fish),
        ("sh", Shell::Sh),
    ];

    /// Names with a slash can be functions too: `bin/rails`.
    fn names_paths(self) -> bool {
        matches!(self, Shell::Bash | Shell::Zsh)
    }
}

/// A command to wrap: a function of the first word's name, where the others follow in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// The function's name.
    pub name: String,
    /// The words that must come after it, somewhere.
    pub after: Vec<String>,
}

impl Wrapped {
    fn parse(command: &str) -> Option<Wrapped> {
        let mut words = command.split(' ').map(str::to_owned);
        Some(Wrapped {
            name: words.next()?,
            after: words.collect(),
        })
    }
}

/// What a shell cannot do without: a project's file must not replace it.
const OWN: &[&str] = &[
    ".",
    ":",
    "[",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "case",
    "cd",
    "command",
    "compgen",
    "complete",
    "continue",
    "coproc",
    "declare",
    "do",
    "done",
    "echo",
    "elif",
    "else",
    "emulate",
    "enable",
    "end",
    "esac",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "fi",
    "for",
    "function",
    "functions",
    "getopts",
    "hash",
    "if",
    "in",
    "jobs",
    "kill",
    "local",
    "printf",
    "pwd",
    "read",
    "readonly",
    "return",
    "select",
    "set",
    "shift",
    "source",
    "status",
    "string",
    "switch",
    "test",
    "then",
    "time",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "until",
    "wait",
    "while",
];

/// The commands to wrap: the usual ones and those of every layer, each once.
///
/// # Errors
/// A name that a shell needs itself.
pub fn commands(config: &Config) -> Result<Vec<Wrapped>, ConfigError> {
    let usual = USUAL.iter().filter_map(|u| Wrapped::parse(u.command));
    let mut all: Vec<Wrapped> = usual.collect();
    for (command, source) in configured(config) {
        let Some(wrapped) = Wrapped::parse(command) else {
            continue;
        };
        let name = wrapped.name.as_str();
        if OWN.contains(&name) || name.starts_with("tagout") {
            return Err(reserved(name, source));
        }
        if !all.contains(&wrapped) {
            all.push(wrapped);
        }
    }
    Ok(all)
}

fn configured(config: &Config) -> impl Iterator<Item = (&str, &Source)> {
    let layers = config.layers.iter().map(|layer| &layer.document.hook);
    layers.flat_map(|hook| hook.commands.iter().map(|(c, s)| (c.as_str(), s)))
}

fn reserved(name: &str, source: &Source) -> ConfigError {
    let (file, line) = source.text().rsplit_once(':').unwrap_or_default();
    ConfigError {
        file: file.to_owned(),
        line: line.parse().unwrap_or(1),
        column: 1,
        message: format!("`{name}` cannot be wrapped: shells need it themselves"),
        hint: None,
    }
}

/// The functions, as code that the shell evaluates. `launcher` is tagout's own place.
pub fn script(shell: Shell, launcher: &Path, commands: &[Wrapped]) -> String {
    let launcher = quoted(shell, &launcher.to_string_lossy());
    let mut names: Vec<&str> = Vec::new();
    for command in commands {
        if !names.contains(&command.name.as_str()) {
            names.push(&command.name);
        }
    }
    let mut text = String::new();
    for name in names {
        if name.contains('/') && !shell.names_paths() {
            continue;
        }
        let wrapped: Vec<&Wrapped> = commands.iter().filter(|c| c.name == name).collect();
        let code = match shell {
            Shell::Fish => fish(name, &wrapped, &launcher),
            Shell::Bash | Shell::Zsh | Shell::Sh => posix(shell, name, &wrapped, &launcher),
        };
        text.push_str(&code);
    }
    text
}

fn posix(shell: Shell, name: &str, wrapped: &[&Wrapped], launcher: &str) -> String {
    // Without the keyword an alias of that name would be expanded here.
    let head = match shell {
        Shell::Sh => format!("unalias {name} 2>/dev/null || :\n{name}() {{\n"),
        Shell::Bash | Shell::Zsh | Shell::Fish => format!("function {name} {{\n"),
    };
    let through = |words: &str| format!("{launcher} run --hook {name} -- {words} \"$@\"");
    let mut body = String::new();
    if wrapped.iter().any(|w| w.after.is_empty()) {
        if name == "artisan" {
            let _ = writeln!(
                body,
                "  if [ -f artisan ]; then {}; else {}; fi",
                through("php artisan"),
                through(name)
            );
        } else {
            let _ = writeln!(body, "  {}", through(name));
        }
    } else {
        body.push_str("  local tagout_word");
        for at in 0..wrapped.len() {
            let _ = write!(body, " tagout_{at}=0");
        }
        body.push_str("\n  for tagout_word in \"$@\"; do\n");
        for (at, command) in wrapped.iter().enumerate() {
            let _ = write!(body, "    case \"${{tagout_{at}}}:${{tagout_word}}\" in");
            let last = command.after.len().saturating_sub(1);
            for (place, word) in command.after.iter().enumerate() {
                let then = if place == last {
                    format!("{}; return", through(name))
                } else {
                    format!("tagout_{at}={}", place + 1)
                };
                let _ = write!(body, " {place}:{word}|{place}:*/{word}) {then} ;;");
            }
            body.push_str(" esac\n");
        }
        let _ = writeln!(body, "  done\n  command {name} \"$@\"");
    }
    let function = format!("{head}{body}}}\n");
    match shell {
        // A shell in POSIX mode knows no such names.
        Shell::Bash if name.contains('/') => {
            format!("case :$SHELLOPTS: in *:posix:*) ;; *)\n{function};; esac\n")
        }
        Shell::Bash | Shell::Zsh | Shell::Fish | Shell::Sh => function,
    }
}

fn fish(name: &str, wrapped: &[&Wrapped], launcher: &str) -> String {
    let through = |words: &str| format!("{launcher} run --hook {name} -- {words} $argv");
    let mut body = String::new();
    if wrapped.iter().any(|w| w.after.is_empty()) {
        if name == "artisan" {
            let _ = writeln!(
                body,
                "  if test -f artisan\n    {}\n  else\n    {}\n  end",
                through("php artisan"),
                through(name)
            );
        } else {
            let _ = writeln!(body, "  {}", through(name));
        }
    } else {
        for at in 0..wrapped.len() {
            let _ = writeln!(body, "  set -l tagout_{at} 0");
        }
        body.push_str("  for tagout_word in $argv\n");
        for (at, command) in wrapped.iter().enumerate() {
            let _ = writeln!(body, "    switch $tagout_{at}:$tagout_word");
            let last = command.after.len().saturating_sub(1);
            for (place, word) in command.after.iter().enumerate() {
                let then = if place == last {
                    format!("{}\n        return", through(name))
                } else {
                    format!("set tagout_{at} {}", place + 1)
                };
                let _ = writeln!(
                    body,
                    "      case {place}:{word} '{place}:*/{word}'\n        {then}"
                );
            }
            body.push_str("    end\n");
        }
        let _ = writeln!(body, "  end\n  command {name} $argv");
    }
    format!("function {name} --description '{name} through tagout'\n{body}end\n")
}

/// One word. Only fish takes a backslash between quotes for more than itself.
fn quoted(shell: Shell, word: &str) -> String {
    let word = match shell {
        Shell::Fish => word.replace('\\', "\\\\"),
        Shell::Bash | Shell::Zsh | Shell::Sh => word.to_owned(),
    };
    format!("'{}'", word.replace('\'', "'\\''"))
}
