"""The line of a stage: numbers of hosts, and the names of those that differ or are slow."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from fabfile.ui.lines.stage_lines import FAILED, UNREADY, StageLines, Waiting, time_of

HOSTS = [f"node{number}" for number in range(1, 61)]


def lines(stage: str, notes: Mapping[str, tuple[str, float]], failed: int = 0, peers: str = "") -> Sequence[str]:
    """Return the lines after notes of kinds and seconds; each run of spaces is one."""
    seen = StageLines(stage, HOSTS, began=100)
    seen.done, seen.failed = len(HOSTS) - failed, failed
    for where, (kind, seconds) in notes.items():
        seen.note(where, kind, 100 + seconds, peers)
    return [re.sub(r"(?<=\S) +", " ", line) for line in seen.lines(104.1)]


def test_equal_hosts_are_one_line() -> None:
    assert lines("sync", dict.fromkeys(HOSTS, ("nothing sent", 1))) == ["sync 60/60 nothing sent 4.1 s"]


def test_line_has_columns() -> None:
    seen = StageLines("start 1", HOSTS[:2], began=0)
    assert seen.lines(1) == ["start 1  0/2" + " " * 50 + "1.0 s"]


def test_several_components_per_host_are_counted() -> None:
    notes = {f"{host}/{name}": ("ready", 1.0) for host in HOSTS for name in "abc"}
    assert lines("start 1", notes) == ["start 1 60/60 180 ready 4.1 s"]


def test_hosts_that_differ_are_named() -> None:
    notes = dict.fromkeys(HOSTS, ("session ended", 1.0)) | {"node7": ("nothing to end", 1.0)}
    first, *named = lines("kill", notes)
    assert first == "kill 60/60 59 session ended, 1 nothing to end 4.1 s"
    assert named == ["  nothing to end: node7"]


def test_halves_are_not_named() -> None:
    notes = {host: ("new" if int(host[4:]) % 2 else "existing", 1.0) for host in HOSTS}
    assert len(lines("screen", notes)) == 1


def test_named_hosts_are_a_range() -> None:
    notes = {host: ("sent" if int(host[4:]) > 5 else "nothing sent", 1.0) for host in HOSTS}
    assert lines("sync", notes)[1] == "  nothing sent: node[1-5]"


def test_long_ranges_are_cut() -> None:
    hosts = [f"node{number}" for number in range(1000)]
    notes = {host: ("sent" if place % 5 else "nothing sent", 1.0) for place, host in enumerate(hosts)}
    named = lines("sync", notes)[1]
    assert named.startswith("  nothing sent: node[0,5,10,15,") and named.endswith("...") and len(named) < 120


def test_slow_host_is_named() -> None:
    notes = dict.fromkeys(HOSTS, ("sent", 1.0)) | {"node3": ("sent", 2.9), "node9": ("sent", 4.0)}
    assert lines("sync", notes)[1:] == ["  slow, most took 1.0 s: node9 4.0 s"]


@pytest.mark.parametrize("seconds", [0.9, 0.4])
def test_less_than_a_second_is_not_slow(seconds: float) -> None:
    notes = dict.fromkeys(HOSTS, ("sent", 0.1)) | {"node3": ("sent", seconds)}
    assert len(lines("sync", notes)) == 1


def test_programs_of_a_wait_are_not_slow() -> None:
    notes = dict.fromkeys(HOSTS, ("ended with 0", 1.0)) | {"node3": ("ended with 0", 3.9)}
    assert len(lines("wait", notes)) == 1


def test_components_of_other_names_are_not_compared() -> None:
    seen = StageLines("start 1", HOSTS, began=0)
    for host in HOSTS:
        seen.note(f"{host}/a", "ready", 0.2, "a")
    seen.note("node1/b", "ready", 4, "b")
    assert len(seen.lines(5)) == 1


def test_slow_components_are_a_range() -> None:
    notes = {f"{host}/a": ("ready", 5.0 if host in ("node3", "node9") else 1.0) for host in HOSTS}
    notes["node10/a"] = ("ready", 4.0)
    assert lines("start 1", notes, peers="a")[1:] == ["  slow, most took 1.0 s: a on node[3,9-10] 4.0 to 5.0 s"]


def test_other_names_are_no_difference() -> None:
    """Most components become ready here. One without a readiness condition is no exception."""
    seen = StageLines("start 1", HOSTS, began=0)
    for host in HOSTS:
        seen.note(f"{host}/a", "ready", 1, "a")
        seen.note(f"{host}/b", "ready", 1, "b")
        seen.note(f"{host}/c", "already running" if host == "node7" else "started", 1, "c")
    assert seen.lines(2)[1:] == ["  already running: c on node7"]


def test_failed_start_counts_each_name() -> None:
    """Errors name what has failed, so it is neither different nor slow."""
    seen = StageLines("start 1", HOSTS, began=0)
    for host in HOSTS:
        seen.note(f"{host}/broker", "ready", 1, "broker")
        seen.note(f"{host}/worker", UNREADY if host in ("node3", "node9") else "ready", 9, "worker")
        seen.note(f"{host}/agent", FAILED, 1, "agent")
    seen.note("node1/agent", "started", 8, "agent")
    first, *more = seen.lines(9)
    assert first == "start 1  0/60     ready: broker 60/60 worker 58/60, started: agent 1/60  9.0 s"
    assert more == []


def waiting(left: Sequence[str], names: str = "broker worker", **more: Any) -> Waiting:
    awaited = [f"{host}/{name}" for host in HOSTS for name in names.split()]
    return Waiting("start 1", len(HOSTS), awaited, left, "12 s of 60 s", "ready", **more)


def test_start_counts_names_and_folds_hosts() -> None:
    left = [f"node{number}/worker" for number in (14, 3, 9, 12, 13)] + ["node60/broker"]
    assert waiting(left).line(160) == (
        "start 1  54/60    ready: broker 59/60 worker 55/60   "
        "waits for: worker on node[3,9,12-14], broker on node60 12 s of 60 s"
    )
    assert waiting([]).line(160).endswith("   waits for: the last answer 12 s of 60 s")


@pytest.mark.parametrize("width", range(20, 160, 7))
def test_waiting_line_fits_the_terminal(width: int) -> None:
    line = waiting([f"{host}/f" for host in HOSTS[::2]], "a b c d e f g").line(width)
    assert len(line) <= width
    assert line.endswith(" 12 s of 60 s") or width < 32
    assert width < 100 or re.search("ready: f 30/60 (. 60/60 )*and [1-6] more   waits for: f on node", line)


def test_stages_of_hosts_count_no_names() -> None:
    line = Waiting("kill", 60, HOSTS, HOSTS[:2], "2 s").line(80)
    assert line == "kill     58/60    waits for: node[1-2] 2 s"


def test_terminated_components_are_named() -> None:
    line = waiting(["node2/worker", "node1/worker"], terminates=True).line(80)
    assert line == "start 1  58/60    terminating: worker on node[1-2] 12 s of 60 s"


@pytest.mark.parametrize(
    ("seconds", "limit", "text"),
    [
        (12.9, 60, "12 s of 60 s"),
        (75, 120, "75 s of 120 s"),
        (75, 600, "1 min 15 s of 10 min"),
        (3, None, "3 s, no limit"),
    ],
)
def test_time_shows_its_limit(seconds: float, limit: float | None, text: str) -> None:
    assert time_of(seconds, limit) == text


def test_failures_are_counted_not_named() -> None:
    """The error at the end of the stage names them."""
    notes = dict.fromkeys(HOSTS, ("ended with 0", 1.0)) | {"node5": (FAILED, 1.0)}
    assert lines("wait", notes) == ["wait 60/60 59 ended with 0, 1 failed 4.1 s"]
    notes = dict.fromkeys(HOSTS[:-2], ("sent", 1.0))
    assert lines("sync", notes, failed=2) == ["sync 58/60 2 hosts failed, 58 sent 4.1 s"]


def test_connect_has_only_a_duration() -> None:
    assert lines("connect", dict.fromkeys(HOSTS, ("", 1.0))) == ["connect 60/60 4.1 s"]
    assert lines("check", dict.fromkeys(HOSTS, ("", 1.0))) == []
