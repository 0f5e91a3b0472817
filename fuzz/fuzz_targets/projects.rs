//! Configuration in PHP, Ruby, YAML with ERB, Python and JavaScript, read by the frameworks' rules.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tagout::command::Stdin;
use tagout::files::Memory;
use tagout_fuzz::{choice, judged};

const PROJECTS: &[(&str, &[(&str, &str)], &[&str])] = &[
    (
        "/p/config/database.php",
        &[("/p/artisan", "<?php"), ("/p/.env", "DB_HOST=h\n")],
        &["php", "artisan", "migrate:fresh", "--force"],
    ),
    (
        "/p/config/database.yml",
        &[("/p/config/application.rb", "module App; class Application < Rails::Application; end; end")],
        &["rails", "db:drop"],
    ),
    (
        "/p/config/application.rb",
        &[("/p/config/database.yml", "development:\n  adapter: postgresql\n  database: d\n")],
        &["rails", "db:drop"],
    ),
    (
        "/p/Rakefile",
        &[("/p/config/database.yml", "development:\n  adapter: postgresql\n  database: d\n")],
        &["rake", "x"],
    ),
    (
        "/p/app/settings.py",
        &[("/p/manage.py", "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'app.settings')\n")],
        &["python", "manage.py", "flush"],
    ),
    (
        "/p/migrations/env.py",
        &[("/p/alembic.ini", "[alembic]\nscript_location = migrations\n")],
        &["alembic", "downgrade", "base"],
    ),
    ("/p/knexfile.js", &[("/p/package.json", "{}")], &["npx", "knex", "migrate:latest"]),
    ("/p/ormconfig.ts", &[("/p/package.json", "{}")], &["typeorm", "schema:drop", "-d", "ormconfig.ts"]),
    ("/p/prisma/schema.prisma", &[("/p/package.json", "{}")], &["prisma", "migrate", "reset"]),
    ("/p/wp-config.php", &[], &["wp", "db", "reset"]),
    ("/p/phinx.php", &[], &["phinx", "migrate"]),
    ("/p/config/packages/doctrine.yaml", &[("/p/bin/console", "<?php")], &["php", "bin/console", "doctrine:schema:drop"]),
];

fuzz_target!(|data: &[u8]| {
    let Some((which, text)) = choice(data, PROJECTS.len()) else {
        return;
    };
    let (path, others, argv) = PROJECTS[which];
    let files = others
        .iter()
        .fold(Memory::new().with(path, text), |files, (path, text)| files.with(*path, *text));
    judged(argv, &files, Stdin::Null);
});
