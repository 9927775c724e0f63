"""Threads that do not keep the program from ending."""

import threading
from collections.abc import Callable


def start_daemon(work: Callable[..., None], *values: object) -> None:
    """Call `work` with these values in a daemon thread."""
    threading.Thread(target=work, args=values, daemon=True).start()


def start_timer(seconds: float, work: Callable[[], None]) -> threading.Timer:
    """Call `work` in a daemon thread after a number of seconds, which may be infinite. Return a timer to cancel it."""
    timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), work)
    timer.daemon = True
    timer.start()
    return timer
