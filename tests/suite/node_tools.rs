//! Node's migration tools for real, against a real PostgreSQL: a destructive command that a
//! variable left in the shell aims at production does its damage without tagout, and is refused
//! and harmless with it.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::servers::Postgres;
use crate::support::{Ran, Scene, needs, ran, skip};

/// The tools with the versions that the answers were held to.
const PACKAGES: &[&str] = &[
    "knex@3.3.0",
    "pg@8.23.1",
    "sequelize@6.37.8",
    "sequelize-cli@6.6.5",
    "drizzle-kit@0.31.11",
    "drizzle-orm@0.45.4",
    "typeorm@1.1.1",
    "dbmate@2.36.0",
    "node-pg-migrate@9.0.0",
    "@mikro-orm/cli@6.6.16",
    "@mikro-orm/core@6.6.16",
    "@mikro-orm/postgresql@6.6.16",
    "@mikro-orm/migrations@6.6.16",
];

/// A folder with `node_modules` of the tools: `TAGOUT_NODE_TOOLS`, else one made once below
/// `target/` where the packages can be had.
pub(crate) fn tools() -> Option<PathBuf> {
    if let Some(dir) = std::env::var_os("TAGOUT_NODE_TOOLS") {
        return Some(dir.into());
    }
    needs("node")?;
    let npm = needs("npm")?;
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/node-tools");
    // One test makes it; the others wait.
    static ONCE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = ONCE.lock();
    let list = PACKAGES.join("\n");
    let complete = dir.join("complete");
    if std::fs::read_to_string(&complete).is_ok_and(|done| done == list) {
        return Some(dir);
    }
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("package.json"), "{\"private\":true}").unwrap();
    let installed = Command::new(npm)
        .args([
            "install",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            "--no-save",
        ])
        .args(PACKAGES)
        .current_dir(&dir)
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|s| s.success());
    if !installed {
        skip("needs node's migration tools from npm");
        return None;
    }
    std::fs::write(complete, list).unwrap();
    Some(dir)
}

/// A project of one tool. In its files `LOCAL` stands for the URL of the project's own database.
struct Project {
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
    /// Makes the table `shop_item`; without it the test makes the table.
    forward: &'static str,
    /// What destroys it.
    damage: &'static str,
    /// Other destructive words, which are only refused.
    refused: &'static [&'static str],
}

const PROJECTS: &[Project] = &[
    Project {
        name: "knex",
        files: &[
            (
                "knexfile.js",
                "module.exports = { development: { client: 'pg', connection: process.env.DATABASE_URL || 'LOCAL' } };\n",
            ),
            (
                "migrations/001_items.js",
                "exports.up = (knex) => knex.schema.createTable('shop_item', (t) => { t.integer('id'); });\nexports.down = (knex) => knex.schema.dropTable('shop_item');\n",
            ),
        ],
        forward: "knex migrate:latest",
        damage: "knex migrate:rollback",
        refused: &[
            "knex migrate:rollback --all",
            "knex migrate:down",
            "knex seed:run",
        ],
    },
    Project {
        name: "sequelize",
        files: &[
            (
                "config/config.js",
                "module.exports = { development: { url: process.env.DATABASE_URL || 'LOCAL', dialect: 'postgres' } };\n",
            ),
            (
                "migrations/001-items.js",
                "module.exports = { up: (q, S) => q.createTable('shop_item', { id: S.INTEGER }), down: (q) => q.dropTable('shop_item') };\n",
            ),
        ],
        forward: "sequelize-cli db:migrate",
        damage: "sequelize-cli db:migrate:undo:all",
        refused: &[
            "sequelize-cli db:drop",
            "sequelize db:migrate:undo",
            "sequelize-cli db:seed:undo:all",
        ],
    },
    Project {
        name: "typeorm",
        files: &[(
            "data-source.js",
            "const { DataSource } = require('typeorm');\nmodule.exports = new DataSource({ type: 'postgres', url: process.env.DATABASE_URL || 'LOCAL', synchronize: false });\n",
        )],
        forward: "",
        damage: "typeorm schema:drop -d data-source.js",
        refused: &[
            "typeorm schema:drop -d data-source",
            "typeorm migration:revert -d data-source.js",
            "typeorm schema:sync --dataSource data-source.js",
        ],
    },
    Project {
        name: "drizzle",
        files: &[
            (
                "drizzle.config.ts",
                "import { defineConfig } from 'drizzle-kit';\nexport default defineConfig({ dialect: 'postgresql', schema: './schema.ts', dbCredentials: { url: process.env.DATABASE_URL || 'LOCAL' } });\n",
            ),
            ("schema.ts", "export const tables = [];\n"),
        ],
        forward: "",
        damage: "drizzle-kit push --force",
        refused: &[
            "drizzle-kit push",
            "drizzle-kit push --force --config=drizzle.config.ts",
        ],
    },
    Project {
        name: "mikro",
        files: &[
            (
                "package.json",
                "{\"dependencies\": {\"@mikro-orm/cli\": \"*\"}}",
            ),
            (
                "mikro-orm.config.js",
                "const { defineConfig, EntitySchema } = require('@mikro-orm/postgresql');\nconst Item = new EntitySchema({ name: 'Item', tableName: 'shop_item', properties: { id: { type: 'number', primary: true } } });\nmodule.exports = defineConfig({ clientUrl: process.env.DATABASE_URL || 'LOCAL', entities: [Item] });\n",
            ),
        ],
        forward: "mikro-orm schema:create --run",
        damage: "mikro-orm schema:drop --run",
        refused: &[
            "mikro-orm schema:fresh --run",
            "mikro-orm schema:update --run",
        ],
    },
    Project {
        name: "pgmigrate",
        files: &[
            ("package.json", "{}"),
            (
                "migrations/1700000000000_items.js",
                "exports.up = (pgm) => { pgm.createTable('shop_item', { id: 'integer' }); };\nexports.down = (pgm) => { pgm.dropTable('shop_item'); };\n",
            ),
            (".env", "DATABASE_URL=LOCAL\n"),
        ],
        forward: "node-pg-migrate up",
        damage: "node-pg-migrate down",
        refused: &["node-pg-migrate redo", "node-pg-migrate down 0"],
    },
    Project {
        name: "dbmate",
        files: &[
            (
                "db/migrations/1_items.sql",
                "-- migrate:up\ncreate table shop_item (id integer);\n-- migrate:down\ndrop table shop_item;\n",
            ),
            (".env", "DATABASE_URL=LOCAL?sslmode=disable\n"),
        ],
        forward: "dbmate --no-dump-schema up",
        damage: "dbmate --no-dump-schema rollback",
        refused: &["dbmate drop", "dbmate down", "dbmate -e DATABASE_URL drop"],
    },
];

/// A project on disk, its tools beside it.
struct Site<'a> {
    project: &'a Project,
    server: &'a Postgres,
    scene: Scene,
    production: String,
}

impl<'a> Site<'a> {
    fn new(project: &'a Project, server: &'a Postgres, tools: &std::path::Path) -> Site<'a> {
        let scene = Scene::new();
        let url = |suffix: &str| {
            let (name, port) = (project.name, server.port);
            format!("postgres://postgres@127.0.0.1:{port}/{name}_{suffix}")
        };
        for suffix in ["production", "test"] {
            server.sql(
                "postgres",
                &format!("create database {}_{suffix}", project.name),
            );
        }
        for (name, text) in project.files {
            scene.file(name, &text.replace("LOCAL", &url("test")));
        }
        symlink(tools.join("node_modules"), scene.path("node_modules")).unwrap();
        let mut production = url("production");
        if project.name == "dbmate" {
            production.push_str("?sslmode=disable");
        }
        Site {
            project,
            server,
            scene,
            production,
        }
    }

    fn words(&self, line: &str) -> Vec<String> {
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        words[0] = format!("node_modules/.bin/{}", words[0]);
        words
    }

    /// The command as it is, with the variable that was left in the shell.
    fn plain(&self, line: &str) -> Ran {
        let words = self.words(line);
        let mut command = self.scene.command(self.scene.path(&words[0]));
        ran(command
            .args(&words[1..])
            .env("DATABASE_URL", &self.production))
    }

    fn guarded(&self, options: &[&str], line: &str) -> Ran {
        let mut all = vec!["run"];
        all.extend_from_slice(options);
        all.push("--");
        let mut tagout = self.scene.tagout(&all);
        ran(tagout
            .args(self.words(line))
            .env("DATABASE_URL", &self.production))
    }

    /// What is left of the table.
    fn items(&self, suffix: &str) -> String {
        let count = "select case when to_regclass('shop_item') is null then 'gone' else (xpath('/row/c/text()', query_to_xml('select count(*) as c from shop_item', false, true, '')))[1]::text end";
        let database = format!("{}_{suffix}", self.project.name);
        self.server.sql(&database, count).trim().to_owned()
    }

    fn fill(&self) {
        let Project { name, forward, .. } = self.project;
        let database = format!("{name}_production");
        if forward.is_empty() {
            self.server
                .sql(&database, "create table shop_item (id integer)");
        } else {
            let done = self.plain(forward);
            assert_eq!(done.code, Some(0), "{name}: {done:?}");
        }
        let insert = "insert into shop_item (id) values (1), (2)";
        self.server.sql(&database, insert);
        assert_eq!(self.items("production"), "2", "{name}");
    }

    /// Through tagout, production is neither reached by the variable nor lost by it.
    fn is_safe(&self) {
        let Project { name, damage, .. } = self.project;
        for line in std::iter::once(damage).chain(self.project.refused) {
            let refused = self.guarded(&["--keep", "DATABASE_URL"], line);
            assert_eq!(refused.code, Some(77), "{line}: {refused:?}");
            assert!(
                refused.err.contains(&format!("{name}_production")),
                "{line}: {refused:?}"
            );
            assert_eq!(self.items("production"), "2", "{line}");
        }
        // Scrubbed, the same words mean the project's own database, which is disposable.
        if !self.project.forward.is_empty() {
            let forward = self.guarded(&[], self.project.forward);
            assert_eq!(forward.code, Some(0), "{name}: {forward:?}");
            assert_eq!(self.items("test"), "0", "{name}");
        }
        let local = self.guarded(&[], damage);
        assert_eq!(local.code, Some(0), "{name}: {local:?}");
        assert_eq!(self.items("test"), "gone", "{name}");
        assert_eq!(self.items("production"), "2", "{name}");
    }
}

#[test]
fn what_an_inherited_variable_aims_at_production_is_refused() {
    let (Some(tools), Some(server)) = (tools(), Postgres::start()) else {
        return;
    };
    std::thread::scope(|scope| {
        for project in PROJECTS {
            let (tools, server) = (&tools, &server);
            scope.spawn(move || {
                let site = Site::new(project, server, tools);
                site.fill();
                site.is_safe();
                // Without tagout the damage is done.
                let damage = site.plain(project.damage);
                assert_eq!(
                    site.items("production"),
                    "gone",
                    "{}: {damage:?}",
                    project.name
                );
            });
        }
    });
}
