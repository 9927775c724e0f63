"""One-line texts for the result of a stage on one host. Pure."""

from ..components.screen import Killed
from ..components.start import Started
from ..results.collect import HostResults
from ..transfer.sync import SyncResult
from ..util.text import byte_size, counted


def killed(result: Killed) -> str:
    """What was ended on a host, in words."""
    if not result.sessions and not result.processes:
        return "nothing to end"
    return f"ended {' '.join(result.sessions) or 'no session'}, {counted(result.processes, 'process')}"


def synced(result: SyncResult) -> str:
    """What was sent to a host, in words."""
    parts = [counted(result.files, "file")]
    parts.append(f"{result.sent:,} sent ({byte_size(result.sent_bytes)})" if result.sent else "nothing sent")
    if result.chmodded:
        parts.append(f"permissions set on {result.chmodded:,}")
    if result.problems:
        parts.append(f"{len(result.problems):,} not done")
    return ", ".join(parts)


def brought(result: HostResults) -> str:
    """What was brought from a host, in words."""
    new = [each.result.size for each in result.brought if each.is_new]
    text = f"{counted(len(result.brought), 'file')}, {len(new):,} brought ({byte_size(sum(new))})"
    return text + (f", {len(result.problems):,} not done" if result.problems else "")


def running(result: Started) -> str:
    """How a component came to run, in words."""
    state = "was running already" if result.was_running else "started"
    return f"{state}, pid {result.pid}"
