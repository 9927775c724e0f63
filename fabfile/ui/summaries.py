"""One-line texts for the result of a stage on one host. Pure."""

from collections.abc import Sequence

from ..components.screen import Killed
from ..components.wait import Ended
from ..results.collect import HostResults
from ..transfer.sync import SyncResult
from ..util.text import byte_size, counted, duration


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


def ended_well(ends: Sequence[Ended]) -> str:
    """Return how components ended that have ended with 0, with the shortest and the longest time."""
    known = [each.seconds for each in ends if each.seconds is not None]
    times = list(dict.fromkeys([duration(min(known)), duration(max(known))])) if known else []
    return "ended with exit status 0" + (f" after {' to '.join(times)}" if times else "")
