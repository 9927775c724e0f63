"""The folded timeline: shares of states over time, and its rows."""

import pytest

from fabfile.reporting.chart import at
from fabfile.reporting.folded_timeline import HEIGHT, MOST_ROWS, TOP, folded_rows, folded_traces, members_by_name
from fabfile.reporting.history import ComponentHistory
from fabfile.reporting.timeline import figure, rows_left_out
from tests.support.results import component


def history(label: str, state: str = "ready", **more: object) -> ComponentHistory:
    return ComponentHistory(**component(label, state, **more))


def test_areas_show_shares_of_states() -> None:
    """Of four components, one is ready after 20 s, two run from 60 s, and one fails then. The run takes 80 s."""
    members = [
        history("node1/a", started=0, ready=20),
        history("node2/a", "running", started=60),
        history("node3/a", "running", started=60),
        history("node4/a", "failed", started=40, ended=60, exit_status=1),
    ]
    *areas, failed = folded_traces([members], 0, 80)
    heights = {}
    for area in areas:
        edge = [point for point in zip(area["x"], area["y"], strict=True) if point[0] is not None]
        there, back = edge[: len(edge) // 2], edge[len(edge) // 2 :][::-1]
        assert [time for time, _ in there] == [time for time, _ in back]
        heights[area["name"]] = {
            time.timestamp(): round((below - above) / HEIGHT, 6)
            for (time, above), (_, below) in zip(there[::2], back[::2], strict=True)
        }
    assert heights == {
        "waiting": {0: 0.75, 20: 0.75, 40: 0.5, 60: 0},
        "starting": {0: 0.25, 20: 0, 40: 0, 60: 0},
        "running": {0: 0, 20: 0, 40: 0.25, 60: 0.5},
        "ready": {0: 0, 20: 0.25, 40: 0.25, 60: 0.25},
    }
    assert (failed["x"], failed["y"]) == ([at(60)], [TOP + HEIGHT / 2])


def test_rows_name_outcomes_and_hosts() -> None:
    found = [history(f"node{number}/web") for number in (1, 2, 10)] + [history("node3/web", "failed", exit_status=1)]
    (row,) = folded_rows(members_by_name(found).values())
    assert (row.label, row.outcome, row.is_bad, row.target) == ("web", "1 failed, 3 ready", True, "web")
    assert row.details == ["4 components on node[1-3,10]"]


@pytest.mark.parametrize("begin", [0, 10])
def test_run_without_length_is_drawn(begin: float) -> None:
    found = [history(f"node{number}/web", started=10) for number in range(40)]
    traces, layout = figure(found, [], begin, 10)
    assert traces[0]["customdata"] == ["web"] and len(layout["annotations"]) == 1


def test_failed_names_keep_their_row() -> None:
    found = [history(f"node1/job{number}") for number in range(150)]
    found.append(history("node1/late", "failed", exit_status=1))
    names = list(members_by_name(found))
    assert (names[0], names[-1], len(names)) == ("job0", "late", MOST_ROWS)
    assert (rows_left_out(found), rows_left_out(found[-30:])) == (51, 0)
