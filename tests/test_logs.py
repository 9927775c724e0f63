"""`fab logs`: what components have put out, of all hosts, with no line lost."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from fabfile.output import LONGEST_LINE, Reader, cleaned
from rr_config import Component

from .conftest import Lab, eventually
from .test_hosts import cut
from .test_start import running, sessions_begun

CONFIG = """
def add(name, host, script, **more):
    config.add_component(
        Component(name=name, host=host, executable="/bin/sh", args=["-c", script], start_index=1, **more))
"""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"plain \xc3\xa9\ttext\r", b"plain \xc3\xa9\ttext"),
        (b"\x1b[1;31mred\x1b[0m and \x1b[Kmore", b"red and more"),
        (b"\x1b]0;a title\x07text\x1b]0;a title\x1b\\", b"text"),
        (b"10 %\r50 %\r100 %\r", b"100 %"),
        (b"\x1b(Bbell\x07 back\x08 \x00nul \x7f", b"bell back nul "),
        (b"\x1b[?2004hprompt\x1b7\x1b8", b"prompt"),
        (b"\x1b", b""),
        (b"\r\r", b""),
    ],
)
def test_line_is_cleaned_of_what_steers_a_terminal(line: bytes, expected: bytes) -> None:
    assert cleaned(line) == expected


def test_reader_makes_lines_of_what_comes_in_parts() -> None:
    reader = Reader(Component(name="a", host="h", executable="x", start_index=1))
    assert list(reader.read("7/5", b"one\ntw")) == [b"one"]
    assert list(reader.read("7/12", b"o\n\nthree")) == [b"two", b""]
    assert list(reader.read("8/4", b"new\n")) == [b"three", b"new"], "another file: it was started again"
    assert reader.position == "8/4"
    assert list(reader.read("8/9", b"x" * (LONGEST_LINE + 1))) == [b"x" * (LONGEST_LINE + 1)]
    assert list(reader.end()) == []


def test_logs_are_shown_behind_the_names_of_their_components(lab: Lab) -> None:
    lab.config(
        CONFIG
        + "add('a', 'node1', 'echo one; echo two; printf three')\nadd('longer', 'node2', 'printf \"x\\\\ry\\\\033[1m\\\\n\"')\n"
        "add('a', localhost, 'echo here')\nadd('silent', 'node1', 'exec sleep 1000')\n"
    )
    assert lab.fab("logs", "-c", "cfg.py").stdout == "", "nothing has been started"
    lab.run("run", "--no-zombie")
    eventually(lambda: (lab.node2.state() / "longer/status").exists(), "the end of the last one")
    before = sessions_begun(lab.node1)
    shown = lab.run("logs").stdout.splitlines()
    assert sessions_begun(lab.node1) == before + 1
    assert [line for line in shown if line.startswith("node1/a ")] == [
        f"node1/a     | {n}" for n in ("one", "two", "three")
    ]
    assert "longer      | y" in shown
    assert "localhost/a | here" in shown
    assert len(shown) == 5
    last = lab.run("logs", "-n", "2", "--limit", "node1").stdout.splitlines()
    assert len(last) == 2
    raw = lab.run("logs", "--raw", "--limit", "longer").stdout
    assert raw.startswith("longer | x\ny\x1b[1m\n"), "each \\r, which is read here as a new line"
    done = lab.fab("logs", "-n", "-1", "-c", "cfg.py")
    assert (done.returncode, done.stderr) == (2, "--lines -1: must be 0 at least\n")


def test_host_that_fails_is_named_and_the_others_are_shown(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'echo one')\nadd('b', 'node2', 'echo two')")
    lab.run("run", "--no-zombie")
    lab.farm.stop(lab.node1)
    try:
        done = lab.fab("logs", "-c", "cfg.py")
    finally:
        lab.farm.start(lab.node1)
    assert (done.returncode, done.stdout) == (1, "b | two\n")
    assert done.stderr.startswith("node1: logs: ")


def followed(fab: "subprocess.Popen[str]", until: str) -> list[str]:
    """What is said up to a line that contains `until`."""
    lines = []
    assert fab.stdout
    for line in fab.stdout:
        lines.append(line.rstrip("\n"))
        if until in line:
            break
    return lines


def test_no_line_is_lost_while_output_is_followed_over_a_lost_connection(lab: Lab) -> None:
    """Two components count for two seconds, another one begins later and is started again."""
    count = (
        'i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); echo "$i of $0";'
        " [ $((i % 500)) -gt 0 ] || sleep 0.05; done; sleep 1000"
    )
    lab.config(
        "for name, host in (('a', 'node1'), ('b', 'node2')):\n    config.add_component(Component(name=name, host=host,"
        f" executable='/bin/sh', args=['-c', util.literal({count!r}), name], start_index=1))\n"
        + CONFIG
        + "add('late', 'node1', 'echo begins; sleep 1000')\n"
    )
    lab.run("screen")
    with running(lab, "logs", "--follow") as fab:
        eventually(lambda: sessions_begun(lab.node1) > 1, "the logs")
        lab.run("start", "--limit", "a,b")
        begun = followed(fab, "a    | 3000 of a")
        cut(lab.node1)
        lines = begun + followed(fab, "a    | 20000 of a")
        if "b    | 20000 of b" not in lines:
            lines += followed(fab, "b    | 20000 of b")
        lab.run("start", "--limit", "late")
        followed(fab, "late | begins")
        os.kill(int((lab.node1.state() / "late/pid").read_text()), signal.SIGTERM)
        eventually(lambda: (lab.node1.state() / "late/status").exists(), "its end")
        lab.run("start", "--limit", "late")
        followed(fab, "late | begins")
        os.killpg(fab.pid, signal.SIGINT)
        said, _ = fab.communicate(timeout=10)
    assert fab.returncode == 130
    assert "Traceback" not in said
    assert sum("the connection was lost; taking it up again" in line for line in lines) == 1
    for name in ("a", "b"):
        own = [line for line in lines if line.startswith(f"{name} ")]
        assert own == [f"{name}    | {number} of {name}" for number in range(1, 20001)]


def test_output_of_a_component_that_is_started_again_is_its_own(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'echo $$')")
    for _ in range(2):
        lab.run("run", "--no-zombie")
        eventually(lambda: (lab.node1.state() / "a/status").exists(), "its end")
    pid = Path(lab.node1.state() / "a/pid").read_text().strip()
    assert lab.run("logs").stdout == f"a | {pid}\n"


def test_a_host_that_fails_is_named_once(lab: Lab) -> None:
    lab.config(
        "for host in ('node1', 'node2'):\n    config.add_component(Component(name='a', host=host, executable='/x', start_index=1))"
    )
    lab.farm.stop(lab.node1)
    try:
        done = lab.fab("logs", "-c", "cfg.py")
    finally:
        lab.farm.start(lab.node1)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("node1: logs: ")
