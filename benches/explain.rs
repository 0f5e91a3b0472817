//! What it costs to find out where a command goes: `tagout explain` in projects of ordinary size
//! beside `tagout explain -- /bin/true` in the same folder, in one run.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measuring program"
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 300;

const LARAVEL: &[&str] = &["php", "artisan", "migrate:fresh", "--force"];
const RAILS: &[&str] = &["bin/rails", "db:drop"];
const DJANGO: &[&str] = &["python3", "manage.py", "flush", "--noinput"];
const KNEX: &[&str] = &["npx", "knex", "migrate:rollback"];
const BARE: &[&str] = &["/bin/true"];

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// One connection as a new project writes it.
fn connection(driver: &str, port: &str) -> String {
    format!(
        "        '{driver}' => [
            'driver' => '{driver}',
            'url' => env('DB_URL'),
            'host' => env('DB_HOST', '127.0.0.1'),
            'port' => env('DB_PORT', '{port}'),
            'database' => env('DB_DATABASE', 'shop'),
            'username' => env('DB_USERNAME', 'shop'),
            'password' => env('DB_PASSWORD', ''),
            'unix_socket' => env('DB_SOCKET', ''),
            'charset' => env('DB_CHARSET', 'utf8'),
            'prefix' => '',
            'options' => extension_loaded('pdo_mysql') ? array_filter([
                PDO::MYSQL_ATTR_SSL_CA => env('MYSQL_ATTR_SSL_CA'),
            ]) : [],
        ],\n"
    )
}

/// As many files, and of such sizes, as `composer create-project` leaves where tagout looks.
fn laravel(root: &Path) {
    write(
        root,
        "artisan",
        "#!/usr/bin/env php\n<?php\nuse Symfony\\Component\\Console\\Input\\ArgvInput;\nrequire __DIR__.'/vendor/autoload.php';\n$app = require_once __DIR__.'/bootstrap/app.php';\nexit($app->handleCommand(new ArgvInput));\n",
    );
    write(
        root,
        "bootstrap/app.php",
        "<?php\nuse Illuminate\\Foundation\\Application;\nreturn Application::configure(basePath: dirname(__DIR__))\n    ->withRouting(web: __DIR__.'/../routes/web.php')\n    ->create();\n",
    );
    write(
        root,
        "app/Providers/AppServiceProvider.php",
        "<?php\nnamespace App\\Providers;\nclass AppServiceProvider extends \\Illuminate\\Support\\ServiceProvider\n{\n    public function register(): void {}\n    public function boot(): void {}\n}\n",
    );
    let connections: String = [
        ("mysql", "3306"),
        ("mariadb", "3306"),
        ("pgsql", "5432"),
        ("sqlsrv", "1433"),
    ]
    .iter()
    .map(|(driver, port)| connection(driver, port))
    .collect();
    write(
        root,
        "config/database.php",
        &format!(
            "<?php\nuse Illuminate\\Support\\Str;\nreturn [\n    'default' => env('DB_CONNECTION', 'sqlite'),\n    'connections' => [\n        'sqlite' => ['driver' => 'sqlite', 'database' => env('DB_DATABASE', database_path('database.sqlite'))],\n{connections}    ],\n    'migrations' => ['table' => 'migrations'],\n    'redis' => [\n        'client' => env('REDIS_CLIENT', 'phpredis'),\n        'options' => ['prefix' => Str::slug(env('APP_NAME', 'shop')).'-database-'],\n        'default' => ['host' => env('REDIS_HOST', '127.0.0.1'), 'port' => env('REDIS_PORT', '6379')],\n    ],\n];\n"
        ),
    );
    let setting = |n: usize| format!("    'key{n}' => env('SETTING_{n}', 'value {n}'),\n");
    let settings: String = (0..40).map(setting).collect();
    for name in [
        "app", "auth", "cache", "logging", "mail", "queue", "session",
    ] {
        let text =
            format!("<?php\nreturn [\n    'env' => env('APP_ENV', 'production'),\n{settings}];\n");
        write(root, &format!("config/{name}.php"), &text);
    }
    let more: String = (0..50)
        .map(|n| format!("SETTING_{n}=\"value {n}\"\n"))
        .collect();
    write(
        root,
        ".env",
        &format!(
            "APP_NAME=Shop\nAPP_ENV=local\n{more}DB_CONNECTION=mysql\nDB_HOST=127.0.0.1\nDB_PORT=3306\nDB_DATABASE=shop\nDB_USERNAME=root\nDB_PASSWORD=\n"
        ),
    );
    for table in ["users", "cache", "jobs"] {
        let text = format!(
            "<?php\nreturn new class extends Migration {{\n    public function up(): void {{ Schema::create('{table}', function ($t) {{ $t->id(); }}); }}\n}};\n"
        );
        write(
            root,
            &format!("database/migrations/0001_create_{table}.php"),
            &text,
        );
    }
    let package = |n: usize| {
        let name = match n {
            50 => "laravel/framework".to_owned(),
            n => format!("vendor{n}/package"),
        };
        let filler = "\"a/b\": \"^1.0\", ".repeat(120);
        format!(
            "        {{\"name\": \"{name}\", \"version\": \"v12.3.0\", \"require\": {{{filler}\"php\": \"^8.2\"}}}}"
        )
    };
    let packages: Vec<String> = (0..110).map(package).collect();
    write(
        root,
        "composer.lock",
        &format!(
            "{{\n    \"packages\": [\n{}\n    ]\n}}\n",
            packages.join(",\n")
        ),
    );
}

/// The same for `rails new --database=postgresql`.
fn rails(root: &Path) {
    write(
        root,
        "bin/rails",
        "#!/usr/bin/env ruby\nAPP_PATH = File.expand_path(\"../config/application\", __dir__)\nrequire_relative \"../config/boot\"\nrequire \"rails/commands\"\n",
    );
    write(
        root,
        "Rakefile",
        "require_relative \"config/application\"\nRails.application.load_tasks\n",
    );
    write(
        root,
        "config/boot.rb",
        "ENV[\"BUNDLE_GEMFILE\"] ||= File.expand_path(\"../Gemfile\", __dir__)\nrequire \"bundler/setup\"\nrequire \"bootsnap/setup\"\n",
    );
    write(
        root,
        "config/environment.rb",
        "require_relative \"application\"\nRails.application.initialize!\n",
    );
    write(
        root,
        "config/application.rb",
        "require_relative \"boot\"\nrequire \"rails/all\"\nBundler.require(*Rails.groups)\nmodule Shop\n  class Application < Rails::Application\n    config.load_defaults 8.0\n  end\nend\n",
    );
    for name in ["development", "test", "production"] {
        let lines = "  # Settings specified here take precedence over the application's.\n  config.enable_reloading = true\n".repeat(30);
        write(
            root,
            &format!("config/environments/{name}.rb"),
            &format!("Rails.application.configure do\n{lines}end\n"),
        );
    }
    write(
        root,
        "config/database.yml",
        "default: &default\n  adapter: postgresql\n  encoding: unicode\n  pool: <%= ENV.fetch(\"RAILS_MAX_THREADS\") { 5 } %>\n\ndevelopment:\n  <<: *default\n  database: shop_development\n\ntest:\n  <<: *default\n  database: shop_test\n\nproduction:\n  primary: &primary\n    <<: *default\n    database: shop_production\n    username: shop\n    password: <%= ENV[\"SHOP_DATABASE_PASSWORD\"] %>\n  cache:\n    <<: *primary\n    database: shop_production_cache\n",
    );
    let gems: String = (0..130)
        .map(|n| format!("    gem{n} (1.{n}.0)\n      activesupport (>= 7)\n"))
        .collect();
    write(
        root,
        "Gemfile.lock",
        &format!(
            "GEM\n  remote: https://rubygems.org/\n  specs:\n    rails (8.0.1)\n    railties (8.0.1)\n    activerecord (8.0.1)\n    pg (1.5.9)\n{gems}\nDEPENDENCIES\n  pg\n  rails (~> 8.0.1)\n"
        ),
    );
    write(
        root,
        "Gemfile",
        "source \"https://rubygems.org\"\ngem \"rails\", \"~> 8.0.1\"\ngem \"pg\", \"~> 1.1\"\n",
    );
}

/// Settings as `startproject` and real projects write them: a base, an environment file, a URL.
fn django(root: &Path) {
    write(
        root,
        "manage.py",
        "#!/usr/bin/env python\nimport os\nimport sys\n\n\ndef main():\n    os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings.local')\n    from django.core.management import execute_from_command_line\n    execute_from_command_line(sys.argv)\n\n\nif __name__ == '__main__':\n    main()\n",
    );
    let apps: String = (0..40).map(|n| format!("    'shop.app{n}',\n")).collect();
    let settings: String = (0..60)
        .map(|n| format!("SETTING_{n} = env('SETTING_{n}', default='value {n}')\n"))
        .collect();
    write(
        root,
        "shop/settings/base.py",
        &format!(
            "from pathlib import Path\nimport environ\n\nBASE_DIR = Path(__file__).resolve().parent.parent.parent\nenv = environ.Env(DEBUG=(bool, False))\nenviron.Env.read_env(BASE_DIR / '.env')\nINSTALLED_APPS = [\n{apps}]\n{settings}DATABASES = {{'default': env.db('DATABASE_URL', default='sqlite:///dev.sqlite3')}}\nDATABASES['default']['ATOMIC_REQUESTS'] = True\n"
        ),
    );
    write(root, "shop/settings/__init__.py", "");
    write(root, "shop/__init__.py", "");
    write(
        root,
        "shop/settings/local.py",
        "from .base import *  # noqa\n\nDEBUG = True\nDATABASES['default']['CONN_MAX_AGE'] = env.int('CONN_MAX_AGE', default=60)\n",
    );
    let more: String = (0..40)
        .map(|n| format!("SETTING_{n}=\"value {n}\"\n"))
        .collect();
    write(
        root,
        ".env",
        &format!("{more}DATABASE_URL=postgres://app:x@127.0.0.1:5432/shop\n"),
    );
}

/// A knexfile of three environments with dotenv.
fn knex(root: &Path) {
    write(
        root,
        "knexfile.js",
        "require('dotenv').config();\nconst base = { client: 'pg', pool: { min: 2, max: 10 }, migrations: { tableName: 'knex_migrations' } };\nmodule.exports = {\n  development: { ...base, connection: { host: process.env.DB_HOST || '127.0.0.1', port: Number(process.env.DB_PORT || 5432), database: process.env.DB_NAME || 'shop', user: process.env.DB_USER } },\n  staging: { ...base, connection: process.env.DATABASE_URL },\n  production: { ...base, connection: { connectionString: process.env.DATABASE_URL, ssl: { rejectUnauthorized: false } } },\n};\n",
    );
    write(
        root,
        "package.json",
        "{\"name\": \"shop\", \"scripts\": {\"migrate\": \"knex migrate:latest\"}}",
    );
    write(
        root,
        "node_modules/knex/package.json",
        "{\"name\": \"knex\", \"version\": \"3.3.0\"}",
    );
    write(
        root,
        "node_modules/dotenv/package.json",
        "{\"name\": \"dotenv\", \"version\": \"16.6.1\"}",
    );
    write(
        root,
        ".env",
        "DB_HOST=127.0.0.1\nDB_NAME=shop\nDB_USER=app\n",
    );
}

fn explained(root: &Path, words: &[&str]) -> Duration {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tagout"));
    command
        .args(["explain", "--"])
        .args(words)
        .current_dir(root)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let begun = Instant::now();
    let status = command.status().unwrap();
    let took = begun.elapsed();
    assert!(matches!(status.code(), Some(0 | 77)), "{words:?}: {status}");
    took
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}

fn main() {
    let (php, ruby) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    laravel(php.path());
    rails(ruby.path());
    let (python, node) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    django(python.path());
    knex(node.path());
    let ways = [
        ("Laravel", php.path(), LARAVEL),
        ("Rails", ruby.path(), RAILS),
        ("Django", python.path(), DJANGO),
        ("Knex", node.path(), KNEX),
    ];
    println!(
        "{:<10} {:>10} {:>12} {:>10} {:>7}",
        "project", "bare ms", "explain ms", "beyond ms", "ratio"
    );
    for (name, root, words) in ways {
        let (mut bare, mut full) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            bare.push(explained(root, BARE));
            full.push(explained(root, words));
        }
        let (bare, full) = (median(&mut bare), median(&mut full));
        println!(
            "{name:<10} {bare:>10.3} {full:>12.3} {:>10.3} {:>7.2}",
            full - bare,
            full / bare
        );
    }
}
