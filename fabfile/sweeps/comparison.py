"""Compare two collections, or two sweeps: what was run with what, and then the measures."""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from rr_config import ConfigError
from rr_config.command_line.parameters import as_text
from rr_config.errors import named
from rr_config.hosts.natural_order import natural_key

from ..results.run_json import FILE as RUN_FILE
from . import table
from .statistics import Comparison, comparisons, summary
from .store import FILE, SUCCEEDED, measures_in

DIGITS = 12  # of a SHA-1
NOT_COMPARED = ("params", "config_file", "muddler", "arg_parser")  # options that other sections show
INVALID = (ValueError, LookupError, TypeError, AttributeError)  # errors for a file of another kind

Facts = dict[str, dict[str, str]]  # by section and name


@attrs.frozen
class Side:
    """One of two compared folders: facts by section and name, and the numbers of each measure by combination."""

    facts: Facts
    numbers: Mapping[tuple[str, str], Sequence[float]]


@attrs.frozen
class Difference:
    """A fact that differs. A side that lacks it has None."""

    section: str
    name: str
    before: str | None
    after: str | None

    def lines(self) -> list[str]:
        """Return the difference for a person. Texts of several lines are shown as a diff."""
        if self.before is None or self.after is None:
            return [f"{self.name}: only in the {'second' if self.before is None else 'first'}"]
        if "\n" not in self.before + self.after:
            return [f"{self.name}: {self.before} -> {self.after}"]
        changed = difflib.unified_diff(self.before.splitlines(), self.after.splitlines(), n=0, lineterm="")
        return [f"{self.name}:", *(f"  {line}" for line in list(changed)[2:])]


@attrs.frozen
class MeasureRow:
    """A measure of one combination on both sides: medians, their ratio, and the comparison if both are comparable."""

    cell: str
    measure: str
    before: float
    after: float
    comparison: Comparison | None

    @property
    def ratio(self) -> float | None:
        """Return the second median as a multiple of the first, or None if that is 0."""
        return self.after / self.before if self.before else None


@attrs.frozen
class Compared:
    """The comparison of two folders."""

    differences: Sequence[Difference]
    measures: Sequence[MeasureRow]

    def as_dict(self) -> dict[str, object]:
        """Return it as plain values."""
        rows = [attrs.asdict(each) | {"ratio": each.ratio} for each in self.measures]
        return {"differences": [attrs.asdict(each) for each in self.differences], "measures": rows}


def compare(first: Path, second: Path) -> Compared:
    """Compare two folders of `fab collect` or of runs, or two of `fab sweep`. Raise ConfigError for others."""
    if (first / FILE).is_file() != (second / FILE).is_file():
        raise ConfigError(f"compare: {first} and {second}: one is a sweep, and the other is not; compare equal kinds")
    read = _sweep if (first / FILE).is_file() else _run
    before, after = read(first), read(second)
    return Compared(list(_differences(before.facts, after.facts)), _measures(before, after))


def _differences(before: Facts, after: Facts) -> Iterator[Difference]:
    for section in before:
        names = {**before[section], **after.get(section, {})}
        for name in sorted(names, key=natural_key):
            old, new = before[section].get(name), after.get(section, {}).get(name)
            if old != new:
                yield Difference(section, name, old, new)


def _measures(before: Side, after: Side) -> list[MeasureRow]:
    """Return the measures that both sides have."""
    common = [key for key in before.numbers if key in after.numbers]
    compared = comparisons([(before.numbers[key], after.numbers[key]) for key in common])
    rows = []
    for key, comparison in zip(common, compared, strict=True):
        old, new = summary(before.numbers[key]).median, summary(after.numbers[key]).median
        rows.append(MeasureRow(*key, old, new, comparison))
    return rows


def _run(folder: Path) -> Side:
    """Return one run. Raise ConfigError if `folder` holds no valid `run.json`."""
    path = folder / RUN_FILE
    if not path.is_file():
        raise ConfigError(f"compare: {folder}: no {RUN_FILE} and no {FILE}; must be a folder of collect or sweep")
    run = _loaded(path)
    try:
        numbers: dict[tuple[str, str], list[float]] = {}
        for label, values in measures_in(run).items():
            numbers |= {(label, name): [value] for name, value in values.items() if value is not None}
        return Side(_facts(run), numbers)
    except INVALID as error:
        raise ConfigError(f"compare: {path}: invalid file: {error}") from error


def _sweep(folder: Path) -> Side:
    """Return a sweep: the facts of its last run, its inputs, and the hosts of all runs."""
    runs = table.read(folder)
    if not runs:
        raise ConfigError(f"compare: {folder}: no run is done; go on with the sweep first")
    loaded = [_loaded(folder / run.folder / RUN_FILE) for run in runs]
    record = _loaded(folder / FILE)
    try:
        facts = _facts(max(loaded, key=lambda run: float(run.get("collected", 0))))
        facts["files"] = {path: str(found["sha1"])[:DIGITS] for path, found in record["versions"][-1]["inputs"].items()}
        for each in loaded:
            facts["hosts"] |= _hosts(each)
    except INVALID as error:
        raise ConfigError(f"compare: {folder}: invalid file: {error}") from error
    for name in runs[0].parameters:
        facts["parameters"].pop(name, None)
    facts["combinations"] = dict.fromkeys((run.cell for run in runs), "")
    has_measures = any(run.measures for run in runs)
    numbers: dict[tuple[str, str], list[float]] = {}
    for run, row in zip(runs, table.rows_of(runs), strict=True):
        for name, value in row.items():
            if name in run.parameters or name in ("repeat", "verdict") or row["verdict"] != SUCCEEDED:
                continue
            if name == "seconds" and has_measures:  # each further test lowers the power of the others
                continue
            if isinstance(value, int | float):
                numbers.setdefault((run.cell, name), []).append(float(value))
    return Side(facts, numbers)


def _facts(run: Mapping[str, Any]) -> Facts:
    """Return the facts in a `run.json`: those of the command that started the components, if it is known."""
    started = run["runs"][0] if run.get("runs") else run
    files: dict[str, str] = {}
    for host, own in run.get("files", {}).items():
        files |= {f"{host}:{path}": str(each["sha1"])[:DIGITS] for path, each in own.items()}
    return {
        "config": _sources(started),
        "options": _texts(started["options"], NOT_COMPARED),
        "parameters": _texts(started["parameters"]),
        "versions": _texts(started["versions"]),
        "files": files,
        "hosts": _hosts(run),
    }


def _sources(run: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of the config, the muddlers and the arg parser."""
    found = {}
    for name, source in (("config", run["config"]), ("arg parser", run["arg_parser"])):
        if source is not None:
            found[name] = source["text"]
    for source in run["muddlers"]:
        found[f"muddler {Path(source['path']).stem}"] = source["text"]
    return found


def _texts(values: Mapping[str, Any], without: Sequence[str] = ()) -> dict[str, str]:
    return {name: as_text(value) for name, value in values.items() if name not in without}


def _hosts(run: Mapping[str, Any]) -> dict[str, str]:
    """Return the operating system of each host, if it is known."""
    found = {str(each["host"]): "" for each in run["components"]}
    return found | {host: str(text) for host, text in run.get("systems", {}).items()}


def _loaded(path: Path) -> dict[str, Any]:
    with named(f"compare: {path}"):
        content = path.read_bytes()
    try:
        return dict(json.loads(content))
    except INVALID as error:
        raise ConfigError(f"compare: {path}: invalid file: {error}") from error
