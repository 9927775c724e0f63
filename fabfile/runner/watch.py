"""`Watch`: ask all hosts for the states of their components, again and again. It is `fab status --watch`."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import attrs

from rr_config import Component

from ..components.ownership import Foreign
from ..components.status import State, Status, in_states
from ..ssh.host_group import HostFailure, HostGroup, Work, outcome_of
from ..util.clock import Clock
from ..util.daemons import start_daemon
from ..util.event_queue import EventQueue
from ..util.rounds import Rounds
from ..util.text import duration

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
