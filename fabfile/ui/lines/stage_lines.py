"""One line for a whole stage, for a terminal. Pure.

`Waiting` is the line while the stage goes on: how many hosts are done, how many components of each name, and the names
that it waits for. `StageLines` are the lines at its end: what happened on how many hosts, and how long it took. A host
or component is named there only if it differs from most others, or takes more than three times as long.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

import attrs

from rr_config.hosts.natural_order import natural_key

from ...util.host_ranges import places_by_name
from ...util.text import counted, duration, printable

SLOW = 3  # times the median
SHORTEST = 1  # seconds; nobody minds a host that is slower, but takes less
WIDEST_NAMES = 100  # columns for the names at the end of a stage
SHORT_LIMIT = 120  # seconds; up to here, a limit and the time so far are both in seconds
# Each failure is reported with its reason at the end of the stage.
FAILED, UNREADY = "failed", "not ready"
WITHOUT_LINE = ("check", "status", "logs")  # they prepare another stage, or have an output of their own
NATURALLY_SLOW = ("wait", "terminate")  # programs run for as long as they want


@attrs.frozen
class Waiting:
    """A stage that goes on, on `hosts`.

    `awaited` are the places that it has waited for since its begin: hosts, or components as `host/name`. `left` are
    those without an answer. `time` says how long it has taken, and its limit. `verb` is the word for a component that
    is done, such as `ready`. With `terminates`, those that are left are being terminated.
    """

    stage: str
    hosts: int
    awaited: Sequence[str]
    left: Sequence[str]
    time: str
    verb: str = ""
    terminates: bool = False

    def line(self, width: int) -> str:
        """Return the line. In less than its width, complete names go first, then the end of the waited-for ones."""
        done = self.hosts - len({place.partition("/")[0] for place in self.left})
        head = f"{self.stage:<9}{f'{done}/{self.hosts}':<7}  "
        names = places_by_name(self.left) or "the last answer"
        waits = f"{'terminating' if self.terminates else 'waits for'}: {names}"
        room = max(width - len(head) - len(self.time) - 1, 0)
        counts = self._counts(max(room - len(waits), room // 2) - 3)
        if counts:
            room -= len(counts) + 3
            counts += "   "
        return printable(_cut(f"{head}{counts}{_cut(waits, room)} {self.time}", width))

    def _counts(self, width: int) -> str:
        """Return how many components of each name are done, with incomplete names first if not all fit."""
        if self.terminates or not self.verb:
            return ""
        totals, left = Counter(map(_name, self.awaited)), Counter(map(_name, self.left))
        return _counts(self.verb, {name: (number - left[name], number) for name, number in totals.items()}, width)


def _counts(verb: str, numbers: Mapping[str, tuple[int, int]], width: int) -> str:
    """Return how many components of each name are done, and of all. Incomplete names go first if not all fit.

    >>> _counts("ready", {"a": (2, 2), "b": (2, 2), "c": (1, 2)}, 40)
    'ready: a 2/2 b 2/2 c 1/2'
    >>> _counts("ready", {"a": (2, 2), "b": (2, 2), "c": (1, 2)}, 23)
    'ready: c 1/2 and 2 more'
    """
    names = sorted(numbers, key=natural_key)
    texts = [f"{name} {numbers[name][0]}/{numbers[name][1]}" for name in names]
    if len(text := f"{verb}: {' '.join(texts)}") <= width:
        return text
    texts = [texts[place] for place in sorted(range(len(names)), key=lambda place: _is_complete(numbers[names[place]]))]
    for shown in range(len(names) - 1, 0, -1):
        text = f"{verb}: {' '.join(texts[:shown])} and {len(names) - shown} more"
        if len(text) <= width:
            return text
    return ""


def _is_complete(numbers: tuple[int, int]) -> bool:
    return numbers[0] == numbers[1]


def time_of(seconds: float, limit: float | None) -> str:
    """Return the time so far with its limit, for example `12 s of 60 s`."""
    if limit is None:
        return f"{duration(int(seconds))}, no limit"
    if limit <= SHORT_LIMIT:
        return f"{int(seconds)} s of {round(limit)} s"
    return f"{duration(int(seconds))} of {duration(round(limit))}"


def _name(place: str) -> str:
    return place.partition("/")[2]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: max(width - 3, 0)]}..."


@attrs.frozen
class Note:
    """An event on a host or of a component, and the seconds since the stage began.

    `kind` is in words that other hosts share, or empty if the stage only has a duration.
    `peers` is the name of the component, because only components of one name should take the same time.
    """

    kind: str
    seconds: float
    peers: str = ""


@attrs.define
class StageLines:
    """The outcomes of a stage on `hosts`, which began at the time `began`."""

    stage: str = ""
    hosts: Sequence[str] = ()
    began: float = 0
    done: int = 0
    failed: int = 0
    _notes: dict[str, Note] = attrs.field(factory=dict)

    def note(self, where: str, kind: str, now: float, peers: str = "") -> None:
        """Note an outcome. A later one of the same component replaces it."""
        self._notes[where] = Note(kind, now - self.began, peers)

    def lines(self, now: float) -> list[str]:
        """Return the line of the stage, and a line for each group of hosts or components to name."""
        if self.stage in WITHOUT_LINE:
            return []
        parts = [f"{counted(self.failed, 'host')} failed"] if self.failed else []
        parts += self._partly_started() or _summary(self._notes.values(), len(self.hosts))
        count = f"{self.done}/{len(self.hosts)}"
        first = f"{self.stage:<9}{count:<7}  {', '.join(parts):<42}  {now - self.began:.1f} s"
        return [first, *self._different(), *self._slow()]

    def _partly_started(self) -> list[str]:
        """Return how many components of each name have been started, or are ready, if some are not."""
        if not self.stage.startswith("start ") or not any(map(_is_bad, self._notes.values())):
            return []
        found: dict[str, dict[str, tuple[int, int]]] = {}
        for group in self._groups():
            kinds = Counter(note.kind for note in group.values())
            bad = kinds.pop(FAILED, 0) + kinds.pop(UNREADY, 0)
            verb = kinds.most_common(1)[0][0] if kinds else "started"
            if any(note.kind == UNREADY for note in group.values()):
                verb = "ready"
            name = next(iter(group.values())).peers
            found.setdefault(verb, {})[name] = len(group) - bad, len(group)
        return [text for verb, numbers in found.items() if (text := _counts(verb, numbers, WIDEST_NAMES))]

    def _groups(self) -> Iterable[dict[str, Note]]:
        """Return the notes of hosts, and those of the components of each name."""
        groups: dict[str, dict[str, Note]] = {}
        for where, note in self._notes.items():
            groups.setdefault(note.peers, {})[where] = note
        return groups.values()

    def _different(self) -> list[str]:
        """Name the hosts or components to which something else happened than to most of their peers."""
        places: dict[str, list[str]] = {}
        for group in self._groups():
            kinds = {where: note.kind for where, note in group.items() if not _is_bad(note)}
            for usual, count in Counter(kinds.values()).most_common(1):
                for where, kind in kinds.items():
                    if kind != usual and count * 2 > len(kinds):
                        places.setdefault(kind, []).append(where)
        return [_named(kind, places_by_name(where)) for kind, where in places.items()]

    def _slow(self) -> list[str]:
        """Name the hosts or components that took more than SLOW times the median of their peers."""
        if self.stage in NATURALLY_SLOW:
            return []
        lines = []
        for group in self._groups():
            seconds = {where: note.seconds for where, note in group.items() if not _is_bad(note)}
            usual = median(seconds.values()) if seconds else 0
            slow = {where: time for where, time in seconds.items() if time > max(SLOW * usual, SHORTEST)}
            if slow:
                least, most = min(slow.values()), max(slow.values())
                times = f"{most:.1f} s" if len(slow) == 1 else f"{least:.1f} to {most:.1f} s"
                lines.append(f"{_named(f'slow, most took {usual:.1f} s', places_by_name(slow))} {times}")
        return lines


def _is_bad(note: Note) -> bool:
    return note.kind in (FAILED, UNREADY)


def _summary(notes: Iterable[Note], hosts: int) -> list[str]:
    """Return what happened, each kind with its number, unless it is the only one and happened once on each host."""
    kinds = Counter(note.kind for note in notes if note.kind)
    if len(kinds) == 1 and kinds.total() == hosts:
        return list(kinds)
    return [f"{count:,} {kind}" for kind, count in kinds.most_common()]


def _named(what: str, names: str) -> str:
    return printable(f"  {what}: {_cut(names, WIDEST_NAMES)}")
