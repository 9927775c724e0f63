"""Waiting for a condition."""

import time
from collections.abc import Callable

import pytest


def eventually(is_true: Callable[[], bool], what: str, seconds: float = 10) -> None:
    """Return once `is_true()`; fail after `seconds`, saying that `what` has not come about."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            pytest.fail(f"within {seconds} s: {what}")
        time.sleep(0.02)  # between two looks
