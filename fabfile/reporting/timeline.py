"""The timeline of a report: a plotly chart with a row for each component. Pure.

A user clicks a row. Its `customdata` is the number of its component, and the page opens the log of that number. The
page sets the colours of text and lines, because only the browser knows whether it is light or dark. The colours of the
bars suit both.
"""

import html
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import cycle, islice
from typing import Any

from .history import ComponentHistory, Phase, Stage

COLORS = {"waiting": "#b4bcc8", "starting": "#e3a02f", "running": "#4c86dd", "ready": "#25a595"}
GOOD, BAD, STOPPED = "#2a9d53", "#dc3f45", "#8892a0"
# Outcome class, name, symbol and color.
ENDS = (("good", "ended", "circle", GOOD), ("stopped", "stopped", "square", STOPPED), ("bad", "failed", "x", BAD))
STAGES = ("#6a5bb5", "#8171c6")
Histories = Sequence[ComponentHistory]
Trace = dict[str, Any]  # of plotly; the layout has the same type
Span = tuple[int, float, float]  # the number of a row, begin and end
ROW, AXIS, HEAD = 40, 36, 90  # heights in pixels: a row, the axis above the first row, and the axis with the legend


def timeline(histories: Histories, stages: Sequence[Stage], begin: float, end: float) -> str:
    """Return the HTML of the chart, with all JavaScript that it needs."""
    from plotly import graph_objects
    from plotly.io import to_html

    chart = graph_objects.Figure(*figure(histories, stages, begin, end))
    config = {"responsive": True, "displayModeBar": False, "doubleClick": "reset"}
    return str(to_html(chart, full_html=False, include_plotlyjs=True, div_id="timeline", config=config))


def figure(histories: Histories, stages: Sequence[Stage], begin: float, end: float) -> tuple[list[Trace], Trace]:
    """Return the traces and the layout of the chart, as values for plotly."""
    phases = [history.phases(begin, end) for history in histories]
    bars = [_rows(histories, phases, begin, end), *_phases(phases), *_ends(histories)]
    if stages:
        bars.append(_stages(stages, end))
    return bars, _layout(histories, stages, begin, end)


def at(seconds: float) -> datetime:
    """Return a time in seconds since 1970 as local time, without a time zone."""
    return datetime.fromtimestamp(seconds)


def _bars(spans: Iterable[Span], **more: Any) -> Trace:
    """Return horizontal bars."""
    bars: Trace = {"type": "bar", "orientation": "h", "y": [], "base": [], "x": [], "hoverinfo": "skip"}
    for row, begin, end in spans:
        bars["y"].append(row)
        bars["base"].append(at(begin))
        bars["x"].append(1000 * (end - begin))  # milliseconds
    return bars | more


def _rows(histories: Histories, phases: Sequence[Sequence[Phase]], begin: float, end: float) -> Trace:
    """Return the bars that react to the mouse: in each row one behind all others, as long as the whole run."""
    margin = _margin(begin, end)
    spans: list[Span] = []
    texts = []
    for row, history in enumerate(histories):
        spans.append((row, begin - margin, end + margin))
        texts.append("<br>".join([f"<b>{_plain(history.label)}</b>", _plain(history.outcome), *map(str, phases[row])]))
    look = {"width": 0.96, "offset": -0.48, "marker": {"color": "#8892a0", "opacity": 0.1}, "showlegend": False}
    return _bars(spans, **look, customdata=list(range(len(spans))), hoverinfo="text", hovertext=texts)


def _phases(phases: Sequence[Sequence[Phase]]) -> list[Trace]:
    """Return a set of bars for each state that occurs."""
    spans: dict[str, list[Span]] = {state: [] for state in COLORS}
    for row, own in enumerate(phases):
        for state, began, ended in own:
            spans[state].append((row, began, ended))
    traces = []
    for state, color in COLORS.items():
        is_faint = state == "waiting"
        marker = {"color": color, "opacity": 0.45 if is_faint else 1, "line": {"width": 1, "color": color}}
        shape = {"width": 0.1, "offset": 0.19} if is_faint else {"width": 0.3, "offset": 0.09}
        if spans[state]:
            traces.append(_bars(spans[state], name=state, marker=marker, **shape))
    return traces


def _ends(histories: Histories) -> list[Trace]:
    """Return the markers at the ends of components, with one trace for each class of outcomes."""
    traces = []
    for outcome_class, name, symbol, color in ENDS:
        times, places = [], []
        for row, history in enumerate(histories):
            if history.outcome_class == outcome_class and history.times:
                times.append(at(max(history.times)))
                places.append(row + 0.24)
        marker = {"symbol": symbol, "color": color, "size": 12}
        trace = {"type": "scatter", "mode": "markers", "name": name, "marker": marker, "x": times, "y": places}
        if times:
            traces.append(trace | {"hoverinfo": "skip", "cliponaxis": False})
    return traces


def _stages(stages: Sequence[Stage], end: float) -> Trace:
    """Return the bars of the row above all components."""
    spans: list[Span] = []
    names, texts = [], []
    for stage in stages:
        ended = end if stage.ended is None else stage.ended
        spans.append((-1, stage.began, ended))
        names.append(_plain(stage.stage))
        texts.append(_plain(f"{stage.stage}: {ended - stage.began:.1f} s"))
    colors = list(islice(cycle(STAGES), len(spans)))
    look = {"name": "stages", "showlegend": False, "width": 0.48, "offset": 0.02, "marker": {"color": colors}}
    look |= {"textposition": "inside", "insidetextanchor": "start", "textangle": 0}
    look |= {"textfont": {"color": "white", "size": 10}, "hoverinfo": "text"}
    return _bars(spans, **look, text=names, hovertext=texts)


def _layout(histories: Histories, stages: Sequence[Stage], begin: float, end: float) -> Trace:
    margin = _margin(begin, end)
    shown = [at(begin - margin), at(end + margin)]
    labels = [_label(row, f"<b>{_plain(each.label)}</b>  {_outcome(each)}") for row, each in enumerate(histories)]
    if stages:
        labels.append(_label(-1, "<b>stages</b>"))
    above = 1 + AXIS / (ROW * len(labels)) if labels else 1  # in heights of all rows
    top = -1 if stages else 0
    return {
        "annotations": labels,
        "barmode": "overlay",
        "height": HEAD + ROW * len(labels),
        "margin": {"l": 8, "r": 8, "t": 70, "b": 8},
        "font": {"family": "system-ui, sans-serif", "size": 12},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hoverlabel": {"bgcolor": "#27303d", "bordercolor": "#27303d", "align": "left", "font": {"color": "white"}},
        "legend": {"orientation": "h", "itemclick": False, "itemdoubleclick": False, "yanchor": "bottom", "y": above},
        "uniformtext": {"minsize": 9, "mode": "hide"},
        "xaxis": {"type": "date", "side": "top", "autotickangles": [0], "range": shown},
        "yaxis": {"range": [len(histories) - 0.5, top - 0.5], "fixedrange": True, "visible": False},
    }


def _outcome(history: ComponentHistory) -> str:
    text = _plain(history.outcome)
    return f'<span style="color:{BAD}">{text}</span>' if history.outcome_class == "bad" else text


def _label(row: int, text: str) -> Trace:
    """Return the label of a row. It stands above the bars, so that a long one takes no width from them."""
    place = {"xref": "paper", "x": 0, "xanchor": "left", "y": row, "yanchor": "bottom", "yshift": -2}
    return {"text": text, "showarrow": False, "align": "left"} | place


def _margin(begin: float, end: float) -> float:
    """Return how many seconds the chart shows before the first and after the last moment."""
    return (end - begin) / 50 or 0.5


def _plain(text: str) -> str:
    """Escape `text`, because plotly would interpret `<b>` and other tags as markup."""
    return html.escape(text, quote=False)
