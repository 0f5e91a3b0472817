//! Every reader of `.env` files against what the real one made of the same text.

use serde_json::{Map, Value};
use tagout::environment::dotenv::{self, Entry};

/// The variables that stood in the environment while the cases were made.
fn process(name: &str) -> Option<String> {
    match name {
        "HOST_SET" => Some("fromenv".to_owned()),
        "EMPTY_SET" => Some(String::new()),
        "NEST" => Some("${HOST_SET}".to_owned()),
        "HOME" => Some("<HOME>".to_owned()),
        _ => None,
    }
}

fn shown(entry: &Entry) -> Value {
    match (&entry.unknown, &entry.value) {
        (Some(why), _) => serde_json::json!({ "__error__": why }),
        (None, Some(value)) => Value::String(value.clone()),
        (None, None) => Value::Null,
    }
}

/// A backtick in a file that a shell reads starts a program; its output is never guessed.
const UNDECIDABLE: &[(&str, &str)] = &[("backtick-quoted", "bash-set-a-source")];

#[test]
fn every_reader_reads_as_the_real_one() {
    let cases = include_str!("../vectors/dotenv.jsonl");
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| case[key].as_str().unwrap_or_default();
        if UNDECIDABLE.contains(&(text("name"), text("parser"))) {
            continue;
        }
        count += 1;
        let ours = dotenv::dialect(text("parser"))
            .map(|dialect| dotenv::read(dialect, text("content"), &process));
        let good = match (&ours, case.get("expect")) {
            (Some(Ok(entries)), Some(expected)) => {
                let map: Map<String, Value> = dotenv::settle(entries.clone())
                    .iter()
                    .map(|e| (e.name.clone(), shown(e)))
                    .collect();
                Value::Object(map) == *expected
            }
            (Some(Err(_)), None) => true,
            _ => false,
        };
        if !good {
            wrong.push(format!(
                "{} {} {:?}\n  expected {}\n  ours {ours:?}",
                text("parser"),
                text("name"),
                text("content"),
                case.get("expect").unwrap_or(&Value::Null),
            ));
        }
    }
    assert!(count > 1600, "only {count} cases");
    assert!(
        wrong.is_empty(),
        "{} of {count} wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
