"""Readiness: the part of the start script that waits for it on the host, and what it answers. Pure.

A look at all components that are awaited is taken five times a second. What `util.command` says runs beside, by the
component's own launcher, so that it has its folder and its environment.
"""

import attrs

from rr_config import Component
from rr_config.ready import Ready

from ..remote import shell
from . import logs

LINES = 20
LINES_OF_SCREEN = 4  # what it adds to a window in which a program has ended: two lines, each behind an empty one
# How the line begins that screen adds to the window of a program that has ended.
OF_SCREEN = "=== Command "


@attrs.frozen
class BecameReady:
    """A component is ready, `seconds` after it was started."""

    component: Component
    seconds: float


@attrs.frozen
class NotReady:
    """A component did not become ready; why, in one line, and the last lines of its `output`."""

    component: Component
    reason: str
    output: tuple[str, ...] = ()


def readiness_words(ready: Ready) -> list[str | int]:
    """Return the kind, the value and the timeout, in 1/100 s, as readiness.sh wants them.

    A port is four hexadecimal digits, as in /proc/net/tcp; see proc(5).
    """
    value = f"{int(ready.value):04X}" if ready.kind == "port" else ready.value
    return [ready.kind, value, round(ready.timeout * 100)]


def read_ready(component: Component, hundredths: str) -> BecameReady:
    """What the script answered of a component behind the word `ready`."""
    return BecameReady(component, int(hundredths) / 100)


def read_unready(component: Component, rest: str) -> NotReady:
    """What it answered behind the word `unready`: why, how its last check ended, and the end of its output."""
    why, _, rest = rest.partition(" ")
    checked, _, shown = rest.partition("\n")
    ready = component.ready
    if ready is None:
        raise ValueError(f"{component.label} has nothing to wait for")
    lines = [logs.rendered(line).decode(errors="replace") for line in shown.encode(errors="replace").split(b"\n")]
    match why:
        case "taken":
            reason = f"something else listens on {ready} of the host already; end that, or choose another port"
        case "late":
            reason = f"was not ready within {ready.timeout:g} s: {ready}{_last_check(checked)}"
        case "unusable":
            reason = f"grep -P of the host cannot search for its {ready}"
        case "killed":
            reason = f"was killed before it was ready: {ready}"
        case _:
            by = shell.signal_of(int(why))
            how = f"was ended by {by}" if by else f"ended with exit status {why}"
            reason = f"{how} before it was ready: {ready}"
    own = [line for line in lines if line and not line.startswith(OF_SCREEN)]
    return NotReady(component, reason, tuple(own[-LINES:]))


def _last_check(words: str) -> str:
    status, _, said = words.partition(" ")
    if not status.isdigit():
        return f"; {said or 'it'} had not ended" if status else ""
    return f"; the last time, that ended with exit status {status}" + (f": {said}" if said else "")
