"""Types at an interactive bash, zsh or fish whose functions call tagout: a completion, a terminal,
a stopped job. Prints "ok" or what differed. Waits for text, never for time."""

import os
import pty
import select
import sys

shell, setup = sys.argv[1:]
START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}


class Terminal:
    def __init__(self):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="dumb", PS1="$ ")
            os.execvp(shell, START[shell])
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

    def type(self, text):
        os.write(self.fd, text.encode())


t = Terminal()
t.type(". ./%s\n" % setup if shell != "fish" else "source ./%s\n" % setup)
t.expect("set up: yes")
t.type("greet al\t\n")
t.expect("<alpha-beta>")
t.type("greet terminal\n")
t.expect("stdin: terminal")
t.type("greet wait\n")
t.expect("waiting")
t.type("\x1a")
t.expect({"bash": "Stopped", "zsh": "suspended", "fish": "^Z"}[shell])
t.type("jobs\n")
t.expect("suspended" if shell == "zsh" else "topped")
t.type("fg\n")
t.expect("resumed")
t.type("\x03")
t.type("greet last\n")
t.expect("<last>")
t.type("exit\n")
print("ok")
