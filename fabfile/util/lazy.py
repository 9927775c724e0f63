"""Lazy values that several threads share."""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def call_once(make: Callable[[], T]) -> Callable[[], T]:
    """Return a thread-safe function that calls `make` at its first call, and then returns the same result.

    Other threads wait until the result exists. If `make` raises, the next call tries again.
    """
    lock = threading.Lock()
    made: list[T] = []

    def get() -> T:
        with lock:
            if not made:
                made.append(make())
        return made[0]

    return get
