"""`fab screen`: one session for each host, and its windows."""

import os

import pytest

from tests.support.config_texts import ONE_PROGRAM
from tests.support.farm import ThrowawayHost
from tests.support.lab import Lab
from tests.support.sessions import attached, ids, kill_server, start_session, titles
from tests.support.waiting import eventually


@pytest.mark.parametrize("stage", ["screen", "start"])
def test_ambiguous_session_is_refused(lab: Lab, stage: str) -> None:
    for noted_as in ("first", "second"):
        start_session(lab.node1, "runner", noted_as)
    lab.config(ONE_PROGRAM)
    lab.write("one.sh", "")
    done = lab.fab(stage, "--config", "cfg.py")
    assert done.returncode == 1
    assert 'there are 2 screen sessions named "runner"; kill all of them with: fab kill' in done.stderr


def test_screen_reuses_its_session(lab: Lab) -> None:
    start_session(lab.node1, "runner-prod", "bystander")
    lab.config(ONE_PROGRAM + ONE_PROGRAM.replace('"one"', '"two"') + ONE_PROGRAM.replace("node1", "node2"))
    lab.write("one.sh", "#!/bin/sh\nexec sleep 1000\n", 0o755)
    lab.run("screen")
    before = ids(lab.node1), ids(lab.node2)
    assert lab.node1.sessions() == ["runner", "runner-prod"]
    assert lab.node2.sessions() == ["runner"]
    lab.run("screen", "--no-zombie")
    lab.run("run", "--no-kill")
    assert (ids(lab.node1), ids(lab.node2)) == before
    assert sorted(titles(lab.node1)) == ["one", "shell", "two"]
    assert len(titles(lab.node1, "runner-prod")) == 1
    lab.run("run")
    assert lab.node1.sessions() == ["runner", "runner-prod"]
    assert not set(ids(lab.node1)) & set(before[0]), "a run without --no-kill has a new session"


def test_screen_replaces_dead_session(lab: Lab) -> None:
    lab.config(ONE_PROGRAM)
    lab.write("one.sh", "#!/bin/sh\nexec sleep 1000\n", 0o755)
    lab.run("screen")
    (before,) = ids(lab.node1)
    kill_server(before)
    lab.run("screen")
    (after,) = set(ids(lab.node1)) - {before}
    lab.run("sync")
    lab.run("start")
    assert lab.node1.run(f"screen -S {after} -p 1 -Q title") == "one"


def test_ended_window_stays_unless_no_zombie(lab: Lab) -> None:
    lab.config(ONE_PROGRAM + ONE_PROGRAM.replace("node1", "node2").replace("one.sh", "two.sh"))
    lab.write("one.sh", "#!/bin/sh\necho over\n", 0o755)
    lab.write("two.sh", "#!/bin/sh\nsleep 0.3\n", 0o755)
    lab.run("run", "--no-zombie")
    for host in (lab.node1, lab.node2):
        eventually(lambda host=host: "one" not in titles(host), "the window is gone")  # type: ignore[misc]
        assert host.sessions() == ["runner"]
    lab.run("run")
    for host in (lab.node1, lab.node2):
        eventually(lambda host=host: (host.state() / "one/status").exists(), "its end")  # type: ignore[misc]
        assert "one" in titles(host)
    press_q(lab.node1, window="one")


def press_q(host: ThrowawayHost, window: str) -> None:
    """Press q in a window, as a person would, and see it gone."""
    with attached(host, "-p", window) as terminal:
        os.write(terminal, b"q")
        eventually(lambda: window not in titles(host), "q closes the window")
