//! Options on command lines, and the files that clients take options from.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tagout::command::Stdin;
use tagout::files::Memory;
use tagout::target::readers::ini::Ini;
use tagout_fuzz::{choice, judged};

const FILES: &[(&str, &[&str])] = &[
    ("/etc/mysql/my.cnf", &["mysql", "-e", "drop table t"]),
    ("/home/u/.my.cnf", &["mysqldump", "x"]),
    ("/home/u/.pg_service.conf", &["psql", "-X", "service=s"]),
    ("/home/u/.psqlrc", &["psql", "-c", "select 1"]),
    ("/home/u/.sqliterc", &["sqlite3", "x.db", "select 1"]),
    ("/p/alembic.ini", &["alembic", "upgrade", "head"]),
    ("/p/flyway.conf", &["flyway", "migrate"]),
    ("/p/flyway.toml", &["flyway", "clean"]),
    ("/p/liquibase.properties", &["liquibase", "update"]),
    ("/p/atlas.hcl", &["atlas", "migrate", "apply", "--env", "e"]),
    ("/p/dbconfig.yml", &["sql-migrate", "up"]),
    ("/p/sqlx.toml", &["sqlx", "migrate", "run"]),
    ("/p/Makefile", &["make"]),
    ("/p/package.json", &["npm", "run", "x"]),
    ("/p/composer.json", &["composer", "run", "x"]),
    ("/p/docker-compose.yml", &["docker", "compose", "down", "-v"]),
];

const PROGRAMS: &[&str] = &[
    "psql", "mysql", "sqlite3", "redis-cli", "mongosh", "pg_restore", "sudo", "env", "xargs", "docker",
    "kubectl", "ssh", "timeout", "find", "php", "rake", "manage.py", "npx", "sqlcmd", "terraform",
];

fuzz_target!(|data: &[u8]| {
    let Some((which, text)) = choice(data, FILES.len() + PROGRAMS.len()) else {
        return;
    };
    Ini::parse(text);
    match FILES.get(which) {
        Some((path, argv)) => {
            let files = Memory::new().with(*path, text);
            judged(argv, &files, Stdin::Null);
        }
        None => {
            let mut argv = vec![PROGRAMS[which - FILES.len()]];
            argv.extend(text.split('\n'));
            judged(&argv, &Memory::new(), Stdin::Null);
        }
    }
});
