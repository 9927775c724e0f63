"""Connections that are tried again, and those for which that is no use."""

import threading

import pytest

from tests.support.farm import ThrowawayHost
from tests.support.lab import Lab
from tests.support.stages import configure


@pytest.mark.transports
def test_absent_host_is_retried(lab: Lab) -> None:
    configure(lab, ["node1"])
    lab.farm.stop(lab.node1)
    refused = lab.fab("kill", "-c", "cfg.py")
    assert (refused.returncode, "connection refused" in refused.stderr) == (1, True)
    timer = threading.Timer(1, lab.farm.start, [lab.node1])
    timer.start()
    try:
        assert lab.fab("kill", "-c", "cfg.py", "--retries", "20").returncode == 0
    finally:
        timer.join()


def test_hopeless_host_is_not_retried(lab: Lab) -> None:
    configure(lab, ["nobody@node1"])
    before = connected(lab.node1)
    done = lab.fab("kill", "-c", "cfg.py", "--retries", "2")
    assert (done.returncode, "permission denied for user nobody" in done.stderr) == (1, True)
    assert connected(lab.node1) == before + 1


def connected(host: ThrowawayHost) -> int:
    """How often somebody has connected."""
    return (host.folder / "sshd.log").read_text(errors="replace").count("\nConnection from ")
