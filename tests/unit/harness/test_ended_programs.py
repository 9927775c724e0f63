"""Check that no program of a harness keeps running after its harness or the test ends."""

import contextlib
import itertools
import signal
import tempfile
from pathlib import Path

import pytest

from tests.support.bench import Bench
from tests.support.configs import write
from tests.support.files import text
from tests.support.processes import is_alive
from tests.support.soak import often
from tests.support.waiting import eventually


def test_absent_slaves_are_reported(bench: Bench) -> None:
    slave = bench.slave("s1", a=["./echo.sh"])
    write(bench.folder / "t.txt", "start a\n")
    master = bench.begin("master", "m", "--script", "t.txt", "--slaves", "s1,s2", "--timeout", "1", programs={})
    assert master.wait(timeout=20) == 1
    assert (
        text(bench.folder / "m.said").splitlines()[-1].endswith("FAILED: --timeout 1: timed out waiting for slaves: s2")
    )
    assert slave.wait(timeout=15) == 1


def pids(bench: Bench, count: int) -> list[int]:
    """Return the process ids that programs have written to files."""
    eventually(lambda: len(list(bench.folder.glob("pid.*"))) == count, "all programs")
    return [int(path.read_text()) for path in bench.folder.glob("pid.*")]


STUBBORN = [
    "sh",
    "-c",
    'trap "" TERM; sleep 1000 & echo $! >tmp; mv tmp pid.child; echo $$ >tmp; mv tmp pid.own; while :; do sleep 0.1; done',
]


@pytest.mark.parametrize("ended", ["master", "slave"])
@pytest.mark.parametrize("number", often([signal.SIGTERM, signal.SIGKILL], [signal.SIGQUIT, signal.SIGUSR1]))
def test_ended_harness_leaves_no_program(bench: Bench, ended: str, number: signal.Signals) -> None:
    program = ["sh", "-c", "echo $$ >tmp; mv tmp pid.own; exec sleep 1000"]
    slave = bench.slave(a=program)
    master = bench.master("start a\nwait 100\n")
    (pid,) = pids(bench, 1)
    {"master": master, "slave": slave}[ended].send_signal(number)
    for process in (master, slave):
        process.wait(timeout=40)
    eventually(lambda: not is_alive(pid), "the end of the program")
    assert master.returncode == (-number if ended == "master" and number == signal.SIGKILL else 1)


def test_stubborn_program_is_killed(bench: Bench) -> None:
    bench.slave(a=STUBBORN)
    assert bench.verdict("start a\nwait 0.5\nstop a within 0.5\n")[0] == 0
    for pid in pids(bench, 2):
        eventually(lambda pid=pid: not is_alive(pid), "its end")  # type: ignore[misc]


CHILDREN = ['(trap "" TERM; exec sleep 1000) &', "setsid sleep 1000 &", "exec sleep 1 &"]
TWO_DAEMONS = "(setsid sh -c 'sleep 1000 & sleep 1000' &);"
STEPS = ["start a\nend a\n", "start a\nwait 0.5\n", "start a\nend a\nshutdown\n"]


@pytest.mark.parametrize(
    ("child", "steps"),
    often(
        [*itertools.product([TWO_DAEMONS], STEPS), *itertools.product(CHILDREN, STEPS[:1])],
        itertools.product(CHILDREN, STEPS[1:]),
    ),
)
def test_leftovers_of_program_are_ended(bench: Bench, child: str, steps: str) -> None:
    program = ["sh", "-c", f"echo $PPID >tmp; mv tmp pid.harness; {child} sleep 0.2"]
    slave = bench.slave(b=["true"])
    mark = f"{bench.port + 1000}"
    status, verdict = bench.verdict(steps, a=["env", f"MARK_OF_TEST={mark}", *program])
    assert status == 0, verdict
    slave.wait(timeout=15)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            assert f"MARK_OF_TEST={mark}\0".encode() not in (process / "environ").read_bytes(), process


@pytest.mark.parametrize("name", ["own", "a"])
@pytest.mark.parametrize("steps", ["start NAME\nwait 0.5\n", "start NAME\nwait 0.5\nstop NAME\nwait 1\n"])
def test_crash_fails_the_test_in_time(bench: Bench, steps: str, name: str) -> None:
    crashes = ["sh", "-c", "sleep 20 & exit 3"]
    bench.slave(a=crashes)
    status, verdict = bench.verdict(steps.replace("NAME", name), own=crashes)
    assert status == 1 and verdict.endswith(f"{name}: ended with exit status 3"), verdict


BECOMES_ROOT = "import os, sys, time; os.setuid(0); print('root', flush=True); time.sleep(4)"


@pytest.mark.root
@pytest.mark.parametrize("name", ["own", "a"])
def test_program_of_another_user_is_reported(bench: Bench, name: str) -> None:
    """A program that changes its user, as sudo does, cannot be killed. The harness runs without root."""
    with tempfile.TemporaryDirectory() as folder:  # other users need access
        bench.folder = Path(folder)
        bench.folder.chmod(0o777)
        capabilities = "+setuid,+dac_read_search"  # to become root, and to read a checkout in a closed home
        bench.by = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        bench.by += ["--inh-caps", capabilities, "--ambient-caps", capabilities]
        program = ["/usr/bin/python3", "-c", BECOMES_ROOT]
        slave = bench.slave(a=program)
        status, verdict = bench.verdict(f"start {name}\nawait {name} root\n", own=program)
        slave.wait(timeout=15)
        said = text(bench.folder / ("m.said" if name == "own" else "s.said"))
    assert "permission denied to kill processes of another user: " in said
    assert status == 1 and f"{name}: permission denied to send a signal; it runs as another user" in verdict, verdict


def test_slave_ended_at_start_leaves_none(bench: Bench) -> None:
    many = {f"p{number}": ["sh", "-c", f"echo >up.{number}; exec sleep 1000"] for number in range(60)}
    slave = bench.slave("s", **many)
    master = bench.master("start *\nwait 30\n")
    eventually(lambda: "| started" in text(bench.folder / "s.said"), "the first")
    slave.terminate()
    assert (slave.wait(timeout=20), master.wait(timeout=20)) == (1, 1)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            assert (process / "cwd").readlink() != bench.folder, process


@pytest.mark.long
def test_frozen_peer_is_abandoned(bench: Bench) -> None:
    slave = bench.slave(a=["sleep", "1000"])
    master = bench.master("start a\nwait 1000\n")
    eventually(lambda: "| started" in text(bench.folder / "s.said"), "the program")
    master.send_signal(signal.SIGSTOP)
    try:
        assert slave.wait(timeout=40) == 1
        assert text(bench.folder / "s.said").splitlines()[-1].endswith("master: connection lost") or "| ended" in text(
            bench.folder / "s.said"
        )
    finally:
        master.send_signal(signal.SIGCONT)
    assert master.wait(timeout=20) == 1
