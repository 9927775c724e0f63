"""Wait for components to end, on all hosts at once, over one channel for each host.

A lost connection is opened again. When a host has nothing left to report, it gets LEAVE_SECONDS to finish, then the
connection is dropped. An unreachable host must not block the others.
"""

import contextlib
import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future

import attrs

from rr_config import Component

from ..components import wait
from ..components.wait import Ended, NotEnded
from ..remote.ask import conversation, persistently
from ..remote.conversation import Conversation
from ..remote.host import Host
from ..util.errors import HostError
from ..util.stages import Failure, StageError
from .fleet import Fleet, group_by_host

LEAVE_SECONDS = 1.0  # a host that is left gets so long to report what has ended
FIRST_SECONDS = 10.0  # likewise, if it is still connecting when the timeout expires


@attrs.define
class _Here:
    """The wait on one host: components that are awaited or watched there, by label, until they end.

    `ends` says how the awaited ones ended. `is_over` is set once nobody waits for the host any more.
    """

    awaited: dict[str, Component]
    watched: dict[str, Component]
    ends: list[Ended] = attrs.field(factory=list)
    talk: Conversation | None = None
    was_reached: bool = False
    is_wanted: bool = True
    is_over: threading.Event = attrs.field(factory=threading.Event)


@attrs.define
class Wait:
    """Waits for all `awaited` to end, on all their hosts, then terminates `terminated`.

    `tell` is called for each end, from worker threads; for `watched` components until others are terminated. When it
    returns False, the wait drops all hosts. After that, `silent` are the hosts that did not answer, and
    `has_terminated` those on which all of `terminated` have ended.
    """

    fleet: Fleet
    session: str
    awaited: Sequence[Component]
    watched: Sequence[Component]
    terminated: Sequence[Component]
    tell: Callable[[Ended], bool]
    silent: set[str] = attrs.field(init=False, factory=set)
    has_terminated: set[str] = attrs.field(init=False, factory=set)
    _to_end: Mapping[str, Sequence[Component]] = attrs.field(init=False)
    _here: dict[str, _Here] = attrs.field(init=False)
    _pending: set[str] = attrs.field(init=False)  # the hosts on which something is still awaited
    _command: bytes = attrs.field(init=False, default=wait.TERMINATE)
    _is_late: bool = attrs.field(init=False, default=False)
    _lock: threading.RLock = attrs.field(init=False, factory=threading.RLock)

    def __attrs_post_init__(self) -> None:
        every = (self.awaited, self.watched, self.terminated)
        awaited, watched, self._to_end = (
            group_by_host(c for c in each if c.host not in self.fleet.out) for each in every
        )
        hosts = sorted({*awaited, *watched, *self._to_end})
        self._here = {host: _Here(_by_label(awaited.get(host, [])), _by_label(watched.get(host, []))) for host in hosts}
        self._pending = set(awaited)
        if any(component.host in self.fleet.out for component in self.awaited):
            self._command = wait.LEAVE  # nobody knows whether that one has ended

    def ends(self, timeout: float | None) -> dict[str, list[Ended]]:
        """Return how all `awaited` ended, by host.

        Raise StageError for components that did not end with 0, or not within `timeout` seconds.
        """
        if not self._here:
            return {}
        lost: StageError | None = None
        with self._clock(timeout):
            try:
                ends = self.fleet.on_all("wait", self._on, hosts=self._here, parallel=len(self._here))
            except StageError as error:
                lost = error
            finally:
                self.tell = lambda ended: False  # nobody listens any more, for example after Ctrl-C
                self._leave()
        every = self._here.values()
        outcomes: list[Ended | NotEnded] = [ended for here in every for ended in here.ends]
        if self._is_late:
            missing = [component for here in every for component in list(here.awaited.values())]
            to_end = [c for host, own in self._to_end.items() if host not in self.has_terminated for c in own]
            outcomes += map(NotEnded, missing or to_end)
        failures = sorted(Failure(each.component.label, str(each)) for each in outcomes if not each.is_success)
        if lost:
            raise StageError("wait", [*lost.failures, *failures], lost.hosts) from lost
        if failures:
            raise StageError("wait", [*self.fleet.failures, *failures], self.fleet.out)
        return ends

    @contextlib.contextmanager
    def _clock(self, timeout: float | None) -> Iterator[None]:
        """Leave all hosts after so many seconds, if something is still awaited then."""
        if timeout is None:
            yield
            return

        def ring() -> None:
            with self._lock:
                if self._pending:
                    self._is_late = True
                    self._leave(name for name, here in self._here.items() if here.was_reached)
                    self._leave(seconds=FIRST_SECONDS)

        clock = self.fleet.clock.later(timeout, ring)
        try:
            yield
        finally:
            clock.cancel()

    def _on(self, host: Host) -> list[Ended]:
        """Wait on one host until all has ended there, or the wait drops it; return how the awaited components ended."""
        here = self._here[host.name]
        future: Future[None] = Future()

        def lost(reason: str) -> None:
            if here.is_wanted:
                self.fleet.lost("wait", host.name)(reason)

        def work() -> None:
            try:
                future.set_result(persistently(lambda: self._attempt(host, here), lost, host.clock))
            except BaseException as error:  # raised again below
                future.set_exception(error)
            here.is_over.set()

        threading.Thread(target=work, daemon=True).start()
        here.is_over.wait()
        error = future.exception() if future.done() else None
        if not future.done() and self._is_late and not here.was_reached:
            error = HostError("has not been reached in time")
        if error and (here.is_wanted or self._is_late):
            with self._lock:  # the others must not wait for this host
                if here.awaited:
                    self._command = wait.LEAVE
                here.awaited.clear()
                self._is_through(host.name)
            raise error
        if error or not future.done():
            self.silent.add(host.name)
        return here.ends

    def _attempt(self, host: Host, here: _Here) -> None:
        if not here.is_wanted and here.was_reached:
            return
        pending = [*here.awaited.values(), *here.watched.values()]
        script = wait.wait_script(self.session, pending, self._to_end.get(host.name, []))
        with conversation(host, script, patience=math.inf) as talk, self._reachable(here, talk):
            for ended in wait.read_ended(pending, talk.answer):
                self._take_note(host, here, ended)
        if here.is_wanted:
            if self._pending and (here.awaited or here.watched or host.name in self._to_end):
                raise ValueError("it has done its work, and not said how all has ended")
            if self._command == wait.TERMINATE:
                self.has_terminated.add(host.name)

    def _take_note(self, host: Host, here: _Here, ended: Ended) -> None:
        label = ended.component.label
        if label not in here.awaited and label not in here.watched:
            raise ValueError(f"it has said already how {label} has ended")
        with self._lock:
            # Once the others are terminated, a watched component may fail because of that.
            is_open = bool(self._pending) or not self._to_end
            here.watched.pop(label, None)
            if here.awaited.pop(label, None):
                here.ends.append(ended)
        if is_open and not self.tell(ended):
            self._leave()
        if not here.awaited:
            self._is_through(host.name)

    @contextlib.contextmanager
    def _reachable(self, here: _Here, talk: Conversation) -> Iterator[None]:
        with self._lock:
            here.talk, here.was_reached = talk, True
            if not here.is_wanted:
                talk.tell(wait.LEAVE)
            elif not self._pending:
                talk.tell(self._command)
        try:
            yield
        finally:
            here.talk = None

    def _is_through(self, host: str) -> None:
        """Nothing more is awaited on that host. If that is so on all hosts, send the command to terminate."""
        with self._lock:
            if host not in self._pending:
                return
            self._pending.remove(host)
            if self._pending:
                return
            is_left = self._command == wait.LEAVE
            self._leave(name for name in self._here if is_left or name not in self._to_end)
            for here in self._here.values():
                if here.is_wanted and here.talk:
                    here.talk.tell(self._command)

    def _leave(self, hosts: Iterable[str] | None = None, seconds: float = LEAVE_SECONDS) -> None:
        """Drop those hosts, or all: ask them to finish, and cut their connections after so many seconds."""
        with self._lock:
            left = [self._here[name] for name in (self._here if hosts is None else hosts)]
            left = [here for here in left if here.is_wanted and not here.is_over.is_set()]
            for here in left:
                here.is_wanted = False
                if here.talk:
                    here.talk.tell(wait.LEAVE)

        def give_up() -> None:
            for here in left:
                here.is_over.set()
            for talk in [here.talk for here in left]:
                if talk:
                    talk.cut()

        if left:
            self.fleet.clock.later(seconds, give_up)


def _by_label(components: Iterable[Component]) -> dict[str, Component]:
    return {component.label: component for component in components}
