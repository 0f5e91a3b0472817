//! One reader a kind of tool: judges the words of a step and names its actions.

mod words;

use super::{Reading, Step, Tool, World};

pub use words::{action_of, effect_of};

/// Judges a step by the reader that the catalogue names for its tool.
pub fn read(tool: &'static Tool, step: &Step, _world: &World<'_>) -> Reading {
    match tool.reader {
        "words" => words::read(tool, step),
        "prefix" => super::unwrap::prefix(tool, step),
        other => Reading::opaque(
            Some(tool),
            step,
            "no reader",
            format!("no reader `{other}`"),
        ),
    }
}
