//! `--probe` on a real Laravel: its kernel's answer against the static one, and nothing connected.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::Path;

use serde_json::Value;

use crate::support::{Ran, Scene, needs, ran, skip};

const WIPE: [&str; 4] = ["php", "artisan", "migrate:fresh", "--force"];

/// A project whose database is a server that only counts who comes.
struct Project {
    scene: Scene,
    server: TcpListener,
}

impl Project {
    fn new() -> Option<Project> {
        needs("php")?;
        if !Path::new("/usr/share/php/Illuminate/autoload.php").is_file() {
            skip("php-laravel-framework");
            return None;
        }
        let scene = Scene::new();
        let example = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/examples/shift-incident/worker/."
        );
        let copied = ran(scene.command("cp").args(["-r", example, "."]));
        assert_eq!(copied.code, Some(0), "{copied:?}");
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        server.set_nonblocking(true).unwrap();
        let port = server.local_addr().unwrap().port();
        scene.file(
            ".env",
            &format!(
                "APP_ENV=local\nDB_CONNECTION=mysql\nDB_HOST=127.0.0.1\nDB_PORT={port}\nDB_DATABASE=shift_worker\nDB_USERNAME=app\nDB_PASSWORD=hush\n"
            ),
        );
        Some(Project { scene, server })
    }

    /// A provider outside of the usual folder, which reading does not look into.
    fn provider(&self, boot: &str) {
        self.scene.file(
            "app/Support/Tenancy.php",
            &format!(
                "<?php\nnamespace App\\Support;\nclass Tenancy extends \\Illuminate\\Support\\ServiceProvider {{\n    public function boot() {{ {boot} }}\n}}\n"
            ),
        );
        self.replace(
            "config/app.php",
            "'providers' => [",
            "'providers' => [App\\Support\\Tenancy::class,",
        );
    }

    fn replace(&self, name: &str, old: &str, new: &str) {
        let text = std::fs::read_to_string(self.scene.path(name)).unwrap();
        assert!(text.contains(old), "{text}");
        self.scene.file(name, &text.replace(old, new));
    }

    fn explain(&self, probe: bool) -> Value {
        let mut words = vec!["--"];
        if probe {
            words.insert(0, "--probe");
        }
        words.extend(WIPE);
        self.scene.explain(&words)
    }

    fn run(&self, command: &[&str]) -> Ran {
        ran(self.scene.tagout(&["run", "--probe", "--"]).args(command))
    }

    fn nobody_came(&self) {
        let came = self.server.accept().map(|(_, who)| who);
        assert_eq!(came.map_err(|e| e.kind()), Err(ErrorKind::WouldBlock));
    }
}

#[test]
fn the_kernel_agrees() {
    let Some(project) = Project::new() else {
        return;
    };
    let (read, probed) = (project.explain(false), project.explain(true));
    assert_eq!(read["targets"], probed["targets"], "{probed}");
    assert_eq!(probed["unresolved"], read["unresolved"], "{probed}");
    assert!(
        probed.to_string().contains("kernel gives the same answer"),
        "{probed}"
    );
    assert!(!probed.to_string().contains("hush"), "{probed}");
    project.nobody_came();
}

#[test]
fn a_provider_that_rewrites_the_connection_is_found_out() {
    let Some(project) = Project::new() else {
        return;
    };
    project.provider("config(['database.connections.mysql.database' => 'shop_two']);");
    let read = project.explain(false).to_string();
    assert!(!read.contains("shop_two"), "{read}");
    let probed = project.explain(true);
    let said = probed["unresolved"].to_string();
    assert!(
        said.contains("/shift_worker") && said.contains("/shop_two"),
        "{probed}"
    );
    let refused = project.run(&WIPE);
    assert_eq!(refused.code, Some(77), "{refused:?}");
    assert!(
        refused.err.contains("/shift_worker") && refused.err.contains("/shop_two"),
        "{refused:?}"
    );
    project.nobody_came();
}

#[test]
fn the_kernel_answers_what_reading_leaves_open() {
    let Some(project) = Project::new() else {
        return;
    };
    project.replace(
        "config/database.php",
        "'database' => env('DB_DATABASE', 'forge')",
        "'database' => (new DateTime('2020-01-01'))->format('\\\\s\\\\h\\\\o\\\\p')",
    );
    let read = project.explain(false);
    assert_ne!(read["unresolved"], serde_json::json!([]), "{read}");
    let probed = project.explain(true);
    assert_eq!(probed["unresolved"], serde_json::json!([]), "{probed}");
    assert_eq!(probed["targets"][0]["database"], "shop", "{probed}");
    assert!(
        probed["targets"][0].to_string().contains("(--probe)"),
        "{probed}"
    );
    project.nobody_came();
}

#[test]
fn a_boot_that_connects_is_held_and_the_reading_stands() {
    let Some(project) = Project::new() else {
        return;
    };
    project.provider("$this->app['db']->connection()->getPdo();");
    let (read, probed) = (project.explain(false), project.explain(true));
    assert_eq!(read["targets"], probed["targets"], "{probed}");
    let said = probed.to_string();
    assert!(
        said.contains("not probed: it failed, and wanted to connect"),
        "{said}"
    );
    project.nobody_came();
}

#[test]
fn without_php_the_reading_stands() {
    let Some(project) = Project::new() else {
        return;
    };
    let mut explain = project
        .scene
        .tagout(&["explain", "--json", "--probe", "--"]);
    let explained = ran(explain
        .args(WIPE)
        .env("PATH", project.scene.path("nothing")));
    let json: Value = serde_json::from_str(&explained.out).unwrap();
    assert_eq!(json["targets"], project.explain(false)["targets"], "{json}");
    assert!(json.to_string().contains("not probed: "), "{json}");
}

/// After the probe the command has the caller's own descriptors.
#[test]
fn the_command_runs_as_without_a_probe() {
    let Some(project) = Project::new() else {
        return;
    };
    let line = "tagout run --probe -- sh -c 'php artisan migrate:status --database=none; cat; cat <&4; echo err >&2' 4<four <five";
    project.scene.file("four", "4\n").file("five", "5\n");
    let ran = project.scene.bash(line);
    assert!(ran.out.ends_with("5\n4\n"), "{ran:?}");
    assert!(ran.err.ends_with("err\n"), "{ran:?}");
    project.nobody_came();
}
