"""Values that come together are handed on together."""

import time

from fabfile.util.event_queue import Batch
from tests.support.waiting import eventually


def test_quiet_time_ends_a_batch() -> None:
    handed_on: list[list[int]] = []
    batch = Batch(handed_on.append, quiet=0.2, most=10)
    for number in (1, 2, 3):
        batch.put(number)
        time.sleep(0.05)
    assert handed_on == []
    eventually(lambda: handed_on == [[1, 2, 3]], "the end of the batch")
    batch.put(4)
    batch.flush()
    batch.flush()
    assert handed_on == [[1, 2, 3], [4]]


def test_batch_is_late_at_most() -> None:
    """Though another value comes again and again."""
    handed_on: list[list[int]] = []
    batch = Batch(handed_on.append, quiet=0.3, most=0.4)
    began = time.monotonic()
    while not handed_on:
        batch.put(1)
        assert time.monotonic() - began < 5
        time.sleep(0.02)
    assert time.monotonic() - began >= 0.4
