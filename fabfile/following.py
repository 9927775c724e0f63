"""What lasts: waiting for components to end, and following their output, over one conversation a host.

A connection that is lost meanwhile is taken up again. What is said on it, `waiting` and `output` say.
"""

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs

from rr_config import Component

from . import shell, state, waiting
from .conversation import Conversation, OutOfTime
from .fleet import Fleet, by_host
from .hosts import Host, conversation, persistently
from .observer import Failure, StageError
from .output import Reader, Selection, logs_script, read_logs
from .waiting import Ended, NotEnded

LEAVE_SECONDS = 1  # for hosts to say what has ended until then
# How many blocks of output of a host are in memory at most, where they come faster than they are shown: 64 KB each.
MOST_BLOCKS = 32


def ends(
    fleet: Fleet,
    session: str,
    awaited: Iterable[Component],
    watched: Iterable[Component],
    terminated: Iterable[Component],
    deadline: float | None,
    tell: Callable[[Ended], bool],
) -> dict[str, list[Ended]]:
    """How all `awaited` have ended, by host. Then those are ended that are to be `terminated`.

    StageError names what has not ended with 0, or not by `deadline`. `tell` is called for each end as it is known, from
    threads of their own; until all awaited have ended, also for those that are `watched`. Once it says no, nothing more
    is waited for, or terminated.
    """
    every = (awaited, watched, terminated)
    ours, others, ended = (by_host(c for c in each if c.host not in fleet.out) for each in every)
    wait = _Wait(fleet, session, ours, others, ended, deadline, tell)
    hosts = {*wait.awaited, *wait.watched, *wait.terminated}
    if not hosts:
        return {}
    lost: StageError | None = None
    try:
        ends = fleet.on_all("wait", wait.on, hosts=hosts, parallel=len(hosts))
    except StageError as error:
        lost = error
    finally:
        wait.close()
    failures = sorted(Failure(each.component.label, str(each)) for each in wait.outcomes if not each.is_success)
    if lost:
        raise StageError("wait", [*lost.failures, *failures], lost.hosts) from lost
    if failures:
        raise StageError("wait", [*fleet.failures, *failures], fleet.out)
    return ends


@attrs.define
class _Wait:
    """What the hosts that are waited for have to know of each other: whether more is awaited, on any of them."""

    fleet: Fleet
    session: str
    awaited: dict[str, list[Component]]
    watched: dict[str, list[Component]]
    terminated: dict[str, list[Component]]
    deadline: float | None
    tell: Callable[[Ended], bool]
    outcomes: list[Ended | NotEnded] = attrs.field(init=False, factory=list)
    _talks: dict[str, Conversation] = attrs.field(init=False, factory=dict)
    _lock: threading.Lock = attrs.field(init=False, factory=threading.Lock)
    _pending_hosts: set[str] = attrs.field(init=False)
    _is_left: bool = attrs.field(init=False, default=False)
    _order: bytes = attrs.field(init=False, default=waiting.TERMINATE_ORDER)

    def __attrs_post_init__(self) -> None:
        self._pending_hosts = set(self.awaited)

    def on(self, host: Host) -> list[Ended]:
        """Wait on one host; how what is awaited there has ended."""
        here = _Here(_by_label(self.awaited.get(host.name, [])), _by_label(self.watched.get(host.name, [])))

        def lost(reason: str) -> None:
            if not self._is_left:
                self.fleet.lost("wait", host.name)(reason)

        try:
            persistently(lambda: self._attempt(host, here), lost, self.deadline if here.awaited else None)
        except OutOfTime:
            self.outcomes += [] if self._is_left else map(NotEnded, here.awaited.values())
        except BaseException:  # whatever it is, the others are not to wait for this host
            self._order = waiting.LEAVE_ORDER
            self._is_through(host)
            raise
        return here.ends

    def _attempt(self, host: Host, here: "_Here") -> None:
        if self._is_left:
            return
        pending = [*here.awaited.values(), *here.watched.values()]
        script = waiting.wait_script(self.session, pending, self.terminated.get(host.name, []))
        with conversation(host, script, self.deadline, patience=math.inf) as talk, self._reachable(host, talk):
            for ended in waiting.read_ended(pending, talk.answer):
                self._take_note(host, here, ended)

    def _take_note(self, host: Host, here: "_Here", ended: Ended) -> None:
        if not self.tell(ended):
            self.leave()
        label = ended.component.label
        here.watched.pop(label, None)
        if here.awaited.pop(label, None):
            here.ends.append(ended)
            self.outcomes.append(ended)
            if not here.awaited:
                self._is_through(host)

    @contextlib.contextmanager
    def _reachable(self, host: Host, talk: Conversation) -> Iterator[None]:
        with self._lock:
            self._talks[host.name] = talk
            if self._is_left:
                self._leave(talk)
            elif not self._pending_hosts:
                self._tell_order(talk)
        try:
            yield
        finally:
            with self._lock:
                self._talks.pop(host.name)

    def _is_through(self, host: Host) -> None:
        with self._lock:
            self._pending_hosts.discard(host.name)
            if not self._pending_hosts and not self._is_left:
                for talk in self._talks.values():
                    self._tell_order(talk)

    def _tell_order(self, talk: Conversation) -> None:
        talk.wait_until(None)  # the deadline was for what has ended by now
        talk.tell(self._order)

    def close(self) -> None:
        """Nobody wants to know any more, of those hosts either that are still waited for."""
        self.tell = lambda ended: False
        self.leave()

    def leave(self) -> None:
        """Have all hosts left as they are, in a moment: also those that do not answer."""
        with self._lock:
            self._is_left = True
            for talk in self._talks.values():
                self._leave(talk)

    def _leave(self, talk: Conversation) -> None:
        talk.tell(waiting.LEAVE_ORDER)
        talk.wait_until(time.monotonic() + LEAVE_SECONDS)


@attrs.define
class _Here:
    """What is awaited, and watched, on one host, by label, until it ends; and how what was awaited has."""

    awaited: dict[str, Component]
    watched: dict[str, Component]
    ends: list[Ended] = attrs.field(factory=list)


def _by_label(components: Iterable[Component]) -> dict[str, Component]:
    return {component.label: component for component in components}


def output(fleet: Fleet, session: str, components: Sequence[Component], selection: Selection) -> None:
    """Tell the fleet's observer what the components have put out, or will; without end, if it is to follow."""
    wanted = by_host(components)

    def work(host: Host) -> None:
        readers = {state.folder(component.name): Reader(component) for component in wanted[host.name]}

        def attempt() -> None:
            is_first = not any(reader.position for reader in readers.values())
            rest = attrs.evolve(selection, lines=None, since=None)
            script = logs_script(session, list(readers.values()), selection if is_first else rest)
            patience = math.inf if selection.follow else 0
            with conversation(host, script, None, MOST_BLOCKS, patience, most_answered=math.inf) as talk:
                for record in iter(talk.raw_answer, shell.DONE.encode()):
                    if fleet.is_interrupted:
                        return
                    for component, line in read_logs(readers, record):
                        fleet.observer.output(component, line)

        persistently(attempt, fleet.lost("logs", host.name))
        for reader in readers.values():
            for line in reader.end():
                fleet.observer.output(reader.component, line)

    fleet.on_all("logs", work, hosts=wanted, parallel=len(wanted) if selection.follow else None)
