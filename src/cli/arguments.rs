//! tagout's own words. `run` and `explain` are read by a small parser of their own, because the
//! launch path is hot; whatever it does not take (help, mistakes, other subcommands) goes to clap,
//! which defines everything.

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};

use crate::plan::Request;

/// What is asked of `run` and `explain`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The profile.
    pub profile: Option<String>,
    /// Names to let through.
    pub keep: Vec<String>,
    /// Machine-readable output (`explain`).
    pub json: bool,
    /// List every variable (`explain`).
    pub all: bool,
    /// Ask the framework itself for its connections.
    pub probe: bool,
    /// Leave standard input unread: what it says counts as opaque.
    pub no_spool: bool,
    /// The user's configuration folder, where it is not the usual one.
    pub config: Option<String>,
    /// The descriptor where to tell the caller how it went, as lines of JSON (`run`).
    pub status_fd: Option<i32>,
    /// The descriptor or file where to tell it with the plan (`run`).
    pub json_status: Option<String>,
    /// The wrapped command's name, which may have a profile of its own.
    pub hook: Option<OsString>,
    /// The command.
    pub argv: Vec<OsString>,
}

impl Asked {
    /// The part that `plan()` judges.
    pub fn request(&self) -> Request {
        Request {
            profile: self.profile.clone(),
            keep: self.keep.clone(),
            argv: self.argv.clone(),
        }
    }
}

/// The two subcommands that take a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Start it.
    Run,
    /// Say what would happen.
    Explain,
}

/// Reads `run ...` and `explain ...` without clap; `None` where clap must look at the words.
pub fn fast(args: &[OsString]) -> Option<(Verb, Asked)> {
    let verb = match args.get(1)?.to_str()? {
        "run" => Verb::Run,
        "explain" => Verb::Explain,
        _ => return None,
    };
    let mut asked = Asked::default();
    let mut rest = args.get(2..)?.iter();
    while let Some(word) = rest.next() {
        let text = word.to_str().unwrap_or("");
        let (name, attached) = match text.split_once('=') {
            Some((name, value)) if text.starts_with("--") => (name, Some(value.to_owned())),
            _ => (text, None),
        };
        match (name, attached) {
            ("--", None) => {
                asked.argv = rest.cloned().collect();
                break;
            }
            ("-p" | "--profile", attached) => asked.profile = Some(value(attached, &mut rest)?),
            ("--keep", attached) => asked.keep.push(value(attached, &mut rest)?),
            ("--config", attached) => asked.config = Some(value(attached, &mut rest)?),
            ("--hook", attached) => asked.hook = Some(value(attached, &mut rest)?.into()),
            ("--probe", None) => asked.probe = true,
            ("--json", None) if verb == Verb::Explain => asked.json = true,
            ("--all", None) if verb == Verb::Explain => asked.all = true,
            ("--status-fd", attached) if verb == Verb::Run => {
                asked.status_fd = Some(value(attached, &mut rest)?.parse().ok()?)
            }
            ("--json-status", attached) if verb == Verb::Run => {
                asked.json_status = Some(value(attached, &mut rest)?);
            }
            _ if !text.is_empty() && !text.starts_with('-') => {
                asked.argv = std::iter::once(word).chain(rest).cloned().collect();
                break;
            }
            _ => return None,
        }
    }
    let first = asked.argv.first()?;
    let sound = !first.is_empty() && asked.keep.iter().all(|k| !k.is_empty() && !k.contains('='));
    sound.then_some((verb, asked))
}

fn value<'a>(
    attached: Option<String>,
    rest: &mut impl Iterator<Item = &'a OsString>,
) -> Option<String> {
    match attached {
        Some(value) => Some(value),
        // `--keep -- true`: the value is missing, and clap says so.
        None => rest
            .next()
            .and_then(|w| w.to_str())
            .filter(|w| !w.starts_with('-'))
            .map(str::to_owned),
    }
}

/// The definition of `run`.
pub fn run_command() -> Command {
    asking(Command::new("run"))
        .about("Start a command with a scrubbed environment, if what it would do is allowed")
        .arg(
            Arg::new("status-fd")
                .long("status-fd")
                .value_name("FD")
                .value_parser(value_parser!(i32))
                .help("Write lines of JSON there: refused, started or failed, and how it ended"),
        )
        .arg(
            Arg::new("json-status")
                .long("json-status")
                .value_name("FD|FILE")
                .help("The same, and first the plan; a number is a descriptor, all else a file"),
        )
        .after_help(
            "Examples:\n  tagout run -p worker -- php artisan queue:work\n  tagout run --keep MAIL_HOST -- bin/rails db:migrate\n\n\
             Exit status: the command's own; 77 refused, 125 tagout failed, 126 not executable, 127 not found,\n\
             124 stopped by the time budget; killed by a signal, tagout ends by the same signal.",
        )
}

/// The definition of `explain`.
pub fn explain_command() -> Command {
    asking(Command::new("explain"))
        .about("Say what `run` would do, without doing it: variables, program, effect, targets, verdict")
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("As JSON (schema tagout.explain/1)"))
        .arg(Arg::new("all").long("all").action(ArgAction::SetTrue).help("List every variable, not only their number"))
        .after_help("Examples:\n  tagout explain -- php artisan migrate:fresh\n  tagout explain --json -p worker -- psql -c 'select 1'\n\nExit status: 0 allowed, 77 refused, 125 tagout failed.")
}

/// `--config`, of every subcommand that reads the configuration. An option and not a variable:
/// what merely stands in the environment must not choose the rules.
pub(crate) fn config_option() -> Arg {
    Arg::new("config")
        .long("config")
        .value_name("DIR")
        .help("The user's configuration folder [default: ~/.config/tagout]")
}

fn asking(command: Command) -> Command {
    command
        .arg(config_option())
        .arg(
            Arg::new("profile")
                .short('p')
                .long("profile")
                .value_name("NAME")
                .help("The profile to use [default: the configuration's, else `default`]"),
        )
        .arg(
            Arg::new("keep")
                .long("keep")
                .value_name("NAME")
                .action(ArgAction::Append)
                .value_parser(exact_name)
                .help(
                    "Let this variable of the caller through for this run (exact name, repeatable)",
                ),
        )
        .arg(
            Arg::new("hook")
                .long("hook")
                .value_name("NAME")
                .value_parser(value_parser!(OsString))
                .help("Use the profile that shells and shims use for the command NAME"),
        )
        .arg(
            Arg::new("probe")
                .long("probe")
                .action(ArgAction::SetTrue)
                .help("Ask the framework too: load its configuration as the command would, fenced off, and compare"),
        )
        .arg(
            Arg::new("no-spool")
                .long("no-spool")
                .action(ArgAction::SetTrue)
                .help("Do not read a stream for a client beforehand: it can then do anything"),
        )
        .arg(
            Arg::new("command")
                .value_name("COMMAND")
                .required(true)
                .num_args(1..)
                .trailing_var_arg(true)
                .value_parser(value_parser!(OsString))
                .value_hint(ValueHint::CommandWithArguments)
                .help("The command and its arguments, after `--`"),
        )
}

fn exact_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains('=') {
        return Err("give the exact name of a variable, without a value".to_owned());
    }
    Ok(text.to_owned())
}

/// What clap read for `run` or `explain`.
pub fn from_matches(matches: &ArgMatches) -> Asked {
    let flag = |name: &str| {
        matches
            .try_get_one::<bool>(name)
            .ok()
            .flatten()
            .copied()
            .unwrap_or(false)
    };
    Asked {
        profile: matches.get_one::<String>("profile").cloned(),
        keep: matches
            .get_many::<String>("keep")
            .map(|k| k.cloned().collect())
            .unwrap_or_default(),
        config: matches.get_one::<String>("config").cloned(),
        json: flag("json"),
        all: flag("all"),
        probe: flag("probe"),
        no_spool: flag("no-spool"),
        status_fd: matches
            .try_get_one::<i32>("status-fd")
            .ok()
            .flatten()
            .copied(),
        json_status: matches
            .try_get_one::<String>("json-status")
            .ok()
            .flatten()
            .cloned(),
        hook: matches.get_one::<OsString>("hook").cloned(),
        argv: matches
            .get_many::<OsString>("command")
            .map(|c| c.cloned().collect())
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(Into::into).collect()
    }

    /// Both parsers must mean the same: what the fast one takes, clap takes the same way.
    #[test]
    fn the_fast_parser_agrees_with_clap() {
        let lines = [
            "tagout run -- true",
            "tagout run -p worker -- php artisan migrate:fresh --force",
            "tagout run --profile=worker --keep A --keep=B -- x --keep C -- d",
            "tagout run --profile worker php -r 1",
            "tagout explain --json --all -p x -- psql -c y",
            "tagout run --status-fd 3 -- true",
            "tagout run --json-status status.json --status-fd=3 -- true",
            "tagout run --json-status=4 -- true",
            "tagout run --hook rake -- rake",
            "tagout run --config /etc/x -- true",
            "tagout run --probe -- php artisan migrate",
            "tagout explain --json --probe -- php artisan migrate --probe",
        ];
        for line in lines {
            let (verb, fast) = fast(&words(line)).unwrap_or_else(|| panic!("{line} is not taken"));
            let matches = super::super::definition()
                .try_get_matches_from(words(line))
                .unwrap();
            let (name, inner) = matches.subcommand().unwrap();
            assert_eq!(name, if verb == Verb::Run { "run" } else { "explain" });
            assert_eq!(from_matches(inner), fast, "{line}");
        }
    }

    #[test]
    fn what_it_does_not_know_goes_to_clap() {
        for line in [
            "tagout",
            "tagout run",
            "tagout run --help",
            "tagout run --bogus -- x",
            "tagout log",
            "tagout run -p",
            "tagout run --keep A=b -- x",
            "tagout run --json -- x",
            "tagout run --probe=yes -- x",
        ] {
            assert_eq!(fast(&words(line)), None, "{line}");
        }
    }
}
