"""The components that a repeat command has to start."""

from fabfile.components.readiness import BecameReady
from fabfile.components.start import Started
from fabfile.components.wait import Ended
from fabfile.runner.tracker import Tracker
from rr_config import Component
from rr_config.ready import ended

JOB = Component(name="job", host="h", executable="x", start_index=1, ready=ended())


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
    tracker.forget_session([JOB])
    assert tracker.unwell([JOB], []) == [JOB]
