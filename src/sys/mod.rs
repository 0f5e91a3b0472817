//! System calls. All `unsafe` code of the crate is in this room.

pub mod clock;
pub mod entropy;
pub mod folder;
pub mod process;
