"""The history of each component in a run: its phases, times and outcome. Pure.

`report` reads histories from `run.json`. `timeline` draws them, and `html` puts them on a page.
"""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import attrs

from ..util.epoch import epoch_time, optional_epoch_time
from ..util.text import duration, printable

# Also the CSS classes of outcomes. Reports list them in this order.
OUTCOME_CLASSES = ("bad", "alive", "open", "stopped", "good")
Seconds = int | float | None

_NUMBER = attrs.validators.instance_of((int, float))
_TIME = [attrs.validators.optional(_NUMBER), lambda _, __, value: optional_epoch_time(value)]


def _shown(text: object) -> str:
    """Return `text` as printable text, because names and arguments may hold control characters."""
    return printable(str(text))


def _all_shown(words: Iterable[object]) -> list[str]:
    return [_shown(_text(word)) for word in words]


def _text(word: object) -> object:
    """Return the text of an argument in run.json; see `results.config_dump.as_values`."""
    return word.get("literal", word.get("scoped", word)) if isinstance(word, dict) else word


class Phase(NamedTuple):
    """A time during which a component was in `state`. `began` and `ended` are in seconds since 1970."""

    state: str
    began: float
    ended: float

    def __str__(self) -> str:
        return f"{self.state} for {duration(self.ended - self.began)}"


@attrs.frozen
class ComponentHistory:
    """One component of a run, as `run.json` describes it.

    Times are in seconds since 1970, by the clock of its host. The constructor raises TypeError for a value of another
    type, and ValueError for a time that is not between 1970 and 9000.
    """

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
    runs: bool | None = None
    folder: str | None = attrs.field(default=None, converter=attrs.converters.optional(str))
    collected: dict[str, Any] = attrs.field(factory=dict, validator=attrs.validators.instance_of(dict))

    @property
    def label(self) -> str:
        """Return `host/name`."""
        return f"{self.host}/{self.name}"

    @property
    def command(self) -> str:
        """Return the program and its arguments as words of a shell."""
        return " ".join([self.executable, *map(shlex.quote, self.args)])

    @property
    def is_alive(self) -> bool:
        """Return whether it was starting, ready or running when the host answered."""
        return self.state in ("starting", "ready", "running") or bool(self.runs)

    @property
    def outcome_class(self) -> str:
        """Return one of OUTCOME_CLASSES.

        A `good` component has ended with 0, a `stopped` one on purpose, an `alive` one runs, and an `open` one has not
        been started. The others are `bad`.
        """
        if self.state in ("failed", "lost", "unknown"):
            return "bad"
        if self.is_alive:
            return "alive"
        return {"ended": "good", "stopped": "stopped"}.get(self.state, "open")

    @property
    def outcome(self) -> str:
        """Return its state, and why it is so if it is bad, as text for a person."""
        reason = self.problem
        if self.state == "failed" and self.exit_status is not None:
            reason = self.signal or f"exit status {self.exit_status}"
        return f"{self.state}: {reason}" if reason else self.state

    @property
    def times(self) -> list[float]:
        """Return the known times: when it started, became ready and ended."""
        return [time for time in (self.started, self.ready, self.ended) if time is not None]

    def duration(self, now: float) -> float | None:
        """Return for how many seconds it has run, until its end or `now`. Return None if that is unknown."""
        if self.started is None or (self.ended is None and not self.is_alive):
            return None
        return max(0, (now if self.ended is None else self.ended) - self.started)

    def phases(self, begin: float, now: float) -> list[Phase]:
        """Return its phases in order, from `begin` of the run to its end, or to `now` while it is alive.

        The list is empty if nothing is known about it.
        """
        if self.started is None:
            return [Phase(self.state, begin, now)] if self.state in ("waiting", "starting") else []
        end = now if self.is_alive else max(self.times)  # if nobody saw the end, use the last known time
        found = [Phase("waiting", begin, self.started)]
        if self.ready is not None:
            found += [Phase("starting", self.started, self.ready), Phase("ready", self.ready, end)]
        else:
            found.append(Phase("starting" if self.state == "starting" else "running", self.started, end))
        return [phase for phase in found if phase.ended > phase.began]


@attrs.frozen
class Stage:
    """One stage of a run.

    Times are in seconds since 1970, by the clock of the machine that ran the command.
    """

    stage: str = attrs.field(converter=_shown)
    began: float = attrs.field(validator=[_NUMBER, lambda _, __, value: epoch_time(value)])
    ended: Seconds = attrs.field(validator=_TIME)


def histories(run: Mapping[str, Any]) -> list[ComponentHistory]:
    """Return the histories of all components of a run, sorted by start index.

    Ignore unknown keys, because a later version may add some. Raise TypeError or ValueError for any other difference
    from the form that `run_json` writes.
    """
    found = [ComponentHistory(**_with_state(_known(ComponentHistory, each))) for each in run["components"]]
    return sorted(found, key=lambda history: history.start_index)


def _with_state(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a component. An earlier version wrote the state `exited` for every end."""
    if values.get("state") != "exited":
        return values
    status = values.get("exit_status")
    return values | {"state": "lost" if status is None else "ended" if status == 0 else "failed"}


def stages(run: Mapping[str, Any]) -> list[Stage]:
    """Return the stages of a run in their order; see `histories` for unknown keys and errors."""
    return [Stage(**_known(Stage, each)) for each in run["stages"]]


def _known(kind: type, each: object) -> dict[str, Any]:
    if not isinstance(each, dict):
        raise TypeError(f"{each!r}: must be an object")
    names = attrs.fields_dict(kind)
    return {name: value for name, value in each.items() if name in names}


def span(found: Iterable[ComponentHistory], stages: Iterable[Stage], collected: float) -> tuple[float, float]:
    """Return the first and the last moment that a report shows.

    The last one is `collected` if a component was alive then, or if no other time is known.
    """
    times: list[float] = []
    for history in found:
        times += history.times
        if history.is_alive:
            times.append(collected)
    for stage in stages:
        times += [stage.began] if stage.ended is None else [stage.began, stage.ended]
    times = times or [collected]
    return min(times), max(times)
