"""The lines of `fab compare`. Pure."""

from collections.abc import Iterator
from itertools import groupby

from ...sweeps.comparison import Compared, MeasureRow
from ...util.text import printable

MOST_LINES = 40  # of one section


def lines(compared: Compared) -> Iterator[str]:
    """Yield the differences, each below the title of its section, then the measures."""
    if not compared.differences:
        yield "no difference in config, options, parameters, versions, files and hosts"
    for section, differences in groupby(compared.differences, key=lambda each: each.section):
        yield f"{section}"
        found = [line for each in differences for line in each.lines()]
        for line in found[:MOST_LINES]:
            yield f"  {printable(line)}"
        if len(found) > MOST_LINES:
            yield f"  {len(found) - MOST_LINES} more lines; --json shows all"
    if compared.measures:
        yield "measures"
        yield from (f"  {printable(line)}" for line in _measure_lines(compared))


def _measure_lines(compared: Compared) -> Iterator[str]:
    rows = []
    for each in compared.measures:
        rows.append((each.cell, each.measure, f"{each.before:.5g}", f"{each.after:.5g}", _ratio(each)))
    head = ("", "", "first", "second", "ratio")
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(4)]
    for row in [head, *rows]:
        cells = [row[column].ljust(width) for column, width in enumerate(widths)]
        yield "  ".join([*cells, row[4]]).rstrip()


def _ratio(row: MeasureRow) -> str:
    """Return the ratio, with its interval and p-value if there are enough runs. A star marks an effect."""
    if row.ratio is None:
        return "-"
    if row.comparison is None:
        return f"{row.ratio:.3g}"
    low, high = row.comparison.interval
    star = " *" if row.comparison.is_effect else ""
    p = "too few runs for a test" if row.comparison.p is None else f"p = {row.comparison.p:.3g}"
    return f"{row.ratio:.3g} ({low:.3g} to {high:.3g}), {p}{star}"
