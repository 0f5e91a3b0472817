//! `tagout init` and `profile learn`: proposals from what a project says, never written unasked.

use crate::support::{Ran, Scene, ran};

fn laravel() -> Scene {
    let scene = Scene::new();
    let database = "<?php\nreturn ['default' => env('DB_CONNECTION', 'mysql'), 'connections' => ['mysql' => [\n\
        'driver' => 'mysql',\n'host' => env('DB_HOST', '127.0.0.1'),\n'port' => env('DB_PORT', '3306'),\n\
        'database' => env('DB_DATABASE', 'forge'),\n'username' => env('DB_USERNAME', 'forge'),\n\
        'password' => env('DB_PASSWORD', ''),\n]]];\n";
    scene
        .file("artisan", "#!/usr/bin/env php\n")
        .file("bootstrap/app.php", "<?php\n")
        .file("composer.json", "{\"require\": {\"laravel/framework\": \"^11.0\"}}")
        .file("config/database.php", database)
        .file(".env", "APP_ENV=local\nDB_CONNECTION=mysql\nDB_DATABASE=worker_db\n")
        .file(
            ".env.production",
            "APP_ENV=production\nDB_CONNECTION=mysql\nDB_HOST=db-1.prod.internal\nDB_DATABASE=shop\nDB_PASSWORD=hunter2\n",
        )
        .file(
            ".env.testing",
            "APP_ENV=testing\nDB_CONNECTION=mysql\nDB_DATABASE=check_db\n",
        )
        .file(
            "app/Jobs/Import.php",
            "<?php\n$process = new Process(['php', 'artisan', 'import']);\n",
        )
        .file(".github/workflows/ci.yml", "on: push\n");
    scene
}

/// With the scene's own configuration folder.
fn tagout(scene: &Scene, args: &[&str]) -> Ran {
    let config = scene.path("config-of-user").display().to_string();
    let at = args.iter().position(|a| *a == "--").unwrap_or(args.len());
    let mut words: Vec<&str> = args.to_vec();
    words.splice(at..at, ["--config", &config]);
    ran(&mut scene.tagout(&words))
}

#[test]
fn marks_come_from_what_the_project_leads_to_and_say_so() {
    let scene = laravel();
    let shown = tagout(&scene, &["init", "--print"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    for expected in [
        "profile = \"laravel\"",
        "#   host db-1.prod.internal from .env.production:3\n",
        "tier = \"production\"\nhost = \"db-1.prod.internal\"\n",
        "#   database check_db from .env.testing:3\n",
        "tier = \"disposable\"\nengine = \"mysql\"\nhost = \"127.0.0.1\"\nport = 3306\ndatabase = \"check_db\"\n",
        "app/Jobs/Import.php:2 starts programs",
        ".github/workflows/ci.yml",
        "worker_db: unmarked",
    ] {
        assert!(shown.out.contains(expected), "{expected}: {}", shown.out);
    }
    assert!(!shown.out.contains("hunter2"), "{}", shown.out);
    assert_eq!(shown.out.matches("[[marks]]").count(), 2, "{}", shown.out);
    assert!(!scene.path("tagout.toml").exists());
}

#[test]
fn nothing_is_written_where_nobody_can_be_asked() {
    let scene = laravel();
    let unasked = tagout(&scene, &["init"]);
    assert_eq!(unasked.code, Some(125), "{unasked:?}");
    assert!(
        unasked.err.contains("--yes") && !scene.path("tagout.toml").exists(),
        "{unasked:?}"
    );
}

#[test]
fn what_is_written_holds_at_once_and_is_not_proposed_again() {
    let scene = laravel();
    let written = tagout(&scene, &["init", "--yes", "--trust"]);
    assert_eq!(written.code, Some(0), "{written:?}");
    let check = tagout(&scene, &["config", "check"]);
    assert_eq!(check.code, Some(0), "{check:?}");
    let explain = |args: &[&str]| {
        let mut words = vec!["explain", "--json"];
        words.extend(args);
        let ran = tagout(&scene, &words);
        serde_json::from_str::<serde_json::Value>(&ran.out)
            .unwrap_or_else(|e| panic!("{e}: {ran:?}"))
    };
    let wipe = ["--", "php", "artisan", "migrate:fresh"];
    assert_eq!(explain(&wipe)["verdict"]["rule"], "destroys-unmarked");
    let mut test = vec!["-p", "test"];
    test.extend(wipe);
    let test = explain(&test);
    assert_eq!(test["verdict"]["rule"], "destroys-disposable", "{test}");
    assert_eq!(test["targets"][0]["database"], "check_db");
    let again = tagout(&scene, &["init", "--print"]);
    assert_eq!((again.code, again.out.as_str()), (Some(0), ""), "{again:?}");
}

#[test]
fn an_existing_file_gets_a_diff_and_keeps_what_it_says() {
    let scene = laravel();
    scene.file("tagout.toml", "# ours\nprofile = \"worker\"\n");
    let shown = tagout(&scene, &["init", "--print"]);
    assert!(
        shown.out.starts_with("--- tagout.toml\n+++ proposed\n"),
        "{shown:?}"
    );
    assert!(
        shown.out.contains("+host = \"db-1.prod.internal\"\n"),
        "{shown:?}"
    );
    assert_eq!(tagout(&scene, &["init", "--yes"]).code, Some(0));
    let text = std::fs::read_to_string(scene.path("tagout.toml")).unwrap();
    assert!(text.starts_with("# ours\nprofile = \"worker\"\n"), "{text}");
    assert_eq!(text.matches("[[marks]]").count(), 2, "{text}");
}

#[test]
fn production_that_is_everyday_is_no_guess() {
    let scene = laravel();
    scene.file(
        ".env.production",
        "APP_ENV=production\nDB_CONNECTION=mysql\nDB_DATABASE=worker_db\n",
    );
    let shown = tagout(&scene, &["init", "--print"]);
    assert!(!shown.out.contains("tier = \"production\""), "{shown:?}");
    assert!(shown.out.contains("not marked, look at it"), "{shown:?}");
}

#[test]
fn what_a_command_misses_is_proposed_but_for_what_chooses_a_database() {
    let scene = laravel();
    scene.file(
        "config/mail.php",
        "<?php\nreturn ['host' => env('MAIL_HOST')];\n",
    );
    let config = scene.path("config-of-user").display().to_string();
    let learn = |args: &[&str]| {
        let mut words = vec!["profile", "learn", "-p", "worker", "--config", &config];
        words.extend(args);
        let mut command = scene.tagout(&words);
        for name in ["MAIL_HOST", "DB_HOST", "STRIPE_KEY", "NEVER_ASKED"] {
            command.env(name, "value-of-it");
        }
        ran(&mut command)
    };
    let missing = [
        "--",
        "sh",
        "-c",
        "echo \"key not found: ${STRIPE_KEY-STRIPE_KEY}\" >&2",
    ];
    let mut print = vec!["--print"];
    print.extend(missing);
    let shown = learn(&print);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert!(
        shown
            .out
            .contains("[profiles.worker]\npass = [\"MAIL_HOST\", \"STRIPE_KEY\"]\n"),
        "{shown:?}"
    );
    assert!(
        shown.err.contains("DB_HOST") && shown.err.contains("chooses a database"),
        "{shown:?}"
    );
    assert!(shown.err.contains("config/mail.php:2"), "{shown:?}");
    assert!(!format!("{shown:?}").contains("NEVER_ASKED"), "{shown:?}");
    let unseen = learn(&[
        "--print", "--no-run", missing[0], missing[1], missing[2], missing[3],
    ]);
    assert!(!unseen.out.contains("STRIPE_KEY"), "{unseen:?}");
    let mut yes = vec!["--yes"];
    yes.extend(missing);
    assert_eq!(learn(&yes).code, Some(0));
    let text = std::fs::read_to_string(scene.path("tagout.toml")).unwrap();
    assert_eq!(
        text,
        "[profiles.worker]\npass = [\"MAIL_HOST\", \"STRIPE_KEY\"]\n"
    );
}
