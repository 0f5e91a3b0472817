//! Django and Alembic for real, against a real PostgreSQL: a destructive command that a variable
//! left in the shell aims at production does its damage without tagout, and is refused with it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::servers::Postgres;
use crate::support::{Ran, Scene, needs, ran, skip};

const SETTINGS: &str = "import dj_database_url\nSECRET_KEY = 'x'\nINSTALLED_APPS = ['django.contrib.contenttypes', 'django.contrib.auth', 'shop']\nDEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'\nUSE_TZ = True\nDATABASES = {'default': dj_database_url.config(default='sqlite:///dev.sqlite3')}\n";
const MANAGE: &str = "import os, sys\nif __name__ == '__main__':\n    os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site1.settings')\n    from django.core.management import execute_from_command_line\n    execute_from_command_line(sys.argv)\n";
const MODELS: &str =
    "from django.db import models\nclass Item(models.Model):\n    name = models.TextField()\n";
const MIGRATION: &str = "from django.db import migrations, models\nclass Migration(migrations.Migration):\n    initial = True\n    dependencies = []\n    operations = [migrations.CreateModel('Item', [('id', models.BigAutoField(primary_key=True)), ('name', models.TextField())])]\n";

/// A Python with Django and its helpers: `TAGOUT_PYTHON`, else an environment made once below
/// `target/` where the packages can be had.
pub(crate) fn python() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("TAGOUT_PYTHON") {
        return Some(path.into());
    }
    let system = needs("python3")?;
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/pyvenv");
    let python = dir.join("bin/python");
    let works = |python: &PathBuf| {
        Command::new(python)
            .args([
                "-c",
                "import django, dj_database_url, environ, decouple, dotenv, psycopg, alembic, flask_migrate, pymysql",
            ])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    };
    // One test makes it; the others wait.
    static ONCE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = ONCE.lock();
    if works(&python) {
        return Some(python);
    }
    let made = Command::new(system)
        .args(["-m", "venv"])
        .arg(&dir)
        .status()
        .is_ok_and(|s| s.success())
        && Command::new(dir.join("bin/pip"))
            .args([
                "-q",
                "install",
                "Django==5.2.19",
                "psycopg[binary]",
                "psycopg2-binary",
                "alembic",
                "Flask-Migrate",
                "dj-database-url",
                "django-environ",
                "python-decouple",
                "python-dotenv",
                "PyMySQL",
            ])
            .status()
            .is_ok_and(|s| s.success());
    if made && works(&python) {
        return Some(python);
    }
    skip("needs Django and its helpers from PyPI");
    None
}

fn django(scene: &Scene) {
    scene
        .file("manage.py", MANAGE)
        .file("site1/__init__.py", "")
        .file("site1/settings.py", SETTINGS)
        .file("shop/__init__.py", "")
        .file("shop/models.py", MODELS)
        .file("shop/migrations/__init__.py", "")
        .file("shop/migrations/0001_initial.py", MIGRATION);
}

fn plain(scene: &Scene, url: &str, words: &[&str]) -> Ran {
    ran(scene
        .command(words[0])
        .args(&words[1..])
        .env("DATABASE_URL", url))
}

fn guarded(scene: &Scene, url: &str, words: &[&str]) -> Ran {
    let mut all = vec!["run", "--keep", "DATABASE_URL", "--"];
    all.extend_from_slice(words);
    ran(scene.tagout(&all).env("DATABASE_URL", url))
}

fn scrubbed(scene: &Scene, url: &str, words: &[&str]) -> Ran {
    let mut all = vec!["run", "--"];
    all.extend_from_slice(words);
    ran(scene.tagout(&all).env("DATABASE_URL", url))
}

fn setup() -> Option<(PathBuf, Postgres, Scene)> {
    let python = python()?;
    let server = Postgres::start()?;
    server.sql("postgres", "create database shop_production");
    Some((python, server, Scene::new()))
}

fn words<'a>(python: &'a Path, rest: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec![python.to_str().unwrap()];
    all.extend_from_slice(rest);
    all
}

fn items(server: &Postgres) -> String {
    server
        .sql("shop_production", "select count(*) from shop_item")
        .trim()
        .to_owned()
}

#[test]
fn flush_and_migrate_zero_at_an_inherited_production_are_refused() {
    let Some((python, server, scene)) = setup() else {
        return;
    };
    django(&scene);
    let url = format!(
        "postgres://postgres@127.0.0.1:{}/shop_production",
        server.port
    );
    let run = |words: &[&str]| plain(&scene, &url, words);
    let migrate = words(&python, &["manage.py", "migrate"]);
    let done = run(&migrate);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let fill = || {
        server.sql(
            "shop_production",
            "insert into shop_item (name) values ('a'), ('b')",
        )
    };
    fill();
    for rest in [
        &["manage.py", "flush", "--noinput"][..],
        &["-W", "ignore", "manage.py", "flush", "--noi"],
        &["manage.py", "migrate", "shop", "zero"],
        &["manage.py", "sqlsequencereset_typo"],
    ] {
        let refused = guarded(&scene, &url, &words(&python, rest));
        assert_eq!(
            refused.code,
            Some(77),
            "{rest:?}: {} {}",
            refused.out,
            refused.err
        );
        assert_eq!(items(&server), "2", "{rest:?}");
    }
    // Scrubbed, the same words mean the project's own SQLite file.
    let local = scrubbed(&scene, &url, &words(&python, &["manage.py", "migrate"]));
    assert_eq!(local.code, Some(0), "{}", local.err);
    assert!(scene.path("dev.sqlite3").is_file());
    assert_eq!(items(&server), "2");
    // Without tagout the damage is done.
    let flush = run(&words(&python, &["manage.py", "flush", "--noinput"]));
    assert_eq!(
        (flush.code, items(&server).as_str()),
        (Some(0), "0"),
        "{}",
        flush.err
    );
    let zero = run(&words(&python, &["manage.py", "migrate", "shop", "zero"]));
    assert_eq!(zero.code, Some(0), "{}", zero.err);
    let left = server.sql(
        "shop_production",
        "select count(*) from pg_tables where tablename = 'shop_item'",
    );
    assert_eq!(left.trim(), "0");
}

pub(crate) const ENV_PY: &str = "import os\nfrom alembic import context\nfrom sqlalchemy import engine_from_config, pool\nconfig = context.config\nif os.getenv('DATABASE_URL'):\n    config.set_main_option('sqlalchemy.url', os.environ['DATABASE_URL'].replace('%', '%%'))\ndef run_migrations_online():\n    connectable = engine_from_config(config.get_section(config.config_ini_section, {}), prefix='sqlalchemy.', poolclass=pool.NullPool)\n    with connectable.connect() as connection:\n        context.configure(connection=connection)\n        with context.begin_transaction():\n            context.run_migrations()\nrun_migrations_online()\n";
const REVISION: &str = "revision = 'a1'\ndown_revision = None\nbranch_labels = None\ndepends_on = None\nfrom alembic import op\nimport sqlalchemy as sa\ndef upgrade():\n    op.create_table('shop_item', sa.Column('id', sa.Integer))\ndef downgrade():\n    op.drop_table('shop_item')\n";

#[test]
fn downgrade_at_an_inherited_production_is_refused() {
    let Some((python, server, scene)) = setup() else {
        return;
    };
    scene
        .file(
            "alembic.ini",
            "[alembic]\nscript_location = mig\nsqlalchemy.url = sqlite:///dev.db\n",
        )
        .file("mig/env.py", ENV_PY)
        .file("mig/script.py.mako", "")
        .file("mig/versions/a1_x.py", REVISION);
    let url = format!(
        "postgresql+psycopg://postgres@127.0.0.1:{}/shop_production",
        server.port
    );
    let up = plain(
        &scene,
        &url,
        &words(&python, &["-m", "alembic", "upgrade", "head"]),
    );
    assert_eq!(up.code, Some(0), "{}", up.err);
    server.sql("shop_production", "insert into shop_item values (1)");
    for rest in [
        &["-m", "alembic", "downgrade", "base"][..],
        &["-m", "alembic", "downgrade", "-1"],
        &["-m", "alembic", "upgrade", "head"],
    ] {
        let refused = guarded(&scene, &url, &words(&python, rest));
        assert_eq!(
            refused.code,
            Some(77),
            "{rest:?}: {} {}",
            refused.out,
            refused.err
        );
        assert_eq!(items(&server), "1", "{rest:?}");
    }
    let down = plain(
        &scene,
        &url,
        &words(&python, &["-m", "alembic", "downgrade", "base"]),
    );
    assert_eq!(down.code, Some(0), "{}", down.err);
    let left = server.sql(
        "shop_production",
        "select count(*) from pg_tables where tablename = 'shop_item'",
    );
    assert_eq!(left.trim(), "0");
}
