"""A connection that is cut, and a controller that is killed, in each stage, at a moment of chance.

Afterwards, no half of a file has its final name, no program runs twice, `fab status` tells the truth, and the same command
again finishes the job and leaves nothing behind.
"""

import contextlib
import json
import os
import random
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
    lines = {path: path.read_bytes().count(b"\n") for path in files if path.name != "times"}
    programs = sorted(
        line.split(b"\0")[0] for line in command_lines(host.folder).values() if b"sleep\0001\0" not in line
    )
    return lines, programs, host.sessions()


MANY = """
for n in range(100):
    script = util.literal(f"echo $$ >>$HOME/started.{n}; exec sleep 1000")
    config.add_component(
        Component(name=f"c{n}", host="node1", executable="/bin/sh", args=["-c", script], start_index=1))
"""


@pytest.mark.parametrize("happens", [cut, kill])
def test_start_that_is_cut_off_among_many_components_starts_none_twice(
    lab: Lab, happens: Callable[["subprocess.Popen[str]", ThrowawayHost], None]
) -> None:
    """The script goes on without its connection, and screen with what it has been told."""
    lab.config(MANY)
    lab.run("screen")
    with running(lab, "start") as fab:
        eventually(lambda: bool(list(lab.node1.state().glob(".windows*"))), "the list of windows")
        happens(fab, lab.node1)
        fab.communicate(timeout=60)
    lab.run("start")
    times = [path.read_text().count("\n") for path in lab.node1.home.glob("started.*")]
    assert times == [1] * 100
    assert lab.fab("status", "-c", "cfg.py").returncode == 0
    assert not list(lab.node1.state().glob(".windows*"))


def test_sync_that_is_cut_off_while_the_host_computes_is_waited_for(lab: Lab) -> None:
    """Its own way out would remove what the next one has staged."""
    slow = '#!/bin/sh\ntouch ~/computes\nsleep 3\ntouch ~/computed\nexec /usr/bin/openssl "$@"\n'
    lab.write("openssl", slow, 0o755)
    host = lab.farm.add("slow", {"ForceCommand": f'PATH={lab.folder}:$PATH; cd; eval "$SSH_ORIGINAL_COMMAND"'})
    lab.write("f", "content")
    lab.config(
        "config.add_component(Component(name='c', host='slow', executable='x', start_index=1,"
        " base_dir='~/w', files={'f': 'f'}))\n"
    )
    lab.run("sync")
    os.utime(host.home / "w/f", (0, 0))
    (host.home / "w/f").write_text("CONTENT")
    for name in ("computes", "computed"):
        (host.home / name).unlink(missing_ok=True)
    with running(lab, "sync") as fab:
        eventually((host.home / "computes").exists, "openssl there")
        kill(fab, host)
        fab.communicate()
    lab.run("sync", "--always-copy")
    assert (host.home / "computed").exists(), "it was waited for"
    assert (host.home / "w/f").read_text() == "content"
    assert not list(host.home.rglob(".remote-runner*"))
