"""The timeline of many components, folded: one row for each component name. Pure.

A row is as high as all its components together. Each state is an area: its height at a moment is the share of the
components that are in the state.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from ..util.host_ranges import host_range
from ..util.text import counted
from .chart import COLORS, Point, Row, Trace, at, end_markers
from .history import OUTCOME_CLASSES, ComponentHistory

MOST_ROWS = 100
STEPS = 400  # equal parts of a run, in which states are counted; more would not be visible
TOP, HEIGHT = 0.06, 0.36  # of the areas in a row of height 1

Members = Sequence[ComponentHistory]
Counts = Counter[tuple[int, str]]  # of changes by step and state


class Level(NamedTuple):
    """A time in which the share of a state in a row does not change. `above` is the share of the states above it."""

    began: float
    ended: float
    above: float
    share: float


def members_by_name(found: Members) -> dict[str, list[ComponentHistory]]:
    """Return the components of each row, in order of start index: at most MOST_ROWS names, first those that failed."""
    by_name: dict[str, list[ComponentHistory]] = {}
    for history in found:
        by_name.setdefault(history.name, []).append(history)
    bad_first = sorted(by_name, key=lambda name: all(each.outcome_class != "bad" for each in by_name[name]))
    shown = set(bad_first[:MOST_ROWS])
    return {name: members for name, members in by_name.items() if name in shown}


def folded_rows(groups: Iterable[Members]) -> list[Row]:
    """Return the texts of all rows."""
    return [_row(members) for members in groups]


def _row(members: Members) -> Row:
    name = members[0].name
    is_bad = any(each.outcome_class == "bad" for each in members)
    hosts = host_range(each.host for each in members)
    return Row(name, outcome_counts(members), is_bad, [f"{counted(len(members), 'component')} on {hosts}"], name)


def outcome_counts(found: Members) -> str:
    """Return how many components are in each state, the bad ones first, for example `2 failed, 58 running`."""
    counts = Counter((OUTCOME_CLASSES.index(each.outcome_class), each.state) for each in found)
    return ", ".join(f"{counts[key]:,} {key[1]}" for key in sorted(counts))


def folded_traces(groups: Iterable[Members], begin: float, end: float) -> list[Trace]:
    """Return the areas of each state that occurs, and a marker where a component failed."""
    areas: dict[str, list[tuple[int, list[Level]]]] = {state: [] for state in COLORS}
    failed: list[Point] = []
    for row, members in enumerate(groups):
        for state, levels in _levels(members, begin, end).items():
            areas[state].append((row, levels))
        failed_at = {max(each.times) for each in members if each.outcome_class == "bad" and each.times}
        failed += [(time, row + TOP + HEIGHT / 2) for time in sorted(failed_at)]
    traces = [_area(state, rows) for state, rows in areas.items() if rows]
    return traces + end_markers({"bad": failed})


def _levels(members: Members, begin: float, end: float) -> dict[str, list[Level]]:
    """Return for each state that occurs its shares from `begin` to `end`. States above come first in COLORS."""
    changes = _changes(members, begin, end)
    states = [state for state in COLORS if any(changed == state for _, changed in changes)]
    steps = sorted({0, STEPS, *(step for step, _ in changes)})
    counts = Counter[str]()
    levels: dict[str, list[Level]] = {state: [] for state in states}
    for step, after in pairwise(steps):
        above = 0.0
        for state in states:
            counts[state] += changes[step, state]
            share = counts[state] / len(members)
            levels[state].append(Level(_time(step, begin, end), _time(after, begin, end), above, share))
            above += share
    return levels


def _changes(members: Members, begin: float, end: float) -> Counts:
    """Return by how much the number of components in a state changes, by step and state."""
    changes: Counts = Counter()
    length = (end - begin) or 1
    for history in members:
        for phase in history.phases(begin, end):
            changes[round((phase.began - begin) / length * STEPS), phase.state] += 1
            changes[round((phase.ended - begin) / length * STEPS), phase.state] -= 1
    return changes


def _time(step: int, begin: float, end: float) -> float:
    return begin + (end - begin) * step / STEPS


def _area(state: str, rows: Iterable[tuple[int, Sequence[Level]]]) -> Trace:
    """Return the areas of one state in all rows: each one a line there above, and back below."""
    times: list[object] = []
    places: list[float | None] = []
    for row, levels in rows:
        there: list[Point] = []
        back: list[Point] = []
        for level in levels:
            for time in (level.began, level.ended):
                there.append((time, row + TOP + HEIGHT * level.above))
                back.append((time, row + TOP + HEIGHT * (level.above + level.share)))
        for time, place in [*there, *reversed(back)]:
            times.append(at(time))
            places.append(place)
        times.append(None)  # the next row is another area
        places.append(None)
    look = {"mode": "lines", "line": {"width": 0}, "fill": "toself", "fillcolor": COLORS[state], "hoverinfo": "skip"}
    marker = {"opacity": 0.45 if state == "waiting" else 1}
    return {"type": "scatter", "name": state, "x": times, "y": places} | look | marker
