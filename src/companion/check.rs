//! `tagout check`: a repository's pipelines and code, without running anything.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::definition::config_option;
use crate::check::{Baseline, FORMATS, Format, Judging, Level, RULES, Report, rule, scan};
use crate::cli::{Session, exit};
use crate::config::{self, replace};
use crate::files::{Files, lexical};
use crate::profile::choose;

/// The definition.
pub(super) fn define(command: Command) -> Command {
    let formats: Vec<&str> = FORMATS.iter().map(|(word, _)| *word).collect();
    command
        .arg(
            Arg::new("path")
                .value_name("PATH")
                .num_args(0..)
                .value_parser(value_parser!(PathBuf))
                .help("What to check [default: this folder]"),
        )
        .arg(
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .default_value("text")
                .value_parser(PossibleValuesParser::new(formats))
                .help("How to say it"),
        )
        .arg(
            Arg::new("baseline")
                .long("baseline")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Leave out the findings that this file knows"),
        )
        .arg(
            Arg::new("write-baseline")
                .long("write-baseline")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .conflicts_with("baseline")
                .help("Write all findings into this file, and exit 0"),
        )
        .arg(
            Arg::new("fail-on")
                .long("fail-on")
                .value_name("LEVEL")
                .default_value("warning")
                .value_parser(PossibleValuesParser::new(["error", "warning", "never"]))
                .help("The least level that makes it exit 1"),
        )
        .arg(
            Arg::new("quiet")
                .short('q')
                .long("quiet")
                .action(ArgAction::SetTrue)
                .help("Findings only, not the commands that were seen (text)"),
        )
        .arg(
            Arg::new("rules")
                .long("rules")
                .action(ArgAction::SetTrue)
                .help("List the rules"),
        )
        .arg(
            Arg::new("explain")
                .long("explain")
                .value_name("RULE")
                .value_parser(PossibleValuesParser::new(RULES.iter().map(|r| r.id)))
                .help("Show the page of a rule"),
        )
        .arg(config_option())
        .after_help(
            "Examples:\n  tagout check\n  tagout check --format github .github\n  tagout check --write-baseline .tagout-baseline.json\n\n\
             A comment `tagout: ignore[RULE] reason` silences a rule on its own line and the next.\n\n\
             Exit status: 0 nothing found, 1 findings, 125 tagout failed, 2 wrong usage.",
        )
}

/// Does what is asked.
pub(super) fn run(session: &mut Session, matches: &ArgMatches) -> u8 {
    if matches.get_flag("rules") {
        let lines = RULES
            .iter()
            .map(|r| format!("{}\t{}\t{}\n", r.id, r.level.word(), r.about));
        session.ui.data(&lines.collect::<String>());
        return exit::OK;
    }
    if let Some(rule) = matches.get_one::<String>("explain").and_then(|id| rule(id)) {
        session.ui.data(rule.page);
        return exit::OK;
    }
    let given: Vec<PathBuf> = matches
        .get_many("path")
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    let given = if given.is_empty() {
        vec![PathBuf::from(".")]
    } else {
        given
    };
    let base = session.invocation.cwd.clone();
    let paths: Vec<PathBuf> = given.iter().map(|p| lexical(&base.join(p))).collect();
    if let Some(missing) = paths.iter().find(|p| !session.files.exists(p)) {
        return session.failed(&format!("`{}` does not exist", missing.display()), &[]);
    }
    let mut report = match checked(session, matches, &paths) {
        Ok(report) => report,
        Err(code) => return code,
    };
    if let Some(path) = matches.get_one::<PathBuf>("write-baseline") {
        return written(session, path, &report);
    }
    if let Some(path) = matches.get_one::<PathBuf>("baseline") {
        let text = session
            .files
            .read_text(&base.join(path))
            .map_err(|e| e.to_string());
        match text.and_then(|text| Baseline::parse(&text)) {
            Ok(baseline) => report.findings = baseline.fresh(std::mem::take(&mut report.findings)),
            Err(e) => {
                let what = format!("the baseline {} cannot be read: {e}", path.display());
                return session.failed(&what, &["write it with --write-baseline".to_owned()]);
            }
        }
    }
    said(session, matches, &report)
}

fn checked(session: &mut Session, matches: &ArgMatches, paths: &[PathBuf]) -> Result<Report, u8> {
    let folder = session.config_folder(matches.get_one("config"));
    let first = paths.first().cloned().unwrap_or_default();
    // The configuration of what is checked, not of where somebody stands.
    let place = match session.files.is_dir(&first) {
        true => first,
        false => first.parent().map(PathBuf::from).unwrap_or_default(),
    };
    let config = config::load(&place, folder.as_deref(), &session.files)
        .map_err(|e| session.config_mistake(&e))?;
    let profile = choose(None, &config.layers).map_err(|e| session.config_mistake(&e))?;
    let judging = Judging {
        config: &config,
        profile: &profile,
        base: &session.invocation.cwd.clone(),
    };
    let report = scan(paths, &judging);
    for failed in &report.failed {
        session.warn(failed);
    }
    Ok(report)
}

fn written(session: &mut Session, path: &std::path::Path, report: &Report) -> u8 {
    let text = Baseline::text(&report.findings);
    let path = session.invocation.cwd.join(path);
    match replace(&path, &text) {
        Ok(()) => {
            let what = match report.findings.len() {
                1 => "1 finding".to_owned(),
                count => format!("{count} findings"),
            };
            session
                .ui
                .message(&format!("{what} written to {}\n", path.display()));
            exit::OK
        }
        Err(e) => session.failed(&format!("{} cannot be written: {e}", path.display()), &[]),
    }
}

fn said(session: &mut Session, matches: &ArgMatches, report: &Report) -> u8 {
    let word = matches
        .get_one::<String>("format")
        .map_or("text", String::as_str);
    let format = FORMATS
        .iter()
        .find(|(w, _)| *w == word)
        .map_or(Format::Text, |(_, f)| *f);
    let text = format.show(report, matches.get_flag("quiet"), session.ui.colours_data());
    session.ui.data(&text);
    let least = match matches.get_one::<String>("fail-on").map(String::as_str) {
        Some("never") => return exit::OK,
        Some("error") => Level::Error,
        _ => Level::Warning,
    };
    let levels = report
        .findings
        .iter()
        .map(|f| rule(f.rule).map_or(Level::Error, |r| r.level));
    match levels.max() {
        Some(worst) if worst >= least => exit::FOUND,
        _ => exit::OK,
    }
}
