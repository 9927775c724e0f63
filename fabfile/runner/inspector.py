"""`Inspector`: questions to the hosts of a config, and their answers as values.

It plans a run, and shows status and logs. Nothing here prints, or changes what runs.
"""

import math
import sys
from collections.abc import Callable, Collection
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Self, TypeVar

import attrs
from fabric import Config as Settings

from rr_config import Component, Config, ConfigError, Options
from rr_config.command_line.options import check_seconds
from rr_config.config import by_host
from rr_config.files.local_files import placed_once
from rr_config.hosts.natural_order import in_natural_order, natural_key
from rr_config.program import program

from ..components.attach import attach_command, read_window, window_script
from ..components.output.logs import Selection
from ..components.ownership import Foreign, Owner, owner_of, read_foreign
from ..components.status import State, Status, in_states, read_status, status_script
from ..diagnosis.execute import TIMED_OUT, Executed, exec_script, read_executed
from ..remote.ask import ask
from ..remote.host import Host
from ..ssh.login import prompts
from ..transfer.apply import LocalSources
from ..transfer.relay.relay import Relay
from ..transfer.sync import SyncPlan, Wishes, preview
from ..transfer.tree import Tree, Trees
from ..util import errors, lazy
from ..util.clock import SYSTEM_CLOCK, Clock
from ..util.stages import Failure, StageError
from . import follow
from .fleet import ONE_HOME, Fleet, UnreadSettings, checked_group
from .observer import Observer
from .plan import Plan, Present, plan, present_script, read_present
from .watch import Answer, Watch

if TYPE_CHECKING:  # only one command needs it, and loading it takes as long as many commands run
    from ..diagnosis.checks import Diagnosis


P = ParamSpec("P")
T = TypeVar("T")


@attrs.define
class Inspector:
    """Asks the hosts of a loaded config. Creating one checks the options (ConfigError) and touches no host.

    `foreign` are the sessions of other owners that the last `status` found, by host.

    Every method works on all hosts at once, and lets all of them finish. `close` closes the connections; a `with`
    statement does too.
    """

    config: Config
    options: Options = attrs.field(factory=Options)
    settings: Settings = attrs.field(factory=UnreadSettings, repr=False)
    observer: Observer = attrs.field(factory=Observer, on_setattr=attrs.setters.frozen)
    clock: Clock = attrs.field(default=SYSTEM_CLOCK, repr=False)
    foreign: dict[str, Foreign] = attrs.field(init=False, factory=dict, repr=False)
    _fleet: Fleet = attrs.field(init=False, repr=False)

    @_fleet.default
    def _made_fleet(self) -> Fleet:
        self.options = self.options.with_assigned(self.config)  # here, because the fleet is the first to use them
        group = checked_group(self.config, self.options, self.settings, self.clock)
        prompts.use_screen(self.observer)
        return Fleet(group, self.options.parallel, self.observer, self.clock, self.options.most_failed)

    @property
    def session(self) -> str:
        """The name of the session on every host."""
        return self.options.session_of(self.config)

    @property
    def owner(self) -> Owner:
        """The owner of the sessions that commands start."""
        return owner_of(self.config, self.options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections. Started programs continue to run."""
        self._fleet.group.close()

    def plan(self) -> Plan:
        """Return the steps of `run` in the current state of the hosts. Change nothing.

        A failed host raises no error. It is in the `failures` of the plan. Raise StageError if a local file is missing.
        """
        wanted, trees, sources = by_host(self.config.all_components()), self._trees("plan"), LocalSources()
        relay = Relay(wanted, self.clock) if self.options.relay else None

        def work(host: Host) -> tuple[Present, SyncPlan]:
            own = wanted[host.name]
            present = read_present(self.session, own, ask(host, present_script(self.session, self.owner, own)))
            wishes = Wishes(self.options.always_copy, self.options.delete, relay)
            return present, preview(host, self.session, trees()[host.name], sources, wishes)

        gathered = self._fleet.gather("plan", work)
        return plan(self.config.all_components(), gathered.results, self.options, gathered.failures)

    def _trees(self, stage: str) -> Callable[[], dict[str, dict[str, Tree]]]:
        """Return a function that returns the files for each host, by root. It reads the local file system on the first
        call.
        """

        def find() -> dict[str, dict[str, Tree]]:
            trees = Trees(placed_once())
            try:
                return {host: trees.of(own) for host, own in by_host(self.config.all_components()).items()}
            except ConfigError as error:  # a local file has disappeared since the config was loaded
                raise StageError(stage, [Failure("localhost", problem) for problem in error.problems]) from error

        return lazy.call_once(find)

    def status(self, with_origins: bool = False, states: Collection[State] = ()) -> list[Status]:
        """Return the status of every component, in the natural order of hosts and names.

        A failed host raises no error. Its components have the state `unknown`, and the reason as `problem`. With
        `with_origins`, each status includes the provenance that its host has kept. With `states`, return only the
        components in these, and those in the state `unknown`.
        """
        wanted = by_host(self.config.all_components())
        gathered = self._fleet.gather("status", self._status_question(with_origins))
        self.foreign = {host: session for host, (_, session) in gathered.results.items() if session is not None}
        statuses: dict[str, Status] = {}
        for own, _ in gathered.results.values():
            statuses.update((each.component.label, each) for each in own)
        for failure in gathered.failures:
            for component in wanted[failure.where]:
                statuses[component.label] = Status(component, State.UNKNOWN, problem=failure.reason)
        found = [statuses[component.label] for component in in_natural_order(self.config.all_components())]
        return in_states(found, states) if states else found

    def _status_question(self, with_origins: bool) -> Callable[[Host], Answer]:
        """Return a function that asks a host for the states of its components, and for a session of another owner."""
        wanted = by_host(self.config.all_components())

        def work(host: Host) -> Answer:
            own = wanted[host.name]
            answers = ask(host, status_script(self.session, self.owner, own, with_origins))
            return read_status(own, answers), read_foreign(self.session, answers)

        return work

    def watch(self, states: Collection[State] = ()) -> Watch:
        """Return a `Watch`, whose `looks` are the states of all components, every two seconds, without end.

        A host that fails raises no error. A slow host keeps its last states, and delays no other. For `states` see
        `status`.
        """
        fleet, components = self._fleet, in_natural_order(self.config.all_components())
        return Watch(fleet.group, components, self._status_question(False), fleet.parallel, self.clock, states)

    def logs(self, selection: Selection | None = None, observer: Observer | None = None) -> None:
        """Pass each line of the selected output, by default of all output, to `observer.output`.

        With `selection.follow`, continue until an interrupt. Open a lost connection again; no line is lost. Raise
        StageError for hosts that fail.
        """
        fleet = attrs.evolve(self._fleet, observer=observer or self.observer)
        follow.follow(fleet, self.session, self.config.all_components(), selection or Selection())

    def execute(self, text: str, timeout: int | None = None) -> dict[str, Executed]:
        """Run a command line with sh in the home directory of every host; return its output and status by host.

        Raise ConfigError for an invalid `timeout` or an empty line. Raise StageError for hosts where it ends with
        another status than 0, or not within `timeout` seconds.
        """
        if timeout is not None:
            check_seconds("timeout", timeout, least=1)
        if not text.strip():
            raise ConfigError("exec: missing command line, for example: uptime")
        script = exec_script(text, timeout)

        def work(host: Host) -> Executed:
            return read_executed(ask(host, script, math.inf if timeout is None else timeout))

        def failures(host: str, found: Executed) -> list[Failure]:
            if timeout is not None and found.status in TIMED_OUT:
                return [Failure(host, f"timed out after {timeout} s")]
            return [Failure(host, f"exited with {found.status}")] if found.status else []

        return self._fleet.on_all("exec", work, failures)

    def attach(self, component: Component) -> None:
        """Show the window of `component` in the terminal of this process, until the user detaches it.

        Raise StageError if the component has no window or the connection is lost. Raise ConfigError without a terminal.
        """
        if not (sys.stdin and sys.stdin.isatty() and sys.stdout and sys.stdout.isatty()):
            raise ConfigError(f"attach: stdin and stdout must be a terminal; to see output, use: {program()} logs")
        script = window_script(self.session, component)
        windows = self._fleet.on_all("attach", lambda host: read_window(ask(host, script)), hosts=[component.host])
        host = self._fleet.group.hosts[component.host]
        try:
            status = host.hand_over_terminal(attach_command(windows[host.name]))
        except errors.HostError as error:
            raise StageError("attach", [Failure(component.label, str(error))]) from error
        if status:
            raise StageError("attach", [Failure(component.label, f"screen has ended with exit status {status}")])

    def doctor(self) -> "list[Diagnosis]":
        """Return a diagnosis of each host, in natural order: missing packages, programs, space and so on.

        It changes nothing on hosts. A failed host raises no error. Its diagnosis holds the reason.
        """
        from ..diagnosis.checks import examine, unreachable

        components, trees = by_host(self.config.all_components()), self._trees("doctor")

        def work(host: Host) -> "Diagnosis":
            return examine(host, self.session, components[host.name], trees()[host.name], self.options.always_copy)

        gathered = self._fleet.gather("doctor", work)
        found = list(gathered.results.values())
        found += [unreachable(failure.where, failure.reason) for failure in gathered.failures]
        found += [unreachable(f"{one} and {other}", ONE_HOME) for one, other in self._fleet.group.met_twice()]
        return sorted(found, key=lambda each: natural_key(each.host))


S = TypeVar("S", bound=Inspector)


def stage_group(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """Make the stages of a method one `Fleet.stage_group`."""

    @wraps(method)
    def together(self: S, *args: P.args, **kwargs: P.kwargs) -> T:
        with self._fleet.stage_group():
            return method(self, *args, **kwargs)

    return together  # type: ignore[return-value]  # it calls its first parameter `self`
