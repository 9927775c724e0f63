"""The runs of a sweep as a table, with one row for each run that is done. Pure, except that it reads `run.json`."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rr_config import ConfigError
from rr_config.hosts.natural_order import natural_key

from ..results.run_json import FILE as RUN_FILE
from .store import FILE, measures_in

Value = str | int | float | bool | None
Row = dict[str, Value]


def rows(folder: Path) -> list[Row]:
    """Return a row for each run that is done: parameters, repeat, verdict, seconds, and measures.

    A measure has the name that the config gives it. If several components of a run have a measure of that name, each
    has a column NAME of COMPONENT or HOST/COMPONENT. A measure that could not be read is None. Raise ConfigError if
    `folder` holds no sweep.
    """
    if not (folder / FILE).is_file():
        raise ConfigError(f"{folder}: no {FILE}; must be the folder of a sweep")
    runs = list(_runs(folder))
    names = _columns([measures_in(run) for run in runs])
    found = []
    for run in runs:
        own = run["sweep"]
        row: Row = {name: run["parameters"].get(name) for name in own["cell"]}
        row |= {"repeat": own["repeat"], "verdict": own["verdict"], "seconds": own["seconds"]}
        row |= dict.fromkeys(names.values())
        for label, values in measures_in(run).items():
            row |= {names[label, name]: value for name, value in values.items()}
        found.append(row)
    return found


def _runs(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the content of the `run.json` of each run that is done, in natural order."""
    paths = [path for path in folder.glob(f"*/*/{RUN_FILE}") if path.parent.name.isdecimal()]
    for path in sorted(paths, key=lambda path: natural_key(f"{path.parent}")):
        try:
            found = json.loads(path.read_bytes())
        except ValueError:  # cut off
            continue
        if isinstance(found, dict) and isinstance(found.get("sweep"), dict):
            yield found


def _columns(measured: Sequence[Mapping[str, Mapping[str, object]]]) -> dict[tuple[str, str], str]:
    """Return the column of each measure, by the label of its component and its name."""
    pairs: dict[tuple[str, str], None] = {}
    shared: set[str] = set()  # names of measures that several components of a run have
    for run in measured:
        of_run = [(label, name) for label, values in run.items() for name in values]
        pairs |= dict.fromkeys(of_run)
        names = [name for _, name in of_run]
        shared |= {name for name in names if names.count(name) > 1}
    found = {}
    for label, name in pairs:
        component = label.partition("/")[2]
        alike = {each for each, own in pairs if own == name and each.partition("/")[2] == component}
        where = component if len(alike) == 1 else label
        found[label, name] = f"{name} of {where}" if name in shared else name
    return found


def as_csv(found: Iterable[Row]) -> str:
    """Return rows as CSV with a header. None becomes an empty field."""
    listed = list(found)
    columns = dict.fromkeys(name for row in listed for name in row)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)
    return text.getvalue()
