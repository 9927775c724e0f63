"""The clock as a value. Code that needs the time, or waits, receives a clock, so that a test can replace it."""

import threading
import time
from collections.abc import Callable

import attrs


def _start_timer(seconds: float, work: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), work)
    timer.daemon = True
    timer.start()
    return timer


@attrs.frozen
class Clock:
    """The functions of a clock; the defaults use the clock of this machine.

    `now` returns seconds since 1970, and `monotonic` returns seconds since a fixed moment. `sleep` waits for a number
    of seconds. `later` calls a function after a number of seconds, in a daemon thread. It returns a timer, which can
    be cancelled.
    """

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    later: Callable[[float, Callable[[], None]], threading.Timer] = _start_timer


SYSTEM_CLOCK = Clock()
