"""A connection that is cut, and a controller that is killed, in each stage, at a moment of chance.

Afterwards, no half of a file has its final name, no program runs twice, `fab status` tells the truth, and the same command
again finishes the job and leaves nothing behind.
"""

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Lab, eventually
from .test_start import running
from .test_sync import connections
from .throwaway import ThrowawayHost, command_lines

CONFIG = """
for host in ("node1", "node2"):
    for index in (1, 2, 3):
        config.add_component(Component(
            name=f"c{index}", host=host, executable="program", args=[f"rr-chaos-{index}"], start_index=index, base_dir="~/work",
            files={"program": "program", "tree": "tree", "big": "big"},
        ))
"""
PROGRAM = "#!/bin/sh\nexec sleep 1000.$(echo $1 | tr -dc 0-9)\n"
FILES, SIZE = 300, 40_000_000
# What is seen of `fab run` when the stage has begun.
STAGES = {"kill": "kill", "screen": "screen", "sync": "sync", "start": "start 1", "later": "start 2"}


def configure(lab: Lab, content: str) -> None:
    lab.write("program", PROGRAM, 0o755)
    for number in range(FILES):
        lab.write(f"tree/{number % 7}/{number}", f"{content} {number}")
    (lab.folder / "big").write_bytes(content.encode() * (SIZE // len(content)))
    lab.config(CONFIG)


def programs(host: ThrowawayHost) -> list[str]:
    """Those of the components that run, each as often as it does."""
    lines = command_lines(host.folder).values()
    return sorted(line.split(b"\0")[1].decode() for line in lines if line.startswith(b"sleep\0001000."))


def assert_whole(lab: Lab, host: ThrowawayHost, *contents: str) -> None:
    """Each file there is one of those, whole; none is beside them but in staging folders."""
    for path in (host.home / "work").rglob("*"):
        if path.is_file() and ".remote-runner" not in str(path):
            found = path.read_bytes()
            if path.name == "program":
                assert found == PROGRAM.encode()
            elif path.name == "big":
                assert found in [content.encode() * (SIZE // len(content)) for content in contents]
            else:
                assert found.decode() in [f"{content} {path.name}" for content in contents]


def assert_told(lab: Lab, host: ThrowawayHost) -> None:
    """`fab status` says of each component whether it runs."""
    told = json.loads(lab.fab("status", "--json", "-c", "cfg.py").stdout)
    running_there = {f"c{name.partition('.')[2]}" for name in programs(host)}
    said = {each["name"] for each in told if each["host"] == host.name and each["state"] == "running"}
    assert said == running_there


def left_behind(host: ThrowawayHost) -> list[Path]:
    """What a sync or another script has not taken away."""
    kept = [path for path in host.state().glob(".*") if path.name.startswith((".list", ".staging", ".order", ".held"))]
    return [*kept, *host.home.rglob(".remote-runner*"), *host.tmp.iterdir()]


def cut(fab: "subprocess.Popen[str]", host: ThrowawayHost) -> None:
    for pid in connections(host):
        with contextlib.suppress(ProcessLookupError):  # a parent may have ended with its child
            os.kill(pid, signal.SIGKILL)


def kill(fab: "subprocess.Popen[str]", host: ThrowawayHost) -> None:
    fab.kill()


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("happens", [cut, kill])
def test_whatever_is_cut_off_the_same_command_again_finishes(
    lab: Lab, happens: Callable[["subprocess.Popen[str]", ThrowawayHost], None], stage: str, seed: int
) -> None:
    chance = random.Random(f"{happens.__name__} {stage} {seed}")
    configure(lab, "old")
    lab.run("run")
    configure(lab, "new")
    with running(lab, "run") as fab:
        assert fab.stdout
        for line in fab.stdout:
            if line.startswith(STAGES[stage]):
                break
        time.sleep(chance.uniform(0, 0.2))  # wherever it is by then
        happens(fab, lab.node1)
        said = fab.communicate(timeout=60)[0]
    assert "Traceback" not in said
    eventually(lambda: not connections(lab.node1) and not connections(lab.node2), "the end of what went on there")
    for host in (lab.node1, lab.node2):
        assert_whole(lab, host, "old", "new")
        assert len(set(programs(host))) == len(programs(host))
        assert_told(lab, host)
    eventually(lambda: lab.fab("run", "-c", "cfg.py").returncode == 0, "a run")
    for host in (lab.node1, lab.node2):
        assert_whole(lab, host, "new")
        assert programs(host) == ["1000.1", "1000.2", "1000.3"]
        assert_told(lab, host)
        eventually(lambda host=host: not left_behind(host), "an end without traces")  # type: ignore[misc]


def test_ten_runs_leave_no_growth(lab: Lab) -> None:
    """`inv soak` does it a thousand times."""
    configure(lab, "same")
    lab.run("run")
    before = traces(lab.node1)
    for _ in range(10):
        lab.run("run")
    assert traces(lab.node1) == before


def traces(host: ThrowawayHost) -> tuple[object, ...]:
    """What there is on a host: files and their lines, programs, sessions."""
    files = [path for folder in (host.home, host.tmp) for path in folder.rglob("*") if path.is_file()]
    # How many notes there are of the times of output is a matter of when that came.
    # Each start has a token of its own, which is in the name of one file.
    names = {path: re.sub(r"/begun\.\d+$", "/begun", str(path)) for path in files if path.name != "times"}
    lines = {names[path]: path.read_bytes().count(b"\n") for path in names}
    programs = sorted(
        line.split(b"\0")[0] for line in command_lines(host.folder).values() if b"sleep\0001\0" not in line
    )
    return lines, programs, host.sessions()
