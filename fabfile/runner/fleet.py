"""`Fleet`: run a stage on all hosts of a config at once, tell an observer, and report all failures at its end.

`checked_group` makes the hosts. Before any of them is touched, it checks options that depend on the config.
"""

import contextlib
import itertools
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import attrs
from fabric import Config as Settings

from rr_config import Config, ConfigError, Options
from rr_config.checks.rules import SESSION_NAME_HINT, is_session_name
from rr_config.command_line.options import check
from rr_config.hosts.natural_order import natural_key

from ..ssh.connection import connection_settings, key_files
from ..ssh.fabric_patches import UnreadSettings as UnreadSettings
from ..ssh.host_group import HostFailure, HostGroup, Work
from ..util.clock import Clock
from ..util.errors import HostError
from ..util.stages import Failure, StageError, StageTime, TimeLimitExceeded, in_order
from .observer import Observer

ONE_HOME = "are the same home on the same host; use only one of these names in all components"

T = TypeVar("T")
FailuresIn = Callable[[str, T], list[Failure]]  # the failures in the result of a host
Names = Iterable[str] | None  # hosts, or all of them


def _none(host: str, result: object) -> list[Failure]:
    return []


@attrs.define
class Gathered(Generic[T]):
    """The outcome of one stage: the results by host and all failures, in natural order, and the hosts that failed."""

    results: dict[str, T]
    failures: list[Failure]
    failed: set[str]


@attrs.define
class Fleet:
    """The hosts of a config; `parallel` of them work at a time. `observer` follows the progress.

    Up to `most_failed` hosts may fail in a `stage_group` before it stops. `stages` are those that have ended, with
    their times. `is_interrupted` is set when Ctrl-C has cut off the last stage. `out` are the hosts that failed in this
    group, and `failures` their failures. `final` are failed hosts on which the same command would fail again.
    `silent` are hosts that did not answer the last time; copies of the fleet share them.
    After `deadline`, by the monotonic clock, each stage ends with TimeLimitExceeded.
    `explain` may add to the reason of a failure; it gets the hosts that the failure is about, too.
    """

    group: HostGroup
    parallel: int
    observer: Observer
    clock: Clock
    most_failed: float = 0
    deadline: float = math.inf
    is_interrupted: bool = False
    stages: list[StageTime] = attrs.field(factory=list)
    out: set[str] = attrs.field(factory=set)
    final: set[str] = attrs.field(factory=set)
    failures: list[Failure] = attrs.field(factory=list)
    silent: set[str] = attrs.field(factory=set)
    explain: Callable[[Failure, Collection[str]], Failure] = lambda failure, hosts: failure
    _depth: int = 0

    @contextlib.contextmanager
    def stage_group(self) -> Iterator[None]:
        """Treat the stages within as one command: a host that fails in one takes no part in later ones.

        Raise StageError with the failures of all stages, at the end of the outermost group.
        """
        self._depth += 1
        try:
            yield
            if self._depth == 1 and self.failures:
                raise StageError(self.failures[-1].stage, self.failures, self.out, went_on=True, final=self.final)
        finally:
            self._depth -= 1
            if not self._depth:
                self.out, self.final, self.failures = set(), set(), []

    def on_all(
        self, stage: str, work: Work[T], failures_in: FailuresIn[T] = _none, hosts: Names = None, parallel: int = 0
    ) -> dict[str, T]:
        """Run one stage on all hosts, or on `hosts`; return the results by host, in natural order.

        `failures_in` returns the failures in the result of a host. When all hosts are through, raise StageError if more
        of them failed than may.
        """
        asked = set(self.group.hosts if hosts is None else hosts) - self.out
        if not asked:
            return {}
        gathered = self.gather(stage, work, failures_in, asked, parallel)
        self._decide(stage, gathered)
        return gathered.results

    def _decide(self, stage: str, gathered: Gathered[Any]) -> None:
        """Raise StageError if more hosts have failed than may. Else the failed hosts take no part in later stages."""
        pairs = [pair for pair in self.group.met_twice() if not self.out.issuperset(pair)]
        doubles = set(itertools.chain.from_iterable(pairs))  # one of them may keep the other from its work
        failures = [self.explain(each, [each.where]) for each in gathered.failures if each.where not in doubles]
        for pair in pairs:
            failures.append(self.explain(Failure(" and ".join(pair), ONE_HOME), pair))
        if not failures:
            return
        out = self.out | gathered.failed | doubles
        if not self._depth or len(out) > self.most_failed or out >= self.group.hosts.keys():
            raise StageError(stage, [*self.failures, *failures], out, final=self.final | doubles)
        for name in out - self.out:
            self.group.hosts[name].close()  # this also ends our hold of its session
        new = [each._replace(stage=stage) for each in failures]
        self.failures += new
        self.out = out
        self.final = self.final | doubles
        self.observer.goes_on(stage, new)

    def lost(self, stage: str, host: str, reason: str) -> None:
        """Handle a connection to `host` that is lost in a stage, before it is opened again."""
        if self.is_interrupted:  # we have closed it
            raise HostError(reason)
        self.observer.lost(stage, host, reason)

    def gather(
        self, stage: str, work: Work[T], failures_in: FailuresIn[T] = _none, hosts: Names = None, parallel: int = 0
    ) -> Gathered[T]:
        """Run a stage as `on_all` does, but return the failures, too, and raise nothing."""
        names = sorted(self.group.hosts if hosts is None else hosts, key=natural_key)
        gathered: Gathered[T] = Gathered({}, [], set(names))
        with self._stage(stage, names):
            for name, outcome in self.group.each(names, work, parallel or self.parallel, self._seconds_left):
                self.silent.discard(name)
                if isinstance(outcome, HostFailure):
                    if outcome.is_silent:
                        self.silent.add(name)
                    gathered.failures.append(Failure(name, outcome.reason))
                    self.observer.failed(stage, name, outcome.reason)
                    continue
                gathered.results[name] = outcome
                failures = failures_in(name, outcome)
                gathered.failures += failures
                if not failures:
                    gathered.failed.remove(name)
                self.observer.result(stage, name, outcome)
        results = {name: gathered.results[name] for name in names if name in gathered.results}
        return Gathered(results, in_order(gathered.failures), gathered.failed)

    def _seconds_left(self) -> float | None:
        """Return the time until the deadline, or None without one."""
        return None if self.deadline == math.inf else self.deadline - self.clock.monotonic()

    @contextlib.contextmanager
    def _stage(self, stage: str, hosts: Sequence[str]) -> Iterator[None]:
        """Record the time of a stage, and tell the observer its begin and end."""
        self.is_interrupted = False
        self.observer.begins(stage, hosts)
        began = self.clock.now()
        try:
            yield
        except (KeyboardInterrupt, TimeLimitExceeded):
            self.is_interrupted = True
            raise
        finally:
            self.stages.append(StageTime(stage, began, self.clock.now()))
            self.observer.ends(stage)


def checked_group(config: Config, options: Options, settings: Settings, clock: Clock) -> HostGroup:
    """Return the hosts of `config`. Raise ConfigError for invalid options."""
    check(options)
    session = options.session_of(config)
    if not is_session_name(session):  # screen would change or misread it
        raise ConfigError(f"--screen {session!r}: {SESSION_NAME_HINT}")
    if options.terminate and not any(component.wait for component in config.all_components()):
        raise ConfigError("--terminate: no component has wait = True; set it for at least one component")
    missing = [key for key in identity_files(settings) if not key.is_file()]
    if missing:
        raise ConfigError(*(f"-i/--identity: {key}: no such file; must be a private key" for key in missing))
    try:
        hosts = sorted(config.all_hosts(), key=natural_key)
        group = HostGroup(hosts, connection_settings(settings, options.ssh_pass), options, clock)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    hint = "are the same login; use one spelling in all components"
    twice = [f"{one}, {other}: {hint}" for one, other in group.spelled_twice()]
    if twice:
        raise ConfigError(*twice)
    return group


def identity_files(settings: Settings) -> list[Path]:
    """Return the key files that `-i` and `connect_kwargs.key_filename` name."""
    return key_files(settings.connect_kwargs)
