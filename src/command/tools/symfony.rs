//! Command lines of Symfony's console: which word is the command, how names are completed, how
//! options are parsed (`Input/ArgvInput`, `Application::find` of 4.x to 7.x).

use crate::command::{Args, Opt, Stop, Word};

/// Options that every command of an artisan-like application takes; a `=` marks a value.
const GLOBAL: &[&str] = &[
    "--help",
    "-h",
    "--quiet",
    "-q",
    "--silent",
    "--verbose",
    "-v",
    "--version",
    "-V",
    "--ansi",
    "--no-ansi",
    "--no-interaction",
    "-n",
    "--env=",
];

/// What the words in front of the command's own options say.
pub(super) enum Name {
    /// The command, as it is spelled, and its index in the words.
    Given(String, usize),
    /// None: the list of commands is shown.
    None,
    /// Only help or the version is printed.
    Prints,
}

/// Finds the command's name in the words behind the script.
pub(super) fn name(tokens: &[Word]) -> Name {
    let visible = tokens.iter().take_while(|t| t.text != "--");
    if visible
        .clone()
        .any(|t| is_param(&t.text, "--version", "-V"))
    {
        return Name::Prints;
    }
    if visible.clone().any(|t| is_param(&t.text, "--help", "-h")) {
        return Name::Prints;
    }
    let env = last_env(tokens);
    let mut skip = false;
    for (at, token) in tokens.iter().enumerate() {
        let text = token.text.as_str();
        // PHP: the text `0` is false here.
        if text.starts_with('-') {
            let next = tokens.get(at + 1).map(|t| t.text.as_str());
            if !text.contains('=') && text == "--env" && next.is_some() && next == env {
                skip = true;
            }
            continue;
        }
        if skip {
            skip = false;
            continue;
        }
        return if text.is_empty() {
            Name::None
        } else {
            Name::Given(text.to_owned(), at)
        };
    }
    Name::None
}

fn is_param(text: &str, long: &str, short: &str) -> bool {
    text == long
        || text.strip_prefix(long).is_some_and(|r| r.starts_with('='))
        || text.starts_with(short)
}

/// The value that the application's own parse gives `--env`. That parse stops at the first option
/// it does not know.
fn last_env(tokens: &[Word]) -> Option<&str> {
    let mut env = None;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let text = token.text.as_str();
        if text == "--" {
            break;
        }
        if let Some(value) = text.strip_prefix("--env=") {
            env = Some(value);
        } else if text == "--env" {
            let next = tokens.get(at + 1).map(|t| t.text.as_str());
            if let Some(next) = next.filter(|n| !n.starts_with('-')) {
                env = Some(next);
                at += 1;
            }
        } else if text.starts_with("--") {
            let known = GLOBAL.iter().any(|g| g.trim_end_matches('=') == text);
            if !known {
                break;
            }
        } else if text.len() > 1
            && text.starts_with('-')
            && !text[1..].chars().all(|c| "hqvVn".contains(c))
        {
            break;
        }
        at += 1;
    }
    env
}

/// Whether a typed name completes to a command's name: each part between colons is a beginning.
/// The first answer is for exact case, the second for any.
pub(super) fn completes(typed: &str, name: &str) -> (bool, bool) {
    let exact = matches(typed, name);
    let any = exact || matches(&typed.to_lowercase(), &name.to_lowercase());
    (exact, any)
}

fn matches(typed: &str, name: &str) -> bool {
    let typed: Vec<&str> = typed.split(':').collect();
    let name: Vec<&str> = name.split(':').collect();
    // Not anchored at the end: further parts may follow in the name.
    typed.len() <= name.len() && typed.iter().zip(&name).all(|(t, n)| n.starts_with(t))
}

/// Whether the parts are as many (the final check of the look-up).
fn whole(typed: &str, name: &str) -> bool {
    typed.split(':').count() == name.split(':').count()
}

/// What a typed name may be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Exactly one of the names, or it may be any of these.
    Names(Vec<String>),
    /// More than one name for certain: the console asks for a better one.
    Ambiguous(Vec<String>),
    /// No name that is known.
    Nothing,
}

/// Looks a typed name up. `certain` holds the names that are there in any case, `possible` all that
/// may be there.
pub(super) fn find(typed: &str, certain: &[&str], possible: &[&str]) -> Found {
    if possible.contains(&typed) {
        return Found::Names(vec![typed.to_owned()]);
    }
    let select = |names: &[&str], any: bool| -> Vec<String> {
        names
            .iter()
            .filter(|n| {
                let (exact, loose) = completes(typed, n);
                if any { loose } else { exact }
            })
            .map(|n| (*n).to_owned())
            .collect()
    };
    let mut all = select(possible, false);
    let mut sure = select(certain, false);
    if sure.is_empty() {
        // Names in another case count only where none fits exactly; a possible one may be missing.
        all.extend(select(possible, true));
        all.sort();
        all.dedup();
        sure = select(certain, true);
    }
    let fits: Vec<String> = all.iter().filter(|n| whole(typed, n)).cloned().collect();
    if fits.is_empty() {
        return Found::Nothing;
    }
    if sure.len() > 1 && sure.iter().any(|n| whole(typed, n)) {
        return Found::Ambiguous(sure);
    }
    Found::Names(fits)
}

/// Parses the words of a command whose options are known.
///
/// # Errors
/// What the console rejects: unknown options, values where there are none, too many arguments.
pub(super) fn parse(
    tokens: &[Word],
    base: usize,
    options: &[&str],
    strict: bool,
) -> Result<Args, Stop> {
    let mut args = Args::default();
    let mut at = 0;
    let mut only_operands = false;
    let limit = options
        .iter()
        .find_map(|o| o.strip_prefix('@'))
        .and_then(|n| n.parse::<usize>().ok());
    while let Some(token) = tokens.get(at) {
        let text = token.text.as_str();
        if !only_operands && text == "--" {
            only_operands = true;
        } else if !only_operands && text.starts_with("--") {
            at += long(&mut args, tokens, at, base, options, strict)?;
        } else if !only_operands && text.len() > 1 && text.starts_with('-') {
            at += short(&mut args, tokens, at, base, options, strict)?;
        } else {
            args.operands.push((base + at, token.clone()));
        }
        at += 1;
    }
    // The command's own name is the first argument. A word that is not known may be none.
    let literal = args.operands.iter().filter(|(_, w)| w.unknown.is_none());
    let literal = literal.count();
    if strict && limit.is_some_and(|n| literal > n + 1) {
        return Err(Stop::new("argv-rejected", "too many arguments"));
    }
    if !args.operands.is_empty() {
        args.operands.remove(0);
    }
    Ok(args)
}

fn known(options: &[&str], name: &str) -> Option<bool> {
    options
        .iter()
        .chain(GLOBAL)
        .find(|o| o.trim_end_matches(['=', '?']) == name)
        .map(|o| o.ends_with(['=', '?']))
}

/// Takes a long option; returns how many further words it used.
fn long(
    args: &mut Args,
    tokens: &[Word],
    at: usize,
    base: usize,
    options: &[&str],
    strict: bool,
) -> Result<usize, Stop> {
    let token = &tokens[at];
    let (name, mut value) = match token.text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (token.text.as_str(), None),
    };
    let mut unknown = token.unknown.clone();
    let mut used = 0;
    match known(options, name) {
        None if strict => {
            return Err(Stop::new(
                "argv-rejected",
                format!("the option `{name}` does not exist"),
            ));
        }
        None => {}
        Some(false) if value.is_some() => {
            return Err(Stop::new(
                "argv-rejected",
                format!("the option `{name}` takes no value"),
            ));
        }
        Some(true) if value.is_none() => {
            let next = tokens.get(at + 1);
            // Options of the framework's commands may go without their value.
            if let Some(next) = next.filter(|n| !n.text.starts_with('-')) {
                value = Some(next.text.clone());
                unknown = unknown.or_else(|| next.unknown.clone());
                used = 1;
            }
        }
        Some(_) => {}
    }
    args.options.push(Opt {
        name: name.to_owned(),
        value,
        unknown,
        at: base + at,
    });
    Ok(used)
}

/// Takes a word of short options; returns how many further words it used.
fn short(
    args: &mut Args,
    tokens: &[Word],
    at: usize,
    base: usize,
    options: &[&str],
    strict: bool,
) -> Result<usize, Stop> {
    let token = &tokens[at];
    for letter in token.text.chars().skip(1) {
        let name = format!("-{letter}");
        match known(options, &name) {
            None if strict => {
                return Err(Stop::new(
                    "argv-rejected",
                    format!("the option `{name}` does not exist"),
                ));
            }
            Some(true) => {
                let rest = token.text.split_once(letter).map_or("", |(_, rest)| rest);
                let next = tokens.get(at + 1).filter(|n| !n.text.starts_with('-'));
                let next = next.filter(|_| rest.is_empty());
                args.options.push(Opt {
                    name,
                    value: Some(next.map_or(rest, |n| &n.text).to_owned()),
                    unknown: token.unknown.clone().or_else(|| next?.unknown.clone()),
                    at: base + at,
                });
                return Ok(usize::from(next.is_some()));
            }
            _ => args.options.push(Opt {
                name,
                value: None,
                unknown: token.unknown.clone(),
                at: base + at,
            }),
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<Word> {
        line.split(' ').map(Word::literal).collect()
    }

    fn spelled(line: &str) -> String {
        match name(&words(line)) {
            Name::Given(name, _) => name,
            Name::None => "-".into(),
            Name::Prints => "prints".into(),
        }
    }

    #[test]
    fn the_command_is_found_as_the_console_finds_it() {
        for (line, want) in [
            ("migrate:fresh --force", "migrate:fresh"),
            ("--env testing migrate:fresh", "migrate:fresh"),
            ("--env=testing migrate:fresh", "migrate:fresh"),
            ("--database x mi:f", "x"),
            ("--database=x mi:f", "mi:f"),
            ("-- migrate:fresh", "migrate:fresh"),
            ("-n -q migrate", "migrate"),
            ("migrate -h", "prints"),
            ("migrate -- -h", "migrate"),
            ("-V migrate", "prints"),
            ("--force", "-"),
        ] {
            assert_eq!(spelled(line), want, "{line}");
        }
    }

    #[test]
    fn names_complete_part_by_part() {
        let core = [
            "migrate",
            "migrate:fresh",
            "migrate:refresh",
            "migrate:reset",
            "make:factory",
            "db:wipe",
            "down",
        ];
        let one = |typed: &str| find(typed, &core, &core);
        assert_eq!(one("mi:f"), Found::Names(vec!["migrate:fresh".into()]));
        assert_eq!(
            one("MIGRATE:FRESH"),
            Found::Names(vec!["migrate:fresh".into()])
        );
        assert_eq!(one("d:w"), Found::Names(vec!["db:wipe".into()]));
        assert_eq!(one("migrate"), Found::Names(vec!["migrate".into()]));
        assert!(matches!(one("m:f"), Found::Ambiguous(_)));
        assert!(matches!(one("migrate:re"), Found::Ambiguous(_)));
        assert_eq!(one("migrate:frash"), Found::Nothing);
        assert_eq!(
            find("mi:f", &["make:x"], &["migrate:fresh", "make:x"]),
            Found::Names(vec!["migrate:fresh".into()])
        );
    }
}
