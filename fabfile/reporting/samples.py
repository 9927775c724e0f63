"""Read the samples of what hosts and components use, which `usage.csv` files hold; see docs/usage.md."""

import contextlib
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import attrs

from rr_config import Component
from rr_config.errors import named

from ..results.remote_files import USAGE, folder_of
from ..util.epoch import epoch_time
from .history import ComponentHistory

MOST_BYTES = 8_000_000  # of a file; a host writes less in many years
COLUMNS = ("time", "cpu_cores", "memory_bytes")


class Sample(NamedTuple):
    """A row: its time in seconds since 1970, the mean CPU use since the row before in cores, and memory in bytes."""

    time: float
    cpu: float
    memory: float


Series = list[Sample]  # of one host or component, in the order of time


@attrs.frozen
class Samples:
    """The samples of hosts by name, and of components by label."""

    hosts: Mapping[str, Series] = attrs.field(factory=dict)
    components: Mapping[str, Series] = attrs.field(factory=dict)


def read_samples(found: Iterable[ComponentHistory], folder: Path) -> Samples:
    """Return all samples in `folder`, the folder of a collection. Leave out what has no samples.

    Read nothing outside of `folder`, because names come from `run.json`. Raise ConfigError if a file cannot be read.
    """
    hosts: dict[str, Series] = {}
    components: dict[str, Series] = {}
    for history in found:
        own = history.folder or folder_of(Component(name=history.name, host=history.host))
        components[history.label] = _read(folder, own)
        if history.host not in hosts:
            hosts[history.host] = _read(folder, posixpath.dirname(own))
    return Samples(_not_empty(hosts), _not_empty(components))


def _not_empty(found: Mapping[str, Series]) -> dict[str, Series]:
    return {name: series for name, series in found.items() if series}


def _read(folder: Path, own: str) -> Series:
    path = (folder / own / USAGE).resolve()
    if not path.is_file() or not path.is_relative_to(folder.resolve()):
        return []
    with named(str(path)), path.open("rb") as file:
        text = file.read(MOST_BYTES).decode("utf-8", "replace")
    return sorted(parse_samples(text))


def parse_samples(text: str) -> Iterator[Sample]:
    """Yield the samples in the text of a `usage.csv`. Skip lines that no sampler writes: a host may send anything.

    >>> list(parse_samples("time,cpu_cores,memory_bytes\\n1970-01-01T00:00:02.50Z,0.500,4096\\nspoilt,1\\n"))
    [Sample(time=2.5, cpu=0.5, memory=4096.0)]
    """
    lines = text.split("\n")[:-1]  # behind the last newline may be a part of a row
    names = lines[0].split(",") if lines else []
    if not set(COLUMNS) <= set(names):
        return
    places = [names.index(column) for column in COLUMNS]
    for line in lines[1:]:
        cells = line.split(",")
        with contextlib.suppress(ValueError, IndexError):
            time, cpu, memory = (cells[place] for place in places)
            moment = datetime.fromisoformat(time).timestamp()
            epoch_time(moment)
            sample = Sample(moment, float(cpu), float(memory))
            if 0 <= sample.cpu < 1e6 and 0 <= sample.memory < 1e18:
                yield sample
