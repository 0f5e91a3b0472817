//! `--probe` on real projects of Python and Node: the framework's own answer against the static
//! one, and nothing connected.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::node_tools::tools;
use crate::python_tools::python;
use crate::support::{Scene, ran};

/// What asking the project must lead to.
enum Expected {
    /// Both answers are the same.
    Same,
    /// Reading leaves it open, the project says this database.
    Answered(&'static str),
    /// Reading says one database, the project another: both are named and nothing runs.
    Two(&'static str, &'static str),
    /// The project cannot be asked, for a reason that holds this text.
    NotAsked(&'static str),
}
use Expected::{Answered, NotAsked, Same, Two};

/// A project whose server only counts who comes; in its files `SERVER` stands for its address.
struct Case {
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
    /// The words; `PYTHON` and `BIN` are filled in.
    words: &'static str,
    expected: Expected,
}

const MANAGE: (&str, &str) = (
    "manage.py",
    "import os, sys\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\nfrom django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n",
);
const INI: (&str, &str) = (
    "alembic.ini",
    "[alembic]\nscript_location = mig\nsqlalchemy.url = postgresql+psycopg://app:hush@SERVER/shop_read\n",
);

const PYTHON: &[Case] = &[
    Case {
        name: "django",
        files: &[
            MANAGE,
            (
                "settings.py",
                "import os\nSECRET_KEY = 'x'\nDATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'shop_read', 'USER': 'app', 'PASSWORD': 'hush', 'HOST': '127.0.0.1', 'PORT': 'SERVER'.split(':')[1], 'OPTIONS': {'connect_timeout': 3}}}\n",
            ),
        ],
        words: "PYTHON manage.py flush --noinput",
        expected: Same,
    },
    Case {
        name: "django, an application that moves the database once it is ready",
        files: &[
            MANAGE,
            (
                "settings.py",
                "import dj_database_url\nSECRET_KEY = 'x'\nINSTALLED_APPS = ['tenants.apps.Tenants']\nDATABASES = {'default': dj_database_url.parse('postgres://app:hush@SERVER/shop_read')}\n",
            ),
            ("tenants/__init__.py", ""),
            (
                "tenants/apps.py",
                "from django.apps import AppConfig\nclass Tenants(AppConfig):\n    name = 'tenants'\n    def ready(self):\n        from django.db import connections\n        connections.databases['default']['NAME'] = 'shop_ready'\n",
            ),
        ],
        words: "PYTHON manage.py migrate shop zero",
        expected: Two("/shop_read", "/shop_ready"),
    },
    Case {
        name: "django, an engine of the project",
        files: &[
            MANAGE,
            (
                "settings.py",
                "SECRET_KEY = 'x'\nDATABASES = {'default': {'ENGINE': 'engine', 'NAME': 'x', 'HOST': '127.0.0.1'}}\n",
            ),
            ("engine/__init__.py", ""),
            (
                "engine/base.py",
                "from django.db.backends.postgresql import base\nclass DatabaseWrapper(base.DatabaseWrapper):\n    def get_connection_params(self):\n        return {**super().get_connection_params(), 'dbname': 'shop_engine', 'port': 'SERVER'.split(':')[1]}\n",
            ),
        ],
        words: "PYTHON manage.py flush --noinput",
        expected: Answered("shop_engine"),
    },
    Case {
        name: "django, an application that connects once it is ready",
        files: &[
            MANAGE,
            (
                "settings.py",
                "import dj_database_url\nSECRET_KEY = 'x'\nINSTALLED_APPS = ['tenants.apps.Tenants']\nDATABASES = {'default': dj_database_url.parse('postgres://app:hush@SERVER/shop_read')}\n",
            ),
            ("tenants/__init__.py", ""),
            (
                "tenants/apps.py",
                "from django.apps import AppConfig\nclass Tenants(AppConfig):\n    name = 'tenants'\n    def ready(self):\n        from django.db import connection\n        connection.ensure_connection()\n",
            ),
        ],
        words: "PYTHON manage.py flush",
        expected: NotAsked("wanted to connect"),
    },
    Case {
        name: "alembic",
        files: &[
            INI,
            (
                "mig/env.py",
                "from alembic import context\nfrom sqlalchemy import engine_from_config\nengine = engine_from_config(context.config.get_section('alembic'), prefix='sqlalchemy.')\nwith engine.connect() as connection:\n    context.configure(connection=connection)\n    context.run_migrations()\n",
            ),
        ],
        words: "PYTHON -m alembic downgrade base",
        expected: Same,
    },
    Case {
        name: "alembic, a URL that code of the project makes",
        files: &[
            INI,
            (
                "mig/env.py",
                "import datetime\nfrom alembic import context\nfrom sqlalchemy import create_engine\nengine = create_engine(context.config.get_main_option('sqlalchemy.url') + datetime.date(2020, 1, 1).strftime('_%Y'))\nwith engine.connect() as connection:\n    context.configure(connection=connection)\n    context.run_migrations()\n",
            ),
        ],
        words: "PYTHON -m alembic downgrade base",
        expected: Answered("shop_read_2020"),
    },
    Case {
        name: "flask-migrate",
        files: &[
            (
                "app.py",
                "import datetime\nfrom flask import Flask\nfrom flask_sqlalchemy import SQLAlchemy\nfrom flask_migrate import Migrate\napp = Flask(__name__)\napp.config['SQLALCHEMY_DATABASE_URI'] = datetime.date(2020, 1, 1).strftime('postgresql+psycopg://app:hush@SERVER/shop_%Y')\ndb = SQLAlchemy(app)\nMigrate(app, db)\n",
            ),
            ("migrations/alembic.ini", "[alembic]\n"),
            (
                "migrations/env.py",
                "from alembic import context\nfrom flask import current_app\nengine = current_app.extensions['migrate'].db.engine\nwith engine.connect() as connection:\n    context.configure(connection=connection)\n    context.run_migrations()\n",
            ),
        ],
        words: "PYTHON -m flask db downgrade base",
        expected: Answered("shop_2020"),
    },
];

const NODE: &[Case] = &[
    Case {
        name: "knex",
        files: &[(
            "knexfile.js",
            "module.exports = { development: { client: 'pg', connection: 'postgres://app:hush@SERVER/shop_read' } };\n",
        )],
        words: "BIN/knex migrate:rollback",
        expected: Same,
    },
    Case {
        name: "knex, a function that makes the connection",
        files: &[(
            "knexfile.js",
            "const place = new Map([['database', 'shop_map']]);\nmodule.exports = async () => ({ client: 'pg', connection: async () => ({ host: '127.0.0.1', ...Object.fromEntries(place) }) });\n",
        )],
        words: "BIN/knex migrate:rollback",
        expected: Answered("shop_map"),
    },
    Case {
        name: "sequelize",
        files: &[(
            "config/config.js",
            "module.exports = { development: { dialect: 'postgres', host: '127.0.0.1', database: new Date(0).toISOString().slice(0, 4) } };\n",
        )],
        words: "BIN/sequelize-cli db:migrate:undo",
        expected: Answered("1970"),
    },
    Case {
        name: "typeorm",
        files: &[(
            "ds.js",
            "const { DataSource } = require('typeorm');\nexports.source = new DataSource({ type: 'postgres', host: '127.0.0.1', database: 'SHOP_SOURCE'.normalize().toLowerCase() });\n",
        )],
        words: "BIN/typeorm schema:drop -d ds.js",
        expected: Answered("shop_source"),
    },
    Case {
        name: "drizzle",
        files: &[
            (
                "drizzle.config.ts",
                "import { defineConfig } from 'drizzle-kit';\nimport { url } from './url';\nexport default defineConfig({ dialect: 'postgresql', schema: './schema.ts', dbCredentials: { url: url satisfies string } });\n",
            ),
            (
                "url.ts",
                "export const url: string = new URL(process.env.BASE!).toString() + [...'shop'].reverse().join('');\n",
            ),
            (".env", "BASE=postgres://app:hush@SERVER/\n"),
        ],
        words: "BIN/drizzle-kit push --force",
        expected: Answered("pohs"),
    },
    Case {
        name: "mikro",
        files: &[
            (
                "package.json",
                "{\"dependencies\": {\"@mikro-orm/cli\": \"*\"}}",
            ),
            (
                "mikro-orm.config.js",
                "const { defineConfig } = require('@mikro-orm/postgresql');\nmodule.exports = defineConfig({ host: '127.0.0.1', dbName: 'shop_mikro', entities: ['./x'] });\n",
            ),
        ],
        words: "BIN/mikro-orm schema:drop --run",
        expected: Same,
    },
];

/// Asks, and checks that what destroys is refused where the answers differ.
fn check(case: &Case, scene: &Scene, server: &TcpListener, words: &[&str]) {
    let name = case.name;
    let (read, probed) = (
        explain(scene, &[], words),
        explain(scene, &["--probe"], words),
    );
    let said = probed.to_string();
    assert!(!said.contains("hush"), "{name}: {said}");
    match case.expected {
        Same => {
            assert_eq!(read["unresolved"], json!([]), "{name}: {read}");
            assert_eq!(read["targets"], probed["targets"], "{name}: {said}");
            assert!(said.contains("gives the same answer"), "{name}: {said}");
        }
        Answered(database) => {
            assert_ne!(read["unresolved"], json!([]), "{name}: {read}");
            assert_eq!(probed["unresolved"], json!([]), "{name}: {said}");
            assert_eq!(probed["targets"][0]["database"], database, "{name}: {said}");
            assert!(
                probed["targets"].to_string().contains("(--probe)"),
                "{name}: {said}"
            );
        }
        Two(one, other) => {
            assert_eq!(read["unresolved"], json!([]), "{name}: {read}");
            let both = probed["unresolved"].to_string();
            assert!(both.contains(one) && both.contains(other), "{name}: {said}");
            let refused = ran(scene.tagout(&["run", "--probe", "--"]).args(words));
            assert_eq!(refused.code, Some(77), "{name}: {refused:?}");
            assert!(
                refused.err.contains(one) && refused.err.contains(other),
                "{name}: {refused:?}"
            );
        }
        NotAsked(why) => {
            assert_eq!(read["targets"], probed["targets"], "{name}: {said}");
            let why = |n: &Value| {
                n.as_str()
                    .is_some_and(|n| n.contains("not probed") && n.contains(why))
            };
            let notes = probed["command"]["notes"].as_array().unwrap();
            assert!(notes.iter().any(why), "{name}: {said}");
        }
    }
    let came = server.accept().map(|(_, who)| who);
    assert_eq!(
        came.map_err(|e| e.kind()),
        Err(ErrorKind::WouldBlock),
        "{name}"
    );
}

fn explain(scene: &Scene, options: &[&str], words: &[&str]) -> Value {
    scene.explain(&[options, &["--"], words].concat())
}

fn each(cases: &[Case], python: &str, tools: Option<&std::path::Path>) {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let address = server.local_addr().unwrap().to_string();
    for case in cases {
        let scene = Scene::new();
        for (file, text) in case.files {
            scene.file(file, &text.replace("SERVER", &address));
        }
        if let Some(tools) = tools {
            symlink(tools.join("node_modules"), scene.path("node_modules")).unwrap();
        }
        let line = case
            .words
            .replace("PYTHON", python)
            .replace("BIN", "node_modules/.bin");
        check(case, &scene, &server, &line.split(' ').collect::<Vec<_>>());
    }
}

#[test]
fn python_projects_are_asked() {
    if let Some(python) = python() {
        each(PYTHON, python.to_str().unwrap(), None);
    }
}

#[test]
fn node_projects_are_asked() {
    if let Some(tools) = tools() {
        each(NODE, "", Some(&tools));
    }
}
