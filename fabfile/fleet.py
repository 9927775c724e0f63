"""`Fleet`: a stage on all hosts of a config at once, told to an observer; failures come together at its end."""

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import attrs

from rr_config import Component

from .conversation import HostError
from .hosts import Host, HostFailure, HostGroup
from .observer import Failure, Observer, StageError

ONE_MACHINE = "are one home on one machine; call it by one of these names alone, in all components"

T = TypeVar("T")


@attrs.frozen
class StageTime:
    """When a stage began and ended, in seconds since 1970 by the clock here."""

    stage: str
    began: float
    ended: float


@attrs.define
class Fleet:
    """The hosts of a config, of which `parallel` are worked on at a time. `observer` is told how that goes on.

    `stages` are those that have ended, each with its time; `is_interrupted` once Ctrl-C has cut one off.
    """

    group: HostGroup
    parallel: int
    observer: Observer
    is_interrupted: bool = False
    stages: list[StageTime] = attrs.field(factory=list)

    def on_all(
        self,
        stage: str,
        work: Callable[[Host], T],
        failures_in: Callable[[str, T], list[Failure]] = lambda host, result: [],
        hosts: Iterable[str] | None = None,
        parallel: int | None = None,
    ) -> dict[str, T]:
        """Do one stage on all hosts, or those that are named; the results by host, sorted.

        StageError when all are through, if one failed, or its result has failures in it.
        """
        results, failures = self.gather(stage, work, failures_in, hosts, parallel)
        failures += [Failure(f"{one} and {other}", ONE_MACHINE) for one, other in self.group.met_twice()]
        if failures:
            raise StageError(stage, failures)
        return results

    def lost(self, stage: str, host: str) -> Callable[[str], None]:
        """What is to be done where the connection to `host` is lost in what lasts, and is to be taken up again."""

        def tell(reason: str) -> None:
            if self.is_interrupted:  # it was closed by us
                raise HostError(reason)
            self.observer.lost(stage, host, reason)

        return tell

    def gather(
        self,
        stage: str,
        work: Callable[[Host], T],
        failures_in: Callable[[str, T], list[Failure]] = lambda host, result: [],
        hosts: Iterable[str] | None = None,
        parallel: int | None = None,
    ) -> tuple[dict[str, T], list[Failure]]:
        """As `on_all`, but what failed is the second result, sorted too."""
        names = sorted(self.group.hosts if hosts is None else hosts)
        self.observer.begins(stage, names)
        began = time.time()
        results: dict[str, T] = {}
        failures: list[Failure] = []
        try:
            for name, outcome in self.group.each(names, work, parallel or self.parallel):
                if isinstance(outcome, HostFailure):
                    failures.append(Failure(name, outcome.reason))
                    self.observer.failed(stage, name, outcome.reason)
                else:
                    results[name] = outcome
                    failures += failures_in(name, outcome)
                    self.observer.result(stage, name, outcome)
        except KeyboardInterrupt:
            self.is_interrupted = True
            raise
        finally:
            self.stages.append(StageTime(stage, began, time.time()))
            self.observer.ends(stage)
        return dict(sorted(results.items())), sorted(failures)


def by_host(components: Iterable[Component]) -> dict[str, list[Component]]:
    """The components of each host, in their order."""
    found: dict[str, list[Component]] = {}
    for component in components:
        found.setdefault(component.host, []).append(component)
    return found
