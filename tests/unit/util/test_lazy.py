"""A function that several threads call at once runs once."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fabfile.util.lazy import call_once


def test_value_is_made_once_for_threads() -> None:
    calls: list[int] = []
    begun, two_in_it = threading.Barrier(8), threading.Barrier(2)

    def make() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise OSError
        with contextlib.suppress(threading.BrokenBarrierError):
            two_in_it.wait(timeout=0.3)  # as long as another one has to come in
        return 5

    get = call_once(make)

    def want(_: int) -> int:
        begun.wait(timeout=10)
        return get()

    with pytest.raises(OSError, match=r"^$"):
        get()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(want, range(8))) == [5] * 8
    assert len(calls) == 2
