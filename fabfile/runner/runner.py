"""`Runner`: what each command does, as a method that returns values. This is the interface for Python programs.

This module holds the commands that start components and wait for them. `SessionCommands` has those for sessions and
those that stop components, and `Inspector` those that change nothing. Nothing here prints, asks the user, or ends the
program. To follow a run, pass an `Observer`.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from rr_config import Component, ConfigError
from rr_config.options import GRACE_SECONDS, check_seconds

from ..components import start
from ..components.readiness import BecameReady, NotReady
from ..components.start import NotStarted, Outcome, Started
from ..components.wait import Ended, read_ended, wait_script
from ..remote.ask import ask, conversation
from ..remote.host import Host
from ..remote.script import DONE
from ..results.provenance import JsonObject, provenance
from ..transfer.apply import LocalSources
from ..transfer.sync import SyncResult, sync
from ..util.lazy import call_once
from ..util.limits import INSTALL_SECONDS
from ..util.stages import Failure, StageError
from .fleet import group_by_host, stage_group
from .repeat import Repeat, repeat_of
from .sessions import SessionCommands
from .wait import Wait

if TYPE_CHECKING:  # only one command needs it, and loading it takes as long as many commands run
    from ..diagnosis.checks import Diagnosis


@attrs.define
class Runner(SessionCommands):
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

    _culprits: list[Ended] = attrs.field(init=False, factory=list, repr=False)
    _crashed: list[Ended] = attrs.field(init=False, factory=list, repr=False)
    _origin: Callable[[], JsonObject] = attrs.field(init=False, repr=False)

    @_origin.default
    def _read_once(self) -> Callable[[], JsonObject]:
        return call_once(lambda: provenance(self.options, self.config.parameters))

    @property
    def running(self) -> list[Started]:
        """Components that this runner has started and that have not ended, as far as it knows."""
        return list(self._tracker.running.values())

    @property
    def unknown(self) -> list[Component]:
        """Components that may still run: those being started now, and those of another command that it waited for."""
        return self._tracker.unknown

    @property
    def indices(self) -> list[int]:
        """The start indices of the components, ascending."""
        return sorted({component.start_index for component in self.config.all_components()})

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
        return repeat_of(command, error, self.config, unwell, self.options.limit is not None)

    @stage_group
    def run(self) -> dict[str, list[Ended]]:
        """Connect, kill, screen, sync, start and wait; return how the components with `wait` ended, by host.

        Raise StageError if a stage fails, or if another component has failed meanwhile.
        """
        self._origin()  # read the files now: the start may be much later
        self._connect(self._fleet, "screen openssl tar", with_requirements=True)
        if self.options.kill_first:
            self._renew_sessions()
        else:
            self._open_sessions()
        self._sync()
        self._start(self.indices)
        if any(component.wait for component in self.config.all_components()) or self.options.on_exit:
            return self._wait(None, None)
        self._check_ends()
        return {}

    @stage_group
    def sync(self) -> dict[str, SyncResult]:
        """Copy missing and changed files to every host; return the result by host.

        Raise StageError with a failure for each file that could not be copied.
        """
        self._connect(self._fleet, "openssl tar")
        return self._sync()

    def _sync(self) -> dict[str, SyncResult]:
        trees, sources = self._trees("sync"), LocalSources()

        def work(host: Host) -> SyncResult:
            host.connect()

            def progress(done: int, total: int) -> None:
                self.observer.progress("sync", host.name, done, total)

            own, always_copy = trees()[host.name], self.options.always_copy
            return sync(host, self.session, own, sources, always_copy, progress, self._ownership())

        return self._fleet.on_all(
            "sync", work, lambda host, result: [Failure(f"{host}:{p.path}", p.reason) for p in result.problems]
        )

    @stage_group
    def start(self, *, index: int | None = None) -> dict[str, list[Started]]:
        """Start all components, by ascending start index, or only those of one `index`; return them by host.

        The next index begins when all components of one run, and are ready. With `options.on_exit`, all components are
        stopped if one fails. Raise ConfigError for an `index` that no component has. Raise StageError if a component
        cannot be started, or is not ready within its timeout.
        """
        if index is not None and index not in self.indices:
            listed = ", ".join(map(str, self.indices))
            raise ConfigError(f"start: unknown start index {index}; must be one of {listed}")
        self._connect(self._fleet, "screen", with_requirements=True)
        return self._start(self.indices if index is None else [index])

    def _start(self, indices: Sequence[int]) -> dict[str, list[Started]]:
        started: dict[str, list[Started]] = {}
        with_what = json.dumps(self._origin() | {"stages": [attrs.asdict(each) for each in self._fleet.stages]})
        chosen = [each for each in self.config.all_components() if each.start_index in indices]
        order = start.in_order(chosen)
        last: dict[str, int] = {}
        for index, components in order:
            last.update((component.host, index) for component in components)
        try:
            for index, components in order:
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
        wanted = group_by_host(components)
        self._tracker.starting = {component.label: component for component in components}

        def work(host: Host) -> list[Outcome]:
            own, is_last = wanted[host.name], index == last[host.name]
            script = start.start_script(self.session, own, with_what, is_last, self._ownership())
            patience = max(component.ready.timeout if component.ready else 0 for component in own)
            with conversation(host, script, patience=patience) as talk:
                return [self._record(outcome) for outcome in start.read_started(own, talk.answers())]

        def failures(_: str, outcomes: list[Outcome]) -> list[Failure]:
            found = []
            for outcome in outcomes:
                if isinstance(outcome, NotStarted):
                    found.append(Failure(outcome.component.label, outcome.reason))
                elif isinstance(outcome, NotReady):
                    keeps_running = outcome.is_running and not self.options.on_exit
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

    def _check_ends(self) -> None:
        """Look once at all components. Raise StageError for those that have failed since their start."""
        own = group_by_host(self.config.all_components())

        def work(host: Host) -> list[Ended]:
            answers = iter(ask(host, wait_script(self.session, own[host.name], once=True)))
            ended = list(read_ended(own[host.name], lambda: next(answers, DONE)))
            for each in ended:
                self._tracker.record_end(each)
            return ended

        def failures(_: str, ended: list[Ended]) -> list[Failure]:
            return [Failure(each.component.label, str(each)) for each in ended if each.is_failure]

        self._fleet.on_all("check", work, failures)

    @stage_group
    def wait(
        self, components: Iterable[Component] | None = None, timeout: float | None = None
    ) -> dict[str, list[Ended]]:
        """Wait for `components` to end, by default those with `wait`; return how each ended, by host.

        A lost connection is opened again. Raise StageError for components that did not end with 0, or not within
        `timeout` seconds, and for others that have failed meanwhile. With `options.terminate`, the other components are
        ended after that, unless the session belongs to another owner. With `options.on_exit`, all are stopped when any
        component fails, and all are waited for if none has `wait`.
        """
        if timeout is not None:
            check_seconds("timeout", timeout)
        if self.options.terminate:
            self._connect(self._fleet, "screen")
        return self._wait(components, timeout)

    def _wait(self, components: Iterable[Component] | None, timeout: float | None) -> dict[str, list[Ended]]:
        every = self.config.all_components()
        chosen = [c for c in every if c.wait] if components is None else list(components)
        if self.options.on_exit and not chosen:
            chosen = every
        self._tracker.awaited = {component.label: component for component in chosen}
        self._culprits, self._crashed = [], []
        others = [c for c in every if c.label not in self._tracker.awaited]
        terminated = others if self.options.terminate else []
        wait = Wait(self._fleet, self.session, chosen, others, terminated, self._has_ended)
        try:
            ends = wait.ends(timeout)
            if self._culprits or self._crashed:  # among those that nobody waits for
                raise StageError("wait", self._fleet.failures, self._fleet.out, final=self._fleet.final)
        except StageError as error:
            raise self._with_crashed(error, wait.silent) from None
        finally:
            self._tracker.forget(c for c in terminated if c.host in wait.terminated_hosts)
        return ends

    def _with_crashed(self, error: StageError, silent: Collection[str]) -> StageError:
        """Return `error` with components that crashed while nobody waited for them.

        If components are the reason to stop all (culprits), do that.
        """
        words = "; all were stopped" if self._culprits else ""
        crashed = {}
        for ended in (*self._crashed, *self._culprits):
            label = ended.component.label
            crashed[label] = Failure(label, f"{ended}{words}")
        others = [each for each in error.failures if each.where not in crashed]
        told = StageError("wait", [*others, *sorted(crashed.values())], error.hosts, final=error.final)
        return self._stopped(told, {*silent, *error.hosts}) if self._culprits else told

    def _has_ended(self, ended: Ended) -> bool:
        """Record that a component ended; return whether to go on waiting."""
        is_awaited = ended.component.label in self._tracker.awaited
        self._tracker.record_end(ended)
        is_culprit = self.options.on_exit is not None and ended.was_started and not ended.is_success
        if is_awaited or is_culprit or ended.is_failure:
            self.observer.ended(ended)
        if is_culprit:
            self._culprits.append(ended)
        elif ended.is_failure and not is_awaited:
            self._crashed.append(ended)
        return not self._culprits

    @stage_group
    def restart(self, *, grace: float = GRACE_SECONDS) -> dict[str, list[Started]]:
        """Stop the components as `stop` does, then start them in new windows; return the started ones by host."""
        check_seconds("grace", grace)
        self._connect(self._fleet, "screen", with_requirements=True)
        self._stop(self._fleet, self.config.all_components(), grace)
        return self._start(self.indices)

    @stage_group
    def install(self, diagnoses: "Iterable[Diagnosis]") -> dict[str, tuple[str, ...]]:
        """Install the missing packages in `diagnoses` by `doctor`; return them by host. Raise StageError."""
        from ..diagnosis.packages import install_script

        lacking = {
            each.host: (each.manager, each.missing) for each in diagnoses if each.manager and each.install_command
        }

        def work(host: Host) -> tuple[str, ...]:
            manager, packages = lacking[host.name]
            ask(host, install_script(manager, packages), INSTALL_SECONDS)
            return packages

        return self._fleet.on_all("install", work, hosts=lacking)
