"""The folder of a sweep: `sweep.json` with all that its runs have in common, and a folder for each run.

    SWEEP/sweep.json              the seed, the options, and the inputs with their SHA-1
    SWEEP/running                 the cell whose components may run; missing after a complete sweep
    SWEEP/CELL/REPEAT/            a collection
    SWEEP/latest                  a link to the last run that is done
    SWEEP/CELL/REPEAT.failed-N/   an earlier attempt, which --retry-failed has repeated

`run.json` is the last file that appears in the folder of a run. It says how the run ended.
"""

import contextlib
import fcntl
import itertools
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from rr_config import ConfigError
from rr_config.errors import named

from ..results.collect import make_ready
from ..results.run_json import FILE as RUN_FILE
from ..results.run_json import write
from ..util.files import link_latest, replacing
from ..util.stages import Failure
from .cells import Cell, Run
from .inputs import Input, Inputs

FORMAT = 1
FILE, RUNNING = "sweep.json", "running"
SUCCEEDED, FAILED = "succeeded", "failed"


@attrs.frozen
class Outcome:
    """How a run ended: its verdict, its duration in seconds, its failures, and its measures by label and name."""

    verdict: str
    seconds: float
    failures: Sequence[Failure] = ()
    measures: Mapping[str, Mapping[str, float | None]] = attrs.field(factory=dict)

    @property
    def is_success(self) -> bool:
        """Return whether it ended without a failure."""
        return self.verdict == SUCCEEDED

    @property
    def has_changed_hosts(self) -> bool:
        """Return whether it got beyond the stage `connect`, in which no host is changed."""
        return not self.failures or any(each.stage != "connect" for each in self.failures)


@attrs.define
class Version:
    """The inputs of the runs from a time on, in seconds since 1970. Only `--mixed` allows more than one version."""

    since: float
    inputs: Inputs


@attrs.define
class Record:
    """The content of `sweep.json`."""

    seed: int
    options: dict[str, Any]
    versions: list[Version]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"format": FORMAT, **attrs.asdict(self)}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> "Record":
        """Return the record with these values. Raise ValueError or LookupError if there are others."""
        if found["format"] != FORMAT:
            raise ValueError(f"format: must be {FORMAT}")
        versions = []
        for each in found["versions"]:
            inputs = {path: Input(**values) for path, values in each["inputs"].items()}
            versions.append(Version(float(each["since"]), inputs))
        return cls(int(found["seed"]), dict(found["options"]), versions)


@attrs.define
class Store:
    """The folder of one sweep. Open it with `opened`, which keeps others out."""

    folder: Path

    def record(self) -> Record | None:
        """Return `sweep.json`, or None if the sweep is new. Raise ConfigError if it is invalid."""
        path = self.folder / FILE
        with named(str(path)):
            if not path.exists():
                return None
            try:
                return Record.from_dict(json.loads(path.read_bytes()))
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                problem = "is not the record of a sweep; use another folder with --to"
                raise ConfigError(f"{path}: {problem} ({type(error).__name__}: {error})") from error

    def write_record(self, record: Record) -> None:
        """Write `sweep.json`. Raise OSError."""
        with replacing(self.folder / FILE) as file:
            file.write(json.dumps(record.as_dict(), indent=1).encode() + b"\n")

    def outcome(self, run: Run) -> Outcome | None:
        """Return how a run ended, or None if it has not been done."""
        try:
            found = json.loads((self.folder / run.folder / RUN_FILE).read_bytes())
            own, outcome = found["sweep"], outcome_of(found)
        except (OSError, ValueError, LookupError, TypeError, AttributeError):  # it was cut off, or is not ours
            return None
        is_same = own["cell"] == run.cell.values and own["repeat"] == run.repeat
        return outcome if is_same else None

    def begin(self, run: Run) -> Path:
        """Return the new and empty folder of a run. Remove what is left of one that was cut off. Raise OSError.

        Keep a failed attempt under another name.
        """
        folder = self.folder / run.folder
        if self.outcome(run) is not None:
            folder.rename(self._unused(folder))
        elif folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        return folder

    @staticmethod
    def _unused(folder: Path) -> Path:
        names = (folder.with_name(f"{folder.name}.failed-{number}") for number in itertools.count(1))
        return next(path for path in names if not path.exists())

    def finish(self, run: Run, outcome: Outcome, values: Mapping[str, Any]) -> None:
        """Write the `run.json` of a run, with its outcome. From then on, it is done. Raise OSError."""
        own = {"cell": dict(run.cell.values), "repeat": run.repeat, "verdict": outcome.verdict}
        own |= {"seconds": outcome.seconds, "failures": [each.as_dict() for each in outcome.failures]}
        write(self.folder / run.folder, {**values, "sweep": {**values.get("sweep", {}), **own}})
        link_latest(self.folder, self.folder / run.folder)

    def running(self, cells: Sequence[Cell]) -> Cell | None:
        """Return the cell whose components may still run, or None."""
        with contextlib.suppress(OSError):
            name = (self.folder / RUNNING).read_text()
            return next((cell for cell in cells if cell.name == name), None)
        return None

    def set_running(self, cell: Cell | None) -> None:
        """Record the cell whose components may run from now on. Raise OSError."""
        if cell is None:
            (self.folder / RUNNING).unlink(missing_ok=True)
        else:
            (self.folder / RUNNING).write_text(cell.name)


def outcome_of(run: Mapping[str, Any]) -> Outcome:
    """Return the outcome in a `run.json`.

    Raise ValueError, LookupError, TypeError or AttributeError if it was not written by a sweep.
    """
    own = run["sweep"]
    if own["verdict"] not in (SUCCEEDED, FAILED):
        raise ValueError("verdict: unknown word")
    failures = [Failure(**{**each, "output": tuple(each["output"])}) for each in own["failures"]]
    return Outcome(own["verdict"], float(own["seconds"]), failures, measures_in(run))


def measures_in(run: Mapping[str, Any]) -> dict[str, dict[str, float | None]]:
    """Return the measures in a `run.json`, by label and name. One that could not be read is None."""
    found = {}
    for each in run["components"]:
        values = {name: measure.get("value") for name, measure in each.get("measures", {}).items()}
        if values:
            found[f"{each['host']}/{each['name']}"] = values
    return found


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Store]:
    """Create the folder of a sweep if necessary, and keep other commands out.

    Raise ConfigError if it cannot be used.
    """
    with named(f"--to {folder}"):
        make_ready(folder)
        if any(folder.glob("[!.]*")) and not (folder / FILE).exists():
            raise ConfigError(f"--to {folder}: is not empty, and holds no sweep; use another folder")
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(f"--to {folder}: another command runs this sweep; wait for its end") from None
        yield Store(folder)
    finally:
        os.close(descriptor)
