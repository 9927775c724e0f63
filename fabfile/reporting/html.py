"""The page of a report: one HTML file with all that is known about a run. It needs no network.

Pure, except that it reads its template. Names, arguments and logs are untrusted text, so the template escapes them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..results.provenance import SECRET
from ..util.text import counted, duration, printable
from .chart import SCREENFUL, at
from .failures import failures, logs_to_open
from .head import parameters, title, verdict
from .history import OUTCOME_CLASSES, ComponentHistory, histories, span, stages
from .links import Link
from .samples import Samples
from .timeline import rows_left_out, timeline
from .usage_chart import usage

TEMPLATES = Path(__file__).parent
TEMPLATE = "report.html.j2"
# Name and CSS class of the columns of the table.
COLUMNS = (
    *(("Component", ""), ("Host", ""), ("State", ""), ("Duration", "number"), ("Start index", "number wide")),
    *(("Started", "wide"), ("Ready", "wide"), ("Ended", "wide"), ("PID", "number wide")),
)
MOST_GROUPS = 60
NO_LINKS: Mapping[str, Sequence[Link]] = {}
NO_SAMPLES = Samples()
# Identifies a file as a report, which a newer report may replace.
MARK = '<meta name="generator" content="Remote Runner">'


def page(
    run: Mapping[str, Any],
    outputs: Mapping[str, str],
    links: Mapping[str, Sequence[Link]] = NO_LINKS,
    samples: Samples = NO_SAMPLES,
) -> str:
    """Return the HTML of a report.

    `run` is the content of a `run.json`. `outputs` holds the end of each log by label, and `links` the links to its
    collected files. `samples` are those of hosts and components. The page shows times in the local time zone. Raise
    KeyError, TypeError or ValueError if `run` has another form.
    """
    from markupsafe import Markup

    found, of_run = histories(run), stages(run)
    begin, end = span(found, of_run, run["collected"])
    hosts = {history.host for history in found}
    texts = {printable(label): text for label, text in outputs.items()}
    failed = failures(found, texts, end)
    to_open = logs_to_open(failed)
    used = usage(found, samples, begin, end)
    first, others = _logs_in_order(len(found), to_open)
    return _rendered(
        mark=Markup(MARK),  # a constant  # nosec B704
        run=run,
        title=title(run),
        verdict=verdict(found),
        failures=failed,
        parameters=parameters(run),
        links=links,
        runs=run["runs"] or [run],  # if nothing was started, show what this command would start
        histories=found,
        stages=of_run,
        outputs=texts,
        open_logs=to_open,
        first_logs=first,
        other_logs=others,
        begin=begin,
        end=end,
        size=f"{len(found):,} on {counted(len(hosts), 'host')}",
        outcomes=_outcomes(found),
        grouping=grouping(found),
        columns=COLUMNS,
        rows_left_out=rows_left_out(found),
        usage=used,
        usage_chart=Markup(used.html) if used else "",  # `usage` escapes all names  # nosec B704
        timeline=Markup(timeline(found, of_run, begin, end)),  # `timeline` escapes all texts  # nosec B704
    )


def _logs_in_order(count: int, to_open: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    """Return the indices of the logs that the page lists, and of the logs in a closed box."""
    if count <= SCREENFUL:
        return range(count), ()
    is_open = set(to_open)
    return to_open, [number for number in range(count) if number not in is_open]


def grouping(found: Sequence[ComponentHistory]) -> str:
    """Return by which column the table groups its rows at first: the first one that makes few groups."""
    if len(found) <= SCREENFUL:
        return "none"
    if len({history.name for history in found}) <= MOST_GROUPS:
        return "component"
    if len({history.host for history in found}) <= MOST_GROUPS:
        return "host"
    return "state"


def _rendered(**values: object) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(TEMPLATES)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters |= {"given": _given, "clock": _clock, "moment": _moment}
    environment.filters |= {"zone": _zone, "duration": duration, "printable": printable}
    return environment.get_template(TEMPLATE).render(values)


def _outcomes(found: Iterable[ComponentHistory]) -> list[tuple[str, str, int]]:
    """Return outcome class, state and number of components for each state, the bad ones first."""
    counts = Counter((history.outcome_class, history.state) for history in found)
    rows = [(outcome_class, state, count) for (outcome_class, state), count in counts.items()]
    return sorted(rows, key=lambda row: OUTCOME_CLASSES.index(row[0]))


def _given(options: Mapping[str, object]) -> list[tuple[str, object]]:
    return [(name, value) for name, value in options.items() if value is not None and name != SECRET]


def _clock(seconds: float | None) -> str:
    return "" if seconds is None else f"{at(seconds):%H:%M:%S}"


def _moment(seconds: float) -> str:
    return f"{at(seconds).astimezone():%Y-%m-%d %H:%M:%S %Z}"


def _zone(seconds: float) -> str:
    return f"{at(seconds).astimezone():%Z}"
