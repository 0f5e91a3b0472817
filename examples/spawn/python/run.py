"""run.py PROFILE COMMAND...: says in a line how it went."""

import signal
import sys

import tagout

try:
    done = tagout.run(sys.argv[2:], profile=sys.argv[1])
    if done.returncode < 0:
        print("signalled", signal.Signals(-done.returncode).name)
    else:
        print("exited", done.returncode)
except tagout.Refused as refused:
    print("refused", refused.rule)
except tagout.NotStarted as error:
    print("not started", error)
except tagout.Failed as error:
    print("failed", error)
