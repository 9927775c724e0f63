"""Help with runners in this process: catch their errors and record their events."""

import contextlib
import signal
import threading
from collections.abc import Iterator

import pytest

from fabfile.components.wait import Ended
from fabfile.runner import Observer, Runner, StageError
from rr_config import Component


def labels(components: list[Component]) -> list[str]:
    return [component.label for component in components]


class Noting(Observer):
    """Record the stages, and the threads from which they begin."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.ended_: list[str] = []
        self.threads: set[threading.Thread] = set()

    def begins(self, stage: str, hosts: object) -> None:
        """Record the begin of a stage."""
        self.threads.add(threading.current_thread())
        self.told.append(f"begins {stage}")

    def ends(self, stage: str) -> None:
        """Record the end of a stage."""
        self.told.append(f"ends {stage}")

    def ended(self, ended: Ended) -> None:
        """Record the end of a component."""
        self.ended_.append(ended.component.name)


@contextlib.contextmanager
def interrupted_in(seconds: float) -> Iterator[None]:
    """Raise KeyboardInterrupt after this many seconds, as Ctrl-C does, and check that it propagates."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGALRM, before)


def failed(runner: Runner, timeout: float | None = None) -> list[StageError]:
    """Return the StageError that `wait` raises, in a list, or an empty list."""
    try:
        runner.wait(timeout=timeout)
    except StageError as error:
        return [error]
    return []
