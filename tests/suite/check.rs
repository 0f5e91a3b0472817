//! `tagout check`: commands with their places, findings in every format, ignores, baselines.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Scene, needs, ran};

/// A repository with something in every kind of file.
fn repository() -> Scene {
    let scene = Scene::new();
    scene
        .file(
            ".github/workflows/ci.yml",
            "name: CI\non: push\njobs:\n  test:\n    runs-on: x\n    env:\n      DATABASE_URL: postgres://app:hunter2secret@db1:5432/shop_production\n    steps:\n      - name: Reset\n        run: |\n          set -e\n          dropdb shop && \\\n            psql -d shop_production -c 'DROP TABLE orders'\n      - run: >-\n          psql -d shop_test\n          -c 'drop table x'\n      - run: tagout run -p ci -- psql -h db1 -d shop_production -c 'select 1'\n      - run: tagout run -p no-such -- psql -c 'select 1'\n      - env: {PGDATABASE: \"${{ secrets.DB }}\"}\n        run: psql -c \"drop table x\"\n",
        )
        .file(
            ".gitlab-ci.yml",
            "variables:\n  PGDATABASE: shop_production\nwipe:\n  script:\n    - echo start\n    - psql -c 'DROP TABLE orders'\n",
        )
        .file(
            ".circleci/config.yml",
            "version: 2.1\njobs:\n  build:\n    environment:\n      PGDATABASE: shop_production\n    steps:\n      - checkout\n      - run:\n          name: Wipe\n          command: |\n            dropdb other_production\n",
        )
        .file(
            "Jenkinsfile",
            "pipeline {\n  stages {\n    stage('x') {\n      steps {\n        sh 'dropdb a_production'\n        sh \"\"\"\n          echo ${env.X}\n          dropdb b_production\n        \"\"\"\n      }\n    }\n  }\n}\n",
        )
        .file("Procfile", "web: puma\nrelease: dropdb shop_production\n")
        .file("Dockerfile", "FROM x\nRUN apt-get update && \\\n    dropdb shop_production\nCMD [\"dropdb\", \"two_production\"]\n")
        .file("compose.yaml", "services:\n  job:\n    environment:\n      - PGHOST=db1\n      - PGDATABASE=shop_production\n    command: [\"dropdb\", \"shop_production\"]\n")
        .file("Makefile", "DB = shop_production\nreset:\n\t@dropdb $(DB)\n")
        .file("justfile", "reset:\n    dropdb shop_production\n")
        .file("package.json", "{\n  \"scripts\": {\n    \"reset\": \"echo \\\"x\\\" && dropdb shop_production\"\n  }\n}\n")
        .file("composer.json", "{\"scripts\": {\n  \"post\": [\"@php artisan --version\",\n    \"dropdb shop_production\", \"App\\\\X::run\"]}}\n")
        .file("crontab", "PGDATABASE=shop_production\n5 4 * * * dropdb shop_production\n")
        .file("worker.service", "[Service]\nEnvironment=PGDATABASE=shop_production\nExecStart=/usr/bin/dropdb shop_production\n")
        .file("bin/wipe", "#!/bin/sh\ndropdb shop_production\n")
        .file("app/Job.php", "<?php\n$p = new Process(['php', 'artisan', 'migrate:fresh']);\n")
        .file("lib/job.rb", "\nOpen3.capture3('dropdb', name)\n")
        .file("job.py", "import subprocess\nsubprocess.run([\"dropdb\", \"shop\"])\n")
        .file("job.js", "const {spawn} = require('child_process')\nspawn('dropdb', ['shop'])\n")
        .file("node_modules/x/job.js", "const {spawn} = require('child_process')\nspawn('dropdb', ['shop'])\n");
    scene
}

fn report(scene: &Scene, more: &[&str]) -> Value {
    let ran = ran(scene.tagout(&["check", "--format", "json"]).args(more));
    serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {ran:?}"))
}

/// The findings as `file:line:column rule`.
fn lines(report: &Value) -> Vec<String> {
    let found = report["findings"].as_array().unwrap().iter();
    found
        .map(|f| {
            let place = &f["place"];
            let file = place["file"].as_str().unwrap();
            format!(
                "{file}:{}:{} {}",
                place["line"],
                place["column"],
                f["rule"].as_str().unwrap()
            )
        })
        .collect()
}

#[test]
fn every_kind_of_file_is_read_and_every_place_is_true() {
    let scene = repository();
    let report = report(&scene, &[]);
    let expected = [
        ".circleci/config.yml:5:7 production-address",
        ".circleci/config.yml:11:13 destroys-production",
        ".github/workflows/ci.yml:7:7 production-address",
        ".github/workflows/ci.yml:12:11 destroys-unmarked",
        ".github/workflows/ci.yml:13:13 destroys-production",
        ".github/workflows/ci.yml:17:14 refused-command",
        ".github/workflows/ci.yml:18:14 unknown-profile",
        ".github/workflows/ci.yml:20:14 destroys-unresolved",
        ".gitlab-ci.yml:2:3 production-address",
        ".gitlab-ci.yml:6:7 destroys-production",
        "Dockerfile:3:5 destroys-production",
        "Dockerfile:4:5 destroys-production",
        "Jenkinsfile:5:13 destroys-production",
        "Jenkinsfile:8:11 destroys-production",
        "Makefile:3:3 destroys-production",
        "Procfile:2:10 destroys-production",
        "app/Job.php:2:6 unwrapped-spawn",
        "bin/wipe:2:1 destroys-production",
        "compose.yaml:4:9 production-address",
        "compose.yaml:6:15 destroys-production",
        "composer.json:3:6 destroys-production",
        "crontab:1:1 production-address",
        "crontab:2:11 destroys-production",
        "job.js:2:1 unwrapped-spawn",
        "job.py:2:1 unwrapped-spawn",
        "justfile:2:5 destroys-production",
        "lib/job.rb:2:7 unwrapped-spawn",
        "package.json:3:29 destroys-production",
        "worker.service:2:1 production-address",
        "worker.service:3:11 destroys-production",
    ];
    let lines = lines(&report);
    let missing: Vec<_> = expected
        .iter()
        .filter(|e| !lines.contains(&(**e).to_owned()))
        .collect();
    let more: Vec<_> = lines
        .iter()
        .filter(|l| !expected.contains(&l.as_str()))
        .collect();
    assert!(
        missing.is_empty() && more.is_empty(),
        "missing {missing:#?} more {more:#?}"
    );
    let commands = report["commands"].as_array().unwrap();
    let test = commands
        .iter()
        .find(|c| c["targets"][0]["tier"] == "disposable")
        .unwrap();
    assert_eq!(
        test["place"]["line"], 15,
        "a folded line keeps its place: {test}"
    );
    assert_eq!(test["effect"], "destroys");
    assert!(
        !report.to_string().contains("hunter2"),
        "no password is said"
    );
}

#[test]
fn exit_codes_ignores_and_baselines() {
    let scene = Scene::new();
    let code = |args: &[&str]| ran(scene.tagout(&["check"]).args(args)).code;
    scene.file("ok.sh", "psql -c 'select 1'\n");
    assert_eq!(code(&[]), Some(0));
    assert_eq!(code(&["no-such-folder"]), Some(125));
    assert_eq!(code(&["--format", "xml"]), Some(2));
    scene.file("a.sh", "dropdb x\n");
    assert_eq!(code(&[]), Some(1));
    assert_eq!(code(&["--fail-on", "never"]), Some(0));
    assert_eq!(code(&["ok.sh"]), Some(0));
    scene.file(
        "a.sh",
        "# tagout: ignore[destroys-unmarked] made anew each night\ndropdb x\n",
    );
    assert_eq!(code(&[]), Some(0));
    scene.file("a.sh", "# tagout: ignore[destroys-unmarked]\ndropdb x\n");
    let rules = lines(&report(&scene, &[]));
    assert_eq!(
        rules,
        [
            "a.sh:1:3 ignore-without-reason",
            "a.sh:2:1 destroys-unmarked"
        ]
    );
    scene.file("a.sh", "dropdb x\n");
    assert_eq!(code(&["--write-baseline", "known.json"]), Some(0));
    assert_eq!(code(&["--baseline", "known.json"]), Some(0));
    scene.file("a.sh", "\n\ndropdb x\ndropdb x\n");
    let again = report(&scene, &["--baseline", "known.json"]);
    assert_eq!(
        lines(&again),
        ["a.sh:4:1 destroys-unmarked"],
        "one more than was known"
    );
    scene.file("broken.json", "{}");
    assert_eq!(code(&["--baseline", "broken.json"]), Some(125));
    scene.file(".gitlab-ci.yml", "a: [\n");
    assert!(lines(&report(&scene, &[])).contains(&".gitlab-ci.yml:2:1 unreadable-file".to_owned()));
}

#[test]
fn marks_of_the_project_decide() {
    let scene = Scene::new();
    scene.file(
        "deploy.sh",
        "psql -h db1.internal -d shop -c 'drop table x'\n",
    );
    assert_eq!(
        lines(&report(&scene, &[])),
        ["deploy.sh:1:1 destroys-unmarked"]
    );
    scene.file(
        "tagout.toml",
        "[[marks]]\ntier = \"production\"\nhost = \"db1.internal\"\n",
    );
    assert_eq!(
        lines(&report(&scene, &[])),
        ["deploy.sh:1:1 destroys-production"]
    );
}

#[test]
fn what_is_connected_to_only_to_drop_another_one_is_not_what_is_destroyed() {
    let scene = Scene::new();
    scene.file(
        "config/config.json",
        r#"{"test":{"database":"shop_test","host":"127.0.0.1","dialect":"postgres"}}"#,
    );
    scene.file("reset.sh", "NODE_ENV=test npx sequelize-cli db:drop\n");
    assert_eq!(lines(&report(&scene, &[])), [""; 0]);
}

/// The parts of the SARIF 2.1.0 schema that apply: required properties, types and words.
fn assert_sarif(log: &Value) {
    assert_eq!(log["version"], "2.1.0");
    for run in log["runs"].as_array().unwrap() {
        let driver = &run["tool"]["driver"];
        assert!(driver["name"].is_string());
        assert_eq!(run["columnKind"], "unicodeCodePoints");
        let rules = driver["rules"].as_array().unwrap();
        let mut ids: Vec<&str> = rules.iter().map(|r| r["id"].as_str().unwrap()).collect();
        ids.dedup();
        assert_eq!(ids.len(), rules.len());
        for rule in rules {
            for text in ["shortDescription", "fullDescription", "help"] {
                assert!(rule[text]["text"].as_str().is_some_and(|t| !t.is_empty()));
            }
            let level = rule["defaultConfiguration"]["level"].as_str().unwrap();
            assert!(["none", "note", "warning", "error"].contains(&level));
        }
        for result in run["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            assert!(
                result["message"]["text"]
                    .as_str()
                    .is_some_and(|t| !t.is_empty())
            );
            assert!(
                ["none", "note", "warning", "error"].contains(&result["level"].as_str().unwrap())
            );
            assert!(
                result["partialFingerprints"]
                    .as_object()
                    .unwrap()
                    .values()
                    .all(Value::is_string)
            );
            for location in result["locations"].as_array().unwrap() {
                let place = &location["physicalLocation"];
                let uri = place["artifactLocation"]["uri"].as_str().unwrap();
                assert!(
                    !uri.contains([' ', '#', '?']) && !uri.starts_with('/'),
                    "{uri}"
                );
                assert!(place["region"]["startLine"].as_u64().unwrap() >= 1);
                assert!(place["region"]["startColumn"].as_u64().unwrap() >= 1);
            }
        }
    }
}

#[test]
fn every_format_is_what_its_reader_takes() {
    let scene = Scene::new();
    scene.file(
        "odd, name: 100%#/a.sh",
        "psql -d 'x\"<&>' -c 'drop table x'\n",
    );
    let show = |format: &str| ran(&mut scene.tagout(&["check", "--format", format])).out;
    assert_sarif(&serde_json::from_str(&show("sarif")).unwrap());
    let github = show("github");
    assert!(github.starts_with("::error file=odd%2C name%3A 100%25#/a.sh,line=1,col=1,title=tagout%3A destroys-unmarked::"), "{github}");
    assert_eq!(github.lines().count(), 1, "{github}");
    let gitlab: Value = serde_json::from_str(&show("gitlab")).unwrap();
    let issue = &gitlab[0];
    assert_eq!(
        issue["location"],
        json!({"path": "odd, name: 100%#/a.sh", "lines": {"begin": 1}})
    );
    assert!(
        ["info", "minor", "major", "critical", "blocker"]
            .contains(&issue["severity"].as_str().unwrap())
    );
    assert!(
        issue["fingerprint"].is_string()
            && issue["check_name"].is_string()
            && issue["description"].is_string()
    );
    let Some(python) = needs("python3") else {
        return;
    };
    let script = "import sys,xml.dom.minidom as m; d=m.parseString(sys.stdin.buffer.read()); s=d.getElementsByTagName('testsuite')[0]; print(s.getAttribute('failures'), d.getElementsByTagName('failure')[0].getAttribute('message'))";
    let mut child = scene
        .command(python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), show("junit").as_bytes()).unwrap();
    let out = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(
        out.starts_with("1 `DROP TABLE` of psql") && out.contains("x\"<&>"),
        "{out}"
    );
}

#[test]
fn every_rule_has_a_page() {
    let scene = Scene::new();
    let rules = ran(&mut scene.tagout(&["check", "--rules"]));
    for id in rules.out.lines().filter_map(|l| l.split('\t').next()) {
        let page = ran(&mut scene.tagout(&["check", "--explain", id]));
        assert!(page.out.starts_with(&format!("# {id}\n")), "{page:?}");
    }
}

#[test]
fn a_tree_of_many_files_is_read_whole() {
    let scene = Scene::new();
    for n in 0..3000 {
        scene.file(
            &format!("d{}/f{n}.py", n % 50),
            "import subprocess\nsubprocess.run(['ls'])\n",
        );
    }
    scene.file("d7/x.sh", "dropdb x\n");
    scene.file(".gitignore", "d8/\n");
    let report = report(&scene, &[]);
    assert_eq!(report["summary"]["read"], 3001 - 60);
    assert_eq!(lines(&report), ["d7/x.sh:1:1 destroys-unmarked"]);
}

/// The scripts of the examples, as a runner would run them.
#[test]
fn the_examples_for_pipelines_run() {
    use tagout::target::readers::yaml::{Kind, Node, parse};
    let example = |name: &str| {
        let path = format!("{}/examples/ci/{name}", env!("CARGO_MANIFEST_DIR"));
        parse(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    let list = |node: &Node| match &node.kind {
        Kind::List(items) => items.clone(),
        _ => Vec::new(),
    };
    let scene = Scene::new();
    scene.file("a.sh", "dropdb x\n").file(".github/x.sh", "");
    let folder = std::path::Path::new(crate::support::tagout())
        .parent()
        .unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let action = example("action.yml");
    let step = &list(action.get("runs").and_then(|r| r.get("steps")).unwrap())[0];
    let script = step.get("run").and_then(Node::text).unwrap();
    for (fail_on, code) in [("error", Some(1)), ("never", Some(0))] {
        let mut bash = scene.command("bash");
        bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script]);
        bash.env("PATH", &path)
            .env("PATHS", "a.sh .github")
            .env("BASELINE", "")
            .env("SARIF", "out.sarif");
        let ran = ran(bash.env("FAIL_ON", fail_on));
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.out.starts_with("::error file=a.sh,line=1"), "{ran:?}");
        let sarif = std::fs::read_to_string(scene.path("out.sarif")).unwrap();
        assert_sarif(&serde_json::from_str(&sarif).unwrap());
    }
    let template = example("gitlab.yml");
    let job = template.get("tagout-check").unwrap();
    let lines: Vec<String> = list(job.get("script").unwrap())
        .iter()
        .filter_map(|l| l.text().map(str::to_owned))
        .collect();
    let mut bash = scene.command("bash");
    bash.args(["-ec", &lines.join("\n")])
        .env("PATH", &path)
        .env("TAGOUT_CHECK_PATHS", ".");
    let ran = ran(&mut bash);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let quality = std::fs::read_to_string(scene.path("gl-code-quality-report.json")).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&quality).unwrap()[0]["location"]["path"],
        "a.sh"
    );
}
