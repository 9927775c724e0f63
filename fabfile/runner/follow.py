"""Follow the output of components on all hosts at once, over one channel for each host.

A lost connection is opened again, and reading goes on where it ended.
"""

import math
from collections import deque
from collections.abc import Sequence
from functools import partial

import attrs

from rr_config import Component
from rr_config.component import by_host

from ..components.logs import LogLine, LogReader, Selection, logs_script, read_logs
from ..remote import state_dir
from ..remote.ask import conversation, persistently
from ..remote.host import Host
from ..remote.script import DONE
from ..util.limits import MOST_BLOCKS
from .fleet import Fleet
from .observer import Observer


def follow(fleet: Fleet, session: str, components: Sequence[Component], selection: Selection) -> None:
    """Tell the observer of `fleet` each line of the selected output. If it is to follow, this never ends by itself."""
    wanted = by_host(components)

    def work(host: Host) -> None:
        readers = {state_dir.folder(component.name): LogReader(component) for component in wanted[host.name]}

        def attempt() -> None:
            is_first = not any(reader.position for reader in readers.values())
            rest = attrs.evolve(selection, lines=None, since=None)
            script = logs_script(session, list(readers.values()), selection if is_first else rest)
            patience = math.inf if selection.follow else 0
            with conversation(host, script, MOST_BLOCKS, patience, most_answered=math.inf) as talk:
                for record in iter(talk.raw_answer, DONE.encode()):
                    if fleet.is_interrupted:
                        return
                    for component, line in read_logs(readers, record):
                        fleet.observer.output(component, line)

        persistently(attempt, partial(fleet.lost, "logs", host.name), host.clock)
        for reader in readers.values():
            for line in reader.end():
                fleet.observer.output(reader.component, line)

    fleet.on_all("logs", work, hosts=wanted, parallel=len(wanted) if selection.follow else 0)


class LogTails(Observer):
    """Keeps the last lines of each component's output, so many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lines: dict[str, deque[bytes]] = {}

    def output(self, component: Component, line: LogLine) -> None:
        """Keep the line and drop the oldest one. All lines of a component come from one thread."""
        self._lines.setdefault(component.label, deque(maxlen=self._most)).append(line.text)

    def outputs(self) -> dict[str, bytes]:
        """Return the end of each output, by label."""
        return {label: b"\n".join(lines) for label, lines in self._lines.items()}
