"""The head of a report."""

from typing import Any

import pytest

from fabfile.reporting.head import parameters, title, verdict
from fabfile.reporting.history import ComponentHistory
from tests.support.results import RUN, life

GOOD = life(started=1, ended=2, exit_status=0)
BAD = life("failed", started=1, ended=2, exit_status=1)
UNKNOWN = life("unknown", problem="connection refused")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([GOOD, BAD, life("running", started=1), life("waiting")], ("bad", "failed: 1 of 4 components")),
        ([UNKNOWN, life("lost"), BAD, UNKNOWN], ("bad", "failed: 1 of 4 components; lost: 1; unknown: 2")),
        ([GOOD, UNKNOWN], ("bad", "unknown: 1 of 2 components")),
        ([life("running"), life("ready"), GOOD, life("waiting")], ("alive", "ready: 1 of 4 components; running: 1")),
        ([life("waiting"), GOOD], ("open", "waiting: 1 of 2 components")),
        ([GOOD, life("stopped", exit_status=143)], ("stopped", "stopped: 1 of 2 components")),
        ([GOOD], ("good", "ended: 1 of 1 component")),
        ([], ("open", "no components")),
    ],
)
def test_verdict_counts_components(found: list[ComponentHistory], words: tuple[str, str]) -> None:
    assert verdict(found) == words


@pytest.mark.parametrize(
    ("changed", "name"),
    [({"project": "trial"}, "trial"), ({"project": None}, "cfg.py"), ({}, "cfg.py"), ({"config": None}, "runner")],
)
def test_title_names_what_was_run(changed: dict[str, Any], name: str) -> None:
    assert title(RUN | changed) == name


def test_parameters_of_all_starts_are_shown() -> None:
    options = {"muddler": ["ta3 --x", "pin"], "extra_args": None, "limit": "a,b"}
    starts = [
        RUN | {"options": options, "parameters": {"clients": 8, "mode": "slow"}},
        RUN | {"options": {"muddler": [], "extra_args": "--size 1"}, "parameters": {}},
    ]
    assert parameters(RUN | {"runs": starts}) == [
        ("Config", "/cfg.py"),
        ("Muddlers", "ta3 --x, pin"),
        ("Extra arguments", "--size 1"),
        ("Parameters", "clients=8, mode=slow"),
        ("Limit", "a,b"),
    ]
