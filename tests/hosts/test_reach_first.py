"""Reach first: nothing changes on any host before all hosts have answered."""

import json
import re

import pytest

from tests.support.connections import away, sessions_begun
from tests.support.lab import Lab, repeat
from tests.support.servers import config_of, pid_of
from tests.support.soak import often
from tests.support.terminal import Terminal

HOSTS = ("node1", "node2", "node3")
MISSING = 'no screen session named "runner"; start one with: fab screen'


COMMANDS = [["run"], ["run", "--no-kill"], ["restart"], ["start"], ["sync"], ["screen"]]


def test_dead_host_changes_nothing(lab: Lab) -> None:
    lab.config(config_of(*HOSTS))
    lab.run("run")
    before = [pid_of(lab.node1), pid_of(lab.node2)]
    assert all(before)
    with away(lab.farm, lab.node3):
        for command in COMMANDS:
            done = lab.fab(*command, "-c", "cfg.py")
            assert done.returncode == 1
            assert re.fullmatch(r"3 hosts \(1 failed\), .*; .* s\n", done.stdout)
            assert done.stderr.startswith("node3: connect: 127.0.0.13 port ")
            assert "\nconnect failed; no host was changed\n" in done.stderr
            assert [pid_of(lab.node1), pid_of(lab.node2)] == before


def test_missing_need_changes_nothing(lab: Lab) -> None:
    lab.config(config_of(*HOSTS))
    lab.run("run")
    before = pid_of(lab.node1)
    lab.config(config_of(*HOSTS, more="add('x', 'node2', 'true', needs=['no-such-tool'])\n"))
    done = lab.fab("run", "-c", "cfg.py")
    assert done.returncode == 1
    assert done.stderr.startswith("node2: connect: not installed: no-such-tool (needed by x)")
    assert pid_of(lab.node1) == before != 0


def test_broken_screen_changes_nothing(lab: Lab) -> None:
    lab.config(config_of(*HOSTS))
    lab.run("run")
    before = pid_of(lab.node1)
    lab.run("kill", "--limit", "node2")
    (lab.node2.folder / "screens").chmod(0o755)
    done = lab.fab("run", "-c", "cfg.py")
    (lab.node2.folder / "screens").chmod(0o700)
    assert done.returncode == 1
    assert done.stderr.startswith("node2: connect: screen: cannot list its sessions: Directory ")
    assert pid_of(lab.node1) == before != 0


def test_missing_session_changes_nothing(lab: Lab) -> None:
    lab.config(config_of(*HOSTS, more="add('b', 'node1', 'exec sleep 1000', 2)\n"))
    lab.run("run")
    lab.node2.run("screen -S runner -X quit")
    before, begun = [pid_of(lab.node1), pid_of(lab.node1, "b"), pid_of(lab.node3)], sessions_begun(lab.node2)
    for command in ("restart", "start"):
        done = lab.fab(command, "-c", "cfg.py")
        assert done.returncode == 1
        assert done.stderr.startswith(
            f"node2: connect: {MISSING}\nconnect failed; no host was changed\nwithout these hosts: "
        )
        assert re.search("^start a session with: fab .* screen ", done.stdout, re.MULTILINE)
        assert [pid_of(lab.node1), pid_of(lab.node1, "b"), pid_of(lab.node3)] == before and all(before)
    assert sessions_begun(lab.node2) - begun == 2, "one script for each command"
    done = lab.fab("restart", "--keep-going", "-c", "cfg.py")
    assert done.returncode == 1 and done.stderr.startswith(f"node2: connect: {MISSING}\n")
    after = [pid_of(lab.node1), pid_of(lab.node1, "b"), pid_of(lab.node3)]
    assert all(after) and not {*before}.intersection(after) and not pid_of(lab.node2)
    lab.run("screen")
    repeat(lab, done.stderr.rpartition("repeat with: ")[2].strip())
    assert [pid_of(lab.node1), pid_of(lab.node1, "b"), pid_of(lab.node3)] == after and pid_of(lab.node2)


def test_lost_session_has_a_way_out(lab: Lab) -> None:
    """On a terminal, hosts without a session share a line. The printed commands bring all components back."""
    lab.config(config_of(*HOSTS))
    lab.run("run")
    before = pid_of(lab.node1)
    for host in (lab.node2, lab.node3):
        host.run("screen -S runner -X quit")
    environment = lab.environment | {"TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "1000"}
    terminal = Terminal(lab.command("restart", "--failed", "-c", "cfg.py"), cwd=lab.folder, env=environment)
    try:
        assert terminal.ends() == 1
        lines = terminal.shown.decode().replace("\r", "").split("\n")
    finally:
        terminal.close()
    assert any(line.endswith(f"node[2-3]: connect: {MISSING}") for line in lines), lines
    for purpose in ("start a session with: ", "repeat with: "):
        (command,) = [line.removeprefix(purpose) for line in lines if line.startswith(purpose)]
        repeat(lab, command)
    assert pid_of(lab.node1) == before and pid_of(lab.node2) and pid_of(lab.node3)


@pytest.mark.parametrize("option", often([["--max-failures", "1"]], [(["--keep-going"],)]))
def test_keep_going_applies_from_connect(lab: Lab, option: list[str]) -> None:
    lab.config(config_of(*HOSTS))
    lab.run("run")
    before = pid_of(lab.node1)
    with away(lab.farm, lab.node3):
        done = lab.fab("run", *option, "-c", "cfg.py")
    assert done.returncode == 1
    assert "1 host failed; the other hosts are done" in done.stderr
    assert "kill  2 hosts\n" in done.stdout
    assert pid_of(lab.node1) not in (before, 0)


def test_run_opens_few_channels(lab: Lab) -> None:
    lab.config(
        config_of("node1", more="add('b', 'node1', 'exec sleep 1000', 2)\nadd('c', 'node1', 'true', 3, wait=True)\n")
    )
    before = sessions_begun(lab.node1)
    lab.run("run")
    assert sessions_begun(lab.node1) - before == 4 + 3
    before = sessions_begun(lab.node1)
    lab.run("run", "--no-kill", "--limit", "web")
    assert sessions_begun(lab.node1) - before == 4 + 1


@pytest.mark.parametrize("command", often(["kill"], ["stop"]))
def test_ending_works_without_dead_host(lab: Lab, command: str) -> None:
    lab.config(
        config_of(*HOSTS, more="add('b', 'node1', 'exec sleep 1000', 2)\nadd('c', 'node3', 'exec sleep 1000', 2)\n")
    )
    lab.run("run")
    with away(lab.farm, lab.node3):
        done = lab.fab(command, "-c", "cfg.py")
    assert done.returncode == 1
    assert pid_of(lab.node1) == pid_of(lab.node2) == pid_of(lab.node1, "b") == 0
    assert "; any of these may still run: c, web\n" in done.stderr
    assert pid_of(lab.node3) and pid_of(lab.node3, "c")


def test_plan_shows_live_hosts(lab: Lab) -> None:
    lab.config(config_of(*HOSTS))
    with away(lab.farm, lab.node3):
        done = lab.fab("plan", "-c", "cfg.py")
        as_json = lab.fab("plan", "--json", "-c", "cfg.py")
    assert done.returncode == 1
    assert "node[1-2]\n  start a new session\n" in done.stdout
    assert "\nunknown: node3: 127.0.0.13 port " in done.stdout
    found = json.loads(as_json.stdout)
    assert [each["host"] for each in found["hosts"]] == ["node1", "node2"]
    assert [each["where"] for each in found["failures"]] == ["node3"]
