"""`Console` shows a run to a person while it goes on: a line for each host and component, progress, and failures."""

import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rr_config import Component
from rr_config.hosts.natural_order import natural_key

from ..components.output.logs import LogLine
from ..components.readiness import BecameReady
from ..components.start import Started
from ..components.wait import Ended
from ..runner.observer import Observer
from ..util.clock import SYSTEM_CLOCK
from ..util.event_queue import Batch
from ..util.host_ranges import folded, places_by_name
from ..util.stages import Failure, StageError
from ..util.text import counted, printable
from .lines.stage_lines import FAILED, UNREADY, StageLines
from .live import Live
from .recap import Recap
from .stdio import Stdio
from .summaries import (
    STARTED,
    Line,
    folded_failures,
    in_order,
    line_of_end,
    line_of_readiness,
    line_of_start,
    lines_of,
    shared,
)
from .terminal import BOLD, is_screen, styled

if TYPE_CHECKING:
    from .progress import TransferProgress


# Lines about events are printed when no host has answered for so long, or the first one has waited so long: then a slow
# host holds them back no longer.
QUIET_SECONDS, MOST_SECONDS = 2, 10
MOST_LABELS = 5  # components in a list after Ctrl-C, before those of one name share a line


class Console(Stdio, Observer):
    """Follows a run: with a line per stage on a terminal, and a line per host in a pipe, or if it `is_verbose`.

    With `as_json`, it keeps stdout for one document. `log_level` is about log messages alone.
    """

    def __init__(self, log_level: str, as_json: bool = False, is_verbose: bool = False) -> None:
        super().__init__(is_quiet=as_json)
        self._is_folded = is_screen(sys.stdout) and not is_verbose
        self._has_ranges = not (is_verbose and is_screen(sys.stdout))  # equal lines share a host range
        self._joins_failures = is_screen(sys.stderr) and not is_verbose  # a script finds each host in a pipe
        self._lines = StageLines()
        self.log_lines: Observer | None = None  # prints the output of components, if it is followed
        self.results: dict[str, dict[str, Any]] = {}  # by stage and host
        self._bar: TransferProgress | None = None
        self._held_back: list[Line] = []  # lines of a stage, until its end: hosts answer in any order
        self._soon: Batch[Line] = Batch(self._print_events, QUIET_SECONDS, MOST_SECONDS)  # lines about events
        self._ends: dict[str, list[Line]] = {}  # those that ended with 0, by name, while others are awaited
        self._last_ends: dict[str, Ended] = {}  # of components that failed, by label
        self._hosts: set[str] = set()  # of all stages
        self._stage = ""
        self._unanswered: set[str] = set()
        self._failures: dict[str, Failure] = {}
        self._told: set[tuple[str, str, str]] = set()
        self.afterwards = {"kill everything with": ["kill"]}  # hints after Ctrl-C: purpose and command
        self.set_level(log_level)
        # Errors of a connection are reported with its host; paramiko would add a traceback.
        logging.getLogger("paramiko").setLevel(logging.CRITICAL)
        for library in ("fabric", "invoke"):  # at DEBUG they print all settings, the password too
            logging.getLogger(library).setLevel(logging.WARNING)

    def set_level(self, log_level: str) -> None:
        """Change the level. A config file can assign it, long after the first messages."""
        level = logging.getLevelNamesMapping()[log_level]
        self.live = Live(self)
        handlers = [_LogMessages(self)]
        logging.basicConfig(level=level, format="%(levelname)s: %(message)s", handlers=handlers, force=True)

    def begins(self, stage: str, hosts: Sequence[str]) -> None:
        """Print the stage. Show a progress bar for a transfer on a terminal."""
        self._stage, self._unanswered, self._failures = stage, set(hosts), {}
        self._hosts.update(hosts)
        self.results[stage] = {}
        self._lines = StageLines(stage, hosts, SYSTEM_CLOCK.monotonic())
        with_bar = stage in ("sync", "collect") and is_screen(sys.stderr) and not self.is_quiet
        if not with_bar:
            self.live.begins(stage, hosts)
        if stage not in ("connect", "check", "status") and not self._is_folded:  # they print no lines
            self.news(f"{styled(stage, BOLD, sys.stdout)}  {counted(len(hosts), 'host')}")
        if with_bar:
            from .progress import TransferProgress

            self._bar = TransferProgress(stage, hosts)

    def awaits(self, stage: str, names: Sequence[str], seconds: float | None) -> None:
        """Prepare the live line."""
        self.live.awaits(stage, names, seconds)

    def terminates(self, names: Sequence[str]) -> None:
        """Change the live line."""
        self.live.terminates(names)

    def progress(self, stage: str, host: str, done: int, total: int) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.move(host, done, total)

    def result(self, stage: str, host: str, result: Any) -> None:
        """Print a line for the host, or for each component."""
        self._unanswered.discard(host)
        self.results[stage][host] = result
        self.live.result(stage, host, result)
        if self._bar is not None:
            self._bar.end(host, has_failed=bool(result.problems))
        if stage == "check":
            self._last_ends |= {each.component.label: each for each in result}
        own = list(lines_of(stage, host, result))
        self._lines.done += not any(line.kind in (FAILED, UNREADY) for line in own)
        for line in own:
            self._line(line)

    def failed(self, stage: str, host: str, reason: str) -> None:
        """Keep the failure for the end of the stage. No stage reports a failure to follow output, so print it."""
        if stage == "logs":
            self._failed_lines(stage, [Failure(host, reason)])
            return
        self._unanswered.discard(host)
        self.live.failed(stage, host, reason)
        self._lines.failed += 1
        if self._bar is not None:
            self._bar.end(host, has_failed=True)
        self._failures[host] = Failure(host, reason)

    def lost(self, stage: str, host: str, reason: str) -> None:
        """Print a line for a connection that is opened again."""
        self.error(f"{host}: {stage}: {reason}; reconnecting")

    def started(self, started: Started) -> None:
        """Print a line for a component that runs."""
        self.live.started(started)
        self._line(line_of_start(started), is_soon=started.component.ready is not None)

    def became_ready(self, ready: BecameReady) -> None:
        """Print a line for a component that is ready."""
        self.live.became_ready(ready)
        self._line(line_of_readiness(ready), is_soon=True)

    def ended(self, ended: Ended) -> None:
        """Print a line for a component that has failed. Components of the same name that end with 0 share one.

        That line comes when the last one has ended.
        """
        self.live.ended(ended)
        if not ended.is_success:
            self._last_ends[ended.component.label] = ended
        line, name = line_of_end(ended), ended.component.name
        if self._is_folded or not self._has_ranges or self.log_lines is not None or not ended.is_success:
            self._line(line, is_soon=True)
            return
        self._ends.setdefault(name, []).append(line)
        if not any(label.partition("/")[2] == name for label in list(self.live.waiting)):
            for each in self._ends.pop(name):
                self._soon.put(each)

    def output(self, component: Component, line: LogLine) -> None:
        """Print a line of output, if it is followed."""
        if self.log_lines is not None:
            self.log_lines.output(component, line)

    def ends(self, stage: str) -> None:
        """Remove the bar and the live line, and print the lines that waited for that."""
        self.live.ends(stage)
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        if self._is_folded:
            for line in self._lines.lines(SYSTEM_CLOCK.monotonic()):
                self.news(line)
        self._soon.flush()
        for lines in self._ends.values():
            self._held_back += lines
        self._ends = {}
        self._print_lines(self._held_back)
        self._held_back = []

    def collected(self, folder: Path) -> None:
        """Print where the results are."""
        self.news(f"collected in {printable(str(folder))}")

    def failed_for_now(self, stage: str, host: str, reason: str) -> None:
        """Print a failure at once, because the stage may never end."""
        self._told.add((stage, host, reason))
        self._failed_lines(stage, [Failure(host, reason)])

    def goes_on(self, stage: str, failures: Sequence[Failure]) -> None:
        """Print each failure at once."""
        self._failed_lines(stage, failures)
        for each in failures:
            self._told.add((stage, each.where, each.reason))

    def stage_failed(self, error: StageError, has_later_stages: bool = False) -> None:
        """Print each failure: where, in which stage, and why; then what happened to the others."""
        untold = [f for f in error.failures if (f.stage or error.stage, f.where, f.reason) not in self._told]
        self._failed_lines(error.stage, untold)
        if error.went_on:
            self.error(f"{counted(len(error.hosts), 'host')} failed; the other hosts are done")
        elif error.stage == "connect":
            self.error("connect failed; no host was changed")
        elif has_later_stages and error.stage not in ("check", "wait", "terminate", "collect"):
            self.error(f"{error.stage} failed; later stages were not started")

    def recap(self, recap: Recap) -> None:
        """Print what the command has done, and command lines to go on with."""
        self.news(printable(recap.line))
        for purpose, command in recap.hints.items():
            self.news(f"{purpose}: {command}")

    def interrupted(self, running: Sequence[Started], unknown: Sequence[Component], hints: Mapping[str, str]) -> None:
        """Print what is known of the stage and what still runs. `hints` are useful commands, by their purpose."""
        self._failed_lines(self._stage, self._failures.values())
        waited = ""
        listed = places_by_name if self._joins_failures else ", ".join
        if self._stage == "wait" and self.live.waiting:
            waited = f"; still waiting for {listed(self.live.waiting)}"
        elif self._unanswered:
            waited = f"; no answer yet from {listed(sorted(self._unanswered, key=natural_key))}"
        self.error(printable(f"interrupted in {self._stage}{waited}"))
        self._labels("still running:", {each.component.label: f"  pid {each.pid}" for each in running})
        self._labels("may still be running:", dict.fromkeys((each.label for each in unknown), ""))
        if not running and not unknown:
            self.error("this command started no component; earlier components may still be running")
        for purpose, command in hints.items():
            self.error(f"{purpose}: {command}")

    def _labels(self, title: str, labels: Mapping[str, str]) -> None:
        """Print components below a title, each with its text. On a terminal, one line shows those of one name."""
        if labels:
            self.error(title)
        texts = [f"{label}{more}" for label, more in labels.items()]
        if self._joins_failures and len(labels) > MOST_LABELS:
            texts = [f"{where}{text}" for where, text in folded((label, "") for label in labels)]
        for text in texts:
            self.error(printable(f"  {text}"))

    def _failed_lines(self, stage: str, failures: Iterable[Failure]) -> None:
        if self._joins_failures:
            failures = folded_failures(failures, self._hosts, self._last_ends)
        for where, reason, said, own_stage in failures:
            ending = f"; last {'lines' if len(said) > 1 else 'line'} of its output:" if said else ""
            self.error(printable(f"{where}: {own_stage or stage}: {reason}{ending}"))
            for line in said:
                self.error(printable(f"  | {line}"))

    def _line(self, line: Line, is_soon: bool = False) -> None:
        """Print a line at the end of the stage, or soon. Or count it in the line of the stage.

        If output is followed, print it at once: it belongs between lines of output that were written at its time.
        """
        self._lines.note(line.where, line.kind, SYSTEM_CLOCK.monotonic(), line.name)
        if self._is_folded or not line.words:
            return
        if self.log_lines is not None:
            self._print_lines([line])
        elif is_soon:
            self._soon.put(line)
        else:
            self._held_back.append(line)

    def _print_events(self, lines: Sequence[Line]) -> None:
        """Print lines about events: first those about starts, then the others, each in natural order."""
        self._print_lines([line for line in lines if line.kind in STARTED])
        self._print_lines([line for line in lines if line.kind not in STARTED])

    def _print_lines(self, lines: Iterable[Line]) -> None:
        """Print lines in natural order, equal ones with a host range."""
        texts = shared(lines) if self._has_ranges else ((line.where, line.text) for line in in_order(lines))
        for where, text in texts:
            self.news(f"  {printable(where)}  {printable(text)}")


class _LogMessages(logging.Handler):
    """Prints log messages above the bar or the live line."""

    def __init__(self, out: Stdio) -> None:
        super().__init__()
        self._out = out

    def emit(self, record: logging.LogRecord) -> None:
        """Print a message."""
        self._out.error(self.format(record), style="")
