//! `tagout-companion`: the subcommands that no launch needs. `tagout` becomes this program when
//! one of them is asked for.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(tagout::companion::main())
}
