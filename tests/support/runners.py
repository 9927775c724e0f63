"""Runners in this process: the errors that they raise, and an observer that takes notes."""

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
    """Notes the stages, and from which thread they begin and end."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.ended_: list[str] = []
        self.threads: set[threading.Thread] = set()

    def begins(self, stage: str, hosts: object) -> None:
        """A stage begins."""
        self.threads.add(threading.current_thread())
        self.told.append(f"begins {stage}")

    def ends(self, stage: str) -> None:
        """A stage ends."""
        self.told.append(f"ends {stage}")

    def ended(self, ended: Ended) -> None:
        """A component that is waited for has ended."""
        self.ended_.append(ended.component.name)


@contextlib.contextmanager
def interrupted_in(seconds: float) -> Iterator[None]:
    """KeyboardInterrupt after so many seconds, as by Ctrl-C."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGALRM, before)


def failed(runner: Runner, timeout: float | None = None) -> list[StageError]:
    """What `wait` raises."""
    try:
        runner.wait(timeout=timeout)
    except StageError as error:
        return [error]
    return []
