"""Failures that are the same problem on several hosts."""

import attrs

from fabfile.components.readiness import BecameReady
from fabfile.components.screen import Session
from fabfile.components.start import Started
from fabfile.components.wait import Ended
from fabfile.ui.summaries import folded_failures, line_of_end, line_of_readiness, line_of_start, lines_of, shared
from fabfile.util.stages import Failure
from rr_config import Component

HOSTS = {"node1", "node2", "node3", "u@h:22"}


def end_of(host: str, seconds: int, status: int = 3, last_line: str = "oh") -> Ended:
    component = Component(name="job", host=host, executable="x", start_index=1)
    return Ended(component, status, seconds=seconds, last_line=last_line)


def folded(*ends: Ended) -> list[Failure]:
    return folded_failures([each.failure for each in ends], HOSTS, {each.component.label: each for each in ends})


def test_same_problem_is_one_failure() -> None:
    failures = [Failure(f"{host}/job", "no x bit", ("oh",)) for host in ("node1", "node3", "u@h:22")]
    assert folded_failures(failures, HOSTS, {}) == [Failure("node[1,3],u@h:22/job", "no x bit", ("oh",))]
    hosts = [Failure("node1", "gone"), Failure("node2", "gone")]
    assert folded_failures(hosts, HOSTS, {}) == [Failure("node[1-2]", "gone")]


def test_ends_may_differ_in_their_times() -> None:
    (found,) = folded(end_of("node1", 3), end_of("node2", 2), end_of("node3", 2))
    assert found == Failure("node[1-3]/job", "ended with exit status 3 after 2 s to 3 s", ("oh",))
    (found,) = folded(end_of("node1", 2), end_of("node2", 2))
    assert found.reason == "ended with exit status 3 after 2 s"
    alone = end_of("node1", 2)
    assert folded(alone) == [alone.failure]


def test_other_problems_stay_apart() -> None:
    assert len(folded(end_of("node1", 2), end_of("node2", 2, status=4))) == 2
    assert len(folded(end_of("node1", 2), end_of("node2", 2, last_line="ah"))) == 2
    failures = [
        Failure("node1/a", "x"),
        Failure("node2/b", "x"),
        Failure("node1:a", "x"),
        Failure("node2:a", "x"),
        Failure("node3/a", "x", stage="sync"),
        Failure("node1 and node2", "x"),
    ]
    assert folded_failures(failures, HOSTS, {}) == failures


def test_stale_end_does_not_replace_a_reason() -> None:
    end = end_of("node1", 3)
    ends = {"node1/job": end, "node2/job": attrs.evolve(end, component=end_of("node2", 3).component)}
    failures = [Failure(f"{host}/job", "not ready") for host in ("node1", "node2")]
    assert folded_failures(failures, HOSTS, ends) == [Failure("node[1-2]/job", "not ready")]
    failures[0] = Failure("node1/job", "no x bit")
    assert folded_failures(failures, HOSTS, ends) == failures


def test_stop_names_states() -> None:
    """A component that did not run keeps its state; so does one that ended by itself meanwhile."""
    ended = end_of("node1", 3)
    before = attrs.evolve(ended, was_running=False)
    results = [
        attrs.evolve(ended, was_stopped=True),
        ended,
        attrs.evolve(before, status=0),
        attrs.evolve(before, was_stopped=True),
        attrs.evolve(before, status=None, loss="the host was restarted"),
        attrs.evolve(before, status=None, was_started=False),
        attrs.evolve(before, status=None, was_started=False, is_begun=True),
    ]
    kinds = [line.kind for line in lines_of("stop 1", "node1", results)]
    befores = ["failed before", "ended before", "stopped before", "lost before"]
    assert kinds == ["stopped", *befores, "waiting", "starting"]


def test_shared_lines_have_no_process_ids() -> None:
    """Each line has words that do not depend on chance. Failed components have a line each."""
    started = [Started(end_of(host, 1).component, pid) for host, pid in (("node2", 7), ("node1", 8))]
    sessions = [line for host in ("node1", "node2") for line in lines_of("screen", host, Session(f"{host}.x", True))]
    ready = [BecameReady(end_of(host, 1).component, time) for host, time in (("node1", 2.5), ("node2", 2))]
    ends = [end_of("node10", 3, status=0), end_of("node9", 3, status=0), end_of("node2", 3), end_of("node1", 3)]
    lines = [*map(line_of_start, started), *sessions, *map(line_of_readiness, ready), *map(line_of_end, ends)]
    assert list(shared(lines)) == [
        ("node[1-2]", "new session x"),
        ("node[1-2]/job", "started"),
        ("node[1-2]/job", "ready after 2.0 s to 2.5 s: None"),
        ("node1/job", "ended with exit status 3 after 3 s"),
        ("node2/job", "ended with exit status 3 after 3 s"),
        ("node[9-10]/job", "ended with exit status 0 after 3 s"),
    ]
    assert [line.text for line in lines[:3]] == ["started, pid 7", "started, pid 8", "new session x, pid node1"]
