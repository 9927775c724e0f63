"""The plots of a sweep: a measure against a parameter, as values for plotly. Pure."""

from collections.abc import Sequence

import attrs

from ..reporting.chart import Trace, plain
from .cells import COLUMNS
from .statistics import Summary, summary
from .table import Row, Value

COLORS = ("#2f6bd0", "#d9822b", "#1a7f42", "#b4419e", "#0f8f97", "#8a6d1f", "#cd2b31", "#5c6878")
SUCCEEDED = "succeeded"
FEWEST_TIMES = 50  # the largest value of a logarithmic axis, by the smallest
MOST_TICKS = 12


@attrs.frozen
class Grid:
    """The parameters of a sweep, and its measures with the duration last.

    `axis` is the first numeric parameter with several values, or else the first parameter. The others distinguish the
    lines.
    """

    parameters: Sequence[str]
    measures: Sequence[str]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Grid":
        """Return the columns of rows."""
        columns = list(dict.fromkeys(name for row in rows for name in row))
        first = columns.index(COLUMNS[0]) if COLUMNS[0] in columns else 0
        measures = [name for name in columns[first:] if name not in COLUMNS]
        return cls(columns[:first], [*measures, "seconds"])

    def axis(self, rows: Sequence[Row]) -> str | None:
        """Return the parameter on the horizontal axis."""
        for name in self.parameters:
            if all(is_number(row.get(name)) for row in rows) and len({row[name] for row in rows}) > 1:
                return name
        return self.parameters[0] if self.parameters else None


def is_number(value: Value) -> bool:
    """Return whether a value is a number, and not a bool."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def key_of(row: Row, names: Sequence[str]) -> str:
    """Return for example `mode=fast size=4` for the values of some parameters."""
    return " ".join(f"{name}={row.get(name)}" for name in names)


def groups(rows: Sequence[Row], names: Sequence[str]) -> dict[str, list[Row]]:
    """Return the rows by the values of some parameters, in their order."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(key_of(row, names), []).append(row)
    return found


def numbers_of(rows: Sequence[Row], measure: str) -> list[float]:
    """Return the values of a measure in the runs that succeeded."""
    found = []
    for row in rows:
        value = row.get(measure)
        if row["verdict"] == SUCCEEDED and isinstance(value, int | float):
            found.append(float(value))
    return found


def figure(rows: Sequence[Row], grid: Grid, measure: str, unit: str) -> tuple[list[Trace], Trace]:
    """Return the traces and the layout of the plot of one measure.

    There is a line for each combination of the other parameters. It goes through the medians, with their intervals.
    Each run is a dot.
    """
    axis = grid.axis(rows)
    others = [name for name in grid.parameters if name != axis]
    traces: list[Trace] = []
    for number, (name, own) in enumerate(groups(rows, others).items()):
        color = COLORS[number % len(COLORS)]
        traces += _line(own, axis, measure, {"name": plain(name) or "median", "legendgroup": name}, color)
    return traces, _layout(rows, axis, f"{measure} ({unit})" if unit else measure)


def _line(rows: Sequence[Row], axis: str | None, measure: str, look: Trace, color: str) -> list[Trace]:
    """Return the dots of the runs, and the line of the medians."""
    places: list[Value] = []
    summaries: list[Summary] = []
    dots: Trace = {"x": [], "y": []}
    for own in groups(rows, [axis] if axis else []).values():
        numbers = numbers_of(own, measure)
        if not numbers:
            continue
        place = own[0][axis] if axis else "all"
        places.append(place)
        summaries.append(summary(numbers))
        dots["x"] += [place] * len(numbers)
        dots["y"] += numbers
    dots |= {"type": "scatter", "mode": "markers", "marker": {"color": color, "size": 6, "opacity": 0.45}}
    line: Trace = {"type": "scatter", "mode": "lines+markers", "x": places, "y": [each.median for each in summaries]}
    line |= {"line": {"color": color}, "marker": {"color": color, "size": 8}, "error_y": _error_bars(summaries, color)}
    return [dots | look | {"showlegend": False, "hoverinfo": "y"}, line | look]


def _error_bars(summaries: Sequence[Summary], color: str) -> Trace:
    """Return the intervals of the medians. Fewer than six runs have bars of length 0."""
    above, below = [], []
    for each in summaries:
        low, high = each.interval or (each.median, each.median)
        above.append(high - each.median)
        below.append(each.median - low)
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "color": color, "thickness": 1.5}


def _layout(rows: Sequence[Row], axis: str | None, title: str) -> Trace:
    return {
        "height": 380,
        "margin": {"l": 60, "r": 12, "t": 30, "b": 50},
        "font": {"family": "system-ui, sans-serif", "size": 13},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1},
        "xaxis": {"title": {"text": plain(axis or "")}, **_scale([row.get(axis) for row in rows] if axis else [])},
        "yaxis": {"title": {"text": plain(title)}, "rangemode": "tozero"},
    }


def _scale(values: Sequence[Value]) -> Trace:
    """Return the type of the horizontal axis. Positive numbers of different magnitudes get a logarithmic one."""
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if not values or len(numbers) < len(values):
        return {"type": "category"}
    if max(numbers) < FEWEST_TIMES * min(numbers) or min(numbers) <= 0:
        return {"type": "linear"}
    places = sorted(set(numbers))
    ticks = {"tickmode": "array", "tickvals": places, "ticktext": [f"{place:,}" for place in places]}
    return {"type": "log", **(ticks if len(places) <= MOST_TICKS else {})}
