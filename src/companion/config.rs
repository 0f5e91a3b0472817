//! `tagout config`: the settings in force, and whether the files are sound.

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::definition::{config_option, profile_option};
use crate::cli::{Session, exit};
use crate::config::{self, Config};
use crate::profile::{Layer, LayerKind, Trust, choose};
use crate::ui::settings::{self, FileShown};

/// The definition.
pub(super) fn define(command: Command) -> Command {
    command
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(show_command(Command::new("show")).about(
            "Show the files that count here and every setting in force, each with its place",
        ))
        .subcommand(
            Command::new("check")
                .about("Check every configuration file that counts here, and every profile in them")
                .arg(config_option())
                .after_help(
                    "Exit status: 0 sound, 125 a mistake; each is said as FILE:LINE:COLUMN.",
                ),
        )
}

/// Options of whatever shows settings.
pub(super) fn show_command(command: Command) -> Command {
    command
        .arg(config_option())
        .arg(profile_option(
            "The profile to show [default: the one a run here would use]",
        ))
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("As JSON (schema tagout.config/1)"),
        )
}

/// Does what is asked.
pub(super) fn run(session: &mut Session, matches: &ArgMatches) -> u8 {
    match matches.subcommand() {
        Some(("show", inner)) => show(session, inner),
        Some(("check", inner)) => check(session, inner),
        _ => exit::USAGE,
    }
}

/// Shows the settings of one profile.
pub(super) fn show(session: &mut Session, matches: &ArgMatches) -> u8 {
    let config = match session.config(matches.get_one("config")) {
        Ok(config) => config,
        Err(code) => return code,
    };
    let name = matches.get_one::<String>("profile").map(String::as_str);
    let profile = match choose(name, &config.layers) {
        Ok(profile) => profile,
        Err(e) => return session.config_mistake(&e),
    };
    let files = files(session, matches, &config);
    let all = settings::settings(&profile, &session.redactor());
    let text = if matches.get_flag("json") {
        format!("{}\n", settings::json(&files, &profile, &all))
    } else {
        settings::text(&files, &profile, &all, session.ui.colours_data())
    };
    session.ui.data(&text);
    exit::OK
}

fn files(session: &Session, matches: &ArgMatches, config: &Config) -> Vec<FileShown> {
    let folder = session.config_folder(matches.get_one("config"));
    let places = config::places(&session.invocation.cwd, folder.as_deref(), &session.files);
    let of = |kind: LayerKind| config.layers.iter().find(|layer| layer.kind == kind);
    places
        .into_iter()
        .map(|place| FileShown {
            path: place.name,
            whose: match place.kind {
                LayerKind::Machine => "machine",
                LayerKind::User => "user",
                LayerKind::Project => "project",
            },
            state: state(of(place.kind)),
        })
        .collect()
}

fn state(layer: Option<&Layer>) -> String {
    match layer.map(|layer| layer.trust) {
        None => "not there",
        Some(Trust::Trusted) => "read",
        Some(Trust::TightenOnly) => "read, not trusted: only tightens",
    }
    .to_owned()
}

fn check(session: &mut Session, matches: &ArgMatches) -> u8 {
    let folder = session.config_folder(matches.get_one("config"));
    let mut layers = Vec::new();
    let mut sound = true;
    for place in config::places(&session.invocation.cwd, folder.as_deref(), &session.files) {
        match config::read(&place, folder.as_deref(), &session.files) {
            Ok(layer) => layers.extend(layer),
            Err(e) => {
                session.config_mistake(&e);
                sound = false;
            }
        }
    }
    let named = layers.iter().flat_map(|l| &l.document.profiles);
    let mut names: Vec<Option<String>> = named.map(|(n, _, _)| Some(n.clone())).collect();
    names.push(None);
    let mut said = Vec::new();
    let mut ignored = Vec::new();
    for name in names {
        match choose(name.as_deref(), &layers) {
            Ok(profile) => ignored.extend(profile.ignored),
            // Without the file that has a mistake its profiles look unknown.
            Err(e) if sound && !said.contains(&e) => {
                session.config_mistake(&e);
                said.push(e);
            }
            Err(_) => {}
        }
    }
    if !sound || !said.is_empty() {
        return exit::FAILED;
    }
    ignored.sort();
    ignored.dedup();
    for what in ignored {
        session.warn(&what);
    }
    for layer in &layers {
        session.ui.data(&format!("{}: sound\n", layer.name));
    }
    if layers.is_empty() {
        session
            .ui
            .data("no configuration file counts here: the built-in profile `default` holds\n");
    }
    exit::OK
}
