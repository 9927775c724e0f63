"""`fab wait`: it ends when the components have, even if the connection is lost meanwhile."""

import contextlib
import json
import os
import signal
import time
from pathlib import Path

import pytest

from fabfile.reporting.history import histories
from tests.support.commands import read_line, running
from tests.support.config_texts import WAITED as CONFIG
from tests.support.connections import connections, cut, sessions_begun
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.outcomes import repeat_with, timeless
from tests.support.processes import is_alive, looks
from tests.support.waiting import eventually


@pytest.mark.transports
def test_wait_survives_lost_connection(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', UNTIL_GO + '0')\nadd('b', 'node1', UNTIL_GO + '3')\nadd('c', 'node2', '')")
    lab.run("screen")
    lab.run("start")
    before = sessions_begun(lab.node1)
    with running(lab, "wait") as fab:
        eventually(lambda: sessions_begun(lab.node1) == before + 1, "the wait")
        cut(lab.node1)
        lab.farm.stop(lab.node1)
        try:
            (lab.node1.home / "go").touch()
            ended = [lab.node1.state() / name / "status" for name in ("a", "b")]
            eventually(lambda: all(text(path) for path in ended), "the end of both, which nobody sees")
        finally:
            lab.farm.start(lab.node1)
        said, _ = fab.communicate(timeout=20)
    assert fab.returncode == 1, said
    assert "node1: wait: the connection was lost; reconnecting" in said
    said = timeless(said)
    assert "  node1/a  ended with exit status 0\n" in said
    assert "  node2/c  ended with exit status 0\n" in said
    repeat = repeat_with(lab, "run --no-kill", "--limit", "node1/b")
    assert "\nnode1/b: wait: ended with exit status 3\n" in said and said.endswith(f"\n{repeat}\n")


def test_own_exit_differs_from_signal(lab: Lab) -> None:
    """A script passes on that a command was killed. Every command says so."""
    lab.config(CONFIG + "add('own', 'node1', \"sh -c 'kill -9 $$'; exit\")\nadd('killed', 'node1', 'kill -9 $$')")
    done = lab.fab("run", "--collect", "--json", "-c", "cfg.py")
    said = timeless(done.stderr)
    assert "node1/own: check: ended with exit status 137" in said
    assert "node1/killed: check: was ended by SIGKILL" in said
    found = json.loads(lab.fab("status", "--json", "-c", "cfg.py").stdout)
    for each in (*found, *json.loads(done.stdout)["components"]):
        assert (each["exit_status"], each["signal"]) == (137, {"own": None, "killed": "SIGKILL"}[each["name"]])
    (kept,) = (lab.folder / "results").rglob("run.json")
    report = histories(json.loads(kept.read_text()))
    assert {each.name: each.outcome for each in report} == {
        "own": "failed: exit status 137",
        "killed": "failed: SIGKILL",
    }


def test_wait_reports_host_that_stays_away(lab: Lab) -> None:
    """The first connection fails, so there is no reconnect. Failures on other hosts are reported, too."""
    lab.config(CONFIG + "add('a', 'node1', '')\nadd('b', 'node2', 'exit 3')\nadd('c', 'node3', 'exec sleep 1000')")
    done = lab.fab("run", "-c", "cfg.py")
    assert (done.returncode, timeless(done.stderr).splitlines()) == (
        1,
        ["node2/b: check: ended with exit status 3", repeat_with(lab, "run --no-kill", "--limit", "node2/*")],
    )
    lab.farm.stop(lab.node1)
    try:
        done = lab.fab("wait", "--timeout", "1", "-c", "cfg.py")
    finally:
        lab.farm.start(lab.node1)
    assert done.returncode == 1
    unreachable, *others = timeless(done.stderr).splitlines()
    assert unreachable.startswith("node1: wait: ") and unreachable.endswith("connection refused")
    assert others == [
        "node2/b: wait: ended with exit status 3",
        "node3/c: wait: timed out; it has not ended",
        repeat_with(lab, "run --no-kill", "--limit", "node1/*,node2/*"),
    ]


def test_wait_timeout_lists_the_rest(lab: Lab) -> None:
    lab.config(CONFIG + "add('fail', 'node1', 'exit 0')\nadd('b', 'node1', UNTIL_GO)\nadd('c', localhost, UNTIL_GO)")
    lab.run("screen")
    lab.run("start")
    done = lab.fab("wait", "--timeout", "1", "-c", "cfg.py")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "localhost/c: wait: timed out; it has not ended",
        "node1/b: wait: timed out; it has not ended",
        repeat_with(lab, "wait", "--timeout", "1"),
    ]
    assert "node1/fail  ended with exit status 0" in done.stdout


@pytest.mark.parametrize("timeout", ["-1", "1.5", "1000001"])
def test_invalid_timeout_is_refused(lab: Lab, timeout: str) -> None:
    lab.config(CONFIG + "add('a', 'node1', '')")
    done = lab.fab("wait", "-c", "cfg.py", "--timeout", timeout)
    assert done.returncode == 2
    assert "--timeout" in done.stderr


def test_wait_obeys_wait_and_limit(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'exit 0', wait=True)\nadd('b', 'node1', UNTIL_GO + '0')")
    lab.run("screen")
    done = lab.fab("wait", "-c", "cfg.py")
    assert (done.returncode, done.stderr.splitlines()) == (
        1,
        ["node1/a: wait: has not been started", repeat_with(lab, "run --no-kill")],
    )
    lab.run("start")
    assert "node1/b" not in lab.run("wait").stdout
    assert lab.fab("wait", "-c", "cfg.py", "--limit", "b", "--timeout", "1").returncode == 1
    (lab.node1.home / "go").touch()
    assert "node1/b  ended with exit status 0" in lab.run("wait", "--limit", "b").stdout


def test_wait_notices_reused_launcher_id(lab: Lab) -> None:
    """Its id may have been given to another one, after a reboot for example."""
    lab.config(CONFIG + "add('a', 'node1', UNTIL_GO)")
    lab.run("screen")
    lab.run("start")
    kept = lab.node1.state() / "a"
    os.kill(int((kept / "launcher.pid").read_text()), signal.SIGKILL)
    bystander = lab.node1.run("sleep 1000 >/dev/null 2>&1 & echo $!")
    (kept / "launcher.pid").write_text(bystander)
    done = lab.fab("wait", "--timeout", "20", "-c", "cfg.py")
    os.kill(int(bystander), signal.SIGTERM)
    assert "node1/a: wait: was lost: its window was closed, or it was killed together with its launcher" in done.stderr


def test_ctrl_c_is_no_lost_connection(lab: Lab) -> None:
    lab.config(
        CONFIG + "".join(f"add('a', {host!r}, UNTIL_GO, wait=True)\n" for host in ("node1", "node2", "localhost"))
    )
    before = sessions_begun(lab.node1)
    with running(lab, "run") as fab:
        eventually(lambda: sessions_begun(lab.node1) == before + 5, "the wait, after four other stages")
        eventually(lambda: "wait " in read_line(fab), "the stage")
        fab.send_signal(signal.SIGINT)
        said, _ = fab.communicate(timeout=20)
    assert fab.returncode == 130
    assert said.startswith("interrupted in wait; still waiting for localhost/a, node1/a, node2/a\n")


@pytest.mark.parametrize("then", ["gone", "silent"])
def test_wait_timeout_holds_when_cut(lab: Lab, then: str) -> None:
    lab.config(CONFIG + "add('b', 'node1', UNTIL_GO)")
    lab.run("screen")
    lab.run("start")
    begun = time.monotonic()
    with running(lab, "wait", "--timeout", "4") as fab:
        eventually(lambda: looks(lab.node1) == 2, "the wait, and what reads its orders")
        pids = connections(lab.node1)
        listener = int(text(lab.node1.folder / "sshd.pid"))
        if then == "gone":
            lab.farm.stop(lab.node1)
        else:
            os.kill(listener, signal.SIGSTOP)
        try:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):  # a parent may have ended with its child
                    os.kill(pid, signal.SIGKILL)
            said, _ = fab.communicate(timeout=30)
        finally:
            if then == "gone":
                lab.farm.start(lab.node1)
            else:
                os.kill(listener, signal.SIGCONT)
    assert time.monotonic() - begun < 10, "and not 60 s, in which a connection is taken up again, nor those of a login"
    assert fab.returncode == 1
    assert "node1/b: wait: timed out; it has not ended" in said


def test_ctrl_c_lists_running_components(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'exit 0', wait=True)\nadd('b', 'node1', UNTIL_GO, wait=True)")
    lab.run("screen")
    lab.run("start")
    with running(lab, "wait") as fab:
        eventually(lambda: "node1/a" in read_line(fab), "the end of the other")
        fab.send_signal(signal.SIGINT)
        said, _ = fab.communicate(timeout=20)
    assert fab.returncode == 130
    assert said.splitlines()[:3] == [
        "interrupted in wait; still waiting for node1/b",
        "may still be running:",
        "  node1/b",
    ]
    again, kill = said.splitlines()[3:]
    assert again.startswith("continue waiting with: ") and kill.startswith("kill everything with: ")


def test_run_survives_lost_connection(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', UNTIL_GO + '0', wait=True)\nadd('b', 'node1', 'sleep 1000')")
    before = sessions_begun(lab.node1)
    with running(lab, "run", "--terminate") as fab:
        eventually(lambda: sessions_begun(lab.node1) == before + 5, "the wait, after four other stages")
        cut(lab.node1)
        (lab.node1.home / "go").touch()
        said, _ = fab.communicate(timeout=20)
    assert fab.returncode == 0, said
    assert "reconnecting" in said
    assert not Path(f"/proc/{text(lab.node1.state() / 'b/pid').strip()}").exists()


def test_terminate_spares_reused_id(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'exit 0', wait=True)\nadd('b', 'node1', UNTIL_GO)")
    lab.run("screen")
    lab.run("start")
    kept = lab.node1.state() / "b"
    os.kill(int((kept / "launcher.pid").read_text()), signal.SIGKILL)
    bystander = lab.node1.run("setsid sleep 1000 >/dev/null 2>&1 & echo $!")
    (kept / "pid").write_text(bystander)
    lab.run("wait", "--terminate")
    assert is_alive(int(bystander))
    os.kill(int(bystander), signal.SIGTERM)
