"""Equal failures in a report, and the logs that are open."""

from fabfile.reporting.failures import Failure, failures, logs_to_open
from fabfile.reporting.history import ComponentHistory
from fabfile.reporting.html import grouping
from tests.support.results import component


def history(label: str, state: str = "failed", **more: object) -> ComponentHistory:
    return ComponentHistory(**component(label, state, **more))


def test_equal_failures_are_one() -> None:
    found = [
        history("node9/web", "unknown", problem="no route"),
        history("node2/web", exit_status=3, started=10, ended=12),
        history("node1/web", exit_status=3),
        history("node7/web", exit_status=3, started=10, ended=14),
        history("node1/job", exit_status=3),
        history("node3/web", exit_status=4, started=10, ended=13),
        history("node4/web", "lost", problem="the host was restarted"),
        history("node9/job", "unknown", problem="no route"),
        history("node5/web", "stopped", exit_status=143),
        history("node6/web", "ended", exit_status=0),
    ]
    outputs = {"node2/web": "a\nlast\n\n", "node1/web": "other", "node6/web": "fine"}
    assert failures(found, outputs, 100) == [
        Failure("web", "node[1-2,7]", "failed: exit status 3", "2 s to 4 s", "last", (1, 2, 3)),
        Failure("job", "node1", "failed: exit status 3", "", "", (4,)),
        Failure("web", "node3", "failed: exit status 4", "3 s", "", (5,)),
        Failure("web", "node4", "lost: the host was restarted", "", "", (6,)),
        Failure("", "node9", "unknown: no route", "", "", (0, 7)),
    ]


def test_each_kind_of_failure_has_an_open_log() -> None:
    many = [history(f"node{number}/web", exit_status=3) for number in range(50)]
    found = [*many, history("node1/job", exit_status=1), history("node2/job", "unknown", problem="no route")]
    assert logs_to_open(failures(found, {}, 0)) == [0, 50, *range(1, 9)]
    assert logs_to_open(failures(found[-1:], {}, 0)) == []


def test_long_table_has_few_groups() -> None:
    def chosen(names: int, hosts: int, count: int = 400) -> str:
        return grouping([history(f"node{number % hosts}/job{number % names}") for number in range(count)])

    assert [chosen(1, 30, 30), chosen(1, 31, 31)] == ["none", "component"]
    assert [chosen(60, 400), chosen(61, 60), chosen(61, 61)] == ["component", "host", "state"]
