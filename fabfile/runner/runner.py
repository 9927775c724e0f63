"""`Runner`: what each command does, as a method that returns values. This is the interface for Python programs.

This module holds the commands that change something on the hosts; the others are in `Inspector`. Nothing here prints,
asks the user, or ends the program. To follow a run, pass an `Observer`.
"""

import itertools
import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from rr_config import Component, ConfigError
from rr_config.limit import limit_to
from rr_config.options import check_seconds

from ..components import screen, start
from ..components.readiness import BecameReady, NotReady
from ..components.requirements import Required, as_arguments, requirements_script
from ..components.screen import Killed, Session
from ..components.start import NotStarted, Outcome, Started
from ..components.stop import read_stopped, stop_script
from ..components.wait import Ended
from ..remote.ask import ask, conversation
from ..remote.host import Host
from ..results.provenance import JsonObject, provenance
from ..transfer.apply import LocalSources
from ..transfer.sync import SyncResult, sync
from ..util.lazy import call_once
from ..util.stages import Failure, StageError
from .fleet import Fleet, group_by_host, stage_group
from .inspector import Inspector
from .wait import Wait

if TYPE_CHECKING:  # only one command needs it, and loading it takes as long as many commands run
    from ..diagnosis.checks import Diagnosis

GRACE_SECONDS = 10.0
INSTALL_SECONDS = 3600  # a package manager may be silent for so much longer than other scripts


@attrs.define
class Runner(Inspector):
    """Runs the components of a loaded config. There is a method for each stage, and `run` for all of them.

    Every method raises StageError if any host failed, after all have finished. With `options.keep_going` or
    `options.max_failures`, it first does all that it can on the other hosts.

        with Runner(load(options), options) as runner:
            runner.run()
    """

    # By label. Many threads change them, but no two of them the same label.
    _starting: dict[str, Component] = attrs.field(init=False, factory=dict, repr=False)
    _running: dict[str, Started] = attrs.field(init=False, factory=dict, repr=False)
    _awaited: dict[str, Component] = attrs.field(init=False, factory=dict, repr=False)
    _culprits: list[Ended] = attrs.field(init=False, factory=list, repr=False)
    _origin: Callable[[], JsonObject] = attrs.field(init=False, repr=False)

    @_origin.default
    def _read_once(self) -> Callable[[], JsonObject]:
        return call_once(lambda: provenance(self.options))

    @property
    def running(self) -> list[Started]:
        """Components that this runner has started and that have not ended, as far as it knows."""
        return list(self._running.values())

    @property
    def unknown(self) -> list[Component]:
        """Components that may still run: those being started now, and those of another command that it waited for.

        It has not seen any of them end.
        """
        awaited = [component for label, component in list(self._awaited.items()) if label not in self._running]
        return [*self._starting.values(), *awaited]

    def limit_for(self, error: StageError) -> str | None:
        """Return the `limit` that repeats a command for the failed hosts only; None if none or all of them failed."""
        if not error.hosts or error.hosts >= self.config.all_hosts():
            return None
        return limit_to(error.hosts, self.config, self.options.limit is not None)

    @stage_group
    def run(self) -> dict[str, list[Ended]]:
        """Kill, screen, sync, start, wait; return how the components that were waited for ended, by host."""
        self._origin()  # read the files now: the start may be much later
        # All that any stage requires is checked before anything is ended.
        required = Required("screen openssl tar", self._required_programs())
        if self.options.kill_first:
            self._kill(required)
        self._open_sessions(required)
        self.sync()
        self._start(self.indices)
        return self.wait()

    def _required_programs(self) -> dict[str, list[str]]:
        return {host: as_arguments(own) for host, own in group_by_host(self.config.all_components()).items()}

    @stage_group
    def kill(self) -> dict[str, Killed]:
        """End the sessions named `options.screen`, and every process started in one; return the result by host."""
        return self._kill(Required())

    def _kill(self, required: Required) -> dict[str, Killed]:
        own = group_by_host(self.config.all_components())

        def work(host: Host) -> Killed:
            script = screen.kill_script(self.options.screen, required.tools, required.of(host.name))
            killed = screen.read_killed(ask(host, script))
            self._forget(own[host.name])
            return killed

        return self._fleet.on_all("kill", work)

    @stage_group
    def screen(self) -> dict[str, Session]:
        """Make sure that every host has one session; return it by host."""
        return self._open_sessions(Required())

    def _open_sessions(self, required: Required) -> dict[str, Session]:
        zombie = not self.options.no_zombie

        def work(host: Host) -> Session:
            script = screen.open_session_script(self.options.screen, zombie, required.tools, required.of(host.name))
            return screen.read_session(ask(host, script))

        return self._fleet.on_all("screen", work)

    @stage_group
    def sync(self) -> dict[str, SyncResult]:
        """Copy to every host the files that it lacks."""
        trees, sources = self._trees("sync"), LocalSources()

        def work(host: Host) -> SyncResult:
            host.connect()

            def progress(done: int, total: int) -> None:
                self.observer.progress("sync", host.name, done, total)

            options = self.options
            return sync(host, options.screen, trees()[host.name], sources, options.always_copy, progress)

        return self._fleet.on_all(
            "sync", work, lambda host, synced: [Failure(f"{host}:{p.path}", p.reason) for p in synced.problems]
        )

    @property
    def indices(self) -> list[int]:
        """The start indices of the components, ascending."""
        return sorted({component.start_index for component in self.config.all_components()})

    @stage_group
    def start(self, *, index: int | None = None) -> dict[str, list[Started]]:
        """Start all components, by ascending start index, or only those of one `index`; return them by host.

        The next index begins when all components of one run, and are ready. Before that, each host is checked for the
        programs that components need. With `options.on_exit`, all components are stopped if one fails. Raise
        ConfigError for an `index` that no component has.
        """
        if index is not None and index not in self.indices:
            listed = ", ".join(map(str, self.indices))
            raise ConfigError(f"start: no component has the start index {index}; there are {listed}")
        self._check_requirements()
        return self._start(self.indices if index is None else [index])

    def _check_requirements(self) -> None:
        scripts = {}
        for host, own in group_by_host(self.config.all_components()).items():
            script = requirements_script(own)
            if script is not None:
                scripts[host] = script
        self._fleet.on_all("needs", lambda host: ask(host, scripts[host.name]), hosts=scripts)

    def _start(self, indices: Sequence[int]) -> dict[str, list[Started]]:
        started: dict[str, list[Started]] = {}
        with_what = json.dumps(self._origin() | {"stages": [attrs.asdict(each) for each in self._fleet.stages]})
        chosen = [each for each in self.config.all_components() if each.start_index in indices]
        last = {host: max(each.start_index for each in own) for host, own in group_by_host(chosen).items()}
        try:
            for index, components in start.in_order(chosen):
                for host, results in self._start_index(index, components, last, with_what).items():
                    started.setdefault(host, []).extend(results)
        except StageError as error:
            if self.options.on_exit:
                raise self._stopped(error) from None
            raise
        return started

    def _stopped(self, error: StageError, silent: Collection[str] = ()) -> StageError:
        """Stop all components, also on hosts that failed, those on `silent` hosts last.

        Return `error`, with the failures of that.
        """
        fleet = attrs.evolve(self._fleet, most_failed=math.inf, out=set(), failures=[], depth=0)
        every = self.config.all_components()
        try:
            with fleet.stage_group():
                self._stop(fleet, [c for c in every if c.host not in silent], GRACE_SECONDS)
                self._stop(fleet, [c for c in every if c.host in silent], GRACE_SECONDS)
        except StageError as another:
            failures = [each._replace(stage=each.stage or another.stage) for each in another.failures]
            return StageError(error.stage, [*error.failures, *failures], error.hosts | another.hosts)
        return error

    def _start_index(
        self, index: int, components: Sequence[Component], last: Mapping[str, int], with_what: str
    ) -> dict[str, list[Started]]:
        wanted = group_by_host(components)
        self._starting = {component.label: component for component in components}

        def work(host: Host) -> list[Outcome]:
            own = wanted[host.name]
            script = start.start_script(self.options.screen, own, with_what, is_last=index == last[host.name])
            patience = max(component.ready.timeout if component.ready else 0 for component in own)
            with conversation(host, script, patience=patience) as talk:
                return [self._took_note(outcome) for outcome in start.read_started(own, talk.answers())]

        def failures(_: str, outcomes: list[Outcome]) -> list[Failure]:
            not_started = [Failure(o.component.label, o.reason) for o in outcomes if isinstance(o, NotStarted)]
            not_ready = [Failure(o.component.label, o.reason, o.output) for o in outcomes if isinstance(o, NotReady)]
            return not_started + not_ready

        results = self._fleet.on_all(f"start {index}", work, failures, wanted)
        return {host: [each for each in own if isinstance(each, Started)] for host, own in results.items()}

    def _took_note(self, outcome: Outcome) -> Outcome:
        self._starting.pop(outcome.component.label, None)
        if isinstance(outcome, Started):
            self._running[outcome.component.label] = outcome
            self.observer.started(outcome)
        elif isinstance(outcome, BecameReady):
            self.observer.became_ready(outcome)
        return outcome

    @stage_group
    def wait(
        self, components: Iterable[Component] | None = None, timeout: float | None = None
    ) -> dict[str, list[Ended]]:
        """Wait for `components` to end, by default those with `wait`; return how each ended, by host.

        A lost connection is opened again. Raise StageError for components that did not end with 0, or not within
        `timeout` seconds. With `options.terminate`, the other components are ended after that. With `options.on_exit`,
        all are stopped when any component fails, and all are waited for if none has `wait`.
        """
        if timeout is not None:
            check_seconds("timeout", timeout)
        every = self.config.all_components()
        chosen = [c for c in every if c.wait] if components is None else list(components)
        if self.options.on_exit and not chosen:
            chosen = every
        self._awaited, self._culprits = {component.label: component for component in chosen}, []
        others = [c for c in every if c.label not in self._awaited]
        watched, terminated = others if self.options.on_exit else [], others if self.options.terminate else []
        wait = Wait(self._fleet, self.options.screen, chosen, watched, terminated, self._has_ended)
        try:
            ends = wait.ends(timeout)
            if self._culprits:  # among those that nobody waits for
                raise StageError("wait", self._fleet.failures, self._fleet.out)
        except StageError as error:
            raise self._told_culprits(error, wait.silent) from None
        finally:
            self._forget(c for c in terminated if c.host in wait.has_terminated)
        return ends

    def _told_culprits(self, error: StageError, silent: Collection[str]) -> StageError:
        """Return `error`. If components caused it (culprits), stop all, and add them."""
        if not self._culprits:
            return error
        culprits = {each.component.label: f"{each}; all were stopped" for each in self._culprits}
        others = [each for each in error.failures if each.where not in culprits]
        failures = [*others, *sorted(itertools.starmap(Failure, culprits.items()))]
        return self._stopped(StageError("wait", failures, error.hosts), {*silent, *error.hosts})

    def _has_ended(self, ended: Ended) -> bool:
        """Record that a component ended; return whether to go on waiting."""
        self._forget([ended.component])
        self.observer.ended(ended)
        if self.options.on_exit and ended.was_started and not ended.is_success:
            self._culprits.append(ended)
        return not self._culprits

    def _forget(self, components: Iterable[Component]) -> None:
        for component in components:
            for known in (self._starting, self._running, self._awaited):
                known.pop(component.label, None)

    @stage_group
    def stop(self, *, grace: float = GRACE_SECONDS) -> dict[str, list[Ended]]:
        """Stop the components, the last start index first; return how each ended, by host. Session and windows stay.

        Each program and all that it has started get its `stop_signal`, and KILL after `grace` seconds. `was_started` is
        False for a component that did not run.
        """
        check_seconds("grace", grace)
        return self._stop(self._fleet, self.config.all_components(), grace)

    def _stop(self, fleet: Fleet, chosen: Iterable[Component], grace: float) -> dict[str, list[Ended]]:
        stopped: dict[str, list[Ended]] = {}
        for index, components in reversed(start.in_order(chosen)):
            wanted = group_by_host(components)

            def work(host: Host, wanted: dict[str, list[Component]] = wanted) -> list[Ended]:
                own = wanted[host.name]
                stopped = read_stopped(own, ask(host, stop_script(self.options.screen, own, grace), grace))
                self._forget(own)
                return stopped

            for host, ended in fleet.on_all(f"stop {index}", work, hosts=wanted).items():
                stopped.setdefault(host, []).extend(ended)
        return stopped

    @stage_group
    def restart(self, *, grace: float = GRACE_SECONDS) -> dict[str, list[Started]]:
        """Stop and start the components. They get new windows in place of the old ones."""
        check_seconds("grace", grace)
        self._check_requirements()
        self.stop(grace=grace)
        return self._start(self.indices)

    @stage_group
    def install(self, diagnoses: "Iterable[Diagnosis]") -> dict[str, tuple[str, ...]]:
        """Install what hosts lack, with their package manager; return the packages by host."""
        from ..diagnosis.packages import install_script

        lacking = {
            each.host: (each.manager, each.missing) for each in diagnoses if each.manager and each.install_command
        }

        def work(host: Host) -> tuple[str, ...]:
            manager, packages = lacking[host.name]
            ask(host, install_script(manager, packages), INSTALL_SECONDS)
            return packages

        return self._fleet.on_all("install", work, hosts=lacking)
