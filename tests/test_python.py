"""The interface for Python programs: one Runner, used for more than one thing."""

import contextlib
import math
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

import pytest

from fabfile.components import wait
from fabfile.components.logs import LogLine, Selection
from fabfile.components.wait import Ended
from fabfile.remote.conversation import Conversation
from fabfile.remote.script import Script
from fabfile.runner import Failure, Observer, Runner, StageError
from rr_config import Component, ConfigError
from tests.support.scripts import script_of

from .conftest import Lab, eventually, text
from .test_hosts import cut
from .test_ready import looks
from .test_start import sessions_begun
from .test_sync import connections
from .test_wait import CONFIG
from .throwaway import ThrowawayHost

TWO = CONFIG + "add('a', 'node1', 'exec sleep 1000')\nadd('b', 'node2', 'exec sleep 1000')\n"


def labels(components: list[Component]) -> list[str]:
    return [component.label for component in components]


def test_host_that_could_not_be_looked_at_takes_part_in_what_comes_next(lab: Lab) -> None:
    lab.config(TWO)
    planted = lab.node2.home / ".local/state/remote-runner"
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.symlink_to("/tmp")
    with lab.runner() as runner:
        with pytest.raises(StageError) as caught:
            runner.plan()
        assert caught.value.hosts == {"node2"}
        assert runner.limit_for(caught.value) == "node2/*"
        planted.unlink()
        assert set(runner.kill()) == {"node1", "node2"}


def test_runner_knows_what_runs_however_often_it_is_used(lab: Lab) -> None:
    lab.config(TWO)
    with lab.runner() as runner:
        for _ in range(2):
            runner.run()
            assert sorted(labels([each.component for each in runner.running])) == ["node1/a", "node2/b"]
            runner.kill()
            assert runner.running == []
        runner.screen()
        runner.start()
        runner.stop()
        assert (runner.running, runner.unknown) == ([], [])
        runner.start()
        with pytest.raises(StageError):
            runner.wait(runner.config.all_components(), timeout=0.2)
        assert len(runner.running) == 2
        assert runner.unknown == []
    with lab.runner() as another:
        with pytest.raises(StageError):
            another.wait(another.config.all_components(), timeout=0.2)
        assert (another.running, labels(another.unknown)) == ([], ["node1/a", "node2/b"])
        another.stop()
        assert another.unknown == []


class Noting(Observer):
    """Notes the stages, and from which thread they begin and end."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.ended_: list[str] = []
        self.threads: set[threading.Thread] = set()

    def begins(self, stage: str, hosts: object) -> None:
        """A stage begins."""
        self.threads.add(threading.current_thread())
        self.told.append(f"begins {stage}")

    def ends(self, stage: str) -> None:
        """A stage ends."""
        self.told.append(f"ends {stage}")

    def ended(self, ended: Ended) -> None:
        """A component that is waited for has ended."""
        self.ended_.append(ended.component.name)


def test_all_are_stopped_once_the_wait_has_ended_and_by_the_thread_that_waits(lab: Lab) -> None:
    """Also where two fail at once."""
    lab.config(TWO + "add('c', 'node1', 'sleep 0.4; exit 3', wait=True)\nadd('d', 'node2', 'sleep 0.4; exit 4')\n")
    observer = Noting()
    with lab.runner(observer, on_exit="stop") as runner:
        runner.screen()
        runner.start()
        observer.told.clear()
        with pytest.raises(StageError) as caught:
            runner.wait()
        assert observer.told == ["begins wait", "ends wait", "begins stop 1", "ends stop 1"]
        assert observer.threads == {threading.current_thread()}
        assert {each.where.split("/")[1] for each in caught.value.failures} == set(observer.ended_)
        assert runner.running == []
        assert [each.signal for each in runner.status()][:2] == ["SIGTERM", "SIGTERM"]


def test_on_exit_leave_stops_nothing(lab: Lab) -> None:
    lab.config(TWO + "add('c', 'node1', 'exit 3', wait=True)\n")
    with lab.runner(on_exit="leave") as runner:
        with pytest.raises(StageError) as caught:
            runner.run()
        assert str(caught.value) == "wait: node1/c: ended with exit status 3"
        assert [each.state for each in runner.status()] == ["running", "running", "exited"]


@contextlib.contextmanager
def interrupted_in(seconds: float) -> Iterator[None]:
    """KeyboardInterrupt after so many seconds, as by Ctrl-C."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGALRM, before)


def test_after_an_interrupt_nothing_is_told_of_what_was_waited_for_before(lab: Lab) -> None:
    lab.config(TWO + "add('c', 'node1', UNTIL_GO + '3', wait=True)\n")
    observer = Noting()
    with lab.runner(observer, on_exit="stop") as runner:
        runner.screen()
        runner.start()
        with interrupted_in(1):
            runner.wait()
        threading.Timer(0.5, (lab.node1.home / "go").touch).start()
        with pytest.raises(StageError) as caught:
            runner.wait()
    assert [each.where for each in caught.value.failures] == ["node1/c"]
    assert observer.ended_ == ["c"]


def test_after_an_interrupt_a_lost_connection_is_taken_up_again(lab: Lab) -> None:
    lab.config(CONFIG + "add('c', 'node1', UNTIL_GO + '0', wait=True)\n")
    with lab.runner() as runner:
        runner.screen()
        runner.start()
        with interrupted_in(1):
            runner.wait()
        threading.Timer(0.5, cut, [lab.node1]).start()
        threading.Timer(1, (lab.node1.home / "go").touch).start()
        assert [each.status for each in runner.wait()["node1"]] == [0]


def test_host_that_does_not_answer_keeps_nobody_from_being_stopped(lab: Lab) -> None:
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
    assert "wait: node1/c: ended with exit status 3; all were stopped" in str(caught[0])


@pytest.mark.parametrize("host", ["node2", "node1"])
def test_what_is_to_be_terminated_is_given_its_time_whatever_the_timeout(lab: Lab, host: str) -> None:
    """It was for what was waited for."""
    stubborn = "trap : TERM; while :; do sleep 0.1; done"
    lab.config(CONFIG + f"add('c', 'node1', 'sleep 1', wait=True)\nadd('t', {host!r}, {stubborn!r})\n")
    with lab.runner(terminate=True) as runner:
        runner.screen()
        runner.start()
        runner.wait(timeout=2.5)
        assert runner.running == []
        assert [each.signal for each in runner.status()] == [None, "SIGKILL"]


def test_host_that_is_being_reached_again_keeps_nobody_from_being_stopped(lab: Lab) -> None:
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
    assert "wait: node1/c: ended with exit status 3; all were stopped" in str(errors[0])


def failed(runner: Runner, timeout: float | None = None) -> list[StageError]:
    """What `wait` raises."""
    try:
        runner.wait(timeout=timeout)
    except StageError as error:
        return [error]
    return []


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


def test_host_on_which_nothing_is_awaited_keeps_nobody_waiting(lab: Lab) -> None:
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


def test_what_is_away_does_not_keep_a_wait_from_ending_in_time(lab: Lab) -> None:
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
            assert [str(each) for each in failed(runner, 2)] == ["wait: node1/a: has not ended in time"]
            assert time.monotonic() - began < 5
        finally:
            lab.farm.start(lab.node2)
        observer = Noting()
        with lab.runner(observer) as another:
            assert [str(each) for each in failed(another, 0)] == ["wait: node1/a: has not ended in time"]
        assert observer.ended_ == ["c"]


@pytest.mark.parametrize("terminate", [True, False])
@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([], "it has done its work, and not said how all has ended"),
        (["ended b 0", "ended b 0", "ended b 0"], "it has said already how node2/b has ended"),
    ],
)
def test_host_that_does_not_tell_the_truth_of_an_end_fails_alone(
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
        monkeypatch.setattr("fabfile.waiting.wait_script", script)
        (error,) = failed(runner)
        assert [each.where for each in error.failures] == ["node2"]
        assert error.failures[0].reason == f"answers what cannot be understood (ValueError: {reason})"
        assert [each.state for each in runner.status()] == ["exited", "running", "running", "running"]
        assert "node3/t" in labels([each.component for each in runner.running])


def test_what_was_terminated_does_not_run_whatever_has_failed(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'exit 3', wait=True)\nadd('t', 'node2', 'exec sleep 1000')\n")
    with lab.runner(terminate=True) as runner:
        runner.screen()
        runner.start()
        assert len(failed(runner)) == 1
        assert runner.running == []
        assert [each.signal for each in runner.status()] == [None, "SIGTERM"]


def test_what_cannot_be_meant_is_refused_before_any_host_is_touched(lab: Lab) -> None:
    lab.config(TWO)
    own = lab.write("own.html", "<html>my own</html>")
    before = sessions_begun(lab.node1)
    with lab.runner() as runner:
        refused: list[tuple[Callable[[], object], str]] = [
            (lambda: lab.runner(parallel=0), "--parallel 0: must be a number from 1 to 1,000,000"),
            (lambda: lab.runner(on_exit="go"), "--on-exit go: there is no such way; there are: leave, stop"),
            (lambda: runner.logs(Selection(since="$(touch /tmp/x)")), "--since '$(touch /tmp/x)': is no time; give "),
            (lambda: runner.logs(Selection(lines=-1)), "--lines -1: must be 0 at least"),
            (lambda: runner.stop(grace=-1), "--grace -1: must be a number of seconds, from 0 to 1000000"),
            (lambda: runner.restart(grace=math.nan), "--grace nan: must be a number of seconds, from 0 to 1000000"),
            (lambda: runner.wait(timeout=-1), "--timeout -1: must be a number of seconds, from 0 to 1000000"),
            (lambda: runner.report(own), f"-o/--output {own}: is there, and no report; name another file, or say "),
        ]
        for call, words in refused:
            with pytest.raises(ConfigError) as caught:
                call()
            assert str(caught.value).startswith(words)
        with pytest.raises(FileExistsError):
            runner.collect(own)
    assert own.read_text() == "<html>my own</html>"
    assert sessions_begun(lab.node1) == before


def test_since_is_what_the_command_line_says(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'echo hello; exec sleep 1000')\n")

    class Lines(Observer):
        texts: ClassVar[list[bytes]] = []

        def output(self, component: Component, line: LogLine) -> None:
            """Keep it."""
            self.texts.append(line.text.strip())

    with lab.runner() as runner:
        runner.run()
        eventually(lambda: "hello" in text(lab.node1.state() / "a/output"), "the line")
        runner.logs(Selection(since="10m"), Lines())
        assert Lines.texts == [b"hello"]


def test_what_is_not_terminated_when_the_time_is_up_has_not_ended_in_time(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'exit 0', wait=True)\nadd('t', 'node2', 'exec sleep 1000')\n")
    with lab.runner(terminate=True) as runner:
        runner.screen()
        runner.start()
        eventually(lambda: bool(text(lab.node1.state() / "a/status")), "the end")
        assert [str(each) for each in failed(runner, 0)] == ["wait: node2/t: has not ended in time"]
        assert [each.component.label for each in runner.running] == ["node2/t"]


def test_host_that_is_lost_while_others_terminate_does_not_cut_that_off(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fabfile.hosts.RECONNECT_SECONDS", 1)
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


def test_what_ends_since_another_is_terminated_is_no_failure(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though it is told before its own host has the order, which may be far away."""
    server = lab.node1.home / "pid"
    client = f"until [ -s {server} ]; do sleep 0.05; done; while kill -0 $(cat {server}); do sleep 0.02; done; exit 1"
    lab.config(
        CONFIG
        + "add('a', 'node1', UNTIL_GO + '0', wait=True)\nadd('s', 'node1', 'echo $$ >~/pid; exec sleep 1000')\n"
        + f"add('c', 'node2', {client!r})\n"
    )
    tell = Conversation.tell
    told: list[Conversation] = []

    def later(talk: Conversation, order: bytes) -> None:
        told.append(talk)
        if len(told) > 1:
            time.sleep(1)
        tell(talk, order)

    monkeypatch.setattr(Conversation, "tell", later)
    with lab.runner(terminate=True, on_exit="stop") as runner:
        runner.screen()
        runner.start()
        threading.Timer(0.5, (lab.node1.home / "go").touch).start()
        assert [each.status for each in runner.wait()["node1"]] == [0]


def test_host_that_is_not_reached_in_time_is_named(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fabfile.awaiting.FIRST_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # which accepts nobody
        with lab.farm.ssh_config.open("a") as ssh_config:
            ssh_config.write(
                f"\nHost hole\n  HostName 127.0.0.1\n  Port {silent.getsockname()[1]}\n  ConnectTimeout 3\n"
            )
        lab.config(CONFIG + "add('a', 'hole', '', wait=True)\nadd('b', 'node1', '', wait=True)\n")
        with lab.runner() as runner:
            (error,) = failed(runner, 0)
    assert (sorted(error.hosts), error.failures[0]) == (["hole"], Failure("hole", "has not been reached in time"))
