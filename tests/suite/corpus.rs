//! Labelled command lines of many kinds: none that destroys may be missed, and at most one in a
//! hundred of the harmless ones may be raised.

use serde_json::Value;
use tagout::command::{Effect, catalogue};

#[test]
fn nothing_destructive_is_missed_and_little_harmless_is_raised() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/commands.jsonl");
    let text = std::fs::read_to_string(path).expect("the corpus is there");
    let (mut missed, mut raised) = (Vec::new(), Vec::new());
    let (mut harmless, mut destructive) = (0usize, 0usize);
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).expect("JSON");
        if let Some(program) = case["needs"].as_str()
            && catalogue::find(program).is_none()
        {
            continue;
        }
        let argv: Vec<String> = match case["argv"].as_array() {
            Some(words) => words
                .iter()
                .map(|w| w.as_str().expect("a word").to_owned())
                .collect(),
            None => vec![
                "bash".to_owned(),
                "-c".to_owned(),
                case["line"].as_str().expect("a line").to_owned(),
            ],
        };
        let effect = crate::catalogue::effect(&argv, &project(), &[], None);
        let raises = matches!(effect, Effect::Destroys | Effect::Stops | Effect::Opaque);
        let shown = argv.last().cloned().unwrap_or_default();
        if case["label"] == "destructive" {
            destructive += 1;
            if !raises {
                missed.push(format!("{}: {argv:?}", effect.word()));
            }
        } else {
            harmless += 1;
            if raises {
                raised.push(format!("{}: {shown}", effect.word()));
            }
        }
    }
    assert!(destructive + harmless >= 400);
    let report = format!(
        "missed {} of {destructive}:\n{}\nraised {} of {harmless}:\n{}",
        missed.len(),
        missed.join("\n"),
        raised.len(),
        raised.join("\n")
    );
    assert!(
        missed.is_empty() && raised.len() * 100 <= harmless,
        "{report}"
    );
}

/// The files that the lines take for granted.
fn project() -> Vec<(String, String)> {
    [
        ("artisan", "#!/usr/bin/env php\n<?php\nrequire __DIR__.'/bootstrap/app.php';\n"),
        ("bootstrap/app.php", "<?php\n"),
        ("Gemfile", "gem 'rails'\n"),
        ("bin/rails", "#!/usr/bin/env ruby\nAPP_PATH = File.expand_path('../config/application', __dir__)\nrequire 'rails/commands'\n"),
        ("Rakefile", "require_relative 'config/application'\nRails.application.load_tasks\n"),
        ("config/application.rb", "module App\n  class Application < Rails::Application\n  end\nend\n"),
        ("db/production.sqlite3", "SQLite format 3\0"),
        ("manage.py", "#!/usr/bin/env python\n"),
        ("reset.sql", "drop table users;"),
        ("drop.sql", "drop table users;"),
        ("select.sql", "select 1;"),
        ("drop.sh", "dropdb shop\n"),
        ("drop.js", "db.dropDatabase()"),
        ("tables.txt", "a\n"),
        ("app.db", "SQLite format 3\0"),
        ("Makefile", "test:\n\techo ok\nbuild:\n\techo built\n"),
        (
            "package.json",
            "{\"scripts\":{\"build\":\"tsc\",\"lint\":\"eslint .\",\"test\":\"jest\",\"start\":\"serve\",\"start:dev\":\"serve\"}}",
        ),
    ]
    .into_iter()
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .collect()
}
