"""`fab run` on three hosts and localhost."""

import pytest

from fabfile.transfer.inventory import PIECE
from tests.support.host_ranges import sent_to
from tests.support.lab import Lab

BIG = PIECE + 500_000  # a file that is sent in two pieces
SLEEPER = '#!/bin/sh\necho "$@"\nexec sleep 1000\n'
FIVE_COMPONENTS = """
def add(name, host, start_index, **more):
    config.add_component(Component(name=name, host=host, start_index=start_index, **more))

files = {"tree": "tree", "run.sh": "run.sh"}
for number in (1, 2, 3):
    more = {"big": "big"} if number == 1 else {}
    add(f"server{number}", f"node{number}", 1, executable="run.sh", base_dir="~/work", files=files | more)
add("client", "node1", 2, executable="run.sh", files={"run.sh": "run.sh"})
add("local", localhost, 3, executable="run.sh")
"""


def prepare(lab: Lab) -> None:
    lab.config(FIVE_COMPONENTS)
    lab.write("run.sh", SLEEPER, 0o755)
    for number in range(300):
        lab.write(f"tree/sub{number % 7}/file{number}", f"content {number}\n")
    with (lab.folder / "big").open("wb") as big:
        big.truncate(BIG)


def sent(output: str) -> list[int]:
    """Return how many files were sent to each remote host, by name of the host."""
    found = sent_to(output)
    return [found[host][0] for host in sorted(found) if host.startswith("node")]


@pytest.mark.transports("soak")
def test_later_runs_send_only_changes(lab: Lab) -> None:
    prepare(lab)
    assert sorted(sent(lab.run("run").stdout)) == [301, 301, 303]
    assert sent(lab.run("sync").stdout) == [0, 0, 0]
    lab.write("tree/sub1/file1", "content X\n")
    assert sent(lab.run("run").stdout) == [1, 1, 1]
    for host in (lab.node1, lab.node2, lab.node3):
        assert (host.home / "work/tree/sub1/file1").read_text() == "content X\n"
        assert (host.home / "work/tree/sub6/file6").read_text() == "content 6\n"
        assert host.sessions() == ["runner"]
    assert (lab.node1.home / "work/big").stat().st_size == BIG
    assert lab.here.sessions() == ["runner"]
