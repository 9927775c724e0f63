"""`SweepObserver`: the interface for following a sweep."""

from collections.abc import Mapping
from pathlib import Path

from ..runner import Observer, StageError
from .cells import Run
from .store import Outcome

Outcomes = Mapping[Run, Outcome | None]


class SweepObserver:
    """Follows a sweep. Each method does nothing unless a subclass overrides it."""

    def begins_sweep(self, folder: Path, outcomes: Outcomes, seed: int) -> None:
        """Handle the begin. `outcomes` has all runs in their order; those that are still to come have None.

        The mapping is filled while the sweep goes on.
        """

    def begins_run(self, run: Run) -> None:
        """Handle the begin of a run."""

    def of_run(self) -> Observer:
        """Return an observer for the stages of a run."""
        return Observer()

    def ends_run(self, run: Run, outcome: Outcome) -> None:
        """Handle the end of a run, after its files were collected."""

    def interrupts(self) -> None:
        """Handle Ctrl-C, before the components of the current run are stopped."""

    def cannot_end(self, error: StageError) -> None:
        """Handle hosts on which components of an earlier run may still run."""
