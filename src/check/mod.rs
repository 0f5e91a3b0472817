//! `tagout check`: the commands that a repository's pipelines, images, units and scripts start,
//! what each would do and to what, where they start without tagout, and which production addresses
//! their environments hold. Nothing is run.

mod address;
mod baseline;
mod extract;
mod finding;
mod ignores;
mod judge;
mod kind;
mod output;
mod rules;
mod script;
mod sites;
mod walk;

pub use baseline::Baseline;
pub use finding::{Finding, Level, Place, Seen};
pub use judge::Judging;
pub use output::{FORMATS, Format};
pub use rules::{RULES, Rule, rule};
pub use walk::{Report, scan};
