"""Test master and slave harnesses without a host: steps and failures of a test."""

import json
import os
import shlex
import socket
import subprocess
import sys

import pytest

from tests.support.awkward import AWKWARD
from tests.support.bench import FOLDER, Bench
from tests.support.configs import write
from tests.support.files import text
from tests.support.waiting import eventually


def test_all_steps_work_together(bench: Bench) -> None:
    write(bench.folder / "lines", "one\n  two\n\nlast")
    first = bench.slave("s1", a=["./echo.sh", "A"], b=["./echo.sh", "B"])
    second = bench.slave("s2", c=["./echo.sh", "C C"])
    steps = """
        start own
        await own ready
        start a,b,c
        await * hello within 5
        send a,c 'a line'
        await a,c '^got a line$'
        feed c lines
        await c 'got last'
        refuse * nonsense
        stop b by KILL
        send a die4
        end a with 4
        close c
        end c
        wait 0.1
        """
    own = ["sh", "-c", "echo ready; exec sleep 100"]
    assert bench.verdict(steps.replace("await * hello", "await a,b,c hello"), "s1,s2", own=own) == (
        0,
        "PASSED: 15 steps",
    )
    assert [slave.wait(timeout=10) for slave in (first, second)] == [0, 0]
    lines = [line.partition(" ") for line in text(bench.folder / "s2/c.out").splitlines()]
    assert [line for _, _, line in lines] == ["hello C C", "got a line", "got one", "got   two", "got ", "got last"]
    assert sorted(time for time, _, _ in lines) == [time for time, _, _ in lines]


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ("start a\nsend a die3\nwait 10\n", "a: ended with exit status 3"),
        (
            "start a\nawait a never within 0.3\n",
            "t.txt:2: await a never within 0.3: a: timed out after 0.3 s: no line matches 'never'",
        ),
        (
            "start a\nclose a\nawait a never\n",
            "t.txt:3: await a never: a: ended with exit status 0; no line matches 'never'",
        ),
        ("start a\nawait a hello\nrefuse a A\n", "t.txt:3: refuse a A: a: refused line: hello A"),
        ("start a\nend a within 0.3\n", "t.txt:2: end a within 0.3: a: timed out after 0.3 s: still running"),
        ("start a\nclose a\nend a with 3\n", "t.txt:3: end a with 3: a: ended with exit status 0; expected 3"),
        ("send a x\n", "t.txt:1: send a x: a: cannot send: not started"),
        ("start a\nstart a\n", "t.txt:2: start a: a: already started"),
        ("start bad\n", "t.txt:1: start bad: bad: ./none: No such file or directory"),
        ("start zz\n", "t.txt:1: zz: no program matches; must match one of a, bad"),
        ("feed a none\n", "t.txt:1: none: no such file beside the script"),
        (
            "start a\nsend a die0\nend a\nsend a x\n",
            "t.txt:4: send a x: a: cannot send: ended with exit status 0",
        ),
    ],
)
def test_failed_step_is_reported(bench: Bench, steps: str, problem: str) -> None:
    slave = bench.slave(a=["./echo.sh", "A"], bad=["./none"])
    status, verdict = bench.verdict(steps)
    assert status == 1 and verdict.startswith("FAILED: t.txt:") and verdict.endswith(problem), verdict
    assert slave.wait(timeout=15) == 1


def test_invalid_script_exits_with_2(bench: Bench) -> None:
    process = bench.master("start\n")
    assert process.wait(timeout=10) == 2
    assert "t.txt:1: start: missing argument; must be NAMES" in text(bench.folder / "m.said")


def test_endless_regex_fails_the_step(bench: Bench) -> None:
    hopeless = ["sh", "-c", f"echo {'a' * 40}b; exec sleep 60"]
    for verb in ("await", "refuse"):
        steps = f"start a\nawait a aab\n{verb} a ^(a+)+$\n"
        if verb == "await":
            steps = steps.replace("await a aab\n", "")
        status, verdict = bench.verdict(steps, "", a=hopeless)
        assert status == 1 and verdict.endswith("'^(a+)+$' timed out after 1 s on one line; simplify the regex"), (
            verdict
        )


def test_long_line_is_matched_as_a_whole(bench: Bench) -> None:
    by_pieces = "import time; print('x' * 9000 + 'nee', end='', flush=True); time.sleep(0.3); print('dle', flush=True)"
    program = [sys.executable, "-c", by_pieces + "; import sys; sys.stdin.read()"]
    assert bench.verdict("start a\nawait a xneedle$\nclose a\nstop a\n", "", a=program)[0] == 0
    status, verdict = bench.verdict("start a\nawait a ^needle|^dle within 2\n", "", a=program)
    assert status == 1 and verdict.endswith("a: timed out after 2 s: no line matches '^needle|^dle'"), verdict


def test_refused_line_is_cut(bench: Bench) -> None:
    program = [sys.executable, "-c", "print('boom' + '\\1' * 6_000_000)"]
    slave = bench.slave(a=program)
    status, verdict = bench.verdict("start a\nend a\nrefuse a boom\n")
    assert (status, slave.wait(timeout=15)) == (1, 1)
    assert "refuse a boom: a: refused line: boom" in verdict and len(verdict) < 5000, verdict[:200]
    assert bench.verdict("start a\nend a\nrefuse a ^[0-9]\n", "", a=program)[0] == 0, "the time is no part of it"
    program = ["sh", "-c", "head -c 70000 /dev/zero | tr '\\0' x; echo needle in hay"]
    status, verdict = bench.verdict("start a\nend a\nrefuse a needle\n", "", a=program)
    assert status == 1 and "refuse a needle: a: refused line: xxx" in verdict, verdict[:200]


@pytest.mark.parametrize("port", ["0", "65536", "x"])
def test_port_is_a_port(bench: Bench, port: str) -> None:
    write(bench.folder / "t.txt", "start a\n")
    master = bench.begin("master", "m", "--script", "t.txt", "--slaves", "", "--port", port, programs={"a": ["true"]})
    assert master.wait(timeout=10) == 2
    assert f"argument --port: invalid port '{port}'; must be from 1 to 65535" in text(bench.folder / "m.said")


def test_times_ascend_when_the_clock_does_not(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    before = 1792889999  # the last second of summer time in 2026
    monkeypatch.setenv("AT", str(before))
    code = "import harness, os, time; at = float(os.environ['AT'])\nfor n in range(3):\n"
    code += "    harness.AHEAD = at + n - time.monotonic(); print(harness.stamp())"
    told = subprocess.run([sys.executable, "-c", code], cwd=FOLDER, capture_output=True, text=True, check=True)
    times = told.stdout.split()
    assert times == sorted(times) and times[0].endswith("+00:00")


def test_too_long_line_is_reported(bench: Bench) -> None:
    write(bench.folder / "long", "x").write_text("x" * 1_000_000 + "\n" + "\u20ac" * 1_000_000 + "\n")
    bench.slave(a=["wc", "-c"])
    assert bench.verdict("start a\nfeed a long\nclose a\nawait a '^4000002$'\n") == (0, "PASSED: 4 steps")
    (bench.folder / "long").write_text("x" * 2_000_000)
    bench.slave(a=["wc", "-c"])
    _, verdict = bench.verdict("start a\nfeed a long\n")
    assert verdict == "FAILED: t.txt:2: feed a long: long: line is too long (2000000 characters; at most 1048576)"


def test_tests_have_their_own_output(bench: Bench) -> None:
    for word, verdict in (("BAD", 1), ("good", 0)):
        slave = bench.slave(b=["true"])
        assert bench.verdict("start a\nend a\nrefuse a BAD\n", a=["echo", word])[0] == verdict
        slave.wait(timeout=15)
    assert text(bench.folder / "m/a.out").endswith(" good\n")


def test_feed_uses_the_clock_of_its_host(bench: Bench) -> None:
    """Feed a slow reader, a file larger than a message, and a program that never reads."""
    write(bench.folder / "large", "x" * 79 + "\n").write_text(("x" * 79 + "\n") * 100_000)
    bench.slave(a=["sh", "-c", "sleep 1; wc -c; echo done"], b=["sleep", "1000"])
    steps = "start *\nfeed a large\nclose a\nawait a '^8000000$'\nfeed b large within 0.5\n"
    assert bench.verdict(steps) == (
        1,
        "FAILED: t.txt:5: feed b large within 0.5: b: timed out after 0.5 s: did not read all lines",
    )


def test_ended_input_takes_no_lines(bench: Bench) -> None:
    bench.slave(a=["cat"])
    status, verdict = bench.verdict("start a\nclose a\nsend a x\n")
    assert status == 1 and "a: cannot send: " in verdict, verdict


def test_unwritable_output_stops_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    (bench.folder / "s").mkdir()
    bench.slave(a=["sh", "-c", "printf '\\377\\303\\251\\n'; seq 100000; echo last"], b=["./no-shebang", "x"])
    write(bench.folder / "no-shebang", 'echo "plain $1"; exit 4').chmod(0o755)
    steps = "start * # \u00e9\nawait a last within 20\nend b with 4\nawait b 'plain x'\nend a\n"
    status, verdict = bench.verdict(steps)
    assert (status, verdict) == (0, "PASSED: 5 steps")
    assert len((bench.folder / "s/a.out").read_bytes().splitlines()) == 100_002


def test_strangers_are_turned_away(bench: Bench) -> None:
    write(bench.folder / "t.txt", "wait 1\nstart a\nend a\n")
    master = bench.begin("master", "m", "--script", "t.txt", "--slaves", "s", programs={})
    with socket.socket() as silent, socket.socket() as stranger:
        for each in (silent, stranger):
            eventually(lambda each=each: each.connect_ex(("127.0.0.1", bench.port)) in (0, 106), "the master")  # type: ignore[misc]
        stranger.sendall(b"[" * 200_000 + b"\n")
        other = socket.create_connection(("127.0.0.1", bench.port))
        other.sendall(json.dumps({"hello": "s", "test": "other", "programs": ["a"], "now": 0}).encode() + b"\n")
        assert other.recv(1) == b"", "hung up"
        other.close()
        bench.slave(a=["true"])
        master.wait(timeout=20)
    said = text(bench.folder / "m.said")
    assert said.splitlines()[-1].split(" ", 1)[1].startswith("PASSED: 3 steps"), said


def test_used_port_is_reported(bench: Bench) -> None:
    with socket.create_server(("", bench.port)):
        status, verdict = bench.verdict("start a\n")
    assert (status, verdict.partition(":")[0]) == (1, "FAILED")
    assert f"--port {bench.port}: cannot listen: " in verdict


def test_odd_arguments_and_output_arrive(bench: Bench) -> None:
    show = write(bench.folder / "show", "#!/bin/sh\nprintf '%s\\0' \"$@\" >args\nprintf 'one\\377\\n\\ntwo'\n")
    show.chmod(0o755)
    args = [arg for arg in AWKWARD if len(arg) < 100_000]
    bench.slave(a=[str(show), *args], b=["sh", "-c", "yes flood | head -n 100000; echo last"])
    assert bench.verdict("start *\nawait b last within 30\nend a,b within 30\n") == (0, "PASSED: 3 steps")
    assert os.fsdecode((bench.folder / "args").read_bytes()).split("\0")[:-1] == args
    lines = (bench.folder / "s/a.out").read_bytes().splitlines()
    assert [line.partition(b" ")[2] for line in lines] == [b"one\xff", b"", b"two"]
    assert len((bench.folder / "s/b.out").read_bytes().splitlines()) == 100_001


def test_command_line_words_are_checked(bench: Bench) -> None:
    for words in (["-n", "a"], ["-n", "a", "-p", "x", "-a", "2", "one"], ["-n", "a", "-p", "x", "-a", "0"] * 2):
        own = ["--name", "s", "--master", "h", "--port", "1", "--test", "t", "--logs", "l"]
        done = subprocess.run(
            [sys.executable, FOLDER / "slave.py", *own, "--", *words], cwd=bench.folder, capture_output=True
        )
        assert done.returncode == 2 and b"slave.py: error: " in done.stderr, shlex.join(words)
