"""The trace of a run: a process for each host, a thread for each component, and a slice for each phase."""

import json
from itertools import pairwise
from typing import Any

from fabfile.reporting.samples import Sample, Samples
from fabfile.reporting.trace import trace
from tests.support.results import EVIL, NOON, RUN, component


def slices(run: dict[str, Any]) -> dict[str, list[tuple[str, float, float]]]:
    """Return name, begin and duration of the slices by thread, in seconds since NOON. They must not overlap."""
    events = json.loads(trace(run, Samples()))["traceEvents"]
    names = {(each["name"], each["pid"], each["tid"]): each["args"].get("name") for each in events if each["ph"] == "M"}
    found: dict[str, list[tuple[str, float, float]]] = {}
    for kind, process, thread in names:
        if kind == "thread_name":
            own = [each for each in events if each["ph"] == "X" and (each["pid"], each["tid"]) == (process, thread)]
            assert all(one["ts"] + one["dur"] <= two["ts"] for one, two in pairwise(own))
            place = f"{names['process_name', process, thread]}/{names[kind, process, thread]}"
            found[place] = [(each["name"], each["ts"] / 1e6 - NOON, each["dur"] / 1e6) for each in own]
    return found


def test_trace_has_each_phase() -> None:
    assert slices(RUN) == {
        "Remote Runner/stages": [("sync", 0, 5.25), ("wait", 5.25, 55.25)],
        "node1/db": [("starting", 10, 10), ("ready", 20, 40.5)],
        "node1/gone": [("running", 10, 20)],
        "node1/late": [],
        "node2/db": [("running", 10, 40)],
        "node2/client": [("running", 20, 20)],
        f"node3/{EVIL}": [],
    }


def test_ends_of_slices_are_rounded_alike() -> None:
    """Rounded on their own, begin and duration of a slice may add up to more than the begin of the next one."""
    times = {"started": NOON + 1.0000014, "ready": NOON + 2.0000031}
    (_, own) = slices(RUN | {"stages": [], "components": [component("h/x", "ready", **times)]}).values()
    assert [name for name, *_ in own] == ["starting", "ready"]


def test_samples_are_counters_of_their_host() -> None:
    samples = Samples({"node1": [Sample(NOON + 11, 1.5, 3e6)]}, {"node2/db": [Sample(NOON + 12.5, 0.25, 2e6)]})
    events = json.loads(trace(RUN, samples))["traceEvents"]
    names = {each["pid"]: each["args"]["name"] for each in events if each["name"] == "process_name"}
    assert [
        (names[each["pid"]], each["name"], each["ts"] / 1e6 - NOON, each["args"])
        for each in events
        if each["ph"] == "C"
    ] == [
        ("node1", "CPU", 11, {"cores": 1.5}),
        ("node1", "memory", 11, {"MB": 3}),
        ("node2", "CPU of db", 12.5, {"cores": 0.25}),
        ("node2", "memory of db", 12.5, {"MB": 2}),
    ]
