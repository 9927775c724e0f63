"""Lines about hosts and components: one for each, or one for all that differ only in their numbers. Pure."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from rr_config.hosts.natural_order import natural_key

from ..components.readiness import BecameReady, NotReady
from ..components.screen import Killed, Session
from ..components.start import NotStarted, Started
from ..components.status import State
from ..components.wait import Ended
from ..diagnosis.execute import Executed
from ..results.collect import HostResults
from ..runner.clean import Cleaned
from ..transfer.sync import SyncResult
from ..util.host_ranges import host_range
from ..util.stages import Failure
from ..util.text import byte_size, counted, duration
from .lines.stage_lines import FAILED, UNREADY

STARTED = "started", "already running"  # the kinds of lines about starts


@attrs.frozen
class Line:
    """A line about a host, or a component as `host/name`.

    `kind` is the outcome for the line of the whole stage. `words` are empty if the line is only counted. Behind them
    come `number`, for example a process id, then `seconds`, then `rest`. A line that `is_alone` shares no host range.
    """

    where: str
    kind: str
    words: str = ""
    number: str = ""
    seconds: float | None = None
    rest: str = ""
    is_alone: bool = False

    @property
    def name(self) -> str:
        """The name of the component, or nothing."""
        return self.where.partition("/")[2]

    @property
    def text(self) -> str:
        """The text of a line of its own."""
        return f"{self.words}{self.number}{_after([self])}{self.rest}"


def in_order(lines: Iterable[Line]) -> list[Line]:
    """Return lines in the natural order of their places."""
    return sorted(lines, key=lambda line: natural_key(line.where))


def shared(lines: Iterable[Line]) -> Iterator[tuple[str, str]]:
    """Yield places and texts in natural order. Lines about one name share a host range if their words are equal.

    They have no process ids, so that the text of a line does not depend on chance.

    >>> list(shared([Line("node2/a", "ready", "ready", seconds=0.5), Line("node1/a", "ready", "ready", seconds=0.1)]))
    [('node[1-2]/a', 'ready after 0.1 s to 0.5 s')]
    """
    groups: dict[tuple[str, ...], list[Line]] = {}
    for line in in_order(lines):
        place = line.where if line.is_alone else line.name
        groups.setdefault((place, line.words, line.rest), []).append(line)
    for group in groups.values():
        _, slash, name = group[0].where.partition("/")
        hosts = host_range(line.where.partition("/")[0] for line in group)
        yield f"{hosts}{slash}{name}", f"{group[0].words}{_after(group)}{group[0].rest}"


def _after(lines: Iterable[Line]) -> str:
    """Return the shortest and the longest time of lines, if they have any."""
    known = [line.seconds for line in lines if line.seconds is not None]
    return f" after {' to '.join(dict.fromkeys([_time(min(known)), _time(max(known))]))}" if known else ""


def _time(seconds: float) -> str:
    return duration(seconds) if isinstance(seconds, int) else f"{seconds:.1f} s"


def lines_of(stage: str, host: str, result: Any) -> Iterator[Line]:
    """Yield the lines about the result of a stage on a host."""
    match result:
        case Killed():
            yield Line(host, "session ended" if result.sessions else killed(result), killed(result))
        case Session():
            number, _, name = result.id.partition(".")
            state = f"{'new' if result.is_new else 'existing'} session"
            yield Line(host, state, f"{state} {name}", f", pid {number}")
        case Cleaned():
            yield Line(host, "removed", f"removed {byte_size(result.leftovers.size)}")
        case SyncResult():
            yield Line(host, "sent" if result.sent else "nothing sent", synced(result))
        case HostResults():
            yield Line(host, "collected", brought(result))
        case Executed():
            yield Line(host, FAILED if result.status else "exited with 0")
        case list() if stage.startswith(("start ", "stop ")):
            yield from filter(None, map(_line_of_component, result))
        case _ if stage == "connect":
            yield Line(host, "")


def _line_of_component(result: Any) -> Line | None:
    """Return the line about a component that was stopped, or could not be started. Others have had theirs before."""
    match result:
        case Ended(was_running=True, was_stopped=True):
            return line_of_end(result)
        case Ended():
            before = str(result.state) if result.state in (State.WAITING, State.STARTING) else f"{result.state} before"
            left = counted(result.survivors, "process")
            rest = f"; ended {left} that it had left" if result.survivors else ""
            return Line(result.component.label, before, before, rest=rest)
        case NotStarted():
            return Line(result.component.label, FAILED)
        case NotReady():
            return Line(result.component.label, UNREADY if result.component.ready else FAILED)
    return None


def line_of_start(started: Started) -> Line:
    """Return the line about a component that runs."""
    state = "already running" if started.was_running else "started"
    return Line(started.component.label, state, state, f", pid {started.pid}")


def line_of_readiness(ready: BecameReady) -> Line:
    """Return the line about a component that is ready."""
    return Line(
        ready.component.label, "ready", "ready", seconds=float(ready.seconds), rest=f": {ready.component.ready}"
    )


def line_of_end(ended: Ended) -> Line:
    """Return the line about a component that has ended. One that has failed shares its line with no other."""
    words = without_time(ended)
    seconds = None if words == str(ended) else ended.seconds
    return Line(ended.component.label, _kind_of(ended), words, seconds=seconds, is_alone=ended.is_failure)


def _kind_of(ended: Ended) -> str:
    """Return how a component ended, in words that others share."""
    if ended.was_stopped:
        return "stopped"
    return FAILED if ended.is_failure else "ended with 0" if ended.is_success else str(ended)


def killed(result: Killed) -> str:
    """Return what was ended on a host."""
    if not result.sessions and not result.processes:
        return "nothing to end"
    what = " ".join(each.partition(".")[2] for each in result.sessions) or "no session"  # equal on many hosts
    if not result.components:
        return f"ended {what}, {counted(result.processes, 'process')}"
    return f"ended {what}, stopped {counted(result.components, 'component')}"


def synced(result: SyncResult) -> str:
    """Return what was sent to a host."""
    parts = [counted(result.files, "file")]
    parts.append(f"{result.sent:,} sent ({byte_size(result.sent_bytes)})" if result.sent else "nothing sent")
    if result.chmodded:
        parts.append(f"permissions set on {result.chmodded:,}")
    if result.removed:
        parts.append(f"{result.removed:,} removed")
    if result.problems:
        parts.append(f"{len(result.problems):,} failed")
    return ", ".join(parts)


def brought(result: HostResults) -> str:
    """Return what was collected from a host."""
    new = [each.result.size for each in result.brought if each.is_new]
    text = f"{counted(len(result.brought), 'file')}, {len(new):,} brought ({byte_size(sum(new))})"
    return text + (f", {len(result.problems):,} failed" if result.problems else "")


def ended_alike(ends: Sequence[Ended]) -> str:
    """Return how components ended that differ only in their times, with the shortest and the longest time."""
    return without_time(ends[0]) + _after(map(line_of_end, ends))


def without_time(ended: Ended) -> str:
    """Return how a component ended, without the time."""
    return str(attrs.evolve(ended, seconds=None))


def folded_failures(failures: Iterable[Failure], hosts: Container[str], ends: Mapping[str, Ended]) -> list[Failure]:
    """Return failures with one for all `hosts` that have the same problem; its place has a host range.

    `ends` are those of components, by label. Ends that differ only in their times are the same problem.
    """
    groups: dict[tuple[object, ...], list[Failure]] = {}
    for failure in failures:
        host, slash, name = failure.where.partition("/")
        ended = ends.get(failure.where)
        reason = without_time(ended) if ended and failure.reason == str(ended) else failure.reason
        place = (slash, name) if host in hosts else failure.where
        groups.setdefault((place, reason, failure.output, failure.stage), []).append(failure)
    return [group[0] if len(group) == 1 else _joined(group, ends) for group in groups.values()]


def _joined(group: Sequence[Failure], ends: Mapping[str, Ended]) -> Failure:
    _, slash, name = group[0].where.partition("/")
    where = f"{host_range(each.where.partition('/')[0] for each in group)}{slash}{name}"
    own = [ends[each.where] for each in group if each.where in ends]
    is_end = len(own) == len(group) and group[0].reason == str(own[0])
    return group[0]._replace(where=where, reason=ended_alike(own) if is_end else group[0].reason)
