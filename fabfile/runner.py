"""`Runner`: what each command does, from top to bottom, as values. The interface for Python programs.

Nothing here prints, asks the user, or ends the program; who wants to follow a run passes an `Observer`.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import attrs
from fabric import Config as Settings

from rr_config import Component, Config, ConfigError, Options
from rr_config.files import Placed, Unusable, placed_files

from . import launcher, sessions, shell, state, waiting
from .connection import connection_settings, key_files
from .content import LocalHashes
from .conversation import Conversation, OutOfTime
from .hosts import Host, HostFailure, HostGroup, ask, conversation, persistently
from .launcher import NotStarted, Started
from .manifest import Trees
from .observer import Observer, StageError
from .output import Reader, logs_script, read_logs
from .sessions import Killed, Session
from .statuses import State, Status, read_status, status_script
from .transfer import Synced, sync
from .waiting import Ended, NotEnded

ONE_MACHINE = "are one home on one machine; call it by one of these names alone, in all components"

T = TypeVar("T")


@attrs.define
class Runner:
    """Runs the components of a loaded config. A method for each stage; `run` is all of them.

    Making one checks the options (ConfigError) and touches no host. Every method works on all hosts at
    once, lets all of them finish, and raises StageError if any failed. `starting` lists what `start` has
    begun to start and has no answer for. `close` lets go of the connections; a `with` statement does too.
    """

    config: Config
    options: Options = attrs.field(factory=Options)
    settings: Settings = attrs.field(factory=Settings, repr=False)
    observer: Observer = attrs.field(factory=Observer)
    _group: HostGroup = attrs.field(init=False, repr=False)
    _started: list[Started] = attrs.field(init=False, factory=list, repr=False)
    _ended: set[str] = attrs.field(init=False, factory=set, repr=False)
    starting: list[Component] = attrs.field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        check_session_name(self.options.screen)
        check_terminate(self.config, self.options)
        check_identities(self.settings)
        settings = connection_settings(self.settings, self.options.ssh_pass)
        hosts = sorted(self.config.all_hosts())
        try:
            self._group = HostGroup(hosts, settings, self.options.ssh_user)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        twice = [f"{one}, {other}: are the same login; spell it alike" for one, other in self._group.spelled_twice()]
        if twice:
            raise ConfigError(*twice)

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def running(self) -> list[Started]:
        """What has been started and, as far as is known, has not ended."""
        return [started for started in self._started if started.component.label not in self._ended]

    def close(self) -> None:
        """Let go of all connections. What was started goes on."""
        self._group.close()

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
        return self._on_all("kill", lambda host: sessions.read_killed(ask(host, script)))

    def screen(self, programs: Iterable[str] = ("screen",)) -> dict[str, Session]:
        """Make sure that every host has one session, and say which."""
        script = sessions.screen_script(self.options.screen, not self.options.no_zombie, programs)
        return self._on_all("screen", lambda host: sessions.read_session(ask(host, script)))

    def sync(self) -> dict[str, Synced]:
        """Bring to every host the files that it lacks."""
        hashes = LocalHashes()
        trees = Trees(_placed_once())
        try:
            by_host = {host: trees.of(own) for host, own in self._by_host(self.config.all_components()).items()}
        except ConfigError as error:  # a local file was there when the config was loaded
            raise StageError("sync", [("localhost", problem) for problem in error.problems]) from error

        def work(host: Host) -> Synced:
            def progress(done: int, total: int) -> None:
                self.observer.progress("sync", host.name, done, total)

            options = self.options
            return sync(host, options.screen, by_host[host.name], hashes, options.always_copy, progress)

        return self._on_all(
            "sync", work, lambda host, synced: [(f"{host}:{p.path}", p.reason) for p in synced.problems]
        )

    def start(self) -> dict[str, list[Started]]:
        """Start all components, by ascending start index; the next index only when all of one run."""
        started: dict[str, list[Started]] = {}
        for index, components in launcher.in_order(self.config.all_components()):
            for host, results in self._start_index(index, components).items():
                started.setdefault(host, []).extend(results)
        return started

    def wait(
        self, components: Iterable[Component] | None = None, timeout: float | None = None
    ) -> dict[str, list[Ended]]:
        """Wait for `components` to end, those with `wait` if none are named; how each did, by host.

        A connection that is lost meanwhile is taken up again. StageError names what has not ended with 0, or not
        within `timeout` seconds. With `options.terminate`, the others are ended when all have.
        """
        chosen = [c for c in self.config.all_components() if c.wait] if components is None else list(components)
        deadline = None if timeout is None else time.monotonic() + timeout
        with contextlib.ExitStack() as talks_end:
            talks: dict[str, Conversation] = {}
            outcomes = self._wait(chosen, deadline, talks, talks_end)
            failures = [(o.component.label, str(o)) for each in outcomes.values() for o in each if not o.is_success]
            has_ended = all(isinstance(o, Ended) for each in outcomes.values() for o in each)
            if self.options.terminate and has_ended:
                self._on_all("terminate", lambda host: _terminate(talks[host.name]), hosts=talks)
        if failures:
            raise StageError("wait", failures)
        return {host: [o for o in each if isinstance(o, Ended)] for host, each in outcomes.items()}

    def status(self) -> list[Status]:
        """How every component is doing, in their order. A host that cannot say is no error: its own are `unknown`."""
        by_host = self._by_host(self.config.all_components())

        def work(host: Host) -> list[Status]:
            wanted = by_host[host.name]
            return read_status(wanted, ask(host, status_script(self.options.screen, wanted)))

        results, failures = self._gather("status", work)
        known = {id(each.component): each for statuses in results.values() for each in statuses}
        reasons = dict(failures)
        return [
            known.get(id(c)) or Status(c, State.UNKNOWN, problem=reasons[c.host]) for c in self.config.all_components()
        ]

    def logs(self, lines: int | None = None, follow: bool = False) -> None:
        """Tell the observer, line by line, what the components have put out; the last `lines` lines of each, if said.

        If it is to `follow`, it goes on until it is interrupted; a connection that is lost is taken up again,
        and no line is missed.
        """
        by_host = self._by_host(self.config.all_components())

        def work(host: Host) -> None:
            readers = {state.folder(component.name): Reader(component) for component in by_host[host.name]}

            def attempt() -> None:
                is_first = not any(reader.position for reader in readers.values())
                wanted = lines if is_first else None
                script = logs_script(self.options.screen, list(readers.values()), wanted, follow)
                with conversation(host, script) as talk:
                    for record in iter(talk.raw_answer, shell.DONE.encode()):
                        for component, line in read_logs(readers, record):
                            self.observer.output(component, line)

            persistently(attempt, lambda reason: self.observer.lost("logs", host.name, reason))
            for reader in readers.values():
                for line in reader.end():
                    self.observer.output(reader.component, line)

        self._on_all("logs", work, at_once=len(by_host) if follow else None)

    def _start_index(self, index: int, components: Sequence[Component]) -> dict[str, list[Started]]:
        by_host = self._by_host(components)
        self.starting = list(components)

        def work(host: Host) -> list[Started | NotStarted]:
            wanted = by_host[host.name]
            return launcher.read_started(wanted, ask(host, launcher.start_script(self.options.screen, wanted)))

        def failures(_: str, results: list[Started | NotStarted]) -> list[tuple[str, str]]:
            self._started += [result for result in results if isinstance(result, Started)]
            answered = {id(result.component) for result in results}
            self.starting = [component for component in self.starting if id(component) not in answered]
            return [(r.component.label, r.reason) for r in results if isinstance(r, NotStarted)]

        results = self._on_all(f"start {index}", work, failures, by_host)
        return {host: [r for r in rs if isinstance(r, Started)] for host, rs in results.items()}

    def _wait(
        self,
        chosen: Sequence[Component],
        deadline: float | None,
        talks: dict[str, Conversation],
        talks_end: contextlib.ExitStack,
    ) -> dict[str, list[Ended | NotEnded]]:
        """Wait, by one conversation a host, which is left in `talks` for what comes after."""
        awaited = self._by_host(chosen)
        known = {c.label for c in chosen}
        others = self._by_host(c for c in self.config.all_components() if c.label not in known)
        others = others if self.options.terminate else {}

        def work(host: Host) -> list[Ended | NotEnded]:
            pending = list(awaited.get(host.name, []))
            ended: list[Ended | NotEnded] = []

            def attempt() -> None:
                script = waiting.wait_script(self.options.screen, pending, others.get(host.name, []))
                talk = talks[host.name] = talks_end.enter_context(conversation(host, script, deadline))
                for each in waiting.read_ended(tuple(pending), talk.answer):
                    pending.remove(each.component)
                    self._ended.add(each.component.label)
                    self.observer.ended(each)
                    ended.append(each)

            try:
                persistently(attempt, lambda reason: self.observer.lost("wait", host.name, reason))
            except OutOfTime:
                ended += map(NotEnded, pending)
            return ended

        hosts = {*awaited, *others}
        return self._on_all("wait", work, hosts=hosts, at_once=len(hosts)) if hosts else {}

    def _by_host(self, components: Iterable[Component]) -> dict[str, list[Component]]:
        by_host: dict[str, list[Component]] = {}
        for component in components:
            by_host.setdefault(component.host, []).append(component)
        return by_host

    def _on_all(
        self,
        stage: str,
        work: Callable[[Host], T],
        failures_in: Callable[[str, T], list[tuple[str, str]]] = lambda host, result: [],
        hosts: Iterable[str] | None = None,
        at_once: int | None = None,
    ) -> dict[str, T]:
        """Do one stage on all hosts; StageError when all are through, if any of them failed."""
        results, failures = self._gather(stage, work, failures_in, hosts, at_once)
        failures += [(f"{one} and {other}", ONE_MACHINE) for one, other in self._group.met_twice()]
        if failures:
            raise StageError(stage, failures)
        return results

    def _gather(
        self,
        stage: str,
        work: Callable[[Host], T],
        failures_in: Callable[[str, T], list[tuple[str, str]]] = lambda host, result: [],
        hosts: Iterable[str] | None = None,
        at_once: int | None = None,
    ) -> tuple[dict[str, T], list[tuple[str, str]]]:
        """Do one stage on all hosts; the results by host, and what failed, both sorted."""
        names = sorted(self.config.all_hosts() if hosts is None else hosts)
        at_once = self.options.parallel if at_once is None else at_once
        self.observer.begins(stage, names)
        results: dict[str, T] = {}
        failures: list[tuple[str, str]] = []
        try:
            for name, outcome in self._group.each(names, work, at_once):
                if isinstance(outcome, HostFailure):
                    failures.append((name, outcome.reason))
                    self.observer.failed(stage, name, outcome.reason)
                else:
                    results[name] = outcome
                    failures += failures_in(name, outcome)
                    self.observer.result(stage, name, outcome)
        finally:
            self.observer.ends(stage)
        return dict(sorted(results.items())), sorted(failures)


def check_session_name(name: str) -> None:
    """Raise ConfigError unless screen can take `name` without changing or misreading it."""
    if not sessions.NAME.fullmatch(name):
        raise ConfigError(
            f"--screen {name!r}: cannot be the name of a session; use up to 80 letters, digits and . _ - + @ ="
        )


def check_terminate(config: Config, options: Options) -> None:
    """Raise ConfigError where `--terminate` has nothing to wait for."""
    if options.terminate and not any(component.wait for component in config.all_components()):
        raise ConfigError("--terminate: no component has wait = True, so all would be ended at once; set it for one")


def check_identities(settings: Settings) -> None:
    """Raise ConfigError for every key file that `-i` or `connect_kwargs.key_filename` names in vain."""
    missing = [key for key in key_files(settings.connect_kwargs) if not key.is_file()]
    if missing:
        raise ConfigError(*(f"-i/--identity: {key}: there is no such file; name the file of a key" for key in missing))


def _terminate(talk: Conversation) -> None:
    talk.deadline = None  # it was for what has ended by now
    talk.send(waiting.TERMINATE_ORDER)
    list(talk.answers())


def _placed_once() -> Callable[[Component], Sequence[Placed]]:
    """Lists what a component brings; the disk is asked once for components that bring the same."""
    known: dict[tuple[tuple[str, str], ...], Sequence[Placed]] = {}

    def placed(component: Component) -> Sequence[Placed]:
        key = tuple(component.files.items())
        if key not in known:
            known[key] = list(_all_usable(component))
        return known[key]

    return placed


def _all_usable(component: Component) -> Iterator[Placed]:
    for found in placed_files(component.files):
        if isinstance(found, Unusable):
            raise ConfigError(f"{component.label}.files: {found.path}: {found.reason}")
        yield found
