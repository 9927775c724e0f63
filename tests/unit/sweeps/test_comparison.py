"""`fab compare`: the facts that differ between two folders, and the ratios of measures."""

import json
from pathlib import Path
from typing import Any

import pytest

from fabfile.sweeps.cells import cells, in_order
from fabfile.sweeps.comparison import compare
from fabfile.sweeps.inputs import Input
from fabfile.sweeps.store import SUCCEEDED, Outcome, Record, Store, Version
from fabfile.ui.lines.comparison_lines import lines
from rr_config import ConfigError


def run_json(rate: float = 1, **changes: Any) -> dict[str, Any]:
    """Return a `run.json` with one measure, with some values replaced."""
    measures = {"rate": {"value": rate, "unit": "1/s"}}
    return {
        "config": {"path": "/a/cfg.py", "text": "one\ntwo\nthree\n"},
        "muddlers": [],
        "arg_parser": None,
        "options": {"limit": None, "params": {}, "config_file": "/a/cfg.py"},
        "parameters": {"n": 1, "mode": "fast"},
        "versions": {"python": "3.11.2"},
        "files": {"h": {"~/data": {"sha1": "a" * 40}}},
        "systems": {"h": "Linux 6.1"},
        "components": [{"host": "h", "name": "a", "measures": measures}],
        "runs": [],
    } | changes


def collection(folder: Path, run: dict[str, Any]) -> Path:
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(run))
    return folder


def sweep(folder: Path, factor: float, sha1: str = "a", over: str = "n=1,2,3") -> Path:
    """Make a sweep in which n=2 has `factor` times the rate of the others."""
    folder.mkdir()
    store = Store(folder)
    store.write_record(Record(1, {}, [Version(0, {"/a/cfg.py": Input(1, 1, sha1)})]))
    for run in in_order(cells([over]), 6, seed=1):
        number = int(run.cell.values["n"])
        rate = 100 * (factor if number == 2 else 1) + run.repeat
        store.begin(run)
        store.finish(run, Outcome(SUCCEEDED, 1), run_json(rate, parameters={"n": number, "mode": "fast"}))
    return folder


def test_equal_collections_have_no_difference(tmp_path: Path) -> None:
    first = collection(tmp_path / "a", run_json())
    compared = compare(first, first)
    assert list(lines(compared)) == [
        "no difference in config, options, parameters, versions, files and hosts",
        "measures",
        "             first  second  ratio",
        "  h/a  rate  1      1       1",
    ]


def test_every_difference_is_listed(tmp_path: Path) -> None:
    first = collection(tmp_path / "a", run_json(2))
    started = run_json() | {
        "config": {"path": "/b/cfg.py", "text": "one\n2\nthree\n"},
        "muddlers": [{"path": "/b/pin.py", "text": "pin"}],
        "options": {"limit": "h", "params": {"n": "2"}, "config_file": "/b/cfg.py"},
        "parameters": {"n": 2, "mode": "fast"},
        "versions": {"python": "3.13.1"},
    }
    components = [{"host": "h", "name": "a", "measures": {"rate": {"value": 3}}}, {"host": "i", "name": "b"}]
    files = {"h": {"~/data": {"sha1": "b" * 40}, "~/new": {"sha1": "c" * 40}}}
    again = run_json(runs=[started], components=components, files=files)
    compared = compare(first, collection(tmp_path / "b", again))
    assert list(lines(compared)) == [
        *("config", "  config:", "    @@ -2 +2 @@", "    -two", "    +2", "  muddler pin: only in the second"),
        *("options", "  limit: None -> h", "parameters", "  n: 1 -> 2", "versions", "  python: 3.11.2 -> 3.13.1"),
        *("files", "  h:~/data: aaaaaaaaaaaa -> bbbbbbbbbbbb", "  h:~/new: only in the second"),
        *("hosts", "  i: only in the second"),
        *("measures", "             first  second  ratio", "  h/a  rate  2      3       1.5"),
    ]
    back = compare(tmp_path / "b", first)
    assert "  h:~/new: only in the first" in list(lines(back))
    assert json.loads(json.dumps(compared.as_dict()))["measures"][0]["ratio"] == 1.5


def test_sweeps_are_compared_by_combination(tmp_path: Path) -> None:
    compared = compare(sweep(tmp_path / "a", 1), sweep(tmp_path / "b", 2, "b"))
    ratios = {row.cell: row for row in compared.measures if row.measure == "rate"}
    assert list(ratios) == ["n=1", "n=2", "n=3"]
    assert (ratios["n=1"].ratio, round(ratios["n=2"].ratio or 0, 2)) == (1, 1.97)
    effects = [row.cell for row in compared.measures if row.comparison and row.comparison.is_effect]
    assert effects == ["n=2"]
    assert {row.measure for row in compared.measures} == {"rate"}
    assert [f"{each.section} {each.name}" for each in compared.differences] == ["files /a/cfg.py"]
    assert any(line.endswith(" *") for line in lines(compared))
    compared = compare(tmp_path / "a", sweep(tmp_path / "c", 1, over="n=4,2"))
    names = ["n=1: only in the first", "n=3: only in the first", "n=4: only in the second"]
    assert [line for each in compared.differences for line in each.lines()] == names


def test_other_folders_are_refused(tmp_path: Path) -> None:
    run, swept = collection(tmp_path / "a", run_json()), sweep(tmp_path / "s", 1)
    for first, second, problem in (
        (run, swept, "one is a sweep, and the other is not; compare equal kinds"),
        (run, tmp_path / "no", "no run.json and no sweep.json; must be a folder of collect or sweep"),
        (run, collection(tmp_path / "b", {"components": []}), "invalid file"),
        (run, collection(tmp_path / "c", {**run_json(), "versions": 3}), "invalid file"),
    ):
        with pytest.raises(ConfigError, match=problem):
            compare(first, second)
    (tmp_path / "b/run.json").write_text("[")
    with pytest.raises(ConfigError, match="invalid file"):
        compare(tmp_path / "b", run)
    Store(tmp_path / "b").write_record(Record(1, {}, []))
    with pytest.raises(ConfigError, match="no run is done; go on with the sweep first"):
        compare(swept, tmp_path / "b")
