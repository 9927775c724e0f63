"""The parts of a timeline that `timeline` and `folded_timeline` share: rows, colours, and traces of plotly. Pure."""

import html
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import attrs

COLORS = {"waiting": "#b4bcc8", "starting": "#e3a02f", "running": "#4c86dd", "ready": "#25a595"}
GOOD, BAD, STOPPED = "#2a9d53", "#dc3f45", "#8892a0"
# Outcome class, name, symbol and color.
ENDS = (("good", "ended", "circle", GOOD), ("stopped", "stopped", "square", STOPPED), ("bad", "failed", "x", BAD))
SCREENFUL = 30  # components that a page shows one by one; more are folded
Trace = dict[str, Any]  # of plotly; the layout has the same type
Span = tuple[int, float, float]  # the number of a row, begin and end
Point = tuple[float, float]  # a time, and the number of a row with its fraction


@attrs.frozen
class Row:
    """The texts of a row. A click on it opens `target`: the log of a component by number, or the components of a name.

    `details` are the lines that appear below `label` and `outcome` when the mouse is on the row.
    """

    label: str
    outcome: str
    is_bad: bool
    details: Sequence[str]
    target: int | str


def at(seconds: float) -> datetime:
    """Return a time in seconds since 1970 as local time, without a time zone."""
    return datetime.fromtimestamp(seconds)


def bars(spans: Iterable[Span], **more: Any) -> Trace:
    """Return horizontal bars."""
    trace: Trace = {"type": "bar", "orientation": "h", "y": [], "base": [], "x": [], "hoverinfo": "skip"}
    for row, begin, end in spans:
        trace["y"].append(row)
        trace["base"].append(at(begin))
        trace["x"].append(1000 * (end - begin))  # milliseconds
    return trace | more


def end_markers(points: dict[str, list[Point]]) -> list[Trace]:
    """Return markers where components ended, with one trace for each outcome class in `points`."""
    traces = []
    for outcome_class, name, symbol, color in ENDS:
        places = points.get(outcome_class)
        if places:
            marker = {"symbol": symbol, "color": color, "size": 12}
            trace: Trace = {"type": "scatter", "mode": "markers", "name": name, "marker": marker}
            trace |= {"x": [at(time) for time, _ in places], "y": [row for _, row in places]}
            traces.append(trace | {"hoverinfo": "skip", "cliponaxis": False})
    return traces


def plain(text: str) -> str:
    """Escape `text`, because plotly would interpret `<b>` and other tags as markup."""
    return html.escape(text, quote=False)
