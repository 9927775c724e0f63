"""The cells of a sweep, and the order of its runs. Pure.

A cell is one assignment of values to parameters. Each cell is run several times. The runs are ordered repeat by repeat,
and shuffled within each: so a slow drift of the machines does not look like an effect of a parameter.
"""

import csv
import hashlib
import itertools
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from rr_config import Config, ConfigError
from rr_config.command_line.parameters import Value, as_text
from rr_config.errors import named
from rr_config.files.paths import local_path

ASSIGNMENT = re.compile(r"([^\W\d]\w*)=(.*)", re.DOTALL)  # else the text is the path of a file
UNSAFE = re.compile(r"[^A-Za-z0-9_.+-]")
COLUMNS = ("repeat", "verdict", "seconds")  # of every table, behind the parameters
LONGEST_NAME = 200  # bytes of the name of a folder; Linux allows 255

Assignment = Mapping[str, str]


@attrs.frozen
class Cell:
    """One assignment: pairs of a parameter of `--over` and its value as text."""

    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, values: Assignment) -> "Cell":
        """Return the cell with these values."""
        return cls(tuple(values.items()))

    @property
    def values(self) -> dict[str, str]:
        """Return the values by the name of the parameter."""
        return dict(self.pairs)

    @property
    def name(self) -> str:
        """Return the name of its folder. It is unique for each cell, and the order of the parameters does not matter.

        >>> Cell.of({"clients": "4", "mode": "a/b"}).name
        'clients=4,mode=a%2Fb'
        """
        name = ",".join(f"{_safe(name)}={_safe(value)}" for name, value in sorted(self.pairs)) or "all"
        if len(name) <= LONGEST_NAME:
            return name
        digest = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
        return f"{name[: LONGEST_NAME - 42]}=={digest}"

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self.pairs) or "no parameter"


def _safe(value: str) -> str:
    """Percent-encode every byte except letters, digits and `_.+-`."""
    encoded = value.encode("utf-8", "surrogateescape").decode("latin-1")
    return UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", encoded)


@attrs.frozen
class Run:
    """One run of a sweep: the `repeat`th one of a cell, counted from 1."""

    cell: Cell
    repeat: int

    @property
    def folder(self) -> Path:
        """Return its folder, relative to that of the sweep."""
        return Path(self.cell.name) / str(self.repeat)

    def __str__(self) -> str:
        return f"{self.cell}, repeat {self.repeat}"


def cells(over: Iterable[str]) -> list[Cell]:
    """Return every combination of the values that `--over` gives: `NAME=VALUE,VALUE`, or the path of a CSV file.

    Each row of a CSV file is one assignment to the parameters in its header. Raise ConfigError for an invalid text or
    file, and if two of them assign one parameter.

        >>> [str(cell) for cell in cells(["clients=1,2", "mode=fast,slow"])]
        ['clients=1 mode=fast', 'clients=1 mode=slow', 'clients=2 mode=fast', 'clients=2 mode=slow']
    """
    factors: list[Sequence[Assignment]] = []
    assigned: dict[str, str] = {}
    for text in over:
        match = ASSIGNMENT.fullmatch(text)
        factor = [{match[1]: value} for value in match[2].split(",")] if match else list(_rows(text))
        for name in factor[0]:
            if name in assigned:
                raise ConfigError(f"--over {text}: {name} is also in --over {assigned[name]}; name a parameter once")
            assigned[name] = text
        factors.append(factor)
    found = []
    for combination in itertools.product(*factors):
        values: dict[str, str] = {}
        for assignment in combination:
            values |= assignment
        found.append(Cell.of(values))
    return found


def _rows(path: str) -> Iterator[Assignment]:
    """Yield the assignments of a CSV file. Raise ConfigError if it cannot be read, is invalid, or has no row."""
    where = f"--over {path}"
    with named(where):
        try:
            with local_path(path).open(encoding="utf-8-sig", newline="") as file:
                rows = [row for row in csv.reader(file, strict=True) if row]
        except FileNotFoundError:
            raise ConfigError(f"{where}: no such file; must be NAME=VALUE,VALUE or a CSV file") from None
        except (UnicodeDecodeError, csv.Error) as error:
            raise ConfigError(f"{where}: not a CSV file in UTF-8: {error}") from error
    if len(rows) < 2:
        raise ConfigError(f"{where}: must have a header with names of parameters, and a row for each combination")
    header = [name.strip() for name in rows[0]]
    if len(set(header)) < len(header):
        raise ConfigError(f"{where}: the header names a parameter twice")
    for number, row in enumerate(rows[1:], 1):
        if len(row) != len(header):
            raise ConfigError(f"{where}: row {number} has {len(row)} values; must have {len(header)}, as the header")
        yield dict(zip(header, row, strict=True))


def check_names(parameters: Iterable[str], config: Config) -> None:
    """Raise ConfigError if a table of the sweep would have two columns of one name."""
    taken = dict.fromkeys(COLUMNS, "a column of every table")
    problems = []
    for name in parameters:
        if name in taken:
            problems.append(f"--over {name}: the name is {taken[name]}; rename the parameter")
        taken[name] = "also a parameter of --over"
    for component in config.all_components():
        for name in component.measures:
            if name in taken:
                problems.append(f"{component.label}.measures.{name}: the name is {taken[name]}; rename the measure")
    if problems:
        raise ConfigError(*problems)


def canonical(given: Sequence[Cell], loaded: Iterable[Mapping[str, Value]]) -> list[Cell]:
    """Return the cells with the values as the config has parsed them: 08 becomes 8.

    `loaded` holds the parameters of each cell after loading. Raise ConfigError if two cells are then the same.
    """
    found: dict[str, Cell] = {}
    for cell, values in zip(given, loaded, strict=True):
        parsed = Cell.of({name: as_text(values[name]) for name in cell.values})
        if parsed.name in found:
            raise ConfigError(f"--over: {parsed}: two combinations have these values; remove one")
        found[parsed.name] = parsed
    return list(found.values())


def in_order(of: Sequence[Cell], repeats: int, seed: int) -> list[Run]:
    """Return all runs: first each cell once, in an order that follows from `seed`, then each a second time, and so on.

    The order within a repeat does not depend on the number of repeats.
    """
    runs = []
    for repeat in range(1, repeats + 1):
        shuffled = list(of)
        random.Random(f"{seed}/{repeat}").shuffle(shuffled)
        runs += [Run(cell, repeat) for cell in shuffled]
    return runs
