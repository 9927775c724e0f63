"""Rows and lines of the tables that commands show. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..components.status import State, Status
from ..diagnosis.checks import Diagnosis, Verdict
from ..runner.clean import Leftovers
from ..runner.plan import HostPlan, Plan
from ..transfer.sync import SyncPlan
from ..util.host_ranges import folded, host_range
from ..util.text import byte_size, counted, duration, printable
from .terminal import BOLD, RED, YELLOW, Row

MOST_FILES = 20
MOST_REMOVALS = 100


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield the lines of a plan. Lines of hosts, or of a start index, are indented. Equal hosts share their lines."""
    steps = ((host.host, "\n".join(map(printable, _host_plan_lines(host)))) for host in plan.hosts)
    for hosts, text in folded(steps):
        yield printable(hosts)
        for line in text.split("\n"):
            yield f"  {line}"
    yield from _relay_lines(plan)
    for index, windows in plan.starts:
        yield f"start {index}"
        commands = ((each.component.label, "already running" if each.is_running else each.command) for each in windows)
        for labels, command in folded(commands):
            yield f"  {printable(f'{labels}  {command}')}"
    for places, reason in folded((failure.where, failure.reason) for failure in plan.failures):
        yield printable(f"unknown: {places}: {reason}")


def _relay_lines(plan: Plan) -> Iterator[str]:
    if plan.relays:
        yield "relay"
    receivers: dict[tuple[str, int], list[str]] = {}
    for each in plan.relays:
        receivers.setdefault((each.source or "this machine", each.bytes), []).append(each.host)
    for (source, size), hosts in receivers.items():
        yield printable(f"  {source} to {', '.join(hosts)}: {byte_size(size)}{' each' if len(hosts) > 1 else ''}")


def _host_plan_lines(host: HostPlan) -> Iterator[str]:
    if host.foreign is not None:
        yield f"needs --replace: {host.foreign}"
    for id_ in host.ends:
        yield f"end session {_session_name(id_)}"
    yield f"use session {_session_name(host.session)}" if host.session else "start a new session"
    sync = host.sync
    size = byte_size(sum(file.bytes for file in sync.send))
    yield f"send {len(sync.send):,} of {counted(sync.files, 'file')} ({size})"
    for file in sync.send[:MOST_FILES]:
        size = byte_size(file.bytes) if file.link is None else f"link to {file.link}"
        yield f"  {file.remote}  {size}, {file.why}"
    if len(sync.send) > MOST_FILES:
        yield f"  and {len(sync.send) - MOST_FILES:,} more; --json has all of them"
    for path in sync.make[:MOST_FILES]:
        yield f"create folder {path}"
    if len(sync.make) > MOST_FILES:
        yield f"and {counted(len(sync.make) - MOST_FILES, 'folder')} more"
    if sync.chmod:
        yield f"set permissions on {len(sync.chmod):,}"
    yield from _removal_lines(sync)
    for problem in sync.problems:
        yield f"cannot copy {problem.path}: {problem.reason}"


def _removal_lines(sync: SyncPlan) -> Iterator[str]:
    if sync.remove:
        yield f"remove {len(sync.remove):,}"
    for path in sync.remove[:MOST_REMOVALS]:
        yield f"  {path}"
    if len(sync.remove) > MOST_REMOVALS:
        yield f"  and {len(sync.remove) - MOST_REMOVALS:,} more; --json has all of them"
    if sync.refused:
        yield f"needs --delete: {sync.refused}"


def _session_name(id_: str) -> str:
    """Return the name without the process id, which differs on each host. `--json` has both."""
    return id_.partition(".")[2]


def leftover_lines(found: Mapping[str, Leftovers]) -> Iterator[str]:
    """Yield the lines about leftovers of hosts. Hosts with equal lines share them, and the sum of their sizes."""
    sizes: dict[str, int] = {}
    texts = [(host, "\n".join(map(printable, _leftovers(each)))) for host, each in found.items()]
    for host, text in texts:
        sizes[text] = sizes.get(text, 0) + found[host].size
    for hosts, text in folded(texts):
        yield f"{printable(hosts)}  {byte_size(sizes[text])}"
        for line in text.split("\n"):
            yield f"  {line}"


def _leftovers(found: Leftovers) -> Iterator[str]:
    for session in found.remains.sessions:
        state = "the open session" if session.is_open else "session"
        yield f"state of {state} {session.name}: {counted(session.components, 'component')}"
    if found.remains.temporary:
        yield counted(len(found.remains.temporary), "temporary folder")
    paths = [each.spelled(path) for each in found.sent for path in each.files]
    yield from paths[:MOST_FILES]
    if len(paths) > MOST_FILES:
        yield f"and {counted(len(paths) - MOST_FILES, 'file')} more"
    for busy in found.remains.busy:
        yield f"keep {busy.text}"
    linked = [each.spelled(path) for each in found.sent for path in each.linked]
    if linked:
        yield f"keep {counted(len(linked), 'file')} behind a symbolic link, for example {linked[0]}"


STATUS_COLUMNS = ("HOST", "COMPONENT", "STATE", "EXIT", "PID", "FOR", "CPU", "MEMORY")


def status_rows(found: Sequence[Status], late: Mapping[str, float]) -> list[Row]:
    """Return the rows of a table of statuses, with its head: one for each component, or for each unreachable host.

    The last column, NOTE, is only there if a row needs it. `late` are the ages of old answers, by host.
    """
    rows: list[Row] = []
    for status, count in folded_hosts(found):
        name = status.component.name if count == 1 else counted(count, "component")
        cells = (printable(status.component.host), printable(name), str(status.state), *_facts(status))
        rows.append(((*cells, note(status, late)), RED if status.state.is_bad else ""))
    rows.insert(0, ((*STATUS_COLUMNS, "NOTE"), BOLD))
    if not any(cells[-1] for cells, _ in rows[1:]):
        return [(cells[:-1], style) for cells, style in rows]
    return rows


def without_notes(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of a table of statuses without the column NOTE."""
    return [(cells[: len(STATUS_COLUMNS)], style) for cells, style in rows]


def folded_hosts(found: Sequence[Status]) -> list[tuple[Status, int]]:
    """Return each status, and how many it stands for: one stands for all components of a host that does not answer."""
    counts: dict[tuple[str, str], list[Status]] = {}
    for status in found:
        is_silent = status.state is State.UNKNOWN
        key = status.component.host, "" if is_silent else status.component.name
        counts.setdefault(key, []).append(status)
    return [(statuses[0], len(statuses)) for statuses in counts.values()]


def note(status: Status, late: Mapping[str, float]) -> str:
    """Return what a person should know of a status besides its state.

    It is the problem, the processes that outlive the program, and the age of an old answer.
    """
    age = late.get(status.component.host)
    survivors = f"left {counted(status.survivors, 'process')} running" if status.survivors else ""
    parts = [printable(status.problem or ""), survivors, f"{duration(age)} ago" if age is not None else ""]
    return "; ".join(filter(None, parts))


def how_ended(status: Status) -> str:
    """Return the exit status or signal of a component, or a dash."""
    return str(status.signal or ("-" if status.exit_status is None else status.exit_status))


def for_seconds(status: Status) -> str:
    """Return how long a component has been in its state, or a dash."""
    return "-" if status.seconds is None else duration(status.seconds)


def cpu_share(cores: float | None) -> str:
    """Return the use of processors, in percent of one, or a dash."""
    return "-" if cores is None else f"{100 * cores:.0f} %"


def memory_size(size: int | None) -> str:
    """Return the use of memory, or a dash."""
    return "-" if size is None else byte_size(size)


def _facts(status: Status) -> tuple[str, ...]:
    pid = "-" if status.pid is None else str(status.pid)
    return how_ended(status), pid, for_seconds(status), cpu_share(status.cpu), memory_size(status.memory)


DIAGNOSIS_COLUMNS = ("HOST", "RESULT", "FOUND")


def diagnosis_rows(found: Iterable[Diagnosis]) -> list[Row]:
    """Return rows of `DIAGNOSIS_COLUMNS`: one for each problem and warning, and one for all that is fine.

    Hosts with equal rows share them.
    """
    hosts: dict[tuple[str, str, str], list[str]] = {}
    for diagnosis in found:
        for result in _results(diagnosis):
            hosts.setdefault(result, []).append(printable(diagnosis.host))
    return [((host_range(names), verdict, text), style) for (verdict, text, style), names in hosts.items()]


def _results(diagnosis: Diagnosis) -> Iterator[tuple[str, str, str]]:
    """Yield the verdict, the text and the style of each row about a host."""
    fine: dict[str, None] = {}  # an ordered set
    for each in diagnosis.checks:
        if each.verdict == Verdict.OK:
            fine[each.name] = None
        else:
            style = RED if each.verdict == Verdict.PROBLEM else YELLOW
            yield each.verdict, f"{each.name}: {printable(each.detail)}", style
    if fine:
        yield Verdict.OK, ", ".join(fine), ""
