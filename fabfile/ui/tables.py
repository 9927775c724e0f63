"""Rows and lines of the tables that commands show. Pure."""

from collections.abc import Iterator

from ..components.status import Status
from ..diagnosis.checks import Diagnosis, Verdict
from ..runner.plan import HostPlan, Plan
from ..util.text import byte_size, counted, duration, printable
from .terminal import RED, YELLOW, Row

MOST_FILES = 20


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield the lines of a plan. Lines of a host, or of a start index, are indented."""
    for host in plan.hosts:
        yield printable(host.host)
        for line in _host_plan_lines(host):
            yield f"  {printable(line)}"
    for index, windows in plan.starts:
        yield f"start {index}"
        for window in windows:
            what = "already running" if window.is_running else window.command
            yield f"  {printable(f'{window.component.label}  {what}')}"
    for failure in plan.failures:
        yield printable(f"unknown: {failure.where}: {failure.reason}")


def _host_plan_lines(host: HostPlan) -> Iterator[str]:
    if host.foreign is not None:
        yield f"needs --replace: {host.foreign}"
    for id_ in host.ends:
        yield f"end session {id_}"
    yield f"use session {host.session}" if host.session else "start a new session"
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


def diagnosis_rows(diagnosis: Diagnosis) -> list[Row]:
    """Return rows of `DIAGNOSIS_COLUMNS`: one for each problem and warning, and one for all that is fine."""
    host = printable(diagnosis.host)
    rows: list[Row] = []
    fine: dict[str, None] = {}  # an ordered set
    for each in diagnosis.checks:
        if each.verdict == Verdict.OK:
            fine[each.name] = None
        else:
            style = RED if each.verdict == Verdict.PROBLEM else YELLOW
            rows.append(((host, each.verdict, f"{each.name}: {printable(each.detail)}"), style))
    if fine:
        rows.append(((host, Verdict.OK, ", ".join(fine)), ""))
    return rows
