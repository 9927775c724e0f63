"""Hosts whose clocks differ by years."""

import json
import os

from tests.support.farm import ThrowawayHost
from tests.support.lab import Lab
from tests.support.one_each import configure, states


def host_of_another_year(lab: Lab, name: str, years: int) -> ThrowawayHost:
    """Start a host whose clock differs by so many years."""
    lab.write(f"{name}/date", f"#!/bin/sh\nexec /bin/date -d '{years:+d} years' \"$@\"\n", 0o755)
    force = f'cd && PATH={lab.folder}/{name}:$PATH exec sh -c "$SSH_ORIGINAL_COMMAND"'
    return lab.farm.add(name, {"ForceCommand": force})


def test_clocks_may_differ_by_years(lab: Lab) -> None:
    early, late = host_of_another_year(lab, "early", -20), host_of_another_year(lab, "late", 10)
    configure(lab, "early", "node1", "late")
    lab.run("run")
    for host in (early, lab.node1, late):  # as if they had come from there
        os.utime(host.home / "f", (4_000_000_000, 4_000_000_000))
    assert "nothing sent" in lab.run("sync").stdout
    assert states(lab) == dict.fromkeys(("early", "node1", "late"), "running")
    lab.run("stop")
    assert states(lab) == dict.fromkeys(("early", "node1", "late"), "stopped")
    lab.run("collect")
    lab.run("report")
    (run,) = [json.loads(path.read_text()) for path in lab.folder.glob("results/2*/run.json")]
    started = {each["host"]: each["started"] for each in run["components"]}
    first, second, third = started["early"], started["node1"], started["late"]
    assert second - first > 19 * 365 * 86400
    assert third - second > 9 * 365 * 86400
