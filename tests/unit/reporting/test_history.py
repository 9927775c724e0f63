"""Phases and outcome of a component, and the span of a timeline."""

import pytest

from fabfile.reporting.history import OUTCOME_CLASSES, ComponentHistory, Phase, Stage, histories, span
from tests.support.results import component, life


@pytest.mark.parametrize(
    ("given", "phases"),
    [
        (life("waiting"), [Phase("waiting", 0, 100)]),
        (life("unknown"), []),
        (life("running", started=10), [Phase("waiting", 0, 10), Phase("running", 10, 100)]),
        (life("starting", started=10), [Phase("waiting", 0, 10), Phase("starting", 10, 100)]),
        (
            life("ready", started=10, ready=30),
            [Phase("waiting", 0, 10), Phase("starting", 10, 30), Phase("ready", 30, 100)],
        ),
        (
            life(started=0, ready=30, ended=50, exit_status=0),
            [Phase("starting", 0, 30), Phase("ready", 30, 50)],
        ),
        (life(started=10, ended=50, exit_status=1), [Phase("waiting", 0, 10), Phase("running", 10, 50)]),
        (life(started=10, ended=10, exit_status=1), [Phase("waiting", 0, 10)]),
        (life(started=10), [Phase("waiting", 0, 10)]),
    ],
)
def test_phases_follow_each_other(given: ComponentHistory, phases: list[Phase]) -> None:
    assert given.phases(0, 100) == phases


@pytest.mark.parametrize(
    ("given", "outcome", "outcome_class", "duration"),
    [
        (life(exit_status=0, started=10, ended=15), "ended", "good", 5),
        (life("failed", exit_status=3, started=10, ended=15), "failed: exit status 3", "bad", 5),
        (life("failed", exit_status=134, signal="SIGABRT", started=10, ended=9), "failed: SIGABRT", "bad", 0),
        (
            life("failed", problem="was not ready in time", runs=True, started=10),
            "failed: was not ready in time",
            "bad",
            90,
        ),
        (life("stopped", exit_status=143, signal="SIGTERM", started=10, ended=12), "stopped", "stopped", 2),
        (life("lost", problem="the host was restarted", started=10), "lost: the host was restarted", "bad", None),
        (life("running", started=10), "running", "alive", 90),
        (life("waiting"), "waiting", "open", None),
        (life("unknown", problem="no route\x1b"), "unknown: no route�", "bad", None),
    ],
)
def test_outcome_describes_the_state(
    given: ComponentHistory, outcome: str, outcome_class: str, duration: float | None
) -> None:
    assert (given.outcome, given.outcome_class, given.duration(100)) == (outcome, outcome_class, duration)
    assert outcome_class in OUTCOME_CLASSES


@pytest.mark.parametrize(("status", "state"), [(0, "ended"), (3, "failed"), (None, "lost")])
def test_states_of_an_earlier_version_are_read(status: int | None, state: str) -> None:
    run = {"components": [component("h/x", "exited", exit_status=status)]}
    assert [each.state for each in histories(run)] == [state]


def test_timeline_spans_all_known_times() -> None:
    ended = life(started=10, ended=20, exit_status=0)
    assert span([ended, life("waiting")], [], 1000) == (10, 20)
    assert span([ended, life("running", started=15)], [Stage("sync", 2, 9)], 1000) == (2, 1000)
    assert span([life("waiting")], [], 1000) == (1000, 1000)
