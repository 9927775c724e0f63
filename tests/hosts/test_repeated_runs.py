"""Repeated runs leave no growth of files, processes and sessions."""

import re

from tests.support.farm import ThrowawayHost, command_lines
from tests.support.lab import Lab
from tests.support.waiting import eventually
from tests.support.workload import configure

NOTES = ("times", "usage.csv", ".usage.csv")


def test_repeated_runs_leave_no_growth(lab: Lab) -> None:
    """`inv soak` does it a thousand times. A second run would leave more than the first one."""
    configure(lab, "same")
    lab.run("run")
    before = traces(lab.node1)
    lab.run("run")
    assert traces(lab.node1) == before


def traces(host: ThrowawayHost) -> tuple[object, ...]:
    """Return the traces of runs on a host with a sampler: files and their lines, programs, sessions."""
    eventually(lambda: [line.split(b"\0")[0] for line in command_lines(host.folder).values()].count(b"awk") == 1, "awk")
    files = [path for folder in (host.home, host.tmp) for path in folder.rglob("*") if path.is_file()]
    # The number of lines in `times` and of samples depends on when the output came, and on the time.
    # Each start has a token of its own, which is in the name of one file.
    names = {path: re.sub(r"/begun\.\d+$", "/begun", str(path)) for path in files if path.name not in NOTES}
    lines = {names[path]: path.read_bytes().count(b"\n") for path in names}
    programs = sorted(
        line.split(b"\0")[0] for line in command_lines(host.folder).values() if b"sleep\0001\0" not in line
    )
    return lines, programs, host.sessions()
