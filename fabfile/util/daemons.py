"""Threads that do not keep the program from ending."""

import threading
from collections.abc import Callable


def start_daemon(work: Callable[..., None], *values: object) -> None:
    """Call `work` with these values in a daemon thread."""
    threading.Thread(target=work, args=values, daemon=True).start()
