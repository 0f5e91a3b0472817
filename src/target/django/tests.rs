//! Settings as real projects write them, and what Django makes of them.

use crate::command::{Caller, Step, World, understand};
use crate::environment::Vars;
use crate::files::Memory;
use crate::source::{Source, SourceKind};
use crate::target::{Address, Resolution, Target};

const MANAGE: &str = "import os, sys\ndef main():\n    os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site1.settings')\n    try:\n        from django.core.management import execute_from_command_line\n    except ImportError as exc:\n        raise ImportError('no Django') from exc\n    execute_from_command_line(sys.argv)\nif __name__ == '__main__':\n    main()\n";

fn resolve(line: &str, env: &[(&str, &str)], files: &[(&str, &str)]) -> Resolution {
    let memory = Memory::new()
        .with("/p/manage.py", MANAGE)
        .below("/p", files);
    let mut vars = Vars::new();
    for (name, value) in env {
        vars.set(*name, value, Source::new(SourceKind::Inherited, "caller"));
    }
    let step = Step::new(line.split(' ').map(str::to_owned), vars, "/p".into());
    let caller = Caller {
        user: "me".into(),
        ..Caller::default()
    };
    let world = World {
        files: &memory,
        caller: &caller,
        heard: None,
    };
    let mut all = Resolution::none();
    for command in understand(step, &world) {
        all.merge(crate::target::resolve(&command, &world));
    }
    all
}

fn shown(target: &Target) -> String {
    let name = target.database.as_ref().map_or("-", |d| d.value.as_str());
    match &target.address {
        Address::Host { host, port, .. } => {
            let port = port.as_ref().map_or(0, |p| p.value);
            format!("{}:{port}/{name}", host.value)
        }
        Address::Socket { path, .. } => format!("<{}>/{name}", path.value),
        Address::File { path } => path.value.clone(),
        Address::Memory { .. } => "memory".into(),
        Address::Identifier { name } => name.value.clone(),
    }
}

/// Targets, `! class` of an error, or `?` with a part of the reason.
fn answer(resolution: &Resolution) -> String {
    let mut parts: Vec<String> = resolution.targets.iter().map(shown).collect();
    parts.extend(resolution.errors.iter().map(|e| format!("! {}", e.what)));
    if !resolution.gaps.is_empty() {
        parts.push("?".into());
    }
    parts.join(", ")
}

/// `DATABASES` of this settings text, by `manage.py migrate`.
fn migrate(settings: &str, env: &[(&str, &str)]) -> String {
    answer(&resolve(
        "python manage.py migrate",
        env,
        &[("site1/settings.py", settings)],
    ))
}

/// Text or words, variables, answer.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
);

const PG: &str = "'ENGINE': 'django.db.backends.postgresql', 'USER': 'u'";

#[test]
fn shapes_of_settings() {
    let cases: &[Case] = &[
        (
            "import os\nDATABASES = {'default': {PG, 'NAME': os.environ['N'], 'HOST': os.getenv('H', 'dev')}}",
            &[("N", "x")],
            "dev:5432/x",
        ),
        (
            "import os\nDATABASES = {'default': {PG, 'NAME': os.environ['N']}}",
            &[],
            "! settings-invalid",
        ),
        (
            "from os import environ as e, getenv\ndef get(name, default=None):\n    try:\n        return e[name]\n    except KeyError:\n        if default is None:\n            raise Exception(name)\n        return default\nDATABASES = {'default': {PG, 'NAME': get('N', 'd'), 'HOST': get('H')}}",
            &[("H", "h")],
            "h:5432/d",
        ),
        (
            "import os\nDATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'x'}}\nif os.getenv('DB'):\n    DATABASES['default'] = {PG, 'NAME': os.getenv('DB'), 'HOST': 'h'}",
            &[("DB", "y")],
            "h:5432/y",
        ),
        (
            "DATABASES = {'default': {PG, 'NAME': 'a', 'HOST': 'h'}}\nd = DATABASES['default']\nd.update(NAME='b', PORT=5433)\nd |= {'HOST': 'i'}\nDATABASES['default']['USER'] = 'v'",
            &[],
            "i:5433/b",
        ),
        (
            "import socket\nHOST = 'prod' if socket.gethostname() == 'web1' else 'dev'\nDATABASES = {'default': {PG, 'NAME': 'x', 'HOST': HOST}}",
            &[],
            "?",
        ),
        (
            "import boto3\nDATABASES = {'default': {PG, 'NAME': 'x', 'HOST': 'h', 'PASSWORD': boto3.client('ssm').get('x')}}",
            &[],
            "h:5432/x",
        ),
        (
            "import boto3\nDATABASES = {'default': {PG, 'NAME': 'x', 'HOST': 'h'}}\nif boto3.client('x').y:\n    DATABASES['default']['HOST'] = 'prod'",
            &[],
            "?",
        ),
        (
            "import boto3\nDATABASES = {'default': {PG, 'NAME': 'x', 'HOST': 'h'}}\nboto3.fill(DATABASES)",
            &[],
            "?",
        ),
        (
            "import django_heroku\nDATABASES = {'default': {PG, 'NAME': 'x', 'HOST': 'h'}}\ndjango_heroku.settings(locals())",
            &[],
            "?",
        ),
        (
            "DATABASES = {'default': {PG, 'NAME': 'x', 'HOST': 'h'}}\ntry:\n    from .local import *\nexcept ImportError:\n    pass",
            &[],
            "h:5432/x",
        ),
        (
            "DATABASES = {'default': {PG, 'NAME': 'x', 'HOST': 'h'}}\nprint 'old'\n",
            &[],
            "?",
        ),
        (
            "import os\nfrom urllib.parse import urlparse\nu = urlparse(os.environ['U'])\nDATABASES = {'default': {PG, 'NAME': u.path[1:], 'HOST': u.hostname, 'PORT': u.port}}",
            &[("U", "postgres://a:b@H:5/db?x=1")],
            "h:5/db",
        ),
        (
            "import json, os\nc = json.loads(os.environ['C'])\nDATABASES = {'default': {PG, 'NAME': c['n'], 'HOST': c['h'], 'PORT': c.get('p', 5)}}",
            &[("C", "{\"n\": \"x\", \"h\": \"y\"}")],
            "y:5/x",
        ),
        (
            "from pathlib import Path\nBASE = Path(__file__).resolve().parent.parent\nDATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': BASE / 'd' / 'x.db'}}",
            &[],
            "/p/d/x.db",
        ),
        (
            "import os\nB = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))\nDATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': os.path.join(B, 'x.db')}}",
            &[],
            "/p/x.db",
        ),
        (
            "import sys\nDATABASES = {'default': {PG, 'NAME': 'x', 'HOST': 'h'}}\nif 'test' in sys.argv or 'pytest' in sys.argv[0]:\n    DATABASES['default'] = {}",
            &[],
            "h:5432/x",
        ),
        (
            "import os\nDATABASES = {a: {PG, 'NAME': a, 'HOST': f\"{os.environ['H']}.x\"} for a in ['default', 'b']}",
            &[("H", "h")],
            "h.x:5432/default",
        ),
        (
            "class C:\n    HOST = 'h'\n    def name(self):\n        return '%s_%s' % ('a', 'b')\nDATABASES = {'default': {PG, 'NAME': C().name(), 'HOST': C.HOST}}",
            &[],
            "h:5432/a_b",
        ),
        (
            "import os\nENV = os.getenv('ENV', 'dev')\nmatch ENV:\n    case 'prod' | 'live':\n        H = 'p'\n    case _:\n        H = 'd'\nDATABASES = {'default': {PG, 'NAME': 'x', 'HOST': H}}",
            &[("ENV", "live")],
            "p:5432/x",
        ),
        (
            "DATABASES = {'default': {'ENGINE': 'mysite.backend', 'NAME': 'x', 'HOST': 'h'}}",
            &[],
            "?",
        ),
        ("DATABASES = {}", &[], "! settings-invalid"),
        ("X = 1", &[], "! settings-invalid"),
        (
            "DATABASES = {'default': {'ENGINE': 'django.db.backends.mysql', 'NAME': 'x', 'HOST': '/run/m.sock'}}",
            &[],
            "</run/m.sock>/x",
        ),
        (
            "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'OPTIONS': {'dbname': 'o', 'host': 'a,b'}, 'NAME': 'n'}}",
            &[],
            "a:5432/o, b:5432/o",
        ),
        (
            "from dotenv import load_dotenv\nload_dotenv(unknown_path)\n",
            &[],
            "! settings-invalid",
        ),
    ];
    for (settings, env, wanted) in cases {
        let settings = settings.replace("PG", PG);
        assert_eq!(migrate(&settings, env), *wanted, "{settings}\n{env:?}");
    }
}

#[test]
fn which_settings_are_loaded() {
    let files = &[
        ("site1/__init__.py", ""),
        (
            "site1/settings.py",
            "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'dev', 'HOST': 'd'}}",
        ),
        (
            "site1/prod.py",
            "from .settings import *\nDATABASES['default'].update(NAME='shop', HOST='p')",
        ),
    ];
    let cases: &[Case] = &[
        ("python manage.py migrate", &[], "d:5432/dev"),
        (
            "python manage.py migrate --settings site1.prod",
            &[],
            "p:5432/shop",
        ),
        (
            "python manage.py migrate --sett site1.prod",
            &[],
            "d:5432/dev",
        ),
        (
            "python manage.py migrate --settings=site1.none",
            &[],
            "! settings-missing",
        ),
        (
            "python manage.py --settings=site1.prod migrate",
            &[],
            "! command-unknown",
        ),
        (
            "python manage.py migrate",
            &[("DJANGO_SETTINGS_MODULE", "site1.prod")],
            "p:5432/shop",
        ),
        (
            "python manage.py migrate",
            &[("DJANGO_SETTINGS_MODULE", "")],
            "! settings-not-configured",
        ),
        (
            "python3.12 -W ignore -m django migrate --settings=site1.prod",
            &[],
            "p:5432/shop",
        ),
        ("django-admin migrate", &[], "! settings-not-configured"),
        ("django-admin migrate --settings=site1.prod", &[], "?"),
        (
            "django-admin migrate --settings=site1.prod",
            &[("PYTHONPATH", "/p")],
            "p:5432/shop",
        ),
        ("uv run python manage.py migrate", &[], "d:5432/dev"),
        (
            "poetry run ./manage.py migrate --database other",
            &[],
            "! connection-not-configured",
        ),
        ("python manage.py wipe_everything", &[], "d:5432/dev"),
        ("python manage.py check", &[], ""),
    ];
    for (line, env, wanted) in cases {
        assert_eq!(
            answer(&resolve(line, env, files)),
            *wanted,
            "{line} {env:?}"
        );
    }
}

#[test]
fn no_settings_hang_or_overflow() {
    let deep = format!("x = {}1{}\n", "[".repeat(38), "]".repeat(38));
    let wide = "a = [a, a]\n".repeat(300);
    for settings in [
        "def f(n):\n    return f(n)\nf(1)\n".to_owned(),
        "f = lambda: f()\nf()\n".to_owned(),
        "while True:\n    pass\n".to_owned(),
        "a = 'x'\nfor i in range(1000):\n    for j in range(1000):\n        a = a + a\n".to_owned(),
        "a = []\na.append(a)\nDATABASES = {'default': a, 'x': {'default': a}}\n".to_owned(),
        "a = {}\na['default'] = a\nDATABASES = a\n".to_owned(),
        format!("a = 1\n{wide}DATABASES = {{'default': a}}\n"),
        format!("{deep}DATABASES = {{'default': x}}\n"),
        "from .settings import *\n".to_owned(),
        "class A:\n    @property\n    def x(self): return self.x\nA().x\n".to_owned(),
        format!("x = {}\n", "(".repeat(5000)),
        format!("a = 1{}\n", " + 1".repeat(99)),
    ] {
        let answer = migrate(&settings, &[]);
        assert!(
            answer == "?" || answer.starts_with('!'),
            "{answer}: {settings}"
        );
    }
}
