"""`Observer`, who is told how a run goes on, and `StageError`, by which one ends that did not go well."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rr_config import Component

from .output import Line
from .readiness import BecameReady
from .starting import Started
from .waiting import Ended


class Failure(NamedTuple):
    """What failed (a host, or `host/component`, or `host:path`), why, and perhaps the last lines of its output.

    In which `stage`, where it is not that of the StageError.
    """

    where: str
    reason: str
    output: tuple[str, ...] = ()
    stage: str = ""


class StageError(Exception):
    """A stage did not succeed everywhere; no later stage has begun, unless `went_on`, on the other hosts.

    `hosts` are those that failed, as far as they are known by name.
    """

    def __init__(
        self, stage: str, failures: Sequence[Failure], hosts: Iterable[str] = (), went_on: bool = False
    ) -> None:
        super().__init__("\n".join(f"{each.stage or stage}: {each.where}: {each.reason}" for each in failures))
        self.stage = stage
        self.failures = failures
        self.hosts = frozenset(hosts)
        self.went_on = went_on


class Observer:
    """Is told how a run goes on, as it goes on; each method does nothing unless it is overridden.

    `begins`, `result`, `failed` and `ends` are called from the thread that runs, the others from threads of their own.
    """

    def begins(self, stage: str, hosts: Sequence[str]) -> None:
        """A stage begins on `hosts`."""

    def result(self, stage: str, host: str, result: Any) -> None:
        """A host is through with a stage, or one component of it is."""

    def failed(self, stage: str, host: str, reason: str) -> None:
        """A host could not do its part. It will be in the StageError, too, if the stage comes to its end."""

    def progress(self, stage: str, host: str, done: int, total: int) -> None:
        """Of `total` bytes, `done` have been sent to `host`. Called from the threads that send."""

    def goes_on(self, stage: str, failures: Sequence[Failure]) -> None:
        """A stage has failed on some hosts, as was allowed for; the work goes on without them."""

    def lost(self, stage: str, host: str, reason: str) -> None:
        """A connection was lost, and is taken up again. Called from threads of their own."""

    def started(self, started: Started) -> None:
        """A component has been started, or was running already."""

    def became_ready(self, ready: BecameReady) -> None:
        """A component is ready, by its `ready`."""

    def ended(self, ended: Ended) -> None:
        """A component that is waited for has ended."""

    def output(self, component: Component, line: Line) -> None:
        """A line that a component has put out. Called from threads of their own."""

    def collected(self, folder: Path) -> None:
        """What there is has been brought into a new folder."""

    def ends(self, stage: str) -> None:
        """A stage has ended, well or not."""
