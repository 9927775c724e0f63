"""Values that describe a stage: its time, its failures, and the error that reports them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import attrs

from rr_config.hosts.natural_order import natural_key


@attrs.frozen
class StageTime:
    """The start and end of a stage, in seconds since 1970 by the local clock."""

    stage: str
    began: float
    ended: float


class Failure(NamedTuple):
    """One failure in a stage.

    `where` is `host`, `host/component` or `host:path`. `output` holds the last lines of output, if there are any.
    `stage` is set if it differs from the stage of the StageError.
    """

    where: str
    reason: str
    output: tuple[str, ...] = ()
    stage: str = ""

    def as_dict(self) -> dict[str, object]:
        """Return all fields under their names, for `--json`."""
        return self._asdict()


def in_order(failures: Iterable[Failure]) -> list[Failure]:
    """Return failures in the natural order of their places."""
    return sorted(failures, key=lambda failure: (natural_key(failure.where), failure))


Names = Iterable[str]


class TimeLimitExceeded(Exception):
    """A command did not end within its time limit. The connections must be closed: hosts still work on its stage."""


class StageError(Exception):
    """A stage failed on at least one host. No later stage has begun, unless `went_on` is true.

    With `went_on`, the later stages ran on the other hosts. `hosts` holds the names of the failed hosts, as far as they
    are known. On those in `final`, the same command would fail again: the session belongs to another owner, or the
    config calls one machine by two names.
    """

    def __init__(
        self, stage: str, failures: Sequence[Failure], hosts: Names = (), went_on: bool = False, final: Names = ()
    ) -> None:
        super().__init__("\n".join(f"{each.stage or stage}: {each.where}: {each.reason}" for each in failures))
        self.stage, self.failures, self.went_on = stage, failures, went_on
        self.hosts, self.final = frozenset(hosts), frozenset(final)
