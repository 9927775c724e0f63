"""The line of a stage: numbers of hosts, and the names of those that differ or are slow."""

import re
from collections.abc import Mapping, Sequence

import pytest

from fabfile.ui.stage_lines import FAILED, StageLines

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


def test_many_names_are_cut() -> None:
    notes = {host: ("sent" if int(host[4:]) > 5 else "nothing sent", 1.0) for host in HOSTS}
    assert lines("sync", notes)[1] == "  nothing sent: node1, node2, node3 and 2 more"


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


def test_failures_are_counted_not_named() -> None:
    """The error at the end of the stage names them."""
    notes = dict.fromkeys(HOSTS, ("ended with 0", 1.0)) | {"node5": (FAILED, 1.0)}
    assert lines("wait", notes) == ["wait 60/60 59 ended with 0, 1 failed 4.1 s"]
    notes = dict.fromkeys(HOSTS[:-2], ("sent", 1.0))
    assert lines("sync", notes, failed=2) == ["sync 58/60 2 hosts failed, 58 sent 4.1 s"]


def test_connect_has_only_a_duration() -> None:
    assert lines("connect", dict.fromkeys(HOSTS, ("", 1.0))) == ["connect 60/60 4.1 s"]
    assert lines("check", dict.fromkeys(HOSTS, ("", 1.0))) == []
