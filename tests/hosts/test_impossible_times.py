"""Hosts whose times, clock or provenance make no sense."""

import json
import re

import pytest

from tests.support.collections import collections_in
from tests.support.config_texts import IN_WORK as CONFIG
from tests.support.lab import Lab
from tests.support.odd_hosts import host_with


def test_impossible_time_fails_one_host(lab: Lab) -> None:
    lab.farm.add("node4")
    bad = {"node1": "253402300800", "node3": "9" * 20, "node4": "9" * 400, "localhost": "-99999999999999"}
    lab.config(CONFIG + f"add('good', 'node2')\nfor host in {list(bad)}:\n    add(host, host)")
    lab.run("run")
    for host, time in bad.items():
        state = (lab.here if host == "localhost" else lab.farm.hosts[host]).state()
        (state / host / "started").write_text(f"{time}\n")
    status = lab.fab("status", "-c", "cfg.py")
    assert status.returncode == 1
    assert len(re.findall(r" unknown .* invalid answer", status.stdout)) == len(bad), status.stdout
    assert lab.fab("report", "-c", "cfg.py").stderr == ""
    page = (lab.folder / "report.html").read_text()
    assert "unknown: invalid answer" in page
    assert lab.fab("collect", "-c", "cfg.py").stderr == ""
    (folder,) = collections_in(lab.folder / "results")
    components = json.loads((folder / "run.json").read_text())["components"]
    assert {each["host"]: each["state"] for each in components} == dict.fromkeys(bad, "unknown") | {"node2": "running"}
    assert lab.fab("report", "--from", folder).returncode == 0


STAGE = '[{"stage": "x", "began": %s, "ended": null}]'


ORIGIN = '{"format": 2, "config": null, "options": {"x": %s}, "versions": {}, "stages": %s}'


ORIGINS = [
    "[" * 200_000,
    ORIGIN % ("[" * 900 + "]" * 900, "[]"),
    *(ORIGIN % ("1", STAGE % began) for began in ("NaN", "Infinity", "1e300", "1e18", "9" * 400)),
]


def test_senseless_origin_is_ignored(lab: Lab) -> None:
    names = [f"a{number}" for number in range(len(ORIGINS))]
    lab.config(CONFIG + f"for name in {names}:\n    add(name, 'node1')\nadd('b', 'node1')\nadd('c', 'node2')")
    lab.run("run")
    for name, origin in zip(names, ORIGINS, strict=True):
        (lab.node1.state() / name / "origin").write_text(origin)
    done = lab.fab("report", "-c", "cfg.py")
    assert (done.returncode, done.stderr) == (0, "")
    lab.run("collect")
    (folder,) = collections_in(lab.folder / "results")
    run = json.loads((folder / "run.json").read_text())
    expected = dict.fromkeys(names) | {"b": 0, "c": 0}
    assert {each["name"]: each["run"] for each in run["components"]} == expected
    assert len(run["runs"]) == 1
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
