"""Hosts of a group: as many at work at a time as is allowed."""

import threading

import pytest
from fabric import Config

from fabfile.remote.host import Host
from fabfile.ssh.host_group import HostGroup


@pytest.mark.parametrize("at_once", [1, 3])
def test_parallel_limits_the_hosts_at_work(at_once: int) -> None:
    names = [f"h{number}" for number in range(9)]
    begun, most, lock = 0, 0, threading.Lock()
    full = threading.Barrier(at_once)

    def work(host: Host) -> str:
        nonlocal begun, most
        with lock:
            begun += 1
            most = max(most, begun)
        full.wait(timeout=10)  # until as many as may are at work; more would have been counted
        with lock:
            begun -= 1
        return host.name

    results = dict(HostGroup(names, Config()).each(names, work, at_once))
    assert results == {name: name for name in names}
    assert most == at_once
