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

/// What loosens is the user's own file. Where anybody may write it, nothing runs by it.
#[test]
fn a_configuration_that_anybody_may_write_is_not_followed() {
    use std::os::unix::fs::PermissionsExt;
    use tagout::config::{Place, read};
    use tagout::files::Disk;
    use tagout::profile::LayerKind;

    let scene = Scene::new();
    scene.file("config.toml", "[profiles.default]\nunmarked = \"allow\"\n");
    let path = scene.path("config.toml");
    for (mode, sound) in [(0o600, true), (0o664, true), (0o666, false), (0o602, false)] {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        for kind in [LayerKind::User, LayerKind::Machine] {
            let place = Place {
                path: path.clone(),
                name: "config.toml".to_owned(),
                kind,
            };
            let layer = read(&place, None, &Disk::default());
            assert_eq!(layer.is_ok(), sound, "{mode:o}: {layer:?}");
        }
    }
}
