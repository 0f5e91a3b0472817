//! How many command lines a second are understood on one core, where no file is touched.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a benchmark measures and says what it measured"
)]

use std::time::Instant;

use tagout::command::{Caller, Effect, Step, World, understand};
use tagout::environment::Vars;
use tagout::files::Memory;
use tagout::source::Source;

const LINES: usize = 100_000;

/// Words of ordinary days, a few of bad ones.
const KINDS: &[&[&str]] = &[
    &["git", "commit", "-m", "DROP TABLE users"],
    &["npm", "run", "build"],
    &["grep", "-rn", "drop_table", "app"],
    &[
        "psql",
        "-X",
        "-h",
        "db",
        "-c",
        "select count(*) from users",
        "shop",
    ],
    &["sudo", "-u", "postgres", "dropdb", "shop"],
    &["sh", "-c", "cd /tmp && ls -la | grep x"],
    &["bash", "-c", "for i in a b; do echo \"$i\"; done"],
    &[
        "docker",
        "compose",
        "exec",
        "-T",
        "db",
        "psql",
        "-c",
        "truncate users",
    ],
    &["kubectl", "get", "pods", "-A"],
    &["terraform", "plan"],
    &["cargo", "test", "users"],
    &["aws", "rds", "describe-db-instances"],
    &["timeout", "60", "diesel", "migration", "run"],
    &["env", "A=b", "C=d", "node", "server.js"],
    &["ssh", "web1", "uptime"],
    &["systemctl", "status", "postgresql"],
];

fn main() {
    let files = Memory::new();
    let caller = Caller::default();
    let world = World {
        files: &files,
        caller: &caller,
        heard: None,
    };
    let mut vars = Vars::new();
    for (name, value) in [
        ("PATH", "/usr/bin"),
        ("HOME", "/home/u"),
        ("LANG", "C.UTF-8"),
    ] {
        vars.set(name, value, Source::argument("bench"));
    }
    let started = Instant::now();
    let mut raised = 0usize;
    for number in 0..LINES {
        let Some(words) = KINDS.get(number % KINDS.len()) else {
            continue;
        };
        let argv = words.iter().map(|w| (*w).to_owned());
        let step = Step::new(argv, vars.clone(), "/srv/app".into());
        let worst = understand(step, &world)
            .iter()
            .map(tagout::command::Command::effect)
            .max();
        raised += usize::from(worst > Some(Effect::ChangesSchema));
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{LINES} lines in {seconds:.2} s: {:.0} lines/s; {raised} raised",
        LINES as f64 / seconds
    );
}
