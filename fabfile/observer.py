"""`Observer`, who is told how a run goes on, and `StageError`, by which one ends that did not go well."""

from collections.abc import Sequence
from typing import Any

from rr_config import Component

from .waiting import Ended


class StageError(Exception):
    """A stage did not succeed everywhere; no later stage has begun.

    `failures` names what failed: a host, or `host/component`, or `host:path`, each with its reason.
    """

    def __init__(self, stage: str, failures: Sequence[tuple[str, str]]) -> None:
        super().__init__("\n".join(f"{stage}: {where}: {reason}" for where, reason in failures))
        self.stage = stage
        self.failures = failures


class Observer:
    """Is told how a run goes on, as it goes on; each method does nothing unless it is overridden.

    `progress`, `lost`, `ended` and `output` are called from threads of their own, the others from the one that runs.
    """

    def begins(self, stage: str, hosts: Sequence[str]) -> None:
        """A stage begins on `hosts`."""

    def result(self, stage: str, host: str, result: Any) -> None:
        """A host is through with a stage, or one component of it is."""

    def failed(self, stage: str, host: str, reason: str) -> None:
        """A host could not do its part. It will be in the StageError, too, if the stage comes to its end."""

    def progress(self, stage: str, host: str, done: int, total: int) -> None:
        """Of `total` bytes, `done` have been sent to `host`. Called from the threads that send."""

    def lost(self, stage: str, host: str, reason: str) -> None:
        """A connection was lost, and is taken up again. Called from threads of their own."""

    def ended(self, ended: Ended) -> None:
        """A component that is waited for has ended."""

    def output(self, component: Component, line: bytes) -> None:
        """A line that a component has put out, without its newline. Called from threads of their own."""

    def ends(self, stage: str) -> None:
        """A stage has ended, well or not."""
