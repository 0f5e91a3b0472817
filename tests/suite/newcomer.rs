//! The newcomer's way, as the script in `examples` walks it.

use crate::support::{Ran, Scene, needs, ran, tagout};

#[test]
fn a_newcomer_comes_from_install_to_the_first_refusal() {
    if needs("bash").is_none() {
        return;
    }
    let scene = Scene::new();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/newcomer/run");
    let done = ran(scene.command(script).env("TAGOUT", tagout()));
    assert_eq!(done.code, Some(0), "{done:?}");
    for expected in [
        "refused by rule destroys-production",
        "tier = \"production\"",
        "Dropped all tables successfully in worker.sqlite.",
        "s  init",
        "s  the first refused command",
    ] {
        assert!(
            done.out.contains(expected),
            "{expected}: {}\n{}",
            done.out,
            done.err
        );
    }
}

/// With the scene's own configuration folder.
fn asked(scene: &Scene, args: &[&str]) -> Ran {
    let config = scene.path("config-of-user").display().to_string();
    let at = args.iter().position(|a| *a == "--").unwrap_or(args.len());
    let mut words: Vec<&str> = args.to_vec();
    words.splice(at..at, ["--config", &config]);
    ran(&mut scene.tagout(&words))
}

fn verdict(scene: &Scene, command: &[&str]) -> serde_json::Value {
    let mut words = vec!["explain", "--json", "--"];
    words.extend(command);
    let ran = asked(scene, &words);
    let page: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    page["verdict"].clone()
}

#[test]
fn a_container_is_marked_as_a_place_and_nothing_beyond_it() {
    let scene = Scene::new();
    let migrate = [
        "docker",
        "compose",
        "exec",
        "-T",
        "app",
        "bin/rails",
        "db:drop",
    ];
    let refused = verdict(&scene, &migrate);
    assert_eq!(refused["rule"], "destroys-unresolved");
    let hint = refused["hints"][0].as_str().expect("a hint").to_owned();
    let (_, line) = hint.split_once(": tagout ").expect("a command");
    let config = scene.path("config-of-user");
    let line = format!("{} {line} --config {}", tagout(), config.display());
    let marked = ran(scene.command("sh").args(["-c", &line]));
    assert_eq!(marked.code, Some(0), "{marked:?}");
    assert_eq!(verdict(&scene, &migrate)["rule"], "destroys-disposable");
    for elsewhere in [
        &[
            "docker",
            "compose",
            "exec",
            "-e",
            "RAILS_ENV=production",
            "app",
            "bin/rails",
            "db:drop",
        ][..],
        &[
            "docker", "compose", "exec", "app", "dropdb", "-h", "db", "shop",
        ],
        &[
            "docker",
            "compose",
            "exec",
            "app",
            "psql",
            "postgres://db/x",
            "-c",
            "drop table x",
        ],
        &[
            "docker",
            "--context",
            "far",
            "compose",
            "exec",
            "app",
            "bin/rails",
            "db:drop",
        ],
        &[
            "docker",
            "compose",
            "-f",
            "other.yml",
            "exec",
            "app",
            "bin/rails",
            "db:drop",
        ],
        &[
            "docker",
            "compose",
            "exec",
            "worker",
            "bin/rails",
            "db:drop",
        ],
        &[
            "ssh",
            "db1",
            "docker",
            "compose",
            "exec",
            "app",
            "bin/rails",
            "db:drop",
        ],
    ] {
        assert_eq!(
            verdict(&scene, elsewhere)["outcome"],
            "refused",
            "{elsewhere:?}"
        );
    }
    let far = verdict(&scene, &["ssh", "db1", "bin/rails", "db:drop"]);
    assert!(!far["hints"].to_string().contains("mark"), "{far}");
}

#[test]
fn all_marks_that_are_missing_are_said_at_once() {
    let scene = Scene::new();
    let line = "dropdb -h 127.0.0.1 one; dropdb -h 127.0.0.1 two";
    let refused = verdict(&scene, &["sh", "-c", line]);
    let hints = refused["hints"].as_array().expect("hints");
    assert_eq!(hints.len(), 2, "{refused}");
    for hint in hints {
        let (_, line) = hint
            .as_str()
            .expect("text")
            .split_once(": tagout ")
            .expect("a command");
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(asked(&scene, &words).code, Some(0), "{line}");
    }
    assert_eq!(verdict(&scene, &["sh", "-c", line])["outcome"], "allowed");
}

#[test]
fn what_is_typed_wrongly_is_answered_with_what_was_meant() {
    let scene = Scene::new();
    for (words, hint) in [
        (&["dcotor"][..], "did you mean `tagout doctor`?"),
        (&["psql", "shop"], "tagout run -- psql ..."),
        (
            &["mark", "disposable", "--engine", "mysql"],
            "say which one",
        ),
        (
            &["explain", "-p", "wroker", "--", "true"],
            "did you mean `worker`?",
        ),
    ] {
        let answer = ran(&mut scene.tagout(words));
        assert!(answer.err.contains(hint), "{words:?}: {answer:?}");
        assert_ne!(answer.code, Some(0), "{words:?}");
    }
    let profile = ran(&mut scene.tagout(&["explain", "-p", "nosuch", "--", "true"]));
    assert!(!profile.err.contains(":1:1"), "{}", profile.err);
}

#[test]
fn the_log_is_read_in_local_time_and_by_a_pager() {
    let scene = Scene::new();
    assert_eq!(asked(&scene, &["run", "--", "true"]).code, Some(0));
    let log = |more: &[&str]| {
        let mut words = vec!["log"];
        words.extend(more);
        ran(scene.tagout(&words).env("TZ", "HERE-3:30")).out
    };
    assert!(log(&[]).contains("+03:30 "), "{}", log(&[]));
    assert!(log(&["show", "last"]).contains("+03:30\n"));
    assert!(!log(&["--utc"]).contains("+03:30") && log(&["--utc"]).contains("Z "));
    assert!(!log(&["--json"]).contains("+03:30"));
    if needs("script").is_none() {
        return;
    }
    let read = |words: &str, pager: &str| {
        let line = format!("{} log {words}", tagout());
        let mut script = scene.command("script");
        script.args(["-qec", &line, "/dev/null"]);
        ran(script.env("PAGER", pager).env("TERM", "xterm")).out
    };
    let pager = "sed s/^/paged:/";
    assert!(read("", pager).contains("paged:"), "{}", read("", pager));
    for (words, pager) in [
        ("--no-pager", pager),
        ("--json", pager),
        ("", "cat"),
        ("", "exit 1; :"),
    ] {
        let shown = read(words, pager);
        assert!(!shown.contains("paged:"), "{words}: {shown}");
    }
    assert!(read("", "").contains("true"));
    assert!(read("", "no-such-pager").contains("true"));
}

#[test]
fn init_marks_nothing_that_no_configuration_says() {
    let scene = Scene::new();
    scene.file(
        "config/application.rb",
        "module A\n  class Application < Rails::Application\n  end\nend\n",
    );
    scene.file("bin/rails", "#!/usr/bin/env ruby\n");
    scene.file("config/database.yml", "development:\n  adapter: postgresql\n  database: shop_development\nproduction:\n  adapter: postgresql\n  url: <%= ENV['DATABASE_URL'] %>\n");
    let shown = asked(&scene, &["init", "--print"]);
    assert!(!shown.out.contains("[[marks]]"), "{}", shown.out);
    assert!(
        shown.out.contains("it comes from its environment"),
        "{}",
        shown.out
    );
    assert!(
        shown
            .out
            .contains("tagout mark disposable --engine postgres"),
        "{}",
        shown.out
    );

    let scene = Scene::new();
    scene.file(
        "manage.py",
        "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
    );
    scene.file(
        "shop/settings.py",
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'dev.db'}}\n",
    );
    scene.file("shop/settings_production.py", "import os\nDATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'HOST': 'db.internal', 'NAME': 'shop', 'PASSWORD': os.environ['DB_PASSWORD']}}\n");
    let shown = asked(&scene, &["init", "--print"]);
    assert!(
        shown
            .out
            .contains("tier = \"production\"\nhost = \"db.internal\"\n"),
        "{}",
        shown.out
    );
    assert!(!shown.out.contains("placeholder"), "{}", shown.out);
}
