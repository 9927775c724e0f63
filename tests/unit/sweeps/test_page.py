"""The page of a sweep: plots, the table of combinations, and the failed runs."""

import re
from pathlib import Path
from typing import Any

import pytest

from fabfile.sweeps.cells import cells, in_order
from fabfile.sweeps.figures import Grid, figure
from fabfile.sweeps.page import page, write
from fabfile.sweeps.store import FAILED, SUCCEEDED, Outcome, Record, Store
from fabfile.sweeps.table import DoneRun, read, rows_of
from fabfile.util.stages import Failure
from rr_config import ConfigError

NASTY = "<b onclick=x>&"


def sweep(folder: Path) -> list[DoneRun]:
    """Return the runs of a sweep in which `fast` has twice the rate. One run has failed."""
    folder.mkdir()
    store = Store(folder)
    store.write_record(Record(1, {}, []))
    for run in in_order(cells([f"mode=fast,{NASTY}", "n=1,2"]), 8, seed=1):
        values = run.cell.values
        number = int(values["n"])
        rate = number * (200 if values["mode"] == "fast" else 100) + run.repeat
        component: dict[str, Any] = {"host": "h", "name": "a"}
        component["measures"] = {"rate": {"value": rate, "unit": "1/s"}}
        failures = [Failure("h/a", NASTY, (), "wait")] if (number, run.repeat) == (2, 5) else []
        outcome = Outcome(FAILED if failures else SUCCEEDED, 1.5, failures)
        store.begin(run)
        parameters = {"mode": values["mode"], "n": number}
        store.finish(run, outcome, {"parameters": parameters, "components": [component]})
    return read(folder)


def test_plot_has_a_line_for_each_other_value(tmp_path: Path) -> None:
    rows = rows_of(sweep(tmp_path / "s"))
    grid = Grid.of(rows)
    assert (grid.parameters, grid.measures, grid.axis(rows)) == (["mode", "n"], ["rate", "seconds"], "n")
    traces, layout = figure(rows, grid, "rate", "1/s")
    lines = {trace["name"]: trace for trace in traces if "lines" in trace["mode"]}
    assert list(lines) == ["mode=&lt;b onclick=x&gt;&amp;", "mode=fast"], "in natural order, and escaped"
    fast = lines["mode=fast"]
    assert (fast["x"], fast["y"]) == ([1, 2], [204.5, 404]), "medians of the runs that succeeded"
    assert fast["error_y"]["array"] == [3.5, 4], "from the median to the end of its interval"
    dots = [trace for trace in traces if trace["mode"] == "markers"]
    assert sum(len(trace["x"]) for trace in dots) == 30
    assert layout["yaxis"]["title"]["text"] == "rate (1/s)"
    assert layout["xaxis"] == {"title": {"text": "n"}, "type": "linear"}


def test_unit_belongs_to_its_component(tmp_path: Path) -> None:
    measures, units = {"h/a": {"rate": 1.0}, "h/b": {"rate": 2.0}}, {("h/a", "rate"): "1/s", ("h/b", "rate"): "MB/s"}
    runs = [DoneRun(Path("all/1"), {}, 1, SUCCEEDED, 1.0, [], measures, units)]
    text = page(tmp_path, runs, tmp_path / "page.html")
    assert text.count("rate of a (1\\u002fs)") == text.count("rate of b (MB\\u002fs)") == 1


def test_page_shows_cells_and_failures(tmp_path: Path) -> None:
    runs = sweep(tmp_path / "s")
    made = write(tmp_path / "s", runs, str(tmp_path / "page.html"), may_overwrite=False)
    text = made.read_text()
    assert "2 of 32 runs failed" in text
    assert NASTY not in text
    assert text.count("&lt;b onclick=x&gt;&amp;") >= 4
    assert len(re.findall(r'<a href="\./s/mode%3Dfast%2Cn%3D[12]/[1-8]">', text)) == 17, "all runs, and one that failed"
    assert len(re.findall(r"<b>. ([0-9.]+)</b>", text)) == 3
    assert len(re.findall(r"^ +p = [0-9]", text, re.MULTILINE)) == 3, "the duration is not tested beside a measure"
    assert len(text) < 6_000_000
    assert write(tmp_path / "s", runs, str(made), may_overwrite=False) == made, "a newer page replaces an older one"
    made.write_text("mine")
    with pytest.raises(ConfigError, match="exists, and is not a report"):
        write(tmp_path / "s", runs, str(made), may_overwrite=False)
    with pytest.raises(ConfigError, match="no run is done; go on with the sweep first"):
        write(tmp_path / "s", [], str(tmp_path / "other.html"), may_overwrite=False)


def test_axis_fits_its_values(tmp_path: Path) -> None:
    rows = [row | {"n": "one"} for row in rows_of(sweep(tmp_path / "s"))]
    grid = Grid.of(rows)
    assert grid.axis(rows) == "mode"
    _, layout = figure(rows, grid, "seconds", "s")
    assert layout["xaxis"]["type"] == "category"
    _, layout = figure([rows[0] | {"n": n} for n in (16, 1024, 16384)], Grid(["n"], ["seconds"]), "seconds", "s")
    assert (layout["xaxis"]["type"], layout["xaxis"]["ticktext"]) == ("log", ["16", "1,024", "16,384"])
    alone = [{key: value for key, value in row.items() if key not in ("mode", "n")} for row in rows]
    assert Grid.of(alone).axis(alone) is None
    assert len(figure(alone, Grid.of(alone), "rate", "")[0]) == 2
