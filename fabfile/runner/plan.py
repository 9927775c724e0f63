"""The plan: the effect of a run, before it happens. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from rr_config import Component, Options
from rr_config.hosts.natural_order import in_natural_order, natural_key

from ..components import launcher, start
from ..components.ownership import Foreign, Owner, read_foreign
from ..remote import state_dir
from ..remote.script import Script, load
from ..transfer.relay.tree import flows
from ..transfer.sync import SyncPlan
from ..util.stages import Failure


@attrs.frozen
class Present:
    """The sessions of that name on a host, and the names of the components that run there."""

    sessions: tuple[str, ...]
    running: frozenset[str]
    foreign: Foreign | None = None


@attrs.frozen
class HostPlan:
    """The effect of a run on a host: sessions that it ends, the session that it uses (None: a new one), and files."""

    host: str
    ends: tuple[str, ...]
    session: str | None
    sync: SyncPlan
    foreign: str | None = None


@attrs.frozen
class PlannedStart:
    """A window that a run would open, and its command as a person would type it. `is_running`: nothing is started."""

    component: Component
    command: str
    is_running: bool

    def as_dict(self) -> dict[str, object]:
        """Return all fields, with the host and the name of the component."""
        host, name = self.component.host, self.component.name
        return {"host": host, "name": name, "command": self.command, "is_running": self.is_running}


@attrs.frozen
class PlannedRelay:
    """So many `bytes` go from `source` to `host`. None as the source is this machine."""

    source: str | None
    host: str
    bytes: int


@attrs.frozen
class Plan:
    """The effect of a run, by host, and then by start index. `relays` is empty without `--relay`."""

    hosts: tuple[HostPlan, ...]
    starts: tuple[tuple[int, tuple[PlannedStart, ...]], ...]
    failures: tuple[Failure, ...] = ()
    relays: tuple[PlannedRelay, ...] = ()

    @property
    def is_possible(self) -> bool:
        """Whether no problem is known."""
        problems = (each.sync.problems or each.sync.refused or each.foreign for each in self.hosts)
        return not self.failures and not any(problems)

    def as_dict(self) -> dict[str, object]:
        """Return all fields under plain names, as `fab plan --json` prints them."""
        starts = []
        for index, windows in self.starts:
            starts.append({"start_index": index, "windows": [window.as_dict() for window in windows]})
        return {
            "hosts": [attrs.asdict(each, filter=lambda field, _: field.name != "relayed") for each in self.hosts],
            "starts": starts,
            "relays": [attrs.asdict(each) for each in self.relays],
            "failures": [{"where": each.where, "reason": each.reason} for each in self.failures],
        }


def present_script(session: str, owner: Owner, components: Sequence[Component]) -> Script:
    """Return the script that answers which sessions are there, and which components run. It changes nothing."""
    return load("plan", session=session, folders=state_dir.folders(components), **owner.values(False))


def read_present(session: str, components: Sequence[Component], answers: Sequence[str]) -> Present:
    """Return what `present_script` answered."""
    by_folder = state_dir.by_folder(components)
    sessions, running = [], set()
    for answer in answers:
        word, _, value = answer.partition(" ")
        if word == "session":
            sessions.append(value)
        elif word == "running":
            running.add(by_folder[value].name)
    return Present(tuple(sessions), frozenset(running), read_foreign(session, answers))


Found = Mapping[str, tuple[Present, SyncPlan]]  # by host


def plan(components: Sequence[Component], found: Found, options: Options, failures: Iterable[Failure] = ()) -> Plan:
    """Return what a run of `components` would do, given what was `found` on each host that did not fail."""

    def host_plan(host: str, present: Present, sync: SyncPlan) -> HostPlan:
        foreign = None if present.foreign is None or options.replace else str(present.foreign)
        if options.kill_first:
            return HostPlan(host, present.sessions, None, sync, foreign)
        return HostPlan(host, (), next(iter(present.sessions), None), sync, foreign)

    def window(component: Component) -> PlannedStart:
        is_running = not options.kill_first and component.name in found[component.host][0].running
        return PlannedStart(component, launcher.shown(component), is_running)

    reached = [component for component in components if component.host in found]
    return Plan(
        tuple(host_plan(host, *each) for host, each in found.items()),
        tuple((index, tuple(map(window, in_natural_order(own)))) for index, own in start.in_order(reached)),
        tuple(failures),
        tuple(_relays(found)),
    )


def _relays(found: Found) -> Iterator[PlannedRelay]:
    """Yield who passes files on to whom if all hosts are well."""
    wanted = {host: found[host][1].relayed for host in sorted(found, key=natural_key) if found[host][1].relayed}
    for host, sizes in flows(wanted).items():
        for source, size in sizes.items():
            yield PlannedRelay(source, host, size)
