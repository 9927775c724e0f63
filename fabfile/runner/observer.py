"""`Observer`, who is told how a run goes on, and `StageError`, by which one ends that did not go well."""

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

    def output(self, component: Component, line: LogLine) -> None:
        """A line that a component has put out. Called from threads of their own."""

    def collected(self, folder: Path) -> None:
        """What there is has been brought into a new folder."""

    def ends(self, stage: str) -> None:
        """A stage has ended, well or not."""
