"""Read the measures of components from a collection. A number that cannot be read is a problem, and never NaN.

Output and CSV files may be large, so they are read line by line. A JSON file is read whole.
"""

import csv
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import attrs

from rr_config import Component
from rr_config.errors import os_reason
from rr_config.values.measures import REDUCTIONS, Measure

from ..components.output.logs import rendered
from ..util.stages import Failure
from .remote_files import OUTPUT, folder_of, target_of

MOST_TEXT = 60  # characters of a text in a message


@attrs.frozen
class Measured:
    """The value of a measure, or the problem that kept it from being read."""

    value: float | None = None
    problem: str | None = None


def measured(component: Component, folder: Path) -> dict[str, Measured]:
    """Return the measures of a component by name, from the collection in `folder`."""
    found = {}
    for name, measure in component.measures.items():
        try:
            found[name] = Measured(_value(component, measure, folder))
        except OSError as error:
            found[name] = Measured(problem=f"{measure.file or OUTPUT}: {os_reason(error).lower()}")
        except RecursionError:
            found[name] = Measured(problem=f"{measure.file}: nested too deeply")
        except (ValueError, LookupError, csv.Error) as error:
            found[name] = Measured(problem=f"{measure.file or OUTPUT}: {error}")
    return found


def failures_of(values: Mapping[str, Mapping[str, Measured]]) -> list[Failure]:
    """Return a failure for each measure that could not be read. `values` are by label and name."""
    found = []
    for label, own in values.items():
        for name, each in own.items():
            if each.problem is not None:
                found.append(Failure(f"{label}.measures.{name}", each.problem))
    return found


def is_measured_alone(component: Component, problem: str) -> bool:
    """Return whether a problem is about a file that is in `measures`, but not in `results`. Its measure reports it."""
    files = {measure.file for measure in component.measures.values()} - {None, *component.results}
    return any(problem.startswith(f"{file}: ") for file in files)


def _value(component: Component, measure: Measure, folder: Path) -> float:
    """Return the value. Raise OSError if the file is missing, and ValueError or LookupError if it has no number."""
    if measure.file is None:
        numbers = _in_log(folder / folder_of(component) / OUTPUT, measure.log or "")
    elif measure.csv:
        numbers = _in_csv(folder / target_of(component, measure.file), measure.column or "")
    else:
        numbers = _in_json(folder / target_of(component, measure.file), measure.path or "")
    try:
        value = REDUCTIONS[measure.reduce](_not_empty(numbers))
    except OverflowError:
        raise ValueError(f"the {measure.reduce}: too large") from None
    return _finite(value, f"the {measure.reduce}")


def _not_empty(numbers: Iterable[float]) -> list[float]:
    found = list(numbers)
    if not found:
        raise ValueError("no number found")
    return found


def _in_log(path: Path, pattern: str) -> Iterator[float]:
    regex = re.compile(pattern)
    with path.open("rb") as file:
        for line in file:
            for match in regex.finditer(rendered(line.rstrip(b"\n")).decode()):
                yield _number(match[regex.groups], "the match")


def _in_csv(path: Path, column: str) -> Iterator[float]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, strict=True)
        names = rows.fieldnames or []
        if column not in names:
            raise ValueError(f"no column {column!r}; the header has {', '.join(names) or 'no names'}")
        if names.count(column) > 1:
            raise ValueError(f"the header has the column {column!r} {names.count(column)} times")
        for row in rows:
            if None in row:  # for example from decimal commas, so that each number is in a wrong column
                raise ValueError(f"line {rows.line_num}: has more values than the header")
            yield _number(row[column], f"line {rows.line_num}")


def _in_json(path: Path, place: str) -> Iterator[float]:
    found = json.loads(path.read_bytes())
    seen = ""
    for step in place.split("."):
        if isinstance(found, list) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        elif isinstance(found, dict) and step in found:
            found = found[step]
        else:
            raise LookupError(f"no {step!r} in {seen.rstrip('.') or 'the document'}")
        seen += f"{step}."
    for each in found if isinstance(found, list) else [found]:
        yield _number(each, place)


def _number(given: object, where: str) -> float:
    """Return a number, or the number that a text stands for. Raise ValueError for anything else."""
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise ValueError(f"{where}: {_shown(given)} is not a number")
    try:
        number = float(given)
    except (ValueError, OverflowError):
        raise ValueError(f"{where}: {_shown(given)} is not a number") from None
    return _finite(number, where)


def _finite(number: float, where: str) -> float:
    if not math.isfinite(number):
        raise ValueError(f"{where}: {number} is not a finite number")
    return number


def _shown(given: object) -> str:
    text = repr(given)
    return text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 3]}..."
