"""The interface for Python programs: hosts that are lost, frozen or away, or lie, while others are waited for."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from fabfile.components import wait
from fabfile.remote.script import Script
from fabfile.runner import Failure, StageError
from rr_config import Component
from tests.support.config_texts import TWO_WAITED as TWO
from tests.support.config_texts import WAITED as CONFIG
from tests.support.connections import connections, cut
from tests.support.farm import ThrowawayHost
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.outcomes import timeless
from tests.support.processes import looks
from tests.support.runners import Noting, failed, interrupted_in, labels
from tests.support.scripts import script_of
from tests.support.soak import often
from tests.support.waiting import eventually


def test_wait_after_interrupt_reconnects(lab: Lab) -> None:
    lab.config(CONFIG + "add('c', 'node1', UNTIL_GO + '0', wait=True)\n")
    with lab.runner() as runner:
        runner.screen()
        runner.start()
        with interrupted_in(1):
            runner.wait()
        threading.Timer(0.5, cut, [lab.node1]).start()
        threading.Timer(1, (lab.node1.home / "go").touch).start()
        assert [each.status for each in runner.wait()["node1"]] == [0]


def test_frozen_host_does_not_delay_stop(lab: Lab) -> None:
    """Nor does a lower start index wait for it."""
    lab.config(
        CONFIG
        + "add('a', 'node1', 'exec sleep 1000')\nadd('b', 'node2', 'exec sleep 1000', start_index=2)\n"
        + "add('c', 'node1', UNTIL_GO + '3', wait=True)\n"
    )
    with lab.runner(on_exit="stop") as runner:
        runner.screen()
        runner.start()
        caught: list[StageError] = []
        thread = threading.Thread(target=lambda: caught.extend(failed(runner)))
        thread.start()
        eventually(lambda: looks(lab.node2) == 2, "the wait, and what reads its orders")
        with frozen(lab.node2):
            (lab.node1.home / "go").touch()
            eventually(lambda: bool(text(lab.node1.state() / "a/status")), "the stop on the other host", seconds=5)
        thread.join()
    assert "wait: node1/c: ended with exit status 3; stopping all components" in timeless(str(caught[0]))


def test_reconnect_does_not_delay_stop(lab: Lab) -> None:
    """However often that is to be tried; and a lower start index does not wait for it either."""
    lab.config(
        CONFIG
        + "add('a', 'node1', 'exec sleep 1000')\nadd('b', 'node2', 'exec sleep 1000', start_index=2)\n"
        + "add('c', 'node1', UNTIL_GO + '3', wait=True)\n"
    )
    with lab.runner(on_exit="stop", retries=3) as runner:
        runner.screen()
        runner.start()
        errors: list[StageError] = []
        thread = threading.Thread(target=lambda: errors.extend(failed(runner)))
        thread.start()
        eventually(lambda: looks(lab.node2) == 2, "the wait, and what reads its orders")
        cut(lab.node2)
        lab.farm.stop(lab.node2)
        try:
            eventually(lambda: looks(lab.node2) == 0, "the loss")
            (lab.node1.home / "go").touch()
            eventually(lambda: bool(text(lab.node1.state() / "a/status")), "the stop on the other host", seconds=5)
        finally:
            lab.farm.start(lab.node2)
        thread.join()
    assert "wait: node1/c: ended with exit status 3; stopping all components" in timeless(str(errors[0]))


@contextlib.contextmanager
def frozen(host: ThrowawayHost) -> Iterator[None]:
    """All connections to the host, as SIGSTOP leaves them."""
    pids = list(connections(host))
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_idle_host_does_not_delay_wait(lab: Lab) -> None:
    lab.config(TWO + "add('c', 'node1', UNTIL_GO + '0', wait=True)\n")
    with lab.runner(on_exit="stop") as runner:
        runner.screen()
        runner.start()
        ends: list[object] = []
        thread = threading.Thread(target=lambda: ends.append(runner.wait()))
        thread.start()
        eventually(lambda: looks(lab.node2) == 2, "the wait, and what reads its orders")
        with frozen(lab.node2):
            (lab.node1.home / "go").touch()
            eventually(lambda: bool(ends), "the end of the wait", seconds=5)
        thread.join()


def test_absent_host_does_not_delay_timeout(lab: Lab) -> None:
    """Also where nothing is awaited there; and what has ended is told, however short the time."""
    lab.config(
        CONFIG
        + "add('a', 'node1', 'exec sleep 1000', wait=True)\nadd('b', 'node2', 'exec sleep 1000')\n"
        + "add('c', 'node3', 'exit 0', wait=True)\n"
    )
    with lab.runner(on_exit="stop") as runner:
        runner.screen()
        runner.start()

        def lose() -> None:
            cut(lab.node2)
            lab.farm.stop(lab.node2)

        threading.Timer(0.5, lose).start()
        began = time.monotonic()
        try:
            assert [str(each) for each in failed(runner, 2)] == ["wait: node1/a: timed out; it has not ended"]
            assert time.monotonic() - began < 5
        finally:
            lab.farm.start(lab.node2)
        observer = Noting()
        with lab.runner(observer) as another:
            assert [str(each) for each in failed(another, 0)] == ["wait: node1/a: timed out; it has not ended"]
        assert observer.ended_ == ["c"]


NOTHING: tuple[list[str], str] = ([], "the end of some components was not reported")
TWICE = (["ended b 0  ", "ended b 0  ", "ended b 0  "], "the end of node2/b was reported twice")


@pytest.mark.parametrize(
    ("answers", "reason", "terminate"),
    often([(*NOTHING, True), (*TWICE, False)], [(*NOTHING, False), (*TWICE, True)]),
)
def test_lying_host_fails_alone(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, answers: list[str], reason: str, terminate: bool
) -> None:
    lab.config(
        CONFIG
        + "add('a', 'node1', 'sleep 1', wait=True)\nadd('b', 'node2', 'exec sleep 1000', wait=True)\n"
        + "add('d', 'node2', 'exec sleep 1000', wait=True)\nadd('t', 'node3', 'exec sleep 1000')\n"
    )
    honest = wait.wait_script

    def script(session: str, awaited: Sequence[Component], terminated: Sequence[Component]) -> Script:
        lies = script_of(":\n" + "".join(f"answer {answer!r}\n" for answer in answers))
        return lies if awaited and awaited[0].host == "node2" else honest(session, awaited, terminated)

    with lab.runner(terminate=terminate) as runner:
        runner.screen()
        runner.start()
        monkeypatch.setattr("fabfile.components.wait.wait_script", script)
        (error,) = failed(runner)
        assert [each.where for each in error.failures] == ["node2"]
        assert error.failures[0].reason == f"invalid answer (ValueError: {reason}); check that this is the right host"
        assert [each.state for each in runner.status()] == ["ended", "running", "running", "running"]
        assert "node3/t" in labels([each.component for each in runner.running])


def test_lost_host_does_not_cut_terminate(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fabfile.remote.ask.RECONNECT_SECONDS", 1)
    stubborn = "trap : TERM; while :; do sleep 0.1; done"
    lab.config(
        CONFIG
        + "add('a', 'node1', UNTIL_GO + '0', wait=True)\n"
        + f"add('t', 'node2', {stubborn!r})\nadd('u', 'node3', {stubborn!r})\n"
    )
    with lab.runner(terminate=True) as runner:
        runner.screen()
        runner.start()
        errors: list[StageError] = []
        thread = threading.Thread(target=lambda: errors.extend(failed(runner)))
        thread.start()
        eventually(lambda: looks(lab.node3) == 2, "the wait, and what reads its orders")
        (lab.node1.home / "go").touch()
        eventually(lambda: bool(text(lab.node1.state() / "a/status")), "the end")
        eventually(lambda: looks(lab.node3) == 1, "the order")
        cut(lab.node3)
        lab.farm.stop(lab.node3)
        try:
            thread.join()
        finally:
            lab.farm.start(lab.node3)
        assert [each.where for each in errors[0].failures] == ["node3"]
        assert [each.signal for each in runner.status()][:2] == [None, "SIGKILL"]


def test_unreached_host_is_reported(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fabfile.runner.waiting.wait.FIRST_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # which accepts nobody
        with lab.farm.ssh_config.open("a") as ssh_config:
            ssh_config.write(
                f"\nHost hole\n  HostName 127.0.0.1\n  Port {silent.getsockname()[1]}\n  ConnectTimeout 3\n"
            )
        lab.config(CONFIG + "add('a', 'hole', '', wait=True)\nadd('b', 'node1', '', wait=True)\n")
        with lab.runner() as runner:
            (error,) = failed(runner, 0)
    assert (sorted(error.hosts), error.failures[0]) == (
        ["hole"],
        Failure("hole", "timed out; the host was not reached"),
    )


# Forwards one connection after 2.5 s.
SLOW_RELAY = """\
import socket, sys, threading, time
with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    client, _ = listener.accept()
time.sleep(2.5)
server = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def copy(source, target):
    while block := source.recv(65536):
        target.sendall(block)
threading.Thread(target=copy, args=(client, server), daemon=True).start()
copy(server, client)
"""


def test_slow_host_reports_after_timeout(lab: Lab) -> None:
    """Connecting takes longer than LEAVE_SECONDS. As soon as the host is reached, it is asked to leave."""
    lab.config(CONFIG + "add('b', 'node1', 'exec sleep 1000', wait=True)\n")
    lab.run("screen")
    lab.run("start")
    command = [sys.executable, "-c", SLOW_RELAY, lab.node1.address, str(lab.node1.port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as relay:
        assert relay.stdout
        text = lab.farm.ssh_config.read_text()
        slow = f"Host node1\n  HostName 127.0.0.1\n  Port {relay.stdout.readline()}\n"
        lab.farm.ssh_config.write_text(slow + text)
        began = time.monotonic()
        with lab.runner() as runner:
            (error,) = failed(runner, 0)
        relay.terminate()
    assert [str(each.reason) for each in error.failures] == ["timed out; it has not ended"]
    assert 2 < time.monotonic() - began < 8
