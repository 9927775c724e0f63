"""Readiness: how a start waits for it, and what the host answers. Pure; see `scripts/readiness.sh`."""

import attrs

from rr_config import Component
from rr_config.values.ready import Ready

from ..remote import shell
from .output import logs
from .status import LOSSES

LINES = 20


@attrs.frozen
class BecameReady:
    """A component became ready, `seconds` after its start. For one that ran before, they count from the first check."""

    component: Component
    seconds: float


@attrs.frozen
class NotReady:
    """A component did not become ready, or ended at once because it lacks something.

    `reason` is one line, `output` has the last lines of its output, and `is_running` is whether it still runs.
    """

    component: Component
    reason: str
    output: tuple[str, ...] = ()
    is_running: bool = False


def readiness_words(ready: Ready) -> list[str | int]:
    """Return the kind, the value and the timeout, in 1/100 s, as readiness.sh wants them.

    A port is four hexadecimal digits, as in /proc/net/tcp; see proc(5).
    """
    value = f"{int(ready.value):04X}" if ready.kind == "port" else ready.value
    return [ready.kind, value, round(ready.timeout * 100)]


def read_unready(component: Component, rest: str) -> NotReady:
    """Return the answer behind the word `unready`.

    It holds the reason, the result of the last check, and the end of the output.
    """
    why, _, rest = rest.partition(" ")
    checked, _, shown = rest.partition("\n")
    ready = component.ready
    output = logs.shown_lines(shown)[-LINES:]
    if why in LOSSES:
        return NotReady(component, f"was lost: {LOSSES[why]}", output)
    if ready is None:
        return NotReady(component, f"started, ended with exit status {why}", output)  # 126 or 127
    match why:
        case "taken":
            reason = f"{ready} is already in use on the host; stop that process, or choose another port"
        case "late":
            return NotReady(component, _lateness(ready) + _last_check(checked), output, is_running=True)
        case "unusable":
            reason = f"grep -P on the host rejects the regular expression: {ready}"
            return NotReady(component, reason, output, is_running=True)
        case "killed":
            reason = f"was killed before it was ready: {ready}"
        case _:
            reason = _end(why) if ready.kind == "ended" else f"{_end(why)} before it was ready: {ready}"
    return NotReady(component, reason, output)


def _end(note: str) -> str:
    status = shell.read_status(note)
    if status is None:
        raise ValueError(f"invalid exit status {note!r}")
    by = shell.signal_of(status)
    return f"was ended by {by}" if by else f"ended with exit status {status}"


def _lateness(ready: Ready) -> str:
    if ready.kind == "ended":
        return f"did not end within {ready.timeout:g} s"
    return f"was not ready within {ready.timeout:g} s: {ready}"


def _last_check(words: str) -> str:
    status, _, said = words.partition(" ")
    if not status:
        return ""
    how = f"ended with exit status {status}" if status.isdigit() else "had not ended"
    return f"; its last check {how}" + (f": {said}" if said else "")
