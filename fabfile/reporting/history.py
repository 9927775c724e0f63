"""The lives of components, as a report tells them: when each waited, started, was ready, and how it ended. Pure."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import attrs

from ..util.epoch import epoch_time, optional_epoch_time
from ..util.text import duration, printable

MOODS = ("bad", "alive", "open", "good")
Seconds = int | float | None

_NUMBER = attrs.validators.instance_of((int, float))
_TIME = [attrs.validators.optional(_NUMBER), lambda _, __, value: optional_epoch_time(value)]


def _shown(text: object) -> str:
    """`text` as it can stand on a page: names and arguments may hold whatever a config has put there."""
    return printable(str(text))


def _all_shown(words: Iterable[object]) -> list[str]:
    return [_shown(word.get("literal", word) if isinstance(word, dict) else word) for word in words]


class Phase(NamedTuple):
    """A component was in `state` from `began` to `ended`, in seconds since 1970."""

    state: str
    began: float
    ended: float

    def __str__(self) -> str:
        return f"{self.state} for {duration(round(self.ended - self.began))}"


@attrs.frozen
class Life:
    """One component, as `run.json` has it. Times are by the clock of its host. Making one may raise TypeError."""

    host: str = attrs.field(converter=_shown)
    name: str = attrs.field(converter=_shown)
    executable: str = attrs.field(converter=_shown)
    args: Sequence[str] = attrs.field(converter=_all_shown)
    start_index: int = attrs.field(validator=attrs.validators.instance_of(int))
    state: str = attrs.field(converter=_shown)
    pid: int | None
    exit_status: int | None
    signal: str | None = attrs.field(converter=attrs.converters.optional(_shown))
    started: Seconds = attrs.field(validator=_TIME)
    ready: Seconds = attrs.field(validator=_TIME)
    ended: Seconds = attrs.field(validator=_TIME)
    problem: str | None = attrs.field(converter=attrs.converters.optional(_shown))
    folder: str | None = attrs.field(default=None, converter=attrs.converters.optional(str))

    @property
    def label(self) -> str:
        """`host/name`."""
        return f"{self.host}/{self.name}"

    @property
    def command(self) -> str:
        """The program and its arguments, as a shell would take them."""
        return " ".join([self.executable, *map(shlex.quote, self.args)])

    @property
    def is_alive(self) -> bool:
        """Whether it was running, in whatever way, when the host was asked."""
        return self.state in ("starting", "ready", "running")

    @property
    def mood(self) -> str:
        """One of `MOODS`: `good` has ended with 0, `alive` runs, `open` is still to come, `bad` is the rest."""
        if self.state == "exited":
            return "good" if self.exit_status == 0 else "bad"
        if self.problem or self.state == "unknown":
            return "bad"
        return "alive" if self.is_alive else "open"

    @property
    def outcome(self) -> str:
        """How it is, or how it ended, in words."""
        how = self.state
        if self.state == "exited":
            how = "killed" if self.exit_status is None else f"ended with {self.exit_status}"
            how = how if self.signal is None else f"ended by {self.signal}"
        return f"{how}: {self.problem}" if self.problem else how

    @property
    def times(self) -> list[float]:
        """What is known of when it came about."""
        return [time for time in (self.started, self.ready, self.ended) if time is not None]

    def lasted(self, now: float) -> float | None:
        """For how many seconds it has run, by `now` or until its end. None where that is not known."""
        if self.started is None or (self.ended is None and not self.is_alive):
            return None
        return max(0, (now if self.ended is None else self.ended) - self.started)

    def phases(self, begin: float, now: float) -> list[Phase]:
        """What it went through, in order, from the `begin` of all to `now`, or its end. None where nothing is known."""
        if self.started is None:
            return [] if self.state not in ("waiting", "starting") else [Phase(self.state, begin, now)]
        end = now if self.is_alive else max(self.times)  # an end that nobody saw may have been at any time
        found = [Phase("waiting", begin, self.started)]
        if self.ready is not None:
            found += [Phase("starting", self.started, self.ready), Phase("ready", self.ready, end)]
        else:
            found.append(Phase("starting" if self.state == "starting" else "running", self.started, end))
        return [phase for phase in found if phase.ended > phase.began]


@attrs.frozen
class Stage:
    """One stage of the run, in seconds since 1970 by the clock of whoever ran it."""

    stage: str = attrs.field(converter=_shown)
    began: float = attrs.field(validator=[_NUMBER, lambda _, __, value: epoch_time(value)])
    ended: Seconds = attrs.field(validator=_TIME)


def lives(run: Mapping[str, Any]) -> list[Life]:
    """Those of a run, by start index. TypeError where it is not of that form; what is unknown is passed over."""
    found = [Life(**_known(Life, each)) for each in run["components"]]
    return sorted(found, key=lambda life: life.start_index)


def stages(run: Mapping[str, Any]) -> list[Stage]:
    """Those of a run, in their order; else as `lives`."""
    return [Stage(**_known(Stage, each)) for each in run["stages"]]


def _known(kind: type, each: object) -> dict[str, Any]:
    if not isinstance(each, dict):
        raise TypeError(f"{each!r} is no object")
    names = {field.name for field in attrs.fields(kind)}
    return {name: value for name, value in each.items() if name in names}


def span(found: Iterable[Life], stages: Iterable[Stage], collected: float) -> tuple[float, float]:
    """From when to when there is something to tell: to when it was `collected`, if something lived then."""
    found = list(found)
    times = [time for life in found for time in life.times]
    times += [time for stage in stages for time in (stage.began, stage.ended) if time is not None]
    if not times or any(life.is_alive for life in found):
        times.append(collected)
    return min(times), max(times)
