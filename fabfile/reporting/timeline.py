"""The timeline of a report: a plotly chart with a row for each component. Pure.

A user clicks a row. Its `customdata` is the number of its component, and the page opens the log of that number. The
page sets the colours of text and lines, because only the browser knows whether it is light or dark. The colours of the
bars suit both.
"""

import html
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from .history import ComponentHistory, Phase, Stage

COLORS = {"waiting": "#b4bcc8", "starting": "#e3a02f", "running": "#4c86dd", "ready": "#25a595"}
GOOD, BAD = "#2a9d53", "#dc3f45"
STAGES = ("#6a5bb5", "#8171c6")
ROW, AXIS, HEAD = 40, 36, 90  # heights in pixels: a row, the axis above the first row, and the axis with the legend


def timeline(histories: Sequence[ComponentHistory], stages: Sequence[Stage], begin: float, end: float) -> str:
    """Return the HTML of the chart, with all JavaScript that it needs."""
    from plotly import graph_objects
    from plotly.io import to_html

    own: str = to_html(
        graph_objects.Figure(*figure(histories, stages, begin, end)),
        full_html=False,
        include_plotlyjs=True,
        div_id="timeline",
        config={"responsive": True, "displayModeBar": False, "doubleClick": "reset"},
    )
    return own


def figure(
    histories: Sequence[ComponentHistory], stages: Sequence[Stage], begin: float, end: float
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the traces and the layout of the chart, as values for plotly."""
    phases = [history.phases(begin, end) for history in histories]
    bars = [_rows(histories, phases, begin, end), *_phases(phases), *_ends(histories, phases), *_stages(stages, end)]
    return bars, _layout(histories, stages, begin, end)


def at(seconds: float) -> datetime:
    """Return a time in seconds since 1970 as local time, without a time zone."""
    return datetime.fromtimestamp(seconds)


def _bar(begun: Sequence[float], ended: Sequence[float], **more: Any) -> dict[str, Any]:
    lengths = [1000 * (to - since) for since, to in zip(begun, ended, strict=True)]  # milliseconds
    return {"type": "bar", "orientation": "h", "base": [*map(at, begun)], "x": lengths, "hoverinfo": "skip"} | more


def _rows(
    histories: Sequence[ComponentHistory], phases: Sequence[Sequence[Phase]], begin: float, end: float
) -> dict[str, Any]:
    """Return the bars that react to the mouse: in each row one behind all others, as long as the whole run."""
    margin = _margin(begin, end)
    told = [
        "<br>".join([f"<b>{_plain(history.label)}</b>", _plain(history.outcome), *map(str, own)])
        for history, own in zip(histories, phases, strict=True)
    ]
    more = {"width": 0.96, "offset": -0.48, "marker": {"color": "#8892a0", "opacity": 0.1}, "showlegend": False}
    more |= {
        "customdata": [*range(len(histories))],
        "hoverinfo": "text",
        "hovertext": told,
        "y": [*range(len(histories))],
    }
    return _bar([begin - margin] * len(histories), [end + margin] * len(histories), **more)


def _phases(phases: Sequence[Sequence[Phase]]) -> list[dict[str, Any]]:
    """Return a set of bars for each state that occurs."""
    found = []
    for state, color in COLORS.items():
        own = [(row, phase) for row, of_row in enumerate(phases) for phase in of_row if phase.state == state]
        if own:
            bars = _bar([phase.began for _, phase in own], [phase.ended for _, phase in own])
            is_faint = state == "waiting"
            marker = {"color": color, "opacity": 0.45 if is_faint else 1, "line": {"width": 1, "color": color}}
            shape = {"width": 0.1, "offset": 0.19} if is_faint else {"width": 0.3, "offset": 0.09}
            found.append(bars | {"name": state, "y": [row for row, _ in own], "marker": marker} | shape)
    return found


def _ends(histories: Sequence[ComponentHistory], phases: Sequence[Sequence[Phase]]) -> list[dict[str, Any]]:
    """Return the markers at the ends of components, with one trace for success and one for failure."""
    found = []
    for outcome_class, name, symbol, color in (
        ("good", "ended with 0", "circle", GOOD),
        ("bad", "ended otherwise", "x", BAD),
    ):
        own = [
            (row, max(history.times))
            for row, history in enumerate(histories)
            if history.outcome_class == outcome_class and history.times
        ]
        if own:
            marker = {"symbol": symbol, "color": color, "size": 12}
            places = {"x": [at(time) for _, time in own], "y": [row + 0.24 for row, _ in own]}
            found.append({"type": "scatter", "mode": "markers", "name": name, "marker": marker} | places)
    return [each | {"hoverinfo": "skip", "cliponaxis": False} for each in found]


def _stages(stages: Sequence[Stage], end: float) -> list[dict[str, Any]]:
    if not stages:
        return []
    ends = [end if stage.ended is None else stage.ended for stage in stages]
    told = [_plain(f"{s.stage}: {s_end - s.began:.1f} s") for s, s_end in zip(stages, ends, strict=True)]
    colors = [STAGES[number % len(STAGES)] for number in range(len(stages))]
    more: dict[str, Any] = {"y": [-1] * len(stages), "width": 0.48, "offset": 0.02, "marker": {"color": colors}}
    more |= {"text": [_plain(stage.stage) for stage in stages], "textposition": "inside", "insidetextanchor": "start"}
    more |= {"textangle": 0, "textfont": {"color": "white", "size": 10}, "hoverinfo": "text", "hovertext": told}
    return [_bar([stage.began for stage in stages], ends, name="stages", showlegend=False, **more)]


def _layout(histories: Sequence[ComponentHistory], stages: Sequence[Stage], begin: float, end: float) -> dict[str, Any]:
    margin = _margin(begin, end)
    labels = {row: f"<b>{_plain(history.label)}</b>  {_outcome(history)}" for row, history in enumerate(histories)}
    labels |= {-1: "<b>stages</b>"} if stages else {}
    above = 1 + AXIS / (ROW * len(labels)) if labels else 1  # in heights of all rows
    return {
        "annotations": [_label(row, text) for row, text in labels.items()],
        "barmode": "overlay",
        "height": HEAD + ROW * len(labels),
        "margin": {"l": 8, "r": 8, "t": 70, "b": 8},
        "font": {"family": "system-ui, sans-serif", "size": 12},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hoverlabel": {"bgcolor": "#27303d", "bordercolor": "#27303d", "align": "left", "font": {"color": "white"}},
        "legend": {"orientation": "h", "itemclick": False, "itemdoubleclick": False, "yanchor": "bottom", "y": above},
        "uniformtext": {"minsize": 9, "mode": "hide"},
        "xaxis": {
            "type": "date",
            "side": "top",
            "autotickangles": [0],
            "range": [at(begin - margin), at(end + margin)],
        },
        "yaxis": {"range": [len(histories) - 0.5, min(labels, default=0) - 0.5], "fixedrange": True, "visible": False},
    }


def _outcome(history: ComponentHistory) -> str:
    text = _plain(history.outcome)
    return f'<span style="color:{BAD}">{text}</span>' if history.outcome_class == "bad" else text


def _label(row: int, text: str) -> dict[str, Any]:
    """Return the label of a row. It stands above the bars, so that a long one takes no width from them."""
    place = {"xref": "paper", "x": 0, "xanchor": "left", "y": row, "yanchor": "bottom", "yshift": -2}
    return {"text": text, "showarrow": False, "align": "left"} | place


def _margin(begin: float, end: float) -> float:
    """Return how many seconds the chart shows before the first and after the last moment."""
    return (end - begin) / 50 or 0.5


def _plain(text: str) -> str:
    """Escape `text`, because plotly would interpret `<b>` and other tags as markup."""
    return html.escape(text, quote=False)
