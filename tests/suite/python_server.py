# Answers for one project after another: each in a child of its own, in which the frameworks are
# loaded already. One JSON line in, one line out.
import json
import os
import sys

try:
    import pymysql

    pymysql.version_info = (2, 2, 4, "final", 0)
    pymysql.install_as_MySQLdb()
except ImportError:
    pass
import alembic.config, alembic.script, alembic.runtime.environment
import decouple, dj_database_url, dotenv, environ
import django.core.management, django.db.backends.postgresql.base, django.db.backends.sqlite3.base
import psycopg, psycopg2, sqlalchemy.dialects.postgresql.psycopg

CODE = compile(open(sys.argv[1]).read(), "probe", "exec")

for line in sys.stdin:
    case = json.loads(line)
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(into, 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.close(out)
        os.chdir(case["cwd"])
        os.environ.clear()
        os.environ.update(case["env"])
        sys.argv = ["-c", json.dumps(case["ask"])]
        sys.path[0] = ""
        sys.dont_write_bytecode = True
        exec(CODE, {"__name__": "__main__"})
        os._exit(3)
    os.close(into)
    answer = b""
    while chunk := os.read(out, 65536):
        answer += chunk
    os.close(out)
    os.waitpid(child, 0)
    marked = [l for l in answer.decode(errors="replace").splitlines() if l.startswith("tagout-probe:")]
    print(marked[-1].removeprefix("tagout-probe:") if marked else '{"error": "nothing"}', flush=True)
