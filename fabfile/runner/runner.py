"""`Runner`: what each command does, as a method that returns values. This is the interface for Python programs.

This module holds the commands that send files and start components. `WaitCommands` has `wait`, `CleanCommands` has
`clean`, `SessionCommands` has those for sessions and those that stop components, `ResultCommands` has `collect` and
`report`, and `Inspector` those that change nothing. Nothing here prints, asks the user, or ends the program. To follow
a run, pass an `Observer`.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import attrs

from rr_config import Component, Config, ConfigError
from rr_config.command_line.options import GRACE_SECONDS, check_seconds
from rr_config.config import by_host
from rr_config.files.trees import rules_of
from rr_config.hosts.limit import limit_to_components
from rr_config.hosts.natural_order import in_natural_order, natural_key

from ..components.readiness import BecameReady, NotReady
from ..components.start import NotStarted, Outcome, Started, in_order, read_started, start_script
from ..components.status import State, Status, in_states
from ..components.wait import Ended
from ..remote.ask import ask, conversation
from ..remote.host import Host
from ..results.provenance import JsonObject, provenance
from ..transfer.apply import LocalSources
from ..transfer.relay.relay import Relay, taking_part
from ..transfer.sync import SyncResult, Wishes, sync
from ..transfer.tree import ByRoot
from ..util.lazy import call_once
from ..util.limits import INSTALL_SECONDS
from ..util.stages import Failure, StageError, StageTime
from .clean import CleanCommands
from .follow import following
from .inspector import stage_group
from .repeat import Repeat, repeat_of
from .waiting.tracker import ComponentResult

if TYPE_CHECKING:  # only one command needs it, and loading it takes as long as many commands run
    from ..diagnosis.checks import Diagnosis


@attrs.define
class Runner(CleanCommands):
    """Runs the components of a loaded config. There is a method for each stage, and `run` for all of them.

    A method that changes something first connects to all hosts (not `install`, and `wait` only with
    `options.terminate`). If a host is not ready, or its session belongs to another owner, the method raises StageError
    and has changed nothing. If a host fails later, it raises StageError after all have finished. With
    `options.keep_going` or `options.max_failures`, it leaves such hosts out, and raises StageError at its end.

        >>> from rr_config import Config
        >>> config = Config([Component(name="job", executable="./job", host="localhost", start_index=3)])
        >>> with Runner(config) as runner:  # `runner.run()` would run all stages
        ...     runner.session, runner.indices
        ('runner', [3])
    """

    _origin: Callable[[], JsonObject] = attrs.field(init=False, repr=False)
    _before_select: tuple[Config, bool] | None = attrs.field(init=False, default=None)  # the config; was it limited?

    @_origin.default
    def _read_once(self) -> Callable[[], JsonObject]:
        return call_once(lambda: provenance(self.options, self.config.parameters))

    @property
    def running(self) -> list[Started]:
        """Components that this runner has started and that have not ended, as far as it knows."""
        return [each for _, each in sorted(self._tracker.running.items(), key=lambda item: natural_key(item[0]))]

    @property
    def unknown(self) -> list[Component]:
        """Components that may still run: those being started now, and those of another command that it waited for."""
        return in_natural_order(self._tracker.unknown)

    @property
    def indices(self) -> list[int]:
        """The start indices of the components, ascending."""
        return sorted({component.start_index for component in self.config.all_components()})

    def results(self) -> list[ComponentResult]:
        """Return the result of each component, as far as this runner knows it."""
        return self._tracker.results(in_natural_order(self.config.all_components()), self._fleet.silent)

    def select(self, states: Collection[State]) -> list[Status]:
        """Ask all hosts, and drop the components that are not in one of `states` now; return the status of all.

        Components whose state is unknown remain: their hosts fail again, and the next method reports them.
        """
        found = self.status()
        self._tracker.seen = {each.component.label: each.state for each in found}
        chosen = {each.component.label for each in in_states(found, states)}
        every = self.config.all_components()
        remaining = [each for each in every if each.label in chosen]
        if remaining and len(remaining) < len(every):  # commands that continue name these components
            self._before_select = self._before_select or (self.config, self.options.limit is not None)
            self.options = attrs.evolve(self.options, limit=self.limit_to(remaining))
        self.config = self.config.with_components(remaining)
        self._fleet.group.keep(self.config.all_hosts())
        return found

    @property
    def stages(self) -> list[StageTime]:
        """The stages that have begun and ended, also with an error, in this order."""
        return list(self._fleet.stages)

    def has_later_stages(self, command: str, error: StageError) -> bool:
        """Return whether `command` would have gone on after the stage that failed."""
        return command in ("run", "start", "restart") and error.stage != f"start {self.indices[-1]}"

    def repeat_for(self, command: str, error: StageError) -> Repeat | None:
        """Return the command that brings the hosts to the state that `command` wanted before `error`.

        None if that command would fail again.
        """
        failed = [failure.where for failure in error.failures]
        components = self.config.all_components()
        if command == "wait":  # it has not started the others, and does not know how they are
            unwell = [each for each in components if each.label in self._tracker.down]
        else:
            unwell = self._tracker.unwell(components, failed)
        return repeat_of(command, error, self.config, unwell, self.limit_to)

    def limit_to(self, components: Sequence[Component]) -> str:
        """Return the value of --limit that selects these components, in the shortest form."""
        config, was_limited = self._before_select or (self.config, self.options.limit is not None)
        return limit_to_components(components, config, was_limited)

    @stage_group
    def run(self, *, follow: bool = False, time_limit: float | None = None) -> dict[str, list[Ended]]:
        """Connect, kill, screen, sync, start and wait; return how the components with `wait` ended, by host.

        With `follow`, pass each line that components write to `observer.output`, and wait for all if none has `wait`.
        Raise StageError if a stage fails, or if another component has failed meanwhile. Raise TimeLimitExceeded after
        `time_limit` seconds. Then close this runner, and use another one to stop the components.
        """
        if time_limit is not None:
            check_seconds("time-limit", time_limit, least=1)
            self._fleet.deadline = self.clock.monotonic() + time_limit
        self._origin()  # read the files now: the start may be much later
        self._connect(self._fleet, "screen openssl tar", with_requirements=True, trees=self._trees_to_check())
        if self.options.kill_first:
            self._renew_sessions()
        else:
            self._open_sessions()
        self._sync()
        if not follow:
            return self._start_and_wait(None)
        every = self.config.all_components()
        with following(self._made_fleet(), self.session, every):
            return self._start_and_wait(None if any(component.wait for component in every) else every)

    def _start_and_wait(self, awaited: Sequence[Component] | None) -> dict[str, list[Ended]]:
        """Start all, and wait for `awaited`, by default for the components with `wait`."""
        self._start(self.indices)
        every = self.config.all_components()
        if awaited or self.options.on_exit or any(component.wait for component in every):
            return self._wait(awaited, None)
        self._check_ends(every)
        return {}

    @stage_group
    def sync(self) -> dict[str, SyncResult]:
        """Copy missing and changed files to every host; return the result by host.

        Raise StageError with a failure for each file that could not be copied.
        """
        self._connect(self._fleet, "openssl tar", trees=self._trees_to_check())
        return self._sync()

    def _trees_to_check(self) -> Callable[[], Mapping[str, ByRoot]]:
        """Return a function that returns the files for each host, or no host if a sync may remove anything."""
        targets = [remote for component in self.config.all_components() for remote in component.files.values()]
        removes = any(rules.delete for rules in map(rules_of, targets) if rules)
        return self._trees("connect") if removes and not self.options.delete else dict

    def _sync(self) -> dict[str, SyncResult]:
        trees, sources = self._trees("sync"), LocalSources()
        relay = Relay(self._fleet.group.hosts.keys() - self._fleet.out, self.clock) if self.options.relay else None
        wishes = Wishes(self.options.always_copy, self.options.delete, relay)

        def work(host: Host) -> SyncResult:
            with taking_part(relay, host.name):
                host.connect()
                progress = partial(self.observer.progress, "sync", host.name)
                return sync(host, self.session, trees()[host.name], sources, wishes, progress, self._ownership())

        def failures(host: str, result: SyncResult) -> list[Failure]:
            return [Failure(f"{host}:{each.path}", each.reason) for each in result.problems]

        at_once = len(self._fleet.group.hosts) if relay else 0  # hosts of a relay wait for each other
        return self._fleet.on_all("sync", work, failures, parallel=at_once)

    @stage_group
    def start(self, *, index: int | None = None) -> dict[str, list[Started]]:
        """Start all components, by ascending start index, or only those of one `index`; return them by host.

        The next index begins when all components of one run, and are ready. With `options.on_exit`, all components are
        stopped if one fails. Raise ConfigError for an `index` that no component has. Raise StageError if a component
        cannot be started, is not ready within its timeout, or has failed when the last index has started.
        """
        if index is not None and index not in self.indices:
            listed = ", ".join(map(str, self.indices))
            raise ConfigError(f"start: unknown start index {index}; must be one of {listed}")
        self._connect(self._fleet, "screen", with_requirements=True, in_session=True)
        return self._start_and_check(self.indices if index is None else [index])

    def _start_and_check(self, indices: Sequence[int]) -> dict[str, list[Started]]:
        """Start the components of `indices`. Raise StageError also for those that have failed in the meantime."""
        started = self._start(indices)
        try:
            self._check_ends([each for each in self.config.all_components() if each.start_index in indices])
        except StageError as error:
            if self.options.on_exit:
                raise self._stopped(error) from None
            raise
        return started

    def _start(self, indices: Sequence[int]) -> dict[str, list[Started]]:
        started: dict[str, list[Started]] = {}
        with_what = json.dumps(self._origin() | {"stages": [attrs.asdict(each) for each in self.stages]})
        chosen = [each for each in self.config.all_components() if each.start_index in indices]
        last: dict[str, int] = {}
        for component in chosen:
            last[component.host] = max(component.start_index, last.get(component.host, component.start_index))
        try:
            for index, components in in_order(chosen):
                for host, results in self._start_index(index, components, last, with_what).items():
                    started.setdefault(host, []).extend(results)
        except StageError as error:
            if self.options.on_exit:
                raise self._stopped(error) from None
            raise
        return started

    def _start_index(
        self, index: int, components: Sequence[Component], last: Mapping[str, int], with_what: str
    ) -> dict[str, list[Started]]:
        wanted = by_host(components)
        in_order = in_natural_order(components)
        patience = max((each.ready.timeout for each in in_order if each.ready), default=None)
        names = [each.label for each in in_order if each.ready] or [each.label for each in in_order]
        self.observer.awaits(f"start {index}", names, patience)
        self._tracker.starting = {component.label: component for component in components}

        def work(host: Host) -> list[Outcome]:
            own, is_last = wanted[host.name], index == last[host.name]
            script = start_script(self.session, own, with_what, is_last, self.options.sample, self._ownership())
            patience = max(component.ready.timeout if component.ready else 0 for component in own)
            with conversation(host, script, patience=patience) as talk:
                return list(map(self._record, read_started(own, talk.answers())))

        def failures(_: str, outcomes: list[Outcome]) -> list[Failure]:
            found = []
            for outcome in outcomes:
                if isinstance(outcome, NotStarted | NotReady):
                    keeps_running = isinstance(outcome, NotReady) and outcome.is_running and not self.options.on_exit
                    reason = outcome.reason + ("; the program keeps running" if keeps_running else "")
                    found.append(Failure(outcome.component.label, reason, outcome.output))
            return found

        started = {}
        for host, outcomes in self._fleet.on_all(f"start {index}", work, failures, wanted).items():
            started[host] = [each for each in outcomes if isinstance(each, Started)]
        return started

    def _record(self, outcome: Outcome) -> Outcome:
        self._tracker.record_start(outcome)
        if isinstance(outcome, Started):
            self.observer.started(outcome)
        elif isinstance(outcome, BecameReady):
            self.observer.became_ready(outcome)
        return outcome

    @stage_group
    def restart(self, *, grace: float = GRACE_SECONDS) -> dict[str, list[Started]]:
        """Stop the components as `stop` does, then start them in new windows as `start` does; return them by host."""
        check_seconds("grace", grace)
        self._connect(self._fleet, "screen", with_requirements=True, in_session=True)
        self._stop(self._fleet, self.config.all_components(), grace)
        return self._start_and_check(self.indices)

    @stage_group
    def install(self, diagnoses: "Iterable[Diagnosis]") -> dict[str, tuple[str, ...]]:
        """Install the missing packages in `diagnoses` by `doctor`; return them by host. Raise StageError."""
        from ..diagnosis.packages import install_script

        lacking = {d.host: (d.manager, d.missing) for d in diagnoses if d.manager and d.install_command}

        def work(host: Host) -> tuple[str, ...]:
            manager, packages = lacking[host.name]
            ask(host, install_script(manager, packages), INSTALL_SECONDS)
            return packages

        return self._fleet.on_all("install", work, hosts=lacking)
