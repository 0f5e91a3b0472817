//! Which resolver serves which tool.

use super::{Gap, Resolution, Resolver};
use crate::command::{Command, Place, World};
use crate::profile::Applied;

/// The resolver of that catalogue name.
fn resolver(name: &str) -> Option<Resolver> {
    let table: &[(&str, Resolver)] = &[
        ("laravel", super::laravel::resolve),
        ("alembic", super::alembic::resolve),
        ("django", super::django::resolve),
        ("flask", super::alembic::flask),
        ("node", super::node::resolve),
        ("node-script", super::node::script),
        ("rails", super::rails::resolve),
    ];
    table
        .iter()
        .chain(super::migrators::RESOLVERS)
        .chain(super::clients::RESOLVERS)
        .chain(super::services::RESOLVERS)
        .find(|(key, _)| *key == name)
        .map(|(_, resolver)| *resolver)
}

/// Finds the databases that a command will reach. Where the words, the directory or the
/// environment cannot be known, the answer carries a gap that says so.
pub fn resolve(command: &Command, world: &World<'_>) -> Resolution {
    let Some(tool) = command.tool else {
        return Resolution::none();
    };
    if let Some(stop) = &command.stops_early {
        return Resolution {
            errors: vec![stop.clone()],
            ..Resolution::default()
        };
    }
    if tool.resolver.is_empty() {
        return Resolution::none();
    }
    if let Place::Elsewhere(place) = &command.step.place {
        return Resolution::unresolved(format!(
            "runs in `{place}`: its files and variables cannot be seen from here"
        ));
    }
    let mut resolution = match resolver(tool.resolver) {
        Some(resolve) => resolve(command, world),
        None => Resolution::unresolved(format!(
            "tagout does not know which database {} reaches",
            command.step.program()
        )),
    };
    resolution.gaps.extend(unseen(command));
    if command.step.later {
        resolution.targets.iter_mut().for_each(|t| t.later = true);
    }
    resolution
}

/// Adds to a command that runs a folder of SQL migrations what the files in it do, but for those that
/// have run by what is said of them.
pub fn judge_migrations(
    command: &mut Command,
    resolution: &Resolution,
    applied: &[Applied],
    world: &World<'_>,
) {
    super::migrators::pending::judge(command, resolution, applied, world);
}

/// Gaps that hold for any tool: words, directory or variables that are not known.
fn unseen(command: &Command) -> Vec<Gap> {
    let step = &command.step;
    let word = step
        .first_unknown()
        .map(|(word, why)| Gap::new("target", format!("the word `{word}` is not literal: {why}")));
    let cwd = step.cwd_unknown.as_ref().map(|why| {
        Gap::new(
            "target",
            format!("the working directory is not known: {why}"),
        )
    });
    let vars = step
        .vars_open
        .as_ref()
        .map(|why| Gap::new("target", format!("the environment is not known: {why}")));
    [word, cwd, vars].into_iter().flatten().collect()
}
