"""The timeline of a report: a row for each component, from plotly. Pure.

What is clicked is the row, whose `customdata` is the number of its component; the page does the rest. Colours of text
and lines are the page's, which knows whether it is light or dark; those of the bars are seen on either.
"""

import html
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from .history import Life, Phase, Stage

COLORS = {"waiting": "#b4bcc8", "starting": "#e3a02f", "running": "#4c86dd", "ready": "#25a595"}
GOOD, BAD = "#2a9d53", "#dc3f45"
STAGES = ("#6a5bb5", "#8171c6")
ROW, AXIS, HEAD = 40, 36, 90  # heights in pixels: of a row, of what stands above the first, and of that and the legend


def timeline(lives: Sequence[Life], stages: Sequence[Stage], begin: float, end: float) -> str:
    """The HTML of it, with all the JavaScript that it needs."""
    from plotly import graph_objects
    from plotly.io import to_html

    own: str = to_html(
        graph_objects.Figure(*figure(lives, stages, begin, end)),
        full_html=False,
        include_plotlyjs=True,
        div_id="timeline",
        config={"responsive": True, "displayModeBar": False, "doubleClick": "reset"},
    )
    return own


def figure(
    lives: Sequence[Life], stages: Sequence[Stage], begin: float, end: float
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What is in it, and how that is laid out, as plotly has them."""
    phases = [life.phases(begin, end) for life in lives]
    bars = [_rows(lives, phases, begin, end), *_phases(phases), *_ends(lives, phases), *_stages(stages, end)]
    return bars, _layout(lives, stages, begin, end)


def at(seconds: float) -> datetime:
    """A time, as the clock on the wall here shows it."""
    return datetime.fromtimestamp(seconds)


def _bar(begun: Sequence[float], ended: Sequence[float], **more: Any) -> dict[str, Any]:
    lengths = [1000 * (to - since) for since, to in zip(begun, ended, strict=True)]  # milliseconds
    return {"type": "bar", "orientation": "h", "base": [*map(at, begun)], "x": lengths, "hoverinfo": "skip"} | more


def _rows(lives: Sequence[Life], phases: Sequence[Sequence[Phase]], begin: float, end: float) -> dict[str, Any]:
    """What is clicked and pointed at: a bar behind all others, as long as the whole time."""
    margin = _margin(begin, end)
    told = [
        "<br>".join([f"<b>{_plain(life.label)}</b>", _plain(life.outcome), *map(str, own)])
        for life, own in zip(lives, phases, strict=True)
    ]
    more = {"width": 0.96, "offset": -0.48, "marker": {"color": "#8892a0", "opacity": 0.1}, "showlegend": False}
    more |= {"customdata": [*range(len(lives))], "hoverinfo": "text", "hovertext": told, "y": [*range(len(lives))]}
    return _bar([begin - margin] * len(lives), [end + margin] * len(lives), **more)


def _phases(phases: Sequence[Sequence[Phase]]) -> list[dict[str, Any]]:
    """A set of bars for each state that there was."""
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


def _ends(lives: Sequence[Life], phases: Sequence[Sequence[Phase]]) -> list[dict[str, Any]]:
    """A mark where each has ended, by how it did."""
    found = []
    for mood, name, symbol, color in (
        ("good", "ended with 0", "circle", GOOD),
        ("bad", "ended otherwise", "x", BAD),
    ):
        own = [(row, max(life.times)) for row, life in enumerate(lives) if life.mood == mood and life.times]
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


def _layout(lives: Sequence[Life], stages: Sequence[Stage], begin: float, end: float) -> dict[str, Any]:
    margin = _margin(begin, end)
    labels = {row: f"<b>{_plain(life.label)}</b>  {_outcome(life)}" for row, life in enumerate(lives)}
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
        "yaxis": {"range": [len(lives) - 0.5, min(labels, default=0) - 0.5], "fixedrange": True, "visible": False},
    }


def _outcome(life: Life) -> str:
    text = _plain(life.outcome)
    return f'<span style="color:{BAD}">{text}</span>' if life.mood == "bad" else text


def _label(row: int, text: str) -> dict[str, Any]:
    """Above the bars of its row, from the left edge on, so that a long one needs no room beside them."""
    place = {"xref": "paper", "x": 0, "xanchor": "left", "y": row, "yanchor": "bottom", "yshift": -2}
    return {"text": text, "showarrow": False, "align": "left"} | place


def _margin(begin: float, end: float) -> float:
    """How much time is shown beyond the first and the last moment."""
    return (end - begin) / 50 or 0.5


def _plain(text: str) -> str:
    """`text` where plotly would take `<b>` and the like for markup."""
    return html.escape(text, quote=False)
