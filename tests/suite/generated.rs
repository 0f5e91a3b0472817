//! Projects of Django and Alembic by the throw of dice, in the forms that real ones have.

use std::fmt;
use std::path::Path;

/// A project, an environment, words.
pub(crate) struct Case {
    pub(crate) kind: &'static str,
    pub(crate) files: Vec<(String, String)>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) words: Vec<&'static str>,
}

impl Case {
    /// Writes the files below `root`.
    pub(crate) fn lay(&self, root: &Path) {
        for (name, text) in &self.files {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?} {:?}", self.words, self.env)?;
        for (name, text) in &self.files {
            if name.ends_with("settings.py") || !text.contains("execute_from") && !text.is_empty() {
                writeln!(f, "--- {name}\n{text}")?;
            }
        }
        Ok(())
    }
}

/// Dice that fall the same way for the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d)
    }

    /// Below `sides`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % sides as u64).unwrap()
    }

    fn once_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())]
    }
}

const NAMES: &[&str] = &[
    "DB_NAME",
    "DB_HOST",
    "DB_PORT",
    "DB_USER",
    "DATABASE_URL",
    "STAGE",
    "DEBUG",
    "USE_PG",
];

fn value_of(dice: &mut Dice, name: &str) -> String {
    let choices: &[&str] = match name {
        "DB_NAME" => &["shop", "shop prod", "", "shop#1", "sh\"op"],
        "DB_HOST" => &[
            "db.prod",
            "localhost",
            "",
            "10.0.0.7",
            "/run/pg",
            "127.0.0.1",
        ],
        "DB_PORT" => &["5433", "5432", "", "3307"],
        "DB_USER" => &["app", "", "us er"],
        "DATABASE_URL" => &[
            "postgres://u:p@db.prod:5433/shop",
            "postgres://u:p%40x@db.prod/sh%20op?sslmode=require",
            "mysql://u:p@db.my/shop",
            "sqlite:///shop.db",
            "sqlite:////srv/shop.db",
            "postgresql://db.only/",
            "",
            "pgsql://u@[::1]:1/x",
            "postgres://%2Frun%2Fpg/shop",
            "postgres://u:p@db.prod/shop?host=other&options=x",
            "sqlite://:memory:",
            "mysql2://x@h/d",
        ],
        "STAGE" => &["prod", "dev", ""],
        _ => &["1", "0", "true", "False", "", "yes", "on"],
    };
    dice.pick(choices).to_owned()
}

/// Reads a variable as text, in the way that the settings' style has.
fn text(dice: &mut Dice, style: Style, name: &str, default: &str) -> String {
    let plain = dice.roll(10);
    match style {
        Style::Plain => match plain {
            0 => format!("os.environ['{name}']"),
            1 => format!("os.environ.get('{name}')"),
            2 => format!("(os.environ.get('{name}') or '{default}')"),
            3 => format!("os.getenv(\"{name}\", default=\"{default}\")"),
            4 => format!("'{default}'"),
            5 => format!("f\"{{os.getenv('{name}', '{default}')}}\""),
            6 => format!("('%s' % os.environ.get('{name}', '{default}'))"),
            7 => format!("var('{name}', '{default}')"),
            8 => format!("str(os.environ.get('{name}', '{default}')).strip()"),
            _ => format!("os.environ.get('{name}', '{default}')"),
        },
        Style::Environ => match plain {
            0 => format!("env('{name}')"),
            1 => format!("env.str('{name}', default='{default}')"),
            2 => format!("env.str('{name}', '{default}')"),
            3 => format!("env.get_value('{name}', default='{default}')"),
            4 => format!("'{default}'"),
            _ => format!("env('{name}', default='{default}')"),
        },
        Style::Decouple => match plain {
            0 => format!("config('{name}')"),
            1 => format!("config('{name}', default='{default}', cast=str)"),
            2 => format!("config('{name}', '{default}')"),
            3 => format!("'{default}'"),
            _ => format!("config('{name}', default='{default}')"),
        },
    }
}

/// A truth value.
fn truth(dice: &mut Dice, style: Style) -> String {
    let name = dice.pick(&["DEBUG", "USE_PG"]);
    match (style, dice.roll(6)) {
        (Style::Environ, 0 | 1) => format!("env.bool('{name}', default=False)"),
        (Style::Environ, 2) => format!("env.bool('{name}', True)"),
        (Style::Decouple, 0..=2) => format!("config('{name}', default=False, cast=bool)"),
        (_, 3) => format!("os.getenv('{name}', '0') == '1'"),
        (_, 4) => format!("os.environ.get('{name}', 'False').lower() in ('true', '1', 'yes')"),
        (_, 5) => format!("'{name}' in os.environ"),
        _ => format!("bool(os.getenv('{name}'))"),
    }
}

#[derive(Debug, Clone, Copy)]
enum Style {
    Plain,
    Environ,
    Decouple,
}

const ENGINES: &[&str] = &[
    "django.db.backends.postgresql",
    "django.db.backends.postgresql",
    "django.db.backends.mysql",
    "django.db.backends.sqlite3",
];

/// A dict of one database.
fn entry(dice: &mut Dice, style: Style) -> String {
    let engine = dice.pick(ENGINES);
    if engine.ends_with("sqlite3") {
        let name = match dice.roll(6) {
            0 => "BASE_DIR / 'db.sqlite3'".to_owned(),
            1 => "os.path.join(BASE_DIR, 'db.sqlite3')".to_owned(),
            2 => "str(BASE_DIR.joinpath('data', 'db.sqlite3'))".to_owned(),
            3 => "':memory:'".to_owned(),
            4 => "'local.db'".to_owned(),
            _ => format!("BASE_DIR / {}", text(dice, style, "DB_NAME", "db.sqlite3")),
        };
        return format!("{{'ENGINE': '{engine}', 'NAME': {name}}}");
    }
    let mut keys = vec![
        format!("'ENGINE': '{engine}'"),
        format!("'NAME': {}", text(dice, style, "DB_NAME", "shop_dev")),
        format!("'PASSWORD': {}", text(dice, style, "DB_USER", "secret")),
    ];
    if !dice.once_in(6) {
        keys.push(format!(
            "'HOST': {}",
            text(dice, style, "DB_HOST", "localhost")
        ));
    }
    if !dice.once_in(3) {
        let port = if dice.once_in(5) {
            "5432".to_owned()
        } else {
            text(dice, style, "DB_PORT", "5432")
        };
        keys.push(format!("'PORT': {port}"));
    }
    if !dice.once_in(4) {
        keys.push(format!("'USER': {}", text(dice, style, "DB_USER", "app")));
    }
    if dice.once_in(5) {
        let options = match (engine.ends_with("mysql"), dice.roll(3)) {
            (true, 0) => "{'host': 'opt.my', 'port': 3310}",
            (true, 1) => "{'unix_socket': '/run/my.sock'}",
            (true, _) => "{'charset': 'utf8mb4', 'init_command': 'SET x=1'}",
            (false, 0) => "{'host': 'opt.pg', 'dbname': 'optdb'}",
            (false, 1) => "{'sslmode': 'require', 'connect_timeout': 5}",
            (false, _) => "{'hostaddr': '10.9.8.7', 'port': '6000'}",
        };
        keys.push(format!("'OPTIONS': {options}"));
    }
    if dice.once_in(2) {
        format!("{{\n    {},\n}}", keys.join(",\n    "))
    } else {
        format!(
            "dict({})",
            keys.iter()
                .map(|k| k.replacen("': ", "=", 1).replacen('\'', "", 1))
                .collect::<Vec<_>>()
                .join(", ")
        )
    }
}

/// An expression for one database, by a URL or by fields.
fn database(dice: &mut Dice, style: Style) -> String {
    let fallback = dice.pick(&[
        "postgres://d@localhost/fallback",
        "sqlite:///fallback.db",
        "mysql://r@127.0.0.1:3308/fb",
    ]);
    match (style, dice.roll(9)) {
        (Style::Environ, 0) => "env.db()".to_owned(),
        (Style::Environ, 1) => format!("env.db('DATABASE_URL', default='{fallback}')"),
        (Style::Environ, 2) => format!("env.db_url('DATABASE_URL', '{fallback}')"),
        (Style::Environ, 3) => {
            format!("environ.Env.db_url_config(env('DATABASE_URL', default='{fallback}'))")
        }
        (Style::Decouple, 0) => {
            format!("dj_database_url.parse(config('DATABASE_URL', default='{fallback}'))")
        }
        (Style::Decouple, 1) => {
            format!("config('DATABASE_URL', default='{fallback}', cast=dj_database_url.parse)")
        }
        (_, 4) => format!("dj_database_url.config(default='{fallback}', conn_max_age=600)"),
        (Style::Plain, 0) => format!(
            "dj_database_url.parse(os.environ.get('DATABASE_URL', '{fallback}'), ssl_require=False)"
        ),
        (Style::Plain, 1) => {
            format!("dj_database_url.config('DATABASE_URL', default='{fallback}')")
        }
        (Style::Plain, 2) => {
            format!("dj_database_url.parse(os.environ.get('DATABASE_URL') or '{fallback}')")
        }
        _ => entry(dice, style),
    }
}

/// What is done to `DATABASES` once it is there.
fn change(dice: &mut Dice, style: Style) -> String {
    match dice.roll(13) {
        0 => format!("DATABASES['default']['NAME'] = {}\n", text(dice, style, "DB_NAME", "changed")),
        1 => format!("DATABASES['default'].update({{'HOST': {}}})\n", text(dice, style, "DB_HOST", "changed.host")),
        2 => format!("if {}:\n    DATABASES['default'] = {}\n", truth(dice, style), database(dice, style).replace('\n', "\n    ")),
        3 => format!("DATABASES = {{**DATABASES, 'default': {}}}\n", database(dice, style)),
        4 => "DATABASES['default'].setdefault('OPTIONS', {})['connect_timeout'] = 3\n".to_owned(),
        5 => format!("if 'test' in sys.argv:\n    DATABASES['default'] = {{'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}\nelif {}:\n    DATABASES['default']['CONN_MAX_AGE'] = 60\n", truth(dice, style)),
        6 => "try:\n    from .local import *\nexcept ImportError:\n    pass\n".to_owned(),
        7 => format!("for alias in DATABASES:\n    DATABASES[alias]['PORT'] = {}\n", text(dice, style, "DB_PORT", "7000")),
        8 => format!("DATABASES['default'] |= {{'USER': {}}}\n", text(dice, style, "DB_USER", "merged")),
        9 => "del DATABASES['default']['OPTIONS']\n".to_owned(),
        10 => format!("DATABASES['default']['HOST'] = {{'prod': 'db.stage', 'dev': 'localhost'}}.get({}, 'db.none')\n", text(dice, style, "STAGE", "dev")),
        11 => "_url = urlparse(os.environ.get('DATABASE_URL', 'postgres://u:p@parsed.host:5499/parsed'))\nDATABASES['default'].update(HOST=_url.hostname, PORT=_url.port, NAME=_url.path[1:])\n".to_owned(),
        _ => "_given = {k[3:]: v for k, v in os.environ.items() if k.startswith('DB_')}\nDATABASES['default'].update(_given)\n".to_owned(),
    }
}

fn start(dice: &mut Dice, style: Style) -> String {
    let mut out = "import os\nimport sys\nfrom pathlib import Path\nfrom urllib.parse import urlparse\nimport dj_database_url\n".to_owned();
    out += dice.pick(&[
        "BASE_DIR = Path(__file__).resolve().parent.parent\n",
        "BASE_DIR = Path(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))\n",
        "BASE_DIR = Path(__file__).parent.parent.absolute()\n",
    ]);
    out += match style {
        Style::Plain => dice.pick(&[
            "",
            "",
            "from dotenv import load_dotenv\nload_dotenv()\n",
            "from dotenv import load_dotenv\nload_dotenv(BASE_DIR / '.env')\n",
            "import dotenv\ndotenv.load_dotenv(os.path.join(BASE_DIR, '.env'), override=True)\n",
            "from dotenv import dotenv_values\nos.environ.update({k: v for k, v in dotenv_values(BASE_DIR / '.env').items() if v})\n",
            "from dotenv import load_dotenv, find_dotenv\nload_dotenv(find_dotenv())\n",
        ]),
        Style::Environ => dice.pick(&[
            "import environ\nenv = environ.Env()\nenviron.Env.read_env(BASE_DIR / '.env')\n",
            "import environ\nenv = environ.Env(DEBUG=(bool, False), DB_NAME=(str, 'scheme'))\nenv.read_env(os.path.join(BASE_DIR, '.env'))\n",
            "from environ import Env\nenv = Env()\nEnv.read_env(str(BASE_DIR / '.env'), overwrite=True)\n",
            "import environ\nenv = environ.Env()\n",
            "import environ\nenv = environ.FileAwareEnv()\nif os.path.exists(BASE_DIR / '.env'):\n    env.read_env(BASE_DIR / '.env')\n",
        ]),
        Style::Decouple => dice.pick(&[
            "from decouple import config\n",
            "from decouple import AutoConfig\nconfig = AutoConfig(search_path=BASE_DIR)\n",
            "from decouple import Config, RepositoryEnv\nconfig = Config(RepositoryEnv(str(BASE_DIR / '.env')))\n",
        ]),
    };
    out + "def var(name, default=None):\n    value = os.environ.get(name)\n    return value if value else default\nSECRET_KEY = 'x'\nINSTALLED_APPS = []\n"
}

fn variables(dice: &mut Dice) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for name in NAMES {
        if dice.once_in(3) {
            out.push(((*name).to_owned(), value_of(dice, name)));
        }
    }
    out
}

fn env_file(dice: &mut Dice) -> String {
    let mut out = String::new();
    for (name, value) in variables(dice) {
        let quoted = match dice.roll(6) {
            0 => format!("\"{value}\""),
            1 => format!("'{value}'"),
            2 if !value.is_empty() => format!("{value} # note"),
            _ => value,
        };
        out += dice.pick(&["", "", "", "export ", "# a remark\n", "\n"]);
        out += &format!("{name}={quoted}\n");
    }
    out
}

const MANAGE: &str = "import os, sys\ndef main():\n    os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site1.settings')\n    from django.core.management import execute_from_command_line\n    execute_from_command_line(sys.argv)\nif __name__ == '__main__':\n    main()\n";

/// A project of Django.
pub(crate) fn django(dice: &mut Dice) -> Case {
    let style = dice.pick(&[Style::Plain, Style::Plain, Style::Environ, Style::Decouple]);
    let databases = match dice.roll(6) {
        0 => format!(
            "DATABASES = {{}}\nDATABASES['default'] = {}\n",
            database(dice, style)
        ),
        1 => format!(
            "def build(**more):\n    base = {}\n    base.update(more)\n    return base\nDATABASES = {{'default': build(CONN_MAX_AGE=0)}}\n",
            database(dice, style).replace('\n', "\n    ")
        ),
        2 => format!(
            "if {}:\n    DATABASES = {{'default': {}}}\nelse:\n    DATABASES = {{'default': {}}}\n",
            truth(dice, style),
            database(dice, style),
            database(dice, style)
        ),
        3 => format!(
            "_main = {}\nDATABASES = dict(default=_main, replica={{**_main, 'HOST': 'replica'}})\n",
            database(dice, style)
        ),
        4 => format!(
            "DATABASES = {{'default': {} if {} else {}}}\n",
            database(dice, style),
            truth(dice, style),
            database(dice, style)
        ),
        _ => format!(
            "DATABASES = {{\n    'default': {},\n}}\n",
            database(dice, style)
        ),
    };
    let mut body = start(dice, style) + &databases;
    let mut files = vec![
        ("manage.py".to_owned(), MANAGE.to_owned()),
        ("site1/__init__.py".to_owned(), String::new()),
        (".env".to_owned(), env_file(dice)),
    ];
    if dice.once_in(4) {
        files.push(("site1/base.py".to_owned(), body));
        body = dice
            .pick(&[
                "from .base import *\nimport os, sys\n",
                "from site1.base import *  # noqa\n",
                "from . import base\nfrom .base import *\n",
            ])
            .to_owned();
    }
    for _ in 0..dice.roll(3) {
        body += &change(dice, style);
    }
    files.push(("site1/settings.py".to_owned(), body));
    if dice.once_in(4) {
        files.push((
            "site1/local.py".to_owned(),
            "from .base import *\nDATABASES['default']['NAME'] = 'localname'\n".to_owned(),
        ));
    }
    let words: &[&[&str]] = &[
        &["manage.py", "flush", "--noinput"],
        &["manage.py", "migrate", "shop", "zero"],
        &["manage.py", "migrate", "--settings", "site1.settings"],
        &[
            "manage.py",
            "flush",
            "--settings=site1.settings",
            "--no-input",
        ],
    ];
    Case {
        kind: "django",
        files,
        env: variables(dice),
        words: dice.pick(words).to_vec(),
    }
}

fn sqlalchemy_url(dice: &mut Dice) -> &'static str {
    dice.pick(&[
        "postgresql://u:p@db.prod:5433/shop",
        "postgresql+psycopg2://u:p@db.prod/shop?host=other.host",
        "postgresql+psycopg://u@/shop?host=/run/pg",
        "postgresql+psycopg://u:p%40w@db.prod/sh%20op",
        "postgresql://u:p@w@db.prod/shop",
        "sqlite:///local.db",
        "sqlite:////srv/local.db",
        "sqlite://",
        "mysql+pymysql://u:p@db.my:3307/shop?charset=utf8",
        "mysql+pymysql://u@db.my/shop?unix_socket=/run/my.sock",
        "postgresql+psycopg://u@/shop?host=a.host:1&host=b.host:2",
        "postgresql+psycopg2://u@db.prod/shop?dbname=other&port=6000",
        "postgres://u@h/d",
        "",
    ])
}

/// A project of Alembic.
pub(crate) fn alembic(dice: &mut Dice) -> Case {
    let ini_url = sqlalchemy_url(dice).replace('%', "%%");
    let ini = match dice.roll(5) {
        0 => format!(
            "[DEFAULT]\nhost = ini.host\n[alembic]\nscript_location = mig\nsqlalchemy.url = postgresql://u@%(host)s/ini_%(name)s\nname = x\n# {ini_url}\n"
        ),
        1 => format!(
            "[alembic]\nscript_location = %(here)s/mig\nsqlalchemy.url = {ini_url}\n[other]\nscript_location = mig\nsqlalchemy.url = postgresql://u@other.section/db\n"
        ),
        2 => "[alembic]\nscript_location = mig\n".to_owned(),
        3 => "[alembic]\nscript_location = mig\nsqlalchemy.url = sqlite:///%(here)s/here.db\n"
            .to_owned(),
        _ => format!(
            "[alembic]\nscript_location: mig\nprepend_sys_path = .\nsqlalchemy.url={ini_url}\n"
        ),
    };
    let default = sqlalchemy_url(dice);
    let set = match dice.roll(12) {
        0 => "url = os.environ['DATABASE_URL']\nconfig.set_main_option('sqlalchemy.url', url.replace('%', '%%'))\n".to_owned(),
        1 => format!("config.set_main_option('sqlalchemy.url', os.getenv('DATABASE_URL', '{default}'))\n"),
        2 => "if os.getenv('DATABASE_URL'):\n    config.set_main_option('sqlalchemy.url', os.environ['DATABASE_URL'].replace('postgres://', 'postgresql://'))\n".to_owned(),
        3 => "from dotenv import load_dotenv\nload_dotenv()\nif 'DATABASE_URL' in os.environ:\n    config.set_main_option('sqlalchemy.url', os.environ['DATABASE_URL'])\n".to_owned(),
        4 => "from app.config import settings\nconfig.set_main_option('sqlalchemy.url', settings.url)\n".to_owned(),
        5 => "config.set_section_option(config.config_ini_section, 'sqlalchemy.url', f\"postgresql://{os.getenv('DB_USER', 'u')}@{os.getenv('DB_HOST', 'localhost')}:{os.getenv('DB_PORT', '5432')}/{os.getenv('DB_NAME', 'app')}\")\n".to_owned(),
        6 => "x = context.get_x_argument(as_dictionary=True)\nif 'url' in x:\n    config.set_main_option('sqlalchemy.url', x['url'])\n".to_owned(),
        7 => "config.attributes['url'] = os.environ.get('DATABASE_URL')\n".to_owned(),
        _ => String::new(),
    };
    let engine = match dice.roll(6) {
        0 => "engine = create_engine(config.get_main_option('sqlalchemy.url'), poolclass=pool.NullPool)\n".to_owned(),
        1 => "section = config.get_section(config.config_ini_section)\nif os.environ.get('DATABASE_URL'):\n    section['sqlalchemy.url'] = os.environ['DATABASE_URL']\nengine = engine_from_config(section, prefix='sqlalchemy.', poolclass=pool.NullPool)\n".to_owned(),
        2 => format!("engine = create_engine(os.environ.get('DATABASE_URL') or '{default}')\n"),
        3 => "engine = create_engine(URL.create('postgresql+psycopg', username=os.getenv('DB_USER', 'u'), host=os.getenv('DB_HOST', 'made.host'), port=int(os.getenv('DB_PORT') or 5432), database=os.getenv('DB_NAME', 'made')))\n".to_owned(),
        4 => "engine = create_engine(make_url(config.get_main_option('sqlalchemy.url')).set(database='set_db'))\n".to_owned(),
        _ => "engine = engine_from_config(config.get_section(config.config_ini_section, {}), prefix='sqlalchemy.', poolclass=pool.NullPool)\n".to_owned(),
    };
    let env_py = format!(
        "import os\nfrom alembic import context\nfrom sqlalchemy import create_engine, engine_from_config, make_url, pool, URL\nconfig = context.config\n{set}def run_migrations_offline():\n    context.configure(url=config.get_main_option('sqlalchemy.url'))\n    with context.begin_transaction():\n        context.run_migrations()\ndef run_migrations_online():\n    {}    with engine.connect() as connection:\n        context.configure(connection=connection)\n        with context.begin_transaction():\n            context.run_migrations()\nif context.is_offline_mode():\n    run_migrations_offline()\nelse:\n    run_migrations_online()\n",
        engine.replace('\n', "\n    ").trim_end_matches(' ')
    );
    let mut env = variables(dice);
    env.retain(|(name, _)| name != "DATABASE_URL");
    if dice.once_in(2) {
        env.push(("DATABASE_URL".to_owned(), sqlalchemy_url(dice).to_owned()));
    }
    let words: &[&[&str]] = &[
        &["alembic", "downgrade", "base"],
        &[
            "alembic",
            "-x",
            "url=postgresql://u@x.host/xdb",
            "upgrade",
            "head",
        ],
        &["alembic", "-n", "other", "downgrade", "-1"],
        &["alembic", "-c", "alembic.ini", "downgrade", "base"],
    ];
    let words = if ini.contains("[other]") {
        dice.pick(words)
    } else {
        words[[0, 1, 3][dice.roll(3)]]
    };
    Case {
        kind: "alembic",
        files: vec![
            ("alembic.ini".to_owned(), ini),
            ("mig/env.py".to_owned(), env_py),
            ("mig/versions/.keep".to_owned(), String::new()),
            (".env".to_owned(), format!("DATABASE_URL={}\n", sqlalchemy_url(dice))),
            ("app/__init__.py".to_owned(), String::new()),
            ("app/config.py".to_owned(), "import os\nclass Settings:\n    def __init__(self):\n        self.host = os.getenv('DB_HOST', 'settings.host')\n    @property\n    def url(self):\n        return f'postgresql+psycopg://u@{self.host}/app'\nsettings = Settings()\n".to_owned()),
        ],
        env,
        words: words.to_vec(),
    }
}
