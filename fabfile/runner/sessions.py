"""`SessionCommands`: the first check of all hosts, and the commands `kill`, `stop` and `screen`."""

import contextlib
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import attrs

from rr_config import Component
from rr_config.checks.secrets import check_secrets
from rr_config.command_line.options import GRACE_SECONDS, check_seconds
from rr_config.config import by_host
from rr_config.hosts.natural_order import in_natural_order

from ..components import screen, start
from ..components.ownership import Foreign, connect_script, read_connect
from ..components.requirements import as_arguments
from ..components.screen import Killed, Session
from ..components.stop import read_stopped, stop_script
from ..components.wait import Ended
from ..remote.ask import ask, conversation
from ..remote.host import Host
from ..remote.script import Script, Value
from ..ssh.connection import connect_seconds
from ..transfer.sync import check_removals, may_remove
from ..transfer.tree import ByRoot
from ..util.errors import HostError
from ..util.stages import Failure, StageError
from .fleet import Fleet
from .inspector import stage_group
from .result_commands import ResultCommands
from .waiting.tracker import Tracker

MOST_LISTED = 20  # components in one message


@attrs.define
class SessionCommands(ResultCommands):
    """Checks, ends and opens the sessions of a config on all hosts, and stops components in them."""

    _tracker: Tracker = attrs.field(init=False, factory=Tracker, repr=False)

    def kill(self) -> dict[str, Killed]:
        """Kill the session on every host, and all processes started in it; return the result by host.

        Work on all hosts that answer. Then raise StageError with the components that may still run on the others.
        """
        script, own = self._session_script(kill=True, open_=False), by_host(self.config.all_components())

        def work(host: Host) -> Killed:
            killed = screen.read_killed(iter(ask(host, script)))
            self._tracker.forget_session(own[host.name], is_renewed=False)
            return killed

        with self._hosts_that_answer() as fleet:
            return fleet.on_all("kill", work)

    def stop(self, *, grace: float = GRACE_SECONDS) -> dict[str, list[Ended]]:
        """Stop the components, the last start index first; return how each ended, by host. Session and windows stay.

        Each program and its child processes get its `stop_signal`, and KILL after `grace` seconds. `was_running` is
        False for a component that did not run. Work on all hosts that answer, and raise StageError, as `kill` does.
        Raise ConfigError if `grace` is negative.
        """
        check_seconds("grace", grace)
        with self._hosts_that_answer() as fleet:
            return self._stop(fleet, self.config.all_components(), grace)

    def _stop(self, fleet: Fleet, chosen: Iterable[Component], grace: float) -> dict[str, list[Ended]]:
        stopped: dict[str, list[Ended]] = {}
        for index, components in reversed(start.in_order(chosen)):
            wanted = by_host(components)
            self.observer.awaits(f"stop {index}", [each.label for each in in_natural_order(components)], grace)

            def work(host: Host, wanted: dict[str, list[Component]] = wanted) -> list[Ended]:
                own = wanted[host.name]
                script = stop_script(self.session, own, grace, self._ownership())
                ended = read_stopped(own, ask(host, script, grace))
                self._tracker.record_stops(ended)
                return ended

            for host, ended in fleet.on_all(f"stop {index}", work, hosts=wanted).items():
                stopped.setdefault(host, []).extend(ended)
        return stopped

    def _stopped(self, error: StageError, silent: Collection[str] = ()) -> StageError:
        """Stop all components, also on hosts that failed, those on `silent` hosts last.

        Return `error`, with the failures of that.
        """
        fleet = self._fresh_fleet()
        at_once: list[Component] = []
        at_last: list[Component] = []
        for component in self.config.all_components():
            (at_last if component.host in silent else at_once).append(component)
        try:
            with fleet.stage_group():
                self._stop(fleet, at_once, GRACE_SECONDS)
                self._stop(fleet, at_last, GRACE_SECONDS)
        except StageError as another:
            failures = [each._replace(stage=each.stage or another.stage) for each in another.failures]
            final = error.final | another.final
            return StageError(error.stage, [*error.failures, *failures], error.hosts | another.hosts, final=final)
        return error

    @contextlib.contextmanager
    def _hosts_that_answer(self) -> Iterator[Fleet]:
        """Yield the fleet of a command that ends something. Hosts that do not answer take no part.

        Refuse sessions of other owners, before any change. At the end, raise StageError for hosts that failed, with the
        components that may still run there.
        """
        fleet = attrs.evolve(self._fresh_fleet(), explain=self._with_survivors)
        with fleet.stage_group():
            self.observer.awaits("connect", list(fleet.group.hosts), self._connect_seconds)
            found = fleet.on_all("connect", self._foreign_on)
            refusals = [Failure(host, foreign.refusal) for host, foreign in found.items() if foreign]
            if refusals:
                hosts = {each.where for each in refusals}
                failures = [*fleet.failures, *refusals]
                raise StageError("connect", failures, fleet.out | hosts, final=fleet.final | hosts)
            yield fleet

    def _fresh_fleet(self) -> Fleet:
        """Return a fleet of all hosts that goes on after any number of failures."""
        return attrs.evolve(self._fleet, most_failed=math.inf, out=set(), final=set(), failures=[], depth=0)

    def _with_survivors(self, failure: Failure, hosts: Collection[str]) -> Failure:
        """Return a failure of these hosts with the components that may still run there."""
        own = in_natural_order(each for each in self.config.all_components() if each.host in hosts)
        if not own:
            return failure
        names = [each.name if len(hosts) == 1 else each.label for each in own]
        listed = ", ".join(names[:MOST_LISTED]) + (", ..." if len(names) > MOST_LISTED else "")
        return failure._replace(reason=f"{failure.reason}; any of these may still run: {listed}")

    @stage_group
    def screen(self) -> dict[str, Session]:
        """Start a session on every host that has none; return the new or existing session by host.

        Raise StageError if a host has several sessions of that name, or if screen cannot start one.
        """
        self._connect(self._fleet, "screen")
        return self._open_sessions()

    def _open_sessions(self) -> dict[str, Session]:
        script = self._session_script(kill=False, open_=True)
        return self._fleet.on_all("screen", lambda host: screen.read_session(iter(ask(host, script))))

    def _foreign_on(
        self,
        host: Host,
        tools: str = "screen",
        requirements: Sequence[Value] = (),
        in_session: bool = False,
        trees: ByRoot | None = None,
    ) -> Foreign | None:
        """Check that a host is ready, also for a sync of `trees`; return the session of another owner there, if any."""
        script = connect_script(self.session, self.owner, self.options.replace, tools, requirements, in_session)
        if trees is not None and may_remove(trees):
            answers = check_removals(host, script, self.session, trees)
        else:
            answers = ask(host, script)
        return read_connect(self.session, answers)

    def _connect(
        self,
        fleet: Fleet,
        tools: str,
        with_requirements: bool = False,
        in_session: bool = False,
        trees: Callable[[], Mapping[str, ByRoot]] = dict,
    ) -> None:
        """Check that every host is ready, before anything changes on any host. `tools` are programs that it needs.

        With `in_session`, it must have the session. `trees` returns the files by host whose removals are counted.
        """
        own = by_host(self.config.all_components())
        if with_requirements:
            check_secrets(self.config.all_components())
        foreign: set[str] = set()

        def work(host: Host) -> Foreign | None:
            needed = as_arguments(own[host.name]) if with_requirements else []
            return self._foreign_on(host, tools, needed, in_session, trees().get(host.name))

        def failures(host: str, found: Foreign | None) -> list[Failure]:
            if found is None:
                return []
            foreign.add(host)
            return [Failure(host, found.refusal)]

        self.observer.awaits("connect", list(fleet.group.hosts), self._connect_seconds)
        try:
            fleet.on_all("connect", work, failures)
        except StageError as error:
            error.final |= foreign
            raise
        fleet.final = fleet.final | foreign

    @property
    def _connect_seconds(self) -> float:
        return connect_seconds(self.settings) * (1 + self.options.retries)

    def _ownership(self) -> dict[str, Value]:
        return self.owner.values(self.options.replace)

    def _session_script(self, kill: bool, open_: bool) -> Script:
        zombie = not self.options.no_zombie
        return screen.session_script(self.session, self.owner, self.options.replace, zombie, kill=kill, open_=open_)

    def _renew_sessions(self) -> None:
        """End the old sessions and open new ones: two stages, but one script for both."""
        script, own = self._session_script(kill=True, open_=True), by_host(self.config.all_components())
        opened: dict[str, Session | HostError] = {}

        def kill(host: Host) -> Killed:
            with conversation(host, script) as talk:
                answers = talk.answers()
                killed = screen.read_killed(answers)
                self._tracker.forget_session(own[host.name], is_renewed=False)
                try:
                    opened[host.name] = screen.read_session(answers)
                    list(answers)
                    self._tracker.forget_session(own[host.name], is_renewed=True)
                except HostError as error:  # it belongs to the next stage
                    opened[host.name] = error
            return killed

        def result(host: Host) -> Session:
            outcome = opened[host.name]
            if isinstance(outcome, HostError):
                raise outcome
            return outcome

        self._fleet.on_all("kill", kill)
        self._fleet.on_all("screen", result)
