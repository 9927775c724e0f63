"""Rows and lines of the tables that commands show. Pure."""

from collections.abc import Iterable, Iterator

from ..components.status import Status
from ..diagnosis.checks import Diagnosis, Verdict
from ..runner.plan import HostPlan, Plan
from ..util.host_ranges import folded, host_range
from ..util.text import byte_size, counted, duration, printable
from .terminal import RED, YELLOW, Row

MOST_FILES = 20


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield the lines of a plan. Lines of hosts, or of a start index, are indented. Equal hosts share their lines."""
    steps = ((host.host, "\n".join(map(printable, _host_plan_lines(host)))) for host in plan.hosts)
    for hosts, text in folded(steps):
        yield printable(hosts)
        for line in text.split("\n"):
            yield f"  {line}"
    for index, windows in plan.starts:
        yield f"start {index}"
        commands = ((each.component.label, "already running" if each.is_running else each.command) for each in windows)
        for labels, command in folded(commands):
            yield f"  {printable(f'{labels}  {command}')}"
    for places, reason in folded((failure.where, failure.reason) for failure in plan.failures):
        yield printable(f"unknown: {places}: {reason}")


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
        yield f"  {file.remote}  {byte_size(file.bytes)}, {file.why}"
    if len(sync.send) > MOST_FILES:
        yield f"  and {len(sync.send) - MOST_FILES:,} more; --json has all of them"
    for path in sync.make[:MOST_FILES]:
        yield f"create folder {path}"
    if len(sync.make) > MOST_FILES:
        yield f"and {counted(len(sync.make) - MOST_FILES, 'folder')} more"
    if sync.chmod:
        yield f"set permissions on {len(sync.chmod):,}"
    for problem in sync.problems:
        yield f"cannot copy {problem.path}: {problem.reason}"


def _session_name(id_: str) -> str:
    """Return the name without the process id, which differs on each host. `--json` has both."""
    return id_.partition(".")[2]


STATUS_COLUMNS = ("HOST", "COMPONENT", "STATE", "EXIT", "PID", "FOR", "CPU", "MEMORY")


def status_row(status: Status) -> tuple[str, ...]:
    """Return the cells of `STATUS_COLUMNS`."""

    def shown(value: object, text: str) -> str:
        return "-" if value is None else text

    how = status.signal or status.exit_status
    return (
        printable(status.component.host),
        printable(status.component.name),
        str(status.state) if status.problem is None else f"{status.state}: {printable(status.problem)}",
        shown(how, str(how)),
        shown(status.pid, str(status.pid)),
        shown(status.seconds, duration(status.seconds or 0)),
        shown(status.cpu, f"{100 * (status.cpu or 0):.0f} %"),
        shown(status.memory, byte_size(status.memory or 0)),
    )


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
