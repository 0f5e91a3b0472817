//! Options as `getopt_long` and MySQL's own parser really take them: bundles, attached values,
//! unique beginnings of long names, permutation. The table stands in the catalogue under
//! `data.options`: `letter:name`, with `=` for a value and `?` for one that must be attached.

use crate::command::{Args, Opt, Step, Tool, Word};

/// How a program's parser differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// GNU `getopt_long`; `posix` ends options at the first operand (`POSIXLY_CORRECT`).
    Gnu {
        /// Options end at the first operand.
        posix: bool,
    },
    /// MySQL's: `-` and `_` are the same in long names, `--loose-`, `--skip-` and the like.
    Mysql,
}

/// Options, operands and what could not be taken.
#[derive(Debug, Default)]
pub struct Parsed {
    /// Options under their long name (`--host`; `-1` where there is none).
    pub args: Args,
    /// Why an option could not be read.
    pub trouble: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
    Attached,
}

struct Entry<'t> {
    letter: Option<char>,
    name: &'t str,
    takes: Takes,
}

fn entry(text: &str) -> Entry<'_> {
    let (letter, name) = text.split_once(':').unwrap_or(("", text));
    let (name, takes) = match (name.strip_suffix('='), name.strip_suffix('?')) {
        (Some(name), _) => (name, Takes::Value),
        (_, Some(name)) => (name, Takes::Attached),
        _ => (name, Takes::Nothing),
    };
    Entry {
        letter: letter.chars().next(),
        name,
        takes,
    }
}

impl Entry<'_> {
    fn canonical(&self) -> String {
        match (self.name, self.letter) {
            ("", Some(letter)) => format!("-{letter}"),
            (name, _) => format!("--{name}"),
        }
    }
}

/// Parses the words of a step by the tool's table.
pub fn parse(tool: &Tool, step: &Step, style: Style) -> Parsed {
    parse_words(tool.data("options"), &step.argv, style)
}

/// Parses words (the first is the program) by a table.
pub fn parse_words(table: &[&str], argv: &[Word], style: Style) -> Parsed {
    let mut parsed = Parsed::default();
    let mut at = 1;
    let mut only_operands = false;
    while let Some(word) = argv.get(at) {
        let text = word.text.as_str();
        if only_operands || text == "-" || !text.starts_with('-') || text.is_empty() {
            parsed.args.operands.push((at, word.clone()));
            only_operands |= style == Style::Gnu { posix: true };
        } else if text == "--" {
            only_operands = true;
        } else if let Some(long) = text.strip_prefix("--") {
            at += long_option(table, argv, at, long, style, &mut parsed);
        } else {
            at += short_options(table, argv, at, &mut parsed);
        }
        at += 1;
    }
    parsed
}

fn push(parsed: &mut Parsed, name: String, value: Option<String>, at: usize, word: &Word) {
    parsed.args.options.push(Opt {
        name,
        value,
        unknown: word.unknown.clone(),
        at,
    });
}

fn long_option(
    table: &[&str],
    argv: &[Word],
    at: usize,
    long: &str,
    style: Style,
    parsed: &mut Parsed,
) -> usize {
    let word = &argv[at];
    let (name, value) = match long.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (long, None),
    };
    let name = match style {
        Style::Mysql => mysql_name(name),
        Style::Gnu { .. } => name.to_owned(),
    };
    let found = match find_long(table, &name) {
        Ok(found) => found,
        Err(why) => {
            let mysql = style == Style::Mysql;
            if mysql && (long.starts_with("loose") || switches_off(table, &name)) {
                return 0;
            }
            parsed.trouble.get_or_insert(why);
            return 0;
        }
    };
    match (found.takes, value) {
        (Takes::Value, None) => {
            let next = argv.get(at + 1);
            let mut holder = word.clone();
            holder.unknown = holder
                .unknown
                .or_else(|| next.and_then(|w| w.unknown.clone()));
            push(
                parsed,
                found.canonical(),
                next.map(|w| w.text.clone()),
                at,
                &holder,
            );
            usize::from(next.is_some())
        }
        (_, value) => {
            push(parsed, found.canonical(), value, at, word);
            0
        }
    }
}

/// `loose_host` is `host`; a beginning that only switches is taken off.
fn mysql_name(name: &str) -> String {
    let name = name.replace('_', "-");
    name.strip_prefix("loose-").unwrap_or(&name).to_owned()
}

/// `--skip-x` and `--disable-x` of a switch: it counts as not given.
fn switches_off(table: &[&str], name: &str) -> bool {
    ["skip-", "disable-", "enable-"]
        .iter()
        .filter_map(|start| name.strip_prefix(start))
        .any(|base| find_long(table, base).is_ok_and(|e| e.takes != Takes::Value))
}

/// The entry of exactly that name, or the only one that starts with it.
fn find_long<'t>(table: &[&'t str], name: &str) -> Result<Entry<'t>, String> {
    let mut starting: Option<Entry<'t>> = None;
    let mut several = false;
    for item in table {
        let candidate = entry(item);
        if candidate.name == name {
            return Ok(candidate);
        }
        if !candidate.name.is_empty() && candidate.name.starts_with(name) {
            several |= starting.as_ref().is_some_and(|s| s.name != candidate.name);
            starting = Some(candidate);
        }
    }
    let shown: String = name.chars().take(40).collect();
    match starting {
        Some(_) if several => Err(format!("the option `--{shown}` is ambiguous")),
        Some(found) => Ok(found),
        None => Err(format!("the option `--{shown}` is not known here")),
    }
}

fn short_options(table: &[&str], argv: &[Word], at: usize, parsed: &mut Parsed) -> usize {
    let word = &argv[at];
    for (offset, letter) in word.text.char_indices().skip(1) {
        let Some(found) = table
            .iter()
            .map(|e| entry(e))
            .find(|e| e.letter == Some(letter))
        else {
            parsed
                .trouble
                .get_or_insert(format!("the option `-{letter}` is not known here"));
            return 0;
        };
        let rest = &word.text[offset + letter.len_utf8()..];
        match found.takes {
            Takes::Nothing => push(parsed, found.canonical(), None, at, word),
            Takes::Attached => {
                let value = (!rest.is_empty()).then(|| rest.to_owned());
                push(parsed, found.canonical(), value, at, word);
                return 0;
            }
            Takes::Value if !rest.is_empty() => {
                push(parsed, found.canonical(), Some(rest.to_owned()), at, word);
                return 0;
            }
            Takes::Value => {
                let next = argv.get(at + 1);
                let mut holder = word.clone();
                holder.unknown = holder
                    .unknown
                    .or_else(|| next.and_then(|w| w.unknown.clone()));
                push(
                    parsed,
                    found.canonical(),
                    next.map(|w| w.text.clone()),
                    at,
                    &holder,
                );
                return usize::from(next.is_some());
            }
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[&str] = &[
        "h:host=",
        "X:no-psqlrc",
        "A:",
        "t:",
        "c:command=",
        "p:password?",
        ":hostname-x",
        "P:port=",
    ];

    fn shown(line: &str, style: Style) -> String {
        let argv: Vec<Word> = line.split(' ').map(Word::literal).collect();
        let parsed = parse_words(TABLE, &argv, style);
        let options: Vec<String> = parsed
            .args
            .options
            .iter()
            .map(|o| format!("{}={}", o.name, o.value.as_deref().unwrap_or("")))
            .collect();
        let operands: Vec<&str> = parsed.args.operand_texts().collect();
        let trouble = if parsed.trouble.is_some() { "!" } else { "" };
        format!("{} | {}{trouble}", options.join(" "), operands.join(" "))
    }

    #[test]
    fn options_are_taken_as_the_programs_take_them() {
        let gnu = Style::Gnu { posix: false };
        for (line, expected) in [
            (
                "p -XAthprod shop",
                "--no-psqlrc= -A= -t= --host=prod | shop",
            ),
            ("p shop -h x", "--host=x | shop"),
            ("p --host=x --host y", "--host=x --host=y | "),
            ("p --por 5", "--port=5 | "),
            ("p --ho x", " | x!"),
            ("p -- -h x", " | -h x"),
            ("p -p secret", "--password= | secret"),
            ("p --nope x", " | x!"),
        ] {
            assert_eq!(shown(line, gnu), expected, "{line}");
        }
        assert_eq!(shown("p a -h x", Style::Gnu { posix: true }), " | a -h x");
        assert_eq!(
            shown(
                "p --loose_host=x --loose-nope=1 --skip-no-psqlrc",
                Style::Mysql
            ),
            "--host=x | "
        );
    }
}
