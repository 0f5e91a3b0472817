//! What a stranger's project writes into its files cannot steer the terminal of who judges it, nor
//! forge a line of what tagout says.

use crate::support::{self, Scene};

/// A title and a colour, eight-bit controls, the direction of reading, a carriage return, a line.
const FOREIGN: &[&str] = &[
    "\u{1b}]0;x\u{7}\u{1b}[31m",
    "\u{9b}31m",
    "\u{202e}\u{2066}",
    "\rverdict     allowed",
    "\nverdict     allowed",
];

fn steers(c: char) -> bool {
    c != '\n' && c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || c == '\u{2066}'
}

#[test]
fn foreign_text_neither_steers_the_terminal_nor_forges_a_line() {
    for foreign in FOREIGN {
        let scene = Scene::new();
        let host = serde_json::Value::from(format!("h{foreign}"));
        scene.file(
            "config/application.rb",
            "module A; class Application < Rails::Application; end; end",
        );
        scene.file(
            "config/database.yml",
            &format!("development:\n  adapter: postgresql\n  host: {host}\n  database: d\n"),
        );
        let program = format!("no-such-{foreign}");
        let profile = format!("none-{foreign}");
        let calls: &[&[&str]] = &[
            &["explain", "--", "rails", "db:drop"],
            &["explain", "--json", "--", "rails", "db:drop"],
            &["run", "--", "rails", "db:drop"],
            &["run", "--", &program],
            &["run", "-p", &profile, "--", "true"],
            &["log"],
            &["log", "show"],
            &["log", "--json"],
        ];
        for args in calls {
            let ran = support::ran(&mut scene.tagout(args));
            for text in [&ran.out, &ran.err] {
                assert!(!text.contains(steers), "{args:?}: {text:?}");
                let forged = text.lines().find(|l| l.starts_with("verdict     allowed"));
                assert_eq!(forged, None, "{args:?}: {text}");
            }
        }
    }
}
