"""`LogLines`: an observer that prints the output of components on a console."""

import sys
from collections import Counter
from collections.abc import Sequence
from itertools import cycle

from rr_config import Component

from ...components.output import log_times, logs
from ...components.output.logs import LogLine
from ...util.text import printable
from ..console import Console
from ..live import Live
from ..terminal import styled


class LogLines(Live):
    """Prints the output of components, each line behind the name of its component."""

    COLORS = ("cyan", "yellow", "green", "magenta", "blue")

    def __init__(self, console: Console, components: Sequence[Component], is_raw: bool) -> None:
        super().__init__(console)
        self._console, self._is_raw = console, is_raw
        names = Counter(component.name for component in components)
        tags = {}
        for each in components:
            tags[each.label] = printable(each.name if names[each.name] == 1 else each.label)
        width = max(map(len, tags.values()))
        self._tags: dict[str, bytes] = {}
        colors = cycle([*self.COLORS, *map("bright_{}".format, self.COLORS)])
        for (label, tag), color in zip(tags.items(), colors, strict=False):
            self._tags[label] = styled(f"{tag:<{width}} |", color, sys.stdout).encode() + b" "

    def output(self, component: Component, line: LogLine) -> None:
        """Print a line, with its time if it has one. Unless it is raw, remove text that could steer a terminal."""
        self.end()
        text = line.text if self._is_raw else logs.rendered(line.text)
        time = b"" if line.time is None else log_times.shown(line.time).encode() + b" "
        self._console.write(self._tags[component.label] + time + text + b"\n")

    def failed(self, stage: str, host: str, reason: str) -> None:
        """Print the failure at once: the other hosts may go on without end.

        A host that fails when it is asked for states fails again in the next stage.
        """
        super().failed(stage, host, reason)
        if stage != "status":
            self._console.failed_for_now(stage, host, reason)

    def lost(self, stage: str, host: str, reason: str) -> None:
        """Print a line for a connection that is opened again."""
        self._console.lost(stage, host, reason)
