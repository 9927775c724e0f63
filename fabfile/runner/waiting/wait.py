"""Wait for components to end, on all hosts at once, over one channel for each host.

One thread for each host talks to it. It puts all that happens there into one queue, as events. Another thread reads the
queue, and this thread alone changes the state of the wait. The threads of the HostGroup only wait for the outcome of
each host, a Future that the reader of the queue sets. So the wait can abandon a host that hangs while it connects.

A lost connection is opened again. All hosts are asked to leave when nothing is awaited on any of them, at the timeout,
or when `on_end` ends the wait. A host gets LEAVE_SECONDS to report its last ends. At the timeout, a host that has
never been reached gets FIRST_SECONDS. Then its connection is cut.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from rr_config import Component
from rr_config.config import by_host, by_label
from rr_config.hosts.natural_order import natural_key

from ...components import wait
from ...components.wait import Ended, NotEnded
from ...remote.ask import conversation, persistently
from ...remote.conversation import Conversation
from ...remote.host import Host
from ...util import daemons, errors, event_queue
from ...util.limits import FIRST_SECONDS, LEAVE_SECONDS
from ...util.stages import Failure, StageError, in_order
from ..fleet import Fleet
from .host_wait import HostWait, Phase


@attrs.define
class Wait:
    """Waits for all `awaited` to end, on all their hosts, then terminates `to_terminate`.

    `on_end` is called for each end of an awaited component. It is called for an end of a `watched` one, too, until the
    termination begins. If it returns False, the wait asks all hosts to leave, and `ends` returns the ends so far.
    `on_terminate` is called when the termination begins.

    After the wait, `silent` are hosts that were asked to leave, and failed or did not answer in time.
    `terminated_hosts` are hosts on which all of `to_terminate` have ended.
    """

    fleet: Fleet
    session: str
    awaited: Sequence[Component]
    watched: Sequence[Component]
    to_terminate: Sequence[Component]
    on_end: Callable[[Ended], bool]
    on_terminate: Callable[[], None]
    silent: set[str] = attrs.field(init=False, factory=set)
    terminated_hosts: set[str] = attrs.field(init=False, factory=set)
    _to_terminate: Mapping[str, Sequence[Component]] = attrs.field(init=False)
    _hosts: dict[str, HostWait] = attrs.field(init=False)
    _talking: set[str] = attrs.field(init=False)  # hosts whose threads have not ended
    _pending: set[str] = attrs.field(init=False)  # hosts on which something is still awaited
    _last_command: bytes = attrs.field(init=False, default=wait.TERMINATE)  # LEAVE if some end is not known
    _is_late: bool = attrs.field(init=False, default=False)
    _error: BaseException | None = attrs.field(init=False, default=None)
    _events: event_queue.EventQueue = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._events = event_queue.EventQueue(self.fleet.clock)
        awaited = self._reachable(self.awaited)
        watched = self._reachable(self.watched)
        self._to_terminate = self._reachable(self.to_terminate)
        self._hosts = {}
        for name in sorted({*awaited, *watched, *self._to_terminate}, key=natural_key):
            own = by_label(awaited.get(name, []))
            self._hosts[name] = HostWait(name, own | by_label(watched.get(name, [])), own)
        self._talking = set(self._hosts)
        self._pending = set(awaited)
        if any(component.host in self.fleet.out for component in self.awaited):
            self._last_command = wait.LEAVE  # nobody knows whether it has ended on that host

    def _reachable(self, components: Iterable[Component]) -> dict[str, list[Component]]:
        return by_host(each for each in components if each.host not in self.fleet.out)

    def ends(self, timeout: float | None) -> dict[str, list[Ended]]:
        """Return how all `awaited` ended, by host.

        Raise StageError for components that did not end with 0, or not within `timeout` seconds. An exception that
        `on_end` raises is raised here.
        """
        if not self._hosts:
            return {}
        if timeout is not None:
            self._events.set_timer(timeout, self._on_timeout)
        daemons.start_daemon(self._read_events)
        lost: StageError | None = None
        try:
            ends = self.fleet.on_all("wait", self._outcome, hosts=self._hosts, parallel=len(self._hosts))
        except StageError as error:
            lost = error
        finally:
            self._events.put(self._stop)  # needed after Ctrl-C; otherwise all hosts are over
        if self._error:
            raise self._error
        failures = self._failures()
        if lost:
            raise StageError("wait", [*lost.failures, *failures], lost.hosts, final=lost.final) from lost
        if failures:
            raise StageError("wait", [*self.fleet.failures, *failures], self.fleet.out, final=self.fleet.final)
        return ends

    def _failures(self) -> list[Failure]:
        """Return the components that did not end with 0, or not in time."""
        outcomes: list[Ended | NotEnded] = []
        missing: list[Component] = []
        for here in self._hosts.values():
            outcomes += here.ends
            missing += here.awaited.values()
        if self._is_late and not missing:  # the last ends came while the hosts left, so nothing was terminated
            for name, components in self._to_terminate.items():
                if name not in self.terminated_hosts:
                    missing += components
        if self._is_late:
            outcomes += map(NotEnded, missing)
        return in_order(each.failure for each in outcomes if not each.is_success)

    def _outcome(self, host: Host) -> list[Ended]:
        """Start the thread that talks to a host; wait for its outcome: how the awaited components ended there."""
        here = self._hosts[host.name]
        daemons.start_daemon(self._talk, host, here)
        return here.outcome.result()

    # In the threads that talk to hosts.

    def _talk(self, host: Host, here: HostWait) -> None:
        def lost(reason: str) -> None:
            if here.is_wanted:
                self.fleet.lost("wait", host.name, reason)

        problem: BaseException | None = None
        try:
            persistently(lambda: self._attempt(host, here), lost, host.clock)
        except BaseException as error:  # raised again in `_outcome`
            problem = error
        self._events.put(self._on_finished, here, problem)

    def _attempt(self, host: Host, here: HostWait) -> None:
        if here.was_reached and not here.is_wanted:
            return  # a leaving host that was lost; one that was never reached may still report ends
        expected = list(here.unreported.values())
        script = wait.wait_script(self.session, expected, self._to_terminate.get(host.name, []))
        with conversation(host, script, patience=math.inf) as talk:
            self._events.put(self._on_reached, here, talk)
            try:
                for ended in wait.read_ended(expected, talk.answer):
                    label = ended.component.label
                    if label not in here.unreported:
                        raise ValueError(f"the end of {label} was reported twice")
                    del here.unreported[label]
                    self._events.put(self._on_ended, here, ended)
            finally:
                self._events.put(self._on_lost, here)

    # In the thread that reads the events: each method below is an event, or a step of one.

    def _read_events(self) -> None:
        while self._talking:
            event = self._events.next()
            try:
                event()
            except BaseException as error:  # for example from `on_end`
                self._error = self._error or error
                self._stop()

    def _on_reached(self, here: HostWait, talk: Conversation) -> None:
        here.talk, here.was_reached = talk, True
        if here.phase is Phase.NOT_REACHED:
            here.phase = Phase.WAITING
        if not here.is_wanted:
            talk.tell(wait.LEAVE)
        elif not self._pending:
            talk.tell(self._last_command)

    def _on_lost(self, here: HostWait) -> None:
        here.talk = None

    def _on_ended(self, here: HostWait, ended: Ended) -> None:
        if here.phase is Phase.OVER:
            return
        # Once the others are terminated, a watched component may fail because of that.
        is_reported = bool(self._pending) or not self._to_terminate
        if here.awaited.pop(ended.component.label, None):
            here.ends.append(ended)
        if is_reported and not self.on_end(ended):
            self._leave(self._hosts.values())
        if not here.awaited:
            self._nothing_awaited_on(here)

    def _nothing_awaited_on(self, here: HostWait) -> None:
        """Once nothing is awaited on any host, send the command."""
        if here.name not in self._pending:
            return
        self._pending.remove(here.name)
        if self._pending:
            return
        leaving = self._hosts if self._last_command == wait.LEAVE else self._hosts.keys() - self._to_terminate.keys()
        self._leave(self._hosts[name] for name in leaving)
        if self._to_terminate and self._last_command == wait.TERMINATE:
            self.on_terminate()
        for each in self._hosts.values():
            if each.is_wanted and each.talk:
                each.talk.tell(self._last_command)

    def _on_finished(self, here: HostWait, problem: BaseException | None) -> None:
        """The thread that talks to the host has ended."""
        self._talking.remove(here.name)
        if here.phase is Phase.OVER:
            return
        has_unreported = bool(here.unreported) or here.name in self._to_terminate
        if problem is None and here.is_wanted and self._pending and has_unreported:
            problem = ValueError("the end of some components was not reported")
        if problem is None:
            if here.is_wanted and self._last_command == wait.TERMINATE:
                self.terminated_hosts.add(here.name)
            self._settle(here)
        elif here.is_wanted or self._is_late:
            self._fail(here, problem)
        else:
            self._give_up_on(here)

    def _on_timeout(self) -> None:
        if self._pending and not all(here.phase is Phase.OVER for here in self._hosts.values()):
            self._is_late = True
            self._leave(each for each in self._hosts.values() if each.was_reached)
            self._leave((each for each in self._hosts.values() if not each.was_reached), FIRST_SECONDS)

    def _leave(self, hosts: Iterable[HostWait], seconds: float = LEAVE_SECONDS) -> None:
        """Ask these hosts to leave. After `seconds`, cut the connections that are still open."""
        leaving = [here for here in hosts if here.is_wanted]
        for here in leaving:
            here.phase = Phase.LEAVING
            if here.talk:
                here.talk.tell(wait.LEAVE)
        if leaving:
            self._events.set_timer(seconds, self._cut, leaving)

    def _cut(self, hosts: Iterable[HostWait]) -> None:
        for here in hosts:
            if here.phase is Phase.OVER:
                continue
            if here.talk:
                here.talk.cut()
            if self._is_late and not here.was_reached:
                self._fail(here, errors.HostError("timed out; the host was not reached"))
            else:
                self._give_up_on(here)

    def _give_up_on(self, here: HostWait) -> None:
        self.silent.add(here.name)
        self._settle(here)

    def _fail(self, here: HostWait, problem: BaseException) -> None:
        """Report the host as failed. The others must not wait for it."""
        if here.awaited:
            self._last_command = wait.LEAVE
        here.awaited.clear()
        self._settle(here, problem)
        self._nothing_awaited_on(here)

    def _settle(self, here: HostWait, problem: BaseException | None = None) -> None:
        here.phase = Phase.OVER
        if problem:
            here.outcome.set_exception(problem)
        else:
            here.outcome.set_result(here.ends)

    def _stop(self) -> None:
        self.on_end = lambda ended: False
        self._leave(self._hosts.values())
