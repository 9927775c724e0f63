"""The usage curves of a report: CPU and memory of components and of hosts, on the time axis of the timeline. Pure.

Components are areas on top of each other, one for each name, or for each component if they are few. Names with little
use share one area. Hosts are lines. If there are many, the lines show the largest, the mean and the smallest use.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import attrs

from ..util.text import counted
from .chart import SCREENFUL, Trace, at, plain
from .history import ComponentHistory
from .samples import Samples, Series

STEPS = 300  # equal parts of the run; a curve has the mean of each
MOST_CURVES = 7  # in a chart, and one for the others
COLORS = ("#4c86dd", "#e3a02f", "#25a595", "#dc3f45", "#8171c6", "#7aa63c", "#c9659f", "#8892a0")
HEIGHT, GAP, AXIS = 130, 34, 36  # in pixels: a chart, the space for the title above it, the time axis
KINDS = (("CPU", "cores", 1, 1.0), ("Memory", "MB", 2, 1e6))  # name, unit, field of a sample, divisor

Curve = list[float | None]
Curves = dict[str, list[Curve]]  # by name: CPU and memory


@attrs.frozen
class Usage:
    """The HTML of the charts, and the legends: name and colour of each curve, by what the curves are."""

    html: str
    legends: Mapping[str, Sequence[tuple[str, str]]]


def usage(histories: Sequence[ComponentHistory], samples: Samples, begin: float, end: float) -> Usage | None:
    """Return the charts, or None without samples. They use the JavaScript of the timeline."""
    groups = {"Components": components(histories, samples, begin, end), "Hosts": hosts(samples, begin, end)}
    shown = {whose: curves for whose, curves in groups.items() if curves}
    if not shown:
        return None
    from plotly import graph_objects
    from plotly.io import to_html

    figure = graph_objects.Figure(*_figure(shown, begin, end))
    config = {"responsive": True, "displayModeBar": False, "doubleClick": "reset"}
    text = to_html(figure, full_html=False, include_plotlyjs=False, div_id="usage", config=config)
    return Usage(str(text), {whose: list(zip(curves, COLORS, strict=False)) for whose, curves in shown.items()})


def components(histories: Sequence[ComponentHistory], samples: Samples, begin: float, end: float) -> Curves:
    """Return the curves of component names, or of single components, those with the largest use first."""
    groups: dict[str, list[list[Curve]]] = {}
    for history in histories:
        if history.label in samples.components:
            name = history.name if len(histories) > SCREENFUL else history.label
            own = _curves(samples.components[history.label], begin, end, history.started)
            groups.setdefault(name, []).append(own)
    curves = {name: [_merged([own[kind] for own in group], sum) for kind in (0, 1)] for name, group in groups.items()}
    totals = [sum(_area(own[kind]) for own in curves.values()) or 1 for kind in range(len(KINDS))]
    order = sorted(curves, key=lambda name: -sum(_area(curves[name][kind]) / totals[kind] for kind in (0, 1)))
    shown = {name: curves[name] for name in order[:MOST_CURVES]}
    others = [curves[name] for name in order[MOST_CURVES:]]
    if others:
        shown[counted(len(others), "other")] = [_merged([own[kind] for own in others], sum) for kind in (0, 1)]
    return shown


def hosts(samples: Samples, begin: float, end: float) -> Curves:
    """Return the curves of hosts."""
    each = {host: _curves(own, begin, end) for host, own in samples.hosts.items()}
    if len(each) <= MOST_CURVES:
        return each
    bands: dict[str, Callable[[list[float]], float]] = {"largest": max, "mean": _mean, "smallest": min}
    of_kind = [[own[kind] for own in each.values()] for kind in (0, 1)]
    return {
        f"{name} of {len(each):,}": [_merged(of_kind[kind], merge) for kind in (0, 1)] for name, merge in bands.items()
    }


def _curves(series: Series, begin: float, end: float, started: float | None = None) -> list[Curve]:
    """Return CPU and memory in their units."""
    found = []
    for _, _, place, divisor in KINDS:
        curve = means(series, place, begin, end, started)
        found.append([None if value is None else value / divisor for value in curve])
    return found


def _merged(curves: Sequence[Curve], merge: Callable[[list[float]], float]) -> Curve:
    """Return a curve of what `merge` makes of the values of all curves in each step."""
    merged: Curve = []
    for step in range(STEPS):
        values = [value for curve in curves if (value := curve[step]) is not None]
        merged.append(merge(values) if values else None)
    return merged


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _area(curve: Curve) -> float:
    return sum(value or 0 for value in curve)


def means(series: Series, place: int, begin: float, end: float, started: float | None = None) -> Curve:
    """Return the mean of a series in each step from `begin` to `end`; None in steps without samples.

    A sample covers the time since the one before. The first one covers the time since `started`, the start of the
    component. If that is unknown, it covers as much as the second one does.
    """
    length = (end - begin) / STEPS
    if not series or length <= 0:
        return [None] * STEPS
    sums, covered = [0.0] * STEPS, [0.0] * STEPS
    first = series[0]
    since = first.time - (series[1].time - first.time if len(series) > 1 else 1)
    if started is not None and started < first.time:
        since = started
    for before, sample in pairwise([first._replace(time=since), *series]):
        low, high = (before.time - begin) / length, (sample.time - begin) / length
        for step in range(max(0, int(low)), min(STEPS - 1, int(high)) + 1):
            share = min(high, step + 1) - max(low, step)
            if share > 0:
                sums[step] += share * sample[place]
                covered[step] += share
    return [sums[step] / covered[step] if covered[step] else None for step in range(STEPS)]


def _figure(shown: Mapping[str, Curves], begin: float, end: float) -> tuple[list[Trace], Trace]:
    """Return the traces and the layout, as values for plotly."""
    charts = [(whose, kind) for whose in shown for kind in range(len(KINDS))]
    inner = len(charts) * (GAP + HEIGHT)
    traces: list[Trace] = []
    titles, axes = [], {}
    for number, (whose, kind) in enumerate(charts):
        name, unit, _, _ = KINDS[kind]
        suffix = "" if number == 0 else str(number + 1)
        top = 1 - (number * (GAP + HEIGHT) + GAP) / inner
        axis = {"domain": [max(0, top - HEIGHT / inner), top], "rangemode": "tozero", "fixedrange": True, "nticks": 4}
        axes[f"yaxis{suffix}"] = axis | {"ticklabelposition": "inside top", "zeroline": False}
        place = {"xref": "paper", "x": 0, "xanchor": "left", "yref": "paper", "y": top, "yanchor": "bottom"}
        titles.append({"text": f"<b>{name} of {whose.lower()}</b>, {unit}", "showarrow": False} | place)
        curves = {label: own[kind] for label, own in shown[whose].items()}
        look = {"yaxis": f"y{suffix}"} | ({"stackgroup": suffix or "1"} if whose == "Components" else {})
        traces += _traces(curves, unit, look, begin, end)
    layout = _layout(inner + AXIS, begin, end) | axes | {"annotations": titles}
    layout["xaxis"]["anchor"] = f"y{len(charts)}"
    return traces, layout


def _layout(height: int, begin: float, end: float) -> Trace:
    margin = (end - begin) / 50 or 0.5  # as in the timeline
    shown = [at(begin - margin), at(end + margin)]
    return {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 0, "b": AXIS},
        "font": {"family": "system-ui, sans-serif", "size": 12},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "x",
        "hoverlabel": {"bgcolor": "#27303d", "bordercolor": "#27303d", "font": {"color": "white"}},
        "showlegend": False,
        "xaxis": {"type": "date", "autotickangles": [0], "automargin": False, "range": shown},
    }


def _traces(curves: Mapping[str, Curve], unit: str, look: Trace, begin: float, end: float) -> list[Trace]:
    length = (end - begin) / STEPS
    traces = []
    for (name, curve), color in zip(curves.items(), COLORS, strict=False):
        line = {"width": 0.5 if "stackgroup" in look else 1.5, "color": color}
        trace: Trace = {"type": "scatter", "mode": "lines", "name": plain(name), "line": line} | look
        trace |= {"x0": at(begin + length / 2), "dx": 1000 * length}
        trace |= {"y": [None if value is None else float(f"{value:.4g}") for value in curve]}
        traces.append(trace | {"hovertemplate": f"%{{y}} {unit}<extra>{plain(name)}</extra>"})
    return traces
