"""Follow the output of components on all hosts at once, over one channel for each host, or their states.

`follow` is `fab logs`, and `Follower` shows output while another command runs. A lost connection is opened again, and
reading goes on where it ended. `Watch` is `fab status --watch`.
"""

import contextlib
import math
import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial

import attrs

from rr_config import Component
from rr_config.config import by_host
from rr_config.hosts.natural_order import in_natural_order, natural_key

from ..components.output.logs import LOOKED, LogLine, LogReader, Selection, logs_script, read_logs
from ..components.ownership import Foreign
from ..components.status import State, Status, in_states
from ..remote import state_dir
from ..remote.ask import conversation, persistently
from ..remote.conversation import Conversation
from ..remote.host import Host
from ..remote.script import DONE
from ..ssh.host_group import HostFailure, HostGroup, Work, outcome_of
from ..util.clock import Clock
from ..util.daemons import start_daemon
from ..util.errors import ConnectionLost
from ..util.event_queue import EventQueue
from ..util.limits import FIRST_SECONDS, MOST_BLOCKS
from ..util.rounds import Rounds
from ..util.stages import StageError
from ..util.text import duration
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


WATCH_SECONDS = 2  # between two rounds
LATE_SECONDS = 5  # a host without an answer for so long is late
UNKNOWN_SECONDS = 60  # after so long, the states on a late host are unknown

Answer = tuple[list[Status], Foreign | None]  # of one host


@attrs.frozen
class Look:
    """The states of all components at one time, in seconds since 1970.

    `foreign` are sessions of other owners, by host. `late` are hosts whose last answer is LATE_SECONDS old or more,
    with its age in seconds. `pending` are hosts that have neither answered yet nor failed, with the number of their
    components, which are not in `statuses`.
    """

    time: float
    statuses: Sequence[Status]
    foreign: Mapping[str, Foreign] = attrs.field(factory=dict)
    late: Mapping[str, float] = attrs.field(factory=dict)
    pending: Mapping[str, int] = attrs.field(factory=dict)


@attrs.define
class Watch:
    """Asks all hosts for the states of their components, again and again.

    A slow host delays no other. Its last states remain for UNKNOWN_SECONDS. A host that fails soon, for example because
    it refuses the connection, is unknown at once.
    """

    group: HostGroup
    components: Sequence[Component]
    ask: Work[Answer]
    at_once: int
    clock: Clock
    states: Collection[State] = ()  # show only components in these, by default all
    _events: EventQueue = attrs.field(init=False)
    _rounds: Rounds = attrs.field(init=False)
    _answers: dict[str, Answer] = attrs.field(init=False, factory=dict)
    _times: dict[str, float] = attrs.field(init=False, factory=dict)  # of these answers
    _began: float = attrs.field(init=False)
    _asked: dict[str, float] = attrs.field(init=False, factory=dict)  # times of the last questions
    _failures: dict[str, str] = attrs.field(init=False, factory=dict)
    _is_due: bool = attrs.field(init=False, default=False)

    def __attrs_post_init__(self) -> None:
        self._events, self._rounds = EventQueue(self.clock), Rounds(self.at_once)
        self._began = self.clock.monotonic()

    def call(self, function: Callable[[], object]) -> None:
        """Call a function between two looks, then look again. Any thread, or a signal handler, may call this."""
        self._events.put(self._call, function)

    def looks(self) -> Iterator[Look]:
        """Yield a look after each round, but at the latest every WATCH_SECONDS. This never ends by itself."""
        self._begin_round()
        while True:
            self._events.next()()
            if self._is_due:
                self._is_due = False
                yield self._look()

    def _call(self, function: Callable[[], object]) -> None:
        function()
        self._is_due = True

    def _begin_round(self) -> None:
        self._is_due = not self._rounds.is_complete
        self._rounds.begin(self.group.hosts)
        self._ask_hosts()
        self._events.set_timer(WATCH_SECONDS, self._begin_round)

    def _ask_hosts(self) -> None:
        for name in self._rounds.due():
            self._asked[name] = self.clock.monotonic()
            start_daemon(self._ask, name)

    def _ask(self, name: str) -> None:
        self._events.put(self._answered, name, outcome_of(self.group.hosts[name], self.ask))

    def _answered(self, name: str, outcome: Answer | HostFailure | BaseException) -> None:
        now = self.clock.monotonic()
        if isinstance(outcome, BaseException):
            raise outcome
        if not isinstance(outcome, HostFailure):
            self._answers[name], self._times[name] = outcome, now
            self._failures.pop(name, None)
        elif name not in self._times or self._reason(name, now) or now - self._asked[name] < LATE_SECONDS:
            self._failures[name] = outcome.reason
        was_complete = self._rounds.is_complete
        self._rounds.answered(name)
        self._ask_hosts()
        self._is_due |= self._rounds.is_complete and not was_complete

    def _reason(self, name: str, now: float) -> str | None:
        """Return the reason why the states on a host are unknown, if they are."""
        if name in self._failures:
            return self._failures[name]
        age = now - self._times.get(name, self._began)
        return f"no answer for {duration(age)}" if age >= UNKNOWN_SECONDS else None

    def _look(self) -> Look:
        now = self.clock.monotonic()
        reasons = {host: self._reason(host, now) for host in self.group.hosts}
        known = [host for host, reason in reasons.items() if reason is None and host in self._answers]
        found = {each.component.label: each for host in known for each in self._answers[host][0]}
        statuses: list[Status] = []
        pending: Counter[str] = Counter()
        for each in self.components:
            reason = reasons[each.host]
            if each.label in found:
                statuses.append(found[each.label])
            elif reason is None:
                pending[each.host] += 1
            else:
                statuses.append(Status(each, State.UNKNOWN, problem=reason))
        sessions = {host: self._answers[host][1] for host in known}
        foreign = {host: session for host, session in sessions.items() if session is not None}
        ages = {host: now - self._times[host] for host in known}
        late = {host: age for host, age in ages.items() if age >= LATE_SECONDS}
        shown = in_states(statuses, self.states) if self.states else statuses
        return Look(self.clock.now(), shown, foreign, late, pending)
