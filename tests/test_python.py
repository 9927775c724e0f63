"""The interface for Python programs: one Runner, used for more than one thing."""

import threading

import pytest

from fabfile.observer import Observer, StageError
from fabfile.waiting import Ended
from rr_config import Component

from .conftest import Lab
from .test_wait import CONFIG

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
