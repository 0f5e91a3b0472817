//! A development command with an inherited `DATABASE_URL`, with real Rails and PostgreSQL: alone
//! it drops the production database, through tagout it does not.

use std::path::Path;
use std::process::Command;

use crate::servers::Postgres;
use crate::support::{Ran, Scene, needs, ran, skip, tagout};

const REBUILD: [&str; 3] = ["bin/rails", "db:drop", "db:create"];

struct Drill {
    scene: Scene,
    server: Postgres,
}

impl Drill {
    fn new() -> Option<Drill> {
        needs("ruby")?;
        let rails = Command::new("ruby")
            .args([
                "-e",
                "require 'rails'; require 'active_record'; require 'pg'",
            ])
            .output();
        if !rails.is_ok_and(|r| r.status.success()) {
            skip("ruby-railties, ruby-activerecord and ruby-pg");
            return None;
        }
        let server = Postgres::start()?;
        let scene = Scene::new();
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/rails-incident");
        let copied = ran(scene.command("cp").args(["-r", example, "shop"]));
        assert_eq!(copied.code, Some(0), "{copied:?}");
        let file = scene.path("shop/config/database.yml");
        let text = std::fs::read_to_string(&file).unwrap();
        let port = format!("host: 127.0.0.1\n  port: {}", server.port);
        std::fs::write(&file, text.replace("host: 127.0.0.1", &port)).unwrap();
        let drill = Drill { scene, server };
        drill.fill();
        Some(drill)
    }

    /// A production database of which Rails knows nothing, with three orders.
    fn fill(&self) {
        self.server
            .sql("postgres", "drop database if exists shop_production");
        self.server
            .sql("postgres", "create database shop_production");
        let table = "create table orders as select n from generate_series(1, 3) n";
        self.server.sql("shop_production", table);
    }

    fn orders(&self) -> String {
        let there = "select coalesce(to_regclass('orders')::text, '')";
        if self.server.sql("shop_production", there).is_empty() {
            return "gone".into();
        }
        self.server
            .sql("shop_production", "select count(*) from orders")
    }

    fn databases(&self) -> String {
        let sql = "select string_agg(datname, ' ' order by datname) from pg_database where datname like 'shop%'";
        self.server.sql("postgres", sql)
    }

    fn run(&self, words: &[&str]) -> Ran {
        let url = format!(
            "postgres://postgres@127.0.0.1:{}/shop_production",
            self.server.port
        );
        let mut command = self.scene.command(words[0]);
        ran(command
            .args(&words[1..])
            .current_dir(self.scene.path("shop"))
            .env("DATABASE_URL", url))
    }

    fn through_tagout(&self, options: &[&str], words: &[&str]) -> Ran {
        let config = self.config();
        let mut all = vec![tagout(), "run", "--config", &config];
        all.extend(options);
        all.push("--");
        all.extend(words);
        self.run(&all)
    }

    fn config(&self) -> String {
        self.scene.path("conf").display().to_string()
    }

    fn mark_as_the_refusal_says(&self, refusal: &Ran) {
        for (_, line) in refusal
            .err
            .lines()
            .filter_map(|l| l.split_once("mark it once: "))
        {
            let marked = self
                .scene
                .bash(&format!("{line} --config {}", self.config()));
            assert_eq!(marked.code, Some(0), "{line}: {marked:?}");
        }
    }
}

#[test]
fn an_inherited_url_does_not_reach_production() {
    let Some(drill) = Drill::new() else { return };

    // Without tagout: production is dropped and created anew, empty; the command succeeds.
    let bare = drill.run(&REBUILD);
    assert_eq!(bare.code, Some(0), "{bare:?}");
    assert_eq!(drill.orders(), "gone");
    drill.fill();

    // With tagout: the development database is the target; it is not marked yet.
    let unmarked = drill.through_tagout(&[], &REBUILD);
    assert_eq!(unmarked.code, Some(77), "{unmarked:?}");
    assert!(
        unmarked
            .err
            .contains("shop_development from config/database.yml"),
        "{unmarked:?}"
    );
    assert_eq!(drill.orders(), "3");
    drill.mark_as_the_refusal_says(&unmarked);

    let scrubbed = drill.through_tagout(&[], &REBUILD);
    assert_eq!(scrubbed.code, Some(0), "{scrubbed:?}");
    assert_eq!(drill.orders(), "3");
    assert_eq!(
        drill.databases(),
        "shop_development shop_production shop_test"
    );

    // With the variable let through: refused, whatever looks like development.
    for words in [
        &REBUILD[..],
        &["bin/rake", "db:schema:load"],
        &["bin/rails", "db:migrate"],
        &["bin/rails", "test"],
        &["bundle", "exec", "rails", "db:reset"],
    ] {
        let forced = drill.through_tagout(&["--keep", "DATABASE_URL"], words);
        assert_eq!(forced.code, Some(77), "{words:?} {forced:?}");
        assert!(
            forced.err.contains("shop_production"),
            "{words:?} {forced:?}"
        );
    }
    let assigned = format!(
        "DATABASE_URL=postgres://postgres@127.0.0.1:{}/shop_production",
        drill.server.port
    );
    let argv = drill.through_tagout(&[], &["bin/rake", "db:drop", &assigned]);
    assert_eq!(argv.code, Some(77), "{argv:?}");
    assert_eq!(drill.orders(), "3");

    // What develops on its own database goes on.
    let migrated = drill.through_tagout(&[], &["bin/rails", "db:migrate"]);
    assert_eq!(migrated.code, Some(0), "{migrated:?}");
    assert!(Path::new(&drill.scene.path("shop/db/schema.rb")).is_file());
    assert_eq!(drill.orders(), "3");
}
