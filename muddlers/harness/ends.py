"""Sees to it that nothing runs on: what programs have started, is found and ended with them (Linux, prctl(2))."""

import contextlib
import ctypes
import os
import signal
import time
from pathlib import Path

PAUSE_SECONDS = 0.01
SET_PDEATHSIG = 1
SET_CHILD_SUBREAPER = 36
LIBC = ctypes.CDLL(None)


def adopt():
    """From now on, what loses its parent below this process becomes its child."""
    LIBC.prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_with_parent():
    """Let this process be killed when its parent is. For a program, before it is run."""
    LIBC.prctl(SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def descendants():
    """The process ids of all that this process has started, whoever their parents are by now."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, parent = (folder / "stat").read_bytes().rpartition(b") ")[2].split()[:2]
            if state not in (b"Z", b"X"):
                parents.setdefault(int(parent), []).append(int(folder.name))
    found, above = [], [os.getpid()]
    while above:
        children = parents.get(above.pop(), [])
        found += children
        above += children
    return found


def kill_all():
    """Kill all of them, and what they start meanwhile; those that are left, since they are another user's."""
    others = set()
    while True:
        pids = [pid for pid in descendants() if pid not in others]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            except PermissionError:
                others.add(pid)
        if not pids:
            return sorted(others)
        time.sleep(PAUSE_SECONDS)  # what is killed needs a moment to go
