"""The clock, as a value: code that needs the time or has to wait gets one, so that a test can replace it."""

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
    """What a clock can do; the default is the clock of this machine.

    `now` returns seconds since 1970, and `monotonic` seconds since some fixed moment. `sleep` waits for some seconds.
    `later` calls a function after some seconds, in a daemon thread, and returns a timer that can be cancelled.
    """

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    later: Callable[[float, Callable[[], None]], threading.Timer] = _start_timer


SYSTEM_CLOCK = Clock()
