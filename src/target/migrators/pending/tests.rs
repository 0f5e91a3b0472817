use crate::command::{Caller, Command, Effect, Step, World, understand};
use crate::environment::Vars;
use crate::files::Memory;
use crate::policy::Tier;
use crate::profile::Applied;
use crate::profile::Mark;
use crate::source::{Source, SourceKind};
use crate::target::{judge_migrations, resolve};

/// Paths below the project, with their text.
type Files = &'static [(&'static str, &'static str)];

fn effect(line: &str, files: Files) -> (Effect, String) {
    effect_after(line, files, &[])
}

fn effect_after(line: &str, files: Files, applied: &[Applied]) -> (Effect, String) {
    let memory = Memory::new().below("/p", files);
    let caller = Caller::default();
    let world = World {
        files: &memory,
        caller: &caller,
        heard: None,
    };
    let mut vars = Vars::new();
    vars.set("DATABASE_URL", "postgres://u@h/d", Source::argument("test"));
    vars.set("HOME", "/home/u", Source::argument("test"));
    let argv = line.split(' ').map(str::to_owned);
    let mut worst = (Effect::None, String::new());
    for mut command in understand(Step::new(argv, vars, "/p".into()), &world) {
        let resolution = resolve(&command, &world);
        judge_migrations(&mut command, &resolution, applied, &world);
        let effect = Command::effect(&command);
        let named = command.actions.iter().find(|a| a.effect == effect);
        let place = named.and_then(|a| a.place.clone()).unwrap_or_default();
        if effect >= worst.0 {
            worst = (effect, place);
        }
    }
    worst
}

#[test]
fn a_file_that_drops_makes_the_way_up_destroy() {
    let cases: &[(&str, Files, &str)] = &[
        (
            "sqlx migrate run",
            &[(
                "migrations/1_a.sql",
                "create table a(i int);\ndrop table b;",
            )],
            "migrations/1_a.sql:2",
        ),
        (
            "sqlx migrate run --source m",
            &[("m/1_a.up.sql", "truncate b"), ("m/1_a.down.sql", "")],
            "m/1_a.up.sql:1",
        ),
        (
            "diesel migration run",
            &[("migrations/2024_a/up.sql", "alter table a drop column b;")],
            "migrations/2024_a/up.sql:1",
        ),
        (
            "refinery migrate -e DATABASE_URL -p m",
            &[("m/V1__a.sql", "drop table a")],
            "m/V1__a.sql:1",
        ),
        (
            "dbmate up",
            &[(
                "db/migrations/1_a.sql",
                "-- migrate:up\n\ndrop schema x cascade;",
            )],
            "db/migrations/1_a.sql:3",
        ),
        (
            "goose -dir m postgres host=h up",
            &[(
                "m/1_a.sql",
                "-- +goose Up\ndelete from a;\n-- +goose Down\nselect 1;",
            )],
            "m/1_a.sql:2",
        ),
        (
            "migrate -database postgres://h/d -path m up",
            &[("m/1_a.up.sql", "drop table a")],
            "m/1_a.up.sql:1",
        ),
        (
            "atlas migrate apply --env prod",
            &[
                (
                    "atlas.hcl",
                    "env \"prod\" {\n  url = \"postgres://h/d\"\n  migration {\n    dir = \"file://db/m\"\n  }\n}\n",
                ),
                ("db/m/1.sql", "drop table a"),
            ],
            "db/m/1.sql:1",
        ),
        (
            "flyway -url=jdbc:postgresql://h/d -locations=filesystem:m migrate",
            &[("m/sub/V1_2__a.sql", "drop table a")],
            "m/sub/V1_2__a.sql:1",
        ),
        (
            "flyway migrate",
            &[
                (
                    "flyway.toml",
                    "[environments.default]\nurl='jdbc:postgresql://h/d'\n[flyway]\nlocations=['filesystem:m']\n",
                ),
                ("m/R__a.sql", "select 1;\ndrop table a"),
            ],
            "m/R__a.sql:2",
        ),
        (
            "liquibase --url=jdbc:postgresql://h/d --changelog-file=c.sql update",
            &[(
                "c.sql",
                "--liquibase formatted sql\n--changeset a:1\ndrop table a;",
            )],
            "c.sql:3",
        ),
        (
            "liquibase update",
            &[
                (
                    "liquibase.properties",
                    "url=jdbc:postgresql://h/d\nchangeLogFile=db/c.xml\n",
                ),
                (
                    "db/c.xml",
                    "<databaseChangeLog>\n<include file=\"x.xml\" relativeToChangelogFile=\"true\"/></databaseChangeLog>",
                ),
                (
                    "db/x.xml",
                    "<changeSet>\n<!-- <dropTable/> -->\n\n<dropColumn tableName=\"a\"/>\n</changeSet>",
                ),
            ],
            "db/x.xml:4",
        ),
        (
            "liquibase --url=jdbc:postgresql://h/d --changelog-file=c.yaml update",
            &[(
                "c.yaml",
                "databaseChangeLog:\n  - changeSet:\n      changes:\n        - sql:\n            sql: drop table a\n",
            )],
            "c.yaml:5",
        ),
        (
            "node-pg-migrate up",
            &[("migrations/1_a.sql", "-- Up Migration\ndrop table a;")],
            "migrations/1_a.sql:2",
        ),
        (
            "pgroll migrate m",
            &[
                (
                    "m/1.json",
                    "{\"operations\": [{\"drop_table\": {\"name\": \"a\"}}]}",
                ),
                ("m/2.json", "{\"operations\": []}"),
            ],
            "m/1.json:1",
        ),
        (
            "skeema push prod",
            &[(
                ".skeema",
                "host=h\n[prod]\nallow-unsafe\n[staging]\nhost=s\n",
            )],
            ".skeema:3",
        ),
        (
            "pgroll start m.yaml",
            &[("m.yaml", "operations:\n  - sql:\n      up: drop table a\n")],
            "m.yaml:1",
        ),
    ];
    for (line, files, place) in cases {
        let found = effect(line, files);
        assert_eq!(found, (Effect::Destroys, (*place).to_owned()), "{line}");
    }
}

#[test]
fn the_way_down_does_not_count_on_the_way_up() {
    let cases: &[(&str, Files)] = &[
        (
            "sqlx migrate run",
            &[
                ("migrations/1_a.down.sql", "drop table a"),
                ("migrations/x.sql", "drop table a"),
            ],
        ),
        (
            "sqlx migrate run --target-version 5",
            &[("migrations/7_a.sql", "drop table a")],
        ),
        (
            "diesel migration run",
            &[
                ("migrations/1_a/up.sql", "create table a(i int)"),
                ("migrations/1_a/down.sql", "drop table a"),
            ],
        ),
        (
            "dbmate up",
            &[(
                "db/migrations/1_a.sql",
                "-- migrate:up\ncreate table a(i int);\n-- migrate:down\ndrop table a;",
            )],
        ),
        (
            "goose -dir m postgres host=h up-to 3",
            &[
                ("m/4_a.sql", "-- +goose Up\ndrop table a;"),
                (
                    "m/1.sql",
                    "-- +goose Up\nselect 1;\n-- +goose Down\ndrop table a;",
                ),
            ],
        ),
        (
            "migrate -database postgres://h/d -path m up",
            &[("m/1_a.down.sql", "drop table a")],
        ),
        (
            "flyway -url=jdbc:postgresql://h/d -locations=filesystem:m migrate",
            &[
                ("m/U1__a.sql", "drop table a"),
                ("m/V1__a.sql", "create table a(i int)"),
            ],
        ),
        (
            "flyway -url=jdbc:postgresql://h/d -locations=filesystem:m -target=1.5 migrate",
            &[("m/V1_10__a.sql", "drop table a")],
        ),
        (
            "liquibase --url=jdbc:postgresql://h/d --changelog-file=c.xml update",
            &[(
                "c.xml",
                "<changeSet><createTable tableName=\"a\"/><rollback><dropTable tableName=\"a\"/></rollback><delete tableName='a'><where>i = 1</where></delete></changeSet>",
            )],
        ),
        (
            "liquibase --url=jdbc:postgresql://h/d --changelog-file=c.sql update",
            &[(
                "c.sql",
                "--liquibase formatted sql\n--changeset a:1\ncreate table a(i int);\n--rollback drop table a;",
            )],
        ),
        (
            "node-pg-migrate up",
            &[
                (
                    "migrations/1_a.sql",
                    "-- Up Migration\nselect 1;\n-- Down Migration\ndrop table a;",
                ),
                ("migrations/2.js", "drop table a"),
            ],
        ),
        (
            "pgroll start m.json",
            &[(
                "m.json",
                "{\"operations\": [{\"drop_table\": {\"name\": \"a\"}}]}",
            )],
        ),
        ("dbmate up", &[]),
        (
            "skeema push staging",
            &[(".skeema", "host=h\n[prod]\nallow-unsafe\n")],
        ),
    ];
    for (line, files) in cases {
        assert_eq!(effect(line, files).0, Effect::ChangesSchema, "{line}");
    }
}

#[test]
fn what_cannot_be_read_is_opaque() {
    let cases: &[(&str, Files)] = &[
        (
            "goose -dir m postgres host=h up",
            &[("m/1_a.go", "package m")],
        ),
        (
            "migrate -database postgres://h/d -source github://o/r up",
            &[],
        ),
        (
            "dbmate up",
            &[("db/migrations/1_a.sql", "do $$ begin execute 'x'; end $$;")],
        ),
        (
            "flyway -url=jdbc:postgresql://h/d -locations=filesystem:m migrate",
            &[("m/V1__a.sql", "${what} table a")],
        ),
        (
            "sqlx migrate run",
            &[("migrations/1_a.sql", "select 'unterminated")],
        ),
    ];
    for (line, files) in cases {
        assert_eq!(effect(line, files).0, Effect::Opaque, "{line}");
    }
}

/// `applied=1,2 folder=m`, on a target of PostgreSQL.
fn said(words: &str) -> Applied {
    let mut applied = Applied {
        folder: None,
        versions: Vec::new(),
        versions_file: None,
        on: Mark::empty(
            Tier::Unmarked,
            Source::new(SourceKind::SystemFile, "policy.toml:1"),
        ),
    };
    applied.on.engine = Some("postgres".to_owned());
    for word in words.split(' ') {
        let (key, value) = word.split_once('=').unwrap();
        match key {
            "applied" => applied.versions = value.split(',').map(str::to_owned).collect(),
            "applied_file" => applied.versions_file = Some(value.to_owned()),
            "folder" => applied.folder = Some(value.to_owned()),
            _ => applied.on.database = Some(value.to_owned()),
        }
    }
    applied
}

#[test]
fn what_has_run_does_not_count_again() {
    const DROPS: Files = &[
        ("m/1_a.sql", "drop table a"),
        ("m/02_b.sql", "drop table b"),
        ("m/3_c.up.sql", "create table c(i int)"),
        ("m/4_seed.go", "package m"),
        ("d/2024-01-02-030405_a/up.sql", "drop table a"),
        ("f/V1_2__a.sql", "drop table a"),
        ("f/U1_2__a.sql", "drop table a"),
        ("run.txt", "1\n02 | f\n4\n"),
    ];
    let all = "applied=1,02,4";
    let cases = [
        ("dbmate -d m up", all, true),
        ("sqlx migrate run --source m", all, true),
        ("goose -dir m postgres host=h up", all, true),
        ("migrate -path m -database postgres://h/d up", all, true),
        (
            "migrate -path m -database postgres://h/d up",
            "applied=2",
            true,
        ),
        // Older than the newest is run by these where it was left out before.
        ("dbmate -d m up", "applied=02", false),
        ("sqlx migrate run --source m", "applied=2,4", false),
        (
            "goose -dir m -allow-missing postgres host=h up",
            "applied=2,4",
            false,
        ),
        // `2` and `02` are two versions to dbmate, one to sqlx.
        ("dbmate -d m up", "applied=1,2", false),
        ("sqlx migrate run --source m", "applied=01,2", true),
        ("goose -dir m postgres host=h up", "applied=3", false),
        ("dbmate -d m up", "applied_file=/p/run.txt", true),
        ("dbmate -d m up", "applied_file=/p/none.txt", false),
        ("dbmate -d m up", "folder=/p/m applied=1,02", true),
        ("dbmate -d m up", "folder=/other/m applied=1,02", false),
        ("dbmate -d m up", "database=other applied=1,02", false),
        ("node-pg-migrate up -m m", all, false),
        (
            "diesel migration run --migration-dir d",
            "applied=20240102030405",
            true,
        ),
        ("diesel migration run --migration-dir d", all, false),
        (
            "flyway -url=jdbc:postgresql://h/d -locations=filesystem:f migrate",
            "applied=1.2",
            true,
        ),
        // To refinery a file with `U` runs too.
        (
            "refinery migrate -e DATABASE_URL -p f",
            "applied=1.2",
            false,
        ),
    ];
    for (line, words, passes) in cases {
        let (effect, place) = effect_after(line, DROPS, &[said(words)]);
        let within = effect == Effect::ChangesSchema;
        assert_eq!(within, passes, "{line} with {words:?}: {effect:?} {place}");
    }
}

#[test]
fn tools_that_know_their_files_by_name_or_plan() {
    const DROPS: Files = &[
        (
            "m/1_a.sql",
            "-- +migrate Up\ndrop table a;\n-- +migrate Down\n",
        ),
        (
            "dbconfig.yml",
            "development:\n  dialect: postgres\n  datasource: host=h dbname=d\n  dir: m\n",
        ),
        ("n/1_a.sql", "drop table a;"),
        (
            "o/01_a.json",
            r#"{"operations":[{"sql":{"up":"drop table a"}}]}"#,
        ),
        (
            "o/02_b.json",
            r#"{"operations":[{"sql":{"up":"drop table b"}}]}"#,
        ),
        (
            "sqitch.conf",
            "[core]\n\tengine = pg\n\ttop_dir = \"db\"\n[engine \"pg\"]\n\ttarget = db:pg:x\n",
        ),
        (
            "db/sqitch.plan",
            "%syntax-version=1.0.0\n%project=x\n\n# first\nusers 2026-01-01T00:00:00Z A <a@x> # x\nauth/roles [users] 2026-01-02T00:00:00Z A <a@x>\n@v1 2026-01-02T00:00:00Z A <a@x>\nusers [users@v1] 2026-01-03T00:00:00Z A <a@x>\n",
        ),
        ("db/deploy/users@v1.sql", "drop table a;"),
        ("db/deploy/users.sql", "create table x(i int);"),
        ("db/deploy/auth/roles.sql", "drop table b;"),
    ];
    let sqitch = "sqitch deploy -t db:pg://h/d";
    let cases = [
        ("sql-migrate up -dir=m", "applied=1_a.sql", true),
        ("sql-migrate up", "applied=1", false),
        ("node-pg-migrate up -m n", "applied=1_a", true),
        ("node-pg-migrate up -m n", "applied=1_a.sql", false),
        (
            "pgroll migrate o --postgres-url postgres://h/d",
            "applied=01_a,02_b",
            true,
        ),
        (
            "pgroll migrate o --postgres-url postgres://h/d",
            "applied=02_b",
            false,
        ),
        // What stands before the last that was deployed has run; what was reworked is another.
        (sqitch, "applied=auth/roles", true),
        (sqitch, "applied=users", false),
        (sqitch, "applied=roles", false),
        (sqitch, "applied=nothing", false),
    ];
    for (line, words, passes) in cases {
        let (effect, place) = effect_after(line, DROPS, &[said(words)]);
        let within = effect == Effect::ChangesSchema;
        assert_eq!(within, passes, "{line} with {words:?}: {effect:?} {place}");
    }
}
