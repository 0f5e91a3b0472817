"""Tasks of a worker that was started through tagout, and that starts commands through it too."""

import os
import sys

from celery import Celery

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import tagout  # noqa: E402

app = Celery("tasks", broker=os.environ["BROKER_URL"], backend=os.environ["RESULT_URL"])
app.conf.broker_transport_options = {"data_folder_in": "queue", "data_folder_out": "queue"}


@app.task
def seen(name):
    """What this worker has of a variable."""
    return os.environ.get(name, "nothing")


@app.task
def command(argv):
    """Runs a command; a refusal is an answer, not a crash."""
    try:
        return tagout.run(argv).returncode
    except tagout.Refused as refused:
        return refused.rule
