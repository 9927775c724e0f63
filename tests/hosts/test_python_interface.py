"""The interface for Python programs: one Runner, used for several things."""

import math
import shutil
import threading
import time
from collections.abc import Callable
from typing import ClassVar

import pytest

from fabfile.components.output.logs import LogLine, Selection
from fabfile.remote.conversation import Conversation
from fabfile.runner import Observer, StageError
from fabfile.runner.repeat import Repeat
from rr_config import Component, ConfigError
from tests.support.config_texts import TWO_WAITED as TWO
from tests.support.config_texts import WAITED as CONFIG
from tests.support.connections import sessions_begun
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.outcomes import timeless
from tests.support.runners import Noting, failed, interrupted_in, labels
from tests.support.soak import often
from tests.support.waiting import eventually


def test_host_failed_in_plan_is_used_later(lab: Lab) -> None:
    lab.config(TWO)
    planted = lab.node2.home / ".local/state/remote-runner"
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.symlink_to("/tmp")
    with lab.runner() as runner:
        plan = runner.plan()
        assert [each.where for each in plan.failures] == ["node2"]
        assert [each.host for each in plan.hosts] == ["node1"]
        assert not plan.is_possible
        planted.unlink()
        assert set(runner.kill()) == {"node1", "node2"}
        shutil.rmtree(planted)
        planted.symlink_to("/tmp")
        with pytest.raises(StageError) as caught:
            runner.kill()
        assert caught.value.hosts == {"node2"}
        assert runner.repeat_for("kill", caught.value) == Repeat(("kill",), "node2/*")
        planted.unlink()
        assert set(runner.kill()) == {"node1", "node2"}


def test_runner_knows_what_runs(lab: Lab) -> None:
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


def test_waiting_thread_stops_all(lab: Lab) -> None:
    """Also where two fail at once."""
    lab.config(TWO + "add('c', 'node1', UNTIL_GO + '3', wait=True)\nadd('d', 'node2', UNTIL_GO + '4')\n")
    observer = Noting()
    with lab.runner(observer, on_exit="stop") as runner:
        runner.screen()
        runner.start()
        observer.told.clear()
        for host in (lab.node1, lab.node2):
            (host.home / "go").touch()
        with pytest.raises(StageError) as caught:
            runner.wait()
        assert observer.told == ["begins wait", "ends wait", "begins stop 1", "ends stop 1"]
        assert observer.threads == {threading.current_thread()}
        assert {each.where.split("/")[1] for each in caught.value.failures} == set(observer.ended_)
        assert runner.running == []
        signals = {each.component.label: each.signal for each in runner.status()}
        assert (signals["node1/a"], signals["node2/b"]) == ("SIGTERM", "SIGTERM")


def test_on_exit_leave_stops_nothing(lab: Lab) -> None:
    lab.config(TWO + "add('c', 'node1', 'exit 3', wait=True)\n")
    with lab.runner(on_exit="leave") as runner:
        with pytest.raises(StageError) as caught:
            runner.run()
        assert timeless(str(caught.value)) == "wait: node1/c: ended with exit status 3"
        states = {each.component.label: each.state for each in runner.status()}
        assert states == {"node1/a": "running", "node1/c": "failed", "node2/b": "running"}


def test_wait_after_interrupt_is_fresh(lab: Lab) -> None:
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


@pytest.mark.parametrize("host", often(["node2"], ["node1"]))
def test_terminate_has_its_own_time(lab: Lab, host: str) -> None:
    """It was for what was waited for."""
    stubborn = "trap : TERM; while :; do sleep 0.1; done"
    lab.config(CONFIG + f"add('c', 'node1', 'sleep 1', wait=True)\nadd('t', {host!r}, {stubborn!r})\n")
    with lab.runner(terminate=True) as runner:
        runner.screen()
        runner.start()
        runner.wait(timeout=2.5)
        assert runner.running == []
        assert [each.signal for each in runner.status()] == [None, "SIGKILL"]


def test_terminated_components_do_not_run(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'sleep 4; exit 3', wait=True)\nadd('t', 'node2', 'exec sleep 1000')\n")
    with lab.runner(terminate=True) as runner:
        runner.screen()
        runner.start()
        assert len(failed(runner)) == 1
        assert runner.running == []
        assert [each.signal for each in runner.status()] == [None, "SIGTERM"]


def test_invalid_arguments_are_refused(lab: Lab) -> None:
    lab.config(TWO)
    own = lab.write("own.html", "<html>my own</html>")
    before = sessions_begun(lab.node1)
    with lab.runner() as runner:
        refused: list[tuple[Callable[[], object], str]] = [
            (lambda: lab.runner(parallel=0), "--parallel 0: must be a number from 1 to 1,000,000"),
            (lambda: lab.runner(on_exit="go"), "--on-exit go: must be one of leave, stop"),
            (
                lambda: runner.logs(Selection(since="$(touch /tmp/x)")),
                "--since '$(touch /tmp/x)': invalid time; must be ",
            ),
            (lambda: runner.logs(Selection(lines=-1)), "--lines -1: must be at least 0"),
            (lambda: runner.stop(grace=-1), "--grace -1: must be a number of seconds, from 0 to 1000000"),
            (lambda: runner.restart(grace=math.nan), "--grace nan: must be a number of seconds, from 0 to 1000000"),
            (lambda: runner.wait(timeout=-1), "--timeout -1: must be a number of seconds, from 0 to 1000000"),
            (lambda: runner.report(own), f"-o/--output {own}: exists, and is not a report; choose another file, or "),
        ]
        for call, words in refused:
            with pytest.raises(ConfigError) as caught:
                call()
            assert str(caught.value).startswith(words)
        with pytest.raises(FileExistsError):
            runner.collect(own)
    assert own.read_text() == "<html>my own</html>"
    assert sessions_begun(lab.node1) == before


def test_since_works_as_on_command_line(lab: Lab) -> None:
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


def test_late_terminate_is_a_timeout(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'exit 0', wait=True)\nadd('t', 'node2', 'exec sleep 1000')\n")
    with lab.runner(terminate=True) as runner:
        runner.screen()
        runner.start()
        eventually(lambda: bool(text(lab.node1.state() / "a/status")), "the end")
        assert [str(each) for each in failed(runner, 0)] == ["wait: node2/t: timed out; it has not ended"]
        assert [each.component.label for each in runner.running] == ["node2/t"]


def test_end_during_terminate_is_no_failure(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
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
