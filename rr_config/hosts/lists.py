"""Lists of hosts for config files: ranges such as `node[1-60]`, and files of names."""

import itertools
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path

from ..checks import rules
from ..errors import ConfigError, named
from ..files.paths import found_beside, local_path

# The numbers of a range, such as `[1-60]`, `[01-40]` and `[2,10]`. The brackets of an IPv6 address contain colons.
NUMBERS = re.compile(r"\[([0-9,-]+)\]")
ADDRESS = re.compile(r"\[[^\[\]]*:[^\[\]]*\]")
BRACKET = re.compile(r"[\[\]]")
COMMA = re.compile(r",(?![0-9,-]*\])")  # one that stands in no range
MOST_DIGITS = 6
MOST_HOSTS = 100_000  # of one range; more would keep the completion of a shell busy for seconds
EXPECTED = "must be a host such as alice@node1:2222, or a range such as node[1-60]"


def hosts(*names: str, file: str | os.PathLike[str] | None = None) -> list[str]:
    """Return the hosts of some ranges, and of a file, in their order and each only once.

    A range has numbers in brackets, with as many digits as the first one. Several names and ranges can stand in one
    text, separated by commas, as commands print them. A line of `file` holds one name or range, and what follows a `#`
    is a comment. A relative `file` is relative to the config file that calls this function.

        >>> hosts("node[08-10]", "db1,rack[1-2]-node[3,5]")
        ['node08', 'node09', 'node10', 'db1', 'rack1-node3', 'rack1-node5', 'rack2-node3', 'rack2-node5']

    Raise ValueError for an invalid name or range, and ConfigError if `file` has an invalid line, holds no host, or
    cannot be read.
    """
    found: list[str] = []
    for text in names:
        try:
            found += _listed(text)
        except ValueError as error:
            raise ValueError(f"util.hosts({text!r}): {error}") from error
    if file is not None:
        found += _in_file(found_beside(Path.cwd(), local_path(file)))
    elif not names:
        raise ValueError("util.hosts(): must have a name, a range or a file")
    return list(dict.fromkeys(found))


def _in_file(path: Path) -> list[str]:
    with named(str(path)):
        lines = path.read_text("utf-8-sig", "replace").splitlines()
    found: list[str] = []
    problems: list[str] = []
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if text:
            try:
                found += _listed(text)
            except ValueError as error:
                problems.append(f"{path}:{number}: {text!r}: {error}")
    if problems:
        raise ConfigError(*problems)
    if not found:
        raise ConfigError(f"{path}: contains no host; write one name or range on each line")
    return found


def _listed(text: object) -> Iterator[str]:
    """Yield the hosts of names and ranges that commas separate. Raise ValueError for an invalid one."""
    if not isinstance(text, str):
        raise ValueError(EXPECTED)
    for part in COMMA.split(text):
        for host in _expanded(part.strip()):
            if not rules.is_host(host) or BRACKET.search(ADDRESS.sub("", host)):
                raise ValueError(f"invalid host {part!r}; {EXPECTED}")
            yield host


def _expanded(text: str) -> Iterator[str]:
    """Yield the names of one range, or the text itself."""
    *begins, end = NUMBERS.split(text)
    names, ranges = begins[::2], list(map(_numbers, begins[1::2]))
    count = math.prod(map(len, ranges))
    if count > MOST_HOSTS:
        raise ValueError(f"invalid range of {count:,} hosts; a range has at most {MOST_HOSTS:,}")
    for numbers in itertools.product(*ranges):
        parts = [name + number for name, number in zip(names, numbers, strict=True)]
        yield "".join([*parts, end])


def _numbers(ranges: str) -> list[str]:
    from ClusterShell.RangeSet import RangeSet, RangeSetException

    if any(len(number) > MOST_DIGITS for number in re.findall("[0-9]+", ranges)):
        raise ValueError(f"invalid range [{ranges}]; a number has at most {MOST_DIGITS} digits")
    try:
        return list(RangeSet(ranges).striter())
    except RangeSetException as error:
        raise ValueError(f"invalid range [{ranges}]; {str(error).lower().partition(' : ')[0]}") from error
