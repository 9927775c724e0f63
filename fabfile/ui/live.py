"""`Live`: one line on a terminal that says what a command waits for, renewed each second."""

import shutil
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from ..components.readiness import BecameReady
from ..components.start import Started
from ..components.wait import Ended
from ..runner.observer import Observer
from ..util.clock import SYSTEM_CLOCK
from ..util.daemons import start_daemon
from ..util.text import duration
from .lines.stage_lines import Waiting, time_of
from .stdio import Stdio
from .terminal import is_screen

FIRST_SECONDS = 0.8  # most stages are over by then


class Live(Observer):
    """Follows a command and shows what it waits for, since when, and for how long at most.

    `waiting` are the hosts or components without an answer, in their order.
    """

    def __init__(self, out: Stdio) -> None:
        self._out = out
        self._is_shown = is_screen(sys.stderr) and not out.is_quiet
        self._next: tuple[str, Sequence[str], float | None] = ("", (), None)
        self._most: float | None = None
        self._terminates = False
        self._stop = threading.Event()
        self._hosts = 0
        self._awaited: Sequence[str] = ()
        self.waiting: dict[str, None] = {}

    def awaits(self, stage: str, names: Sequence[str], seconds: float | None) -> None:
        """Keep what the next stage waits for."""
        self._next = (stage, names, seconds)

    def begins(self, stage: str, hosts: Sequence[str]) -> None:
        """Begin to show the line, unless the stage is over soon."""
        expected, names, most = self._next
        is_told = expected == stage
        self._terminates = False
        asked = set(hosts)  # others have failed before
        self._hosts, self._awaited = len(asked), hosts
        if is_told:
            self._awaited = [name for name in names if name in asked or name.partition("/")[0] in asked]
        self.waiting = dict.fromkeys(self._awaited)
        self._most = most if is_told else None
        self._stop = threading.Event()
        if self._is_shown:
            start_daemon(self._show, stage, self._stop, is_told)

    def terminates(self, names: Sequence[str]) -> None:
        """Show from now on that these components are terminated."""
        self.waiting = dict.fromkeys(names)
        self._terminates = True

    def _show(self, stage: str, stop: threading.Event, is_told: bool) -> None:
        began = SYSTEM_CLOCK.monotonic() - (1 - FIRST_SECONDS)  # the first line says 1 s
        seconds = FIRST_SECONDS
        while not stop.wait(seconds):
            seconds = 1
            passed = SYSTEM_CLOCK.monotonic() - began
            time = self._time(stage, passed) if is_told else duration(int(passed))
            left, verb = list(self.waiting), self._verb(stage) if is_told else ""
            waiting = Waiting(stage, self._hosts, self._awaited, left, time, verb, self._terminates)
            self._out.show_live(waiting.line(shutil.get_terminal_size().columns - 1), stop)

    def _time(self, stage: str, passed: float) -> str:
        if self._terminates:
            return f"{duration(int(passed))} (KILL follows after 5 s)"
        if stage.startswith("stop "):
            return f"{duration(int(passed))} (KILL after {duration(round(self._most or 0))})"
        return time_of(passed, self._most) + (" for each step" if stage == "connect" else "")

    def _verb(self, stage: str) -> str:
        """Return a word for components that are done. Without a time limit, a start waits for no readiness."""
        if stage.startswith("start "):
            return "started" if self._most is None else "ready"
        return {"stop": "stopped", "wait": "ended"}.get(stage.partition(" ")[0], "")

    def asks_user(self, show: Callable[[], None]) -> None:
        """Keep the question below all other lines."""
        self._out.asks_user(show)

    def user_answered(self) -> None:
        """Allow the line again."""
        self._out.user_answered()

    def result(self, stage: str, host: str, result: Any) -> None:
        """The host, and all that was awaited there, is done."""
        self._host_done(host)

    def failed(self, stage: str, host: str, reason: str) -> None:
        """The host is done."""
        self._host_done(host)

    def _host_done(self, host: str) -> None:
        for name in list(self.waiting):
            if name == host or name.startswith(f"{host}/"):
                self.waiting.pop(name, None)

    def started(self, started: Started) -> None:
        """A component without a readiness condition is done."""
        if started.component.ready is None:
            self.waiting.pop(started.component.label, None)

    def became_ready(self, ready: BecameReady) -> None:
        """The component is done."""
        self.waiting.pop(ready.component.label, None)

    def ended(self, ended: Ended) -> None:
        """The component is done."""
        self.waiting.pop(ended.component.label, None)

    def ends(self, stage: str) -> None:
        """Erase the line."""
        self.end()

    def end(self) -> None:
        """Erase the line."""
        self._stop.set()
        self._out.hide_live()
