"""The page of a report: all that is known of a run in one HTML file, which needs no network.

Pure, but that it reads its template.

Names, arguments and logs are text that nobody vouches for: the template escapes all of it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..results.provenance import SECRET
from ..util.text import counted, duration, printable
from .history import MOODS, Life, lives, span, stages
from .timeline import at, timeline

TEMPLATE = "report.html.j2"
# By which a file is known to be a report, and may be replaced by a newer one.
MARK = '<meta name="generator" content="Remote Runner">'


def page(run: Mapping[str, Any], outputs: Mapping[str, str]) -> str:
    """The HTML of a report of `run`, which is what a `run.json` holds; `outputs` has the end of each log, by label.

    Times are shown as the clock of this machine would. KeyError or TypeError where `run` is not of that form.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    found, of_run = lives(run), stages(run)
    begin, end = span(found, of_run, run["collected"])
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "given": _given,
        "clock": _clock,
        "moment": _moment,
        "zone": _zone,
        "lasting": _lasting,
        "printable": printable,
    }
    return environment.get_template(TEMPLATE).render(
        mark=Markup(MARK),  # a text of our own  # nosec B704
        run=run,
        runs=run["runs"] or [run],  # of what has not been started, what would be
        lives=found,
        stages=of_run,
        outputs={printable(label): text for label, text in outputs.items()},
        begin=begin,
        end=end,
        sizes=[counted(len({life.host for life in found}), "host"), counted(len(found), "component")],
        outcomes=_outcomes(found),
        timeline=Markup(timeline(found, of_run, begin, end)),  # escaped by what has made it  # nosec B704
    )


def _outcomes(found: Iterable[Life]) -> list[tuple[str, str, int]]:
    """How many are how, what is bad first: mood, outcome, number."""
    counts = Counter((life.mood, life.outcome.partition(":")[0]) for life in found)
    return [
        (mood, outcome, counts[mood, outcome])
        for mood, outcome in sorted(counts, key=lambda each: MOODS.index(each[0]))
    ]


def _given(options: Mapping[str, object]) -> list[tuple[str, object]]:
    return [(name, value) for name, value in options.items() if value is not None and name != SECRET]


def _clock(seconds: float | None) -> str:
    return "" if seconds is None else f"{at(seconds):%H:%M:%S}"


def _moment(seconds: float) -> str:
    return f"{at(seconds).astimezone():%Y-%m-%d %H:%M:%S %Z}"


def _zone(seconds: float) -> str:
    return f"{at(seconds).astimezone():%Z}"


def _lasting(seconds: float) -> str:
    return duration(round(seconds))
