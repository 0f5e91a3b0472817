//! Exit codes: documented, distinct, stable.

/// The verdict allows, or the subcommand did what it says.
pub const OK: u8 = 0;
/// A subcommand's finding (a broken journal, a rejected file).
pub const FOUND: u8 = 1;
/// Wrong usage. Never anything else.
pub const USAGE: u8 = 2;
/// Refused: nothing was run.
pub const REFUSED: u8 = 77;
/// Stopped by the time budget.
pub const TIMED_OUT: u8 = 124;
/// tagout's own failure (bad configuration, journal not writable): nothing was run.
pub const FAILED: u8 = 125;
/// The program was found but cannot be executed.
pub const NOT_EXECUTABLE: u8 = 126;
/// The program was not found.
pub const NOT_FOUND: u8 = 127;
