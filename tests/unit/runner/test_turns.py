"""The order in which hosts print their output."""

import threading

from fabfile.runner.follow import Turns
from fabfile.util.clock import SYSTEM_CLOCK

SECONDS = 20  # of patience for another thread


def test_hosts_print_in_natural_order() -> None:
    turns = Turns(["node10", "node2", "node1"], SYSTEM_CLOCK)
    printed: list[str] = []

    def work(host: str) -> None:
        turns.wait_for(host)
        printed.append(host)
        turns.end(host)

    threads = [threading.Thread(target=work, args=[host], daemon=True) for host in ("node10", "node2")]
    for thread in threads:
        thread.start()
    assert printed == []
    turns.end("node1")  # failed, or without output
    for thread in threads:
        thread.join(SECONDS)
    assert printed == ["node2", "node10"]


def test_late_host_loses_its_place() -> None:
    turns = Turns(["node1", "node2"], SYSTEM_CLOCK)
    began = SYSTEM_CLOCK.monotonic()
    turns.wait_for("node2")
    assert 2 < SYSTEM_CLOCK.monotonic() - began < 4.5, "3 s, as the documentation says"
    turns.end("node2")
    turns.wait_for("node1")
    turns.end("node1")


def test_brief_order_holds_no_host_back() -> None:
    """Though one is still printing. After its end, a host need not wait."""
    turns = Turns(["node1", "node2", "node3"], SYSTEM_CLOCK, is_brief=True)
    began = SYSTEM_CLOCK.monotonic()
    turns.wait_for("node1")
    turns.wait_for("node2")
    assert 2 < SYSTEM_CLOCK.monotonic() - began < SECONDS
    for _ in range(2):
        turns.end("node3")
    turns.wait_for("node3")
