"""The page of a sweep: one HTML file with plots, a table of all combinations, and the failed runs. Needs no network.

Names, values and failures are untrusted text, so the template escapes them.
"""

from collections.abc import Sequence
from pathlib import Path

import attrs

from rr_config import ConfigError
from rr_config.errors import named

from ..reporting import report
from ..reporting.chart import Trace
from ..reporting.html import MARK, TEMPLATES
from ..reporting.links import address
from ..util.files import replacing
from ..util.text import counted, printable
from .figures import Grid, figure, groups, numbers_of
from .statistics import Comparison, Summary, comparisons, summary
from .table import DoneRun, Row, columns, rows_of

TEMPLATE = "page.html.j2"
DURATION = "seconds"  # the last column; it is compared only if there is no measure


@attrs.frozen
class TableRow:
    """A row of the table: a combination, its repeats with links to their folders, and the summary of each measure.

    `versus` compares each measure with the first combination of the table.
    """

    name: str
    runs: Sequence[tuple[int, str]]
    failed: int
    summaries: Sequence[Summary | None]
    versus: Sequence[Comparison | None]


@attrs.frozen
class FailedRun:
    """A run that failed: its name, its failures in words, and the relative link to its folder."""

    name: str
    reasons: Sequence[str]
    address: str


def page(folder: Path, runs: Sequence[DoneRun], target: Path) -> str:
    """Return the HTML of a sweep in `folder`, for the file `target`."""
    from markupsafe import Markup

    rows = rows_of(runs)
    grid = Grid.of(rows)
    units = _units(runs)
    failed = [_failed(each, folder, target) for each in runs if each.failures]
    plots = []
    for number, measure in enumerate(grid.measures):
        traces, layout = figure(rows, grid, measure, units.get(measure, ""))
        chart = _drawn(traces, layout, f"plot-{number}", is_first=number == 0)
        plots.append((measure, Markup(chart)))  # `figure` escapes all texts  # nosec B704
    return _rendered(
        mark=Markup(MARK),  # a constant  # nosec B704
        title=folder.absolute().name,
        verdict=("bad" if failed else "good", _verdict(len(runs), len(failed))),
        plots=plots,
        measures=grid.measures,
        cells=cells_of(rows, grid, [address(folder / each.folder, target) for each in runs]),
        failed=failed,
    )


def write(folder: Path, runs: Sequence[DoneRun], output: str, may_overwrite: bool) -> Path:
    """Write the page to the file `output`, and return its path. It appears when it is complete.

    Raise ConfigError if no run is done, a library is missing, or the file cannot be written.
    """
    target = report.target(output, may_overwrite, (*report.NEEDED, "scipy.stats"))
    if not runs:
        raise ConfigError(f"{folder}: no run is done; go on with the sweep first")
    content = page(folder, runs, target).encode("utf-8", "replace")
    with named(f"-o/--output {target}"), replacing(target) as file:
        file.write(content)
    return target


def _verdict(count: int, failed: int) -> str:
    return f"{failed:,} of {counted(count, 'run')} failed" if failed else f"all {counted(count, 'run')} succeeded"


def cells_of(rows: Sequence[Row], grid: Grid, addresses: Sequence[str]) -> list[TableRow]:
    """Return the rows of the table. `addresses` are the links to the runs in `rows`.

    All comparisons of the page are corrected together.
    """
    address_of = {id(row): address for row, address in zip(rows, addresses, strict=True)}
    by_cell = groups(rows, grid.parameters)
    first = next(iter(by_cell.values()), [])
    pairs = []
    tested = [measure for measure in grid.measures if measure != DURATION] or grid.measures
    for own in by_cell.values():
        pairs += [(numbers_of(first, measure), numbers_of(own, measure)) for measure in tested]
    count = len(tested)
    others = iter(comparisons(pairs[count:]))  # the first combination is not compared with itself
    found = []
    for number, (name, own) in enumerate(by_cell.items()):
        summaries = [summary(numbers) if numbers else None for numbers in _numbers(own, grid)]
        versus = [next(others) if number else None for _ in tested]
        versus += [None] * (len(grid.measures) - count)
        failed = len(own) - sum(row["verdict"] == "succeeded" for row in own)
        links = [(int(row["repeat"] or 0), address_of[id(row)]) for row in own]
        found.append(TableRow(name or "all", links, failed, summaries, versus))
    return found


def _numbers(rows: Sequence[Row], grid: Grid) -> list[list[float]]:
    return [numbers_of(rows, measure) for measure in grid.measures]


def _units(runs: Sequence[DoneRun]) -> dict[str, str]:
    """Return the unit of each column. The duration is in seconds."""
    found = {"seconds": "s"}
    names = columns(runs)
    for run in runs:
        found |= {names[key]: unit for key, unit in run.units.items() if key in names}
    return found


def _failed(run: DoneRun, folder: Path, target: Path) -> FailedRun:
    reasons = [printable(f"{each.where}: {each.stage}: {each.reason}") for each in run.failures[:5]]
    return FailedRun(printable(f"{run.cell}, repeat {run.repeat}"), reasons, address(folder / run.folder, target))


def _drawn(traces: Sequence[Trace], layout: Trace, name: str, is_first: bool) -> str:
    """Return a plot. Only the first one on the page brings the library."""
    from plotly import graph_objects
    from plotly.io import to_html

    chart = graph_objects.Figure(data=list(traces), layout=layout)
    config = {"displayModeBar": False, "responsive": True}
    return str(to_html(chart, full_html=False, include_plotlyjs=is_first, div_id=name, config=config))


def _rendered(**values: object) -> str:
    from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined

    loader = ChoiceLoader([FileSystemLoader(Path(__file__).parent), FileSystemLoader(TEMPLATES)])
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters |= {"number": _number, "printable": printable}
    return environment.get_template(TEMPLATE).render(values)


def _number(value: float) -> str:
    return f"{value:.4g}"
