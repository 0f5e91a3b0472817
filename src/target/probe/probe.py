# Starts a project's own management program as the command does, up to where it would connect, and
# prints what the driver would be handed as JSON, one line behind a mark. What is called a password
# stays inside.
import json
import os
import runpy
import sys

ask = json.loads(sys.argv[1])


def tell(answer):
    process = {n: v for n, v in os.environ.items() if n.startswith("PG") and n != "PGPASSWORD"}
    gone = {n: None for n in STARTED if n.startswith("PG") and n not in os.environ}
    answer["process"] = {**gone, **process}
    sys.stdout.flush()
    line = memoryview(("\ntagout-probe:" + json.dumps(answer) + "\n").encode())
    while line:
        line = line[os.write(1, line):]
    os._exit(1 if "error" in answer else 0)


def plain(value, depth=0):
    if value is None or isinstance(value, (bool, int, float, str)):
        return value if not isinstance(value, str) else str(value)
    if isinstance(value, (os.PathLike, bytes)):
        return os.fsdecode(value)
    if depth > 6:
        return {"__unknown": "nested too deep"}
    if isinstance(value, dict):
        return {str(k): plain(v, depth + 1) for k, v in value.items() if not hidden(k)}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(v, depth + 1) for v in value]
    return {"__unknown": "an object of " + type(value).__name__}


def hidden(name):
    name = str(name).lower()
    return name in ("passwd", "password", "sslpassword", "token", "secret")


def django(utility):
    import django
    from django.core.management.base import CommandParser, handle_default_options

    parser = CommandParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--settings")
    parser.add_argument("--pythonpath")
    parser.add_argument("args", nargs="*")
    options, _ = parser.parse_known_args(utility.argv[2:])
    handle_default_options(options)
    django.setup()
    from django.conf import settings
    from django.db import connections

    databases = {alias: database(connections, alias) for alias in connections}
    tell({"module": str(getattr(settings, "SETTINGS_MODULE", "")), "databases": databases})


# An entry of DATABASES that says what the backend hands to its driver.
def database(connections, alias):
    configured = connections.databases[alias]
    try:
        wrapper = connections[alias]
        parameters = wrapper.get_connection_params()
    except Exception as e:
        engine = str(configured.get("ENGINE") or "")
        if engine in ("", "django.db.backends.dummy"):
            return {"ENGINE": ""}
        return {"__unknown": "its backend fails: " + type(e).__name__}
    connects = type(wrapper).get_new_connection.__module__
    entry = {k: plain(configured.get(k)) for k in ("ENGINE", "NAME", "HOST", "PORT", "USER", "OPTIONS", "TEST")}
    if not connects.startswith(("django.db.backends.", "django.contrib.gis.", "django.utils.asyncio")):
        return entry
    vendor = wrapper.vendor
    if vendor in ("postgresql", "mysql", "sqlite"):
        given = plain(parameters)
        first = lambda *names: next((given.pop(n) for n in names if given.get(n) is not None), None)
        entry["ENGINE"] = "django.db.backends." + ("sqlite3" if vendor == "sqlite" else vendor)
        entry["NAME"] = first("dbname", "database", "db") or ""
        entry["HOST"] = first("host") or ""
        entry["PORT"] = first("port") or ""
        entry["USER"] = first("user") or ""
        entry["OPTIONS"] = {k: v for k, v in given.items() if isinstance(v, (str, int)) and not isinstance(v, bool)}
    return entry


# SQLAlchemy says what it hands to a driver before it does; the first connection is the answer.
def listen():
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def connect(dialect, record, arguments, parameters):
        tell({
            "first_only": True,
            "connections": [{
                "dialect": dialect.name,
                "driver": dialect.driver,
                "arguments": plain(list(arguments)),
                "parameters": plain(dict(parameters)),
            }],
        })

    event.listen(Engine, "do_connect", connect)


# Runs env.py as a command of Alembic does, with nothing to migrate.
def run_env(config, *_, **__):
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    listen()
    script = ScriptDirectory.from_config(config)
    with EnvironmentContext(config, script, fn=lambda revision, context: [], as_sql=False):
        script.run_env()
    tell({"connections": []})


def main():
    argv = ask["argv"]
    sys.argv = list(argv)
    here = os.getcwd()
    # What `-c` put in front: the directory of the script stands there, or the working directory.
    if sys.path and sys.path[0] in ("", here):
        del sys.path[0]
    if ask["script"]:
        sys.path.insert(0, os.path.dirname(os.path.realpath(ask["script"])))
    elif ask["module"]:
        sys.path.insert(0, here)
    if ask["kind"] == "django":
        from django.core import management

        management.ManagementUtility.execute = django
        if ask["script"]:
            runpy.run_path(ask["script"], run_name="__main__")
        else:
            management.execute_from_command_line(sys.argv)
    elif ask["kind"] == "alembic":
        from alembic import config

        config.CommandLine.run_cmd = lambda self, configuration, options: run_env(configuration)
        config.main(argv=sys.argv[1:], prog="alembic")
    else:
        import inspect

        from alembic import command
        from flask import cli

        for name, function in inspect.getmembers(command, inspect.isfunction):
            if function.__module__ == "alembic.command":
                setattr(command, name, run_env)
        cli.main()


STARTED = dict(os.environ)
try:
    main()
    error = "it ended before it came to its databases"
except BaseException as e:
    error = type(e).__name__ + (" (" + str(e.name) + ")" if isinstance(e, ImportError) else "")
tell({"error": error})
