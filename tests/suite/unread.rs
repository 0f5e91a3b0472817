//! Files that the command will read and tagout does not: too large, or a pipe whose text comes
//! once (`.env` files of secret managers are such). What they say is not taken for nothing.

use std::fs;

use crate::support::{self, Scene};

/// A file that matters, those beside it, and a command that destroys what the file names.
struct Case {
    beside: &'static [(&'static str, &'static str)],
    file: &'static str,
    text: &'static str,
    comment: &'static str,
    line: &'static str,
}

const LARAVEL: &[(&str, &str)] = &[
    ("artisan", "<?php"),
    (
        "config/app.php",
        "<?php return ['env' => env('APP_ENV', 'local')];",
    ),
    (
        "config/database.php",
        "<?php return ['default' => 'mysql', 'connections' => ['mysql' => ['driver' => 'mysql', \
         'host' => env('DB_HOST', '127.0.0.1'), 'database' => env('DB_DATABASE', 'x_test')]]];",
    ),
];
const RAILS: &[(&str, &str)] = &[
    (
        "config/application.rb",
        "module A; class Application < Rails::Application; end; end",
    ),
    ("bin/rails", "#!/usr/bin/env ruby\n"),
    (
        "Gemfile.lock",
        "    rails (7.1.0)\n    dotenv-rails (2.8.1)\n",
    ),
    (
        "config/database.yml",
        "development:\n  adapter: postgresql\n  database: x_test\n  host: <%= ENV.fetch('H', 'localhost') %>\n",
    ),
];

const CASES: &[Case] = &[
    Case {
        beside: LARAVEL,
        file: ".env",
        text: "DB_HOST=db.example\nDB_DATABASE=shop\n",
        comment: "#",
        line: "php artisan migrate:fresh --force",
    },
    Case {
        beside: RAILS,
        file: ".env",
        text: "H=db.example\n",
        comment: "#",
        line: "bin/rails db:drop",
    },
    Case {
        beside: RAILS,
        file: "config/boot.rb",
        text: "ENV['H'] = 'db.example'\n",
        comment: "#",
        line: "bin/rails db:drop",
    },
    Case {
        beside: &[],
        file: "package.json",
        text: "{\"scripts\":{\"x\":\"dropdb -h db.example shop\"}}",
        comment: "",
        line: "npm run x",
    },
    Case {
        beside: &[],
        file: "package.json",
        text: "{\"scripts\":{\"prepare\":\"dropdb -h db.example shop\"}}",
        comment: "",
        line: "npm ci",
    },
    Case {
        beside: &[],
        file: "composer.json",
        text: "{\"scripts\":{\"x\":\"dropdb -h db.example shop\"}}",
        comment: "",
        line: "composer x",
    },
    Case {
        beside: &[],
        file: "env.sh",
        text: "dropdb -h db.example shop\n",
        comment: "#",
        line: "bash -c '. ./env.sh'",
    },
    Case {
        beside: &[],
        file: "Makefile",
        text: "x:\n\tdropdb -h db.example shop\n",
        comment: "#",
        line: "make x",
    },
];

/// Whether the line may run in a project with that file.
fn allowed(case: &Case, put: &dyn Fn(&Scene)) -> bool {
    let scene = Scene::new();
    for (name, text) in case.beside {
        scene.file(name, text);
    }
    put(&scene);
    let line = format!("{} explain -- {}", support::tagout(), case.line);
    let ran = scene.bash(&line);
    assert!(matches!(ran.code, Some(0 | 77)), "{}: {ran:?}", case.line);
    ran.code == Some(0)
}

#[test]
fn what_the_command_reads_and_tagout_does_not_is_not_taken_for_nothing() {
    for case in CASES {
        let what = format!("{} by {}", case.file, case.line);
        let plain = |scene: &Scene| {
            scene.file(case.file, case.text);
        };
        assert!(!allowed(case, &plain), "{what}");
        let large = |scene: &Scene| {
            let rest = match case.comment {
                "" => " ".repeat(9 << 20),
                comment => format!("{comment}{}\n", "x".repeat(98)).repeat(95_000),
            };
            scene.file(case.file, &format!("{}{rest}", case.text));
        };
        assert!(!allowed(case, &large), "{what}, large");
        let pipe = |scene: &Scene| {
            scene.file(case.file, "");
            let path = scene.path(case.file);
            fs::remove_file(&path).unwrap();
            let made = std::process::Command::new("mkfifo").arg(&path).status();
            assert!(made.unwrap().success());
        };
        assert!(!allowed(case, &pipe), "{what}, a pipe");
    }
}

/// The kernel's log waits for what has not happened yet, and is a regular file.
#[test]
fn a_file_that_never_ends_is_not_waited_for() {
    let scene = Scene::new();
    for (name, text) in LARAVEL {
        scene.file(name, text);
    }
    for endless in ["/proc/kmsg", "/dev/zero", "/dev/null"] {
        let link = scene.path(".env");
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(endless, link).unwrap();
        let words = ["explain", "--", "php", "artisan", "migrate:fresh"];
        let ran = support::ran(&mut scene.tagout(&words));
        assert!(matches!(ran.code, Some(0 | 77)), "{endless}: {ran:?}");
    }
}
