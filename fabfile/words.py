"""What results are called in words, for a person. Pure: the console prints them."""

from collections.abc import Iterator

from .collecting import HostResults
from .planning import HostPlan, Plan
from .sessions import Killed
from .starting import Started
from .statuses import Status
from .transfer import Synced


def cleaned(text: str) -> str:
    """`text` with what could steer a terminal replaced: it may come from a host or a program."""
    return "".join(c if c.isprintable() else "�" for c in text.encode("utf-8", "replace").decode())


def counted(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    ending = "es" if noun.endswith(("s", "ch")) else "s"
    return f"{number:,} {noun if number == 1 else noun + ending}"


def in_bytes(number: float) -> str:
    """A number of bytes in the largest unit that leaves at least 1."""
    units = ["B", "kB", "MB", "GB", "TB"]
    while number >= 1000 and len(units) > 1:
        number /= 1000
        del units[0]
    return f"{number:.0f} {units[0]}" if units[0] == "B" else f"{number:.1f} {units[0]}"


def killed(result: Killed) -> str:
    """What was ended on a host, in words."""
    if not result.sessions and not result.processes:
        return "nothing to end"
    return f"ended {' '.join(result.sessions) or 'no session'}, {counted(result.processes, 'process')}"


def synced(result: Synced) -> str:
    """What was sent to a host, in words."""
    parts = [counted(result.files, "file")]
    parts.append(f"{result.sent:,} sent ({in_bytes(result.sent_bytes)})" if result.sent else "nothing sent")
    if result.chmodded:
        parts.append(f"permissions set on {result.chmodded:,}")
    if result.problems:
        parts.append(f"{len(result.problems):,} not done")
    return ", ".join(parts)


def brought(result: HostResults) -> str:
    """What was brought from a host, in words."""
    new = [each.result.size for each in result.brought if each.is_new]
    text = f"{counted(len(result.brought), 'file')}, {len(new):,} brought ({in_bytes(sum(new))})"
    return text + (f", {len(result.problems):,} not done" if result.problems else "")


def running(result: Started) -> str:
    """How a component came to run, in words."""
    state = "was running already" if result.was_running else "started"
    return f"{state}, pid {result.pid}"


MOST_FILES = 20


def plan_lines(plan: Plan) -> Iterator[str]:
    """What a run would do, in lines; those of a host, or of a start index, are indented."""
    for host in plan.hosts:
        yield cleaned(host.host)
        yield from (f"  {cleaned(line)}" for line in _host_plan_lines(host))
    for index, windows in plan.starts:
        yield f"start {index}"
        for window in windows:
            what = "runs already" if window.is_running else window.command
            yield f"  {cleaned(f'{window.component.label}  {what}')}"


def _host_plan_lines(host: HostPlan) -> Iterator[str]:
    yield from (f"end session {id_}" for id_ in host.ends)
    yield f"use session {host.session}" if host.session else "start a new session"
    sync = host.sync
    size = in_bytes(sum(file.bytes for file in sync.send))
    yield f"send {len(sync.send):,} of {counted(sync.files, 'file')} ({size})"
    for file in sync.send[:MOST_FILES]:
        yield f"  {file.remote}  {in_bytes(file.bytes)}, {file.why}"
    if len(sync.send) > MOST_FILES:
        yield f"  and {len(sync.send) - MOST_FILES:,} more; --json has all of them"
    yield from (f"make folder {path}" for path in sync.make[:MOST_FILES])
    if len(sync.make) > MOST_FILES:
        yield f"and {counted(len(sync.make) - MOST_FILES, 'folder')} more"
    if sync.chmod:
        yield f"set permissions on {len(sync.chmod):,}"
    yield from (f"cannot bring {problem.path}: {problem.reason}" for problem in sync.problems)


STATUS_COLUMNS = ("HOST", "COMPONENT", "STATE", "EXIT", "PID", "FOR", "CPU", "MEMORY")


def status_row(status: Status) -> tuple[str, ...]:
    """The cells of `STATUS_COLUMNS`."""

    def shown(value: object, text: str) -> str:
        return "-" if value is None else text

    how = status.signal or status.exit_status
    if status.state == "exited" and how is None:
        how = "killed"  # together with its launcher
    return (
        cleaned(status.component.host),
        cleaned(status.component.name),
        str(status.state) if status.problem is None else f"{status.state}: {cleaned(status.problem)}",
        shown(how, str(how)),
        shown(status.pid, str(status.pid)),
        shown(status.seconds, lasting(status.seconds or 0)),
        shown(status.cpu, f"{100 * (status.cpu or 0):.0f} %"),
        shown(status.memory, in_bytes(status.memory or 0)),
    )


def lasting(seconds: int) -> str:
    """A time in its two largest units: `5 s`, `3 min 5 s`, `2 d 3 h`."""
    units = [("d", 86400), ("h", 3600), ("min", 60), ("s", 1)]
    parts: list[str] = []
    for unit, size in units:
        count, seconds = divmod(max(seconds, 0), size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])
