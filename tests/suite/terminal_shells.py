"""Types at an interactive bash, zsh or fish whose functions call tagout: a completion, a terminal,
a stopped job. Prints "ok" or what differed. Waits for text, never for time."""

import sys

from terminal_session import Terminal

shell, setup = sys.argv[1:]
START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
t = Terminal(START[shell], TERM="dumb", PS1="$ ")
t.line(". ./" + setup if shell != "fish" else "source ./" + setup)
t.expect("set up: yes")
t.line("greet al\t")
t.expect("<alpha-beta>")
t.line("greet terminal")
t.expect("stdin: terminal")
t.line("greet wait")
t.expect("waiting")
t.key(b"\x1a")
t.expect({"bash": "Stopped", "zsh": "suspended", "fish": "^Z"}[shell])
t.line("jobs")
t.expect("suspended" if shell == "zsh" else "topped")
t.line("fg")
t.expect("resumed")
t.key(b"\x03")
t.line("greet last")
t.expect("<last>")
t.line("exit")
print("ok")
