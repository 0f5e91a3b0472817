//! Options and operands of a command line, by a table of the options that take a value.

use super::Word;

/// One option as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opt {
    /// The name with its dashes: `--database`, `-d`.
    pub name: String,
    /// Its value, attached or as the next word.
    pub value: Option<String>,
    /// Why name or value cannot be known.
    pub unknown: Option<String>,
    /// Index of the word in `argv`.
    pub at: usize,
}

/// Options and operands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Args {
    /// Options in order.
    pub options: Vec<Opt>,
    /// Operands in order, each with its index in `argv`.
    pub operands: Vec<(usize, Word)>,
}

impl Args {
    /// Parses the words after the program the way `getopt_long` with permutation does: `--x=v`,
    /// `--x v` and `-x v` for names in `with_value`, `-xv`, bundles of short flags, `--`.
    pub fn parse(argv: &[Word], with_value: &[&str]) -> Args {
        let mut args = Args::default();
        let mut only_operands = false;
        let mut at = 1;
        while at < argv.len() {
            let word = &argv[at];
            if only_operands || word.text == "-" || !word.text.starts_with('-') {
                args.operands.push((at, word.clone()));
            } else if word.text == "--" {
                only_operands = true;
            } else {
                at += args.take_option(argv, at, with_value);
            }
            at += 1;
        }
        args
    }

    /// Parses the way Go's `flag` package does: `-name` and `--name` are one option each, nothing is
    /// bundled. Options may stand anywhere.
    pub fn parse_whole(argv: &[Word], with_value: &[&str]) -> Args {
        let mut args = Args::default();
        let mut at = 1;
        while let Some(word) = argv.get(at) {
            if word.text == "-" || word.text == "--" || !word.text.starts_with('-') {
                args.operands.push((at, word.clone()));
                at += 1;
                continue;
            }
            let (name, mut value) = match word.text.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (word.text.clone(), None),
            };
            let mut unknown = word.unknown.clone();
            let mut used = 1;
            if value.is_none()
                && with_value.contains(&name.as_str())
                && let Some(next) = argv.get(at + 1)
            {
                value = Some(next.text.clone());
                unknown = unknown.or_else(|| next.unknown.clone());
                used = 2;
            }
            args.options.push(Opt {
                name,
                value,
                unknown,
                at,
            });
            at += used;
        }
        args
    }

    /// Parses by the tool's own table and manner (`data.go-flags`).
    pub fn of(tool: &super::Tool, argv: &[Word]) -> Args {
        if tool.data("go-flags").is_empty() {
            Args::parse(argv, tool.value_options)
        } else {
            Args::parse_whole(argv, tool.value_options)
        }
    }

    /// Takes the option at `at`; returns how many further words it used.
    fn take_option(&mut self, argv: &[Word], at: usize, with_value: &[&str]) -> usize {
        let word = &argv[at];
        let mut push = |name: &str, value: Option<String>, unknown: Option<String>| {
            self.options.push(Opt {
                name: name.to_owned(),
                value,
                unknown,
                at,
            });
        };
        if let Some((name, value)) = word.text.split_once('=')
            && (word.text.starts_with("--") || with_value.contains(&name))
        {
            push(name, Some(value.to_owned()), word.unknown.clone());
            return 0;
        }
        if word.text.starts_with("--") || with_value.contains(&word.text.as_str()) {
            if !with_value.contains(&word.text.as_str()) {
                push(&word.text, None, word.unknown.clone());
                return 0;
            }
            let next = argv.get(at + 1);
            let unknown = word
                .unknown
                .clone()
                .or_else(|| next.and_then(|w| w.unknown.clone()));
            push(&word.text, next.map(|w| w.text.clone()), unknown);
            return usize::from(next.is_some());
        }
        for (offset, letter) in word.text.char_indices().skip(1) {
            let name = format!("-{letter}");
            if !with_value.contains(&name.as_str()) {
                push(&name, None, word.unknown.clone());
                continue;
            }
            let rest = &word.text[offset + letter.len_utf8()..];
            if !rest.is_empty() {
                push(&name, Some(rest.to_owned()), word.unknown.clone());
                return 0;
            }
            let next = argv.get(at + 1);
            let unknown = word
                .unknown
                .clone()
                .or_else(|| next.and_then(|w| w.unknown.clone()));
            push(&name, next.map(|w| w.text.clone()), unknown);
            return usize::from(next.is_some());
        }
        0
    }

    /// Whether any of these options was given.
    pub fn has(&self, names: &[&str]) -> bool {
        self.options
            .iter()
            .any(|o| names.contains(&o.name.as_str()))
    }

    /// The last of these options that was given.
    pub fn last(&self, names: &[&str]) -> Option<&Opt> {
        self.options
            .iter()
            .rev()
            .find(|o| names.contains(&o.name.as_str()))
    }

    /// The value of the last of these options that has one.
    pub fn value(&self, names: &[&str]) -> Option<&str> {
        self.options
            .iter()
            .rev()
            .filter(|o| names.contains(&o.name.as_str()))
            .find_map(|o| o.value.as_deref())
    }

    /// The operand of that number, from 0.
    pub fn operand(&self, number: usize) -> Option<&str> {
        self.operands.get(number).map(|(_, w)| w.text.as_str())
    }

    /// All operands as text.
    pub fn operand_texts(&self) -> impl Iterator<Item = &str> {
        self.operands.iter().map(|(_, w)| w.text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Args {
        let argv: Vec<Word> = line.split(' ').map(Word::literal).collect();
        Args::parse(&argv, &["-d", "--database", "-e"])
    }

    #[test]
    fn values_are_taken_attached_or_from_the_next_word() {
        for line in [
            "p --database=x y",
            "p --database x y",
            "p -dx y",
            "p -d x y",
            "p -vd x y",
            "p -d=x y",
        ] {
            let args = parse(line);
            let value = args.value(&["-d", "--database"]);
            assert_eq!(value, Some("x"), "{line}");
            assert_eq!(args.operand_texts().collect::<Vec<_>>(), ["y"], "{line}");
        }
    }

    #[test]
    fn the_last_one_wins_and_double_dash_ends_options() {
        let args = parse("p -d a -d b -- -d c");
        assert_eq!(args.value(&["-d"]), Some("b"));
        assert_eq!(args.operand_texts().collect::<Vec<_>>(), ["-d", "c"]);
    }
}
