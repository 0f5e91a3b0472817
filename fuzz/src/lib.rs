//! What the targets share: a project in memory, and a command in it that is judged to the end.

use std::path::Path;

use tagout::command::{Caller, Command, Stdin, Step, World, understand};
use tagout::environment::Vars;
use tagout::files::Memory;
use tagout::source::{Source, SourceKind};
use tagout::target::{judge_migrations, resolve};

/// The first byte as a choice of `count`, and the rest as text.
pub fn choice(data: &[u8], count: usize) -> Option<(usize, &str)> {
    let (first, rest) = data.split_first()?;
    let text = std::str::from_utf8(rest).ok()?;
    Some((usize::from(*first) % count, text))
}

/// Judges and resolves a command line in `/p`, with a home and a few variables.
pub fn judged(argv: &[&str], files: &Memory, stdin: Stdin) -> Vec<Command> {
    let caller = Caller {
        user: "u".to_owned(),
        home: Some("/home/u".into()),
        host: "here".to_owned(),
    };
    let world = World {
        files,
        caller: &caller,
        heard: None,
    };
    let mut vars = Vars::new();
    for (name, value) in [("PATH", "/usr/bin"), ("HOME", "/home/u"), ("LANG", "C.UTF-8")] {
        vars.set(name, value, Source::new(SourceKind::Inherited, "environment"));
    }
    let words = argv.iter().map(|word| (*word).to_owned());
    let mut step = Step::new(words, vars, Path::new("/p").to_owned());
    step.stdin = stdin;
    let mut commands = understand(step, &world);
    for command in &mut commands {
        let resolution = resolve(command, &world);
        judge_migrations(command, &resolution, &[], &world);
    }
    commands
}
