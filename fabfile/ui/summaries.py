"""One-line texts for the result of a stage on one host, or for equal results on several hosts. Pure."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from rr_config import Component

from ..components.readiness import NotReady
from ..components.screen import Killed, Session
from ..components.start import NotStarted
from ..components.wait import Ended
from ..results.collect import HostResults
from ..transfer.sync import SyncResult
from ..util.host_ranges import host_range
from ..util.stages import Failure
from ..util.text import byte_size, counted, duration
from .stage_lines import FAILED, UNREADY

Line = tuple[str | Component, str, str]  # a host or a component, the text about it, and its kind


def lines_of(stage: str, host: str, result: Any) -> Iterator[Line]:
    """Yield the lines about the result of a stage on a host.

    The kind is the text without what is different on each host. A text is empty if the line is only counted.
    """
    match result:
        case Killed():
            yield host, killed(result), "session ended" if result.sessions else killed(result)
        case Session():
            state = f"{'new' if result.is_new else 'existing'} session"
            yield host, f"{state} {result.id}", state
        case SyncResult():
            yield host, synced(result), "sent" if result.sent else "nothing sent"
        case HostResults():
            yield host, brought(result), "collected"
        case list() if stage.startswith(("start ", "stop ")):
            yield from filter(None, map(_line_of_component, result))
        case _ if stage == "connect":
            yield host, "", ""


def _line_of_component(result: Any) -> Line | None:
    """Return the line about a component that was stopped, or could not be started. Others have had theirs before."""
    match result:
        case Ended(was_started=True):
            return result.component, str(result), "stopped" if result.was_stopped else "ended"
        case Ended():
            return result.component, "not running", "not running"
        case NotStarted():
            return result.component, "", FAILED
        case NotReady():
            return result.component, "", UNREADY
    return None


def kind_of(ended: Ended) -> str:
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
    return f"ended {what}, {counted(result.components, 'component')}"


def synced(result: SyncResult) -> str:
    """Return what was sent to a host."""
    parts = [counted(result.files, "file")]
    parts.append(f"{result.sent:,} sent ({byte_size(result.sent_bytes)})" if result.sent else "nothing sent")
    if result.chmodded:
        parts.append(f"permissions set on {result.chmodded:,}")
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
    known = [each.seconds for each in ends if each.seconds is not None]
    times = list(dict.fromkeys([duration(min(known)), duration(max(known))])) if known else []
    return without_time(ends[0]) + (f" after {' to '.join(times)}" if times else "")


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
