//! Shell lines of an agent: how they are put behind `tagout run` so that they mean the same.

use crate::command::shell::ast::{Command, List, Node, Part, Pipeline, Redirection, Word};
#[cfg(test)]
use crate::command::shell::quoted;
use crate::command::shell::{Dialect, parse};

/// Builtins that start nothing and change only the shell itself.
const BUILTINS: &[&str] = &[
    ":", "[", "alias", "bg", "cd", "declare", "dirs", "disown", "echo", "export", "false", "fg",
    "hash", "help", "history", "jobs", "local", "popd", "printf", "pushd", "pwd", "set", "shopt",
    "test", "true", "type", "typeset", "ulimit", "umask", "unalias", "unset", "wait",
];

/// Words that a shell does not look for in PATH.
const KEYWORDS: &[&str] = &[
    ".", "break", "builtin", "case", "command", "continue", "coproc", "do", "done", "elif", "else",
    "esac", "eval", "exec", "exit", "fi", "for", "function", "getopts", "if", "in", "kill", "let",
    "logout", "mapfile", "read", "readonly", "return", "select", "shift", "source", "suspend",
    "then", "time", "times", "trap", "until", "while",
];

/// The words of a line that is one program with literal words, which mean the same without a
/// shell.
pub fn simple_words(line: &str) -> Option<Vec<String>> {
    let list = parse(line, Dialect::Bash).ok()?;
    let [only] = list.items.as_slice() else {
        return None;
    };
    let [command] = only.first.commands.as_slice() else {
        return None;
    };
    let Node::Simple { assigns, words } = &command.node else {
        return None;
    };
    let alone = only.rest.is_empty() && !only.background && !only.first.negated;
    if !alone || !assigns.is_empty() || !command.redirects.is_empty() || line.contains('#') {
        return None;
    }
    let words: Vec<String> = words.iter().map(literal).collect::<Option<_>>()?;
    let first = words.first()?;
    let shells_own = BUILTINS.contains(&first.as_str()) || KEYWORDS.contains(&first.as_str());
    let plain = first
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "-_./@%+".contains(c));
    (plain && !first.is_empty() && !shells_own).then_some(words)
}

/// The text of a word that no shell expands.
fn literal(word: &Word) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c);
    let mut text = String::new();
    for part in &word.parts {
        match part {
            // In zsh `=name` stands for a program's path.
            Part::Text(t) if t.chars().all(plain) && !t.starts_with('=') => text.push_str(t),
            Part::Quoted(t) => text.push_str(t),
            _ => return None,
        }
    }
    Some(text)
}

/// Whether the line only changes or asks the shell itself: put behind a launcher it would lose its
/// meaning (`cd src`).
pub fn starts_nothing(line: &str) -> bool {
    parse(line, Dialect::Bash).is_ok_and(|list| !list.items.is_empty() && quiet(&list))
}

fn quiet(list: &List) -> bool {
    pipelines(list).all(|p| p.commands.iter().all(quiet_command))
}

fn quiet_command(command: &Command) -> bool {
    let Node::Simple { assigns, words } = &command.node else {
        return false;
    };
    let program = words.first().and_then(Word::literal);
    program.is_some_and(|p| BUILTINS.contains(&p.as_str()))
        && words
            .iter()
            .chain(assigns.iter().map(|a| &a.value))
            .all(inert)
        && command.redirects.iter().all(|r| match &r.what {
            Redirection::Here(_) => false,
            Redirection::Read(w)
            | Redirection::Write(w)
            | Redirection::Append(w)
            | Redirection::CopyIn(w)
            | Redirection::CopyOut(w)
            | Redirection::HereString(w) => inert(w),
        })
}

/// A word whose expansion starts nothing.
fn inert(word: &Word) -> bool {
    word.parts.iter().all(|part| match part {
        Part::Text(_) | Part::Quoted(_) => true,
        Part::Parameter(p) => p.operator.is_empty() && p.index.is_none(),
        Part::Command { .. }
        | Part::Arithmetic { .. }
        | Part::Process { .. }
        | Part::List(_)
        | Part::Unclear(_) => false,
    })
}

/// A line's leading `cd FOLDER &&` and the rest of it, where the rest only runs after it: the
/// change of directory stays in the agent's shell, which keeps it for the next command.
pub fn split_leading_cd(line: &str) -> Option<(&str, &str)> {
    let trimmed = line.trim_start();
    let tail = trimmed.strip_prefix("cd ")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./~".contains(c);
    let folder = tail.split(|c| !plain(c)).next().filter(|f| !f.is_empty())?;
    let after = tail.get(folder.len()..)?.trim_start_matches(' ');
    let rest = after.strip_prefix("&&")?.trim_start();
    let chained = parse(line, Dialect::Bash).is_ok_and(|list| match list.items.as_slice() {
        [only] => !only.background && only.rest.iter().all(|(and, _)| *and),
        _ => false,
    });
    let head = line.get(..line.len() - rest.len())?;
    (chained && !rest.is_empty()).then_some((head, rest))
}

/// The pipelines of a list, in order.
fn pipelines(list: &List) -> impl Iterator<Item = &Pipeline> {
    list.items.iter().flat_map(|item| {
        std::iter::once(&item.first).chain(item.rest.iter().map(|(_, pipeline)| pipeline))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_plain_lines_lose_their_shell() {
        let words = |line| simple_words(line).map(|w| w.join("|"));
        assert_eq!(
            words("psql -c 'select \"1\"' \"x\"y"),
            Some("psql|-c|select \"1\"|xy".into())
        );
        assert_eq!(
            words("php artisan  migrate --force "),
            Some("php|artisan|migrate|--force".into())
        );
        for line in [
            "", " ", "a;b", "a $B", "a *", "A=b c", "cd x", "echo hi", "if x", "a\nb", "a ~/x",
            "a #b", "eval x", "a =ls", "exit 2", "é",
        ] {
            assert_eq!(words(line), None, "{line:?}");
        }
    }

    #[test]
    fn lines_that_start_nothing_are_told() {
        for line in [
            "cd src",
            "cd src && pwd",
            "export A=1; echo $A",
            "true",
            "echo hi > x",
        ] {
            assert!(starts_nothing(line), "{line}");
        }
        for line in [
            "ls",
            "cd src && ls",
            "echo $(ls)",
            "export A=`ls`",
            "",
            "if true; then ls; fi",
            "f() { ls; }",
            "eval ls",
            "((",
            "echo ${A:=$(ls)}",
            "cat <<X\nX",
        ] {
            assert!(!starts_nothing(line), "{line}");
        }
    }

    #[test]
    fn a_leading_change_of_directory_stays_outside() {
        let cases = [
            (
                "cd app && php artisan migrate",
                Some(("cd app && ", "php artisan migrate")),
            ),
            ("cd a/b && x | y && z", Some(("cd a/b && ", "x | y && z"))),
            ("cd app; x", None),
            ("cd app && x; y", None),
            ("cd app && x || y", None),
            ("cd app && x &", None),
            ("cd $A && x", None),
            ("cd app &&", None),
            ("cdx && y", None),
        ];
        for (line, expected) in cases {
            assert_eq!(split_leading_cd(line), expected, "{line}");
        }
    }

    proptest! {
        #[test]
        fn a_quoted_word_comes_back(text in "[^\\x00]{0,40}") {
            let list = parse(&format!("x {}", quoted(&text)), Dialect::Bash);
            let list = list.map_err(|_| TestCaseError::fail("unreadable"))?;
            let Some(Node::Simple { words, .. }) = pipelines(&list).next().map(|p| &p.commands[0].node) else {
                return Err(TestCaseError::fail("no command"));
            };
            prop_assert_eq!(words[1].literal(), Some(text));
        }

        #[test]
        fn no_line_makes_it_panic(line in "\\PC{0,60}") {
            let _ = (simple_words(&line), starts_nothing(&line), split_leading_cd(&line));
        }
    }
}
