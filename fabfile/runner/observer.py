"""`Observer`: the interface for following a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rr_config import Component

from ..components.logs import LogLine
from ..components.readiness import BecameReady
from ..components.start import Started
from ..components.wait import Ended
from ..util.stages import Failure


class Observer:
    """Follows a run. Each method does nothing unless a subclass overrides it.

    `begins`, `result`, `failed` and `ends` are called from the thread that runs, the others from worker threads.
    """

    def begins(self, stage: str, hosts: Sequence[str]) -> None:
        """A stage begins on `hosts`."""

    def result(self, stage: str, host: str, result: Any) -> None:
        """A host has finished a stage, with this result."""

    def failed(self, stage: str, host: str, reason: str) -> None:
        """A host failed. Its failure is also in the StageError at the end of the stage."""

    def progress(self, stage: str, host: str, done: int, total: int) -> None:
        """`done` of `total` bytes have been sent to `host`. Called from the threads that send."""

    def goes_on(self, stage: str, failures: Sequence[Failure]) -> None:
        """A stage failed on some hosts, within the limit; work goes on without them."""

    def lost(self, stage: str, host: str, reason: str) -> None:
        """A connection was lost and is opened again. Called from worker threads."""

    def started(self, started: Started) -> None:
        """A component was started, or was running already."""

    def became_ready(self, ready: BecameReady) -> None:
        """A component is ready."""

    def ended(self, ended: Ended) -> None:
        """A component that is waited for has ended."""

    def output(self, component: Component, line: LogLine) -> None:
        """A component has written a line. Called from worker threads."""

    def collected(self, folder: Path) -> None:
        """All results are in this new folder."""

    def ends(self, stage: str) -> None:
        """A stage has ended, with or without failures."""
