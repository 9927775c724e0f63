"""Find and kill all processes that this process and its children have started (Linux, prctl(2))."""

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
    """Become the parent of every descendant whose own parent ends (a child subreaper)."""
    LIBC.prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_with_parent():
    """Let the kernel kill this process when its parent ends. Call it in the child before exec."""
    LIBC.prctl(SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def descendants():
    """Return the process ids of all living descendants of this process."""
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
    """Kill all descendants, including those that they start meanwhile.

    Return the process ids that could not be killed because they belong to another user.
    """
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
        time.sleep(PAUSE_SECONDS)  # a killed process needs a moment to end
