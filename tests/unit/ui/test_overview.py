"""The summary of a status that is longer than the terminal."""

from typing import Any

from fabfile.components.ownership import Foreign
from fabfile.components.status import State, Status
from fabfile.runner.watch import Look
from fabfile.ui.overview import grouped, in_order, screen, summary
from rr_config import Component

HOSTS = [f"node{number}" for number in range(1, 7)]
WIDTH, HEIGHT = 90, 24


def status(name: str, host: str, state: State = State.RUNNING, **values: Any) -> Status:
    return Status(Component(name=name, host=host, executable="x", start_index=1), state, **values)


def look(*found: Status, **values: Any) -> Look:
    """Return a look at two good components on each host, and others."""
    good = [status("web", host, State.READY, cpu=0.5, memory=1_000_000) for host in HOSTS]
    return Look(0, [*good, *(status("job", host, State.ENDED, exit_status=0) for host in HOSTS), *found], **values)


def texts(seen: Look, height: int = HEIGHT, is_whole: bool | None = None) -> list[str]:
    lines = summary(seen, WIDTH, height) if is_whole is None else screen(seen, WIDTH, height, is_whole)
    return [text for text, _ in lines]


def test_summary_has_a_row_for_each_name() -> None:
    head, *others = texts(look())
    assert head.startswith("12 components, 6 hosts: 0 failed  0 unknown  6 ready  6 ended")
    assert len(head) == WIDTH and head[-3] == ":", "the time of the look"
    assert others == [
        "",
        "COMPONENT  FAILED  READY  ENDED  CPU    MEMORY  HOSTS",
        "web             .      6      .  300 %  6.0 MB  node[1-6]",
        "job             .      .      6  -      -       node[1-6]",
    ]


def test_failures_come_first_with_last_line() -> None:
    bad = [
        status("db", "node2", State.UNKNOWN, problem="connection refused"),
        status("monitor", "node5", State.FAILED, exit_status=3, seconds=22, last_line="KeyError\x1b"),
        status("late", "node5", State.FAILED, runs=True, problem="was not ready in time", last_line="retry"),
        status("gone", "node6", State.LOST, problem="the host was restarted"),
        status("cache", "node2", State.UNKNOWN, problem="connection refused"),
    ]
    assert texts(look(*bad))[2:8] == [
        "FAILED        HOST   EXIT  FOR   LAST LINE",
        "monitor       node5  3     22 s  KeyError�",
        "late          node5  -     -     was not ready in time: retry",
        "gone          node6  -     -     lost: the host was restarted",
        "2 components  node2  -     -     unknown: connection refused",
        "",
    ]


def test_many_failures_are_folded_and_cut() -> None:
    hosts = [f"node{number}" for number in range(1, 25)]
    bad = [status("monitor", host, State.FAILED, exit_status=3, last_line="KeyError") for host in hosts]
    bad += [status(f"bad{number}", "node1", State.FAILED, exit_status=number) for number in range(1, 30)]
    for height in (8, 10, 14, 24):
        shown = texts(look(*bad), height)
        assert len(shown) <= height
        assert shown[2].startswith("FAILED ")
    assert shown[3] == "monitor  node[1-24]  3     -    KeyError"
    assert shown[4].startswith("bad1 ")
    cut = [line for line in shown if line.startswith("and ")]
    assert [line.split()[-2:] for line in cut] == [["rows", "more"], ["components", "more"]]


def test_tiny_terminal_shows_totals() -> None:
    for height in (1, 2, 3, 4, 5):
        shown = texts(look(status("x", "node1", State.FAILED)), height)
        assert len(shown) <= height and shown[0].startswith("13 components")


def test_screen_shows_the_table_if_it_fits() -> None:
    assert texts(look(), 15, is_whole=False)[2].startswith("HOST   COMPONENT  STATE ")
    assert texts(look(), 14, is_whole=False)[2].startswith("COMPONENT  FAILED")
    shown = texts(look(), 14, is_whole=True)
    assert (len(shown), shown[-1]) == (14, "and 2 rows more")


def test_late_host_keeps_its_row_with_age() -> None:
    shown = texts(look(late={"node2": 12.4}), is_whole=False)
    assert shown[1] == "no answer: node2 for 12 s"
    rows = [line for line in shown if line.startswith(("node2 ", "node3 "))]
    assert [row.split()[2] for row in rows] == ["ready", "ready", "ended", "ended"]
    assert [row.endswith("  12 s ago") for row in rows] == [True, False, True, False]
    many = texts(look(late=dict.fromkeys(HOSTS, 60.0) | {"node6": 75.0}))
    assert many[1] == "no answer: node6 for 1 min 15 s, node1 for 1 min, node2 for 1 min, and 3 hosts more"


def test_equal_sessions_of_others_share_a_line() -> None:
    shown = texts(look(foreign={host: Foreign("s", "someone", 0, 2) for host in HOSTS}))
    assert shown[1].startswith('node[1-6]: session "s" belongs to someone')
    assert shown[2] == ""


def test_groups_have_their_own_order() -> None:
    seen = look(status("db", "node10", State.FAILED), status("db", "node9", State.RUNNING))

    def names(by: str, sort: str | None = None) -> list[str]:
        lines = grouped(in_order(seen, sort or by), WIDTH, HEIGHT, by)
        return [line.split()[0] for line, _ in lines[3:]]

    assert names("component") == ["db", "job", "web"]
    assert names("state") == ["failed", "ready", "running", "ended"]
    assert names("host", "state")[0] == "node10"
    assert names("component", "state")[0] == "db"
    assert grouped(seen, WIDTH, 6, "host")[-1][0] == "and 6 rows more"


def test_pending_hosts_are_not_unknown() -> None:
    shown = texts(look(pending={"node7": 2, "node8": 1}))
    assert shown[0].startswith("15 components, 8 hosts: 0 failed  0 unknown  6 ready  6 ended  3 no answer yet ")
    assert shown[1] == "no answer yet: node[7-8]"
