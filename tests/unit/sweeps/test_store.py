"""The folder of a sweep: which runs are done, and the table of these."""

import json
from pathlib import Path

import pytest

from fabfile.sweeps.cells import Cell, Run
from fabfile.sweeps.inputs import Input, changes, digest_of
from fabfile.sweeps.store import FAILED, SUCCEEDED, Left, Outcome, Record, Store, Version, opened
from fabfile.sweeps.table import as_csv, rows
from fabfile.util.stages import Failure
from rr_config import ConfigError

CELL = Cell.of({"clients": "4", "mode": "a,b"})


def values(parameters: dict[str, object], **measures: float | None) -> dict[str, object]:
    """Return a `run.json` in which each component has one measure, `p99`. The parameter `host` is their host."""
    components = []
    for name, value in measures.items():
        components.append({"host": parameters.get("host", "h"), "name": name, "measures": {"p99": {"value": value}}})
    return {"parameters": parameters, "components": components}


def test_run_is_done_when_run_json_says_so(tmp_path: Path) -> None:
    store, run = Store(tmp_path), Run(CELL, 2)
    assert store.outcome(run) is None
    folder = store.begin(run)
    assert folder == tmp_path / "clients=4,mode=a%2Cb" / "2"
    (folder / "part").write_text("cut off")
    assert store.outcome(run) is None
    assert list(store.begin(run).iterdir()) == [], "a run that was cut off leaves nothing"
    failed = Outcome(FAILED, 2.5, [Failure("h/a", "ended", ("last",), "wait")], {"h/a": {"p99": None}}, "digest")
    store.finish(run, failed, values({"clients": 4}, a=None))
    assert store.outcome(run) == failed
    (folder / "run.json").write_text((folder / "run.json").read_text()[:-30])
    assert store.outcome(run) is None, "cut off"
    store.finish(run, failed, values({}, a=None))
    assert store.outcome(Run(CELL, 3)) is None
    store.begin(run)
    assert store.outcome(run) is None
    assert (tmp_path / CELL.name / "2.failed-1" / "run.json").exists(), "a failed attempt is kept"
    (tmp_path / CELL.name / "3").mkdir()
    (tmp_path / CELL.name / "3" / "run.json").write_text((tmp_path / CELL.name / "2.failed-1/run.json").read_text())
    assert store.outcome(Run(CELL, 3)) is None, "that of another repeat"
    (tmp_path / CELL.name / "3" / "run.json").write_text('{"mine": 1}')
    (tmp_path / CELL.name / "3" / "notes").write_text("mine")
    store.begin(Run(CELL, 3))
    assert (tmp_path / CELL.name / "3.other-1" / "notes").exists(), "a folder of another program is kept"


def test_session_that_may_run_is_recorded(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.left() is None
    left = Left("runner", ["node1", "node2"])
    store.set_left(left)
    assert store.left() == left
    (tmp_path / "running").write_text("{")
    assert store.left() is None
    store.set_left(None)
    store.set_left(None)
    assert list(tmp_path.iterdir()) == []


def test_record_survives_and_rejects_others(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.record() is None
    record = Record(7, {"limit": None}, [Version(1.5, {"/cfg.py": Input(3, 4, "abc")})], ["old"])
    store.write_record(record)
    assert store.record() == record
    for content in ("", "[]", "{}", '{"format": 2}', '{"format": 1, "versions": 3}', "[" * 9):
        (tmp_path / "sweep.json").write_text(content)
        with pytest.raises(
            ConfigError, match=r"sweep.json: is not the record of a sweep; use another folder with --to"
        ):
            store.record()


def test_one_command_uses_a_folder(tmp_path: Path) -> None:
    with (
        opened(tmp_path / "new"),
        pytest.raises(ConfigError, match="another command runs this sweep; wait for its end"),
        opened(tmp_path / "new"),
    ):
        pass
    with opened(tmp_path / "new"):
        pass
    (tmp_path / "new/file").touch()
    with (
        pytest.raises(ConfigError, match="is not empty, and holds no sweep; use another folder"),
        opened(tmp_path / "new"),
    ):
        pass


def test_changes_compare_contents() -> None:
    before = {"/a": Input(1, 1, "x"), "/b": Input(1, 1, "y"), "/c": Input(1, 1, "z")}
    assert changes(before, before) == []
    touched = {**before, "/a": Input(1, 99, "x")}
    assert changes(before, touched) == [], "only its time has changed"
    now = {"/a": Input(1, 1, "other"), "/b": Input(1, 1, "y"), "/d": Input(1, 1, "z")}
    assert changes(before, now) == ["/a: changed", "/d: new"]
    assert digest_of(before) == digest_of(touched) != digest_of(now)


def test_table_has_a_row_for_each_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no sweep.json; must be the folder of a sweep"):
        rows(tmp_path)
    store = Store(tmp_path)
    store.write_record(Record(7, {}, []))
    for repeat in (10, 2, 1):
        for clients in (4, 16):
            run = Run(Cell.of({"clients": str(clients)}), repeat)
            store.begin(run)
            found = values({"clients": clients, "host": f"h{clients}"}, one=repeat / 2, two=None)
            store.finish(run, Outcome(SUCCEEDED, 1.25), found)
    (tmp_path / "clients=4/1.failed-1").mkdir()
    (tmp_path / "clients=4/1.failed-1/run.json").write_text(json.dumps({"sweep": {}}))
    (tmp_path / "clients=4/11").mkdir()
    (tmp_path / "clients=4/11/run.json").write_text("{")
    found_rows = rows(tmp_path)
    assert [(row["clients"], row["repeat"]) for row in found_rows] == [(n, r) for n in (4, 16) for r in (1, 2, 10)]
    assert found_rows[0] == {
        **{"clients": 4, "repeat": 1, "verdict": "succeeded", "seconds": 1.25},
        **{"p99 of one": 0.5, "p99 of two": None},
    }
    assert as_csv(found_rows[:1]) == "clients,repeat,verdict,seconds,p99 of one,p99 of two\n4,1,succeeded,1.25,0.5,\n"
