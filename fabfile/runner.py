"""`Runner`: what each command does, from top to bottom, as values. The interface for Python programs.

Nothing here prints, asks the user, or ends the program; who wants to follow a run passes an `Observer`.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from fabric import Config as Settings

from rr_config import Component, Config, ConfigError, Options
from rr_config.files import placed_once

from . import attaching, following, launcher, sessions
from .collecting import Collected, HostResults, bring, latest, new_folder
from .conversation import HostError
from .delivery import Sources
from .fleet import ONE_MACHINE, Fleet, by_host
from .hosts import Host, ask, conversation
from .launcher import NotStarted, Outcome, Started
from .manifest import Tree, Trees
from .observer import Failure, Observer, StageError
from .once import once
from .output import Selection
from .planning import Plan, Present, plan, present_script, read_present
from .preflight import checked_group
from .readiness import BecameReady, NotReady
from .sessions import Killed, Session
from .statuses import State, Status, read_status, status_script
from .transfer import Synced, ToSync, preview, sync
from .waiting import Ended, read_stopped, stop_script

if TYPE_CHECKING:  # what only one command needs is loaded by that one: it takes as long as many a command
    from .diagnosis import Diagnosis

GRACE_SECONDS = 10.0


@attrs.define
class Runner:
    """Runs the components of a loaded config. A method for each stage; `run` is all of them.

    Making one checks the options (ConfigError) and touches no host. Every method works on all hosts at
    once, lets all of them finish, and raises StageError if any failed. `close` lets go of the connections; a
    `with` statement does too.
    """

    config: Config
    options: Options = attrs.field(factory=Options)
    settings: Settings = attrs.field(factory=Settings, repr=False)
    observer: Observer = attrs.field(factory=Observer, on_setattr=attrs.setters.frozen)
    _fleet: Fleet = attrs.field(init=False, repr=False)
    _starting: list[Component] = attrs.field(init=False, factory=list, repr=False)
    _awaited: list[Component] = attrs.field(init=False, factory=list, repr=False)
    _started: list[Started] = attrs.field(init=False, factory=list, repr=False)
    _culprit: Ended | None = attrs.field(init=False, default=None, repr=False)
    _ended: set[str] = attrs.field(init=False, factory=set, repr=False)

    def __attrs_post_init__(self) -> None:
        group = checked_group(self.config, self.options, self.settings)
        self._fleet = Fleet(group, self.options.parallel, self.observer)

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def running(self) -> list[Started]:
        """What has been started and, as far as is known, has not ended."""
        return [started for started in self._started if started.component.label not in self._ended]

    @property
    def unknown(self) -> list[Component]:
        """What may run: what is being started, or has been waited for, started by another, and not been seen to end."""
        started = {each.component.label for each in self._started}
        awaited = [c for c in self._awaited if c.label not in started | self._ended]
        return [*self._starting, *awaited]

    def close(self) -> None:
        """Let go of all connections. What was started goes on."""
        self._fleet.group.close()

    def run(self) -> dict[str, list[Ended]]:
        """Kill, screen, sync, start, wait; how the components that were waited for ended, by host."""
        needed = ("screen", "openssl", "tar")  # all at once, before anything has been ended
        if self.options.kill_first:
            self.kill(needed)
        self.screen(needed)
        self.sync()
        self.start()
        return self.wait()

    def kill(self, programs: Iterable[str] = ("screen",)) -> dict[str, Killed]:
        """End the sessions named `options.screen`, and every process started in one, by host."""
        script = sessions.kill_script(self.options.screen, programs)
        return self._fleet.on_all("kill", lambda host: sessions.read_killed(ask(host, script)))

    def screen(self, programs: Iterable[str] = ("screen",)) -> dict[str, Session]:
        """Make sure that every host has one session, and say which."""
        script = sessions.screen_script(self.options.screen, not self.options.no_zombie, programs)
        return self._fleet.on_all("screen", lambda host: sessions.read_session(ask(host, script)))

    def sync(self) -> dict[str, Synced]:
        """Bring to every host the files that it lacks."""
        trees, sources = self._trees("sync"), Sources()

        def work(host: Host) -> Synced:
            host.open()

            def progress(done: int, total: int) -> None:
                self.observer.progress("sync", host.name, done, total)

            options = self.options
            return sync(host, options.screen, trees()[host.name], sources, options.always_copy, progress)

        return self._fleet.on_all(
            "sync", work, lambda host, synced: [Failure(f"{host}:{p.path}", p.reason) for p in synced.problems]
        )

    def _trees(self, stage: str) -> Callable[[], dict[str, dict[str, Tree]]]:
        """What is to be on each host, by root; for `stage`. Local files are looked at when that is first asked for."""

        def find() -> dict[str, dict[str, Tree]]:
            trees = Trees(placed_once())
            try:
                return {host: trees.of(own) for host, own in by_host(self.config.all_components()).items()}
            except ConfigError as error:  # a local file was there when the config was loaded
                raise StageError(stage, [Failure("localhost", problem) for problem in error.problems]) from error

        return once(find)

    def start(self) -> dict[str, list[Started]]:
        """Start all components, by ascending start index; the next index only when all of one run, and are ready.

        With `options.on_exit`, all are stopped where one fails.
        """
        started: dict[str, list[Started]] = {}
        try:
            for index, components in launcher.in_order(self.config.all_components()):
                for host, results in self._start_index(index, components).items():
                    started.setdefault(host, []).extend(results)
        except StageError:
            if self.options.on_exit:
                self.stop()
            raise
        return started

    def _start_index(self, index: int, components: Sequence[Component]) -> dict[str, list[Started]]:
        wanted = by_host(components)
        self._starting = list(components)

        def work(host: Host) -> list[Outcome]:
            own = wanted[host.name]
            with conversation(host, launcher.start_script(self.options.screen, own)) as talk:
                return [self._took_note(outcome) for outcome in launcher.read_started(own, talk.answers())]

        def failures(_: str, outcomes: list[Outcome]) -> list[Failure]:
            not_started = [Failure(o.component.label, o.reason) for o in outcomes if isinstance(o, NotStarted)]
            not_ready = [Failure(o.component.label, o.reason, o.output) for o in outcomes if isinstance(o, NotReady)]
            return not_started + not_ready

        results = self._fleet.on_all(f"start {index}", work, failures, wanted)
        return {host: [each for each in own if isinstance(each, Started)] for host, own in results.items()}

    def _took_note(self, outcome: Outcome) -> Outcome:
        self._starting = [component for component in self._starting if component is not outcome.component]
        if isinstance(outcome, Started):
            self._started.append(outcome)
            self.observer.started(outcome)
        elif isinstance(outcome, BecameReady):
            self.observer.became_ready(outcome)
        return outcome

    def wait(
        self, components: Iterable[Component] | None = None, timeout: float | None = None
    ) -> dict[str, list[Ended]]:
        """Wait for `components` to end, those with `wait` if none are named; how each did, by host.

        A connection that is lost meanwhile is taken up again. StageError names what has not ended with 0, or not
        within `timeout` seconds. With `options.terminate`, the others are ended when all have. With
        `options.on_exit`, all are stopped when any component fails, and all are waited for if none has `wait`.
        """
        every = self.config.all_components()
        chosen = [c for c in every if c.wait] if components is None else list(components)
        if self.options.on_exit and not chosen:
            chosen = every
        others = [c for c in every if c not in chosen]
        self._awaited = [*chosen]
        watched, terminated = others if self.options.on_exit else [], others if self.options.terminate else []
        deadline = None if timeout is None else time.monotonic() + timeout
        self._culprit = None
        ends = following.ends(self._fleet, self.options.screen, chosen, watched, terminated, deadline, self._has_ended)
        failures = [each for own in ends.values() for each in own if not each.is_success]
        if self._culprit:
            raise StageError("wait", [Failure(self._culprit.component.label, f"{self._culprit}; all were stopped")])
        if failures:
            raise StageError("wait", [Failure(each.component.label, str(each)) for each in failures])
        return {host: [each for each in own if isinstance(each, Ended)] for host, own in ends.items()}

    def _has_ended(self, ended: Ended) -> None:
        self._ended.add(ended.component.label)
        if self._culprit:  # so it has been stopped, which is told already
            return
        self.observer.ended(ended)
        if self.options.on_exit and ended.was_started and not ended.is_success:
            self._culprit = ended
            self.stop()

    def stop(self, grace: float = GRACE_SECONDS) -> dict[str, list[Ended]]:
        """End the components, the last start index first; how each has ended, by host. Session and windows stay.

        Each gets its `stop_signal`, as does what it has started; what has not ended after `grace` seconds gets KILL.
        Not `was_started` where it did not run.
        """
        stopped: dict[str, list[Ended]] = {}
        for index, components in reversed(launcher.in_order(self.config.all_components())):
            wanted = by_host(components)

            def work(host: Host, wanted: dict[str, list[Component]] = wanted) -> list[Ended]:
                own = wanted[host.name]
                return read_stopped(own, ask(host, stop_script(self.options.screen, own, grace)))

            for host, ended in self._fleet.on_all(f"stop {index}", work, hosts=wanted).items():
                stopped.setdefault(host, []).extend(ended)
        return stopped

    def restart(self, grace: float = GRACE_SECONDS) -> dict[str, list[Started]]:
        """Stop and start the components, which get new windows in place of the old ones."""
        self.stop(grace)
        return self.start()

    def plan(self) -> Plan:
        """What `run` would do, as the hosts are now. Changes nothing."""
        wanted, trees, sources = by_host(self.config.all_components()), self._trees("plan"), Sources()
        options = self.options

        def work(host: Host) -> tuple[Present, ToSync]:
            own = wanted[host.name]
            present = read_present(own, ask(host, present_script(options.screen, own)))
            return present, preview(host, options.screen, trees()[host.name], sources, options.always_copy)

        return plan(self.config.all_components(), self._fleet.on_all("plan", work), options)

    def status(self) -> list[Status]:
        """How every component is doing, in their order. A host that cannot say is no error: its own are `unknown`."""
        wanted = by_host(self.config.all_components())

        def work(host: Host) -> list[Status]:
            own = wanted[host.name]
            return read_status(own, ask(host, status_script(self.options.screen, own)))

        results, failures = self._fleet.gather("status", work)
        known = {id(each.component): each for statuses in results.values() for each in statuses}
        reasons = {failure.where: failure.reason for failure in failures}
        return [
            known.get(id(c)) or Status(c, State.UNKNOWN, problem=reasons[c.host]) for c in self.config.all_components()
        ]

    def collect(self, to: Path) -> Collected:
        """Bring output and `results` of all components into a new folder below `to`, with a `run.json`.

        The folder is named by the time. What has not changed since the last collection there is a hard link to it.
        StageError, when all that there is has been brought and written down, names what could not be.
        """
        from .record import record, write

        statuses, wanted = self.status(), by_host(self.config.all_components())
        earlier, folder = latest(to), new_folder(to)

        def work(host: Host) -> HostResults:
            def progress(done: int, total: int) -> None:
                self.observer.progress("collect", host.name, done, total)

            return bring(host, self.options.screen, wanted[host.name], folder, earlier, progress)

        def failures(_: str, results: HostResults) -> list[Failure]:
            return [Failure(f"{component.label}.results", reason) for component, reason in results.problems]

        stages = [each for each in self._fleet.stages if each.stage not in ("status", "collect")]
        found, failed = self._fleet.gather("collect", work, failures)
        write(folder, record(self.options, statuses, stages, found))
        self.observer.collected(folder)
        if failed:
            raise StageError("collect", failed)
        return Collected(folder, found)

    def report(self, to: Path) -> None:
        """Write to a file the page that tells how all is, from the hosts as they are.

        StageError, when it has been written, names those of which nothing is known. Needs the extra `report`.
        """
        from . import reporting

        run, outputs, failed = reporting.from_hosts(self)
        reporting.write(to, run, outputs)
        if failed:
            raise failed

    def logs(self, selection: Selection | None = None, observer: Observer | None = None) -> None:
        """Tell an observer, line by line, what the components have put out: what `selection` says, or all.

        If it is to follow, it goes on until it is interrupted; a connection that is lost is taken up again,
        and no line is missed.
        """
        fleet = attrs.evolve(self._fleet, observer=observer or self.observer)
        following.output(fleet, self.options.screen, self.config.all_components(), selection or Selection())

    def attach(self, component: Component) -> None:
        """Show the window of `component` in the terminal of this process, until the user detaches it.

        StageError where it has no window, or the connection is lost meanwhile.
        """
        script = attaching.window_script(self.options.screen, component)
        windows = self._fleet.on_all(
            "attach", lambda host: attaching.read_window(ask(host, script)), hosts=[component.host]
        )
        host = self._fleet.group.hosts[component.host]
        try:
            status = host.hand_terminal(attaching.attach_command(windows[host.name]))
        except HostError as error:
            raise StageError("attach", [Failure(component.label, str(error))]) from error
        if status:
            raise StageError("attach", [Failure(component.label, f"screen has ended with exit status {status}")])

    def doctor(self) -> "list[Diagnosis]":
        """What each host lacks for its components, by a look that changes nothing there; by host, sorted.

        A host that cannot be looked at is no error: its diagnosis says why.
        """
        from .diagnosis import examine, unreachable

        components, trees = by_host(self.config.all_components()), self._trees("doctor")

        def work(host: Host) -> "Diagnosis":
            options = self.options
            return examine(host, options.screen, components[host.name], trees()[host.name], options.always_copy)

        results, failures = self._fleet.gather("doctor", work)
        found = [*results.values(), *(unreachable(failure.where, failure.reason) for failure in failures)]
        found += [unreachable(f"{one} and {other}", ONE_MACHINE) for one, other in self._fleet.group.met_twice()]
        return sorted(found, key=lambda each: each.host)

    def install(self, diagnoses: "Iterable[Diagnosis]") -> dict[str, tuple[str, ...]]:
        """Install what hosts lack, where their package manager can; which packages, by host."""
        from .packages import install_script

        lacking = {
            each.host: (each.manager, each.missing) for each in diagnoses if each.manager and each.install_command
        }

        def work(host: Host) -> tuple[str, ...]:
            manager, packages = lacking[host.name]
            ask(host, install_script(manager, packages))
            return packages

        return self._fleet.on_all("install", work, hosts=lacking)
