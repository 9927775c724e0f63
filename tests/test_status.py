"""`fab status`: what it says of components, from the hosts' own account."""

import json
import os
import re
import signal
from typing import Any

import pytest

from fabfile.components.status import NOT_READY, State, Status, read_status
from fabfile.util.text import duration
from rr_config import Component
from rr_config.ready import port

from .conftest import Lab, eventually
from .test_start import sessions_begun

COMPONENTS = [
    Component(name=name, host="h", executable="x", start_index=1, ready=port(80) if name in "def" else None)
    for name in ("a", "b", "c", "d", "e", "f")
]
PROGRAMS = """
def add(name, host, script, index=1):
    config.add_component(Component(name=name, host=host, executable="/bin/sh", args=["-c", script], start_index=index))
add("busy", "node1", "sh -c 'while :; do :; done' & wait")
add("idle", "node2", "exec sleep 1000")
add("good", "node1", "exit 0")
"""
BROKEN = """
add("three", "node2", "exit 3")
add("term", "localhost", "kill -TERM $$")
add("gone", "node3", "exec sleep 1000")
"""


def statuses(lab: Lab, *words: str, code: int) -> dict[str, dict[str, Any]]:
    """What `fab status --json` says, by label."""
    done = lab.fab("status", "--json", "-c", "cfg.py", *words)
    assert done.returncode == code, done.stderr
    assert done.stderr == ""
    return {f"{each['host']}/{each['name']}": each for each in json.loads(done.stdout)}


def test_answers_are_read() -> None:
    answers = [
        "units 1000 100 4096",
        "component a running 11  900  10 9  ",
        "component b exited 21 137 800 960    late",
        "component c waiting        ",
        "component d exited 22 0 800 970   830 ",
        "component e running 12  900  10 9 930 ",
        "component f running 13  900  10 9  late",
        "sample 50.00 10,10,5,5,1 10,11,100,50,3 10,12,0,0,4 10,9,1,1,1 77,7,0,0,9",
        "sample 50.50 10,10,9,9,1 10,11,120,60,5 10,13,10,0,6 10,9,9,9,1 77,7,9,9,9",
    ]
    a, b, c, d, e, f = COMPONENTS
    assert read_status(COMPONENTS, answers) == [
        Status(a, State.RUNNING, 11, None, 100, cpu=0.8, memory=11 * 4096, started=900),
        Status(b, State.EXITED, 21, 137, 40, started=800, ended=960),
        Status(c, State.WAITING),
        Status(d, State.EXITED, 22, 0, 30, started=800, ready=830, ended=970),
        Status(e, State.READY, 12, None, 70, cpu=0.8, memory=11 * 4096, started=900, ready=930),
        Status(f, State.STARTING, 13, None, 100, cpu=0.8, memory=11 * 4096, problem=NOT_READY, started=900),
    ]
    assert read_status([b], answers)[0].signal == "SIGKILL"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (185, "3 min 5 s"), (7200, "2 h"), (93784, "1 d 2 h"), (-3, "0 s")],
)
def test_times_are_shown_in_their_two_largest_units(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_status_says_of_each_component_how_it_is(lab: Lab) -> None:
    lab.config(PROGRAMS + BROKEN)
    assert {each["state"] for each in statuses(lab, code=1).values()} == {"waiting"}
    lab.run("run")
    eventually(lambda: statuses(lab, code=1)["localhost/term"]["state"] == "exited", "the end of all that end")
    os.kill(statuses(lab, code=1)["node3/gone"]["pid"], signal.SIGKILL)
    eventually(lambda: statuses(lab, code=1)["node3/gone"]["state"] == "exited", "the end of the one that is killed")
    lab.farm.stop(lab.node2)
    try:
        found = statuses(lab, code=1)
    finally:
        lab.farm.start(lab.node2)
    assert {label: each["state"] for label, each in found.items()} == {
        "node1/busy": "running",
        "node2/idle": "unknown",
        "node1/good": "exited",
        "node2/three": "unknown",
        "localhost/term": "exited",
        "node3/gone": "exited",
    }
    assert found["node1/good"]["exit_status"] == 0
    assert (found["localhost/term"]["exit_status"], found["localhost/term"]["signal"]) == (143, "SIGTERM")
    assert found["node3/gone"]["signal"] == "SIGKILL"
    assert found["node1/busy"]["cpu"] > 0.02, "also what the program has started"
    assert found["node1/busy"]["memory"] > 100_000
    assert "connection refused" in found["node2/idle"]["problem"]
    assert str(found["node1/busy"]["pid"]) == (lab.node1.state() / "busy/pid").read_text().strip()
    before = sessions_begun(lab.node1)
    table = lab.fab("status", "-c", "cfg.py")
    assert sessions_begun(lab.node1) == before + 1, "one script a host"
    assert table.returncode == 1
    assert re.search(r"^HOST +COMPONENT +STATE +EXIT +PID +FOR +CPU +MEMORY$", table.stdout, re.M)
    assert re.search(r"^localhost +term +exited +SIGTERM +\d+ +\d+ s +- +-$", table.stdout, re.M)
    assert re.search(r"^node1 +busy +running +- +\d+ +\d+ s +\d+ % +[\d.]+ [kM]B$", table.stdout, re.M)


def test_status_is_0_if_all_run_or_have_ended_well_and_of_this_session(lab: Lab) -> None:
    lab.config(PROGRAMS)
    lab.run("run")
    eventually(lambda: statuses(lab, code=0)["node1/good"]["state"] == "exited", "the end of the one that ends")
    assert statuses(lab, "--limit", "idle", code=0).keys() == {"node2/idle"}
    lab.run("kill")
    assert statuses(lab, code=1)["node1/busy"]["signal"] in ("SIGTERM", "SIGHUP")
    lab.run("screen")
    assert {each["state"] for each in statuses(lab, code=1).values()} == {"waiting"}, "in the new session"


def test_a_document_is_not_shown_again_and_again(lab: Lab) -> None:
    lab.config(PROGRAMS)
    done = lab.fab("status", "--watch", "--json", "-c", "cfg.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "--watch: leave it out with --json, which prints one document\n"


def test_what_sends_nothing_works_where_local_files_are_gone(lab: Lab) -> None:
    lab.write("data", "here for now")
    lab.config(
        "config.add_component(Component(name='a', host='node1', executable='/bin/sleep', args=['1000'],"
        " start_index=1, files={'data': 'data'}))"
    )
    lab.run("run")
    (lab.folder / "data").unlink()
    for command in ("status", "logs", "collect", "stop", "start", "restart", "screen", "kill"):
        lab.run(command)
    for command in ("run", "sync", "plan", "doctor", "config"):
        done = lab.fab(command, "-c", "cfg.py")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"a.files: {lab.folder}/data: No such file or directory\n"
