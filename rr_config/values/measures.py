"""`Measure`, a number that a component produces, and `util.measure`, which declares one.

`fabfile.results.measures` reads the numbers from collected files.
"""

import math
import re
import statistics
from collections.abc import Callable, Mapping, Sequence

import attrs

from ..texts import is_sendable

Numbers = Sequence[float]

REDUCTIONS: Mapping[str, Callable[[Numbers], float]] = {
    "first": lambda numbers: numbers[0],
    "last": lambda numbers: numbers[-1],
    "min": min,
    "max": max,
    "mean": statistics.fmean,
    "median": statistics.median,
    "sum": math.fsum,
    "count": len,
}
GLOB = re.compile(r"[*?\[]")


@attrs.frozen
class Measure:
    """The source of a number: the pattern `log`, or a file and the place in it. `reduce` makes one of several numbers.

    Create it with `measure`, which validates the arguments.
    """

    log: str | None = None
    csv: str | None = None
    column: str | None = None
    json: str | None = None
    path: str | None = None
    reduce: str = "last"
    unit: str = ""

    @property
    def file(self) -> str | None:
        """Return the file on the host that holds the number, or None if it is in the output."""
        return self.csv or self.json


def measure(
    *,
    log: str | None = None,
    csv: str | None = None,
    column: str | None = None,
    json: str | None = None,
    path: str | None = None,
    reduce: str = "last",
    unit: str = "",
) -> Measure:
    r"""Return a value for `Component.measures`. Give exactly one source: `log`, `csv` or `json`.

    - `log` is a Python regular expression. It is searched in each line of output, as `fab logs` shows it. Its first
      group is the number, or the whole match if it has no group.
    - `csv` is a CSV file with a header on the host, and `column` the name of a column.
    - `json` is a JSON file on the host, and `path` the place of the number, for example `total.ops` or `runs.0.ms`.

    A relative file is relative to `base_dir`. `collect` copies it. If the source has several numbers, `reduce` chooses
    or combines: first, last, min, max, mean, median, sum or count. `unit` is for tables and plots. Raise ValueError for
    invalid arguments.

        >>> measure(log=r"p99=(\d+)ms", unit="ms").reduce
        'last'
        >>> measure(csv="out.csv", reduce="mean")
        Traceback (most recent call last):
        ValueError: util.measure: csv='out.csv': needs column='...', the name of a column
    """
    made = Measure(log, csv, column, json, path, reduce, unit)
    problem = _problem(made)
    if problem:
        raise ValueError(f"util.measure: {problem}")
    return made


def _problem(made: Measure) -> str | None:
    """Return the first mistake in the arguments, or None."""
    given = {name: value for name, value in attrs.asdict(made).items() if value is not None}
    for name, value in given.items():
        if not isinstance(value, str) or not is_sendable(value) or (not value and name != "unit"):
            return f"{name}={value!r}: must be a non-empty text without NUL"
    sources = [name for name in ("log", "csv", "json") if name in given]
    if len(sources) != 1:
        return f"got {' and '.join(sources) or 'no source'}; must be one of log=..., csv=... and json=..."
    if made.reduce not in REDUCTIONS:
        return f"reduce={made.reduce!r}: must be one of {', '.join(REDUCTIONS)}"
    if not made.unit.isprintable():
        return f"unit={made.unit!r}: must be printable"
    if made.log:
        return _place_problem(made) or _regex_problem(made.log)
    return _place_problem(made) or _file_problem(sources[0], made.file or "")


def _place_problem(made: Measure) -> str | None:
    """Return a mistake in `column` or `path`: each belongs to one kind of file."""
    for name, source, value, file, meaning in (
        ("column", "csv", made.column, made.csv, "the name of a column"),
        ("path", "json", made.path, made.json, "for example total.ops"),
    ):
        if file and value is None:
            return f"{source}={file!r}: needs {name}='...', {meaning}"
        if value is not None and not file:
            return f"{name}={value!r}: needs {source}='...', the file"
    return None


def _regex_problem(pattern: str) -> str | None:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        return f"log={pattern!r}: invalid regular expression: {error}"
    return None if groups <= 1 else f"log={pattern!r}: must have at most one group; write others as (?:...)"


def _file_problem(source: str, file: str) -> str | None:
    if file.startswith("~") or GLOB.search(file):
        return f"{source}={file!r}: must be a path relative to base_dir, or absolute, without ~ and wildcards"
    return None
