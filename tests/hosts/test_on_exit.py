"""`--on-exit stop`: all components stop when one fails."""

import json

import pytest

from tests.support.commands import read_line, running
from tests.support.config_texts import WAITED as CONFIG
from tests.support.connections import cut, sessions_begun
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.outcomes import repeat_with, timeless
from tests.support.soak import often
from tests.support.waiting import eventually

LONG = "'exec sleep 1000'"
OTHERS = f"add('b', 'node2', {LONG}, wait=True)\nadd('c', localhost, {LONG})\n"


def ended_by(lab: Lab) -> dict[str, str | int | None]:
    """How each component has ended, as `fab status` says: a signal, or an exit status."""
    found = json.loads(lab.fab("status", "--json", "-c", "cfg.py").stdout)
    return {each["name"]: each["signal"] or each["exit_status"] for each in found}


@pytest.mark.parametrize(("crashing", "wait"), often([("localhost", False)], [("node1", True)]))
def test_any_failure_stops_all(lab: Lab, crashing: str, wait: bool) -> None:
    lab.config(CONFIG + f"add('a', {crashing!r}, 'sleep 0.5; exit 3', wait={wait})\n" + OTHERS)
    done = lab.fab("run", "--on-exit", "stop", "-c", "cfg.py")
    assert done.returncode == 1
    assert timeless(done.stderr).splitlines() == [
        f"{crashing}/a: wait: ended with exit status 3; stopping all components",
        repeat_with(lab, "run --no-kill", "--on-exit", "stop"),
    ]
    assert done.stdout.count("node2/b  was ended by SIGTERM") == 1
    assert ended_by(lab) == {"a": 3, "b": "SIGTERM", "c": "SIGTERM"}


def test_success_stops_none(lab: Lab) -> None:
    lab.config(
        CONFIG + f"add('a', 'node1', 'sleep 0.5', wait=True)\nadd('b', 'node1', 'exit 0')\nadd('c', 'node2', {LONG})"
    )
    done = lab.run("run", "--on-exit", "stop")
    assert "node1/a  ended with exit status 0" in done.stdout
    assert ended_by(lab) == {"a": 0, "b": 0, "c": None}


def test_without_wait_all_are_awaited(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'sleep 0.5')\nadd('b', 'node2', 'sleep 1')")
    lab.run("run", "--on-exit", "stop")
    assert ended_by(lab) == {"a": 0, "b": 0}


@pytest.mark.parametrize("fails", ["'exit 127'", "'exec sleep 1000', ready=util.log('never', timeout=1)"])
def test_failed_start_stops_all(lab: Lab, fails: str) -> None:
    lab.config(CONFIG + f"add('a', 'node1', {LONG})\nadd('b', 'node1', {fails})\nadd('c', localhost, {LONG})")
    done = lab.fab("run", "--on-exit", "stop", "-c", "cfg.py")
    assert done.returncode == 1
    assert done.stderr.startswith("node1/b: start 1: ")
    ended = ended_by(lab)
    assert (ended["a"], ended["c"]) == ("SIGTERM", "SIGTERM")
    assert ended["b"] in (127, "SIGTERM")


def test_terminate_follows_success(lab: Lab) -> None:
    lab.config(
        CONFIG + f"add('a', 'node1', 'sleep 0.5', wait=True)\nadd('b', 'node1', {LONG})\nadd('c', 'node2', {LONG})"
    )
    before = sessions_begun(lab.node1)
    done = lab.run("run", "--on-exit", "stop", "--terminate")
    assert sessions_begun(lab.node1) - before == 5  # the wait is one channel, and ends the others, too
    assert "node1/a  ended with exit status 0" in done.stdout
    assert ended_by(lab) == {"a": 0, "b": "SIGTERM", "c": "SIGTERM"}


def test_wait_stops_all_later(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'sleep 1; exit 3')\n" + OTHERS)
    lab.run("screen")
    lab.run("start")
    done = lab.fab("wait", "--on-exit", "stop", "-c", "cfg.py")
    assert (done.returncode, timeless(done.stderr).splitlines()) == (
        1,
        [
            "node1/a: wait: ended with exit status 3; stopping all components",
            repeat_with(lab, "run --no-kill", "--on-exit", "stop"),
        ],
    )
    assert ended_by(lab) == {"a": 3, "b": "SIGTERM", "c": "SIGTERM"}


def test_absent_host_does_not_delay_stop(lab: Lab) -> None:
    """Though it would be awaited for a minute."""
    lab.config(
        CONFIG
        + f"add('a', 'node1', UNTIL_GO + '3')\nadd('b', 'node2', {LONG}, start_index=2)\nadd('c', 'node3', {LONG})\n"
    )
    lab.run("screen")
    lab.run("start")
    before = sessions_begun(lab.node2)
    with running(lab, "wait", "--on-exit", "stop") as fab:
        eventually(lambda: sessions_begun(lab.node2) == before + 1, "the wait")
        cut(lab.node2)
        lab.farm.stop(lab.node2)
        try:
            eventually(lambda: "reconnecting" in read_line(fab), "the loss")
            (lab.node1.home / "go").touch()
            said, _ = fab.communicate(timeout=20)
        finally:
            lab.farm.start(lab.node2)
    assert "node1/a: wait: ended with exit status 3; stopping all components\n" in timeless(said)
    assert said.count("node2: stop 2: ") == 1  # and what is below that index is stopped all the same
    assert ended_by(lab) == {"a": 3, "b": None, "c": "SIGTERM"}


def test_all_failures_are_reported(lab: Lab) -> None:
    """Not that one alone of which it is known first."""
    failing = [("a", "node1", 3), ("b", "node1", 4), ("c", "node2", 5), ("d", "node3", 6)]
    lines = [f"add({name!r}, {host!r}, 'exit {status}')" for name, host, status in failing]
    lab.config(CONFIG + "\n".join(lines) + f"\nadd('e', 'node3', {LONG})\n")
    lab.run("screen")
    lab.fab("start", "-c", "cfg.py")
    ended = [lab.farm.hosts[host].state() / name / "status" for name, host, _ in failing]
    eventually(lambda: all(text(path) for path in ended), "the end of all")
    done = lab.fab("wait", "--on-exit", "stop", "-c", "cfg.py")
    *lines, repeat = timeless(done.stderr).splitlines()
    assert lines == [
        f"{host}/{name}: wait: ended with exit status {status}; stopping all components"
        for name, host, status in failing
    ]
    assert repeat == repeat_with(lab, "run --no-kill", "--on-exit", "stop")
    assert ended_by(lab) == {"a": 3, "b": 4, "c": 5, "d": 6, "e": "SIGTERM"}
