"""Progress of a transfer: one bar for all hosts, and the slowest hosts below it.

`Transfers` holds the numbers, and `TransferProgress` draws them. rich takes 40 ms to load, so the console imports this
module when it shows a bar.
"""

import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from math import ceil

import attrs
from rich.console import Console as Terminal
from rich.console import ConsoleRenderable, Group
from rich.filesize import pick_unit_and_suffix
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..util.clock import SYSTEM_CLOCK
from ..util.text import printable
from .terminal import color_system

WINDOW = 10  # seconds over which a speed is measured
SHORTEST = 0.4  # a shorter time says nothing about the speed
SLOWEST = 3  # hosts that have a line of their own
LOOKS_PER_SECOND = 2  # more often, the lines of the slowest hosts would change places too fast to read
NUMBERS = 36  # columns for bytes, speed and time left
WIDEST_BAR, NARROWEST_BAR = 30, 8
UNITS = ["B", "kB", "MB", "GB", "TB"]
LABEL = "  slowest  "


@attrs.define
class Meter:
    """The speed of a transfer in the last seconds."""

    _noted: deque[tuple[float, int]] = attrs.field(factory=deque)  # times and bytes

    def note(self, now: float, done: int) -> None:
        """Note that `done` bytes were through at a time. Fewer than before begin a new transfer."""
        if self._noted and done < self._noted[-1][1]:
            self._noted.clear()
        self._noted.append((now, done))
        while len(self._noted) > 2 and self._noted[1][0] <= now - WINDOW:
            self._noted.popleft()

    @property
    def speed(self) -> float:
        """Return bytes per second."""
        (began, first), (now, done) = self._noted[0], self._noted[-1]
        return (done - first) / (now - began) if now - began >= SHORTEST else 0


@attrs.frozen
class Share:
    """The bytes of a transfer to or from one host, or of all hosts. `speed` is in bytes per second."""

    done: int
    total: int
    speed: float
    is_estimate: bool = False  # the total

    @property
    def seconds(self) -> float | None:
        """Return the time left: None if nothing moves."""
        if self.done >= self.total:
            return 0
        return (self.total - self.done) / self.speed if self.speed else None

    def __str__(self) -> str:
        unit, name = pick_unit_and_suffix(self.total, UNITS, 1000)
        digits = 0 if unit == 1 else 2 if self.total < 10 * unit else 1
        total = f"{'~' if self.is_estimate else ''}{self.total / unit:.{digits}f}"
        left = "-:--:--" if self.seconds is None else str(timedelta(seconds=ceil(self.seconds)))
        return f"{self.done / unit:.{digits}f}/{total} {name}  {_speed(self.speed)}  {left}"


def _speed(number: float) -> str:
    unit, name = pick_unit_and_suffix(int(number), UNITS, 1000)
    digits = 1 if unit > 1 and number < 10 * unit else 0
    return f"{number / unit:.{digits}f} {name}/s"


@attrs.frozen
class Look:
    """The transfer at one moment: all hosts, the number of hosts in each state, and a text for each slow host."""

    all: Share
    counts: str
    slowest: tuple[tuple[str, str], ...]


@attrs.define
class Transfers:
    """The progress of a transfer on `hosts`. `now` returns the time in seconds.

    A host is to come until it has told its bytes, which it does after the comparison of its files. Until then its share
    is estimated as the mean of the others.
    """

    _hosts: Sequence[str]
    _verb: str  # for a host that works: `sending` or `receiving`
    _now: Callable[[], float]
    _bytes: dict[str, tuple[int, int]] = attrs.field(factory=dict)
    _meters: dict[str, Meter] = attrs.field(factory=dict)
    _has_failed: dict[str, bool] = attrs.field(factory=dict)  # of each host that is over
    _meter: Meter = attrs.field(factory=Meter)

    def move(self, host: str, done: int, total: int) -> None:
        """Note that `done` of `total` bytes are through."""
        self._bytes[host] = done, total
        if host not in self._meters:
            self._meters[host] = Meter()
            self._meters[host].note(self._now(), done)

    def end(self, host: str, has_failed: bool) -> None:
        """Note that a host is through, or has failed. What it still lacks counts no more."""
        done, _ = self._bytes.get(host, (0, 0))
        self._bytes[host] = done, done
        self._has_failed[host] = has_failed

    def look(self) -> Look:
        """Return the state now. Each look measures the speed since those before."""
        now = self._now()
        at_work = [host for host in self._bytes if host not in self._has_failed]
        for host in at_work:
            self._meters[host].note(now, self._bytes[host][0])
        return Look(self._all(now), self._counts(len(at_work)), self._slowest(at_work))

    def _all(self, now: float) -> Share:
        done = sum(done for done, _ in self._bytes.values())
        total = sum(total for _, total in self._bytes.values())
        sizes = [total for host, (_, total) in self._bytes.items() if not self._has_failed.get(host)]
        to_come = len(self._hosts) - len(self._bytes)
        if sizes:
            total += sum(sizes) * to_come // len(sizes)
        self._meter.note(now, done)
        return Share(done, total, self._meter.speed, is_estimate=to_come > 0)

    def _counts(self, at_work: int) -> str:
        failed = sum(self._has_failed.values())
        counts = {
            "failed": failed,
            "done": len(self._has_failed) - failed,
            self._verb: at_work,
            "to come": len(self._hosts) - len(self._bytes),
        }
        return ", ".join(f"{count} {state}" for state, count in counts.items() if count or state == "done")

    def _slowest(self, at_work: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Return hosts that will take longest. Include hosts to come if they are so few that all others are known."""
        if len(self._hosts) == 1:
            return ()
        shares = {host: Share(*self._bytes[host], self._meters[host].speed) for host in at_work}
        rows = [(host, str(shares[host])) for host in sorted(shares, key=lambda host: _urgency(shares[host]))]
        to_come = [host for host in self._hosts if host not in self._bytes]
        if len(rows) + len(to_come) <= SLOWEST:
            rows += [(host, "no byte yet") for host in to_come]
        return tuple(rows[:SLOWEST])


def _urgency(share: Share) -> tuple[float, float]:
    """Return a key that sorts the host with the most time left first."""
    left = float("inf") if share.seconds is None else share.seconds
    return -left, share.done / (share.total or 1)


@attrs.define
class Picture:
    """The lines of a transfer for one width of the terminal. No line is wider."""

    stage: str
    look: Look
    width: int

    @property
    def bar_width(self) -> int:
        """Return the width of the bar: 0 if there is no room, or nothing to show."""
        room = self.width - len(self.stage) - 4 - NUMBERS
        return min(room, WIDEST_BAR) if room >= NARROWEST_BAR and self.look.all.total else 0

    @property
    def has_room_for_counts(self) -> bool:
        """Return whether the numbers of hosts fit behind those of bytes."""
        wanted = len(self.stage) + 4 + WIDEST_BAR + NUMBERS + len(self.look.counts)
        return self.width > wanted or not self.look.all.total

    @property
    def numbers(self) -> str:
        """Return the text behind the bar."""
        if not self.look.all.total:
            return self.look.counts
        numbers = str(self.look.all)
        return numbers.ljust(NUMBERS) + self.look.counts if self.has_room_for_counts else numbers

    @property
    def below(self) -> list[str]:
        """Return the lines below the bar."""
        lines = [] if self.has_room_for_counts else [" " * (len(self.stage) + 2) + self.look.counts]
        label = LABEL
        names = max((len(host) for host, _ in self.look.slowest), default=0)
        room = max(self.width - len(LABEL) - NUMBERS, 10)
        for host, text in self.look.slowest:
            name = host if len(host) <= room else f"{host[: room - 3]}..."
            lines.append(f"{label}{name.ljust(min(names, room))}  {text}")
            label = " " * len(LABEL)
        return lines


class TransferProgress:
    """A bar on stderr for all hosts, and a line for each of the slowest, until `stop`."""

    def __init__(self, stage: str, hosts: Sequence[str]) -> None:
        self._stage = stage
        verb = "sending" if stage == "sync" else "receiving"
        self._transfers = Transfers(hosts, verb, SYSTEM_CLOCK.monotonic)
        self._lock = threading.Lock()
        # `is_screen` has decided that this is a terminal; rich would obey variables that say otherwise.
        colors = color_system(sys.stderr)
        self._terminal = Terminal(stderr=True, color_system=colors, force_terminal=True, force_interactive=True)
        self._live = Live(
            get_renderable=self._draw,
            console=self._terminal,
            refresh_per_second=LOOKS_PER_SECOND,
            transient=True,
            redirect_stdout=False,
        )
        self._live.start()

    def move(self, host: str, done: int, total: int) -> None:
        """Show that `done` of `total` bytes are through. Can be called from any thread."""
        with self._lock:
            self._transfers.move(host, done, total)

    def end(self, host: str, has_failed: bool) -> None:
        """Count a host as done or failed."""
        with self._lock:
            self._transfers.end(host, has_failed)

    def _draw(self) -> ConsoleRenderable:
        with self._lock:
            look = self._transfers.look()
        picture = Picture(self._stage, look, self._terminal.width - 1)
        top = Table.grid(padding=(0, 2, 0, 0))
        cells: list[ConsoleRenderable] = [Text(self._stage, "bold")]
        if picture.bar_width:
            cells.append(ProgressBar(look.all.total, look.all.done, picture.bar_width))
        top.add_row(*cells, Text(picture.numbers, no_wrap=True))
        below = picture.below[: max(self._terminal.height - 2, 0)]  # rich cannot erase more than a screenful
        return Group(top, *(Text(printable(line), no_wrap=True, overflow="crop") for line in below))

    def stop(self) -> None:
        """Remove the bar and the lines."""
        self._live.stop()
