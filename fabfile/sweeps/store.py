"""The folder of a sweep: `sweep.json` with all that its runs have in common, and a folder for each run.

    SWEEP/sweep.json              the seed, the options, and the inputs with their SHA-1
    SWEEP/running                 the session that may still run, and its hosts; removed when they are ended
    SWEEP/CELL/REPEAT/            a collection
    SWEEP/latest                  a link to the last run that is done
    SWEEP/CELL/REPEAT.failed-N/   an earlier attempt, which --retry-failed has repeated
    SWEEP/CELL/REPEAT.other-N/    a folder whose `run.json` was not written by this version of the program

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
    """The end of a run: its verdict, its duration in seconds, its failures, and its measures by label and name.

    `inputs` is the digest of the inputs of its cell.
    """

    verdict: str
    seconds: float
    failures: Sequence[Failure] = ()
    measures: Mapping[str, Mapping[str, float | None]] = attrs.field(factory=dict)
    inputs: str = ""

    @property
    def is_success(self) -> bool:
        """Return whether it ended without a failure."""
        return self.verdict == SUCCEEDED

    @property
    def has_changed_hosts(self) -> bool:
        """Return whether the run got beyond the stage `connect`, in which no host is changed."""
        return not self.failures or any(each.stage != "connect" for each in self.failures)


@attrs.frozen
class Left:
    """The session of a run that may not have ended, and its hosts."""

    session: str
    hosts: Sequence[str]

    def joined(self, other: "Left | None") -> "Left":
        """Return this session with the hosts of another record of it, too."""
        if other is None or other.session != self.session:
            return self
        return Left(self.session, sorted({*self.hosts, *other.hosts}))


@attrs.define
class Version:
    """The inputs of all cells from a time on, in seconds since 1970. A command with other inputs adds a version."""

    since: float
    inputs: Inputs


@attrs.define
class Record:
    """The content of `sweep.json`. `accepted` are digests of earlier inputs that --mixed has accepted."""

    seed: int
    options: dict[str, Any]
    versions: list[Version]
    accepted: list[str] = attrs.field(factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"format": FORMAT, **attrs.asdict(self)}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> "Record":
        """Return the record with these values. Raise ValueError or LookupError if one is missing or invalid."""
        if found["format"] != FORMAT:
            raise ValueError(f"format: must be {FORMAT}")
        versions = []
        for each in found["versions"]:
            inputs = {path: Input(**values) for path, values in each["inputs"].items()}
            versions.append(Version(float(each["since"]), inputs))
        return cls(int(found["seed"]), dict(found["options"]), versions, list(found["accepted"]))


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
        """Return how a run ended. Return None if it has not been done, or if its `run.json` is not ours.

        Raise ConfigError if the file cannot be read.
        """
        path = self.folder / run.folder / RUN_FILE
        with named(str(path)):
            if not path.exists():
                return None
            content = path.read_bytes()
        try:
            found = json.loads(content)
            own, outcome = found["sweep"], outcome_of(found)
        except (ValueError, LookupError, TypeError, AttributeError):
            return None
        is_same = own["cell"] == run.cell.values and own["repeat"] == run.repeat
        return outcome if is_same else None

    def outcomes(self, cell: Cell) -> Iterator[Outcome]:
        """Yield how the runs of a cell ended that are done."""
        for path in sorted((self.folder / cell.name).glob(f"*/{RUN_FILE}")):
            if path.parent.name.isdecimal():
                found = self.outcome(Run(cell, int(path.parent.name)))
                if found is not None:
                    yield found

    def begin(self, run: Run) -> Path:
        """Return the new and empty folder of a run. Remove what is left of one that was cut off. Raise OSError.

        Keep a failed attempt, and any other folder with a `run.json`, under another name.
        """
        folder = self.folder / run.folder
        if (folder / RUN_FILE).exists():
            folder.rename(self._unused(folder, "failed" if self.outcome(run) else "other"))
        elif folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        return folder

    @staticmethod
    def _unused(folder: Path, word: str) -> Path:
        names = (folder.with_name(f"{folder.name}.{word}-{number}") for number in itertools.count(1))
        return next(path for path in names if not path.exists())

    def finish(self, run: Run, outcome: Outcome, values: Mapping[str, Any]) -> None:
        """Write the `run.json` of a run, with its outcome. From then on, it is done. Raise OSError."""
        own = {"cell": dict(run.cell.values), "repeat": run.repeat, "verdict": outcome.verdict}
        own |= {"seconds": outcome.seconds, "failures": [each.as_dict() for each in outcome.failures]}
        write(self.folder / run.folder, {**values, "sweep": {**own, "inputs": outcome.inputs}})
        link_latest(self.folder, self.folder / run.folder)

    def left(self) -> Left | None:
        """Return the session of an earlier run that may not have ended, or None."""
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
            found = json.loads((self.folder / RUNNING).read_bytes())
            return Left(str(found["session"]), [str(host) for host in found["hosts"]])
        return None

    def set_left(self, left: Left | None) -> None:
        """Record the session that may run from now on. Raise OSError."""
        if left is None:
            (self.folder / RUNNING).unlink(missing_ok=True)
            return
        with replacing(self.folder / RUNNING) as file:
            file.write(json.dumps(attrs.asdict(left)).encode())


def outcome_of(run: Mapping[str, Any]) -> Outcome:
    """Return the outcome in a `run.json`.

    Raise ValueError, LookupError, TypeError or AttributeError if it was not written by a sweep.
    """
    own = run["sweep"]
    if own["verdict"] not in (SUCCEEDED, FAILED):
        raise ValueError("verdict: unknown word")
    failures = [Failure(**{**each, "output": tuple(each["output"])}) for each in own["failures"]]
    return Outcome(own["verdict"], float(own["seconds"]), failures, measures_in(run), str(own["inputs"]))


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
