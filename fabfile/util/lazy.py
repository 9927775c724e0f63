"""`once`: what several threads want, and one of them makes."""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def call_once(make: Callable[[], T]) -> Callable[[], T]:
    """`make`, but for its being called only by the first thread that wants its result, for which the others wait.

    Where it raises, the next one calls it again.
    """
    lock = threading.Lock()
    made: list[T] = []

    def get() -> T:
        with lock:
            if not made:
                made.append(make())
        return made[0]

    return get
