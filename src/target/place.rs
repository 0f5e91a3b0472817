//! Marks on a place: what runs in a container cannot be resolved from here, but whoever owns it may
//! say what everything is that is reached from there.

use std::path::Path;

use super::{Address, Engine, Target, marks};
use crate::command::{Command, Place};
use crate::policy::Tier;
use crate::profile::Mark;
use crate::source::{Source, Sourced};

/// The engine by which such a mark names itself.
const ENGINE: &str = "place";

/// Wrappers whose places lie on this machine.
const LOCAL: &[&str] = &[
    "docker",
    "docker-compose",
    "podman",
    "podman-compose",
    "sail",
];
/// Their options that lead to another one.
const FAR: &[&str] = &[
    "-H",
    "--host",
    "--context",
    "-c",
    "--connection",
    "--url",
    "-r",
    "--remote",
];

/// The place where a command runs, as a target: the project's folder and what leads in from there.
pub fn target(command: &Command, root: &Path) -> Option<Target> {
    let Place::Elsewhere(place) = &command.step.place else {
        return None;
    };
    let name = format!("{}:{place}", root.display());
    let name = Sourced::new(name, Source::argument("where it runs"));
    let engine = Engine::from_driver(ENGINE);
    Some(Target::new(engine, Address::Identifier { name }))
}

/// The same, where a mark names it and nothing in the words leads on from there.
pub fn marked(command: &Command, root: &Path, known: &[Mark]) -> Option<Target> {
    let target = target(command, root)?;
    let names = |m: &&Mark| m.engine.as_deref() == Some(ENGINE) && m.identifier.is_some();
    let named: Vec<Mark> = known.iter().filter(names).cloned().collect();
    match marks::tier(&target, &named) {
        (Tier::Production, _) => Some(target),
        (Tier::Disposable, _) if is_local(command) => Some(target),
        _ => None,
    }
}

/// Whether all that is said leads into a container of this machine and no further. Only such a
/// place is told apart by its name.
pub fn is_local(command: &Command) -> bool {
    let Place::Elsewhere(place) = &command.step.place else {
        return false;
    };
    let of_docker = |line: &&String| LOCAL.contains(&line.split(' ').next().unwrap_or(line));
    let far = |line: &String| {
        let mut names = line.split(' ').map(|w| w.split('=').next().unwrap_or(w));
        names.any(|name| FAR.contains(&name))
    };
    let through = command.step.via.iter().chain([place]).filter(of_docker);
    let nested = place.contains(", ");
    of_docker(&place) && !nested && !leads_on(command) && !through.into_iter().any(far)
}

/// Whether words or variables name an address, or an environment that is production's.
fn leads_on(command: &Command) -> bool {
    let says = |word: &str| {
        let word = word.to_ascii_lowercase();
        let parts = ["host", "://", "@", "prod", "live"];
        word.starts_with("-h") || parts.iter().any(|part| word.contains(part))
    };
    let step = &command.step;
    step.first_unknown().is_some()
        || step.vars_open.is_some()
        || step.words().any(says)
        || step
            .vars
            .iter()
            .any(|(name, var)| says(name) || says(&var.value.to_string_lossy()))
}
