"""Lets the kernel end a process together with its parent, however the parent dies (Linux)."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def die_with(parent_pid: int) -> None:
    """SIGKILL for this process as soon as `parent_pid` is gone; outlives exec, but not fork."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent_pid:  # it died before the line above
        os._exit(1)
