"""Follow the output of components on all hosts at once, over one channel for each host.

`follow` is `fab logs`, and `Follower` shows output while another command runs. A lost connection is opened again, and
reading goes on where it ended.
"""

import contextlib
import math
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

import attrs

from rr_config import Component
from rr_config.config import by_host
from rr_config.hosts.natural_order import in_natural_order, natural_key

from ..components.output.logs import LOOKED, LogLine, LogReader, Selection, logs_script, read_logs
from ..remote import state_dir
from ..remote.ask import conversation, persistently
from ..remote.conversation import Conversation
from ..remote.host import Host
from ..remote.script import DONE
from ..ssh.host_group import HostFailure, outcome_of
from ..util.clock import Clock
from ..util.errors import ConnectionLost
from ..util.limits import FIRST_SECONDS, MOST_BLOCKS
from ..util.stages import StageError
from .fleet import Fleet
from .observer import Observer

LATE_SECONDS = 3  # a host without an answer for so long loses its place in the order of output


def follow(fleet: Fleet, session: str, components: Sequence[Component], selection: Selection) -> None:
    """Tell the observer of `fleet` each line of the selected output. If it is to follow, this never ends by itself.

    Hosts and components come in natural order. If it is to follow, that is true only for the output that is there at
    the begin, and for LATE_SECONDS: then nobody waits for a slow host, or for a large output.
    """
    wanted = by_host(in_natural_order(components))
    turns = Turns(wanted, fleet.clock, is_brief=selection.follow)

    def work(host: Host) -> None:
        readers = {state_dir.folder(component.name): LogReader(component) for component in wanted[host.name]}

        def attempt() -> None:
            is_first = not any(reader.position for reader in readers.values())
            rest = attrs.evolve(selection, lines=None, since=None)
            script = logs_script(session, list(readers.values()), selection if is_first else rest)
            patience = math.inf if selection.follow else 0
            with conversation(host, script, MOST_BLOCKS, patience, most_answered=math.inf) as talk:
                for record in iter(talk.raw_answer, DONE.encode()):
                    if record == LOOKED:
                        turns.end(host.name)
                        continue
                    turns.wait_for(host.name)
                    if fleet.is_interrupted:
                        return
                    for component, line in read_logs(readers, record):
                        fleet.observer.output(component, line)

        try:
            persistently(attempt, partial(fleet.lost, "logs", host.name), host.clock)
            for reader in readers.values():
                for line in reader.end():
                    fleet.observer.output(reader.component, line)
        finally:
            turns.end(host.name)

    fleet.on_all("logs", work, hosts=wanted, parallel=len(wanted) if selection.follow else 0)


class Turns:
    """Lets the threads of hosts print one after another, in natural order.

    A host that has said nothing LATE_SECONDS after the start loses its place, so that it does not delay the others. If
    the order `is_brief`, all hosts may print after this time.
    """

    def __init__(self, hosts: Iterable[str], clock: Clock, is_brief: bool = False) -> None:
        self._is_brief = is_brief
        self._left = sorted(hosts, key=natural_key)
        self._ready: set[str] = set()
        self._clock = clock
        self._patience_ends = clock.monotonic() + LATE_SECONDS
        self._printing: str | None = None
        self._changed = threading.Condition()

    def wait_for(self, host: str) -> None:
        """Wait until `host` may print. It may from then on. Others wait until its `end`."""
        with self._changed:
            self._ready.add(host)
            self._changed.notify_all()
            while self._printing != host and host in self._left:
                if self._is_brief and self._clock.monotonic() >= self._patience_ends:
                    return
                if self._printing is None and self._next() == host:
                    self._printing = host
                else:
                    self._changed.wait(max(self._patience_ends - self._clock.monotonic(), 0.1))

    def _next(self) -> str | None:
        """Return the host that may print, or None if the first one is not ready and not late."""
        if self._clock.monotonic() < self._patience_ends:
            return self._left[0] if self._left[0] in self._ready else None
        return next(host for host in self._left if host in self._ready)

    def end(self, host: str) -> None:
        """Let the next host print, unless this was its second end."""
        with self._changed:
            if host not in self._left:
                return
            self._left.remove(host)
            if self._printing == host:
                self._printing = None
            self._changed.notify_all()


class LogTails(Observer):
    """Keeps the last lines of each component's output, so many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lines: dict[str, deque[bytes]] = {}

    def output(self, component: Component, line: LogLine) -> None:
        """Keep the line and drop the oldest one. All lines of a component come from one thread."""
        self._lines.setdefault(component.label, deque(maxlen=self._most)).append(line.text)

    def outputs(self) -> dict[str, bytes]:
        """Return the end of each output, by label."""
        return {label: b"\n".join(lines) for label, lines in self._lines.items()}


@attrs.define
class Follower:
    """Tells the observer of `fleet` each line that components write from now on, in a thread for each host.

    The fleet has connections of its own, because an sshd may allow only one session on a connection. A host that fails
    is reported to the observer, and the command goes on without its output.
    """

    fleet: Fleet
    session: str
    components: Sequence[Component]
    _is_over: bool = attrs.field(init=False, default=False)
    _threads: list[threading.Thread] = attrs.field(init=False, factory=list)
    _talks: dict[str, Conversation] = attrs.field(init=False, factory=dict)
    _looked: dict[str, threading.Event] = attrs.field(init=False, factory=dict)

    def begin(self) -> None:
        """Begin on all hosts. Return once each of them has seen what is there already, or has failed."""
        for name, own in by_host(self.components).items():
            self._looked[name] = threading.Event()
            readers = {state_dir.folder(component.name): LogReader(component) for component in own}
            thread = threading.Thread(target=self._follow, args=(self.fleet.group.hosts[name], readers), daemon=True)
            self._threads.append(thread)
            thread.start()
        for looked in self._looked.values():
            looked.wait()

    def end(self) -> None:
        """Read the rest of the output. Abandon a host that does not answer in time."""
        self._is_over = True
        for talk in list(self._talks.values()):
            talk.cut()
        for thread in self._threads:
            thread.join(FIRST_SECONDS)

    def _follow(self, host: Host, readers: Mapping[str, LogReader]) -> None:
        found = outcome_of(host, lambda host: self._read_all(host, readers))
        self._looked[host.name].set()
        if self.fleet.is_interrupted:  # it has been cut off
            return
        if isinstance(found, HostFailure):
            self.fleet.observer.failed("logs", host.name, found.reason)
        elif isinstance(found, BaseException):
            raise found

    def _read_all(self, host: Host, readers: Mapping[str, LogReader]) -> None:
        lost = partial(self.fleet.lost, "logs", host.name)
        persistently(lambda: self._read(host, readers, is_followed=True), lost, host.clock)
        self._read(host, readers, is_followed=False)  # the rest, up to the end of the command
        for reader in readers.values():
            for line in reader.end():
                self.fleet.observer.output(reader.component, line)

    def _read(self, host: Host, readers: Mapping[str, LogReader], is_followed: bool) -> None:
        """Read output until the command is over, or only what is there."""
        looked = self._looked[host.name]
        selection = Selection(lines=None if looked.is_set() else 0, follow=is_followed)
        script = logs_script(self.session, list(readers.values()), selection)
        patience = math.inf if is_followed else 0
        with conversation(host, script, MOST_BLOCKS, patience, most_answered=math.inf) as talk:
            if is_followed:
                self._talks[host.name] = talk
                if self._is_over:
                    return
            try:
                for record in iter(talk.raw_answer, DONE.encode()):
                    if record == LOOKED:
                        looked.set()
                        continue
                    for component, line in read_logs(readers, record):
                        self.fleet.observer.output(component, line)
            except ConnectionLost:
                if not (is_followed and self._is_over):  # otherwise `end` has cut it
                    raise


@contextlib.contextmanager
def following(fleet: Fleet, session: str, components: Sequence[Component]) -> Iterator[None]:
    """Follow the output of components during the block, up to its end, and close the connections of `fleet`."""
    follower = Follower(fleet, session, components)
    try:
        follower.begin()
        try:
            yield
        except StageError:
            follower.end()
            raise
        follower.end()
    finally:
        fleet.is_interrupted = True  # threads that still run end without a word
        fleet.group.close()
