"""Hosts whose clocks differ by years."""

import json
import os

import pytest

from tests.support.lab import Lab
from tests.support.one_each import configure, states


@pytest.mark.parametrize("years", [-20, 10])
def test_clocks_of_hosts_may_differ_by_years(lab: Lab, years: int) -> None:
    lab.write("bin/date", f"#!/bin/sh\nexec /bin/date -d '{years:+d} years' \"$@\"\n", 0o755)
    odd = lab.farm.add("odd", {"ForceCommand": f'cd && PATH={lab.folder}/bin:$PATH exec sh -c "$SSH_ORIGINAL_COMMAND"'})
    configure(lab, "odd", "node1")
    lab.run("run")
    for host in (odd, lab.node1):  # as if they had come from there
        os.utime(host.home / "f", (4_000_000_000, 4_000_000_000))
    assert "nothing sent" in lab.run("sync").stdout
    assert states(lab) == {"odd": "running", "node1": "running"}
    lab.run("stop")
    assert states(lab) == {"odd": "exited", "node1": "exited"}
    lab.run("collect")
    lab.run("report")
    (run,) = [json.loads(path.read_text()) for path in lab.folder.glob("results/*/run.json")]
    first, second = (each["started"] for each in run["components"])
    assert abs(first - second) > 9 * 365 * 86400
