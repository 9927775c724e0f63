"""`Fleet`: a stage on all hosts of a config at call_once, told to an observer; failures come together at its end."""

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Concatenate, ParamSpec, Protocol, TypeVar

import attrs

from rr_config import Component

from ..remote.host import Host
from ..ssh.host_group import HostFailure, HostGroup
from ..util.clock import Clock
from ..util.errors import HostError
from ..util.stages import Failure, StageError, StageTime
from .observer import Observer

ONE_MACHINE = "are one home on one machine; call it by one of these names alone, in all components"

T = TypeVar("T")
P = ParamSpec("P")


@attrs.define
class Fleet:
    """The hosts of a config, of which `parallel` are worked on at a time. `observer` is told how that goes on.

    Up to `most_failed` hosts may fail in a `whole` of several stages before no later one begins. `stages` are those
    that have ended, each with its time; `is_interrupted` once Ctrl-C has cut off the last one.
    """

    group: HostGroup
    parallel: int
    observer: Observer
    clock: Clock
    most_failed: float = 0
    is_interrupted: bool = False
    stages: list[StageTime] = attrs.field(factory=list)
    out: set[str] = attrs.field(factory=set)
    failures: list[Failure] = attrs.field(factory=list)
    _depth: int = 0

    @contextlib.contextmanager
    def whole(self) -> Iterator[None]:
        """Stages that belong together: a host that is `out`, since it has failed in one, takes no part in later ones.

        StageError with the `failures` of all of them, at the end of the outermost whole.
        """
        self._depth += 1
        try:
            yield
            if self._depth == 1 and self.failures:
                raise StageError(self.failures[-1].stage, self.failures, self.out, went_on=True)
        finally:
            self._depth -= 1
            if not self._depth:
                self.out, self.failures = set(), []

    def on_all(
        self,
        stage: str,
        work: Callable[[Host], T],
        failures_in: Callable[[str, T], list[Failure]] = lambda host, result: [],
        hosts: Iterable[str] | None = None,
        parallel: int | None = None,
    ) -> dict[str, T]:
        """Do one stage on all hosts, or those that are named; the results by host, sorted.

        StageError when all are through, if more failed, or have failures in their results, than may.
        """
        failed: set[str] = set()

        def failures_of(host: str, result: T) -> list[Failure]:
            found = failures_in(host, result)
            failed.update([host] if found else [])
            return found

        asked = set(self.group.hosts if hosts is None else hosts) - self.out
        if not asked:
            return {}
        results, failures = self.gather(stage, work, failures_of, asked, parallel)
        failed |= asked - results.keys()
        pairs = [pair for pair in self.group.met_twice() if not self.out.issuperset(pair)]
        doubles = {name for pair in pairs for name in pair}  # of which the one may keep the other from its work
        failures = [each for each in failures if each.where not in doubles]
        failures += [Failure(f"{one} and {other}", ONE_MACHINE) for one, other in pairs]
        if failures:
            failures = [*self.failures, *failures]
            if not self._depth:  # no stage comes that they would be kept out of
                raise StageError(stage, failures, failed - doubles)
            self.out |= failed | doubles
            if len(self.out) > self.most_failed or self.out >= self.group.hosts.keys():
                raise StageError(stage, failures, self.out - doubles)
            new = [each._replace(stage=stage) for each in failures[len(self.failures) :]]
            self.failures += new
            for name in failed | doubles:
                self.group.hosts[name].close()  # with that, what holds a session there for us ends
            self.observer.goes_on(stage, new)
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
        self.is_interrupted = False
        self.observer.begins(stage, names)
        began = self.clock.now()
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
            self.stages.append(StageTime(stage, began, self.clock.now()))
            self.observer.ends(stage)
        return dict(sorted(results.items())), sorted(failures)


def group_by_host(components: Iterable[Component]) -> dict[str, list[Component]]:
    """The components of each host, in their order."""
    found: dict[str, list[Component]] = {}
    for component in components:
        found.setdefault(component.host, []).append(component)
    return found


class _HasFleet(Protocol):
    @property
    def _fleet(self) -> Fleet: ...


S = TypeVar("S", bound=_HasFleet)


def whole(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """A method whose stages are one `Fleet.whole`."""

    @functools.wraps(method)
    def together(self: S, *args: P.args, **kwargs: P.kwargs) -> T:
        with self._fleet.whole():
            return method(self, *args, **kwargs)

    return together  # type: ignore[return-value]  # it calls its first parameter `self`
