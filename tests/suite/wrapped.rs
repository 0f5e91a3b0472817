//! Destructive commands inside one to three of the programs, shell forms and places that start a
//! command (`tests/corpus/wrappers.txt`): never judged as less than opaque.

use tagout::command::{Effect, shell};

use crate::generated::Dice;

/// Commands that destroy or stop, as a shell line; the last need a shell.
const INNER: &[&str] = &[
    "dropdb shop",
    "dropdb --if-exists -h prod shop",
    "psql -c 'drop table users'",
    "psql -h prod -tAc \"truncate users\"",
    "mysql -e 'drop database shop'",
    "redis-cli flushall",
    "rm -rf /var/lib/postgresql",
    "mongosh shop --eval \"db.dropDatabase()\"",
    "kubectl delete pvc data",
    "diesel database reset",
    "systemctl stop postgresql",
    "docker volume rm pgdata",
    "php artisan migrate:fresh --force",
    "terraform destroy -auto-approve",
    "PGHOST=prod dropdb shop",
    "cd /srv && dropdb shop",
];
/// How many of them are plain words.
const PLAIN: usize = 14;

struct Wrappers {
    known: Vec<String>,
    unknown: Vec<String>,
}

fn wrappers() -> Wrappers {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/wrappers.txt");
    let text = std::fs::read_to_string(path).expect("the list is there");
    let parts: Vec<Vec<String>> = text
        .split("# ")
        .skip(1)
        .map(|part| {
            part.lines()
                .skip(1)
                .map(|l| l.replace("\\n", "\n"))
                .collect()
        })
        .collect();
    let [known, unknown] = <[_; 2]>::try_from(parts).expect("two parts");
    Wrappers { known, unknown }
}

/// The line with a command put in; `None` where the wrapper takes plain words and the command is
/// more than that.
fn filled(wrapper: &str, inner: &str, plain: bool) -> Option<String> {
    let both = wrapper.contains("{}") && (!plain || wrapper.contains('"') && inner.contains('"'));
    let quoted = wrapper.replace("{q}", &shell::quoted(inner));
    (!both).then(|| quoted.replace("{}", inner))
}

fn effect(line: &str, program: &str) -> Effect {
    let artisan = (
        "artisan".to_owned(),
        "#!/usr/bin/env php\n<?php\n".to_owned(),
    );
    let argv = [program, "-c", line].map(str::to_owned);
    crate::catalogue::effect(&argv, &[artisan], &[], None)
}

#[test]
fn a_destructive_command_stays_one_inside_any_one_wrapper() {
    let Wrappers { known, unknown } = wrappers();
    // Those that a deeper guess has no room for stand apart.
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/corpus/wrappers-alone.txt"
    );
    let alone = std::fs::read_to_string(path).expect("the list is there");
    let alone: Vec<String> = alone.lines().map(|l| l.replace("\\n", "\n")).collect();
    let mut missed = Vec::new();
    for wrapper in known.iter().chain(&unknown).chain(&alone) {
        for (at, inner) in INNER.iter().enumerate() {
            let Some(line) = filled(wrapper, inner, at < PLAIN) else {
                continue;
            };
            let effect = effect(&line, "bash");
            if effect < Effect::Opaque {
                missed.push(format!("{}: {line}", effect.word()));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn and_inside_two_or_three() {
    let Wrappers { known, unknown } = wrappers();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let unknown: Vec<&str> = unknown.iter().map(String::as_str).collect();
    let mut missed = Vec::new();
    for seed in 1..=6000u64 {
        let mut dice = Dice::new(seed);
        let at = dice.roll(INNER.len());
        let mut line = INNER[at].to_owned();
        let mut plain = at < PLAIN;
        // One of those that nobody knows may stand innermost.
        if dice.roll(4) == 0
            && let Some(next) = filled(dice.pick(&unknown), &line, plain)
        {
            plain &= !next.contains('\'') || !next.contains('"');
            line = next;
        }
        for _ in 0..2 + dice.roll(2) {
            let Some(next) = filled(dice.pick(&known), &line, plain) else {
                continue;
            };
            // What is a shell's own cannot be handed on as words.
            let first = next.split(' ').next().unwrap_or("");
            plain &= !next.contains(['&', ';', '|', '\n', '<', '`', '(', '{', '@'])
                && tagout::command::catalogue::find(first).is_some()
                && !matches!(first, "time" | "command" | "exec" | "builtin");
            line = next;
        }
        let effect = effect(&line, "bash");
        if effect < Effect::Opaque {
            missed.push(format!("{}: {line}", effect.word()));
        }
    }
    assert!(
        missed.is_empty(),
        "{} of 6000\n{}",
        missed.len(),
        missed.join("\n")
    );
}
