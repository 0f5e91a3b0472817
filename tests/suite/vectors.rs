//! Cases that were verified on the real frameworks, clients and servers: which databases a command
//! reached, or how it failed. `explain` must name the same ones, or say that it cannot.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Scene, tagout};

/// How an answer compares with the real tool's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Result {
    Right,
    Unresolved,
    Wrong,
}

/// Engine, host, port, socket, database or file.
type Place = (
    String,
    Option<String>,
    Option<u64>,
    Option<String>,
    Option<String>,
);

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(s) if !s.is_empty() => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

fn engine(word: &str) -> String {
    match word {
        "pgsql" | "postgresql" | "postgis" | "pg" => "postgres",
        "mariadb" | "mysql2" | "trilogy" => "mysql",
        "sqlsrv" | "mssql" => "sqlserver",
        "sqlite3" => "sqlite",
        "mongo" => "mongodb",
        other => other,
    }
    .to_owned()
}

fn default_port(engine: &str) -> Option<u64> {
    match engine {
        "postgres" => Some(5432),
        "mysql" => Some(3306),
        "redis" => Some(6379),
        "sqlserver" => Some(1433),
        "mongodb" => Some(27017),
        _ => None,
    }
}

/// A target in the one form in which answers are compared.
fn place(target: &Value, cwd: &Path) -> Place {
    let mut t = target.clone();
    if let Some(effective) = target.get("effective").and_then(Value::as_object) {
        for (key, value) in effective {
            t[key] = value.clone();
        }
    }
    let first = |names: &[&str]| names.iter().find_map(|n| text(&t[*n]));
    let engine = first(&["engine", "driver", "adapter"])
        .map(|e| engine(&e))
        .unwrap_or_default();
    if engine == "sqlite" {
        let file = first(&["file", "path", "database"]).map(|f| {
            if f == ":memory:" {
                f
            } else {
                lexical(&cwd.join(f))
            }
        });
        return (engine, None, None, None, file);
    }
    let mut host = first(&["hostaddr", "host"]);
    let mut socket = first(&["socket", "unix_socket"]);
    let mut port = first(&["port"]).and_then(|p| p.parse().ok());
    if engine == "postgres" {
        if host.as_deref().is_some_and(|h| h.starts_with('/')) {
            socket = host.take();
        }
        if let Some(s) = socket.take() {
            let folder = s.split("/.s.PGSQL.").next().unwrap_or(&s).to_owned();
            host = None;
            if !["/var/run/postgresql", "/run/postgresql", "/tmp"].contains(&folder.as_str()) {
                socket = Some(folder);
                port = None;
            }
        }
    }
    let usual = [
        "/run/mysqld/mysqld.sock",
        "/var/run/mysqld/mysqld.sock",
        "/tmp/mysql.sock",
    ];
    if engine == "mysql"
        && host.as_deref().is_none_or(|h| h == "localhost")
        && socket.as_deref().is_none_or(|s| usual.contains(&s))
    {
        return (
            engine,
            Some("localhost".to_owned()),
            None,
            None,
            text(&t["database"]),
        );
    }
    if socket.is_some() {
        (host, port) = (None, None);
    } else {
        port = port.or_else(|| default_port(&engine));
    }
    (engine, host, port, socket, text(&t["database"]))
}

fn lexical(path: &Path) -> String {
    tagout::files::lexical(path).display().to_string()
}

fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    }
}

/// Every place the real tool reached or could have reached; `None` where it stopped by itself.
fn wanted(case: &Value, root: &str, cwd: &Path) -> Option<BTreeSet<Place>> {
    let expect = case.get("expect").filter(|e| !e.is_null())?;
    let expect = expect.get("targets").unwrap_or(expect);
    let filled: Value = serde_json::from_str(&expect.to_string().replace("{ROOT}", root)).unwrap();
    let mut places = BTreeSet::new();
    for target in list(&filled) {
        for host in list(&target["host"]) {
            for database in list(&target["database"]) {
                for port in list(&target["port"]) {
                    let mut one = target.clone();
                    (one["host"], one["database"], one["port"]) =
                        (host.clone(), database.clone(), port.clone());
                    places.insert(place(&one, cwd));
                }
            }
        }
    }
    Some(places)
}

/// The least a project needs for its command to be recognised, where the case does not bring it.
fn stub(root: &Path, argv: &str, case: &Value) {
    let put = |name: &str, content: &str| {
        let path = root.join(name);
        let absent = case["absent"]
            .as_array()
            .is_some_and(|a| a.iter().any(|v| v == name));
        if path.exists() || absent {
            return;
        }
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    if argv.contains("artisan") {
        put(
            "artisan",
            "#!/usr/bin/env php\n<?php\nrequire __DIR__.'/bootstrap/app.php';\n",
        );
        put("bootstrap/app.php", "<?php\n");
    }
    if case["files"].get("config/database.yml").is_some()
        || argv.contains("rails")
        || argv.contains("rake")
    {
        put(
            "bin/rails",
            "#!/usr/bin/env ruby\nAPP_PATH = File.expand_path('../config/application', __dir__)\n",
        );
        put("bin/rake", "#!/usr/bin/env ruby\n");
        put(
            "Rakefile",
            "require_relative 'config/application'\nRails.application.load_tasks\n",
        );
        put(
            "config/application.rb",
            "require 'rails/all'\nmodule App\n  class Application < Rails::Application\n  end\nend\n",
        );
        put(
            "config/environment.rb",
            "require_relative 'application'\nRails.application.initialize!\n",
        );
        for name in ["development", "test", "production", "staging"] {
            put(
                &format!("config/environments/{name}.rb"),
                "Rails.application.configure do\nend\n",
            );
        }
        put(
            "db/schema.rb",
            "ActiveRecord::Schema.define(version: 2020_01_01_000000) do\n  create_table \"orders\", force: :cascade\nend\n",
        );
    }
    if argv.contains("manage.py") {
        put("manage.py", "#!/usr/bin/env python\n");
    }
}

fn judge(case: &Value) -> (Result, String) {
    let scene = Scene::new();
    let root = std::fs::canonicalize(scene.dir.path()).unwrap();
    let shown = root.display().to_string();
    let encoded = shown.replace('/', "%2F");
    let fill = |s: &str| s.replace("{ROOT}", &shown).replace("{%ROOT}", &encoded);
    let string = |key: &str| case[key].as_str().map(&fill);
    let base = string("base").map_or_else(|| root.clone(), |b| root.join(b));
    for (name, content) in case["files"].as_object().into_iter().flatten() {
        let path = base.join(fill(name));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, fill(content.as_str().unwrap())).unwrap();
    }
    let cwd = base.join(
        string("cwd")
            .or_else(|| string("default_cwd"))
            .unwrap_or_default(),
    );
    let home = base.join(string("home").unwrap_or_else(|| "home".to_owned()));
    std::fs::create_dir_all(&cwd).unwrap();
    std::fs::create_dir_all(&home).unwrap();
    let argv: Vec<String> = case["argv"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| fill(a.as_str().unwrap()))
        .collect();
    stub(&root, &argv.join(" "), case);
    let got = explain(&scene, case, &argv, &cwd, &home, &fill);
    compare(case, &got, &shown, &cwd)
}

fn explain(
    scene: &Scene,
    case: &Value,
    argv: &[String],
    cwd: &PathBuf,
    home: &PathBuf,
    fill: &dyn Fn(&str) -> String,
) -> Value {
    let mut command = scene.command(tagout());
    command
        .current_dir(cwd)
        .env("HOME", home)
        .args(["explain", "--json"]);
    for (name, value) in case["env"].as_object().into_iter().flatten() {
        command
            .env(name, fill(value.as_str().unwrap()))
            .args(["--keep", name]);
    }
    command.arg("--").args(argv);
    let input = scene.path(".stdin");
    std::fs::write(&input, case["stdin"].as_str().unwrap_or("")).unwrap();
    let out = command
        .stdin(Stdio::from(std::fs::File::open(input).unwrap()))
        .output()
        .unwrap();
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{}: {e}: {out:?}", case["name"]))
}

fn compare(case: &Value, got: &Value, root: &str, cwd: &Path) -> (Result, String) {
    let have: BTreeSet<Place> = got["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| place(t, cwd))
        .collect();
    let unresolved = !got["unresolved"].as_array().unwrap().is_empty();
    let want = wanted(case, root, cwd);
    let said = format!(
        "want {want:?}, have {have:?}, unresolved {}",
        got["unresolved"]
    );
    let stops = case.get("expect_error").is_some_and(|e| !e.is_null());
    let Some(want) = want.filter(|_| !stops) else {
        let errors = !got["errors"].as_array().unwrap().is_empty();
        let right = errors || (have.is_empty() && unresolved);
        return (
            if right {
                Result::Right
            } else if have.is_empty() {
                Result::Unresolved
            } else {
                Result::Wrong
            },
            said,
        );
    };
    let effect = got["command"]["effect"].as_str().unwrap_or("");
    if case["expect"]["effect"] == "DESTROYS" && !["destroys", "opaque", "stops"].contains(&effect)
    {
        return (Result::Wrong, format!("effect {effect} where it destroys"));
    }
    if have == want || (case["static_unresolvable"] == true && unresolved) {
        return (Result::Right, said);
    }
    let honest = unresolved && have.is_subset(&want) && case["static_unresolvable"] != true;
    (
        if honest {
            Result::Unresolved
        } else {
            Result::Wrong
        },
        said,
    )
}

/// Cases whose expectation is not what the rule says, and why.
const EXCEPTED: &[(&str, &str)] = &[];

/// Runs a file of cases; `unresolved` is how many may be left undecided.
fn run(name: &str, unresolved: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/vectors")
        .join(name);
    let cases = std::fs::read_to_string(path).unwrap();
    let mut wrong = Vec::new();
    let mut undecided = Vec::new();
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        if EXCEPTED.iter().any(|(name, _)| case["name"] == *name) {
            continue;
        }
        let (result, said) = judge(&case);
        let row = format!("{}: {said}", case["name"]);
        match result {
            Result::Right => {}
            Result::Unresolved => undecided.push(row),
            Result::Wrong => wrong.push(row),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(
        undecided.len() <= unresolved,
        "{} unresolved:\n{}",
        undecided.len(),
        undecided.join("\n")
    );
}

#[test]
fn laravel() {
    run("laravel.jsonl", 2);
}

#[test]
fn rails() {
    run("rails.jsonl", 4);
}

#[test]
fn python_and_node() {
    run("python-node.jsonl", 3);
}

/// Cases of later releases and of libraries around them, each found by running the real thing.
#[test]
fn further_ones() {
    run("more.jsonl", 0);
}

#[test]
fn clients() {
    run("clients.jsonl", 10);
}
