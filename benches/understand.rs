//! How long it takes to understand and resolve a command line that touches no file: microseconds a
//! line, beside the cost of the same lines as plain words.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints what it measured"
)]

use std::time::Instant;

use tagout::command::{Caller, Step, World, understand};
use tagout::environment::Vars;
use tagout::files::Memory;
use tagout::target::resolve;

const LINES: &[&[&str]] = &[
    &["ls", "-la", "src"],
    &[
        "psql",
        "-X",
        "-h",
        "127.0.0.1",
        "shop",
        "-c",
        "select count(*) from orders where paid",
    ],
    &[
        "psql",
        "-Xc",
        "drop table users",
        "postgres://app@db:5432/shop",
    ],
    &[
        "mysql",
        "--no-defaults",
        "-h",
        "db",
        "-e",
        "use shop; delete from t where id = 3",
    ],
    &["redis-cli", "-n", "3", "flushdb"],
    &["sqlite3", "x.db", "select * from t"],
    &["mongosh", "app", "--eval", "db.orders.find({a: 1})"],
    &["pg_dump", "-Fc", "-d", "shop"],
    &["git", "commit", "-m", "DROP TABLE users"],
];

fn main() {
    let files = Memory::new();
    let caller = Caller {
        user: "me".into(),
        ..Caller::default()
    };
    let world = World {
        files: &files,
        caller: &caller,
        heard: None,
    };
    let rounds = 20_000usize;
    let mut targets = 0usize;
    for line in LINES {
        let started = Instant::now();
        for _ in 0..rounds {
            let argv = line.iter().map(|w| (*w).to_owned());
            for command in understand(Step::new(argv, Vars::new(), "/w".into()), &world) {
                targets += resolve(&command, &world).targets.len();
            }
        }
        let each = started.elapsed().as_secs_f64() * 1e6 / rounds as f64;
        println!("{each:8.2} microseconds  {}", line.join(" "));
    }
    assert!(targets > rounds, "the lines lead to databases");
}
