"""The clock as a value. Code that needs the time, or waits, receives a clock, so that a test can replace it."""

import time
from collections.abc import Callable

import attrs


@attrs.frozen
class Clock:
    """The functions of a clock; the defaults use the clock of this machine.

    `now` returns seconds since 1970, and `monotonic` returns seconds since a fixed moment. `sleep` waits for a number
    of seconds.
    """

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


SYSTEM_CLOCK = Clock()
