//! A random secret, placed by every rule and in every place that reaches a record, is in no file of
//! the journal and in nothing that is printed about it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;

use tagout::record::RecordId;
use tagout::sys::clock;

use crate::support::{Scene, ran};

/// Letters and digits that nobody has seen before.
fn secret() -> String {
    let id = RecordId::new(clock::now()).unwrap().to_string();
    let random = id.get(19..).unwrap().replace('-', "");
    format!("q{random}Z")
}

/// Everything that the scene's journal holds, in whatever file.
fn written(scene: &Scene) -> String {
    let folder = scene.path(".state/tagout/journal");
    let files = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    files
        .map(|path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned())
        .collect()
}

#[test]
fn a_random_secret_placed_by_any_rule_is_in_no_line() {
    // `@` is the secret. Words of a command line; variables before `--`.
    let cases: [(&[&str], &[&str]); 26] = [
        (&[], &["psql", "postgres://app:@@db.invalid/shop"]),
        (
            &[],
            &["psql", "postgresql://db.invalid/shop?user=a&password=@"],
        ),
        (&[], &["psql", "host=db.invalid password=@ dbname=shop"]),
        (&[], &["psql", "host=db.invalid password='@ x' dbname=shop"]),
        (&[], &["mysql", "-p@", "-h", "db.invalid", "shop"]),
        (&[], &["mysql", "--password=@", "shop"]),
        (&[], &["mysqldump", "-uapp", "-p@", "shop"]),
        (&[], &["redis-cli", "-a", "@", "FLUSHALL"]),
        (
            &[],
            &[
                "redis-cli",
                "-u",
                "redis://app:@@db.invalid:6379/0",
                "GET",
                "k",
            ],
        ),
        (&[], &["mongosh", "mongodb+srv://app:@@db.invalid/shop"]),
        (
            &[],
            &["mongosh", "--host", "db.invalid", "-u", "a", "-p", "@"],
        ),
        (&[], &["sqlcmd", "-S", "db.invalid", "-U", "sa", "-P", "@"]),
        (&[], &["curl", "-u", "me:@", "http://db.invalid/"]),
        (
            &[],
            &[
                "curl",
                "-H",
                "Authorization: Bearer @",
                "http://db.invalid/",
            ],
        ),
        (&[], &["worker", "--api-key", "@"]),
        (&[], &["worker", "--token=@", "x"]),
        (&[], &["worker", "ghp_@0123456789abcdefghijABCDEFGHIJ"]),
        (&[], &["env", "PGPASSWORD=@", "psql", "-h", "db.invalid"]),
        (
            &[],
            &[
                "sh",
                "-c",
                "PGPASSWORD=@ psql -h db.invalid -c 'drop table t'",
            ],
        ),
        (
            &[],
            &[
                "sh",
                "-c",
                "cd /; mysql -p'@' -h db.invalid shop -e 'drop table t'",
            ],
        ),
        (&[], &["psql", "-c", "ALTER USER app PASSWORD '@'"]),
        (&[], &["mysql", "-e", "CREATE USER a IDENTIFIED BY '@'"]),
        (&["MY_TOKEN=@"], &["worker", "seen @ here"]),
        (
            &["DATABASE_URL=postgres://app:@@db.invalid:5432/shop"],
            &["worker", "x@y"],
        ),
        (&["SSH_CLIENT=password=@"], &["true"]),
        (&["SUDO_USER=x token=@"], &["true"]),
    ];
    let scene = Scene::new();
    let mut secrets = Vec::new();
    let mut said = String::new();
    for (variables, words) in cases {
        let secret = secret();
        // The first `@` before another one is the secret: `app:@@db` is `app:SECRET@db`.
        let place = |text: &str| match text.split_once("@@") {
            Some((before, after)) => format!("{before}{secret}@{after}"),
            None => text.replace('@', &secret),
        };
        let words: Vec<String> = words.iter().map(|w| place(w)).collect();
        let mut command = scene.tagout(&["run", "--"]);
        command.args(&words);
        for (name, value) in variables.iter().filter_map(|v| v.split_once('=')) {
            command.env(name, place(value));
        }
        said.push_str(&ran(&mut command).err);
        secrets.push((secret, words));
    }
    let records = scene.records();
    let runs = records
        .iter()
        .filter(|r| matches!(r["phase"].as_str(), Some("intent" | "refused")));
    assert_eq!(runs.count(), secrets.len());
    for args in [
        &["log", "-n", "100"][..],
        &["log", "--json"],
        &["log", "stats"],
    ] {
        said.push_str(&ran(&mut scene.tagout(args)).out);
    }
    for record in records.iter().filter(|r| r["phase"] == "intent") {
        let id = record["id"].as_str().unwrap();
        said.push_str(&ran(&mut scene.tagout(&["log", "show", id])).out);
    }
    let written = written(&scene);
    for (secret, words) in &secrets {
        // Half of it would be too much, too.
        for part in [&secret[..10], &secret[8..]] {
            assert!(
                !written.contains(part),
                "{words:?} is in the journal: {secret}"
            );
            assert!(!said.contains(part), "{words:?} was said: {secret}\n{said}");
        }
    }
    assert!(written.contains("****"));
}

#[test]
fn a_secret_that_is_not_text_or_crosses_a_cut_is_hidden_as_well() {
    let scene = Scene::new();
    let secret = secret();
    let mut raw = b"caf\xe9-".to_vec();
    raw.extend_from_slice(secret.as_bytes());
    let mut word = b"seen: ".to_vec();
    word.extend_from_slice(&raw);
    let mut command = scene.tagout(&["run", "--", "worker"]);
    command
        .env("SOME_SECRET", OsString::from_vec(raw))
        .arg(OsString::from_vec(word));
    // The record keeps 1,024 bytes of a word.
    command.arg(format!("{} --password={secret}", "x".repeat(1005)));
    command.arg(format!("{}postgres://u:{secret}@h/d", " ".repeat(1005)));
    let ran = ran(&mut command);
    let written = written(&scene);
    for part in [&secret[..10], &secret[8..]] {
        assert!(!written.contains(part), "{written}");
        assert!(!ran.err.contains(part), "{ran:?}");
    }
}
