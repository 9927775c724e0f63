"""The plan: the effect of a run, before it happens. Pure."""

from collections.abc import Iterable, Mapping, Sequence

import attrs

from rr_config import Component, Options

from ..components import launcher, start
from ..remote import state_dir
from ..remote.script import Script, load
from ..transfer.sync import SyncPlan


@attrs.frozen
class Present:
    """The sessions of that name on a host, and the names of the components that run there."""

    sessions: tuple[str, ...]
    running: frozenset[str]


@attrs.frozen
class HostPlan:
    """The effect of a run on a host: sessions that it ends, the session that it uses (None: a new one), and files."""

    host: str
    ends: tuple[str, ...]
    session: str | None
    sync: SyncPlan


@attrs.frozen
class PlannedStart:
    """A window that a run would open, and its command as a person would type it. `is_running`: nothing is started."""

    component: Component
    command: str
    is_running: bool


@attrs.frozen
class Plan:
    """The effect of a run, by host, and then by start index."""

    hosts: tuple[HostPlan, ...]
    starts: tuple[tuple[int, tuple[PlannedStart, ...]], ...]

    @property
    def is_possible(self) -> bool:
        """Whether no problem is known."""
        return not any(each.sync.problems for each in self.hosts)

    def as_dict(self) -> dict[str, object]:
        """Return all fields under plain names, as `fab plan --json` prints them."""
        return {
            "hosts": [attrs.asdict(each) for each in self.hosts],
            "starts": [
                {
                    "start_index": index,
                    "windows": [
                        {
                            "host": window.component.host,
                            "name": window.component.name,
                            "command": window.command,
                            "is_running": window.is_running,
                        }
                        for window in windows
                    ],
                }
                for index, windows in self.starts
            ],
        }


def present_script(session: str, components: Sequence[Component]) -> Script:
    """Return the script that answers which sessions are there, and which components run. It changes nothing."""
    return load("present", session=session, folders=state_dir.folders(components))


def read_present(components: Sequence[Component], answers: Iterable[str]) -> Present:
    """Return what `present_script` answered."""
    words = [answer.split(" ", 1) for answer in answers]
    names = {state_dir.folder(component.name): component.name for component in components}
    return Present(
        tuple(value for word, value in words if word == "session"),
        frozenset(names[value] for word, value in words if word == "running"),
    )


def plan(components: Sequence[Component], found: Mapping[str, tuple[Present, SyncPlan]], options: Options) -> Plan:
    """Return what a run of `components` would do, given what was `found` on each host."""

    def host_plan(host: str, present: Present, sync: SyncPlan) -> HostPlan:
        if options.kill_first:
            return HostPlan(host, present.sessions, None, sync)
        return HostPlan(host, (), next(iter(present.sessions), None), sync)

    def window(component: Component) -> PlannedStart:
        is_running = not options.kill_first and component.name in found[component.host][0].running
        return PlannedStart(component, launcher.shown(component), is_running)

    return Plan(
        tuple(host_plan(host, *each) for host, each in sorted(found.items())),
        tuple((index, tuple(map(window, own))) for index, own in start.in_order(components)),
    )
