"""Start commands through tagout, and tell its refusals from the command's own failure."""

import json
import os
import subprocess
import tempfile


class NotRun(Exception):
    """tagout did not run the command."""


class Refused(NotRun):
    """tagout refused it: `rule` says why in a word, `reasons` for people."""

    def __init__(self, event):
        super().__init__("refused by %s: %s" % (event["rule"], "; ".join(event["reasons"])))
        self.rule = event["rule"]
        self.reasons = event["reasons"]
        self.id = event["id"]


class NotStarted(NotRun):
    """The program is not there (ENOENT), not executable, or its fence cannot be had."""


class Failed(NotRun):
    """tagout itself failed: a mistake in its configuration, a journal that cannot be written."""


def command(argv, *, profile="worker", keep=(), status=None):
    """The words that start `argv` through tagout."""
    words = ["tagout", "run", "--profile", profile]
    words += ["--keep=" + name for name in keep]
    if status is not None:
        words += ["--json-status", str(status)]
    return [*words, "--", *argv]


def run(argv, *, profile="worker", keep=(), **options):
    """`subprocess.run` through tagout. Raises NotRun where nothing ran."""
    with tempfile.TemporaryFile() as status:
        fds = (status.fileno(), *options.pop("pass_fds", ()))
        check = options.pop("check", False)
        words = command(argv, profile=profile, keep=keep, status=status.fileno())
        done = subprocess.run(words, pass_fds=fds, **options)
        status.seek(0)
        events = [json.loads(line) for line in status]
    raise_for(events[-1] if events else {})
    if check:
        done.check_returncode()
    return done


def become(argv, *, profile="worker", keep=()):
    """Replaces this process: for a program that only starts another one."""
    words = command(argv, profile=profile, keep=keep)
    os.execvp(words[0], words)


def raise_for(event):
    """Raises where the last thing that tagout said is not that the command ended."""
    kind = event.get("event")
    if kind == "refused":
        raise Refused(event)
    if kind == "not-started":
        raise NotStarted(event["error"])
    if kind != "ended":
        raise Failed(event.get("error", "tagout ended without a word"))
