"""Sets the clock of each Python process wrong, before anything of ours is imported: this folder is on PYTHONPATH.

CLOCKS="granian=3600 worker=-3600": seconds ahead, by a word of the command line; for its children as well.
"""

import os
import sys
import time

import time_machine

for clock in os.environ.get("CLOCKS", "").split():
    word, _, ahead_s = clock.partition("=")
    if word in sys.orig_argv:
        os.environ["CLOCK_AHEAD_S"] = ahead_s
if "CLOCK_AHEAD_S" in os.environ:
    time_machine.travel(time.time() + float(os.environ["CLOCK_AHEAD_S"]), tick=True).start()
