//! Exit codes, as data.

/// Code and meaning.
pub const EXITS: &[(&str, &str)] = &[
    ("the command's own", "It ran, and this is how it ended"),
    (
        "a signal",
        "It ended by that signal, and tagout ends by the same one (a shell shows 128 + its number)",
    ),
    (
        "77",
        "Refused: nothing ran. The rule and the way forward are on standard error",
    ),
    ("124", "Stopped by the time budget"),
    (
        "125",
        "tagout's own failure: a mistake in the configuration, a journal that cannot be written. Nothing ran",
    ),
    ("126", "The program was found but cannot be executed"),
    ("127", "The program was not found"),
    ("2", "Wrong usage of tagout, and nothing else"),
    (
        "1",
        "A finding of a subcommand that does not run anything: a broken journal, a protection that does not work",
    ),
];
