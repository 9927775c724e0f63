"""`SweepLines` shows a sweep to a person: a line for each run, and the progress while it goes on."""

import shutil
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...runner import Observer, StageError
from ...sweeps import Outcome, Result, Run, SweepObserver
from ...util.clock import SYSTEM_CLOCK
from ...util.daemons import start_daemon
from ...util.text import counted, duration, printable
from ..terminal import BOLD, RED, is_screen, styled

if TYPE_CHECKING:
    from ..console import Console

MOST_FAILURES = 5  # of one run


class SweepLines(SweepObserver):
    """Follows a sweep on a console. If it `is_verbose`, the console shows each run as `run` does."""

    def __init__(self, console: "Console", is_verbose: bool) -> None:
        self._console = console
        self._is_verbose = is_verbose
        self._is_live = is_screen(sys.stderr) and not console.is_quiet and not is_verbose
        self._outcomes: Mapping[Run, Outcome | None] = {}
        self._numbers: dict[Run, int] = {}
        self._current = ""
        self._stop = threading.Event()
        self._began = SYSTEM_CLOCK.monotonic()
        self._ended_here, self._last_end = 0, self._began  # of the runs of this command
        self._folder, self._seed = Path(), 0

    def begins_sweep(self, folder: Path, outcomes: Mapping[Run, Outcome | None], seed: int) -> None:
        """Print the number of runs."""
        self._outcomes, self._folder, self._seed = outcomes, folder, seed
        self._numbers = {run: number for number, run in enumerate(outcomes, 1)}
        cells = counted(len({run.cell for run in outcomes}), "combination")
        title = styled("sweep", BOLD, sys.stdout)
        self._console.news(
            f"{title}  {counted(len(outcomes), 'run')} of {cells} in {printable(str(folder))}; seed {seed}"
        )
        if any(outcomes.values()):
            self._console.news(f"  before: {self._counts()}")

    def begins_run(self, run: Run) -> None:
        """Show the run on a terminal until it ends."""
        self._current = f"run {self._numbers[run]} of {len(self._outcomes)} ({run})"
        if self._is_verbose:
            self._console.news(printable(self._current), BOLD)
        if self._is_live:
            self._stop = threading.Event()
            start_daemon(self._show, self._stop)

    def of_run(self) -> Observer:
        """Return the console, or an observer that only passes on questions to the user."""
        return self._console if self._is_verbose else _Questions(self._console)

    def ends_run(self, run: Run, outcome: Outcome) -> None:
        """Print a line with the measures, and the failures."""
        self._hide()
        self._ended_here += 1
        self._last_end = SYSTEM_CLOCK.monotonic()
        number = f"{self._numbers[run]:{len(str(len(self._outcomes)))}}/{len(self._outcomes)}"
        style = "" if outcome.is_success else RED
        words = [number, str(run.cell), f"repeat {run.repeat}", f"{outcome.verdict} in {outcome.seconds:.1f} s"]
        self._console.news(printable("  ".join([*words, *measures_of(outcome)])), style)
        for each in outcome.failures[:MOST_FAILURES]:
            self._console.error(printable(f"  {each.where}: {each.stage}: {each.reason}"))
        if len(outcome.failures) > MOST_FAILURES:
            self._console.error(f"  {len(outcome.failures) - MOST_FAILURES} more failures, in its run.json")

    def interrupts(self) -> None:
        """Print which run is cut off."""
        self._hide()
        self._console.error(printable(f"interrupted in {self._current or 'the first run'}; stopping its components"))

    def cannot_end(self, error: StageError) -> None:
        """Print where components of an earlier run may still run."""
        for each in error.failures:
            self._console.error(printable(f"  {each.where}: {error.stage}: {each.reason}"))

    def ends_sweep(self, results: Sequence[Result], hints: Mapping[str, str], as_json: bool) -> None:
        """Print the counts, or one JSON document with all runs."""
        seconds = SYSTEM_CLOCK.monotonic() - self._began
        if as_json:
            self._console.document(self._as_dict(results, hints, seconds))
            return
        self._console.news(f"{counted(len(results), 'run')}: {self._counts()}; {duration(seconds)}")
        for purpose, command in hints.items():
            self._console.news(f"{purpose}: {command}")

    def _as_dict(self, results: Sequence[Result], hints: Mapping[str, str], seconds: float) -> dict[str, object]:
        runs = []
        for result in results:
            own: dict[str, object] = {"cell": result.run.cell.values, "repeat": result.run.repeat, "verdict": None}
            if result.outcome is not None:
                own |= {"verdict": result.outcome.verdict, "seconds": round(result.outcome.seconds, 3)}
                own["failures"] = [each.as_dict() for each in result.outcome.failures]
                own["measures"] = result.outcome.measures
            runs.append(own)
        has_failed = any(each.outcome is not None and not each.outcome.is_success for each in results)
        return {
            "command": "sweep",
            "exit_code": int(has_failed),
            "seconds": round(seconds, 3),
            "folder": str(self._folder),
            "seed": self._seed,
            "runs": runs,
            "hints": dict(hints),
        }

    def _counts(self) -> str:
        """Return for example `12 succeeded, 1 failed, 27 to come`."""
        outcomes = list(self._outcomes.values())
        done = [each for each in outcomes if each is not None]
        succeeded = sum(each.is_success for each in done)
        parts = [f"{succeeded:,} succeeded", f"{len(done) - succeeded:,} failed"]
        return ", ".join([*parts, f"{len(outcomes) - len(done):,} to come"])

    def _show(self, stop: threading.Event) -> None:
        """Renew the line of progress each second, until the run ends."""
        began = SYSTEM_CLOCK.monotonic()
        while not stop.wait(1):
            line = f"{self._current} for {duration(SYSTEM_CLOCK.monotonic() - began)}; {self._counts()}{self._left()}"
            self._console.show_live(printable(line)[: shutil.get_terminal_size().columns - 1], stop)

    def _left(self) -> str:
        """Return the expected time to the end, from the runs of this command."""
        if not self._ended_here:
            return ""
        to_come = sum(each is None for each in self._outcomes.values())
        seconds = to_come * (self._last_end - self._began) / self._ended_here
        return f", about {duration(seconds)} left"

    def _hide(self) -> None:
        self._stop.set()
        self._console.hide_live()


class _Questions(Observer):
    """Passes on questions of logins to the console."""

    def __init__(self, console: "Console") -> None:
        self._console = console

    def asks_user(self, show: Callable[[], None]) -> None:
        """Show the question."""
        self._console.asks_user(show)

    def user_answered(self) -> None:
        """Allow other lines again."""
        self._console.user_answered()


def measures_of(outcome: Outcome) -> list[str]:
    """Return `NAME=VALUE` for each measure, with the component if several have a measure of that name."""
    names = [name for values in outcome.measures.values() for name in values]
    found = []
    for label, values in outcome.measures.items():
        for name, value in values.items():
            shown = "-" if value is None else f"{value:.6g}"
            found.append(f"{name}={shown}" if names.count(name) == 1 else f"{name} of {label}={shown}")
    return found
