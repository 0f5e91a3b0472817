//! The definitions of `run` and `explain`, for help, completions, manual pages and mistakes. What is
//! right, the launcher reads by itself.

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command, ValueHint, value_parser};

/// The definition of `run`.
pub(super) fn run() -> Command {
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
pub(super) fn explain() -> Command {
    asking(Command::new("explain"))
        .about("Say what `run` would do, without doing it: variables, program, effect, targets, verdict")
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("As JSON (schema tagout.explain/1)"))
        .arg(Arg::new("all").long("all").action(ArgAction::SetTrue).help("List every variable, not only their number"))
        .after_help("Examples:\n  tagout explain -- php artisan migrate:fresh\n  tagout explain --json -p worker -- psql -c 'select 1'\n\nExit status: 0 allowed, 77 refused, 125 tagout failed.")
}

/// `--config`, of every subcommand that reads the configuration. An option and not a variable:
/// what merely stands in the environment must not choose the rules.
pub(super) fn config_option() -> Arg {
    Arg::new("config")
        .long("config")
        .value_name("DIR")
        .help("The user's configuration folder [default: ~/.config/tagout]")
}

/// `-p`, of every subcommand that takes a profile.
pub(super) fn profile_option(help: &'static str) -> Arg {
    Arg::new("profile")
        .short('p')
        .long("profile")
        .value_name("NAME")
        .help(help)
}

/// The command that a subcommand is about.
pub(super) fn command_words() -> Arg {
    Arg::new("command")
        .value_name("COMMAND")
        .required(true)
        .num_args(1..)
        .trailing_var_arg(true)
        .value_parser(value_parser!(OsString))
        .help("The command and its arguments, after `--`")
}

fn asking(command: Command) -> Command {
    command
        .arg(config_option())
        .arg(profile_option("The profile to use [default: the configuration's, else `default`]"))
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
        .arg(command_words().value_hint(ValueHint::CommandWithArguments))
}

fn exact_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains('=') {
        return Err("give the exact name of a variable, without a value".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::{Asked, Verb, read};
    use clap::ArgMatches;
    use proptest::prelude::*;

    fn from_matches(matches: &ArgMatches) -> Asked {
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

    fn by_clap(words: &[OsString]) -> Option<(Verb, Asked)> {
        let definition = crate::companion::definition();
        let matches = definition.try_get_matches_from(words).ok()?;
        let (name, inner) = matches.subcommand()?;
        let verb = if name == "run" {
            Verb::Run
        } else {
            Verb::Explain
        };
        Some((verb, from_matches(inner)))
    }

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(Into::into).collect()
    }

    #[test]
    fn what_the_launcher_takes_is_what_is_defined() {
        let lines = [
            "tagout run -- true",
            "tagout run -p worker -- php artisan migrate:fresh --force",
            "tagout run --profile=worker --keep A --keep=B -- x --keep C -- d",
            "tagout run --profile worker php -r 1",
            "tagout run -pworker - -- d",
            "tagout run -p=worker --no-spool psql",
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
            assert!(read(&words(line)).is_some(), "{line}");
            assert_eq!(read(&words(line)), by_clap(&words(line)), "{line}");
        }
        let mistakes = [
            "tagout run",
            "tagout run --help",
            "tagout run --bogus -- x",
            "tagout run -p",
            "tagout run -p a -p b -- x",
            "tagout run --keep A=b -- x",
            "tagout run --json -- x",
            "tagout run --probe=yes -- x",
        ];
        for line in mistakes {
            assert_eq!(read(&words(line)), None, "{line}");
            assert_eq!(by_clap(&words(line)), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn both_read_the_same(
            verb in prop::sample::select(vec!["run", "explain"]),
            rest in prop::collection::vec(prop::sample::select(vec![
                "-p", "--profile", "--profile=", "-pw", "-p=w", "--keep", "--keep=A", "--keep=", "--config",
                "--config=/c", "--hook", "--hook=rake", "--status-fd", "--status-fd=4", "--status-fd=x",
                "--json-status", "--json-status=s", "--probe", "--no-spool", "--json", "--all", "--", "-", "",
                "A", "A=b", "3", "true", "-x", "--help", "-ph",
            ]), 0..6),
        ) {
            let line: Vec<OsString> = ["tagout", verb].into_iter().chain(rest).map(Into::into).collect();
            prop_assert_eq!(read(&line), by_clap(&line));
        }
    }
}
