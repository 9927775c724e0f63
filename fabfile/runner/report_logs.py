"""`LogTails`: an observer that keeps the last lines of each component's output, for a report."""

from collections import deque

from rr_config import Component

from ..components.logs import LogLine
from ..reporting.report import LINES, log_tail
from .observer import Observer


class LogTails(Observer):
    """Keep the last LINES lines of each component's output."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[bytes]] = {}

    def output(self, component: Component, line: LogLine) -> None:
        """Keep the line and drop the oldest one. All lines of a component come from one thread."""
        self._lines.setdefault(component.label, deque(maxlen=LINES)).append(line.text)

    def outputs(self) -> dict[str, str]:
        """Return the end of each log, by label."""
        return {label: log_tail(b"\n".join(lines)) for label, lines in self._lines.items()}
