"""`Runner`: what each command does, from top to bottom, as values. The interface for Python programs.

Here are those that change something on the hosts; the others it has from `Inspector`.

Nothing here prints, asks the user, or ends the program; who wants to follow a run passes an `Observer`.
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
from ..results.provenance import Record, origin
from ..transfer.apply import LocalSources
from ..transfer.sync import SyncResult, sync
from ..util.lazy import call_once
from ..util.stages import Failure, StageError
from .fleet import Fleet, group_by_host, whole
from .inspector import Inspector
from .wait import Wait

if TYPE_CHECKING:  # what only one command needs is loaded by that one: it takes as long as many a command
    from ..diagnosis.checks import Diagnosis

GRACE_SECONDS = 10.0
INSTALL_SECONDS = 3600  # for which a package manager may say nothing, more than others


@attrs.define
class Runner(Inspector):
    """Runs the components of a loaded config. A method for each stage; `run` is all of them.

    Every method raises StageError if any host failed, when all are through; with `options.keep_going` or
    `options.max_failures`, when all that belongs together is done on the hosts that are well.
    """

    # By label: changed from many threads, of which none has the label of another.
    _starting: dict[str, Component] = attrs.field(init=False, factory=dict, repr=False)
    _running: dict[str, Started] = attrs.field(init=False, factory=dict, repr=False)
    _awaited: dict[str, Component] = attrs.field(init=False, factory=dict, repr=False)
    _culprits: list[Ended] = attrs.field(init=False, factory=list, repr=False)
    _origin: Callable[[], Record] = attrs.field(init=False, repr=False)

    @_origin.default
    def _read_once(self) -> Callable[[], Record]:
        return call_once(lambda: origin(self.options))

    @property
    def running(self) -> list[Started]:
        """What has been started and, as far as is known, has not ended."""
        return list(self._running.values())

    @property
    def unknown(self) -> list[Component]:
        """What may run: what is being started, or has been waited for, started by another, and not been seen to end."""
        awaited = [component for label, component in list(self._awaited.items()) if label not in self._running]
        return [*self._starting.values(), *awaited]

    def limit_for(self, error: StageError) -> str | None:
        """The `limit` that does the same again for the hosts that failed alone; None where none or all of them did."""
        if not error.hosts or error.hosts >= self.config.all_hosts():
            return None
        return limit_to(error.hosts, self.config, self.options.limit is not None)

    @whole
    def run(self) -> dict[str, list[Ended]]:
        """Kill, screen, sync, start, wait; return how the components that were waited for ended, by host."""
        self._origin()  # as the files are now: it may be long before anything is started
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

    @whole
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

    @whole
    def screen(self) -> dict[str, Session]:
        """Make sure that every host has one session; return it by host."""
        return self._open_sessions(Required())

    def _open_sessions(self, required: Required) -> dict[str, Session]:
        zombie = not self.options.no_zombie

        def work(host: Host) -> Session:
            script = screen.open_session_script(self.options.screen, zombie, required.tools, required.of(host.name))
            return screen.read_session(ask(host, script))

        return self._fleet.on_all("screen", work)

    @whole
    def sync(self) -> dict[str, SyncResult]:
        """Bring to every host the files that it lacks."""
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

    @whole
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
        """Stop all, also on hosts that are out, the `silent` ones last; the `error`, with what fails of that."""
        fleet = attrs.evolve(self._fleet, most_failed=math.inf, out=set(), failures=[], depth=0)
        every = self.config.all_components()
        try:
            with fleet.whole():
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

    @whole
    def wait(
        self, components: Iterable[Component] | None = None, timeout: float | None = None
    ) -> dict[str, list[Ended]]:
        """Wait for `components` to end, those with `wait` if none are named; how each did, by host.

        A connection that is lost meanwhile is taken up again. StageError names what has not ended with 0, or not
        within `timeout` seconds. With `options.terminate`, the others are ended when all have. With
        `options.on_exit`, all are stopped when any component fails, and all are waited for if none has `wait`.
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
            if self._culprits:  # none of those that are waited for
                raise StageError("wait", self._fleet.failures, self._fleet.out)
        except StageError as error:
            raise self._told_culprits(error, wait.silent) from None
        finally:
            self._forget(c for c in terminated if c.host in wait.has_terminated)
        return ends

    def _told_culprits(self, error: StageError, silent: Collection[str]) -> StageError:
        """The `error`; where components are the culprits, with them, once all are stopped."""
        if not self._culprits:
            return error
        culprits = {each.component.label: f"{each}; all were stopped" for each in self._culprits}
        others = [each for each in error.failures if each.where not in culprits]
        failures = [*others, *sorted(itertools.starmap(Failure, culprits.items()))]
        return self._stopped(StageError("wait", failures, error.hosts), {*silent, *error.hosts})

    def _has_ended(self, ended: Ended) -> bool:
        """Take note of it; whether to go on waiting."""
        self._forget([ended.component])
        self.observer.ended(ended)
        if self.options.on_exit and ended.was_started and not ended.is_success:
            self._culprits.append(ended)
        return not self._culprits

    def _forget(self, components: Iterable[Component]) -> None:
        for component in components:
            for known in (self._starting, self._running, self._awaited):
                known.pop(component.label, None)

    @whole
    def stop(self, *, grace: float = GRACE_SECONDS) -> dict[str, list[Ended]]:
        """End the components, the last start index first; how each has ended, by host. Session and windows stay.

        Each gets its `stop_signal`, as does what it has started; what has not ended after `grace` seconds gets KILL.
        Not `was_started` where it did not run.
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

    @whole
    def restart(self, *, grace: float = GRACE_SECONDS) -> dict[str, list[Started]]:
        """Stop and start the components, which get new windows in place of the old ones."""
        check_seconds("grace", grace)
        self._check_requirements()
        self.stop(grace=grace)
        return self._start(self.indices)

    @whole
    def install(self, diagnoses: "Iterable[Diagnosis]") -> dict[str, tuple[str, ...]]:
        """Install what hosts lack, where their package manager can; which packages, by host."""
        from ..diagnosis.packages import install_script

        lacking = {
            each.host: (each.manager, each.missing) for each in diagnoses if each.manager and each.install_command
        }

        def work(host: Host) -> tuple[str, ...]:
            manager, packages = lacking[host.name]
            ask(host, install_script(manager, packages), INSTALL_SECONDS)
            return packages

        return self._fleet.on_all("install", work, hosts=lacking)
