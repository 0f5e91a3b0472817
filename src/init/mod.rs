//! `tagout init`: what a project says of its databases, made into a proposal. Nothing is marked
//! that no configuration of the project led to, and every mark says which.

pub mod ask;
pub mod frameworks;
mod proposal;
pub mod survey;

pub use ask::{Answer, Place, Purpose, answers};
pub use proposal::Proposal;
pub use survey::Survey;
