"""What a run would do: the question to a host, what it answers, and the plan that comes of it. Pure."""

from collections.abc import Iterable, Mapping, Sequence

import attrs

from rr_config import Component, Options

from ..components import launcher, start
from ..remote import state_dir
from ..remote.script import Script, load
from ..transfer.sync import SyncPlan


@attrs.frozen
class Present:
    """What is there on a host: its sessions of the right name, and the names of components that run."""

    sessions: tuple[str, ...]
    running: frozenset[str]


@attrs.frozen
class HostPlan:
    """What would be done on a host: sessions that end, the one that is used (None: a new one), files."""

    host: str
    ends: tuple[str, ...]
    session: str | None
    sync: SyncPlan


@attrs.frozen
class PlannedStart:
    """A window that would be opened, and its command as sh would be told; none where the component runs already."""

    component: Component
    command: str
    is_running: bool


@attrs.frozen
class Plan:
    """What a run would do, by host, and then by start index."""

    hosts: tuple[HostPlan, ...]
    starts: tuple[tuple[int, tuple[PlannedStart, ...]], ...]

    @property
    def is_possible(self) -> bool:
        """Whether nothing is known that would keep it from being done."""
        return not any(each.sync.problems for each in self.hosts)

    def as_dict(self) -> dict[str, object]:
        """All of it under plain names, as `fab plan --json` has it."""
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
    """What `present_script` answered."""
    words = [answer.split(" ", 1) for answer in answers]
    names = {state_dir.folder(component.name): component.name for component in components}
    return Present(
        tuple(value for word, value in words if word == "session"),
        frozenset(names[value] for word, value in words if word == "running"),
    )


def plan(components: Sequence[Component], found: Mapping[str, tuple[Present, SyncPlan]], options: Options) -> Plan:
    """What a run of `components` would do, where the hosts have what was found on them."""

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
