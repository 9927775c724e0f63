"""Values that describe a stage: its time, its failures, and the error that reports them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import attrs


@attrs.frozen
class StageTime:
    """When a stage began and ended, in seconds since 1970 by the clock here."""

    stage: str
    began: float
    ended: float


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
