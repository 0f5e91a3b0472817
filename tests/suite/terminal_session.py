"""A program at a pseudo-terminal: types, and waits for text, never for time."""

import os
import pty
import select
import sys


class Terminal:
    def __init__(self, argv, **environment):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(environment)
            os.execvp(argv[0], argv)
        self.seen = ""

    def expect(self, text):
        while text not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], 30)
            if not ready:
                sys.exit("waited for %r, saw %r" % (text, self.seen))
            try:
                self.seen += os.read(self.fd, 4096).decode(errors="replace")
            except OSError:
                sys.exit("the shell is gone; waited for %r, saw %r" % (text, self.seen))
        self.seen = self.seen.split(text, 1)[1]

    def line(self, text):
        self.key(text.encode() + b"\n")

    def key(self, key):
        os.write(self.fd, key)
