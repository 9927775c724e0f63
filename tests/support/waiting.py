"""Wait for a condition."""

import time
from collections.abc import Callable

import pytest


def eventually(is_true: Callable[[], bool], what: str, seconds: float = 10) -> None:
    """Return once `is_true()`; fail after `seconds`, saying that `what` has not come about.

    Looks become rarer with time: a look at all processes costs more than the wait.
    """
    begun = time.monotonic()
    while not is_true():
        waited = time.monotonic() - begun
        if waited > seconds:
            pytest.fail(f"within {seconds} s: {what}")
        time.sleep(min(0.1, 0.02 + waited / 20))
