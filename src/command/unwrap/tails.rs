//! Wrappers whose last words are the command: `nice -n 5 CMD`, `op run -- CMD`.

use super::{nothing, script_step};
use crate::command::{Args, Place, Reading, Step, Tool, Word, World};

/// A program whose operands, and the options of `data.script`, are shell lines.
pub(super) fn lines(tool: &'static Tool, step: &Step) -> Reading {
    let args = Args::parse(&step.argv, tool.value_options);
    let scripts = tool.data("script");
    let given = args.options.iter();
    let options = given
        .filter(|o| scripts.contains(&o.name.as_str()))
        .map(|o| Word {
            text: o.value.clone().unwrap_or_default(),
            unknown: o.unknown.clone(),
        });
    let words = args.operands.iter().map(|(_, word)| word.clone());
    let run = |word| script_step(step, "sh", word).through(tool.name);
    Reading::steps(options.chain(words).map(run).collect())
}

/// Runners of a Procfile: `start` runs its lines, `run` a command; by default what the first of
/// `data.starts` says.
pub(super) fn procfile(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let args = Args::parse(&step.argv, tool.value_options);
    let verb = args.operand(0);
    let starts = verb.is_some_and(|verb| tool.data("starts").contains(&verb));
    let whole = tool.data("bare").contains(&step.program());
    if !starts && !whole || args.has(&["--help", "--version", "-h"]) {
        return shaped(tool, step);
    }
    let named = args.value(&["-f", "--procfile"]);
    let named = named.or_else(|| verb.filter(|_| whole && !starts));
    let mut base = step.clone().through(step.program());
    if let Some(dir) = args.value(&["-d", "--root", "--app-root"]) {
        base.cwd = base.path(dir);
    }
    if let Some(why) = tool.data("opens").first() {
        base.vars_open = Some(format!("`{}` {why}", step.program()));
    }
    let text = world
        .files
        .read_text(&base.path(named.unwrap_or("Procfile")));
    if base.place != Place::Here || base.cwd_unknown.is_some() {
        return Reading::opaque(Some(tool), &base, "Procfile", "a Procfile that is not seen");
    }
    let text = text.unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let one = args.operand(1).filter(|_| starts);
    let wanted = |name: &str| one.is_none_or(|one| one.split([',', '=', ' ']).any(|o| o == name));
    let lines = lines.filter(|(name, _)| !name.trim().starts_with('#') && wanted(name.trim()));
    let run = |line: &str| script_step(&base, "sh", Word::literal(line.trim()));
    Reading::steps(lines.map(|(_, line)| run(line)).collect())
}

/// A wrapper whose tail is the command. The catalogue gives its options with values and, under
/// `data`: `program` (options that name the program), `session` (without a command a shell reads
/// standard input), `verb` (subcommands that start a command; with any other word it starts none), `skip`
/// (words before the command), `script` (options whose value is run by a shell), `no-command`
/// (options with which nothing is started), `opens` (why variables are added that cannot be
/// seen), `place` (where else it runs), `joins` (the words are joined and run by a shell).
pub fn prefix(tool: &'static Tool, step: &Step) -> Reading {
    let first = |key: &str| tool.data(key).first().copied();
    let skip = first("skip").and_then(|n| n.parse().ok()).unwrap_or(0usize);
    let mut start = after_options(&step.argv, 1, tool.value_options);
    let verbs = tool.data("verb");
    if !verbs.is_empty() {
        match verb_length(&step.argv, start, verbs) {
            Some(length) => {
                start = after_options(&step.argv, start + length, tool.value_options);
            }
            None => return crate::command::tools::words(tool, step),
        }
    }
    let options = step.argv.get(..start).unwrap_or(&step.argv);
    let args = Args::parse(options, tool.value_options);
    if args.has(tool.data("no-command")) {
        return nothing(tool, step, args);
    }
    let mut base = step.clone();
    if let Some(why) = first("opens") {
        base.vars_open = Some(format!("`{}` {why}", tool.name));
    }
    if let Some(place) = first("place") {
        base = super::elsewhere(&base, place.to_owned());
    }
    let scripts = tool.data("script");
    if let Some(option) = Args::parse(&step.argv, tool.value_options).last(scripts)
        && !scripts.is_empty()
        && option.at <= start + skip
    {
        let word = Word {
            text: option.value.clone().unwrap_or_default(),
            unknown: option.unknown.clone(),
        };
        return Reading::steps(vec![script_step(&base, "sh", word).through(tool.name)]);
    }
    if !tool.data("options-only").is_empty() {
        return Reading::opaque(Some(tool), step, "session", "an interactive session");
    }
    if let Some(option) = args.last(tool.data("program")) {
        // The option names the program, the words behind the skipped ones are its own.
        let program = Word {
            text: option.value.clone().unwrap_or_default(),
            unknown: option.unknown.clone(),
        };
        let rest = step.argv.get(start + skip..).unwrap_or(&[]);
        let argv = std::iter::once(program)
            .chain(rest.iter().cloned())
            .collect();
        return Reading::steps(vec![base.with_argv(argv).through(tool.name)]);
    }
    if !tool.data("program").is_empty() {
        return nothing(tool, step, args);
    }
    start += skip;
    if step.argv.get(start).is_some_and(|w| w.text == "--") {
        start += 1;
    }
    let Some(argv) = step.argv.get(start..).filter(|a| !a.is_empty()) else {
        if base.place != Place::Here && first("place").is_some() {
            let why = "an interactive session";
            return Reading::opaque(Some(tool), &base, "session", why);
        }
        if first("session").is_some() && step.argv.len() > 1 {
            return Reading::steps(vec![
                base.with_argv(vec![Word::literal("sh")]).through(tool.name),
            ]);
        }
        return nothing(tool, step, args);
    };
    let next = if first("joins").is_some() || (scripts.is_empty() && only_script(tool, argv)) {
        script_step(&base, "sh", super::joined(argv))
    } else if argv.first().is_some_and(|w| w.text == "-c") {
        // The words of a shell (`capsh -- -c`).
        let shell = std::iter::once(Word::literal("sh"));
        base.with_argv(shell.chain(argv.iter().cloned()).collect())
    } else {
        base.with_argv(argv.to_vec())
    };
    Reading::steps(vec![next.through(tool.name)])
}

/// A wrapper by the `shapes` of the catalogue: `program verb... N`, where the command stands
/// behind `--` (or one of `dividers`), or else N words behind the verb; `*`: only behind a divider.
pub(super) fn shaped(tool: &'static Tool, step: &Step) -> Reading {
    let mut base = step.clone();
    if let Some(why) = tool.data("opens").first() {
        base.vars_open = Some(format!("`{}` {why}", step.program()));
    }
    let first = after_options(&step.argv, 1, tool.value_options);
    for shape in tool.data("shapes") {
        let mut parts: Vec<&str> = shape.split(' ').collect();
        let count = parts.pop().unwrap_or("*");
        let Some((program, verb)) = parts.split_first() else {
            continue;
        };
        let words = step.argv.get(first..first + verb.len()).unwrap_or(&[]);
        let same = words
            .iter()
            .map(|w| w.text.as_str())
            .eq(verb.iter().copied());
        if *program != step.program() || !same {
            continue;
        }
        let from = first + verb.len();
        let counted = count.parse::<usize>().ok().map(|skip| {
            let at = after_options(&step.argv, from, tool.value_options) + skip;
            after_options(&step.argv, at, tool.value_options)
        });
        let behind = if verb.is_empty() { 1 } else { from };
        let divided = divider(tool, &step.argv, behind, counted.is_none());
        let next = |at: usize| {
            let mut argv = step
                .argv
                .get(at..)
                .filter(|argv| !argv.is_empty())?
                .to_vec();
            if !tool.data("versions").is_empty()
                && let Some(program) = argv.first_mut()
                && let Some(end) = program.text.find('@')
            {
                program.text.truncate(end);
            }
            let mut next = base.with_argv(argv);
            if !tool.data("place").is_empty() {
                next = super::elsewhere(&next, parts.join(" "));
            }
            Some(next.through(step.program()))
        };
        let Some(start) = divided.or(counted).and_then(next) else {
            continue;
        };
        // The divider may be the command's own.
        let other = counted.filter(|at| divided.is_some_and(|d| d != *at));
        let other = other.and_then(next).map(|mut step| {
            step.supposed += 1;
            step
        });
        return Reading::steps(std::iter::once(start).chain(other).collect());
    }
    crate::command::tools::words(tool, step)
}

/// A program whose first word names another program (`cargo sqlx`), where that is one of
/// `data.programs`.
pub(super) fn subcommand(tool: &'static Tool, step: &Step) -> Reading {
    let mut at = after_options(&step.argv, 1, tool.value_options);
    // `cargo +nightly`.
    at += usize::from(step.argv.get(at).is_some_and(|w| w.text.starts_with('+')));
    match (step.argv.get(at), step.tail(at)) {
        (Some(word), Some(tail)) if tool.data("programs").contains(&word.text.as_str()) => {
            Reading::steps(vec![tail.through(step.program())])
        }
        _ => nothing(tool, step, Args::default()),
    }
}

fn divider(tool: &Tool, argv: &[Word], from: usize, others: bool) -> Option<usize> {
    let dividers = tool.data(if others { "dividers" } else { "" });
    let at = argv
        .iter()
        .skip(from)
        .position(|w| w.text == "--" || dividers.contains(&w.text.as_str()))?;
    Some(from + at + 1)
}

/// Tools that give a single word with blanks to a shell (`sops exec-env FILE 'cmd args'`).
fn only_script(tool: &Tool, argv: &[Word]) -> bool {
    !tool.data("one-word-script").is_empty()
        && argv.len() == 1
        && argv.first().is_some_and(|w| w.text.contains(' '))
}

fn verb_length(argv: &[Word], start: usize, verbs: &[&str]) -> Option<usize> {
    verbs.iter().find_map(|verb| {
        let mut length = 0;
        for part in verb.split(' ') {
            if argv.get(start + length).is_none_or(|w| w.text != part) {
                return None;
            }
            length += 1;
        }
        Some(length)
    })
}

/// The words after the wrapper's own options and `skip` further words. Options end at the first
/// word that is none.
pub fn tail_after_options(argv: &[Word], with_value: &[&str], skip: usize) -> Option<Vec<Word>> {
    let start = after_options(argv, 1, with_value) + skip;
    argv.get(start..)
        .filter(|rest| !rest.is_empty())
        .map(<[Word]>::to_vec)
}

/// Where the options that begin at `from` end (behind a `--`).
pub(super) fn after_options(argv: &[Word], from: usize, with_value: &[&str]) -> usize {
    let mut at = from;
    while let Some(word) = argv.get(at) {
        let text = word.text.as_str();
        if text == "--" {
            return at + 1;
        }
        if text == "-" || !text.starts_with('-') {
            break;
        }
        at += 1 + usize::from(takes_next(text, with_value));
    }
    at.min(argv.len())
}

/// Whether an option word takes the next word as its value.
pub(super) fn takes_next(text: &str, with_value: &[&str]) -> bool {
    if with_value.contains(&text) {
        return true;
    }
    if text.starts_with("--") || text.contains('=') {
        return false;
    }
    let mut letters = text.chars().skip(1).peekable();
    let mut buffer = String::with_capacity(4);
    while let Some(letter) = letters.next() {
        buffer.clear();
        buffer.push('-');
        buffer.push(letter);
        if with_value.contains(&buffer.as_str()) {
            return letters.peek().is_none();
        }
    }
    false
}
