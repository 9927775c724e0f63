"""The components that a repeat command has to start, and the state of each at the end of a command."""

from fabfile.components.readiness import BecameReady, NotReady
from fabfile.components.start import Started
from fabfile.components.wait import Ended
from fabfile.runner.waiting.tracker import Tracker
from rr_config import Component
from rr_config.values.ready import ended

JOB = Component(name="job", host="h", executable="x", start_index=1, ready=ended())
SERVER = Component(name="server", host="h", executable="x", start_index=1)


def succeeded() -> Tracker:
    """Return a tracker of a component that has run once, and ended with 0."""
    tracker = Tracker()
    tracker.record_start(Started(JOB, 7))
    tracker.record_start(BecameReady(JOB, 1))
    tracker.record_end(Ended(JOB, 0))
    assert tracker.unwell([JOB], []) == []
    return tracker


def test_second_failure_replaces_success() -> None:
    tracker = succeeded()
    tracker.record_start(Started(JOB, 8))
    tracker.record_end(Ended(JOB, 3))
    assert tracker.unwell([JOB], []) == [JOB]
    assert tracker.down == {"h/job"}


def test_kill_forgets_success() -> None:
    tracker = succeeded()
    tracker.forget_session([JOB], is_renewed=False)
    assert tracker.unwell([JOB], []) == [JOB]


def states(tracker: Tracker, *silent: str) -> list[str | None]:
    return [each.state and str(each.state) for each in tracker.results([JOB, SERVER], silent)]


def test_states_follow_the_last_event() -> None:
    tracker = Tracker()
    assert states(tracker) == [None, None]
    tracker.forget_session([JOB, SERVER], is_renewed=True)
    assert states(tracker) == ["waiting", "waiting"]
    tracker.starting = {"h/server": SERVER}
    assert states(tracker) == ["waiting", None], "its host answers, but did not say whether it runs"
    assert states(tracker, "h") == ["unknown", "unknown"]
    tracker.record_start(Started(SERVER, 7))
    tracker.record_start(Started(JOB, 8))
    assert states(tracker) == ["starting", "running"]
    assert states(tracker, "h") == ["unknown", "unknown"]
    tracker.record_end(Ended(JOB, 3))
    assert states(tracker, "h") == ["failed", "unknown"]
    tracker.record_stops([Ended(SERVER, 143, was_stopped=True)])
    assert states(tracker) == ["failed", "stopped"]
    tracker.record_start(Started(JOB, 9))
    tracker.record_start(NotReady(JOB, "was not ready"))
    assert states(tracker) == ["failed", "stopped"]
    tracker.record_start(BecameReady(JOB, 1))
    tracker.forget_session([SERVER], is_renewed=False)
    assert states(tracker) == ["ended", None]
    tracker.awaited = {"h/server": SERVER}
    assert states(tracker) == ["ended", "running"]
    tracker.record_stops([Ended(SERVER, 3, was_running=False)])
    assert states(tracker) == ["ended", "failed"]
    tracker.record_end(Ended(SERVER, None))
    assert states(tracker) == ["ended", "lost"]
