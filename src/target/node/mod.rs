//! Node's database tools: which configuration each of them reads, in which order, and which
//! database its client then opens.

pub(super) mod connection;
mod dbmate;
mod drizzle;
mod knex;
mod mikro;
mod pgmigrate;
mod prisma;
mod script;
mod sequelize;
mod typeorm;

use std::path::{Path, PathBuf};

use super::Resolution;
use crate::command::{Command, Effect, World};
use crate::target::readers::js::Evaluator;

pub(crate) use script::resolve as script;

/// Finds the databases of a command of one of node's tools.
pub(crate) fn resolve(command: &Command, world: &World<'_>) -> Resolution {
    if command.effect() == Effect::None {
        let name = command.actions.first().map_or("", |a| &a.name);
        return Resolution::error("no-database", format!("`{name}` opens no database"));
    }
    let resolver: fn(&Command, &World<'_>) -> Resolution = match command.tool_name() {
        "knex" => knex::resolve,
        "sequelize-cli" => sequelize::resolve,
        "typeorm" => typeorm::resolve,
        "drizzle-kit" => drizzle::resolve,
        "mikro-orm" => mikro::resolve,
        "node-pg-migrate" => pgmigrate::resolve,
        "dbmate" => dbmate::resolve,
        "prisma" => prisma::resolve,
        other => return Resolution::unresolved(format!("no resolver for {other}")),
    };
    resolver(command, world)
}

/// An evaluator in the environment that a node program of this step sees.
fn evaluator<'w>(command: &Command, world: &World<'w>) -> Evaluator<'w> {
    let mut step = command.step.clone();
    crate::command::tools::node::obey_node_options(&mut step, world);
    Evaluator::new(&step, world)
}

/// The first of these files that is there.
fn first_file(world: &World<'_>, dir: &Path, names: &[&str]) -> Option<PathBuf> {
    names
        .iter()
        .map(|name| dir.join(name))
        .find(|path| world.files.is_file(path))
}

/// A stop as a resolution.
fn stopped(stop: crate::command::Stop) -> Resolution {
    Resolution {
        errors: vec![stop],
        ..Resolution::default()
    }
}
