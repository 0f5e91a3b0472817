"""Drives bash with job control on a terminal: ^C, ^Z, jobs, fg, kill, an exec'ed full-screen
program's window size. Prints "ok" or what differed. Waits for text, never for time."""

import sys

from terminal_session import Terminal

tagout = sys.argv[1]

t = Terminal(["bash", "--norc", "--noprofile", "-i"], PS1="PROMPT> ")
t.expect("PROMPT> ")
# The programs take their signals with sigwait: whenever one comes, it is neither lost nor early.
with open("interrupted.py", "w") as script:
    script.write(
        "import signal, sys\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])\n"
        "print('up', flush=True)\n"
        "signal.sigwait([signal.SIGINT])\n"
        "print('int', flush=True)\n"
        "sys.stdin.readline()\n"
        "print('twice' if signal.SIGINT in signal.sigpending() else 'once', flush=True)\n"
    )
with open("patient.py", "w") as script:
    script.write(
        "import signal\n"
        "signal.signal(signal.SIGINT, signal.SIG_DFL)\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCONT])\n"
        "print('up', flush=True)\n"
        "signal.sigwait([signal.SIGCONT])\n"
        "print('resumed', flush=True)\n"
        "signal.pause()\n"
    )
t.line(tagout + " run -- python3 interrupted.py")
t.expect("up\r\n")
t.key(b"\x03")
t.expect("int\r\n")
t.line("")
t.expect("once\r\n")
t.expect("PROMPT> ")

t.line(tagout + " run -- python3 patient.py")
t.expect("up\r\n")
t.key(b"\x1a")
t.expect("Stopped")
t.expect("PROMPT> ")
t.line("jobs")
t.expect("Stopped")
t.expect("PROMPT> ")
t.line("fg")
# The terminal belongs to the job again only when it says so itself.
t.expect("resumed\r\n")
t.key(b"\x03")
t.expect("PROMPT> ")
t.line("echo status=$?")
t.expect("status=130")
t.expect("PROMPT> ")

t.line(tagout + " run -- sleep 1000 &")
t.expect("PROMPT> ")
t.line("kill %1; wait %1; echo status=$?")
t.expect("status=143")
t.expect("PROMPT> ")

t.line("stty rows 41 cols 87; " + tagout + " run -- stty size")
t.expect("41 87")
t.line("exit")
print("ok")
