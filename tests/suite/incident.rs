//! The founding incident, with real PHP, Laravel, PostgreSQL and MariaDB: a web process whose own
//! `.env` names production spawns `php artisan migrate:fresh --force` in a worker's project.

use std::path::Path;

use crate::servers::{MariaDb, Postgres};
use crate::support::{Ran, Scene, needs, ran, skip, tagout};

const WIPE: [&str; 4] = ["php", "artisan", "migrate:fresh", "--force"];

enum Server {
    Postgres(Postgres),
    MariaDb(MariaDb),
}

impl Server {
    fn driver(&self) -> &'static str {
        match self {
            Server::Postgres(_) => "pgsql",
            Server::MariaDb(_) => "mysql",
        }
    }

    fn user(&self) -> &'static str {
        match self {
            Server::Postgres(_) => "postgres",
            Server::MariaDb(_) => "app",
        }
    }

    fn port(&self) -> u16 {
        match self {
            Server::Postgres(server) => server.port,
            Server::MariaDb(server) => server.port,
        }
    }

    fn sql(&self, database: &str, sql: &str) -> String {
        match self {
            Server::Postgres(server) => server.sql(
                if database.is_empty() {
                    "postgres"
                } else {
                    database
                },
                sql,
            ),
            Server::MariaDb(server) => server.sql(database, sql),
        }
    }
}

/// Two projects on one server, three orders in each database.
struct Drill {
    scene: Scene,
    server: Server,
}

impl Drill {
    fn new(server: Server) -> Option<Drill> {
        needs("php")?;
        if !Path::new("/usr/share/php/Illuminate/autoload.php").is_file() {
            skip("php-laravel-framework");
            return None;
        }
        let scene = Scene::new();
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/shift-incident/.");
        assert_eq!(
            ran(scene.command("cp").args(["-r", example, "."])).code,
            Some(0)
        );
        let drill = Drill { scene, server };
        for database in ["shop_production", "shift_worker"] {
            drill.server.sql("", &format!("create database {database}"));
        }
        drill.env_file("web/.env", "production", "shop_production");
        drill.env_file("worker/.env", "local", "shift_worker");
        drill.fill();
        Some(drill)
    }

    fn env_file(&self, name: &str, environment: &str, database: &str) {
        let (driver, port, user) = (self.server.driver(), self.server.port(), self.server.user());
        self.scene.file(
            name,
            &format!(
                "APP_ENV={environment}\nDB_CONNECTION={driver}\nDB_HOST=127.0.0.1\nDB_PORT={port}\nDB_DATABASE={database}\nDB_USERNAME={user}\nDB_PASSWORD=\n"
            ),
        );
    }

    fn fill(&self) {
        for database in ["shop_production", "shift_worker"] {
            for sql in [
                "drop table if exists orders",
                "create table orders (id int, what varchar(20))",
                "insert into orders values (1, 'a'), (2, 'b'), (3, 'c')",
            ] {
                self.server.sql(database, sql);
            }
        }
    }

    fn orders(&self) -> (String, String) {
        let count = |database| self.server.sql(database, "select count(*) from orders");
        (count("shop_production"), count("shift_worker"))
    }

    /// The web process spawns the words in the worker's project.
    fn spawn(&self, words: &[&str]) -> Ran {
        let mut php = self.scene.command("php");
        ran(php
            .arg("web/spawn.php")
            .arg(self.scene.path("worker"))
            .args(words))
    }

    fn through_tagout(&self, options: &[&str], command: &[&str]) -> Ran {
        let config = self.config();
        let mut words = vec![tagout(), "run", "-p", "worker", "--config", &config];
        words.extend(options);
        words.push("--");
        words.extend(command);
        self.spawn(&words)
    }

    fn config(&self) -> String {
        self.scene.path("conf").display().to_string()
    }

    /// Runs the command that the refusal offers, as it is printed.
    fn mark_as_the_refusal_says(&self, refusal: &Ran) {
        let line = refusal
            .err
            .lines()
            .find_map(|l| l.split_once("mark it once: "))
            .expect("the refusal says how to mark")
            .1;
        let marked = self
            .scene
            .bash(&format!("{line} --config {}", self.config()));
        assert_eq!(marked.code, Some(0), "{line}: {marked:?}");
    }
}

fn all(count: &str) -> String {
    count.to_owned()
}

fn drill(server: Server) {
    let Some(drill) = Drill::new(server) else {
        return;
    };
    let (three, none) = (all("3"), all("0"));

    // Without tagout: the production rows are gone, the worker's database was never touched.
    let bare = drill.spawn(&WIPE);
    assert_eq!(bare.code, Some(0), "{bare:?}");
    assert_eq!(drill.orders(), (none.clone(), three.clone()));
    drill.fill();

    // The first time, the worker's database is not marked: refused, and the refusal says how.
    let unmarked = drill.through_tagout(&[], &WIPE);
    assert_eq!(unmarked.code, Some(77), "{unmarked:?}");
    assert!(
        unmarked.err.contains("shift_worker from .env:5"),
        "{unmarked:?}"
    );
    assert_eq!(drill.orders(), (three.clone(), three.clone()));
    drill.mark_as_the_refusal_says(&unmarked);

    // With tagout: production is all there, only the worker's database was rebuilt.
    let scrubbed = drill.through_tagout(&[], &WIPE);
    assert_eq!(scrubbed.code, Some(0), "{scrubbed:?}");
    assert_eq!(drill.orders(), (three.clone(), none.clone()));
    drill.fill();

    // With the poisoned variables forced through: refused, and the journal says whose value beat
    // whose.
    let keep: Vec<&str> = [
        "DB_CONNECTION",
        "DB_HOST",
        "DB_PORT",
        "DB_DATABASE",
        "DB_USERNAME",
        "DB_PASSWORD",
    ]
    .into_iter()
    .flat_map(|name| ["--keep", name])
    .collect();
    let forced = drill.through_tagout(&keep, &WIPE);
    assert_eq!(forced.code, Some(77), "{forced:?}");
    assert!(forced.err.contains("destroys-production"), "{forced:?}");
    assert_eq!(drill.orders(), (three.clone(), three.clone()));
    let records = drill.scene.records();
    let refused = records
        .iter()
        .rev()
        .find(|r| r["phase"] == "refused")
        .expect("the refusal is recorded");
    assert_eq!(refused["rule"], "destroys-production");
    let text = refused.to_string();
    assert!(
        text.contains("shop_production")
            && text.contains("kept by --keep")
            && text.contains(".env:5"),
        "{text}"
    );

    poisoned_cache(&drill);
    missing_env_file(&drill);
}

/// The parent froze its environment into the worker's cached configuration: a clean environment
/// alone does not help any more.
fn poisoned_cache(drill: &Drill) {
    let cached = drill.spawn(&["php", "artisan", "config:cache"]);
    assert_eq!(cached.code, Some(0), "{cached:?}");
    let refused = drill.through_tagout(&[], &WIPE);
    assert_eq!(refused.code, Some(77), "{refused:?}");
    assert!(
        refused.err.contains("bootstrap/cache/config.php"),
        "{refused:?}"
    );
    assert_eq!(drill.orders(), (all("3"), all("3")));
    let bare = drill.spawn(&[
        "env",
        "-i",
        "PATH=/usr/bin:/bin",
        "php",
        "artisan",
        "migrate:fresh",
        "--force",
    ]);
    assert_eq!(bare.code, Some(0), "{bare:?}");
    assert_eq!(
        drill.orders(),
        (all("0"), all("3")),
        "a clean environment still wipes production"
    );
    std::fs::remove_file(drill.scene.path("worker/bootstrap/cache/config.php")).unwrap();
    drill.fill();
}

/// `--env` names a file that is not there: Laravel falls back to the inherited `APP_ENV`, which
/// chooses `.env.production`.
fn missing_env_file(drill: &Drill) {
    drill.env_file("worker/.env.production", "production", "shop_production");
    let wipe = ["php", "artisan", "migrate:fresh", "--force", "--env=nosuch"];
    let only_app_env: Vec<&str> = ["env", "-i", "PATH=/usr/bin:/bin", "APP_ENV=production"]
        .into_iter()
        .chain(wipe)
        .collect();
    let bare = drill.spawn(&only_app_env);
    assert_eq!(bare.code, Some(0), "{bare:?}");
    assert_eq!(drill.orders(), (all("0"), all("3")));
    drill.fill();
    let forced = drill.through_tagout(&["--keep", "APP_ENV"], &wipe);
    assert_eq!(forced.code, Some(77), "{forced:?}");
    assert!(forced.err.contains(".env.production:5"), "{forced:?}");
    assert_eq!(drill.orders(), (all("3"), all("3")));
    let scrubbed = drill.through_tagout(&[], &wipe);
    assert_eq!(scrubbed.code, Some(0), "{scrubbed:?}");
    assert_eq!(drill.orders(), (all("3"), all("0")));
}

#[test]
fn on_postgresql() {
    if let Some(server) = Postgres::start() {
        drill(Server::Postgres(server));
    }
}

#[test]
fn on_mariadb() {
    if let Some(server) = MariaDb::start() {
        drill(Server::MariaDb(server));
    }
}
