"""What lasts: waiting for components to end, and following their output, over one conversation a host.

A connection that is lost meanwhile is taken up again. What is said on it, `waiting` and `output` say.
"""

import contextlib
import math
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs

from rr_config import Component

from . import shell, state, waiting
from .conversation import Conversation, HostError, OutOfTime
from .fleet import Fleet, by_host
from .hosts import Host, conversation, persistently
from .output import Reader, Selection, logs_script, read_logs
from .waiting import Ended, NotEnded

Outcome = Ended | NotEnded
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
) -> dict[str, list[Outcome]]:
    """How all `awaited` have ended, or not by `deadline`, by host. Then those are ended that are to be `terminated`.

    `tell` is called for each end as it is known, from threads of their own; until all awaited have ended, also for
    those that are `watched`. Once it says no, nothing more is waited for, or terminated.
    """
    every = (awaited, watched, terminated)
    ours, others, ended = (by_host(c for c in each if c.host not in fleet.out) for each in every)
    wait = _Wait(fleet, session, ours, others, ended, deadline, tell)
    hosts = {*wait.awaited, *wait.watched, *wait.terminated}
    return fleet.on_all("wait", wait.on, hosts=hosts, parallel=len(hosts)) if hosts else {}


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
    _talks: dict[str, Conversation] = attrs.field(init=False, factory=dict)
    _lock: threading.Lock = attrs.field(init=False, factory=threading.Lock)
    _pending_hosts: set[str] = attrs.field(init=False)
    _order: bytes = attrs.field(init=False, default=waiting.TERMINATE_ORDER)

    def __attrs_post_init__(self) -> None:
        self._pending_hosts = set(self.awaited)

    def on(self, host: Host) -> list[Outcome]:
        """Wait on one host; what has become of what is awaited there."""
        awaited = {component.label: component for component in self.awaited.get(host.name, [])}
        pending = awaited | {component.label: component for component in self.watched.get(host.name, [])}
        outcomes: list[Outcome] = []

        def attempt() -> None:
            if not self._pending_hosts and self._order == waiting.LEAVE_ORDER:
                return
            own = list(pending.values())
            script = waiting.wait_script(self.session, own, self.terminated.get(host.name, []))
            with conversation(host, script, self.deadline, patience=math.inf) as talk, self._reachable(host, talk):
                for each in waiting.read_ended(own, talk.answer):
                    del pending[each.component.label]
                    if not self.tell(each):
                        self._order = waiting.LEAVE_ORDER
                        self._through(self.awaited)
                    if awaited.pop(each.component.label, None):
                        outcomes.append(each)
                        if not awaited:
                            self._through([host.name])

        try:
            persistently(attempt, self.fleet.lost("wait", host.name), self.deadline if awaited else None)
        except OutOfTime:
            outcomes += map(NotEnded, awaited.values())
        except BaseException:  # whatever it is, the others are not to wait for this host
            self._order = waiting.LEAVE_ORDER
            self._through([host.name])
            raise
        return outcomes

    @contextlib.contextmanager
    def _reachable(self, host: Host, talk: Conversation) -> Iterator[None]:
        with self._lock:
            self._talks[host.name] = talk
            if not self._pending_hosts:
                self._tell_order(talk)
        try:
            yield
        finally:
            with self._lock:
                self._talks.pop(host.name)

    def _through(self, hosts: Iterable[str]) -> None:
        """On those, nothing more is awaited; where that is all of them, the order is given."""
        with self._lock:
            self._pending_hosts.difference_update(hosts)
            if not self._pending_hosts:
                for talk in self._talks.values():
                    self._tell_order(talk)

    def _tell_order(self, talk: Conversation) -> None:
        talk.deadline = None  # it was for what has ended by now
        with contextlib.suppress(HostError):  # a lost connection shows where answers are awaited
            talk.send(self._order)


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
                    for component, line in read_logs(readers, record):
                        fleet.observer.output(component, line)

        persistently(attempt, fleet.lost("logs", host.name))
        for reader in readers.values():
            for line in reader.end():
                fleet.observer.output(reader.component, line)

    fleet.on_all("logs", work, hosts=wanted, parallel=len(wanted) if selection.follow else None)
