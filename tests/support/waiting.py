"""Wait for a condition."""

import time
from collections.abc import Callable

import pytest


def eventually(is_true: Callable[[], bool], what: str, seconds: float = 10) -> None:
    """Wait until `is_true()`. Fail the test after `seconds`; `what` describes the condition."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            pytest.fail(f"timed out after {seconds} s: {what}")
        time.sleep(0.02)  # polls
