"""The timeline of a report: a plotly chart with a row for each component, or for each component name. Pure.

A user clicks a row. Its `customdata` says what the page opens: the log of the component with that number, or the
components with that name. The page sets the colours of text and lines, because only the browser knows whether it is
light or dark. The colours of the bars suit both.
"""

from collections.abc import Sequence
from itertools import cycle, islice

from .chart import BAD, COLORS, SCREENFUL, Point, Row, Span, Trace, at, bars, end_markers, plain
from .folded_timeline import folded_rows, folded_traces, members_by_name
from .history import ComponentHistory, Phase, Stage

STAGES = ("#6a5bb5", "#8171c6")
ROW, AXIS, HEAD = 40, 36, 90  # heights in pixels: a row, the axis above the first row, and the axis with the legend
Histories = Sequence[ComponentHistory]


def timeline(histories: Histories, stages: Sequence[Stage], begin: float, end: float) -> str:
    """Return the HTML of the chart, with all JavaScript that it needs."""
    from plotly import graph_objects
    from plotly.io import to_html

    chart = graph_objects.Figure(*figure(histories, stages, begin, end))
    config = {"responsive": True, "displayModeBar": False, "doubleClick": "reset"}
    return str(to_html(chart, full_html=False, include_plotlyjs=True, div_id="timeline", config=config))


def rows_left_out(histories: Histories) -> int:
    """Return how many component names have no row in the chart, because it has too many."""
    names = {history.name for history in histories}
    return len(names) - len(members_by_name(histories)) if len(histories) > SCREENFUL else 0


def figure(histories: Histories, stages: Sequence[Stage], begin: float, end: float) -> tuple[list[Trace], Trace]:
    """Return the traces and the layout of the chart, as values for plotly."""
    if len(histories) > SCREENFUL:
        groups = members_by_name(histories).values()
        rows = folded_rows(groups)
        traces = folded_traces(groups, begin, end)
    else:
        phases = [history.phases(begin, end) for history in histories]
        rows = [_row(number, history, phases[number]) for number, history in enumerate(histories)]
        traces = [*_phases(phases), *_ends(histories)]
    traces.insert(0, _targets(rows, begin, end))
    if stages:
        traces.append(_stages(stages, end))
    return traces, _layout(rows, bool(stages), begin, end)


def _row(number: int, history: ComponentHistory, phases: Sequence[Phase]) -> Row:
    return Row(history.label, history.outcome, history.outcome_class == "bad", list(map(str, phases)), number)


def _targets(rows: Sequence[Row], begin: float, end: float) -> Trace:
    """Return the bars that react to the mouse: in each row one behind all others, as long as the whole run."""
    margin = _margin(begin, end)
    spans = [(number, begin - margin, end + margin) for number in range(len(rows))]
    texts = ["<br>".join([f"<b>{plain(row.label)}</b>", *map(plain, [row.outcome, *row.details])]) for row in rows]
    look = {"width": 0.96, "offset": -0.48, "marker": {"color": "#8892a0", "opacity": 0.1}, "showlegend": False}
    return bars(spans, **look, customdata=[row.target for row in rows], hoverinfo="text", hovertext=texts)


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
            traces.append(bars(spans[state], name=state, marker=marker, **shape))
    return traces


def _ends(histories: Histories) -> list[Trace]:
    """Return the markers at the ends of components."""
    points: dict[str, list[Point]] = {}
    for row, history in enumerate(histories):
        if history.times:
            points.setdefault(history.outcome_class, []).append((max(history.times), row + 0.24))
    return end_markers(points)


def _stages(stages: Sequence[Stage], end: float) -> Trace:
    """Return the bars of the row above all components."""
    spans: list[Span] = []
    names, texts = [], []
    for stage in stages:
        ended = end if stage.ended is None else stage.ended
        spans.append((-1, stage.began, ended))
        names.append(plain(stage.stage))
        texts.append(plain(f"{stage.stage}: {ended - stage.began:.1f} s"))
    colors = list(islice(cycle(STAGES), len(spans)))
    look = {"name": "stages", "showlegend": False, "width": 0.48, "offset": 0.02, "marker": {"color": colors}}
    look |= {"textposition": "inside", "insidetextanchor": "start", "textangle": 0}
    look |= {"textfont": {"color": "white", "size": 10}, "hoverinfo": "text"}
    return bars(spans, **look, text=names, hovertext=texts)


def _layout(rows: Sequence[Row], has_stages: bool, begin: float, end: float) -> Trace:
    margin = _margin(begin, end)
    shown = [at(begin - margin), at(end + margin)]
    labels = [_label(number, f"<b>{plain(row.label)}</b>  {_outcome(row)}") for number, row in enumerate(rows)]
    if has_stages:
        labels.append(_label(-1, "<b>stages</b>"))
    above = 1 + AXIS / (ROW * len(labels)) if labels else 1  # in heights of all rows
    top = -1 if has_stages else 0
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
        "xaxis": {"type": "date", "side": "top", "autotickangles": [0], "automargin": False, "range": shown},
        "yaxis": {"range": [len(rows) - 0.5, top - 0.5], "fixedrange": True, "visible": False},
    }


def _outcome(row: Row) -> str:
    text = plain(row.outcome)
    return f'<span style="color:{BAD}">{text}</span>' if row.is_bad else text


def _label(row: int, text: str) -> Trace:
    """Return the label of a row. It stands above the bars, so that a long one takes no width from them."""
    place = {"xref": "paper", "x": 0, "xanchor": "left", "y": row, "yanchor": "bottom", "yshift": -2}
    return {"text": text, "showarrow": False, "align": "left"} | place


def _margin(begin: float, end: float) -> float:
    """Return how many seconds the chart shows before the first and after the last moment."""
    return (end - begin) / 50 or 0.5
