"""Starts the worker: nothing of this process's environment reaches it but what is named here."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import tagout  # noqa: E402

tagout.become(
    [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--pool", "solo", *sys.argv[1:]],
    keep=["BROKER_URL", "RESULT_URL"],
)
