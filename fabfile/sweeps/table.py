"""The runs of a sweep as a table, with one row for each run that is done. Pure, except that it reads `run.json`."""

import contextlib
import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import attrs

from rr_config import ConfigError
from rr_config.command_line.parameters import as_text
from rr_config.hosts.natural_order import natural_key

from ..results.run_json import FILE as RUN_FILE
from ..util.stages import Failure
from .cells import COLUMNS
from .store import FILE, outcome_of

T = TypeVar("T")
Value = str | int | float | bool | None
Row = dict[str, Value]


@attrs.frozen
class DoneRun:
    """The content of the `run.json` of a run. `folder` is its folder, relative to that of the sweep.

    `parameters` are those of the sweep, with the types of the config. `measures` and `units` are by label and name.
    """

    folder: Path
    parameters: Mapping[str, Value]
    repeat: int
    verdict: str
    seconds: float
    failures: Sequence[Failure]
    measures: Mapping[str, Mapping[str, float | None]]
    units: Mapping[tuple[str, str], str]

    @property
    def cell(self) -> str:
        """Return the combination of parameters for a person."""
        return " ".join(f"{name}={as_text(value)}" for name, value in self.parameters.items()) or "no parameter"


def rows(folder: Path) -> list[Row]:
    """Return the rows of the runs in the folder of a sweep; see `rows_of`. Raise ConfigError as `read` does."""
    return rows_of(read(folder))


def rows_of(runs: Sequence[DoneRun]) -> list[Row]:
    """Return a row for each run: parameters, repeat, verdict, seconds, and measures.

    A measure has the name that the config gives it. If several components of a run have a measure of that name, each
    has a column NAME of COMPONENT or HOST/COMPONENT. A measure that could not be read is None.
    """
    names = columns(runs)
    found = []
    for run in runs:
        row: Row = {**run.parameters, "repeat": run.repeat, "verdict": run.verdict, "seconds": run.seconds}
        row |= dict.fromkeys(names.values())
        for label, values in run.measures.items():
            row |= {names[label, name]: value for name, value in values.items()}
        found.append(row)
    return found


def read(folder: Path) -> list[DoneRun]:
    """Return the runs of a sweep that are done, in natural order. Raise ConfigError if `folder` holds no sweep."""
    if not (folder / FILE).is_file():
        raise ConfigError(f"{folder}: no {FILE}; must be the folder of a sweep")
    paths = [path for path in folder.glob(f"*/*/{RUN_FILE}") if path.parent.name.isdecimal()]
    found = []
    for path in sorted(paths, key=lambda path: natural_key(f"{path.parent}")):
        with contextlib.suppress(ValueError, LookupError, TypeError, AttributeError):  # cut off, or of another version
            found.append(_parsed(json.loads(path.read_bytes()), path.parent.relative_to(folder)))
    return found


def _parsed(found: Mapping[str, Any], folder: Path) -> DoneRun:
    """Return a run. Raise ValueError, LookupError, TypeError or AttributeError if a value is missing or invalid."""
    own = found["sweep"]
    outcome = outcome_of(found)
    units: dict[tuple[str, str], str] = {}
    for component in found["components"]:
        for name, measure in component.get("measures", {}).items():
            units[f"{component['host']}/{component['name']}", name] = str(measure.get("unit", ""))
    parameters = {name: found["parameters"].get(name) for name in own["cell"]}
    repeat, verdict = int(own["repeat"]), outcome.verdict
    return DoneRun(folder, parameters, repeat, verdict, outcome.seconds, outcome.failures, outcome.measures, units)


def columns(runs: Sequence[DoneRun]) -> dict[tuple[str, str], str]:
    """Return the column of each measure, by the label of its component and its name.

    The column has the host only if components of one name on several hosts of a run have the measure. So it stays the
    same if a parameter decides the host.
    """
    pairs: dict[tuple[str, str], None] = {}
    shared: set[str] = set()  # names of measures that several components of a run have
    alike: set[tuple[str, str]] = set()  # the same with the name of the component, if they have one name
    for run in runs:
        of_run = [(label, name) for label, values in run.measures.items() for name in values]
        pairs |= dict.fromkeys(of_run)
        shared |= _repeated(name for _, name in of_run)
        alike |= _repeated((_component(label), name) for label, name in of_run)
    found = {}
    for label, name in pairs:
        where = label if (_component(label), name) in alike else _component(label)
        found[label, name] = f"{name} of {where}" if name in shared else name
    return found


def _component(label: str) -> str:
    return label.partition("/")[2]


def _repeated(values: Iterable[T]) -> set[T]:
    return {value for value, count in Counter(values).items() if count > 1}


def as_csv(found: Iterable[Row]) -> str:
    """Return rows as CSV with a header. None becomes an empty field, and True becomes `true`."""
    listed = [
        {name: as_text(value) if isinstance(value, bool) else value for name, value in row.items()} for row in found
    ]
    names = dict.fromkeys(name for row in listed for name in row)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(names), lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)
    return text.getvalue()


def is_table(path: Path) -> bool:
    """Return whether a file is a table that `as_csv` made."""
    with path.open("rb") as file:
        return ",".join(COLUMNS).encode() in file.readline()
