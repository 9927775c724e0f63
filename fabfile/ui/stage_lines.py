"""One line for a whole stage, for a terminal: how many hosts are done, what happened there, and how long it took.

A host or component is named only if it differs from most others, or takes more than three times as long. Pure.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median

import attrs

from ..util.text import counted, printable

SLOW = 3  # times the median
SHORTEST = 1  # seconds; nobody minds a host that is slower, but takes less
NAMED = 3  # names in a line; the rest is counted
FAILED = "failed"  # each failure is reported with its reason at the end of the stage
WITHOUT_LINE = ("check", "status", "logs")  # they prepare another stage, or have an output of their own
NATURALLY_SLOW = ("wait", "terminate")  # programs run for as long as they want


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
        parts += _summary(self._notes.values(), len(self.hosts))
        count = f"{self.done}/{len(self.hosts)}"
        first = f"{self.stage:<9}{count:<7}  {', '.join(parts):<42}  {now - self.began:.1f} s"
        return [first, *self._different(), *self._slow()]

    def _different(self) -> list[str]:
        """Name the hosts or components to which something else happened than to most."""
        kinds = Counter(note.kind for note in self._notes.values())
        if not kinds or kinds.most_common(1)[0][1] * 2 <= kinds.total():
            return []
        others = [kind for kind, _ in kinds.most_common()][1:]
        others = [kind for kind in others if kind != FAILED]
        lines = []
        for kind in others:
            lines.append(_named(kind, [where for where, note in self._notes.items() if note.kind == kind]))
        return lines

    def _slow(self) -> list[str]:
        """Name the hosts or components that took more than SLOW times the median."""
        if self.stage in NATURALLY_SLOW:
            return []
        groups: dict[str, dict[str, float]] = {}
        for where, note in self._notes.items():
            groups.setdefault(note.peers, {})[where] = note.seconds
        lines = []
        for group in groups.values():
            usual = median(group.values())
            slow = [where for where, seconds in group.items() if seconds > max(SLOW * usual, SHORTEST)]
            if slow:
                shown = [f"{where} {group[where]:.1f} s" for where in sorted(slow, key=lambda name: -group[name])]
                lines.append(_named(f"slow, most took {usual:.1f} s", shown))
        return lines


def _summary(notes: Iterable[Note], hosts: int) -> list[str]:
    """Return what happened, each kind with its number, unless it is the only one and happened once on each host."""
    kinds = Counter(note.kind for note in notes if note.kind)
    if len(kinds) == 1 and kinds.total() == hosts:
        return list(kinds)
    return [f"{count:,} {kind}" for kind, count in kinds.most_common()]


def _named(what: str, names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    return printable(f"  {what}: {shown}")
