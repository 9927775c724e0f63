"""Interrupt commands: cut their connections or kill the controller."""

import contextlib
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.commands import running
from tests.support.connections import connections
from tests.support.farm import ThrowawayHost, command_lines
from tests.support.lab import Lab
from tests.support.waiting import eventually
from tests.support.workload import PROGRAM, SIZE, configure

# `fab run` prints this when the stage begins.
STAGES = {"kill": "kill", "screen": "screen", "sync": "sync", "start": "start 1", "later": "start 2"}
MANY = """
for n in range(60):
    script = util.literal(f"echo $$ >>$HOME/started.{n}; exec sleep 1000")
    config.add_component(
        Component(name=f"c{n}", host="node1", executable="/bin/sh", args=["-c", script], start_index=1))
"""


def programs(host: ThrowawayHost) -> list[str]:
    """Return the running components, one entry per process."""
    lines = command_lines(host.folder).values()
    return sorted(line.split(b"\0")[1].decode() for line in lines if line.startswith(b"sleep\0001000."))


def assert_whole(lab: Lab, host: ThrowawayHost, *contents: str) -> None:
    """Check that each file has one of `contents`, complete, and that other files are only in staging folders."""
    for path in (host.home / "work").rglob("*"):
        if path.is_file() and ".remote-runner" not in str(path):
            found = path.read_bytes()
            if path.name == "program":
                assert found == PROGRAM.encode()
            elif path.name == "big":
                assert found in [content.encode() * (SIZE // len(content)) for content in contents]
            else:
                assert found.decode() in [f"{content} {path.name}" for content in contents]


def assert_told(lab: Lab, *hosts: ThrowawayHost) -> None:
    """Check that `fab status` reports exactly the components that are running."""
    told = json.loads(lab.fab("status", "--json", "-c", "cfg.py").stdout)
    for host in hosts:
        running_there = {f"c{name.partition('.')[2]}" for name in programs(host)}
        said = {each["name"] for each in told if each["host"] == host.name and each["state"] == "running"}
        assert said == running_there


def left_behind(host: ThrowawayHost) -> list[Path]:
    """Return files that a sync or another script has not removed."""
    kept = [path for path in host.state().glob(".*") if path.name.startswith((".list", ".staging", ".order", ".held"))]
    return [*kept, *host.home.rglob(".remote-runner*"), *host.tmp.iterdir()]


def cut(fab: "subprocess.Popen[str]", host: ThrowawayHost) -> None:
    for pid in connections(host):
        with contextlib.suppress(ProcessLookupError):  # a parent may have ended with its child
            os.kill(pid, signal.SIGKILL)


def kill(fab: "subprocess.Popen[str]", host: ThrowawayHost) -> None:
    fab.kill()


def interrupt_run(
    lab: Lab, happens: Callable[["subprocess.Popen[str]", ThrowawayHost], None], stage: str, seed: int
) -> None:
    """Interrupt a run in a stage at a random moment, then check the hosts and finish with a second run.

    Checks that no partial file has its final name, no program runs twice, and `fab status` reports the truth.
    """
    chance = random.Random(f"{happens.__name__} {stage} {seed}")
    configure(lab, "old")
    lab.run("run")
    configure(lab, "new")
    with running(lab, "run") as fab:
        assert fab.stdout
        for line in fab.stdout:
            if line.startswith(STAGES[stage]):
                break
        time.sleep(chance.uniform(0, 0.2))  # at any point of the stage
        happens(fab, lab.node1)
        said = fab.communicate(timeout=60)[0]
    assert "Traceback" not in said
    eventually(lambda: not connections(lab.node1) and not connections(lab.node2), "all connections end")
    for host in (lab.node1, lab.node2):
        assert_whole(lab, host, "old", "new")
        assert len(set(programs(host))) == len(programs(host))
    assert_told(lab, lab.node1, lab.node2)
    # Scripts of the interrupted run may lock the session for a moment, and a run is slow on a busy machine.
    eventually(lambda: lab.fab("run", "-c", "cfg.py").returncode == 0, "a run succeeds", seconds=30)
    for host in (lab.node1, lab.node2):
        assert_whole(lab, host, "new")
        assert programs(host) == ["1000.1", "1000.2", "1000.3"]
        eventually(lambda host=host: not left_behind(host), "temporary files are removed")  # type: ignore[misc]
    assert_told(lab, lab.node1, lab.node2)


def interrupt_start(lab: Lab, happens: Callable[["subprocess.Popen[str]", ThrowawayHost], None]) -> None:
    """Interrupt the start of many components, then check that a second start finishes and starts none twice.

    The script continues without its connection, and so does screen.
    """
    lab.config(MANY)
    lab.run("screen")
    with running(lab, "start") as fab:
        eventually(lambda: bool(list(lab.node1.state().glob(".windows*"))), "the list of windows")
        happens(fab, lab.node1)
        fab.communicate(timeout=60)
    lab.run("start")
    times = [path.read_text().count("\n") for path in lab.node1.home.glob("started.*")]
    assert times == [1] * 60
    assert lab.fab("status", "-c", "cfg.py").returncode == 0
    assert not list(lab.node1.state().glob(".windows*"))
