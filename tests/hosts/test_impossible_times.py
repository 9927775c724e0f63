"""Hosts whose times, clock or provenance make no sense."""

import json

import pytest

from tests.support.config_texts import IN_WORK as CONFIG
from tests.support.lab import Lab
from tests.support.odd_hosts import host_with


def test_impossible_time_fails_one_host(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1')\nadd('b', 'node2')")
    lab.run("run")
    for number, time in enumerate(["253402300800", "9" * 20, "9" * 400, "-99999999999999"]):
        (lab.node1.state() / "a/started").write_text(f"{time}\n")
        status = lab.fab("status", "-c", "cfg.py")
        assert status.returncode == 1, time
        assert "unknown: invalid answer" in status.stdout, time
        assert lab.fab("report", "-c", "cfg.py").stderr == "", time
        assert "unknown: invalid answer" in (lab.folder / "report.html").read_text(), time
        assert lab.fab("collect", "-c", "cfg.py", "--to", f"results.{number}").stderr == "", time
        (folder,) = (lab.folder / f"results.{number}").iterdir()
        components = json.loads((folder / "run.json").read_text())["components"]
        assert [each["state"] for each in components] == ["unknown", "running"], time
    assert lab.fab("report", "--from", folder).returncode == 0


STAGE = '[{"stage": "x", "began": %s, "ended": null}]'


ORIGIN = '{"format": 2, "config": null, "options": {"x": %s}, "versions": {}, "stages": %s}'


ORIGINS = [
    "[" * 200_000,
    ORIGIN % ("[" * 900 + "]" * 900, "[]"),
    *(ORIGIN % ("1", STAGE % began) for began in ("NaN", "Infinity", "1e300", "1e18", "9" * 400)),
]


def test_senseless_origin_is_ignored(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1')\nadd('b', 'node2')")
    lab.run("run")
    for number, origin in enumerate(ORIGINS):
        (lab.node1.state() / "a/origin").write_text(origin)
        done = lab.fab("report", "-c", "cfg.py")
        assert (done.returncode, done.stderr) == (0, ""), origin[-100:]
        lab.run("collect", "--to", f"results.{number}")
        (folder,) = (lab.folder / f"results.{number}").iterdir()
        run = json.loads((folder / "run.json").read_text())
        assert ([each["run"] for each in run["components"]], len(run["runs"])) == ([None, 0], 1), origin[-100:]
    assert lab.fab("report", "--from", folder).returncode == 0


def test_impossible_clock_fails_one_host(lab: Lab) -> None:
    host_with(lab, "odd", "date", f"echo {'9' * 400}")
    lab.config(CONFIG + "add('a', 'odd')\nadd('b', 'node1')")
    done = lab.fab("doctor", "--json", "-c", "cfg.py")
    assert done.returncode == 1
    found = json.loads(done.stdout, parse_constant=pytest.fail)
    (odd,) = [each for each in found if each["host"] == "odd"]
    assert odd["verdict"] == "problem"
    assert odd["detail"].startswith("invalid answer")
